/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format of EPT entries and of the EPT pointer, and the walk through a
 * tree of them. SDM, "The Extended Page Table Mechanism (EPT)".
 *
 * A level is counted from the leaves: 1 maps 4 KiB, 2 maps 2 MiB or points to
 * a table of level 1, and so on; a table of level N holds entries of level N.
 */
#ifndef LVX_PURE_EPT_H
#define LVX_PURE_EPT_H

#include "pure/pure.h"

#define LVX_EPT_READ		BIT_ULL(0)
#define LVX_EPT_WRITE		BIT_ULL(1)
#define LVX_EPT_EXEC		BIT_ULL(2)
#define LVX_EPT_RIGHTS		(LVX_EPT_READ | LVX_EPT_WRITE | LVX_EPT_EXEC)
/* Leaves: memory type, and "ignore the guest's PAT". */
#define LVX_EPT_UC		(0ULL << 3)
#define LVX_EPT_WB		(6ULL << 3)
#define LVX_EPT_MEMTYPE		(7ULL << 3)
#define LVX_EPT_IPAT		BIT_ULL(6)
/* Level 2 and above: maps a page. At level 1 the CPU ignores it. */
#define LVX_EPT_PAGE		BIT_ULL(7)
/* Written by the CPU if the EPT pointer says so; dirty in leaves only. */
#define LVX_EPT_ACCESSED	BIT_ULL(8)
#define LVX_EPT_DIRTY		BIT_ULL(9)
#define LVX_EPT_ADDR		GENMASK_ULL(51, 12)

#define LVX_EPT_MAX_LEVELS	5
#define LVX_EPT_ENTRIES		512

/* Mapped at all: any right. This is the CPU's own definition. */
static inline bool lvx_ept_present(u64 entry)
{
	return entry & LVX_EPT_RIGHTS;
}

/* Of a present entry: does it map a page, rather than point to a table? */
static inline bool lvx_ept_leaf(u64 entry, unsigned int level)
{
	return level == 1 || entry & LVX_EPT_PAGE;
}

/* How many 4 KiB pages an entry of this level spans. */
static inline u64 lvx_ept_pages(unsigned int level)
{
	return 1ULL << (9 * (level - 1));
}

static inline unsigned int lvx_ept_index(u64 gfn, unsigned int level)
{
	return (gfn >> (9 * (level - 1))) & (LVX_EPT_ENTRIES - 1);
}

/* Pointers to tables give all rights, so that the leaves alone decide. */
static inline u64 lvx_ept_make_table(u64 table)
{
	return table | LVX_EPT_RIGHTS;
}

/**
 * lvx_ept_make_leaf() - the entry that maps a page
 * @page: host-physical address, aligned to the level's page size
 * @level: 1 to 3
 * @bits: rights, memory type, LVX_EPT_IPAT
 *
 * Return: the entry, neither accessed nor dirty.
 */
static inline u64 lvx_ept_make_leaf(u64 page, unsigned int level, u64 bits)
{
	return page | bits | (level > 1 ? LVX_EPT_PAGE : 0);
}

/**
 * lvx_ept_make_part() - the entry for one part of a large page
 * @leaf: the leaf that is split
 * @level: its level, 2 or 3
 * @index: which part, 0 to 511
 *
 * Return: a leaf one level below; accessed and dirty if the whole was, since
 * no one knows which part was meant.
 */
static inline u64 lvx_ept_make_part(u64 leaf, unsigned int level,
				    unsigned int index)
{
	u64 part = leaf + ((index * lvx_ept_pages(level - 1)) << 12);

	return level == 2 ? part & ~LVX_EPT_PAGE : part;
}

u64 lvx_ept_pointer(u64 root, unsigned int levels, bool accessed_dirty);
unsigned int lvx_ept_fit(u64 gfn, u64 host, u64 first, u64 npages,
			 unsigned int max);

/**
 * struct lvx_ept_iter - a position in an EPT
 * @entry: the entry here; NULL: the walk is over
 * @level: its level
 * @gfn: the first frame of the walk's range that it spans
 *
 * The walk visits a parent before its children, and what is below an entry
 * only if told so by lvx_ept_down(). A loop looks like this:
 *
 *	lvx_ept_start(&it, root, levels, base, gfn, end);
 *	while (it.entry) {
 *		u64 entry = READ_ONCE(*it.entry);
 *
 *		if (lvx_ept_present(entry) && !lvx_ept_leaf(entry, it.level))
 *			lvx_ept_down(&it, entry);
 *		else
 *			lvx_ept_next(&it);
 *	}
 *
 * An interrupted walk goes on by a new start at the old @gfn.
 */
struct lvx_ept_iter {
	u64 *entry;
	unsigned int level;
	u64 gfn;
	/* private: */
	u64 end;
	unsigned int top;
	unsigned long base;
	u64 *table[LVX_EPT_MAX_LEVELS + 1];
};

void lvx_ept_start(struct lvx_ept_iter *it, u64 *root, unsigned int levels,
		   unsigned long base, u64 gfn, u64 end);
void lvx_ept_next(struct lvx_ept_iter *it);
void lvx_ept_down(struct lvx_ept_iter *it, u64 entry);
bool lvx_ept_covered(const struct lvx_ept_iter *it);

#endif
