// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's vector registers. While a vCPU's thread is in KVM_RUN, its FPU
 * state is the guest's: in the CPU, or, after the kernel has used the FPU
 * itself, in memory, from where it is loaded back first.
 *
 * A register's number is part of the instruction, hence the table of moves.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#include "emul/internal.h"

struct vector {
	u8 bytes[32];
};

#define MOVES(n)							\
static void load_xmm##n(const struct vector *v)				\
{									\
	asm volatile("movdqu %0, %%xmm" #n : : "m" (*v));		\
}									\
static void store_xmm##n(struct vector *v)				\
{									\
	asm volatile("movdqu %%xmm" #n ", %0" : "=m" (*v));		\
}									\
static void load_ymm##n(const struct vector *v)				\
{									\
	asm volatile("vmovdqu %0, %%ymm" #n : : "m" (*v));		\
}									\
static void store_ymm##n(struct vector *v)				\
{									\
	asm volatile("vmovdqu %%ymm" #n ", %0" : "=m" (*v));		\
}

MOVES(0)
MOVES(1)
MOVES(2)
MOVES(3)
MOVES(4)
MOVES(5)
MOVES(6)
MOVES(7)
MOVES(8)
MOVES(9)
MOVES(10)
MOVES(11)
MOVES(12)
MOVES(13)
MOVES(14)
MOVES(15)

#define ROW(n)	{ load_xmm##n, store_xmm##n, load_ymm##n, store_ymm##n }

static const struct {
	void (*load_xmm)(const struct vector *v);
	void (*store_xmm)(struct vector *v);
	void (*load_ymm)(const struct vector *v);
	void (*store_ymm)(struct vector *v);
} moves[16] = {
	ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7),
	ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15),
};

static void guest_fpu_lock(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* A guest without AVX can still put an AVX instruction under lvx's nose. */
bool vector_usable(unsigned int len)
{
	return len <= 16 || boot_cpu_has(X86_FEATURE_AVX);
}

/**
 * vector_get() - read a vector register of the guest
 * @reg: 0 to 15
 * @data: receives it
 * @len: 16, or 32 if the CPU has AVX
 */
void vector_get(u8 reg, void *data, unsigned int len)
{
	struct vector v;

	reg = array_index_nospec(reg & 15, ARRAY_SIZE(moves));
	guest_fpu_lock();
	if (len == 32)
		moves[reg].store_ymm(&v);
	else
		moves[reg].store_xmm(&v);
	fpregs_unlock();
	memcpy(data, &v, len);
}

/**
 * vector_set() - write a vector register of the guest
 * @reg: 0 to 15
 * @data: its new value
 * @len: 16: the rest stays; 32: what is above becomes zero
 */
void vector_set(u8 reg, const void *data, unsigned int len)
{
	struct vector v = {};

	memcpy(&v, data, len);
	reg = array_index_nospec(reg & 15, ARRAY_SIZE(moves));
	guest_fpu_lock();
	if (len == 32)
		moves[reg].load_ymm(&v);
	else
		moves[reg].load_xmm(&v);
	fpregs_unlock();
}
