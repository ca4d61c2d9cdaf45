// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's state through the get and set ioctls: what a new vCPU holds, that
 * what is set is what the guest runs with and what is read back, and that a
 * state that makes no sense is refused and changes nothing.
 */
#include "harness.h"

#define CR0_PE		(1ULL << 0)
#define CR0_NW		(1ULL << 29)
#define CR0_CD		(1ULL << 30)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define CR4_VMXE	(1ULL << 13)
#define CR4_SMXE	(1ULL << 14)
#define CR4_OSXSAVE	(1ULL << 18)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)

/* ---------------------------------------------------------------- registers */

TEST(registers_at_reset)
{
	struct vcpu *v = vcpu_new(vm_new(VM_NOCPUID), 0);
	struct kvm_regs r = get_regs(v);
	struct kvm_sregs s = get_sregs(v);

	EXPECT_EQ(0xfff0, r.rip);
	EXPECT_EQ(2, r.rflags);
	EXPECT_EQ(0x600, r.rdx);
	EXPECT_EQ(0, r.rax | r.rbx | r.rcx | r.rsi | r.rdi | r.rsp | r.rbp);
	EXPECT_EQ(0x60000010, s.cr0);
	EXPECT_EQ(0, s.cr2 | s.cr3 | s.cr4 | s.cr8 | s.efer);
	EXPECT_EQ(0xffff0000, s.cs.base);
	EXPECT_EQ(0xf000, s.cs.selector);
	EXPECT_EQ(0xb, s.cs.type);
	EXPECT_EQ(3, s.ds.type);
	EXPECT_EQ(0xffff, s.ss.limit);
	EXPECT_EQ(1, s.es.present);
	EXPECT_EQ(0, s.fs.unusable);
	EXPECT_EQ(0xb, s.tr.type);
	EXPECT_EQ(2, s.ldt.type);
	EXPECT_EQ(0xffff, s.gdt.limit);
	EXPECT_EQ(0xffff, s.idt.limit);
}

TEST(general_registers)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs in, out;
	__u64 *p = (__u64 *)&in;

	for (size_t i = 0; i < sizeof(in) / 8; i++)
		p[i] = 0x1111111111111111ULL * (i % 15 + 1);
	in.rflags = 0x40;
	set_regs(v, &in);
	out = get_regs(v);
	/* Bit 1 of the flags is always set. */
	in.rflags |= 2;
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
}

GUEST_ASM(xor_all, 64,
	  "not %rax; not %rbx; not %rcx; not %rdx; not %rsi; not %rdi; not %rbp\n"
	  "not %rsp; not %r8; not %r9; not %r10; not %r11; not %r12; not %r13\n"
	  "not %r14; not %r15; hlt");

TEST(guest_runs_with_them)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs in, out;
	__u64 *a = (__u64 *)&in, *b = (__u64 *)&out;

	load_asm(v->vm, GPA_BLOB, xor_all);
	vcpu_long_at(v, GPA_BLOB);
	in = get_regs(v);
	for (int i = 0; i < 16; i++)
		a[i] = 0x0123456789abcdefULL * (i + 1);
	set_regs(v, &in);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	out = get_regs(v);
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(~a[i], b[i]) TH_LOG("register %d", i);
	}
	EXPECT_EQ(GPA_BLOB + (xor_all_end - xor_all), out.rip);
}

TEST(special_registers)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_sregs in, out;

	vcpu_long_at(v, 0);
	in = get_sregs(v);
	in.cr2 = 0xdeadbeef000;
	in.cr8 = 5;
	in.gdt.limit = 0x77;
	in.ldt.unusable = 1;
	in.fs.base = 0x7fff00000000;
	in.gs.selector = 0x23;
	set_sregs(v, &in);
	out = get_sregs(v);
	/* Of an unusable segment only selector, base and limit are kept. */
	out.ldt.type = in.ldt.type;
	out.ldt.present = in.ldt.present;
	out.ldt.s = in.ldt.s;
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
}

static void no_pe(struct kvm_sregs *s) { s->cr0 &= ~CR0_PE; }
static void nw_alone(struct kvm_sregs *s)
{
	s->cr0 = (s->cr0 & ~CR0_CD) | CR0_NW;
}

static void cr0_high(struct kvm_sregs *s) { s->cr0 |= 1ULL << 32; }
static void no_pae(struct kvm_sregs *s) { s->cr4 &= ~CR4_PAE; }
static void vmxe(struct kvm_sregs *s) { s->cr4 |= CR4_VMXE; }
static void smxe(struct kvm_sregs *s) { s->cr4 |= CR4_SMXE; }
static void cr4_reserved(struct kvm_sregs *s) { s->cr4 |= 1ULL << 15; }
static void cr4_high(struct kvm_sregs *s) { s->cr4 |= 1ULL << 40; }
static void no_lma(struct kvm_sregs *s) { s->efer &= ~EFER_LMA; }
static void no_lme(struct kvm_sregs *s) { s->efer &= ~EFER_LME; }
static void no_pg(struct kvm_sregs *s) { s->cr0 &= ~CR0_PG; }
static void cr3_wide(struct kvm_sregs *s) { s->cr3 = 1ULL << 60; }
static void apic_reserved(struct kvm_sregs *s) { s->apic_base |= 1 << 9; }
static void apic_wide(struct kvm_sregs *s) { s->apic_base |= 1ULL << 60; }

static void x2apic_alone(struct kvm_sregs *s)
{
	s->apic_base = (s->apic_base & ~0x800ULL) | 1 << 10;
}

static void long_code_in_legacy(struct kvm_sregs *s)
{
	s->efer = 0;
	s->cs.l = 1;
}

static const struct {
	const char *name;
	void (*spoil)(struct kvm_sregs *s);
	bool of_long_mode;
} nonsense[] = {
#define ROW(fn)		{ #fn, fn, false }
#define LONG(fn)	{ #fn, fn, true }
	LONG(no_pe), ROW(nw_alone), ROW(cr0_high), LONG(no_pae), ROW(vmxe),
	ROW(smxe), ROW(cr4_reserved), ROW(cr4_high), LONG(no_lma), LONG(no_lme),
	LONG(no_pg), LONG(cr3_wide), ROW(apic_reserved), ROW(apic_wide),
	ROW(x2apic_alone), LONG(long_code_in_legacy),
};

/* Without CPUID there is no long mode, or so KVM thinks since Linux 6.12. */
static void try_nonsense(struct __test_metadata *_metadata, unsigned int flags)
{
	bool in_long_mode = !(flags & VM_NOCPUID);
	struct vcpu *v = vcpu_new(vm_new(flags), 0);
	struct kvm_sregs before, bad, after;

	if (in_long_mode)
		vcpu_long_at(v, 0);
	before = get_sregs(v);
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		if (nonsense[i].of_long_mode && !in_long_mode)
			continue;
		if (nonsense[i].spoil == vmxe && can_nest())
			continue;
		bad = before;
		bad.cr2 = 0x1234000;
		nonsense[i].spoil(&bad);
		EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_SREGS, &bad))
			TH_LOG("%s", nonsense[i].name);
		after = get_sregs(v);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(after)))
			TH_LOG("%s changed something", nonsense[i].name);
	}
}

TEST(sregs_nonsense)
{
	try_nonsense(_metadata, VM_IRQCHIP);
}

TEST(sregs_nonsense_without_irqchip)
{
	try_nonsense(_metadata, 0);
}

TEST(sregs_nonsense_without_cpuid)
{
	try_nonsense(_metadata, VM_NOCPUID);
}

/* KVM takes what no CPU has, with which no vCPU runs; lvx refuses it. */
TEST(efer_reserved_by_sregs)
{
	for (int bit = 12; bit < 64; bit += 4) {
		struct vcpu *v = vcpu_new(vm_new(0), 0);
		struct kvm_sregs s;
		long ret;

		vcpu_long_at(v, 0);
		s = get_sregs(v);
		s.efer |= 1ULL << bit;
		ret = try_ioctl(v->fd, KVM_SET_SREGS, &s);
		if (ret) {
			EXPECT_EQ(-EINVAL, ret);
			continue;
		}
		EXPECT_TRUE(!on_lvx()) TH_LOG("bit %d", bit);
		ASSERT_EXIT(KVM_EXIT_FAIL_ENTRY, v);
	}
}

/* CR4 bits that every CPU with long mode has. */
TEST(cr4_bits)
{
	struct vcpu *v = vcpu_new(vm_new(VM_NOCPUID), 0);
	struct kvm_sregs s = get_sregs(v);

	for (int bit = 0; bit < 11; bit++) {
		s.cr4 = 1ULL << bit;
		EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_SREGS, &s))
			TH_LOG("bit %d", bit);
		EXPECT_EQ(s.cr4, get_sregs(v).cr4);
	}
}

/* CR4.OSXSAVE by ioctl shows up in CPUID as if by MOV. */
TEST(osxsave_by_sregs)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_sregs s = get_sregs(v);

	if (!(cpuid_find(c, 1, 0)->ecx & 1 << 26))
		SKIP(return, "the host has no XSAVE");
	s.cr4 |= CR4_OSXSAVE;
	set_sregs(v, &s);
	c->nent = 100;
	do_ioctl(v->fd, KVM_GET_CPUID2, c);
	EXPECT_NE(0, cpuid_find(c, 1, 0)->ecx & 1 << 27);
	s.cr4 &= ~CR4_OSXSAVE;
	set_sregs(v, &s);
	do_ioctl(v->fd, KVM_GET_CPUID2, c);
	EXPECT_EQ(0, cpuid_find(c, 1, 0)->ecx & 1 << 27);
}

TEST(pdptrs)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_sregs2 s = {}, back = {};

	if (check_cap(sys_fd, KVM_CAP_SREGS2) != 1)
		SKIP(return, "no KVM_CAP_SREGS2");
	do_ioctl(v->fd, KVM_GET_SREGS2, &s);
	EXPECT_EQ(0, s.flags);
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_SREGS2, &s));
	s.flags = 2;
	EXPECT_EQ(-EINVAL, try_ioctl(v->fd, KVM_SET_SREGS2, &s));
	s.cr0 = 0x80000011;
	s.cr4 = CR4_PAE;
	s.cr3 = GPA_FREE;
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	for (int i = 0; i < 4; i++)
		s.pdptrs[i] = (i + 1) * PAGE | 1;
	EXPECT_EQ(0, try_ioctl(v->fd, KVM_SET_SREGS2, &s));
	do_ioctl(v->fd, KVM_GET_SREGS2, &back);
	EXPECT_EQ(0, memcmp(&s.pdptrs, &back.pdptrs, sizeof(s.pdptrs)));
	EXPECT_EQ(KVM_SREGS2_FLAGS_PDPTRS_VALID, back.flags);
}

/* ------------------------------------------------------------------- events */

static volatile struct guest_frame seen;
static volatile int hits;

static void handler(struct guest_frame *f)
{
	seen.vector = f->vector;
	seen.error = f->error;
	seen.rip = f->rip;
	seen.rflags = f->rflags;
	hits++;
}

static void guest_nops(void)
{
	asm volatile("nop; nop; nop; nop");
	guest_sync(1);
	asm volatile("sti; nop; nop");
	guest_sync(2);
}

static struct kvm_vcpu_events get_events(struct vcpu *v)
{
	struct kvm_vcpu_events e;

	do_ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e);
	return e;
}

static long set_events(struct vcpu *v, struct kvm_vcpu_events *e)
{
	return try_ioctl(v->fd, KVM_SET_VCPU_EVENTS, e);
}

TEST(no_events_at_reset)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events e = get_events(v);

	EXPECT_EQ(0, e.exception.injected | e.interrupt.injected |
		     e.interrupt.shadow | e.nmi.injected | e.nmi.pending |
		     e.nmi.masked | e.smi.smm | e.smi.pending);
	EXPECT_EQ(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
		  e.flags & ~KVM_VCPUEVENT_VALID_SMM);
	EXPECT_EQ(0, set_events(v, &e));
}

TEST(events_refused)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events good = get_events(v), e = good;

	e.exception.injected = 1;
	e.exception.nr = 32;
	EXPECT_EQ(-EINVAL, set_events(v, &e));
	e.exception.nr = 2;
	EXPECT_EQ(-EINVAL, set_events(v, &e));
	e = good;
	e.flags |= 1 << 20;
	EXPECT_EQ(-EINVAL, set_events(v, &e));
	e = good;
	e.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	EXPECT_EQ(-EINVAL, set_events(v, &e));
	e = get_events(v);
	EXPECT_EQ(0, memcmp(&good, &e, sizeof(e)));
}

TEST(inject_exception)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_vcpu_events e = get_events(v), back;

	guest_handlers[13] = handler;
	vcpu_long(v, guest_nops);
	e.exception.injected = 1;
	e.exception.nr = 13;
	e.exception.has_error_code = 1;
	e.exception.error_code = 0x58;
	ASSERT_EQ(0, set_events(v, &e));
	back = get_events(v);
	EXPECT_EQ(0, memcmp(&e.exception, &back.exception, sizeof(e.exception)));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(13, seen.vector);
	EXPECT_EQ(0x58, seen.error);
	EXPECT_EQ(0, get_events(v).exception.injected);
}

static void inject_interrupt(struct __test_metadata *_metadata,
			     unsigned int flags)
{
	struct vcpu *v = vcpu_new(vm_new(flags), 0);
	struct kvm_vcpu_events e = get_events(v);
	struct kvm_regs r;
	struct kvm_sregs s;

	guest_handlers[0x41] = handler;
	vcpu_long(v, guest_nops);
	r = get_regs(v);
	r.rflags |= 0x200;
	set_regs(v, &r);
	e.interrupt.injected = 1;
	e.interrupt.nr = 0x41;
	ASSERT_EQ(0, set_events(v, &e));
	s = get_sregs(v);
	EXPECT_EQ(2, s.interrupt_bitmap[1]);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0x41, seen.vector);
	EXPECT_EQ(0, get_sregs(v).interrupt_bitmap[1]);
}

TEST(interrupt_in_service)
{
	inject_interrupt(_metadata, VM_IRQCHIP);
}

TEST(inject_interrupt_without_irqchip)
{
	inject_interrupt(_metadata, 0);
}

TEST(inject_interrupt_by_sregs)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_regs r;
	struct kvm_sregs s;

	guest_handlers[0x42] = handler;
	vcpu_long(v, guest_nops);
	r = get_regs(v);
	r.rflags |= 0x200;
	set_regs(v, &r);
	s = get_sregs(v);
	s.interrupt_bitmap[1] = 4;
	set_sregs(v, &s);
	EXPECT_EQ(4, get_sregs(v).interrupt_bitmap[1]);
	EXPECT_EQ(0x42, get_events(v).interrupt.nr);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0x42, seen.vector);
}

TEST(inject_nmi)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events e = get_events(v);

	guest_handlers[2] = handler;
	vcpu_long(v, guest_nops);
	e.nmi.pending = 1;
	ASSERT_EQ(0, set_events(v, &e));
	EXPECT_EQ(1, get_events(v).nmi.pending);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(2, seen.vector);
}

/* KVM_NMI shows up as pending, and goes in unless NMIs are masked. */
TEST(masked_nmi)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events e = get_events(v);

	guest_handlers[2] = handler;
	vcpu_long(v, guest_nops);
	e.nmi.masked = 1;
	ASSERT_EQ(0, set_events(v, &e));
	EXPECT_EQ(1, get_events(v).nmi.masked);
	ASSERT_EQ(0, try_ioctl(v->fd, KVM_NMI, NULL));
	EXPECT_EQ(1, get_events(v).nmi.pending);
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(0, hits);
	e = get_events(v);
	EXPECT_EQ(1, e.nmi.pending);
	EXPECT_EQ(1, e.nmi.masked);
	e.nmi.masked = 0;
	ASSERT_EQ(0, set_events(v, &e));
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(1, hits);
}

extern const char shadow_at[];

static void g_shadow(void)
{
	asm volatile("shadow_at: nop\n\t"
		     "nop");
	guest_sync(1);
}

/* An NMI that waits for the end of STI's shadow: one instruction is executed. */
TEST(nmi_behind_sti)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events e = get_events(v);
	struct kvm_regs r;

	guest_handlers[2] = handler;
	vcpu_long(v, g_shadow);
	r = get_regs(v);
	r.rip = (uintptr_t)shadow_at;
	r.rflags |= 0x200;
	set_regs(v, &r);
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	e.nmi.pending = 1;
	ASSERT_EQ(0, set_events(v, &e));
	ASSERT_EQ(1, vcpu_sync(v));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(2, seen.vector);
	EXPECT_EQ((uintptr_t)shadow_at + 1, seen.rip);
}

TEST(interrupt_shadow)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	struct kvm_vcpu_events e = get_events(v);

	for (int shadow = 2; shadow >= 0; shadow--) {
		e.interrupt.shadow = shadow;
		ASSERT_EQ(0, set_events(v, &e));
		EXPECT_EQ(shadow, get_events(v).interrupt.shadow);
	}
	/* Without its flag it is not touched. */
	e.interrupt.shadow = 1;
	e.flags &= ~KVM_VCPUEVENT_VALID_SHADOW;
	ASSERT_EQ(0, set_events(v, &e));
	EXPECT_EQ(0, get_events(v).interrupt.shadow);
}

/* ----------------------------------------------------------------- MP state */

static long set_mp(struct vcpu *v, uint32_t state)
{
	struct kvm_mp_state mp = { state };

	return try_ioctl(v->fd, KVM_SET_MP_STATE, &mp);
}

static uint32_t get_mp(struct vcpu *v)
{
	struct kvm_mp_state mp;

	do_ioctl(v->fd, KVM_GET_MP_STATE, &mp);
	return mp.mp_state;
}

TEST(mp_state)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *bsp = vcpu_new(vm, 0), *ap = vcpu_new(vm, 1);

	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, get_mp(bsp));
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, get_mp(ap));
	EXPECT_EQ(0, set_mp(ap, KVM_MP_STATE_HALTED));
	EXPECT_EQ(KVM_MP_STATE_HALTED, get_mp(ap));
	EXPECT_EQ(0, set_mp(ap, KVM_MP_STATE_INIT_RECEIVED));
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, get_mp(ap));
	EXPECT_EQ(0, set_mp(ap, KVM_MP_STATE_RUNNABLE));
	EXPECT_EQ(-EINVAL, set_mp(ap, 77));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, get_mp(ap));
}

TEST(mp_state_without_irqchip)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	EXPECT_EQ(0, set_mp(v, KVM_MP_STATE_RUNNABLE));
	EXPECT_EQ(-EINVAL, set_mp(v, KVM_MP_STATE_HALTED));
	EXPECT_EQ(-EINVAL, set_mp(v, KVM_MP_STATE_UNINITIALIZED));
}

/* A vCPU that was saved just when its start-up IPI had come. */
TEST(sipi_received)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *ap;
	struct kvm_vcpu_events e;

	vcpu_new(vm, 0);
	ap = vcpu_new(vm, 1);
	e = get_events(ap);
	e.flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	e.sipi_vector = 0x12;
	ASSERT_EQ(0, set_events(ap, &e));
	ASSERT_EQ(0, set_mp(ap, KVM_MP_STATE_SIPI_RECEIVED));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, get_mp(ap));
	EXPECT_EQ(0x1200, get_sregs(ap).cs.selector);
	EXPECT_EQ(0x12000, get_sregs(ap).cs.base);
	EXPECT_EQ(0, get_regs(ap).rip);
}

/* What else comes before it runs takes nothing away from it. */
TEST(sipi_received_and_nmi)
{
	struct kvm_msi nmi = { .address_lo = 0xfee01000, .data = 0x400 };
	struct kvm_lapic_state lapic;
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *ap;
	struct kvm_vcpu_events e;

	vcpu_new(vm, 0);
	ap = vcpu_new(vm, 1);
	/* Only then KVM sends anything to a LAPIC that has never run. */
	do_ioctl(ap->fd, KVM_GET_LAPIC, &lapic);
	do_ioctl(ap->fd, KVM_SET_LAPIC, &lapic);
	e = get_events(ap);
	e.flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	e.sipi_vector = 0x9f;
	ASSERT_EQ(0, set_events(ap, &e));
	ASSERT_EQ(0, set_mp(ap, KVM_MP_STATE_SIPI_RECEIVED));
	ASSERT_EQ(1, do_ioctl(vm->fd, KVM_SIGNAL_MSI, &nmi));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, get_mp(ap));
	EXPECT_EQ(0x9f000, get_sregs(ap).cs.base);
	EXPECT_EQ(1, get_events(ap).nmi.pending);
}

/* ---------------------------------------------------------------- translate */

static uint64_t translate(struct vcpu *v, uint64_t la)
{
	struct kvm_translation tr = { .linear_address = la };

	do_ioctl(v->fd, KVM_TRANSLATE, &tr);
	return tr.valid ? tr.physical_address : -1ULL;
}

TEST(translation)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	EXPECT_EQ(0x12345, translate(v, 0x12345));
	vcpu_long_at(v, 0);
	/* One page elsewhere: the third entry of the first page directory. */
	((uint64_t *)(v->vm->ram + PML4_GPA + 2 * PAGE))[3] = 0x800087;
	EXPECT_EQ(0x12345, translate(v, 0x12345));
	EXPECT_EQ(0x800000 + 0x1234, translate(v, 3 * 2 * MIB + 0x1234));
	EXPECT_EQ(-1ULL, translate(v, 4 * GIB));
	EXPECT_EQ(-1ULL, translate(v, 0xffffffff80000000));
}

LVX_TEST_MAIN
