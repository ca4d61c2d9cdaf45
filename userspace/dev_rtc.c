// SPDX-License-Identifier: GPL-2.0
/*
 * The real-time clock: a Motorola MC146818, as on a PC behind two ports, index
 * and data. It shows the host's time in UTC and can't be set: a guest that
 * writes the time keeps its own from then on anyway. It has no alarm.
 *
 * A guest reads the time register by register, and takes one of two precautions
 * against an update between two of them: it looks whether an update is in
 * progress (UIP), which gives it 244 us, or it reads a register twice. A vCPU
 * that the host does not run for a while needs more than 244 us. So the
 * registers keep the time of the last look at UIP, or of the register that was
 * read for a second time, until the next of these; for a second at most, as who
 * reads one register only now and then wants to know the time of then.
 */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "devices.h"
#include "machine.h"
#include "vm.h"

/* The registers, named as in Motorola's data sheet. */
enum {
	SECONDS		= 0x00,
	MINUTES		= 0x02,
	HOURS		= 0x04,
	DAY_OF_WEEK	= 0x06,
	DATE_OF_MONTH	= 0x07,
	MONTH		= 0x08,
	YEAR		= 0x09,
	REGISTER_A	= 0x0a,
	REGISTER_B	= 0x0b,
	REGISTER_C	= 0x0c,
	REGISTER_D	= 0x0d,
};

#define REGISTER_A_32KHZ	0x20
#define REGISTER_A_UIP		0x80
#define REGISTER_B_24_HOURS	0x02
#define REGISTER_C_UF		0x10	/* an update has ended */
#define REGISTER_D_VALID	0x80

#define NMI_MASK_BIT 0x80	/* of the index port; not our business */

/* UIP comes eight periods of the 32,768 Hz crystal before the update. */
#define NS_PER_SECOND	1000000000ll
#define UIP_NS		244141

struct rtc {
	uint8_t index;
	uint8_t ram[128];
	int64_t shown;		/* the moment that the time registers show, ns */
	uint64_t seen;		/* those that were read since it was taken, by index */
	int64_t looked;		/* the moment of the last look at UIP, ns */
	bool in_progress;	/* what was seen then */
	int64_t ended;		/* the second of the last look at UF */
};

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static uint8_t bcd(int value)
{
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static void take(struct rtc *rtc, int64_t now)
{
	rtc->shown = now;
	rtc->seen = 0;
}

/* A time register in the format that control register B tells: BCD, 24 h. */
static int time_register(uint8_t index, int64_t when)
{
	time_t seconds = when / NS_PER_SECOND;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	switch (index) {
	case SECONDS:
		return bcd(tm.tm_sec);
	case MINUTES:
		return bcd(tm.tm_min);
	case HOURS:
		return bcd(tm.tm_hour);
	case DAY_OF_WEEK:
		return bcd(tm.tm_wday + 1);
	case DATE_OF_MONTH:
		return bcd(tm.tm_mday);
	case MONTH:
		return bcd(tm.tm_mon + 1);
	case YEAR:
		return bcd(tm.tm_year % 100);
	case RTC_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	}
	return -1;
}

/* Reading one twice starts anew; so does a host's clock that was set back. */
static int read_time(struct rtc *rtc)
{
	int64_t now = clock_now();
	uint64_t bit;

	if (time_register(rtc->index, now) < 0)
		return -1;
	/* The highest is RTC_CENTURY. */
	bit = 1ull << rtc->index;
	if ((rtc->seen & bit) || now < rtc->shown || now - rtc->shown >= NS_PER_SECOND)
		take(rtc, now);
	rtc->seen |= bit;
	return time_register(rtc->index, rtc->shown);
}

/*
 * Register A. Who waits for UIP to come and go sees it before each update, also
 * if its vCPU did not run at the right moment: it then comes late.
 */
static uint8_t read_a(struct rtc *rtc)
{
	int64_t now = clock_now();
	bool missed = now / NS_PER_SECOND != rtc->looked / NS_PER_SECOND &&
		      now - rtc->looked < NS_PER_SECOND && !rtc->in_progress;

	rtc->in_progress = missed || now % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS;
	rtc->looked = now;
	if (rtc->in_progress)
		return REGISTER_A_32KHZ | REGISTER_A_UIP;
	take(rtc, now);
	return REGISTER_A_32KHZ;
}

/* Register C: whether there was an update since the last look. */
static uint8_t read_c(struct rtc *rtc)
{
	int64_t second = clock_now() / NS_PER_SECOND;
	bool ended = second != rtc->ended;

	rtc->ended = second;
	return ended ? REGISTER_C_UF : 0;
}

static uint64_t rtc_read(void *device, uint64_t offset, unsigned int length)
{
	struct rtc *rtc = device;
	int value;

	/* The index port can't be read, and nothing is wider than a byte. */
	if (offset != 1 || length != 1)
		return UINT64_MAX;
	switch (rtc->index) {
	case REGISTER_A:
		return read_a(rtc);
	case REGISTER_C:
		return read_c(rtc);
	}
	value = read_time(rtc);
	return value < 0 ? rtc->ram[rtc->index] : (uint64_t)value;
}

static void rtc_write(void *device, uint64_t offset, unsigned int length, uint64_t value)
{
	struct rtc *rtc = device;

	if (offset == 0)
		rtc->index = (uint8_t)value & ~NMI_MASK_BIT;
	else if (length == 1 && (rtc->index < REGISTER_A || rtc->index > REGISTER_D))
		rtc->ram[rtc->index] = (uint8_t)value;
}

static const struct bus_ops rtc_ops = { rtc_read, rtc_write };

static struct rtc the_rtc;

int rtc_init(struct vm *vm)
{
	struct bus_range range = { BUS_PIO, RTC_PORT, 2, &rtc_ops, &the_rtc };

	memset(&the_rtc, 0, sizeof(the_rtc));
	the_rtc.ended = clock_now() / NS_PER_SECOND;
	the_rtc.ram[REGISTER_B] = REGISTER_B_24_HOURS;
	the_rtc.ram[REGISTER_D] = REGISTER_D_VALID;
	return bus_add(&vm->bus, &range);
}
