/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The x86 instruction decoder: bytes in, a struct insn out.
 *
 * It knows the instructions that a driver aims at a device, that is those with
 * an explicit memory operand and the string instructions. What it doesn't know
 * is a result of its own (DECODE_UNKNOWN), never a guess. SDM volume 2,
 * "Instruction Format" and "Opcode Map".
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
	OP_CMPXCHG, OP_CMPXCHG8B,
	OP_INC, OP_DEC, OP_NOT, OP_NEG, OP_IMUL,
	OP_BSF, OP_BSR, OP_TZCNT, OP_LZCNT,
	OP_SETCC, OP_CMOV, OP_PUSH, OP_POP, OP_FLUSH,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	/*
	 * Moves of a vector register: the whole of it or its low end with the
	 * rest zeroed; its low or its high eight bytes with the rest kept.
	 */
	OP_VMOV, OP_VMOVL, OP_VMOVH,
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
	OPND_VEC,	/* ModRM.reg as a vector register */
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
 * @opsize: bytes of the operation: 1, 2, 4, 8; vector moves 16 or 32
 * @memsize: bytes of the memory operand, where it differs from @opsize too
 * @adsize: bytes of an address: 2, 4, 8
 * @seg: enum insn_seg of the memory operand, overrides applied
 * @rep: 0, 0xf2 or 0xf3
 * @lock: LOCK was there, and is allowed
 * @rex: REX (or VEX) was there: byte registers 4 to 7 are SPL to DIL
 * @vex: encoded with VEX
 * @aligned: the memory operand must be aligned to its size
 * @third: @imm is a third operand, after a register and memory (IMUL)
 * @cond: condition of SETcc and CMOVcc
 * @reg: register operand, 0 to 15
 * @vvvv: second source of a VEX move
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
	bool lock, rex, vex, aligned, third;
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
 * @DECODE_NO_MEMORY: a known instruction, with a register where memory could be
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

/* Between decode.c and decode_table.c. */

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
#define ROW_MIN32	BIT(17)	/* operates on 4 bytes at least */
#define ROW_W		BIT(16)	/* operates on bytes if the opcode is even */

struct insn_row {
	u8 op, dst, src;
	u32 flags;
};

enum insn_group {
	GROUP_1, GROUP_1A, GROUP_2_IMM, GROUP_2_ONE, GROUP_2_CL, GROUP_3,
	GROUP_4, GROUP_5, GROUP_8, GROUP_9, GROUP_11, GROUP_15, NR_GROUPS
};

/* Opcode maps in the order of VEX.mmmmm: none, 0F, 0F 38. */
#define INSN_NR_MAPS	3

/**
 * struct insn_vec_row - a vector move
 * @map: opcode map
 * @opcode: opcode byte
 * @prefix: mandatory prefix by VEX.pp: 0 none, 1 = 66, 2 = F3, 3 = F2
 * @op: enum insn_op
 * @store: memory is the destination
 * @size: bytes in memory; 0: the vector's length; 1: 4 or 8 by REX.W
 * @aligned: memory must be aligned
 */
struct insn_vec_row {
	u8 map, opcode, prefix, op;
	bool store;
	u8 size;
	bool aligned;
};

const struct insn_row *insn_row(unsigned int map, u8 opcode);
const struct insn_row *insn_group_row(unsigned int group, unsigned int reg);
const struct insn_vec_row *insn_vec_row(unsigned int map, u8 opcode,
					unsigned int prefix);

#endif
