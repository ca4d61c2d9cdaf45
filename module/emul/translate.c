// SPDX-License-Identifier: GPL-2.0
/*
 * From linear to guest-physical addresses, for what lvx accesses in the
 * guest's name, and the context in the terms of module/pure.
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "base/guest.h"
#include "emul/internal.h"

static int read_entry(void *vm, u64 gpa, void *data, unsigned int len)
{
	return lvx_read_guest(vm, gpa, data, len);
}

static int exchange_entry(void *vm, u64 gpa, u64 *old, u64 new,
			  unsigned int len)
{
	return lvx_cmpxchg_guest(vm, gpa, old, new, len);
}

static void fill_walk_cpu(struct lvx_vcpu *vcpu, struct walk_cpu *cpu)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	unsigned int i;

	*cpu = (struct walk_cpu) {
		.cr0 = ctx->cr0,
		.cr3 = ctx->cr3,
		.cr4 = ctx->cr4,
		.efer = ctx->efer,
		.rflags = ctx->rflags,
		.pkru = ctx->pkru,
		.cpl = ctx->cpl,
		.maxphyaddr = lvx_cpuid_maxphyaddr(vcpu),
		.page_1g = boot_cpu_has(X86_FEATURE_GBPAGES),
	};
	if (!(ctx->cr0 & X86_CR0_PG) || !(ctx->cr4 & X86_CR4_PAE) ||
	    ctx->efer & EFER_LMA)
		return;
	for (i = 0; i < 4; i++)
		cpu->pdpte[i] = ctx->get_pdptr(vcpu, i);
}

/* An exception other than a page fault; its error code is 0 if it has one. */
enum lvx_emul_result emul_fault(struct lvx_emul *emul, u8 vector)
{
	bool has_code = vector == X86_TRAP_GP || vector == X86_TRAP_SS ||
			vector == X86_TRAP_AC;

	emul->ctx.fault = (struct lvx_emul_fault) {
		.vector = vector,
		.has_error_code = has_code && emul->ctx.cr0 & X86_CR0_PE,
	};
	return LVX_EMUL_FAULT;
}

/**
 * emul_walk() - translate one linear address
 * @vcpu: with a filled context
 * @la: linear address
 * @access: what for
 * @walk: the walk, if it came through
 *
 * May sleep. Return: LVX_EMUL_DONE, _FAULT, _RETRY or _UNKNOWN (the guest's
 * paging structures are in no memory).
 */
enum lvx_emul_result emul_walk(struct lvx_vcpu *vcpu, u64 la,
			       enum walk_access access, struct walk *walk)
{
	const struct walk_memory memory = {
		.opaque = vcpu->vm,
		.read = read_entry,
		.exchange = exchange_entry,
	};
	struct lvx_emul *emul = vcpu->emul;
	struct walk_cpu cpu;

	fill_walk_cpu(vcpu, &cpu);
	switch (walk_page_tables(&cpu, &memory, la, access, walk)) {
	case WALK_OK:
		return LVX_EMUL_DONE;
	case WALK_FAULT:
		emul->ctx.fault = (struct lvx_emul_fault) {
			.vector = X86_TRAP_PF,
			.has_error_code = true,
			.error_code = walk->error_code,
			.cr2 = la,
		};
		return LVX_EMUL_FAULT;
	case WALK_RETRY:
		return LVX_EMUL_RETRY;
	default:
		return LVX_EMUL_UNKNOWN;
	}
}

void emul_forget_translations(struct lvx_emul *emul)
{
	unsigned int i;

	for (i = 0; i < NR_TRANSLATIONS; i++)
		emul->translations[i].page = 1;
}

static const struct translation *find_translation(struct lvx_emul *emul, u64 la,
						  bool write)
{
	const struct translation *t = emul->translations;

	for (; t < emul->translations + NR_TRANSLATIONS; t++)
		if (t->page == (la & PAGE_MASK) && t->write >= write)
			return t;
	return NULL;
}

static void remember_translation(struct lvx_emul *emul, u64 la, bool write,
				 u64 gpa)
{
	unsigned int i = emul->nr_translations++ % NR_TRANSLATIONS;

	emul->translations[i] = (struct translation){
		.page = la & PAGE_MASK,
		.frame = gpa & PAGE_MASK,
		.write = write,
	};
}

/**
 * emul_translate() - address of a data access
 * @vcpu: with a filled context
 * @la: linear address
 * @write: it is a write
 * @gpa: result
 *
 * The page that made the guest exit was translated by the CPU already, unless
 * it exited for a read and this is a write. Others are walked to once, as the
 * CPU would have them in its TLB until the guest goes on. May sleep.
 *
 * Return: as emul_walk().
 */
enum lvx_emul_result emul_translate(struct lvx_vcpu *vcpu, u64 la, bool write,
				    u64 *gpa)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	const struct translation *known;
	enum lvx_emul_result result;
	struct walk walk;

	if (ctx->gla_valid && !((la ^ ctx->gla) >> PAGE_SHIFT) &&
	    (!write || ctx->is_write)) {
		*gpa = (ctx->gpa & PAGE_MASK) | (la & ~PAGE_MASK);
		return LVX_EMUL_DONE;
	}
	known = find_translation(vcpu->emul, la, write);
	if (known) {
		*gpa = known->frame | (la & ~PAGE_MASK);
		return LVX_EMUL_DONE;
	}
	result = emul_walk(vcpu, la, write ? WALK_WRITE : WALK_READ, &walk);
	*gpa = walk.gpa;
	if (result == LVX_EMUL_DONE)
		remember_translation(vcpu->emul, la, write, walk.gpa);
	return result;
}

enum insn_mode emul_mode(const struct lvx_emul_ctx *ctx)
{
	if (ctx->cs_long)
		return INSN_MODE_64;
	return ctx->cs_db ? INSN_MODE_32 : INSN_MODE_16;
}

/**
 * emul_fill_cpu() - the registers that executing an instruction needs
 * @vcpu: with a filled context
 * @insn: the instruction, which decides on the segments
 */
void emul_fill_cpu(struct lvx_vcpu *vcpu, const struct insn *insn)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	struct exec_cpu *cpu = &vcpu->emul->cpu;
	u32 segs = exec_segments(insn);
	struct lvx_segment seg;
	unsigned int i;

	cpu->gpr = vcpu->regs;
	cpu->rip = ctx->rip;
	cpu->rflags = ctx->rflags;
	cpu->la_bits = ctx->cr4 & X86_CR4_LA57 ? 57 : 48;
	cpu->protected = ctx->cr0 & X86_CR0_PE &&
			 !(ctx->rflags & X86_EFLAGS_VM);
	cpu->align_check = ctx->cr0 & X86_CR0_AM && ctx->cpl == 3 &&
			   ctx->rflags & X86_EFLAGS_AC;
	for (i = 0; i < INSN_NR_SEGS; i++) {
		if (!(segs & BIT(i)))
			continue;
		ctx->get_segment(vcpu, i, &seg);
		cpu->seg[i] = (struct exec_segment) {
			.base = seg.base, .limit = seg.limit, .ar = seg.ar,
			.selector = seg.selector,
		};
	}
}
