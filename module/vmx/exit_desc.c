// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor-table instructions: SGDT, SIDT, SLDT and STR tell a program where
 * the kernel's tables are, unless CR4.UMIP forbids them to user mode. A CPU that
 * has no UMIP can be told to exit for them, and lvx forbids them in its place.
 *
 * The exit catches LGDT, LIDT, LLDT and LTR, too, and what the guest's kernel does
 * with any of the eight, so all of them are executed here. The VMCS has the whole
 * instruction but for the operand size of SLDT and STR into a register. SMSW, to
 * which UMIP extends, doesn't exit: it goes on telling the low half of CR0.
 */
#include <linux/kvm.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "emul/emul.h"
#include "pure/exec.h"
#include "pure/segment.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

/*
 * struct desc_insn: the VM-exit instruction-information field and the
 * displacement
 */
struct desc_insn {
	u32 info;
	u64 disp;
	u8 op;			/* bits 29:28 */
};

enum { SGDT, SIDT, LGDT, LIDT };
enum { SLDT, STR, LLDT, LTR };

/* SDM, "Information for VM Exits Due to Instruction Execution". */
#define INFO_SCALE(i)	((i) & 3)
#define INFO_REG(i)	((i) >> 3 & 15)
#define INFO_ADSIZE(i)	(2 << ((i) >> 7 & 3))
#define INFO_IS_REG	BIT(10)
#define INFO_OPSIZE_32	BIT(11)
#define INFO_SEG(i)	((i) >> 15 & 7)
#define INFO_INDEX(i)	((i) >> 18 & 15)
#define INFO_NO_INDEX	BIT(22)
#define INFO_BASE(i)	((i) >> 23 & 15)
#define INFO_NO_BASE	BIT(27)

static struct desc_insn read_insn(void)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);

	return (struct desc_insn){
		.info = info,
		.disp = vmcs_readl(EXIT_QUALIFICATION),
		.op = info >> 28 & 3,
	};
}

static enum lvx_emul_result fault(struct lvx_vcpu *vcpu, u8 vector, u16 code)
{
	lvx_emul_ctx(vcpu)->fault = (struct lvx_emul_fault){
		.vector = vector, .has_error_code = true, .error_code = code,
	};
	return LVX_EMUL_FAULT;
}

static enum lvx_emul_result protection_fault(struct lvx_vcpu *vcpu)
{
	return fault(vcpu, X86_TRAP_GP, 0);
}

/* The linear address of a memory operand of @len bytes. */
static enum lvx_emul_result operand(struct lvx_vcpu *vcpu,
				    const struct desc_insn *insn,
				    unsigned int len, bool write, u64 *la)
{
	const struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);
	enum lvx_seg seg = min_t(u32, INFO_SEG(insn->info), LVX_GS);
	struct exec_cpu cpu = {
		.la_bits = ctx->cr4 & X86_CR4_LA57 ? 57 : 48,
		.protected = ctx->cr0 & X86_CR0_PE &&
			     !(ctx->rflags & X86_EFLAGS_VM),
	};
	enum insn_mode mode = ctx->cs_long ? INSN_MODE_64 : INSN_MODE_32;
	struct lvx_segment s;
	u64 ea = insn->disp;

	if (!(insn->info & INFO_NO_BASE))
		ea += vcpu->regs[INFO_BASE(insn->info)];
	if (!(insn->info & INFO_NO_INDEX))
		ea += vcpu->regs[INFO_INDEX(insn->info)] << INFO_SCALE(insn->info);
	ea &= exec_mask(INFO_ADSIZE(insn->info));

	lvx_get_segment(vcpu, seg, &s);
	cpu.seg[seg] = (struct exec_segment){
		.base = s.base, .limit = s.limit, .ar = s.ar,
	};
	if (exec_linear(&cpu, mode, (enum insn_seg)seg, ea, len, write, la))
		return LVX_EMUL_DONE;
	return fault(vcpu, seg == LVX_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
}

static enum lvx_emul_result load_operand(struct lvx_vcpu *vcpu,
					 const struct desc_insn *insn,
					 void *data, unsigned int len)
{
	enum lvx_emul_result result;
	u64 la;

	result = operand(vcpu, insn, len, false, &la);
	if (result != LVX_EMUL_DONE)
		return result;
	return lvx_emul_read(vcpu, la, data, len, LVX_AS_GUEST);
}

static enum lvx_emul_result store_operand(struct lvx_vcpu *vcpu,
					  const struct desc_insn *insn,
					  const void *data, unsigned int len)
{
	enum lvx_emul_result result;
	u64 la;

	result = operand(vcpu, insn, len, true, &la);
	if (result != LVX_EMUL_DONE)
		return result;
	return lvx_emul_write(vcpu, la, data, len, LVX_AS_GUEST);
}

/* The operand of SGDT and its kin in memory. */
struct table_operand {
	u16 limit;
	u64 base;
} __packed;

static unsigned int table_operand_size(struct lvx_vcpu *vcpu)
{
	return lvx_emul_ctx(vcpu)->cs_long ? 10 : 6;
}

static enum lvx_emul_result store_table(struct lvx_vcpu *vcpu,
					const struct desc_insn *insn)
{
	bool gdt = insn->op == SGDT;
	struct table_operand op = {
		.limit = vmcs_read32(gdt ? GUEST_GDTR_LIMIT : GUEST_IDTR_LIMIT),
		.base = vmcs_readl(gdt ? GUEST_GDTR_BASE : GUEST_IDTR_BASE),
	};

	return store_operand(vcpu, insn, &op, table_operand_size(vcpu));
}

static enum lvx_emul_result load_table(struct lvx_vcpu *vcpu,
				       const struct desc_insn *insn)
{
	const struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);
	bool gdt = insn->op == LGDT;
	struct table_operand op = {};
	enum lvx_emul_result result;

	result = load_operand(vcpu, insn, &op, table_operand_size(vcpu));
	if (result != LVX_EMUL_DONE)
		return result;
	if (ctx->cs_long) {
		if (!segment_canonical(op.base, ctx->cr4 & X86_CR4_LA57 ? 57 : 48))
			return protection_fault(vcpu);
	} else if (!(insn->info & INFO_OPSIZE_32)) {
		op.base &= GENMASK(23, 0);
	}
	vmcs_write32(gdt ? GUEST_GDTR_LIMIT : GUEST_IDTR_LIMIT, op.limit);
	vmcs_writel(gdt ? GUEST_GDTR_BASE : GUEST_IDTR_BASE, op.base);
	return LVX_EMUL_DONE;
}

/* Into a register the selector goes as the operand size has it. */
static enum lvx_emul_result store_selector(struct lvx_vcpu *vcpu,
					   const struct desc_insn *insn)
{
	enum lvx_seg seg = insn->op == SLDT ? LVX_LDTR : LVX_TR;
	u32 reg = INFO_REG(insn->info);
	enum lvx_emul_result result;
	struct lvx_segment s;
	unsigned int size;
	u64 value;

	lvx_get_segment(vcpu, seg, &s);
	if (!(insn->info & INFO_IS_REG))
		return store_operand(vcpu, insn, &s.selector, sizeof(s.selector));
	result = lvx_emul_operand_size(vcpu, &size);
	if (result != LVX_EMUL_DONE)
		return result;
	value = s.selector;
	if (size == 2)
		value |= vcpu->regs[reg] & ~0xffffULL;
	if (reg == LVX_RSP)
		lvx_set_rsp(vcpu, value);
	else
		vcpu->regs[reg] = value;
	return LVX_EMUL_DONE;
}

/*
 * The descriptor of an LDT or TSS, 16 bytes of it in 64-bit mode. SDM,
 * "LLDT-Load Local Descriptor Table Register" and "LTR-Load Task Register".
 */
static enum lvx_emul_result read_descriptor(struct lvx_vcpu *vcpu, u16 selector,
					    u64 *la, struct segment *seg)
{
	const struct lvx_emul_ctx *ctx = lvx_emul_ctx(vcpu);
	unsigned int len = ctx->cs_long ? 16 : 8;
	u64 raw[2] = {};
	enum lvx_emul_result result;

	if (!segment_in_table(selector, vmcs_read32(GUEST_GDTR_LIMIT), len) ||
	    selector & SELECTOR_TI)
		return fault(vcpu, X86_TRAP_GP, SELECTOR_ERROR(selector));
	*la = vmcs_readl(GUEST_GDTR_BASE) + (selector & ~7);
	if (!ctx->cs_long)
		*la = (u32)*la;
	result = lvx_emul_read(vcpu, *la, raw, len, LVX_AS_SYSTEM);
	if (result != LVX_EMUL_DONE)
		return result;
	*seg = segment_unpack(raw[0], selector);
	seg->base |= raw[1] << 32;
	if (ctx->cs_long &&
	    (raw[1] >> 40 & 0x1f ||
	     !segment_canonical(seg->base, ctx->cr4 & X86_CR4_LA57 ? 57 : 48)))
		return fault(vcpu, X86_TRAP_GP, SELECTOR_ERROR(selector));
	return LVX_EMUL_DONE;
}

static void set_segment(struct lvx_vcpu *vcpu, enum lvx_seg which,
			const struct segment *seg)
{
	lvx_set_segment(vcpu, which, &(struct lvx_segment){
		.base = seg->base, .limit = seg->limit, .ar = seg->ar,
		.selector = seg->selector,
	});
}

static enum lvx_emul_result load_ldt(struct lvx_vcpu *vcpu, u16 selector)
{
	struct segment seg = { .selector = selector, .ar = SEG_AR_UNUSABLE };
	enum lvx_emul_result result;
	u64 la;

	if (selector & ~3) {
		result = read_descriptor(vcpu, selector, &la, &seg);
		if (result != LVX_EMUL_DONE)
			return result;
		if ((seg.ar & SEG_AR_S_TYPE) != SEG_AR_LDT)
			return fault(vcpu, X86_TRAP_GP, SELECTOR_ERROR(selector));
		if (!(seg.ar & SEG_AR_P))
			return fault(vcpu, X86_TRAP_NP, SELECTOR_ERROR(selector));
	}
	set_segment(vcpu, LVX_LDTR, &seg);
	return LVX_EMUL_DONE;
}

static enum lvx_emul_result load_tr(struct lvx_vcpu *vcpu, u16 selector)
{
	bool long_mode = lvx_is_long_mode(vcpu);
	enum lvx_emul_result result;
	struct segment seg;
	u32 type;
	u8 byte;
	u64 la;

	if (!(selector & ~3))
		return protection_fault(vcpu);
	result = read_descriptor(vcpu, selector, &la, &seg);
	if (result != LVX_EMUL_DONE)
		return result;
	type = seg.ar & SEG_AR_S_TYPE;
	if (type != SEG_AR_TSS32 && (type != SEG_AR_TSS16 || long_mode))
		return fault(vcpu, X86_TRAP_GP, SELECTOR_ERROR(selector));
	if (!(seg.ar & SEG_AR_P))
		return fault(vcpu, X86_TRAP_NP, SELECTOR_ERROR(selector));
	seg.ar |= SEG_AR_BUSY;
	byte = seg.ar;
	result = lvx_emul_write(vcpu, la + 5, &byte, 1, LVX_AS_SYSTEM);
	if (result != LVX_EMUL_DONE)
		return result;
	set_segment(vcpu, LVX_TR, &seg);
	return LVX_EMUL_DONE;
}

static enum lvx_emul_result load_selector(struct lvx_vcpu *vcpu,
					  const struct desc_insn *insn)
{
	enum lvx_emul_result result;
	u16 selector = vcpu->regs[INFO_REG(insn->info)];

	if (!(insn->info & INFO_IS_REG)) {
		result = load_operand(vcpu, insn, &selector, sizeof(selector));
		if (result != LVX_EMUL_DONE)
			return result;
	}
	return insn->op == LLDT ? load_ldt(vcpu, selector) :
				  load_tr(vcpu, selector);
}

typedef enum lvx_emul_result (*execute_fn)(struct lvx_vcpu *vcpu,
					   const struct desc_insn *insn);

/* UMIP keeps the stores from user mode; the loads are never for it. */
static enum lvx_next execute(struct lvx_vcpu *vcpu, execute_fn fn,
			     const struct desc_insn *insn)
{
	enum lvx_emul_result result;

	lvx_fill_emul_ctx(vcpu, lvx_emul_ctx(vcpu));
	lvx_emul_no_access(vcpu);
	if (lvx_cpl(vcpu))
		result = protection_fault(vcpu);
	else
		result = fn(vcpu, insn);
	if (result != LVX_EMUL_DONE)
		return lvx_emul_stopped(vcpu, result);
	lvx_skip(vcpu);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_gdtr_idtr(struct lvx_vcpu *vcpu)
{
	struct desc_insn insn = read_insn();

	return execute(vcpu, insn.op <= SIDT ? store_table : load_table, &insn);
}

enum lvx_next lvx_exit_ldtr_tr(struct lvx_vcpu *vcpu)
{
	struct desc_insn insn = read_insn();

	return execute(vcpu, insn.op <= STR ? store_selector : load_selector,
		       &insn);
}
