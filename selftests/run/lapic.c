// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC in the kernel, in xAPIC and in x2APIC mode: priorities, IPIs between
 * vCPUs, starting processors, HLT. Its timer is in lapic_timer.c.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "lapic_fixture.h"

/* What the handlers saw, in order. */
static volatile uint32_t taken[64], nr_taken;

static void on_interrupt(struct guest_frame *f)
{
	taken[nr_taken++ % 64] = f->vector;
	apic_write(APIC_EOI, 0);
}

static void on_interrupt_no_eoi(struct guest_frame *f)
{
	taken[nr_taken++ % 64] = f->vector;
}

static void handle(unsigned int vector, void (*fn)(struct guest_frame *))
{
	guest_handlers[vector] = fn;
}

static void g_self_ipi(void)
{
	apic_on();
	handle(0x41, on_interrupt);
	handle(0x52, on_interrupt);
	/* Both wait for STI; the higher one goes first. */
	apic_icr(0, 0x44000 | 0x41);
	apic_icr(0, 0x44000 | 0x52);
	CHECK_EQ(1U << (0x52 & 31) | 1U << (0x41 & 31),
		 apic_read(APIC_IRR + 0x20));
	sti_nop_cli();
	CHECK_EQ(2, nr_taken);
	CHECK_EQ(0x52, taken[0]);
	CHECK_EQ(0x41, taken[1]);
	CHECK_EQ(0, apic_read(APIC_IRR + 0x20));
	CHECK_EQ(0, apic_read(APIC_ISR + 0x20));
}

TEST_F(lapic, self_ipi)
{
	vcpu_long(self->v, g_self_ipi);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* TPR and what is in service hold lower classes back. */
static volatile bool lower_first;

static void g_priorities(void)
{
	apic_on();
	for (int i = 0x30; i < 0x80; i += 0x10)
		handle(i | 5, on_interrupt_no_eoi);
	apic_write(APIC_TPR, 0x50);
	sti();
	apic_icr(0, 0x44000 | 0x35);
	apic_icr(0, 0x44000 | 0x55);
	asm volatile("nop");
	CHECK_EQ(0, nr_taken);
	CHECK_EQ(0x50, apic_read(APIC_PPR));
	apic_icr(0, 0x44000 | 0x65);
	asm volatile("nop");
	CHECK_EQ(1, nr_taken);
	CHECK_EQ(0x60, apic_read(APIC_PPR));
	if (!lower_first)
		apic_write(APIC_EOI, 0);
	asm volatile("nop");
	CHECK_EQ(1, nr_taken);
	/* CR8 is the same register. */
	asm volatile("mov %0, %%cr8" :: "r"(0UL));
	CHECK_EQ(0, apic_read(APIC_TPR));
	if (lower_first) {
		CHECK_EQ(1, nr_taken);
		apic_write(APIC_EOI, 0);
	}
	asm volatile("nop");
	CHECK_EQ(2, nr_taken);
	CHECK_EQ(0x55, taken[1]);
	apic_write(APIC_EOI, 0);
	asm volatile("nop");
	CHECK_EQ(3, nr_taken);
	CHECK_EQ(0x35, taken[2]);
	apic_write(APIC_EOI, 0);
	cli();
	CHECK_EQ(0, apic_read(APIC_PPR));
	/* Lowering TPR by CR8 lets one in that waits. */
	asm volatile("mov %0, %%cr8" :: "r"(15UL));
	apic_icr(0, 0x44000 | 0x75);
	sti();
	asm volatile("nop");
	CHECK_EQ(3, nr_taken);
	asm volatile("mov %0, %%cr8" :: "r"(0UL));
	asm volatile("nop");
	CHECK_EQ(4, nr_taken);
}

TEST_F(lapic, priorities)
{
	vcpu_long(self->v, g_priorities);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/*
 * TPR goes below what waits, which something in service holds back: the exit
 * that tells the hypervisor has nothing to inject. In 6.1 KVM then leaves the
 * threshold as it is, and comes back with the same exit for ever.
 */
TEST_F(lapic, tpr_lowered_in_service)
{
	if (!on_lvx() && kernel_before(6, 12))
		SKIP(return, "KVM before Linux 6.12 loops");
	lower_first = true;
	vcpu_long(self->v, g_priorities);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* Registers of the x2APIC space that fault, and what xAPIC mode has instead. */
static void g_x2apic_faults(void)
{
	apic_on();
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0x80e) : "eax", "edx"));
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0x831) : "eax", "edx"));
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0x83f) : "eax", "edx"));
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x802), "a"(0), "d"(0)));
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x80d), "a"(0), "d"(0)));
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x828), "a"(1), "d"(0)));
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x830), "a"(1 << 20), "d"(0)));
	CHECK_EQ(-1, TRY("wrmsr", :: "c"(0x808), "a"(0x20), "d"(0)));
	/* Directly back to xAPIC mode: not allowed. */
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x1b), "a"(0xfee00900), "d"(0)));
	CHECK_EQ(-1, TRY("wrmsr", :: "c"(0x1b), "a"(0xfee00100), "d"(0)));
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0x802) : "eax", "edx"));
	CHECK_EQ(13, TRY("wrmsr", :: "c"(0x1b), "a"(0xfee00d00), "d"(0)));
	CHECK_EQ(-1, TRY("wrmsr", :: "c"(0x1b), "a"(0xfee00900), "d"(0)));
	CHECK_EQ(0, mmio_read(APIC_MMIO + APIC_ID));
}

TEST(x2apic_faults)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	apic_x2 = true;
	vcpu_long(v, g_x2apic_faults);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/*
 * IA32_APIC_BASE moves the page, each vCPU's its own. Where it was is nothing
 * then.
 */
#define MOVED		0xc0000000U

static volatile bool move;

static void g_moved(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	mmio_write(APIC_MMIO + APIC_SVR, 0x1a5);
	if (move) {
		wrmsr(MSR_APIC_BASE, (base & 0xfff) | MOVED);
		CHECK_EQ(0x1a5, mmio_read(MOVED + APIC_SVR));
		mmio_write(MOVED + APIC_SVR, 0x1b6);
	}
	/* To user space, for the one who moved. */
	mmio_write(APIC_MMIO + APIC_SVR, 0x1c7);
	CHECK_EQ(move ? 0x77 : 0x1c7, mmio_read(APIC_MMIO + APIC_SVR));
	if (move) {
		CHECK_EQ(0x1b6, mmio_read(MOVED + APIC_SVR));
		handle(0x41, on_interrupt_no_eoi);
		mmio_write(MOVED + APIC_ICR, 0x44000 | 0x41);
		sti_nop_cli();
		CHECK_EQ(0x41, taken[0]);
		CHECK_EQ(1U << 1, mmio_read(MOVED + APIC_ISR + 0x20));
		mmio_write(MOVED + APIC_EOI, 0);
		CHECK_EQ(0, mmio_read(MOVED + APIC_ISR + 0x20));
		wrmsr(MSR_APIC_BASE, base);
		CHECK_EQ(0x1b6, mmio_read(APIC_MMIO + APIC_SVR));
	}
	/* To user space, for both. */
	mmio_write(MOVED + APIC_SVR, 0x1d8);
}

TEST(page_moved)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v[2] = { vcpu_new(vm, 0), vcpu_new(vm, 1) };
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

	do_ioctl(v[1]->fd, KVM_SET_MP_STATE, &runnable);
	for (unsigned int i = 0; i < 2; i++) {
		move = !i;
		vcpu_long(v[i], g_moved);
		if (move) {
			ASSERT_EXIT(KVM_EXIT_MMIO, v[i]);
			ASSERT_EQ(APIC_MMIO + APIC_SVR, v[i]->run->mmio.phys_addr);
			ASSERT_EQ(0xc7, v[i]->run->mmio.data[0]);
			ASSERT_EXIT(KVM_EXIT_MMIO, v[i]);
			ASSERT_EQ(0, v[i]->run->mmio.is_write);
			*(uint32_t *)v[i]->run->mmio.data = 0x77;
		}
		ASSERT_EXIT(KVM_EXIT_MMIO, v[i]);
		ASSERT_EQ(MOVED + APIC_SVR, v[i]->run->mmio.phys_addr);
		ASSERT_EQ(-1U, vcpu_sync(v[i]));
	}
}

/* Another's LAPIC, IOAPIC or eventfd there: one's own goes first. */
static void g_over_ioapic(void)
{
	wrmsr(MSR_APIC_BASE, (rdmsr(MSR_APIC_BASE) & 0xfff) | 0xfec00000);
	mmio_write(0xfec00000 + APIC_SVR, 0x1a5);
	CHECK_EQ(0x1a5, mmio_read(0xfec00000 + APIC_SVR));
	/* Where an IOAPIC has nothing: its version. */
	CHECK_EQ(0x14, mmio_read(0xfec00000 + APIC_VERSION) & 0xff);
	/* Memory goes before it. */
	wrmsr(MSR_APIC_BASE, (rdmsr(MSR_APIC_BASE) & 0xfff) | GPA_FREE);
	mmio_write(GPA_FREE + APIC_ID, 0x12345678);
	CHECK_EQ(0x12345678, mmio_read(GPA_FREE + APIC_ID));
}

TEST(page_moved_over_others)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, g_over_ioapic);
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(0x12345678, *(uint32_t *)(v->vm->ram + GPA_FREE + APIC_ID));
}

/* -------------------------------------------------------------------- NMIs */

#define SELF_NMI	0x4400

static volatile uint32_t nr_nmis;

/* While an NMI is handled, one more can wait, and not two. */
static void on_nmi_twice(struct guest_frame *f)
{
	if (nr_nmis++)
		return;
	apic_icr(0, SELF_NMI);
	apic_icr(0, SELF_NMI);
	(void)f;
}

static void g_nmi_in_nmi(void)
{
	apic_on();
	handle(2, on_nmi_twice);
	apic_icr(0, SELF_NMI);
	asm volatile("nop");
	CHECK_EQ(2, nr_nmis);
}

TEST_F(lapic, nmis_in_an_nmi)
{
	vcpu_long(self->v, g_nmi_in_nmi);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* Nor does the one that waits end a HLT: it is blocked. */
static void on_nmi_halts(struct guest_frame *f)
{
	if (nr_nmis++)
		return;
	apic_icr(0, SELF_NMI);
	guest_sync(1);
	sti_hlt_cli();
	guest_sync(2);
	(void)f;
}

static void g_hlt_in_nmi(void)
{
	apic_on();
	handle(2, on_nmi_halts);
	handle(0x41, on_interrupt);
	apic_icr(0, SELF_NMI);
	asm volatile("nop");
	CHECK_EQ(2, nr_nmis);
	CHECK_EQ(1, nr_taken);
}

TEST_F(lapic, hlt_in_an_nmi)
{
	struct kvm_msi wake = { .address_lo = 0xfee00000, .data = 0x41 };

	vcpu_long(self->v, g_hlt_in_nmi);
	ASSERT_EQ(1, vcpu_sync(self->v));
	alarm_ms(SIGUSR1, 20);
	ASSERT_EQ(-EINTR, vcpu_run(self->v));
	do_ioctl(self->vm->fd, KVM_SIGNAL_MSI, &wake);
	ASSERT_EQ(2, vcpu_sync(self->v));
	ASSERT_EQ(1, nr_taken);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

static void on_nmi_reports(struct guest_frame *f)
{
	guest_sync(0x10 + nr_nmis++);
	(void)f;
}

static void g_nmis_at_once(void)
{
	apic_on();
	handle(2, on_nmi_reports);
	guest_sync(1);
	asm volatile("nop");
	guest_sync(2);
}

static void send_nmis(struct vm *vm, struct vcpu *v, unsigned int msis,
		      unsigned int ioctls)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x400 };

	while (msis--)
		do_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
	while (ioctls--)
		do_ioctl(v->fd, KVM_NMI, 0);
}

/* Of those that come before the vCPU looks, one is taken and one more waits. */
TEST_F(lapic, nmis_at_once)
{
	static const unsigned int came[][2] = {
		{ 1, 0 }, { 2, 0 }, { 3, 0 }, { 1, 1 }, { 0, 2 }, { 2, 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(came); i++) {
		unsigned int taken = came[i][0] + came[i][1];

		nr_nmis = 0;
		vcpu_long(self->v, g_nmis_at_once);
		ASSERT_EQ(1, vcpu_sync(self->v));
		send_nmis(self->vm, self->v, came[i][0], came[i][1]);
		for (unsigned int n = 0; n < (taken < 2 ? 1 : 2); n++)
			ASSERT_EQ(0x10 + n, vcpu_sync(self->v));
		ASSERT_EQ(2, vcpu_sync(self->v));
		ASSERT_EQ(-1U, vcpu_sync(self->v));
	}
}

/* While one is handled, of any number one waits. */
TEST_F(lapic, nmis_at_once_in_an_nmi)
{
	vcpu_long(self->v, g_nmis_at_once);
	ASSERT_EQ(1, vcpu_sync(self->v));
	send_nmis(self->vm, self->v, 1, 0);
	ASSERT_EQ(0x10, vcpu_sync(self->v));
	send_nmis(self->vm, self->v, 2, 0);
	ASSERT_EQ(0x11, vcpu_sync(self->v));
	ASSERT_EQ(2, vcpu_sync(self->v));
}

/* Both are in the saved state, which takes no more than a CPU would keep. */
TEST_F(lapic, nmis_in_the_saved_state)
{
	struct kvm_vcpu_events events;

	if (!on_lvx() && kernel_before(6, 12))
		SKIP(return, "KVM saves one only");
	vcpu_long(self->v, g_nmis_at_once);
	ASSERT_EQ(1, vcpu_sync(self->v));
	send_nmis(self->vm, self->v, 2, 0);
	do_ioctl(self->v->fd, KVM_GET_VCPU_EVENTS, &events);
	ASSERT_EQ(2, events.nmi.pending);
	events.nmi.pending = 255;
	do_ioctl(self->v->fd, KVM_SET_VCPU_EVENTS, &events);
	ASSERT_EQ(0x10, vcpu_sync(self->v));
	ASSERT_EQ(0x11, vcpu_sync(self->v));
	ASSERT_EQ(2, vcpu_sync(self->v));
}

/* ------------------------------------------------ IPIs that are no interrupts */

static void g_level_deassert(void)
{
	static const uint32_t to[] = { 0, 0x800, 0x40000, 0x80000 };

	apic_on();
	if (!apic_x2) {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 1 << 24);
	}
	handle(0x41, on_interrupt);
	for (unsigned int i = 0; i < ARRAY_SIZE(to); i++) {
		/* Fixed and lowest priority, level-triggered, going down. */
		apic_icr(1 - !(to[i] & 0x800), to[i] | 0x8000 | 0x41);
		apic_icr(1 - !(to[i] & 0x800), to[i] | 0x8100 | 0x41);
		sti_nop_cli();
		CHECK_EQ(i, nr_taken);
		/* Going up. */
		apic_icr(1 - !(to[i] & 0x800), to[i] | 0xc000 | 0x41);
		sti_nop_cli();
		CHECK_EQ(i + 1, nr_taken);
	}
}

TEST_F(lapic, level_deassert)
{
	vcpu_long(self->v, g_level_deassert);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* ---------------------------------------------------------- several vCPUs */

static volatile bool ready, stop;

static void g_receiver(void)
{
	apic_on();
	if (!apic_x2) {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 2 << 24);
	}
	handle(0x61, on_interrupt);
	ready = true;
	while (!stop)
		sti_hlt_cli();
}

/* One by one, each acknowledged by the handler's having run. */
static void send_and_wait(uint32_t dest, uint32_t low)
{
	uint32_t before = nr_taken;

	apic_icr(dest, low);
	for (long i = 0; nr_taken == before && i < 10000000; i++)
		relax();
	CHECK_EQ(before + 1, nr_taken);
}

static void g_sender(void)
{
	uint32_t logical = apic_x2 ? 1 << 1 : 2;

	apic_on();
	while (!ready)
		relax();
	for (int i = 0; i < 10; i++) {
		send_and_wait(1, 0x4000 | 0x61);
		send_and_wait(logical, 0x4800 | 0x61);
		send_and_wait(logical, 0x4900 | 0x61);
		send_and_wait(0, 0xc4000 | 0x61);
	}
	/* It may have seen it before it halts again, or not. */
	stop = true;
	apic_icr(1, 0x4000 | 0x61);
}

static void *run_to_end(void *arg)
{
	struct vcpu *v = arg;

	return (void *)(uintptr_t)vcpu_sync(v);
}

/* Each runs its function to its end, @w without having been started by @v. */
static void run_both(struct __test_metadata *_metadata, struct vcpu *v,
		     void (*of_v)(void), struct vcpu *w, void (*of_w)(void))
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	pthread_t thread;
	void *result;

	do_ioctl(w->fd, KVM_SET_MP_STATE, &runnable);
	vcpu_long(v, of_v);
	vcpu_long(w, of_w);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_end, w));
	ASSERT_EQ(-1U, vcpu_sync(v));
	pthread_join(thread, &result);
	ASSERT_EQ(-1U, (uint32_t)(uintptr_t)result);
}

TEST_F(lapic, ipi)
{
	run_both(_metadata, self->v, g_sender, vcpu_new(self->vm, 1), g_receiver);
}

/*
 * As many vCPUs as KVM_CAP_MAX_VCPUS promises, the last with the highest ID
 * that there is: IPIs reach it among all the others, which never start.
 */
static volatile uint32_t last_id;

static void g_send_far(void)
{
	apic_on();
	while (!ready)
		relax();
	send_and_wait(last_id, 0x4000 | 0x61);
	send_and_wait(-1U, 0x4000 | 0x61);
	send_and_wait(0, 0xc4000 | 0x61);
	stop = true;
	apic_icr(last_id, 0x4000 | 0x61);
}

TEST(as_many_vcpus_as_promised)
{
	long max = check_cap(open_device(), KVM_CAP_MAX_VCPUS);
	struct rlimit files = { max + 100, max + 100 };
	struct vcpu *v, *last;
	struct vm *vm;

	ASSERT_LE(64, max);
	if (!on_lvx() && max > 1024)
		SKIP(return, "KVM promises more than the machine can hold");
	vm = vm_new(VM_IRQCHIP);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	last_id = check_cap(vm->fd, KVM_CAP_MAX_VCPU_ID) - 1;
	v = vcpu_new(vm, 0);
	for (long id = 1; id < max - 1; id++)
		ASSERT_LE(0, try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)id));
	last = vcpu_new(vm, last_id);
	ASSERT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_CREATE_VCPU,
				     (void *)(max - 1)));
	last->id = 1;	/* for its stack */
	apic_x2 = true;
	run_both(_metadata, v, g_send_far, last, g_receiver);
}

/*
 * A processor that has interrupted itself and spins is as quick to take the
 * next interrupt as any. Those of the host's timer, by which it would notice in
 * the end, are 4 ms apart.
 */
#define KICKS	31

static volatile uint64_t sent_at;
static volatile uint32_t kicks;
static uint64_t latency[KICKS];

static void on_kick(struct guest_frame *f)
{
	latency[kicks] = rdtsc() - sent_at;
	apic_write(APIC_EOI, 0);
	kicks++;
	(void)f;
}

static void g_kicked(void)
{
	uint32_t n;

	apic_on();
	handle(0x61, on_interrupt);
	handle(0x62, on_kick);
	for (n = 0; n < KICKS; n++) {
		sti();
		apic_icr(1, 0x4000 | 0x61);
		ready = true;
		while (kicks == n)
			;
		cli();
	}
}

static void g_kicker(void)
{
	apic_on();
	for (uint32_t n = 0; n < KICKS; n++) {
		while (!ready)
			relax();
		ready = false;
		sent_at = rdtsc();
		apic_icr(1, 0x4000 | 0x62);
		while (kicks == n)
			relax();
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

TEST_F(lapic, kick_after_self_ipi)
{
	struct vcpu *w = vcpu_new(self->vm, 1);

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	if (!on_lvx() && !kernel_before(6, 12))
		SKIP(return, "KVM 6.12 waits for the host's tick in xAPIC mode");
	run_both(_metadata, self->v, g_kicker, w, g_kicked);
	qsort(latency, KICKS, sizeof(latency[0]), by_value);
	/* In microseconds. */
	ASSERT_GT(1000, latency[KICKS / 2] * 1000 /
			do_ioctl(w->fd, KVM_GET_TSC_KHZ, 0));
}

/* The started processor, in real mode at the SIPI's page: report, then stay. */
GUEST_ASM(ap_code, 16,
	"mov %cs, %ax; mov $0xe2, %dx; out %ax, %dx; 1: hlt; jmp 1b");

static void g_starter(void)
{
	apic_on();
	apic_icr(1, 0x4500);
	apic_icr(1, 0x4600 | GPA_REAL >> 12);
	guest_sync(1);
}

static void *run_ap(void *arg)
{
	struct vcpu *w = arg;
	long r;

	/* EAGAIN tells of the INIT. */
	do {
		r = vcpu_run(w);
	} while (r == -EAGAIN);
	return (void *)r;
}

TEST_F(lapic, init_and_sipi)
{
	struct vcpu *w = vcpu_new(self->vm, 1);
	struct kvm_mp_state state;
	pthread_t thread;
	void *result;

	do_ioctl(w->fd, KVM_GET_MP_STATE, &state);
	ASSERT_EQ(KVM_MP_STATE_UNINITIALIZED, state.mp_state);
	load_asm(self->vm, GPA_REAL, ap_code);
	vcpu_long(self->v, g_starter);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_ap, w));
	ASSERT_EQ(1, vcpu_sync(self->v));
	pthread_join(thread, &result);
	ASSERT_EQ(NULL, result);
	ASSERT_EQ(KVM_EXIT_IO, w->run->exit_reason);
	ASSERT_EQ(0xe2, w->run->io.port);
	ASSERT_EQ(GPA_REAL >> 4,
		  *(uint16_t *)((uint8_t *)w->run + w->run->io.data_offset));
}

/* ------------------------------------------------------- save and restore */

static void g_pending(void)
{
	apic_on();
	handle(0x41, on_interrupt);
	apic_icr(0, 0x44000 | 0x41);
	guest_sync(1);
	sti_nop_cli();
	CHECK_EQ(1, nr_taken);
}

TEST_F(lapic, pending_interrupt_survives_save_and_restore)
{
	struct kvm_lapic_state state;

	vcpu_long(self->v, g_pending);
	ASSERT_EQ(1, vcpu_sync(self->v));
	do_ioctl(self->v->fd, KVM_GET_LAPIC, &state);
	ASSERT_EQ(1U << 1, *(uint32_t *)(state.regs + APIC_IRR + 0x20));
	ASSERT_EQ(0x1ff, *(uint32_t *)(state.regs + APIC_SVR));
	do_ioctl(self->v->fd, KVM_SET_LAPIC, &state);
	ASSERT_EQ(-1U, vcpu_sync(self->v));
}

/* An MSI that arrives while the vCPU is outside is in the saved state. */
static void g_idle(void)
{
	apic_on();
	guest_sync(1);
}

TEST_F(lapic, msi_is_in_the_saved_state)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x63 };
	struct kvm_lapic_state state;

	vcpu_long(self->v, g_idle);
	ASSERT_EQ(1, vcpu_sync(self->v));
	ASSERT_EQ(1, try_ioctl(self->vm->fd, KVM_SIGNAL_MSI, &msi));
	do_ioctl(self->v->fd, KVM_GET_LAPIC, &state);
	ASSERT_EQ(1U << 3, *(uint32_t *)(state.regs + APIC_IRR + 0x30));
	msi.flags = 0x80;
	ASSERT_EQ(-EINVAL, try_ioctl(self->vm->fd, KVM_SIGNAL_MSI, &msi));
}

LVX_TEST_MAIN
