// SPDX-License-Identifier: GPL-2.0
/*
 * Image files (kernel, initial RAM disk): opening them with an answer to every
 * way in which that can go wrong, and reading them into guest memory directly,
 * without a copy in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

/*
 * Open @path. @what says in error messages what the file is for. Only regular
 * files are taken, since they must be read again when the guest reboots.
 */
int file_open(struct file *file, const char *path, const char *what)
{
	struct stat stat;

	file->path = path;
	/* O_NONBLOCK: opening a FIFO that nobody writes must not hang. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return fail("cannot open the %s '%s': %s; check the path and its permissions",
			    what, path, strerror(errno));
	if (fstat(file->fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		file_close(file);
		return fail("the %s '%s' is not a regular file; give the path of an image file",
			    what, path);
	}
	if (!stat.st_size) {
		file_close(file);
		return fail("the %s '%s' is empty; give the path of an image file", what, path);
	}
	file->size = (uint64_t)stat.st_size;
	return 0;
}

void file_close(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Read exactly @length bytes from @offset. */
int file_read(const struct file *file, uint64_t offset, void *buffer, uint64_t length)
{
	char *to = buffer;
	ssize_t count;

	while (length) {
		count = pread(file->fd, to, length, (off_t)offset);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return fail("cannot read '%s': %s; check the medium it is on",
				    file->path, strerror(errno));
		if (!count)
			return fail("'%s' ends too early; it was truncated, copy it again",
				    file->path);
		to += count;
		offset += (uint64_t)count;
		length -= (uint64_t)count;
	}
	return 0;
}
