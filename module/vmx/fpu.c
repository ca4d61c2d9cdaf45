// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's x87, SSE, AVX and further extended state.
 *
 * The kernel keeps it as it keeps a thread's: during KVM_RUN the guest's state
 * is swapped in for the thread's own, and the scheduler saves and restores it
 * like any other. Between two KVM_RUNs it is in memory, where ioctls find it.
 * XCR0, IA32_XSS and PKRU are not part of it: run.c switches those at each
 * entry, since the kernel itself depends on them.
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* Of what the host has, the state that guests can have. */
#define GUEST_XFEATURES	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | \
			 XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 | \
			 XFEATURE_MASK_PKRU)

/**
 * lvx_fpu_create() - memory for the state, in its initial configuration
 * @vcpu: new
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_fpu_create(struct lvx_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&to_vmx(vcpu)->fpu) ? 0 : -ENOMEM;
}

void lvx_fpu_destroy(struct lvx_vcpu *vcpu)
{
	fpu_free_guest_fpstate(&to_vmx(vcpu)->fpu);
}

/**
 * lvx_fpu_load() - the guest's state is this thread's from now on
 * @vcpu: KVM_RUN starts
 *
 * Neither this nor lvx_fpu_put() can fail, although the kernel's function
 * returns an int: it is always 0.
 */
void lvx_fpu_load(struct lvx_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&to_vmx(vcpu)->fpu, true);
}

void lvx_fpu_put(struct lvx_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&to_vmx(vcpu)->fpu, false);
}

static struct fxregs_state *legacy(struct lvx_vcpu *vcpu)
{
	return &to_vmx(vcpu)->fpu.fpstate->regs.fxsave;
}

static u64 *xstate_bv(struct lvx_vcpu *vcpu)
{
	return &to_vmx(vcpu)->fpu.fpstate->regs.xsave.header.xfeatures;
}

static bool in_init_state(struct lvx_vcpu *vcpu, u64 feature)
{
	return boot_cpu_has(X86_FEATURE_XSAVE) && !(*xstate_bv(vcpu) & feature);
}

/**
 * lvx_get_fpu() - KVM_GET_FPU: x87 and SSE alone
 * @vcpu: loaded
 * @fpu: result, zeroed by the caller
 *
 * A component in its initial configuration is not written by XSAVE, so memory
 * may hold something older (SDM, "XSAVE-Managed State"). MXCSR is not passed
 * on, as KVM doesn't.
 */
void lvx_get_fpu(struct lvx_vcpu *vcpu, struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = legacy(vcpu);

	fpu->fcw = 0x37f;
	if (!in_init_state(vcpu, XFEATURE_MASK_FP)) {
		memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
		fpu->fcw = fx->cwd;
		fpu->fsw = fx->swd;
		fpu->ftwx = fx->twd;
		fpu->last_opcode = fx->fop;
		fpu->last_ip = fx->rip;
		fpu->last_dp = fx->rdp;
	}
	if (!in_init_state(vcpu, XFEATURE_MASK_SSE))
		memcpy(fpu->xmm, fx->xmm_space, sizeof(fpu->xmm));
}

/**
 * lvx_set_fpu() - KVM_SET_FPU
 * @vcpu: loaded
 * @fpu: new values; MXCSR stays
 *
 * Return: 0.
 */
int lvx_set_fpu(struct lvx_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = legacy(vcpu);

	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		*xstate_bv(vcpu) |= XFEATURE_MASK_FPSSE;
	return 0;
}

static u64 guest_xfeatures(struct lvx_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = lvx_cpuid_find(vcpu, 0xd, 0);

	return e ? e->eax | (u64)e->edx << 32 : 0;
}

/**
 * lvx_get_xsave() - KVM_GET_XSAVE: all the state, in XSAVE's standard format
 * @vcpu: loaded
 * @xsave: result
 *
 * Only features that the guest has, so that a host with no more than those can
 * restore it; x87 and SSE always.
 */
void lvx_get_xsave(struct lvx_vcpu *vcpu, struct kvm_xsave *xsave)
{
	fpu_copy_guest_fpstate_to_uabi(&to_vmx(vcpu)->fpu, xsave->region,
				       sizeof(xsave->region),
				       guest_xfeatures(vcpu) | XFEATURE_MASK_FPSSE,
				       to_vmx(vcpu)->pkru);
}

/**
 * lvx_set_xsave() - KVM_SET_XSAVE
 * @vcpu: loaded
 * @xsave: new state; features that it doesn't name get their initial one,
 *	but for PKRU, which stays
 *
 * Return: 0, or -EINVAL: features that guests don't have here, reserved bits.
 */
int lvx_set_xsave(struct lvx_vcpu *vcpu, const struct kvm_xsave *xsave)
{
	return fpu_copy_uabi_to_guest_fpstate(&to_vmx(vcpu)->fpu, xsave->region,
					      to_vmx(vcpu)->host_xcr0 &
					      GUEST_XFEATURES,
					      &to_vmx(vcpu)->pkru);
}

/**
 * lvx_get_xcrs() - KVM_GET_XCRS: XCR0, the only one
 * @vcpu: loaded
 * @xcrs: result, zeroed by the caller
 */
void lvx_get_xcrs(struct lvx_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = 0;
	xcrs->xcrs[0].value = to_vmx(vcpu)->xcr0;
}

/**
 * lvx_set_xcrs() - KVM_SET_XCRS
 * @vcpu: loaded
 * @xcrs: XCR0 is taken, other registers are ignored
 *
 * Return: 0, or -EINVAL.
 */
int lvx_set_xcrs(struct lvx_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || xcrs->flags ||
	    xcrs->nr_xcrs > ARRAY_SIZE(xcrs->xcrs))
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr == 0)
			return lvx_write_xcr0(vcpu, xcrs->xcrs[i].value);
	}
	return 0;
}
