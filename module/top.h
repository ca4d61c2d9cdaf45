/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the top level (main.c and beside it) ask of each other.
 */
#ifndef LVX_TOP_H
#define LVX_TOP_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "base/vm.h"

struct file;

/* vm.c: a new VM's file descriptor, or -errno. */
int lvx_vm_open(unsigned long type);
void lvx_vm_get(struct lvx_vm *vm);
void lvx_vm_put(struct lvx_vm *vm);
/* Ioctls are for the process that made the VM, while the VM lives. */
int lvx_vm_usable(struct lvx_vm *vm);

long lvx_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* vcpu.c: a new vCPU's file descriptor, or -errno. */
int lvx_vcpu_open(struct lvx_vm *vm, unsigned long id);
void lvx_vcpu_destroy(struct lvx_vcpu *vcpu);
long lvx_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* introspect.c: debugfs, in the order of their calls */
void lvx_introspect_init(void);
void lvx_introspect_vm(struct lvx_vm *vm);
void lvx_introspect_vcpu(struct lvx_vcpu *vcpu);
void lvx_introspect_end(struct lvx_vm *vm);
void lvx_introspect_exit(void);

/* stats.c: KVM_GET_STATS_FD; vcpu NULL: of the VM. A descriptor, or -errno. */
int lvx_stats_open(struct lvx_vm *vm, struct lvx_vcpu *vcpu);

/* dev.c */
int lvx_dev_init(void);
void lvx_dev_exit(void);
int lvx_check_extension(unsigned long cap);
/*
 * The body of KVM_GET_MSRS and KVM_SET_MSRS: @one is called for each entry
 * until it fails; returns how many succeeded, or -E2BIG, -EFAULT, -ENOMEM.
 */
int lvx_msr_io(const struct kvm_msrs *head, unsigned long arg, void *object,
	       int (*one)(void *object, struct kvm_msr_entry *entry),
	       bool copy_back);

/* Entries of a routing table: KVM_CAP_IRQ_ROUTING. */
#define LVX_MAX_IRQ_ROUTES	4096

#endif
