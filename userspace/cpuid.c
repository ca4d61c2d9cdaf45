// SPDX-License-Identifier: GPL-2.0
/*
 * What CPUID tells the guest: what the kernel module supports, with the leaves
 * put right that describe this vCPU and this machine instead of the host's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util.h"
#include "vcpu.h"
#include "vm.h"

#define MAX_ENTRIES 256

#define LEAF_1_ECX_MONITOR		(1u << 3)
#define LEAF_1_ECX_TSC_DEADLINE		(1u << 24)
#define LEAF_1_ECX_HYPERVISOR		(1u << 31)
#define LEAF_1_EDX_HTT			(1u << 28)
#define LEAF_B_TYPE_SMT			(1u << 8)
#define LEAF_B_TYPE_CORE		(2u << 8)

/* Bits of an APIC ID that tell one CPU from another. */
static unsigned int id_bits(const struct vcpu *vcpu)
{
	unsigned int cpus = vcpu->vm->config->cpus;

	return cpus > 1 ? 32 - (unsigned int)__builtin_clz(cpus - 1) : 0;
}

/* Feature information: APIC ID, and features that depend on the machine. */
static void fix_features(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu)
{
	unsigned int cpus = vcpu->vm->config->cpus;

	entry->ebx &= 0xffff;
	entry->ebx |= (vcpu->index & 0xff) << 24;
	/* How many IDs tell these CPUs apart, in eight bits. */
	entry->ebx |= (cpus <= 128 ? 1u << id_bits(vcpu) : 255) << 16;
	if (cpus > 1)
		entry->edx |= LEAF_1_EDX_HTT;
	else
		entry->edx &= ~LEAF_1_EDX_HTT;
	entry->ecx |= LEAF_1_ECX_HYPERVISOR;
	/* MONITOR would leave the guest, so HLT is the better idle. */
	entry->ecx &= ~LEAF_1_ECX_MONITOR;
	if (vm_has(vcpu->vm, KVM_CAP_TSC_DEADLINE_TIMER))
		entry->ecx |= LEAF_1_ECX_TSC_DEADLINE;
}

/* Cache parameters: private to one CPU but for the last level, one package. */
static void fix_caches(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu)
{
	uint32_t last = (1u << id_bits(vcpu)) - 1;
	uint32_t level = entry->eax >> 5 & 7;

	if (!(entry->eax & 0x1f))
		return;
	entry->eax &= 0x3fff;
	entry->eax |= (last < 63 ? last : 63) << 26;
	if (level > 2)
		entry->eax |= last << 14;
}

/* Extended topology: no threads, all CPUs are cores of one package. */
static void fix_topology(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu)
{
	entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	entry->eax = 0;
	entry->ebx = 0;
	entry->ecx = entry->index;
	entry->edx = vcpu->index;
	if (entry->index == 0) {
		entry->ebx = 1;
		entry->ecx |= LEAF_B_TYPE_SMT;
	} else if (entry->index == 1) {
		entry->eax = id_bits(vcpu);
		entry->ebx = vcpu->vm->config->cpus;
		entry->ecx |= LEAF_B_TYPE_CORE;
	}
}

/* Power management: the host's frequency hints are not the guest's. */
static void fix_power(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu)
{
	(void)vcpu;
	entry->eax &= 1u << 2;	/* ARAT: the APIC timer never stops */
	entry->ebx = 0;
	entry->ecx = 0;
}

static const struct {
	uint32_t leaf;
	void (*fix)(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu);
} fixes[] = {
	{ 0x1, fix_features },
	{ 0x4, fix_caches },
	{ 0x6, fix_power },
	{ 0xb, fix_topology },
};

/* Leaf 0xb is as long as we say, whatever came from the kernel. */
static void replace_topology(struct kvm_cpuid2 *cpuid)
{
	uint32_t i, to = 0;

	for (i = 0; i < cpuid->nent; i++) {
		uint32_t leaf = cpuid->entries[i].function;

		if (leaf != 0xb && leaf != 0x1f)
			cpuid->entries[to++] = cpuid->entries[i];
	}
	for (i = 0; i < 3 && to < MAX_ENTRIES; i++) {
		memset(&cpuid->entries[to], 0, sizeof(cpuid->entries[to]));
		cpuid->entries[to].function = 0xb;
		cpuid->entries[to++].index = i;
	}
	cpuid->nent = to;
	if (cpuid->nent && !cpuid->entries[0].function && cpuid->entries[0].eax < 0xb)
		cpuid->entries[0].eax = 0xb;
}

int vcpu_set_cpuid(struct vcpu *vcpu)
{
	const char *node = vcpu->vm->config->node;
	struct kvm_cpuid2 *cpuid;
	unsigned int i, j;
	int result = 0;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return fail("no memory for CPUID; free some");
	cpuid->nent = MAX_ENTRIES;
	if (ioctl(vcpu->vm->node, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
		result = fail("%s: KVM_GET_SUPPORTED_CPUID failed: %s; see dmesg", node,
			      strerror(errno));
		goto out;
	}
	replace_topology(cpuid);
	for (i = 0; i < cpuid->nent; i++)
		for (j = 0; j < ARRAY_SIZE(fixes); j++)
			if (cpuid->entries[i].function == fixes[j].leaf)
				fixes[j].fix(&cpuid->entries[i], vcpu);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
		result = fail("%s: KVM_SET_CPUID2 failed: %s; see dmesg", node, strerror(errno));
out:
	free(cpuid);
	return result;
}
