// SPDX-License-Identifier: GPL-2.0
/*
 * The bus: a short array of ranges, searched from its start. A dozen ranges
 * and some thousand accesses in a guest's life do not deserve a tree.
 *
 * What nobody answers reads as all ones and swallows writes, as on a PC; a
 * guest probes for absent devices that way.
 */
#include <string.h>

#include "bus.h"
#include "util.h"

void bus_init(struct bus *bus)
{
	bus->nr_ranges = 0;
	pthread_mutex_init(&bus->lock, NULL);
}

/* Fails, with a message, on a range that overlaps another one. */
int bus_add(struct bus *bus, const struct bus_range *range)
{
	unsigned int i;

	if (bus->nr_ranges == BUS_MAX_RANGES)
		return fail("too many devices; raise BUS_MAX_RANGES");
	for (i = 0; i < bus->nr_ranges; i++) {
		const struct bus_range *other = &bus->ranges[i];

		if (other->space == range->space &&
		    other->base < range->base + range->length &&
		    range->base < other->base + other->length)
			return fail("two devices claim address 0x%llx",
				    (unsigned long long)range->base);
	}
	bus->ranges[bus->nr_ranges++] = *range;
	return 0;
}

/* An access belongs to the range that holds the whole of it. */
static struct bus_range *find(struct bus *bus, enum bus_space space,
			      uint64_t address, unsigned int length)
{
	unsigned int i;

	for (i = 0; i < bus->nr_ranges; i++) {
		struct bus_range *range = &bus->ranges[i];

		if (range->space == space && address >= range->base &&
		    address - range->base < range->length &&
		    length <= range->length - (address - range->base))
			return range;
	}
	return NULL;
}

void bus_read(struct bus *bus, enum bus_space space, uint64_t address,
	      void *data, unsigned int length)
{
	struct bus_range *range = find(bus, space, address, length);
	uint64_t value = UINT64_MAX;

	if (range && range->ops->read)
		value = range->ops->read(range->device, address - range->base, length);
	memcpy(data, &value, length);
}

void bus_write(struct bus *bus, enum bus_space space, uint64_t address,
	       const void *data, unsigned int length)
{
	struct bus_range *range = find(bus, space, address, length);
	uint64_t value = 0;

	memcpy(&value, data, length);
	if (range && range->ops->write)
		range->ops->write(range->device, address - range->base, length, value);
}
