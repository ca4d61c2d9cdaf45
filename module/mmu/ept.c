// SPDX-License-Identifier: GPL-2.0
/*
 * Taking rights away from EPT entries, and tables out of the tree.
 *
 * A CPU keeps translations and pointers to tables in caches of its own. After
 * an entry lost a right, other CPUs may still use it until they execute INVEPT.
 * So whoever restricts an entry waits for that before letting go of the lock:
 * without the lock a second one could find the entry gone, believe that no CPU
 * knows it, and give the page away. And a table that was unlinked is neither
 * freed nor written to until then, since a CPU may be walking it.
 *
 * Giving rights needs no such care, see fault.c.
 */
#include <linux/list.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "mmu/internal.h"

/**
 * lvx_ept_alloc_table() - an empty table, charged to the VMM's memory cgroup
 *
 * May sleep. Return: the table, or NULL.
 */
u64 *lvx_ept_alloc_table(void)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	/* SecPageTables in /proc/meminfo, sec_pagetables in memory.stat. */
	if (table)
		mod_lruvec_page_state(virt_to_page(table),
				      NR_SECONDARY_PAGETABLE, 1);
	return table;
}

/**
 * lvx_ept_free_table() - free one table
 * @table: no CPU knows of it any more
 */
void lvx_ept_free_table(u64 *table)
{
	mod_lruvec_page_state(virt_to_page(table), NR_SECONDARY_PAGETABLE, -1);
	free_page((unsigned long)table);
}

/**
 * lvx_ept_walk_start() - begin a walk through a VM's EPT
 * @mmu: whose; the caller holds its lock
 * @it: the position
 * @gfn: first guest frame
 * @end: behind the last
 */
void lvx_ept_walk_start(struct lvx_mmu *mmu, struct lvx_ept_iter *it,
			u64 gfn, u64 end)
{
	lockdep_assert_held(&mmu->lock);
	lvx_ept_start(it, mmu->root, mmu->levels, PAGE_OFFSET, gfn, end);
}

/* The entry if it is a leaf; else 0, and the walk has gone on. */
static u64 leaf_or_move(struct lvx_ept_iter *it)
{
	u64 entry = READ_ONCE(*it->entry);

	if (!lvx_ept_present(entry))
		lvx_ept_next(it);
	else if (!lvx_ept_leaf(entry, it->level))
		lvx_ept_down(it, entry);
	else
		return entry;
	return 0;
}

/* Depth is bounded by the number of levels. */
static void free_subtree(u64 *table, unsigned int level, bool may_block)
{
	unsigned int i;

	for (i = 0; level > 1 && i < LVX_EPT_ENTRIES; i++)
		if (lvx_ept_present(table[i]) && !lvx_ept_leaf(table[i], level))
			free_subtree(lvx_ept_table(table[i]), level - 1,
				     may_block);
	lvx_ept_free_table(table);
	if (may_block)
		cond_resched();
}

/* Unlinked tables wait in a list through their struct page. */
static void unlink_table(u64 entry, unsigned int level, struct list_head *gone)
{
	struct page *page = virt_to_page(lvx_ept_table(entry));

	set_page_private(page, level);
	list_add(&page->lru, gone);
}

/**
 * lvx_ept_free_unlinked() - free what lvx_ept_zap_locked() unlinked
 * @gone: its list
 * @may_block: the caller may sleep
 *
 * To be called without the lock: there may be much to free.
 */
void lvx_ept_free_unlinked(struct list_head *gone, bool may_block)
{
	struct page *page, *next;
	unsigned int level;

	list_for_each_entry_safe(page, next, gone, lru) {
		list_del(&page->lru);
		level = page_private(page);
		set_page_private(page, 0);
		free_subtree(page_address(page), level, may_block);
	}
}

/**
 * lvx_ept_zap_locked() - unmap guest frames
 * @mmu: whose; the caller holds its lock for writing
 * @gfn: first frame
 * @end: behind the last
 * @gone: receives unlinked tables, for lvx_ept_free_unlinked()
 *
 * A subtree that lies inside the range is unlinked as a whole, so the time
 * under the lock does not depend on the size of the range. A large page that
 * reaches out of the range goes as a whole, too.
 *
 * Return: true if anything was mapped there; no CPU uses it any more.
 */
bool lvx_ept_zap_locked(struct lvx_mmu *mmu, u64 gfn, u64 end,
			struct list_head *gone)
{
	struct lvx_ept_iter it;
	bool flush = false;
	u64 entry;

	lockdep_assert_held_write(&mmu->lock);
	lvx_ept_walk_start(mmu, &it, gfn, end);
	while (it.entry) {
		entry = READ_ONCE(*it.entry);
		if (!lvx_ept_present(entry)) {
			lvx_ept_next(&it);
			continue;
		}
		if (!lvx_ept_leaf(entry, it.level)) {
			if (!lvx_ept_covered(&it)) {
				lvx_ept_down(&it, entry);
				continue;
			}
			unlink_table(entry, it.level - 1, gone);
		}
		WRITE_ONCE(*it.entry, 0);
		flush = true;
		lvx_ept_next(&it);
	}
	if (flush)
		lvx_request_all(mmu->vm, LVX_REQ_TLB_FLUSH, true);
	return flush;
}

/**
 * lvx_ept_zap() - unmap guest frames and free tables
 * @mmu: whose
 * @gfn: first frame
 * @end: behind the last
 * @may_block: the caller may sleep
 *
 * Return: as lvx_ept_zap_locked().
 */
bool lvx_ept_zap(struct lvx_mmu *mmu, u64 gfn, u64 end, bool may_block)
{
	LIST_HEAD(gone);
	bool mapped;

	write_lock(&mmu->lock);
	mapped = lvx_ept_zap_locked(mmu, gfn, end, &gone);
	write_unlock(&mmu->lock);
	lvx_ept_free_unlinked(&gone, may_block);
	return mapped;
}

/* Locked, since the CPU may set accessed and dirty bits meanwhile. */
static bool take_bit(u64 *entry, u64 bit)
{
	return test_and_clear_bit(__ffs(bit), (unsigned long *)entry);
}

/**
 * lvx_ept_write_protect() - make all pages of a range read-only
 * @mmu: whose
 * @gfn: first frame, on a slot's boundary
 * @end: behind the last, likewise
 *
 * Large pages stay large. May sleep. The caller holds slots_lock: the lock is
 * let go of before the flush, so no other dirty-log operation may take the
 * lack of a right for the end of its use.
 */
void lvx_ept_write_protect(struct lvx_mmu *mmu, u64 gfn, u64 end)
{
	struct lvx_ept_iter it;
	bool flush = false;
	u64 done = gfn;

	lockdep_assert_held(&mmu->vm->slots_lock);
	write_lock(&mmu->lock);
	lvx_ept_walk_start(mmu, &it, gfn, end);
	while (it.entry) {
		if (leaf_or_move(&it)) {
			flush |= take_bit(it.entry, LVX_EPT_WRITE);
			lvx_ept_next(&it);
		}
		/* Going down is no progress that survives a new start. */
		if (it.gfn == done)
			continue;
		done = it.gfn;
		if ((need_resched() || rwlock_needbreak(&mmu->lock)) &&
		    cond_resched_rwlock_write(&mmu->lock))
			lvx_ept_walk_start(mmu, &it, it.gfn, end);
	}
	write_unlock(&mmu->lock);
	if (flush)
		lvx_request_all(mmu->vm, LVX_REQ_TLB_FLUSH, true);
}

/**
 * lvx_ept_write_protect_mask() - make some of 64 pages read-only
 * @mmu: whose; the caller holds its lock for writing, and slots_lock
 * @gfn: frame of bit 0
 * @mask: which
 *
 * Return: true if the caller must have all vCPUs flush before it returns.
 */
bool lvx_ept_write_protect_mask(struct lvx_mmu *mmu, u64 gfn,
				unsigned long mask)
{
	struct lvx_ept_iter it;
	bool flush = false;

	lockdep_assert_held_write(&mmu->lock);
	lockdep_assert_held(&mmu->vm->slots_lock);
	lvx_ept_walk_start(mmu, &it, gfn + __ffs(mask), gfn + __fls(mask) + 1);
	while (it.entry) {
		if (!leaf_or_move(&it))
			continue;
		if (it.level > 1 || mask & BIT(it.gfn - gfn))
			flush |= take_bit(it.entry, LVX_EPT_WRITE);
		lvx_ept_next(&it);
	}
	return flush;
}

/**
 * lvx_ept_age() - were pages used?
 * @mmu: whose
 * @gfn: first frame
 * @end: behind the last
 * @clear: forget it, so that the next question is about the time from now on
 *
 * Translations in the CPUs' caches go on being used without being noted. That
 * is an error in the host's estimate, not in anyone's data, and not worth an
 * INVEPT; the host treats its own translations likewise.
 *
 * Without accessed bits whatever is mapped counts as used, and is forgotten by
 * unmapping it.
 *
 * Return: true if any page was used since it was mapped or last cleared.
 */
bool lvx_ept_age(struct lvx_mmu *mmu, u64 gfn, u64 end, bool clear)
{
	struct lvx_ept_iter it;
	bool accessed = READ_ONCE(mmu->accessed);
	bool young = false;
	u64 entry;

	if (!accessed && clear)
		return lvx_ept_zap(mmu, gfn, end, false);

	read_lock(&mmu->lock);
	lvx_ept_walk_start(mmu, &it, gfn, end);
	while (it.entry && (clear || !young)) {
		entry = leaf_or_move(&it);
		if (!entry)
			continue;
		if (!clear)
			young = !accessed || entry & LVX_EPT_ACCESSED;
		else if (entry & LVX_EPT_ACCESSED)
			young |= take_bit(it.entry, LVX_EPT_ACCESSED);
		lvx_ept_next(&it);
	}
	read_unlock(&mmu->lock);
	return young;
}

/**
 * lvx_ept_destroy() - free the whole tree
 * @mmu: whose; no vCPU and no notifier is left
 */
void lvx_ept_destroy(struct lvx_mmu *mmu)
{
	free_subtree(mmu->root, mmu->levels, true);
}
