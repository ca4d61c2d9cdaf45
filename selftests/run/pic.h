/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PICs and the IOAPIC of a PC for guest code.
 */
#ifndef LVX_TEST_PIC_H
#define LVX_TEST_PIC_H

#include "guest.h"

#define PIC_BASE	0x30		/* the first PIC's vectors; then the second's */

#define IOAPIC		0xfec00000UL
#define RTE_LEVEL	(1U << 15)
#define RTE_MASKED	(1U << 16)

/* Masks: a set bit keeps the line back, as in the PIC's own register. */
static inline void pic_on(uint8_t mask, uint8_t mask2)
{
	const uint8_t words[][2] = {
		{ 0x20, 0x11 }, { 0x21, PIC_BASE }, { 0x21, 4 }, { 0x21, 1 },
		{ 0xa0, 0x11 }, { 0xa1, PIC_BASE + 8 }, { 0xa1, 2 }, { 0xa1, 1 },
		{ 0x21, mask }, { 0xa1, mask2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		outb(words[i][0], words[i][1]);
}

static inline uint32_t ioapic_read(uint32_t reg)
{
	mmio_write(IOAPIC, reg);
	return mmio_read(IOAPIC + 0x10);
}

static inline void ioapic_write(uint32_t reg, uint32_t v)
{
	mmio_write(IOAPIC, reg);
	mmio_write(IOAPIC + 0x10, v);
}

/* The low half of the pin's redirection table entry; the high one: to APIC 0. */
static inline void ioapic_pin(uint32_t pin, uint32_t low)
{
	ioapic_write(0x11 + 2 * pin, 0);
	ioapic_write(0x10 + 2 * pin, low);
}

#endif
