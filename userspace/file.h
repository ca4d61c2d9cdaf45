/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An image file: opened once, read at any offset, any number of times, so that
 * a guest that reboots starts from the very file it was started from.
 */
#ifndef LVX_FILE_H
#define LVX_FILE_H

#include <stdint.h>

struct file {
	const char *path;
	uint64_t size;
	int fd;
};

int file_open(struct file *file, const char *path, const char *what);
void file_close(struct file *file);
int file_read(const struct file *file, uint64_t offset, void *buffer, uint64_t length);

#endif
