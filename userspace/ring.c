// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of coalesced writes: bytes that the guest transmits on the serial
 * port are put there by the kernel, without an exit to user space, and taken
 * out at the next exit of any vCPU, or by the main thread after a while.
 *
 * Order is kept: every other access to the port exits, and the ring is drained
 * before that exit is handled.
 */
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"
#include "vcpu.h"
#include "vm.h"

/*
 * Switch it on if the kernel offers it; without it the guest is only slower.
 * All vCPUs' mappings show the same ring.
 */
void ring_init(struct vm *vm)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = SERIAL_PORT, .size = 1, .pio = 1 };
	int page = vm_has(vm, KVM_CAP_COALESCED_MMIO);
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);

	if (!page || !vm_has(vm, KVM_CAP_COALESCED_PIO))
		return;
	if (ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone) < 0)
		return;
	vm->ring = (void *)((char *)vm->vcpus[0].run + (size_t)page * page_size);
	vm->ring_entries = (uint32_t)((page_size - sizeof(*vm->ring)) /
				      sizeof(vm->ring->coalesced_mmio[0]));
}

/* The caller holds the bus lock, which makes it the only reader. */
void ring_drain(struct vm *vm)
{
	struct kvm_coalesced_mmio_ring *ring = vm->ring;
	uint32_t first, last;

	if (!ring)
		return;
	first = ring->first;
	/* Pairs with the kernel's barrier between filling and publishing. */
	last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
	while (first != last && first < vm->ring_entries) {
		struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[first];

		if (entry->len <= sizeof(entry->data))
			bus_write(&vm->bus, entry->pio ? BUS_PIO : BUS_MMIO,
				  entry->phys_addr, entry->data, entry->len);
		first = (first + 1) % vm->ring_entries;
	}
	/* The kernel may fill the entries again only after they were read. */
	__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
}
