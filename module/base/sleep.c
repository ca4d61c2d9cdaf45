// SPDX-License-Identifier: GPL-2.0
/*
 * The machine sleeps (suspend to RAM or disk): what lvx must know of it, apart
 * from VMX being off.
 *
 * Without power the TSC starts again at zero, and firmware may or may not put
 * it back. Linux copes, and so must the guests, whose TSC and kvmclock are the
 * host's TSC plus something. That their threads are frozen meanwhile, guests
 * are told by kvmclock's "stopped" flag: their watchdogs would take the time
 * that passed for a lockup.
 */
#include <linux/ktime.h>
#include <linux/notifier.h>
#include <linux/suspend.h>
#include <linux/timekeeping.h>

#include "base/sleep.h"

struct lvx_sleep lvx_sleep;

/* When the sleep began; of use only until it ends. */
static u64 tsc_before, slept_before;

/* Nanoseconds slept since boot. */
static u64 slept_ns(void)
{
	return ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

/**
 * lvx_sleep_begins() - the last thing before the CPU stops
 *
 * On the one CPU that is left, interrupts off.
 */
void lvx_sleep_begins(void)
{
	tsc_before = rdtsc_ordered();
	slept_before = slept_ns();
}

/**
 * lvx_sleep_ends() - the same CPU again; the kernel's clocks are right already
 *
 * Interrupts off.
 */
void lvx_sleep_ends(void)
{
	u64 now = rdtsc_ordered();

	if (now >= tsc_before)
		return;
	lvx_sleep.lost_ticks += tsc_before - now;
	lvx_sleep.lost_ns += slept_ns() - slept_before;
}

static int pm_notify(struct notifier_block *nb, unsigned long event, void *p)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
		WRITE_ONCE(lvx_sleep.count, lvx_sleep.count | 1);
		return NOTIFY_OK;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
		WRITE_ONCE(lvx_sleep.count, (lvx_sleep.count | 1) + 1);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block pm_nb = {
	.notifier_call = pm_notify,
};

/* Module load. Return 0 or -errno. */
int lvx_sleep_init(void)
{
	return register_pm_notifier(&pm_nb);
}

void lvx_sleep_exit(void)
{
	unregister_pm_notifier(&pm_nb);
}
