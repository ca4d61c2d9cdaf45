/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of trying to access an MSR; see msr_sweep.c.
 */
#ifndef LVX_TEST_MSR_SWEEP_H
#define LVX_TEST_MSR_SWEEP_H

#include "lib.h"
#include "guest.h"

#define MSR_SWEEP_MAX	0x2000

enum msr_access {
	GUEST_READS	= 1 << 0,
	GUEST_REWRITES	= 1 << 1,	/* of what was read */
	GUEST_WRITES_0	= 1 << 2,
	GUEST_WRITES_1	= 1 << 3,	/* of all ones */
	HOST_READS	= 1 << 4,
	HOST_REWRITES	= 1 << 5,
	HOST_WRITES_0	= 1 << 6,
	HOST_WRITES_1	= 1 << 7,
};

struct msr_result {
	unsigned int access;		/* enum msr_access */
	uint64_t value, host_value;
};

struct msr_sweep {
	struct vcpu *guest, *host;
};

/* The vCPUs, of the host's vendor or with the CPUID of an AMD model. */
void msr_sweep_start(struct msr_sweep *s, bool amd);
/* Try @nr from @from on; the results hold until the next call. */
const struct msr_result *msr_sweep(struct msr_sweep *s, uint32_t from,
				   uint32_t nr);

#endif
