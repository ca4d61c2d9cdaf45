/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt controllers and timers in the kernel: what module/vmx/ and the
 * ioctls ask of them.
 *
 * A LAPIC's register page is touched by its own vCPU's thread only. Everyone
 * else puts interrupts into the LAPIC's inbox (atomic bitmaps), makes
 * LVX_REQ_EVENT and kicks; lvx_lapic_sync() empties the inbox into the page.
 */
#ifndef LVX_IRQ_IRQ_H
#define LVX_IRQ_IRQ_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "base/vm.h"

/* VM-wide state. irq_create: with the VM; chips come by ioctl. */
int lvx_irq_create(struct lvx_vm *vm);
/* Two steps: first no more eventfds and timers, then the memory. */
void lvx_irq_stop(struct lvx_vm *vm);
void lvx_irq_destroy(struct lvx_vm *vm);

/*
 * Ioctls; errors as KVM's. The caller of the three that create something
 * holds vm->lock, and has refused a second irqchip or one behind a vCPU.
 */
int lvx_irqchip_create(struct lvx_vm *vm);		/* KVM_CREATE_IRQCHIP */
int lvx_irqchip_create_split(struct lvx_vm *vm, u64 nr_pins);
bool lvx_irqchip_in_kernel(struct lvx_vm *vm);		/* LAPICs are ours */
bool lvx_irqchip_full(struct lvx_vm *vm);		/* PIC, IOAPIC too */
int lvx_irqchip_get(struct lvx_vm *vm, struct kvm_irqchip *chip);
int lvx_irqchip_set(struct lvx_vm *vm, const struct kvm_irqchip *chip);
int lvx_irq_line(struct lvx_vm *vm, struct kvm_irq_level *level);
int lvx_irq_msi(struct lvx_vm *vm, const struct kvm_msi *msi);
int lvx_irq_set_routing(struct lvx_vm *vm,
			const struct kvm_irq_routing_entry *entries, u32 nr);
int lvx_irqfd(struct lvx_vm *vm, const struct kvm_irqfd *args);
int lvx_ioeventfd(struct lvx_vm *vm, const struct kvm_ioeventfd *args);
int lvx_coalesced_add(struct lvx_vm *vm,
		      const struct kvm_coalesced_mmio_zone *args);
int lvx_coalesced_remove(struct lvx_vm *vm,
			 const struct kvm_coalesced_mmio_zone *args);
int lvx_pit_create(struct lvx_vm *vm, const struct kvm_pit_config *config);
int lvx_pit_get(struct lvx_vm *vm, struct kvm_pit_state2 *state);
int lvx_pit_set(struct lvx_vm *vm, const struct kvm_pit_state2 *state);
int lvx_pit_reinject(struct lvx_vm *vm, const struct kvm_reinject_control *ctl);

/* LAPIC: life. Without an irqchip in the kernel vcpu->lapic stays NULL. */
int lvx_lapic_create(struct lvx_vcpu *vcpu);
void lvx_lapic_destroy(struct lvx_vcpu *vcpu);
void lvx_lapic_reset(struct lvx_vcpu *vcpu, bool init);	/* INIT or RESET */
int lvx_lapic_get(struct lvx_vcpu *vcpu, struct kvm_lapic_state *state);
int lvx_lapic_set(struct lvx_vcpu *vcpu, const struct kvm_lapic_state *state);
/* The register page, for APIC-register virtualization. */
void *lvx_lapic_page(struct lvx_vcpu *vcpu);

/* IA32_APIC_BASE. set: 0, or -EINVAL for what a WRMSR answers with #GP. */
u64 lvx_lapic_base(struct lvx_vcpu *vcpu);
int lvx_lapic_set_base(struct lvx_vcpu *vcpu, u64 base, bool by_host,
		       bool has_x2apic, u8 maxphyaddr);
/* x2APIC MSRs 0x800..0x8ff, TSC deadline: 0, or -EINVAL for #GP. */
int lvx_x2apic_read(struct lvx_vcpu *vcpu, u32 msr, u64 *value);
int lvx_x2apic_write(struct lvx_vcpu *vcpu, u32 msr, u64 value);
u64 lvx_lapic_tsc_deadline(struct lvx_vcpu *vcpu);
void lvx_lapic_set_tsc_deadline(struct lvx_vcpu *vcpu, u64 guest_tsc);
/* CPUID says whether the guest has deadlines. */
void lvx_lapic_offer_deadline(struct lvx_vcpu *vcpu, bool offered);
/* CR8 is TPR's bits 7:4. */
u64 lvx_lapic_cr8(struct lvx_vcpu *vcpu);
void lvx_lapic_set_cr8(struct lvx_vcpu *vcpu, u64 cr8);

/*
 * Before VM entry, on the vCPU's own thread. Events that are not maskable
 * interrupts come back as bits; SIPI's vector in *sipi. A level-triggered EOI
 * that user space's IOAPIC waits for (split irqchip) makes LVX_REQ_EOI_EXIT, and
 * lvx_lapic_eoi_vector() says of which vector.
 */
#define LVX_EVENT_NMI	BIT(0)
#define LVX_EVENT_INIT	BIT(1)
#define LVX_EVENT_SIPI	BIT(2)
#define LVX_EVENT_NMI_2	BIT(3)	/* one NMI, or one more */
u32 lvx_lapic_sync(struct lvx_vcpu *vcpu, u8 *sipi);
u8 lvx_lapic_eoi_vector(const struct lvx_vcpu *vcpu);

/*
 * Maskable interrupts that the vCPU would take with RFLAGS.IF set: LAPIC's
 * (above PPR) or the PIC's through LINT0. peek: -1 or the vector, without side
 * effect. take: acknowledges it (IRR to ISR, or the PIC's INTA cycle).
 */
int lvx_irq_peek(struct lvx_vcpu *vcpu);
/* Does an interrupt of user space's PIC reach the CPU? */
bool lvx_irq_takes_extint(const struct lvx_vcpu *vcpu);
int lvx_irq_take(struct lvx_vcpu *vcpu);
/* The TPR threshold control: 0 if nothing is held back by TPR. */
u32 lvx_lapic_tpr_threshold(struct lvx_vcpu *vcpu);

/*
 * Timer: see lapic_timer.c. Around a sleep in HLT, sleep() and wake(); after a
 * run that ended at vcpu->leave_at, left(); before an entry, settle() if
 * vcpu->enter_at is set.
 */
void lvx_lapic_timer_expired(struct lvx_vcpu *vcpu);	/* LVX_REQ_TIMER */
void lvx_lapic_timer_sleep(struct lvx_vcpu *vcpu);
void lvx_lapic_timer_wake(struct lvx_vcpu *vcpu);
void lvx_lapic_timer_left(struct lvx_vcpu *vcpu);
void lvx_lapic_timer_settle(struct lvx_vcpu *vcpu);
/* The guest TSC was set: a deadline is nearer or farther now. */
void lvx_lapic_tsc_changed(struct lvx_vcpu *vcpu);

#endif
