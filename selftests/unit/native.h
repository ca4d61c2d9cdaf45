/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs one instruction on the CPU that the test runs on, with chosen registers,
 * flags, MMX, vector and opmask registers (as far as the CPU has them), on
 * memory at a known address.
 *
 * The code that loads and stores the registers is put together here, byte by
 * byte, and everything lies below 2 GiB, because then all 16 registers are the
 * instruction's own: the state is reached by absolute addresses.
 */
#ifndef LVX_UNIT_NATIVE_H
#define LVX_UNIT_NATIVE_H

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "pure/pure.h"

#define NATIVE_MEM	0x20000000ULL
#define NATIVE_MEM_SIZE	0x4000
#define NATIVE_CODE	0x21000000ULL
#define NATIVE_STATE	0x22000000ULL

struct native_state {
	u64 gpr[16];
	u64 rflags;
	u64 host_rsp;
	u64 mmx[8];
	u64 mask[8];
	u64 pad[6];
	u8 vec[32][64];
};

static struct native_state * const native_state = (void *)NATIVE_STATE;
static u8 * const native_mem = (void *)NATIVE_MEM;
static bool native_avx, native_avx512;

static sigjmp_buf native_escape;
static int native_signal;

static u8 *native_pos;

static void emit(unsigned int nr, const u8 *bytes)
{
	memcpy(native_pos, bytes, nr);
	native_pos += nr;
}

static void emit_address(u64 address)
{
	u32 address32 = address;

	emit(4, (u8 *)&address32);
}

/* mov between a register and the state; @opcode 0x8b loads, 0x89 stores. */
static void emit_gpr(u8 opcode, unsigned int reg, const void *where)
{
	emit(4, (u8[]){ 0x48 | (reg & 8) >> 1, opcode, (reg & 7) << 3 | 4, 0x25 });
	emit_address((u64)(uintptr_t)where);
}

/* How much of a vector register there is. */
static unsigned int native_vec_len(void)
{
	if (native_avx512)
		return 64;
	return native_avx ? 32 : 16;
}

static unsigned int native_nr_vecs(void)
{
	return native_avx512 ? 32 : 16;
}

/* movdqu, vmovdqu or vmovdqu64; @opcode 0x6f loads, 0x7f stores. */
static void emit_vec(u8 opcode, unsigned int reg)
{
	u8 modrm = (reg & 7) << 3 | 4;

	if (native_avx512)
		emit(7, (u8[]){ 0x62, 0xf1 ^ (reg & 8) << 4 ^ (reg & 16), 0xfe,
				0x48, opcode, modrm, 0x25 });
	else if (native_avx)
		emit(5, (u8[]){ 0xc5, reg & 8 ? 0x7e : 0xfe, opcode, modrm, 0x25 });
	else
		emit(6, (u8[]){ 0xf3, 0x40 | (reg & 8) >> 1, 0x0f, opcode, modrm, 0x25 });
	emit_address((u64)(uintptr_t)native_state->vec[reg]);
}

/* movq; @opcode as above. */
static void emit_mmx(u8 opcode, unsigned int reg)
{
	emit(4, (u8[]){ 0x0f, opcode, reg << 3 | 4, 0x25 });
	emit_address((u64)(uintptr_t)&native_state->mmx[reg]);
}

/* kmovq; @opcode 0x90 loads, 0x91 stores. */
static void emit_mask(u8 opcode, unsigned int reg)
{
	emit(6, (u8[]){ 0xc4, 0xe1, 0xf8, opcode, reg << 3 | 4, 0x25 });
	emit_address((u64)(uintptr_t)&native_state->mask[reg]);
}

static void emit_all(u8 gpr_opcode, u8 vec_opcode)
{
	unsigned int i;

	for (i = 0; i < native_nr_vecs(); i++)
		emit_vec(vec_opcode, i);
	for (i = 0; i < 8; i++)
		emit_mmx(vec_opcode, i);
	for (i = 0; native_avx512 && i < 8; i++)
		emit_mask(vec_opcode == 0x6f ? 0x90 : 0x91, i);
	for (i = 0; i < 16; i++)
		emit_gpr(gpr_opcode, i, &native_state->gpr[i]);
}

/* Flags are as at the fault; with AC among them C code wouldn't get far. */
static void native_on_signal(int nr)
{
	__builtin_ia32_writeeflags_u64(2);
	native_signal = nr;
	siglongjmp(native_escape, 1);
}

/* Returns false if the memory isn't to be had. */
static inline bool native_init(void)
{
	static u8 stack[65536];
	struct sigaction sa = { .sa_handler = native_on_signal,
				.sa_flags = SA_ONSTACK | SA_NODEFER };
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	static bool done;
	unsigned int i;

	if (done)
		return true;
	native_avx = __builtin_cpu_supports("avx");
	native_avx512 = __builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512dq") &&
			__builtin_cpu_supports("avx512vl");
	if (mmap(native_mem, NATIVE_MEM_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != native_mem ||
	    mmap(native_state, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != native_state ||
	    mmap((void *)NATIVE_CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)NATIVE_CODE)
		return false;
	sigaltstack(&ss, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	done = true;
	return true;
}

/* Where the instruction itself will be, for RIP-relative addresses. */
static inline u64 native_rip(void)
{
	static const u8 save[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41,
				   0x56, 0x41, 0x57 };

	native_pos = (u8 *)NATIVE_CODE;
	emit(sizeof(save), save);
	emit_gpr(0x89, 4, &native_state->host_rsp);
	/* push rflags; popfq */
	emit(3, (u8[]){ 0xff, 0x34, 0x25 });
	emit_address((u64)(uintptr_t)&native_state->rflags);
	emit(1, (u8[]){ 0x9d });
	emit_all(0x8b, 0x6f);
	return (u64)(uintptr_t)native_pos;
}

/*
 * clang's sanitizer, from clang 17 on, looks for a function's type in the bytes
 * before it, where this code has no memory at all.
 */
#ifdef __clang__
__attribute__((no_sanitize("function")))
#endif
/* Returns 0, or the signal that the instruction ended with. */
static inline int native_run(const u8 *insn, unsigned int len)
{
	static const u8 restore[] = { 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41,
				      0x5c, 0x5d, 0x5b, 0xc3 };
	void (*code)(void) = (void (*)(void))NATIVE_CODE;

	native_rip();
	emit(len, insn);
	emit_all(0x89, 0x7f);
	emit_gpr(0x8b, 4, &native_state->host_rsp);
	/* pushfq; pop rflags; push $2; popfq; emms; vzeroupper */
	emit(4, (u8[]){ 0x9c, 0x8f, 0x04, 0x25 });
	emit_address((u64)(uintptr_t)&native_state->rflags);
	emit(3, (u8[]){ 0x6a, 0x02, 0x9d });
	emit(2, (u8[]){ 0x0f, 0x77 });
	if (native_avx)
		emit(3, (u8[]){ 0xc5, 0xf8, 0x77 });
	emit(sizeof(restore), restore);

	native_signal = 0;
	if (!sigsetjmp(native_escape, 0))
		code();
	return native_signal;
}

#endif
