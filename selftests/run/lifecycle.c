// SPDX-License-Identifier: GPL-2.0
/*
 * VMs come and go: many one after another, several at a time, abandoned in
 * mid-run, torn down in every order.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "harness.h"

static volatile uint32_t counter;

static void guest_count(void)
{
	for (;;)
		guest_sync(++counter);
}

static void guest_spin(void)
{
	for (;;)
		relax();
}

TEST(one_after_another)
{
	for (uint32_t i = 0; i < 50; i++) {
		struct vm *vm = vm_new(i % 2 ? VM_PIT : 0);
		struct vcpu *v = vcpu_new(vm, 0);

		vcpu_long(v, guest_count);
		ASSERT_EQ(i + 1, vcpu_sync(v));
		vcpu_free(v);
		vm_free(vm);
	}
}

/* Without a vCPU, without a run, without memory: nothing to trip over. */
TEST(never_used)
{
	static const unsigned int flags[] = { 0, VM_IRQCHIP, VM_PIT, VM_NOMEM };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct vm *vm = vm_new(flags[i]);

		vm_free(vm);
		vm = vm_new(flags[i]);
		vcpu_free(vcpu_new(vm, 0));
		vm_free(vm);
	}
}

static void guest_private(void)
{
	volatile uint64_t *mine = (void *)GPA_FREE;

	for (;;) {
		++*mine;
		guest_sync(*mine);
	}
}

/* Each VM has its own memory, registers and translations. */
TEST(side_by_side)
{
	struct vcpu *v[8];

	for (uint64_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = vcpu_new(vm_new(0), 0);
		vcpu_long(v[i], guest_private);
		*(uint64_t *)(v[i]->vm->ram + GPA_FREE) = 1000 * i;
	}
	for (uint32_t round = 1; round < 20; round++) {
		for (uint32_t i = 0; i < ARRAY_SIZE(v); i++) {
			ASSERT_EQ(1000 * i + round, vcpu_sync(v[i]));
		}
	}
	/* one goes, the others do not notice */
	vcpu_free(v[3]);
	ASSERT_EQ(20, vcpu_sync(v[0]));
	ASSERT_EQ(7020, vcpu_sync(v[7]));
}

static void *run_vcpu(void *arg)
{
	struct vcpu *v = arg;

	for (int i = 0; i < 50; i++)
		vcpu_sync(v);
	return NULL;
}

TEST(in_threads)
{
	struct vcpu *v[4];
	pthread_t thread[4];

	for (int i = 0; i < 4; i++) {
		v[i] = vcpu_new(vm_new(0), 0);
		vcpu_long(v[i], guest_private);
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run_vcpu, v[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		ASSERT_EQ(50, *(uint64_t *)(v[i]->vm->ram + GPA_FREE));
	}
}

/* The VM's memory may go before the VM, and its descriptor before the vCPU's. */
TEST(torn_down_in_any_order)
{
	struct vm *vm = vm_new(VM_PIT);
	struct vcpu *v = vcpu_new(vm, 0);

	vcpu_long(v, guest_count);
	vcpu_sync(v);
	munmap(vm->ram, RAM_SIZE);
	vm->ram = NULL;
	close(vm->fd);
	vcpu_free(v);

	vm = vm_new(VM_PIT);
	v = vcpu_new(vm, 0);
	vcpu_long(v, guest_count);
	vcpu_sync(v);
	close(v->fd);
	ASSERT_EQ(KVM_EXIT_IO, v->run->exit_reason);	/* still mapped */
	vm_free(vm);
	munmap(v->run, 3 * PAGE);
}

/* Killed at some moment of a VM's life, from its creation to its run. */
TEST(killed_anywhere)
{
	int status;

	for (unsigned int i = 0; i < 12; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (;;) {
				struct vm *vm = vm_new(VM_PIT);
				struct vcpu *v = vcpu_new(vm, 0);

				vcpu_long(v, i % 3 ? guest_count : guest_spin);
				vcpu_sync(v);
				vcpu_free(v);
				vm_free(vm);
			}
		}
		usleep(3000 + 1777 * i);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
}

/* A forked child holds the descriptors, and cannot use them. */
TEST(inherited_by_a_child)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);
	int status, go[2];
	pid_t pid;
	char c;

	vcpu_long(v, guest_count);
	vcpu_sync(v);
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(vcpu_run(v) != -EIO || read(go[0], &c, 1) != 0);
	}
	vcpu_sync(v);
	vcpu_free(v);
	close(vm->fd);
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

/* Descriptors do not leak into programs that are executed. */
TEST(close_on_exec)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);

	ASSERT_EQ(FD_CLOEXEC, fcntl(vm->fd, F_GETFD));
	ASSERT_EQ(FD_CLOEXEC, fcntl(v->fd, F_GETFD));
}

static void read_id(int owner, char *id, size_t size)
{
	int fd = try_ioctl(owner, KVM_GET_STATS_FD, NULL);
	struct kvm_stats_header head = { 0 };

	memset(id, 0, size);
	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    pread(fd, id, size - 1, head.id_offset) <= 0)
		die("no statistics");
	close(fd);
}

struct question {
	int fd;
	char id[64];
};

static void *ask_id(void *arg)
{
	struct question *q = arg;

	read_id(q->fd, q->id, sizeof(q->id));
	return NULL;
}

/* They are named after who made the VM, not after who asks. */
TEST(stats_id)
{
	struct vm *vm = vm_new(0);
	struct question other = { .fd = vm->fd };
	struct vcpu *v = vcpu_new(vm, 0);
	pthread_t thread;
	char id[64];

	read_id(vm->fd, id, sizeof(id));
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_id, &other));
	pthread_join(thread, NULL);
	EXPECT_STREQ(id, other.id);
	read_id(v->fd, other.id, sizeof(other.id));
	EXPECT_EQ(0, strncmp(id, other.id, strlen(id)));
	EXPECT_STREQ("/vcpu-0", other.id + strlen(id));
}

TEST(many_vcpus)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	long max = check_cap(sys_fd, KVM_CAP_MAX_VCPUS);
	long top = check_cap(sys_fd, KVM_CAP_MAX_VCPU_ID) - 1;

	for (long i = 0; i < 16 && i < max - 1; i++) {
		ASSERT_LE(0, try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)i));
	}
	if (max > 16) {
		ASSERT_LE(0, try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)top));
	}
	vm_free(vm);
}

LVX_TEST_MAIN
