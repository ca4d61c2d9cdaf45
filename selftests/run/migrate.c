// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that is read out and written into a new one goes on as if nothing had
 * happened. The guest (workload.c) does its work once undisturbed, and once
 * moved from VM to VM at random moments. Both must end with the same result.
 *
 * Two vCPUs take turns in one thread, a slice of random length each.
 */
#include <time.h>

#include "harness.h"
#include "apic.h"
#include "snapshot.h"
#include "workload.h"

/* After so many the guest may come to its end in peace, however slow it is. */
#define MAX_MOVES	100

static struct host {
	struct vm *vm;
	struct vcpu *v[2];
	uint8_t device[64];
	uint32_t port;
	uint32_t random;
	bool finished;
} host;

static void command(uint32_t what)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = V_MSI };

	switch (what) {
	case EDGE:
		vm_irq(host.vm, GSI_EDGE, 1);
		vm_irq(host.vm, GSI_EDGE, 0);
		break;
	case LEVEL_UP:
	case LEVEL_DOWN:
		vm_irq(host.vm, GSI_LEVEL, what == LEVEL_UP);
		break;
	case PIC_LINE:
		vm_irq(host.vm, GSI_PIC, 1);
		vm_irq(host.vm, GSI_PIC, 0);
		break;
	case NMI:
		do_ioctl(host.v[0]->fd, KVM_NMI, 0);
		break;
	case SEND_MSI:
		do_ioctl(host.vm->fd, KVM_SIGNAL_MSI, &msi);
		break;
	}
}

/* Numerical Recipes' linear congruential generator: its high bits are good. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* A device whose answers depend on all that was written to it. */
static void serve_port(struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	for (uint32_t i = 0; i < run->io.count * run->io.size; i++) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			host.port ^= data[i];
		next_random(&host.port);
		if (run->io.direction == KVM_EXIT_IO_IN)
			data[i] = host.port >> 24;
	}
}

static void serve_mmio(struct kvm_run *run)
{
	uint64_t offset = run->mmio.phys_addr - DEVICE;

	if (run->mmio.phys_addr == COMMAND)
		command(run->mmio.data[0]);
	else if (offset + run->mmio.len > sizeof(host.device))
		die("device: offset %#lx", (long)offset);
	else if (run->mmio.is_write)
		memcpy(host.device + offset, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, host.device + offset, run->mmio.len);
}

static void serve(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if (run->exit_reason == KVM_EXIT_MMIO)
		serve_mmio(run);
	else if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT)
		serve_port(run);
	else if (vcpu_report(v) == -1U)
		host.finished = true;
}

static void kick(int sig)
{
	(void)sig;
	for (unsigned int i = 0; i < 2; i++)
		host.v[i]->run->immediate_exit = 1;
}

/*
 * The vCPU's turn; it ends with nothing left to be completed. Mostly short, but
 * long enough now and then to get on: a new VM has to map its memory first.
 */
static void slice(struct vcpu *v, timer_t timer)
{
	struct itimerspec when = {
		.it_value.tv_nsec = 20000 +
			(next_random(&host.random) % 8000000 >>
			 next_random(&host.random) % 8),
	};
	long ret = 0;

	timer_settime(timer, 0, &when, NULL);
	while (!host.finished && (ret = vcpu_run(v)) == 0)
		serve(v);
	if (ret && ret != -EINTR)
		die("KVM_RUN: %s", strerror(-ret));
	memset(&when, 0, sizeof(when));
	timer_settime(timer, 0, &when, NULL);
	for (unsigned int i = 0; i < 2; i++)
		host.v[i]->run->immediate_exit = 0;
}

/*
 * KVM_RUN with a signal pending: an interrupt is on its way into the guest when
 * the signal is noticed, and has to be kept.
 */
static void poke(struct vcpu *v)
{
	struct { struct kvm_signal_mask head; sigset_t set; } mask = {
		.head.len = 8,
	};
	struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	do_ioctl(v->fd, KVM_SET_SIGNAL_MASK, &mask);
	raise(SIGUSR2);
	if (vcpu_run(v) != -EINTR)
		die("KVM_RUN overlooked a signal");
	sigtimedwait(&set, NULL, &now);
	do_ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL);
}

static void new_vcpu(unsigned int id, void (*fn)(void))
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = vcpu_new(host.vm, id);

	cpuid_find(c, 1, 0)->ecx |= 1 << 24;	/* TSC deadline */
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	free(c);
	vcpu_long(v, fn);
	do_ioctl(v->fd, KVM_SET_MP_STATE, &mp);
	/* Old enough that KVM takes no later value for a synchronization. */
	set_msr(v, 0x10, 1ULL << 40);
	host.v[id] = v;
}

/* From start to end, moving after each round of slices if @moves. */
static struct result run_all(bool moves, enum tsc_by how)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction sa = { .sa_handler = kick };
	timer_t timer;

	workload_start();
	memset(&host, 0, sizeof(host));
	host.vm = vm_new(VM_PIT);
	new_vcpu(0, g_main);
	new_vcpu(1, g_second);
	sigaction(SIGUSR1, &sa, NULL);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	while (!host.finished) {
		for (unsigned int i = 0; i < 2 && !host.finished; i++)
			slice(host.v[i], timer);
		if (!moves || host.finished || census.taken >= MAX_MOVES)
			continue;
		if (next_random(&host.random) & 1)
			poke(host.v[0]);
		vm_move(host.vm, host.v, 2, how);
	}
	timer_delete(timer);
	return result;
}

FIXTURE(migrate)
{
};

FIXTURE_VARIANT(migrate)
{
	bool x2;
	enum tsc_by how;
};

FIXTURE_VARIANT_ADD(migrate, xapic) { .x2 = false, .how = TSC_BY_MSR };
FIXTURE_VARIANT_ADD(migrate, x2apic) { .x2 = true, .how = TSC_BY_OFFSET };

FIXTURE_SETUP(migrate)
{
	(void)self;
	apic_x2 = variant->x2;
}

FIXTURE_TEARDOWN(migrate)
{
	(void)self;
}

TEST_F_TIMEOUT(migrate, at_random_moments, 60)
{
	struct result undisturbed, moved;

	(void)self;
	undisturbed = run_all(false, variant->how);
	moved = run_all(true, variant->how);
	EXPECT_EQ(0, memcmp(&undisturbed, &moved, sizeof(moved)));
	EXPECT_LE(10, census.taken);
	EXPECT_EQ(ROUNDS, moved.edge);
	EXPECT_EQ(ROUNDS, moved.level);
	EXPECT_EQ(ROUNDS, moved.pic);
	EXPECT_EQ(ROUNDS, moved.msi);
	EXPECT_EQ(2 * ROUNDS, moved.self);
	EXPECT_EQ(2 * ROUNDS, moved.nmi);
	EXPECT_EQ(ROUNDS, moved.ipi);
	TH_LOG("moved %u times; with an interrupt requested %u, in service %u, injected %u, shadow %u, NMI pending %u, masked %u, halted %u",
	       census.taken, census.irr, census.isr, census.injected,
	       census.shadow, census.nmi_pending, census.nmi_masked,
	       census.halted);
}

LVX_TEST_MAIN
