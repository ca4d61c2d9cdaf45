// SPDX-License-Identifier: GPL-2.0
/*
 * The tables that guest code runs on, and its way in and out of exceptions.
 *
 * Long mode runs on an identity map of the first 4 GiB in 2 MiB pages, all of
 * it open to user mode, so that a test of privilege needs nothing but a
 * selector. The low memory that holds the tables is listed in lib.h.
 */
#include "lib.h"
#include "guest.h"

volatile struct guest_report guest_report;
void (*volatile guest_handlers[256])(struct guest_frame *f);
volatile uint64_t guest_resume;
volatile uint32_t guest_vector, guest_error;

extern const char guest_stubs[];
void guest_trap(struct guest_frame *f);

#define STUB_SIZE	16

/*
 * One stub for each vector. Vectors 8, 10 to 14, 17, 21, 29 and 30 come with an error
 * code, the others push a zero in its place.
 */
asm(".pushsection .text\n"
    ".balign 16\n"
    "guest_stubs:\n"
    ".set vector, 0\n"
    ".rept 256\n"
    ".balign 16\n"
    ".if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 ||"
    "      vector == 21 || vector == 29 || vector == 30)\n"
    "push $0\n"
    ".endif\n"
    "pushq $vector\n"
    "jmp guest_trap_entry\n"
    ".set vector, vector + 1\n"
    ".endr\n"
    ".globl guest_trap_entry\n"
    "guest_trap_entry:\n"
    "push %rax; push %rcx; push %rdx; push %rbx; push %rbp; push %rsi\n"
    "push %rdi; push %r8; push %r9; push %r10; push %r11; push %r12\n"
    "push %r13; push %r14; push %r15\n"
    "mov %rsp, %rdi\n"
    "mov %rsp, %rbp\n"
    "and $-16, %rsp\n"
    "call guest_trap\n"
    "mov %rbp, %rsp\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10; pop %r9\n"
    "pop %r8; pop %rdi; pop %rsi; pop %rbp; pop %rbx; pop %rdx; pop %rcx\n"
    "pop %rax\n"
    "add $16, %rsp\n"
    "iretq\n"
    ".globl guest_start\n"
    "guest_start:\n"
    "call *%rdi\n"
    "mov $0xffffffff, %eax\n"
    "out %eax, $0xe0\n"
    "1: jmp 1b\n"
    ".popsection\n");

void guest_trap(struct guest_frame *f)
{
	uint64_t cr2;

	guest_vector = f->vector;
	guest_error = f->error;
	if (guest_handlers[f->vector]) {
		guest_handlers[f->vector](f);
		return;
	}
	if (f->vector < 32 && guest_resume) {
		f->rip = guest_resume;
		guest_resume = 0;
		return;
	}
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	guest_report.line = f->vector;
	guest_report.a = f->error;
	guest_report.b = f->rip;
	guest_report.cr2 = cr2;
	outl(PORT_TRAP, f->vector);
}

static void page_tables(uint8_t *ram)
{
	uint64_t *pml4 = (void *)(ram + PML4_GPA);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;

	pml4[0] = (PML4_GPA + PAGE) | 7;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (PML4_GPA + (2 + i) * PAGE) | 7;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MIB | 0x87;
}

void guest_tables(uint8_t *ram)
{
	uint64_t *gdt = (void *)(ram + GDT_GPA);
	uint64_t *idt = (void *)(ram + IDT_GPA);
	uint64_t *tss = (void *)(ram + TSS_GPA + 4);

	page_tables(ram);
	gdt[SEL_CODE64 / 8] = 0x00af9b000000ffff;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
	gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffff;
	gdt[SEL_UDATA / 8] = 0x00cff3000000ffff;
	gdt[SEL_UCODE64 / 8] = 0x00affb000000ffff;
	gdt[SEL_TSS / 8] = 0x00008b0000000067 | (uint64_t)TSS_GPA << 16;
	tss[0] = GPA_BLOB;		/* RSP0: for what comes from ring 3 */
	ram[TSS_GPA + 0x66] = 0x68;	/* no I/O bitmap */

	for (unsigned int i = 0; i < 256; i++) {
		uint64_t to = (uintptr_t)guest_stubs + i * STUB_SIZE;

		idt[2 * i] = (to & 0xffff) | SEL_CODE64 << 16 |
			     0xeeULL << 40 | (to >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = to >> 32;
	}
}

static struct kvm_segment segment(uint16_t sel, uint8_t type, bool l, bool db)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff, .selector = sel, .type = type,
		.present = 1, .db = db, .s = 1, .l = l, .g = 1,
		.dpl = sel & 3,
	};
}

static void flat_data(struct kvm_sregs *s, struct kvm_segment seg)
{
	s->ds = seg;
	s->es = seg;
	s->fs = seg;
	s->gs = seg;
	s->ss = seg;
}

static struct kvm_segment real_segment(uint16_t sel, uint8_t type)
{
	return (struct kvm_segment) {
		.base = sel << 4, .limit = 0xffff, .selector = sel,
		.type = type, .present = 1, .s = 1,
	};
}

void vcpu_real(struct vcpu *v, uint16_t cs, uint16_t ip)
{
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = { .rip = ip, .rflags = 2, .rsp = 0xfff0 };

	s.cr0 = 0x60000010;
	s.cr3 = 0;
	s.cr4 = 0;
	s.efer = 0;
	s.idt.base = 0;
	s.idt.limit = 0x3ff;
	s.cs = real_segment(cs, 11);
	flat_data(&s, real_segment(cs, 3));
	set_sregs(v, &s);
	set_regs(v, &r);
}

void vcpu_prot(struct vcpu *v, uint32_t eip)
{
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = {
		.rip = eip, .rflags = 2,
		.rsp = GPA_STACKS + (v->id + 1) * 16 * KIB,
	};

	s.cr0 = 0x11;
	s.gdt.base = GDT_GPA;
	s.gdt.limit = 0xff;
	s.cs = segment(SEL_CODE32, 11, false, true);
	flat_data(&s, segment(SEL_DATA, 3, false, true));
	set_sregs(v, &s);
	set_regs(v, &r);
}

void vcpu_long_at(struct vcpu *v, uint64_t rip)
{
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = {
		.rip = rip, .rflags = 2,
		.rsp = GPA_STACKS + (v->id + 1) * 16 * KIB,
	};

	s.cr0 = 0x80010033;
	s.cr3 = PML4_GPA;
	s.cr4 = 0x620;
	s.efer = 0xd01;
	s.gdt.base = GDT_GPA;
	s.gdt.limit = 0xff;
	s.idt.base = IDT_GPA;
	s.idt.limit = 0xfff;
	s.cs = segment(SEL_CODE64, 11, true, false);
	flat_data(&s, segment(SEL_DATA, 3, false, true));
	s.tr = (struct kvm_segment) {
		.base = TSS_GPA, .limit = 0x67, .selector = SEL_TSS,
		.type = 11, .present = 1,
	};
	set_sregs(v, &s);
	set_regs(v, &r);
}

void vcpu_long(struct vcpu *v, void (*fn)(void))
{
	struct kvm_regs r;

	vcpu_long_at(v, (uintptr_t)guest_start);
	r = get_regs(v);
	r.rdi = (uintptr_t)fn;
	set_regs(v, &r);
}
