/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device of two pages that user space serves: plain memory behind MMIO exits,
 * and a list of the accesses as they came out.
 */
#ifndef LVX_TEST_MMIO_H
#define LVX_TEST_MMIO_H

#include "harness.h"

#define DEV_SIZE	(2 * PAGE)
#define REG(x)		(GPA_MMIO + (x))

static uint8_t dev[DEV_SIZE];

/* One access; false if the exit is none. */
static inline bool serve_one(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint64_t at = run->mmio.phys_addr - GPA_MMIO;

	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	if (at + run->mmio.len > DEV_SIZE)
		die("access at %llx", run->mmio.phys_addr);
	if (run->mmio.is_write)
		memcpy(dev + at, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, dev + at, run->mmio.len);
	return true;
}

/* Serve accesses until the guest is done; return the list of them. */
static inline const char *serve(struct vcpu *v)
{
	static char log[512];
	struct kvm_run *run = v->run;
	size_t n = 0;

	log[0] = 0;
	while (n < sizeof(log) - 32) {
		vcpu_exit(v);
		if (!serve_one(v))
			break;
		n += sprintf(log + n, "%c%u@%lx ", run->mmio.is_write ? 'w' : 'r',
			     run->mmio.len, (long)(run->mmio.phys_addr - GPA_MMIO));
	}
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_SYNC)
		return log;
	vcpu_dump(v);
	die("after %s: unexpected exit (guest line %u: %lx %lx)", log,
	    guest_report.line, (long)guest_report.a, (long)guest_report.b);
}

#endif
