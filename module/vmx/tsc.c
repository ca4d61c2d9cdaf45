// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's time-stamp counter: the host's plus an offset, which the CPU
 * adds (SDM, "TSC offsetting"), so that reading it never exits.
 *
 * The vCPUs of a VM should agree on the offset, or the guest finds its TSC
 * unsynchronized and stops using it as a clock. But user space sets the TSC of
 * one vCPU after the other, with time passing in between. So a value that is
 * near (within a second) to what the offset that was set last would give is
 * taken as the wish to have this same offset, and so is 0, the value at reset.
 * This is KVM's rule, and clients rely on it.
 */
#include <linux/spinlock.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "base/sleep.h"
#include "base/vm.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* Of all VMs: taken a few times in a vCPU's life. Guards lvx_vm.tsc. */
static DEFINE_RAW_SPINLOCK(tsc_lock);

static void set_offset(struct lvx_vcpu *vcpu, u64 offset)
{
	/* Others compare theirs with it. */
	WRITE_ONCE(vcpu->tsc_offset, offset);
	vmcs_write64(TSC_OFFSET, lvx_get_tsc_offset(vcpu));
	/* The kvmclock page tells the guest how TSC and time relate. */
	lvx_pvclock_tsc_changed(vcpu);
	lvx_lapic_tsc_changed(vcpu);
}

/* The offset for a TSC of @value, or the VM's own where that is meant. */
static u64 synchronized_offset(struct lvx_vm *vm, u64 value)
{
	u64 offset = value - lvx_host_tsc();
	u64 second = tsc_khz * 1000ULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&tsc_lock, flags);
	if (vm->tsc_offset_valid &&
	    (!value || offset - vm->tsc_offset + second < 2 * second))
		offset = vm->tsc_offset;
	vm->tsc_offset = offset;
	vm->tsc_offset_valid = true;
	raw_spin_unlock_irqrestore(&tsc_lock, flags);
	return offset;
}

/* A new vCPU; its VMCS is programmed with the offset later. */
void lvx_tsc_create(struct lvx_vcpu *vcpu)
{
	vcpu->tsc_offset = synchronized_offset(vcpu->vm, 0);
}

int lvx_get_tsc(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		u64 *value, bool by_host)
{
	*value = lvx_guest_tsc(vcpu);
	return 0;
}

/*
 * IA32_TSC_ADJUST follows what the guest writes to the TSC (SDM,
 * "IA32_TSC_ADJUST MSR"). User space restores both, in any order, so that its
 * writes must be independent of each other.
 */
int lvx_set_tsc(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		u64 value, bool by_host)
{
	u64 delta;

	if (by_host) {
		set_offset(vcpu, synchronized_offset(vcpu->vm, value));
		return 0;
	}
	delta = value - lvx_guest_tsc(vcpu);
	to_vmx(vcpu)->tsc_adjust += delta;
	set_offset(vcpu, vcpu->tsc_offset + delta);
	return 0;
}

int lvx_set_tsc_adjust(struct lvx_vcpu *vcpu, const struct lvx_msr *msr, u32 i,
		       u64 value, bool by_host)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 delta = value - vmx->tsc_adjust;

	/* Ignored, not refused: what KVM does, and clients send it. */
	if (!lvx_msr_gate_open(vcpu, LVX_GATE_TSC_ADJUST))
		return 0;
	vmx->tsc_adjust = value;
	if (!by_host)
		set_offset(vcpu, vcpu->tsc_offset + delta);
	return 0;
}

/**
 * lvx_get_tsc_offset() - KVM_VCPU_TSC_OFFSET, and the VMCS's field
 * @vcpu: any of the caller's
 *
 * Return: the guest's TSC less the host's as it is after the machine's sleeps.
 */
u64 lvx_get_tsc_offset(struct lvx_vcpu *vcpu)
{
	return vcpu->tsc_offset + lvx_sleep.lost_ticks;
}

/**
 * lvx_set_tsc_offset() - KVM_VCPU_TSC_OFFSET
 * @vcpu: loaded
 * @offset: ticks to add to the host's TSC
 *
 * Later writes of the TSC on other vCPUs synchronize with this one.
 */
void lvx_set_tsc_offset(struct lvx_vcpu *vcpu, u64 offset)
{
	unsigned long flags;

	offset -= lvx_sleep.lost_ticks;
	raw_spin_lock_irqsave(&tsc_lock, flags);
	vcpu->vm->tsc_offset = offset;
	vcpu->vm->tsc_offset_valid = true;
	raw_spin_unlock_irqrestore(&tsc_lock, flags);
	set_offset(vcpu, offset);
}

/**
 * lvx_get_tsc_khz() - KVM_GET_TSC_KHZ
 * @vcpu: any
 */
u32 lvx_get_tsc_khz(struct lvx_vcpu *vcpu)
{
	return tsc_khz;
}

/* How far a requested frequency may be off and still be "the same": ppm. */
#define TSC_TOLERANCE	250

/**
 * lvx_set_tsc_khz() - KVM_SET_TSC_KHZ
 * @vcpu: loaded
 * @khz: frequency; 0: the host's
 *
 * The guest's TSC ticks with the host's: another frequency is refused.
 *
 * Return: 0 or -EINVAL.
 */
int lvx_set_tsc_khz(struct lvx_vcpu *vcpu, u32 khz)
{
	u64 tolerance = (u64)tsc_khz * TSC_TOLERANCE / 1000000;

	if (khz && (khz < tsc_khz - tolerance || khz > tsc_khz + tolerance))
		return -EINVAL;
	return 0;
}
