// SPDX-License-Identifier: GPL-2.0
/*
 * KVM and lvx can both be loaded; whoever has a VM owns the CPU's VMX, and the
 * other gets EBUSY until the last VM is gone (EIO from the KVM of Linux 6.12).
 * Needs both nodes.
 */
#include "harness.h"

static int first, second;

static int open_node(const char *node)
{
	return open(node, O_RDWR | O_CLOEXEC);
}

static long create(int fd)
{
	return try_ioctl(fd, KVM_CREATE_VM, NULL);
}

/* The other one's turn: no VM on the node at @fd. */
static bool refused(int fd)
{
	long err = create(fd);

	return err == -EBUSY || (err == -EIO && (fd == first) != on_lvx());
}

/* False, with the reason told, when there is nothing to test. */
static bool both_nodes(struct __test_metadata *_metadata)
{
	const char *other = on_lvx() ? "/dev/kvm" : "/dev/lvx";

	first = open_node(device);
	second = open_node(other);
	if (first < 0 || second < 0)
		SKIP(return false, "needs /dev/kvm and /dev/lvx");
	return true;
}

TEST(other_is_refused)
{
	long vm;

	if (!both_nodes(_metadata))
		return;
	vm = create(first);
	ASSERT_LE(0, vm);
	EXPECT_TRUE(refused(second));
	EXPECT_TRUE(refused(second));
	/* which does not disturb the owner */
	EXPECT_LE(0, create(first));
}

TEST(takes_turns)
{
	if (!both_nodes(_metadata))
		return;
	for (int i = 0; i < 10; i++) {
		long vm = create(i % 2 ? first : second);

		ASSERT_LE(0, vm) TH_LOG("round %d: %s", i, strerror(-vm));
		EXPECT_TRUE(refused(i % 2 ? second : first));
		close(vm);
	}
}

/* Only the last VM frees the CPU; a vCPU alone keeps its VM. */
TEST(until_the_last_is_gone)
{
	long vm[2], vcpu;

	if (!both_nodes(_metadata))
		return;
	vm[0] = create(first);
	vm[1] = create(first);
	ASSERT_LE(0, vm[0]);
	ASSERT_LE(0, vm[1]);
	vcpu = try_ioctl(vm[1], KVM_CREATE_VCPU, NULL);
	ASSERT_LE(0, vcpu);
	close(vm[0]);
	EXPECT_TRUE(refused(second));
	close(vm[1]);
	EXPECT_TRUE(refused(second));
	close(vcpu);
	vm[0] = create(second);
	EXPECT_LE(0, vm[0]);
}

/* What needs no VMX is answered while the other one runs. */
TEST(questions_are_answered)
{
	if (!both_nodes(_metadata))
		return;
	ASSERT_LE(0, create(first));
	EXPECT_EQ(12, try_ioctl(second, KVM_GET_API_VERSION, NULL));
	EXPECT_EQ(1, try_ioctl(second, KVM_CHECK_EXTENSION,
			       (void *)KVM_CAP_USER_MEMORY));
}

LVX_TEST_MAIN
