// SPDX-License-Identifier: GPL-2.0
/*
 * The VMCS as a table: every field, in the order and under the headings of the
 * SDM's chapter "Virtual Machine Control Structures", with the value that lvx
 * starts it with and the control without which the field does not exist. One
 * loop programs a VMCS from it, and a dump reads it.
 *
 * Host state that depends on the CPU or on the task is not here but in load.c:
 * it is written when the vCPU is loaded.
 */
#include <linux/kernel.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/vmx.h>

#include "mmu/mmu.h"
#include "irq/irq.h"
#include "vmx/enter.h"
#include "vmx/fields.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

static u64 get_vpid(struct lvx_vcpu *vcpu)
{
	return to_vmx(vcpu)->vpid;
}

static u64 get_msr_bitmap(struct lvx_vcpu *vcpu)
{
	return __pa(to_vmx(vcpu)->msr_bitmap);
}

static u64 get_apic_page(struct lvx_vcpu *vcpu)
{
	return vcpu->lapic ? __pa(lvx_lapic_page(vcpu)) : 0;
}

static u64 get_eptp(struct lvx_vcpu *vcpu)
{
	return lvx_mmu_eptp(vcpu->vm);
}

static u64 get_tsc_offset(struct lvx_vcpu *vcpu)
{
	return lvx_get_tsc_offset(vcpu);
}

/* perf.c fills these lists and sets their lengths. */
static u64 get_guest_msrs(struct lvx_vcpu *vcpu)
{
	return __pa(to_vmx(vcpu)->perf.guest);
}

static u64 get_host_msrs(struct lvx_vcpu *vcpu)
{
	return __pa(to_vmx(vcpu)->perf.host);
}

#define GET_WORD(name, index)						\
static u64 get_##name##_word(struct lvx_vcpu *vcpu)				\
{									\
	return to_vmx(vcpu)->ctl.word[index];				\
}
GET_WORD(pin, LVX_PIN)
GET_WORD(cpu, LVX_CPU)
GET_WORD(cpu2, LVX_CPU2)
GET_WORD(exit, LVX_EXIT)
GET_WORD(entry, LVX_ENTRY)

static u64 get_host_cr0(struct lvx_vcpu *vcpu)
{
	/* TS: the kernel never sets it. */
	return read_cr0();
}

static u64 get_host_idt(struct lvx_vcpu *vcpu)
{
	struct desc_ptr dt;

	store_idt(&dt);
	return dt.address;
}

static u64 get_host_efer(struct lvx_vcpu *vcpu)
{
	u64 value;

	rdmsrl(MSR_EFER, value);
	return value;
}

static u64 get_host_pat(struct lvx_vcpu *vcpu)
{
	u64 value;

	rdmsrl(MSR_IA32_CR_PAT, value);
	return value;
}

static u64 get_host_sysenter_cs(struct lvx_vcpu *vcpu)
{
	u64 value;

	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	return value;
}

static u64 get_host_sysenter_eip(struct lvx_vcpu *vcpu)
{
	u64 value;

	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	return value;
}

static u64 get_host_rip(struct lvx_vcpu *vcpu)
{
	return (unsigned long)lvx_exit_point;
}

/*
 * #DB is intercepted to keep DR6 right, #AC since a guest can make its delivery
 * fault with #AC for ever, #MC since it is the host's.
 */
#define EXCEPTIONS	(BIT(DB_VECTOR) | BIT(AC_VECTOR) | BIT(MC_VECTOR))

/* A field with a constant, with a getter, and one that is only dumped. */
#define CONST(f, v)		{ #f, f, LVX_FIELD_CONST, .value = v }
#define GET(f, fn)		{ #f, f, LVX_FIELD_GET, .get = fn }
#define DUMP(f)			{ #f, f, LVX_FIELD_DUMP }
#define CONST_IF(f, v, w, b)						\
	{ #f, f, LVX_FIELD_CONST, .value = v, .word = w, .bit = b }
#define GET_IF(f, fn, w, b)						\
	{ #f, f, LVX_FIELD_GET, .get = fn, .word = w, .bit = b }
#define SEGMENT(s)		DUMP(GUEST_##s##_SELECTOR), DUMP(GUEST_##s##_BASE), \
				DUMP(GUEST_##s##_LIMIT), DUMP(GUEST_##s##_AR_BYTES)

const struct lvx_vmcs_field lvx_vmcs_fields[] = {
	/* "Guest Register State": state.c writes it at reset. */
	DUMP(GUEST_CR0), DUMP(GUEST_CR3), DUMP(GUEST_CR4), DUMP(GUEST_DR7),
	DUMP(GUEST_RSP), DUMP(GUEST_RIP), DUMP(GUEST_RFLAGS),
	SEGMENT(CS), SEGMENT(SS), SEGMENT(DS), SEGMENT(ES), SEGMENT(FS),
	SEGMENT(GS), SEGMENT(LDTR), SEGMENT(TR),
	DUMP(GUEST_GDTR_BASE), DUMP(GUEST_GDTR_LIMIT),
	DUMP(GUEST_IDTR_BASE), DUMP(GUEST_IDTR_LIMIT),
	CONST(GUEST_IA32_DEBUGCTL, 0),
	DUMP(GUEST_SYSENTER_CS), DUMP(GUEST_SYSENTER_ESP),
	DUMP(GUEST_SYSENTER_EIP), DUMP(GUEST_IA32_PAT), DUMP(GUEST_IA32_EFER),

	/* "Guest Non-Register State" */
	CONST(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE),
	CONST(GUEST_INTERRUPTIBILITY_INFO, 0),
	CONST(GUEST_PENDING_DBG_EXCEPTIONS, 0),
	CONST(VMCS_LINK_POINTER, ~0ULL),
	DUMP(GUEST_PDPTR0), DUMP(GUEST_PDPTR1), DUMP(GUEST_PDPTR2),
	DUMP(GUEST_PDPTR3),

	/* "Host-State Area" */
	GET(HOST_CR0, get_host_cr0), DUMP(HOST_CR3), DUMP(HOST_CR4),
	DUMP(HOST_RSP), GET(HOST_RIP, get_host_rip),
	CONST(HOST_CS_SELECTOR, __KERNEL_CS),
	CONST(HOST_SS_SELECTOR, __KERNEL_DS),
	CONST(HOST_DS_SELECTOR, 0), CONST(HOST_ES_SELECTOR, 0),
	CONST(HOST_FS_SELECTOR, 0), CONST(HOST_GS_SELECTOR, 0),
	CONST(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8),
	DUMP(HOST_FS_BASE), DUMP(HOST_GS_BASE), DUMP(HOST_TR_BASE),
	DUMP(HOST_GDTR_BASE), GET(HOST_IDTR_BASE, get_host_idt),
	GET(HOST_IA32_SYSENTER_CS, get_host_sysenter_cs),
	DUMP(HOST_IA32_SYSENTER_ESP),
	GET(HOST_IA32_SYSENTER_EIP, get_host_sysenter_eip),
	GET(HOST_IA32_PAT, get_host_pat), GET(HOST_IA32_EFER, get_host_efer),

	/* "VM-Execution Control Fields" */
	GET(PIN_BASED_VM_EXEC_CONTROL, get_pin_word),
	GET(CPU_BASED_VM_EXEC_CONTROL, get_cpu_word),
	GET(SECONDARY_VM_EXEC_CONTROL, get_cpu2_word),
	CONST_IF(VMX_PREEMPTION_TIMER_VALUE, U32_MAX, LVX_PIN,
		 PIN_BASED_VMX_PREEMPTION_TIMER),
	CONST(EXCEPTION_BITMAP, EXCEPTIONS),
	/* Mask and match 0 with bit 14 clear: no #PF exits. */
	CONST(PAGE_FAULT_ERROR_CODE_MASK, 0),
	CONST(PAGE_FAULT_ERROR_CODE_MATCH, 0),
	GET(TSC_OFFSET, get_tsc_offset),
	DUMP(CR0_GUEST_HOST_MASK), DUMP(CR4_GUEST_HOST_MASK),
	DUMP(CR0_READ_SHADOW), DUMP(CR4_READ_SHADOW),
	CONST(CR3_TARGET_COUNT, 0),
	GET_IF(VIRTUAL_APIC_PAGE_ADDR, get_apic_page, LVX_CPU, CPU_BASED_TPR_SHADOW),
	CONST_IF(TPR_THRESHOLD, 0, LVX_CPU, CPU_BASED_TPR_SHADOW),
	GET(MSR_BITMAP, get_msr_bitmap),
	GET(EPT_POINTER, get_eptp),
	/* In ticks: PAUSEs this close are one loop, and so long may it last. */
	CONST_IF(PLE_GAP, 128, LVX_CPU2, SECONDARY_EXEC_PAUSE_LOOP_EXITING),
	CONST_IF(PLE_WINDOW, 4096, LVX_CPU2, SECONDARY_EXEC_PAUSE_LOOP_EXITING),
	GET_IF(VIRTUAL_PROCESSOR_ID, get_vpid, LVX_CPU2, SECONDARY_EXEC_ENABLE_VPID),
	CONST_IF(ENCLS_EXITING_BITMAP, ~0ULL, LVX_CPU2, SECONDARY_EXEC_ENCLS_EXITING),
	CONST_IF(XSS_EXIT_BITMAP, 0, LVX_CPU2, SECONDARY_EXEC_ENABLE_XSAVES),

	/* "VM-Exit Control Fields" */
	GET(VM_EXIT_CONTROLS, get_exit_word),
	CONST(VM_EXIT_MSR_STORE_COUNT, 0), CONST(VM_EXIT_MSR_LOAD_COUNT, 0),
	GET(VM_EXIT_MSR_LOAD_ADDR, get_host_msrs),

	/* "VM-Entry Control Fields" */
	GET(VM_ENTRY_CONTROLS, get_entry_word),
	CONST(VM_ENTRY_MSR_LOAD_COUNT, 0),
	GET(VM_ENTRY_MSR_LOAD_ADDR, get_guest_msrs),
	CONST(VM_ENTRY_INTR_INFO_FIELD, 0),
	DUMP(VM_ENTRY_EXCEPTION_ERROR_CODE), DUMP(VM_ENTRY_INSTRUCTION_LEN),

	/* "VM-Exit Information Fields" */
	DUMP(VM_EXIT_REASON), DUMP(EXIT_QUALIFICATION),
	DUMP(GUEST_LINEAR_ADDRESS), DUMP(GUEST_PHYSICAL_ADDRESS),
	DUMP(VM_EXIT_INTR_INFO), DUMP(VM_EXIT_INTR_ERROR_CODE),
	DUMP(IDT_VECTORING_INFO_FIELD), DUMP(IDT_VECTORING_ERROR_CODE),
	DUMP(VM_EXIT_INSTRUCTION_LEN), DUMP(VMX_INSTRUCTION_INFO),
	DUMP(VM_INSTRUCTION_ERROR),
};

static_assert(LVX_FIELD_HOST_RSP == HOST_RSP);
static_assert(offsetof(struct lvx_switch, host_rsp) == LVX_SWITCH_RSP);
static_assert(offsetof(struct lvx_switch, spec_ctrl) == LVX_SWITCH_SPEC_CTRL);
static_assert(offsetof(struct lvx_switch, spec_ctrl_live) ==
	      LVX_SWITCH_SPEC_CTRL_LIVE);

const u32 lvx_nr_vmcs_fields = ARRAY_SIZE(lvx_vmcs_fields);

/**
 * lvx_vmcs_has() - does a field exist, with a vCPU's controls?
 * @vcpu: whose
 * @field: row of the table
 */
bool lvx_vmcs_has(struct lvx_vcpu *vcpu, const struct lvx_vmcs_field *field)
{
	return !field->bit || (to_vmx(vcpu)->ctl.word[field->word] & field->bit);
}

static void write_field(u32 field, u64 value)
{
	/* All widths are one instruction on a 64-bit host. */
	__lvx_vmwrite(field, value);
}

/**
 * lvx_vmcs_program() - write what the table says into the current VMCS
 * @vcpu: whose VMCS is current
 */
void lvx_vmcs_program(struct lvx_vcpu *vcpu)
{
	const struct lvx_vmcs_field *f;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lvx_vmcs_fields); i++) {
		f = &lvx_vmcs_fields[i];
		if (f->kind == LVX_FIELD_DUMP || !lvx_vmcs_has(vcpu, f))
			continue;
		write_field(f->field, f->kind == LVX_FIELD_GET ?
			    f->get(vcpu) : f->value);
	}
}
