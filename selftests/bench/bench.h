/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bench's files share: the row, and the two ways of counting.
 *
 * Where nothing but guest and hypervisor is involved, each round takes the same
 * ticks, and the row is their mean. Where the host's scheduler and clock have
 * part in it, the row is the median of single rounds.
 */
#ifndef LVX_BENCH_H
#define LVX_BENCH_H

#include "guest.h"
#include "lib.h"

#define LOOPS		1000
#define ROUNDS		101

#define PORT_USER	0x520	/* IN that user space serves */

/**
 * struct row - one figure
 * @name: first column
 * @guest: vCPU 0's code; ends with the figure in @result and guest_sync()
 * @setup: what the VM needs besides, or NULL
 * @setup_cpu: what vCPU 0 needs besides, or NULL
 * @guest2: vCPU 1's code, which it runs in a thread of its own, or NULL
 * @served: what user space does at PORT_USER, or NULL
 * @poke: what a thread of the host does each time the guest wants it, or NULL
 * @once: the first run is what counts
 * @unsteady: its rounds are not alike, so none can be taken for all
 */
struct row {
	const char *name;
	void (*guest)(void);
	void (*setup)(struct vm *vm);
	void (*setup_cpu)(struct vcpu *v);
	void (*guest2)(void);
	void (*served)(struct vm *vm);
	void (*poke)(struct vm *vm);
	bool once;
	bool unsteady;
};

extern uint64_t result;
extern bool tracing;

/* Where the emulator begins to write down what it does, if asked to. */
static inline void trace_point(void)
{
	if (tracing)
		asm volatile("xchg %%bx, %%bx" ::: "memory");
}

/* Ticks of LOOPS times @body, less those of the loop itself. */
#define MEASURE(body) do {						\
	uint64_t start_, empty_;					\
	unsigned int i_;						\
									\
	start_ = rdtsc();						\
	for (i_ = 0; i_ < LOOPS; i_++)					\
		asm volatile("" ::: "memory");				\
	empty_ = rdtsc() - start_;					\
	trace_point();							\
	start_ = rdtsc();						\
	for (i_ = 0; i_ < LOOPS; i_++) {				\
		body;							\
		asm volatile("" ::: "memory");				\
	}								\
	result = (rdtsc() - start_ - empty_) / LOOPS;			\
	guest_sync(0);							\
} while (0)

/* An eventfd that a write of the guest signals; it stays open to the end. */
int new_ioeventfd(struct vm *vm, uint64_t addr, uint32_t len, uint32_t flags);
/* Run to the guest's guest_sync(). */
void serve(struct vcpu *v, const struct row *row);

/* irq.c */
extern const struct row irq_rows[];
extern const unsigned int nr_irq_rows;
void serve_with_threads(struct vcpu *v, const struct row *row);

#endif
