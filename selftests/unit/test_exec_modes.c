// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction executor where user space can't hold it against the CPU:
 * 16- and 32-bit segments, their limits and rights, canonical form, alignment,
 * the order of accesses and what has changed by when.
 */
#include "pure/exec.h"
#include "tap.h"

/* Decodes in @mode and starts; the tests below are about addresses. */
static void begin(struct exec *x, enum insn_mode mode, const char *code,
		  unsigned int len)
{
	struct insn insn;

	EXPECT_EQ(insn_decode(&insn, mode, (const u8 *)code, len), DECODE_OK);
	EXPECT_EQ(insn.len, len);
	exec_start(x, &insn);
}

#define BEGIN(x, mode, code)	begin(x, mode, code, sizeof(code) - 1)

static u64 gpr[16];

static struct exec_cpu legacy_cpu(void)
{
	struct exec_cpu cpu = {
		.gpr = gpr, .rip = 0xfff0, .rflags = 2, .la_bits = 48,
		.protected = true,
	};
	unsigned int i;

	memset(gpr, 0, sizeof(gpr));
	for (i = 0; i < INSN_NR_SEGS; i++)
		cpu.seg[i] = (struct exec_segment){ i << 16, 0xffff, 0x93 };
	return cpu;
}

TEST(exec_16_bit_addresses)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	/* mov %al, 0x10(%bp,%si): the stack segment, and it wraps. */
	gpr[5] = 0xfff8;
	gpr[6] = 0xabcd0009;
	gpr[0] = 0x5a;
	BEGIN(&x, INSN_MODE_16, "\x88\x42\x10");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x20011);
	EXPECT_EQ(x.access->len, 1);
	EXPECT_EQ(x.mem[0], 0x5a);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(cpu.rip, 0xfff3);
}

TEST(exec_segment_limits)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	/* mov %eax, 0xfffd; then 0xfffc: the last byte decides. */
	BEGIN(&x, INSN_MODE_32, "\xa3\xfd\xff\x00\x00");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_GP);
	BEGIN(&x, INSN_MODE_32, "\xa3\xfc\xff\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);

	/* mov %eax, 0xfffd(%ebp) */
	BEGIN(&x, INSN_MODE_32, "\x89\x85\xfd\xff\x00\x00");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_SS);

	/* Expand-down: only above the limit, up to 64 KiB. */
	cpu.seg[INSN_DS] = (struct exec_segment){ 0, 0x7fff, 0x97 };
	BEGIN(&x, INSN_MODE_32, "\xa3\xfd\x7f\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	BEGIN(&x, INSN_MODE_32, "\xa3\x00\x80\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	BEGIN(&x, INSN_MODE_32, "\xa3\xfd\xff\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
}

TEST(exec_segment_rights)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	/* Read-only data: a read passes, a write only in real mode. */
	cpu.seg[INSN_DS].ar = 0x91;
	BEGIN(&x, INSN_MODE_32, "\xa1\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_READ);
	BEGIN(&x, INSN_MODE_32, "\xa3\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	cpu.protected = false;
	BEGIN(&x, INSN_MODE_32, "\xa3\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);

	/* Code that can be read, and that can't. */
	cpu.protected = true;
	cpu.seg[INSN_CS].ar = 0x9b;
	BEGIN(&x, INSN_MODE_32, "\x2e\xa1\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_READ);
	cpu.seg[INSN_CS].ar = 0x99;
	BEGIN(&x, INSN_MODE_32, "\x2e\xa1\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);

	cpu.seg[INSN_DS].ar = 0x93 | EXEC_AR_UNUSABLE;
	BEGIN(&x, INSN_MODE_32, "\xa1\x00\x00\x00\x00");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
}

TEST(exec_canonical_addresses)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[3] = 0x7ffffffffff9;
	BEGIN(&x, INSN_MODE_64, "\x48\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	gpr[3]--;
	BEGIN(&x, INSN_MODE_64, "\x48\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	gpr[3] = 0x7ffffffffff9;
	cpu.la_bits = 57;
	BEGIN(&x, INSN_MODE_64, "\x48\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);

	/* Only FS and GS have a base. */
	gpr[3] = 8;
	BEGIN(&x, INSN_MODE_64, "\x64\x48\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x40008);
	BEGIN(&x, INSN_MODE_64, "\x3e\x48\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 8);
}

/* Nothing of the registers changes before the last access is done. */
TEST(exec_commits_last)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[0] = 5;
	gpr[3] = 0x1000;
	BEGIN(&x, INSN_MODE_64, "\x0f\xc1\x03");	/* xadd %eax, (%rbx) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT(x.access->for_write);
	exec_store(x.mem, 4, 37);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(exec_load(x.mem, 4), 42);
	EXPECT_EQ(gpr[0], 5);
	EXPECT_EQ(cpu.rip, 0xfff0);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[0], 37);
	EXPECT_EQ(cpu.rip, 0xfff3);
}

/* REP: every iteration is complete in itself, and RIP stays until the last. */
TEST(exec_repeats)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;
	unsigned int i;

	gpr[1] = 3;
	gpr[7] = 0x1000;
	BEGIN(&x, INSN_MODE_32, "\xf3\xab");		/* rep stos %eax */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
		EXPECT_EQ(x.access->la, 0x1000 + 4 * i);
		EXPECT_EQ(gpr[1], 3 - i);
		EXPECT_EQ(cpu.rip, 0xfff0);
		EXPECT_EQ(exec_run(&x, &cpu), i < 2 ? EXEC_AGAIN : EXEC_DONE);
		EXPECT_EQ(cpu.rflags & EXEC_RF, i < 2 ? EXEC_RF : 0);
	}
	EXPECT_EQ(gpr[1], 0);
	EXPECT_EQ(gpr[7], 0x100c);
	EXPECT_EQ(cpu.rip, 0xfff2);
}

TEST(exec_alignment)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	/* mov %eax, (%rbx); only where alignment is checked, and not of bytes. */
	gpr[3] = 0x1002;
	BEGIN(&x, INSN_MODE_64, "\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	cpu.align_check = true;
	BEGIN(&x, INSN_MODE_64, "\x89\x03");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_AC);
	BEGIN(&x, INSN_MODE_64, "\x88\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	BEGIN(&x, INSN_MODE_64, "\x66\x89\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	/* movups (%rbx), %xmm0: CPUs may; movaps always, and it is #GP. */
	BEGIN(&x, INSN_MODE_64, "\x0f\x10\x03");
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_READ);
	BEGIN(&x, INSN_MODE_64, "\x0f\x28\x03");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_GP);
	/* A fault of the segment comes first. */
	gpr[3] = 0x8000000000000001;
	BEGIN(&x, INSN_MODE_64, "\x89\x03");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_GP);
}

/* PUSH and POP on a 16-bit stack, whose pointer wraps. */
TEST(exec_stack_wraps)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[4] = 0xabcd0000;
	BEGIN(&x, INSN_MODE_16, "\xff\x36\x34\x12");	/* pushw 0x1234 */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x31234);
	exec_store(x.mem, 2, 0x5678);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x2fffe);
	EXPECT_EQ(exec_load(x.mem, 2), 0x5678);
	EXPECT_EQ(gpr[4], 0xabcd0000);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[4], 0xabcdfffe);

	BEGIN(&x, INSN_MODE_16, "\x8f\x06\x34\x12");	/* popw 0x1234 */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x2fffe);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x31234);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[4], 0xabcd0000);
}

/* PUSH and POP: the stack's addresses are as wide as the stack pointer. */
TEST(exec_wide_stack)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[0] = 0xffffffff00001000;
	gpr[4] = 0xffff888012345678;
	BEGIN(&x, INSN_MODE_64, "\x67\xff\x30");	/* push (%eax) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x1000);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0xffff888012345670);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[4], 0xffff888012345670);
	BEGIN(&x, INSN_MODE_64, "\x67\x8f\x00");	/* pop (%eax) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0xffff888012345670);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x1000);

	cpu.seg[INSN_SS] = (struct exec_segment){ 0, 0xffffffff,
						  0x93 | EXEC_AR_DB };
	gpr[3] = 0x30;
	gpr[4] = 0x12345678;
	BEGIN(&x, INSN_MODE_32, "\x67\xff\x37");	/* pushl (%bx) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x30030);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x12345674);
	BEGIN(&x, INSN_MODE_16, "\xff\x37");		/* pushw (%bx) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x12345676);
	BEGIN(&x, INSN_MODE_16, "\x8f\x07");		/* popw (%bx) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x12345678);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0x30030);
}

TEST(exec_legacy_forms)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	/* mov %gs, 0x10: two bytes, whatever the operand size. */
	cpu.seg[INSN_GS].selector = 0xbeef;
	EXPECT_EQ(exec_segments(&(struct insn){ .src = OPND_SEG, .reg = INSN_GS,
			.seg = INSN_DS, .mode = INSN_MODE_64 }), BIT(INSN_GS));
	BEGIN(&x, INSN_MODE_32, "\x8c\x2d\x10\x00\x00\x00");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->len, 2);
	EXPECT_EQ(exec_load(x.mem, 2), 0xbeef);

	/* xlat: BX and AL wrap at 64 KiB. */
	gpr[3] = 0xfff8;
	gpr[0] = 0x1210;
	BEGIN(&x, INSN_MODE_16, "\xd7");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x30008);
	x.mem[0] = 0x77;
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[0], 0x1277);

	/* movsb with a segment of its own for the source, SI and DI wrapping. */
	gpr[6] = 0xffff;
	gpr[7] = 0xffff;
	BEGIN(&x, INSN_MODE_16, "\x65\xa4");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x5ffff);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->la, 0xffff);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(gpr[6], 0);
	EXPECT_EQ(gpr[7], 0);
}

/* "Big real mode": a segment with a limit of 4 GiB, and 16-bit code. */
TEST(exec_big_real_mode)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	cpu.protected = false;
	gpr[3] = 0xfee00000;
	BEGIN(&x, INSN_MODE_16, "\x67\x66\x8b\x03");	/* mov (%ebx), %eax */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_GP);
	cpu.seg[INSN_DS].limit = 0xffffffff;
	BEGIN(&x, INSN_MODE_16, "\x67\x66\x8b\x03");
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0xfee30000);
}

/* The division fails only when its operand is there, and changes nothing. */
TEST(exec_divide_error)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[2] = 2;
	gpr[3] = 0x1000;
	BEGIN(&x, INSN_MODE_32, "\xf7\x33");		/* divl (%ebx) */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	exec_store(x.mem, 4, 2);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_FAULT);
	EXPECT_EQ(x.fault, EXEC_VECTOR_DE);
	EXPECT_EQ(gpr[2], 2);
	EXPECT_EQ(cpu.rip, 0xfff0);
}

/* vmovdqu32 %zmm1, (%rbx){%k1}: elements 1, 2 and 15, and no others. */
TEST(exec_masked_elements)
{
	static const char code[] = "\x62\xf1\x7e\x49\x7f\x0b";
	static const u8 chosen[] = { 1, 2, 15 };
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;
	unsigned int i;

	gpr[3] = 0x7fffffffffc4;	/* the last byte is canonical's last + 4 */
	BEGIN(&x, INSN_MODE_64, code);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_GET_VEC);
	EXPECT_EQ(x.vec_file, OPND_MASK);
	EXPECT_EQ(x.vec_reg, 1);
	exec_store(x.vec, 8, 0x8006);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_FAULT);

	gpr[3] = 0x1000;
	BEGIN(&x, INSN_MODE_64, code);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_GET_VEC);
	exec_store(x.vec, 8, 0x8006);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_GET_VEC);
	EXPECT_EQ(x.vec_file, OPND_VEC);
	EXPECT_EQ(x.vec_len, 64);
	for (i = 0; i < 64; i++)
		x.vec[i] = i;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
		EXPECT_EQ(x.access->la, 0x1000 + 4 * chosen[i]);
		EXPECT_EQ(x.access->len, 4);
		EXPECT_EQ(x.mem[x.access->data], 4 * chosen[i]);
	}
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);

	/* Without the last element, it doesn't matter where that is. */
	gpr[3] = 0x7fffffffffc4;
	BEGIN(&x, INSN_MODE_64, code);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_GET_VEC);
	exec_store(x.vec, 8, 0x0006);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_GET_VEC);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
}

/* INS and OUTS: the port's half is the caller's. */
TEST(exec_port_strings)
{
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;

	gpr[1] = 2;
	gpr[7] = 0x1000;
	BEGIN(&x, INSN_MODE_32, "\xf3\x66\x6d");	/* rep insw */
	x.port = 0xabcd1234;
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(x.access->len, 2);
	EXPECT_EQ(exec_load(x.mem, 2), 0x1234);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_AGAIN);
	EXPECT_EQ(gpr[7], 0x1002);

	gpr[6] = 0x2000;
	BEGIN(&x, INSN_MODE_32, "\x6f");		/* outsl */
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_READ);
	EXPECT_EQ(x.access->la, 0x32000);
	exec_store(x.mem, 4, 0x11223344);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	EXPECT_EQ(x.port, 0x11223344);
	EXPECT_EQ(gpr[6], 0x2004);
}

/* A device isn't read for a hint. */
TEST(exec_prefetch)
{
	static const char codes[][4] = {
		"\x0f\x18\x03", "\x0f\x18\x0b", "\x0f\x18\x13",
		"\x0f\x18\x1b", "\x0f\x0d\x0b",
	};
	struct exec_cpu cpu = legacy_cpu();
	struct exec x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		BEGIN(&x, INSN_MODE_64, codes[i]);
		EXPECT_EQ(exec_run(&x, &cpu), EXEC_DONE);
	}
}

TEST(exec_refuses_what_it_does_not_know)
{
	struct exec_cpu cpu = legacy_cpu();
	struct insn insn = { .op = OP_UNKNOWN };
	struct exec x;

	exec_start(&x, &insn);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_UNKNOWN);
	insn.op = 255;
	exec_start(&x, &insn);
	EXPECT_EQ(exec_run(&x, &cpu), EXEC_UNKNOWN);
}
