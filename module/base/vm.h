/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine as every layer sees it. Each layer hangs its own state
 * off an opaque pointer and creates and destroys it in functions that
 * module/vm_ioctl.c calls in the order of the levels.
 */
#ifndef LVX_BASE_VM_H
#define LVX_BASE_VM_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>

#include "base/bus.h"
#include "base/vcpu.h"

#define LVX_MAX_VCPUS	1024
#define LVX_MAX_VCPU_ID	4096	/* IDs may be sparse */

/* KVM's departures from a CPU that lvx has, too, and can be told to leave. */
#define LVX_QUIRKS	(KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
			 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

struct lvx_irqchip;
struct lvx_memslots;
struct lvx_mmu;
struct lvx_msr_filter;
struct lvx_vmclock;

/*
 * struct lvx_vm: one virtual machine
 *
 * Lock order: @lock > vCPU mutex > @slots_lock > mmap_lock > the MMU's lock;
 * the interrupt controllers' spinlocks are innermost. See
 * Documentation/locking.rst.
 */
struct lvx_vm {
	struct mm_struct *mm;		/* ioctls from another mm: EIO */
	pid_t pid;			/* of the thread that created it */
	refcount_t users;		/* file descriptors, VM and vCPUs */

	/* lock: creation of vCPUs and devices, capabilities switched on */
	struct mutex lock;
	u32 nr_created;			/* vCPUs being created or there */
	u32 max_vcpu_id;		/* KVM_CAP_MAX_VCPU_ID; 0: not set */
	u32 bsp_id;			/* KVM_SET_BOOT_CPU_ID */
	u64 disabled_quirks;		/* KVM_X86_QUIRK_* */
	bool hide_platform_info;	/* KVM_CAP_MSR_PLATFORM_INFO switched off */
	u32 user_msr_reasons;		/* KVM_MSR_EXIT_REASON_* user space wants */
	struct lvx_msr_filter __rcu *msr_filter;

	/*
	 * vcpus[0 .. nr_vcpus) never change once published: nr_vcpus is
	 * stored with release after the pointer and loaded with acquire.
	 */
	struct lvx_vcpu **vcpus;
	u32 nr_vcpus;

	/* slots_lock: writers of the memory slots; srcu: readers */
	struct mutex slots_lock;
	struct srcu_struct srcu;
	struct lvx_memslots __rcu *slots;

	struct lvx_bus bus[LVX_NR_BUSES];
	void *ring;			/* coalesced writes; shared by the vCPUs */

	struct lvx_mmu *mmu;
	struct lvx_irqchip *irqchip;	/* stored with release, once */
	struct lvx_vmclock *clock;

	u32 tsc_khz;			/* of new vCPUs */
	u64 tsc_offset;			/* set last; see vmx/tsc.c */
	bool tsc_offset_valid;
	bool dead;			/* see LVX_REQ_DEAD */
	u64 number;			/* for names: lvx-vm NUMBER */
	void *introspect;
};

/* All vCPUs that are published at this moment. */
#define lvx_for_each_vcpu(vm, i, vcpu)					\
	for ((i) = 0; (i) < smp_load_acquire(&(vm)->nr_vcpus) &&	\
	     ((vcpu) = (vm)->vcpus[i], true); (i)++)

struct lvx_vcpu *lvx_vcpu_by_id(struct lvx_vm *vm, u32 id);

#endif
