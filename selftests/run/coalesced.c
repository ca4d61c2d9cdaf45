// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced writes: the guest writes on, user space finds the writes in a ring,
 * in order, and none is lost when the ring is full.
 */
#include "harness.h"

#define ENTRIES	((PAGE - sizeof(struct kvm_coalesced_mmio_ring)) /	\
		 sizeof(struct kvm_coalesced_mmio))
#define PORT	0x3f8

static struct kvm_coalesced_mmio_ring *ring_of(struct vcpu *v)
{
	return (void *)((char *)v->run +
			check_cap(sys_fd, KVM_CAP_COALESCED_MMIO) * PAGE);
}

static long zone(struct vm *vm, unsigned long nr, uint64_t addr, uint32_t size,
		 uint32_t pio)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = addr, .size = size, .pio = pio,
	};

	return try_ioctl(vm->fd, nr, &zone);
}

#define ADD	KVM_REGISTER_COALESCED_MMIO
#define REMOVE	KVM_UNREGISTER_COALESCED_MMIO

#define EXPECT_ENTRY(ring, i, addr, size, value) do {			\
	const struct kvm_coalesced_mmio *e_ = &(ring)->coalesced_mmio[i]; \
	uint64_t v_ = 0;						\
									\
	memcpy(&v_, e_->data, e_->len & 7 ?: 8);			\
	EXPECT_EQ((uint64_t)(addr), e_->phys_addr);			\
	EXPECT_EQ((uint32_t)(size), e_->len);				\
	EXPECT_EQ((uint64_t)(value), v_);				\
} while (0)

static void g_writes(void)
{
	mmio_write(GPA_MMIO, 0x11223344);
	asm volatile("movb $0x55, (%0)" :: "r"(GPA_MMIO + 0xff) : "memory");
	asm volatile("movw $0x6677, (%0)" :: "r"(GPA_MMIO + 0xfe) : "memory");
	asm volatile("movq %0, (%1)" :: "r"(0x8899aabbccddeeff),
		     "r"(GPA_MMIO + 8) : "memory");
	/* What the emulator does in full, not as a plain move. */
	asm volatile("mov $3, %%ecx; rep stosl"
		     :: "D"(GPA_MMIO + 0x10), "a"(7) : "rcx", "memory");
	/* Over the zone's end, a read, and beside the zone. */
	asm volatile("movw $1, (%0)" :: "r"(GPA_MMIO + 0xff) : "memory");
	mmio_read(GPA_MMIO);
	mmio_write(GPA_MMIO - 4, 1);
}

TEST(mmio)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0), *other = vcpu_new(vm, 1);
	struct kvm_coalesced_mmio_ring *ring = ring_of(other);

	ASSERT_EQ(0, zone(vm, ADD, GPA_MMIO, 0x100, 0));
	vcpu_long(v, g_writes);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(GPA_MMIO + 0xff, v->run->mmio.phys_addr);
	EXPECT_EQ(0, ring->first);
	ASSERT_EQ(7, ring->last);
	EXPECT_ENTRY(ring, 0, GPA_MMIO, 4, 0x11223344);
	EXPECT_ENTRY(ring, 1, GPA_MMIO + 0xff, 1, 0x55);
	EXPECT_ENTRY(ring, 2, GPA_MMIO + 0xfe, 2, 0x6677);
	EXPECT_ENTRY(ring, 3, GPA_MMIO + 8, 8, 0x8899aabbccddeeff);
	for (int i = 0; i < 3; i++)
		EXPECT_ENTRY(ring, 4 + i, GPA_MMIO + 0x10 + 4 * i, 4, 7);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(0, v->run->mmio.is_write);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(GPA_MMIO - 4, v->run->mmio.phys_addr);
	EXPECT_EQ(7, ring->last);
	ASSERT_EQ(-1U, vcpu_sync(v));
}

static volatile uint32_t counter;

static void g_count(void)
{
	for (;;)
		mmio_write(GPA_MMIO, counter++);
}

/* Take everything out; the values must go on from *next. */
static uint32_t drain(struct __test_metadata *_metadata,
		      struct kvm_coalesced_mmio_ring *ring, uint32_t *next)
{
	uint32_t first = ring->first, n = 0;

	for (; first != ring->last; first = (first + 1) % ENTRIES, n++)
		EXPECT_ENTRY(ring, first, GPA_MMIO, 4, (*next)++);
	ring->first = first;
	return n;
}

/* Before Linux 6.11 KVM took the ring for full when it was half full. */
static bool half_the_ring(void)
{
	return !on_lvx() && kernel_before(6, 11);
}

TEST(full_ring)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	uint32_t next = 0, n;

	ASSERT_EQ(0, zone(v->vm, ADD, GPA_MMIO, 4, 0));
	vcpu_long(v, g_count);
	for (int round = 0; round < 5; round++) {
		ASSERT_EXIT(KVM_EXIT_MMIO, v);
		n = drain(_metadata, ring, &next);
		if (!half_the_ring())
			EXPECT_EQ(ENTRIES - 1, n);
		EXPECT_LT(0, n);
		EXPECT_EQ(next++, v->run->mmio.data[0] |
				  v->run->mmio.data[1] << 8);
	}
	/* A head that makes no sense fills nothing. */
	ring->last = ENTRIES;
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ring->last = -1;
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(-1, ring->last);
}

static void g_ports(void)
{
	static const char text[] = "text";

	outb(PORT, 'a');
	asm volatile("rep outsb"
		     :: "S"(text), "c"(4), "d"(PORT) : "memory");
	outb(PORT, 'b');
	outw(PORT, 1);
	inb(PORT);
	outb(PORT, 'c');
}

TEST(ports)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	static const char text[] = "atextb";

	ASSERT_EQ(1, check_cap(sys_fd, KVM_CAP_COALESCED_PIO));
	ASSERT_EQ(0, zone(v->vm, ADD, PORT, 1, 1));
	vcpu_long(v, g_ports);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	EXPECT_EQ(2, v->run->io.size);
	ASSERT_EQ(6, ring->last);
	for (int i = 0; i < 6; i++) {
		EXPECT_ENTRY(ring, i, PORT, 1, text[i]);
		EXPECT_EQ(1, ring->coalesced_mmio[i].pio);
	}
	ASSERT_EXIT(KVM_EXIT_IO, v);
	EXPECT_EQ(KVM_EXIT_IO_IN, v->run->io.direction);
	ASSERT_EQ(-1U, vcpu_sync(v));
	EXPECT_EQ(7, ring->last);
}

/* Zones overlap, and those that hold the given one go. */
TEST(remove_zones)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	struct vm *vm = v->vm;

	ASSERT_EQ(0, zone(vm, ADD, GPA_MMIO - 8, 0x10, 0));
	ASSERT_EQ(0, zone(vm, ADD, GPA_MMIO, 4, 0));
	ASSERT_EQ(0, zone(vm, ADD, GPA_MMIO, 4, 0));
	vcpu_long(v, g_count);
	/* The small ones don't hold this, nor does a port. */
	ASSERT_EQ(0, zone(vm, REMOVE, GPA_MMIO, 8, 0));
	ASSERT_EQ(0, zone(vm, REMOVE, GPA_MMIO, 4, 1));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_NE(0, ring->last);
	ring->first = ring->last;
	ASSERT_EQ(0, zone(vm, REMOVE, GPA_MMIO, 1, 0));
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(ring->first, ring->last);
	ASSERT_EQ(0, zone(vm, REMOVE, GPA_MMIO, 1, 0));
	EXPECT_EQ(-EINVAL, zone(vm, ADD, GPA_MMIO, 4, 2));
	EXPECT_EQ(-EINVAL, zone(vm, REMOVE, GPA_MMIO, 4, 2));
}

LVX_TEST_MAIN
