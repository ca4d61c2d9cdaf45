// SPDX-License-Identifier: GPL-2.0
/*
 * The two 8259A. See Intel's data sheet of the 8259A for the command words.
 *
 * Kept from the chip: edge and level lines (per line by ELCR, as in PCs since
 * EISA), all forms of EOI, both rotations, special mask, special fully nested
 * mode, polling, spurious interrupt 7. Left out, as every emulator does:
 * MCS-80 mode, single mode, buffered mode.
 */
#include "pure/pic.h"

#define MASTER		0
#define SLAVE		1
#define CASCADE		2		/* the slave's output at the master */
#define SPURIOUS	7
#define NONE		8

/* Command words of the even port. */
#define ICW1_SELECT	BIT(4)
#define ICW1_ICW4	BIT(0)
#define OCW3_SELECT	BIT(3)
#define OCW3_READ	BIT(1)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_POLL	BIT(2)
#define OCW3_SET_SMM	BIT(6)
#define OCW3_SMM	BIT(5)

/* OCW2's command, its bits 7:5. */
enum {
	OCW2_ROTATE_AEOI_OFF	= 0,
	OCW2_EOI		= 1,
	OCW2_EOI_LINE		= 3,
	OCW2_ROTATE_AEOI_ON	= 4,
	OCW2_EOI_ROTATE		= 5,
	OCW2_SET_PRIORITY	= 6,
	OCW2_EOI_LINE_ROTATE	= 7,
};

/* 0 is the highest priority, NONE means no bit set. */
static unsigned int highest_priority(const struct lvx_i8259 *s, u8 mask)
{
	unsigned int first = s->priority_add & 7;

	if (!mask)
		return NONE;
	return __ffs((mask >> first | mask << (8 - first)) & 0xff);
}

static unsigned int line_of(const struct lvx_i8259 *s, unsigned int priority)
{
	return (priority + s->priority_add) & 7;
}

/* The line that this chip wants served now, or NONE. */
static unsigned int wanted_line(const struct lvx_pic *pic, unsigned int chip)
{
	const struct lvx_i8259 *s = &pic->chip[chip];
	unsigned int priority = highest_priority(s, s->irr & ~s->imr);
	u8 in_service = s->isr;

	/* In special mask mode a masked line in service blocks no other. */
	if (s->special_mask)
		in_service &= ~s->imr;
	/* In special fully nested mode the slave may interrupt itself. */
	if (s->special_fully_nested && chip == MASTER)
		in_service &= ~BIT(CASCADE);
	if (priority >= highest_priority(s, in_service))
		return NONE;
	return line_of(s, priority);
}

static int set_irr(struct lvx_i8259 *s, unsigned int line, bool level)
{
	u8 bit = BIT(line);
	bool requests = level && ((s->elcr & bit) || !(s->last_irr & bit));
	bool coalesced = requests && (s->irr & bit);

	if (requests)
		s->irr |= bit;
	else if (!level && (s->elcr & bit))
		s->irr &= ~bit;

	if (level)
		s->last_irr |= bit;
	else
		s->last_irr &= ~bit;

	if (s->imr & bit)
		return LVX_LINE_IGNORED;
	return coalesced ? LVX_LINE_COALESCED : 1;
}

/* After every change: carry the slave's request over and set the output. */
static void update(struct lvx_pic *pic)
{
	if (wanted_line(pic, SLAVE) != NONE) {
		set_irr(&pic->chip[MASTER], CASCADE, true);
		set_irr(&pic->chip[MASTER], CASCADE, false);
	}
	pic->output = wanted_line(pic, MASTER) != NONE;
}

static void end_of_interrupt(struct lvx_pic *pic, unsigned int chip,
			     unsigned int line)
{
	pic->chip[chip].isr &= ~BIT(line);
	pic->acked |= BIT(line + 8 * chip);
}

/* The chip's part of the CPU's INTA cycle. */
static void acknowledge(struct lvx_pic *pic, unsigned int chip,
			unsigned int line)
{
	struct lvx_i8259 *s = &pic->chip[chip];

	s->isr |= BIT(line);
	/* A level stays requested until the device lets go of the line. */
	if (!(s->elcr & BIT(line)))
		s->irr &= ~BIT(line);
	if (s->auto_eoi) {
		if (s->rotate_on_auto_eoi)
			s->priority_add = (line + 1) & 7;
		end_of_interrupt(pic, chip, line);
	}
}

/**
 * lvx_pic_init() - power on
 * @pic: state, whatever it contains
 */
void lvx_pic_init(struct lvx_pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	/* IRQ 0, 1, 2, 8 and 13 are edges on every PC. */
	pic->chip[MASTER].elcr_mask = 0xf8;
	pic->chip[SLAVE].elcr_mask = 0xde;
}

/**
 * lvx_pic_set_line() - a device moves its line
 * @pic: state
 * @pin: line, 0..15
 * @source: which of the sources that share the line, 0..7
 * @level: up or down
 *
 * Return: 1 (will reach the CPU), LVX_LINE_COALESCED or LVX_LINE_IGNORED.
 */
int lvx_pic_set_line(struct lvx_pic *pic, unsigned int pin, unsigned int source,
		     bool level)
{
	int ret;

	if (pin >= LVX_PIC_PINS)
		return LVX_LINE_IGNORED;
	pin = array_index_nospec(pin, LVX_PIC_PINS);
	if (level)
		pic->sources[pin] |= BIT(source & 7);
	else
		pic->sources[pin] &= ~BIT(source & 7);
	ret = set_irr(&pic->chip[pin >> 3], pin & 7, pic->sources[pin]);
	update(pic);
	return ret;
}

static u8 vector_of(const struct lvx_pic *pic, unsigned int chip,
		    unsigned int line)
{
	return pic->chip[chip].irq_base + (line == NONE ? SPURIOUS : line);
}

/**
 * lvx_pic_peek() - the vector that lvx_pic_take() would return
 * @pic: state, with @output up
 *
 * Return: the vector.
 */
u8 lvx_pic_peek(const struct lvx_pic *pic)
{
	unsigned int line = wanted_line(pic, MASTER);

	if (line == CASCADE)
		return vector_of(pic, SLAVE, wanted_line(pic, SLAVE));
	return vector_of(pic, MASTER, line);
}

/**
 * lvx_pic_take() - the CPU acknowledges the interrupt
 * @pic: state
 *
 * Return: the vector; that of line 7 when there is nothing to acknowledge any
 * more ("spurious"), as the chip does.
 */
u8 lvx_pic_take(struct lvx_pic *pic)
{
	unsigned int line = wanted_line(pic, MASTER);
	unsigned int chip = MASTER;
	u8 vector;

	if (line != NONE)
		acknowledge(pic, MASTER, line);
	if (line == CASCADE) {
		chip = SLAVE;
		line = wanted_line(pic, SLAVE);
		if (line != NONE)
			acknowledge(pic, SLAVE, line);
	}
	vector = vector_of(pic, chip, line);
	update(pic);
	return vector;
}

/* ICW1 starts the initialization over; lines keep their level. */
static void initialize(struct lvx_pic *pic, unsigned int chip, u8 icw1)
{
	struct lvx_i8259 *s = &pic->chip[chip];

	/*
	 * Edges that were latched are gone, so whoever waits for their service
	 * to end must not wait any longer.
	 */
	pic->acked |= (u8)(s->irr & ~s->elcr) << (8 * chip);
	pic->unmasked |= s->imr << (8 * chip);

	s->init4 = icw1 & ICW1_ICW4;
	s->last_irr = 0;
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_isr = 0;
	if (!s->init4) {
		s->special_fully_nested = 0;
		s->auto_eoi = 0;
	}
	s->init_state = 1;
}

static void write_ocw2(struct lvx_pic *pic, unsigned int chip, u8 val)
{
	struct lvx_i8259 *s = &pic->chip[chip];
	unsigned int line = val & 7, priority;

	switch (val >> 5) {
	case OCW2_ROTATE_AEOI_OFF:
	case OCW2_ROTATE_AEOI_ON:
		s->rotate_on_auto_eoi = val >> 7;
		break;
	case OCW2_EOI:
	case OCW2_EOI_ROTATE:
		priority = highest_priority(s, s->isr);
		if (priority == NONE)
			break;
		line = line_of(s, priority);
		if (val >> 5 == OCW2_EOI_ROTATE)
			s->priority_add = (line + 1) & 7;
		end_of_interrupt(pic, chip, line);
		break;
	case OCW2_EOI_LINE_ROTATE:
		s->priority_add = (line + 1) & 7;
		fallthrough;
	case OCW2_EOI_LINE:
		end_of_interrupt(pic, chip, line);
		break;
	case OCW2_SET_PRIORITY:
		s->priority_add = (line + 1) & 7;
		break;
	}
}

static void write_ocw3(struct lvx_i8259 *s, u8 val)
{
	if (val & OCW3_POLL)
		s->poll = 1;
	if (val & OCW3_READ)
		s->read_isr = val & OCW3_READ_ISR;
	if (val & OCW3_SET_SMM)
		s->special_mask = !!(val & OCW3_SMM);
}

/* The odd port: what remains of the initialization, else the mask. */
static void write_data(struct lvx_pic *pic, unsigned int chip, u8 val)
{
	struct lvx_i8259 *s = &pic->chip[chip];

	switch (s->init_state) {
	case 1:
		s->irq_base = val & 0xf8;
		s->init_state = 2;
		break;
	case 2:
		/* ICW3 wires the cascade, which is fixed here. */
		s->init_state = s->init4 ? 3 : 0;
		break;
	case 3:
		s->special_fully_nested = (val >> 4) & 1;
		s->auto_eoi = (val >> 1) & 1;
		s->init_state = 0;
		break;
	default:
		pic->unmasked |= (s->imr & ~val) << (8 * chip);
		s->imr = val;
		break;
	}
}

/* The poll command turns the next read into an INTA cycle of this chip. */
static u8 poll(struct lvx_pic *pic, unsigned int chip)
{
	unsigned int line = wanted_line(pic, chip);

	pic->chip[chip].poll = 0;
	if (line == NONE)
		return 0;
	acknowledge(pic, chip, line);
	if (chip == SLAVE) {
		/* The master's request was this one, and it is served. */
		pic->chip[MASTER].irr &= ~BIT(CASCADE);
	}
	update(pic);
	return BIT(7) | line;
}

/**
 * lvx_pic_read() - IN
 * @pic: state
 * @port: which
 *
 * Return: the byte.
 */
u8 lvx_pic_read(struct lvx_pic *pic, u16 port)
{
	unsigned int chip = (port & 0x80) ? SLAVE : MASTER;
	struct lvx_i8259 *s = &pic->chip[chip];

	switch (port) {
	case 0x4d0:
	case 0x4d1:
		return pic->chip[port & 1].elcr;
	case 0x20:
	case 0xa0:
		if (s->poll)
			return poll(pic, chip);
		return s->read_isr ? s->isr : s->irr;
	case 0x21:
	case 0xa1:
		if (s->poll)
			return poll(pic, chip);
		return s->imr;
	}
	return 0xff;
}

/**
 * lvx_pic_write() - OUT
 * @pic: state
 * @port: which
 * @val: the byte
 */
void lvx_pic_write(struct lvx_pic *pic, u16 port, u8 val)
{
	unsigned int chip = (port & 0x80) ? SLAVE : MASTER;

	switch (port) {
	case 0x4d0:
	case 0x4d1:
		chip = port & 1;
		pic->chip[chip].elcr = val & pic->chip[chip].elcr_mask;
		return;
	case 0x20:
	case 0xa0:
		if (val & ICW1_SELECT)
			initialize(pic, chip, val);
		else if (val & OCW3_SELECT)
			write_ocw3(&pic->chip[chip], val);
		else
			write_ocw2(pic, chip, val);
		break;
	case 0x21:
	case 0xa1:
		write_data(pic, chip, val);
		break;
	}
	update(pic);
}

/**
 * lvx_pic_set_state() - take over the state that user space kept
 * @pic: state
 * @chip: 0 master, 1 slave
 * @state: anything; what it says about lines that may be level is not believed
 */
void lvx_pic_set_state(struct lvx_pic *pic, unsigned int chip,
		       const struct lvx_i8259 *state)
{
	struct lvx_i8259 *s = &pic->chip[chip & 1];
	u8 elcr_mask = s->elcr_mask;

	*s = *state;
	s->elcr_mask = elcr_mask;
	s->elcr &= elcr_mask;
	s->priority_add &= 7;
	update(pic);
}
