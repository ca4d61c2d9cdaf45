// SPDX-License-Identifier: GPL-2.0
/*
 * Booting a Linux kernel: which format it has, and what it is told, whatever
 * the format: command line, initial RAM disk, memory map.
 */
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "file.h"
#include "machine.h"
#include "vm.h"

#define E820_RAM	1
#define E820_RESERVED	2

#define LOADER_UNDEFINED 0xff	/* "no number assigned" in the boot protocol */

/*
 * What every guest's command line starts with. A later word wins, so --append
 * can override each of them.
 *
 * panic=-1: a panic resets at once, and we report it, instead of a guest that
 * sits there. reboot=acpi: use the reset register, with the registers as they
 * were, see write_bios_entry(). tsc=reliable, no_timer_check: nothing to verify
 * the clocks against. io_delay=none: a write to port 0x80 slows down no device
 * here, only the guest.
 */
static const char default_cmdline[] =
	"console=ttyS0 panic=-1 reboot=acpi tsc=reliable no_timer_check io_delay=none";

static const struct format {
	const char *name;
	uint32_t offset;
	const char *magic;
	int (*load)(struct vm *vm, const struct file *file, struct boot_image *image);
} formats[] = {
	{ "bzImage", 0x202, "HdrS", bzimage_load },
	{ "ELF vmlinux", 0, "\177ELF", elf_load },
};

/* Formats that people try, and what they should do instead. */
static const struct {
	const char *magic;
	const char *what;
} strangers[] = {
	{ "\037\213", "compressed with gzip; unpack it first" },
	{ "\375" "7zXZ", "compressed with xz; unpack it first" },
	{ "\050\265\057\375", "compressed with zstd; unpack it first" },
	{ "070701", "an initramfs; it belongs to --initrd" },
};

static int no_kernel(const struct file *file, const uint8_t *start)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(strangers); i++)
		if (!memcmp(start, strangers[i].magic, strlen(strangers[i].magic)))
			return fail("'%s' is %s", file->path, strangers[i].what);
	return fail("'%s' is no Linux kernel; give a bzImage (vmlinuz) or an ELF vmlinux",
		    file->path);
}

static int load_kernel(struct vm *vm, struct boot_image *image)
{
	const struct file *file = &vm->config->kernel;
	uint8_t start[1024] = { 0 };
	unsigned int i;

	if (file_read(file, 0, start, file->size < sizeof(start) ? file->size : sizeof(start)) < 0)
		return -1;
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct format *format = &formats[i];

		if (memcmp(start + format->offset, format->magic, 4))
			continue;
		if (file->size < sizeof(start))
			return fail("the kernel '%s' is truncated; copy it again", file->path);
		return format->load(vm, file, image);
	}
	return no_kernel(file, start);
}

/* As high as the kernel allows, out of the way of its unpacking. */
static int load_initrd(struct vm *vm, const struct boot_image *image, struct boot_params *params)
{
	const struct file *file = &vm->config->initrd;
	uint64_t top = memory_low_size(&vm->memory);
	uint64_t max = image->header.initrd_addr_max;
	uint64_t start;

	if (file->fd < 0)
		return 0;
	if (top > max + 1)
		top = max + 1;
	start = file->size < top ? align_down(top - file->size, 4096) : 0;
	if (start < image->end)
		return fail("the initial RAM disk '%s' (%llu MiB) does not fit behind the kernel; give a larger --memory",
			    file->path, (unsigned long long)((file->size + MIB - 1) / MIB));
	if (file_read(file, 0, memory_at(&vm->memory, start, file->size), file->size) < 0)
		return -1;
	params->hdr.ramdisk_image = (uint32_t)start;
	params->hdr.ramdisk_size = (uint32_t)file->size;
	return 0;
}

static int write_cmdline(struct vm *vm, const struct boot_image *image)
{
	const char *append = vm->config->append;
	uint32_t max = image->header.cmdline_size;
	char *to = memory_at(&vm->memory, BOOT_CMDLINE_ADDR, BOOT_CMDLINE_MAX);
	int length;

	if (max > BOOT_CMDLINE_MAX - 1)
		max = BOOT_CMDLINE_MAX - 1;
	length = snprintf(to, BOOT_CMDLINE_MAX, "%s%s%s", default_cmdline,
			  append ? " " : "", append ? append : "");
	if (length > (int)max)
		return fail("the kernel command line has %d characters, this kernel takes %u; shorten --append",
			    length, max);
	return 0;
}

static void add_range(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	if (end <= start)
		return;
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
		.addr = start, .size = end - start, .type = type,
	};
}

static void write_memory_map(struct vm *vm, struct boot_params *params)
{
	uint64_t low = memory_low_size(&vm->memory);

	add_range(params, 0, LOW_RAM_END, E820_RAM);
	add_range(params, ACPI_ADDR, HIGH_RAM_START, E820_RESERVED);
	add_range(params, HIGH_RAM_START, low, E820_RAM);
	add_range(params, RAM_HIGH_START, RAM_HIGH_START + vm->memory.size - low, E820_RAM);
}

/*
 * All the firmware there is. With reboot=bios Linux restarts by going back to
 * real mode and jumping to the BIOS entry; what is there writes to the reset
 * register.
 */
static void write_bios_entry(struct vm *vm)
{
	static const uint8_t code[] = {
		0xba, RESET_PORT & 0xff, RESET_PORT >> 8,	/* mov dx, RESET_PORT */
		0xb0, RESET_VALUE,				/* mov al, RESET_VALUE */
		0xee,						/* out dx, al */
		0xeb, 0xfe,					/* jmp to itself */
	};

	memcpy(memory_at(&vm->memory, BIOS_ENTRY_ADDR, sizeof(code)), code, sizeof(code));
}

/* RAM_MIN guarantees that all of the first MiB is there. */
int boot_load(struct vm *vm, struct boot_entry *entry)
{
	struct boot_params *params = memory_at(&vm->memory, BOOT_PARAMS_ADDR, sizeof(*params));
	struct boot_image image = { 0 };

	if (load_kernel(vm, &image) < 0 || write_cmdline(vm, &image) < 0)
		return -1;
	params->hdr = image.header;
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.cmd_line_ptr = BOOT_CMDLINE_ADDR;
	params->acpi_rsdp_addr = ACPI_ADDR;
	write_memory_map(vm, params);
	write_bios_entry(vm);
	if (load_initrd(vm, &image, params) < 0)
		return -1;
	memcpy(vm->stranger, image.stranger, sizeof(vm->stranger));
	entry->rip = image.entry;
	entry->rsi = BOOT_PARAMS_ADDR;
	return 0;
}
