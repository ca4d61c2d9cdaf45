// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's vector, MMX and opmask registers. While a vCPU's thread is in
 * KVM_RUN, its FPU state is the guest's: in the CPU, or, after the kernel has
 * used the FPU itself, in memory, from where it is loaded back first.
 *
 * A register's number is part of the instruction, hence the tables of moves.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#include "emul/internal.h"

struct vector {
	u8 bytes[EXEC_MAX_LEN];
};

struct move {
	bool (*load)(const struct vector *v);
	bool (*store)(struct vector *v);
};

/*
 * An x87 exception that the guest has pending comes out at its next MMX
 * instruction, which may be one of these.
 */
#define MOVE(insn, file, n)						\
static bool load_##file##n(const struct vector *v)			\
{									\
	bool failed = true;						\
									\
	asm volatile("1: " insn " %1, %%" #file #n "\n\t"		\
		     "movb $0, %0\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+q" (failed) : "m" (*v));			\
	return !failed;							\
}									\
static bool store_##file##n(struct vector *v)				\
{									\
	bool failed = true;						\
									\
	asm volatile("1: " insn " %%" #file #n ", %1\n\t"		\
		     "movb $0, %0\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+q" (failed), "=m" (*v));			\
	return !failed;							\
}

#define MOVES_8(insn, file, a, b, c, d, e, f, g, h)			\
	MOVE(insn, file, a) MOVE(insn, file, b)				\
	MOVE(insn, file, c) MOVE(insn, file, d)				\
	MOVE(insn, file, e) MOVE(insn, file, f)				\
	MOVE(insn, file, g) MOVE(insn, file, h)

#define ROW(file, n)	{ load_##file##n, store_##file##n }
#define ROWS_8(file, a, b, c, d, e, f, g, h)				\
	ROW(file, a), ROW(file, b), ROW(file, c), ROW(file, d),		\
	ROW(file, e), ROW(file, f), ROW(file, g), ROW(file, h)

MOVES_8("movq", mm, 0, 1, 2, 3, 4, 5, 6, 7)
MOVES_8("kmovq", k, 0, 1, 2, 3, 4, 5, 6, 7)
MOVES_8("movdqu", xmm, 0, 1, 2, 3, 4, 5, 6, 7)
MOVES_8("movdqu", xmm, 8, 9, 10, 11, 12, 13, 14, 15)
MOVES_8("vmovdqu", ymm, 0, 1, 2, 3, 4, 5, 6, 7)
MOVES_8("vmovdqu", ymm, 8, 9, 10, 11, 12, 13, 14, 15)
MOVES_8("vmovdqu64", zmm, 0, 1, 2, 3, 4, 5, 6, 7)
MOVES_8("vmovdqu64", zmm, 8, 9, 10, 11, 12, 13, 14, 15)
MOVES_8("vmovdqu64", zmm, 16, 17, 18, 19, 20, 21, 22, 23)
MOVES_8("vmovdqu64", zmm, 24, 25, 26, 27, 28, 29, 30, 31)

static const struct move mmx[] = {
	ROWS_8(mm, 0, 1, 2, 3, 4, 5, 6, 7),
};

static const struct move mask[] = {
	ROWS_8(k, 0, 1, 2, 3, 4, 5, 6, 7),
};

static const struct move xmm[] = {
	ROWS_8(xmm, 0, 1, 2, 3, 4, 5, 6, 7),
	ROWS_8(xmm, 8, 9, 10, 11, 12, 13, 14, 15),
};

static const struct move ymm[] = {
	ROWS_8(ymm, 0, 1, 2, 3, 4, 5, 6, 7),
	ROWS_8(ymm, 8, 9, 10, 11, 12, 13, 14, 15),
};

static const struct move zmm[] = {
	ROWS_8(zmm, 0, 1, 2, 3, 4, 5, 6, 7),
	ROWS_8(zmm, 8, 9, 10, 11, 12, 13, 14, 15),
	ROWS_8(zmm, 16, 17, 18, 19, 20, 21, 22, 23),
	ROWS_8(zmm, 24, 25, 26, 27, 28, 29, 30, 31),
};

static const struct move *row(const struct move *rows, unsigned int nr, u8 reg)
{
	return reg < nr ? &rows[array_index_nospec(reg, nr)] : NULL;
}

/*
 * NULL: the CPU has no such register. A guest without AVX can still put an AVX
 * instruction under lvx's nose.
 */
static const struct move *find(enum insn_operand file, u8 reg, u8 len)
{
	if (file == OPND_MMX)
		return row(mmx, ARRAY_SIZE(mmx), reg);
	if (file == OPND_MASK)
		return boot_cpu_has(X86_FEATURE_AVX512BW) ?
		       row(mask, ARRAY_SIZE(mask), reg) : NULL;
	if (len > 32 || reg >= ARRAY_SIZE(xmm))
		return boot_cpu_has(X86_FEATURE_AVX512F) ?
		       row(zmm, ARRAY_SIZE(zmm), reg) : NULL;
	if (len > 16)
		return boot_cpu_has(X86_FEATURE_AVX) ?
		       row(ymm, ARRAY_SIZE(ymm), reg) : NULL;
	return row(xmm, ARRAY_SIZE(xmm), reg);
}

static void guest_fpu_lock(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/**
 * vector_get() - read a register of the guest
 * @file: OPND_VEC, _MMX or _MASK
 * @reg: its number
 * @data: receives it
 * @len: of a vector register 16, 32 or 64 bytes, else 8
 *
 * Return: false if there is no such register, or it can't be read.
 */
bool vector_get(enum insn_operand file, u8 reg, void *data, u8 len)
{
	const struct move *move = find(file, reg, len);
	struct vector v;
	bool ok;

	if (!move)
		return false;
	guest_fpu_lock();
	ok = move->store(&v);
	fpregs_unlock();
	if (ok)
		memcpy(data, &v, len);
	return ok;
}

/**
 * vector_set() - write a register of the guest
 * @file: OPND_VEC or OPND_MMX
 * @reg: its number
 * @data: its new value
 * @len: of a vector register 16: the rest stays; 32 or 64: what is above
 *	 becomes zero; else 8
 *
 * Return: false if there is no such register, or it can't be written.
 */
bool vector_set(enum insn_operand file, u8 reg, const void *data, u8 len)
{
	const struct move *move = find(file, reg, len);
	struct vector v = {};
	bool ok;

	if (!move)
		return false;
	memcpy(&v, data, len);
	guest_fpu_lock();
	ok = move->load(&v);
	fpregs_unlock();
	return ok;
}
