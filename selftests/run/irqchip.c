// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controllers of a PC in the kernel: lines through PIC and
 * IOAPIC, the timer at GSI 0, routing, eventfds that interrupt and eventfds
 * that the guest signals.
 */
#include <sys/eventfd.h>

#include "harness.h"
#include "apic.h"
#include "pic.h"

volatile bool apic_x2 = true;

#define VECTOR		0x71

static volatile uint32_t nr_taken, last_vector;

static void on_apic(struct guest_frame *f)
{
	last_vector = f->vector;
	nr_taken++;
	apic_write(APIC_EOI, 0);
}

static void on_pic(struct guest_frame *f)
{
	last_vector = f->vector;
	nr_taken++;
	if (f->vector >= PIC_BASE + 8)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void all_pic_on(void)
{
	pic_on(0, 0);
	for (int i = 0; i < 16; i++)
		guest_handlers[PIC_BASE + i] = on_pic;
}

FIXTURE(irq)
{
	struct vm *vm;
	struct vcpu *v;
};

FIXTURE_SETUP(irq)
{
	self->vm = vm_new(VM_IRQCHIP | VM_PIT);
	self->v = vcpu_new(self->vm, 0);
}

FIXTURE_TEARDOWN(irq)
{
}

/* --------------------------------------------------------------------- PIC */

static void g_pic(void)
{
	all_pic_on();
	for (uint32_t i = 3; i < 16; i++) {
		guest_sync(i);
		sti_nop_cli();
		CHECK_EQ(i - 2, nr_taken);
		CHECK_EQ(PIC_BASE + i, last_vector);
	}
	/* Masked, then unmasked. */
	outb(0x21, 0x10);
	guest_sync(4);
	sti_nop_cli();
	CHECK_EQ(13, nr_taken);
	outb(0x21, 0);
	sti_nop_cli();
	CHECK_EQ(14, nr_taken);
	guest_sync(0);
	/* A line that goes up ends a HLT. */
	sti_hlt_cli();
	CHECK_EQ(15, nr_taken);
}

/* The LAPIC is as reset left it: LINT0 passes the PIC's interrupts on. */
TEST_F(irq, pic)
{
	uint32_t gsi;

	vcpu_long(self->v, g_pic);
	while ((gsi = vcpu_sync(self->v))) {
		vm_irq(self->vm, gsi, 1);
		vm_irq(self->vm, gsi, 0);
	}
	vm_irq(self->vm, 5, 1);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

static void g_pic_masked_at_lint0(void)
{
	all_pic_on();
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	guest_sync(1);
	sti_nop_cli();
	CHECK_EQ(0, nr_taken);
	apic_write(APIC_LVT_LINT0, 0x700);
	/* KVM looks at the PIC again only when something else happens. */
	apic_icr(0, 0x44000 | VECTOR);
	sti_nop_cli();
	CHECK_EQ(2, nr_taken);
}

TEST_F(irq, pic_masked_at_lint0)
{
	vcpu_long(self->v, g_pic_masked_at_lint0);
	ASSERT_EQ(1, vcpu_sync(self->v));
	vm_irq(self->vm, 5, 1);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* ------------------------------------------------------------------ IOAPIC */

static void g_ioapic_edge(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	CHECK_EQ(0x170011, ioapic_read(1));
	for (uint32_t pin = 1; pin < 24; pin++) {
		ioapic_pin(pin, VECTOR);
		guest_sync(pin);
		sti_nop_cli();
		CHECK_EQ(pin, nr_taken);
		ioapic_pin(pin, RTE_MASKED | VECTOR);
	}
}

TEST_F(irq, ioapic_edge)
{
	uint32_t pin;

	vcpu_long(self->v, g_ioapic_edge);
	while ((pin = vcpu_sync(self->v)) != -1U) {
		vm_irq(self->vm, pin, 1);
		vm_irq(self->vm, pin, 0);
	}
}

/*
 * As long as the line is up, each EOI is followed by the next interrupt, before
 * a single instruction of what was interrupted.
 */
static void on_level(struct guest_frame *f)
{
	nr_taken++;
	CHECK_EQ(VECTOR, f->vector);
	CHECK_EQ(1U << (VECTOR & 31), apic_read(APIC_TMR + 0x30));
	CHECK(ioapic_read(0x10 + 20) & (1 << 14));
	if (nr_taken == 3)
		guest_sync(2);
	apic_write(APIC_EOI, 0);
}

static void g_ioapic_level(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_level;
	ioapic_pin(10, RTE_LEVEL | VECTOR);
	guest_sync(1);
	sti_nop_cli();
	CHECK_EQ(3, nr_taken);
	sti_nop_cli();
	CHECK_EQ(3, nr_taken);
	CHECK_EQ(RTE_LEVEL | VECTOR, ioapic_read(0x10 + 20));
}

TEST_F(irq, ioapic_level)
{
	vcpu_long(self->v, g_ioapic_level);
	ASSERT_EQ(1, vcpu_sync(self->v));
	vm_irq(self->vm, 10, 1);
	ASSERT_EQ(2, vcpu_sync(self->v));
	vm_irq(self->vm, 10, 0);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/*
 * But a handler that does no more than that can't stop the processor for ever:
 * each so many interrupts the others get some time.
 */
static void g_storm(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	ioapic_pin(10, RTE_LEVEL | VECTOR);
	guest_sync(1);
	sti();
	asm volatile("nop; nop");
	guest_sync(2);
	asm volatile("nop; nop");
	cli();
	last_vector = 0;
	sti_nop_cli();
	CHECK_EQ(0, last_vector);
}

TEST_F(irq, ioapic_storm)
{
	vcpu_long(self->v, g_storm);
	ASSERT_EQ(1, vcpu_sync(self->v));
	vm_irq(self->vm, 10, 1);
	ASSERT_EQ(2, vcpu_sync(self->v));
	EXPECT_LE(10000, nr_taken);
	vm_irq(self->vm, 10, 0);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* --------------------------------------------------------------------- PIT */

static void pit_periodic(uint16_t count)
{
	outb(0x43, 0x34);
	outb(0x40, count & 0xff);
	outb(0x40, count >> 8);
}

static void g_pit_pic(void)
{
	all_pic_on();
	pit_periodic(1193);
	while (nr_taken < 5)
		sti_hlt_cli();
	CHECK_EQ(PIC_BASE, last_vector);
}

TEST_F(irq, pit_through_the_pic)
{
	uint64_t start = now_ns();

	vcpu_long(self->v, g_pit_pic);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
	ASSERT_LE(5 * 990000, now_ns() - start);
}

static void g_pit_ioapic(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	ioapic_pin(0, VECTOR);
	pit_periodic(1193);
	while (nr_taken < 5)
		sti_hlt_cli();
	/* Those that pile up come one by one, and none is lost. */
	guest_sync(1);
	nr_taken = 0;
	while (nr_taken < 20)
		sti_nop_cli();
}

TEST_F(irq, pit_through_the_ioapic)
{
	vcpu_long(self->v, g_pit_ioapic);
	ASSERT_EQ(1, vcpu_sync(self->v));
	sleep_ms(30);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

static void g_pit_count(void)
{
	uint16_t a, b;

	/* Counter 2, as used for calibration: gate up, mode 0, until OUT. */
	outb(0x61, 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xa9);
	outb(0x42, 4);
	outb(0x43, 0x80);
	a = inb(0x42);
	a |= inb(0x42) << 8;
	CHECK(a <= 1193);
	while (!(inb(0x61) & 0x20))
		;
	outb(0x43, 0x80);
	b = inb(0x42);
	b |= inb(0x42) << 8;
	CHECK((uint16_t)(1193 - b) >= 1193);
}

TEST_F(irq, pit_counter_2)
{
	vcpu_long(self->v, g_pit_count);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

TEST_F(irq, pit_state)
{
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 a, b;

	ASSERT_EQ(-EEXIST, try_ioctl(self->vm->fd, KVM_CREATE_PIT2, &config));
	do_ioctl(self->vm->fd, KVM_GET_PIT2, &a);
	ASSERT_EQ(0x10000, a.channels[0].count);
	a.channels[2].count = 77;
	a.channels[2].mode = 3;
	do_ioctl(self->vm->fd, KVM_SET_PIT2, &a);
	do_ioctl(self->vm->fd, KVM_GET_PIT2, &b);
	ASSERT_EQ(77, b.channels[2].count);
	ASSERT_EQ(3, b.channels[2].mode);
}

/* ----------------------------------------------------------------- eventfds */

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	if (fd < 0)
		die("eventfd: %m");
	return fd;
}

static uint64_t signals(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void signal_eventfd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("write to eventfd: %m");
}

static long irqfd(struct vm *vm, int fd, uint32_t gsi, uint32_t flags,
		  int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resamplefd,
	};

	return try_ioctl(vm->fd, KVM_IRQFD, &args);
}

static void g_one_interrupt(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	ioapic_pin(11, VECTOR);
	for (;;) {
		guest_sync(nr_taken);
		sti_nop_cli();
	}
}

TEST_F(irq, irqfd)
{
	int fd = new_eventfd();

	vcpu_long(self->v, g_one_interrupt);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, fd, 11, 0, 0));
	ASSERT_EQ(-EBUSY, irqfd(self->vm, fd, 12, 0, 0));
	ASSERT_EQ(0, vcpu_sync(self->v));
	signal_eventfd(fd);
	sleep_ms(20);
	ASSERT_EQ(1, vcpu_sync(self->v));
	ASSERT_EQ(1, vcpu_sync(self->v));
	signal_eventfd(fd);
	sleep_ms(20);
	ASSERT_EQ(2, vcpu_sync(self->v));
	/* Disconnected, it is an eventfd like any other. */
	ASSERT_EQ(0, irqfd(self->vm, fd, 11, KVM_IRQFD_FLAG_DEASSIGN, 0));
	signal_eventfd(fd);
	ASSERT_EQ(2, vcpu_sync(self->v));
	ASSERT_EQ(1, signals(fd));
	/* Signalled before it is connected: interrupts at once. */
	signal_eventfd(fd);
	ASSERT_EQ(0, irqfd(self->vm, fd, 11, 0, 0));
	sleep_ms(20);
	ASSERT_EQ(3, vcpu_sync(self->v));
	close(fd);
	ASSERT_EQ(3, vcpu_sync(self->v));
}

TEST_F(irq, irqfd_errors)
{
	int fd = new_eventfd(), file = open("/dev/null", O_RDWR);
	struct vm *bare = vm_new(0);

	ASSERT_EQ(-EINVAL, irqfd(bare, fd, 11, 0, 0));
	ASSERT_EQ(-EINVAL, irqfd(self->vm, fd, 11, 0x80, 0));
	ASSERT_EQ(-EBADF, irqfd(self->vm, 999, 11, 0, 0));
	ASSERT_EQ(-EINVAL, irqfd(self->vm, file, 11, 0, 0));
	ASSERT_EQ(-EBADF, irqfd(self->vm, fd, 11, KVM_IRQFD_FLAG_RESAMPLE, 999));
	ASSERT_EQ(0, irqfd(self->vm, fd, 11, KVM_IRQFD_FLAG_DEASSIGN, 0));
	ASSERT_EQ(-EBADF, irqfd(self->vm, 999, 11, KVM_IRQFD_FLAG_DEASSIGN, 0));
}

static void g_level_interrupts(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	ioapic_pin(11, RTE_LEVEL | VECTOR);
	for (;;) {
		guest_sync(nr_taken);
		sti_nop_cli();
	}
}

/* The line stays up until the guest's EOI, which the second eventfd tells of. */
TEST_F(irq, irqfd_resample)
{
	int a = new_eventfd(), ra = new_eventfd();
	int b = new_eventfd(), rb = new_eventfd();

	vcpu_long(self->v, g_level_interrupts);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, a, 11, KVM_IRQFD_FLAG_RESAMPLE, ra));
	ASSERT_EQ(0, irqfd(self->vm, b, 11, KVM_IRQFD_FLAG_RESAMPLE, rb));
	signal_eventfd(a);
	sleep_ms(20);
	ASSERT_EQ(0, signals(ra));
	ASSERT_EQ(1, vcpu_sync(self->v));
	/* Both sharers are asked. */
	ASSERT_EQ(1, signals(ra));
	ASSERT_EQ(1, signals(rb));
	ASSERT_EQ(1, vcpu_sync(self->v));
	signal_eventfd(b);
	sleep_ms(20);
	ASSERT_EQ(2, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, a, 11, KVM_IRQFD_FLAG_DEASSIGN, 0));
	signals(ra);
	signals(rb);
	signal_eventfd(b);
	sleep_ms(20);
	ASSERT_EQ(3, vcpu_sync(self->v));
	ASSERT_EQ(0, signals(ra));
	ASSERT_EQ(1, signals(rb));
}

static bool ioapic_pending(struct vm *vm, uint32_t pin)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	do_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip);
	return chip.chip.ioapic.irr & 1U << pin;
}

/*
 * Whoever closes an eventfd without a word ceases to hold the line up. That takes
 * a moment, unlike a disconnection.
 */
TEST_F(irq, irqfd_resample_closed)
{
	int a = new_eventfd(), ra = new_eventfd();
	int b = new_eventfd(), rb = new_eventfd();

	vcpu_long(self->v, g_level_interrupts);
	ASSERT_EQ(0, irqfd(self->vm, a, 13, KVM_IRQFD_FLAG_RESAMPLE, ra));
	ASSERT_EQ(0, irqfd(self->vm, b, 13, KVM_IRQFD_FLAG_RESAMPLE, rb));
	signal_eventfd(a);
	sleep_ms(20);
	ASSERT_TRUE(ioapic_pending(self->vm, 13));
	/* The other one might hold it, too. */
	close(b);
	sleep_ms(100);
	EXPECT_TRUE(ioapic_pending(self->vm, 13));
	close(a);
	for (int i = 0; i < 500 && ioapic_pending(self->vm, 13); i++)
		sleep_ms(10);
	EXPECT_FALSE(ioapic_pending(self->vm, 13));
}

/*
 * A guest that masks the pin, ends the interrupt, serves the device, and unmasks
 * the pin: after the EOI the device's owner has signalled again, and how would it
 * take that back? So unmasking asks once more, and does not interrupt by itself.
 */
static void on_oneshot(struct guest_frame *f)
{
	nr_taken++;
	ioapic_pin(11, RTE_LEVEL | RTE_MASKED | VECTOR);
	apic_write(APIC_EOI, 0);
	(void)f;
}

static void g_oneshot(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_oneshot;
	ioapic_pin(11, RTE_LEVEL | VECTOR);
	for (;;) {
		guest_sync(nr_taken);
		sti_nop_cli();
		guest_sync(nr_taken);
		ioapic_pin(11, RTE_LEVEL | VECTOR);
		sti_nop_cli();
	}
}

TEST_F(irq, irqfd_resample_unmasked)
{
	int a = new_eventfd(), ra = new_eventfd();

	if (!on_lvx() && kernel_before(6, 4))
		SKIP(return, "KVM before Linux 6.4 interrupts once more");
	vcpu_long(self->v, g_oneshot);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, a, 11, KVM_IRQFD_FLAG_RESAMPLE, ra));
	signal_eventfd(a);
	sleep_ms(20);
	ASSERT_EQ(1, vcpu_sync(self->v));
	ASSERT_EQ(1, signals(ra));
	/* Not served yet: the line goes up again, behind the mask. */
	signal_eventfd(a);
	sleep_ms(20);
	ASSERT_TRUE(ioapic_pending(self->vm, 11));
	/* Now the guest serves it, and unmasks. */
	ASSERT_EQ(1, vcpu_sync(self->v));
	ASSERT_EQ(1, signals(ra));
	ASSERT_FALSE(ioapic_pending(self->vm, 11));
	/* The next one interrupts as ever. */
	signal_eventfd(a);
	sleep_ms(20);
	ASSERT_EQ(2, vcpu_sync(self->v));
	ASSERT_EQ(1, signals(ra));
}

/* Whoever else holds the line is not asked, so the guest is interrupted. */
TEST_F(irq, user_line_unmasked)
{
	int a = new_eventfd(), ra = new_eventfd();

	vcpu_long(self->v, g_oneshot);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, a, 11, KVM_IRQFD_FLAG_RESAMPLE, ra));
	vm_irq(self->vm, 11, 1);
	ASSERT_EQ(1, vcpu_sync(self->v));
	/* Still up, and for both. */
	signal_eventfd(a);
	sleep_ms(20);
	if (!on_lvx() && !kernel_before(6, 4))
		SKIP(return, "KVM since Linux 6.4 forgets that line");
	ASSERT_EQ(2, vcpu_sync(self->v));
}

static long set_routing(struct vm *vm, const struct kvm_irq_routing_entry *e,
			uint32_t nr)
{
	struct kvm_irq_routing *r = calloc(1, sizeof(*r) + nr * sizeof(*e));
	long ret;

	r->nr = nr;
	memcpy(r->entries, e, nr * sizeof(*e));
	ret = try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, r);
	free(r);
	return ret;
}

static struct kvm_irq_routing_entry msi_route(uint32_t gsi, uint8_t vector)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = vector },
	};
}

static struct kvm_irq_routing_entry pin_route(uint32_t gsi, uint32_t chip,
					      uint32_t pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { chip, pin },
	};
}

static void g_report_vectors(void)
{
	apic_on();
	for (int i = 0x70; i < 0x80; i++)
		guest_handlers[i] = on_apic;
	for (;;) {
		guest_sync(last_vector);
		last_vector = 0;
		sti_nop_cli();
	}
}

/* Routes replaced under a live irqfd. */
TEST_F(irq, routing)
{
	struct kvm_irq_routing_entry e[3] = {
		msi_route(24, 0x72), msi_route(100, 0x73),
	};
	int fd = new_eventfd();

	vcpu_long(self->v, g_report_vectors);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, irqfd(self->vm, fd, 24, 0, 0));
	signal_eventfd(fd);
	sleep_ms(20);
	ASSERT_EQ(0, vcpu_sync(self->v));
	ASSERT_EQ(0, set_routing(self->vm, e, 2));
	signal_eventfd(fd);
	sleep_ms(20);
	ASSERT_EQ(0x72, vcpu_sync(self->v));
	vm_irq(self->vm, 100, 1);
	ASSERT_EQ(0x73, vcpu_sync(self->v));
	e[0] = msi_route(24, 0x74);
	ASSERT_EQ(0, set_routing(self->vm, e, 1));
	signal_eventfd(fd);
	ASSERT_EQ(0x74, vcpu_sync(self->v));
	ASSERT_EQ(0, set_routing(self->vm, e, 0));
	signal_eventfd(fd);
	sleep_ms(20);
	ASSERT_EQ(0, vcpu_sync(self->v));
}

TEST_F(irq, routing_errors)
{
	struct kvm_irq_routing_entry e[3];

	e[0] = msi_route(4096, 0x70);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	e[0] = pin_route(1, KVM_IRQCHIP_IOAPIC, 24);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	e[0] = pin_route(1, KVM_IRQCHIP_PIC_SLAVE, 8);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	e[0] = pin_route(1, 3, 0);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	e[0] = pin_route(1, KVM_IRQCHIP_IOAPIC, 1);
	e[0].flags = 1;
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	e[0].flags = 0;
	e[0].type = 77;
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 1));
	/* One GSI to two pins of one chip, or to a pin and an MSI. */
	e[0] = pin_route(1, KVM_IRQCHIP_IOAPIC, 1);
	e[1] = pin_route(1, KVM_IRQCHIP_IOAPIC, 2);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 2));
	e[1] = msi_route(1, 0x70);
	ASSERT_EQ(-EINVAL, set_routing(self->vm, e, 2));
	e[1] = pin_route(1, KVM_IRQCHIP_PIC_MASTER, 1);
	e[2] = pin_route(1, KVM_IRQCHIP_PIC_SLAVE, 1);
	ASSERT_EQ(0, set_routing(self->vm, e, 3));
}

static void g_notify(void)
{
	outb(0x300, 1);
	outw(0x300, 1);
	outl(0x300, 7);
	mmio_write(GPA_MMIO, 1);
	mmio_write(GPA_MMIO + 4, 1);
	mmio_write(GPA_MMIO + 8, 5);
	mmio_write(GPA_MMIO + 8, 6);
}

static long ioeventfd(struct vm *vm, int fd, uint64_t addr, uint32_t len,
		      uint32_t flags, uint64_t match)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .flags = flags,
		.datamatch = match,
	};

	return try_ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define REMOVE	KVM_IOEVENTFD_FLAG_DEASSIGN

TEST(ioeventfd_writes)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	int pio = new_eventfd(), mmio = new_eventfd(), match = new_eventfd();

	ASSERT_EQ(0, ioeventfd(vm, pio, 0x300, 2, PIO, 0));
	ASSERT_EQ(0, ioeventfd(vm, mmio, GPA_MMIO, 0, 0, 0));
	ASSERT_EQ(0, ioeventfd(vm, match, GPA_MMIO + 8, 4, MATCH, 5));
	vcpu_long(v, g_notify);
	/* What matches no length, address or value goes to user space. */
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(1, v->run->io.size);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(4, v->run->io.size);
	ASSERT_EQ(1, signals(pio));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(GPA_MMIO + 4, v->run->mmio.phys_addr);
	ASSERT_EQ(1, signals(mmio));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(GPA_MMIO + 8, v->run->mmio.phys_addr);
	ASSERT_EQ(6, v->run->mmio.data[0]);
	ASSERT_EQ(1, signals(match));
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(0, signals(pio) + signals(mmio) + signals(match));
}

TEST(ioeventfd_errors)
{
	struct vm *vm = vm_new(0);
	int fd = new_eventfd();

	ASSERT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 3, PIO, 0));
	ASSERT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 16, PIO, 0));
	ASSERT_EQ(-EINVAL, ioeventfd(vm, fd, -1UL, 4, 0, 0));
	ASSERT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 4, 0x100, 0));
	ASSERT_EQ(-EINVAL, ioeventfd(vm, fd, 0x300, 0, PIO | MATCH, 0));
	ASSERT_EQ(-EBADF, ioeventfd(vm, 999, 0x300, 4, PIO, 0));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x300, 4, PIO | MATCH, 1));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x300, 4, PIO | MATCH, 2));
	ASSERT_EQ(-EEXIST, ioeventfd(vm, fd, 0x300, 4, PIO | MATCH, 2));
	ASSERT_EQ(-EEXIST, ioeventfd(vm, fd, 0x300, 4, PIO, 0));
	ASSERT_EQ(-EEXIST, ioeventfd(vm, fd, 0x300, 0, PIO, 0));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x300, 2, PIO, 0));
	ASSERT_EQ(-ENOENT, ioeventfd(vm, fd, 0x300, 4, PIO | REMOVE, 0));
	ASSERT_EQ(-ENOENT, ioeventfd(vm, fd, 0x304, 4, PIO | MATCH | REMOVE, 1));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x300, 4, PIO | MATCH | REMOVE, 1));
	ASSERT_EQ(-ENOENT, ioeventfd(vm, fd, 0x300, 4, PIO | MATCH | REMOVE, 1));
}

/* --------------------------------------------------------- save and restore */

TEST_F(irq, state)
{
	struct kvm_irqchip a = { .chip_id = KVM_IRQCHIP_IOAPIC }, b = a;
	struct kvm_irqchip p = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct kvm_irqchip bad = { .chip_id = 3 };

	do_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &a);
	ASSERT_EQ(IOAPIC, a.chip.ioapic.base_address);
	ASSERT_EQ(RTE_MASKED, a.chip.ioapic.redirtbl[23].bits);
	a.chip.ioapic.redirtbl[5].bits = 0x0300000000018041;
	a.chip.ioapic.ioregsel = 7;
	do_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &a);
	do_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &b);
	ASSERT_EQ(0, memcmp(&a, &b, sizeof(a)));

	do_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &p);
	p.chip.pic.imr = 0x5a;
	do_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &p);
	p.chip.pic.imr = 0;
	do_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &p);
	ASSERT_EQ(0x5a, p.chip.pic.imr);
	ASSERT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_GET_IRQCHIP, &bad));
	ASSERT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SET_IRQCHIP, &bad));
}

TEST(without_irqchip)
{
	struct vm *vm = vm_new(0);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_irq_level level = { .irq = 1 };
	struct kvm_pit_state2 pit;

	ASSERT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	ASSERT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
	ASSERT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_IRQ_LINE, &level));
	ASSERT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_PIT2, &pit));
}

LVX_TEST_MAIN
