// SPDX-License-Identifier: GPL-2.0
/*
 * Is the instruction that lvx fetched the one behind the exit?
 *
 * The CPU doesn't say which instruction made the guest exit. lvx reads it again,
 * and meanwhile another vCPU may have written to it, or the CPU may have it from
 * a page that its TLB alone still knows. What the CPU checked was checked of the
 * old one: whether the port may be accessed, whether SSE is enabled, how the
 * operand is aligned. So lvx executes only what can have caused the exit. For
 * all else the guest is entered again, without what its TLB knew: then the CPU
 * meets the new instruction itself, and checks it.
 */
#include <linux/bits.h>
#include <asm/page.h>
#include <asm/fpu/types.h>
#include <asm/processor-flags.h>

#include "emul/internal.h"

#define XCR0_AVX	(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)
#define XCR0_AVX512	(XCR0_AVX | XFEATURE_MASK_AVX512)

/* Would the CPU come as far as the memory operand? */
static bool enabled(const struct lvx_emul_ctx *ctx, u32 state)
{
	u64 xcr0 = 0;

	/* INS and OUTS exit for their port, before they access memory. */
	if (state & EXEC_STATE_PORT)
		return false;
	if (state & (EXEC_STATE_MMX | EXEC_STATE_AVX | EXEC_STATE_AVX512) &&
	    ctx->cr0 & X86_CR0_TS)
		return false;
	if (state & EXEC_STATE_MMX && ctx->cr0 & X86_CR0_EM)
		return false;
	if (state & EXEC_STATE_SSE && !(ctx->cr4 & X86_CR4_OSFXSR))
		return false;
	if (state & EXEC_STATE_VEX &&
	    (!(ctx->cr0 & X86_CR0_PE) || ctx->rflags & X86_EFLAGS_VM))
		return false;
	if (state & EXEC_STATE_AVX)
		xcr0 = XCR0_AVX;
	if (state & EXEC_STATE_AVX512)
		xcr0 = XCR0_AVX512;
	return !xcr0 || (ctx->cr4 & X86_CR4_OSXSAVE &&
			 (ctx->xcr0 & xcr0) == xcr0);
}

/**
 * emul_is_culprit() - can an instruction be behind the exit?
 * @vcpu: the context is filled, with the access, and so are the registers
 * @insn: what is at RIP now
 *
 * Return: false: it can't; enter the guest again.
 */
bool emul_is_culprit(struct lvx_vcpu *vcpu, const struct insn *insn)
{
	const struct lvx_emul *emul = vcpu->emul;
	const struct lvx_emul_ctx *ctx = &emul->ctx;

	return ctx->gla_valid && enabled(ctx, exec_state(insn)) &&
	       exec_touches(insn, &emul->cpu, ctx->gla, ctx->is_write);
}

/**
 * emul_doubt() - lvx can't execute what is at RIP now
 * @vcpu: the context is filled, with the access
 * @result: what the guest or user space would get for it
 *
 * Perhaps the CPU can. It is tried once more, and believed if it exits again for
 * the same.
 *
 * Return: @result, or LVX_EMUL_STALE.
 */
enum lvx_emul_result emul_doubt(struct lvx_vcpu *vcpu,
				enum lvx_emul_result result)
{
	struct lvx_emul *emul = vcpu->emul;
	bool again = emul->doubted && emul->doubt_rip == emul->ctx.rip &&
		     emul->doubt_gpa == emul->ctx.gpa;

	emul->doubted = !again;
	emul->doubt_rip = emul->ctx.rip;
	emul->doubt_gpa = emul->ctx.gpa;
	return again ? result : LVX_EMUL_STALE;
}
