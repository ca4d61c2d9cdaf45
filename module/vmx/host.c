// SPDX-License-Identifier: GPL-2.0
/*
 * VMX on the host's CPUs: switched on with the first VM, off with the last, and
 * off again on every way by which a CPU leaves this kernel.
 *
 * CR4.VMXE is the lock by which hypervisors in one kernel keep apart: whoever
 * finds it set leaves VMX alone. So loading lvx.ko disturbs nobody, and while
 * lvx has no VM, KVM can be used.
 *
 * The ways out: CPU offline (the hotplug state below), suspend (syscore), reboot
 * and kexec (reboot notifier), panic with a crash kernel (emergency callback).
 * After a reboot has begun, VMX instructions of vCPU threads that still run
 * fault; their exception-table entries turn that into an error of KVM_RUN.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/reboot.h>
#include <linux/syscore_ops.h>
#include <asm/asm.h>
#include <asm/cpu_entry_area.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "base/compat.h"
#include "base/sleep.h"
#include "vmx/vcpu.h"
#include "vmx/vmx.h"

/*
 * A CPU must leave VMX operation after its last task left it and before it
 * dies, since a CPU in VMX operation ignores the INIT that would start it again.
 * Only the fixed states below CPUHP_AP_ONLINE come that late, and KVM's own may
 * be KVM's. This one belongs to a timer that no x86 has.
 */
#define HOTPLUG_STATE	CPUHP_AP_QCOM_TIMER_STARTING

DEFINE_PER_CPU(bool, lvx_vmx_on);
static DEFINE_PER_CPU(struct lvx_vmcs_region *, vmxon_region);

static DEFINE_MUTEX(host_lock);
static int nr_vms;			/* under host_lock */
static bool shutting_down;		/* set once, never cleared */

static int vmxon(phys_addr_t region)
{
	asm_goto_output("1: vmxon %[region]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fail])
			: : [region] "m" (region) : "memory", "cc" : fail);
	return 0;
fail:
	return -EIO;
}

/*
 * IA32_FEATURE_CONTROL must be locked with VMX allowed (SDM, "Enabling and
 * Entering VMX Operation").
 */
static void unlock_feature_control(void)
{
	u64 fc;

	rdmsrl(MSR_IA32_FEAT_CTL, fc);
	if (!(fc & FEAT_CTL_LOCKED))
		wrmsrl(MSR_IA32_FEAT_CTL, fc | FEAT_CTL_LOCKED |
		       FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
}

/*
 * Interrupts off. Processor Trace and VMX operation exclude each other on CPUs
 * without VMX_MISC's bit 14: there perf stops tracing while VMX is on.
 */
static int cpu_vmx_on(void)
{
	int r;

	if (this_cpu_read(lvx_vmx_on))
		return 0;
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	r = lvx_caps_check_cpu();
	if (r)
		return r;
	unlock_feature_control();
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(1);
	r = vmxon(__pa(this_cpu_read(vmxon_region)));
	if (r) {
		intel_pt_handle_vmx(0);
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return r;
	}
	this_cpu_write(lvx_vmx_on, true);
	/* Translations of an earlier stay in VMX operation may survive it. */
	lvx_invept(0);
	lvx_invvpid(0);
	return 0;
}

/* Interrupts off. */
static void cpu_vmx_off(void)
{
	/* Also where VMX failed to come on: VMCSs are in the CPU's list all the same. */
	lvx_vmcs_clear_cpu();
	if (!this_cpu_read(lvx_vmx_on))
		return;
	this_cpu_write(lvx_vmx_on, false);
	asm volatile("vmxoff" : : : "cc");
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

static void cpu_vmx_on_ipi(void *result)
{
	int r = cpu_vmx_on();

	if (r)
		atomic_cmpxchg((atomic_t *)result, 0, r);
}

static void cpu_vmx_off_ipi(void *unused)
{
	cpu_vmx_off();
}

static int hotplug_starting(unsigned int cpu)
{
	/* A failure leaves the CPU to the host; vCPUs that run on it get EIO. */
	if (!READ_ONCE(shutting_down) && cpu_vmx_on())
		pr_err("lvx: CPU %u came online without VMX\n", cpu);
	return 0;
}

static int hotplug_dying(unsigned int cpu)
{
	cpu_vmx_off();
	return 0;
}

/* Called on the one CPU that is left, interrupts off. */
static int pm_suspend(LVX_SYSCORE_ARG)
{
	cpu_vmx_off();
	lvx_sleep_begins();
	return 0;
}

static void pm_resume(LVX_SYSCORE_ARG)
{
	lvx_sleep_ends();
	if (READ_ONCE(nr_vms) && cpu_vmx_on())
		pr_err("lvx: no VMX after resume\n");
}

LVX_DEFINE_SYSCORE(pm, pm_suspend, pm_resume);

static int reboot_notify(struct notifier_block *nb, unsigned long event, void *p)
{
	/* No new VM, and no CPU that comes online now, gets VMX on again. */
	cpus_read_lock();
	WRITE_ONCE(shutting_down, true);
	on_each_cpu(cpu_vmx_off_ipi, NULL, 1);
	cpus_read_unlock();
	return NOTIFY_OK;
}

static struct notifier_block reboot_nb = {
	.notifier_call = reboot_notify,
};

/*
 * The emergency callback. The kernel has one slot and warns about a second
 * user; kvm_intel takes it at load and its callback switches VMX off whoever
 * switched it on. So lvx uses the slot only while kvm_intel is not there.
 */
static bool kvm_intel_present;		/* under host_lock */
static bool slot_taken;			/* by us; under host_lock */

/*
 * In an NMI, which may have come in the middle of anything above: so CR4 is
 * asked, not lvx_vmx_on, and nothing is written that a half-done change of a
 * list could trip over. Between CR4.VMXE and VMXON, VMXOFF faults.
 */
static void emergency_off(void)
{
	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	lvx_vmcs_flush_cpu();
	asm volatile("1: vmxoff\n2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc");
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

/* host_lock held. */
static void update_emergency_slot(void)
{
	bool want = nr_vms && !kvm_intel_present;

	lockdep_assert_held(&host_lock);
	if (want && !slot_taken)
		cpu_emergency_register_virt_callback(emergency_off);
	else if (!want && slot_taken)
		cpu_emergency_unregister_virt_callback(emergency_off);
	slot_taken = want;
}

static int module_notify(struct notifier_block *nb, unsigned long event, void *p)
{
	struct module *mod = p;

	if (strcmp(mod->name, "kvm_intel"))
		return NOTIFY_DONE;
	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&host_lock);
	kvm_intel_present = event == MODULE_STATE_COMING;
	update_emergency_slot();
	mutex_unlock(&host_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = {
	.notifier_call = module_notify,
};

/*
 * Modules can't be looked up by name, but a symbol can. kvm.ko without
 * kvm_intel is taken for the same: then nobody has the slot, which costs an
 * orderly VMXOFF in a panic and nothing else.
 */
static bool find_kvm(void)
{
	void *symbol = __symbol_get("kvm_vcpu_halt");

	if (symbol)
		__symbol_put("kvm_vcpu_halt");
	return symbol;
}

/* host_lock held. */
static int all_on(void)
{
	atomic_t failed = ATOMIC_INIT(0);
	int r;

	lockdep_assert_held(&host_lock);
	cpus_read_lock();
	on_each_cpu(cpu_vmx_on_ipi, &failed, 1);
	r = atomic_read(&failed);
	if (!r)
		r = cpuhp_setup_state_nocalls_cpuslocked(HOTPLUG_STATE,
							 "x86/lvx:starting",
							 hotplug_starting,
							 hotplug_dying);
	if (r)
		on_each_cpu(cpu_vmx_off_ipi, NULL, 1);
	cpus_read_unlock();
	return r;
}

/**
 * lvx_host_get() - one more VM: VMX is on when this returns 0
 *
 * Return: 0; -EBUSY: VMX is in use by another hypervisor, and the log says so;
 * -EIO: a CPU's VMX differs, or the machine shuts down.
 */
int lvx_host_get(void)
{
	int r = 0;

	mutex_lock(&host_lock);
	if (READ_ONCE(shutting_down))
		r = -EIO;
	else if (!nr_vms)
		r = all_on();
	if (!r) {
		nr_vms++;
		preempt_notifier_inc();
		update_emergency_slot();
	}
	mutex_unlock(&host_lock);
	if (r == -EBUSY && kvm_intel_present)
		pr_warn_ratelimited("lvx: kvm_intel uses VMX; rmmod kvm_intel (stopping its VMs is enough before Linux 6.12, and with kvm.enable_virt_at_load=0)\n");
	else if (r == -EBUSY)
		pr_warn_ratelimited("lvx: another hypervisor uses VMX; stop its VMs, or unload it\n");
	return r;
}

/**
 * lvx_host_put() - one VM less
 */
void lvx_host_put(void)
{
	mutex_lock(&host_lock);
	preempt_notifier_dec();
	if (!--nr_vms) {
		cpus_read_lock();
		cpuhp_remove_state_nocalls_cpuslocked(HOTPLUG_STATE);
		on_each_cpu(cpu_vmx_off_ipi, NULL, 1);
		cpus_read_unlock();
		update_emergency_slot();
	}
	mutex_unlock(&host_lock);
}

/*
 * SDM, "INVEPT": type 1 for one EPTP, 2 for all. A reboot may have switched VMX
 * off under a vCPU, of which KVM_RUN tells.
 */
void lvx_invept(u64 eptp)
{
	struct { u64 eptp, reserved; } desc = { eptp, 0 };
	unsigned long type = eptp ? VMX_EPT_EXTENT_CONTEXT : VMX_EPT_EXTENT_GLOBAL;

	asm_goto_output("1: invept %[desc], %[type]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fail])
			: : [desc] "m" (desc), [type] "r" (type)
			: "memory", "cc" : fail);
	return;
fail:
	if (raw_cpu_read(lvx_vmx_on))
		pr_err_ratelimited("lvx: INVEPT of %llx failed\n", eptp);
}

/* SDM, "INVVPID": type 1 for one VPID, 2 for all. */
void lvx_invvpid(u16 vpid)
{
	struct { u64 vpid, address; } desc = { vpid, 0 };
	unsigned long type = vpid ? VMX_VPID_EXTENT_SINGLE_CONTEXT :
				    VMX_VPID_EXTENT_ALL_CONTEXT;

	if (!lvx_has(LVX_CPU2, SECONDARY_EXEC_ENABLE_VPID))
		return;
	asm_goto_output("1: invvpid %[desc], %[type]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fail])
			: : [desc] "m" (desc), [type] "r" (type)
			: "memory", "cc" : fail);
	return;
fail:
	if (raw_cpu_read(lvx_vmx_on))
		pr_err_ratelimited("lvx: INVVPID of %u failed\n", vpid);
}

/* VPID 0 is the host's. */
static DECLARE_BITMAP(vpids, 1 << 16);
static DEFINE_SPINLOCK(vpid_lock);

/**
 * lvx_vpid_alloc() - a tag for one vCPU's translations
 *
 * Return: 0 if there is none, or none left: the vCPU then runs without VPID.
 */
u16 lvx_vpid_alloc(void)
{
	unsigned long vpid;

	if (!lvx_has(LVX_CPU2, SECONDARY_EXEC_ENABLE_VPID))
		return 0;
	spin_lock(&vpid_lock);
	vpid = find_next_zero_bit(vpids, 1 << 16, 1);
	if (vpid < 1 << 16)
		__set_bit(vpid, vpids);
	else
		vpid = 0;
	spin_unlock(&vpid_lock);
	return vpid;
}

void lvx_vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpids);
	spin_unlock(&vpid_lock);
}

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		lvx_vmcs_region_free(per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

static int alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(vmxon_region, cpu) = lvx_vmcs_region_alloc(cpu);
		if (!per_cpu(vmxon_region, cpu)) {
			free_regions();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * lvx_vmx_init() - module load
 *
 * Return: 0; -EOPNOTSUPP with a line in the log: this CPU can't; -ENOMEM.
 */
int lvx_vmx_init(void)
{
	int r;

	r = lvx_caps_init();
	if (r)
		return r;
	r = alloc_regions();
	if (r)
		return r;
	lvx_vmcs_init();
	lvx_vmx_hide_cpuid();
	lvx_msr_init();
	r = lvx_caches_init();
	if (r)
		goto free_regions;
	r = register_reboot_notifier(&reboot_nb);
	if (r)
		goto exit_caches;
	r = register_module_notifier(&module_nb);
	if (r)
		goto unregister_reboot;
	r = lvx_sleep_init();
	if (r)
		goto unregister_module;
	mutex_lock(&host_lock);
	kvm_intel_present = find_kvm();
	mutex_unlock(&host_lock);
	lvx_register_syscore(&pm);
	return 0;

unregister_module:
	unregister_module_notifier(&module_nb);
unregister_reboot:
	unregister_reboot_notifier(&reboot_nb);
exit_caches:
	lvx_caches_exit();
free_regions:
	free_regions();
	return r;
}

/**
 * lvx_vmx_exit() - module unload; no VM is left
 */
void lvx_vmx_exit(void)
{
	lvx_unregister_syscore(&pm);
	lvx_sleep_exit();
	unregister_module_notifier(&module_nb);
	unregister_reboot_notifier(&reboot_nb);
	lvx_caches_exit();
	free_regions();
}
