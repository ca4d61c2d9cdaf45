// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_SUPPORTED_CPUID: the CPU that a guest can be given.
 *
 * A feature is listed if three agree: the row below (does lvx do what it
 * takes?), the CPU, and the host's kernel, which may have switched it off. What
 * lvx provides whatever the CPU has, is "always". A bit that isn't in a row is
 * hidden; those of which one might wonder:
 *
 * MONITOR	MWAIT in a guest would give the host's CPU away
 * VMX, SMX	no nesting
 * PDCM, DS	no performance monitoring; leaf 0xa is empty
 * TSC_DEADLINE	depends on the LAPIC being in the kernel, which this list can't
 *		know: KVM_CAP_TSC_DEADLINE_TIMER says it, as on KVM
 * HTT		topology is user space's to describe: leaves 0xb and 0x1f empty
 * INTEL_PT, MPX, SGX, WAITPKG, ENQCMD, CET, AMX, XFD, BUS_LOCK_DETECT
 *		need MSRs or VMCS fields that lvx leaves alone
 */
#include <linux/kernel.h>
#include <linux/kvm_para.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

#include "emul/internal.h"

/* Register words that the kernel doesn't keep. */
#define NO_WORD		-1

#define F(name)		BIT(X86_FEATURE_##name & 31)

/* Bits of a physical address that an EPT of four levels translates. */
#define EPT_ADDRESS_BITS	48

/* XCR0 bits that lvx switches between host and guest. */
#define XCR0_KNOWN	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | \
			 XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 | \
			 XFEATURE_MASK_PKRU)

/**
 * struct feature_row - one register of feature bits
 * @leaf: EAX
 * @subleaf: ECX
 * @reg: register of the answer
 * @word: the kernel's copy of it, which lacks what the kernel switched off
 * @mask: features that work if CPU and kernel have them
 * @raw: of these, those that don't need the kernel's consent
 * @always: features that lvx provides itself
 */
struct feature_row {
	u32 leaf, subleaf;
	enum cpuid_regs_idx reg;
	int word;
	u32 mask, raw, always;
};

/* Not const: lvx_cpuid_hide() and lvx_cpuid_offer(). */
static struct feature_row features[] = {
	{ 1, 0, CPUID_ECX, CPUID_1_ECX,
	  .mask = F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) |
		  F(PCID) | F(XMM4_1) | F(XMM4_2) | F(MOVBE) | F(POPCNT) |
		  F(AES) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND),
	  .always = F(X2APIC) | F(HYPERVISOR) },
	{ 1, 0, CPUID_EDX, CPUID_1_EDX,
	  .mask = F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) |
		  F(PAE) | F(MCE) | F(CX8) | F(APIC) | F(SEP) | F(MTRR) |
		  F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) |
		  F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) |
		  F(SELFSNOOP) },
	{ 7, 0, CPUID_EBX, CPUID_7_0_EBX,
	  .mask = F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) |
		  F(FDP_EXCPTN_ONLY) | F(SMEP) | F(BMI2) | F(ERMS) |
		  F(INVPCID) | F(RTM) | F(ZERO_FCS_FDS) | F(AVX512F) |
		  F(AVX512DQ) | F(RDSEED) | F(ADX) | F(SMAP) |
		  F(AVX512IFMA) | F(CLFLUSHOPT) | F(CLWB) | F(AVX512PF) |
		  F(AVX512ER) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) |
		  F(AVX512VL),
	  .always = F(TSC_ADJUST) },
	{ 7, 0, CPUID_ECX, CPUID_7_ECX,
	  .mask = F(AVX512VBMI) | F(LA57) | F(PKU) | F(RDPID) |
		  F(AVX512_VPOPCNTDQ) | F(UMIP) | F(AVX512_VBMI2) | F(GFNI) |
		  F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) |
		  F(AVX512_BITALG) | F(CLDEMOTE) | F(MOVDIRI) | F(MOVDIR64B),
	  /* The guest's paging may have more levels than the host's. */
	  .raw = F(LA57) },
	{ 7, 0, CPUID_EDX, CPUID_7_EDX,
	  .mask = F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(SPEC_CTRL) |
		  F(SPEC_CTRL_SSBD) | F(INTEL_STIBP) | F(MD_CLEAR) |
		  F(AVX512_VP2INTERSECT) | F(FSRM) | F(SERIALIZE) |
		  F(TSXLDTRK) | F(AVX512_FP16),
	  .always = F(ARCH_CAPABILITIES) },
	{ 7, 1, CPUID_EAX, CPUID_7_1_EAX,
	  .mask = F(AVX_VNNI) | F(AVX512_BF16) },
	{ 0xd, 1, CPUID_EAX, CPUID_D_1_EAX,
	  .mask = F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES) },
	{ KVM_CPUID_FEATURES, 0, CPUID_EAX, NO_WORD,
	  .always = BIT(KVM_FEATURE_CLOCKSOURCE) |
		    BIT(KVM_FEATURE_NOP_IO_DELAY) |
		    BIT(KVM_FEATURE_CLOCKSOURCE2) |
		    (IS_ENABLED(CONFIG_SCHED_INFO) ?
		     BIT(KVM_FEATURE_STEAL_TIME) : 0) |
		    BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) },
	{ 0x80000001, 0, CPUID_ECX, CPUID_8000_0001_ECX,
	  .mask = F(LAHF_LM) | F(ABM) | F(3DNOWPREFETCH) },
	{ 0x80000001, 0, CPUID_EDX, CPUID_8000_0001_EDX,
	  .mask = F(SYSCALL) | F(NX) | F(GBPAGES) | F(RDTSCP) | F(LM) },
	/* Bit 8: the TSC ticks at one rate in all power states. */
	{ 0x80000007, 0, CPUID_EDX, NO_WORD, .mask = BIT(8) },
};

struct table {
	struct kvm_cpuid_entry2 *entries;
	u32 nr, room;
	bool full;
	/* Where what doesn't fit goes. */
	struct kvm_cpuid_entry2 spare;
};

static u32 host_reg(u32 leaf, u32 subleaf, enum cpuid_regs_idx reg)
{
	u32 regs[4];

	cpuid_count(leaf, subleaf, &regs[0], &regs[1], &regs[2], &regs[3]);
	return regs[reg];
}

static u32 row_value(const struct feature_row *row)
{
	u32 value = host_reg(row->leaf, row->subleaf, row->reg) & row->mask;

	if (row->word != NO_WORD)
		value &= boot_cpu_data.x86_capability[row->word] | row->raw;
	/* Keys need the kernel to save PKRU. */
	if (row->word == CPUID_7_ECX && !boot_cpu_has(X86_FEATURE_OSPKE))
		value &= ~F(PKU);
	return value | row->always;
}

/* A register of feature bits; 0 if it isn't one. */
u32 cpuid_supported_reg(u32 leaf, u32 subleaf, enum cpuid_regs_idx reg)
{
	const struct feature_row *row = features;

	for (; row < features + ARRAY_SIZE(features); row++)
		if (row->leaf == leaf && row->subleaf == subleaf &&
		    row->reg == reg)
			return row_value(row);
	return 0;
}

/**
 * lvx_cpuid_hide() - take features out of the supported CPUID
 * @leaf: EAX
 * @subleaf: ECX
 * @reg: 0 to 3: EAX to EDX of the answer
 * @bits: the features
 *
 * For what depends on the CPU's VMX. While no VM exists.
 */
void lvx_cpuid_hide(u32 leaf, u32 subleaf, unsigned int reg, u32 bits)
{
	struct feature_row *row = features;

	for (; row < features + ARRAY_SIZE(features); row++) {
		if (row->leaf == leaf && row->subleaf == subleaf &&
		    row->reg == reg) {
			row->mask &= ~bits;
			row->always &= ~bits;
		}
	}
}

/**
 * lvx_cpuid_offer() - add features to the supported CPUID
 * @leaf: EAX
 * @subleaf: ECX
 * @reg: 0 to 3: EAX to EDX of the answer
 * @bits: the features
 *
 * For what the CPU's VMX lets lvx provide itself. While no VM exists.
 */
void lvx_cpuid_offer(u32 leaf, u32 subleaf, unsigned int reg, u32 bits)
{
	struct feature_row *row = features;

	for (; row < features + ARRAY_SIZE(features); row++)
		if (row->leaf == leaf && row->subleaf == subleaf &&
		    row->reg == reg)
			row->always |= bits;
}

/**
 * lvx_supported_xcr0() - features that a guest may set in XCR0
 *
 * Those that lvx knows and the host has switched on, each with all that it takes:
 * the CPU accepts any of them. Context: the host's XCR0 is loaded.
 */
u64 lvx_supported_xcr0(void)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & XCR0_KNOWN;
}

/* SDM, "XSAVE-Managed Features": legacy region and header take 576 bytes. */
u32 cpuid_xsave_size(u64 xfeatures, bool compacted)
{
	u32 size = 576, eax, ebx, ecx, edx, at;
	unsigned int i;

	for (i = 2; i < 63; i++) {
		if (!(xfeatures & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		at = ebx;
		/* ECX bit 1: starts at a multiple of 64 bytes. */
		if (compacted)
			at = ecx & BIT(1) ? ALIGN(size, 64) : size;
		size = max(size, at + eax);
	}
	return size;
}

static struct kvm_cpuid_entry2 *add(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = &t->spare;

	if (t->nr < t->room)
		e = &t->entries[t->nr];
	else
		t->full = true;
	t->nr++;
	*e = (struct kvm_cpuid_entry2){ .function = leaf };
	return e;
}

static struct kvm_cpuid_entry2 *add_subleaf(struct table *t, u32 leaf,
					    u32 subleaf)
{
	struct kvm_cpuid_entry2 *e = add(t, leaf);

	e->index = subleaf;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	return e;
}

static void copy_host(struct kvm_cpuid_entry2 *e)
{
	cpuid_count(e->function, e->index, &e->eax, &e->ebx, &e->ecx, &e->edx);
}

static void set_features(struct kvm_cpuid_entry2 *e)
{
	e->eax |= cpuid_supported_reg(e->function, e->index, CPUID_EAX);
	e->ebx |= cpuid_supported_reg(e->function, e->index, CPUID_EBX);
	e->ecx |= cpuid_supported_reg(e->function, e->index, CPUID_ECX);
	e->edx |= cpuid_supported_reg(e->function, e->index, CPUID_EDX);
}

static void fill_zero(struct table *t, u32 leaf)
{
	add(t, leaf);
}

/* Zero, but with subleaves: user space describes the topology. */
static void fill_topology(struct table *t, u32 leaf)
{
	add_subleaf(t, leaf, 0);
}

static void fill_host(struct table *t, u32 leaf)
{
	copy_host(add(t, leaf));
}

static void fill_features(struct table *t, u32 leaf)
{
	set_features(add(t, leaf));
}

static void fill_max_basic(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = add(t, leaf);

	copy_host(e);
	e->eax = min(e->eax, 0xdU);
}

/* The host's model; of EBX only the size of a cache line isn't a CPU's own. */
static void fill_version(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = add(t, leaf);

	copy_host(e);
	e->ebx &= 0xff00;
	e->ecx = 0;
	e->edx = 0;
	set_features(e);
}

/* Without the numbers of CPUs that share a cache, EAX bits 31:14. */
static void fill_caches(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e;
	u32 i, type = 1;

	for (i = 0; type && i < 16; i++) {
		e = add_subleaf(t, leaf, i);
		copy_host(e);
		e->eax &= 0x3fff;
		type = e->eax & 0x1f;
	}
}

/* Bit 2: the LAPIC timer doesn't stop in any power state. */
static void fill_power(struct table *t, u32 leaf)
{
	add(t, leaf)->eax = BIT(2);
}

static void fill_extended_features(struct table *t, u32 leaf)
{
	u32 last = min(host_reg(leaf, 0, CPUID_EAX), 1U);
	struct kvm_cpuid_entry2 *e = add_subleaf(t, leaf, 0);

	set_features(e);
	e->eax = last;
	if (last)
		set_features(add_subleaf(t, leaf, 1));
}

static void fill_xsave(struct table *t, u32 leaf)
{
	u64 xcr0 = lvx_supported_xcr0();
	struct kvm_cpuid_entry2 *e = add_subleaf(t, leaf, 0);
	unsigned int i;

	e->eax = xcr0;
	e->edx = xcr0 >> 32;
	if (!xcr0)
		return;
	e->ebx = cpuid_xsave_size(xcr0, false);
	e->ecx = e->ebx;

	e = add_subleaf(t, leaf, 1);
	set_features(e);
	if (e->eax & (F(XSAVES) | F(XSAVEC)))
		e->ebx = cpuid_xsave_size(xcr0, true);

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = add_subleaf(t, leaf, i);
		copy_host(e);
		e->ecx &= BIT(1);
		e->edx = 0;
	}
}

static void fill_signature(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = add(t, leaf);
	u32 words[3];

	memcpy(words, KVM_SIGNATURE, sizeof(words));
	e->eax = KVM_CPUID_FEATURES;
	e->ebx = words[0];
	e->ecx = words[1];
	e->edx = words[2];
}

static void fill_max_extended(struct table *t, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = add(t, leaf);

	copy_host(e);
	e->eax = min(e->eax, 0x80000008);
}

/* ECX describes the L2 cache; Intel's other registers are reserved. */
static void fill_l2_cache(struct table *t, u32 leaf)
{
	add(t, leaf)->ecx = host_reg(leaf, 0, CPUID_ECX);
}

static void fill_address_sizes(struct table *t, u32 leaf)
{
	u32 host = host_reg(leaf, 0, CPUID_EAX);
	u32 physical = min_t(u32, host & 0xff, EPT_ADDRESS_BITS);
	u32 linear = max_t(u32, host >> 8 & 0xff, 48);

	add(t, leaf)->eax = physical | linear << 8;
}

/* A range of leaves and what they are filled with. */
static const struct leaf_row {
	u32 first, last;
	void (*fill)(struct table *t, u32 leaf);
} leaves[] = {
	{ 0, 0, fill_max_basic },
	{ 1, 1, fill_version },
	{ 2, 2, fill_host },		/* caches and TLBs as descriptors */
	{ 3, 3, fill_zero },		/* serial number */
	{ 4, 4, fill_caches },
	{ 5, 5, fill_zero },		/* MONITOR */
	{ 6, 6, fill_power },
	{ 7, 7, fill_extended_features },
	{ 8, 0xa, fill_zero },		/* 0xa: performance monitoring */
	{ 0xb, 0xb, fill_topology },
	{ 0xc, 0xc, fill_zero },
	{ 0xd, 0xd, fill_xsave },
	{ KVM_CPUID_SIGNATURE, KVM_CPUID_SIGNATURE, fill_signature },
	{ KVM_CPUID_FEATURES, KVM_CPUID_FEATURES, fill_features },
	{ 0x80000000, 0x80000000, fill_max_extended },
	{ 0x80000001, 0x80000001, fill_features },
	{ 0x80000002, 0x80000004, fill_host },	/* brand string */
	{ 0x80000005, 0x80000005, fill_zero },
	{ 0x80000006, 0x80000006, fill_l2_cache },
	{ 0x80000007, 0x80000007, fill_features },
	{ 0x80000008, 0x80000008, fill_address_sizes },
};

/* Does the CPU have the leaf? lvx's own it needn't. */
static bool leaf_exists(u32 leaf)
{
	u32 base = leaf & 0xc0000000;

	return base == KVM_CPUID_SIGNATURE ||
	       leaf <= host_reg(base, 0, CPUID_EAX);
}

/**
 * lvx_cpuid_supported() - KVM_GET_SUPPORTED_CPUID
 * @entries: filled
 * @nr: in: room; out: entries that there are
 *
 * All of it is asked of one CPU. Return: 0 or -E2BIG.
 */
int lvx_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 *nr)
{
	struct table t = { .entries = entries, .room = *nr };
	const struct leaf_row *row = leaves;
	u32 leaf;

	preempt_disable();
	for (; row < leaves + ARRAY_SIZE(leaves); row++)
		for (leaf = row->first; leaf <= row->last; leaf++)
			if (leaf_exists(leaf))
				row->fill(&t, leaf);
	preempt_enable();
	*nr = t.nr;
	return t.full ? -E2BIG : 0;
}
