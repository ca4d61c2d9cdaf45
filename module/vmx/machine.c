// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that firmware and kernels expect of any machine although a VM has no
 * use for them: memory-type ranges and machine-check banks.
 *
 * The MTRRs hold what is written and change nothing: guest memory is
 * write-back whatever they say, through the EPT's "ignore PAT" rule
 * (mmu/). The banks report no error unless user space writes one.
 */
#include <linux/nospec.h>
#include <asm/mce.h>
#include <asm/mtrr.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"

/* SDM, "Memory Types That Can Be Encoded in MTRRs": UC, WC, WT, WP, WB. */
static bool type_valid(u8 type)
{
	return type == MTRR_TYPE_UNCACHABLE || type == MTRR_TYPE_WRCOMB ||
	       type == MTRR_TYPE_WRTHROUGH || type == MTRR_TYPE_WRPROT ||
	       type == MTRR_TYPE_WRBACK;
}

int lvx_get_mtrr_var(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		     u64 *value, bool by_host)
{
	*value = to_vmx(vcpu)->msrs->mtrr_var[i];
	return 0;
}

/* SDM, "Variable Range MTRRs": bits above MAXPHYADDR and some below are 0. */
int lvx_set_mtrr_var(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		     u64 value, bool by_host)
{
	u64 reserved = ~(BIT_ULL(lvx_cpuid_maxphyaddr(vcpu)) - 1);
	bool is_mask = i & 1;

	reserved |= is_mask ? 0x7ff : 0xf00;
	if ((value & reserved) || (!is_mask && !type_valid(value)))
		return -EINVAL;
	to_vmx(vcpu)->msrs->mtrr_var[i] = value;
	return 0;
}

/* The fixed ranges' MSRs are in three groups; the row says where its begins. */
int lvx_get_mtrr_fixed(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 *value, bool by_host)
{
	*value = to_vmx(vcpu)->msrs->mtrr_fixed[msr->arg + i];
	return 0;
}

int lvx_set_mtrr_fixed(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	u32 byte;

	for (byte = 0; byte < 8; byte++) {
		if (!type_valid(value >> (8 * byte)))
			return -EINVAL;
	}
	to_vmx(vcpu)->msrs->mtrr_fixed[msr->arg + i] = value;
	return 0;
}

int lvx_set_mtrr_deftype(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 value, bool by_host)
{
	if (!type_valid(value))
		return -EINVAL;
	to_vmx(vcpu)->msrs->mtrr_deftype = value;
	return 0;
}

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

/* Before KVM_X86_SETUP_MCE: all the banks, no optional register. */
void lvx_machine_create(struct lvx_vcpu *vcpu)
{
	to_vmx(vcpu)->msrs->mcg_cap = LVX_NR_MCE_BANKS;
}
