/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the MSR table, for the files that serve them.
 */
#ifndef LVX_VMX_MSR_H
#define LVX_VMX_MSR_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/msr-index.h>

#include "vmx/vmx.h"

struct lvx_vcpu;
struct lvx_msr;

enum lvx_msr_flags {
	LVX_MSR_LISTED = BIT(0),	/* in KVM_GET_MSR_INDEX_LIST */
	LVX_MSR_SLOW_READ = BIT(1),	/* may sleep, or needs interrupts on */
	LVX_MSR_SLOW_WRITE = BIT(2),
	LVX_MSR_HOST_WRITES = BIT(3),	/* WRMSR in the guest: #GP */
	LVX_MSR_CANONICAL = BIT(4),	/* others: #GP */
};

/* CPUID features of the guest without which an MSR is not there for it. */
enum lvx_msr_gate {
	LVX_GATE_NONE,
	LVX_GATE_SPEC_CTRL,
	LVX_GATE_PRED_CMD,
	LVX_GATE_ARCH_CAPABILITIES,
	LVX_GATE_TSC_AUX,
	LVX_GATE_TSC_ADJUST,
	LVX_GATE_XSAVES,
	LVX_GATE_OSVW,			/* AMD's list of errata */
	LVX_GATE_INTEL,			/* not a feature: the vendor */
	LVX_NR_GATES,
};

typedef int lvx_msr_get(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			u32 i, u64 *value, bool by_host);
typedef int lvx_msr_set(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
			u32 i, u64 value, bool by_host);

/**
 * struct lvx_msr - a row: one MSR, or a range that is served alike
 * @name: the SDM's
 * @first: index
 * @count: how many
 * @flags: enum lvx_msr_flags
 * @gate: enum lvx_msr_gate, for accesses by the guest
 * @host: X86_FEATURE_* that this host must have; 0: any
 * @get: reads number @i of the range. NULL: can't be read
 * @set: writes it; the flags and @reserved are checked before. NULL: read-only
 * @arg: of the generic @get and @set: a constant, the offset into struct
 *	lvx_msr_state, the VMCS field or the enum lvx_swapped_msr
 * @reserved: bits that can't be set
 *
 * @get and @set return 0 or -EINVAL, which is #GP when the guest asked.
 */
struct lvx_msr {
	const char *name;
	u32 first, count;
	u16 flags;
	u8 gate;
	u16 host;
	lvx_msr_get *get;
	lvx_msr_set *set;
	u64 arg;
	u64 reserved;
};

#define LVX_NR_MTRR_VAR		8
#define LVX_NR_MTRR_FIXED	11

/* MSRs that are but memory, or nearly. */
struct lvx_msr_state {
	u32 gates;			/* of enum lvx_msr_gate: open */
	u64 feat_ctl;
	u64 hwcr;
	u64 misc_features;
	u64 osvw_length, osvw_status;
	u64 platform_info;
	u64 power_ctl;
	u64 smi_count;
	u64 ucode_rev;

	/* mtrr.c: memory types; mce.c: machine checks */
	u64 mtrr_var[2 * LVX_NR_MTRR_VAR];	/* base and mask in turn */
	u64 mtrr_fixed[LVX_NR_MTRR_FIXED];
	u64 mtrr_deftype;
	u64 mcg_cap, mcg_status, mcg_ctl;
	u64 mc_bank[4 * LVX_NR_MCE_BANKS];	/* CTL, STATUS, ADDR, MISC */
	u64 mc_ctl2[LVX_NR_MCE_BANKS];
};

/* Set in IA32_MISC_ENABLE, and the guest can't change them. */
#define LVX_MISC_ENABLE_RO	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

extern const struct lvx_msr lvx_msrs[];
extern const u32 lvx_nr_msrs;

bool lvx_msr_gate_open(struct lvx_vcpu *vcpu, enum lvx_msr_gate gate);

/* mtrr.c, mce.c */
lvx_msr_get lvx_get_mtrr_var, lvx_get_mtrr_fixed;
lvx_msr_set lvx_set_mtrr_var, lvx_set_mtrr_fixed, lvx_set_mtrr_deftype;
lvx_msr_get lvx_get_mcg_ctl, lvx_get_mc_bank, lvx_get_mc_ctl2;
lvx_msr_set lvx_set_mcg_ctl, lvx_set_mc_bank, lvx_set_mc_ctl2;
void lvx_mce_create(struct lvx_vcpu *vcpu);

/* tsc.c */
lvx_msr_get lvx_get_tsc;
lvx_msr_set lvx_set_tsc, lvx_set_tsc_adjust;
void lvx_tsc_create(struct lvx_vcpu *vcpu);

/* speculation.c */
lvx_msr_set lvx_set_spec_ctrl, lvx_set_pred_cmd;
u64 lvx_arch_capabilities(void);

#endif
