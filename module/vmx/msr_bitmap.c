// SPDX-License-Identifier: GPL-2.0
/*
 * The MSR bitmap: which RDMSR and WRMSR exit.
 *
 * One page, four maps of 1 KiB: reads of MSRs 0..1fff, reads of c0000000..
 * c0001fff, then the same for writes; a set bit exits, and so does any other
 * index (SDM, "MSR-Bitmap Address"). What passes through is what the CPU
 * itself switches at VM entry and exit or what lvx switches before and after,
 * so that the guest's value is in the MSR while the guest runs.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/msr-index.h>

#include "base/vm.h"
#include "vmx/vcpu.h"

#define MAP_MSRS	0x2000u		/* indices per map */
#define HIGH_MSRS	0xc0000000u	/* of the second map of each pair */

static const struct {
	u32 index;
	bool read, write;
} passed[] = {
	/* VMCS fields */
	{ MSR_FS_BASE, true, true },
	{ MSR_GS_BASE, true, true },
	{ MSR_IA32_SYSENTER_CS, true, true },
	{ MSR_IA32_SYSENTER_ESP, true, true },
	{ MSR_IA32_SYSENTER_EIP, true, true },
	/* load.c switches it */
	{ MSR_KERNEL_GS_BASE, true, true },
	/* The CPU adds the VMCS's TSC offset to what RDMSR reads, too. */
	{ MSR_IA32_TSC, true, false },
};

/* Position of an index in the maps of reads; -1: in none. */
static int map_bit(u32 index)
{
	if (index < MAP_MSRS)
		return index;
	if (index - HIGH_MSRS < MAP_MSRS)
		return MAP_MSRS + index - HIGH_MSRS;
	return -1;
}

/* What passes through once it was used: speculation.c. */
static const u32 on_demand[] = { MSR_IA32_SPEC_CTRL, MSR_IA32_PRED_CMD };

static void intercept(unsigned long *bitmap, u32 index, bool read, bool write)
{
	int bit = map_bit(index);

	if (bit < 0)
		return;
	__assign_bit(bit, bitmap, read);
	__assign_bit(bit + 2 * MAP_MSRS, bitmap, write);
}

/**
 * lvx_msr_bitmap_init() - what passes through for every vCPU
 * @bitmap: a page
 */
void lvx_msr_bitmap_init(unsigned long *bitmap)
{
	u32 i;

	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(passed); i++)
		intercept(bitmap, passed[i].index, !passed[i].read,
			  !passed[i].write);
}

/**
 * lvx_msr_intercept() - choose what a guest's access to an MSR does
 * @vcpu: whose bitmap
 * @index: MSR
 * @read: RDMSR exits
 * @write: WRMSR exits
 *
 * What user space's filter keeps from the guest exits in any case. The CPU reads
 * the bitmap in memory at each access: no VMCS field changes.
 */
void lvx_msr_intercept(struct lvx_vcpu *vcpu, u32 index, bool read, bool write)
{
	read |= !lvx_msr_filter_allows(vcpu->vm, index, KVM_MSR_FILTER_READ);
	write |= !lvx_msr_filter_allows(vcpu->vm, index, KVM_MSR_FILTER_WRITE);
	intercept(to_vmx(vcpu)->msr_bitmap, index, read, write);
}

/**
 * lvx_msr_bitmap_refilter() - user space's filter is another one
 * @vcpu: loaded
 */
void lvx_msr_bitmap_refilter(struct lvx_vcpu *vcpu)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(passed); i++)
		lvx_msr_intercept(vcpu, passed[i].index, !passed[i].read,
				  !passed[i].write);
	for (i = 0; i < ARRAY_SIZE(on_demand); i++)
		lvx_msr_intercept(vcpu, on_demand[i], true, true);
}
