// SPDX-License-Identifier: GPL-2.0
/*
 * Takes apart the instructions whose prefix is part of the opcode, and the VEX
 * and EVEX prefixes: SDM volume 2, "VEX Prefix" and "Intel AVX-512 Encoding".
 */
#include "pure/decode.h"

#define RDI	7

/**
 * insn_is_vex() - does an opcode begin a VEX or EVEX prefix?
 * @c: after it
 * @byte: the opcode
 *
 * Outside 64-bit mode it is LES, LDS or BOUND, unless what would be their ModRM
 * names a register.
 *
 * Return: true: insn_take_vex() is next, or c->error is set.
 */
bool insn_is_vex(struct insn_cursor *c, u8 byte)
{
	u8 next;

	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62)
		return false;
	if (c->insn->mode == INSN_MODE_64)
		return true;
	next = insn_next(c, 1);
	if (!c->error)
		c->pos--;
	return next >= 0xc0;
}

/* The rest of EVEX, after 62. Returns what is R, X, B and W in REX. */
static u8 take_evex(struct insn_cursor *c)
{
	struct insn *insn = c->insn;
	u8 p0 = insn_next(c, 1), p1 = insn_next(c, 1), p2 = insn_next(c, 1);

	/* Fixed bits. */
	if (!c->error && (p0 & 0x08 || !(p1 & 0x04)))
		c->error = DECODE_UD;
	insn->evex = true;
	insn->vvvv = (~p1 >> 3 & 0xf) | (p2 & 0x08 ? 0 : 0x10);
	insn->mask = p2 & 7 ? OPND_MASK : OPND_NONE;
	insn->mask_reg = p2 & 7;
	insn->zeroing = p2 & 0x80;
	c->map = p0 & 7;
	c->reg_high = p0 & 0x10 ? 0 : 0x10;
	c->vex_l = p2 >> 5 & 3;
	c->vex_prefix = p1 & 3;
	c->vex_w = p1 & 0x80;
	c->evex_b = p2 & 0x10;
	return (~p0 >> 5 & (REX_R | REX_X | REX_B)) | (c->vex_w ? REX_W : 0);
}

/* R, X, B and vvvv are stored inverted. */
static u8 take_vex(struct insn_cursor *c, u8 first)
{
	u8 byte = insn_next(c, 1);
	u8 rex = byte & 0x80 ? 0 : REX_R;

	c->map = 1;
	if (first == 0xc4) {
		rex = ~byte >> 5 & (REX_R | REX_X | REX_B);
		c->map = byte & 0x1f;
		byte = insn_next(c, 1);
		c->vex_w = byte & 0x80;
		rex |= c->vex_w ? REX_W : 0;
	}
	c->insn->vvvv = ~byte >> 3 & 0xf;
	c->vex_l = byte >> 2 & 1;
	c->vex_prefix = byte & 3;
	return rex;
}

/**
 * insn_take_vex() - a VEX or EVEX prefix, and the opcode
 * @c: after the first byte
 * @first: that byte
 */
void insn_take_vex(struct insn_cursor *c, u8 first)
{
	struct insn *insn = c->insn;
	u8 rex;

	if (insn->lock || insn->rep || c->opsize_prefix || insn->rex) {
		c->error = DECODE_UD;
		return;
	}
	insn->vex = true;
	rex = first == 0x62 ? take_evex(c) : take_vex(c, first);
	c->rex = insn->mode == INSN_MODE_64 ? rex : 0;
	c->opcode = insn_next(c, 1);
	if (!c->error && c->map >= INSN_NR_VEC_MAPS)
		c->error = DECODE_UNKNOWN;
}

static void set_sizes(struct insn_cursor *c, const struct insn_vec_row *row)
{
	struct insn *insn = c->insn;
	bool wide = c->rex & REX_W;

	if (row->flags & VEC_GPR)
		insn->opsize = wide ? 8 : 4;
	else if (row->dst == OPND_MMX || row->src == OPND_MMX)
		insn->opsize = 8;
	else
		insn->opsize = row->flags & VEC_LIG ? 16 : 16 << c->vex_l;

	insn->memsize = row->size;
	if (row->size == VEC_SIZE_VL)
		insn->memsize = insn->opsize;
	else if (row->size == VEC_SIZE_W)
		insn->memsize = wide ? 8 : 4;
	else if (row->size == VEC_SIZE_66)
		insn->memsize = wide ? 8 : c->opsize_prefix ==
				(insn->mode != INSN_MODE_16) ? 2 : 4;
	else if (row->size == VEC_SIZE_DUP)
		insn->memsize = insn->opsize == 16 ? 8 : insn->opsize;
	/* "Compressed Displacement (disp8*N) Support in EVEX" */
	c->disp_scale = insn->evex ? insn->memsize : 1;
}

/* What the row says about W and the length. */
static bool form_exists(const struct insn_cursor *c, u32 flags)
{
	bool evex = c->insn->evex;

	if (!c->insn->vex)
		return true;
	if (!evex && flags & VEC_W0 && c->vex_w)
		return false;
	if (flags & VEC_L0 && c->vex_l)
		return false;
	if (flags & VEC_L1 && !c->vex_l)
		return false;
	if (flags & VEC_L2 && c->vex_l != 2)
		return false;
	return c->vex_l != 3;
}

static bool evex_fits(const struct insn_cursor *c,
		      const struct insn_vec_row *row)
{
	const struct insn *insn = c->insn;

	if (!insn->evex)
		return true;
	if (c->evex_b || (insn->vvvv & 0x10 && insn->mode != INSN_MODE_64))
		return false;
	if (insn->mask == OPND_NONE)
		return !insn->zeroing;
	if (row->flags & VEC_NOMASK)
		return false;
	return !insn->zeroing || row->dst != OPND_MEM;
}

/* The mask of a VEX move is a vector register's signs. */
static void set_mask(struct insn_cursor *c, const struct insn_vec_row *row)
{
	struct insn *insn = c->insn;

	if (row->flags & VEC_MASKED) {
		insn->mask = OPND_VEC;
		insn->mask_reg = insn->vvvv;
		insn->zeroing = true;
	}
	insn->elsize = row->elsize[c->vex_w] ?: row->elsize[0] ?: row->elsize[1];
}

static enum decode_result check(const struct insn_cursor *c,
				const struct insn_vec_row *row)
{
	const struct insn *insn = c->insn;

	if (!form_exists(c, row->flags) || !evex_fits(c, row))
		return DECODE_UD;
	if (insn->vex && insn->vvvv && !(row->flags & (VEC_VVVV | VEC_MASKED)))
		return DECODE_UD;
	if (c->modrm >= 0xc0)
		return DECODE_NO_MEMORY;
	return insn->lock ? DECODE_UD : DECODE_OK;
}

/*
 * MASKMOVQ and MASKMOVDQU: two registers, and memory at rDI that ModRM doesn't
 * mention.
 */
static enum decode_result decode_maskmov(struct insn_cursor *c, bool mmx)
{
	struct insn *insn = c->insn;

	insn_take_modrm(c);
	if (c->error)
		return c->error;
	if (c->modrm < 0xc0 || insn->lock || insn->evex || insn->vvvv ||
	    c->vex_l || (mmx && insn->vex))
		return DECODE_UD;
	insn->op = OP_VMOV;
	insn->dst = OPND_MEM;
	insn->src = mmx ? OPND_MMX : OPND_VEC;
	insn->mask = insn->src;
	insn->mask_reg = (c->modrm & 7) | (!mmx && c->rex & REX_B ? 8 : 0);
	insn->reg &= mmx ? 7 : 15;
	insn->elsize = 1;
	insn->opsize = mmx ? 8 : 16;
	insn->memsize = insn->opsize;
	insn->base = RDI;
	return DECODE_OK;
}

static unsigned int mandatory_prefix(const struct insn_cursor *c)
{
	if (c->insn->vex)
		return c->vex_prefix;
	if (c->insn->rep)
		return c->insn->rep == 0xf3 ? 2 : 3;
	return c->opsize_prefix;
}

static void set_registers(struct insn_cursor *c, const struct insn_vec_row *row)
{
	struct insn *insn = c->insn;

	if (insn->dst == OPND_MMX || insn->src == OPND_MMX)
		insn->reg &= 7;
	else if (insn->evex && insn->mode == INSN_MODE_64)
		insn->reg |= c->reg_high;
	/* Outside 64-bit mode, there are eight. */
	if (insn->mode != INSN_MODE_64) {
		insn->vvvv &= 7;
		insn->mask_reg &= 7;
	}
	/* BLSR and its like have one register, and it is in vvvv. */
	if (row->flags & VEC_GROUP)
		insn->reg = insn->vvvv;
	/* Without VEX the destination is the second source as well. */
	if (!insn->vex)
		insn->vvvv = insn->reg;
}

/**
 * insn_decode_vec() - decode an instruction of decode_vec_table.c
 * @c: after the opcode
 *
 * Return: see enum decode_result.
 */
enum decode_result insn_decode_vec(struct insn_cursor *c)
{
	unsigned int prefix = mandatory_prefix(c), group = 1;
	const struct insn_vec_row *row;
	struct insn *insn = c->insn;
	enum decode_result result;

	if (c->map == 1 && c->opcode == 0xf7 && prefix < 2)
		return decode_maskmov(c, !prefix);
	row = insn_vec_row(c, prefix);
	if (!row)
		return DECODE_UNKNOWN;
	set_sizes(c, row);
	insn_take_modrm(c);
	if (row->flags & VEC_GROUP)
		group = c->modrm >> 3 & 7;
	if (row->flags & VEC_IMM)
		insn->imm = insn_next(c, 1);
	if (c->error)
		return c->error;
	if (group < 1 || group > 3)
		return DECODE_UNKNOWN;

	insn->op = row->op + group - 1;
	insn->dst = row->dst;
	insn->src = row->src;
	insn->aligned = row->flags & VEC_ALIGNED ||
			(row->flags & VEC_SSE_ALIGNED && !insn->vex);
	set_mask(c, row);
	result = check(c, row);
	set_registers(c, row);
	return result;
}
