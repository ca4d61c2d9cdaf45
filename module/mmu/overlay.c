// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's own view of the VM's memory, in which pages of read-only slots are
 * private copies that can be written, and that nobody looks at afterwards.
 *
 * The tables from the root down to such a page are copies, too; all that hangs
 * from them is the VM's. They are made right before each entry, when whoever
 * takes something out of the VM's tables must wait for this vCPU's next exit. So
 * the VM's tables lose nothing while a CPU uses the copies.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "base/guest.h"
#include "mmu/internal.h"

/*
 * For one instruction. A far call through a gate, all of it in ROM, takes about
 * two dozen: four levels of tables for each of code, stacks and descriptors.
 */
#define MAX_PAGES	32

/* Bits 62:52 are the software's: this table is one of the copies. */
#define OWN_TABLE	BIT_ULL(52)

struct own_page {
	u64 gfn;
	void *page;
};

/**
 * struct lvx_overlay - such a view; belongs to the vCPU's thread
 * @nr_pages: how many there are of @pages
 * @pages: the copies
 * @nr_tables: how many there are of @tables
 * @used: of these in the tree
 * @tables: the first one is the root
 */
struct lvx_overlay {
	unsigned int nr_pages, nr_tables, used;
	struct own_page pages[MAX_PAGES];
	u64 *tables[1 + MAX_PAGES * (LVX_EPT_MAX_LEVELS - 1)];
};

/**
 * lvx_overlay_create() - a view without pages of its own
 *
 * Return: NULL: no memory.
 */
struct lvx_overlay *lvx_overlay_create(void)
{
	return kzalloc(sizeof(struct lvx_overlay), GFP_KERNEL_ACCOUNT);
}

/**
 * lvx_overlay_reset() - throw the copies away
 * @overlay: no CPU uses it
 */
void lvx_overlay_reset(struct lvx_overlay *overlay)
{
	while (overlay->nr_pages)
		free_page((unsigned long)overlay->pages[--overlay->nr_pages].page);
}

/**
 * lvx_overlay_destroy() - and the tables
 * @overlay: no CPU uses it; or NULL
 */
void lvx_overlay_destroy(struct lvx_overlay *overlay)
{
	if (!overlay)
		return;
	lvx_overlay_reset(overlay);
	while (overlay->nr_tables)
		lvx_ept_free_table(overlay->tables[--overlay->nr_tables]);
	kfree(overlay);
}

/* As many tables as there can be in the tree with one more page. */
static bool get_tables(struct lvx_overlay *overlay, unsigned int levels)
{
	unsigned int nr = 1 + (overlay->nr_pages + 1) * (levels - 1);
	u64 *table;

	while (overlay->nr_tables < nr) {
		table = lvx_ept_alloc_table();
		if (!table)
			return false;
		overlay->tables[overlay->nr_tables++] = table;
	}
	return true;
}

/**
 * lvx_overlay_add() - a copy of one more page
 * @vcpu: whose, its own thread
 * @overlay: the view
 * @gpa: an address in the page, which is in a read-only slot
 *
 * May sleep. Return: 0; -ENOMEM; -ENOSPC: there are too many; -EFAULT: the slot
 * has no usable page there.
 */
int lvx_overlay_add(struct lvx_vcpu *vcpu, struct lvx_overlay *overlay, u64 gpa)
{
	struct own_page *own = &overlay->pages[overlay->nr_pages];
	int err;

	if (overlay->nr_pages == MAX_PAGES)
		return -ENOSPC;
	if (!get_tables(overlay, vcpu->vm->mmu->levels))
		return -ENOMEM;
	own->gfn = gpa >> PAGE_SHIFT;
	own->page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!own->page)
		return -ENOMEM;
	err = lvx_read_guest(vcpu->vm, gpa & PAGE_MASK, own->page, PAGE_SIZE);
	if (err) {
		free_page((unsigned long)own->page);
		return err;
	}
	overlay->nr_pages++;
	return 0;
}

/* A table that says what @entry of @level says. */
static u64 *copy_table(struct lvx_overlay *overlay, u64 entry, unsigned int level)
{
	u64 *table = overlay->tables[overlay->used++];
	unsigned int i;

	if (!lvx_ept_present(entry)) {
		clear_page(table);
	} else if (lvx_ept_leaf(entry, level)) {
		for (i = 0; i < LVX_EPT_ENTRIES; i++)
			table[i] = lvx_ept_make_part(entry, level, i);
	} else {
		/* In whole entries: CPUs may be changing them. */
		copy_page(table, lvx_ept_table(entry));
	}
	return table;
}

static void put_page_in(struct lvx_overlay *overlay, unsigned int levels,
			const struct own_page *own)
{
	u64 *table = overlay->tables[0], *next, *entry;
	unsigned int level;

	for (level = levels; level > 1; level--) {
		entry = &table[lvx_ept_index(own->gfn, level)];
		if (*entry & OWN_TABLE) {
			table = lvx_ept_table(*entry);
			continue;
		}
		next = copy_table(overlay, *entry, level);
		*entry = lvx_ept_make_table(__pa(next)) | OWN_TABLE;
		table = next;
	}
	table[lvx_ept_index(own->gfn, 1)] =
		lvx_ept_make_leaf(__pa(own->page), 1, LVX_EPT_RIGHTS |
				  LVX_EPT_WB | LVX_EPT_IPAT);
}

/**
 * lvx_overlay_build() - put the copies over the VM's memory as it is now
 * @vcpu: whose, its own thread
 * @overlay: the view, with a page at least
 *
 * Without accessed and dirty bits, so that reading a page table is no write.
 *
 * Context: interrupts off, vcpu->mode is LVX_IN_GUEST, requests were looked at
 * since. Who takes entries away waits, with the lock, for this vCPU to leave:
 * it must not wait for the lock itself.
 *
 * Return: its EPT pointer, until vcpu->mode changes; 0: the lock is taken, let
 * the holder go on.
 */
u64 lvx_overlay_build(struct lvx_vcpu *vcpu, struct lvx_overlay *overlay)
{
	struct lvx_mmu *mmu = vcpu->vm->mmu;
	unsigned int i;
	u64 root;

	lockdep_assert_irqs_disabled();
	if (!read_trylock(&mmu->lock))
		return 0;
	root = lvx_ept_make_table(__pa(mmu->root));
	overlay->used = 0;
	copy_table(overlay, root, mmu->levels + 1);
	for (i = 0; i < overlay->nr_pages; i++)
		put_page_in(overlay, mmu->levels, &overlay->pages[i]);
	read_unlock(&mmu->lock);
	return lvx_ept_pointer(__pa(overlay->tables[0]), mmu->levels, false);
}
