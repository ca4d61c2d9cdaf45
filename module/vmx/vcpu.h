/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU's VMX side, and what the files of module/vmx/ share.
 */
#ifndef LVX_VMX_VCPU_H
#define LVX_VMX_VCPU_H

#include <linux/jump_label.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

/*
 * VMCS-backed registers are read on first use after an exit and written back
 * on entry only if changed.
 */
enum lvx_cached {
	LVX_CACHED_RIP = BIT(0),
	LVX_CACHED_RSP = BIT(1),
	LVX_CACHED_RFLAGS = BIT(2),
};

/* What the run loop does after an exit's handler. */
enum lvx_next {
	LVX_RESUME,		/* enter the guest again */
	LVX_TO_USER,		/* vcpu->run is filled */
	LVX_ERROR,		/* KVM_RUN fails with vmx->error */
	LVX_SLOW,		/* an atomic row declines: the long way round */
};

/* MSRs that the host's kernel needs only on its way to user space. */
enum lvx_swapped_msr {
	LVX_SWAP_STAR,
	LVX_SWAP_LSTAR,
	LVX_SWAP_CSTAR,
	LVX_SWAP_SFMASK,
	LVX_SWAP_TSC_AUX,
	LVX_NR_SWAPPED,
};

/* An event to deliver at the next entry, in the VMCS's own format. */
struct lvx_event {
	u32 info;		/* INTR_INFO_*; 0: none */
	u32 error_code;
	u32 insn_len;		/* of software interrupts and exceptions */
};

struct lvx_exception {
	bool pending;		/* becomes an event at the next entry */
	bool has_error_code;
	u8 vector;
	u32 error_code;
	u64 payload;		/* CR2 or DR6 bits */
	bool has_payload;
};

/* What lvx_enter() keeps: see enter.h. */
struct lvx_switch {
	unsigned long host_rsp;		/* cache of the VMCS field */
	u64 spec_ctrl;			/* the guest's IA32_SPEC_CTRL */
	bool spec_ctrl_live;		/* the guest has set it once */
};

/* An entry of a VMCS's list of MSRs: SDM, "Format of an MSR Entry". */
struct lvx_msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
};

/* perf.c: MSRs of the host's perf that differ while the guest runs. */
#define LVX_PERF_MSRS	16

struct lvx_perf {
	struct lvx_msr_entry guest[LVX_PERF_MSRS] __aligned(16);
	struct lvx_msr_entry host[LVX_PERF_MSRS] __aligned(16);
	u32 nr;				/* in the VMCS, too */
	u64 pebs;			/* IA32_PEBS_ENABLE after the trip */
};

/*
 * struct lvx_vmx: a vCPU's VMX side
 *
 * Guarded as struct lvx_vcpu by its mutex.
 */
struct lvx_vmx {
	/* The world switch and the atomic rows: hot. */
	struct lvx_switch sw;
	u32 cached;			/* enum lvx_cached: value is valid */
	u32 dirty;			/* enum lvx_cached: VMCS is behind */
	u64 rip, rflags;		/* RSP is vcpu->regs[LVX_RSP] */
	u32 exit_reason;		/* whole field */
	unsigned long host_cr3, host_cr4;	/* caches of the VMCS fields */
	struct lvx_event event;		/* to deliver (again) */
	bool inject;			/* choose an event before the next entry */

	struct lvx_vmcs vmcs;
	struct lvx_controls ctl;	/* as programmed */
	unsigned long *msr_bitmap;
	u16 vpid;			/* 0: none */
	u64 eptp;
	u32 tpr_threshold;		/* cache of the VMCS field */
	u64 left_at;			/* what the preemption timer is set to */

	/* Control registers as the guest sees them are mixed: see state.c */
	u64 cr0_mask, cr4_mask;		/* host-owned bits */
	u64 efer;
	u64 xcr0, xss;
	u64 msr_kernel_gs_base;		/* valid when not switched to guest */
	u64 msr_swap[LVX_NR_SWAPPED];	/* the guest's values */
	u64 misc_enable;
	u64 tsc_adjust;
	u64 arch_capabilities;
	u64 host_xcr0, host_xss;
	bool guest_osxsave;		/* CR4.OSXSAVE: XCR0 is the guest's */
	bool guest_pkru;		/* PKRU is, by CR4.PKE or by XCR0 */
	u32 pkru, host_pkru;
	u64 cr8, apic_base;		/* without a LAPIC in the kernel */

	/* Debug registers. */
	u64 db[4], dr6, dr7;
	u32 guest_debug;		/* KVM_GUESTDBG_*; 0: guest's own */
	u64 host_db[4], host_dr7;	/* KVM_SET_GUEST_DEBUG's breakpoints */
	bool debug_armed;		/* lvx_debug_enter() has work */
	u8 bp_len;			/* bytes of the INT3 that exited last */

	/* Events. */
	struct lvx_exception exception;
	u8 nmi_pending;			/* 0..2 */
	int user_irq;			/* KVM_INTERRUPT; -1: none */
	bool triple_fault;
	u32 lapic_events;		/* LVX_EVENT_*, not yet acted upon */
	u8 sipi_vector;

	/* Host state that VM exits lose: see load.c */
	bool switched;			/* guest MSRs and segments are live */
	u64 host_debugctl, kept_debugctl;
	bool empty_caches;		/* first entry of a trip */
	unsigned long quiet_at;		/* jiffies when RCU was last told */
	u16 host_fs, host_gs, host_ds, host_es, host_ldt;
	unsigned long host_fs_base;	/* cache of the VMCS field */

	struct lvx_perf perf;
	struct fpu_guest fpu;
	/* Writes to read-only slots that are dropped: see overlay.c */
	struct lvx_overlay *overlay;	/* NULL: never needed so far */
	bool overlay_armed;		/* the next instruction writes there */

	struct lvx_msr_state *msrs;	/* MSRs that are memory only: msr.c */

	/* Registers before an instruction that lvx executes, or user space does. */
	u64 emul_rip, emul_rsp, emul_rflags;

	int error;			/* -errno of LVX_ERROR */
	u32 fail_instruction_error;	/* of the last failed VM entry */
	u64 exits[80];			/* by basic reason: statistics */
};

static inline struct lvx_vmx *to_vmx(struct lvx_vcpu *vcpu)
{
	return vcpu->vmx;
}

/* state.c: registers in the VMCS */
static __always_inline u64 lvx_rip(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = vcpu->vmx;

	if (!(vmx->cached & LVX_CACHED_RIP)) {
		vmx->rip = vmcs_readl(GUEST_RIP);
		vmx->cached |= LVX_CACHED_RIP;
	}
	return vmx->rip;
}

static __always_inline void lvx_set_rip(struct lvx_vcpu *vcpu, u64 rip)
{
	vcpu->vmx->rip = rip;
	vcpu->vmx->cached |= LVX_CACHED_RIP;
	vcpu->vmx->dirty |= LVX_CACHED_RIP;
}

static __always_inline u64 lvx_rsp(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = vcpu->vmx;

	if (!(vmx->cached & LVX_CACHED_RSP)) {
		vcpu->regs[LVX_RSP] = vmcs_readl(GUEST_RSP);
		vmx->cached |= LVX_CACHED_RSP;
	}
	return vcpu->regs[LVX_RSP];
}

static __always_inline void lvx_set_rsp(struct lvx_vcpu *vcpu, u64 rsp)
{
	vcpu->regs[LVX_RSP] = rsp;
	vcpu->vmx->cached |= LVX_CACHED_RSP;
	vcpu->vmx->dirty |= LVX_CACHED_RSP;
}

static __always_inline u64 lvx_rflags(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = vcpu->vmx;

	if (!(vmx->cached & LVX_CACHED_RFLAGS)) {
		vmx->rflags = vmcs_readl(GUEST_RFLAGS);
		vmx->cached |= LVX_CACHED_RFLAGS;
	}
	return vmx->rflags;
}

static __always_inline void lvx_set_rflags(struct lvx_vcpu *vcpu, u64 rflags)
{
	vcpu->vmx->rflags = rflags;
	vcpu->vmx->cached |= LVX_CACHED_RFLAGS;
	vcpu->vmx->dirty |= LVX_CACHED_RFLAGS;
}

u64 lvx_cr0(struct lvx_vcpu *vcpu);
u64 lvx_cr3(struct lvx_vcpu *vcpu);
u64 lvx_cr4(struct lvx_vcpu *vcpu);
u8 lvx_cpl(struct lvx_vcpu *vcpu);
bool lvx_is_long_mode(struct lvx_vcpu *vcpu);
bool lvx_is_64bit(struct lvx_vcpu *vcpu);
/* What a guest's MOV to CRn does: 0, or -EINVAL for #GP. */
int lvx_write_cr0(struct lvx_vcpu *vcpu, u64 cr0);
int lvx_write_cr4(struct lvx_vcpu *vcpu, u64 cr4);
int lvx_write_efer(struct lvx_vcpu *vcpu, u64 efer, bool by_host);
int lvx_write_xcr0(struct lvx_vcpu *vcpu, u64 xcr0);
/*
 * What user space loads, without the checks and side effects of a MOV: the
 * caller has checked that the whole is consistent. EFER, CR0, CR4, then CR3.
 */
void lvx_load_cr0(struct lvx_vcpu *vcpu, u64 cr0);
void lvx_load_cr3(struct lvx_vcpu *vcpu, u64 cr3);	/* and PDPTEs */
void lvx_load_cr4(struct lvx_vcpu *vcpu, u64 cr4);
void lvx_load_efer(struct lvx_vcpu *vcpu, u64 efer);
void lvx_get_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
		     struct lvx_segment *out);
void lvx_set_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
		     const struct lvx_segment *in);
void lvx_fill_emul_ctx(struct lvx_vcpu *vcpu, struct lvx_emul_ctx *ctx);
int lvx_check_cr3(struct lvx_vcpu *vcpu, u64 cr3);
int lvx_load_pdptrs(struct lvx_vcpu *vcpu, u64 cr3);
void lvx_reset_state(struct lvx_vcpu *vcpu, bool init);
void lvx_update_cr_masks(struct lvx_vcpu *vcpu);
void lvx_update_cpuid_mirror(struct lvx_vcpu *vcpu);

#define LVX_SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

void lvx_skip_rare(struct lvx_vcpu *vcpu, u32 interruptibility);

/**
 * lvx_skip_to() - the instruction that exited is done
 * @vcpu: loaded
 * @rip: of the next one
 *
 * Ends the interrupt shadow of STI and MOV SS and what RFLAGS.RF does for one
 * instruction, which EPT violations save as set (SDM, "Saving RIP, RSP, RFLAGS,
 * and SSP"), and raises the trap that a guest with RFLAGS.TF set expects after
 * each instruction. Inline, since every instruction that lvx executes for a
 * guest ends here.
 */
static __always_inline void lvx_skip_to(struct lvx_vcpu *vcpu, u64 rip)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	lvx_set_rip(vcpu, rip);
	if (unlikely((state & LVX_SHADOW) ||
		     (lvx_rflags(vcpu) & (X86_EFLAGS_TF | X86_EFLAGS_RF))))
		lvx_skip_rare(vcpu, state);
}

/* The same, with the length that the VMCS has. */
static __always_inline void lvx_skip(struct lvx_vcpu *vcpu)
{
	u64 rip = lvx_rip(vcpu);
	u64 next = rip + vmcs_read32(VM_EXIT_INSTRUCTION_LEN);

	/* Outside 64-bit mode EIP wraps at 4 GiB. */
	if (unlikely((rip ^ next) >> 31) && !lvx_is_64bit(vcpu))
		next = (u32)next;
	lvx_skip_to(vcpu, next);
}

/* inject.c */
void lvx_raise(struct lvx_vcpu *vcpu, u8 vector);
void lvx_raise_error(struct lvx_vcpu *vcpu, u8 vector, u32 error_code);
void lvx_raise_pf(struct lvx_vcpu *vcpu, u64 cr2, u32 error_code);
void lvx_raise_db(struct lvx_vcpu *vcpu, u64 dr6_bits);
void lvx_inject(struct lvx_vcpu *vcpu);		/* interrupts off */
void lvx_requeue_vectoring(struct lvx_vcpu *vcpu);
void lvx_add_nmi(struct lvx_vcpu *vcpu);
bool lvx_interrupts_enabled(struct lvx_vcpu *vcpu);
bool lvx_has_event(struct lvx_vcpu *vcpu);	/* ends a HLT */
bool lvx_ready_for_injection(struct lvx_vcpu *vcpu);
void lvx_set_ctl_cpu(struct lvx_vcpu *vcpu, u32 set, u32 clear);

/* load.c: the switch of host state that VM entry and exit do not do */
void lvx_switch_to_guest(struct lvx_vcpu *vcpu);	/* preemption off */
void lvx_switch_to_host(struct lvx_vcpu *vcpu);
void lvx_sync_swapped_msr(struct lvx_vcpu *vcpu, enum lvx_swapped_msr i, u64 value);

/*
 * msr.c, msr_bitmap.c. An access that fails is a #GP; user space may want to see
 * it first. -EINVAL: the MSR refuses, -ENOENT: there is no such MSR, -EACCES:
 * user space's filter keeps it from the guest.
 */
void lvx_vmx_hide_cpuid(void);			/* once, at module load */
void lvx_msr_init(void);			/* once, at module load */
int lvx_msr_read(struct lvx_vcpu *vcpu, u32 index, u64 *value, bool by_host);
int lvx_msr_write(struct lvx_vcpu *vcpu, u32 index, u64 value, bool by_host);
bool lvx_msr_is_atomic(u32 index, bool write);
int lvx_msr_create(struct lvx_vcpu *vcpu);
void lvx_msr_destroy(struct lvx_vcpu *vcpu);
void lvx_msr_reset(struct lvx_vcpu *vcpu, bool init);
void lvx_msr_bitmap_init(unsigned long *bitmap);
void lvx_msr_intercept(struct lvx_vcpu *vcpu, u32 index, bool read, bool write);
void lvx_msr_bitmap_refilter(struct lvx_vcpu *vcpu);	/* LVX_REQ_MSR_FILTER */
void lvx_msr_cpuid_changed(struct lvx_vcpu *vcpu);
/* IA32_APIC_BASE, whoever has the LAPIC. set: 0, or -EINVAL for #GP. */
u64 lvx_apic_base(struct lvx_vcpu *vcpu);
int lvx_set_apic_base(struct lvx_vcpu *vcpu, u64 base, bool by_host);

/* msr_filter.c */
bool lvx_msr_filter_asks(struct lvx_vm *vm, u32 index, u32 which);

/**
 * lvx_msr_filter_allows() - may the guest access an MSR?
 * @vm: whose guest
 * @index: as in ECX
 * @which: KVM_MSR_FILTER_READ or KVM_MSR_FILTER_WRITE
 *
 * Any context. Few VMs have a filter, and each RDMSR exit comes here.
 */
static __always_inline bool lvx_msr_filter_allows(struct lvx_vm *vm, u32 index,
						  u32 which)
{
	return likely(!rcu_access_pointer(vm->msr_filter)) ||
	       lvx_msr_filter_asks(vm, index, which);
}

/* fpu.c */
int lvx_fpu_create(struct lvx_vcpu *vcpu);
void lvx_fpu_destroy(struct lvx_vcpu *vcpu);
void lvx_fpu_load(struct lvx_vcpu *vcpu);	/* KVM_RUN starts */
void lvx_fpu_put(struct lvx_vcpu *vcpu);	/* KVM_RUN ends */

/* debug.c */
void lvx_debug_enter(struct lvx_vcpu *vcpu);	/* interrupts off */
void lvx_debug_exit(struct lvx_vcpu *vcpu);
void lvx_debug_step(struct lvx_vcpu *vcpu);	/* an instruction with TF was skipped */
enum lvx_next lvx_debug_halted(struct lvx_vcpu *vcpu);
bool lvx_debug_active(struct lvx_vcpu *vcpu);
void lvx_debug_update(struct lvx_vcpu *vcpu);
void lvx_deliver_db(struct lvx_vcpu *vcpu, u64 dr6_bits);	/* DR6, DR7.GD */
u64 lvx_debug_rflags(struct lvx_vcpu *vcpu);	/* as the guest knows them */
enum lvx_next lvx_exit_mov_dr(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_db(struct lvx_vcpu *vcpu);
enum lvx_next lvx_exit_bp(struct lvx_vcpu *vcpu);

void lvx_do_nmi(void (*handler)(void));
/* event_ioctl.c: the interrupt in vmx->event, or -1 */
int lvx_injected_irq(struct lvx_vcpu *vcpu);
void lvx_set_injected_irq(struct lvx_vcpu *vcpu, u8 vector);

/* run.c: INIT, SIPI and NMI that the LAPIC has received happen now */
void lvx_take_lapic_events(struct lvx_vcpu *vcpu);

/* enter.S: 0, or 1 when the VM entry failed before the guest */
int lvx_enter(u64 *regs, bool launched, struct lvx_switch *sw);
extern const char lvx_exit_point[];

/* exit.c */
enum lvx_next lvx_handle_exit(struct lvx_vcpu *vcpu);
enum lvx_next lvx_internal_error(struct lvx_vcpu *vcpu, u32 suberror, u32 nr,
				 const u64 *data);
enum lvx_next lvx_emul_next(struct lvx_vcpu *vcpu, enum lvx_emul_result result);
enum lvx_next lvx_emul_stopped(struct lvx_vcpu *vcpu, enum lvx_emul_result result);
enum lvx_next lvx_complete_pending(struct lvx_vcpu *vcpu);

/* caches.c: what is emptied before an entry, where the CPU needs it */
DECLARE_STATIC_KEY_FALSE(lvx_empties_caches);
int lvx_caches_init(void);
void lvx_caches_exit(void);
void lvx_empty_caches(struct lvx_vcpu *vcpu);	/* interrupts off */

/* perf.c: the host's counters; interrupts off */
void lvx_perf_enter(struct lvx_vcpu *vcpu);
void lvx_perf_restore(struct lvx_perf *perf);

static __always_inline void lvx_perf_exit(struct lvx_vcpu *vcpu)
{
	if (unlikely(vcpu->vmx->perf.pebs))
		lvx_perf_restore(&vcpu->vmx->perf);
}

/* overlay.c */
enum lvx_next lvx_overlay_write(struct lvx_vcpu *vcpu, u64 gpa);

/* host.c */
DECLARE_PER_CPU(bool, lvx_vmx_on);
void lvx_invept(u64 eptp);
void lvx_invvpid(u16 vpid);
u16 lvx_vpid_alloc(void);
void lvx_vpid_free(u16 vpid);

#endif
