// SPDX-License-Identifier: GPL-2.0
/*
 * What the launcher does when a vCPU leaves the guest and the kernel module
 * leaves it to user space: one function per exit reason, found in a table.
 *
 * An exit that is not in the table ends the VM with a report. Nothing here is
 * retried or guessed: an unexpected exit is worth being seen.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "util.h"
#include "vcpu.h"
#include "vm.h"

struct exit_row {
	const char *name;
	bool (*handle)(struct vcpu *vcpu);	/* true: go on; NULL: unexpected */
};

static bool exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct bus *bus = &vcpu->vm->bus;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	pthread_mutex_lock(&bus->lock);
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(bus, BUS_PIO, run->io.port, data, run->io.size);
		else
			bus_read(bus, BUS_PIO, run->io.port, data, run->io.size);
	}
	pthread_mutex_unlock(&bus->lock);
	return true;
}

static bool exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct bus *bus = &vcpu->vm->bus;
	uint32_t length = run->mmio.len;

	if (length > sizeof(run->mmio.data))
		length = sizeof(run->mmio.data);
	pthread_mutex_lock(&bus->lock);
	if (run->mmio.is_write)
		bus_write(bus, BUS_MMIO, run->mmio.phys_addr, run->mmio.data, length);
	else
		bus_read(bus, BUS_MMIO, run->mmio.phys_addr, run->mmio.data, length);
	pthread_mutex_unlock(&bus->lock);
	return true;
}

/* A signal arrived; the loop looks whether it was meant for it. */
static bool exit_intr(struct vcpu *vcpu)
{
	(void)vcpu;
	return true;
}

/*
 * On a PC a triple fault is a reset, and a way to restart: load an IDT of size
 * 0, so that no exception can be delivered, and cause one. A kernel that has
 * crashed still has its IDT.
 */
static bool exit_shutdown(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	if (!ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) && !sregs.idt.limit)
		vm_end(vcpu->vm, END_RESET, "reset by a triple fault");
	else
		vm_end(vcpu->vm, END_CRASH, "triple fault");
	return false;
}

static bool exit_system_event(struct vcpu *vcpu)
{
	uint32_t type = vcpu->run->system_event.type;

	switch (type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(vcpu->vm, END_POWER_OFF, "powered off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(vcpu->vm, END_RESET, "reset");
		break;
	default:
		vm_end(vcpu->vm, END_CRASH, "system event %u", type);
	}
	return false;
}

static bool exit_fail_entry(struct vcpu *vcpu)
{
	vm_end(vcpu->vm, END_CRASH,
	       "VM entry failed, hardware reason 0x%llx (the module's log may say which rule was broken)",
	       (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
	return false;
}

static bool exit_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint32_t nr = run->internal.ndata, i;
	char text[200];
	int length = 0;

	if (nr > ARRAY_SIZE(run->internal.data))
		nr = ARRAY_SIZE(run->internal.data);
	text[0] = 0;
	for (i = 0; i < nr && length < (int)sizeof(text); i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, " 0x%llx",
				   (unsigned long long)run->internal.data[i]);
	vm_end(vcpu->vm, END_CRASH, "%s%s%s",
	       run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
	       "an instruction that cannot be emulated" :
	       "an exit that cannot be handled",
	       nr ? "; data:" : "", text);
	return false;
}

static bool exit_unknown(struct vcpu *vcpu)
{
	vm_end(vcpu->vm, END_CRASH, "unknown hardware exit reason 0x%llx",
	       (unsigned long long)vcpu->run->hw.hardware_exit_reason);
	return false;
}

/* A row without a function: we know its name, and that we never ask for it. */
static const struct exit_row rows[] = {
	[KVM_EXIT_UNKNOWN]		= { "KVM_EXIT_UNKNOWN",		exit_unknown },
	[KVM_EXIT_EXCEPTION]		= { "KVM_EXIT_EXCEPTION",	NULL },
	[KVM_EXIT_IO]			= { "KVM_EXIT_IO",		exit_io },
	[KVM_EXIT_HYPERCALL]		= { "KVM_EXIT_HYPERCALL",	NULL },
	[KVM_EXIT_DEBUG]		= { "KVM_EXIT_DEBUG",	NULL },
	[KVM_EXIT_HLT]			= { "KVM_EXIT_HLT",	NULL },
	[KVM_EXIT_MMIO]			= { "KVM_EXIT_MMIO",		exit_mmio },
	[KVM_EXIT_IRQ_WINDOW_OPEN]	= { "KVM_EXIT_IRQ_WINDOW_OPEN",	NULL },
	[KVM_EXIT_SHUTDOWN]		= { "KVM_EXIT_SHUTDOWN",	exit_shutdown },
	[KVM_EXIT_FAIL_ENTRY]		= { "KVM_EXIT_FAIL_ENTRY",	exit_fail_entry },
	[KVM_EXIT_INTR]			= { "KVM_EXIT_INTR",		exit_intr },
	[KVM_EXIT_SET_TPR]		= { "KVM_EXIT_SET_TPR",	NULL },
	[KVM_EXIT_TPR_ACCESS]		= { "KVM_EXIT_TPR_ACCESS",	NULL },
	[KVM_EXIT_NMI]			= { "KVM_EXIT_NMI",	NULL },
	[KVM_EXIT_INTERNAL_ERROR]	= { "KVM_EXIT_INTERNAL_ERROR",	exit_internal_error },
	[KVM_EXIT_SYSTEM_EVENT]		= { "KVM_EXIT_SYSTEM_EVENT",	exit_system_event },
	[KVM_EXIT_IOAPIC_EOI]		= { "KVM_EXIT_IOAPIC_EOI",	NULL },
	[KVM_EXIT_X86_RDMSR]		= { "KVM_EXIT_X86_RDMSR",	NULL },
	[KVM_EXIT_X86_WRMSR]		= { "KVM_EXIT_X86_WRMSR",	NULL },
	[KVM_EXIT_X86_BUS_LOCK]		= { "KVM_EXIT_X86_BUS_LOCK",	NULL },
};

static bool exit_unexpected(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	vm_end(vcpu->vm, END_CRASH, "unexpected exit %u (%s)", reason,
	       reason < ARRAY_SIZE(rows) && rows[reason].name ? rows[reason].name : "unknown");
	return false;
}

bool vcpu_handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	if (reason < ARRAY_SIZE(rows) && rows[reason].handle)
		return rows[reason].handle(vcpu);
	return exit_unexpected(vcpu);
}
