// SPDX-License-Identifier: GPL-2.0
/*
 * The vmlinux format: an ELF executable whose segments say at which physical
 * addresses they belong, and whose entry is a physical address as well.
 */
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "boot.h"
#include "file.h"
#include "machine.h"
#include "vm.h"

#define MAX_SEGMENTS 64

/* What a bzImage would have said. */
#define HEADER_MAGIC		0x53726448u	/* "HdrS" */
#define BOOT_FLAG		0xaa55		/* end of a boot sector */
#define PROTOCOL		0x020c
#define KERNEL_ALIGNMENT	(16 * MIB)
#define INITRD_ADDR_MAX		0x7fffffffu
#define CMDLINE_SIZE		2047

static int check_header(const struct file *file, const Elf64_Ehdr *header)
{
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return fail("the kernel '%s' is an ELF file, but not for x86-64; use an x86-64 kernel",
			    file->path);
	if (header->e_type != ET_EXEC || header->e_phentsize != sizeof(Elf64_Phdr))
		return fail("'%s' is an ELF file, but no kernel; give a bzImage or a vmlinux",
			    file->path);
	if (!header->e_phnum || header->e_phnum > MAX_SEGMENTS)
		return fail("the kernel '%s' has %u segments, not 1 to %u; it is damaged",
			    file->path, header->e_phnum, MAX_SEGMENTS);
	return 0;
}

static int load_segment(struct vm *vm, const struct file *file, const Elf64_Phdr *segment,
			struct boot_image *image)
{
	uint64_t start = segment->p_paddr;
	uint64_t size = segment->p_memsz;
	void *to;

	if (segment->p_filesz > size || start < HIGH_RAM_START || start + size < start)
		return fail("the kernel '%s' has a segment at 0x%llx that makes no sense; it is damaged, or no kernel",
			    file->path, (unsigned long long)start);
	if (segment->p_offset > file->size || segment->p_filesz > file->size - segment->p_offset)
		return fail("the kernel '%s' is truncated; copy it again", file->path);
	to = start < RAM_HOLE_START ? memory_at(&vm->memory, start, size) : NULL;
	if (!to)
		return fail("the kernel '%s' needs %llu MiB of memory; give a larger --memory",
			    file->path, (unsigned long long)((start + size + MIB - 1) / MIB));
	/* The rest of the segment is zero: so is fresh guest memory. */
	if (file_read(file, segment->p_offset, to, segment->p_filesz) < 0)
		return -1;
	if (start + size > image->end)
		image->end = start + size;
	return 0;
}

/* Linux's notes have its own name on them, or Xen's, which it is made for as well. */
static int is_linux(const struct file *file, const Elf64_Phdr *segment, bool *found)
{
	uint8_t notes[4096];
	size_t size = segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes);
	Elf64_Nhdr note;
	size_t at = 0;

	if (segment->p_offset > file->size || size > file->size - segment->p_offset)
		return fail("the kernel '%s' is truncated; copy it again", file->path);
	if (file_read(file, segment->p_offset, notes, size) < 0)
		return -1;
	while (at + sizeof(note) + 6 <= size) {
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		if (!memcmp(notes + at, "Linux", 6) || !memcmp(notes + at, "Xen", 4))
			*found = true;
		if (note.n_namesz > size || note.n_descsz > size)
			break;
		at += align_up(note.n_namesz, 4) + align_up(note.n_descsz, 4);
	}
	return 0;
}

static int find_stranger(const struct file *file, const Elf64_Phdr *segments, unsigned int nr,
			 struct boot_image *image)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (segments[i].p_type == PT_NOTE && is_linux(file, &segments[i], &found) < 0)
			return -1;
	if (!found)
		strcpy(image->stranger, "an ELF file without Linux's notes");
	return 0;
}

int elf_load(struct vm *vm, const struct file *file, struct boot_image *image)
{
	Elf64_Phdr segments[MAX_SEGMENTS];
	Elf64_Ehdr header;
	unsigned int i;

	if (file->size < sizeof(header))
		return fail("the kernel '%s' is truncated; copy it again", file->path);
	if (file_read(file, 0, &header, sizeof(header)) < 0 || check_header(file, &header) < 0)
		return -1;
	if (header.e_phoff > file->size ||
	    header.e_phnum * sizeof(segments[0]) > file->size - header.e_phoff)
		return fail("the kernel '%s' is truncated; copy it again", file->path);
	if (file_read(file, header.e_phoff, segments, header.e_phnum * sizeof(segments[0])) < 0)
		return -1;

	if (find_stranger(file, segments, header.e_phnum, image) < 0)
		return -1;
	image->end = 0;
	for (i = 0; i < header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_memsz &&
		    load_segment(vm, file, &segments[i], image) < 0)
			return -1;
	if (header.e_entry < HIGH_RAM_START || header.e_entry >= image->end)
		return fail("the kernel '%s' has its entry at 0x%llx, outside its segments; it is no vmlinux",
			    file->path, (unsigned long long)header.e_entry);
	image->entry = header.e_entry;
	image->header = (struct setup_header){
		.boot_flag = BOOT_FLAG,
		.header = HEADER_MAGIC,
		.version = PROTOCOL,
		.loadflags = LOADED_HIGH,
		.kernel_alignment = KERNEL_ALIGNMENT,
		.initrd_addr_max = INITRD_ADDR_MAX,
		.cmdline_size = CMDLINE_SIZE,
	};
	return 0;
}
