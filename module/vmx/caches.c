// SPDX-License-Identifier: GPL-2.0
/*
 * What is emptied before the guest is entered, so that it can't sample what the
 * host left there: the L1 data cache, and the buffers between it and memory. (The
 * VERW for all CPUs that leak their buffers is enter.S's: it is the last thing
 * before the entry.)
 *
 * L1 Terminal Fault: on CPUs that have it, a guest can read what is in the L1
 * data cache, whatever the EPT says. As kvm_intel does by default, the cache is
 * emptied where it may hold more than this VM's data: on each way into the guest
 * that comes from the outer loop, and after an atomic row that walked the host's
 * page tables or woke others. "l1tf=full" on the host's command line empties it
 * before each entry.
 *
 * MMIO stale data: a guest that can read a device's registers itself may find old
 * data of others in what comes back. Where VERW at each entry isn't needed for
 * another reason, it is executed here for VMs that have mapped a device.
 */
#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "base/vm.h"
#include "mmu/mmu.h"
#include "vmx/vcpu.h"

DEFINE_STATIC_KEY_FALSE(lvx_empties_caches);

static enum { L1D_NEVER, L1D_COND, L1D_ALWAYS } l1d_mode __ro_after_init;

/* CPUs without the command: reading 64 KiB displaces what an L1 cache holds. */
#define FILL_ORDER	4
static u8 *fill_pages __ro_after_init;

static void displace_l1d(void)
{
	const u32 size = PAGE_SIZE << FILL_ORDER;
	u32 i;

	/* Translations first, lest page walks bring other lines in later. */
	for (i = 0; i < size; i += PAGE_SIZE)
		READ_ONCE(fill_pages[i]);
	cpuid_eax(0);
	for (i = 0; i < size; i += L1_CACHE_BYTES)
		READ_ONCE(fill_pages[i]);
	asm volatile("lfence" : : : "memory");
}

static void empty_l1d(void)
{
	if (static_cpu_has(X86_FEATURE_FLUSH_L1D))
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		displace_l1d();
}

/**
 * lvx_empty_caches() - right before an entry, while lvx_empties_caches is on
 * @vcpu: to be entered; interrupts are off
 */
void lvx_empty_caches(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	bool first = vmx->empty_caches;

	vmx->empty_caches = false;
	if (l1d_mode == L1D_ALWAYS ||
	    (l1d_mode == L1D_COND &&
	     (first || vmx->exit_reason == EXIT_REASON_EPT_VIOLATION)))
		empty_l1d();
	else if (static_branch_unlikely(&mmio_stale_data_clear) &&
		 lvx_mmu_has_device(vcpu->vm))
		x86_clear_cpu_buffers();
}

static bool l1d_leaks(void)
{
	u64 cap = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return false;
	/* A hypervisor below says that it does it for us. */
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, cap);
	return !(cap & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

static void fill(u8 *pages)
{
	u32 i;

	/* Unlike pages: same-page merging of a hypervisor below must not find any. */
	for (i = 0; i < 1 << FILL_ORDER; i++)
		memset(pages + i * PAGE_SIZE, i + 1, PAGE_SIZE);
}

/**
 * lvx_caches_init() - module load: does this CPU need any of it?
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_caches_init(void)
{
	struct page *pages;

	if (l1d_leaks() && l1tf_mitigation != L1TF_MITIGATION_OFF)
		l1d_mode = l1tf_mitigation == L1TF_MITIGATION_FULL ||
			   l1tf_mitigation == L1TF_MITIGATION_FULL_FORCE ?
			   L1D_ALWAYS : L1D_COND;
	if (l1d_mode != L1D_NEVER && !boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		pages = alloc_pages(GFP_KERNEL, FILL_ORDER);
		if (!pages)
			return -ENOMEM;
		fill_pages = page_address(pages);
		fill(fill_pages);
	}
	if (l1d_mode != L1D_NEVER || static_key_enabled(&mmio_stale_data_clear))
		static_branch_enable(&lvx_empties_caches);
	return 0;
}

void lvx_caches_exit(void)
{
	free_pages((unsigned long)fill_pages, FILL_ORDER);
}
