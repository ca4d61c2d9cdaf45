/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Constants for enter.S, which can't include <asm/vmx.h> and vcpu.h;
 * vmcs_fields.c checks them against those.
 */
#ifndef LVX_VMX_ENTER_H
#define LVX_VMX_ENTER_H

#define LVX_FIELD_HOST_RSP	0x6c14

/* Offsets in struct lvx_switch */
#define LVX_SWITCH_RSP		0
#define LVX_SWITCH_SPEC_CTRL	8
#define LVX_SWITCH_SPEC_CTRL_LIVE 16

#endif
