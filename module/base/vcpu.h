/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual CPU as every layer sees it: general registers, run page,
 * requests and kicks. What belongs to one layer alone (the VMCS, the LAPIC,
 * the CPUID table, an instruction half emulated) hangs off an opaque pointer
 * that only this layer follows.
 */
#ifndef LVX_BASE_VCPU_H
#define LVX_BASE_VCPU_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/types.h>

#include "base/sleep.h"

struct lvx_cpuid;
struct lvx_emul;
struct lvx_io_device;
struct lvx_lapic;
struct lvx_pvclock;
struct lvx_vm;
struct lvx_vmx;

/* Indices into lvx_vcpu.regs: the encoding of ModRM and REX. */
enum lvx_reg {
	LVX_RAX, LVX_RCX, LVX_RDX, LVX_RBX, LVX_RSP, LVX_RBP, LVX_RSI, LVX_RDI,
	LVX_R8, LVX_R9, LVX_R10, LVX_R11, LVX_R12, LVX_R13, LVX_R14, LVX_R15,
	LVX_NR_REGS
};

/*
 * What one thread asks of a vCPU's thread. A request is served before the
 * next VM entry; see lvx_make_request().
 */
enum lvx_request {
	LVX_REQ_TLB_FLUSH,	/* EPT entries went away: INVEPT */
	LVX_REQ_GUEST_TLB,	/* guest translations went away: INVVPID */
	LVX_REQ_EVENT,		/* the LAPIC's inbox or the PIC has news */
	LVX_REQ_TIMER,		/* the LAPIC timer expired */
	LVX_REQ_CLOCK,		/* rewrite the kvmclock page */
	LVX_REQ_STEAL,		/* the thread was without a CPU: tell the guest */
	LVX_REQ_EOI_EXIT,	/* user space's IOAPIC awaits an EOI that came */
	LVX_REQ_MSR_FILTER,	/* user space sees other MSRs from now on */
	LVX_REQ_DEAD,		/* the VM is dead: KVM_RUN fails with EIO */
};

/*
 * Where the vCPU's thread is. A sender sets the request first and reads the
 * mode second, the vCPU writes the mode first and reads the requests second,
 * with full barriers between: one of them always sees the other.
 */
enum lvx_vcpu_mode {
	LVX_OUTSIDE_GUEST,
	LVX_IN_GUEST,
	LVX_EXITING_GUEST,	/* a kick is on its way; one IPI is enough */
};

/* Which exit to user space waits for its completion on the next KVM_RUN. */
enum lvx_pending {
	LVX_PENDING_NONE,
	LVX_PENDING_PIO,
	LVX_PENDING_MMIO,
	LVX_PENDING_RDMSR,
	LVX_PENDING_WRMSR,
};

/*
 * struct lvx_vcpu: one virtual CPU
 *
 * All fields belong to the holder of @mutex (the thread in a vCPU ioctl),
 * except those in the group "any thread".
 */
struct lvx_vcpu {
	/* enter.S and the exit handlers: keep together and first. */
	u64 regs[LVX_NR_REGS];		/* RSP only if its cache is valid */
	u64 cr2;
	struct lvx_vmx *vmx;

	struct lvx_vm *vm;
	u32 id;				/* KVM_CREATE_VCPU's: the APIC ID */
	u32 idx;			/* index into lvx_vm.vcpus */
	struct kvm_run *run;		/* page 0 of the mapping */
	void *pio_data;			/* page 1 */

	enum lvx_pending pending;
	struct lvx_cpuid *cpuid;
	struct lvx_emul *emul;
	struct lvx_io_device *own_device;	/* on no bus; NULL: none */
	u64 own_page;			/* where it is: one MMIO page */
	struct lvx_pvclock *pvclock;
	u64 tsc_offset;			/* for lvx_guest_tsc(); others read it */
	u32 sleeps;			/* lvx_sleep.count that the guest knows of */
	bool can_leave_at;		/* the CPU heeds @leave_at */
	u64 leave_at;			/* guest TSC that ends a run; 0: none */
	u64 enter_at;			/* not to enter before; 0: at once */
	bool has_run;			/* KVM_RUN entered the guest once */
	bool wants_steal;		/* LVX_REQ_STEAL when it gets a CPU */

	/* Any thread. */
	struct lvx_lapic *lapic;	/* fixed at creation; NULL: none */
	unsigned long requests;
	int mode;			/* enum lvx_vcpu_mode */
	int cpu;			/* where it is loaded; -1 nowhere */
	u32 mp_state;			/* KVM_MP_STATE_* */
	struct rcuwait wait;		/* a halted vCPU's thread sleeps here */
	struct pid __rcu *pid;		/* thread of the last KVM_RUN */

	struct mutex mutex;
	struct preempt_notifier preempt;
	sigset_t sigset;		/* KVM_SET_SIGNAL_MASK */
	bool sigset_active;
};

/**
 * lvx_make_request() - ask something of a vCPU
 * @vcpu: whom
 * @req: what
 *
 * Only marks the request; lvx_vcpu_kick() makes the vCPU look. Any context.
 */
static inline void lvx_make_request(struct lvx_vcpu *vcpu, enum lvx_request req)
{
	/* Pairs with the barrier in the run loop between mode and requests. */
	smp_mb__before_atomic();
	set_bit(req, &vcpu->requests);
}

/**
 * lvx_check_request() - take a request, if it is there
 * @vcpu: the caller's own
 * @req: which
 *
 * Return: true once for each time that the request was made (several makings
 * before the taking count as one).
 */
static inline bool lvx_check_request(struct lvx_vcpu *vcpu, enum lvx_request req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* What the maker wrote before the request is seen after it. */
	smp_mb__after_atomic();
	return true;
}

/* What RDTSC gives the guest, had it executed it now. */
static inline u64 lvx_guest_tsc(const struct lvx_vcpu *vcpu)
{
	return lvx_host_tsc() + vcpu->tsc_offset;
}

int lvx_kick_init(void);
void lvx_kick_exit(void);
int lvx_thread_work(struct lvx_vcpu *vcpu);
void lvx_vcpu_kick(struct lvx_vcpu *vcpu);
void lvx_request_all(struct lvx_vm *vm, enum lvx_request req, bool wait);

#endif
