// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out: each ioctl that allocates is called again and again, and the
 * kernel lets the first, second, ... allocation in it fail, until none is left.
 * Each time the ioctl must say so and leave nothing behind: the VM then goes on
 * as one to which that never happened. What is left behind all the same, the
 * debugging kernel's checkers find.
 *
 * Needs a kernel with fault injection (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC
 * and their debugfs), which the distribution's is not.
 */
#include <sys/eventfd.h>

#include "harness.h"
#include "poke.h"

#define MAX_NTH		2000
#define GSI		5

static int nth_fd = -1;
static struct kvm_cpuid2 *cpuid;
static uint8_t *ram;

static long set_slot(int fd, uint32_t slot, uint32_t flags, uint64_t gpa,
		     uint64_t size)
{
	struct vm vm = { .fd = fd };

	return vm_try_slot(&vm, slot, flags, gpa, size, ram);
}

static long make_memory(int vm)
{
	return set_slot(vm, 0, 0, 0, PAGE);
}

static long make_irqchip(int vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	long ret = try_ioctl(vm, KVM_CREATE_IRQCHIP, NULL);

	return ret ?: try_ioctl(vm, KVM_CREATE_PIT2, &pit);
}

static long make_split(int vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} routing = {
		.head.nr = 2,
		.entry = {
			{ .gsi = 0, .type = KVM_IRQ_ROUTING_MSI },
			{ .gsi = 900, .type = KVM_IRQ_ROUTING_MSI },
		},
	};
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = 24,
	};
	long ret = try_ioctl(vm, KVM_ENABLE_CAP, &cap);

	return ret ?: try_ioctl(vm, KVM_SET_GSI_ROUTING, &routing);
}

static long make_vcpus(int vm)
{
	long fd, ret = 0;

	for (long id = 0; id < 2 && !ret; id++) {
		fd = try_ioctl(vm, KVM_CREATE_VCPU, (void *)id);
		if (fd < 0)
			return fd;
		ret = try_ioctl(fd, KVM_SET_CPUID2, cpuid);
		close(fd);
	}
	return ret;
}

static long make_vcpus_with_lapics(int vm)
{
	return make_irqchip(vm) ?: make_vcpus(vm);
}

static long change_slots(int vm)
{
	static uint64_t bitmap[RAM_SIZE / PAGE / 64];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	return set_slot(vm, 0, 0, 0, PAGE) ?:
	       set_slot(vm, 1, 0, GIB, RAM_SIZE) ?:
	       set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GIB, RAM_SIZE) ?:
	       try_ioctl(vm, KVM_GET_DIRTY_LOG, &log) ?:
	       set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 2 * GIB, RAM_SIZE) ?:
	       set_slot(vm, 1, 0, 2 * GIB, RAM_SIZE) ?:
	       set_slot(vm, 0, 0, 0, 0);
}

static int line = -1, resample = -1, kick = -1;

static long attach_eventfds(int vm)
{
	struct kvm_irqfd irqfd = {
		.fd = line,
		.gsi = GSI,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = resample,
	};
	struct kvm_ioeventfd io = {
		.fd = kick,
		.addr = GPA_MMIO,
		.len = 4,
	};
	long ret = make_irqchip(vm) ?:
		   try_ioctl(vm, KVM_IRQFD, &irqfd) ?:
		   try_ioctl(vm, KVM_IOEVENTFD, &io);

	io.addr += 8;
	ret = ret ?: try_ioctl(vm, KVM_IOEVENTFD, &io);
	io.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	ret = ret ?: try_ioctl(vm, KVM_IOEVENTFD, &io);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	return ret ?: try_ioctl(vm, KVM_IRQFD, &irqfd);
}

/* Both buses, and more zones than the bus's table has place for at first. */
static long add_zones(int vm)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = GPA_MMIO, .size = 8 };
	long ret = 0;

	for (int i = 0; i < 4 && !ret; i++) {
		zone.pio = i & 1;
		zone.addr = (zone.pio ? 0x400 : GPA_MMIO) + i;
		ret = try_ioctl(vm, KVM_REGISTER_COALESCED_MMIO, &zone);
	}
	return ret ?: try_ioctl(vm, KVM_UNREGISTER_COALESCED_MMIO, &zone);
}

static long filter_msrs(int vm)
{
	static uint8_t bits[64];
	struct kvm_msr_filter filter = {
		.ranges = {
			{ .flags = KVM_MSR_FILTER_READ, .nmsrs = 512,
			  .base = 0x10, .bitmap = bits },
			{ .flags = KVM_MSR_FILTER_WRITE, .nmsrs = 256,
			  .base = 0x174, .bitmap = bits },
		},
	};

	return try_ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter) ?:
	       try_ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter);
}

static long open_stats(int vm)
{
	long vcpu, fd, ret;

	vcpu = try_ioctl(vm, KVM_CREATE_VCPU, NULL);
	if (vcpu < 0)
		return vcpu;
	ret = fd = try_ioctl(vm, KVM_GET_STATS_FD, NULL);
	if (fd >= 0) {
		close(fd);
		ret = fd = try_ioctl(vcpu, KVM_GET_STATS_FD, NULL);
		if (fd >= 0)
			close(fd);
	}
	close(vcpu);
	return ret < 0 ? ret : 0;
}

/* Structures that are too large for a stack, and arrays */
static long save_state(int vm)
{
	static struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = { .head.nmsrs = 2, .entry = { { .index = 0x10 },
					       { .index = 0x174 } } };
	static struct kvm_lapic_state lapic;
	static struct kvm_xsave xsave;
	static struct kvm_sregs sregs;
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	long fd, n, ret = make_irqchip(vm);

	if (ret)
		return ret;
	fd = try_ioctl(vm, KVM_CREATE_VCPU, NULL);
	if (fd < 0)
		return fd;
	ret = try_ioctl(vm, KVM_GET_IRQCHIP, &chip) ?:
	      try_ioctl(vm, KVM_SET_IRQCHIP, &chip) ?:
	      try_ioctl(fd, KVM_GET_LAPIC, &lapic) ?:
	      try_ioctl(fd, KVM_SET_LAPIC, &lapic) ?:
	      try_ioctl(fd, KVM_GET_XSAVE, &xsave) ?:
	      try_ioctl(fd, KVM_SET_XSAVE, &xsave) ?:
	      try_ioctl(fd, KVM_GET_SREGS, &sregs) ?:
	      try_ioctl(fd, KVM_SET_SREGS, &sregs) ?:
	      try_ioctl(fd, KVM_SET_CPUID2, cpuid) ?:
	      try_ioctl(fd, KVM_GET_CPUID2, cpuid);
	n = ret ?: try_ioctl(fd, KVM_GET_MSRS, &msrs);
	if (n >= 0)
		n = try_ioctl(fd, KVM_SET_MSRS, &msrs);
	close(fd);
	return ret ?: n < 0 ? n : 0;
}

GUEST_ASM(touch, 16,
	  "	mov	%ax, 0x100\n"
	  "	out	%al, $0x10\n");

static long run_guest(int vm)
{
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2 };
	struct kvm_sregs sregs;
	long fd, ret = set_slot(vm, 0, 0, 0, RAM_SIZE);

	if (ret)
		return ret;
	fd = try_ioctl(vm, KVM_CREATE_VCPU, NULL);
	if (fd < 0)
		return fd;
	ret = try_ioctl(fd, KVM_GET_SREGS, &sregs);
	sregs.cs.selector = 0;
	sregs.cs.base = 0;
	ret = ret ?: try_ioctl(fd, KVM_SET_SREGS, &sregs) ?:
	      try_ioctl(fd, KVM_SET_REGS, &regs) ?:
	      try_ioctl(fd, KVM_RUN, NULL);
	close(fd);
	return ret;
}

/*
 * @pages: pages fail, too. Not where the kernel itself takes them from
 * vmalloc(), whose complaint of a failure would look like one about lvx.
 */
static const struct {
	const char *name;
	long (*make)(int vm);
	bool pages;
} scenarios[] = {
	{ "memory", make_memory, true },
	{ "interrupt controllers and PIT", make_irqchip, true },
	{ "split interrupt controllers and routing", make_split, true },
	{ "vCPUs", make_vcpus, false },
	{ "vCPUs with LAPICs", make_vcpus_with_lapics, false },
	{ "memory slots", change_slots, true },
	{ "eventfds", attach_eventfds, true },
	{ "coalesced zones", add_zones, true },
	{ "MSR filters", filter_msrs, true },
	{ "statistics", open_stats, false },
	{ "saved state", save_state, false },
	{ "a guest that runs", run_guest, false },
};

static bool set_knob(const char *name, const char *value)
{
	char path[128];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Which allocations count, and no line in the log for each failure. */
static bool set_up(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return nth_fd >= 0 && set_knob("failslab/verbose", "0") &&
	       set_knob("failslab/ignore-gfp-wait", "N") &&
	       set_knob("fail_page_alloc/verbose", "0") &&
	       set_knob("fail_page_alloc/min-order", "0");
}

static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, len, 0) != len)
		die("fail-nth: %s", strerror(errno));
}

/* How many allocations more it would have taken to one that fails. */
static unsigned int armed(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth: %s", strerror(errno));
	return strtoul(text, NULL, 0);
}

/* All that a VM can have, as far as it goes: some is there, some may be late. */
static void make_the_rest(int vm)
{
	long fd;

	make_irqchip(vm);
	make_split(vm);
	fd = try_ioctl(vm, KVM_CREATE_VCPU, (void *)3);
	if (fd < 0)
		die("a vCPU after a failure: %s", strerror(-fd));
	poke(vm);
	close(fd);
}

static long make_vm(long (*make)(int vm), unsigned int nth, unsigned int *left)
{
	long vm, ret;

	arm(nth);
	ret = vm = try_ioctl(sys_fd, KVM_CREATE_VM, NULL);
	if (vm >= 0)
		ret = make(vm);
	*left = armed();
	arm(0);
	if (ret && vm >= 0)
		make_the_rest(vm);
	if (vm >= 0)
		close(vm);
	return ret;
}

/* Who holds lvx; another module's users are not counted. */
static int module_users(void)
{
	FILE *f = on_lvx() ? fopen("/sys/module/lvx/refcnt", "r") : NULL;
	int n = 0;

	if (f && fscanf(f, "%d", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

FIXTURE(nomem) { };
FIXTURE_SETUP(nomem) { }
FIXTURE_TEARDOWN(nomem) { }

/* A few hundred VMs, in a kernel that checks every step. */
TEST_F_TIMEOUT(nomem, each_allocation_fails_once, 600)
{
	unsigned int nth, left;
	int users;
	long ret;

	if (!set_up())
		SKIP(return, "the kernel can't inject failures");
	open_device();
	users = module_users();
	cpuid = supported_cpuid();
	ram = alloc_pages(RAM_SIZE);
	memset(ram, 0, RAM_SIZE);
	memcpy(ram + 0x1000, touch, touch_end - touch);
	line = eventfd(0, EFD_CLOEXEC);
	resample = eventfd(0, EFD_CLOEXEC);
	kick = eventfd(0, EFD_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		ASSERT_TRUE(set_knob("fail_page_alloc/ignore-gfp-wait",
				     scenarios[i].pages ? "N" : "Y"));
		for (nth = 1; nth < MAX_NTH; nth++) {
			ret = make_vm(scenarios[i].make, nth, &left);
			ASSERT_TRUE(ret == 0 || ret == -ENOMEM)
				TH_LOG("%s, allocation %u: %s",
				       scenarios[i].name, nth, strerror(-ret));
			if (left)
				break;
		}
		TH_LOG("%s: %u allocations", scenarios[i].name, nth - 1);
		ASSERT_EQ(0, ret);
		ASSERT_LT(1, nth);
	}
	EXPECT_EQ(users, module_users());
	set_knob("fail_page_alloc/ignore-gfp-wait", "Y");
	set_knob("failslab/ignore-gfp-wait", "Y");
}

LVX_TEST_MAIN
