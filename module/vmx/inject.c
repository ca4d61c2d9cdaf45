// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the guest: exceptions that lvx raises, NMIs, interrupts, and the
 * events whose delivery an exit interrupted.
 *
 * At most one event goes in with a VM entry (SDM, "Event Injection"). An event
 * that was being delivered comes first, since its cause is history; then
 * exceptions, NMI, interrupts, in the order of the SDM's "Priority Among
 * Concurrent Events". For what can't go in now, an exit is requested at the
 * first moment when it can.
 */
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "base/vm.h"
#include "irq/irq.h"
#include "vmx/vcpu.h"

/* Exceptions by what a second one makes of them: SDM, "Double-Fault Exception". */
enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum exception_class exception_class(u8 vector)
{
	switch (vector) {
	case X86_TRAP_PF:
		return PAGE_FAULT;
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return CONTRIBUTORY;
	default:
		return BENIGN;
	}
}

/* The exception that is pending or being delivered; -1: none. */
static int first_exception(struct lvx_vmx *vmx)
{
	u32 info = vmx->event.info;

	if (vmx->exception.pending)
		return vmx->exception.vector;
	if ((info & INTR_INFO_VALID_MASK) &&
	    ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_HARD_EXCEPTION))
		return info & INTR_INFO_VECTOR_MASK;
	return -1;
}

static void queue(struct lvx_vcpu *vcpu, struct lvx_exception exception)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	int first = first_exception(vmx);
	enum exception_class a, b;

	if (first >= 0) {
		a = exception_class(first);
		b = exception_class(exception.vector);
		if (first == X86_TRAP_DF) {
			vmx->triple_fault = true;
			vmx->exception.pending = false;
			vmx->event.info = 0;
			return;
		}
		if ((a == CONTRIBUTORY && b == CONTRIBUTORY) ||
		    (a == PAGE_FAULT && b != BENIGN))
			exception = (struct lvx_exception){
				.vector = X86_TRAP_DF, .has_error_code = true,
			};
		/* Otherwise the second one stands: the first will come again. */
		vmx->event.info = 0;
	}
	exception.pending = true;
	vmx->exception = exception;
}

void lvx_raise(struct lvx_vcpu *vcpu, u8 vector)
{
	queue(vcpu, (struct lvx_exception){ .vector = vector });
}

void lvx_raise_error(struct lvx_vcpu *vcpu, u8 vector, u32 error_code)
{
	queue(vcpu, (struct lvx_exception){
		.vector = vector,
		.has_error_code = true,
		.error_code = error_code,
	});
}

void lvx_raise_pf(struct lvx_vcpu *vcpu, u64 cr2, u32 error_code)
{
	queue(vcpu, (struct lvx_exception){
		.vector = X86_TRAP_PF,
		.has_error_code = true,
		.error_code = error_code,
		.has_payload = true,
		.payload = cr2,
	});
}

void lvx_raise_db(struct lvx_vcpu *vcpu, u64 dr6_bits)
{
	queue(vcpu, (struct lvx_exception){
		.vector = X86_TRAP_DB,
		.has_payload = true,
		.payload = dr6_bits,
	});
}

/**
 * lvx_requeue_vectoring() - an exit may have interrupted an event's delivery
 * @vcpu: just exited, for a reason with which that is possible
 *
 * SDM, "Information for VM Exits That Occur During Event Delivery". The event is
 * kept and delivered again at the next entry, unless the exit's handler makes
 * something else of it.
 */
void lvx_requeue_vectoring(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	u32 type = info & INTR_INFO_INTR_TYPE_MASK;

	if (!(info & VECTORING_INFO_VALID_MASK))
		return;
	/* Bit 12 is undefined here and reserved in the entry field. */
	vmx->event.info = info & ~BIT(12);
	if (info & VECTORING_INFO_DELIVER_CODE_MASK)
		vmx->event.error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	vmx->event.insn_len = 0;
	if (type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_SOFT_EXCEPTION ||
	    type == INTR_TYPE_PRIV_SW_EXCEPTION)
		vmx->event.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	/*
	 * The NMI was not delivered, so it must not block itself (SDM, "Changes
	 * to NMI Blocking" under VM-exit state saving).
	 */
	if (type == INTR_TYPE_NMI_INTR)
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO,
				GUEST_INTR_STATE_NMI);
}

static void write_event(struct lvx_vmx *vmx, const struct lvx_event *event)
{
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, event->info);
	if (event->info & INTR_INFO_DELIVER_CODE_MASK)
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, event->error_code);
	if (event->insn_len)
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, event->insn_len);
}

static void inject_exception(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	struct lvx_exception *e = &vmx->exception;
	struct lvx_event event = {
		.info = e->vector | INTR_TYPE_HARD_EXCEPTION | INTR_INFO_VALID_MASK,
		.error_code = e->error_code,
	};

	/* In real mode exceptions have no error code. */
	if (e->has_error_code && (lvx_cr0(vcpu) & X86_CR0_PE))
		event.info |= INTR_INFO_DELIVER_CODE_MASK;
	/* The CPU holds the guest's CR2 by now. */
	if (e->has_payload && e->vector == X86_TRAP_PF)
		native_write_cr2(e->payload);
	if (e->has_payload && e->vector == X86_TRAP_DB)
		lvx_deliver_db(vcpu, e->payload);
	/* A fault's frame has RF set, so that the instruction can be resumed. */
	if (e->vector != X86_TRAP_DB && e->vector != X86_TRAP_BP &&
	    e->vector != X86_TRAP_OF && e->vector != X86_TRAP_DF &&
	    e->vector != X86_TRAP_MC)
		lvx_set_rflags(vcpu, lvx_rflags(vcpu) | X86_EFLAGS_RF);
	e->pending = false;
	write_event(vmx, &event);
	vmx->event = event;
}

/* Set and clear bits of the primary processor-based controls. */
void lvx_set_ctl_cpu(struct lvx_vcpu *vcpu, u32 set, u32 clear)
{
	u32 *word = &to_vmx(vcpu)->ctl.word[LVX_CPU];
	u32 new = (*word & ~clear) | set;

	if (new != *word) {
		*word = new;
		vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, new);
	}
}

#define NMI_BLOCKED	(GUEST_INTR_STATE_NMI | GUEST_INTR_STATE_STI | \
			 GUEST_INTR_STATE_MOV_SS)
#define IRQ_BLOCKED	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

static bool handles_nmi(void)
{
	return vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_NMI;
}

/**
 * lvx_add_nmi() - an NMI came
 * @vcpu: loaded
 *
 * One can wait behind another that is on its way in or being handled; more are
 * lost, as on a CPU. Of two that come when there is none, the first one is as
 * good as on its way.
 */
void lvx_add_nmi(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 event = vmx->event.info & (INTR_INFO_VALID_MASK |
				       INTR_INFO_INTR_TYPE_MASK);
	bool one = event == (INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR) ||
		   handles_nmi();

	vmx->nmi_pending = min(vmx->nmi_pending + 1, one ? 1 : 2);
}

/**
 * lvx_interrupts_enabled() - would the guest take a maskable interrupt now?
 * @vcpu: loaded
 */
bool lvx_interrupts_enabled(struct lvx_vcpu *vcpu)
{
	return (lvx_rflags(vcpu) & X86_EFLAGS_IF) &&
	       !(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & IRQ_BLOCKED);
}

/* Does user space have the PIC, and does the guest listen to it? */
static bool heeds_user(struct lvx_vcpu *vcpu)
{
	return !lvx_irqchip_full(vcpu->vm) && lvx_irq_takes_extint(vcpu);
}

/**
 * lvx_ready_for_injection() - may user space queue an interrupt now?
 * @vcpu: loaded
 */
bool lvx_ready_for_injection(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	return lvx_interrupts_enabled(vcpu) && vmx->user_irq < 0 &&
	       !vmx->exception.pending &&
	       !(vmx->event.info & INTR_INFO_VALID_MASK) && heeds_user(vcpu);
}

/* KVM_INTERRUPT's waits while the guest has LINT0 masked. */
static bool user_irq_pending(struct lvx_vcpu *vcpu)
{
	return to_vmx(vcpu)->user_irq >= 0 && lvx_irq_takes_extint(vcpu);
}

/* Is there an interrupt to deliver, whether or not the guest takes it now? */
static bool irq_pending(struct lvx_vcpu *vcpu)
{
	return user_irq_pending(vcpu) || lvx_irq_peek(vcpu) >= 0;
}

/**
 * lvx_has_event() - is there anything that ends a HLT?
 * @vcpu: loaded; its LAPIC's inbox is empty
 */
bool lvx_has_event(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	return vmx->exception.pending ||
	       (vmx->nmi_pending && !handles_nmi()) ||
	       (vmx->event.info & INTR_INFO_VALID_MASK) ||
	       ((lvx_rflags(vcpu) & X86_EFLAGS_IF) && irq_pending(vcpu));
}

static int take_irq(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	int vector = vmx->user_irq;

	if (!user_irq_pending(vcpu))
		return lvx_irq_take(vcpu);
	vmx->user_irq = -1;
	return vector;
}

static void set_tpr_threshold(struct lvx_vmx *vmx, u32 threshold)
{
	if (threshold == vmx->tpr_threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write32(TPR_THRESHOLD, threshold);
}

/**
 * lvx_inject() - choose the event for the next entry
 * @vcpu: about to enter
 *
 * Context: interrupts off; the LAPIC's inbox has been emptied.
 */
void lvx_inject(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	/* A debugger that steps may want them to wait. */
	bool blocked = vmx->guest_debug & KVM_GUESTDBG_BLOCKIRQ;
	u32 window = 0, state;
	bool busy = false;
	int vector;

	if (vmx->event.info & INTR_INFO_VALID_MASK) {
		write_event(vmx, &vmx->event);
		busy = true;
	} else if (vmx->exception.pending) {
		inject_exception(vcpu);
		busy = true;
	}

	if (vmx->nmi_pending && !blocked) {
		state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
		if (!busy && (state & GUEST_INTR_STATE_STI)) {
			/*
			 * There may be no blocking by STI for NMIs and their
			 * window, which would open before the instruction.
			 */
			window |= CPU_BASED_INTR_WINDOW_EXITING;
		} else if (busy || (state & NMI_BLOCKED)) {
			window |= CPU_BASED_NMI_WINDOW_EXITING;
		} else {
			vmx->nmi_pending--;
			vmx->event = (struct lvx_event){
				.info = X86_TRAP_NMI | INTR_TYPE_NMI_INTR |
					INTR_INFO_VALID_MASK,
			};
			write_event(vmx, &vmx->event);
			busy = true;
			if (vmx->nmi_pending)
				window |= CPU_BASED_NMI_WINDOW_EXITING;
		}
	}

	if (irq_pending(vcpu) && !blocked) {
		if (busy || !lvx_interrupts_enabled(vcpu)) {
			window |= CPU_BASED_INTR_WINDOW_EXITING;
		} else {
			vector = take_irq(vcpu);
			if (vector >= 0) {
				vmx->event = (struct lvx_event){
					.info = vector | INTR_TYPE_EXT_INTR |
						INTR_INFO_VALID_MASK,
				};
				write_event(vmx, &vmx->event);
			}
			if (irq_pending(vcpu))
				window |= CPU_BASED_INTR_WINDOW_EXITING;
		}
	} else if (vcpu->run->request_interrupt_window && !blocked &&
		   heeds_user(vcpu)) {
		window |= CPU_BASED_INTR_WINDOW_EXITING;
	}

	lvx_set_ctl_cpu(vcpu, window, (CPU_BASED_NMI_WINDOW_EXITING |
				       CPU_BASED_INTR_WINDOW_EXITING) & ~window);
	if (lvx_has(LVX_CPU, CPU_BASED_TPR_SHADOW) && vcpu->lapic)
		set_tpr_threshold(vmx, lvx_lapic_tpr_threshold(vcpu));
}
