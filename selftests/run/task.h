/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Four tasks for the tests of hardware task switches: A runs, B is where it
 * goes, C has a 16-bit TSS, H is there for handlers. See task_vm.c.
 */
#ifndef LVX_TEST_TASK_H
#define LVX_TEST_TASK_H

#include "lib.h"
#include "guest.h"

/* Selectors beside those of guest_tables() */
#define SEL_A		SEL_TSS
#define SEL_B		0x38
#define SEL_GATE	0x40		/* to B */
#define SEL_LDT		0x48
#define SEL_UCODE32	0x53
#define SEL_C		0x58
#define SEL_TEST	0x60		/* for a test's own descriptor */
#define SEL_CODE16	0x68
#define SEL_H		0x70

/* Where things are; C's code and stack within 64 KiB. */
#define CODE_C		0x4000
#define STACK_C		0x6000
#define STACK_A		0x44000
#define STACK_B		0x48000
#define STACK_H		0x4c000
#define CODE_A		GPA_BLOB
#define CODE_B		0x90000
#define CODE_H		0xa0000
#define TSS_B		0xc0000
#define TSS_C		0xc1000
#define TSS_H		0xc2000
#define LDT_GPA		0xc3000
#define PD_A		0xd0000
#define PD_B		0xd1000

/* General registers of a task when it starts: this and the register's number. */
#define TASK_A		0xaa00
#define TASK_B		0xbb00
#define TASK_H		0xdd00
/* Reported by the handler of an exception that has no task of its own. */
#define EVENT		0xee00

#define EFLAGS_RF	0x10000

struct tss32 {
	uint32_t link, stacks[6], cr3, eip, eflags, gpr[8], seg[6], ldt;
	uint16_t trap, iomap;
};

struct tss16 {
	uint16_t link, stacks[6], ip, flags, gpr[8], seg[4], ldt;
};

struct task_vm {
	struct vm *vm;
	struct vcpu *v;
	uint64_t *gdt;
	struct tss32 *a, *b, *h;
	struct tss16 *c;
};

/* A new VM in task A, with the code of A and of whoever it goes to. */
void task_start(struct task_vm *t, const char *a, size_t a_len, const char *b,
		size_t b_len);
void task_descriptor(struct task_vm *t, uint16_t sel, uint32_t base,
		     uint32_t limit, uint8_t access, uint8_t flags);
/* A vector goes to B, or to another task. */
void task_gate(struct task_vm *t, unsigned int vector);
void task_gate_to(struct task_vm *t, unsigned int vector, uint16_t sel);
void task_flags(struct task_vm *t, uint32_t eflags);
/*
 * Paging on: A, C and H have PD_A, B has PD_B, which differ at 4 MiB. Returns
 * the page table of all below.
 */
uint32_t *task_paging(struct task_vm *t);
/* What is on the stack. */
uint32_t *task_frame(struct task_vm *t);

#endif
