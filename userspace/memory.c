// SPDX-License-Identifier: GPL-2.0
/*
 * Guest RAM: where it comes from and how the kernel module learns of it.
 *
 * It is ordinary anonymous memory. It starts on a 2 MiB boundary and asks for
 * huge pages, so that one EPT entry, and one fault, serves 512 small pages;
 * the hole's edges are 2 MiB boundaries as well.
 */
#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "machine.h"
#include "vm.h"

#define HUGE_PAGE (2 * MIB)

/* How much of the RAM lies below the hole. */
uint64_t memory_low_size(const struct memory *memory)
{
	return memory->size < RAM_HOLE_START ? memory->size : RAM_HOLE_START;
}

/* As much as the CPU's guest-physical addresses reach, the hole left out. */
uint64_t memory_max(void)
{
	unsigned int eax, ebx, ecx, edx, bits = 36;

	if (__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx))
		bits = eax & 0xff;
	/* EPT with four levels, which is what there always is, maps 48 bits. */
	if (bits > 48)
		bits = 48;
	return (1ull << bits) - (RAM_HIGH_START - RAM_HOLE_START);
}

static int set_slot(struct vm *vm, uint32_t slot, uint64_t address, uint64_t offset,
		    uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = address,
		.memory_size = size,
		.userspace_addr = (uint64_t)vm->memory.ram + offset,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return fail("%s refuses %llu MiB of guest memory at 0x%llx: %s; give a smaller --memory",
			    vm->config->node, (unsigned long long)(size / MIB),
			    (unsigned long long)address, strerror(errno));
	return 0;
}

int memory_init(struct vm *vm)
{
	struct memory *memory = &vm->memory;
	uint64_t low;

	memory->size = vm->config->memory;
	memory->mapped = memory->size + HUGE_PAGE;
	memory->mapping = mmap(NULL, memory->mapped, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory->mapping == MAP_FAILED)
		return fail("no memory for a guest of %llu MiB: %s; give a smaller --memory",
			    (unsigned long long)(memory->size / MIB), strerror(errno));
	memory->ram = (uint8_t *)align_up((uint64_t)memory->mapping, HUGE_PAGE);
	/* Only advice: without huge pages the guest is merely slower. */
	madvise(memory->ram, memory->size, MADV_HUGEPAGE);
	/* A core dump of the launcher is about the launcher. */
	madvise(memory->ram, memory->size, MADV_DONTDUMP);

	low = memory_low_size(memory);
	if (set_slot(vm, 0, 0, 0, low) < 0 ||
	    (memory->size > low &&
	     set_slot(vm, 1, RAM_HIGH_START, low, memory->size - low) < 0)) {
		memory_fini(vm);
		return -1;
	}
	return 0;
}

void memory_fini(struct vm *vm)
{
	munmap(vm->memory.mapping, vm->memory.mapped);
}

/* Where the launcher finds guest-physical memory; NULL if not all is RAM. */
void *memory_at(const struct memory *memory, uint64_t address, uint64_t length)
{
	uint64_t low = memory_low_size(memory);
	uint64_t high = memory->size - low;

	if (address <= low && length <= low - address)
		return memory->ram + address;
	if (address < RAM_HIGH_START)
		return NULL;
	address -= RAM_HIGH_START;
	if (address <= high && length <= high - address)
		return memory->ram + low + address;
	return NULL;
}
