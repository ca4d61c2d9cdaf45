/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the ioctl fuzz share: the world that calls are made in, and
 * the calls. fuzz.c counts and compares, fuzz_world.c makes worlds, fuzz_calls.c
 * makes calls, fuzz_args.c their arguments.
 */
#ifndef LVX_TEST_FUZZ_H
#define LVX_TEST_FUZZ_H

#include "lib.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define NR_VMS		2
#define NR_VCPUS	4
#define NR_EVENTFDS	6
#define NR_SLOTS	(NR_VMS * NR_VCPUS)
#define MEMORY		(2 * MIB)
/* Mappings of vCPUs that stay, with or without their descriptor. */
#define NR_RUNS		16
/* What the longest structure takes, with an array behind it. */
#define ARG_SIZE	(4 * PAGE)

/*
 * All that threads share. Descriptors come and go under them: -1 is none, and
 * one that another thread just closed is part of the test.
 *
 * The guests' memory is a file, so that it holds what it held when it is mapped
 * again: code that ends soon, wherever a guest comes to run.
 */
struct world {
	int sys, memfd;
	int vm[NR_VMS];
	int vcpu[NR_SLOTS];
	void *run[NR_SLOTS];
	uint8_t *run_area;	/* where those are mapped, one after the other */
	uint32_t nr_runs;
	int eventfd[NR_EVENTFDS];
	int other;		/* a descriptor of another kind */
	size_t run_size;
	uint8_t *memory;	/* mapped, or not, at this moment */
	bool alone;		/* one thread, and nothing left to time */
	bool log;		/* what calls are made on, and their arguments */
};

/* One thread's luck. Equal seeds make equal calls, whatever these return. */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);

static inline uint32_t below(struct rng *rng, uint32_t n)
{
	return (rng_next(rng) >> 32) * n >> 32;
}

static inline bool one_in(struct rng *rng, uint32_t n)
{
	return !below(rng, n);
}

/* Values at which something changes: of a word, of a guest's addresses, ... */
uint64_t edge(struct rng *rng);
uint64_t gpa(struct rng *rng);
uint64_t slot_size(struct rng *rng);
uint64_t gsi(struct rng *rng);
uint64_t vcpu_id(struct rng *rng);
uint64_t port(struct rng *rng);
uint64_t msr(struct rng *rng);
/* One that leads to memory, mostly. */
void *pointer(struct world *w, struct rng *rng);
/* A few words are not what they were. */
void spoil(struct rng *rng, void *arg, size_t size);

/* Write an argument of ARG_SIZE, zeroed before. */
typedef void fill_fn(struct world *w, struct rng *rng, void *arg);

fill_fn fill_region, fill_dirty, fill_clear, fill_line, fill_msi,
	fill_routing, fill_irqfd, fill_ioeventfd, fill_zone, fill_cap,
	fill_chip, fill_pit, fill_filter, fill_msrs, fill_cpuid,
	fill_count, fill_tr, fill_debug, fill_interrupt, fill_mp,
	fill_sigmask, fill_attr, fill_edges, fill_noise;

/* What came of a call. */
struct outcome {
	const char *name;
	int ret;		/* 0 for all that is not an error, or -errno */
	bool timed;		/* depends on when, not only on what */
	unsigned int cap;	/* what it asks for; 0: for nothing special */
};

void world_make(struct world *w, const char *node);
/* Some of the guest's memory, from its file. */
void map_memory(struct world *w, uint32_t page, uint32_t n, int prot);
void log_call(const struct world *w, int fd, const void *at, const uint8_t *arg);
/* One call on @w; @arg is ARG_SIZE bytes of the thread's own. */
struct outcome call(struct world *w, struct rng *rng, uint8_t *arg);

#endif
