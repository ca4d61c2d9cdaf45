// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of a vCPU in a form that a kernel developer can read, for a
 * guest that ended in a way that wants an explanation.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util.h"
#include "vcpu.h"
#include "vm.h"
#include "walk.h"

typedef unsigned long long ull;

static void report_general(const struct kvm_regs *regs)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "rax", regs->rax }, { "rbx", regs->rbx }, { "rcx", regs->rcx },
		{ "rdx", regs->rdx }, { "rsi", regs->rsi }, { "rdi", regs->rdi },
		{ "rbp", regs->rbp }, { "rsp", regs->rsp }, { "r8 ", regs->r8 },
		{ "r9 ", regs->r9 },  { "r10", regs->r10 }, { "r11", regs->r11 },
		{ "r12", regs->r12 }, { "r13", regs->r13 }, { "r14", regs->r14 },
		{ "r15", regs->r15 }, { "rip", regs->rip }, { "rfl", regs->rflags },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		fprintf(stderr, "  %s %016llx%s", rows[i].name, (ull)rows[i].value,
			i % 3 == 2 ? "\n" : "");
}

static void report_segments(const struct kvm_sregs *sregs)
{
	const struct {
		const char *name;
		const struct kvm_segment *segment;
	} rows[] = {
		{ "cs ", &sregs->cs }, { "ss ", &sregs->ss }, { "ds ", &sregs->ds },
		{ "es ", &sregs->es }, { "fs ", &sregs->fs }, { "gs ", &sregs->gs },
		{ "tr ", &sregs->tr }, { "ldt", &sregs->ldt },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct kvm_segment *s = rows[i].segment;

		fprintf(stderr, "  %s %04x base %016llx limit %08x type %x dpl %u%s%s%s%s\n",
			rows[i].name, s->selector, (ull)s->base, s->limit, s->type, s->dpl,
			s->present ? "" : " not-present", s->unusable ? " unusable" : "",
			s->l ? " 64-bit" : "", s->db ? " 32-bit" : "");
	}
	fprintf(stderr, "  gdt      base %016llx limit %08x\n", (ull)sregs->gdt.base,
		sregs->gdt.limit);
	fprintf(stderr, "  idt      base %016llx limit %08x\n", (ull)sregs->idt.base,
		sregs->idt.limit);
}

/* The bytes at RIP, if its address can be translated. */
static void report_code(const struct vcpu *vcpu)
{
	uint8_t code[16];
	unsigned int i;

	if (walk_read(vcpu, vcpu->regs.rip + vcpu->sregs.cs.base, code, sizeof(code)) < 0) {
		fprintf(stderr, "  code: no translation for rip\n");
		return;
	}
	fprintf(stderr, "  code");
	for (i = 0; i < sizeof(code); i++)
		fprintf(stderr, " %02x", code[i]);
	fputc('\n', stderr);
}

void report_registers(const struct vcpu *vcpu)
{
	const struct kvm_sregs *sregs = &vcpu->sregs;

	if (!vcpu->has_regs) {
		fprintf(stderr, "lvx: the registers of CPU %u cannot be read\n", vcpu->index);
		return;
	}
	fprintf(stderr, "lvx: registers of CPU %u:\n", vcpu->index);
	report_general(&vcpu->regs);
	fprintf(stderr, "  cr0 %016llx  cr2 %016llx  cr3 %016llx\n", (ull)sregs->cr0,
		(ull)sregs->cr2, (ull)sregs->cr3);
	fprintf(stderr, "  cr4 %016llx  efer %016llx  apic base %llx\n", (ull)sregs->cr4,
		(ull)sregs->efer, (ull)sregs->apic_base);
	report_segments(sregs);
	report_code(vcpu);
}
