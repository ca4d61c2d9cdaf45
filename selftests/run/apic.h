/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The LAPIC for guest code, in both its modes: registers by their offset, the
 * way of access by apic_x2, which the host sets before the guest runs.
 */
#ifndef LVX_TEST_APIC_H
#define LVX_TEST_APIC_H

#include "guest.h"

#define APIC_MMIO	0xfee00000UL
#define MSR_APIC_BASE	0x1b
#define MSR_TSC		0x10
#define MSR_DEADLINE	0x6e0
#define BASE_X2APIC	(1UL << 10)

#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_LINT0	0x350
#define APIC_TIMER_INIT	0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define APIC_SELF_IPI	0x3f0

#define TIMER_PERIODIC	(1U << 17)
#define TIMER_DEADLINE	(1U << 18)
#define LVT_MASKED	(1U << 16)

extern volatile bool apic_x2;

static inline uint32_t apic_read(uint32_t reg)
{
	return apic_x2 ? rdmsr(0x800 + reg / 16) : mmio_read(APIC_MMIO + reg);
}

static inline void apic_write(uint32_t reg, uint32_t v)
{
	if (apic_x2)
		wrmsr(0x800 + reg / 16, v);
	else
		mmio_write(APIC_MMIO + reg, v);
}

static inline void apic_on(void)
{
	if (apic_x2)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_X2APIC);
	apic_write(APIC_SVR, 0x1ff);
	/* After reset LINT0 passes on what the PIC says. */
	apic_write(APIC_LVT_LINT0, LVT_MASKED | 0x700);
}

static inline void apic_icr(uint32_t dest, uint32_t low)
{
	if (apic_x2) {
		wrmsr(0x830, (uint64_t)dest << 32 | low);
		return;
	}
	mmio_write(APIC_MMIO + APIC_ICR2, dest << 24);
	mmio_write(APIC_MMIO + APIC_ICR, low);
}

#endif
