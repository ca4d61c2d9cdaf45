// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/lvx: the system's ioctls, which tell what lvx can do and make VMs, and
 * the table of capabilities. Whoever may open the node may make VMs; opening
 * it for reading is enough, as with /dev/kvm.
 */
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "base/ioctl.h"
#include "base/memslot.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "top.h"
#include "vmx/vmx.h"

/*
 * ------------------------------------------------------------ capabilities
 *
 * VMMs switch on what is listed and give up when that fails, so a capability
 * is listed only when every ioctl behind it works. 1 means exactly "yes".
 */

static int nr_vcpus_recommended(void)
{
	return min_t(unsigned int, num_online_cpus(), LVX_MAX_VCPUS);
}

static int has_xsave(void)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static const struct {
	u32 cap;
	int value;
	int (*get)(void);	/* instead of value */
} capabilities[] = {
	/* Interrupt controllers and timers in the kernel, or part of them */
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_IRQ_ROUTING, LVX_MAX_IRQ_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	/* vCPUs */
	{ KVM_CAP_NR_VCPUS, .get = nr_vcpus_recommended },
	{ KVM_CAP_MAX_VCPUS, LVX_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, LVX_MAX_VCPU_ID },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	/* vCPU state */
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_MCE, LVX_NR_MCE_BANKS },
	{ KVM_CAP_X86_USER_SPACE_MSR, 1 },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XCRS, .get = has_xsave },
	/* Debugging the guest from outside */
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, KVM_GUESTDBG_ENABLE |
				    KVM_GUESTDBG_SINGLESTEP |
				    KVM_GUESTDBG_USE_SW_BP |
				    KVM_GUESTDBG_USE_HW_BP |
				    KVM_GUESTDBG_INJECT_DB |
				    KVM_GUESTDBG_INJECT_BP },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	/* Time */
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
				KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_STEAL_TIME, IS_ENABLED(CONFIG_SCHED_INFO) },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	/* Memory */
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_NR_MEMSLOTS, LVX_NR_MEMSLOTS },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
					     KVM_DIRTY_LOG_INITIALLY_SET },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	/* Port and memory-mapped I/O */
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	/* Where the ring is in the vCPU's mapping, in pages */
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	/* The interface itself */
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_DISABLE_QUIRKS, 1 },
	{ KVM_CAP_DISABLE_QUIRKS2, LVX_QUIRKS },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
};

/**
 * lvx_check_extension() - KVM_CHECK_EXTENSION of the system and of a VM
 * @cap: KVM_CAP_*
 *
 * Return: the capability's value; 0 for everything that lvx doesn't have.
 */
int lvx_check_extension(unsigned long cap)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (capabilities[i].cap != cap)
			continue;
		if (capabilities[i].get)
			return capabilities[i].get();
		return capabilities[i].value;
	}
	return 0;
}

/* ------------------------------------------------------------------ ioctls */

static int get_api_version(void *object, void *data, unsigned long arg)
{
	return arg ? -EINVAL : KVM_API_VERSION;
}

static int create_vm(void *object, void *data, unsigned long arg)
{
	return lvx_vm_open(arg);
}

static int check_extension(void *object, void *data, unsigned long arg)
{
	return lvx_check_extension(arg);
}

/* struct kvm_run, port I/O data, coalesced MMIO ring */
static int get_vcpu_mmap_size(void *object, void *data, unsigned long arg)
{
	return arg ? -EINVAL : 3 * PAGE_SIZE;
}

static int get_supported_cpuid(void *object, void *data, unsigned long arg)
{
	struct kvm_cpuid2 __user *user = (struct kvm_cpuid2 __user *)arg;
	struct kvm_cpuid2 *head = data;
	struct kvm_cpuid_entry2 *entries;
	u32 nr = min_t(u32, head->nent, LVX_MAX_CPUID_ENTRIES);
	int err;

	if (!nr)
		return -E2BIG;
	entries = kvcalloc(nr, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	err = lvx_cpuid_supported(entries, &nr);
	if (!err) {
		head->nent = nr;
		if (copy_to_user(user->entries, entries, nr * sizeof(*entries)))
			err = -EFAULT;
	}
	kvfree(entries);
	return err;
}

/* Where the list doesn't fit, only its length is returned, with E2BIG. */
static int get_msr_list(const struct kvm_msr_list *list, unsigned long arg,
			int (*get)(u32 i, u32 *index))
{
	struct kvm_msr_list __user *user = (struct kvm_msr_list __user *)arg;
	u32 index, n = 0;

	while (!get(n, &index))
		n++;
	if (put_user(n, &user->nmsrs))
		return -EFAULT;
	if (list->nmsrs < n)
		return -E2BIG;
	for (n = 0; !get(n, &index); n++)
		if (put_user(index, &user->indices[n]))
			return -EFAULT;
	return 0;
}

static int get_msr_index_list(void *object, void *data, unsigned long arg)
{
	return get_msr_list(data, arg, lvx_msr_index);
}

static int get_msr_feature_list(void *object, void *data, unsigned long arg)
{
	return get_msr_list(data, arg, lvx_feature_msr_index);
}

int lvx_msr_io(const struct kvm_msrs *head, unsigned long arg, void *object,
	       int (*one)(void *object, struct kvm_msr_entry *entry),
	       bool copy_back)
{
	struct kvm_msrs __user *user = (struct kvm_msrs __user *)arg;
	struct kvm_msr_entry *entries;
	size_t size;
	int n;

	/* As many as KVM takes at a time. */
	if (head->nmsrs >= 256)
		return -E2BIG;
	size = head->nmsrs * sizeof(*entries);
	entries = memdup_user(user->entries, size);
	if (IS_ERR(entries))
		return PTR_ERR(entries);

	for (n = 0; n < (int)head->nmsrs; n++)
		if (one(object, &entries[n]))
			break;

	if (copy_back && copy_to_user(user->entries, entries, size))
		n = -EFAULT;
	kfree(entries);
	return n;
}

static int get_feature_msr(void *object, struct kvm_msr_entry *entry)
{
	return lvx_get_feature_msr(entry->index, &entry->data);
}

static int get_feature_msrs(void *object, void *data, unsigned long arg)
{
	return lvx_msr_io(data, arg, object, get_feature_msr, true);
}

static int get_mce_cap(void *object, void *data, unsigned long arg)
{
	*(u64 *)data = LVX_MCE_CAP;
	return 0;
}

static const struct lvx_ioctl system_ioctls[] = {
	LVX_IOCTL(KVM_GET_API_VERSION, LVX_ARG, get_api_version),
	LVX_IOCTL(KVM_CREATE_VM, LVX_ARG, create_vm),
	LVX_IOCTL(KVM_CHECK_EXTENSION, LVX_ARG, check_extension),
	LVX_IOCTL(KVM_GET_VCPU_MMAP_SIZE, LVX_ARG, get_vcpu_mmap_size),
	LVX_IOCTL(KVM_GET_SUPPORTED_CPUID, LVX_INOUT, get_supported_cpuid),
	LVX_IOCTL(KVM_GET_MSR_INDEX_LIST, LVX_IN, get_msr_index_list),
	LVX_IOCTL(KVM_GET_MSR_FEATURE_INDEX_LIST, LVX_IN, get_msr_feature_list),
	LVX_IOCTL(KVM_GET_MSRS, LVX_IN, get_feature_msrs),
	LVX_IOCTL(KVM_X86_GET_MCE_CAP_SUPPORTED, LVX_OUT, get_mce_cap),
};

static const struct lvx_ioctl_table system_table = {
	.rows = system_ioctls,
	.nr = ARRAY_SIZE(system_ioctls),
	.unknown = -EINVAL,
};

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return lvx_ioctl(&system_table, NULL, cmd, arg);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice lvx_node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lvx",
	.fops = &dev_fops,
	.mode = 0660,
};

/* For clients that know no other node than /dev/kvm. */
static struct miscdevice kvm_node = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &dev_fops,
	.mode = 0660,
};

static bool serve_kvm_node;
module_param_named(kvm_node, serve_kvm_node, bool, 0444);
MODULE_PARM_DESC(kvm_node, "serve /dev/kvm, too (default: no)");

static int register_node(struct miscdevice *node)
{
	int err = misc_register(node);

	if (err == -EBUSY)
		pr_err("lvx: /dev/%s is taken by another driver; unload that first\n",
		       node->name);
	else if (err)
		pr_err("lvx: can't make /dev/%s: error %d\n", node->name, err);
	return err;
}

/**
 * lvx_dev_init() - let users in
 *
 * Return: 0, or -errno with a line in the kernel log. That /dev/kvm was asked
 * for and is taken is an error: its user would get the other hypervisor.
 */
int lvx_dev_init(void)
{
	int err;

	/*
	 * First what is likely to fail: a module whose start fails is freed
	 * although somebody has opened a node that was there for a moment.
	 */
	if (serve_kvm_node) {
		err = register_node(&kvm_node);
		if (err)
			return err;
	}
	err = register_node(&lvx_node);
	if (err && serve_kvm_node)
		misc_deregister(&kvm_node);
	return err;
}

/* The kernel unloads only when no descriptor is open any more. */
void lvx_dev_exit(void)
{
	if (serve_kvm_node)
		misc_deregister(&kvm_node);
	misc_deregister(&lvx_node);
}
