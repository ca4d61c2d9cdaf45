/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that lvx supports (6.1 and 6.12), in one
 * place: code elsewhere is written for one interface and never asks for a
 * version.
 */
#ifndef LVX_BASE_COMPAT_H
#define LVX_BASE_COMPAT_H

#include <linux/version.h>
#include <linux/eventfd.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline void lvx_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#else
static inline void lvx_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#endif

#endif
