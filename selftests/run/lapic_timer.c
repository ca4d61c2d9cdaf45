// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC's timer, in its three modes and in both modes of the LAPIC.
 */
#include "lapic_fixture.h"

static volatile uint32_t nr_taken;
static volatile uint64_t taken_at;

static void on_interrupt(struct guest_frame *f)
{
	(void)f;
	taken_at = rdtsc();
	nr_taken++;
	apic_write(APIC_EOI, 0);
}

static void g_oneshot(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0xec);
	apic_write(APIC_TIMER_INIT, 3000000);
	CHECK(apic_read(APIC_TIMER_CURRENT) > 0);
	CHECK(apic_read(APIC_TIMER_CURRENT) <= 3000000);
	sti_hlt_cli();
	CHECK_EQ(1, nr_taken);
	CHECK_EQ(0, apic_read(APIC_TIMER_CURRENT));
	/* Masked, it expires in silence. */
	apic_write(APIC_LVT_TIMER, LVT_MASKED | 0xec);
	apic_write(APIC_TIMER_INIT, 1000);
	while (apic_read(APIC_TIMER_CURRENT))
		;
	sti_nop_cli();
	CHECK_EQ(1, nr_taken);
}

TEST_F(lapic, oneshot)
{
	vcpu_long(self->v, g_oneshot);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

static void g_periodic(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_TIMER_DIVIDE, 0);
	apic_write(APIC_LVT_TIMER, TIMER_PERIODIC | 0xec);
	apic_write(APIC_TIMER_INIT, 500000);
	while (nr_taken < 5)
		sti_hlt_cli();
	apic_write(APIC_TIMER_INIT, 0);
	CHECK_EQ(0, apic_read(APIC_TIMER_CURRENT));
}

TEST_F(lapic, periodic)
{
	uint64_t start = now_ns();

	vcpu_long(self->v, g_periodic);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
	/* Five periods of a millisecond. */
	ASSERT_LE(5000000, now_ns() - start);
}

static void g_deadline(void)
{
	uint64_t deadline, left;

	apic_on();
	guest_handlers[0xec] = on_interrupt;
	/* In another mode the MSR does not exist, so to say. */
	wrmsr(MSR_DEADLINE, rdtsc());
	CHECK_EQ(0, rdmsr(MSR_DEADLINE));
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | 0xec);
	for (int i = 1; i <= 3; i++) {
		deadline = rdtsc() + 500000;
		wrmsr(MSR_DEADLINE, deadline);
		left = rdmsr(MSR_DEADLINE);
		/* 0 when it has fired. */
		CHECK(left == deadline || (!left && rdtsc() >= deadline));
		sti_hlt_cli();
		CHECK_EQ(i, nr_taken);
		CHECK(rdtsc() >= deadline);
		CHECK_EQ(0, rdmsr(MSR_DEADLINE));
	}
	/* One in the past comes at once. */
	wrmsr(MSR_DEADLINE, 1);
	sti_nop_cli();
	CHECK_EQ(4, nr_taken);
}

/* However near, it is neither early nor lost; what is taken back is gone. */
static void g_deadline_busy(void)
{
	uint64_t deadline;
	uint32_t i;

	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | 0xec);
	for (i = 0; i < 60; i++) {
		deadline = rdtsc() + i * i * 11;
		wrmsr(MSR_DEADLINE, deadline);
		sti();
		while (nr_taken == i)
			;
		cli();
		CHECK_EQ(i + 1, nr_taken);
		CHECK(taken_at >= deadline);
		CHECK_EQ(0, rdmsr(MSR_DEADLINE));
	}
	deadline = rdtsc() + 50000;
	wrmsr(MSR_DEADLINE, deadline);
	wrmsr(MSR_DEADLINE, 0);
	sti();
	while (rdtsc() < deadline + 50000)
		;
	cli();
	CHECK_EQ(60, nr_taken);
}

/* The guest's clock reaches a deadline by being set, too. */
static void g_deadline_by_jump(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | 0xec);
	wrmsr(MSR_DEADLINE, rdtsc() + (1ULL << 50));
	wrmsr(MSR_TSC, rdtsc() + (1ULL << 51));
	sti_hlt_cli();
	CHECK_EQ(1, nr_taken);
}

/* A deadline that never comes: something else ends the HLT. */
static void g_deadline_never(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | 0xed);
	wrmsr(MSR_DEADLINE, -1ULL);
	guest_sync(1);
	sti_hlt_cli();
	CHECK_EQ(1, nr_taken);
	CHECK_EQ(-1ULL, rdmsr(MSR_DEADLINE));
}

static void run_with_deadline(struct vcpu *v, void (*fn)(void))
{
	struct kvm_cpuid2 *c = supported_cpuid();

	/* A capability says what KVM_GET_SUPPORTED_CPUID can't know. */
	cpuid_find(c, 1, 0)->ecx |= 1 << 24;
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	vcpu_long(v, fn);
}

TEST_F(lapic, deadline)
{
	run_with_deadline(self->v, g_deadline);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

TEST_F(lapic, deadline_busy)
{
	run_with_deadline(self->v, g_deadline_busy);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

TEST_F(lapic, deadline_never)
{
	struct kvm_msi wake = { .address_lo = 0xfee00000, .data = 0xec };

	run_with_deadline(self->v, g_deadline_never);
	ASSERT_EQ(1, vcpu_sync(self->v));
	alarm_ms(SIGUSR1, 50);
	ASSERT_EQ(-EINTR, vcpu_run(self->v));
	do_ioctl(self->vm->fd, KVM_SIGNAL_MSI, &wake);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

TEST_F(lapic, deadline_by_jump)
{
	if (!on_lvx())
		SKIP(return, "KVM goes on waiting");
	run_with_deadline(self->v, g_deadline_by_jump);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

static void g_no_deadline(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | 0xec);
	CHECK_EQ(0xec, apic_read(APIC_LVT_TIMER));
	wrmsr(MSR_DEADLINE, 1);
	CHECK_EQ(0, rdmsr(MSR_DEADLINE));
	apic_write(APIC_TIMER_INIT, 1000);
	sti_hlt_cli();
	CHECK_EQ(1, nr_taken);
}

/* What CPUID does not have, the LAPIC does not have. */
TEST_F(lapic, without_deadline)
{
	vcpu_long(self->v, g_no_deadline);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* A timer that is due while the guest does not run is not lost. */
static void g_timer_across_exit(void)
{
	apic_on();
	guest_handlers[0xec] = on_interrupt;
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0xec);
	apic_write(APIC_TIMER_INIT, 1000000);
	guest_sync(1);
	sti_nop_cli();
	CHECK_EQ(1, nr_taken);
}

TEST_F(lapic, across_exit)
{
	vcpu_long(self->v, g_timer_across_exit);
	ASSERT_EQ(1, vcpu_sync(self->v));
	sleep_ms(20);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

LVX_TEST_MAIN
