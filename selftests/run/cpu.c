// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU as the guest has it: control and debug registers, privilege, the
 * page tables it changes itself, instructions that VMX intercepts or that a
 * guest must not have.
 */
#include <asm/prctl.h>
#include <sys/syscall.h>

#include "harness.h"

#define UD	6
#define GP	13
#define PF	14

static volatile uint64_t cr[5];

static void guest_crs(void)
{
	uint64_t v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	cr[2] = v;
	asm volatile("mov %%cr3, %0" : "=r"(v));
	cr[3] = v;
	asm volatile("mov %%cr8, %0" : "=r"(v));
	cr[4] = v;
	asm volatile("mov %0, %%cr2" :: "r"(0xabcd000UL));
	asm volatile("mov %0, %%cr8" :: "r"(9UL));
	asm volatile("mov %0, %%cr3" :: "r"(PML4_GPA | 0x18UL));
	asm volatile("mov %0, %%cr4" :: "r"(0x6a0UL));	/* + PGE */
	asm volatile("mov %0, %%cr0" :: "r"(0x80050033UL));
}

TEST(control_registers)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_sregs s;

	vcpu_long(v, guest_crs);
	s = get_sregs(v);
	s.cr2 = 0x1234000;
	s.cr8 = 3;
	set_sregs(v, &s);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(0x1234000, cr[2]);
	EXPECT_EQ(PML4_GPA, cr[3]);
	EXPECT_EQ(3, cr[4]);
	s = get_sregs(v);
	EXPECT_EQ(0xabcd000, s.cr2);
	EXPECT_EQ(9, s.cr8);
	EXPECT_EQ(PML4_GPA | 0x18, s.cr3);
	EXPECT_EQ(0x6a0, s.cr4);
	EXPECT_EQ(0x80050033, s.cr0);
}

/* CLTS and LMSW write CR0 without a MOV; the guest reads back what it wrote. */
static void guest_cr0(void)
{
	uint64_t v;

	asm volatile("mov %0, %%cr0" :: "r"(0x8001003bUL));	/* + TS */
	asm volatile("mov %%cr0, %0" : "=r"(v));
	CHECK_EQ(0x8001003b, v);
	asm volatile("clts");
	asm volatile("mov %%cr0, %0" : "=r"(v));
	CHECK_EQ(0x80010033, v);
	asm volatile("lmsw %w0" :: "r"(0x3b));
	asm volatile("smsw %w0" : "=r"(v) : "0"(0UL));
	CHECK_EQ(0x3b, v & 0xffff);
	asm volatile("lmsw %w0" :: "r"(0));	/* cannot clear PE */
	asm volatile("mov %%cr0, %0" : "=r"(v));
	CHECK_EQ(0x80010031, v);
	/* caches off and on, as MTRR code does */
	asm volatile("mov %0, %%cr0; wbinvd" :: "r"(0xc0010033UL));
	asm volatile("mov %%cr0, %0" : "=r"(v));
	CHECK_EQ(0xc0010033, v);
	asm volatile("mov %0, %%cr0" :: "r"(0x80010033UL));
}

TEST(cr0_forms)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	vcpu_long(v, guest_cr0);
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(0x80010033, get_sregs(v).cr0);
}

static volatile bool vmxe_is_taken;

static void guest_bad_crs(void)
{
	CHECK_EQ(GP, TRY("mov %0, %%cr4", :: "r"(0x620UL | 1UL << 31)));
	CHECK_EQ(GP, TRY("mov %0, %%cr4", :: "r"(0x600UL)));	/* no PAE */
	if (!vmxe_is_taken)
		CHECK_EQ(GP, TRY("mov %0, %%cr4", :: "r"(0x2620UL))); /* VMXE */
	CHECK_EQ(GP, TRY("mov %0, %%cr0", :: "r"(0x80000032UL))); /* no PE */
	CHECK_EQ(GP, TRY("mov %0, %%cr0", :: "r"(1UL << 40 | 0x80010033UL)));
	CHECK_EQ(GP, TRY("mov %0, %%cr0", :: "r"(0xa0010033UL))); /* NW, no CD */
	CHECK_EQ(GP, TRY("mov %0, %%cr8", :: "r"(16UL)));
	CHECK_EQ(UD, TRY("mov %%cr1, %%rax", ::: "rax"));
}

TEST(bad_control_registers_fault)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vmxe_is_taken = can_nest();
	vcpu_long(v, guest_bad_crs);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static volatile uint64_t dr[8];

static void guest_drs(void)
{
	uint64_t v;

	asm volatile("mov %%dr0, %0" : "=r"(v));
	dr[0] = v;
	asm volatile("mov %%dr3, %0" : "=r"(v));
	dr[3] = v;
	asm volatile("mov %%dr7, %0" : "=r"(v));
	dr[7] = v;
	asm volatile("mov %0, %%dr1" :: "r"(0x1111UL));
	asm volatile("mov %0, %%dr2" :: "r"(0x2222UL));
}

TEST(debug_registers)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_debugregs set = {
		.db = { 0x7000, 0x8000, 0x9000, 0xa000 },
		.dr6 = 0xffff0ff0, .dr7 = 0x400,
	}, got;

	vcpu_long(v, guest_drs);
	do_ioctl(v->fd, KVM_SET_DEBUGREGS, &set);
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &got);
	ASSERT_EQ(0, memcmp(&set, &got, sizeof(set)));
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(0x7000, dr[0]);
	EXPECT_EQ(0xa000, dr[3]);
	EXPECT_EQ(0x400, dr[7]);
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &got);
	EXPECT_EQ(0x1111, got.db[1]);
	EXPECT_EQ(0x2222, got.db[2]);
}

static volatile uint64_t db_dr6, db_rip;

static void debug_exception(struct guest_frame *f)
{
	uint64_t v;

	asm volatile("mov %%dr6, %0" : "=r"(v));
	db_dr6 = v;
	db_rip = f->rip;
	f->rflags |= 1 << 16;		/* RF: go on past the breakpoint */
	f->rflags &= ~0x100UL;
}

extern const char break_here[], step_to[], step_over[];

static void guest_breakpoint(void)
{
	asm volatile("mov %0, %%dr0" :: "r"(break_here));
	asm volatile("mov %0, %%dr7" :: "r"(0x402UL));
	asm volatile("break_here: nop");
	CHECK_EQ((uintptr_t)break_here, db_rip);
	CHECK_EQ(0xffff0ff1, db_dr6);
	asm volatile("mov %0, %%dr7; mov %1, %%dr6"
		     :: "r"(0x400UL), "r"(0xffff0ff0UL));
	asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; step_to: nop"
		     ::: "memory", "cc");
	CHECK_EQ((uintptr_t)step_to, db_rip);
	CHECK_EQ(0xffff4ff0, db_dr6);
	/* An instruction that exits is stepped over like any other. */
	asm volatile("mov %0, %%dr6" :: "r"(0xffff0ff0UL));
	asm volatile("xor %%eax, %%eax; pushf; orl $0x100, (%%rsp); popf\n"
		     "cpuid; step_over: nop"
		     ::: "rax", "rbx", "rcx", "rdx", "memory", "cc");
	CHECK_EQ((uintptr_t)step_over, db_rip);
	CHECK_EQ(0xffff4ff0, db_dr6);
}

TEST(guest_debugs_itself)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[1] = debug_exception;
	vcpu_long(v, guest_breakpoint);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/*
 * Instructions that a guest does not have, or that VMX always intercepts. The
 * VMX ones fault with #UD because CR4.VMXE is clear.
 */
static void guest_instructions(void)
{
	static uint64_t mem[2];
	uint32_t r[4];

	CHECK_EQ(UD, TRY("ud2",));
	CHECK_EQ(UD, TRY("vmxon %0", :: "m"(mem)));
	CHECK_EQ(UD, TRY("vmxoff",));
	CHECK_EQ(UD, TRY("vmlaunch",));
	CHECK_EQ(UD, TRY("vmresume",));
	CHECK_EQ(UD, TRY("vmptrld %0", :: "m"(mem)));
	CHECK_EQ(UD, TRY("vmclear %0", :: "m"(mem)));
	CHECK_EQ(UD, TRY("vmread %%rax, %%rax", ::: "rax"));
	CHECK_EQ(UD, TRY("vmwrite %%rax, %%rax", ::: "rax"));
	CHECK_EQ(UD, TRY("getsec", :: "a"(0)));
	CHECK_EQ(UD, TRY("rsm",));
	CHECK_EQ(UD, TRY("xgetbv", :: "c"(0) : "rax", "rdx"));	/* no OSXSAVE */
	CHECK_EQ(-1, TRY("wbinvd",));
	CHECK_EQ(-1, TRY("invd",));
	CHECK_EQ(-1, TRY("pause",));
	CHECK_EQ(-1, TRY("rdtsc", ::: "rax", "rdx"));
	CHECK_EQ(0, TRY("div %b0", :: "c"(0), "a"(1)));
	CHECK_EQ(3, TRY("int3",));
	CHECK_EQ(GP, TRY("mov %0, %%ss", :: "r"(0x5555)));
	CHECK_EQ(GP, TRY("movb $1, (%0)", :: "r"(1UL << 63)));
	guest_cpuid(0, 0, r);
}

TEST(instructions)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	vcpu_long(v, guest_instructions);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static uint64_t vmcall(uint64_t nr, uint64_t arg)
{
	uint64_t ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "b"(arg) : "memory");
	return ret;
}

static void guest_vmcall(void)
{
	CHECK_EQ(-1000ULL, vmcall(0xffff, 0));		/* KVM_ENOSYS */
	CHECK_EQ(0, vmcall(1, 0));			/* VAPIC poll */
}

TEST(hypercall)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	vcpu_long(v, guest_vmcall);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static volatile uint64_t frame_cs, frame_error;

static void user_fault(struct guest_frame *f)
{
	frame_cs = f->cs;
	frame_error = f->error;
	f->rip = f->rbx;		/* where the user code goes on */
}

static void user_return(struct guest_frame *f)
{
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rip = f->rbx;
	f->rsp = f->rbp;
	f->rflags = 2;
}

#define FROM_USER(insn)	"lea 77f(%%rip), %%rbx; " insn "; 77:"

/* Go to ring 3, try what is not allowed there, and come back by INT 0x80. */
static void guest_user(void)
{
	asm volatile("mov %%rsp, %%rbp\n"
		     "push %0; push %%rbp; push $2; push %1\n"
		     "lea 1f(%%rip), %%rax; push %%rax; iretq\n"
		     "1: " FROM_USER("hlt") "\n"
		     FROM_USER("mov %%cr0, %%rax") "\n"
		     FROM_USER("mov $0x10, %%ecx; rdmsr") "\n"
		     FROM_USER("out %%al, $0x80") "\n"
		     FROM_USER("cli") "\n"
		     FROM_USER("invlpg (%%rsp)") "\n"
		     "lea 2f(%%rip), %%rbx; int $0x80; 2:"
		     :: "i"(SEL_UDATA), "i"(SEL_UCODE64)
		     : "rax", "rbx", "rcx", "rdx", "rbp", "memory", "cc");
}

static volatile int user_faults;

static void count_user_fault(struct guest_frame *f)
{
	if (f->cs == SEL_UCODE64)
		user_faults++;
	user_fault(f);
}

TEST(user_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[GP] = count_user_fault;
	guest_handlers[0x80] = user_return;
	vcpu_long(v, guest_user);
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(6, user_faults);
	ASSERT_EQ(0, frame_error);
}

/* CPUID and VMCALL work in ring 3, the latter without privilege. */
static volatile uint64_t user_vmcall;

static void guest_user_exits(void)
{
	asm volatile("mov %%rsp, %%rbp\n"
		     "push %1; push %%rbp; push $2; push %2\n"
		     "lea 1f(%%rip), %%rax; push %%rax; iretq\n"
		     "1: xor %%eax, %%eax; cpuid\n"
		     "mov $1, %%eax; vmcall; mov %%rax, %0\n"
		     "lea 2f(%%rip), %%rbx; int $0x80; 2:"
		     : "=m"(user_vmcall)
		     : "i"(SEL_UDATA), "i"(SEL_UCODE64)
		     : "rax", "rbx", "rcx", "rdx", "rbp", "memory", "cc");
}

TEST(exits_from_user_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[0x80] = user_return;
	vcpu_long(v, guest_user_exits);
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(-1UL, user_vmcall);		/* KVM_EPERM */
}

/*
 * The guest changes its own page tables: a page it maps elsewhere, with INVLPG
 * and with a new CR3. A TLB entry that survives either shows the old page.
 */
#define PDE(v)	((volatile uint64_t *)(PML4_GPA + 2 * PAGE))[(v) / (2 * MIB)]
#define WINDOW	(64 * MIB)

static void guest_remap(void)
{
	volatile uint64_t *w = (void *)WINDOW, *a = (void *)GPA_EXTRA,
			  *b = (void *)(GPA_EXTRA + 2 * MIB);

	*a = 0xaaaa;
	*b = 0xbbbb;
	PDE(WINDOW) = GPA_EXTRA | 0x87;
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(0xaaaa, *w);
		PDE(WINDOW) = (GPA_EXTRA + 2 * MIB) | 0x87;
		asm volatile("invlpg (%0)" :: "r"(w) : "memory");
		CHECK_EQ(0xbbbb, *w);
		PDE(WINDOW) = GPA_EXTRA | 0x87;
		asm volatile("mov %0, %%cr3" :: "r"(PML4_GPA) : "memory");
	}
	/* an exit in between must not bring anything back */
	PDE(WINDOW) = 0;
	asm volatile("invlpg (%0)" :: "r"(w) : "memory");
	guest_sync(1);
	CHECK_EQ(PF, TRY("movb (%0), %%al", :: "r"(w) : "rax"));
	CHECK_EQ(0, guest_error);
	/* global pages stay over a CR3 load and go with CR4.PGE */
	asm volatile("mov %0, %%cr4" :: "r"(0x6a0UL) : "memory");
	PDE(WINDOW) = GPA_EXTRA | 0x187;
	CHECK_EQ(0xaaaa, *w);
	PDE(WINDOW) = (GPA_EXTRA + 2 * MIB) | 0x187;
	asm volatile("mov %0, %%cr4; mov %1, %%cr4"
		     :: "r"(0x620UL), "r"(0x6a0UL) : "memory");
	CHECK_EQ(0xbbbb, *w);
	/* write protection obeys CR0.WP */
	PDE(WINDOW) = GPA_EXTRA | 0x85;
	asm volatile("invlpg (%0)" :: "r"(w) : "memory");
	*w = 1;
	asm volatile("mov %0, %%cr0" :: "r"(0x80010033UL | 1 << 16) : "memory");
}

TEST(guest_page_tables)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_sregs s;

	vm_slot(vm, 2, 0, GPA_EXTRA, 4 * MIB, alloc_pages(4 * MIB));
	vcpu_long(v, guest_remap);
	s = get_sregs(v);
	s.cr0 &= ~(1ULL << 16);
	set_sregs(v, &s);
	ASSERT_EQ(1, vcpu_sync(v));
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* User space changes the page tables behind a vCPU, then reloads CR3. */
static void guest_read_window(void)
{
	for (;;)
		guest_sync(*(volatile uint32_t *)WINDOW);
}

TEST(page_tables_changed_by_host)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	uint64_t *pde = (void *)(vm->ram + PML4_GPA + 2 * PAGE);
	uint32_t *mem = alloc_pages(4 * MIB);
	struct kvm_sregs s;

	mem[0] = 1;
	mem[2 * MIB / 4] = 2;
	vm_slot(vm, 2, 0, GPA_EXTRA, 4 * MIB, mem);
	pde[WINDOW / (2 * MIB)] = GPA_EXTRA | 0x87;
	vcpu_long(v, guest_read_window);
	ASSERT_EQ(1, vcpu_sync(v));
	pde[WINDOW / (2 * MIB)] = (GPA_EXTRA + 2 * MIB) | 0x87;
	s = get_sregs(v);
	set_sregs(v, &s);
	ASSERT_EQ(2, vcpu_sync(v));
}

/* The host's own MSRs survive whatever the guest loads into its own. */
static void guest_bases(void)
{
	wrmsr(0xc0000100, 0x1111000);
	wrmsr(0xc0000101, 0x2222000);
	wrmsr(0xc0000102, 0x3333000);
	wrmsr(0xc0000081, 0);
	wrmsr(0xc0000082, 0x4444000);
	wrmsr(0xc0000084, 0x700);
	wrmsr(0x174, 0);
	wrmsr(0x176, 0x5555000);
	for (;;)
		guest_sync(0);
}

TEST(host_msrs_survive)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t fs[2], gs[2];

	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs[0]);
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0x7000);
	vcpu_long(v, guest_bases);
	for (int i = 0; i < 20; i++) {
		vcpu_sync(v);
		syscall(SYS_arch_prctl, ARCH_GET_FS, &fs[1]);
		syscall(SYS_arch_prctl, ARCH_GET_GS, &gs[1]);
		ASSERT_EQ(fs[0], fs[1]);
		ASSERT_EQ(0x7000, gs[1]);
		if (!(i % 4))
			usleep(1000);	/* through the scheduler */
	}
}

/* The task register's limit, which VM exit shrinks, covers the I/O bitmap. */
TEST(host_io_permissions_survive)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	if (syscall(SYS_ioperm, 0x80, 1, 1)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "the host's kernel has no ioperm()");
	}
	outb(0x80, 0);
	vcpu_long(v, guest_bases);
	for (int i = 0; i < 3; i++) {
		vcpu_sync(v);
		outb(0x80, 0);
	}
}

LVX_TEST_MAIN
