// SPDX-License-Identifier: GPL-2.0
/*
 * The VM of the tests of hardware task switches: descriptors, task-state
 * segments and handlers, as plain as can be.
 */
#include "task.h"

#define HANDLERS	0xb0000
#define PT		0xd2000
#define PT_FAR_A	0xd3000
#define PT_FAR_B	0xd4000
#define DATA_A		0xd5000
#define DATA_B		0xd6000

void task_descriptor(struct task_vm *t, uint16_t sel, uint32_t base,
		     uint32_t limit, uint8_t access, uint8_t flags)
{
	t->gdt[sel / 8] = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
			  (uint64_t)access << 40 | (uint64_t)(limit >> 16) << 48 |
			  (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

static uint64_t *gate(struct task_vm *t, unsigned int vector)
{
	return (uint64_t *)(t->vm->ram + IDT_GPA) + vector;
}

void task_gate_to(struct task_vm *t, unsigned int vector, uint16_t sel)
{
	*gate(t, vector) = (uint64_t)sel << 16 | 0xe5ULL << 40;
}

void task_gate(struct task_vm *t, unsigned int vector)
{
	task_gate_to(t, vector, SEL_B);
}

/* mov $EVENT + vector, %eax; out %eax, $0xe0; jmp to itself */
static void handlers(struct task_vm *t)
{
	uint8_t *code = t->vm->ram + HANDLERS;
	uint32_t at = HANDLERS;

	for (unsigned int i = 0; i < 32; i++, code += 16, at += 16) {
		uint32_t report = EVENT + i;

		code[0] = 0xb8;
		memcpy(code + 1, &report, 4);
		memcpy(code + 5, "\xe7\xe0\xeb\xfe", 4);
		*gate(t, i) = (at & 0xffff) | SEL_CODE32 << 16 | 0x8eULL << 40 |
			      (uint64_t)(at >> 16) << 48;
	}
}

static void descriptors(struct task_vm *t)
{
	t->gdt[SEL_DATA / 8] &= ~(1ULL << 40);		/* not accessed yet */
	task_descriptor(t, SEL_A, TSS_GPA, 0x67, 0x8b, 0);
	task_descriptor(t, SEL_B, TSS_B, 0xff, 0x89, 0);
	task_descriptor(t, SEL_C, TSS_C, 0x2b, 0x81, 0);
	task_descriptor(t, SEL_H, TSS_H, 0x67, 0x89, 0);
	task_descriptor(t, SEL_GATE, SEL_B, 0, 0x85, 0);
	t->gdt[SEL_GATE / 8] = (uint64_t)SEL_B << 16 | 0x85ULL << 40;
	task_descriptor(t, SEL_LDT, LDT_GPA, 0xff, 0x82, 0);
	task_descriptor(t, SEL_UCODE32, 0, 0xfffff, 0xfb, 0xc);
	task_descriptor(t, SEL_CODE16, 0, 0xffff, 0x9b, 0);
}

static void fill_tss32(struct tss32 *tss, uint32_t regs, uint32_t eip,
		       uint32_t esp)
{
	tss->link = 0x5555;
	tss->eip = eip;
	tss->eflags = 0x202;
	for (unsigned int i = 0; i < 8; i++)
		tss->gpr[i] = regs + i;
	tss->gpr[4] = esp;
	for (unsigned int i = 0; i < 6; i++)
		tss->seg[i] = i == 1 ? SEL_CODE32 : SEL_DATA;
	tss->ldt = SEL_LDT;
	tss->iomap = sizeof(*tss);
}

static void fill_tss16(struct tss16 *tss)
{
	tss->ip = CODE_C;
	tss->flags = 0x202;
	for (unsigned int i = 0; i < 8; i++)
		tss->gpr[i] = 0xcc00 + i;
	tss->gpr[4] = STACK_C;
	for (unsigned int i = 0; i < 4; i++)
		tss->seg[i] = i == 1 ? SEL_CODE16 : SEL_DATA;
}

static void registers(struct task_vm *t)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	vcpu_prot(t->v, CODE_A);
	s = get_sregs(t->v);
	s.idt.base = IDT_GPA;
	s.idt.limit = 0x7ff;
	s.tr = (struct kvm_segment) {
		.base = TSS_GPA, .limit = 0x67, .selector = SEL_A, .type = 11,
		.present = 1,
	};
	set_sregs(t->v, &s);
	r = get_regs(t->v);
	r.rax = TASK_A;
	r.rcx = TASK_A + 1;
	r.rdx = TASK_A + 2;
	r.rbx = TASK_A + 3;
	r.rsp = STACK_A;
	r.rbp = TASK_A + 5;
	r.rsi = TASK_A + 6;
	r.rdi = TASK_A + 7;
	set_regs(t->v, &r);
}

void task_start(struct task_vm *t, const char *a, size_t a_len, const char *b,
		size_t b_len)
{
	uint8_t *ram;

	if (t->vm) {
		vcpu_free(t->v);
		vm_free(t->vm);
	}
	t->vm = vm_new(0);
	t->v = vcpu_new(t->vm, 0);
	ram = t->vm->ram;
	t->gdt = (void *)(ram + GDT_GPA);
	t->a = (void *)(ram + TSS_GPA);
	t->b = (void *)(ram + TSS_B);
	t->c = (void *)(ram + TSS_C);
	t->h = (void *)(ram + TSS_H);
	descriptors(t);
	handlers(t);
	memset(t->a, 0, sizeof(*t->a));
	t->a->link = 0x5555;
	t->a->cr3 = 0x12345678;		/* none of these is ever saved */
	t->a->trap = 2;
	fill_tss32(t->b, TASK_B, CODE_B, STACK_B);
	fill_tss32(t->h, TASK_H, CODE_H, STACK_H);
	fill_tss16(t->c);
	memcpy(ram + CODE_A, a, a_len);
	memcpy(ram + CODE_B, b, b_len);
	memcpy(ram + CODE_C, b, b_len);
	memcpy(ram + CODE_H, "\xe7\xe0\xeb\xfc", 4);	/* out, jmp */
	registers(t);
}

void task_flags(struct task_vm *t, uint32_t eflags)
{
	struct kvm_regs r = get_regs(t->v);

	r.rflags = eflags;
	set_regs(t->v, &r);
}

uint32_t *task_paging(struct task_vm *t)
{
	uint8_t *ram = t->vm->ram;
	uint32_t *pt = (void *)(ram + PT);
	struct kvm_sregs s;

	for (unsigned int i = 0; i < 1024; i++)
		pt[i] = i * PAGE | 7;
	((uint32_t *)(ram + PD_A))[0] = PT | 7;
	((uint32_t *)(ram + PD_A))[1] = PT_FAR_A | 7;
	((uint32_t *)(ram + PD_B))[0] = PT | 7;
	((uint32_t *)(ram + PD_B))[1] = PT_FAR_B | 7;
	*(uint32_t *)(ram + PT_FAR_A) = DATA_A | 7;
	*(uint32_t *)(ram + PT_FAR_B) = DATA_B | 7;
	*(uint32_t *)(ram + DATA_A) = 0xa1a1a1a1;
	*(uint32_t *)(ram + DATA_B) = 0xb2b2b2b2;
	t->b->cr3 = PD_B;
	t->h->cr3 = PD_A;
	s = get_sregs(t->v);
	s.cr0 |= 0x80010000;		/* PG, WP */
	s.cr3 = PD_A;
	set_sregs(t->v, &s);
	return pt;
}

uint32_t *task_frame(struct task_vm *t)
{
	return (void *)(t->vm->ram + get_regs(t->v).rsp);
}
