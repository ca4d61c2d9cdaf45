// SPDX-License-Identifier: GPL-2.0
/*
 * Access to model-specific registers. They are a table (msr_table.c): what is
 * not in it does not exist.
 *
 * The guest's RDMSR and WRMSR come here, unless the MSR bitmap lets them pass,
 * and so do KVM_GET_MSRS and KVM_SET_MSRS. Two sorts of callers, two sets of
 * rules: user space restores a saved VM, in any order of registers and perhaps
 * before it has set the CPUID table, so it may write what is read-only for the
 * guest, and MSRs whose CPUID feature the guest lacks. What the CPU itself
 * would refuse (a non-canonical address, a reserved bit) it can't write, either.
 */
#include <linux/hash.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "vmx/msr.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/*
 * Index to row: open addressing, a quarter full at most. A binary search would
 * be as much code and more steps than the rest of an RDMSR exit. The 256
 * indices of x2APIC would fill it: they are looked at first and not in it.
 */
#define MAP_BITS	10
#define X2APIC_FIRST	0x800u
#define X2APIC_COUNT	0x100u

static u8 map[1 << MAP_BITS];		/* row number + 1; 0: free */
static const struct lvx_msr *x2apic_row;

static const struct lvx_msr *find(u32 index)
{
	const struct lvx_msr *msr;
	u32 slot;

	if (index - X2APIC_FIRST < X2APIC_COUNT)
		return x2apic_row;
	for (slot = hash_32(index, MAP_BITS); map[slot];
	     slot = (slot + 1) % ARRAY_SIZE(map)) {
		msr = &lvx_msrs[map[slot] - 1];
		if (index - msr->first < msr->count)
			return msr;
	}
	return NULL;
}

static void map_add(u32 index, u32 row)
{
	u32 slot = hash_32(index, MAP_BITS);

	while (map[slot])
		slot = (slot + 1) % ARRAY_SIZE(map);
	map[slot] = row + 1;
}

/**
 * lvx_msr_init() - build the table's index
 *
 * MSRs that this host lacks are left out. Context: module load.
 */
void lvx_msr_init(void)
{
	u32 row, i;

	for (row = 0; row < lvx_nr_msrs; row++) {
		if (lvx_msrs[row].first == X2APIC_FIRST) {
			x2apic_row = &lvx_msrs[row];
			continue;
		}
		if (lvx_msrs[row].host && !boot_cpu_has(lvx_msrs[row].host))
			continue;
		for (i = 0; i < lvx_msrs[row].count; i++)
			map_add(lvx_msrs[row].first + i, row);
	}
}

/* -------------------------------------------------------------------- access */

#define REG(name)	offsetof(struct kvm_cpuid_entry2, name)

/* Any bit of any row of a gate opens it. */
static const struct {
	enum lvx_msr_gate gate;
	u32 leaf, subleaf;
	u32 reg;
	u32 bit;
} gate_bits[] = {
	{ LVX_GATE_SPEC_CTRL, 7, 0, REG(edx), 26 },		/* IBRS, IBPB */
	{ LVX_GATE_SPEC_CTRL, 7, 0, REG(edx), 27 },		/* STIBP */
	{ LVX_GATE_SPEC_CTRL, 7, 0, REG(edx), 31 },		/* SSBD */
	{ LVX_GATE_SPEC_CTRL, 0x80000008, 0, REG(ebx), 14 },	/* AMD IBRS */
	{ LVX_GATE_SPEC_CTRL, 0x80000008, 0, REG(ebx), 15 },	/* AMD STIBP */
	{ LVX_GATE_SPEC_CTRL, 0x80000008, 0, REG(ebx), 24 },	/* AMD SSBD */
	{ LVX_GATE_PRED_CMD, 7, 0, REG(edx), 26 },		/* IBRS, IBPB */
	{ LVX_GATE_PRED_CMD, 0x80000008, 0, REG(ebx), 12 },	/* AMD IBPB */
	{ LVX_GATE_ARCH_CAPABILITIES, 7, 0, REG(edx), 29 },
	{ LVX_GATE_TSC_AUX, 0x80000001, 0, REG(edx), 27 },	/* RDTSCP */
	{ LVX_GATE_TSC_AUX, 7, 0, REG(ecx), 22 },		/* RDPID */
	{ LVX_GATE_TSC_ADJUST, 7, 0, REG(ebx), 1 },
	{ LVX_GATE_XSAVES, 0xd, 1, REG(eax), 3 },
	{ LVX_GATE_OSVW, 0x80000001, 0, REG(ecx), 9 },
};

bool lvx_msr_gate_open(struct lvx_vcpu *vcpu, enum lvx_msr_gate gate)
{
	return to_vmx(vcpu)->msrs->gates & BIT(gate);
}

/* Does the guest's (or user space's) access find the MSR there at all? */
static bool visible(struct lvx_vcpu *vcpu, const struct lvx_msr *msr,
		    bool by_host)
{
	return !msr->gate || by_host || lvx_msr_gate_open(vcpu, msr->gate);
}

static bool is_canonical(struct lvx_vcpu *vcpu, u64 address)
{
	u8 unused = lvx_cr4(vcpu) & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(address << unused) >> unused) == address;
}

static u32 offset(const struct lvx_msr *msr, u32 index)
{
	return array_index_nospec(index - msr->first, msr->count);
}

/**
 * lvx_msr_read() - RDMSR, or user space's reading of an MSR
 * @vcpu: loaded
 * @index: as in ECX
 * @value: result
 * @by_host: user space reads
 *
 * Context: interrupts may be off if lvx_msr_is_atomic() says so.
 * Return: 0, -EINVAL, -ENOENT or -EACCES; see vmx/vcpu.h.
 */
int lvx_msr_read(struct lvx_vcpu *vcpu, u32 index, u64 *value, bool by_host)
{
	const struct lvx_msr *msr = find(index);

	if (!by_host && !lvx_msr_filter_allows(vcpu->vm, index, KVM_MSR_FILTER_READ))
		return -EACCES;
	if (!msr || !msr->get)
		return -ENOENT;
	if (!visible(vcpu, msr, by_host))
		return -EINVAL;
	return msr->get(vcpu, msr, offset(msr, index), value, by_host);
}

/**
 * lvx_msr_write() - WRMSR, or user space's writing of an MSR
 * @vcpu: loaded
 * @index: as in ECX
 * @value: as in EDX:EAX
 * @by_host: user space writes
 *
 * Context and return value as lvx_msr_read()'s.
 */
int lvx_msr_write(struct lvx_vcpu *vcpu, u32 index, u64 value, bool by_host)
{
	const struct lvx_msr *msr = find(index);

	if (!by_host && !lvx_msr_filter_allows(vcpu->vm, index, KVM_MSR_FILTER_WRITE))
		return -EACCES;
	if (!msr || !msr->set)
		return -ENOENT;
	if (!visible(vcpu, msr, by_host) || (value & msr->reserved))
		return -EINVAL;
	if ((msr->flags & LVX_MSR_HOST_WRITES) && !by_host)
		return -EINVAL;
	if ((msr->flags & LVX_MSR_CANONICAL) && !is_canonical(vcpu, value))
		return -EINVAL;
	return msr->set(vcpu, msr, offset(msr, index), value, by_host);
}

/**
 * lvx_msr_is_atomic() - can a guest's access be served with interrupts off?
 * @index: MSR
 * @write: WRMSR
 */
bool lvx_msr_is_atomic(u32 index, bool write)
{
	const struct lvx_msr *msr = find(index);

	return msr && !(msr->flags & (write ? LVX_MSR_SLOW_WRITE :
					      LVX_MSR_SLOW_READ));
}

/* ---------------------------------------------------------------- a vCPU's life */

/**
 * lvx_msr_cpuid_changed() - the guest's CPUID table is new
 * @vcpu: loaded
 */
void lvx_msr_cpuid_changed(struct lvx_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *entry;
	u32 i, value, gates = 0;

	for (i = 0; i < ARRAY_SIZE(gate_bits); i++) {
		entry = lvx_cpuid_find(vcpu, gate_bits[i].leaf,
				       gate_bits[i].subleaf);
		if (!entry)
			continue;
		value = *(const u32 *)((const void *)entry + gate_bits[i].reg);
		if (value & BIT(gate_bits[i].bit))
			gates |= BIT(gate_bits[i].gate);
	}
	entry = lvx_cpuid_find(vcpu, 0, 0);
	if (entry && !memcmp(&entry->ebx, "Genu", 4) &&
	    !memcmp(&entry->edx, "ineI", 4) && !memcmp(&entry->ecx, "ntel", 4))
		gates |= BIT(LVX_GATE_INTEL);
	to_vmx(vcpu)->msrs->gates = gates;
}

#define UCODE_REV_DEFAULT	BIT_ULL(32)	/* revision 1 */

/**
 * lvx_msr_create() - memory for a vCPU's MSRs, with the values of power-on
 * @vcpu: its VMCS is not programmed yet
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_msr_create(struct lvx_vcpu *vcpu)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->msrs = kzalloc(sizeof(*vmx->msrs), GFP_KERNEL_ACCOUNT);
	if (!vmx->msrs)
		return -ENOMEM;
	vmx->msrs->ucode_rev = UCODE_REV_DEFAULT;
	vmx->arch_capabilities = lvx_arch_capabilities();
	lvx_mce_create(vcpu);
	lvx_tsc_create(vcpu);
	return 0;
}

void lvx_msr_destroy(struct lvx_vcpu *vcpu)
{
	kfree(to_vmx(vcpu)->msrs);
}

#define PAT_DEFAULT	0x0007040600070406ULL

/**
 * lvx_msr_reset() - RESET or INIT
 * @vcpu: loaded
 * @init: INIT, which leaves nearly all as it is
 *
 * SDM, "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT".
 */
void lvx_msr_reset(struct lvx_vcpu *vcpu, bool init)
{
	struct lvx_vmx *vmx = to_vmx(vcpu);

	vmx->sw.spec_ctrl = 0;
	vmx->msrs->smi_count = 0;
	if (init)
		return;
	vmx->msrs->misc_features = 0;
	vmx->misc_enable = LVX_MISC_ENABLE_RO;
	vmcs_write64(GUEST_IA32_PAT, PAT_DEFAULT);
	vmcs_write32(GUEST_SYSENTER_CS, 0);
	vmcs_writel(GUEST_SYSENTER_ESP, 0);
	vmcs_writel(GUEST_SYSENTER_EIP, 0);
}

/* -------------------------------------------------------------------- ioctls */

int lvx_get_msr(struct lvx_vcpu *vcpu, u32 index, u64 *value)
{
	return lvx_msr_read(vcpu, index, value, true);
}

int lvx_set_msr(struct lvx_vcpu *vcpu, u32 index, u64 value)
{
	return lvx_msr_write(vcpu, index, value, true);
}

/**
 * lvx_msr_index() - KVM_GET_MSR_INDEX_LIST: what makes up a vCPU's state
 * @i: position in the list
 * @index: result
 *
 * Return: 0 or -ENOENT past the end.
 */
int lvx_msr_index(u32 i, u32 *index)
{
	const struct lvx_msr *msr;

	for (msr = lvx_msrs; msr < lvx_msrs + lvx_nr_msrs; msr++) {
		if (!(msr->flags & LVX_MSR_LISTED) || !find(msr->first))
			continue;
		if (i < msr->count) {
			*index = msr->first + i;
			return 0;
		}
		i -= msr->count;
	}
	return -ENOENT;
}

/* MSRs that describe the host to one who chooses a CPUID table. */
static const u32 feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES,
};

int lvx_feature_msr_index(u32 i, u32 *index)
{
	if (i >= ARRAY_SIZE(feature_msrs))
		return -ENOENT;
	*index = feature_msrs[i];
	return 0;
}

int lvx_get_feature_msr(u32 index, u64 *value)
{
	switch (index) {
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(index, value) ? -EINVAL : 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*value = lvx_arch_capabilities();
		return 0;
	default:
		return -EINVAL;
	}
}
