/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory through the VMM's mapping of it: lvx never maps guest pages for
 * itself. All of these run in a thread of the VM's own process.
 */
#ifndef LVX_BASE_GUEST_H
#define LVX_BASE_GUEST_H

#include <linux/types.h>

#include "base/vm.h"

bool lvx_is_guest_memory(struct lvx_vm *vm, u64 gpa, size_t len, bool write);

/* May sleep. Return 0 or -EFAULT (no slot, read-only slot, no page). */
int lvx_read_guest(struct lvx_vm *vm, u64 gpa, void *data, size_t len);
int lvx_write_guest(struct lvx_vm *vm, u64 gpa, const void *data, size_t len);

/*
 * Compare and exchange 4 or 8 naturally aligned bytes. May sleep. Return 0,
 * 1 when *old was not there (it is updated), or -EFAULT.
 */
int lvx_cmpxchg_guest(struct lvx_vm *vm, u64 gpa, u64 *old, u64 new,
		      unsigned int len);

#endif
