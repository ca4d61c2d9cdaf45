// SPDX-License-Identifier: GPL-2.0
/*
 * User space's say in which MSRs a guest may access (KVM_X86_SET_MSR_FILTER).
 *
 * A filter is a few ranges of indices, each with a bitmap: a set bit allows.
 * It is replaced as a whole and read at each RDMSR and WRMSR exit, some of
 * which are served with interrupts off: hence RCU. The MSRs of the x2APIC are
 * not subject to it, since the CPU may serve them without an exit.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vmx/vcpu.h"
#include "vmx/vmx.h"

struct filter_range {
	u32 which;		/* KVM_MSR_FILTER_READ, _WRITE */
	u32 base, count;
	unsigned long *bitmap;
};

struct lvx_msr_filter {
	bool allow;		/* what is in no range */
	u32 nr;
	struct filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

static bool is_x2apic(u32 index)
{
	return index - 0x800 < 0x100;
}

static bool filter_allows(const struct lvx_msr_filter *filter, u32 index,
			  u32 which)
{
	const struct filter_range *range = filter->ranges;

	for (; range < filter->ranges + filter->nr; range++) {
		if ((range->which & which) &&
		    index - range->base < range->count)
			return test_bit(array_index_nospec(index - range->base,
							   range->count),
					range->bitmap);
	}
	return filter->allow;
}

/**
 * lvx_msr_filter_asks() - the same of a VM that seems to have a filter
 * @vm: whose guest
 * @index: as in ECX
 * @which: KVM_MSR_FILTER_READ or KVM_MSR_FILTER_WRITE
 *
 * Any context. Return: whether the access is allowed.
 */
bool lvx_msr_filter_asks(struct lvx_vm *vm, u32 index, u32 which)
{
	const struct lvx_msr_filter *filter;
	bool allows = true;

	if (is_x2apic(index))
		return true;
	rcu_read_lock();
	filter = rcu_dereference(vm->msr_filter);
	if (filter)
		allows = filter_allows(filter, index, which);
	rcu_read_unlock();
	return allows;
}

static void free_filter(struct lvx_msr_filter *filter)
{
	u32 i;

	if (!filter)
		return;
	for (i = 0; i < filter->nr; i++)
		kfree(filter->ranges[i].bitmap);
	kfree(filter);
}

static int copy_range(struct lvx_msr_filter *filter,
		      const struct kvm_msr_filter_range *user)
{
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);
	struct filter_range *range = &filter->ranges[filter->nr];

	if (!user->nmsrs)
		return 0;
	if (!user->flags || size > KVM_MSR_FILTER_MAX_BITMAP_SIZE ||
	    (user->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)))
		return -EINVAL;
	range->bitmap = memdup_user((const void __user *)user->bitmap, size);
	if (IS_ERR(range->bitmap))
		return PTR_ERR(range->bitmap);
	range->which = user->flags;
	range->base = user->base;
	range->count = user->nmsrs;
	filter->nr++;
	return 0;
}

static struct lvx_msr_filter *make_filter(const struct kvm_msr_filter *user)
{
	struct lvx_msr_filter *filter;
	int err = 0;
	u32 i;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->allow = !(user->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; i < ARRAY_SIZE(user->ranges) && !err; i++)
		err = copy_range(filter, &user->ranges[i]);
	/* A filter that denies all leaves no guest that could run. */
	if (!err && !filter->nr && !filter->allow)
		err = -EINVAL;
	if (!err)
		return filter;
	free_filter(filter);
	return ERR_PTR(err);
}

/**
 * lvx_set_msr_filter() - KVM_X86_SET_MSR_FILTER
 * @vm: whose guest
 * @user: bitmaps are at addresses of the caller
 *
 * Takes the place of the former filter. Return: 0, -EINVAL (unknown flags, a
 * range without or with too large a bitmap, everything denied), -EFAULT,
 * -ENOMEM.
 */
int lvx_set_msr_filter(struct lvx_vm *vm, const struct kvm_msr_filter *user)
{
	struct lvx_msr_filter *filter;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	filter = make_filter(user);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	mutex_lock(&vm->lock);
	filter = rcu_replace_pointer(vm->msr_filter, filter,
				     lockdep_is_held(&vm->lock));
	mutex_unlock(&vm->lock);
	lvx_request_all(vm, LVX_REQ_MSR_FILTER, false);
	synchronize_rcu();
	free_filter(filter);
	return 0;
}

void lvx_msr_filter_destroy(struct lvx_vm *vm)
{
	free_filter(rcu_access_pointer(vm->msr_filter));
}
