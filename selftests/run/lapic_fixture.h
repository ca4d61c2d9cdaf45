/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU with a LAPIC in the kernel: each test of this fixture runs twice, in
 * the LAPIC's two modes. Defines the fixture, so a program includes it once.
 */
#ifndef LVX_TEST_LAPIC_FIXTURE_H
#define LVX_TEST_LAPIC_FIXTURE_H

#include "harness.h"
#include "apic.h"

volatile bool apic_x2;

FIXTURE(lapic)
{
	struct vm *vm;
	struct vcpu *v;
};

FIXTURE_VARIANT(lapic)
{
	bool x2;
};

FIXTURE_VARIANT_ADD(lapic, xapic) { .x2 = false };
FIXTURE_VARIANT_ADD(lapic, x2apic) { .x2 = true };

FIXTURE_SETUP(lapic)
{
	apic_x2 = variant->x2;
	self->vm = vm_new(VM_IRQCHIP);
	self->v = vcpu_new(self->vm, 0);
}

FIXTURE_TEARDOWN(lapic)
{
}

#endif
