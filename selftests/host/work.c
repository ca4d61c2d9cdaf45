// SPDX-License-Identifier: GPL-2.0
/*
 * The guest at work. In each round a vCPU wakes the next one by an IPI, and
 * waits for the one before it, halted or spinning, so that one that gets lost
 * stops all. In between it looks at its clocks, which must not go backwards,
 * and at registers that nobody but itself may change. Some rounds wait for a
 * timer, too.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib.h"
#include "guest.h"
#include "apic.h"
#include "pvclock.h"
#include "work.h"

#define VECTOR_WAKE	0x41
#define VECTOR_TIMER	0x42
#define MSR_LSTAR	0xc0000082
#define MSR_KERNEL_GS	0xc0000102

/* So many more rounds, in so many seconds, are "going on". */
#define SOME_ROUNDS	10
#define PATIENCE	30

volatile bool apic_x2 = true;

static volatile struct time_info info[WORK_MAX_VCPUS];
static volatile bool timer_fired[WORK_MAX_VCPUS];
/* Where the guest finds struct work: mapped there as a slot. */
static volatile struct work *const shared = (void *)GPA_EXTRA;
static struct work *vmm_work;		/* the same, in the VMM */
static unsigned int nr_vcpus;

/* ------------------------------------------------------------- the guest */

static unsigned int this_vcpu(void)
{
	return apic_read(APIC_ID);
}

static void on_wake(struct guest_frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

static void on_timer(struct guest_frame *f)
{
	(void)f;
	timer_fired[this_vcpu()] = true;
	apic_write(APIC_EOI, 0);
}

/* Where the host's TSCs agree, the clock is one for all vCPUs. */
static void check_clocks(unsigned int me, uint64_t *last_tsc, uint64_t *last_ns)
{
	uint64_t others = shared->last_ns, tsc = rdtsc();
	uint64_t ns = pvclock_ns(&info[me]);

	guest_check(tsc >= *last_tsc, __LINE__, tsc, *last_tsc);
	guest_check(ns >= *last_ns, __LINE__, ns, *last_ns);
	if (info[me].flags & PVCLOCK_STABLE)
		guest_check(ns >= others, __LINE__, ns, others);
	/* No jump of hours, either. */
	guest_check(ns - *last_ns < 1000000000000ULL, __LINE__, ns, *last_ns);
	if (ns > others)
		shared->last_ns = ns;
	*last_tsc = tsc;
	*last_ns = ns;
	if (info[me].flags & PVCLOCK_PAUSED) {
		info[me].flags &= ~PVCLOCK_PAUSED;
		__atomic_add_fetch(&shared->paused, 1, __ATOMIC_RELAXED);
	}
}

static uint64_t own_value(unsigned int me)
{
	return 0xffff800000000000ULL | 0x123450UL | me;
}

static void set_own(unsigned int me)
{
	wrmsr(MSR_LSTAR, own_value(me));
	wrmsr(MSR_KERNEL_GS, own_value(me));
	asm volatile("movq %0, %%xmm5" :: "r"(own_value(me)));
}

static void check_own(unsigned int me)
{
	uint64_t xmm;

	asm volatile("movq %%xmm5, %0" : "=r"(xmm));
	CHECK_EQ(own_value(me), xmm);
	CHECK_EQ(own_value(me), rdmsr(MSR_LSTAR));
	CHECK_EQ(own_value(me), rdmsr(MSR_KERNEL_GS));
}

static void wait_for_timer(unsigned int me)
{
	timer_fired[me] = false;
	apic_write(APIC_TIMER_INIT, 500000);
	while (!timer_fired[me])
		sti_hlt_cli();
}

static void guest_main(void)
{
	unsigned int me, next;
	uint64_t last_tsc = 0, last_ns;

	apic_on();
	me = this_vcpu();
	next = (me + 1) % nr_vcpus;
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&info[me] | PVCLOCK_ENABLE);
	last_ns = pvclock_ns(&info[me]);
	set_own(me);
	for (uint32_t round = 1;; round++) {
		shared->sent[next] = round;
		apic_icr(next, 0x4000 | VECTOR_WAKE);
		while ((int32_t)(shared->sent[me] - round) < 0) {
			if (round % 4)
				sti_hlt_cli();
			else
				relax();
		}
		check_clocks(me, &last_tsc, &last_ns);
		check_own(me);
		if (round % 16 == 0)
			wait_for_timer(me);
		shared->rounds[me]++;
	}
}

/* --------------------------------------------------------------- the VMM */

static void *run_vcpu(void *arg)
{
	struct work *w = vmm_work;
	struct vcpu *v = arg;
	long ret;

	do
		ret = vcpu_run(v);
	while (ret == -EINTR || (!ret && v->run->exit_reason == KVM_EXIT_INTR));
	if (!ret && v->run->exit_reason == KVM_EXIT_IO &&
	    v->run->io.port == PORT_FAIL)
		snprintf(w->error, sizeof(w->error),
			 "vCPU %u: work.c, line %u: %lx and %lx", v->id,
			 guest_report.line, (long)guest_report.a,
			 (long)guest_report.b);
	else
		snprintf(w->error, sizeof(w->error),
			 "vCPU %u: KVM_RUN returned %ld, exit reason %u", v->id,
			 ret, v->run->exit_reason);
	_exit(1);
}

static void vmm(struct work *w)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	pthread_t thread;
	struct vm *vm;

	vmm_work = w;
	nr_vcpus = w->nr;
	guest_handlers[VECTOR_WAKE] = on_wake;
	guest_handlers[VECTOR_TIMER] = on_timer;
	vm = vm_new(VM_IRQCHIP);
	vm_slot(vm, 2, 0, GPA_EXTRA, PAGE, w);
	for (unsigned int i = 0; i < w->nr; i++) {
		struct vcpu *v = vcpu_new(vm, i);

		vcpu_long(v, guest_main);
		do_ioctl(v->fd, KVM_SET_MP_STATE, &runnable);
		if (pthread_create(&thread, NULL, run_vcpu, v))
			die("pthread_create");
	}
	for (;;)
		pause();
}

/* ------------------------------------------------------------- the parent */

struct work *work_start(unsigned int nr)
{
	pid_t parent = getpid(), pid;
	struct work *w;

	w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		 -1, 0);
	if (w == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	w->nr = nr;
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			vmm(w);
		_exit(1);
	}
	w->vmm = pid;
	return w;
}

bool work_kill(struct work *w)
{
	int status;

	kill(w->vmm, SIGKILL);
	if (waitpid(w->vmm, &status, 0) != w->vmm)
		die("waitpid: %s", strerror(errno));
	if (w->error[0])
		fprintf(stderr, "# %s\n", w->error);
	munmap(w, PAGE);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool reached(struct work *w, const uint64_t *goal)
{
	for (unsigned int i = 0; i < w->nr; i++)
		if (__atomic_load_n(&w->rounds[i], __ATOMIC_RELAXED) < goal[i])
			return false;
	return true;
}

bool work_goes_on(struct work *w)
{
	uint64_t goal[WORK_MAX_VCPUS], end = now_ns() + PATIENCE * 1000000000ULL;

	for (unsigned int i = 0; i < w->nr; i++)
		goal[i] = w->rounds[i] + SOME_ROUNDS;
	while (!reached(w, goal)) {
		if (w->error[0]) {
			fprintf(stderr, "# guest of %u: %s\n", w->nr, w->error);
			return false;
		}
		if (kill(w->vmm, 0) || now_ns() > end) {
			for (unsigned int i = 0; i < w->nr; i++)
				fprintf(stderr, "# guest of %u: vCPU %u at round %lu of %lu\n",
					w->nr, i, (long)w->rounds[i], (long)goal[i]);
			return false;
		}
		sleep_ms(1);
	}
	return true;
}
