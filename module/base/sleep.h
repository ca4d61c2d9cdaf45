/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the machine's sleeps take from its clocks. Guests sleep with it, and go
 * on as if it had only been long.
 */
#ifndef LVX_BASE_SLEEP_H
#define LVX_BASE_SLEEP_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/msr.h>

/*
 * struct lvx_sleep: all sleeps so far
 *
 * The lost ones are written while one CPU is left, with interrupts off; whoever
 * reads them is then not running.
 */
struct lvx_sleep {
	u64 lost_ticks;		/* host TSC + this never goes back */
	u64 lost_ns;		/* time that passed, of which the TSC knows nothing */
	u32 count;		/* odd while the machine goes to sleep or wakes up */
};

extern struct lvx_sleep lvx_sleep;

/* The host's TSC, but for its starting again after a sleep. */
static inline u64 lvx_host_tsc(void)
{
	return rdtsc() + lvx_sleep.lost_ticks;
}

void lvx_sleep_begins(void);
void lvx_sleep_ends(void);

int lvx_sleep_init(void);
void lvx_sleep_exit(void);

#endif
