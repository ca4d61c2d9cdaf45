// SPDX-License-Identifier: GPL-2.0
/*
 * What is being made does not fit: a bus is full, the process has no descriptor
 * left, what is to be made is there already. The ioctl says so, and the VM is
 * then as if it had never been called: whatever else is made of it works.
 */
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "harness.h"
#include "poke.h"

#define ZONES_ENOUGH	(1 << 16)
#define FAR		0x40000000UL	/* nothing else is there */

static long zone(struct vm *vm, unsigned long nr, uint64_t addr, uint32_t size,
		 bool pio)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = addr, .size = size, .pio = pio,
	};

	return try_ioctl(vm->fd, nr, &zone);
}

/* Until the bus takes no more; returns how many it took. */
static unsigned int fill(struct vm *vm, bool pio)
{
	unsigned int n = 0;
	long ret;

	while (!(ret = zone(vm, KVM_REGISTER_COALESCED_MMIO,
			    pio ? 0x8000 + n % 0x4000 : FAR + n, 1, pio)))
		if (++n == ZONES_ENOUGH)
			die("no end of zones");
	if (ret != -ENOSPC)
		die("zone %u: %s", n, strerror(-ret));
	return n;
}

static void empty(struct vm *vm, bool pio)
{
	for (unsigned int n = 0; n < 0x4000; n++)
		zone(vm, KVM_UNREGISTER_COALESCED_MMIO,
		     pio ? 0x8000 + n : FAR + n, 1, pio);
}

static long create_irqchip(struct vm *vm)
{
	return try_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL);
}

static long create_split(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24,
	};

	return try_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static long create_pit(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return try_ioctl(vm->fd, KVM_CREATE_PIT2, &pit);
}

FIXTURE(full) { };
FIXTURE_VARIANT(full) {
	bool pio;
};
FIXTURE_VARIANT_ADD(full, mmio) { };
FIXTURE_VARIANT_ADD(full, ports) { .pio = true };
FIXTURE_SETUP(full) { }
FIXTURE_TEARDOWN(full) { }

/*
 * An irqchip that found no place on the bus is not there: not for its lines,
 * which a PIT moves, and not for a vCPU, which then has no LAPIC.
 */
TEST_F_TIMEOUT(full, irqchip, 120)
{
	struct vm *vm = vm_new(VM_NOMEM);
	struct kvm_irqchip chip = {};
	struct kvm_lapic_state lapic;
	struct vcpu *v;

	ASSERT_LT(100, fill(vm, variant->pio));
	ASSERT_EQ(-ENOSPC, create_irqchip(vm));
	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	v = vcpu_new(vm, 0);
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	/* Its ports are taken where that is the bus that is full. */
	create_pit(vm);
	poke(vm->fd);
	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
}

/* And it can be made once there is place. */
TEST_F_TIMEOUT(full, irqchip_later, 120)
{
	struct vm *vm = vm_new(VM_NOMEM);
	struct kvm_lapic_state lapic;
	struct kvm_irqchip chip = {};
	struct vcpu *v;

	fill(vm, variant->pio);
	ASSERT_EQ(-ENOSPC, create_irqchip(vm));
	ASSERT_EQ(-ENOSPC, create_irqchip(vm));
	empty(vm, variant->pio);
	ASSERT_EQ(0, create_irqchip(vm));
	EXPECT_EQ(-EEXIST, create_irqchip(vm));
	EXPECT_EQ(-EEXIST, create_split(vm));
	v = vcpu_new(vm, 0);
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	EXPECT_EQ(0, create_pit(vm));
	EXPECT_EQ(-EEXIST, create_pit(vm));
	poke(vm->fd);
	EXPECT_EQ(0, try_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
}

TEST_F_TIMEOUT(full, pit, 120)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct kvm_pit_state2 state;
	long ret;

	fill(vm, variant->pio);
	ret = create_pit(vm);
	if (!variant->pio) {
		ASSERT_EQ(0, ret);
		return;
	}
	/* KVM has but one errno for all of a PIT's failures. */
	ASSERT_EQ(on_lvx() ? -ENOSPC : -ENOMEM, ret);
	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_PIT2, &state));
	EXPECT_EQ(-ENXIO, set_pit(vm->fd));
	poke(vm->fd);
	empty(vm, true);
	ASSERT_EQ(0, create_pit(vm));
	poke(vm->fd);
}

/* One place is left: the PIT's counters have it, the speaker's port has not. */
TEST(half_a_pit)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct kvm_pit_state2 state;

	fill(vm, true);
	ASSERT_EQ(0, zone(vm, KVM_UNREGISTER_COALESCED_MMIO, 0x8000, 1, true));
	ASSERT_GT(0, create_pit(vm));
	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_PIT2, &state));
	/* The place that it had is free again. */
	ASSERT_EQ(0, zone(vm, KVM_REGISTER_COALESCED_MMIO, 0x8000, 1, true));
	ASSERT_EQ(-ENOSPC,
		  zone(vm, KVM_REGISTER_COALESCED_MMIO, 0x8000, 1, true));
	poke(vm->fd);
}

/* A PIT without interrupt controllers ticks for nobody, or is refused. */
TEST(pit_alone)
{
	struct vm *vm = vm_new(VM_NOMEM);
	struct kvm_irqchip chip = {};
	struct vcpu *v;
	long ret = create_pit(vm);

	ASSERT_TRUE(ret == 0 || ret == -ENOENT);
	v = vcpu_new(vm, 0);
	poke(vm->fd);
	/* Too late for those, and the ticks go on. */
	EXPECT_EQ(-EINVAL, create_irqchip(vm));
	EXPECT_EQ(-EEXIST, create_split(vm));
	EXPECT_EQ(-ENXIO, try_ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	poke(vm->fd);
	vcpu_free(v);

	/* With controllers that come later it ticks for those. */
	vm = vm_new(VM_NOMEM);
	ASSERT_EQ(ret, create_pit(vm));
	set_pit(vm->fd);
	ASSERT_EQ(0, create_irqchip(vm));
	vcpu_new(vm, 0);
	poke(vm->fd);

	/* A split one has no pin for it. */
	vm = vm_new(VM_NOMEM);
	ASSERT_EQ(ret, create_pit(vm));
	set_pit(vm->fd);
	ASSERT_EQ(0, create_split(vm));
	vcpu_new(vm, 0);
	poke(vm->fd);
}

static long ioeventfd(struct vm *vm, int fd, uint64_t addr, uint32_t flags)
{
	struct kvm_ioeventfd io = {
		.fd = fd, .addr = addr, .len = 1, .flags = flags,
	};

	return try_ioctl(vm->fd, KVM_IOEVENTFD, &io);
}

/* A full bus is full for eventfds, which by themselves don't fill it. */
TEST_F_TIMEOUT(full, ioeventfd, 120)
{
	uint32_t pio = variant->pio ? KVM_IOEVENTFD_FLAG_PIO : 0;
	struct vm *vm = vm_new(VM_NOMEM);
	int fd = eventfd(0, EFD_CLOEXEC);

	for (unsigned int i = 0; i < 1100; i++)
		ASSERT_EQ(0, ioeventfd(vm, fd, 0x1000 + i, pio));
	fill(vm, variant->pio);
	ASSERT_EQ(-ENOSPC, ioeventfd(vm, fd, 0x100, pio));
	ASSERT_EQ(-ENOENT,
		  ioeventfd(vm, fd, 0x100, pio | KVM_IOEVENTFD_FLAG_DEASSIGN));
	ASSERT_EQ(0, zone(vm, KVM_UNREGISTER_COALESCED_MMIO,
			  variant->pio ? 0x8000 : FAR, 1, variant->pio));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x100, pio));
	ASSERT_EQ(-EEXIST, ioeventfd(vm, fd, 0x100, pio));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x100, pio | KVM_IOEVENTFD_FLAG_DEASSIGN));
	ASSERT_EQ(-ENOENT,
		  ioeventfd(vm, fd, 0x100, pio | KVM_IOEVENTFD_FLAG_DEASSIGN));
	ASSERT_EQ(0, ioeventfd(vm, fd, 0x100, pio));
}

/* ------------------------------------------------------------ descriptors */

/* No descriptor more than there are; returns the old limit. */
static struct rlimit exhaust(void)
{
	int next = dup(sys_fd);
	struct rlimit old, none;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = next;
	close(next);
	setrlimit(RLIMIT_NOFILE, &none);
	return old;
}

TEST(no_descriptor)
{
	struct vm *vm = vm_new(VM_NOMEM | VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0), *other;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MAX_VCPU_ID, .args[0] = 8,
	};
	struct vm *fresh = vm_new(VM_NOMEM);
	struct rlimit old = exhaust();

	EXPECT_EQ(-EMFILE, try_ioctl(sys_fd, KVM_CREATE_VM, NULL));
	EXPECT_EQ(-EMFILE, try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)1));
	EXPECT_EQ(-EMFILE, try_ioctl(vm->fd, KVM_GET_STATS_FD, NULL));
	EXPECT_EQ(-EMFILE, try_ioctl(v->fd, KVM_GET_STATS_FD, NULL));
	EXPECT_EQ(-EEXIST, try_ioctl(vm->fd, KVM_CREATE_VCPU, NULL));
	EXPECT_EQ(-EMFILE, try_ioctl(fresh->fd, KVM_CREATE_VCPU, (void *)5));
	poke(vm->fd);
	setrlimit(RLIMIT_NOFILE, &old);

	/* What failed has taken no number, no place and no decision. */
	other = vcpu_new(vm, 1);
	EXPECT_LE(0, do_ioctl(other->fd, KVM_GET_STATS_FD, 0));
	poke(vm->fd);
	EXPECT_EQ(0, create_irqchip(fresh));
	/* KVM has set the limit of numbers before it made the vCPU. */
	EXPECT_EQ(on_lvx() ? 0 : -EINVAL,
		  try_ioctl(fresh->fd, KVM_ENABLE_CAP, &cap));
	EXPECT_EQ(-EINVAL, try_ioctl(fresh->fd, KVM_CREATE_VCPU, (void *)-1L));
	vcpu_new(fresh, 5);
	poke(fresh->fd);
}

/* As many numbers as there are; the next ones are refused. */
TEST(too_large)
{
	struct vm *vm = vm_new(VM_NOMEM | VM_IRQCHIP);
	long max = check_cap(sys_fd, KVM_CAP_MAX_VCPU_ID);
	long routes = check_cap(sys_fd, KVM_CAP_IRQ_ROUTING);
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) +
			  (routes + 1) * sizeof(routing->entries[0]));

	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)max));
	vcpu_new(vm, max - 1);

	for (long i = 0; i <= routes; i++)
		routing->entries[i] = (struct kvm_irq_routing_entry) {
			.gsi = i % routes, .type = KVM_IRQ_ROUTING_MSI,
		};
	routing->nr = routes + 1;
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing));
	/* Two MSIs of one GSI: the old table goes on. */
	routing->nr = routes;
	routing->entries[1].gsi = 0;
	EXPECT_EQ(-EINVAL, try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing));
	poke(vm->fd);
	routing->entries[1].gsi = 1;
	EXPECT_EQ(0, try_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing));
	poke(vm->fd);
	free(routing);
}

LVX_TEST_MAIN
