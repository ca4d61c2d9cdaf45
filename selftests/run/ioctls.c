// SPDX-License-Identifier: GPL-2.0
/*
 * Every ioctl, and what is wrong with a call whichever ioctl it is: a number
 * that is almost right, the wrong kind of descriptor, a pointer to nothing, a
 * pointer to where nothing may be written, a process that has forked. What is
 * wrong with one ioctl's own arguments is in errno.c.
 */
#include <sys/wait.h>

#include "targets.h"

/* Bits for the kinds of descriptor. */
#define ON_SYS	1
#define ON_VM	2
#define ON_VCPU	4

/* What the argument is. NO_PTR: a number, or nothing. */
enum pointer { NO_PTR, IN, OUT, INOUT };

/*
 * A bad pointer gets EFAULT; @ro is what a page of zeros gets that cannot be
 * written. @also: other descriptors that know the number, with KVM if not with
 * lvx.
 */
static const struct entry {
	const char *name;
	enum on on;
	unsigned long nr;
	enum pointer pointer;
	long ro;
	unsigned int also;
} entries[] = {
#define ROW(_name, _on, _nr, _pointer, _ro, ...)			\
	{ .name = _name, .on = _on, .nr = _nr, .pointer = _pointer,	\
	  .ro = _ro, ##__VA_ARGS__ }
#define NUMBER(on, nr, ...)	ROW(#nr, on, nr, NO_PTR, 0, ##__VA_ARGS__)
#define READS(on, nr, ro, ...)	ROW(#nr, on, nr, IN, ro, ##__VA_ARGS__)
#define WRITES(on, nr, ...)	ROW(#nr, on, nr, OUT, -EFAULT, ##__VA_ARGS__)
#define BOTH(on, nr, ro, ...)	ROW(#nr, on, nr, INOUT, ro, ##__VA_ARGS__)
	NUMBER(SYS, KVM_GET_API_VERSION),
	NUMBER(SYS, KVM_CREATE_VM),
	NUMBER(SYS, KVM_CHECK_EXTENSION, .also = ON_VM),
	NUMBER(SYS, KVM_GET_VCPU_MMAP_SIZE),
	BOTH(SYS, KVM_GET_SUPPORTED_CPUID, -E2BIG),
	BOTH(SYS, KVM_GET_MSR_INDEX_LIST, -EFAULT),
	BOTH(SYS, KVM_GET_MSR_FEATURE_INDEX_LIST, -EFAULT),
	BOTH(SYS, KVM_GET_MSRS, 0, .also = ON_VCPU),

	NUMBER(VM, KVM_CREATE_VCPU),
	NUMBER(VM, KVM_CHECK_EXTENSION, .also = ON_SYS),
	NUMBER(VM, KVM_SET_TSS_ADDR),
	NUMBER(VM, KVM_SET_BOOT_CPU_ID),
	NUMBER(VM, KVM_SET_NR_MMU_PAGES),
	NUMBER(VM, KVM_CREATE_IRQCHIP),
	NUMBER(VM, KVM_GET_STATS_FD, .also = ON_VCPU),
	READS(VM, KVM_ENABLE_CAP, -EINVAL, .also = ON_VCPU),
	READS(VM, KVM_SET_USER_MEMORY_REGION, 0),
	READS(VM, KVM_GET_DIRTY_LOG, -ENOENT),
	READS(VM, KVM_CLEAR_DIRTY_LOG, -ENOENT),
	READS(VM_NEW, KVM_SET_IDENTITY_MAP_ADDR, 0),
	READS(VM, KVM_REGISTER_COALESCED_MMIO, 0),
	READS(VM, KVM_UNREGISTER_COALESCED_MMIO, 0),
	READS(VM, KVM_X86_SET_MSR_FILTER, 0),
	READS(VM, KVM_IOEVENTFD, -EINVAL),
	READS(VM_IRQ, KVM_IRQFD, -EINVAL),
	READS(VM_IRQ, KVM_IRQ_LINE, 0),
	BOTH(VM_IRQ, KVM_IRQ_LINE_STATUS, -EFAULT),
	READS(VM_IRQ, KVM_SET_GSI_ROUTING, 0),
	READS(VM_IRQ, KVM_SIGNAL_MSI, 0),
	READS(VM_IRQ, KVM_CREATE_PIT2, -EEXIST),
	BOTH(VM_IRQ, KVM_GET_IRQCHIP, -EFAULT),
	READS(VM_IRQ, KVM_SET_IRQCHIP, 0),
	WRITES(VM_IRQ, KVM_GET_PIT2),
	READS(VM_IRQ, KVM_SET_PIT2, 0),
	READS(VM_IRQ, KVM_REINJECT_CONTROL, 0),
	WRITES(VM, KVM_GET_CLOCK),
	READS(VM, KVM_SET_CLOCK, 0),

	NUMBER(VCPU, KVM_RUN),
	WRITES(VCPU, KVM_GET_REGS),
	READS(VCPU, KVM_SET_REGS, 0),
	WRITES(VCPU, KVM_GET_SREGS),
	READS(VCPU, KVM_SET_SREGS, 0),
	WRITES(VCPU, KVM_GET_SREGS2),
	READS(VCPU, KVM_SET_SREGS2, 0),
	WRITES(VCPU, KVM_GET_FPU),
	READS(VCPU, KVM_SET_FPU, 0),
	WRITES(VCPU, KVM_GET_XSAVE),
	READS(VCPU, KVM_SET_XSAVE, 0),
	WRITES(VCPU, KVM_GET_XCRS),
	READS(VCPU, KVM_SET_XCRS, 0),
	WRITES(VCPU, KVM_GET_DEBUGREGS),
	READS(VCPU, KVM_SET_DEBUGREGS, 0),
	READS(VCPU, KVM_SET_GUEST_DEBUG, 0),
	BOTH(VCPU, KVM_TRANSLATE, -EFAULT),
	BOTH(VCPU, KVM_GET_MSRS, 0, .also = ON_SYS),
	READS(VCPU, KVM_SET_MSRS, 0),
	READS(VCPU, KVM_SET_CPUID2, 0),
	BOTH(VCPU, KVM_GET_CPUID2, -EFAULT),
	WRITES(VCPU, KVM_GET_VCPU_EVENTS),
	READS(VCPU, KVM_SET_VCPU_EVENTS, 0),
	WRITES(VCPU, KVM_GET_MP_STATE),
	READS(VCPU, KVM_SET_MP_STATE, 0),
	WRITES(VCPU_IRQ, KVM_GET_LAPIC),
	READS(VCPU_IRQ, KVM_SET_LAPIC, 0),
	READS(VCPU_IRQ, KVM_SET_VAPIC_ADDR, 0),
	BOTH(VCPU, KVM_TPR_ACCESS_REPORTING, -EFAULT),
	READS(VCPU, KVM_INTERRUPT, 0),
	NUMBER(VCPU, KVM_NMI),
	READS(VCPU, KVM_SET_SIGNAL_MASK, -EINVAL),
	NUMBER(VCPU, KVM_SET_TSC_KHZ, .also = ON_VM),
	NUMBER(VCPU, KVM_GET_TSC_KHZ, .also = ON_VM),
	NUMBER(VCPU, KVM_KVMCLOCK_CTRL),
	NUMBER(VCPU, KVM_GET_STATS_FD, .also = ON_VM),
	/* All zeros name the TSC offset, at address 0. */
	READS(VCPU, KVM_HAS_DEVICE_ATTR, 0, .also = ON_SYS | ON_VM),
	READS(VCPU, KVM_GET_DEVICE_ATTR, -EFAULT, .also = ON_SYS | ON_VM),
	READS(VCPU, KVM_SET_DEVICE_ATTR, -EFAULT, .also = ON_SYS | ON_VM),
};

/* One descriptor of each kind, and what it answers to an unknown number. */
static const struct kind {
	unsigned int bit;
	enum on on;
	long unknown;
} kinds[] = {
	{ ON_SYS, SYS, -EINVAL },
	{ ON_VM, VM_IRQ, -ENOTTY },
	{ ON_VCPU, VCPU_IRQ, -EINVAL },
};

static const struct kind *kind_of(enum on on)
{
	return &kinds[on == SYS ? 0 : on < VCPU ? 1 : 2];
}

#define EXPECT_ROW(expected, ret, e, what)				\
	EXPECT_EQ((long)(expected), ret)				\
		TH_LOG("%s, %s: %s", (e)->name, what, strerror(-(ret)))

/* Direction and size are part of the number. */
TEST(wrong_number)
{
	static const struct { const char *what; unsigned long flip; } wrong[] = {
		{ "other direction", 3UL << _IOC_DIRSHIFT },
		{ "other size", 0x10UL << _IOC_SIZESHIFT },
		{ "size off by one", 1UL << _IOC_SIZESHIFT },
		{ "other type", 1UL << _IOC_TYPESHIFT },
		{ "unknown number", 0x7fUL << _IOC_NRSHIFT },
	};
	struct targets t = targets_new();

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(wrong); j++) {
			const struct entry *e = &entries[i];
			long ret = try_ioctl(t.fd[e->on], e->nr ^ wrong[j].flip,
					     BAD_PTR);

			EXPECT_ROW(kind_of(e->on)->unknown, ret, e,
				   wrong[j].what);
		}
	}
	still_alive(_metadata, &t);
}

TEST(wrong_descriptor)
{
	struct targets t = targets_new();

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct entry *e = &entries[i];

		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
			const struct kind *k = &kinds[j];
			long ret;

			if (k == kind_of(e->on) || e->also & k->bit)
				continue;
			ret = try_ioctl(t.fd[k->on], e->nr, BAD_PTR);
			EXPECT_ROW(k->unknown, ret, e, "wrong descriptor");
		}
	}
	still_alive(_metadata, &t);
}

TEST(bad_pointer)
{
	struct targets t = targets_new();
	char *last = alloc_pages(2 * PAGE);
	/* The last one leads into a page that isn't there. */
	void *const bad[] = { BAD_PTR, (void *)-8UL, last + PAGE - 2 };

	munmap(last + PAGE, PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct entry *e = &entries[i];

		if (e->pointer == NO_PTR)
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			long ret = try_ioctl(t.fd[e->on], e->nr, bad[j]);

			EXPECT_ROW(-EFAULT, ret, e, "bad pointer");
		}
	}
	still_alive(_metadata, &t);
}

TEST(read_only_pointer)
{
	struct targets t = targets_new();

	void *read_only = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct entry *e = &entries[i];

		long ret;

		if (e->pointer == NO_PTR)
			continue;
		ret = try_ioctl(t.fd[e->on], e->nr, read_only);
		EXPECT_ROW(e->ro, ret, e, "read-only");
	}
}

/* A VM belongs to the address space that created it. */
TEST(after_fork)
{
	struct targets t = targets_new();
	pid_t pid = fork();
	int status;

	if (!pid) {
		for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
			const struct entry *e = &entries[i];
			long ret;

			if (e->on == SYS)
				continue;
			ret = try_ioctl(t.fd[e->on], e->nr, NULL);
			if (ret != -EIO)
				die("%s after fork: %ld", e->name, ret);
		}
		/* The system's still work. */
		_exit(!close(do_ioctl(sys_fd, KVM_CREATE_VM, 0)) ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	still_alive(_metadata, &t);
}

LVX_TEST_MAIN
