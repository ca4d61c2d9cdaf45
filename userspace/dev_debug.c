// SPDX-License-Identifier: GPL-2.0
/*
 * Two ports by which a guest says something without a driver: the debug port,
 * every byte of which goes to the console, so that a guest of ten instructions
 * can print; and pvpanic, by which a Linux guest with that driver says that it
 * panicked.
 */
#include "console.h"
#include "devices.h"
#include "machine.h"
#include "vm.h"

/* pvpanic events, as its specification in QEMU and the kernel's driver say. */
#define PVPANIC_PANICKED	0x01
#define PVPANIC_CRASH_LOADED	0x02

/* Bochs' convention: a guest finds out by reading the port's own number. */
static uint64_t debug_read(void *device, uint64_t offset, unsigned int length)
{
	(void)device;
	(void)offset;
	(void)length;
	return DEBUG_PORT;
}

static void debug_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	struct vm *vm = device;

	(void)offset;
	(void)length;
	console_put(vm->console, (uint8_t)value);
}

/* The events that we take. */
static uint64_t pvpanic_read(void *device, uint64_t offset, unsigned int length)
{
	(void)device;
	(void)offset;
	(void)length;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

/*
 * With a crash kernel loaded the guest goes on and looks after itself. The
 * notifier runs after the kernel has printed why it panicked, so the console
 * knows the words.
 */
static void pvpanic_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	struct vm *vm = device;
	char reason[CONSOLE_REASON_SIZE] = "it did not print why";

	(void)offset;
	(void)length;
	if (!(value & PVPANIC_PANICKED))
		return;
	console_panicked(vm->console, reason, sizeof(reason));
	vm_end(vm, END_PANIC, "%s", reason);
}

static const struct bus_ops debug_ops = { debug_read, debug_write };
static const struct bus_ops pvpanic_ops = { pvpanic_read, pvpanic_write };

int debug_init(struct vm *vm)
{
	const struct bus_range debug = { BUS_PIO, DEBUG_PORT, 1, &debug_ops, vm };
	const struct bus_range pvpanic = { BUS_PIO, PVPANIC_PORT, 1, &pvpanic_ops, vm };

	if (bus_add(&vm->bus, &debug) < 0)
		return -1;
	return bus_add(&vm->bus, &pvpanic);
}
