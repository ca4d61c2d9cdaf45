// SPDX-License-Identifier: GPL-2.0
/*
 * The guest page-table walker: every paging mode and page size, each rule of
 * "Determination of Access Rights" with its opposite, reserved bits, accessed
 * and dirty flags, and entries that change under the walk.
 */
#include "pure/walk.h"
#include "tap.h"

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define NX	BIT_ULL(63)
#define KEY(n)	((u64)(n) << 59)

#define CR0_WP	BIT_ULL(16)
#define CR0_PG	BIT_ULL(31)
#define PSE	BIT_ULL(4)
#define PAE	BIT_ULL(5)
#define LA57	BIT_ULL(12)
#define SMEP	BIT_ULL(20)
#define SMAP	BIT_ULL(21)
#define PKE	BIT_ULL(22)
#define LMA	BIT_ULL(10)
#define NXE	BIT_ULL(11)
#define AC	BIT_ULL(18)

/* Paging structures live in eight pages; beyond there is no memory. */
#define PAGES	8
static u64 memory[PAGES * 512];
static unsigned int nr_exchanges, nr_lost;

static int read_memory(void *opaque, u64 gpa, void *data, unsigned int len)
{
	if (gpa > sizeof(memory) - len)
		return -14;
	memcpy(data, (u8 *)memory + gpa, len);
	return 0;
}

/* Loses the first nr_lost times: another CPU was faster. */
static int exchange(void *opaque, u64 gpa, u64 *old, u64 new, unsigned int len)
{
	u64 now = 0;

	nr_exchanges++;
	if (nr_lost) {
		nr_lost--;
		return 1;
	}
	EXPECT(gpa <= sizeof(memory) - len);
	memcpy(&now, (u8 *)memory + gpa, len);
	EXPECT_EQ(now, *old);
	memcpy((u8 *)memory + gpa, &new, len);
	return 0;
}

static const struct walk_memory mem = { NULL, read_memory, exchange };
static const struct walk_memory untouched = { NULL, read_memory, NULL };

static struct walk_cpu cpu;
static struct walk w;

/* Page 1 points to 2, that to 3 and so on, by entry 0; the last one maps. */
static void chain(unsigned int levels, u64 leaf)
{
	unsigned int i;

	memset(memory, 0, sizeof(memory));
	for (i = 1; i < levels; i++)
		memory[512 * i] = (i + 1) << 12 | P | W | U;
	memory[512 * levels] = leaf;
	nr_exchanges = 0;
	nr_lost = 0;
}

static void long_mode(void)
{
	cpu = (struct walk_cpu) {
		.cr0 = CR0_PG | CR0_WP | 1, .cr3 = 0x1000, .cr4 = PAE,
		.efer = LMA | NXE, .cpl = 0, .maxphyaddr = 40, .page_1g = true,
	};
}

static enum walk_result walk(u64 la, enum walk_access access)
{
	return walk_page_tables(&cpu, &mem, la, access, &w);
}

TEST(walk_without_paging)
{
	cpu = (struct walk_cpu) { .cr0 = 1, .maxphyaddr = 36 };
	EXPECT_EQ(walk(0x1234567890, WALK_WRITE), WALK_OK);
	EXPECT_EQ(w.gpa, 0x34567890);
	EXPECT_EQ(w.nr, 0);
}

TEST(walk_page_sizes)
{
	long_mode();
	chain(4, 0xabcd000 | P | W);
	EXPECT_EQ(walk(0xfff, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0xabcdfff);
	EXPECT_EQ(w.page_shift, 12);
	EXPECT_EQ(w.nr, 4);
	chain(3, 0x40000000 | P | W | PS);
	EXPECT_EQ(walk(0x1fedcb, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0x401fedcb);
	EXPECT_EQ(w.page_shift, 21);
	chain(2, 0xc0000000 | P | W | PS);
	EXPECT_EQ(walk(0x3fedcba9, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0xffedcba9);
	EXPECT_EQ(w.page_shift, 30);

	cpu.cr4 |= LA57;
	chain(5, 0xabcd000 | P | W);
	EXPECT_EQ(walk(0x123, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0xabcd123);
	EXPECT_EQ(w.nr, 5);
}

TEST(walk_indices)
{
	u64 la = (5ULL << 39) | (6ULL << 30) | (7ULL << 21) | (8 << 12) | 9;

	long_mode();
	chain(4, 0);
	memory[512 + 5] = 0x2000 | P;
	memory[1024 + 6] = 0x3000 | P;
	memory[1536 + 7] = 0x4000 | P;
	memory[2048 + 8] = 0x7654321000 | P;
	EXPECT_EQ(walk(la, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0x7654321009);
	EXPECT_EQ(w.entries[3].gpa, 0x4040);
	/* Bits 63:48 are the sign and index nothing. */
	memory[512 + 511] = 0x2000 | P;
	EXPECT_EQ(walk(0xffff800000000000 | (0xffULL << 39) |
		       (la & 0x7fffffffff), WALK_READ), WALK_OK);
}

TEST(walk_pae)
{
	cpu = (struct walk_cpu) {
		.cr0 = CR0_PG | 1, .cr4 = PAE, .maxphyaddr = 40,
		.pdpte = { 0, 0, 0, 0x1000 | P },
	};
	chain(2, 0x12345000 | P | W);
	EXPECT_EQ(walk(0xc0000fff, WALK_WRITE), WALK_OK);
	EXPECT_EQ(w.gpa, 0x12345fff);
	EXPECT_EQ(w.nr, 2);
	EXPECT_EQ(walk(0x80000fff, WALK_WRITE), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_WRITE);
	chain(1, 0x12200000 | P | W | PS);
	EXPECT_EQ(walk(0xc01fffff, WALK_WRITE), WALK_OK);
	EXPECT_EQ(w.gpa, 0x123fffff);
	/* Bits 62:52 are reserved here, ignored in long mode. */
	chain(2, 0x12345000 | P | W | 1ULL << 52);
	EXPECT_EQ(walk(0xc0000fff, WALK_READ), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_PRESENT | WALK_PF_RESERVED);
}

TEST(walk_32_bit)
{
	u32 *entries = (u32 *)memory;

	cpu = (struct walk_cpu) {
		.cr0 = CR0_PG | 1, .cr3 = 0x1000, .cr4 = PSE, .maxphyaddr = 36,
	};
	memset(memory, 0, sizeof(memory));
	entries[1024 + 0x3ff] = 0x2000 | P | W;
	entries[2048 + 0x155] = 0xfedcb000 | P | W;
	EXPECT_EQ(walk(0xffd55123, WALK_WRITE), WALK_OK);
	EXPECT_EQ(w.gpa, 0xfedcb123);
	EXPECT_EQ(w.entry_size, 4);
	EXPECT_EQ(entries[1024 + 0x3ff], 0x2000 | P | W | A);
	EXPECT_EQ(entries[2048 + 0x155], 0xfedcb000 | P | W | A | D);

	/* PSE-36: bits 35:32 in bits 16:13; above them reserved, and bit 21. */
	entries[1024 + 1] = 0x40000000 | 0xf << 13 | P | PS;
	EXPECT_EQ(walk(0x7fffff, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0xf403fffff);
	EXPECT_EQ(w.page_shift, 22);
	entries[1024 + 1] = 0x40000000 | 0x10 << 13 | P | PS;
	EXPECT_EQ(walk(0x7fffff, WALK_READ), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_PRESENT | WALK_PF_RESERVED);
	entries[1024 + 1] = 0x40000000 | 1 << 21 | P | PS;
	EXPECT_EQ(walk(0x7fffff, WALK_READ), WALK_FAULT);

	/* Without CR4.PSE bit 7 means nothing. */
	cpu.cr4 = 0;
	entries[1024 + 1] = 0x2000 | P | PS;
	entries[2048 + 0x3ff] = 0x5000 | P;
	EXPECT_EQ(walk(0x7fffff, WALK_READ), WALK_OK);
	EXPECT_EQ(w.gpa, 0x5fff);
}

TEST(walk_not_present)
{
	unsigned int level;

	long_mode();
	for (level = 1; level <= 4; level++) {
		chain(4, 0x5000 | P | W | U);
		memory[512 * level] &= ~P;
		cpu.cpl = 0;
		EXPECT_EQ(walk(0, WALK_READ), WALK_FAULT);
		EXPECT_EQ(w.error_code, 0);
		cpu.cpl = 3;
		EXPECT_EQ(walk(0, WALK_WRITE), WALK_FAULT);
		EXPECT_EQ(w.error_code, WALK_PF_WRITE | WALK_PF_USER);
		EXPECT_EQ(walk(0, WALK_FETCH), WALK_FAULT);
		EXPECT_EQ(w.error_code, WALK_PF_FETCH | WALK_PF_USER);
		EXPECT_EQ(nr_exchanges, 0);
	}
	/* The fetch bit is there only if there is something to tell apart. */
	cpu.efer &= ~NXE;
	EXPECT_EQ(walk(0, WALK_FETCH), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_USER);
	cpu.cr4 |= SMEP;
	EXPECT_EQ(walk(0, WALK_FETCH), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_FETCH | WALK_PF_USER);
}

/* Rules of access: what the page has, who comes how, and what happens. */
static const struct {
	u64 leaf;
	u8 cpl;
	enum walk_access access;
	u64 cr0_off, cr4, rflags;
	bool allowed;
} rules[] = {
	/* Supervisor pages are closed to users. */
	{ P | W, 0, WALK_READ, 0, 0, 0, true },
	{ P | W, 3, WALK_READ, 0, 0, 0, false },
	{ P | W, 3, WALK_WRITE, 0, 0, 0, false },
	{ P | W, 3, WALK_FETCH, 0, 0, 0, false },
	{ P | W | U, 3, WALK_READ, 0, 0, 0, true },
	{ P | W | U, 3, WALK_WRITE, 0, 0, 0, true },
	{ P | W | U, 3, WALK_FETCH, 0, 0, 0, true },
	/* Read-only pages, and CR0.WP. */
	{ P | U, 3, WALK_READ, 0, 0, 0, true },
	{ P | U, 3, WALK_WRITE, 0, 0, 0, false },
	{ P | U, 3, WALK_WRITE, CR0_WP, 0, 0, false },
	{ P, 0, WALK_WRITE, 0, 0, 0, false },
	{ P, 0, WALK_WRITE, CR0_WP, 0, 0, true },
	{ P | U, 2, WALK_WRITE, CR0_WP, 0, 0, true },
	/* NX */
	{ P | W | U | NX, 3, WALK_FETCH, 0, 0, 0, false },
	{ P | W | NX, 0, WALK_FETCH, 0, 0, 0, false },
	{ P | W | NX, 0, WALK_WRITE, 0, 0, 0, true },
	/* SMEP */
	{ P | W | U, 0, WALK_FETCH, 0, 0, 0, true },
	{ P | W | U, 0, WALK_FETCH, 0, SMEP, 0, false },
	{ P | W, 0, WALK_FETCH, 0, SMEP, 0, true },
	{ P | W | U, 3, WALK_FETCH, 0, SMEP, 0, true },
	{ P | W | U, 0, WALK_WRITE, 0, SMEP, 0, true },
	/* SMAP, and RFLAGS.AC */
	{ P | W | U, 0, WALK_READ, 0, SMAP, 0, false },
	{ P | W | U, 0, WALK_WRITE, 0, SMAP, 0, false },
	{ P | W | U, 0, WALK_WRITE, 0, SMAP, AC, true },
	{ P | U, 0, WALK_WRITE, 0, SMAP, AC, false },
	{ P | W | U, 3, WALK_READ, 0, SMAP, 0, true },
	{ P | W, 0, WALK_READ, 0, SMAP, 0, true },
	{ P | W | U, 0, WALK_FETCH, 0, SMAP, 0, true },
};

static void check_rule(unsigned int i)
{
	enum walk_result result;
	u32 code = WALK_PF_PRESENT;

	long_mode();
	cpu.cpl = rules[i].cpl;
	cpu.cr0 &= ~rules[i].cr0_off;
	cpu.cr4 |= rules[i].cr4;
	cpu.rflags = rules[i].rflags;
	chain(4, 0x5000 | rules[i].leaf);
	result = walk(0, rules[i].access);
	if (result != (rules[i].allowed ? WALK_OK : WALK_FAULT))
		TAP_FAIL("rule %u: result %u", i, result);
	if (rules[i].allowed) {
		EXPECT_EQ(w.writable, !!(rules[i].leaf & W));
		return;
	}
	if (rules[i].access == WALK_WRITE)
		code |= WALK_PF_WRITE;
	if (rules[i].access == WALK_FETCH)
		code |= WALK_PF_FETCH;
	if (rules[i].cpl == 3)
		code |= WALK_PF_USER;
	EXPECT_EQ(w.error_code, code);
	/* A refused access leaves no trace. */
	EXPECT_EQ(nr_exchanges, 0);
}

TEST(walk_access_rights)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		check_rule(i);
}

/* Each level can forbid; all of them must allow. */
TEST(walk_rights_of_all_levels)
{
	unsigned int level;

	long_mode();
	for (level = 1; level <= 4; level++) {
		chain(4, 0x5000 | P | W | U);
		memory[512 * level] &= ~W;
		EXPECT_EQ(walk(0, WALK_WRITE), WALK_FAULT);
		chain(4, 0x5000 | P | W | U);
		memory[512 * level] |= NX;
		EXPECT_EQ(walk(0, WALK_FETCH), WALK_FAULT);
		chain(4, 0x5000 | P | W | U);
		memory[512 * level] &= ~U;
		cpu.cpl = 3;
		EXPECT_EQ(walk(0, WALK_READ), WALK_FAULT);
		cpu.cpl = 0;
		/* One supervisor level makes it a supervisor page for SMAP. */
		cpu.cr4 |= SMAP;
		EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
		cpu.cr4 &= ~SMAP;
	}
}

TEST(walk_protection_keys)
{
	long_mode();
	cpu.cr4 |= PKE;
	cpu.cpl = 3;
	cpu.pkru = 1 << 6 | 2 << 10;	/* 3: no access; 5: no writes */
	chain(4, 0x5000 | P | W | U | KEY(3));
	EXPECT_EQ(walk(0, WALK_READ), WALK_FAULT);
	EXPECT_EQ(w.error_code, WALK_PF_PRESENT | WALK_PF_USER | WALK_PF_KEY);
	EXPECT_EQ(walk(0, WALK_FETCH), WALK_OK);
	chain(4, 0x5000 | P | W | U | KEY(5));
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_FAULT);
	cpu.cpl = 0;
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_FAULT);
	cpu.cr0 &= ~CR0_WP;
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_OK);
	/* Keys are for user pages, and only when switched on. */
	chain(4, 0x5000 | P | W | KEY(3));
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
	cpu.cr4 &= ~PKE;
	chain(4, 0x5000 | P | W | U | KEY(3));
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
}

static void check_reserved(unsigned int levels, u64 leaf, u64 bit)
{
	chain(levels, leaf | bit);
	if (walk(0, WALK_READ) != WALK_FAULT ||
	    w.error_code != (WALK_PF_PRESENT | WALK_PF_RESERVED))
		TAP_FAIL("0x%llx is not reserved", leaf | bit);
}

TEST(walk_reserved_bits)
{
	unsigned int bit;

	long_mode();
	for (bit = 40; bit < 52; bit++) {
		check_reserved(4, 0x5000 | P, 1ULL << bit);
		check_reserved(3, 0x5000 | P | W, 1ULL << bit);
		check_reserved(2, 0x5000 | P | W, 1ULL << bit);
		check_reserved(1, 0x5000 | P | W, 1ULL << bit);
	}
	for (bit = 13; bit < 21; bit++)
		check_reserved(3, P | PS, 1ULL << bit);
	for (bit = 13; bit < 30; bit++)
		check_reserved(2, P | PS, 1ULL << bit);
	check_reserved(1, 0x2000 | P, PS);
	cpu.page_1g = false;
	check_reserved(2, P, PS);
	cpu.efer &= ~NXE;
	check_reserved(4, 0x5000 | P, NX);
	/* Bits 62:52 are ignored. */
	chain(4, 0x5000 | P | 0x7ffULL << 52);
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
}

TEST(walk_accessed_and_dirty)
{
	unsigned int i;

	long_mode();
	chain(4, 0x5000 | P | W);
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
	EXPECT_EQ(nr_exchanges, 4);
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(memory[512 * i] & (A | D), A);
	EXPECT_EQ(walk(0, WALK_READ), WALK_OK);
	EXPECT_EQ(nr_exchanges, 4);
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_OK);
	EXPECT_EQ(nr_exchanges, 5);
	EXPECT_EQ(memory[512 * 4] & (A | D), A | D);
	EXPECT_EQ(w.entries[3].value, memory[512 * 4]);
	EXPECT_EQ(memory[512 * 3] & (A | D), A);

	chain(4, 0x5000 | P | W);
	EXPECT_EQ(walk_page_tables(&cpu, &untouched, 0, WALK_WRITE, &w), WALK_OK);
	EXPECT_EQ(memory[512 * 4] & (A | D), 0);
}

/* An entry that changes makes the walk start over, but not for ever. */
TEST(walk_races)
{
	long_mode();
	chain(4, 0x5000 | P | W);
	nr_lost = 3;
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_OK);
	EXPECT_EQ(w.nr, 4);
	EXPECT_EQ(memory[512 * 4] & (A | D), A | D);
	chain(4, 0x5000 | P | W);
	nr_lost = 1000;
	EXPECT_EQ(walk(0, WALK_WRITE), WALK_RETRY);
	EXPECT(nr_lost > 900);
}

TEST(walk_without_memory)
{
	long_mode();
	chain(4, 0x5000 | P | W);
	memory[512 * 2] = 0x100000 | P;
	EXPECT_EQ(walk(0, WALK_READ), WALK_NO_MEMORY);
	cpu.cr3 = 0xfffffff000;
	EXPECT_EQ(walk(0, WALK_READ), WALK_NO_MEMORY);
}

/* Whatever the tables hold, a walk ends and stays in bounds. */
TEST(walk_random_tables)
{
	struct tap_rnd rnd = { 1 };
	unsigned long i, rounds = tap_fuzz_rounds(20000);
	unsigned int j;

	for (i = 0; i < rounds; i++) {
		if (!(i % 16))
			for (j = 0; j < ARRAY_SIZE(memory); j++)
				memory[j] = tap_rnd64(&rnd) &
					    (tap_rnd64(&rnd) | 0x7027);
		cpu.cr0 = tap_rnd64(&rnd) | CR0_PG;
		cpu.cr3 = tap_rnd64(&rnd) & 0x7000;
		cpu.cr4 = tap_rnd64(&rnd);
		cpu.efer = tap_rnd64(&rnd);
		cpu.pkru = tap_rnd64(&rnd);
		cpu.cpl = tap_rnd64(&rnd) & 3;
		cpu.maxphyaddr = 32 + tap_rnd64(&rnd) % 21;
		cpu.pdpte[0] = tap_rnd64(&rnd);
		walk(tap_rnd64(&rnd), tap_rnd64(&rnd) % 3);
		EXPECT(w.nr <= WALK_MAX_LEVELS);
	}
}
