/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Constants for enter.S, which can't include <asm/vmx.h>; vmcs_fields.c checks
 * them against it.
 */
#ifndef LVX_VMX_ENTER_H
#define LVX_VMX_ENTER_H

#define LVX_FIELD_HOST_RSP	0x6c14

#endif
