// SPDX-License-Identifier: GPL-2.0
/*
 * Host state that VM entry and VM exit do not switch, or lose.
 *
 * Three depths, from rare to frequent:
 *   load/put: the vCPU's thread gets a CPU or loses it. The VMCS becomes
 *     current; host fields that depend on the CPU are written.
 *   switch to guest/to host: the thread goes into the guest, or back to user
 *     space or to another thread. The MSRs that the kernel itself does not use
 *     (SYSCALL's, TSC_AUX, KERNEL_GS_BASE) and the user's segments stay the
 *     guest's in between, over any number of exits.
 *   enter/exit: run.c, with interrupts off: what the kernel's interrupt
 *     handlers would notice (XCR0, PKRU, CR3 and CR4 of the thread).
 */
#include <linux/preempt.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/segment.h>

#include "base/sleep.h"
#include "base/vm.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* MSR of each enum lvx_swapped_msr, and the host's value on each CPU. */
static const u32 swapped_index[LVX_NR_SWAPPED] = {
	[LVX_SWAP_STAR] = MSR_STAR,
	[LVX_SWAP_LSTAR] = MSR_LSTAR,
	[LVX_SWAP_CSTAR] = MSR_CSTAR,
	[LVX_SWAP_SFMASK] = MSR_SYSCALL_MASK,
	[LVX_SWAP_TSC_AUX] = MSR_TSC_AUX,
};

/* The kernel writes these once a CPU's start; valid from the first use on. */
struct host_msrs {
	bool valid;
	u64 value[LVX_NR_SWAPPED];
};

static DEFINE_PER_CPU(struct host_msrs, host_msrs);

static bool have_swapped(enum lvx_swapped_msr i)
{
	return i != LVX_SWAP_TSC_AUX || boot_cpu_has(X86_FEATURE_RDTSCP) ||
	       boot_cpu_has(X86_FEATURE_RDPID);
}

/* Preemption off. */
static struct host_msrs *get_host_msrs(void)
{
	struct host_msrs *host = this_cpu_ptr(&host_msrs);
	u32 i;

	if (!host->valid) {
		for (i = 0; i < LVX_NR_SWAPPED; i++) {
			if (have_swapped(i))
				rdmsrl(swapped_index[i], host->value[i]);
		}
		host->valid = true;
	}
	return host;
}

/* Each WRMSR costs a real CPU some hundred cycles: only what differs. */
static void load_swapped(struct lvx_vmx *vmx, bool guest)
{
	struct host_msrs *host = get_host_msrs();
	u32 i;

	for (i = 0; i < LVX_NR_SWAPPED; i++) {
		if (vmx->msr_swap[i] != host->value[i] && have_swapped(i))
			wrmsrl(swapped_index[i], guest ? vmx->msr_swap[i] :
							 host->value[i]);
	}
}

/**
 * lvx_sync_swapped_msr() - a guest's swapped MSR gets a new value
 * @vcpu: loaded
 * @i: which
 * @value: already found valid; WRMSR would accept it
 */
void lvx_sync_swapped_msr(struct lvx_vcpu *vcpu, enum lvx_swapped_msr i,
			  u64 value)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	preempt_disable();
	vmx->msr_swap[i] = value;
	if (vmx->switched && have_swapped(i))
		wrmsrl(swapped_index[i], value);
	preempt_enable();
}

static void set_host_base(u32 field, unsigned long *cache, unsigned long base)
{
	if (*cache != base) {
		vmcs_writel(field, base);
		*cache = base;
	}
}

/**
 * lvx_switch_to_guest() - make the guest's MSRs live, save what exits lose
 * @vcpu: loaded
 *
 * VM exit loads null selectors into DS, ES, FS, GS and LDTR; what the thread's
 * user space had there is kept aside. Context: preemption off.
 */
void lvx_switch_to_guest(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (vmx->switched)
		return;
	current_save_fsgs();
	savesegment(fs, vmx->host_fs);
	savesegment(gs, vmx->host_gs);
	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	store_ldt(vmx->host_ldt);
	set_host_base(HOST_FS_BASE, &vmx->host_fs_base, current->thread.fsbase);
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->msr_kernel_gs_base);
	load_swapped(vmx, true);
	vmx->switched = true;
}

/**
 * lvx_switch_to_host() - the reverse
 * @vcpu: loaded
 *
 * Context: preemption off.
 */
void lvx_switch_to_host(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if (!vmx->switched)
		return;
	vmx->switched = false;
	load_swapped(vmx, false);
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->msr_kernel_gs_base);
	if (vmx->host_ldt)
		asm volatile("lldt %w0" : : "r" (vmx->host_ldt));
	if (vmx->host_ds | vmx->host_es) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	/* Loading a selector clobbers the base, so the base comes after. */
	if (vmx->host_gs)
		load_gs_index(vmx->host_gs);
	if (vmx->host_fs) {
		loadsegment(fs, vmx->host_fs);
		wrmsrl(MSR_FS_BASE, current->thread.fsbase);
	}
	/* Outside the kernel's own entry code this MSR holds the user's GS base. */
	wrmsrl(MSR_KERNEL_GS_BASE, current->thread.gsbase);
	/*
	 * VM exit sets GDTR's limit to 64 KiB (SDM, "Loading Host Segment and
	 * Descriptor-Table Registers").
	 */
	load_fixmap_gdt(smp_processor_id());
	/* And TR's to 67H, which cuts the I/O bitmap off. */
	invalidate_tss_limit();
}

/* Host fields that differ between CPUs. */
static void write_cpu_fields(struct lvx_vmx *vmx)
{
	int cpu = smp_processor_id();
	u64 sysenter_esp, gs_base;

	vmcs_writel(HOST_TR_BASE,
		    (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, (unsigned long)get_current_gdt_ro());
	rdmsrl(MSR_IA32_SYSENTER_ESP, sysenter_esp);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, sysenter_esp);
	rdmsrl(MSR_GS_BASE, gs_base);
	vmcs_writel(HOST_GS_BASE, gs_base);
}

/* Preemption off, interrupts on or off. */
static void load(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	WRITE_ONCE(vcpu->cpu, smp_processor_id());
	if (vcpu->wants_steal)
		lvx_make_request(vcpu, LVX_REQ_STEAL);
	if (unlikely(vcpu->sleeps != READ_ONCE(lvx_sleep.count)))
		lvx_pvclock_slept(vcpu);
	if (!lvx_vmcs_load(&vmx->vmcs))
		return;
	write_cpu_fields(vmx);
	/* The machine may have slept. */
	vmcs_write64(TSC_OFFSET, lvx_get_tsc_offset(vcpu));
	lvx_make_request(vcpu, LVX_REQ_TLB_FLUSH);
	if (vmx->vpid)
		lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
	lvx_make_request(vcpu, LVX_REQ_CLOCK);
}

static void put(struct lvx_vcpu *vcpu)
{
	lvx_switch_to_host(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void sched_in(struct preempt_notifier *pn, int cpu)
{
	load(container_of(pn, struct lvx_vcpu, preempt));
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	put(container_of(pn, struct lvx_vcpu, preempt));
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

/**
 * lvx_vcpu_load() - this thread works on the vCPU's VMX state from now on
 * @vcpu: its mutex is held
 *
 * The VMCS stays current for this thread, whichever CPU it is moved to, until
 * lvx_vcpu_put(). May sleep in between.
 */
void lvx_vcpu_load(struct lvx_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_init(&vcpu->preempt, &preempt_ops);
	preempt_notifier_register(&vcpu->preempt);
	load(vcpu);
	preempt_enable();
}

void lvx_vcpu_put(struct lvx_vcpu *vcpu)
{
	preempt_disable();
	put(vcpu);
	preempt_notifier_unregister(&vcpu->preempt);
	preempt_enable();
}
