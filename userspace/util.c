// SPDX-License-Identifier: GPL-2.0
/*
 * Telling errors and reading numbers.
 *
 * An error is told once, where it happened, in one line that names the thing
 * and the remedy; callers only pass the -1 on. So no caller has to guess what
 * went wrong further down, and no error is told twice.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Tell an error and return -1, so that callers can write return fail(...). */
int fail(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "lvx: %s\n", text);
	return -1;
}

/* Tell what is wrong with the command line; @command may be NULL. */
int usage_error(const char *command, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (command)
		fprintf(stderr, "lvx: %s: %s; see 'lvx %s --help'\n",
			command, text, command);
	else
		fprintf(stderr, "lvx: %s; see 'lvx help'\n", text);
	return STATUS_USAGE;
}

/*
 * Tell what getopt_long() finds wrong with @word; @option is what it returned,
 * ':' or '?'. The word is where optind was before the call, since with one of
 * several letters in a word it stays there, and with any other option not.
 */
int option_error(const char *command, int option, const char *word)
{
	if (option == ':')
		return usage_error(command, "option '%s' wants a value", word);
	/* It names a long option only if it knows it. */
	if (optopt && !strncmp(word, "--", 2))
		return usage_error(command, "option '%.*s' takes no value",
				   (int)strcspn(word, "="), word);
	return usage_error(command, "there is no option '%s'", word);
}

/*
 * Read a size with a suffix K, M, G or T; a bare number counts MiB, as it does
 * in other launchers. Returns -1 if @text is no such size or exceeds 64 bits.
 */
int parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	unsigned int shift = 20;
	unsigned long long value;
	const char *suffix;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -1;
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return -1;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (value > UINT64_MAX >> shift)
		return -1;
	*bytes = value << shift;
	return 0;
}

/* Read a plain decimal number; -1 if it is none. */
int parse_number(const char *text, unsigned int *number)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > UINT32_MAX)
		return -1;
	*number = (unsigned int)value;
	return 0;
}
