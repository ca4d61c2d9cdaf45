/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch: the guest's general registers in, VMLAUNCH or VMRESUME, and
 * the guest's general registers out. Everything else that VM entry and exit do
 * not switch is switched in C (load.c), less often.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "vmx/enter.h"

#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS	CLEAR_CPU_BUFFERS
#endif

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
 * @host_rsp (%rdx): what VMCS field HOST_RSP holds; updated
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
	push	%rdi			/* VM exit finds the registers through it */

	/* The stack is nearly always as deep as last time. */
	cmp	%rsp, (%rdx)
	je	1f
	mov	%rsp, (%rdx)
	mov	$LVX_FIELD_HOST_RSP, %eax
	vmwrite	%rsp, %rax
1:
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

	/* Where the CPU leaks its buffers: VERW. It changes ZF alone. */
	VM_CLEAR_CPU_BUFFERS
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

	/* Before the first RET: predictions that the guest left behind. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	CLEAR_BRANCH_HISTORY_VMEXIT	/* clobbers RAX and RCX */

	xor	%eax, %eax
.Lout:
	/*
	 * No register keeps a value that the guest chose, lest the host's code
	 * use it speculatively. Those popped below need no clearing.
	 */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET

	/* VMfail, or a fault: the registers still hold the guest's values. */
.Lfailed:
	mov	$1, %eax
	jmp	.Lout
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
