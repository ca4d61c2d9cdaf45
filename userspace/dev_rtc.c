// SPDX-License-Identifier: GPL-2.0
/*
 * The real-time clock: a Motorola MC146818, as on a PC behind two ports, index
 * and data. It shows the host's time in UTC and can't be set: a guest that
 * writes the time keeps its own from then on anyway. It has no alarm.
 *
 * A guest reads the time register by register and makes sure that none
 * changed meanwhile by reading the seconds twice, so nothing is latched and an
 * update is never in progress.
 */
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
	REGISTER_D	= 0x0d,
};

#define REGISTER_A_32KHZ	0x20
#define REGISTER_B_24_HOURS	0x02
#define REGISTER_D_VALID	0x80

#define NMI_MASK_BIT 0x80	/* of the index port; not our business */

struct rtc {
	uint8_t index;
	uint8_t ram[128];
};

static uint8_t bcd(int value)
{
	return (uint8_t)(value / 10 << 4 | value % 10);
}

/* A time register in the format that control register B tells: BCD, 24 h. */
static int read_time(uint8_t index)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
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

static uint64_t rtc_read(void *device, uint64_t offset, unsigned int length)
{
	struct rtc *rtc = device;
	int value;

	/* The index port can't be read, and nothing is wider than a byte. */
	if (offset != 1 || length != 1)
		return UINT64_MAX;
	value = read_time(rtc->index);
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
	the_rtc.ram[REGISTER_A] = REGISTER_A_32KHZ;
	the_rtc.ram[REGISTER_B] = REGISTER_B_24_HOURS;
	the_rtc.ram[REGISTER_D] = REGISTER_D_VALID;
	return bus_add(&vm->bus, &range);
}
