/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PC's two 8259A interrupt controllers, master and slave, as one state
 * machine. The caller locks it, connects its output to the LINT0 pins, and
 * looks after each call at @output, @acked and @unmasked.
 */
#ifndef LVX_PURE_PIC_H
#define LVX_PURE_PIC_H

#include "pure/pure.h"

#define LVX_PIC_PINS	16

/*
 * What a change of a line did; KVM_IRQ_LINE_STATUS reports it. Positive
 * values are numbers of CPUs that the interrupt went to.
 */
#define LVX_LINE_IGNORED	(-1)	/* masked, or nobody took it */
#define LVX_LINE_COALESCED	0	/* the one before is still pending */

/*
 * One 8259A, laid out as struct kvm_pic_state, which the caller asserts.
 * @priority_add is the line of highest priority, @init_state the initialization
 * command word that is expected next less one (0: none).
 */
struct lvx_i8259 {
	u8 last_irr;		/* line levels as last seen, for edges */
	u8 irr;
	u8 imr;
	u8 isr;
	u8 priority_add;
	u8 irq_base;
	u8 read_isr;		/* which of IRR and ISR a read returns */
	u8 poll;
	u8 special_mask;
	u8 init_state;
	u8 auto_eoi;
	u8 rotate_on_auto_eoi;
	u8 special_fully_nested;
	u8 init4;		/* ICW4 is going to come */
	u8 elcr;		/* a bit for each level-triggered line */
	u8 elcr_mask;		/* lines that may be so */
};

/**
 * struct lvx_pic - both controllers
 * @chip: master, slave
 * @sources: who holds each line up, a bit per source
 * @output: the INTR pin to the CPU
 * @acked: lines whose service ended since the caller last cleared this
 * @unmasked: lines whose mask went away since then
 */
struct lvx_pic {
	struct lvx_i8259 chip[2];
	u8 sources[LVX_PIC_PINS];
	bool output;
	u16 acked;
	u16 unmasked;
};

void lvx_pic_init(struct lvx_pic *pic);
int lvx_pic_set_line(struct lvx_pic *pic, unsigned int pin, unsigned int source,
		     bool level);
u8 lvx_pic_peek(const struct lvx_pic *pic);
u8 lvx_pic_take(struct lvx_pic *pic);
void lvx_pic_set_state(struct lvx_pic *pic, unsigned int chip,
		       const struct lvx_i8259 *state);

/* Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0 and 0x4d1; others read as 0xff. */
u8 lvx_pic_read(struct lvx_pic *pic, u16 port);
void lvx_pic_write(struct lvx_pic *pic, u16 port, u8 val);

#endif /* LVX_PURE_PIC_H */
