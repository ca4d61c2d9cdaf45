/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one map of the virtual machine: what is where in guest-physical memory,
 * in port space and on the interrupt controller. Devices don't know these
 * numbers; who places them, describes them (ACPI) or boots over them does.
 */
#ifndef LVX_MACHINE_H
#define LVX_MACHINE_H

#include "util.h"

/* Guest-physical memory. RAM beyond the hole continues at 4 GiB. */
#define RAM_HOLE_START		(3 * GIB)
#define RAM_HIGH_START		(4 * GIB)
#define RAM_MIN			(16 * MIB)

/*
 * The first MiB. Nothing of this must outlive the kernel's first steps but the
 * ACPI tables and the BIOS entry: the kernel copies the rest or brings its own.
 */
#define BOOT_GDT_ADDR		0x500
#define BOOT_PARAMS_ADDR	0x7000
#define BOOT_PAGE_TABLES_ADDR	0x9000	/* PML4, PDPT, four page directories */
#define BOOT_CMDLINE_ADDR	0x20000
#define BOOT_CMDLINE_MAX	0x10000
#define BOOT_STACK_TOP		0x90000	/* with room above: some write there, too */
#define LOW_RAM_END		0x9fc00	/* where a PC keeps its EBDA */
#define ACPI_ADDR		0xe0000	/* where a PC keeps its BIOS */
#define ACPI_END		0xf0000
#define BIOS_ENTRY_ADDR		0xffff0
#define HIGH_RAM_START		0x100000

/* In the hole. */
#define IOAPIC_ADDR		0xfec00000u
#define LAPIC_ADDR		0xfee00000u
/* Three pages and one that KVM wants on CPUs without unrestricted guest. */
#define KVM_TSS_ADDR		0xfffbd000u
#define KVM_IDENTITY_MAP_ADDR	0xfffbc000u

/* Ports. */
#define RTC_PORT		0x70
#define I8042_STATUS_PORT	0x64
#define DEBUG_PORT		0xe9
#define SERIAL_PORT		0x3f8
#define PVPANIC_PORT		0x505
#define PM1_EVENT_PORT		0x600	/* status and enable, 16 bits each */
#define PM1_CONTROL_PORT	0x604
#define RESET_PORT		0xcf9

/* Values with a meaning at these ports, as the ACPI tables name them. */
#define RESET_VALUE		0x06
#define SLEEP_TYPE_S5		5

/* Global system interrupts. The SCI never comes: there are no events. */
#define SERIAL_GSI		4
#define SCI_GSI			9

/* CMOS register that holds the century. */
#define RTC_CENTURY		0x32

#endif
