// SPDX-License-Identifier: GPL-2.0
/*
 * Every instruction that lvx executes for a guest (the unit tests' insns.S), run
 * twice at one and the same address: on memory, by the CPU, and on a device.
 * Registers of all kinds and what was stored must come out the same. Flags are
 * left to the unit tests, which know the defined ones.
 */
#include <stddef.h>

#include "mmio.h"

#define WINDOW		0x40000000UL
#define TABLE_GPA	GPA_FREE
#define MEMORY_GPA	(GPA_FREE + PAGE)
#define XCR0_KNOWN	0xe7UL		/* x87, SSE, AVX, AVX-512 */

/* From insns.S: a byte with the length before each, and 0 at the end. */
extern const uint8_t insns_64[];

/* In the order of insn_run. */
struct state {
	uint64_t rax, rcx, rdx, rbx, rsi, rdi, r9, r15;
	uint64_t pad[8];
	uint8_t fpu[4096];
} __attribute__((aligned(64)));

/* Here the guest finds the instruction and leaves what became of it. */
struct state before, after;
uint8_t insn_code[32];
uint64_t insn_rsp, has_xsave;
static struct state on_memory, on_device;
static volatile uint32_t raised;
void insn_run(void);

asm(".pushsection .text\n"
    "insn_run:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "mov %rsp, insn_rsp\n"
    "movq $3f, guest_resume\n"
    "mov $-1, %eax; mov $-1, %edx\n"
    "cmpq $0, has_xsave; je 1f\n"
    "xrstor64 before + 128; jmp 2f\n"
    "1: fxrstor64 before + 128\n"
    "2: mov before, %rax; mov before + 8, %rcx; mov before + 16, %rdx\n"
    "mov before + 24, %rbx; mov before + 32, %rsi; mov before + 40, %rdi\n"
    "mov before + 48, %r9; mov before + 56, %r15\n"
    "call insn_code\n"
    "3: cld\n"
    "mov %rax, after; mov %rcx, after + 8; mov %rdx, after + 16\n"
    "mov %rbx, after + 24; mov %rsi, after + 32; mov %rdi, after + 40\n"
    "mov %r9, after + 48; mov %r15, after + 56\n"
    "movq $0, guest_resume\n"
    "mov insn_rsp, %rsp\n"
    "mov $-1, %eax; mov $-1, %edx\n"
    "cmpq $0, has_xsave; je 4f\n"
    "xsave64 after + 128; jmp 5f\n"
    "4: fxsave64 after + 128\n"
    "5: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n"
    ".popsection\n");

static void run_at(uint64_t gpa, struct state *result)
{
	*(volatile uint64_t *)TABLE_GPA = gpa | 3;
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
	guest_vector = -1U;
	asm volatile("call insn_run" ::: "rax", "rcx", "rdx", "rsi", "rdi",
		     "r8", "r9", "r10", "r11", "memory", "cc");
	for (size_t i = 0; i < sizeof(after) / 8; i++)
		((volatile uint64_t *)result)[i] = ((volatile uint64_t *)&after)[i];
}

static void g_run_all(void)
{
	uint32_t r[4];

	guest_cpuid(1, 0, r);
	if (r[2] & 1 << 26) {
		asm volatile("mov %%cr4, %%rax; bts $18, %%rax; mov %%rax, %%cr4"
			     ::: "rax", "cc", "memory");
		guest_cpuid(0xd, 0, r);
		asm volatile("xsetbv" :: "a"(r[0] & XCR0_KNOWN), "d"(0), "c"(0)
			     : "memory");
		has_xsave = r[0] & XCR0_KNOWN;
	}
	for (;;) {
		guest_sync(1);
		run_at(MEMORY_GPA, &on_memory);
		raised = guest_vector;
		/* Not an instruction that this CPU has. */
		if (raised == -1U)
			run_at(GPA_MMIO, &on_device);
	}
}

static void map_window(struct vm *vm)
{
	uint64_t *pd = (void *)(vm->ram + PML4_GPA + 3 * PAGE);

	memset(vm->ram + TABLE_GPA, 0, PAGE);
	pd[0] = TABLE_GPA | 3;
}

/* Numbers without a pattern, and none of them zero. */
static void fill(void *p, size_t size, uint32_t seed)
{
	uint8_t *bytes = p;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = seed >> 16 | 1;
	}
}

static void prepare(struct vm *vm, const uint8_t *insn)
{
	static const uint32_t mxcsr = 0x1f80;

	memset(insn_code, 0xc3, sizeof(insn_code));
	memcpy(insn_code, insn + 1, insn[0]);
	fill(dev, PAGE, 1);
	memcpy(vm->ram + MEMORY_GPA, dev, PAGE);
	fill(&before, sizeof(before), 2);
	memset(before.fpu, 0, 32);
	memcpy(before.fpu, "\x7f\x03", 2);
	memcpy(before.fpu + 24, &mxcsr, 4);
	memset(before.fpu + 512, 0, 64);
	memcpy(before.fpu + 512, &has_xsave, 8);
	/* A small dividend, a short count, and M where all is aligned. */
	before.rax = 0x21;
	before.rcx = 3;
	before.rdx = 0;
	before.rbx = WINDOW;
	before.rsi = 0x20;
	before.rdi = WINDOW;
	memset(&on_memory, 0, sizeof(on_memory));
	memset(&on_device, 0, sizeof(on_device));
}

/* What the two runs must have in common. */
static const char *difference(struct vm *vm)
{
	if (memcmp(&on_memory, &on_device, offsetof(struct state, pad)))
		return "registers";
	/* Not where the last x87 instruction was, nor XSAVE's header. */
	if (memcmp(on_memory.fpu + 32, on_device.fpu + 32, 416 - 32))
		return "MMX or SSE registers";
	if (memcmp(on_memory.fpu + 576, on_device.fpu + 576,
		   sizeof(on_memory.fpu) - 576))
		return "AVX registers";
	if (memcmp(dev, vm->ram + MEMORY_GPA, PAGE))
		return "memory";
	return NULL;
}

static const char *hex(const uint8_t *insn)
{
	static char text[64];

	for (unsigned int i = 0; i < insn[0]; i++)
		sprintf(text + 3 * i, "%02x ", insn[i + 1]);
	return text;
}

TEST(every_instruction)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	unsigned int nr = 0, missing = 0;
	const char *what;

	if (!on_lvx())
		SKIP(return, "KVM executes a part of them");
	map_window(vm);
	vcpu_long(v, g_run_all);
	ASSERT_EQ(1, vcpu_sync(v));
	for (const uint8_t *p = insns_64; *p; p += *p + 1, nr++) {
		prepare(vm, p);
		raised = -2U;
		do {
			vcpu_exit(v);
		} while (serve_one(v));
		ASSERT_EQ(KVM_EXIT_IO, v->run->exit_reason) {
			TH_LOG("%s", hex(p));
			vcpu_dump(v);
		}
		ASSERT_EQ(PORT_SYNC, v->run->io.port) TH_LOG("%s", hex(p));
		if (raised != -1U) {
			EXPECT_EQ(6, raised) TH_LOG("%s", hex(p));
			missing++;
			continue;
		}
		EXPECT_EQ(-1U, guest_vector) TH_LOG("%s", hex(p));
		what = difference(vm);
		EXPECT_EQ(NULL, what) TH_LOG("%s: %s differ", hex(p), what);
	}
	TH_LOG("%u instructions, of which this CPU lacks %u", nr, missing);
	EXPECT_LT(500, nr - missing);
}

LVX_TEST_MAIN
