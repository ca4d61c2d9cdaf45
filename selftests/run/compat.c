// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of a 32-bit process. Most structures look the same to it; those with a
 * pointer inside do not. This program is 64-bit, and calls through the gate
 * that 32-bit programs use; everything that it points to is below 4 GiB.
 */
#include "targets.h"

#define NR_IOCTL_32	54

static uint8_t bitmap[PAGE] __attribute__((aligned(PAGE)));
static uint8_t memory[64 * PAGE] __attribute__((aligned(PAGE)));

static int ioctl_32(int fd, uint32_t nr, const void *arg)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "0"(NR_IOCTL_32), "b"(fd), "c"(nr), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* A kernel can be booted without, or built: then the gate is not there. */
static bool has_32_bit(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(ioctl_32(open_device(), KVM_GET_API_VERSION, NULL) != 12);
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

/* The upper half of a pointer is whatever lies behind the lower one. */
#define SHORT_POINTER(p)	(void *)((uintptr_t)(p) | 0xdeadbeefUL << 32)

TEST(dirty_log)
{
	static struct kvm_dirty_log log = { .slot = 5 };
	static struct kvm_clear_dirty_log clear = { .slot = 5, .num_pages = 64 };
	struct targets t = targets_new();

	if (!has_32_bit())
		SKIP(return, "no 32-bit system calls");
	vm_slot(t.vcpu->vm, 5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA,
		sizeof(memory), memory);
	memset(bitmap, 0xff, sizeof(bitmap));
	log.dirty_bitmap = SHORT_POINTER(bitmap);
	EXPECT_EQ(0, ioctl_32(t.fd[VM], KVM_GET_DIRTY_LOG, &log));
	EXPECT_EQ(0, bitmap[0]);
	EXPECT_EQ(0xff, bitmap[8]);
	clear.dirty_bitmap = SHORT_POINTER(bitmap);
	EXPECT_EQ(0, ioctl_32(t.fd[VM], KVM_CLEAR_DIRTY_LOG, &clear));
	log.dirty_bitmap = SHORT_POINTER(BAD_PTR);
	EXPECT_EQ(-EFAULT, ioctl_32(t.fd[VM], KVM_GET_DIRTY_LOG, &log));
}

/* Another number, since the size differs. */
struct filter_32 {
	uint32_t flags;
	struct {
		uint32_t flags, nmsrs, base, bitmap;
	} ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define SET_FILTER_32	_IOW(KVMIO, 0xc6, struct filter_32)

static void g_read(void)
{
	CHECK_EQ(-1, TRY("rdmsr", :: "c"(0x174) : "rax", "rdx", "memory"));
	CHECK_EQ(13, TRY("rdmsr", :: "c"(0x175) : "rax", "rdx", "memory"));
	CHECK_EQ(-1, TRY("rdmsr", :: "c"(0x176) : "rax", "rdx", "memory"));
}

TEST(msr_filter)
{
	static struct filter_32 filter;
	struct targets t = targets_new();

	if (!has_32_bit())
		SKIP(return, "no 32-bit system calls");
	bitmap[0] = 0xfd;
	filter.ranges[3].flags = KVM_MSR_FILTER_READ;
	filter.ranges[3].base = 0x174;
	filter.ranges[3].nmsrs = 3;
	filter.ranges[3].bitmap = (uintptr_t)bitmap;
	EXPECT_EQ(0, ioctl_32(t.fd[VM], SET_FILTER_32, &filter));
	vcpu_long(t.vcpu, g_read);
	EXPECT_EQ(-1U, vcpu_sync(t.vcpu));
	filter.ranges[3].bitmap = (uintptr_t)BAD_PTR;
	EXPECT_EQ(-EFAULT, ioctl_32(t.fd[VM], SET_FILTER_32, &filter));
	filter.flags = 2;
	EXPECT_EQ(-EINVAL, ioctl_32(t.fd[VM], SET_FILTER_32, &filter));
	/* To a 64-bit process that number is unknown. */
	EXPECT_EQ(-ENOTTY, try_ioctl(t.fd[VM], SET_FILTER_32, &filter));
}

TEST(pointers_and_numbers)
{
	static struct kvm_regs regs;
	static struct { struct kvm_signal_mask head; uint8_t set[8]; } mask;
	struct targets t = targets_new();

	if (!has_32_bit())
		SKIP(return, "no 32-bit system calls");
	EXPECT_EQ(0, ioctl_32(t.fd[VCPU], KVM_GET_REGS, &regs));
	EXPECT_EQ(2, regs.rflags);
	EXPECT_EQ(-EFAULT, ioctl_32(t.fd[VCPU], KVM_GET_REGS, BAD_PTR));
	mask.head.len = 8;
	EXPECT_EQ(0, ioctl_32(t.fd[VCPU], KVM_SET_SIGNAL_MASK, &mask));
	mask.head.len = 4;
	EXPECT_EQ(-EINVAL, ioctl_32(t.fd[VCPU], KVM_SET_SIGNAL_MASK, &mask));
	EXPECT_EQ(-EINVAL, ioctl_32(t.fd[VCPU], KVM_RUN, (void *)1));
	EXPECT_EQ(1, ioctl_32(t.fd[SYS], KVM_CHECK_EXTENSION,
			      VALUE(KVM_CAP_IRQCHIP)));
	still_alive(_metadata, &t);
}

LVX_TEST_MAIN
