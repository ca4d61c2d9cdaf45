/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole VM moves: all of its state is read out, and written into a new VM
 * that takes the old one's place. What is read and written, and in which order,
 * is what QEMU does in a migration.
 */
#ifndef LVX_TEST_SNAPSHOT_H
#define LVX_TEST_SNAPSHOT_H

#include "lib.h"

/* How the guest's TSC comes across. */
enum tsc_by { TSC_BY_MSR, TSC_BY_OFFSET };

/* What snapshots happened to catch, for a test to know that it tests. */
struct snapshot_census {
	unsigned int taken, shadow, injected, nmi_pending, nmi_masked, halted;
	unsigned int irr, isr;
};

extern struct snapshot_census census;

/*
 * The vCPUs must have finished what KVM_RUN last returned for. @vm and @v stay
 * valid, with other descriptors, another run page and other memory in them.
 */
void vm_move(struct vm *vm, struct vcpu **v, unsigned int nr, enum tsc_by how);

#endif
