/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the MMU share.
 *
 * The idea that all of them rely on: an EPT entry repeats what the VMM's page
 * tables said at a moment when no invalidation of that address was going on.
 * Every change there is announced by the mmu notifier before it happens, and
 * takes the entry away. So the EPT never holds a page, and no page's state is
 * tracked here:
 *
 *	- no reference is taken; the host's own mapping is the reference,
 *	- an entry is writable only where the host's entry is writable and dirty
 *	  already, so nothing is left to tell the host when the entry goes,
 *	- an entry gives no right that the host's does not give.
 */
#ifndef LVX_MMU_INTERNAL_H
#define LVX_MMU_INTERNAL_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/rwlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/memslot.h"
#include "base/vm.h"
#include "mmu/mmu.h"
#include "pure/ept.h"

/* Buckets of "this frame has no slot", see known_mmio.c. */
#define LVX_MMIO_BITS	4

/**
 * struct lvx_mmu - a VM's EPT
 * @vm: whose
 * @eptp: the EPT pointer
 * @root: the topmost table; fixed, as are @levels and @max_level
 * @levels: of the tree
 * @max_level: of a leaf
 * @accessed: the CPUs set accessed bits; may go off at any time
 * @nx_large: leaves above level 1 are not executable
 * @device: memory of a device has been mapped; set once, never cleared
 * @lock: the entries: installed and relaxed by holders for reading, by cmpxchg;
 *	taken away and restricted by holders for writing. Never waited for
 *	with interrupts off, since holders for writing wait for other CPUs
 * @notify_lock: the fields below, up to @seq
 * @active: invalidations going on in the host's page tables
 * @start: these lie in @start ...
 * @end: ... to @end
 * @seq: invalidations that were over, and changes of slots, so far
 * @notifier: tells of changes in the host's page tables
 * @log_flags: KVM_DIRTY_LOG_*, under vm->slots_lock
 * @mmio: frames without a slot, with the generation of slots that said so
 * @mmio_generation: what an entry of @mmio must say to count
 */
struct lvx_mmu {
	struct lvx_vm *vm;
	u64 eptp;
	u64 *root;
	unsigned int levels;
	unsigned int max_level;
	bool accessed;
	bool nx_large;
	bool device;

	rwlock_t lock;

	spinlock_t notify_lock;		/* innermost */
	unsigned int active;
	unsigned long start, end;
	unsigned long seq;

	struct mmu_notifier notifier;
	u64 log_flags;

	u64 mmio_generation;
	u64 mmio[1 << LVX_MMIO_BITS];
};

/* ept.c: changing entries */
u64 *lvx_ept_alloc_table(void);
void lvx_ept_free_table(u64 *table);
void lvx_ept_walk_start(struct lvx_mmu *mmu, struct lvx_ept_iter *it,
			u64 gfn, u64 end);
bool lvx_ept_zap_locked(struct lvx_mmu *mmu, u64 gfn, u64 end,
			struct list_head *gone);
void lvx_ept_free_unlinked(struct list_head *gone, bool may_block);
bool lvx_ept_zap(struct lvx_mmu *mmu, u64 gfn, u64 end, bool may_block);
void lvx_ept_write_protect(struct lvx_mmu *mmu, u64 gfn, u64 end);
bool lvx_ept_write_protect_mask(struct lvx_mmu *mmu, u64 gfn,
				unsigned long mask);
bool lvx_ept_age(struct lvx_mmu *mmu, u64 gfn, u64 end, bool clear);
void lvx_ept_destroy(struct lvx_mmu *mmu);

static inline u64 *lvx_ept_table(u64 entry)
{
	return __va(entry & LVX_EPT_ADDR);
}

/* host.c: what the host's page tables say */
#define LVX_AROUND	16	/* pages that one fault looks at */

/**
 * struct lvx_host_page - what backs a frame, and its neighbours
 * @leaf: level-1 EPT entry with all rights that the host's page has; 0: no page
 * @level: of the host's own mapping, 1 to 3
 * @device: the frame or a neighbour is memory that the host doesn't cache
 * @first: the first frame in @around
 * @nr: how many there are; the wanted one is among them
 * @around: level-1 entries as @leaf
 */
struct lvx_host_page {
	u64 leaf;
	unsigned int level;
	unsigned int nr;
	bool device;
	u64 first;
	u64 around[LVX_AROUND];
};

void lvx_host_walk(struct mm_struct *mm, const struct lvx_memslot *slot,
		   u64 gfn, struct lvx_host_page *page);
int lvx_host_fault_in(struct mm_struct *mm, unsigned long hva, bool write);

/* notifier.c: keeping step with the host */
unsigned long lvx_notify_begin(struct lvx_mmu *mmu);
bool lvx_notify_changed(struct lvx_mmu *mmu, unsigned long seq,
			unsigned long start, unsigned long end);
void lvx_notify_slots(struct lvx_mmu *mmu);
int lvx_notify_register(struct lvx_mmu *mmu);

/* slots.c */
struct lvx_memslots *lvx_slots_alloc(u32 nr);

/* known_mmio.c */
void lvx_mmio_forget(struct lvx_mmu *mmu);
void lvx_mmio_remember(struct lvx_mmu *mmu, u64 generation, u64 gfn);
void lvx_mmio_new_generation(struct lvx_mmu *mmu, u64 generation);

#endif
