// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches that go wrong: SDM, table "Exception Conditions Checked
 * During a Task Switch". Some faults are the old task's, which then is as it
 * was; those of the new task's segments are the new task's.
 */
#include "harness.h"
#include "task.h"

static struct task_vm t;

GUEST_ASM(jump, 32, "ljmp $0x38, $0; 1: jmp 1b");
GUEST_ASM(call, 32, "lcall $0x38, $0; 1: jmp 1b");
GUEST_ASM(soft_int, 32, "int $0x20; 1: jmp 1b");
GUEST_ASM(back, 32, "iret");
GUEST_ASM(spin, 32, "sti; 1: jmp 1b");
GUEST_ASM(undefined, 32, "ud2");
GUEST_ASM(go_on, 32, "1: out %eax, $0xe0; jmp 1b");

#define START(name)	task_start(&t, name, name##_end - name, go_on,	\
				   go_on_end - go_on)

/*
 * What the CPU checks before it exits; some of it lvx checks once more. Each is
 * the old task's: its registers, its stack, and the instruction again.
 */
static const struct early {
	const char *text;
	void (*prepare)(void);
	uint32_t vector, error;
	bool iret;
} earlies[];

static void set_b(uint8_t access, uint32_t limit)
{
	task_descriptor(&t, SEL_B, TSS_B, limit, access, 0);
}

static void busy(void)		{ set_b(0x8b, 0xff); }
static void absent(void)	{ set_b(0x09, 0xff); }
static void short_tss(void)	{ set_b(0x89, 0x66); }
static void no_tss(void)	{ set_b(0x82, 0xff); }
static void data_segment(void)	{ set_b(0x93, 0xff); }
static void link_to_b(void)	{ t.a->link = SEL_B; }
static void link_to_ldt(void)	{ t.a->link = SEL_B | 4; }
static void link_outside(void)	{ t.a->link = 0x1000; }
static void link_absent(void)	{ t.a->link = SEL_B; set_b(0x0b, 0xff); }
static void link_short(void)	{ t.a->link = SEL_B; set_b(0x8b, 0x66); }

static const struct early earlies[] = {
	{ "busy", busy, 13, SEL_B, false },
	{ "absent", absent, 11, SEL_B, false },
	{ "short", short_tss, 10, SEL_B, false },
	{ "LDT", no_tss, 13, SEL_B, false },
	{ "data", data_segment, 13, SEL_B, false },
	{ "IRET to what isn't busy", link_to_b, 10, SEL_B, true },
	{ "IRET to the LDT", link_to_ldt, 10, SEL_B | 4, true },
	{ "IRET past the GDT", link_outside, 10, 0x1000, true },
	{ "IRET to what is absent", link_absent, 11, SEL_B, true },
	{ "IRET to what is short", link_short, 10, SEL_B, true },
};

TEST(faults_of_the_old_task)
{
	const struct early *e = earlies;
	uint32_t *frame;
	struct tss32 a;

	for (; e < earlies + ARRAY_SIZE(earlies); e++) {
		if (e->iret)
			START(back);
		else
			START(call);
		if (e->iret)
			task_flags(&t, 0x4002);
		e->prepare();
		a = *t.a;
		ASSERT_EQ(EVENT + e->vector, vcpu_sync(t.v))
			TH_LOG("%s", e->text);
		frame = (void *)(t.vm->ram + get_regs(t.v).rsp);
		EXPECT_EQ(e->error, frame[0])
			TH_LOG("%s", e->text);
		EXPECT_EQ(CODE_A, frame[1]);
		EXPECT_EQ(SEL_CODE32, frame[2]);
		EXPECT_EQ(STACK_A - 16, get_regs(t.v).rsp);
		EXPECT_EQ(SEL_A, get_sregs(t.v).tr.selector);
		EXPECT_EQ(0, memcmp(&a, t.a, sizeof(a)));
		EXPECT_EQ(0x5555, t.b->link);
	}
}

/* The bad segment of the new task, as a selector, or as a descriptor for it. */
static const struct late {
	const char *text;
	int seg;			/* 6: LDTR */
	uint16_t selector;
	uint8_t access;			/* of SEL_TEST */
	uint32_t vector;
} lates[] = {
	{ "LDT that is data", 6, SEL_DATA, 0, 10 },
	{ "LDT in the LDT", 6, SEL_LDT | 4, 0, 10 },
	{ "LDT past the GDT", 6, 0x1000, 0, 10 },
	{ "LDT that is absent", 6, SEL_TEST, 0x02, 10 },
	{ "no CS", 1, 0, 0, 10 },
	{ "CS that is data", 1, SEL_DATA, 0, 10 },
	{ "CS with another RPL", 1, SEL_CODE32 | 3, 0, 10 },
	{ "CS that is absent", 1, SEL_TEST, 0x1b, 11 },
	{ "CS past the LDT", 1, 0x104, 0, 10 },
	{ "no SS", 2, 0, 0, 10 },
	{ "SS that is code", 2, SEL_CODE32, 0, 10 },
	{ "SS that is read-only", 2, SEL_TEST, 0x91, 10 },
	{ "SS with another DPL", 2, SEL_TEST, 0xf3, 10 },
	{ "SS with another RPL", 2, SEL_DATA | 3, 0, 10 },
	{ "SS that is absent", 2, SEL_TEST, 0x13, 12 },
	{ "DS that is a TSS", 3, SEL_A, 0, 10 },
	{ "ES that can't be read", 0, SEL_TEST, 0x99, 10 },
	{ "FS that is absent", 4, SEL_TEST, 0x13, 11 },
	{ "GS with a low RPL", 5, SEL_DATA | 3, 0, 10 },
};

/*
 * The handler is a task, C, for the new task may have no stack to take a fault
 * on: its TSS shows what B was like.
 */
TEST(faults_of_the_new_task)
{
	const struct late *l = lates;

	if (!on_lvx())
		SKIP(return, "KVM loses them");
	for (; l < lates + ARRAY_SIZE(lates); l++) {
		START(jump);
		task_descriptor(&t, SEL_TEST, 0, 0xfffff, l->access, 0xc);
		if (l->seg == 6)
			t.b->ldt = l->selector;
		else
			t.b->seg[l->seg] = l->selector;
		for (int vector = 10; vector < 14; vector++)
			task_gate_to(&t, vector, SEL_H);
		ASSERT_EQ(TASK_H, vcpu_sync(t.v))
			TH_LOG("%s", l->text);
		EXPECT_EQ(l->selector & ~3U,
			  *(uint32_t *)(t.vm->ram + STACK_H - 4))
			TH_LOG("%s", l->text);
		EXPECT_EQ(SEL_B, t.h->link);
		EXPECT_EQ(CODE_B, t.b->eip);
		EXPECT_EQ(STACK_B, t.b->gpr[4]);
		EXPECT_EQ(l->seg == 1 ? l->selector : SEL_CODE32, t.b->seg[1]);
	}
}

/*
 * The same by vector, where the new task can take it itself: with CS and SS, which
 * come after the LDT.
 */
TEST(vectors_of_the_new_task)
{
	const struct late *l = lates;
	uint32_t *frame;

	if (!on_lvx())
		SKIP(return, "KVM loses them");
	for (; l < lates + ARRAY_SIZE(lates); l++) {
		if (l->seg == 1 || l->seg == 2 || l->seg == 6)
			continue;
		START(jump);
		task_descriptor(&t, SEL_TEST, 0, 0xfffff, l->access, 0xc);
		t.b->seg[l->seg] = l->selector;
		ASSERT_EQ(EVENT + l->vector, vcpu_sync(t.v))
			TH_LOG("%s", l->text);
		frame = task_frame(&t);
		EXPECT_EQ(l->selector & ~3U, frame[0]);
		EXPECT_EQ(CODE_B, frame[1]);
		EXPECT_EQ(SEL_B, get_sregs(t.v).tr.selector);
	}
}

/* An event from outside: EXT is set in the error code. */
TEST(external_events)
{
	struct kvm_interrupt irq = { 0x21 };

	if (!on_lvx())
		SKIP(return, "KVM loses them");
	START(spin);
	task_gate(&t, 0x21);
	t.b->seg[3] = SEL_A;
	do_ioctl(t.v->fd, KVM_INTERRUPT, &irq);
	ASSERT_EQ(EVENT + 10, vcpu_sync(t.v));
	EXPECT_EQ(SEL_A | 1, task_frame(&t)[0]);

	START(soft_int);
	task_gate(&t, 0x20);
	t.b->seg[3] = SEL_A;
	ASSERT_EQ(EVENT + 10, vcpu_sync(t.v));
	EXPECT_EQ(SEL_A, task_frame(&t)[0]);
}

/* An exception whose own task faults is a double fault if both contribute. */
TEST(double_fault)
{
	if (!on_lvx())
		SKIP(return, "KVM loses them");
	START(undefined);
	task_gate(&t, 6);
	t.b->seg[3] = SEL_A;
	ASSERT_EQ(EVENT + 10, vcpu_sync(t.v));

	START(jump);
	task_gate(&t, 13);
	set_b(0x89, 0xff);
	t.b->seg[3] = SEL_A;
	/* #GP in A: through the gate to B, whose DS is bad. */
	t.vm->ram[CODE_A + 5] = 0xf8;
	t.vm->ram[CODE_A + 6] = 0xff;
	ASSERT_EQ(EVENT + 8, vcpu_sync(t.v));
	EXPECT_EQ(SEL_B, get_sregs(t.v).tr.selector);
}

/* TSSs that aren't paged in: #PF in the old task, and nothing is changed. */
TEST(page_faults)
{
	uint32_t *pt;
	struct tss32 b;

	if (!on_lvx())
		SKIP(return, "KVM loses them");
	for (int i = 0; i < 2; i++) {
		START(call);
		pt = task_paging(&t);
		b = *t.b;
		/* B's own: not there, or there and read-only with CR0.WP. */
		pt[TSS_B / PAGE] = i ? TSS_B | 1 : 0;
		ASSERT_EQ(EVENT + 14, vcpu_sync(t.v));
		EXPECT_EQ(i ? 3 : 0, task_frame(&t)[0]);
		EXPECT_EQ(TSS_B, get_sregs(t.v).cr2 & ~0xfff);
		EXPECT_EQ(CODE_A, task_frame(&t)[1]);
		EXPECT_EQ(SEL_A, get_sregs(t.v).tr.selector);
		EXPECT_EQ(0, memcmp(&b, t.b, sizeof(b)));
		EXPECT_EQ(0x89, t.gdt[SEL_B / 8] >> 40 & 0xff);
	}
	/* And the stack on which an error code goes: in the new task. */
	START(undefined);
	pt = task_paging(&t);
	task_gate(&t, 13);
	memcpy(t.vm->ram + CODE_A, "\x8e\xd8", 2);	/* mov %eax, %ds */
	pt[(STACK_B - 4) / PAGE] = 0;
	task_gate_to(&t, 8, SEL_H);
	task_gate_to(&t, 14, SEL_H);
	ASSERT_EQ(TASK_H, vcpu_sync(t.v));
	EXPECT_EQ(SEL_B, t.h->link);
	EXPECT_EQ(CODE_B, t.b->eip);
}

/* A TSS in no memory at all is no mistake that the CPU has a fault for. */
TEST(tss_without_memory)
{
	if (!on_lvx())
		SKIP(return, "KVM tries again for ever");
	START(jump);
	task_descriptor(&t, SEL_B, GPA_MMIO, 0xff, 0x89, 0);
	ASSERT_EXIT(KVM_EXIT_INTERNAL_ERROR, t.v);
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION, t.v->run->internal.suberror);
}

/* In a slot that can't be written the CPU's writes are dropped. */
TEST(tss_in_rom)
{
	struct tss32 *rom = alloc_pages(PAGE);

	if (!on_lvx())
		SKIP(return, "KVM gives up");
	START(call);
	*rom = *t.b;
	vm_slot(t.vm, 2, KVM_MEM_READONLY, GPA_EXTRA, PAGE, rom);
	task_descriptor(&t, SEL_B, GPA_EXTRA, 0xff, 0x89, 0);
	ASSERT_EQ(TASK_B, vcpu_sync(t.v));
	EXPECT_EQ(0x5555, rom->link);
	EXPECT_EQ(0x8b, t.gdt[SEL_B / 8] >> 40 & 0xff);
}

LVX_TEST_MAIN
