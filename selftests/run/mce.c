// SPDX-License-Identifier: GPL-2.0
/*
 * Machine checks that user space reports to the guest: which it may set up,
 * which reach the guest as #MC, which only a bank, and which end it.
 */
#include "harness.h"

#define MSR_MCG_CAP		0x179
#define MSR_MCG_STATUS		0x17a
#define MSR_MCG_CTL		0x17b
#define MSR_MC(bank, reg)	(0x400 + 4 * (bank) + (reg))
enum { CTL, STATUS, ADDR, MISC };

#define MCG_CTL_P		(1ULL << 8)
#define MCG_SER_P		(1ULL << 24)
#define MCIP			(1ULL << 2)
#define VALID			(1ULL << 63)
#define OVERFLOW		(1ULL << 62)
#define UNCORRECTED		(1ULL << 61)
#define ENABLED			(1ULL << 60)
#define SIGNALED		(1ULL << 56)

#define FATAL	(VALID | UNCORRECTED | ENABLED | SIGNALED)
#define CR4_MCE	(1ULL << 6)
#define BANKS	10

static volatile int checks;

static void on_mc(struct guest_frame *f)
{
	(void)f;
	checks++;
}

static void guest_waits(void)
{
	for (;;)
		guest_sync(checks);
}

/* In long mode, with as many banks as QEMU asks for, and CR4.MCE set. */
static struct vcpu *guest_with_banks(void)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	uint64_t cap = MCG_CTL_P | MCG_SER_P | BANKS;
	struct kvm_sregs sregs;

	do_ioctl(v->fd, KVM_X86_SETUP_MCE, &cap);
	vcpu_long(v, guest_waits);
	sregs = get_sregs(v);
	sregs.cr4 |= CR4_MCE;
	set_sregs(v, &sregs);
	guest_handlers[18] = on_mc;
	checks = 0;
	vcpu_sync(v);
	return v;
}

static long report(struct vcpu *v, uint8_t bank, uint64_t status, uint64_t mcg_status)
{
	struct kvm_x86_mce mce = {
		.status = status, .addr = 0x1234000, .misc = 0x8c,
		.mcg_status = mcg_status, .bank = bank,
	};

	return try_ioctl(v->fd, KVM_X86_SET_MCE, &mce);
}

static uint64_t msr(struct vcpu *v, uint32_t index)
{
	uint64_t value;

	if (get_msr(v, index, &value) != 1)
		die("can't read MSR 0x%x", index);
	return value;
}

TEST(what_can_be_set_up)
{
	struct vcpu *v;
	uint64_t cap;

	ASSERT_EQ(32, check_cap(open_device(), KVM_CAP_MCE));
	do_ioctl(sys_fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap);
	EXPECT_EQ(MCG_CTL_P | MCG_SER_P, cap & (MCG_CTL_P | MCG_SER_P));

	v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	EXPECT_EQ(32, msr(v, MSR_MCG_CAP));
	/* QEMU sets it in every vCPU, with or without the capability. */
	EXPECT_EQ(0, set_msr(v, MSR_MCG_CTL, ~0ULL));
	cap = 0;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	cap = 33;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	cap = BANKS | 1ULL << 40;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	EXPECT_EQ(-EFAULT, try_ioctl(v->fd, KVM_X86_SETUP_MCE, NULL));
	EXPECT_EQ(32, msr(v, MSR_MCG_CAP));

	cap = MCG_CTL_P | BANKS;
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	EXPECT_EQ(cap, msr(v, MSR_MCG_CAP));
	EXPECT_EQ(~0ULL, msr(v, MSR_MCG_CTL));
	EXPECT_EQ(1, set_msr(v, MSR_MCG_CTL, ~0ULL));
	EXPECT_EQ(~0ULL, msr(v, MSR_MC(BANKS - 1, CTL)));
	EXPECT_EQ(0, get_msr(v, MSR_MC(BANKS, CTL), &cap));
}

TEST(bad_reports)
{
	struct vcpu *v = guest_with_banks();

	EXPECT_EQ(-EINVAL, report(v, BANKS, FATAL, MCIP));
	EXPECT_EQ(-EINVAL, report(v, 255, FATAL, MCIP));
	EXPECT_EQ(-EINVAL, report(v, 1, FATAL & ~VALID, MCIP));
	EXPECT_EQ(-EFAULT, try_ioctl(v->fd, KVM_X86_SET_MCE, NULL));
	EXPECT_EQ(0, vcpu_sync(v));
}

TEST(uncorrected_error_is_an_exception)
{
	struct vcpu *v = guest_with_banks();

	ASSERT_EQ(0, report(v, 2, FATAL, MCIP));
	EXPECT_EQ(FATAL, msr(v, MSR_MC(2, STATUS)));
	EXPECT_EQ(0x1234000, msr(v, MSR_MC(2, ADDR)));
	EXPECT_EQ(0x8c, msr(v, MSR_MC(2, MISC)));
	EXPECT_EQ(MCIP, msr(v, MSR_MCG_STATUS));
	EXPECT_EQ(1, vcpu_sync(v));

	/* The guest is done with it, but has left its traces. */
	set_msr(v, MSR_MCG_STATUS, 0);
	ASSERT_EQ(0, report(v, 2, FATAL, MCIP));
	EXPECT_EQ(FATAL | OVERFLOW, msr(v, MSR_MC(2, STATUS)));
	EXPECT_EQ(2, vcpu_sync(v));
}

TEST(switched_off_errors_are_lost)
{
	struct vcpu *v = guest_with_banks();

	set_msr(v, MSR_MC(2, CTL), 0);
	ASSERT_EQ(0, report(v, 2, FATAL, MCIP));
	set_msr(v, MSR_MCG_CTL, 0);
	ASSERT_EQ(0, report(v, 3, FATAL, MCIP));
	EXPECT_EQ(0, msr(v, MSR_MC(2, STATUS)));
	EXPECT_EQ(0, msr(v, MSR_MC(3, STATUS)));
	EXPECT_EQ(0, vcpu_sync(v));
}

TEST(corrected_error_is_quiet)
{
	struct vcpu *v = guest_with_banks();

	ASSERT_EQ(0, report(v, 1, VALID | ENABLED, 0));
	EXPECT_EQ(VALID | ENABLED, msr(v, MSR_MC(1, STATUS)));
	/* Again: the newer of two corrected ones stands. */
	ASSERT_EQ(0, report(v, 1, VALID | 7, 0));
	EXPECT_EQ(VALID | OVERFLOW | 7, msr(v, MSR_MC(1, STATUS)));
	/* Uncorrected, no action: takes the bank, raises nothing. */
	ASSERT_EQ(0, report(v, 1, VALID | UNCORRECTED | 9, 0));
	EXPECT_EQ(VALID | UNCORRECTED | 9, msr(v, MSR_MC(1, STATUS)));
	ASSERT_EQ(0, report(v, 1, VALID | 7, 0));
	EXPECT_EQ(VALID | UNCORRECTED | OVERFLOW | 9, msr(v, MSR_MC(1, STATUS)));
	EXPECT_EQ(0, vcpu_sync(v));
}

TEST(error_within_an_error_shuts_down)
{
	struct vcpu *v = guest_with_banks();

	set_msr(v, MSR_MCG_STATUS, MCIP);
	ASSERT_EQ(0, report(v, 2, FATAL, MCIP));
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_exit(v));
}

TEST(error_without_cr4_mce_shuts_down)
{
	struct vcpu *v = guest_with_banks();
	struct kvm_sregs sregs = get_sregs(v);

	sregs.cr4 &= ~CR4_MCE;
	set_sregs(v, &sregs);
	ASSERT_EQ(0, report(v, 2, FATAL, MCIP));
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, vcpu_exit(v));
}

LVX_TEST_MAIN
