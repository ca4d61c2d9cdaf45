// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to read-only slots that are nobody's to execute: those that the CPU
 * makes by itself (accessed bits, busy bits, stack frames), and those by
 * instructions that lvx doesn't know. As in ROM, they shall have no effect, and
 * what made them shall go on.
 *
 * EPT can't drop a write. So the CPU executes the instruction, or delivers the
 * event, on private copies of the pages (mmu/overlay.c), which are thrown away
 * afterwards. The monitor trap flag ends that after one instruction or one
 * event (SDM, "Monitor Trap Flag"). Each trip into the guest takes the EPT
 * pointer of the copies and gives it back: outside of it no CPU has any
 * translation to them.
 */
#include <asm/vmx.h>

#include "mmu/mmu.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

/**
 * lvx_overlay_write() - drop a write to a read-only slot
 * @vcpu: loaded
 * @gpa: its address
 *
 * May sleep. Return: LVX_RESUME: enter the guest, and the write goes nowhere;
 * LVX_ERROR; LVX_TO_USER: lvx can't, but kvm_run isn't filled.
 */
enum lvx_next lvx_overlay_write(struct lvx_vcpu *vcpu, u64 gpa)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	int err;

	if (!lvx_has(LVX_CPU, CPU_BASED_MONITOR_TRAP_FLAG))
		return LVX_TO_USER;
	if (!vmx->overlay)
		vmx->overlay = lvx_overlay_create();
	if (!vmx->overlay) {
		vmx->error = -ENOMEM;
		return LVX_ERROR;
	}
	if (!vmx->overlay_armed)
		lvx_overlay_reset(vmx->overlay);
	err = lvx_overlay_add(vcpu, vmx->overlay, gpa);
	vmx->overlay_armed = !err;
	if (!err)
		return LVX_RESUME;
	if (err == -ENOSPC)
		return LVX_TO_USER;
	vmx->error = err;
	return LVX_ERROR;
}
