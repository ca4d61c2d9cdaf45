// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions whose prefix (66, F3 or F2, or VEX.pp in their place) is
 * part of the opcode: the vector moves, and what bit-manipulation extensions
 * have added for general registers.
 *
 * A row serves all encodings of an instruction: without VEX, with VEX and with
 * EVEX. EVEX.W is part of the opcode there, hence two sizes of elements.
 */
#include "pure/decode.h"

#define LOAD(_map, _opcode, _prefix, _op, _size, _flags, ...) \
	{ _map, _opcode, _prefix, OP_##_op, OPND_VEC, OPND_MEM, _size, \
	  _flags, { __VA_ARGS__ } }
#define STORE(_map, _opcode, _prefix, _op, _size, _flags, ...) \
	{ _map, _opcode, _prefix, OP_##_op, OPND_MEM, OPND_VEC, _size, \
	  _flags, { __VA_ARGS__ } }
#define LOAD_MMX(_opcode, _op, _size, _flags) \
	{ 1, _opcode, 0, OP_##_op, OPND_MMX, OPND_MEM, _size, \
	  VEC_SSE | (_flags) }
#define STORE_MMX(_opcode, _op, _size, _flags) \
	{ 1, _opcode, 0, OP_##_op, OPND_MEM, OPND_MMX, _size, \
	  VEC_SSE | (_flags) }
#define GPR(_map, _opcode, _prefix, _op, _size, _flags) \
	{ _map, _opcode, _prefix, OP_##_op, OPND_REG, OPND_MEM, _size, \
	  VEC_GPR | (_flags) }

#define ANY	(VEC_SSE | VEC_VEX)
#define ALIGNED	(ANY | VEC_ALIGNED)
#define DUP	(ANY | VEC_SSE_ALIGNED)
#define SCALAR	(ANY | VEC_LIG)
#define HALF	(ANY | VEC_VVVV | VEC_L0 | VEC_NOMASK)
#define STREAM	(ALIGNED | VEC_NOMASK)
#define SHORT	(ANY | VEC_L0 | VEC_NOMASK)
#define PIECE	(SHORT | VEC_IMM)
#define MASKED	(VEC_VEX | VEC_MASKED)
#define BMI	(VEC_VEX | VEC_L0 | VEC_VVVV)

#define VL	VEC_SIZE_VL

static const struct insn_vec_row rows[] = {
	LOAD(1, 0x10, 0, VMOV, VL, ANY, 4, 0),		/* MOVUPS */
	LOAD(1, 0x10, 1, VMOV, VL, ANY, 0, 8),		/* MOVUPD */
	LOAD(1, 0x10, 2, VMOV, 4, SCALAR, 4, 0),	/* MOVSS */
	LOAD(1, 0x10, 3, VMOV, 8, SCALAR, 0, 8),	/* MOVSD */
	STORE(1, 0x11, 0, VMOV, VL, ANY, 4, 0),
	STORE(1, 0x11, 1, VMOV, VL, ANY, 0, 8),
	STORE(1, 0x11, 2, VMOV, 4, SCALAR, 4, 0),
	STORE(1, 0x11, 3, VMOV, 8, SCALAR, 0, 8),
	LOAD(1, 0x12, 0, VMOVL, 8, HALF, 4, 0),		/* MOVLPS */
	LOAD(1, 0x12, 1, VMOVL, 8, HALF, 0, 8),		/* MOVLPD */
	LOAD(1, 0x12, 2, VDUP_EVEN, VL, DUP, 4, 0),	/* MOVSLDUP */
	LOAD(1, 0x12, 3, VDUP_EVEN, VEC_SIZE_DUP, ANY, 0, 8), /* MOVDDUP */
	STORE(1, 0x13, 0, VMOVL, 8, SHORT, 4, 0),
	STORE(1, 0x13, 1, VMOVL, 8, SHORT, 0, 8),
	LOAD(1, 0x16, 0, VMOVH, 8, HALF, 4, 0),		/* MOVHPS */
	LOAD(1, 0x16, 1, VMOVH, 8, HALF, 0, 8),		/* MOVHPD */
	LOAD(1, 0x16, 2, VDUP_ODD, VL, DUP, 4, 0),	/* MOVSHDUP */
	STORE(1, 0x17, 0, VMOVH, 8, SHORT, 4, 0),
	STORE(1, 0x17, 1, VMOVH, 8, SHORT, 0, 8),
	LOAD(1, 0x28, 0, VMOV, VL, ALIGNED, 4, 0),	/* MOVAPS */
	LOAD(1, 0x28, 1, VMOV, VL, ALIGNED, 0, 8),	/* MOVAPD */
	STORE(1, 0x29, 0, VMOV, VL, ALIGNED, 4, 0),
	STORE(1, 0x29, 1, VMOV, VL, ALIGNED, 0, 8),
	STORE(1, 0x2b, 0, VMOV, VL, STREAM, 4, 0),	/* MOVNTPS */
	STORE(1, 0x2b, 1, VMOV, VL, STREAM, 0, 8),	/* MOVNTPD */
	LOAD_MMX(0x6e, VMOV, VEC_SIZE_W, 0),		/* MOVD, MOVQ */
	LOAD(1, 0x6e, 1, VMOV, VEC_SIZE_W, SHORT, 4, 8),
	LOAD_MMX(0x6f, VMOV, 8, 0),			/* MOVQ */
	LOAD(1, 0x6f, 1, VMOV, VL, ALIGNED, 4, 8),	/* MOVDQA */
	LOAD(1, 0x6f, 2, VMOV, VL, ANY, 4, 8),		/* MOVDQU */
	LOAD(1, 0x6f, 3, VMOV, VL, 0, 1, 2),		/* VMOVDQU8, 16 */
	STORE_MMX(0x7e, VMOV, VEC_SIZE_W, 0),
	STORE(1, 0x7e, 1, VMOV, VEC_SIZE_W, SHORT, 4, 8),
	LOAD(1, 0x7e, 2, VMOV, 8, SHORT, 0, 8),		/* MOVQ */
	STORE_MMX(0x7f, VMOV, 8, 0),
	STORE(1, 0x7f, 1, VMOV, VL, ALIGNED, 4, 8),
	STORE(1, 0x7f, 2, VMOV, VL, ANY, 4, 8),
	STORE(1, 0x7f, 3, VMOV, VL, 0, 1, 2),
	LOAD_MMX(0xc4, VINSERT, 2, VEC_IMM),		/* PINSRW */
	LOAD(1, 0xc4, 1, VINSERT, 2, PIECE | VEC_VVVV, 2, 2),
	STORE(1, 0xd6, 1, VMOV, 8, SHORT, 0, 8),	/* MOVQ */
	STORE_MMX(0xe7, VMOV, 8, 0),			/* MOVNTQ */
	STORE(1, 0xe7, 1, VMOV, VL, STREAM, 4, 0),	/* MOVNTDQ */
	LOAD(1, 0xf0, 3, VMOV, VL, ANY),		/* LDDQU */

	LOAD(2, 0x18, 1, VBROADCAST, 4, VEC_VEX | VEC_W0, 4, 0),
	LOAD(2, 0x19, 1, VBROADCAST, 8, VEC_VEX | VEC_W0 | VEC_L1, 4, 8),
	LOAD(2, 0x1a, 1, VBROADCAST, 16, VEC_VEX | VEC_W0 | VEC_L1, 4, 8),
	LOAD(2, 0x1b, 1, VBROADCAST, 32, VEC_L2, 4, 8),
	LOAD(2, 0x2a, 1, VMOV, VL, STREAM, 4, 0),	/* MOVNTDQA */
	LOAD(2, 0x2c, 1, VMOV, VL, MASKED | VEC_W0, 4),	/* VMASKMOVPS */
	LOAD(2, 0x2d, 1, VMOV, VL, MASKED | VEC_W0, 8),	/* VMASKMOVPD */
	STORE(2, 0x2e, 1, VMOV, VL, MASKED | VEC_W0, 4),
	STORE(2, 0x2f, 1, VMOV, VL, MASKED | VEC_W0, 8),
	LOAD(2, 0x58, 1, VBROADCAST, 4, VEC_VEX | VEC_W0, 4, 0),
	LOAD(2, 0x59, 1, VBROADCAST, 8, VEC_VEX | VEC_W0, 4, 8),
	LOAD(2, 0x5a, 1, VBROADCAST, 16, VEC_VEX | VEC_W0 | VEC_L1, 4, 8),
	LOAD(2, 0x5b, 1, VBROADCAST, 32, VEC_L2, 4, 8),
	LOAD(2, 0x78, 1, VBROADCAST, 1, VEC_VEX | VEC_W0, 1, 0),
	LOAD(2, 0x79, 1, VBROADCAST, 2, VEC_VEX | VEC_W0, 2, 0),
	LOAD(2, 0x8c, 1, VMOV, VL, MASKED, 4, 8),	/* VPMASKMOV */
	STORE(2, 0x8e, 1, VMOV, VL, MASKED, 4, 8),

	STORE(3, 0x14, 1, VEXTRACT, 1, PIECE, 1, 1),	/* PEXTRB */
	STORE(3, 0x15, 1, VEXTRACT, 2, PIECE, 2, 2),	/* PEXTRW */
	STORE(3, 0x16, 1, VEXTRACT, VEC_SIZE_W, PIECE, 4, 8),
	STORE(3, 0x17, 1, VEXTRACT, 4, PIECE, 4, 4),	/* EXTRACTPS */
	LOAD(3, 0x18, 1, VINSERT, 16,			/* VINSERTF128 */
	     VEC_VEX | VEC_VVVV | VEC_IMM | VEC_L1 | VEC_W0),
	STORE(3, 0x19, 1, VEXTRACT, 16,			/* VEXTRACTF128 */
	      VEC_VEX | VEC_IMM | VEC_L1 | VEC_W0),
	LOAD(3, 0x20, 1, VINSERT, 1, PIECE | VEC_VVVV, 1, 1),
	LOAD(3, 0x21, 1, VINSERTPS, 4, PIECE | VEC_VVVV, 4, 0),
	LOAD(3, 0x22, 1, VINSERT, VEC_SIZE_W, PIECE | VEC_VVVV, 4, 8),
	LOAD(3, 0x38, 1, VINSERT, 16,			/* VINSERTI128 */
	     VEC_VEX | VEC_VVVV | VEC_IMM | VEC_L1 | VEC_W0),
	STORE(3, 0x39, 1, VEXTRACT, 16,			/* VEXTRACTI128 */
	      VEC_VEX | VEC_IMM | VEC_L1 | VEC_W0),

	GPR(2, 0xf0, 3, CRC32, 1, VEC_SSE),
	GPR(2, 0xf1, 3, CRC32, VEC_SIZE_66, VEC_SSE),
	GPR(2, 0xf2, 0, ANDN, VEC_SIZE_W, BMI),
	GPR(2, 0xf3, 0, BLSR, VEC_SIZE_W, BMI | VEC_GROUP),
	GPR(2, 0xf5, 0, BZHI, VEC_SIZE_W, BMI),
	GPR(2, 0xf5, 2, PEXT, VEC_SIZE_W, BMI),
	GPR(2, 0xf5, 3, PDEP, VEC_SIZE_W, BMI),
	GPR(2, 0xf6, 1, ADCX, VEC_SIZE_W, VEC_SSE),
	GPR(2, 0xf6, 2, ADOX, VEC_SIZE_W, VEC_SSE),
	GPR(2, 0xf6, 3, MULX, VEC_SIZE_W, BMI),
	GPR(2, 0xf7, 0, BEXTR, VEC_SIZE_W, BMI),
	GPR(2, 0xf7, 1, SHLX, VEC_SIZE_W, BMI),
	GPR(2, 0xf7, 2, SARX, VEC_SIZE_W, BMI),
	GPR(2, 0xf7, 3, SHRX, VEC_SIZE_W, BMI),
	GPR(3, 0xf0, 3, RORX, VEC_SIZE_W, VEC_VEX | VEC_L0 | VEC_IMM),
};

static bool encoding_fits(const struct insn_cursor *c,
			  const struct insn_vec_row *row)
{
	if (c->insn->evex)
		return !(row->flags & (VEC_MASKED | VEC_GPR)) &&
		       row->elsize[c->vex_w];
	return row->flags & (c->insn->vex ? VEC_VEX : VEC_SSE);
}

/**
 * insn_vec_row() - look an opcode with a prefix up
 * @c: after the opcode
 * @prefix: by VEX.pp
 *
 * Return: its row; or NULL, also if there is none in this encoding.
 */
const struct insn_vec_row *insn_vec_row(const struct insn_cursor *c,
					unsigned int prefix)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].map == c->map && rows[i].opcode == c->opcode &&
		    rows[i].prefix == prefix && encoding_fits(c, &rows[i]))
			return &rows[i];
	return NULL;
}
