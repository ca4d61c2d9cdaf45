// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's modes (IA32_APIC_BASE), and its page as user space reads and
 * writes it.
 */
#include "pure/apic.h"

/**
 * lvx_apic_set_base() - write IA32_APIC_BASE
 * @apic: the APIC
 * @base: new value
 * @by_host: user space restores state, and may make any transition
 * @has_x2apic: the guest's CPUID shows x2APIC
 * @maxphyaddr: width of guest-physical addresses
 *
 * See SDM vol. 3, "x2APIC State Transitions".
 *
 * Return: 0, or -EINVAL and nothing changed.
 */
int lvx_apic_set_base(struct lvx_apic *apic, u64 base, bool by_host,
		      bool has_x2apic, u8 maxphyaddr)
{
	u64 mode = LVX_APIC_BASE_ENABLE | LVX_APIC_BASE_X2APIC;
	u64 old = apic->base, reserved = 0x2ff;

	if (!has_x2apic)
		reserved |= LVX_APIC_BASE_X2APIC;
	if (maxphyaddr < 64)
		reserved |= GENMASK_ULL(63, maxphyaddr);
	if (base & reserved)
		return -EINVAL;
	if ((base & mode) == LVX_APIC_BASE_X2APIC)
		return -EINVAL;
	if (!by_host && (old & mode) == mode &&
	    (base & mode) == LVX_APIC_BASE_ENABLE)
		return -EINVAL;
	if (!by_host && !(old & LVX_APIC_BASE_ENABLE) && (base & mode) == mode)
		return -EINVAL;

	apic->base = base;
	if (!(old & LVX_APIC_BASE_ENABLE) && (base & LVX_APIC_BASE_ENABLE)) {
		lvx_apic_set(apic, LVX_APIC_ID, apic->id << 24);
		lvx_apic_set(apic, LVX_APIC_LDR, 0);
	}
	if (!(old & LVX_APIC_BASE_X2APIC) && lvx_apic_x2(apic)) {
		lvx_apic_set(apic, LVX_APIC_ID, apic->id);
		lvx_apic_set(apic, LVX_APIC_LDR, lvx_apic_x2_ldr(apic->id));
	}
	return 0;
}

/**
 * lvx_apic_get_page() - the page as user space knows it
 * @apic: the APIC
 * @page: 1 KiB or more, of which the first is filled
 * @now: ns
 *
 * In x2APIC mode user space sees the ID in bits 31:24 and the ICR in two
 * halves, as in xAPIC mode.
 */
void lvx_apic_get_page(const struct lvx_apic *apic, u8 *page, u64 now)
{
	u32 *p = (u32 *)page;

	memcpy(page, apic->regs, LVX_APIC_USER_SIZE);
	p[LVX_APIC_PPR / 4] = lvx_apic_ppr(apic);
	p[LVX_APIC_TIMER_CURRENT / 4] = lvx_apic_timer_count(apic, now);
	if (lvx_apic_x2(apic)) {
		p[LVX_APIC_ID / 4] = apic->id << 24;
		p[LVX_APIC_ICR2 / 4] = p[LVX_APIC_ICR / 4 + 1];
		p[LVX_APIC_ICR / 4 + 1] = 0;
	}
}

/**
 * lvx_apic_set_page() - take over a page from user space
 * @apic: the APIC, @base set
 * @page: 1 KiB of anything
 * @now: ns
 *
 * What the guest couldn't have written either is not believed where code here
 * relies on it; the rest is taken as it is.
 */
void lvx_apic_set_page(struct lvx_apic *apic, const u8 *page, u64 now)
{
	u32 count;

	memcpy(apic->regs, page, LVX_APIC_USER_SIZE);
	if (lvx_apic_x2(apic)) {
		lvx_apic_set(apic, LVX_APIC_ID, apic->id);
		lvx_apic_set(apic, LVX_APIC_LDR, lvx_apic_x2_ldr(apic->id));
		lvx_apic_set(apic, LVX_APIC_ICR + 4,
			     lvx_apic_get(apic, LVX_APIC_ICR2));
		lvx_apic_set(apic, LVX_APIC_ICR2, 0);
	}
	lvx_apic_set_version(apic);
	lvx_apic_set(apic, LVX_APIC_TPR,
		     lvx_apic_get(apic, LVX_APIC_TPR) & 0xff);
	lvx_apic_set(apic, LVX_APIC_PPR, lvx_apic_ppr(apic));
	count = lvx_apic_get(apic, LVX_APIC_TIMER_CURRENT);
	lvx_apic_set(apic, LVX_APIC_TIMER_CURRENT, 0);
	lvx_apic_timer_restore(apic, count, now);
}
