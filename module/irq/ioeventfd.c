// SPDX-License-Identifier: GPL-2.0
/*
 * Writes of the guest that signal an eventfd: how drivers notify devices
 * without the vCPU's thread leaving the kernel. Each is a device on a bus; the
 * bus runs the write with interrupts off, and signalling does not sleep.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "irq/internal.h"

/**
 * struct ioeventfd - one
 * @device: on the bus
 * @link: in chip->ioeventfds
 * @eventfd: signalled
 * @bus: which
 * @addr: exact address of the write
 * @len: exact length, 0 for any
 * @any_data: whatever is written
 * @datamatch: otherwise, only this
 */
struct ioeventfd {
	struct lvx_io_device device;
	struct list_head link;
	struct eventfd_ctx *eventfd;
	enum lvx_bus_id bus;
	u64 addr;
	u32 len;
	bool any_data;
	u64 datamatch;
};

static int on_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		    unsigned int len, const void *data)
{
	struct ioeventfd *p = container_of(dev, struct ioeventfd, device);
	u64 val = 0;

	if (addr != p->addr || (p->len && len != p->len))
		return -EOPNOTSUPP;
	if (!p->any_data) {
		memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
		if (val != p->datamatch)
			return -EOPNOTSUPP;
	}
	lvx_eventfd_signal(p->eventfd);
	return 0;
}

static int on_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		   unsigned int len, void *data)
{
	return -EOPNOTSUPP;
}

static const struct lvx_io_ops ops = { .read = on_read, .write = on_write };

void lvx_ioeventfd_init(struct lvx_irqchip *chip)
{
	mutex_init(&chip->ioeventfd_mutex);
	INIT_LIST_HEAD(&chip->ioeventfds);
}

/* Would both take the same write? */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->bus != b->bus || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	if (a->len != b->len)
		return false;
	return a->any_data || b->any_data || a->datamatch == b->datamatch;
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->eventfd == b->eventfd &&
	       a->addr == b->addr && a->len == b->len &&
	       a->any_data == b->any_data &&
	       (a->any_data || a->datamatch == b->datamatch);
}

/* Takes over @new's reference to the eventfd if it succeeds. */
static int assign(struct lvx_vm *vm, const struct ioeventfd *new)
{
	struct lvx_irqchip *chip = vm->irqchip;
	struct ioeventfd *p;
	int err;

	lockdep_assert_held(&chip->ioeventfd_mutex);
	list_for_each_entry(p, &chip->ioeventfds, link)
		if (collide(p, new))
			return -EEXIST;
	p = kmemdup(new, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->device.ops = &ops;
	p->device.is_eventfd = true;
	err = lvx_bus_register(&vm->bus[p->bus], p->addr, p->len, &p->device);
	if (err) {
		kfree(p);
		return err;
	}
	list_add_tail(&p->link, &chip->ioeventfds);
	return 0;
}

/* It is on no bus any more, or nobody asks the bus. */
static void release(struct ioeventfd *p)
{
	list_del(&p->link);
	eventfd_ctx_put(p->eventfd);
	kfree(p);
}

static int deassign(struct lvx_vm *vm, const struct ioeventfd *old)
{
	struct lvx_irqchip *chip = vm->irqchip;
	struct ioeventfd *p;

	lockdep_assert_held(&chip->ioeventfd_mutex);
	list_for_each_entry(p, &chip->ioeventfds, link) {
		if (same(p, old)) {
			lvx_bus_unregister(&vm->bus[p->bus], &p->device);
			release(p);
			return 0;
		}
	}
	return -ENOENT;
}

#define KNOWN_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

static int check_args(const struct kvm_ioeventfd *args)
{
	if (args->len > 8 || hweight32(args->len) > 1)
		return -EINVAL;
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	if (args->flags & ~KNOWN_FLAGS)
		return -EINVAL;
	/* Which of the bytes would have to match? */
	if (!args->len && (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH))
		return -EINVAL;
	return 0;
}

/**
 * lvx_ioeventfd() - KVM_IOEVENTFD
 * @vm: the VM
 * @args: what to connect or disconnect
 *
 * Return: 0; -EINVAL: unknown flags, a length other than 0, 1, 2, 4 or 8, not
 * an eventfd; -EBADF; -EEXIST: another takes the same writes; -ENOENT: nothing
 * to disconnect; -ENOSPC; -ENOMEM.
 */
int lvx_ioeventfd(struct lvx_vm *vm, const struct kvm_ioeventfd *args)
{
	bool deassigns = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct ioeventfd p = {
		.bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? LVX_BUS_PIO :
							      LVX_BUS_MMIO,
		.addr = args->addr,
		.len = args->len,
		.any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.datamatch = args->datamatch,
	};
	int err;

	/* What could not have been connected is just not there. */
	err = deassigns ? 0 : check_args(args);
	if (err)
		return err;
	p.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(p.eventfd))
		return PTR_ERR(p.eventfd);

	mutex_lock(&vm->irqchip->ioeventfd_mutex);
	err = deassigns ? deassign(vm, &p) : assign(vm, &p);
	mutex_unlock(&vm->irqchip->ioeventfd_mutex);
	if (err || deassigns)
		eventfd_ctx_put(p.eventfd);
	return err;
}

/* No vCPU runs any more: the bus forgets them when it goes itself. */
void lvx_ioeventfd_stop(struct lvx_irqchip *chip)
{
	struct ioeventfd *p, *next;

	mutex_lock(&chip->ioeventfd_mutex);
	list_for_each_entry_safe(p, next, &chip->ioeventfds, link)
		release(p);
	mutex_unlock(&chip->ioeventfd_mutex);
}
