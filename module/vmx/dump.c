// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's VMX side for those who want to look: names come from the rows of
 * the tables that also drive it.
 */
#include <linux/errno.h>
#include <asm/vmx.h>

#include "vmx/exit.h"
#include "vmx/fields.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* Three fields are cached, and the VMCS may be behind. */
static u64 read_field(struct lvx_vcpu *vcpu, u32 field)
{
	switch (field) {
	case GUEST_RIP:
		return lvx_rip(vcpu);
	case GUEST_RSP:
		return lvx_rsp(vcpu);
	case GUEST_RFLAGS:
		return lvx_rflags(vcpu);
	default:
		/* All widths are one instruction on a 64-bit host. */
		return __lvx_vmread(field);
	}
}

/**
 * lvx_vmcs_dump() - one field of the VMCS
 * @vcpu: loaded
 * @i: its place in the table of fields
 * @name: receives the field's name
 * @value: receives its value
 *
 * Return: 0; 1: the field does not exist with this vCPU's controls; -ENOENT:
 * the table has no such row.
 */
int lvx_vmcs_dump(struct lvx_vcpu *vcpu, u32 i, const char **name, u64 *value)
{
	if (i >= lvx_nr_vmcs_fields)
		return -ENOENT;
	if (!lvx_vmcs_has(vcpu, &lvx_vmcs_fields[i]))
		return 1;
	*name = lvx_vmcs_fields[i].name;
	*value = read_field(vcpu, lvx_vmcs_fields[i].field);
	return 0;
}

/**
 * lvx_exit_count() - how often a vCPU exited for one reason
 * @vcpu: any; the counts run on while its thread does. NULL: only names
 * @i: basic exit reason
 * @name: receives the reason's name
 * @count: receives the number of exits
 *
 * Return: 0; 1: the number is no reason that lvx knows; -ENOENT: there are no
 * more.
 */
int lvx_exit_count(struct lvx_vcpu *vcpu, u32 i, const char **name, u64 *count)
{
	if (i >= LVX_NR_EXIT_ROWS)
		return -ENOENT;
	*name = lvx_exit_rows[i].name;
	*count = vcpu ? READ_ONCE(to_vmx(vcpu)->exits[i]) : 0;
	return *name ? 0 : 1;
}
