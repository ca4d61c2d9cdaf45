/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions that lvx executes for the guest (MMIO, string I/O), port I/O,
 * the CPUID table and the paravirtual clock: what module/vmx/ and the ioctls
 * ask of them.
 */
#ifndef LVX_EMUL_EMUL_H
#define LVX_EMUL_EMUL_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "base/vm.h"

enum lvx_emul_result {
	LVX_EMUL_DONE,		/* write RIP, RFLAGS back and enter */
	LVX_EMUL_TO_USER,	/* kvm_run is filled; vcpu->pending is set */
	LVX_EMUL_FAULT,		/* inject ctx.fault */
	LVX_EMUL_RETRY,		/* enter again, nothing happened */
	LVX_EMUL_STALE,		/* likewise, without stale translations */
	LVX_EMUL_UNKNOWN,	/* not an instruction that lvx executes */
};

struct lvx_emul_fault {
	u8 vector;
	bool has_error_code;
	u32 error_code;
	u64 cr2;		/* of a page fault */
};

/* A segment as the VMCS holds it; access rights in the VMCS's format. */
struct lvx_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

enum lvx_seg {
	LVX_ES, LVX_CS, LVX_SS, LVX_DS, LVX_FS, LVX_GS, LVX_LDTR, LVX_TR,
	LVX_NR_SEGMENTS
};

/*
 * struct lvx_emul_ctx: what an instruction's execution needs of the vCPU
 *
 * module/vmx/ fills it; general registers are vcpu->regs, RSP included. After
 * LVX_EMUL_DONE, @rip and @rflags hold the new values.
 * Segments are read on demand through @get_segment since most instructions
 * need none, and each costs four VMREADs.
 */
struct lvx_emul_ctx {
	u64 rip, rflags;
	u64 cr0, cr3, cr4, efer, xcr0;
	u8 cpl;
	bool cs_long;		/* CS.L with EFER.LMA: 64-bit mode */
	bool cs_db;		/* CS.D */
	u32 pkru;
	void (*get_segment)(struct lvx_vcpu *vcpu, enum lvx_seg seg,
			    struct lvx_segment *out);
	u64 (*get_pdptr)(struct lvx_vcpu *vcpu, unsigned int i);
	bool gla_valid;		/* gla is the linear address of the access at gpa */
	u64 gpa, gla;
	bool is_write, is_fetch;
	struct lvx_emul_fault fault;
	u8 nr_bytes;		/* of the instruction, after LVX_EMUL_UNKNOWN */
	u8 bytes[15];
};

int lvx_emul_create(struct lvx_vcpu *vcpu);
void lvx_emul_destroy(struct lvx_vcpu *vcpu);

/* The caller's per-vCPU context; valid from mmio() to the last complete(). */
struct lvx_emul_ctx *lvx_emul_ctx(struct lvx_vcpu *vcpu);

/* An access at ctx->gpa that no slot serves. May sleep. */
enum lvx_emul_result lvx_emul_mmio(struct lvx_vcpu *vcpu);
/*
 * The same with interrupts off, in 64-bit mode, for a simple instruction: DONE,
 * TO_USER, or RETRY with nothing changed: "go the long way". Of the context
 * only rip, cr3, cr4, gpa, gla and is_write are looked at, and only rip
 * changes, RSP not at all.
 */
enum lvx_emul_result lvx_emul_mmio_atomic(struct lvx_vcpu *vcpu);
/* After user space served LVX_PENDING_MMIO; may give TO_USER again. */
enum lvx_emul_result lvx_emul_mmio_complete(struct lvx_vcpu *vcpu);

/*
 * IN and OUT (not string): DONE or TO_USER. The caller advances RIP. Interrupts
 * may be off.
 */
enum lvx_emul_result lvx_emul_pio(struct lvx_vcpu *vcpu, u16 port,
				  unsigned int size, bool in);
/* INS and OUTS; ctx filled. DONE moves RIP itself. */
enum lvx_emul_result lvx_emul_pio_string(struct lvx_vcpu *vcpu, u16 port,
					 unsigned int size, bool in, bool rep);
/*
 * After user space served LVX_PENDING_PIO. For a plain IN or OUT the caller
 * advances RIP after DONE (lvx_emul_pio_was_string() tells which it was).
 */
enum lvx_emul_result lvx_emul_pio_complete(struct lvx_vcpu *vcpu);
bool lvx_emul_pio_was_string(struct lvx_vcpu *vcpu);

/* In whose name memory is accessed: by the rules for CPL, or the CPU's own. */
enum lvx_emul_as { LVX_AS_GUEST, LVX_AS_SYSTEM };

/* Memory at linear addresses; ctx filled. May sleep. */
enum lvx_emul_result lvx_emul_read(struct lvx_vcpu *vcpu, u64 la, void *data,
				   unsigned int len, enum lvx_emul_as as);
enum lvx_emul_result lvx_emul_write(struct lvx_vcpu *vcpu, u64 la,
				    const void *data, unsigned int len,
				    enum lvx_emul_as as);
/* Would that write fault? */
enum lvx_emul_result lvx_emul_probe(struct lvx_vcpu *vcpu, u64 la,
				    unsigned int len, enum lvx_emul_as as);
void lvx_emul_no_access(struct lvx_vcpu *vcpu);
/* Operand size of the instruction at ctx.rip, which its prefixes tell. */
enum lvx_emul_result lvx_emul_operand_size(struct lvx_vcpu *vcpu,
					   unsigned int *size);

/* CPUID. KVM's limit on the entries of a table: */
#define LVX_MAX_CPUID_ENTRIES	256

int lvx_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 *nr); /* -E2BIG */
int lvx_cpuid_set(struct lvx_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries,
		  u32 nr);
int lvx_cpuid_get(struct lvx_vcpu *vcpu, struct kvm_cpuid_entry2 *entries,
		  u32 *nr);
void lvx_cpuid_destroy(struct lvx_vcpu *vcpu);
/* The CPUID instruction: EAX, ECX in, all four out. Any context. */
void lvx_cpuid_query(struct lvx_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx,
		     u32 *edx);
/* What the CPU's VMX lacks, before the first VM; reg: 0 EAX to 3 EDX. */
void lvx_cpuid_hide(u32 leaf, u32 subleaf, unsigned int reg, u32 bits);
/* What VMX gives a guest though the CPU lacks it, likewise. */
void lvx_cpuid_offer(u32 leaf, u32 subleaf, unsigned int reg, u32 bits);
u64 lvx_supported_xcr0(void);
/* For feature checks; NULL if there is no such leaf. */
const struct kvm_cpuid_entry2 *lvx_cpuid_find(struct lvx_vcpu *vcpu, u32 leaf,
					      u32 subleaf);
/* CR4, APIC_BASE, XCR0 or IA32_XSS changed: bits that mirror them. */
struct lvx_cpuid_state {
	u64 cr4;
	u64 apic_base;
	u64 xcr0, xss;
	bool mwait;		/* IA32_MISC_ENABLE bit 18 */
};

void lvx_cpuid_update(struct lvx_vcpu *vcpu, const struct lvx_cpuid_state *s);
/* CR4 bits that a guest of this host may set, whatever its CPUID table. */
u64 lvx_cpuid_host_cr4(void);
/* CR4 bits that the guest's own CPUID table allows. */
u64 lvx_cpuid_guest_cr4(struct lvx_vcpu *vcpu);
u8 lvx_cpuid_maxphyaddr(struct lvx_vcpu *vcpu);

/* kvmclock. msr_*: 0, -EINVAL (#GP), or 1: not one of its MSRs. */
int lvx_vmclock_create(struct lvx_vm *vm);
void lvx_vmclock_destroy(struct lvx_vm *vm);
int lvx_pvclock_create(struct lvx_vcpu *vcpu);
void lvx_pvclock_destroy(struct lvx_vcpu *vcpu);
void lvx_pvclock_enforce_cpuid(struct lvx_vcpu *vcpu, bool on);
int lvx_pvclock_get_msr(struct lvx_vcpu *vcpu, u32 msr, u64 *value);
int lvx_pvclock_set_msr(struct lvx_vcpu *vcpu, u32 msr, u64 value, bool by_host);
void lvx_pvclock_tsc_changed(struct lvx_vcpu *vcpu);
void lvx_pvclock_update(struct lvx_vcpu *vcpu);	/* LVX_REQ_CLOCK; may sleep */
void lvx_steal_update(struct lvx_vcpu *vcpu);	/* LVX_REQ_STEAL; may sleep */
int lvx_vmclock_get(struct lvx_vm *vm, struct kvm_clock_data *data);
int lvx_vmclock_set(struct lvx_vm *vm, const struct kvm_clock_data *data);
int lvx_pvclock_paused(struct lvx_vcpu *vcpu);	/* KVM_KVMCLOCK_CTRL */
void lvx_pvclock_slept(struct lvx_vcpu *vcpu);	/* does not sleep */

#endif
