/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The x86 instruction decoder: bytes in, a struct insn out.
 *
 * It knows the instructions that a driver, firmware or a compiler aims at a
 * device: those on general registers with an explicit memory operand, the
 * string instructions, and the moves of MMX, SSE, AVX and AVX-512. What it
 * doesn't know is a result of its own (DECODE_UNKNOWN), never a guess. SDM
 * volume 2, "Instruction Format" and "Opcode Map".
 */
#ifndef LVX_PURE_DECODE_H
#define LVX_PURE_DECODE_H

#include "pure/pure.h"

/* "An instruction ... over 15 bytes" is a #GP. */
#define INSN_MAX_LEN	15

/* Sizes that the code segment sets: CS.L, else CS.D. */
enum insn_mode { INSN_MODE_16, INSN_MODE_32, INSN_MODE_64 };

/* In the order of the segment-register encoding. */
enum insn_seg {
	INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS, INSN_NR_SEGS
};

/*
 * What the instruction does, whatever its operands. The first eight are in the
 * order of opcode bits 5:3 and of group 1, the shifts in that of group 2, the
 * bit tests in that of group 8.
 */
enum insn_op {
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_BT, OP_BTS, OP_BTR, OP_BTC,
	OP_MOV, OP_MOVSX, OP_MOVBE, OP_TEST, OP_XCHG, OP_XADD,
	OP_CMPXCHG, OP_CMPXCHG8B, OP_XLAT,
	OP_INC, OP_DEC, OP_NOT, OP_NEG, OP_SHLD, OP_SHRD,
	/* The product or the dividend is in rDX:rAX, but for the second. */
	OP_MUL, OP_IMUL, OP_IMUL_WIDE, OP_DIV, OP_IDIV,
	OP_BSF, OP_BSR, OP_TZCNT, OP_LZCNT, OP_POPCNT, OP_CRC32,
	OP_ADCX, OP_ADOX, OP_ANDN, OP_BEXTR, OP_BLSR, OP_BLSMSK, OP_BLSI,
	OP_BZHI, OP_PDEP, OP_PEXT, OP_MULX, OP_SARX, OP_SHLX, OP_SHRX, OP_RORX,
	OP_SETCC, OP_CMOV, OP_PUSH, OP_POP, OP_FLUSH, OP_PREFETCH,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	/*
	 * Moves of a vector register: the whole of it or its low end with the
	 * rest zeroed; its low or its high eight bytes with the rest kept; one
	 * piece with the rest kept, and out of it; memory again and again; the
	 * even or the odd elements twice.
	 */
	OP_VMOV, OP_VMOVL, OP_VMOVH, OP_VINSERT, OP_VINSERTPS, OP_VEXTRACT,
	OP_VBROADCAST, OP_VDUP_EVEN, OP_VDUP_ODD,
	OP_UNKNOWN,
	NR_OPS
};

/* Where an operand is. */
enum insn_operand {
	OPND_NONE,
	OPND_MEM,	/* ModRM.rm, moffs */
	OPND_REG,	/* ModRM.reg, or the accumulator */
	OPND_IMM,
	OPND_CL,	/* shift count */
	OPND_SEG,	/* ModRM.reg as a segment register */
	OPND_VEC,	/* ModRM.reg as a vector register */
	OPND_MMX,	/* ModRM.reg as an MMX register */
	OPND_MASK,	/* an opmask register */
	OPND_STR,	/* implied by a string instruction */
};

/* Not a general register: no base or index, or RIP-relative. */
#define INSN_NO_REG	0xff
#define INSN_REG_RIP	0xfe

/**
 * struct insn - a decoded instruction
 * @op: enum insn_op
 * @dst: enum insn_operand, where the result goes
 * @src: enum insn_operand, the second operand
 * @len: bytes, 1 to 15
 * @mode: enum insn_mode it was decoded for
 * @opsize: bytes of the operation: 1, 2, 4, 8; vector moves 8 to 64
 * @memsize: bytes of the memory operand, where it differs from @opsize too
 * @adsize: bytes of an address: 2, 4, 8
 * @seg: enum insn_seg of the memory operand, overrides applied
 * @rep: 0, 0xf2 or 0xf3
 * @lock: LOCK was there, and is allowed
 * @rex: REX (or VEX) was there: byte registers 4 to 7 are SPL to DIL
 * @vex: encoded with VEX or EVEX
 * @evex: encoded with EVEX
 * @aligned: the memory operand must be aligned to its size
 * @third: @imm is a third operand, after a register and memory (IMUL, SHLD)
 * @zeroing: elements that the mask leaves out become zero
 * @mask: enum insn_operand, where the mask is; OPND_NONE: not masked
 * @mask_reg: which register
 * @elsize: bytes of an element under a mask, or of one that is duplicated
 * @cond: condition of SETcc and CMOVcc
 * @reg: register operand, 0 to 15, vector registers to 31
 * @vvvv: second source of a VEX or EVEX instruction
 * @base: base register, INSN_NO_REG or INSN_REG_RIP
 * @index: index register or INSN_NO_REG
 * @scale: shift of the index, 0 to 3
 * @disp: displacement or moffs, sign-extended
 * @imm: immediate, sign-extended
 */
struct insn {
	u8 op, dst, src;
	u8 len;
	u8 mode;
	u8 opsize, memsize, adsize;
	u8 seg;
	u8 rep;
	bool lock, rex, vex, evex, aligned, third, zeroing;
	u8 mask, mask_reg, elsize;
	u8 cond;
	u8 reg, vvvv;
	u8 base, index, scale;
	u64 disp;
	u64 imm;
};

/**
 * enum decode_result - what became of the bytes
 * @DECODE_OK: decoded
 * @DECODE_MORE: well-formed so far, but the bytes ran out
 * @DECODE_TOO_LONG: longer than 15 bytes: #GP(0)
 * @DECODE_UD: the CPU raises #UD for it
 * @DECODE_NO_MEMORY: a known instruction, with a register where memory could be;
 *		      it accesses no memory at all
 * @DECODE_UNKNOWN: none of those that this decoder knows
 */
enum decode_result {
	DECODE_OK,
	DECODE_MORE,
	DECODE_TOO_LONG,
	DECODE_UD,
	DECODE_NO_MEMORY,
	DECODE_UNKNOWN,
};

enum decode_result insn_decode(struct insn *insn, enum insn_mode mode,
			       const u8 *bytes, unsigned int nr);

/* Between decode.c, decode_vec.c and the tables. */

#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)

struct insn_cursor {
	const u8 *bytes;
	unsigned int nr;
	unsigned int pos;
	enum decode_result error;	/* the first one; then bytes read as 0 */
	struct insn *insn;
	u8 rex;				/* REX, or the same bits from VEX */
	u8 modrm;
	u8 map, opcode;
	u8 vex_prefix;			/* VEX.pp */
	u8 vex_l;			/* EVEX: two bits */
	bool vex_w;
	bool evex_b;			/* broadcast */
	u8 reg_high;			/* EVEX.R' */
	u8 disp_scale;			/* of a one-byte displacement */
	bool opsize_prefix, adsize_prefix;
};

u64 insn_next(struct insn_cursor *c, unsigned int size);
bool insn_is_vex(struct insn_cursor *c, u8 byte);
void insn_take_vex(struct insn_cursor *c, u8 first);
void insn_take_modrm(struct insn_cursor *c);
enum decode_result insn_decode_vec(struct insn_cursor *c);

/* Flags of an opcode's row. */
#define ROW_BYTE	BIT(0)	/* operates on bytes */
#define ROW_IMM8	BIT(1)	/* the immediate is one byte, sign-extended */
#define ROW_GROUP	BIT(2)	/* op is an enum insn_group: ModRM.reg decides */
#define ROW_D64		BIT(3)	/* 64 bits wide by default in 64-bit mode */
#define ROW_NO64	BIT(4)	/* #UD in 64-bit mode */
#define ROW_ONLY64	BIT(5)	/* means something else outside 64-bit mode */
#define ROW_MEM8	BIT(6)	/* the memory operand's size, if not opsize */
#define ROW_MEM16	BIT(7)
#define ROW_MEM32	BIT(8)
#define ROW_LOCK	BIT(9)	/* LOCK is allowed if memory is the destination */
#define ROW_ONE		BIT(10)	/* the immediate is 1 and has no bytes */
#define ROW_MOFFS	BIT(11)	/* an absolute address instead of ModRM */
#define ROW_THIRD	BIT(12)	/* the immediate is a third operand */
#define ROW_NOREP	BIT(13)	/* F2 and F3 make it something else */
#define ROW_NO66	BIT(14)	/* 66 makes it something else */
#define ROW_NEED66	BIT(15)	/* without 66 it is something else */
#define ROW_W		BIT(16)	/* operates on bytes if the opcode is even */
#define ROW_MIN32	BIT(17)	/* operates on 4 bytes at least */
#define ROW_NEEDF3	BIT(18)	/* without F3 it is something else */
#define ROW_WORD	BIT(19)	/* operates on 2 bytes */
#define ROW_TABLE	BIT(20)	/* rBX and AL instead of ModRM */

struct insn_row {
	u8 op, dst, src;
	u32 flags;
};

enum insn_group {
	GROUP_1, GROUP_1A, GROUP_2_IMM, GROUP_2_ONE, GROUP_2_CL, GROUP_3,
	GROUP_4, GROUP_5, GROUP_8, GROUP_9, GROUP_11, GROUP_15, GROUP_16, NR_GROUPS
};

/* Opcode maps in the order of VEX.mmmmm: none, 0F, 0F 38, and 0F 3A. */
#define INSN_NR_MAPS	3
#define INSN_NR_VEC_MAPS	4

/* Flags of a row whose prefix is part of the opcode. */
#define VEC_SSE		BIT(0)	/* can be encoded without VEX */
#define VEC_VEX		BIT(1)	/* with VEX */
#define VEC_ALIGNED	BIT(2)	/* memory must be aligned */
#define VEC_VVVV	BIT(3)	/* VEX.vvvv is a second source */
#define VEC_IMM		BIT(4)	/* followed by a byte */
#define VEC_L0		BIT(5)	/* 16 bytes only */
#define VEC_L1		BIT(6)	/* 32 bytes or more only */
#define VEC_LIG		BIT(7)	/* the length is ignored, as if 16 */
#define VEC_W0		BIT(8)	/* VEX.W must be 0 */
#define VEC_NOMASK	BIT(9)	/* EVEX, but no mask */
#define VEC_MASKED	BIT(10)	/* VEX.vvvv is a mask */
#define VEC_GPR		BIT(11)	/* on general registers, 8 bytes by W */
#define VEC_GROUP	BIT(12)	/* ModRM.reg, from 1 on, chooses the op */
#define VEC_L2		BIT(13)	/* 64 bytes only */
#define VEC_SSE_ALIGNED	BIT(14)	/* memory must be aligned without VEX */

/* insn_vec_row.size, besides bytes */
#define VEC_SIZE_VL	0	/* the vector's length */
#define VEC_SIZE_W	0xff	/* 4, or with W 8 */
#define VEC_SIZE_66	0xfe	/* 4, with W 8, else with 66 2 */
#define VEC_SIZE_DUP	0xfd	/* the vector's length, but of 16 bytes 8 */

/**
 * struct insn_vec_row - an instruction whose prefix is part of its opcode
 * @map: opcode map
 * @opcode: opcode byte
 * @prefix: mandatory prefix by VEX.pp: 0 none, 1 = 66, 2 = F3, 3 = F2
 * @op: enum insn_op
 * @dst: enum insn_operand
 * @src: enum insn_operand
 * @size: bytes in memory
 * @flags: VEC_*
 * @elsize: bytes of an element with EVEX.W 0 and 1; 0: there is no such form
 */
struct insn_vec_row {
	u8 map, opcode, prefix, op;
	u8 dst, src;
	u8 size;
	u16 flags;
	u8 elsize[2];
};

const struct insn_row *insn_row(unsigned int map, u8 opcode);
const struct insn_row *insn_group_row(unsigned int group, unsigned int reg);
const struct insn_vec_row *insn_vec_row(const struct insn_cursor *c,
					unsigned int prefix);

#endif
