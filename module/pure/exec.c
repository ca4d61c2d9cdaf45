// SPDX-License-Identifier: GPL-2.0
/*
 * The executor's state machine: plan the accesses, read, compute, write,
 * commit. A repeated string instruction goes round once per iteration.
 *
 * An instruction under a mask begins by getting the mask, and goes round a read
 * or a write once per element.
 */
#include "pure/exec.h"

#define RSP	4
#define RSI	6
#define RDI	7
#define RCX	1

enum step {
	STEP_MASK, STEP_PLAN, STEP_READ, STEP_VECTOR, STEP_COMPUTE,
	STEP_WRITE, STEP_COMMIT, STEP_FINISH,
};

/* AH, CH, DH and BH: without REX, byte registers 4 to 7. */
static bool is_high_byte(const struct insn *insn, unsigned int reg,
			 unsigned int size)
{
	return size == 1 && !insn->rex && reg >= 4 && reg < 8;
}

u64 exec_get_gpr(const struct exec_cpu *cpu, const struct insn *insn,
		 unsigned int reg, unsigned int size)
{
	if (is_high_byte(insn, reg, size))
		return cpu->gpr[reg & 3] >> 8 & 0xff;
	return cpu->gpr[reg & 15] & exec_mask(size);
}

/* 32-bit writes clear bits 63:32, smaller ones keep the rest. */
void exec_set_gpr(struct exec_cpu *cpu, const struct insn *insn,
		  unsigned int reg, unsigned int size, u64 value)
{
	u64 mask = size == 4 ? ~0ULL : exec_mask(size);
	u64 *gpr;

	value &= exec_mask(size);
	if (is_high_byte(insn, reg, size)) {
		gpr = &cpu->gpr[reg & 3];
		mask <<= 8;
		value <<= 8;
	} else {
		gpr = &cpu->gpr[reg & 15];
	}
	*gpr = (*gpr & ~mask) | value;
}

/* Sign-extends a memory operand to the operation's size (MOVSX). */
u64 exec_extend(const struct insn *insn, u64 value)
{
	return sign_extend64(value, 8 * insn->memsize - 1);
}

static enum exec_result step_mask(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;

	x->step = STEP_PLAN;
	if (insn->mask == OPND_NONE)
		return EXEC_NEXT;
	x->vec_file = insn->mask;
	x->vec_reg = insn->mask_reg;
	x->vec_len = insn->mask == OPND_MASK ? 8 : insn->opsize;
	return EXEC_GET_VEC;
}

static enum exec_result step_plan(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;

	if (!exec_op(insn))
		return EXEC_UNKNOWN;
	exec_vec_mask(x);
	x->pos = 0;
	x->nr_reads = 0;
	x->has_write = false;
	if (exec_is_string(insn) && insn->rep &&
	    !(cpu->gpr[RCX] & exec_mask(insn->adsize))) {
		x->rflags = cpu->rflags;
		x->step = STEP_FINISH;
		return EXEC_NEXT;
	}
	x->step = STEP_READ;
	return exec_plan(x, cpu) ? EXEC_NEXT : EXEC_FAULT;
}

/* The next element of @whole that the mask chooses. Returns false at the end. */
static bool next_element(struct exec *x, const struct exec_access *whole)
{
	u8 size = x->insn.elsize;
	u64 left = 0;

	if (x->pos < 64)
		left = x->mask >> x->pos << x->pos;
	if (!left)
		return false;
	x->pos = __ffs(left) + 1;
	x->piece = *whole;
	x->piece.len = size;
	x->piece.data = (x->pos - 1) * size;
	x->piece.la += x->piece.data - whole->data;
	x->access = &x->piece;
	return true;
}

static enum exec_result step_read(struct exec *x, struct exec_cpu *cpu)
{
	if (x->nr_reads && exec_is_masked(&x->insn)) {
		if (next_element(x, &x->reads[0]))
			return EXEC_READ;
	} else if (x->pos < x->nr_reads) {
		x->access = &x->reads[x->pos++];
		return EXEC_READ;
	}
	x->step = STEP_VECTOR;
	return EXEC_NEXT;
}

static enum exec_result step_vector(struct exec *x, struct exec_cpu *cpu)
{
	x->step = STEP_COMPUTE;
	return exec_vec_operand(x) ? EXEC_GET_VEC : EXEC_NEXT;
}

static u64 operand(const struct exec *x, const struct exec_cpu *cpu,
		   enum insn_operand where, unsigned int nr)
{
	const struct insn *insn = &x->insn;

	switch (where) {
	case OPND_REG:
		return exec_get_gpr(cpu, insn, insn->reg, insn->opsize);
	case OPND_MEM: case OPND_STR:
		return exec_load(x->mem + nr * EXEC_MAX_LEN,
				 min_t(u8, insn->memsize, 8));
	case OPND_IMM:
		return insn->imm & exec_mask(insn->opsize);
	case OPND_SEG:
		return cpu->seg[insn->reg].selector;
	case OPND_CL:
		return cpu->gpr[RCX] & 0xff;
	default:
		return 0;
	}
}

static enum exec_result step_compute(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	const struct exec_op *op = exec_op(insn);
	bool store = insn->dst == OPND_MEM || insn->dst == OPND_STR;

	x->rflags = cpu->rflags;
	x->keep_dst = false;
	x->faulted = false;
	x->dst = operand(x, cpu, insn->dst, 0);
	x->src = operand(x, cpu, insn->src, insn->op == OP_CMPS);
	/* What PUSH and POP move isn't an operand on both sides. */
	if (insn->op == OP_PUSH || insn->op == OP_POP)
		x->src = exec_load(x->mem, insn->opsize);
	op->compute(x, cpu);
	if (x->faulted)
		return EXEC_FAULT;

	store |= insn->op == OP_PUSH;
	if (store && x->has_write && insn->src != OPND_VEC &&
	    insn->src != OPND_MMX && insn->op != OP_CMPXCHG8B)
		exec_store(x->mem, insn->memsize, x->result);
	x->pos = 0;
	x->step = STEP_WRITE;
	return EXEC_NEXT;
}

static enum exec_result step_write(struct exec *x, struct exec_cpu *cpu)
{
	if (x->has_write && exec_is_masked(&x->insn)) {
		if (next_element(x, &x->write))
			return EXEC_WRITE;
	} else if (x->has_write && !x->pos++) {
		x->access = &x->write;
		return EXEC_WRITE;
	}
	x->step = STEP_COMMIT;
	return EXEC_NEXT;
}

static void advance_string(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 delta = cpu->rflags & EXEC_DF ? -(u64)insn->opsize : insn->opsize;
	bool uses_si = insn->op == OP_MOVS || insn->op == OP_CMPS ||
		       insn->op == OP_LODS || insn->op == OP_OUTS;
	bool uses_di = insn->op != OP_LODS && insn->op != OP_OUTS;

	if (uses_si)
		exec_set_gpr(cpu, insn, RSI, insn->adsize,
			     cpu->gpr[RSI] + delta);
	if (uses_di)
		exec_set_gpr(cpu, insn, RDI, insn->adsize,
			     cpu->gpr[RDI] + delta);
	if (insn->rep)
		exec_set_gpr(cpu, insn, RCX, insn->adsize,
			     cpu->gpr[RCX] - 1);
}

static enum exec_result step_commit(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	const struct exec_op *op = exec_op(insn);

	if (exec_is_string(insn))
		advance_string(x, cpu);
	else if (insn->op == OP_PUSH || insn->op == OP_POP)
		exec_set_gpr(cpu, insn, RSP, exec_stack_size(x, cpu), x->sp);
	if (insn->dst == OPND_REG && op->flags & EXEC_OP_WRITES_DST &&
	    !x->keep_dst)
		exec_set_gpr(cpu, insn, insn->reg, insn->opsize, x->result);
	exec_commit_op(x, cpu);

	x->step = STEP_FINISH;
	if (insn->dst != OPND_VEC && insn->dst != OPND_MMX)
		return EXEC_NEXT;
	exec_vec_result(x);
	return EXEC_SET_VEC;
}

/* A repeated comparison ends early when ZF isn't what REPE or REPNE wants. */
static bool string_goes_on(const struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	bool compares = insn->op == OP_CMPS || insn->op == OP_SCAS;
	bool equal = x->rflags & EXEC_ZF;
	bool while_equal = insn->rep == 0xf3;

	if (!exec_is_string(insn) || !insn->rep)
		return false;
	if (compares && equal != while_equal)
		return false;
	return cpu->gpr[RCX] & exec_mask(insn->adsize);
}

static enum exec_result step_finish(struct exec *x, struct exec_cpu *cpu)
{
	x->step = STEP_PLAN;
	if (string_goes_on(x, cpu)) {
		/* A breakpoint here was met before the first iteration. */
		cpu->rflags = x->rflags | EXEC_RF;
		return EXEC_AGAIN;
	}
	cpu->rflags = x->rflags & ~(u64)EXEC_RF;
	cpu->rip += x->insn.len;
	if (x->insn.mode != INSN_MODE_64)
		cpu->rip = (u32)cpu->rip;
	return EXEC_DONE;
}

/**
 * exec_start() - take up an instruction
 * @x: the execution's state
 * @insn: what to execute; copied
 */
void exec_start(struct exec *x, const struct insn *insn)
{
	x->insn = *insn;
	x->step = STEP_MASK;
	x->unchecked = false;
	x->access = NULL;
}

/**
 * exec_run() - go on with an instruction
 * @x: from exec_start()
 * @cpu: registers, which may have been changed since the last call; addresses
 *	 are those of the first
 *
 * Return: what the caller does now.
 */
enum exec_result exec_run(struct exec *x, struct exec_cpu *cpu)
{
	static enum exec_result (* const steps[])(struct exec *x,
						  struct exec_cpu *cpu) = {
		[STEP_MASK] = step_mask,
		[STEP_PLAN] = step_plan,
		[STEP_READ] = step_read,
		[STEP_VECTOR] = step_vector,
		[STEP_COMPUTE] = step_compute,
		[STEP_WRITE] = step_write,
		[STEP_COMMIT] = step_commit,
		[STEP_FINISH] = step_finish,
	};
	enum exec_result result;

	do {
		result = steps[x->step](x, cpu);
	} while (result == EXEC_NEXT);
	return result;
}
