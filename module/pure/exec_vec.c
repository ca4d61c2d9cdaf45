// SPDX-License-Identifier: GPL-2.0
/*
 * Moves between memory and vector registers: MMX, SSE, AVX and AVX-512, with
 * and without a mask. Registers are arrays of bytes here; what of an operand
 * isn't moved comes out as the CPU leaves it.
 */
#include "pure/exec.h"

/* Elements that a mask has bits for. */
static unsigned int nr_elements(const struct insn *insn)
{
	u8 size = insn->op == OP_VMOV ? insn->memsize : insn->opsize;

	return size / insn->elsize;
}

/**
 * exec_state() - what must be switched on before an instruction can execute
 * @insn: the instruction
 *
 * SDM volume 2, "Exceptions Summary" of the SSE, AVX and AVX-512 instructions.
 *
 * Return: a bit per enum exec_state.
 */
u32 exec_state(const struct insn *insn)
{
	if (insn->op == OP_INS || insn->op == OP_OUTS)
		return EXEC_STATE_PORT;
	if (insn->dst == OPND_MMX || insn->src == OPND_MMX)
		return EXEC_STATE_MMX;
	if (insn->dst != OPND_VEC && insn->src != OPND_VEC)
		return insn->vex ? EXEC_STATE_VEX : 0;
	if (insn->evex)
		return EXEC_STATE_VEX | EXEC_STATE_AVX512;
	return insn->vex ? EXEC_STATE_VEX | EXEC_STATE_AVX :
			   EXEC_STATE_MMX | EXEC_STATE_SSE;
}

/**
 * exec_vec_mask() - which elements take part
 * @x: under a mask, x->vec has the register that it is in
 *
 * An opmask register has a bit an element, other masks are the signs of a
 * register's elements.
 */
void exec_vec_mask(struct exec *x)
{
	const struct insn *insn = &x->insn;
	unsigned int i, nr;

	x->mask = ~0ULL;
	if (insn->mask == OPND_NONE)
		return;
	nr = nr_elements(insn);
	if (insn->mask == OPND_MASK) {
		x->mask = exec_load(x->vec, 8);
		if (nr < 64)
			x->mask &= (1ULL << nr) - 1;
		return;
	}
	x->mask = 0;
	for (i = 0; i < nr; i++)
		if (x->vec[(i + 1) * insn->elsize - 1] & 0x80)
			x->mask |= 1ULL << i;
}

/**
 * exec_vec_operand() - the register that is stored, or partly kept by a load
 * @x: x->vec_file, vec_reg and vec_len say which it is
 *
 * Return: false: there is none.
 */
bool exec_vec_operand(struct exec *x)
{
	const struct insn *insn = &x->insn;

	memset(x->vec, 0, sizeof(x->vec));
	x->vec_file = insn->src;
	x->vec_reg = insn->reg;
	x->vec_len = insn->opsize;
	if (insn->src == OPND_VEC || insn->src == OPND_MMX)
		return true;
	x->vec_file = insn->dst;
	switch (insn->op) {
	case OP_VMOVL: case OP_VMOVH: case OP_VINSERT: case OP_VINSERTPS:
		x->vec_reg = insn->vvvv;
		return true;
	default:
		return insn->mask != OPND_NONE && !insn->zeroing &&
		       insn->dst == OPND_VEC;
	}
}

/* Where in the register the piece is that memory has. */
static unsigned int piece_offset(const struct insn *insn)
{
	switch (insn->op) {
	case OP_VMOVH:
		return 8;
	case OP_VINSERT: case OP_VEXTRACT:
		return (insn->imm & (insn->opsize / insn->memsize - 1)) *
		       insn->memsize;
	case OP_VINSERTPS:
		return (insn->imm >> 4 & 3) * 4;
	default:
		return 0;
	}
}

void exec_vec_store(struct exec *x)
{
	memcpy(x->mem, x->vec + piece_offset(&x->insn), x->insn.memsize);
}

/* Memory to @r, all of the register's elements of it. */
static void spread(const struct exec *x, u8 *r)
{
	const struct insn *insn = &x->insn;
	unsigned int i, from, size = insn->elsize;

	switch (insn->op) {
	case OP_VBROADCAST:
		for (i = 0; i < insn->opsize; i++)
			r[i] = x->mem[i % insn->memsize];
		break;
	case OP_VDUP_EVEN: case OP_VDUP_ODD:
		for (i = 0; i < insn->opsize; i += size) {
			from = i & ~size;
			if (insn->op == OP_VDUP_ODD)
				from = i | size;
			memcpy(r + i, x->mem + from, size);
		}
		break;
	default:
		memcpy(r, x->mem, insn->memsize);
		break;
	}
}

/* Elements outside the mask: zero, or as they were. */
static void apply_mask(const struct exec *x, u8 *r)
{
	const struct insn *insn = &x->insn;
	unsigned int i, at, size = insn->elsize;

	for (i = 0; i < nr_elements(insn); i++) {
		at = i * size;
		if (x->mask >> i & 1)
			continue;
		if (insn->zeroing)
			memset(r + at, 0, size);
		else
			memcpy(r + at, x->vec + at, size);
	}
}

void exec_vec_load(struct exec *x)
{
	const struct insn *insn = &x->insn;
	u8 r[EXEC_MAX_LEN] = {};
	unsigned int i;

	if (insn->op >= OP_VMOVL && insn->op <= OP_VINSERTPS) {
		memcpy(x->vec + piece_offset(insn), x->mem, insn->memsize);
		/* INSERTPS clears elements, too. */
		for (i = 0; insn->op == OP_VINSERTPS && i < 4; i++)
			if (insn->imm >> i & 1)
				memset(x->vec + 4 * i, 0, 4);
		return;
	}
	spread(x, r);
	if (insn->mask != OPND_NONE)
		apply_mask(x, r);
	memcpy(x->vec, r, sizeof(r));
}

/* What is written back: the whole register, but of SSE's the low 16 bytes. */
void exec_vec_result(struct exec *x)
{
	const struct insn *insn = &x->insn;

	x->vec_file = insn->dst;
	x->vec_reg = insn->reg;
	if (insn->dst == OPND_MMX)
		x->vec_len = 8;
	else if (insn->evex)
		x->vec_len = 64;
	else
		x->vec_len = insn->vex ? 32 : 16;
}
