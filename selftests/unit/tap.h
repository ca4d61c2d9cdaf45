/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A unit-test harness in one header: tests register themselves by name, run
 * in the order of the file, and report in TAP with the plan at the end.
 *
 *	TEST(pic_masks)
 *	{
 *		EXPECT_EQ(pic_read(&p, 0x21), 0xff);
 *		ASSERT(ptr);
 *	}
 *
 * EXPECT* note a failure and go on, ASSERT* leave the test. The first ten
 * failures of a test are printed, so that a broken loop over all vectors does
 * not drown the report. "test_x NAME..." runs only the tests so named. The
 * exit status is 1 if any test failed or none was run.
 */
#ifndef LVX_UNIT_TAP_H
#define LVX_UNIT_TAP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*run)(void);
	struct tap_test *next;
};

static struct tap_test *tap_first, **tap_last = &tap_first;
static unsigned long tap_failures;

#define TEST(id)							\
	static void id(void);						\
	static struct tap_test tap_##id = { #id, id, NULL };		\
	__attribute__((__constructor__)) static void tap_add_##id(void)	\
	{								\
		*tap_last = &tap_##id;					\
		tap_last = &tap_##id.next;				\
	}								\
	static void id(void)

#define TAP_FAIL(fmt, ...) do {						\
	if (tap_failures++ < 10)					\
		printf("# %s:%d: " fmt "\n", __FILE__, __LINE__,	\
		       ##__VA_ARGS__);					\
} while (0)

#define EXPECT(cond) do {						\
	if (!(cond))							\
		TAP_FAIL("%s", #cond);					\
} while (0)

#define TAP_EQ(a, b, leave) do {					\
	unsigned long long __x = (a), __y = (b);			\
	if (__x != __y) {						\
		TAP_FAIL("%s = 0x%llx, not %s = 0x%llx",		\
			 #a, __x, #b, __y);				\
		leave;							\
	}								\
} while (0)

#define EXPECT_EQ(a, b)		TAP_EQ(a, b, (void)0)
#define ASSERT_EQ(a, b)		TAP_EQ(a, b, return)

#define ASSERT(cond) do {						\
	if (!(cond)) {							\
		TAP_FAIL("%s", #cond);					\
		return;							\
	}								\
} while (0)

#define EXPECT_STREQ(a, b) do {						\
	const char *__x = (a), *__y = (b);				\
	if (strcmp(__x, __y))						\
		TAP_FAIL("%s = \"%s\", not \"%s\"", #a, __x, __y);	\
} while (0)

/*
 * Random numbers for the fuzzers: xorshift64*, always from the same seed, so
 * that a failure comes back with the next run. FUZZ=n multiplies the rounds.
 */
struct tap_rnd {
	unsigned long long s;
};

static inline unsigned long long tap_rnd64(struct tap_rnd *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1dULL;
}

static inline unsigned int tap_rnd_below(struct tap_rnd *r, unsigned int n)
{
	return (tap_rnd64(r) >> 33) % n;
}

static inline unsigned long tap_fuzz_rounds(unsigned long rounds)
{
	const char *factor = getenv("FUZZ");

	return factor ? rounds * strtoul(factor, NULL, 0) : rounds;
}

static inline int tap_chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return 1;
	return argc < 2;
}

int main(int argc, char **argv)
{
	unsigned int nr = 0, bad = 0;
	struct tap_test *t;

	/* A sanitizer's report must not overtake the lines before it. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	for (t = tap_first; t; t = t->next) {
		if (!tap_chosen(t->name, argc, argv))
			continue;
		tap_failures = 0;
		t->run();
		if (tap_failures > 10)
			printf("# %lu failures more\n", tap_failures - 10);
		bad += !!tap_failures;
		printf("%sok %u - %s\n", tap_failures ? "not " : "", ++nr,
		       t->name);
	}
	printf("1..%u\n", nr);
	return bad || !nr;
}

#endif /* LVX_UNIT_TAP_H */
