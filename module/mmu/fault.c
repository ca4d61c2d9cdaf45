// SPDX-License-Identifier: GPL-2.0
/*
 * EPT violations: giving the guest what the host has.
 *
 * Giving needs the lock for reading only: vCPUs fault side by side, and settle
 * who was first by cmpxchg. A right that was added needs no INVEPT, as the CPU
 * looks at the entry again before it reports a violation, and drops what it
 * had cached for the address (SDM, "Operations that Invalidate Cached
 * Mappings"). Nor does replacing a large page by a table of its parts: both
 * translate alike.
 *
 * An exit costs far more than an entry does. So a fault also maps the present
 * neighbours of the page, with the rights that the host's entries have. This
 * gives nothing away that the guest could not get by touching them, and it
 * does not make them look used: the accessed bits stay clear.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mmu/internal.h"

/*
 * How often a fault is tried again before the guest is: the run loop looks for
 * signals and other work then, and a guest whose pages the host takes away as
 * fast as they come stays killable.
 */
#define FAULT_TRIES	4

/* What never changes in a leaf as long as it is one. */
#define LEAF_FIXED	(LVX_EPT_ADDR | LVX_EPT_MEMTYPE | LVX_EPT_IPAT)

/**
 * struct fault - one violation while it is served
 * @mmu: whose
 * @slot: of the frame
 * @gfn: the frame
 * @need: LVX_EPT_* rights that the access takes
 * @level: at which to map it
 * @host: what the host has there
 * @spare: empty tables, allocated before the lock is taken
 * @nr_spare: how many
 * @nr_wanted: how many were missing
 */
struct fault {
	struct lvx_mmu *mmu;
	struct lvx_memslot *slot;
	u64 gfn;
	u64 need;
	unsigned int level;
	struct lvx_host_page host;
	u64 *spare[LVX_EPT_MAX_LEVELS];
	unsigned int nr_spare, nr_wanted;
};

static bool get_spare_tables(struct fault *f)
{
	while (f->nr_spare < f->nr_wanted) {
		f->spare[f->nr_spare] = lvx_ept_alloc_table();
		if (!f->spare[f->nr_spare])
			return false;
		f->nr_spare++;
	}
	return true;
}

static void put_spare_tables(struct fault *f)
{
	while (f->nr_spare)
		lvx_ept_free_table(f->spare[--f->nr_spare]);
}

/* Put a table where nothing or @old, a large page, is. */
static bool link_table(struct fault *f, u64 *entry, u64 old, unsigned int level)
{
	u64 *table = f->spare[f->nr_spare - 1];
	u64 new = lvx_ept_make_table(__pa(table));
	unsigned int i;

	if (lvx_ept_present(old))
		for (i = 0; i < LVX_EPT_ENTRIES; i++)
			table[i] = lvx_ept_make_part(old, level, i);

	/* Releases the table's contents to whoever follows the pointer. */
	if (try_cmpxchg(entry, &old, new)) {
		f->nr_spare--;
		return true;
	}
	clear_page(table);
	return false;
}

/*
 * Install a leaf, or add rights to it. What is there already is the same page,
 * as another would have been announced and this one taken away; it would be
 * wrong to replace it without INVEPT. Or another vCPU was first with a table:
 * then the guest comes again, if it must.
 */
static void set_leaf(u64 *entry, u64 new, unsigned int level)
{
	u64 old = READ_ONCE(*entry);

	do {
		if ((old & new) == new)
			return;
		if (lvx_ept_present(old) && !lvx_ept_leaf(old, level))
			return;
		if (WARN_ON_ONCE(lvx_ept_present(old) && (old ^ new) & LEAF_FIXED))
			return;
	} while (!try_cmpxchg(entry, &old, old | new));
}

/* The leaf of the wanted page at a level, with what the access will set. */
static u64 wanted_leaf(const struct fault *f, unsigned int level)
{
	u64 mask = (lvx_ept_pages(level) << PAGE_SHIFT) - 1;
	u64 leaf = f->host.leaf | LVX_EPT_ACCESSED;

	if (f->need & LVX_EPT_WRITE)
		leaf |= LVX_EPT_DIRTY;
	if (level == 1)
		return leaf;
	if (f->mmu->nx_large)
		leaf &= ~LVX_EPT_EXEC;
	return lvx_ept_make_leaf(leaf & ~(mask & LVX_EPT_ADDR), level, 0);
}

static void set_leaves(struct fault *f, u64 *table, unsigned int level)
{
	u64 *entry = &table[lvx_ept_index(f->gfn, level)];
	unsigned int i;

	if (level == 1) {
		table += lvx_ept_index(f->host.first, 1);
		for (i = 0; i < f->host.nr; i++)
			if (f->host.around[i])
				set_leaf(&table[i], f->host.around[i], 1);
	}
	set_leaf(entry, wanted_leaf(f, level), level);
}

/*
 * Walk to the frame's level, making tables on the way. False: tables are
 * missing, f->nr_wanted of them.
 */
static bool install(struct fault *f)
{
	unsigned int level = f->mmu->levels;
	u64 *table = f->mmu->root;
	u64 *entry, old;

	lockdep_assert_held_read(&f->mmu->lock);
	for (;;) {
		entry = &table[lvx_ept_index(f->gfn, level)];
		old = READ_ONCE(*entry);
		if (lvx_ept_present(old) && !lvx_ept_leaf(old, level)) {
			table = lvx_ept_table(old);
			level--;
			continue;
		}
		if (level <= f->level) {
			set_leaves(f, table, level);
			return true;
		}
		/* A large page that will do after all. */
		if ((old & f->need) == f->need)
			return true;
		if (!f->nr_spare) {
			f->nr_wanted = level - f->level;
			return false;
		}
		/* If another was first, look again. */
		link_table(f, entry, old, level);
	}
}

/* What the slot takes away from what the host gives. */
static void restrict_rights(struct fault *f)
{
	bool logged = f->slot->dirty;
	unsigned int i;

	f->level = 1;
	if (f->host.level > 1 && !(logged && f->need & LVX_EPT_WRITE) &&
	    !(f->mmu->nx_large && f->need & LVX_EPT_EXEC))
		f->level = lvx_ept_fit(f->gfn,
				       lvx_slot_hva(f->slot, f->gfn) >> PAGE_SHIFT,
				       f->slot->gfn, f->slot->npages,
				       min(f->host.level, f->mmu->max_level));

	if (!logged && !(f->slot->flags & KVM_MEM_READONLY))
		return;
	/* Only a page that is written now is noted in the dirty log. */
	for (i = 0; i < f->host.nr; i++)
		f->host.around[i] &= ~LVX_EPT_WRITE;
	if (!(f->need & LVX_EPT_WRITE))
		f->host.leaf &= ~LVX_EPT_WRITE;
}

/* May what was read about these frames be outdated? */
static bool changed(const struct fault *f, unsigned long seq, u64 gfn, u64 nr)
{
	unsigned long hva = lvx_slot_hva(f->slot, gfn);

	return lvx_notify_changed(f->mmu, seq, hva, hva + (nr << PAGE_SHIFT));
}

/* Is the page to be read anew? Its neighbours are left out if they are. */
static bool outdated(struct fault *f, unsigned long seq)
{
	u64 pages = lvx_ept_pages(f->level);

	if (f->level == 1) {
		/* The page is one of them. */
		if (!changed(f, seq, f->host.first, f->host.nr))
			return false;
		/* The host may take them away for long: go on without. */
		f->host.nr = 0;
	}
	return changed(f, seq, f->gfn & -pages, pages);
}

enum outcome { DONE, NOT_RAM, ROM, NO_PAGE, NO_TABLES, CHANGED };

/* The caller holds vm->srcu. */
static enum outcome try_fault(struct fault *f)
{
	struct lvx_vm *vm = f->mmu->vm;
	/* First of all: what is read below may be outdated by what follows. */
	unsigned long seq = lvx_notify_begin(f->mmu);
	struct lvx_memslots *slots = lvx_memslots(vm);
	enum outcome outcome = DONE;

	f->slot = lvx_slot_of_gfn(slots, f->gfn);
	if (!f->slot) {
		lvx_mmio_remember(f->mmu, slots->generation, f->gfn);
		return NOT_RAM;
	}
	if (f->need & LVX_EPT_WRITE && f->slot->flags & KVM_MEM_READONLY)
		return ROM;

	lvx_host_walk(vm->mm, f->slot, f->gfn, &f->host);
	if ((f->host.leaf & f->need) != f->need)
		return NO_PAGE;
	/* Before the guest can read it: see lvx_mmu_has_device(). */
	if (unlikely(f->host.device))
		WRITE_ONCE(f->mmu->device, true);
	restrict_rights(f);

	read_lock(&f->mmu->lock);
	if (outdated(f, seq)) {
		outcome = CHANGED;
	} else {
		/* Before the guest can write: see lvx_mark_dirty(). */
		if (f->need & LVX_EPT_WRITE)
			lvx_mark_dirty(f->slot, f->gfn);
		if (!install(f))
			outcome = NO_TABLES;
	}
	read_unlock(&f->mmu->lock);
	return outcome;
}

/* Outside vm->srcu, so that a change of slots need not wait for the host. */
static enum lvx_fault fault_in(struct fault *f, u64 generation,
			       unsigned long hva)
{
	struct lvx_vm *vm = f->mmu->vm;
	int idx, ret;
	bool stale;

	ret = lvx_host_fault_in(vm->mm, hva, f->need & LVX_EPT_WRITE);
	switch (ret) {
	case 0:
	case -EINTR:		/* The run loop sees the signal. */
		return LVX_FAULT_FIXED;
	case -ENOMEM:
		return LVX_FAULT_NO_MEMORY;
	case -EHWPOISON:
		/* Deadly for the VMM, unless it knows what to do about it. */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)hva, PAGE_SHIFT,
				current);
		return LVX_FAULT_FIXED;
	}
	/* The slot may have gone, and the VMM's mapping with it. */
	idx = srcu_read_lock(&vm->srcu);
	stale = lvx_memslots(vm)->generation != generation;
	srcu_read_unlock(&vm->srcu, idx);
	return stale ? LVX_FAULT_FIXED : LVX_FAULT_BAD;
}

/* Any mapping is readable: CPUs need not have execute-only ones. */
static u64 rights_of(u32 access)
{
	return LVX_EPT_READ |
	       (access & LVX_ACCESS_WRITE ? LVX_EPT_WRITE : 0) |
	       (access & LVX_ACCESS_EXEC ? LVX_EPT_EXEC : 0);
}

static enum lvx_fault serve(struct fault *f)
{
	struct lvx_vm *vm = f->mmu->vm;
	enum lvx_fault result = LVX_FAULT_FIXED;
	enum outcome outcome;
	unsigned long hva = 0;
	u64 generation;
	int idx, tries;

	for (tries = 0; tries < FAULT_TRIES; tries++) {
		idx = srcu_read_lock(&vm->srcu);
		generation = lvx_memslots(vm)->generation;
		outcome = try_fault(f);
		if (outcome == NO_PAGE)
			hva = lvx_slot_hva(f->slot, f->gfn);
		srcu_read_unlock(&vm->srcu, idx);

		switch (outcome) {
		case DONE:
			return LVX_FAULT_FIXED;
		case NOT_RAM:
			return LVX_FAULT_MMIO;
		case ROM:
			return LVX_FAULT_READ_ONLY;
		case NO_TABLES:
			if (!get_spare_tables(f))
				return LVX_FAULT_NO_MEMORY;
			break;
		case NO_PAGE:
			result = fault_in(f, generation, hva);
			if (result != LVX_FAULT_FIXED)
				return result;
			break;
		case CHANGED:
			cond_resched();
			break;
		}
	}
	/* Let the guest try again, after the run loop had its say. */
	return LVX_FAULT_FIXED;
}

/**
 * lvx_mmu_fault() - serve an EPT violation
 * @vcpu: whose, its own thread
 * @gpa: guest-physical address
 * @access: LVX_ACCESS_*, what the guest wanted
 *
 * May sleep, for as long as the host needs to bring a page. LVX_FAULT_FIXED
 * does not promise that the page is mapped, only that it is worth entering the
 * guest again.
 */
enum lvx_fault lvx_mmu_fault(struct lvx_vcpu *vcpu, u64 gpa, u32 access)
{
	struct fault f;
	enum lvx_fault result;

	f.mmu = vcpu->vm->mmu;
	f.gfn = gpa >> PAGE_SHIFT;
	f.need = rights_of(access);
	f.nr_spare = 0;
	result = serve(&f);
	put_spare_tables(&f);
	return result;
}
