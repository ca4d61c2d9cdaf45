// SPDX-License-Identifier: GPL-2.0
/*
 * The exit table: from a basic exit reason (SDM, appendix "VMX Basic Exit
 * Reasons") to its handlers.
 *
 * A reason without a row goes to user space as an internal error, with the VMCS
 * as it was.
 */
#include <linux/kvm.h>
#include <asm/vmx.h>

#include "vmx/exit.h"
#include "vmx/vcpu.h"

#define ROW(reason, name, ...)	[EXIT_REASON_##reason] = { name, __VA_ARGS__ }
#define UNDEFINED(reason, name)	ROW(reason, name, NULL, lvx_exit_undefined)

const struct lvx_exit_row lvx_exit_rows[LVX_NR_EXIT_ROWS] = {
	ROW(EXCEPTION_NMI, "exception or NMI", NULL, lvx_exit_exception, true),
	ROW(EXTERNAL_INTERRUPT, "external interrupt", NULL, lvx_exit_nothing),
	ROW(TRIPLE_FAULT, "triple fault", NULL, lvx_exit_triple_fault),
	ROW(INTERRUPT_WINDOW, "interrupt window", lvx_exit_window_atomic,
	    lvx_exit_nothing),
	ROW(NMI_WINDOW, "NMI window", lvx_exit_window_atomic, lvx_exit_nothing),
	ROW(TASK_SWITCH, "task switch", NULL, lvx_exit_task_switch, true),
	ROW(CPUID, "CPUID", lvx_exit_cpuid),
	ROW(HLT, "HLT", lvx_exit_hlt_atomic, lvx_exit_hlt),
	ROW(INVD, "INVD", NULL, lvx_exit_skip),
	ROW(RDPMC, "RDPMC", NULL, lvx_exit_rdpmc),
	ROW(VMCALL, "VMCALL", lvx_exit_vmcall),
	UNDEFINED(GETSEC, "GETSEC"),
	UNDEFINED(VMCLEAR, "VMCLEAR"),
	UNDEFINED(VMLAUNCH, "VMLAUNCH"),
	UNDEFINED(VMPTRLD, "VMPTRLD"),
	UNDEFINED(VMPTRST, "VMPTRST"),
	UNDEFINED(VMREAD, "VMREAD"),
	UNDEFINED(VMRESUME, "VMRESUME"),
	UNDEFINED(VMWRITE, "VMWRITE"),
	UNDEFINED(VMOFF, "VMXOFF"),
	UNDEFINED(VMON, "VMXON"),
	ROW(CR_ACCESS, "control-register access", NULL, lvx_exit_cr),
	ROW(DR_ACCESS, "MOV DR", NULL, lvx_exit_mov_dr),
	ROW(IO_INSTRUCTION, "I/O instruction", lvx_exit_io_atomic,
	    lvx_exit_io_string),
	ROW(MSR_READ, "RDMSR", lvx_exit_rdmsr_atomic, lvx_exit_rdmsr),
	ROW(MSR_WRITE, "WRMSR", lvx_exit_wrmsr_atomic, lvx_exit_wrmsr),
	ROW(MWAIT_INSTRUCTION, "MWAIT", NULL, lvx_exit_mwait),
	ROW(MONITOR_TRAP_FLAG, "monitor trap flag", NULL, lvx_exit_nothing),
	ROW(MONITOR_INSTRUCTION, "MONITOR", NULL, lvx_exit_mwait),
	/* The vCPU that it waits for may want this CPU: the outer loop asks. */
	ROW(PAUSE_INSTRUCTION, "PAUSE loop", NULL, lvx_exit_skip),
	ROW(TPR_BELOW_THRESHOLD, "TPR below threshold", lvx_exit_tpr,
	    lvx_exit_nothing),
	ROW(PREEMPTION_TIMER, "VMX-preemption timer", lvx_exit_timer_atomic,
	    lvx_exit_nothing),
	/* Only while UMIP is lvx's to provide, and the guest has it on. */
	ROW(GDTR_IDTR, "access to GDTR or IDTR", NULL, lvx_exit_gdtr_idtr),
	ROW(LDTR_TR, "access to LDTR or TR", NULL, lvx_exit_ldtr_tr),
	ROW(EPT_VIOLATION, "EPT violation", lvx_exit_ept_violation_atomic,
	    lvx_exit_ept_violation, true),
	ROW(EPT_MISCONFIG, "EPT misconfiguration", NULL, lvx_exit_ept_misconfig,
	    true),
	UNDEFINED(INVEPT, "INVEPT"),
	UNDEFINED(INVVPID, "INVVPID"),
	ROW(WBINVD, "WBINVD", NULL, lvx_exit_wbinvd),
	ROW(XSETBV, "XSETBV", NULL, lvx_exit_xsetbv),
	UNDEFINED(VMFUNC, "VMFUNC"),
	UNDEFINED(ENCLS, "ENCLS"),
	/* On CPUs with TDX, both exit whatever the controls are. */
	UNDEFINED(SEAMCALL, "SEAMCALL"),
	UNDEFINED(TDCALL, "TDCALL"),
};

/*
 * What no guest can bring about, and why. selftests/built/ checks that each reason
 * of the kernel's header is either in the table above or here.
 */
#define NEVER(reason, why)						\
	static_assert(EXIT_REASON_##reason < LVX_NR_EXIT_ROWS, why)

NEVER(INIT_SIGNAL, "a CPU of the host is offline only after VMXOFF");
NEVER(SIPI_SIGNAL, "the activity state wait-for-SIPI is not used");
NEVER(INVLPG, "INVLPG exiting is off");
NEVER(RDTSC, "RDTSC exiting is off");
NEVER(INVALID_STATE, "has the bit of a failed entry: entry_failure()");
NEVER(MSR_LOAD_FAIL, "has the bit of a failed entry: entry_failure()");
NEVER(MCE_DURING_VMENTRY, "has the bit of a failed entry: entry_failure()");
NEVER(APIC_ACCESS, "virtualize APIC accesses is off");
NEVER(EOI_INDUCED, "virtual-interrupt delivery is off");
NEVER(RDTSCP, "RDTSC exiting is off");
NEVER(APIC_WRITE, "APIC-register virtualization is off");
NEVER(RDRAND, "RDRAND exiting is off");
NEVER(INVPCID, "INVLPG exiting is off");
NEVER(RDSEED, "RDSEED exiting is off");
NEVER(PML_FULL, "page-modification logging is off");
NEVER(XSAVES, "XSS_EXIT_BITMAP is 0");
NEVER(XRSTORS, "XSS_EXIT_BITMAP is 0");
NEVER(UMWAIT, "user wait and pause is off: #UD");
NEVER(TPAUSE, "user wait and pause is off: #UD");
NEVER(BUS_LOCK, "bus-lock detection is off");
NEVER(NOTIFY, "VM-exit notification is off");

/**
 * lvx_internal_error() - to user space: lvx can't go on with this guest
 * @vcpu: loaded
 * @suberror: KVM_INTERNAL_ERROR_*
 * @nr: entries of @data, at most 16
 * @data: what happened
 */
enum lvx_next lvx_internal_error(struct lvx_vcpu *vcpu, u32 suberror, u32 nr,
				 const u64 *data)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	/* The run page is user space's to change at any time: don't read it. */
	nr = min_t(u32, nr, ARRAY_SIZE(run->internal.data));
	run->internal.ndata = nr;
	memcpy(run->internal.data, data, nr * sizeof(*data));
	return LVX_TO_USER;
}

/* SDM, "VM-Entry Failures During or After Loading Guest State". */
static enum lvx_next entry_failure(struct lvx_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = to_vmx(vcpu)->exit_reason;
	run->fail_entry.cpu = raw_smp_processor_id();
	return LVX_TO_USER;
}

static enum lvx_next unknown_reason(struct lvx_vcpu *vcpu)
{
	u64 data[2] = { to_vmx(vcpu)->exit_reason, raw_smp_processor_id() };

	return lvx_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
				  2, data);
}

/**
 * lvx_handle_exit() - the long way, interrupts on
 * @vcpu: exited with vmx->exit_reason
 */
enum lvx_next lvx_handle_exit(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	const struct lvx_exit_row *row = lvx_exit_row(vmx->exit_reason);

	if (vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY)
		return entry_failure(vcpu);
	if (!row || !row->handler)
		return unknown_reason(vcpu);
	if (row->may_vector)
		lvx_requeue_vectoring(vcpu);
	return row->handler(vcpu);
}
