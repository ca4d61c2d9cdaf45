// SPDX-License-Identifier: GPL-2.0
/*
 * The host's half of the test library; see lib.h for what each function is for.
 *
 * Guest memory is two slots. Slot 0 is 2 MiB of anonymous memory from address
 * zero. Slot 1 is this very program: it is linked at a fixed low address, and
 * guest-physical, guest-virtual and host-virtual addresses of it are the same,
 * so a C function of the test runs in the guest as it stands and shares its
 * variables with the host.
 */
#include <stdarg.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib.h"
#include "guest.h"

const char *device = "/dev/lvx";
int sys_fd = -1;

/* Laid down by the linker: where the program's image starts and ends. */
extern const char __executable_start[], _end[];

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	fputs("# ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

bool on_lvx(void)
{
	return strstr(device, "lvx");
}

bool kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int a, b;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		die("uname");
	return a < major || (a == major && b < minor);
}

/* The lab says in the kernel's command line what it runs in. */
bool emulator_is_blind(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/cmdline: %s", strerror(errno));
	close(fd);
	return strstr(line, "lab.emulator=distribution");
}

int parse_args(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--device") && i + 1 < argc) {
			device = argv[++i];
			continue;
		}
		fprintf(stderr, "usage: %s [--device NODE]\n", argv[0]);
		exit(2);
	}
	return 0;
}

long try_ioctl(int fd, unsigned long nr, void *arg)
{
	int ret = ioctl(fd, nr, arg);

	return ret < 0 ? -errno : ret;
}

long must_ioctl(int fd, unsigned long nr, void *arg, const char *name)
{
	long ret = try_ioctl(fd, nr, arg);

	if (ret < 0)
		die("%s: %s", name, strerror(-ret));
	return ret;
}

int open_device(void)
{
	if (sys_fd < 0)
		sys_fd = open(device, O_RDWR | O_CLOEXEC);
	if (sys_fd < 0)
		die("%s: %s", device, strerror(errno));
	return sys_fd;
}

long check_cap(int fd, long cap)
{
	return do_ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

void *alloc_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

long vm_try_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		 uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return try_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

void vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, void *hva)
{
	long ret = vm_try_slot(vm, slot, flags, gpa, size, hva);

	if (ret)
		die("memory slot %u at %#lx, size %#lx: %s", slot,
		    (long)gpa, (long)size, strerror(-ret));
}

struct vm *vm_new(unsigned int flags)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uintptr_t image = (uintptr_t)__executable_start & -PAGE;
	struct vm *vm = calloc(1, sizeof(*vm));

	vm->flags = flags;
	vm->fd = do_ioctl(open_device(), KVM_CREATE_VM, 0);
	vm->run_size = do_ioctl(sys_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (flags & (VM_IRQCHIP | VM_PIT))
		do_ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0);
	if (flags & VM_PIT)
		do_ioctl(vm->fd, KVM_CREATE_PIT2, &pit);
	if (flags & VM_NOMEM)
		return vm;

	vm->ram = alloc_pages(RAM_SIZE);
	vm_slot(vm, 0, 0, 0, RAM_SIZE, vm->ram);
	vm_slot(vm, 1, 0, image, (((uintptr_t)_end + PAGE - 1) & -PAGE) - image,
		(void *)image);
	guest_tables(vm->ram);
	return vm;
}

void vm_free(struct vm *vm)
{
	close(vm->fd);
	if (vm->ram)
		munmap(vm->ram, RAM_SIZE);
	free(vm);
}

void vm_irq(struct vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	do_ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

struct kvm_cpuid2 *supported_cpuid(void)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + 100 * sizeof(c->entries[0]));
	c->nent = 100;
	do_ioctl(open_device(), KVM_GET_SUPPORTED_CPUID, c);
	return c;
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf,
				    uint32_t index)
{
	for (unsigned int i = 0; i < c->nent; i++)
		if (c->entries[i].function == leaf &&
		    c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

bool can_nest(void)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	bool vmx = cpuid_find(c, 1, 0)->ecx & 1 << 5;

	free(c);
	return vmx;
}

struct vcpu *vcpu_new(struct vm *vm, unsigned int id)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	struct kvm_cpuid2 *c;

	v->vm = vm;
	v->id = id;
	v->fd = do_ioctl(vm->fd, KVM_CREATE_VCPU, id);
	v->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	if (v->run == MAP_FAILED)
		die("mmap of the vCPU: %s", strerror(errno));
	if (!(vm->flags & VM_NOCPUID)) {
		c = supported_cpuid();
		do_ioctl(v->fd, KVM_SET_CPUID2, c);
		free(c);
	}
	return v;
}

void vcpu_free(struct vcpu *v)
{
	munmap(v->run, v->vm->run_size);
	close(v->fd);
	free(v);
}

long vcpu_run(struct vcpu *v)
{
	return try_ioctl(v->fd, KVM_RUN, NULL);
}

uint32_t vcpu_exit(struct vcpu *v)
{
	long ret = vcpu_run(v);

	if (ret)
		die("KVM_RUN: %s", strerror(-ret));
	return v->run->exit_reason;
}

uint32_t vcpu_sync(struct vcpu *v)
{
	vcpu_exit(v);
	return vcpu_report(v);
}

uint32_t vcpu_report(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if (run->exit_reason == KVM_EXIT_IO &&
	    run->io.direction == KVM_EXIT_IO_OUT) {
		if (run->io.port == PORT_SYNC)
			return *(uint32_t *)((char *)run + run->io.data_offset);
		if (run->io.port == PORT_FAIL)
			die("guest: line %u: %lx and %lx", guest_report.line,
			    (long)guest_report.a, (long)guest_report.b);
		if (run->io.port == PORT_TRAP)
			die("guest: exception %u (error %lx) at %lx, cr2 %lx",
			    guest_report.line, (long)guest_report.a,
			    (long)guest_report.b, (long)guest_report.cr2);
	}
	vcpu_dump(v);
	die("unexpected exit");
}

static void dump_exit(struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		fprintf(stderr, "#   port %#x size %u count %u %s\n",
			run->io.port, run->io.size, run->io.count,
			run->io.direction ? "out" : "in");
		break;
	case KVM_EXIT_MMIO:
		fprintf(stderr, "#   mmio %#llx len %u %s\n",
			run->mmio.phys_addr, run->mmio.len,
			run->mmio.is_write ? "write" : "read");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(stderr, "#   hardware reason %#llx\n",
			run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fprintf(stderr, "#   suberror %u, data", run->internal.suberror);
		for (unsigned int i = 0; i < run->internal.ndata && i < 16; i++)
			fprintf(stderr, " %#llx", run->internal.data[i]);
		fputc('\n', stderr);
		break;
	}
}

void vcpu_dump(struct vcpu *v)
{
	struct kvm_regs r = get_regs(v);
	struct kvm_sregs s = get_sregs(v);

	fprintf(stderr, "# vCPU %u: exit reason %u\n", v->id,
		v->run->exit_reason);
	dump_exit(v->run);
	fprintf(stderr, "#   rip %llx rsp %llx rflags %llx cs %x\n",
		r.rip, r.rsp, r.rflags, s.cs.selector);
	fprintf(stderr, "#   rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx\n",
		r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi);
	fprintf(stderr, "#   cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n",
		s.cr0, s.cr2, s.cr3, s.cr4, s.efer);
}

struct kvm_regs get_regs(struct vcpu *v)
{
	struct kvm_regs r;

	do_ioctl(v->fd, KVM_GET_REGS, &r);
	return r;
}

void set_regs(struct vcpu *v, const struct kvm_regs *regs)
{
	do_ioctl(v->fd, KVM_SET_REGS, regs);
}

void set_rip(struct vcpu *v, uint64_t rip)
{
	struct kvm_regs r = get_regs(v);

	r.rip = rip;
	set_regs(v, &r);
}

struct kvm_sregs get_sregs(struct vcpu *v)
{
	struct kvm_sregs s;

	do_ioctl(v->fd, KVM_GET_SREGS, &s);
	return s;
}

void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
	do_ioctl(v->fd, KVM_SET_SREGS, sregs);
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

long get_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	struct one_msr m = { { .nmsrs = 1 }, { .index = index } };
	long ret = try_ioctl(v->fd, KVM_GET_MSRS, &m);

	*value = m.entry.data;
	return ret;
}

long set_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct one_msr m = { { .nmsrs = 1 }, { .index = index, .data = value } };

	return try_ioctl(v->fd, KVM_SET_MSRS, &m);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static void ignore_signal(int sig)
{
	(void)sig;
}

void alarm_ms(int sig, unsigned int ms)
{
	struct sigaction sa = { .sa_handler = ignore_signal };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	struct itimerspec when = {
		.it_value = { ms / 1000, ms % 1000 * 1000000L },
	};
	timer_t timer;

	sigaction(sig, &sa, NULL);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		die("timer: %s", strerror(errno));
}
