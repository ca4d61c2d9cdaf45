/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Negotiation of a VMX control word with the CPU.
 */
#ifndef LVX_PURE_CONTROLS_H
#define LVX_PURE_CONTROLS_H

#include "pure/pure.h"

/* One bit of a control word that lvx knows. */
struct control_bit {
	u32 bit;		/* mask of exactly one bit */
	bool required;		/* else: used where the CPU has it */
	const char *name;	/* the SDM's */
};

int controls_resolve(u64 msr, const struct control_bit *bits, u32 nr,
		     u32 *word, const char **missing);

#endif
