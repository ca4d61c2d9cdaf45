// SPDX-License-Identifier: GPL-2.0
/*
 * EPT entries, the EPT pointer, page sizes and the walk. Tables are ordinary
 * memory here and "physical address 0" is address 0, so a tree is built just
 * as the kernel builds it.
 */
#include "tap.h"
#include "pure/ept.h"

static u64 *new_table(void)
{
	u64 *table = aligned_alloc(4096, 4096);

	if (!table)
		abort();
	memset(table, 0, 4096);
	return table;
}

static void free_table(u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level > 1 && i < LVX_EPT_ENTRIES; i++)
		if (lvx_ept_present(table[i]) && !lvx_ept_leaf(table[i], level))
			free_table((u64 *)(table[i] & LVX_EPT_ADDR), level - 1);
	free(table);
}

/* Map one page of the given level, by hand. */
static void map(u64 *root, unsigned int levels, u64 gfn, unsigned int level,
		u64 leaf)
{
	unsigned int l;
	u64 *entry;

	for (l = levels; l > level; l--) {
		entry = &root[lvx_ept_index(gfn, l)];
		if (!*entry)
			*entry = lvx_ept_make_table((unsigned long)new_table());
		root = (u64 *)(*entry & LVX_EPT_ADDR);
	}
	root[lvx_ept_index(gfn, level)] = leaf;
}

/* SDM, tables "Format of Extended-Page-Table Pointer" and of the entries. */
TEST(formats)
{
	u64 bits = LVX_EPT_READ | LVX_EPT_EXEC | LVX_EPT_WB | LVX_EPT_IPAT;

	EXPECT_EQ(lvx_ept_pointer(0x123000, 4, false), 0x12301e);
	EXPECT_EQ(lvx_ept_pointer(0x123000, 4, true), 0x12305e);
	EXPECT_EQ(lvx_ept_pointer(0x123000, 5, true), 0x123066);

	EXPECT_EQ(lvx_ept_make_table(0x5000), 0x5007);
	EXPECT_EQ(lvx_ept_make_leaf(0x7000, 1, bits), 0x7075);
	EXPECT_EQ(lvx_ept_make_leaf(0x200000, 2, bits), 0x2000f5);
	EXPECT_EQ(lvx_ept_make_leaf(0x40000000, 3, LVX_EPT_READ | LVX_EPT_UC),
		  0x40000081);

	EXPECT(!lvx_ept_present(LVX_EPT_PAGE | LVX_EPT_WB | LVX_EPT_ADDR));
	EXPECT(lvx_ept_present(LVX_EPT_EXEC));
	EXPECT(lvx_ept_leaf(0x7007, 1));
	EXPECT(!lvx_ept_leaf(0x7007, 2));
	EXPECT(lvx_ept_leaf(0x200087, 2));
}

TEST(parts)
{
	u64 huge = lvx_ept_make_leaf(1ULL << 30, 3, LVX_EPT_RIGHTS | LVX_EPT_WB |
				     LVX_EPT_ACCESSED | LVX_EPT_DIRTY);
	u64 large = lvx_ept_make_part(huge, 3, 511);
	u64 small;

	EXPECT_EQ(large, (1ULL << 30) + 511 * 0x200000ULL + 0x3b7);
	EXPECT(lvx_ept_leaf(large, 2));
	small = lvx_ept_make_part(large, 2, 0);
	EXPECT_EQ(small, (1ULL << 30) + 511 * 0x200000ULL + 0x337);
	small = lvx_ept_make_part(large, 2, 3);
	EXPECT_EQ(small, (1ULL << 30) + 511 * 0x200000ULL + 0x3337);
}

TEST(fit)
{
	/* Aligned alike: up to the limit. */
	EXPECT_EQ(lvx_ept_fit(0x40005, 0x80005, 0, 1ULL << 30, 3), 3);
	EXPECT_EQ(lvx_ept_fit(0x40005, 0x80005, 0, 1ULL << 30, 2), 2);
	EXPECT_EQ(lvx_ept_fit(0x40005, 0x80005, 0, 1ULL << 30, 1), 1);
	/* Aligned alike for 2 MiB only, and not at all. */
	EXPECT_EQ(lvx_ept_fit(0x40005, 0x80205, 0, 1ULL << 30, 3), 2);
	EXPECT_EQ(lvx_ept_fit(0x40005, 0x80006, 0, 1ULL << 30, 3), 1);
	/* The slot ends, or begins, inside the large page. */
	EXPECT_EQ(lvx_ept_fit(0x3ff, 0x3ff, 0x200, 0x200, 3), 2);
	EXPECT_EQ(lvx_ept_fit(0x3fe, 0x3fe, 0x200, 0x1ff, 3), 1);
	EXPECT_EQ(lvx_ept_fit(0x3ff, 0x3ff, 0x201, 0x1ff, 3), 1);
	EXPECT_EQ(lvx_ept_fit(0, 0, 0, 1, 3), 1);
	/* At the top of the guest-physical space. */
	EXPECT_EQ(lvx_ept_fit((1ULL << 40) - 1, (1ULL << 40) - 1,
			      (1ULL << 40) - 0x200, 0x200, 3), 2);
}

TEST(walk_of_an_empty_tree)
{
	struct lvx_ept_iter it;
	u64 *root = new_table();
	unsigned int nr = 0;

	for (lvx_ept_start(&it, root, 4, 0, 5, ~0ULL); it.entry;
	     lvx_ept_next(&it), nr++)
		EXPECT(it.entry == &root[nr] && it.level == 4 &&
		       lvx_ept_covered(&it) == (nr > 0));
	EXPECT_EQ(nr, 512);

	/* Nothing asked for, or out of reach. */
	lvx_ept_start(&it, root, 4, 0, 7, 7);
	EXPECT(!it.entry);
	lvx_ept_start(&it, root, 4, 0, 1ULL << 36, 1ULL << 37);
	EXPECT(!it.entry);
	free_table(root, 4);
}

TEST(walk_goes_down_and_up)
{
	static const struct {
		u64 gfn;
		unsigned int level;
	} leaves[] = {
		{ 0, 1 }, { 511, 1 }, { 512, 2 }, { 0x40000, 3 },
		{ 0x80000 + 511, 1 }, { 0xfffffffff, 1 },
	};
	unsigned int levels, i, tables;
	struct lvx_ept_iter it;
	u64 *root;

	for (levels = 4; levels <= 5; levels++) {
		root = new_table();
		for (i = 0; i < ARRAY_SIZE(leaves); i++)
			map(root, levels, leaves[i].gfn, leaves[i].level,
			    lvx_ept_make_leaf(leaves[i].gfn << 12,
					      leaves[i].level,
					      LVX_EPT_RIGHTS));
		i = 0;
		tables = 0;
		lvx_ept_start(&it, root, levels, 0, 0, ~0ULL);
		while (it.entry) {
			u64 entry = READ_ONCE(*it.entry);

			if (lvx_ept_present(entry) &&
			    !lvx_ept_leaf(entry, it.level)) {
				tables++;
				lvx_ept_down(&it, entry);
				continue;
			}
			if (lvx_ept_present(entry)) {
				ASSERT(i < ARRAY_SIZE(leaves));
				EXPECT_EQ(it.gfn, leaves[i].gfn);
				EXPECT_EQ(it.level, leaves[i].level);
				EXPECT_EQ((entry & LVX_EPT_ADDR) >> 12,
					  leaves[i].gfn);
				i++;
			}
			lvx_ept_next(&it);
		}
		EXPECT_EQ(i, ARRAY_SIZE(leaves));
		/* For 0, 0x80000 and the top: 3 + 2 + 3, and the fifth's. */
		EXPECT_EQ(tables, levels == 4 ? 8 : 9);
		free_table(root, levels);
	}
}

/*
 * Any range of a small dense tree, against arithmetic: each leaf that meets
 * the range is visited once, in order, and no other.
 */
TEST(walk_of_any_range)
{
	unsigned long rounds = tap_fuzz_rounds(2000);
	struct tap_rnd rnd = { .s = 42 };
	u64 *root = new_table();
	struct lvx_ept_iter it;
	u64 gfn, end, next, last;
	unsigned int i;

	/* 0..2 MiB and 4..6 MiB in small pages, 2..4 and 6..8 in large ones */
	for (i = 0; i < 512; i++) {
		map(root, 4, i, 1, lvx_ept_make_leaf(0, 1, LVX_EPT_RIGHTS));
		map(root, 4, 1024 + i, 1,
		    lvx_ept_make_leaf(0, 1, LVX_EPT_RIGHTS));
	}
	map(root, 4, 512, 2, lvx_ept_make_leaf(0, 2, LVX_EPT_RIGHTS));
	map(root, 4, 1536, 2, lvx_ept_make_leaf(0, 2, LVX_EPT_RIGHTS));

	while (rounds--) {
		gfn = tap_rnd_below(&rnd, 2048);
		end = gfn + 1 + tap_rnd_below(&rnd, 2048 - gfn);
		next = gfn;
		lvx_ept_start(&it, root, 4, 0, gfn, end);
		while (it.entry) {
			if (lvx_ept_present(*it.entry) &&
			    !lvx_ept_leaf(*it.entry, it.level)) {
				lvx_ept_down(&it, *it.entry);
				continue;
			}
			ASSERT_EQ(it.gfn, next);
			ASSERT_EQ(it.level, next & 512 ? 2 : 1);
			last = it.level == 1 ? next + 1 :
			       ALIGN_DOWN(next, 512) + 512;
			ASSERT_EQ(lvx_ept_covered(&it), last <= end &&
				  (it.level == 1 || !(next & 511)));
			next = last;
			lvx_ept_next(&it);
		}
		ASSERT(next >= end && (next == end || next - end < 512));
	}
	free_table(root, 4);
}
