// SPDX-License-Identifier: GPL-2.0
/*
 * Tries every MSR of a range, from the guest and from user space.
 *
 * The guest tries RDMSR, and WRMSR of nothing, of all ones and of what it read;
 * user space the same by its ioctls, on a vCPU of its own, which may be a wreck
 * afterwards.
 */
#include "msr_sweep.h"

#define GP	13

static struct msr_result *results;
static volatile uint32_t first, count;

/* By #GP or not; whatever the guest wrote is put back. */
static bool guest_writes(uint32_t index, uint64_t value)
{
	return TRY("wrmsr", :: "c"(index), "a"((uint32_t)value),
		   "d"((uint32_t)(value >> 32)) : "memory") != GP;
}

static void guest_try(uint32_t index, struct msr_result *r)
{
	uint32_t lo = 0, hi = 0;

	if (TRY("rdmsr", : "+a"(lo), "+d"(hi) : "c"(index) : "memory") != GP) {
		r->access |= GUEST_READS;
		r->value = lo | (uint64_t)hi << 32;
		if (guest_writes(index, r->value))
			r->access |= GUEST_REWRITES;
	}
	if (guest_writes(index, 0))
		r->access |= GUEST_WRITES_0;
	if ((r->access & GUEST_WRITES_0) && guest_writes(index, ~0ULL))
		r->access |= GUEST_WRITES_1;
	if (r->access & GUEST_REWRITES)
		guest_writes(index, r->value);
	else if (r->access & GUEST_WRITES_1)
		guest_writes(index, 0);
}

static void guest_sweep(void)
{
	for (;;) {
		for (uint32_t i = 0; i < count; i++)
			guest_try(first + i, &results[i]);
		guest_sync(0);
	}
}

static void host_try(struct vcpu *v, uint32_t index, struct msr_result *r)
{
	uint64_t value;

	if (get_msr(v, index, &value) == 1) {
		r->access |= HOST_READS;
		r->host_value = value;
		if (set_msr(v, index, value) == 1)
			r->access |= HOST_REWRITES;
	}
	if (set_msr(v, index, 0) == 1)
		r->access |= HOST_WRITES_0;
	if ((r->access & HOST_WRITES_0) && set_msr(v, index, ~0ULL) == 1)
		r->access |= HOST_WRITES_1;
	if (r->access & HOST_REWRITES)
		set_msr(v, index, r->host_value);
}

#define AMD_OSVW	(1U << 9)

/* As QEMU's models have it, whatever the CPU is. */
static void be_amd(struct kvm_cpuid2 *c)
{
	for (unsigned int i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 0 || e->function == 0x80000000) {
			e->ebx = 0x68747541;		/* AuthenticAMD */
			e->edx = 0x69746e65;
			e->ecx = 0x444d4163;
		}
		if (e->function == 1)
			e->eax = 0x00800f12;		/* EPYC */
		if (e->function == 0x80000001) {
			e->eax = 0x00800f12;
			e->ecx |= AMD_OSVW;
		}
	}
}

static struct vcpu *sweep_vcpu(bool amd)
{
	struct vm *vm = vm_new(VM_IRQCHIP | VM_NOCPUID);
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_cpuid2 *c = supported_cpuid();

	if (amd)
		be_amd(c);
	do_ioctl(v->fd, KVM_SET_CPUID2, c);
	free(c);
	return v;
}

void msr_sweep_start(struct msr_sweep *s, bool amd)
{
	static struct msr_result room[MSR_SWEEP_MAX];

	results = room;
	s->guest = sweep_vcpu(amd);
	s->host = sweep_vcpu(amd);
	vcpu_long(s->guest, guest_sweep);
}

const struct msr_result *msr_sweep(struct msr_sweep *s, uint32_t from,
				   uint32_t nr)
{
	if (nr > MSR_SWEEP_MAX)
		die("too many MSRs");
	memset(results, 0, nr * sizeof(*results));
	first = from;
	count = nr;
	vcpu_sync(s->guest);
	for (uint32_t i = 0; i < nr; i++)
		host_try(s->host, from + i, &results[i]);
	return results;
}
