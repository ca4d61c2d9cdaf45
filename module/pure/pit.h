/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PC's 8254 timer: three counters, and the bits of port 0x61 that belong
 * to the third. Counter 0 is the one with an interrupt (GSI 0).
 *
 * Counters are not counted but computed: each remembers when it was loaded, and
 * the caller says what time it is, in nanoseconds of any monotonic clock. For
 * the interrupt, lvx_i8254_next() says when counter 0's output rises next.
 */
#ifndef LVX_PURE_PIT_H
#define LVX_PURE_PIT_H

#include "pure/pure.h"

#define LVX_PIT_HZ		1193182
#define LVX_PIT_CHANNELS	3

/* A mode byte that no guest can write: the counter was never programmed. */
#define LVX_PIT_MODE_NONE	0xff

/**
 * struct lvx_i8254_channel - one counter; names as struct kvm_pit_channel_state
 * @count: reload value, 1..65536
 * @latched_count: value at the latch command
 * @count_latched: which half of it the next read returns, 0 for none
 * @status_latched: the next read returns @status
 * @status: status byte at the read-back command
 * @read_state: which half the next unlatched read returns
 * @write_state: which half the next write is
 * @write_latch: low half of a 16-bit write
 * @rw_mode: 1 low half only, 2 high half only, 3 low then high
 * @mode: 0..5 or LVX_PIT_MODE_NONE
 * @bcd: stored only; counting is always binary
 * @gate: the gate input
 * @count_load_time: ns
 */
struct lvx_i8254_channel {
	u32 count;
	u16 latched_count;
	u8 count_latched;
	u8 status_latched;
	u8 status;
	u8 read_state;
	u8 write_state;
	u8 write_latch;
	u8 rw_mode;
	u8 mode;
	u8 bcd;
	u8 gate;
	s64 count_load_time;
};

/**
 * struct lvx_i8254 - the chip
 * @channels: counters
 * @speaker_on: bit 1 of port 0x61
 */
struct lvx_i8254 {
	struct lvx_i8254_channel channels[LVX_PIT_CHANNELS];
	bool speaker_on;
};

void lvx_i8254_init(struct lvx_i8254 *pit, s64 now);
/* Ports 0x40..0x43 by their low two bits. */
u8 lvx_i8254_read(struct lvx_i8254 *pit, unsigned int port, s64 now);
/* Return: counter 0 was loaded, so that lvx_i8254_next() has changed. */
bool lvx_i8254_write(struct lvx_i8254 *pit, unsigned int port, u8 val, s64 now);
u8 lvx_i8254_speaker_read(const struct lvx_i8254 *pit, s64 now);
void lvx_i8254_speaker_write(struct lvx_i8254 *pit, u8 val, s64 now);
bool lvx_i8254_next(const struct lvx_i8254 *pit, s64 after, s64 *when);
void lvx_i8254_set_channel(struct lvx_i8254 *pit, unsigned int i,
			   const struct lvx_i8254_channel *state, s64 now);

#endif /* LVX_PURE_PIT_H */
