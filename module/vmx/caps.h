/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the CPUs' VMX can do and what of it lvx uses.
 */
#ifndef LVX_VMX_CAPS_H
#define LVX_VMX_CAPS_H

#include <linux/types.h>

/* The five control words of a VMCS. */
enum lvx_word {
	LVX_PIN,
	LVX_CPU,
	LVX_CPU2,
	LVX_EXIT,
	LVX_ENTRY,
	LVX_NR_WORDS,
};

struct lvx_controls {
	u32 word[LVX_NR_WORDS];
};

/*
 * struct lvx_caps: negotiated once, the same for every VM
 * @ctl: control words to start a VMCS with; features switched off by module
 *	parameters are already missing
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @revision: VMCS revision identifier
 * @region_size: bytes of a VMCS region
 * @emulate_umip: the CPU has no UMIP, but VM exits that can stand in for it
 * @timer_shift: log2 of the preemption timer's tick in ticks of the TSC
 */
struct lvx_caps {
	struct lvx_controls ctl;
	u64 ept_vpid;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u32 revision;
	u32 region_size;
	bool emulate_umip;
	u8 timer_shift;
};

extern struct lvx_caps lvx_caps;

int lvx_caps_init(void);
int lvx_caps_check_cpu(void);

static inline bool lvx_has(enum lvx_word word, u32 bits)
{
	return (lvx_caps.ctl.word[word] & bits) == bits;
}

#endif
