// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory of every kind that mmap() gives: what the guest writes is what
 * the host reads, and the other way round; what is taken away under the guest's
 * feet is gone for it, too. And memory at the very top of the guest-physical
 * space, where clients put what must not be in the way.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "harness.h"

#define SIZE	(4 * MIB)
#define HUGE	(2 * MIB)

static volatile uint64_t at, value;
static volatile bool write_it;

/* Reads or writes where the host says. */
static void g_server(void)
{
	for (;;) {
		if (write_it)
			*(volatile uint64_t *)at = value;
		else
			value = *(volatile uint64_t *)at;
		guest_sync(1);
	}
}

static uint64_t guest_read(struct vcpu *v, uint64_t gva)
{
	at = gva;
	write_it = false;
	vcpu_sync(v);
	return value;
}

static void guest_write(struct vcpu *v, uint64_t gva, uint64_t what)
{
	at = gva;
	value = what;
	write_it = true;
	vcpu_sync(v);
}

/* One word in each page, both ways. */
static void check_memory(struct __test_metadata *_metadata, struct vcpu *v,
			 uint64_t gva, uint8_t *hva, uint64_t size)
{
	for (uint64_t i = 0; i < size; i += 61 * PAGE) {
		*(volatile uint64_t *)(hva + i) = i + 1;
		ASSERT_EQ(i + 1, guest_read(v, gva + i));
		guest_write(v, gva + i + 8, i + 2);
		ASSERT_EQ(i + 2, *(volatile uint64_t *)(hva + i + 8));
	}
}

/* ------------------------------------------------------------------- kinds */

static void *map_fd(int fd, off_t size, int flags)
{
	void *p;

	if (fd < 0 || ftruncate(fd, size))
		return MAP_FAILED;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	close(fd);
	return p;
}

static void *anonymous(void)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *shared_anonymous(void)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void *memfd(void)
{
	return map_fd(memfd_create("guest", 0), SIZE, MAP_SHARED);
}

static void *private_memfd(void)
{
	return map_fd(memfd_create("guest", 0), SIZE, MAP_PRIVATE);
}

static void *file(void)
{
	char name[] = "/tmp/guestXXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	return map_fd(fd, SIZE, MAP_SHARED);
}

/* Asks for its huge pages itself; they are given back with the process. */
static void *hugetlb(void)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "4", 1) < 0)
			fprintf(stderr, "# no huge pages: %m\n");
		close(fd);
	}
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
}

static void *locked(void)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
}

FIXTURE(kind)
{
	struct vcpu *v;
	uint8_t *mem;
};

FIXTURE_VARIANT(kind)
{
	void *(*map)(void);
	bool takes_back;	/* MADV_DONTNEED leaves zeros */
};

#define KIND(name, zeros)						\
	FIXTURE_VARIANT_ADD(kind, name) { .map = name, .takes_back = zeros }
KIND(anonymous, true);
KIND(shared_anonymous, false);
KIND(memfd, false);
KIND(private_memfd, true);
KIND(file, false);
KIND(hugetlb, true);
KIND(locked, false);

FIXTURE_SETUP(kind)
{
	self->mem = variant->map();
	if (self->mem == MAP_FAILED)
		return;
	self->v = vcpu_new(vm_new(0), 0);
	vm_slot(self->v->vm, 2, 0, GPA_EXTRA, SIZE, self->mem);
	vcpu_long(self->v, g_server);
}

FIXTURE_TEARDOWN(kind)
{
}

TEST_F(kind, both_see_it)
{
	if (self->mem == MAP_FAILED)
		SKIP(return, "no such memory here");
	check_memory(_metadata, self->v, GPA_EXTRA, self->mem, SIZE);
	/* Only read so far, and then written by either */
	ASSERT_EQ(0, guest_read(self->v, GPA_EXTRA + SIZE - 8));
	guest_write(self->v, GPA_EXTRA + SIZE - 8, 7);
	ASSERT_EQ(7, *(uint64_t *)(self->mem + SIZE - 8));
	if (!variant->takes_back)
		return;
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_DONTNEED));
	ASSERT_EQ(0, guest_read(self->v, GPA_EXTRA + SIZE - 8));
	check_memory(_metadata, self->v, GPA_EXTRA, self->mem, SIZE);
}

/* ------------------------------------------------------------- userfaultfd */

static volatile uint32_t faults_served;

/* Gives each page that is asked for, filled with its number. */
static void *serve_faults(void *arg)
{
	int fd = (int)(long)arg;
	static uint64_t page[PAGE / 8] __attribute__((aligned(PAGE)));
	struct uffd_msg msg;

	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_copy copy = {
			.dst = msg.arg.pagefault.address & -PAGE,
			.src = (uintptr_t)page, .len = PAGE,
		};

		for (size_t i = 0; i < ARRAY_SIZE(page); i++)
			page[i] = copy.dst + i;
		usleep(1000);
		faults_served++;
		if (ioctl(fd, UFFDIO_COPY, &copy))
			die("UFFDIO_COPY: %m");
	}
	return NULL;
}

FIXTURE(uffd)
{
	struct vcpu *v;
	uint8_t *mem;
	int fd;			/* -1: there is none here */
};

FIXTURE_SETUP(uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.len = SIZE, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	self->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (self->fd < 0)
		return;
	self->mem = alloc_pages(SIZE);
	reg.range.start = (uintptr_t)self->mem;
	ASSERT_EQ(0, ioctl(self->fd, UFFDIO_API, &api));
	ASSERT_EQ(0, ioctl(self->fd, UFFDIO_REGISTER, &reg));
	self->v = vcpu_new(vm_new(0), 0);
	vm_slot(self->v->vm, 2, 0, GPA_EXTRA, SIZE, self->mem);
	vcpu_long(self->v, g_server);
}

FIXTURE_TEARDOWN(uffd)
{
}

TEST_F(uffd, serves_the_guest)
{
	struct vcpu *v = self->v;
	uint8_t *mem = self->mem;
	int fd = self->fd;
	pthread_t thread;

	if (fd < 0)
		SKIP(return, "no userfaultfd");
	pthread_create(&thread, NULL, serve_faults, (void *)(long)fd);
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t offset = i * 7 * PAGE;

		ASSERT_EQ((uintptr_t)mem + offset + 2,
			  guest_read(v, GPA_EXTRA + offset + 16));
		guest_write(v, GPA_EXTRA + offset + PAGE, i);
		ASSERT_EQ(i, *(uint64_t *)(mem + offset + PAGE));
	}
	/* Neither more nor fewer: neighbours are not asked for. */
	ASSERT_EQ(40, faults_served);
	pthread_cancel(thread);
}

/* Whoever waits for a page that may never come can be called back. */
TEST_F(uffd, signal_ends_the_wait)
{
	struct vcpu *v = self->v;
	pthread_t thread;

	if (self->fd < 0)
		SKIP(return, "no userfaultfd");
	if (!on_lvx() && kernel_before(6, 2))
		SKIP(return, "KVM before Linux 6.2 goes on waiting");
	at = GPA_EXTRA + 16;
	for (int i = 0; i < 3; i++) {
		v->run->exit_reason = 123;
		alarm_ms(SIGUSR1, 20);
		ASSERT_EQ(-EINTR, vcpu_run(v));
		ASSERT_EQ(KVM_EXIT_INTR, v->run->exit_reason);
	}
	pthread_create(&thread, NULL, serve_faults, (void *)(long)self->fd);
	ASSERT_EQ((uintptr_t)self->mem + 2, guest_read(v, GPA_EXTRA + 16));
	pthread_cancel(thread);
}

/* ----------------------------------------------------------------- the top */

static uint64_t top_of_memory(void)
{
	struct kvm_cpuid2 *c = supported_cpuid();

	return 1UL << (cpuid_find(c, 0x80000008, 0)->eax & 0xff);
}

/* Virtual memory from 512 GiB on: the last GiB of guest-physical memory. */
static void map_top(struct vcpu *v, uint64_t top)
{
	uint64_t *pml4 = (void *)(v->vm->ram + PML4_GPA);
	uint64_t *pdpt = (void *)(v->vm->ram + GPA_FREE);
	uint64_t *pd = pdpt + 512;

	pml4[1] = GPA_FREE | 7;
	pdpt[0] = (GPA_FREE + PAGE) | 7;
	for (uint64_t i = 0; i < 512; i++)
		pd[i] = (top - GIB + i * HUGE) | 0x87;
}

TEST(top_of_guest_physical_space)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t top = top_of_memory(), gva = 512 * GIB + GIB - SIZE;
	uint8_t *mem = alloc_pages(SIZE);

	vm_slot(v->vm, 2, KVM_MEM_LOG_DIRTY_PAGES, top - SIZE, SIZE, mem);
	vcpu_long(v, g_server);
	map_top(v, top);
	check_memory(_metadata, v, gva, mem, SIZE);
	guest_write(v, gva + SIZE - 8, 5);
	ASSERT_EQ(5, *(uint64_t *)(mem + SIZE - 8));
	/* Right below it there is nothing. */
	at = gva - 8;
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	ASSERT_EQ(top - SIZE - 8, v->run->mmio.phys_addr);
	ASSERT_EQ(1, v->run->mmio.is_write);
}

LVX_TEST_MAIN
