// SPDX-License-Identifier: GPL-2.0
/*
 * A VM's life and its descriptor. What the descriptor's ioctls do is in
 * vm_ioctl.c.
 *
 * A VM lives as long as any descriptor of it or of one of its vCPUs. vCPUs are
 * never removed one by one, so destruction finds everything as creation left
 * it and undoes it in reverse.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/tsc.h>

#include "emul/emul.h"
#include "irq/irq.h"
#include "mmu/mmu.h"
#include "top.h"
#include "vmx/vmx.h"

static void init_vm(struct lvx_vm *vm)
{
	static atomic64_t last_number;
	int i;

	vm->mm = current->mm;
	mmgrab(vm->mm);
	vm->pid = task_pid_nr(current);
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	for (i = 0; i < LVX_NR_BUSES; i++)
		lvx_bus_init(&vm->bus[i]);
	vm->tsc_khz = tsc_khz;
	vm->number = atomic64_inc_return(&last_number);
}

static void uninit_vm(struct lvx_vm *vm)
{
	int i;

	for (i = 0; i < LVX_NR_BUSES; i++)
		lvx_bus_destroy(&vm->bus[i]);
	mmdrop(vm->mm);
}

static struct lvx_vm *create_vm(void)
{
	struct lvx_vm *vm;
	int err = -ENOMEM;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	init_vm(vm);
	vm->vcpus = kvcalloc(LVX_MAX_VCPUS, sizeof(*vm->vcpus),
			     GFP_KERNEL_ACCOUNT);
	if (!vm->vcpus)
		goto free_vm;
	err = init_srcu_struct(&vm->srcu);
	if (err)
		goto free_vcpus;
	err = lvx_host_get();
	if (err)
		goto free_srcu;
	err = lvx_mmu_create(vm);
	if (err)
		goto put_host;
	err = lvx_irq_create(vm);
	if (err)
		goto destroy_mmu;
	err = lvx_vmclock_create(vm);
	if (err)
		goto destroy_irq;
	lvx_introspect_vm(vm);
	return vm;

destroy_irq:
	lvx_irq_stop(vm);
	lvx_irq_destroy(vm);
destroy_mmu:
	lvx_mmu_stop(vm);
	lvx_mmu_destroy(vm);
put_host:
	lvx_host_put();
free_srcu:
	cleanup_srcu_struct(&vm->srcu);
free_vcpus:
	kvfree(vm->vcpus);
free_vm:
	uninit_vm(vm);
	kfree(vm);
	return ERR_PTR(err);
}

static void destroy_vm(struct lvx_vm *vm)
{
	u32 i;

	lvx_introspect_end(vm);
	/* Nothing from outside reaches the vCPUs any more: */
	lvx_irq_stop(vm);
	lvx_mmu_stop(vm);
	for (i = vm->nr_vcpus; i-- > 0; )
		lvx_vcpu_destroy(vm->vcpus[i]);

	lvx_msr_filter_destroy(vm);
	lvx_vmclock_destroy(vm);
	lvx_irq_destroy(vm);
	lvx_mmu_destroy(vm);
	lvx_host_put();
	cleanup_srcu_struct(&vm->srcu);
	kvfree(vm->vcpus);
	uninit_vm(vm);
	kfree(vm);
}

void lvx_vm_get(struct lvx_vm *vm)
{
	refcount_inc(&vm->users);
}

void lvx_vm_put(struct lvx_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		destroy_vm(vm);
}

int lvx_vm_usable(struct lvx_vm *vm)
{
	return vm->mm == current->mm && !READ_ONCE(vm->dead) ? 0 : -EIO;
}

/* ---------------------------------------------------------- the descriptor */

static int vm_release(struct inode *inode, struct file *file)
{
	lvx_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = lvx_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * lvx_vm_open() - KVM_CREATE_VM
 * @type: 0, the only type of VM that there is
 *
 * Return: a descriptor, or -EMFILE, -EINVAL (@type), -EBUSY (someone else owns
 * VMX), -EIO (VMX can't be switched on), -ENOMEM.
 */
int lvx_vm_open(unsigned long type)
{
	struct lvx_vm *vm;
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = type ? ERR_PTR(-EINVAL) : create_vm();
	if (IS_ERR(vm)) {
		err = PTR_ERR(vm);
		goto put_fd;
	}
	/* Named as KVM's: tracers and debuggers know these names. */
	file = anon_inode_getfile("kvm-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_vm;
	}
	fd_install(fd, file);
	return fd;

put_vm:
	lvx_vm_put(vm);
put_fd:
	put_unused_fd(fd);
	return err;
}
