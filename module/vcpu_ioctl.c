// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a vCPU.
 *
 * One thread at a time is in a vCPU's ioctl (vcpu->mutex), usually the one
 * that spends its life in KVM_RUN; others wait until it comes out.
 */
#include <linux/fs.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "base/guest.h"
#include "base/ioctl.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "top.h"
#include "vmx/vmx.h"

/* -------------------------------------------------------------------- run */

/*
 * The run page is user space's to write at any time: what is taken from it is
 * copied first, then checked, then used.
 */
static noinline int take_sregs(struct lvx_vcpu *vcpu)
{
	struct kvm_sregs sregs = vcpu->run->s.regs.sregs;

	return lvx_set_sregs(vcpu, &sregs) ? -EINVAL : 0;
}

static noinline int take_regs(struct lvx_vcpu *vcpu)
{
	struct kvm_regs regs = vcpu->run->s.regs.regs;

	return lvx_set_regs(vcpu, &regs) ? -EINVAL : 0;
}

static noinline int take_events(struct lvx_vcpu *vcpu)
{
	struct kvm_vcpu_events events = vcpu->run->s.regs.events;

	return lvx_set_events(vcpu, &events) ? -EINVAL : 0;
}

/* One bit of kvm_valid_regs and kvm_dirty_regs; in the order of taking. */
static const struct {
	u64 bit;
	int (*take)(struct lvx_vcpu *vcpu);
} synced[] = {
	{ KVM_SYNC_X86_REGS, take_regs },
	{ KVM_SYNC_X86_SREGS, take_sregs },
	{ KVM_SYNC_X86_EVENTS, take_events },
};

static int take_synced(struct lvx_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	size_t i;
	int err;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) &
	    ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(synced); i++) {
		if (!(dirty & synced[i].bit))
			continue;
		err = synced[i].take(vcpu);
		if (err)
			return err;
		run->kvm_dirty_regs &= ~synced[i].bit;
	}
	return 0;
}

static void give_synced(struct lvx_vcpu *vcpu)
{
	struct kvm_sync_regs *regs = &vcpu->run->s.regs;
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs);

	if (valid & KVM_SYNC_X86_REGS)
		lvx_get_regs(vcpu, &regs->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		lvx_get_sregs(vcpu, &regs->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		lvx_get_events(vcpu, &regs->events);
}

/* The thread's own mask is kept where ptrace and friends expect it. */
static void activate_sigset(struct lvx_vcpu *vcpu)
{
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void deactivate_sigset(struct lvx_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

static int run(void *object, void *data, unsigned long arg)
{
	struct lvx_vcpu *vcpu = object;
	int err = 0;

	if (arg)
		return -EINVAL;
	activate_sigset(vcpu);
	vcpu->run->flags = 0;
	/* A vCPU that waits for INIT has no use for registers yet. */
	if (READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_UNINITIALIZED)
		err = take_synced(vcpu);
	if (!err)
		err = lvx_vcpu_run(vcpu);
	give_synced(vcpu);
	deactivate_sigset(vcpu);
	return err;
}

static int set_signal_mask(void *object, void *data, unsigned long arg)
{
	struct kvm_signal_mask __user *user =
		(struct kvm_signal_mask __user *)arg;
	struct lvx_vcpu *vcpu = object;
	struct kvm_signal_mask head;
	sigset_t set;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

/* -------------------------------------------------------- processor state */

static int get_regs(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_regs(vcpu, data);
	return 0;
}

static int set_regs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_regs(vcpu, data);
}

static int get_sregs(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_sregs(vcpu, data);
	return 0;
}

static int set_sregs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_sregs(vcpu, data);
}

static int get_sregs2(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_sregs2(vcpu, data);
	return 0;
}

static int set_sregs2(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_sregs2(vcpu, data);
}

static int get_fpu(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_fpu(vcpu, data);
	return 0;
}

static int set_fpu(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_fpu(vcpu, data);
}

static int get_xsave(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_xsave(vcpu, data);
	return 0;
}

static int set_xsave(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_xsave(vcpu, data);
}

static int get_xcrs(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_xcrs(vcpu, data);
	return 0;
}

static int set_xcrs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_xcrs(vcpu, data);
}

static int get_debugregs(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_debugregs(vcpu, data);
	return 0;
}

static int set_debugregs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_debugregs(vcpu, data);
}

static int set_guest_debug(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_guest_debug(vcpu, data);
}

static int translate(void *vcpu, void *data, unsigned long arg)
{
	return lvx_translate(vcpu, data);
}

static int get_vcpu_events(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_events(vcpu, data);
	return 0;
}

static int set_vcpu_events(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_events(vcpu, data);
}

static int get_mp_state(void *vcpu, void *data, unsigned long arg)
{
	lvx_get_mp_state(vcpu, data);
	return 0;
}

static int set_mp_state(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_mp_state(vcpu, data);
}

static int get_lapic(void *vcpu, void *data, unsigned long arg)
{
	return lvx_lapic_get(vcpu, data);
}

static int set_lapic(void *vcpu, void *data, unsigned long arg)
{
	return lvx_lapic_set(vcpu, data);
}

/* ----------------------------------------------------- MSRs, CPUID, clock */

static int get_msr(void *vcpu, struct kvm_msr_entry *entry)
{
	return lvx_get_msr(vcpu, entry->index, &entry->data);
}

static int set_msr(void *vcpu, struct kvm_msr_entry *entry)
{
	return lvx_set_msr(vcpu, entry->index, entry->data);
}

static int get_msrs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_msr_io(data, arg, vcpu, get_msr, true);
}

static int set_msrs(void *vcpu, void *data, unsigned long arg)
{
	return lvx_msr_io(data, arg, vcpu, set_msr, false);
}

static int set_cpuid2(void *object, void *data, unsigned long arg)
{
	struct kvm_cpuid2 __user *user = (struct kvm_cpuid2 __user *)arg;
	struct kvm_cpuid2 *head = data;
	struct kvm_cpuid_entry2 *entries;
	struct lvx_vcpu *vcpu = object;
	int err;

	if (head->nent > LVX_MAX_CPUID_ENTRIES)
		return -E2BIG;
	entries = vmemdup_user(user->entries,
			       array_size(head->nent, sizeof(*entries)));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	err = lvx_cpuid_set(vcpu, entries, head->nent);
	if (!err)
		lvx_vmx_cpuid_changed(vcpu);
	kvfree(entries);
	return err;
}

static int get_cpuid2(void *object, void *data, unsigned long arg)
{
	struct kvm_cpuid2 __user *user = (struct kvm_cpuid2 __user *)arg;
	struct kvm_cpuid2 *head = data;
	struct kvm_cpuid_entry2 *entries;
	struct lvx_vcpu *vcpu = object;
	u32 nr = min_t(u32, head->nent, LVX_MAX_CPUID_ENTRIES);
	int err;

	entries = kvcalloc(nr, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	err = lvx_cpuid_get(vcpu, entries, &nr);
	if (!err) {
		head->nent = nr;
		if (copy_to_user(user->entries, entries, nr * sizeof(*entries)))
			err = -EFAULT;
	}
	kvfree(entries);
	return err;
}

static int set_tsc_khz(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_tsc_khz(vcpu, arg);
}

static int get_tsc_khz(void *vcpu, void *data, unsigned long arg)
{
	return lvx_get_tsc_khz(vcpu);
}

static int kvmclock_ctrl(void *vcpu, void *data, unsigned long arg)
{
	return lvx_pvclock_paused(vcpu);
}

static int setup_mce(void *vcpu, void *data, unsigned long arg)
{
	return lvx_setup_mce(vcpu, *(u64 *)data);
}

static int set_mce(void *vcpu, void *data, unsigned long arg)
{
	return lvx_set_mce(vcpu, data);
}

static int get_stats_fd(void *object, void *data, unsigned long arg)
{
	struct lvx_vcpu *vcpu = object;

	return lvx_stats_open(vcpu->vm, vcpu);
}

/* The one attribute of a vCPU: its TSC offset, at a user pointer. */
static int check_attr(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL &&
	       attr->attr == KVM_VCPU_TSC_OFFSET ? 0 : -ENXIO;
}

static int has_device_attr(void *vcpu, void *data, unsigned long arg)
{
	return check_attr(data);
}

static int get_device_attr(void *vcpu, void *data, unsigned long arg)
{
	struct kvm_device_attr *attr = data;
	int err = check_attr(attr);

	if (err)
		return err;
	return put_user(lvx_get_tsc_offset(vcpu),
			(u64 __user *)u64_to_user_ptr(attr->addr));
}

static int set_device_attr(void *vcpu, void *data, unsigned long arg)
{
	struct kvm_device_attr *attr = data;
	int err = check_attr(attr);
	u64 offset;

	if (err)
		return err;
	if (get_user(offset, (u64 __user *)u64_to_user_ptr(attr->addr)))
		return -EFAULT;
	lvx_set_tsc_offset(vcpu, offset);
	return 0;
}

/* ------------------------------------------------- interrupts, local APIC */

static int interrupt(void *vcpu, void *data, unsigned long arg)
{
	struct kvm_interrupt *irq = data;

	return irq->irq > 255 ? -EINVAL : lvx_queue_interrupt(vcpu, irq->irq);
}

static int nmi(void *vcpu, void *data, unsigned long arg)
{
	return lvx_queue_nmi(vcpu);
}

static int check_lapic(void *object)
{
	struct lvx_vcpu *vcpu = object;

	return vcpu->lapic ? 0 : -EINVAL;
}

/*
 * Two aids for CPUs without a TPR shadow, which lvx requires: VMMs switch
 * them on unasked at every reset, and here neither has anything to do.
 */
static int tpr_access_reporting(void *vcpu, void *data, unsigned long arg)
{
	struct kvm_tpr_access_ctl *ctl = data;

	return ctl->flags ? -EINVAL : 0;
}

static int set_vapic_addr(void *object, void *data, unsigned long arg)
{
	struct lvx_vcpu *vcpu = object;
	struct kvm_vapic_addr *vapic = data;

	return !vapic->vapic_addr ||
	       lvx_is_guest_memory(vcpu->vm, vapic->vapic_addr, sizeof(u32),
				   true) ? 0 : -EINVAL;
}

static int enable_cap(void *vcpu, void *data, unsigned long arg)
{
	struct kvm_enable_cap *cap = data;

	if (cap->flags || cap->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	lvx_pvclock_enforce_cpuid(vcpu, cap->args[0]);
	return 0;
}

/* -------------------------------------------------------------- the table */

static const struct lvx_ioctl vcpu_ioctls[] = {
	LVX_IOCTL(KVM_RUN, LVX_ARG, run),
	LVX_IOCTL(KVM_GET_REGS, LVX_OUT, get_regs),
	LVX_IOCTL(KVM_SET_REGS, LVX_IN, set_regs),
	LVX_IOCTL(KVM_INTERRUPT, LVX_IN, interrupt),
	LVX_IOCTL(KVM_NMI, LVX_ARG, nmi),
	LVX_IOCTL(KVM_GET_SREGS, LVX_OUT, get_sregs),
	LVX_IOCTL(KVM_SET_SREGS, LVX_IN, set_sregs),
	LVX_IOCTL(KVM_GET_SREGS2, LVX_OUT, get_sregs2),
	LVX_IOCTL(KVM_SET_SREGS2, LVX_IN, set_sregs2),
	LVX_IOCTL(KVM_GET_FPU, LVX_OUT, get_fpu),
	LVX_IOCTL(KVM_SET_FPU, LVX_IN, set_fpu),
	LVX_IOCTL(KVM_GET_XSAVE, LVX_OUT, get_xsave),
	LVX_IOCTL(KVM_SET_XSAVE, LVX_IN, set_xsave),
	LVX_IOCTL(KVM_GET_XCRS, LVX_OUT, get_xcrs),
	LVX_IOCTL(KVM_SET_XCRS, LVX_IN, set_xcrs),
	LVX_IOCTL(KVM_GET_DEBUGREGS, LVX_OUT, get_debugregs),
	LVX_IOCTL(KVM_SET_DEBUGREGS, LVX_IN, set_debugregs),
	LVX_IOCTL(KVM_SET_GUEST_DEBUG, LVX_IN, set_guest_debug),
	LVX_IOCTL(KVM_TRANSLATE, LVX_INOUT, translate),
	LVX_IOCTL(KVM_GET_MSRS, LVX_IN, get_msrs),
	LVX_IOCTL(KVM_SET_MSRS, LVX_IN, set_msrs),
	LVX_IOCTL(KVM_SET_CPUID2, LVX_IN, set_cpuid2),
	LVX_IOCTL(KVM_GET_CPUID2, LVX_INOUT, get_cpuid2),
	LVX_IOCTL(KVM_GET_VCPU_EVENTS, LVX_OUT, get_vcpu_events),
	LVX_IOCTL(KVM_SET_VCPU_EVENTS, LVX_IN, set_vcpu_events),
	LVX_IOCTL(KVM_GET_MP_STATE, LVX_OUT, get_mp_state),
	LVX_IOCTL(KVM_SET_MP_STATE, LVX_IN, set_mp_state),
	LVX_IOCTL_CHECKED(KVM_GET_LAPIC, LVX_OUT, check_lapic, get_lapic),
	LVX_IOCTL_CHECKED(KVM_SET_LAPIC, LVX_IN, check_lapic, set_lapic),
	LVX_IOCTL_CHECKED(KVM_SET_VAPIC_ADDR, LVX_IN, check_lapic,
			  set_vapic_addr),
	LVX_IOCTL(KVM_TPR_ACCESS_REPORTING, LVX_INOUT, tpr_access_reporting),
	LVX_IOCTL(KVM_SET_SIGNAL_MASK, LVX_ARG, set_signal_mask),
	LVX_IOCTL(KVM_ENABLE_CAP, LVX_IN, enable_cap),
	LVX_IOCTL(KVM_SET_TSC_KHZ, LVX_ARG, set_tsc_khz),
	LVX_IOCTL(KVM_GET_TSC_KHZ, LVX_ARG, get_tsc_khz),
	LVX_IOCTL(KVM_KVMCLOCK_CTRL, LVX_ARG, kvmclock_ctrl),
	LVX_IOCTL(KVM_X86_SETUP_MCE, LVX_IN, setup_mce),
	LVX_IOCTL(KVM_X86_SET_MCE, LVX_IN, set_mce),
	LVX_IOCTL(KVM_GET_STATS_FD, LVX_ARG, get_stats_fd),
	LVX_IOCTL(KVM_HAS_DEVICE_ATTR, LVX_IN, has_device_attr),
	LVX_IOCTL(KVM_GET_DEVICE_ATTR, LVX_IN, get_device_attr),
	LVX_IOCTL(KVM_SET_DEVICE_ATTR, LVX_IN, set_device_attr),
};

static const struct lvx_ioctl_table vcpu_table = {
	.rows = vcpu_ioctls,
	.nr = ARRAY_SIZE(vcpu_ioctls),
	.unknown = -EINVAL,
};

/**
 * lvx_vcpu_ioctl() - an ioctl on a vCPU's descriptor
 * @file: the descriptor
 * @cmd: the ioctl's number
 * @arg: its argument
 *
 * Return: the ioctl's own result; -EIO from another process than the VM's and
 * of a dead VM; -EINTR if a fatal signal came while another thread was in
 * this vCPU.
 */
long lvx_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lvx_vcpu *vcpu = file->private_data;
	long ret = lvx_vm_usable(vcpu->vm);

	if (ret)
		return ret;
	/* isatty() and the like must not wait for the end of a KVM_RUN. */
	if (_IOC_TYPE(cmd) != KVMIO)
		return vcpu_table.unknown;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	lvx_vcpu_load(vcpu);
	ret = lvx_ioctl(&vcpu_table, vcpu, cmd, arg);
	lvx_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}
