// SPDX-License-Identifier: GPL-2.0
/*
 * The ways in which a guest switches itself off or starts itself again: the
 * ACPI sleep registers, the reset register that ACPI names and every PC
 * chipset has, and the keyboard controller's reset line, which Linux tries when
 * ACPI is switched off.
 */
#include "devices.h"
#include "machine.h"
#include "vm.h"

/* ACPI, "Sleep Control and Status Registers" */
#define SLEEP_TYPE(value)	((value) >> 2 & 7)
#define SLEEP_ENABLE		0x20

#define RESET_CPU		0x04	/* of the reset register */

#define I8042_PULSE_RESET	0xfe

/* Sleep control and, behind it, sleep status, which has nothing to tell. */
static uint64_t sleep_read(void *device, uint64_t offset, unsigned int length)
{
	(void)device;
	(void)offset;
	(void)length;
	return 0;
}

static void sleep_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	(void)length;
	if (offset == 0 && (value & SLEEP_ENABLE) && SLEEP_TYPE(value) == SLEEP_TYPE_S5)
		vm_end(device, END_POWER_OFF, "powered off");
}

static void reset_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	(void)offset;
	(void)length;
	if (value & RESET_CPU)
		vm_end(device, END_RESET, "reset by port 0x%x", RESET_PORT);
}

/*
 * There is no keyboard controller. Its status reads as "idle", since a guest
 * that wants to reset waits for that, and not as the all ones of an empty port.
 */
static uint64_t i8042_read(void *device, uint64_t offset, unsigned int length)
{
	(void)device;
	(void)offset;
	(void)length;
	return 0;
}

static void i8042_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	(void)offset;
	(void)length;
	if (value == I8042_PULSE_RESET)
		vm_end(device, END_RESET, "reset by the keyboard controller");
}

static const struct bus_ops sleep_ops = { sleep_read, sleep_write };
static const struct bus_ops reset_ops = { NULL, reset_write };
static const struct bus_ops i8042_ops = { i8042_read, i8042_write };

int power_init(struct vm *vm)
{
	const struct bus_range ranges[] = {
		{ BUS_PIO, SLEEP_PORT, 2, &sleep_ops, vm },
		{ BUS_PIO, RESET_PORT, 1, &reset_ops, vm },
		{ BUS_PIO, I8042_STATUS_PORT, 1, &i8042_ops, vm },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		if (bus_add(&vm->bus, &ranges[i]) < 0)
			return -1;
	return 0;
}
