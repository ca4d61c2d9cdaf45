// SPDX-License-Identifier: GPL-2.0
/*
 * Building a virtual machine from its parts, waiting for its end, and taking
 * it apart again.
 *
 * The parts are one ordered array: built from its start, undone from where the
 * building got to, backwards. A guest that reboots gets a new machine, so there
 * is no reset code in any device, and no state that survives by mistake.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "devices.h"
#include "lifecycle.h"
#include "util.h"
#include "vcpu.h"

#define OUTPUT_DELAY_MS		10	/* from the guest's printing to the terminal */
#define RING_DELAY_MS		200	/* the same, if nothing else wakes us */

static int bus_part_init(struct vm *vm)
{
	bus_init(&vm->bus);
	return 0;
}

/* The kernel goes into memory, and the boot CPU to its entry. */
static int boot_init(struct vm *vm)
{
	struct boot_entry entry;

	if (boot_load(vm, &entry) < 0)
		return -1;
	return vcpu_set_entry(&vm->vcpus[0], &entry);
}

/* An fini may be NULL: nothing to undo that goes not away with the VM. */
static const struct part {
	const char *name;
	int (*init)(struct vm *vm);
	void (*fini)(struct vm *vm);
} parts[] = {
	{ "device node",		node_open,	node_close },
	{ "VM",				vm_create,	vm_destroy },
	{ "interrupt controllers",	irqchip_init,	NULL },
	{ "memory",			memory_init,	memory_fini },
	{ "bus",			bus_part_init,	NULL },
	{ "serial port",		serial_init,	serial_fini },
	{ "real-time clock",		rtc_init,	NULL },
	{ "power and reset",		power_init,	NULL },
	{ "debug ports",		debug_init,	NULL },
	{ "CPUs",			vcpus_init,	vcpus_fini },
	{ "ACPI tables",		acpi_init,	NULL },
	{ "kernel",			boot_init,	NULL },
};

static void undo(struct vm *vm, size_t built)
{
	while (built-- > 0)
		if (parts[built].fini)
			parts[built].fini(vm);
}

static int build(struct vm *vm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].init(vm) < 0) {
			undo(vm, i);
			return -1;
		}
	}
	return 0;
}

/* Events of the main thread that concern the VM. */
static void take_event(struct vm *vm, int timeout)
{
	int signal = 0;

	switch (console_wait(vm->console, timeout, &signal)) {
	case CONSOLE_QUIT:
		vm_end(vm, END_QUIT, "ended by escape key");
		break;
	case CONSOLE_SIGNAL:
		vm->outcome.signal = signal;
		vm_end(vm, END_SIGNAL, "ended by a signal");
		break;
	case CONSOLE_NONE:
		break;
	}
}

/*
 * The first byte that the guest prints wakes us. Then we come back every tick
 * to write out what was printed meanwhile, until nothing was and nothing is
 * left. What the guest left in the ring wakes nobody, so with a ring there is
 * always a next time.
 */
static void wait_for_end(struct vm *vm)
{
	struct console *console = vm->console;
	bool printing;

	while (!vm->ended) {
		printing = console->busy;
		take_event(vm, printing ? OUTPUT_DELAY_MS : vm->ring ? RING_DELAY_MS : -1);
		if (vm->ring) {
			pthread_mutex_lock(&vm->bus.lock);
			ring_drain(vm);
			pthread_mutex_unlock(&vm->bus.lock);
		}
		if (printing) {
			console->busy = false;
			console_flush(console, false);
		}
	}
	console->closing = true;
	vcpus_kick(vm);
	vcpus_join(vm);
}

/*
 * A reset that follows the kernel's last words is the end of a panic: panic=-1
 * on its command line makes it so.
 */
static void explain(struct vm *vm, struct outcome *outcome)
{
	char reason[CONSOLE_REASON_SIZE];

	*outcome = vm->outcome;
	if (outcome->end == END_RESET &&
	    console_panicked(vm->console, reason, sizeof(reason))) {
		outcome->end = END_PANIC;
		strcpy(outcome->text, reason);
	}
}

static void report(const struct vm *vm, const struct outcome *outcome)
{
	unsigned int cpu = outcome->cpu < 0 ? 0 : (unsigned int)outcome->cpu;

	switch (outcome->end) {
	case END_PANIC:
		fail("the guest's kernel panicked: %s", outcome->text);
		break;
	case END_CRASH:
		fail("the guest crashed on CPU %u: %s", cpu, outcome->text);
		break;
	case END_FAILED:
		fail("%s", outcome->text);
		if (outcome->cpu < 0)
			return;
		break;
	default:
		return;
	}
	report_registers(&vm->vcpus[cpu]);
}

/* Once nothing can go wrong any more, and before the terminal is the guest's. */
static void announce(const struct vm *vm)
{
	const struct vm_config *config = vm->config;

	fprintf(stderr, "lvx: starting %s on %s with %u CPU%s and %llu MiB%s\n",
		config->kernel.path, config->node, config->cpus, config->cpus > 1 ? "s" : "",
		(unsigned long long)(config->memory / MIB),
		isatty(STDIN_FILENO) ? "; " CONSOLE_ESCAPE_NAME " x ends it" : "");
	if (vm->stranger[0])
		fprintf(stderr, "lvx: this is %s: it gets what Linux gets, 64-bit mode, boot parameters and a serial port, and has no firmware, display, keyboard or PCI\n",
			vm->stranger);
}

/*
 * Build the machine, run it until it ends, tell what is worth telling. Returns
 * -1, and says why, if it can't be built.
 */
int vm_live(const struct vm_config *config, struct console *console, struct outcome *outcome)
{
	struct vm vm = { .config = config, .console = console };
	int result = -1;

	pthread_mutex_init(&vm.end_lock, NULL);
	if (build(&vm) < 0)
		return -1;
	console_forget_panic(console);
	announce(&vm);
	if (console_start(console) == 0) {
		vcpus_start(&vm);
		wait_for_end(&vm);
		/* Who ends the VM does not wait for who reads its output. */
		console_stop(console, vm.outcome.end == END_QUIT || vm.outcome.signal);
		explain(&vm, outcome);
		report(&vm, outcome);
		result = 0;
	}
	undo(&vm, ARRAY_SIZE(parts));
	return result;
}
