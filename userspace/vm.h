/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine: what it shall be (struct vm_config), what it is (struct
 * vm), and how it ended (struct outcome).
 */
#ifndef LVX_VM_H
#define LVX_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "file.h"
#include "memory.h"

struct console;
struct vcpu;
struct kvm_coalesced_mmio_ring;

struct vm_config {
	const char *node;
	const char *append;	/* more kernel command line, or NULL */
	struct file kernel;
	struct file initrd;	/* fd -1: none */
	uint64_t memory;	/* bytes */
	unsigned int cpus;
};

enum end {
	END_POWER_OFF,		/* the guest switched itself off */
	END_RESET,		/* the guest wants to start again */
	END_PANIC,		/* the guest's kernel said that it panicked */
	END_CRASH,		/* the guest's CPU cannot go on */
	END_FAILED,		/* the launcher or the module cannot go on */
	END_QUIT,		/* the user pressed the escape key */
	END_SIGNAL,		/* the launcher was told to end */
};

struct outcome {
	enum end end;
	int signal;		/* that told us to end, perhaps too late for END_SIGNAL; or 0 */
	int cpu;		/* the vCPU that ended it, -1: none */
	char text[256];		/* what happened, for END_PANIC and worse */
};

struct vm {
	const struct vm_config *config;
	struct console *console;
	int node;		/* the device node */
	int fd;			/* the VM */
	char stranger[48];	/* what the image is, if it is not Linux; or empty */
	struct memory memory;
	struct bus bus;
	struct kvm_coalesced_mmio_ring *ring;	/* NULL: there is none */
	uint32_t ring_entries;
	struct vcpu *vcpus;	/* config->cpus of them */

	/* The first who ends the VM writes @outcome; @ended stops all others. */
	pthread_mutex_t end_lock;
	atomic_bool ended;
	struct outcome outcome;
};

int node_open(struct vm *vm);
void node_close(struct vm *vm);
int vm_create(struct vm *vm);
void vm_destroy(struct vm *vm);
int irqchip_init(struct vm *vm);
int vm_has(const struct vm *vm, unsigned long capability);
void vm_set_irq(struct vm *vm, uint32_t gsi, bool level);
void vm_end(struct vm *vm, enum end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
