/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC: its register page, the rules of access to it in xAPIC and
 * x2APIC mode, its priorities and its timer.
 *
 * The registers live in a 4 KiB page in the architectural layout, which is also
 * the virtual-APIC page that a CPU with APIC-register virtualization works on.
 * Hence nothing that the CPU may change (IRR, ISR, PPR, TPR) is cached
 * elsewhere. The page is touched by its own vCPU's thread only; other senders
 * leave what they have in an inbox, and lvx_apic_merge() brings it in.
 *
 * A register write returns what should follow as flags; see lvx_apic_effect.
 *
 * See SDM vol. 3, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef LVX_PURE_APIC_H
#define LVX_PURE_APIC_H

#include "pure/apic_msg.h"

/* Offsets into the page; the x2APIC MSR is 0x800 + offset / 16. */
enum lvx_apic_reg {
	LVX_APIC_ID		= 0x020,
	LVX_APIC_VERSION	= 0x030,
	LVX_APIC_TPR		= 0x080,
	LVX_APIC_APR		= 0x090,
	LVX_APIC_PPR		= 0x0a0,
	LVX_APIC_EOI		= 0x0b0,
	LVX_APIC_LDR		= 0x0d0,
	LVX_APIC_DFR		= 0x0e0,
	LVX_APIC_SVR		= 0x0f0,
	LVX_APIC_ISR		= 0x100,	/* 8 registers each */
	LVX_APIC_TMR		= 0x180,
	LVX_APIC_IRR		= 0x200,
	LVX_APIC_ESR		= 0x280,
	LVX_APIC_LVT_CMCI	= 0x2f0,
	LVX_APIC_ICR		= 0x300,
	LVX_APIC_ICR2		= 0x310,
	LVX_APIC_LVT_TIMER	= 0x320,
	LVX_APIC_LVT_THERMAL	= 0x330,
	LVX_APIC_LVT_PMC	= 0x340,
	LVX_APIC_LVT_LINT0	= 0x350,
	LVX_APIC_LVT_LINT1	= 0x360,
	LVX_APIC_LVT_ERROR	= 0x370,
	LVX_APIC_TIMER_INIT	= 0x380,
	LVX_APIC_TIMER_CURRENT	= 0x390,
	LVX_APIC_TIMER_DIVIDE	= 0x3e0,
	LVX_APIC_SELF_IPI	= 0x3f0,
};

#define LVX_APIC_PAGE_SIZE	4096
/* 16 bytes to each register; what user space saves and restores. */
#define LVX_APIC_NR_REGS	64
#define LVX_APIC_USER_SIZE	(LVX_APIC_NR_REGS * 16)
#define LVX_APIC_DEFAULT_BASE	0xfee00000ULL

/* IA32_APIC_BASE. */
#define LVX_APIC_BASE_BSP	BIT_ULL(8)
#define LVX_APIC_BASE_X2APIC	BIT_ULL(10)
#define LVX_APIC_BASE_ENABLE	BIT_ULL(11)
#define LVX_APIC_BASE_ADDR	GENMASK_ULL(51, 12)

#define LVX_APIC_SVR_ENABLE	BIT(8)
#define LVX_APIC_SVR_NO_EOI	BIT(12)	/* suppress EOI broadcast */

#define LVX_APIC_LVT_MASKED	BIT(16)
#define LVX_APIC_TIMER_MODE	GENMASK(18, 17)
#define LVX_APIC_TIMER_ONESHOT	0
#define LVX_APIC_TIMER_PERIODIC	BIT(17)
#define LVX_APIC_TIMER_TSC	BIT(18)

/**
 * struct lvx_apic - a local APIC
 * @regs: the register page
 * @base: IA32_APIC_BASE
 * @id: x2APIC ID; its low byte is the initial xAPIC ID
 * @nr_lvt: 6, or 7 with the CMCI register
 * @directed_eoi: suppressing EOI broadcasts is offered (no IOAPIC of ours is
 *	there to miss them)
 * @has_deadline: the timer's third mode is offered; else LVT bit 18 is reserved
 * @period: of the timer in ns, 0 when it is not set
 * @expires: when it expires next, ns; 0 when it does not
 * @tsc_deadline: IA32_TSC_DEADLINE, 0 when not armed
 */
struct lvx_apic {
	u8 *regs;
	u64 base;
	u32 id;
	u8 nr_lvt;
	bool directed_eoi;
	bool has_deadline;
	u64 period;
	u64 expires;
	u64 tsc_deadline;
};

/* What a register write asks the caller to do. */
#define LVX_APIC_DO_IPI		BIT(0)	/* send @ipi */
#define LVX_APIC_DO_EOI		BIT(1)	/* @eoi_vector's service ended */
#define LVX_APIC_DO_TIMER	BIT(2)	/* set the timer anew */
#define LVX_APIC_DO_MAP		BIT(3)	/* the address changed */
#define LVX_APIC_DO_CHECK	BIT(4)	/* more interrupts may be deliverable */
#define LVX_APIC_DO_PUBLISH	BIT(5)	/* what it takes from whom changed */

struct lvx_apic_effect {
	u32 todo;
	struct lvx_apic_msg ipi;
	u8 eoi_vector;
	bool eoi_level;
};

/* How the timer is to be waited for. */
enum lvx_apic_wait {
	LVX_APIC_WAIT_NONE,
	LVX_APIC_WAIT_NS,	/* of the clock that is given as "now" */
	LVX_APIC_WAIT_TSC,	/* the guest's TSC */
};

static inline u32 lvx_apic_get(const struct lvx_apic *apic, u32 reg)
{
	return READ_ONCE(*(u32 *)(apic->regs + reg));
}

static inline void lvx_apic_set(struct lvx_apic *apic, u32 reg, u32 val)
{
	WRITE_ONCE(*(u32 *)(apic->regs + reg), val);
}

static inline bool lvx_apic_enabled(const struct lvx_apic *apic)
{
	return apic->base & LVX_APIC_BASE_ENABLE;
}

static inline bool lvx_apic_x2(const struct lvx_apic *apic)
{
	return (apic->base & LVX_APIC_BASE_X2APIC) && lvx_apic_enabled(apic);
}

static inline bool lvx_apic_sw_enabled(const struct lvx_apic *apic)
{
	return lvx_apic_get(apic, LVX_APIC_SVR) & LVX_APIC_SVR_ENABLE;
}

/* In x2APIC mode the logical ID follows from the ID: cluster and bit. */
static inline u32 lvx_apic_x2_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 0xf);
}

/* Bit @vector of one of the three 256-bit registers. */
static inline bool lvx_apic_test(const struct lvx_apic *apic, u32 reg,
				 u8 vector)
{
	return lvx_apic_get(apic, reg + (vector >> 5) * 16) & BIT(vector & 31);
}

static inline void lvx_apic_put(struct lvx_apic *apic, u32 reg, u8 vector,
				bool set)
{
	u32 old, bit = BIT(vector & 31);

	reg += (vector >> 5) * 16;
	old = lvx_apic_get(apic, reg);
	lvx_apic_set(apic, reg, set ? old | bit : old & ~bit);
}

/* Do reads and writes of the register need to know the time? */
static inline bool lvx_apic_wants_time(u32 reg)
{
	return reg == LVX_APIC_TIMER_INIT || reg == LVX_APIC_TIMER_CURRENT ||
	       reg == LVX_APIC_TIMER_DIVIDE;
}

/* Life. */
void lvx_apic_reset(struct lvx_apic *apic, bool bsp, bool init);
int lvx_apic_set_base(struct lvx_apic *apic, u64 base, bool by_host,
		      bool has_x2apic, u8 maxphyaddr);
void lvx_apic_set_version(struct lvx_apic *apic);
void lvx_apic_get_page(const struct lvx_apic *apic, u8 *page, u64 now);
void lvx_apic_set_page(struct lvx_apic *apic, const u8 *page, u64 now);

/* Registers. -EINVAL is #GP for a MSR; for a page access it means nothing. */
int lvx_apic_read(const struct lvx_apic *apic, u32 reg, u64 now, u64 *val);
int lvx_apic_write(struct lvx_apic *apic, u32 reg, u64 val, u64 now,
		   struct lvx_apic_effect *effect);

/* Interrupts. Vectors are -1 for none. */
int lvx_apic_highest(const struct lvx_apic *apic, u32 reg);
u8 lvx_apic_ppr(const struct lvx_apic *apic);
int lvx_apic_pending(const struct lvx_apic *apic);
void lvx_apic_accept(struct lvx_apic *apic, u8 vector);
void lvx_apic_merge(struct lvx_apic *apic, u32 part, u64 irr, u64 tmr);
bool lvx_apic_lvt(const struct lvx_apic *apic, u32 reg,
		  struct lvx_apic_msg *msg);

/* Timer. */
enum lvx_apic_wait lvx_apic_timer_next(const struct lvx_apic *apic, u64 *when);
bool lvx_apic_timer_fire(struct lvx_apic *apic, u64 now, u64 tsc);
bool lvx_apic_set_tsc_deadline(struct lvx_apic *apic, u64 deadline);
u64 lvx_apic_tsc_deadline(const struct lvx_apic *apic);
u64 lvx_apic_ticks_to_ns(u64 ticks, u32 khz);
/* Between apic.c and apic_timer.c. */
void lvx_apic_timer_start(struct lvx_apic *apic, u64 now);
void lvx_apic_timer_divide(struct lvx_apic *apic, u32 old_divide, u64 now);
void lvx_apic_timer_mode(struct lvx_apic *apic, u32 old_lvt);
u32 lvx_apic_timer_count(const struct lvx_apic *apic, u64 now);
void lvx_apic_timer_restore(struct lvx_apic *apic, u32 count, u64 now);

#endif /* LVX_PURE_APIC_H */
