// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced writes: what the guest writes into a zone is put into a ring that
 * user space shares, and the guest goes on. User space takes the entries out
 * when it comes by: at the next exit, or when it wants to. Meant for devices
 * whose writes only matter in bulk, as a frame buffer's or a serial port's.
 *
 * A VM has one ring, in the last page of each vCPU's mapping. When it is full,
 * writes exit as if there were no zone, so that none is lost or overtaken.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "irq/internal.h"

/**
 * struct coalesced_zone - writes to be coalesced
 * @device: on the bus
 * @link: in chip->zones
 * @chip: whose
 * @bus: which
 * @addr: first address
 * @end: behind the last
 */
struct coalesced_zone {
	struct lvx_io_device device;
	struct list_head link;
	struct lvx_irqchip *chip;
	enum lvx_bus_id bus;
	u64 addr;
	u64 end;
};

static bool inside(const struct coalesced_zone *zone, u64 addr, u64 len)
{
	return addr >= zone->addr && addr + len >= addr &&
	       addr + len <= zone->end;
}

/*
 * The next free entry, or NULL. One is always left free, to tell a full ring
 * from an empty one. User space may write anything into the ring's head.
 */
static struct kvm_coalesced_mmio *
next_entry(struct kvm_coalesced_mmio_ring *ring, u32 *next)
{
	u32 last = READ_ONCE(ring->last);

	if (last >= KVM_COALESCED_MMIO_MAX)
		return NULL;
	last = array_index_nospec(last, KVM_COALESCED_MMIO_MAX);
	*next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	if (*next == READ_ONCE(ring->first))
		return NULL;
	return &ring->coalesced_mmio[last];
}

static int on_write(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		    unsigned int len, const void *data)
{
	struct coalesced_zone *zone =
		container_of(dev, struct coalesced_zone, device);
	struct kvm_coalesced_mmio_ring *ring = vcpu->vm->ring;
	struct kvm_coalesced_mmio *entry;
	u32 next;

	if (!inside(zone, addr, len))
		return -EOPNOTSUPP;
	spin_lock(&zone->chip->ring_lock);
	entry = next_entry(ring, &next);
	if (entry) {
		entry->phys_addr = addr;
		entry->len = len;
		entry->pio = zone->bus == LVX_BUS_PIO;
		memcpy(entry->data, data, len);
		/* Whoever sees the entry counted sees it filled. */
		smp_store_release(&ring->last, next);
	}
	spin_unlock(&zone->chip->ring_lock);
	return entry ? 0 : -EOPNOTSUPP;
}

static int on_read(struct lvx_vcpu *vcpu, struct lvx_io_device *dev, u64 addr,
		   unsigned int len, void *data)
{
	return -EOPNOTSUPP;
}

static const struct lvx_io_ops ops = { .read = on_read, .write = on_write };

/**
 * lvx_coalesced_init() - a VM without zones
 * @chip: the VM's, its vm is set
 *
 * Return: 0 or -ENOMEM.
 */
int lvx_coalesced_init(struct lvx_irqchip *chip)
{
	spin_lock_init(&chip->ring_lock);
	mutex_init(&chip->zones_mutex);
	INIT_LIST_HEAD(&chip->zones);
	chip->vm->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return chip->vm->ring ? 0 : -ENOMEM;
}

/**
 * lvx_coalesced_add() - KVM_REGISTER_COALESCED_MMIO
 * @vm: the VM
 * @args: zone; zones may overlap
 *
 * Return: 0; -EINVAL: neither a port nor memory; -ENOSPC; -ENOMEM.
 */
int lvx_coalesced_add(struct lvx_vm *vm,
		      const struct kvm_coalesced_mmio_zone *args)
{
	struct lvx_irqchip *chip = vm->irqchip;
	struct coalesced_zone *zone;
	int err;

	if (args->pio > 1)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->device.ops = &ops;
	zone->chip = chip;
	zone->bus = args->pio ? LVX_BUS_PIO : LVX_BUS_MMIO;
	zone->addr = args->addr;
	zone->end = args->addr + args->size;

	mutex_lock(&chip->zones_mutex);
	/* A zone that wraps round holds nothing, but is no mistake for KVM. */
	err = lvx_bus_register(&vm->bus[zone->bus], zone->addr,
			       min_t(u64, args->size, U64_MAX - args->addr),
			       &zone->device);
	if (err)
		kfree(zone);
	else
		list_add_tail(&zone->link, &chip->zones);
	mutex_unlock(&chip->zones_mutex);
	return err;
}

static void free_zones(struct list_head *zones)
{
	struct coalesced_zone *zone, *next;

	list_for_each_entry_safe(zone, next, zones, link)
		kfree(zone);
}

/**
 * lvx_coalesced_remove() - KVM_UNREGISTER_COALESCED_MMIO
 * @vm: the VM
 * @args: all zones that hold it whole are removed; there may be none. What is
 *	in the ring stays there
 *
 * Return: 0; -EINVAL: neither a port nor memory.
 */
int lvx_coalesced_remove(struct lvx_vm *vm,
			 const struct kvm_coalesced_mmio_zone *args)
{
	enum lvx_bus_id bus = args->pio ? LVX_BUS_PIO : LVX_BUS_MMIO;
	struct lvx_irqchip *chip = vm->irqchip;
	struct coalesced_zone *zone, *next;
	LIST_HEAD(gone);

	if (args->pio > 1)
		return -EINVAL;
	mutex_lock(&chip->zones_mutex);
	list_for_each_entry_safe(zone, next, &chip->zones, link) {
		if (zone->bus != bus || !inside(zone, args->addr, args->size))
			continue;
		WRITE_ONCE(zone->device.gone, true);
		list_move(&zone->link, &gone);
	}
	/* Once for all of them: there may be as many as a bus has place for. */
	lvx_bus_sweep(&vm->bus[bus]);
	mutex_unlock(&chip->zones_mutex);
	free_zones(&gone);
	return 0;
}

/**
 * lvx_coalesced_destroy() - undo lvx_coalesced_init() and what was added
 * @chip: no vCPU runs any more, hence nobody asks the bus
 */
void lvx_coalesced_destroy(struct lvx_irqchip *chip)
{
	free_zones(&chip->zones);
	/* A mapping that is still there keeps it. */
	free_page((unsigned long)chip->vm->ring);
}
