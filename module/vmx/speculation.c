// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs about speculative execution: what the guest's CPU is immune to, and
 * what it can switch on.
 *
 * IA32_SPEC_CTRL is switched by enter.S at each entry and exit once a guest has
 * set it. Until then it is intercepted, since most guests never do, and the guest
 * runs with the host's value, which restricts speculation no less than its own.
 */
#include <linux/irqflags.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "base/vm.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"

/*
 * "I am not affected" and "my microcode does this" hold for a guest on the same
 * CPU, too. Bits that announce an MSR which guests don't get are missing:
 * TSX_CTRL, MISC_PACKAGE_CTRLS, ENERGY_FILTERING_CTL, DOITM, FB_CLEAR_CTRL,
 * XAPIC_DISABLE_STATUS, OVERCLOCKING_STATUS.
 */
#define PASSED_ON (ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | \
		   ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | \
		   ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | \
		   ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA | \
		   ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO | \
		   ARCH_CAP_RFDS_CLEAR | ARCH_CAP_BHI_NO | ARCH_CAP_ITS_NO)

/* Old CPUs are immune to some without a bit saying so, but Linux knows. */
static const struct {
	u16 bug;
	u64 immune;
} known[] = {
	{ X86_BUG_CPU_MELTDOWN, ARCH_CAP_RDCL_NO },
	{ X86_BUG_SPEC_STORE_BYPASS, ARCH_CAP_SSB_NO },
	{ X86_BUG_MDS, ARCH_CAP_MDS_NO },
	{ X86_BUG_ITLB_MULTIHIT, ARCH_CAP_PSCHANGE_MC_NO },
	{ X86_BUG_RFDS, ARCH_CAP_RFDS_NO },
	{ X86_BUG_ITS, ARCH_CAP_ITS_NO },
};

/**
 * lvx_arch_capabilities() - IA32_ARCH_CAPABILITIES of a guest on this host
 */
u64 lvx_arch_capabilities(void)
{
	u64 value = 0;
	u32 i;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, value);
	value &= PASSED_ON;
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (!boot_cpu_has_bug(known[i].bug))
			value |= known[i].immune;
	}
	return value;
}

/*
 * Which bits are reserved depends on model and microcode: ask the CPU. Entry
 * would not survive the #GP of a reserved bit.
 */
static bool cpu_accepts(u64 value)
{
	unsigned long flags;
	u64 saved;
	bool ok;

	local_irq_save(flags);
	ok = !rdmsrl_safe(MSR_IA32_SPEC_CTRL, &saved) &&
	     !wrmsrl_safe(MSR_IA32_SPEC_CTRL, value);
	if (ok)
		wrmsrl(MSR_IA32_SPEC_CTRL, saved);
	local_irq_restore(flags);
	return ok;
}

int lvx_set_spec_ctrl(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		      u64 value, bool by_host)
{
	if (!cpu_accepts(value))
		return -EINVAL;
	to_vmx(vcpu)->sw.spec_ctrl = value;
	if (value) {
		to_vmx(vcpu)->sw.spec_ctrl_live = true;
		lvx_msr_intercept(vcpu, MSR_IA32_SPEC_CTRL, false, false);
	}
	return 0;
}

/* A command, not a register: the barrier happens now. */
int lvx_set_pred_cmd(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		     u64 value, bool by_host)
{
	if (value & ~PRED_CMD_IBPB)
		return -EINVAL;
	if (!value)
		return 0;
	wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	lvx_msr_intercept(vcpu, MSR_IA32_PRED_CMD, true, false);
	return 0;
}
