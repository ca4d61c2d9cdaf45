// SPDX-License-Identifier: GPL-2.0
/*
 * Where interrupts go: from a GSI (a number that user space and eventfds name)
 * to pins of the chips and to MSIs, by a table that user space may replace at
 * any moment. Readers use it under RCU, from any context.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "irq/internal.h"

#define KIND_PIN	KVM_IRQ_ROUTING_IRQCHIP
#define KIND_MSI	KVM_IRQ_ROUTING_MSI

static u64 msi_address(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

static int send_msi(struct lvx_irqchip *chip, u64 address, u32 data)
{
	struct lvx_apic_msg msg;

	if (!lvx_msi_decode(address, data, false, &msg))
		return -EINVAL;
	return lvx_apic_deliver(chip, &msg, LVX_NO_SELF);
}

static int follow(struct lvx_irqchip *chip, const struct lvx_route *route,
		  enum lvx_irq_source source, bool level)
{
	if (route->type == KIND_MSI)
		return level ? send_msi(chip, route->address, route->data) :
			       LVX_LINE_IGNORED;
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return lvx_ioapic_line(chip, route->pin, source, level);
	return lvx_pic_line(chip, route->pin + 8 * route->chip, source, level);
}

/**
 * lvx_irq_set() - move the line of a GSI
 * @chip: the VM's
 * @gsi: any number
 * @source: who holds the line
 * @level: up or down; MSIs are sent when it goes up
 *
 * A GSI may lead to the PIC and to the IOAPIC, since only the guest knows which
 * of them it uses; it masks the other.
 *
 * Any context. Return: number of CPUs that the interrupt went to,
 * LVX_LINE_COALESCED, or LVX_LINE_IGNORED.
 */
int lvx_irq_set(struct lvx_irqchip *chip, u32 gsi, enum lvx_irq_source source,
		bool level)
{
	const struct lvx_routing *routing;
	int r, ret = LVX_LINE_IGNORED;
	u32 i;

	rcu_read_lock();
	routing = rcu_dereference(chip->routing);
	if (routing && gsi < routing->nr_gsis) {
		gsi = array_index_nospec(gsi, routing->nr_gsis);
		for (i = routing->first[gsi]; i < routing->first[gsi + 1]; i++) {
			r = follow(chip, &routing->route[i], source, level);
			if (r >= 0)
				ret = max(ret, 0) + r;
		}
	}
	rcu_read_unlock();
	return ret;
}

/**
 * lvx_irq_gsi_of() - the GSI that leads to a pin
 * @chip: the VM's
 * @id: KVM_IRQCHIP_*
 * @pin: of that chip
 *
 * Any context. Return: the GSI, or -1.
 */
int lvx_irq_gsi_of(struct lvx_irqchip *chip, unsigned int id, unsigned int pin)
{
	const struct lvx_routing *routing;
	int gsi = -1;

	rcu_read_lock();
	routing = rcu_dereference(chip->routing);
	if (routing)
		gsi = routing->gsi_of[id][pin];
	rcu_read_unlock();
	return gsi;
}

/**
 * lvx_irq_split_vectors() - the vectors whose EOI user space's IOAPIC awaits
 * @chip: the VM's, split
 * @vectors: 256 bits, to which they are added
 */
void lvx_irq_split_vectors(struct lvx_irqchip *chip, unsigned long *vectors)
{
	const struct lvx_routing *routing;
	const struct lvx_route *route;
	struct lvx_apic_msg msg;
	u32 i, end;

	rcu_read_lock();
	routing = rcu_dereference(chip->routing);
	end = routing ? routing->first[min(routing->nr_gsis,
					   chip->split_pins)] : 0;
	for (i = 0; i < end; i++) {
		route = &routing->route[i];
		if (route->type == KIND_MSI &&
		    lvx_msi_decode(route->address, route->data, false, &msg) &&
		    msg.level)
			__set_bit(msg.vector, vectors);
	}
	rcu_read_unlock();
}

/* ------------------------------------------------------------- a new table */

/* Two routes of one GSI: pins of different chips, and nothing else. */
static bool may_share(const struct lvx_route *a, const struct lvx_route *b)
{
	return a->type == KIND_PIN && b->type == KIND_PIN && a->chip != b->chip;
}

static int parse(struct lvx_irqchip *chip,
		 const struct kvm_irq_routing_entry *user,
		 struct lvx_route *route)
{
	u32 id = user->u.irqchip.irqchip, pin = user->u.irqchip.pin;

	*route = (struct lvx_route){ .gsi = user->gsi, .type = user->type };
	if (user->gsi >= LVX_MAX_GSI)
		return -EINVAL;
	switch (user->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (user->flags || chip->mode == LVX_IRQCHIP_SPLIT ||
		    id >= LVX_NR_CHIPS)
			return -EINVAL;
		if (pin >= (id == KVM_IRQCHIP_IOAPIC ? LVX_IOAPIC_PINS : 8))
			return -EINVAL;
		route->chip = id;
		route->pin = pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		if (user->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		route->address = msi_address(user->u.msi.address_lo,
					     user->u.msi.address_hi);
		route->data = user->u.msi.data;
		return 0;
	}
	return -EINVAL;
}

/* Sort by counting: where each GSI's routes begin, then put them there. */
static int fill(struct lvx_irqchip *chip, struct lvx_routing *new,
		const struct kvm_irq_routing_entry *user, u32 nr)
{
	struct lvx_route route;
	u32 i, j;
	int err;

	memset(new->gsi_of, 0xff, sizeof(new->gsi_of));
	for (i = 0; i < nr; i++)
		new->first[user[i].gsi + 1]++;
	for (i = 0; i < new->nr_gsis; i++)
		new->first[i + 1] += new->first[i];

	for (i = 0; i < nr; i++) {
		err = parse(chip, &user[i], &route);
		if (err)
			return err;
		/* The count above left a place for it behind those before. */
		for (j = new->first[route.gsi]; new->route[j].type; j++)
			if (!may_share(&new->route[j], &route))
				return -EINVAL;
		new->route[j] = route;
		if (route.type == KIND_PIN)
			new->gsi_of[route.chip][route.pin] = route.gsi;
	}
	return 0;
}

static void free_table(struct lvx_routing *routing)
{
	if (routing)
		kvfree(routing->first);
	kvfree(routing);
}

static struct lvx_routing *alloc_table(u32 nr, u32 nr_gsis)
{
	struct lvx_routing *new;

	/* One route more: fill() looks for a free place behind the last. */
	new = kvzalloc(struct_size(new, route, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->nr_gsis = nr_gsis;
	new->first = kvcalloc(nr_gsis + 1, sizeof(*new->first),
			      GFP_KERNEL_ACCOUNT);
	if (!new->first) {
		kvfree(new);
		return NULL;
	}
	return new;
}

static int set_routing(struct lvx_irqchip *chip,
		       const struct kvm_irq_routing_entry *user, u32 nr)
{
	struct lvx_routing *new, *old;
	u32 i, nr_gsis = 0;
	int err;

	for (i = 0; i < nr; i++) {
		if (user[i].gsi >= LVX_MAX_GSI)
			return -EINVAL;
		nr_gsis = max(nr_gsis, user[i].gsi + 1);
	}
	new = alloc_table(nr, nr_gsis);
	if (!new)
		return -ENOMEM;
	err = fill(chip, new, user, nr);
	if (err) {
		free_table(new);
		return err;
	}
	mutex_lock(&chip->routing_mutex);
	old = rcu_replace_pointer(chip->routing, new,
				  lockdep_is_held(&chip->routing_mutex));
	mutex_unlock(&chip->routing_mutex);
	/* No interrupt goes the old way after the return. */
	if (old)
		synchronize_rcu_expedited();
	free_table(old);
	return 0;
}

/**
 * lvx_irq_set_routing() - KVM_SET_GSI_ROUTING
 * @vm: the VM, with an irqchip
 * @entries: the new table
 * @nr: its length
 *
 * Return: 0, -EINVAL (nothing changed) or -ENOMEM.
 */
int lvx_irq_set_routing(struct lvx_vm *vm,
			const struct kvm_irq_routing_entry *entries, u32 nr)
{
	int err = set_routing(vm->irqchip, entries, nr);

	if (!err)
		lvx_irq_update_eoi(vm->irqchip);
	return err;
}

/**
 * lvx_irq_set_default_routing() - the table of a new irqchip
 * @chip: becoming full
 *
 * GSIs 0 to 15 lead to the PICs' lines and the IOAPIC's pins of the same
 * number, those up to 23 to the IOAPIC alone.
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_irq_set_default_routing(struct lvx_irqchip *chip)
{
	struct kvm_irq_routing_entry *entries, *e;
	u32 gsi;
	int err;

	entries = kcalloc(LVX_IOAPIC_PINS + LVX_PIC_PINS, sizeof(*entries),
			  GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	e = entries;
	for (gsi = 0; gsi < LVX_IOAPIC_PINS; gsi++) {
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, gsi },
		};
		if (gsi < LVX_PIC_PINS)
			*e++ = (struct kvm_irq_routing_entry){
				.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip = { gsi >> 3, gsi & 7 },
			};
	}
	err = set_routing(chip, entries, e - entries);
	kfree(entries);
	return err;
}

void lvx_irq_free_routing(struct lvx_irqchip *chip)
{
	free_table(rcu_dereference_protected(chip->routing, true));
}

/* ------------------------------------------------------------------ ioctls */

/**
 * lvx_irq_line() - KVM_IRQ_LINE and KVM_IRQ_LINE_STATUS
 * @vm: the VM
 * @level: GSI and level; the status is filled in
 *
 * Return: 0 or -ENXIO without an irqchip.
 */
int lvx_irq_line(struct lvx_vm *vm, struct kvm_irq_level *level)
{
	if (!lvx_irqchip_in_kernel(vm))
		return -ENXIO;
	level->status = lvx_irq_set(vm->irqchip, level->irq, LVX_SOURCE_USER,
				    level->level);
	return 0;
}

/**
 * lvx_irq_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @msi: address and data
 *
 * Return: number of CPUs that took it; -EPERM, which is LVX_LINE_IGNORED's
 * number, if none was meant; -EINVAL.
 */
int lvx_irq_msi(struct lvx_vm *vm, const struct kvm_msi *msi)
{
	if (!lvx_irqchip_in_kernel(vm) || (msi->flags & ~KVM_MSI_VALID_DEVID))
		return -EINVAL;
	return send_msi(vm->irqchip,
			msi_address(msi->address_lo, msi->address_hi),
			msi->data);
}
