// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's registers for user space: general registers, control registers,
 * segments, and a look through the guest's page tables.
 *
 * User space sets a whole state at once and in any order. What could not be
 * entered is refused as far as KVM refuses it, before anything is changed; what
 * KVM lets pass (say, a bad access-rights byte) fails at VM entry, with
 * KVM_EXIT_FAIL_ENTRY, and hurts this VM alone.
 */
#include <linux/kvm.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "base/guest.h"
#include "base/vm.h"
#include "emul/emul.h"
#include "irq/irq.h"
#include "pure/walk.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/* ------------------------------------------------------- general registers */

/* struct kvm_regs begins with the general registers, in this order. */
static const u8 regs_order[LVX_NR_REGS] = {
	LVX_RAX, LVX_RBX, LVX_RCX, LVX_RDX, LVX_RSI, LVX_RDI, LVX_RSP, LVX_RBP,
	LVX_R8, LVX_R9, LVX_R10, LVX_R11, LVX_R12, LVX_R13, LVX_R14, LVX_R15,
};

static_assert(offsetof(struct kvm_regs, rip) == LVX_NR_REGS * sizeof(u64));

void lvx_get_regs(struct lvx_vcpu *vcpu, struct kvm_regs *regs)
{
	__u64 *out = &regs->rax;
	u32 i;

	lvx_rsp(vcpu);
	for (i = 0; i < LVX_NR_REGS; i++)
		out[i] = vcpu->regs[regs_order[i]];
	regs->rip = lvx_rip(vcpu);
	regs->rflags = lvx_debug_rflags(vcpu);
}

/**
 * lvx_set_regs() - KVM_SET_REGS
 * @vcpu: loaded
 * @regs: new values
 *
 * An exception that lvx was about to deliver belongs to the old RIP, and is
 * dropped.
 *
 * Return: 0.
 */
int lvx_set_regs(struct lvx_vcpu *vcpu, const struct kvm_regs *regs)
{
	const __u64 *in = &regs->rax;
	u32 i;

	for (i = 0; i < LVX_NR_REGS; i++)
		vcpu->regs[regs_order[i]] = in[i];
	lvx_set_rsp(vcpu, regs->rsp);
	lvx_set_rip(vcpu, regs->rip);
	lvx_set_rflags(vcpu, regs->rflags | X86_EFLAGS_FIXED);
	to_vmx(vcpu)->exception.pending = false;
	return 0;
}

/* ------------------------------------------------------------------ segments */

/* The segments of struct kvm_sregs. */
static const struct {
	enum lvx_seg seg;
	size_t offset;
} sregs_segments[] = {
#define ROW(s, member)	{ s, offsetof(struct kvm_sregs, member) }
	ROW(LVX_CS, cs), ROW(LVX_DS, ds), ROW(LVX_ES, es), ROW(LVX_FS, fs),
	ROW(LVX_GS, gs), ROW(LVX_SS, ss), ROW(LVX_TR, tr), ROW(LVX_LDTR, ldt),
#undef ROW
};

#define AR_UNUSABLE	BIT(16)

/* Access rights: SDM, "Guest Register State", "Format of Access Rights". */
static void get_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
			struct kvm_segment *out)
{
	struct lvx_segment s;

	lvx_get_segment(vcpu, seg, &s);
	*out = (struct kvm_segment){
		.base = s.base,
		.limit = s.limit,
		.selector = s.selector,
		.type = s.ar & 15,
		.s = (s.ar >> 4) & 1,
		.dpl = (s.ar >> 5) & 3,
		/* A segment that is not present is unusable, and the reverse. */
		.present = !(s.ar & AR_UNUSABLE),
		.avl = (s.ar >> 12) & 1,
		.l = (s.ar >> 13) & 1,
		.db = (s.ar >> 14) & 1,
		.g = (s.ar >> 15) & 1,
		.unusable = !!(s.ar & AR_UNUSABLE),
	};
}

static void set_segment(struct lvx_vcpu *vcpu, enum lvx_seg seg,
			const struct kvm_segment *in)
{
	struct lvx_segment s = {
		.base = in->base,
		.limit = in->limit,
		.selector = in->selector,
		.ar = AR_UNUSABLE,
	};
	u32 type = in->type & 15;

	/* VM entry wants "accessed"; old VMMs forget it. */
	if (seg != LVX_LDTR)
		type |= 1;
	if (!in->unusable && in->present)
		s.ar = type | (in->s & 1) << 4 | (in->dpl & 3) << 5 | BIT(7) |
		       (in->avl & 1) << 12 | (in->l & 1) << 13 |
		       (in->db & 1) << 14 | (in->g & 1) << 15;
	lvx_set_segment(vcpu, seg, &s);
}

/* --------------------------------------------------------- KVM_GET/SET_SREGS */

static void get_sregs_common(struct lvx_vcpu *vcpu, struct kvm_sregs *sregs)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sregs_segments); i++)
		get_segment(vcpu, sregs_segments[i].seg,
			    (void *)sregs + sregs_segments[i].offset);
	sregs->gdt.base = vmcs_readl(GUEST_GDTR_BASE);
	sregs->gdt.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	sregs->idt.base = vmcs_readl(GUEST_IDTR_BASE);
	sregs->idt.limit = vmcs_read32(GUEST_IDTR_LIMIT);
	sregs->cr0 = lvx_cr0(vcpu);
	sregs->cr2 = vcpu->cr2;
	sregs->cr3 = lvx_cr3(vcpu);
	sregs->cr4 = lvx_cr4(vcpu);
	sregs->cr8 = vcpu->lapic ? lvx_lapic_cr8(vcpu) : to_vmx(vcpu)->cr8;
	sregs->efer = to_vmx(vcpu)->efer;
	sregs->apic_base = lvx_apic_base(vcpu);
}

#define EFER_KNOWN	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

static bool cr4_valid(struct lvx_vcpu *vcpu, u64 cr4)
{
	/* Before there is a CPUID table, what the host has. */
	return !(cr4 & ~lvx_cpuid_host_cr4()) &&
	       !(vcpu->cpuid && (cr4 & ~lvx_cpuid_guest_cr4(vcpu)));
}

static bool cr0_valid(u64 cr0)
{
	return !(cr0 >> 32) &&
	       !((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD)) &&
	       !((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE));
}

/* Do mode bits in CR0, CR4, EFER and CS agree? SDM, "IA-32e Mode Operation". */
static bool sregs_valid(struct lvx_vcpu *vcpu, const struct kvm_sregs *s)
{
	if ((s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG)) {
		if (!(s->cr4 & X86_CR4_PAE) || !(s->efer & EFER_LMA) ||
		    s->cr3 >> lvx_cpuid_maxphyaddr(vcpu))
			return false;
	} else if ((s->efer & EFER_LMA) || s->cs.l) {
		return false;
	}
	return !(s->efer & ~(u64)EFER_KNOWN) && cr4_valid(vcpu, s->cr4) &&
	       cr0_valid(s->cr0);
}

/* A BSP at its reset vector runs, even if user space forgot to say so. */
static void wake_at_reset(struct lvx_vcpu *vcpu, const struct kvm_sregs *s)
{
	if (vcpu->id == vcpu->vm->bsp_id && lvx_rip(vcpu) == 0xfff0 &&
	    s->cs.selector == 0xf000 && s->cs.base == 0xffff0000 &&
	    !(s->cr0 & X86_CR0_PE))
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
}

static int set_sregs_common(struct lvx_vcpu *vcpu, const struct kvm_sregs *s)
{
	u32 i;

	if (!sregs_valid(vcpu, s))
		return -EINVAL;
	if (lvx_set_apic_base(vcpu, s->apic_base, true))
		return -EINVAL;
	vmcs_writel(GUEST_GDTR_BASE, s->gdt.base);
	vmcs_write32(GUEST_GDTR_LIMIT, s->gdt.limit);
	vmcs_writel(GUEST_IDTR_BASE, s->idt.base);
	vmcs_write32(GUEST_IDTR_LIMIT, s->idt.limit);
	vcpu->cr2 = s->cr2;
	if (vcpu->lapic)
		lvx_lapic_set_cr8(vcpu, s->cr8 & 15);
	else
		to_vmx(vcpu)->cr8 = s->cr8 & 15;
	lvx_load_efer(vcpu, s->efer);
	lvx_load_cr0(vcpu, s->cr0);
	lvx_load_cr4(vcpu, s->cr4);
	lvx_load_cr3(vcpu, s->cr3);
	for (i = 0; i < ARRAY_SIZE(sregs_segments); i++)
		set_segment(vcpu, sregs_segments[i].seg,
			    (const void *)s + sregs_segments[i].offset);
	lvx_update_cpuid_mirror(vcpu);
	wake_at_reset(vcpu, s);
	return 0;
}

/**
 * lvx_get_sregs() - KVM_GET_SREGS
 * @vcpu: loaded
 * @sregs: result; the interrupt that is being delivered is in the bitmap
 */
void lvx_get_sregs(struct lvx_vcpu *vcpu, struct kvm_sregs *sregs)
{
	int vector = lvx_injected_irq(vcpu);

	memset(sregs, 0, sizeof(*sregs));
	get_sregs_common(vcpu, sregs);
	if (vector >= 0)
		sregs->interrupt_bitmap[vector / 64] |= BIT_ULL(vector % 64);
}

/**
 * lvx_set_sregs() - KVM_SET_SREGS
 * @vcpu: loaded
 * @sregs: new values
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int lvx_set_sregs(struct lvx_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	int r = set_sregs_common(vcpu, sregs);
	u32 i;

	if (r)
		return r;
	for (i = 0; i < ARRAY_SIZE(sregs->interrupt_bitmap); i++) {
		if (!sregs->interrupt_bitmap[i])
			continue;
		lvx_set_injected_irq(vcpu, 64 * i +
				     __ffs64(sregs->interrupt_bitmap[i]));
		break;
	}
	return 0;
}

static const u32 pdptr_fields[4] = {
	GUEST_PDPTR0, GUEST_PDPTR1, GUEST_PDPTR2, GUEST_PDPTR3
};

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/* struct kvm_sregs2 differs from struct kvm_sregs in its tail alone. */
static_assert(offsetof(struct kvm_sregs2, flags) ==
	      offsetof(struct kvm_sregs, interrupt_bitmap));

/**
 * lvx_get_sregs2() - KVM_GET_SREGS2: PDPTEs in place of the interrupt
 * @vcpu: loaded
 * @sregs: result
 */
void lvx_get_sregs2(struct lvx_vcpu *vcpu, struct kvm_sregs2 *sregs)
{
	u32 i;

	memset(sregs, 0, sizeof(*sregs));
	get_sregs_common(vcpu, (struct kvm_sregs *)sregs);
	if (!pae_paging(sregs->cr0, sregs->cr4, sregs->efer))
		return;
	for (i = 0; i < 4; i++)
		sregs->pdptrs[i] = vmcs_read64(pdptr_fields[i]);
	sregs->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

/**
 * lvx_set_sregs2() - KVM_SET_SREGS2
 * @vcpu: loaded
 * @sregs: new values
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int lvx_set_sregs2(struct lvx_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	bool pdptrs = sregs->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	u32 i;
	int r;

	if (sregs->flags & ~(__u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (pdptrs && !pae_paging(sregs->cr0, sregs->cr4, sregs->efer))
		return -EINVAL;
	r = set_sregs_common(vcpu, (const struct kvm_sregs *)sregs);
	if (r || !pdptrs)
		return r;
	for (i = 0; i < 4; i++)
		vmcs_write64(pdptr_fields[i], sregs->pdptrs[i]);
	return 0;
}

/* --------------------------------------------------------------- KVM_TRANSLATE */

static int read_entry(void *opaque, u64 gpa, void *data, unsigned int len)
{
	return lvx_read_guest(opaque, gpa, data, len);
}

/**
 * lvx_translate() - KVM_TRANSLATE: a linear address by the guest's page tables
 * @vcpu: loaded
 * @tr: address in, result out
 *
 * As the guest's kernel would read there, pages of its user space included.
 * Accessed flags stay as they are.
 *
 * Return: 0; what isn't mapped is not valid.
 */
int lvx_translate(struct lvx_vcpu *vcpu, struct kvm_translation *tr)
{
	const struct walk_memory memory = {
		.opaque = vcpu->vm, .read = read_entry,
	};
	struct walk_cpu cpu = {
		.cr0 = lvx_cr0(vcpu),
		.cr3 = lvx_cr3(vcpu),
		.cr4 = lvx_cr4(vcpu) & ~(u64)X86_CR4_SMAP,
		.efer = to_vmx(vcpu)->efer,
		.rflags = lvx_rflags(vcpu),
		.maxphyaddr = lvx_cpuid_maxphyaddr(vcpu),
		.page_1g = true,
	};
	struct walk walk;
	u32 i;

	if (pae_paging(cpu.cr0, cpu.cr4, cpu.efer)) {
		for (i = 0; i < 4; i++)
			cpu.pdpte[i] = vmcs_read64(pdptr_fields[i]);
	}
	tr->valid = walk_page_tables(&cpu, &memory, tr->linear_address,
				     WALK_READ, &walk) == WALK_OK;
	tr->physical_address = tr->valid ? walk.gpa : ~0ULL;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}
