/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Executes a decoded instruction on registers that the caller holds.
 *
 * The executor never touches memory. It says what it wants read or written at
 * which linear address, the caller does that, in its own time, and calls again.
 * So an access that user space must serve suspends the instruction for as long
 * as it takes, and nothing is executed twice. Registers change only in the last
 * step, when nothing can fail any more; a fault leaves the instruction undone.
 *
 *	exec_start(x, &insn);
 *	do {
 *		r = exec_run(x, cpu);
 *		if (r == EXEC_READ)
 *			read x->access->len bytes at x->access->la
 *			into x->access->data;
 *		...
 *	} while (r is none of the last);
 *
 * What the CPU checks before it touches memory (is SSE enabled, privilege) is
 * not checked again: it has come as far as the access that made it exit.
 */
#ifndef LVX_PURE_EXEC_H
#define LVX_PURE_EXEC_H

#include "pure/decode.h"

#define EXEC_MAX_LEN	32	/* bytes of an access: a YMM register */

/* Access rights of a segment as in the VMCS, "Guest Register State". */
#define EXEC_AR_CODE		BIT(3)
#define EXEC_AR_WRITABLE	BIT(1)	/* data; of code: readable */
#define EXEC_AR_EXPAND_DOWN	BIT(2)	/* data */
#define EXEC_AR_DB		BIT(14)
#define EXEC_AR_UNUSABLE	BIT(16)

#define EXEC_VECTOR_SS	12
#define EXEC_VECTOR_GP	13

struct exec_segment {
	u64 base;
	u32 limit;
	u32 ar;
};

/**
 * struct exec_cpu - what an instruction sees and changes
 * @gpr: 16 general registers
 * @rip: of this instruction; after EXEC_DONE of the next
 * @rflags: likewise
 * @la_bits: of a canonical linear address: 48 or 57
 * @protected: CR0.PE and not virtual-8086 mode: access rights count
 * @seg: those that exec_segments() names
 */
struct exec_cpu {
	u64 *gpr;
	u64 rip, rflags;
	u8 la_bits;
	bool protected;
	struct exec_segment seg[INSN_NR_SEGS];
};

/**
 * enum exec_result - what the caller does next
 * @EXEC_NEXT: (internal) go on with the next step
 * @EXEC_READ: read x->access, call again
 * @EXEC_WRITE: write x->access, call again
 * @EXEC_GET_VEC: fill x->vec from vector register x->vec_reg, x->vec_len
 *		  bytes, call again
 * @EXEC_SET_VEC: the other way round; with 32 bytes all above them is zeroed
 * @EXEC_AGAIN: one iteration of a repeated string instruction is done; call
 *		again, or enter the guest, which will execute the rest
 * @EXEC_DONE: done; rip and rflags moved on
 * @EXEC_FAULT: raise x->fault, error code 0 in protected mode
 * @EXEC_UNKNOWN: not an instruction that can be executed
 */
enum exec_result {
	EXEC_NEXT,
	EXEC_READ,
	EXEC_WRITE,
	EXEC_GET_VEC,
	EXEC_SET_VEC,
	EXEC_AGAIN,
	EXEC_DONE,
	EXEC_FAULT,
	EXEC_UNKNOWN,
};

/**
 * struct exec_access - an access to memory
 * @la: linear address; the access may cross a page, and wraps as the CPU's
 * @len: 1, 2, 4, 8, 16 or 32 bytes
 * @for_write: a read that a write to the same bytes follows, so that a page
 *	       fault is one of a write
 * @data: index into struct exec's mem
 */
struct exec_access {
	u64 la;
	u8 len;
	bool for_write;
	u8 data;
};

/**
 * struct exec - an instruction in execution
 * @insn: which
 * @step: enum of exec.c
 * @pos: reads that were asked for
 * @nr_reads: reads that there are
 * @has_write: a write follows them
 * @fault: vector of EXEC_FAULT
 * @reads: its reads
 * @write: its write
 * @access: the one to do now
 * @dst: old value of the destination
 * @src: value of the source
 * @result: new value of the destination
 * @keep_dst: the destination register stays as it is
 * @rflags: new flags
 * @sp: new stack pointer of PUSH and POP
 * @mem: memory operands
 * @vec: vector operand
 * @vec_reg: which register
 * @vec_len: how much of it
 */
struct exec {
	struct insn insn;
	u8 step;
	u8 pos, nr_reads;
	bool has_write;
	u8 fault;
	struct exec_access reads[2];
	struct exec_access write;
	const struct exec_access *access;
	u64 dst, src, result;
	bool keep_dst;
	u64 rflags;
	u64 sp;
	u8 mem[2][EXEC_MAX_LEN];
	u8 vec[EXEC_MAX_LEN];
	u8 vec_reg, vec_len;
};

void exec_start(struct exec *x, const struct insn *insn);
enum exec_result exec_run(struct exec *x, struct exec_cpu *cpu);
u32 exec_segments(const struct insn *insn);
bool exec_linear(const struct exec_cpu *cpu, enum insn_mode mode,
		 enum insn_seg seg, u64 ea, unsigned int len, bool write,
		 u64 *la);
u64 exec_get_gpr(const struct exec_cpu *cpu, const struct insn *insn,
		 unsigned int reg, unsigned int size);
void exec_set_gpr(struct exec_cpu *cpu, const struct insn *insn,
		  unsigned int reg, unsigned int size, u64 value);
u64 exec_extend(const struct insn *insn, u64 value);

/* Bytes of a memory operand as a number, and back. */
static inline u64 exec_load(const u8 *mem, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, mem, size);
	return value;
}

static inline void exec_store(u8 *mem, unsigned int size, u64 value)
{
	memcpy(mem, &value, size);
}

static inline u64 exec_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

/* exec_ops.c: what an operation does. */
#define EXEC_OP_READS_DST	BIT(0)
#define EXEC_OP_WRITES_DST	BIT(1)

struct exec_op {
	void (*compute)(struct exec *x, struct exec_cpu *cpu);
	u8 flags;
};

const struct exec_op *exec_op(const struct insn *insn);
/* Registers besides the destination that the operation changes. */
void exec_commit_op(struct exec *x, struct exec_cpu *cpu);

/* exec_alu.c: arithmetic and its flags. */
#define EXEC_CF		BIT(0)
#define EXEC_PF		BIT(2)
#define EXEC_AF		BIT(4)
#define EXEC_ZF		BIT(6)
#define EXEC_SF		BIT(7)
#define EXEC_DF		BIT(10)
#define EXEC_OF		BIT(11)
#define EXEC_RF		BIT(16)
#define EXEC_ARITH	(EXEC_CF | EXEC_PF | EXEC_AF | EXEC_ZF | EXEC_SF | \
			 EXEC_OF)

u64 exec_arith(enum insn_op op, u64 a, u64 b, unsigned int size, u64 *rflags);
u64 exec_shift(enum insn_op op, u64 a, u8 count, unsigned int size, u64 *rflags);
u64 exec_multiply(u64 a, u64 b, unsigned int size, u64 *rflags);
bool exec_condition(u8 cond, u64 rflags);

#endif
