// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's registers as far as the VMCS holds them: control registers,
 * segments, and the state after RESET and INIT.
 *
 * Of CR0 and CR4 the guest owns the bits whose change needs nothing from us: it
 * reads and writes those without an exit. A bit that lvx owns reads from the
 * shadow (SDM, "Guest/Host Masks and Read Shadows for CR0 and CR4").
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/vmx.h>

#include "base/guest.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* SDM, "Debug Registers": bits that always read as one. */
#define DR6_RESET	0xffff0ff0
#define DR7_RESET	0x400

/* Paging-mode and caching bits change other state with them. */
#define CR0_GUEST_OWNED	(X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | \
			 X86_CR0_AM)
#define CR4_GUEST_OWNED	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | \
			 X86_CR4_PSE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_UMIP | \
			 X86_CR4_FSGSBASE | X86_CR4_SMEP | X86_CR4_SMAP)
#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
			 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

/* VMX wants them set, unless the guest is unrestricted. */
#define CR0_UNRESTRICTED	(X86_CR0_PE | X86_CR0_PG)

u64 lvx_cr0(struct lvx_vcpu *vcpu)
{
	u64 mask = to_vmx(vcpu)->cr0_mask;

	return (vmcs_readl(GUEST_CR0) & ~mask) |
	       (vmcs_readl(CR0_READ_SHADOW) & mask);
}

u64 lvx_cr4(struct lvx_vcpu *vcpu)
{
	u64 mask = to_vmx(vcpu)->cr4_mask;

	return (vmcs_readl(GUEST_CR4) & ~mask) |
	       (vmcs_readl(CR4_READ_SHADOW) & mask);
}

u64 lvx_cr3(struct lvx_vcpu *vcpu)
{
	return vmcs_readl(GUEST_CR3);
}

/* SS.DPL is the CPL whatever the mode (SDM, "Guest Register State"). */
u8 lvx_cpl(struct lvx_vcpu *vcpu)
{
	return (vmcs_read32(GUEST_SS_AR_BYTES) >> 5) & 3;
}

bool lvx_is_long_mode(struct lvx_vcpu *vcpu)
{
	return to_vmx(vcpu)->efer & EFER_LMA;
}

bool lvx_is_64bit(struct lvx_vcpu *vcpu)
{
	return lvx_is_long_mode(vcpu) &&
	       (vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK);
}

/* EFER.LMA, the VM-entry control of the same meaning, and the field. */
static void write_efer(struct lvx_vcpu *vcpu, u64 efer)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 *entry = &vmx->ctl.word[LVX_ENTRY];
	u32 old = *entry;

	if (efer & EFER_LMA)
		*entry |= VM_ENTRY_IA32E_MODE;
	else
		*entry &= ~VM_ENTRY_IA32E_MODE;
	if (*entry != old)
		vmcs_write32(VM_ENTRY_CONTROLS, *entry);
	vmx->efer = efer;
	vmcs_write64(GUEST_IA32_EFER, efer);
}

void lvx_load_cr0(struct lvx_vcpu *vcpu, u64 cr0)
{
	u64 real = cr0;

	/* NE must be set; CD and NW would only slow the guest down. */
	real |= lvx_caps.cr0_fixed0 & ~CR0_UNRESTRICTED;
	real &= ~(u64)(X86_CR0_CD | X86_CR0_NW);
	vmcs_writel(CR0_READ_SHADOW, cr0);
	vmcs_writel(GUEST_CR0, real);
}

/* XSAVE and XRSTOR reach PKRU without CR4.PKE, too. */
static void update_pkru(struct lvx_vmx *vmx)
{
	vmx->guest_pkru = (vmcs_readl(CR4_READ_SHADOW) & X86_CR4_PKE) ||
			  (vmx->guest_osxsave && (vmx->xcr0 & XFEATURE_MASK_PKRU));
}

/* CR4 bits that work without an exit. */
static u64 cr4_guest_owned(struct lvx_vcpu *vcpu)
{
	u64 owned = CR4_GUEST_OWNED & lvx_cpuid_guest_cr4(vcpu);

	return lvx_caps.emulate_umip ? owned & ~(u64)X86_CR4_UMIP : owned;
}

/* Stand in for a UMIP that the CPU doesn't have. Returns CR4 for the CPU. */
static u64 emulate_umip(struct lvx_vcpu *vcpu, u64 cr4)
{
	u32 *word = &to_vmx(vcpu)->ctl.word[LVX_CPU2];
	u32 want = *word & ~SECONDARY_EXEC_DESC;

	if (!lvx_caps.emulate_umip)
		return cr4;
	if (cr4 & X86_CR4_UMIP)
		want |= SECONDARY_EXEC_DESC;
	if (want != *word) {
		*word = want;
		vmcs_write32(SECONDARY_VM_EXEC_CONTROL, want);
	}
	return cr4 & ~(u64)X86_CR4_UMIP;
}

/*
 * MCE is always the host's: a machine check that comes while it is clear shuts
 * the whole machine down, and firmware and CPUs after INIT have it clear. #MC
 * exits, so that the guest sees none whatever its own MCE is.
 */
void lvx_load_cr4(struct lvx_vcpu *vcpu, u64 cr4)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 real = emulate_umip(vcpu, cr4);

	vmcs_writel(CR4_READ_SHADOW, cr4);
	vmcs_writel(GUEST_CR4, (real & ~X86_CR4_MCE) | lvx_caps.cr4_fixed0 |
			       (cr4_read_shadow() & X86_CR4_MCE));
	vmx->guest_osxsave = cr4 & X86_CR4_OSXSAVE;
	update_pkru(vmx);
}

void lvx_load_efer(struct lvx_vcpu *vcpu, u64 efer)
{
	write_efer(vcpu, efer);
}

/* The guest's mode changed by user space's hand or by a CR write. */
void lvx_update_cpuid_mirror(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	struct lvx_cpuid_state state = {
		.cr4 = lvx_cr4(vcpu),
		.apic_base = vcpu->lapic ? lvx_lapic_base(vcpu) : vmx->apic_base,
		.xcr0 = vmx->xcr0,
		.xss = vmx->xss,
		.mwait = vmx->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT,
	};

	lvx_cpuid_update(vcpu, &state);
}

static void write_pdptrs(const u64 pdpte[4])
{
	vmcs_write64(GUEST_PDPTR0, pdpte[0]);
	vmcs_write64(GUEST_PDPTR1, pdpte[1]);
	vmcs_write64(GUEST_PDPTR2, pdpte[2]);
	vmcs_write64(GUEST_PDPTR3, pdpte[3]);
}

/* -EINVAL: reserved bits are set, or there is no memory. */
static int read_pdptrs(struct lvx_vcpu *vcpu, u64 cr3, u64 pdpte[4])
{
	u64 reserved = ~GENMASK_ULL(lvx_cpuid_maxphyaddr(vcpu) - 1, 12) &
		       ~(u64)0xe19;
	u32 i;

	cr3 &= GENMASK(31, 5);
	for (i = 0; i < 4; i++) {
		/* One by one: each is read at once. */
		if (lvx_read_guest(vcpu->vm, cr3 + 8 * i, &pdpte[i], 8))
			return -EINVAL;
		if ((pdpte[i] & 1) && (pdpte[i] & reserved))
			return -EINVAL;
	}
	return 0;
}

/**
 * lvx_load_pdptrs() - the four entries that PAE paging keeps in the CPU
 * @vcpu: loaded, in PAE paging
 * @cr3: where they are
 *
 * With EPT the CPU loads them itself on the guest's MOV to CR3, but not when
 * lvx switches PAE paging on for the guest (SDM, "Loading Guest PDPTEs").
 * May sleep.
 *
 * Return: 0, or -EINVAL: reserved bits are set, or there is no memory (#GP).
 */
int lvx_load_pdptrs(struct lvx_vcpu *vcpu, u64 cr3)
{
	u64 pdpte[4];

	if (read_pdptrs(vcpu, cr3, pdpte))
		return -EINVAL;
	write_pdptrs(pdpte);
	return 0;
}

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/**
 * lvx_check_cr3() - would loading it outside IA-32e mode be #GP?
 * @vcpu: loaded
 * @cr3: new value
 *
 * May sleep. Return: 0 or -EINVAL.
 */
int lvx_check_cr3(struct lvx_vcpu *vcpu, u64 cr3)
{
	u64 pdpte[4];

	if (!pae_paging(lvx_cr0(vcpu), lvx_cr4(vcpu), to_vmx(vcpu)->efer))
		return 0;
	return read_pdptrs(vcpu, cr3, pdpte);
}

/* CR0.PG goes on or off: EFER.LMA follows EFER.LME. May sleep. */
static int switch_paging(struct lvx_vcpu *vcpu, u64 cr0)
{
	u64 efer = to_vmx(vcpu)->efer, cr4 = lvx_cr4(vcpu);
	u32 ar;

	if (!(cr0 & X86_CR0_PG)) {
		if ((efer & EFER_LMA) && lvx_is_64bit(vcpu))
			return -EINVAL;
		if (cr4 & X86_CR4_PCIDE)
			return -EINVAL;
		write_efer(vcpu, efer & ~EFER_LMA);
		return 0;
	}
	if (!(efer & EFER_LME)) {
		if (!(cr4 & X86_CR4_PAE))
			return 0;
		return lvx_load_pdptrs(vcpu, lvx_cr3(vcpu));
	}
	if (!(cr4 & X86_CR4_PAE))
		return -EINVAL;
	if (vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK)
		return -EINVAL;
	/* IA-32e mode has no 16-bit TSS: VM entry insists on a 64-bit one. */
	ar = vmcs_read32(GUEST_TR_AR_BYTES);
	if ((ar & VMX_AR_TYPE_MASK) != VMX_AR_TYPE_BUSY_64_TSS)
		vmcs_write32(GUEST_TR_AR_BYTES, (ar & ~VMX_AR_TYPE_MASK) |
			     VMX_AR_TYPE_BUSY_64_TSS);
	write_efer(vcpu, efer | EFER_LMA);
	return 0;
}

/**
 * lvx_write_cr0() - what a guest's MOV to CR0 does
 * @vcpu: loaded
 * @cr0: new value
 *
 * SDM, "MOV—Move to/from Control Registers". May sleep.
 *
 * Return: 0 or -EINVAL for #GP(0).
 */
int lvx_write_cr0(struct lvx_vcpu *vcpu, u64 cr0)
{
	u64 old = lvx_cr0(vcpu);
	int r;

	if (cr0 >> 32)
		return -EINVAL;
	cr0 = (cr0 & CR0_DEFINED) | X86_CR0_ET;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return -EINVAL;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return -EINVAL;
	if ((old ^ cr0) & X86_CR0_PG) {
		r = switch_paging(vcpu, cr0);
		if (r)
			return r;
	}
	lvx_load_cr0(vcpu, cr0);
	/* The CPU flushes on its own MOV, not on ours. */
	if ((old ^ cr0) & (X86_CR0_PG | X86_CR0_WP))
		lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
	return 0;
}

/**
 * lvx_load_cr3() - CR3 from user space
 * @vcpu: loaded; CR0, CR4 and EFER are set already
 * @cr3: new value; with PAE paging the PDPTEs are read from there
 */
void lvx_load_cr3(struct lvx_vcpu *vcpu, u64 cr3)
{
	vmcs_writel(GUEST_CR3, cr3);
	/* User space may set memory up later: then the guest finds no PDPTE. */
	if (pae_paging(lvx_cr0(vcpu), lvx_cr4(vcpu), to_vmx(vcpu)->efer) &&
	    lvx_load_pdptrs(vcpu, cr3))
		write_pdptrs((const u64[4]){ 0 });
	lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
}

/**
 * lvx_write_cr4() - what a guest's MOV to CR4 does
 * @vcpu: loaded
 * @cr4: new value
 *
 * May sleep. Return: 0 or -EINVAL for #GP(0).
 */
int lvx_write_cr4(struct lvx_vcpu *vcpu, u64 cr4)
{
	u64 old = lvx_cr4(vcpu), cr0 = lvx_cr0(vcpu);
	u64 efer = to_vmx(vcpu)->efer;
	int r;

	if (cr4 & ~lvx_cpuid_guest_cr4(vcpu))
		return -EINVAL;
	if ((efer & EFER_LMA) && ((old ^ cr4) & X86_CR4_LA57))
		return -EINVAL;
	if ((efer & EFER_LMA) && !(cr4 & X86_CR4_PAE))
		return -EINVAL;
	if ((cr4 & ~old & X86_CR4_PCIDE) &&
	    (!(efer & EFER_LMA) || (lvx_cr3(vcpu) & 0xfff)))
		return -EINVAL;
	if (pae_paging(cr0, cr4, efer) &&
	    ((old ^ cr4) & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE |
			    X86_CR4_SMEP))) {
		r = lvx_load_pdptrs(vcpu, lvx_cr3(vcpu));
		if (r)
			return r;
	}
	lvx_load_cr4(vcpu, cr4);
	if ((old ^ cr4) & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE |
			   X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP |
			   X86_CR4_PKE | X86_CR4_LA57))
		lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
	if ((old ^ cr4) & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		lvx_update_cpuid_mirror(vcpu);
	return 0;
}

static u64 efer_allowed(struct lvx_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e;
	u64 allowed = 0;

	e = lvx_cpuid_find(vcpu, 0x80000001, 0);
	if (!e)
		return 0;
	if (e->edx & BIT(11))		/* SYSCALL */
		allowed |= EFER_SCE;
	if (e->edx & BIT(20))		/* NX */
		allowed |= EFER_NX;
	if (e->edx & BIT(29))		/* LM */
		allowed |= EFER_LME | EFER_LMA;
	return allowed;
}

/**
 * lvx_write_efer() - WRMSR to IA32_EFER
 * @vcpu: loaded
 * @efer: new value
 * @by_host: user space may set what the host's CPU has, whatever the guest's
 *	CPUID table says
 *
 * Return: 0 or -EINVAL for #GP(0).
 */
int lvx_write_efer(struct lvx_vcpu *vcpu, u64 efer, bool by_host)
{
	u64 old = to_vmx(vcpu)->efer;
	u64 known = EFER_SCE | EFER_NX | EFER_LME | EFER_LMA;

	if (efer & ~(by_host ? known : efer_allowed(vcpu)))
		return -EINVAL;
	if (!by_host) {
		if (((old ^ efer) & EFER_LME) && (lvx_cr0(vcpu) & X86_CR0_PG))
			return -EINVAL;
		/* LMA is read-only. */
		efer = (efer & ~EFER_LMA) | (old & EFER_LMA);
	}
	write_efer(vcpu, efer);
	if ((old ^ efer) & EFER_NX)
		lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
	return 0;
}

/**
 * lvx_write_xcr0() - XSETBV of XCR0
 * @vcpu: loaded
 * @xcr0: new value
 *
 * SDM, "Extended Control Registers (Including XCR0)".
 * Return: 0 or -EINVAL for #GP(0).
 */
int lvx_write_xcr0(struct lvx_vcpu *vcpu, u64 xcr0)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	const struct kvm_cpuid_entry2 *e = lvx_cpuid_find(vcpu, 0xd, 0);
	u64 supported = e ? e->eax | (u64)e->edx << 32 : 0;
	u64 avx512 = XFEATURE_MASK_AVX512;

	/* User space's table may have anything in it; the CPU must take XCR0. */
	supported = (supported & lvx_supported_xcr0()) | XFEATURE_MASK_FP;
	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~supported))
		return -EINVAL;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return -EINVAL;
	if (xcr0 & avx512) {
		if (!(xcr0 & XFEATURE_MASK_YMM) || (xcr0 & avx512) != avx512)
			return -EINVAL;
	}
	vmx->xcr0 = xcr0;
	update_pkru(vmx);
	lvx_update_cpuid_mirror(vcpu);
	return 0;
}

/**
 * lvx_update_cr_masks() - who owns which bit of CR0 and CR4
 * @vcpu: loaded; its CPUID table may have changed
 */
void lvx_update_cr_masks(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 cr0 = lvx_cr0(vcpu), cr4 = lvx_cr4(vcpu);

	/* A bit that the guest's CPUID does not have must fault: own it. */
	vmx->cr0_mask = ~(u64)CR0_GUEST_OWNED;
	vmx->cr4_mask = ~cr4_guest_owned(vcpu);
	vmcs_writel(CR0_GUEST_HOST_MASK, vmx->cr0_mask);
	vmcs_writel(CR4_GUEST_HOST_MASK, vmx->cr4_mask);
	lvx_load_cr0(vcpu, cr0);
	lvx_load_cr4(vcpu, cr4);
}

static const struct {
	u32 selector, base, limit, ar;
} segment_fields[LVX_NR_SEGMENTS] = {
#define ROW(s)	{ GUEST_##s##_SELECTOR, GUEST_##s##_BASE, \
		  GUEST_##s##_LIMIT, GUEST_##s##_AR_BYTES }
	[LVX_ES] = ROW(ES), [LVX_CS] = ROW(CS), [LVX_SS] = ROW(SS),
	[LVX_DS] = ROW(DS), [LVX_FS] = ROW(FS), [LVX_GS] = ROW(GS),
	[LVX_LDTR] = ROW(LDTR), [LVX_TR] = ROW(TR),
#undef ROW
};

void lvx_get_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
		     struct lvx_segment *out)
{
	out->selector = vmcs_read16(segment_fields[seg].selector);
	out->base = vmcs_readl(segment_fields[seg].base);
	out->limit = vmcs_read32(segment_fields[seg].limit);
	out->ar = vmcs_read32(segment_fields[seg].ar);
}

void lvx_set_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
		     const struct lvx_segment *in)
{
	vmcs_write16(segment_fields[seg].selector, in->selector);
	vmcs_writel(segment_fields[seg].base, in->base);
	vmcs_write32(segment_fields[seg].limit, in->limit);
	vmcs_write32(segment_fields[seg].ar, in->ar);
}

static u64 get_pdptr(struct lvx_vcpu *vcpu, unsigned int i)
{
	static const u32 fields[4] = {
		GUEST_PDPTR0, GUEST_PDPTR1, GUEST_PDPTR2, GUEST_PDPTR3
	};

	return vmcs_read64(fields[i & 3]);
}

/**
 * lvx_fill_emul_ctx() - what executing an instruction for the guest needs
 * @vcpu: loaded
 * @ctx: filled but for the faulting access (gpa, gla)
 */
void lvx_fill_emul_ctx(struct lvx_vcpu *vcpu, struct lvx_emul_ctx *ctx)
{
	u32 cs_ar = vmcs_read32(GUEST_CS_AR_BYTES);

	lvx_rsp(vcpu);
	ctx->rip = lvx_rip(vcpu);
	ctx->rflags = lvx_rflags(vcpu);
	ctx->cr0 = lvx_cr0(vcpu);
	ctx->cr3 = lvx_cr3(vcpu);
	ctx->cr4 = lvx_cr4(vcpu);
	ctx->efer = to_vmx(vcpu)->efer;
	ctx->xcr0 = to_vmx(vcpu)->xcr0;
	ctx->cpl = lvx_cpl(vcpu);
	ctx->cs_long = lvx_is_long_mode(vcpu) && (cs_ar & VMX_AR_L_MASK);
	ctx->cs_db = cs_ar & VMX_AR_DB_MASK;
	ctx->pkru = to_vmx(vcpu)->pkru;
	ctx->get_segment = lvx_get_segment;
	ctx->get_pdptr = get_pdptr;
}

/*
 * Segments after RESET and INIT (SDM, "IA-32 and Intel 64 Processor States
 * Following Power-up, Reset, or INIT"): access rights in the VMCS's format.
 */
static void reset_segments(struct lvx_vcpu *vcpu)
{
	static const struct lvx_segment data = { .limit = 0xffff, .ar = 0x93 };
	static const struct lvx_segment code = {
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff,
		.ar = 0x9b
	};
	static const struct lvx_segment ldt = { .limit = 0xffff, .ar = 0x82 };
	static const struct lvx_segment tss = { .limit = 0xffff, .ar = 0x8b };
	enum lvx_seg seg;

	for (seg = LVX_ES; seg <= LVX_GS; seg++)
		lvx_set_segment(vcpu, seg, seg == LVX_CS ? &code : &data);
	lvx_set_segment(vcpu, LVX_LDTR, &ldt);
	lvx_set_segment(vcpu, LVX_TR, &tss);
	vmcs_writel(GUEST_GDTR_BASE, 0);
	vmcs_write32(GUEST_GDTR_LIMIT, 0xffff);
	vmcs_writel(GUEST_IDTR_BASE, 0);
	vmcs_write32(GUEST_IDTR_LIMIT, 0xffff);
}

/**
 * lvx_reset_state() - registers after RESET, or after INIT
 * @vcpu: loaded
 * @init: INIT: XCR0, the FPU and most MSRs keep their values
 */
void lvx_reset_state(struct lvx_vcpu *vcpu, bool init)
{
	const struct kvm_cpuid_entry2 *e = lvx_cpuid_find(vcpu, 1, 0);
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 cr0 = X86_CR0_ET;

	/* CD and NW survive an INIT. */
	cr0 |= init ? lvx_cr0(vcpu) & (X86_CR0_CD | X86_CR0_NW) :
		      X86_CR0_CD | X86_CR0_NW;
	memset(vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs[LVX_RDX] = e ? e->eax : 0x600;
	lvx_set_rip(vcpu, 0xfff0);
	lvx_set_rsp(vcpu, 0);
	lvx_set_rflags(vcpu, X86_EFLAGS_FIXED);
	reset_segments(vcpu);
	vcpu->cr2 = 0;
	vmcs_writel(GUEST_CR3, 0);
	write_efer(vcpu, 0);
	vmx->cr0_mask = ~(u64)CR0_GUEST_OWNED;
	vmx->cr4_mask = ~cr4_guest_owned(vcpu);
	vmcs_writel(CR0_GUEST_HOST_MASK, vmx->cr0_mask);
	vmcs_writel(CR4_GUEST_HOST_MASK, vmx->cr4_mask);
	lvx_load_cr0(vcpu, cr0);
	lvx_load_cr4(vcpu, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);

	memset(vmx->db, 0, sizeof(vmx->db));
	vmx->dr6 = DR6_RESET;
	vmx->dr7 = DR7_RESET;
	lvx_debug_update(vcpu);
	vmx->exception.pending = false;
	vmx->event.info = 0;
	vmx->nmi_pending = 0;
	vmx->user_irq = -1;
	vmx->triple_fault = false;
	if (!init)
		vmx->xcr0 = XFEATURE_MASK_FP;
	update_pkru(vmx);
	lvx_msr_reset(vcpu, init);
	lvx_update_cpuid_mirror(vcpu);
	lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
}

/**
 * lvx_skip_rare() - the part of lvx_skip_to() that hardly any skip needs
 * @vcpu: loaded
 * @interruptibility: the VMCS field
 */
void lvx_skip_rare(struct lvx_vcpu *vcpu, u32 interruptibility)
{
	if (interruptibility & LVX_SHADOW)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     interruptibility & ~LVX_SHADOW);
	if (lvx_rflags(vcpu) & X86_EFLAGS_RF)
		lvx_set_rflags(vcpu, lvx_rflags(vcpu) & ~X86_EFLAGS_RF);
	if (lvx_rflags(vcpu) & X86_EFLAGS_TF)
		lvx_debug_step(vcpu);
}
