// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that meet a device and a fault: what faults is found before the
 * device is touched, and a string instruction that faults in the middle goes on
 * from there.
 *
 * The guest has 4 KiB pages at WINDOW: a device's, none, memory, none, memory
 * that can't be written, and the device's second page.
 */
#include "mmio.h"

#define WINDOW		0x40000000UL
#define TABLE_GPA	GPA_FREE
#define RAM_GPA(i)	(GPA_FREE + (i) * PAGE)
#define AT(page, x)	(WINDOW + (page) * PAGE + (x))

enum { DEVICE, NONE, MEMORY, NONE2, READ_ONLY, DEVICE2 };

#define WRITE	2U
#define PRESENT	1U

static volatile uint64_t *table(void)
{
	return (volatile uint64_t *)TABLE_GPA;
}

static uint64_t cr2(void)
{
	uint64_t v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

/* A #PF that maps what was missing; the instruction goes on. */
static volatile unsigned int nr_faults;
static volatile uint64_t fault_rcx, fault_rsi, fault_rdi;

static void map_missing(struct guest_frame *f)
{
	unsigned int page = (cr2() - WINDOW) / PAGE;

	nr_faults++;
	fault_rcx = f->rcx;
	fault_rsi = f->rsi;
	fault_rdi = f->rdi;
	table()[page] = page == NONE ? (REG(PAGE) | 3) : (RAM_GPA(page) | 3);
}

static void g_read_crosses(void)
{
	uint32_t v = 0x5555;
	int vector;

	vector = TRY("movl (%1), %0", : "+r"(v) : "r"(AT(DEVICE, PAGE - 2)) : "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(0, guest_error);
	CHECK_EQ(AT(NONE, 0), cr2());
	CHECK_EQ(0x5555, v);
}

static void g_write_crosses(void)
{
	int vector;

	vector = TRY("movl %1, (%0)", :: "r"(AT(DEVICE, PAGE - 2)), "r"(7) : "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(WRITE, guest_error);
	CHECK_EQ(AT(NONE, 0), cr2());
}

static void g_modify_crosses(void)
{
	int vector;

	vector = TRY("addl $1, (%0)", :: "r"(AT(DEVICE, PAGE - 2)) : "memory", "cc");
	CHECK_EQ(14, vector);
	CHECK_EQ(WRITE, guest_error);
	CHECK_EQ(AT(NONE, 0), cr2());
}

/* From the other side: the first page is missing. */
static void g_crosses_into_device(void)
{
	int vector;

	vector = TRY("movl %1, (%0)", :: "r"(AT(DEVICE2, -2)), "r"(7) : "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(WRITE | PRESENT, guest_error);
	CHECK_EQ(AT(DEVICE2, -2), cr2());
}

static void g_movs_to_nowhere(void)
{
	uint64_t si = AT(DEVICE, 0), di = AT(NONE2, 8);
	int vector;

	vector = TRY("movsl", : "+S"(si), "+D"(di) :: "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(WRITE, guest_error);
	CHECK_EQ(AT(NONE2, 8), cr2());
	CHECK_EQ(AT(DEVICE, 0), si);
	CHECK_EQ(AT(NONE2, 8), di);
}

static void g_movs_to_read_only(void)
{
	uint64_t si = AT(DEVICE, 0), di = AT(READ_ONLY, 8);
	int vector;

	vector = TRY("movsl", : "+S"(si), "+D"(di) :: "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(WRITE | PRESENT, guest_error);
	CHECK_EQ(AT(READ_ONLY, 8), cr2());
}

static void g_rep_movs_resumes(void)
{
	uint64_t si = AT(MEMORY, PAGE - 4), di = AT(DEVICE, 0), n = 8;

	for (int i = 0; i < 4; i++)
		((volatile uint8_t *)AT(MEMORY, PAGE - 4))[i] = i + 1;
	((volatile uint8_t *)RAM_GPA(NONE2))[0] = 5;
	nr_faults = 0;
	asm volatile("rep movsb" : "+S"(si), "+D"(di), "+c"(n) :: "memory");
	CHECK_EQ(1, nr_faults);
	CHECK_EQ(4, fault_rcx);
	CHECK_EQ(AT(NONE2, 0), fault_rsi);
	CHECK_EQ(AT(DEVICE, 4), fault_rdi);
	CHECK_EQ(0, n);
	CHECK_EQ(AT(NONE2, 4), si);
	CHECK_EQ(AT(DEVICE, 8), di);
}

static void g_rep_stos_resumes(void)
{
	uint64_t di = AT(DEVICE, PAGE - 8), n = 4;

	nr_faults = 0;
	asm volatile("rep stosl" : "+D"(di), "+c"(n) : "a"(0x01020304) : "memory");
	CHECK_EQ(1, nr_faults);
	CHECK_EQ(2, fault_rcx);
	CHECK_EQ(AT(NONE, 0), fault_rdi);
	CHECK_EQ(0, n);
	CHECK_EQ(AT(NONE, 8), di);
}

/* Backwards, with 32-bit registers, ending at a difference. */
static void g_repe_cmps(void)
{
	uint64_t si = AT(DEVICE, 12), di = AT(MEMORY, 12), n = 4;

	for (int i = 0; i < 4; i++)
		((volatile uint32_t *)AT(MEMORY, 0))[i] = i == 1 ? 9 : 0;
	asm volatile("std; addr32 repe cmpsl; cld"
		     : "+S"(si), "+D"(di), "+c"(n) :: "memory", "cc");
	CHECK_EQ(1, n);
	CHECK_EQ(AT(DEVICE, 0), si);
	CHECK_EQ(AT(MEMORY, 0), di);
}

/* With TF set, each iteration traps, at the instruction but for the last. */
static volatile unsigned int nr_steps, nr_steps_inside;
extern const char stepped[];

static void count_step(struct guest_frame *f)
{
	nr_steps++;
	nr_steps_inside += f->rip == (uintptr_t)stepped;
}

static void g_rep_stos_steps(void)
{
	uint64_t di = AT(DEVICE, 0), n = 3;

	/*
	 * Bochs 2.7 leaves the step pending when an instruction makes the guest
	 * exit: the page tables had better be known.
	 */
	mmio_write(AT(DEVICE, 8), 0);
	guest_handlers[1] = count_step;
	nr_steps = 0;
	nr_steps_inside = 0;
	asm volatile("pushf; orl $0x100, (%%rsp); popf\n\t"
		     "stepped: rep stosb\n\t"
		     "pushf; andl $~0x100, (%%rsp); popf"
		     : "+D"(di), "+c"(n) : "a"(0) : "memory", "cc");
	/* The three behind it, of which the last clears TF, trap as well. */
	CHECK_EQ(2, nr_steps_inside);
	CHECK_EQ(3 + 3, nr_steps);
	CHECK_EQ(0, n);
}

static void g_divide_by_device(void)
{
	uint64_t a = 7, d = 0;
	int vector;

	vector = TRY("divl (%2)", : "+a"(a), "+d"(d) : "r"(AT(DEVICE, 0)) : "cc");
	CHECK_EQ(0, vector);
	CHECK_EQ(7, a);
	CHECK_EQ(0, d);
}

static const struct test_case {
	const char *name;
	void (*guest)(void);
	const char *log;
	bool like_kvm;		/* not: KVM reads first, as no write, steps late */
} cases[] = {
	{ "read crosses", g_read_crosses, "", true },
	{ "write crosses", g_write_crosses, "", true },
	{ "modify crosses", g_modify_crosses, "", false },
	{ "crosses into device", g_crosses_into_device, "", true },
	{ "movs to nowhere", g_movs_to_nowhere, "", false },
	{ "movs to read-only", g_movs_to_read_only, "", false },
	{ "rep movs resumes", g_rep_movs_resumes,
	  "w1@0 w1@1 w1@2 w1@3 w1@4 w1@5 w1@6 w1@7 ", true },
	{ "rep stos resumes", g_rep_stos_resumes,
	  "w4@ff8 w4@ffc w4@1000 w4@1004 ", true },
	{ "repe cmps", g_repe_cmps, "r4@c r4@8 r4@4 ", true },
	{ "rep stos steps", g_rep_stos_steps,
	  "w4@8 w1@0 w1@1 w1@2 ", false },
	{ "divide by a device", g_divide_by_device, "r4@0 ", true },
};

static void map_window(struct vm *vm)
{
	uint64_t *pt = (void *)(vm->ram + TABLE_GPA);
	uint64_t *pd = (void *)(vm->ram + PML4_GPA + 3 * PAGE);

	memset(pt, 0, PAGE);
	pt[DEVICE] = REG(0) | 3;
	pt[MEMORY] = RAM_GPA(MEMORY) | 3;
	pt[READ_ONLY] = RAM_GPA(READ_ONLY) | 1;
	pt[DEVICE2] = REG(PAGE) | 3;
	pd[0] = TABLE_GPA | 3;
}

static void run_case(struct __test_metadata *_metadata, unsigned int i)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);

	memset(dev, 0, sizeof(dev));
	map_window(vm);
	guest_handlers[14] = strstr(cases[i].name, "resumes") ? map_missing : NULL;
	vcpu_long(v, cases[i].guest);
	EXPECT_STREQ(cases[i].log, serve(v)) TH_LOG("%s", cases[i].name);
	vm_free(vm);
}

TEST(faults)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		TH_LOG("%s", cases[i].name);
		if (on_lvx() || cases[i].like_kvm)
			run_case(_metadata, i);
	}
}

/* x87 instructions are none that lvx or KVM executes for a guest. */
GUEST_ASM(load_float, 64, "mov $0xd0000010, %ebx; flds (%rbx); hlt");

TEST(unknown_instruction)
{
	static const uint8_t bytes[] = { 0xd9, 0x03, 0xf4 };
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_run *run = v->run;

	load_asm(v->vm, GPA_BLOB, load_float);
	vcpu_long_at(v, GPA_BLOB);
	ASSERT_EXIT(KVM_EXIT_INTERNAL_ERROR, v);
	ASSERT_EQ(KVM_INTERNAL_ERROR_EMULATION, run->emulation_failure.suberror);
	ASSERT_EQ(8, run->emulation_failure.ndata);
	ASSERT_EQ(KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
		  run->emulation_failure.flags);
	ASSERT_EQ(15, run->emulation_failure.insn_size);
	ASSERT_EQ(0, memcmp(bytes, run->emulation_failure.insn_bytes,
			    sizeof(bytes)));
	ASSERT_EQ(GPA_BLOB + 5, get_regs(v).rip);
}

/* PUSH and POP of registers, though they could have memory operands instead. */
GUEST_ASM(push_register, 64, "mov $0xd0000010, %esp; .byte 0xff, 0xf0; hlt");
GUEST_ASM(pop_register, 64, "mov $0xd0000010, %esp; .byte 0x8f, 0xc0; hlt");

TEST(stack_in_a_device)
{
	struct vm *vm = vm_new(0);

	if (!on_lvx())
		SKIP(return, "KVM executes them");
	for (int pop = 0; pop < 2; pop++) {
		struct vcpu *v = vcpu_new(vm, pop);

		if (pop)
			load_asm(vm, GPA_BLOB, pop_register);
		else
			load_asm(vm, GPA_BLOB, push_register);
		vcpu_long_at(v, GPA_BLOB);
		ASSERT_EXIT(KVM_EXIT_INTERNAL_ERROR, v);
		ASSERT_EQ(KVM_INTERNAL_ERROR_EMULATION,
			  v->run->emulation_failure.suberror);
		ASSERT_EQ(GPA_BLOB + 5, get_regs(v).rip);
	}
}

/* Strings between a port and a device, each element on its own. */
static void g_outs_from_device(void)
{
	uint64_t si = AT(DEVICE, 0), n = 3;

	asm volatile("rep outsw" : "+S"(si), "+c"(n) : "d"(0x1234) : "memory");
	CHECK_EQ(0, n);
	CHECK_EQ(AT(DEVICE, 6), si);
}

static void g_ins_to_device(void)
{
	uint64_t di = AT(DEVICE, 0), n = 3;

	asm volatile("rep insw" : "+D"(di), "+c"(n) : "d"(0x1234) : "memory");
	CHECK_EQ(0, n);
	CHECK_EQ(AT(DEVICE, 6), di);
}

static void g_ins_to_read_only(void)
{
	uint64_t di = AT(READ_ONLY, 0), n = 3;
	int vector;

	vector = TRY("rep insw", : "+D"(di), "+c"(n) : "d"(0x1234) : "memory");
	CHECK_EQ(14, vector);
	CHECK_EQ(3, n);
	CHECK_EQ(WRITE | PRESENT, guest_error);
}

/* Serves the device and the port until the guest is done. */
static uint32_t serve_ports(struct vcpu *v, uint16_t *data)
{
	struct kvm_run *run = v->run;
	uint32_t nr = 0;
	void *io;

	for (;;) {
		vcpu_exit(v);
		if (serve_one(v))
			continue;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x1234)
			break;
		io = (char *)run + run->io.data_offset;
		if (nr + run->io.count > 3)
			die("%u and %u elements", nr, run->io.count);
		if (run->io.direction == KVM_EXIT_IO_IN)
			memcpy(io, data + nr, 2 * run->io.count);
		else
			memcpy(data + nr, io, 2 * run->io.count);
		nr += run->io.count;
	}
	if (run->io.port != PORT_SYNC)
		die("guest line %u: %lx %lx", guest_report.line,
		    (long)guest_report.a, (long)guest_report.b);
	return nr;
}

TEST(port_strings)
{
	static const uint16_t want[3] = { 0x1122, 0x3344, 0x5566 };
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint16_t got[3] = {};

	guest_handlers[14] = NULL;
	map_window(v->vm);
	memcpy(dev, want, sizeof(want));
	vcpu_long(v, g_outs_from_device);
	ASSERT_EQ(3, serve_ports(v, got));
	ASSERT_EQ(0, memcmp(want, got, sizeof(want)));

	memset(dev, 0, sizeof(dev));
	vcpu_long(v, g_ins_to_device);
	ASSERT_EQ(3, serve_ports(v, got));
	ASSERT_EQ(0, memcmp(want, dev, sizeof(want)));

	/* KVM asks the port before it looks where the data goes. */
	if (!on_lvx())
		return;
	vcpu_long(v, g_ins_to_read_only);
	ASSERT_EQ(0, serve_ports(v, got));
}

LVX_TEST_MAIN
