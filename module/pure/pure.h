/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What pure code may use, in the kernel and in user space alike.
 *
 * Files in this folder hold state machines and codecs without a kernel in
 * them, so that the unit tests can compile the very same source in user space
 * under sanitizers. Every one of them includes this header and no other but
 * those of its own folder. In the kernel it is only a list of includes; in
 * user space the unit tests' kernel.h supplies the handful of kernel names
 * that the code needs, by their kernel meaning.
 *
 * Pure code has no locks, no clock and no side effects: time comes in as an
 * argument, and what should happen goes out as a return value.
 */
#ifndef LVX_PURE_PURE_H
#define LVX_PURE_PURE_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include "kernel.h"

#endif

#endif /* LVX_PURE_PURE_H */
