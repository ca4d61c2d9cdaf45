// SPDX-License-Identifier: GPL-2.0
/*
 * The run loop: KVM_RUN from its start to its return.
 *
 * Two loops, one in the other. The outer one runs with interrupts on and may
 * sleep: it completes what user space was asked for, serves requests, lets a
 * halted vCPU wait, and takes the exits whose handlers may sleep. The inner one
 * keeps interrupts off and goes back and forth between the guest and the atomic
 * rows of the exit table. The host loses nothing by it: an interrupt for the
 * host that arrives meanwhile makes the next VM entry exit at once, and that
 * exit is no atomic row. Only what a handler itself brings about on this CPU
 * comes without an interrupt, a task woken by an eventfd above all, so work of
 * the thread ends the inner loop, too.
 */
#include <linux/context_tracking.h>
#include <linux/entry-kvm.h>
#include <linux/instrumentation.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/idtentry.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "base/compat.h"
#include "base/vm.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "mmu/mmu.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* Served with interrupts off, on the way in. */
#define QUICK_REQUESTS	(BIT(LVX_REQ_EVENT) | BIT(LVX_REQ_TLB_FLUSH) | \
			 BIT(LVX_REQ_GUEST_TLB))

static __always_inline void sync_lapic(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 events;

	if (!vcpu->lapic)
		return;
	events = lvx_lapic_sync(vcpu, &vmx->sipi_vector);
	if (likely(!events))
		return;
	if (events & LVX_EVENT_NMI)
		lvx_add_nmi(vcpu);
	if (events & LVX_EVENT_NMI_2)
		lvx_add_nmi(vcpu);
	vmx->lapic_events |= events & (LVX_EVENT_INIT | LVX_EVENT_SIPI);
}

static void quick_requests(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (lvx_check_request(vcpu, LVX_REQ_TLB_FLUSH))
		lvx_invept(vmx->eptp);
	if (lvx_check_request(vcpu, LVX_REQ_GUEST_TLB))
		lvx_invvpid(vmx->vpid);
	if (lvx_check_request(vcpu, LVX_REQ_EVENT))
		sync_lapic(vcpu);
}

/* May sleep. Return 0 or -errno for KVM_RUN. */
static int slow_requests(struct lvx_vcpu *vcpu)
{
	if (test_bit(LVX_REQ_DEAD, &vcpu->requests))
		return -EIO;
	if (lvx_check_request(vcpu, LVX_REQ_TIMER))
		lvx_lapic_timer_expired(vcpu);
	if (lvx_check_request(vcpu, LVX_REQ_CLOCK))
		lvx_pvclock_update(vcpu);
	if (lvx_check_request(vcpu, LVX_REQ_STEAL))
		lvx_steal_update(vcpu);
	if (lvx_check_request(vcpu, LVX_REQ_MSR_FILTER))
		lvx_msr_bitmap_refilter(vcpu);
	return 0;
}

/*
 * INIT and start-up IPIs (SDM, "MP Initialization Protocol"): the BSP restarts
 * at the reset vector, other CPUs wait for a SIPI and ignore it when running.
 */
static void take_init_sipi(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 events = vmx->lapic_events;
	struct lvx_segment cs;

	vmx->lapic_events = 0;
	if (events & LVX_EVENT_INIT) {
		lvx_lapic_reset(vcpu, true);
		lvx_reset_state(vcpu, true);
		vcpu->mp_state = vcpu->id == vcpu->vm->bsp_id ?
				 KVM_MP_STATE_RUNNABLE :
				 KVM_MP_STATE_INIT_RECEIVED;
	}
	if (!(events & LVX_EVENT_SIPI) ||
	    vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return;
	lvx_get_segment(vcpu, LVX_CS, &cs);
	cs.selector = vmx->sipi_vector << 8;
	cs.base = vmx->sipi_vector << 12;
	lvx_set_segment(vcpu, LVX_CS, &cs);
	lvx_set_rip(vcpu, 0);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

/**
 * lvx_take_lapic_events() - INIT, SIPI and NMI in the LAPIC's inbox happen now
 * @vcpu: loaded
 *
 * For user space that looks at a vCPU between two KVM_RUNs.
 */
void lvx_take_lapic_events(struct lvx_vcpu *vcpu)
{
	sync_lapic(vcpu);
	if (to_vmx(vcpu)->lapic_events)
		take_init_sipi(vcpu);
}

/* XCR0 and XSS: only what differs. The kernel's interrupts need the host's. */
static void switch_xstate(struct lvx_vcpu *vcpu, bool guest)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (vmx->xcr0 != vmx->host_xcr0 && vmx->guest_osxsave)
		xsetbv(XCR_XFEATURE_ENABLED_MASK,
		       guest ? vmx->xcr0 : vmx->host_xcr0);
	if (vmx->xss != vmx->host_xss)
		wrmsrl(MSR_IA32_XSS, guest ? vmx->xss : vmx->host_xss);
	if (!cpu_feature_enabled(X86_FEATURE_OSPKE) || !vmx->guest_pkru)
		return;
	if (guest) {
		vmx->host_pkru = rdpkru();
		if (vmx->pkru != vmx->host_pkru)
			wrpkru(vmx->pkru);
	} else {
		vmx->pkru = rdpkru();
		if (vmx->pkru != vmx->host_pkru)
			wrpkru(vmx->host_pkru);
	}
}

/* Host fields that follow the thread's address space. */
static void write_host_crs(struct lvx_vmx *vmx)
{
	unsigned long cr3 = __get_current_cr3_fast();
	unsigned long cr4 = cr4_read_shadow();

	if (cr3 != vmx->host_cr3) {
		vmcs_writel(HOST_CR3, cr3);
		vmx->host_cr3 = cr3;
	}
	if (cr4 != vmx->host_cr4) {
		vmcs_writel(HOST_CR4, cr4);
		vmx->host_cr4 = cr4;
	}
}

static __always_inline void flush_registers(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (vmx->dirty & LVX_CACHED_RIP)
		vmcs_writel(GUEST_RIP, vmx->rip);
	if (vmx->dirty & LVX_CACHED_RSP)
		vmcs_writel(GUEST_RSP, vcpu->regs[LVX_RSP]);
	if (vmx->dirty & LVX_CACHED_RFLAGS)
		vmcs_writel(GUEST_RFLAGS, vmx->rflags);
	vmx->dirty = 0;
}

/*
 * SDM, "VMX-Preemption Timer": counts down from its field, which no exit
 * changes, once every 2^n ticks of the TSC. Time that passes outside the guest
 * does not count, so the field is written for each entry.
 */
static void set_preemption_timer(struct lvx_vcpu *vcpu)
{
	u64 now = lvx_guest_tsc(vcpu), left = U32_MAX;

	if (vcpu->leave_at)
		left = vcpu->leave_at <= now ? 0 :
		       (vcpu->leave_at - now) >> lvx_caps.timer_shift;
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, left, U32_MAX));
	to_vmx(vcpu)->left_at = vcpu->leave_at;
}

/*
 * With a nohz_full CPU anywhere, each entry and each exit are announced: in the
 * guest, such a CPU is idle for RCU and is not asked for anything, but the atomic
 * rows' handlers use RCU. The tracers of interrupts-off times want to know, too.
 */
static noinstr bool enter_tracked(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	bool failed;

	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	if (!context_tracking_enabled_this_cpu())
		rcu_note_context_switch(false);
	instrumentation_end();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);

	failed = lvx_enter(vcpu->regs, vmx->vmcs.launched, &vmx->sw);

	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
	return failed;
}

/*
 * The CPU refused guest state. What was to be delivered was not: it stays in
 * vmx->event, as if it had interrupted itself, and the CPU, which leaves the
 * field as it was, must not find it there by itself.
 */
static noinline void entry_refused(void)
{
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/* Once into the guest and out again. False: the CPU refused. */
static __always_inline bool world_switch(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	bool failed;

	if (vmx->dirty)
		flush_registers(vcpu);
	if (static_branch_unlikely(&lvx_empties_caches))
		lvx_empty_caches(vcpu);
	if (IS_ENABLED(CONFIG_TRACE_IRQFLAGS) || context_tracking_enabled())
		failed = enter_tracked(vcpu);
	else
		failed = lvx_enter(vcpu->regs, vmx->vmcs.launched, &vmx->sw);
	if (unlikely(failed)) {
		entry_refused();
		return false;
	}
	vmx->cached = 0;
	vmx->exit_reason = vmcs_read32(VM_EXIT_REASON);
	/* An entry that fails on guest state leaves the launch state alone. */
	if (unlikely(vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		entry_refused();
		return true;
	}
	vmx->event.info = 0;
	vmx->vmcs.launched = true;
	return true;
}

/* The short way through the exit table; LVX_SLOW: the outer loop must see it. */
static __always_inline enum lvx_next handle_atomic(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;
	const struct lvx_exit_row *row;

	/* As lvx_exit_row(), with fewer instructions. */
	if (unlikely(reason >= LVX_NR_EXIT_ROWS))
		return LVX_SLOW;
	reason = array_index_nospec(reason, LVX_NR_EXIT_ROWS);
	row = &lvx_exit_rows[reason];
	vmx->exits[reason]++;
	return row->atomic ? row->atomic(vcpu) : LVX_SLOW;
}

/*
 * The event for the next entry. Taking an interrupt tells its device, which may
 * have the next one for this vCPU at once, or wake a task. It was too late then
 * to look at requests, so an interrupt ends the run as soon as the event is in,
 * like that of a kick from elsewhere.
 */
static __always_inline void inject(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->inject = false;
	lvx_inject(vcpu);
	if (READ_ONCE(vcpu->requests) || __xfer_to_guest_mode_work_pending())
		smp_send_reschedule(smp_processor_id());
	/* Last: what comes after it makes the timer late. */
	if (vcpu->enter_at)
		lvx_lapic_timer_settle(vcpu);
}

/*
 * The inner loop. Returns what the handler of the last exit said: LVX_SLOW
 * means that the exit in vmx->exit_reason still wants its handler.
 */
static enum lvx_next inner_loop(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	enum lvx_next next;

	for (;;) {
		if (vmx->inject)
			inject(vcpu);
		if (vcpu->leave_at | vmx->left_at)
			set_preemption_timer(vcpu);
		if (!world_switch(vcpu))
			return LVX_ERROR;
		next = handle_atomic(vcpu);
		if (next != LVX_RESUME)
			return next;
		if (__xfer_to_guest_mode_work_pending())
			return LVX_RESUME;
		if (!READ_ONCE(vcpu->requests))
			continue;
		if (vcpu->requests & ~QUICK_REQUESTS)
			return LVX_RESUME;
		quick_requests(vcpu);
		if (vmx->lapic_events)
			return LVX_RESUME;
		vmx->inject = true;
	}
}

/*
 * One trip with the EPT of the overlay, for one instruction or the delivery of
 * one event. What interrupts that, but for the host and for memory that is
 * missing in the EPT, ends it; then the guest begins anew.
 */
static noinline enum lvx_next overlay_trip(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 eptp = lvx_overlay_build(vcpu, vmx->overlay);
	bool entered;

	if (!eptp)
		return LVX_RESUME;
	vmcs_write64(EPT_POINTER, eptp);
	lvx_set_ctl_cpu(vcpu, CPU_BASED_MONITOR_TRAP_FLAG, 0);
	inject(vcpu);
	if (vcpu->leave_at | vmx->left_at)
		set_preemption_timer(vcpu);
	entered = world_switch(vcpu);
	lvx_set_ctl_cpu(vcpu, 0, CPU_BASED_MONITOR_TRAP_FLAG);
	vmcs_write64(EPT_POINTER, vmx->eptp);
	/* No CPU may remember the copies: they are pages like others afterwards. */
	lvx_invept(eptp);
	if (!entered) {
		vmx->overlay_armed = false;
		return LVX_ERROR;
	}
	vmx->overlay_armed = vmx->exit_reason == EXIT_REASON_EPT_VIOLATION ||
			     vmx->exit_reason == EXIT_REASON_EXTERNAL_INTERRUPT;
	return handle_atomic(vcpu);
}

static bool must_not_enter(struct lvx_vcpu *vcpu)
{
	return (READ_ONCE(vcpu->requests) & ~QUICK_REQUESTS) ||
	       __xfer_to_guest_mode_work_pending() ||
	       to_vmx(vcpu)->lapic_events;
}

/*
 * As if it had come in user space: what a guest consumes is its VMM's memory, and
 * losing that costs a process. In the kernel it would cost the host.
 */
static void forward_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	if (IS_ENABLED(CONFIG_X86_MCE))
		do_machine_check(&regs);
}

/* Machine checks that ended the guest's run are the host's. */
static void forward_host_events(struct lvx_vmx *vmx)
{
	u32 info;

	if ((u16)vmx->exit_reason == EXIT_REASON_MCE_DURING_VMENTRY) {
		forward_machine_check();
		return;
	}
	if (vmx->exit_reason != EXIT_REASON_EXCEPTION_NMI)
		return;
	info = vmcs_read32(VM_EXIT_INTR_INFO);
	if ((info & (INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK)) ==
	    (INTR_TYPE_HARD_EXCEPTION | X86_TRAP_MC))
		forward_machine_check();
}

/*
 * So are NMIs, and these come first: the CPU blocks further ones until the next
 * IRET, whosever it is.
 */
static void forward_nmi(struct lvx_vmx *vmx)
{
	u32 info;

	if (vmx->exit_reason != EXIT_REASON_EXCEPTION_NMI)
		return;
	info = vmcs_read32(VM_EXIT_INTR_INFO);
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		lvx_do_nmi(LVX_NMI_HANDLER);
}

/*
 * IA32_DEBUGCTL: VM exit clears it, and a profiler of the host may want its branch
 * records. Perf changes it by IPI, so it is read with interrupts off. The guest
 * runs with its own, but whether counters stand still in SMM is the host's choice.
 */
static void save_debugctl(struct lvx_vmx *vmx)
{
	u64 kept;

	lockdep_assert_irqs_disabled();
	vmx->host_debugctl = get_debugctlmsr();
	kept = vmx->host_debugctl & DEBUGCTLMSR_FREEZE_IN_SMM;
	if (unlikely(kept != vmx->kept_debugctl)) {
		vmcs_write64(GUEST_IA32_DEBUGCTL, kept);
		vmx->kept_debugctl = kept;
	}
}

/*
 * RCU need not wait for this CPU: nothing of before is in use any more. It looks
 * for that at ticks, and each tick of the host ends a trip: so the first trip after
 * a tick is soon enough, and the others need not pay for it.
 */
static __always_inline void note_quiescence(struct lvx_vmx *vmx)
{
	unsigned long now = jiffies;

	if (vmx->quiet_at == now)
		return;
	vmx->quiet_at = now;
	rcu_note_context_switch(false);
}

/*
 * The guest's time ends. Not before interrupts were on: the tick that is pending
 * now still counts as the guest's.
 */
static void end_guest_time(void)
{
	local_irq_enable();
	if (!vtime_accounting_enabled_this_cpu()) {
		vtime_account_guest_exit();
		return;
	}
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
}

/**
 * enter_guest() - one trip: into the guest, through atomic rows, out
 * @vcpu: loaded and runnable
 *
 * Return: LVX_RESUME: nothing to handle, look at requests and come again;
 * LVX_SLOW: the exit needs its handler; LVX_TO_USER; LVX_ERROR: entry failed.
 */
static enum lvx_next enter_guest(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	enum lvx_next next = LVX_RESUME;

	preempt_disable();
	lvx_switch_to_guest(vcpu);
	local_irq_disable();
	if (unlikely(!this_cpu_read(lvx_vmx_on))) {
		next = LVX_ERROR;
		vmx->error = -EIO;
		goto out;
	}
	/* Pairs with lvx_make_request() and lvx_vcpu_kick(). */
	smp_store_mb(vcpu->mode, LVX_IN_GUEST);
	quick_requests(vcpu);
	if (must_not_enter(vcpu)) {
		WRITE_ONCE(vcpu->mode, LVX_OUTSIDE_GUEST);
		goto out;
	}
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	write_host_crs(vmx);
	switch_xstate(vcpu, true);
	if (lvx_debug_active(vcpu))
		lvx_debug_enter(vcpu);
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);
	save_debugctl(vmx);
	lvx_perf_enter(vcpu);
	vtime_account_guest_enter();
	note_quiescence(vmx);
	vcpu->has_run = true;
	vmx->empty_caches = true;
	vmx->inject = true;

	next = unlikely(vmx->overlay_armed) ? overlay_trip(vcpu) :
					      inner_loop(vcpu);

	vcpu->cr2 = native_read_cr2();
	if (next == LVX_SLOW)
		forward_nmi(vmx);
	lvx_debug_exit(vcpu);
	lvx_perf_exit(vcpu);
	if (unlikely(vmx->host_debugctl))
		update_debugctlmsr(vmx->host_debugctl);
	switch_xstate(vcpu, false);
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	/* What the guest trained must not lead the VMM astray. */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
	/* Pairs with the acquire in lvx_request_all(). */
	smp_store_release(&vcpu->mode, LVX_OUTSIDE_GUEST);
	if (next == LVX_SLOW)
		forward_host_events(vmx);
	end_guest_time();
	preempt_enable();
	return next;
out:
	local_irq_enable();
	preempt_enable();
	return next;
}

/* Sleep until a request or a signal. */
static void wait_for_request(struct lvx_vcpu *vcpu)
{
	if (vcpu->leave_at)
		lvx_lapic_timer_sleep(vcpu);
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(vcpu->requests) || signal_pending(current))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	if (vcpu->leave_at)
		lvx_lapic_timer_wake(vcpu);
}

/*
 * A vCPU that is not runnable. Return 0 when it may have become so, or -errno
 * for KVM_RUN.
 */
static int wait_runnable(struct lvx_vcpu *vcpu)
{
	bool was_uninitialized = vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED;
	int r;

	if (vcpu->mp_state == KVM_MP_STATE_HALTED) {
		sync_lapic(vcpu);
		if (lvx_has_event(vcpu)) {
			vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
			return 0;
		}
	}
	if (!to_vmx(vcpu)->lapic_events)
		wait_for_request(vcpu);
	r = slow_requests(vcpu);
	if (r)
		return r;
	/* Not left for the next entry: they would end each wait at once. */
	preempt_disable();
	quick_requests(vcpu);
	preempt_enable();
	if (signal_pending(current)) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	if (was_uninitialized) {
		if (to_vmx(vcpu)->lapic_events & LVX_EVENT_INIT)
			take_init_sipi(vcpu);
		return -EAGAIN;
	}
	return 0;
}

static enum lvx_next entry_failed(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (vmx->error)
		return LVX_ERROR;
	/* VMfail: SDM, "VM-Instruction Error Numbers". */
	vmx->fail_instruction_error = vmcs_read32(VM_INSTRUCTION_ERROR);
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason =
		vmx->fail_instruction_error;
	vcpu->run->fail_entry.cpu = raw_smp_processor_id();
	return LVX_TO_USER;
}

static enum lvx_next triple_fault(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->triple_fault = false;
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return LVX_TO_USER;
}

/* User space injects interrupts and wants to know when it can. */
static bool window_for_user(struct lvx_vcpu *vcpu)
{
	return vcpu->run->request_interrupt_window &&
	       lvx_ready_for_injection(vcpu);
}

static enum lvx_next report_eoi(struct lvx_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = lvx_lapic_eoi_vector(vcpu);
	return LVX_TO_USER;
}

/*
 * One turn of the outer loop. An EOI for user space goes before signals: when
 * KVM_RUN has returned, user space may save the VM, and the EOI is in nothing
 * that it reads out.
 */
static enum lvx_next turn(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	enum lvx_next next;

	if (READ_ONCE(vcpu->requests) & ~QUICK_REQUESTS) {
		if (lvx_check_request(vcpu, LVX_REQ_EOI_EXIT))
			return report_eoi(vcpu);
		vmx->error = slow_requests(vcpu);
		if (vmx->error)
			return LVX_ERROR;
	}
	if (lvx_check_request(vcpu, LVX_REQ_EVENT))
		sync_lapic(vcpu);
	if (vmx->lapic_events)
		take_init_sipi(vcpu);
	if (vmx->triple_fault)
		return triple_fault(vcpu);
	if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE) {
		vmx->error = wait_runnable(vcpu);
		return vmx->error ? LVX_ERROR : LVX_RESUME;
	}
	if (__xfer_to_guest_mode_work_pending()) {
		vmx->error = lvx_thread_work(vcpu);
		if (vmx->error)
			return LVX_ERROR;
	}
	if (window_for_user(vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
		return LVX_TO_USER;
	}
	next = enter_guest(vcpu);
	if (next == LVX_SLOW)
		next = lvx_handle_exit(vcpu);
	else if (next == LVX_ERROR)
		next = entry_failed(vcpu);
	return next;
}

/* What user space sees of the interrupt state after each KVM_RUN. */
static void fill_run(struct lvx_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(lvx_rflags(vcpu) & X86_EFLAGS_IF);
	run->flags = 0;
	run->cr8 = vcpu->lapic ? lvx_lapic_cr8(vcpu) : to_vmx(vcpu)->cr8;
	run->apic_base = vcpu->lapic ? lvx_lapic_base(vcpu) :
				       to_vmx(vcpu)->apic_base;
	run->ready_for_interrupt_injection =
		lvx_irqchip_full(vcpu->vm) || lvx_ready_for_injection(vcpu);
}

/* Outer loop. Return 0 with vcpu->run filled, or -errno. */
static int outer_loop(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	enum lvx_next next = LVX_RESUME;

	vmx->error = 0;
	/* User space may have put the vCPU elsewhere. */
	vmx->overlay_armed = false;
	/* Also with immediate_exit: only then registers are as user space expects. */
	if (vcpu->pending != LVX_PENDING_NONE)
		next = lvx_complete_pending(vcpu);
	if (next == LVX_RESUME && lvx_immediate_exit(vcpu->run) &&
	    !test_bit(LVX_REQ_EOI_EXIT, &vcpu->requests))
		return -EINTR;
	while (next == LVX_RESUME)
		next = turn(vcpu);
	return next == LVX_TO_USER ? 0 : vmx->error;
}

/**
 * lvx_vcpu_run() - KVM_RUN
 * @vcpu: loaded, mutex held
 *
 * Return: 0 with vcpu->run filled; -EINVAL: there is no such CR8; -EINTR: a
 * signal, or immediate_exit; -EAGAIN: an AP got its INIT; -EFAULT: guest memory
 * that user space promised is not there; -EIO: the VM is dead.
 */
int lvx_vcpu_run(struct lvx_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int r = 0;

	/* Without a LAPIC, CR8 lives in user space's. */
	if (!vcpu->lapic) {
		u64 cr8 = READ_ONCE(run->cr8);

		if (cr8 & ~0xfULL)
			return -EINVAL;
		to_vmx(vcpu)->cr8 = cr8;
	}
	lvx_fpu_load(vcpu);
	r = outer_loop(vcpu);
	lvx_fpu_put(vcpu);
	fill_run(vcpu);
	return r;
}
