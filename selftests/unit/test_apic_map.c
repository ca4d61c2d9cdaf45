// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a message reaches: by hand for the regular set-ups, and against the
 * definition (ask every LAPIC) for random ones.
 */
#include "tap.h"
#include "pure/apic_map.h"

#define MAX	600

static struct lvx_apic_map *map;

static void begin(u32 nr, u32 max_id)
{
	free(map);
	map = calloc(1, lvx_apic_map_size(nr, max_id));
	map->nr = nr;
}

static void set(u32 i, u32 id, enum lvx_apic_addr_mode mode, u32 ldr, bool flat)
{
	map->addr[i] = (struct lvx_apic_addr){
		.id = id, .xapic_id = id, .mode = mode, .flat = flat,
		.ldr = mode == LVX_ADDR_X2APIC ? lvx_apic_x2_ldr(id) : ldr,
		.takes_lowest = true,
	};
}

static struct lvx_apic_msg to(u32 dest, bool logical, bool x2)
{
	return (struct lvx_apic_msg){ .dest = dest, .logical = logical,
		.x2apic = x2, .vector = 0x40, .assert = true };
}

/* The receivers, in the order in which they are found. */
static u32 receivers(const struct lvx_apic_msg *msg, u32 self, u32 out[MAX])
{
	struct lvx_apic_targets it;
	u32 n = 0;
	int i;

	lvx_apic_targets(&it, map, msg, self);
	while ((i = lvx_apic_next_target(&it)) >= 0 && n < MAX)
		out[n++] = i;
	return n;
}

static bool reaches_only(struct lvx_apic_msg msg, u32 who)
{
	u32 out[MAX];

	return receivers(&msg, LVX_NO_SELF, out) == 1 && out[0] == who;
}

static u32 count(struct lvx_apic_msg msg, u32 self)
{
	u32 out[MAX];

	return receivers(&msg, self, out);
}

TEST(xapic_physical_and_flat)
{
	u32 i;

	begin(4, 3);
	for (i = 0; i < 4; i++)
		set(i, i, LVX_ADDR_XAPIC, 1 << i, true);
	lvx_apic_map_make(map, 3);
	EXPECT_EQ(map->logical, LVX_LOGICAL_FLAT);
	for (i = 0; i < 4; i++) {
		EXPECT(reaches_only(to(i, false, false), i));
		EXPECT(reaches_only(to(1 << i, true, false), i));
	}
	EXPECT_EQ(count(to(4, false, false), LVX_NO_SELF), 0);
	EXPECT_EQ(count(to(0x10, true, false), LVX_NO_SELF), 0);
	EXPECT_EQ(count(to(0x0b, true, false), LVX_NO_SELF), 3);
	EXPECT_EQ(count(to(0xff, false, false), LVX_NO_SELF), 4);
	EXPECT_EQ(count(to(0xff, true, false), LVX_NO_SELF), 4);
}

TEST(xapic_cluster)
{
	u32 i;

	begin(8, 7);
	for (i = 0; i < 8; i++)
		set(i, i, LVX_ADDR_XAPIC, (i / 4) << 4 | 1 << i % 4, false);
	lvx_apic_map_make(map, 7);
	EXPECT_EQ(map->logical, LVX_LOGICAL_CLUSTER);
	for (i = 0; i < 8; i++)
		EXPECT(reaches_only(to((i / 4) << 4 | 1 << i % 4, true, false),
				    i));
	EXPECT_EQ(count(to(0x1f, true, false), LVX_NO_SELF), 4);
	EXPECT_EQ(count(to(0x2f, true, false), LVX_NO_SELF), 0);
}

TEST(x2apic)
{
	u32 i;

	begin(MAX, MAX - 1);
	for (i = 0; i < MAX; i++)
		set(i, i, LVX_ADDR_X2APIC, 0, false);
	lvx_apic_map_make(map, MAX - 1);
	EXPECT_EQ(map->logical, LVX_LOGICAL_X2APIC);
	EXPECT(!map->scan_physical);
	for (i = 0; i < MAX; i++) {
		EXPECT(reaches_only(to(i, false, true), i));
		EXPECT(reaches_only(to(lvx_apic_x2_ldr(i), true, true), i));
	}
	/* 0xff is a CPU like others here, unless a device of 8 bits says it. */
	EXPECT(reaches_only(to(255, false, true), 255));
	EXPECT_EQ(count(to(255, false, false), LVX_NO_SELF), MAX);
	EXPECT_EQ(count(to(~0U, false, true), LVX_NO_SELF), MAX);
	EXPECT_EQ(count(to(~0U, true, true), LVX_NO_SELF), MAX);
	EXPECT_EQ(count(to(0x0002ffff, true, true), LVX_NO_SELF), 16);
	EXPECT_EQ(count(to(0xffff0001, true, true), LVX_NO_SELF), 0);
	EXPECT_EQ(count(to(MAX, false, true), LVX_NO_SELF), 0);
	/* The last cluster is not full: 600 = 37 * 16 + 8. */
	EXPECT_EQ(count(to(0x0025ffff, true, true), LVX_NO_SELF), 8);
}

/* Starting processors: all in xAPIC mode but the first. */
TEST(ids_above_255_at_boot)
{
	u32 i;

	begin(300, 299);
	set(0, 0, LVX_ADDR_X2APIC, 0, false);
	for (i = 1; i < 300; i++)
		set(i, i, LVX_ADDR_XAPIC, 0, true);
	lvx_apic_map_make(map, 299);
	EXPECT(!map->scan_physical);
	for (i = 0; i < 300; i++)
		EXPECT(reaches_only(to(i, false, true), i));
}

TEST(shorthands)
{
	struct lvx_apic_msg msg = to(0, false, true);
	u32 i, out[MAX];

	begin(5, 9);
	for (i = 0; i < 5; i++)
		set(i, 2 * i, i == 3 ? LVX_ADDR_OFF : LVX_ADDR_X2APIC, 0, false);
	lvx_apic_map_make(map, 9);
	msg.shorthand = LVX_TO_SELF;
	EXPECT_EQ(receivers(&msg, 2, out), 1);
	EXPECT_EQ(out[0], 2);
	EXPECT_EQ(count(msg, LVX_NO_SELF), 0);
	msg.shorthand = LVX_TO_ALL;
	EXPECT_EQ(count(msg, 2), 4);
	msg.shorthand = LVX_TO_OTHERS;
	EXPECT_EQ(receivers(&msg, 2, out), 3);
	for (i = 0; i < 3; i++)
		EXPECT(out[i] != 2 && out[i] != 3);
}

TEST(lowest_priority)
{
	struct lvx_apic_msg msg = to(0x0f, true, false);
	u32 i, out[MAX], hits[4] = { 0 };

	begin(4, 3);
	for (i = 0; i < 4; i++)
		set(i, i, LVX_ADDR_XAPIC, 1 << i, true);
	map->addr[2].takes_lowest = false;
	lvx_apic_map_make(map, 3);
	msg.mode = LVX_DM_LOWEST;
	for (i = 0; i < 256; i++) {
		msg.vector = i;
		ASSERT_EQ(receivers(&msg, LVX_NO_SELF, out), 1);
		hits[out[0]]++;
	}
	/* Spread over the enabled ones, always the same for one vector. */
	EXPECT_EQ(hits[2], 0);
	EXPECT(hits[0] > 80 && hits[1] > 80 && hits[3] > 80);
	/* The same for an MSI's hint, and nobody is no crash. */
	msg.mode = LVX_DM_FIXED;
	msg.redir_hint = true;
	EXPECT_EQ(count(msg, LVX_NO_SELF), 1);
	msg.dest = 0x04;
	EXPECT_EQ(count(msg, LVX_NO_SELF), 0);
	msg.dest = 0x80;
	EXPECT_EQ(count(msg, LVX_NO_SELF), 0);
}

TEST(same_id_twice)
{
	begin(3, 2);
	set(0, 0, LVX_ADDR_XAPIC, 1, true);
	set(1, 1, LVX_ADDR_XAPIC, 2, true);
	set(2, 2, LVX_ADDR_XAPIC, 2, true);
	map->addr[2].xapic_id = 1;
	lvx_apic_map_make(map, 2);
	EXPECT_EQ(count(to(1, false, false), LVX_NO_SELF), 2);
	EXPECT_EQ(count(to(2, true, false), LVX_NO_SELF), 2);
	EXPECT_EQ(count(to(2, false, false), LVX_NO_SELF), 0);
}

/* An xAPIC that wrote the ID of an x2APIC, and can't be addressed logically. */
TEST(same_id_as_an_x2apic)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		begin(2, 6);
		set(i, 5, LVX_ADDR_X2APIC, 0, false);
		set(!i, 6, LVX_ADDR_XAPIC, 0, true);
		map->addr[!i].xapic_id = 5;
		lvx_apic_map_make(map, 6);
		EXPECT(reaches_only(to(0x20, true, true), i));
		EXPECT_EQ(count(to(5, false, true), LVX_NO_SELF), 2);
		EXPECT_EQ(count(to(6, false, true), LVX_NO_SELF), 0);
	}
}

TEST(off_is_unreachable)
{
	begin(2, 1);
	set(0, 0, LVX_ADDR_X2APIC, 0, false);
	set(1, 1, LVX_ADDR_OFF, 0, false);
	lvx_apic_map_make(map, 1);
	EXPECT_EQ(count(to(1, false, true), LVX_NO_SELF), 0);
	EXPECT_EQ(count(to(~0U, false, true), LVX_NO_SELF), 1);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The tables and the definition must agree on every message. */
static void check_against_definition(struct lvx_apic_msg msg)
{
	u32 out[MAX], i, n, want = 0;

	n = receivers(&msg, LVX_NO_SELF, out);
	qsort(out, n, sizeof(out[0]), compare);
	for (i = 0; i < map->nr; i++) {
		if (!lvx_apic_match(&map->addr[i], &msg))
			continue;
		EXPECT(want < n && out[want] == i);
		want++;
	}
	EXPECT_EQ(n, want);
}

static void random_map(struct tap_rnd *rnd)
{
	u32 kind = tap_rnd_below(rnd, 6), nr = 1 + tap_rnd_below(rnd, 40);
	u32 step = 1 + tap_rnd_below(rnd, 9), i, max_id = nr * step;

	begin(nr, max_id);
	for (i = 0; i < nr; i++) {
		u32 ldr = kind == 0 ? 1 << i % 8 :
			  kind == 1 ? (i / 4 % 15) << 4 | 1 << i % 4 :
			  tap_rnd_below(rnd, 256);

		/* As after reset, when only IDs have been given. */
		if (kind == 5)
			ldr = 0;
		set(i, i * step,
		    kind == 2 ? LVX_ADDR_X2APIC :
		    kind < 2 ? LVX_ADDR_XAPIC : tap_rnd_below(rnd, 3),
		    ldr, kind == 0 || (kind > 2 && tap_rnd_below(rnd, 2)));
		if (kind == 4)
			map->addr[i].xapic_id = tap_rnd_below(rnd, 256);
		else if (kind == 5)
			map->addr[i].xapic_id = tap_rnd_below(rnd, nr) * step;
		if (!tap_rnd_below(rnd, 8))
			map->addr[i].mode = LVX_ADDR_OFF;
	}
	lvx_apic_map_make(map, max_id);
}

TEST(fuzz_against_definition)
{
	unsigned long i, n = tap_fuzz_rounds(3000);
	struct tap_rnd rnd = { 0x3a9 };
	u32 dest, k;

	for (i = 0; i < n; i++) {
		random_map(&rnd);
		for (k = 0; k < 40; k++) {
			dest = tap_rnd64(&rnd);
			if (k & 1)
				dest &= 0xff;
			else if (k & 2)
				dest &= 0x000fffff;
			else if (!k)
				dest = ~0U;
			check_against_definition(to(dest, k & 4, k & 8));
		}
	}
	free(map);
	map = NULL;
}
