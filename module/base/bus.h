/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Port and MMIO ranges that the kernel serves itself, and who serves them.
 *
 * A bus is a sorted array under RCU: a lookup is a binary search, cheap enough
 * for an exit served with interrupts off. It follows that a device's operations
 * run under rcu_read_lock() and must not sleep.
 */
#ifndef LVX_BASE_BUS_H
#define LVX_BASE_BUS_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct lvx_vcpu;
struct lvx_io_device;

enum lvx_bus_id { LVX_BUS_PIO, LVX_BUS_MMIO, LVX_NR_BUSES };

/**
 * struct lvx_io_ops - what a device does
 * @read: fill @data with @len (1, 2, 4 or 8) bytes from @addr
 * @write: take them
 *
 * @addr is the absolute port or guest-physical address. Both return 0, or
 * -EOPNOTSUPP: "not mine", and the bus asks the next device of the range, then
 * user space is asked. They run under rcu_read_lock(), perhaps with interrupts
 * off, and may not sleep. @vcpu is the accessing vCPU, its own thread.
 */
struct lvx_io_ops {
	int (*read)(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
		    u64 addr, unsigned int len, void *data);
	int (*write)(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
		     u64 addr, unsigned int len, const void *data);
};

/*
 * Embed it in the device. is_eventfd: one of the many small ones, for which
 * there is more place. gone: see lvx_bus_sweep().
 */
struct lvx_io_device {
	const struct lvx_io_ops *ops;
	bool is_eventfd;
	bool gone;
};

/* addr and len are lvx_bus_register()'s; the rest is the bus's own. */
struct lvx_bus_range {
	u64 addr;
	u64 len;
	u64 reach;			/* last address of this and all before */
	struct lvx_io_device *dev;	/* NULL: unregistered since */
};

struct lvx_bus_table {
	struct rcu_head rcu;
	u32 nr;
	struct lvx_bus_range ranges[];	/* by addr, then by registration */
};

struct lvx_bus {
	struct mutex lock;		/* writers */
	struct lvx_bus_table __rcu *table;	/* NULL: empty */
};

void lvx_bus_init(struct lvx_bus *bus);
void lvx_bus_destroy(struct lvx_bus *bus);
int lvx_bus_register(struct lvx_bus *bus, u64 addr, u64 len,
		     struct lvx_io_device *dev);
void lvx_bus_sweep(struct lvx_bus *bus);
void lvx_bus_unregister(struct lvx_bus *bus, struct lvx_io_device *dev);
int lvx_bus_read(struct lvx_vcpu *vcpu, enum lvx_bus_id id, u64 addr,
		 unsigned int len, void *data);
int lvx_bus_write(struct lvx_vcpu *vcpu, enum lvx_bus_id id, u64 addr,
		  unsigned int len, const void *data);

#endif
