// SPDX-License-Identifier: GPL-2.0
/*
 * The engine behind the ioctl tables: finds the row, copies its structure in
 * and out. See base/ioctl.h.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "base/ioctl.h"

/* Structures up to this size (most) live on the stack. */
#define ON_STACK	256

static const struct lvx_ioctl *find(const struct lvx_ioctl_table *table,
				    unsigned int cmd)
{
	const struct lvx_ioctl *row = table->rows;
	const struct lvx_ioctl *end = row + table->nr;
	const unsigned int size_bits = IOCSIZE_MASK;

	for (; row < end; row++) {
		if (row->cmd == cmd)
			return row;
		if (row->min && !((row->cmd ^ cmd) & ~size_bits))
			return row;
	}
	return NULL;
}

static unsigned int size_of(const struct lvx_ioctl *row)
{
	return row->size ?: _IOC_SIZE(row->cmd);
}

static int copy_in(const struct lvx_ioctl *row, void *data,
		   const void __user *user, unsigned int user_size)
{
	if (row->min)
		return copy_struct_from_user(data, size_of(row), user,
					     user_size);
	return copy_from_user(data, user, size_of(row)) ? -EFAULT : 0;
}

static int copy_out(const struct lvx_ioctl *row, const void *data,
		    void __user *user, unsigned int user_size)
{
	unsigned int size = size_of(row);

	if (row->min && user_size > size &&
	    clear_user(user + size, user_size - size))
		return -EFAULT;
	if (row->min)
		size = min(size, user_size);
	return copy_to_user(user, data, size) ? -EFAULT : 0;
}

static int call(const struct lvx_ioctl *row, void *object, void *data,
		unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	unsigned int user_size = _IOC_SIZE(cmd);
	int ret, err;

	if (row->dir & LVX_IN) {
		err = copy_in(row, data, user, user_size);
		if (err)
			return err;
	}
	ret = row->handler(object, data, arg);
	if ((row->dir & LVX_OUT) && ret >= 0) {
		err = copy_out(row, data, user, user_size);
		if (err)
			return err;
	}
	return ret;
}

/* Apart from lvx_ioctl() so that KVM_RUN doesn't carry the buffer around. */
static noinline int call_with_data(const struct lvx_ioctl *row, void *object,
				   unsigned int cmd, unsigned long arg)
{
	u64 buffer[ON_STACK / sizeof(u64)];
	unsigned int size = size_of(row);
	void *data = buffer;
	int ret;

	if (row->min && _IOC_SIZE(cmd) < row->min)
		return -EINVAL;
	/* Zeroed: padding that a handler doesn't fill goes out, too. */
	if (size > ON_STACK) {
		data = kzalloc(size, GFP_KERNEL_ACCOUNT);
		if (!data)
			return -ENOMEM;
	} else {
		memset(data, 0, size);
	}
	ret = call(row, object, data, cmd, arg);
	if (data != buffer)
		kfree(data);
	return ret;
}

/**
 * lvx_ioctl() - do an ioctl
 * @table: of the descriptor's type
 * @object: what the descriptor stands for, handed to the row's handler
 * @cmd: the ioctl's number
 * @arg: its argument
 *
 * Context: may sleep.
 * Return: the handler's result; @table's errno for an unknown number; -EFAULT,
 * -ENOMEM from copying the structure; of a structure that may grow -EINVAL if
 * it is too short, -E2BIG if it says something that lvx doesn't know.
 */
long lvx_ioctl(const struct lvx_ioctl_table *table, void *object,
	       unsigned int cmd, unsigned long arg)
{
	const struct lvx_ioctl *row = find(table, cmd);
	int err;

	if (!row)
		return table->unknown;
	if (row->check) {
		err = row->check(object);
		if (err)
			return err;
	}
	if (row->dir == LVX_ARG)
		return row->handler(object, NULL, arg);
	return call_with_data(row, object, cmd, arg);
}
