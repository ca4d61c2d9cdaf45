// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction executor against the CPU: random instructions with random
 * operands run on both, and registers, flags, memory and vector registers must
 * come out the same. What user space can't run (16- and 32-bit segments) has
 * tests of its own below.
 */
#include "pure/exec.h"
#include "tap.h"
#include "native.h"

static struct tap_rnd rnd = { 1 };

/* The executor's world: a copy of the memory and of the registers. */
static u8 shadow[NATIVE_MEM_SIZE];
static struct native_state start, ours;

static const char *hex(const u8 *bytes, unsigned int nr)
{
	static char text[64];
	unsigned int i;

	for (i = 0; i < nr; i++)
		sprintf(text + 3 * i, "%02x ", bytes[i]);
	return text;
}

static u64 rnd_below(u64 n)
{
	return (tap_rnd64(&rnd) >> 8) % n;
}

/* Interesting numbers come up too rarely by chance. */
static u64 rnd_value(void)
{
	static const u64 values[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ULL
	};

	if (rnd_below(3))
		return tap_rnd64(&rnd);
	return values[rnd_below(ARRAY_SIZE(values))];
}

struct candidate {
	u8 bytes[16];
	unsigned int disp_at;	/* offset of a 32-bit displacement */
	struct insn insn;
};

/* An instruction that decodes, with a memory operand in any form. */
static bool generate(struct candidate *c)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x3e, 0x65 };
	unsigned int map = rnd_below(INSN_NR_MAPS);
	unsigned int i, n = 0;

	for (i = 0; i < 2; i++)
		if (!rnd_below(3))
			c->bytes[n++] = prefixes[rnd_below(ARRAY_SIZE(prefixes))];
	if (native_avx && !rnd_below(20)) {
		/* VEX needs the few opcodes that vector moves have. */
		n = 0;
		c->bytes[n++] = 0xc4;
		c->bytes[n++] = rnd_below(8) << 5 | (map ?: 1);
		c->bytes[n++] = tap_rnd64(&rnd) | (rnd_below(4) ? 0x78 : 0);
	} else {
		if (rnd_below(2))
			c->bytes[n++] = 0x40 | rnd_below(16);
		if (map)
			c->bytes[n++] = 0x0f;
		if (map == 2)
			c->bytes[n++] = 0x38;
	}
	c->bytes[n++] = tap_rnd64(&rnd) >> 32;
	c->bytes[n] = tap_rnd64(&rnd) >> 32;
	c->disp_at = n + 1 + ((c->bytes[n] & 7) == 4);
	for (n++; n < 16; n++)
		c->bytes[n] = tap_rnd64(&rnd) >> 32;
	/*
	 * FS has a base that user space can't choose; GS has none. Ports are
	 * not for user space.
	 */
	return insn_decode(&c->insn, INSN_MODE_64, c->bytes, 16) == DECODE_OK &&
	       c->insn.seg != INSN_FS &&
	       c->insn.op != OP_INS && c->insn.op != OP_OUTS;
}

static bool is_string(const struct insn *insn)
{
	return insn->dst == OPND_STR || insn->src == OPND_STR;
}

static bool is_stack(const struct insn *insn)
{
	return insn->op == OP_PUSH || insn->op == OP_POP;
}

static u64 rnd_target(const struct insn *insn)
{
	u64 target = NATIVE_MEM + 0x1000 + rnd_below(0x2000);

	/* A locked access must not cross a cache line: the host may mind. */
	if (insn->lock || insn->op == OP_XCHG || rnd_below(2))
		target &= ~31ULL;
	return target;
}

static void aim_string(const struct insn *insn)
{
	u64 high = insn->adsize == 4 ? tap_rnd64(&rnd) << 32 : 0;

	start.gpr[6] = rnd_target(insn) | high;
	start.gpr[7] = rnd_target(insn) | high;
	if (insn->rep)
		start.gpr[1] = rnd_below(6) | high;
	/* Equal operands, too. */
	if (insn->op == OP_CMPS && rnd_below(2))
		start.gpr[7] = start.gpr[6];
}

/* Sets registers or displacement so that the operand lies in the memory. */
static bool aim(struct candidate *c)
{
	struct insn *insn = &c->insn;
	u64 target = rnd_target(insn);
	u64 rest = target - insn->disp;
	s32 disp;

	start.gpr[4] = NATIVE_MEM + 0x2000 + rnd_below(64);
	if (is_string(insn)) {
		aim_string(insn);
		return true;
	}
	if (insn->src == OPND_REG && insn->op >= OP_BT && insn->op <= OP_BTC)
		start.gpr[insn->reg] = rnd_below(8192) - 4096;
	if (insn->index == INSN_NO_REG &&
	    (insn->base == INSN_NO_REG || insn->base == INSN_REG_RIP)) {
		if (insn->src == OPND_REG && insn->disp == 0)
			return false;
		disp = target;
		if (insn->base == INSN_REG_RIP)
			disp = target - (native_rip() + insn->len);
		memcpy(c->bytes + c->disp_at, &disp, 4);
		return insn_decode(insn, INSN_MODE_64, c->bytes, 16) == DECODE_OK;
	}
	if (insn->base == insn->index || (is_stack(insn) && insn->index == 4))
		return false;
	if (insn->base == INSN_NO_REG) {
		start.gpr[insn->index] = (s64)rest >> insn->scale;
		return true;
	}
	if (insn->index != INSN_NO_REG)
		rest -= start.gpr[insn->index] << insn->scale;
	start.gpr[insn->base] = rest;
	if (insn->adsize == 4)
		start.gpr[insn->base] += tap_rnd64(&rnd) << 32;
	return true;
}

/* Serves one access from the shadow memory; false if it is outside. */
static bool serve(struct exec *x, bool write)
{
	const struct exec_access *a = x->access;
	u64 at = a->la - NATIVE_MEM;

	if (at > NATIVE_MEM_SIZE - EXEC_MAX_LEN)
		return false;
	if (write)
		memcpy(shadow + at, x->mem[a->data], a->len);
	else
		memcpy(x->mem[a->data], shadow + at, a->len);
	return true;
}

/* Runs the executor. Returns its last result, or EXEC_NEXT: outside memory. */
static enum exec_result execute(const struct insn *insn, struct exec_cpu *cpu)
{
	enum exec_result r;
	struct exec x;

	exec_start(&x, insn);
	for (;;) {
		r = exec_run(&x, cpu);
		switch (r) {
		case EXEC_READ: case EXEC_WRITE:
			if (!serve(&x, r == EXEC_WRITE))
				return EXEC_NEXT;
			break;
		case EXEC_GET_VEC:
			memcpy(x.vec, ours.vec[x.vec_reg], x.vec_len);
			break;
		case EXEC_SET_VEC:
			memcpy(ours.vec[x.vec_reg], x.vec, x.vec_len);
			break;
		case EXEC_AGAIN:
			break;
		default:
			return r;
		}
	}
}

/* Flags that the SDM defines after the instruction. */
static u64 defined_flags(const struct insn *insn)
{
	u64 all = EXEC_ARITH | EXEC_DF;
	u8 count = insn->src == OPND_CL ? start.gpr[1] : insn->imm;

	switch (insn->op) {
	case OP_OR: case OP_AND: case OP_XOR: case OP_TEST:
		return all & ~EXEC_AF;
	case OP_ROL ... OP_SAR:
		count &= insn->opsize == 8 ? 63 : 31;
		if (!count)
			return all;
		all &= ~EXEC_AF;
		if (count > 1)
			all &= ~EXEC_OF;
		if (count >= 8 * insn->opsize)
			all &= ~EXEC_CF;
		return all;
	case OP_BT ... OP_BTC:
		return EXEC_CF | EXEC_ZF | EXEC_DF;
	case OP_BSF: case OP_BSR:
		return EXEC_ZF | EXEC_DF;
	case OP_TZCNT: case OP_LZCNT:
		return EXEC_CF | EXEC_ZF | EXEC_DF;
	case OP_IMUL:
		return EXEC_CF | EXEC_OF | EXEC_DF;
	default:
		return all;
	}
}

static unsigned long nr_run[NR_OPS];

static void compare(const struct candidate *c, const struct exec_cpu *cpu)
{
	const struct native_state *cpus = native_state;
	u64 flags = defined_flags(&c->insn);
	const char *text = hex(c->bytes, c->insn.len);
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (ours.gpr[i] != cpus->gpr[i])
			TAP_FAIL("%s: register %u was 0x%llx, is 0x%llx, not 0x%llx",
				 text, i, start.gpr[i], ours.gpr[i], cpus->gpr[i]);
		if (memcmp(ours.vec[i], cpus->vec[i], native_avx ? 32 : 16))
			TAP_FAIL("%s: vector register %u differs", text, i);
	}
	if ((cpu->rflags ^ cpus->rflags) & flags)
		TAP_FAIL("%s: flags 0x%llx, not 0x%llx", text,
			 cpu->rflags & flags, cpus->rflags & flags);
	if (memcmp(shadow, native_mem, sizeof(shadow)))
		TAP_FAIL("%s: memory differs", text);
	EXPECT_EQ(cpu->rip, native_rip() + c->insn.len);
}

static void prepare(void)
{
	unsigned int i;
	u64 r;

	for (i = 0; i < 16; i++)
		start.gpr[i] = rnd_value();
	for (i = 0; i < sizeof(start.vec); i++)
		((u8 *)start.vec)[i] = tap_rnd64(&rnd) >> 32;
	for (i = 0; i < sizeof(shadow); i += 8) {
		r = rnd_value();
		memcpy(shadow + i, &r, 8);
	}
	start.rflags = 0x202 | (tap_rnd64(&rnd) & (EXEC_ARITH | EXEC_DF));
}

static void one_round(void)
{
	struct exec_cpu cpu = { .la_bits = 48, .protected = true };
	struct candidate c;
	enum exec_result r;
	int signal;

	if (!generate(&c))
		return;
	prepare();
	if (!aim(&c))
		return;
	ours = start;
	*native_state = start;
	memcpy(native_mem, shadow, sizeof(shadow));
	cpu.gpr = ours.gpr;
	cpu.rip = native_rip();
	cpu.rflags = start.rflags;

	r = execute(&c.insn, &cpu);
	if (r == EXEC_NEXT)
		return;
	signal = native_run(c.bytes, c.insn.len);
	if (signal == SIGILL)
		return;
	nr_run[c.insn.op]++;
	if (r == EXEC_FAULT) {
		if (signal != SIGSEGV && signal != SIGBUS)
			TAP_FAIL("%s: faults with %u for no reason",
				 hex(c.bytes, c.insn.len), c.insn.op);
		return;
	}
	if (r != EXEC_DONE || signal) {
		TAP_FAIL("%s: result %d, signal %d",
			 hex(c.bytes, c.insn.len), r, signal);
		return;
	}
	compare(&c, &cpu);
}

TEST(exec_like_the_cpu)
{
	unsigned long i, rounds = tap_fuzz_rounds(500000);
	unsigned int op;

	ASSERT(native_init());
	for (i = 0; i < rounds; i++)
		one_round();
	for (op = 0; op < OP_UNKNOWN; op++)
		if (nr_run[op] < 3 && op != OP_INS && op != OP_OUTS)
			TAP_FAIL("op %u ran %lu times", op, nr_run[op]);
}

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
	EXPECT_EQ(x.mem[0][0], 0x5a);
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
	exec_store(x.mem[0], 4, 37);
	ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
	EXPECT_EQ(exec_load(x.mem[0], 4), 42);
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
	cpu.rflags |= EXEC_RF;
	BEGIN(&x, INSN_MODE_32, "\xf3\xab");		/* rep stos %eax */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(exec_run(&x, &cpu), EXEC_WRITE);
		EXPECT_EQ(x.access->la, 0x1000 + 4 * i);
		EXPECT_EQ(gpr[1], 3 - i);
		EXPECT_EQ(cpu.rip, 0xfff0);
		EXPECT_EQ(exec_run(&x, &cpu), i < 2 ? EXEC_AGAIN : EXEC_DONE);
	}
	EXPECT_EQ(gpr[1], 0);
	EXPECT_EQ(gpr[7], 0x100c);
	EXPECT_EQ(cpu.rip, 0xfff2);
	EXPECT(!(cpu.rflags & EXEC_RF));
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
