// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: finding the one of a guest frame, and the mark in the dirty
 * log that every write to guest memory leaves, whoever writes.
 *
 * A set of slots never changes once published; a change publishes a new set.
 * So a reader's set is consistent in itself, and the generation in it tells
 * two sets apart.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>

#include "base/memslot.h"

/**
 * lvx_memslots() - the VM's slots at this moment
 * @vm: the caller holds its srcu for reading, or its slots_lock
 *
 * Return: the set; valid until the caller lets go of the lock.
 */
struct lvx_memslots *lvx_memslots(struct lvx_vm *vm)
{
	return srcu_dereference_check(vm->slots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock));
}

/**
 * lvx_slot_of_gfn() - find the slot of a guest frame
 * @slots: from lvx_memslots()
 * @gfn: guest frame number, any value
 *
 * Any context. Return: the slot, or NULL.
 */
struct lvx_memslot *lvx_slot_of_gfn(struct lvx_memslots *slots, u64 gfn)
{
	u32 low = 0, high = slots->nr, mid;
	struct lvx_memslot *slot;

	/* low becomes the number of slots that start at or before gfn. */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (slots->slot[mid]->gfn <= gfn)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;

	/* The guest chose gfn: no load from beyond the array or the slot. */
	slot = slots->slot[array_index_nospec(low - 1, slots->nr)];
	if (gfn - slot->gfn >= slot->npages)
		return NULL;
	return slot;
}

/**
 * lvx_slot_by_id() - find a slot by the number that user space gave it
 * @slots: from lvx_memslots()
 * @id: any value
 *
 * Linear: only ioctls ask. Return: the slot, or NULL.
 */
struct lvx_memslot *lvx_slot_by_id(struct lvx_memslots *slots, u32 id)
{
	u32 i;

	for (i = 0; i < slots->nr; i++)
		if (slots->slot[i]->id == id)
			return slots->slot[i];
	return NULL;
}

/**
 * lvx_mark_dirty() - note a write to guest memory in the dirty log
 * @slot: the slot that @gfn lies in
 * @gfn: guest frame number
 *
 * A writer marks after it has written; whoever makes a page writable for the
 * guest marks before the guest can write. Any context.
 */
void lvx_mark_dirty(struct lvx_memslot *slot, u64 gfn)
{
	/*
	 * Always the atomic operation, never a look first: it is also the
	 * barrier between the write and the mark. Without it KVM_GET_DIRTY_LOG
	 * could take the bit and user space copy the page before the write
	 * arrives there.
	 */
	if (slot->dirty)
		set_bit(gfn - slot->gfn, slot->dirty);
}
