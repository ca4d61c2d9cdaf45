/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The console: the launcher's terminal (or pipe, or file) on one side, the
 * guest's serial port on the other. It outlives a reboot of the guest, so that
 * nothing typed or printed meanwhile is lost.
 */
#ifndef LVX_CONSOLE_H
#define LVX_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>

#define CONSOLE_INPUT_SIZE 4096		/* a power of two */
#define CONSOLE_TYPE_AHEAD (16u << 20)	/* another one */
#define CONSOLE_OUTPUT_SIZE 65536
#define CONSOLE_FLUSH_AT 4096
#define CONSOLE_REASON_SIZE 128

/* What the serial port, or whoever wants the input, is told. */
struct console_client {
	void (*input)(void *client);	/* there is input to fetch */
	void (*brk)(void *client);	/* the user sent a break */
	void *client;
};

struct console {
	pthread_mutex_t lock;		/* guards what follows */
	uint8_t *input;			/* a ring of @input_size bytes, a power of two */
	uint32_t input_size, input_max;	/* what it has, and what it may grow to */
	uint32_t input_head, input_tail;	/* free-running */
	bool input_full;		/* the main thread stopped reading stdin */
	uint8_t *output;		/* one of @buffers */
	size_t output_length;
	/* The guest's last words: see console_panicked(). */
	unsigned int panic_match;
	bool panicked;
	size_t reason_length;
	bool reason_done;
	char reason[CONSOLE_REASON_SIZE];

	pthread_mutex_t flush_lock;	/* one writer at a time; before @lock */
	uint8_t buffers[2][CONSOLE_OUTPUT_SIZE];
	bool output_broken;		/* stdout takes no more: be silent */
	atomic_bool closing;		/* give up writes that would block */
	atomic_bool busy;		/* there may be output: the main thread has to look */

	/* The rest belongs to the main thread. */
	struct console_client client;
	int wake;			/* eventfd that ends the main thread's sleep */
	int signals;			/* signalfd */
	sigset_t old_signals;
	bool started;
	bool input_open;		/* stdin has not ended */
	bool escapes;			/* stdin is a terminal: watch for the escape key */
	bool escaped;			/* the last key was the escape key */
};

enum console_event { CONSOLE_NONE, CONSOLE_QUIT, CONSOLE_SIGNAL };

#define CONSOLE_ESCAPE_NAME "Ctrl-]"

int console_init(struct console *console);
void console_fini(struct console *console);
int console_start(struct console *console);
void console_stop(struct console *console, bool hurry);
void console_attach(struct console *console, const struct console_client *client);
void console_detach(struct console *console);
enum console_event console_wait(struct console *console, int timeout, int *signal);
size_t console_input_room(struct console *console);
void console_store(struct console *console, const uint8_t *data, size_t count);

/* From any thread. */
void console_wake(struct console *console);
void console_put(struct console *console, uint8_t byte);
void console_flush(struct console *console, bool may_block);
void console_relieve(struct console *console);
bool console_has_input(struct console *console);
int console_get(struct console *console);
bool console_panicked(struct console *console, char *reason, size_t size);
void console_forget_panic(struct console *console);

#endif
