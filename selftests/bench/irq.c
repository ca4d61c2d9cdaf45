// SPDX-License-Identifier: GPL-2.0
/*
 * Rows about interrupts: from the cause to the guest's handler, or there and
 * back. The handler's own way in and out (the library's stubs) is part of each,
 * the same on both devices.
 *
 * Where threads are involved, they have real-time priorities, the vCPUs' above
 * that of the thread that pokes them. On a host with one CPU the latter runs
 * only when the vCPU sleeps in HLT, and what it wakes up takes the CPU from it.
 * The guest's TSC is the host's.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include "apic.h"
#include "bench.h"

#define VECTOR		0x61
#define ECHO_VECTOR	0x71
#define GSI		24		/* leads to an MSI */
#define PORT_IRQFD	0x511
#define ICR_FIXED	0x4000
#define ICR_SELF	0x44000
#define NEAR		20000		/* ticks to a deadline */
#define FAR		1000000		/* beyond what a host would poll for */
#define NEVER		10000000000

enum { PRIO_POKE = 1, PRIO_VCPU = 2 };

volatile bool apic_x2;

static uint64_t sample[ROUNDS];
static volatile uint64_t started, arrived;
static volatile unsigned int wanted, hits, echoes;
static volatile bool stop;
static int irq_fd;

/* ------------------------------------------------------------------ guest */

static void on_interrupt(struct guest_frame *f)
{
	(void)f;
	arrived = rdtsc();
	hits++;
	apic_write(APIC_EOI, 0);
}

static void on_echo(struct guest_frame *f)
{
	(void)f;
	echoes++;
	apic_write(APIC_EOI, 0);
}

static void prepare(bool x2)
{
	apic_x2 = x2;
	apic_on();
	guest_handlers[VECTOR] = on_interrupt;
	guest_handlers[ECHO_VECTOR] = on_echo;
}

/* Sorted, the middle one is the median. */
static void report_median(void)
{
	uint64_t value;
	int i, j;

	for (i = 1; i < ROUNDS; i++) {
		value = sample[i];
		for (j = i; j && sample[j - 1] > value; j--)
			sample[j] = sample[j - 1];
		sample[j] = value;
	}
	result = sample[ROUNDS / 2];
	guest_sync(0);
}

static void guest_self_ipi_msr(void)
{
	prepare(true);
	sti();
	MEASURE(apic_icr(0, ICR_SELF | VECTOR));
}

static void guest_self_ipi_page(void)
{
	prepare(false);
	sti();
	MEASURE(apic_write(APIC_ICR, ICR_SELF | VECTOR));
}

static void guest_irqfd(void)
{
	prepare(true);
	sti();
	MEASURE(outb(PORT_IRQFD, 0));
}

static void guest_msi(void)
{
	prepare(true);
	sti();
	MEASURE(inb(PORT_USER));
}

static void guest_echo(void)
{
	unsigned int seen = 0;

	prepare(true);
	/* The last interrupt comes with stop set, and wants no answer. */
	for (;;) {
		while (echoes == seen)
			sti_hlt_cli();
		if (stop)
			guest_sync(0);
		seen++;
		apic_icr(0, ICR_FIXED | VECTOR);
	}
}

static void guest_ipi(void)
{
	unsigned int i, before;
	uint64_t start;

	prepare(true);
	for (i = 0; i < ROUNDS; i++) {
		before = hits;
		start = rdtsc();
		apic_icr(1, ICR_FIXED | ECHO_VECTOR);
		while (hits == before)
			sti_hlt_cli();
		sample[i] = rdtsc() - start;
	}
	stop = true;
	apic_icr(1, ICR_FIXED | ECHO_VECTOR);
	report_median();
}

static void guest_wakeup(void)
{
	unsigned int i, before;

	prepare(true);
	for (i = 0; i < ROUNDS; i++) {
		before = hits;
		wanted++;
		while (hits == before)
			sti_hlt_cli();
		sample[i] = arrived - started;
	}
	stop = true;
	report_median();
}

static void guest_deadline_arm(void)
{
	uint64_t when = rdtsc() + NEVER;

	prepare(true);
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | VECTOR);
	MEASURE(wrmsr(MSR_DEADLINE, when++));
}

/* Each sample is how much later than its deadline the interrupt was. */
static void deadlines(uint64_t distance, void (*wait)(unsigned int before))
{
	unsigned int i, before;
	uint64_t when;

	prepare(true);
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | VECTOR);
	for (i = 0; i < ROUNDS; i++) {
		before = hits;
		when = rdtsc() + distance;
		wrmsr(MSR_DEADLINE, when);
		wait(before);
		sample[i] = arrived - when;
	}
	report_median();
}

static void wait_busy(unsigned int before)
{
	sti();
	while (hits == before)
		;
	cli();
}

static void wait_halted(unsigned int before)
{
	while (hits == before)
		sti_hlt_cli();
}

static void guest_deadline_busy(void)
{
	deadlines(NEAR, wait_busy);
}

static void guest_deadline_halted(void)
{
	deadlines(FAR, wait_halted);
}

/* ------------------------------------------------------------------- host */

static struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

static void signal_msi(struct vm *vm)
{
	started = rdtsc();
	ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static void signal_irqfd(struct vm *vm)
{
	uint64_t one = 1;

	(void)vm;
	started = rdtsc();
	if (write(irq_fd, &one, sizeof(one)) != sizeof(one))
		die("write to an eventfd: %s", strerror(errno));
}

/* An eventfd that the guest signals itself, too. */
static void setup_irqfd(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routing = {
		{ .nr = 1 },
		{
			.gsi = GSI,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = VECTOR },
		},
	};
	struct kvm_irqfd args = { .gsi = GSI };

	irq_fd = new_ioeventfd(vm, PORT_IRQFD, 1, KVM_IOEVENTFD_FLAG_PIO);
	args.fd = irq_fd;
	do_ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routing);
	do_ioctl(vm->fd, KVM_IRQFD, &args);
}

static void setup_tsc(struct vcpu *v)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	/* The TSC deadline: a capability says what this list can't know. */
	cpuid_find(c, 1, 0)->ecx |= 1 << 24;
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	free(c);
	do_ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr);
}

const struct row irq_rows[] = {
	{ "self-ipi-x2apic", .guest = guest_self_ipi_msr },
	{ "self-ipi-xapic", .guest = guest_self_ipi_page },
	{ "irqfd-to-self", .guest = guest_irqfd, .setup = setup_irqfd },
	{ "msi-to-self", .guest = guest_msi, .served = signal_msi },
	{ "ipi-round-trip", .guest = guest_ipi, .guest2 = guest_echo,
	  .unsteady = true },
	{ "wake-up-msi", .guest = guest_wakeup, .setup_cpu = setup_tsc,
	  .poke = signal_msi, .unsteady = true },
	{ "wake-up-irqfd", .guest = guest_wakeup, .setup_cpu = setup_tsc,
	  .setup = setup_irqfd, .poke = signal_irqfd,
	  .unsteady = true },
	{ "deadline-arm", .guest = guest_deadline_arm, .setup_cpu = setup_tsc },
	{ "deadline-busy", .guest = guest_deadline_busy,
	  .setup_cpu = setup_tsc, .unsteady = true },
	{ "deadline-halted", .guest = guest_deadline_halted,
	  .setup_cpu = setup_tsc, .unsteady = true },
};

const unsigned int nr_irq_rows = sizeof(irq_rows) / sizeof(irq_rows[0]);

/* ---------------------------------------------------------------- threads */

static void set_priority(int policy, int prio)
{
	struct sched_param param = { .sched_priority = prio };

	if (sched_setscheduler(0, policy, &param))
		die("sched_setscheduler: %s", strerror(errno));
}

struct job {
	struct vm *vm;
	struct vcpu *v;
	const struct row *row;
	volatile bool running;
};

static void *poke(void *arg)
{
	struct job *job = arg;
	unsigned int done = 0;

	job->running = true;
	set_priority(SCHED_FIFO, PRIO_POKE);
	while (!stop) {
		if (done == wanted) {
			sched_yield();
			continue;
		}
		done++;
		job->row->poke(job->vm);
	}
	return NULL;
}

static void *run_second(void *arg)
{
	struct job *job = arg;

	job->running = true;
	serve(job->v, job->row);
	return NULL;
}

static struct vcpu *second(struct vm *vm, const struct row *row)
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = vcpu_new(vm, 1);

	do_ioctl(v->fd, KVM_SET_MP_STATE, &state);
	vcpu_long(v, row->guest2);
	return v;
}

/**
 * serve_with_threads() - serve(), with the other side of a row beside it
 * @v: vCPU 0
 * @row: has @guest2 or @poke
 */
void serve_with_threads(struct vcpu *v, const struct row *row)
{
	struct job job = { .vm = v->vm, .row = row };
	pthread_t thread;

	stop = false;
	wanted = hits = echoes = 0;
	if (row->guest2)
		job.v = second(v->vm, row);
	set_priority(SCHED_FIFO, PRIO_VCPU);
	/* It inherits the priority, and with one CPU goes on to its HLT. */
	if (pthread_create(&thread, NULL, row->guest2 ? run_second : poke,
			   &job))
		die("pthread_create");
	while (!job.running)
		sched_yield();
	serve(v, row);
	set_priority(SCHED_OTHER, 0);
	pthread_join(thread, NULL);
	if (job.v)
		vcpu_free(job.v);
}
