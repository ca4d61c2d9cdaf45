// SPDX-License-Identifier: GPL-2.0
/*
 * The IOAPIC's state machine: line in, message out, EOI back.
 *
 * Sending is the caller's, and only it learns whether a LAPIC took the message;
 * hence the two steps of "send this" and lvx_ioapic_sent(). Both happen under
 * one hold of the caller's lock.
 */
#include "pure/ioapic.h"

/* Register window. */
#define SELECT		0x00
#define WINDOW		0x10

/* Indirect registers. */
#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARB_ID	0x02
#define REG_REDIR	0x10

/* The 82093AA; this version has no EOI register, LAPICs broadcast EOIs. */
#define VERSION		0x11

#define READ_ONLY	(LVX_REDIR_PENDING | LVX_REDIR_REMOTE_IRR)

/**
 * lvx_ioapic_init() - power on
 * @io: state, whatever it contains
 */
void lvx_ioapic_init(struct lvx_ioapic *io)
{
	unsigned int pin;

	memset(io, 0, sizeof(*io));
	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		io->redir[pin] = LVX_REDIR_MASKED;
}

/**
 * lvx_ioapic_message() - the message of a pin as its entry stands now
 * @io: state
 * @pin: which, below LVX_IOAPIC_PINS
 * @msg: filled in
 */
void lvx_ioapic_message(const struct lvx_ioapic *io, unsigned int pin,
			struct lvx_apic_msg *msg)
{
	u64 entry = io->redir[pin];

	*msg = (struct lvx_apic_msg){
		.dest = entry >> 56,
		.vector = entry & LVX_REDIR_VECTOR,
		.mode = (entry & LVX_REDIR_MODE) >> 8,
		.logical = entry & LVX_REDIR_LOGICAL,
		.level = entry & LVX_REDIR_LEVEL,
		.assert = true,
	};
}

/**
 * lvx_ioapic_service() - send what a pin requests, if it may
 * @io: state
 * @pin: whose line is up
 * @msg: filled in when there is something to send
 *
 * Return: true to send @msg and call lvx_ioapic_sent().
 */
bool lvx_ioapic_service(struct lvx_ioapic *io, unsigned int pin,
			struct lvx_apic_msg *msg)
{
	u64 entry = io->redir[pin];

	if (entry & LVX_REDIR_MASKED)
		return false;
	/* A level waits until the one before got its EOI. */
	if ((entry & LVX_REDIR_LEVEL) && (entry & LVX_REDIR_REMOTE_IRR))
		return false;
	if (!(entry & LVX_REDIR_LEVEL))
		io->sent |= BIT(pin);
	lvx_ioapic_message(io, pin, msg);
	return true;
}

/**
 * lvx_ioapic_raise() - a line goes up, or was up when the state was saved
 * @io: state
 * @pin: line, below LVX_IOAPIC_PINS
 * @msg: filled in for LVX_LINE_SEND
 *
 * Return: as lvx_ioapic_set_line().
 */
int lvx_ioapic_raise(struct lvx_ioapic *io, unsigned int pin,
		     struct lvx_apic_msg *msg)
{
	u32 bit = BIT(pin), before = io->irr;

	io->irr |= bit;
	if (!lvx_ioapic_is_level(io, pin)) {
		io->sent &= ~bit;
		if (before & bit)
			return LVX_LINE_COALESCED;
	}
	return lvx_ioapic_service(io, pin, msg) ? LVX_LINE_SEND :
						  LVX_LINE_IGNORED;
}

/**
 * lvx_ioapic_set_line() - a device moves its line
 * @io: state
 * @pin: line
 * @source: which of the sources that share the line, 0..7
 * @level: up or down
 * @msg: filled in for LVX_LINE_SEND
 *
 * Return: LVX_LINE_SEND, or what to report: 1 for a line that went down,
 * LVX_LINE_COALESCED for an edge on a line that is up already,
 * LVX_LINE_IGNORED when masked or when the last level waits for its EOI.
 */
int lvx_ioapic_set_line(struct lvx_ioapic *io, unsigned int pin,
			unsigned int source, bool level,
			struct lvx_apic_msg *msg)
{
	if (pin >= LVX_IOAPIC_PINS)
		return LVX_LINE_IGNORED;
	pin = array_index_nospec(pin, LVX_IOAPIC_PINS);

	if (level)
		io->sources[pin] |= BIT(source & 7);
	else
		io->sources[pin] &= ~BIT(source & 7);
	if (!io->sources[pin]) {
		io->irr &= ~BIT(pin);
		return 1;
	}

	return lvx_ioapic_raise(io, pin, msg);
}

/**
 * lvx_ioapic_sent() - learn what became of a message
 * @io: state
 * @pin: whose
 * @takers: how many LAPICs took it, or negative
 */
void lvx_ioapic_sent(struct lvx_ioapic *io, unsigned int pin, int takers)
{
	if (takers > 0 && lvx_ioapic_is_level(io, pin))
		io->redir[pin] |= LVX_REDIR_REMOTE_IRR;
}

/**
 * lvx_ioapic_pins_of() - the pins that an EOI of a vector concerns
 * @io: state
 * @vector: of the EOI message
 *
 * Return: a bit for each pin with that vector.
 */
u32 lvx_ioapic_pins_of(const struct lvx_ioapic *io, u8 vector)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		if ((io->redir[pin] & LVX_REDIR_VECTOR) == vector)
			pins |= BIT(pin);
	return pins;
}

/**
 * lvx_ioapic_eoi() - the level interrupt of a pin is over
 * @io: state
 * @pin: of lvx_ioapic_pins_of(); the device was told before, so that its line
 *	may have gone down
 * @msg: filled in for LVX_IOAPIC_SEND
 *
 * A line that is still up interrupts again. Here no time passes between, as it
 * does on a bus, so that a guest whose handler does not serve the device would
 * not get to execute anything else: hence a pause once in a while.
 *
 * Return: what is to follow.
 */
enum lvx_ioapic_next lvx_ioapic_eoi(struct lvx_ioapic *io, unsigned int pin,
				    struct lvx_apic_msg *msg)
{
	if (!lvx_ioapic_is_level(io, pin))
		return LVX_IOAPIC_NOTHING;
	io->redir[pin] &= ~LVX_REDIR_REMOTE_IRR;
	if (!(io->irr & BIT(pin)) || !lvx_ioapic_service(io, pin, msg)) {
		io->vain_eois[pin] = 0;
		return LVX_IOAPIC_NOTHING;
	}
	if (++io->vain_eois[pin] < LVX_IOAPIC_STORM)
		return LVX_IOAPIC_SEND;
	io->vain_eois[pin] = 0;
	return LVX_IOAPIC_LATER;
}

static u32 read_indirect(const struct lvx_ioapic *io)
{
	u32 pin = (io->select - REG_REDIR) >> 1;

	switch (io->select) {
	case REG_ID:
	case REG_ARB_ID:
		return (io->id & 0xf) << 24;
	case REG_VERSION:
		return (LVX_IOAPIC_PINS - 1) << 16 | VERSION;
	}
	if (io->select < REG_REDIR || pin >= LVX_IOAPIC_PINS)
		return ~0U;
	pin = array_index_nospec(pin, LVX_IOAPIC_PINS);
	return io->redir[pin] >> (io->select & 1 ? 32 : 0);
}

static void write_redir(struct lvx_ioapic *io, unsigned int pin, bool high,
			u32 val, struct lvx_ioapic_change *change)
{
	u64 old = io->redir[pin], entry;

	if (high)
		entry = (u64)val << 32 | lower_32_bits(old);
	else
		entry = (old & GENMASK_ULL(63, 32)) | val;
	entry = (entry & ~READ_ONLY) | (old & READ_ONLY);
	/*
	 * Setting an entry to edge and back is how system software without
	 * an EOI register forces the end of a level interrupt.
	 */
	if (!(entry & LVX_REDIR_LEVEL))
		entry &= ~LVX_REDIR_REMOTE_IRR;
	io->redir[pin] = entry;

	change->pin = pin;
	change->unmasked = old & ~entry & LVX_REDIR_MASKED;
	change->service = (entry & LVX_REDIR_LEVEL) && (io->irr & BIT(pin));
}

/**
 * lvx_ioapic_read() - a guest reads a register
 * @io: state
 * @offset: from the base address
 *
 * Return: the 32 bits there, 0 where no register is.
 */
u32 lvx_ioapic_read(const struct lvx_ioapic *io, u32 offset)
{
	switch (offset & 0xff) {
	case SELECT:
		return io->select;
	case WINDOW:
		return read_indirect(io);
	}
	return 0;
}

/**
 * lvx_ioapic_write() - a guest writes a register
 * @io: state
 * @offset: from the base address
 * @val: what
 * @change: filled in with what the caller has to do
 */
void lvx_ioapic_write(struct lvx_ioapic *io, u32 offset, u32 val,
		      struct lvx_ioapic_change *change)
{
	u32 pin;

	*change = (struct lvx_ioapic_change){ .pin = -1 };
	switch (offset & 0xff) {
	case SELECT:
		io->select = val & 0xff;
		return;
	case WINDOW:
		break;
	default:
		return;
	}

	if (io->select == REG_ID)
		io->id = (val >> 24) & 0xf;
	if (io->select < REG_REDIR)
		return;
	pin = (io->select - REG_REDIR) >> 1;
	if (pin >= LVX_IOAPIC_PINS)
		return;
	pin = array_index_nospec(pin, LVX_IOAPIC_PINS);
	write_redir(io, pin, io->select & 1, val, change);
}
