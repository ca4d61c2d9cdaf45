// SPDX-License-Identifier: GPL-2.0
/*
 * Port I/O: IN and OUT, and their string forms in batches.
 *
 * A port is asked of the bus first, then of user space: KVM_EXIT_IO, with the
 * data in the second page of the vCPU's mapping. For a string instruction that
 * page holds as many elements as its memory operand has in one page of the
 * guest, so that reading a disk sector by REP INS takes one exit, not 256.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "base/guest.h"
#include "emul/internal.h"

static void pio_to_user(struct lvx_vcpu *vcpu, u16 port, unsigned int size,
			u32 count, bool in)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	vcpu->pending = LVX_PENDING_PIO;
}

/* Into AL, AX or EAX; the last clears what is above. */
static void take_input(struct lvx_vcpu *vcpu, u32 data, unsigned int size)
{
	u64 keep = size == 4 ? 0 : ~exec_mask(size);

	vcpu->regs[LVX_RAX] = (vcpu->regs[LVX_RAX] & keep) |
			      (data & exec_mask(size));
}

/**
 * lvx_emul_pio() - IN or OUT
 * @vcpu: the vCPU
 * @port: port
 * @size: 1, 2 or 4
 * @in: IN
 *
 * Any context. Return: LVX_EMUL_DONE or _TO_USER; RIP is the caller's.
 */
enum lvx_emul_result lvx_emul_pio(struct lvx_vcpu *vcpu, u16 port,
				  unsigned int size, bool in)
{
	struct lvx_emul *emul = vcpu->emul;
	u32 data = vcpu->regs[LVX_RAX];

	if (in && !lvx_bus_read(vcpu, LVX_BUS_PIO, port, size, &data)) {
		take_input(vcpu, data, size);
		return LVX_EMUL_DONE;
	}
	if (!in && !lvx_bus_write(vcpu, LVX_BUS_PIO, port, size, &data))
		return LVX_EMUL_DONE;
	emul->pio_string = false;
	emul->pio_size = in ? size : 0;
	if (!in)
		WRITE_ONCE(*(u32 *)vcpu->pio_data, data & exec_mask(size));
	pio_to_user(vcpu, port, size, 1, in);
	return LVX_EMUL_TO_USER;
}

/* ---------------------------------------------------------- INS and OUTS */

static u64 string_register(struct lvx_vcpu *vcpu, const struct port_string *s)
{
	return vcpu->regs[s->in ? LVX_RDI : LVX_RSI] &
	       exec_mask(s->insn.adsize);
}

static u64 elements_left(struct lvx_vcpu *vcpu, const struct port_string *s)
{
	if (!s->insn.rep)
		return 1;
	return vcpu->regs[LVX_RCX] & exec_mask(s->insn.adsize);
}

/*
 * Elements to the end of the page; if the first one crosses it, to the end of
 * the next. One, if they are not at ascending addresses that the segment
 * allows, or if each traps. A page fault in the middle of a batch can't happen this way.
 */
static u32 batch_size(struct lvx_vcpu *vcpu, const struct port_string *s,
		      enum insn_seg seg)
{
	u64 count = (PAGE_SIZE - offset_in_page(s->la)) / s->size;
	u64 ea = string_register(vcpu, s), end;
	u64 la;

	count = min(count ?: PAGE_SIZE / s->size, elements_left(vcpu, s));
	end = ea + count * s->size;
	if (count <= 1 ||
	    vcpu->emul->cpu.rflags & (EXEC_DF | X86_EFLAGS_TF) ||
	    (end - 1) & ~exec_mask(s->insn.adsize) ||
	    !exec_linear(&vcpu->emul->cpu, s->insn.mode, seg, end - s->size,
			 s->size, s->in, &la))
		return 1;
	return count;
}

/* Moves a batch between pio_data and the guest's memory. */
static enum lvx_emul_result move_batch(struct lvx_vcpu *vcpu,
				       const struct port_string *s)
{
	struct lvx_emul *emul = vcpu->emul;
	unsigned int done = 0, len = s->count * s->size, piece;
	enum lvx_emul_result result;
	u64 la, gpa;
	u8 *data;

	for (; done < len; done += piece) {
		la = s->la + done;
		if (!emul->ctx.cs_long)
			la = (u32)la;
		piece = min_t(u64, len - done, PAGE_SIZE - offset_in_page(la));
		result = emul_translate(vcpu, la, s->in, &gpa);
		if (result != LVX_EMUL_DONE)
			return result;
		data = vcpu->pio_data + done;
		if (s->in)
			lvx_write_guest(vcpu->vm, gpa, data, piece);
		else if (lvx_read_guest(vcpu->vm, gpa, data, piece))
			memset(data, 0xff, piece);
	}
	return LVX_EMUL_DONE;
}

/* Registers after @count elements; RIP if these were the last, else RF. */
static void advance(struct lvx_vcpu *vcpu, const struct port_string *s,
		    u32 count)
{
	struct lvx_emul *emul = vcpu->emul;
	u64 delta = (u64)count * s->size;
	unsigned int reg = s->in ? LVX_RDI : LVX_RSI;

	if (emul->cpu.rflags & EXEC_DF)
		delta = -delta;
	exec_set_gpr(&emul->cpu, &s->insn, reg, s->insn.adsize,
		     vcpu->regs[reg] + delta);
	if (s->insn.rep) {
		exec_set_gpr(&emul->cpu, &s->insn, LVX_RCX, s->insn.adsize,
			     vcpu->regs[LVX_RCX] - count);
		if (elements_left(vcpu, s)) {
			/* A breakpoint here was met before the first one. */
			emul->ctx.rflags |= EXEC_RF;
			return;
		}
	}
	emul->ctx.rip += s->insn.len;
	if (!emul->ctx.cs_long)
		emul->ctx.rip = (u32)emul->ctx.rip;
	emul->ctx.rflags &= ~(u64)EXEC_RF;
}

/*
 * The pages must be there before a device is read, for it can't be made to take
 * its data back. If one isn't memory, elements go one by one.
 */
static enum lvx_emul_result check_pages(struct lvx_vcpu *vcpu,
					struct port_string *s)
{
	u64 last = s->la + (u64)s->count * s->size - 1;
	enum lvx_emul_result result;
	u64 gpa;

	result = emul_translate(vcpu, s->la, s->in, &gpa);
	if (result != LVX_EMUL_DONE)
		return result;
	s->in_memory = lvx_is_guest_memory(vcpu->vm, gpa, 1, s->in);
	if ((s->la ^ last) >> PAGE_SHIFT) {
		result = emul_translate(vcpu, vcpu->emul->ctx.cs_long ? last :
					(u32)last, s->in, &gpa);
		if (result != LVX_EMUL_DONE)
			return result;
		s->in_memory &= lvx_is_guest_memory(vcpu->vm, gpa, 1, s->in);
	}
	if (!s->in_memory)
		s->count = 1;
	return LVX_EMUL_DONE;
}

/* Elements that devices in the kernel took or gave. */
static u32 serve_batch(struct lvx_vcpu *vcpu, const struct port_string *s)
{
	u8 *data = vcpu->pio_data;
	u32 i;
	int err;

	for (i = 0; i < s->count; i++, data += s->size) {
		if (s->in)
			err = lvx_bus_read(vcpu, LVX_BUS_PIO, s->port, s->size,
					   data);
		else
			err = lvx_bus_write(vcpu, LVX_BUS_PIO, s->port, s->size,
					    data);
		if (err)
			break;
	}
	return i;
}

/*
 * The last part of an OUTS whose operand is in a device: all that is left is to
 * give the port what was read.
 */
enum lvx_emul_result pio_finish_outs(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	struct port_string *s = &emul->string;

	s->stored = true;
	if (!lvx_bus_write(vcpu, LVX_BUS_PIO, s->port, s->size,
			   &emul->exec.port))
		return LVX_EMUL_DONE;
	exec_store(vcpu->pio_data, s->size, emul->exec.port);
	emul->pio_string = true;
	pio_to_user(vcpu, s->port, s->size, 1, false);
	return LVX_EMUL_TO_USER;
}

/* An element that the port has given goes to a device. */
static enum lvx_emul_result store_in_device(struct lvx_vcpu *vcpu,
					    const struct port_string *s)
{
	vcpu->emul->exec.port = exec_load(vcpu->pio_data, s->size);
	return mmio_execute(vcpu, &s->insn);
}

/* The port has taken or given s->count elements. */
static enum lvx_emul_result finish_batch(struct lvx_vcpu *vcpu,
					 const struct port_string *s)
{
	enum lvx_emul_result result = LVX_EMUL_DONE;

	if (s->in && !s->in_memory && s->count)
		return store_in_device(vcpu, s);
	if (s->in)
		result = move_batch(vcpu, s);
	if (result == LVX_EMUL_DONE)
		advance(vcpu, s, s->count);
	return result;
}

static enum lvx_emul_result run_batch(struct lvx_vcpu *vcpu,
				      struct port_string *s)
{
	enum lvx_emul_result result;
	u32 served;

	result = check_pages(vcpu, s);
	if (result != LVX_EMUL_DONE)
		return result;
	if (!s->in && !s->in_memory)
		return mmio_execute(vcpu, &s->insn);
	if (!s->in)
		result = move_batch(vcpu, s);
	if (result != LVX_EMUL_DONE)
		return result;
	served = serve_batch(vcpu, s);
	if (!served) {
		vcpu->emul->pio_string = true;
		pio_to_user(vcpu, s->port, s->size, s->count, s->in);
		return LVX_EMUL_TO_USER;
	}
	s->count = served;
	return finish_batch(vcpu, s);
}

/**
 * lvx_emul_pio_string() - INS or OUTS
 * @vcpu: the context is filled
 * @port: port
 * @size: 1, 2 or 4
 * @in: INS
 * @rep: with a REP prefix
 *
 * The CPU says which port and size; address size and segment are in the
 * instruction itself. At most one batch is done: then the guest's interrupts
 * come in between, and the instruction exits again for the rest.
 *
 * May sleep. Return: see enum lvx_emul_result.
 */
enum lvx_emul_result lvx_emul_pio_string(struct lvx_vcpu *vcpu, u16 port,
					 unsigned int size, bool in, bool rep)
{
	struct lvx_emul *emul = vcpu->emul;
	struct port_string *s = &emul->string;
	enum lvx_emul_result result;
	enum insn_seg seg;

	/* No memory was accessed yet. */
	emul->ctx.gla_valid = false;
	emul->ctx.gpa = ~0ULL;
	emul_forget_translations(emul);
	result = fetch(vcpu, &s->insn);
	if (result == LVX_EMUL_FAULT || result == LVX_EMUL_UNKNOWN)
		return emul_doubt(vcpu, result);
	if (result != LVX_EMUL_DONE || s->insn.op != (in ? OP_INS : OP_OUTS) ||
	    !!s->insn.rep != rep || s->insn.opsize != size)
		return LVX_EMUL_STALE;	/* changed since */
	emul_fill_cpu(vcpu, &s->insn);
	s->in = in;
	s->port = port;
	s->size = size;
	s->count = 0;
	s->stored = false;
	if (!elements_left(vcpu, s)) {
		advance(vcpu, s, 0);
		return LVX_EMUL_DONE;
	}
	seg = in ? INSN_ES : s->insn.seg;
	if (!exec_linear(&emul->cpu, s->insn.mode, seg, string_register(vcpu, s),
			 size, in, &s->la))
		return emul_fault(emul, seg == INSN_SS ? X86_TRAP_SS :
							 X86_TRAP_GP);
	if (emul->cpu.align_check && s->la & (size - 1))
		return emul_fault(emul, X86_TRAP_AC);
	s->count = batch_size(vcpu, s, seg);
	return run_batch(vcpu, s);
}

/**
 * lvx_emul_pio_was_string() - what user space served last
 * @vcpu: the vCPU
 *
 * Return: true: INS or OUTS.
 */
bool lvx_emul_pio_was_string(struct lvx_vcpu *vcpu)
{
	return vcpu->emul->pio_string;
}

/*
 * User space may have changed RCX, which no client should, and a batch must not
 * be larger than what is left.
 */
static enum lvx_emul_result complete_string(struct lvx_vcpu *vcpu)
{
	struct port_string *s = &vcpu->emul->string;

	emul_forget_translations(vcpu->emul);
	if (s->stored)
		return LVX_EMUL_DONE;
	s->count = min_t(u64, s->count, elements_left(vcpu, s));
	return finish_batch(vcpu, s);
}

/**
 * lvx_emul_pio_complete() - go on after KVM_EXIT_IO
 * @vcpu: the context is as it was
 *
 * May sleep. Return: LVX_EMUL_DONE, or, for a string instruction, LVX_EMUL_FAULT
 * if its page went away meanwhile, LVX_EMUL_TO_USER if it stores to a device.
 */
enum lvx_emul_result lvx_emul_pio_complete(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;

	if (emul->pio_string)
		return complete_string(vcpu);
	if (emul->pio_size)
		take_input(vcpu, READ_ONCE(*(u32 *)vcpu->pio_data),
			   emul->pio_size);
	return LVX_EMUL_DONE;
}
