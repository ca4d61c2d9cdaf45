// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254: bytes in the right halves, counts and outputs as functions of time,
 * and when counter 0 interrupts.
 */
#include "tap.h"
#include "pure/pit.h"

static struct lvx_i8254 pit;

#define TICKS(n)	(((s64)(n) * 1000000000LL + LVX_PIT_HZ - 1) / LVX_PIT_HZ)
#define START		5000000000LL

static void program(unsigned int channel, unsigned int mode, u16 count)
{
	lvx_i8254_init(&pit, 0);
	lvx_i8254_write(&pit, 3, channel << 6 | 0x30 | mode << 1, START);
	lvx_i8254_write(&pit, channel, count & 0xff, START);
	EXPECT_EQ(lvx_i8254_write(&pit, channel, count >> 8, START),
		  channel == 0);
}

static u16 count_at(unsigned int channel, s64 now)
{
	u16 low;

	lvx_i8254_write(&pit, 3, channel << 6, now);
	/* What is latched does not depend on when it is read. */
	low = lvx_i8254_read(&pit, channel, now + TICKS(77));
	return low | lvx_i8254_read(&pit, channel, now + TICKS(99)) << 8;
}

static u8 status_at(unsigned int channel, s64 now)
{
	lvx_i8254_write(&pit, 3, 0xe0 | 2 << channel, now);
	return lvx_i8254_read(&pit, channel, now);
}

TEST(counting_down)
{
	static const unsigned int modes[] = { 0, 1, 4, 5 };
	unsigned int i, channel;

	for (channel = 0; channel < 3; channel++) {
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			program(channel, modes[i], 1000);
			EXPECT_EQ(count_at(channel, START), 1000);
			EXPECT_EQ(count_at(channel, START + TICKS(1)), 999);
			EXPECT_EQ(count_at(channel, START + TICKS(1000)), 0);
			/* It goes on below zero. */
			EXPECT_EQ(count_at(channel, START + TICKS(1001)),
				  0xffff);
		}
		program(channel, 2, 1000);
		EXPECT_EQ(count_at(channel, START + TICKS(999)), 1);
		EXPECT_EQ(count_at(channel, START + TICKS(1000)), 1000);
		EXPECT_EQ(count_at(channel, START + TICKS(2500)), 500);
		program(channel, 3, 1000);
		EXPECT_EQ(count_at(channel, START + TICKS(499)), 2);
		EXPECT_EQ(count_at(channel, START + TICKS(500)), 1000);
	}
}

TEST(zero_is_the_largest_count)
{
	s64 when;

	program(0, 2, 0);
	EXPECT_EQ(pit.channels[0].count, 0x10000);
	EXPECT_EQ(count_at(0, START + TICKS(1)), 0xffff);
	EXPECT(lvx_i8254_next(&pit, START, &when));
	EXPECT(when >= START + TICKS(0x10000) &&
	       when <= START + TICKS(0x10000) + 1);
}

TEST(outputs)
{
	program(2, 0, 100);
	EXPECT_EQ(status_at(2, START + TICKS(99)), 0x30);
	EXPECT_EQ(status_at(2, START + TICKS(100)), 0xb0);
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, START + TICKS(99)) & 0x20, 0);
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, START + TICKS(100)) & 0x20, 0x20);
	program(2, 3, 100);
	EXPECT_EQ(status_at(2, START + TICKS(49)), 0xb6);
	EXPECT_EQ(status_at(2, START + TICKS(50)), 0x36);
	program(2, 1, 100);
	EXPECT_EQ(status_at(2, START + TICKS(99)), 0xb2);
	EXPECT_EQ(status_at(2, START + TICKS(100)), 0x32);
}

TEST(halves)
{
	lvx_i8254_init(&pit, 0);
	/* Low only, high only. */
	lvx_i8254_write(&pit, 3, 0x10, START);
	EXPECT(lvx_i8254_write(&pit, 0, 0x42, START));
	EXPECT_EQ(pit.channels[0].count, 0x42);
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START), 0x42);
	lvx_i8254_write(&pit, 3, 0x20, START);
	EXPECT(lvx_i8254_write(&pit, 0, 0x42, START));
	EXPECT_EQ(pit.channels[0].count, 0x4200);
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START), 0x42);
	/* Both, unlatched. */
	program(1, 0, 0x1234);
	EXPECT_EQ(lvx_i8254_read(&pit, 1, START), 0x34);
	EXPECT_EQ(lvx_i8254_read(&pit, 1, START), 0x12);
	EXPECT_EQ(lvx_i8254_read(&pit, 1, START), 0x34);
	EXPECT_EQ(lvx_i8254_read(&pit, 3, START), 0);
}

TEST(read_back)
{
	program(0, 2, 0x1234);
	/* Status before count, when both are latched; a second is ignored. */
	lvx_i8254_write(&pit, 3, 0xc2, START);
	lvx_i8254_write(&pit, 3, 0xc2, START + TICKS(9));
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START) & 0x3f, 0x34);
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START), 0x34);
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START), 0x12);
	EXPECT_EQ(lvx_i8254_read(&pit, 0, START + TICKS(4)), 0x30);
}

TEST(interrupt_times)
{
	s64 when, last = START, i;

	program(0, 2, 1193);
	for (i = 1; i <= 100000; i++) {
		EXPECT(lvx_i8254_next(&pit, last, &when));
		/* No drift: each a whole number of periods from the start. */
		EXPECT(when > last && when >= START + TICKS(1193 * i) &&
		       when <= START + TICKS(1193 * i) + 1);
		last = when;
	}
	/* After a pause: the next one, not those that were missed. */
	EXPECT(lvx_i8254_next(&pit, START + 3600000000000LL, &when));
	EXPECT(when > START + 3600000000000LL);
	EXPECT(when < START + 3600000000000LL + TICKS(1194));

	program(0, 0, 1193);
	EXPECT(lvx_i8254_next(&pit, START, &when));
	EXPECT(!lvx_i8254_next(&pit, when, &when));
	program(0, 5, 1193);
	EXPECT(!lvx_i8254_next(&pit, START, &when));
	lvx_i8254_init(&pit, START);
	EXPECT(!lvx_i8254_next(&pit, START, &when));
}

TEST(speaker_gate)
{
	program(2, 3, 1000);
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, 0) & 3, 0);
	lvx_i8254_speaker_write(&pit, 3, START + TICKS(200));
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, 0) & 3, 3);
	/* The rising gate started it over. */
	EXPECT_EQ(count_at(2, START + TICKS(200)), 1000);
	lvx_i8254_speaker_write(&pit, 1, START + TICKS(300));
	EXPECT_EQ(count_at(2, START + TICKS(200) + TICKS(100)), 800);
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, 0) & 3, 1);
	EXPECT_EQ(lvx_i8254_speaker_read(&pit, 1 << 14) & 0x10, 0x10);
}

TEST(foreign_state)
{
	struct lvx_i8254_channel c;
	s64 when, now = 1000;

	memset(&c, 0xff, sizeof(c));
	lvx_i8254_init(&pit, 0);
	lvx_i8254_set_channel(&pit, 0, &c, now);
	EXPECT_EQ(pit.channels[0].count, 0x10000);
	EXPECT_EQ(pit.channels[0].mode, LVX_PIT_MODE_NONE);
	EXPECT(!lvx_i8254_next(&pit, now, &when));
	c.mode = 2;
	c.count = 0;
	lvx_i8254_set_channel(&pit, 0, &c, now);
	EXPECT(lvx_i8254_next(&pit, now, &when));
	EXPECT(when > now);
	lvx_i8254_read(&pit, 0, now);
	lvx_i8254_read(&pit, 0, now);
}

TEST(fuzz)
{
	unsigned long i, n = tap_fuzz_rounds(300000);
	struct tap_rnd rnd = { 0x8254 };
	s64 when, now = 0;

	lvx_i8254_init(&pit, 0);
	for (i = 0; i < n; i++) {
		unsigned long long r = tap_rnd64(&rnd);
		struct lvx_i8254_channel c;

		/* Time may stand still, jump, and be near its end. */
		if (!(r & 0xff0000))
			now = (s64)(tap_rnd64(&rnd) >> 1);
		else
			now += (r >> 32) & 0xffff;
		if (now < 0)
			now = 0;
		switch (r & 7) {
		case 0:
			lvx_i8254_read(&pit, r >> 8, now);
			break;
		case 1:
			lvx_i8254_speaker_write(&pit, r >> 8, now);
			lvx_i8254_speaker_read(&pit, now);
			break;
		case 2:
			if (r & 0xf00)
				break;
			memset(&c, r >> 40, sizeof(c));
			c.count = r >> 32;
			lvx_i8254_set_channel(&pit, (r >> 16) % 3, &c, now);
			break;
		default:
			lvx_i8254_write(&pit, r >> 8, r >> 24, now);
			break;
		}
		if (lvx_i8254_next(&pit, now, &when))
			EXPECT(when > now);
		EXPECT(pit.channels[0].count >= 1);
		EXPECT(pit.channels[0].count <= 0x10000);
	}
}
