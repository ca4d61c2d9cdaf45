/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest at work, in a process of its own, whose progress its parent can see:
 * what the tests of this folder disturb. Its vCPUs check each other and all
 * that the host must keep for them; what they find ends the guest with a word.
 */
#ifndef LVX_TEST_WORK_H
#define LVX_TEST_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WORK_MAX_VCPUS	8

/* Shared by guest, its VMM and the test. */
struct work {
	uint64_t rounds[WORK_MAX_VCPUS];
	uint32_t sent[WORK_MAX_VCPUS];	/* to this vCPU, by the one before it */
	uint64_t last_ns;		/* what any vCPU has seen of its clock */
	uint32_t paused;		/* times that the guest was told it was */
	char error[120];		/* why it ended; empty: it goes on */

	/* The parent's */
	unsigned int nr;
	pid_t vmm;
};

/* Start a guest of @nr vCPUs; the VMM dies with its parent. */
struct work *work_start(unsigned int nr);
/* Kill the VMM and wait for its end. False: it had ended already. */
bool work_kill(struct work *w);
/*
 * Wait until each vCPU has done some more rounds. False: a message is printed,
 * since it failed or stands still.
 */
bool work_goes_on(struct work *w);

#endif
