// SPDX-License-Identifier: GPL-2.0
/*
 * Machine checks: the guest's error-reporting banks, and the errors that user
 * space reports in them. A host's own errors are not shown to guests unless
 * user space, which gets them as SIGBUS, passes them on with KVM_X86_SET_MCE.
 *
 * Corrected errors raise no interrupt (no MCG_CMCI_P), and an error goes to one
 * CPU only when user space says so (no MCG_LMCE_P).
 */
#include <linux/nospec.h>
#include <asm/mce.h>
#include <asm/trapnr.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"

/* Number of banks that the guest sees in IA32_MCG_CAP. */
static u32 nr_banks(struct lvx_msr_state *msrs)
{
	return min_t(u32, msrs->mcg_cap & MCG_BANKCNT_MASK, LVX_NR_MCE_BANKS);
}

/*
 * Without its capability an MSR is not there for the guest, but reads as 0 for
 * user space, which may write 0 back: clients save and restore without asking.
 */
int lvx_get_mcg_ctl(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 *value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (!(msrs->mcg_cap & MCG_CTL_P) && !by_host)
		return -EINVAL;
	*value = msrs->mcg_ctl;
	return 0;
}

int lvx_set_mcg_ctl(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (!(msrs->mcg_cap & MCG_CTL_P) && (value || !by_host))
		return -EINVAL;
	if (value && ~value)
		return -EINVAL;
	msrs->mcg_ctl = value;
	return 0;
}

int lvx_get_mc_bank(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 *value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (i >= 4 * nr_banks(msrs))
		return -EINVAL;
	*value = msrs->mc_bank[i];
	return 0;
}

/* Position in a bank: SDM, "Error-Reporting Register Banks". */
enum { MC_CTL, MC_STATUS, MC_ADDR, MC_MISC };

int lvx_set_mc_bank(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (i >= 4 * nr_banks(msrs))
		return -EINVAL;
	/*
	 * Control bits go on and off together. Some kernels leave out bit 10
	 * (an AMD erratum) or bit 0 (noise), and no harm is in that.
	 */
	if (i % 4 == MC_CTL && value && ~(value | BIT(10) | BIT(0)))
		return -EINVAL;
	/* Status can be cleared; AMD's can be set after asking for it. */
	if (i % 4 == MC_STATUS && value && !by_host && !(msrs->hwcr & BIT(18)))
		return -EINVAL;
	msrs->mc_bank[i] = value;
	return 0;
}

int lvx_get_mc_ctl2(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 *value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (i >= nr_banks(msrs) || (!(msrs->mcg_cap & MCG_CMCI_P) && !by_host))
		return -EINVAL;
	*value = msrs->mc_ctl2[i];
	return 0;
}

int lvx_set_mc_ctl2(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if (i >= nr_banks(msrs) ||
	    (!(msrs->mcg_cap & MCG_CMCI_P) && (value || !by_host)))
		return -EINVAL;
	msrs->mc_ctl2[i] = value;
	return 0;
}

/* ------------------------------------------------------------------- ioctls */

/* Numbers in IA32_MCG_CAP, of banks and of extended registers: any. */
#define MCG_CAP_NUMBERS	(MCG_BANKCNT_MASK | 0xff0000ull)

/**
 * lvx_setup_mce() - KVM_X86_SETUP_MCE: choose the banks and what they can do
 * @vcpu: loaded
 * @mcg_cap: IA32_MCG_CAP
 *
 * Return: 0, or -EINVAL for no bank, too many, or what %LVX_MCE_CAP lacks.
 */
int lvx_setup_mce(struct lvx_vcpu *vcpu, u64 mcg_cap)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;
	u32 i, nr = mcg_cap & MCG_BANKCNT_MASK;

	if (!nr || nr > LVX_NR_MCE_BANKS ||
	    (mcg_cap & ~(u64)(LVX_MCE_CAP | MCG_CAP_NUMBERS)))
		return -EINVAL;
	msrs->mcg_cap = mcg_cap;
	if (mcg_cap & MCG_CTL_P)
		msrs->mcg_ctl = ~0ull;
	for (i = 0; i < nr; i++)
		msrs->mc_bank[4 * i + MC_CTL] = ~0ull;
	return 0;
}

static void report(u64 *bank, const struct kvm_x86_mce *mce, u64 overflow)
{
	bank[MC_STATUS] = mce->status | overflow;
	bank[MC_ADDR] = mce->addr;
	bank[MC_MISC] = mce->misc;
}

/* SDM, "UCR Error Classification": uncorrected, but nobody needs to act now. */
static bool no_action(const struct kvm_x86_mce *mce)
{
	return (mce->status & MCI_STATUS_UC) && !mce->mcg_status &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

/* #MC; on top of another one, or unexpected, it shuts the CPU down. */
static void uncorrected(struct lvx_vcpu *vcpu, u64 *bank,
			const struct kvm_x86_mce *mce, u64 overflow)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	if ((vmx->msrs->mcg_status & MCG_STATUS_MCIP) ||
	    !(lvx_cr4(vcpu) & X86_CR4_MCE)) {
		vmx->triple_fault = true;
		return;
	}
	report(bank, mce, overflow);
	vmx->msrs->mcg_status = mce->mcg_status;
	lvx_raise(vcpu, X86_TRAP_MC);
}

/**
 * lvx_set_mce() - KVM_X86_SET_MCE: the guest's hardware finds an error
 * @vcpu: loaded
 * @mce: what its bank is going to say
 *
 * An uncorrected error that control registers switch off is lost, and one that
 * was there before is not overwritten by a corrected one.
 *
 * Return: 0, or -EINVAL for a bank that is not there or a status without error.
 */
int lvx_set_mce(struct lvx_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;
	u64 *bank, overflow;
	u32 nr = nr_banks(msrs);

	if (mce->bank >= nr || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &msrs->mc_bank[4 * array_index_nospec(mce->bank, nr)];
	overflow = bank[MC_STATUS] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0;

	if (no_action(mce)) {
		report(bank, mce, 0);
		msrs->mcg_status = mce->mcg_status;
	} else if (mce->status & MCI_STATUS_UC) {
		if (!~bank[MC_CTL] &&
		    (!(msrs->mcg_cap & MCG_CTL_P) || !~msrs->mcg_ctl))
			uncorrected(vcpu, bank, mce, overflow);
	} else if (overflow && (bank[MC_STATUS] & MCI_STATUS_UC)) {
		bank[MC_STATUS] |= MCI_STATUS_OVER;
	} else {
		report(bank, mce, overflow);
	}
	return 0;
}

/* Before KVM_X86_SETUP_MCE: all the banks, no optional register. */
void lvx_mce_create(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->msrs->mcg_cap = LVX_NR_MCE_BANKS;
}
