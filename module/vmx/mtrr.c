// SPDX-License-Identifier: GPL-2.0
/*
 * Memory-type range registers, which firmware and kernels expect of any machine
 * although a VM has no use for them. They hold what is written and change
 * nothing: guest memory is write-back whatever they say, through the EPT's
 * "ignore PAT" rule (mmu/).
 */
#include <linux/nospec.h>
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
