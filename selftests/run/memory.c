// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory is the VMM's memory, whatever happens to that: pages that come
 * late, change, vanish or lose rights behind the guest's back, memory of every
 * kind that mmap() gives, and slots that come and go.
 *
 * The guest is a server: it executes one command in memory after another.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/wait.h>

#define SLOT	5
#define SIZE	(4 * MIB)
#define PAGES	(SIZE / PAGE)

enum op { OP_WRITE, OP_CHECK, OP_SUM, OP_READ_LATER };

/* To and from the guest. */
static volatile struct {
	enum op op;
	uint64_t gpa, pages, value;
	bool go;
} cmd;

static void read_later(void)
{
	uint64_t start;

	while (!cmd.go)
		relax();
	for (start = rdtsc(); rdtsc() - start < cmd.value;)
		relax();
	*(volatile uint64_t *)cmd.gpa;
}

static void g_server(void)
{
	volatile uint64_t *p;

	for (;; guest_sync(0)) {
		if (cmd.op == OP_READ_LATER) {
			read_later();
			continue;
		}
		for (uint64_t i = 0; i < cmd.pages; i++) {
			p = (uint64_t *)(cmd.gpa + i * PAGE);
			if (cmd.op == OP_WRITE)
				*p = cmd.value + i;
			else if (cmd.op == OP_CHECK)
				CHECK_EQ(cmd.value + i, *p);
			else
				cmd.value += *p;
		}
	}
}

static void set_cmd(enum op op, uint64_t gpa, uint64_t pages, uint64_t value)
{
	cmd.op = op;
	cmd.gpa = gpa;
	cmd.pages = pages;
	cmd.value = value;
}

static void serve(struct vcpu *v, enum op op, uint64_t gpa, uint64_t pages,
		  uint64_t value)
{
	set_cmd(op, gpa, pages, value);
	vcpu_sync(v);
}

#define WORD(p, page)	(*(volatile uint64_t *)((char *)(p) + (page) * PAGE))

static void host_write(void *p, uint64_t pages, uint64_t value)
{
	for (uint64_t i = 0; i < pages; i++)
		WORD(p, i) = value + i;
}

/* How many pages do not hold what they should. */
static uint64_t host_check(void *p, uint64_t pages, uint64_t value)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < pages; i++)
		bad += WORD(p, i) != value + i;
	return bad;
}

FIXTURE(memory)
{
	struct vm *vm;
	struct vcpu *v;
	void *mem;
};

FIXTURE_SETUP(memory)
{
	self->vm = vm_new(0);
	self->v = vcpu_new(self->vm, 0);
	vcpu_long(self->v, g_server);
	self->mem = alloc_pages(SIZE);
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA, SIZE, self->mem);
}

FIXTURE_TEARDOWN(memory)
{
	vcpu_free(self->v);
	vm_free(self->vm);
}

/* Put other memory of the same size where self->mem is. */
static void remap(void *mem, int prot, int flags, int fd, off_t offset)
{
	if (mmap(mem, SIZE, prot, flags | MAP_FIXED, fd, offset) != mem)
		die("mmap: %s", strerror(errno));
}

static int new_memfd(off_t size)
{
	int fd = memfd_create("guest", 0);

	if (fd < 0 || ftruncate(fd, size))
		die("memfd: %s", strerror(errno));
	return fd;
}

TEST_F(memory, guest_and_host_share_it)
{
	/* Untouched, touched by the host, read by the guest first. */
	serve(self->v, OP_WRITE, GPA_EXTRA, 100, 1000);
	ASSERT_EQ(0, host_check(self->mem, 100, 1000));
	host_write(self->mem, PAGES, 5000);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 5000);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 9000);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 9000));
}

TEST_F(memory, reads_as_zero_then_written)
{
	serve(self->v, OP_SUM, GPA_EXTRA, PAGES, 0);
	ASSERT_EQ(0, cmd.value);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 7);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 7));
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 7);
}

/* The ends of the slot, and a slot that is not aligned to anything. */
TEST_F(memory, odd_slot)
{
	void *odd = (char *)self->mem + 3 * PAGE;

	vm_slot(self->vm, SLOT, 0, GPA_EXTRA, 0, self->mem);
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA + 5 * PAGE, 601 * PAGE, odd);
	host_write(odd, 601, 300);
	serve(self->v, OP_CHECK, GPA_EXTRA + 5 * PAGE, 601, 300);
	serve(self->v, OP_WRITE, GPA_EXTRA + 5 * PAGE, 601, 1);
	ASSERT_EQ(0, host_check(odd, 601, 1));

	set_cmd(OP_WRITE, GPA_EXTRA + 4 * PAGE, 1, 42);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
	ASSERT_EQ(GPA_EXTRA + 4 * PAGE, self->v->run->mmio.phys_addr);
	vcpu_sync(self->v);
	set_cmd(OP_WRITE, GPA_EXTRA + 606 * PAGE, 1, 42);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
	vcpu_sync(self->v);
	ASSERT_EQ(0, WORD(self->mem, 2) | WORD(self->mem, 604));
}

TEST_F(memory, dontneed)
{
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 1);
	/* One page, a run of pages, all. */
	ASSERT_EQ(0, madvise((char *)self->mem + 7 * PAGE, PAGE, MADV_DONTNEED));
	serve(self->v, OP_SUM, GPA_EXTRA + 7 * PAGE, 1, 0);
	ASSERT_EQ(0, cmd.value);
	serve(self->v, OP_CHECK, GPA_EXTRA, 7, 1);
	serve(self->v, OP_CHECK, GPA_EXTRA + 8 * PAGE, PAGES - 8, 9);
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_DONTNEED));
	serve(self->v, OP_SUM, GPA_EXTRA, PAGES, 0);
	ASSERT_EQ(0, cmd.value);
}

#define LAST	(PAGES - 8)	/* in the middle of sixteen neighbours */

static void *drop(void *mem)
{
	cmd.go = true;
	if (madvise(mem, LAST * PAGE, MADV_DONTNEED))
		die("madvise: %s", strerror(errno));
	return NULL;
}

/*
 * The guest touches the page behind those that the host is taking away. What
 * is mapped for it must not bring back any of them.
 */
TEST_F(memory, touched_beside_dontneed)
{
	char *group = (char *)self->mem + (LAST - 8) * PAGE;
	pthread_t thread;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "takes two CPUs");
	madvise(self->mem, SIZE, MADV_NOHUGEPAGE);
	for (uint64_t round = 0; round < 20; round++) {
		host_write(self->mem, PAGES, round);
		/* The guest has no mapping of any of them. */
		ASSERT_EQ(0, mprotect(group, 16 * PAGE, PROT_READ));
		ASSERT_EQ(0, mprotect(group, 16 * PAGE, PROT_READ | PROT_WRITE));
		host_write(self->mem, PAGES, round);
		cmd.go = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, drop, self->mem));
		serve(self->v, OP_READ_LATER, GPA_EXTRA + LAST * PAGE, 1, round * 10000);
		pthread_join(thread, NULL);
		host_write(self->mem, LAST, 1000);
		serve(self->v, OP_CHECK, GPA_EXTRA + (LAST - 8) * PAGE, 8,
		      1000 + LAST - 8);
	}
}

TEST_F(memory, mapping_replaced)
{
	int fd = new_memfd(2 * SIZE);

	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 1);
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	serve(self->v, OP_SUM, GPA_EXTRA, PAGES, 0);
	ASSERT_EQ(0, cmd.value);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 77);
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, SIZE);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 88);
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 77);
	/* A private mapping of it: writes do not reach the file. */
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 77);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 99);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 99);
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 77);
	close(fd);
}

/* What the VMM may not access, the guest may not: KVM_RUN fails. */
TEST_F(memory, rights_of_the_host)
{
	serve(self->v, OP_WRITE, GPA_EXTRA, 64, 1);
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ));
	serve(self->v, OP_CHECK, GPA_EXTRA, 64, 1);
	set_cmd(OP_WRITE, GPA_EXTRA + PAGE, 1, 50);
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
	ASSERT_EQ(2, WORD(self->mem, 1));
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ | PROT_WRITE));
	vcpu_sync(self->v);
	ASSERT_EQ(50, WORD(self->mem, 1));

	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_NONE));
	set_cmd(OP_SUM, GPA_EXTRA, 1, 0);
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
	ASSERT_EQ(0, munmap(self->mem, SIZE));
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	      -1, 0);
	vcpu_sync(self->v);
	ASSERT_EQ(0, cmd.value);
}

/* After fork() both have the same pages, until someone writes. */
TEST_F(memory, fork)
{
	int status, pipes[2];
	char c = 0;
	pid_t pid;

	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 100);
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (read(pipes[0], &c, 1) != 1)
			_exit(2);
		_exit(!!host_check(self->mem, PAGES, 100));
	}
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 100);
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 200);
	ASSERT_EQ(1, write(pipes[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 200));
}

TEST_F(memory, slot_deleted_and_moved)
{
	struct kvm_run *run = self->v->run;

	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 10);
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA + SIZE, SIZE, self->mem);
	serve(self->v, OP_CHECK, GPA_EXTRA + SIZE, PAGES, 10);
	set_cmd(OP_CHECK, GPA_EXTRA + 3 * PAGE, 1, 0x1234);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
	ASSERT_EQ(GPA_EXTRA + 3 * PAGE, run->mmio.phys_addr);
	ASSERT_EQ(8, run->mmio.len);
	ASSERT_EQ(0, run->mmio.is_write);
	*(uint64_t *)run->mmio.data = 0x1234;
	vcpu_sync(self->v);

	/* By one page, onto itself. */
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA + SIZE + PAGE, SIZE, self->mem);
	serve(self->v, OP_CHECK, GPA_EXTRA + SIZE + PAGE, PAGES, 10);
	serve(self->v, OP_WRITE, GPA_EXTRA + SIZE + PAGE, PAGES, 20);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 20));

	vm_slot(self->vm, SLOT, 0, 0, 0, NULL);
	set_cmd(OP_WRITE, GPA_EXTRA + SIZE + PAGE, 1, 1);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
	ASSERT_EQ(1, run->mmio.is_write);
	vcpu_sync(self->v);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 20));

	/* What was a device is memory again. */
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA, SIZE, self->mem);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 20);
}

TEST_F(memory, readonly_slot)
{
	struct kvm_run *run = self->v->run;

	host_write(self->mem, PAGES, 30);
	vm_slot(self->vm, SLOT, 0, 0, 0, NULL);
	vm_slot(self->vm, SLOT, KVM_MEM_READONLY, GPA_EXTRA, SIZE, self->mem);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 30);
	set_cmd(OP_WRITE, GPA_EXTRA + 9 * PAGE, 1, 0x55);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
	ASSERT_EQ(1, run->mmio.is_write);
	ASSERT_EQ(GPA_EXTRA + 9 * PAGE, run->mmio.phys_addr);
	ASSERT_EQ(0x55, *(uint64_t *)run->mmio.data);
	vcpu_sync(self->v);
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 30);
	ASSERT_EQ(0, host_check(self->mem, PAGES, 30));
	/* Of memory that the VMM itself may only read, too. */
	ASSERT_EQ(0, mprotect(self->mem, SIZE, PROT_READ));
	serve(self->v, OP_CHECK, GPA_EXTRA, PAGES, 30);
}

TEST_F(memory, slot_rules)
{
	struct vm *vm = self->vm;
	void *mem = self->mem;
	uint64_t gpa = GPA_EXTRA;
	long max = check_cap(vm->fd, KVM_CAP_NR_MEMSLOTS);

	/* Nothing to change, and what can't be changed. */
	ASSERT_EQ(0, vm_try_slot(vm, SLOT, 0, gpa, SIZE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, SLOT, 0, gpa, SIZE - PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, SLOT, 0, gpa, SIZE, mem + PAGE));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, SLOT, KVM_MEM_READONLY, gpa, SIZE,
				       mem));
	/* Overlaps: whole, begin, end, one page; touching is none. */
	ASSERT_EQ(-EEXIST, vm_try_slot(vm, 6, 0, gpa, SIZE, mem));
	ASSERT_EQ(-EEXIST, vm_try_slot(vm, 6, 0, gpa - PAGE, 2 * PAGE, mem));
	ASSERT_EQ(-EEXIST, vm_try_slot(vm, 6, 0, gpa + SIZE - PAGE, SIZE, mem));
	ASSERT_EQ(-EEXIST, vm_try_slot(vm, 6, 0, gpa + PAGE, PAGE, mem));
	ASSERT_EQ(-EEXIST, vm_try_slot(vm, SLOT, 0, 0, SIZE, mem));
	ASSERT_EQ(0, vm_try_slot(vm, 6, 0, gpa - PAGE, PAGE, mem));
	ASSERT_EQ(0, vm_try_slot(vm, 7, 0, gpa + SIZE, PAGE, mem));
	/* Numbers, alignment, flags, wrapping. */
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, max, 0, 1 * GIB, PAGE, mem));
	ASSERT_EQ(0, vm_try_slot(vm, max - 1, 0, 1 * GIB, PAGE, mem));
	ASSERT_EQ(0, vm_try_slot(vm, max - 1, 0, 0, 0, NULL));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, max - 1, 0, 0, 0, NULL));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8 | 7 << 16, 0, 1 * GIB, PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB + 1, PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE + 1, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE, mem + 1));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 4, 1 * GIB, PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 1U << 31, 1 * GIB, PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, -PAGE, 2 * PAGE, mem));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1UL << 52, PAGE, mem));
	/* User memory: the kernel's half, not canonical, reaching into it. */
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE,
				       (void *)-PAGE));
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE,
				       (void *)(1UL << 63)));
	/* Size: more than 2^31 - 1 pages. */
	ASSERT_EQ(-EINVAL, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE << 31, mem));
	/* A slot over nothing is fine as long as no one goes there. */
	ASSERT_EQ(0, vm_try_slot(vm, 8, 0, 1 * GIB, PAGE, (void *)PAGE));
	serve(self->v, OP_WRITE, GPA_EXTRA, PAGES, 30);
	set_cmd(OP_WRITE, 1 * GIB, 1, 1);
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
}

/* As many slots as there may be, a page each, in an order of no order. */
TEST_F(memory, many_slots)
{
	unsigned int i, n = check_cap(self->vm->fd, KVM_CAP_NR_MEMSLOTS);

	n = n - 8 < PAGES ? n - 8 : PAGES;
	for (i = 0; i < n; i++)
		vm_slot(self->vm, 8 + (i * 7) % n, 0,
			2 * GIB + (i * 7) % n * PAGE, PAGE,
			(char *)self->mem + (n - 1 - (i * 7) % n) * PAGE);
	serve(self->v, OP_WRITE, 2 * GIB, n, 400);
	for (i = 0; i < n; i++)
		ASSERT_EQ(400 + i, WORD(self->mem, n - 1 - i));
	for (i = 0; i < n; i += 2)
		vm_slot(self->vm, 8 + i, 0, 0, 0, NULL);
	for (i = 1; i < n; i += 2)
		serve(self->v, OP_CHECK, 2 * GIB + i * PAGE, 1, 400 + i);
	set_cmd(OP_SUM, 2 * GIB + 2 * PAGE, 1, 0);
	ASSERT_EXIT(KVM_EXIT_MMIO, self->v);
}

/* Large pages of the host's, and what breaks them up. */
TEST_F(memory, large_pages)
{
	char *area = mmap(NULL, 3 * SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *mem = (char *)(((uintptr_t)area + 2 * MIB - 1) & -(2 * MIB));

	ASSERT_NE(MAP_FAILED, area);
	madvise(mem, SIZE, MADV_HUGEPAGE);
	vm_slot(self->vm, 6, 0, 2 * GIB, SIZE, mem);
	host_write(mem, PAGES, 10);
	serve(self->v, OP_CHECK, 2 * GIB, PAGES, 10);
	serve(self->v, OP_WRITE, 2 * GIB, PAGES, 20);
	ASSERT_EQ(0, host_check(mem, PAGES, 20));
	/* A page out of the middle. */
	ASSERT_EQ(0, madvise(mem + 300 * PAGE, PAGE, MADV_DONTNEED));
	serve(self->v, OP_SUM, 2 * GIB + 300 * PAGE, 1, 0);
	ASSERT_EQ(0, cmd.value);
	serve(self->v, OP_CHECK, 2 * GIB, 300, 20);
	serve(self->v, OP_CHECK, 2 * GIB + 301 * PAGE, PAGES - 301, 321);
	/* Half of it read-only. */
	ASSERT_EQ(0, mprotect(mem, MIB, PROT_READ));
	serve(self->v, OP_WRITE, 2 * GIB + MIB, 256, 1);
	set_cmd(OP_WRITE, 2 * GIB, 1, 1);
	ASSERT_EQ(-EFAULT, vcpu_run(self->v));
	ASSERT_EQ(0, mprotect(mem, MIB, PROT_READ | PROT_WRITE));
	vcpu_sync(self->v);
}

/*
 * A guest that never leaves by itself, while the memory under it is exchanged.
 * After mmap() has returned, it must not see the old page, nor write to it.
 */
static volatile uint64_t turns, turn, turn_done;
static volatile bool ended;

static void g_watch(void)
{
	volatile uint64_t *page = (uint64_t *)GPA_EXTRA;
	uint64_t now;

	for (uint64_t last = 0; last < turns;) {
		now = turn;
		if (now == last) {
			/* Keep the translation in use. */
			(void)*page;
			relax();
			continue;
		}
		CHECK_EQ(now, *page);
		*page = now + 1000;
		last = now;
		turn_done = now;
	}
	guest_sync(0);
}

/* On one CPU each turn waits for the timer tick twice. */
static unsigned int nr_turns(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 100 : 4;
}

/* Where no slot is at a moment, the guest reads a device; so answer it. */
static void *runner(void *arg)
{
	struct vcpu *v = arg;
	uint32_t reason;

	do
		reason = vcpu_exit(v);
	while (reason == KVM_EXIT_MMIO && !v->run->mmio.is_write);
	ended = true;
	return (void *)(uintptr_t)(reason == KVM_EXIT_IO &&
				   v->run->io.port == PORT_SYNC);
}

TEST_F(memory, exchanged_under_a_running_guest)
{
	uint64_t *file;
	pthread_t thread;
	void *result;
	int fd;

	turns = nr_turns();
	fd = new_memfd((turns + 1) * PAGE);
	file = mmap(NULL, (turns + 1) * PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, file);
	vcpu_long(self->v, g_watch);
	for (uint64_t i = 0; i <= turns; i++)
		WORD(file, i) = i;
	remap(self->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, self->v));
	for (uint64_t i = 1; i <= turns; i++) {
		if (mmap(self->mem, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, i * PAGE) != self->mem)
			die("mmap: %s", strerror(errno));
		turn = i;
		while (turn_done != i && !ended)
			sched_yield();
	}
	pthread_join(thread, &result);
	ASSERT_EQ(1, (uintptr_t)result);
	for (uint64_t i = 1; i <= turns; i++)
		ASSERT_EQ(i + 1000, WORD(file, i));
	ASSERT_EQ(0, WORD(file, 0));
	close(fd);
}

/* The same by deleting and making the slot, as a VMM does for PAM registers. */
TEST_F(memory, slot_exchanged_under_a_running_guest)
{
	char *two = alloc_pages(2 * PAGE);
	pthread_t thread;
	void *result;

	turns = nr_turns();
	vcpu_long(self->v, g_watch);
	vm_slot(self->vm, SLOT, 0, 0, 0, NULL);
	vm_slot(self->vm, SLOT, 0, GPA_EXTRA + GIB, PAGE, two);
	vm_slot(self->vm, 6, 0, GPA_EXTRA, PAGE, two + PAGE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, self->v));
	for (uint64_t i = 1; i <= turns; i++) {
		int in = i % 2 ? SLOT : 6, out = 11 - in;
		char *page = i % 2 ? two : two + PAGE;

		WORD(page, 0) = i;
		vm_slot(self->vm, out, 0, GPA_EXTRA + (out - 4) * GIB, PAGE,
			i % 2 ? two + PAGE : two);
		vm_slot(self->vm, in, 0, GPA_EXTRA, PAGE, page);
		turn = i;
		while (turn_done != i && !ended)
			sched_yield();
		ASSERT_EQ(i + 1000, WORD(page, 0));
	}
	pthread_join(thread, &result);
	ASSERT_EQ(1, (uintptr_t)result);
}

/* ------------------------------------------------- what the host is told of it */

static long secondary_tables(void)
{
	FILE *f = fopen("/proc/vmstat", "r");
	long nr = -1, value;
	char name[64];
	int fd;

	/* Have the CPUs' own counts added up. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			nr = -1;
		close(fd);
	}
	while (f && fscanf(f, "%63s %ld", name, &value) == 2)
		if (!strcmp(name, "nr_sec_page_table_pages"))
			nr = value;
	if (f)
		fclose(f);
	return nr;
}

/* A table for each 2 MiB that the guest touches a small page of. */
TEST(tables_are_counted)
{
	const unsigned long nr = 400, size = nr * 2 * MIB;
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	long before, during, after;
	void *mem;

	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	madvise(mem, size, MADV_NOHUGEPAGE);
	vm_slot(vm, SLOT, 0, GPA_EXTRA, size, mem);
	vcpu_long(v, g_server);
	serve(v, OP_WRITE, GPA_EXTRA, 1, 1);
	before = secondary_tables();
	if (before < 0)
		SKIP(return, "the host counts no such tables");
	for (unsigned long i = 1; i < nr; i++)
		serve(v, OP_WRITE, GPA_EXTRA + i * 2 * MIB, 1, 1);
	during = secondary_tables();
	EXPECT_LE(before + (long)nr - 20, during);
	EXPECT_GE(before + (long)nr + 100, during);
	vcpu_free(v);
	vm_free(vm);
	after = secondary_tables();
	EXPECT_GE(before + 20, after);
}

LVX_TEST_MAIN
