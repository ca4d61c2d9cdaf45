// SPDX-License-Identifier: GPL-2.0
/*
 * Capabilities tell the truth. Clients switch on what is listed and give up
 * when that fails, so: whatever the node lists has a row here, with a call that
 * must work (or the name of the test that shows it); and where KVM is there for
 * comparison, values that lvx lists are KVM's.
 */
#include "targets.h"

static char buffer[2 * PAGE] __attribute__((aligned(PAGE)));
static struct kvm_msr_list no_msrs;
static struct kvm_vapic_addr no_vapic;
static struct kvm_coalesced_mmio_zone zone = { .addr = GPA_MMIO, .size = 8 };
static struct kvm_coalesced_mmio_zone ports = { .addr = 0x300, .size = 8, .pio = 1 };
static struct kvm_ioeventfd no_length = { .addr = GPA_MMIO };

#define ENABLE(c, ...)							\
	KVM_ENABLE_CAP, ARG(kvm_enable_cap, .cap = c, ##__VA_ARGS__)

/* An argument that is written to, or is all zeros. */
#define ANY		buffer

/*
 * @nr 0: no call of its own; @shown says by which test it is shown. @expect is
 * -ENOTTY where any result will do that is not "no such call".
 */
static const struct cap_row {
	long cap;
	const char *name;
	const char *shown;
	enum on on;
	unsigned long nr;
	void *arg;
	long expect;
} rows[] = {
#define CALL(cap, on, nr, arg)		{ cap, #cap, NULL, on, nr, arg, 0 }
#define CALL_ENABLE(cap, on, ...)					\
	{ cap, #cap, NULL, on, ENABLE(cap, ##__VA_ARGS__), 0 }
#define KNOWS(cap, on, nr, arg)		{ cap, #cap, NULL, on, nr, arg, -ENOTTY }
#define SHOWN(cap, by)			{ cap, #cap, by, SYS, 0, NULL, 0 }
	CALL(KVM_CAP_IRQCHIP, VM_IRQ, KVM_GET_IRQCHIP, ANY),
	CALL_ENABLE(KVM_CAP_SPLIT_IRQCHIP, VM_NEW, .args[0] = 24),
	CALL(KVM_CAP_IRQ_ROUTING, VM_IRQ, KVM_SET_GSI_ROUTING, ANY),
	CALL(KVM_CAP_IRQ_INJECT_STATUS, VM_IRQ, KVM_IRQ_LINE_STATUS, ANY),
	SHOWN(KVM_CAP_IOAPIC_POLARITY_IGNORED, "irqchip"),
	CALL(KVM_CAP_SIGNAL_MSI, VM_IRQ, KVM_SIGNAL_MSI, ANY),
	SHOWN(KVM_CAP_IRQFD, "irqchip"),
	SHOWN(KVM_CAP_IRQFD_RESAMPLE, "irqchip"),
	CALL(KVM_CAP_PIT2, VM_IRQ, KVM_GET_PIT2, ANY),
	CALL(KVM_CAP_PIT_STATE2, VM_IRQ, KVM_SET_PIT2, ANY),
	CALL(KVM_CAP_REINJECT_CONTROL, VM_IRQ, KVM_REINJECT_CONTROL, ANY),
	SHOWN(KVM_CAP_TSC_DEADLINE_TIMER, "lapic"),
	CALL(KVM_CAP_SET_BOOT_CPU_ID, VM_NEW, KVM_SET_BOOT_CPU_ID, NULL),
	SHOWN(KVM_CAP_NR_VCPUS, "system"),
	SHOWN(KVM_CAP_MAX_VCPUS, "system"),
	SHOWN(KVM_CAP_MAX_VCPU_ID, "system"),
	SHOWN(KVM_CAP_HLT, "exits"),
	CALL(KVM_CAP_MP_STATE, VCPU_IRQ, KVM_GET_MP_STATE, ANY),
	CALL(KVM_CAP_USER_NMI, VCPU, KVM_NMI, NULL),
	SHOWN(KVM_CAP_IMMEDIATE_EXIT, "signal"),
	SHOWN(KVM_CAP_SYNC_REGS, "state"),
	SHOWN(KVM_CAP_INTERNAL_ERROR_DATA, "exits"),
	KNOWS(KVM_CAP_EXT_CPUID, VCPU, KVM_GET_CPUID2, ANY),
	KNOWS(KVM_CAP_GET_MSR_FEATURES, SYS, KVM_GET_MSR_FEATURE_INDEX_LIST,
	      &no_msrs),
	CALL_ENABLE(KVM_CAP_MSR_PLATFORM_INFO, VM),
	CALL(KVM_CAP_MCE, SYS, KVM_X86_GET_MCE_CAP_SUPPORTED, ANY),
	CALL_ENABLE(KVM_CAP_X86_USER_SPACE_MSR, VM),
	CALL(KVM_CAP_X86_MSR_FILTER, VM, KVM_X86_SET_MSR_FILTER, ANY),
	CALL(KVM_CAP_VCPU_EVENTS, VCPU, KVM_GET_VCPU_EVENTS, ANY),
	CALL(KVM_CAP_DEBUGREGS, VCPU, KVM_GET_DEBUGREGS, ANY),
	CALL(KVM_CAP_SREGS2, VCPU, KVM_GET_SREGS2, ANY),
	CALL(KVM_CAP_XSAVE, VCPU, KVM_GET_XSAVE, ANY),
	CALL(KVM_CAP_XCRS, VCPU, KVM_GET_XCRS, ANY),
	CALL(KVM_CAP_SET_GUEST_DEBUG, VCPU, KVM_SET_GUEST_DEBUG,
	     ARG(kvm_guest_debug, .control = 0)),
	SHOWN(KVM_CAP_SET_GUEST_DEBUG2, "debug"),
	SHOWN(KVM_CAP_X86_ROBUST_SINGLESTEP, "debug"),
	SHOWN(KVM_CAP_CLOCKSOURCE, "clock"),
	CALL(KVM_CAP_ADJUST_CLOCK, VM, KVM_GET_CLOCK, ANY),
	KNOWS(KVM_CAP_KVMCLOCK_CTRL, VCPU, KVM_KVMCLOCK_CTRL, NULL),
	CALL_ENABLE(KVM_CAP_ENFORCE_PV_FEATURE_CPUID, VCPU),
	SHOWN(KVM_CAP_STEAL_TIME, "clock"),
	KNOWS(KVM_CAP_GET_TSC_KHZ, VCPU, KVM_GET_TSC_KHZ, NULL),
	CALL(KVM_CAP_VCPU_ATTRIBUTES, VCPU, KVM_HAS_DEVICE_ATTR,
	     ARG(kvm_device_attr, .group = KVM_VCPU_TSC_CTRL)),
	SHOWN(KVM_CAP_USER_MEMORY, "memory"),
	SHOWN(KVM_CAP_NR_MEMSLOTS, "memory"),
	SHOWN(KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "memory"),
	SHOWN(KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, "memory"),
	SHOWN(KVM_CAP_READONLY_MEM, "memory"),
	SHOWN(KVM_CAP_SYNC_MMU, "memory"),
	CALL_ENABLE(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, VM, .args[0] = 3),
	CALL(KVM_CAP_SET_TSS_ADDR, VM, KVM_SET_TSS_ADDR, VALUE(0xfffbd000)),
	CALL(KVM_CAP_SET_IDENTITY_MAP_ADDR, VM_NEW, KVM_SET_IDENTITY_MAP_ADDR,
	     ANY),
	KNOWS(KVM_CAP_IOEVENTFD, VM, KVM_IOEVENTFD, &no_length),
	SHOWN(KVM_CAP_IOEVENTFD_NO_LENGTH, "irqchip"),
	SHOWN(KVM_CAP_IOEVENTFD_ANY_LENGTH, "irqchip"),
	SHOWN(KVM_CAP_NOP_IO_DELAY, "io"),
	CALL(KVM_CAP_COALESCED_MMIO, VM, KVM_REGISTER_COALESCED_MMIO, &zone),
	CALL(KVM_CAP_COALESCED_PIO, VM, KVM_REGISTER_COALESCED_MMIO, &ports),
	SHOWN(KVM_CAP_CHECK_EXTENSION_VM, "system"),
	SHOWN(KVM_CAP_ENABLE_CAP_VM, "errno"),
	SHOWN(KVM_CAP_ENABLE_CAP, "errno"),
	CALL_ENABLE(KVM_CAP_DISABLE_QUIRKS, VM),
	CALL_ENABLE(KVM_CAP_DISABLE_QUIRKS2, VM),
	KNOWS(KVM_CAP_BINARY_STATS_FD, VM, KVM_GET_STATS_FD, NULL),
	/* Not a capability to be listed, but a call that all reset with. */
	CALL(KVM_CAP_VAPIC, VCPU_IRQ, KVM_SET_VAPIC_ADDR, &no_vapic),
};

#define LAST_CAP	400

static const struct cap_row *find(long cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].cap == cap)
			return &rows[i];
	return NULL;
}

TEST(what_is_listed_works)
{
	struct targets t = targets_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cap_row *r = &rows[i];
		long ret;

		if (!r->nr || !check_cap(t.fd[SYS], r->cap))
			continue;
		memset(buffer, 0, sizeof(buffer));
		ret = try_ioctl(t.fd[r->on], r->nr, r->arg);
		if (r->expect) {
			EXPECT_NE(-ENOTTY, ret) TH_LOG("%s", r->name);
		} else {
			EXPECT_EQ(0, ret) TH_LOG("%s: %s", r->name,
						 strerror(-ret));
		}
	}
}

/* Of KVM's, only those that lvx has are of interest here. */
TEST(all_that_is_listed_is_here)
{
	open_device();
	if (!on_lvx())
		SKIP(return, "KVM has more");
	for (long cap = 0; cap < LAST_CAP; cap++) {
		if (!check_cap(sys_fd, cap))
			continue;
		EXPECT_NE(NULL, find(cap)) TH_LOG("%ld", cap);
	}
}

/* Masks and limits of which lvx has less. */
static const long smaller[] = {
	KVM_CAP_SET_GUEST_DEBUG2, KVM_CAP_NR_MEMSLOTS,
	KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_MAX_VCPUS, KVM_CAP_MAX_VCPU_ID,
};

static bool may_be_smaller(long cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(smaller); i++)
		if (smaller[i] == cap)
			return true;
	return false;
}

TEST(values_are_kvms)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	open_device();
	if (!on_lvx() || kvm < 0)
		SKIP(return, "nothing to compare");
	for (long cap = 0; cap < LAST_CAP; cap++) {
		long ours = check_cap(sys_fd, cap), theirs = check_cap(kvm, cap);

		if (!ours || (may_be_smaller(cap) && ours < theirs))
			continue;
		EXPECT_EQ(theirs, ours)
			TH_LOG("%s", find(cap) ? find(cap)->name : "unknown");
	}
}

LVX_TEST_MAIN
