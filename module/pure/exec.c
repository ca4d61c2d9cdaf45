// SPDX-License-Identifier: GPL-2.0
/*
 * The executor's state machine: plan the accesses, read, compute, write,
 * commit. A repeated string instruction goes round once per iteration.
 *
 * Addresses are formed, and checked against segment limits and canonical form,
 * in the plan; SDM, "Logical Address Calculation in IA-32e Mode" and "Limit
 * Checking".
 */
#include "pure/exec.h"

#define RSP	4
#define RSI	6
#define RDI	7
#define RCX	1

enum step {
	STEP_PLAN, STEP_READ, STEP_VECTOR, STEP_COMPUTE, STEP_WRITE,
	STEP_COMMIT, STEP_FINISH,
};

static bool is_string(const struct insn *insn)
{
	return insn->dst == OPND_STR || insn->src == OPND_STR;
}

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

/**
 * exec_segments() - which segments an instruction's execution looks at
 * @insn: the instruction
 *
 * 64-bit mode ignores all but the bases of FS and GS.
 *
 * Return: a bit per enum insn_seg; those of struct exec_cpu must be filled.
 */
u32 exec_segments(const struct insn *insn)
{
	u32 segs = BIT(insn->seg);

	if (insn->mode == INSN_MODE_64)
		return segs & (BIT(INSN_FS) | BIT(INSN_GS));
	if (is_string(insn))
		segs |= BIT(INSN_ES);
	if (insn->op == OP_PUSH || insn->op == OP_POP)
		segs |= BIT(INSN_SS);
	return segs;
}

static bool is_canonical(u64 la, u8 la_bits)
{
	return sign_extend64(la, la_bits - 1) == (s64)la;
}

static bool segment_allows(const struct exec_segment *seg, u64 ea,
			   unsigned int len, bool write, bool protected)
{
	u64 last = ea + len - 1;
	u64 top = seg->ar & EXEC_AR_DB ? 0xffffffff : 0xffff;
	bool code = seg->ar & EXEC_AR_CODE;
	bool writable = seg->ar & EXEC_AR_WRITABLE;

	if (seg->ar & EXEC_AR_UNUSABLE)
		return false;
	/* For a data segment "writable", for code "readable". */
	if (protected && (write ? code || !writable : code && !writable))
		return false;
	if (!code && seg->ar & EXEC_AR_EXPAND_DOWN)
		return ea > seg->limit && last <= top;
	return last <= seg->limit;
}

/**
 * exec_linear() - linear address of a memory operand
 * @cpu: with the segment filled
 * @mode: of the code segment
 * @seg: segment
 * @ea: effective address, already wrapped to the address size
 * @len: bytes that are accessed
 * @write: for writing
 * @la: the linear address
 *
 * Return: false if the access faults, with #SS for the stack segment, else #GP.
 */
bool exec_linear(const struct exec_cpu *cpu, enum insn_mode mode,
		 enum insn_seg seg, u64 ea, unsigned int len, bool write,
		 u64 *la)
{
	const struct exec_segment *s = &cpu->seg[seg];

	if (mode != INSN_MODE_64) {
		*la = (u32)(s->base + ea);
		return segment_allows(s, ea, len, write, cpu->protected);
	}
	*la = ea;
	if (seg == INSN_FS || seg == INSN_GS)
		*la += s->base;
	return is_canonical(*la, cpu->la_bits) &&
	       is_canonical(*la + len - 1, cpu->la_bits);
}

static u64 effective_address(const struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 ea = insn->disp;

	if (insn->base == INSN_REG_RIP)
		ea += cpu->rip + insn->len;
	else if (insn->base == RSP && insn->op == OP_POP)
		/* "... computes the address after it increments the ESP" */
		ea += x->sp;
	else if (insn->base != INSN_NO_REG)
		ea += cpu->gpr[insn->base & 15];
	if (insn->index != INSN_NO_REG)
		ea += cpu->gpr[insn->index & 15] << insn->scale;

	/* A bit string: the register's upper bits choose the word. */
	if (insn->op >= OP_BT && insn->op <= OP_BTC && insn->src == OPND_REG) {
		s64 bit = sign_extend64(cpu->gpr[insn->reg & 15],
					8 * insn->opsize - 1);

		ea += (bit >> 3) & ~(s64)(insn->opsize - 1);
	}
	return ea & exec_mask(insn->adsize);
}

/* One access of the plan. Returns false with x->fault set. */
static bool plan_access(struct exec *x, const struct exec_cpu *cpu,
			struct exec_access *access, enum insn_seg seg, u64 ea,
			bool write)
{
	const struct insn *insn = &x->insn;

	access->len = insn->memsize;
	if (exec_linear(cpu, insn->mode, seg, ea, access->len, write,
			&access->la) &&
	    !(insn->aligned && access->la & (access->len - 1)))
		return true;
	x->fault = seg == INSN_SS ? EXEC_VECTOR_SS : EXEC_VECTOR_GP;
	/* A vector move's alignment is #GP, be it on the stack. */
	if (insn->aligned)
		x->fault = EXEC_VECTOR_GP;
	return false;
}

static bool plan_read(struct exec *x, const struct exec_cpu *cpu,
		      enum insn_seg seg, u64 ea, bool for_write)
{
	struct exec_access *access = &x->reads[x->nr_reads];

	access->for_write = for_write;
	access->data = x->nr_reads++;
	return plan_access(x, cpu, access, seg, ea, for_write);
}

static bool plan_write(struct exec *x, const struct exec_cpu *cpu,
		       enum insn_seg seg, u64 ea)
{
	x->has_write = true;
	x->write.data = 0;
	x->write.for_write = true;
	return plan_access(x, cpu, &x->write, seg, ea, true);
}

/* rSI and rDI, as wide as the address size. */
static u64 string_address(const struct exec *x, const struct exec_cpu *cpu,
			  unsigned int reg)
{
	return cpu->gpr[reg] & exec_mask(x->insn.adsize);
}

static bool plan_string(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 si = string_address(x, cpu, RSI);
	u64 di = string_address(x, cpu, RDI);

	switch (insn->op) {
	case OP_MOVS:
		return plan_read(x, cpu, insn->seg, si, false) &&
		       plan_write(x, cpu, INSN_ES, di);
	case OP_CMPS:
		return plan_read(x, cpu, insn->seg, si, false) &&
		       plan_read(x, cpu, INSN_ES, di, false);
	case OP_LODS:
		return plan_read(x, cpu, insn->seg, si, false);
	case OP_SCAS:
		return plan_read(x, cpu, INSN_ES, di, false);
	default:
		return plan_write(x, cpu, INSN_ES, di);
	}
}

/* Bytes of the stack pointer: 64-bit mode, else the stack segment's B. */
static unsigned int stack_size(const struct exec *x, const struct exec_cpu *cpu)
{
	if (x->insn.mode == INSN_MODE_64)
		return 8;
	return cpu->seg[INSN_SS].ar & EXEC_AR_DB ? 4 : 2;
}

static bool plan_stack(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 mask = exec_mask(stack_size(x, cpu));
	u64 sp = cpu->gpr[RSP] & mask;
	u64 ea;

	if (insn->op == OP_PUSH) {
		x->sp = (sp - insn->opsize) & mask;
		ea = effective_address(x, cpu);
		return plan_read(x, cpu, insn->seg, ea, false) &&
		       plan_write(x, cpu, INSN_SS, x->sp);
	}
	x->sp = (sp + insn->opsize) & mask;
	ea = effective_address(x, cpu);
	return plan_read(x, cpu, INSN_SS, sp, false) &&
	       plan_write(x, cpu, insn->seg, ea);
}

static bool plan_memory(struct exec *x, const struct exec_cpu *cpu, u8 flags)
{
	const struct insn *insn = &x->insn;
	u64 ea = effective_address(x, cpu);
	bool write = flags & EXEC_OP_WRITES_DST;

	if (insn->dst != OPND_MEM)
		return plan_read(x, cpu, insn->seg, ea, false);
	if (flags & EXEC_OP_READS_DST &&
	    !plan_read(x, cpu, insn->seg, ea, write))
		return false;
	return !write || plan_write(x, cpu, insn->seg, ea);
}

static enum exec_result step_plan(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	const struct exec_op *op = exec_op(insn);
	bool possible;

	if (!op)
		return EXEC_UNKNOWN;
	x->pos = 0;
	x->nr_reads = 0;
	x->has_write = false;
	if (is_string(insn)) {
		if (insn->rep &&
		    !(cpu->gpr[RCX] & exec_mask(insn->adsize))) {
			x->rflags = cpu->rflags;
			x->step = STEP_FINISH;
			return EXEC_NEXT;
		}
		possible = plan_string(x, cpu);
	} else if (insn->op == OP_PUSH || insn->op == OP_POP) {
		possible = plan_stack(x, cpu);
	} else {
		possible = plan_memory(x, cpu, op->flags);
	}
	x->step = STEP_READ;
	return possible ? EXEC_NEXT : EXEC_FAULT;
}

static enum exec_result step_read(struct exec *x, struct exec_cpu *cpu)
{
	if (x->pos == x->nr_reads) {
		x->step = STEP_VECTOR;
		return EXEC_NEXT;
	}
	x->access = &x->reads[x->pos++];
	return EXEC_READ;
}

/* The vector register that is stored, or that keeps one half of a load. */
static enum exec_result step_vector(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;

	x->step = STEP_COMPUTE;
	x->vec_len = insn->opsize;
	if (insn->src == OPND_VEC) {
		x->vec_reg = insn->reg;
		return EXEC_GET_VEC;
	}
	if (insn->op == OP_VMOVL || insn->op == OP_VMOVH) {
		x->vec_reg = insn->vex ? insn->vvvv : insn->reg;
		if (insn->mode != INSN_MODE_64)
			x->vec_reg &= 7;
		return EXEC_GET_VEC;
	}
	return EXEC_NEXT;
}

static u64 operand(const struct exec *x, const struct exec_cpu *cpu,
		   enum insn_operand where, unsigned int nr)
{
	const struct insn *insn = &x->insn;

	switch (where) {
	case OPND_REG:
		return exec_get_gpr(cpu, insn, insn->reg, insn->opsize);
	case OPND_MEM: case OPND_STR:
		return exec_load(x->mem[nr], min_t(u8, insn->memsize, 8));
	case OPND_IMM:
		return insn->imm & exec_mask(insn->opsize);
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
	x->dst = insn->third ? insn->imm & exec_mask(insn->opsize) :
			       operand(x, cpu, insn->dst, 0);
	x->src = operand(x, cpu, insn->src, insn->op == OP_CMPS);
	/* What PUSH and POP move isn't an operand on both sides. */
	if (insn->op == OP_PUSH || insn->op == OP_POP)
		x->src = exec_load(x->mem[0], insn->opsize);
	op->compute(x, cpu);

	store |= insn->op == OP_PUSH;
	if (store && x->has_write && insn->src != OPND_VEC &&
	    insn->op != OP_CMPXCHG8B)
		exec_store(x->mem[0], insn->memsize, x->result);
	x->step = STEP_WRITE;
	return EXEC_NEXT;
}

static enum exec_result step_write(struct exec *x, struct exec_cpu *cpu)
{
	x->step = STEP_COMMIT;
	if (!x->has_write)
		return EXEC_NEXT;
	x->access = &x->write;
	return EXEC_WRITE;
}

static void advance_string(struct exec *x, struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 delta = cpu->rflags & EXEC_DF ? -(u64)insn->opsize : insn->opsize;
	bool uses_si = insn->op == OP_MOVS || insn->op == OP_CMPS ||
		       insn->op == OP_LODS;
	bool uses_di = insn->op != OP_LODS;

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

	if (is_string(insn))
		advance_string(x, cpu);
	else if (insn->op == OP_PUSH || insn->op == OP_POP)
		exec_set_gpr(cpu, insn, RSP, stack_size(x, cpu), x->sp);
	if (insn->dst == OPND_REG && op->flags & EXEC_OP_WRITES_DST &&
	    !x->keep_dst)
		exec_set_gpr(cpu, insn, insn->reg, insn->opsize, x->result);
	exec_commit_op(x, cpu);

	x->step = STEP_FINISH;
	if (insn->dst != OPND_VEC)
		return EXEC_NEXT;
	x->vec_reg = insn->reg;
	x->vec_len = insn->vex ? 32 : 16;
	/* VEX.128 clears the upper half, as a shorter VEX move does. */
	if (insn->vex && insn->opsize == 16)
		memset(x->vec + 16, 0, 16);
	return EXEC_SET_VEC;
}

/* A repeated comparison ends early when ZF isn't what REPE or REPNE wants. */
static bool string_goes_on(const struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	bool compares = insn->op == OP_CMPS || insn->op == OP_SCAS;
	bool equal = x->rflags & EXEC_ZF;
	bool while_equal = insn->rep == 0xf3;

	if (!is_string(insn) || !insn->rep)
		return false;
	if (compares && equal != while_equal)
		return false;
	return cpu->gpr[RCX] & exec_mask(insn->adsize);
}

static enum exec_result step_finish(struct exec *x, struct exec_cpu *cpu)
{
	x->step = STEP_PLAN;
	if (string_goes_on(x, cpu)) {
		cpu->rflags = x->rflags;
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
	x->step = STEP_PLAN;
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
