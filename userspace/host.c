// SPDX-License-Identifier: GPL-2.0
/*
 * The machine that we run on. Who explains why something can't be asks here.
 */
#include <cpuid.h>
#include <unistd.h>

#include "host.h"

static void real_cpuid(uint32_t leaf, uint32_t regs[4])
{
	__cpuid_count(leaf, 0, regs[0], regs[1], regs[2], regs[3]);
}

struct host host = { .root = "", .cpuid = real_cpuid };

/* A file of /proc or /sys, or NULL. */
FILE *host_open(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", host.root, path);
	return fopen(full, "re");
}

bool host_has_module(const char *name)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/sys/module/%s", host.root, name);
	return !access(full, F_OK);
}

/* Is a parameter of a module on? @path is its file in /sys/module. */
static bool parameter_is_on(const char *path)
{
	FILE *file = host_open(path);
	bool on = file && getc(file) == 'Y';

	if (file)
		fclose(file);
	return on;
}

/* lvx takes KVM's place at its node if it is told to; KVM can't be loaded then. */
bool lvx_serves_kvm(void)
{
	return parameter_is_on("/sys/module/lvx/parameters/kvm_node");
}

/*
 * What makes kvm_intel let go of VMX. Since Linux 6.12 it has it from its first
 * to its last moment, virtual machines or not, unless KVM was told otherwise.
 */
const char *host_free_vmx(void)
{
	if (parameter_is_on("/sys/module/kvm/parameters/enable_virt_at_load"))
		return "rmmod kvm_intel, or boot with kvm.enable_virt_at_load=0";
	return "stop its virtual machines, or rmmod kvm_intel";
}
