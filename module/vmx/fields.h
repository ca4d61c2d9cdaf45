/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of VMCS fields, for those who dump it.
 */
#ifndef LVX_VMX_FIELDS_H
#define LVX_VMX_FIELDS_H

#include <linux/types.h>

#include "vmx/caps.h"

struct lvx_vcpu;

enum lvx_field_kind {
	LVX_FIELD_CONST,	/* starts with .value */
	LVX_FIELD_GET,		/* starts with what .get returns */
	LVX_FIELD_DUMP,		/* written elsewhere, or by the CPU */
};

struct lvx_vmcs_field {
	const char *name;
	u32 field;
	enum lvx_field_kind kind;
	enum lvx_word word;	/* with .bit */
	u32 bit;		/* exists only with this control; 0: always */
	u64 value;
	u64 (*get)(struct lvx_vcpu *vcpu);
};

extern const struct lvx_vmcs_field lvx_vmcs_fields[];
extern const u32 lvx_nr_vmcs_fields;

bool lvx_vmcs_has(struct lvx_vcpu *vcpu, const struct lvx_vmcs_field *field);

#endif
