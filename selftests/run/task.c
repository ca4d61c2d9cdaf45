// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches: a guest of 32-bit code whose task A goes to task B by
 * JMP, CALL, IRET, interrupts and exceptions, through TSS descriptors and task
 * gates. What B starts with, what is left in A's TSS, who is busy, and who gets
 * the fault if something is wrong.
 *
 * KVM loses a fault that comes up after the VM exit: the guest goes on in the
 * middle. Such cases are for lvx alone.
 */
#include "harness.h"
#include "task.h"

static struct task_vm t;

/* Run to the guest's next report: a register, or EVENT + vector of a fault. */
#define ASSERT_REPORT(value)	ASSERT_EQ((uint32_t)(value), vcpu_sync(t.v))

GUEST_ASM(jump, 32, "ljmp $0x38, $0");
GUEST_ASM(call, 32, "lcall $0x38, $0; mov $1, %eax; out %eax, $0xe0\n"
		    "lcall $0x38, $0; mov $3, %eax; out %eax, $0xe0");
GUEST_ASM(jump_gate, 32, "ljmp $0x40, $0x12345678");
GUEST_ASM(call_gate, 32, "lcall $0x40, $0; mov $1, %eax; out %eax, $0xe0");
GUEST_ASM(to_c, 32, "lcall $0x58, $0; mov $1, %eax; out %eax, $0xe0");
GUEST_ASM(soft_int, 32, "int $0x20; mov $1, %eax; out %eax, $0xe0");
GUEST_ASM(breakpoint, 32, "int3; mov $1, %eax; out %eax, $0xe0");
GUEST_ASM(undefined, 32, "nop; ud2");
GUEST_ASM(protection, 32, "nop; mov $0xfff8, %eax; mov %eax, %ds");
GUEST_ASM(spin, 32, "sti; 1: jmp 1b");
GUEST_ASM(report, 32, "1: out %eax, $0xe0; iret; jmp 1b");
GUEST_ASM(report16, 16, "1: outl %eax, $0xe0; iretw; jmp 1b");
GUEST_ASM(go_on, 32, "1: out %eax, $0xe0; jmp 1b");
GUEST_ASM(load_far, 32, "mov 0x400000, %eax; out %eax, $0xe0; ljmp $0x30, $0");

static uint8_t access_of(uint16_t sel)
{
	return t.gdt[sel / 8] >> 40;
}

TEST(jump_to_a_tss)
{
	struct kvm_sregs s;
	struct kvm_regs r;
	struct tss32 a;

	task_start(&t, jump, jump_end - jump, go_on, go_on_end - go_on);
	a = *t.a;
	ASSERT_REPORT(TASK_B);
	r = get_regs(t.v);
	s = get_sregs(t.v);
	/* B's */
	EXPECT_EQ(TASK_B, r.rax);
	EXPECT_EQ(TASK_B + 1, r.rcx);
	EXPECT_EQ(TASK_B + 2, r.rdx);
	EXPECT_EQ(TASK_B + 3, r.rbx);
	EXPECT_EQ(STACK_B, r.rsp);
	EXPECT_EQ(TASK_B + 5, r.rbp);
	EXPECT_EQ(TASK_B + 6, r.rsi);
	EXPECT_EQ(TASK_B + 7, r.rdi);
	EXPECT_EQ(CODE_B, r.rip & -0x1000);
	EXPECT_EQ(0x202, r.rflags);
	EXPECT_EQ(SEL_CODE32, s.cs.selector);
	EXPECT_EQ(SEL_DATA, s.ss.selector);
	EXPECT_EQ(SEL_DATA, s.gs.selector);
	EXPECT_EQ(0xffffffff, s.gs.limit);
	EXPECT_EQ(SEL_LDT, s.ldt.selector);
	EXPECT_EQ(LDT_GPA, s.ldt.base);
	EXPECT_EQ(SEL_B, s.tr.selector);
	EXPECT_EQ(TSS_B, s.tr.base);
	EXPECT_EQ(0xff, s.tr.limit);
	EXPECT_EQ(11, s.tr.type);
	EXPECT_EQ(0x19, s.cr0);				/* TS */
	/* A's */
	EXPECT_EQ(CODE_A + 7, t.a->eip);
	EXPECT_EQ(2, t.a->eflags);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(i == 4 ? STACK_A : TASK_A + i, t.a->gpr[i]);
	EXPECT_EQ(SEL_CODE32, t.a->seg[1]);
	EXPECT_EQ(SEL_DATA, t.a->seg[0]);
	EXPECT_EQ(a.link, t.a->link);
	EXPECT_EQ(a.cr3, t.a->cr3);
	EXPECT_EQ(a.ldt, t.a->ldt);
	EXPECT_EQ(a.trap, t.a->trap);
	EXPECT_EQ(0x5555, t.b->link);
	EXPECT_EQ(0x89, access_of(SEL_A));
	EXPECT_EQ(0x8b, access_of(SEL_B));
	/* Its own accesses set the flag of segments that had none. */
	EXPECT_EQ(0x93, access_of(SEL_DATA));
}

TEST(call_and_return)
{
	struct kvm_regs r;

	task_start(&t, call, call_end - call, report, report_end - report);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_A, t.b->link);
	EXPECT_EQ(0x4202, get_regs(t.v).rflags);	/* NT */
	EXPECT_EQ(0x8b, access_of(SEL_A));
	EXPECT_EQ(0x8b, access_of(SEL_B));
	EXPECT_EQ(CODE_A + 7, t.a->eip);
	ASSERT_REPORT(1);
	r = get_regs(t.v);
	EXPECT_EQ(TASK_A + 3, r.rbx);
	EXPECT_EQ(2, r.rflags);
	EXPECT_EQ(SEL_A, get_sregs(t.v).tr.selector);
	EXPECT_EQ(0x8b, access_of(SEL_A));
	EXPECT_EQ(0x89, access_of(SEL_B));
	EXPECT_EQ(0x202, t.b->eflags);			/* NT isn't saved */
	EXPECT_EQ(CODE_B + 3, t.b->eip);
	/* Again: B goes on behind its IRET. */
	ASSERT_REPORT(TASK_B);
	ASSERT_REPORT(3);
}

TEST(task_gates)
{
	task_start(&t, jump_gate, jump_gate_end - jump_gate, go_on,
		   go_on_end - go_on);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(0x5555, t.b->link);
	EXPECT_EQ(0x89, access_of(SEL_A));

	task_start(&t, call_gate, call_gate_end - call_gate, report,
		   report_end - report);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_A, t.b->link);
	EXPECT_EQ(CODE_A + 7, t.a->eip);
	ASSERT_REPORT(1);
}

TEST(software_interrupts)
{
	task_start(&t, soft_int, soft_int_end - soft_int, report,
		   report_end - report);
	task_gate(&t, 0x20);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_A, t.b->link);
	EXPECT_EQ(CODE_A + 2, t.a->eip);
	EXPECT_EQ(STACK_B, get_regs(t.v).rsp);
	ASSERT_REPORT(1);

	task_start(&t, breakpoint, breakpoint_end - breakpoint, report,
		   report_end - report);
	task_gate(&t, 3);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(CODE_A + 1, t.a->eip);
	ASSERT_REPORT(1);
}

/* Saved is the faulting instruction's address; an error code is pushed. */
TEST(exceptions)
{
	task_start(&t, undefined, undefined_end - undefined, report,
		   report_end - report);
	task_gate(&t, 6);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(CODE_A + 1, t.a->eip);
	EXPECT_EQ(2, t.a->eflags & ~EFLAGS_RF);
	EXPECT_EQ(STACK_B, get_regs(t.v).rsp);
	EXPECT_EQ(0x4202, get_regs(t.v).rflags);

	task_start(&t, protection, protection_end - protection, report,
		   report_end - report);
	task_gate(&t, 13);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(CODE_A + 6, t.a->eip);
	EXPECT_EQ(STACK_B - 4, get_regs(t.v).rsp);
	EXPECT_EQ(0xfff8, *(uint32_t *)(t.vm->ram + STACK_B - 4));
	EXPECT_EQ(SEL_A, t.b->link);
}

TEST(error_code_of_16_bits)
{
	task_start(&t, protection, protection_end - protection, report16,
		   report16_end - report16);
	task_gate_to(&t, 13, SEL_C);
	ASSERT_REPORT(0xcc00);
	EXPECT_EQ(STACK_C - 2, get_regs(t.v).rsp);
	EXPECT_EQ(0xfff8, *(uint16_t *)(t.vm->ram + STACK_C - 2));
}

TEST(external_interrupt)
{
	struct kvm_interrupt irq = { 0x21 };

	task_start(&t, spin, spin_end - spin, report, report_end - report);
	task_gate(&t, 0x21);
	task_flags(&t, 0x202);
	do_ioctl(t.v->fd, KVM_INTERRUPT, &irq);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_A, t.b->link);
	EXPECT_EQ(1, t.a->eip - CODE_A <= 1);
	EXPECT_EQ(0x202, t.a->eflags & ~EFLAGS_RF);
}

/* An NMI blocks others until IRET, which is a task switch as well. */
TEST(nmi)
{
	struct kvm_vcpu_events e;

	task_start(&t, spin, spin_end - spin, report, report_end - report);
	task_gate(&t, 2);
	do_ioctl(t.v->fd, KVM_NMI, 0);
	ASSERT_REPORT(TASK_B);
	do_ioctl(t.v->fd, KVM_GET_VCPU_EVENTS, &e);
	EXPECT_TRUE(e.nmi.masked);
	EXPECT_EQ(1, t.a->eip - CODE_A <= 1);
	/* B returns to A, and at once the second one calls it again. */
	do_ioctl(t.v->fd, KVM_NMI, 0);
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_A, t.b->link);
	do_ioctl(t.v->fd, KVM_GET_VCPU_EVENTS, &e);
	EXPECT_TRUE(e.nmi.masked);
}

TEST(task_of_16_bits)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	task_start(&t, to_c, to_c_end - to_c, report16, report16_end - report16);
	ASSERT_REPORT(0xcc00);
	r = get_regs(t.v);
	s = get_sregs(t.v);
	EXPECT_EQ(0xcc01, r.rcx & 0xffff);
	EXPECT_EQ(STACK_C, r.rsp & 0xffff);
	EXPECT_EQ(0xcc07, r.rdi & 0xffff);
	EXPECT_EQ(0x4202, r.rflags);
	EXPECT_EQ(SEL_CODE16, s.cs.selector);
	EXPECT_EQ(3, s.tr.type);
	EXPECT_EQ(SEL_A, t.c->link);
	if (!on_lvx())
		return;		/* it has saved A in C's format */
	EXPECT_EQ(0, s.fs.selector);
	EXPECT_EQ(CODE_A + 7, t.a->eip);
	ASSERT_REPORT(1);
	EXPECT_EQ(0x81, access_of(SEL_C));
	EXPECT_EQ(0xcc03, t.c->gpr[3]);
	EXPECT_EQ(0x202, t.c->flags);
}

/* Each task has its page tables: what is at 4 MiB depends on CR3. */
TEST(page_tables)
{
	task_start(&t, load_far, load_far_end - load_far, load_far,
		   load_far_end - load_far);
	task_paging(&t);
	/* The same code for both: A is to go to B. */
	t.vm->ram[CODE_A + 12] = SEL_B;
	ASSERT_REPORT(0xa1a1a1a1);
	ASSERT_REPORT(0xb2b2b2b2);
	EXPECT_EQ(PD_B, get_sregs(t.v).cr3);
	EXPECT_EQ(0x12345678, t.a->cr3);		/* isn't saved */
	t.a->cr3 = PD_A;
	t.a->eip = CODE_A;
	ASSERT_REPORT(0xa1a1a1a1);
	EXPECT_EQ(PD_A, get_sregs(t.v).cr3);
}

TEST(task_of_user_mode)
{
	task_start(&t, jump, jump_end - jump, go_on, go_on_end - go_on);
	for (int i = 0; i < 6; i++)
		t.b->seg[i] = i == 1 ? SEL_UCODE32 : SEL_UDATA;
	t.b->eflags = 0x3202;
	ASSERT_REPORT(TASK_B);
	EXPECT_EQ(SEL_UCODE32, get_sregs(t.v).cs.selector);
	EXPECT_EQ(3, get_sregs(t.v).ss.dpl);
}

TEST(task_of_virtual_8086_mode)
{
	struct kvm_sregs s;

	task_start(&t, jump, jump_end - jump, report16, report16_end - report16);
	for (int i = 0; i < 6; i++)
		t.b->seg[i] = 0x100 + i;
	t.b->seg[1] = CODE_B >> 4;
	t.b->eip = 0;
	t.b->eflags = 0x23202;
	ASSERT_REPORT(TASK_B);
	s = get_sregs(t.v);
	EXPECT_EQ(CODE_B, s.cs.base);
	EXPECT_EQ(0x1040, s.fs.base);
	EXPECT_EQ(0xffff, s.fs.limit);
	EXPECT_EQ(3, s.ss.dpl);
	EXPECT_EQ(SEL_LDT, s.ldt.selector);
	EXPECT_EQ(0x23202, get_regs(t.v).rflags);
}

TEST(breakpoints_of_a_task)
{
	struct kvm_debugregs d = { .dr6 = 0xffff0ff0, .dr7 = 0x7ff };

	task_start(&t, jump, jump_end - jump, go_on, go_on_end - go_on);
	d.db[0] = d.db[1] = d.db[2] = d.db[3] = 0x1000;
	do_ioctl(t.v->fd, KVM_SET_DEBUGREGS, &d);
	ASSERT_REPORT(TASK_B);
	do_ioctl(t.v->fd, KVM_GET_DEBUGREGS, &d);
	EXPECT_EQ(0x6aa, d.dr7);
}

TEST(debug_trap)
{
	struct kvm_debugregs d;

	if (!on_lvx())
		SKIP(return, "KVM doesn't know the T flag");
	task_start(&t, jump, jump_end - jump, go_on, go_on_end - go_on);
	t.b->trap = 1;
	ASSERT_REPORT(EVENT + 1);
	EXPECT_EQ(CODE_B, task_frame(&t)[0]);
	EXPECT_EQ(SEL_B, get_sregs(t.v).tr.selector);
	do_ioctl(t.v->fd, KVM_GET_DEBUGREGS, &d);
	EXPECT_EQ(0xffff8ff0, d.dr6);
}

LVX_TEST_MAIN
