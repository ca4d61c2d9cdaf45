// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that are not what they were: the CPU exits for one that accesses a
 * device, and when its bytes are read again there is another. What the CPU would
 * have checked of that one must not be skipped, port permissions above all.
 *
 * The guest has a page of code at CODE, and puts another in its place without
 * telling its TLB. The CPU goes on executing the first, and whoever walks the
 * page tables finds the second. Or the CPU exits meanwhile and executes the
 * second, too; either is right. A third way isn't.
 */
#include <pthread.h>

#include "mmio.h"

#define CODE		0x40000000UL
#define TABLE_GPA	GPA_FREE
#define PAGE_GPA(i)	(GPA_FREE + (1 + (i)) * PAGE)
#define MEMORY_GPA	PAGE_GPA(2)
#define PORT		0x1234

#define CR0_MP		(1UL << 1)
#define CR0_EM		(1UL << 2)
#define CR0_TS		(1UL << 3)
#define CR0_AM		(1UL << 18)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_OSXSAVE	(1UL << 18)
#define RFLAGS_AC	(1UL << 18)

enum { UD = 6, NM = 7, GP = 13, AC = 17, NONE = -1 };

/* Data in the device reads as DEVICE, in memory as MEMORY. */
#define DEVICE		0x11
#define MEMORY		0x22

struct swap {
	const char *what;
	uint8_t before[8], after[8];	/* the rest is NOPs */
	bool user;			/* at CPL 3 */
	bool odd;			/* the operand is misaligned */
	uint64_t cr0, cr4_off, rflags;	/* set, cleared, set */
	uint32_t xcr0;			/* set, if not 0 */
	int vector;			/* that @after gets */
	bool read;			/* or what it reads */
	const char *kvm;		/* is different, because ... */
};

static const char no_avx[] = "KVM doesn't execute AVX instructions";

#define NOP4	0x90, 0x90, 0x90, 0x90
#define LOAD	{ 0x8a, 0x06, 0x90, 0x90, NOP4 }	/* mov (%rsi), %al */
#define STORE	{ 0x88, 0x07, 0x90, 0x90, NOP4 }	/* mov %al, (%rdi) */

static const struct swap swaps[] = {
	{ "outsb", LOAD, { 0x6e, 0x90, 0x90, 0x90, NOP4 }, .user = true,
	  .vector = GP },
	{ "insb", STORE, { 0x6c, 0x90, 0x90, 0x90, NOP4 }, .user = true,
	  .vector = GP },
	{ "rep outsl", LOAD, { 0xf3, 0x6f, 0x90, 0x90, NOP4 }, .user = true,
	  .vector = GP },
	{ "movups with TS", LOAD, { 0x0f, 0x10, 0x06, 0x90, NOP4 },
	  .cr0 = CR0_TS, .vector = NM },
	{ "movups with EM", LOAD, { 0x0f, 0x10, 0x06, 0x90, NOP4 },
	  .cr0 = CR0_EM, .vector = UD },
	{ "movups without OSFXSR", LOAD, { 0x0f, 0x10, 0x06, 0x90, NOP4 },
	  .cr4_off = CR4_OSFXSR, .vector = UD },
	{ "movq to MMX with TS", LOAD, { 0x0f, 0x6f, 0x06, 0x90, NOP4 },
	  .cr0 = CR0_TS, .vector = NM },
	{ "movq from MMX with EM", STORE, { 0x0f, 0x7f, 0x07, 0x90, NOP4 },
	  .cr0 = CR0_EM, .vector = UD },
	{ "vmovups without OSXSAVE", LOAD, { 0xc5, 0xfc, 0x10, 0x06, NOP4 },
	  .cr4_off = CR4_OSXSAVE, .vector = UD, .kvm = no_avx },
	{ "vmovups without AVX", LOAD, { 0xc5, 0xfc, 0x10, 0x06, NOP4 },
	  .xcr0 = 3, .vector = UD, .kvm = no_avx },
	{ "vmovups with TS", LOAD, { 0xc5, 0xfc, 0x10, 0x06, NOP4 },
	  .cr0 = CR0_TS, .xcr0 = 7, .vector = NM, .kvm = no_avx },
	{ "vmovups to zmm without AVX-512", LOAD,
	  { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x06, 0x90, 0x90 },
	  .xcr0 = 7, .vector = UD, .kvm = no_avx },
	{ "a longer load", LOAD, { 0x48, 0x8b, 0x06, 0x90, NOP4 }, .user = true,
	  .odd = true, .cr0 = CR0_AM, .rflags = RFLAGS_AC, .vector = AC,
	  .kvm = "KVM checks no alignment" },
	{ "lock mov", LOAD, { 0xf0, 0x8a, 0x06, 0x90, NOP4 }, .vector = UD },
	{ "a load from memory", LOAD, { 0x8a, 0x03, 0x90, 0x90, NOP4 },
	  .vector = NONE, .read = true },
	{ "movups from memory", LOAD, { 0x0f, 0x10, 0x03, 0x90, NOP4 },
	  .vector = NONE },
	{ "nothing", LOAD, { 0x90, 0x90, 0x90, 0x90, NOP4 }, .vector = NONE },
	{ "int3", LOAD, { 0xcc, 0x90, 0x90, 0x90, NOP4 }, .vector = 3,
	  .kvm = "KVM doesn't execute INT3" },
	{ "a store", LOAD, { 0x88, 0x06, 0x90, 0x90, NOP4 }, .vector = NONE },
};

static const struct swap *volatile swap_now;
static volatile int got_vector;
static volatile uint64_t got_rax;

static volatile uint64_t *pte(void)
{
	return (volatile uint64_t *)TABLE_GPA;
}

uint64_t swap_frame[5];			/* RIP, CS, RFLAGS, RSP, SS */

/* Whatever happens behind CODE comes back here, be it from ring 3. */
static void back(struct guest_frame *f)
{
	extern const char swap_back[];

	got_vector = f->vector;
	got_rax = f->rax;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rsp = swap_frame[3];
	f->rip = (uintptr_t)swap_back;
	f->rflags = 2;
}

/*
 * INT 0x81 is executed from the first page, and puts the second in its place; not
 * the first one, by which all that it takes is mapped.
 */
static void swap_pages(struct guest_frame *f)
{
	if (f->rip == CODE + 64)
		*pte() = PAGE_GPA(1) | 7;
}

/* The instruction is at CODE + 64, where the last INT before it returns to. */
static void fill_page(uint8_t *page, const uint8_t *insn)
{
	memset(page, 0x90, PAGE);
	memcpy(page + 60, (uint8_t[]){ 0xcd, 0x81, 0xcd, 0x81 }, 4);
	memcpy(page + 64, insn, 8);
	memcpy(page + 72, (uint8_t[]){ 0xcd, 0x80 }, 2);
}

/* RSI and RDI: device, RBX: memory. */
static __attribute__((noinline))
void run_swapped(uint64_t dev_at, uint64_t rflags, bool user)
{
	swap_frame[0] = CODE + 60;
	swap_frame[1] = user ? SEL_UCODE64 : SEL_CODE64;
	swap_frame[2] = rflags | 2;
	swap_frame[4] = user ? SEL_UDATA : SEL_DATA;
	*pte() = PAGE_GPA(0) | 7;
	asm volatile("push %%rbp; push %%rbx\n\t"
		     "invlpg %c[code]\n\t"
		     "mov %%rsp, swap_frame + 24\n\t"
		     "push swap_frame + 32; push swap_frame + 24\n\t"
		     "push swap_frame + 16; push swap_frame + 8\n\t"
		     "push swap_frame\n\t"
		     "mov %[memory], %%ebx\n\t"
		     "mov $0x55, %%eax\n\t"
		     "iretq\n"
		     "swap_back:\n\t"
		     "pop %%rbx; pop %%rbp"
		     :: [code] "i"(CODE), [memory] "i"(MEMORY_GPA),
			"S"(dev_at), "D"(dev_at), "d"(PORT), "c"(2UL)
		     : "rax", "memory", "cc");
}

static uint64_t change_cr4(uint64_t on, uint64_t off)
{
	uint64_t old;

	asm volatile("mov %%cr4, %0" : "=r"(old));
	asm volatile("mov %0, %%cr4" :: "r"((old | on) & ~off) : "memory");
	return old;
}

static void g_swap(void)
{
	const struct swap *s = swap_now;
	uint64_t cr0, cr4;

	if (s->xcr0) {
		change_cr4(CR4_OSXSAVE, 0);
		asm volatile("xsetbv" :: "a"(s->xcr0), "d"(0), "c"(0));
	}
	cr4 = change_cr4(0, s->cr4_off);
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" :: "r"(cr0 | s->cr0) : "memory");
	run_swapped(GPA_MMIO + s->odd, s->rflags, s->user);
	asm volatile("mov %0, %%cr0" :: "r"(cr0) : "memory");
	asm volatile("mov %0, %%cr4" :: "r"(cr4) : "memory");
	guest_sync(1);
}

static struct vcpu *new_guest(struct vm *vm, unsigned int id, void (*fn)(void))
{
	uint64_t *pd = (void *)(vm->ram + PML4_GPA + 3 * PAGE);
	struct vcpu *v = vcpu_new(vm, id);

	memset(vm->ram + TABLE_GPA, 0, PAGE);
	memset(vm->ram + MEMORY_GPA, MEMORY, PAGE);
	memset(dev, DEVICE, sizeof(dev));
	pd[0] = TABLE_GPA | 7;
	for (int i = 0; i < 32; i++)
		guest_handlers[i] = back;
	guest_handlers[0x80] = back;
	guest_handlers[0x81] = swap_pages;
	vcpu_long(v, fn);
	return v;
}

/* Runs to the guest's report. False: there was another exit. */
static bool run_to_sync(struct vcpu *v)
{
	while (vcpu_exit(v) == KVM_EXIT_MMIO)
		serve_one(v);
	return v->run->exit_reason == KVM_EXIT_IO && v->run->io.port == PORT_SYNC;
}

static bool right(const struct swap *s)
{
	/* The CPU had the first one. */
	if (got_vector == 0x80 && s->before[0] == 0x8a &&
	    (uint8_t)got_rax == DEVICE)
		return true;
	if (got_vector == 0x80 && s->before[0] == 0x88 && dev[0] == 0x55)
		return true;
	if (s->vector != NONE)
		return got_vector == s->vector;
	return got_vector == 0x80 && (!s->read || (uint8_t)got_rax == MEMORY);
}

TEST(swapped)
{
	uint32_t xcr0 = cpuid_find(supported_cpuid(), 0xd, 0)->eax;
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(swaps); i++) {
		const struct swap *s = &swaps[i];
		struct vm *vm = vm_new(0);
		struct vcpu *v;

		if (s->kvm && !on_lvx())
			continue;
		if (s->xcr0 & ~xcr0)
			continue;
		v = new_guest(vm, 0, g_swap);
		swap_now = s;
		fill_page(vm->ram + PAGE_GPA(0), s->before);
		fill_page(vm->ram + PAGE_GPA(1), s->after);
		got_vector = NONE;
		if (!run_to_sync(v) || !right(s)) {
			bad++;
			TH_LOG("%s: exit %u, vector %d, rax %lx", s->what,
			       v->run->exit_reason, got_vector, (long)got_rax);
			if (v->run->exit_reason == KVM_EXIT_IO)
				TH_LOG("port %x", v->run->io.port);
		}
		vcpu_free(v);
		vm_free(vm);
	}
	EXPECT_EQ(0, bad);
}

/*
 * The same by another vCPU that writes the instruction again and again, while
 * the first one, in ring 3, executes it.
 */
#define ROUNDS	2000

static volatile bool race_over;

static void g_rewrite(void)
{
	volatile uint16_t *insn = (volatile uint16_t *)(PAGE_GPA(0) + 64UL);

	while (!race_over) {
		*insn = 0x906e;			/* outsb; nop */
		relax();
		*insn = 0x068a;			/* mov (%rsi), %al */
		relax();
	}
	guest_sync(2);
}

static void same_page(struct guest_frame *f)
{
	(void)f;
}

static void g_race(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		run_swapped(GPA_MMIO, 0, true);
		CHECK(got_vector == GP || got_vector == 0x80);
	}
	race_over = true;
	guest_sync(1);
}

static void *run_writer(void *arg)
{
	struct vcpu *v = arg;

	return (void *)(uintptr_t)run_to_sync(v);
}

TEST(raced)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = new_guest(vm, 0, g_race);
	struct vcpu *writer = new_guest(vm, 1, g_rewrite);
	pthread_t thread;
	void *ok;

	guest_handlers[0x81] = same_page;
	fill_page(vm->ram + PAGE_GPA(0), swaps[0].before);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_writer, writer));
	EXPECT_TRUE(run_to_sync(v)) vcpu_dump(v);
	race_over = true;
	pthread_join(thread, &ok);
	EXPECT_NE(NULL, ok);
}

LVX_TEST_MAIN
