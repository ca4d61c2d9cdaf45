// SPDX-License-Identifier: GPL-2.0
/*
 * Task switches, which always exit: SDM, "Treatment of Task Switches". The CPU
 * has checked privileges and the new TSS's descriptor; pure/task.c does the
 * rest, and this file gives it the registers and takes them back.
 */
#include <linux/kvm.h>
#include <asm/processor.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "emul/emul.h"
#include "pure/task.h"
#include "vmx/exit.h"
#include "vmx/vcpu.h"

#define DR6_BT		BIT_ULL(15)
/* L0 to L3 and LE: the breakpoints of one task. */
#define DR7_LOCAL	0x155ull

static_assert((int)TASK_TR == (int)LVX_TR && (int)TASK_LDTR == (int)LVX_LDTR &&
	      (int)TASK_CS == (int)LVX_CS && (int)TASK_GS == (int)LVX_GS);

/*
 * struct task_exit: what the VMCS says, and what became of it
 * @selector: of the new TSS
 * @source: what began the switch
 * @event: what was being delivered, with TASK_GATE
 * @memory: why a callback failed
 */
struct task_exit {
	struct lvx_vcpu *vcpu;
	u16 selector;
	enum task_source source;
	struct lvx_event event;
	enum lvx_emul_result memory;
};

/* ------------------------------------------------------------ memory and CR3 */

/* Page tables that change under each of several walks: not for long. */
#define RETRIES		8

static int accessed(struct task_exit *exit, enum lvx_emul_result result)
{
	if (result == LVX_EMUL_DONE)
		return 0;
	exit->memory = result;
	return -EFAULT;
}

static int task_read(void *opaque, u32 la, void *data, unsigned int len)
{
	struct task_exit *exit = opaque;
	enum lvx_emul_result result = LVX_EMUL_RETRY;
	unsigned int i;

	for (i = 0; i < RETRIES && result == LVX_EMUL_RETRY; i++)
		result = lvx_emul_read(exit->vcpu, la, data, len, LVX_AS_SYSTEM);
	return accessed(exit, result);
}

static int task_write(void *opaque, u32 la, const void *data, unsigned int len)
{
	struct task_exit *exit = opaque;
	enum lvx_emul_result result = LVX_EMUL_RETRY;
	unsigned int i;

	for (i = 0; i < RETRIES && result == LVX_EMUL_RETRY; i++)
		result = lvx_emul_write(exit->vcpu, la, data, len, LVX_AS_SYSTEM);
	return accessed(exit, result);
}

static int task_probe(void *opaque, u32 la, unsigned int len)
{
	struct task_exit *exit = opaque;
	enum lvx_emul_result result = LVX_EMUL_RETRY;
	unsigned int i;

	for (i = 0; i < RETRIES && result == LVX_EMUL_RETRY; i++)
		result = lvx_emul_probe(exit->vcpu, la, len, LVX_AS_SYSTEM);
	return accessed(exit, result);
}

static int task_check_cr3(void *opaque, u32 cr3)
{
	struct task_exit *exit = opaque;

	return lvx_check_cr3(exit->vcpu, cr3);
}

static void task_load_cr3(void *opaque, u32 cr3)
{
	struct task_exit *exit = opaque;

	lvx_load_cr3(exit->vcpu, cr3);
	lvx_emul_ctx(exit->vcpu)->cr3 = cr3;
}

/* ------------------------------------------------------------------ registers */

/* Something other than an instruction: it returns to where it came from. */
static bool is_external(const struct task_exit *exit)
{
	u32 type = exit->event.info & INTR_INFO_INTR_TYPE_MASK;

	return exit->source == TASK_GATE &&
	       (type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR ||
		type == INTR_TYPE_HARD_EXCEPTION);
}

static void save_cpu(const struct task_exit *exit, struct task_cpu *cpu)
{
	struct lvx_vcpu *vcpu = exit->vcpu;
	bool external = is_external(exit);
	struct lvx_segment seg;
	unsigned int i;

	*cpu = (struct task_cpu){
		.eip = lvx_rip(vcpu),
		/* As the old TSS shall have them: RF is right already. */
		.eflags = lvx_debug_rflags(vcpu),
		.gdt_base = vmcs_readl(GUEST_GDTR_BASE),
		.gdt_limit = vmcs_read32(GUEST_GDTR_LIMIT),
		.paging = lvx_cr0(vcpu) & X86_CR0_PG,
		.ext = external,
	};
	if (!external)
		cpu->eip += vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	for (i = 0; i < ARRAY_SIZE(cpu->gpr); i++)
		cpu->gpr[i] = vcpu->regs[i];
	for (i = 0; i < TASK_NR_SEGMENTS; i++) {
		lvx_get_segment(vcpu, i, &seg);
		cpu->seg[i] = (struct segment){
			.base = seg.base, .limit = seg.limit, .ar = seg.ar,
			.selector = seg.selector,
		};
	}
}

static void load_cpu(const struct task_exit *exit, const struct task_cpu *cpu)
{
	struct lvx_vcpu *vcpu = exit->vcpu;
	struct lvx_vmx *vmx = to_vmx(vcpu);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpu->gpr); i++)
		vcpu->regs[i] = cpu->gpr[i];
	lvx_set_rsp(vcpu, cpu->gpr[LVX_RSP]);
	lvx_set_rip(vcpu, cpu->eip);
	lvx_set_rflags(vcpu, cpu->eflags);
	for (i = 0; i < TASK_NR_SEGMENTS; i++)
		lvx_set_segment(vcpu, i, &(struct lvx_segment){
			.base = cpu->seg[i].base, .limit = cpu->seg[i].limit,
			.ar = cpu->seg[i].ar, .selector = cpu->seg[i].selector,
		});
	lvx_load_cr0(vcpu, lvx_cr0(vcpu) | X86_CR0_TS);
	vmx->dr7 &= ~DR7_LOCAL;
	lvx_debug_update(vcpu);
	/* A step that was pending was the old task's. */
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO, LVX_SHADOW);
	if ((exit->event.info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR &&
	    exit->source == TASK_GATE)
		vmcs_set_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);
}

/* ------------------------------------------------------------------ the switch */

static enum task_result push_error_code(struct task_exit *exit,
					struct task_cpu *cpu)
{
	struct lvx_vcpu *vcpu = exit->vcpu;
	unsigned int size;
	u32 la;

	if (exit->source != TASK_GATE ||
	    !(exit->event.info & INTR_INFO_DELIVER_CODE_MASK))
		return TASK_DONE;
	if (!task_push_address(cpu, &size, &la))
		return task_fault(cpu, TASK_VECTOR_SS, 0);
	lvx_set_rsp(vcpu, cpu->gpr[LVX_RSP]);
	lvx_fill_emul_ctx(vcpu, lvx_emul_ctx(vcpu));
	lvx_emul_no_access(vcpu);
	if (accessed(exit, lvx_emul_write(vcpu, la, &exit->event.error_code,
					  size, LVX_AS_GUEST)))
		return TASK_MEMORY;
	return TASK_DONE;
}

/*
 * A fault: in the old task, which then is as it was, or in the new one. The
 * event that began the switch stays only for what queue() makes of a second
 * exception; an interrupt that can't be delivered is gone.
 */
static enum lvx_next failed(struct task_exit *exit, const struct task_cpu *cpu,
			    enum task_result result)
{
	struct lvx_vcpu *vcpu = exit->vcpu;
	struct lvx_vmx *vmx = to_vmx(vcpu);
	u32 type = vmx->event.info & INTR_INFO_INTR_TYPE_MASK;
	u64 data[2] = { exit->selector, exit->source };

	if (result == TASK_MEMORY && exit->memory != LVX_EMUL_FAULT) {
		/* The TSS is in a device, or as good as in one. */
		if (exit->memory == LVX_EMUL_RETRY && !cpu->committed)
			return LVX_RESUME;
		return lvx_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION,
					  ARRAY_SIZE(data), data);
	}
	if (type != INTR_TYPE_HARD_EXCEPTION)
		vmx->event.info = 0;
	if (result == TASK_MEMORY)
		return lvx_emul_stopped(vcpu, LVX_EMUL_FAULT);
	lvx_raise_error(vcpu, cpu->vector, cpu->error_code);
	return LVX_RESUME;
}

enum lvx_next lvx_exit_task_switch(struct lvx_vcpu *vcpu)
{
	u64 qual = vmcs_readl(EXIT_QUALIFICATION);
	struct task_exit exit = {
		.vcpu = vcpu,
		.selector = qual,
		.source = qual >> 30 & 3,
		.event = to_vmx(vcpu)->event,
	};
	const struct task_memory memory = {
		.opaque = &exit,
		.read = task_read,
		.write = task_write,
		.probe = task_probe,
		.check_cr3 = task_check_cr3,
		.load_cr3 = task_load_cr3,
	};
	enum task_result result;
	struct task_cpu cpu;

	lvx_fill_emul_ctx(vcpu, lvx_emul_ctx(vcpu));
	lvx_emul_no_access(vcpu);
	/* IRET ends it whether or not it faults. */
	if (exit.source == TASK_IRET)
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO,
				GUEST_INTR_STATE_NMI);
	save_cpu(&exit, &cpu);
	result = task_switch(&cpu, &memory, exit.selector, exit.source);
	if (cpu.committed)
		load_cpu(&exit, &cpu);
	if (result == TASK_DONE)
		result = push_error_code(&exit, &cpu);
	if (result != TASK_DONE)
		return failed(&exit, &cpu, result);
	to_vmx(vcpu)->event.info = 0;
	if (cpu.debug_trap)
		lvx_raise_db(vcpu, DR6_BT);
	return LVX_RESUME;
}
