# SPDX-License-Identifier: GPL-2.0
#
# Objects to code between lvx_enter() and the guest: see check.sh.

$1 ~ /^[0-9a-f]+:$/ && $2 !~ /^R_X86/ {
	insn = $2
	if (insn == "wrmsr")
		spec_ctrl = 1
	if (spec_ctrl && !entered && (insn ~ /^(call|ret)/ || /\*/))
		print "after WRMSR of IA32_SPEC_CTRL: " $0
	if (verw && !entered && insn !~ /^(j[a-z]+|vm(launch|resume)|nop)$/)
		print "after VERW: " $0
	if (insn == "verw")
		verw = 1
	if (insn ~ /^vm(launch|resume)$/)
		entered++
}
/R_X86_64.*__x86_return_thunk/ && spec_ctrl && !entered { print "RET after WRMSR" }
/R_X86_64.*x86_verw_sel/ { verw = 1 }

END {
	if (!spec_ctrl)
		print "no WRMSR of IA32_SPEC_CTRL before the entry"
	if (entered != 2)
		print "no VMLAUNCH and VMRESUME found"
}
