// SPDX-License-Identifier: GPL-2.0
/*
 * The DSDT's byte code (AML), written by hand: it says where the devices are
 * that can't be found by looking, and which sleep type means "off". In ACPI's
 * source language:
 *
 *   Name (\_S5, Package () { 5, 0, 0, 0 })
 *   Scope (\_SB) {
 *     Device (COM1) { Name (_HID, EisaId ("PNP0501")) Name (_CRS, ...) }
 *     Device (RTC0) { Name (_HID, EisaId ("PNP0B00")) Name (_CRS, ...) }
 *     Device (PVPN) { Name (_HID, "QEMU0001")         Name (_CRS, ...) }
 *   }
 *
 * Encodings are in the ACPI specification under "AML Grammar" and "Resource
 * Data Types".
 */
#include <string.h>

#include "acpi.h"
#include "machine.h"

struct aml {
	uint8_t *to;
	size_t length;
	size_t room;
};

enum {
	NAME_OP		= 0x08,
	BYTE_PREFIX	= 0x0a,
	DWORD_PREFIX	= 0x0c,
	STRING_PREFIX	= 0x0d,
	SCOPE_OP	= 0x10,
	BUFFER_OP	= 0x11,
	PACKAGE_OP	= 0x12,
	EXT_OP_PREFIX	= 0x5b,
	DEVICE_OP	= 0x82,
};

/* A byte too many is dropped; acpi.c leaves room many times over. */
static void put(struct aml *aml, uint8_t byte)
{
	if (aml->length < aml->room)
		aml->to[aml->length++] = byte;
}

static void put_bytes(struct aml *aml, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	while (length--)
		put(aml, *byte++);
}

static void put_word(struct aml *aml, uint16_t word)
{
	put(aml, (uint8_t)word);
	put(aml, (uint8_t)(word >> 8));
}

/*
 * "Package Length Encoding": in its three-byte form, whatever the length, so
 * that it can be filled in afterwards without moving what follows.
 */
static size_t open_package(struct aml *aml)
{
	size_t at = aml->length;

	put_bytes(aml, "\0\0\0", 3);
	return at;
}

static void close_package(struct aml *aml, size_t at)
{
	size_t length = aml->length - at;

	aml->to[at] = (uint8_t)(2 << 6 | (length & 0xf));
	aml->to[at + 1] = (uint8_t)(length >> 4);
	aml->to[at + 2] = (uint8_t)(length >> 12);
}

static void put_name(struct aml *aml, const char *name)
{
	put(aml, NAME_OP);
	put_bytes(aml, name, strlen(name));
}

static void put_small(struct aml *aml, uint8_t value)
{
	put(aml, BYTE_PREFIX);
	put(aml, value);
}

/* "EISA ID": three letters of five bits and four hex digits, big-endian. */
static void put_eisa_id(struct aml *aml, const char *id, uint16_t number)
{
	uint16_t letters = (uint16_t)((id[0] & 0x1f) << 10 | (id[1] & 0x1f) << 5 | (id[2] & 0x1f));

	put(aml, DWORD_PREFIX);
	put(aml, (uint8_t)(letters >> 8));
	put(aml, (uint8_t)letters);
	put(aml, (uint8_t)(number >> 8));
	put(aml, (uint8_t)number);
}

static void put_string(struct aml *aml, const char *string)
{
	put(aml, STRING_PREFIX);
	put_bytes(aml, string, strlen(string) + 1);
}

/* "I/O Port Descriptor", 16-bit decode, one place only. */
static void put_ports(struct aml *aml, uint16_t base, uint8_t length)
{
	put(aml, 0x47);
	put(aml, 0x01);
	put_word(aml, base);
	put_word(aml, base);
	put(aml, 1);
	put(aml, length);
}

/* "IRQ Descriptor" without flags: edge-triggered, active high, as on ISA. */
static void put_irq(struct aml *aml, unsigned int irq)
{
	put(aml, 0x22);
	put_word(aml, (uint16_t)(1u << irq));
}

/* "End Tag", with a checksum of zero: none. */
static void put_end_tag(struct aml *aml)
{
	put_word(aml, 0x0079);
}

struct board_device {
	const char *name;
	const char *eisa;	/* NULL: the ID is a string */
	uint16_t number;
	const char *id;
	uint16_t port;
	uint8_t ports;
	uint8_t irq;		/* 0: none */
};

static const struct board_device board[] = {
	{ "COM1", "PNP", 0x0501, NULL, SERIAL_PORT, 8, SERIAL_GSI },
	{ "RTC0", "PNP", 0x0b00, NULL, RTC_PORT, 2, 0 },
	{ "PVPN", NULL, 0, "QEMU0001", PVPANIC_PORT, 1, 0 },
};

static void put_resources(struct aml *aml, const struct board_device *device)
{
	size_t package, start, size_at;

	put_name(aml, "_CRS");
	put(aml, BUFFER_OP);
	package = open_package(aml);
	size_at = aml->length + 1;
	put_small(aml, 0);
	start = aml->length;
	put_ports(aml, device->port, device->ports);
	if (device->irq)
		put_irq(aml, device->irq);
	put_end_tag(aml);
	aml->to[size_at] = (uint8_t)(aml->length - start);
	close_package(aml, package);
}

static void put_device(struct aml *aml, const struct board_device *device)
{
	size_t package;

	put(aml, EXT_OP_PREFIX);
	put(aml, DEVICE_OP);
	package = open_package(aml);
	put_bytes(aml, device->name, 4);
	put_name(aml, "_HID");
	if (device->eisa)
		put_eisa_id(aml, device->eisa, device->number);
	else
		put_string(aml, device->id);
	put_resources(aml, device);
	close_package(aml, package);
}

static void put_s5(struct aml *aml)
{
	size_t package;

	put_name(aml, "\\_S5_");
	put(aml, PACKAGE_OP);
	package = open_package(aml);
	put(aml, 4);
	put_small(aml, SLEEP_TYPE_S5);
	put_small(aml, 0);
	put_small(aml, 0);
	put_small(aml, 0);
	close_package(aml, package);
}

/* Returns the number of bytes written to @to. */
size_t aml_write(uint8_t *to, size_t room)
{
	struct aml aml = { to, 0, room };
	size_t package;
	unsigned int i;

	put_s5(&aml);
	put(&aml, SCOPE_OP);
	package = open_package(&aml);
	put_bytes(&aml, "\\_SB_", 5);
	for (i = 0; i < ARRAY_SIZE(board); i++)
		put_device(&aml, &board[i]);
	close_package(&aml, package);
	return aml.length;
}
