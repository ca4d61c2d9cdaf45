/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's half of a test: create a VM, give it memory and a vCPU, run it,
 * look at the exit. Every function here ends the test with a message when
 * something fails that the test does not ask about; what a test does ask about
 * goes through try_ioctl(), which returns the errno.
 *
 * All tests take --device NODE, so that the same program judges lvx and, on
 * /dev/kvm, is itself judged by KVM.
 */
#ifndef LVX_TEST_LIB_H
#define LVX_TEST_LIB_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024UL * KIB)
#define GIB		(1024UL * MIB)

/* Guest-physical layout of slot 0; the program's image is slot 1. */
#define GPA_TABLES	0x1000		/* page tables, GDT, IDT, TSS */
#define GPA_REAL	0x10000		/* real-mode code: segment 0x1000 */
#define GPA_STACKS	0x40000		/* 16 KiB for each vCPU */
#define GPA_BLOB	0x80000		/* assembly in protected or long mode */
#define GPA_FREE	0x100000	/* for the test */
#define RAM_SIZE	(2 * MIB)
#define GPA_EXTRA	0x10000000UL	/* a good place for a test's own slot */
#define GPA_MMIO	0xd0000000UL	/* never backed by a slot */

enum vm_flags {
	VM_IRQCHIP	= 1 << 0,	/* PIC, IOAPIC, LAPIC in the kernel */
	VM_PIT		= 1 << 1,	/* and the PIT */
	VM_NOMEM	= 1 << 2,	/* no memory slot at all */
	VM_NOCPUID	= 1 << 3,	/* leave the vCPUs without CPUID */
};

struct vm {
	int fd;
	unsigned int flags;
	size_t run_size;
	uint8_t *ram;			/* slot 0, guest-physical 0 */
};

struct vcpu {
	struct vm *vm;
	int fd;
	unsigned int id;
	struct kvm_run *run;
};

extern const char *device;
extern int sys_fd;

/* Whether --device names lvx's own node, or KVM's. */
bool on_lvx(void);

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);

/* ioctl() that returns -errno instead of -1. */
long try_ioctl(int fd, unsigned long nr, void *arg);
long must_ioctl(int fd, unsigned long nr, void *arg, const char *name);
#define do_ioctl(fd, nr, arg) must_ioctl(fd, nr, (void *)(long)(arg), #nr)

int open_device(void);
long check_cap(int fd, long cap);

struct vm *vm_new(unsigned int flags);
void vm_free(struct vm *vm);
long vm_try_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		 uint64_t size, void *hva);
void vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, void *hva);
void vm_irq(struct vm *vm, uint32_t gsi, uint32_t level);
void *alloc_pages(size_t size);

struct kvm_cpuid2 *supported_cpuid(void);
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf,
				    uint32_t index);
/* KVM can nest, and then takes CR4.VMXE for a bit like others. */
bool can_nest(void);

struct vcpu *vcpu_new(struct vm *vm, unsigned int id);
void vcpu_free(struct vcpu *v);

/* Set the vCPU up to run code that the test has put into guest memory. */
void vcpu_real(struct vcpu *v, uint16_t cs, uint16_t ip);
void vcpu_prot(struct vcpu *v, uint32_t eip);
void vcpu_long(struct vcpu *v, void (*fn)(void));
void vcpu_long_at(struct vcpu *v, uint64_t rip);

/* Return 0 or -errno of KVM_RUN. */
long vcpu_run(struct vcpu *v);
/* Run and return the exit reason; an error ends the test. */
uint32_t vcpu_exit(struct vcpu *v);
/* Run until the guest calls guest_sync(), and return the value it gave. */
uint32_t vcpu_sync(struct vcpu *v);
/* The value that the guest gave with the last exit. */
uint32_t vcpu_report(struct vcpu *v);
void vcpu_dump(struct vcpu *v);

struct kvm_regs get_regs(struct vcpu *v);
void set_regs(struct vcpu *v, const struct kvm_regs *regs);
void set_rip(struct vcpu *v, uint64_t rip);
struct kvm_sregs get_sregs(struct vcpu *v);
void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs);
/* One MSR; the result is what the ioctl returned: 1, 0 or -errno. */
long get_msr(struct vcpu *v, uint32_t index, uint64_t *value);
long set_msr(struct vcpu *v, uint32_t index, uint64_t value);

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);
/* Have @sig delivered to the calling thread after @ms without SA_RESTART. */
void alarm_ms(int sig, unsigned int ms);

/*
 * Assembly for the guest: lies in this program, is copied where it shall run.
 * @bits is 16, 32 or 64.
 */
#define GUEST_ASM(name, bits, body)					\
	asm(".pushsection .rodata\n.code" #bits "\n" #name ":\n"	\
	    body "\n" #name "_end:\n.code64\n.popsection\n");		\
	extern const char name[], name##_end[]

#define load_asm(vm, gpa, name)						\
	memcpy((vm)->ram + (gpa), name, name##_end - name)

/* The host's release, for what its KVM gets wrong. */
bool kernel_before(unsigned int major, unsigned int minor);

/*
 * An emulated machine whose CPUs, entered with IF=0, don't leave the guest for
 * the host's interrupts, by which a guest that loops holds its CPU for ever.
 */
bool emulator_is_blind(void);

int parse_args(int argc, char **argv);

#endif
