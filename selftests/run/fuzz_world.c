// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl fuzz's world: what is there before the first call, and what the log
 * says of it.
 */
#include <sys/eventfd.h>

#include "fuzz.h"

/* What a call is made on: descriptors by their place, which both nodes share. */
static void log_descriptor(const struct world *w, int fd)
{
	if (fd < 0 || fd == w->other || fd == w->sys)
		dprintf(1, "%s, ", fd < 0 ? "none" : fd == w->sys ? "sys" : "other");
	for (int i = 0; i < NR_VMS && fd >= 0; i++)
		if (w->vm[i] == fd)
			dprintf(1, "VM %d, ", i);
	for (int i = 0; i < NR_SLOTS && fd >= 0; i++)
		if (w->vcpu[i] == fd)
			dprintf(1, "vCPU %d, ", i);
}

/* The argument, with the array that may be behind it, up to its last zeros. */
static void log_argument(const void *at, const uint8_t *arg)
{
	size_t size = at == arg ? PAGE / 2 : 0;

	if (at != arg)
		dprintf(1, "%p ", at);
	while (size && !arg[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		dprintf(1, "%02x%s", arg[i], i % 8 == 7 || i + 1 == size ? " " : "");
}

void log_call(const struct world *w, int fd, const void *at, const uint8_t *arg)
{
	log_descriptor(w, fd);
	log_argument(at, arg);
}

/*
 * Code that takes the guest out, or does something and then runs on. The rest
 * of memory is HLT.
 */
static const uint8_t snippets[][8] = {
	{ 0x0f, 0xa2 },				/* CPUID */
	{ 0xe6, 0x10, 0xe4, 0x40 },		/* OUT, IN */
	{ 0xb0, 0x34, 0xe6, 0x43 },		/* a PIT's mode */
	{ 0xe6, 0x40, 0xe6, 0x40 },		/* and its count */
	{ 0x0f, 0x32 },				/* RDMSR */
	{ 0x0f, 0x30 },				/* WRMSR */
	{ 0x0f, 0x01, 0xc1 },			/* VMCALL */
	{ 0x0f, 0x20, 0xc0 },			/* MOV EAX, CR0 */
	{ 0x0f, 0x22, 0xd8 },			/* MOV CR3, EAX */
	{ 0x0f, 0x31 },				/* RDTSC */
	{ 0xfb },				/* STI */
	{ 0xcc },				/* INT3 */
	{ 0x0f, 0x0b },				/* UD2 */
	{ 0x0f, 0x08 },				/* INVD */
	{ 0x6c },				/* INSB */
	{ 0x6e },				/* OUTSB */
	{ 0x8b, 0x03 },				/* MOV EAX, [EBX] */
};

static void write_code(uint8_t *memory)
{
	struct rng rng = { 1 };
	size_t at;

	memset(memory, 0xf4, MEMORY);
	/* Every 16 bytes, so that what starts anywhere meets a few. */
	for (at = 0x400; at + 16 <= MEMORY; at += 16)
		if (below(&rng, 2))
			memcpy(memory + at, snippets[below(&rng,
			       ARRAY_SIZE(snippets))], 4);
	/* CPUID's zeros behind it are ADD [EBX], AL, once. */
	for (at = 0; at < MEMORY; at++)
		if (!memory[at])
			memory[at] = 0x90;
}

void map_memory(struct world *w, uint32_t page, uint32_t n, int prot)
{
	mmap(w->memory + page * PAGE, n * PAGE, prot, MAP_SHARED | MAP_FIXED,
	     w->memfd, page * PAGE);
}

void world_make(struct world *w, const char *node)
{
	int i;

	memset(w, 0xff, sizeof(*w));
	w->sys = open(node, O_RDWR | O_CLOEXEC);
	w->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (w->sys < 0 || w->memfd < 0 || ftruncate(w->memfd, MEMORY))
		die("%s: %s", node, strerror(errno));
	/* Room behind it is never mapped. */
	w->memory = mmap(NULL, MEMORY + 16 * PAGE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_memory(w, 0, MEMORY / PAGE, PROT_READ | PROT_WRITE);
	write_code(w->memory);
	w->run_size = do_ioctl(w->sys, KVM_GET_VCPU_MMAP_SIZE, 0);
	/* Apart, since a hole in the guest's memory is filled again. */
	w->run_area = mmap(NULL, NR_RUNS * w->run_size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w->nr_runs = 0;
	for (i = 0; i < NR_SLOTS; i++)
		w->run[i] = NULL;
	for (i = 0; i < NR_EVENTFDS; i++)
		w->eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->other = dup(w->memfd);
}
