/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A line of input, as who typed it and who read it compare it: how long it was,
 * and what it held, in order.
 */
#ifndef LVX_BOOT_LINE_H
#define LVX_BOOT_LINE_H

#include <stdint.h>

struct line {
	uint32_t length;
	uint32_t hash;
};

#define LINE_INIT { 0, 5381 }

static inline void line_add(struct line *line, uint8_t byte)
{
	line->length++;
	line->hash = line->hash * 33 + byte;
}

#endif
