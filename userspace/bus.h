/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bus: who answers an access to a port or to guest-physical memory.
 *
 * There is one bus for both spaces, since a device doesn't care which one it
 * sits in: it sees an offset into its own range, never an address.
 */
#ifndef LVX_BUS_H
#define LVX_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum bus_space { BUS_PIO, BUS_MMIO };

/* @length is 1, 2, 4 or 8, and offset + length stays inside the range. */
struct bus_ops {
	uint64_t (*read)(void *device, uint64_t offset, unsigned int length);
	void (*write)(void *device, uint64_t offset, unsigned int length, uint64_t value);
};

struct bus_range {
	enum bus_space space;
	uint64_t base;
	uint64_t length;
	const struct bus_ops *ops;
	void *device;
};

#define BUS_MAX_RANGES 32

/*
 * @lock is held around every device operation and guards the state of all
 * devices: an access that gets here has left the kernel and is slow by
 * definition, so finer locks would buy nothing. Ranges are added while no
 * vCPU runs yet and never change after that.
 */
struct bus {
	pthread_mutex_t lock;
	unsigned int nr_ranges;
	struct bus_range ranges[BUS_MAX_RANGES];
};

void bus_init(struct bus *bus);
int bus_add(struct bus *bus, const struct bus_range *range);

/* The caller holds @bus->lock. */
void bus_read(struct bus *bus, enum bus_space space, uint64_t address,
	      void *data, unsigned int length);
void bus_write(struct bus *bus, enum bus_space space, uint64_t address,
	       const void *data, unsigned int length);

#endif
