/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's half of a test: what a C function may use when it runs in the
 * guest in long mode, and the tables it runs on. Shared variables are simply
 * variables, because guest and host see the program's image at one address.
 */
#ifndef LVX_TEST_GUEST_H
#define LVX_TEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/* Ports by which a guest speaks to vcpu_sync(). */
#define PORT_SYNC	0xe0
#define PORT_FAIL	0xe1
#define PORT_TRAP	0xe2

/* Selectors of the GDT that guest_tables() lays down. */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_UDATA	0x23
#define SEL_UCODE64	0x2b
#define SEL_TSS		0x30

#define GDT_GPA		0x7000
#define IDT_GPA		0x8000
#define TSS_GPA		0x9000
#define PML4_GPA	0x1000UL

struct guest_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct guest_report {
	uint32_t line;
	uint64_t a, b, cr2;
};

extern volatile struct guest_report guest_report;
/* The test's interrupt and exception handlers; NULL: unexpected. */
extern void (*volatile guest_handlers[256])(struct guest_frame *f);
/* Where an exception resumes, once; its vector and error code. */
extern volatile uint64_t guest_resume;
extern volatile uint32_t guest_vector, guest_error;

void guest_tables(uint8_t *ram);
/* Entered by vcpu_long() with the guest's function in RDI. */
void guest_start(void);

static inline void outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
	asm volatile("outw %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
	asm volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v),
		     "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void guest_cpuid(uint32_t leaf, uint32_t index, uint32_t r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(index) : "memory");
}

static inline uint32_t mmio_read(uint64_t gpa)
{
	uint32_t v;

	asm volatile("movl (%1), %0" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write(uint64_t gpa, uint32_t v)
{
	asm volatile("movl %0, (%1)" :: "r"(v), "r"(gpa) : "memory");
}

static inline void sti(void)
{
	asm volatile("sti" ::: "memory");
}

static inline void cli(void)
{
	asm volatile("cli" ::: "memory");
}

/*
 * In a loop that waits for another CPU, or for nothing, with interrupts off and
 * without leaving the guest. STI's shadow covers CLI, so no interrupt of the
 * guest's gets in, but the host's must: after a VM entry with IF clear Bochs 2.7
 * keeps those masked until the guest changes IF, and a loop that never does
 * would hang the emulated machine, under KVM as well.
 */
static inline void relax(void)
{
	asm volatile("sti; cli" ::: "memory");
}

/* STI's shadow keeps an interrupt from slipping in before the HLT. */
static inline void sti_hlt_cli(void)
{
	asm volatile("sti; hlt; cli" ::: "memory");
}

/* Take what is pending now. */
static inline void sti_nop_cli(void)
{
	asm volatile("sti; nop; cli" ::: "memory");
}

static inline void guest_sync(uint32_t value)
{
	outl(PORT_SYNC, value);
}

static inline void guest_check(bool ok, uint32_t line, uint64_t a, uint64_t b)
{
	if (ok)
		return;
	guest_report.line = line;
	guest_report.a = a;
	guest_report.b = b;
	outl(PORT_FAIL, line);
}

#define CHECK(cond)	guest_check(cond, __LINE__, 0, 0)
#define CHECK_EQ(x, y) do {						\
	uint64_t a_ = (x), b_ = (y);					\
	guest_check(a_ == b_, __LINE__, a_, b_);			\
} while (0)

/*
 * Run one instruction that may fault, and say what it raised: TRY() returns
 * the vector, or -1 when the instruction went through.
 */
#define TRY(insn, ...) ({						\
	guest_vector = -1U;						\
	asm volatile("movq $771f, guest_resume\n\t" insn "\n771:\n\t"	\
		     "movq $0, guest_resume"				\
		     __VA_ARGS__);					\
	(int)guest_vector;						\
})

#endif
