// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt controllers in user space: all of them, or all but the LAPIC
 * ("split"). How user space learns that the guest would take an interrupt, how
 * it gives one, what of TPR and HLT it gets to see, and how it hears of the
 * acknowledgment that a level-triggered line waits for.
 */
#include <sys/eventfd.h>

#include "harness.h"
#include "apic.h"

volatile bool apic_x2;

#define V_A	0x45
#define V_B	0x61
#define LEVEL	(1U << 15)

static volatile uint32_t taken[16], nr_taken;
static volatile uint64_t taken_at;

static void on_irq(struct guest_frame *f)
{
	taken[nr_taken++ % 16] = f->vector;
	taken_at = f->rip;
}

static void on_apic(struct guest_frame *f)
{
	on_irq(f);
	apic_write(APIC_EOI, 0);
}

static long interrupt(struct vcpu *v, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return try_ioctl(v->fd, KVM_INTERRUPT, &irq);
}

static struct vcpu *new_bare(void)
{
	guest_handlers[V_A] = on_irq;
	guest_handlers[V_B] = on_irq;
	return vcpu_new(vm_new(0), 0);
}

static struct vcpu *new_split(void)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24,
	};
	struct vm *vm = vm_new(0);

	do_ioctl(vm->fd, KVM_ENABLE_CAP, &split);
	guest_handlers[V_A] = on_apic;
	guest_handlers[V_B] = on_irq;
	return vcpu_new(vm, 0);
}

/* ------------------------------------------------------------ none at all */

extern const char window_at[];

static void g_window(void)
{
	guest_sync(1);
	asm volatile("sti\n\t"
		     "nop\n\t"
		     "window_at: nop\n\t");
	guest_sync(2);
	cli();
	guest_sync(3);
}

/* What the run page says at each exit, and the exit when a window opens. */
TEST(window)
{
	struct vcpu *v = new_bare();
	struct kvm_run *run = v->run;

	vcpu_long(v, g_window);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0, run->if_flag);
	EXPECT_EQ(0, run->ready_for_interrupt_injection);
	run->request_interrupt_window = 1;
	ASSERT_EXIT(KVM_EXIT_IRQ_WINDOW_OPEN, v);
	/* STI lets one more instruction pass. */
	EXPECT_EQ((uintptr_t)window_at, get_regs(v).rip);
	EXPECT_EQ(1, run->if_flag);
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	run->request_interrupt_window = 0;
	ASSERT_EQ(0, interrupt(v, V_A));
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(1, nr_taken);
	EXPECT_EQ(V_A, taken[0]);
	EXPECT_EQ((uintptr_t)window_at, taken_at);
	EXPECT_EQ(1, run->if_flag);
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(0, run->if_flag);
}

/* The window is open already: no instruction is executed. */
TEST(window_at_once)
{
	struct vcpu *v = new_bare();
	uint64_t rip;

	vcpu_long(v, g_window);
	ASSERT_EQ(1, vcpu_sync(v));
	ASSERT_EQ(2, vcpu_sync(v));
	v->run->request_interrupt_window = 1;
	ASSERT_EXIT(KVM_EXIT_IRQ_WINDOW_OPEN, v);
	rip = get_regs(v).rip;
	ASSERT_EXIT(KVM_EXIT_IRQ_WINDOW_OPEN, v);
	EXPECT_EQ(rip, get_regs(v).rip);
	v->run->request_interrupt_window = 0;
	ASSERT_EQ(3, vcpu_sync(v));
}

static void g_halt(void)
{
	sti();
	asm volatile("hlt");
	CHECK_EQ(1, nr_taken);
	asm volatile("hlt");
	CHECK_EQ(2, nr_taken);
}

/* HLT is user space's, as is the end of it. */
TEST(halt)
{
	struct vcpu *v = new_bare();

	vcpu_long(v, g_halt);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	EXPECT_EQ(1, v->run->if_flag);
	EXPECT_EQ(1, v->run->ready_for_interrupt_injection);
	ASSERT_EQ(0, interrupt(v, V_B));
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	EXPECT_EQ(V_B, taken[0]);
	ASSERT_EQ(0, interrupt(v, 0xff));
	guest_handlers[0xff] = on_irq;
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(0xff, taken[1]);
}

static void set_cr8(uint64_t v)
{
	asm volatile("mov %0, %%cr8" :: "r"(v) : "memory");
}

static uint64_t get_cr8(void)
{
	uint64_t v;

	asm volatile("mov %%cr8, %0" : "=r"(v));
	return v;
}

static void g_tpr(void)
{
	CHECK_EQ(7, get_cr8());
	set_cr8(9);		/* raised: nothing can have become deliverable */
	guest_sync(1);
	set_cr8(5);		/* lowered */
	CHECK_EQ(5, get_cr8());
	guest_sync(2);
	CHECK_EQ(3, get_cr8());
}

TEST(task_priority)
{
	struct vcpu *v = new_bare();
	struct kvm_run *run = v->run;

	vcpu_long(v, g_tpr);
	run->cr8 = 7;
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(9, run->cr8);
	EXPECT_EQ(9, get_sregs(v).cr8);
	ASSERT_EXIT(KVM_EXIT_SET_TPR, v);
	EXPECT_EQ(5, run->cr8);
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(5, run->cr8);
	run->cr8 = 16;
	EXPECT_EQ(-EINVAL, vcpu_run(v));
	run->cr8 = 3;
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static void on_nmi(struct guest_frame *f)
{
	(void)f;
	nr_taken++;
}

static void g_lapic(void)
{
	CHECK_EQ(1, nr_taken);
	mmio_read(APIC_MMIO + APIC_ID);
	mmio_write(APIC_MMIO + APIC_EOI, 0);
	guest_sync(rdmsr(MSR_APIC_BASE));
}

/* The LAPIC's page is like any other device. NMI needs none. */
TEST(no_lapic)
{
	struct vcpu *v = new_bare();
	struct kvm_run *run = v->run;

	guest_handlers[2] = on_nmi;
	vcpu_long(v, g_lapic);
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_NMI, NULL));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(APIC_MMIO + APIC_ID, run->mmio.phys_addr);
	EXPECT_EQ(0, run->mmio.is_write);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(APIC_MMIO + APIC_EOI, run->mmio.phys_addr);
	EXPECT_EQ(1, run->mmio.is_write);
	EXPECT_EQ(run->apic_base, vcpu_sync(v));
}

/* ------------------------------------------------------------------- split */

static struct kvm_irq_routing_entry msi(uint32_t gsi, uint32_t data)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = data },
	};
}

static long set_routes(struct vm *vm, const struct kvm_irq_routing_entry *e,
		       uint32_t nr)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e[8];
	} r = { .head.nr = nr };

	memcpy(r.e, e, nr * sizeof(*e));
	return try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, &r);
}

static void g_serve(void)
{
	apic_on();
	sti();
	for (;;)
		guest_sync(nr_taken);
}

/* A pin of user space's IOAPIC is an MSI here, and its EOI an exit. */
TEST(split_eoi)
{
	struct kvm_irq_routing_entry e[] = {
		msi(3, LEVEL | V_A), msi(4, V_B), msi(30, LEVEL | (V_A + 1)),
	};
	struct vcpu *v = new_split();

	guest_handlers[V_A + 1] = on_apic;
	guest_handlers[V_B] = on_apic;
	ASSERT_EQ(0, set_routes(v->vm, e, 3));
	vcpu_long(v, g_serve);
	ASSERT_EQ(0, vcpu_sync(v));
	vm_irq(v->vm, 3, 1);
	ASSERT_EXIT(KVM_EXIT_IOAPIC_EOI, v);
	EXPECT_EQ(V_A, v->run->eoi.vector);
	ASSERT_EQ(1, vcpu_sync(v));
	/* An edge, and a GSI that is no pin of the IOAPIC: no one waits. */
	vm_irq(v->vm, 4, 1);
	ASSERT_EQ(2, vcpu_sync(v));
	vm_irq(v->vm, 30, 1);
	ASSERT_EQ(3, vcpu_sync(v));
	/* The vector counts, not how it came. */
	vm_irq(v->vm, 3, 1);
	ASSERT_EXIT(KVM_EXIT_IOAPIC_EOI, v);
	ASSERT_EQ(4, vcpu_sync(v));
	/* No longer routed there */
	ASSERT_EQ(0, set_routes(v->vm, e + 1, 2));
	vm_irq(v->vm, 3, 1);
	ASSERT_EQ(4, vcpu_sync(v));
}

/*
 * The version register offers to suppress the broadcast of EOIs. A guest that
 * takes the offer tells the IOAPIC by itself, later, when the device is served:
 * an exit at the EOI would let the IOAPIC interrupt again in between.
 */
#define SVR_NO_EOI	(1U << 12)

static void g_suppresses_eoi(void)
{
	apic_on();
	CHECK(apic_read(APIC_VERSION) & 1U << 24);
	apic_write(APIC_SVR, 0x1ff | SVR_NO_EOI);
	CHECK_EQ(0x1ff | SVR_NO_EOI, apic_read(APIC_SVR));
	sti();
	guest_sync(nr_taken);
	guest_sync(nr_taken);
	apic_write(APIC_SVR, 0x1ff);
	guest_sync(nr_taken);
	guest_sync(nr_taken);
}

TEST(split_eoi_suppressed)
{
	struct kvm_irq_routing_entry e = msi(3, LEVEL | V_A);
	struct vcpu *v = new_split();

	if (!on_lvx())
		SKIP(return, "KVM makes the offer, but does not keep it");
	ASSERT_EQ(0, set_routes(v->vm, &e, 1));
	vcpu_long(v, g_suppresses_eoi);
	ASSERT_EQ(0, vcpu_sync(v));
	vm_irq(v->vm, 3, 1);
	ASSERT_EQ(1, vcpu_sync(v));
	ASSERT_EQ(1, vcpu_sync(v));
	vm_irq(v->vm, 3, 1);
	ASSERT_EXIT(KVM_EXIT_IOAPIC_EOI, v);
	EXPECT_EQ(V_A, v->run->eoi.vector);
	ASSERT_EQ(2, vcpu_sync(v));
}

/* The acknowledgment is the last step of an instruction that began outside. */
static void on_level(struct guest_frame *f)
{
	const void *si = (void *)GPA_MMIO;
	void *di = (void *)(APIC_MMIO + APIC_EOI);

	on_irq(f);
	asm volatile("movsl" : "+D"(di), "+S"(si) :: "memory");
}

/*
 * No ioctl reads out an EOI that is still to be reported, so that user space
 * must hear of it before it is told that it may save the VM.
 */
TEST(split_eoi_before_immediate_exit)
{
	struct kvm_irq_routing_entry e = msi(3, LEVEL | V_A);
	struct vcpu *v = new_split();
	struct kvm_run *run = v->run;

	guest_handlers[V_A] = on_level;
	ASSERT_EQ(0, set_routes(v->vm, &e, 1));
	vcpu_long(v, g_serve);
	ASSERT_EQ(0, vcpu_sync(v));
	vm_irq(v->vm, 3, 1);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(0, run->mmio.is_write);
	run->immediate_exit = 1;
	if (!on_lvx()) {
		/* KVM keeps it for itself. */
		ASSERT_EQ(-EINTR, vcpu_run(v));
		run->immediate_exit = 0;
		ASSERT_EXIT(KVM_EXIT_IOAPIC_EOI, v);
	} else {
		ASSERT_EXIT(KVM_EXIT_IOAPIC_EOI, v);
		ASSERT_EQ(-EINTR, vcpu_run(v));
		run->immediate_exit = 0;
	}
	EXPECT_EQ(V_A, run->eoi.vector);
	ASSERT_EQ(1, vcpu_sync(v));
}

TEST(split_irqfd)
{
	struct kvm_irq_routing_entry e[] = { msi(3, V_A) };
	struct vcpu *v = new_split();
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 3 };

	vcpu_long(v, g_serve);
	ASSERT_EQ(0, vcpu_sync(v));
	ASSERT_EQ(0, try_ioctl(v->vm->fd, KVM_IRQFD, &irqfd));
	eventfd_write(fd, 1);
	sleep_ms(10);
	ASSERT_EQ(0, vcpu_sync(v));
	ASSERT_EQ(0, set_routes(v->vm, e, 1));
	eventfd_write(fd, 1);
	sleep_ms(10);
	ASSERT_EQ(1, vcpu_sync(v));
	e[0] = msi(3, V_A + 1);
	guest_handlers[V_A + 1] = on_apic;
	ASSERT_EQ(0, set_routes(v->vm, e, 1));
	eventfd_write(fd, 1);
	sleep_ms(10);
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(V_A + 1, taken[1]);
}

/* The PIC is user space's, too: its interrupts come through LINT0. */
static void g_extint(void)
{
	apic_on();
	guest_sync(1);
	apic_write(APIC_LVT_LINT0, 0x700);
	guest_sync(2);
	sti();
	asm volatile("nop; nop");
	cli();
	guest_sync(3);
	sti_hlt_cli();
	guest_sync(4);
}

TEST(split_external_interrupt)
{
	struct vcpu *v = new_split();
	struct kvm_run *run = v->run;
	struct kvm_msi wake = { .address_lo = 0xfee00000, .data = V_A };

	vcpu_long(v, g_extint);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0, run->ready_for_interrupt_injection);
	run->request_interrupt_window = 1;
	ASSERT_EQ(2, vcpu_sync(v));
	ASSERT_EXIT(KVM_EXIT_IRQ_WINDOW_OPEN, v);
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	EXPECT_EQ(1, run->if_flag);
	run->request_interrupt_window = 0;
	ASSERT_EQ(0, interrupt(v, V_B));
	EXPECT_EQ(-EEXIST, interrupt(v, V_B));
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(1, nr_taken);
	EXPECT_EQ(V_B, taken[0]);
	/* HLT is the kernel's. */
	do_ioctl(v->vm->fd, KVM_SIGNAL_MSI, &wake);
	ASSERT_EQ(4, vcpu_sync(v));
	EXPECT_EQ(2, nr_taken);
}

/* A masked LINT0 is deaf to user space's PIC, whatever it does. */
static void g_lint0_masked(void)
{
	apic_on();
	sti();
	asm volatile("nop; nop");
	guest_sync(1);
	asm volatile("nop; nop");
	CHECK_EQ(0, nr_taken);
	guest_sync(2);
	apic_write(APIC_LVT_LINT0, 0x700);
	/* KVM looks at the interrupt again only when something else happens. */
	apic_icr(0, 0x44000 | V_A);
	asm volatile("nop");
	CHECK_EQ(2, nr_taken);
	cli();
	guest_sync(3);
	apic_write(APIC_LVT_LINT0, LVT_MASKED | 0x700);
	guest_sync(4);
	sti_hlt_cli();
}

TEST(split_lint0_masked)
{
	struct kvm_msi wake = { .address_lo = 0xfee00000, .data = V_A };
	struct vcpu *v = new_split();
	struct kvm_run *run = v->run;

	vcpu_long(v, g_lint0_masked);
	run->request_interrupt_window = 1;
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, run->if_flag);
	EXPECT_EQ(0, run->ready_for_interrupt_injection);
	ASSERT_EQ(0, interrupt(v, V_B));
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(0, run->ready_for_interrupt_injection);
	run->request_interrupt_window = 0;
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(V_B, taken[0]);
	/* Nor does what waits there end a HLT. */
	ASSERT_EQ(4, vcpu_sync(v));
	ASSERT_EQ(0, interrupt(v, V_B));
	alarm_ms(SIGUSR1, 20);
	ASSERT_EQ(-EINTR, vcpu_run(v));
	do_ioctl(v->vm->fd, KVM_SIGNAL_MSI, &wake);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(3, nr_taken);
	EXPECT_EQ(V_A, taken[2]);
}

static void g_no_window(void)
{
	sti();
	asm volatile("nop; nop");
	guest_sync(1);
}

/* With a PIC in the kernel there is nothing to wait for: the guest runs on. */
TEST(no_window_with_irqchip)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, g_no_window);
	v->run->request_interrupt_window = 1;
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, v->run->ready_for_interrupt_injection);
}

TEST(split_refuses)
{
	struct kvm_irq_routing_entry pin = {
		.gsi = 3, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { KVM_IRQCHIP_IOAPIC, 3 },
	};
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_irq_level level = { .irq = 3, .level = 1 };
	struct kvm_pit_config pit = { 0 };
	struct kvm_irqfd resample = { .gsi = 3, .flags = KVM_IRQFD_FLAG_RESAMPLE };
	int fd = new_split()->vm->fd;

	resample.fd = eventfd(0, 0);
	resample.resamplefd = eventfd(0, 0);
	EXPECT_EQ(-EINVAL, set_routes(&(struct vm) { .fd = fd }, &pin, 1));
	EXPECT_EQ(-ENXIO, try_ioctl(fd, KVM_GET_IRQCHIP, &chip));
	EXPECT_EQ(-ENXIO, try_ioctl(fd, KVM_SET_IRQCHIP, &chip));
	EXPECT_EQ(-EEXIST, try_ioctl(fd, KVM_CREATE_IRQCHIP, NULL));
	EXPECT_EQ(0, try_ioctl(fd, KVM_IRQ_LINE, &level));
	EXPECT_EQ(0, try_ioctl(fd, KVM_IRQ_LINE_STATUS, &level));
	EXPECT_EQ(-1, (int)level.status);
	EXPECT_EQ(-EINVAL, try_ioctl(fd, KVM_IRQFD, &resample));
	/* lvx goes with Linux 6.1; later KVMs want a PIC and an IOAPIC for it. */
	EXPECT_EQ(on_lvx() || kernel_before(6, 2) ? 0 : -ENOENT,
		  try_ioctl(fd, KVM_CREATE_PIT2, &pit));
}

LVX_TEST_MAIN
