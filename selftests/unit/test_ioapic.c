// SPDX-License-Identifier: GPL-2.0
/*
 * The IOAPIC: registers as a guest sees them, lines as devices move them, and
 * the messages between.
 */
#include "tap.h"
#include "pure/ioapic.h"

static struct lvx_ioapic io;
static struct lvx_ioapic_change change;
static struct lvx_apic_msg msg;

#define IGNORED		((unsigned long long)LVX_LINE_IGNORED)

static void write_reg(u32 reg, u32 val)
{
	lvx_ioapic_write(&io, 0, reg, &change);
	lvx_ioapic_write(&io, 0x10, val, &change);
}

static u32 read_reg(u32 reg)
{
	lvx_ioapic_write(&io, 0, reg, &change);
	return lvx_ioapic_read(&io, 0x10);
}

static void program(unsigned int pin, u64 entry)
{
	write_reg(0x11 + 2 * pin, entry >> 32);
	write_reg(0x10 + 2 * pin, entry);
}

static int line(unsigned int pin, bool level)
{
	return lvx_ioapic_set_line(&io, pin, 0, level, &msg);
}

TEST(registers)
{
	unsigned int reg;

	lvx_ioapic_init(&io);
	EXPECT_EQ(read_reg(0), 0);
	EXPECT_EQ(read_reg(1), 0x00170011);
	EXPECT_EQ(lvx_ioapic_read(&io, 0), 1);
	write_reg(0, 0xffffffff);
	EXPECT_EQ(read_reg(0), 0x0f000000);
	EXPECT_EQ(read_reg(2), 0x0f000000);
	write_reg(1, 0);
	write_reg(2, 0);
	EXPECT_EQ(read_reg(1), 0x00170011);
	EXPECT_EQ(read_reg(2), 0x0f000000);
	for (reg = 0x10; reg < 0x40; reg += 2)
		EXPECT_EQ(read_reg(reg), 0x10000);
	/* Behind the last pin, and between the low ones. */
	for (reg = 0x40; reg < 0x100; reg++) {
		write_reg(reg, 0);
		EXPECT_EQ(change.pin, -1ULL);
		EXPECT_EQ(read_reg(reg), 0xffffffff);
	}
	for (reg = 3; reg < 0x10; reg++) {
		write_reg(reg, 0x1234);
		EXPECT_EQ(read_reg(reg), 0xffffffff);
	}
	/* The index has 8 bits; other offsets are nothing. */
	lvx_ioapic_write(&io, 0, 0x101, &change);
	EXPECT_EQ(lvx_ioapic_read(&io, 0), 1);
	lvx_ioapic_write(&io, 0x40, 0xff, &change);
	EXPECT_EQ(lvx_ioapic_read(&io, 0x40), 0);
}

TEST(read_only_bits)
{
	lvx_ioapic_init(&io);
	write_reg(0x10, 0xffffffff);
	EXPECT_EQ(read_reg(0x10), 0xffffafff);
	write_reg(0x11, 0xffffffff);
	EXPECT_EQ(read_reg(0x11), 0xffffffff);
}

TEST(messages)
{
	unsigned int pin;

	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++) {
		lvx_ioapic_init(&io);
		EXPECT_EQ(line(pin, true), IGNORED);
		line(pin, false);
		program(pin, 0xa500000000000000ULL | 0x0900 | (0x30 + pin));
		EXPECT_EQ(change.pin, pin);
		EXPECT(change.unmasked);
		EXPECT(!change.service);
		EXPECT_EQ(line(pin, true), LVX_LINE_SEND);
		EXPECT_EQ(msg.dest, 0xa5);
		EXPECT_EQ(msg.vector, 0x30 + pin);
		EXPECT_EQ(msg.mode, LVX_DM_LOWEST);
		EXPECT(msg.logical && !msg.level && msg.assert && !msg.x2apic);
	}
}

TEST(edge)
{
	lvx_ioapic_init(&io);
	program(4, 0x34);
	EXPECT_EQ(line(4, true), LVX_LINE_SEND);
	lvx_ioapic_sent(&io, 4, 1);
	EXPECT_EQ(io.redir[4] & LVX_REDIR_REMOTE_IRR, 0);
	EXPECT_EQ(line(4, true), LVX_LINE_COALESCED);
	EXPECT_EQ(line(4, false), 1);
	EXPECT_EQ(line(4, true), LVX_LINE_SEND);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 4, &msg), LVX_IOAPIC_NOTHING);
	/* An edge at a masked pin is lost. */
	line(4, false);
	program(4, 0x10034);
	EXPECT_EQ(line(4, true), IGNORED);
	program(4, 0x34);
	EXPECT(!change.service);
}

TEST(edge_that_left_is_not_saved)
{
	lvx_ioapic_init(&io);
	program(4, 0x34);
	line(4, true);
	EXPECT_EQ(io.irr & ~io.sent, 0);
	line(4, false);
	program(4, 0x10034);
	line(4, true);
	EXPECT_EQ(io.irr & ~io.sent, BIT(4));
}

TEST(level)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	EXPECT_EQ(line(9, true), LVX_LINE_SEND);
	EXPECT(msg.level);
	lvx_ioapic_sent(&io, 9, 1);
	EXPECT(io.redir[9] & LVX_REDIR_REMOTE_IRR);
	/* No second message before the EOI. */
	EXPECT_EQ(line(9, true), IGNORED);
	EXPECT_EQ(lvx_ioapic_pins_of(&io, 0x50), BIT(9));
	EXPECT_EQ(lvx_ioapic_pins_of(&io, 0x51), 0);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_SEND);
	lvx_ioapic_sent(&io, 9, 1);
	line(9, false);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_NOTHING);
	EXPECT_EQ(io.redir[9] & LVX_REDIR_REMOTE_IRR, 0);
	/* Up again: a new message. */
	EXPECT_EQ(line(9, true), LVX_LINE_SEND);
	/* Nobody took it, so no EOI will come. */
	lvx_ioapic_sent(&io, 9, 0);
	EXPECT_EQ(io.redir[9] & LVX_REDIR_REMOTE_IRR, 0);
}

TEST(level_unmasked_while_up)
{
	lvx_ioapic_init(&io);
	program(9, 0x18050);
	EXPECT_EQ(line(9, true), IGNORED);
	program(9, 0x8050);
	EXPECT(change.service);
	EXPECT(lvx_ioapic_service(&io, 9, &msg));
}

TEST(switch_to_edge_ends_a_level)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	line(9, true);
	lvx_ioapic_sent(&io, 9, 1);
	/* What Linux does without an EOI register: mask, edge, back. */
	write_reg(0x10 + 18, 0x10050);
	EXPECT_EQ(io.redir[9] & LVX_REDIR_REMOTE_IRR, 0);
	write_reg(0x10 + 18, 0x8050);
	EXPECT(change.service);
	EXPECT(lvx_ioapic_service(&io, 9, &msg));
}

TEST(shared_vector)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	program(20, 0x8050);
	EXPECT_EQ(lvx_ioapic_pins_of(&io, 0x50), BIT(9) | BIT(20));
}

TEST(shared_line)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	lvx_ioapic_set_line(&io, 9, 0, true, &msg);
	lvx_ioapic_sent(&io, 9, 1);
	lvx_ioapic_set_line(&io, 9, 1, true, &msg);
	lvx_ioapic_set_line(&io, 9, 0, false, &msg);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_SEND);
	lvx_ioapic_set_line(&io, 9, 1, false, &msg);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_NOTHING);
}

static void vain_eois(u32 n)
{
	while (n--) {
		EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_SEND);
		lvx_ioapic_sent(&io, 9, 1);
	}
}

/* A line that no EOI brings down is given pauses, each after as many. */
TEST(storm)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	line(9, true);
	lvx_ioapic_sent(&io, 9, 1);
	for (int i = 0; i < 2; i++) {
		vain_eois(LVX_IOAPIC_STORM - 1);
		EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_LATER);
		EXPECT_EQ(io.redir[9] & LVX_REDIR_REMOTE_IRR, 0);
		EXPECT(lvx_ioapic_service(&io, 9, &msg));
		lvx_ioapic_sent(&io, 9, 1);
	}
	/* One that was down counts anew. */
	vain_eois(LVX_IOAPIC_STORM - 1);
	line(9, false);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_NOTHING);
	line(9, true);
	lvx_ioapic_sent(&io, 9, 1);
	vain_eois(LVX_IOAPIC_STORM - 1);
}

TEST(restored_line_has_no_holder)
{
	lvx_ioapic_init(&io);
	program(9, 0x8050);
	EXPECT_EQ(lvx_ioapic_raise(&io, 9, &msg), LVX_LINE_SEND);
	lvx_ioapic_sent(&io, 9, 1);
	/* Whoever lowers it, it is down. */
	lvx_ioapic_set_line(&io, 9, 1, false, &msg);
	EXPECT_EQ(lvx_ioapic_eoi(&io, 9, &msg), LVX_IOAPIC_NOTHING);
}

TEST(no_such_pin)
{
	lvx_ioapic_init(&io);
	EXPECT_EQ(line(24, true), IGNORED);
	EXPECT_EQ(line(~0U, true), IGNORED);
	EXPECT_EQ(io.irr, 0);
}

TEST(msi)
{
	/* address, data, x2APIC format; then dest */
	EXPECT(lvx_msi_decode(0xfee0500c, 0x4183, false, &msg));
	EXPECT_EQ(msg.dest, 5);
	EXPECT_EQ(msg.vector, 0x83);
	EXPECT_EQ(msg.mode, LVX_DM_LOWEST);
	EXPECT(msg.logical && msg.redir_hint && !msg.level && !msg.x2apic);
	EXPECT(lvx_msi_decode(0xfee00000, 0xc030, false, &msg));
	EXPECT(msg.level && !msg.logical && !msg.redir_hint);
	EXPECT(lvx_msi_decode(0x12345600fee07000ULL, 0x30, true, &msg));
	EXPECT_EQ(msg.dest, 0x12345607);
	EXPECT(msg.x2apic);
	EXPECT(!lvx_msi_decode(0x12345601fee07000ULL, 0x30, true, &msg));
	EXPECT(lvx_msi_decode(0x12345601fee07000ULL, 0x30, false, &msg));
	EXPECT_EQ(msg.dest, 7);
}

TEST(fuzz)
{
	unsigned long i, n = tap_fuzz_rounds(300000);
	struct tap_rnd rnd = { 0x82093 };
	unsigned int pin;
	int ret;

	lvx_ioapic_init(&io);
	for (i = 0; i < n; i++) {
		unsigned long long r = tap_rnd64(&rnd);

		pin = (r >> 8) % 26;
		switch (r & 7) {
		case 0:
		case 1:
			lvx_ioapic_write(&io, r >> 16 & 0x10, r >> 32, &change);
			if (change.service)
				lvx_ioapic_service(&io, change.pin, &msg);
			break;
		case 2:
			lvx_ioapic_read(&io, r >> 16 & 0xff);
			break;
		case 3:
			if (pin < LVX_IOAPIC_PINS &&
			    lvx_ioapic_eoi(&io, pin, &msg) == LVX_IOAPIC_SEND)
				lvx_ioapic_sent(&io, pin, r >> 16 & 3);
			break;
		default:
			ret = lvx_ioapic_set_line(&io, pin, r >> 16, r >> 24 & 1,
						  &msg);
			if (ret == LVX_LINE_SEND)
				lvx_ioapic_sent(&io, pin, r >> 32 & 3);
			break;
		}
		EXPECT_EQ(io.irr >> LVX_IOAPIC_PINS, 0);
		for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
			EXPECT(!(io.redir[pin] & LVX_REDIR_REMOTE_IRR) ||
			       lvx_ioapic_is_level(&io, pin));
	}
}
