// SPDX-License-Identifier: GPL-2.0
/*
 * The user at a terminal: runs a command whose stdin is a terminal, pastes a
 * line of so many bytes as fast as they are taken, types the keys after it, and
 * ends with the command's exit status. Says what it pasted as the guest does.
 *
 * usage: paste BYTES KEYS COMMAND...	(KEYS may be empty; ^ is Ctrl-])
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "line.h"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	if (master < 0 || grantpt(master) || unlockpt(master))
		die("no terminal");
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (*slave < 0)
		die("no terminal");
	return master;
}

static void type(int terminal, uint8_t byte)
{
	if (write(terminal, &byte, 1) != 1)
		die("cannot type");
}

/* The command is ready once it has made the terminal raw. */
static void wait_until_raw(int slave, pid_t child)
{
	struct termios termios;

	do {
		usleep(10000);
		if (waitpid(child, NULL, WNOHANG) == child)
			exit(1);
		if (tcgetattr(slave, &termios) < 0)
			die("no modes");
	} while (termios.c_lflag & ICANON);
}

int main(int argc, char **argv)
{
	struct line line = LINE_INIT;
	unsigned long bytes;
	int master, slave, status;
	const char *key;
	uint8_t byte;
	pid_t child;

	if (argc < 4)
		return 2;
	master = open_terminal(&slave);
	child = fork();
	if (!child) {
		dup2(slave, STDIN_FILENO);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	wait_until_raw(slave, child);
	for (bytes = strtoul(argv[1], NULL, 0); bytes; bytes--) {
		byte = bytes == 1 ? '\n' : (uint8_t)('a' + (bytes + bytes / 26) % 26);
		type(master, byte);
		line_add(&line, byte);
	}
	printf("line: %08x %08x\n", line.length, line.hash);
	fflush(stdout);
	for (key = argv[2]; *key; key++)
		type(master, *key == '^' ? ']' & 0x1f : (uint8_t)*key);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
