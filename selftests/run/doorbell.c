// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells and lines in detail: which write of the guest signals which eventfd
 * (address, length, value), and what KVM_IRQ_LINE_STATUS says became of an
 * interrupt.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include "harness.h"
#include "apic.h"
#include "pic.h"

volatile bool apic_x2 = true;

/* --------------------------------------------------------------- ioeventfd */

static volatile struct {
	bool pio;
	uint64_t addr, value;
	uint8_t size;
} cmd;

/* One write after the other, as the host says. */
static void g_writer(void)
{
	for (;;) {
		uint64_t a = cmd.addr, v = cmd.value;

		if (cmd.pio && cmd.size == 1)
			outb(a, v);
		else if (cmd.pio && cmd.size == 2)
			outw(a, v);
		else if (cmd.pio)
			outl(a, v);
		else if (cmd.size == 1)
			*(volatile uint8_t *)a = v;
		else if (cmd.size == 2)
			*(volatile uint16_t *)a = v;
		else if (cmd.size == 4)
			*(volatile uint32_t *)a = v;
		else if (cmd.size == 8)
			*(volatile uint64_t *)a = v;
		guest_sync(0);
	}
}

static bool at_sync(struct vcpu *v)
{
	return v->run->exit_reason == KVM_EXIT_IO &&
	       v->run->io.port == PORT_SYNC;
}

/* Does the write stay in the kernel? */
static bool rings(struct vcpu *v, bool pio, uint64_t addr, uint8_t size,
		  uint64_t value)
{
	bool user = false;

	cmd.pio = pio;
	cmd.addr = addr;
	cmd.size = size;
	cmd.value = value;
	while (vcpu_exit(v), !at_sync(v)) {
		uint32_t reason = pio ? KVM_EXIT_IO : KVM_EXIT_MMIO;

		if (v->run->exit_reason != reason) {
			vcpu_dump(v);
			die("unexpected exit");
		}
		user = true;
	}
	return !user;
}

static uint64_t signals(int fd)
{
	eventfd_t n = 0;

	return eventfd_read(fd, &n) ? 0 : n;
}

static void connect(struct vm *vm, int fd, uint64_t addr, uint32_t len,
		    uint32_t flags, uint64_t match)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .flags = flags,
		.datamatch = match,
	};

	do_ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

FIXTURE(doorbell)
{
	struct vm *vm;
	struct vcpu *v;
	int fd[4];
};

FIXTURE_VARIANT(doorbell)
{
	uint64_t addr;
	uint32_t flag;
	uint8_t max;
};

FIXTURE_VARIANT_ADD(doorbell, port) {
	.addr = 0x5000, .flag = KVM_IOEVENTFD_FLAG_PIO, .max = 4
};

FIXTURE_VARIANT_ADD(doorbell, memory) {
	.addr = GPA_MMIO + 0x800, .flag = 0, .max = 8
};

FIXTURE_SETUP(doorbell)
{
	self->vm = vm_new(0);
	self->v = vcpu_new(self->vm, 0);
	for (size_t i = 0; i < ARRAY_SIZE(self->fd); i++)
		self->fd[i] = eventfd(0, EFD_NONBLOCK);
	vcpu_long(self->v, g_writer);
}

FIXTURE_TEARDOWN(doorbell)
{
}

#define CONNECT(i, offset, len, flags, match)				\
	connect(self->vm, self->fd[i], variant->addr + (offset), len,	\
		(flags) | variant->flag, match)
#define RINGS(offset, size, value)					\
	rings(self->v, variant->flag, variant->addr + (offset), size, value)
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define REMOVE	KVM_IOEVENTFD_FLAG_DEASSIGN

TEST_F(doorbell, length)
{
	for (uint8_t len = 1; len <= variant->max; len *= 2) {
		CONNECT(0, 0, len, 0, 0);
		for (uint8_t size = 1; size <= variant->max; size *= 2) {
			EXPECT_EQ(size == len, RINGS(0, size, 7));
			EXPECT_EQ(size == len, signals(self->fd[0]));
		}
		EXPECT_EQ(false, RINGS(1, len, 7));
		CONNECT(0, 0, len, REMOVE, 0);
		EXPECT_EQ(false, RINGS(0, len, 7));
	}
}

TEST_F(doorbell, any_length)
{
	CONNECT(0, 0, 0, 0, 0);
	for (uint8_t size = 1; size <= variant->max; size *= 2)
		EXPECT_EQ(true, RINGS(0, size, size));
	EXPECT_EQ(variant->max == 8 ? 4 : 3, signals(self->fd[0]));
	EXPECT_EQ(false, RINGS(1, 1, 1));
	CONNECT(0, 0, 0, REMOVE, 0);
	EXPECT_EQ(false, RINGS(0, 1, 1));
}

/* A queue's number is written: one address, an eventfd for each. */
TEST_F(doorbell, value)
{
	CONNECT(0, 0, 2, MATCH, 1);
	CONNECT(1, 0, 2, MATCH, 2);
	CONNECT(2, 0, 4, MATCH, 1);
	EXPECT_EQ(true, RINGS(0, 2, 1));
	EXPECT_EQ(true, RINGS(0, 2, 2));
	EXPECT_EQ(true, RINGS(0, 2, 0x10002));
	EXPECT_EQ(false, RINGS(0, 2, 3));
	EXPECT_EQ(true, RINGS(0, 4, 1));
	EXPECT_EQ(false, RINGS(0, 4, 0x10001));
	EXPECT_EQ(1, signals(self->fd[0]));
	EXPECT_EQ(2, signals(self->fd[1]));
	EXPECT_EQ(1, signals(self->fd[2]));
	CONNECT(1, 0, 2, MATCH | REMOVE, 2);
	EXPECT_EQ(true, RINGS(0, 2, 1));
	EXPECT_EQ(false, RINGS(0, 2, 2));
	/* More than fits into the length never matches. */
	CONNECT(3, 0, 1, MATCH, 0x1ff);
	EXPECT_EQ(false, RINGS(0, 1, 0xff));
}

TEST_F(doorbell, all_bits_of_the_value)
{
	uint64_t big = variant->max == 8 ? 0x8877665544332211 : 0x88776655;

	CONNECT(0, 0, variant->max, MATCH, big);
	EXPECT_EQ(true, RINGS(0, variant->max, big));
	EXPECT_EQ(false, RINGS(0, variant->max, big ^ 1));
	EXPECT_EQ(false, RINGS(0, variant->max, big ^ 1ULL << 31));
	EXPECT_EQ(1, signals(self->fd[0]));
}

/*
 * Who waits for a doorbell on the CPU that the guest runs on gets it when the
 * doorbell rings, and not with the host's next tick, of which there is one in
 * 4 ms.
 */
#define RINGS_IN_ALL	31

static volatile uint32_t answered;
static volatile uint64_t delay[RINGS_IN_ALL];

static void g_ringer(void)
{
	for (uint32_t i = 0; i < RINGS_IN_ALL; i++) {
		uint64_t start = rdtsc();

		outw(0x5000, 1);
		while (answered == i)
			relax();
		delay[i] = rdtsc() - start;
	}
}

static void *answerer(void *arg)
{
	eventfd_t n;

	while (answered < RINGS_IN_ALL && !eventfd_read(*(int *)arg, &n))
		answered++;
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

TEST(rings_at_once)
{
	struct sched_param prio = { .sched_priority = 1 };
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	int fd = eventfd(0, 0);
	uint64_t sorted[RINGS_IN_ALL];
	pthread_t thread;
	cpu_set_t cpu;

	connect(vm, fd, 0x5000, 2, KVM_IOEVENTFD_FLAG_PIO, 0);
	vcpu_long(v, g_ringer);
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	/* Inherits the CPU. */
	ASSERT_EQ(0, pthread_create(&thread, NULL, answerer, &fd));
	ASSERT_EQ(0, pthread_setschedparam(thread, SCHED_FIFO, &prio));
	ASSERT_EQ(-1U, vcpu_sync(v));
	pthread_join(thread, NULL);
	for (int i = 0; i < RINGS_IN_ALL; i++)
		sorted[i] = delay[i];
	qsort(sorted, RINGS_IN_ALL, sizeof(sorted[0]), by_value);
	/* In microseconds. */
	ASSERT_GT(1000, sorted[RINGS_IN_ALL / 2] * 1000 /
			do_ioctl(v->fd, KVM_GET_TSC_KHZ, 0));
}

/* -------------------------------------------------------- IRQ_LINE_STATUS */

#define VECTOR	0x51
#define GSI	20			/* the IOAPIC's alone */

static volatile uint32_t pin_low, nr_taken;
static volatile bool take;

static void on_irq(struct guest_frame *f)
{
	(void)f;
	nr_taken++;
	apic_write(APIC_EOI, 0);
}

/* Sets the pin as the host says, and takes what is pending. */
static void g_pin(void)
{
	apic_on();
	for (;;) {
		ioapic_write(0x10 + 2 * GSI, pin_low);
		if (take)
			sti_nop_cli();
		guest_sync(0);
	}
}

static int line(struct vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	do_ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &irq);
	return irq.status;
}

TEST(line_status)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);

	guest_handlers[VECTOR] = on_irq;
	pin_low = RTE_MASKED | VECTOR;
	vcpu_long(v, g_pin);
	vcpu_sync(v);
	/* Masked: ignored. No route, and no such GSI: likewise. */
	EXPECT_EQ(-1, line(vm, GSI, 1));
	EXPECT_EQ(1, line(vm, GSI, 0));
	EXPECT_EQ(-1, line(vm, 100, 1));
	EXPECT_EQ(-1, line(vm, -1U, 1));
	/* An edge goes to one CPU, and up twice is no second edge. */
	pin_low = VECTOR;
	vcpu_sync(v);
	EXPECT_EQ(1, line(vm, GSI, 1));
	EXPECT_EQ(0, line(vm, GSI, 1));
	EXPECT_EQ(1, line(vm, GSI, 0));
	/* That the CPU has not taken the first one yet, only its LAPIC knows. */
	EXPECT_EQ(1, line(vm, GSI, 1));
	EXPECT_EQ(1, line(vm, GSI, 0));
	take = true;
	vcpu_sync(v);
	EXPECT_EQ(1, nr_taken);
	EXPECT_EQ(1, line(vm, GSI, 1));
	EXPECT_EQ(1, line(vm, GSI, 0));
	vcpu_sync(v);
	EXPECT_EQ(2, nr_taken);
}

TEST(line_status_level)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);

	guest_handlers[VECTOR] = on_irq;
	pin_low = RTE_LEVEL | VECTOR;
	vcpu_long(v, g_pin);
	vcpu_sync(v);
	EXPECT_EQ(1, line(vm, GSI, 1));
	/* Up already, and not acknowledged. */
	EXPECT_EQ(-1, line(vm, GSI, 1));
	EXPECT_EQ(1, line(vm, GSI, 0));
	/* Requested even so, and acknowledged once. */
	take = true;
	vcpu_sync(v);
	EXPECT_EQ(1, nr_taken);
	vcpu_sync(v);
	EXPECT_EQ(1, nr_taken);
}

LVX_TEST_MAIN
