// SPDX-License-Identifier: GPL-2.0
/*
 * The state in which a vCPU starts.
 *
 * The boot CPU enters the kernel by the 64-bit boot protocol: long mode, flat
 * segments, the first 4 GiB mapped one to one. The others stay as they are
 * created, waiting for the boot CPU to start them as on hardware (INIT, SIPI).
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "boot.h"
#include "machine.h"
#include "vcpu.h"
#include "vm.h"

/* Control register and EFER bits, named as in the SDM. */
#define CR0_PE		(1u << 0)
#define CR0_MP		(1u << 1)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_WP		(1u << 16)
#define CR0_PG		(1u << 31)
#define CR4_PAE		(1u << 5)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)

#define RFLAGS_FIXED	0x2

/* The selectors that the boot protocol asks for (__BOOT_CS, __BOOT_DS). */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

#define SEGMENT_CODE	0xb	/* execute, read, accessed */
#define SEGMENT_DATA	0x3	/* read, write, accessed */

#define PTE_PRESENT	0x1
#define PTE_WRITE	0x2
#define PTE_LARGE	0x80

#define MSR_MISC_ENABLE			0x1a0
#define MISC_ENABLE_FAST_STRING		0x1
#define MSR_MTRR_DEF_TYPE		0x2ff
#define MTRR_ENABLE_WRITE_BACK		0x806

/*
 * What firmware would have set. MTRRs that are on and say write-back, as
 * without them Linux thinks that PAT has been switched off, too. A kernel that
 * doesn't know one of them runs the guest as well without.
 */
int vcpu_set_msrs(struct vcpu *vcpu)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} rows[] = {
		{ MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRING },
		{ MSR_MTRR_DEF_TYPE, MTRR_ENABLE_WRITE_BACK },
	};
	_Alignas(struct kvm_msrs) char buffer[sizeof(struct kvm_msrs) +
					      sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *msr = (void *)buffer;
	unsigned int i;

	msr->nmsrs = 1;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		msr->entries[0].index = rows[i].index;
		msr->entries[0].data = rows[i].value;
		if (ioctl(vcpu->fd, KVM_SET_MSRS, msr) < 0)
			return fail("%s: cannot set MSR 0x%x: %s; see dmesg",
				    vcpu->vm->config->node, rows[i].index, strerror(errno));
	}
	return 0;
}

/* Six pages: PML4, PDPT, and four page directories of 2 MiB pages. */
static int write_page_tables(struct vm *vm)
{
	const uint64_t base = BOOT_PAGE_TABLES_ADDR;
	uint64_t *tables = memory_at(&vm->memory, base, 6 * 4096);
	unsigned int i;

	if (!tables)
		return -1;
	tables[0] = (base + 4096) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4; i++)
		tables[512 + i] = (base + (2 + i) * 4096) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4 * 512; i++)
		tables[1024 + i] = i * 2 * MIB | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	return 0;
}

static void set_segment(struct kvm_segment *segment, uint16_t selector, uint8_t type)
{
	*segment = (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = type == SEGMENT_CODE,
		.db = type != SEGMENT_CODE,
	};
}

/* The descriptor table entry that says the same as @segment. */
static uint64_t descriptor(const struct kvm_segment *segment)
{
	uint64_t attributes = (uint64_t)(segment->type | segment->s << 4 | segment->dpl << 5 |
			      segment->present << 7 | segment->l << 13 |
			      segment->db << 14 | segment->g << 15);

	return 0xffff | attributes << 40 | 0xfull << 48;
}

static int write_gdt(struct vm *vm, struct kvm_sregs *sregs)
{
	uint64_t *gdt = memory_at(&vm->memory, BOOT_GDT_ADDR, 4 * sizeof(*gdt));

	if (!gdt)
		return -1;
	gdt[BOOT_CS / 8] = descriptor(&sregs->cs);
	gdt[BOOT_DS / 8] = descriptor(&sregs->ds);
	sregs->gdt.base = BOOT_GDT_ADDR;
	sregs->gdt.limit = 4 * sizeof(*gdt) - 1;
	return 0;
}

int vcpu_set_entry(struct vcpu *vcpu, const struct boot_entry *entry)
{
	const char *node = vcpu->vm->config->node;
	struct kvm_sregs sregs;
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->rsi,
		.rsp = BOOT_STACK_TOP,
		.rflags = RFLAGS_FIXED,
	};

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return fail("%s: KVM_GET_SREGS failed: %s; see dmesg", node, strerror(errno));
	set_segment(&sregs.cs, BOOT_CS, SEGMENT_CODE);
	set_segment(&sregs.ds, BOOT_DS, SEGMENT_DATA);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = BOOT_PAGE_TABLES_ADDR;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (write_page_tables(vcpu->vm) < 0 || write_gdt(vcpu->vm, &sregs) < 0)
		return fail("not enough memory for the boot structures; give a larger --memory");
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return fail("%s: KVM_SET_SREGS failed: %s; see dmesg", node, strerror(errno));
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return fail("%s: KVM_SET_REGS failed: %s; see dmesg", node, strerror(errno));
	return 0;
}

/* For the report. The vCPU's own thread calls this, outside the guest. */
void vcpu_save_regs(struct vcpu *vcpu)
{
	vcpu->has_regs = !ioctl(vcpu->fd, KVM_GET_REGS, &vcpu->regs) &&
			 !ioctl(vcpu->fd, KVM_GET_SREGS, &vcpu->sregs);
}
