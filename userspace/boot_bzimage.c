// SPDX-License-Identifier: GPL-2.0
/*
 * The bzImage format: a setup part in 512-byte sectors, of which only the
 * header matters to us, and behind it the kernel proper, which unpacks itself.
 * Layout and rules are in the kernel's Documentation/x86/boot.rst.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "boot.h"
#include "file.h"
#include "machine.h"
#include "vm.h"

#define SECTOR			512u
#define HEADER_OFFSET		0x1f1u
#define HEADER_END_BASE		0x202u	/* plus the byte before it */
#define DEFAULT_SETUP_SECTORS	4
#define PROTOCOL_64BIT		0x020c	/* the first with a 64-bit entry */
#define ENTRY_64BIT		0x200

_Static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "setup header");
_Static_assert(HEADER_OFFSET + offsetof(struct setup_header, header) == 0x202, "magic");

static int check_header(const struct file *file, const struct setup_header *header,
			uint64_t setup_size)
{
	if (header->version < PROTOCOL_64BIT || !(header->xloadflags & XLF_KERNEL_64))
		return fail("the kernel '%s' has no 64-bit entry (boot protocol %u.%02u); use an x86-64 kernel of version 3.8 or newer",
			    file->path, header->version >> 8, header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH))
		return fail("the kernel '%s' is a zImage; build a bzImage", file->path);
	/* The last of its units of 16 bytes may be shorter. */
	if (setup_size + 16ull * header->syssize >= file->size + 16 || !header->syssize)
		return fail("the kernel '%s' is truncated: %llu bytes instead of %llu; copy it again",
			    file->path, (unsigned long long)file->size,
			    setup_size + 16ull * header->syssize);
	if (header->pref_address < HIGH_RAM_START)
		return fail("the kernel '%s' wants to be loaded at 0x%llx, below 1 MiB; it is damaged",
			    file->path, (unsigned long long)header->pref_address);
	return 0;
}

/*
 * Other programs come in this format, too. Where Linux has its version, which
 * begins with a digit, they have their name.
 */
static int find_stranger(const struct file *file, struct boot_image *image, uint64_t setup_size)
{
	uint64_t at = image->header.kernel_version + 0x200u;
	size_t size = sizeof(image->stranger) - 1;
	char *name = image->stranger;

	if (!image->header.kernel_version || at + size > setup_size)
		return 0;
	if (file_read(file, at, name, size) < 0)
		return -1;
	/* It will be shown: no control codes. */
	while (isprint((unsigned char)*name))
		name++;
	*name = 0;
	if (isdigit((unsigned char)image->stranger[0]))
		image->stranger[0] = 0;
	return 0;
}

/*
 * A relocatable kernel is put where it prefers to be, too: elsewhere it would
 * first move itself there.
 */
int bzimage_load(struct vm *vm, const struct file *file, struct boot_image *image)
{
	struct setup_header *header = &image->header;
	uint64_t setup_size, size, needed;
	uint8_t start[HEADER_OFFSET + sizeof(*header)];
	size_t length;
	void *to;

	if (file_read(file, 0, start, sizeof(start)) < 0)
		return -1;
	/* The header says how long it is; what it lacks stays zero. */
	length = HEADER_END_BASE + start[HEADER_END_BASE - 1] - HEADER_OFFSET;
	if (length > sizeof(*header))
		length = sizeof(*header);
	memset(header, 0, sizeof(*header));
	memcpy(header, start + HEADER_OFFSET, length);

	setup_size = (1u + (header->setup_sects ?: DEFAULT_SETUP_SECTORS)) * SECTOR;
	if (check_header(file, header, setup_size) < 0 ||
	    find_stranger(file, image, setup_size) < 0)
		return -1;
	size = 16ull * header->syssize;
	if (size > file->size - setup_size)
		size = file->size - setup_size;
	needed = header->init_size > size ? header->init_size : size;
	to = header->pref_address < RAM_HOLE_START ?
	     memory_at(&vm->memory, header->pref_address, needed) : NULL;
	if (!to)
		return fail("the kernel '%s' needs %llu MiB of memory; give a larger --memory",
			    file->path,
			    (unsigned long long)((header->pref_address + needed + MIB - 1) / MIB));
	if (file_read(file, setup_size, to, size) < 0)
		return -1;
	image->entry = header->pref_address + ENTRY_64BIT;
	image->end = header->pref_address + needed;
	return 0;
}
