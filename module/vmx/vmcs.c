// SPDX-License-Identifier: GPL-2.0
/*
 * VMCS regions: allocation, and on which CPU a VMCS is active.
 *
 * A CPU may keep an active VMCS's data in itself, so a VMCS is moved to another
 * CPU only after VMCLEAR on the one where it is active (SDM, "Software Access to
 * the Virtual-Machine Control Structure"). Each CPU has a list of the VMCSs that
 * are active on it; only that CPU changes the list, with interrupts off.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/nospec-branch.h>

#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "vmx/vmcs.h"

static DEFINE_PER_CPU(struct list_head, active);	/* struct lvx_vmcs.list */
static DEFINE_PER_CPU(struct lvx_vmcs *, current_vmcs);

/*
 * A failed access is a bug of ours: say so, go on. Unless VMX was switched off
 * under a running vCPU (reboot), of which KVM_RUN tells.
 */
void lvx_vmread_failed(u32 field)
{
	if (!raw_cpu_read(lvx_vmx_on))
		return;
	pr_err_ratelimited("lvx: VMREAD of field %#x failed on CPU %d\n", field,
			   raw_smp_processor_id());
}

void lvx_vmwrite_failed(u32 field, u64 value)
{
	if (!raw_cpu_read(lvx_vmx_on))
		return;
	pr_err_ratelimited("lvx: VMWRITE of %#llx to field %#x failed on CPU %d\n",
			   value, field, raw_smp_processor_id());
}

static int vmptrld(phys_addr_t region)
{
	asm_goto_output("1: vmptrld %[region]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fail])
			: : [region] "m" (region) : "memory", "cc" : fail);
	return 0;
fail:
	return -EIO;
}

static void vmclear(phys_addr_t region)
{
	asm_goto_output("1: vmclear %[region]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fail])
			: : [region] "m" (region) : "memory", "cc" : fail);
	return;
fail:
	pr_err_ratelimited("lvx: VMCLEAR failed on CPU %d\n",
			   raw_smp_processor_id());
}

/**
 * lvx_vmcs_region_alloc() - a zeroed region, for VMXON or a VMCS
 * @cpu: near whom
 *
 * Return: NULL if there is no memory.
 */
struct lvx_vmcs_region *lvx_vmcs_region_alloc(int cpu)
{
	struct lvx_vmcs_region *region;
	struct page *page;

	/* At most 4 KiB, and 4 KiB aligned (SDM, "VMCS Region"). */
	BUILD_BUG_ON(PAGE_SIZE != 4096);
	page = alloc_pages_node(cpu_to_node(cpu),
				GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
	if (!page)
		return NULL;
	region = page_address(page);
	region->revision = lvx_caps.revision;
	return region;
}

void lvx_vmcs_region_free(struct lvx_vmcs_region *region)
{
	free_page((unsigned long)region);
}

/**
 * lvx_vmcs_alloc() - an inactive, cleared VMCS
 * @vmcs: filled in
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_vmcs_alloc(struct lvx_vmcs *vmcs)
{
	vmcs->region = lvx_vmcs_region_alloc(raw_smp_processor_id());
	if (!vmcs->region)
		return -ENOMEM;
	INIT_LIST_HEAD(&vmcs->list);
	vmcs->cpu = -1;
	vmcs->launched = false;
	return 0;
}

/*
 * On the CPU where @vmcs is active, interrupts off. A CPU without VMX has no
 * data of it, but has it in its list like others.
 */
static void clear_here(struct lvx_vmcs *vmcs)
{
	if (this_cpu_read(lvx_vmx_on))
		vmclear(__pa(vmcs->region));
	if (this_cpu_read(current_vmcs) == vmcs)
		this_cpu_write(current_vmcs, NULL);
	list_del_init(&vmcs->list);
	vmcs->launched = false;
	/* Whoever sees -1 may load it elsewhere: all of the above is done. */
	smp_store_release(&vmcs->cpu, -1);
}

static void clear_ipi(void *arg)
{
	struct lvx_vmcs *vmcs = arg;

	/* The CPU may have gone offline and cleared it in the meantime. */
	if (vmcs->cpu == raw_smp_processor_id())
		clear_here(vmcs);
}

/**
 * lvx_vmcs_clear() - make a VMCS inactive, wherever it is
 * @vmcs: which
 *
 * May be called with preemption off, but with interrupts on.
 */
void lvx_vmcs_clear(struct lvx_vmcs *vmcs)
{
	int cpu = smp_load_acquire(&vmcs->cpu);

	/* An offline CPU has cleared its own before it went. */
	if (cpu >= 0)
		smp_call_function_single(cpu, clear_ipi, vmcs, 1);
}

void lvx_vmcs_free(struct lvx_vmcs *vmcs)
{
	lvx_vmcs_clear(vmcs);
	lvx_vmcs_region_free(vmcs->region);
	vmcs->region = NULL;
}

/**
 * lvx_vmcs_load() - make a VMCS current on this CPU
 * @vmcs: which
 *
 * Context: preemption off, interrupts on.
 * Return: true if it was not active here before: host state that depends on the
 * CPU must be written anew, and translations that this CPU cached for the vCPU
 * in an earlier stay may be stale.
 */
bool lvx_vmcs_load(struct lvx_vmcs *vmcs)
{
	bool moved = vmcs->cpu != smp_processor_id();
	unsigned long flags;

	if (moved) {
		lvx_vmcs_clear(vmcs);
		local_irq_save(flags);
		list_add(&vmcs->list, this_cpu_ptr(&active));
		vmcs->cpu = smp_processor_id();
		local_irq_restore(flags);
	}
	if (this_cpu_read(current_vmcs) != vmcs) {
		this_cpu_write(current_vmcs, vmcs);
		/* Another guest ran here: its branch predictions end with it. */
		indirect_branch_prediction_barrier();
		if (this_cpu_read(lvx_vmx_on) && vmptrld(__pa(vmcs->region)))
			pr_err_ratelimited("lvx: VMPTRLD failed on CPU %d\n",
					   smp_processor_id());
	}
	return moved;
}

/**
 * lvx_vmcs_clear_cpu() - make all VMCSs of this CPU inactive
 *
 * Before VMXOFF, and before the CPU goes offline. Interrupts off.
 */
void lvx_vmcs_clear_cpu(void)
{
	struct lvx_vmcs *vmcs, *next;

	list_for_each_entry_safe(vmcs, next, this_cpu_ptr(&active), list)
		clear_here(vmcs);
}

/**
 * lvx_vmcs_flush_cpu() - get this CPU's data of all VMCSs into memory
 *
 * For the emergency: no VMCS is used any more. Only looks at the list, so that
 * it may come as an NMI in the middle of a change of it.
 */
void lvx_vmcs_flush_cpu(void)
{
	struct lvx_vmcs *vmcs;

	list_for_each_entry(vmcs, this_cpu_ptr(&active), list)
		vmclear(__pa(vmcs->region));
}

/* Module load, before any VMCS. */
void lvx_vmcs_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(&per_cpu(active, cpu));
}
