// SPDX-License-Identifier: GPL-2.0
/*
 * The task switch: checks, the old task into its TSS, the new one out of its own.
 *
 * What can fail in the old task is tried before the first byte of memory
 * changes: the new TSS's descriptor, and whether TSSs and descriptors are paged
 * in. After that the registers are the new task's, and what is wrong with its
 * segments is a fault of the new task (SDM, "Task Switching": the commit point).
 */
#include "pure/task.h"

#define EFLAGS_FIXED	BIT(1)
#define EFLAGS_NT	BIT(14)
#define EFLAGS_DEFINED	0x3f7fd5

/*
 * struct tss_format: where a TSS has what
 * @min_limit: of the segment
 * @size: bytes of a register
 * @regs: IP, FLAGS and the general registers, in a row; the selectors follow
 * @nr_data: ES, CS, SS, DS and, in 32 bits, FS and GS
 */
struct tss_format {
	u8 min_limit;
	u8 size;
	u8 regs;
	u8 nr_data;
};

/* SDM, "16-Bit Task-State Segment (TSS)", "Task-State Segment (TSS)" */
static const struct tss_format tss16 = { 0x2b, 2, 0x0e, 4 };
static const struct tss_format tss32 = { 0x67, 4, 0x20, 6 };

#define TSS32_CR3	0x1c
#define TSS32_T		0x64
#define NR_REGS		10		/* IP, FLAGS, eight general registers */
#define MAX_TSS		0x68

struct tss {
	const struct tss_format *format;
	u32 base;
	u8 bytes[MAX_TSS];
};

static bool is_tss32(const struct segment *seg)
{
	return (seg->ar & SEG_AR_S_TYPE & ~SEG_AR_BUSY) == SEG_AR_TSS32;
}

static void open_tss(struct tss *tss, const struct segment *seg)
{
	tss->format = is_tss32(seg) ? &tss32 : &tss16;
	tss->base = seg->base;
}

static u32 get(const struct tss *tss, unsigned int at)
{
	u32 value = 0;

	memcpy(&value, tss->bytes + at, tss->format->size);
	return value;
}

static void put(struct tss *tss, unsigned int at, u32 value)
{
	memcpy(tss->bytes + at, &value, tss->format->size);
}

/* Bytes that saving a task writes: registers and segments, but not the LDT's. */
static unsigned int saved_size(const struct tss *tss)
{
	return tss->format->size * (NR_REGS + tss->format->nr_data);
}

/* Where the selector of a segment is; LDTR's follows the data segments'. */
static unsigned int selector_at(const struct tss *tss, unsigned int i)
{
	return tss->format->regs + tss->format->size * (NR_REGS + i);
}

static bool right_type(const struct segment *seg, enum task_source source)
{
	u32 type = seg->ar & SEG_AR_S_TYPE;
	u32 busy = source == TASK_IRET ? SEG_AR_BUSY : 0;

	return type == (SEG_AR_TSS16 | busy) || type == (SEG_AR_TSS32 | busy);
}

/* The new TSS's descriptor. */
static enum task_result find_tss(struct task_cpu *cpu,
				 const struct task_memory *mem, u16 selector,
				 enum task_source source, struct segment *seg)
{
	u8 vector = source == TASK_IRET ? TASK_VECTOR_TS : TASK_VECTOR_GP;
	u64 raw;

	if (SELECTOR_NULL(selector) || selector & SELECTOR_TI ||
	    !segment_in_table(selector, cpu->gdt_limit, 8))
		return task_fault(cpu, vector, selector);
	if (mem->read(mem->opaque, cpu->gdt_base + (selector & ~7), &raw, 8))
		return TASK_MEMORY;
	*seg = segment_unpack(raw, selector);
	if (!right_type(seg, source))
		return task_fault(cpu, vector, selector);
	if (!(seg->ar & SEG_AR_P))
		return task_fault(cpu, TASK_VECTOR_NP, selector);
	if (seg->limit < (is_tss32(seg) ? tss32.min_limit : tss16.min_limit))
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	return TASK_DONE;
}

static u32 type_byte(const struct task_cpu *cpu, u16 selector)
{
	return cpu->gdt_base + (selector & ~7) + 5;
}

static bool nests(enum task_source source)
{
	return source == TASK_CALL || source == TASK_GATE;
}

/* Is all that the switch will touch in memory? */
static enum task_result probe(const struct task_cpu *cpu,
			      const struct task_memory *mem,
			      const struct tss *old, struct tss *new,
			      u16 selector, enum task_source source)
{
	void *o = mem->opaque;
	u16 old_selector = cpu->seg[TASK_TR].selector;

	if (mem->probe(o, old->base + old->format->regs, saved_size(old)) ||
	    mem->read(o, new->base, new->bytes, new->format->min_limit + 1) ||
	    (nests(source) && mem->probe(o, new->base, 2)) ||
	    (!nests(source) && mem->probe(o, type_byte(cpu, old_selector), 1)) ||
	    (source != TASK_IRET && mem->probe(o, type_byte(cpu, selector), 1)))
		return TASK_MEMORY;
	return TASK_DONE;
}

static int set_busy(const struct task_cpu *cpu, const struct task_memory *mem,
		    u16 selector, bool busy)
{
	u32 la = type_byte(cpu, selector);
	u8 byte;

	if (mem->read(mem->opaque, la, &byte, 1))
		return -EFAULT;
	byte = busy ? byte | SEG_AR_BUSY : byte & ~SEG_AR_BUSY;
	return mem->write(mem->opaque, la, &byte, 1);
}

static int save(const struct task_cpu *cpu, const struct task_memory *mem,
		struct tss *tss, enum task_source source)
{
	const struct tss_format *f = tss->format;
	u32 eflags = cpu->eflags;
	unsigned int i;

	if (source == TASK_IRET)
		eflags &= ~EFLAGS_NT;
	put(tss, f->regs, cpu->eip);
	put(tss, f->regs + f->size, eflags);
	for (i = 0; i < 8; i++)
		put(tss, f->regs + f->size * (2 + i), cpu->gpr[i]);
	for (i = 0; i < f->nr_data; i++)
		put(tss, selector_at(tss, i), cpu->seg[i].selector);
	return mem->write(mem->opaque, tss->base + f->regs, tss->bytes + f->regs,
			  saved_size(tss));
}

/* The registers; of the segments the selectors. */
static void load(struct task_cpu *cpu, const struct tss *tss,
		 enum task_source source)
{
	const struct tss_format *f = tss->format;
	u16 selectors[TASK_LDTR + 1] = { 0 };
	unsigned int i;

	cpu->eip = get(tss, f->regs);
	cpu->eflags = (get(tss, f->regs + f->size) & EFLAGS_DEFINED) |
		      EFLAGS_FIXED;
	if (nests(source))
		cpu->eflags |= EFLAGS_NT;
	for (i = 0; i < 8; i++)
		cpu->gpr[i] = get(tss, f->regs + f->size * (2 + i));
	/* A 16-bit TSS has no FS and GS: the new task must not have the old's. */
	for (i = 0; i < f->nr_data; i++)
		selectors[i] = get(tss, selector_at(tss, i));
	selectors[TASK_LDTR] = get(tss, selector_at(tss, f->nr_data));
	task_forget_segments(cpu, selectors);
	cpu->debug_trap = f == &tss32 && tss->bytes[TSS32_T] & 1;
}

/* Memory: the old task saved, linked and no longer busy, or still. */
static enum task_result leave(struct task_cpu *cpu, const struct task_memory *mem,
			      struct tss *old, struct tss *new, u16 selector,
			      enum task_source source)
{
	u16 link = cpu->seg[TASK_TR].selector;

	if ((!nests(source) && set_busy(cpu, mem, link, false)) ||
	    save(cpu, mem, old, source) ||
	    (nests(source) && mem->write(mem->opaque, new->base, &link, 2)) ||
	    (source != TASK_IRET && set_busy(cpu, mem, selector, true)) ||
	    /* Again: the two may overlap. */
	    mem->read(mem->opaque, new->base, new->bytes,
		      new->format->min_limit + 1))
		return TASK_MEMORY;
	return TASK_DONE;
}

/**
 * task_switch() - from the running task to another
 * @cpu: the registers, which become the new task's
 * @mem: memory
 * @selector: of the new task's TSS
 * @source: what began it
 *
 * Privileges were checked by what began it. The caller sets CR0.TS, clears the
 * local breakpoints of DR7 and pushes an error code once the switch is
 * committed.
 *
 * Return: TASK_DONE; else if cpu->committed the new task has failed and @cpu
 * has its registers, if not the old one, whose registers and memory are as they
 * were.
 */
enum task_result task_switch(struct task_cpu *cpu, const struct task_memory *mem,
			     u16 selector, enum task_source source)
{
	struct segment *tr = &cpu->seg[TASK_TR];
	struct tss old = {}, new = {};
	struct segment seg;
	enum task_result r;

	cpu->committed = false;
	cpu->debug_trap = false;
	r = find_tss(cpu, mem, selector, source, &seg);
	if (r != TASK_DONE)
		return r;
	open_tss(&old, tr);
	open_tss(&new, &seg);
	if (tr->limit < old.format->min_limit)
		return task_fault(cpu, TASK_VECTOR_TS, selector);
	r = probe(cpu, mem, &old, &new, selector, source);
	if (r != TASK_DONE)
		return r;
	/* Paging of 32 bits or PAE: a 16-bit task stays in its address space. */
	if (new.format == &tss32 && cpu->paging &&
	    mem->check_cr3(mem->opaque, get(&new, TSS32_CR3)))
		return task_fault(cpu, TASK_VECTOR_GP, 0);

	r = leave(cpu, mem, &old, &new, selector, source);
	if (r != TASK_DONE)
		return r;
	cpu->committed = true;
	seg.ar |= SEG_AR_BUSY;
	*tr = seg;
	if (new.format == &tss32 && cpu->paging)
		mem->load_cr3(mem->opaque, get(&new, TSS32_CR3));
	load(cpu, &new, source);
	return task_load_segments(cpu, mem);
}

/**
 * task_push_address() - room for an error code on the new task's stack
 * @cpu: after a task switch
 * @size: bytes: as the new TSS is
 * @la: where
 *
 * Return: false for #SS: the segment has no room.
 */
bool task_push_address(struct task_cpu *cpu, unsigned int *size, u32 *la)
{
	const struct segment *ss = &cpu->seg[TASK_SS];
	u32 top = ss->ar & SEG_AR_DB ? 0xffffffff : 0xffff;
	u32 *esp = &cpu->gpr[4], sp, last;
	bool down = ss->ar & SEG_AR_CONFORMING;	/* of data: expand-down */

	*size = is_tss32(&cpu->seg[TASK_TR]) ? 4 : 2;
	sp = (*esp - *size) & top;
	last = sp + *size - 1;
	if (last < sp || (down ? sp <= ss->limit || last > top : last > ss->limit))
		return false;
	*esp = (*esp & ~top) | sp;
	*la = ss->base + sp;
	return true;
}
