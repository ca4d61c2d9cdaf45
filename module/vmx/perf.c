// SPDX-License-Identifier: GPL-2.0
/*
 * The host's performance counters and its Processor Trace, beside a guest.
 *
 * Guests have no PMU, but the host's counters run on in VMX non-root operation.
 * Perf says which of its MSRs must have another value there: counters of events
 * with exclude_guest are off, those with exclude_host on. The CPU switches them
 * by the VMCS's lists of MSRs, to the instruction. They change only on this CPU
 * with interrupts off, so they are asked for once per trip.
 *
 * PEBS writes its records to an address that is the host's: it must be off in the
 * guest, whatever the event says. Since a record that is under way is still written
 * for a while, it goes off before the first entry and on after the last exit.
 *
 * There are no callbacks for samples taken in the guest (perf_guest_info): the
 * kernel has room for one user's, and KVM takes it at load. A sample that comes from
 * a guest shows the NMI's way through lvx.
 */
#include <linux/cache.h>
#include <linux/kernel.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/vmx.h>

#include "base/vm.h"
#include "vmx/vcpu.h"

static void set_counts(struct lvx_perf *perf, u32 nr)
{
	if (nr == perf->nr)
		return;
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, nr);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, nr);
	perf->nr = nr;
}

/* Something is different in the guest. */
static u32 fill_lists(struct lvx_perf *perf,
		      const struct perf_guest_switch_msr *msrs, int nr_msrs)
{
	u32 nr = 0;
	int i;

	for (i = 0; i < nr_msrs && nr < LVX_PERF_MSRS; i++) {
		if (msrs[i].host == msrs[i].guest)
			continue;
		perf->guest[nr].index = msrs[i].msr;
		perf->guest[nr].value = msrs[i].guest;
		perf->host[nr].index = msrs[i].msr;
		perf->host[nr].value = msrs[i].host;
		if (msrs[i].msr == MSR_IA32_PEBS_ENABLE) {
			perf->pebs = msrs[i].host;
			perf->host[nr].value = msrs[i].guest;
			wrmsrl(MSR_IA32_PEBS_ENABLE, msrs[i].guest);
		}
		nr++;
	}
	return nr;
}

/**
 * lvx_perf_enter() - the host's counters for a trip into the guest
 * @vcpu: about to enter; interrupts are off until lvx_perf_exit()
 */
void lvx_perf_enter(struct lvx_vcpu *vcpu)
{
	struct lvx_perf *perf = &to_vmx(vcpu)->perf;
	const struct perf_guest_switch_msr *msrs;
	int nr = 0;

	msrs = perf_guest_get_msrs(&nr, NULL);
	/* Without a PMU there is no answer, and nr is anything. */
	if (likely(!msrs))
		set_counts(perf, 0);
	else
		set_counts(perf, fill_lists(perf, msrs, nr));
}

/**
 * lvx_perf_restore() - after a trip during which PEBS was off
 * @perf: of the vCPU that came back
 */
void lvx_perf_restore(struct lvx_perf *perf)
{
	wrmsrl(MSR_IA32_PEBS_ENABLE, perf->pebs);
	perf->pebs = 0;
}
