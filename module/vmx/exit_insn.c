// SPDX-License-Identifier: GPL-2.0
/*
 * Exits caused by instructions: CPUID, MSRs, control registers, VMCALL.
 */
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "emul/emul.h"
#include "irq/irq.h"
#include "mmu/mmu.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

/* A leaf that the table does not have: zeroes, or another leaf's answer. */
static noinline void cpuid_miss(struct lvx_vcpu *vcpu, u32 eax, u32 ecx)
{
	u32 ebx, edx;

	lvx_cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	vcpu->regs[LVX_RAX] = eax;
	vcpu->regs[LVX_RBX] = ebx;
	vcpu->regs[LVX_RCX] = ecx;
	vcpu->regs[LVX_RDX] = edx;
}

enum lvx_next lvx_exit_cpuid(struct lvx_vcpu *vcpu)
{
	u32 eax = vcpu->regs[LVX_RAX], ecx = vcpu->regs[LVX_RCX];
	const struct kvm_cpuid_entry2 *e = lvx_cpuid_find(vcpu, eax, ecx);

	if (likely(e)) {
		vcpu->regs[LVX_RAX] = e->eax;
		vcpu->regs[LVX_RBX] = e->ebx;
		vcpu->regs[LVX_RCX] = e->ecx;
		vcpu->regs[LVX_RDX] = e->edx;
	} else {
		cpuid_miss(vcpu, eax, ecx);
	}
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/*
 * MSRs. A failed access is shown to user space if that asked for its kind
 * (KVM_EXIT_X86_RDMSR and WRMSR), and is #GP otherwise.
 */
static noinline enum lvx_next msr_failed(struct lvx_vcpu *vcpu, bool write,
					 u64 value, int error)
{
	struct kvm_run *run = vcpu->run;
	u32 reason = error == -EACCES ? KVM_MSR_EXIT_REASON_FILTER :
		     error == -ENOENT ? KVM_MSR_EXIT_REASON_UNKNOWN :
					KVM_MSR_EXIT_REASON_INVAL;

	if (!(READ_ONCE(vcpu->vm->user_msr_reasons) & reason)) {
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
		to_vmx(vcpu)->inject = true;
		return LVX_RESUME;
	}

	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = vcpu->regs[LVX_RCX];
	run->msr.data = value;
	vcpu->pending = write ? LVX_PENDING_WRMSR : LVX_PENDING_RDMSR;
	return LVX_TO_USER;
}

enum lvx_next lvx_exit_rdmsr(struct lvx_vcpu *vcpu)
{
	u64 value = 0;
	int r = lvx_msr_read(vcpu, vcpu->regs[LVX_RCX], &value, false);

	if (unlikely(r))
		return msr_failed(vcpu, false, 0, r);
	vcpu->regs[LVX_RAX] = (u32)value;
	vcpu->regs[LVX_RDX] = value >> 32;
	lvx_skip(vcpu);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_rdmsr_atomic(struct lvx_vcpu *vcpu)
{
	if (!lvx_msr_is_atomic(vcpu->regs[LVX_RCX], false))
		return LVX_SLOW;
	return lvx_exit_rdmsr(vcpu);
}

enum lvx_next lvx_exit_wrmsr(struct lvx_vcpu *vcpu)
{
	u64 value = (u32)vcpu->regs[LVX_RAX] | vcpu->regs[LVX_RDX] << 32;
	int r = lvx_msr_write(vcpu, vcpu->regs[LVX_RCX], value, false);

	if (unlikely(r))
		return msr_failed(vcpu, true, value, r);
	lvx_skip(vcpu);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_wrmsr_atomic(struct lvx_vcpu *vcpu)
{
	if (!lvx_msr_is_atomic(vcpu->regs[LVX_RCX], true))
		return LVX_SLOW;
	return lvx_exit_wrmsr(vcpu);
}

/*
 * Of KVM's hypercalls lvx has the one that needs no feature bit and does nothing;
 * a number that KVM doesn't know gets ENOSYS.
 */
enum lvx_next lvx_exit_vmcall(struct lvx_vcpu *vcpu)
{
	u64 nr = vcpu->regs[LVX_RAX];
	long r = -KVM_ENOSYS;

	if (lvx_cpl(vcpu))
		r = -KVM_EPERM;
	else if ((lvx_is_64bit(vcpu) ? nr : (u32)nr) == KVM_HC_VAPIC_POLL_IRQ)
		r = 0;

	vcpu->regs[LVX_RAX] = lvx_is_64bit(vcpu) ? r : (u32)r;
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/* VMX, SMX and the like: a CPU without them raises #UD. */
enum lvx_next lvx_exit_undefined(struct lvx_vcpu *vcpu)
{
	lvx_raise(vcpu, X86_TRAP_UD);
	return LVX_RESUME;
}

/* INVD: caches are the host's. */
enum lvx_next lvx_exit_skip(struct lvx_vcpu *vcpu)
{
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/*
 * WBINVD: memory that a guest reaches is write-back and coherent, and there is
 * nothing to do, until it drives a device whose accesses may not look into caches.
 */
enum lvx_next lvx_exit_wbinvd(struct lvx_vcpu *vcpu)
{
	if (lvx_mmu_has_device(vcpu->vm))
		wbinvd_on_all_cpus();
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/*
 * MONITOR and MWAIT: an MWAIT may end at any time, so at once is right. A CPU
 * without them raises #UD; KVM's and ours do so only when told to.
 */
enum lvx_next lvx_exit_mwait(struct lvx_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = lvx_cpuid_find(vcpu, 1, 0);
	u64 disabled = READ_ONCE(vcpu->vm->disabled_quirks);

	if (disabled & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS &&
	    !(e && e->ecx & BIT(X86_FEATURE_MWAIT & 31)))
		return lvx_exit_undefined(vcpu);
	return lvx_exit_skip(vcpu);
}

/* The guest has no performance counters, so no counter number is valid. */
enum lvx_next lvx_exit_rdpmc(struct lvx_vcpu *vcpu)
{
	lvx_raise_error(vcpu, X86_TRAP_GP, 0);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_xsetbv(struct lvx_vcpu *vcpu)
{
	u64 value = (u32)vcpu->regs[LVX_RAX] | vcpu->regs[LVX_RDX] << 32;

	if (lvx_cpl(vcpu) || (u32)vcpu->regs[LVX_RCX] ||
	    lvx_write_xcr0(vcpu, value))
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
	else
		lvx_skip(vcpu);
	return LVX_RESUME;
}

/* General register of an exit qualification; RSP may not be cached. */
static u64 get_reg(struct lvx_vcpu *vcpu, u32 reg)
{
	return reg == LVX_RSP ? lvx_rsp(vcpu) : vcpu->regs[reg];
}

static void put_reg(struct lvx_vcpu *vcpu, u32 reg, u64 value)
{
	if (reg == LVX_RSP)
		lvx_set_rsp(vcpu, value);
	else
		vcpu->regs[reg] = value;
}

static u64 get_cr8(struct lvx_vcpu *vcpu)
{
	return vcpu->lapic ? lvx_lapic_cr8(vcpu) : to_vmx(vcpu)->cr8;
}

/* Without a LAPIC here, user space wants to know when CR8 goes down. */
static enum lvx_next write_cr8(struct lvx_vcpu *vcpu, u64 cr8)
{
	u64 old = get_cr8(vcpu);

	if (cr8 & ~0xfULL) {
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
		return LVX_RESUME;
	}
	lvx_skip(vcpu);
	if (vcpu->lapic) {
		lvx_lapic_set_cr8(vcpu, cr8);
		return LVX_RESUME;
	}
	to_vmx(vcpu)->cr8 = cr8;
	if (cr8 >= old)
		return LVX_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
	return LVX_TO_USER;
}

static enum lvx_next mov_to_cr(struct lvx_vcpu *vcpu, u32 cr, u64 value)
{
	int r = -EINVAL;

	if (cr == 8)
		return write_cr8(vcpu, value);
	if (cr == 0)
		r = lvx_write_cr0(vcpu, value);
	else if (cr == 4)
		r = lvx_write_cr4(vcpu, value);
	if (r)
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
	else
		lvx_skip(vcpu);
	return LVX_RESUME;
}

/* LMSW writes PE, MP, EM and TS, and can't clear PE. */
static u64 lmsw(u64 cr0, u16 source)
{
	return (cr0 & ~0xeULL) | (source & 0xf);
}

/* SDM, "Exit Qualification for Control-Register Accesses". */
enum lvx_next lvx_exit_cr(struct lvx_vcpu *vcpu)
{
	u64 qual = vmcs_readl(EXIT_QUALIFICATION);
	u32 cr = qual & 0xf, reg = (qual >> 8) & 0xf;
	u64 value;

	switch ((qual >> 4) & 3) {
	case 0:		/* MOV to CR */
		value = get_reg(vcpu, reg);
		if (!lvx_is_64bit(vcpu))
			value = (u32)value;
		return mov_to_cr(vcpu, cr, value);
	case 1:		/* MOV from CR: only CR8 exits, CR3 never does */
		value = cr == 8 ? get_cr8(vcpu) : lvx_cr3(vcpu);
		put_reg(vcpu, reg, value);
		lvx_skip(vcpu);
		return LVX_RESUME;
	case 2:		/* CLTS */
		return mov_to_cr(vcpu, 0, lvx_cr0(vcpu) & ~(u64)X86_CR0_TS);
	default:	/* LMSW: the source is in bits 31:16 in either form */
		return mov_to_cr(vcpu, 0, lmsw(lvx_cr0(vcpu), qual >> 16));
	}
}
