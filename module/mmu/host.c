// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's page tables say about user memory.
 *
 * They are read directly, without any lock but interrupts off, which keeps the
 * tables (not the pages) from being freed; get_user_pages_fast() does the same.
 * What was read is worth something only to a caller who then finds that no
 * invalidation of the address has begun since: see notifier.c.
 *
 * Reading them directly, rather than taking a page by get_user_pages(), tells
 * the size of the host's mapping, gives the neighbours for a few instructions
 * each, and is the same for pages that have no struct page.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_context.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include "mmu/internal.h"

/* A host entry of any level, reduced to what matters. */
struct host_entry {
	u64 flags;
	u64 pa;			/* of the 4 KiB page asked for */
	unsigned int level;
	pte_t *pte;		/* level 1: where it is */
};

/*
 * The level-1 EPT entry with the rights of the host's, or 0.
 *
 * Not writable unless the host's entry is dirty, too: the guest's writes do not
 * set the host's dirty bit, so it must be set beforehand, by a write fault.
 * Memory that the host itself does not cache (a device's) is not cached for
 * the guest either, and the guest's PAT may relax that no further than to
 * write combining. SDM, "EPT and Memory Typing".
 */
static u64 to_leaf(u64 flags, u64 pa, u64 pat, bool *device)
{
	u64 bits = LVX_EPT_READ | LVX_EPT_EXEC;

	if (~flags & (_PAGE_PRESENT | _PAGE_USER))
		return 0;
	if (!(~flags & (_PAGE_RW | _PAGE_DIRTY)))
		bits |= LVX_EPT_WRITE;
	if (flags & (_PAGE_PWT | _PAGE_PCD | pat)) {
		bits |= LVX_EPT_UC;
		*device = true;
	} else {
		bits |= LVX_EPT_WB | LVX_EPT_IPAT;
	}
	return lvx_ept_make_leaf(pa, 1, bits);
}

static u64 pte_to_leaf(pte_t pte, bool *device)
{
	return to_leaf(pte_flags(pte), PFN_PHYS(pte_pfn(pte)), _PAGE_PAT, device);
}

/* Interrupts are off. False: no page there now. */
static bool find_entry(struct mm_struct *mm, unsigned long hva,
		       struct host_entry *found)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	if (!(pgd_val(pgd) & _PAGE_PRESENT))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (!(p4d_val(p4d) & _PAGE_PRESENT))
		return false;
	/* Not pud_present(), pmd_present(): these mean "not free". */
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!(pud_val(pud) & _PAGE_PRESENT))
		return false;
	if (pud_val(pud) & _PAGE_PSE) {
		found->level = 3;
		found->flags = pud_val(pud);
		found->pa = PFN_PHYS(pud_pfn(pud)) + (hva & ~PUD_MASK);
		return true;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!(pmd_val(pmd) & _PAGE_PRESENT))
		return false;
	if (pmd_val(pmd) & _PAGE_PSE) {
		found->level = 2;
		found->flags = pmd_val(pmd);
		found->pa = PFN_PHYS(pmd_pfn(pmd)) + (hva & ~PMD_MASK);
		return true;
	}
	found->level = 1;
	found->pte = pte_offset_kernel(&pmd, hva);
	return true;
}

/*
 * The frames around @gfn that are worth a look: an aligned group, as far as it
 * is in the slot and under the same entry (or table of entries) of the host's.
 */
static void choose_around(const struct lvx_memslot *slot, u64 gfn,
			  unsigned int level, struct lvx_host_page *page)
{
	u64 unit = lvx_ept_pages(max(level, 2U));
	u64 hfn = lvx_slot_hva(slot, gfn) >> PAGE_SHIFT;
	u64 first = ALIGN_DOWN(gfn, LVX_AROUND);
	u64 last = first + LVX_AROUND - 1;

	first = max(first, slot->gfn);
	last = min(last, slot->gfn + slot->npages - 1);
	/* Frames before and behind this one under the same entry. */
	first = max(first, gfn - min(gfn, hfn & (unit - 1)));
	last = min(last, gfn + (~hfn & (unit - 1)));

	page->first = first;
	page->nr = last - first + 1;
}

/**
 * lvx_host_walk() - what backs a guest frame at this moment
 * @mm: the VMM's
 * @slot: the slot that @gfn is in
 * @gfn: guest frame
 * @page: receives the answer
 */
void lvx_host_walk(struct mm_struct *mm, const struct lvx_memslot *slot,
		   u64 gfn, struct lvx_host_page *page)
{
	unsigned long hva = lvx_slot_hva(slot, gfn);
	struct host_entry found;
	unsigned long irq_flags;
	unsigned int i, here;
	pte_t *pte;

	page->leaf = 0;
	page->device = false;
	local_irq_save(irq_flags);
	if (!find_entry(mm, hva, &found))
		goto out;
	page->level = found.level;
	choose_around(slot, gfn, found.level, page);
	here = gfn - page->first;
	if (found.level == 1) {
		pte = found.pte - here;
		for (i = 0; i < page->nr; i++)
			page->around[i] = pte_to_leaf(READ_ONCE(pte[i]),
						      &page->device);
	} else {
		/* One page of the host's: all alike. */
		for (i = 0; i < page->nr; i++)
			page->around[i] =
				to_leaf(found.flags, found.pa - PFN_PHYS(here) +
					PFN_PHYS(i), _PAGE_PAT_LARGE,
					&page->device);
	}
	page->leaf = page->around[here];
out:
	local_irq_restore(irq_flags);
}

static bool may_access(struct vm_area_struct *vma, bool write)
{
	return vma && vma->vm_flags & (write ? VM_WRITE : VM_READ) &&
	       arch_vma_access_permitted(vma, write, false, false);
}

/**
 * lvx_host_fault_in() - have the host make a page present, as by an access
 * @mm: the VMM's, and the current task's
 * @hva: where
 * @write: make it writable and dirty, too
 *
 * May sleep for as long as the host likes. The waits that the host offers to
 * end for any signal (userfaultfd) do so, others (disks) for a fatal one.
 * Nothing that the kernel exports to get at pages does that in all versions.
 *
 * Return: 0, and lvx_host_walk() is worth a new try; -EINTR: a signal; -EFAULT:
 * the VMM could not access this either; -ENOMEM; -EHWPOISON: the page's memory
 * is bad.
 */
int lvx_host_fault_in(struct mm_struct *mm, unsigned long hva, bool write)
{
	unsigned int flags = FAULT_FLAG_DEFAULT | (write ? FAULT_FLAG_WRITE : 0);
	struct vm_area_struct *vma;
	vm_fault_t fault;

	for (;; flags |= FAULT_FLAG_TRIED) {
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		vma = vma_lookup(mm, hva);
		if (!may_access(vma, write)) {
			mmap_read_unlock(mm);
			return -EFAULT;
		}
		fault = handle_mm_fault(vma, hva, flags, NULL);
		/* With these two the lock is gone. */
		if (fault & VM_FAULT_COMPLETED)
			return 0;
		if (!(fault & VM_FAULT_RETRY))
			break;
		if (signal_pending(current))
			return -EINTR;
	}
	mmap_read_unlock(mm);
	return vm_fault_to_errno(fault, FOLL_HWPOISON);
}
