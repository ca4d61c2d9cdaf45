// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers from both sides: what user space finds, restores and
 * is refused, and what the guest's RDMSR and WRMSR do. The tables of values
 * that clients set at start-up are from their sources: each of them gives up
 * when one of its MSRs is refused.
 */
#include "harness.h"

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_TSC_ADJUST		0x3b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_MISC_ENABLE		0x1a0
#define MSR_PAT			0x277
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_MC0_CTL		0x400
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_FMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_NOWHERE		0x12345678

#define NONCANONICAL		0x8000000000000000ULL
#define MAX_LIST		512

static struct kvm_msr_list *msr_list(unsigned long nr)
{
	struct kvm_msr_list *list;

	list = calloc(1, sizeof(*list) + MAX_LIST * sizeof(list->indices[0]));
	list->nmsrs = MAX_LIST;
	must_ioctl(open_device(), nr, list, "MSR list");
	return list;
}

/* Too small a buffer is E2BIG, and says how large it should have been. */
TEST(index_list_size)
{
	struct kvm_msr_list *list = msr_list(KVM_GET_MSR_INDEX_LIST);
	uint32_t n = list->nmsrs;

	ASSERT_LT(10, n);
	for (uint32_t small = 0; small < n; small += n - 1) {
		list->nmsrs = small;
		ASSERT_EQ(-E2BIG, try_ioctl(sys_fd, KVM_GET_MSR_INDEX_LIST, list));
		ASSERT_EQ(n, list->nmsrs);
	}
	list->nmsrs = n;
	ASSERT_EQ(0, try_ioctl(sys_fd, KVM_GET_MSR_INDEX_LIST, list));
}

TEST(index_list_has_no_doubles)
{
	struct kvm_msr_list *list = msr_list(KVM_GET_MSR_INDEX_LIST);

	for (uint32_t i = 0; i < list->nmsrs; i++)
		for (uint32_t j = 0; j < i; j++)
			EXPECT_NE(list->indices[i], list->indices[j]);
}

/* Every listed MSR is a part of the state: it can be saved and restored. */
TEST(index_list_is_restorable)
{
	struct kvm_msr_list *list = msr_list(KVM_GET_MSR_INDEX_LIST);
	struct vcpu *from = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct vcpu *to = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;

	for (uint32_t i = 0; i < list->nmsrs; i++) {
		uint32_t index = list->indices[i];

		EXPECT_EQ(1, get_msr(from, index, &value)) TH_LOG("%x", index);
		EXPECT_EQ(1, set_msr(to, index, value)) TH_LOG("%x", index);
	}
}

TEST(feature_list_is_readable)
{
	struct kvm_msr_list *list = msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m;

	for (uint32_t i = 0; i < list->nmsrs; i++) {
		m.head.nmsrs = 1;
		m.entry.index = list->indices[i];
		EXPECT_EQ(1, try_ioctl(sys_fd, KVM_GET_MSRS, &m))
			TH_LOG("%x", list->indices[i]);
	}
	m.entry.index = MSR_NOWHERE;
	EXPECT_EQ(0, try_ioctl(sys_fd, KVM_GET_MSRS, &m));
}

struct row {
	uint32_t index;
	uint64_t value;
};

/* Values of power-on that clients and guests depend on. */
static const struct row reset[] = {
	{ MSR_APIC_BASE, 0xfee00900 }, { MSR_TSC_ADJUST, 0 },
	{ MSR_SYSENTER_CS, 0 }, { MSR_MISC_ENABLE, 0x1800 },
	{ MSR_PAT, 0x0007040600070406 }, { 0xfe, 0x508 },
	{ MSR_MTRR_DEF_TYPE, 0 }, { MSR_TSC_DEADLINE, 0 }, { MSR_EFER, 0 },
	{ MSR_STAR, 0 }, { MSR_KERNEL_GS_BASE, 0 }, { 0x17, 0 },
	{ 0x8b, 1ULL << 32 }, { 0x179, 32 }, { 0x17a, 0 }, { 0x198, 1000 | 4ULL << 40 },
	{ 0x1d9, 0 }, { 0x34, 0 }, { 0x3a, 0 }, { 0x140, 0 }, { 0x2a, 0 },
};

TEST(values_at_reset)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(reset); i++) {
		EXPECT_EQ(1, get_msr(v, reset[i].index, &value))
			TH_LOG("%x", reset[i].index);
		EXPECT_EQ(reset[i].value, value) TH_LOG("%x", reset[i].index);
	}
}

/* What clients set at start-up without asking, and read back or not. */
static const struct row start_up[] = {
	{ MSR_SYSENTER_CS, 0 }, { MSR_SYSENTER_ESP, 0 }, { 0x176, 0 },
	{ MSR_STAR, 0 }, { MSR_CSTAR, 0 }, { MSR_KERNEL_GS_BASE, 0 },
	{ MSR_FMASK, 0 }, { MSR_LSTAR, 0 }, { MSR_MISC_ENABLE, 1 },
	{ MSR_MTRR_DEF_TYPE, 0x806 }, { MSR_PAT, 0x0007040600070406 },
	{ MSR_TSC_AUX, 0 }, { MSR_TSC_ADJUST, 0 }, { MSR_TSC_DEADLINE, 0 },
	{ 0x11, 0 }, { 0x12, 0 }, { 0x4b564d00, 0 }, { 0x4b564d01, 0 },
	{ 0x17a, 0 }, { 0x17b, 0 },
	{ 0x200, 6 }, { 0x201, 0 }, { 0x20e, 0x80000006 }, { 0x20f, 0x800 },
	{ 0x250, 0x0606060606060606 }, { 0x258, 0 }, { 0x259, 0 },
	{ 0x268, 0x0505050505050505 }, { 0x26f, 0 },
	{ 0x8b, 0x12300000000 }, { 0x34, 7 }, { 0x1d9, 0 },
	{ MSR_FS_BASE, 0x7f0000000000 }, { MSR_GS_BASE, 0xffff800000000000 },
};

TEST(client_start_up)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(start_up); i++) {
		EXPECT_EQ(1, set_msr(v, start_up[i].index, start_up[i].value))
			TH_LOG("%x", start_up[i].index);
		EXPECT_EQ(1, get_msr(v, start_up[i].index, &value))
			TH_LOG("%x", start_up[i].index);
		EXPECT_EQ(start_up[i].value, value)
			TH_LOG("%x", start_up[i].index);
	}
	/* Ten machine-check banks, even of a VMM that has none. */
	for (uint32_t i = MSR_MC0_CTL; i < MSR_MC0_CTL + 40; i++) {
		EXPECT_EQ(1, set_msr(v, i, i % 4 ? 0 : ~0ULL)) TH_LOG("%x", i);
	}
}

/* The same before there is a CPUID table, which is when some restore. */
TEST(client_start_up_without_cpuid)
{
	struct vcpu *v = vcpu_new(vm_new(VM_NOCPUID), 0);

	for (size_t i = 0; i < ARRAY_SIZE(start_up); i++) {
		EXPECT_EQ(1, set_msr(v, start_up[i].index, start_up[i].value))
			TH_LOG("%x", start_up[i].index);
	}
}

/* What not even user space can set: the CPU would not take it. */
static const struct row refused[] = {
	{ MSR_NOWHERE, 0 }, { 0xc0001234, 0 }, { 0x17b, 5 },
	{ MSR_LSTAR, NONCANONICAL }, { MSR_CSTAR, NONCANONICAL },
	{ MSR_FS_BASE, NONCANONICAL }, { MSR_GS_BASE, NONCANONICAL },
	{ MSR_KERNEL_GS_BASE, NONCANONICAL }, { MSR_TSC_AUX, 1ULL << 32 },
	{ MSR_PAT, 2 }, { MSR_PAT, 0x0800000000000000 },
	{ MSR_MTRR_DEF_TYPE, 2 }, { MSR_MTRR_DEF_TYPE, 0x1006 },
	{ 0x200, 2 }, { 0x200, 0x106 }, { 0x201, 0x400 }, { 0x250, 0x0300 },
	{ 0xfe, 0 }, { 0x179, 1 }, { MSR_MC0_CTL, 2 }, { 0x480, 0 }, { 0xda0, ~0ULL },
	{ MSR_APIC_BASE, 0xfee00400 }, { MSR_EFER, 2 }, { 0x3a, ~0ULL },
	{ 0x140, 2 }, { 0x17, 0 }, { 0x1d9, 0x10000 },
};

TEST(refused_to_user_space)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t before = 0, after = 0;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		uint32_t index = refused[i].index;
		long readable = get_msr(v, index, &before);

		EXPECT_EQ(0, set_msr(v, index, refused[i].value))
			TH_LOG("%x", index);
		EXPECT_EQ(readable, get_msr(v, index, &after));
		EXPECT_EQ(before, after) TH_LOG("%x", index);
	}
}

/* The count says how far it went, and what came before took effect. */
TEST(partial_failure)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} m = {
		{ .nmsrs = 3 },
		{ { .index = MSR_STAR, .data = 1 }, { .index = MSR_NOWHERE },
		  { .index = MSR_SYSENTER_CS, .data = 1 } },
	};
	uint64_t value;

	ASSERT_EQ(1, try_ioctl(v->fd, KVM_SET_MSRS, &m));
	get_msr(v, MSR_STAR, &value);
	EXPECT_EQ(1, value);
	get_msr(v, MSR_SYSENTER_CS, &value);
	EXPECT_EQ(0, value);
	ASSERT_EQ(1, try_ioctl(v->fd, KVM_GET_MSRS, &m));
	m.head.nmsrs = 0;
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_GET_MSRS, &m));
	m.head.nmsrs = 1 << 20;
	ASSERT_EQ(-E2BIG, try_ioctl(v->fd, KVM_SET_MSRS, &m));
}

/* ------------------------------------------------------------- in the guest */

static volatile uint32_t ask_index;
static volatile uint64_t ask_value;
static volatile int ask_write, vector;

static void guest_ask(void)
{
	for (;;) {
		uint32_t lo = ask_value, hi = ask_value >> 32;

		if (ask_write)
			vector = TRY("wrmsr", :: "c"(ask_index), "a"(lo), "d"(hi)
				     : "memory");
		else
			vector = TRY("rdmsr", : "+a"(lo), "+d"(hi)
				     : "c"(ask_index) : "memory");
		ask_value = lo | (uint64_t)hi << 32;
		guest_sync(0);
	}
}

/* Returns the vector of the exception, or -1. */
static int guest_wrmsr(struct vcpu *v, uint32_t index, uint64_t value)
{
	ask_index = index;
	ask_value = value;
	ask_write = 1;
	vcpu_sync(v);
	return vector;
}

static int guest_rdmsr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	ask_index = index;
	ask_write = 0;
	vcpu_sync(v);
	*value = ask_value;
	return vector;
}

static const struct {
	uint32_t index;
	bool write;
	uint64_t value;
	int vector;
} guest_access[] = {
	{ MSR_NOWHERE, false, 0, 13 }, { MSR_NOWHERE, true, 0, 13 },
	{ 0x2000, false, 0, 13 }, { 0xffffffff, true, 0, 13 },
	{ 0xfe, true, 0, 13 }, { 0xfe, false, 0, -1 },
	{ 0x17, false, 0, -1 }, { 0x8b, false, 0, -1 }, { 0x8b, true, 0, -1 },
	{ 0x3a, false, 0, -1 }, { 0x3a, true, 1, -1 }, { 0x3a, true, 1, 13 },
	{ 0xce, true, 0, 13 }, { 0xce, false, 0, -1 }, { 0x34, true, 0, 13 },
	{ 0x179, false, 0, -1 }, { 0x17a, true, 0, -1 }, { 0x17b, true, 0, 13 },
	{ MSR_MC0_CTL, true, ~0ULL, -1 }, { 0x401, true, 1, 13 },
	{ 0x401, true, 0, -1 }, { 0x1d9, false, 0, -1 }, { 0x1d9, true, 0, -1 },
	{ 0x1d9, true, 0x10000, 13 }, { 0x10a, true, 0, 13 },
	{ MSR_MISC_ENABLE, true, 0, 13 }, { MSR_MISC_ENABLE, true, 0x1801, -1 },
	{ MSR_PAT, true, 2, 13 }, { MSR_PAT, true, 0x0606060606060606, -1 },
	{ MSR_MTRR_DEF_TYPE, true, 0xc06, -1 }, { MSR_MTRR_DEF_TYPE, true, 3, 13 },
	{ MSR_LSTAR, true, NONCANONICAL, 13 },
	{ MSR_KERNEL_GS_BASE, true, NONCANONICAL, 13 },
	{ MSR_EFER, true, 2, 13 },
	/* With paging on, long mode can't be left this way. */
	{ MSR_EFER, true, 0, 13 },
	{ 0x800, false, 0, 13 }, { 0x830, true, 0, 13 },
};

TEST(guest_rules)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;
	int got;

	vcpu_long(v, guest_ask);
	for (size_t i = 0; i < ARRAY_SIZE(guest_access); i++) {
		got = guest_access[i].write ?
		      guest_wrmsr(v, guest_access[i].index, guest_access[i].value) :
		      guest_rdmsr(v, guest_access[i].index, &value);
		EXPECT_EQ(guest_access[i].vector, got)
			TH_LOG("%s %x", guest_access[i].write ? "wrmsr" : "rdmsr",
			       guest_access[i].index);
	}
}

/* Whoever writes, both see it. */
static const struct row shared[] = {
	{ MSR_SYSENTER_CS, 0x10 }, { MSR_SYSENTER_ESP, 0x123456789abc },
	{ 0x176, 0xffff800012345678 }, { MSR_STAR, 0x0023001000000000 },
	{ MSR_LSTAR, 0xffff800000001000 }, { MSR_CSTAR, 0x1000 },
	{ MSR_FMASK, 0x47700 }, { MSR_FS_BASE, 0x1234567000 },
	{ MSR_GS_BASE, 0xffff888000000000 },
	{ MSR_KERNEL_GS_BASE, 0xffff888123450000 }, { MSR_TSC_AUX, 0x5a5a5a5a },
	{ MSR_PAT, 0x0006010500070406 }, { MSR_MTRR_DEF_TYPE, 0xc06 },
	{ 0x200, 0x80000000 }, { 0x201, 0xf80000800 }, { 0x26a, 0x0506050605060506 },
	{ MSR_MISC_ENABLE, 0x1801 }, { 0x17a, 4 }, { MSR_EFER, 0xd01 },
};

/* And what user space sets then. */
static const uint64_t other[ARRAY_SIZE(shared)] = {
	0x18, 0xffff800000000000, 0x1000, 0x0033002000000000, 0x2000,
	0xffffffffffffffff, 0x700, 0, 0x7fffffffffff, 0x1000, 1,
	0x0007040600070406, 0x806, 6, 0x800, 0, 0x1801, 0, 0xd00,
};

TEST(guest_and_host_agree)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;

	vcpu_long(v, guest_ask);
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		uint32_t index = shared[i].index;

		EXPECT_EQ(-1, guest_wrmsr(v, index, shared[i].value))
			TH_LOG("%x", index);
		EXPECT_EQ(1, get_msr(v, index, &value)) TH_LOG("%x", index);
		EXPECT_EQ(shared[i].value, value) TH_LOG("%x", index);
		EXPECT_EQ(1, set_msr(v, index, other[i]));
		EXPECT_EQ(-1, guest_rdmsr(v, index, &value));
		EXPECT_EQ(other[i], value) TH_LOG("%x", index);
	}
}

/* ---------------------------------------------------------------------- TSC */

#define UNIT	(1ULL << 34)		/* 17 s at 1 GHz: far more than a test takes */
#define ROUND(x)	(((x) + UNIT / 2) & -UNIT)

/* What the guest and user space find, in units. */
#define EXPECT_TSC(t, a) do {						\
	uint64_t value_;						\
	get_msr(v, MSR_TSC, &value_);					\
	EXPECT_EQ((t), ROUND(value_) / UNIT);				\
	get_msr(v, MSR_TSC_ADJUST, &value_);				\
	EXPECT_EQ((a), ROUND(value_) / UNIT);				\
	EXPECT_EQ(-1, guest_rdmsr(v, MSR_TSC, &value_));		\
	EXPECT_EQ((t), ROUND(value_) / UNIT);				\
	EXPECT_EQ(-1, guest_rdmsr(v, MSR_TSC_ADJUST, &value_));		\
	EXPECT_EQ((a), ROUND(value_) / UNIT);				\
} while (0)

TEST(tsc_and_tsc_adjust)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, guest_ask);
	EXPECT_TSC(0, 0);
	/* The guest's writes to either move both. */
	EXPECT_EQ(-1, guest_wrmsr(v, MSR_TSC, UNIT));
	EXPECT_TSC(1, 1);
	EXPECT_EQ(-1, guest_wrmsr(v, MSR_TSC_ADJUST, 2 * UNIT));
	EXPECT_TSC(2, 2);
	/* User space's move one, since it restores both. */
	EXPECT_EQ(1, set_msr(v, MSR_TSC, 10 * UNIT));
	EXPECT_TSC(10, 2);
	EXPECT_EQ(1, set_msr(v, MSR_TSC_ADJUST, 5 * UNIT));
	EXPECT_TSC(10, 5);
	EXPECT_EQ(-1, guest_wrmsr(v, MSR_TSC_ADJUST, 6 * UNIT));
	EXPECT_TSC(11, 6);
	EXPECT_EQ(-1, guest_wrmsr(v, MSR_TSC, 3 * UNIT));
	EXPECT_TSC(3, -2ULL & (-1ULL / UNIT));
}

/* RDTSC and RDMSR show one counter. */
static volatile uint64_t tsc[3];

static void guest_tsc(void)
{
	tsc[0] = rdtsc();
	tsc[1] = rdmsr(MSR_TSC);
	tsc[2] = rdtsc();
}

TEST(tsc_is_one_counter)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	set_msr(v, MSR_TSC, 7 * UNIT);
	vcpu_long(v, guest_tsc);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(7, ROUND(tsc[0]) / UNIT);
	EXPECT_LT(tsc[0], tsc[1]);
	EXPECT_LT(tsc[1], tsc[2]);
}

/* A vCPU that comes later, and one that is set nearly alike, are in step. */
TEST(tsc_in_step)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *a = vcpu_new(vm, 0), *b;
	uint64_t ta, tb;

	sleep_ms(20);
	b = vcpu_new(vm, 1);
	get_msr(a, MSR_TSC, &ta);
	get_msr(b, MSR_TSC, &tb);
	EXPECT_LT(ta, tb);
	set_msr(a, MSR_TSC, 5 * UNIT);
	sleep_ms(20);
	set_msr(b, MSR_TSC, 5 * UNIT);
	get_msr(a, MSR_TSC, &ta);
	get_msr(b, MSR_TSC, &tb);
	EXPECT_LT(ta, tb);
	EXPECT_EQ(5, ROUND(tb) / UNIT);
	/* And 0, as at reset, means: in step. */
	set_msr(b, MSR_TSC, 0);
	get_msr(b, MSR_TSC, &tb);
	EXPECT_EQ(5, ROUND(tb) / UNIT);
}

TEST(tsc_frequency)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	long khz = try_ioctl(v->fd, KVM_GET_TSC_KHZ, NULL);

	ASSERT_LT(1000, khz);
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_TSC_KHZ, (void *)khz));
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_TSC_KHZ, NULL));
}

LVX_TEST_MAIN
