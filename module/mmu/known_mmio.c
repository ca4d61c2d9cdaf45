// SPDX-License-Identifier: GPL-2.0
/*
 * "This frame has no slot", remembered.
 *
 * Devices are accessed again and again, and such an access should reach its
 * device without a search through the slots first. So each VM remembers a
 * handful of frames. Any change of slots changes the generation, and by it
 * forgets them all at once.
 *
 * An entry is one word, so that it is read and written whole without a lock:
 * the generation's low bits above the frame number. The frame number comes
 * with the generation of the very set of slots in which it was not found; an
 * entry that is written too late is outdated already.
 */
#include <linux/hash.h>

#include "mmu/internal.h"

/* A guest-physical address has at most 52 bits. */
#define GFN_BITS	40

static u64 tag(u64 generation)
{
	return generation << GFN_BITS;
}

/**
 * lvx_mmio_remember() - note that a frame has no slot
 * @mmu: whose
 * @generation: of the set of slots that says so
 * @gfn: the frame
 */
void lvx_mmio_remember(struct lvx_mmu *mmu, u64 generation, u64 gfn)
{
	WRITE_ONCE(mmu->mmio[hash_64(gfn, LVX_MMIO_BITS)],
		   tag(generation) | gfn);
}

/**
 * lvx_mmio_forget() - forget all frames
 * @mmu: whose
 */
void lvx_mmio_forget(struct lvx_mmu *mmu)
{
	unsigned int i;

	/* An entry that can't be true: frame 0 or 1 where it does not hash. */
	for (i = 0; i < ARRAY_SIZE(mmu->mmio); i++)
		WRITE_ONCE(mmu->mmio[i], hash_64(0, LVX_MMIO_BITS) == i);
}

/**
 * lvx_mmio_new_generation() - the slots have changed
 * @mmu: whose
 * @generation: of the new set of slots, already published
 */
void lvx_mmio_new_generation(struct lvx_mmu *mmu, u64 generation)
{
	/* The tag came round: entries of 16 million changes ago would count. */
	if (!tag(generation))
		lvx_mmio_forget(mmu);
	WRITE_ONCE(mmu->mmio_generation, tag(generation));
}

/**
 * lvx_mmu_known_mmio() - is it known that an address has no slot?
 * @vcpu: the accessing vCPU
 * @gpa: guest-physical address
 *
 * Any context. Return: true only if no slot has it; false if unknown, too.
 */
bool lvx_mmu_known_mmio(struct lvx_vcpu *vcpu, u64 gpa)
{
	struct lvx_mmu *mmu = vcpu->vm->mmu;
	u64 gfn = gpa >> PAGE_SHIFT;

	return READ_ONCE(mmu->mmio[hash_64(gfn, LVX_MMIO_BITS)]) ==
	       (READ_ONCE(mmu->mmio_generation) | gfn);
}
