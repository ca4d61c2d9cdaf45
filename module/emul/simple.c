// SPDX-License-Identifier: GPL-2.0
/*
 * The short way for what drivers do: a plain move of up to eight bytes between
 * a device and a register, or an immediate to a device, by 64-bit code.
 *
 * The CPU has computed, checked and translated the address already and gives
 * it with the exit. It remains to look at the instruction for size and
 * register, and to ask the bus. Whatever isn't as simple as that goes the long
 * way (mmio.c), with the same result. Of the registers in the context only RIP
 * is used.
 */
#include <linux/kvm.h>
#include <linux/mm.h>

#include "emul/internal.h"

/* What the long way forms in a plan, for the one case that is short. */
static u64 operand_address(const struct insn *insn, const u64 *gpr, u64 rip)
{
	u64 ea = insn->disp;

	if (insn->base == INSN_REG_RIP)
		ea += rip + insn->len;
	else if (insn->base != INSN_NO_REG)
		ea += gpr[insn->base & 15];
	if (insn->index != INSN_NO_REG)
		ea += gpr[insn->index & 15] << insn->scale;
	return ea & exec_mask(insn->adsize);
}

/**
 * simple_insn() - is it such a move?
 * @insn: the instruction
 *
 * Without FS and GS, whose bases are in the VMCS, and without RSP, which may be
 * there.
 *
 * Return: true: simple_fits() may be asked.
 */
bool simple_insn(const struct insn *insn)
{
	bool reg = insn->dst == OPND_REG || insn->src == OPND_REG;

	return insn->mode == INSN_MODE_64 &&
	       (insn->op == OP_MOV || insn->op == OP_MOVSX) &&
	       insn->src != OPND_SEG &&
	       insn->seg != INSN_FS && insn->seg != INSN_GS &&
	       insn->base != LVX_RSP && !(reg && insn->reg == LVX_RSP);
}

/**
 * simple_fits() - is the move's operand what made the guest exit?
 * @vcpu: of the context, rip, gpa, gla and is_write are filled
 * @insn: simple_insn() holds
 *
 * The CPU's address may be that of the second half of an operand that crosses
 * a page, or the instruction may have changed since. An operand of another size
 * would have another alignment, which the CPU may have been told to check.
 *
 * Return: true: simple_run() may be called.
 */
bool simple_fits(struct lvx_vcpu *vcpu, const struct insn *insn)
{
	const struct lvx_emul_ctx *ctx = &vcpu->emul->ctx;
	bool to_memory = insn->dst == OPND_MEM;

	return to_memory == ctx->is_write &&
	       !(ctx->gla & (insn->memsize - 1)) &&
	       operand_address(insn, vcpu->regs, ctx->rip) == ctx->gla;
}

static enum lvx_emul_result store(struct lvx_vcpu *vcpu,
				  const struct insn *insn)
{
	const struct exec_cpu cpu = { .gpr = vcpu->regs };
	u64 gpa = vcpu->emul->ctx.gpa;
	u64 value = insn->imm;

	if (insn->src == OPND_REG)
		value = exec_get_gpr(&cpu, insn, insn->reg, insn->memsize);
	if (!lvx_bus_write(vcpu, LVX_BUS_MMIO, gpa, insn->memsize, &value))
		return LVX_EMUL_DONE;
	mmio_to_user(vcpu, gpa, insn->memsize, true, &value);
	return LVX_EMUL_TO_USER;
}

static void loaded(struct lvx_vcpu *vcpu, const struct insn *insn, u64 value)
{
	struct exec_cpu cpu = { .gpr = vcpu->regs };

	if (insn->op == OP_MOVSX)
		value = exec_extend(insn, value);
	exec_set_gpr(&cpu, insn, insn->reg, insn->opsize, value);
}

static enum lvx_emul_result load(struct lvx_vcpu *vcpu,
				 const struct insn *insn)
{
	u64 gpa = vcpu->emul->ctx.gpa;
	u64 value = 0;

	if (!lvx_bus_read(vcpu, LVX_BUS_MMIO, gpa, insn->memsize, &value)) {
		loaded(vcpu, insn, value);
		return LVX_EMUL_DONE;
	}
	mmio_to_user(vcpu, gpa, insn->memsize, false, NULL);
	return LVX_EMUL_TO_USER;
}

/**
 * simple_run() - execute the move
 * @vcpu: as for simple_fits()
 * @insn: simple_fits() holds
 *
 * Any context. Return: LVX_EMUL_DONE or _TO_USER; RIP has moved on for either.
 */
enum lvx_emul_result simple_run(struct lvx_vcpu *vcpu, const struct insn *insn)
{
	enum lvx_emul_result result;

	if (insn->dst == OPND_MEM)
		result = store(vcpu, insn);
	else
		result = load(vcpu, insn);
	if (result == LVX_EMUL_TO_USER) {
		vcpu->emul->simple = true;
		vcpu->emul->exec.insn = *insn;
	}
	vcpu->emul->ctx.rip += insn->len;
	return result;
}

/* User space served it; what it did to kvm_run but for the data is ignored. */
void simple_complete(struct lvx_vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul->exec.insn;

	if (insn->dst != OPND_MEM)
		loaded(vcpu, insn, exec_load(vcpu->run->mmio.data,
					     insn->memsize));
}
