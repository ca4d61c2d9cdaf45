/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit handlers, one per exit reason, and the table's row.
 */
#ifndef LVX_VMX_EXIT_H
#define LVX_VMX_EXIT_H

#include <linux/nospec.h>

#include "vmx/vcpu.h"

/**
 * struct lvx_exit_row - how one exit reason is handled
 * @name: the SDM's, for traces, statistics and dumps
 * @atomic: tried first, with interrupts off: may not sleep, must be bounded.
 *	LVX_SLOW with nothing changed hands over to @handler
 * @handler: with interrupts on
 * @may_vector: the exit can interrupt the delivery of an event
 */
struct lvx_exit_row {
	const char *name;
	enum lvx_next (*atomic)(struct lvx_vcpu *vcpu);
	enum lvx_next (*handler)(struct lvx_vcpu *vcpu);
	bool may_vector;
};

/* Not in the kernel's header, or not yet; SDM, "VMX Basic Exit Reasons". */
#ifndef EXIT_REASON_GETSEC
#define EXIT_REASON_GETSEC	11
#endif
#ifndef EXIT_REASON_SEAMCALL
#define EXIT_REASON_SEAMCALL	76
#define EXIT_REASON_TDCALL	77
#endif

/* TDCALL is the last that lvx knows. */
#define LVX_NR_EXIT_ROWS	(EXIT_REASON_TDCALL + 1)

extern const struct lvx_exit_row lvx_exit_rows[LVX_NR_EXIT_ROWS];

/* The row of an exit reason; NULL if it has none, or the entry failed. */
static __always_inline const struct lvx_exit_row *lvx_exit_row(u32 reason)
{
	/* The CPU chose the number, but from the guest's doings. */
	if (unlikely(reason >= LVX_NR_EXIT_ROWS))
		return NULL;
	return &lvx_exit_rows[array_index_nospec(reason, LVX_NR_EXIT_ROWS)];
}

/* exit_event.c */
enum lvx_next lvx_exit_exception(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_window_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_triple_fault(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_hlt_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_hlt(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_nothing(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_tpr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_timer_atomic(struct lvx_vcpu *vcpu);

/* exit_insn.c */
enum lvx_next lvx_exit_cpuid(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_rdmsr_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_rdmsr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_wrmsr_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_wrmsr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_vmcall(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_cr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_xsetbv(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_undefined(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_skip(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_wbinvd(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_mwait(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_rdpmc(struct lvx_vcpu *vcpu);

/* exit_task.c */
enum lvx_next lvx_exit_task_switch(struct lvx_vcpu *vcpu);

/* exit_desc.c */
enum lvx_next lvx_exit_gdtr_idtr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_ldtr_tr(struct lvx_vcpu *vcpu);

/* exit_io.c */
enum lvx_next lvx_exit_io_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_io_string(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_ept_violation_atomic(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_ept_violation(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_ept_misconfig(struct lvx_vcpu *vcpu);

#endif
