// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel names of kernel.h must mean in user space what they mean in the
 * kernel; otherwise every other unit test is about a different program.
 */
#include "tap.h"
#include "pure/pure.h"

TEST(bit_searches)
{
	int i;

	EXPECT_EQ(fls(0), 0);
	EXPECT_EQ(fls64(0), 0);
	for (i = 0; i < 64; i++) {
		EXPECT_EQ(__fls(BIT(i)), i);
		EXPECT_EQ(__ffs(BIT(i)), i);
		EXPECT_EQ(__fls(BIT(i) | 1), i);
		EXPECT_EQ(__ffs(BIT(i) | BIT(63)), i);
		EXPECT_EQ(fls64(BIT_ULL(i)), i + 1);
		if (i < 32)
			EXPECT_EQ(fls(BIT(i)), i + 1);
	}
}

TEST(masks)
{
	EXPECT_EQ(GENMASK(0, 0), 1);
	EXPECT_EQ(GENMASK_ULL(63, 0), ~0ULL);
	EXPECT_EQ(GENMASK_ULL(63, 63), 1ULL << 63);
	EXPECT_EQ(GENMASK_ULL(31, 12), 0xfffff000);
}

TEST(rounding)
{
	EXPECT_EQ(ALIGN(0x1001ULL, 0x1000), 0x2000);
	EXPECT_EQ(ALIGN(0x1000ULL, 0x1000), 0x1000);
	EXPECT_EQ(ALIGN_DOWN(0x1fffULL, 0x1000), 0x1000);
	EXPECT(IS_ALIGNED(0x2000ULL, 0x1000));
	EXPECT(!IS_ALIGNED(0x2004ULL, 0x1000));
	EXPECT_EQ(DIV_ROUND_UP(9, 8), 2);
}

TEST(selection)
{
	EXPECT_EQ(min(3, 4), 3);
	EXPECT_EQ(max(3, 4), 4);
	EXPECT_EQ(min_t(u8, 0x1ff, 0x100), 0);
	EXPECT_EQ(clamp(5, 1, 3), 3);
	EXPECT_EQ(clamp(0, 1, 3), 1);
	EXPECT_EQ(clamp(2, 1, 3), 2);
	EXPECT_EQ(array_index_nospec(3, 4), 3);
	EXPECT_EQ(array_index_nospec(4, 4), 0);
}

TEST(wide_arithmetic)
{
	EXPECT_EQ(mul_u64_u32_div(1ULL << 63, 4, 8), 1ULL << 62);
	EXPECT_EQ(mul_u64_u64_shr(1ULL << 63, 1ULL << 63, 64), 1ULL << 62);
	EXPECT_EQ(mul_u64_u64_div_u64(1ULL << 63, 10, 20), 1ULL << 62);
	EXPECT_EQ(sign_extend64(0x80, 7), -128LL);
	EXPECT_EQ(sign_extend64(0x7f, 7), 127);
	EXPECT_EQ(rol64(0x8000000000000001ULL, 1), 3);
	EXPECT_EQ(rol64(5, 0), 5);
}
