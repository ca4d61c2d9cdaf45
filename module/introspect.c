// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on inside a VM, for whoever may read debugfs and didn't start it:
 *
 *	/sys/kernel/debug/lvx/PID-NUMBER/	PID made the VM
 *		slots		memory slots
 *		ept		what is mapped for the guest, in runs of like pages
 *		vcpuID/exits	how often the guest was left, by reason
 *		vcpuID/state	registers, while no thread runs the vCPU
 *		vcpuID/vmcs	the VMCS by field, likewise
 *
 * Files are made when the VM and the vCPU are, and go first: removal waits for
 * readers, so a file's operations need no reference to the VM. debugfs may be
 * missing or full, which is no reason to fail a VM; its functions take each
 * other's errors.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "base/memslot.h"
#include "mmu/mmu.h"
#include "top.h"
#include "vmx/vmx.h"

static struct dentry *root;

/* ----------------------------------------------------------------- memory */

static int slots_show(struct seq_file *m, void *unused)
{
	struct lvx_vm *vm = m->private;
	struct lvx_memslots *slots;
	struct lvx_memslot *slot;
	int idx;
	u32 i;

	seq_puts(m, "# slot  guest-physical  bytes  user address  flags\n");
	idx = srcu_read_lock(&vm->srcu);
	slots = lvx_memslots(vm);
	for (i = 0; i < slots->nr; i++) {
		slot = slots->slot[i];
		seq_printf(m, "%u %#llx %#llx %#lx%s%s\n", slot->id,
			   slot->gfn << PAGE_SHIFT,
			   slot->npages << PAGE_SHIFT, slot->hva,
			   slot->flags & KVM_MEM_READONLY ? " readonly" : "",
			   slot->dirty ? " log" : "");
	}
	srcu_read_unlock(&vm->srcu, idx);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(slots);

static int show_extent(const struct lvx_mmu_extent *e, void *arg)
{
	struct seq_file *m = arg;

	seq_printf(m, "%#llx %#llx %#llx %u %c%c%c%s%s\n",
		   e->gpa, e->len, e->hpa, e->page_size >> 10,
		   e->access & LVX_ACCESS_READ ? 'r' : '-',
		   e->access & LVX_ACCESS_WRITE ? 'w' : '-',
		   e->access & LVX_ACCESS_EXEC ? 'x' : '-',
		   e->accessed ? " accessed" : "", e->dirty ? " dirty" : "");
	/* Then the whole is shown again, into a larger buffer. */
	return seq_has_overflowed(m);
}

static int ept_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "# guest-physical  bytes  host-physical  page-KiB  access\n");
	lvx_mmu_list_extents(m->private, show_extent, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ept);

/* ------------------------------------------------------------------ vCPUs */

static void show_segment(struct seq_file *m, const char *name,
			 const struct kvm_segment *s)
{
	seq_printf(m, "%-4s %04x base %016llx limit %08x type %x s %u dpl %u p %u avl %u l %u db %u g %u%s\n",
		   name, s->selector, s->base, s->limit, s->type, s->s, s->dpl,
		   s->present, s->avl, s->l, s->db, s->g,
		   s->unusable ? " unusable" : "");
}

static void show_regs(struct seq_file *m, const struct kvm_regs *r)
{
	seq_printf(m, "rip  %016llx rflags %016llx\n", r->rip, r->rflags);
	seq_printf(m, "rax  %016llx rbx %016llx rcx %016llx rdx %016llx\n",
		   r->rax, r->rbx, r->rcx, r->rdx);
	seq_printf(m, "rsi  %016llx rdi %016llx rsp %016llx rbp %016llx\n",
		   r->rsi, r->rdi, r->rsp, r->rbp);
	seq_printf(m, "r8   %016llx r9  %016llx r10 %016llx r11 %016llx\n",
		   r->r8, r->r9, r->r10, r->r11);
	seq_printf(m, "r12  %016llx r13 %016llx r14 %016llx r15 %016llx\n",
		   r->r12, r->r13, r->r14, r->r15);
}

static void show_sregs(struct seq_file *m, const struct kvm_sregs *s)
{
	seq_printf(m, "cr0  %016llx cr2 %016llx cr3 %016llx cr4 %016llx\n",
		   s->cr0, s->cr2, s->cr3, s->cr4);
	seq_printf(m, "cr8  %016llx efer %016llx apic_base %016llx\n",
		   s->cr8, s->efer, s->apic_base);
	show_segment(m, "cs", &s->cs);
	show_segment(m, "ss", &s->ss);
	show_segment(m, "ds", &s->ds);
	show_segment(m, "es", &s->es);
	show_segment(m, "fs", &s->fs);
	show_segment(m, "gs", &s->gs);
	show_segment(m, "tr", &s->tr);
	show_segment(m, "ldt", &s->ldt);
	seq_printf(m, "gdt  base %016llx limit %04x\n", s->gdt.base, s->gdt.limit);
	seq_printf(m, "idt  base %016llx limit %04x\n", s->idt.base, s->idt.limit);
}

/*
 * A running vCPU's registers are the CPU's. They could be had by stopping it,
 * but looking must not disturb; a stopped VMM (SIGSTOP) shows them, too.
 */
static bool hold(struct seq_file *m, struct lvx_vcpu *vcpu)
{
	if (!mutex_trylock(&vcpu->mutex)) {
		seq_printf(m, "running on cpu %d\n", READ_ONCE(vcpu->cpu));
		return false;
	}
	lvx_vcpu_load(vcpu);
	return true;
}

static void release(struct lvx_vcpu *vcpu)
{
	lvx_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
}

static int state_show(struct seq_file *m, void *unused)
{
	struct lvx_vcpu *vcpu = m->private;
	struct kvm_sregs sregs = {};
	struct kvm_regs regs = {};

	seq_printf(m, "mp_state %u\n", READ_ONCE(vcpu->mp_state));
	if (!hold(m, vcpu))
		return 0;
	lvx_get_regs(vcpu, &regs);
	lvx_get_sregs(vcpu, &sregs);
	release(vcpu);
	show_regs(m, &regs);
	show_sregs(m, &sregs);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int vmcs_show(struct seq_file *m, void *unused)
{
	struct lvx_vcpu *vcpu = m->private;
	const char *name;
	u64 value;
	int ret;
	u32 i;

	if (!hold(m, vcpu))
		return 0;
	for (i = 0; (ret = lvx_vmcs_dump(vcpu, i, &name, &value)) >= 0; i++)
		if (!ret)
			seq_printf(m, "%-32s %#018llx\n", name, value);
	release(vcpu);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vmcs);

static int exits_show(struct seq_file *m, void *unused)
{
	const char *name;
	u64 count;
	int ret;
	u32 i;

	for (i = 0; (ret = lvx_exit_count(m->private, i, &name, &count)) >= 0; i++)
		if (!ret && count)
			seq_printf(m, "%-32s %llu\n", name, count);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(exits);

/* -------------------------------------------------------------- lifetimes */

/* The VM is complete, but no one else knows it yet. */
void lvx_introspect_vm(struct lvx_vm *vm)
{
	struct dentry *dir;
	char name[40];

	snprintf(name, sizeof(name), "%d-%llu", task_tgid_nr(current),
		 vm->number);
	dir = debugfs_create_dir(name, root);
	debugfs_create_file("slots", 0400, dir, vm, &slots_fops);
	debugfs_create_file("ept", 0400, dir, vm, &ept_fops);
	vm->introspect = dir;
}

void lvx_introspect_vcpu(struct lvx_vcpu *vcpu)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	dir = debugfs_create_dir(name, vcpu->vm->introspect);
	debugfs_create_file("exits", 0400, dir, vcpu, &exits_fops);
	debugfs_create_file("state", 0400, dir, vcpu, &state_fops);
	debugfs_create_file("vmcs", 0400, dir, vcpu, &vmcs_fops);
}

/* Before anything of the VM is destroyed; waits for readers. */
void lvx_introspect_end(struct lvx_vm *vm)
{
	debugfs_remove(vm->introspect);
}

void lvx_introspect_init(void)
{
	root = debugfs_create_dir("lvx", NULL);
}

void lvx_introspect_exit(void)
{
	debugfs_remove(root);
}
