/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IOAPIC (82093AA): 24 pins, each with a redirection entry that says which
 * message a request becomes. The caller locks it, sends the messages that the
 * functions here produce, and reports back with lvx_ioapic_sent().
 */
#ifndef LVX_PURE_IOAPIC_H
#define LVX_PURE_IOAPIC_H

#include "pure/apic_msg.h"
#include "pure/pic.h"

#define LVX_IOAPIC_PINS		24
#define LVX_IOAPIC_BASE		0xfec00000ULL
#define LVX_IOAPIC_SIZE		0x100

/* Redirection entry; see "82093AA I/O APIC", "I/O Redirection Table". */
#define LVX_REDIR_VECTOR	0xffULL
#define LVX_REDIR_MODE		GENMASK_ULL(10, 8)
#define LVX_REDIR_LOGICAL	BIT_ULL(11)
#define LVX_REDIR_PENDING	BIT_ULL(12)
#define LVX_REDIR_LOW_ACTIVE	BIT_ULL(13)
#define LVX_REDIR_REMOTE_IRR	BIT_ULL(14)
#define LVX_REDIR_LEVEL		BIT_ULL(15)
#define LVX_REDIR_MASKED	BIT_ULL(16)

/* So many EOIs in a row that left the line up: nobody serves the device. */
#define LVX_IOAPIC_STORM	10000

/* lvx_ioapic_set_line(): send the message and report with _sent(). */
#define LVX_LINE_SEND		1000000

/**
 * struct lvx_ioapic - the IOAPIC
 * @select: the index register
 * @id: bits 3:0 of the ID register
 * @irr: pins whose line is up; an edge stays until the line goes down
 * @sent: those of them whose edge has left, so that restoring @irr from user
 *	space does not send it twice
 * @redir: redirection entries
 * @sources: who holds each line up, a bit per source
 * @vain_eois: EOIs in a row, per pin, that left the line up
 */
struct lvx_ioapic {
	u32 select;
	u32 id;
	u32 irr;
	u32 sent;
	u64 redir[LVX_IOAPIC_PINS];
	u8 sources[LVX_IOAPIC_PINS];
	u16 vain_eois[LVX_IOAPIC_PINS];
};

/* What is to follow an EOI. */
enum lvx_ioapic_next {
	LVX_IOAPIC_NOTHING,
	LVX_IOAPIC_SEND,	/* the message, and call lvx_ioapic_sent() */
	LVX_IOAPIC_LATER,	/* call lvx_ioapic_service() after a pause */
};

/**
 * struct lvx_ioapic_change - what a register write did
 * @pin: the pin whose entry was written, or -1
 * @unmasked: its mask went away
 * @service: its line may have to be served now; call lvx_ioapic_service()
 */
struct lvx_ioapic_change {
	int pin;
	bool unmasked;
	bool service;
};

void lvx_ioapic_init(struct lvx_ioapic *io);
int lvx_ioapic_set_line(struct lvx_ioapic *io, unsigned int pin,
			unsigned int source, bool level,
			struct lvx_apic_msg *msg);
int lvx_ioapic_raise(struct lvx_ioapic *io, unsigned int pin,
		     struct lvx_apic_msg *msg);
bool lvx_ioapic_service(struct lvx_ioapic *io, unsigned int pin,
			struct lvx_apic_msg *msg);
void lvx_ioapic_sent(struct lvx_ioapic *io, unsigned int pin, int takers);
u32 lvx_ioapic_pins_of(const struct lvx_ioapic *io, u8 vector);
enum lvx_ioapic_next lvx_ioapic_eoi(struct lvx_ioapic *io, unsigned int pin,
				    struct lvx_apic_msg *msg);
void lvx_ioapic_message(const struct lvx_ioapic *io, unsigned int pin,
			struct lvx_apic_msg *msg);
u32 lvx_ioapic_read(const struct lvx_ioapic *io, u32 offset);
void lvx_ioapic_write(struct lvx_ioapic *io, u32 offset, u32 val,
		      struct lvx_ioapic_change *change);

static inline bool lvx_ioapic_is_level(const struct lvx_ioapic *io,
				       unsigned int pin)
{
	return io->redir[pin] & LVX_REDIR_LEVEL;
}

#endif /* LVX_PURE_IOAPIC_H */
