// SPDX-License-Identifier: GPL-2.0
/*
 * What malformed arguments get: the errno that KVM gives. Each row is one call
 * on one kind of descriptor; the same table is checked on both nodes, so a row
 * that is wrong about KVM fails on KVM. Afterwards the VMs still run: a refused
 * call has changed nothing.
 */
#include <sys/eventfd.h>

#include "targets.h"

#define HUGE_SLOT	0x7fff0000U

static char area[130 * PAGE] __attribute__((aligned(PAGE)));
#define AREA	((unsigned long)area)

static const struct row system_rows[] = {
	{ "GET_API_VERSION with an argument", SYS, KVM_GET_API_VERSION,
	  VALUE(1), -EINVAL },
	{ "GET_VCPU_MMAP_SIZE with an argument", SYS, KVM_GET_VCPU_MMAP_SIZE,
	  VALUE(1), -EINVAL },
	{ "CREATE_VM of an unknown type", SYS, KVM_CREATE_VM, VALUE(99), -EINVAL },
	{ "GET_SUPPORTED_CPUID, bad pointer", SYS, KVM_GET_SUPPORTED_CPUID,
	  BAD_PTR, -EFAULT },
	{ "GET_SUPPORTED_CPUID, no room", SYS, KVM_GET_SUPPORTED_CPUID,
	  ARG(kvm_cpuid2, .nent = 0), -E2BIG },
	{ "GET_SUPPORTED_CPUID, bad entries", SYS, KVM_GET_SUPPORTED_CPUID,
	  (void *)-8UL, -EFAULT },
	{ "GET_MSR_INDEX_LIST, bad pointer", SYS, KVM_GET_MSR_INDEX_LIST,
	  BAD_PTR, -EFAULT },
	{ "GET_MSR_INDEX_LIST, no room", SYS, KVM_GET_MSR_INDEX_LIST,
	  ARG(kvm_msr_list, .nmsrs = 0), -E2BIG },
	{ "GET_MSR_FEATURE_INDEX_LIST, bad pointer", SYS,
	  KVM_GET_MSR_FEATURE_INDEX_LIST, BAD_PTR, -EFAULT },
	{ "GET_MSRS, bad pointer", SYS, KVM_GET_MSRS, BAD_PTR, -EFAULT },
	{ "GET_MSRS, huge count", SYS, KVM_GET_MSRS,
	  ARG(kvm_msrs, .nmsrs = 1 << 30), -E2BIG },
};

TEST(system_arguments)
{
	CHECK_ROWS(system_rows);
}

#define REGION(s, f, gpa, size, hva)					\
	KVM_SET_USER_MEMORY_REGION, ARG(kvm_userspace_memory_region,	\
		.slot = s, .flags = f, .guest_phys_addr = gpa,		\
		.memory_size = size, .userspace_addr = hva)

static const struct row memory_rows[] = {
	{ "bad pointer", VM, KVM_SET_USER_MEMORY_REGION, BAD_PTR, -EFAULT },
	{ "unaligned gpa", VM, REGION(5, 0, GPA_EXTRA + 1, PAGE, AREA), -EINVAL },
	{ "unaligned size", VM, REGION(5, 0, GPA_EXTRA, PAGE + 1, AREA), -EINVAL },
	{ "unaligned hva", VM, REGION(5, 0, GPA_EXTRA, PAGE, AREA + 1), -EINVAL },
	{ "kernel hva", VM, REGION(5, 0, GPA_EXTRA, PAGE, -8 * PAGE), -EINVAL },
	{ "gpa wraps", VM, REGION(5, 0, -PAGE, 2 * PAGE, AREA), -EINVAL },
	{ "huge size", VM, REGION(5, 0, GPA_EXTRA, 1UL << 44, AREA), -EINVAL },
	{ "unknown flag", VM, REGION(5, 1U << 31, GPA_EXTRA, PAGE, AREA), -EINVAL },
	{ "slot too high", VM, REGION(0xffff, 0, GPA_EXTRA, PAGE, AREA), -EINVAL },
	{ "address space too high", VM,
	  REGION(0x20005, 0, GPA_EXTRA, PAGE, AREA), -EINVAL },
	{ "delete what is not there", VM, REGION(5, 0, 0, 0, 0), -EINVAL },
	{ "create", VM, REGION(5, 0, GPA_EXTRA, 2 * PAGE, AREA), 0 },
	{ "create again, the same", VM,
	  REGION(5, 0, GPA_EXTRA, 2 * PAGE, AREA), 0 },
	{ "overlap its start", VM,
	  REGION(6, 0, GPA_EXTRA - PAGE, 2 * PAGE, AREA), -EEXIST },
	{ "overlap its end", VM,
	  REGION(6, 0, GPA_EXTRA + PAGE, 2 * PAGE, AREA), -EEXIST },
	{ "inside it", VM, REGION(6, 0, GPA_EXTRA, PAGE, AREA), -EEXIST },
	{ "around it", VM,
	  REGION(6, 0, GPA_EXTRA - PAGE, 4 * PAGE, AREA), -EEXIST },
	{ "right before it", VM, REGION(6, 0, GPA_EXTRA - PAGE, PAGE, AREA), 0 },
	{ "move onto the other", VM, REGION(6, 0, GPA_EXTRA, PAGE, AREA), -EEXIST },
	{ "move", VM, REGION(6, 0, GPA_EXTRA + 8 * PAGE, PAGE, AREA), 0 },
	{ "grow", VM, REGION(5, 0, GPA_EXTRA, 3 * PAGE, AREA), -EINVAL },
	{ "shrink", VM, REGION(5, 0, GPA_EXTRA, PAGE, AREA), -EINVAL },
	{ "other hva", VM,
	  REGION(5, 0, GPA_EXTRA, 2 * PAGE, AREA + PAGE), -EINVAL },
	{ "make it read-only", VM,
	  REGION(5, KVM_MEM_READONLY, GPA_EXTRA, 2 * PAGE, AREA), -EINVAL },
	{ "log dirty pages", VM,
	  REGION(5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, 2 * PAGE, AREA), 0 },
	{ "no longer", VM, REGION(5, 0, GPA_EXTRA, 2 * PAGE, AREA), 0 },
	{ "delete", VM, REGION(5, 0, 0, 0, 0), 0 },
	{ "delete again", VM, REGION(5, 0, 0, 0, 0), -EINVAL },
	{ "delete the other", VM, REGION(6, 0, 0, 0, 0), 0 },
};

TEST(memory_slots)
{
	CHECK_ROWS(memory_rows);
}

static const struct row dirty_rows[] = {
	{ "bad pointer", VM, KVM_GET_DIRTY_LOG, BAD_PTR, -EFAULT },
	{ "no such slot", VM, KVM_GET_DIRTY_LOG,
	  ARG(kvm_dirty_log, .slot = 7, .dirty_bitmap = area), -ENOENT },
	{ "slot too high", VM, KVM_GET_DIRTY_LOG,
	  ARG(kvm_dirty_log, .slot = HUGE_SLOT, .dirty_bitmap = area), -EINVAL },
	{ "not logged", VM, KVM_GET_DIRTY_LOG,
	  ARG(kvm_dirty_log, .slot = 0, .dirty_bitmap = area), -ENOENT },
	{ "log it", VM,
	  REGION(5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, PAGE, AREA), 0 },
	{ "bad bitmap", VM, KVM_GET_DIRTY_LOG,
	  ARG(kvm_dirty_log, .slot = 5, .dirty_bitmap = BAD_PTR), -EFAULT },
	{ "good bitmap", VM, KVM_GET_DIRTY_LOG,
	  ARG(kvm_dirty_log, .slot = 5, .dirty_bitmap = area), 0 },
};

TEST(dirty_log)
{
	CHECK_ROWS(dirty_rows);
}

#define CLEAR(first, n, ...)						\
	KVM_CLEAR_DIRTY_LOG, ARG(kvm_clear_dirty_log, .first_page = first, \
				 .num_pages = n, __VA_ARGS__)
#define SIZE	(130 * PAGE)

static const struct row clear_rows[] = {
	{ "no such slot", VM, CLEAR(0, 64, .slot = 7), -ENOENT },
	{ "slot too high", VM, CLEAR(0, 64, .slot = HUGE_SLOT), -EINVAL },
	{ "not logged", VM, CLEAR(0, 64, .slot = 0), -ENOENT },
	{ "log it", VM,
	  REGION(5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, SIZE, AREA), 0 },
	{ "bad bitmap", VM,
	  CLEAR(0, 64, .slot = 5, .dirty_bitmap = BAD_PTR), -EFAULT },
	{ "start inside a word", VM,
	  CLEAR(1, 64, .slot = 5, .dirty_bitmap = area), -EINVAL },
	{ "part of a word", VM,
	  CLEAR(0, 65, .slot = 5, .dirty_bitmap = area), -EINVAL },
	{ "start behind the end", VM,
	  CLEAR(192, 64, .slot = 5, .dirty_bitmap = area), -EINVAL },
	{ "more than there is", VM,
	  CLEAR(64, 128, .slot = 5, .dirty_bitmap = area), -EINVAL },
	{ "one word", VM, CLEAR(64, 64, .slot = 5, .dirty_bitmap = area), 0 },
	{ "up to the end", VM,
	  CLEAR(64, 66, .slot = 5, .dirty_bitmap = area), 0 },
	{ "nothing", VM, CLEAR(64, 0, .slot = 5, .dirty_bitmap = area), 0 },
};

TEST(clear_dirty_log)
{
	CHECK_ROWS(clear_rows);
}

static const struct row vm_rows[] = {
	{ "vCPU id too high", VM, KVM_CREATE_VCPU, VALUE(1 << 30), -EINVAL },
	{ "vCPU id -1", VM, KVM_CREATE_VCPU, VALUE(-1), -EINVAL },
	{ "vCPU twice", VM, KVM_CREATE_VCPU, VALUE(0), -EEXIST },
	{ "irqchip after a vCPU", VM, KVM_CREATE_IRQCHIP, NULL, -EINVAL },
	{ "irqchip twice", VM_IRQ, KVM_CREATE_IRQCHIP, NULL, -EEXIST },
	{ "PIT twice", VM_IRQ, KVM_CREATE_PIT2,
	  ARG(kvm_pit_config, .flags = 0), -EEXIST },
	{ "PIT, bad pointer", VM_IRQ, KVM_CREATE_PIT2, BAD_PTR, -EFAULT },
	{ "TSS address at the end", VM, KVM_SET_TSS_ADDR,
	  VALUE(0xffffe000U), -EINVAL },
	{ "TSS address", VM, KVM_SET_TSS_ADDR, VALUE(0xfffbd000U), 0 },
	{ "identity map after a vCPU", VM, KVM_SET_IDENTITY_MAP_ADDR,
	  ARG(kvm_clock_data, .clock = 0xfffbc000), -EINVAL },
	{ "boot CPU after a vCPU", VM, KVM_SET_BOOT_CPU_ID, VALUE(0), -EBUSY },
	{ "boot CPU", VM_NEW, KVM_SET_BOOT_CPU_ID, VALUE(1), 0 },
	{ "63 shadow pages", VM, KVM_SET_NR_MMU_PAGES, VALUE(63), -EINVAL },
	{ "64 shadow pages", VM, KVM_SET_NR_MMU_PAGES, VALUE(64), 0 },
	{ "GET_PIT2 without PIT", VM, KVM_GET_PIT2, area, -ENXIO },
	{ "SET_PIT2 without PIT", VM, KVM_SET_PIT2, area, -ENXIO },
	{ "REINJECT_CONTROL without PIT", VM, KVM_REINJECT_CONTROL, area, -ENXIO },
	{ "zone of an unknown kind", VM, KVM_REGISTER_COALESCED_MMIO,
	  ARG(kvm_coalesced_mmio_zone, .size = 8, .pio = 2), -EINVAL },
	{ "zone of nothing", VM, KVM_REGISTER_COALESCED_MMIO,
	  ARG(kvm_coalesced_mmio_zone, .addr = GPA_MMIO), 0 },
	{ "zone that wraps", VM, KVM_REGISTER_COALESCED_MMIO,
	  ARG(kvm_coalesced_mmio_zone, .addr = -8ULL, .size = 16), 0 },
	{ "no such zone", VM, KVM_UNREGISTER_COALESCED_MMIO,
	  ARG(kvm_coalesced_mmio_zone, .addr = 0x9000, .size = 8), 0 },
	{ "clock, bad pointer", VM, KVM_GET_CLOCK, BAD_PTR, -EFAULT },
	{ "clock, unknown flag", VM, KVM_SET_CLOCK,
	  ARG(kvm_clock_data, .flags = 1 << 30), -EINVAL },
};

TEST(vm_arguments)
{
	CHECK_ROWS(vm_rows);
}

#define ENABLE(c, ...)							\
	KVM_ENABLE_CAP, ARG(kvm_enable_cap, .cap = c, __VA_ARGS__)

static const struct row cap_rows[] = {
	{ "unknown", VM, ENABLE(99999), -EINVAL },
	{ "not to be enabled", VM, ENABLE(KVM_CAP_IRQFD), -EINVAL },
	{ "with flags", VM, ENABLE(KVM_CAP_MSR_PLATFORM_INFO, .flags = 1), -EINVAL },
	{ "split, too many pins", VM_NEW,
	  ENABLE(KVM_CAP_SPLIT_IRQCHIP, .args[0] = 4097), -EINVAL },
	{ "split after a vCPU", VM,
	  ENABLE(KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24), -EEXIST },
	{ "split with an irqchip", VM_IRQ,
	  ENABLE(KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24), -EEXIST },
	{ "vCPU ids, too many", VM_NEW,
	  ENABLE(KVM_CAP_MAX_VCPU_ID, .args[0] = 1 << 30), -EINVAL },
	{ "vCPU ids", VM_NEW, ENABLE(KVM_CAP_MAX_VCPU_ID, .args[0] = 2), 0 },
	{ "vCPU ids, again", VM_NEW,
	  ENABLE(KVM_CAP_MAX_VCPU_ID, .args[0] = 2), 0 },
	{ "vCPU ids, others", VM_NEW,
	  ENABLE(KVM_CAP_MAX_VCPU_ID, .args[0] = 3), -EINVAL },
	{ "vCPU above them", VM_NEW, KVM_CREATE_VCPU, VALUE(2), -EINVAL },
	{ "vCPU ids after a vCPU", VM,
	  ENABLE(KVM_CAP_MAX_VCPU_ID, .args[0] = 2), -EINVAL },
	{ "manual dirty log, unknown flag", VM,
	  ENABLE(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 4), -EINVAL },
	{ "manual dirty log, only half", VM,
	  ENABLE(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 2), -EINVAL },
	{ "manual dirty log", VM,
	  ENABLE(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 3), 0 },
	{ "manual dirty log off", VM,
	  ENABLE(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 0), 0 },
	{ "unknown quirks", VM,
	  ENABLE(KVM_CAP_DISABLE_QUIRKS, .args[0] = ~0ULL), 0 },
	{ "platform info", VM, ENABLE(KVM_CAP_MSR_PLATFORM_INFO), 0 },
	{ "unknown reason for an exit", VM,
	  ENABLE(KVM_CAP_X86_USER_SPACE_MSR, .args[0] = 1ULL << 40), -EINVAL },
	{ "no exit", VM, ENABLE(KVM_CAP_X86_USER_SPACE_MSR), 0 },
};

TEST(enable_cap)
{
	CHECK_ROWS(cap_rows);
}

#define FILTER(f, ...)							\
	KVM_X86_SET_MSR_FILTER, ARG(kvm_msr_filter, .flags = f,		\
				    .ranges[3] = { __VA_ARGS__ })

static const struct row msr_filter_rows[] = {
	{ "filter, bad pointer", VM, KVM_X86_SET_MSR_FILTER, BAD_PTR, -EFAULT },
	{ "filter, unknown flag", VM, FILTER(2), -EINVAL },
	{ "filter denies all", VM, FILTER(KVM_MSR_FILTER_DEFAULT_DENY), -EINVAL },
	{ "range without flags", VM, FILTER(0, .nmsrs = 1), -EINVAL },
	{ "range, unknown flag", VM, FILTER(0, .nmsrs = 1, .flags = 5), -EINVAL },
	{ "range too large", VM,
	  FILTER(0, .nmsrs = 0x3001, .flags = KVM_MSR_FILTER_READ,
		 .bitmap = (void *)area), -EINVAL },
	{ "range, bad bitmap", VM,
	  FILTER(0, .nmsrs = 1, .flags = KVM_MSR_FILTER_READ,
		 .bitmap = BAD_PTR), -EFAULT },
	{ "range", VM,
	  FILTER(0, .nmsrs = 1, .base = 0x345, .flags = KVM_MSR_FILTER_READ,
		 .bitmap = (void *)area), 0 },
	{ "no filter any more", VM, FILTER(0), 0 },
};

TEST(msr_filter)
{
	CHECK_ROWS(msr_filter_rows);
}

#define ROUTES(n, f, ...)						\
	KVM_SET_GSI_ROUTING, (&(struct {				\
		struct kvm_irq_routing head;				\
		struct kvm_irq_routing_entry e;				\
	}) { { .nr = n, .flags = f }, { __VA_ARGS__ } })

static const struct row irq_rows[] = {
	{ "IRQ_LINE without irqchip", VM, KVM_IRQ_LINE,
	  ARG(kvm_irq_level, .irq = 3), -ENXIO },
	{ "IRQ_LINE, bad pointer", VM_IRQ, KVM_IRQ_LINE, BAD_PTR, -EFAULT },
	{ "IRQ_LINE", VM_IRQ, KVM_IRQ_LINE, ARG(kvm_irq_level, .irq = 3), 0 },
	{ "GET_IRQCHIP without irqchip", VM, KVM_GET_IRQCHIP,
	  ARG(kvm_irqchip, .chip_id = 0), -ENXIO },
	{ "GET_IRQCHIP, unknown chip", VM_IRQ, KVM_GET_IRQCHIP,
	  ARG(kvm_irqchip, .chip_id = 3), -EINVAL },
	{ "SET_IRQCHIP without irqchip", VM, KVM_SET_IRQCHIP, area, -ENXIO },
	{ "SET_IRQCHIP, unknown chip", VM_IRQ, KVM_SET_IRQCHIP,
	  ARG(kvm_irqchip, .chip_id = 3), -EINVAL },
	{ "IRQ_LINE_STATUS without irqchip", VM, KVM_IRQ_LINE_STATUS,
	  ARG(kvm_irq_level, .irq = 3), -ENXIO },
	{ "IRQ_LINE without a route", VM_IRQ, KVM_IRQ_LINE,
	  ARG(kvm_irq_level, .irq = 100), 0 },
	{ "IRQ_LINE, GSI too high", VM_IRQ, KVM_IRQ_LINE,
	  ARG(kvm_irq_level, .irq = -1U), 0 },
	{ "MSI without irqchip", VM, KVM_SIGNAL_MSI,
	  ARG(kvm_msi, .address_lo = 0xfee00000, .data = 0x20), -EINVAL },
	{ "MSI with a device", VM_IRQ, KVM_SIGNAL_MSI,
	  ARG(kvm_msi, .address_lo = 0xfee00000, .flags = 1), 0 },
	{ "MSI with flags", VM_IRQ, KVM_SIGNAL_MSI,
	  ARG(kvm_msi, .address_lo = 0xfee00000, .flags = 2), -EINVAL },
	{ "routes without irqchip", VM, ROUTES(0, 0), -EINVAL },
	{ "routes, bad pointer", VM_IRQ, KVM_SET_GSI_ROUTING, BAD_PTR, -EFAULT },
	{ "routes with flags", VM_IRQ, ROUTES(0, 1), -EINVAL },
	{ "too many routes", VM_IRQ, ROUTES(4097, 0), -EINVAL },
	{ "GSI too high", VM_IRQ,
	  ROUTES(1, 0, .gsi = 4096, .type = KVM_IRQ_ROUTING_IRQCHIP), -EINVAL },
	{ "route of unknown type", VM_IRQ, ROUTES(1, 0, .type = 99), -EINVAL },
	{ "route with unknown flags", VM_IRQ,
	  ROUTES(1, 0, .type = KVM_IRQ_ROUTING_MSI, .flags = 1 << 9), -EINVAL },
	{ "unknown chip", VM_IRQ,
	  ROUTES(1, 0, .type = KVM_IRQ_ROUTING_IRQCHIP,
		 .u.irqchip.irqchip = 9), -EINVAL },
	{ "pin too high", VM_IRQ,
	  ROUTES(1, 0, .type = KVM_IRQ_ROUTING_IRQCHIP,
		 .u.irqchip = { KVM_IRQCHIP_IOAPIC, 24 }), -EINVAL },
	{ "irqfd, bad pointer", VM_IRQ, KVM_IRQFD, BAD_PTR, -EFAULT },
	{ "irqfd, unknown flag", VM_IRQ, KVM_IRQFD,
	  ARG(kvm_irqfd, .fd = 0, .flags = 1 << 9), -EINVAL },
	{ "irqfd, no file", VM_IRQ, KVM_IRQFD, ARG(kvm_irqfd, .fd = -1), -EBADF },
	{ "irqfd, no eventfd", VM_IRQ, KVM_IRQFD, ARG(kvm_irqfd, .fd = 0), -EINVAL },
};

TEST(interrupt_arguments)
{
	CHECK_ROWS(irq_rows);
}

#define IOEVENTFD(...)	KVM_IOEVENTFD, ARG(kvm_ioeventfd, __VA_ARGS__)

static const struct row ioeventfd_rows[] = {
	{ "bad pointer", VM, KVM_IOEVENTFD, BAD_PTR, -EFAULT },
	{ "length 3", VM, IOEVENTFD(.len = 3, .fd = 0), -EINVAL },
	{ "length 16", VM, IOEVENTFD(.len = 16, .fd = 0), -EINVAL },
	{ "unknown flag", VM, IOEVENTFD(.len = 4, .flags = 1 << 9), -EINVAL },
	{ "address wraps", VM, IOEVENTFD(.addr = -2ULL, .len = 4), -EINVAL },
	{ "datamatch without length", VM,
	  IOEVENTFD(.flags = KVM_IOEVENTFD_FLAG_DATAMATCH), -EINVAL },
	{ "no file", VM, IOEVENTFD(.len = 4, .fd = -1), -EBADF },
	{ "no eventfd", VM, IOEVENTFD(.len = 4, .fd = 0), -EINVAL },
};

TEST(ioeventfd_arguments)
{
	CHECK_ROWS(ioeventfd_rows);
}

/* What needs an eventfd cannot stand in a constant table. */
TEST(eventfd_twice)
{
	struct kvm_ioeventfd io = { .addr = 0x300, .len = 2,
				    .flags = KVM_IOEVENTFD_FLAG_PIO };
	struct kvm_irqfd irq = { .gsi = 5 };
	struct targets t = targets_new();

	io.fd = eventfd(0, 0);
	irq.fd = io.fd;
	EXPECT_EQ(0, try_ioctl(t.fd[VM], KVM_IOEVENTFD, &io));
	EXPECT_EQ(-EEXIST, try_ioctl(t.fd[VM], KVM_IOEVENTFD, &io));
	io.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	EXPECT_EQ(0, try_ioctl(t.fd[VM], KVM_IOEVENTFD, &io));
	EXPECT_EQ(-ENOENT, try_ioctl(t.fd[VM], KVM_IOEVENTFD, &io));

	EXPECT_EQ(-EINVAL, try_ioctl(t.fd[VM], KVM_IRQFD, &irq));
	EXPECT_EQ(0, try_ioctl(t.fd[VM_IRQ], KVM_IRQFD, &irq));
	EXPECT_EQ(-EBUSY, try_ioctl(t.fd[VM_IRQ], KVM_IRQFD, &irq));
	irq.flags = KVM_IRQFD_FLAG_DEASSIGN;
	EXPECT_EQ(0, try_ioctl(t.fd[VM_IRQ], KVM_IRQFD, &irq));
	still_alive(_metadata, &t);
}

#define MSRS(n, i)							\
	(&(struct {							\
		struct kvm_msrs head;					\
		struct kvm_msr_entry e;					\
	}) { { .nmsrs = n }, { .index = i } })
#define ATTR(g, a)	ARG(kvm_device_attr, .group = g, .attr = a)

static const struct row vcpu_rows[] = {
	{ "RUN with an argument", VCPU, KVM_RUN, VALUE(1), -EINVAL },
	{ "GET_REGS, bad pointer", VCPU, KVM_GET_REGS, BAD_PTR, -EFAULT },
	{ "SET_REGS, bad pointer", VCPU, KVM_SET_REGS, BAD_PTR, -EFAULT },
	{ "GET_SREGS, bad pointer", VCPU, KVM_GET_SREGS, BAD_PTR, -EFAULT },
	{ "SET_SREGS, bad pointer", VCPU, KVM_SET_SREGS, BAD_PTR, -EFAULT },
	{ "GET_FPU, bad pointer", VCPU, KVM_GET_FPU, BAD_PTR, -EFAULT },
	{ "SET_FPU, bad pointer", VCPU, KVM_SET_FPU, BAD_PTR, -EFAULT },
	{ "GET_MSRS, bad pointer", VCPU, KVM_GET_MSRS, BAD_PTR, -EFAULT },
	{ "SET_MSRS, bad pointer", VCPU, KVM_SET_MSRS, BAD_PTR, -EFAULT },
	{ "GET_MSRS, huge count", VCPU, KVM_GET_MSRS,
	  ARG(kvm_msrs, .nmsrs = 1 << 30), -E2BIG },
	{ "SET_MSRS, huge count", VCPU, KVM_SET_MSRS,
	  ARG(kvm_msrs, .nmsrs = 1 << 30), -E2BIG },
	{ "GET_MSRS, 256", VCPU, KVM_GET_MSRS, ARG(kvm_msrs, .nmsrs = 256), -E2BIG },
	{ "GET_MSRS, bad entries", VCPU, KVM_GET_MSRS, (void *)-8UL, -EFAULT },
	{ "GET_MSRS, unknown", VCPU, KVM_GET_MSRS, MSRS(1, 0x3333), 0 },
	{ "SET_MSRS, unknown", VCPU, KVM_SET_MSRS, MSRS(1, 0x3333), 0 },
	{ "SET_MSRS, nothing", VCPU, KVM_SET_MSRS, ARG(kvm_msrs, .nmsrs = 0), 0 },
	{ "SET_CPUID2, bad pointer", VCPU, KVM_SET_CPUID2, BAD_PTR, -EFAULT },
	{ "SET_CPUID2, huge count", VCPU, KVM_SET_CPUID2,
	  ARG(kvm_cpuid2, .nent = 1 << 30), -E2BIG },
	{ "GET_CPUID2, no room", VCPU, KVM_GET_CPUID2,
	  ARG(kvm_cpuid2, .nent = 0), -E2BIG },
	{ "SET_DEBUGREGS with flags", VCPU, KVM_SET_DEBUGREGS,
	  ARG(kvm_debugregs, .flags = 1), -EINVAL },
	{ "DR6, high half", VCPU, KVM_SET_DEBUGREGS,
	  ARG(kvm_debugregs, .dr6 = 1ULL << 32), -EINVAL },
	{ "DR7, high half", VCPU, KVM_SET_DEBUGREGS,
	  ARG(kvm_debugregs, .dr7 = 1ULL << 32), -EINVAL },
	{ "events with unknown flags", VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(kvm_vcpu_events, .flags = 1U << 31), -EINVAL },
	{ "events with a payload", VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_PAYLOAD), -EINVAL },
	{ "events with a triple fault", VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(kvm_vcpu_events, .flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT),
	  -EINVAL },
	{ "exception 2", VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(kvm_vcpu_events, .exception = { .injected = 1, .nr = 2 }), -EINVAL },
	{ "exception 32", VCPU, KVM_SET_VCPU_EVENTS,
	  ARG(kvm_vcpu_events, .exception = { .injected = 1, .nr = 32 }), -EINVAL },
	{ "MP state out of range", VCPU_IRQ, KVM_SET_MP_STATE,
	  ARG(kvm_mp_state, .mp_state = 99), -EINVAL },
	{ "MP state without LAPIC", VCPU, KVM_SET_MP_STATE,
	  ARG(kvm_mp_state, .mp_state = KVM_MP_STATE_HALTED), -EINVAL },
	{ "GET_LAPIC without LAPIC", VCPU, KVM_GET_LAPIC, area, -EINVAL },
	{ "SET_LAPIC without LAPIC", VCPU, KVM_SET_LAPIC, area, -EINVAL },
	{ "SET_LAPIC, bad pointer", VCPU_IRQ, KVM_SET_LAPIC, BAD_PTR, -EFAULT },
	{ "INTERRUPT with irqchip", VCPU_IRQ, KVM_INTERRUPT,
	  ARG(kvm_interrupt, .irq = 32), -ENXIO },
	{ "INTERRUPT 256", VCPU, KVM_INTERRUPT,
	  ARG(kvm_interrupt, .irq = 256), -EINVAL },
	{ "VAPIC address without LAPIC", VCPU, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = 0), -EINVAL },
	{ "VAPIC address 0", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = 0), 0 },
	{ "VAPIC address in memory", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = PAGE), 0 },
	{ "VAPIC address across two pages", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = PAGE - 2), 0 },
	{ "VAPIC address without memory", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = GPA_MMIO), -EINVAL },
	{ "VAPIC address across the memory's end", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = RAM_SIZE - 2), -EINVAL },
	{ "VAPIC address at the end of all", VCPU_IRQ, KVM_SET_VAPIC_ADDR,
	  ARG(kvm_vapic_addr, .vapic_addr = -2ULL), -EINVAL },
	{ "KVMCLOCK_CTRL without kvmclock", VCPU, KVM_KVMCLOCK_CTRL, NULL, -EINVAL },
	{ "unknown group of attributes", VCPU, KVM_HAS_DEVICE_ATTR,
	  ATTR(1, 0), -ENXIO },
	{ "unknown attribute", VCPU, KVM_HAS_DEVICE_ATTR, ATTR(0, 1), -ENXIO },
	{ "unknown attribute, read", VCPU, KVM_GET_DEVICE_ATTR, ATTR(0, 1), -ENXIO },
	{ "unknown attribute, set", VCPU, KVM_SET_DEVICE_ATTR, ATTR(0, 1), -ENXIO },
	{ "TSC of the host's frequency", VCPU, KVM_SET_TSC_KHZ, VALUE(0), 0 },
	{ "TPR reporting with flags", VCPU, KVM_TPR_ACCESS_REPORTING,
	  ARG(kvm_tpr_access_ctl, .flags = 1), -EINVAL },
	{ "guest debugging, off", VCPU, KVM_SET_GUEST_DEBUG,
	  ARG(kvm_guest_debug, .control = 0), 0 },
	{ "guest debugging, unknown bits", VCPU, KVM_SET_GUEST_DEBUG,
	  ARG(kvm_guest_debug, .control = 0x8000), 0 },
	{ "no signal mask", VCPU, KVM_SET_SIGNAL_MASK, NULL, 0 },
	{ "signal mask of wrong size", VCPU, KVM_SET_SIGNAL_MASK,
	  ARG(kvm_signal_mask, .len = 3), -EINVAL },
};

TEST(vcpu_arguments)
{
	CHECK_ROWS(vcpu_rows);
}

TEST(extended_control_registers)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0] = { .value = 1 } };
	int fd = targets_new().fd[VCPU];

	if (!check_cap(sys_fd, KVM_CAP_XCRS))
		SKIP(return, "the host has no XSAVE");
	EXPECT_EQ(0, try_ioctl(fd, KVM_SET_XCRS, &xcrs));
	xcrs.flags = 1;
	EXPECT_EQ(-EINVAL, try_ioctl(fd, KVM_SET_XCRS, &xcrs));
	xcrs.flags = 0;
	xcrs.nr_xcrs = 17;
	EXPECT_EQ(-EINVAL, try_ioctl(fd, KVM_SET_XCRS, &xcrs));
	xcrs.nr_xcrs = 1;
	xcrs.xcrs[0].value = 0;			/* x87 cannot be off */
	EXPECT_EQ(-EINVAL, try_ioctl(fd, KVM_SET_XCRS, &xcrs));
	xcrs.xcrs[0].value = 5;			/* AVX without SSE */
	EXPECT_EQ(-EINVAL, try_ioctl(fd, KVM_SET_XCRS, &xcrs));
}

LVX_TEST_MAIN
