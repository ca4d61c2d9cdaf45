// SPDX-License-Identifier: GPL-2.0
/*
 * CR4.UMIP on a CPU that hasn't got it: descriptor-table instructions exit, are
 * refused to user mode, and do for the guest's kernel what they do on the CPU.
 * On a CPU with UMIP the same holds without an exit, so it is tested as well.
 */
#include <cpuid.h>

#include "harness.h"

#define UD	6
#define NP	11
#define SS	12
#define GP	13
#define PF	14

#define CR4		0x620UL
#define CR4_UMIP	(CR4 | 1UL << 11)

#define SEL_LDT		0x40		/* 16 bytes, as all that follow */
#define SEL_TSS2	0x50
#define SEL_ABSENT	0x60		/* a TSS that isn't present */
#define SEL_HIGH	0x70		/* a TSS at a non-canonical address */

struct __attribute__((packed)) table { uint16_t limit; uint64_t base; };

/* KVM's emulator, which has a few faults of its own. */
static volatile bool in_emulator;

static void set_cr4(uint64_t cr4)
{
	asm volatile("mov %0, %%cr4" :: "r"(cr4) : "memory");
}

static void write_descriptors(struct vm *vm)
{
	uint64_t *gdt = (void *)(vm->ram + GDT_GPA);
	uint64_t tss = 0x0000890000000067 | (uint64_t)TSS_GPA << 16;

	gdt[SEL_LDT / 8] = 0x000082000000000f | (uint64_t)GDT_GPA << 16;
	gdt[SEL_LDT / 8 + 1] = 0x12;
	gdt[SEL_TSS2 / 8] = tss;
	gdt[SEL_ABSENT / 8] = tss & ~(0x80ULL << 40);
	gdt[SEL_HIGH / 8] = tss;
	gdt[SEL_HIGH / 8 + 1] = 0x80000000;
}

TEST(cpuid_has_umip)
{
	struct kvm_cpuid2 *c = supported_cpuid();

	ASSERT_TRUE(cpuid_find(c, 7, 0)->ecx & 1 << 2);
	free(c);
}

static bool cpu_has_umip(void)
{
	unsigned int a, b, c = 0, d;

	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	return c & 1 << 2;
}

/* What the kernel stores is what it loaded, whoever executes the instruction. */
static void guest_stores(void)
{
	static struct __attribute__((packed)) {
		struct table t;
		uint32_t after;
	} m;
	uint64_t v;

	set_cr4(CR4_UMIP);
	asm volatile("mov %%cr4, %0" : "=r"(v));
	CHECK_EQ(CR4_UMIP, v);
	for (int i = 0; i < 2; i++) {
		m.after = 0x5a5a5a5a;
		asm volatile("sgdt %0" : "=m"(m.t) :: "memory");
		CHECK_EQ(0xff, m.t.limit);
		CHECK_EQ(GDT_GPA, m.t.base);
		asm volatile("sidt %0" : "=m"(m.t) :: "memory");
		CHECK_EQ(0xfff, m.t.limit);
		CHECK_EQ(IDT_GPA, m.t.base);
		CHECK_EQ(0x5a5a5a5a, m.after);
		v = 0x1122334455667788;
		asm volatile("strw %w0" : "+r"(v));
		CHECK_EQ(0x1122334455660000 | SEL_TSS, v);
		v = -1UL;
		asm volatile("str %k0" : "+r"(v));
		CHECK_EQ(SEL_TSS, v);
		v = -1UL;
		asm volatile("str %q0" : "+r"(v));
		CHECK_EQ(SEL_TSS, v);
		v = -1UL;
		asm volatile("sldt %k0" : "+r"(v));
		CHECK_EQ(0, v);
		v = -1UL;
		asm volatile("str %%r13d; mov %%r13, %0" : "=r"(v) :: "r13");
		CHECK_EQ(SEL_TSS, v);
		/* of memory two bytes; every part of an address */
		m.t.base = -1UL;
		asm volatile("str 2(%0, %1, 8)"
			     :: "r"((uintptr_t)&m.t - 80), "r"(10UL) : "memory");
		CHECK_EQ(-1UL << 16 | SEL_TSS, m.t.base);
		m.t.base = -1UL;	/* KVM writes all eight */
		asm volatile(".byte 0x48, 0x0f, 0, 0x48, 2"
			     :: "a"(&m.t) : "memory");
		if (!in_emulator)
			CHECK_EQ(-1UL << 16 | SEL_TSS, m.t.base);
		m.t.base = -1UL;
		asm volatile("sldt 2(%q0)" :: "r"(&m.t) : "memory");
		CHECK_EQ(-1UL << 16, m.t.base);
		asm volatile("addr32 sgdt (%k0)" :: "r"(&m.t) : "memory");
		CHECK_EQ(GDT_GPA, m.t.base);
		set_cr4(CR4);		/* and by the CPU alone */
	}
}

TEST(the_kernel_stores)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	in_emulator = !on_lvx();
	vcpu_long(v, guest_stores);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* GS has a base; SP is a base register; a trap follows as ever. */
static volatile uint64_t steps;

static void count_step(struct guest_frame *f)
{
	steps++;
	f->rflags &= ~0x100UL;
}

static void guest_bases(void)
{
	static struct table t;
	struct table on_stack;

	set_cr4(CR4_UMIP);
	wrmsr(0xc0000101, (uintptr_t)&t - 0x40);
	asm volatile("sgdt %%gs:0x40" ::: "memory");
	CHECK_EQ(GDT_GPA, t.base);
	asm volatile("sub $64, %%rsp; sidt 16(%%rsp); mov 18(%%rsp), %0\n"
		     "add $64, %%rsp" : "=r"(on_stack.base) :: "memory");
	CHECK_EQ(IDT_GPA, on_stack.base);
	asm volatile("pushf; orl $0x100, (%%rsp); popf; sgdt %0"
		     : "=m"(t) :: "memory", "cc");
	CHECK_EQ(1, steps);
	asm volatile("mov %%rsp, %%r12; str %%esp; mov %%rsp, %0; mov %%r12, %%rsp"
		     : "=r"(on_stack.base) :: "r12", "memory");
	CHECK_EQ(SEL_TSS, on_stack.base);
}

TEST(addresses_and_traps)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[1] = count_step;
	vcpu_long(v, guest_bases);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* What it loads is there. */
static void guest_loads(void)
{
	volatile uint64_t *gdt = (void *)GDT_GPA;
	struct table t = { 0x8f, GDT_GPA }, s;
	uint16_t sel = SEL_LDT;
	uint64_t v;

	set_cr4(CR4_UMIP);
	asm volatile("lgdt %0" :: "m"(t));
	asm volatile("sgdt %0" : "=m"(s));
	CHECK_EQ(0x8f, s.limit);
	CHECK_EQ(GDT_GPA, s.base);
	CHECK_EQ(GP, TRY("mov %0, %%es", :: "r"(0x90)));
	t = (struct table){ 0x7ff, IDT_GPA };
	asm volatile("lidt %0" :: "m"(t));
	asm volatile("sidt %0" : "=m"(s));
	CHECK_EQ(0x7ff, s.limit);

	asm volatile("lldt %0" :: "m"(sel));
	asm volatile("sldt %0" : "=r"(v) : "0"(0UL));
	CHECK_EQ(SEL_LDT, v);
	asm volatile("lldt %w0" :: "r"(3));
	asm volatile("sldt %0" : "=r"(v) : "0"(0UL));
	CHECK_EQ(3, v);

	asm volatile("ltr %w0" :: "r"(SEL_TSS2));
	asm volatile("str %0" : "=r"(v) : "0"(0UL));
	CHECK_EQ(SEL_TSS2, v);
	CHECK_EQ(0x8b, gdt[SEL_TSS2 / 8] >> 40 & 0xff);
}

TEST(the_kernel_loads)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_sregs s;

	write_descriptors(vm);
	vcpu_long(v, guest_loads);
	ASSERT_EQ(-1U, vcpu_sync(v));
	s = get_sregs(v);
	EXPECT_EQ(0x8f, s.gdt.limit);
	EXPECT_EQ(0x7ff, s.idt.limit);
	EXPECT_TRUE(s.ldt.unusable);
	EXPECT_EQ(TSS_GPA, s.tr.base);
	EXPECT_EQ(0x67, s.tr.limit);
	EXPECT_EQ(11, s.tr.type);
}

static void guest_ldt(void)
{
	set_cr4(CR4_UMIP);
	asm volatile("lldt %w0" :: "r"(SEL_LDT));
}

TEST(ldt_of_64_bits)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_sregs s;

	write_descriptors(vm);
	vcpu_long(v, guest_ldt);
	ASSERT_EQ(-1U, vcpu_sync(v));
	s = get_sregs(v);
	EXPECT_EQ(0x1200000000 | GDT_GPA, s.ldt.base);
	EXPECT_EQ(0xf, s.ldt.limit);
	EXPECT_FALSE(s.ldt.unusable);
}

#define BAD	(1UL << 63)
#define HOLE	(64 * MIB)		/* taken out of the page tables */
#define PDE(v)	((volatile uint64_t *)(PML4_GPA + 2 * PAGE))[(v) / (2 * MIB)]

#define FAULTS(vector, code, ...) do {					\
	CHECK_EQ(vector, TRY(__VA_ARGS__));				\
	CHECK_EQ(code, guest_error);					\
} while (0)

static void guest_faults(void)
{
	struct table t = { 0xff, BAD };
	volatile uint8_t *edge = (void *)(HOLE - 4);
	uint64_t cr2;

	set_cr4(CR4_UMIP);
	PDE(HOLE) = 0;
	asm volatile("invlpg (%0)" :: "r"(HOLE) : "memory");
	FAULTS(GP, 0, "sgdt (%0)", :: "r"(BAD) : "memory");
	FAULTS(GP, 0, "sidt (%0)", :: "r"(BAD) : "memory");
	FAULTS(GP, 0, "str (%0)", :: "r"(BAD) : "memory");
	FAULTS(GP, 0, "lgdt (%0)", :: "r"(BAD) : "memory");
	FAULTS(GP, 0, "lgdt %0", :: "m"(t));
	FAULTS(GP, 0, "lidt %0", :: "m"(t));
	FAULTS(GP, 0, "lldt (%0)", :: "r"(BAD) : "memory");
	FAULTS(PF, 2, "sgdt (%0)", :: "r"(HOLE) : "memory");
	FAULTS(PF, 0, "lidt (%0)", :: "r"(HOLE) : "memory");
	FAULTS(PF, 2, "sldt (%0)", :: "r"(HOLE) : "memory");
	FAULTS(PF, 0, "ltr (%0)", :: "r"(HOLE) : "memory");
	/* across a page into nothing: the address is that of the second */
	edge[0] = edge[3] = 0x77;
	FAULTS(PF, 2, "sgdt (%0)", :: "r"(edge) : "memory");
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	CHECK_EQ(HOLE, cr2);

	FAULTS(GP, 0, "ltr %w0", :: "r"(3));
	FAULTS(GP, SEL_TSS, "ltr %w0", :: "r"(SEL_TSS));	/* busy */
	FAULTS(GP, SEL_LDT, "ltr %w0", :: "r"(SEL_LDT));
	if (!in_emulator)	/* which has no code for it */
		FAULTS(GP, SEL_TSS2 | 4, "ltr %w0", :: "r"(SEL_TSS2 | 7));
	FAULTS(GP, 0x100, "ltr %w0", :: "r"(0x100));
	FAULTS(NP, SEL_ABSENT, "ltr %w0", :: "r"(SEL_ABSENT));
	FAULTS(GP, SEL_HIGH, "ltr %w0", :: "r"(SEL_HIGH));
	FAULTS(GP, SEL_TSS2, "lldt %w0", :: "r"(SEL_TSS2));
	FAULTS(GP, SEL_LDT | 4, "lldt %w0", :: "r"(SEL_LDT | 4));
	FAULTS(GP, SEL_DATA, "lldt %w0", :: "r"(SEL_DATA));
	FAULTS(GP, 0xfff8, "lldt %w0", :: "r"(0xfff8));
	CHECK_EQ(UD, TRY(".byte 0xf0; sgdt %0", :: "m"(t)));
}

TEST(the_kernel_faults)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);

	vm_slot(vm, 2, 0, HOLE - 2 * MIB, 4 * MIB, alloc_pages(4 * MIB));
	write_descriptors(vm);
	in_emulator = !on_lvx();
	vcpu_long(v, guest_faults);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* A store that faults on its second page has not written to the first. */
static void guest_half(void)
{
	volatile uint8_t *edge = (void *)(HOLE - 4);

	set_cr4(CR4_UMIP);
	PDE(HOLE) = 0;
	asm volatile("invlpg (%0)" :: "r"(HOLE) : "memory");
	edge[0] = 0x77;
	FAULTS(PF, 2, "sgdt (%0)", :: "r"(edge) : "memory");
	CHECK_EQ(0x77, edge[0]);
}

TEST(nothing_is_half_stored)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);

	if (!on_lvx())
		SKIP(return, "KVM's emulator may write the first page");
	vm_slot(vm, 2, 0, HOLE - 2 * MIB, 4 * MIB, alloc_pages(4 * MIB));
	vcpu_long(v, guest_half);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static void user_return(struct guest_frame *f)
{
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rip = f->rbx;
	f->rsp = f->rbp;
	f->rflags = 2;
}

/* Call @fn in ring 3, with IOPL 3 for its reports. */
static void in_user_mode(void (*fn)(void))
{
	asm volatile("mov %%rsp, %%rbp; and $-16, %%rsp\n"
		     "push %0; push %%rbp; push $0x3002; push %1\n"
		     "lea 1f(%%rip), %%rax; push %%rax; iretq\n"
		     "1: call *%2; lea 2f(%%rip), %%rbx; int $0x80; 2:"
		     :: "i"(SEL_UDATA), "i"(SEL_UCODE64), "r"(fn)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
		       "r9", "r10", "r11", "memory", "cc");
}

static volatile bool in_cpu;
static volatile bool umip_on;

static void user(void)
{
	static uint64_t m[2];
	int want = umip_on ? GP : -1;

	for (int i = 0; i < 3; i++) {
		guest_error = 0;
		m[0] = 0x55;
		CHECK_EQ(want, TRY("sgdt %0", : "+m"(m) :: "memory"));
		CHECK_EQ(umip_on, m[0] == 0x55);
		CHECK_EQ(want, TRY("sidt %0", : "=m"(m) :: "memory"));
		CHECK_EQ(want, TRY("sldt %0", : "=m"(m) :: "memory"));
		CHECK_EQ(want, TRY("str %0", : "=m"(m) :: "memory"));
		CHECK_EQ(want, TRY("sldt %%eax", ::: "rax"));
		CHECK_EQ(want, TRY("str %%rax", ::: "rax"));
		CHECK_EQ(0, guest_error);
		/* It doesn't exit: that CPU goes on telling. */
		CHECK_EQ(in_cpu ? want : -1, TRY("smsw %%eax", ::: "rax"));
		CHECK_EQ(GP, TRY("lgdt %0", :: "m"(m)));
		CHECK_EQ(GP, TRY("lidt %0", :: "m"(m)));
		CHECK_EQ(GP, TRY("lldt %%ax", ::: "rax"));
		CHECK_EQ(GP, TRY("ltr %%ax", ::: "rax"));
		/* The fault of an address that can't be comes second. */
		CHECK_EQ(GP, TRY("sgdt (%0)", :: "r"(BAD) : "memory"));
		CHECK_EQ(umip_on ? GP : PF,
			 TRY("sgdt (%0)", :: "r"(HOLE) : "memory"));
	}
}

static void guest_user(void)
{
	PDE(HOLE) = 0;
	asm volatile("invlpg (%0)" :: "r"(HOLE) : "memory");
	in_user_mode(user);
	umip_on = true;
	set_cr4(CR4_UMIP);
	in_user_mode(user);
	umip_on = false;
	set_cr4(CR4);
	in_user_mode(user);
}

TEST(user_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	in_cpu = cpu_has_umip();
	guest_handlers[0x80] = user_return;
	vcpu_long(v, guest_user);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* User space sets CR4, as a migration does. */
static void guest_user_on(void)
{
	in_user_mode(user);
}

TEST(set_by_user_space)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_sregs s;

	in_cpu = cpu_has_umip();
	guest_handlers[0x80] = user_return;
	vcpu_long(v, guest_user_on);
	((uint64_t *)(v->vm->ram + PML4_GPA + 2 * PAGE))[HOLE / (2 * MIB)] = 0;
	s = get_sregs(v);
	s.cr4 = CR4_UMIP;
	set_sregs(v, &s);
	umip_on = true;
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(CR4_UMIP, get_sregs(v).cr4);
}

/* A guest whose CPUID lacks UMIP can't set it. */
static void guest_refused(void)
{
	CHECK_EQ(GP, TRY("mov %0, %%cr4", :: "r"(CR4_UMIP)));
}

TEST(not_without_cpuid)
{
	struct vm *vm = vm_new(VM_NOCPUID);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct vcpu *v = vcpu_new(vm, 0);

	cpuid_find(c, 7, 0)->ecx &= ~(1U << 2);
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	vcpu_long(v, guest_refused);
	ASSERT_EQ(-1U, vcpu_sync(v));
	free(c);
}

/*
 * 32-bit code: six-byte operands, segments with bases and limits, 16-bit
 * addresses. ES is 0x100 bytes from GPA_FREE on.
 */
GUEST_ASM(asm32, 32,
	"mov $0x800, %eax; mov %eax, %cr4\n"
	"mov $0x100000, %ebx\n"
	"movl $0x5a5a5a5a, 6(%ebx)\n"
	"sgdt %es:0\n"
	"mov $0x10, %si; mov $8, %bx\n"
	"addr16 sidt %es:8(%bx, %si)\n"		/* at 0x20 */
	"movl $-1, %es:0x30\n"
	"str %es:0x30\n"
	"mov $-1, %ecx; str %ecx; mov %ecx, %es:0x34\n"
	"mov $-1, %ecx; str %cx; mov %ecx, %es:0x38\n"
	"out %eax, $0xe0\n"
	"sgdt %es:0xfb\n"			/* one byte too far */
	"out %eax, $0xe0");

TEST(code_of_32_bits)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_sregs s;
	uint8_t *m;

	load_asm(vm, GPA_BLOB, asm32);
	vcpu_prot(v, GPA_BLOB);
	s = get_sregs(v);
	s.es.base = GPA_FREE;
	s.es.limit = 0xff;
	s.es.g = 0;
	s.tr = (struct kvm_segment) {
		.base = TSS_GPA, .limit = 0x67, .selector = SEL_TSS,
		.type = 11, .present = 1,
	};
	s.idt.base = 0x12345678;
	s.idt.limit = 0;
	set_sregs(v, &s);
	m = vm->ram + GPA_FREE;
	vcpu_sync(v);
	EXPECT_EQ(0xff, *(uint16_t *)m);
	EXPECT_EQ(GDT_GPA, *(uint32_t *)(m + 2));
	EXPECT_EQ(0x5a5a5a5a, *(uint32_t *)(m + 6));
	EXPECT_EQ(0, *(uint16_t *)(m + 0x20));
	EXPECT_EQ(0x12345678, *(uint32_t *)(m + 0x22));
	EXPECT_EQ(0xffff0000 | SEL_TSS, *(uint32_t *)(m + 0x30));
	EXPECT_EQ(SEL_TSS, *(uint32_t *)(m + 0x34));
	EXPECT_EQ(0xffff0000 | SEL_TSS, *(uint32_t *)(m + 0x38));
	/* The IDT has no entry: the #GP becomes a triple fault. */
	ASSERT_EXIT(KVM_EXIT_SHUTDOWN, v);
	EXPECT_EQ(0, m[0xfb]);
}

LVX_TEST_MAIN
