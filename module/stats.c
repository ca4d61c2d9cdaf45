// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD: a descriptor from which programs read statistics without
 * knowing them beforehand (Documentation/virt/kvm/api.rst).
 *
 * What there is to count is how often the guest was left, by exit reason: of
 * one vCPU, or of a VM's together. Names are those of the exit table. The
 * file's whole image (header, ID, descriptors, values) is made when it is
 * opened, and each read brings the values up to date.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "top.h"
#include "vmx/vmx.h"

/* As KVM's: with the final 0. */
#define NAME_SIZE	48
#define DESC_SIZE	(sizeof(struct kvm_stats_desc) + NAME_SIZE)

struct stats {
	struct lvx_vm *vm;
	struct lvx_vcpu *vcpu;		/* NULL: all of the VM's */
	struct mutex lock;		/* values in @image */
	size_t size;
	u8 image[] __aligned(8);
};

typedef void one_reason(struct stats *stats, u32 n, u32 reason,
			const char *name);

/* Calls @one for each exit reason that there is. Returns how many. */
static u32 walk_reasons(one_reason *one, struct stats *stats)
{
	const char *name;
	u32 reason, n = 0;
	u64 count;
	int ret;

	for (reason = 0; ; reason++) {
		ret = lvx_exit_count(NULL, reason, &name, &count);
		if (ret < 0)
			return n;
		if (ret)
			continue;
		if (one)
			one(stats, n, reason, name);
		n++;
	}
}

static struct kvm_stats_header *header(struct stats *stats)
{
	return (struct kvm_stats_header *)stats->image;
}

static void describe(struct stats *stats, u32 n, u32 reason, const char *name)
{
	struct kvm_stats_desc *desc = (void *)stats->image +
				      header(stats)->desc_offset + n * DESC_SIZE;

	desc->flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE |
		      KVM_STATS_BASE_POW10;
	desc->size = 1;
	desc->offset = n * sizeof(u64);
	snprintf(desc->name, NAME_SIZE, "exits: %s", name);
}

static void count(struct stats *stats, u32 n, u32 reason, const char *name)
{
	u64 *value = (void *)stats->image + header(stats)->data_offset;
	struct lvx_vcpu *vcpu;
	u64 part, sum = 0;
	u32 i;

	lvx_for_each_vcpu(stats->vm, i, vcpu) {
		if (stats->vcpu && vcpu != stats->vcpu)
			continue;
		lvx_exit_count(vcpu, reason, &name, &part);
		sum += part;
	}
	value[n] = sum;
}

static ssize_t stats_read(struct file *file, char __user *buf, size_t len,
			  loff_t *pos)
{
	struct stats *stats = file->private_data;
	ssize_t ret;

	mutex_lock(&stats->lock);
	walk_reasons(count, stats);
	ret = simple_read_from_buffer(buf, len, pos, stats->image, stats->size);
	mutex_unlock(&stats->lock);
	return ret;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats *stats = file->private_data;

	lvx_vm_put(stats->vm);
	kvfree(stats);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.release = stats_release,
	.llseek = noop_llseek,
};

static struct stats *create(struct lvx_vm *vm, struct lvx_vcpu *vcpu)
{
	u32 nr = walk_reasons(NULL, NULL);
	struct kvm_stats_header *head;
	struct stats *stats;
	size_t size;
	char *id;

	size = sizeof(*head) + NAME_SIZE + nr * (DESC_SIZE + sizeof(u64));
	stats = kvzalloc(struct_size(stats, image, size), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	mutex_init(&stats->lock);
	stats->vm = vm;
	stats->vcpu = vcpu;
	stats->size = size;
	head = header(stats);
	head->name_size = NAME_SIZE;
	head->num_desc = nr;
	head->id_offset = sizeof(*head);
	head->desc_offset = head->id_offset + NAME_SIZE;
	head->data_offset = head->desc_offset + nr * DESC_SIZE;
	id = (char *)stats->image + head->id_offset;
	if (vcpu)
		snprintf(id, NAME_SIZE, "kvm-%d/vcpu-%u", vm->pid, vcpu->id);
	else
		snprintf(id, NAME_SIZE, "kvm-%d", vm->pid);
	walk_reasons(describe, stats);
	return stats;
}

/**
 * lvx_stats_open() - KVM_GET_STATS_FD
 * @vm: whose statistics
 * @vcpu: of this vCPU alone, or NULL
 *
 * Return: a descriptor, which keeps the VM; or -EMFILE, -ENOMEM.
 */
int lvx_stats_open(struct lvx_vm *vm, struct lvx_vcpu *vcpu)
{
	struct stats *stats = create(vm, vcpu);
	struct file *file;
	int fd;

	if (!stats)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto free_stats;
	file = anon_inode_getfile(vcpu ? "kvm-vcpu-stats" : "kvm-vm-stats",
				  &stats_fops, stats, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free_stats;
	}
	/* Readers fetch single values by their offsets. */
	file->f_mode |= FMODE_PREAD;
	lvx_vm_get(vm);
	fd_install(fd, file);
	return fd;

free_stats:
	kvfree(stats);
	return fd;
}
