// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's LAPIC: its life, access to its registers by MSR and by page, the
 * way of interrupts from the inbox to the CPU, and their end.
 *
 * Everything here runs in the vCPU's own thread unless it says "any thread".
 */
#include <linux/gfp.h>
#include <linux/slab.h>

#include "irq/internal.h"

#define X2APIC_MSR_FIRST	0x800

static struct lvx_irqchip *chip_of(struct lvx_lapic *lapic)
{
	return lapic->vcpu->vm->irqchip;
}

/* What other threads know of this LAPIC; after any write of its registers. */
static void publish(struct lvx_lapic *lapic)
{
	const struct lvx_apic *apic = &lapic->apic;
	bool enabled = lvx_apic_enabled(apic);
	struct lvx_apic_msg lint0;

	WRITE_ONCE(lapic->accepts, enabled && lvx_apic_sw_enabled(apic));
	/* Without a LAPIC in between, LINT0 is the CPU's INTR pin. */
	WRITE_ONCE(lapic->takes_extint, !enabled ||
		   (lvx_apic_lvt(apic, LVX_APIC_LVT_LINT0, &lint0) &&
		    lint0.mode == LVX_DM_EXTINT));
}

/*
 * A LAPIC that is not at its default address answers its own vCPU alone. Memory
 * there goes before it, as with KVM: then the access makes no exit.
 */
static void place_page(struct lvx_lapic *lapic)
{
	struct lvx_vcpu *vcpu = lapic->vcpu;

	vcpu->own_page = lapic->apic.base & LVX_APIC_BASE_ADDR;
	vcpu->own_device = vcpu->own_page == LVX_APIC_DEFAULT_BASE ?
			   NULL : &chip_of(lapic)->lapic_device;
}

static void publish_all(struct lvx_lapic *lapic)
{
	publish(lapic);
	place_page(lapic);
	lvx_apic_map_update(lapic);
	lvx_make_request(lapic->vcpu, LVX_REQ_EVENT);
}

/* An interrupt's service ended: does that interest an IOAPIC? */
static void ended(struct lvx_lapic *lapic, u8 vector, bool level)
{
	struct lvx_irqchip *chip = chip_of(lapic);
	bool broadcast;
	u32 svr;

	if (!test_bit(vector, chip->eoi_vectors))
		return;
	/* Without a broadcast, the guest writes to the IOAPIC itself. */
	svr = lvx_apic_get(&lapic->apic, LVX_APIC_SVR);
	broadcast = level && !(svr & LVX_APIC_SVR_NO_EOI);
	if (!lvx_irqchip_is(chip, LVX_IRQCHIP_SPLIT)) {
		lvx_irq_eoi(chip, vector, broadcast);
	} else if (broadcast) {
		lapic->eoi_vector = vector;
		lvx_make_request(lapic->vcpu, LVX_REQ_EOI_EXIT);
	}
}

static void apply(struct lvx_lapic *lapic, const struct lvx_apic_effect *effect)
{
	if (effect->todo & LVX_APIC_DO_IPI)
		lvx_apic_deliver(chip_of(lapic), &effect->ipi,
				 lapic->vcpu->idx);
	if (effect->todo & LVX_APIC_DO_EOI)
		ended(lapic, effect->eoi_vector, effect->eoi_level);
	if (effect->todo & LVX_APIC_DO_TIMER)
		lvx_lapic_timer_arm(lapic);
	if (effect->todo & LVX_APIC_DO_PUBLISH)
		publish(lapic);
	if (effect->todo & LVX_APIC_DO_CHECK)
		lvx_make_request(lapic->vcpu, LVX_REQ_EVENT);
	if (effect->todo & LVX_APIC_DO_MAP)
		lvx_apic_map_update(lapic);
}

static u64 time_for(u32 reg)
{
	return lvx_apic_wants_time(reg) ? ktime_get_ns() : 0;
}

static int write_reg(struct lvx_lapic *lapic, u32 reg, u64 val)
{
	struct lvx_apic_effect effect;
	int err;

	err = lvx_apic_write(&lapic->apic, reg, val, time_for(reg), &effect);
	if (!err && effect.todo)
		apply(lapic, &effect);
	return err;
}

/* ------------------------------------------------------------------ access */

/**
 * lvx_x2apic_read() - RDMSR
 * @vcpu: with a LAPIC
 * @msr: 0x800..0x8ff
 * @value: filled in
 *
 * Return: 0 or -EINVAL for #GP.
 */
int lvx_x2apic_read(struct lvx_vcpu *vcpu, u32 msr, u64 *value)
{
	const struct lvx_apic *apic = &vcpu->lapic->apic;
	u32 reg = (msr - X2APIC_MSR_FIRST) << 4;

	if (!lvx_apic_x2(apic))
		return -EINVAL;
	return lvx_apic_read(apic, reg, time_for(reg), value);
}

/**
 * lvx_x2apic_write() - WRMSR
 * @vcpu: with a LAPIC
 * @msr: 0x800..0x8ff
 * @value: what is written
 *
 * Return: 0 or -EINVAL for #GP. Context: does not sleep; interrupts may be off.
 */
int lvx_x2apic_write(struct lvx_vcpu *vcpu, u32 msr, u64 value)
{
	if (!lvx_apic_x2(&vcpu->lapic->apic))
		return -EINVAL;
	return write_reg(vcpu->lapic, (msr - X2APIC_MSR_FIRST) << 4, value);
}

/* The page at IA32_APIC_BASE: is this access for it? */
static bool page_is_at(const struct lvx_apic *apic, u64 addr)
{
	return (apic->base & LVX_APIC_BASE_ADDR) == (addr & PAGE_MASK);
}

/*
 * In x2APIC mode, and with the LAPIC off, there is no page, but memory is not
 * there either: reads give ones, as KVM has it.
 */
static bool page_answers(const struct lvx_apic *apic)
{
	return lvx_apic_enabled(apic) && !lvx_apic_x2(apic);
}

static int page_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		     unsigned int len, void *data)
{
	const struct lvx_apic *apic = &vcpu->lapic->apic;
	unsigned int skip = addr & 0xf;
	u32 reg = addr & 0xff0;
	u64 val;

	if (!page_is_at(apic, addr))
		return -EOPNOTSUPP;
	if (!page_answers(apic)) {
		memset(data, 0xff, len);
		return 0;
	}
	memset(data, 0, len);
	if (skip + len > 4)
		return 0;
	lvx_apic_read(apic, reg, time_for(reg), &val);
	memcpy(data, (u8 *)&val + skip, len);
	return 0;
}

/* SDM, "APIC Register Address Map": writes are of 32 bits, aligned to 128. */
static int page_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
		      u64 addr, unsigned int len, const void *data)
{
	const struct lvx_apic *apic = &vcpu->lapic->apic;
	u32 val;

	if (!page_is_at(apic, addr))
		return -EOPNOTSUPP;
	if (!page_answers(apic))
		return 0;
	if (len != 4 || (addr & 0xf))
		return 0;
	memcpy(&val, data, sizeof(val));
	write_reg(vcpu->lapic, addr & 0xff0, val);
	return 0;
}

static const struct lvx_io_ops page_ops = {
	.read = page_read,
	.write = page_write,
};

/**
 * lvx_lapic_register_device() - the page at its usual address
 * @chip: the VM's
 *
 * One range serves all vCPUs: each sees its own LAPIC there, unless it has moved
 * the page elsewhere.
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_lapic_register_device(struct lvx_irqchip *chip)
{
	chip->lapic_device.ops = &page_ops;
	return lvx_bus_register(&chip->vm->bus[LVX_BUS_MMIO],
				LVX_APIC_DEFAULT_BASE, LVX_APIC_PAGE_SIZE,
				&chip->lapic_device);
}

u64 lvx_lapic_base(struct lvx_vcpu *vcpu)
{
	return vcpu->lapic->apic.base;
}

/**
 * lvx_lapic_set_base() - write IA32_APIC_BASE
 * @vcpu: with a LAPIC
 * @base: new value
 * @by_host: restored by user space
 * @has_x2apic: the guest's CPUID has x2APIC
 * @maxphyaddr: the guest's
 *
 * Return: 0, or -EINVAL for what a WRMSR answers with #GP.
 */
int lvx_lapic_set_base(struct lvx_vcpu *vcpu, u64 base, bool by_host,
		       bool has_x2apic, u8 maxphyaddr)
{
	struct lvx_lapic *lapic = vcpu->lapic;
	int err;

	err = lvx_apic_set_base(&lapic->apic, base, by_host, has_x2apic,
				maxphyaddr);
	if (!err)
		publish_all(lapic);
	return err;
}

u64 lvx_lapic_cr8(struct lvx_vcpu *vcpu)
{
	return lvx_apic_get(&vcpu->lapic->apic, LVX_APIC_TPR) >> 4 & 0xf;
}

void lvx_lapic_set_cr8(struct lvx_vcpu *vcpu, u64 cr8)
{
	lvx_apic_set(&vcpu->lapic->apic, LVX_APIC_TPR, (cr8 & 0xf) << 4);
	lvx_make_request(vcpu, LVX_REQ_EVENT);
}

void *lvx_lapic_page(struct lvx_vcpu *vcpu)
{
	return vcpu->lapic->apic.regs;
}

/* ---------------------------------------------------------------- the inbox */

static void merge(struct lvx_lapic *lapic)
{
	u64 irr;
	int i;

	for (i = 0; i < 4; i++) {
		if (!READ_ONCE(lapic->irr[i]))
			continue;
		irr = xchg(&lapic->irr[i], 0);
		/* Whoever set a bit in irr has seen to tmr before. */
		lvx_apic_merge(&lapic->apic, i, irr, READ_ONCE(lapic->tmr[i]));
	}
}

/**
 * lvx_lapic_sync() - empty the inbox
 * @vcpu: with a LAPIC
 * @sipi: the vector, if a SIPI came; else left alone
 *
 * Vectors go into IRR. Context: does not sleep; interrupts may be off.
 *
 * Return: LVX_EVENT_* of what came besides. INIT is before SIPI.
 */
u32 lvx_lapic_sync(struct lvx_vcpu *vcpu, u8 *sipi)
{
	struct lvx_lapic *lapic = vcpu->lapic;
	u32 events = 0;

	static_assert(LVX_EVENT_NMI == BIT(LVX_INBOX_NMI));
	static_assert(LVX_EVENT_INIT == BIT(LVX_INBOX_INIT));
	static_assert(LVX_EVENT_SIPI == BIT(LVX_INBOX_SIPI));
	static_assert(LVX_EVENT_NMI_2 == BIT(LVX_INBOX_NMI_2));

	merge(lapic);
	if (READ_ONCE(lapic->events)) {
		/* Fully ordered; pairs with the barrier before SIPI's bit. */
		events = xchg(&lapic->events, 0);
		if (events & LVX_EVENT_SIPI)
			*sipi = READ_ONCE(lapic->sipi_vector);
	}
	return events;
}

/* ------------------------------------------------------ interrupts to the CPU */

static int pic_interrupt(struct lvx_lapic *lapic, bool take)
{
	struct lvx_irqchip *chip = chip_of(lapic);

	if (!lapic->takes_extint || !lvx_irqchip_is(chip, LVX_IRQCHIP_FULL))
		return -1;
	return lvx_pic_interrupt(chip, take);
}

/**
 * lvx_irq_takes_extint() - is the CPU connected to a PIC's output?
 * @vcpu: the caller's own
 *
 * Return: true without a LAPIC, or if the LAPIC's LINT0 passes it on.
 */
bool lvx_irq_takes_extint(const struct lvx_vcpu *vcpu)
{
	return !vcpu->lapic || vcpu->lapic->takes_extint;
}

/**
 * lvx_irq_peek() - the interrupt that the vCPU would take with RFLAGS.IF set
 * @vcpu: its inbox is empty
 *
 * Return: the vector or -1.
 */
int lvx_irq_peek(struct lvx_vcpu *vcpu)
{
	struct lvx_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic)
		return -1;
	vector = pic_interrupt(lapic, false);
	if (vector < 0 && lapic->accepts)
		vector = lvx_apic_pending(&lapic->apic);
	return vector;
}

/**
 * lvx_irq_take() - acknowledge that interrupt
 * @vcpu: takes it now
 *
 * Return: the vector or -1.
 */
int lvx_irq_take(struct lvx_vcpu *vcpu)
{
	struct lvx_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic)
		return -1;
	vector = pic_interrupt(lapic, true);
	if (vector >= 0 || !lapic->accepts)
		return vector;
	vector = lvx_apic_pending(&lapic->apic);
	if (vector >= 0)
		lvx_apic_accept(&lapic->apic, vector);
	return vector;
}

/**
 * lvx_lapic_tpr_threshold() - below which TPR does an interrupt become due?
 * @vcpu: with a LAPIC, its inbox is empty
 *
 * Return: the TPR threshold control; 0 if nothing is held back by TPR.
 */
u32 lvx_lapic_tpr_threshold(struct lvx_vcpu *vcpu)
{
	int irr = lvx_apic_highest(&vcpu->lapic->apic, LVX_APIC_IRR);

	if (irr < 0 || lvx_lapic_cr8(vcpu) < irr >> 4)
		return 0;
	return irr >> 4;
}

/**
 * lvx_lapic_eoi_vector() - which EOI does user space's IOAPIC wait for?
 * @vcpu: the caller's own, with LVX_REQ_EOI_EXIT just taken
 *
 * Return: the vector.
 */
u8 lvx_lapic_eoi_vector(const struct lvx_vcpu *vcpu)
{
	return vcpu->lapic->eoi_vector;
}

/* -------------------------------------------------------------------- life */

/**
 * lvx_lapic_create() - give a new vCPU its LAPIC
 * @vcpu: not yet published, under vm->lock
 *
 * Return: 0, -ENOMEM, -ENOSPC.
 */
int lvx_lapic_create(struct lvx_vcpu *vcpu)
{
	struct lvx_irqchip *chip = vcpu->vm->irqchip;
	struct lvx_lapic *lapic;
	int err = -ENOMEM;

	lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);
	if (!lapic)
		return -ENOMEM;
	lapic->apic.regs = (u8 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->apic.regs)
		goto free;
	lapic->vcpu = vcpu;
	lapic->apic.id = vcpu->id;
	lapic->apic.nr_lvt = 6;
	/* The kernel's IOAPIC is of a version that knows no directed EOI. */
	lapic->apic.directed_eoi = lvx_irqchip_is(chip, LVX_IRQCHIP_SPLIT);
	lvx_apic_reset(&lapic->apic, vcpu->id == vcpu->vm->bsp_id, false);
	lvx_lapic_timer_init(lapic);
	publish(lapic);
	err = lvx_apic_map_add(lapic);
	if (err)
		goto free_page;
	vcpu->lapic = lapic;
	return 0;

free_page:
	free_page((unsigned long)lapic->apic.regs);
free:
	kfree(lapic);
	return err;
}

/**
 * lvx_lapic_destroy() - take it away
 * @vcpu: nobody reaches it any more
 */
void lvx_lapic_destroy(struct lvx_vcpu *vcpu)
{
	struct lvx_lapic *lapic = vcpu->lapic;

	lvx_apic_map_remove(lapic);
	hrtimer_cancel(&lapic->timer);
	vcpu->lapic = NULL;
	free_page((unsigned long)lapic->apic.regs);
	kfree(lapic);
}

/* Interrupts that have not reached the page go with the state they belong to. */
static void drop_inbox_vectors(struct lvx_lapic *lapic)
{
	int i;

	for (i = 0; i < 4; i++)
		xchg(&lapic->irr[i], 0);
}

/**
 * lvx_lapic_reset() - INIT or RESET
 * @vcpu: with a LAPIC
 * @init: INIT
 */
void lvx_lapic_reset(struct lvx_vcpu *vcpu, bool init)
{
	struct lvx_lapic *lapic = vcpu->lapic;

	drop_inbox_vectors(lapic);
	lvx_apic_reset(&lapic->apic, vcpu->id == vcpu->vm->bsp_id, init);
	lvx_lapic_timer_arm(lapic);
	publish_all(lapic);
}

/**
 * lvx_lapic_get() - KVM_GET_LAPIC
 * @vcpu: with a LAPIC
 * @state: filled in
 *
 * What is on its way (inbox, a timer that is due) is in it: nothing that was
 * sent before the call is missing from the saved state.
 *
 * Return: 0.
 */
int lvx_lapic_get(struct lvx_vcpu *vcpu, struct kvm_lapic_state *state)
{
	struct lvx_lapic *lapic = vcpu->lapic;

	static_assert(sizeof(state->regs) == LVX_APIC_USER_SIZE);
	lvx_lapic_timer_check(lapic);
	lvx_lapic_timer_arm(lapic);
	merge(lapic);
	lvx_apic_get_page(&lapic->apic, (u8 *)state->regs, ktime_get_ns());
	return 0;
}

/**
 * lvx_lapic_set() - KVM_SET_LAPIC
 * @vcpu: with a LAPIC, its IA32_APIC_BASE set before
 * @state: anything
 *
 * Return: 0.
 */
int lvx_lapic_set(struct lvx_vcpu *vcpu, const struct kvm_lapic_state *state)
{
	struct lvx_lapic *lapic = vcpu->lapic;

	drop_inbox_vectors(lapic);
	lvx_apic_set_page(&lapic->apic, (const u8 *)state->regs,
			  ktime_get_ns());
	lvx_lapic_timer_arm(lapic);
	publish_all(lapic);
	return 0;
}
