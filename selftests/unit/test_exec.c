// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction executor against the CPU: every instruction of insns.S, as the
 * assembler encodes it, and random bytes run on both with random operands, and
 * registers, flags, memory and vector registers must come out the same. What
 * user space can't run (16- and 32-bit segments) is in test_exec_modes.c.
 */
#include "pure/exec.h"
#include "tap.h"
#include "native.h"

#define RFLAGS_AC	BIT(18)

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

/*
 * FS has a base that user space can't choose; GS has none. Ports are not for
 * user space.
 */
static bool can_run(const struct insn *insn)
{
	return insn->seg != INSN_FS && insn->op != OP_INS &&
	       insn->op != OP_OUTS && (native_avx512 || !insn->evex) &&
	       (native_avx || !insn->vex);
}

/* Prefixes, of which some make other instructions. */
static unsigned int put_legacy(u8 *bytes)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x3e, 0x65 };
	unsigned int map = rnd_below(INSN_NR_VEC_MAPS);
	unsigned int i, n = 0;

	for (i = 0; i < 2; i++)
		if (!rnd_below(3))
			bytes[n++] = prefixes[rnd_below(ARRAY_SIZE(prefixes))];
	if (rnd_below(2))
		bytes[n++] = 0x40 | rnd_below(16);
	if (map)
		bytes[n++] = 0x0f;
	if (map > 1)
		bytes[n++] = map == 2 ? 0x38 : 0x3a;
	return n;
}

/* Mostly without a second source, as most of what moves has none. */
static unsigned int put_vex(u8 *bytes)
{
	bytes[0] = 0xc4;
	bytes[1] = rnd_below(8) << 5 | (rnd_below(3) + 1);
	bytes[2] = tap_rnd64(&rnd) | (rnd_below(3) ? 0x78 : 0);
	return 3;
}

static unsigned int put_evex(u8 *bytes)
{
	bytes[0] = 0x62;
	bytes[1] = rnd_below(16) << 4 | (rnd_below(3) + 1);
	bytes[2] = tap_rnd64(&rnd) | 4 | (rnd_below(4) ? 0x78 : 0);
	bytes[3] = rnd_below(256) & (rnd_below(2) ? 0xef : 0x6f);
	if (rnd_below(4))
		bytes[3] |= 8;
	return 4;
}

/* An instruction that decodes, with a memory operand in any form. */
static bool generate(struct candidate *c)
{
	static unsigned int (* const put[])(u8 *bytes) = {
		put_legacy, put_legacy, put_vex, put_evex
	};
	unsigned int i, n;

	n = put[rnd_below(ARRAY_SIZE(put))](c->bytes);
	for (i = n; i < 16; i++)
		c->bytes[i] = tap_rnd64(&rnd) >> 32;
	c->disp_at = n + 2 + ((c->bytes[n + 1] & 7) == 4);
	return insn_decode(&c->insn, INSN_MODE_64, c->bytes, 16) == DECODE_OK &&
	       can_run(&c->insn);
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
	/* Quotients that fit are rare. */
	if (insn->op == OP_DIV || insn->op == OP_IDIV)
		start.gpr[2] = -rnd_below(2);
	if (exec_is_string(insn)) {
		aim_string(insn);
		return true;
	}
	if (insn->src == OPND_REG && insn->op >= OP_BT && insn->op <= OP_BTC)
		start.gpr[insn->reg] = rnd_below(8192) - 4096;
	if (insn->index == INSN_NO_REG &&
	    (insn->base == INSN_NO_REG || insn->base == INSN_REG_RIP)) {
		if (!c->disp_at)
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

/* What an instruction asks for, and no more, can have been seen by a CPU. */
static void check_touches(const struct exec *x, const struct exec_cpu *cpu)
{
	const struct exec_access *a = x->access;
	u64 last = a->la + a->len - 1;
	u64 far = a->la ^ 1ULL << (16 + rnd_below(14));

	if (!exec_touches(&x->insn, cpu, a->la, a->for_write) ||
	    !exec_touches(&x->insn, cpu, last, a->for_write))
		TAP_FAIL("op %u does not touch what it accesses", x->insn.op);
	if (exec_touches(&x->insn, cpu, far, a->write))
		TAP_FAIL("op %u touches what it doesn't access", x->insn.op);
	if (exec_op(&x->insn)->flags & EXEC_OP_WRITES_DST || x->has_write)
		return;
	if (exec_touches(&x->insn, cpu, a->la, true))
		TAP_FAIL("op %u writes what it only reads", x->insn.op);
}

/* Serves one access from the shadow memory; false if it is outside. */
static bool serve(struct exec *x, const struct exec_cpu *cpu, bool write)
{
	const struct exec_access *a = x->access;
	u64 at = a->la - NATIVE_MEM;

	check_touches(x, cpu);

	if (at > NATIVE_MEM_SIZE - EXEC_MAX_LEN)
		return false;
	if (write)
		memcpy(shadow + at, x->mem + a->data, a->len);
	else
		memcpy(x->mem + a->data, shadow + at, a->len);
	return true;
}

static u8 *register_file(const struct exec *x)
{
	if (x->vec_file == OPND_MMX)
		return (u8 *)&ours.mmx[x->vec_reg];
	if (x->vec_file == OPND_MASK)
		return (u8 *)&ours.mask[x->vec_reg];
	return ours.vec[x->vec_reg];
}

/* With 32 bytes or more, what is above them becomes zero. */
static void set_vec(const struct exec *x)
{
	u8 *reg = register_file(x);

	if (x->vec_file == OPND_VEC && x->vec_len >= 32)
		memset(reg, 0, native_vec_len());
	memcpy(reg, x->vec, x->vec_len);
}

/* Runs the executor. Returns its last result, or EXEC_NEXT: outside memory. */
static enum exec_result execute(const struct insn *insn, struct exec_cpu *cpu,
				u8 *fault)
{
	enum exec_result r;
	struct exec x;

	exec_start(&x, insn);
	for (;;) {
		r = exec_run(&x, cpu);
		switch (r) {
		case EXEC_READ: case EXEC_WRITE:
			if (!serve(&x, cpu, r == EXEC_WRITE))
				return EXEC_NEXT;
			break;
		case EXEC_GET_VEC:
			memcpy(x.vec, register_file(&x), x.vec_len);
			break;
		case EXEC_SET_VEC:
			set_vec(&x);
			break;
		case EXEC_AGAIN:
			break;
		default:
			*fault = x.fault;
			return r;
		}
	}
}

/* Flags that the SDM defines after the instruction. */
static u64 defined_flags(const struct insn *insn)
{
	u64 all = EXEC_ARITH | EXEC_DF;
	bool by_cl = insn->src == OPND_CL || !insn->third;
	u8 count = by_cl && insn->src != OPND_IMM ? start.gpr[1] : insn->imm;

	switch (insn->op) {
	case OP_OR: case OP_AND: case OP_XOR: case OP_TEST:
		return all & ~EXEC_AF;
	case OP_SHLD: case OP_SHRD:
		if (!(count & (insn->opsize == 8 ? 63 : 31)))
			return all;
		fallthrough;
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
	case OP_MUL ... OP_IMUL_WIDE:
		return EXEC_CF | EXEC_OF | EXEC_DF;
	case OP_DIV: case OP_IDIV:
		return EXEC_DF;
	case OP_BEXTR:
		return EXEC_CF | EXEC_OF | EXEC_ZF | EXEC_DF;
	case OP_ANDN: case OP_BLSR: case OP_BLSMSK: case OP_BLSI: case OP_BZHI:
		return all & ~(EXEC_AF | EXEC_PF);
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
	}
	for (i = 0; i < native_nr_vecs(); i++)
		if (memcmp(ours.vec[i], cpus->vec[i], native_vec_len()))
			TAP_FAIL("%s: vector register %u differs", text, i);
	for (i = 0; i < 8; i++)
		if (ours.mmx[i] != cpus->mmx[i])
			TAP_FAIL("%s: MMX register %u differs", text, i);
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
	for (i = 0; i < 8; i++) {
		start.mmx[i] = rnd_value();
		start.mask[i] = rnd_value();
	}
	for (i = 0; i < sizeof(start.vec); i++)
		((u8 *)start.vec)[i] = tap_rnd64(&rnd) >> 32;
	for (i = 0; i < sizeof(shadow); i += 8) {
		r = rnd_value();
		memcpy(shadow + i, &r, 8);
	}
	start.rflags = 0x202 | (tap_rnd64(&rnd) & (EXEC_ARITH | EXEC_DF));
}

/* Twice what the operand has: not defined. */
static bool is_defined(const struct insn *insn)
{
	u8 count = insn->third ? insn->imm : start.gpr[1];

	return (insn->op != OP_SHLD && insn->op != OP_SHRD) ||
	       insn->opsize != 2 || (count & 31) <= 16;
}

static int signal_of(u8 vector)
{
	switch (vector) {
	case EXEC_VECTOR_DE:
		return SIGFPE;
	case EXEC_VECTOR_SS: case EXEC_VECTOR_AC:
		return SIGBUS;
	default:
		return SIGSEGV;
	}
}

/* For what stores them. */
static void own_selectors(struct exec_cpu *cpu)
{
	asm("mov %%ds, %0" : "=r" (cpu->seg[INSN_DS].selector));
	asm("mov %%es, %0" : "=r" (cpu->seg[INSN_ES].selector));
	asm("mov %%ss, %0" : "=r" (cpu->seg[INSN_SS].selector));
	asm("mov %%cs, %0" : "=r" (cpu->seg[INSN_CS].selector));
	asm("mov %%fs, %0" : "=r" (cpu->seg[INSN_FS].selector));
	asm("mov %%gs, %0" : "=r" (cpu->seg[INSN_GS].selector));
}

/* Returns false if the CPU doesn't have the instruction. */
static bool run_both(const struct candidate *c)
{
	struct exec_cpu cpu = {
		.gpr = ours.gpr, .rip = native_rip(), .rflags = start.rflags,
		.la_bits = 48, .protected = true,
		.align_check = start.rflags & RFLAGS_AC,
	};
	enum exec_result r;
	u8 fault = 0;
	int signal;

	own_selectors(&cpu);
	ours = start;
	*native_state = start;
	memcpy(native_mem, shadow, sizeof(shadow));
	r = execute(&c->insn, &cpu, &fault);
	if (r == EXEC_NEXT)
		return true;
	signal = native_run(c->bytes, c->insn.len);
	if (signal == SIGILL)
		return false;
	nr_run[c->insn.op]++;
	if (r == EXEC_FAULT && signal != signal_of(fault))
		TAP_FAIL("%s: raises %u, but the CPU signal %d",
			 hex(c->bytes, c->insn.len), fault, signal);
	else if (r != EXEC_FAULT && (r != EXEC_DONE || signal))
		TAP_FAIL("%s: result %d, signal %d",
			 hex(c->bytes, c->insn.len), r, signal);
	else if (r == EXEC_DONE)
		compare(c, &cpu);
	return true;
}

/*
 * Of what is longer, and under a mask, CPUs may demand alignment or not; of
 * pairs that are broadcast and of MOVSXD to 16 bits they differ in how much is
 * to be aligned.
 */
static bool alignment_defined(const struct insn *insn)
{
	return insn->memsize <= 8 && insn->mask == OPND_NONE &&
	       insn->op != OP_VBROADCAST &&
	       (insn->op != OP_MOVSX || insn->memsize != 2);
}

/* Operands that are aimed at the memory; then both run. */
static bool one_round(struct candidate *c)
{
	prepare();
	if (alignment_defined(&c->insn) && !rnd_below(8))
		start.rflags |= RFLAGS_AC;
	if (!aim(c) || !is_defined(&c->insn))
		return true;
	return run_both(c);
}

TEST(exec_like_the_cpu)
{
	unsigned long i, rounds = tap_fuzz_rounds(1000000);
	struct candidate c;

	ASSERT(native_init());
	for (i = 0; i < rounds; i++)
		if (generate(&c))
			one_round(&c);
}

/* From insns.S: a byte with the length before each, and 0 at the end. */
extern const u8 insns_64[];

/* What a CPU of this kind needn't have. */
static bool may_be_missing(const struct insn *insn)
{
	return insn->vex || insn->op >= OP_POPCNT || insn->op == OP_MOVBE ||
	       insn->op == OP_MOV;
}

/* Every instruction, with twenty operands that don't fault, most of them. */
TEST(exec_assembled)
{
	unsigned int i, nr = 0, op;
	const u8 *p;
	struct candidate c;

	ASSERT(native_init());
	for (p = insns_64; *p; p += *p + 1, nr++) {
		memset(c.bytes, 0xcc, sizeof(c.bytes));
		memcpy(c.bytes, p + 1, *p);
		c.disp_at = 0;
		EXPECT_EQ(insn_decode(&c.insn, INSN_MODE_64, c.bytes, 16), DECODE_OK);
		EXPECT_EQ(c.insn.len, *p);
		for (i = 0; i < 20 && can_run(&c.insn); i++) {
			if (one_round(&c))
				continue;
			if (!may_be_missing(&c.insn))
				TAP_FAIL("%s: the CPU doesn't have it",
					 hex(c.bytes, c.insn.len));
			break;
		}
	}
	EXPECT(nr > 500);
	for (op = 0; op < OP_UNKNOWN; op++)
		if (!nr_run[op] && op != OP_INS && op != OP_OUTS)
			printf("# op %u never ran: the CPU lacks it\n", op);
}
