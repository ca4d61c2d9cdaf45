// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a host, with guests at work and VMX on: by a panic into a crash
 * kernel, by booting another kernel without the firmware, by a restart. A CPU
 * that is left in VMX operation would ignore the INIT by which the next kernel
 * starts it; so that kernel says how many CPUs it has.
 */
#include <sched.h>
#include <sys/reboot.h>

#include <kselftest.h>

#include "lib.h"
#include "next_kernel.h"
#include "work.h"

static void sysrq(char c)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd < 0 || write(fd, &c, 1) != 1)
		die("sysrq: %s", strerror(errno));
}

static void panic(void)
{
	sysrq('c');
}

static void restart_at_once(void)
{
	sysrq('b');
}

static void restart(void)
{
	reboot(RB_AUTOBOOT);
}

static void run_next_kernel(void)
{
	reboot(RB_KEXEC);
}

static const struct end {
	const char *name;
	void (*end)(void);
	bool next;			/* wants a kernel */
	bool on_panic;			/* which a panic starts */
} ends[] = {
	{ "panic", panic, true, true },
	{ "kexec", run_next_kernel, true, false },
	{ "reboot", restart, false, false },
	{ "emergency", restart_at_once, false, false },
};

static void usage(void)
{
	fprintf(stderr, "usage: end NODE panic|kexec IMAGE INITRD COMMAND_LINE\n"
			"       end NODE reboot|emergency\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const struct end *e = ends;
	struct work *w[2];
	cpu_set_t first;

	if (argc < 3)
		usage();
	device = argv[1];
	while (strcmp(e->name, argv[2]))
		if (++e == ends + ARRAY_SIZE(ends))
			usage();
	if (argc != (e->next ? 6 : 3))
		usage();
	if (e->next)
		load_next_kernel(argv[3], argv[4], argv[5], e->on_panic);

	w[0] = work_start(2);
	w[1] = work_start(4);
	if (!work_goes_on(w[0]) || !work_goes_on(w[1]))
		die("no guests");
	/* A crash kernel that starts on another CPU can't start the first. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	e->end();
	die("the host goes on");
}
