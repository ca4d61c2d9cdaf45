// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's registers and priorities. One table says for every register
 * who may read and write it in which mode, which bits exist, and what a write
 * sets off; the code below only applies it.
 */
#include "pure/apic.h"

/* Access rights of a row. */
#define XR	BIT(0)		/* xAPIC: read */
#define XW	BIT(1)
#define X2R	BIT(2)		/* x2APIC: RDMSR */
#define X2W	BIT(3)
#define R	(XR | X2R)
#define W	(XW | X2W)

#define LVT_PENDING	BIT(12)		/* delivery status, read only */
#define LVT_REMOTE_IRR	BIT(14)		/* read only */
#define LVT_BASIC	(0xff | LVX_APIC_LVT_MASKED)
#define LVT_MODE	GENMASK(10, 8)
#define LVT_LINT	(LVT_BASIC | LVT_MODE | BIT(13) | BIT(15))

#define ICR_LOGICAL	BIT(11)
#define ICR_PENDING	BIT(12)
#define ICR_ASSERT	BIT(14)
#define ICR_LEVEL	BIT(15)
/* In x2APIC mode these make WRMSR fault. */
#define X2_ICR_RESERVED	(GENMASK(31, 20) | GENMASK(17, 16) | BIT(13))

#define VERSION		0x14
#define VERSION_NO_EOI	BIT(24)		/* SVR bit 12 may be set */

#define INDEX(reg)	((reg) >> 4)
#define NR_REGS		LVX_APIC_NR_REGS

struct reg_rule {
	u8 access;
	u32 bits;		/* that a write stores */
	u32 ignored;		/* that it may have set without effect */
	void (*wrote)(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect);
};

/*
 * What register writes set off. The new value is in the page already.
 */

static void wrote_address(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
			  struct lvx_apic_effect *effect)
{
	if (lvx_apic_get(apic, reg) != old)
		effect->todo |= LVX_APIC_DO_MAP;
}

static void wrote_dfr(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	lvx_apic_set(apic, reg, lvx_apic_get(apic, reg) | 0x0fffffff);
	wrote_address(apic, reg, old, now, effect);
}

/* Priorities moved: of interest only if one waits for that. */
static void check(const struct lvx_apic *apic, struct lvx_apic_effect *effect)
{
	if (lvx_apic_highest(apic, LVX_APIC_IRR) >= 0)
		effect->todo |= LVX_APIC_DO_CHECK;
}

static void wrote_tpr(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	check(apic, effect);
}

static void wrote_eoi(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	int vector = lvx_apic_highest(apic, LVX_APIC_ISR);

	/* System software may write EOI without anything in service. */
	if (vector < 0)
		return;
	lvx_apic_put(apic, LVX_APIC_ISR, vector, false);
	check(apic, effect);
	effect->todo |= LVX_APIC_DO_EOI;
	effect->eoi_vector = vector;
	effect->eoi_level = lvx_apic_test(apic, LVX_APIC_TMR, vector);
}

static void wrote_lvt(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	u32 val = lvx_apic_get(apic, reg);

	/* While the APIC is disabled by software no LVT can be unmasked. */
	if (!lvx_apic_sw_enabled(apic))
		lvx_apic_set(apic, reg, val | LVX_APIC_LVT_MASKED);
	if (reg == LVX_APIC_LVT_TIMER && ((old ^ val) & LVX_APIC_TIMER_MODE)) {
		lvx_apic_timer_mode(apic, old);
		effect->todo |= LVX_APIC_DO_TIMER;
	}
	effect->todo |= LVX_APIC_DO_CHECK | LVX_APIC_DO_PUBLISH;
}

static const u16 lvts[] = {
	LVX_APIC_LVT_TIMER, LVX_APIC_LVT_THERMAL, LVX_APIC_LVT_PMC,
	LVX_APIC_LVT_LINT0, LVX_APIC_LVT_LINT1, LVX_APIC_LVT_ERROR,
	LVX_APIC_LVT_CMCI,		/* last: not every APIC has it */
};

static void wrote_svr(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	unsigned int i;

	if (!lvx_apic_sw_enabled(apic))
		for (i = 0; i < apic->nr_lvt && i < ARRAY_SIZE(lvts); i++)
			lvx_apic_set(apic, lvts[i],
				     lvx_apic_get(apic, lvts[i]) |
				     LVX_APIC_LVT_MASKED);
	if ((lvx_apic_get(apic, reg) ^ old) & LVX_APIC_SVR_ENABLE)
		effect->todo |= LVX_APIC_DO_MAP;
	effect->todo |= LVX_APIC_DO_CHECK | LVX_APIC_DO_PUBLISH;
}

static void self_ipi(struct lvx_apic *apic, u8 vector, bool level,
		     struct lvx_apic_effect *effect)
{
	/* Below 16 is "illegal vector", and a disabled APIC takes nothing. */
	if (vector < 16 || !lvx_apic_sw_enabled(apic))
		return;
	lvx_apic_put(apic, LVX_APIC_TMR, vector, level);
	lvx_apic_put(apic, LVX_APIC_IRR, vector, true);
	effect->todo |= LVX_APIC_DO_CHECK;
}

static void wrote_self_ipi(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
			   struct lvx_apic_effect *effect)
{
	self_ipi(apic, lvx_apic_get(apic, reg), false, effect);
}

static void send_ipi(struct lvx_apic *apic, u32 low, u32 dest,
		     struct lvx_apic_effect *effect)
{
	struct lvx_apic_msg *ipi = &effect->ipi;

	*ipi = (struct lvx_apic_msg){
		.dest = dest,
		.vector = low & 0xff,
		.mode = (low >> 8) & 7,
		.shorthand = (low >> 18) & 3,
		.logical = low & ICR_LOGICAL,
		.level = low & ICR_LEVEL,
		.assert = low & ICR_ASSERT,
		.x2apic = lvx_apic_x2(apic),
	};
	/* A level that goes down is no interrupt. */
	if (ipi->level && !ipi->assert &&
	    (ipi->mode == LVX_DM_FIXED || ipi->mode == LVX_DM_LOWEST))
		return;
	/* The page is ours, so this one needs nobody else. */
	if (ipi->shorthand == LVX_TO_SELF && ipi->mode == LVX_DM_FIXED)
		self_ipi(apic, ipi->vector, ipi->level, effect);
	else
		effect->todo |= LVX_APIC_DO_IPI;
}

static void wrote_icr(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
		      struct lvx_apic_effect *effect)
{
	send_ipi(apic, lvx_apic_get(apic, reg),
		 lvx_apic_get(apic, LVX_APIC_ICR2) >> 24, effect);
}

static void wrote_timer(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
			struct lvx_apic_effect *effect)
{
	lvx_apic_timer_start(apic, now);
	effect->todo |= LVX_APIC_DO_TIMER;
}

static void wrote_divide(struct lvx_apic *apic, u32 reg, u32 old, u64 now,
			 struct lvx_apic_effect *effect)
{
	if (lvx_apic_get(apic, reg) == old)
		return;
	lvx_apic_timer_divide(apic, old, now);
	effect->todo |= LVX_APIC_DO_TIMER;
}

/*
 * See SDM vol. 3, "Local APIC Register Address Map" and "x2APIC Register
 * Address Space".
 */
static const struct reg_rule rules[NR_REGS] = {
	[INDEX(LVX_APIC_ID)]	= { R | XW, 0xff000000, 0, wrote_address },
	[INDEX(LVX_APIC_VERSION)] = { R },
	[INDEX(LVX_APIC_TPR)]	= { R | W, 0xff, 0, wrote_tpr },
	[INDEX(LVX_APIC_APR)]	= { XR },
	[INDEX(LVX_APIC_PPR)]	= { R },
	[INDEX(LVX_APIC_EOI)]	= { W, 0, 0, wrote_eoi },
	[INDEX(LVX_APIC_LDR)]	= { R | XW, 0xff000000, 0, wrote_address },
	[INDEX(LVX_APIC_DFR)]	= { XR | XW, 0xf0000000, 0, wrote_dfr },
	[INDEX(LVX_APIC_SVR)]	= { R | W, 0x3ff, 0, wrote_svr },
	[INDEX(LVX_APIC_ISR) ... INDEX(LVX_APIC_ISR) + 7] = { R },
	[INDEX(LVX_APIC_TMR) ... INDEX(LVX_APIC_TMR) + 7] = { R },
	[INDEX(LVX_APIC_IRR) ... INDEX(LVX_APIC_IRR) + 7] = { R },
	[INDEX(LVX_APIC_ESR)]	= { R | W },
	[INDEX(LVX_APIC_LVT_CMCI)] = { R | W, LVT_BASIC | LVT_MODE,
				       LVT_PENDING, wrote_lvt },
	[INDEX(LVX_APIC_ICR)]	= { R | W, (u32)~ICR_PENDING, 0, wrote_icr },
	[INDEX(LVX_APIC_ICR2)]	= { XR | XW, 0xff000000 },
	[INDEX(LVX_APIC_LVT_TIMER)] = { R | W,
					LVT_BASIC | LVX_APIC_TIMER_MODE,
					LVT_PENDING, wrote_lvt },
	[INDEX(LVX_APIC_LVT_THERMAL)] = { R | W, LVT_BASIC | LVT_MODE,
					  LVT_PENDING, wrote_lvt },
	[INDEX(LVX_APIC_LVT_PMC)] = { R | W, LVT_BASIC | LVT_MODE,
				      LVT_PENDING, wrote_lvt },
	[INDEX(LVX_APIC_LVT_LINT0)] = { R | W, LVT_LINT,
					LVT_PENDING | LVT_REMOTE_IRR,
					wrote_lvt },
	[INDEX(LVX_APIC_LVT_LINT1)] = { R | W, LVT_LINT,
					LVT_PENDING | LVT_REMOTE_IRR,
					wrote_lvt },
	[INDEX(LVX_APIC_LVT_ERROR)] = { R | W, LVT_BASIC, LVT_PENDING,
					wrote_lvt },
	[INDEX(LVX_APIC_TIMER_INIT)] = { R | W, ~0U, 0, wrote_timer },
	[INDEX(LVX_APIC_TIMER_CURRENT)] = { R },
	[INDEX(LVX_APIC_TIMER_DIVIDE)] = { R | W, 0xb, 0, wrote_divide },
	[INDEX(LVX_APIC_SELF_IPI)] = { X2W, 0xff, 0, wrote_self_ipi },
};

/* The row of a register, or NULL if this APIC has none there. */
static const struct reg_rule *rule_of(const struct lvx_apic *apic, u32 reg)
{
	if ((reg & 0xf) || INDEX(reg) >= NR_REGS)
		return NULL;
	if (reg == LVX_APIC_LVT_CMCI && apic->nr_lvt < ARRAY_SIZE(lvts))
		return NULL;
	return &rules[array_index_nospec(INDEX(reg), NR_REGS)];
}

/**
 * lvx_apic_read() - read a register
 * @apic: the APIC, not disabled
 * @reg: offset into the page
 * @now: ns, if lvx_apic_wants_time()
 * @val: the value; 64 bits wide only for the ICR in x2APIC mode
 *
 * Return: 0, or -EINVAL if there is nothing to read: #GP for RDMSR.
 */
int lvx_apic_read(const struct lvx_apic *apic, u32 reg, u64 now, u64 *val)
{
	const struct reg_rule *rule = rule_of(apic, reg);

	*val = 0;
	if (!rule || !(rule->access & (lvx_apic_x2(apic) ? X2R : XR)))
		return -EINVAL;
	switch (reg) {
	case LVX_APIC_TIMER_CURRENT:
		*val = lvx_apic_timer_count(apic, now);
		return 0;
	case LVX_APIC_PPR:
		*val = lvx_apic_ppr(apic);
		return 0;
	}
	*val = lvx_apic_get(apic, reg);
	if (reg == LVX_APIC_ICR && lvx_apic_x2(apic))
		*val |= (u64)lvx_apic_get(apic, LVX_APIC_ICR + 4) << 32;
	return 0;
}

/* The ICR is the one MSR of 64 bits; the page holds it as such. */
static int write_x2apic_icr(struct lvx_apic *apic, u64 val,
			    struct lvx_apic_effect *effect)
{
	if (val & X2_ICR_RESERVED)
		return -EINVAL;
	val &= ~(u64)ICR_PENDING;
	lvx_apic_set(apic, LVX_APIC_ICR, lower_32_bits(val));
	lvx_apic_set(apic, LVX_APIC_ICR + 4, upper_32_bits(val));
	send_ipi(apic, lower_32_bits(val), upper_32_bits(val), effect);
	return 0;
}

/**
 * lvx_apic_write() - write a register
 * @apic: the APIC, not disabled
 * @reg: offset into the page
 * @val: the value
 * @now: ns, if lvx_apic_wants_time()
 * @effect: set to what the caller has to do
 *
 * Return: 0, or -EINVAL and nothing changed: #GP for WRMSR.
 */
int lvx_apic_write(struct lvx_apic *apic, u32 reg, u64 val, u64 now,
		   struct lvx_apic_effect *effect)
{
	const struct reg_rule *rule = rule_of(apic, reg);
	bool x2 = lvx_apic_x2(apic);
	u32 old, bits;

	effect->todo = 0;
	if (!rule || !(rule->access & (x2 ? X2W : XW)))
		return -EINVAL;
	if (x2 && reg == LVX_APIC_ICR)
		return write_x2apic_icr(apic, val, effect);

	bits = rule->bits;
	if (reg == LVX_APIC_SVR && apic->directed_eoi)
		bits |= LVX_APIC_SVR_NO_EOI;
	if (x2 && (val & ~(u64)(bits | rule->ignored)))
		return -EINVAL;
	/* Dropped, where the CPU would raise #GP: as KVM has it. */
	if (reg == LVX_APIC_LVT_TIMER && !apic->has_deadline)
		bits &= ~LVX_APIC_TIMER_TSC;
	/* With a deadline, the counter is not used and its register dead. */
	if (reg == LVX_APIC_TIMER_INIT &&
	    (lvx_apic_get(apic, LVX_APIC_LVT_TIMER) & LVX_APIC_TIMER_TSC))
		return 0;

	old = lvx_apic_get(apic, reg);
	lvx_apic_set(apic, reg, val & bits);
	if (rule->wrote)
		rule->wrote(apic, reg, old, now, effect);
	return 0;
}

/**
 * lvx_apic_highest() - the highest vector of a 256-bit register
 * @apic: the APIC
 * @reg: LVX_APIC_IRR, LVX_APIC_ISR or LVX_APIC_TMR
 *
 * Return: the vector, or -1.
 */
int lvx_apic_highest(const struct lvx_apic *apic, u32 reg)
{
	const u32 *words = (const u32 *)(apic->regs + reg);
	u32 word;
	int i;

	/* Every interrupt comes here a few times. */
#pragma GCC unroll 8
	for (i = 7; i >= 0; i--) {
		word = READ_ONCE(words[i * 4]);
		if (word)
			return i * 32 + __fls(word);
	}
	return -1;
}

/**
 * lvx_apic_ppr() - the processor priority as TPR and ISR make it
 * @apic: the APIC
 *
 * Return: PPR.
 */
u8 lvx_apic_ppr(const struct lvx_apic *apic)
{
	u8 tpr = lvx_apic_get(apic, LVX_APIC_TPR);
	int isr = lvx_apic_highest(apic, LVX_APIC_ISR);

	if (isr < 0 || (tpr & 0xf0) >= (isr & 0xf0))
		return tpr;
	return isr & 0xf0;
}

/**
 * lvx_apic_pending() - the interrupt that the CPU would take now
 * @apic: the APIC
 *
 * Return: its vector, or -1 if nothing is above the processor priority.
 */
int lvx_apic_pending(const struct lvx_apic *apic)
{
	int irr = lvx_apic_highest(apic, LVX_APIC_IRR);

	/* Most of the time there is none, and ISR need not be searched. */
	if (irr < 0 || (irr & 0xf0) <= (lvx_apic_ppr(apic) & 0xf0))
		return -1;
	return irr;
}

/**
 * lvx_apic_accept() - the CPU takes an interrupt
 * @apic: the APIC
 * @vector: that of lvx_apic_pending()
 */
void lvx_apic_accept(struct lvx_apic *apic, u8 vector)
{
	lvx_apic_put(apic, LVX_APIC_IRR, vector, false);
	lvx_apic_put(apic, LVX_APIC_ISR, vector, true);
	lvx_apic_set(apic, LVX_APIC_PPR, lvx_apic_ppr(apic));
}

/**
 * lvx_apic_merge() - bring interrupts from the inbox into the page
 * @apic: the APIC
 * @part: of the vectors: 0 for those up to 63, and so on to 3
 * @irr: which vectors of the part came
 * @tmr: which of them are level-triggered
 */
void lvx_apic_merge(struct lvx_apic *apic, u32 part, u64 irr, u64 tmr)
{
	u32 reg = part * 32;

	for (; irr; irr >>= 32, tmr >>= 32, reg += 16) {
		lvx_apic_set(apic, LVX_APIC_TMR + reg,
			     (lvx_apic_get(apic, LVX_APIC_TMR + reg) & ~(u32)irr) |
			     ((u32)tmr & (u32)irr));
		lvx_apic_set(apic, LVX_APIC_IRR + reg,
			     lvx_apic_get(apic, LVX_APIC_IRR + reg) | (u32)irr);
	}
}

/**
 * lvx_apic_lvt() - the message of a local interrupt
 * @apic: the APIC
 * @reg: LVX_APIC_LVT_*
 * @msg: filled in
 *
 * Return: false if it is masked or the APIC is off.
 */
bool lvx_apic_lvt(const struct lvx_apic *apic, u32 reg,
		  struct lvx_apic_msg *msg)
{
	u32 lvt = lvx_apic_get(apic, reg);

	if (!lvx_apic_enabled(apic) || (lvt & LVX_APIC_LVT_MASKED))
		return false;
	*msg = (struct lvx_apic_msg){
		.vector = lvt & 0xff,
		.mode = reg == LVX_APIC_LVT_TIMER || reg == LVX_APIC_LVT_ERROR ?
			LVX_DM_FIXED : (lvt & LVT_MODE) >> 8,
		.shorthand = LVX_TO_SELF,
		.level = (lvt & BIT(15)) && (reg == LVX_APIC_LVT_LINT0 ||
					     reg == LVX_APIC_LVT_LINT1),
		.assert = true,
	};
	return true;
}

/**
 * lvx_apic_set_version() - write the version register
 * @apic: the APIC, @nr_lvt and @directed_eoi set
 */
void lvx_apic_set_version(struct lvx_apic *apic)
{
	lvx_apic_set(apic, LVX_APIC_VERSION,
		     VERSION | (apic->nr_lvt - 1) << 16 |
		     (apic->directed_eoi ? VERSION_NO_EOI : 0));
}

/**
 * lvx_apic_reset() - the state after RESET or INIT
 * @apic: the APIC, @regs, @id, @nr_lvt and @directed_eoi set
 * @bsp: the bootstrap processor
 * @init: INIT, which keeps IA32_APIC_BASE and the ID
 */
void lvx_apic_reset(struct lvx_apic *apic, bool bsp, bool init)
{
	u32 id = lvx_apic_get(apic, LVX_APIC_ID);
	unsigned int i;

	if (!init) {
		apic->base = LVX_APIC_DEFAULT_BASE | LVX_APIC_BASE_ENABLE |
			     (bsp ? LVX_APIC_BASE_BSP : 0);
		id = apic->id << 24;
	}
	memset(apic->regs, 0, LVX_APIC_PAGE_SIZE);
	apic->period = 0;
	apic->expires = 0;
	apic->tsc_deadline = 0;

	lvx_apic_set(apic, LVX_APIC_ID, id);
	if (lvx_apic_x2(apic))
		lvx_apic_set(apic, LVX_APIC_LDR, lvx_apic_x2_ldr(apic->id));
	lvx_apic_set_version(apic);
	lvx_apic_set(apic, LVX_APIC_DFR, ~0U);
	lvx_apic_set(apic, LVX_APIC_SVR, 0xff);
	for (i = 0; i < apic->nr_lvt && i < ARRAY_SIZE(lvts); i++)
		lvx_apic_set(apic, lvts[i], LVX_APIC_LVT_MASKED);
	/*
	 * Not the CPU's doing but the firmware's: before a guest sets up its
	 * APIC, the PIC's interrupts reach the bootstrap processor.
	 */
	if (bsp)
		lvx_apic_set(apic, LVX_APIC_LVT_LINT0, LVX_DM_EXTINT << 8);
}
