// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's CPUID table: what user space set, what of it follows the vCPU's
 * state, and the answer to the CPUID instruction.
 *
 * CPUID is the exit that benchmarks count, and it is served with interrupts
 * off. So a leaf is found by index, not by search: the 32 first leaves of each
 * of the four ranges (basic, hypervisor, extended, and Centaur's) have a slot
 * each, and entries of the same slot are chained.
 */
#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "emul/internal.h"

#define NR_SLOTS	128		/* 32 leaves in four ranges */

#define F(name)		BIT(X86_FEATURE_##name & 31)

/**
 * struct lvx_cpuid - a vCPU's table
 * @slot: by range and leaf: 1 + index of the first entry; 0: none
 * @next: by entry: 1 + index of the next one in the slot
 * @state: what the vCPU's state was at the last update
 * @cr4: bits that the table and the host allow
 * @nr: entries
 * @maxphyaddr: physical-address bits
 * @entries: in user space's order
 */
struct lvx_cpuid {
	u16 slot[NR_SLOTS];
	u16 next[LVX_MAX_CPUID_ENTRIES];
	struct lvx_cpuid_state state;
	u64 cr4;
	u32 nr;
	u8 maxphyaddr;
	struct kvm_cpuid_entry2 entries[];
};

/* CR4 bits that exist only with a feature; those without a row always do. */
static const struct {
	u64 cr4;
	u32 leaf;
	enum cpuid_regs_idx reg;
	u32 bit;
} cr4_rows[] = {
	{ X86_CR4_PCIDE, 1, CPUID_ECX, F(PCID) },
	{ X86_CR4_OSXSAVE, 1, CPUID_ECX, F(XSAVE) },
	{ X86_CR4_FSGSBASE, 7, CPUID_EBX, F(FSGSBASE) },
	{ X86_CR4_SMEP, 7, CPUID_EBX, F(SMEP) },
	{ X86_CR4_SMAP, 7, CPUID_EBX, F(SMAP) },
	{ X86_CR4_UMIP, 7, CPUID_ECX, F(UMIP) },
	{ X86_CR4_PKE, 7, CPUID_ECX, F(PKU) },
	{ X86_CR4_LA57, 7, CPUID_ECX, F(LA57) },
};

#define CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | \
			 X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | \
			 X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static unsigned int slot_of(u32 leaf)
{
	return leaf >> 30 << 5 | (leaf & 0x1f);
}

static struct kvm_cpuid_entry2 *find(struct lvx_cpuid *c, u32 leaf, u32 subleaf)
{
	u16 i = c->slot[slot_of(leaf)];
	struct kvm_cpuid_entry2 *e;

	for (; i; i = c->next[i - 1]) {
		e = &c->entries[i - 1];
		if (e->function != leaf)
			continue;
		if (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		    e->index == subleaf)
			return e;
	}
	return NULL;
}

/* Chains in order, so that the first of two like entries is found. */
static void build_index(struct lvx_cpuid *c)
{
	u32 i;

	for (i = c->nr; i; i--) {
		u16 *slot = &c->slot[slot_of(c->entries[i - 1].function)];

		c->next[i - 1] = *slot;
		*slot = i;
	}
}

static u32 entry_reg(const struct kvm_cpuid_entry2 *e, enum cpuid_regs_idx reg)
{
	const u32 regs[4] = { e->eax, e->ebx, e->ecx, e->edx };

	return regs[reg];
}

/* Without a table the vCPU isn't set up yet, and nothing is ruled out. */
static u64 table_cr4(struct lvx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	u64 cr4 = CR4_ALWAYS;
	unsigned int i;

	if (!c->nr)
		return lvx_cpuid_host_cr4();
	for (i = 0; i < ARRAY_SIZE(cr4_rows); i++) {
		e = find(c, cr4_rows[i].leaf, 0);
		if (e && entry_reg(e, cr4_rows[i].reg) & cr4_rows[i].bit)
			cr4 |= cr4_rows[i].cr4;
	}
	return cr4 & lvx_cpuid_host_cr4();
}

/* "... most processors have 36 bits" where the leaf is missing. */
static u8 table_maxphyaddr(struct lvx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *max = find(c, 0x80000000, 0);
	const struct kvm_cpuid_entry2 *sizes = find(c, 0x80000008, 0);

	if (!max || max->eax < 0x80000008 || !sizes)
		return 36;
	return clamp_t(u8, sizes->eax & 0xff, 32, 52);
}

/* Linear addresses have 48 or 57 bits; nothing else can be run. */
static bool table_possible(struct lvx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *sizes = find(c, 0x80000008, 0);
	u8 linear = sizes ? sizes->eax >> 8 & 0xff : 0;

	return linear == 0 || linear == 48 || linear == 57;
}

static struct lvx_cpuid *new_table(const struct kvm_cpuid_entry2 *entries, u32 nr)
{
	struct lvx_cpuid *c;
	u32 i;

	c = kvzalloc(struct_size(c, entries, nr), GFP_KERNEL_ACCOUNT);
	if (!c)
		return NULL;
	c->nr = nr;
	for (i = 0; i < nr; i++) {
		c->entries[i] = entries[i];
		memset(c->entries[i].padding, 0, sizeof(entries[i].padding));
	}
	build_index(c);
	c->cr4 = table_cr4(c);
	c->maxphyaddr = table_maxphyaddr(c);
	return c;
}

static void set_bit_if(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

static void update(struct lvx_vcpu *vcpu, struct lvx_cpuid *c,
		   const struct lvx_cpuid_state *s)
{
	struct kvm_cpuid_entry2 *e = find(c, 1, 0);
	u64 quirks = vcpu->vm->disabled_quirks;
	bool on;

	if (e) {
		on = s->cr4 & X86_CR4_OSXSAVE && e->ecx & F(XSAVE);
		set_bit_if(&e->ecx, F(OSXSAVE), on);
		set_bit_if(&e->edx, F(APIC),
			   s->apic_base & MSR_IA32_APICBASE_ENABLE);
		if (quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)
			set_bit_if(&e->ecx, F(MWAIT), s->mwait);
	}
	e = find(c, 7, 0);
	if (e) {
		on = s->cr4 & X86_CR4_PKE && e->ecx & F(PKU);
		set_bit_if(&e->ecx, F(OSPKE), on);
	}
	e = find(c, 0xd, 0);
	if (e)
		e->ebx = cpuid_xsave_size(s->xcr0, false);
	e = find(c, 0xd, 1);
	if (e && e->eax & (F(XSAVES) | F(XSAVEC)))
		e->ebx = cpuid_xsave_size(s->xcr0 | s->xss, true);
}

/**
 * lvx_cpuid_set() - KVM_SET_CPUID2
 * @vcpu: caller holds its mutex
 * @entries: the table
 * @nr: entries, at most LVX_MAX_CPUID_ENTRIES
 *
 * The caller passes the vCPU's state to lvx_cpuid_update() afterwards. Once the
 * vCPU has run only the table that it has is accepted, for guests don't expect
 * their CPU to change.
 *
 * Return: 0, -E2BIG, -ENOMEM, or -EINVAL.
 */
int lvx_cpuid_set(struct lvx_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries,
		  u32 nr)
{
	struct lvx_cpuid *old = vcpu->cpuid;
	struct lvx_cpuid *c;
	int err = 0;

	if (nr > LVX_MAX_CPUID_ENTRIES)
		return -E2BIG;
	c = new_table(entries, nr);
	if (!c)
		return -ENOMEM;
	if (vcpu->has_run) {
		/* Compared as it would be now, whatever was read out when. */
		update(vcpu, c, &old->state);
		if (nr != old->nr || memcmp(c->entries, old->entries,
					    nr * sizeof(*entries)))
			err = -EINVAL;
		kvfree(c);
		return err;
	}
	if (!table_possible(c)) {
		kvfree(c);
		return -EINVAL;
	}
	if (old)
		c->state = old->state;
	vcpu->cpuid = c;
	kvfree(old);
	return 0;
}

/**
 * lvx_cpuid_get() - KVM_GET_CPUID2
 * @vcpu: caller holds its mutex
 * @entries: filled
 * @nr: in: room; out: entries that there are
 *
 * Return: 0 or -E2BIG.
 */
int lvx_cpuid_get(struct lvx_vcpu *vcpu, struct kvm_cpuid_entry2 *entries,
		  u32 *nr)
{
	struct lvx_cpuid *c = vcpu->cpuid;
	u32 room = *nr;

	*nr = c->nr;
	if (room < c->nr)
		return -E2BIG;
	memcpy(entries, c->entries, c->nr * sizeof(*entries));
	return 0;
}

/**
 * lvx_cpuid_destroy() - free a vCPU's table
 * @vcpu: nobody uses it any more
 */
void lvx_cpuid_destroy(struct lvx_vcpu *vcpu)
{
	kvfree(vcpu->cpuid);
	vcpu->cpuid = NULL;
}

/*
 * "If a value entered for CPUID.EAX is higher than the maximum input value for
 * basic or extended function ..., the data for the highest basic information
 * leaf is returned": SDM, "CPUID-CPU Identification". Below that maximum, a
 * leaf that isn't in the table is all zeroes.
 */
static const struct kvm_cpuid_entry2 *out_of_range(struct lvx_cpuid *c, u32 leaf,
						   u32 subleaf)
{
	const struct kvm_cpuid_entry2 *basic = find(c, 0, 0);
	const struct kvm_cpuid_entry2 *max = basic;

	if (leaf >> 30)
		max = find(c, leaf & (leaf >> 30 == 1 ? 0xffffff00 : 0xc0000000), 0);
	if (!basic || (max && leaf <= max->eax))
		return NULL;
	return find(c, basic->eax, subleaf);
}

/* A level that doesn't exist still tells the CPU's x2APIC ID. */
static void topology_without_level(struct lvx_cpuid *c, u32 leaf, u32 subleaf,
				   u32 *ecx, u32 *edx)
{
	const struct kvm_cpuid_entry2 *e = find(c, leaf, 1);

	if (!e)
		return;
	*ecx = subleaf & 0xff;
	*edx = e->edx;
}

/**
 * lvx_cpuid_query() - what the CPUID instruction answers
 * @vcpu: the asking vCPU
 * @eax: in: leaf
 * @ebx: out
 * @ecx: in: subleaf
 * @edx: out
 *
 * Any context.
 */
void lvx_cpuid_query(struct lvx_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx,
		     u32 *edx)
{
	const struct kvm_cpuid_entry2 *e;
	u32 leaf = *eax, subleaf = *ecx;

	e = find(vcpu->cpuid, leaf, subleaf);
	if (unlikely(!e))
		e = out_of_range(vcpu->cpuid, leaf, subleaf);
	if (likely(e)) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		return;
	}
	*eax = 0;
	*ebx = 0;
	*ecx = 0;
	*edx = 0;
	if (leaf == 0xb || leaf == 0x1f)
		topology_without_level(vcpu->cpuid, leaf, subleaf, ecx, edx);
}

/**
 * lvx_cpuid_find() - look up a leaf
 * @vcpu: whose table
 * @leaf: EAX
 * @subleaf: ECX
 *
 * Return: the entry, until the table is replaced; NULL: none.
 */
const struct kvm_cpuid_entry2 *lvx_cpuid_find(struct lvx_vcpu *vcpu, u32 leaf,
					      u32 subleaf)
{
	return find(vcpu->cpuid, leaf, subleaf);
}

/**
 * lvx_cpuid_update() - bits of the table that mirror the vCPU's state
 * @vcpu: caller holds its mutex
 * @s: the state
 */
void lvx_cpuid_update(struct lvx_vcpu *vcpu, const struct lvx_cpuid_state *s)
{
	vcpu->cpuid->state = *s;
	update(vcpu, vcpu->cpuid, s);
}

/**
 * lvx_cpuid_host_cr4() - CR4 bits that some guest may set
 *
 * Return: the bits.
 */
u64 lvx_cpuid_host_cr4(void)
{
	u64 cr4 = CR4_ALWAYS;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_rows); i++)
		if (cpuid_supported_reg(cr4_rows[i].leaf, 0, cr4_rows[i].reg) &
		    cr4_rows[i].bit)
			cr4 |= cr4_rows[i].cr4;
	return cr4;
}

/**
 * lvx_cpuid_guest_cr4() - CR4 bits that this guest may set
 * @vcpu: whose table
 *
 * Those that its table has and the host as well; before KVM_SET_CPUID2 all
 * that the host has.
 *
 * Return: the bits.
 */
u64 lvx_cpuid_guest_cr4(struct lvx_vcpu *vcpu)
{
	return vcpu->cpuid->cr4;
}

/**
 * lvx_cpuid_maxphyaddr() - physical-address bits of this guest
 * @vcpu: whose table
 *
 * Return: 32 to 52.
 */
u8 lvx_cpuid_maxphyaddr(struct lvx_vcpu *vcpu)
{
	return vcpu->cpuid->maxphyaddr;
}
