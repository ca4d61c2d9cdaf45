// SPDX-License-Identifier: GPL-2.0
/*
 * Time as the guest has it: kvmclock's shared page, wall clock, and the ioctls
 * by which a VMM stops and restores it.
 */
#include <time.h>

#include "harness.h"
#include "pvclock.h"

#define MSR_WALL_CLOCK		0x4b564d00
#define MSR_WALL_CLOCK_OLD	0x11
#define MSR_SYSTEM_TIME_OLD	0x12
#define GP			13

/* The layout is the ABI's: struct pvclock_wall_clock. */
struct wall_clock {
	uint32_t version, sec, nsec;
};

static volatile struct time_info info;
static volatile struct wall_clock wall __attribute__((aligned(64)));
static volatile uint32_t system_msr, wall_msr;
static volatile uint64_t guest_ns;

static void guest_clock(void)
{
	wrmsr(system_msr, (uintptr_t)&info | PVCLOCK_ENABLE);
	for (;;) {
		guest_ns = pvclock_ns(&info);
		guest_sync(0);
	}
}

static uint64_t next_ns(struct vcpu *v)
{
	vcpu_sync(v);
	return guest_ns;
}

static void clock_runs(struct __test_metadata *_metadata, uint32_t index)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_clock_data data;
	uint64_t ns, last, host;

	system_msr = index;
	vcpu_long(v, guest_clock);
	last = next_ns(v);
	host = now_ns();
	EXPECT_EQ(0, info.version & 1);
	EXPECT_NE(0, info.mul);
	for (int i = 0; i < 20; i++) {
		ns = next_ns(v);
		ASSERT_LT(last, ns);
		last = ns;
	}
	sleep_ms(50);
	ns = next_ns(v);
	host = now_ns() - host;
	/* what passed for the guest is what passed for the host */
	EXPECT_LT(50 * 1000000UL, ns - last);
	EXPECT_GT(host + 1000000, ns - last);
	do_ioctl(v->vm->fd, KVM_GET_CLOCK, &data);
	EXPECT_LE(ns, data.clock + 1000000);
	EXPECT_GT(ns + 50 * 1000000UL, data.clock);
}

TEST(clock_by_msr)
{
	clock_runs(_metadata, MSR_SYSTEM_TIME);
}

TEST(clock_by_old_msr)
{
	clock_runs(_metadata, MSR_SYSTEM_TIME_OLD);
}

TEST(set_clock)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_clock_data data = { .clock = 1ULL << 50 };
	uint64_t ns;

	system_msr = MSR_SYSTEM_TIME;
	vcpu_long(v, guest_clock);
	EXPECT_GT(1ULL << 40, next_ns(v));
	do_ioctl(v->vm->fd, KVM_SET_CLOCK, &data);
	ns = next_ns(v);
	EXPECT_LE(1ULL << 50, ns);
	EXPECT_GT((1ULL << 50) + 1000000000, ns);
}

/* A guest that was stopped can be told so, to calm its watchdogs. */
TEST(paused_flag)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	ASSERT_EQ(-EINVAL, try_ioctl(v->fd, KVM_KVMCLOCK_CTRL, NULL));
	system_msr = MSR_SYSTEM_TIME;
	vcpu_long(v, guest_clock);
	next_ns(v);
	EXPECT_EQ(0, info.flags & 2);
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_KVMCLOCK_CTRL, NULL));
	next_ns(v);
	EXPECT_EQ(2, info.flags & 2);
}

static void guest_wall(void)
{
	wrmsr(wall_msr, (uintptr_t)&wall);
}

TEST(wall_clock)
{
	static const uint32_t msrs[] = { MSR_WALL_CLOCK, MSR_WALL_CLOCK_OLD };

	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
		uint32_t now = time(NULL);

		wall.sec = 0;
		wall_msr = msrs[i];
		vcpu_long(v, guest_wall);
		vcpu_sync(v);
		EXPECT_EQ(0, wall.version & 1);
		EXPECT_GE(now + 1, wall.sec);
		EXPECT_LE(now - 2, wall.sec);
		EXPECT_GT(1000000000, wall.nsec);
	}
}

/* 0 is no address: it switches off what never was on. */
static void guest_wall_off(void)
{
	wrmsr(MSR_WALL_CLOCK, 0);
	wrmsr(MSR_WALL_CLOCK_OLD, 0);
}

TEST(wall_clock_at_zero)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint8_t before[PAGE];

	memset(v->vm->ram, 0x5a, 64);
	memcpy(before, v->vm->ram, sizeof(before));
	vcpu_long(v, guest_wall_off);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(0, memcmp(before, v->vm->ram, sizeof(before)));
}

/* Bits 5:1 of the steal-time MSR are reserved; bits below 6 are no address. */
#define MSR_STEAL_TIME		0x4b564d03

static volatile int steal_vectors[8];

static void guest_steal(void)
{
	for (int bit = 0; bit < 8; bit++)
		steal_vectors[bit] = TRY("wrmsr", :: "c"(MSR_STEAL_TIME),
					 "a"(1U << bit), "d"(0));
	wrmsr(MSR_STEAL_TIME, 0);
}

TEST(steal_time_reserved)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t value;

	vcpu_long(v, guest_steal);
	ASSERT_EQ(-1U, vcpu_sync(v));
	for (int bit = 0; bit < 8; bit++) {
		bool reserved = bit >= 1 && bit <= 5;

		EXPECT_EQ(reserved ? GP : -1, steal_vectors[bit]);
		EXPECT_EQ(!reserved, set_msr(v, MSR_STEAL_TIME, 1U << bit));
	}
	EXPECT_EQ(1, set_msr(v, MSR_STEAL_TIME, 0));
	EXPECT_EQ(1, get_msr(v, MSR_STEAL_TIME, &value));
	EXPECT_EQ(0, value);
}

/* One page serves all vCPUs (flag 1) only while their TSCs are the same. */
static volatile struct time_info infos[3];
static volatile uint64_t tsc_now;

static void guest_stable(void)
{
	uint32_t r[4];

	guest_cpuid(1, 0, r);
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&infos[r[1] >> 24] | PVCLOCK_ENABLE);
	for (;;) {
		tsc_now = rdtsc();
		guest_sync(0);
	}
}

static void set_offset(struct vcpu *v, uint64_t offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	do_ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr);
}

static uint64_t get_offset(struct vcpu *v)
{
	uint64_t offset;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	do_ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr);
	return offset;
}

/* Who is the last to run writes the page for what the others have done. */
static uint32_t flags_of(struct vcpu *v[], unsigned int nr)
{
	struct kvm_clock_data data;
	uint32_t all = 0, n = 0;

	for (unsigned int i = 0; i < 2 * nr; i++)
		vcpu_sync(v[i % nr]);
	do_ioctl(v[0]->vm->fd, KVM_GET_CLOCK, &data);
	for (unsigned int i = 0; i < nr; i++)
		n += infos[i].flags & PVCLOCK_STABLE;
	all = data.flags & KVM_CLOCK_TSC_STABLE ? 0x100 : 0;
	return all | n;
}

static void apic_id(struct vcpu *v)
{
	struct kvm_cpuid2 *c = supported_cpuid();

	cpuid_find(c, 1, 0)->ebx |= v->id << 24;
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	vcpu_long(v, guest_stable);
}

TEST(stable_while_tscs_agree)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v[3] = { vcpu_new(vm, 0), vcpu_new(vm, 1) };
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	uint64_t offset = get_offset(v[0]), value;

	for (int i = 0; i < 2; i++) {
		do_ioctl(v[i]->fd, KVM_SET_MP_STATE, &runnable);
		apic_id(v[i]);
		/* As VMMs do at start: "in step". */
		set_msr(v[i], 0x10, 0);
	}
	offset = get_offset(v[0]);
	ASSERT_EQ(offset, get_offset(v[1]));
	if (flags_of(v, 2) != 0x102)
		SKIP(return, "the host's TSCs do not agree");
	set_offset(v[1], offset + (1ULL << 40));
	EXPECT_EQ(0, flags_of(v, 2));
	/* One that comes in step with the last does not make the others so. */
	v[2] = vcpu_new(vm, 2);
	do_ioctl(v[2]->fd, KVM_SET_MP_STATE, &runnable);
	apic_id(v[2]);
	set_msr(v[2], 0x10, 0);
	EXPECT_EQ(0, flags_of(v, 3));
	for (int i = 0; i < 3; i++)
		set_offset(v[i], offset + (2ULL << 40));
	EXPECT_EQ(0x103, flags_of(v, 3));
	/* By the MSR, far away from what the others have. */
	get_msr(v[0], 0x10, &value);
	ASSERT_EQ(1, set_msr(v[0], 0x10, value + (1ULL << 40)));
	EXPECT_EQ(0, flags_of(v, 3));
}

/* The guest's own writes count, too, of which KVM takes no notice. */
static void guest_moves_tsc(void)
{
	uint32_t r[4];

	guest_cpuid(1, 0, r);
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&infos[r[1] >> 24] | PVCLOCK_ENABLE);
	guest_sync(0);
	wrmsr(0x10, rdtsc() + (1ULL << 40));
	guest_sync(0);
	wrmsr(0x3b, 0);
	guest_sync(0);
	guest_sync(0);
}

TEST(stable_while_the_guest_lets_it)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v[2] = { vcpu_new(vm, 0), vcpu_new(vm, 1) };
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

	if (!on_lvx())
		SKIP(return, "KVM leaves the flag set");
	for (int i = 0; i < 2; i++) {
		do_ioctl(v[i]->fd, KVM_SET_MP_STATE, &runnable);
		apic_id(v[i]);
	}
	vcpu_long(v[1], guest_moves_tsc);
	vcpu_sync(v[0]);
	vcpu_sync(v[1]);
	if (!(infos[0].flags & PVCLOCK_STABLE))
		SKIP(return, "the host's TSCs do not agree");
	vcpu_sync(v[1]);
	vcpu_sync(v[0]);
	EXPECT_EQ(0, infos[0].flags & PVCLOCK_STABLE);
	/* TSC_ADJUST back to 0: they agree again. */
	vcpu_sync(v[1]);
	vcpu_sync(v[0]);
	EXPECT_EQ(PVCLOCK_STABLE, infos[0].flags & PVCLOCK_STABLE);
	vcpu_sync(v[1]);
	EXPECT_EQ(PVCLOCK_STABLE, infos[1].flags & PVCLOCK_STABLE);
}

/* The TSC that the guest reads agrees with its declared frequency. */
static void guest_tsc(void)
{
	for (;;) {
		guest_ns = rdtsc();
		guest_sync(0);
	}
}

TEST(tsc_frequency)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t khz = do_ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	uint64_t ticks, start;

	vcpu_long(v, guest_tsc);
	ticks = next_ns(v);
	start = now_ns();
	sleep_ms(100);
	ticks = next_ns(v) - ticks;
	start = now_ns() - start;
	EXPECT_LT(start / 1000000 * khz * 8 / 10, ticks);
	EXPECT_GT(start / 1000000 * khz * 12 / 10, ticks);
}

static volatile int vectors[3];

static void guest_bad_clock(void)
{
	vectors[0] = TRY("wrmsr", :: "c"(MSR_SYSTEM_TIME),
			 "a"(0xd0000001), "d"(0));	/* no memory there */
	vectors[1] = TRY("rdmsr", :: "c"(MSR_SYSTEM_TIME) : "rax", "rdx");
	vectors[2] = TRY("wrmsr", :: "c"(0x4b564d08), "a"(1), "d"(0));
}

/* A page that is not there is the guest's own loss, not the host's. */
TEST(clock_page_missing)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, guest_bad_clock);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(-1, vectors[0]);
	EXPECT_EQ(-1, vectors[1]);
	EXPECT_EQ(GP, vectors[2]);
}

LVX_TEST_MAIN
