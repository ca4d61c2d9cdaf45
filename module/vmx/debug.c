// SPDX-License-Identifier: GPL-2.0
/*
 * Debug registers and debug exceptions, the guest's own and those by which user
 * space debugs the guest (KVM_SET_GUEST_DEBUG).
 *
 * MOV to and from a debug register always exits, so vmx->db, dr6 and dr7 are
 * the guest's registers at any time. The CPU's DR7 is loaded at VM entry, and
 * VM exit sets it to 400H (SDM, "Loading Host Control Registers, Debug
 * Registers, MSRs"): breakpoints are off in the host until it restores its own.
 * DR0 to DR3 are not switched, and matter only while a breakpoint is enabled.
 * DR6 never holds the guest's value: #DB is intercepted, and such an exit leaves
 * the cause in the exit qualification instead.
 *
 * While user space uses hardware breakpoints, its DR0 to DR3 and DR7 are in the
 * CPU and the guest's own are not; while it single-steps, RFLAGS.TF is set
 * behind the guest's back.
 */
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "base/vm.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

#define DR7_BREAKPOINTS	0xffull			/* L0, G0 ... L3, G3 */
#define DR7_WRITABLE	0xffff2bffull
#define DR7_ONE		0x400ull
#define DR7_GENERAL_DETECT	BIT_ULL(13)
#define DR6_WRITABLE	0xe00full		/* BT, BS, BD, B3 ... B0 */
#define DR6_ONES	0xffff0ff0ull
/* Exit qualification of #DB: as DR6. */
#define DR6_BD_BIT	BIT(13)
#define DB_CAUSES	(DR_STEP | DR6_BD_BIT | DR_TRAP_BITS)

/* Exit qualification of MOV DR: SDM, "Exit Qualification for MOV DR". */
#define QUAL_DR(q)	((q) & 7)
#define QUAL_FROM_DR	BIT(4)
#define QUAL_REG(q)	(((q) >> 8) & 15)

static u64 effective_dr7(struct lvx_vmx *vmx)
{
	u64 dr7 = vmx->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
		  vmx->host_dr7 : vmx->dr7;

	return (dr7 & DR7_WRITABLE) | DR7_ONE;
}

static bool stepping(struct lvx_vmx *vmx)
{
	return vmx->guest_debug & KVM_GUESTDBG_SINGLESTEP;
}

/**
 * lvx_debug_update() - DR7 or what user space debugs has changed
 * @vcpu: loaded
 */
void lvx_debug_update(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 dr7 = effective_dr7(vmx);

	vmcs_writel(GUEST_DR7, dr7);
	vmx->debug_armed = (dr7 & DR7_BREAKPOINTS) || stepping(vmx);
	if (vmx->guest_debug & KVM_GUESTDBG_USE_SW_BP)
		vmcs_set_bits(EXCEPTION_BITMAP, BIT(BP_VECTOR));
	else
		vmcs_clear_bits(EXCEPTION_BITMAP, BIT(BP_VECTOR));
}

/**
 * lvx_debug_active() - is there anything for lvx_debug_enter() to do?
 * @vcpu: about to enter
 */
bool lvx_debug_active(struct lvx_vcpu *vcpu)
{
	return to_vmx(vcpu)->debug_armed;
}

/**
 * lvx_debug_enter() - before the guest runs
 * @vcpu: about to enter
 *
 * The host's breakpoints go off before their addresses do, lest it traps at the
 * guest's. Context: interrupts off.
 */
void lvx_debug_enter(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	const u64 *db = vmx->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
			vmx->host_db : vmx->db;

	if (effective_dr7(vmx) & DR7_BREAKPOINTS) {
		set_debugreg(0ul, 7);
		set_debugreg(db[0], 0);
		set_debugreg(db[1], 1);
		set_debugreg(db[2], 2);
		set_debugreg(db[3], 3);
	}
	if (stepping(vmx)) {
		/* The guest may have loaded its flags: POPF, IRET, SYSRET. */
		lvx_set_rflags(vcpu, lvx_rflags(vcpu) | X86_EFLAGS_TF);
		/*
		 * With TF set and interrupts blocked by STI or MOV SS, VM entry
		 * insists that a step is pending, which is not so.
		 */
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO,
				GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
	}
}

/**
 * lvx_debug_exit() - after the guest ran: the host's breakpoints work again
 * @vcpu: just exited
 *
 * Context: interrupts off.
 */
void lvx_debug_exit(struct lvx_vcpu *vcpu)
{
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
}

/* The CPU finds it pending at the next entry. */
static void pend_step(void)
{
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
		    vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) | DR_STEP);
}

/**
 * lvx_debug_step() - lvx executed an instruction with RFLAGS.TF set
 * @vcpu: RIP is behind it
 *
 * The guest's own trap becomes an exception like any other: what is only pending
 * in the CPU gets lost when an interrupt goes in with the entry, and doesn't end
 * a HLT. User space's step is left to the CPU, and comes back as a #DB exit.
 */
void lvx_debug_step(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (stepping(vmx)) {
		pend_step();
		return;
	}
	lvx_raise_db(vcpu, DR_STEP);
	vmx->inject = true;
}

/* ------------------------------------------------------------------- exits */

static u64 linear_rip(struct lvx_vcpu *vcpu)
{
	if (lvx_is_64bit(vcpu))
		return lvx_rip(vcpu);
	return (u32)(vmcs_readl(GUEST_CS_BASE) + lvx_rip(vcpu));
}

static enum lvx_next debug_to_user(struct lvx_vcpu *vcpu, u32 vector, u64 causes)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = vector;
	run->debug.arch.pc = linear_rip(vcpu);
	run->debug.arch.dr6 = causes | DR6_ONES;
	run->debug.arch.dr7 = vmcs_readl(GUEST_DR7);
	return LVX_TO_USER;
}

/**
 * lvx_debug_halted() - the guest executed HLT
 * @vcpu: loaded; RIP is behind the HLT
 *
 * Who steps over a HLT is told at once. The vCPU still waits for what ends it
 * when it runs again.
 */
enum lvx_next lvx_debug_halted(struct lvx_vcpu *vcpu)
{
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	if (!stepping(to_vmx(vcpu)))
		return LVX_RESUME;
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
		    vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) & ~DR_STEP);
	return debug_to_user(vcpu, DB_VECTOR, DR_STEP);
}

#define SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/**
 * lvx_exit_db() - #DB in the guest
 * @vcpu: loaded
 */
enum lvx_next lvx_exit_db(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 causes = vmcs_readl(EXIT_QUALIFICATION) & DB_CAUSES;
	u32 type = vmcs_read32(VM_EXIT_INTR_INFO) & INTR_INFO_INTR_TYPE_MASK;
	u32 shadow = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & SHADOW;

	if (vmx->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return debug_to_user(vcpu, DB_VECTOR, causes);
	if (type == INTR_TYPE_PRIV_SW_EXCEPTION) {
		/* INT1 exits on itself, but its #DB is a trap. */
		lvx_set_rip(vcpu, lvx_rip(vcpu) +
				  vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
		if (shadow)
			vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO, SHADOW);
	} else if (shadow && (lvx_rflags(vcpu) & X86_EFLAGS_TF)) {
		/* As above: here the step is real, and goes in with this entry. */
		pend_step();
	}
	lvx_raise_db(vcpu, causes);
	return LVX_RESUME;
}

/*
 * INT3 as the CPU would deliver it: the return address is behind it. Its length
 * is known from the exit that user space now sends back; else it is CCH.
 */
static void raise_bp(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->event = (struct lvx_event){
		.info = BP_VECTOR | INTR_TYPE_SOFT_EXCEPTION |
			INTR_INFO_VALID_MASK,
		.insn_len = vmx->bp_len ?: 1,
	};
}

/**
 * lvx_exit_bp() - #BP in the guest, intercepted while user space debugs
 * @vcpu: loaded
 *
 * RIP is still at the INT3.
 */
enum lvx_next lvx_exit_bp(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->bp_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	if (vmx->guest_debug & KVM_GUESTDBG_USE_SW_BP)
		return debug_to_user(vcpu, BP_VECTOR, 0);
	raise_bp(vcpu);
	return LVX_RESUME;
}

static u64 read_reg(struct lvx_vcpu *vcpu, u32 reg)
{
	u64 value = reg == LVX_RSP ? lvx_rsp(vcpu) : vcpu->regs[reg];

	return lvx_is_64bit(vcpu) ? value : (u32)value;
}

static void write_reg(struct lvx_vcpu *vcpu, u32 reg, u64 value)
{
	if (!lvx_is_64bit(vcpu))
		value = (u32)value;
	if (reg == LVX_RSP)
		lvx_set_rsp(vcpu, value);
	else
		vcpu->regs[reg] = value;
}

static u64 get_dr(struct lvx_vmx *vmx, u32 dr)
{
	if (dr < 4)
		return vmx->db[dr];
	return dr & 1 ? vmx->dr7 : vmx->dr6;
}

/* Bits 63:32 of DR6 and DR7 can't be set: -EINVAL for #GP. */
static int set_dr(struct lvx_vcpu *vcpu, u32 dr, u64 value)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (dr >= 4 && value >> 32)
		return -EINVAL;
	if (dr < 4) {
		vmx->db[dr] = value;
	} else if (dr & 1) {
		vmx->dr7 = (value & DR7_WRITABLE) | DR7_ONE;
		lvx_debug_update(vcpu);
	} else {
		vmx->dr6 = (value & DR6_WRITABLE) | DR6_ONES;
	}
	return 0;
}

/**
 * lvx_exit_mov_dr() - MOV to or from a debug register
 * @vcpu: loaded
 *
 * DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them undefined. The exit
 * comes before the #DB of DR7.GD (SDM, "Relative Priority of Faults and VM
 * Exits"), so that is checked here.
 */
enum lvx_next lvx_exit_mov_dr(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	unsigned long qual = vmcs_readl(EXIT_QUALIFICATION);
	u32 dr = QUAL_DR(qual), reg = QUAL_REG(qual);

	if ((dr == 4 || dr == 5) && (lvx_cr4(vcpu) & X86_CR4_DE)) {
		lvx_raise(vcpu, X86_TRAP_UD);
		return LVX_RESUME;
	}
	if (lvx_cpl(vcpu)) {
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
		return LVX_RESUME;
	}
	if (effective_dr7(vmx) & DR7_GENERAL_DETECT) {
		if (vmx->guest_debug & KVM_GUESTDBG_USE_HW_BP)
			return debug_to_user(vcpu, DB_VECTOR, DR6_BD_BIT);
		lvx_raise_db(vcpu, DR6_BD_BIT);
		return LVX_RESUME;
	}
	if (qual & QUAL_FROM_DR) {
		write_reg(vcpu, reg, get_dr(vmx, dr));
	} else if (set_dr(vcpu, dr, read_reg(vcpu, reg))) {
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
		return LVX_RESUME;
	}
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/**
 * lvx_deliver_db() - what the delivery of #DB changes
 * @vcpu: loaded
 * @dr6_bits: why it comes
 */
void lvx_deliver_db(struct lvx_vcpu *vcpu, u64 dr6_bits)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->dr6 = (vmx->dr6 & ~(u64)DR_TRAP_BITS) | dr6_bits;
	if (vmx->dr7 & DR7_GENERAL_DETECT) {
		vmx->dr7 &= ~DR7_GENERAL_DETECT;
		lvx_debug_update(vcpu);
	}
}

/* ------------------------------------------------------------------- ioctls */

/* Single-stepping's TF is not the guest's: it is hidden, and set again. */
u64 lvx_debug_rflags(struct lvx_vcpu *vcpu)
{
	u64 rflags = lvx_rflags(vcpu);

	return stepping(to_vmx(vcpu)) ? rflags & ~X86_EFLAGS_TF : rflags;
}

/**
 * lvx_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @vcpu: loaded
 * @dbg: what to debug, and an exception to deliver
 *
 * Return: 0, or -EBUSY: an exception is pending, @dbg's can't be delivered.
 */
int lvx_set_guest_debug(struct lvx_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 rflags = lvx_debug_rflags(vcpu);
	u32 control = dbg->control;
	bool was_stepping;

	if (control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (vmx->exception.pending || vmx->triple_fault)
			return -EBUSY;
		if (control & KVM_GUESTDBG_INJECT_DB)
			lvx_raise(vcpu, DB_VECTOR);
		else
			raise_bp(vcpu);
	}
	was_stepping = stepping(vmx);
	vmx->guest_debug = control & KVM_GUESTDBG_ENABLE ? control : 0;
	/* A step that lvx_debug_step() made pending was user space's. */
	if (was_stepping && !stepping(vmx))
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
			    vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) & ~DR_STEP);
	if (vmx->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		memcpy(vmx->host_db, dbg->arch.debugreg, sizeof(vmx->host_db));
		vmx->host_dr7 = dbg->arch.debugreg[7];
	}
	/* lvx_debug_enter() sets TF if need be. */
	lvx_set_rflags(vcpu, rflags);
	lvx_debug_update(vcpu);
	return 0;
}

void lvx_get_debugregs(struct lvx_vcpu *vcpu, struct kvm_debugregs *regs)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	memset(regs, 0, sizeof(*regs));
	memcpy(regs->db, vmx->db, sizeof(regs->db));
	regs->dr6 = vmx->dr6;
	regs->dr7 = vmx->dr7;
}

/**
 * lvx_set_debugregs() - KVM_SET_DEBUGREGS
 * @vcpu: loaded
 * @regs: the guest's debug registers
 *
 * Return: 0, or -EINVAL: flags, or bits 63:32 of DR6 or DR7.
 */
int lvx_set_debugregs(struct lvx_vcpu *vcpu, const struct kvm_debugregs *regs)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	memcpy(vmx->db, regs->db, sizeof(vmx->db));
	vmx->dr6 = regs->dr6;
	vmx->dr7 = regs->dr7;
	lvx_debug_update(vcpu);
	return 0;
}
