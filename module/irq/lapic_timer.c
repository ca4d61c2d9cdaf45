// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC timer's waiting. When it is over is for the vCPU's own thread to
 * find out, from clock and registers: the register page stays the thread's own,
 * and a guest's timer, however short, costs the host nothing while the vCPU
 * does not run.
 *
 * A deadline in TSC is waited for in two ways. While the guest runs, the CPU
 * ends its run at vcpu->leave_at, without a timer or an interrupt of the host.
 * While the vCPU sleeps in HLT, an hrtimer wakes it. From there it is still
 * some way to the guest's handler, so either comes early by the "lead" that
 * this way took of late, and what is left of the time then is waited for with
 * interrupts off, right before the entry.
 *
 * In its other modes, and on CPUs that can't end a run at a time, the timer is
 * an hrtimer that does no more than make LVX_REQ_TIMER.
 */
#include <linux/ktime.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "irq/internal.h"

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

/* When a guest TSC comes, on the monotonic clock; 0: it has. */
static u64 tsc_to_ns(struct lvx_vcpu *vcpu, u64 when)
{
	u64 now = lvx_guest_tsc(vcpu);

	if (when <= now)
		return 0;
	/* Perhaps before it, if it is far: who wakes up then waits again. */
	return ktime_get_ns() + lvx_apic_ticks_to_ns(when - now, tsc_khz);
}

/* 0: at once. */
static void wait_until(struct lvx_lapic *lapic, u64 ns)
{
	if (!ns)
		lvx_make_request(lapic->vcpu, LVX_REQ_TIMER);
	else
		hrtimer_start(&lapic->timer, min_t(u64, ns, KTIME_MAX),
			      HRTIMER_MODE_ABS_HARD);
}

/* Never 0, which is "no deadline". */
static u64 earlier(u64 deadline, u64 lead)
{
	return deadline > lead ? deadline - lead : 1;
}

/**
 * lvx_lapic_timer_arm() - wait for what the registers say now
 * @lapic: the caller's own
 *
 * Context: does not sleep; interrupts may be off.
 */
void lvx_lapic_timer_arm(struct lvx_lapic *lapic)
{
	struct lvx_vcpu *vcpu = lapic->vcpu;
	u64 when;

	vcpu->leave_at = 0;
	switch (lvx_apic_timer_next(&lapic->apic, &when)) {
	case LVX_APIC_WAIT_NONE:
		hrtimer_cancel(&lapic->timer);
		return;
	case LVX_APIC_WAIT_TSC:
		if (vcpu->can_leave_at)
			vcpu->leave_at = earlier(when, lapic->lead[LVX_LEAD_RUNNING]);
		else
			wait_until(lapic, tsc_to_ns(vcpu, when));
		return;
	case LVX_APIC_WAIT_NS:
		wait_until(lapic, when <= ktime_get_ns() ? 0 : when);
		return;
	}
}

static void interrupt(struct lvx_lapic *lapic)
{
	struct lvx_apic_msg msg;

	if (lvx_apic_lvt(&lapic->apic, LVX_APIC_LVT_TIMER, &msg))
		lvx_lapic_accept(lapic->vcpu, &msg);
}

/**
 * lvx_lapic_timer_check() - let the timer interrupt, if it is due
 * @lapic: the caller's own
 */
void lvx_lapic_timer_check(struct lvx_lapic *lapic)
{
	if (lvx_apic_timer_fire(&lapic->apic, ktime_get_ns(),
				lvx_guest_tsc(lapic->vcpu)))
		interrupt(lapic);
}

/* If it is near, let it interrupt now, and the guest see it in time. */
static void deadline_near(struct lvx_lapic *lapic, enum lvx_lead which)
{
	u64 deadline = lvx_apic_tsc_deadline(&lapic->apic);
	struct lvx_vcpu *vcpu = lapic->vcpu;

	if (lvx_guest_tsc(vcpu) < earlier(deadline, lapic->lead[which]))
		return;
	vcpu->leave_at = 0;
	vcpu->enter_at = deadline;
	lapic->lead_used = which;
	lvx_apic_timer_fire(&lapic->apic, 0, deadline);
	interrupt(lapic);
}

/**
 * lvx_lapic_timer_left() - the guest's run ended at vcpu->leave_at
 * @vcpu: the caller's own
 *
 * Or a moment before, or for a deadline that is no more. Context: does not
 * sleep; interrupts may be off.
 */
void lvx_lapic_timer_left(struct lvx_vcpu *vcpu)
{
	if (vcpu->leave_at)
		deadline_near(vcpu->lapic, LVX_LEAD_RUNNING);
}

/**
 * lvx_lapic_timer_expired() - serve LVX_REQ_TIMER
 * @vcpu: the caller's own
 *
 * Context: does not sleep; interrupts may be off.
 */
void lvx_lapic_timer_expired(struct lvx_vcpu *vcpu)
{
	if (vcpu->leave_at) {
		deadline_near(vcpu->lapic, LVX_LEAD_HALTED);
		return;
	}
	lvx_lapic_timer_check(vcpu->lapic);
	lvx_lapic_timer_arm(vcpu->lapic);
}

/**
 * lvx_lapic_timer_settle() - wait for vcpu->enter_at, and learn from it
 * @vcpu: about to enter
 *
 * Bounded by the longest lead: what is farther off comes from a host that had other
 * things to do, or from a TSC that was set. Context: interrupts off.
 */
void lvx_lapic_timer_settle(struct lvx_vcpu *vcpu)
{
	u64 *lead = &vcpu->lapic->lead[vcpu->lapic->lead_used];
	s64 late = lvx_guest_tsc(vcpu) - vcpu->enter_at;
	s64 max_lead = tsc_khz / 100;		/* 10 us */

	if (late > -max_lead && late < max_lead) {
		*lead = clamp_t(s64, *lead + late / 8, 0, max_lead);
		while ((s64)(lvx_guest_tsc(vcpu) - vcpu->enter_at) < 0)
			cpu_relax();
	}
	vcpu->enter_at = 0;
}

/**
 * lvx_lapic_timer_sleep() - the CPU won't run the guest for a while
 * @vcpu: the caller's own, with a LAPIC
 */
void lvx_lapic_timer_sleep(struct lvx_vcpu *vcpu)
{
	struct lvx_lapic *lapic = vcpu->lapic;
	u64 deadline = lvx_apic_tsc_deadline(&lapic->apic);
	u64 when = earlier(deadline, lapic->lead[LVX_LEAD_HALTED]);

	if (vcpu->leave_at)
		wait_until(lapic, tsc_to_ns(vcpu, when));
}

/**
 * lvx_lapic_timer_wake() - but now it will
 * @vcpu: the caller's own, with a LAPIC
 */
void lvx_lapic_timer_wake(struct lvx_vcpu *vcpu)
{
	if (vcpu->leave_at)
		hrtimer_cancel(&vcpu->lapic->timer);
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
