// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's real-time clock, under a clock that goes on by so much at each
 * access: whatever moment an update comes at, a guest reads one time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tap.h"
#include "userspace/devices.h"
#include "userspace/machine.h"
#include "userspace/vm.h"

#define NS	1000000000ll
#define US	1000ll
#define UIP	0x80

static struct vm vm;
static int64_t now;	/* the host's clock, ns */
static int64_t step;	/* how far it goes on with each access */

int clock_gettime(clockid_t id, struct timespec *to)
{
	to->tv_sec = now / NS;
	to->tv_nsec = now % NS;
	return 0;
}

time_t time(time_t *to)
{
	return now / NS;
}

static uint8_t in(uint8_t reg)
{
	uint8_t value;

	now += step;
	bus_write(&vm.bus, BUS_PIO, RTC_PORT, &reg, 1);
	bus_read(&vm.bus, BUS_PIO, RTC_PORT + 1, &value, 1);
	return value;
}

static int number(uint8_t reg)
{
	uint8_t value = in(reg);

	return (value >> 4) * 10 + (value & 15);
}

/* Not a leap second in sight. */
static int64_t moment(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
			 .tm_hour = hour, .tm_min = minute, .tm_sec = second };

	return timegm(&tm) * NS;
}

static void start(int64_t at, int64_t step_)
{
	now = at;
	step = step_;
	memset(&vm, 0, sizeof(vm));
	bus_init(&vm.bus);
	rtc_init(&vm);
}

/* All time registers, one after the other, in seconds since 1970. */
static int64_t read_all(void)
{
	int second = number(0), minute = number(2), hour = number(4);
	int day = number(7), month = number(8), year = number(9), century = number(0x32);

	return moment(century * 100 + year, month, day, hour, minute, second) / NS;
}

/* The same, once no update is in progress. */
static int64_t read_after_uip(void)
{
	while (in(10) & UIP)
		;
	return read_all();
}

/* The same, until the second did not change meanwhile. */
static int64_t read_twice(void)
{
	int64_t seconds;

	do
		seconds = read_all();
	while (seconds % 60 != number(0));
	return seconds;
}

/*
 * A time is right that is one of those during the reading. Each of these ways to
 * read it begins 1.5 ms before a new year, and goes on for some time after.
 */
static void try_all(int64_t (*read)(void))
{
	int64_t midnight = moment(2027, 1, 1, 0, 0, 0), before, seconds;
	int64_t steps;

	for (steps = 1 * US; steps < 100000 * US; steps += steps / 2 + 7) {
		start(midnight - 1500 * US, steps);
		do {
			before = now / NS;
			seconds = read();
			EXPECT(seconds >= before && seconds <= now / NS);
		} while (now < midnight + 3000 * US);
	}
}

TEST(one_time_after_uip)
{
	try_all(read_after_uip);
}

TEST(one_time_read_twice)
{
	try_all(read_twice);
}

/* The case of the bug reports: the hour changes between two registers. */
TEST(hour_changes_between_registers)
{
	start(moment(2026, 11, 25, 12, 59, 59) + 999500 * US, 100 * US);
	EXPECT_EQ(in(10) & UIP, 0);
	EXPECT_EQ(in(0), 0x59);
	now += 500 * US;
	EXPECT_EQ(in(2), 0x59);
	EXPECT_EQ(in(4), 0x12);
	while (in(10) & UIP)
		;
	EXPECT_EQ(in(0), 0);
	EXPECT_EQ(in(2), 0);
	EXPECT_EQ(in(4), 0x13);
}

/* At least 244 us before the update, and no more than is good. */
TEST(uip_comes_before_the_update)
{
	int64_t second = moment(2026, 3, 1, 8, 0, 0), at;

	for (at = 0; at < NS; at += 1 * US) {
		start(second + at, 0);
		if (at < NS - 250 * US)
			EXPECT_EQ(in(10), 0x20);
		else if (at >= NS - 244 * US)
			EXPECT_EQ(in(10), 0x20 | UIP);
	}
}

/* Steps that hit the 244 us always, sometimes or never. */
TEST(who_waits_for_uip_sees_each_update)
{
	static const int64_t steps[] = { 20 * US, 200 * US, 1000 * US, 7001 * US, 300000 * US };
	int64_t begin = moment(2026, 3, 1, 8, 0, 0), seconds;
	unsigned int i, edges;
	bool was, is;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		start(begin + 1, steps[i]);
		for (was = false, edges = 0; now < begin + 20 * NS + NS / 2; was = is) {
			is = in(10) & UIP;
			edges += was && !is;
			if (was && !is) {
				seconds = now / NS;
				EXPECT_EQ(number(0), seconds % 60);
			}
		}
		EXPECT_EQ(edges, 20);
	}
}

/* Who looks only now and then is not made to wait. */
TEST(no_uip_after_a_long_time)
{
	start(moment(2026, 3, 1, 8, 0, 0), 0);
	EXPECT_EQ(in(10) & UIP, 0);
	now += 5 * NS;
	EXPECT_EQ(in(10) & UIP, 0);
	EXPECT_EQ(in(0), 0x05);
}

/* One register now, another one later: that is no reading of one time. */
TEST(registers_are_not_kept_for_long)
{
	start(moment(2026, 3, 1, 8, 59, 0), 0);
	EXPECT_EQ(in(10) & UIP, 0);
	EXPECT_EQ(in(2), 0x59);
	now += 3600 * NS;
	EXPECT_EQ(in(4), 0x09);
	now -= 1800 * NS;
	EXPECT_EQ(in(0), 0x00);
	EXPECT_EQ(in(2), 0x29);
	EXPECT_EQ(in(2), 0x29);
	now += 60 * NS;
	EXPECT_EQ(in(2), 0x30);
}

/* Once for each update, or for several. */
TEST(update_ended_flag)
{
	start(moment(2026, 3, 1, 8, 0, 0), 0);
	EXPECT_EQ(in(12), 0);
	now += NS;
	EXPECT_EQ(in(12), 0x10);
	EXPECT_EQ(in(12), 0);
	now += 3 * NS;
	EXPECT_EQ(in(12), 0x10);
	EXPECT_EQ(in(12), 0);
}

TEST(other_registers)
{
	uint8_t reg = 0x40, value = 0x5a;

	start(moment(2026, 3, 1, 8, 0, 0), 0);
	bus_write(&vm.bus, BUS_PIO, RTC_PORT, &reg, 1);
	bus_write(&vm.bus, BUS_PIO, RTC_PORT + 1, &value, 1);
	EXPECT_EQ(in(0x40), 0x5a);
	EXPECT_EQ(in(0x40 | 0x80), 0x5a);
	EXPECT_EQ(in(11), 0x02);
	EXPECT_EQ(in(13), 0x80);
	EXPECT_EQ(in(6), 0x01);
	/* The clock can't be set. */
	reg = 0;
	bus_write(&vm.bus, BUS_PIO, RTC_PORT, &reg, 1);
	bus_write(&vm.bus, BUS_PIO, RTC_PORT + 1, &value, 1);
	EXPECT_EQ(in(0), 0);
}
