/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An interrupt message: what travels from the sender of an interrupt (a LAPIC's
 * ICR, an IOAPIC pin, a device's MSI) to LAPICs. One form for all three, since
 * the bus carries the same fields whoever filled them.
 *
 * See SDM vol. 3, "Interrupt Command Register (ICR)" and "Message Signalled
 * Interrupts".
 */
#ifndef LVX_PURE_APIC_MSG_H
#define LVX_PURE_APIC_MSG_H

#include "pure/pure.h"

/* Delivery modes: the encoding of ICR, LVT, IOAPIC and MSI bits 10:8. */
enum lvx_apic_mode {
	LVX_DM_FIXED,
	LVX_DM_LOWEST,
	LVX_DM_SMI,
	LVX_DM_RESERVED,	/* remote read once; no CPU has it any more */
	LVX_DM_NMI,
	LVX_DM_INIT,
	LVX_DM_SIPI,
	LVX_DM_EXTINT,
};

/* Destination shorthands: the encoding of ICR bits 19:18. */
enum lvx_apic_shorthand { LVX_TO_DEST, LVX_TO_SELF, LVX_TO_ALL, LVX_TO_OTHERS };

#define LVX_XAPIC_BROADCAST	0xffU
#define LVX_X2APIC_BROADCAST	0xffffffffU

/**
 * struct lvx_apic_msg - one interrupt message
 * @dest: destination field, for LVX_TO_DEST
 * @vector: vector, or the start page of a SIPI
 * @mode: enum lvx_apic_mode
 * @shorthand: enum lvx_apic_shorthand
 * @logical: @dest is a logical destination
 * @level: level-triggered
 * @assert: false only for the INIT level de-assert of old
 * @redir_hint: MSI's "any one of these", which makes a message lowest-priority
 * @x2apic: @dest has 32 bits and 0xff is no broadcast (the sender is a LAPIC
 *	in x2APIC mode, or MSIs are in x2APIC format)
 */
struct lvx_apic_msg {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
	bool assert;
	bool redir_hint;
	bool x2apic;
};

/* One of the matching LAPICs takes the message, not all of them. */
static inline bool lvx_msg_to_one(const struct lvx_apic_msg *msg)
{
	return msg->mode == LVX_DM_LOWEST || msg->redir_hint;
}

/**
 * lvx_msi_decode() - turn an MSI's address and data into a message
 * @address: the address; the bits above 31 count with @x2apic_format only
 * @data: the data
 * @x2apic_format: bits 63:40 carry bits 31:8 of the destination
 * @msg: filled in
 *
 * Return: false if the format forbids a bit that is set.
 */
static inline bool lvx_msi_decode(u64 address, u32 data, bool x2apic_format,
				  struct lvx_apic_msg *msg)
{
	u32 hi = upper_32_bits(address);

	if (x2apic_format && (hi & 0xff))
		return false;
	*msg = (struct lvx_apic_msg){
		.dest = (address >> 12) & 0xff,
		.vector = data & 0xff,
		.mode = (data >> 8) & 7,
		.logical = address & BIT(2),
		.level = data & BIT(15),
		.assert = true,
		.redir_hint = address & BIT(3),
		.x2apic = x2apic_format,
	};
	if (x2apic_format)
		msg->dest |= hi & 0xffffff00;
	return true;
}

#endif /* LVX_PURE_APIC_MSG_H */
