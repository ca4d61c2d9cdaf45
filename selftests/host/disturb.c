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

LVX_TEST_MAIN
