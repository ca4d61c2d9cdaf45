/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading a Linux kernel: what boot.c offers to the machine, and what the two
 * image formats have in common.
 */
#ifndef LVX_BOOT_H
#define LVX_BOOT_H

#include <asm/bootparam.h>
#include <stdint.h>

struct file;
struct vm;

/* How the boot CPU starts: in 64-bit mode, by the Linux boot protocol. */
struct boot_entry {
	uint64_t rip;
	uint64_t rsi;		/* address of the boot parameters */
};

/* What an image's loader tells about the kernel that it has loaded. */
struct boot_image {
	struct setup_header header;	/* for the boot parameters */
	uint64_t entry;
	uint64_t end;		/* first byte that the kernel does not need */
	char stranger[48];	/* what it is, if it is not Linux; or empty */
};

int boot_load(struct vm *vm, struct boot_entry *entry);

/* boot_bzimage.c, boot_elf.c. Each checks everything it takes from the file. */
int bzimage_load(struct vm *vm, const struct file *file, struct boot_image *image);
int elf_load(struct vm *vm, const struct file *file, struct boot_image *image);

#endif
