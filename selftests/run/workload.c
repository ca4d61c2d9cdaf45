// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's half of migrate.c; see workload.h. The guest itself checks what it
 * can: that no interrupt comes twice, that none is lost, that registers hold
 * what they held, that time does not go back.
 */
#include "guest.h"
#include "apic.h"
#include "pic.h"
#include "workload.h"

/* Vectors */
#define V_SELF		0x41
#define V_EDGE		0x51
#define V_LEVEL		0x52
#define V_TIMER		0x61
#define V_IPI		0x71
#define V_REPLY		0x72
#define V_TICK		0x81

volatile bool apic_x2;
volatile struct result result;

static volatile uint32_t timer_armed, ticks_wanted;
static volatile uint64_t last_tsc;
static volatile bool level_up;

/* ---------------------------------------------------------------- handlers */

static void on_self(struct guest_frame *f)
{
	/* Where it comes in tells whether an interrupt shadow got lost. */
	result.self++;
	result.registers = result.registers * 31 + f->rip;
	apic_write(APIC_EOI, 0);
}

#define COUNTER(name)							\
static void on_##name(struct guest_frame *f)				\
{									\
	(void)f;							\
	result.name++;							\
	apic_write(APIC_EOI, 0);					\
}
COUNTER(edge)
COUNTER(msi)
COUNTER(reply)

static void on_level(struct guest_frame *f)
{
	CHECK_EQ(V_LEVEL, f->vector);
	CHECK(level_up);
	result.level++;
	level_up = false;
	mmio_write(COMMAND, LEVEL_DOWN);
	apic_write(APIC_EOI, 0);
}

static void on_pic(struct guest_frame *f)
{
	CHECK_EQ(PIC_BASE + GSI_PIC, f->vector);
	result.pic++;
	outb(0x20, 0x20);
}

/* The second one waits for the first one's IRET. */
static void on_nmi(struct guest_frame *f)
{
	static volatile uint32_t depth;

	(void)f;
	CHECK_EQ(0, depth++);
	if (!(result.nmi++ & 1))
		mmio_write(COMMAND, NMI);
	depth--;
}

/* KVM lets a one-shot timer that has expired do so again. */
static void on_timer(struct guest_frame *f)
{
	(void)f;
	timer_armed = 0;
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_EOI, 0);
}

static void on_tick(struct guest_frame *f)
{
	(void)f;
	if (ticks_wanted)
		ticks_wanted--;
	apic_write(APIC_EOI, 0);
}

/* On the second vCPU. */
static void on_ipi(struct guest_frame *f)
{
	(void)f;
	result.ipi++;
	apic_icr(0, 0x4000 | V_REPLY);
	apic_write(APIC_EOI, 0);
}

/* ------------------------------------------------------------------- pieces */

static void wait_for(volatile uint32_t *counter, uint32_t value)
{
	while (*counter != value)
		sti_hlt_cli();
}

static void do_alu(void)
{
	uint64_t a = result.alu, b = 0x9e3779b97f4a7c15, hi, lo, carry;

	for (int i = 0; i < 200; i++) {
		asm volatile("mulq %3\n\t"
			     "adcq %3, %0\n\t"
			     "rorq $17, %0\n\t"
			     "sbbq %2, %2"
			     : "=a"(lo), "=d"(hi), "=&r"(carry)
			     : "r"(b), "0"(a) : "cc");
		a = lo ^ hi ^ carry;
		b += a | 1;
	}
	result.alu = a;
}

/* Registers hold the only copy from one piece of work to the next. */
static void start_fpu(void)
{
	static const uint32_t round_down = 0x3f80;
	static const uint64_t seed[2] = { 0x0123456789abcdef, 0xfedcba987654321 };

	asm volatile("fninit; fld1; fldpi; fldl2e\n\t"
		     "ldmxcsr %0\n\t"
		     "movdqu %1, %%xmm0\n\t"
		     "movdqu %1, %%xmm15"
		     :: "m"(round_down), "m"(*(const char (*)[16])seed));
}

static void do_fpu(void)
{
	asm volatile("fadd %st(1), %st; fsqrt; fxch %st(2)\n\t"
		     "paddq %xmm15, %xmm0\n\t"
		     "pshufd $0x39, %xmm0, %xmm1\n\t"
		     "pxor %xmm1, %xmm15\n\t"
		     "cvtdq2pd %xmm15, %xmm2\n\t"
		     "sqrtpd %xmm2, %xmm3");
}

static void end_fpu(void)
{
	asm volatile("fstpl %0; fstp %%st; fstp %%st"
		     : "=m"(result.x87));
	asm volatile("movdqu %%xmm0, %0; movdqu %%xmm15, %1"
		     : "=m"(*(char (*)[16])&result.vec[0]),
		       "=m"(*(char (*)[16])&result.vec[2]));
}

/* Both shadows, with an interrupt pending that must wait for their end. */
static void do_self(void)
{
	uint32_t before = result.self;

	apic_icr(0, 0x44000 | V_SELF);
	asm volatile("sti; nop; nop; cli");
	CHECK_EQ(before + 1, result.self);
	apic_icr(0, 0x44000 | V_SELF);
	asm volatile("mov %%ss, %%eax; sti; mov %%eax, %%ss; nop; nop; cli"
		     ::: "rax", "memory");
	CHECK_EQ(before + 2, result.self);
}

static void do_lines(void)
{
	mmio_write(COMMAND, EDGE);
	wait_for(&result.edge, result.edge + 1);
	level_up = true;
	mmio_write(COMMAND, LEVEL_UP);
	wait_for(&result.level, result.level + 1);
	mmio_write(COMMAND, PIC_LINE);
	wait_for(&result.pic, result.pic + 1);
	mmio_write(COMMAND, SEND_MSI);
	wait_for(&result.msi, result.msi + 1);
}

static void do_nmi(void)
{
	uint32_t want = result.nmi + 2;

	mmio_write(COMMAND, NMI);
	while (result.nmi != want)
		relax();
}

static void do_timers(void)
{
	timer_armed = 1;
	apic_write(APIC_LVT_TIMER, V_TIMER);
	apic_write(APIC_TIMER_INIT, 100000);
	wait_for(&timer_armed, 0);
	timer_armed = 1;
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | V_TIMER);
	asm volatile("mfence");
	wrmsr(MSR_DEADLINE, rdtsc() + 5000);
	wait_for(&timer_armed, 0);
	CHECK_EQ(0, rdmsr(MSR_DEADLINE));
	ticks_wanted = 2;
	apic_write(APIC_LVT_TIMER, TIMER_PERIODIC | V_TICK);
	apic_write(APIC_TIMER_INIT, 500000);
	wait_for(&ticks_wanted, 0);
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
}

static void do_pit(void)
{
	ticks_wanted = 2;
	ioapic_pin(0, V_TICK);
	outb(0x43, 0x34);
	outb(0x40, 0);
	outb(0x40, 0x10);		/* 3.4 ms: slow enough to keep up with */
	wait_for(&ticks_wanted, 0);
	ioapic_pin(0, RTE_MASKED);
	outb(0x43, 0x30);
}

static void do_ipi(void)
{
	uint32_t want = result.reply + 1;

	apic_icr(1, 0x4000 | V_IPI);
	wait_for(&result.reply, want);
	CHECK_EQ(want, result.ipi);
}

static void do_io(void)
{
	uint8_t *buffer = (uint8_t *)(GPA_FREE + PAGE - 7);
	uint64_t sum = 0;
	void *to;

	outl(PORT, result.port);
	sum = inl(PORT);
	asm volatile("rep insb" : "=D"(to)
		     : "0"(buffer), "c"(20), "d"(PORT) : "memory");
	for (int i = 0; i < 20; i++)
		sum = sum * 31 + buffer[i];
	asm volatile("rep outsw"
		     :: "S"(buffer), "c"(10), "d"(PORT) : "memory");
	result.port = sum;

	mmio_write(DEVICE, sum);
	asm volatile("mov $7, %%eax; addl %%eax, (%0)\n\t"
		     "xchgq %%rax, 8(%0); incb 17(%0)"
		     :: "r"(DEVICE) : "rax", "memory");
	asm volatile("rep movsb" : "=D"(to)
		     : "0"(DEVICE + 0x20), "S"(buffer), "c"(11) : "memory");
	asm volatile("movdqu (%0), %%xmm7; movdqu %%xmm7, 0x10(%0)"
		     :: "r"(DEVICE) : "memory");
	result.device = result.device * 31 + mmio_read(DEVICE + 0x14);
}

static void do_faults(void)
{
	uint64_t cr2, sum = 0;

	sum = sum * 31 + TRY("ud2", ::: "memory");
	sum = sum * 31 + TRY("xor %%ecx, %%ecx; div %%ecx",
			     ::: "rax", "rcx", "rdx", "memory");
	sum = sum * 31 + TRY("movb $1, (%0)", :: "r"(5 * GIB) : "memory");
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	CHECK_EQ(5 * GIB, cr2);
	sum = sum * 31 + TRY("movb $1, (%0)",
			     :: "r"(1UL << 63) : "memory");
	result.faults = result.faults * 31 + sum + guest_error;
}

static const uint32_t plain_msrs[] = {
	0x174, 0x175, 0x176, 0x277, 0xc0000081, 0xc0000082, 0xc0000083,
	0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103,
};

/* Values that the CPU accepts in any of them, each another. */
static uint64_t msr_value(unsigned int i)
{
	return plain_msrs[i] == 0x277 ? 0x0007040600010406 : i * 0x1000;
}

static void set_plain(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(plain_msrs); i++)
		wrmsr(plain_msrs[i], msr_value(i));
	asm volatile("mov %0, %%dr0; mov %1, %%dr3"
		     :: "r"(0x1000UL), "r"(0x2000UL));
	asm volatile("mov %0, %%cr8" :: "r"(2UL));
}

static void check_plain(void)
{
	uint64_t a, b, c, tsc = rdtsc();

	for (unsigned int i = 0; i < ARRAY_SIZE(plain_msrs); i++)
		CHECK_EQ(msr_value(i), rdmsr(plain_msrs[i]));
	asm volatile("mov %%dr0, %0; mov %%dr3, %1; mov %%cr8, %2"
		     : "=r"(a), "=r"(b), "=r"(c));
	CHECK_EQ(0x1000, a);
	CHECK_EQ(0x2000, b);
	CHECK_EQ(2, c);
	CHECK(tsc > last_tsc);
	last_tsc = tsc;
}

void g_main(void)
{
	static void (*const pieces[])(void) = {
		do_alu, do_self, do_lines, do_nmi, do_timers, do_pit, do_ipi,
		do_io, do_faults,
	};

	apic_on();
	apic_write(APIC_LVT_LINT0, 0x700);
	/* Only the one line that goes through the PIC. */
	pic_on(~(1 << GSI_PIC), 0xff);
	ioapic_pin(GSI_EDGE, V_EDGE);
	ioapic_pin(GSI_LEVEL, RTE_LEVEL | V_LEVEL);
	set_plain();
	start_fpu();
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(pieces); i++) {
			pieces[i]();
			do_fpu();
			check_plain();
		}
	}
	end_fpu();
	asm volatile("cli");
}

void g_second(void)
{
	apic_on();
	for (;;)
		sti_hlt_cli();
}

void workload_start(void)
{
	memset((void *)&result, 0, sizeof(result));
	last_tsc = 0;
	guest_handlers[2] = on_nmi;
	guest_handlers[V_SELF] = on_self;
	guest_handlers[V_EDGE] = on_edge;
	guest_handlers[V_LEVEL] = on_level;
	guest_handlers[V_MSI] = on_msi;
	guest_handlers[V_TIMER] = on_timer;
	guest_handlers[V_TICK] = on_tick;
	guest_handlers[V_IPI] = on_ipi;
	guest_handlers[V_REPLY] = on_reply;
	guest_handlers[PIC_BASE + GSI_PIC] = on_pic;
}
