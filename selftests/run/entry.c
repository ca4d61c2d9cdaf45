// SPDX-License-Identifier: GPL-2.0
/*
 * What entering a guest owes the host, and what a refused entry leaves behind: the
 * host's machine checks stay on, its RCU need not wait for a guest, time in the
 * guest is the guest's, and an event that was to be delivered neither gets lost nor
 * comes by itself.
 */
#include <dirent.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "harness.h"

#define CR4_MCE		(1ULL << 6)
#define VECTOR		0x40

/* ------------------------------------------------ a field of a vCPU's VMCS */

/* lvx's view of the one VM that this process has. */
static bool read_vmcs(const char *field, uint64_t *value)
{
	const char *root = "/sys/kernel/debug";
	char path[400], line[200], name[64];
	unsigned long long v;
	struct dirent *e;
	bool found = false;
	DIR *dir;
	FILE *f;

	mount("debugfs", root, "debugfs", 0, NULL);
	snprintf(path, sizeof(path), "%s/lvx", root);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		if (atoi(e->d_name) != getpid())
			continue;
		snprintf(path, sizeof(path), "%s/lvx/%s/vcpu0/vmcs", root,
			 e->d_name);
		f = fopen(path, "r");
		while (f && !found && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%63s %llx", name, &v) == 2 &&
			    !strcmp(name, field)) {
				*value = v;
				found = true;
			}
		}
		if (f)
			fclose(f);
	}
	closedir(dir);
	return found;
}

/* Report CR4, set what EBX has in it, report again. */
GUEST_ASM(report_cr4, 16,
	  "movl %cr4, %eax; outl %eax, $0xe0; orl %ebx, %eax\n"
	  "movl %eax, %cr4; movl %cr4, %eax; outl %eax, $0xe0; hlt");

/* MCE in the CPU while the guest runs, and in the host. */
static bool keeps_mce(struct __test_metadata *_metadata)
{
	uint64_t guest = 0, host = 0;

	ASSERT_TRUE(read_vmcs("GUEST_CR4", &guest));
	ASSERT_TRUE(read_vmcs("HOST_CR4", &host));
	TH_LOG("CR4 of the guest %#llx, of the host %#llx",
	       (unsigned long long)guest, (unsigned long long)host);
	return !((guest ^ host) & CR4_MCE);
}

/*
 * With CR4.MCE clear in the CPU, a machine check shuts the host down: so it is as
 * the host has it whatever the guest does, who reads what it wrote.
 */
TEST(machine_checks_stay_on)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);
	/* INIT to the vCPU with APIC ID 0. */
	struct kvm_msi init = { .address_lo = 0xfee00000, .data = 0x500 };
	uint8_t *rom = alloc_pages(64 * KIB);
	struct kvm_regs regs;

	vm_slot(v->vm, 2, 0, 0xffff0000, 64 * KIB, rom);
	memcpy(rom + 0xfff0, "\x0f\x20\xe0\xe7\xe0\xf4", 6);
	load_asm(v->vm, GPA_REAL, report_cr4);
	vcpu_real(v, GPA_REAL >> 4, 0);
	regs = get_regs(v);
	regs.rbx = CR4_MCE;
	set_regs(v, &regs);

	EXPECT_EQ(0, vcpu_sync(v) & CR4_MCE);
	if (on_lvx())
		EXPECT_TRUE(keeps_mce(_metadata));
	EXPECT_NE(0, vcpu_sync(v) & CR4_MCE);
	EXPECT_NE(0, get_sregs(v).cr4 & CR4_MCE);
	/* The host's also where that is clear, as in the emulated machine. */
	if (on_lvx())
		EXPECT_TRUE(keeps_mce(_metadata));

	if (do_ioctl(v->vm->fd, KVM_SIGNAL_MSI, &init) != 1 && !on_lvx())
		SKIP(return, "KVM sends no INIT by MSI");
	EXPECT_EQ(0, vcpu_sync(v) & CR4_MCE);
	EXPECT_EQ(0, get_sregs(v).cr4 & CR4_MCE);
	if (on_lvx())
		EXPECT_TRUE(keeps_mce(_metadata));
}

/* -------------------------------------------------------- a refused entry */

static volatile int irqs, nmis;

static void on_irq(struct guest_frame *f __attribute__((unused)))
{
	irqs++;
}

static void on_nmi(struct guest_frame *f __attribute__((unused)))
{
	nmis++;
}

static void guest_waits(void)
{
	int i;

	asm volatile("sti");
	guest_sync(1);
	for (i = 0; i < 100; i++)
		asm volatile("nop");
	guest_sync(2);
	for (i = 0; i < 100; i++)
		asm volatile("nop");
	guest_sync(3);
}

/* Up to where the guest takes interrupts; an event; a refused entry; all mended. */
static struct vcpu *refused(struct __test_metadata *_metadata, bool nmi)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct kvm_sregs sregs;

	irqs = 0;
	nmis = 0;
	guest_handlers[VECTOR] = on_irq;
	guest_handlers[2] = on_nmi;
	vcpu_long(v, guest_waits);
	ASSERT_EQ(1, vcpu_sync(v));
	/* Completes the OUT. */
	v->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(v));
	v->run->immediate_exit = 0;

	if (nmi)
		do_ioctl(v->fd, KVM_NMI, 0);
	else
		do_ioctl(v->fd, KVM_INTERRUPT, &irq);
	sregs = get_sregs(v);
	memset(sregs.interrupt_bitmap, 0, sizeof(sregs.interrupt_bitmap));
	sregs.tr.type = 0;
	set_sregs(v, &sregs);
	ASSERT_EXIT(KVM_EXIT_FAIL_ENTRY, v);
	sregs.tr.type = 11;
	set_sregs(v, &sregs);
	return v;
}

static struct kvm_vcpu_events get_events(struct vcpu *v)
{
	struct kvm_vcpu_events events;

	do_ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events);
	return events;
}

/* It is still to be delivered, user space sees it, and it comes once. */
TEST(refused_entry_keeps_the_interrupt)
{
	struct vcpu *v = refused(_metadata, false);

	EXPECT_EQ(1, get_events(v).interrupt.injected);
	EXPECT_EQ(VECTOR, get_events(v).interrupt.nr);
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(1, irqs);
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(1, irqs);
}

TEST(refused_entry_keeps_the_nmi)
{
	struct vcpu *v = refused(_metadata, true);

	EXPECT_EQ(1, get_events(v).nmi.injected);
	ASSERT_EQ(2, vcpu_sync(v));
	EXPECT_EQ(1, nmis);
	ASSERT_EQ(3, vcpu_sync(v));
	EXPECT_EQ(1, nmis);
}

/* User space takes it back: then nothing comes. KVM's comes all the same. */
static void take_back(struct __test_metadata *_metadata, bool nmi)
{
	struct vcpu *v = refused(_metadata, nmi);
	struct kvm_vcpu_events none = { 0 };

	do_ioctl(v->fd, KVM_SET_VCPU_EVENTS, &none);
	ASSERT_EQ(2, vcpu_sync(v));
	ASSERT_EQ(3, vcpu_sync(v));
	if (!on_lvx())
		SKIP(return, "KVM leaves it in the VMCS: %d, %d", irqs, nmis);
	EXPECT_EQ(0, irqs);
	EXPECT_EQ(0, nmis);
}

TEST(refused_entry_and_the_interrupt_taken_back)
{
	take_back(_metadata, false);
}

TEST(refused_entry_and_the_nmi_taken_back)
{
	take_back(_metadata, true);
}

/* ------------------------------------------------------ a guest that spins */

/* No PAUSE: a loop of those would exit. */
static void guest_spins(void)
{
	asm volatile("sti\n0: jmp 0b");
}

/* Field 43 of /proc/self/stat. */
static unsigned long guest_ticks(void)
{
	char line[1000], *p;
	unsigned long ticks = 0;
	int i;
	FILE *f = fopen("/proc/self/stat", "r");

	if (!f || !fgets(line, sizeof(line), f))
		die("/proc/self/stat");
	fclose(f);
	/* The second field is in parentheses, and 41 more follow. */
	p = strrchr(line, ')');
	for (i = 2; p && i < 43; i++)
		p = strchr(p + 1, ' ');
	if (p)
		ticks = strtoul(p + 1, NULL, 10);
	return ticks;
}

static void ignore(int sig __attribute__((unused)))
{
}

TEST(time_in_the_guest_is_the_guests)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct sigaction sa = { .sa_handler = ignore };
	unsigned long before, hz = sysconf(_SC_CLK_TCK);

	sigaction(SIGALRM, &sa, NULL);
	vcpu_long(v, guest_spins);
	before = guest_ticks();
	alarm_ms(SIGALRM, 500);
	ASSERT_EQ(-EINTR, vcpu_run(v));
	/* Most of half a second; the host has other things to do, too. */
	EXPECT_LE(hz / 4, guest_ticks() - before);
}

static pthread_barrier_t ready;
static struct vcpu *spinning;

static void *spin(void *arg __attribute__((unused)))
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(&ready);
	return (void *)vcpu_run(spinning);
}

static uint64_t barrier_ms(void)
{
	const int rounds = 8;
	uint64_t start = now_ns();
	int i;

	for (i = 0; i < rounds; i++)
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			die("membarrier: %s", strerror(errno));
	return (now_ns() - start) / rounds / 1000000;
}

/*
 * A CPU in a guest uses nothing that RCU guards. If RCU isn't told, a grace period
 * lasts until it loses patience and interrupts the guest.
 */
TEST(grace_periods_do_not_wait_for_a_guest)
{
	struct sigaction sa = { .sa_handler = ignore };
	pthread_t thread;
	uint64_t ms;
	void *ret;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU: its grace periods take no time");
	sigaction(SIGUSR1, &sa, NULL);
	spinning = vcpu_new(vm_new(0), 0);
	vcpu_long(spinning, guest_spins);
	pthread_barrier_init(&ready, NULL, 2);
	pthread_create(&thread, NULL, spin, NULL);
	pthread_barrier_wait(&ready);
	sleep_ms(50);
	ms = barrier_ms();
	TH_LOG("a grace period takes %u ms", (unsigned int)ms);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, &ret);
	EXPECT_EQ(-EINTR, (long)ret);
	EXPECT_GT(60, ms);
}

LVX_TEST_MAIN
