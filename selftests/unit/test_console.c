// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's console with a stdout whose reader stalls: nothing is lost or
 * stays behind, and nobody waits who must not.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <termios.h>
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

static void start_pipe(void)
{
	if (pipe(out) < 0 || fcntl(out[1], F_SETPIPE_SZ, PIPE_SIZE) != PIPE_SIZE)
		abort();
	redirect();
}

static void start_terminal(void)
{
	struct termios termios;

	out[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (out[0] < 0 || grantpt(out[0]) || unlockpt(out[0]))
		abort();
	out[1] = open(ptsname(out[0]), O_RDWR | O_NOCTTY);
	if (out[1] < 0 || tcgetattr(out[1], &termios))
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

/* In a process of its own, which has two seconds. */
static pid_t start(void (*run)(bool how), bool how)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	alarm(2);
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
