// SPDX-License-Identifier: GPL-2.0
/*
 * Executes the instruction behind an access that no memory slot serves.
 *
 * module/pure/exec.c says what is to be read or written where, and this file
 * does it, in pieces: a piece lies in one page, and is memory, or is at most
 * eight bytes of a device. A device that user space has makes KVM_RUN return;
 * the state in struct lvx_emul is what is needed to go on from there.
 */
#include <linux/kvm.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

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

static enum lvx_emul_result access_piece(struct lvx_vcpu *vcpu, bool write)
{
	struct lvx_emul *emul = vcpu->emul;
	const struct exec_access *access = emul->exec.access;
	u8 *data = emul->exec.mem[access->data] + emul->done;
	u64 la = access->la + emul->done;
	unsigned int len = access->len - emul->done;
	enum lvx_emul_result result;
	u64 gpa;
	int err;

	if (!emul->ctx.cs_long)
		la = (u32)la;
	len = min_t(u64, len, PAGE_SIZE - offset_in_page(la));
	result = emul_translate(vcpu, la, write || access->for_write, &gpa);
	if (result != LVX_EMUL_DONE)
		return result;
	if (known_device(&emul->ctx, gpa, write))
		return access_device(vcpu, gpa, len, write, data);
	if (write)
		err = lvx_write_guest(vcpu->vm, gpa, data, len);
	else
		err = lvx_read_guest(vcpu->vm, gpa, data, len);
	if (err)
		return access_device(vcpu, gpa, len, write, data);
	emul->done += len;
	return LVX_EMUL_DONE;
}

/* What is left of the access that the executor asked for. */
static enum lvx_emul_result finish_access(struct lvx_vcpu *vcpu, bool write)
{
	struct lvx_emul *emul = vcpu->emul;
	enum lvx_emul_result result = LVX_EMUL_DONE;

	while (result == LVX_EMUL_DONE && emul->done < emul->exec.access->len)
		result = access_piece(vcpu, write);
	return result;
}

static enum lvx_emul_result stop(struct lvx_emul *emul, enum exec_result result)
{
	emul->ctx.rip = emul->cpu.rip;
	emul->ctx.rflags = emul->cpu.rflags;
	switch (result) {
	case EXEC_AGAIN: case EXEC_DONE:
		return LVX_EMUL_DONE;
	case EXEC_FAULT:
		return emul_fault(emul, emul->exec.fault);
	default:
		return LVX_EMUL_UNKNOWN;
	}
}

static enum lvx_emul_result run(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	struct exec *x = &emul->exec;
	enum lvx_emul_result result;
	unsigned int rounds = 0;
	enum exec_result r;

	for (;;) {
		r = exec_run(x, &emul->cpu);
		switch (r) {
		case EXEC_READ: case EXEC_WRITE:
			emul->done = 0;
			result = finish_access(vcpu, r == EXEC_WRITE);
			if (result == LVX_EMUL_DONE)
				break;
			/* Earlier iterations have happened, even so. */
			emul->ctx.rflags = emul->cpu.rflags;
			return result;
		case EXEC_GET_VEC:
			if (!vector_usable(x->vec_len))
				return LVX_EMUL_UNKNOWN;
			vector_get(x->vec_reg, x->vec, x->vec_len);
			break;
		case EXEC_SET_VEC:
			if (!vector_usable(x->vec_len))
				return LVX_EMUL_UNKNOWN;
			vector_set(x->vec_reg, x->vec, x->vec_len);
			break;
		case EXEC_AGAIN:
			if (++rounds < MAX_ITERATIONS)
				break;
			fallthrough;
		default:
			return stop(emul, r);
		}
	}
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
	if (result != LVX_EMUL_DONE)
		return result;
	if (emul->ctx.gla_valid && simple_insn(&insn) &&
	    simple_fits(vcpu, &insn))
		return simple_run(vcpu, &insn);
	exec_start(&emul->exec, &insn);
	emul_fill_cpu(vcpu, &insn);
	return run(vcpu);
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
 * May sleep. Return: see enum lvx_emul_result; there may be more for user
 * space.
 */
enum lvx_emul_result lvx_emul_mmio_complete(struct lvx_vcpu *vcpu)
{
	struct lvx_emul *emul = vcpu->emul;
	struct exec *x = &emul->exec;
	bool write = x->access == &x->write;
	enum lvx_emul_result result;

	if (emul->simple) {
		simple_complete(vcpu);
		return LVX_EMUL_DONE;
	}
	if (!write)
		memcpy(x->mem[x->access->data] + emul->done,
		       vcpu->run->mmio.data, emul->fragment);
	emul->done += emul->fragment;
	result = finish_access(vcpu, write);
	if (result != LVX_EMUL_DONE)
		return result;
	return run(vcpu);
}
