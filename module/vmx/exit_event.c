// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that are events rather than instructions: exceptions, windows, HLT's
 * wait, the guest's end.
 */
#include <linux/kvm.h>
#include <asm/cpu.h>
#include <asm/mce.h>
#include <asm/vmx.h>

#include "irq/irq.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

/* Its cause has been dealt with on the way here, or is in user space's hands. */
enum lvx_next lvx_exit_nothing(struct lvx_vcpu *vcpu)
{
	return LVX_RESUME;
}

/* The window that lvx_inject() asked for is open. */
enum lvx_next lvx_exit_window_atomic(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->inject = true;
	/* User space may have asked for it, too: the outer loop tells it. */
	return vcpu->run->request_interrupt_window ? LVX_SLOW : LVX_RESUME;
}

/* The guest lowered its TPR: an interrupt that it held back may come. */
enum lvx_next lvx_exit_tpr(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->inject = true;
	return LVX_RESUME;
}

enum lvx_next lvx_exit_timer_atomic(struct lvx_vcpu *vcpu)
{
	lvx_lapic_timer_left(vcpu);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_triple_fault(struct lvx_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return LVX_TO_USER;
}

enum lvx_next lvx_exit_hlt_atomic(struct lvx_vcpu *vcpu)
{
	/* The trap of a step comes first. */
	if (!vcpu->lapic || (lvx_rflags(vcpu) & (X86_EFLAGS_IF | X86_EFLAGS_TF)) !=
			    X86_EFLAGS_IF || lvx_irq_peek(vcpu) < 0)
		return LVX_SLOW;
	lvx_skip(vcpu);
	to_vmx(vcpu)->inject = true;
	return LVX_RESUME;
}

enum lvx_next lvx_exit_hlt(struct lvx_vcpu *vcpu)
{
	lvx_skip(vcpu);
	if (!vcpu->lapic) {
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return LVX_TO_USER;
	}
	return lvx_debug_halted(vcpu);
}

/* The IRET that ended NMI blocking did not complete: blocking is on again. */
static void restore_nmi_blocking(struct lvx_vcpu *vcpu, u32 info)
{
	if ((info & INTR_INFO_UNBLOCK_NMI) && !to_vmx(vcpu)->event.info)
		vmcs_set_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);
}

/* The exception that the guest would have got, given back to it. */
static enum lvx_next reflect(struct lvx_vcpu *vcpu, u32 info)
{
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	if (info & INTR_INFO_DELIVER_CODE_MASK)
		lvx_raise_error(vcpu, vector, vmcs_read32(VM_EXIT_INTR_ERROR_CODE));
	else
		lvx_raise(vcpu, vector);
	return LVX_RESUME;
}

/*
 * Hosts that watch for split locks have #AC raised for them, in guests as well;
 * a guest that has not asked for alignment checks can't know what it means.
 */
static enum lvx_next exit_ac(struct lvx_vcpu *vcpu, u32 info)
{
	struct kvm_run *run = vcpu->run;

	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) ||
	    (lvx_cpl(vcpu) == 3 && (lvx_cr0(vcpu) & X86_CR0_AM) &&
	     (lvx_rflags(vcpu) & X86_EFLAGS_AC)))
		return reflect(vcpu, info);
	/* The host warns and lets it pass, or has sent SIGBUS. */
	if (handle_guest_split_lock(lvx_rip(vcpu)))
		return LVX_RESUME;
	run->exit_reason = KVM_EXIT_EXCEPTION;
	run->ex.exception = AC_VECTOR;
	run->ex.error_code = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
	return LVX_TO_USER;
}

enum lvx_next lvx_exit_exception(struct lvx_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);

	/* The run loop has given an NMI to the host already. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return LVX_RESUME;
	restore_nmi_blocking(vcpu, info);
	switch (info & INTR_INFO_VECTOR_MASK) {
	case DB_VECTOR:
		return lvx_exit_db(vcpu);
	case BP_VECTOR:
		return lvx_exit_bp(vcpu);
	case AC_VECTOR:
		return exit_ac(vcpu, info);
	case MC_VECTOR:
		/* Forwarded to the host by the run loop. */
		return LVX_RESUME;
	default:
		return reflect(vcpu, info);
	}
}
