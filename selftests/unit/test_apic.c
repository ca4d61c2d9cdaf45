// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: who may access what in which mode, what a write sets off,
 * priorities, timer.
 */
#include "tap.h"
#include "pure/apic.h"

static u8 page[LVX_APIC_PAGE_SIZE] __aligned(4096);
static struct lvx_apic apic;
static struct lvx_apic_effect effect;

#define GP	((unsigned long long)-EINVAL)

static void power_on(u32 id)
{
	memset(page, 0, sizeof(page));
	apic = (struct lvx_apic){ .regs = page, .id = id, .nr_lvt = 6,
				  .has_deadline = true };
	lvx_apic_reset(&apic, id == 0, false);
}

static int write_at(u32 reg, u64 val, u64 now)
{
	return lvx_apic_write(&apic, reg, val, now, &effect);
}

static int write(u32 reg, u64 val)
{
	return write_at(reg, val, 0);
}

static u64 read_at(u32 reg, u64 now)
{
	u64 val;

	lvx_apic_read(&apic, reg, now, &val);
	return val;
}

static u64 read(u32 reg)
{
	return read_at(reg, 0);
}

static void enable(bool x2)
{
	if (x2)
		lvx_apic_set_base(&apic, apic.base | LVX_APIC_BASE_X2APIC,
				  false, true, 39);
	write(LVX_APIC_SVR, 0x1ff);
}

static void arrive(u8 vector, bool level)
{
	u64 bit = BIT_ULL(vector % 64);

	lvx_apic_merge(&apic, vector / 64, bit, level ? bit : 0);
}

TEST(reset)
{
	power_on(0);
	EXPECT_EQ(apic.base, 0xfee00900);
	EXPECT_EQ(read(LVX_APIC_ID), 0);
	EXPECT_EQ(read(LVX_APIC_VERSION), 0x50014);
	EXPECT_EQ(read(LVX_APIC_SVR), 0xff);
	EXPECT_EQ(read(LVX_APIC_DFR), 0xffffffff);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT0), 0x700);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT1), 0x10000);
	power_on(3);
	EXPECT_EQ(apic.base, 0xfee00800);
	EXPECT_EQ(read(LVX_APIC_ID), 3 << 24);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT0), 0x10000);
	/* INIT keeps the mode and the ID. */
	enable(true);
	arrive(0x40, false);
	lvx_apic_reset(&apic, false, true);
	EXPECT(lvx_apic_x2(&apic));
	EXPECT_EQ(read(LVX_APIC_ID), 3);
	EXPECT_EQ(read(LVX_APIC_LDR), 8);
	EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_IRR), -1ULL);
	EXPECT(!lvx_apic_sw_enabled(&apic));
}

/* Which registers exist, straight from the manual's two tables. */
TEST(access_rights)
{
	static const char * const x2[64] = {
		[0x02] = "r", [0x03] = "r", [0x08] = "rw", [0x0a] = "r",
		[0x0b] = "w", [0x0d] = "r", [0x0f] = "rw",
		[0x10] = "r", [0x11] = "r", [0x12] = "r", [0x13] = "r",
		[0x14] = "r", [0x15] = "r", [0x16] = "r", [0x17] = "r",
		[0x18] = "r", [0x19] = "r", [0x1a] = "r", [0x1b] = "r",
		[0x1c] = "r", [0x1d] = "r", [0x1e] = "r", [0x1f] = "r",
		[0x20] = "r", [0x21] = "r", [0x22] = "r", [0x23] = "r",
		[0x24] = "r", [0x25] = "r", [0x26] = "r", [0x27] = "r",
		[0x28] = "rw", [0x30] = "rw", [0x32] = "rw", [0x33] = "rw",
		[0x34] = "rw", [0x35] = "rw", [0x36] = "rw", [0x37] = "rw",
		[0x38] = "rw", [0x39] = "r", [0x3e] = "rw", [0x3f] = "w",
	};
	u64 val;
	u32 i;

	for (i = 0; i < 0x1000; i++) {
		const char *rights = i & 0xf || i / 16 >= 64 || !x2[i / 16] ?
				     "" : x2[i / 16];

		power_on(0);
		enable(true);
		EXPECT_EQ(lvx_apic_read(&apic, i, 0, &val),
			  strchr(rights, 'r') ? 0 : GP);
		EXPECT_EQ(lvx_apic_write(&apic, i, 0, 0, &effect),
			  strchr(rights, 'w') ? 0 : GP);
	}
	/* What only xAPIC mode has. */
	power_on(0);
	enable(false);
	EXPECT_EQ(write(LVX_APIC_ID, 0x05000000), 0);
	EXPECT(effect.todo & LVX_APIC_DO_MAP);
	EXPECT_EQ(write(LVX_APIC_LDR, 0xffffffff), 0);
	EXPECT_EQ(read(LVX_APIC_LDR), 0xff000000);
	EXPECT_EQ(write(LVX_APIC_DFR, 0), 0);
	EXPECT_EQ(read(LVX_APIC_DFR), 0x0fffffff);
	EXPECT_EQ(lvx_apic_read(&apic, LVX_APIC_APR, 0, &val), 0);
	EXPECT_EQ(write(LVX_APIC_ICR2, 0xffffffff), 0);
	EXPECT_EQ(read(LVX_APIC_ICR2), 0xff000000);
	EXPECT_EQ(write(LVX_APIC_SELF_IPI, 0x40), GP);
	EXPECT_EQ(write(LVX_APIC_LVT_CMCI, 0), GP);
	apic.nr_lvt = 7;
	EXPECT_EQ(write(LVX_APIC_LVT_CMCI, 0), 0);
}

TEST(reserved_bits)
{
	static const struct { u32 reg; u64 bits; } regs[] = {
		{ LVX_APIC_TPR, 0xff },
		{ LVX_APIC_EOI, 0 },
		{ LVX_APIC_SVR, 0x3ff },
		{ LVX_APIC_ESR, 0 },
		{ LVX_APIC_LVT_TIMER, 0x710ff },
		{ LVX_APIC_LVT_PMC, 0x117ff },
		{ LVX_APIC_LVT_THERMAL, 0x117ff },
		{ LVX_APIC_LVT_LINT0, 0x1f7ff },
		{ LVX_APIC_LVT_LINT1, 0x1f7ff },
		{ LVX_APIC_LVT_ERROR, 0x110ff },
		{ LVX_APIC_TIMER_INIT, 0xffffffff },
		{ LVX_APIC_TIMER_DIVIDE, 0xb },
		{ LVX_APIC_SELF_IPI, 0xff },
	};
	unsigned int i, bit;
	u32 low;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		for (bit = 0; bit < 64; bit++) {
			bool ok = regs[i].bits & BIT_ULL(bit);

			power_on(0);
			enable(true);
			EXPECT_EQ(write(regs[i].reg, BIT_ULL(bit)),
				  ok ? 0 : GP);
			/* In xAPIC mode they are just not there. */
			power_on(0);
			enable(false);
			low = read(regs[i].reg);
			if (bit < 32 && !ok &&
			    write(regs[i].reg, low | BIT(bit)) == 0)
				EXPECT_EQ(read(regs[i].reg), low);
		}
	}
	/* Read-only bits in the middle of an LVT. */
	power_on(0);
	enable(true);
	EXPECT_EQ(write(LVX_APIC_LVT_LINT0, 0x15030), 0);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT0), 0x10030);
}

TEST(icr)
{
	unsigned int bit;

	power_on(0);
	enable(false);
	write(LVX_APIC_ICR2, 0x12345678);
	EXPECT_EQ(write(LVX_APIC_ICR, 0xffff5fff & ~0xc0000), 0);
	/* Bits that mean nothing are kept, the status bit is not. */
	EXPECT_EQ(read(LVX_APIC_ICR), 0xfff34fff);
	ASSERT(effect.todo & LVX_APIC_DO_IPI);
	EXPECT_EQ(effect.ipi.dest, 0x12);
	EXPECT_EQ(effect.ipi.vector, 0xff);
	EXPECT_EQ(effect.ipi.mode, LVX_DM_EXTINT);
	EXPECT(effect.ipi.logical && effect.ipi.assert && !effect.ipi.level);
	EXPECT(!effect.ipi.x2apic);

	power_on(0);
	enable(true);
	EXPECT_EQ(write(LVX_APIC_ICR, 0x12345678000c0850ULL), 0);
	EXPECT_EQ(read(LVX_APIC_ICR), 0x12345678000c0850ULL);
	ASSERT(effect.todo & LVX_APIC_DO_IPI);
	EXPECT_EQ(effect.ipi.dest, 0x12345678);
	EXPECT_EQ(effect.ipi.shorthand, LVX_TO_OTHERS);
	EXPECT(effect.ipi.logical && effect.ipi.x2apic);
	for (bit = 0; bit < 32; bit++)
		EXPECT_EQ(write(LVX_APIC_ICR, BIT(bit)),
			  0xfff32000 & BIT(bit) ? GP : 0);
	write(LVX_APIC_ICR, 0x1000);
	EXPECT_EQ(read(LVX_APIC_ICR), 0);
}

TEST(self_ipi)
{
	unsigned int vector;

	for (vector = 0; vector < 256; vector++) {
		power_on(0);
		enable(true);
		EXPECT_EQ(write(LVX_APIC_SELF_IPI, vector), 0);
		EXPECT_EQ(lvx_apic_test(&apic, LVX_APIC_IRR, vector),
			  vector >= 16);
		EXPECT(!(effect.todo & LVX_APIC_DO_IPI));
		power_on(0);
		enable(false);
		write(LVX_APIC_ICR, 0x44000 | vector);
		EXPECT_EQ(lvx_apic_test(&apic, LVX_APIC_IRR, vector),
			  vector >= 16);
	}
	/* An NMI to oneself is an event, not a bit in the page. */
	write(LVX_APIC_ICR, 0x44400);
	EXPECT(effect.todo & LVX_APIC_DO_IPI);
	EXPECT_EQ(effect.ipi.mode, LVX_DM_NMI);
	/* Nothing is accepted while disabled by software. */
	power_on(0);
	write(LVX_APIC_ICR, 0x44050);
	EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_IRR), -1ULL);
}

/* INIT apart, a level-triggered IPI that goes down interrupts nobody. */
TEST(level_deassert)
{
	static const u32 to[] = { 0, 0x800, 0x40000, 0x80000, 0xc0000 };
	u32 mode, i;

	for (i = 0; i < ARRAY_SIZE(to); i++) {
		for (mode = 0; mode < 8; mode++) {
			power_on(0);
			enable(i & 1);
			write(LVX_APIC_ICR, to[i] | 0x8000 | mode << 8 | 0x41);
			EXPECT_EQ(!!(effect.todo & LVX_APIC_DO_IPI),
				  mode != LVX_DM_FIXED && mode != LVX_DM_LOWEST);
			EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_IRR), -1ULL);
			write(LVX_APIC_ICR, to[i] | 0xc000 | mode << 8 | 0x41);
			if (to[i] == 0x40000 && mode == LVX_DM_FIXED)
				EXPECT(lvx_apic_test(&apic, LVX_APIC_TMR, 0x41));
			else
				EXPECT(effect.todo & LVX_APIC_DO_IPI);
		}
	}
}

TEST(priorities)
{
	unsigned int irr, isr, tpr;

	for (irr = 16; irr < 256; irr += 3) {
		for (tpr = 0; tpr < 256; tpr += 5) {
			power_on(0);
			enable(false);
			write(LVX_APIC_TPR, tpr);
			EXPECT(!effect.todo);
			arrive(irr, false);
			write(LVX_APIC_TPR, tpr);
			EXPECT(effect.todo & LVX_APIC_DO_CHECK);
			EXPECT_EQ(lvx_apic_pending(&apic),
				  irr >> 4 > tpr >> 4 ? irr : -1ULL);
			EXPECT_EQ(read(LVX_APIC_PPR), tpr);
		}
	}
	for (isr = 16; isr < 256; isr += 7) {
		power_on(0);
		enable(false);
		arrive(isr, false);
		EXPECT_EQ(lvx_apic_pending(&apic), isr);
		lvx_apic_accept(&apic, isr);
		EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_ISR), isr);
		EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_IRR), -1ULL);
		EXPECT_EQ(read(LVX_APIC_PPR), isr & 0xf0);
		for (irr = 16; irr < 256; irr++) {
			arrive(irr, false);
			EXPECT_EQ(lvx_apic_pending(&apic),
				  irr >> 4 > isr >> 4 ? irr : -1ULL);
			lvx_apic_put(&apic, LVX_APIC_IRR, irr, false);
		}
	}
}

TEST(eoi)
{
	power_on(0);
	enable(true);
	EXPECT_EQ(write(LVX_APIC_EOI, 0), 0);
	EXPECT_EQ(effect.todo & LVX_APIC_DO_EOI, 0);
	arrive(0x31, true);
	lvx_apic_accept(&apic, 0x31);
	arrive(0x52, false);
	lvx_apic_accept(&apic, 0x52);
	arrive(0x41, false);
	EXPECT(lvx_apic_test(&apic, LVX_APIC_TMR, 0x31));
	write(LVX_APIC_EOI, 0);
	ASSERT(effect.todo & LVX_APIC_DO_EOI);
	EXPECT(effect.todo & LVX_APIC_DO_CHECK);
	EXPECT_EQ(effect.eoi_vector, 0x52);
	EXPECT(!effect.eoi_level);
	lvx_apic_put(&apic, LVX_APIC_IRR, 0x41, false);
	write(LVX_APIC_EOI, 0);
	EXPECT_EQ(effect.todo, LVX_APIC_DO_EOI);
	EXPECT_EQ(effect.eoi_vector, 0x31);
	EXPECT(effect.eoi_level);
	/* The next one of the same vector may be an edge. */
	arrive(0x31, false);
	EXPECT(!lvx_apic_test(&apic, LVX_APIC_TMR, 0x31));
	EXPECT_EQ(lvx_apic_highest(&apic, LVX_APIC_ISR), -1ULL);
}

TEST(software_disable_masks)
{
	power_on(1);
	EXPECT_EQ(write(LVX_APIC_LVT_LINT1, 0x400), 0);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT1), 0x10400);
	enable(false);
	EXPECT(effect.todo & LVX_APIC_DO_MAP);
	write(LVX_APIC_LVT_LINT1, 0x400);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT1), 0x400);
	write(LVX_APIC_SVR, 0x1fe);
	EXPECT_EQ(effect.todo & LVX_APIC_DO_MAP, 0);
	write(LVX_APIC_SVR, 0xff);
	EXPECT(effect.todo & LVX_APIC_DO_MAP);
	EXPECT_EQ(read(LVX_APIC_LVT_LINT1), 0x10400);
}

TEST(directed_eoi)
{
	power_on(0);
	enable(true);
	EXPECT_EQ(write(LVX_APIC_SVR, 0x11ff), GP);
	apic.directed_eoi = true;
	lvx_apic_set_version(&apic);
	EXPECT_EQ(read(LVX_APIC_VERSION), 0x01050014);
	EXPECT_EQ(write(LVX_APIC_SVR, 0x11ff), 0);
	EXPECT_EQ(read(LVX_APIC_SVR), 0x11ff);
}

TEST(lvt_messages)
{
	struct lvx_apic_msg msg;

	power_on(0);
	enable(false);
	EXPECT(!lvx_apic_lvt(&apic, LVX_APIC_LVT_TIMER, &msg));
	write(LVX_APIC_LVT_TIMER, 0x200ef);
	EXPECT(lvx_apic_lvt(&apic, LVX_APIC_LVT_TIMER, &msg));
	EXPECT_EQ(msg.vector, 0xef);
	EXPECT_EQ(msg.mode, LVX_DM_FIXED);
	EXPECT(!msg.level);
	write(LVX_APIC_LVT_LINT1, 0x8400);
	EXPECT(lvx_apic_lvt(&apic, LVX_APIC_LVT_LINT1, &msg));
	EXPECT_EQ(msg.mode, LVX_DM_NMI);
	EXPECT(msg.level);
	apic.base &= ~LVX_APIC_BASE_ENABLE;
	EXPECT(!lvx_apic_lvt(&apic, LVX_APIC_LVT_LINT1, &msg));
}

TEST(base_transitions)
{
	enum { OFF, INVALID, XAPIC, X2APIC };
	static const u64 bits[] = { 0, LVX_APIC_BASE_X2APIC,
		LVX_APIC_BASE_ENABLE,
		LVX_APIC_BASE_ENABLE | LVX_APIC_BASE_X2APIC };
	/* allowed[from][to] for the guest */
	static const bool allowed[4][4] = {
		[OFF]	 = { [OFF] = true, [XAPIC] = true },
		[XAPIC]	 = { [OFF] = true, [XAPIC] = true, [X2APIC] = true },
		[X2APIC] = { [OFF] = true, [X2APIC] = true },
	};
	unsigned int from, to, bit;
	u64 base = 0xfee00000;

	for (from = 0; from < 4; from++) {
		for (to = 0; to < 4; to++) {
			if (from == INVALID)
				continue;
			power_on(5);
			apic.base = base | bits[from];
			EXPECT_EQ(lvx_apic_set_base(&apic, base | bits[to],
						    false, true, 39),
				  allowed[from][to] ? 0 : GP);
			EXPECT_EQ(apic.base, base |
				  bits[allowed[from][to] ? to : from]);
			apic.base = base | bits[from];
			EXPECT_EQ(lvx_apic_set_base(&apic, base | bits[to],
						    true, true, 39),
				  to != INVALID ? 0 : GP);
		}
	}
	for (bit = 0; bit < 64; bit++) {
		power_on(0);
		EXPECT_EQ(lvx_apic_set_base(&apic, base | 0x800 | BIT_ULL(bit),
					    true, false, 39),
			  bit == 8 || (bit >= 11 && bit < 39) ? 0 : GP);
	}
	/* Coming back from off, the ID is the one of reset. */
	power_on(5);
	write(LVX_APIC_ID, 0x77000000);
	lvx_apic_set_base(&apic, base, false, true, 39);
	lvx_apic_set_base(&apic, base | 0x800, false, true, 39);
	EXPECT_EQ(read(LVX_APIC_ID), 5 << 24);
	lvx_apic_set_base(&apic, base | 0xc00, false, true, 39);
	EXPECT_EQ(read(LVX_APIC_ID), 5);
	EXPECT_EQ(read(LVX_APIC_LDR), 0x20);
}

TEST(timer_oneshot)
{
	static const u32 divide[] = { [0] = 2, [1] = 4, [2] = 8, [3] = 16,
		[8] = 32, [9] = 64, [10] = 128, [11] = 1 };
	u64 when, now = 1000000;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(divide); i++) {
		if (!divide[i])
			continue;
		power_on(0);
		enable(true);
		write(LVX_APIC_LVT_TIMER, 0x40);
		EXPECT_EQ(lvx_apic_timer_next(&apic, &when),
			  LVX_APIC_WAIT_NONE);
		write_at(LVX_APIC_TIMER_DIVIDE, i, now);
		write_at(LVX_APIC_TIMER_INIT, 1000, now);
		EXPECT(effect.todo & LVX_APIC_DO_TIMER);
		EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NS);
		EXPECT_EQ(when, now + 1000 * divide[i]);
		EXPECT_EQ(read_at(LVX_APIC_TIMER_CURRENT, now), 1000);
		EXPECT_EQ(read_at(LVX_APIC_TIMER_CURRENT,
				  now + 400 * divide[i]), 600);
		EXPECT_EQ(read_at(LVX_APIC_TIMER_CURRENT, when - 1), 1);
		EXPECT_EQ(read_at(LVX_APIC_TIMER_CURRENT, when), 0);
		EXPECT(!lvx_apic_timer_fire(&apic, when - 1, 0));
		EXPECT(lvx_apic_timer_fire(&apic, when, 0));
		EXPECT(!lvx_apic_timer_fire(&apic, when + 1, 0));
		EXPECT_EQ(read_at(LVX_APIC_TIMER_INIT, when), 1000);
		EXPECT_EQ(lvx_apic_timer_next(&apic, &when),
			  LVX_APIC_WAIT_NONE);
		/* Writing 0 stops it. */
		write_at(LVX_APIC_TIMER_INIT, 1000, now);
		write_at(LVX_APIC_TIMER_INIT, 0, now);
		EXPECT_EQ(lvx_apic_timer_next(&apic, &when),
			  LVX_APIC_WAIT_NONE);
	}
}

TEST(timer_periodic)
{
	u64 when, now = 5000;

	power_on(0);
	enable(true);
	write(LVX_APIC_LVT_TIMER, 0x20040);
	write_at(LVX_APIC_TIMER_DIVIDE, 0xb, now);
	write_at(LVX_APIC_TIMER_INIT, 1000000, now);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NS);
	EXPECT_EQ(when, now + 1000000);
	EXPECT(lvx_apic_timer_fire(&apic, when + 10, 0));
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, now + 2000000);
	/* Late by three periods and a bit: one interrupt, phase kept. */
	EXPECT(lvx_apic_timer_fire(&apic, now + 5300000, 0));
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, now + 6000000);
	/* A period that would drown the host is stretched. */
	write_at(LVX_APIC_TIMER_INIT, 1, now);
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, now + 200000);
	/* Not so for one shot. */
	write(LVX_APIC_LVT_TIMER, 0x40);
	write_at(LVX_APIC_TIMER_INIT, 1, now);
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, now + 1);
}

TEST(timer_divide_on_the_run)
{
	u64 when;

	power_on(0);
	enable(true);
	write(LVX_APIC_LVT_TIMER, 0x40);
	write_at(LVX_APIC_TIMER_DIVIDE, 0xb, 0);
	write_at(LVX_APIC_TIMER_INIT, 1000, 0);
	/* 600 counts are left, and each takes 4 ns from now on. */
	write_at(LVX_APIC_TIMER_DIVIDE, 1, 400);
	EXPECT(effect.todo & LVX_APIC_DO_TIMER);
	EXPECT_EQ(read_at(LVX_APIC_TIMER_CURRENT, 400), 600);
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, 400 + 2400);
	/* An expired timer is not woken up. */
	EXPECT(lvx_apic_timer_fire(&apic, 2800, 0));
	write_at(LVX_APIC_TIMER_DIVIDE, 0, 3000);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NONE);
}

TEST(timer_deadline)
{
	u64 when;

	power_on(0);
	enable(true);
	write(LVX_APIC_LVT_TIMER, 0x40);
	EXPECT(!lvx_apic_set_tsc_deadline(&apic, 1234));
	EXPECT_EQ(lvx_apic_tsc_deadline(&apic), 0);
	write_at(LVX_APIC_TIMER_INIT, 1000, 0);
	write(LVX_APIC_LVT_TIMER, 0x40040);
	EXPECT(effect.todo & LVX_APIC_DO_TIMER);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NONE);
	EXPECT_EQ(read(LVX_APIC_TIMER_INIT), 0);
	EXPECT(lvx_apic_set_tsc_deadline(&apic, 1234));
	EXPECT_EQ(lvx_apic_tsc_deadline(&apic), 1234);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_TSC);
	EXPECT_EQ(when, 1234);
	/* The counter is dead in this mode. */
	EXPECT_EQ(write_at(LVX_APIC_TIMER_INIT, 55, 0), 0);
	EXPECT_EQ(read(LVX_APIC_TIMER_INIT), 0);
	EXPECT_EQ(read(LVX_APIC_TIMER_CURRENT), 0);
	EXPECT(!lvx_apic_timer_fire(&apic, 0, 1233));
	EXPECT_EQ(lvx_apic_tsc_deadline(&apic), 1234);
	EXPECT(lvx_apic_timer_fire(&apic, 0, 1234));
	EXPECT_EQ(lvx_apic_tsc_deadline(&apic), 0);
	EXPECT(!lvx_apic_timer_fire(&apic, 0, 9999));
	lvx_apic_set_tsc_deadline(&apic, 99);
	write(LVX_APIC_LVT_TIMER, 0x40);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NONE);
	/* Both mode bits: no timer at all. */
	write(LVX_APIC_LVT_TIMER, 0x60040);
	write_at(LVX_APIC_TIMER_INIT, 1000, 0);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NONE);
}

/* Never early, and however far the deadline is, the result has 64 bits. */
TEST(timer_ticks_to_ns)
{
	static const u32 rates[] = { 1, 50000, 806400, 1000000, 3000000, U32_MAX };
	u64 most = (1000000ULL << 32) + 1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 khz = rates[i];

		EXPECT_EQ(lvx_apic_ticks_to_ns(0, khz), 1);
		EXPECT_EQ(lvx_apic_ticks_to_ns(khz, khz), 1000001);
		EXPECT_EQ(lvx_apic_ticks_to_ns(khz << 32, khz), most);
		EXPECT_EQ(lvx_apic_ticks_to_ns(U64_MAX, khz), most);
	}
	EXPECT_EQ(lvx_apic_ticks_to_ns(1, 806400), 2);
	EXPECT_EQ(lvx_apic_ticks_to_ns(1, 3000000), 1);
	EXPECT_EQ(lvx_apic_ticks_to_ns(10, 3000000), 4);
}

TEST(timer_without_deadline)
{
	u64 when;

	power_on(0);
	apic.has_deadline = false;
	enable(true);
	write(LVX_APIC_LVT_TIMER, 0x40040);
	EXPECT_EQ(read(LVX_APIC_LVT_TIMER), 0x40);
	EXPECT(!lvx_apic_set_tsc_deadline(&apic, 1234));
	write_at(LVX_APIC_TIMER_INIT, 1000, 0);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NS);
	/* Put there by user space */
	lvx_apic_set(&apic, LVX_APIC_LVT_TIMER, 0x40040);
	EXPECT(!lvx_apic_set_tsc_deadline(&apic, 1234));
}

TEST(save_and_restore)
{
	static u8 user[LVX_APIC_USER_SIZE] __aligned(8);
	u32 *u = (u32 *)user;
	u64 when;

	power_on(5);
	enable(true);
	write(LVX_APIC_ICR, 0x1234567800000850ULL);
	write(LVX_APIC_LVT_TIMER, 0x20040);
	write_at(LVX_APIC_TIMER_DIVIDE, 0xb, 0);
	write_at(LVX_APIC_TIMER_INIT, 1000000, 0);
	arrive(0x61, true);
	lvx_apic_get_page(&apic, user, 400000);
	EXPECT_EQ(u[LVX_APIC_ID / 4], 5 << 24);
	EXPECT_EQ(u[LVX_APIC_ICR / 4], 0x850);
	EXPECT_EQ(u[LVX_APIC_ICR2 / 4], 0x12345678);
	EXPECT_EQ(u[LVX_APIC_TIMER_CURRENT / 4], 600000);

	power_on(5);
	lvx_apic_set_base(&apic, 0xfee00c00, true, true, 39);
	lvx_apic_set_page(&apic, user, 7000000);
	EXPECT_EQ(read(LVX_APIC_ID), 5);
	EXPECT_EQ(read(LVX_APIC_ICR), 0x1234567800000850ULL);
	EXPECT_EQ(lvx_apic_pending(&apic), 0x61);
	EXPECT(lvx_apic_test(&apic, LVX_APIC_TMR, 0x61));
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NS);
	EXPECT_EQ(when, 7600000);
	EXPECT(lvx_apic_timer_fire(&apic, when, 0));
	lvx_apic_timer_next(&apic, &when);
	EXPECT_EQ(when, 8600000);

	/* A one-shot timer that has expired stays so. */
	power_on(5);
	enable(false);
	write(LVX_APIC_LVT_TIMER, 0x40);
	write_at(LVX_APIC_TIMER_INIT, 1000, 0);
	lvx_apic_timer_fire(&apic, 100000, 0);
	lvx_apic_get_page(&apic, user, 100000);
	lvx_apic_set_page(&apic, user, 0);
	EXPECT_EQ(lvx_apic_timer_next(&apic, &when), LVX_APIC_WAIT_NONE);
	EXPECT_EQ(read(LVX_APIC_TIMER_INIT), 1000);
}

static void poke_random(struct tap_rnd *rnd, u64 now)
{
	unsigned long long r = tap_rnd64(rnd), val = tap_rnd64(rnd);
	struct lvx_apic_msg msg;
	static u8 user[LVX_APIC_USER_SIZE] __aligned(8);
	int vector, i;
	u64 out;

	/* Half of the values have few bits, to get past the reserved ones. */
	if (r & BIT(20))
		val &= tap_rnd64(rnd) & tap_rnd64(rnd) & 0x600ff;
	switch (r & 15) {
	default:
		lvx_apic_write(&apic, (r >> 8) & 0x3f0, val, now, &effect);
		break;
	case 1:
		lvx_apic_read(&apic, (r >> 8) & 0xfff, now, &out);
		break;
	case 2:
		lvx_apic_set_base(&apic, (val & 0xc00) | 0xfee00000,
				  r & BIT(21), true, 39);
		break;
	case 3:
		vector = lvx_apic_pending(&apic);
		if (vector >= 0)
			lvx_apic_accept(&apic, vector);
		break;
	case 4:
		arrive(val, r & BIT(21));
		break;
	case 5:
		if (lvx_apic_timer_fire(&apic, now, val))
			lvx_apic_lvt(&apic, LVX_APIC_LVT_TIMER, &msg);
		break;
	case 6:
		lvx_apic_set_tsc_deadline(&apic, val);
		break;
	case 7:
		if (r & 0x3f00)
			break;
		for (i = 0; i < LVX_APIC_USER_SIZE; i++)
			user[i] = tap_rnd64(rnd);
		lvx_apic_set_page(&apic, user, now);
		break;
	case 8:
		if (!(r & 0x3f00))
			lvx_apic_reset(&apic, r & BIT(21), r & BIT(22));
		break;
	}
}

TEST(fuzz)
{
	unsigned long i, n = tap_fuzz_rounds(300000);
	struct tap_rnd rnd = { 0xa91c };
	u64 when, now = 0;
	int vector;

	power_on(0);
	for (i = 0; i < n; i++) {
		now += tap_rnd64(&rnd) >> 44;
		poke_random(&rnd, now);
		/* What must hold whatever was done to it. */
		vector = lvx_apic_pending(&apic);
		EXPECT(vector == -1 || (vector >= 16 && vector < 256));
		if (lvx_apic_x2(&apic))
			EXPECT_EQ(read(LVX_APIC_ID), 0);
		if (lvx_apic_timer_next(&apic, &when) == LVX_APIC_WAIT_NS)
			EXPECT(apic.period);
		EXPECT_EQ(lvx_apic_get(&apic, LVX_APIC_TPR) >> 8, 0);
	}
}
