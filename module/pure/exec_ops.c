// SPDX-License-Identifier: GPL-2.0
/*
 * What each operation does with its operands: a table, a function a row.
 *
 * A function finds the destination's old value in x->dst (if its row says that
 * it reads it), the source in x->src and the flags in x->rflags, and leaves the
 * result in x->result. Where the operands are, and whether they can be reached,
 * is no concern of its.
 */
#include "pure/exec.h"

#define RAX	0
#define RCX	1
#define RDX	2
#define RBX	3

static void op_arith(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_arith(x->insn.op, x->dst, x->src, x->insn.opsize,
			       &x->rflags);
}

static void op_shift(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_shift(x->insn.op, x->dst, x->src, x->insn.opsize,
			       &x->rflags);
}

static void op_move(struct exec *x, struct exec_cpu *cpu)
{
	x->result = x->src;
}

static void op_extend(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_extend(&x->insn, x->src);
}

static void op_swap_bytes(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int i, size = x->insn.opsize;
	u64 r = 0;

	for (i = 0; i < size; i++)
		r = r << 8 | (x->src >> (8 * i) & 0xff);
	x->result = r;
}

static void op_not(struct exec *x, struct exec_cpu *cpu)
{
	x->result = ~x->dst;
}

static void op_xadd(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_arith(OP_ADD, x->dst, x->src, x->insn.opsize,
			       &x->rflags);
}

/* The write takes place either way; a device sees its own value come back. */
static void op_cmpxchg(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 acc = exec_get_gpr(cpu, &x->insn, RAX, size);

	exec_arith(OP_CMP, acc, x->dst, size, &x->rflags);
	x->result = x->rflags & EXEC_ZF ? x->src : x->dst;
}

/* CMPXCHG8B and CMPXCHG16B: EDX:EAX against memory, ECX:EBX to go there. */
static void op_cmpxchg_pair(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 low = exec_load(x->mem, size);
	u64 high = exec_load(x->mem + size, size);

	x->rflags &= ~(u64)EXEC_ZF;
	if (low != (cpu->gpr[RAX] & exec_mask(size)) ||
	    high != (cpu->gpr[RDX] & exec_mask(size)))
		return;
	x->rflags |= EXEC_ZF;
	exec_store(x->mem, size, cpu->gpr[RBX]);
	exec_store(x->mem + size, size, cpu->gpr[RCX]);
}

static void op_bit(struct exec *x, struct exec_cpu *cpu)
{
	u64 bit = 1ULL << (x->src & (8 * x->insn.opsize - 1));

	x->rflags &= ~(u64)EXEC_CF;
	if (x->dst & bit)
		x->rflags |= EXEC_CF;
	x->result = x->dst;
	if (x->insn.op == OP_BTS)
		x->result |= bit;
	else if (x->insn.op == OP_BTR)
		x->result &= ~bit;
	else if (x->insn.op == OP_BTC)
		x->result ^= bit;
}

/* With a source of zero CPUs leave all 64 bits of the destination alone. */
static void op_bit_scan(struct exec *x, struct exec_cpu *cpu)
{
	x->keep_dst = !x->src;
	x->rflags |= EXEC_ZF;
	if (!x->src)
		return;
	x->rflags &= ~(u64)EXEC_ZF;
	x->result = x->insn.op == OP_BSF ? __ffs(x->src) : __fls(x->src);
}

static void op_bit_count(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int bits = 8 * x->insn.opsize;

	x->rflags &= ~(u64)(EXEC_CF | EXEC_ZF);
	if (!x->src) {
		x->rflags |= EXEC_CF;
		x->result = bits;
	} else if (x->insn.op == OP_TZCNT) {
		x->result = __ffs(x->src);
	} else {
		x->result = bits - 1 - __fls(x->src);
	}
	if (!x->result)
		x->rflags |= EXEC_ZF;
}

static void op_imul(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 a = x->insn.third ? x->insn.imm & exec_mask(size) : x->dst;

	x->result = exec_multiply(a, x->src, size, true, &x->high, &x->rflags);
}

static void op_multiply_wide(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 acc = cpu->gpr[RAX] & exec_mask(size);

	x->result = exec_multiply(acc, x->src, size,
				  x->insn.op == OP_IMUL_WIDE, &x->high,
				  &x->rflags);
}

static void op_multiply_flagless(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 ignored = 0;

	/* The upper half goes where others have their result. */
	x->high = exec_multiply(cpu->gpr[RDX] & exec_mask(size), x->src, size,
				false, &x->result, &ignored);
}

/* The dividend is rDX:rAX, or AX. */
static void op_divide(struct exec *x, struct exec_cpu *cpu)
{
	unsigned int size = x->insn.opsize;
	u64 low = cpu->gpr[RAX], high = cpu->gpr[RDX];

	if (size == 1)
		high = low >> 8;
	x->fault = EXEC_VECTOR_DE;
	x->faulted = !exec_divide(high & exec_mask(size), low & exec_mask(size),
				  x->src, size, x->insn.op == OP_IDIV,
				  &x->result, &x->high);
}

static void op_shift_double(struct exec *x, struct exec_cpu *cpu)
{
	u8 count = x->insn.third ? x->insn.imm : cpu->gpr[RCX];

	x->result = exec_shift_double(x->insn.op, x->dst, x->src, count,
				      x->insn.opsize, &x->rflags);
}

/* The second source is in vvvv; of RORX it is the immediate. */
static void op_bmi(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 other = insn->imm;

	if (insn->op != OP_RORX)
		other = exec_get_gpr(cpu, insn, insn->vvvv, insn->opsize);
	x->result = exec_bmi(insn->op, x->src, other, insn->opsize, &x->rflags);
}

static void op_crc32(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_crc32(x->dst, x->src, x->insn.memsize);
}

/* Additions with a carry that is CF or OF alone. */
static void op_add_carry(struct exec *x, struct exec_cpu *cpu)
{
	u64 which = x->insn.op == OP_ADCX ? EXEC_CF : EXEC_OF;
	u64 flags = x->rflags & which ? EXEC_CF : 0;

	x->result = exec_arith(OP_ADC, x->dst, x->src, x->insn.opsize, &flags);
	x->rflags &= ~which;
	if (flags & EXEC_CF)
		x->rflags |= which;
}

static void op_popcnt(struct exec *x, struct exec_cpu *cpu)
{
	x->result = hweight64(x->src);
	x->rflags &= ~(u64)EXEC_ARITH;
	if (!x->result)
		x->rflags |= EXEC_ZF;
}

static void op_ins(struct exec *x, struct exec_cpu *cpu)
{
	x->result = x->port;
}

static void op_outs(struct exec *x, struct exec_cpu *cpu)
{
	x->port = x->src;
}

static void op_setcc(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_condition(x->insn.cond, x->rflags);
}

/* A condition that isn't met still writes, and clears bits 63:32. */
static void op_cmov(struct exec *x, struct exec_cpu *cpu)
{
	x->result = exec_condition(x->insn.cond, x->rflags) ? x->src : x->dst;
}

static void op_compare(struct exec *x, struct exec_cpu *cpu)
{
	exec_arith(OP_CMP, x->dst, x->src, x->insn.opsize, &x->rflags);
}

static void op_vec(struct exec *x, struct exec_cpu *cpu)
{
	if (x->insn.dst == OPND_MEM)
		exec_vec_store(x);
	else
		exec_vec_load(x);
}

static void op_nothing(struct exec *x, struct exec_cpu *cpu)
{
}

#define R	EXEC_OP_READS_DST
#define W	EXEC_OP_WRITES_DST

static const struct exec_op ops[NR_OPS] = {
	[OP_ADD ... OP_XOR] = { op_arith, R | W },
	[OP_CMP] = { op_arith, R },
	[OP_ROL ... OP_SAR] = { op_shift, R | W },
	[OP_BT] = { op_bit, R },
	[OP_BTS ... OP_BTC] = { op_bit, R | W },
	[OP_MOV] = { op_move, W },
	[OP_MOVSX] = { op_extend, W },
	[OP_MOVBE] = { op_swap_bytes, W },
	[OP_XLAT] = { op_move, W },
	[OP_TEST] = { op_arith, R },
	[OP_XCHG] = { op_move, R | W },
	[OP_XADD] = { op_xadd, R | W },
	[OP_CMPXCHG] = { op_cmpxchg, R | W },
	[OP_CMPXCHG8B] = { op_cmpxchg_pair, R | W },
	[OP_INC ... OP_DEC] = { op_arith, R | W },
	[OP_NOT] = { op_not, R | W },
	[OP_NEG] = { op_arith, R | W },
	[OP_SHLD ... OP_SHRD] = { op_shift_double, R | W },
	[OP_MUL] = { op_multiply_wide, 0 },
	[OP_IMUL] = { op_imul, R | W },
	[OP_IMUL_WIDE] = { op_multiply_wide, 0 },
	[OP_DIV ... OP_IDIV] = { op_divide, 0 },
	[OP_BSF ... OP_BSR] = { op_bit_scan, W },
	[OP_TZCNT ... OP_LZCNT] = { op_bit_count, W },
	[OP_POPCNT] = { op_popcnt, W },
	[OP_CRC32] = { op_crc32, R | W },
	[OP_ADCX ... OP_ADOX] = { op_add_carry, R | W },
	[OP_ANDN ... OP_PEXT] = { op_bmi, W },
	[OP_MULX] = { op_multiply_flagless, W },
	[OP_SARX ... OP_RORX] = { op_bmi, W },
	[OP_SETCC] = { op_setcc, W },
	[OP_CMOV] = { op_cmov, R | W },
	[OP_PUSH ... OP_POP] = { op_move, W },
	[OP_FLUSH ... OP_PREFETCH] = { op_nothing, 0 },
	[OP_MOVS] = { op_move, W },
	[OP_CMPS] = { op_compare, R },
	[OP_STOS ... OP_LODS] = { op_move, W },
	[OP_SCAS] = { op_compare, R },
	[OP_INS] = { op_ins, W },
	[OP_OUTS] = { op_outs, 0 },
	[OP_VMOV ... OP_VDUP_ODD] = { op_vec, W },
};

/* NULL: not one that can be executed. */
const struct exec_op *exec_op(const struct insn *insn)
{
	if (insn->op >= NR_OPS || !ops[insn->op].compute)
		return NULL;
	return &ops[insn->op];
}

/* Into rDX:rAX; of bytes, both halves are in AX. */
static void commit_pair(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	unsigned int size = insn->opsize;

	if (size == 1) {
		exec_set_gpr(cpu, insn, RAX, 2,
			     (x->result & 0xff) | (x->high & 0xff) << 8);
		return;
	}
	exec_set_gpr(cpu, insn, RAX, size, x->result);
	exec_set_gpr(cpu, insn, RDX, size, x->high);
}

void exec_commit_op(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	unsigned int size = insn->opsize;

	switch (insn->op) {
	case OP_MUL: case OP_IMUL_WIDE: case OP_DIV: case OP_IDIV:
		commit_pair(x, cpu);
		break;
	case OP_MULX:
		if (insn->vvvv != insn->reg)
			exec_set_gpr(cpu, insn, insn->vvvv, size, x->high);
		break;
	case OP_XCHG: case OP_XADD:
		exec_set_gpr(cpu, insn, insn->reg, size, x->dst);
		break;
	case OP_CMPXCHG:
		if (!(x->rflags & EXEC_ZF))
			exec_set_gpr(cpu, insn, RAX, size, x->dst);
		break;
	case OP_CMPXCHG8B:
		if (x->rflags & EXEC_ZF)
			break;
		exec_set_gpr(cpu, insn, RAX, size, exec_load(x->mem, size));
		exec_set_gpr(cpu, insn, RDX, size,
			     exec_load(x->mem + size, size));
		break;
	default:
		break;
	}
}
