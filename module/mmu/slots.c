// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_USER_MEMORY_REGION: changing the set of memory slots under running
 * vCPUs.
 *
 * A change makes a new set, and publishes it in one step with taking away what
 * the EPT maps by the old one. vCPUs that need the set at that moment use
 * either; whoever got something from the old one finds out before he puts it
 * into the EPT (see notifier.c). The old set is freed when no one reads it.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

#include "mmu/internal.h"

/* KVM's limit for one slot, in 4 KiB pages. */
#define MAX_SLOT_PAGES	((1UL << 31) - 1)

/**
 * lvx_slots_alloc() - memory for a set of slots
 * @nr: how many
 */
struct lvx_memslots *lvx_slots_alloc(u32 nr)
{
	struct lvx_memslots *slots;

	slots = kvzalloc(struct_size(slots, slot, nr), GFP_KERNEL_ACCOUNT);
	if (slots)
		slots->nr = nr;
	return slots;
}

/* @old's set without @gone and with @new, either of which may be NULL. */
static struct lvx_memslots *make_set(const struct lvx_memslots *old,
				     const struct lvx_memslot *gone,
				     struct lvx_memslot *new)
{
	struct lvx_memslots *set;
	u32 i, nr = 0;

	set = lvx_slots_alloc(old->nr - !!gone + !!new);
	if (!set)
		return NULL;
	set->generation = old->generation + 1;
	for (i = 0; i < old->nr; i++) {
		if (old->slot[i] == gone)
			continue;
		if (new && new->gfn < old->slot[i]->gfn) {
			set->slot[nr++] = new;
			new = NULL;
		}
		set->slot[nr++] = old->slot[i];
	}
	if (new)
		set->slot[nr++] = new;
	return set;
}

/*
 * Publish a set, unmap frames of the old one and wait until no one uses the
 * old one.
 */
static void publish(struct lvx_vm *vm, struct lvx_memslots *set,
		    u64 gfn, u64 end)
{
	struct lvx_memslots *old = lvx_memslots(vm);
	struct lvx_mmu *mmu = vm->mmu;
	LIST_HEAD(gone);

	write_lock(&mmu->lock);
	rcu_assign_pointer(vm->slots, set);
	lvx_mmio_new_generation(mmu, set->generation);
	lvx_notify_slots(mmu);
	lvx_ept_zap_locked(mmu, gfn, end, &gone);
	write_unlock(&mmu->lock);

	lvx_ept_free_unlinked(&gone, true);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
}

static int alloc_dirty(struct lvx_mmu *mmu, struct lvx_memslot *slot)
{
	/* In whole 64-bit words, as user space's bitmap is. */
	slot->dirty = kvcalloc(BITS_TO_LONGS(slot->npages), sizeof(long),
			       GFP_KERNEL_ACCOUNT);
	if (!slot->dirty)
		return -ENOMEM;
	if (mmu->log_flags & KVM_DIRTY_LOG_INITIALLY_SET)
		bitmap_set(slot->dirty, 0, slot->npages);
	return 0;
}

/* Guest frames that the EPT reaches and the CPU's addresses have bits for. */
static u64 max_gfn(struct lvx_mmu *mmu)
{
	unsigned int bits = min_t(unsigned int, boot_cpu_data.x86_phys_bits,
				  PAGE_SHIFT + 9 * mmu->levels);

	return (1ULL << (bits - PAGE_SHIFT)) - 1;
}

static int delete_slot(struct lvx_vm *vm, struct lvx_memslot *old)
{
	struct lvx_memslots *set = make_set(lvx_memslots(vm), old, NULL);

	if (!set)
		return -ENOMEM;
	publish(vm, set, old->gfn, old->gfn + old->npages);
	kvfree(old->dirty);
	kfree(old);
	return 0;
}

/*
 * What of the old slot's mappings must go. A slot that did not move keeps
 * them: write protection comes later, or there was none. But when a dirty log
 * ends, small pages and missing rights should not stay behind.
 */
static u64 nr_stale(const struct lvx_memslot *old,
		    const struct lvx_memslot *new)
{
	if (!old || (old->gfn == new->gfn && !old->dirty))
		return 0;
	return old->npages;
}

/* Put @new in the place of @old (NULL: a new slot). Frees @new on failure. */
static int replace_slot(struct lvx_vm *vm, struct lvx_memslot *old,
			struct lvx_memslot *new)
{
	struct lvx_mmu *mmu = vm->mmu;
	struct lvx_memslots *set;
	bool logged = old && old->dirty;
	int ret = -EINVAL;
	u64 gfn;

	if (new->gfn + new->npages - 1 > max_gfn(mmu))
		goto free_slot;
	if (new->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		if (logged)
			new->dirty = old->dirty;
		ret = logged ? 0 : alloc_dirty(mmu, new);
		if (ret)
			goto free_slot;
	}
	set = make_set(lvx_memslots(vm), old, new);
	if (!set) {
		ret = -ENOMEM;
		goto free_dirty;
	}
	gfn = old ? old->gfn : new->gfn;
	publish(vm, set, gfn, gfn + nr_stale(old, new));

	if (old && new->dirty && !logged &&
	    !(mmu->log_flags & KVM_DIRTY_LOG_INITIALLY_SET))
		lvx_ept_write_protect(mmu, new->gfn, new->gfn + new->npages);
	if (logged && !new->dirty)
		kvfree(old->dirty);
	kfree(old);
	return 0;

free_dirty:
	if (!logged)
		kvfree(new->dirty);
free_slot:
	kfree(new);
	return ret;
}

/* KVM's rules for all that can be said without a look at the slots. */
static int check_region(const struct kvm_userspace_memory_region *region)
{
	u64 gpa = region->guest_phys_addr, size = region->memory_size;
	unsigned long hva = region->userspace_addr;
	unsigned long untagged = untagged_addr(region->userspace_addr);

	/* Bits 31:16 are the address space; there is but one. */
	if (region->slot >= LVX_NR_MEMSLOTS ||
	    region->flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return -EINVAL;
	if (!PAGE_ALIGNED(gpa) || !PAGE_ALIGNED(size) || !PAGE_ALIGNED(hva))
		return -EINVAL;
	if (gpa + size < gpa || size >> PAGE_SHIFT > MAX_SLOT_PAGES)
		return -EINVAL;
	/* Later accesses to user memory rely on this. */
	if (hva != untagged || !access_ok((void __user *)hva, size))
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct lvx_memslots *slots,
		     const struct lvx_memslot *slot)
{
	const struct lvx_memslot *other;
	u32 i;

	for (i = 0; i < slots->nr; i++) {
		other = slots->slot[i];
		if (other->id != slot->id &&
		    slot->gfn < other->gfn + other->npages &&
		    other->gfn < slot->gfn + slot->npages)
			return true;
	}
	return false;
}

static int set_slot(struct lvx_vm *vm,
		    const struct kvm_userspace_memory_region *region)
{
	struct lvx_memslots *slots = lvx_memslots(vm);
	struct lvx_memslot *old = lvx_slot_by_id(slots, region->slot);
	struct lvx_memslot *new;
	struct lvx_memslot wanted = {
		.gfn = region->guest_phys_addr >> PAGE_SHIFT,
		.npages = region->memory_size >> PAGE_SHIFT,
		.hva = region->userspace_addr,
		.flags = region->flags,
		.id = region->slot,
	};

	if (!wanted.npages)
		return old ? delete_slot(vm, old) : -EINVAL;
	if (old) {
		if (wanted.hva != old->hva || wanted.npages != old->npages ||
		    (wanted.flags ^ old->flags) & KVM_MEM_READONLY)
			return -EINVAL;
		if (wanted.gfn == old->gfn && wanted.flags == old->flags)
			return 0;
	}
	if (overlaps(slots, &wanted))
		return -EEXIST;
	new = kmemdup(&wanted, sizeof(wanted), GFP_KERNEL_ACCOUNT);
	return new ? replace_slot(vm, old, new) : -ENOMEM;
}

/**
 * lvx_mmu_set_slot() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM; the caller is a thread of its process
 * @region: creates a slot, deletes it (size 0), moves it or changes its flags
 *
 * May sleep. On return no vCPU uses what the change took away.
 *
 * Return: 0; -EINVAL: slot number, unknown flags, misaligned or wrapping
 * range, a range beyond the CPU's guest-physical addresses, user memory out of
 * bounds, deletion of no slot, change of size, user memory or read-only flag;
 * -EEXIST: overlap with another slot; -ENOMEM. Nothing has changed then.
 */
int lvx_mmu_set_slot(struct lvx_vm *vm,
		     const struct kvm_userspace_memory_region *region)
{
	int ret = check_region(region);

	if (ret)
		return ret;
	mutex_lock(&vm->slots_lock);
	ret = set_slot(vm, region);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
