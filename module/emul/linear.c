// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes at linear addresses, for what lvx does in the guest's name without an
 * instruction of module/pure behind it: operands of descriptor-table
 * instructions, descriptors, task-state segments.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <asm/processor-flags.h>

#include "base/guest.h"
#include "emul/internal.h"

/* More than a TSS's fixed part (104 bytes) nobody asks for: two pages. */
#define MAX_PIECES	2

struct piece {
	u64 gpa;
	unsigned int len;
};

/*
 * The CPU's own accesses are a supervisor's, whatever CPL and RFLAGS.AC are:
 * SDM, "Determination of Access Rights", implicit supervisor-mode accesses.
 */
static enum lvx_emul_result walk(struct lvx_vcpu *vcpu, u64 la, bool write,
				 enum lvx_emul_as as, u64 *gpa)
{
	struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	u64 rflags = ctx->rflags;
	enum lvx_emul_result result;
	u8 cpl = ctx->cpl;
	struct walk w;

	if (as == LVX_AS_SYSTEM) {
		ctx->cpl = 0;
		ctx->rflags &= ~(u64)X86_EFLAGS_AC;
	}
	result = emul_walk(vcpu, la, write ? WALK_WRITE : WALK_READ, &w);
	ctx->cpl = cpl;
	ctx->rflags = rflags;
	*gpa = w.gpa;
	return result;
}

/* All is translated before a byte moves. Outside 64-bit mode addresses wrap. */
static enum lvx_emul_result translate(struct lvx_vcpu *vcpu, u64 la,
				      unsigned int len, bool write,
				      enum lvx_emul_as as, struct piece *pieces)
{
	bool wraps = !(vcpu->emul->ctx.efer & EFER_LMA);
	enum lvx_emul_result result;
	unsigned int i;

	for (i = 0; i < MAX_PIECES; i++)
		pieces[i].len = 0;
	for (i = 0; len; i++) {
		if (WARN_ON_ONCE(i == MAX_PIECES))
			return LVX_EMUL_UNKNOWN;
		if (wraps)
			la = (u32)la;
		pieces[i].len = min_t(u64, len, PAGE_SIZE - offset_in_page(la));
		result = walk(vcpu, la, write, as, &pieces[i].gpa);
		if (result != LVX_EMUL_DONE)
			return result;
		la += pieces[i].len;
		len -= pieces[i].len;
	}
	return LVX_EMUL_DONE;
}

/**
 * lvx_emul_read() - read guest memory at a linear address
 * @vcpu: with a filled context
 * @la: linear address
 * @data: receives the bytes
 * @len: how many: at most a page
 * @as: in whose name
 *
 * May sleep. Return: LVX_EMUL_DONE; LVX_EMUL_FAULT with ctx.fault; LVX_EMUL_RETRY;
 * or LVX_EMUL_UNKNOWN: there is no memory.
 */
enum lvx_emul_result lvx_emul_read(struct lvx_vcpu *vcpu, u64 la, void *data,
				   unsigned int len, enum lvx_emul_as as)
{
	struct piece pieces[MAX_PIECES];
	enum lvx_emul_result result;
	unsigned int i;

	result = translate(vcpu, la, len, false, as, pieces);
	for (i = 0; result == LVX_EMUL_DONE && i < MAX_PIECES; i++) {
		if (pieces[i].len &&
		    lvx_read_guest(vcpu->vm, pieces[i].gpa, data, pieces[i].len))
			result = LVX_EMUL_UNKNOWN;
		data += pieces[i].len;
	}
	return result;
}

/* Memory that can be read and not written takes the CPU's writes and drops them. */
static bool is_rom(struct lvx_vcpu *vcpu, const struct piece *piece)
{
	u8 byte;

	return !lvx_read_guest(vcpu->vm, piece->gpa, &byte, 1);
}

/**
 * lvx_emul_write() - write guest memory at a linear address
 * @vcpu: with a filled context
 * @la: linear address
 * @data: the bytes
 * @len: how many: at most a page
 * @as: in whose name
 *
 * A write that faults has written nothing; one by the system to a read-only slot
 * is dropped. May sleep. Return: as lvx_emul_read().
 */
enum lvx_emul_result lvx_emul_write(struct lvx_vcpu *vcpu, u64 la,
				    const void *data, unsigned int len,
				    enum lvx_emul_as as)
{
	struct piece pieces[MAX_PIECES];
	enum lvx_emul_result result;
	unsigned int i;

	result = translate(vcpu, la, len, true, as, pieces);
	for (i = 0; result == LVX_EMUL_DONE && i < MAX_PIECES; i++) {
		if (pieces[i].len &&
		    lvx_write_guest(vcpu->vm, pieces[i].gpa, data,
				    pieces[i].len) &&
		    !(as == LVX_AS_SYSTEM && is_rom(vcpu, &pieces[i])))
			result = LVX_EMUL_UNKNOWN;
		data += pieces[i].len;
	}
	return result;
}

/**
 * lvx_emul_probe() - would a write fault?
 * @vcpu: with a filled context
 * @la: linear address
 * @len: how many bytes: at most a page
 * @as: in whose name
 *
 * May sleep. Return: as lvx_emul_read(); nothing is said about memory behind
 * the addresses.
 */
enum lvx_emul_result lvx_emul_probe(struct lvx_vcpu *vcpu, u64 la,
				    unsigned int len, enum lvx_emul_as as)
{
	struct piece pieces[MAX_PIECES];

	return translate(vcpu, la, len, true, as, pieces);
}

/**
 * lvx_emul_no_access() - what is executed next isn't caused by an EPT violation
 * @vcpu: with a filled context
 */
void lvx_emul_no_access(struct lvx_vcpu *vcpu)
{
	struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;

	ctx->gla_valid = false;
	ctx->gpa = ~0ULL;
	ctx->nr_bytes = 0;
}
