// SPDX-License-Identifier: GPL-2.0
/*
 * The ways in which a guest switches itself off or starts itself again: ACPI's
 * PM1 registers, the reset register that ACPI names and every PC chipset has,
 * and the keyboard controller's reset line. A guest can also give up its IDT and
 * fault, see exits.c.
 */
#include <string.h>

#include "devices.h"
#include "machine.h"
#include "vm.h"

/* ACPI, "PM1 Event Grouping": offset of the enable register */
#define PM1_ENABLE		2

/* ACPI, "PM1 Control Registers" */
#define PM1_SCI_EN		0x0001
#define PM1_SLEEP_TYPE(value)	((value) >> 10 & 7)
#define PM1_SLEEP_ENABLE	0x2000

#define RESET_CPU		0x04	/* of the reset register */

#define I8042_PULSE_RESET	0xfe

/*
 * The event registers: status, which is zero as no event ever happens, and
 * enable, which the guest reads back to see whether there is such an event.
 */
static uint64_t event_read(void *device, uint64_t offset, unsigned int length)
{
	const uint8_t *enable = device;
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < length; i++)
		if (offset + i >= PM1_ENABLE)
			value |= (uint64_t)enable[offset + i - PM1_ENABLE] << 8 * i;
	return value;
}

static void event_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	uint8_t *enable = device;
	unsigned int i;

	for (i = 0; i < length; i++)
		if (offset + i >= PM1_ENABLE)
			enable[offset + i - PM1_ENABLE] = (uint8_t)(value >> 8 * i);
}

/* ACPI is always on: there is no SMI to switch it. */
static uint64_t control_read(void *device, uint64_t offset, unsigned int length)
{
	(void)device;
	(void)length;
	return PM1_SCI_EN >> 8 * offset;
}

static void control_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	value <<= 8 * offset;
	(void)length;
	if ((value & PM1_SLEEP_ENABLE) && PM1_SLEEP_TYPE(value) == SLEEP_TYPE_S5)
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

static const struct bus_ops event_ops = { event_read, event_write };
static const struct bus_ops control_ops = { control_read, control_write };
static const struct bus_ops reset_ops = { NULL, reset_write };
static const struct bus_ops i8042_ops = { i8042_read, i8042_write };

static uint8_t pm1_enable[PM1_ENABLE];

int power_init(struct vm *vm)
{
	const struct bus_range ranges[] = {
		{ BUS_PIO, PM1_EVENT_PORT, 2 * PM1_ENABLE, &event_ops, pm1_enable },
		{ BUS_PIO, PM1_CONTROL_PORT, 2, &control_ops, vm },
		{ BUS_PIO, RESET_PORT, 1, &reset_ops, vm },
		{ BUS_PIO, I8042_STATUS_PORT, 1, &i8042_ops, vm },
	};
	unsigned int i;

	memset(pm1_enable, 0, sizeof(pm1_enable));
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		if (bus_add(&vm->bus, &ranges[i]) < 0)
			return -1;
	return 0;
}
