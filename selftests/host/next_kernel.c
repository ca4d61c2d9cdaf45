// SPDX-License-Identifier: GPL-2.0
/*
 * Loads the next kernel by kexec_load(2). kexec_file_load(2) would be less
 * work here, but hashes the image several times over, which takes an emulated
 * CPU a minute. So this is a small boot loader, by the 64-bit boot protocol
 * (Documentation/arch/x86/boot.rst): boot parameters, memory map, and a jump.
 */
#include <asm/bootparam.h>
#include <linux/kexec.h>
#include <sys/syscall.h>

#include "lib.h"
#include "next_kernel.h"

#define MEMORY_MAP	"/sys/firmware/memmap"
/* Where it goes unless memory is set aside: RAM in any machine of ours. */
#define ANYWHERE	0x10000000UL

/* The first pages there; the kernel follows, then the initial RAM disk. */
#define PARAMS		PAGE
#define WORDS		(2 * PAGE)
#define HEAD_SIZE	(3 * PAGE)
#define KERNEL		(2 * MIB)
#define ENTRY_64	0x200

struct blob {
	uint8_t *data;
	size_t size;
};

static struct blob read_file(const char *name)
{
	int fd = open(name, O_RDONLY);
	struct blob b = { 0 };
	ssize_t n;

	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	b.size = lseek(fd, 0, SEEK_END);
	b.data = alloc_pages(b.size);
	n = pread(fd, b.data, b.size, 0);
	if (n < 0 || (size_t)n != b.size)
		die("%s: short read", name);
	close(fd);
	return b;
}

/* What crashkernel= has set aside. */
static struct boot_e820_entry crash_memory(void)
{
	unsigned long start, end;
	char line[200];
	FILE *f = fopen("/proc/iomem", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, "Crash kernel") &&
		    sscanf(line, "%lx-%lx", &start, &end) == 2) {
			fclose(f);
			return (struct boot_e820_entry) { start, end + 1 - start, 1 };
		}
	}
	die("no memory for a crash kernel");
}

/* One line of the firmware's memory map. */
static bool map_line(unsigned int i, const char *name, char *line, int size)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), MEMORY_MAP "/%u/%s", i, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, size, f))
		die("%s is empty", path);
	fclose(f);
	return true;
}

/* The firmware's map; a crash kernel leaves the RAM of the other one alone. */
static void memory_map(struct boot_params *p, const struct boot_e820_entry *crash)
{
	char start[40], end[40], type[40];
	struct boot_e820_entry e;

	for (unsigned int i = 0; map_line(i, "type", type, sizeof(type)); i++) {
		if (!map_line(i, "start", start, sizeof(start)) ||
		    !map_line(i, "end", end, sizeof(end)))
			die(MEMORY_MAP);
		e.addr = strtoull(start, NULL, 0);
		e.size = strtoull(end, NULL, 0) + 1 - e.addr;
		e.type = !strncmp(type, "System RAM", 10) ? 1 :
			 !strncmp(type, "ACPI Tables", 11) ? 3 : 2;
		if (crash && e.type == 1 && e.addr >= MIB)
			e = *crash;
		p->e820_table[p->e820_entries++] = e;
	}
}

/* Set RSI to the boot parameters and jump. */
static void trampoline(uint8_t *code, uint64_t params, uint64_t entry)
{
	memcpy(code, "\x48\xbe", 2);		/* movabs $params, %rsi */
	memcpy(code + 2, &params, 8);
	memcpy(code + 10, "\x48\xb8", 2);	/* movabs $entry, %rax */
	memcpy(code + 12, &entry, 8);
	memcpy(code + 20, "\xff\xe0", 2);	/* jmp *%rax */
}

static struct kexec_segment segment(void *data, size_t size, uint64_t to)
{
	return (struct kexec_segment) {
		data, size, (void *)to, (size + PAGE - 1) & -PAGE
	};
}

void load_next_kernel(const char *image, const char *initrd, const char *words,
		      bool on_panic)
{
	struct blob kernel = read_file(image), ramdisk = read_file(initrd);
	struct boot_e820_entry crash = { .addr = ANYWHERE };
	uint8_t *head = alloc_pages(HEAD_SIZE);
	struct boot_params *p = (void *)(head + PARAMS);
	struct kexec_segment segments[3];
	uint64_t base;
	size_t setup;

	if (on_panic)
		crash = crash_memory();
	base = crash.addr;
	p->hdr = ((struct boot_params *)kernel.data)->hdr;
	setup = (p->hdr.setup_sects + 1) * 512;
	p->hdr.type_of_loader = 0xff;
	p->hdr.cmd_line_ptr = base + WORDS;
	p->hdr.ramdisk_image = base + KERNEL +
			       ((p->hdr.init_size + PAGE - 1) & -PAGE);
	p->hdr.ramdisk_size = ramdisk.size;
	memory_map(p, on_panic ? &crash : NULL);
	trampoline(head, base + PARAMS, base + KERNEL + ENTRY_64);
	snprintf((char *)head + WORDS, PAGE, "%s", words);

	segments[0] = segment(head, HEAD_SIZE, base);
	segments[1] = segment(kernel.data + setup, kernel.size - setup,
			      base + KERNEL);
	segments[2] = segment(ramdisk.data, ramdisk.size, p->hdr.ramdisk_image);
	if (syscall(SYS_kexec_load, base, 3, segments, KEXEC_ARCH_X86_64 |
		    (on_panic ? KEXEC_ON_CRASH : 0)))
		die("kexec_load: %s", strerror(errno));
}
