// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254's counters as functions of the time since they were loaded. See
 * Intel's data sheet of the 82C54 for modes and command words.
 *
 * Left out: BCD counting, the gate's holding a counter in modes 0 and 4, the
 * null-count bit. Nothing since MS-DOS looks at them, and user space's state
 * structure has no place for them.
 */
#include "pure/pit.h"

#define NS_PER_SEC	1000000000U
#define MAX_COUNT	0x10000U

/* Halves of a count: what rw_mode and the three states hold. */
enum { HALF_NONE, HALF_LOW, HALF_HIGH, HALF_LOW_OF_TWO, HALF_HIGH_OF_TWO };

#define PORT_CONTROL	3

/* Control word. */
#define CTL_CHANNEL	GENMASK(7, 6)
#define CTL_READ_BACK	3
#define CTL_RW		GENMASK(5, 4)
#define CTL_BCD		BIT(0)
#define RB_NO_COUNT	BIT(5)
#define RB_NO_STATUS	BIT(4)

/* Port 0x61. */
#define SPEAKER_GATE	BIT(0)
#define SPEAKER_DATA	BIT(1)
#define SPEAKER_REFRESH	BIT(4)
#define SPEAKER_OUT	BIT(5)

/* A load time from user space may lie anywhere; time never runs backwards. */
static u64 elapsed(const struct lvx_i8254_channel *c, s64 now)
{
	u64 ns = now > c->count_load_time ?
		 (u64)now - (u64)c->count_load_time : 0;

	return mul_u64_u32_div(ns, LVX_PIT_HZ, NS_PER_SEC);
}

static u16 count_at(const struct lvx_i8254_channel *c, s64 now)
{
	u64 ticks = elapsed(c, now), rest;

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		return c->count - ticks;
	case 3:
		/* Counts down by two, twice for a period. */
		div64_u64_rem(2 * ticks, c->count, &rest);
		return c->count - rest;
	}
	div64_u64_rem(ticks, c->count, &rest);
	return c->count - rest;
}

static bool output_at(const struct lvx_i8254_channel *c, s64 now)
{
	u64 ticks = elapsed(c, now), rest;

	div64_u64_rem(ticks, c->count, &rest);
	switch (c->mode) {
	case 1:
		return ticks < c->count;
	case 2:
		return rest == 0 && ticks != 0;
	case 3:
		return rest < (c->count + 1) / 2;
	case 4:
	case 5:
		return ticks == c->count;
	}
	return ticks >= c->count;
}

static void load(struct lvx_i8254_channel *c, u32 count, s64 now)
{
	/* 0 stands for the largest count. */
	c->count = count && count <= MAX_COUNT ? count : MAX_COUNT;
	c->count_load_time = now;
}

/**
 * lvx_i8254_init() - power on
 * @pit: state, whatever it contains
 * @now: ns
 */
void lvx_i8254_init(struct lvx_i8254 *pit, s64 now)
{
	unsigned int i;

	memset(pit, 0, sizeof(*pit));
	for (i = 0; i < LVX_PIT_CHANNELS; i++) {
		pit->channels[i].mode = LVX_PIT_MODE_NONE;
		/* Port 0x61 holds the speaker's gate down. */
		pit->channels[i].gate = i != 2;
		load(&pit->channels[i], 0, now);
	}
}

static void latch_count(struct lvx_i8254_channel *c, s64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = count_at(c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct lvx_i8254_channel *c, s64 now)
{
	if (c->status_latched)
		return;
	c->status = output_at(c, now) << 7 | (c->rw_mode & 3) << 4 |
		    (c->mode & 7) << 1 | (c->bcd & 1);
	c->status_latched = 1;
}

static void read_back(struct lvx_i8254 *pit, u8 val, s64 now)
{
	unsigned int i;

	for (i = 0; i < LVX_PIT_CHANNELS; i++) {
		if (!(val & (2 << i)))
			continue;
		if (!(val & RB_NO_COUNT))
			latch_count(&pit->channels[i], now);
		if (!(val & RB_NO_STATUS))
			latch_status(&pit->channels[i], now);
	}
}

static void write_control(struct lvx_i8254 *pit, u8 val, s64 now)
{
	struct lvx_i8254_channel *c;
	u8 rw = (val & CTL_RW) >> 4;

	if ((val & CTL_CHANNEL) >> 6 == CTL_READ_BACK) {
		read_back(pit, val, now);
		return;
	}
	c = &pit->channels[array_index_nospec(val >> 6, LVX_PIT_CHANNELS)];
	if (rw == HALF_NONE) {
		latch_count(c, now);
		return;
	}
	c->rw_mode = rw;
	c->read_state = rw;
	c->write_state = rw;
	c->mode = (val >> 1) & 7;
	if (c->mode > 5)
		c->mode -= 4;		/* bit 2 is ignored in modes 2 and 3 */
	c->bcd = val & CTL_BCD;
}

/**
 * lvx_i8254_write() - OUT
 * @pit: state
 * @port: 0..3
 * @val: the byte
 * @now: ns
 *
 * Return: true when counter 0 was loaded: ask lvx_i8254_next() again.
 */
bool lvx_i8254_write(struct lvx_i8254 *pit, unsigned int port, u8 val, s64 now)
{
	struct lvx_i8254_channel *c;

	port &= 3;
	if (port == PORT_CONTROL) {
		write_control(pit, val, now);
		return false;
	}
	port = array_index_nospec(port, LVX_PIT_CHANNELS);
	c = &pit->channels[port];
	switch (c->write_state) {
	case HALF_LOW_OF_TWO:
		c->write_latch = val;
		c->write_state = HALF_HIGH_OF_TWO;
		return false;
	case HALF_HIGH_OF_TWO:
		c->write_state = HALF_LOW_OF_TWO;
		load(c, c->write_latch | val << 8, now);
		break;
	case HALF_HIGH:
		load(c, val << 8, now);
		break;
	default:
		load(c, val, now);
		break;
	}
	return port == 0;
}

static u8 read_latched(struct lvx_i8254_channel *c)
{
	u8 half = c->count_latched;

	c->count_latched = half == HALF_LOW_OF_TWO ? HALF_HIGH : HALF_NONE;
	return half == HALF_HIGH ? c->latched_count >> 8 : c->latched_count;
}

/**
 * lvx_i8254_read() - IN
 * @pit: state
 * @port: 0..3
 * @now: ns
 *
 * Return: the byte; 0 from the control port, which can't be read.
 */
u8 lvx_i8254_read(struct lvx_i8254 *pit, unsigned int port, s64 now)
{
	struct lvx_i8254_channel *c;
	u16 count;

	port &= 3;
	if (port == PORT_CONTROL)
		return 0;
	c = &pit->channels[array_index_nospec(port, LVX_PIT_CHANNELS)];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);

	count = count_at(c, now);
	switch (c->read_state) {
	case HALF_LOW_OF_TWO:
		c->read_state = HALF_HIGH_OF_TWO;
		return count;
	case HALF_HIGH_OF_TWO:
		c->read_state = HALF_LOW_OF_TWO;
		return count >> 8;
	case HALF_HIGH:
		return count >> 8;
	}
	return count;
}

/**
 * lvx_i8254_speaker_read() - IN from port 0x61
 * @pit: state
 * @now: ns
 *
 * Return: gate and data as written, counter 2's output, and the DRAM refresh
 * toggle that old software times its loops with.
 */
u8 lvx_i8254_speaker_read(const struct lvx_i8254 *pit, s64 now)
{
	const struct lvx_i8254_channel *c = &pit->channels[2];
	u8 val = c->gate ? SPEAKER_GATE : 0;

	if (pit->speaker_on)
		val |= SPEAKER_DATA;
	/* The toggle's 15 us are near enough to 2^14 ns. */
	if (now & BIT(14))
		val |= SPEAKER_REFRESH;
	if (output_at(c, now))
		val |= SPEAKER_OUT;
	return val;
}

/**
 * lvx_i8254_speaker_write() - OUT to port 0x61
 * @pit: state
 * @val: the byte
 * @now: ns
 */
void lvx_i8254_speaker_write(struct lvx_i8254 *pit, u8 val, s64 now)
{
	struct lvx_i8254_channel *c = &pit->channels[2];
	u8 gate = val & SPEAKER_GATE;

	pit->speaker_on = val & SPEAKER_DATA;
	/* A rising gate starts these modes over. */
	if (gate && !c->gate && c->mode != 0 && c->mode != 4)
		c->count_load_time = now;
	c->gate = gate;
}

/**
 * lvx_i8254_next() - when does counter 0 interrupt next?
 * @pit: state
 * @after: ns; only what comes later counts
 * @when: ns, set if there is an answer
 *
 * Computed from the load time, so that a caller that is late does not make the
 * guest's clock drift.
 *
 * Return: false if it will not interrupt any more.
 */
bool lvx_i8254_next(const struct lvx_i8254 *pit, s64 after, s64 *when)
{
	const struct lvx_i8254_channel *c = &pit->channels[0];
	u64 ticks = c->count, ns;

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
		break;
	case 2:
	case 3:
		ticks *= div64_u64(elapsed(c, after), c->count) + 1;
		break;
	default:
		return false;
	}
	ns = mul_u64_u32_div(ticks, NS_PER_SEC, LVX_PIT_HZ) + 1;
	if ((u64)c->count_load_time + ns > (u64)S64_MAX)
		return false;
	*when = c->count_load_time + (s64)ns;
	return *when > after;
}

/**
 * lvx_i8254_set_channel() - take over a counter that user space kept
 * @pit: state
 * @i: which, below LVX_PIT_CHANNELS
 * @state: anything
 * @now: ns; the counter starts over, since the clock that its load time was
 *	read from may have been another machine's
 */
void lvx_i8254_set_channel(struct lvx_i8254 *pit, unsigned int i,
			   const struct lvx_i8254_channel *state, s64 now)
{
	struct lvx_i8254_channel *c = &pit->channels[i];

	*c = *state;
	if (c->mode > 5)
		c->mode = LVX_PIT_MODE_NONE;
	c->gate &= 1;
	load(c, state->count, now);
}
