// SPDX-License-Identifier: GPL-2.0
/*
 * Keeping in step with the host's page tables.
 *
 * The host announces a change of its page tables before it makes it, and says
 * when it is done. Between the two, nothing of that range may be read from
 * them into the EPT. A fault reads without a lock, so it has to find out
 * afterwards whether what it read still counts:
 *
 *	fault					host
 *	-----					----
 *	note seq				active++, range
 *	read slots, host's tables		take entries away (lock: write)
 *	lock for reading			change its tables
 *	  active in range, or seq changed?	seq++
 *	  no: install				active--
 *	unlock
 *
 * If the check comes before the host's "active++", the fault's entry is there
 * before the host gets the lock, and is taken away. If it comes between
 * "active++" and "active--", the fault sees that. If it comes later, it sees
 * the new seq, or had noted it and read the changed tables.
 *
 * Changes of slots are announced in the same way, since a fault uses them, too.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>

#include "mmu/internal.h"

/**
 * lvx_notify_begin() - before reading slots and the host's page tables
 * @mmu: whose
 *
 * Return: for lvx_notify_changed().
 */
unsigned long lvx_notify_begin(struct lvx_mmu *mmu)
{
	/* Pairs with the releases of seq: later reads see what it counts. */
	return smp_load_acquire(&mmu->seq);
}

/**
 * lvx_notify_changed() - may what was read be outdated?
 * @mmu: whose; the caller holds its lock for reading
 * @seq: from lvx_notify_begin(), before reading
 * @start: first address that was read about
 * @end: behind the last one
 *
 * Return: true if it must not be used.
 */
bool lvx_notify_changed(struct lvx_mmu *mmu, unsigned long seq,
			unsigned long start, unsigned long end)
{
	unsigned int active;
	bool in_range;

	lockdep_assert_held(&mmu->lock);
	/* Pairs with invalidate_end(): none left, then seq is new. */
	active = smp_load_acquire(&mmu->active);
	if (unlikely(active)) {
		spin_lock(&mmu->notify_lock);
		in_range = mmu->active && start < mmu->end && end > mmu->start;
		spin_unlock(&mmu->notify_lock);
		if (in_range)
			return true;
	}
	return READ_ONCE(mmu->seq) != seq;
}

static void count_change(struct lvx_mmu *mmu)
{
	lockdep_assert_held(&mmu->notify_lock);
	/* Pairs with lvx_notify_begin(): what changed is seen by then. */
	smp_store_release(&mmu->seq, mmu->seq + 1);
}

/**
 * lvx_notify_slots() - the slots have changed
 * @mmu: whose; the caller holds its lock for writing, and has published the
 *	new set under it
 *
 * Faults that still use the old set will find out and try again.
 */
void lvx_notify_slots(struct lvx_mmu *mmu)
{
	lockdep_assert_held_write(&mmu->lock);
	spin_lock(&mmu->notify_lock);
	count_change(mmu);
	spin_unlock(&mmu->notify_lock);
}

/* The smallest range that spans all that are active; mostly there is one. */
static void invalidate_begin(struct lvx_mmu *mmu, unsigned long start,
			     unsigned long end)
{
	spin_lock(&mmu->notify_lock);
	if (mmu->active) {
		mmu->start = min(mmu->start, start);
		mmu->end = max(mmu->end, end);
	} else {
		mmu->start = start;
		mmu->end = end;
	}
	WRITE_ONCE(mmu->active, mmu->active + 1);
	spin_unlock(&mmu->notify_lock);
}

static void invalidate_end(struct lvx_mmu *mmu)
{
	spin_lock(&mmu->notify_lock);
	count_change(mmu);
	/* Pairs with lvx_notify_changed(), which reads them the other way. */
	smp_store_release(&mmu->active, mmu->active - 1);
	spin_unlock(&mmu->notify_lock);
}

typedef bool (*range_fn)(struct lvx_mmu *mmu, u64 gfn, u64 end, bool arg);

/* Call @fn for the guest frames of each slot that the range touches. */
static bool in_each_slot(struct lvx_mmu *mmu, unsigned long start,
			 unsigned long end, range_fn fn, bool arg)
{
	struct lvx_memslots *slots;
	struct lvx_memslot *slot;
	unsigned long first, last;
	bool result = false;
	int idx;
	u32 i;

	idx = srcu_read_lock(&mmu->vm->srcu);
	/*
	 * A slot that goes away does so together with its entries, under the
	 * lock: if it isn't in the set any more, they are gone. And if a slot
	 * isn't in the set yet, the lock makes sure that the faults which will
	 * find it there see "active".
	 */
	read_lock(&mmu->lock);
	slots = lvx_memslots(mmu->vm);
	read_unlock(&mmu->lock);
	for (i = 0; i < slots->nr; i++) {
		slot = slots->slot[i];
		first = max(start, slot->hva);
		last = min(end, slot->hva + (slot->npages << PAGE_SHIFT));
		if (first >= last)
			continue;
		first = (first - slot->hva) >> PAGE_SHIFT;
		last = (last - slot->hva + PAGE_SIZE - 1) >> PAGE_SHIFT;
		result |= fn(mmu, slot->gfn + first, slot->gfn + last, arg);
	}
	srcu_read_unlock(&mmu->vm->srcu, idx);
	return result;
}

static struct lvx_mmu *to_mmu(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct lvx_mmu, notifier);
}

static int on_invalidate_start(struct mmu_notifier *notifier,
			       const struct mmu_notifier_range *range)
{
	struct lvx_mmu *mmu = to_mmu(notifier);

	invalidate_begin(mmu, range->start, range->end);
	in_each_slot(mmu, range->start, range->end, lvx_ept_zap,
		     mmu_notifier_range_blockable(range));
	return 0;
}

static void on_invalidate_end(struct mmu_notifier *notifier,
			      const struct mmu_notifier_range *range)
{
	invalidate_end(to_mmu(notifier));
}

static int on_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long start, unsigned long end)
{
	return in_each_slot(to_mmu(notifier), start, end, lvx_ept_age, true);
}

static int on_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			 unsigned long address)
{
	return in_each_slot(to_mmu(notifier), address, address + 1,
			    lvx_ept_age, false);
}

/*
 * The address space goes away, with no further notice. No thread is left that
 * could run a vCPU; but let nothing be mapped any more in any case.
 */
static void on_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct lvx_mmu *mmu = to_mmu(notifier);

	invalidate_begin(mmu, 0, ULONG_MAX);
	lvx_ept_zap(mmu, 0, U64_MAX, true);
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = on_invalidate_start,
	.invalidate_range_end = on_invalidate_end,
	.clear_flush_young = on_clear_young,
	.clear_young = on_clear_young,
	.test_young = on_test_young,
	.release = on_release,
};

/**
 * lvx_notify_register() - begin to keep in step
 * @mmu: whose
 *
 * Undone by lvx_mmu_stop(). Return: 0, -EINTR, -ENOMEM.
 */
int lvx_notify_register(struct lvx_mmu *mmu)
{
	mmu->notifier.ops = &notifier_ops;
	return mmu_notifier_register(&mmu->notifier, mmu->vm->mm);
}
