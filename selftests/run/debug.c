// SPDX-License-Identifier: GPL-2.0
/*
 * Debugging: breakpoints and single steps by which user space debugs the guest,
 * and debug registers and traps that the guest uses itself, which must not
 * notice each other.
 */
#include "harness.h"
#include "apic.h"

#define DB		1
#define BP		3
#define RFLAGS_TF	(1ULL << 8)
#define RFLAGS_IF	(1ULL << 9)
#define RFLAGS_RF	(1ULL << 16)
#define DR6_ONES	0xffff0ff0ULL
#define DR6_BD		(1ULL << 13)
#define DR6_BS		(1ULL << 14)
#define DR7_ONE		0x400ULL
#define DR7_GD		(1ULL << 13)
#define DR7_ENABLE(n)	(2ULL << 2 * (n))		/* Gn */
#define DR7_WRITE4(n)	(0xdULL << (16 + 4 * (n)))	/* 4 bytes, writes */

static long set_debug(struct vcpu *v, uint32_t control, int n, uint64_t address,
		      uint64_t dr7)
{
	struct kvm_guest_debug d = {
		.control = control ? control | KVM_GUESTDBG_ENABLE : 0,
	};

	d.arch.debugreg[n] = address;
	d.arch.debugreg[7] = dr7;
	return try_ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d);
}

/* RF, which the CPU saves as set with some exits, would hide a breakpoint there. */
static void jump(struct vcpu *v, long by)
{
	struct kvm_regs regs = get_regs(v);

	regs.rip += by;
	regs.rflags &= ~RFLAGS_RF;
	set_regs(v, &regs);
}

#define EXPECT_STOP(v, why, at, bits) do {				\
	ASSERT_EXIT(KVM_EXIT_DEBUG, v);					\
	EXPECT_EQ((why), (v)->run->debug.arch.exception);		\
	EXPECT_EQ((uint64_t)(at), (v)->run->debug.arch.pc);		\
	EXPECT_EQ((uint64_t)(at), get_regs(v).rip);			\
	if ((why) == DB)						\
		EXPECT_EQ(DR6_ONES | (bits), (v)->run->debug.arch.dr6);	\
} while (0)

extern const char int3_at[], nop_at[], stored_at[], steps_at[], dr_at[];
static volatile uint32_t watched;
static volatile int hits;
static volatile uint64_t seen_rip, seen_dr6;

static uint64_t get_dr6(void)
{
	uint64_t v;

	asm volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static void set_dr(int n, uint64_t v)
{
	switch (n) {
	case 0: asm volatile("mov %0, %%dr0" :: "r"(v)); break;
	case 1: asm volatile("mov %0, %%dr1" :: "r"(v)); break;
	case 2: asm volatile("mov %0, %%dr2" :: "r"(v)); break;
	case 3: asm volatile("mov %0, %%dr3" :: "r"(v)); break;
	case 6: asm volatile("mov %0, %%dr6" :: "r"(v)); break;
	case 7: asm volatile("mov %0, %%dr7" :: "r"(v)); break;
	}
}

static void handler(struct guest_frame *f)
{
	hits++;
	seen_rip = f->rip;
	if (f->vector == DB)
		seen_dr6 = get_dr6();
	if (f->rflags & RFLAGS_TF && hits > 6)
		f->rflags &= ~RFLAGS_TF;
}

static void guest_debugged(void)
{
	asm volatile("int3_at: int3\n\t"
		     "nop_at: nop\n\t"
		     "movl $1, watched\n\t"
		     "stored_at: nop\n\t"
		     "mov $1, %%eax\n\t"
		     "steps_at:\n\t"
		     "sti\n\t"			/* 1 byte */
		     "xor %%eax, %%eax\n\t"	/* 2 */
		     "cpuid\n\t"		/* 2: exits */
		     "mov $0x1a0, %%ecx\n\t"	/* 5 */
		     "rdmsr\n\t"		/* 2: exits */
		     "cli\n\t"			/* 1 */
		     "pushf; popf\n\t"		/* 1, 1 */
		     "dr_at: mov %%dr0, %%rax\n\t"	/* 3: exits */
		     "nop"
		     ::: "rax", "rbx", "rcx", "rdx", "memory");
	guest_sync(1);
}

static struct vcpu *debugged(unsigned int flags)
{
	struct vcpu *v = vcpu_new(vm_new(flags), 0);

	guest_handlers[DB] = handler;
	guest_handlers[BP] = handler;
	vcpu_long(v, guest_debugged);
	return v;
}

TEST(int3_is_the_guests)
{
	struct vcpu *v = debugged(0);

	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ((uintptr_t)int3_at + 1, seen_rip);
}

TEST(software_breakpoint)
{
	struct vcpu *v = debugged(0);

	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_SW_BP, 0, 0, 0));
	EXPECT_STOP(v, BP, int3_at, 0);
	EXPECT_EQ(0, hits);
	jump(v, 1);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0, hits);
}

/* An INT3 that is not the debugger's goes back to the guest. */
TEST(software_breakpoint_given_back)
{
	struct vcpu *v = debugged(0);

	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_SW_BP, 0, 0, 0));
	EXPECT_STOP(v, BP, int3_at, 0);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_SW_BP |
			       KVM_GUESTDBG_INJECT_BP, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ((uintptr_t)int3_at + 1, seen_rip);
}

TEST(hardware_breakpoints)
{
	struct vcpu *v = debugged(0);

	/*
	 * Once without, for the page to be mapped: an EPT violation at the INT3
	 * saves RF as set, and Bochs 3.0 has the INT3 hand that on to the NOP.
	 */
	ASSERT_EQ(1, vcpu_sync(v));
	watched = 0;
	hits = 0;
	vcpu_long(v, guest_debugged);
	for (int n = 0; n < 4; n++) {
		ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_HW_BP, n,
				       (uintptr_t)nop_at, DR7_ONE | DR7_ENABLE(n)));
		EXPECT_STOP(v, DB, nop_at, 1 << n);
		jump(v, 0);
	}
	for (int n = 0; n < 4; n++) {
		ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_HW_BP, n,
				       (uintptr_t)&watched, DR7_ONE |
				       DR7_ENABLE(n) | DR7_WRITE4(n)));
		EXPECT_STOP(v, DB, stored_at, 1 << n);
		EXPECT_EQ(1, watched);
		jump(v, nop_at - stored_at);
	}
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
	/* The INT3 alone was the guest's. */
	EXPECT_EQ(1, hits);
}

/*
 * One step. An emulated CPU may leave a step pending when something (a page
 * that was not there, an interrupt of the host) ends the guest's run before the
 * instruction does, and then stops where it is: a second try is fair.
 */
static void step(struct vcpu *v)
{
	uint64_t from = get_regs(v).rip;

	for (int i = 0; i < 8; i++) {
		if (vcpu_exit(v) != KVM_EXIT_DEBUG || get_regs(v).rip != from)
			return;
	}
}

#define EXPECT_STEP(v, to) do {						\
	step(v);							\
	ASSERT_EQ(KVM_EXIT_DEBUG, (v)->run->exit_reason);		\
	EXPECT_EQ(DB, (v)->run->debug.arch.exception);			\
	EXPECT_EQ((uint64_t)(to), (v)->run->debug.arch.pc);		\
	EXPECT_EQ((uint64_t)(to), get_regs(v).rip);			\
	EXPECT_EQ(DR6_ONES | DR6_BS, (v)->run->debug.arch.dr6);		\
} while (0)

static const int lengths[] = { 1, 2, 2, 5, 2, 1, 1, 1, 3, 1 };

static void single_step(struct __test_metadata *_metadata, unsigned int flags)
{
	struct vcpu *v = debugged(flags);
	uintptr_t rip = (uintptr_t)steps_at;
	struct kvm_regs r;
	struct kvm_sregs s;

	set_rip(v, rip);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_SINGLESTEP, 0, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		rip += lengths[i];
		EXPECT_STEP(v, rip);
		EXPECT_EQ(0, get_regs(v).rflags & RFLAGS_TF);
		set_debug(v, KVM_GUESTDBG_SINGLESTEP, 0, 0, 0);
		/* A debugger writes back what it reads. */
		r = get_regs(v);
		set_regs(v, &r);
		s = get_sregs(v);
		set_sregs(v, &s);
	}
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0, hits);
}

TEST(single_steps)
{
	single_step(_metadata, 0);
}

TEST(single_steps_with_irqchip)
{
	single_step(_metadata, VM_IRQCHIP);
}

/* Between steps interrupts stay out, if the debugger asks for that. */
TEST(single_step_blocks_interrupts)
{
	struct vcpu *v = debugged(VM_IRQCHIP);
	uintptr_t rip = (uintptr_t)steps_at;

	guest_handlers[2] = handler;
	set_rip(v, rip);
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_NMI, NULL));
	for (int i = 0; i < 3; i++) {
		rip += lengths[i];
		ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_SINGLESTEP |
				       KVM_GUESTDBG_BLOCKIRQ, 0, 0, 0));
		EXPECT_STEP(v, rip);
		EXPECT_EQ(0, hits);
	}
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
}

GUEST_ASM(add_mmio, 64, "add %eax, (%rdi); nop; hlt");

/* The debugger leaves while an instruction waits for it: so does its TF. */
TEST(single_step_ends_in_access)
{
	struct vcpu *v = debugged(0);
	struct kvm_regs r;

	load_asm(v->vm, GPA_BLOB, add_mmio);
	vcpu_long_at(v, GPA_BLOB);
	r = get_regs(v);
	r.rdi = GPA_MMIO;
	set_regs(v, &r);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_SINGLESTEP, 0, 0, 0));
	step(v);
	ASSERT_EQ(KVM_EXIT_MMIO, v->run->exit_reason);
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(1, v->run->mmio.is_write);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	EXPECT_EQ(0, get_regs(v).rflags & RFLAGS_TF);
	/* What an emulated CPU may leave pending, as above. */
	EXPECT_GE(1, hits);
}

TEST(general_detect)
{
	struct vcpu *v = debugged(0);

	set_rip(v, (uintptr_t)nop_at);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_HW_BP, 0, 0, DR7_ONE | DR7_GD));
	EXPECT_STOP(v, DB, dr_at, DR6_BD);
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
}

TEST(inject_db)
{
	struct vcpu *v = debugged(0);

	set_rip(v, (uintptr_t)nop_at);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_INJECT_DB, 0, 0, 0));
	EXPECT_EQ(-EBUSY, set_debug(v, KVM_GUESTDBG_INJECT_DB, 0, 0, 0));
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ((uintptr_t)nop_at, seen_rip);
}

/* ------------------------------------------------ the guest debugs itself */

extern const char own_nop[], own_stored[];

static void guest_breakpoints(void)
{
	set_dr(6, DR6_ONES);
	set_dr(0, (uintptr_t)own_nop);
	set_dr(7, DR7_ONE | DR7_ENABLE(0));
	asm volatile("own_nop: nop");
	CHECK_EQ(hits, 1);
	CHECK_EQ(seen_rip, (uintptr_t)own_nop);
	CHECK_EQ(seen_dr6, DR6_ONES | 1);

	set_dr(3, (uintptr_t)&watched);
	set_dr(7, DR7_ONE | DR7_ENABLE(3) | DR7_WRITE4(3));
	asm volatile("movl $1, watched; own_stored: nop" ::: "memory");
	CHECK_EQ(hits, 2);
	CHECK_EQ(seen_rip, (uintptr_t)own_stored);
	CHECK_EQ(seen_dr6 & 15, 8);
	/* It stays armed over exits to user space. */
	guest_sync(1);
	watched = 2;
	CHECK_EQ(hits, 3);
	set_dr(7, DR7_ONE);
	watched = 3;
	CHECK_EQ(hits, 3);
	guest_sync(2);
}

static void own_db(struct guest_frame *f)
{
	hits++;
	seen_rip = f->rip;
	seen_dr6 = get_dr6();
	f->rflags |= RFLAGS_RF;	/* RF: get past the breakpoint */
}

TEST(guests_own_breakpoints)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[DB] = own_db;
	vcpu_long(v, guest_breakpoints);
	ASSERT_EQ(1, vcpu_sync(v));
	ASSERT_EQ(2, vcpu_sync(v));
}

extern const char bp_mmio[], bp_next[], bp_cpuid[], bp_after[];

/*
 * A breakpoint's handler sets RFLAGS.RF for one instruction. When lvx executes
 * that one, the breakpoint on the next must still be met.
 */
static void guest_breakpoints_in_a_row(void)
{
	/* KVM restarts its first access, and Bochs loses RF then. */
	mmio_write(GPA_MMIO, 0);
	set_dr(0, (uintptr_t)bp_mmio);
	set_dr(1, (uintptr_t)bp_next);
	set_dr(2, (uintptr_t)bp_cpuid);
	set_dr(3, (uintptr_t)bp_after);
	set_dr(7, DR7_ONE | DR7_ENABLE(0) | DR7_ENABLE(1) | DR7_ENABLE(2) |
		  DR7_ENABLE(3));
	for (int i = 0; i < 3; i++)
		asm volatile("bp_mmio: movl %%eax, (%0)\n\t"
			     "bp_next: nop\n\t"
			     "bp_cpuid: cpuid\n\t"
			     "bp_after: nop"
			     :: "r"(GPA_MMIO) : "rax", "rbx", "rcx", "rdx",
				"memory");
	guest_sync(hits);
}

TEST(guests_breakpoints_in_a_row)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[DB] = own_db;
	vcpu_long(v, guest_breakpoints_in_a_row);
	for (int i = 0; i < 4; i++)
		ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(12, vcpu_sync(v));
}

extern const char bp_ins[];
static uint8_t inputs[3 * PAGE];

/*
 * Between the batches of a repeated string instruction RF is set, so that the
 * breakpoint isn't met again.
 */
static void guest_breakpoint_on_string(void)
{
	uint64_t di = (uintptr_t)inputs, n = sizeof(inputs);

	set_dr(0, (uintptr_t)bp_ins);
	set_dr(7, DR7_ONE | DR7_ENABLE(0));
	asm volatile("bp_ins: rep insb"
		     : "+D"(di), "+c"(n) : "d"(0x1234) : "memory");
	guest_sync(hits);
}

TEST(guests_breakpoint_on_string)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	if (!on_lvx())
		SKIP(return, "KVM looks for breakpoints with the RF that the exit has cleared");
	guest_handlers[DB] = own_db;
	vcpu_long(v, guest_breakpoint_on_string);
	while (vcpu_exit(v) == KVM_EXIT_IO && v->run->io.port == 0x1234)
		;
	EXPECT_EQ(1, vcpu_report(v));
}

/* The host's debugger uses them all, and the guest does not notice. */
static void guest_keeps_its_registers(void)
{
	uint64_t v;

	set_dr(1, 0x123456789a);
	set_dr(7, DR7_ONE | DR7_ENABLE(1));
	guest_sync(1);
	asm volatile("mov %%dr1, %0" : "=r"(v));
	CHECK_EQ(v, 0x123456789a);
	asm volatile("mov %%dr7, %0" : "=r"(v));
	CHECK_EQ(v, DR7_ONE | DR7_ENABLE(1));
	guest_sync(2);
}

TEST(both_debug)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_debugregs d;

	vcpu_long(v, guest_keeps_its_registers);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_HW_BP, 1,
			       (uintptr_t)guest_keeps_its_registers,
			       DR7_ONE | DR7_ENABLE(1)));
	EXPECT_STOP(v, DB, guest_keeps_its_registers, 2);
	jump(v, 0);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_USE_HW_BP, 1, 0x1000,
			       DR7_ONE | DR7_ENABLE(1)));
	ASSERT_EQ(1, vcpu_sync(v));
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &d);
	EXPECT_EQ(0x123456789a, d.db[1]);
	EXPECT_EQ(DR7_ONE | DR7_ENABLE(1), d.dr7);
	ASSERT_EQ(2, vcpu_sync(v));
}

extern const char tf_from[], tf_to[];

/* POPF sets TF; each instruction after it traps, also those that exit. */
static void guest_steps_itself(void)
{
	asm volatile("pushf; orl $0x100, (%%rsp); popf\n\t"
		     "tf_from: nop\n\t"
		     "xor %%eax, %%eax\n\t"
		     "cpuid\n\t"
		     "mov $0x1b, %%ecx\n\t"
		     "rdmsr\n\t"
		     "nop\n\t"
		     "nop\n\t"
		     "tf_to: nop"
		     ::: "rax", "rbx", "rcx", "rdx", "memory");
	guest_sync(hits);
}

TEST(guests_own_single_step)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[DB] = handler;
	vcpu_long(v, guest_steps_itself);
	ASSERT_EQ(7, vcpu_sync(v));
	EXPECT_EQ((uintptr_t)tf_to, seen_rip);
	EXPECT_EQ(DR6_ONES | DR6_BS, seen_dr6);
}

/* ---------------------------------------------------- steps, HLT, interrupts */

#define IPI		0x40
#define ICR_SELF	(1U << 18)

volatile bool apic_x2;
static volatile uint64_t trail[16];
static volatile unsigned int nr_trail;

/* Where it was; TF goes off at a label of the test's. */
static volatile uint64_t trail_end;

static void note_trap(struct guest_frame *f)
{
	if (nr_trail < ARRAY_SIZE(trail))
		trail[nr_trail++] = f->rip;
	if (f->rip >= trail_end)
		f->rflags &= ~RFLAGS_TF;
}

static void note_irq(struct guest_frame *f)
{
	if (nr_trail < ARRAY_SIZE(trail))
		trail[nr_trail++] = f->vector;
	apic_write(APIC_EOI, 0);
	(void)f;
}

static void new_trail(const char *end)
{
	nr_trail = 0;
	trail_end = (uintptr_t)end;
}

extern const char hlt1[], hlt1_end[], hlt2[], hlt2_end[], hlt3[], hlt3_end[];
extern const char ipi_at[], ipi_next[], ipi_end[];

#define SET_TF	"pushf; orl $0x100, (%%rsp); popf\n\t"

/* A HLT that is stepped ends at once: by its trap. */
static void guest_steps_halts(void)
{
	apic_on();
	new_trail(hlt1_end);
	asm volatile(SET_TF "hlt1: hlt; hlt1_end: nop" ::: "memory");
	CHECK_EQ(nr_trail, 1);
	CHECK_EQ(trail[0], (uintptr_t)hlt1_end);

	new_trail(hlt2_end);
	asm volatile(SET_TF "sti; hlt2: hlt; hlt2_end: nop; cli" ::: "memory");
	CHECK_EQ(nr_trail, 2);
	CHECK_EQ(trail[0], (uintptr_t)hlt2);
	CHECK_EQ(trail[1], (uintptr_t)hlt2_end);

	/* An interrupt that waits comes after the trap of STI, before HLT. */
	new_trail(hlt3_end);
	apic_icr(0, ICR_SELF | IPI);
	asm volatile(SET_TF "sti; hlt3: hlt; hlt3_end: nop; cli" ::: "memory");
	CHECK_EQ(nr_trail, 3);
	CHECK_EQ(trail[0], (uintptr_t)hlt3);
	CHECK_EQ(trail[1], IPI);
	CHECK_EQ(trail[2], (uintptr_t)hlt3_end);
	guest_sync(1);
}

static struct vcpu *stepping_itself(void (*fn)(void))
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	guest_handlers[DB] = note_trap;
	guest_handlers[IPI] = note_irq;
	vcpu_long(v, fn);
	return v;
}

TEST(stepped_halt)
{
	ASSERT_EQ(1, vcpu_sync(stepping_itself(guest_steps_halts)));
}

/*
 * An instruction that has its own CPU interrupted: its trap comes first, and is
 * not lost.
 */
static void guest_steps_into_interrupt(void)
{
	apic_on();
	for (int i = 0; i < 3; i++) {
		new_trail(ipi_end);
		sti();
		asm volatile(SET_TF
			     "ipi_at: movl %0, (%1)\n\t"
			     "ipi_next: nop\n\t"
			     "ipi_end: nop"
			     :: "r"(ICR_SELF | IPI), "r"(APIC_MMIO + APIC_ICR)
			     : "memory");
		cli();
		CHECK_EQ(nr_trail, 3);
		CHECK_EQ(trail[0], (uintptr_t)ipi_next);
		CHECK_EQ(trail[1], IPI);
		CHECK_EQ(trail[2], (uintptr_t)ipi_end);
	}
	guest_sync(1);
}

TEST(stepped_into_interrupt)
{
	ASSERT_EQ(1, vcpu_sync(stepping_itself(guest_steps_into_interrupt)));
}

static void guest_halts(void)
{
	asm volatile("sti; hlt1_user: hlt; hlt1_user_end: nop; cli" ::: "memory");
	guest_sync(1);
}

extern const char hlt1_user_end[];

/* A debugger's step over HLT ends, and the vCPU goes on waiting. */
TEST(halt_stepped_by_user)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_mp_state mp;

	guest_handlers[2] = handler;
	vcpu_long(v, guest_halts);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_SINGLESTEP, 0, 0, 0));
	for (int i = 0; i < 40; i++) {
		ASSERT_EXIT(KVM_EXIT_DEBUG, v);
		if (get_regs(v).rip == (uintptr_t)hlt1_user_end)
			break;
	}
	EXPECT_EQ((uintptr_t)hlt1_user_end, get_regs(v).rip);
	do_ioctl(v->fd, KVM_GET_MP_STATE, &mp);
	EXPECT_EQ(KVM_MP_STATE_HALTED, mp.mp_state);
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	alarm_ms(SIGALRM, 300);
	EXPECT_EQ(-EINTR, vcpu_run(v));
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_NMI, NULL));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
}

static void guest_syncs(void)
{
	guest_sync(1);
	guest_sync(2);
}

/* An exit to user space is completed as a step, but no one steps any more. */
TEST(single_step_given_up)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint32_t reason;

	if (!on_lvx())
		SKIP(return, "KVM has the guest trap");
	vcpu_long(v, guest_syncs);
	ASSERT_EQ(0, set_debug(v, KVM_GUESTDBG_SINGLESTEP, 0, 0, 0));
	while ((reason = vcpu_exit(v)) == KVM_EXIT_DEBUG)
		;
	ASSERT_EQ(KVM_EXIT_IO, reason);
	ASSERT_EQ(1, vcpu_report(v));
	v->run->immediate_exit = 1;
	vcpu_run(v);
	v->run->immediate_exit = 0;
	ASSERT_EQ(0, set_debug(v, 0, 0, 0, 0));
	/* It has no handler for #DB. */
	ASSERT_EQ(2, vcpu_sync(v));
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static void guest_int1(void)
{
	asm volatile("own_int1: .byte 0xf1; nop");
	guest_sync(1);
}

extern const char own_int1[];

TEST(int1)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	guest_handlers[DB] = handler;
	vcpu_long(v, guest_int1);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ((uintptr_t)own_int1 + 1, seen_rip);
}

static void set_cr4(uint64_t set, uint64_t clear)
{
	uint64_t v;

	asm volatile("mov %%cr4, %0" : "=r"(v));
	asm volatile("mov %0, %%cr4" :: "r"((v | set) & ~clear));
}

static void guest_rules(void)
{
	uint64_t high = 1ULL << 32, v = 0;

	set_dr(0, ~0ULL);
	asm volatile("mov %%dr0, %0" : "=r"(v));
	CHECK_EQ(v, ~0ULL);
	set_dr(6, 0);
	CHECK_EQ(get_dr6(), DR6_ONES);
	set_dr(7, 0xffff0000);
	asm volatile("mov %%dr7, %0" : "=r"(v));
	CHECK_EQ(v, 0xffff0400);
	set_dr(7, DR7_ONE);
	CHECK_EQ(TRY("mov %0, %%dr6", :: "r"(high)), 13);
	CHECK_EQ(TRY("mov %0, %%dr7", :: "r"(high)), 13);
	/* DR4 is DR6, until CR4.DE says that it is nothing. */
	CHECK_EQ(TRY("mov %%dr4, %0", : "=r"(v)), -1);
	CHECK_EQ(v, DR6_ONES);
	set_cr4(8, 0);
	CHECK_EQ(TRY("mov %%dr4, %0", : "=r"(v)), 6);
	CHECK_EQ(TRY("mov %0, %%dr5", :: "r"(v)), 6);
	set_cr4(0, 8);
	/* General detect: the access traps, and the bit goes off. */
	set_dr(7, DR7_ONE | DR7_GD);
	CHECK_EQ(TRY("mov %%dr0, %0", : "=r"(v)), DB);
	CHECK_EQ(get_dr6(), DR6_ONES | DR6_BD);
	asm volatile("mov %%dr7, %0" : "=r"(v));
	CHECK_EQ(v, DR7_ONE);
	guest_sync(1);
}

TEST(rules_of_mov_dr)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	vcpu_long(v, guest_rules);
	ASSERT_EQ(1, vcpu_sync(v));
}

TEST(debugregs)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_debugregs d, back;

	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &d);
	EXPECT_EQ(DR6_ONES, d.dr6);
	EXPECT_EQ(DR7_ONE, d.dr7);
	EXPECT_EQ(0, d.db[0] | d.db[1] | d.db[2] | d.db[3] | d.flags);
	for (int n = 0; n < 4; n++)
		d.db[n] = 0x1000 * n + n;
	d.dr6 |= 5;
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &back);
	EXPECT_EQ(0, memcmp(&d, &back, sizeof(d)));
	d.dr7 |= 1ULL << 32;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	d = back;
	d.dr6 |= 1ULL << 32;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	d = back;
	d.flags = 1;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &d);
	EXPECT_EQ(0, memcmp(&d, &back, sizeof(d)));
}

LVX_TEST_MAIN
