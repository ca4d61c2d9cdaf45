/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hardware task switch: SDM, "Task Switching". A CPU in VMX never carries
 * one out; it checks what leads to it, and exits.
 */
#ifndef LVX_PURE_TASK_H
#define LVX_PURE_TASK_H

#include "pure/segment.h"

/* As in the exit qualification. */
enum task_source {
	TASK_CALL,
	TASK_IRET,
	TASK_JMP,
	TASK_GATE,		/* an event through a task gate in the IDT */
};

enum task_segment {
	TASK_ES, TASK_CS, TASK_SS, TASK_DS, TASK_FS, TASK_GS,
	TASK_NR_DATA,
	TASK_LDTR = TASK_NR_DATA,
	TASK_TR,
	TASK_NR_SEGMENTS
};

enum task_result {
	TASK_DONE,
	TASK_FAULT,		/* cpu->vector, cpu->error_code */
	TASK_MEMORY,		/* a callback has failed, and knows why */
};

#define TASK_VECTOR_TS	10
#define TASK_VECTOR_NP	11
#define TASK_VECTOR_SS	12
#define TASK_VECTOR_GP	13

/**
 * struct task_cpu - the registers that a task switch saves and loads
 * @gpr: general registers, as numbered in instructions
 * @eip: in: where the old task goes on
 * @eflags: in: as the old task's are to be saved
 * @seg: enum task_segment
 * @gdt_base: linear address of the GDT
 * @gdt_limit: its limit
 * @paging: CR0.PG: the new task's CR3 is loaded
 * @ext: what began it is no instruction of the old task: error codes say so
 * @committed: out: the registers are the new task's, and so is a fault
 * @debug_trap: out: the new task's T flag
 * @vector: out, with TASK_FAULT
 * @error_code: likewise
 */
struct task_cpu {
	u32 gpr[8];
	u32 eip, eflags;
	struct segment seg[TASK_NR_SEGMENTS];
	u32 gdt_base;
	u32 gdt_limit;
	bool paging;
	bool ext;

	bool committed;
	bool debug_trap;
	u8 vector;
	u16 error_code;
};

/**
 * struct task_memory - memory at linear addresses, with a supervisor's rights
 * @opaque: first argument
 * @read: 0 or not
 * @write: 0 or not
 * @probe: would a write fault?
 * @check_cr3: 0, or not: loading it would be #GP
 * @load_cr3: load it: what follows is translated by it
 */
struct task_memory {
	void *opaque;
	int (*read)(void *opaque, u32 la, void *data, unsigned int len);
	int (*write)(void *opaque, u32 la, const void *data, unsigned int len);
	int (*probe)(void *opaque, u32 la, unsigned int len);
	int (*check_cr3)(void *opaque, u32 cr3);
	void (*load_cr3)(void *opaque, u32 cr3);
};

enum task_result task_switch(struct task_cpu *cpu, const struct task_memory *mem,
			     u16 selector, enum task_source source);
bool task_push_address(struct task_cpu *cpu, unsigned int *size, u32 *la);

/* task_segments.c, for task.c */
enum task_result task_fault(struct task_cpu *cpu, u8 vector, u16 selector);
void task_forget_segments(struct task_cpu *cpu, const u16 *selectors);
enum task_result task_load_segments(struct task_cpu *cpu,
				    const struct task_memory *mem);

#endif
