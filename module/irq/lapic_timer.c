// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC timer's waiting: one hrtimer for each vCPU. When it goes off, it
 * does no more than make LVX_REQ_TIMER; the vCPU's own thread then looks at
 * clock and registers and finds out what is due. So the register page stays the
 * thread's own, and a guest's timer, however short, costs the host nothing
 * while the vCPU does not run.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "base/sleep.h"
#include "irq/internal.h"

static u64 guest_tsc(struct lvx_vcpu *vcpu)
{
	return lvx_host_tsc() + vcpu->tsc_offset;
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct lvx_lapic *lapic = container_of(timer, struct lvx_lapic, timer);

	lvx_make_request(lapic->vcpu, LVX_REQ_TIMER);
	lvx_vcpu_kick(lapic->vcpu);
	return HRTIMER_NORESTART;
}

void lvx_lapic_timer_init(struct lvx_lapic *lapic)
{
	hrtimer_init(&lapic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	lapic->timer.function = timer_fn;
}

/* When a deadline in guest TSC comes, on the monotonic clock; 0: it has. */
static u64 deadline_ns(struct lvx_vcpu *vcpu, u64 deadline)
{
	u64 now = guest_tsc(vcpu);

	if (deadline <= now)
		return 0;
	/* Rounded up: the interrupt must not come before the deadline. */
	return ktime_get_ns() + 1 +
	       mul_u64_u32_div(deadline - now, USEC_PER_SEC, tsc_khz);
}

/**
 * lvx_lapic_timer_arm() - wait for what the registers say now
 * @lapic: the caller's own
 *
 * Context: does not sleep; interrupts may be off.
 */
void lvx_lapic_timer_arm(struct lvx_lapic *lapic)
{
	u64 when;

	switch (lvx_apic_timer_next(&lapic->apic, &when)) {
	case LVX_APIC_WAIT_NONE:
		hrtimer_cancel(&lapic->timer);
		return;
	case LVX_APIC_WAIT_TSC:
		when = deadline_ns(lapic->vcpu, when);
		break;
	case LVX_APIC_WAIT_NS:
		if (when <= ktime_get_ns())
			when = 0;
		break;
	}
	if (!when)
		lvx_make_request(lapic->vcpu, LVX_REQ_TIMER);
	else
		hrtimer_start(&lapic->timer, min_t(u64, when, KTIME_MAX),
			      HRTIMER_MODE_ABS_HARD);
}

/**
 * lvx_lapic_timer_check() - let the timer interrupt, if it is due
 * @lapic: the caller's own
 */
void lvx_lapic_timer_check(struct lvx_lapic *lapic)
{
	struct lvx_vcpu *vcpu = lapic->vcpu;
	struct lvx_apic_msg msg;

	if (!lvx_apic_timer_fire(&lapic->apic, ktime_get_ns(), guest_tsc(vcpu)))
		return;
	if (lvx_apic_lvt(&lapic->apic, LVX_APIC_LVT_TIMER, &msg))
		lvx_lapic_accept(vcpu, &msg);
}

/**
 * lvx_lapic_timer_expired() - serve LVX_REQ_TIMER
 * @vcpu: the caller's own
 *
 * Context: does not sleep; interrupts may be off.
 */
void lvx_lapic_timer_expired(struct lvx_vcpu *vcpu)
{
	lvx_lapic_timer_check(vcpu->lapic);
	lvx_lapic_timer_arm(vcpu->lapic);
}

bool lvx_lapic_timer_armed(struct lvx_vcpu *vcpu)
{
	u64 when;

	return lvx_apic_timer_next(&vcpu->lapic->apic, &when) !=
	       LVX_APIC_WAIT_NONE;
}

u64 lvx_lapic_tsc_deadline(struct lvx_vcpu *vcpu)
{
	return lvx_apic_tsc_deadline(&vcpu->lapic->apic);
}

void lvx_lapic_set_tsc_deadline(struct lvx_vcpu *vcpu, u64 guest_tsc)
{
	if (lvx_apic_set_tsc_deadline(&vcpu->lapic->apic, guest_tsc))
		lvx_lapic_timer_arm(vcpu->lapic);
}

/**
 * lvx_lapic_offer_deadline() - is there a timer mode with a TSC deadline?
 * @vcpu: the caller's own, perhaps without a LAPIC
 * @offered: CPUID.01H:ECX.TSC_Deadline
 */
void lvx_lapic_offer_deadline(struct lvx_vcpu *vcpu, bool offered)
{
	if (vcpu->lapic)
		vcpu->lapic->apic.has_deadline = offered;
}

/**
 * lvx_lapic_tsc_changed() - the guest's TSC jumped
 * @vcpu: the caller's own, perhaps without a LAPIC
 */
void lvx_lapic_tsc_changed(struct lvx_vcpu *vcpu)
{
	if (vcpu->lapic && lvx_apic_tsc_deadline(&vcpu->lapic->apic))
		lvx_lapic_timer_arm(vcpu->lapic);
}
