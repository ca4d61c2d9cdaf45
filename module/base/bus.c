// SPDX-License-Identifier: GPL-2.0
/*
 * The port and MMIO buses: who serves an address inside the kernel.
 *
 * Every port and MMIO exit asks, most of them in vain, and some of them with
 * interrupts off; devices come and go rarely. So the ranges are an array that
 * readers search under RCU, and a writer replaces as a whole.
 *
 * Ranges may overlap (ioeventfds inside a coalesced zone, several of them at
 * one address). Binary search in overlapping ranges needs a key that never
 * decreases along the array: "reach", the last address that this range or any
 * before it covers. The first range whose reach touches the address is where
 * candidates begin, and the first range that starts behind it is where they
 * end.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "base/bus.h"
#include "base/vm.h"

/*
 * More would let one VM make every exit of its own needlessly slow: an access
 * asks one range after the other where they overlap, perhaps with interrupts
 * off. Devices and coalesced zones are limited as KVM's are. Eventfds may be more,
 * since a device has one for each of its queues.
 */
#define BUS_MAX_DEVICES	1000
#define BUS_MAX_RANGES	16384

/**
 * lvx_bus_init() - make an empty bus
 * @bus: memory of the caller
 */
void lvx_bus_init(struct lvx_bus *bus)
{
	mutex_init(&bus->lock);
	RCU_INIT_POINTER(bus->table, NULL);
}

/**
 * lvx_bus_destroy() - free a bus's memory
 * @bus: no one uses it any more; devices still registered are forgotten
 */
void lvx_bus_destroy(struct lvx_bus *bus)
{
	kvfree(rcu_dereference_protected(bus->table, true));
	RCU_INIT_POINTER(bus->table, NULL);
	mutex_destroy(&bus->lock);
}

static struct lvx_bus_table *bus_table(struct lvx_bus *bus)
{
	return rcu_dereference_protected(bus->table,
					 lockdep_is_held(&bus->lock));
}

static u64 range_last(const struct lvx_bus_range *range)
{
	return range->addr + max_t(u64, range->len, 1) - 1;
}

/*
 * Copy the live ranges of @old with @range put in its place: behind all that
 * start at or before its address, so that older registrations are asked first.
 */
static void table_insert(struct lvx_bus_table *new,
			 const struct lvx_bus_table *old,
			 const struct lvx_bus_range *range)
{
	u32 i, nr = old ? old->nr : 0;
	u64 reach = 0;

	new->nr = 0;
	for (i = 0; i < nr && old->ranges[i].addr <= range->addr; i++)
		if (old->ranges[i].dev)
			new->ranges[new->nr++] = old->ranges[i];
	new->ranges[new->nr++] = *range;
	for (; i < nr; i++)
		if (old->ranges[i].dev)
			new->ranges[new->nr++] = old->ranges[i];

	for (i = 0; i < new->nr; i++) {
		reach = max(reach, range_last(&new->ranges[i]));
		new->ranges[i].reach = reach;
	}
}

/* Is there place for one range more? *@nr: how many there are. */
static bool has_place(const struct lvx_bus_table *table, u32 *nr)
{
	const struct lvx_io_device *other;
	u32 i, devices = 0;

	*nr = 0;
	for (i = 0; table && i < table->nr; i++) {
		other = table->ranges[i].dev;
		*nr += !!other;
		devices += other && !other->is_eventfd;
	}
	return *nr < BUS_MAX_RANGES && devices < BUS_MAX_DEVICES;
}

/**
 * lvx_bus_register() - let a device serve a range
 * @bus: one of the VM's
 * @addr: first address
 * @len: bytes; the device sees accesses that lie wholly inside. 0: accesses of
 *	any length that start at @addr
 * @dev: what serves them; may have several ranges
 *
 * May sleep. Return: 0, -EINVAL if the range wraps, -ENOSPC, -ENOMEM.
 */
int lvx_bus_register(struct lvx_bus *bus, u64 addr, u64 len,
		     struct lvx_io_device *dev)
{
	struct lvx_bus_range range = { .addr = addr, .len = len, .dev = dev };
	struct lvx_bus_table *old, *new;
	int ret = 0;
	u32 nr;

	if (range_last(&range) < addr)
		return -EINVAL;

	mutex_lock(&bus->lock);
	old = bus_table(bus);
	if (!has_place(old, &nr)) {
		ret = -ENOSPC;
		goto unlock;
	}
	new = kvmalloc(struct_size(new, ranges, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new) {
		ret = -ENOMEM;
		goto unlock;
	}
	dev->gone = false;
	table_insert(new, old, &range);
	rcu_assign_pointer(bus->table, new);
	if (old)
		kvfree_rcu(old, rcu);
unlock:
	mutex_unlock(&bus->lock);
	return ret;
}

/**
 * lvx_bus_sweep() - take all ranges away of devices that are marked as gone
 * @bus: where they are registered; if none is, nothing happens
 *
 * No one runs their operations any more when this returns. Each wait for that
 * interrupts all CPUs of the host: mark all that goes, then sweep once. Not
 * needed at a VM's end: without vCPUs nobody asks a bus.
 *
 * A sweep takes whatever is marked, also by others. It keeps the lock while it
 * waits, so that another caller, who finds its own device taken already, does not
 * return, and free that device, before the wait is over.
 *
 * Cannot fail, hence does not allocate: ranges are marked dead, and the next
 * registration leaves them out. May sleep.
 */
void lvx_bus_sweep(struct lvx_bus *bus)
{
	struct lvx_bus_table *table;
	struct lvx_io_device *dev;
	bool found = false;
	u32 i;

	mutex_lock(&bus->lock);
	table = bus_table(bus);
	for (i = 0; table && i < table->nr; i++) {
		dev = table->ranges[i].dev;
		if (!dev || !READ_ONCE(dev->gone))
			continue;
		WRITE_ONCE(table->ranges[i].dev, NULL);
		found = true;
	}
	/* VMMs do this by the dozen in one go, and wait for each. */
	if (found)
		synchronize_rcu_expedited();
	mutex_unlock(&bus->lock);
}

/**
 * lvx_bus_unregister() - take all of a device's ranges away
 * @bus: where it is registered; if it isn't, nothing happens
 * @dev: no one runs its operations any more when this returns
 *
 * May sleep.
 */
void lvx_bus_unregister(struct lvx_bus *bus, struct lvx_io_device *dev)
{
	WRITE_ONCE(dev->gone, true);
	lvx_bus_sweep(bus);
}

/* The first range that an access at @addr might lie in; table->nr: none. */
static u32 first_candidate(const struct lvx_bus_table *table, u64 addr)
{
	u32 low = 0, high = table->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (table->ranges[mid].reach < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The next device, from index *i on, that serves the access; *i moves behind
 * it. NULL: none.
 */
static struct lvx_io_device *next_device(const struct lvx_bus_table *table,
					 u32 *i, u64 addr, unsigned int len)
{
	const struct lvx_bus_range *range;
	struct lvx_io_device *dev;

	while (*i < table->nr) {
		/* The guest chose the address that led to this index. */
		range = &table->ranges[array_index_nospec(*i, table->nr)];
		if (range->addr > addr)
			break;
		(*i)++;
		if (range->len ? addr + len - 1 > range_last(range)
			       : addr != range->addr)
			continue;
		/* Pairs with lvx_bus_unregister(). */
		dev = READ_ONCE(range->dev);
		if (dev)
			return dev;
	}
	return NULL;
}

/* The vCPU's own device goes before the others, and no other vCPU sees it. */
static struct lvx_io_device *own_device(struct lvx_vcpu *vcpu,
					enum lvx_bus_id id, u64 addr)
{
	if (likely(!vcpu->own_device) || id != LVX_BUS_MMIO ||
	    (addr & PAGE_MASK) != vcpu->own_page)
		return NULL;
	return vcpu->own_device;
}

/**
 * lvx_bus_read() - read from a device in the kernel
 * @vcpu: the accessing vCPU, its own thread
 * @id: which bus
 * @addr: port or guest-physical address
 * @len: 1, 2, 4 or 8 bytes
 * @data: receives them
 *
 * Does not sleep; interrupts may be off. Return: 0, or -EOPNOTSUPP if no
 * device serves this: user space has to.
 */
int lvx_bus_read(struct lvx_vcpu *vcpu, enum lvx_bus_id id, u64 addr,
		 unsigned int len, void *data)
{
	const struct lvx_bus_table *table;
	struct lvx_io_device *dev = own_device(vcpu, id, addr);
	int ret = -EOPNOTSUPP;
	u32 i;

	rcu_read_lock();
	if (unlikely(dev))
		ret = dev->ops->read(vcpu, dev, addr, len, data);
	table = rcu_dereference(vcpu->vm->bus[id].table);
	i = table ? first_candidate(table, addr) : 0;
	while (ret && table && (dev = next_device(table, &i, addr, len)))
		ret = dev->ops->read(vcpu, dev, addr, len, data);
	rcu_read_unlock();
	return ret;
}

/**
 * lvx_bus_write() - write to a device in the kernel
 * @vcpu: the accessing vCPU, its own thread
 * @id: which bus
 * @addr: port or guest-physical address
 * @len: 1, 2, 4 or 8 bytes
 * @data: what is written
 *
 * Does not sleep; interrupts may be off. Return: 0, or -EOPNOTSUPP if no
 * device serves this: user space has to.
 */
int lvx_bus_write(struct lvx_vcpu *vcpu, enum lvx_bus_id id, u64 addr,
		  unsigned int len, const void *data)
{
	const struct lvx_bus_table *table;
	struct lvx_io_device *dev = own_device(vcpu, id, addr);
	int ret = -EOPNOTSUPP;
	u32 i;

	rcu_read_lock();
	if (unlikely(dev))
		ret = dev->ops->write(vcpu, dev, addr, len, data);
	table = rcu_dereference(vcpu->vm->bus[id].table);
	i = table ? first_candidate(table, addr) : 0;
	while (ret && table && (dev = next_device(table, &i, addr, len)))
		ret = dev->ops->write(vcpu, dev, addr, len, data);
	rcu_read_unlock();
	return ret;
}
