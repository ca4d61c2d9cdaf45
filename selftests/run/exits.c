// SPDX-License-Identifier: GPL-2.0
/*
 * How a guest's run ends: halt, shutdown, nothing to execute, a state that the
 * CPU refuses to enter. And that a guest moves between the CPU's modes freely,
 * which needs unrestricted guest.
 */
#include "harness.h"

GUEST_ASM(real_hlt, 16, "hlt");
GUEST_ASM(real_add, 16,
	  "addw %bx, %ax; addb $'0', %al; movw $0x3f8, %dx; outb %al, %dx\n"
	  "movb $10, %al; outb %al, %dx; hlt");

TEST(hlt_real_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	load_asm(v->vm, GPA_REAL, real_hlt);
	vcpu_real(v, GPA_REAL >> 4, 0);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(1, get_regs(v).rip);
}

TEST(real_mode_arithmetic)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_regs regs;

	load_asm(v->vm, GPA_REAL + 0x200, real_add);
	vcpu_real(v, GPA_REAL >> 4, 0x200);
	regs = get_regs(v);
	regs.rax = 2;
	regs.rbx = 3;
	set_regs(v, &regs);
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ('5', *((char *)v->run + v->run->io.data_offset));
	ASSERT_EXIT(KVM_EXIT_IO, v);
	ASSERT_EQ('\n', *((char *)v->run + v->run->io.data_offset));
	ASSERT_EXIT(KVM_EXIT_HLT, v);
}

/* A vCPU that nobody has touched starts at the reset vector. */
TEST(reset_vector)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	uint8_t *rom = alloc_pages(64 * KIB);

	rom[0xfff0] = 0xf4;
	vm_slot(vm, 2, 0, 0xffff0000, 64 * KIB, rom);
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(0xfff1, get_regs(v).rip);
	ASSERT_EQ(0xffff0000, get_sregs(v).cs.base);
}

static volatile int executed;

static void guest_nothing(void)
{
	executed = 1;
}

TEST(long_mode_function)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	vcpu_long(v, guest_nothing);
	ASSERT_EQ(-1U, vcpu_sync(v));
	ASSERT_EQ(1, executed);
}

static void triple_fault(struct vcpu *v)
{
	struct kvm_sregs s = get_sregs(v);

	s.idt.limit = 0;
	set_sregs(v, &s);
}

static void guest_ud(void)
{
	asm volatile("ud2");
}

TEST(triple_fault_long_mode)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long(v, guest_ud);
	triple_fault(v);
	ASSERT_EXIT(KVM_EXIT_SHUTDOWN, v);
	ASSERT_EQ((uintptr_t)guest_ud, get_regs(v).rip);
}

TEST(triple_fault_real_mode)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);

	v->vm->ram[GPA_REAL] = 0xcc;
	vcpu_real(v, GPA_REAL >> 4, 0);
	triple_fault(v);
	ASSERT_EXIT(KVM_EXIT_SHUTDOWN, v);
}

/* Whatever bytes a guest runs, its VMM gets an exit that it can act on. */
TEST(garbage)
{
	struct vm *vm = vm_new(0);
	struct kvm_regs regs;
	uint32_t seed = 1;

	for (int round = 0; round < 16; round++) {
		struct vcpu *v = vcpu_new(vm, round);

		for (unsigned int i = 0; i < 4 * KIB; i++) {
			seed = seed * 1103515245 + 12345;
			vm->ram[GPA_BLOB + i] = seed >> 16;
		}
		vcpu_long_at(v, GPA_BLOB);
		triple_fault(v);
		regs = get_regs(v);
		regs.rflags |= 0x200;		/* see guest_spin() */
		set_regs(v, &regs);
		alarm_ms(SIGALRM, 200);
		vcpu_run(v);
		EXPECT_NE(KVM_EXIT_UNKNOWN, v->run->exit_reason);
		vcpu_free(v);
	}
}

TEST(no_memory_at_all)
{
	struct vcpu *v = vcpu_new(vm_new(VM_NOMEM), 0);

	/* KVM derives the room for page tables from the slots, of which
	 * there are none here; others may not know the call.
	 */
	try_ioctl(v->vm->fd, KVM_SET_NR_MMU_PAGES, (void *)64);
	ASSERT_EXIT(KVM_EXIT_INTERNAL_ERROR, v);
	ASSERT_EQ(KVM_INTERNAL_ERROR_EMULATION, v->run->internal.suberror);
}

TEST(fetch_from_a_hole)
{
	struct vcpu *v = vcpu_new(vm_new(VM_IRQCHIP), 0);

	vcpu_long_at(v, GPA_MMIO);
	ASSERT_EXIT(KVM_EXIT_INTERNAL_ERROR, v);
	ASSERT_EQ(KVM_INTERNAL_ERROR_EMULATION, v->run->internal.suberror);
	ASSERT_EQ(GPA_MMIO, get_regs(v).rip);
}

/* A slot whose host mapping is gone. KVM reports it as an error of RUN. */
TEST(fetch_from_unmapped_host_memory)
{
	struct vm *vm = vm_new(0);
	struct vcpu *v = vcpu_new(vm, 0);
	void *p = alloc_pages(PAGE);

	vm_slot(vm, 2, 0, GPA_EXTRA, PAGE, p);
	munmap(p, PAGE);
	vcpu_long_at(v, GPA_EXTRA);
	ASSERT_EQ(-EFAULT, vcpu_run(v));
	ASSERT_EQ(GPA_EXTRA, get_regs(v).rip);
}

/* Guest state that no CPU can be in is refused, and the host lives on. */
TEST(bad_guest_state)
{
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	struct kvm_sregs s;

	vcpu_long(v, guest_nothing);
	s = get_sregs(v);
	s.tr.type = 0;			/* must be a busy TSS */
	set_sregs(v, &s);
	ASSERT_EXIT(KVM_EXIT_FAIL_ENTRY, v);
	ASSERT_EQ(0x80000021, v->run->fail_entry.hardware_entry_failure_reason);

	vcpu_long(v, guest_nothing);	/* and can be mended */
	ASSERT_EQ(-1U, vcpu_sync(v));
}

/* From the reset state to long mode and back, as a boot loader goes. */
GUEST_ASM(tour, 16,
	"cli\n"
	"lgdtl %cs:gdt - tour\n"
	"movl %cr0, %eax; orl $1, %eax; movl %eax, %cr0\n"
	"ljmpl $0x18, $0x10000 + prot - tour\n"
	".code32\n"
	"prot: movl $0x10, %eax; movl %eax, %ds; movl %eax, %ss; movl %eax, %es\n"
	"movl $32, %eax; outb %al, $0x80\n"
	"movl %cr4, %eax; orl $0x20, %eax; movl %eax, %cr4\n"
	"movl $0x1000, %eax; movl %eax, %cr3\n"
	"movl $0xc0000080, %ecx; rdmsr; orl $0x100, %eax; wrmsr\n"
	"movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0\n"
	"movl $0xc0000080, %ecx; rdmsr; shrl $8, %eax; outb %al, $0x81\n"
	"ljmpl $0x08, $0x10000 + long - tour\n"
	".code64\n"
	"long: movl $64, %eax; outb %al, $0x80\n"
	"ljmp *back - tour + 0x10000\n"
	".code32\n"
	"compat: movl %cr0, %eax; andl $0x7fffffff, %eax; movl %eax, %cr0\n"
	"movl $0xc0000080, %ecx; rdmsr; andl $~0x100, %eax; wrmsr\n"
	"movl $33, %eax; outb %al, $0x80\n"
	"ljmpl $0x38, $prot16 - tour\n"
	".code16\n"
	"prot16: movl %cr0, %eax; andl $~1, %eax; movl %eax, %cr0\n"
	"ljmpw $0x1000, $real - tour\n"
	"real: movb $16, %al; outb %al, $0x80; hlt\n"
	"gdt: .word 0xff; .long 0x7000\n"
	"back: .long 0x10000 + compat - tour; .word 0x18\n");

TEST(all_modes)
{
	static const uint8_t expect[] = { 32, 5, 64, 33, 16 };
	struct vcpu *v = vcpu_new(vm_new(0), 0);
	uint64_t *gdt = (void *)(v->vm->ram + GDT_GPA);

	gdt[7] = 0x00009b010000ffff;	/* 16-bit code at 0x10000 */
	load_asm(v->vm, GPA_REAL, tour);
	vcpu_real(v, GPA_REAL >> 4, 0);
	for (size_t i = 0; i < sizeof(expect); i++) {
		ASSERT_EXIT(KVM_EXIT_IO, v);
		ASSERT_EQ(expect[i],
			  *((uint8_t *)v->run + v->run->io.data_offset));
	}
	ASSERT_EXIT(KVM_EXIT_HLT, v);
	ASSERT_EQ(0, get_sregs(v).cr0 & 0x80000001);
	ASSERT_EQ(0, get_sregs(v).efer & 0x400);
}

LVX_TEST_MAIN
