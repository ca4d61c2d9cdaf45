// SPDX-License-Identifier: GPL-2.0
/*
 * What a client asks before it trusts the device: the API version, the size of
 * the run page, and capabilities. The table lists what clients die without;
 * the values are those that their code compares with.
 */
#include "harness.h"

/* Linux 6.1's name for the offset of the coalesced ring in the run mapping. */
#define COALESCED_PAGE	2

static const struct cap {
	const char *name;
	long cap, min, max;
} caps[] = {
#define EXACT(name, value)	{ #name, name, value, value }
#define RANGE(name, lo, hi)	{ #name, name, lo, hi }
	EXACT(KVM_CAP_IRQCHIP, 1),
	EXACT(KVM_CAP_HLT, 1),
	EXACT(KVM_CAP_USER_MEMORY, 1),
	EXACT(KVM_CAP_SET_TSS_ADDR, 1),
	EXACT(KVM_CAP_EXT_CPUID, 1),
	RANGE(KVM_CAP_NR_VCPUS, 1, 4096),
	RANGE(KVM_CAP_MAX_VCPUS, 1, 4096),
	RANGE(KVM_CAP_MAX_VCPU_ID, 1, 1L << 20),
	RANGE(KVM_CAP_NR_MEMSLOTS, 509, 1L << 20),
	EXACT(KVM_CAP_MP_STATE, 1),
	EXACT(KVM_CAP_COALESCED_MMIO, COALESCED_PAGE),
	EXACT(KVM_CAP_SYNC_MMU, 1),
	EXACT(KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),
	EXACT(KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1),
	EXACT(KVM_CAP_USER_NMI, 1),
	EXACT(KVM_CAP_IRQ_ROUTING, 4096),
	EXACT(KVM_CAP_IRQ_INJECT_STATUS, 1),
	EXACT(KVM_CAP_IRQFD, 1),
	EXACT(KVM_CAP_PIT2, 1),
	EXACT(KVM_CAP_PIT_STATE2, 1),
	EXACT(KVM_CAP_SET_BOOT_CPU_ID, 1),
	EXACT(KVM_CAP_IOEVENTFD, 1),
	EXACT(KVM_CAP_SET_IDENTITY_MAP_ADDR, 1),
	RANGE(KVM_CAP_ADJUST_CLOCK, 1, 14),
	EXACT(KVM_CAP_VCPU_EVENTS, 1),
	EXACT(KVM_CAP_DEBUGREGS, 1),
	EXACT(KVM_CAP_XSAVE, 1),
	EXACT(KVM_CAP_XCRS, 1),
	EXACT(KVM_CAP_GET_TSC_KHZ, 1),
	EXACT(KVM_CAP_TSC_DEADLINE_TIMER, 1),
	EXACT(KVM_CAP_SIGNAL_MSI, 1),
	EXACT(KVM_CAP_READONLY_MEM, 1),
	EXACT(KVM_CAP_CHECK_EXTENSION_VM, 1),
	EXACT(KVM_CAP_IMMEDIATE_EXIT, 1),
	EXACT(KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),
	EXACT(KVM_CAP_GET_MSR_FEATURES, 1),
};

TEST(api_version)
{
	ASSERT_EQ(12, try_ioctl(open_device(), KVM_GET_API_VERSION, NULL));
	ASSERT_EQ(-EINVAL, try_ioctl(sys_fd, KVM_GET_API_VERSION, (void *)1));
}

TEST(capabilities)
{
	int vm = do_ioctl(open_device(), KVM_CREATE_VM, 0);

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		long value = check_cap(sys_fd, caps[i].cap);

		EXPECT_LE(caps[i].min, value) TH_LOG("%s", caps[i].name);
		EXPECT_GE(caps[i].max, value) TH_LOG("%s", caps[i].name);
		EXPECT_EQ(value, check_cap(vm, caps[i].cap))
			TH_LOG("%s on the VM", caps[i].name);
	}
}

TEST(limits_agree)
{
	long vcpus = check_cap(open_device(), KVM_CAP_MAX_VCPUS);

	EXPECT_LE(check_cap(sys_fd, KVM_CAP_NR_VCPUS), vcpus);
	EXPECT_LE(vcpus, check_cap(sys_fd, KVM_CAP_MAX_VCPU_ID));
}

/* An unknown capability is zero, never an error. */
TEST(unknown_capability)
{
	ASSERT_EQ(0, try_ioctl(open_device(), KVM_CHECK_EXTENSION, (void *)9999));
	ASSERT_EQ(0, try_ioctl(sys_fd, KVM_CHECK_EXTENSION, (void *)-1L));
	ASSERT_EQ(0, try_ioctl(sys_fd, KVM_CHECK_EXTENSION,
			       (void *)KVM_CAP_S390_PSW));
}

TEST(read_only_descriptor)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(12, try_ioctl(fd, KVM_GET_API_VERSION, NULL));
	ASSERT_EQ(1, try_ioctl(fd, KVM_CHECK_EXTENSION,
			       (void *)KVM_CAP_USER_MEMORY));
}

/* Clients find the ring and the port data at fixed pages of the mapping. */
TEST(run_mapping)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	const char *p = (char *)v->run;

	ASSERT_EQ((COALESCED_PAGE + 1) * PAGE, v->vm->run_size);
	ASSERT_EQ(0, v->run->immediate_exit);
	for (size_t i = 0; i < PAGE; i++) {
		ASSERT_EQ(0, p[COALESCED_PAGE * PAGE + i]);
	}
}

/* Debuggers and tracers tell the descriptors apart by these names. */
TEST(descriptor_names)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	char path[64], name[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", vm->fd);
	ASSERT_LT(0, readlink(path, name, sizeof(name) - 1));
	ASSERT_STREQ("anon_inode:kvm-vm", name);
	memset(name, 0, sizeof(name));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", v->fd);
	ASSERT_LT(0, readlink(path, name, sizeof(name) - 1));
	ASSERT_STREQ("anon_inode:kvm-vcpu:0", name);
}

/* A vCPU keeps the VM alive: closing the VM's own descriptor first is legal. */
TEST(vcpu_outlives_vm_fd)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	close(v->vm->fd);
	v->vm->ram[GPA_REAL] = (char)0xf4;
	vcpu_real(v, GPA_REAL >> 4, 0);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	vcpu_free(v);
}

LVX_TEST_MAIN
