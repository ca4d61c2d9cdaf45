/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMCS regions and typed access to their fields.
 *
 * A field's encoding carries its width (SDM, "Field Encoding in VMCS"), so the
 * accessors check at build time that they are used on a field of their width.
 * An access that fails is a bug of ours: the instruction's failure is logged
 * once and reads as zero, and the host goes on.
 */
#ifndef LVX_VMX_VMCS_H
#define LVX_VMX_VMCS_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

struct lvx_vcpu;

/* Its name up to 6.1. */
#ifndef SECONDARY_EXEC_ENABLE_XSAVES
#define SECONDARY_EXEC_ENABLE_XSAVES	SECONDARY_EXEC_XSAVES
#endif

/* Bits 14:13 of an encoding. */
enum lvx_vmcs_width { LVX_VMCS_16, LVX_VMCS_64, LVX_VMCS_32, LVX_VMCS_NATURAL };

static __always_inline enum lvx_vmcs_width lvx_vmcs_width(u32 field)
{
	return (field >> 13) & 3;
}

struct lvx_vmcs_region {
	u32 revision;
	u32 abort;
	u8 data[];
};

/*
 * A VMCS and where it is current or cached. @list is on its CPU's list and,
 * with @cpu, changed only on that CPU with interrupts off.
 */
struct lvx_vmcs {
	struct lvx_vmcs_region *region;
	struct list_head list;
	int cpu;		/* -1: on no CPU */
	bool launched;
};

void lvx_vmread_failed(u32 field);
void lvx_vmwrite_failed(u32 field, u64 value);

static __always_inline unsigned long __lvx_vmread(unsigned long field)
{
	unsigned long value;

	asm_goto_output("1: vmread %[field], %[value]\n\t"
			  "jbe %l[fail]\n\t"
			  _ASM_EXTABLE(1b, %l[fail])
			  : [value] "=r" (value)
			  : [field] "r" (field) : "cc" : fail);
	return value;
fail:
	lvx_vmread_failed(field);
	return 0;
}

static __always_inline void __lvx_vmwrite(unsigned long field, unsigned long value)
{
	asm_goto_output("1: vmwrite %[value], %[field]\n\t"
			  "jbe %l[fail]\n\t"
			  _ASM_EXTABLE(1b, %l[fail])
			  : : [field] "r" (field), [value] "rm" (value)
			  : "cc" : fail);
	return;
fail:
	lvx_vmwrite_failed(field, value);
}

#define LVX_VMCS_ACCESSORS(suffix, type, width)				\
static __always_inline type vmcs_read##suffix(u32 field)		\
{									\
	BUILD_BUG_ON(__builtin_constant_p(field) &&			\
		     lvx_vmcs_width(field) != (width));			\
	return __lvx_vmread(field);					\
}									\
static __always_inline void vmcs_write##suffix(u32 field, type value)	\
{									\
	BUILD_BUG_ON(__builtin_constant_p(field) &&			\
		     lvx_vmcs_width(field) != (width));			\
	__lvx_vmwrite(field, value);					\
}

LVX_VMCS_ACCESSORS(16, u16, LVX_VMCS_16)
LVX_VMCS_ACCESSORS(32, u32, LVX_VMCS_32)
LVX_VMCS_ACCESSORS(64, u64, LVX_VMCS_64)
LVX_VMCS_ACCESSORS(l, unsigned long, LVX_VMCS_NATURAL)

static __always_inline void vmcs_set_bits(u32 field, u32 bits)
{
	vmcs_write32(field, vmcs_read32(field) | bits);
}

static __always_inline void vmcs_clear_bits(u32 field, u32 bits)
{
	vmcs_write32(field, vmcs_read32(field) & ~bits);
}

struct lvx_vmcs_region *lvx_vmcs_region_alloc(int cpu);
void lvx_vmcs_region_free(struct lvx_vmcs_region *region);
int lvx_vmcs_alloc(struct lvx_vmcs *vmcs);
void lvx_vmcs_free(struct lvx_vmcs *vmcs);
bool lvx_vmcs_load(struct lvx_vmcs *vmcs);
void lvx_vmcs_clear(struct lvx_vmcs *vmcs);
void lvx_vmcs_clear_cpu(void);
void lvx_vmcs_flush_cpu(void);
void lvx_vmcs_init(void);

/* vmcs_fields.c */
void lvx_vmcs_program(struct lvx_vcpu *vcpu);

#endif
