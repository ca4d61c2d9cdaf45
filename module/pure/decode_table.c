// SPDX-License-Identifier: GPL-2.0
/*
 * The opcodes that the decoder knows, as in the SDM's "Opcode Map": a row an
 * opcode, and a group where ModRM.reg is part of the opcode. Where a prefix is,
 * they are in decode_vec_table.c. A row without operands is none: the opcode
 * isn't known.
 */
#include "pure/decode.h"

#define ROW(_op, _dst, _src, _flags) \
	{ OP_##_op, OPND_##_dst, OPND_##_src, (_flags) }
#define GROUP(_group, _flags) \
	{ GROUP_##_group, OPND_MEM, OPND_NONE, ROW_GROUP | (_flags) }

static const struct insn_row maps[INSN_NR_MAPS][256] = {
	{
		[0x00 ... 0x01] = ROW(ADD, MEM, REG, ROW_W | ROW_LOCK),
		[0x02 ... 0x03] = ROW(ADD, REG, MEM, ROW_W),
		[0x08 ... 0x09] = ROW(OR, MEM, REG, ROW_W | ROW_LOCK),
		[0x0a ... 0x0b] = ROW(OR, REG, MEM, ROW_W),
		[0x10 ... 0x11] = ROW(ADC, MEM, REG, ROW_W | ROW_LOCK),
		[0x12 ... 0x13] = ROW(ADC, REG, MEM, ROW_W),
		[0x18 ... 0x19] = ROW(SBB, MEM, REG, ROW_W | ROW_LOCK),
		[0x1a ... 0x1b] = ROW(SBB, REG, MEM, ROW_W),
		[0x20 ... 0x21] = ROW(AND, MEM, REG, ROW_W | ROW_LOCK),
		[0x22 ... 0x23] = ROW(AND, REG, MEM, ROW_W),
		[0x28 ... 0x29] = ROW(SUB, MEM, REG, ROW_W | ROW_LOCK),
		[0x2a ... 0x2b] = ROW(SUB, REG, MEM, ROW_W),
		[0x30 ... 0x31] = ROW(XOR, MEM, REG, ROW_W | ROW_LOCK),
		[0x32 ... 0x33] = ROW(XOR, REG, MEM, ROW_W),
		[0x38 ... 0x39] = ROW(CMP, MEM, REG, ROW_W),
		[0x3a ... 0x3b] = ROW(CMP, REG, MEM, ROW_W),
		[0x63] = ROW(MOVSX, REG, MEM, ROW_ONLY64 | ROW_MEM32),
		[0x69] = ROW(IMUL, REG, MEM, ROW_THIRD),
		[0x6b] = ROW(IMUL, REG, MEM, ROW_THIRD | ROW_IMM8),
		[0x6c ... 0x6d] = ROW(INS, STR, NONE, ROW_W),
		[0x6e ... 0x6f] = ROW(OUTS, NONE, STR, ROW_W),
		[0x80 ... 0x81] = GROUP(1, ROW_W),
		[0x82] = GROUP(1, ROW_W | ROW_NO64),
		[0x83] = GROUP(1, ROW_IMM8),
		[0x84 ... 0x85] = ROW(TEST, MEM, REG, ROW_W),
		[0x86 ... 0x87] = ROW(XCHG, MEM, REG, ROW_W | ROW_LOCK),
		[0x88 ... 0x89] = ROW(MOV, MEM, REG, ROW_W),
		[0x8a ... 0x8b] = ROW(MOV, REG, MEM, ROW_W),
		[0x8c] = ROW(MOV, MEM, SEG, ROW_WORD),
		[0x8f] = GROUP(1A, 0),
		[0xa0 ... 0xa1] = ROW(MOV, REG, MEM, ROW_W | ROW_MOFFS),
		[0xa2 ... 0xa3] = ROW(MOV, MEM, REG, ROW_W | ROW_MOFFS),
		[0xa4 ... 0xa5] = ROW(MOVS, STR, STR, ROW_W),
		[0xa6 ... 0xa7] = ROW(CMPS, STR, STR, ROW_W),
		[0xaa ... 0xab] = ROW(STOS, STR, REG, ROW_W),
		[0xac ... 0xad] = ROW(LODS, REG, STR, ROW_W),
		[0xae ... 0xaf] = ROW(SCAS, REG, STR, ROW_W),
		[0xc0 ... 0xc1] = GROUP(2_IMM, ROW_W | ROW_IMM8),
		[0xc6 ... 0xc7] = GROUP(11, ROW_W),
		[0xd0 ... 0xd1] = GROUP(2_ONE, ROW_W | ROW_ONE),
		[0xd2 ... 0xd3] = GROUP(2_CL, ROW_W),
		[0xd7] = ROW(XLAT, REG, MEM, ROW_BYTE | ROW_TABLE),
		[0xf6 ... 0xf7] = GROUP(3, ROW_W),
		[0xfe] = GROUP(4, ROW_W),
		[0xff] = GROUP(5, 0),
	},
	{
		[0x0d] = ROW(PREFETCH, MEM, NONE, ROW_BYTE),
		[0x18] = GROUP(16, ROW_BYTE),
		[0x40 ... 0x4f] = ROW(CMOV, REG, MEM, 0),
		[0x90 ... 0x9f] = ROW(SETCC, MEM, NONE, ROW_BYTE),
		[0xa3] = ROW(BT, MEM, REG, 0),
		[0xa4] = ROW(SHLD, MEM, REG, ROW_THIRD | ROW_IMM8),
		[0xa5] = ROW(SHLD, MEM, REG, 0),
		[0xab] = ROW(BTS, MEM, REG, ROW_LOCK),
		[0xac] = ROW(SHRD, MEM, REG, ROW_THIRD | ROW_IMM8),
		[0xad] = ROW(SHRD, MEM, REG, 0),
		[0xae] = GROUP(15, 0),
		[0xaf] = ROW(IMUL, REG, MEM, 0),
		[0xb0 ... 0xb1] = ROW(CMPXCHG, MEM, REG, ROW_W | ROW_LOCK),
		[0xb3] = ROW(BTR, MEM, REG, ROW_LOCK),
		[0xb6] = ROW(MOV, REG, MEM, ROW_MEM8),
		[0xb7] = ROW(MOV, REG, MEM, ROW_MEM16),
		[0xb8] = ROW(POPCNT, REG, MEM, ROW_NEEDF3),
		[0xba] = GROUP(8, ROW_IMM8),
		[0xbb] = ROW(BTC, MEM, REG, ROW_LOCK),
		[0xbc] = ROW(BSF, REG, MEM, 0),
		[0xbd] = ROW(BSR, REG, MEM, 0),
		[0xbe] = ROW(MOVSX, REG, MEM, ROW_MEM8),
		[0xbf] = ROW(MOVSX, REG, MEM, ROW_MEM16),
		[0xc0 ... 0xc1] = ROW(XADD, MEM, REG, ROW_W | ROW_LOCK),
		[0xc3] = ROW(MOV, MEM, REG, ROW_NOREP | ROW_NO66 | ROW_MIN32),
		[0xc7] = GROUP(9, 0),
	},
	{
		[0xf0] = ROW(MOVBE, REG, MEM, ROW_NOREP),
		[0xf1] = ROW(MOVBE, MEM, REG, ROW_NOREP),
		/* MOVDIRI */
		[0xf9] = ROW(MOV, MEM, REG, ROW_NOREP | ROW_NO66 | ROW_MIN32),
	},
};

static const struct insn_row groups[NR_GROUPS][8] = {
	[GROUP_1] = {
		ROW(ADD, MEM, IMM, ROW_LOCK), ROW(OR, MEM, IMM, ROW_LOCK),
		ROW(ADC, MEM, IMM, ROW_LOCK), ROW(SBB, MEM, IMM, ROW_LOCK),
		ROW(AND, MEM, IMM, ROW_LOCK), ROW(SUB, MEM, IMM, ROW_LOCK),
		ROW(XOR, MEM, IMM, ROW_LOCK), ROW(CMP, MEM, IMM, 0),
	},
	[GROUP_1A] = { ROW(POP, MEM, NONE, ROW_D64) },
	[GROUP_2_IMM] = {
		ROW(ROL, MEM, IMM, 0), ROW(ROR, MEM, IMM, 0),
		ROW(RCL, MEM, IMM, 0), ROW(RCR, MEM, IMM, 0),
		ROW(SHL, MEM, IMM, 0), ROW(SHR, MEM, IMM, 0),
		ROW(SAL, MEM, IMM, 0), ROW(SAR, MEM, IMM, 0),
	},
	[GROUP_2_ONE] = {
		ROW(ROL, MEM, IMM, 0), ROW(ROR, MEM, IMM, 0),
		ROW(RCL, MEM, IMM, 0), ROW(RCR, MEM, IMM, 0),
		ROW(SHL, MEM, IMM, 0), ROW(SHR, MEM, IMM, 0),
		ROW(SAL, MEM, IMM, 0), ROW(SAR, MEM, IMM, 0),
	},
	[GROUP_2_CL] = {
		ROW(ROL, MEM, CL, 0), ROW(ROR, MEM, CL, 0),
		ROW(RCL, MEM, CL, 0), ROW(RCR, MEM, CL, 0),
		ROW(SHL, MEM, CL, 0), ROW(SHR, MEM, CL, 0),
		ROW(SAL, MEM, CL, 0), ROW(SAR, MEM, CL, 0),
	},
	[GROUP_3] = {
		ROW(TEST, MEM, IMM, 0), ROW(TEST, MEM, IMM, 0),
		ROW(NOT, MEM, NONE, ROW_LOCK), ROW(NEG, MEM, NONE, ROW_LOCK),
		ROW(MUL, NONE, MEM, 0), ROW(IMUL_WIDE, NONE, MEM, 0),
		ROW(DIV, NONE, MEM, 0), ROW(IDIV, NONE, MEM, 0),
	},
	[GROUP_4] = {
		ROW(INC, MEM, NONE, ROW_LOCK), ROW(DEC, MEM, NONE, ROW_LOCK),
	},
	[GROUP_5] = {
		ROW(INC, MEM, NONE, ROW_LOCK), ROW(DEC, MEM, NONE, ROW_LOCK),
		[6] = ROW(PUSH, NONE, MEM, ROW_D64),
	},
	[GROUP_8] = {
		[4] = ROW(BT, MEM, IMM, 0), ROW(BTS, MEM, IMM, ROW_LOCK),
		ROW(BTR, MEM, IMM, ROW_LOCK), ROW(BTC, MEM, IMM, ROW_LOCK),
	},
	[GROUP_9] = {
		[1] = ROW(CMPXCHG8B, MEM, NONE, ROW_LOCK | ROW_MIN32),
	},
	[GROUP_11] = { ROW(MOV, MEM, IMM, 0) },
	[GROUP_16] = {
		ROW(PREFETCH, MEM, NONE, 0), ROW(PREFETCH, MEM, NONE, 0),
		ROW(PREFETCH, MEM, NONE, 0), ROW(PREFETCH, MEM, NONE, 0),
	},
	/* CLWB (66), CLFLUSH and CLFLUSHOPT (66); a device has no cache. */
	[GROUP_15] = {
		[6] = ROW(FLUSH, MEM, NONE,
			  ROW_BYTE | ROW_NOREP | ROW_NEED66),
		ROW(FLUSH, MEM, NONE, ROW_BYTE | ROW_NOREP),
	},
};

/* NULL: not in the map. */
const struct insn_row *insn_row(unsigned int map, u8 opcode)
{
	const struct insn_row *row;

	if (map >= INSN_NR_MAPS)
		return NULL;
	row = &maps[map][opcode];
	return row->dst == OPND_NONE && row->src == OPND_NONE ? NULL : row;
}

const struct insn_row *insn_group_row(unsigned int group, unsigned int reg)
{
	const struct insn_row *row = &groups[group][reg];

	return row->dst == OPND_NONE && row->src == OPND_NONE ? NULL : row;
}
