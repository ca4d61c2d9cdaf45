// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's life, its descriptor and the three pages that it shares with user
 * space. What the descriptor's ioctls do is in vcpu_ioctl.c.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "emul/emul.h"
#include "irq/irq.h"
#include "top.h"
#include "vmx/vmx.h"

static void *alloc_shared_page(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

static void free_shared_page(void *page)
{
	/* A mapping that is still there keeps it. */
	free_page((unsigned long)page);
}

static int alloc_shared_pages(struct lvx_vcpu *vcpu)
{
	vcpu->run = alloc_shared_page();
	vcpu->pio_data = alloc_shared_page();
	return vcpu->run && vcpu->pio_data ? 0 : -ENOMEM;
}

static void free_shared_pages(struct lvx_vcpu *vcpu)
{
	free_shared_page(vcpu->pio_data);
	free_shared_page(vcpu->run);
}

static void init_vcpu(struct lvx_vcpu *vcpu, struct lvx_vm *vm, u32 id)
{
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->idx = vm->nr_vcpus;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	/* Application processors wait for the boot processor's INIT and SIPI. */
	if (lvx_irqchip_in_kernel(vm) && id != vm->bsp_id)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
	else
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

static struct lvx_vcpu *create_vcpu(struct lvx_vm *vm, u32 id)
{
	struct lvx_vcpu *vcpu;
	int err;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	init_vcpu(vcpu, vm, id);
	err = alloc_shared_pages(vcpu);
	if (err)
		goto free_pages;
	err = lvx_cpuid_set(vcpu, NULL, 0);
	if (err)
		goto free_pages;
	err = lvx_emul_create(vcpu);
	if (err)
		goto destroy_cpuid;
	if (lvx_irqchip_in_kernel(vm)) {
		err = lvx_lapic_create(vcpu);
		if (err)
			goto destroy_emul;
	}
	err = lvx_pvclock_create(vcpu);
	if (err)
		goto destroy_lapic;
	err = lvx_vmx_create(vcpu);
	if (err)
		goto destroy_pvclock;
	return vcpu;

destroy_pvclock:
	lvx_pvclock_destroy(vcpu);
destroy_lapic:
	if (vcpu->lapic)
		lvx_lapic_destroy(vcpu);
destroy_emul:
	lvx_emul_destroy(vcpu);
destroy_cpuid:
	lvx_cpuid_destroy(vcpu);
free_pages:
	free_shared_pages(vcpu);
	kfree(vcpu);
	return ERR_PTR(err);
}

void lvx_vcpu_destroy(struct lvx_vcpu *vcpu)
{
	lvx_vmx_destroy(vcpu);
	lvx_pvclock_destroy(vcpu);
	if (vcpu->lapic)
		lvx_lapic_destroy(vcpu);
	lvx_emul_destroy(vcpu);
	lvx_cpuid_destroy(vcpu);
	free_shared_pages(vcpu);
	kfree(vcpu);
}

/* ---------------------------------------------------------- the descriptor */

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct lvx_vcpu *vcpu = vmf->vma->vm_file->private_data;
	void *const pages[] = { vcpu->run, vcpu->pio_data, vcpu->vm->ring };

	if (vmf->pgoff >= ARRAY_SIZE(pages))
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(pages[vmf->pgoff]);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct lvx_vcpu *vcpu = file->private_data;

	lvx_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = lvx_vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static struct file *open_file(struct lvx_vcpu *vcpu)
{
	char name[sizeof("kvm-vcpu:4294967295")];
	struct file *file;

	snprintf(name, sizeof(name), "kvm-vcpu:%u", vcpu->id);
	lvx_vm_get(vcpu->vm);
	file = anon_inode_getfile(name, &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file))
		lvx_vm_put(vcpu->vm);
	return file;
}

/* From here on other threads find it. */
static void publish(struct lvx_vcpu *vcpu)
{
	struct lvx_vm *vm = vcpu->vm;

	vm->vcpus[vcpu->idx] = vcpu;
	/* Pairs with the acquire in lvx_for_each_vcpu(). */
	smp_store_release(&vm->nr_vcpus, vcpu->idx + 1);
	lvx_pvclock_tsc_changed(vcpu);
}

static int open_vcpu(struct lvx_vm *vm, u32 id)
{
	struct lvx_vcpu *vcpu;
	struct file *file;
	int fd, err;

	if (lvx_vcpu_by_id(vm, id))
		return -EEXIST;
	vcpu = create_vcpu(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto destroy_vcpu;
	}
	file = open_file(vcpu);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	publish(vcpu);
	lvx_introspect_vcpu(vcpu);
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
destroy_vcpu:
	lvx_vcpu_destroy(vcpu);
	return err;
}

/**
 * lvx_vcpu_open() - KVM_CREATE_VCPU
 * @vm: whose
 * @id: below the VM's limit of IDs; becomes the APIC ID
 *
 * Return: a descriptor, or -EINVAL (@id out of range, too many vCPUs),
 * -EEXIST, -EMFILE, -ENOMEM.
 */
int lvx_vcpu_open(struct lvx_vm *vm, unsigned long id)
{
	int fd = -EINVAL;

	mutex_lock(&vm->lock);
	if (id >= (vm->max_vcpu_id ?: LVX_MAX_VCPU_ID) ||
	    vm->nr_created >= LVX_MAX_VCPUS)
		goto unlock;

	vm->nr_created++;
	fd = open_vcpu(vm, id);
	if (fd < 0)
		vm->nr_created--;
	else if (!vm->max_vcpu_id)
		vm->max_vcpu_id = LVX_MAX_VCPU_ID;
unlock:
	mutex_unlock(&vm->lock);
	return fd;
}
