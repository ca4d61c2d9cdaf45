// SPDX-License-Identifier: GPL-2.0
/*
 * kvmclock: the guest's time as a page per vCPU from which it computes
 * nanoseconds out of its own TSC (Documentation/virt/kvm/x86/msr.rst, MSRs
 * 0x4b564d00 and 0x4b564d01, and their old numbers 0x11 and 0x12); and the time
 * that the guest's CPU was not running although it wanted to (MSR 0x4b564d03).
 *
 * One pair of (host TSC, nanoseconds) per VM is the reference of all its vCPUs
 * where the host's TSCs agree, so two vCPUs never disagree. If the vCPUs have
 * one TSC offset as well, any of their pages tells the time on each of them,
 * and the guest may use one page without looking where it runs
 * (PVCLOCK_TSC_STABLE_BIT). Where the host's TSCs do not agree, each vCPU gets a
 * fresh pair whenever it is loaded on another CPU.
 */
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "base/compat.h"
#include "base/guest.h"
#include "base/sleep.h"
#include "emul/emul.h"

struct lvx_vmclock {
	spinlock_t lock;
	/* lock: at lvx_host_tsc() @ref_tsc the clock showed @ref_ns + lost_ns */
	u64 ref_tsc;
	u64 ref_ns;
	bool split;		/* lock: the vCPUs' TSC offsets differ */
	bool stable;		/* constant: the host's TSCs agree */
	/* constant: ns = (tsc << shift) * mul >> 32, shift may be negative */
	u32 mul;
	s8 shift;

	u64 wall_msr;		/* last value written; any vCPU's */
};

/* Guarded by the vCPU's mutex. */
struct lvx_pvclock {
	u64 msr;		/* GPA of the page, bit 0: enabled */
	struct pvclock_vcpu_time_info page;
	bool stopped;		/* user space stopped the guest: tell it */
	bool enforce;		/* only what the CPUID table offers */

	u64 steal_msr;		/* GPA of struct kvm_steal_time, bit 0: enabled */
	u64 last_delay;		/* of the thread, when the guest was told last */
#define NEVER_TOLD	(~0ULL)
};

/* Reference pair; the two readings must be close together. */
static void read_pair(u64 *tsc, u64 *ns)
{
	unsigned long flags;

	local_irq_save(flags);
	*ns = ktime_get_raw_ns();
	*tsc = rdtsc_ordered() + lvx_sleep.lost_ticks;
	local_irq_restore(flags);
}

/* From ticks of @khz to the mul and shift of the page's format. */
static void time_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 hz = khz * 1000ULL, ns = NSEC_PER_SEC;
	int s = 0;

	/* Such that ns/hz fits 32 bits behind the binary point. */
	while (hz > 2 * ns) {
		hz >>= 1;
		s--;
	}
	while (hz <= ns) {
		hz <<= 1;
		s++;
	}
	*mul = div64_u64(ns << 32, hz);
	*shift = s;
}

static u64 scale(const struct lvx_vmclock *clock, u64 delta)
{
	if (clock->shift < 0)
		delta >>= -clock->shift;
	else
		delta <<= clock->shift;
	return mul_u64_u32_shr(delta, clock->mul, 32);
}

/* What the guest would read now, and the host's TSC and real time with it. */
static u64 clock_now(struct lvx_vmclock *clock, u64 *tsc, u64 *real)
{
	unsigned long flags;
	u64 raw, now;

	lockdep_assert_held(&clock->lock);
	local_irq_save(flags);
	*real = ktime_get_real_ns();
	read_pair(tsc, &raw);
	local_irq_restore(flags);
	now = *tsc > clock->ref_tsc ? *tsc - clock->ref_tsc : 0;
	return clock->ref_ns + lvx_sleep.lost_ns + scale(clock, now);
}

static bool host_tsc_stable(void)
{
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && !check_tsc_unstable();
}

/**
 * lvx_vmclock_create() - the VM's clock starts at zero
 * @vm: new
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_vmclock_create(struct lvx_vm *vm)
{
	struct lvx_vmclock *clock;

	clock = kzalloc(sizeof(*clock), GFP_KERNEL_ACCOUNT);
	if (!clock)
		return -ENOMEM;
	spin_lock_init(&clock->lock);
	time_scale(tsc_khz, &clock->mul, &clock->shift);
	clock->stable = host_tsc_stable();
	clock->ref_tsc = lvx_host_tsc();
	clock->ref_ns = -lvx_sleep.lost_ns;
	vm->clock = clock;
	return 0;
}

void lvx_vmclock_destroy(struct lvx_vm *vm)
{
	kfree(vm->clock);
	vm->clock = NULL;
}

int lvx_pvclock_create(struct lvx_vcpu *vcpu)
{
	vcpu->sleeps = READ_ONCE(lvx_sleep.count);
	vcpu->pvclock = kzalloc(sizeof(*vcpu->pvclock), GFP_KERNEL_ACCOUNT);
	return vcpu->pvclock ? 0 : -ENOMEM;
}

void lvx_pvclock_destroy(struct lvx_vcpu *vcpu)
{
	kfree(vcpu->pvclock);
	vcpu->pvclock = NULL;
}

/* When did the guest's clock show zero, in real time? May sleep. */
static void write_wall_clock(struct lvx_vm *vm, u64 gpa)
{
	struct lvx_vmclock *clock = vm->clock;
	struct pvclock_wall_clock wall;
	u64 now, tsc, real;
	u32 version, nsec;

	if (lvx_read_guest(vm, gpa, &version, sizeof(version)))
		return;
	spin_lock(&clock->lock);
	now = clock_now(clock, &tsc, &real);
	spin_unlock(&clock->lock);

	/* An odd version tells the guest that the rest is being written. */
	version = (version | 1) + 2;
	if (lvx_write_guest(vm, gpa, &version, sizeof(version)))
		return;
	wall.version = version;
	wall.sec = div_u64_rem(real - now, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	lvx_write_guest(vm, gpa, &wall, sizeof(wall));
	smp_wmb();	/* the guest reads the version last */
	version++;
	lvx_write_guest(vm, gpa, &version, sizeof(version));
}

/**
 * lvx_pvclock_enforce_cpuid() - KVM_CAP_ENFORCE_PV_FEATURE_CPUID
 * @vcpu: the caller holds its mutex
 * @on: whether these MSRs exist only if the guest's CPUID table says so
 */
void lvx_pvclock_enforce_cpuid(struct lvx_vcpu *vcpu, bool on)
{
	vcpu->pvclock->enforce = on;
}

/* The bit of KVM_CPUID_FEATURES that offers an MSR. */
static u32 feature_of(u32 msr)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return BIT(KVM_FEATURE_CLOCKSOURCE);
	case MSR_KVM_STEAL_TIME:
		return BIT(KVM_FEATURE_STEAL_TIME);
	default:
		return BIT(KVM_FEATURE_CLOCKSOURCE2);
	}
}

static bool offered(struct lvx_vcpu *vcpu, u32 msr)
{
	const struct kvm_cpuid_entry2 *e;

	if (!vcpu->pvclock->enforce)
		return true;
	e = lvx_cpuid_find(vcpu, KVM_CPUID_FEATURES, 0);
	return e && e->eax & feature_of(msr);
}

/**
 * lvx_pvclock_get_msr() - RDMSR of one of kvmclock's MSRs
 * @vcpu: whose
 * @msr: index
 * @value: result
 *
 * Return: 0, or 1: not one of them.
 */
int lvx_pvclock_get_msr(struct lvx_vcpu *vcpu, u32 msr, u64 *value)
{
	if (!offered(vcpu, msr))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = READ_ONCE(vcpu->vm->clock->wall_msr);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = vcpu->pvclock->msr;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*value = vcpu->pvclock->steal_msr;
		return 0;
	default:
		return 1;
	}
}

/**
 * lvx_pvclock_set_msr() - WRMSR to one of kvmclock's MSRs
 * @vcpu: whose
 * @msr: index
 * @value: GPA of the guest's page; bit 0 of the system-time MSR enables
 * @by_host: user space restores it; the wall clock is then not written
 *
 * May sleep. Return: 0, or 1: not one of them.
 */
int lvx_pvclock_set_msr(struct lvx_vcpu *vcpu, u32 msr, u64 value, bool by_host)
{
	if (!offered(vcpu, msr))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		WRITE_ONCE(vcpu->vm->clock->wall_msr, value);
		/* 0 asks for nothing; what lies there is the guest's. */
		if (value && !by_host)
			write_wall_clock(vcpu->vm, value);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		vcpu->pvclock->msr = value;
		lvx_make_request(vcpu, LVX_REQ_CLOCK);
		return 0;
	case MSR_KVM_STEAL_TIME:
		vcpu->pvclock->steal_msr = value;
		vcpu->pvclock->last_delay = NEVER_TOLD;
		vcpu->wants_steal = value & KVM_MSR_ENABLED;
		if (vcpu->wants_steal)
			lvx_make_request(vcpu, LVX_REQ_STEAL);
		return 0;
	default:
		return 1;
	}
}

static bool one_page_serves(const struct lvx_vmclock *clock)
{
	lockdep_assert_held(&clock->lock);
	return clock->stable && !clock->split;
}

static bool offsets_differ(struct lvx_vm *vm)
{
	struct lvx_vcpu *vcpu;
	u32 i;

	lvx_for_each_vcpu(vm, i, vcpu)
		if (READ_ONCE(vcpu->tsc_offset) !=
		    READ_ONCE(vm->vcpus[0]->tsc_offset))
			return true;
	return false;
}

/**
 * lvx_pvclock_tsc_changed() - a vCPU has another TSC offset, or is new
 * @vcpu: whose; published, its offset is in place
 *
 * All vCPUs' pages are rewritten if that makes or ends a difference between
 * them. Of two vCPUs that change at once, the last to look sees both. Context:
 * does not sleep.
 */
void lvx_pvclock_tsc_changed(struct lvx_vcpu *vcpu)
{
	struct lvx_vmclock *clock = vcpu->vm->clock;
	bool was_split, split;

	spin_lock(&clock->lock);
	was_split = clock->split;
	split = offsets_differ(vcpu->vm);
	clock->split = split;
	spin_unlock(&clock->lock);

	lvx_make_request(vcpu, LVX_REQ_CLOCK);
	if (split != was_split)
		lvx_request_all(vcpu->vm, LVX_REQ_CLOCK, false);
}

static void fill_page(struct lvx_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info *page = &vcpu->pvclock->page;
	struct lvx_vmclock *clock = vcpu->vm->clock;
	u64 tsc, real;

	spin_lock(&clock->lock);
	if (clock->stable) {
		page->tsc_timestamp = clock->ref_tsc + vcpu->tsc_offset;
		page->system_time = clock->ref_ns + lvx_sleep.lost_ns;
	} else {
		page->system_time = clock_now(clock, &tsc, &real);
		page->tsc_timestamp = tsc + vcpu->tsc_offset;
	}
	page->tsc_to_system_mul = clock->mul;
	page->tsc_shift = clock->shift;
	page->flags = one_page_serves(clock) ? PVCLOCK_TSC_STABLE_BIT : 0;
	spin_unlock(&clock->lock);
}

/**
 * lvx_pvclock_update() - write the vCPU's page
 * @vcpu: the caller's own
 *
 * May sleep.
 */
void lvx_pvclock_update(struct lvx_vcpu *vcpu)
{
	struct lvx_pvclock *pv = vcpu->pvclock;
	u64 gpa = pv->msr & ~1ULL;
	u32 version;
	u8 flags;

	if (!(pv->msr & 1))
		return;
	fill_page(vcpu);
	/* The guest clears the flag when it has seen it. */
	if (!lvx_read_guest(vcpu->vm, gpa + offsetof(typeof(pv->page), flags),
			    &flags, sizeof(flags)))
		pv->page.flags |= flags & PVCLOCK_GUEST_STOPPED;
	if (pv->stopped)
		pv->page.flags |= PVCLOCK_GUEST_STOPPED;
	pv->stopped = false;

	if (lvx_read_guest(vcpu->vm, gpa, &version, sizeof(version)))
		return;
	version = (version | 1) + 2;
	pv->page.version = version;
	if (lvx_write_guest(vcpu->vm, gpa, &version, sizeof(version)))
		return;
	smp_wmb();	/* odd version first: a reader on another vCPU waits */
	lvx_write_guest(vcpu->vm, gpa, &pv->page, sizeof(pv->page));
	smp_wmb();	/* then the even one */
	version++;
	lvx_write_guest(vcpu->vm, gpa, &version, sizeof(version));
}

/**
 * lvx_steal_update() - tell the guest how long its CPU was not running
 * @vcpu: the caller's own
 *
 * The thread was runnable, but another one ran. That the vCPU is without a CPU
 * at this moment is never told (kvm_steal_time.preempted stays 0). May sleep.
 */
void lvx_steal_update(struct lvx_vcpu *vcpu)
{
	struct lvx_pvclock *pv = vcpu->pvclock;
	u64 gpa = pv->steal_msr & KVM_STEAL_VALID_BITS;
	u64 delay = lvx_run_delay();
	struct lvx_vm *vm = vcpu->vm;
	struct kvm_steal_time st;

	if (!vcpu->wants_steal || delay == pv->last_delay ||
	    lvx_read_guest(vm, gpa, &st, sizeof(st)))
		return;
	/* An odd version tells the guest that the rest is being written. */
	st.version = (st.version | 1) + 2;
	if (lvx_write_guest(vm, gpa + offsetof(typeof(st), version),
			    &st.version, sizeof(st.version)))
		return;
	smp_wmb();	/* odd version first: a reader on another vCPU waits */
	/* Another thread may run the vCPU now, with less delay behind it. */
	if (delay > pv->last_delay)
		st.steal += delay - pv->last_delay;
	pv->last_delay = delay;
	st.preempted = 0;
	lvx_write_guest(vm, gpa, &st, offsetof(typeof(st), version));
	lvx_write_guest(vm, gpa + offsetof(typeof(st), preempted),
			&st.preempted, sizeof(st.preempted));
	smp_wmb();	/* then the even one */
	st.version++;
	lvx_write_guest(vm, gpa + offsetof(typeof(st), version),
			&st.version, sizeof(st.version));
}

/**
 * lvx_pvclock_paused() - KVM_KVMCLOCK_CTRL: the guest was stopped
 * @vcpu: mutex held
 *
 * The guest's watchdogs then forgive the time that passed.
 * Return: 0, or -EINVAL: the guest does not use kvmclock.
 */
int lvx_pvclock_paused(struct lvx_vcpu *vcpu)
{
	if (!(vcpu->pvclock->msr & 1))
		return -EINVAL;
	vcpu->pvclock->stopped = true;
	lvx_make_request(vcpu, LVX_REQ_CLOCK);
	return 0;
}

/**
 * lvx_pvclock_slept() - the machine sleeps, or slept: the guest was stopped
 * @vcpu: the caller's own
 *
 * While the sleep is not over, it may be told too early, and is told again.
 */
void lvx_pvclock_slept(struct lvx_vcpu *vcpu)
{
	u32 count = READ_ONCE(lvx_sleep.count);

	if (!(count & 1))
		vcpu->sleeps = count;
	lvx_pvclock_paused(vcpu);
}

/**
 * lvx_vmclock_get() - KVM_GET_CLOCK
 * @vm: whose
 * @data: result: nanoseconds, and with them the host's real time and TSC
 */
int lvx_vmclock_get(struct lvx_vm *vm, struct kvm_clock_data *data)
{
	struct lvx_vmclock *clock = vm->clock;

	memset(data, 0, sizeof(*data));
	spin_lock(&clock->lock);
	data->clock = clock_now(clock, &data->host_tsc, &data->realtime);
	data->flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	if (one_page_serves(clock))
		data->flags |= KVM_CLOCK_TSC_STABLE;
	spin_unlock(&clock->lock);
	data->host_tsc -= lvx_sleep.lost_ticks;
	return 0;
}

/**
 * lvx_vmclock_set() - KVM_SET_CLOCK
 * @vm: whose
 * @data: nanoseconds; with KVM_CLOCK_REALTIME, as of that real time, and what
 *	has passed since is added
 *
 * Return: 0, or -EINVAL: unknown flags.
 */
int lvx_vmclock_set(struct lvx_vm *vm, const struct kvm_clock_data *data)
{
	struct lvx_vmclock *clock = vm->clock;
	u64 tsc, real, ns = data->clock;

	if (data->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
			    KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	spin_lock(&clock->lock);
	clock_now(clock, &tsc, &real);
	/* Never backwards: user space's clock may be ahead of ours. */
	if ((data->flags & KVM_CLOCK_REALTIME) && real > data->realtime)
		ns += real - data->realtime;
	clock->ref_tsc = tsc;
	clock->ref_ns = ns - lvx_sleep.lost_ns;
	spin_unlock(&clock->lock);
	lvx_request_all(vm, LVX_REQ_CLOCK, false);
	return 0;
}
