// SPDX-License-Identifier: GPL-2.0
/*
 * Negotiation of a VMX control word with the CPU (SDM, "VMX Controls").
 */
#include "pure/controls.h"

/**
 * controls_resolve() - settle one control word
 * @msr: value of the word's capability MSR. Bits 31:0: a bit set here must be
 *	set in the word ("allowed 0-settings"); bits 63:32: a bit clear here
 *	must be clear ("allowed 1-settings")
 * @bits: the bits that lvx wants; all others are left at what the CPU demands
 * @nr: number of @bits
 * @word: the result
 * @missing: on failure, the name of the first required bit that the CPU lacks
 *
 * Return: 0, or -EOPNOTSUPP if a required bit can't be set; @word is then not
 * touched.
 */
int controls_resolve(u64 msr, const struct control_bit *bits, u32 nr,
		     u32 *word, const char **missing)
{
	u32 must = msr, may = msr >> 32, want = 0, i;

	for (i = 0; i < nr; i++) {
		if (may & bits[i].bit) {
			want |= bits[i].bit;
		} else if (bits[i].required) {
			*missing = bits[i].name;
			return -EOPNOTSUPP;
		}
	}
	*word = must | want;
	return 0;
}
