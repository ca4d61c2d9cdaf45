// SPDX-License-Identifier: GPL-2.0
/*
 * A walk of the guest's page tables, for the crash report: a triple fault is
 * explained by the instruction that caused it more often than not.
 *
 * It knows no paging and long mode with four or five levels, since that is
 * where 64-bit kernels are. The tables are hostile: every address is checked
 * against the guest's RAM, and the walk is as long as the table is deep.
 */
#include <stdbool.h>
#include <string.h>

#include "util.h"
#include "vcpu.h"
#include "vm.h"
#include "walk.h"

#define CR0_PG		(1ull << 31)
#define CR4_LA57	(1ull << 12)
#define EFER_LMA	(1ull << 10)
#define PTE_PRESENT	(1ull << 0)
#define PTE_LARGE	(1ull << 7)
#define PTE_ADDRESS	0x000ffffffffff000ull

static int translate(const struct vcpu *vcpu, uint64_t linear, uint64_t *physical)
{
	const struct kvm_sregs *sregs = &vcpu->sregs;
	uint64_t table = sregs->cr3 & PTE_ADDRESS;
	int level = sregs->cr4 & CR4_LA57 ? 5 : 4;
	unsigned int shift;
	uint64_t *entry;

	if (!(sregs->cr0 & CR0_PG)) {
		*physical = linear;
		return 0;
	}
	if (!(sregs->efer & EFER_LMA))
		return -1;
	for (; level >= 1; level--) {
		shift = 12 + 9 * (unsigned int)(level - 1);
		entry = memory_at(&vcpu->vm->memory, table + (linear >> shift & 511) * 8, 8);
		if (!entry || !(*entry & PTE_PRESENT))
			return -1;
		table = *entry & PTE_ADDRESS;
		if (level == 1 || (level <= 3 && (*entry & PTE_LARGE))) {
			*physical = align_down(table, 1ull << shift) |
				    (linear & ((1ull << shift) - 1));
			return 0;
		}
	}
	return -1;
}

/* All of @length bytes, which may cross pages, or -1. */
int walk_read(const struct vcpu *vcpu, uint64_t linear, void *buffer, size_t length)
{
	uint8_t *to = buffer;
	uint64_t physical;
	const void *from;
	size_t chunk;

	while (length) {
		chunk = 4096 - (linear & 4095);
		if (chunk > length)
			chunk = length;
		if (translate(vcpu, linear, &physical) < 0)
			return -1;
		from = memory_at(&vcpu->vm->memory, physical, chunk);
		if (!from)
			return -1;
		memcpy(to, from, chunk);
		to += chunk;
		linear += chunk;
		length -= chunk;
	}
	return 0;
}
