// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a host while guests run: CPUs go and come, the machine
 * sleeps, someone tries to unload the module, other VMMs die. The guests must
 * not notice, or not more than under KVM.
 */
#include <sys/syscall.h>

#include "harness.h"
#include "work.h"

#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define NR_GUESTS	2

/* Write @text to a file of sysfs: 0 or -errno. */
static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Whether one of the words in a file is @word. */
static bool has_word(const char *file, const char *word)
{
	char line[200], *rest = line, *w;
	FILE *f = fopen(file, "r");
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		rest = line;
		while (!found && (w = strsep(&rest, " []\n")))
			found = !strcmp(w, word);
	}
	fclose(f);
	return found;
}

FIXTURE(host)
{
	struct work *guest[NR_GUESTS];
};

/* More vCPUs than the host has CPUs. */
FIXTURE_SETUP(host)
{
	self->guest[0] = work_start(2);
	self->guest[1] = work_start(4);
	for (int i = 0; i < NR_GUESTS; i++)
		ASSERT_TRUE(work_goes_on(self->guest[i]));
}

FIXTURE_TEARDOWN(host)
{
	for (int i = 0; i < NR_GUESTS; i++)
		EXPECT_TRUE(work_kill(self->guest[i]));
}

#define ASSERT_GUESTS_GO_ON() do {					\
	for (int i_ = 0; i_ < NR_GUESTS; i_++)				\
		ASSERT_TRUE(work_goes_on(self->guest[i_]));		\
} while (0)

/* VMX off, VMCSs cleared, threads moved; VMX on again. */
TEST_F_TIMEOUT(host, cpu_offline_and_online, 300)
{
	if (access(CPU1, W_OK))
		SKIP(return, "the host has one CPU only");
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, put(CPU1, "0"));
		ASSERT_GUESTS_GO_ON();
		ASSERT_EQ(0, put(CPU1, "1"));
		ASSERT_GUESTS_GO_ON();
	}
}

TEST_F_TIMEOUT(host, module_stays, 60)
{
	const char *module = on_lvx() ? "lvx" : "kvm_intel";

	ASSERT_EQ(-1, syscall(SYS_delete_module, module, O_NONBLOCK));
	ASSERT_EQ(EWOULDBLOCK, errno);
	ASSERT_GUESTS_GO_ON();
}

/* From before the first ioctl to well into the guest's work. */
TEST_F_TIMEOUT(host, vmms_die_at_any_time, 300)
{
	unsigned int seed = now_ns();

	fprintf(stderr, "# seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 20; i++) {
		struct work *victim = work_start(1 + rand() % 4);

		usleep(rand() % 60000);
		ASSERT_TRUE(work_kill(victim));
	}
	ASSERT_GUESTS_GO_ON();
}

/*
 * To sleep and back. The kernel's tests of its own turn back at some level, the
 * last of which has offlined all CPUs but one and switched VMX off on that.
 */
static void suspend(struct __test_metadata *_metadata,
		    FIXTURE_DATA(host) *self, const char *level)
{
	uint32_t paused[NR_GUESTS];

	for (int i = 0; i < NR_GUESTS; i++)
		paused[i] = self->guest[i]->paused;
	if (strcmp(level, "none"))
		ASSERT_EQ(0, put("/sys/power/pm_test", level));
	ASSERT_EQ(0, put("/sys/power/mem_sleep", "deep"));
	ASSERT_EQ(0, put("/sys/power/state", "mem"));
	ASSERT_GUESTS_GO_ON();
	/* Their watchdogs need to know. */
	for (int i = 0; i < NR_GUESTS; i++)
		EXPECT_LE(paused[i] + self->guest[i]->nr,
			  self->guest[i]->paused);
}

TEST_F_TIMEOUT(host, suspend_levels, 300)
{
	static const char *const levels[] = {
		"freezer", "devices", "platform", "processors", "core"
	};

	if (access("/sys/power/pm_test", W_OK))
		SKIP(return, "the host's kernel has no CONFIG_PM_DEBUG");
	put("/sys/module/suspend/parameters/pm_test_delay", "1");
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		suspend(_metadata, self, levels[i]);
	ASSERT_EQ(0, put("/sys/power/pm_test", "none"));
}

TEST_F_TIMEOUT(host, suspend_to_ram, 120)
{
	if (!has_word("/sys/power/mem_sleep", "deep"))
		SKIP(return, "the machine can't suspend to RAM");
	for (int i = 0; i < 3; i++)
		suspend(_metadata, self, "none");
}

LVX_TEST_MAIN
