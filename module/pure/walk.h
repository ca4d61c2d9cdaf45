/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks the guest's page tables in software, for accesses that the CPU doesn't
 * do itself: the operands of an emulated instruction, its bytes, and
 * KVM_TRANSLATE. SDM volume 3, "Paging".
 */
#ifndef LVX_PURE_WALK_H
#define LVX_PURE_WALK_H

#include "pure/pure.h"

/* Page-fault error codes, "Page-Fault Exceptions". */
#define WALK_PF_PRESENT		BIT(0)
#define WALK_PF_WRITE		BIT(1)
#define WALK_PF_USER		BIT(2)
#define WALK_PF_RESERVED	BIT(3)
#define WALK_PF_FETCH		BIT(4)
#define WALK_PF_KEY		BIT(5)

#define WALK_MAX_LEVELS	5

/*
 * struct walk_cpu: the registers that govern paging
 * @cr0: control registers, EFER and RFLAGS as the guest sees them
 * @pdpte: PAE paging only: the four that the CPU loaded with CR3
 * @pkru: protection keys
 * @cpl: privilege of the access
 * @maxphyaddr: bits of a physical address; those above are reserved
 * @page_1g: 1-GiB pages exist
 */
struct walk_cpu {
	u64 cr0, cr3, cr4, efer, rflags;
	u64 pdpte[4];
	u32 pkru;
	u8 cpl;
	u8 maxphyaddr;
	bool page_1g;
};

/**
 * struct walk_memory - how a walk reaches the paging structures
 * @opaque: first argument
 * @read: 0, or any error when there is no memory at @gpa
 * @exchange: 0; 1 if *@old wasn't there (it need not be updated); or an error.
 *	      NULL: a walk that leaves accessed and dirty flags alone
 */
struct walk_memory {
	void *opaque;
	int (*read)(void *opaque, u64 gpa, void *data, unsigned int len);
	int (*exchange)(void *opaque, u64 gpa, u64 *old, u64 new,
			unsigned int len);
};

enum walk_access {
	WALK_READ,
	WALK_WRITE,
	WALK_FETCH,
};

/**
 * enum walk_result - how a walk ends
 * @WALK_OK: translated
 * @WALK_FAULT: #PF with walk.error_code
 * @WALK_NO_MEMORY: a paging structure lies where no memory is
 * @WALK_RETRY: the entries changed under the walk again and again
 */
enum walk_result {
	WALK_OK,
	WALK_FAULT,
	WALK_NO_MEMORY,
	WALK_RETRY,
};

struct walk_entry {
	u64 gpa;
	u64 value;	/* after the accessed and dirty flags were set */
};

/**
 * struct walk - a finished walk
 * @gpa: guest-physical address of the byte at the linear address
 * @page_shift: the page's size, 12 to 30 (32 without paging)
 * @error_code: of WALK_FAULT
 * @nr: entries read; 0 without paging
 * @entry_size: bytes each: 4 or 8
 * @entries: them, from the root down
 * @writable: a write would be allowed
 * @user: the page is a user page
 */
struct walk {
	u64 gpa;
	u8 page_shift;
	u32 error_code;
	u8 nr;
	u8 entry_size;
	struct walk_entry entries[WALK_MAX_LEVELS];
	bool writable, user;
};

enum walk_result walk_page_tables(const struct walk_cpu *cpu,
				  const struct walk_memory *memory, u64 la,
				  enum walk_access access, struct walk *walk);

#endif
