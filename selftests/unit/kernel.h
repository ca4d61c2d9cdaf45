/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel names that module/pure uses, for user space. Nothing but the
 * meaning that they have in the kernel; test_pure.c holds it to that. Add a
 * name here when pure code comes to need it.
 */
#ifndef LVX_UNIT_KERNEL_H
#define LVX_UNIT_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As in the kernel, 64-bit types are long long, so that %llx always fits. */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#define U64_MAX			(~0ULL)
#define S64_MAX			((s64)(U64_MAX >> 1))
#define U32_MAX			(~0U)

#define BITS_PER_LONG		64
#define BIT(nr)			(1UL << (nr))
#define BIT_ULL(nr)		(1ULL << (nr))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define lower_32_bits(n)	((u32)((n) & 0xffffffff))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))

#define min_t(t, a, b) \
	({ t __a = (t)(a); t __b = (t)(b); __a < __b ? __a : __b; })
#define max_t(t, a, b) \
	({ t __a = (t)(a); t __b = (t)(b); __a > __b ? __a : __b; })
#define min(a, b) \
	({ typeof(a) __a = (a); typeof(b) __b = (b); \
	   (void)(&__a == &__b); __a < __b ? __a : __b; })
#define max(a, b) \
	({ typeof(a) __a = (a); typeof(b) __b = (b); \
	   (void)(&__a == &__b); __a > __b ? __a : __b; })
#define clamp(v, lo, hi)	min((typeof(v))max(v, lo), hi)
#define swap(a, b) \
	do { typeof(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#define static_assert(e, ...)	__static_assert(e, ##__VA_ARGS__, #e)
#define __static_assert(e, m, ...)	_Static_assert(e, m)

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))

#undef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#define __must_check		__attribute__((__warn_unused_result__))
#define __packed		__attribute__((__packed__))
#define __aligned(x)		__attribute__((__aligned__(x)))
#define __maybe_unused		__attribute__((__unused__))
#define fallthrough		__attribute__((__fallthrough__))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

/* Speculation is no concern of a unit test; the bound itself is. */
#define array_index_nospec(i, size)	((i) < (size) ? (i) : 0)

/*
 * Bit searches: fls() counts from 1 with 0 for none, __fls() and __ffs()
 * count from 0 and want a set bit.
 */
static inline int fls(u32 x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline unsigned long __fls(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

static inline unsigned long __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline unsigned int hweight8(u32 x)
{
	return __builtin_popcount(x & 0xff);
}

static inline unsigned int hweight16(u32 x)
{
	return __builtin_popcount(x & 0xffff);
}

static inline unsigned int hweight32(u32 x)
{
	return __builtin_popcount(x);
}

static inline unsigned long hweight64(u64 x)
{
	return __builtin_popcountll(x);
}

static inline u64 rol64(u64 x, unsigned int n)
{
	return (x << (n & 63)) | (x >> (-n & 63));
}

static inline s64 sign_extend64(u64 x, int top_bit)
{
	return (s64)(x << (63 - top_bit)) >> (63 - top_bit);
}

/* 64-bit arithmetic whose intermediate product has more bits. */
static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (u64)((unsigned __int128)a * mul / div);
}

static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((unsigned __int128)a * b) >> shift);
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (u64)((unsigned __int128)a * b / c);
}

#endif /* LVX_UNIT_KERNEL_H */
