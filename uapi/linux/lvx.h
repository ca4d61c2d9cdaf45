/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * lvx's interface to user space: KVM's, and what lvx adds to it.
 *
 * /dev/lvx answers the ioctls of <linux/kvm.h> that are listed below: same
 * numbers, same structures, same meaning. KVM's own documentation describes
 * them. What KVM_CHECK_EXTENSION answers with 0 is not there.
 *
 * Descriptors. open("/dev/lvx") gives the system's; it may be read-only.
 * KVM_CREATE_VM on it gives a VM's, KVM_CREATE_VCPU on that a vCPU's. A VM
 * lives until the last descriptor of it and of its vCPUs is closed and the
 * last mapping of a vCPU is gone.
 *
 * Errors, the same for every ioctl; each may add its own:
 *
 * EINVAL
 *	The system's or a vCPU's descriptor doesn't know this ioctl (a wrong
 *	structure size counts: it is part of the number). An unknown flag, a
 *	value out of range, a call in the wrong order.
 * ENOTTY
 *	A VM's descriptor doesn't know this ioctl.
 * EIO
 *	VM and vCPU: the caller is another process than the VM's creator (for
 *	example its child after fork()), or the VM is dead.
 * EFAULT
 *	The argument, or a pointer in it, is not readable or writable memory.
 * EEXIST
 *	It is there already: a vCPU with this ID, the interrupt controllers, a
 *	memory slot at these addresses.
 * ENXIO
 *	The interrupt controller or timer asked for was never created; no such
 *	device attribute.
 * E2BIG
 *	An array is longer than lvx takes, or what lvx returns is longer than
 *	the caller's array. For lvx's own ioctls: a newer structure says
 *	something that this lvx doesn't know.
 * EBUSY
 *	KVM_CREATE_VM: someone else, such as kvm_intel, uses VMX. The kernel
 *	log names the remedy. KVM_SET_BOOT_CPU_ID: there are vCPUs.
 * EINTR
 *	A signal came. Of KVM_RUN also: immediate_exit was set.
 * EAGAIN
 *	KVM_RUN: the vCPU was waiting for INIT and SIPI, and something came.
 *	Call it again.
 * ENOMEM, EMFILE
 *	Out of memory, out of descriptors.
 *
 * A call that fails has changed nothing, but for KVM_SET_MSRS, which stops at
 * the first MSR that fails and returns how many it has set, and KVM_RUN, which
 * may have run the guest for a while.
 *
 * System:
 *	KVM_GET_API_VERSION KVM_CHECK_EXTENSION KVM_CREATE_VM
 *	KVM_GET_VCPU_MMAP_SIZE KVM_GET_SUPPORTED_CPUID KVM_GET_MSR_INDEX_LIST
 *	KVM_GET_MSR_FEATURE_INDEX_LIST KVM_GET_MSRS (feature MSRs)
 *	KVM_X86_GET_MCE_CAP_SUPPORTED
 * VM:
 *	KVM_CHECK_EXTENSION KVM_ENABLE_CAP KVM_CREATE_VCPU KVM_SET_BOOT_CPU_ID
 *	KVM_SET_USER_MEMORY_REGION KVM_GET_DIRTY_LOG KVM_CLEAR_DIRTY_LOG
 *	KVM_SET_TSS_ADDR KVM_SET_IDENTITY_MAP_ADDR KVM_SET_NR_MMU_PAGES
 *	KVM_CREATE_IRQCHIP KVM_GET_IRQCHIP KVM_SET_IRQCHIP KVM_IRQ_LINE
 *	KVM_IRQ_LINE_STATUS KVM_SET_GSI_ROUTING KVM_SIGNAL_MSI KVM_IRQFD
 *	KVM_IOEVENTFD KVM_REGISTER_COALESCED_MMIO KVM_UNREGISTER_COALESCED_MMIO
 *	KVM_CREATE_PIT2 KVM_GET_PIT2 KVM_SET_PIT2 KVM_REINJECT_CONTROL
 *	KVM_GET_CLOCK KVM_SET_CLOCK KVM_X86_SET_MSR_FILTER KVM_GET_STATS_FD
 * vCPU:
 *	KVM_RUN KVM_SET_SIGNAL_MASK KVM_INTERRUPT KVM_NMI KVM_SET_GUEST_DEBUG
 *	KVM_GET_REGS KVM_SET_REGS KVM_GET_SREGS KVM_SET_SREGS KVM_GET_SREGS2
 *	KVM_SET_SREGS2 KVM_GET_FPU KVM_SET_FPU KVM_GET_XSAVE KVM_SET_XSAVE
 *	KVM_GET_XCRS KVM_SET_XCRS KVM_GET_DEBUGREGS KVM_SET_DEBUGREGS
 *	KVM_TRANSLATE KVM_GET_MSRS KVM_SET_MSRS KVM_GET_CPUID2 KVM_SET_CPUID2
 *	KVM_GET_VCPU_EVENTS KVM_SET_VCPU_EVENTS KVM_GET_MP_STATE
 *	KVM_SET_MP_STATE KVM_GET_LAPIC KVM_SET_LAPIC KVM_TPR_ACCESS_REPORTING
 *	KVM_SET_VAPIC_ADDR KVM_GET_TSC_KHZ KVM_SET_TSC_KHZ KVM_KVMCLOCK_CTRL
 *	KVM_HAS_DEVICE_ATTR KVM_GET_DEVICE_ATTR KVM_SET_DEVICE_ATTR (the TSC
 *	offset) KVM_ENABLE_CAP KVM_X86_SETUP_MCE KVM_X86_SET_MCE
 *	KVM_GET_STATS_FD
 */
#ifndef _UAPI_LINUX_LVX_H
#define _UAPI_LINUX_LVX_H

#include <linux/kvm.h>

#endif
