// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what the host offers, that it reads back as set, that the guest sees
 * it, and the few bits that follow the vCPU's state.
 */
#include "harness.h"

#define XSAVE_BIT	(1U << 26)
#define OSXSAVE_BIT	(1U << 27)
#define APIC_BIT	(1U << 9)

/* Leaves that clients take for granted, some of them even when all zero. */
TEST(leaves_present)
{
	static const uint32_t leaves[] = {
		0, 1, 2, 4, 6, 7, 0xa, 0xd, 0x40000000, 0x40000001,
		0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004,
		0x80000005, 0x80000006, 0x80000007, 0x80000008,
	};
	struct kvm_cpuid2 *c = supported_cpuid();

	EXPECT_GE(80, c->nent);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		EXPECT_NE(NULL, cpuid_find(c, leaves[i], 0))
			TH_LOG("leaf %x", leaves[i]);
	}
}

TEST(hypervisor_leaves)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x40000000, 0);

	EXPECT_EQ(0x40000001, e->eax);
	EXPECT_EQ(0, memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12));
	e = cpuid_find(c, 0x40000001, 0);
	EXPECT_EQ(1 << 0 | 1 << 3, e->eax & (1 << 0 | 1 << 3)); /* kvmclock */
}

/* Host topology must not reach guests by itself. */
TEST(no_host_topology)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(supported_cpuid(), 0xb, 0);

	if (!e)
		return;
	EXPECT_EQ(0, e->eax);
	EXPECT_EQ(0, e->ebx);
	EXPECT_EQ(0, e->ecx);
}

TEST(address_width)
{
	uint32_t eax = cpuid_find(supported_cpuid(), 0x80000008, 0)->eax;

	EXPECT_LE(36, eax & 0xff);
	EXPECT_GE(52, eax & 0xff);
	EXPECT_LE(48, eax >> 8 & 0xff);
}

TEST(round_trip)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_cpuid2 *set = supported_cpuid(), *got = supported_cpuid();

	do_ioctl(v->fd, KVM_GET_CPUID2, got);
	for (unsigned int i = 0; i < set->nent; i++) {
		struct kvm_cpuid_entry2 *a = &set->entries[i];
		struct kvm_cpuid_entry2 *b = &got->entries[i];

		EXPECT_EQ(a->function, b->function);
		EXPECT_EQ(a->index, b->index);
		EXPECT_EQ(a->flags, b->flags);
		if (a->function != 1 && a->function != 0xd) {
			EXPECT_EQ(0, memcmp(&a->eax, &b->eax, 16))
				TH_LOG("leaf %x", a->function);
		}
	}
}

TEST(too_small_a_buffer)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	unsigned int nent = c->nent;

	c->nent = nent - 1;
	ASSERT_EQ(-E2BIG, try_ioctl(sys_fd, KVM_GET_SUPPORTED_CPUID, c));
	c->nent = nent;
	ASSERT_EQ(0, try_ioctl(sys_fd, KVM_GET_SUPPORTED_CPUID, c));
	ASSERT_EQ(nent, c->nent);
}

static volatile uint32_t ask_leaf, ask_index, answer[4];

static void guest_ask(void)
{
	for (;;) {
		uint32_t r[4];

		guest_cpuid(ask_leaf, ask_index, r);
		for (int i = 0; i < 4; i++)
			answer[i] = r[i];
		guest_sync(0);
	}
}

static void ask(struct vcpu *v, uint32_t leaf, uint32_t index)
{
	ask_leaf = leaf;
	ask_index = index;
	vcpu_sync(v);
}

static bool same(const struct kvm_cpuid_entry2 *e)
{
	return e->eax == answer[0] && e->ebx == answer[1] &&
	       e->ecx == answer[2] && e->edx == answer[3];
}

TEST(guest_sees_the_table)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_cpuid2 *c = supported_cpuid();

	vcpu_long(v, guest_ask);
	do_ioctl(v->fd, KVM_GET_CPUID2, c);
	for (unsigned int i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		ask(v, e->function, e->index);
		EXPECT_TRUE(same(e)) TH_LOG("leaf %x.%x: %x %x %x %x, not %x %x %x %x",
			e->function, e->index, answer[0], answer[1], answer[2],
			answer[3], e->eax, e->ebx, e->ecx, e->edx);
	}
}

TEST(guest_sees_what_was_set)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x40000000, 0);

	memcpy(&e->ebx, "TestTestTest", 12);
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	vcpu_long(v, guest_ask);
	ask(v, 0x40000000, 0);
	EXPECT_TRUE(same(e));
}

/*
 * Instructions that VMX can take away from the guest: what is offered must not
 * fault. XSAVES needs CR4.OSXSAVE. lvx takes each away by a parameter.
 */
enum { RDTSCP, RDPID, INVPCID, XSAVES, NR_INSNS };

static volatile bool offered[NR_INSNS];
static volatile int raised[NR_INSNS];
static uint8_t xsave_area[4096] __attribute__((aligned(64)));
static uint64_t invpcid_desc[2];

static void guest_offered(void)
{
	uint64_t cr4;

	raised[RDTSCP] = TRY("rdtscp", ::: "rax", "rcx", "rdx");
	raised[RDPID] = TRY(".byte 0xf3, 0x0f, 0xc7, 0xf8", ::: "rax");
	/* All contexts. */
	raised[INVPCID] = TRY("invpcid (%0), %1",
			      :: "r"(invpcid_desc), "r"(2UL) : "memory");
	if (!offered[XSAVES])
		return;
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %0, %%cr4" :: "r"(cr4 | 1 << 18));
	raised[XSAVES] = TRY("xsaves64 (%0)",
			     :: "r"(xsave_area), "a"(0), "d"(0) : "memory");
}

TEST(offered_instructions_exist)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *xsave = cpuid_find(c, 0xd, 1);

	offered[RDTSCP] = cpuid_find(c, 0x80000001, 0)->edx >> 27 & 1;
	offered[RDPID] = cpuid_find(c, 7, 0)->ecx >> 22 & 1;
	offered[INVPCID] = cpuid_find(c, 7, 0)->ebx >> 10 & 1;
	offered[XSAVES] = xsave && xsave->eax >> 3 & 1;
	vcpu_long(v, guest_offered);
	ASSERT_EQ(-1U, vcpu_sync(v));
	for (int i = 0; i < NR_INSNS; i++) {
		if (offered[i])
			EXPECT_EQ(-1, raised[i]) TH_LOG("instruction %d", i);
	}
	/* Not offered, not there; RDPID comes along with RDTSCP. */
	if (!offered[RDTSCP])
		EXPECT_EQ(6, raised[RDTSCP]);
	if (!offered[INVPCID])
		EXPECT_EQ(6, raised[INVPCID]);
}

/* RDPID has no need of RDTSCP in the table. */
TEST(rdpid_alone)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();

	if (!(cpuid_find(c, 7, 0)->ecx >> 22 & 1))
		SKIP(return, "RDPID is not offered");
	cpuid_find(c, 0x80000001, 0)->edx &= ~(1U << 27);
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	vcpu_long(v, guest_offered);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(-1, raised[RDPID]);
}

/* On an Intel CPU a leaf beyond the last basic one reads as the last. */
TEST(leaf_out_of_range)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *last;

	do_ioctl(v->fd, KVM_GET_CPUID2, c);
	last = cpuid_find(c, cpuid_find(c, 0, 0)->eax, 0);
	vcpu_long(v, guest_ask);
	ask(v, 0x3fffffff, 0);
	if (last) {
		EXPECT_TRUE(same(last));
	} else {
		EXPECT_EQ(0, answer[0] | answer[1] | answer[2] | answer[3]);
	}
	ask(v, 0x88888888, 0);
	if (last) {
		EXPECT_TRUE(same(last));
	}
}

GUEST_ASM(real_cpuid, 16, "mov $1, %eax; cpuid; hlt");

TEST(no_table_at_all)
{
	struct vcpu *v = vcpu_new(vm_new(VM_NOCPUID), 0);
	struct kvm_regs regs;

	load_asm(v->vm, GPA_REAL, real_cpuid);
	vcpu_real(v, GPA_REAL >> 4, 0);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	regs = get_regs(v);
	EXPECT_EQ(0, regs.rax | regs.rbx | regs.rcx | regs.rdx);
}

static volatile uint32_t osxsave[3];

static void guest_osxsave(void)
{
	uint64_t cr4;
	uint32_t r[4];

	for (int i = 0; i < 3; i++) {
		guest_cpuid(1, 0, r);
		osxsave[i] = r[2] & OSXSAVE_BIT;
		asm volatile("mov %%cr4, %0" : "=r"(cr4));
		asm volatile("mov %0, %%cr4" :: "r"(cr4 ^ 1 << 18));
	}
}

TEST(osxsave_follows_cr4)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	if (!(cpuid_find(supported_cpuid(), 1, 0)->ecx & XSAVE_BIT))
		SKIP(return, "the host has no XSAVE");
	vcpu_long(v, guest_osxsave);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(0, osxsave[0]);
	EXPECT_NE(0, osxsave[1]);
	EXPECT_EQ(0, osxsave[2]);
}

TEST(apic_bit_follows_apic_base)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_sregs s;

	vcpu_long(v, guest_ask);
	ask(v, 1, 0);
	EXPECT_NE(0, answer[3] & APIC_BIT);
	s = get_sregs(v);
	s.apic_base &= ~0x800ULL;
	set_sregs(v, &s);
	ask(v, 1, 0);
	EXPECT_EQ(0, answer[3] & APIC_BIT);
}

/* After the first run the table stands; the same table is still accepted. */
TEST(fixed_after_run)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();

	vcpu_long(v, guest_ask);
	/* A run is what the guest has seen of it. */
	v->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run(v));
	v->run->immediate_exit = 0;
	cpuid_find(c, 0x80000008, 0)->eax ^= 1;
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_CPUID2, c));
	cpuid_find(c, 0x80000008, 0)->eax ^= 1;
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_CPUID2, c));
	ask(v, 0, 0);
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_CPUID2, c));
	cpuid_find(c, 0x80000008, 0)->eax ^= 1;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_CPUID2, c));
}

LVX_TEST_MAIN
