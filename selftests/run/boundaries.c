// SPDX-License-Identifier: GPL-2.0
/*
 * A VM is moved at every instruction boundary of code that leaves the CPU in
 * delicate states: interrupts pending behind STI and MOV SS, NMIs one after
 * another, faults, HLT with an interrupt pending, stacks of the FPU half full.
 *
 * A breakpoint of user space stops the guest in front of an instruction with
 * nothing changed, shadows included. There is one at each byte, four in a VM;
 * bytes inside of instructions are never reached.
 */
#include <stddef.h>

#include "harness.h"
#include "apic.h"
#include "snapshot.h"

volatile bool apic_x2 = true;

#define V_SELF		0x41
#define COMMAND		GPA_MMIO
#define PORT		0x1230
#define NR_BREAKS	4
#define DR7_EXECUTE(i)	(0x400ULL | 2 << (i) * 2)	/* Gi, on execution */

static volatile struct result {
	uint64_t self_at[8], nmi_at[4], fault_at[4], ax, cx, x87, vec[2];
	uint32_t self, nmi, faults;
	uint64_t string[2];
} result;

static volatile uint64_t memory[2] __attribute__((aligned(16)));

extern const char sweep_start[], sweep_end[], guest_trap_entry[];
extern const char sti_1[], sti_1_end[], sti_2[], sti_2_end[], halt_at[];

/*
 * Bochs forgets STI's shadow when a breakpoint stops behind it, so that the
 * interrupt comes in an instruction early. The two places are as good as one.
 */
static uint64_t forgive(uint64_t rip)
{
	static const char *const places[][2] = {
		{ sti_1, sti_1_end }, { sti_2, sti_2_end },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (rip >= (uintptr_t)places[i][0] &&
		    rip < (uintptr_t)places[i][1])
			return (uintptr_t)places[i][0];
	return rip;
}

static void on_self(struct guest_frame *f)
{
	result.self_at[result.self++ & 7] = forgive(f->rip);
	apic_write(APIC_EOI, 0);
}

static void on_nmi(struct guest_frame *f)
{
	result.nmi_at[result.nmi++ & 3] = f->rip;
	if (result.nmi == 1)
		mmio_write(COMMAND, 0);
}

static void on_fault(struct guest_frame *f)
{
	result.fault_at[result.faults++ & 3] = f->rip;
	if (f->vector == 6)
		f->rip += 2;
}

#define SELF_IPI	"mov $0x83f, %%ecx; mov $0x41, %%eax\n\t"	\
			"xor %%edx, %%edx; wrmsr\n\t"

static void g_sweep(void)
{
	uint64_t a = 0, c = 0;

	apic_on();
	asm volatile("fninit; pxor %xmm0, %xmm0");
	asm volatile("sweep_start:\n\t"
		     SELF_IPI
		     "sti; sti_1: nop; nop; sti_1_end: cli\n\t"
		     SELF_IPI
		     "mov %%ss, %%eax; sti\n\t"
		     "sti_2: mov %%eax, %%ss; nop; nop; sti_2_end: cli\n\t"
		     "movl $0, (%[command])\n\t"	/* an NMI, and another */
		     "nop\n\t"
		     "int3; ud2\n\t"
		     SELF_IPI
		     "pushf; orl $0x200, (%%rsp); popf; nop; cli\n\t"
		     SELF_IPI
		     "sti; halt_at: hlt; cli\n\t"
		     "fld1; fldpi\n\t"
		     "pcmpeqd %%xmm1, %%xmm1; paddq %%xmm1, %%xmm0\n\t"
		     "mov $16, %%ecx; mov $0x5a, %%eax\n\t"
		     "lea result+%c[string], %%rdi; rep stosb\n\t"
		     "mov $0x1230, %%edx; in %%dx, %%al; out %%al, %%dx\n\t"
		     "mov $7, %%eax; lock xadd %%rax, memory\n\t"
		     "addl %%eax, 8(%[command])\n\t"
		     "faddp; fstpl result+%c[x87]\n\t"
		     "movdqu %%xmm0, result+%c[vec]\n\t"
		     "mov %%cr8, %%rbx; push %%rbx; pop %%rcx\n\t"
		     "mov %%ss, %%ebx; push %%rbx; lea 8(%%rsp), %%rbx\n\t"
		     "push %%rbx; pushf; mov %%cs, %%ebx; push %%rbx\n\t"
		     "lea 1f(%%rip), %%rbx; push %%rbx; iretq\n\t"
		     "1: nop\n\t"
		     "sweep_end:"
		     : "+a"(a), "+c"(c)
		     : [command] "r"(COMMAND),
		       [string] "i"(offsetof(struct result, string)),
		       [x87] "i"(offsetof(struct result, x87)),
		       [vec] "i"(offsetof(struct result, vec))
		     : "rbx", "rdx", "rdi", "memory", "cc");
	result.ax = a;
	result.cx = c;
}

static void serve(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT) {
		memset((char *)run + run->io.data_offset, 0x77, 1);
		return;
	}
	if (run->exit_reason != KVM_EXIT_MMIO) {
		vcpu_report(v);		/* says what the guest complains of */
		die("unexpected exit");
	}
	if (run->mmio.phys_addr == COMMAND)
		do_ioctl(v->fd, KVM_NMI, 0);
	else if (!run->mmio.is_write)
		memset(run->mmio.data, 0x11, run->mmio.len);
}

static bool at_end(struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_SYNC;
}

/* @breaks: bits of the addresses from @rip on that have one. */
static void set_breaks(struct vcpu *v, uint64_t rip, unsigned int breaks)
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
	};

	for (int i = 0; i < NR_BREAKS; i++) {
		debug.arch.debugreg[i] = rip + i;
		if (breaks & 1 << i)
			debug.arch.debugreg[7] |= DR7_EXECUTE(i);
	}
	do_ioctl(v->fd, KVM_SET_GUEST_DEBUG, &debug);
}

/*
 * Moves the VM at each of the addresses of @breaks, but once, since the
 * breakpoint would be there again. Returns how many were reached.
 */
static unsigned int run_with_breaks(uint64_t rip, unsigned int breaks,
				    struct result *out)
{
	struct vm *vm = vm_new(VM_IRQCHIP);
	struct vcpu *v = vcpu_new(vm, 0);
	unsigned int hits = 0;

	memset((void *)&result, 0, sizeof(result));
	memory[0] = 0;
	vcpu_long(v, g_sweep);
	set_breaks(v, rip, breaks);
	while (vcpu_exit(v), !at_end(v->run)) {
		if (v->run->exit_reason != KVM_EXIT_DEBUG) {
			serve(v);
			continue;
		}
		hits++;
		breaks &= ~(1 << (v->run->debug.arch.pc - rip));
		vm_move(vm, &v, 1, TSC_BY_OFFSET);
		set_breaks(v, rip, breaks);
	}
	*out = result;
	vcpu_free(v);
	vm_free(vm);
	return hits;
}

static void sweep(struct __test_metadata *_metadata, const char *from,
		  const char *to, unsigned int at_least)
{
	struct result undisturbed, moved;
	unsigned int hits = 0;

	guest_handlers[V_SELF] = on_self;
	guest_handlers[2] = on_nmi;
	guest_handlers[3] = on_fault;
	guest_handlers[6] = on_fault;
	ASSERT_EQ(0, run_with_breaks(0, 0, &undisturbed));
	ASSERT_EQ(4, undisturbed.self);
	ASSERT_EQ(2, undisturbed.nmi);
	ASSERT_EQ(2, undisturbed.faults);
	for (const char *p = from; p < to; p += NR_BREAKS) {
		unsigned int breaks = (1 << NR_BREAKS) - 1;

		/* See forgive(): HLT would be left without an interrupt. */
		if (p <= halt_at && halt_at < p + NR_BREAKS)
			breaks &= ~(1 << (halt_at - p));
		hits += run_with_breaks((uintptr_t)p, breaks, &moved);
		ASSERT_EQ(0, memcmp(&undisturbed, &moved, sizeof(moved)))
			TH_LOG("moved within 4 bytes from +%#lx on", (long)(p - from));
	}
	ASSERT_LE(at_least, hits);
	TH_LOG("moved %u times; with an interrupt requested %u, in service %u, shadow %u, NMI masked %u",
	       census.taken, census.irr, census.isr, census.shadow,
	       census.nmi_masked);
}

TEST(main_code)
{
	sweep(_metadata, sweep_start, sweep_end, 60);
	EXPECT_LE(4, census.irr);
}

/* On the way into and out of the first interrupt. */
TEST(handler)
{
	sweep(_metadata, guest_trap_entry, guest_trap_entry + 64, 30);
	EXPECT_LE(10, census.isr);
}

TEST(nmi_handler)
{
	sweep(_metadata, (char *)on_nmi, (char *)on_nmi + 16, 2);
	EXPECT_LE(2, census.nmi_masked);
}

LVX_TEST_MAIN
