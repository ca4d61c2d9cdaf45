// SPDX-License-Identifier: GPL-2.0
/*
 * A VM's MMU: its life, and what the CPUs can do.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/cpu.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>

#include "mmu/internal.h"

struct lvx_mmu_features lvx_mmu_features;

/*
 * On some CPUs a guest can bring the machine down by executing from a large
 * page whose size changes under its feet (INTEL-SA-00210, "ITLB multihit").
 * There, large pages are not executable, and code is mapped by small ones.
 */
static int nx_large_pages = -1;
module_param(nx_large_pages, int, 0444);
MODULE_PARM_DESC(nx_large_pages, "large pages are not executable: 1, 0, or -1: where the CPU needs it");

static bool want_nx_large(void)
{
	if (nx_large_pages >= 0)
		return nx_large_pages;
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

static unsigned int max_level(void)
{
	if (!lvx_mmu_features.page_2m)
		return 1;
	return lvx_mmu_features.page_1g ? 3 : 2;
}

/* Fixed-size allocations with nothing in them that refers to others. */
static struct lvx_mmu *alloc_mmu(struct lvx_vm *vm)
{
	struct lvx_mmu *mmu = kzalloc(sizeof(*mmu), GFP_KERNEL_ACCOUNT);

	if (!mmu)
		return NULL;
	mmu->vm = vm;
	mmu->levels = lvx_mmu_features.levels;
	mmu->max_level = max_level();
	mmu->accessed = lvx_mmu_features.accessed_dirty;
	mmu->nx_large = want_nx_large();
	rwlock_init(&mmu->lock);
	spin_lock_init(&mmu->notify_lock);
	mmu->root = lvx_ept_alloc_table();
	if (!mmu->root) {
		kfree(mmu);
		return NULL;
	}
	mmu->eptp = lvx_ept_pointer(__pa(mmu->root), mmu->levels,
				    mmu->accessed);
	return mmu;
}

static void free_mmu(struct lvx_mmu *mmu)
{
	lvx_ept_destroy(mmu);
	kfree(mmu);
}

/**
 * lvx_mmu_create() - give a VM an empty EPT and an empty set of slots
 * @vm: its mm is the caller's, its srcu is ready
 *
 * May sleep. Return: 0, -ENOMEM, -EINTR.
 */
int lvx_mmu_create(struct lvx_vm *vm)
{
	struct lvx_memslots *slots;
	struct lvx_mmu *mmu;
	int ret = -ENOMEM;

	mmu = alloc_mmu(vm);
	if (!mmu)
		return -ENOMEM;
	slots = lvx_slots_alloc(0);
	if (!slots)
		goto free_mmu;
	slots->generation = 1;
	lvx_mmio_forget(mmu);
	lvx_mmio_new_generation(mmu, slots->generation);
	RCU_INIT_POINTER(vm->slots, slots);
	vm->mmu = mmu;
	/* The last step: the notifier uses all of the above at once. */
	ret = lvx_notify_register(mmu);
	if (ret)
		goto free_slots;
	return 0;

free_slots:
	vm->mmu = NULL;
	RCU_INIT_POINTER(vm->slots, NULL);
	kvfree(slots);
free_mmu:
	free_mmu(mmu);
	return ret;
}

/**
 * lvx_mmu_stop() - no more notifier calls
 * @vm: from the last user's thread, which need not have the VM's mm
 *
 * May sleep. The EPT is empty afterwards and stays so.
 */
void lvx_mmu_stop(struct lvx_vm *vm)
{
	mmu_notifier_unregister(&vm->mmu->notifier, vm->mm);
}

/**
 * lvx_mmu_destroy() - free slots and EPT
 * @vm: after lvx_mmu_stop(), and without vCPUs
 */
void lvx_mmu_destroy(struct lvx_vm *vm)
{
	struct lvx_memslots *slots = rcu_dereference_protected(vm->slots, true);
	u32 i;

	for (i = 0; i < slots->nr; i++) {
		kvfree(slots->slot[i]->dirty);
		kfree(slots->slot[i]);
	}
	kvfree(slots);
	RCU_INIT_POINTER(vm->slots, NULL);
	free_mmu(vm->mmu);
	vm->mmu = NULL;
}

/**
 * lvx_mmu_has_device() - has a guest ever had a device's memory mapped?
 * @vm: the VM
 *
 * That is memory which the VMM itself maps uncached, such as the BAR of a device
 * that it drives by VFIO. Any context.
 */
bool lvx_mmu_has_device(struct lvx_vm *vm)
{
	return READ_ONCE(vm->mmu->device);
}

/**
 * lvx_mmu_eptp() - the VM's EPT pointer, as the VMCS field wants it
 * @vm: the VM
 *
 * Any context. It stays the same as long as the VM lives.
 */
u64 lvx_mmu_eptp(struct lvx_vm *vm)
{
	return vm->mmu->eptp;
}

/**
 * lvx_mmu_eptp_plain() - the EPT pointer, with which page walks are no writes
 * @vm: the VM
 *
 * With accessed and dirty bits for EPT each read of a guest's page table counts
 * as a write (SDM, "Accessed and Dirty Flags for EPT"), which a table in a
 * read-only slot doesn't allow. From now on lvx doesn't trust the accessed bits
 * of this VM, as one of its vCPUs doesn't set them.
 *
 * Any context.
 */
u64 lvx_mmu_eptp_plain(struct lvx_vm *vm)
{
	struct lvx_mmu *mmu = vm->mmu;

	WRITE_ONCE(mmu->accessed, false);
	return lvx_ept_pointer(__pa(mmu->root), mmu->levels, false);
}
