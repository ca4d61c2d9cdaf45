/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segment descriptors and selectors: SDM, "Segment Descriptors". Access rights
 * are in the VMCS's format, which is the descriptor's second word but for the
 * bits of base and limit, and a bit of its own for "unusable".
 */
#ifndef LVX_PURE_SEGMENT_H
#define LVX_PURE_SEGMENT_H

#include "pure/pure.h"

struct segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/* Access rights. S_TYPE is zero in bit 4 for system descriptors. */
#define SEG_AR_TYPE		GENMASK(3, 0)
#define SEG_AR_S		BIT(4)
#define SEG_AR_S_TYPE		GENMASK(4, 0)
#define SEG_AR_DPL		GENMASK(6, 5)
#define SEG_AR_P		BIT(7)
#define SEG_AR_DB		BIT(14)
#define SEG_AR_G		BIT(15)
#define SEG_AR_UNUSABLE	BIT(16)

/* Of code and data */
#define SEG_AR_ACCESSED	BIT(0)
#define SEG_AR_WRITABLE	BIT(1)	/* code: readable */
#define SEG_AR_CONFORMING	BIT(2)	/* data: expand-down */
#define SEG_AR_CODE		BIT(3)

/* Types of system descriptors, with S_TYPE */
#define SEG_AR_TSS16		1
#define SEG_AR_LDT		2
#define SEG_AR_BUSY		BIT(1)	/* of a TSS's type */
#define SEG_AR_TSS32		9

#define SELECTOR_RPL(s)		((s) & 3)
#define SELECTOR_TI		BIT(2)
#define SELECTOR_NULL(s)	(!((s) & ~3))
/* As an error code: SDM, "Error Code". */
#define SELECTOR_ERROR(s)	((s) & ~3)

static inline u8 segment_dpl(const struct segment *seg)
{
	return (seg->ar & SEG_AR_DPL) >> 5;
}

/**
 * segment_unpack() - from a descriptor's eight bytes
 * @raw: them
 * @selector: by which it was found
 *
 * Return: the segment.
 */
static inline struct segment segment_unpack(u64 raw, u16 selector)
{
	struct segment seg = {
		.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000),
		.limit = (raw & 0xffff) | (raw >> 32 & 0xf0000),
		.ar = raw >> 40 & 0xf0ff,
		.selector = selector,
	};

	if (seg.ar & SEG_AR_G)
		seg.limit = seg.limit << 12 | 0xfff;
	return seg;
}

/* Do a selector's @len bytes lie in a table with this limit? */
static inline bool segment_in_table(u16 selector, u32 limit, unsigned int len)
{
	return (selector & ~7U) + len - 1 <= limit;
}

static inline bool segment_canonical(u64 la, u8 la_bits)
{
	return sign_extend64(la, la_bits - 1) == (s64)la;
}

#endif
