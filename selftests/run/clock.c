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
