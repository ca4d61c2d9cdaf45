// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's VMX side from its creation to its end.
 */
#include <linux/slab.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "mmu/mmu.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* Control words for this vCPU: what the CPU has, less what the VM lacks. */
static void choose_controls(struct lvx_vcpu *vcpu)
{
	u32 *word = to_vmx(vcpu)->ctl.word;

	to_vmx(vcpu)->ctl = lvx_caps.ctl;
	word[LVX_CPU] &= ~CPU_BASED_MONITOR_TRAP_FLAG;
	if (!vcpu->lapic) {
		/* The TPR is user space's: see CR8 exits. */
		word[LVX_CPU] &= ~CPU_BASED_TPR_SHADOW;
		word[LVX_CPU] |= CPU_BASED_CR8_LOAD_EXITING |
				 CPU_BASED_CR8_STORE_EXITING;
	}
	vcpu->can_leave_at = lvx_has(LVX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER);
	if (!to_vmx(vcpu)->vpid)
		word[LVX_CPU2] &= ~SECONDARY_EXEC_ENABLE_VPID;
}

/* The current VMCS from nothing to the state after RESET. */
static void program(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->eptp = lvx_mmu_eptp(vcpu->vm);
	vmcs_write64(EPT_POINTER, vmx->eptp);
	lvx_vmcs_program(vcpu);
	/* Caches of fields: no valid value looks like this. */
	vmx->sw.host_rsp = 0;
	vmx->host_cr3 = ~0UL;
	vmx->host_cr4 = ~0UL;
	vmx->host_fs_base = ~0UL;
	lvx_reset_state(vcpu, false);
}

/**
 * lvx_vmx_create() - the VMX side of a new vCPU
 * @vcpu: its LAPIC, if any, exists; the VM holds VMX on
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_vmx_create(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx;
	int r = -ENOMEM;

	vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);
	if (!vmx)
		return -ENOMEM;
	vcpu->vmx = vmx;
	vmx->user_irq = -1;
	vmx->host_xcr0 = boot_cpu_has(X86_FEATURE_OSXSAVE) ?
			 xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, vmx->host_xss);
	vmx->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;
	if (vcpu->id == vcpu->vm->bsp_id)
		vmx->apic_base |= MSR_IA32_APICBASE_BSP;

	vmx->msr_bitmap = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->msr_bitmap)
		goto free_vmx;
	lvx_msr_bitmap_init(vmx->msr_bitmap);
	lvx_make_request(vcpu, LVX_REQ_MSR_FILTER);
	r = lvx_fpu_create(vcpu);
	if (r)
		goto free_bitmap;
	r = lvx_msr_create(vcpu);
	if (r)
		goto destroy_fpu;
	r = lvx_vmcs_alloc(&vmx->vmcs);
	if (r)
		goto destroy_msrs;

	vmx->vpid = lvx_vpid_alloc();
	choose_controls(vcpu);
	lvx_vcpu_load(vcpu);
	program(vcpu);
	lvx_vcpu_put(vcpu);
	return 0;

destroy_msrs:
	lvx_msr_destroy(vcpu);
destroy_fpu:
	lvx_fpu_destroy(vcpu);
free_bitmap:
	free_page((unsigned long)vmx->msr_bitmap);
free_vmx:
	vcpu->vmx = NULL;
	kfree(vmx);
	return r;
}

/**
 * lvx_vmx_destroy() - and its end
 * @vcpu: nobody runs it any more
 */
void lvx_vmx_destroy(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	lvx_vmcs_free(&vmx->vmcs);
	lvx_overlay_destroy(vmx->overlay);
	lvx_vpid_free(vmx->vpid);
	lvx_msr_destroy(vcpu);
	lvx_fpu_destroy(vcpu);
	free_page((unsigned long)vmx->msr_bitmap);
	kfree(vmx);
	vcpu->vmx = NULL;
}

/* Features whose instructions raise #UD without a control of VMX. */
static const struct gate {
	u32 control, leaf, subleaf;
	enum cpuid_regs_idx reg;
	u32 bit;
} gates[] = {
	{ SECONDARY_EXEC_ENABLE_RDTSCP, 0x80000001, 0, CPUID_EDX, BIT(27) },
	{ SECONDARY_EXEC_ENABLE_RDTSCP, 7, 0, CPUID_ECX, BIT(22) }, /* RDPID */
	{ SECONDARY_EXEC_ENABLE_INVPCID, 7, 0, CPUID_EBX, BIT(10) },
	{ SECONDARY_EXEC_ENABLE_XSAVES, 0xd, 1, CPUID_EAX, BIT(3) },
};

/**
 * lvx_vmx_hide_cpuid() - offer no guest what would fault there
 *
 * Context: module load, lvx_caps is settled.
 */
void lvx_vmx_hide_cpuid(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(gates); i++)
		if (!lvx_has(LVX_CPU2, gates[i].control))
			lvx_cpuid_hide(gates[i].leaf, gates[i].subleaf,
				       gates[i].reg, gates[i].bit);
}

static bool in_table(struct lvx_vcpu *vcpu, const struct gate *gate)
{
	const struct kvm_cpuid_entry2 *e;
	const u32 *regs;

	e = lvx_cpuid_find(vcpu, gate->leaf, gate->subleaf);
	if (!e)
		return false;
	static_assert(offsetof(struct kvm_cpuid_entry2, edx) ==
		      offsetof(struct kvm_cpuid_entry2, eax) +
		      CPUID_EDX * sizeof(u32));
	regs = &e->eax;
	return regs[gate->reg] & gate->bit;
}

/**
 * lvx_vmx_cpuid_changed() - the guest's CPUID table decides more than CPUID
 * @vcpu: loaded, has not run yet
 *
 * Instructions and control-register bits that the table does not have must
 * fault.
 */
void lvx_vmx_cpuid_changed(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 *word = &vmx->ctl.word[LVX_CPU2], i;
	const struct kvm_cpuid_entry2 *e;

	for (i = 0; i < ARRAY_SIZE(gates); i++)
		*word &= ~gates[i].control;
	for (i = 0; i < ARRAY_SIZE(gates); i++)
		if (in_table(vcpu, &gates[i]))
			*word |= lvx_caps.ctl.word[LVX_CPU2] & gates[i].control;
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, *word);
	lvx_update_cr_masks(vcpu);
	lvx_update_cpuid_mirror(vcpu);
	lvx_msr_cpuid_changed(vcpu);
	e = lvx_cpuid_find(vcpu, 1, 0);
	lvx_lapic_offer_deadline(vcpu, e && (e->ecx & BIT(24)));
}
