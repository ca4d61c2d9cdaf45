/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every file of the launcher may use: how an error is told, how a size is
 * read, and a few macros. Nothing here knows of virtual machines.
 */
#ifndef LVX_UTIL_H
#define LVX_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* The exit statuses of lvx, as the man page lists them. */
enum status {
	STATUS_OK	= 0,	/* done; the guest powered itself off */
	STATUS_FAILED	= 1,	/* could not start, or could not go on */
	STATUS_USAGE	= 2,	/* the command line is wrong */
	STATUS_PANIC	= 3,	/* the guest's kernel panicked */
	STATUS_CRASH	= 4,	/* the guest's CPU cannot go on */
	STATUS_ENDED	= 5,	/* the user ended the guest by escape key */
};

int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int usage_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int option_error(const char *command, int option, const char *word);

int parse_size(const char *text, uint64_t *bytes);
int parse_number(const char *text, unsigned int *number);

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return align_down(value + alignment - 1, alignment);
}

#endif
