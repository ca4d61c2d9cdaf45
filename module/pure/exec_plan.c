// SPDX-License-Identifier: GPL-2.0
/*
 * Which memory an instruction accesses: addresses are formed, and checked
 * against segment limits and rights, canonical form and alignment, before the
 * first access. SDM, "Logical Address Calculation in IA-32e Mode" and "Limit
 * Checking".
 */
#include "pure/exec.h"

#define RAX	0
#define RCX	1
#define RSP	4
#define RSI	6
#define RDI	7

/**
 * exec_segments() - which segments an instruction's execution looks at
 * @insn: the instruction
 *
 * 64-bit mode ignores all but the bases of FS and GS, unless a selector is
 * what is stored.
 *
 * Return: a bit per enum insn_seg; those of struct exec_cpu must be filled.
 */
u32 exec_segments(const struct insn *insn)
{
	u32 segs = BIT(insn->seg);

	if (insn->mode == INSN_MODE_64)
		segs &= BIT(INSN_FS) | BIT(INSN_GS);
	if (insn->src == OPND_SEG)
		segs |= BIT(insn->reg);
	if (insn->mode == INSN_MODE_64)
		return segs;
	if (exec_is_string(insn))
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
	if (insn->op == OP_XLAT)
		ea += cpu->gpr[RAX] & 0xff;
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

/*
 * "Alignment Check Exception (#AC)"; of what is longer than eight bytes CPUs
 * demand none, unless the instruction does.
 */
static bool is_aligned(struct exec *x, const struct exec_cpu *cpu, u64 la)
{
	u8 len = x->insn.memsize;

	if (x->insn.aligned && la & (len - 1)) {
		/* #GP, be it on the stack. */
		x->fault = EXEC_VECTOR_GP;
		return false;
	}
	x->fault = EXEC_VECTOR_AC;
	return !cpu->align_check || len > 8 || !(la & (len - 1));
}

/*
 * One access of the plan, @offset bytes into the operand. @ea is wrapped already,
 * for it is the stack pointer's size that counts for the stack, not the address
 * size. Returns false with x->fault set.
 */
static bool plan_access(struct exec *x, const struct exec_cpu *cpu,
			struct exec_access *access, enum insn_seg seg, u64 ea,
			u8 offset)
{
	const struct insn *insn = &x->insn;

	if (!exec_linear(cpu, insn->mode, seg, ea, access->len,
			 access->for_write, &access->la) && !x->unchecked) {
		x->fault = seg == INSN_SS ? EXEC_VECTOR_SS : EXEC_VECTOR_GP;
		return false;
	}
	return x->unchecked || is_aligned(x, cpu, access->la - offset);
}

static bool plan_read(struct exec *x, const struct exec_cpu *cpu,
		      enum insn_seg seg, u64 ea, bool for_write)
{
	struct exec_access *access = &x->reads[x->nr_reads];

	*access = (struct exec_access){
		.len = x->insn.memsize,
		.for_write = for_write,
		.data = x->nr_reads++ * EXEC_MAX_LEN,
	};
	return plan_access(x, cpu, access, seg, ea, 0);
}

static bool plan_write(struct exec *x, const struct exec_cpu *cpu,
		       enum insn_seg seg, u64 ea)
{
	x->has_write = true;
	x->write = (struct exec_access){
		.len = x->insn.memsize, .write = true, .for_write = true,
	};
	return plan_access(x, cpu, &x->write, seg, ea, 0);
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
	case OP_LODS: case OP_OUTS:
		return plan_read(x, cpu, insn->seg, si, false);
	case OP_SCAS:
		return plan_read(x, cpu, INSN_ES, di, false);
	default:
		return plan_write(x, cpu, INSN_ES, di);
	}
}

/* Bytes of the stack pointer: 64-bit mode, else the stack segment's B. */
unsigned int exec_stack_size(const struct exec *x, const struct exec_cpu *cpu)
{
	if (x->insn.mode == INSN_MODE_64)
		return 8;
	return cpu->seg[INSN_SS].ar & EXEC_AR_DB ? 4 : 2;
}

static bool plan_stack(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 mask = exec_mask(exec_stack_size(x, cpu));
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

/* From the first to the last element that the mask chooses, if any. */
static bool plan_masked(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	bool write = insn->dst == OPND_MEM;
	struct exec_access *access = write ? &x->write : &x->reads[0];
	u64 ea = effective_address(x, cpu);
	u8 first, last;

	first = __ffs(x->mask);
	last = __fls(x->mask);
	*access = (struct exec_access){
		.len = (last - first + 1) * insn->elsize,
		.write = write,
		.for_write = write,
		.data = first * insn->elsize,
	};
	x->has_write = write;
	x->nr_reads = !write;
	ea = (ea + access->data) & exec_mask(insn->adsize);
	return plan_access(x, cpu, access, insn->seg, ea, access->data);
}

static bool plan_memory(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;
	u64 ea = effective_address(x, cpu);
	u8 flags = exec_op(insn)->flags;
	bool write = flags & EXEC_OP_WRITES_DST;

	if (insn->dst != OPND_MEM)
		return plan_read(x, cpu, insn->seg, ea, false);
	if (flags & EXEC_OP_READS_DST &&
	    !plan_read(x, cpu, insn->seg, ea, write))
		return false;
	return !write || plan_write(x, cpu, insn->seg, ea);
}

/* Does @access have the byte at @la? Addresses wrap as the CPU's. */
static bool covers(const struct exec *x, const struct exec_access *access,
		   u64 la)
{
	u64 offset = la - access->la;

	if (x->insn.mode != INSN_MODE_64)
		offset = (u32)offset;
	return offset < access->len;
}

/*
 * Plan all of the instruction's accesses, be they allowed or not. A masked one
 * counts as whole: CPUs differ in what they touch of it. A hint counts as a
 * read.
 */
static void plan_all(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;

	if (exec_is_string(insn)) {
		plan_string(x, cpu);
	} else if (insn->op == OP_PUSH || insn->op == OP_POP) {
		plan_stack(x, cpu);
	} else {
		plan_memory(x, cpu);
		if (!x->nr_reads && !x->has_write)
			plan_read(x, cpu, insn->seg,
				  effective_address(x, cpu), false);
	}
}

/**
 * exec_touches() - can an instruction be behind an access that was seen?
 * @insn: the instruction
 * @cpu: registers
 * @la: linear address of any byte of the access
 * @write: it was a write
 *
 * Whether the access is allowed doesn't matter.
 *
 * Return: false: the instruction does not access this address in this way.
 */
bool exec_touches(const struct insn *insn, const struct exec_cpu *cpu, u64 la,
		  bool write)
{
	struct exec x = { .insn = *insn, .unchecked = true };
	u8 i;

	if (!exec_op(insn) || (exec_is_string(insn) && insn->rep &&
			       !(cpu->gpr[RCX] & exec_mask(insn->adsize))))
		return false;
	plan_all(&x, cpu);
	if (x.has_write && write && covers(&x, &x.write, la))
		return true;
	for (i = 0; i < x.nr_reads; i++)
		if (x.reads[i].for_write >= write && covers(&x, &x.reads[i], la))
			return true;
	return false;
}

/**
 * exec_plan() - find out which memory is read and written
 * @x: an instruction that has a row in exec_ops.c; gets its accesses
 * @cpu: registers
 *
 * Return: false: x->fault is to be raised.
 */
bool exec_plan(struct exec *x, const struct exec_cpu *cpu)
{
	const struct insn *insn = &x->insn;

	if (exec_is_string(insn))
		return plan_string(x, cpu);
	if (insn->op == OP_PUSH || insn->op == OP_POP)
		return plan_stack(x, cpu);
	/* Nothing is accessed for nothing. */
	if (!x->mask)
		return true;
	if (exec_is_masked(insn))
		return plan_masked(x, cpu);
	return plan_memory(x, cpu);
}
