/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory slots: which guest-physical range is which range of the VMM's own
 * address space. This file is the data structure and its lookup; what a change
 * of slots does to the EPT is module/mmu/slots.c's.
 */
#ifndef LVX_BASE_MEMSLOT_H
#define LVX_BASE_MEMSLOT_H

#include <linux/kvm.h>
#include <linux/srcu.h>
#include <linux/types.h>

#include "base/vm.h"

/* KVM_CAP_NR_MEMSLOTS: an ID equal to it is refused. */
#define LVX_NR_MEMSLOTS	1024

/**
 * struct lvx_memslot - one slot, immutable once published
 * @gfn: first guest frame number
 * @npages: 4 KiB pages, at least 1
 * @hva: where it starts in the VMM's address space
 * @flags: KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY
 * @id: KVM_SET_USER_MEMORY_REGION's slot number
 * @dirty: a bit a page, with KVM_MEM_LOG_DIRTY_PAGES; else NULL
 */
struct lvx_memslot {
	u64 gfn;
	u64 npages;
	unsigned long hva;
	u32 flags;
	u32 id;
	unsigned long *dirty;
};

/* A whole set of slots, replaced as one: sorted by gfn, no overlaps. */
struct lvx_memslots {
	u64 generation;		/* differs between any two sets of one VM */
	u32 nr;
	struct lvx_memslot *slot[];
};

static inline unsigned long lvx_slot_hva(const struct lvx_memslot *slot, u64 gfn)
{
	return slot->hva + ((gfn - slot->gfn) << PAGE_SHIFT);
}

/* Readers hold vm->srcu, writers vm->slots_lock. */
struct lvx_memslots *lvx_memslots(struct lvx_vm *vm);
struct lvx_memslot *lvx_slot_of_gfn(struct lvx_memslots *slots, u64 gfn);
struct lvx_memslot *lvx_slot_by_id(struct lvx_memslots *slots, u32 id);
void lvx_mark_dirty(struct lvx_memslot *slot, u64 gfn);

#endif
