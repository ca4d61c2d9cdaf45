/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual CPU: its descriptor, its thread, and its registers once it has
 * stopped.
 */
#ifndef LVX_VCPU_H
#define LVX_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>

struct vm;
struct boot_entry;

struct vcpu {
	struct vm *vm;
	unsigned int index;	/* and APIC ID; 0 is the one that boots */
	int fd;
	struct kvm_run *run;	/* shared with the kernel */
	pthread_t thread;
	bool running;		/* there is a thread to join */

	/* Left behind by the thread, for the report. */
	bool has_regs;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
};

int vcpus_init(struct vm *vm);
void vcpus_fini(struct vm *vm);
int vcpus_start(struct vm *vm);
void vcpus_join(struct vm *vm);
void vcpus_kick(struct vm *vm);
int vcpu_current(void);

/* Offsets into the mapped descriptor come in pages. */
void ring_init(struct vm *vm);
void ring_drain(struct vm *vm);

/* vcpu_state.c */
int vcpu_set_cpuid(struct vcpu *vcpu);
int vcpu_set_msrs(struct vcpu *vcpu);
int vcpu_set_entry(struct vcpu *vcpu, const struct boot_entry *entry);
void vcpu_save_regs(struct vcpu *vcpu);

/* exits.c: true if the vCPU goes on */
bool vcpu_handle_exit(struct vcpu *vcpu);

/* report.c */
void report_registers(const struct vcpu *vcpu);

#endif
