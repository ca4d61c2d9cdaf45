// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT as ranges, for those who want to see it.
 *
 * Neighbouring entries that continue each other make one extent. They are
 * gathered in small lots under the lock and handed over outside of it, so the
 * receiver may sleep. Between two lots the EPT may change: each lot was true
 * at one moment, the whole need not have been.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mmu/internal.h"

#define EXTENTS_PER_LOT	32
/* A lot also ends after this many entries, for the others' sake. */
#define ENTRIES_PER_LOT	4096

struct lot {
	u32 nr;
	struct lvx_mmu_extent extent[EXTENTS_PER_LOT];
};

static struct lvx_mmu_extent leaf_extent(u64 entry, unsigned int level, u64 gfn)
{
	u64 pages = lvx_ept_pages(level);

	return (struct lvx_mmu_extent) {
		.gpa = ALIGN_DOWN(gfn, pages) << PAGE_SHIFT,
		.hpa = entry & LVX_EPT_ADDR,
		.len = pages << PAGE_SHIFT,
		.page_size = pages << PAGE_SHIFT,
		.access = (entry & LVX_EPT_READ ? LVX_ACCESS_READ : 0) |
			  (entry & LVX_EPT_WRITE ? LVX_ACCESS_WRITE : 0) |
			  (entry & LVX_EPT_EXEC ? LVX_ACCESS_EXEC : 0),
		.accessed = entry & LVX_EPT_ACCESSED,
		.dirty = entry & LVX_EPT_DIRTY,
	};
}

static bool continues(const struct lvx_mmu_extent *a,
		      const struct lvx_mmu_extent *b)
{
	return a->gpa + a->len == b->gpa && a->hpa + a->len == b->hpa &&
	       a->page_size == b->page_size && a->access == b->access &&
	       a->accessed == b->accessed && a->dirty == b->dirty;
}

/* False: the lot is full. */
static bool add(struct lot *lot, const struct lvx_mmu_extent *leaf)
{
	struct lvx_mmu_extent *last = &lot->extent[lot->nr - 1];

	if (lot->nr && continues(last, leaf)) {
		last->len += leaf->len;
		return true;
	}
	if (lot->nr == EXTENTS_PER_LOT)
		return false;
	lot->extent[lot->nr++] = *leaf;
	return true;
}

/* Fill a lot from frame @gfn on. Returns where to go on; U64_MAX: at the end. */
static u64 gather(struct lvx_mmu *mmu, u64 gfn, struct lot *lot)
{
	unsigned int budget = ENTRIES_PER_LOT;
	struct lvx_mmu_extent leaf;
	struct lvx_ept_iter it;
	u64 entry, next;

	read_lock(&mmu->lock);
	lvx_ept_walk_start(mmu, &it, gfn, U64_MAX);
	while (it.entry && budget) {
		entry = READ_ONCE(*it.entry);
		if (lvx_ept_present(entry) && !lvx_ept_leaf(entry, it.level)) {
			lvx_ept_down(&it, entry);
			continue;
		}
		if (lvx_ept_present(entry)) {
			leaf = leaf_extent(entry, it.level, it.gfn);
			if (!add(lot, &leaf))
				break;
		}
		lvx_ept_next(&it);
		budget--;
	}
	next = it.entry ? it.gfn : U64_MAX;
	read_unlock(&mmu->lock);
	return next;
}

/**
 * lvx_mmu_list_extents() - list what the EPT maps, in ascending order
 * @vm: the VM
 * @fn: called for each extent; may sleep; anything but 0 ends the list
 * @arg: for @fn
 *
 * May sleep. What runs on across the bounds of a lot comes as two extents.
 *
 * Return: 0, -ENOMEM, or what @fn returned.
 */
int lvx_mmu_list_extents(struct lvx_vm *vm,
			 int (*fn)(const struct lvx_mmu_extent *extent,
				   void *arg), void *arg)
{
	struct lot *lot;
	u64 gfn = 0;
	int ret = 0;
	u32 i;

	lot = kmalloc(sizeof(*lot), GFP_KERNEL);
	if (!lot)
		return -ENOMEM;
	while (gfn != U64_MAX && !ret) {
		lot->nr = 0;
		gfn = gather(vm->mmu, gfn, lot);
		for (i = 0; i < lot->nr && !ret; i++)
			ret = fn(&lot->extent[i], arg);
		cond_resched();
	}
	kfree(lot);
	return ret;
}
