// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a VM out and writing it into a new one; see snapshot.h.
 *
 * Each piece of state is a row: the ioctl that reads it, the one that writes
 * it. The order of writing matters in some places, and these are commented.
 */
#include "snapshot.h"

#define MSR_TSC			0x10
#define MSR_TSC_DEADLINE	0x6e0
#define MAX_MSRS		256
#define MAX_ENTRIES		100
#define LAPIC_ISR		0x100
#define LAPIC_IRR		0x200

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[MAX_MSRS];
};

/* A vCPU's state, in the order of writing. */
struct vcpu_state {
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct msrs msrs;
	struct kvm_mp_state mp;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	uint64_t tsc_offset;
	long tsc_khz;
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MAX_ENTRIES];
	} cpuid;
};

struct vm_state {
	struct kvm_irqchip chip[3];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
};

struct snapshot_census census;

static struct kvm_device_attr offset_attr(uint64_t *offset)
{
	return (struct kvm_device_attr) {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};
}

/* The MSRs that the node wants saved. */
static void list_msrs(struct msrs *m)
{
	static struct {
		struct kvm_msr_list head;
		uint32_t index[MAX_MSRS];
	} list;

	list.head.nmsrs = MAX_MSRS;
	do_ioctl(sys_fd, KVM_GET_MSR_INDEX_LIST, &list);
	m->head.nmsrs = list.head.nmsrs;
	for (unsigned int i = 0; i < list.head.nmsrs; i++)
		m->entries[i].index = list.index[i];
}

/* All of them at once. */
static void msrs_io(struct vcpu *v, unsigned long nr, struct msrs *m)
{
	long ret = try_ioctl(v->fd, nr, m);

	if (ret != (long)m->head.nmsrs)
		die("MSR %#x: %ld of %u %s", m->entries[ret < 0 ? 0 : ret].index,
		    ret, m->head.nmsrs, nr == KVM_GET_MSRS ? "read" : "written");
}

static bool any_bit(const struct kvm_lapic_state *lapic, unsigned int reg)
{
	for (unsigned int i = 0; i < 8; i++)
		for (unsigned int j = 0; j < 4; j++)
			if (lapic->regs[reg + 16 * i + j])
				return true;
	return false;
}

static void count(const struct vcpu_state *s)
{
	census.shadow += !!s->events.interrupt.shadow;
	census.injected += s->events.interrupt.injected ||
			   s->events.exception.injected ||
			   s->events.nmi.injected;
	census.nmi_pending += s->events.nmi.pending;
	census.nmi_masked += s->events.nmi.masked;
	census.halted += s->mp.mp_state == KVM_MP_STATE_HALTED;
	census.irr += any_bit(&s->lapic, LAPIC_IRR);
	census.isr += any_bit(&s->lapic, LAPIC_ISR);
}

static void save_vcpu(struct vcpu *v, struct vcpu_state *s)
{
	struct kvm_device_attr attr = offset_attr(&s->tsc_offset);

	do_ioctl(v->fd, KVM_GET_VCPU_EVENTS, &s->events);
	do_ioctl(v->fd, KVM_GET_MP_STATE, &s->mp);
	do_ioctl(v->fd, KVM_GET_REGS, &s->regs);
	do_ioctl(v->fd, KVM_GET_XSAVE, &s->xsave);
	if (check_cap(sys_fd, KVM_CAP_XCRS))
		do_ioctl(v->fd, KVM_GET_XCRS, &s->xcrs);
	do_ioctl(v->fd, KVM_GET_SREGS, &s->sregs);
	list_msrs(&s->msrs);
	msrs_io(v, KVM_GET_MSRS, &s->msrs);
	if (v->vm->flags & (VM_IRQCHIP | VM_PIT))
		do_ioctl(v->fd, KVM_GET_LAPIC, &s->lapic);
	do_ioctl(v->fd, KVM_GET_DEBUGREGS, &s->debug);
	do_ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr);
	s->tsc_khz = do_ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	s->cpuid.head.nent = MAX_ENTRIES;
	do_ioctl(v->fd, KVM_GET_CPUID2, &s->cpuid);
	count(s);
}

static void restore_msrs(struct vcpu *v, struct vcpu_state *s, enum tsc_by how)
{
	struct msrs late = { .head.nmsrs = 0 };
	unsigned int i, kept = 0;

	/* A deadline is armed by the guest's TSC and the timer's mode. */
	for (i = 0; i < s->msrs.head.nmsrs; i++) {
		struct kvm_msr_entry e = s->msrs.entries[i];

		if (e.index == MSR_TSC_DEADLINE)
			late.entries[late.head.nmsrs++] = e;
		else if (e.index != MSR_TSC || how == TSC_BY_MSR)
			s->msrs.entries[kept++] = e;
	}
	s->msrs.head.nmsrs = kept;
	msrs_io(v, KVM_SET_MSRS, &s->msrs);
	msrs_io(v, KVM_SET_MSRS, &late);
}

static void restore_vcpu(struct vcpu *v, struct vcpu_state *s, enum tsc_by how)
{
	struct kvm_device_attr attr = offset_attr(&s->tsc_offset);

	do_ioctl(v->fd, KVM_SET_CPUID2, &s->cpuid);
	/* The LAPIC's mode is in IA32_APIC_BASE, which is in here: */
	do_ioctl(v->fd, KVM_SET_SREGS, &s->sregs);
	do_ioctl(v->fd, KVM_SET_TSC_KHZ, s->tsc_khz);
	if (how == TSC_BY_OFFSET)
		do_ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr);
	if (v->vm->flags & (VM_IRQCHIP | VM_PIT))
		do_ioctl(v->fd, KVM_SET_LAPIC, &s->lapic);
	do_ioctl(v->fd, KVM_SET_REGS, &s->regs);
	do_ioctl(v->fd, KVM_SET_XSAVE, &s->xsave);
	if (check_cap(sys_fd, KVM_CAP_XCRS))
		do_ioctl(v->fd, KVM_SET_XCRS, &s->xcrs);
	restore_msrs(v, s, how);
	do_ioctl(v->fd, KVM_SET_MP_STATE, &s->mp);
	do_ioctl(v->fd, KVM_SET_VCPU_EVENTS, &s->events);
	do_ioctl(v->fd, KVM_SET_DEBUGREGS, &s->debug);
}

static void save_vm(struct vm *vm, struct vm_state *s)
{
	if (vm->flags & (VM_IRQCHIP | VM_PIT)) {
		for (unsigned int i = 0; i < 3; i++) {
			s->chip[i].chip_id = i;
			do_ioctl(vm->fd, KVM_GET_IRQCHIP, &s->chip[i]);
		}
	}
	if (vm->flags & VM_PIT)
		do_ioctl(vm->fd, KVM_GET_PIT2, &s->pit);
	do_ioctl(vm->fd, KVM_GET_CLOCK, &s->clock);
	s->clock.flags = 0;
}

static void restore_vm(struct vm *vm, struct vm_state *s)
{
	if (vm->flags & (VM_IRQCHIP | VM_PIT))
		for (unsigned int i = 0; i < 3; i++)
			do_ioctl(vm->fd, KVM_SET_IRQCHIP, &s->chip[i]);
	if (vm->flags & VM_PIT)
		do_ioctl(vm->fd, KVM_SET_PIT2, &s->pit);
	do_ioctl(vm->fd, KVM_SET_CLOCK, &s->clock);
}

/* Pages that were never touched are zero in the new VM, too. */
static void copy_memory(uint8_t *to, uint8_t *from)
{
	unsigned char resident[RAM_SIZE / PAGE];

	if (mincore(from, RAM_SIZE, resident))
		die("mincore: %m");
	for (size_t i = 0; i < sizeof(resident); i++)
		if (resident[i] & 1)
			memcpy(to + i * PAGE, from + i * PAGE, PAGE);
}

/* The new one's parts come to lie where the old one's were. */
static void replace_vm(struct vm *vm)
{
	struct vm *new = vm_new(vm->flags);

	copy_memory(new->ram, vm->ram);
	munmap(vm->ram, RAM_SIZE);
	close(vm->fd);
	*vm = *new;
	free(new);
}

static void replace_vcpu(struct vcpu *v, struct vm *vm)
{
	struct vcpu *new;

	munmap(v->run, vm->run_size);
	close(v->fd);
	new = vcpu_new(vm, v->id);
	*v = *new;
	free(new);
}

void vm_move(struct vm *vm, struct vcpu **v, unsigned int nr, enum tsc_by how)
{
	static struct vcpu_state state[4];
	static struct vm_state vm_state;

	for (unsigned int i = 0; i < nr; i++)
		save_vcpu(v[i], &state[i]);
	save_vm(vm, &vm_state);
	census.taken++;

	replace_vm(vm);
	for (unsigned int i = 0; i < nr; i++)
		replace_vcpu(v[i], vm);
	for (unsigned int i = 0; i < nr; i++)
		restore_vcpu(v[i], &state[i], how);
	restore_vm(vm, &vm_state);
}
