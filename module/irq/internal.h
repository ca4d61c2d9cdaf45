/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of module/irq/ share: the VM's and the vCPU's interrupt state,
 * with the lock that guards each part of it.
 *
 * The state machines are those of module/pure/; here are locks, timers, bus
 * devices and the ways between them:
 *
 *	device line  -> routing.c -> irqchip.c (PIC, IOAPIC) \
 *	MSI, irqfd   -> routing.c ---------------------------> deliver.c
 *	a LAPIC's ICR -> lapic.c ----------------------------/     |
 *						 inbox of the target's LAPIC
 *
 * Lock order, outer first: irqfd_mutex, ioeventfd_mutex, zones_mutex,
 * routing_mutex > the PIT's lock > lock > map_lock. All of the spinlocks are
 * taken with interrupts off, since lines move in hrtimers and in eventfd
 * wake-ups; but for ring_lock, which only writing vCPUs take.
 */
#ifndef LVX_IRQ_INTERNAL_H
#define LVX_IRQ_INTERNAL_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "base/vm.h"
#include "irq/irq.h"
#include "pure/apic.h"
#include "pure/apic_map.h"
#include "pure/ioapic.h"
#include "pure/pic.h"

/* KVM_CAP_IRQ_ROUTING: GSIs are below this. */
#define LVX_MAX_GSI	4096

/* Lists of resampling eventfds, by GSI. */
#define LVX_RESAMPLER_LISTS	256

/* Who holds a line up; lines are the OR of these. */
enum lvx_irq_source {
	LVX_SOURCE_USER,
	LVX_SOURCE_RESAMPLE,
	LVX_SOURCE_PIT,
};

enum lvx_irqchip_mode {
	LVX_IRQCHIP_NONE,
	LVX_IRQCHIP_SPLIT,	/* LAPICs only */
	LVX_IRQCHIP_FULL,
};

/* Numbers of chips as in KVM_IRQCHIP_*. */
#define LVX_NR_CHIPS	3

/**
 * struct lvx_route - where a GSI leads
 * @gsi: which
 * @type: KVM_IRQ_ROUTING_IRQCHIP or KVM_IRQ_ROUTING_MSI
 * @chip: KVM_IRQCHIP_*
 * @pin: of the chip
 * @data: MSI's
 * @address: MSI's
 */
struct lvx_route {
	u32 gsi;
	u16 type;
	u8 chip;
	u8 pin;
	u32 data;
	u64 address;
};

/**
 * struct lvx_routing - all routes, replaced as one
 * @nr_gsis: GSIs that the table knows, 0 up
 * @gsi_of: of each pin of each chip, or -1: for acknowledgments
 * @first: @route[@first[gsi]] up to @route[@first[gsi + 1]] are a GSI's
 * @route: by GSI
 */
struct lvx_routing {
	u32 nr_gsis;
	s16 gsi_of[LVX_NR_CHIPS][LVX_IOAPIC_PINS];
	u16 *first;
	struct lvx_route route[];
};

/* A map with tables, and what its end needs. */
struct lvx_apic_table {
	struct rcu_head rcu;
	struct lvx_apic_map map;
};

struct lvx_pit;

struct lvx_irqchip {
	struct lvx_vm *vm;
	int mode;			/* released once, when all is ready */
	u32 split_pins;			/* GSIs of user space's IOAPIC */

	/* lock: PIC, IOAPIC */
	spinlock_t lock;
	struct lvx_pic pic;
	struct lvx_ioapic ioapic;
	struct delayed_work resend_work;	/* lines after LVX_IOAPIC_LATER */
	/* Written under lock, read by any EOI: vectors that someone awaits. */
	DECLARE_BITMAP(eoi_vectors, 256);
	/* GSIs whose acknowledgment someone awaits. */
	DECLARE_BITMAP(ack_gsis, LVX_MAX_GSI);

	struct lvx_io_device pic_device;
	struct lvx_io_device ioapic_device;
	struct lvx_io_device lapic_device;

	struct mutex routing_mutex;	/* writers */
	struct lvx_routing __rcu *routing;

	/*
	 * map_lock: who writes @live, whose addresses are always up to date;
	 * senders read it without. @map is made from it by work, and good when
	 * @map_stale is false.
	 */
	spinlock_t map_lock;
	struct lvx_apic_map *live;
	u32 max_id;
	bool map_stale;
	u64 map_changes;		/* of @live, counted */
	unsigned long map_made;		/* jiffies of the last try */
	struct lvx_apic_table __rcu *map;
	struct delayed_work map_work;

	/* irqfd_mutex: @irqfds, @resamplers */
	struct mutex irqfd_mutex;
	struct list_head irqfds;
	struct hlist_head resamplers[LVX_RESAMPLER_LISTS];	/* readers: RCU */
	bool any_closed;		/* set by any wake-up */
	struct work_struct reap_work;	/* frees the closed ones */

	/* ioeventfd_mutex: @ioeventfds */
	struct mutex ioeventfd_mutex;
	struct list_head ioeventfds;

	/* zones_mutex: @zones; ring_lock: who fills vm->ring */
	struct mutex zones_mutex;
	struct list_head zones;
	spinlock_t ring_lock;

	struct lvx_pit *pit;		/* released once */
};

/* From where the way into the guest begins when the timer is due. */
enum lvx_lead {
	LVX_LEAD_RUNNING,	/* the CPU left the guest for it */
	LVX_LEAD_HALTED,	/* an hrtimer wakes the thread */
	LVX_NR_LEADS
};

/*
 * A vCPU's LAPIC.
 *
 * The register page belongs to the vCPU's own thread.
 */
struct lvx_lapic {
	struct lvx_vcpu *vcpu;
	struct lvx_apic apic;
	struct hrtimer timer;
	u64 lead[LVX_NR_LEADS];		/* ticks by which to be early */
	enum lvx_lead lead_used;	/* the last time */
	u8 eoi_vector;			/* what LVX_REQ_EOI_EXIT is about */

	/* Copies of the page for any thread; written by the own one. */
	bool accepts;			/* enabled: takes fixed interrupts */
	bool takes_extint;		/* LINT0 passes the PIC's on */

	/* The inbox: any thread. Vectors are in irr, level ones in tmr, too. */
	unsigned long irr[4];
	unsigned long tmr[4];
	unsigned long events;		/* bits of enum lvx_inbox */
	u8 sipi_vector;
};

/* Bit numbers of lvx_lapic.events, and so of LVX_EVENT_*. */
enum lvx_inbox {
	LVX_INBOX_NMI,
	LVX_INBOX_INIT,
	LVX_INBOX_SIPI,
	LVX_INBOX_NMI_2,	/* one more */
};

static inline bool lvx_irqchip_is(struct lvx_irqchip *chip,
				  enum lvx_irqchip_mode mode)
{
	/* Pairs with the release at creation. */
	return smp_load_acquire(&chip->mode) == mode;
}

/* irqchip.c */
int lvx_pic_line(struct lvx_irqchip *chip, unsigned int pin,
		 enum lvx_irq_source source, bool level);
int lvx_ioapic_line(struct lvx_irqchip *chip, unsigned int pin,
		    enum lvx_irq_source source, bool level);
int lvx_pic_interrupt(struct lvx_irqchip *chip, bool take);
void lvx_irq_eoi(struct lvx_irqchip *chip, u8 vector, bool broadcast);
void lvx_irq_update_eoi(struct lvx_irqchip *chip);

/* routing.c */
int lvx_irq_set(struct lvx_irqchip *chip, u32 gsi, enum lvx_irq_source source,
		bool level);
int lvx_irq_set_default_routing(struct lvx_irqchip *chip);
void lvx_irq_free_routing(struct lvx_irqchip *chip);
int lvx_irq_gsi_of(struct lvx_irqchip *chip, unsigned int id,
		   unsigned int pin);
void lvx_irq_split_vectors(struct lvx_irqchip *chip, unsigned long *vectors);

/* deliver.c */
int lvx_apic_deliver(struct lvx_irqchip *chip, const struct lvx_apic_msg *msg,
		     u32 self);
int lvx_lapic_accept(struct lvx_vcpu *vcpu, const struct lvx_apic_msg *msg);
int lvx_apic_map_create(struct lvx_irqchip *chip);
void lvx_apic_map_destroy(struct lvx_irqchip *chip);
int lvx_apic_map_add(struct lvx_lapic *lapic);
void lvx_apic_map_remove(struct lvx_lapic *lapic);
void lvx_apic_map_update(struct lvx_lapic *lapic);

/* lapic.c */
int lvx_lapic_register_device(struct lvx_irqchip *chip);

/* lapic_timer.c */
void lvx_lapic_timer_init(struct lvx_lapic *lapic);
void lvx_lapic_timer_arm(struct lvx_lapic *lapic);
void lvx_lapic_timer_check(struct lvx_lapic *lapic);

/* pit.c */
void lvx_pit_acked(struct lvx_irqchip *chip);
void lvx_pit_unmasked(struct lvx_irqchip *chip);
bool lvx_pit_awaits_ack(struct lvx_irqchip *chip);
void lvx_pit_stop(struct lvx_irqchip *chip);
void lvx_pit_destroy(struct lvx_irqchip *chip);

/* irqfd.c, ioeventfd.c, coalesced.c */
void lvx_irqfd_init(struct lvx_irqchip *chip);
void lvx_irqfd_stop(struct lvx_irqchip *chip);
void lvx_irqfd_acked(struct lvx_irqchip *chip, u32 gsi);
void lvx_irqfd_update_ack(struct lvx_irqchip *chip, u32 gsi);
void lvx_ioeventfd_init(struct lvx_irqchip *chip);
void lvx_ioeventfd_stop(struct lvx_irqchip *chip);
int lvx_coalesced_init(struct lvx_irqchip *chip);
void lvx_coalesced_destroy(struct lvx_irqchip *chip);

#endif /* LVX_IRQ_INTERNAL_H */
