// SPDX-License-Identifier: GPL-2.0
/*
 * The MSRs that a guest has, as a table, and the small functions that read and
 * write them. msr.c looks rows up and applies their flags.
 *
 * The values of MSRs that describe the machine are KVM's: clients compare.
 */
#include <linux/kvm_para.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/msr.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"

/* -------------------------------------------------- generic getters, setters */

static int get_const(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		     u64 *value, bool by_host)
{
	*value = msr->arg;
	return 0;
}

static int set_ignored(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	return 0;
}

static u64 *memory(struct lvx_vcpu *vcpu, const struct lvx_msr *msr)
{
	return (void *)to_vmx(vcpu)->msrs + msr->arg;
}

static int get_mem(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 *value, bool by_host)
{
	*value = *memory(vcpu, msr);
	return 0;
}

static int set_mem(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 value, bool by_host)
{
	*memory(vcpu, msr) = value;
	return 0;
}

/* The same for a member of struct lvx_vmx. */
static u64 *vmx_memory(struct lvx_vcpu *vcpu, const struct lvx_msr *msr)
{
	return (void *)to_vmx(vcpu) + msr->arg;
}

static int get_vmx(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 *value, bool by_host)
{
	*value = *vmx_memory(vcpu, msr);
	return 0;
}

static int set_vmx(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 value, bool by_host)
{
	*vmx_memory(vcpu, msr) = value;
	return 0;
}

static int get_vmcs(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 *value, bool by_host)
{
	*value = __lvx_vmread(msr->arg);
	return 0;
}

static int set_vmcs(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	__lvx_vmwrite(msr->arg, value);
	return 0;
}

static int set_swapped(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	lvx_sync_swapped_msr(vcpu, msr->arg, value);
	return 0;
}

static int get_swapped(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 *value, bool by_host)
{
	*value = to_vmx(vcpu)->msr_swap[msr->arg];
	return 0;
}

/* ------------------------------------------------- MSRs with rules of their own */

/* Bits 9 and 7:0 (SDM, "Local APIC Status and Location"). */
#define APIC_BASE_RESERVED	0x2ffull

u64 lvx_apic_base(struct lvx_vcpu *vcpu)
{
	return vcpu->lapic ? lvx_lapic_base(vcpu) : to_vmx(vcpu)->apic_base;
}

/* User space has the LAPIC, and here is only what it or the guest set. */
static int set_unused_apic_base(struct lvx_vcpu *vcpu, u64 base)
{
	u64 reserved = ~(BIT_ULL(lvx_cpuid_maxphyaddr(vcpu)) - 1) |
		       APIC_BASE_RESERVED;

	if ((base & reserved) ||
	    ((base & X2APIC_ENABLE) && !(base & MSR_IA32_APICBASE_ENABLE)))
		return -EINVAL;
	to_vmx(vcpu)->apic_base = base;
	return 0;
}

/**
 * lvx_set_apic_base() - IA32_APIC_BASE
 * @vcpu: loaded
 * @base: new value
 * @by_host: user space sets it: any change of mode is allowed
 *
 * Return: 0, or -EINVAL for #GP.
 */
int lvx_set_apic_base(struct lvx_vcpu *vcpu, u64 base, bool by_host)
{
	const struct kvm_cpuid_entry2 *leaf = lvx_cpuid_find(vcpu, 1, 0);
	bool has_x2apic = leaf && (leaf->ecx & BIT(X86_FEATURE_X2APIC & 31));
	int r;

	if (vcpu->lapic)
		r = lvx_lapic_set_base(vcpu, base, by_host, has_x2apic,
				       lvx_cpuid_maxphyaddr(vcpu));
	else
		r = set_unused_apic_base(vcpu, base);
	/* CPUID.1:EDX.APIC is 0 while the LAPIC is off. */
	if (!r)
		lvx_update_cpuid_mirror(vcpu);
	return r;
}

static int get_apic_base(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 *value, bool by_host)
{
	*value = lvx_apic_base(vcpu);
	return 0;
}

static int set_apic_base(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 value, bool by_host)
{
	return lvx_set_apic_base(vcpu, value, by_host);
}

static int get_x2apic(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		      u64 *value, bool by_host)
{
	return vcpu->lapic ? lvx_x2apic_read(vcpu, msr->first + i, value) :
			     -EINVAL;
}

static int set_x2apic(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		      u64 value, bool by_host)
{
	return vcpu->lapic ? lvx_x2apic_write(vcpu, msr->first + i, value) :
			     -EINVAL;
}

/* Without a LAPIC in the kernel: no timer, and the register reads as 0. */
static int get_deadline(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
			u64 *value, bool by_host)
{
	*value = vcpu->lapic ? lvx_lapic_tsc_deadline(vcpu) : 0;
	return 0;
}

static int set_deadline(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
			u64 value, bool by_host)
{
	if (vcpu->lapic)
		lvx_lapic_set_tsc_deadline(vcpu, value);
	return 0;
}

static int get_pvclock(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 *value, bool by_host)
{
	return lvx_pvclock_get_msr(vcpu, msr->first + i, value) ? -EINVAL : 0;
}

static int set_pvclock(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	return lvx_pvclock_set_msr(vcpu, msr->first + i, value, by_host) ?
		-EINVAL : 0;
}

static int set_efer(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	return lvx_write_efer(vcpu, value, by_host);
}

/*
 * SYSENTER's addresses: the guest's own writes pass through the bitmap and the
 * CPU checks them. User space's are made canonical, as KVM does.
 */
static int set_sysenter(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
			u64 value, bool by_host)
{
	u8 unused = lvx_cr4(vcpu) & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	__lvx_vmwrite(msr->arg, (s64)(value << unused) >> unused);
	return 0;
}

/* The value is in the MSR itself as long as the guest's MSRs are live. */
static int get_kernel_gs(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 *value, bool by_host)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	preempt_disable();
	if (vmx->switched)
		rdmsrl(MSR_KERNEL_GS_BASE, vmx->msr_kernel_gs_base);
	*value = vmx->msr_kernel_gs_base;
	preempt_enable();
	return 0;
}

static int set_kernel_gs(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 value, bool by_host)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	preempt_disable();
	vmx->msr_kernel_gs_base = value;
	if (vmx->switched)
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	preempt_enable();
	return 0;
}

/* Eight memory types: SDM, "Memory Types That Can Be Encoded With PAT". */
static int set_pat(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 value, bool by_host)
{
	u32 byte;
	u8 type;

	for (byte = 0; byte < 8; byte++) {
		type = value >> (8 * byte);
		if (type > 7 || type == 2 || type == 3)
			return -EINVAL;
	}
	vmcs_write64(GUEST_IA32_PAT, value);
	return 0;
}

/* Branch records and branch stepping are not there, and asking is harmless. */
static int set_debugctl(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
			u64 value, bool by_host)
{
	return value & ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF) ? -EINVAL : 0;
}

/* A guest "loads an update": accepted without effect. */
static int set_ucode_rev(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			 u32 i, u64 value, bool by_host)
{
	if (by_host)
		to_vmx(vcpu)->msrs->ucode_rev = value;
	return 0;
}

/* User space may have hidden it: its ratios are the host's on another CPU. */
static int get_platform_info(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			     u32 i, u64 *value, bool by_host)
{
	if (!by_host && READ_ONCE(vcpu->vm->hide_platform_info))
		return -EINVAL;
	*value = to_vmx(vcpu)->msrs->platform_info;
	return 0;
}

/* Only the lock bit: VMX and SGX are not for guests. */
static int set_feat_ctl(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
			u64 value, bool by_host)
{
	struct lvx_msr_state *msrs = to_vmx(vcpu)->msrs;

	if ((msrs->feat_ctl & FEAT_CTL_LOCKED) && !by_host)
		return -EINVAL;
	msrs->feat_ctl = value;
	return 0;
}

static int set_misc_enable(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			   u32 i, u64 value, bool by_host)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 old = vmx->misc_enable;

	if (!by_host) {
		if ((old ^ value) & LVX_MISC_ENABLE_RO)
			return -EINVAL;
		value &= ~MSR_IA32_MISC_ENABLE_EMON;
		value |= old & MSR_IA32_MISC_ENABLE_EMON;
	}
	vmx->misc_enable = value;
	if ((old ^ value) & MSR_IA32_MISC_ENABLE_MWAIT)
		lvx_update_cpuid_mirror(vcpu);
	return 0;
}

/* No supervisor state is offered to guests, so 0 is what is left. */
static int set_xss(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		   u64 value, bool by_host)
{
	return value ? -EINVAL : 0;
}

/* AMD's: erratum switches that kernels flip are accepted and forgotten. */
static int set_hwcr(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	value &= ~(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8));
	if (value & ~BIT_ULL(18))
		return -EINVAL;
	to_vmx(vcpu)->msrs->hwcr = value;
	return 0;
}

/* AMD's OS-visible workarounds: user space, too, needs the CPUID feature. */
static int get_osvw(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 *value, bool by_host)
{
	if (!lvx_msr_gate_open(vcpu, LVX_GATE_OSVW))
		return -EINVAL;
	return get_mem(vcpu, msr, i, value, by_host);
}

static int set_osvw(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		    u64 value, bool by_host)
{
	if (!lvx_msr_gate_open(vcpu, LVX_GATE_OSVW))
		return -EINVAL;
	return set_mem(vcpu, msr, i, value, by_host);
}

/* Bits 63:32 are reserved on Intel's CPUs; AMD's ignore what is written there. */
static int set_tsc_aux(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	if (value >> 32 && lvx_msr_gate_open(vcpu, LVX_GATE_INTEL))
		return -EINVAL;
	return set_swapped(vcpu, msr, i, (u32)value, by_host);
}

/* ---------------------------------------------------------------- the table */

#define LISTED		LVX_MSR_LISTED
#define SLOW		(LVX_MSR_SLOW_READ | LVX_MSR_SLOW_WRITE)
#define SLOW_WRITE	LVX_MSR_SLOW_WRITE
#define HOST_WRITES	LVX_MSR_HOST_WRITES
#define CANONICAL	LVX_MSR_CANONICAL

/* What follows the index and count of a row. */
#define CONST(v)	.get = get_const, .arg = (v)
#define ZERO		CONST(0)
#define IGNORED(v)	.get = get_const, .set = set_ignored, .arg = (v)
#define MEM(member)	.get = get_mem, .set = set_mem, \
			.arg = offsetof(struct lvx_msr_state, member)
#define VMX(member)	.get = get_vmx, .set = set_vmx, \
			.arg = offsetof(struct lvx_vmx, member)
#define VMCS(field)	.get = get_vmcs, .set = set_vmcs, .arg = (field)
#define SWAPPED(i)	.get = get_swapped, .set = set_swapped, .arg = (i)
#define FN(g, s)	.get = (g), .set = (s)
#define GATE(g)		.gate = LVX_GATE_##g

const struct lvx_msr lvx_msrs[] = {
	{ "IA32_P5_MC_ADDR, _TYPE", MSR_IA32_P5_MC_ADDR, 2, ZERO },
	{ "IA32_TIME_STAMP_COUNTER", MSR_IA32_TSC, 1, LISTED | SLOW_WRITE,
	  FN(lvx_get_tsc, lvx_set_tsc) },
	{ "KVM_WALL_CLOCK, KVM_SYSTEM_TIME", 0x11, 2, LISTED | SLOW,
	  FN(get_pvclock, set_pvclock) },
	{ "IA32_PLATFORM_ID", MSR_IA32_PLATFORM_ID, 1, ZERO },
	{ "IA32_APIC_BASE", MSR_IA32_APICBASE, 1, SLOW_WRITE,
	  FN(get_apic_base, set_apic_base) },
	{ "EBL_CR_POWERON", MSR_IA32_EBL_CR_POWERON, 1, ZERO },
	/* Bus 100 MHz, ratio 1: a guest may divide by either. */
	{ "EBC_FREQUENCY_ID", MSR_EBC_FREQUENCY_ID, 1, CONST(1 << 24) },
	{ "SMI_COUNT", MSR_SMI_COUNT, 1, LISTED | HOST_WRITES, MEM(smi_count) },
	{ "IA32_FEATURE_CONTROL", MSR_IA32_FEAT_CTL, 1, LISTED,
	  FN(get_mem, set_feat_ctl), .reserved = ~(u64)FEAT_CTL_LOCKED,
	  .arg = offsetof(struct lvx_msr_state, feat_ctl) },
	{ "IA32_TSC_ADJUST", MSR_IA32_TSC_ADJUST, 1, LISTED | SLOW_WRITE,
	  FN(get_vmx, lvx_set_tsc_adjust),
	  .arg = offsetof(struct lvx_vmx, tsc_adjust) },
	{ "IA32_SPEC_CTRL", MSR_IA32_SPEC_CTRL, 1, LISTED, GATE(SPEC_CTRL),
	  .host = X86_FEATURE_MSR_SPEC_CTRL, FN(get_vmx, lvx_set_spec_ctrl),
	  .arg = offsetof(struct lvx_vmx, sw.spec_ctrl) },
	{ "IA32_PRED_CMD", MSR_IA32_PRED_CMD, 1, GATE(PRED_CMD),
	  .host = X86_FEATURE_IBPB, FN(NULL, lvx_set_pred_cmd) },
	{ "IA32_BIOS_UPDT_TRIG", MSR_IA32_UCODE_WRITE, 1,
	  FN(NULL, set_ignored) },
	{ "IA32_BIOS_SIGN_ID", MSR_IA32_UCODE_REV, 1, LISTED,
	  FN(get_mem, set_ucode_rev),
	  .arg = offsetof(struct lvx_msr_state, ucode_rev) },
	{ "IA32_PMC0, 1", MSR_P6_PERFCTR0, 2, IGNORED(0) },
	/* 166 MHz by one family's encoding; meaningless on the others. */
	{ "FSB_FREQ", MSR_FSB_FREQ, 1, CONST(3) },
	{ "PLATFORM_INFO", MSR_PLATFORM_INFO, 1, LISTED | HOST_WRITES,
	  FN(get_platform_info, set_mem),
	  .arg = offsetof(struct lvx_msr_state, platform_info) },
	/* Variable ranges, fixed ranges, write combining; no SMRR. */
	{ "IA32_MTRRCAP", MSR_MTRRcap, 1,
	  CONST(LVX_NR_MTRR_VAR | BIT(8) | BIT(10)) },
	{ "IA32_ARCH_CAPABILITIES", MSR_IA32_ARCH_CAPABILITIES, 1,
	  LISTED | HOST_WRITES, GATE(ARCH_CAPABILITIES),
	  VMX(arch_capabilities) },
	/* L2 cache: there, 512 KiB, by a CPU of long ago. */
	{ "BBL_CR_CTL3", MSR_IA32_BBL_CR_CTL3, 1, IGNORED(0xbe702111) },
	{ "MISC_FEATURES_ENABLES", MSR_MISC_FEATURES_ENABLES, 1, LISTED,
	  MEM(misc_features), .reserved = ~0ULL },
	{ "IA32_SYSENTER_CS", MSR_IA32_SYSENTER_CS, 1, LISTED,
	  VMCS(GUEST_SYSENTER_CS) },
	{ "IA32_SYSENTER_ESP", MSR_IA32_SYSENTER_ESP, 1, LISTED,
	  FN(get_vmcs, set_sysenter), .arg = GUEST_SYSENTER_ESP },
	{ "IA32_SYSENTER_EIP", MSR_IA32_SYSENTER_EIP, 1, LISTED,
	  FN(get_vmcs, set_sysenter), .arg = GUEST_SYSENTER_EIP },
	{ "IA32_MCG_CAP", MSR_IA32_MCG_CAP, 1, FN(get_mem, NULL),
	  .arg = offsetof(struct lvx_msr_state, mcg_cap) },
	{ "IA32_MCG_STATUS", MSR_IA32_MCG_STATUS, 1, LISTED, MEM(mcg_status) },
	{ "IA32_MCG_CTL", MSR_IA32_MCG_CTL, 1, LISTED,
	  FN(lvx_get_mcg_ctl, lvx_set_mcg_ctl) },
	{ "IA32_PERFEVTSEL0, 1", MSR_P6_EVNTSEL0, 2, IGNORED(0) },
	/* Ratio 4, and 1000 in the field of the current one: not 0. */
	{ "IA32_PERF_STATUS", MSR_IA32_PERF_STATUS, 1,
	  CONST(1000 | 4ULL << 40) },
	{ "IA32_PERF_CTL", MSR_IA32_PERF_CTL, 1, ZERO },
	{ "IA32_MISC_ENABLE", MSR_IA32_MISC_ENABLE, 1, LISTED | SLOW_WRITE,
	  FN(get_vmx, set_misc_enable),
	  .arg = offsetof(struct lvx_vmx, misc_enable) },
	{ "IA32_DEBUGCTL", MSR_IA32_DEBUGCTLMSR, 1,
	  FN(get_vmcs, set_debugctl), .arg = GUEST_IA32_DEBUGCTL },
	{ "LASTBRANCH, LASTINT", MSR_IA32_LASTBRANCHFROMIP, 4, ZERO },
	{ "POWER_CTL", MSR_IA32_POWER_CTL, 1, LISTED, MEM(power_ctl) },
	{ "IA32_MTRR_PHYSBASE, _PHYSMASK", 0x200, 2 * LVX_NR_MTRR_VAR,
	  FN(lvx_get_mtrr_var, lvx_set_mtrr_var) },
	{ "IA32_MTRR_FIX64K", MSR_MTRRfix64K_00000, 1,
	  FN(lvx_get_mtrr_fixed, lvx_set_mtrr_fixed), .arg = 0 },
	{ "IA32_MTRR_FIX16K", MSR_MTRRfix16K_80000, 2,
	  FN(lvx_get_mtrr_fixed, lvx_set_mtrr_fixed), .arg = 1 },
	{ "IA32_MTRR_FIX4K", MSR_MTRRfix4K_C0000, 8,
	  FN(lvx_get_mtrr_fixed, lvx_set_mtrr_fixed), .arg = 3 },
	{ "IA32_PAT", MSR_IA32_CR_PAT, 1, LISTED, FN(get_vmcs, set_pat),
	  .arg = GUEST_IA32_PAT },
	{ "IA32_MC_CTL2", MSR_IA32_MC0_CTL2, LVX_NR_MCE_BANKS,
	  FN(lvx_get_mc_ctl2, lvx_set_mc_ctl2),
	  .reserved = ~(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK) },
	{ "IA32_MTRR_DEF_TYPE", MSR_MTRRdefType, 1,
	  FN(get_mem, lvx_set_mtrr_deftype), .reserved = ~0xcffULL,
	  .arg = offsetof(struct lvx_msr_state, mtrr_deftype) },
	{ "IA32_MC_CTL, _STATUS, _ADDR, _MISC", MSR_IA32_MC0_CTL,
	  4 * LVX_NR_MCE_BANKS, FN(lvx_get_mc_bank, lvx_set_mc_bank) },
	/* Energy counters: the host's are not for guests. */
	{ "RAPL_POWER_UNIT", MSR_RAPL_POWER_UNIT, 1, ZERO },
	{ "PKG_ENERGY_STATUS", MSR_PKG_ENERGY_STATUS, 1, ZERO },
	{ "DRAM_ENERGY_STATUS", MSR_DRAM_ENERGY_STATUS, 1, ZERO },
	{ "PP0_ENERGY_STATUS", MSR_PP0_ENERGY_STATUS, 1, ZERO },
	{ "PP1_ENERGY_STATUS", MSR_PP1_ENERGY_STATUS, 1, ZERO },
	{ "IA32_TSC_DEADLINE", MSR_IA32_TSC_DEADLINE, 1, LISTED,
	  FN(get_deadline, set_deadline) },
	{ "x2APIC", 0x800, 0x100, FN(get_x2apic, set_x2apic) },
	{ "IA32_XSS", MSR_IA32_XSS, 1, GATE(XSAVES), FN(get_const, set_xss) },
	{ "KVM_WALL_CLOCK_NEW, KVM_SYSTEM_TIME_NEW", 0x4b564d00, 2,
	  LISTED | SLOW, FN(get_pvclock, set_pvclock) },
	{ "KVM_STEAL_TIME", MSR_KVM_STEAL_TIME, 1, LISTED | SLOW,
	  FN(get_pvclock, set_pvclock), .reserved = KVM_STEAL_RESERVED_MASK },
	{ "IA32_EFER", MSR_EFER, 1, SLOW_WRITE, FN(get_vmx, set_efer),
	  .arg = offsetof(struct lvx_vmx, efer) },
	{ "IA32_STAR", MSR_STAR, 1, LISTED, SWAPPED(LVX_SWAP_STAR) },
	{ "IA32_LSTAR", MSR_LSTAR, 1, LISTED | CANONICAL,
	  SWAPPED(LVX_SWAP_LSTAR) },
	{ "IA32_CSTAR", MSR_CSTAR, 1, LISTED | CANONICAL,
	  SWAPPED(LVX_SWAP_CSTAR) },
	{ "IA32_FMASK", MSR_SYSCALL_MASK, 1, LISTED, SWAPPED(LVX_SWAP_SFMASK),
	  .reserved = GENMASK_ULL(63, 32) },
	{ "IA32_FS_BASE", MSR_FS_BASE, 1, CANONICAL, VMCS(GUEST_FS_BASE) },
	{ "IA32_GS_BASE", MSR_GS_BASE, 1, CANONICAL, VMCS(GUEST_GS_BASE) },
	{ "IA32_KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 1, LISTED | CANONICAL,
	  FN(get_kernel_gs, set_kernel_gs) },
	{ "IA32_TSC_AUX", MSR_TSC_AUX, 1, LISTED, GATE(TSC_AUX),
	  .host = X86_FEATURE_RDTSCP, FN(get_swapped, set_tsc_aux),
	  .arg = LVX_SWAP_TSC_AUX },
	/* What kernels ask of an AMD CPU, which a CPUID table may claim to be. */
	{ "AMD EVNTSEL, PERFCTR", MSR_K7_EVNTSEL0, 8, IGNORED(0) },
	{ "AMD SYSCFG", MSR_AMD64_SYSCFG, 1, ZERO },
	{ "AMD HWCR", MSR_K7_HWCR, 1, FN(get_mem, set_hwcr),
	  .arg = offsetof(struct lvx_msr_state, hwcr) },
	{ "AMD INT_PENDING_MSG", MSR_K8_INT_PENDING_MSG, 1, ZERO },
	/* The K7's divisors of its clock in sleep states, as its firmware set it. */
	{ "AMD CLK_CTL", MSR_K7_CLK_CTL, 1, IGNORED(0x20000000) },
	{ "AMD PATCH_LOADER", MSR_AMD64_PATCH_LOADER, 1,
	  FN(NULL, set_ignored) },
	/* PCI configuration space in memory: there is none. */
	{ "AMD MMIO_CONF_BASE", MSR_FAM10H_MMIO_CONF_BASE, 1,
	  FN(get_const, set_ignored), .reserved = ~0ULL },
	{ "AMD OSVW_ID_LENGTH", MSR_AMD64_OSVW_ID_LENGTH, 1,
	  FN(get_osvw, set_osvw),
	  .arg = offsetof(struct lvx_msr_state, osvw_length) },
	{ "AMD OSVW_STATUS", MSR_AMD64_OSVW_STATUS, 1, FN(get_osvw, set_osvw),
	  .arg = offsetof(struct lvx_msr_state, osvw_status) },
	{ "AMD EX_CFG", MSR_F15H_EX_CFG, 1, IGNORED(0) },
	{ "AMD NB_CFG", MSR_AMD64_NB_CFG, 1, IGNORED(0) },
	{ "AMD SMM TSEG", MSR_K8_TSEG_ADDR, 2, ZERO },
	{ "AMD VM_HSAVE_PA", MSR_VM_HSAVE_PA, 1, IGNORED(0) },
	{ "AMD DC_CFG, TW_CFG", MSR_AMD64_DC_CFG, 2, IGNORED(0) },
	{ "AMD BU_CFG2", MSR_AMD64_BU_CFG2, 1, IGNORED(0) },
};

const u32 lvx_nr_msrs = ARRAY_SIZE(lvx_msrs);

/* msr.c's index holds row numbers in bytes. */
static_assert(ARRAY_SIZE(lvx_msrs) < U8_MAX);
