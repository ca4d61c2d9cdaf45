/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ioctls ask of the VMX layer: VMX on and off, a vCPU's life, its
 * state and its run loop. Inside module/vmx/ see vmx/vcpu.h.
 */
#ifndef LVX_VMX_VMX_H
#define LVX_VMX_VMX_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/mce.h>

#include "base/vm.h"

/* Module load: 0, -EOPNOTSUPP with one log line, -ENOMEM. */
int lvx_vmx_init(void);
void lvx_vmx_exit(void);

/* With each VM. get: 0, -EBUSY (someone else owns VMX), -EIO, -ENOMEM. */
int lvx_host_get(void);
void lvx_host_put(void);

/* LAPIC, CPUID, emulation and clock exist before vmx_create(). */
int lvx_vmx_create(struct lvx_vcpu *vcpu);
void lvx_vmx_destroy(struct lvx_vcpu *vcpu);

/* All below: caller holds vcpu->mutex. load/put bracket whatever touches state. */
void lvx_vcpu_load(struct lvx_vcpu *vcpu);
void lvx_vcpu_put(struct lvx_vcpu *vcpu);

/* KVM_RUN: 0 with vcpu->run filled, or -errno. Between load and put. */
int lvx_vcpu_run(struct lvx_vcpu *vcpu);

void lvx_get_regs(struct lvx_vcpu *vcpu, struct kvm_regs *regs);
int lvx_set_regs(struct lvx_vcpu *vcpu, const struct kvm_regs *regs);
void lvx_get_sregs(struct lvx_vcpu *vcpu, struct kvm_sregs *sregs);
int lvx_set_sregs(struct lvx_vcpu *vcpu, const struct kvm_sregs *sregs);
void lvx_get_sregs2(struct lvx_vcpu *vcpu, struct kvm_sregs2 *sregs);
int lvx_set_sregs2(struct lvx_vcpu *vcpu, const struct kvm_sregs2 *sregs);
void lvx_get_events(struct lvx_vcpu *vcpu, struct kvm_vcpu_events *events);
int lvx_set_events(struct lvx_vcpu *vcpu, const struct kvm_vcpu_events *events);
void lvx_get_debugregs(struct lvx_vcpu *vcpu, struct kvm_debugregs *regs);
int lvx_set_debugregs(struct lvx_vcpu *vcpu, const struct kvm_debugregs *regs);
int lvx_set_guest_debug(struct lvx_vcpu *vcpu, const struct kvm_guest_debug *dbg);
void lvx_get_fpu(struct lvx_vcpu *vcpu, struct kvm_fpu *fpu);
int lvx_set_fpu(struct lvx_vcpu *vcpu, const struct kvm_fpu *fpu);
void lvx_get_xsave(struct lvx_vcpu *vcpu, struct kvm_xsave *xsave);
int lvx_set_xsave(struct lvx_vcpu *vcpu, const struct kvm_xsave *xsave);
void lvx_get_xcrs(struct lvx_vcpu *vcpu, struct kvm_xcrs *xcrs);
int lvx_set_xcrs(struct lvx_vcpu *vcpu, const struct kvm_xcrs *xcrs);
void lvx_get_mp_state(struct lvx_vcpu *vcpu, struct kvm_mp_state *state);
int lvx_set_mp_state(struct lvx_vcpu *vcpu, const struct kvm_mp_state *state);
int lvx_translate(struct lvx_vcpu *vcpu, struct kvm_translation *tr);

/* One MSR by user space: 0, or -EINVAL where KVM stops counting. */
int lvx_get_msr(struct lvx_vcpu *vcpu, u32 index, u64 *value);
int lvx_set_msr(struct lvx_vcpu *vcpu, u32 index, u64 value);
/* KVM_GET_MSR_INDEX_LIST and _FEATURE_INDEX_LIST: the i-th, or -ENOENT. */
int lvx_msr_index(u32 i, u32 *index);
int lvx_feature_msr_index(u32 i, u32 *index);
int lvx_get_feature_msr(u32 index, u64 *value);

/* KVM_X86_SET_MSR_FILTER; destroy: with the VM, when no vCPU is left. */
int lvx_set_msr_filter(struct lvx_vm *vm, const struct kvm_msr_filter *user);
void lvx_msr_filter_destroy(struct lvx_vm *vm);

/* KVM_X86_SETUP_MCE and KVM_X86_SET_MCE, and what the former may ask for. */
#define LVX_MCE_CAP		(MCG_CTL_P | MCG_SER_P)
#define LVX_NR_MCE_BANKS	32
int lvx_setup_mce(struct lvx_vcpu *vcpu, u64 mcg_cap);
int lvx_set_mce(struct lvx_vcpu *vcpu, const struct kvm_x86_mce *mce);

/* KVM_INTERRUPT and KVM_NMI. */
int lvx_queue_interrupt(struct lvx_vcpu *vcpu, u32 vector);
int lvx_queue_nmi(struct lvx_vcpu *vcpu);
/* KVM_GET/SET_TSC_KHZ, KVM_VCPU_TSC_OFFSET. */
int lvx_set_tsc_khz(struct lvx_vcpu *vcpu, u32 khz);
u32 lvx_get_tsc_khz(struct lvx_vcpu *vcpu);
u64 lvx_get_tsc_offset(struct lvx_vcpu *vcpu);
void lvx_set_tsc_offset(struct lvx_vcpu *vcpu, u64 offset);
/* The CPUID table changed: control words and masks that follow from it. */
void lvx_vmx_cpuid_changed(struct lvx_vcpu *vcpu);

/* For introspection: see dump.c. */
int lvx_vmcs_dump(struct lvx_vcpu *vcpu, u32 i, const char **name, u64 *value);
int lvx_exit_count(struct lvx_vcpu *vcpu, u32 i, const char **name, u64 *count);

#endif
