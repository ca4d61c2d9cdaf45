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
 * the caller's: none of that has an effect on what is accessed.
 */
#ifndef LVX_PURE_EXEC_H
#define LVX_PURE_EXEC_H

#include "pure/decode.h"

#define EXEC_MAX_LEN	64	/* bytes of an access: a ZMM register */

/* Access rights of a segment as in the VMCS, "Guest Register State". */
#define EXEC_AR_CODE		BIT(3)
#define EXEC_AR_WRITABLE	BIT(1)	/* data; of code: readable */
#define EXEC_AR_EXPAND_DOWN	BIT(2)	/* data */
#define EXEC_AR_DB		BIT(14)
#define EXEC_AR_UNUSABLE	BIT(16)

#define EXEC_VECTOR_DE	0
#define EXEC_VECTOR_SS	12
#define EXEC_VECTOR_GP	13
#define EXEC_VECTOR_AC	17

struct exec_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/**
 * struct exec_cpu - what an instruction sees and changes
 * @gpr: 16 general registers
 * @rip: of this instruction; after EXEC_DONE of the next
 * @rflags: likewise
 * @la_bits: of a canonical linear address: 48 or 57
 * @protected: CR0.PE and not virtual-8086 mode: access rights count
 * @align_check: CR0.AM and RFLAGS.AC at CPL 3: misaligned accesses are #AC
 * @seg: those that exec_segments() names
 */
struct exec_cpu {
	u64 *gpr;
	u64 rip, rflags;
	u8 la_bits;
	bool protected, align_check;
	struct exec_segment seg[INSN_NR_SEGS];
};

/**
 * enum exec_result - what the caller does next
 * @EXEC_NEXT: (internal) go on with the next step
 * @EXEC_READ: read x->access, call again
 * @EXEC_WRITE: write x->access, call again
 * @EXEC_GET_VEC: fill x->vec from register x->vec_reg of file x->vec_file,
 *		  x->vec_len bytes, call again
 * @EXEC_SET_VEC: the other way round; of a vector register, with 32 bytes or
 *		  more all above them is zeroed
 * @EXEC_AGAIN: one iteration of a repeated string instruction is done; call
 *		again, or enter the guest, which will execute the rest
 * @EXEC_DONE: done; rip and rflags moved on
 * @EXEC_FAULT: raise x->fault, with error code 0 if it is one that has any
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
 * @len: bytes, at most EXEC_MAX_LEN
 * @write: a write
 * @for_write: likewise, or a read that a write to the same bytes follows, so
 *	       that a page fault is one of a write
 * @data: offset in struct exec's mem
 */
struct exec_access {
	u64 la;
	u8 len;
	bool write, for_write;
	u8 data;
};

/**
 * struct exec - an instruction in execution
 * @insn: which
 * @step: enum of exec.c
 * @pos: reads that were asked for; under a mask, elements
 * @nr_reads: reads that there are
 * @has_write: a write follows them
 * @unchecked: form addresses only, whether they may be accessed or not
 * @fault: vector of EXEC_FAULT
 * @faulted: the computation raises it
 * @reads: its reads
 * @write: its write
 * @piece: the element of a masked access
 * @access: the one to do now
 * @dst: old value of the destination
 * @src: value of the source
 * @result: new value of the destination
 * @high: a second one: upper half, remainder; MULX: lower half
 * @keep_dst: the destination register stays as it is
 * @rflags: new flags
 * @sp: new stack pointer of PUSH and POP
 * @port: what INS got from the port, or OUTS has for it
 * @mask: a bit per element that takes part
 * @mem: memory operands
 * @vec: vector operand
 * @vec_file: enum insn_operand, which kind of register
 * @vec_reg: which register
 * @vec_len: how much of it
 */
struct exec {
	struct insn insn;
	u8 step;
	u8 pos, nr_reads;
	bool has_write, unchecked;
	u8 fault;
	bool faulted;
	struct exec_access reads[2];
	struct exec_access write;
	struct exec_access piece;
	const struct exec_access *access;
	u64 dst, src, result, high;
	bool keep_dst;
	u64 rflags;
	u64 sp;
	u32 port;
	u64 mask;
	u8 mem[2 * EXEC_MAX_LEN];
	u8 vec[EXEC_MAX_LEN];
	u8 vec_file, vec_reg, vec_len;
};

/* Which of the CPU's switches must be on for an instruction; a bit each. */
enum exec_state {
	EXEC_STATE_MMX = BIT(0),	/* CR0.EM, CR0.TS */
	EXEC_STATE_SSE = BIT(1),	/* and CR4.OSFXSR */
	EXEC_STATE_AVX = BIT(2),	/* CR0.TS, CR4.OSXSAVE, XCR0 */
	EXEC_STATE_AVX512 = BIT(3),	/* likewise, with more of XCR0 */
	EXEC_STATE_VEX = BIT(4),	/* protected mode */
	EXEC_STATE_PORT = BIT(5),	/* IOPL and the I/O permission bitmap */
};

void exec_start(struct exec *x, const struct insn *insn);
enum exec_result exec_run(struct exec *x, struct exec_cpu *cpu);
u32 exec_segments(const struct insn *insn);
u32 exec_state(const struct insn *insn);
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

static inline bool exec_is_string(const struct insn *insn)
{
	return insn->dst == OPND_STR || insn->src == OPND_STR;
}

/* Only the elements that the mask chooses are accessed. */
static inline bool exec_is_masked(const struct insn *insn)
{
	return insn->mask != OPND_NONE && insn->op == OP_VMOV;
}

/* exec_plan.c: which memory is accessed. */
bool exec_plan(struct exec *x, const struct exec_cpu *cpu);
bool exec_touches(const struct insn *insn, const struct exec_cpu *cpu, u64 la,
		  bool write);
unsigned int exec_stack_size(const struct exec *x, const struct exec_cpu *cpu);

/* exec_vec.c: moves of vector registers. */
bool exec_vec_operand(struct exec *x);
void exec_vec_mask(struct exec *x);
void exec_vec_result(struct exec *x);
void exec_vec_store(struct exec *x);
void exec_vec_load(struct exec *x);

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
u64 exec_shift_double(enum insn_op op, u64 a, u64 b, u8 count,
		      unsigned int size, u64 *rflags);
u64 exec_multiply(u64 a, u64 b, unsigned int size, bool sign, u64 *high,
		  u64 *rflags);
bool exec_divide(u64 high, u64 low, u64 divisor, unsigned int size, bool sign,
		 u64 *quotient, u64 *remainder);
bool exec_condition(u8 cond, u64 rflags);
u64 exec_sign_zero(u64 r, unsigned int size);

/* exec_bits.c: bit manipulation. */
u64 exec_bmi(enum insn_op op, u64 a, u64 b, unsigned int size, u64 *rflags);
u32 exec_crc32(u32 crc, u64 data, unsigned int size);

#endif
