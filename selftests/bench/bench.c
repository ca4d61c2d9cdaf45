// SPDX-License-Identifier: GPL-2.0
/*
 * How long an exit takes, in ticks of the guest's TSC: from the instruction
 * that leaves the guest to the one after it. In the emulated machine a tick is
 * about an instruction, so figures repeat; on a real CPU take the best of
 * several runs. Rows about interrupts are in irq.c.
 *
 * Prints "ROW TICKS", a line each, for one device node; run-bench.sh sets two
 * of them side by side.
 */
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "bench.h"

#define PAGES		1024
#define PORT_EVENT	0x510
#define GPA_EVENT	(GPA_MMIO + 0x1000)
#define MARKER		"lvx-guest: init reached"

uint64_t result;
bool tracing;

static uint8_t *touched;
static bool trace;

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
	result = (rdtsc() - start) / PAGES;
	guest_sync(0);
}

int new_ioeventfd(struct vm *vm, uint64_t addr, uint32_t len, uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = addr, .len = len, .flags = flags,
		.fd = eventfd(0, EFD_NONBLOCK),
	};

	if (args.fd < 0)
		die("eventfd: %s", strerror(errno));
	do_ioctl(vm->fd, KVM_IOEVENTFD, &args);
	return args.fd;
}

static void setup_event(struct vm *vm)
{
	new_ioeventfd(vm, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	new_ioeventfd(vm, GPA_EVENT, 4, 0);
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

static const struct row rows[] = {
	{ "cpuid", .guest = guest_cpuid_row },
	{ "vmcall", .guest = guest_vmcall },
	{ "rdmsr-apic-base", .guest = guest_apic_base },
	{ "out-ioeventfd", .guest = guest_out_event, .setup = setup_event },
	{ "in-user", .guest = guest_in_user },
	{ "mmio-write-ioeventfd", .guest = guest_mmio_event, .setup = setup_event },
	{ "mmio-write-user", .guest = guest_mmio_user },
	{ "touch-4k", .guest = guest_touch, .setup = setup_touch, .once = true,
	  .unsteady = true },
};

/* As little of our own as there can be. */
void serve(struct vcpu *v, const struct row *row)
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
		if (row->served)
			row->served(v->vm);
	}
}

static void run_row(struct vcpu *v, const struct row *row)
{
	vcpu_long(v, row->guest);
	if (row->guest2 || row->poke)
		serve_with_threads(v, row);
	else
		serve(v, row);
}

static void bench_row(const struct row *row)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v;

	if (row->setup)
		row->setup(vm);
	v = vcpu_new(vm, 0);
	if (row->setup_cpu)
		row->setup_cpu(v);
	/* Twice: the first run warms the caches and the EPT up. */
	if (!row->once && !row->guest2)
		run_row(v, row);
	tracing = trace;
	run_row(v, row);
	tracing = false;
	printf("%s %llu\n", row->name, (unsigned long long)result);
	fflush(stdout);
	vcpu_free(v);
	vm_free(vm);
}

static void bench_rows(const struct row *row, unsigned int nr)
{
	for (; nr--; row++)
		if (!trace || !row->unsteady)
			bench_row(row);
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
	const char *what = argc > 1 ? argv[argc - 1] : "";
	bool boot = !strcmp(what, "boot");

	trace = !strcmp(what, "trace");
	parse_args(argc - (boot || trace), argv);
	open_device();
	if (boot) {
		bench_boot();
		return 0;
	}
	bench_rows(rows, sizeof(rows) / sizeof(rows[0]));
	bench_rows(irq_rows, nr_irq_rows);
	return 0;
}
