/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvmclock for guest code: the page that the hypervisor keeps for a vCPU, and
 * the time that it gives.
 */
#ifndef LVX_TEST_PVCLOCK_H
#define LVX_TEST_PVCLOCK_H

#include "guest.h"

#define MSR_SYSTEM_TIME		0x4b564d01
#define PVCLOCK_ENABLE		1
#define PVCLOCK_STABLE		1		/* in flags */
#define PVCLOCK_PAUSED		2

/* The layout is the ABI's: struct pvclock_vcpu_time_info. */
struct time_info {
	uint32_t version, pad;
	uint64_t tsc, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
} __attribute__((aligned(64)));

static inline uint64_t pvclock_scale(uint64_t ticks, uint32_t mul, int8_t shift)
{
	if (shift < 0)
		ticks >>= -shift;
	else
		ticks <<= shift;
	return (unsigned __int128)ticks * mul >> 32;
}

/* An odd version is one that is being written. */
static inline uint64_t pvclock_ns(volatile struct time_info *info)
{
	uint32_t version;
	uint64_t ns;

	do {
		version = info->version & ~1U;
		asm volatile("lfence" ::: "memory");
		ns = info->system_time + pvclock_scale(rdtsc() - info->tsc,
						       info->mul, info->shift);
		asm volatile("lfence" ::: "memory");
	} while (version != info->version);
	return ns;
}

#endif
