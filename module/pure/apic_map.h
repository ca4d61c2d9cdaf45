/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which LAPICs does a message go to? A map of all LAPICs' addresses, made anew
 * when one of them changes and read by every sender. It answers without a look
 * at the LAPICs: a physical destination by index, a logical one by the at most
 * 16 slots of its cluster, and only broadcasts and irregular set-ups (two
 * LAPICs of one address, mixed modes) by going through all.
 *
 * See SDM vol. 3, "Determining IPI Destination".
 */
#ifndef LVX_PURE_APIC_MAP_H
#define LVX_PURE_APIC_MAP_H

#include "pure/apic.h"
#include "pure/apic_msg.h"

enum lvx_apic_addr_mode { LVX_ADDR_OFF, LVX_ADDR_XAPIC, LVX_ADDR_X2APIC };

/**
 * struct lvx_apic_addr - what a LAPIC can be addressed by
 * @ldr: logical ID; in xAPIC mode its 8 bits
 * @mode: enum lvx_apic_addr_mode
 * @xapic_id: ID in xAPIC mode
 * @flat: xAPIC mode: flat model, otherwise cluster model
 * @takes_lowest: enabled by software, hence a candidate of arbitration
 * @changing: all of these, which are read and written as one
 * @id: x2APIC ID, always the same
 */
struct lvx_apic_addr {
	union {
		struct {
			u32 ldr;
			u8 mode;
			u8 xapic_id;
			bool flat;
			bool takes_lowest;
		};
		u64 changing;
	};
	u32 id;
};

/* How logical destinations are looked up. */
enum lvx_apic_logical {
	LVX_LOGICAL_NONE,	/* no LAPIC has a logical ID */
	LVX_LOGICAL_FLAT,
	LVX_LOGICAL_CLUSTER,
	LVX_LOGICAL_X2APIC,
	LVX_LOGICAL_SCAN,	/* irregular: ask every LAPIC */
};

/**
 * struct lvx_apic_map - all LAPICs of a VM
 * @nr: how many
 * @nr_ids: entries of @by_id
 * @logical: enum lvx_apic_logical
 * @scan_physical: two LAPICs answer to one ID
 * @slot: flat model: by bit; cluster model: by cluster and bit
 * @by_id: by physical ID
 * @addr: by index
 *
 * Entries of @slot and @by_id are index plus one, 0 for nobody.
 *
 * A map with tables is immutable. In one without (@logical and @scan_physical
 * say "ask every LAPIC") an address may change while messages go by it: each
 * is read as one, so a message sees it as it was before or as it is after.
 */
struct lvx_apic_map {
	u32 nr;
	u32 nr_ids;
	u8 logical;
	bool scan_physical;
	u16 slot[64];
	u16 *by_id;
	struct lvx_apic_addr addr[];
};

/* The receivers of one message, one after the other. */
struct lvx_apic_targets {
	const struct lvx_apic_map *map;
	const struct lvx_apic_msg *msg;
	const u16 *slots;	/* NULL: go through all LAPICs */
	u32 mask;		/* which of the slots remain */
	u32 next;		/* index, when going through all */
	u32 self;
	bool everyone;		/* the destination field does not count */
	int only;		/* arbitration's winner, or -1 */
};

static inline struct lvx_apic_addr
lvx_apic_addr_read(const struct lvx_apic_addr *addr)
{
	struct lvx_apic_addr copy = { .id = READ_ONCE(addr->id) };

	copy.changing = READ_ONCE(addr->changing);
	return copy;
}

void lvx_apic_addr_of(const struct lvx_apic *apic, struct lvx_apic_addr *addr);
bool lvx_apic_match(const struct lvx_apic_addr *addr,
		    const struct lvx_apic_msg *msg);
size_t lvx_apic_map_size(u32 nr, u32 max_id);
void lvx_apic_map_make(struct lvx_apic_map *map, u32 max_id);

#define LVX_NO_SELF	(~0U)

void lvx_apic_targets(struct lvx_apic_targets *it,
		      const struct lvx_apic_map *map,
		      const struct lvx_apic_msg *msg, u32 self);
int lvx_apic_next_target(struct lvx_apic_targets *it);

#endif /* LVX_PURE_APIC_MAP_H */
