// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest or a VMM can make much of costs the host little: many zones and
 * eventfds go with one wait for readers and not with one each, an interrupt's
 * end looks at its own line's eventfds only, and a guest that keeps changing a
 * LAPIC's address makes the IPIs of others no slower.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "harness.h"
#include "apic.h"

#define MANY	900

volatile bool apic_x2;

static long zone(struct vm *vm, unsigned long nr, uint64_t addr, uint32_t size)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size };

	return try_ioctl(vm->fd, nr, &zone);
}

static long ioeventfd(struct vm *vm, int fd, uint64_t addr, uint32_t flags)
{
	struct kvm_ioeventfd io = {
		.fd = fd, .addr = addr, .len = 4, .flags = flags,
	};

	return try_ioctl(vm->fd, KVM_IOEVENTFD, &io);
}

static long irqfd(struct vm *vm, int fd, int resamplefd, uint32_t gsi,
		  uint32_t flags)
{
	struct kvm_irqfd irqfd = {
		.fd = fd, .resamplefd = resamplefd, .gsi = gsi, .flags = flags,
	};

	return try_ioctl(vm->fd, KVM_IRQFD, &irqfd);
}

static void add_one(struct vm *vm, int kind, unsigned int i)
{
	int fd = kind ? eventfd(0, EFD_CLOEXEC) : -1;
	long ret;

	if (kind == 0)
		ret = zone(vm, KVM_REGISTER_COALESCED_MMIO,
			   GPA_MMIO + 8 * i, 8);
	else if (kind == 1)
		ret = ioeventfd(vm, fd, GPA_MMIO + 8 * i, 0);
	else
		ret = irqfd(vm, fd, fd, i % 16, KVM_IRQFD_FLAG_RESAMPLE);
	if (ret)
		die("number %u of kind %d: %s", i, kind, strerror(-ret));
}

/* The time of one ioctl that takes one away, at best. */
static uint64_t time_of_one(int kind)
{
	struct vm *vm = vm_new(VM_NOMEM | VM_IRQCHIP);
	uint64_t best = -1ULL, start, took;
	int fd = eventfd(0, EFD_CLOEXEC);

	for (int i = 0; i < 8; i++) {
		if (kind == 0)
			zone(vm, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, 8);
		else if (kind == 1)
			ioeventfd(vm, fd, GPA_MMIO, 0);
		else
			irqfd(vm, fd, fd, 5, KVM_IRQFD_FLAG_RESAMPLE);
		start = now_ns();
		if (kind == 0)
			zone(vm, KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO, 8);
		else if (kind == 1)
			ioeventfd(vm, fd, GPA_MMIO, KVM_IOEVENTFD_FLAG_DEASSIGN);
		else
			irqfd(vm, fd, fd, 5, KVM_IRQFD_FLAG_DEASSIGN);
		took = now_ns() - start;
		if (took < best)
			best = took;
	}
	close(fd);
	close(vm->fd);
	return best;
}

static uint64_t time_of_end(int kind, unsigned int n)
{
	struct vm *vm = vm_new(VM_NOMEM | VM_IRQCHIP);
	uint64_t start;

	for (unsigned int i = 0; i < n; i++)
		add_one(vm, kind, i);
	start = now_ns();
	close(vm->fd);
	return now_ns() - start;
}

FIXTURE(many) { };
FIXTURE_VARIANT(many) {
	int kind;
};
FIXTURE_VARIANT_ADD(many, zones) { 0 };
FIXTURE_VARIANT_ADD(many, ioeventfds) { 1 };
FIXTURE_VARIANT_ADD(many, resamplers) { 2 };
FIXTURE_SETUP(many)
{
	struct rlimit files = { 2 * MANY, 2 * MANY };

	if (setrlimit(RLIMIT_NOFILE, &files))
		die("RLIMIT_NOFILE: %s", strerror(errno));
}
FIXTURE_TEARDOWN(many) { }

/* A wait for each would make each cost what the ioctl costs. */
TEST_F_TIMEOUT(many, end, 120)
{
	uint64_t one, none, all;

	if (!on_lvx() && variant->kind == 2)
		SKIP(return, "KVM waits for each");
	one = time_of_one(variant->kind);
	none = time_of_end(variant->kind, 0);
	all = time_of_end(variant->kind, MANY);
	TH_LOG("one: %lu us; a VM's end: %lu us without, %lu us with %u",
	       (long)one / 1000, (long)none / 1000, (long)all / 1000, MANY);
	EXPECT_LT(all, none + one * MANY / 4);
}

/* One call takes away all the zones inside of which something lies. */
TEST(zones_at_once)
{
	struct vm *vm = vm_new(VM_NOMEM);
	uint64_t one = time_of_one(0), start, all;

	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, zone(vm, KVM_REGISTER_COALESCED_MMIO,
				  GPA_MMIO, 8));
	start = now_ns();
	ASSERT_EQ(0, zone(vm, KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO, 8));
	all = now_ns() - start;
	TH_LOG("one: %lu us, %u: %lu us", (long)one / 1000, MANY,
	       (long)all / 1000);
	if (on_lvx())
		EXPECT_LT(all, one * MANY / 4);
	/* They are gone, all of them. */
	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, zone(vm, KVM_REGISTER_COALESCED_MMIO,
				  GPA_MMIO, 8));
}

/* Who shares a line is asked with interrupts off: there is a limit. */
TEST(sharers_of_a_line)
{
	struct vm *vm = vm_new(VM_NOMEM | VM_IRQCHIP);
	long ret = 0;
	int n, fd = -1;

	for (n = 0; n < 200 && !ret; n++) {
		fd = eventfd(0, EFD_CLOEXEC);
		ret = irqfd(vm, fd, fd, 5, KVM_IRQFD_FLAG_RESAMPLE);
	}
	if (!on_lvx())
		SKIP(return, "KVM has no limit but that of descriptors");
	ASSERT_EQ(-ENOSPC, ret);
	ASSERT_LT(64, n);
	/* Other lines have their own, and what left makes place. */
	ASSERT_EQ(0, irqfd(vm, fd, fd, 6, KVM_IRQFD_FLAG_RESAMPLE));
	ASSERT_EQ(0, close(fd - 1));
	fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_EQ(0, irqfd(vm, fd, fd, 5, KVM_IRQFD_FLAG_RESAMPLE));
}

/* ------------------------------------------------------------------- IPIs */

#define NR_VCPUS	256
#define NR_IPIS		400

static volatile uint32_t ticks[NR_IPIS];
static volatile uint64_t pause_ticks, ipi_pause;
static volatile bool stop_writing;

static void wait_ticks(uint64_t n)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < n)
		asm volatile("pause");
}

/* To itself, which the map finds as it finds others. */
static void g_send(void)
{
	uint64_t start;

	apic_on();
	mmio_write(APIC_MMIO + APIC_ICR2, 0);
	for (int i = 0; i < NR_IPIS; i++) {
		start = rdtsc();
		mmio_write(APIC_MMIO + APIC_ICR, 0x4040);
		ticks[i] = rdtsc() - start;
		wait_ticks(ipi_pause);
	}
}

static void g_change(void)
{
	apic_on();
	for (uint32_t i = 0; !stop_writing; i++) {
		apic_write(APIC_LDR, (i & 1 ? 1U : 2U) << 24);
		wait_ticks(pause_ticks);
	}
}

static void *change(void *v)
{
	vcpu_sync(v);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static uint32_t median(struct vcpu *v)
{
	uint32_t sorted[NR_IPIS];

	vcpu_long(v, g_send);
	if (vcpu_sync(v) != -1U)
		die("the sender did not end");
	for (int i = 0; i < NR_IPIS; i++)
		sorted[i] = ticks[i];
	qsort(sorted, NR_IPIS, sizeof(sorted[0]), by_size);
	return sorted[NR_IPIS / 2];
}

/* Of a VM, one of whose LAPICs changes its address every 10 ms. */
static uint32_t ticks_of_ipi(long nr_vcpus)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0), *other = vcpu_new(vm, 1);
	struct kvm_mp_state runs = { KVM_MP_STATE_RUNNABLE };
	pthread_t thread;
	uint32_t result;
	long khz;

	for (long id = 2; id < nr_vcpus; id++)
		if (try_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)id) < 0)
			die("vCPU %ld", id);
	khz = do_ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	pause_ticks = khz * 10;
	ipi_pause = khz / 4;
	stop_writing = false;
	vcpu_long(other, g_change);
	do_ioctl(other->fd, KVM_SET_MP_STATE, &runs);
	pthread_create(&thread, NULL, change, other);
	sleep_ms(20);
	result = median(v);
	stop_writing = true;
	pthread_join(thread, NULL);
	return result;
}

FIXTURE(once) { };
FIXTURE_SETUP(once) { }
FIXTURE_TEARDOWN(once) { }

TEST_F_TIMEOUT(once, ipis, 180)
{
	uint32_t few, many;

	if (!on_lvx())
		SKIP(return, "KVM makes the new map while it changes the address");
	few = ticks_of_ipi(2);
	many = ticks_of_ipi(NR_VCPUS);
	TH_LOG("ticks of an IPI among 2 vCPUs: %u, among %u: %u", few,
	       NR_VCPUS, many);
	EXPECT_LT(many, few + few / 2);
}

LVX_TEST_MAIN
