// SPDX-License-Identifier: GPL-2.0
/*
 * Exits for memory and ports: EPT violations and I/O instructions, and the end
 * of those that user space had to serve.
 */
#include <linux/kvm.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "emul/emul.h"
#include "mmu/mmu.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

/* With the bytes, if there are any (the rest is 90), and what KVM gives after. */
static enum lvx_next emulation_failure(struct lvx_vcpu *vcpu)
{
	const struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);
	struct kvm_run *run = vcpu->run;
	const u64 info[] = {
		to_vmx(vcpu)->exit_reason,
		vmcs_readl(EXIT_QUALIFICATION),
		to_vmx(vcpu)->event.info,
		vmcs_read32(VM_EXIT_INTR_INFO),
		vmcs_read32(VM_EXIT_INTR_ERROR_CODE),
	};
	unsigned int at = 1;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.flags = 0;
	if (ctx->nr_bytes) {
		at += 2;
		run->emulation_failure.flags =
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = ctx->nr_bytes;
		memset(run->emulation_failure.insn_bytes, 0x90,
		       sizeof(run->emulation_failure.insn_bytes));
		memcpy(run->emulation_failure.insn_bytes, ctx->bytes,
		       ctx->nr_bytes);
	}
	memcpy(&run->internal.data[at], info, sizeof(info));
	run->internal.ndata = at + ARRAY_SIZE(info);
	return LVX_TO_USER;
}

/*
 * Not an instruction that lvx knows: #UD. If it is the guest's kernel that gets
 * it, user space is told, too.
 */
static enum lvx_next unknown_instruction(struct lvx_vcpu *vcpu)
{
	lvx_raise(vcpu, X86_TRAP_UD);
	return lvx_cpl(vcpu) ? LVX_RESUME : emulation_failure(vcpu);
}

static enum lvx_next raise_fault(struct lvx_vcpu *vcpu,
				 const struct lvx_emul_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		lvx_raise_pf(vcpu, fault->cr2, fault->error_code);
	else if (fault->has_error_code)
		lvx_raise_error(vcpu, fault->vector, fault->error_code);
	else
		lvx_raise(vcpu, fault->vector);
	to_vmx(vcpu)->inject = true;
	return LVX_RESUME;
}

/*
 * The registers that an executed instruction left in the context. Of the flags
 * those that it changed: what else there is, TF for one, may be new, or a
 * debugger's that has gone.
 */
static void take_results(struct lvx_vcpu *vcpu, const struct lvx_emul_ctx *ctx)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 changed = ctx->rflags ^ vmx->emul_rflags;

	if (vcpu->regs[LVX_RSP] != vmx->emul_rsp)
		lvx_set_rsp(vcpu, vcpu->regs[LVX_RSP]);
	if (changed)
		lvx_set_rflags(vcpu, (lvx_rflags(vcpu) & ~changed) |
				     (ctx->rflags & changed));
	if (ctx->rip != lvx_rip(vcpu))
		lvx_skip_to(vcpu, ctx->rip);
}

/**
 * lvx_emul_next() - from an execution's result to the run loop's next step
 * @vcpu: loaded
 * @result: of the execution
 */
enum lvx_next lvx_emul_next(struct lvx_vcpu *vcpu, enum lvx_emul_result result)
{
	struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);

	switch (result) {
	case LVX_EMUL_DONE:
		/* An iteration of a string instruction traps, too. */
		if (ctx->rip == lvx_rip(vcpu) &&
		    lvx_rflags(vcpu) & X86_EFLAGS_TF)
			lvx_debug_step(vcpu);
		take_results(vcpu, ctx);
		return LVX_RESUME;
	case LVX_EMUL_TO_USER:
		return LVX_TO_USER;
	case LVX_EMUL_FAULT:
		take_results(vcpu, ctx);
		return raise_fault(vcpu, &ctx->fault);
	case LVX_EMUL_STALE:
		lvx_make_request(vcpu, LVX_REQ_GUEST_TLB);
		return LVX_RESUME;
	case LVX_EMUL_RETRY:
		return LVX_RESUME;
	default:
		return unknown_instruction(vcpu);
	}
}

/**
 * lvx_emul_stopped() - the same for what changes nothing unless it's done
 * @vcpu: loaded
 * @result: of the execution, not LVX_EMUL_DONE
 */
enum lvx_next lvx_emul_stopped(struct lvx_vcpu *vcpu, enum lvx_emul_result result)
{
	if (result == LVX_EMUL_FAULT)
		return raise_fault(vcpu, &lvx_emul_ctx(vcpu)->fault);
	return result == LVX_EMUL_RETRY ? LVX_RESUME : unknown_instruction(vcpu);
}

/* What to compare with afterwards, now or after user space's turn. */
static void remember(struct lvx_vcpu *vcpu, const struct lvx_emul_ctx *ctx)
{
	to_vmx(vcpu)->emul_rip = lvx_rip(vcpu);
	to_vmx(vcpu)->emul_rsp = vcpu->regs[LVX_RSP];
	to_vmx(vcpu)->emul_rflags = ctx->rflags;
}

static struct lvx_emul_ctx *fill_ctx(struct lvx_vcpu *vcpu)
{
	struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);

	lvx_fill_emul_ctx(vcpu, ctx);
	remember(vcpu, ctx);
	return ctx;
}

/* SDM, "Exit Qualification for I/O Instructions". */
struct io_qual {
	u16 port;
	u8 size;
	bool in, string, rep;
};

static struct io_qual read_io_qual(void)
{
	u64 qual = vmcs_readl(EXIT_QUALIFICATION);

	return (struct io_qual){
		.port = qual >> 16,
		.size = (qual & 7) + 1,
		.in = qual & BIT(3),
		.string = qual & BIT(4),
		.rep = qual & BIT(5),
	};
}

enum lvx_next lvx_exit_io_atomic(struct lvx_vcpu *vcpu)
{
	struct io_qual io = read_io_qual();

	if (io.string)
		return LVX_SLOW;
	if (lvx_emul_pio(vcpu, io.port, io.size, io.in) == LVX_EMUL_TO_USER) {
		to_vmx(vcpu)->emul_rip = lvx_rip(vcpu);
		return LVX_TO_USER;
	}
	lvx_skip(vcpu);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_io_string(struct lvx_vcpu *vcpu)
{
	struct io_qual io = read_io_qual();

	fill_ctx(vcpu);
	return lvx_emul_next(vcpu, lvx_emul_pio_string(vcpu, io.port, io.size,
						       io.in, io.rep));
}

/*
 * User space served an IN or OUT. The instruction ends only now; the VMCS still
 * has its length.
 */
static enum lvx_next complete_pio(struct lvx_vcpu *vcpu)
{
	bool string = lvx_emul_pio_was_string(vcpu);
	enum lvx_emul_result result = lvx_emul_pio_complete(vcpu);

	if (string)
		return lvx_emul_next(vcpu, result);
	lvx_skip(vcpu);
	return LVX_RESUME;
}

static enum lvx_next complete_msr(struct lvx_vcpu *vcpu, bool write)
{
	struct kvm_run *run = vcpu->run;

	if (run->msr.error) {
		lvx_raise_error(vcpu, X86_TRAP_GP, 0);
		return LVX_RESUME;
	}
	if (!write) {
		vcpu->regs[LVX_RAX] = (u32)run->msr.data;
		vcpu->regs[LVX_RDX] = run->msr.data >> 32;
	}
	lvx_skip(vcpu);
	return LVX_RESUME;
}

/* Has user space put the vCPU elsewhere, for example reset it? */
static bool moved(struct lvx_vcpu *vcpu)
{
	return lvx_rip(vcpu) != to_vmx(vcpu)->emul_rip;
}

/**
 * lvx_complete_pending() - user space served what the last exit asked for
 * @vcpu: loaded, vcpu->pending is set
 *
 * An access to a device or port is dropped if user space moved RIP meanwhile:
 * what it interrupted is not what the vCPU is to go on with.
 */
enum lvx_next lvx_complete_pending(struct lvx_vcpu *vcpu)
{
	enum lvx_pending pending = vcpu->pending;

	vcpu->pending = LVX_PENDING_NONE;
	switch (pending) {
	case LVX_PENDING_PIO:
		return moved(vcpu) ? LVX_RESUME : complete_pio(vcpu);
	case LVX_PENDING_MMIO:
		if (moved(vcpu))
			return LVX_RESUME;
		return lvx_emul_next(vcpu, lvx_emul_mmio_complete(vcpu));
	case LVX_PENDING_RDMSR:
		return complete_msr(vcpu, false);
	case LVX_PENDING_WRMSR:
		return complete_msr(vcpu, true);
	default:
		return LVX_RESUME;
	}
}

/* SDM, "Exit Qualification for EPT Violations". */
#define QUAL_GLA_VALID	BIT(7)
#define QUAL_NOT_WALK	BIT(8)		/* the access itself, not its page walk */
#define QUAL_NMI_UNBLOCK BIT(12)

static bool is_walk(u64 qual)
{
	return (qual & (QUAL_GLA_VALID | QUAL_NOT_WALK)) !=
	       (QUAL_GLA_VALID | QUAL_NOT_WALK);
}

static void fill_access(struct lvx_vcpu *vcpu, u64 gpa, u64 qual)
{
	struct lvx_emul_ctx *ctx = fill_ctx(vcpu);

	ctx->gpa = gpa;
	ctx->is_write = qual & LVX_ACCESS_WRITE;
	ctx->is_fetch = qual & LVX_ACCESS_EXEC;
	ctx->gla_valid = !is_walk(qual);
	if (ctx->gla_valid)
		ctx->gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
}

/*
 * A device's register that is known as such. Only if no event was being
 * delivered: then the instruction would be the wrong culprit.
 */
enum lvx_next lvx_exit_ept_violation_atomic(struct lvx_vcpu *vcpu)
{
	u64 gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS), qual;
	struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);
	unsigned long cr2;

	if (!lvx_mmu_known_mmio(vcpu, gpa) || !lvx_is_64bit(vcpu) ||
	    (vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK))
		return LVX_SLOW;
	qual = vmcs_readl(EXIT_QUALIFICATION);
	if ((qual & (LVX_ACCESS_EXEC | QUAL_NMI_UNBLOCK | QUAL_GLA_VALID |
		     QUAL_NOT_WALK)) != (QUAL_GLA_VALID | QUAL_NOT_WALK))
		return LVX_SLOW;
	ctx->rip = lvx_rip(vcpu);
	ctx->cr3 = lvx_cr3(vcpu);
	ctx->cr4 = lvx_cr4(vcpu);
	ctx->gpa = gpa;
	ctx->gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
	ctx->is_write = qual & LVX_ACCESS_WRITE;
	cr2 = native_read_cr2();
	switch (lvx_emul_mmio_atomic(vcpu)) {
	case LVX_EMUL_DONE:
		lvx_skip_to(vcpu, ctx->rip);
		return LVX_RESUME;
	case LVX_EMUL_TO_USER:
		/* It will change RIP and nothing else that the VMCS holds. */
		remember(vcpu, ctx);
		return LVX_TO_USER;
	default:
		/*
		 * A fault at the instruction, which is read from user space's
		 * memory, and with the guest's PKRU: the address is not for the
		 * guest to see.
		 */
		native_write_cr2(cr2);
		return LVX_SLOW;
	}
}

/* An event's delivery, to a stack or through an IDT in a device. */
static enum lvx_next delivery_failed(struct lvx_vcpu *vcpu, u64 qual)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 data[3] = { vmx->event.info, vmx->exit_reason, qual };

	return lvx_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV,
				  ARRAY_SIZE(data), data);
}

/*
 * Page tables where there is no memory. Whatever the guest does, it would come
 * here again, so user space is told, and with no instruction's bytes.
 */
static enum lvx_next walk_failed(struct lvx_vcpu *vcpu)
{
	lvx_emul_ctx(vcpu)->nr_bytes = 0;
	return emulation_failure(vcpu);
}

static enum lvx_next mmio(struct lvx_vcpu *vcpu, u64 gpa, u64 qual)
{
	to_vmx(vcpu)->overlay_armed = false;
	if (to_vmx(vcpu)->event.info)
		return delivery_failed(vcpu, qual);
	if (is_walk(qual))
		return walk_failed(vcpu);
	fill_access(vcpu, gpa, qual);
	return lvx_emul_next(vcpu, lvx_emul_mmio(vcpu));
}

/* With the EPT's accessed bits each walk writes. Do without them. */
static bool walk_without_writes(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u64 eptp = lvx_mmu_eptp_plain(vcpu->vm);

	if (vmx->eptp == eptp)
		return false;
	vmx->eptp = eptp;
	vmcs_write64(EPT_POINTER, eptp);
	lvx_make_request(vcpu, LVX_REQ_TLB_FLUSH);
	return true;
}

/*
 * A write to a read-only slot. What an instruction that lvx knows stores is for
 * user space to see; what the CPU writes besides, or for others, is dropped.
 */
static enum lvx_next read_only(struct lvx_vcpu *vcpu, u64 gpa, u64 qual)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);
	bool walk = is_walk(qual), event = vmx->event.info;
	enum lvx_emul_result result;
	enum lvx_next next;

	if (walk && walk_without_writes(vcpu))
		return LVX_RESUME;
	if (!walk && !event && !vmx->overlay_armed) {
		fill_access(vcpu, gpa, qual);
		result = lvx_emul_mmio(vcpu);
		if (result != LVX_EMUL_UNKNOWN)
			return lvx_emul_next(vcpu, result);
	}
	next = lvx_overlay_write(vcpu, gpa);
	if (next != LVX_TO_USER)
		return next;
	if (event)
		return delivery_failed(vcpu, qual);
	return walk ? walk_failed(vcpu) : unknown_instruction(vcpu);
}

enum lvx_next lvx_exit_ept_violation(struct lvx_vcpu *vcpu)
{
	u64 gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	u64 qual = vmcs_readl(EXIT_QUALIFICATION);
	struct lvx_vmx *vmx = to_vmx(vcpu);

	/* The IRET that unblocked NMIs did not complete. */
	if ((qual & QUAL_NMI_UNBLOCK) && !vmx->event.info)
		vmcs_set_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);

	if (lvx_mmu_known_mmio(vcpu, gpa))
		return mmio(vcpu, gpa, qual);
	switch (lvx_mmu_fault(vcpu, gpa, qual & (LVX_ACCESS_READ |
						 LVX_ACCESS_WRITE |
						 LVX_ACCESS_EXEC))) {
	case LVX_FAULT_FIXED:
		return LVX_RESUME;
	case LVX_FAULT_MMIO:
		return mmio(vcpu, gpa, qual);
	case LVX_FAULT_READ_ONLY:
		return read_only(vcpu, gpa, qual);
	case LVX_FAULT_NO_MEMORY:
		vmx->error = -ENOMEM;
		return LVX_ERROR;
	default:
		vmx->error = -EFAULT;
		return LVX_ERROR;
	}
}

/* The EPT holds an entry that the CPU does not understand: a bug of lvx. */
enum lvx_next lvx_exit_ept_misconfig(struct lvx_vcpu *vcpu)
{
	u64 data[2] = { EXIT_REASON_EPT_MISCONFIG,
			vmcs_read64(GUEST_PHYSICAL_ADDRESS) };

	pr_err_ratelimited("lvx: EPT misconfiguration at %#llx\n", data[1]);
	return lvx_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
				  ARRAY_SIZE(data), data);
}
