/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch: the guest's general registers in, VMLAUNCH or VMRESUME, and
 * the guest's general registers out; and what must happen before the CPU
 * predicts or speculates on this side, with what the guest left in it. Everything
 * else that VM entry and exit do not switch is switched in C (load.c), less often.
 *
 * Between lvx_exit_point and the write of IA32_SPEC_CTRL there is no CALL, no RET
 * and no indirect jump but those that fill the return stack. selftests/built/
 * holds this file to that, and its alternatives to those of kvm_intel.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "vmx/enter.h"

#if !defined(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT) && \
	!defined(X86_FEATURE_CLEAR_BHB_VMEXIT)
#define CLEAR_BRANCH_HISTORY_VMEXIT		/* older kernels have none */
#endif

/* enum lvx_reg: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 .. R15 */
#define REG(n)	(8 * (n))

.section .noinstr.text, "ax"

/**
 * lvx_enter() - into the guest and back
 * @regs (%rdi): struct lvx_vcpu.regs; RSP is the VMCS's
 * @launched (%sil): VMRESUME rather than VMLAUNCH
 * @sw (%rdx): struct lvx_switch; updated
 *
 * Interrupts are off before, in and after.
 *
 * Return: 0 after a VM exit; 1 if the CPU refused the entry.
 */
SYM_FUNC_START(lvx_enter)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdx
	push	%rdi			/* VM exit finds the registers through it */

	/* The stack is nearly always as deep as last time. */
	cmp	%rsp, LVX_SWITCH_RSP(%rdx)
	je	1f
	mov	%rsp, LVX_SWITCH_RSP(%rdx)
	mov	$LVX_FIELD_HOST_RSP, %eax
	vmwrite	%rsp, %rax
1:
	/* The guest's IA32_SPEC_CTRL. From here to the entry: no CALL, no RET. */
	ALTERNATIVE "jmp .Lguest_spec_ctrl", "", X86_FEATURE_MSR_SPEC_CTRL
	cmpb	$0, LVX_SWITCH_SPEC_CTRL_LIVE(%rdx)
	je	.Lguest_spec_ctrl
	mov	LVX_SWITCH_SPEC_CTRL(%rdx), %rax
	cmp	PER_CPU_VAR(x86_spec_ctrl_current), %rax
	je	.Lguest_spec_ctrl
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	wrmsr
.Lguest_spec_ctrl:
	bt	$0, %esi		/* CF lives until the jump below */

	mov	REG(0)(%rdi), %rax
	mov	REG(1)(%rdi), %rcx
	mov	REG(2)(%rdi), %rdx
	mov	REG(3)(%rdi), %rbx
	mov	REG(5)(%rdi), %rbp
	mov	REG(6)(%rdi), %rsi
	mov	REG(8)(%rdi), %r8
	mov	REG(9)(%rdi), %r9
	mov	REG(10)(%rdi), %r10
	mov	REG(11)(%rdi), %r11
	mov	REG(12)(%rdi), %r12
	mov	REG(13)(%rdi), %r13
	mov	REG(14)(%rdi), %r14
	mov	REG(15)(%rdi), %r15
	mov	REG(7)(%rdi), %rdi
	/* The stack is the same at lvx_exit_point, whither no jump leads. */
	UNWIND_HINT_SAVE

	/*
	 * Where the CPU leaks its buffers: VERW, which changes ZF alone. Not
	 * VM_CLEAR_CPU_BUFFERS, which in kernels that have both is for AMD's
	 * CPUs only.
	 */
	CLEAR_CPU_BUFFERS
	jnc	3f
2:	vmresume
	jmp	.Lfailed
3:	vmlaunch
	jmp	.Lfailed

	_ASM_EXTABLE(2b, .Lfailed)
	_ASM_EXTABLE(3b, .Lfailed)

/* HOST_RIP. RSP is as at the entry, all other registers are the guest's. */
SYM_INNER_LABEL(lvx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, REG(0)(%rdi)
	mov	%rcx, REG(1)(%rdi)
	mov	%rdx, REG(2)(%rdi)
	mov	%rbx, REG(3)(%rdi)
	mov	%rbp, REG(5)(%rdi)
	mov	%rsi, REG(6)(%rdi)
	mov	%r8, REG(8)(%rdi)
	mov	%r9, REG(9)(%rdi)
	mov	%r10, REG(10)(%rdi)
	mov	%r11, REG(11)(%rdi)
	mov	%r12, REG(12)(%rdi)
	mov	%r13, REG(13)(%rdi)
	mov	%r14, REG(14)(%rdi)
	mov	%r15, REG(15)(%rdi)
	pop	REG(7)(%rdi)

	xor	%ebx, %ebx		/* the result */
.Lback:
	/*
	 * No register keeps a value that the guest chose, lest the host's code
	 * use it speculatively: not those either that are popped below, as a pop
	 * may miss the cache and be overtaken.
	 */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/* Before the first RET: predictions that the guest left behind. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	pop	%rdi			/* @regs */
	pop	%rdi			/* @sw */

	/*
	 * The host's IA32_SPEC_CTRL. What the guest may write itself is read
	 * first. A host that relies on IBRS writes it after each exit, even if it
	 * is the same: only then what the guest trained isn't used.
	 */
	ALTERNATIVE "jmp .Lhost_spec_ctrl", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %r8
	cmpb	$0, LVX_SWITCH_SPEC_CTRL_LIVE(%rdi)
	je	4f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, LVX_SWITCH_SPEC_CTRL(%rdi)
	cmp	%rax, %r8
	jne	5f
4:	ALTERNATIVE "jmp .Lhost_spec_ctrl", "", X86_FEATURE_KERNEL_IBRS
5:	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	%r8d, %eax
	mov	%r8, %rdx
	shr	$32, %rdx
	wrmsr
.Lhost_spec_ctrl:
	/* Whatever a mispredicted jump above skipped has happened after this. */
	ALTERNATIVE "", "lfence", X86_FEATURE_LFENCE_RDTSC

	CLEAR_BRANCH_HISTORY_VMEXIT	/* clobbers RAX and RCX */

	mov	%ebx, %eax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET

	/* VMfail, or a fault: the registers still hold the guest's values. */
.Lfailed:
	mov	$1, %ebx
	jmp	.Lback
SYM_FUNC_END(lvx_enter)

/**
 * lvx_do_nmi() - hand an NMI that ended the guest's run to the host's handler
 * @handler (%rdi): the kernel's NMI entry point
 *
 * VM exit does not deliver the NMI, but blocks further ones until an IRET: the
 * handler's own IRET from the frame built here lifts that.
 */
SYM_FUNC_START(lvx_do_nmi)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	push	$__KERNEL_CS
	CALL_NOSPEC rdi
	mov	%rbp, %rsp
	pop	%rbp
	RET
SYM_FUNC_END(lvx_do_nmi)
