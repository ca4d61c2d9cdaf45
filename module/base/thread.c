// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel wants of a vCPU's thread before it may enter the guest: to
 * reschedule, to look at signals, to do work that was left for its way to user
 * space (restartable sequences after each sleep, closing of files, throttling).
 *
 * The kernel has a function for it, made for KVM. Of the vCPU that it is given
 * it uses two fields, in the moment when it finds a signal.
 */
#include <linux/entry-kvm.h>
#include <linux/errno.h>
#include <linux/kvm_host.h>

#include "base/vcpu.h"

/* Written by many, read by none. */
static struct kvm_run no_run;
static struct kvm_vcpu nobody = { .run = &no_run };

/**
 * lvx_thread_work() - serve the thread's own affairs
 * @vcpu: the caller's own
 *
 * May sleep. Return: 0, or -EINTR with a signal pending: KVM_RUN has to end.
 */
int lvx_thread_work(struct lvx_vcpu *vcpu)
{
	if (!xfer_to_guest_mode_handle_work(&nobody))
		return 0;
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}
