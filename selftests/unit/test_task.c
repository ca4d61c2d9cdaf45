// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the task switch (pure/task.c): what goes where in the two TSS
 * formats, what is checked, and whether what fails early leaves memory as it was.
 */
#include "pure/task.h"
#include "tap.h"

#define GDT		0x1000
#define LDT		0x1800
#define OLD		0x2000
#define NEW		0x3000
#define MEMORY		0x10000

#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define SEL_OLD		0x18
#define SEL_NEW		0x20
#define SEL_LDT		0x28
#define SEL_UCODE	0x33
#define SEL_UDATA	0x3b
#define SEL_TEST	0x40		/* for a test's own descriptor */

struct machine {
	u8 ram[MEMORY];
	struct task_cpu cpu;
	u32 hole;			/* a page that faults when written */
	u32 hole_read;
	u32 cr3, bad_cr3;
	unsigned int writes;
};

static struct machine m;

static int mem_read(void *opaque, u32 la, void *data, unsigned int len)
{
	if (la + len > MEMORY || (m.hole_read && la + len > m.hole_read &&
				  la < m.hole_read + 0x1000))
		return -1;
	memcpy(data, m.ram + la, len);
	return 0;
}

static int mem_probe(void *opaque, u32 la, unsigned int len)
{
	return la + len > MEMORY ||
	       (m.hole && la + len > m.hole && la < m.hole + 0x1000);
}

static int mem_write(void *opaque, u32 la, const void *data, unsigned int len)
{
	if (mem_probe(opaque, la, len))
		return -1;
	memcpy(m.ram + la, data, len);
	m.writes++;
	return 0;
}

static int check_cr3(void *opaque, u32 cr3)
{
	return cr3 == m.bad_cr3;
}

static void load_cr3(void *opaque, u32 cr3)
{
	m.cr3 = cr3;
}

static const struct task_memory memory = {
	.read = mem_read, .write = mem_write, .probe = mem_probe,
	.check_cr3 = check_cr3, .load_cr3 = load_cr3,
};

static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 |
	       (u64)access << 40 | (u64)(limit >> 16) << 48 |
	       (u64)flags << 52 | (u64)(base >> 24) << 56;
}

static void set_gdt(u16 selector, u64 value)
{
	memcpy(m.ram + GDT + (selector & ~7), &value, 8);
}

static u8 access_byte(u16 selector)
{
	return m.ram[GDT + (selector & ~7) + 5];
}

static u32 get32(u32 at)
{
	u32 v;

	memcpy(&v, m.ram + at, 4);
	return v;
}

static u16 get16(u32 at)
{
	u16 v;

	memcpy(&v, m.ram + at, 2);
	return v;
}

static void set32(u32 at, u32 v)
{
	memcpy(m.ram + at, &v, 4);
}

static void set16(u32 at, u16 v)
{
	memcpy(m.ram + at, &v, 2);
}

/* The new task in 32 bits: each register another value. */
static void new_tss32(void)
{
	unsigned int i;

	set32(NEW + 0x1c, 0x7000);
	set32(NEW + 0x20, 0x11111111);
	set32(NEW + 0x24, 0x202);
	for (i = 0; i < 8; i++)
		set32(NEW + 0x28 + 4 * i, 0x10000000 + i);
	for (i = 0; i < 6; i++)
		set32(NEW + 0x48 + 4 * i, i == TASK_CS ? SEL_CODE : SEL_DATA);
	set32(NEW + 0x60, SEL_LDT);
}

static void new_tss16(void)
{
	unsigned int i;

	set_gdt(SEL_NEW, descriptor(NEW, 0x2b, 0x81, 0));
	memset(m.ram + NEW, 0xee, 0x68);
	set16(NEW + 0x0e, 0x1111);
	set16(NEW + 0x10, 0x202);
	for (i = 0; i < 8; i++)
		set16(NEW + 0x12 + 2 * i, 0x1000 + i);
	for (i = 0; i < 4; i++)
		set16(NEW + 0x22 + 2 * i, i == TASK_CS ? SEL_CODE : SEL_DATA);
	set16(NEW + 0x2a, 0);
}

static void start(void)
{
	unsigned int i;

	memset(&m, 0, sizeof(m));
	m.bad_cr3 = 0xbad000;
	set_gdt(SEL_CODE, descriptor(0, 0xfffff, 0x9b, 0xc));
	set_gdt(SEL_DATA, descriptor(0, 0xfffff, 0x93, 0xc));
	set_gdt(SEL_OLD, descriptor(OLD, 0x67, 0x8b, 0));
	set_gdt(SEL_NEW, descriptor(NEW, 0x67, 0x89, 0));
	set_gdt(SEL_LDT, descriptor(LDT, 0x17, 0x82, 0));
	set_gdt(SEL_UCODE, descriptor(0, 0xfffff, 0xfa, 0xc));
	set_gdt(SEL_UDATA, descriptor(0, 0xfffff, 0xf2, 0xc));
	new_tss32();
	m.cpu = (struct task_cpu){
		.eip = 0x22222222, .eflags = 0x4246, .gdt_base = GDT,
		.gdt_limit = 0x7f, .paging = true,
	};
	for (i = 0; i < 8; i++)
		m.cpu.gpr[i] = 0x20000000 + i;
	for (i = 0; i < TASK_NR_DATA; i++)
		m.cpu.seg[i].selector = 0x50 + 8 * i;
	m.cpu.seg[TASK_TR] = (struct segment){
		.selector = SEL_OLD, .base = OLD, .limit = 0x67, .ar = 0x8b,
	};
}

static enum task_result go(enum task_source source)
{
	return task_switch(&m.cpu, &memory, SEL_NEW, source);
}

TEST(jump_32)
{
	unsigned int i;

	start();
	EXPECT(go(TASK_JMP) == TASK_DONE && m.cpu.committed);
	for (i = 0; i < 8; i++) {
		EXPECT(get32(OLD + 0x28 + 4 * i) == 0x20000000 + i);
		EXPECT(m.cpu.gpr[i] == 0x10000000 + i);
	}
	for (i = 0; i < 6; i++)
		EXPECT(get32(OLD + 0x48 + 4 * i) == 0x50 + 8 * i);
	EXPECT(get32(OLD + 0x20) == 0x22222222 && get32(OLD + 0x24) == 0x4246);
	EXPECT(!get32(OLD + 0x1c) && !get32(OLD + 0x60) && !get32(OLD));
	EXPECT(m.cpu.eip == 0x11111111 && m.cpu.eflags == 0x202);
	EXPECT(!get16(NEW));
	EXPECT(access_byte(SEL_OLD) == 0x89 && access_byte(SEL_NEW) == 0x8b);
	EXPECT(m.cpu.seg[TASK_TR].selector == SEL_NEW &&
	       m.cpu.seg[TASK_TR].base == NEW && m.cpu.seg[TASK_TR].ar == 0x8b);
	EXPECT(m.cpu.seg[TASK_LDTR].base == LDT && m.cpu.seg[TASK_LDTR].limit == 0x17);
	EXPECT(m.cpu.seg[TASK_CS].ar == 0xc09b && m.cpu.seg[TASK_SS].ar == 0xc093);
	EXPECT(m.cpu.seg[TASK_GS].limit == 0xffffffff);
	EXPECT(m.cr3 == 0x7000 && !m.cpu.debug_trap);
}

TEST(call_and_return)
{
	start();
	EXPECT(go(TASK_CALL) == TASK_DONE);
	EXPECT(get16(NEW) == SEL_OLD && m.cpu.eflags == 0x4202);
	EXPECT(access_byte(SEL_OLD) == 0x8b && access_byte(SEL_NEW) == 0x8b);
	set32(OLD + 0x48, SEL_DATA);
	set32(OLD + 0x4c, SEL_CODE);
	set32(OLD + 0x50, SEL_DATA);
	set32(OLD + 0x54, 0);
	set32(OLD + 0x58, 0);
	set32(OLD + 0x5c, 0);
	EXPECT(task_switch(&m.cpu, &memory, SEL_OLD, TASK_IRET) == TASK_DONE);
	EXPECT(m.cpu.eip == 0x22222222 && m.cpu.eflags == 0x4246);
	/* NT of the task that ended is not saved. */
	EXPECT(get32(NEW + 0x24) == 0x202);
	EXPECT(access_byte(SEL_OLD) == 0x8b && access_byte(SEL_NEW) == 0x89);
	EXPECT(m.cpu.seg[TASK_DS].ar == SEG_AR_UNUSABLE);
}

TEST(a_task_of_16_bits)
{
	unsigned int i;

	start();
	new_tss16();
	m.cpu.seg[TASK_TR].ar = 0x83;
	m.cpu.seg[TASK_TR].limit = 0x2b;
	m.cr3 = 1;
	EXPECT(go(TASK_GATE) == TASK_DONE);
	EXPECT(get16(NEW) == SEL_OLD && m.cpu.eip == 0x1111 && m.cpu.eflags == 0x4202);
	for (i = 0; i < 8; i++) {
		EXPECT(m.cpu.gpr[i] == 0x1000 + i);
		EXPECT(get16(OLD + 0x12 + 2 * i) == i);
	}
	for (i = 0; i < 4; i++)
		EXPECT(get16(OLD + 0x22 + 2 * i) == 0x50 + 8 * i);
	EXPECT(get16(OLD + 0x0e) == 0x2222 && !get16(OLD + 0x2a));
	EXPECT(m.cpu.seg[TASK_FS].ar == SEG_AR_UNUSABLE && !m.cpu.seg[TASK_FS].selector);
	EXPECT(m.cpu.seg[TASK_TR].ar == 0x83 && m.cr3 == 1);
}

/* Before the commit nothing may have changed. */
static void check_early(enum task_source source, u8 vector, u16 code)
{
	struct machine before = m;

	EXPECT(go(source) == TASK_FAULT);
	EXPECT(!m.cpu.committed && m.cpu.vector == vector && m.cpu.error_code == code);
	EXPECT(!memcmp(m.ram, before.ram, MEMORY) && m.cpu.eip == before.cpu.eip);
}

TEST(early_faults)
{
	start();
	set_gdt(SEL_NEW, descriptor(NEW, 0x67, 0x8b, 0));
	check_early(TASK_CALL, TASK_VECTOR_GP, SEL_NEW);
	start();
	check_early(TASK_IRET, TASK_VECTOR_TS, SEL_NEW);
	start();
	set_gdt(SEL_NEW, descriptor(NEW, 0x67, 0x09, 0));
	check_early(TASK_JMP, TASK_VECTOR_NP, SEL_NEW);
	start();
	m.cpu.ext = true;
	set_gdt(SEL_NEW, descriptor(NEW, 0x66, 0x89, 0));
	check_early(TASK_GATE, TASK_VECTOR_TS, SEL_NEW | 1);
	start();
	new_tss16();
	set_gdt(SEL_NEW, descriptor(NEW, 0x2a, 0x81, 0));
	check_early(TASK_JMP, TASK_VECTOR_TS, SEL_NEW);
	start();
	set_gdt(SEL_NEW, descriptor(NEW, 0x67, 0x93, 0));
	check_early(TASK_JMP, TASK_VECTOR_GP, SEL_NEW);
	start();
	m.cpu.gdt_limit = SEL_NEW + 6;
	check_early(TASK_JMP, TASK_VECTOR_GP, SEL_NEW);
	start();
	m.cpu.seg[TASK_TR].limit = 0x66;
	check_early(TASK_JMP, TASK_VECTOR_TS, SEL_NEW);
	start();
	set32(NEW + 0x1c, m.bad_cr3);
	check_early(TASK_JMP, TASK_VECTOR_GP, 0);
	/* ... which without paging nobody looks at. */
	start();
	set32(NEW + 0x1c, m.bad_cr3);
	m.cpu.paging = false;
	EXPECT(go(TASK_JMP) == TASK_DONE && !m.cr3);
}

TEST(missing_memory)
{
	static const u32 holes[] = { GDT, OLD, NEW };
	struct machine before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		start();
		m.hole = holes[i];
		before = m;
		EXPECT(go(TASK_CALL) == TASK_MEMORY && !m.cpu.committed);
		EXPECT(!memcmp(m.ram, before.ram, MEMORY));
	}
	/* JMP writes no link, so the new TSS may be read-only. */
	start();
	m.hole = NEW;
	EXPECT(go(TASK_JMP) == TASK_DONE);
	start();
	m.hole_read = NEW;
	EXPECT(go(TASK_JMP) == TASK_MEMORY && !m.writes);
}

/* After it, the fault is the new task's, with a state that VM entry takes. */
static void check_late(u8 vector, u16 code)
{
	u8 cpl = m.cpu.eflags & BIT(17) ? 3 : get16(NEW + 0x4c) & 3;

	m.cpu.ext = true;
	EXPECT(go(TASK_JMP) == TASK_FAULT && m.cpu.committed);
	EXPECT_EQ(m.cpu.vector, vector);
	EXPECT_EQ(m.cpu.error_code, code | 1);
	EXPECT(m.cpu.eip == 0x11111111 && m.cpu.seg[TASK_TR].selector == SEL_NEW);
	EXPECT(segment_dpl(&m.cpu.seg[TASK_SS]) == cpl);
	EXPECT(!(m.cpu.seg[TASK_CS].ar & SEG_AR_UNUSABLE));
	EXPECT(m.cpu.seg[TASK_CS].selector == get16(NEW + 0x4c));
}

static const struct late {
	enum task_segment seg;
	u16 selector;
	u8 access;		/* of SEL_TEST */
	u8 vector;
} lates[] = {
	{ TASK_LDTR, SEL_DATA, 0, TASK_VECTOR_TS },
	{ TASK_LDTR, SEL_LDT | 4, 0, TASK_VECTOR_TS },
	{ TASK_LDTR, 0x80, 0, TASK_VECTOR_TS },
	{ TASK_LDTR, SEL_TEST, 0x02, TASK_VECTOR_TS },	/* not present */
	{ TASK_CS, 0, 0, TASK_VECTOR_TS },
	{ TASK_CS, SEL_DATA, 0, TASK_VECTOR_TS },
	{ TASK_CS, SEL_CODE | 1, 0, TASK_VECTOR_TS },	/* RPL, not DPL */
	{ TASK_CS, SEL_TEST, 0xbe, TASK_VECTOR_TS },	/* conforming, DPL 1 */
	{ TASK_CS, SEL_TEST, 0x1a, TASK_VECTOR_NP },
	{ TASK_CS, 0x80, 0, TASK_VECTOR_TS },
	{ TASK_CS, 0x1c, 0, TASK_VECTOR_TS },		/* past the LDT's end */
	{ TASK_SS, 0, 0, TASK_VECTOR_TS },
	{ TASK_SS, 0x80, 0, TASK_VECTOR_TS },
	{ TASK_SS, SEL_DATA | 3, 0, TASK_VECTOR_TS },
	{ TASK_SS, SEL_CODE, 0, TASK_VECTOR_TS },
	{ TASK_SS, SEL_TEST, 0x90, TASK_VECTOR_TS },	/* read-only */
	{ TASK_SS, SEL_TEST, 0xf2, TASK_VECTOR_TS },
	{ TASK_SS, SEL_TEST, 0x12, TASK_VECTOR_SS },
	{ TASK_DS, SEL_LDT, 0, TASK_VECTOR_TS },
	{ TASK_DS, SEL_DATA | 1, 0, TASK_VECTOR_TS },
	{ TASK_ES, SEL_TEST, 0x98, TASK_VECTOR_TS },	/* not readable */
	{ TASK_FS, SEL_TEST, 0x10, TASK_VECTOR_NP },
	{ TASK_GS, 0x80, 0, TASK_VECTOR_TS },
	{ TASK_GS, SEL_TEST, 0x02, TASK_VECTOR_TS },
};

TEST(late_faults)
{
	const struct late *l;

	for (l = lates; l < lates + ARRAY_SIZE(lates); l++) {
		start();
		set_gdt(SEL_TEST, descriptor(0, 0xfffff, l->access, 0xc));
		set32(NEW + 0x48 + 4 * l->seg, l->selector);
		check_late(l->vector, l->selector & ~3);
	}
}

TEST(user_task)
{
	unsigned int i;

	start();
	for (i = 0; i < 6; i++)
		set32(NEW + 0x48 + 4 * i, i == TASK_CS ? SEL_UCODE : SEL_UDATA);
	EXPECT(go(TASK_JMP) == TASK_DONE);
	EXPECT(m.cpu.seg[TASK_CS].ar == 0xc0fb && m.cpu.seg[TASK_SS].ar == 0xc0f3);
	/* It sets accessed bits. */
	EXPECT(access_byte(SEL_UCODE) == 0xfb && access_byte(SEL_UDATA) == 0xf3);
	/* A conforming segment serves any lower privilege. */
	start();
	set_gdt(SEL_TEST, descriptor(0, 0xfffff, 0x9e, 0xc));
	for (i = 0; i < 6; i++)
		set32(NEW + 0x48 + 4 * i, SEL_UDATA);
	set32(NEW + 0x4c, SEL_TEST | 3);
	set32(NEW + 0x54, SEL_TEST);
	EXPECT(go(TASK_JMP) == TASK_DONE && segment_dpl(&m.cpu.seg[TASK_SS]) == 3);
	/* The kernel's data are not for it. */
	start();
	for (i = 0; i < 6; i++)
		set32(NEW + 0x48 + 4 * i, i == TASK_CS ? SEL_UCODE : SEL_UDATA);
	set32(NEW + 0x58, SEL_DATA);
	check_late(TASK_VECTOR_TS, SEL_DATA);
}

TEST(v86_task)
{
	unsigned int i;

	start();
	set32(NEW + 0x24, 0x23202);
	for (i = 0; i < 6; i++)
		set32(NEW + 0x48 + 4 * i, 0x1230 + i);
	EXPECT(go(TASK_JMP) == TASK_DONE);
	for (i = 0; i < 6; i++)
		EXPECT(m.cpu.seg[i].base == (0x1230 + i) << 4 &&
		       m.cpu.seg[i].limit == 0xffff && m.cpu.seg[i].ar == 0xf3);
	EXPECT(m.cpu.seg[TASK_LDTR].base == LDT);
	/* With a bad LDT the fault comes from a V86 task all the same. */
	start();
	set32(NEW + 0x24, 0x23202);
	set32(NEW + 0x60, SEL_DATA);
	m.cpu.ext = false;
	EXPECT(go(TASK_JMP) == TASK_FAULT && m.cpu.committed);
	EXPECT(m.cpu.seg[TASK_SS].ar == 0xf3 && m.cpu.seg[TASK_CS].ar == 0xf3);
}

TEST(ldt_segments)
{
	u64 data = descriptor(0x500, 0xff, 0x92, 0);

	start();
	memcpy(m.ram + LDT + 8, &data, 8);
	set32(NEW + 0x54, 0xc);
	set32(NEW + 0x64, 1);		/* T */
	EXPECT(go(TASK_JMP) == TASK_DONE && m.cpu.debug_trap);
	EXPECT(m.cpu.seg[TASK_DS].base == 0x500 && m.cpu.seg[TASK_DS].limit == 0xff);
	EXPECT(m.ram[LDT + 13] == 0x93);
	/* Flags that don't exist are not loaded. */
	start();
	set32(NEW + 0x24, ~0x20000u);
	EXPECT(go(TASK_JMP) == TASK_DONE && m.cpu.eflags == (0x3f7fd7 & ~BIT(17)));
}

TEST(push_of_an_error_code)
{
	unsigned int size;
	u32 la;

	start();
	go(TASK_JMP);
	m.cpu.gpr[4] = 0x8000;
	EXPECT(task_push_address(&m.cpu, &size, &la) && size == 4 && la == 0x7ffc &&
	       m.cpu.gpr[4] == 0x7ffc);
	m.cpu.gpr[4] = 2;		/* wraps in the middle */
	EXPECT(!task_push_address(&m.cpu, &size, &la) && m.cpu.gpr[4] == 2);
	m.cpu.seg[TASK_SS] = (struct segment){ .base = 0x100, .limit = 0xfff,
					       .ar = 0x93 };
	m.cpu.gpr[4] = 0x55551000;
	EXPECT(task_push_address(&m.cpu, &size, &la) && la == 0x10fc &&
	       m.cpu.gpr[4] == 0x55550ffc);
	m.cpu.gpr[4] = 0x1002;
	EXPECT(!task_push_address(&m.cpu, &size, &la));
	m.cpu.seg[TASK_SS].ar = 0x97;	/* expand-down: above the limit */
	m.cpu.gpr[4] = 0x1004;
	EXPECT(task_push_address(&m.cpu, &size, &la) && la == 0x1100);
	EXPECT(!task_push_address(&m.cpu, &size, &la));
	m.cpu.seg[TASK_TR].ar = 0x83;
	m.cpu.gpr[4] = 0x1004;
	EXPECT(task_push_address(&m.cpu, &size, &la) && size == 2 && la == 0x1102);
}
