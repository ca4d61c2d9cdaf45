// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's console with a stdout whose reader stalls, and with a guest
 * that does not read its input: nothing is lost or stays behind, and nobody
 * waits who must not.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "userspace/console.h"

#define PIPE_SIZE 4096

static struct console console;
static int out[2];	/* what stdout is meanwhile: read end, write end */
static int real_stdout;

static void redirect(void)
{
	fflush(stdout);
	real_stdout = dup(STDOUT_FILENO);
	dup2(out[1], STDOUT_FILENO);
	close(out[1]);
	console_init(&console);
}

/* Failures can be told only after this. */
static void restore(void)
{
	console_fini(&console);
	dup2(real_stdout, STDOUT_FILENO);
	close(real_stdout);
	close(out[0]);
}

/* A new terminal's two ends. Its modes are not raw yet. */
static void open_terminal(int ends[2])
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (ends[0] < 0 || grantpt(ends[0]) || unlockpt(ends[0]))
		abort();
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
	if (ends[1] < 0)
		abort();
}

static void start_pipe(void)
{
	if (pipe(out) < 0 || fcntl(out[1], F_SETPIPE_SZ, PIPE_SIZE) != PIPE_SIZE)
		abort();
	redirect();
}

static void start_terminal(void)
{
	struct termios termios;

	open_terminal(out);
	if (tcgetattr(out[1], &termios))
		abort();
	cfmakeraw(&termios);
	tcsetattr(out[1], TCSANOW, &termios);
	redirect();
}

static void print(unsigned int count)
{
	while (count--)
		console_put(&console, (uint8_t)count);
}

/* What the main thread does every ten milliseconds. */
static void tick(void)
{
	if (!console.busy)
		return;
	console.busy = false;
	console_flush(&console, false);
}

/* What there is to read now, at most a pipe full. */
static size_t drain(void)
{
	static char data[PIPE_SIZE];
	ssize_t count;

	fcntl(out[0], F_SETFL, O_NONBLOCK);
	count = read(out[0], data, sizeof(data));

	return count < 0 ? 0 : (size_t)count;
}

TEST(rest_follows)
{
	size_t left, left_after, read_ = 0;
	unsigned int i;
	bool busy;

	start_pipe();
	print(PIPE_SIZE + 100);
	tick();
	left = console.output_length;
	for (i = 0; i < 10; i++) {
		read_ += drain();
		tick();
	}
	left_after = console.output_length;
	busy = console.busy;
	restore();
	EXPECT(left >= 100);
	EXPECT_EQ(left_after, 0);
	EXPECT_EQ(read_, PIPE_SIZE + 100);
	EXPECT(!busy);
}

TEST(rest_follows_another_writer)
{
	size_t left, left_after;

	start_pipe();
	print(100);
	pthread_mutex_lock(&console.flush_lock);
	tick();
	left = console.output_length;
	pthread_mutex_unlock(&console.flush_lock);
	tick();
	left_after = console.output_length;
	restore();
	EXPECT_EQ(left, 100);
	EXPECT_EQ(left_after, 0);
}

TEST(no_reader_no_rest)
{
	size_t left;
	bool busy;

	signal(SIGPIPE, SIG_IGN);
	start_pipe();
	close(out[0]);
	print(100);
	tick();
	left = console.output_length;
	busy = console.busy;
	out[0] = -1;
	restore();
	EXPECT_EQ(left, 0);
	EXPECT(!busy);
}

static void stop(bool hurry)
{
	console_start(&console);
	print(2 * PIPE_SIZE);
	console_stop(&console, hurry);
}

/* Writes of many sizes, until a terminal is full to different degrees. */
static void fill(bool tiny)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		print(i % 2 == 0 ? PIPE_SIZE : tiny ? 10 : 1000);
		tick();
	}
}

/*
 * What would wait for ever is killed in a minute. Not by SIGALRM, as that is one
 * of the signals that the console takes; and not so soon that a busy machine
 * could be the reason.
 */
static void limit_time(void)
{
	struct itimerspec minute = { .it_value.tv_sec = 60 };
	struct sigevent kill_it = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &kill_it, &timer) ||
	    timer_settime(timer, 0, &minute, NULL))
		_exit(99);
}

/* In a process of its own. */
static pid_t start(void (*run)(bool how), bool how)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	limit_time();
	run(how);
	_exit(0);
}

/* How that ended; stdout is what it was again. */
static int result_of(void (*run)(bool how), bool how)
{
	int status = -1;

	waitpid(start(run, how), &status, 0);
	restore();
	return status;
}

TEST(stop_in_a_hurry_drops_the_rest)
{
	start_pipe();
	EXPECT_EQ(result_of(stop, true), 0);
}

TEST(stop_writes_all)
{
	size_t total = 0;
	int status = -1;
	pid_t pid;

	start_pipe();
	pid = start(stop, false);
	do
		total += drain();
	while (!waitpid(pid, &status, WNOHANG));
	total += drain();
	restore();
	EXPECT_EQ(status, 0);
	EXPECT_EQ(total, 2 * PIPE_SIZE);
}

TEST(full_terminal_blocks_nobody)
{
	int tiny;

	for (tiny = 0; tiny < 2; tiny++) {
		start_terminal();
		EXPECT_EQ(result_of(fill, tiny), 0);
	}
}

/* What would end the process, were it not taken from the signalfd. */
static void take_signals(bool how)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGALRM, SIGXCPU, SIGUSR2, SIGPWR };
	unsigned int i;
	int taken;

	(void)how;
	console_start(&console);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		kill(getpid(), signals[i]);
		if (console_wait(&console, 0, &taken) != CONSOLE_SIGNAL || taken != signals[i])
			_exit(1);
	}
}

TEST(signals_are_taken)
{
	start_pipe();
	EXPECT_EQ(result_of(take_signals, false), 0);
}

/* Of what is pasted; the escape key is not among it. */
static uint8_t pasted(unsigned int i)
{
	return (uint8_t)('a' + (i + i / 26) % 26);
}

/*
 * What a user does at a terminal: paste @count bytes, then type @keys. The guest
 * reads nothing meanwhile. Returns the event that the main thread got.
 */
static enum console_event paste(int terminal, unsigned int count, const char *keys)
{
	enum console_event event = CONSOLE_NONE;
	unsigned int idle = 0, done = 0;
	ssize_t length;
	char byte;
	int taken;

	fcntl(terminal, F_SETFL, O_NONBLOCK);
	while (idle < 20 && event == CONSOLE_NONE) {
		byte = done < count ? (char)pasted(done) : *keys;
		length = byte ? write(terminal, &byte, 1) : 0;
		if (length > 0 && done++ >= count)
			keys++;
		event = console_wait(&console, length > 0 ? 0 : 10, &taken);
		idle = length > 0 ? 0 : idle + 1;
	}
	return event;
}

/* In a process of its own: with @how, the escape key comes behind it. */
static void paste_to_nobody(bool how)
{
	const unsigned int count = 20000;
	unsigned int i;
	int ends[2];

	open_terminal(ends);
	dup2(ends[1], STDIN_FILENO);
	console_start(&console);
	if (paste(ends[0], count, how ? "\x1dx" : "") != (how ? CONSOLE_QUIT : CONSOLE_NONE))
		_exit(1);
	for (i = 0; i < count; i++)
		if (console_get(&console) != pasted(i))
			_exit(2);
	if (console_get(&console) != -1)
		_exit(3);
}

TEST(what_is_pasted_waits_for_the_guest)
{
	start_pipe();
	EXPECT_EQ(result_of(paste_to_nobody, false), 0);
}

TEST(escape_key_behind_what_waits)
{
	start_pipe();
	EXPECT_EQ(result_of(paste_to_nobody, true), 0);
}

/* A pipe, or a terminal with more than anyone types: the rest stays there. */
static void fill_input(bool terminal)
{
	unsigned int i, limit = CONSOLE_INPUT_SIZE, done = 0;
	int ends[2], taken, byte;
	uint8_t data;

	if (terminal)
		open_terminal(ends);
	else if (pipe(ends) < 0)
		_exit(1);
	dup2(ends[terminal ? 1 : 0], STDIN_FILENO);
	console_start(&console);
	if (terminal)
		console.input_max = limit = 2 * CONSOLE_INPUT_SIZE;
	fcntl(ends[terminal ? 0 : 1], F_SETFL, O_NONBLOCK);
	for (i = 0; i < 5 * CONSOLE_INPUT_SIZE; i++) {
		data = pasted(done);
		done += write(ends[terminal ? 0 : 1], &data, 1) == 1;
		console_wait(&console, 0, &taken);
	}
	if (console.input_tail - console.input_head != limit || done <= limit)
		_exit(2);
	for (i = 0; i < done; i++) {
		while ((byte = console_get(&console)) < 0)
			console_wait(&console, 100, &taken);
		if (byte != pasted(i))
			_exit(3);
	}
}

TEST(full_input_stays_where_it_is)
{
	int terminal;

	for (terminal = 0; terminal < 2; terminal++) {
		start_pipe();
		EXPECT_EQ(result_of(fill_input, terminal), 0);
	}
}
