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
#include <linux/sched.h>
#include <linux/syscore_ops.h>

/* smp_send_reschedule() became a macro that traces. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <trace/events/ipi.h>
#endif

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

/*
 * Newer kernels split the operations from what is registered. It was ported
 * back, so Kbuild looks into the header instead of asking for a version.
 */
#ifdef LVX_HAVE_STRUCT_SYSCORE
#define LVX_SYSCORE_ARG			void *unused
#define LVX_DEFINE_SYSCORE(name, suspend_fn, resume_fn)			\
	static const struct syscore_ops name##_ops = {			\
		.suspend = suspend_fn, .resume = resume_fn		\
	};								\
	static struct syscore name = { .ops = &name##_ops }
#define lvx_register_syscore(s)		register_syscore(s)
#define lvx_unregister_syscore(s)	unregister_syscore(s)
#else
#define LVX_SYSCORE_ARG			void
#define LVX_DEFINE_SYSCORE(name, suspend_fn, resume_fn)			\
	static struct syscore_ops name = {				\
		.suspend = suspend_fn, .resume = resume_fn		\
	}
#define lvx_register_syscore(s)		register_syscore_ops(s)
#define lvx_unregister_syscore(s)	unregister_syscore_ops(s)
#endif

/* The entry point for an NMI that ended a guest's run. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define LVX_NMI_HANDLER			asm_exc_nmi_noist
#else
#define LVX_NMI_HANDLER			asm_exc_nmi_kvm_vmx
#endif

/*
 * struct kvm_run's immediate_exit: user space may change it at any time, which
 * newer kernels put into its name. Read it once.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define lvx_immediate_exit(run)		READ_ONCE((run)->immediate_exit)
#else
#define lvx_immediate_exit(run)		READ_ONCE((run)->immediate_exit__unsafe)
#endif

/* For how long this thread was runnable and another one ran, in nanoseconds. */
#ifdef CONFIG_SCHED_INFO
#define lvx_run_delay()			(current->sched_info.run_delay)
#else
#define lvx_run_delay()			0ULL
#endif

#endif
