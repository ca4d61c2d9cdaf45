// SPDX-License-Identifier: GPL-2.0
/*
 * Access to guest memory through the VMM's own mapping of it. That needs no
 * mapping in the kernel, no reference to a page and no notice when the page
 * goes away: the host's page tables are asked at each access, and what they
 * refuse, user space could not do either.
 */
#include <linux/mm.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "base/guest.h"
#include "base/memslot.h"

/*
 * A number is read at once, so that another vCPU's change is seen whole or not at
 * all: of page-table entries, that is what CPUs rely on. The slot passed
 * access_ok() when it was made. Returns the bytes that are left.
 */
static unsigned long read_user(void *data, const void __user *user, size_t len)
{
	unsigned long at = (unsigned long)user;
	u64 v64;
	u32 v32;

	if (len == 8 && IS_ALIGNED(at, 8)) {
		if (__get_user(v64, (const u64 __user *)user))
			return len;
		memcpy(data, &v64, 8);
		return 0;
	}
	if (len == 4 && IS_ALIGNED(at, 4)) {
		if (__get_user(v32, (const u32 __user *)user))
			return len;
		memcpy(data, &v32, 4);
		return 0;
	}
	return copy_from_user(data, user, len);
}

/* The slot of a frame that can be accessed so, or NULL. */
static struct lvx_memslot *slot_for(struct lvx_memslots *slots, u64 gfn,
				    bool write)
{
	struct lvx_memslot *slot = lvx_slot_of_gfn(slots, gfn);

	return slot && !(write && slot->flags & KVM_MEM_READONLY) ? slot : NULL;
}

/* @len bytes that do not cross a page. */
static int access_page(struct lvx_memslots *slots, u64 gpa, void *data,
		       size_t len, bool write)
{
	struct lvx_memslot *slot = slot_for(slots, gpa >> PAGE_SHIFT, write);
	unsigned long left;
	void __user *user;

	if (!slot)
		return -EFAULT;

	user = (void __user *)(lvx_slot_hva(slot, gpa >> PAGE_SHIFT) +
			       offset_in_page(gpa));
	if (write) {
		left = copy_to_user(user, data, len);
		/* Also after a fault: the first bytes may have arrived. */
		lvx_mark_dirty(slot, gpa >> PAGE_SHIFT);
	} else {
		left = read_user(data, user, len);
	}
	return left ? -EFAULT : 0;
}

static int access_guest(struct lvx_vm *vm, u64 gpa, void *data, size_t len,
			bool write)
{
	struct lvx_memslots *slots;
	int idx, ret = 0;
	size_t chunk;

	idx = srcu_read_lock(&vm->srcu);
	slots = lvx_memslots(vm);
	for (; len && !ret; gpa += chunk, data += chunk, len -= chunk) {
		chunk = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		ret = access_page(slots, gpa, data, chunk, write);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/**
 * lvx_read_guest() - copy from guest memory
 * @vm: the VM; the caller is a thread of its process
 * @gpa: guest-physical address; may cross pages and slots
 * @data: receives the bytes
 * @len: how many
 *
 * Four or eight aligned bytes are read at once. May sleep. Return: 0, or -EFAULT
 * with @data partly written: no slot, or no page behind it.
 */
int lvx_read_guest(struct lvx_vm *vm, u64 gpa, void *data, size_t len)
{
	return access_guest(vm, gpa, data, len, false);
}

/**
 * lvx_write_guest() - copy to guest memory
 * @vm: the VM; the caller is a thread of its process
 * @gpa: guest-physical address; may cross pages and slots
 * @data: the bytes
 * @len: how many
 *
 * Marks the pages in the dirty log. May sleep. Return: 0, or -EFAULT with the
 * guest's memory partly written: no slot, a read-only slot, or no page.
 */
int lvx_write_guest(struct lvx_vm *vm, u64 gpa, const void *data, size_t len)
{
	/* A write only reads @data. */
	return access_guest(vm, gpa, (void *)data, len, true);
}

/**
 * lvx_is_guest_memory() - does the guest have memory there?
 * @vm: the VM
 * @gpa: guest-physical address; may cross pages and slots
 * @len: how many bytes, at least 1
 * @write: memory that can be written
 *
 * Return: whether such slots cover it, now. Pages behind them may be missing.
 */
bool lvx_is_guest_memory(struct lvx_vm *vm, u64 gpa, size_t len, bool write)
{
	u64 gfn = gpa >> PAGE_SHIFT, last = (gpa + len - 1) >> PAGE_SHIFT;
	bool covered = gfn <= last;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	for (; covered && gfn <= last; gfn++)
		covered = slot_for(lvx_memslots(vm), gfn, write);
	srcu_read_unlock(&vm->srcu, idx);
	return covered;
}

/* The slot passed access_ok() when it was made. */
static int cmpxchg_user(void __user *user, u64 *old, u64 new, unsigned int len)
{
	u32 old32 = *old;
	int ret;

	if (len == 8)
		return __try_cmpxchg_user((u64 __user *)user, old, new, fault8);
	if (len != 4)
		return -EFAULT;
	ret = __try_cmpxchg_user((u32 __user *)user, &old32, (u32)new, fault4);
	*old = old32;
	return ret;
}

/**
 * lvx_cmpxchg_guest() - compare and exchange in guest memory, atomically
 * @vm: the VM; the caller is a thread of its process
 * @gpa: guest-physical address, aligned to @len
 * @old: what should be there; what was there, when it differed
 * @new: what to write
 * @len: 4 or 8
 *
 * Marks the page in the dirty log. May sleep. Return: 0 if exchanged, 1 if
 * *@old was not there, -EFAULT: no slot, a read-only slot, no page.
 */
int lvx_cmpxchg_guest(struct lvx_vm *vm, u64 gpa, u64 *old, u64 new,
		      unsigned int len)
{
	struct lvx_memslot *slot;
	int idx, ret = -EFAULT;
	u64 gfn = gpa >> PAGE_SHIFT;

	if (!IS_ALIGNED(gpa, len))
		return -EFAULT;

	idx = srcu_read_lock(&vm->srcu);
	slot = slot_for(lvx_memslots(vm), gfn, true);
	if (slot) {
		ret = cmpxchg_user((void __user *)(lvx_slot_hva(slot, gfn) +
						   offset_in_page(gpa)),
				   old, new, len);
		if (!ret)
			lvx_mark_dirty(slot, gfn);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}
