/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM of which something could not be made is used all the same: by a timer
 * whose ticks go wherever they go, by all lines that there may be. Results are
 * not asked for; the host had better survive.
 */
#ifndef LVX_TEST_POKE_H
#define LVX_TEST_POKE_H

#include "lib.h"

/* Counter 0 at 1.2 kHz */
static inline long set_pit(int vm)
{
	struct kvm_pit_state2 pit = {
		.channels[0] = { .count = 1000, .mode = 2, .gate = 1 },
	};

	return try_ioctl(vm, KVM_SET_PIT2, &pit);
}

static inline void move_lines(int vm)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x4031 };
	struct kvm_irq_level line = {};

	for (line.irq = 0; line.irq < 24; line.irq++) {
		for (int level = 1; level >= 0; level--) {
			line.level = level;
			try_ioctl(vm, KVM_IRQ_LINE, &line);
		}
	}
	try_ioctl(vm, KVM_SIGNAL_MSI, &msi);
}

static inline void poke(int vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	set_pit(vm);
	move_lines(vm);
	try_ioctl(vm, KVM_GET_IRQCHIP, &chip);
	sleep_ms(5);
	move_lines(vm);
}

#endif
