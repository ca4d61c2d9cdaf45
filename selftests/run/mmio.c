// SPDX-License-Identifier: GPL-2.0
/*
 * Memory accesses to where no slot is, served by user space. Each case is a
 * guest function and the list of accesses that must come out, in order. Behind
 * them is a plain array, so that what the guest reads back can be checked too.
 */
#include "mmio.h"

/* Used by guest code as the other operand. */
static volatile uint8_t ram_buffer[64] __attribute__((aligned(64)));

static void g_mov(void)
{
	uint64_t v;

	asm volatile("movb $0x11, (%0)" :: "r"(REG(0)) : "memory");
	asm volatile("movw $0x2222, (%0)" :: "r"(REG(2)) : "memory");
	asm volatile("movl $0x33333333, (%0)" :: "r"(REG(4)) : "memory");
	asm volatile("movq %1, (%0)" :: "r"(REG(8)), "r"(0x4444444455555555)
		     : "memory");
	asm volatile("mov $-1, %0; movb (%1), %b0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xffffffffffffff11, v);
	asm volatile("mov $-1, %0; movw (%1), %w0" : "=&r"(v) : "r"(REG(2)));
	CHECK_EQ(0xffffffffffff2222, v);
	asm volatile("mov $-1, %0; movl (%1), %k0" : "=&r"(v) : "r"(REG(4)));
	CHECK_EQ(0x33333333, v);
	asm volatile("movq (%1), %0" : "=&r"(v) : "r"(REG(8)));
	CHECK_EQ(0x4444444455555555, v);
}

static void g_extend(void)
{
	uint64_t v;

	mmio_write(REG(0), 0x8081f2f3);
	asm volatile("movzbl (%1), %k0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xf3, v);
	asm volatile("movsbl (%1), %k0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xfffffff3, v);
	asm volatile("movzwl (%1), %k0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xf2f3, v);
	asm volatile("movswq (%1), %0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xfffffffffffff2f3, v);
	asm volatile("movslq (%1), %0" : "=&r"(v) : "r"(REG(0)));
	CHECK_EQ(0xffffffff8081f2f3, v);
}

/* Every way to form an address, and the registers that REX reaches. */
static void g_addressing(void)
{
	uint64_t v;

	asm volatile("movl %1, 0x10(%0)" :: "r"(REG(0)), "r"(1) : "memory");
	asm volatile("movl %2, (%0,%1,4)"
		     :: "r"(REG(0)), "r"(5UL), "r"(2) : "memory");
	asm volatile("movl %2, -0x1000(%0,%1,8)"
		     :: "r"(REG(0x1000)), "r"(3UL), "r"(3) : "memory");
	asm volatile("mov %1, %%r12; mov %2, %%r13; movl %%r13d, (%%r12)"
		     :: "m"(dev), "r"(REG(0x1c)), "r"(4UL)
		     : "r12", "r13", "memory");
	asm volatile("mov %1, %%r13; movl 4(%%r13), %k0"
		     : "=r"(v) : "r"(REG(0x10)) : "r13");
	CHECK_EQ(2, v);
	asm volatile("movabs 0xd0000010, %%eax" : "=a"(v));
	CHECK_EQ(1, v);
}

static void g_arithmetic(void)
{
	uint32_t v = 0x0f0f0f0f;
	uint64_t flags;

	mmio_write(REG(0), 0xff);
	asm volatile("orl $0x100, (%0)" :: "r"(REG(0)) : "memory", "cc");
	asm volatile("andl %1, (%0)" :: "r"(REG(0)), "r"(0x10f) : "memory", "cc");
	asm volatile("xorl (%1), %0" : "+r"(v) : "r"(REG(0)) : "cc");
	CHECK_EQ(0x0f0f0e00, v);
	asm volatile("addl $1, (%0)" :: "r"(REG(0)) : "memory", "cc");
	asm volatile("testl $0x110, (%1); pushf; pop %0"
		     : "=r"(flags) : "r"(REG(0)) : "cc");
	CHECK_EQ(0, flags & 0x40);
	asm volatile("cmpl $0x110, (%1); pushf; pop %0"
		     : "=r"(flags) : "r"(REG(0)) : "cc");
	CHECK_EQ(0x40, flags & 0x40);
}

static void g_exchange(void)
{
	uint32_t a = 7, old = 7;

	mmio_write(REG(0), 5);
	asm volatile("xchgl %0, (%1)" : "+r"(a) : "r"(REG(0)) : "memory");
	CHECK_EQ(5, a);
	asm volatile("lock cmpxchgl %2, (%1)"
		     : "+a"(old) : "r"(REG(0)), "r"(9) : "memory", "cc");
	CHECK_EQ(9, mmio_read(REG(0)));
}

static void g_stack(void)
{
	uint64_t v;

	asm volatile("movq %1, (%2); pushq (%2); pop %0"
		     : "=&r"(v) : "r"(0x1234UL), "r"(REG(0)) : "memory");
	CHECK_EQ(0x1234, v);
	asm volatile("pushq $0x77; popq (%0)" :: "r"(REG(8)) : "memory");
}

static void g_strings(void)
{
	uint64_t di = REG(0), si = (uintptr_t)ram_buffer, n = 3;

	for (int i = 0; i < 12; i++)
		ram_buffer[i] = i + 1;
	asm volatile("rep movsl" : "+D"(di), "+S"(si), "+c"(n) :: "memory");
	CHECK_EQ(REG(12), di);
	CHECK_EQ(0, n);
	si = REG(0);
	di = (uintptr_t)ram_buffer + 32;
	n = 4;
	asm volatile("rep movsb" : "+D"(di), "+S"(si), "+c"(n) :: "memory");
	CHECK_EQ(0x04030201, *(volatile uint32_t *)(ram_buffer + 32));
	di = REG(16);
	n = 2;
	asm volatile("rep stosw" : "+D"(di), "+c"(n) : "a"(0xabcd) : "memory");
	CHECK_EQ(REG(20), di);
}

static void g_crossing(void)
{
	mmio_write(REG(PAGE - 2), 0x44332211);
	CHECK_EQ(0x44332211, mmio_read(REG(PAGE - 2)));
}

/* Unaligned inside one page stays one access. */
static void g_unaligned(void)
{
	mmio_write(REG(3), 0x44332211);
	CHECK_EQ(0x44332211, mmio_read(REG(3)));
}

static void g_sse(void)
{
	uint64_t v[2] = { 0x1111111122222222, 0x3333333344444444 };

	asm volatile("movups %1, %%xmm3; movups %%xmm3, (%0)"
		     :: "r"(REG(0)), "m"(v) : "memory");
	asm volatile("movups (%1), %%xmm4; movups %%xmm4, %0"
		     : "=m"(v) : "r"(REG(0)) : "memory");
	CHECK_EQ(0x1111111122222222, v[0]);
	CHECK_EQ(0x3333333344444444, v[1]);
}

static const struct test_case {
	const char *name;
	void (*guest)(void);
	const char *log;
} cases[] = {
	{ "mov", g_mov, "w1@0 w2@2 w4@4 w8@8 r1@0 r2@2 r4@4 r8@8 " },
	{ "extend", g_extend, "w4@0 r1@0 r1@0 r2@0 r2@0 r4@0 " },
	{ "addressing", g_addressing,
	  "w4@10 w4@14 w4@18 w4@1c r4@14 r4@10 " },
	{ "arithmetic", g_arithmetic,
	  "w4@0 r4@0 w4@0 r4@0 w4@0 r4@0 r4@0 w4@0 r4@0 r4@0 " },
	{ "stack", g_stack, "w8@0 r8@0 w8@8 " },
	{ "strings", g_strings,
	  "w4@0 w4@4 w4@8 r1@0 r1@1 r1@2 r1@3 w2@10 w2@12 " },
	{ "crossing", g_crossing, "w2@ffe w2@1000 r2@ffe r2@1000 " },
	{ "unaligned", g_unaligned, "w4@3 r4@3 " },
	{ "sse", g_sse, "w8@0 w8@8 r8@0 r8@8 " },
};

TEST(forms)
{
	struct vm *vm = vm_new(0);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vcpu *v = vcpu_new(vm, i);

		TH_LOG("%s", cases[i].name);
		memset(dev, 0, sizeof(dev));
		vcpu_long(v, cases[i].guest);
		EXPECT_STREQ(cases[i].log, serve(v));
	}
}

/* KVM does a locked exchange with MMIO as a read and a write; others may too. */
TEST(exchange)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	const char *log;

	vcpu_long(v, g_exchange);
	log = serve(v);
	ASSERT_EQ(0, strncmp(log, "w4@0 r4@0 w4@0 ", 15)) TH_LOG("%s", log);
	ASSERT_EQ(9, dev[0]);
}

GUEST_ASM(real_mmio, 16,
	"movw $0xffff, %ax; movw %ax, %es; movw $0x1234, %es:0x10; hlt");
GUEST_ASM(prot_mmio, 32,
	"movl $0x12345678, 0xd0000010; movl 0xd0000010, %eax; hlt");

TEST(real_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	/* ffff:0010 is 1 MiB, made a hole here */
	vm_slot(v->vm, 0, 0, 0, 0, NULL);
	vm_slot(v->vm, 0, 0, 0, MIB, v->vm->ram);
	load_asm(v->vm, GPA_REAL, real_mmio);
	vcpu_real(v, GPA_REAL >> 4, 0);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(MIB, v->run->mmio.phys_addr);
	ASSERT_EQ(2, v->run->mmio.len);
	ASSERT_EQ(1, v->run->mmio.is_write);
	ASSERT_EQ(0x12, v->run->mmio.data[1]);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
}

TEST(protected_mode_without_paging)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	load_asm(v->vm, GPA_BLOB, prot_mmio);
	vcpu_prot(v, GPA_BLOB);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(REG(0x10), v->run->mmio.phys_addr);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(0, v->run->mmio.is_write);
	memcpy(v->run->mmio.data, "\1\2\3\4", 4);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(0x04030201, get_regs(v).rax);
}

static void g_read(void)
{
	CHECK_EQ(0x55, mmio_read(REG(0)));
}

/* The guest's registers are final only after the exit has been completed. */
TEST(completed_by_immediate_exit)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t rip;

	vcpu_long(v, g_read);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	rip = get_regs(v).rip;
	memcpy(v->run->mmio.data, "\x55\0\0\0", 4);
	v->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(v));
	v->run->immediate_exit = 0;
	ASSERT_LT(rip, get_regs(v).rip);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/*
 * A repeated string instruction that user space serves can be left after each
 * iteration: by user space, and by the guest for an interrupt.
 */
#define NR_FILL		64

GUEST_ASM(fill, 64, "rep stosb; hlt");

static void start_fill(struct vcpu *v)
{
	struct kvm_regs r;

	load_asm(v->vm, GPA_BLOB, fill);
	vcpu_long_at(v, GPA_BLOB);
	r = get_regs(v);
	r.rdi = REG(0);
	r.rcx = NR_FILL;
	set_regs(v, &r);
}

TEST(repetition_left_by_immediate_exit)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	int runs = 0;

	start_fill(v);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	v->run->immediate_exit = 1;
	while (!vcpu_run(v)) {
		ASSERT_GT(2, ++runs);
	}
	v->run->immediate_exit = 0;
	EXPECT_EQ(GPA_BLOB, get_regs(v).rip);
	EXPECT_GT(NR_FILL, get_regs(v).rcx);
	EXPECT_LE(NR_FILL - 2, get_regs(v).rcx);
}

static volatile uint64_t irq_rcx;

static void note_rcx(struct guest_frame *f)
{
	irq_rcx = f->rcx;
}

static void g_fill(void)
{
	uint64_t di = REG(0), n = NR_FILL;

	asm volatile("sti; nop; rep stosb; cli"
		     : "+D"(di), "+c"(n) : "a"(0x5a) : "memory");
	CHECK_EQ(0, n);
}

TEST(interrupt_in_repetition)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_interrupt irq = { .irq = 0x40 };

	guest_handlers[0x40] = note_rcx;
	vcpu_long(v, g_fill);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_INTERRUPT, &irq));
	serve(v);
	EXPECT_EQ(NR_FILL - 1, irq_rcx);
}

/*
 * User space may put the vCPU elsewhere while it serves an access, for example
 * resets it. What it interrupted isn't finished then.
 */
#define GPA_AWAY	(GPA_BLOB + 0x100)

GUEST_ASM(store_plain, 64, "mov %ecx, (%rdi); hlt");
GUEST_ASM(store_pushed, 64, "pop (%rdi); hlt");
GUEST_ASM(load_plain, 64, "mov (%rdi), %ecx; hlt");
GUEST_ASM(load_added, 64, "add (%rdi), %ecx; hlt");
GUEST_ASM(away, 64, "nop; hlt");

static const struct moved {
	const char *name, *code, *end;
	bool like_kvm;		/* not: KVM goes back, and finishes a load */
} moved[] = {
#define MOVED(name, like_kvm)	{ #name, name, name##_end, like_kvm }
	MOVED(store_plain, true),
	MOVED(store_pushed, true),
	MOVED(fill, true),
	MOVED(load_plain, false),
	MOVED(load_added, false),
};

static void run_moved(struct __test_metadata *_metadata, const struct moved *m)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs r, back;

	start_fill(v);
	memcpy(v->vm->ram + GPA_BLOB, m->code, m->end - m->code);
	load_asm(v->vm, GPA_AWAY, away);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	memset(v->run->mmio.data, 0x5a, 8);
	r = get_regs(v);
	set_rip(v, GPA_AWAY);
	TH_LOG("%s", m->name);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	back = get_regs(v);
	EXPECT_EQ(GPA_AWAY + 2, back.rip);
	EXPECT_EQ(r.rcx, back.rcx);
	EXPECT_EQ(r.rdi, back.rdi);
	EXPECT_EQ(r.rsp, back.rsp);
	vm_free(v->vm);
}

TEST(moved_during_access)
{
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++)
		if (on_lvx() || moved[i].like_kvm)
			run_moved(_metadata, &moved[i]);
}

/* Writes to a read-only slot go to user space, reads come from the memory. */
static void g_rom(void)
{
	CHECK_EQ(0x11223344, mmio_read(GPA_EXTRA));
	mmio_write(GPA_EXTRA + 8, 0x55667788);
	CHECK_EQ(0, mmio_read(GPA_EXTRA + 8));
}

TEST(read_only_slot)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	uint32_t *rom = alloc_pages(PAGE);

	rom[0] = 0x11223344;
	vm_slot(vm, 2, KVM_MEM_READONLY, GPA_EXTRA, PAGE, rom);
	vcpu_long(v, g_rom);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(GPA_EXTRA + 8, v->run->mmio.phys_addr);
	ASSERT_EQ(1, v->run->mmio.is_write);
	ASSERT_EQ(0, memcmp(v->run->mmio.data, "\x88\x77\x66\x55", 4));
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(0, rom[2]);
}

LVX_TEST_MAIN
