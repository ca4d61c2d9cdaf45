// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPUs' life: one thread each, from creation to the end of the VM.
 *
 * A thread leaves its loop when the VM has ended, and nothing else ends it. To
 * get it out of the guest, or from before entering it, vcpus_kick() sets
 * immediate_exit, which the kernel looks at on every entry, and then sends a
 * signal, which interrupts an entry that was faster.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "console.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

#define KICK_SIGNAL SIGUSR1

static __thread struct vcpu *current;

/* The index of the vCPU whose thread this is, or -1. */
int vcpu_current(void)
{
	return current ? (int)current->index : -1;
}

static int vcpu_create(struct vm *vm, struct vcpu *vcpu, unsigned int index, size_t size)
{
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->run = MAP_FAILED;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0 && errno == EBUSY)
		return fail("%s: someone else owns VMX; stop its virtual machines", vm->config->node);
	if (vcpu->fd < 0)
		return fail("%s: cannot create CPU %u: %s; see dmesg", vm->config->node, index,
			    strerror(errno));
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return fail("%s: cannot map CPU %u: %s; see dmesg", vm->config->node, index,
			    strerror(errno));
	if (vcpu_set_cpuid(vcpu) < 0)
		return -1;
	return vcpu_set_msrs(vcpu);
}

static int mapping_size(struct vm *vm)
{
	int size = ioctl(vm->node, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < (int)sizeof(struct kvm_run))
		return fail("%s: KVM_GET_VCPU_MMAP_SIZE gives %d; use a newer kernel",
			    vm->config->node, size);
	return size;
}

static int check_count(struct vm *vm)
{
	int max = vm_has(vm, KVM_CAP_MAX_VCPUS);

	if (max < 1)
		max = 1;
	if (vm->config->cpus > (unsigned int)max)
		return fail("%s: a virtual machine can have at most %d CPUs here; give a smaller --cpus",
			    vm->config->node, max);
	if (!vm_has(vm, KVM_CAP_IMMEDIATE_EXIT))
		return fail("%s lacks KVM_CAP_IMMEDIATE_EXIT; use a newer kernel", vm->config->node);
	return 0;
}

int vcpus_init(struct vm *vm)
{
	unsigned int i;
	int size;

	if (check_count(vm) < 0)
		return -1;
	size = mapping_size(vm);
	if (size < 0)
		return -1;
	vm->vcpus = calloc(vm->config->cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return fail("no memory for %u CPUs; give a smaller --cpus", vm->config->cpus);
	for (i = 0; i < vm->config->cpus; i++)
		vm->vcpus[i].fd = -1;
	for (i = 0; i < vm->config->cpus; i++) {
		if (vcpu_create(vm, &vm->vcpus[i], i, (size_t)size) < 0) {
			vcpus_fini(vm);
			return -1;
		}
	}
	ring_init(vm);
	return 0;
}

void vcpus_fini(struct vm *vm)
{
	size_t size = (size_t)ioctl(vm->node, KVM_GET_VCPU_MMAP_SIZE, 0);
	unsigned int i;

	vm->ring = NULL;
	for (i = vm->config->cpus; i-- > 0;) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->fd < 0)
			continue;
		if (vcpu->run != MAP_FAILED)
			munmap(vcpu->run, size);
		close(vcpu->fd);
	}
	free(vm->vcpus);
	vm->vcpus = NULL;
}

static bool run_once(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	int error = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;

	if (vm->ring) {
		pthread_mutex_lock(&vm->bus.lock);
		ring_drain(vm);
		pthread_mutex_unlock(&vm->bus.lock);
	}
	switch (error) {
	case 0:
		return vcpu_handle_exit(vcpu);
	case EINTR:		/* kicked */
	case EAGAIN:		/* a CPU that waited was started by another one */
		return true;
	}
	vm_end(vm, END_FAILED, "%s: KVM_RUN failed on CPU %u: %s", vm->config->node,
	       vcpu->index, strerror(error));
	return false;
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;
	sigset_t kick;

	current = vcpu;
	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	while (!vcpu->vm->ended && run_once(vcpu))
		console_relieve(vcpu->vm->console);
	vcpu_save_regs(vcpu);
	return NULL;
}

/* The handler does nothing; what counts is that a system call is interrupted. */
static void on_kick(int signal)
{
	(void)signal;
}

int vcpus_start(struct vm *vm)
{
	struct sigaction action = { .sa_handler = on_kick };
	char name[16];
	unsigned int i;
	int error;

	sigaction(KICK_SIGNAL, &action, NULL);
	/* vcpus_kick() must not meet a half-started array. */
	pthread_mutex_lock(&vm->end_lock);
	for (i = 0, error = 0; i < vm->config->cpus && !error; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		error = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		vcpu->running = !error;
		if (error)
			break;
		snprintf(name, sizeof(name), "vcpu%u", i);
		pthread_setname_np(vcpu->thread, name);
	}
	pthread_mutex_unlock(&vm->end_lock);
	if (error)
		vm_end(vm, END_FAILED, "cannot start a thread for CPU %u: %s; raise the limit on processes",
		       i, strerror(error));
	return 0;
}

/* The VM has ended: wait until no vCPU runs any more. */
void vcpus_join(struct vm *vm)
{
	unsigned int i;
	bool running;

	for (i = 0; i < vm->config->cpus; i++) {
		/* From here on vcpus_kick() leaves the thread alone. */
		pthread_mutex_lock(&vm->end_lock);
		running = vm->vcpus[i].running;
		vm->vcpus[i].running = false;
		pthread_mutex_unlock(&vm->end_lock);
		if (running)
			pthread_join(vm->vcpus[i].thread, NULL);
	}
}

/* Make every vCPU's thread see that the VM has ended. */
void vcpus_kick(struct vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->end_lock);
	for (i = 0; i < vm->config->cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (!vcpu->running)
			continue;
		vcpu->run->immediate_exit = 1;
		if (vcpu != current)
			pthread_kill(vcpu->thread, KICK_SIGNAL);
	}
	pthread_mutex_unlock(&vm->end_lock);
}
