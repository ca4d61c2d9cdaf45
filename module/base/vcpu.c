// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and kicks: how any thread gets a vCPU's attention.
 *
 * The protocol has two sides. The sender marks its request, then looks at the
 * vCPU's mode; the vCPU sets its mode, then looks at its requests (run.c). With
 * a full barrier between the two steps on either side, at least one of them
 * sees what the other did: no request is slept over.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "base/compat.h"
#include "base/vcpu.h"
#include "base/vm.h"

/* True if an IPI is needed to get the vCPU out of the guest. */
static bool leave_guest(struct lvx_vcpu *vcpu)
{
	/* Fully ordered: after the request, before the IPI. */
	return cmpxchg(&vcpu->mode, LVX_IN_GUEST, LVX_EXITING_GUEST) ==
	       LVX_IN_GUEST;
}

/**
 * lvx_vcpu_kick() - make a vCPU look at its requests soon
 * @vcpu: whom
 *
 * Wakes a halted vCPU, and makes one that is in the guest leave it. Does
 * nothing when the vCPU is on its way already. Any context.
 */
void lvx_vcpu_kick(struct lvx_vcpu *vcpu)
{
	int me = get_cpu(), cpu;

	/* The request before the look at mode and CPU. */
	smp_mb__after_atomic();
	/*
	 * Its own thread, in an exit's atomic handler, looks at its requests
	 * before it goes on. Its mode stays: others must still kick it.
	 */
	if (READ_ONCE(vcpu->mode) == LVX_IN_GUEST &&
	    READ_ONCE(vcpu->cpu) == me)
		goto out;
	/* Implies the barrier between the caller's request and the wait test. */
	if (rcuwait_wake_up(&vcpu->wait))
		goto out;
	if (leave_guest(vcpu)) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu != me && cpu >= 0 && cpu_online(cpu))
			smp_send_reschedule(cpu);
	}
out:
	put_cpu();
}

/* Each CPU's own, while it may not be preempted: whom to interrupt. */
static DEFINE_PER_CPU(cpumask_var_t, kick_mask);

/**
 * lvx_kick_init() - prepare kicks of many vCPUs at once
 *
 * Context: loading of the module. Return: 0, -ENOMEM.
 */
int __init lvx_kick_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(kick_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			lvx_kick_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * lvx_kick_exit() - undo lvx_kick_init(), also if it did not get far
 */
void lvx_kick_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(kick_mask, cpu));
}

/* An IPI whose handler is the point: when it ran, that CPU left the guest. */
static void nothing(void *unused)
{
}

static void request_and_wait(struct lvx_vm *vm, enum lvx_request req)
{
	struct lvx_vcpu *vcpu;
	struct cpumask *mask;
	int me = get_cpu(), cpu;
	u32 i;

	mask = per_cpu(kick_mask, me);
	cpumask_clear(mask);
	lvx_for_each_vcpu(vm, i, vcpu) {
		lvx_make_request(vcpu, req);
		/* As leave_guest(), but also for one that is still exiting. */
		cmpxchg(&vcpu->mode, LVX_IN_GUEST, LVX_EXITING_GUEST);
		if (smp_load_acquire(&vcpu->mode) == LVX_OUTSIDE_GUEST)
			continue;
		/* On another CPU, or on none, it has left meanwhile. */
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0)
			__cpumask_set_cpu(cpu, mask);
	}
	/* At once, so that they leave side by side. */
	smp_call_function_many(mask, nothing, NULL, true);
	put_cpu();
}

/**
 * lvx_request_all() - ask the same of every vCPU of a VM
 * @vm: whose vCPUs
 * @req: what
 * @wait: return only when each vCPU that was in the guest has left it
 *
 * With @wait, memory that a vCPU could reach through the state which the
 * request makes it drop may be given away after the return: whoever enters
 * later serves the request first.
 *
 * Context: any; with @wait, interrupts are on.
 */
void lvx_request_all(struct lvx_vm *vm, enum lvx_request req, bool wait)
{
	struct lvx_vcpu *vcpu;
	u32 i;

	if (wait) {
		request_and_wait(vm, req);
		return;
	}
	lvx_for_each_vcpu(vm, i, vcpu) {
		lvx_make_request(vcpu, req);
		lvx_vcpu_kick(vcpu);
	}
}

/**
 * lvx_vcpu_by_id() - the vCPU that KVM_CREATE_VCPU gave this number
 * @vm: of which VM
 * @id: vCPU ID, equal to its APIC ID
 *
 * Return: the vCPU, or NULL. It lives as long as the VM.
 */
struct lvx_vcpu *lvx_vcpu_by_id(struct lvx_vm *vm, u32 id)
{
	struct lvx_vcpu *vcpu;
	u32 i;

	/* IDs are nearly always given in order. */
	if (id < smp_load_acquire(&vm->nr_vcpus) && vm->vcpus[id]->id == id)
		return vm->vcpus[id];
	lvx_for_each_vcpu(vm, i, vcpu) {
		if (vcpu->id == id)
			return vcpu;
	}
	return NULL;
}
