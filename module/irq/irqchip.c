// SPDX-License-Identifier: GPL-2.0
/*
 * PIC and IOAPIC as devices: one lock around both state machines, their ports
 * and registers on the buses, their lines, the ends of interrupts, and saving
 * and restoring them. Also the life of the VM's interrupt state as a whole.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "irq/internal.h"

/* ------------------------------------------------------------ notifications */

/*
 * A pin's interrupt has been served. Never under chip->lock: who awaits this
 * moves lines.
 */
static void pin_acked(struct lvx_irqchip *chip, unsigned int id,
		      unsigned int pin)
{
	int gsi = lvx_irq_gsi_of(chip, id, pin);

	if (gsi < 0 || !test_bit(gsi, chip->ack_gsis))
		return;
	if (gsi == 0)
		lvx_pit_acked(chip);
	lvx_irqfd_acked(chip, gsi);
}

static void pin_unmasked(struct lvx_irqchip *chip, unsigned int id,
			 unsigned int pin)
{
	if (lvx_irq_gsi_of(chip, id, pin) == 0)
		lvx_pit_unmasked(chip);
}

/* --------------------------------------------------------------------- PIC */

/* The PIC's output went up: it reaches the first CPU that listens at LINT0. */
static void raise_extint(struct lvx_irqchip *chip)
{
	struct lvx_vcpu *vcpu;
	u32 i;

	lvx_for_each_vcpu(chip->vm, i, vcpu) {
		if (!READ_ONCE(vcpu->lapic->takes_extint))
			continue;
		lvx_make_request(vcpu, LVX_REQ_EVENT);
		lvx_vcpu_kick(vcpu);
		return;
	}
}

static unsigned long pic_begin(struct lvx_irqchip *chip)
	__acquires(&chip->lock)
{
	unsigned long flags;

	spin_lock_irqsave(&chip->lock, flags);
	return flags;
}

/* End what pic_begin() began, and pass on what happened between. */
static void pic_end(struct lvx_irqchip *chip, unsigned long flags, bool was_up)
	__releases(&chip->lock)
{
	unsigned long acked = chip->pic.acked, unmasked = chip->pic.unmasked;
	bool raised = chip->pic.output && !was_up;
	unsigned int pin;

	chip->pic.acked = 0;
	chip->pic.unmasked = 0;
	/* Under the lock: who finds the output up relies on this. */
	if (raised)
		raise_extint(chip);
	spin_unlock_irqrestore(&chip->lock, flags);

	for_each_set_bit(pin, &unmasked, LVX_PIC_PINS)
		pin_unmasked(chip, pin >> 3, pin & 7);
	for_each_set_bit(pin, &acked, LVX_PIC_PINS)
		pin_acked(chip, pin >> 3, pin & 7);
}

/**
 * lvx_pic_line() - move a line of the PICs
 * @chip: the VM's, full
 * @pin: 0..15
 * @source: who holds it
 * @level: up or down
 *
 * Any context. Return: as lvx_pic_set_line().
 */
int lvx_pic_line(struct lvx_irqchip *chip, unsigned int pin,
		 enum lvx_irq_source source, bool level)
{
	unsigned long flags = pic_begin(chip);
	bool was_up = chip->pic.output;
	int ret = lvx_pic_set_line(&chip->pic, pin, source, level);

	pic_end(chip, flags, was_up);
	return ret;
}

/**
 * lvx_pic_interrupt() - the PIC's interrupt, for a CPU that listens at LINT0
 * @chip: the VM's, full
 * @take: acknowledge it
 *
 * Return: the vector, or -1 if there is none (any more).
 */
int lvx_pic_interrupt(struct lvx_irqchip *chip, bool take)
{
	unsigned long flags;
	int vector = -1;

	/* Most often it is down, and whoever raises it makes a request. */
	if (!READ_ONCE(chip->pic.output))
		return -1;
	flags = pic_begin(chip);
	if (chip->pic.output)
		vector = take ? lvx_pic_take(&chip->pic) :
				lvx_pic_peek(&chip->pic);
	/* The caller looks again by itself for what comes next. */
	pic_end(chip, flags, true);
	return vector;
}

static int pic_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		    unsigned int len, void *data)
{
	struct lvx_irqchip *chip =
		container_of(dev, struct lvx_irqchip, pic_device);
	unsigned long flags;
	bool was_up;

	memset(data, 0, len);
	if (len != 1)
		return 0;
	flags = pic_begin(chip);
	was_up = chip->pic.output;
	*(u8 *)data = lvx_pic_read(&chip->pic, addr);
	pic_end(chip, flags, was_up);
	return 0;
}

static int pic_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		     unsigned int len, const void *data)
{
	struct lvx_irqchip *chip =
		container_of(dev, struct lvx_irqchip, pic_device);
	unsigned long flags;
	bool was_up;

	if (len != 1)
		return 0;
	flags = pic_begin(chip);
	was_up = chip->pic.output;
	lvx_pic_write(&chip->pic, addr, *(const u8 *)data);
	pic_end(chip, flags, was_up);
	return 0;
}

static const struct lvx_io_ops pic_ops = { .read = pic_read, .write = pic_write };

/* ------------------------------------------------------------------ IOAPIC */

static int send(struct lvx_irqchip *chip, unsigned int pin,
		const struct lvx_apic_msg *msg)
{
	int takers;

	lockdep_assert_held(&chip->lock);
	takers = lvx_apic_deliver(chip, msg, LVX_NO_SELF);
	lvx_ioapic_sent(&chip->ioapic, pin, takers);
	return takers;
}

/**
 * lvx_ioapic_line() - move a line of the IOAPIC
 * @chip: the VM's, full
 * @pin: 0..23
 * @source: who holds it
 * @level: up or down
 *
 * Any context. Return: how many CPUs the interrupt went to,
 * LVX_LINE_COALESCED, LVX_LINE_IGNORED, or 1 for a line that went down.
 */
int lvx_ioapic_line(struct lvx_irqchip *chip, unsigned int pin,
		    enum lvx_irq_source source, bool level)
{
	struct lvx_apic_msg msg;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&chip->lock, flags);
	ret = lvx_ioapic_set_line(&chip->ioapic, pin, source, level, &msg);
	if (ret == LVX_LINE_SEND)
		ret = send(chip, pin, &msg);
	spin_unlock_irqrestore(&chip->lock, flags);
	return ret;
}

static bool pin_awaits_eoi(struct lvx_irqchip *chip, unsigned int pin)
{
	int gsi = lvx_irq_gsi_of(chip, KVM_IRQCHIP_IOAPIC, pin);

	return lvx_ioapic_is_level(&chip->ioapic, pin) ||
	       (gsi >= 0 && test_bit(gsi, chip->ack_gsis));
}

static void update_eoi_vectors(struct lvx_irqchip *chip)
{
	DECLARE_BITMAP(vectors, 256);
	unsigned int pin;

	lockdep_assert_held(&chip->lock);
	bitmap_zero(vectors, 256);
	if (chip->mode == LVX_IRQCHIP_SPLIT)
		lvx_irq_split_vectors(chip, vectors);
	else
		for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
			if (pin_awaits_eoi(chip, pin))
				__set_bit(chip->ioapic.redir[pin] &
					  LVX_REDIR_VECTOR, vectors);
	bitmap_copy(chip->eoi_vectors, vectors, 256);
}

/**
 * lvx_irq_update_eoi() - routes, or who awaits acknowledgments, have changed
 * @chip: the VM's
 */
void lvx_irq_update_eoi(struct lvx_irqchip *chip)
{
	unsigned long flags;

	spin_lock_irqsave(&chip->lock, flags);
	update_eoi_vectors(chip);
	spin_unlock_irqrestore(&chip->lock, flags);
}

/* The pause of a line that nobody serves is over. */
static void resend(struct work_struct *work)
{
	struct lvx_irqchip *chip =
		container_of(work, struct lvx_irqchip, resend_work.work);
	struct lvx_ioapic *io = &chip->ioapic;
	struct lvx_apic_msg msg;
	unsigned long flags;
	unsigned int pin;

	spin_lock_irqsave(&chip->lock, flags);
	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		if (lvx_ioapic_is_level(io, pin) && (io->irr & BIT(pin)) &&
		    lvx_ioapic_service(io, pin, &msg))
			send(chip, pin, &msg);
	spin_unlock_irqrestore(&chip->lock, flags);
}

/* An EOI for a pin, under the lock. */
static void end_pin(struct lvx_irqchip *chip, unsigned int pin)
{
	struct lvx_apic_msg msg;

	switch (lvx_ioapic_eoi(&chip->ioapic, pin, &msg)) {
	case LVX_IOAPIC_NOTHING:
		break;
	case LVX_IOAPIC_SEND:
		send(chip, pin, &msg);
		break;
	case LVX_IOAPIC_LATER:
		schedule_delayed_work(&chip->resend_work, HZ / 100);
		break;
	}
}

/**
 * lvx_irq_eoi() - a LAPIC ended an interrupt that the IOAPIC awaits
 * @chip: the VM's, full
 * @vector: of the interrupt
 * @broadcast: it was level-triggered, and the LAPIC broadcasts such EOIs
 *
 * Devices are told first, so that one that is done takes its line down before
 * the line is looked at again.
 */
void lvx_irq_eoi(struct lvx_irqchip *chip, u8 vector, bool broadcast)
{
	unsigned long flags, pins;
	unsigned int pin;

	spin_lock_irqsave(&chip->lock, flags);
	pins = lvx_ioapic_pins_of(&chip->ioapic, vector);
	spin_unlock_irqrestore(&chip->lock, flags);

	for_each_set_bit(pin, &pins, LVX_IOAPIC_PINS)
		pin_acked(chip, KVM_IRQCHIP_IOAPIC, pin);
	if (!broadcast)
		return;

	spin_lock_irqsave(&chip->lock, flags);
	for_each_set_bit(pin, &pins, LVX_IOAPIC_PINS)
		end_pin(chip, pin);
	spin_unlock_irqrestore(&chip->lock, flags);
}

static int ioapic_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
		       u64 addr, unsigned int len, void *data)
{
	struct lvx_irqchip *chip =
		container_of(dev, struct lvx_irqchip, ioapic_device);
	unsigned long flags;
	u64 val;

	spin_lock_irqsave(&chip->lock, flags);
	val = lvx_ioapic_read(&chip->ioapic, addr - LVX_IOAPIC_BASE);
	spin_unlock_irqrestore(&chip->lock, flags);
	memcpy(data, &val, min_t(unsigned int, len, sizeof(val)));
	return 0;
}

/*
 * A pin could send now, and only eventfds hold its line up. They don't tell when
 * the device takes its line down, which it may have done while the pin was masked:
 * a guest that masks the pin, ends the interrupt and then serves the device would
 * get one more for nothing. So the line goes down, and the eventfds' owners are
 * asked, as at an EOI.
 */
static bool only_resamplers(struct lvx_irqchip *chip, unsigned int pin)
{
	u64 entry = chip->ioapic.redir[pin];
	int gsi = lvx_irq_gsi_of(chip, KVM_IRQCHIP_IOAPIC, pin);

	lockdep_assert_held(&chip->lock);
	return chip->ioapic.sources[pin] == BIT(LVX_SOURCE_RESAMPLE) &&
	       !(entry & (LVX_REDIR_MASKED | LVX_REDIR_REMOTE_IRR)) &&
	       gsi >= 0 && test_bit(gsi, chip->ack_gsis);
}

static int ioapic_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
			u64 addr, unsigned int len, const void *data)
{
	struct lvx_irqchip *chip =
		container_of(dev, struct lvx_irqchip, ioapic_device);
	struct lvx_ioapic_change change;
	struct lvx_apic_msg msg;
	unsigned long flags;
	bool ask = false;
	u32 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	spin_lock_irqsave(&chip->lock, flags);
	lvx_ioapic_write(&chip->ioapic, addr - LVX_IOAPIC_BASE, val, &change);
	if (change.service) {
		ask = only_resamplers(chip, change.pin);
		if (!ask && lvx_ioapic_service(&chip->ioapic, change.pin, &msg))
			send(chip, change.pin, &msg);
	}
	if (change.pin >= 0)
		update_eoi_vectors(chip);
	spin_unlock_irqrestore(&chip->lock, flags);

	if (ask)
		pin_acked(chip, KVM_IRQCHIP_IOAPIC, change.pin);
	if (change.unmasked)
		pin_unmasked(chip, KVM_IRQCHIP_IOAPIC, change.pin);
	return 0;
}

static const struct lvx_io_ops ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
};

/* --------------------------------------------------------- save and restore */

static void get_ioapic(struct lvx_irqchip *chip, struct kvm_ioapic_state *state)
{
	struct lvx_ioapic *io = &chip->ioapic;
	unsigned int pin;

	memset(state, 0, sizeof(*state));
	state->base_address = LVX_IOAPIC_BASE;
	state->ioregsel = io->select;
	state->id = io->id;
	/* Edges that have left would be sent again by the restore. */
	state->irr = io->irr & ~io->sent;
	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		state->redirtbl[pin].bits = io->redir[pin];
}

static void set_ioapic(struct lvx_irqchip *chip,
		       const struct kvm_ioapic_state *state)
{
	struct lvx_ioapic *io = &chip->ioapic;
	struct lvx_apic_msg msg;
	unsigned int pin;

	io->select = state->ioregsel & 0xff;
	io->id = state->id & 0xf;
	io->irr = 0;
	io->sent = 0;
	memset(io->vain_eois, 0, sizeof(io->vain_eois));
	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		io->redir[pin] = state->redirtbl[pin].bits;
	for (pin = 0; pin < LVX_IOAPIC_PINS; pin++)
		if ((state->irr & BIT(pin)) &&
		    lvx_ioapic_raise(io, pin, &msg) == LVX_LINE_SEND)
			send(chip, pin, &msg);
	update_eoi_vectors(chip);
}

/**
 * lvx_irqchip_get() - KVM_GET_IRQCHIP
 * @vm: the VM
 * @user: chip_id given; the state is filled in
 *
 * Return: 0, -ENXIO without PIC and IOAPIC, -EINVAL for an unknown chip.
 */
int lvx_irqchip_get(struct lvx_vm *vm, struct kvm_irqchip *user)
{
	struct lvx_irqchip *chip = vm->irqchip;
	unsigned long flags;
	int ret = 0;

	static_assert(sizeof(struct lvx_i8259) == sizeof(struct kvm_pic_state));
	if (!lvx_irqchip_full(vm))
		return -ENXIO;
	spin_lock_irqsave(&chip->lock, flags);
	switch (user->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		memcpy(&user->chip.pic, &chip->pic.chip[user->chip_id & 1],
		       sizeof(user->chip.pic));
		break;
	case KVM_IRQCHIP_IOAPIC:
		get_ioapic(chip, &user->chip.ioapic);
		break;
	default:
		ret = -EINVAL;
	}
	spin_unlock_irqrestore(&chip->lock, flags);
	return ret;
}

/**
 * lvx_irqchip_set() - KVM_SET_IRQCHIP
 * @vm: the VM
 * @user: chip_id and state
 *
 * Return: 0, -ENXIO without PIC and IOAPIC, -EINVAL for an unknown chip.
 */
int lvx_irqchip_set(struct lvx_vm *vm, const struct kvm_irqchip *user)
{
	struct lvx_irqchip *chip = vm->irqchip;
	unsigned long flags;
	bool was_up;
	int ret = 0;

	if (!lvx_irqchip_full(vm))
		return -ENXIO;
	flags = pic_begin(chip);
	was_up = chip->pic.output;
	switch (user->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		lvx_pic_set_state(&chip->pic, user->chip_id,
				  (const void *)&user->chip.pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		set_ioapic(chip, &user->chip.ioapic);
		break;
	default:
		ret = -EINVAL;
	}
	pic_end(chip, flags, was_up);
	return ret;
}

/* -------------------------------------------------------------------- life */

bool lvx_irqchip_in_kernel(struct lvx_vm *vm)
{
	return !lvx_irqchip_is(vm->irqchip, LVX_IRQCHIP_NONE);
}

bool lvx_irqchip_full(struct lvx_vm *vm)
{
	return lvx_irqchip_is(vm->irqchip, LVX_IRQCHIP_FULL);
}

/* Devices of a full irqchip: where they answer. */
static const struct {
	enum lvx_bus_id bus;
	u64 addr, len;
	size_t device;
} ranges[] = {
	{ LVX_BUS_PIO, 0x20, 2, offsetof(struct lvx_irqchip, pic_device) },
	{ LVX_BUS_PIO, 0xa0, 2, offsetof(struct lvx_irqchip, pic_device) },
	{ LVX_BUS_PIO, 0x4d0, 2, offsetof(struct lvx_irqchip, pic_device) },
	{ LVX_BUS_MMIO, LVX_IOAPIC_BASE, LVX_IOAPIC_SIZE,
	  offsetof(struct lvx_irqchip, ioapic_device) },
};

static void unregister_devices(struct lvx_irqchip *chip)
{
	struct lvx_bus *bus = chip->vm->bus;

	lvx_bus_unregister(&bus[LVX_BUS_PIO], &chip->pic_device);
	lvx_bus_unregister(&bus[LVX_BUS_MMIO], &chip->ioapic_device);
	lvx_bus_unregister(&bus[LVX_BUS_MMIO], &chip->lapic_device);
}

static int register_devices(struct lvx_irqchip *chip)
{
	unsigned int i;
	int err;

	err = lvx_lapic_register_device(chip);
	for (i = 0; !err && i < ARRAY_SIZE(ranges); i++)
		err = lvx_bus_register(&chip->vm->bus[ranges[i].bus],
				       ranges[i].addr, ranges[i].len,
				       (void *)chip + ranges[i].device);
	if (err)
		unregister_devices(chip);
	return err;
}

/**
 * lvx_irqchip_create() - KVM_CREATE_IRQCHIP
 * @vm: the VM, its lock held, without vCPUs
 *
 * A PIT may be there already, whose ticks follow the routes from the moment on
 * that there are any: so routes come last but for the mode, when nothing can
 * fail any more.
 *
 * Return: 0, -ENOSPC or -ENOMEM. There is no trace of a failed call.
 */
int lvx_irqchip_create(struct lvx_vm *vm)
{
	struct lvx_irqchip *chip = vm->irqchip;
	int err;

	lvx_pic_init(&chip->pic);
	lvx_ioapic_init(&chip->ioapic);
	chip->pic_device.ops = &pic_ops;
	chip->ioapic_device.ops = &ioapic_ops;
	err = lvx_apic_map_create(chip);
	if (err)
		return err;
	err = register_devices(chip);
	if (err)
		goto destroy_map;
	err = lvx_irq_set_default_routing(chip);
	if (err)
		goto unregister;
	/* Pairs with the acquire in lvx_irqchip_is(). */
	smp_store_release(&chip->mode, LVX_IRQCHIP_FULL);
	return 0;

unregister:
	unregister_devices(chip);
destroy_map:
	lvx_apic_map_destroy(chip);
	return err;
}

/**
 * lvx_irqchip_create_split() - KVM_CAP_SPLIT_IRQCHIP
 * @vm: the VM, its lock held, without vCPUs
 * @nr_pins: pins of user space's IOAPIC, which are the GSIs from 0 up
 *
 * Return: 0, -ENOSPC or -ENOMEM. There is no trace of a failed call.
 */
int lvx_irqchip_create_split(struct lvx_vm *vm, u64 nr_pins)
{
	struct lvx_irqchip *chip = vm->irqchip;
	int err;

	err = lvx_apic_map_create(chip);
	if (err)
		return err;
	err = lvx_lapic_register_device(chip);
	if (err) {
		lvx_apic_map_destroy(chip);
		return err;
	}
	chip->split_pins = nr_pins;
	/* Pairs with the acquire in lvx_irqchip_is(). */
	smp_store_release(&chip->mode, LVX_IRQCHIP_SPLIT);
	return 0;
}

/**
 * lvx_irq_create() - the interrupt state that every VM has
 * @vm: being created
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_irq_create(struct lvx_vm *vm)
{
	struct lvx_irqchip *chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);

	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	spin_lock_init(&chip->lock);
	spin_lock_init(&chip->map_lock);
	mutex_init(&chip->routing_mutex);
	INIT_DELAYED_WORK(&chip->resend_work, resend);
	lvx_irqfd_init(chip);
	lvx_ioeventfd_init(chip);
	if (lvx_coalesced_init(chip)) {
		kfree(chip);
		return -ENOMEM;
	}
	/* Pairs with the readers' dependency: what is in it is ready. */
	smp_store_release(&vm->irqchip, chip);
	return 0;
}

/**
 * lvx_irq_stop() - nothing from outside moves a line any more
 * @vm: going away; its vCPUs are still there
 */
void lvx_irq_stop(struct lvx_vm *vm)
{
	struct lvx_irqchip *chip = vm->irqchip;

	lvx_irqfd_stop(chip);
	lvx_ioeventfd_stop(chip);
	lvx_pit_stop(chip);
	cancel_delayed_work_sync(&chip->resend_work);
}

/**
 * lvx_irq_destroy() - free what lvx_irq_create() and the ioctls made
 * @vm: its vCPUs are gone
 *
 * The buses still know the devices, but without vCPUs nobody asks a bus.
 */
void lvx_irq_destroy(struct lvx_vm *vm)
{
	struct lvx_irqchip *chip = vm->irqchip;

	lvx_pit_destroy(chip);
	lvx_apic_map_destroy(chip);
	lvx_irq_free_routing(chip);
	lvx_coalesced_destroy(chip);
	vm->irqchip = NULL;
	kfree(chip);
}
