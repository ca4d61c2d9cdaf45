// SPDX-License-Identifier: GPL-2.0
/*
 * Writes that the CPU makes by itself into read-only memory: accessed bits of
 * descriptors, the busy bit of a TSS, accessed and dirty bits of page tables,
 * stack frames. In a machine with ROM they have no effect, and the instruction
 * completes.
 *
 * KVM gives up on most of them, or repeats the instruction for ever. So most of
 * this is about lvx alone.
 */
#include <pthread.h>

#include "harness.h"

#define ROM		GPA_EXTRA
#define ROM_SIZE	(64 * KIB)
#define ROM_GDT		ROM
#define ROM_STACK	(ROM + 2 * PAGE)	/* its end */
#define ROM_TABLES	(ROM + 4 * PAGE)	/* PML4, PDPT, 4 PDs */
#define ACCESSED	0x20UL
#define DIRTY		0x40UL

#define UD	6
#define PF	14
#define SEL_FREE_TSS	0x40

static uint8_t *rom, *copy;

/* Descriptors that were never used, and the guest's page tables. */
static void fill_rom(struct vm *vm, uint64_t table_bits)
{
	uint64_t *gdt = (void *)rom, *tables = (void *)(rom + 4 * PAGE);
	uint64_t *from = (void *)(vm->ram + PML4_GPA);

	memset(rom, 0x5a, ROM_SIZE);
	memcpy(gdt, vm->ram + GDT_GPA, 0x100);
	for (int i = SEL_CODE64 / 8; i <= SEL_UCODE64 / 8; i++)
		gdt[i] &= ~(1UL << 40);
	gdt[SEL_FREE_TSS / 8] = 0x0000890000000067UL | (uint64_t)TSS_GPA << 16;
	gdt[SEL_FREE_TSS / 8 + 1] = 0;
	for (int i = 0; i < 6 * 512; i++) {
		tables[i] = from[i];
		if (!(from[i] & 1))
			continue;
		if (i < 2 * 512)
			tables[i] += ROM_TABLES - PML4_GPA;
		tables[i] = (tables[i] & ~(ACCESSED | DIRTY)) | table_bits;
	}
	memcpy(copy, rom, ROM_SIZE);
}

static struct vcpu *new_guest(struct vm *vm, uint64_t table_bits)
{
	rom = alloc_pages(ROM_SIZE);
	copy = alloc_pages(ROM_SIZE);
	fill_rom(vm, table_bits);
	vm_slot(vm, 5, KVM_MEM_READONLY, ROM, ROM_SIZE, rom);
	return vcpu_new(vm, 0);
}

/*
 * Runs to the guest's report, over writes that user space is told of. A guest
 * that makes no progress meets the alarm. Returns the value, or -1.
 */
static int64_t report(struct __test_metadata *_metadata, struct vcpu *v)
{
	long r;

	alarm_ms(SIGALRM, 15000);
	do {
		r = vcpu_run(v);
	} while (!r && v->run->exit_reason == KVM_EXIT_MMIO &&
		 v->run->mmio.is_write && v->run->mmio.phys_addr - ROM < ROM_SIZE);
	if (r || v->run->exit_reason != KVM_EXIT_IO ||
	    v->run->io.port != PORT_SYNC) {
		TH_LOG("KVM_RUN: %ld, exit %u", r, v->run->exit_reason);
		if (!r && v->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
			TH_LOG("suberror %u", v->run->internal.suberror);
		vcpu_dump(v);
		return -1;
	}
	return vcpu_report(v);
}

/* By it lvx has the CPU execute one instruction. */
static bool has_mtf(void)
{
	static char text[8192];
	FILE *f = fopen("/proc/cpuinfo", "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return strstr(text, " mtf");
}

/*
 * Bochs sets accessed and dirty bits without asking the EPT (see
 * Documentation/emulator.rst), so these may differ where it had any to set.
 */
static bool rom_is_the_same(void)
{
	uint64_t *now = (void *)(rom + 4 * PAGE), *was = (void *)(copy + 4 * PAGE);

	for (int i = 0; i < 6 * 512; i++)
		if ((now[i] ^ was[i]) & ~(ACCESSED | DIRTY))
			return false;
	return !memcmp(rom, copy, 4 * PAGE) &&
	       !memcmp(now + 6 * 512, was + 6 * 512, ROM_SIZE - 10 * PAGE);
}

#define NEED_MTF() do {							\
	if (on_lvx() && !has_mtf())					\
		SKIP(return, "this CPU has no monitor trap flag");	\
} while (0)

#define NEED_DROPPING() do {						\
	if (!on_lvx())							\
		SKIP(return, "KVM gives up, or goes round for ever");	\
	NEED_MTF();							\
} while (0)

#define RUN_ROM(fn, bits, expect) do {					\
	struct vcpu *v_ = new_guest(vm_new(0), bits);			\
									\
	vcpu_long(v_, fn);						\
	NEED_DROPPING();						\
	ASSERT_EQ(expect, report(_metadata, v_));			\
	EXPECT_TRUE(rom_is_the_same());					\
} while (0)

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void load_gdt(uint64_t base)
{
	struct table t = { 0xff, base };

	asm volatile("lgdt %0" :: "m"(t));
}

/* Each kind of segment load. */
static void g_descriptors(void)
{
	load_gdt(ROM_GDT);
	asm volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq\n"
		     "1: mov %1, %%ds; mov %1, %%es; mov %1, %%ss\n\t"
		     "mov %1, %%fs; mov %1, %%gs\n\t"
		     "mov %%rsp, %%rcx; push %1; push %%rcx; push $2; push %0\n\t"
		     "lea 2f(%%rip), %%rax; push %%rax; iretq\n"
		     "2:" :: "i"(SEL_CODE64), "r"((uint64_t)SEL_DATA)
		     : "rax", "rcx", "memory");
	asm volatile("ltr %w0" :: "r"(SEL_FREE_TSS));
	guest_sync(1);
}

TEST(descriptors)
{
	RUN_ROM(g_descriptors, 0, 1);
}

/*
 * Meanwhile the host takes pages away that the guest uses, and gives others: the
 * guest must find its own memory there, and get on.
 */
#define CHURNED		(GPA_EXTRA + 16 * MIB)

static volatile bool churn_over;

static void *churn(void *page)
{
	while (!churn_over) {
		madvise(page, PAGE, MADV_DONTNEED);
		usleep(300);
	}
	return NULL;
}

static void g_disturbed(void)
{
	volatile uint32_t *churned = (volatile uint32_t *)CHURNED;

	load_gdt(ROM_GDT);
	for (uint32_t i = 1; i <= 300; i++) {
		*churned = i;
		asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs"
			     :: "r"(SEL_DATA));
		CHECK(*churned == i || !*churned);
	}
	guest_sync(8);
}

TEST(disturbed)
{
	struct vcpu *v = new_guest(vm_new(0), 0);
	void *page = alloc_pages(PAGE);
	pthread_t thread;
	int64_t got;

	vm_slot(v->vm, 6, 0, CHURNED, PAGE, page);
	vcpu_long(v, g_disturbed);
	NEED_DROPPING();
	ASSERT_EQ(0, pthread_create(&thread, NULL, churn, page));
	got = report(_metadata, v);
	churn_over = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(8, got);
	EXPECT_TRUE(rom_is_the_same());
}

/* An exception's delivery loads CS from a descriptor in ROM. */
static void g_event(void)
{
	load_gdt(ROM_GDT);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(TRY("ud2",), UD);
	guest_sync(2);
}

TEST(event)
{
	RUN_ROM(g_event, 0, 2);
}

/* A stack in ROM: what is pushed is lost, and RSP moves. */
static void g_stack(void)
{
	uint64_t sp, popped;

	asm volatile("mov %%rsp, %%rbx; mov %2, %%rsp\n\t"
		     "push %%rbx; push $7; pushf\n\t"
		     "call 1f\n"
		     "1: mov %%rsp, %0\n\t"
		     "pop %1\n\t"
		     "mov %%rbx, %%rsp"
		     : "=&r"(sp), "=&r"(popped) : "i"(ROM_STACK)
		     : "rbx", "memory");
	CHECK_EQ(sp, ROM_STACK - 32);
	CHECK_EQ(popped, 0x5a5a5a5a5a5a5a5aUL);
	guest_sync(3);
}

/* KVM executes PUSH and CALL itself, and user space sees what they write. */
TEST(stack)
{
	struct vcpu *v = new_guest(vm_new(0), 0);

	NEED_MTF();
	vcpu_long(v, g_stack);
	ASSERT_EQ(3, report(_metadata, v));
	EXPECT_TRUE(rom_is_the_same());
}

/* Instructions that lvx executes nowhere else: FXSAVE, x87, SGDT. */
static void g_others(void)
{
	asm volatile("fninit; fxsave64 (%0); fstcw (%0); sgdt (%0)"
		     :: "r"(ROM + PAGE) : "memory");
	guest_sync(4);
}

TEST(others)
{
	RUN_ROM(g_others, 0, 4);
}

static volatile uint64_t data[1024];

static void g_tables(void)
{
	uint64_t sum = 0;

	asm volatile("mov %0, %%cr3" :: "r"(ROM_TABLES) : "memory");
	for (unsigned int i = 0; i < ARRAY_SIZE(data); i += 64) {
		data[i] = i;
		sum += data[i];
		/* Nothing but registers. */
		asm volatile("mov $20, %%ecx; 1: dec %%ecx; jnz 1b"
			     ::: "rcx", "cc");
	}
	CHECK_EQ(sum, 64 * 15 * 16 / 2);
	CHECK_EQ(TRY("ud2",), UD);
	asm volatile("mov %0, %%cr3" :: "r"(PML4_GPA) : "memory");
	guest_sync(5);
}

/* With accessed and dirty bits set already nothing is to be written. */
TEST(page_tables)
{
	struct vcpu *v = new_guest(vm_new(0), ACCESSED | DIRTY);

	if (!on_lvx())
		SKIP(return, "KVM executes each instruction itself, but not all");
	vcpu_long(v, g_tables);
	ASSERT_EQ(5, report(_metadata, v));
	EXPECT_EQ(0, memcmp(rom, copy, ROM_SIZE));
}

TEST(page_tables_not_accessed)
{
	RUN_ROM(g_tables, 0, 5);
}

/* Tables in ROM say not writable: the fault is the guest's. */
static void g_fault(void)
{
	asm volatile("mov %0, %%cr3" :: "r"(ROM_TABLES) : "memory");
	CHECK_EQ(TRY("movl $1, (%0)", :: "r"(0xc0000000UL) : "memory"), PF);
	guest_sync(6);
}

TEST(fault_through_rom)
{
	struct vcpu *v = new_guest(vm_new(0), 0);

	NEED_DROPPING();
	((uint64_t *)(rom + 4 * PAGE))[512 + 3] = 0;	/* no 4th GiB */
	memcpy(copy, rom, ROM_SIZE);
	vcpu_long(v, g_fault);
	ASSERT_EQ(6, report(_metadata, v));
	EXPECT_TRUE(rom_is_the_same());
}

/* In a device page tables can't be: user space is told. */
static void g_device_tables(void)
{
	asm volatile("mov %0, %%cr3; 1: inc %%eax; jmp 1b"
		     :: "r"(GPA_MMIO) : "rax", "memory");
}

TEST(page_tables_in_device)
{
	struct vcpu *v = new_guest(vm_new(0), 0);
	long r;

	vcpu_long(v, g_device_tables);
	alarm_ms(SIGALRM, 5000);
	r = vcpu_run(v);
	if (!on_lvx() && r == -EINTR)
		SKIP(return, "KVM goes round for ever");
	ASSERT_EQ(0, r);
	EXPECT_TRUE(v->run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
		    v->run->exit_reason == KVM_EXIT_SHUTDOWN);
}

/* What the guest writes by an ordinary store is user space's, as ever. */
static void g_store(void)
{
	asm volatile("mov %0, %%cr3" :: "r"(ROM_TABLES) : "memory");
	*(volatile uint32_t *)(ROM + 8) = 0x1234;
	guest_sync(7);
}

TEST(store)
{
	struct vcpu *v = new_guest(vm_new(0), 0);

	NEED_MTF();
	vcpu_long(v, g_store);
	ASSERT_EXIT(KVM_EXIT_MMIO, v);
	EXPECT_EQ(1, v->run->mmio.is_write);
	EXPECT_EQ(ROM + 8, v->run->mmio.phys_addr);
	EXPECT_EQ(7, report(_metadata, v));
	EXPECT_TRUE(rom_is_the_same());
}

LVX_TEST_MAIN
