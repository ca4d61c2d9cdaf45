// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that loops with its interrupts off and never leaves by itself. The
 * host's interrupts end its run all the same ("external-interrupt exiting"), so
 * it can be stopped, killed, moved and preempted like any other program. With
 * none of the guest's exits to help, each of these is the interrupt's work alone.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"

#define ROUNDS	8

/* Under an emulator that is blind there, the machine itself would hang. */
#define NEEDS_INTERRUPTS()						\
	do {								\
		if (emulator_is_blind())				\
			SKIP(return, "the emulator leaves the host's interrupts masked"); \
	} while (0)

static volatile uint64_t counts[2];

static void guest_count0(void)
{
	for (;;)
		counts[0]++;
}

static void guest_count1(void)
{
	for (;;)
		counts[1]++;
}

GUEST_ASM(two_bytes, 16, "jmp .");

static struct vcpu *two_byte_guest(unsigned int vm_flags)
{
	struct vcpu *v = vcpu_new(vm_new(vm_flags), 0);
	struct kvm_regs regs;

	load_asm(v->vm, GPA_REAL, two_bytes);
	vcpu_real(v, GPA_REAL >> 4, 0);
	regs = get_regs(v);
	regs.rflags = 2;
	set_regs(v, &regs);
	return v;
}

FIXTURE(two_bytes) { int unused; };
FIXTURE_VARIANT(two_bytes) { unsigned int flags; };
FIXTURE_VARIANT_ADD(two_bytes, bare) { .flags = 0 };
FIXTURE_VARIANT_ADD(two_bytes, irqchip) { .flags = VM_IRQCHIP | VM_PIT };
FIXTURE_SETUP(two_bytes) { }
FIXTURE_TEARDOWN(two_bytes) { }

TEST_F(two_bytes, alarm_ends_the_run)
{
	struct vcpu *v;

	NEEDS_INTERRUPTS();
	v = two_byte_guest(variant->flags);
	for (int i = 0; i < 3; i++) {
		v->run->exit_reason = 123;
		alarm_ms(SIGUSR1, 20);
		ASSERT_EQ(-EINTR, vcpu_run(v));
		ASSERT_EQ(KVM_EXIT_INTR, v->run->exit_reason);
		ASSERT_EQ(0, get_regs(v).rip);
		ASSERT_EQ(2, get_regs(v).rflags);
	}
}

struct runner {
	struct vcpu *v;
	pthread_t thread;
	volatile pid_t tid;
	volatile long result;
	volatile bool returned;
};

static void *run_once(void *arg)
{
	struct runner *r = arg;

	r->tid = syscall(SYS_gettid);
	r->result = vcpu_run(r->v);
	r->returned = true;
	return NULL;
}

static void no_op(int sig __attribute__((unused)))
{
}

static void start(struct runner *r, struct vcpu *v)
{
	struct sigaction action = { .sa_handler = no_op };

	sigaction(SIGUSR2, &action, NULL);
	r->v = v;
	if (pthread_create(&r->thread, NULL, run_once, r))
		die("pthread_create");
}

/* The guest went on since it was last looked at: it runs, where it is now. */
static bool proceeds(unsigned int i)
{
	uint64_t before = counts[i];

	for (int ms = 0; ms < 5000 && counts[i] == before; ms++)
		sleep_ms(1);
	return counts[i] != before;
}

/* A signal to the thread, as VMMs kick their vCPUs. */
static void kick(struct runner *r)
{
	r->v->run->immediate_exit = 1;
	pthread_kill(r->thread, SIGUSR2);
	pthread_join(r->thread, NULL);
	r->v->run->immediate_exit = 0;
}

TEST(kicked_by_another_thread)
{
	struct runner r = { 0 };
	struct vcpu *v;

	NEEDS_INTERRUPTS();
	v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	vcpu_long(v, guest_count0);
	for (int i = 0; i < ROUNDS; i++) {
		start(&r, v);
		ASSERT_TRUE(proceeds(0));
		kick(&r);
		ASSERT_EQ(-EINTR, r.result);
	}
}

/* Two of them leave time for each other, and for this thread, on any host. */
TEST(preempted)
{
	struct runner r[2] = { 0 };
	struct vm *vm;

	NEEDS_INTERRUPTS();
	vm = vm_new(0);
	for (int i = 0; i < 2; i++) {
		struct vcpu *v = vcpu_new(vm, i);

		vcpu_long(v, i ? guest_count1 : guest_count0);
		start(&r[i], v);
	}
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_TRUE(proceeds(0));
		ASSERT_TRUE(proceeds(1));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_FALSE(r[i].returned);
		kick(&r[i]);
		ASSERT_EQ(-EINTR, r[i].result);
	}
}

/* Both in guest mode at once on two CPUs, in turn on one. */
TEST(killed)
{
	pid_t pid;
	int status;

	NEEDS_INTERRUPTS();
	pid = fork();
	if (!pid) {
		struct runner r[2] = { 0 };
		struct vm *vm = vm_new(VM_IRQCHIP);

		for (int i = 0; i < 2; i++) {
			struct vcpu *v = vcpu_new(vm, i);

			vcpu_long(v, i ? guest_count1 : guest_count0);
			do_ioctl(v->fd, KVM_SET_MP_STATE, (&(struct kvm_mp_state){
				.mp_state = KVM_MP_STATE_RUNNABLE }));
			start(&r[i], v);
		}
		pause();
	}
	sleep_ms(100);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(SIGKILL, WTERMSIG(status));
}

/* The CPU that a thread of this process is on: field 39 of its stat. */
static int cpu_of(pid_t tid)
{
	char path[64], text[1024], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		die("%s", path);
	text[n] = 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 39; field++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p) : -1;
}

/* sched_setaffinity() returns when the thread has left the other CPU. */
TEST(moved_to_another_cpu)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct runner r = { 0 };
	struct vcpu *v;

	NEEDS_INTERRUPTS();
	if (cpus < 2)
		SKIP(return, "the host has one CPU");
	v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	vcpu_long(v, guest_count0);
	start(&r, v);
	ASSERT_TRUE(proceeds(0));
	for (int i = 0; i < 2 * ROUNDS; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(i % cpus, &set);
		ASSERT_EQ(0, sched_setaffinity(r.tid, sizeof(set), &set));
		ASSERT_TRUE(proceeds(0));
		ASSERT_EQ(i % cpus, cpu_of(r.tid));
	}
	ASSERT_FALSE(r.returned);
	kick(&r);
	ASSERT_EQ(-EINTR, r.result);
}

LVX_TEST_MAIN
