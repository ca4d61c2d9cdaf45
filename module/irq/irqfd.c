// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds that interrupt the guest: a device in user space or in another
 * kernel driver (vhost, vfio) writes to an eventfd, and the interrupt goes out
 * right in the writer's context. All ways of interrupts here are atomic, so
 * that no work item is needed for any of them.
 *
 * For level-triggered interrupts there is a second eventfd, "resample": the
 * line goes up with the first; when the guest has served the interrupt, the
 * line goes down and the second is signalled, and whoever still wants
 * service signals the first again. All such eventfds of a GSI share one source.
 *
 * An eventfd that its owner closes is marked so in the wake-up that tells of it.
 * It can't be freed there, nor can its line be taken down if it was the last one
 * that held it: that is left to work. The lists belong to the ioctls and to that
 * work: however long they are, no one walks them with interrupts off.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "base/compat.h"
#include "irq/internal.h"

/* Who may share a line: far more than a machine has devices on one. */
#define MAX_SHARE	128

/**
 * struct irqfd - one eventfd
 * @chip: the VM's
 * @gsi: what it interrupts
 * @closed: by its owner; nothing will come of it any more
 * @eventfd: whose signals are interrupts
 * @resamplefd: to signal when the interrupt was served, or NULL
 * @link: in chip->irqfds
 * @resample_link: in chip->resamplers, with @resamplefd
 * @wait: in @eventfd's wait queue
 * @poll: how it got there
 */
struct irqfd {
	struct lvx_irqchip *chip;
	u32 gsi;
	bool closed;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resamplefd;
	struct list_head link;
	struct hlist_node resample_link;
	wait_queue_entry_t wait;
	poll_table poll;
};

static void reap(struct work_struct *work);

void lvx_irqfd_init(struct lvx_irqchip *chip)
{
	INIT_WORK(&chip->reap_work, reap);
	mutex_init(&chip->irqfd_mutex);
	INIT_LIST_HEAD(&chip->irqfds);
}

static void inject(struct irqfd *irqfd)
{
	struct lvx_irqchip *chip = irqfd->chip;

	if (irqfd->resamplefd) {
		lvx_irq_set(chip, irqfd->gsi, LVX_SOURCE_RESAMPLE, true);
		return;
	}
	lvx_irq_set(chip, irqfd->gsi, LVX_SOURCE_USER, true);
	lvx_irq_set(chip, irqfd->gsi, LVX_SOURCE_USER, false);
}

/*
 * The owner closed it. Under the wait queue's lock, as the unlinking from it
 * is, there and in eventfd_ctx_remove_wait_queue().
 */
static void closed(struct irqfd *irqfd)
{
	list_del_init(&irqfd->wait.entry);
	WRITE_ONCE(irqfd->closed, true);
	/* After the mark: whoever takes this looks for that. */
	smp_store_release(&irqfd->chip->any_closed, true);
	queue_work(system_wq, &irqfd->chip->reap_work);
}

/* Someone signalled or closed the eventfd. Wait queue's lock, interrupts off. */
static int wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		inject(irqfd);
	}
	if (events & EPOLLHUP)
		closed(irqfd);
	return !!(events & EPOLLIN);
}

static void enqueue(struct file *file, wait_queue_head_t *head, poll_table *pt)
{
	struct irqfd *irqfd = container_of(pt, struct irqfd, poll);

	add_wait_queue_priority(head, &irqfd->wait);
}

/* -------------------------------------------------------------- resampling */

/*
 * Resampling eventfds are found by GSI. GSIs that no pin can have are not among
 * them, since no one acknowledges those.
 */
static struct hlist_head *resamplers_of(struct lvx_irqchip *chip, u32 gsi)
{
	return &chip->resamplers[gsi % LVX_RESAMPLER_LISTS];
}

/**
 * lvx_irqfd_acked() - the guest served the interrupt of a GSI
 * @chip: the VM's
 * @gsi: which
 *
 * The line goes down once, then all who share it are asked: the other way
 * round, one's answer could be undone by the next one's lowering. Interrupts
 * may be off: hence MAX_SHARE.
 */
void lvx_irqfd_acked(struct lvx_irqchip *chip, u32 gsi)
{
	struct irqfd *irqfd;
	bool lowered = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(irqfd, resamplers_of(chip, gsi),
				 resample_link) {
		if (irqfd->gsi != gsi)
			continue;
		if (!lowered)
			lvx_irq_set(chip, gsi, LVX_SOURCE_RESAMPLE, false);
		lowered = true;
		lvx_eventfd_signal(irqfd->resamplefd);
	}
	rcu_read_unlock();
}

static unsigned int nr_resamplers(struct lvx_irqchip *chip, u32 gsi)
{
	struct irqfd *irqfd;
	unsigned int n = 0;

	lockdep_assert_held(&chip->irqfd_mutex);
	hlist_for_each_entry(irqfd, resamplers_of(chip, gsi), resample_link)
		n += irqfd->gsi == gsi;
	return n;
}

/* All pins are looked through only if it makes a difference. */
static void update_ack(struct lvx_irqchip *chip, u32 gsi)
{
	bool awaited = nr_resamplers(chip, gsi) ||
		       (!gsi && lvx_pit_awaits_ack(chip));

	if (gsi >= LVX_MAX_GSI || awaited == test_bit(gsi, chip->ack_gsis))
		return;
	assign_bit(gsi, chip->ack_gsis, awaited);
	lvx_irq_update_eoi(chip);
}

/**
 * lvx_irqfd_update_ack() - someone began or ceased to await acknowledgments
 * @chip: the VM's
 * @gsi: of which GSI
 */
void lvx_irqfd_update_ack(struct lvx_irqchip *chip, u32 gsi)
{
	mutex_lock(&chip->irqfd_mutex);
	update_ack(chip, gsi);
	mutex_unlock(&chip->irqfd_mutex);
}

/* -------------------------------------------------------------------- life */

/* No one calls it any more: neither its wait queue nor a list has it. */
static void free_irqfd(struct irqfd *irqfd)
{
	if (irqfd->resamplefd)
		eventfd_ctx_put(irqfd->resamplefd);
	if (irqfd->eventfd)
		eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

/* The last who held a GSI's line lets go of it. */
static void release_line(struct lvx_irqchip *chip, u32 gsi)
{
	if (!nr_resamplers(chip, gsi))
		lvx_irq_set(chip, gsi, LVX_SOURCE_RESAMPLE, false);
	update_ack(chip, gsi);
}

/* Free what was taken from chip->irqfds, with one wait for all of it. */
static void free_irqfds(struct lvx_irqchip *chip, struct list_head *doomed)
{
	struct irqfd *irqfd, *next;
	bool wait = false;
	u64 count;

	lockdep_assert_held(&chip->irqfd_mutex);
	list_for_each_entry(irqfd, doomed, link) {
		/*
		 * Waits for a wake-up that is running; also for the one that
		 * told of the closing, which took it off the queue.
		 */
		eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait,
					      &count);
		if (hlist_unhashed(&irqfd->resample_link))
			continue;
		hlist_del_rcu(&irqfd->resample_link);
		wait = true;
	}
	if (wait)
		synchronize_rcu_expedited();
	list_for_each_entry_safe(irqfd, next, doomed, link) {
		if (irqfd->resamplefd)
			release_line(chip, irqfd->gsi);
		free_irqfd(irqfd);
	}
}

/* Free those that match: all of a stopping VM, or one eventfd and GSI. */
static void detach(struct lvx_irqchip *chip, struct eventfd_ctx *eventfd,
		   u32 gsi)
{
	struct irqfd *irqfd, *next;
	LIST_HEAD(doomed);

	lockdep_assert_held(&chip->irqfd_mutex);
	list_for_each_entry_safe(irqfd, next, &chip->irqfds, link)
		if (!eventfd ||
		    (irqfd->eventfd == eventfd && irqfd->gsi == gsi))
			list_move(&irqfd->link, &doomed);
	free_irqfds(chip, &doomed);
}

/* Free those whose owners closed them. */
static void reap_closed(struct lvx_irqchip *chip)
{
	struct irqfd *irqfd, *next;
	LIST_HEAD(doomed);

	lockdep_assert_held(&chip->irqfd_mutex);
	/* Fully ordered; pairs with the release in closed(). */
	if (!xchg(&chip->any_closed, false))
		return;
	list_for_each_entry_safe(irqfd, next, &chip->irqfds, link)
		if (READ_ONCE(irqfd->closed))
			list_move(&irqfd->link, &doomed);
	free_irqfds(chip, &doomed);
}

static void reap(struct work_struct *work)
{
	struct lvx_irqchip *chip =
		container_of(work, struct lvx_irqchip, reap_work);

	mutex_lock(&chip->irqfd_mutex);
	reap_closed(chip);
	mutex_unlock(&chip->irqfd_mutex);
}

/* Add it to the list, unless its eventfd is there already. */
static int add(struct lvx_irqchip *chip, struct irqfd *irqfd)
{
	struct irqfd *other;

	lockdep_assert_held(&chip->irqfd_mutex);
	list_for_each_entry(other, &chip->irqfds, link)
		if (other->eventfd == irqfd->eventfd)
			return -EBUSY;
	if (irqfd->resamplefd && irqfd->gsi < LVX_MAX_GSI) {
		if (nr_resamplers(chip, irqfd->gsi) >= MAX_SHARE)
			return -ENOSPC;
		hlist_add_head_rcu(&irqfd->resample_link,
				   resamplers_of(chip, irqfd->gsi));
	}
	list_add_tail(&irqfd->link, &chip->irqfds);
	return 0;
}

static int get_eventfds(struct irqfd *irqfd, struct file *file,
			const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	irqfd->eventfd = ctx;
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	ctx = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	irqfd->resamplefd = ctx;
	return 0;
}

static int assign(struct lvx_irqchip *chip, struct file *file,
		  const struct kvm_irqfd *args)
{
	struct irqfd *irqfd;
	int err;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->chip = chip;
	irqfd->gsi = args->gsi;
	init_waitqueue_func_entry(&irqfd->wait, wake);
	init_poll_funcptr(&irqfd->poll, enqueue);

	err = get_eventfds(irqfd, file, args);
	if (!err)
		err = add(chip, irqfd);
	if (err) {
		free_irqfd(irqfd);
		return err;
	}
	if (irqfd->resamplefd)
		update_ack(chip, irqfd->gsi);
	/* What was signalled before counts, too. */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		inject(irqfd);
	return 0;
}

static int lvx_irqfd_assign(struct lvx_irqchip *chip,
			    const struct kvm_irqfd *args)
{
	struct file *file;
	int err;

	if (lvx_irqchip_is(chip, LVX_IRQCHIP_NONE))
		return -EINVAL;
	/* Without an IOAPIC of ours we don't know when a pin is served. */
	if ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) &&
	    !lvx_irqchip_is(chip, LVX_IRQCHIP_FULL))
		return -EINVAL;
	/* Held to the end: the wake-up of its closing must find all in place. */
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	mutex_lock(&chip->irqfd_mutex);
	reap_closed(chip);
	err = assign(chip, file, args);
	mutex_unlock(&chip->irqfd_mutex);
	fput(file);
	return err;
}

/**
 * lvx_irqfd() - KVM_IRQFD
 * @vm: the VM
 * @args: what to connect or disconnect
 *
 * After a disconnection the eventfd interrupts no more.
 *
 * Return: 0; -EINVAL: no irqchip, unknown flags, resampling without IOAPIC, not
 * an eventfd; -EBADF; -EBUSY: the eventfd is in use; -ENOSPC: too many share the
 * line; -ENOMEM.
 */
int lvx_irqfd(struct lvx_vm *vm, const struct kvm_irqfd *args)
{
	struct lvx_irqchip *chip = vm->irqchip;
	struct eventfd_ctx *eventfd;

	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (!(args->flags & KVM_IRQFD_FLAG_DEASSIGN))
		return lvx_irqfd_assign(chip, args);

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&chip->irqfd_mutex);
	reap_closed(chip);
	detach(chip, eventfd, args->gsi);
	mutex_unlock(&chip->irqfd_mutex);
	eventfd_ctx_put(eventfd);
	return 0;
}

void lvx_irqfd_stop(struct lvx_irqchip *chip)
{
	mutex_lock(&chip->irqfd_mutex);
	detach(chip, NULL, 0);
	mutex_unlock(&chip->irqfd_mutex);
	/* None is active that could be closed now and queue it again. */
	cancel_work_sync(&chip->reap_work);
	mutex_lock(&chip->irqfd_mutex);
	reap_closed(chip);
	mutex_unlock(&chip->irqfd_mutex);
}
