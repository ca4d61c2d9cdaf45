// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of the ioctl fuzz. A row of the table says on which descriptor an
 * ioctl belongs and what an argument looks like that may pass; from there one
 * goes astray a little: another descriptor, a word of the argument at an edge,
 * a pointer that leads nowhere. Besides ioctls there is what else a process
 * does to its descriptors and to its memory.
 */
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "fuzz.h"

enum on { SYS, VM, VCPU };

/* -------------------------------------------------- what a call asks for */

/*
 * The capability without which a call may fail: what one node lists and the
 * other does not is no difference to look into.
 */
typedef unsigned int needs_fn(const struct world *w, int fd, const void *arg);

static unsigned int needs_scaling(const struct world *w, int fd, const void *arg)
{
	(void)w;
	(void)fd;
	(void)arg;
	return KVM_CAP_TSC_CONTROL;
}

static unsigned int needs_itself(const struct world *w, int fd, const void *arg)
{
	const struct kvm_enable_cap *cap = arg;

	(void)w;
	(void)fd;
	return cap->cap;
}

/*
 * A slot's upper half is its space: a second one is system-management mode's. Of
 * the numbers below that, lvx has 1024.
 */
static unsigned int needs_slots(const struct world *w, int fd, const void *arg)
{
	const uint32_t *slot = arg;

	(void)w;
	(void)fd;
	return *slot >> 16 ? KVM_CAP_MULTI_ADDRESS_SPACE :
	       *slot >= 1024 ? KVM_CAP_NR_MEMSLOTS : 0;
}

static unsigned int needs_synic(const struct world *w, int fd, const void *arg)
{
	const struct kvm_irq_routing *r = arg;

	(void)w;
	(void)fd;
	for (uint32_t i = 0; i < r->nr && i < 40; i++)
		if (r->entries[i].type == KVM_IRQ_ROUTING_HV_SINT)
			return KVM_CAP_HYPERV_SYNIC;
	return 0;
}

static unsigned int needs_smm(const struct world *w, int fd, const void *arg)
{
	const struct kvm_vcpu_events *events = arg;

	(void)w;
	(void)fd;
	return (events->flags & KVM_VCPUEVENT_VALID_SMM) &&
	       (events->smi.smm || events->smi.pending) ? KVM_CAP_X86_SMM : 0;
}

static unsigned int needs_attributes(const struct world *w, int fd,
				     const void *arg)
{
	(void)arg;
	return fd == w->sys ? KVM_CAP_SYS_ATTRIBUTES : 0;
}

/* ------------------------------------------------------------ the table */

/*
 * @number: the argument is one. @fill: writes an argument that may pass; where
 * @get is set, that comes first, so that it starts from what is there. @share:
 * how often, by comparison.
 */
static const struct row {
	const char *name;
	enum on on;
	unsigned long nr;
	unsigned int share;
	uint64_t (*number)(struct rng *rng);
	fill_fn *fill;
	unsigned long get;
	needs_fn *needs;
} rows[] = {
#define ROW(_name, _on, _nr, _share, ...)				\
	{ .name = _name, .on = _on, .nr = _nr, .share = _share, ##__VA_ARGS__ }
#define NUMBER(on, nr, share, fn, ...)					\
	ROW(#nr, on, nr, share, .number = fn, ##__VA_ARGS__)
#define FILL(on, nr, share, fn, ...)					\
	ROW(#nr, on, nr, share, .fill = fn, ##__VA_ARGS__)
#define CHANGE(nr, share, from, ...)					\
	ROW(#nr, VCPU, nr, share, .get = from, ##__VA_ARGS__)
	NUMBER(SYS, KVM_GET_API_VERSION, 1, edge),
	NUMBER(SYS, KVM_CHECK_EXTENSION, 1, edge),
	NUMBER(SYS, KVM_GET_VCPU_MMAP_SIZE, 1, edge),
	FILL(SYS, KVM_GET_SUPPORTED_CPUID, 1, fill_count),
	FILL(SYS, KVM_GET_MSR_INDEX_LIST, 1, fill_count),
	FILL(SYS, KVM_GET_MSR_FEATURE_INDEX_LIST, 1, fill_count),
	FILL(SYS, KVM_GET_MSRS, 1, fill_msrs),
	FILL(SYS, KVM_X86_GET_MCE_CAP_SUPPORTED, 1, fill_edges),
	NUMBER(VM, KVM_CHECK_EXTENSION, 1, edge),
	NUMBER(VM, KVM_SET_TSS_ADDR, 1, edge),
	NUMBER(VM, KVM_SET_BOOT_CPU_ID, 1, vcpu_id),
	NUMBER(VM, KVM_SET_NR_MMU_PAGES, 1, edge),
	NUMBER(VM, KVM_CREATE_IRQCHIP, 4, edge),
	FILL(VM, KVM_CREATE_PIT2, 4, fill_edges),
	FILL(VM, KVM_ENABLE_CAP, 6, fill_cap, .needs = needs_itself),
	FILL(VM, KVM_SET_IDENTITY_MAP_ADDR, 1, fill_edges),
	FILL(VM, KVM_SET_USER_MEMORY_REGION, 16, fill_region,
	     .needs = needs_slots),
	FILL(VM, KVM_GET_DIRTY_LOG, 4, fill_dirty, .needs = needs_slots),
	FILL(VM, KVM_CLEAR_DIRTY_LOG, 4, fill_clear, .needs = needs_slots),
	FILL(VM, KVM_IRQ_LINE, 6, fill_line),
	FILL(VM, KVM_IRQ_LINE_STATUS, 2, fill_line),
	FILL(VM, KVM_SIGNAL_MSI, 6, fill_msi),
	FILL(VM, KVM_SET_GSI_ROUTING, 6, fill_routing, .needs = needs_synic),
	FILL(VM, KVM_IRQFD, 10, fill_irqfd),
	FILL(VM, KVM_IOEVENTFD, 10, fill_ioeventfd),
	FILL(VM, KVM_REGISTER_COALESCED_MMIO, 4, fill_zone),
	FILL(VM, KVM_UNREGISTER_COALESCED_MMIO, 4, fill_zone),
	FILL(VM, KVM_X86_SET_MSR_FILTER, 3, fill_filter),
	FILL(VM, KVM_GET_IRQCHIP, 2, fill_chip),
	FILL(VM, KVM_SET_IRQCHIP, 4, fill_chip),
	FILL(VM, KVM_GET_PIT2, 2, fill_edges),
	FILL(VM, KVM_SET_PIT2, 6, fill_pit),
	FILL(VM, KVM_REINJECT_CONTROL, 2, fill_edges),
	FILL(VM, KVM_GET_CLOCK, 2, fill_edges),
	FILL(VM, KVM_SET_CLOCK, 2, fill_edges),
	FILL(VCPU, KVM_SET_REGS, 1, fill_edges),
	FILL(VCPU, KVM_SET_SREGS, 1, fill_noise),
	FILL(VCPU, KVM_SET_LAPIC, 1, fill_noise),
	FILL(VCPU, KVM_SET_XSAVE, 1, fill_noise),
	FILL(VCPU, KVM_SET_FPU, 1, fill_noise),
	CHANGE(KVM_SET_REGS, 4, KVM_GET_REGS),
	CHANGE(KVM_SET_SREGS, 6, KVM_GET_SREGS),
	CHANGE(KVM_SET_SREGS2, 2, KVM_GET_SREGS2),
	CHANGE(KVM_SET_FPU, 2, KVM_GET_FPU),
	CHANGE(KVM_SET_XSAVE, 2, KVM_GET_XSAVE),
	CHANGE(KVM_SET_XCRS, 2, KVM_GET_XCRS),
	CHANGE(KVM_SET_DEBUGREGS, 2, KVM_GET_DEBUGREGS),
	CHANGE(KVM_SET_VCPU_EVENTS, 6, KVM_GET_VCPU_EVENTS, .needs = needs_smm),
	CHANGE(KVM_SET_LAPIC, 6, KVM_GET_LAPIC),
	FILL(VCPU, KVM_SET_MP_STATE, 2, fill_mp),
	FILL(VCPU, KVM_GET_MP_STATE, 1, fill_edges),
	FILL(VCPU, KVM_SET_GUEST_DEBUG, 4, fill_debug),
	FILL(VCPU, KVM_TRANSLATE, 2, fill_tr),
	FILL(VCPU, KVM_GET_MSRS, 4, fill_msrs),
	FILL(VCPU, KVM_SET_MSRS, 8, fill_msrs),
	FILL(VCPU, KVM_SET_CPUID2, 4, fill_cpuid),
	FILL(VCPU, KVM_GET_CPUID2, 1, fill_count),
	FILL(VCPU, KVM_INTERRUPT, 4, fill_interrupt),
	NUMBER(VCPU, KVM_NMI, 3, edge),
	FILL(VCPU, KVM_SET_VAPIC_ADDR, 1, fill_edges),
	FILL(VCPU, KVM_TPR_ACCESS_REPORTING, 1, fill_edges),
	FILL(VCPU, KVM_SET_SIGNAL_MASK, 2, fill_sigmask),
	FILL(VCPU, KVM_ENABLE_CAP, 1, fill_cap, .needs = needs_itself),
	NUMBER(VCPU, KVM_SET_TSC_KHZ, 2, edge, .needs = needs_scaling),
	NUMBER(VCPU, KVM_GET_TSC_KHZ, 1, edge),
	NUMBER(VCPU, KVM_KVMCLOCK_CTRL, 1, edge),
	FILL(VCPU, KVM_X86_SETUP_MCE, 1, fill_edges),
	FILL(VCPU, KVM_X86_SET_MCE, 2, fill_edges),
	FILL(VCPU, KVM_HAS_DEVICE_ATTR, 1, fill_attr,
	     .needs = needs_attributes),
	FILL(VCPU, KVM_GET_DEVICE_ATTR, 1, fill_attr,
	     .needs = needs_attributes),
	FILL(VCPU, KVM_SET_DEVICE_ATTR, 1, fill_attr),
};

static unsigned int total_share(void)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		sum += rows[i].share;
	return sum;
}

static const struct row *any_row(struct rng *rng)
{
	unsigned int at = below(rng, total_share());
	const struct row *row = rows;

	for (; at >= row->share; row++)
		at -= row->share;
	return row;
}

static int descriptor(struct world *w, struct rng *rng, enum on on)
{
	uint32_t vm = below(rng, NR_VMS), vcpu = below(rng, NR_SLOTS);

	if (one_in(rng, 64))
		on = below(rng, 3);
	if (one_in(rng, 256))
		return w->other;
	return on == SYS ? w->sys : on == VM ? w->vm[vm] : w->vcpu[vcpu];
}

/* What differs from call to call, not from ioctl to ioctl, has its own name. */
static const char *name_of(const struct row *row, const void *arg)
{
	const struct kvm_sregs *sregs = arg;
	bool sets = row->nr == KVM_SET_SREGS || row->nr == KVM_SET_SREGS2;

	/* SCE, LME, LMA, NXE */
	return sets && (sregs->efer & ~0xd01ULL) ? "sregs, EFER's reserved bits" :
						   row->name;
}

static struct outcome call_row(struct world *w, struct rng *rng, uint8_t *arg)
{
	const struct row *row = any_row(rng);
	int fd = descriptor(w, rng, row->on);
	struct outcome outcome = { .name = row->name };
	void *at = arg;

	if (row->number) {
		at = (void *)row->number(rng);
		goto call;
	}
	memset(arg, 0, ARG_SIZE);
	if (row->get)
		ioctl(fd, row->get, arg);
	else
		row->fill(w, rng, arg);
	/* Not the signals: the alarm ends what does not end by itself. */
	if (row->get || (one_in(rng, 8) && row->fill != fill_sigmask))
		spoil(rng, arg, _IOC_SIZE(row->nr));
	if (one_in(rng, 16))
		at = pointer(w, rng);
call:
	if (w->log)
		log_call(w, fd, at, arg);
	if (at == arg)
		outcome.name = name_of(row, arg);
	if (row->needs && (row->number || at == arg))
		outcome.cap = row->needs(w, fd, arg);
	outcome.ret = try_ioctl(fd, row->nr, at);
	return outcome;
}

/* -------------------------------------------- what has ways of its own */

static struct outcome done(const char *name, int ret)
{
	return (struct outcome) { .name = name, .ret = ret };
}

static void replace(int *place, int fd)
{
	int old = __atomic_exchange_n(place, fd, __ATOMIC_SEQ_CST);

	if (old >= 0)
		close(old);
}

static struct outcome make_vm(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t i = below(rng, NR_VMS);
	int fd = try_ioctl(w->sys, KVM_CREATE_VM,
			   (void *)(one_in(rng, 8) ? edge(rng) : 0));

	(void)arg;
	if (fd >= 0)
		replace(&w->vm[i], fd);
	return done("KVM_CREATE_VM", fd);
}

static struct outcome make_vcpu(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t vm = below(rng, NR_VMS), i = below(rng, NR_SLOTS);
	uint64_t id = vcpu_id(rng);
	int fd = try_ioctl(w->vm[vm], KVM_CREATE_VCPU, (void *)id);
	uint32_t at;
	void *run;

	(void)arg;
	if (w->log)
		dprintf(1, "VM %u, %#lx, to be %u, ", vm, id, i);
	if (fd >= 0) {
		/* The oldest goes, and what has no descriptor any more. */
		at = __atomic_fetch_add(&w->nr_runs, 1, __ATOMIC_SEQ_CST);
		run = mmap(w->run_area + at % NR_RUNS * w->run_size, w->run_size,
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
		if (run != MAP_FAILED)
			__atomic_store_n(&w->run[i], run, __ATOMIC_SEQ_CST);
		replace(&w->vcpu[i], fd);
	}
	return done("KVM_CREATE_VCPU", fd);
}

static struct outcome run_vcpu(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t i = below(rng, NR_SLOTS);
	struct kvm_run *run = w->run[i];
	bool at_once = one_in(rng, 4) || w->alone;
	long wrong = one_in(rng, 32);

	(void)arg;
	if (run)
		run->immediate_exit = at_once;
	return (struct outcome) {
		.name = "KVM_RUN", .timed = !at_once,
		.ret = try_ioctl(w->vcpu[i], KVM_RUN, (void *)wrong),
	};
}

/* Put a vCPU somewhere in memory, in real mode or in flat protected mode. */
static struct outcome start_vcpu(struct world *w, struct rng *rng, uint8_t *arg)
{
	int fd = w->vcpu[below(rng, NR_SLOTS)];
	struct kvm_sregs *sregs = (void *)arg;
	bool flat = one_in(rng, 2);
	struct kvm_regs regs = {
		.rflags = 2 | (one_in(rng, 2) ? 1 << 9 : 0),
		.rip = 0x400 + below(rng, flat ? MEMORY - 0x400 : 0xf000),
		.rsp = 0x8000, .rbx = gpa(rng), .rcx = msr(rng), .rdi = 0x9000,
		.rdx = port(rng), .rax = edge(rng),
	};
	struct kvm_segment *segments[] = {
		&sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
	};

	memset(sregs, 0, sizeof(*sregs));
	ioctl(fd, KVM_GET_SREGS, sregs);
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		segments[i]->selector = flat ? 8 : 0;
		segments[i]->base = 0;
		segments[i]->limit = flat ? 0xffffffff : 0xffff;
		segments[i]->g = segments[i]->db = flat;
		segments[i]->type = i || !flat ? 3 : 11;
		segments[i]->s = segments[i]->present = 1;
	}
	sregs->cr0 = flat ? 0x11 : 0x10;
	ioctl(fd, KVM_SET_REGS, &regs);
	return done("start", try_ioctl(fd, KVM_SET_SREGS, sregs));
}

/* The run page is the process's to write. */
static struct outcome write_run(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t i = below(rng, NR_SLOTS), which = below(rng, 4);
	struct kvm_run *run = w->run[i];
	uint64_t value = edge(rng);
	uint32_t at = below(rng, w->run_size / 8);

	(void)arg;
	if (!run)
		return done("write run", 0);
	switch (which) {
	case 0:
		run->kvm_valid_regs = value & 7;
		break;
	case 1:
		run->kvm_dirty_regs = value & 7;
		break;
	case 2:
		run->request_interrupt_window = value;
		break;
	default:
		((uint64_t *)run)[at] = value;
	}
	return done("write run", 0);
}

static struct outcome open_stats(struct world *w, struct rng *rng, uint8_t *arg)
{
	int fd = try_ioctl(descriptor(w, rng, 1 + below(rng, 2)),
			   KVM_GET_STATS_FD, NULL);
	off_t at = edge(rng);

	if (fd >= 0) {
		if (pread(fd, arg, ARG_SIZE, 0) < 0 || pread(fd, arg, 64, at) < 0)
			errno = 0;
		/* It may be the last that holds the VM. */
		replace(&w->other, fd);
	}
	return done("KVM_GET_STATS_FD", fd);
}

static struct outcome use_eventfd(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t i = below(rng, NR_EVENTFDS), what = below(rng, 4);
	uint64_t value = 1;

	(void)arg;
	if (!what)
		replace(&w->eventfd[i], eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	else if (what == 1 && read(w->eventfd[i], &value, sizeof(value)) < 0)
		value = 0;
	else if (write(w->eventfd[i], &value, sizeof(value)) < 0)
		value = 0;
	return done("eventfd", 0);
}

/* Under the guest's feet; now and then all of it is there again. */
static struct outcome move_memory(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t n = 1 + below(rng, 64);
	uint32_t page = below(rng, MEMORY / PAGE - n), what = below(rng, 6);

	(void)arg;
	switch (what) {
	case 0:
		munmap(w->memory + page * PAGE, n * PAGE);
		break;
	case 1:
		mprotect(w->memory + page * PAGE, n * PAGE, PROT_READ);
		break;
	case 2:
		madvise(w->memory + page * PAGE, n * PAGE, MADV_DONTNEED);
		break;
	case 3:
		map_memory(w, page, n, PROT_NONE);
		break;
	default:
		map_memory(w, 0, MEMORY / PAGE, PROT_READ | PROT_WRITE);
	}
	return done("memory", 0);
}

static struct outcome close_one(struct world *w, struct rng *rng, uint8_t *arg)
{
	uint32_t i = below(rng, NR_SLOTS), vm = below(rng, NR_VMS);

	(void)arg;
	if (one_in(rng, 4))
		replace(&w->vm[vm], -1);
	else
		replace(&w->vcpu[i], -1);
	return done("close", 0);
}

/* The child may not do more than one of several threads may leave it. */
static struct outcome fork_one(struct world *w, struct rng *rng, uint8_t *arg)
{
	int vm = w->vm[below(rng, NR_VMS)], vcpu = w->vcpu[below(rng, NR_SLOTS)];
	struct rng luck = { rng_next(rng) };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 4; i++)
			call_row(w, &luck, arg);
		ioctl(vcpu, KVM_RUN, 0);
		_exit(ioctl(vm, KVM_CREATE_VCPU, 7) >= 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	/* A VM serves the process that made it. */
	if (pid > 0 && status)
		die("a forked child made a vCPU, or died: status %#x", status);
	return done("fork", 0);
}

/* What is no ioctl, or one of another size, direction, number. */
static struct outcome unknown(struct world *w, struct rng *rng, uint8_t *arg)
{
	unsigned long nr = any_row(rng)->nr;
	int fd = descriptor(w, rng, below(rng, 3));

	switch (below(rng, 4)) {
	case 0:
		nr = _IOC(below(rng, 4), KVMIO, below(rng, 256), below(rng, 512));
		break;
	case 1:
		nr ^= 1UL << (16 + below(rng, 14));
		break;
	case 2:
		nr = edge(rng);
		break;
	}
	memset(arg, 0, ARG_SIZE);
	/*
	 * KVM has many that lvx has not, so the errno is not compared. One that
	 * is not meant may be one that is: its argument is of zeros.
	 */
	return done("unknown ioctl", try_ioctl(fd, nr, arg) & 0);
}

static struct outcome move_vm_fd(struct world *w, struct rng *rng, uint8_t *arg)
{
	int *place = one_in(rng, 2) ? &w->vcpu[below(rng, NR_SLOTS)] :
				      &w->vm[below(rng, NR_VMS)];
	int fd = dup(*place);

	(void)arg;
	if (fd >= 0)
		replace(place, fd);
	return done("dup", 0);
}

static const struct {
	unsigned int share;
	struct outcome (*call)(struct world *w, struct rng *rng, uint8_t *arg);
} kinds[] = {
	{ 600, call_row },
	{ 8, make_vm },
	{ 40, make_vcpu },
	{ 40, start_vcpu },
	{ 90, run_vcpu },
	{ 30, write_run },
	{ 8, open_stats },
	{ 30, use_eventfd },
	{ 30, move_memory },
	{ 8, close_one },
	{ 3, fork_one },
	{ 20, unknown },
	{ 6, move_vm_fd },
};

struct outcome call(struct world *w, struct rng *rng, uint8_t *arg)
{
	struct outcome result;
	unsigned int at, sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		sum += kinds[i].share;
	at = below(rng, sum);
	for (i = 0; at >= kinds[i].share; i++)
		at -= kinds[i].share;
	result = kinds[i].call(w, rng, arg);
	if (result.ret > 0)
		result.ret = 0;
	return result;
}
