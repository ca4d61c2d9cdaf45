/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every instruction that module/pure executes, in every form of its operands,
 * written as the assembler has it: insns_64 is a list of lengths and bytes for
 * the tests. What lvx claims to execute belongs here first.
 *
 * Operands are at M, of which nothing but the address matters, or, aligned, at
 * rBX or rDI.
 */
	.macro insn text:vararg
	.byte	92f - 91f
91:	\text
92:
	.endm

/* An operand in memory: base, index and displacement; disp8 in EVEX, too. */
#define M	0x40(%rbx, %rsi, 2)

	.macro one_operand s, op
	insn \op\s M
	insn lock \op\s (%rbx)
	.endm

	.macro multiply s, op
	insn \op\s M
	.endm

	.macro shift s, op
	insn \op\s M
	insn \op\s $5, M
	insn \op\s $9, M
	insn \op\s $33, M
	insn \op\s %cl, M
	.endm

	.macro bit_string op, r
	insn \op %\r, (%rbx)
	.endm

	.macro bit_scan r, op
	insn \op M, %\r
	.endm

	.macro bmi r, s
	insn adcx M, %\s\r
	insn adox M, %\s\r
	insn andn M, %\s\()di, %\s\r
	insn bextr %\s\()di, M, %\s\r
	insn blsr M, %\s\r
	insn blsmsk M, %\s\r
	insn blsi M, %\s\r
	insn bzhi %\s\()di, M, %\s\r
	insn pdep M, %\s\()di, %\s\r
	insn pext M, %\s\()di, %\s\r
	insn mulx M, %\s\()di, %\s\r
	insn mulx M, %\s\r, %\s\r
	insn sarx %\s\()di, M, %\s\r
	insn shlx %\s\()di, M, %\s\r
	insn shrx %\s\()di, M, %\s\r
	insn rorx $7, M, %\s\r
	insn rorx $0, M, %\s\r
	.endm

	.macro string_move s, op
	insn \op\s
	insn rep \op\s
	insn addr32 rep \op\s
	.endm

	.macro string_compare s, op
	insn \op\s
	insn repe \op\s
	insn repne \op\s
	insn addr32 repne \op\s
	.endm

	.macro sse_move r, op
	insn \op M, %xmm\r
	insn \op %xmm\r, M
	insn \op (%rdi), %xmm\r
	insn \op %xmm\r, (%rdi)
	.endm

	.macro avx_move r, op, v
	insn v\op M, %\v\()mm\r
	insn v\op %\v\()mm\r, M
	insn v\op (%rdi), %\v\()mm\r
	insn v\op %\v\()mm\r, (%rdi)
	.endm

	.macro stream_store r, op
	insn \op %xmm\r, (%rdi)
	insn v\op %xmm\r, (%rdi)
	insn v\op %ymm\r, (%rdi)
	.endm

	.macro stream_load r, op
	insn \op (%rdi), %xmm\r
	insn v\op (%rdi), %xmm\r
	insn v\op (%rdi), %ymm\r
	.endm

	.macro scalar r, op
	insn \op M, %xmm\r
	insn \op %xmm\r, M
	insn v\op M, %xmm\r
	insn v\op %xmm\r, M
	.endm

	.macro half r, op
	insn \op M, %xmm\r
	insn \op %xmm\r, M
	insn v\op M, %xmm5, %xmm\r
	insn v\op %xmm\r, M
	.endm

	.macro extract r, i, op
	insn \op $\i, %xmm\r, M
	insn v\op $\i, %xmm\r, M
	.endm

	.macro insert r, i, op
	insn \op $\i, M, %xmm\r
	insn v\op $\i, M, %xmm5, %xmm\r
	.endm

	.macro insert_128 r, op
	insn v\op $0, M, %ymm5, %ymm\r
	insn v\op $1, M, %ymm5, %ymm\r
	.endm

	.macro extract_128 r, op
	insn v\op $0, %ymm\r, M
	insn v\op $1, %ymm\r, M
	.endm

	.macro broadcast r, op
	insn v\op M, %xmm\r
	insn v\op M, %ymm\r
	.endm

	.macro broadcast_ymm r, op
	insn v\op M, %ymm\r
	.endm

	.macro mask_move r, op, v
	insn v\op M, %\v\()mm5, %\v\()mm\r
	insn v\op %\v\()mm\r, %\v\()mm5, M
	.endm

	.macro evex_move r, v, op
	insn {evex} \op M, %\v\()mm\r
	insn {evex} \op %\v\()mm\r, M
	insn {evex} \op (%rdi), %\v\()mm\r
	insn {evex} \op %\v\()mm\r, (%rdi)
	insn \op (%rdi), %\v\()mm\r\(){%k3}
	insn \op (%rdi), %\v\()mm\r\(){%k3}{z}
	insn \op %\v\()mm\r, (%rdi){%k5}
	.endm

	.macro evex_stream_store r, v, op
	insn {evex} \op %\v\()mm\r, (%rdi)
	.endm

	.macro evex_stream_load r, v
	insn {evex} vmovntdqa (%rdi), %\v\()mm\r
	.endm

	.macro evex_broadcast r, v, op
	insn {evex} \op M, %\v\()mm\r
	insn \op M, %\v\()mm\r\(){%k3}
	insn \op M, %\v\()mm\r\(){%k3}{z}
	.endm

	.macro evex_broadcast_zmm r, op
	insn \op M, %zmm\r
	insn \op M, %zmm\r\(){%k3}
	.endm

	.macro evex_scalar r, op
	insn {evex} \op M, %xmm\r
	insn {evex} \op %xmm\r, M
	insn \op M, %xmm\r\(){%k3}
	insn \op M, %xmm\r\(){%k3}{z}
	insn \op %xmm\r, M{%k3}
	.endm

	.macro evex_short r, op
	insn {evex} \op M, %xmm\r
	insn {evex} \op %xmm\r, M
	.endm

	.macro evex_half r, op
	insn {evex} \op M, %xmm21, %xmm\r
	insn {evex} \op %xmm\r, M
	.endm

	.macro evex_extract r, op
	insn {evex} \op $3, %xmm\r, (%rdi)
	.endm

	.macro evex_insert r, op
	insn {evex} \op $7, (%rdi), %xmm21, %xmm\r
	.endm

	.section .rodata
	.globl	insns_64
insns_64:
	/* Moves */
	insn movb %cl, M
	insn movb %ah, (%rbx)
	insn movb %sil, (%rbx)
	insn movb %r9b, M
	insn movw %cx, M
	insn movl %ecx, M
	insn movq %rcx, M
	insn movb M, %cl
	insn movb (%rbx), %dh
	insn movw M, %cx
	insn movl M, %ecx
	insn movq M, %r15
	insn movb $0x81, M
	insn movw $0x8182, M
	insn movl $0x81828384, M
	insn movq $-5, M
	.irp r, es, cs, ss, ds, fs, gs
	insn movw %\r, M
	.endr
	insn movntil %ecx, M
	insn movntiq %rcx, M
	insn movdiri %ecx, M
	insn movdiri %rcx, M
	.irp r, cx, ecx, rcx
	insn movbe M, %\r
	insn movbe %\r, M
	.endr
	insn movzbw M, %cx
	insn movzbl M, %ecx
	insn movzbq M, %rcx
	insn movzwl M, %ecx
	insn movzwq M, %rcx
	insn movsbw M, %cx
	insn movsbl M, %ecx
	insn movsbq M, %rcx
	insn movswl M, %ecx
	insn movswq M, %rcx
	insn movslq M, %rcx
	insn xlatb
	.irp cc, o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g
	insn set\cc M
	insn cmov\cc M, %cx
	insn cmov\cc M, %ecx
	insn cmov\cc M, %rcx
	.endr

	/* Arithmetic and logic */
	.irp op, add, or, adc, sbb, and, sub, xor, cmp
	insn \op\()b %cl, M
	insn \op\()w %cx, M
	insn \op\()l %ecx, M
	insn \op\()q %rcx, M
	insn \op\()b M, %cl
	insn \op\()w M, %cx
	insn \op\()l M, %ecx
	insn \op\()q M, %rcx
	insn \op\()b $0x81, M
	insn \op\()w $0x1234, M
	insn \op\()l $0x12345678, M
	insn \op\()q $-0x12345678, M
	insn \op\()w $-3, M
	insn \op\()l $-3, M
	insn \op\()q $-3, M
	.endr
	.irp op, add, or, adc, sbb, and, sub, xor
	insn lock \op\()b %cl, (%rbx)
	insn lock \op\()w %cx, (%rbx)
	insn lock \op\()l %ecx, (%rbx)
	insn lock \op\()q %rcx, (%rbx)
	insn lock \op\()l $-3, (%rbx)
	.endr
	insn testb %cl, M
	insn testw %cx, M
	insn testl %ecx, M
	insn testq %rcx, M
	insn testb $0x81, M
	insn testw $0x8001, M
	insn testl $0x80000001, M
	insn testq $-0x7fffffff, M
	.irp s, b, w, l, q
	.irp op, not, neg, inc, dec
	one_operand \s, \op
	.endr
	.irp op, mul, imul, div, idiv
	multiply \s, \op
	.endr
	.irp op, rol, ror, rcl, rcr, shl, shr, sar
	shift \s, \op
	.endr
	.endr
	.irp r, cx, ecx, rcx
	insn imul M, %\r
	insn imul $-3, M, %\r
	insn imul $0x1234, M, %\r
	insn shld $3, %\r, M
	insn shrd $3, %\r, M
	.endr
	.irp r, dx, edx, rdx
	insn shld %cl, %\r, M
	insn shrd %cl, %\r, M
	.endr

	/* Bits */
	.irp op, bt, bts, btr, btc
	.irp r, cx, ecx, rcx
	bit_string \op, \r
	.endr
	insn \op\()w $19, M
	insn \op\()l $35, M
	insn \op\()q $67, M
	.endr
	.irp op, bts, btr, btc
	insn lock \op\()l $35, (%rbx)
	.endr
	.irp r, cx, ecx, rcx
	.irp op, bsf, bsr, tzcnt, lzcnt, popcnt
	bit_scan \r, \op
	.endr
	.endr
	insn crc32b M, %ecx
	insn crc32w M, %ecx
	insn crc32l M, %ecx
	insn crc32b M, %rcx
	insn crc32q M, %rcx
	.irp r, cx, dx
	.irp s, e, r
	bmi \r, \s
	.endr
	.endr

	/* Exchanges */
	.irp r, cl, cx, ecx, rcx
	insn xchg %\r, (%rdi)
	insn xadd %\r, (%rdi)
	insn lock xadd %\r, (%rdi)
	insn cmpxchg %\r, (%rdi)
	insn lock cmpxchg %\r, (%rdi)
	.endr
	insn cmpxchg8b (%rdi)
	insn lock cmpxchg8b (%rdi)
	insn cmpxchg16b (%rdi)
	insn lock cmpxchg16b (%rdi)

	/* Strings */
	.irp s, b, w, l, q
	.irp op, movs, stos, lods
	string_move \s, \op
	.endr
	.irp op, cmps, scas
	string_compare \s, \op
	.endr
	insn movs\s %gs:(%rsi), %es:(%rdi)
	.endr

	/* Hints, which access nothing */
	insn clflush M
	insn clflushopt M
	insn clwb M
	insn prefetcht0 M
	insn prefetcht1 M
	insn prefetcht2 M
	insn prefetchnta M
	insn prefetchw M

	/* MMX */
	insn movd M, %mm1
	insn movd %mm1, M
	insn movq M, %mm2
	insn movq %mm2, M
	insn {load} movq M, %mm7
	insn rex.w movd M, %mm1
	insn rex.w movd %mm1, M
	insn movntq %mm3, M
	insn maskmovq %mm3, %mm4
	insn pinsrw $2, M, %mm5

	/* Vectors, without and with VEX */
	.irp r, 1, 9
	.irp op, movups, movupd, movaps, movapd, movdqa, movdqu
	sse_move \r, \op
	.irp v, x, y
	avx_move \r, \op, \v
	.endr
	.endr
	.irp op, movntps, movntpd, movntdq
	stream_store \r, \op
	.endr
	.irp op, movntdqa, lddqu, movsldup, movshdup, movddup
	stream_load \r, \op
	.endr
	.irp op, movss, movsd, movd, movq
	scalar \r, \op
	.endr
	insn rex.w movd M, %xmm\r
	insn rex.w movd %xmm\r, M
	.irp op, movlps, movlpd, movhps, movhpd
	half \r, \op
	.endr
	.irp i, 0, 3, 13
	.irp op, pextrb, pextrw, pextrd, pextrq, extractps
	extract \r, \i, \op
	.endr
	.irp op, pinsrb, pinsrw, pinsrd, pinsrq
	insert \r, \i, \op
	.endr
	.endr
	insn insertps $0x25, M, %xmm\r
	insn vinsertps $0xda, M, %xmm5, %xmm\r
	.irp op, insertf128, inserti128
	insert_128 \r, \op
	.endr
	.irp op, extractf128, extracti128
	extract_128 \r, \op
	.endr
	.irp op, broadcastss, pbroadcastb, pbroadcastw, pbroadcastd, \
		pbroadcastq
	broadcast \r, \op
	.endr
	.irp op, broadcastsd, broadcastf128, broadcasti128
	broadcast_ymm \r, \op
	.endr
	.irp op, maskmovps, maskmovpd, pmaskmovd, pmaskmovq
	.irp v, x, y
	mask_move \r, \op, \v
	.endr
	.endr
	insn maskmovdqu %xmm3, %xmm\r
	insn vmaskmovdqu %xmm3, %xmm\r
	.endr

	/* Vectors with EVEX: without a mask, merging, zeroing */
	.irp r, 2, 19
	.irp v, x, y, z
	.irp op, vmovups, vmovupd, vmovaps, vmovapd, vmovdqa32, vmovdqa64, \
		vmovdqu8, vmovdqu16, vmovdqu32, vmovdqu64
	evex_move \r, \v, \op
	.endr
	.irp op, vmovntps, vmovntpd, vmovntdq
	evex_stream_store \r, \v, \op
	.endr
	evex_stream_load \r, \v
	.irp op, vmovsldup, vmovshdup, vmovddup, vbroadcastss, vpbroadcastb, \
		vpbroadcastw, vpbroadcastd, vpbroadcastq, vbroadcasti32x2
	evex_broadcast \r, \v, \op
	.endr
	.endr
	.irp v, y, z
	.irp op, vbroadcastsd, vbroadcastf32x2, vbroadcastf32x4, \
		vbroadcastf64x2, vbroadcasti32x4, vbroadcasti64x2
	evex_broadcast \r, \v, \op
	.endr
	.endr
	.irp op, vbroadcastf32x8, vbroadcastf64x4, vbroadcasti32x8, \
		vbroadcasti64x4
	evex_broadcast_zmm \r, \op
	.endr
	.irp op, vmovss, vmovsd
	evex_scalar \r, \op
	.endr
	.irp op, vmovd, vmovq
	evex_short \r, \op
	.endr
	.irp op, vmovlps, vmovlpd, vmovhps, vmovhpd
	evex_half \r, \op
	.endr
	.irp op, vpextrb, vpextrw, vpextrd, vpextrq, vextractps
	evex_extract \r, \op
	.endr
	.irp op, vpinsrb, vpinsrw, vpinsrd, vpinsrq, vinsertps
	evex_insert \r, \op
	.endr
	.endr
#ifndef PLAIN_ONLY
	/* Not for who knows only rBX, rSI and rDI, or only defined results */
	insn movl %ecx, (%rax)
	insn movl %ecx, (%r12)
	insn movl %ecx, (%r13)
	insn movl %ecx, 0x12345(%rbp)
	insn movl %ecx, (%rdi, %r14, 8)
	insn movl %ecx, 8(, %rdx, 4)
	insn movl %ecx, 4(%ebx)
	insn movl %ecx, %gs:(%rbx)
	insn movl (%rsp), %ecx
	insn movl %ecx, 8(%rsp, %rdi)
	insn pushw M
	insn pushq M
	insn popw M
	insn popq M
	insn popq 8(%rsp)
	.irp r, cx, ecx, rcx
	insn shld $17, %\r, M
	insn shrd $45, %\r, M
	.endr
	/* Bochs 2.7 scales the displacement of two of these wrongly. */
	.irp op, vpextrb, vpextrw, vpextrd, vpextrq, vextractps
	insn {evex} \op $3, %xmm6, M
	.endr
	.irp op, vpinsrb, vpinsrw, vpinsrd, vpinsrq, vinsertps
	insn {evex} \op $7, M, %xmm5, %xmm6
	.endr
#endif
	.byte	0

	.section .note.GNU-stack, "", @progbits
