// SPDX-License-Identifier: GPL-2.0
/*
 * lvx, the launcher: finds the subcommand and calls it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "util.h"

#ifndef LVX_VERSION
#define LVX_VERSION "unknown"
#endif

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "run",	cmd_run,	"Boot a Linux kernel in a virtual machine." },
	{ "doctor",	cmd_doctor,	"Say what keeps virtual machines from running here." },
	{ "help",	cmd_help,	"Show this text, or that of a command." },
	{ "version",	cmd_version,	"Show the version of this program." },
};

static const struct command *find_command(const char *name)
{
	unsigned int i;

	/* What people type first. */
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version"))
		name = "version";
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int cmd_help(int argc, char **argv)
{
	static char option[] = "--help";
	char *forward[] = { argc > 1 ? argv[1] : NULL, option, NULL };
	const struct command *command;
	unsigned int i;

	if (argc > 1) {
		command = find_command(argv[1]);
		if (!command)
			return usage_error(NULL, "there is no command '%s'", argv[1]);
		if (command->run != cmd_help && command->run != cmd_version)
			return command->run(2, forward);
	}
	printf("Usage: lvx COMMAND [OPTION]...\n\n"
	       "Runs virtual machines on lvx, a hypervisor for Linux.\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].what);
	printf("\n'lvx COMMAND --help' tells more about a command.\n");
	return STATUS_OK;
}

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("lvx %s\n", LVX_VERSION);
	return STATUS_OK;
}

/*
 * If we were started without stdin, stdout or stderr, the next file opened
 * would become it, and take the guest's console for its own content.
 */
static int open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -1;
	} while (fd <= STDERR_FILENO);
	return close(fd);
}

int main(int argc, char **argv)
{
	const struct command *command;
	int status;

	if (open_standard_files() < 0)
		return fail("cannot open /dev/null; mount a /dev") < 0 ? STATUS_FAILED : 0;
	/* Output that nobody reads or keeps is no reason to drop a guest. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2)
		return usage_error(NULL, "a command is missing");
	command = find_command(argv[1]);
	if (!command)
		return usage_error(NULL, "there is no command '%s'", argv[1]);
	status = command->run(argc - 1, argv + 1);
	if (fflush(stdout) && status == STATUS_OK) {
		fail("cannot write to standard output: %s", strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}
