// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: RSDP -> XSDT -> FADT (-> DSDT, FACS), MADT. Layouts and names
 * are those of the ACPI specification, 6.3.
 *
 * The machine has the PM1 registers of a PC, without any event, and a reset
 * register. It is not a "hardware-reduced" one, which would have fewer: Linux
 * takes such a machine to have no 8259 and no 8254, and a guest that is told not
 * to use the IOAPIC or the local APIC then has no interrupts at all.
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
#define GAS_WORD	2

struct fadt {
	struct header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_pm_profile;
	uint16_t sci_interrupt;
	uint8_t smi[8];			/* none: ACPI is always on */
	uint32_t pm1a_event;
	uint32_t pm1b_event;
	uint32_t pm1a_control;
	uint8_t no_blocks[20];		/* PM1b, PM2, PM timer, GPE */
	uint8_t pm1_event_length;
	uint8_t pm1_control_length;
	uint8_t no_lengths[6];
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
	struct gas x_pm1a_event;
	struct gas x_pm1b_event;
	struct gas x_pm1a_control;
	struct gas x_no_blocks[5];
	struct gas sleep_control;	/* of hardware-reduced machines */
	struct gas sleep_status;
	uint64_t hypervisor_vendor;
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36, "RSDP");
_Static_assert(offsetof(struct fadt, pm1a_event) == 56, "FADT: PM1a_EVT_BLK");
_Static_assert(offsetof(struct fadt, pm1_event_length) == 88, "FADT: PM1_EVT_LEN");
_Static_assert(offsetof(struct fadt, century) == 108, "FADT: CENTURY");
_Static_assert(offsetof(struct fadt, flags) == 112, "FADT: Flags");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "FADT: X_DSDT");
_Static_assert(offsetof(struct fadt, x_pm1a_event) == 148, "FADT: X_PM1a_EVT_BLK");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT: SLEEP_CONTROL_REG");
_Static_assert(sizeof(struct fadt) == 276, "FADT");

#define FADT_WBINVD			(1u << 0)
#define FADT_NO_POWER_BUTTON		(1u << 4)
#define FADT_NO_SLEEP_BUTTON		(1u << 5)
#define FADT_FIX_RTC			(1u << 6)	/* the clock wakes nobody */
#define FADT_RESET_REGISTER		(1u << 10)

/* No keyboard controller: its flag is not among these. */
#define FADT_BOOT_LEGACY_DEVICES	(1u << 0)
#define FADT_BOOT_NO_VGA		(1u << 2)

/* Firmware ACPI Control Structure: no header like the others', no checksum */
struct facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

_Static_assert(sizeof(struct facs) == 64, "FACS");

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

struct madt_override {
	uint8_t type, length;
	uint8_t bus;
	uint8_t irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	uint8_t type, length;
	uint8_t processor_uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4, MADT_X2APIC = 9 };

#define MADT_HAS_8259		1	/* of the table */
#define MADT_ENABLED		1	/* of a CPU */
#define MADT_LEVEL_HIGH		0xd	/* of an interrupt */
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

static uint32_t write_facs(struct writer *writer)
{
	struct facs *facs;
	uint32_t address;

	/* It has an alignment of its own. */
	writer->used = (uint32_t)align_up(writer->used, 64);
	address = ACPI_ADDR + writer->used;
	facs = begin(writer);
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	writer->used += sizeof(*facs);
	return address;
}

static struct gas ports(uint64_t address, uint8_t bytes, uint8_t access)
{
	return (struct gas){ GAS_IO, (uint8_t)(bytes * 8), 0, access, address };
}

static uint32_t write_fadt(struct writer *writer, uint32_t facs, uint32_t dsdt)
{
	struct fadt *fadt = begin(writer);

	fadt->firmware_ctrl = facs;
	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->century = RTC_CENTURY;
	fadt->boot_architecture = FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
		      FADT_FIX_RTC | FADT_RESET_REGISTER;
	fadt->sci_interrupt = SCI_GSI;
	fadt->pm1a_event = PM1_EVENT_PORT;
	fadt->pm1a_control = PM1_CONTROL_PORT;
	fadt->pm1_event_length = 4;
	fadt->pm1_control_length = 2;
	fadt->x_pm1a_event = ports(PM1_EVENT_PORT, 4, GAS_WORD);
	fadt->x_pm1a_control = ports(PM1_CONTROL_PORT, 2, GAS_WORD);
	fadt->reset_register = ports(RESET_PORT, 1, GAS_BYTE);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_version = 3;
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
 * Every ISA interrupt arrives at the IOAPIC pin of its own number, which is the
 * routing that a new VM comes with. Only the SCI's kind needs to be told.
 */
static uint32_t write_madt(struct writer *writer, unsigned int cpus)
{
	struct madt *madt = begin(writer);
	struct madt_override *sci;
	struct madt_ioapic *ioapic;
	struct madt_lapic_nmi *nmi;
	void *to = madt + 1;
	unsigned int i;

	madt->lapic_address = LAPIC_ADDR;
	madt->flags = MADT_HAS_8259;
	for (i = 0; i < cpus; i++)
		to = write_cpu(to, i);
	ioapic = to;
	*ioapic = (struct madt_ioapic){ MADT_IOAPIC, sizeof(*ioapic), 0, 0, IOAPIC_ADDR, 0 };
	sci = (void *)(ioapic + 1);
	*sci = (struct madt_override){ MADT_OVERRIDE, sizeof(*sci), 0, SCI_GSI, SCI_GSI,
				       MADT_LEVEL_HIGH };
	nmi = (void *)(sci + 1);
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
	uint32_t tables[2], facs;

	/* More than any host gives, and far from filling the 64 KiB. */
	if (vm->config->cpus > MAX_CPUS)
		return fail("the ACPI tables have no room for %u CPUs; give a smaller --cpus",
			    vm->config->cpus);
	facs = write_facs(&writer);
	tables[0] = write_fadt(&writer, facs, write_dsdt(&writer));
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
