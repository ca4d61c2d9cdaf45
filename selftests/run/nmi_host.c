// SPDX-License-Identifier: GPL-2.0
/*
 * The host's NMIs while a guest runs. Each ends the guest's run and belongs to
 * the host's handler, which must get it, once, and must leave NMIs unblocked:
 * one that is lost, or whose IRET is, takes the host's watchdogs with it.
 *
 * The NMIs come from the LAPIC of another CPU, by /dev/mem, which only the lab's
 * own machine allows (iomem=relaxed). No other machine is touched.
 */
#include <pthread.h>
#include <sched.h>

#include "harness.h"

#define NMIS		16
#define LAPIC		0xfee00000
#define LAPIC_ICR	(0x300 / 4)
#define LAPIC_ICR_HIGH	(0x310 / 4)
#define ICR_BUSY	(1U << 12)
#define ICR_NMI		(4U << 8 | 1U << 14)
#define STATS		"/sys/kernel/debug/lvx"

static volatile uint64_t count;

/* Spins, sleeps never, and makes no exit of its own. */
static void guest_spin(void)
{
	for (;;)
		count++;
}

static bool in_the_lab(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/cmdline: %s", strerror(errno));
	close(fd);
	return strstr(line, "lab.emulator=own") && strstr(line, "iomem=relaxed");
}

static volatile uint32_t *map_lapic(void)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	void *p;

	if (fd < 0)
		die("/dev/mem: %s", strerror(errno));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, LAPIC);
	if (p == MAP_FAILED)
		die("the LAPIC: %s", strerror(errno));
	close(fd);
	return p;
}

static void pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		die("pthread_setaffinity_np");
}

/* CPU 0's NMIs, by the host's own count. */
static long host_nmis(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[512];
	long n = -1;

	while (f && n < 0 && fgets(line, sizeof(line), f))
		sscanf(line, " NMI: %ld", &n);
	if (n < 0)
		die("/proc/interrupts has no NMI");
	fclose(f);
	return n;
}

/* How many times an exception or an NMI ended a run of this process's vCPU. */
static long nmi_exits(void)
{
	char command[128], line[128];
	long n = 0, one;
	FILE *f;

	snprintf(command, sizeof(command), "cat " STATS "/%d-*/vcpu0/exits",
		 getpid());
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "exception or NMI %ld", &one) == 1)
			n += one;
	if (!f || pclose(f))
		die("%s", command);
	return n;
}

static bool guest_proceeds(void)
{
	uint64_t before = count;

	for (int ms = 0; ms < 5000 && count == before; ms++)
		sleep_ms(1);
	return count != before;
}

static bool host_counts(long before)
{
	for (int ms = 0; ms < 1000 && host_nmis() == before; ms++)
		sleep_ms(1);
	return host_nmis() == before + 1;
}

static void *run_until_kicked(void *arg)
{
	return (void *)vcpu_run(arg);
}

static void no_op(int sig __attribute__((unused)))
{
}

/* What the test lacks here, or NULL. SKIP() in a set-up would not end the test. */
static const char *lacking(void)
{
	if (!in_the_lab())
		return "not in the lab's own emulator";
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return "the host has one CPU";
	return NULL;
}

FIXTURE(nmi_host)
{
	volatile uint32_t *lapic;
	struct vcpu *v;
	pthread_t thread;
};

FIXTURE_VARIANT(nmi_host) { uint64_t rflags; };
FIXTURE_VARIANT_ADD(nmi_host, interrupts_off) { .rflags = 2 };
FIXTURE_VARIANT_ADD(nmi_host, interrupts_on) { .rflags = 0x202 };

FIXTURE_SETUP(nmi_host)
{
	struct sigaction action = { .sa_handler = no_op };
	struct kvm_regs regs;

	if (lacking())
		return;
	sigaction(SIGUSR2, &action, NULL);
	pin(pthread_self(), 1);
	self->lapic = map_lapic();
	self->v = vcpu_new(vm_new(0), 0);
	vcpu_long(self->v, guest_spin);
	regs = get_regs(self->v);
	regs.rflags = variant->rflags;
	set_regs(self->v, &regs);
	if (pthread_create(&self->thread, NULL, run_until_kicked, self->v))
		die("pthread_create");
	pin(self->thread, 0);
}

FIXTURE_TEARDOWN(nmi_host)
{
}

/* The LAPIC of CPU 0 has the identifier 0, in the lab. */
static void send_nmi(volatile uint32_t *lapic)
{
	while (lapic[LAPIC_ICR] & ICR_BUSY)
		;
	lapic[LAPIC_ICR_HIGH] = 0;
	lapic[LAPIC_ICR] = ICR_NMI;
}

/* Each is waited for, since those that come while one is handled merge. */
TEST_F(nmi_host, reaches_the_host)
{
	void *result = NULL;
	long exits = 0, nmis;

	if (lacking())
		SKIP(return, "%s", lacking());
	ASSERT_TRUE(guest_proceeds());
	if (on_lvx())
		exits = nmi_exits();
	for (int i = 0; i < NMIS; i++) {
		nmis = host_nmis();
		send_nmi(self->lapic);
		ASSERT_TRUE(host_counts(nmis))
			TH_LOG("NMI %d of %d", i + 1, NMIS);
		ASSERT_TRUE(guest_proceeds());
	}
	/* CPU 0 may have been in the host for some other reason at times. */
	if (on_lvx())
		ASSERT_LE(NMIS / 2, nmi_exits() - exits);
	self->v->run->immediate_exit = 1;
	pthread_kill(self->thread, SIGUSR2);
	pthread_join(self->thread, &result);
	ASSERT_EQ(-EINTR, (long)result);
	ASSERT_EQ(KVM_EXIT_INTR, self->v->run->exit_reason);
	ASSERT_EQ(variant->rflags & 0x200, get_regs(self->v).rflags & 0x200);
}

LVX_TEST_MAIN
