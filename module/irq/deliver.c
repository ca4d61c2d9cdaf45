// SPDX-License-Identifier: GPL-2.0
/*
 * From a message to the inboxes of the LAPICs that it is meant for.
 *
 * Who is meant, the map of addresses says, so that an IPI costs its targets and
 * not all vCPUs. Addresses change rarely, and where they do (a LAPIC register
 * written with interrupts off) a new map can't be allocated. So each LAPIC's
 * address is also kept in the "live" map, which has no tables and is searched
 * from end to end; messages go by it until work has made a new map with tables.
 * Senders take no lock for that: a guest that changes addresses all the time
 * makes its own messages slower, and nothing else.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "irq/internal.h"

static void look(struct lvx_lapic *lapic)
{
	lvx_make_request(lapic->vcpu, LVX_REQ_EVENT);
	lvx_vcpu_kick(lapic->vcpu);
}

static void inbox_vector(struct lvx_lapic *lapic, u8 vector, bool level)
{
	/* Before irr, which the owner takes first. Hardly ever a change. */
	if (test_bit(vector, lapic->tmr) != level) {
		if (level)
			set_bit(vector, lapic->tmr);
		else
			clear_bit(vector, lapic->tmr);
	}
	set_bit(vector, lapic->irr);
	/*
	 * Also if the bit was set before: whoever set it may have lost its CPU
	 * before its own kick, and the second sender's interrupt must not wait
	 * until the first one runs again.
	 */
	look(lapic);
}

static void inbox_event(struct lvx_lapic *lapic, enum lvx_inbox event)
{
	set_bit(event, &lapic->events);
	look(lapic);
}

/*
 * One NMI may wait behind another, and more are lost. Each sender sets one bit
 * only, so that there are never more NMIs than senders.
 */
static void inbox_nmi(struct lvx_lapic *lapic)
{
	if (test_and_set_bit(LVX_INBOX_NMI, &lapic->events))
		set_bit(LVX_INBOX_NMI_2, &lapic->events);
	look(lapic);
}

/**
 * lvx_lapic_accept() - give a message to one LAPIC
 * @vcpu: whose; it has one
 * @msg: the message
 *
 * Any context. Return: 1 if it was taken, 0 if the LAPIC ignores it.
 */
int lvx_lapic_accept(struct lvx_vcpu *vcpu, const struct lvx_apic_msg *msg)
{
	struct lvx_lapic *lapic = vcpu->lapic;

	switch (msg->mode) {
	case LVX_DM_FIXED:
	case LVX_DM_LOWEST:
		if (!READ_ONCE(lapic->accepts))
			return 0;
		inbox_vector(lapic, msg->vector, msg->level);
		return 1;
	case LVX_DM_NMI:
		inbox_nmi(lapic);
		return 1;
	case LVX_DM_INIT:
		/* The level de-assert of old does nothing. */
		if (msg->level && !msg->assert)
			return 0;
		clear_bit(LVX_INBOX_SIPI, &lapic->events);
		inbox_event(lapic, LVX_INBOX_INIT);
		return 1;
	case LVX_DM_SIPI:
		WRITE_ONCE(lapic->sipi_vector, msg->vector);
		/* Pairs with the barrier in lvx_lapic_sync(). */
		smp_mb__before_atomic();
		inbox_event(lapic, LVX_INBOX_SIPI);
		return 1;
	}
	/* SMI: there is no SMM. ExtINT comes by LINT0 alone. */
	return 0;
}

static int deliver(struct lvx_irqchip *chip, const struct lvx_apic_map *map,
		   const struct lvx_apic_msg *msg, u32 self)
{
	int i, taken = LVX_LINE_IGNORED;
	struct lvx_apic_targets it;
	u32 nr;

	/* Pairs with the release that publishes a vCPU. */
	nr = smp_load_acquire(&chip->vm->nr_vcpus);
	lvx_apic_targets(&it, map, msg, self);
	while ((i = lvx_apic_next_target(&it)) >= 0) {
		/* In the map a moment before it can be reached. */
		if (i >= nr)
			continue;
		taken = max(taken, 0) +
			lvx_lapic_accept(chip->vm->vcpus[i], msg);
	}
	return taken;
}

/**
 * lvx_apic_deliver() - send a message
 * @chip: the VM's
 * @msg: the message
 * @self: index of the sending vCPU, or LVX_NO_SELF
 *
 * Any context. Return: how many LAPICs took it, LVX_LINE_IGNORED if none was
 * meant.
 */
int lvx_apic_deliver(struct lvx_irqchip *chip, const struct lvx_apic_msg *msg,
		     u32 self)
{
	const struct lvx_apic_map *map;
	int taken;

	rcu_read_lock();
	/* Pairs with the release in make_map(). */
	if (!smp_load_acquire(&chip->map_stale))
		map = &rcu_dereference(chip->map)->map;
	else
		map = chip->live;
	taken = deliver(chip, map, msg, self);
	rcu_read_unlock();
	return taken;
}

/* Not twice in a tick: a guest may change its addresses as often as it likes. */
static void queue_map(struct lvx_irqchip *chip)
{
	lockdep_assert_held(&chip->map_lock);
	chip->map_stale = true;
	chip->map_changes++;
	queue_delayed_work(system_wq, &chip->map_work,
			   time_after_eq(chip->map_made, jiffies));
}

/* A map of the addresses as they are at this moment, but for the tables. */
static struct lvx_apic_table *copy_live(struct lvx_irqchip *chip, u32 *max_id,
					u64 *changes)
{
	struct lvx_apic_table *new;
	u32 nr;

	spin_lock_irq(&chip->map_lock);
	nr = chip->live->nr;
	*max_id = chip->max_id;
	spin_unlock_irq(&chip->map_lock);
	new = kvzalloc(offsetof(struct lvx_apic_table, map) +
		       lvx_apic_map_size(nr, *max_id), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;		/* the live one serves, only slower */

	spin_lock_irq(&chip->map_lock);
	*changes = chip->map_changes;
	/* Whoever changed these has queued the work again. */
	if (nr != chip->live->nr || *max_id != chip->max_id)
		nr = 0;
	memcpy(new->map.addr, chip->live->addr, nr * sizeof(new->map.addr[0]));
	spin_unlock_irq(&chip->map_lock);
	new->map.nr = nr;
	if (nr)
		return new;
	kvfree(new);
	return NULL;
}

/* Replace the map by one of the addresses as they are now. */
static void make_map(struct work_struct *work)
{
	struct lvx_irqchip *chip =
		container_of(work, struct lvx_irqchip, map_work.work);
	struct lvx_apic_table *new, *old;
	u64 changes;
	u32 max_id;

	new = copy_live(chip, &max_id, &changes);
	if (!new)
		return;
	lvx_apic_map_make(&new->map, max_id);

	spin_lock_irq(&chip->map_lock);
	chip->map_made = jiffies;
	if (changes == chip->map_changes) {
		old = rcu_dereference_protected(chip->map,
						lockdep_is_held(&chip->map_lock));
		rcu_assign_pointer(chip->map, new);
		/* Pairs with the acquire in lvx_apic_deliver(). */
		smp_store_release(&chip->map_stale, false);
	} else {
		old = new;	/* the work is queued again */
	}
	spin_unlock_irq(&chip->map_lock);
	/* Not waiting: until this returns, the next map is not made. */
	if (old)
		kvfree_rcu(old, rcu);
}

/**
 * lvx_apic_map_create() - before the first LAPIC
 * @chip: the VM's
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_apic_map_create(struct lvx_irqchip *chip)
{
	struct lvx_apic_map *live;

	live = kvzalloc(lvx_apic_map_size(LVX_MAX_VCPUS, 0),
			GFP_KERNEL_ACCOUNT);
	if (!live)
		return -ENOMEM;
	/* No tables: every message looks at every address. */
	live->logical = LVX_LOGICAL_SCAN;
	live->scan_physical = true;
	chip->live = live;
	chip->map_stale = true;
	chip->map_made = jiffies - 1;
	INIT_DELAYED_WORK(&chip->map_work, make_map);
	return 0;
}

void lvx_apic_map_destroy(struct lvx_irqchip *chip)
{
	if (!chip->live)
		return;
	cancel_delayed_work_sync(&chip->map_work);
	kvfree(rcu_dereference_protected(chip->map, true));
	RCU_INIT_POINTER(chip->map, NULL);
	kvfree(chip->live);
	chip->live = NULL;
}

/* Under map_lock. */
static void set_address(struct lvx_irqchip *chip, u32 idx,
			const struct lvx_apic_addr *addr)
{
	struct lvx_apic_addr *live = &chip->live->addr[idx];

	lockdep_assert_held(&chip->map_lock);
	if (live->changing == addr->changing && live->id == addr->id)
		return;
	WRITE_ONCE(live->id, addr->id);
	WRITE_ONCE(live->changing, addr->changing);
	queue_map(chip);
}

/**
 * lvx_apic_map_update() - a LAPIC's address may have changed
 * @lapic: the caller's own
 *
 * Messages that are sent after the return see it. Context: does not sleep.
 */
void lvx_apic_map_update(struct lvx_lapic *lapic)
{
	struct lvx_irqchip *chip = lapic->vcpu->vm->irqchip;
	struct lvx_apic_addr addr;
	unsigned long flags;

	lvx_apic_addr_of(&lapic->apic, &addr);
	spin_lock_irqsave(&chip->map_lock, flags);
	set_address(chip, lapic->vcpu->idx, &addr);
	spin_unlock_irqrestore(&chip->map_lock, flags);
}

/**
 * lvx_apic_map_add() - a new LAPIC
 * @lapic: of a vCPU that is being created, under vm->lock
 *
 * Return: 0, or -ENOSPC if there are too many.
 */
int lvx_apic_map_add(struct lvx_lapic *lapic)
{
	struct lvx_irqchip *chip = lapic->vcpu->vm->irqchip;

	if (lapic->vcpu->idx >= LVX_MAX_VCPUS)
		return -ENOSPC;
	spin_lock_irq(&chip->map_lock);
	WRITE_ONCE(chip->live->nr, max(chip->live->nr, lapic->vcpu->idx + 1));
	chip->max_id = max(chip->max_id, lapic->vcpu->id);
	queue_map(chip);
	spin_unlock_irq(&chip->map_lock);
	lvx_apic_map_update(lapic);
	return 0;
}

void lvx_apic_map_remove(struct lvx_lapic *lapic)
{
	struct lvx_irqchip *chip = lapic->vcpu->vm->irqchip;
	static const struct lvx_apic_addr off;

	spin_lock_irq(&chip->map_lock);
	set_address(chip, lapic->vcpu->idx, &off);
	spin_unlock_irq(&chip->map_lock);
}
