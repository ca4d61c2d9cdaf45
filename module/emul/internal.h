/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of module/emul/ share.
 */
#ifndef LVX_EMUL_INTERNAL_H
#define LVX_EMUL_INTERNAL_H

#include <linux/types.h>
#include <asm/processor.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "pure/exec.h"

/* cpuid_table.c */
u32 cpuid_supported_reg(u32 leaf, u32 subleaf, enum cpuid_regs_idx reg);
u64 cpuid_supported_xcr0(void);
u32 cpuid_xsave_size(u64 features, bool compacted);

#endif
