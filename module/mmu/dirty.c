// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: which pages of a slot were written since user space last
 * asked.
 *
 * A page whose bit is clear is not writable in the EPT; the first write faults,
 * sets the bit and makes that page writable. So a bit is cleared first and its
 * page write-protected second, under one hold of the MMU's lock, and vCPUs
 * flush before user space gets to see the bit: a write is then either in the
 * memory that user space will copy, or sets the bit anew.
 *
 * Write protection leaves large pages whole; the first write splits one. Until
 * then a guest that only reads keeps its large pages.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mmu/internal.h"

/**
 * lvx_mmu_set_manual_protect() - KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @vm: the VM
 * @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, KVM_DIRTY_LOG_INITIALLY_SET
 *
 * Return: 0; -EINVAL: unknown flags, or the second without the first.
 */
int lvx_mmu_set_manual_protect(struct lvx_vm *vm, u64 flags)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (flags & ~allowed)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->mmu->log_flags = flags;
	mutex_unlock(&vm->slots_lock);
	return 0;
}

/* -EINVAL, or -ENOENT if the slot has no log. */
static struct lvx_memslot *logged_slot(struct lvx_vm *vm, u32 id)
{
	struct lvx_memslot *slot;

	if (id >= LVX_NR_MEMSLOTS)
		return ERR_PTR(-EINVAL);
	slot = lvx_slot_by_id(lvx_memslots(vm), id);
	return slot && slot->dirty ? slot : ERR_PTR(-ENOENT);
}

/*
 * Clear bits of the log and protect their pages. @bits says which, and
 * receives which of them were set; @first is the page of its first bit.
 */
static void take_bits(struct lvx_mmu *mmu, struct lvx_memslot *slot,
		      u64 first, unsigned long *bits, u64 nr_longs)
{
	unsigned long *log = slot->dirty + first / BITS_PER_LONG;
	bool flush = false;
	u64 i;

	write_lock(&mmu->lock);
	for (i = 0; i < nr_longs; i++) {
		/* Fully ordered, which pairs with lvx_mark_dirty(). */
		if (bits[i])
			bits[i] &= atomic_long_fetch_andnot(bits[i],
						(atomic_long_t *)&log[i]);
		if (bits[i])
			flush |= lvx_ept_write_protect_mask(mmu,
					slot->gfn + first + i * BITS_PER_LONG,
					bits[i]);
		if (need_resched() || rwlock_needbreak(&mmu->lock))
			cond_resched_rwlock_write(&mmu->lock);
	}
	write_unlock(&mmu->lock);
	/* slots_lock kept others from relying on the protection until now. */
	if (flush)
		lvx_request_all(mmu->vm, LVX_REQ_TLB_FLUSH, true);
}

/* Give bits back that could not be handed to user space. */
static void return_bits(struct lvx_memslot *slot, const unsigned long *bits,
			u64 nr_longs)
{
	u64 i;

	for (i = 0; i < nr_longs; i++)
		if (bits[i])
			atomic_long_or(bits[i],
				       (atomic_long_t *)&slot->dirty[i]);
}

static int get_log(struct lvx_vm *vm, const struct kvm_dirty_log *log)
{
	struct lvx_memslot *slot = logged_slot(vm, log->slot);
	unsigned long *bits;
	u64 nr_longs;
	int ret = 0;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	nr_longs = BITS_TO_LONGS(slot->npages);
	if (vm->mmu->log_flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		return copy_to_user(log->dirty_bitmap, slot->dirty,
				    nr_longs * sizeof(long)) ? -EFAULT : 0;

	bits = kvmalloc_array(nr_longs, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	memset(bits, 0xff, nr_longs * sizeof(long));
	take_bits(vm->mmu, slot, 0, bits, nr_longs);
	if (copy_to_user(log->dirty_bitmap, bits, nr_longs * sizeof(long))) {
		return_bits(slot, bits, nr_longs);
		ret = -EFAULT;
	}
	kvfree(bits);
	return ret;
}

/**
 * lvx_mmu_get_dirty_log() - KVM_GET_DIRTY_LOG
 * @vm: the VM
 * @log: slot and user space's bitmap, a bit a page, in whole 64-bit words
 *
 * Clears the log, unless manual protection is on. May sleep.
 *
 * Return: 0; -EINVAL: slot number; -ENOENT: no such slot, or it has no log;
 * -EFAULT; -ENOMEM.
 */
int lvx_mmu_get_dirty_log(struct lvx_vm *vm, const struct kvm_dirty_log *log)
{
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = get_log(vm, log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int clear_log(struct lvx_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct lvx_memslot *slot = logged_slot(vm, log->slot);
	u64 nr_longs = BITS_TO_LONGS(log->num_pages);
	unsigned long *bits;
	u64 left;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (log->first_page > slot->npages)
		return -EINVAL;
	left = slot->npages - log->first_page;
	/* Whole words, except for the slot's last. */
	if (log->num_pages > left ||
	    (log->num_pages < left && log->num_pages % BITS_PER_LONG))
		return -EINVAL;
	if (!nr_longs)
		return 0;

	bits = kvmalloc_array(nr_longs, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	if (copy_from_user(bits, log->dirty_bitmap, nr_longs * sizeof(long))) {
		kvfree(bits);
		return -EFAULT;
	}
	take_bits(vm->mmu, slot, log->first_page, bits, nr_longs);
	kvfree(bits);
	return 0;
}

/**
 * lvx_mmu_clear_dirty_log() - KVM_CLEAR_DIRTY_LOG
 * @vm: the VM
 * @log: slot, range of pages, and user space's bitmap of those to clear
 *
 * May sleep.
 *
 * Return: 0; -EINVAL: slot number, or a range that is not whole 64-bit words
 * of the log; -ENOENT: no such slot, or it has no log; -EFAULT; -ENOMEM.
 */
int lvx_mmu_clear_dirty_log(struct lvx_vm *vm,
			    const struct kvm_clear_dirty_log *log)
{
	int ret;

	if (log->first_page % BITS_PER_LONG)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = clear_log(vm, log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
