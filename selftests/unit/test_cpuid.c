// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID leaves that the launcher puts right for its machine. The kernel
 * module is played by the ioctl() here.
 */
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "tap.h"
#include "userspace/vcpu.h"
#include "userspace/vm.h"

/* What the kernel supports, and what the vCPU got. */
static const struct kvm_cpuid_entry2 supported[] = {
	{ .function = 0, .eax = 0xd },
	{ .function = 1, .ebx = 0xffffffff },
};
static struct kvm_cpuid_entry2 leaf_1;

int ioctl(int fd, unsigned long request, ...)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	va_list args;

	va_start(args, request);
	cpuid = va_arg(args, void *);
	va_end(args);
	if (request == KVM_GET_SUPPORTED_CPUID) {
		cpuid->nent = sizeof(supported) / sizeof(supported[0]);
		memcpy(cpuid->entries, supported, sizeof(supported));
		return 0;
	}
	for (i = 0; request == KVM_SET_CPUID2 && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			leaf_1 = cpuid->entries[i];
	return 0;
}

int vm_has(const struct vm *vm, unsigned long capability)
{
	return 0;
}

/* Up to 128, IDs to tell as many CPUs apart; it is a field of eight bits. */
TEST(ids_in_leaf_1)
{
	static const struct {
		unsigned int cpus, ids;
	} rows[] = {
		{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 64, 64 }, { 65, 128 }, { 128, 128 },
		{ 129, 255 }, { 255, 255 }, { 256, 255 }, { 300, 255 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vm_config config = { .node = "test", .cpus = rows[i].cpus };
		struct vm vm = { .config = &config };
		struct vcpu vcpu = { .vm = &vm };

		for (vcpu.index = 0; vcpu.index < config.cpus; vcpu.index++) {
			memset(&leaf_1, 0, sizeof(leaf_1));
			EXPECT_EQ(vcpu_set_cpuid(&vcpu), 0);
			EXPECT_EQ(leaf_1.ebx >> 24, vcpu.index & 0xff);
			EXPECT_EQ(leaf_1.ebx >> 16 & 0xff, rows[i].ids);
			EXPECT_EQ(leaf_1.ebx & 0xffff, 0xffff);
		}
	}
}
