// SPDX-License-Identifier: GPL-2.0
/*
 * A thread that sends an interrupt can lose its CPU at any instruction of the
 * way: to an interrupt of the host, to its hypervisor, with a preemptible
 * kernel to another thread. Whoever sends another interrupt meanwhile, of the
 * same vector or through the same pin of the PIC's output, must still wake the
 * vCPU. Here the first sender is made to stop right before its kick: by a BPF
 * program in a kprobe, which spins for that one thread.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "harness.h"
#include "apic.h"
#include "pic.h"

volatile bool apic_x2 = true;

#define VECTOR		0x71

/* Of the spinning. The kernel follows each of them before it takes the program. */
#define ROUNDS		3000

#define INSN(op, dst, src, off_, imm_)					\
	((struct bpf_insn){ .code = (op), .dst_reg = (dst),		\
			    .src_reg = (src), .off = (off_), .imm = (imm_) })
#define MOV64_IMM(dst, imm)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define CALL(fn)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, fn)

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* For thread @tid: let time pass. Return a descriptor, or -errno. */
static int spinning_program(pid_t tid)
{
	struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_0, 0, 11, tid),
		MOV64_IMM(BPF_REG_6, ROUNDS),
		CALL(BPF_FUNC_ktime_get_ns), CALL(BPF_FUNC_ktime_get_ns),
		CALL(BPF_FUNC_ktime_get_ns), CALL(BPF_FUNC_ktime_get_ns),
		CALL(BPF_FUNC_ktime_get_ns), CALL(BPF_FUNC_ktime_get_ns),
		CALL(BPF_FUNC_ktime_get_ns), CALL(BPF_FUNC_ktime_get_ns),
		INSN(BPF_ALU64 | BPF_SUB | BPF_K, BPF_REG_6, 0, 0, 1),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_6, 0, -10, 0),
		MOV64_IMM(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	return fd < 0 ? -errno : fd;
}

static int kprobe_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "r");
	int type = -ENOENT;

	if (f && fscanf(f, "%d", &type) != 1)
		type = -EIO;
	if (f)
		fclose(f);
	return type;
}

/* Stop thread @tid for a while whenever it kicks a vCPU. 0 or -errno. */
static int stop_at_kicks(pid_t tid)
{
	const char *where = on_lvx() ? "lvx_vcpu_kick" : "kvm_vcpu_kick";
	struct perf_event_attr attr = {
		.size = sizeof(attr), .config1 = (uintptr_t)where,
	};
	int type = kprobe_type(), prog, event;

	if (type < 0)
		return type;
	attr.type = type;
	prog = spinning_program(tid);
	if (prog < 0)
		return prog;
	event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, prog) ||
	    ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return 0;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: %m");
}

/* ------------------------------------------------------------- the receiver */

static volatile uint64_t woken_at;
static volatile uint32_t nr_taken;

static void on_apic(struct guest_frame *f)
{
	nr_taken++;
	apic_write(APIC_EOI, 0);
	(void)f;
}

static void on_pic(struct guest_frame *f)
{
	nr_taken++;
	outb(0x20, 0x20);
	(void)f;
}

static void g_halts_for_apic(void)
{
	apic_on();
	guest_handlers[VECTOR] = on_apic;
	guest_sync(1);
	sti_hlt_cli();
}

static void g_halts_for_pic(void)
{
	pic_on(0, 0);
	guest_handlers[PIC_BASE + 3] = on_pic;
	guest_handlers[PIC_BASE + 4] = on_pic;
	guest_sync(1);
	sti_hlt_cli();
}

static void *receive(void *arg)
{
	struct vcpu *v = arg;
	uint32_t end;

	pin_to(1);
	end = vcpu_sync(v);
	woken_at = now_ns();
	return (void *)(uintptr_t)end;
}

/* -------------------------------------------------------------- the senders */

static struct vm *vm;
static volatile int probe_error = 1;
static volatile bool go;
static volatile uint64_t first_done;

static void send_msi(unsigned int sender)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

	do_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
	(void)sender;
}

/* Different lines, one output. */
static void raise_line(unsigned int sender)
{
	vm_irq(vm, 3 + sender, 1);
}

static void *send_slowly(void *arg)
{
	void (*send)(unsigned int) = arg;

	pin_to(0);
	probe_error = stop_at_kicks(gettid());
	while (!go)
		;
	send(0);
	first_done = now_ns();
	return NULL;
}

/* Each after the other; when the second one's call is over the vCPU wakes. */
static void run(struct __test_metadata *_metadata, void (*guest)(void),
		void (*send)(unsigned int), unsigned int flags)
{
	uint64_t second_done, start;
	pthread_t receiver, sender;
	struct vcpu *v;
	void *end;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	vm = vm_new(flags);
	v = vcpu_new(vm, 0);
	vcpu_long(v, guest);
	ASSERT_EQ(1, vcpu_sync(v));
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_slowly, send));
	while (probe_error == 1)
		sleep_ms(1);
	if (probe_error)
		SKIP(return, "no BPF program in a kprobe: %s",
		     strerror(-probe_error));
	ASSERT_EQ(0, pthread_create(&receiver, NULL, receive, v));
	/* Until it halts. */
	sleep_ms(50);
	pin_to(1);
	start = now_ns();
	go = true;
	/* The first is on its way, and not yet there. */
	sleep_ms(1);
	send(1);
	second_done = now_ns();
	pthread_join(receiver, &end);
	pthread_join(sender, NULL);
	ASSERT_EQ(-1U, (uint32_t)(uintptr_t)end);
	ASSERT_LE(1, nr_taken);
	TH_LOG("first sender %llu us, second %llu us, woken %lld us after it",
	       (unsigned long long)(first_done - start) / 1000,
	       (unsigned long long)(second_done - start) / 1000,
	       (long long)(woken_at - second_done) / 1000);
	/* It did stop, else this was no test. */
	if (first_done - start < 10000000)
		SKIP(return, "the first sender was not stopped");
	if (second_done < first_done)
		ASSERT_LT(woken_at, first_done);
}

TEST(same_vector)
{
	run(_metadata, g_halts_for_apic, send_msi, VM_IRQCHIP);
}

TEST(same_pic)
{
	if (!on_lvx())
		SKIP(return, "KVM kicks without its PIC's lock");
	run(_metadata, g_halts_for_pic, raise_line, VM_IRQCHIP);
}

LVX_TEST_MAIN
