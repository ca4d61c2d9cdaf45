// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: every page that the guest or the kernel on its behalf writes
 * is reported once, no other is, and logging can start and stop at any time.
 */
#include <pthread.h>

#include "harness.h"

#define PAGES	512UL

static volatile uint64_t seed;
static volatile bool stop;
static uint8_t bitmap[PAGES / 8] __attribute__((aligned(8)));

/* Pages that a round writes: those whose number is a multiple of @seed. */
static void guest_write(void)
{
	for (;;) {
		for (uint64_t i = 0; i < PAGES; i++) {
			volatile uint64_t *p = (void *)(GPA_EXTRA + i * PAGE);

			if (i % seed == 0)
				*p = i;
			else
				(void)*p;
		}
		guest_sync(0);
	}
}

static void get_log(struct vm *vm)
{
	struct kvm_dirty_log log = { .slot = 2, .dirty_bitmap = bitmap };

	memset(bitmap, 0xff, sizeof(bitmap));
	do_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static bool dirty(uint64_t page)
{
	return bitmap[page / 8] & 1 << page % 8;
}

static struct vcpu *logged_vcpu(uint8_t **mem, uint32_t flags)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);

	*mem = alloc_pages(PAGES * PAGE);
	vm_slot(vm, 2, flags, GPA_EXTRA, PAGES * PAGE, *mem);
	vcpu_long(v, guest_write);
	return v;
}

/* KVM may take what could be written for dirty, when first it was read. */
static void check_log(struct __test_metadata *_metadata)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		if (i % seed == 0 || on_lvx()) {
			ASSERT_EQ(i % seed == 0, dirty(i))
				TH_LOG("page %lu", (long)i);
		}
	}
}

TEST(exact)
{
	static const uint64_t rounds[] = { 3, 7, 1, 64, 5 };
	uint8_t *mem;
	struct vcpu *v = logged_vcpu(&mem, KVM_MEM_LOG_DIRTY_PAGES);

	for (size_t i = 0; i < ARRAY_SIZE(rounds); i++) {
		seed = rounds[i];
		vcpu_sync(v);
		get_log(v->vm);
		check_log(_metadata);
		get_log(v->vm);
		for (uint64_t j = 0; j < PAGES; j++) {
			ASSERT_EQ(0, dirty(j));
		}
	}
}

/* Switched on while everything is mapped writable, possibly as large pages. */
TEST(switched_on_later)
{
	uint8_t *mem;
	struct vcpu *v = logged_vcpu(&mem, 0);
	struct vm *vm = v->vm;

	for (int i = 0; i < 3; i++) {
		seed = 1;
		vcpu_sync(v);
		vm_slot(vm, 2, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, PAGES * PAGE,
			mem);
		seed = 11;
		vcpu_sync(v);
		get_log(vm);
		check_log(_metadata);
		vm_slot(vm, 2, 0, GPA_EXTRA, PAGES * PAGE, mem);
	}
}

TEST(large_pages)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);
	uint8_t *raw = alloc_pages(4 * MIB), *mem;

	mem = (uint8_t *)(((uintptr_t)raw + 2 * MIB - 1) & -(2 * MIB));
	madvise(mem, 2 * MIB, MADV_HUGEPAGE);
	memset(mem, 1, 2 * MIB);
	vm_slot(vm, 2, 0, GPA_EXTRA, PAGES * PAGE, mem);
	vcpu_long(v, guest_write);
	seed = 1;
	vcpu_sync(v);
	vm_slot(vm, 2, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, PAGES * PAGE, mem);
	seed = 100;
	vcpu_sync(v);
	get_log(vm);
	check_log(_metadata);
}

/* What the emulator writes counts as written, too. */
static void guest_ins(void)
{
	uint64_t di = GPA_EXTRA + 5 * PAGE, n = 4;

	asm volatile("rep insb" : "+D"(di), "+c"(n) : "d"(0x1234) : "memory");
	asm volatile("movsb" :: "D"(GPA_EXTRA + 9 * PAGE), "S"(GPA_MMIO)
		     : "memory");
}

TEST(written_by_the_emulator)
{
	uint8_t *mem;
	struct vcpu *v = logged_vcpu(&mem, KVM_MEM_LOG_DIRTY_PAGES);

	vcpu_long(v, guest_ins);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	memset((char *)v->run + PAGE, 7, 4);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	v->run->mmio.data[0] = 8;
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(7, mem[5 * PAGE]);
	ASSERT_EQ(8, mem[9 * PAGE]);
	get_log(v->vm);
	for (uint64_t i = 0; i < PAGES; i++) {
		ASSERT_EQ(i == 5 || i == 9, dirty(i)) TH_LOG("page %lu", (long)i);
	}
}

/* The guest counts in some pages while another thread takes the log. */
static void guest_count(void)
{
	while (!stop) {
		relax();
		for (uint64_t i = 0; i < PAGES; i += 37)
			++*(volatile uint64_t *)(GPA_EXTRA + i * PAGE);
	}
}

static void *run_guest(void *arg)
{
	vcpu_sync(arg);
	return NULL;
}

/*
 * A page whose content changes between two logs is in the second, or, since KVM
 * does not wait for what a running CPU has logged by itself (PML), in a later.
 */
TEST(while_running)
{
	uint64_t before[PAGES] = {}, after[PAGES] = {};
	bool owed[PAGES] = {};
	pthread_t thread;
	uint8_t *mem;
	struct vcpu *v = logged_vcpu(&mem, KVM_MEM_LOG_DIRTY_PAGES);

	vcpu_long(v, guest_count);
	pthread_create(&thread, NULL, run_guest, v);
	for (int round = 0; round < 10; round++) {
		get_log(v->vm);
		for (uint64_t i = 0; i < PAGES; i += 37) {
			owed[i] &= !dirty(i);
			before[i] = *(volatile uint64_t *)(mem + i * PAGE);
		}
		sleep_ms(5);
		for (uint64_t i = 0; i < PAGES; i += 37)
			after[i] = *(volatile uint64_t *)(mem + i * PAGE);
		get_log(v->vm);
		for (uint64_t i = 0; i < PAGES; i += 37) {
			owed[i] = !dirty(i) && (owed[i] || before[i] != after[i]);
			ASSERT_FALSE(owed[i] && on_lvx())
				TH_LOG("page %lu", (long)i);
		}
	}
	ASSERT_LT(0, after[0]);
	stop = true;
	pthread_join(thread, NULL);
	get_log(v->vm);
	for (uint64_t i = 0; i < PAGES; i += 37) {
		ASSERT_TRUE(dirty(i) || !owed[i]) TH_LOG("page %lu", (long)i);
	}
}

LVX_TEST_MAIN
