/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What module/vmx/ and the ioctls ask of the MMU: one EPT per VM, filled on
 * faults from the VMM's own page tables and kept in step with them by an mmu
 * notifier. Guest memory is never pinned.
 */
#ifndef LVX_MMU_MMU_H
#define LVX_MMU_MMU_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "base/vm.h"

/**
 * struct lvx_mmu_features - what the CPUs' EPT can do
 * @levels: of the tree, 4 or 5
 * @exec_only: entries may be executable and not readable
 * @accessed_dirty: the CPU sets accessed and dirty bits
 * @page_2m: there are 2 MiB pages
 * @page_1g: there are 1 GiB pages
 *
 * module/vmx/caps.c fills it before the first VM; the module parameters that
 * switch features off are already taken into account.
 */
struct lvx_mmu_features {
	u8 levels;
	bool exec_only;
	bool accessed_dirty;
	bool page_2m;
	bool page_1g;
};

extern struct lvx_mmu_features lvx_mmu_features;

/* The guest access behind an EPT violation (SDM, "Exit Qualification for EPT Violations"). */
#define LVX_ACCESS_READ		BIT(0)
#define LVX_ACCESS_WRITE	BIT(1)
#define LVX_ACCESS_EXEC		BIT(2)

enum lvx_fault {
	LVX_FAULT_FIXED,	/* mapped, or a signal came: enter again */
	LVX_FAULT_MMIO,		/* no slot */
	LVX_FAULT_READ_ONLY,	/* a write to a read-only slot */
	LVX_FAULT_BAD,		/* the slot has no usable page there: -EFAULT */
	LVX_FAULT_NO_MEMORY,	/* for the page or for a table: -ENOMEM */
};

int lvx_mmu_create(struct lvx_vm *vm);
/* Two steps: first no more notifier calls, then (no vCPU left) the pages. */
void lvx_mmu_stop(struct lvx_vm *vm);
void lvx_mmu_destroy(struct lvx_vm *vm);

/* The VM's EPT pointer, as the VMCS field wants it. */
u64 lvx_mmu_eptp(struct lvx_vm *vm);
/* The same for a vCPU whose page walks must not count as writes. */
u64 lvx_mmu_eptp_plain(struct lvx_vm *vm);

/* overlay.c: private copies of read-only pages, for one instruction */
struct lvx_overlay;
struct lvx_overlay *lvx_overlay_create(void);
void lvx_overlay_reset(struct lvx_overlay *overlay);
void lvx_overlay_destroy(struct lvx_overlay *overlay);
int lvx_overlay_add(struct lvx_vcpu *vcpu, struct lvx_overlay *overlay, u64 gpa);
u64 lvx_overlay_build(struct lvx_vcpu *vcpu, struct lvx_overlay *overlay);

/* Has the guest ever had a device's memory mapped? */
bool lvx_mmu_has_device(struct lvx_vm *vm);

/* Serve an EPT violation. May sleep; interrupts on. */
enum lvx_fault lvx_mmu_fault(struct lvx_vcpu *vcpu, u64 gpa, u32 access);

/*
 * Is @gpa known to have no slot? Any context; never true for a page that has
 * one, may be false for a page that has none (then ask lvx_mmu_fault()).
 */
bool lvx_mmu_known_mmio(struct lvx_vcpu *vcpu, u64 gpa);

/* KVM_SET_USER_MEMORY_REGION and the dirty log; errors as KVM's. */
int lvx_mmu_set_slot(struct lvx_vm *vm,
		     const struct kvm_userspace_memory_region *region);
int lvx_mmu_get_dirty_log(struct lvx_vm *vm, const struct kvm_dirty_log *log);
int lvx_mmu_clear_dirty_log(struct lvx_vm *vm,
			    const struct kvm_clear_dirty_log *log);

/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2's argument; -EINVAL if it is wrong. */
int lvx_mmu_set_manual_protect(struct lvx_vm *vm, u64 flags);

/* For introspection: walks the EPT, calls back once per run of like entries. */
struct lvx_mmu_extent {
	u64 gpa, hpa, len;
	u32 page_size;
	u8 access;		/* LVX_ACCESS_* */
	bool accessed, dirty;
};

int lvx_mmu_list_extents(struct lvx_vm *vm,
			 int (*fn)(const struct lvx_mmu_extent *extent,
				   void *arg), void *arg);

#endif
