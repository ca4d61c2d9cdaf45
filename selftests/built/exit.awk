# SPDX-License-Identifier: GPL-2.0
#
# Objects to the order of things after lvx_exit_point: the guest's registers
# cleared, WRMSR of IA32_SPEC_CTRL, and only then a CALL or RET. What alternatives
# put in is not here but in .altinstr_replacement; their places are NOPs.

BEGIN {
	n = split("eax ecx edx ebx ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d",
		  names, " ")
}

$1 ~ /^[0-9a-f]+:$/ && $2 !~ /^R_X86/ {
	insn = $2
	if (insn == "xor" && match($3, /^%[a-z0-9]+,/)) {
		reg = substr($3, 2, RLENGTH - 2)
		if ($3 == "%" reg ",%" reg)
			cleared[reg] = 1
	}
	if (insn == "wrmsr")
		spec_ctrl = 1
	if (!spec_ctrl && (insn ~ /^(call|ret)/ || /\*/))
		print "before WRMSR of IA32_SPEC_CTRL: " $0
	# KVM has a WRMSR on its way, and what it doesn't write was not changed.
	if (insn == "nop")
		nops++
	if (!spec_ctrl && insn == "nop")
		room++
}
/R_X86_64.*__x86_return_thunk/ {
	if (!spec_ctrl)
		print "RET before WRMSR of IA32_SPEC_CTRL"
	returns++
}

END {
	for (i = 1; i <= n; i++)
		if (!(names[i] in cleared))
			print names[i] " keeps the guest's value"
	if (!spec_ctrl)
		print "no WRMSR of IA32_SPEC_CTRL after the exit"
	if (!returns)
		print "no return found"
	# A loop that fills the return stack is longer than this.
	if (room < 10)
		print "no room to fill the return stack before IA32_SPEC_CTRL is written"
}
