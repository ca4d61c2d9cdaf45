// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to stop KVM_RUN from outside: immediate_exit, signals, SIGKILL, and what
 * each leaves in the run page. Clients depend on details: after a signal they
 * look at exit_reason, after immediate_exit they look at the exit before it.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "harness.h"

static void guest_spin(void)
{
	for (;;)
		relax();
}

static void guest_count(void)
{
	for (uint32_t i = 0;; i++)
		guest_sync(i);
}

TEST(immediate_exit_enters_no_guest)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs before, after;

	vcpu_long(v, guest_spin);
	before = get_regs(v);
	v->run->exit_reason = 123;
	v->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(v));
	ASSERT_EQ(123, v->run->exit_reason);
	after = get_regs(v);
	ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/* It finishes the exit before, and leaves its description alone. */
TEST(immediate_exit_completes_io)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t rip;

	vcpu_long(v, guest_count);
	ASSERT_EQ(0, vcpu_sync(v));
	rip = get_regs(v).rip;
	v->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(v));
	ASSERT_EQ(KVM_EXIT_IO, v->run->exit_reason);
	ASSERT_EQ(PORT_SYNC, v->run->io.port);
	ASSERT_LT(rip, get_regs(v).rip);
	v->run->immediate_exit = 0;
	ASSERT_EQ(1, vcpu_sync(v));
}

TEST(signal_stops_a_spinning_guest)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, guest_spin);
	for (int i = 0; i < 3; i++) {
		v->run->exit_reason = 123;
		alarm_ms(SIGUSR1, 20);
		ASSERT_EQ(-EINTR, vcpu_run(v));
		ASSERT_EQ(KVM_EXIT_INTR, v->run->exit_reason);
	}
}

GUEST_ASM(real_spin, 16, "1: sti; cli; jmp 1b");

TEST(signal_stops_real_mode_with_interrupts_off)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	load_asm(v->vm, GPA_REAL, real_spin);
	vcpu_real(v, GPA_REAL >> 4, 0);
	alarm_ms(SIGUSR1, 20);
	ASSERT_EQ(-EINTR, vcpu_run(v));
	ASSERT_GE(4, get_regs(v).rip);
}

/* A halted vCPU sleeps in the kernel; the signal must wake it. */
TEST(signal_wakes_a_halted_guest)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	v->vm->ram[GPA_REAL] = 0xf4;
	vcpu_real(v, GPA_REAL >> 4, 0);
	alarm_ms(SIGUSR1, 20);
	ASSERT_EQ(-EINTR, vcpu_run(v));
	ASSERT_EQ(KVM_EXIT_INTR, v->run->exit_reason);
	ASSERT_EQ(1, get_regs(v).rip);
}

/* A blocked signal that the run mask lets through ends the run only. */
TEST(signal_mask)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} mask = { { .len = 8 }, 0 };
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	sigset_t block, pending;

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	do_ioctl(v->fd, KVM_SET_SIGNAL_MASK, &mask);
	vcpu_long(v, guest_spin);
	alarm_ms(SIGUSR1, 20);
	ASSERT_EQ(-EINTR, vcpu_run(v));
	ASSERT_EQ(KVM_EXIT_INTR, v->run->exit_reason);
	sigpending(&pending);
	ASSERT_EQ(1, sigismember(&pending, SIGUSR1));
}

static void *run_forever(void *arg)
{
	vcpu_run(arg);
	return NULL;
}

/* Two vCPUs in guest mode, one thread in the host: all die at once. */
TEST(killed_while_running)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct vm *vm = vm_new(VM_IRQCHIP);
		pthread_t thread;

		for (int i = 0; i < 2; i++) {
			struct vcpu *v = vcpu_new(vm, i);

			vcpu_long(v, guest_spin);
			do_ioctl(v->fd, KVM_SET_MP_STATE, (&(struct kvm_mp_state){
				.mp_state = KVM_MP_STATE_RUNNABLE }));
			pthread_create(&thread, NULL, run_forever, v);
		}
		pause();
	}
	sleep_ms(100);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
}

/* A library that asks what the descriptor is must not wait for the guest. */
TEST(foreign_ioctl_while_running)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	pthread_t thread;

	vcpu_long(v, guest_spin);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_forever, v));
	sleep_ms(20);
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, TCGETS, NULL));
}

/* The thread that runs a vCPU is not the one that made it. */
TEST(run_on_another_thread)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	pthread_t thread;

	vcpu_long(v, guest_count);
	ASSERT_EQ(0, vcpu_sync(v));
	for (uint32_t i = 1; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, run_forever, v));
		pthread_join(thread, NULL);
		ASSERT_EQ(KVM_EXIT_IO, v->run->exit_reason);
		ASSERT_EQ(i, *(uint32_t *)((char *)v->run + PAGE));
	}
}

LVX_TEST_MAIN
