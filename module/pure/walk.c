// SPDX-License-Identifier: GPL-2.0
/*
 * The walk: 32-bit, PAE, 4-level and 5-level paging differ in a row of a table,
 * not in the code.
 *
 * Accessed and dirty flags are set when the access is known to be allowed, with
 * compare-and-exchange, because other vCPUs walk and write the same entries. If
 * an entry changed meanwhile, the walk starts over, a few times at most.
 */
#include "pure/walk.h"

#define CR0_WP		BIT_ULL(16)
#define CR0_PG		BIT_ULL(31)
#define CR4_PSE		BIT_ULL(4)
#define CR4_PAE		BIT_ULL(5)
#define CR4_LA57	BIT_ULL(12)
#define CR4_SMEP	BIT_ULL(20)
#define CR4_SMAP	BIT_ULL(21)
#define CR4_PKE		BIT_ULL(22)
#define EFER_LMA	BIT_ULL(10)
#define EFER_NXE	BIT_ULL(11)
#define RFLAGS_AC	BIT_ULL(18)

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITE	BIT_ULL(1)
#define PTE_USER	BIT_ULL(2)
#define PTE_ACCESSED	BIT_ULL(5)
#define PTE_DIRTY	BIT_ULL(6)
#define PTE_LARGE	BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDRESS	GENMASK_ULL(51, 12)

#define MAX_ATTEMPTS	8

/**
 * struct format - a paging mode
 * @levels: of tables that are walked in memory
 * @index_bits: of the linear address, per level
 * @entry_size: bytes
 * @large: a bit per level (1 is the last) that may map a page
 */
struct format {
	u8 levels, index_bits, entry_size, large;
};

static const struct format format_32 = { 2, 10, 4, BIT(2) };
static const struct format format_pae = { 2, 9, 8, BIT(2) };
static const struct format format_4_level = { 4, 9, 8, BIT(2) | BIT(3) };
static const struct format format_5_level = { 5, 9, 8, BIT(2) | BIT(3) };

struct state {
	const struct walk_cpu *cpu;
	const struct walk_memory *memory;
	const struct format *format;
	enum walk_access access;
	u64 la;
	struct walk *walk;
	/* What all entries together allow. */
	u64 allow;		/* PTE_WRITE, PTE_USER */
	bool nx;
};

static const struct format *format_of(const struct walk_cpu *cpu)
{
	if (cpu->efer & EFER_LMA)
		return cpu->cr4 & CR4_LA57 ? &format_5_level : &format_4_level;
	return cpu->cr4 & CR4_PAE ? &format_pae : &format_32;
}

static enum walk_result fault(struct state *s, u32 why)
{
	const struct walk_cpu *cpu = s->cpu;
	bool nx_known = (cpu->efer & EFER_NXE && cpu->cr4 & CR4_PAE) ||
			cpu->cr4 & CR4_SMEP;

	if (s->access == WALK_WRITE)
		why |= WALK_PF_WRITE;
	if (cpu->cpl == 3)
		why |= WALK_PF_USER;
	if (s->access == WALK_FETCH && nx_known)
		why |= WALK_PF_FETCH;
	s->walk->error_code = why;
	return WALK_FAULT;
}

/*
 * Reserved bits, "Reserved Bits in the Paging-Structure Entries". 32-bit
 * entries have none but in a 4-MiB page, whose bits 20:13 are address bits
 * 39:32 (PSE-36).
 */
static u64 reserved_bits(const struct state *s, unsigned int level, bool large)
{
	const struct walk_cpu *cpu = s->cpu;
	unsigned int shift = 12 + s->format->index_bits * (level - 1);
	u64 reserved;

	if (s->format == &format_32) {
		if (!large)
			return 0;
		return BIT_ULL(21) |
		       (GENMASK_ULL(20, 13) &
			~(GENMASK_ULL(min_t(u8, cpu->maxphyaddr, 40) - 1, 0) >> 19));
	}
	reserved = PTE_ADDRESS & ~(BIT_ULL(cpu->maxphyaddr) - 1);
	if (!(cpu->efer & EFER_NXE))
		reserved |= PTE_NX;
	if (s->format == &format_pae)
		reserved |= GENMASK_ULL(62, 52);
	/* Below a large page's address there is only its PAT bit, 12. */
	if (large)
		reserved |= GENMASK_ULL(shift - 1, 13);
	else if (level > 3 || (level == 3 && !cpu->page_1g))
		reserved |= PTE_LARGE;
	return reserved;
}

static bool is_leaf(const struct state *s, unsigned int level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_LARGE) || !(s->format->large & BIT(level)))
		return false;
	if (s->format == &format_32)
		return s->cpu->cr4 & CR4_PSE;
	return level < 3 || s->cpu->page_1g;
}

static u64 leaf_address(const struct state *s, unsigned int level, u64 entry)
{
	unsigned int shift = 12 + s->format->index_bits * (level - 1);
	u64 offset = s->la & (BIT_ULL(shift) - 1);
	u64 frame = entry & PTE_ADDRESS & ~(BIT_ULL(shift) - 1);

	s->walk->page_shift = shift;
	if (s->format == &format_32 && level == 2)
		frame |= (entry & GENMASK_ULL(20, 13)) << 19;
	return frame | offset;
}

/* Data access to a user page by protection key; "Protection Keys". */
static bool key_forbids(const struct state *s, u64 leaf)
{
	const struct walk_cpu *cpu = s->cpu;
	unsigned int key = leaf >> 59 & 0xf;
	u32 rights = cpu->pkru >> (2 * key);

	if (s->access == WALK_FETCH || !(cpu->cr4 & CR4_PKE) ||
	    !(cpu->efer & EFER_LMA) || !(s->allow & PTE_USER))
		return false;
	if (rights & 1)
		return true;
	return rights & 2 && s->access == WALK_WRITE &&
	       (cpu->cpl == 3 || cpu->cr0 & CR0_WP);
}

/* "Determination of Access Rights" */
static bool access_allowed(const struct state *s)
{
	const struct walk_cpu *cpu = s->cpu;
	bool user_page = s->allow & PTE_USER;
	bool user = cpu->cpl == 3;

	if (user && !user_page)
		return false;
	switch (s->access) {
	case WALK_FETCH:
		if (s->nx)
			return false;
		return user || !user_page || !(cpu->cr4 & CR4_SMEP);
	case WALK_WRITE:
		if (!(s->allow & PTE_WRITE) && (user || cpu->cr0 & CR0_WP))
			return false;
		fallthrough;
	default:
		return user || !user_page || !(cpu->cr4 & CR4_SMAP) ||
		       cpu->rflags & RFLAGS_AC;
	}
}

/* Returns WALK_RETRY if an entry isn't what it was. */
static enum walk_result set_accessed_dirty(struct state *s)
{
	struct walk *w = s->walk;
	u64 old, new;
	u8 i;
	int err;

	if (!s->memory->exchange)
		return WALK_OK;
	for (i = 0; i < w->nr; i++) {
		old = w->entries[i].value;
		new = old | PTE_ACCESSED;
		if (i == w->nr - 1 && s->access == WALK_WRITE)
			new |= PTE_DIRTY;
		if (new == old)
			continue;
		err = s->memory->exchange(s->memory->opaque, w->entries[i].gpa,
					  &old, new, w->entry_size);
		if (err)
			return err > 0 ? WALK_RETRY : WALK_NO_MEMORY;
		w->entries[i].value = new;
	}
	return WALK_OK;
}

static enum walk_result check_leaf(struct state *s, unsigned int level, u64 leaf)
{
	if (key_forbids(s, leaf)) {
		u32 why = WALK_PF_PRESENT | WALK_PF_KEY;

		return fault(s, why);
	}
	if (!access_allowed(s))
		return fault(s, WALK_PF_PRESENT);
	s->walk->gpa = leaf_address(s, level, leaf);
	s->walk->writable = s->allow & PTE_WRITE;
	s->walk->user = s->allow & PTE_USER;
	return set_accessed_dirty(s);
}

static enum walk_result walk_from(struct state *s, u64 table)
{
	const struct format *f = s->format;
	unsigned int level, shift;
	struct walk_entry *e;
	u64 index;
	bool leaf;

	for (level = f->levels; level; level--) {
		shift = 12 + f->index_bits * (level - 1);
		index = s->la >> shift & (BIT_ULL(f->index_bits) - 1);
		e = &s->walk->entries[s->walk->nr++];
		e->gpa = table + index * f->entry_size;
		e->value = 0;
		if (s->memory->read(s->memory->opaque, e->gpa, &e->value,
				    f->entry_size))
			return WALK_NO_MEMORY;
		if (!(e->value & PTE_PRESENT))
			return fault(s, 0);
		leaf = is_leaf(s, level, e->value);
		if (e->value & reserved_bits(s, level, leaf && level > 1))
			return fault(s, WALK_PF_PRESENT | WALK_PF_RESERVED);
		s->allow &= e->value;
		s->nx |= f->entry_size == 8 && e->value & PTE_NX;
		if (leaf)
			return check_leaf(s, level, e->value);
		table = e->value & PTE_ADDRESS;
	}
	return WALK_NO_MEMORY;	/* not reached: level 1 is a leaf */
}

static enum walk_result walk_once(struct state *s)
{
	u64 root = s->cpu->cr3 & PTE_ADDRESS;

	s->walk->nr = 0;
	s->allow = PTE_WRITE | PTE_USER;
	s->nx = false;
	if (s->format == &format_32)
		root = (u32)root;
	if (s->format == &format_pae) {
		root = s->cpu->pdpte[s->la >> 30 & 3];
		if (!(root & PTE_PRESENT))
			return fault(s, 0);
		root &= PTE_ADDRESS;
	}
	return walk_from(s, root);
}

/**
 * walk_page_tables() - translate a linear address
 * @cpu: registers
 * @memory: where the paging structures are read
 * @la: canonical, or 32 bits outside long mode
 * @access: what for
 * @walk: filled; gpa only with WALK_OK
 *
 * An access that crosses a page needs a walk for each part.
 *
 * Return: see enum walk_result.
 */
enum walk_result walk_page_tables(const struct walk_cpu *cpu,
				  const struct walk_memory *memory, u64 la,
				  enum walk_access access, struct walk *walk)
{
	struct state s = {
		.cpu = cpu,
		.memory = memory,
		.format = format_of(cpu),
		.access = access,
		.la = la,
		.walk = walk,
	};
	enum walk_result result = WALK_RETRY;
	unsigned int i;

	walk->error_code = 0;
	walk->nr = 0;
	walk->entry_size = s.format->entry_size;
	if (!(cpu->cr0 & CR0_PG)) {
		walk->gpa = (u32)la;
		walk->page_shift = 32;
		walk->writable = true;
		walk->user = true;
		return WALK_OK;
	}
	for (i = 0; i < MAX_ATTEMPTS && result == WALK_RETRY; i++)
		result = walk_once(&s);
	return result;
}
