// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction behind an exit: fetched through the guest's page tables,
 * decoded, and remembered.
 *
 * A driver pokes a device with the same few instructions all the time, so the
 * decoded instruction is kept. Nothing tells lvx when the guest changes its
 * code or its page tables; so what is kept is checked at each use: that CR3,
 * CR4 and the memory slots are the same, and that every paging-structure entry
 * of the walk and the code itself still read as they did. That is half a dozen
 * loads from user memory, whose addresses are kept, too, and the result is as
 * good as a new walk. Access rights don't matter: the CPU has just fetched the
 * instruction itself.
 */
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "base/guest.h"
#include "base/memslot.h"
#include "emul/internal.h"

#define CACHE_BITS	4
#define NO_CR3		(~0ULL)	/* no guest has this one */
#define CODE_LEN	16	/* compared: two loads */

/**
 * struct fetched - one instruction
 * @rip: linear address
 * @cr3: what the walk began with; NO_CR3: the line isn't used
 * @cr4: how many levels it had
 * @simple: simple_insn() of @insn
 * @generation: of the memory slots
 * @code: where the bytes are
 * @bytes: what they were
 * @nr: paging-structure entries
 * @entry: where they are
 * @value: what they were
 * @insn: decoded
 */
struct fetched {
	u64 rip;
	u64 cr3, cr4;
	bool simple;
	u64 generation;
	const u8 __user *code;
	u64 bytes[CODE_LEN / 8];
	u8 nr;
	const u64 __user *entry[WALK_MAX_LEVELS];
	u64 value[WALK_MAX_LEVELS];
	struct insn insn;
};

struct fetch_cache {
	struct fetched fetched[1 << CACHE_BITS];
};

struct fetch_cache *fetch_cache_create(void)
{
	struct fetch_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	for (i = 0; cache && i < ARRAY_SIZE(cache->fetched); i++)
		cache->fetched[i].cr3 = NO_CR3;
	return cache;
}

void fetch_cache_destroy(struct fetch_cache *cache)
{
	kfree(cache);
}

static struct fetched *cache_line(struct lvx_vcpu *vcpu, u64 rip)
{
	return &vcpu->emul->cache->fetched[hash_64(rip, CACHE_BITS)];
}

/*
 * Slots passed access_ok() when they were made; a page may be gone, though.
 * By pointer rather than by index into the arrays: between begin and end no
 * function may be called, not even UBSAN's.
 */
static bool still_reads_the_same(const struct fetched *f)
{
	const u64 __user *code = (const u64 __user *)f->code;
	const u64 __user * const *entry = f->entry;
	const u64 *value = f->value, *bytes = f->bytes;
	u64 changed, v;
	u8 i;

	pagefault_disable();
	if (!user_access_begin(code, CODE_LEN))
		goto fault;
	unsafe_get_user(v, code, fault_end);
	changed = v ^ bytes[0];
	unsafe_get_user(v, code + 1, fault_end);
	changed |= v ^ bytes[1];
	for (i = 0; i < f->nr; i++) {
		unsafe_get_user(v, entry[i], fault_end);
		changed |= v ^ value[i];
	}
	user_access_end();
	pagefault_enable();
	return !changed;

fault_end:
	user_access_end();
fault:
	pagefault_enable();
	return false;
}

/**
 * fetch_cached() - the instruction at the context's RIP, if it is known
 * @vcpu: in 64-bit mode; of the context, rip, cr3 and cr4 are filled
 * @simple: only if it is a simple one
 *
 * Any context. Return: the instruction, until the next fetch(); or NULL.
 */
const struct insn *fetch_cached(struct lvx_vcpu *vcpu, bool simple)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	const struct fetched *f = cache_line(vcpu, ctx->rip);
	bool same;
	int idx;

	if (f->rip != ctx->rip || f->cr3 != ctx->cr3 || f->cr4 != ctx->cr4 ||
	    simple > f->simple)
		return NULL;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	same = lvx_memslots(vcpu->vm)->generation == f->generation &&
	       still_reads_the_same(f);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return same ? &f->insn : NULL;
}

static const void __user *user_address(struct lvx_memslots *slots, u64 gpa)
{
	struct lvx_memslot *slot = lvx_slot_of_gfn(slots, gpa >> PAGE_SHIFT);

	if (!slot)
		return NULL;
	return (void __user *)(lvx_slot_hva(slot, gpa >> PAGE_SHIFT) +
			       offset_in_page(gpa));
}

/*
 * Only 64-bit code, which has neither a segment base nor PDPTEs, and only bytes
 * that don't cross a page. Whether all of it still reads the same is seen at
 * each use, so that it doesn't matter what changed since the walk.
 */
static void remember(struct lvx_vcpu *vcpu, const struct walk *walk,
		     const u8 *bytes, const struct insn *insn)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	struct fetched *f = cache_line(vcpu, ctx->rip);
	struct lvx_memslots *slots;
	bool complete;
	int idx;
	u8 i;

	if (!ctx->cs_long || offset_in_page(ctx->rip) > PAGE_SIZE - CODE_LEN)
		return;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	slots = lvx_memslots(vcpu->vm);
	f->code = user_address(slots, walk->gpa);
	complete = f->code;
	for (i = 0; i < walk->nr; i++) {
		f->entry[i] = user_address(slots, walk->entries[i].gpa);
		f->value[i] = walk->entries[i].value;
		complete &= !!f->entry[i];
	}
	f->generation = slots->generation;
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	f->nr = walk->nr;
	memcpy(f->bytes, bytes, CODE_LEN);
	f->rip = ctx->rip;
	f->cr3 = complete ? ctx->cr3 : NO_CR3;
	f->cr4 = ctx->cr4;
	f->insn = *insn;
	f->simple = simple_insn(insn);
}

static u64 code_address(struct lvx_vcpu *vcpu)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	struct lvx_segment cs;

	if (ctx->cs_long)
		return ctx->rip;
	ctx->get_segment(vcpu, LVX_CS, &cs);
	return (u32)(cs.base + ctx->rip);
}

/* Bytes of code from one page. */
static enum lvx_emul_result read_code(struct lvx_vcpu *vcpu, u64 la, u8 *bytes,
				      unsigned int len, struct walk *walk)
{
	enum lvx_emul_result result;

	result = emul_walk(vcpu, la, WALK_FETCH, walk);
	if (result != LVX_EMUL_DONE)
		return result;
	/* Code in a device: there is no end to what that would take. */
	if (lvx_read_guest(vcpu->vm, walk->gpa, bytes, len))
		return LVX_EMUL_UNKNOWN;
	return LVX_EMUL_DONE;
}

static enum lvx_emul_result decoded(struct lvx_emul *emul,
				    enum decode_result result)
{
	switch (result) {
	case DECODE_OK:
		return LVX_EMUL_DONE;
	case DECODE_UD:
		return emul_fault(emul, X86_TRAP_UD);
	case DECODE_TOO_LONG:
		return emul_fault(emul, X86_TRAP_GP);
	case DECODE_NO_MEMORY:
		/* Changed since it made the guest exit: it won't again. */
		return LVX_EMUL_RETRY;
	default:
		return LVX_EMUL_UNKNOWN;
	}
}

/* User space is shown them if lvx can't execute the instruction. */
static void keep_bytes(struct lvx_vcpu *vcpu, const u8 *bytes, unsigned int nr)
{
	struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;

	ctx->nr_bytes = min_t(unsigned int, nr, sizeof(ctx->bytes));
	memcpy(ctx->bytes, bytes, ctx->nr_bytes);
}

/**
 * fetch() - the instruction at the context's RIP
 * @vcpu: with a filled context
 * @insn: result
 *
 * The next page is looked at only if the instruction goes on there. May sleep.
 *
 * Return: LVX_EMUL_DONE, or what is to be done instead.
 */
enum lvx_emul_result fetch(struct lvx_vcpu *vcpu, struct insn *insn)
{
	enum insn_mode mode = emul_mode(&vcpu->emul->ctx);
	const struct insn *known = NULL;
	u64 la = code_address(vcpu);
	unsigned int here = min_t(u64, PAGE_SIZE - offset_in_page(la), CODE_LEN);
	u8 bytes[CODE_LEN] = {};
	enum lvx_emul_result result;
	struct walk walk, next;
	enum decode_result r;

	if (mode == INSN_MODE_64)
		known = fetch_cached(vcpu, false);
	if (known) {
		*insn = *known;
		keep_bytes(vcpu, (const u8 *)cache_line(vcpu, la)->bytes,
			   CODE_LEN);
		return LVX_EMUL_DONE;
	}
	keep_bytes(vcpu, bytes, 0);
	result = read_code(vcpu, la, bytes, here, &walk);
	if (result != LVX_EMUL_DONE)
		return result;
	keep_bytes(vcpu, bytes, here);
	r = insn_decode(insn, mode, bytes, here);
	if (r == DECODE_MORE) {
		result = read_code(vcpu, la + here, bytes + here,
				   CODE_LEN - here, &next);
		if (result != LVX_EMUL_DONE)
			return result;
		keep_bytes(vcpu, bytes, CODE_LEN);
		r = insn_decode(insn, mode, bytes, CODE_LEN);
	}
	if (r == DECODE_OK)
		remember(vcpu, &walk, bytes, insn);
	return decoded(vcpu->emul, r);
}

/* SDM, "Instruction Prefixes" */
static bool is_legacy_prefix(u8 byte)
{
	static const u8 prefixes[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
	};

	return memchr(prefixes, byte, sizeof(prefixes));
}

/**
 * lvx_emul_operand_size() - what the prefixes say about the operand's size
 * @vcpu: with a filled context
 * @size: 2, 4 or 8 bytes
 *
 * For an instruction that the VMCS describes but for this. May sleep.
 *
 * Return: LVX_EMUL_DONE, or what is to be done instead.
 */
enum lvx_emul_result lvx_emul_operand_size(struct lvx_vcpu *vcpu,
					   unsigned int *size)
{
	enum insn_mode mode = emul_mode(&vcpu->emul->ctx);
	bool toggled = false;
	enum lvx_emul_result result;
	u64 la = code_address(vcpu);
	struct walk walk;
	u8 byte = 0;
	int i;

	for (i = 0; i < CODE_LEN; i++) {
		result = read_code(vcpu, la + i, &byte, 1, &walk);
		if (result != LVX_EMUL_DONE)
			return result;
		if (!is_legacy_prefix(byte))
			break;
		toggled |= byte == 0x66;
	}
	*size = (mode == INSN_MODE_16) != toggled ? 2 : 4;
	if (mode == INSN_MODE_64 && (byte & 0xf8) == 0x48)
		*size = 8;
	return LVX_EMUL_DONE;
}
