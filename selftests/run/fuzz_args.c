// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl fuzz's arguments: what each ioctl takes that may pass, and how one
 * goes astray from there.
 */
#include "fuzz.h"

#define EDGES(name, ...)						\
	uint64_t name(struct rng *rng)					\
	{								\
		static const uint64_t edges[] = { __VA_ARGS__ };	\
		return edges[below(rng, ARRAY_SIZE(edges))];		\
	}

EDGES(edge, 0, 1, 2, 3, 4, 7, 8, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xff,
      0x100, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x10000, 1ULL << 20,
      0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 32, 1ULL << 39, 1ULL << 46,
      1ULL << 47, -1ULL << 47, 1ULL << 52, 1ULL << 63, -2ULL, -1ULL,
      0xfee00000, 0xfec00000, GPA_MMIO)
EDGES(gpa, 0, 0, PAGE, 0x10000, 0x100000, 0x100000, MEMORY, GPA_MMIO, 0xfec00000,
      0xfee00000, 1ULL << 30, 1ULL << 32, (1ULL << 39) - PAGE, 1ULL << 39,
      1ULL << 46, 1ULL << 52, -PAGE, 0x123)
EDGES(slot_size, 0, 0, PAGE, PAGE, 16 * PAGE, MEMORY / 2, MEMORY, MEMORY,
      2 * MEMORY, 1ULL << 30, PAGE - 1, 1ULL << 43, -PAGE)
EDGES(gsi, 0, 0, 1, 2, 4, 5, 8, 14, 15, 16, 23, 24, 25, 255, 256, 4095, 4096,
      ~0U)
EDGES(vcpu_id, 0, 0, 0, 1, 1, 2, 3, 4, 254, 255, 256, 1023, 1024, 4095, 4096,
      0x7fffffff, 0xffffffff, 1ULL << 32, -1ULL)
EDGES(port, 0x20, 0x21, 0x40, 0x43, 0x61, 0xa0, 0x4d0, 0x3f8, 0x510, 0xffff)
EDGES(msr, 0x10, 0x11, 0x1b, 0x3a, 0x3b, 0x48, 0x8b, 0x9e, 0xcd, 0xce, 0xe7, 0xe8,
      0xfe, 0x10a, 0x140, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b, 0x186, 0x198,
      0x1a0, 0x1d9, 0x200, 0x20f, 0x250, 0x277, 0x2ff, 0x345, 0x400, 0x40c, 0x480,
      0x48b, 0x491, 0x600, 0x6e0, 0x800, 0x802, 0x808, 0x80b, 0x80d, 0x80f, 0x830,
      0x83f, 0x8ff, 0xda0, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03,
      0x4b564d04, 0xc0000080, 0xc0000081, 0xc0000084, 0xc0000100, 0xc0000102,
      0xc0000103, 0x40000000, 0xc0010015, 0xffffffff)

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void *pointer(struct world *w, struct rng *rng)
{
	switch (below(rng, 8)) {
	case 0:
		return NULL;
	case 1:
		return (void *)-PAGE;
	case 2:
		return (void *)(1UL << 47);
	case 3:
		/* Over the end of what is mapped */
		return w->memory + MEMORY - 8;
	case 4:
		return w->memory + 1;
	default:
		return w->memory + below(rng, MEMORY / PAGE) * PAGE;
	}
}

static int any_eventfd(struct world *w, struct rng *rng)
{
	uint32_t i = below(rng, NR_EVENTFDS + 3);

	if (i < NR_EVENTFDS)
		return w->eventfd[i];
	return i == NR_EVENTFDS ? w->other : i == NR_EVENTFDS + 1 ? -1 : w->vm[0];
}

/* One to three words are not what they were. */
void spoil(struct rng *rng, void *arg, size_t size)
{
	uint32_t n = 1 + below(rng, 3), bits;
	uint64_t value;
	size_t at;

	while (n--) {
		bits = 8 << below(rng, 4);
		at = below(rng, size * 8 / bits ?: 1) * bits / 8;
		value = below(rng, 2) ? edge(rng) : 1ULL << below(rng, bits);
		if (at + bits / 8 <= size)
			memcpy((char *)arg + at, &value, bits / 8);
	}
}

static void noise(struct rng *rng, void *arg, size_t size)
{
	uint64_t value;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		value = rng_next(rng);
		memcpy((char *)arg + i, &value, 8);
	}
}

/* ----------------------------------------------------------- arguments */

void fill_region(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_userspace_memory_region *r = arg;

	/* What lets guests run, mostly */
	if (one_in(rng, 2)) {
		r->flags = one_in(rng, 4);
		r->memory_size = MEMORY;
		r->userspace_addr = (uintptr_t)w->memory;
		return;
	}
	r->slot = below(rng, 16) ? below(rng, 4) : edge(rng);
	r->flags = below(rng, 16) ? below(rng, 4) & 1 : edge(rng);
	r->flags |= one_in(rng, 8) ? KVM_MEM_READONLY : 0;
	r->guest_phys_addr = gpa(rng);
	r->memory_size = slot_size(rng);
	r->userspace_addr = (uintptr_t)(below(rng, 4) ? w->memory :
						       pointer(w, rng));
}

void fill_dirty(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_dirty_log *log = arg;

	log->slot = below(rng, 5);
	log->dirty_bitmap = pointer(w, rng);
}

void fill_clear(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_clear_dirty_log *log = arg;

	log->slot = below(rng, 5);
	log->first_page = below(rng, 4) * 64;
	log->num_pages = below(rng, 4) * 64 + below(rng, 2);
	log->dirty_bitmap = pointer(w, rng);
}

void fill_line(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_irq_level *line = arg;

	(void)w;
	line->irq = gsi(rng);
	line->level = below(rng, 3);
}

void fill_msi(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_msi *msi = arg;

	(void)w;
	msi->address_lo = 0xfee00000 | (rng_next(rng) & 0xff00c);
	msi->address_hi = one_in(rng, 4) ? edge(rng) : 0;
	msi->data = rng_next(rng) & 0xc7ff;
	msi->flags = one_in(rng, 8) ? edge(rng) : 0;
}

void fill_routing(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_irq_routing *r = arg;

	(void)w;
	r->nr = below(rng, 40);
	for (uint32_t i = 0; i < r->nr; i++) {
		r->entries[i].gsi = below(rng, 8) ? i : gsi(rng);
		r->entries[i].type = 1 + below(rng, one_in(rng, 16) ? 7 : 2);
		if (r->entries[i].type == KVM_IRQ_ROUTING_MSI) {
			r->entries[i].u.msi.address_lo = 0xfee00000;
			r->entries[i].u.msi.data = rng_next(rng) & 0xffff;
			continue;
		}
		r->entries[i].u.irqchip.irqchip = below(rng, 3);
		if (one_in(rng, 16))
			r->entries[i].u.irqchip.irqchip = edge(rng);
		r->entries[i].u.irqchip.pin = below(rng, 16) ? below(rng, 8) :
							       gsi(rng);
	}
	if (one_in(rng, 16))
		r->nr = edge(rng);
}

void fill_irqfd(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_irqfd *irqfd = arg;

	irqfd->fd = any_eventfd(w, rng);
	irqfd->gsi = gsi(rng);
	irqfd->flags = below(rng, 4);
	irqfd->resamplefd = any_eventfd(w, rng);
}

void fill_ioeventfd(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_ioeventfd *io = arg;

	io->fd = any_eventfd(w, rng);
	io->flags = below(rng, 8);
	io->addr = io->flags & KVM_IOEVENTFD_FLAG_PIO ? port(rng) : gpa(rng);
	io->len = one_in(rng, 8) ? edge(rng) : (1U << below(rng, 5)) >> 1;
	io->datamatch = below(rng, 3);
}

void fill_zone(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_coalesced_mmio_zone *zone = arg;

	(void)w;
	zone->pio = one_in(rng, 16) ? edge(rng) : below(rng, 2);
	zone->addr = zone->pio ? port(rng) : gpa(rng);
	zone->size = below(rng, 8) ? 8U << below(rng, 10) : edge(rng);
}

void fill_cap(struct world *w, struct rng *rng, void *arg)
{
	static const uint32_t caps[] = {
		KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_MAX_VCPU_ID, KVM_CAP_DISABLE_QUIRKS,
		KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_MSR_PLATFORM_INFO,
		KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
	};
	struct kvm_enable_cap *cap = arg;

	(void)w;
	cap->cap = caps[below(rng, ARRAY_SIZE(caps))];
	cap->args[0] = below(rng, 2) ? below(rng, 32) : edge(rng);
	cap->flags = one_in(rng, 16) ? edge(rng) : 0;
}

void fill_chip(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_irqchip *chip = arg;

	(void)w;
	noise(rng, arg, sizeof(*chip));
	chip->chip_id = below(rng, 4);
}

void fill_pit(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_pit_state2 *pit = arg;

	(void)w;
	noise(rng, arg, sizeof(*pit));
	for (int i = 0; i < 3; i++) {
		pit->channels[i].count = one_in(rng, 2) ? edge(rng) :
							  below(rng, 65537);
		pit->channels[i].mode = below(rng, 8);
		pit->channels[i].gate = below(rng, 2);
	}
	pit->flags = below(rng, 4);
}

void fill_filter(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_msr_filter *filter = arg;

	filter->flags = below(rng, 2);
	for (uint32_t i = 0, n = below(rng, 5); i < n; i++) {
		filter->ranges[i].flags = below(rng, 4);
		filter->ranges[i].base = msr(rng);
		filter->ranges[i].nmsrs = below(rng, 4) ? below(rng, 256) :
							  edge(rng);
		filter->ranges[i].bitmap = pointer(w, rng);
	}
}

void fill_msrs(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_msrs *msrs = arg;

	(void)w;
	msrs->nmsrs = below(rng, 8);
	for (uint32_t i = 0; i < msrs->nmsrs; i++) {
		msrs->entries[i].index = msr(rng);
		msrs->entries[i].data = one_in(rng, 3) ? rng_next(rng) :
							 edge(rng);
	}
	if (one_in(rng, 16))
		msrs->nmsrs = edge(rng);
}

void fill_cpuid(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_cpuid2 *cpuid = arg;

	cpuid->nent = 100;
	ioctl(w->sys, KVM_GET_SUPPORTED_CPUID, cpuid);
	if (one_in(rng, 4))
		spoil(rng, cpuid->entries, 100 * sizeof(cpuid->entries[0]));
	if (one_in(rng, 8))
		cpuid->nent = edge(rng);
}

void fill_count(struct world *w, struct rng *rng, void *arg)
{
	uint32_t n = one_in(rng, 4) ? edge(rng) : below(rng, 120);

	(void)w;
	memcpy(arg, &n, sizeof(n));
}

void fill_tr(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_translation *tr = arg;

	(void)w;
	tr->linear_address = edge(rng);
}

void fill_debug(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_guest_debug *debug = arg;

	(void)w;
	debug->control = below(rng, 4) ? rng_next(rng) & 0x3f0003 : edge(rng);
	for (int i = 0; i < 8; i++)
		debug->arch.debugreg[i] = edge(rng);
}

void fill_interrupt(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_interrupt *irq = arg;

	(void)w;
	irq->irq = below(rng, 8) ? below(rng, 256) : edge(rng);
}

void fill_mp(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_mp_state *mp = arg;

	(void)w;
	mp->mp_state = below(rng, 8) ? below(rng, 6) : edge(rng);
}

void fill_sigmask(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_signal_mask *mask = arg;

	(void)w;
	mask->len = below(rng, 4) ? 8 : edge(rng);
}

void fill_attr(struct world *w, struct rng *rng, void *arg)
{
	struct kvm_device_attr *attr = arg;

	attr->group = one_in(rng, 8) ? edge(rng) : 0;
	attr->attr = one_in(rng, 8) ? edge(rng) : 0;
	attr->addr = (uintptr_t)pointer(w, rng);
}

void fill_edges(struct world *w, struct rng *rng, void *arg)
{
	uint64_t *words = arg;

	(void)w;
	for (int i = 0; i < 8; i++)
		words[i] = edge(rng);
}

void fill_noise(struct world *w, struct rng *rng, void *arg)
{
	(void)w;
	noise(rng, arg, PAGE);
}
