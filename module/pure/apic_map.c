// SPDX-License-Identifier: GPL-2.0
/*
 * The map of LAPIC addresses. lvx_apic_match() is the definition of who takes
 * a message; tables only narrow down whom it has to be asked for, so that they
 * can be wrong in speed but not in the answer.
 */
#include "pure/apic_map.h"

static bool is_broadcast(const struct lvx_apic_msg *msg)
{
	return msg->dest == (msg->x2apic ? LVX_X2APIC_BROADCAST :
					   LVX_XAPIC_BROADCAST);
}

/**
 * lvx_apic_addr_of() - what a LAPIC can be addressed by now
 * @apic: the LAPIC
 * @addr: filled in
 */
void lvx_apic_addr_of(const struct lvx_apic *apic, struct lvx_apic_addr *addr)
{
	*addr = (struct lvx_apic_addr){
		.id = apic->id,
		.ldr = lvx_apic_get(apic, LVX_APIC_LDR),
		.mode = lvx_apic_x2(apic) ? LVX_ADDR_X2APIC :
			lvx_apic_enabled(apic) ? LVX_ADDR_XAPIC : LVX_ADDR_OFF,
		.xapic_id = lvx_apic_get(apic, LVX_APIC_ID) >> 24,
		.flat = lvx_apic_get(apic, LVX_APIC_DFR) >> 28 == 0xf,
		.takes_lowest = lvx_apic_sw_enabled(apic),
	};
	if (addr->mode != LVX_ADDR_X2APIC)
		addr->ldr >>= 24;
}

/*
 * An ID that does not fit into xAPIC's 8 bits addresses its LAPIC already in
 * xAPIC mode: that is how processors above 255 are started. Their wrapped xAPIC
 * ID is nobody's, or they would shadow processors below.
 */
static bool match_physical(const struct lvx_apic_addr *addr, u32 dest)
{
	if (addr->mode == LVX_ADDR_X2APIC || addr->id > 0xff)
		return dest == addr->id;
	return dest == addr->xapic_id;
}

static bool match_logical(const struct lvx_apic_addr *addr, u32 dest)
{
	if (addr->mode == LVX_ADDR_X2APIC)
		return addr->ldr >> 16 == dest >> 16 &&
		       (addr->ldr & dest & 0xffff);
	if (dest > 0xff)
		return false;
	if (addr->flat)
		return addr->ldr & dest;
	return addr->ldr >> 4 == dest >> 4 && (addr->ldr & dest & 0xf);
}

/**
 * lvx_apic_match() - does the destination field mean this LAPIC?
 * @addr: the LAPIC
 * @msg: a message without shorthand
 *
 * Return: true if so.
 */
bool lvx_apic_match(const struct lvx_apic_addr *addr,
		    const struct lvx_apic_msg *msg)
{
	if (addr->mode == LVX_ADDR_OFF)
		return false;
	if (is_broadcast(msg))
		return true;
	return msg->logical ? match_logical(addr, msg->dest) :
			      match_physical(addr, msg->dest);
}

/**
 * lvx_apic_map_size() - memory of a map
 * @nr: number of LAPICs
 * @max_id: highest x2APIC ID among them
 *
 * Return: bytes to allocate, zeroed.
 */
size_t lvx_apic_map_size(u32 nr, u32 max_id)
{
	return sizeof(struct lvx_apic_map) + nr * sizeof(struct lvx_apic_addr) +
	       (max_t(u32, max_id, 0xff) + 1) * sizeof(u16);
}

static void add_physical(struct lvx_apic_map *map, u32 id, u32 i)
{
	if (map->by_id[id])
		map->scan_physical = true;
	map->by_id[id] = i + 1;
}

/* One more LAPIC with a logical ID: it must go with those before. */
static void add_logical(struct lvx_apic_map *map, u32 i)
{
	const struct lvx_apic_addr *addr = &map->addr[i];
	u32 kind, slot, bits = addr->ldr;

	if (addr->mode == LVX_ADDR_X2APIC)
		kind = LVX_LOGICAL_X2APIC;
	else
		kind = addr->flat ? LVX_LOGICAL_FLAT : LVX_LOGICAL_CLUSTER;
	if (map->logical == LVX_LOGICAL_NONE)
		map->logical = kind;
	else if (map->logical != kind)
		map->logical = LVX_LOGICAL_SCAN;
	if (kind == LVX_LOGICAL_X2APIC)
		return;

	if (!addr->flat)
		bits &= 0xf;
	/* Set-ups where a LAPIC has several bits, or a bit several LAPICs. */
	if (hweight8(bits) != 1) {
		map->logical = LVX_LOGICAL_SCAN;
		return;
	}
	slot = __ffs(bits);
	if (!addr->flat)
		slot += (addr->ldr >> 4) * 4;
	if (map->slot[slot])
		map->logical = LVX_LOGICAL_SCAN;
	map->slot[slot] = i + 1;
}

/**
 * lvx_apic_map_make() - build the tables
 * @map: zeroed, with @nr and @addr filled in
 * @max_id: as given to lvx_apic_map_size()
 */
void lvx_apic_map_make(struct lvx_apic_map *map, u32 max_id)
{
	const struct lvx_apic_addr *addr;
	u32 i;

	map->nr_ids = max_t(u32, max_id, 0xff) + 1;
	map->by_id = (u16 *)&map->addr[map->nr];
	for (i = 0; i < map->nr; i++) {
		addr = &map->addr[i];
		if (addr->mode == LVX_ADDR_OFF)
			continue;
		if (addr->mode == LVX_ADDR_X2APIC || addr->id > 0xff)
			add_physical(map, addr->id, i);
		else
			add_physical(map, addr->xapic_id, i);
		if (addr->ldr)
			add_logical(map, i);
	}
}

/* Narrow a destination down to slots, if the map can. */
static void find_slots(struct lvx_apic_targets *it)
{
	const struct lvx_apic_map *map = it->map;
	u32 dest = it->msg->dest, first, n;

	if (!it->msg->logical) {
		if (map->scan_physical)
			return;
		it->slots = map->by_id;
		if (dest < map->nr_ids) {
			it->slots += array_index_nospec(dest, map->nr_ids);
			it->mask = 1;
		}
		return;
	}

	switch (map->logical) {
	case LVX_LOGICAL_FLAT:
		it->slots = map->slot;
		it->mask = dest <= 0xff ? dest : 0;
		return;
	case LVX_LOGICAL_CLUSTER:
		it->slots = &map->slot[(dest >> 4 & 0xf) * 4];
		it->mask = dest <= 0xff ? dest & 0xf : 0;
		return;
	case LVX_LOGICAL_X2APIC:
		/* An xAPIC that wrote another's ID may have taken its place. */
		if (map->scan_physical)
			return;
		it->slots = map->by_id;
		first = (dest >> 16) * 16;
		if (first >= map->nr_ids)
			return;
		first = array_index_nospec(first, map->nr_ids);
		n = min_t(u32, map->nr_ids - first, 16);
		it->slots += first;
		it->mask = dest & (BIT(n) - 1);
		return;
	case LVX_LOGICAL_NONE:
		it->slots = map->slot;
		return;
	}
}

static int next_candidate(struct lvx_apic_targets *it)
{
	const struct lvx_apic_map *map = it->map;
	struct lvx_apic_addr addr;
	u32 i;

	while (it->slots && it->mask) {
		i = it->slots[__ffs(it->mask)];
		it->mask &= it->mask - 1;
		if (i && lvx_apic_match(&map->addr[i - 1], it->msg))
			return i - 1;
	}
	while (!it->slots && it->next < READ_ONCE(map->nr)) {
		i = it->next++;
		addr = lvx_apic_addr_read(&map->addr[i]);
		if (it->everyone) {
			if (addr.mode != LVX_ADDR_OFF && i != it->self)
				return i;
		} else if (lvx_apic_match(&addr, it->msg)) {
			return i;
		}
	}
	return -1;
}

static int next_enabled(struct lvx_apic_targets *it)
{
	int i;

	do {
		i = next_candidate(it);
	} while (i >= 0 && !READ_ONCE(it->map->addr[i].takes_lowest));
	return i;
}

/*
 * Lowest priority: any of the receivers will do. The vector chooses among
 * them, so that one interrupt stays on one CPU and different ones spread.
 */
static void arbitrate(struct lvx_apic_targets *it)
{
	struct lvx_apic_targets all = *it;
	u32 n = 0;
	int i;

	while (next_enabled(&all) >= 0)
		n++;
	all = *it;
	it->slots = it->map->slot;
	it->mask = 0;
	if (!n)
		return;
	n = it->msg->vector % n;
	do {
		i = next_enabled(&all);
		/* Fewer than at the count: others are candidates no longer. */
		if (i < 0)
			return;
		it->only = i;
	} while (n--);
}

/**
 * lvx_apic_targets() - start going through a message's receivers
 * @it: set up for lvx_apic_next_target()
 * @map: all LAPICs
 * @msg: the message; must stay while @it is used
 * @self: index of the sending LAPIC, or LVX_NO_SELF
 */
void lvx_apic_targets(struct lvx_apic_targets *it,
		      const struct lvx_apic_map *map,
		      const struct lvx_apic_msg *msg, u32 self)
{
	*it = (struct lvx_apic_targets){
		.map = map, .msg = msg, .self = LVX_NO_SELF, .only = -1,
	};
	switch (msg->shorthand) {
	case LVX_TO_SELF:
		it->slots = map->slot;
		if (self < READ_ONCE(map->nr) &&
		    READ_ONCE(map->addr[self].mode) != LVX_ADDR_OFF)
			it->only = self;
		return;
	case LVX_TO_OTHERS:
		it->self = self;
		fallthrough;
	case LVX_TO_ALL:
		it->everyone = true;
		return;
	}

	if (!is_broadcast(msg))
		find_slots(it);
	else if (!msg->logical)
		return;		/* to everyone physically: no arbitration */
	if (lvx_msg_to_one(msg))
		arbitrate(it);
}

/**
 * lvx_apic_next_target() - the next receiver
 * @it: set up by lvx_apic_targets()
 *
 * Return: index of a LAPIC, or -1 when there is no other.
 */
int lvx_apic_next_target(struct lvx_apic_targets *it)
{
	int i = it->only;

	if (i < 0)
		return next_candidate(it);
	it->only = -1;
	return i;
}
