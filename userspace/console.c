// SPDX-License-Identifier: GPL-2.0
/*
 * The console's two buffers, between the guest's serial port and the launcher.
 *
 * Output: a byte costs no system call. It is put into a buffer, which the main
 * thread writes out ten milliseconds later, or a vCPU's thread when it is full:
 * that makes a guest that prints faster than the terminal takes wait.
 *
 * Input: what the guest does not fetch stays in the buffer, and when that is
 * full in the pipe it came from. A terminal has to be read on, since the escape
 * key may come behind what the guest does not fetch; so there the buffer grows.
 * Nothing is dropped: a script of commands can be piped, or pasted, into a guest
 * that has not even started its shell.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "console.h"
#include "util.h"

/*
 * As much as a pipe or a terminal takes at once when it is ready. A pipe takes a
 * page, but a pseudo-terminal is ready until its last buffer has no room, and the
 * kernel makes buffers of somewhat less than half a page.
 */
#define WRITE_MAX 1024

int console_init(struct console *console)
{
	memset(console, 0, sizeof(*console));
	pthread_mutex_init(&console->lock, NULL);
	pthread_mutex_init(&console->flush_lock, NULL);
	console->output = console->buffers[0];
	console->signals = -1;
	console->input_open = true;
	console->input_size = CONSOLE_INPUT_SIZE;
	console->input_max = CONSOLE_INPUT_SIZE;
	console->input = malloc(console->input_size);
	if (!console->input)
		return fail("no memory for the console; free some");
	console->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->wake < 0) {
		free(console->input);
		return fail("cannot create an eventfd: %s; close some files", strerror(errno));
	}
	return 0;
}

void console_fini(struct console *console)
{
	close(console->wake);
	free(console->input);
}

/* Let console_wait() return. */
void console_wake(struct console *console)
{
	uint64_t one = 1;

	/* It can only fail by being set already. */
	if (write(console->wake, &one, sizeof(one)) < 0)
		return;
}

/*
 * Watch the guest's output for its kernel's last words, and remember the rest
 * of that line. No letter of the phrase but the first is a K, so a mismatch
 * can only start over.
 */
static void watch(struct console *console, uint8_t byte)
{
	static const char words[] = "Kernel panic - not syncing";
	const unsigned int length = sizeof(words) - 1;

	if (!console->panicked) {
		if (byte == words[console->panic_match])
			console->panic_match++;
		else
			console->panic_match = byte == words[0];
		console->panicked = console->panic_match == length;
		return;
	}
	if (console->reason_done)
		return;
	if (byte == '\n' || byte == '\r' ||
	    console->reason_length == sizeof(console->reason) - 1) {
		console->reason_done = true;
		return;
	}
	/* It will be shown outside the guest's own output: no control codes. */
	if (byte < ' ' || byte > '~')
		byte = '?';
	console->reason[console->reason_length++] = (char)byte;
}

/* The guest prints a byte. Beyond a full buffer bytes are lost, see relieve. */
void console_put(struct console *console, uint8_t byte)
{
	pthread_mutex_lock(&console->lock);
	if (!console->reason_done)
		watch(console, byte);
	if (console->output_length < CONSOLE_OUTPUT_SIZE)
		console->output[console->output_length++] = byte;
	pthread_mutex_unlock(&console->lock);
	if (!atomic_load_explicit(&console->busy, memory_order_relaxed) &&
	    !atomic_exchange(&console->busy, true))
		console_wake(console);
}

/*
 * Write to stdout. Without @may_block only as much as surely doesn't block.
 * Returns what is left.
 */
static size_t write_out(struct console *console, const uint8_t *data, size_t length,
			bool may_block)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t count;

	while (length && !console->output_broken) {
		count = poll(&out, 1, may_block ? 100 : 0);
		if (count == 0 || (count < 0 && errno == EINTR)) {
			if (!may_block || console->closing)
				break;
			continue;
		}
		count = write(STDOUT_FILENO, data, length < WRITE_MAX ? length : WRITE_MAX);
		if (count < 0 && errno != EINTR && errno != EAGAIN)
			console->output_broken = true;
		if (count < 0)
			continue;
		data += count;
		length -= (size_t)count;
	}
	return console->output_broken ? 0 : length;
}

/*
 * Write out what the guest printed. One buffer is filled while the other one
 * is written; what could not be written goes back in front of the newer bytes.
 * If anything may be left, the console stays busy: the main thread comes again.
 */
void console_flush(struct console *console, bool may_block)
{
	uint8_t *data;
	size_t length, left;

	if (may_block) {
		pthread_mutex_lock(&console->flush_lock);
	} else if (pthread_mutex_trylock(&console->flush_lock)) {
		console->busy = true;
		return;
	}

	pthread_mutex_lock(&console->lock);
	data = console->output;
	length = console->output_length;
	console->output = console->buffers[data == console->buffers[0]];
	console->output_length = 0;
	pthread_mutex_unlock(&console->lock);

	left = write_out(console, data, length, may_block);
	if (left) {
		pthread_mutex_lock(&console->lock);
		memmove(data, data + length - left, left);
		length = console->output_length;
		if (length > CONSOLE_OUTPUT_SIZE - left)
			length = CONSOLE_OUTPUT_SIZE - left;
		memcpy(data + left, console->output, length);
		console->output = data;
		console->output_length = left + length;
		pthread_mutex_unlock(&console->lock);
		console->busy = true;
	}
	pthread_mutex_unlock(&console->flush_lock);
}

/* A vCPU's thread, holding no lock, makes room before the buffer is full. */
void console_relieve(struct console *console)
{
	bool full;

	pthread_mutex_lock(&console->lock);
	full = console->output_length >= CONSOLE_FLUSH_AT;
	pthread_mutex_unlock(&console->lock);
	if (full)
		console_flush(console, true);
}

/* A ring of twice the size, in which what waits starts at the beginning. */
static void grow_input(struct console *console)
{
	uint32_t count = console->input_tail - console->input_head, i;
	uint8_t *input = malloc(2 * console->input_size);

	if (!input)
		return;
	for (i = 0; i < count; i++)
		input[i] = console->input[(console->input_head + i) % console->input_size];
	free(console->input);
	console->input = input;
	console->input_size *= 2;
	console->input_head = 0;
	console->input_tail = count;
}

/*
 * How much input can be stored now. 0: none, and the main thread, which asks,
 * is woken once the guest has fetched it all.
 */
size_t console_input_room(struct console *console)
{
	uint32_t count, room;

	pthread_mutex_lock(&console->lock);
	count = console->input_tail - console->input_head;
	if (count == console->input_size && count < console->input_max)
		grow_input(console);
	room = console->input_size - count;
	console->input_full = !room;
	pthread_mutex_unlock(&console->lock);
	return room;
}

/* The main thread has read @count bytes, no more than there was room for. */
void console_store(struct console *console, const uint8_t *data, size_t count)
{
	size_t i;

	pthread_mutex_lock(&console->lock);
	for (i = 0; i < count; i++)
		console->input[console->input_tail++ % console->input_size] = data[i];
	pthread_mutex_unlock(&console->lock);
}

bool console_has_input(struct console *console)
{
	bool has;

	pthread_mutex_lock(&console->lock);
	has = console->input_head != console->input_tail;
	pthread_mutex_unlock(&console->lock);
	return has;
}

/* The next byte of input, or -1. */
int console_get(struct console *console)
{
	bool wake = false;
	int byte = -1;

	pthread_mutex_lock(&console->lock);
	if (console->input_head != console->input_tail) {
		byte = console->input[console->input_head++ % console->input_size];
		wake = console->input_full && console->input_head == console->input_tail;
		if (wake)
			console->input_full = false;
	}
	pthread_mutex_unlock(&console->lock);
	if (wake)
		console_wake(console);
	return byte;
}

/*
 * Did the guest's kernel print that it panicked? @reason gets the rest of that
 * line. This is a guess from words on the console, which any program in the
 * guest could print, too; so it only explains a reset that follows.
 */
bool console_panicked(struct console *console, char *reason, size_t size)
{
	const char *text = console->reason;
	bool panicked;

	pthread_mutex_lock(&console->lock);
	panicked = console->panicked;
	console->reason[console->reason_length] = 0;
	text += strspn(text, ": ");
	if (panicked && size) {
		strncpy(reason, text, size - 1);
		reason[size - 1] = 0;
	}
	pthread_mutex_unlock(&console->lock);
	return panicked;
}

/* A new guest starts: what the last one said is no longer news. */
void console_forget_panic(struct console *console)
{
	pthread_mutex_lock(&console->lock);
	console->panic_match = 0;
	console->panicked = false;
	console->reason_length = 0;
	console->reason_done = false;
	pthread_mutex_unlock(&console->lock);
}
