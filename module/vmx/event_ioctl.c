// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's events for user space: exceptions, interrupts and NMIs on their way
 * into the guest, its multiprocessor state, and events that user space sends.
 *
 * Two things may wait for the next entry: the event whose delivery an exit
 * interrupted (vmx->event; "injected" in the ABI), and an exception that lvx
 * raised (vmx->exception; "pending"). Clients that don't know of pending
 * exceptions get both as injected, as KVM does it.
 */
#include <linux/kvm.h>
#include <asm/irq_vectors.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "base/vm.h"
#include "irq/irq.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

static bool event_is(struct lvx_vmx *vmx, u32 type)
{
	return (vmx->event.info & INTR_INFO_VALID_MASK) &&
	       (vmx->event.info & INTR_INFO_INTR_TYPE_MASK) == type;
}

static void set_event(struct lvx_vmx *vmx, u32 type, u8 vector)
{
	vmx->event = (struct lvx_event){
		.info = vector | type | INTR_INFO_VALID_MASK,
	};
}

/**
 * lvx_injected_irq() - the maskable interrupt on its way into the guest
 * @vcpu: loaded
 *
 * Return: its vector, or -1. With a LAPIC in user space also one that
 * KVM_INTERRUPT brought; with one in the kernel that's not yet acknowledged.
 */
int lvx_injected_irq(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (event_is(vmx, INTR_TYPE_EXT_INTR))
		return vmx->event.info & INTR_INFO_VECTOR_MASK;
	return vcpu->lapic ? -1 : vmx->user_irq;
}

void lvx_set_injected_irq(struct lvx_vcpu *vcpu, u8 vector)
{
	if (vcpu->lapic)
		set_event(to_vmx(vcpu), INTR_TYPE_EXT_INTR, vector);
	else
		to_vmx(vcpu)->user_irq = vector;
}

/* ------------------------------------------------------ KVM_GET/SET_VCPU_EVENTS */

/* CR2 or DR6 as they are when the exception is delivered: now visible. */
static void deliver_payload(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	struct lvx_exception *e = &vmx->exception;

	if (!e->pending || !e->has_payload)
		return;
	if (e->vector == X86_TRAP_PF)
		vcpu->cr2 = e->payload;
	else
		lvx_deliver_db(vcpu, e->payload);
	e->has_payload = false;
}

static void get_exception(struct lvx_vmx *vmx, struct kvm_vcpu_events *events)
{
	if (vmx->exception.pending) {
		events->exception.injected = 1;
		events->exception.nr = vmx->exception.vector;
		events->exception.has_error_code = vmx->exception.has_error_code;
		events->exception.error_code = vmx->exception.error_code;
	} else if (event_is(vmx, INTR_TYPE_HARD_EXCEPTION)) {
		events->exception.injected = 1;
		events->exception.nr = vmx->event.info & INTR_INFO_VECTOR_MASK;
		events->exception.has_error_code =
			!!(vmx->event.info & INTR_INFO_DELIVER_CODE_MASK);
		events->exception.error_code = vmx->event.error_code;
	}
	/* INT n, INT3, INTO: RIP is at the instruction, which happens again. */
}

static u8 get_shadow(void)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	return (state & GUEST_INTR_STATE_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (state & GUEST_INTR_STATE_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

/* MOV SS wins: VM entry refuses both (SDM, "Checks on Guest Non-Register State"). */
static void set_shadow(u8 shadow)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	state &= ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		state |= GUEST_INTR_STATE_MOV_SS;
	else if (shadow & KVM_X86_SHADOW_INT_STI)
		state |= GUEST_INTR_STATE_STI;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, state);
}

/**
 * lvx_get_events() - KVM_GET_VCPU_EVENTS
 * @vcpu: loaded
 * @events: result
 */
void lvx_get_events(struct lvx_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	int vector;

	lvx_take_lapic_events(vcpu);
	deliver_payload(vcpu);
	memset(events, 0, sizeof(*events));
	get_exception(vmx, events);
	vector = lvx_injected_irq(vcpu);
	if (vector >= 0) {
		events->interrupt.injected = 1;
		events->interrupt.nr = vector;
	}
	events->interrupt.shadow = get_shadow();
	events->nmi.injected = event_is(vmx, INTR_TYPE_NMI_INTR);
	/* A count, as KVM has it since Linux 6.4. */
	events->nmi.pending = vmx->nmi_pending;
	events->nmi.masked = !!(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) &
				GUEST_INTR_STATE_NMI);
	events->flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
			KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM;
}

#define KNOWN_FLAGS	(KVM_VCPUEVENT_VALID_NMI_PENDING | \
			 KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
			 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM)

static bool events_valid(const struct kvm_vcpu_events *events)
{
	if (events->flags & ~KNOWN_FLAGS)
		return false;
	if (events->exception.injected &&
	    (events->exception.nr > 31 || events->exception.nr == NMI_VECTOR))
		return false;
	/* There is no system-management mode. */
	return !(events->flags & KVM_VCPUEVENT_VALID_SMM) ||
	       (!events->smi.smm && !events->smi.pending);
}

/* INT3 and INTO have a length, which the ABI does not tell: one byte. */
static void set_injected_exception(struct lvx_vcpu *vcpu,
				   const struct kvm_vcpu_events *events)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u8 vector = events->exception.nr;

	if (vector == BP_VECTOR || vector == OF_VECTOR) {
		set_event(vmx, INTR_TYPE_SOFT_EXCEPTION, vector);
		vmx->event.insn_len = vmx->bp_len ?: 1;
		return;
	}
	set_event(vmx, INTR_TYPE_HARD_EXCEPTION, vector);
	if (!events->exception.has_error_code || !(lvx_cr0(vcpu) & X86_CR0_PE))
		return;
	vmx->event.info |= INTR_INFO_DELIVER_CODE_MASK;
	vmx->event.error_code = events->exception.error_code;
}

/* Of several, one is delivered first, and an exception can be raised again. */
static void set_injected(struct lvx_vcpu *vcpu,
			 const struct kvm_vcpu_events *events)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->event.info = 0;
	vmx->exception.pending = false;
	vmx->user_irq = vcpu->lapic ? vmx->user_irq : -1;
	if (events->interrupt.injected)
		lvx_set_injected_irq(vcpu, events->interrupt.nr);
	if (events->nmi.injected)
		set_event(vmx, INTR_TYPE_NMI_INTR, NMI_VECTOR);
	if (!events->exception.injected)
		return;
	if (!vmx->event.info)
		set_injected_exception(vcpu, events);
	else if (events->exception.has_error_code)
		lvx_raise_error(vcpu, events->exception.nr,
				events->exception.error_code);
	else
		lvx_raise(vcpu, events->exception.nr);
}

/* As if they came now: no more than the vCPU would have kept. */
static void set_pending_nmis(struct lvx_vcpu *vcpu, u8 nr)
{
	to_vmx(vcpu)->nmi_pending = 0;
	for (nr = min_t(u8, nr, 2); nr; nr--)
		lvx_add_nmi(vcpu);
}

/**
 * lvx_set_events() - KVM_SET_VCPU_EVENTS
 * @vcpu: loaded
 * @events: new state; flags say which of the newer parts are valid
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int lvx_set_events(struct lvx_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (!events_valid(events))
		return -EINVAL;
	lvx_take_lapic_events(vcpu);
	set_injected(vcpu, events);
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		set_shadow(events->interrupt.shadow);
	if (events->nmi.masked)
		vmcs_set_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);
	else
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO,
				GUEST_INTR_STATE_NMI);
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		set_pending_nmis(vcpu, events->nmi.pending);
	if ((events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR) && vcpu->lapic)
		vmx->sipi_vector = events->sipi_vector;
	if ((events->flags & KVM_VCPUEVENT_VALID_SMM) && vcpu->lapic &&
	    events->smi.latched_init)
		vmx->lapic_events |= LVX_EVENT_INIT;
	return 0;
}

/* ------------------------------------------------------------ KVM_GET/SET_MP_STATE */

/**
 * lvx_get_mp_state() - KVM_GET_MP_STATE
 * @vcpu: loaded
 * @state: result; INIT and SIPI that have arrived are taken into account
 */
void lvx_get_mp_state(struct lvx_vcpu *vcpu, struct kvm_mp_state *state)
{
	lvx_take_lapic_events(vcpu);
	state->mp_state = vcpu->mp_state;
}

/**
 * lvx_set_mp_state() - KVM_SET_MP_STATE
 * @vcpu: loaded
 * @state: without a LAPIC in the kernel only KVM_MP_STATE_RUNNABLE
 *
 * Return: 0 or -EINVAL.
 */
int lvx_set_mp_state(struct lvx_vcpu *vcpu, const struct kvm_mp_state *state)
{
	u32 new = state->mp_state;

	switch (new) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_SIPI_RECEIVED:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_AP_RESET_HOLD:
		if (!vcpu->lapic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	/* A SIPI that has arrived starts an AP that waits for it. */
	if (new == KVM_MP_STATE_SIPI_RECEIVED) {
		to_vmx(vcpu)->lapic_events |= LVX_EVENT_SIPI;
		new = KVM_MP_STATE_INIT_RECEIVED;
	}
	WRITE_ONCE(vcpu->mp_state, new);
	return 0;
}

/* ------------------------------------------------------- KVM_INTERRUPT, KVM_NMI */

/**
 * lvx_queue_interrupt() - KVM_INTERRUPT
 * @vcpu: loaded
 * @vector: 0..255
 *
 * Return: 0; -EINVAL: no such vector; -ENXIO: the PIC in the kernel delivers
 * interrupts; -EEXIST: the last one still waits.
 */
int lvx_queue_interrupt(struct lvx_vcpu *vcpu, u32 vector)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (vector > 255)
		return -EINVAL;
	if (lvx_irqchip_full(vcpu->vm))
		return -ENXIO;
	if (vcpu->lapic && vmx->user_irq >= 0)
		return -EEXIST;
	vmx->user_irq = vector;
	return 0;
}

/**
 * lvx_queue_nmi() - KVM_NMI
 * @vcpu: loaded
 *
 * Return: 0.
 */
int lvx_queue_nmi(struct lvx_vcpu *vcpu)
{
	lvx_add_nmi(vcpu);
	return 0;
}
