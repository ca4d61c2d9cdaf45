// SPDX-License-Identifier: GPL-2.0
/*
 * The main thread's side of the console: terminal modes, signals, keys.
 *
 * While a guest runs, a terminal on stdin is in raw mode, so that every key
 * reaches the guest, but for the escape key. It gets its modes back on every
 * way out: the normal one, signals that end or stop the launcher (taken from a
 * signalfd, so that they are handled like any other event), and the launcher's
 * own crash. Only SIGKILL leaves nobody to do it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"
#include "util.h"

#define ESCAPE_KEY 0x1d		/* Ctrl-], the key of telnet and virsh */

/* Global, since a signal handler has no other way to find it. */
static struct termios cooked;
static volatile sig_atomic_t raw;

static void make_raw(void)
{
	struct termios termios = cooked;

	cfmakeraw(&termios);
	/* TCSADRAIN, as TCSAFLUSH would drop what was typed ahead. */
	if (!tcsetattr(STDIN_FILENO, TCSADRAIN, &termios))
		raw = 1;
}

static void make_cooked(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	raw = 0;
}

/* The launcher crashed: restore, then die of it (SA_RESETHAND). */
static void on_crash(int signal)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	raise(signal);
}

static void catch_crashes(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	struct sigaction action = {
		.sa_handler = on_crash,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

/*
 * From here on a guest may run. Before this, signals do what they always do
 * and there is nothing to restore. The threads inherit the blocked signals.
 */
int console_start(struct console *console)
{
	/* All that end or stop a process, but for crashes and what main() ignores. */
	static const int taken[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT,
		SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGUSR2, SIGIO, SIGPWR,
	};
	struct sigaction action;
	sigset_t set;
	size_t i;

	/* What nohup and the like let us ignore stays ignored. */
	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		if (!sigaction(taken[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&set, taken[i]);
	console->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (console->signals < 0)
		return fail("cannot create a signalfd: %s; close some files", strerror(errno));
	sigprocmask(SIG_BLOCK, &set, &console->old_signals);
	console->closing = false;
	console->started = true;
	catch_crashes();
	console->escapes = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &cooked);
	if (console->escapes) {
		/* More than anyone types or pastes: the escape key gets through. */
		console->input_max = CONSOLE_TYPE_AHEAD;
		make_raw();
	}
	return 0;
}

/*
 * The guest is gone. Terminal first, then signals, then what may take long:
 * writing out its last words. In a @hurry, those that stdout's reader does not
 * take are dropped.
 */
void console_stop(struct console *console, bool hurry)
{
	if (!console->started)
		return;
	console->started = false;
	make_cooked();
	close(console->signals);
	sigprocmask(SIG_SETMASK, &console->old_signals, NULL);
	console->closing = hurry;
	console_flush(console, true);
}

void console_attach(struct console *console, const struct console_client *client)
{
	console->client = *client;
}

void console_detach(struct console *console)
{
	memset(&console->client, 0, sizeof(console->client));
}

static void tell(const char *text)
{
	/* Nobody is left to tell if this fails. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* The key after the escape key. Returns the byte to pass on, or -1. */
static int escape(struct console *console, uint8_t key, enum console_event *event)
{
	switch (key) {
	case 'x':
		*event = CONSOLE_QUIT;
		return -1;
	case 'b':
		if (console->client.brk)
			console->client.brk(console->client.client);
		return -1;
	case ESCAPE_KEY:
		return key;
	}
	tell("\r\nlvx: after " CONSOLE_ESCAPE_NAME ": x ends the virtual machine, b sends a break, "
	     CONSOLE_ESCAPE_NAME " sends itself\r\n");
	return -1;
}

/* Take the escape sequences out of @data, in place; returns what is left. */
static size_t filter(struct console *console, uint8_t *data, size_t length,
		     enum console_event *event)
{
	size_t from, to = 0;
	int byte;

	for (from = 0; from < length; from++) {
		byte = data[from];
		if (console->escaped) {
			console->escaped = false;
			byte = escape(console, data[from], event);
		} else if (byte == ESCAPE_KEY) {
			console->escaped = true;
			byte = -1;
		}
		if (byte >= 0)
			data[to++] = (uint8_t)byte;
	}
	return to;
}

/* Read as much as there is room for, and tell the serial port. */
static enum console_event take_input(struct console *console)
{
	enum console_event event = CONSOLE_NONE;
	uint8_t data[CONSOLE_INPUT_SIZE];
	size_t room = console_input_room(console);
	ssize_t count;

	if (!room)
		return CONSOLE_NONE;
	count = read(STDIN_FILENO, data, room < sizeof(data) ? room : sizeof(data));
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return CONSOLE_NONE;
	if (count <= 0) {
		console->input_open = false;
		return CONSOLE_NONE;
	}
	if (console->escapes)
		count = (ssize_t)filter(console, data, (size_t)count, &event);
	console_store(console, data, (size_t)count);
	if (count && console->client.input)
		console->client.input(console->client.client);
	return event;
}

/* Stop and continue here; anything else is for the caller. */
static enum console_event take_signal(struct console *console, int *signal)
{
	struct signalfd_siginfo info;

	if (read(console->signals, &info, sizeof(info)) != sizeof(info))
		return CONSOLE_NONE;
	*signal = (int)info.ssi_signo;
	switch (*signal) {
	case SIGTSTP:
		make_cooked();
		raise(SIGSTOP);
		break;
	case SIGCONT:
		break;
	default:
		return CONSOLE_SIGNAL;
	}
	/* Someone else had the terminal meanwhile; it is in any mode. */
	if (console->escapes)
		make_raw();
	return CONSOLE_NONE;
}

/*
 * Sleep until something happens, at most @timeout ms (-1: for ever). A full
 * input buffer is not waited on: what is typed then stays where it is.
 */
enum console_event console_wait(struct console *console, int timeout, int *signal)
{
	struct pollfd fds[] = {
		{ .fd = console->wake, .events = POLLIN },
		{ .fd = console->signals, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	enum console_event event = CONSOLE_NONE;
	uint64_t count;

	pthread_mutex_lock(&console->lock);
	if (!console->input_open || console->input_full)
		fds[2].fd = -1;
	pthread_mutex_unlock(&console->lock);

	if (poll(fds, ARRAY_SIZE(fds), timeout) <= 0)
		return CONSOLE_NONE;
	if (fds[0].revents && read(console->wake, &count, sizeof(count)) < 0)
		return CONSOLE_NONE;
	if (fds[1].revents)
		event = take_signal(console, signal);
	if (event == CONSOLE_NONE && fds[2].revents)
		event = take_input(console);
	return event;
}
