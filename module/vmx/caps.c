// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPUs' VMX can do: the capability MSRs (SDM, appendix "VMX Capability
 * Reporting Facility") against the table of control bits that lvx uses.
 *
 * A bit that is required and missing refuses the module with the bit's name. A
 * bit that is optional can be switched off by the module parameter named in its
 * row, so that the code for CPUs without it is tested, too.
 */
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include "emul/emul.h"
#include "mmu/mmu.h"
#include "pure/controls.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

struct lvx_caps lvx_caps;

#define FEATURE_PARAM(name, text)					\
	static bool use_##name = true;					\
	module_param_named(name, use_##name, bool, 0444);		\
	MODULE_PARM_DESC(name, text " (default: where the CPU has it)")

FEATURE_PARAM(vpid, "Tag translations by vCPU");
FEATURE_PARAM(tpr_shadow, "Let the guest access CR8 without an exit");
FEATURE_PARAM(ept_ad, "Use the EPT's accessed and dirty bits");
FEATURE_PARAM(ept_2m, "Map 2 MiB pages");
FEATURE_PARAM(ept_1g, "Map 1 GiB pages");
FEATURE_PARAM(invpcid, "Let the guest use INVPCID");
FEATURE_PARAM(rdtscp, "Let the guest use RDTSCP and RDPID");
FEATURE_PARAM(xsaves, "Let the guest use XSAVES");
FEATURE_PARAM(preemption_timer, "Let the CPU end the guest's run when its timer is due");
FEATURE_PARAM(umip, "Give the guest UMIP by VM exits if the CPU has none");
FEATURE_PARAM(mtf, "Drop the CPU's own writes to read-only memory");
FEATURE_PARAM(ple, "Leave the guest when it spins with PAUSE");

struct row {
	struct control_bit ctl;
	const bool *param;		/* NULL: no switch */
};

#define REQUIRED(bit, name)		{ { bit, true, name }, NULL }
#define OPTIONAL(bit, name, param)	{ { bit, false, name }, param }

/* SDM, "Pin-Based VM-Execution Controls" */
static const struct row pin_rows[] = {
	REQUIRED(PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting"),
	REQUIRED(PIN_BASED_NMI_EXITING, "NMI exiting"),
	REQUIRED(PIN_BASED_VIRTUAL_NMIS, "virtual NMIs"),
	OPTIONAL(PIN_BASED_VMX_PREEMPTION_TIMER,
		 "activate VMX-preemption timer", &use_preemption_timer),
};

/* SDM, "Processor-Based VM-Execution Controls" */
static const struct row cpu_rows[] = {
	REQUIRED(CPU_BASED_USE_TSC_OFFSETTING, "use TSC offsetting"),
	REQUIRED(CPU_BASED_HLT_EXITING, "HLT exiting"),
	REQUIRED(CPU_BASED_MWAIT_EXITING, "MWAIT exiting"),
	REQUIRED(CPU_BASED_RDPMC_EXITING, "RDPMC exiting"),
	REQUIRED(CPU_BASED_MOV_DR_EXITING, "MOV-DR exiting"),
	REQUIRED(CPU_BASED_UNCOND_IO_EXITING, "unconditional I/O exiting"),
	REQUIRED(CPU_BASED_USE_MSR_BITMAPS, "use MSR bitmaps"),
	REQUIRED(CPU_BASED_MONITOR_EXITING, "MONITOR exiting"),
	REQUIRED(CPU_BASED_ACTIVATE_SECONDARY_CONTROLS,
		 "activate secondary controls"),
	/* A vCPU switches it on as it needs it. */
	OPTIONAL(CPU_BASED_MONITOR_TRAP_FLAG, "monitor trap flag", &use_mtf),
	OPTIONAL(CPU_BASED_TPR_SHADOW, "use TPR shadow", &use_tpr_shadow),
};

/* SDM, "Secondary Processor-Based VM-Execution Controls" */
static const struct row cpu2_rows[] = {
	REQUIRED(SECONDARY_EXEC_ENABLE_EPT, "enable EPT"),
	REQUIRED(SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest"),
	OPTIONAL(SECONDARY_EXEC_ENABLE_VPID, "enable VPID", &use_vpid),
	OPTIONAL(SECONDARY_EXEC_ENABLE_RDTSCP, "enable RDTSCP", &use_rdtscp),
	OPTIONAL(SECONDARY_EXEC_ENABLE_INVPCID, "enable INVPCID", &use_invpcid),
	OPTIONAL(SECONDARY_EXEC_ENABLE_XSAVES, "enable XSAVES/XRSTORS",
		 &use_xsaves),
	/* On only while a guest has CR4.UMIP set: see lvx_load_cr4(). */
	OPTIONAL(SECONDARY_EXEC_DESC, "descriptor-table exiting", &use_umip),
	OPTIONAL(SECONDARY_EXEC_WBINVD_EXITING, "WBINVD exiting", NULL),
	OPTIONAL(SECONDARY_EXEC_PAUSE_LOOP_EXITING, "PAUSE-loop exiting",
		 &use_ple),
	/* Else a guest would run the host's SGX. */
	OPTIONAL(SECONDARY_EXEC_ENCLS_EXITING, "ENCLS exiting", NULL),
};

/* SDM, "VM-Exit Controls" */
static const struct row exit_rows[] = {
	REQUIRED(VM_EXIT_SAVE_DEBUG_CONTROLS, "save debug controls"),
	REQUIRED(VM_EXIT_HOST_ADDR_SPACE_SIZE, "host address-space size"),
	REQUIRED(VM_EXIT_SAVE_IA32_PAT, "save IA32_PAT"),
	REQUIRED(VM_EXIT_LOAD_IA32_PAT, "load IA32_PAT"),
	REQUIRED(VM_EXIT_SAVE_IA32_EFER, "save IA32_EFER"),
	REQUIRED(VM_EXIT_LOAD_IA32_EFER, "load IA32_EFER"),
};

/* SDM, "VM-Entry Controls"; "IA-32e mode guest" follows EFER.LMA. */
static const struct row entry_rows[] = {
	REQUIRED(VM_ENTRY_LOAD_DEBUG_CONTROLS, "load debug controls"),
	REQUIRED(VM_ENTRY_LOAD_IA32_PAT, "load IA32_PAT"),
	REQUIRED(VM_ENTRY_LOAD_IA32_EFER, "load IA32_EFER"),
};

/*
 * The TRUE MSRs, where the CPU has them, tell which of the "default1" bits may
 * be cleared; lvx wants none of those, above all not CR3-load exiting.
 */
static const struct word {
	const char *name;
	u32 msr, true_msr;		/* no TRUE MSR: the same */
	const struct row *rows;
	u32 nr;
} words[LVX_NR_WORDS] = {
	[LVX_PIN] = {
		"pin-based", MSR_IA32_VMX_PINBASED_CTLS,
		MSR_IA32_VMX_TRUE_PINBASED_CTLS, pin_rows, ARRAY_SIZE(pin_rows)
	},
	[LVX_CPU] = {
		"processor-based", MSR_IA32_VMX_PROCBASED_CTLS,
		MSR_IA32_VMX_TRUE_PROCBASED_CTLS, cpu_rows, ARRAY_SIZE(cpu_rows)
	},
	[LVX_CPU2] = {
		"secondary processor-based", MSR_IA32_VMX_PROCBASED_CTLS2,
		MSR_IA32_VMX_PROCBASED_CTLS2, cpu2_rows, ARRAY_SIZE(cpu2_rows)
	},
	[LVX_EXIT] = {
		"VM-exit", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		exit_rows, ARRAY_SIZE(exit_rows)
	},
	[LVX_ENTRY] = {
		"VM-entry", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		entry_rows, ARRAY_SIZE(entry_rows)
	},
};

#define MAX_ROWS	16

static int resolve(const struct word *word, bool have_true, u32 *result)
{
	struct control_bit bits[MAX_ROWS];
	const char *missing;
	u32 i, nr = 0;
	u64 msr;

	for (i = 0; i < word->nr; i++) {
		if (!word->rows[i].param || *word->rows[i].param)
			bits[nr++] = word->rows[i].ctl;
	}
	rdmsrl(have_true ? word->true_msr : word->msr, msr);
	if (!controls_resolve(msr, bits, nr, result, &missing))
		return 0;
	pr_err("lvx: this CPU's VMX lacks the %s control \"%s\"; lvx needs a CPU with EPT and unrestricted guest\n",
	       word->name, missing);
	return -EOPNOTSUPP;
}

/* Does this CPU have VMX, and the right to use it? */
static int check_vmx(void)
{
	u64 fc;

	if (!boot_cpu_has(X86_FEATURE_VMX) &&
	    !(cpuid_ecx(1) & BIT(X86_FEATURE_VMX & 31))) {
		pr_err("lvx: this CPU has no Intel VMX, or a hypervisor hides it\n");
		return -EOPNOTSUPP;
	}
	rdmsrl(MSR_IA32_FEAT_CTL, fc);
	if ((fc & FEAT_CTL_LOCKED) && !(fc & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("lvx: the firmware has switched VMX off and locked it; switch it on in the firmware's set-up\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_ept(u64 cap)
{
	static const struct {
		u64 bit;
		const char *name;
	} needed[] = {
		{ VMX_EPT_PAGE_WALK_4_BIT, "4-level EPT" },
		{ VMX_EPTP_WB_BIT, "write-back EPT" },
		{ VMX_EPT_INVEPT_BIT, "INVEPT" },
		{ VMX_EPT_EXTENT_GLOBAL_BIT, "all-context INVEPT" },
		{ VMX_EPT_EXTENT_CONTEXT_BIT, "single-context INVEPT" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!(cap & needed[i].bit)) {
			pr_err("lvx: this CPU's VMX lacks %s\n", needed[i].name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/* What the EPT code may use. */
static void tell_mmu(u64 cap)
{
	lvx_mmu_features = (struct lvx_mmu_features){
		.levels = 4,
		.exec_only = cap & VMX_EPT_EXECUTE_ONLY_BIT,
		.accessed_dirty = use_ept_ad && (cap & VMX_EPT_AD_BIT),
		.page_2m = use_ept_2m && (cap & VMX_EPT_2MB_PAGE_BIT),
		.page_1g = use_ept_1g && (cap & VMX_EPT_1GB_PAGE_BIT),
	};
}

/*
 * Nehalem, Lynnfield, Westmere and Ivy Bridge's early stepping: the preemption
 * timer "does not work properly" or "may count" at another pace, say their
 * specification updates.
 */
static bool timer_is_broken(void)
{
	const struct cpuinfo_x86 *c = &boot_cpu_data;

	if (c->x86_vendor != X86_VENDOR_INTEL || c->x86 != 6)
		return false;
	return c->x86_model == 0x1a || c->x86_model == 0x1e ||
	       c->x86_model == 0x25 || c->x86_model == 0x2e ||
	       (c->x86_model == 0x3a && c->x86_stepping == 8);
}

static int negotiate(struct lvx_caps *caps)
{
	u64 basic, misc;
	u32 i;
	int r;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	caps->revision = basic & GENMASK(30, 0);
	caps->region_size = (basic >> 32) & GENMASK(12, 0);
	for (i = 0; i < LVX_NR_WORDS; i++) {
		/* Bit 55: the TRUE MSRs exist. */
		r = resolve(&words[i], basic & BIT_ULL(55), &caps->ctl.word[i]);
		if (r)
			return r;
	}
	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, caps->ept_vpid);
	/* VPID is of use only if one VPID's translations can be dropped. */
	if (!(caps->ept_vpid & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT))
		caps->ctl.word[LVX_CPU2] &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (!(caps->ctl.word[LVX_CPU] & CPU_BASED_TPR_SHADOW))
		caps->ctl.word[LVX_CPU] |= CPU_BASED_CR8_LOAD_EXITING |
					   CPU_BASED_CR8_STORE_EXITING;
	caps->emulate_umip = !boot_cpu_has(X86_FEATURE_UMIP) &&
			     caps->ctl.word[LVX_CPU2] & SECONDARY_EXEC_DESC;
	caps->ctl.word[LVX_CPU2] &= ~SECONDARY_EXEC_DESC;
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, caps->cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, caps->cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, caps->cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, caps->cr4_fixed1);
	rdmsrl(MSR_IA32_VMX_MISC, misc);
	caps->timer_shift = misc & GENMASK(4, 0);
	if (timer_is_broken())
		caps->ctl.word[LVX_PIN] &= ~PIN_BASED_VMX_PREEMPTION_TIMER;
	return check_ept(caps->ept_vpid);
}

/**
 * lvx_caps_init() - look at this CPU and settle what lvx uses
 *
 * Return: 0, or -EOPNOTSUPP after one line in the log that says what is missing.
 */
int lvx_caps_init(void)
{
	int r;

	r = check_vmx();
	if (!r)
		r = negotiate(&lvx_caps);
	if (r)
		return r;
	tell_mmu(lvx_caps.ept_vpid);
	if (lvx_caps.emulate_umip)
		lvx_cpuid_offer(7, 0, CPUID_ECX, BIT(X86_FEATURE_UMIP & 31));
	return 0;
}

/**
 * lvx_caps_check_cpu() - is this CPU like the one that lvx_caps_init() saw?
 *
 * Context: on the CPU in question, before VMXON on it.
 * Return: 0, or -EIO: its control words or its VMCS format differ.
 */
int lvx_caps_check_cpu(void)
{
	struct lvx_caps mine = {};

	if (check_vmx() || negotiate(&mine))
		return -EIO;
	if (mine.revision != lvx_caps.revision ||
	    mine.ept_vpid != lvx_caps.ept_vpid ||
	    mine.emulate_umip != lvx_caps.emulate_umip ||
	    memcmp(&mine.ctl, &lvx_caps.ctl, sizeof(mine.ctl))) {
		pr_err("lvx: CPU %d's VMX differs from the first CPU's\n",
		       smp_processor_id());
		return -EIO;
	}
	return 0;
}
