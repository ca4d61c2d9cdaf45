// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: RSDP -> XSDT -> FADT (-> DSDT), MADT. Layouts and names are
 * those of the ACPI specification, 6.3.
 *
 * The machine is a "hardware-reduced" one: no PM1 registers, no SCI, no 8259
 * and no 8254 that the guest would have to look for, calibrate against and
 * switch off; a sleep register and a reset register are all it has. That saves
 * a Linux guest some thousand exits on its way up.
 */
#include <string.h>

#include "acpi.h"
#include "machine.h"
#include "vm.h"

#define MAX_CPUS	2048

#define OEM_ID		"LVX   "
#define OEM_TABLE_ID	"LVXBOARD"

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;	/* of the first 20 bytes, which is all of ACPI 1.0's */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

/* Generic Address Structure */
struct gas {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

#define GAS_IO		1
#define GAS_BYTE	1

struct fadt {
	struct header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_pm_profile;
	uint8_t legacy_hardware[50];	/* SCI, SMI, PM1, PM timer, GPE: none */
	uint8_t latencies[12];		/* of C states, P states: unused */
	uint8_t century;
	uint16_t boot_architecture;
	uint8_t reserved1;
	uint32_t flags;
	struct gas reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_architecture;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct gas x_legacy_hardware[8];
	struct gas sleep_control;
	struct gas sleep_status;
	uint64_t hypervisor_vendor;
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36, "RSDP");
_Static_assert(offsetof(struct fadt, century) == 108, "FADT: CENTURY");
_Static_assert(offsetof(struct fadt, flags) == 112, "FADT: Flags");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "FADT: X_DSDT");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT: SLEEP_CONTROL_REG");
_Static_assert(sizeof(struct fadt) == 276, "FADT");

#define FADT_WBINVD			(1u << 0)
#define FADT_NO_POWER_BUTTON		(1u << 4)
#define FADT_NO_SLEEP_BUTTON		(1u << 5)
#define FADT_RESET_REGISTER		(1u << 10)
#define FADT_HARDWARE_REDUCED		(1u << 20)

/* No keyboard controller: its flag is not among these. */
#define FADT_BOOT_LEGACY_DEVICES	(1u << 0)
#define FADT_BOOT_NO_VGA		(1u << 2)

struct madt {
	struct header header;
	uint32_t lapic_address;
	uint32_t flags;
} __attribute__((packed));

/* What follows in the MADT. */
struct madt_lapic {
	uint8_t type, length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t processor_uid;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

struct madt_lapic_nmi {
	uint8_t type, length;
	uint8_t processor_uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_LAPIC_NMI = 4, MADT_X2APIC = 9 };

#define MADT_ENABLED		1
#define MADT_ALL_PROCESSORS	0xff
#define MADT_FIRST_X2APIC	255	/* APIC IDs from here on need the wide form */

/* Where the next table goes, in the guest and in our memory. */
struct writer {
	uint8_t *memory;
	uint32_t used;
	uint32_t room;
};

static uint8_t sum(const void *data, size_t length)
{
	const uint8_t *byte = data;
	uint8_t total = 0;

	while (length--)
		total += *byte++;
	return total;
}

/* Tables are aligned to 16 bytes. The RAM below is fresh, hence zero. */
static void *begin(struct writer *writer)
{
	writer->used = (uint32_t)align_up(writer->used, 16);
	return writer->memory + writer->used;
}

/* Fill in the header of the table that was begun; returns its address. */
static uint32_t finish(struct writer *writer, const char *signature, uint8_t revision,
		       uint32_t length)
{
	uint32_t address = ACPI_ADDR + writer->used;
	struct header *header = begin(writer);

	memcpy(header->signature, signature, 4);
	header->length = length;
	header->revision = revision;
	memcpy(header->oem_id, OEM_ID, 6);
	memcpy(header->oem_table_id, OEM_TABLE_ID, 8);
	header->oem_revision = 1;
	memcpy(header->creator_id, "LVX ", 4);
	header->creator_revision = 1;
	header->checksum = (uint8_t)-sum(header, length);
	writer->used += length;
	return address;
}

static uint32_t write_dsdt(struct writer *writer)
{
	uint8_t *table = begin(writer);
	size_t length = sizeof(struct header);

	length += aml_write(table + length, writer->room - writer->used - length);
	return finish(writer, "DSDT", 2, (uint32_t)length);
}

static struct gas port(uint64_t address)
{
	return (struct gas){ GAS_IO, 8, 0, GAS_BYTE, address };
}

static uint32_t write_fadt(struct writer *writer, uint32_t dsdt)
{
	struct fadt *fadt = begin(writer);

	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->century = RTC_CENTURY;
	fadt->boot_architecture = FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
		      FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED;
	fadt->reset_register = port(RESET_PORT);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_version = 3;
	fadt->sleep_control = port(SLEEP_PORT);
	fadt->sleep_status = port(SLEEP_PORT + 1);
	memcpy(&fadt->hypervisor_vendor, "lvx", 3);
	return finish(writer, "FACP", 6, sizeof(*fadt));
}

/* A CPU; APIC ID and processor UID are its index. */
static void *write_cpu(void *to, uint32_t index)
{
	struct madt_lapic *lapic = to;
	struct madt_x2apic *x2apic = to;

	if (index < MADT_FIRST_X2APIC) {
		*lapic = (struct madt_lapic){ MADT_LAPIC, sizeof(*lapic), (uint8_t)index,
					      (uint8_t)index, MADT_ENABLED };
		return lapic + 1;
	}
	*x2apic = (struct madt_x2apic){ MADT_X2APIC, sizeof(*x2apic), 0, index, MADT_ENABLED,
					index };
	return x2apic + 1;
}

/*
 * No interrupt source overrides: every ISA interrupt arrives at the IOAPIC pin
 * of its own number, which is the routing that a new VM comes with.
 */
static uint32_t write_madt(struct writer *writer, unsigned int cpus)
{
	struct madt *madt = begin(writer);
	struct madt_ioapic *ioapic;
	struct madt_lapic_nmi *nmi;
	void *to = madt + 1;
	unsigned int i;

	madt->lapic_address = LAPIC_ADDR;
	for (i = 0; i < cpus; i++)
		to = write_cpu(to, i);
	ioapic = to;
	*ioapic = (struct madt_ioapic){ MADT_IOAPIC, sizeof(*ioapic), 0, 0, IOAPIC_ADDR, 0 };
	nmi = (void *)(ioapic + 1);
	*nmi = (struct madt_lapic_nmi){ MADT_LAPIC_NMI, sizeof(*nmi), MADT_ALL_PROCESSORS, 0, 1 };
	return finish(writer, "APIC", 5, (uint32_t)((uint8_t *)(nmi + 1) - (uint8_t *)madt));
}

static uint32_t write_xsdt(struct writer *writer, const uint32_t *tables, unsigned int nr)
{
	uint8_t *table = begin(writer);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		uint64_t address = tables[i];

		memcpy(table + sizeof(struct header) + i * sizeof(address), &address,
		       sizeof(address));
	}
	return finish(writer, "XSDT", 1, (uint32_t)(sizeof(struct header) + nr * sizeof(uint64_t)));
}

int acpi_init(struct vm *vm)
{
	struct rsdp *rsdp = memory_at(&vm->memory, ACPI_ADDR, ACPI_END - ACPI_ADDR);
	struct writer writer = { (uint8_t *)rsdp, sizeof(*rsdp), ACPI_END - ACPI_ADDR };
	uint32_t tables[2];

	/* More than any host gives, and far from filling the 64 KiB. */
	if (vm->config->cpus > MAX_CPUS)
		return fail("the ACPI tables have no room for %u CPUs; give a smaller --cpus",
			    vm->config->cpus);
	tables[0] = write_fadt(&writer, write_dsdt(&writer));
	tables[1] = write_madt(&writer, vm->config->cpus);
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, OEM_ID, 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = write_xsdt(&writer, tables, ARRAY_SIZE(tables));
	rsdp->checksum = (uint8_t)-sum(rsdp, 20);
	rsdp->extended_checksum = (uint8_t)-sum(rsdp, sizeof(*rsdp));
	return 0;
}
