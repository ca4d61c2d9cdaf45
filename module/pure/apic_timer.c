// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer. Its clock ticks once a nanosecond (a bus of 1 GHz,
 * as KVM has it and guests are told by CPUID), so that at divide value d the
 * counter goes down by one in d ns. Nothing counts here: when it expires is
 * computed, and the caller waits.
 *
 * See SDM vol. 3, "APIC Timer".
 */
#include "pure/apic.h"

/*
 * Shortest period. A guest that asks for less would have its CPU do nothing
 * but host timer interrupts.
 */
#define MIN_PERIOD_NS	200000

#define NS_PER_MS	1000000

static u32 mode_of(const struct lvx_apic *apic)
{
	u32 mode = lvx_apic_get(apic, LVX_APIC_LVT_TIMER) & LVX_APIC_TIMER_MODE;

	/* A page that user space set may have the bit even so. */
	return apic->has_deadline ? mode : mode & ~LVX_APIC_TIMER_TSC;
}

static bool counts(const struct lvx_apic *apic)
{
	u32 mode = mode_of(apic);

	return mode == LVX_APIC_TIMER_ONESHOT || mode == LVX_APIC_TIMER_PERIODIC;
}

/* The divide configuration's bits 3, 1 and 0 are log2 less one, modulo 8. */
static u32 divide_by(u32 config)
{
	u32 code = (config & 3) | (config & 8) >> 1;

	return 1 << ((code + 1) & 7);
}

static u32 divide_of(const struct lvx_apic *apic)
{
	return divide_by(lvx_apic_get(apic, LVX_APIC_TIMER_DIVIDE));
}

static u64 period_of(const struct lvx_apic *apic)
{
	u64 ns = (u64)lvx_apic_get(apic, LVX_APIC_TIMER_INIT) * divide_of(apic);

	if (ns && mode_of(apic) == LVX_APIC_TIMER_PERIODIC)
		ns = max_t(u64, ns, MIN_PERIOD_NS);
	return ns;
}

/**
 * lvx_apic_timer_start() - the initial count was written
 * @apic: the APIC
 * @now: ns
 */
void lvx_apic_timer_start(struct lvx_apic *apic, u64 now)
{
	apic->period = counts(apic) ? period_of(apic) : 0;
	apic->expires = apic->period ? now + apic->period : 0;
}

/**
 * lvx_apic_timer_divide() - the divide configuration was written
 * @apic: the APIC
 * @old_config: what it was
 * @now: ns
 *
 * The count goes on from where it is, at the new pace.
 */
void lvx_apic_timer_divide(struct lvx_apic *apic, u32 old_config, u64 now)
{
	u64 left = apic->expires > now ? apic->expires - now : 0;

	if (!apic->period)
		return;
	apic->period = period_of(apic);
	if (!apic->expires)
		return;
	left = mul_u64_u32_div(left, divide_of(apic), divide_by(old_config));
	apic->expires = now + left;
}

/**
 * lvx_apic_timer_mode() - the mode in the LVT was written
 * @apic: the APIC
 * @old_lvt: what the LVT was
 *
 * Between one-shot and periodic the count goes on; a change to or from a
 * deadline disarms the timer.
 */
void lvx_apic_timer_mode(struct lvx_apic *apic, u32 old_lvt)
{
	if ((old_lvt & LVX_APIC_TIMER_TSC) !=
	    (mode_of(apic) & LVX_APIC_TIMER_TSC)) {
		lvx_apic_set(apic, LVX_APIC_TIMER_INIT, 0);
		apic->period = 0;
		apic->expires = 0;
		apic->tsc_deadline = 0;
	}
	if (apic->period)
		apic->period = period_of(apic);
}

/**
 * lvx_apic_timer_count() - the current count register
 * @apic: the APIC
 * @now: ns
 *
 * Return: the count, 0 when the timer does not count.
 */
u32 lvx_apic_timer_count(const struct lvx_apic *apic, u64 now)
{
	u64 ticks;

	if (!counts(apic) || apic->expires <= now)
		return 0;
	/* Rounded up: 0 means that it has expired, also to a restore. */
	ticks = div64_u64(apic->expires - now - 1, divide_of(apic)) + 1;
	return min_t(u64, ticks, U32_MAX);
}

/**
 * lvx_apic_timer_restore() - go on with a count that user space kept
 * @apic: the APIC, its registers set
 * @count: the current count
 * @now: ns
 */
void lvx_apic_timer_restore(struct lvx_apic *apic, u32 count, u64 now)
{
	u64 left = (u64)count * divide_of(apic);

	lvx_apic_timer_start(apic, now);
	if (!apic->period)
		return;
	if (left && left < apic->period)
		apic->expires = now + left;
	else if (!left && mode_of(apic) == LVX_APIC_TIMER_ONESHOT)
		apic->expires = 0;	/* it had expired */
}

/**
 * lvx_apic_timer_next() - how to wait for the timer
 * @apic: the APIC
 * @when: ns or guest TSC, as the result says
 *
 * Return: what to wait for.
 */
enum lvx_apic_wait lvx_apic_timer_next(const struct lvx_apic *apic, u64 *when)
{
	if (mode_of(apic) == LVX_APIC_TIMER_TSC && apic->tsc_deadline) {
		*when = apic->tsc_deadline;
		return LVX_APIC_WAIT_TSC;
	}
	if (counts(apic) && apic->expires) {
		*when = apic->expires;
		return LVX_APIC_WAIT_NS;
	}
	return LVX_APIC_WAIT_NONE;
}

/**
 * lvx_apic_timer_fire() - the time that lvx_apic_timer_next() gave may have come
 * @apic: the APIC
 * @now: ns
 * @tsc: the guest's TSC
 *
 * A periodic timer moves on to the next period that is not over yet: the guest
 * gets one interrupt for those that it slept through.
 *
 * Return: true if an interrupt is due, for which lvx_apic_lvt() has the
 * message if it is not masked.
 */
bool lvx_apic_timer_fire(struct lvx_apic *apic, u64 now, u64 tsc)
{
	u64 late;

	if (mode_of(apic) == LVX_APIC_TIMER_TSC) {
		if (!apic->tsc_deadline || tsc < apic->tsc_deadline)
			return false;
		apic->tsc_deadline = 0;
		return true;
	}
	if (!counts(apic) || !apic->expires || now < apic->expires)
		return false;
	if (mode_of(apic) == LVX_APIC_TIMER_ONESHOT || !apic->period) {
		apic->expires = 0;
		return true;
	}
	div64_u64_rem(now - apic->expires, apic->period, &late);
	apic->expires = now - late + apic->period;
	return true;
}

/**
 * lvx_apic_set_tsc_deadline() - write IA32_TSC_DEADLINE
 * @apic: the APIC
 * @deadline: guest TSC, 0 to disarm
 *
 * Return: false if the timer is in another mode and nothing happened.
 */
bool lvx_apic_set_tsc_deadline(struct lvx_apic *apic, u64 deadline)
{
	if (!lvx_apic_enabled(apic) || mode_of(apic) != LVX_APIC_TIMER_TSC)
		return false;
	apic->tsc_deadline = deadline;
	return true;
}

/**
 * lvx_apic_tsc_deadline() - read IA32_TSC_DEADLINE
 * @apic: the APIC
 *
 * Return: the deadline, 0 when not armed.
 */
u64 lvx_apic_tsc_deadline(const struct lvx_apic *apic)
{
	if (!lvx_apic_enabled(apic) || mode_of(apic) != LVX_APIC_TIMER_TSC)
		return 0;
	return apic->tsc_deadline;
}

/**
 * lvx_apic_ticks_to_ns() - how long to wait for a deadline
 * @ticks: of the TSC until then
 * @khz: of the TSC, not 0
 *
 * Rounded up: the interrupt must not come before the deadline.
 *
 * Return: ns, 2^32 ms or 50 days at most: the guest chooses the deadline, and
 * the ticks to one that is never meant to come make too many ns for 64 bits.
 */
u64 lvx_apic_ticks_to_ns(u64 ticks, u32 khz)
{
	ticks = min_t(u64, ticks, (u64)khz << 32);
	return mul_u64_u32_div(ticks, NS_PER_MS, khz) + 1;
}
