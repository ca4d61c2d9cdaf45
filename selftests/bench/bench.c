// SPDX-License-Identifier: GPL-2.0
/*
 * How long an exit takes, in ticks of the guest's TSC: from the instruction
 * that leaves the guest to the one after it. In the emulated machine a tick is
 * about an instruction, so figures repeat; on a real CPU take the best of
 * several runs.
 *
 * Prints "ROW TICKS", a line each, for one device node; run-bench.sh sets two
 * of them side by side.
 */
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "guest.h"
#include "lib.h"

#define LOOPS		1000
#define PAGES		1024
#define PORT_EVENT	0x510
#define PORT_USER	0x520
#define GPA_EVENT	(GPA_MMIO + 0x1000)
#define MARKER		"lvx-guest: init reached"

static uint64_t result;
static uint8_t *touched;

/* Ticks of LOOPS times @body, less those of the loop itself. */
#define MEASURE(body) do {						\
	uint64_t start_, empty_;					\
	unsigned int i_;						\
									\
	start_ = rdtsc();						\
	for (i_ = 0; i_ < LOOPS; i_++)					\
		asm volatile("" ::: "memory");				\
	empty_ = rdtsc() - start_;					\
	start_ = rdtsc();						\
	for (i_ = 0; i_ < LOOPS; i_++) {				\
		body;							\
		asm volatile("" ::: "memory");				\
	}								\
	result = rdtsc() - start_ - empty_;				\
	guest_sync(0);							\
} while (0)

static void guest_cpuid_row(void)
{
	uint32_t r[4];

	MEASURE(guest_cpuid(0, 0, r));
}

static void guest_vmcall(void)
{
	uint64_t nr = ~0ULL;

	MEASURE(asm volatile("vmcall" : "+a" (nr) : : "memory"));
}

static void guest_apic_base(void)
{
	MEASURE(rdmsr(0x1b));
}

static void guest_out_event(void)
{
	MEASURE(outb(PORT_EVENT, 0));
}

static void guest_in_user(void)
{
	MEASURE(inb(PORT_USER));
}

static void guest_mmio_event(void)
{
	MEASURE(mmio_write(GPA_EVENT, 0));
}

static void guest_mmio_user(void)
{
	MEASURE(mmio_write(GPA_MMIO, 0));
}

/* Each page once; the EPT's 4 KiB entries come into being by it. */
static void guest_touch(void)
{
	volatile uint8_t *page = (uint8_t *)GPA_EXTRA;
	uint64_t start = rdtsc();
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		(void)page[i * PAGE];
	result = (rdtsc() - start) * LOOPS / PAGES;
	guest_sync(0);
}

static void add_ioeventfd(struct vm *vm, uint64_t addr, uint32_t len,
			  uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = addr, .len = len, .flags = flags,
		.fd = eventfd(0, EFD_NONBLOCK),
	};

	if (args.fd < 0)
		die("eventfd: %s", strerror(errno));
	do_ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

static void setup_event(struct vm *vm)
{
	add_ioeventfd(vm, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	add_ioeventfd(vm, GPA_EVENT, 4, 0);
}

/* 4 KiB pages that user space has, so that only the EPT is missing. */
static void setup_touch(struct vm *vm)
{
	touched = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (touched == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	madvise(touched, PAGES * PAGE, MADV_NOHUGEPAGE);
	memset(touched, 1, PAGES * PAGE);
	vm_slot(vm, 2, 0, GPA_EXTRA, PAGES * PAGE, touched);
}

static const struct row {
	const char *name;
	void (*guest)(void);
	void (*setup)(struct vm *vm);
} rows[] = {
	{ "cpuid", guest_cpuid_row, NULL },
	{ "vmcall", guest_vmcall, NULL },
	{ "rdmsr-apic-base", guest_apic_base, NULL },
	{ "out-ioeventfd", guest_out_event, setup_event },
	{ "in-user", guest_in_user, NULL },
	{ "mmio-write-ioeventfd", guest_mmio_event, setup_event },
	{ "mmio-write-user", guest_mmio_user, NULL },
	{ "touch-4k", guest_touch, setup_touch },
};

/* Serve the exits with as little of our own as there can be. */
static void serve(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0))
			die("KVM_RUN: %s", strerror(errno));
		if (run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (run->exit_reason != KVM_EXIT_IO)
			die("exit reason %u", run->exit_reason);
		if (run->io.port == PORT_SYNC)
			return;
		if (run->io.port != PORT_USER)
			die("port %#x", run->io.port);
	}
}

static void bench_row(const struct row *row)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v;

	if (row->setup)
		row->setup(vm);
	v = vcpu_new(vm, 0);
	/* Twice: the first run warms the caches and the EPT up. */
	if (row->guest != guest_touch) {
		vcpu_long(v, row->guest);
		serve(v);
	}
	vcpu_long(v, row->guest);
	serve(v);
	printf("%s %llu\n", row->name, (unsigned long long)result / LOOPS);
	fflush(stdout);
	vcpu_free(v);
	vm_free(vm);
}

/* Ticks from the launcher's start to the guest's init, and to its own end. */
static void bench_boot(void)
{
	static char seen[1 << 16];
	uint64_t start = rdtsc(), init = 0;
	int out[2], status;
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(out))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execlp("lvx", "lvx", "run", "--device", device,
		       "--kernel", "/guest/vmlinuz-6.1",
		       "--initrd", "/guest/initrd",
		       "--append", "quiet lvx.poweroff", NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], seen + have, sizeof(seen) - 1 - have)) > 0) {
		have += n;
		if (!init && strstr(seen, MARKER))
			init = rdtsc();
	}
	waitpid(pid, &status, 0);
	if (!init || !WIFEXITED(status) || WEXITSTATUS(status))
		die("the guest did not boot: %s", seen);
	printf("boot-to-init %llu\n", (unsigned long long)(init - start));
	printf("boot-to-end %llu\n", (unsigned long long)(rdtsc() - start));
}

int main(int argc, char **argv)
{
	unsigned int i;
	bool boot = argc > 1 && !strcmp(argv[argc - 1], "boot");

	parse_args(argc - boot, argv);
	open_device();
	for (i = 0; !boot && i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_row(&rows[i]);
	if (boot)
		bench_boot();
	return 0;
}
