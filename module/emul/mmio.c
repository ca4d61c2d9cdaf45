// SPDX-License-Identifier: GPL-2.0
/*
 * Executes the instruction behind an access that no memory slot serves.
 *
 * module/pure/exec.c says what is to be read or written where, and this file
 * does it, in pieces: a piece lies in one page, and is memory, or is at most
 * eight bytes of a device. A device that user space has makes KVM_RUN return;
 * the state in struct lvx_emul is what is needed to go on from there.
 *
 * All that an instruction will access is translated before the first byte
 * moves: a device can't take an access back when the other operand, or the next
 * page, turns out to be missing.
 */
#include <linux/kvm.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/processor-flags.h>

#include "base/guest.h"
#include "emul/internal.h"

/*
 * Iterations of a repeated string instruction in one go. After that the guest
 * is entered, so that its interrupts come in between, and exits again.
 */
#define MAX_ITERATIONS	256

#define MAX_FRAGMENT	8U	/* struct kvm_run's mmio.data */

int lvx_emul_create(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = kzalloc(sizeof(*emul), GFP_KERNEL_ACCOUNT);

	if (!emul)
		return -ENOMEM;
	emul->cache = fetch_cache_create();
	if (!emul->cache) {
		kfree(emul);
		return -ENOMEM;
	}
	vcpu->emul = emul;
	return 0;
}

void lvx_emul_destroy(struct lvx_vcpu *vcpu)
{
	fetch_cache_destroy(vcpu->emul->cache);
	kfree(vcpu->emul);
	vcpu->emul = NULL;
}

struct lvx_emul_ctx *lvx_emul_ctx(struct lvx_vcpu *vcpu)
{
	return &vcpu->emul->ctx;
}

/* Ask user space; it answers in run->mmio.data. */
void mmio_to_user(struct lvx_vcpu *vcpu, u64 gpa, unsigned int len, bool write,
		  const void *data)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, data, len);
	vcpu->pending = LVX_PENDING_MMIO;
}

/*
 * Is it the very access that made the guest exit? Then it is known to be a
 * device's, and asking the memory slots again can be spared.
 */
static bool known_device(const struct lvx_emul_ctx *ctx, u64 gpa, bool write)
{
	return !((gpa ^ ctx->gpa) >> PAGE_SHIFT) && write == ctx->is_write;
}

/* One piece in a device. */
static enum lvx_emul_result access_device(struct lvx_vcpu *vcpu, u64 gpa,
					  unsigned int len, bool write, u8 *data)
{
	struct lvx_emul *emul = vcpu->emul;
	int err = -EOPNOTSUPP;

	len = min(len, MAX_FRAGMENT);
	if (!is_power_of_2(len))
		;	/* part of a page-crossing access: no device takes it */
	else if (write)
		err = lvx_bus_write(vcpu, LVX_BUS_MMIO, gpa, len, data);
	else
		err = lvx_bus_read(vcpu, LVX_BUS_MMIO, gpa, len, data);
	if (!err) {
		emul->done += len;
		return LVX_EMUL_DONE;
	}
	emul->simple = false;
	emul->fragment = len;
	mmio_to_user(vcpu, gpa, len, write, data);
	return LVX_EMUL_TO_USER;
}

static enum lvx_emul_result access_piece(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	const struct exec_access *access = emul->exec.access;
	u8 *data = emul->exec.mem + access->data + emul->done;
	u64 la = access->la + emul->done;
	unsigned int len = access->len - emul->done;
	enum lvx_emul_result result;
	u64 gpa;
	int err;

	if (!emul->ctx.cs_long)
		la = (u32)la;
	len = min_t(u64, len, PAGE_SIZE - offset_in_page(la));
	result = emul_translate(vcpu, la, access->for_write, &gpa);
	if (result != LVX_EMUL_DONE)
		return result;
	if (known_device(&emul->ctx, gpa, access->write))
		return access_device(vcpu, gpa, len, access->write, data);
	if (access->write)
		err = lvx_write_guest(vcpu->vm, gpa, data, len);
	else
		err = lvx_read_guest(vcpu->vm, gpa, data, len);
	if (err)
		return access_device(vcpu, gpa, len, access->write, data);
	emul->done += len;
	return LVX_EMUL_DONE;
}

/* What is left of the access that the executor asked for. */
static enum lvx_emul_result finish_access(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	enum lvx_emul_result result = LVX_EMUL_DONE;

	while (result == LVX_EMUL_DONE && emul->done < emul->exec.access->len)
		result = access_piece(vcpu);
	return result;
}

static enum lvx_emul_result check_access(struct lvx_vcpu *vcpu,
					 const struct exec_access *access)
{
	enum lvx_emul_result result = LVX_EMUL_DONE;
	unsigned int done, len;
	u64 la, gpa;

	for (done = 0; result == LVX_EMUL_DONE && done < access->len; done += len) {
		la = access->la + done;
		if (!vcpu->emul->ctx.cs_long)
			la = (u32)la;
		len = PAGE_SIZE - offset_in_page(la);
		result = emul_translate(vcpu, la, access->for_write, &gpa);
	}
	return result;
}

/* Page faults in the order in which the CPU would find them. */
static enum lvx_emul_result check_plan(struct lvx_vcpu *vcpu)
{
	struct exec *x = &vcpu->emul->exec;
	enum lvx_emul_result result = LVX_EMUL_DONE;
	u8 i;

	for (i = 0; result == LVX_EMUL_DONE && i < x->nr_reads; i++)
		result = check_access(vcpu, &x->reads[i]);
	if (result == LVX_EMUL_DONE && x->has_write)
		result = check_access(vcpu, &x->write);
	vcpu->emul->checked = true;
	return result;
}

static enum lvx_emul_result access(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	enum lvx_emul_result result = LVX_EMUL_DONE;

	emul->done = 0;
	if (!emul->checked)
		result = check_plan(vcpu);
	if (result == LVX_EMUL_DONE)
		result = finish_access(vcpu);
	/* Earlier iterations have happened, even so. */
	if (result != LVX_EMUL_DONE)
		emul->ctx.rflags = emul->cpu.rflags;
	return result;
}

static enum lvx_emul_result stop(struct lvx_vcpu *vcpu, enum exec_result result)
{
	struct lvx_emul *emul = vcpu->emul;

	emul->ctx.rip = emul->cpu.rip;
	emul->ctx.rflags = emul->cpu.rflags;
	switch (result) {
	case EXEC_AGAIN: case EXEC_DONE:
		if (emul->exec.insn.op == OP_OUTS)
			return pio_finish_outs(vcpu);
		return LVX_EMUL_DONE;
	case EXEC_FAULT:
		return emul_fault(emul, emul->exec.fault);
	default:
		return LVX_EMUL_UNKNOWN;
	}
}

/*
 * Iterations before the guest is entered. Each traps if RFLAGS.TF is set, and
 * each of INS and OUTS has its own port access.
 */
static unsigned int max_iterations(const struct lvx_emul *emul)
{
	u8 op = emul->exec.insn.op;

	if (emul->cpu.rflags & X86_EFLAGS_TF || op == OP_INS || op == OP_OUTS)
		return 1;
	return MAX_ITERATIONS;
}

/* @rounds: iterations done since the guest was left. */
static enum lvx_emul_result run(struct lvx_vcpu *vcpu, unsigned int rounds)
{
	struct lvx_emul *emul = vcpu->emul;
	struct exec *x = &emul->exec;
	enum lvx_emul_result result;
	enum exec_result r;

	for (;;) {
		r = exec_run(x, &emul->cpu);
		switch (r) {
		case EXEC_READ: case EXEC_WRITE:
			result = access(vcpu);
			if (result != LVX_EMUL_DONE)
				return result;
			break;
		case EXEC_GET_VEC:
			if (!vector_get(x->vec_file, x->vec_reg, x->vec,
					x->vec_len))
				return LVX_EMUL_UNKNOWN;
			break;
		case EXEC_SET_VEC:
			if (!vector_set(x->vec_file, x->vec_reg, x->vec,
					x->vec_len))
				return LVX_EMUL_UNKNOWN;
			break;
		case EXEC_AGAIN:
			emul->checked = false;
			if (++rounds < max_iterations(emul))
				break;
			fallthrough;
		default:
			return stop(vcpu, r);
		}
	}
}

/**
 * mmio_execute() - execute an instruction the long way
 * @vcpu: the context is filled, and emul_fill_cpu() was called
 * @insn: the instruction
 *
 * May sleep. Return: see enum lvx_emul_result.
 */
enum lvx_emul_result mmio_execute(struct lvx_vcpu *vcpu, const struct insn *insn)
{
	exec_start(&vcpu->emul->exec, insn);
	emul_forget_translations(vcpu->emul);
	vcpu->emul->checked = false;
	return run(vcpu, 0);
}

/*
 * Code is fetched from a device. There is no end to what executing that would
 * take; but it may be in memory by now.
 */
static enum lvx_emul_result fetched(struct lvx_vcpu *vcpu,
				    enum lvx_emul_result result)
{
	return result == LVX_EMUL_UNKNOWN ? emul_doubt(vcpu, result) :
					    LVX_EMUL_STALE;
}

/**
 * lvx_emul_mmio() - execute the instruction behind an access to a device
 * @vcpu: the context is filled, with the access
 *
 * May sleep. Return: see enum lvx_emul_result.
 */
enum lvx_emul_result lvx_emul_mmio(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	enum lvx_emul_result result;
	struct insn insn;

	result = fetch(vcpu, &insn);
	if (emul->ctx.is_fetch)
		return fetched(vcpu, result);
	if (result == LVX_EMUL_FAULT || result == LVX_EMUL_UNKNOWN)
		return emul_doubt(vcpu, result);
	if (result != LVX_EMUL_DONE)
		return LVX_EMUL_STALE;
	if (emul->ctx.gla_valid && simple_insn(&insn) &&
	    simple_fits(vcpu, &insn))
		return simple_run(vcpu, &insn);
	emul_fill_cpu(vcpu, &insn);
	if (!emul_is_culprit(vcpu, &insn))
		return LVX_EMUL_STALE;
	return mmio_execute(vcpu, &insn);
}

/**
 * lvx_emul_mmio_atomic() - the same, for what is simple
 * @vcpu: in 64-bit mode; of the context, rip, cr3, cr4, gpa, gla (which is
 *	  valid) and is_write are filled. RSP needn't be.
 *
 * Any context. Return: LVX_EMUL_DONE or _TO_USER, and of the context only rip
 * has changed, and will change; or LVX_EMUL_RETRY: nothing happened, use
 * lvx_emul_mmio().
 */
enum lvx_emul_result lvx_emul_mmio_atomic(struct lvx_vcpu *vcpu)
{
	const struct insn *insn = fetch_cached(vcpu, true);

	if (!insn || !simple_fits(vcpu, insn))
		return LVX_EMUL_RETRY;
	return simple_run(vcpu, insn);
}

/**
 * lvx_emul_mmio_complete() - go on after KVM_EXIT_MMIO
 * @vcpu: the context is as it was
 *
 * Of a repeated string instruction no further iteration is begun: it could make
 * KVM_RUN return again before anyone looked at immediate_exit or interrupts.
 *
 * May sleep. Return: see enum lvx_emul_result; there may be more for user
 * space.
 */
enum lvx_emul_result lvx_emul_mmio_complete(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	struct exec *x = &emul->exec;
	enum lvx_emul_result result;

	if (emul->simple) {
		simple_complete(vcpu);
		return LVX_EMUL_DONE;
	}
	if (!x->access->write)
		memcpy(x->mem + x->access->data + emul->done,
		       vcpu->run->mmio.data, emul->fragment);
	emul->done += emul->fragment;
	emul_forget_translations(emul);
	result = finish_access(vcpu);
	if (result != LVX_EMUL_DONE)
		return result;
	return run(vcpu, MAX_ITERATIONS - 1);
}
