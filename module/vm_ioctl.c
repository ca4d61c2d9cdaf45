// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a VM. Several threads may be in them at a time; each level
 * takes its own locks, and vm->lock is taken here where the order of calls
 * matters (irqchip before vCPUs, and so on).
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "base/ioctl.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "mmu/mmu.h"
#include "top.h"
#include "vmx/vmx.h"

static int set_user_memory_region(void *vm, void *data, unsigned long arg)
{
	return lvx_mmu_set_slot(vm, data);
}

static int get_irqchip(void *vm, void *data, unsigned long arg)
{
	return lvx_irqchip_get(vm, data);
}

static int set_irqchip(void *vm, void *data, unsigned long arg)
{
	return lvx_irqchip_set(vm, data);
}

static int irq_line(void *vm, void *data, unsigned long arg)
{
	return lvx_irq_line(vm, data);
}

static int signal_msi(void *vm, void *data, unsigned long arg)
{
	return lvx_irq_msi(vm, data);
}

static int irqfd(void *vm, void *data, unsigned long arg)
{
	return lvx_irqfd(vm, data);
}

static int ioeventfd(void *vm, void *data, unsigned long arg)
{
	return lvx_ioeventfd(vm, data);
}

static int get_pit2(void *vm, void *data, unsigned long arg)
{
	return lvx_pit_get(vm, data);
}

static int set_pit2(void *vm, void *data, unsigned long arg)
{
	return lvx_pit_set(vm, data);
}

static int reinject_control(void *vm, void *data, unsigned long arg)
{
	return lvx_pit_reinject(vm, data);
}

static int get_clock(void *vm, void *data, unsigned long arg)
{
	return lvx_vmclock_get(vm, data);
}

static int set_clock(void *vm, void *data, unsigned long arg)
{
	return lvx_vmclock_set(vm, data);
}

/* ----------------------------------------------------------------- memory */

/*
 * The dirty log's structures hold a pointer, of which a 32-bit process writes
 * only the lower half.
 */
static int get_dirty_log(void *vm, void *data, unsigned long arg)
{
	struct kvm_dirty_log *log = data;

	if (in_compat_syscall())
		log->dirty_bitmap = compat_ptr(log->padding2);
	return lvx_mmu_get_dirty_log(vm, log);
}

static int clear_dirty_log(void *vm, void *data, unsigned long arg)
{
	struct kvm_clear_dirty_log *log = data;

	if (in_compat_syscall())
		log->dirty_bitmap = compat_ptr(log->padding2);
	return lvx_mmu_clear_dirty_log(vm, log);
}

/*
 * Three pages for a real-mode task-state segment and one for an identity map:
 * what CPUs without unrestricted guest need. lvx runs on none of those, so
 * the addresses are checked and forgotten.
 */
static int set_tss_addr(void *vm, void *data, unsigned long arg)
{
	return arg > (u32)(-3 * PAGE_SIZE) ? -EINVAL : 0;
}

static int check_no_vcpus(void *object)
{
	struct lvx_vm *vm = object;
	int err;

	mutex_lock(&vm->lock);
	err = vm->nr_created ? -EINVAL : 0;
	mutex_unlock(&vm->lock);
	return err;
}

static int set_identity_map_addr(void *vm, void *data, unsigned long arg)
{
	return 0;
}

/* A bound on shadow pages, of which lvx has none; KVM's minimum is 64. */
static int set_nr_mmu_pages(void *vm, void *data, unsigned long arg)
{
	return arg < 64 ? -EINVAL : 0;
}

static int register_coalesced_mmio(void *vm, void *data, unsigned long arg)
{
	return lvx_coalesced_add(vm, data);
}

static int unregister_coalesced_mmio(void *vm, void *data, unsigned long arg)
{
	return lvx_coalesced_remove(vm, data);
}

/* ------------------------------------------------------------- interrupts */

static int create_irqchip(void *object, void *data, unsigned long arg)
{
	struct lvx_vm *vm = object;
	int err;

	mutex_lock(&vm->lock);
	if (lvx_irqchip_in_kernel(vm))
		err = -EEXIST;
	else if (vm->nr_created)
		err = -EINVAL;
	else
		err = lvx_irqchip_create(vm);
	mutex_unlock(&vm->lock);
	return err;
}

static int set_gsi_routing(void *object, void *data, unsigned long arg)
{
	struct kvm_irq_routing __user *user =
		(struct kvm_irq_routing __user *)arg;
	struct kvm_irq_routing *head = data;
	struct kvm_irq_routing_entry *entries;
	struct lvx_vm *vm = object;
	int err;

	if (!lvx_irqchip_in_kernel(vm) || head->nr > LVX_MAX_IRQ_ROUTES ||
	    head->flags)
		return -EINVAL;
	entries = vmemdup_user(user->entries,
			       array_size(head->nr, sizeof(*entries)));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	err = lvx_irq_set_routing(vm, entries, head->nr);
	kvfree(entries);
	return err;
}

static int create_pit2(void *object, void *data, unsigned long arg)
{
	struct lvx_vm *vm = object;
	int err;

	mutex_lock(&vm->lock);
	err = lvx_pit_create(vm, data);
	mutex_unlock(&vm->lock);
	return err;
}

/* ------------------------------------------------------- vCPUs and the VM */

static int set_msr_filter(void *vm, void *data, unsigned long arg)
{
	return lvx_set_msr_filter(vm, data);
}

/* The same of a 32-bit process, whose pointers are shorter: another number. */
struct compat_msr_filter {
	u32 flags;
	struct {
		u32 flags;
		u32 nmsrs;
		u32 base;
		u32 bitmap;
	} ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define COMPAT_SET_MSR_FILTER	_IOW(KVMIO, 0xc6, struct compat_msr_filter)

static int set_msr_filter_compat(void *vm, void *data, unsigned long arg)
{
	const struct compat_msr_filter *user = data;
	struct kvm_msr_filter filter = { .flags = user->flags };
	size_t i;

	if (!in_compat_syscall())
		return -ENOTTY;
	for (i = 0; i < ARRAY_SIZE(filter.ranges); i++) {
		filter.ranges[i].flags = user->ranges[i].flags;
		filter.ranges[i].nmsrs = user->ranges[i].nmsrs;
		filter.ranges[i].base = user->ranges[i].base;
		filter.ranges[i].bitmap =
			(__force u8 *)compat_ptr(user->ranges[i].bitmap);
	}
	return lvx_set_msr_filter(vm, &filter);
}

static int create_vcpu(void *vm, void *data, unsigned long arg)
{
	return lvx_vcpu_open(vm, arg);
}

static int set_boot_cpu_id(void *object, void *data, unsigned long arg)
{
	struct lvx_vm *vm = object;
	int err = -EBUSY;

	mutex_lock(&vm->lock);
	if (!vm->nr_created) {
		vm->bsp_id = arg;
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

static int get_stats_fd(void *vm, void *data, unsigned long arg)
{
	return lvx_stats_open(vm, NULL);
}

static int check_extension(void *vm, void *data, unsigned long arg)
{
	return lvx_check_extension(arg);
}

/* KVM_ENABLE_CAP, by capability. */

static int enable_split_irqchip(struct lvx_vm *vm, u64 nr_pins)
{
	int err;

	if (nr_pins > LVX_MAX_IRQ_ROUTES)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (lvx_irqchip_in_kernel(vm) || vm->nr_created)
		err = -EEXIST;
	else
		err = lvx_irqchip_create_split(vm, nr_pins);
	mutex_unlock(&vm->lock);
	return err;
}

/* Set once; the first vCPU sets it to the limit. */
static int enable_max_vcpu_id(struct lvx_vm *vm, u64 max)
{
	int err = -EINVAL;

	if (max > LVX_MAX_VCPU_ID)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (!vm->max_vcpu_id || vm->max_vcpu_id == max) {
		vm->max_vcpu_id = max;
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

static int disable_quirks(struct lvx_vm *vm, u64 quirks)
{
	WRITE_ONCE(vm->disabled_quirks, quirks);
	return 0;
}

/* As the above, but for quirks that the caller knows lvx to have. */
static int disable_known_quirks(struct lvx_vm *vm, u64 quirks)
{
	return quirks & ~(u64)LVX_QUIRKS ? -EINVAL : disable_quirks(vm, quirks);
}

static int show_platform_info(struct lvx_vm *vm, u64 show)
{
	WRITE_ONCE(vm->hide_platform_info, !show);
	return 0;
}

static int enable_user_msrs(struct lvx_vm *vm, u64 reasons)
{
	if (reasons & ~(u64)(KVM_MSR_EXIT_REASON_INVAL |
			     KVM_MSR_EXIT_REASON_UNKNOWN |
			     KVM_MSR_EXIT_REASON_FILTER))
		return -EINVAL;
	WRITE_ONCE(vm->user_msr_reasons, reasons);
	return 0;
}

static const struct {
	u32 cap;
	int (*enable)(struct lvx_vm *vm, u64 arg);
} vm_caps[] = {
	{ KVM_CAP_SPLIT_IRQCHIP, enable_split_irqchip },
	{ KVM_CAP_MAX_VCPU_ID, enable_max_vcpu_id },
	{ KVM_CAP_DISABLE_QUIRKS, disable_quirks },
	{ KVM_CAP_DISABLE_QUIRKS2, disable_known_quirks },
	{ KVM_CAP_MSR_PLATFORM_INFO, show_platform_info },
	{ KVM_CAP_X86_USER_SPACE_MSR, enable_user_msrs },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, lvx_mmu_set_manual_protect },
};

static int enable_cap(void *vm, void *data, unsigned long arg)
{
	struct kvm_enable_cap *cap = data;
	size_t i;

	if (cap->flags)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vm_caps); i++)
		if (vm_caps[i].cap == cap->cap)
			return vm_caps[i].enable(vm, cap->args[0]);
	return -EINVAL;
}

/* -------------------------------------------------------------- the table */

static const struct lvx_ioctl vm_ioctls[] = {
	/* While the guest runs */
	LVX_IOCTL(KVM_IRQ_LINE, LVX_IN, irq_line),
	LVX_IOCTL(KVM_IRQ_LINE_STATUS, LVX_INOUT, irq_line),
	LVX_IOCTL(KVM_SIGNAL_MSI, LVX_IN, signal_msi),
	LVX_IOCTL(KVM_GET_DIRTY_LOG, LVX_IN, get_dirty_log),
	LVX_IOCTL(KVM_CLEAR_DIRTY_LOG, LVX_IN, clear_dirty_log),
	LVX_IOCTL(KVM_SET_USER_MEMORY_REGION, LVX_IN, set_user_memory_region),
	LVX_IOCTL(KVM_SET_GSI_ROUTING, LVX_IN, set_gsi_routing),
	LVX_IOCTL(KVM_IRQFD, LVX_IN, irqfd),
	LVX_IOCTL(KVM_IOEVENTFD, LVX_IN, ioeventfd),
	/* Set-up */
	LVX_IOCTL(KVM_CHECK_EXTENSION, LVX_ARG, check_extension),
	LVX_IOCTL(KVM_ENABLE_CAP, LVX_IN, enable_cap),
	LVX_IOCTL(KVM_CREATE_VCPU, LVX_ARG, create_vcpu),
	LVX_IOCTL(KVM_CREATE_IRQCHIP, LVX_ARG, create_irqchip),
	LVX_IOCTL(KVM_CREATE_PIT2, LVX_IN, create_pit2),
	LVX_IOCTL(KVM_SET_BOOT_CPU_ID, LVX_ARG, set_boot_cpu_id),
	LVX_IOCTL(KVM_SET_TSS_ADDR, LVX_ARG, set_tss_addr),
	LVX_IOCTL_CHECKED(KVM_SET_IDENTITY_MAP_ADDR, LVX_IN, check_no_vcpus,
			  set_identity_map_addr),
	LVX_IOCTL(KVM_SET_NR_MMU_PAGES, LVX_ARG, set_nr_mmu_pages),
	LVX_IOCTL(KVM_X86_SET_MSR_FILTER, LVX_IN, set_msr_filter),
	LVX_IOCTL(COMPAT_SET_MSR_FILTER, LVX_IN, set_msr_filter_compat),
	LVX_IOCTL(KVM_REGISTER_COALESCED_MMIO, LVX_IN, register_coalesced_mmio),
	LVX_IOCTL(KVM_UNREGISTER_COALESCED_MMIO, LVX_IN,
		  unregister_coalesced_mmio),
	/* State */
	LVX_IOCTL(KVM_GET_IRQCHIP, LVX_INOUT, get_irqchip),
	LVX_IOCTL(KVM_SET_IRQCHIP, LVX_IN, set_irqchip),
	LVX_IOCTL(KVM_GET_PIT2, LVX_OUT, get_pit2),
	LVX_IOCTL(KVM_SET_PIT2, LVX_IN, set_pit2),
	{
		.cmd = KVM_REINJECT_CONTROL,
		.name = "KVM_REINJECT_CONTROL",
		.dir = LVX_IN,
		.size = sizeof(struct kvm_reinject_control),
		.handler = reinject_control,
	},
	LVX_IOCTL(KVM_GET_STATS_FD, LVX_ARG, get_stats_fd),
	LVX_IOCTL(KVM_GET_CLOCK, LVX_OUT, get_clock),
	LVX_IOCTL(KVM_SET_CLOCK, LVX_IN, set_clock),
};

static const struct lvx_ioctl_table vm_table = {
	.rows = vm_ioctls,
	.nr = ARRAY_SIZE(vm_ioctls),
	.unknown = -ENOTTY,
};

/**
 * lvx_vm_ioctl() - an ioctl on a VM's descriptor
 * @file: the descriptor
 * @cmd: the ioctl's number
 * @arg: its argument
 *
 * Return: the ioctl's own result; -EIO from another process than the VM's and
 * of a dead VM.
 */
long lvx_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lvx_vm *vm = file->private_data;
	int err = lvx_vm_usable(vm);

	return err ? err : lvx_ioctl(&vm_table, vm, cmd, arg);
}
