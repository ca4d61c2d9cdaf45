// SPDX-License-Identifier: GPL-2.0
/*
 * The two 8259A as a guest and a device see them: ports in, lines in, vectors
 * out.
 */
#include "tap.h"
#include "pure/pic.h"

#define MASTER_BASE	0x30
#define SLAVE_BASE	0x38

static struct lvx_pic pic;

static void command(u8 val)
{
	lvx_pic_write(&pic, 0x20, val);
}

static void slave_command(u8 val)
{
	lvx_pic_write(&pic, 0xa0, val);
}

/* As Linux does it: base vectors, 8086 mode, everything unmasked. */
static void start(u8 master_icw4, u8 slave_icw4)
{
	lvx_pic_init(&pic);
	command(0x11);
	lvx_pic_write(&pic, 0x21, MASTER_BASE);
	lvx_pic_write(&pic, 0x21, 4);
	lvx_pic_write(&pic, 0x21, master_icw4);
	slave_command(0x11);
	lvx_pic_write(&pic, 0xa1, SLAVE_BASE);
	lvx_pic_write(&pic, 0xa1, 2);
	lvx_pic_write(&pic, 0xa1, slave_icw4);
	lvx_pic_write(&pic, 0x21, 0);
	lvx_pic_write(&pic, 0xa1, 0);
	pic.acked = 0;
	pic.unmasked = 0;
}

static int line(unsigned int pin, bool level)
{
	return lvx_pic_set_line(&pic, pin, 0, level);
}

static int pulse(unsigned int pin)
{
	int ret = line(pin, true);

	line(pin, false);
	return ret;
}

static u8 vector_of(unsigned int pin)
{
	return pin < 8 ? MASTER_BASE + pin : SLAVE_BASE + pin - 8;
}

TEST(every_line_has_its_vector)
{
	unsigned int pin;

	for (pin = 0; pin < 16; pin++) {
		if (pin == 2)
			continue;
		start(1, 1);
		EXPECT(!pic.output);
		EXPECT_EQ(pulse(pin), 1);
		EXPECT(pic.output);
		EXPECT_EQ(lvx_pic_peek(&pic), vector_of(pin));
		EXPECT_EQ(lvx_pic_take(&pic), vector_of(pin));
		EXPECT(!pic.output);
		/* Specific EOI, to the slave first where there is one. */
		if (pin >= 8) {
			slave_command(0x60 | (pin - 8));
			command(0x62);
		} else {
			command(0x60 | pin);
		}
		EXPECT_EQ(pic.acked, BIT(pin) | (pin >= 8 ? BIT(2) : 0));
		EXPECT_EQ(pic.chip[0].isr | pic.chip[1].isr, 0);
	}
}

TEST(masked_line_waits)
{
	start(1, 1);
	lvx_pic_write(&pic, 0x21, 0x08);
	EXPECT_EQ(lvx_pic_read(&pic, 0x21), 0x08);
	EXPECT_EQ(line(3, true), (unsigned long long)LVX_LINE_IGNORED);
	EXPECT(!pic.output);
	lvx_pic_write(&pic, 0x21, 0);
	EXPECT_EQ(pic.unmasked, BIT(3));
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 3);
}

TEST(edge_is_seen_once)
{
	start(1, 1);
	EXPECT_EQ(line(4, true), 1);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 4);
	command(0x20);
	EXPECT(!pic.output);
	line(4, true);
	EXPECT(!pic.output);
	line(4, false);
	line(4, true);
	EXPECT(pic.output);
	/* A second edge before the first was taken is lost. */
	line(4, false);
	EXPECT_EQ(line(4, true), LVX_LINE_COALESCED);
}

TEST(level_stays)
{
	start(1, 1);
	lvx_pic_write(&pic, 0x4d0, 0xff);
	EXPECT_EQ(lvx_pic_read(&pic, 0x4d0), 0xf8);
	lvx_pic_write(&pic, 0x4d1, 0xff);
	EXPECT_EQ(lvx_pic_read(&pic, 0x4d1), 0xde);

	line(5, true);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 5);
	EXPECT(!pic.output);
	command(0x65);
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 5);
	line(5, false);
	command(0x65);
	EXPECT(!pic.output);
}

TEST(shared_line_is_up_while_anyone_holds_it)
{
	start(1, 1);
	lvx_pic_write(&pic, 0x4d1, 0x08);
	lvx_pic_set_line(&pic, 11, 0, true);
	lvx_pic_set_line(&pic, 11, 1, true);
	lvx_pic_set_line(&pic, 11, 0, false);
	EXPECT(pic.output);
	EXPECT_EQ(pic.chip[1].irr, 0x08);
	lvx_pic_set_line(&pic, 11, 1, false);
	EXPECT_EQ(pic.chip[1].irr, 0);
}

TEST(priorities)
{
	start(1, 1);
	pulse(6);
	pulse(1);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 1);
	/* 6 waits for 1, 0 does not. */
	EXPECT(!pic.output);
	pulse(0);
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE);
	command(0x20);
	EXPECT_EQ(pic.chip[0].isr, 0x02);
	command(0x20);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 6);
}

TEST(rotation)
{
	start(1, 1);
	/* Line 3 gets the lowest priority: 4 is the highest now. */
	command(0xc3);
	pulse(0);
	pulse(3);
	pulse(4);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 4);
	/* Rotate on EOI: 4 becomes the lowest. */
	command(0xa0);
	pulse(4);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE);
	command(0xe0);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 3);
	command(0x20);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 4);
}

TEST(automatic_eoi)
{
	start(3, 3);
	pulse(9);
	EXPECT_EQ(lvx_pic_take(&pic), SLAVE_BASE + 1);
	EXPECT_EQ(pic.chip[0].isr | pic.chip[1].isr, 0);
	EXPECT_EQ(pic.acked, BIT(9) | BIT(2));
	command(0x80);
	pulse(4);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 4);
	pulse(4);
	pulse(5);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 5);
}

TEST(special_mask)
{
	start(1, 1);
	pulse(1);
	lvx_pic_take(&pic);
	pulse(5);
	EXPECT(!pic.output);
	lvx_pic_write(&pic, 0x21, 0x02);
	EXPECT(!pic.output);
	command(0x68);
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_peek(&pic), MASTER_BASE + 5);
	command(0x48);
	EXPECT(!pic.output);
}

TEST(special_fully_nested)
{
	start(1, 1);
	pulse(12);
	EXPECT_EQ(lvx_pic_take(&pic), SLAVE_BASE + 4);
	pulse(9);
	EXPECT(!pic.output);

	start(0x11, 1);
	pulse(12);
	EXPECT_EQ(lvx_pic_take(&pic), SLAVE_BASE + 4);
	pulse(9);
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_take(&pic), SLAVE_BASE + 1);
}

TEST(spurious)
{
	start(1, 1);
	EXPECT_EQ(lvx_pic_take(&pic), MASTER_BASE + 7);
	EXPECT_EQ(pic.chip[0].isr, 0);
	/* The slave's request vanishes between its asking and the INTA. */
	lvx_pic_write(&pic, 0x4d1, 0x02);
	line(9, true);
	line(9, false);
	EXPECT(pic.output);
	EXPECT_EQ(lvx_pic_take(&pic), SLAVE_BASE + 7);
	EXPECT_EQ(pic.chip[1].isr, 0);
}

TEST(polling)
{
	start(1, 1);
	command(0x0c);
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0);
	pulse(3);
	command(0x0c);
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0x83);
	EXPECT_EQ(pic.chip[0].isr, 0x08);
	/* One poll command, one polled read. */
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0);
	pulse(14);
	slave_command(0x0c);
	EXPECT_EQ(lvx_pic_read(&pic, 0xa0), 0x86);
	EXPECT_EQ(pic.chip[0].irr, 0);
}

TEST(register_reads)
{
	start(1, 1);
	pulse(1);
	lvx_pic_take(&pic);
	pulse(6);
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0x40);
	command(0x0b);
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0x02);
	command(0x0a);
	EXPECT_EQ(lvx_pic_read(&pic, 0x20), 0x40);
	EXPECT_EQ(lvx_pic_read(&pic, 0x22), 0xff);
}

TEST(initialization_forgets_edges)
{
	start(1, 1);
	lvx_pic_write(&pic, 0x4d0, 0x20);
	line(5, true);
	pulse(4);
	pic.acked = 0;
	command(0x11);
	EXPECT_EQ(pic.chip[0].irr, 0x20);
	EXPECT_EQ(pic.acked, BIT(4));
	/* Without ICW4, two more words and the mask is next. */
	command(0x10);
	lvx_pic_write(&pic, 0x21, 0x47);
	lvx_pic_write(&pic, 0x21, 4);
	lvx_pic_write(&pic, 0x21, 0xfe);
	EXPECT_EQ(pic.chip[0].irq_base, 0x40);
	EXPECT_EQ(pic.chip[0].imr, 0xfe);
}

TEST(no_such_line)
{
	start(1, 1);
	EXPECT_EQ(lvx_pic_set_line(&pic, 16, 0, true),
		  (unsigned long long)LVX_LINE_IGNORED);
	EXPECT_EQ(lvx_pic_set_line(&pic, ~0U, 0, true),
		  (unsigned long long)LVX_LINE_IGNORED);
	EXPECT(!pic.output);
}

TEST(foreign_state)
{
	struct lvx_i8259 state;

	memset(&state, 0xff, sizeof(state));
	start(1, 1);
	lvx_pic_set_state(&pic, 0, &state);
	lvx_pic_set_state(&pic, 1, &state);
	EXPECT_EQ(pic.chip[0].elcr, 0xf8);
	EXPECT_EQ(pic.chip[1].elcr, 0xde);
	lvx_pic_write(&pic, 0x21, 0);
	pulse(0);
	lvx_pic_take(&pic);
}

/* What must hold whatever a guest does. */
TEST(fuzz)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	unsigned long i, n = tap_fuzz_rounds(300000);
	struct tap_rnd rnd = { 0x8259 };
	u8 vector;

	lvx_pic_init(&pic);
	for (i = 0; i < n; i++) {
		unsigned long long r = tap_rnd64(&rnd);
		u16 port = ports[(r >> 8) % ARRAY_SIZE(ports)];

		switch (r & 7) {
		case 0:
		case 1:
			lvx_pic_write(&pic, port, r >> 16);
			break;
		case 2:
			lvx_pic_read(&pic, port);
			break;
		case 3:
			vector = pic.output ? lvx_pic_peek(&pic) : 0;
			if (pic.output)
				EXPECT_EQ(lvx_pic_take(&pic), vector);
			break;
		default:
			lvx_pic_set_line(&pic, (r >> 16) % 18, r >> 24,
					 r >> 32 & 1);
			break;
		}
		EXPECT(pic.chip[0].priority_add < 8);
		EXPECT(pic.chip[1].priority_add < 8);
		EXPECT(!(pic.chip[0].elcr & ~0xf8));
		/* An output needs an unmasked request. */
		if (pic.output)
			EXPECT(pic.chip[0].irr & ~pic.chip[0].imr);
	}
}
