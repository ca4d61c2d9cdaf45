/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's RAM, as the launcher sees it: one stretch of its own memory, in
 * which the part above the hole follows the part below it.
 */
#ifndef LVX_MEMORY_H
#define LVX_MEMORY_H

#include <stdint.h>

struct vm;

struct memory {
	void *mapping;		/* what mmap() gave */
	uint64_t mapped;
	uint8_t *ram;		/* inside it, aligned to a huge page */
	uint64_t size;
};

uint64_t memory_low_size(const struct memory *memory);
uint64_t memory_max(void);
int memory_init(struct vm *vm);
void memory_fini(struct vm *vm);
void *memory_at(const struct memory *memory, uint64_t address, uint64_t length);

#endif
