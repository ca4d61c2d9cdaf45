// SPDX-License-Identifier: GPL-2.0
/*
 * The PIT as a device: its ports, the hrtimer behind counter 0, and what
 * happens to ticks that the guest is too slow for.
 *
 * A guest that counts ticks to keep time loses time when one tick comes before
 * the one before was served. So with "reinjection" (the default, which user
 * space may switch off) the next tick waits for the acknowledgment of the
 * last, and those that pile up meanwhile follow one by one.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "irq/internal.h"
#include "pure/pit.h"

#define PIT_PORT	0x40
#define PIT_PORTS	4
#define SPEAKER_PORT	0x61

#define PIT_GSI		0

/* No shorter between two ticks: hrtimers are not the guest's to drown in. */
#define MIN_PERIOD_NS	200000

/**
 * struct lvx_pit - the device
 * @chip: the VM's
 * @device: ports 0x40 to 0x43
 * @speaker: port 0x61
 * @lock: all that follows
 * @state: counters
 * @flags: KVM_PIT_FLAGS_HPET_LEGACY, or 0
 * @timer: next tick of counter 0
 * @reinject: ticks wait for acknowledgments
 * @acked: the last tick was acknowledged
 * @pending: ticks that were not sent yet, with @reinject
 */
struct lvx_pit {
	struct lvx_irqchip *chip;
	struct lvx_io_device device;
	struct lvx_io_device speaker;

	spinlock_t lock;		/* all that follows */
	struct lvx_i8254 state;
	u32 flags;
	struct hrtimer timer;
	bool reinject;
	bool acked;
	u32 pending;
};

static struct lvx_pit *pit_of(struct lvx_irqchip *chip)
{
	/* Pairs with the release in lvx_pit_create(). */
	return smp_load_acquire(&chip->pit);
}

/* One tick: an edge, for level and edge lines alike. */
static void tick(struct lvx_pit *pit)
{
	lockdep_assert_held(&pit->lock);
	lvx_irq_set(pit->chip, PIT_GSI, LVX_SOURCE_PIT, true);
	lvx_irq_set(pit->chip, PIT_GSI, LVX_SOURCE_PIT, false);
}

static void send_pending(struct lvx_pit *pit)
{
	if (!pit->pending || !pit->acked)
		return;
	pit->pending--;
	pit->acked = false;
	tick(pit);
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct lvx_pit *pit = container_of(timer, struct lvx_pit, timer);
	enum hrtimer_restart ret = HRTIMER_NORESTART;
	unsigned long flags;
	s64 due, next;

	spin_lock_irqsave(&pit->lock, flags);
	/* Counter 0 was loaded while we waited: this tick is of its past. */
	if (hrtimer_is_queued(timer))
		goto unlock;
	due = ktime_to_ns(hrtimer_get_expires(timer));
	if (!pit->reinject) {
		tick(pit);
	} else {
		if (pit->pending < U32_MAX)
			pit->pending++;
		send_pending(pit);
	}
	/* From the tick that was due, not from now: none is skipped. */
	if (lvx_i8254_next(&pit->state, due, &next)) {
		hrtimer_set_expires(timer, max_t(s64, next,
						 due + MIN_PERIOD_NS));
		ret = HRTIMER_RESTART;
	}
unlock:
	spin_unlock_irqrestore(&pit->lock, flags);
	return ret;
}

static void reset_reinjection(struct lvx_pit *pit)
{
	pit->pending = 0;
	pit->acked = true;
}

/*
 * Counter 0 was loaded. Not under the lock, which the timer's function takes;
 * two loads at once leave the timer to whichever comes last, as on hardware.
 */
static void restart_timer(struct lvx_pit *pit)
{
	s64 now = ktime_get_ns(), next;
	unsigned long flags;
	bool armed;

	hrtimer_cancel(&pit->timer);
	spin_lock_irqsave(&pit->lock, flags);
	reset_reinjection(pit);
	armed = !(pit->flags & KVM_PIT_FLAGS_HPET_LEGACY) &&
		lvx_i8254_next(&pit->state, now, &next);
	if (armed)
		hrtimer_start(&pit->timer, max_t(s64, next, now + 1),
			      HRTIMER_MODE_ABS);
	spin_unlock_irqrestore(&pit->lock, flags);
}

/**
 * lvx_pit_acked() - the guest served the interrupt of GSI 0
 * @chip: the VM's
 *
 * Any context, not under chip->lock.
 */
void lvx_pit_acked(struct lvx_irqchip *chip)
{
	struct lvx_pit *pit = pit_of(chip);
	unsigned long flags;

	if (!pit)
		return;
	spin_lock_irqsave(&pit->lock, flags);
	pit->acked = true;
	if (pit->reinject)
		send_pending(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
}

/**
 * lvx_pit_unmasked() - a pin of GSI 0 was unmasked
 * @chip: the VM's
 *
 * A tick that went to a masked pin is never acknowledged: start over.
 */
void lvx_pit_unmasked(struct lvx_irqchip *chip)
{
	struct lvx_pit *pit = pit_of(chip);
	unsigned long flags;

	if (!pit)
		return;
	spin_lock_irqsave(&pit->lock, flags);
	reset_reinjection(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
}

/* ------------------------------------------------------------------- ports */

static int pit_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		    unsigned int len, void *data)
{
	struct lvx_pit *pit = container_of(dev, struct lvx_pit, device);
	unsigned long flags;

	memset(data, 0, len);
	spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)data = lvx_i8254_read(&pit->state, addr - PIT_PORT,
				     ktime_get_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		     unsigned int len, const void *data)
{
	struct lvx_pit *pit = container_of(dev, struct lvx_pit, device);
	unsigned long flags;
	bool loaded;

	spin_lock_irqsave(&pit->lock, flags);
	loaded = lvx_i8254_write(&pit->state, addr - PIT_PORT,
				 *(const u8 *)data, ktime_get_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	if (loaded)
		restart_timer(pit);
	return 0;
}

static const struct lvx_io_ops pit_ops = { .read = pit_read, .write = pit_write };

static int speaker_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
			u64 addr, unsigned int len, void *data)
{
	struct lvx_pit *pit = container_of(dev, struct lvx_pit, speaker);
	unsigned long flags;

	memset(data, 0, len);
	spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)data = lvx_i8254_speaker_read(&pit->state, ktime_get_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev,
			 u64 addr, unsigned int len, const void *data)
{
	struct lvx_pit *pit = container_of(dev, struct lvx_pit, speaker);
	unsigned long flags;

	spin_lock_irqsave(&pit->lock, flags);
	lvx_i8254_speaker_write(&pit->state, *(const u8 *)data,
				ktime_get_ns());
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct lvx_io_ops speaker_ops = {
	.read = speaker_read,
	.write = speaker_write,
};

/* ------------------------------------------------------------------ ioctls */

static void get_channel(const struct lvx_i8254_channel *c,
			struct kvm_pit_channel_state *user)
{
	*user = (struct kvm_pit_channel_state){
		.count = c->count,
		.latched_count = c->latched_count,
		.count_latched = c->count_latched,
		.status_latched = c->status_latched,
		.status = c->status,
		.read_state = c->read_state,
		.write_state = c->write_state,
		.write_latch = c->write_latch,
		.rw_mode = c->rw_mode,
		.mode = c->mode,
		.bcd = c->bcd,
		.gate = c->gate,
		.count_load_time = c->count_load_time,
	};
}

static void set_channel(struct lvx_i8254 *state, unsigned int i,
			const struct kvm_pit_channel_state *user, s64 now)
{
	struct lvx_i8254_channel c = {
		.count = user->count,
		.latched_count = user->latched_count,
		.count_latched = user->count_latched,
		.status_latched = user->status_latched,
		.status = user->status,
		.read_state = user->read_state,
		.write_state = user->write_state,
		.write_latch = user->write_latch,
		.rw_mode = user->rw_mode,
		.mode = user->mode,
		.bcd = user->bcd,
		.gate = user->gate,
	};

	lvx_i8254_set_channel(state, i, &c, now);
}

/**
 * lvx_pit_get() - KVM_GET_PIT2
 * @vm: the VM
 * @user: filled in
 *
 * Return: 0 or -ENXIO without a PIT.
 */
int lvx_pit_get(struct lvx_vm *vm, struct kvm_pit_state2 *user)
{
	struct lvx_pit *pit = pit_of(vm->irqchip);
	unsigned long flags;
	unsigned int i;

	if (!pit)
		return -ENXIO;
	memset(user, 0, sizeof(*user));
	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < LVX_PIT_CHANNELS; i++)
		get_channel(&pit->state.channels[i], &user->channels[i]);
	user->flags = pit->flags;
	if (pit->state.speaker_on)
		user->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/**
 * lvx_pit_set() - KVM_SET_PIT2
 * @vm: the VM
 * @user: anything; the counters start over
 *
 * Return: 0 or -ENXIO without a PIT.
 */
int lvx_pit_set(struct lvx_vm *vm, const struct kvm_pit_state2 *user)
{
	struct lvx_pit *pit = pit_of(vm->irqchip);
	unsigned long flags;
	unsigned int i;

	if (!pit)
		return -ENXIO;
	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < LVX_PIT_CHANNELS; i++)
		set_channel(&pit->state, i, &user->channels[i], ktime_get_ns());
	pit->flags = user->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->state.speaker_on = user->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	spin_unlock_irqrestore(&pit->lock, flags);
	restart_timer(pit);
	return 0;
}

/* Who awaits acknowledgments of GSI 0; resampling eventfds may, too. */
static void set_reinject(struct lvx_pit *pit, bool reinject)
{
	unsigned long flags;

	spin_lock_irqsave(&pit->lock, flags);
	pit->reinject = reinject;
	reset_reinjection(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
	lvx_irqfd_update_ack(pit->chip, PIT_GSI);
}

/**
 * lvx_pit_awaits_ack() - does the PIT reinject ticks?
 * @chip: the VM's
 *
 * Any context. Return: true if it wants to know when GSI 0 is acknowledged.
 */
bool lvx_pit_awaits_ack(struct lvx_irqchip *chip)
{
	struct lvx_pit *pit = pit_of(chip);

	return pit && READ_ONCE(pit->reinject);
}

/**
 * lvx_pit_reinject() - KVM_REINJECT_CONTROL
 * @vm: the VM
 * @ctl: switch
 *
 * Return: 0 or -ENXIO without a PIT.
 */
int lvx_pit_reinject(struct lvx_vm *vm, const struct kvm_reinject_control *ctl)
{
	struct lvx_pit *pit = pit_of(vm->irqchip);

	if (!pit)
		return -ENXIO;
	set_reinject(pit, ctl->pit_reinject);
	return 0;
}

/* -------------------------------------------------------------------- life */

/**
 * lvx_pit_create() - KVM_CREATE_PIT2
 * @vm: the VM, its lock held
 * @config: with or without port 0x61
 *
 * Return: 0, -EEXIST, -ENOMEM. Without PIC and IOAPIC the counters count, but
 * their interrupt leads nowhere.
 */
int lvx_pit_create(struct lvx_vm *vm, const struct kvm_pit_config *config)
{
	struct lvx_bus *bus = &vm->bus[LVX_BUS_PIO];
	struct lvx_irqchip *chip = vm->irqchip;
	struct lvx_pit *pit;
	int err;

	if (chip->pit)
		return -EEXIST;
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->chip = chip;
	spin_lock_init(&pit->lock);
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pit->timer.function = timer_fn;
	pit->device.ops = &pit_ops;
	pit->speaker.ops = &speaker_ops;
	lvx_i8254_init(&pit->state, ktime_get_ns());

	err = lvx_bus_register(bus, PIT_PORT, PIT_PORTS, &pit->device);
	if (err)
		goto free;
	if (config->flags & KVM_PIT_SPEAKER_DUMMY) {
		err = lvx_bus_register(bus, SPEAKER_PORT, 1, &pit->speaker);
		if (err)
			goto unregister;
	}
	/* Pairs with the acquire in pit_of(). */
	smp_store_release(&chip->pit, pit);
	set_reinject(pit, true);
	return 0;

unregister:
	lvx_bus_unregister(bus, &pit->device);
	hrtimer_cancel(&pit->timer);
free:
	kfree(pit);
	return err;
}

/* No more ticks; the ports may still be there. */
void lvx_pit_stop(struct lvx_irqchip *chip)
{
	if (chip->pit)
		hrtimer_cancel(&chip->pit->timer);
}

void lvx_pit_destroy(struct lvx_irqchip *chip)
{
	struct lvx_pit *pit = chip->pit;

	chip->pit = NULL;
	kfree(pit);
}
