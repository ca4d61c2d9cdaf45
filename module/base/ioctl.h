/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ioctls as rows of a table. A descriptor type (system, VM, vCPU) has one
 * table; what is the same for every ioctl, moving its structure between user
 * space and the kernel, is done here, once. Handlers see kernel memory only;
 * the few whose argument is an array of the caller's length copy the array
 * themselves.
 */
#ifndef LVX_BASE_IOCTL_H
#define LVX_BASE_IOCTL_H

#include <linux/bits.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/* What an ioctl's argument is: which way its structure goes, ... */
#define LVX_IN		BIT(0)
#define LVX_OUT		BIT(1)
#define LVX_INOUT	(LVX_IN | LVX_OUT)
/* ... or it has none: a number, or something that the handler copies itself. */
#define LVX_ARG		0

/**
 * struct lvx_ioctl - one ioctl
 * @cmd: its number
 * @name: the number's name, for traces and statistics
 * @dir: LVX_IN, LVX_OUT, both, or LVX_ARG. Not taken from the number, since
 *	some of KVM's numbers tell it wrong
 * @size: the structure's size, if not 0; else the number tells it
 * @min: not 0: the structure may grow. Callers built with an older or newer
 *	header say so by the size in their number, which may be anything from
 *	@min up: what they don't know is zero, what lvx doesn't know must be
 * @check: NULL, or what is refused before the argument is looked at
 * @handler: does it. @object is the descriptor's, @data the structure
 *	(zeroed where nothing was copied in), @arg the ioctl's argument. Returns
 *	0 or more, which the caller gets, or -errno
 *
 * The structure is copied out on success.
 */
struct lvx_ioctl {
	unsigned int cmd;
	u16 size;
	u16 min;
	u8 dir;
	const char *name;
	int (*check)(void *object);
	int (*handler)(void *object, void *data, unsigned long arg);
};

#define LVX_IOCTL(_cmd, _dir, _handler)					\
	{ .cmd = (_cmd), .name = #_cmd, .dir = (_dir),			\
	  .handler = (_handler) }
#define LVX_IOCTL_CHECKED(_cmd, _dir, _check, _handler)			\
	{ .cmd = (_cmd), .name = #_cmd, .dir = (_dir),			\
	  .check = (_check), .handler = (_handler) }

/**
 * struct lvx_ioctl_table - the ioctls of one descriptor type
 * @rows: searched from the front: frequent ones first
 * @nr: number of rows
 * @unknown: -errno for what is not in the table
 */
struct lvx_ioctl_table {
	const struct lvx_ioctl *rows;
	unsigned int nr;
	int unknown;
};

long lvx_ioctl(const struct lvx_ioctl_table *table, void *object,
	       unsigned int cmd, unsigned long arg);

#endif
