// SPDX-License-Identifier: GPL-2.0
/*
 * Takes an instruction apart: prefixes, opcode, ModRM, SIB, displacement and
 * immediate, in the order of the SDM's "Instruction Format". What an opcode
 * means comes from decode_table.c.
 *
 * Every byte goes through insn_next(), so neither the 15-byte limit nor the end
 * of the bytes can be overlooked.
 */
#include "pure/decode.h"

#define RBX	3

/**
 * insn_next() - the next bytes, little-endian
 * @c: cursor; moves on
 * @size: how many
 *
 * Return: their value; 0 if c->error was or is now set.
 */
u64 insn_next(struct insn_cursor *c, unsigned int size)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < size; i++) {
		if (c->error)
			return 0;
		if (c->pos >= INSN_MAX_LEN)
			c->error = DECODE_TOO_LONG;
		else if (c->pos >= c->nr)
			c->error = DECODE_MORE;
		else
			value |= (u64)c->bytes[c->pos++] << (8 * i);
	}
	return value;
}

static u64 next_signed(struct insn_cursor *c, unsigned int size)
{
	u64 value = insn_next(c, size);

	return size ? sign_extend64(value, 8 * size - 1) : 0;
}

/* Returns false if @byte is no legacy prefix. */
static bool take_prefix(struct insn_cursor *c, u8 byte)
{
	struct insn *insn = c->insn;

	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		/* Long mode ignores ES, CS, SS and DS, also after FS or GS. */
		if (insn->mode != INSN_MODE_64)
			insn->seg = (byte >> 3) & 3;
		return true;
	case 0x64: case 0x65:
		insn->seg = byte & 7;
		return true;
	case 0x66:
		c->opsize_prefix = true;
		return true;
	case 0x67:
		c->adsize_prefix = true;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2: case 0xf3:
		insn->rep = byte;
		return true;
	}
	return false;
}

static u8 take_prefixes(struct insn_cursor *c)
{
	u8 byte;

	for (;;) {
		byte = insn_next(c, 1);
		if (c->error)
			return 0;
		if (take_prefix(c, byte)) {
			/* A REX that isn't last doesn't count. */
			c->rex = 0;
			c->insn->rex = false;
		} else if (c->insn->mode == INSN_MODE_64 && (byte & 0xf0) == 0x40) {
			c->rex = byte;
			c->insn->rex = true;
		} else {
			return byte;
		}
	}
}

static void take_opcode(struct insn_cursor *c)
{
	u8 byte = take_prefixes(c);

	if (c->error)
		return;
	if (insn_is_vex(c, byte)) {
		insn_take_vex(c, byte);
		return;
	}
	if (byte == 0x0f) {
		c->map = 1;
		byte = insn_next(c, 1);
		if (byte == 0x38 || byte == 0x3a) {
			c->map = byte == 0x38 ? 2 : 3;
			byte = insn_next(c, 1);
		}
	}
	c->opcode = byte;
}

static void set_sizes(struct insn_cursor *c)
{
	struct insn *insn = c->insn;
	bool wide = insn->mode != INSN_MODE_16;

	if (insn->mode == INSN_MODE_64)
		insn->adsize = c->adsize_prefix ? 4 : 8;
	else
		insn->adsize = c->adsize_prefix == wide ? 2 : 4;

	if (c->rex & REX_W)
		insn->opsize = 8;
	else
		insn->opsize = c->opsize_prefix == wide ? 2 : 4;
}

/* "16-Bit Addressing Forms with the ModR/M Byte" */
static void take_address_16(struct insn_cursor *c)
{
	static const u8 base[] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	static const u8 index[] = {
		6, 7, 6, 7,
		INSN_NO_REG, INSN_NO_REG, INSN_NO_REG, INSN_NO_REG
	};
	struct insn *insn = c->insn;
	unsigned int mod = c->modrm >> 6;
	unsigned int rm = c->modrm & 7;

	insn->base = base[rm];
	insn->index = index[rm];
	if (mod == 0 && rm == 6) {
		insn->base = INSN_NO_REG;
		insn->disp = next_signed(c, 2);
	} else {
		insn->disp = next_signed(c, mod);
		if (mod == 1)
			insn->disp *= c->disp_scale;
	}
}

/* "32-Bit Addressing Forms with the ModR/M Byte" and "with the SIB Byte" */
static void take_address(struct insn_cursor *c)
{
	struct insn *insn = c->insn;
	unsigned int mod = c->modrm >> 6;
	u8 base = c->modrm & 7;
	u8 sib, index;

	if (base == 4) {
		sib = insn_next(c, 1);
		base = sib & 7;
		index = (sib >> 3 & 7) | (c->rex & REX_X ? 8 : 0);
		if (index != 4) {
			insn->index = index;
			insn->scale = sib >> 6;
		}
	} else if (mod == 0 && base == 5) {
		/* No base; in 64-bit mode, the next instruction's address. */
		insn->base = insn->mode == INSN_MODE_64 ? INSN_REG_RIP :
							  INSN_NO_REG;
		insn->disp = next_signed(c, 4);
		return;
	}
	if (mod == 0 && base == 5) {
		insn->disp = next_signed(c, 4);
		return;
	}
	insn->base = base | (c->rex & REX_B ? 8 : 0);
	insn->disp = next_signed(c, mod == 2 ? 4 : mod);
	if (mod == 1)
		insn->disp *= c->disp_scale;
}

/**
 * insn_take_modrm() - ModRM and what it calls for: SIB, displacement
 * @c: after the opcode
 */
void insn_take_modrm(struct insn_cursor *c)
{
	struct insn *insn = c->insn;

	c->modrm = insn_next(c, 1);
	insn->reg = (c->modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);
	if (c->modrm >= 0xc0)
		return;
	if (insn->adsize == 2)
		take_address_16(c);
	else
		take_address(c);

	/* rBP and rSP point into the stack. */
	if (insn->seg == INSN_NR_SEGS &&
	    (insn->base == 4 || insn->base == 5))
		insn->seg = INSN_SS;
}

static enum decode_result check_lock(struct insn *insn, u32 flags)
{
	if (!insn->lock)
		return DECODE_OK;
	if (!(flags & ROW_LOCK) || insn->dst != OPND_MEM)
		return DECODE_UD;
	return DECODE_OK;
}

static void set_row_sizes(struct insn_cursor *c, u32 flags)
{
	struct insn *insn = c->insn;

	if (flags & ROW_BYTE || (flags & ROW_W && !(c->opcode & 1)))
		insn->opsize = 1;
	else if (flags & ROW_D64 && insn->mode == INSN_MODE_64)
		insn->opsize = c->opsize_prefix && !(c->rex & REX_W) ? 2 : 8;
	else if (flags & ROW_MIN32 && insn->opsize == 2)
		insn->opsize = 4;
	else if (flags & ROW_WORD)
		insn->opsize = 2;

	/* Ports have 32 bits at most. */
	if (insn->op == OP_INS || insn->op == OP_OUTS)
		insn->opsize = min_t(u8, insn->opsize, 4);

	insn->memsize = insn->opsize;
	if (flags & ROW_MEM8)
		insn->memsize = 1;
	else if (flags & ROW_MEM16)
		insn->memsize = 2;
	else if (flags & ROW_MEM32)
		insn->memsize = insn->opsize < 4 ? insn->opsize : 4;
	else if (insn->op == OP_CMPXCHG8B)
		insn->memsize = 2 * insn->opsize;
	/* CMPXCHG16B wants its operand aligned, CMPXCHG8B doesn't. */
	insn->aligned = insn->memsize == 16;
}

static void take_immediate(struct insn_cursor *c, u32 flags)
{
	struct insn *insn = c->insn;

	if (flags & ROW_ONE) {
		insn->imm = 1;
		return;
	}
	if (insn->src != OPND_IMM && !insn->third)
		return;
	if (flags & ROW_IMM8)
		insn->imm = next_signed(c, 1);
	else
		insn->imm = next_signed(c, min_t(u8, insn->opsize, 4));
}

/* Prefixes that make another instruction of the opcode. */
static bool prefixes_fit(const struct insn_cursor *c, u32 flags)
{
	if (flags & ROW_NOREP && c->insn->rep)
		return false;
	if (flags & ROW_NO66 && c->opsize_prefix)
		return false;
	if (flags & ROW_NEED66 && !c->opsize_prefix)
		return false;
	if (flags & ROW_NEEDF3 && c->insn->rep != 0xf3)
		return false;
	return true;
}

static enum decode_result decode_row(struct insn_cursor *c, const struct insn_row *row)
{
	struct insn *insn = c->insn;
	u32 flags = row->flags;

	if (flags & ROW_NO64 && insn->mode == INSN_MODE_64)
		return DECODE_UD;
	if (flags & ROW_ONLY64 && insn->mode != INSN_MODE_64)
		return DECODE_UNKNOWN;

	if (flags & ROW_MOFFS)
		insn->disp = insn_next(c, insn->adsize);
	else if (flags & ROW_TABLE)
		insn->base = RBX;
	else if (row->dst == OPND_MEM || row->src == OPND_MEM)
		insn_take_modrm(c);
	if (c->error)
		return c->error;

	if (flags & ROW_GROUP) {
		row = insn_group_row(row->op, c->modrm >> 3 & 7);
		if (!row)
			return DECODE_UNKNOWN;
		flags = (flags & ~ROW_GROUP) | row->flags;
	}
	if (!prefixes_fit(c, flags))
		return DECODE_UNKNOWN;
	if (row->src == OPND_SEG)
		insn->reg &= 7;
	if (row->src == OPND_SEG && insn->reg >= INSN_NR_SEGS)
		return DECODE_UD;
	insn->op = row->op;
	insn->dst = row->dst;
	insn->src = row->src;
	insn->cond = c->opcode & 0xf;
	insn->third = flags & ROW_THIRD;
	if (insn->rep == 0xf3 && (insn->op == OP_BSF || insn->op == OP_BSR))
		insn->op = insn->op == OP_BSF ? OP_TZCNT : OP_LZCNT;

	set_row_sizes(c, flags);
	take_immediate(c, flags);
	if (c->error)
		return c->error;
	if (c->modrm >= 0xc0) {
		/* These access the stack even so, as do 50 to 5f. */
		if (insn->op == OP_PUSH || insn->op == OP_POP)
			return DECODE_UNKNOWN;
		return DECODE_NO_MEMORY;
	}
	return check_lock(insn, flags);
}

/**
 * insn_decode() - decode one instruction
 * @insn: filled; complete with DECODE_OK, its length also with
 *	  DECODE_NO_MEMORY
 * @mode: of the code segment
 * @bytes: where it starts
 * @nr: how many bytes there are; those after the instruction don't matter
 *
 * Return: see enum decode_result.
 */
enum decode_result insn_decode(struct insn *insn, enum insn_mode mode,
			       const u8 *bytes, unsigned int nr)
{
	struct insn_cursor c = {
		.bytes = bytes, .nr = nr, .insn = insn, .disp_scale = 1,
	};
	const struct insn_row *row = NULL;
	enum decode_result result;

	*insn = (struct insn) {
		.op = OP_UNKNOWN,
		.mode = mode,
		.seg = INSN_NR_SEGS,
		.base = INSN_NO_REG,
		.index = INSN_NO_REG,
	};
	take_opcode(&c);
	if (c.error)
		return c.error;
	set_sizes(&c);

	if (!insn->vex)
		row = insn_row(c.map, c.opcode);
	if (row && !(row->flags & ROW_GROUP) && !prefixes_fit(&c, row->flags))
		row = NULL;
	result = row ? decode_row(&c, row) : insn_decode_vec(&c);
	if (insn->seg == INSN_NR_SEGS)
		insn->seg = INSN_DS;
	insn->len = c.pos;
	return result;
}
