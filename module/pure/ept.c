// SPDX-License-Identifier: GPL-2.0
/*
 * EPT arithmetic: the EPT pointer, the largest page that fits, and walking a
 * range of guest frames entry by entry.
 *
 * Nothing here changes an entry; who may do that, and under which lock, is
 * the MMU's business.
 */
#include "pure/ept.h"

/**
 * lvx_ept_pointer() - the value of the VMCS field "EPT pointer"
 * @root: host-physical address of the topmost table
 * @levels: 4 or 5
 * @accessed_dirty: let the CPU set accessed and dirty bits
 *
 * SDM, "Extended-Page-Table Pointer (EPTP)". The tables themselves are
 * ordinary write-back memory.
 */
u64 lvx_ept_pointer(u64 root, unsigned int levels, bool accessed_dirty)
{
	u64 eptp = root | 6 | (levels - 1) << 3;

	return accessed_dirty ? eptp | BIT_ULL(6) : eptp;
}

/**
 * lvx_ept_fit() - how large a page may map a frame
 * @gfn: guest frame, inside the slot
 * @host: number of the 4 KiB page of user memory that backs it
 * @first: the slot's first guest frame
 * @npages: the slot's size in 4 KiB pages
 * @max: largest level to think of, at least 1
 *
 * A large page needs guest frames and user memory aligned alike, and must not
 * reach out of the slot.
 *
 * Return: a level, 1 to @max.
 */
unsigned int lvx_ept_fit(u64 gfn, u64 host, u64 first, u64 npages,
			 unsigned int max)
{
	unsigned int level = 1;
	u64 pages, start;

	while (level < max) {
		pages = lvx_ept_pages(level + 1);
		start = ALIGN_DOWN(gfn, pages);
		if ((gfn ^ host) & (pages - 1) || start < first ||
		    start + pages > first + npages)
			break;
		level++;
	}
	return level;
}

static void set_position(struct lvx_ept_iter *it, unsigned int level)
{
	it->level = level;
	it->entry = &it->table[level][lvx_ept_index(it->gfn, level)];
}

/**
 * lvx_ept_start() - begin a walk
 * @it: the position
 * @root: topmost table
 * @levels: its level
 * @base: where physical address 0 is in the caller's address space
 * @gfn: first guest frame
 * @end: behind the last; what the EPT cannot reach is left out
 */
void lvx_ept_start(struct lvx_ept_iter *it, u64 *root, unsigned int levels,
		   unsigned long base, u64 gfn, u64 end)
{
	it->top = levels;
	it->base = base;
	it->table[levels] = root;
	it->gfn = gfn;
	it->end = min(end, lvx_ept_pages(levels + 1));
	it->entry = NULL;
	if (gfn < it->end)
		set_position(it, levels);
}

/**
 * lvx_ept_next() - go on behind the current entry
 * @it: the position
 *
 * What is below the current entry is left out.
 */
void lvx_ept_next(struct lvx_ept_iter *it)
{
	unsigned int level = it->level;
	u64 pages = lvx_ept_pages(level);

	it->gfn = ALIGN_DOWN(it->gfn, pages) + pages;
	if (it->gfn >= it->end) {
		it->entry = NULL;
		return;
	}
	/* Behind the last entry of a table comes its parent's sibling. */
	while (level < it->top && IS_ALIGNED(it->gfn, lvx_ept_pages(level + 1)))
		level++;
	set_position(it, level);
}

/**
 * lvx_ept_down() - go on at the first entry below the current one
 * @it: the position
 * @entry: what the caller read there: a pointer to a table
 */
void lvx_ept_down(struct lvx_ept_iter *it, u64 entry)
{
	it->table[it->level - 1] = (u64 *)(it->base + (entry & LVX_EPT_ADDR));
	set_position(it, it->level - 1);
}

/**
 * lvx_ept_covered() - is all that the current entry spans in the range?
 * @it: the position
 *
 * Return: false if the entry also spans frames that the walk does not ask for.
 */
bool lvx_ept_covered(const struct lvx_ept_iter *it)
{
	u64 pages = lvx_ept_pages(it->level);

	return IS_ALIGNED(it->gfn, pages) && it->gfn + pages <= it->end;
}
