// SPDX-License-Identifier: GPL-2.0
/*
 * The new task's segments: its selectors are in their registers already, and
 * each descriptor is looked at now. SDM, table "Exception Conditions Checked
 * During a Task Switch".
 */
#include "pure/task.h"

#define EFLAGS_VM	BIT(17)

/* A fault whose error code is a selector's; EXT is its bit 0. */
enum task_result task_fault(struct task_cpu *cpu, u8 vector, u16 selector)
{
	cpu->vector = vector;
	cpu->error_code = SELECTOR_ERROR(selector) | cpu->ext;
	return TASK_FAULT;
}

static u8 cpl(const struct task_cpu *cpu)
{
	return cpu->eflags & EFLAGS_VM ? 3 : SELECTOR_RPL(cpu->seg[TASK_CS].selector);
}

/**
 * task_forget_segments() - selectors without descriptors
 * @cpu: the new task's EFLAGS are loaded
 * @selectors: by enum task_segment, without TR
 *
 * If a descriptor turns out to be bad, this is what a fault's handler is called
 * from: nothing in the segment is usable but the privilege level. CS can't be
 * unusable, so it is a segment of one byte.
 */
void task_forget_segments(struct task_cpu *cpu, const u16 *selectors)
{
	unsigned int i;
	u32 dpl;

	for (i = 0; i <= TASK_LDTR; i++)
		cpu->seg[i] = (struct segment){
			.selector = selectors[i], .ar = SEG_AR_UNUSABLE,
		};
	dpl = cpl(cpu) << 5;
	cpu->seg[TASK_SS].ar |= dpl;
	cpu->seg[TASK_CS].ar = SEG_AR_P | SEG_AR_S | SEG_AR_CODE |
			       SEG_AR_WRITABLE | SEG_AR_ACCESSED | dpl;
}

/* Virtual-8086 mode: a segment is its selector. */
static void load_v86(struct task_cpu *cpu)
{
	unsigned int i;
	u16 selector;

	for (i = 0; i < TASK_NR_DATA; i++) {
		selector = cpu->seg[i].selector;
		cpu->seg[i] = (struct segment){
			.selector = selector, .base = selector << 4,
			.limit = 0xffff, .ar = 0xf3,
		};
	}
}

static enum task_result find(struct task_cpu *cpu, const struct task_memory *mem,
			     u16 selector, u32 *la, struct segment *seg)
{
	const struct segment *ldt = &cpu->seg[TASK_LDTR];
	u32 base = cpu->gdt_base, limit = cpu->gdt_limit;
	u64 raw;

	if (selector & SELECTOR_TI) {
		if (ldt->ar & SEG_AR_UNUSABLE)
			return task_fault(cpu, TASK_VECTOR_TS, selector);
		base = ldt->base;
		limit = ldt->limit;
	}
	if (!segment_in_table(selector, limit, 8))
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	*la = base + (selector & ~7);
	if (mem->read(mem->opaque, *la, &raw, 8))
		return TASK_MEMORY;
	*seg = segment_unpack(raw, selector);
	return TASK_DONE;
}

static enum task_result load_ldt(struct task_cpu *cpu,
				 const struct task_memory *mem)
{
	u16 selector = cpu->seg[TASK_LDTR].selector;
	enum task_result r;
	struct segment seg;
	u32 la;

	if (SELECTOR_NULL(selector))
		return TASK_DONE;
	if (selector & SELECTOR_TI)
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	r = find(cpu, mem, selector, &la, &seg);
	if (r != TASK_DONE)
		return r;
	if ((seg.ar & SEG_AR_S_TYPE) != SEG_AR_LDT || !(seg.ar & SEG_AR_P))
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	cpu->seg[TASK_LDTR] = seg;
	return TASK_DONE;
}

static bool code_ok(const struct task_cpu *cpu, const struct segment *seg)
{
	u8 dpl = segment_dpl(seg), rpl = SELECTOR_RPL(seg->selector);

	if (!(seg->ar & SEG_AR_S) || !(seg->ar & SEG_AR_CODE))
		return false;
	return seg->ar & SEG_AR_CONFORMING ? dpl <= rpl : dpl == rpl;
}

static bool stack_ok(const struct task_cpu *cpu, const struct segment *seg)
{
	return (seg->ar & SEG_AR_S) && !(seg->ar & SEG_AR_CODE) &&
	       (seg->ar & SEG_AR_WRITABLE) && segment_dpl(seg) == cpl(cpu) &&
	       SELECTOR_RPL(seg->selector) == cpl(cpu);
}

static bool data_ok(const struct task_cpu *cpu, const struct segment *seg)
{
	u8 dpl = segment_dpl(seg);

	if (!(seg->ar & SEG_AR_S))
		return false;
	if (!(seg->ar & SEG_AR_CODE))
		return dpl >= cpl(cpu) && dpl >= SELECTOR_RPL(seg->selector);
	if (!(seg->ar & SEG_AR_WRITABLE))	/* not readable */
		return false;
	return seg->ar & SEG_AR_CONFORMING ||
	       (dpl >= cpl(cpu) && dpl >= SELECTOR_RPL(seg->selector));
}

/* What differs between CS, SS, and the others. */
struct kind {
	bool null_ok;
	u8 absent_vector;
	bool (*ok)(const struct task_cpu *cpu, const struct segment *seg);
};

static const struct kind code = { false, TASK_VECTOR_NP, code_ok };
static const struct kind stack = { false, TASK_VECTOR_SS, stack_ok };
static const struct kind data = { true, TASK_VECTOR_NP, data_ok };

static enum task_result load(struct task_cpu *cpu, const struct task_memory *mem,
			     enum task_segment which, const struct kind *kind)
{
	u16 selector = cpu->seg[which].selector;
	enum task_result r;
	struct segment seg;
	u8 byte;
	u32 la;

	if (SELECTOR_NULL(selector))
		return kind->null_ok ? TASK_DONE :
			task_fault(cpu, TASK_VECTOR_TS, selector);
	r = find(cpu, mem, selector, &la, &seg);
	if (r != TASK_DONE)
		return r;
	if (!kind->ok(cpu, &seg))
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	if (!(seg.ar & SEG_AR_P))
		return task_fault(cpu, kind->absent_vector, selector);
	if (!(seg.ar & SEG_AR_ACCESSED)) {
		seg.ar |= SEG_AR_ACCESSED;
		byte = seg.ar;
		if (mem->write(mem->opaque, la + 5, &byte, 1))
			return TASK_MEMORY;
	}
	cpu->seg[which] = seg;
	return TASK_DONE;
}

/**
 * task_load_segments() - the descriptors behind the new task's selectors
 * @cpu: after task_forget_segments()
 * @mem: memory
 *
 * Return: TASK_DONE, or the first fault, in the new task.
 */
enum task_result task_load_segments(struct task_cpu *cpu,
				    const struct task_memory *mem)
{
	static const enum task_segment others[] = {
		TASK_DS, TASK_ES, TASK_FS, TASK_GS,
	};
	enum task_result r;
	unsigned int i;

	/* Its privilege level must not hang on a descriptor: see the above. */
	if (cpu->eflags & EFLAGS_VM)
		load_v86(cpu);
	r = load_ldt(cpu, mem);
	if (r != TASK_DONE || cpu->eflags & EFLAGS_VM)
		return r;
	r = load(cpu, mem, TASK_CS, &code);
	if (r == TASK_DONE)
		r = load(cpu, mem, TASK_SS, &stack);
	for (i = 0; r == TASK_DONE && i < ARRAY_SIZE(others); i++)
		r = load(cpu, mem, others[i], &data);
	return r;
}
