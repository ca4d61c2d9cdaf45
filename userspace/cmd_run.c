// SPDX-License-Identifier: GPL-2.0
/*
 * lvx run: boot a Linux kernel in a virtual machine and stay until it ends.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "lifecycle.h"
#include "machine.h"

#define DEFAULT_NODE	"/dev/lvx"
#define DEFAULT_MEMORY	(512 * MIB)

struct run_options {
	const char *kernel;
	const char *initrd;
	bool no_reboot;
	bool help;
	struct vm_config config;
};

static const char help[] =
"Usage: lvx run --kernel FILE [OPTION]...\n"
"\n"
"Boots a Linux kernel in a virtual machine. Its first serial port is the\n"
"console on this terminal. The virtual machine lasts as long as this command.\n"
"\n"
"  --kernel FILE    Boot this kernel, a bzImage (vmlinuz) or an ELF vmlinux.\n"
"  --initrd FILE    Give it this initial RAM disk.\n"
"  --append TEXT    Append this to the kernel's command line.\n"
"  --memory SIZE    Give the guest this much memory, with a suffix K, M, G or T;\n"
"                   a bare number counts MiB. The default is 512M.\n"
"  --cpus N         Give the guest this many CPUs. The default is 1.\n"
"  --device NODE    Use this device node. The default is /dev/lvx; /dev/kvm\n"
"                   runs the same virtual machine on KVM.\n"
"  --no-reboot      End when the guest reboots, instead of starting it again.\n"
"  --help           Show this text.\n"
"\n"
"On a terminal, " CONSOLE_ESCAPE_NAME " x ends the virtual machine, " CONSOLE_ESCAPE_NAME " b sends a break (SysRq), and\n"
CONSOLE_ESCAPE_NAME " twice sends that key itself.\n"
"\n"
"The exit status is\n"
"  0  if the guest powered itself off, or rebooted with --no-reboot,\n"
"  1  if the virtual machine could not be started or could not go on,\n"
"  2  if the command line is wrong,\n"
"  3  if the guest's kernel panicked,\n"
"  4  if the guest crashed: a triple fault, or an exit that makes no sense,\n"
"  5  if the escape key ended it.\n"
"A signal that ends the launcher ends the virtual machine, too.\n";

enum option_id {
	OPT_KERNEL = 256, OPT_INITRD, OPT_APPEND, OPT_MEMORY, OPT_CPUS, OPT_DEVICE,
	OPT_NO_REBOOT, OPT_HELP,
};

static const struct option options[] = {
	{ "kernel",	required_argument,	NULL, OPT_KERNEL },
	{ "initrd",	required_argument,	NULL, OPT_INITRD },
	{ "append",	required_argument,	NULL, OPT_APPEND },
	{ "memory",	required_argument,	NULL, OPT_MEMORY },
	{ "cpus",	required_argument,	NULL, OPT_CPUS },
	{ "device",	required_argument,	NULL, OPT_DEVICE },
	{ "no-reboot",	no_argument,		NULL, OPT_NO_REBOOT },
	{ "help",	no_argument,		NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int set_memory(struct vm_config *config, const char *text)
{
	uint64_t max = memory_max();

	if (parse_size(text, &config->memory) < 0)
		return usage_error("run", "--memory '%s' is not a size like 512M or 4G", text);
	if (config->memory < RAM_MIN || config->memory > max)
		return usage_error("run", "--memory %s is out of range; give %lluM to %lluG", text,
				   RAM_MIN / MIB, (unsigned long long)(max / GIB));
	if (config->memory % MIB)
		return usage_error("run", "--memory %s is not a multiple of 1 MiB; round it",
				   text);
	return 0;
}

/* One option. Returns 0 or an exit status. */
static int set_option(struct run_options *run, int option, const char *value)
{
	struct vm_config *config = &run->config;

	switch (option) {
	case OPT_KERNEL:
		run->kernel = value;
		return 0;
	case OPT_INITRD:
		run->initrd = value;
		return 0;
	case OPT_APPEND:
		config->append = value;
		return 0;
	case OPT_MEMORY:
		return set_memory(config, value);
	case OPT_CPUS:
		if (parse_number(value, &config->cpus) < 0 || !config->cpus)
			return usage_error("run", "--cpus '%s' is not a number of CPUs", value);
		return 0;
	case OPT_DEVICE:
		config->node = value;
		return 0;
	case OPT_NO_REBOOT:
		run->no_reboot = true;
		return 0;
	default:
		run->help = true;
		return 0;
	}
}

static int parse(struct run_options *run, int argc, char **argv)
{
	int option, at = optind, result = 0;

	opterr = 0;
	while (!result && (option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			return option_error("run", option, argv[at]);
		result = set_option(run, option, optarg);
		at = optind;
	}
	if (result || run->help)
		return result;
	if (optind < argc)
		return usage_error("run", "'%s' is one argument too many", argv[optind]);
	if (!run->kernel)
		return usage_error("run", "--kernel is missing");
	return 0;
}

/* Die of the signal that ended us, so that the shell sees the truth. */
static int die_of(int number)
{
	signal(number, SIG_DFL);
	raise(number);
	return 128 + number;
}

static const int statuses[] = {
	[END_POWER_OFF]	= STATUS_OK,
	[END_RESET]	= STATUS_OK,
	[END_PANIC]	= STATUS_PANIC,
	[END_CRASH]	= STATUS_CRASH,
	[END_FAILED]	= STATUS_FAILED,
	[END_QUIT]	= STATUS_ENDED,
};

static int run_until_end(const struct run_options *run)
{
	static struct console console;
	struct outcome outcome;

	if (console_init(&console) < 0)
		return STATUS_FAILED;
	do {
		if (vm_live(&run->config, &console, &outcome) < 0) {
			console_fini(&console);
			return STATUS_FAILED;
		}
	} while (outcome.end == END_RESET && !run->no_reboot && !outcome.signal);
	console_fini(&console);
	if (outcome.signal)
		return die_of(outcome.signal);
	return statuses[outcome.end];
}

int cmd_run(int argc, char **argv)
{
	struct run_options run = {
		.config = {
			.node = DEFAULT_NODE,
			.memory = DEFAULT_MEMORY,
			.cpus = 1,
			.initrd = { .fd = -1 },
		},
	};
	struct vm_config *config = &run.config;
	int result = parse(&run, argc, argv);

	if (result)
		return result;
	if (run.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (file_open(&config->kernel, run.kernel, "kernel") < 0)
		return STATUS_FAILED;
	if (run.initrd && file_open(&config->initrd, run.initrd, "initial RAM disk") < 0)
		result = STATUS_FAILED;
	else
		result = run_until_end(&run);
	file_close(&config->initrd);
	file_close(&config->kernel);
	return result;
}
