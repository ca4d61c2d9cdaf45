// SPDX-License-Identifier: GPL-2.0
/*
 * Port I/O served by user space: every size and form, what a read does to the
 * rest of RAX, and string instructions, which must come out in batches.
 */
#include "harness.h"

#define PORT	0x1234

GUEST_ASM(out_imm8, 64, "outb %al, $0x77; hlt");
GUEST_ASM(out_dx8, 64, "outb %al, %dx; hlt");
GUEST_ASM(out_dx16, 64, "outw %ax, %dx; hlt");
GUEST_ASM(out_dx32, 64, "outl %eax, %dx; hlt");
GUEST_ASM(in_imm8, 64, "inb $0x77, %al; hlt");
GUEST_ASM(in_dx8, 64, "inb %dx, %al; hlt");
GUEST_ASM(in_dx16, 64, "inw %dx, %ax; hlt");
GUEST_ASM(in_dx32, 64, "inl %dx, %eax; hlt");

static const struct form {
	const char *name, *code, *end;
	uint16_t port;
	uint8_t size;
	bool in;
	uint64_t rax;		/* afterwards */
} forms[] = {
#define FORM(name, port, size, in, rax)	{ #name, name, name##_end, port, size, in, rax }
	FORM(out_imm8, 0x77, 1, false, 0x1122334455667788),
	FORM(out_dx8, PORT, 1, false, 0x1122334455667788),
	FORM(out_dx16, PORT, 2, false, 0x1122334455667788),
	FORM(out_dx32, PORT, 4, false, 0x1122334455667788),
	FORM(in_imm8, 0x77, 1, true, 0x11223344556677aa),
	FORM(in_dx8, PORT, 1, true, 0x11223344556677aa),
	FORM(in_dx16, PORT, 2, true, 0x112233445566bbaa),
	FORM(in_dx32, PORT, 4, true, 0xddccbbaa),
};

static void *io_data(struct vcpu *v)
{
	return (char *)v->run + v->run->io.data_offset;
}

static void start_blob(struct vcpu *v, const struct kvm_regs *want)
{
	struct kvm_regs regs;

	vcpu_long_at(v, GPA_BLOB);
	regs = get_regs(v);
	regs.rax = want->rax;
	regs.rcx = want->rcx;
	regs.rdx = want->rdx;
	regs.rsi = want->rsi;
	regs.rdi = want->rdi;
	regs.rflags = want->rflags | 2;
	set_regs(v, &regs);
}

TEST(single)
{
	struct kvm_regs regs = { .rax = 0x1122334455667788, .rdx = PORT };
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i];
		struct kvm_run *run = v->run;

		memcpy(v->vm->ram + GPA_BLOB, f->code, f->end - f->code);
		start_blob(v, &regs);
		ASSERT_EXIT(KVM_EXIT_IO, v);
		ASSERT_EQ(f->port, run->io.port);
		ASSERT_EQ(f->size, run->io.size);
		ASSERT_EQ(1, run->io.count);
		ASSERT_EQ(PAGE, run->io.data_offset);
		ASSERT_EQ(f->in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT,
			  run->io.direction);
		if (f->in)
			memcpy(io_data(v), "\xaa\xbb\xcc\xdd\xee", 5);
		else
			ASSERT_EQ(0, memcmp(io_data(v), &regs.rax, f->size));
		ASSERT_EXIT(KVM_EXIT_HLT, v);
		ASSERT_EQ(f->rax, get_regs(v).rax) TH_LOG("%s", f->name);
	}
}

GUEST_ASM(rep_outsb, 64, "rep outsb; hlt");
GUEST_ASM(rep_outsw, 64, "rep outsw; hlt");
GUEST_ASM(rep_outsl, 64, "rep outsl; hlt");
GUEST_ASM(rep_insb, 64, "rep insb; hlt");
GUEST_ASM(rep_insw, 64, "rep insw; hlt");
GUEST_ASM(rep_insl, 64, "rep insl; hlt");
GUEST_ASM(one_insb, 64, "insb; hlt");
GUEST_ASM(one_outsl, 64, "outsl; hlt");
GUEST_ASM(insl_twice, 64, "insl; inc %rdi; insl; hlt");

struct string {
	const char *name, *code, *end;
	uint8_t size;
	bool in, rep;
};

static const struct string strings[] = {
#define STRING(name, size, in, rep)	{ #name, name, name##_end, size, in, rep }
	STRING(rep_outsb, 1, false, true),
	STRING(rep_outsw, 2, false, true),
	STRING(rep_outsl, 4, false, true),
	STRING(rep_insb, 1, true, true),
	STRING(rep_insw, 2, true, true),
	STRING(rep_insl, 4, true, true),
	STRING(one_insb, 1, true, false),
	STRING(one_outsl, 4, false, false),
};

/* Serve a string instruction to its end; return the bytes that came by. */
static size_t serve(struct vcpu *v, const struct string *s, uint8_t *dev,
		    unsigned int *exits)
{
	size_t done = 0;

	*exits = 0;
	while (vcpu_exit(v) == KVM_EXIT_IO) {
		size_t n = v->run->io.count * v->run->io.size;

		if (v->run->io.port != PORT || v->run->io.size != s->size ||
		    v->run->io.direction != !s->in || n > PAGE)
			die("%s: bad exit", s->name);
		if (s->in)
			memcpy(io_data(v), dev + done, n);
		else
			memcpy(dev + done, io_data(v), n);
		done += n;
		(*exits)++;
	}
	if (v->run->exit_reason != KVM_EXIT_HLT) {
		vcpu_dump(v);
		die("%s: no halt at the end", s->name);
	}
	return done;
}

/* @buffer is where the string lies in the guest; @n how many elements. */
static void run_string(struct __test_metadata *_metadata, struct vcpu *v,
		       const struct string *s, uint64_t buffer, size_t n,
		       bool down)
{
	struct kvm_regs regs = {
		.rcx = s->rep ? n : 77, .rdx = PORT,
		.rflags = down ? 1 << 10 : 0,
	};
	size_t bytes = n * s->size;
	uint8_t dev[8 * KIB] = {}, *ram = v->vm->ram + buffer;
	uint64_t start = down ? buffer + bytes - s->size : buffer;
	unsigned int exits;

	memcpy(v->vm->ram + GPA_BLOB, s->code, s->end - s->code);
	for (size_t i = 0; i < bytes; i++)
		(s->in ? dev : ram)[i] = 3 * i + 1;
	regs.rsi = start;
	regs.rdi = start;
	start_blob(v, &regs);
	ASSERT_EQ(bytes, serve(v, s, dev, &exits))
		TH_LOG("%s of %zu%s", s->name, n, down ? ", down" : "");
	for (size_t i = 0; i < n; i++) {
		ASSERT_EQ(0, memcmp(dev + i * s->size,
				    ram + (down ? n - 1 - i : i) * s->size,
				    s->size));
	}
	if (s->in && s->rep && bytes <= KIB && !down && n) {
		ASSERT_GE(3U, exits);
	}
	regs = get_regs(v);
	ASSERT_EQ(s->rep ? 0 : 77, regs.rcx);
	ASSERT_EQ(start + (down ? -bytes : bytes), s->in ? regs.rdi : regs.rsi);
	ASSERT_EQ(start, s->in ? regs.rsi : regs.rdi);
}

TEST(string)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		const struct string *s = &strings[i];

		if (!s->rep) {
			run_string(_metadata, v, s, GPA_FREE, 1, false);
			run_string(_metadata, v, s, GPA_FREE, 1, true);
			continue;
		}
		run_string(_metadata, v, s, GPA_FREE, 0, false);
		run_string(_metadata, v, s, GPA_FREE, 5, false);
		run_string(_metadata, v, s, GPA_FREE, 5, true);
		/* over the end of a page, the last element in both */
		run_string(_metadata, v, s, GPA_FREE + PAGE - 9, 10, false);
	}
	run_string(_metadata, v, &strings[3], GPA_FREE, 2000, false);
}

static volatile uint64_t fault_cr2, fault_rcx, fault_rdi;

static void page_fault(struct guest_frame *f)
{
	asm volatile("mov %%cr2, %0" : "=r"(fault_cr2));
	fault_rcx = f->rcx;
	fault_rdi = f->rdi;
	guest_sync(14);
}

/* The page behind the buffer is missing in the guest's own page tables. */
TEST(string_into_page_fault)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs regs = { .rcx = 8, .rdx = PORT, .rdi = 2 * MIB - 2 };

	((uint64_t *)(v->vm->ram + PML4_GPA + 2 * PAGE))[1] = 0;
	guest_handlers[14] = page_fault;
	load_asm(v->vm, GPA_BLOB, rep_insb);
	start_blob(v, &regs);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_LE(2, v->run->io.count);
	memset(io_data(v), 0x5a, 16);
	while (v->run->io.port == PORT)
		ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(PORT_SYNC, v->run->io.port);
	ASSERT_EQ(2 * MIB, fault_cr2);
	ASSERT_EQ(6, fault_rcx);
	ASSERT_EQ(2 * MIB, fault_rdi);
	ASSERT_EQ(0x5a, v->vm->ram[2 * MIB - 1]);
}

static void alignment(struct guest_frame *f)
{
	fault_rdi = f->rdi;
	guest_sync(17);
}

/* Ring 3 may do I/O, and asks for its operands to be checked. */
TEST(misaligned_string)
{
	struct kvm_regs regs = {
		.rdx = PORT, .rdi = GPA_FREE,
		.rflags = 3 << 12 | 1 << 18,	/* IOPL, AC */
	};
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_sregs sregs;

	if (!on_lvx())
		SKIP(return, "KVM doesn't check them");
	guest_handlers[17] = alignment;
	load_asm(v->vm, GPA_BLOB, insl_twice);
	start_blob(v, &regs);
	sregs = get_sregs(v);
	sregs.cs.selector = SEL_UCODE64;
	sregs.ss.selector = SEL_UDATA;
	sregs.cs.dpl = 3;
	sregs.ss.dpl = 3;
	sregs.cr0 |= 1 << 18;			/* AM */
	set_sregs(v, &sregs);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(PORT, v->run->io.port);
	ASSERT_EQ(17, vcpu_sync(v));
	ASSERT_EQ(GPA_FREE + 5, fault_rdi);
}

/* User space may change registers while it serves a batch. */
TEST(counter_rewritten)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs regs = { .rcx = 3, .rdx = PORT, .rdi = GPA_FREE };

	load_asm(v->vm, GPA_BLOB, rep_insb);
	start_blob(v, &regs);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(3, v->run->io.count);
	v->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(v));
	v->run->immediate_exit = 0;
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(0, get_regs(v).rcx);
	ASSERT_EQ(GPA_FREE + 3, get_regs(v).rdi);
}

/* User space may put the vCPU elsewhere: then the data goes nowhere. */
GUEST_ASM(away, 64, "nop; hlt");

TEST(moved_during_in)
{
	static const struct kvm_regs start = {
		.rax = 0x1122334455667788, .rcx = 3, .rdx = PORT, .rdi = GPA_FREE,
	};
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs regs;

	/* KVM goes back to a string instruction. */
	for (int string = 0; string <= on_lvx(); string++) {
		load_asm(v->vm, GPA_BLOB + 0x100, away);
		if (string)
			load_asm(v->vm, GPA_BLOB, rep_insb);
		else
			load_asm(v->vm, GPA_BLOB, in_dx8);
		start_blob(v, &start);
		ASSERT_EXIT(KVM_EXIT_IO, v);
		memset(io_data(v), 0xaa, 3);
		set_rip(v, GPA_BLOB + 0x100);
		ASSERT_EXIT(KVM_EXIT_HLT, v);
		regs = get_regs(v);
		EXPECT_EQ(GPA_BLOB + 0x102, regs.rip);
		EXPECT_EQ(start.rax, regs.rax);
		EXPECT_EQ(start.rcx, regs.rcx);
		EXPECT_EQ(start.rdi, regs.rdi);
	}
}

/* Outside 64-bit mode EIP wraps at 4 GiB. */
TEST(string_at_the_end_of_code)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint8_t *last = alloc_pages(PAGE);
	struct kvm_regs regs;

	vm_slot(v->vm, 2, 0, 0xfffff000, PAGE, last);
	last[PAGE - 1] = 0x6e;		/* outsb */
	v->vm->ram[0] = 0xf4;		/* hlt */
	vcpu_prot(v, 0xffffffff);
	regs = get_regs(v);
	regs.rdx = PORT;
	regs.rsi = GPA_FREE;
	set_regs(v, &regs);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ(PORT, v->run->io.port);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(1, get_regs(v).rip);
}

LVX_TEST_MAIN
