#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Protections that the emulator can't show, looked for in what was built: lvx.ko's
# way into the guest and back beside that of the same kernel's kvm-intel.ko, as
# TAP. Each check is a function that prints what it objects to; silence passes.
#
# usage: check.sh [VERSION=LVX.KO...]
#
# shellcheck disable=SC2317 # checks are called by their names

set -uo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
HERE=$TOP/selftests/built
BUILD=${BUILD:-$TOP/build}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

CHECKS=(alternatives order cache_flush imports entry_path exit_path noinstr
	retpolines return_thunks exit_reasons)

# What KVM's modules ask of the kernel for the protections of VM entry and exit.
# A kernel whose KVM doesn't import one has no such protection, or has it inline.
IMPORTS="x86_spec_ctrl_current x86_verw_sel clear_bhb_loop l1tf_mitigation
	mmio_stale_data_clear rcu_note_context_switch context_tracking_key
	__ct_user_enter __ct_user_exit vtime_guest_enter vtime_guest_exit
	perf_guest_get_msrs intel_pt_handle_vmx x86_ibpb_exit_to_user
	handle_guest_split_lock x86_pred_cmd switch_mm_always_ibpb
	do_machine_check asm_exc_nmi_noist asm_exc_nmi_kvm_vmx irq_stat
	__x86_return_thunk __x86_indirect_thunk_rax"
# These take another way in lvx: see Documentation/hardening.rst.
EXPECTED_MISSING="irq_stat"

unpack()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# Everything that the checks read, once per module: disassembly.
prepare()
{
	local name=$1

	objdump -dr --no-show-raw-insn "$WORK/$name.ko" >"$WORK/$name.dis"
	{
		readelf -SW "$WORK/$name.ko"
		readelf -sW "$WORK/$name.ko"
		readelf -rW "$WORK/$name.ko"
		readelf -x .altinstructions "$WORK/$name.ko"
	} >"$WORK/$name.elf" 2>/dev/null
	readelf -sW "$WORK/$name.ko" | awk '$7 == "UND" && $8 != "" { print $8 }' |
		sort -u >"$WORK/$name.imports"
}

# The features behind the alternatives in some functions, one a line.
features()
{
	awk -v functions="$2" -f "$HERE/alternatives.awk" "$WORK/$1.elf" | sort -u
}

# Numbers are for machines: the kernel's own name of a feature.
name_features()
{
	awk 'NR == FNR {
		if (match($0, /^#define X86_FEATURE_[A-Z0-9_]+[ \t]+\( *[0-9]+ *\* *32 *\+ *[0-9]+\)/)) {
			line = substr($0, RSTART, RLENGTH)
			split(line, word, /[ \t]+/)
			sub(/.*\(/, "", line)
			split(line, part, /[^0-9]+/)
			i = part[1] == "" ? 2 : 1
			name[part[i] * 32 + part[i + 2]] = substr(word[2], 13)
		}
		next
	}
	{ print ($1 in name) ? name[$1] : "feature " $1 }' "$FEATURES" -
}

# Both must be patched for the same features of the CPU, entry and exit.
compare()
{
	features kvm-intel "$1" >"$WORK/want"
	features lvx "$2" >"$WORK/have"
	[ -s "$WORK/want" ] || echo "no alternatives found in $1 of kvm-intel.ko"
	comm -23 "$WORK/want" "$WORK/have" | name_features |
		sed "s/\$/: kvm_intel has it in $1, lvx not in $2/"
	comm -13 "$WORK/want" "$WORK/have" | name_features |
		sed "s/\$/: lvx has it in $2, kvm_intel not in $1/"
}

check_alternatives()
{
	compare "__vmx_vcpu_run vmx_vmexit vmx_spec_ctrl_restore_host" \
		"lvx_enter lvx_exit_point"
}

# After the exit: return stack, IA32_SPEC_CTRL, speculation barrier, branch history.
check_order()
{
	local want have

	want="MSR_SPEC_CTRL CLEAR_CPU_BUF RSB_VMEXIT RSB_VMEXIT_LITE MSR_SPEC_CTRL
	      KERNEL_IBRS LFENCE_RDTSC CLEAR_BHB_LOOP_ON_VMEXIT"
	have=$(awk -v functions="lvx_enter lvx_exit_point" -v places=1 \
		-f "$HERE/alternatives.awk" "$WORK/lvx.elf" | sort -s -n -k 2,2 |
		cut -d' ' -f1 | name_features | xargs)
	[ "$have" = "$(xargs <<<"$want")" ] || echo "the order is $have"
}

check_cache_flush()
{
	compare vmx_l1d_flush lvx_empty_caches
}

check_imports()
{
	local symbol

	cat "$WORK/kvm.imports" "$WORK/kvm-intel.imports" | sort -u >"$WORK/kvms"
	for symbol in $IMPORTS; do
		grep -qx "$symbol" "$WORK/kvms" || continue
		grep -qx "$symbol" "$WORK/lvx.imports" && continue
		grep -qw "$symbol" <<<"$EXPECTED_MISSING" ||
			echo "$symbol: KVM uses it, lvx does not"
	done
}

# One function's code, to the next one that is not its inner label.
code()
{
	awk -v from="$2" -v to="$3" '
		/^[0-9a-f]+ <.*>:$/ {
			label = $2
			gsub(/[<>:]/, "", label)
			if (on && label != to && to != "")
				exit
			if (on && label == to)
				exit
			on = label == from
			next
		}
		on' "$WORK/$1.dis"
}

# Into the guest: after IA32_SPEC_CTRL has the guest's value no CALL, RET or
# indirect jump; after VERW nothing but the jump to VMLAUNCH or VMRESUME.
check_entry_path()
{
	code lvx lvx_enter lvx_exit_point | awk -f "$HERE/entry.awk"
}

check_exit_path()
{
	code lvx lvx_exit_point "" | awk -f "$HERE/exit.awk"
}

# Functions that run while RCU may think the CPU idle, and whom they call.
check_noinstr()
{
	local function

	for function in lvx_enter lvx_exit_point lvx_do_nmi enter_tracked; do
		awk -v f="$function" '
			/^ *\[ *[0-9]+\]/ {
				sub(/^ *\[ */, "")
				sub(/\]/, "")
				section[$1] = $2
			}
			$8 == f && $7 in section { found = section[$7] }
			END { if (found != ".noinstr.text")
				print f ": not in .noinstr.text, but " \
				      (found ? found : "nowhere") }
		' "$WORK/lvx.elf"
	done
	code lvx enter_tracked "" |
		awk '/R_X86_64_(PLT32|PC32)/ && call { print $3 }
		     { call = $2 == "call" || $2 == "jmp" }' | sed 's/[-+].*//' |
		sort -u | grep -vxE 'lvx_enter|__ct_user_(enter|exit)|rcu_note_context_switch|(trace|lockdep)_hardirqs_.*|__x86_return_thunk|\.altinstr_aux|\.noinstr\.text|context_tracking' |
		sed 's/$/: called by enter_tracked()/'
}

# With retpolines, an indirect branch is a direct one to a thunk. Calls through
# pv_ops are made direct ones at load.
check_retpolines()
{
	awk 'held != "" && !/pv_ops/ { print held }
	     { held = "" }
	     /^[0-9a-f]+ <.*>:$/ { f = $2 }
	     $2 ~ /^(call|jmp|notrack|bnd)/ && /\*/ { held = f " " $0 }
	     END { if (held != "") print held }' "$WORK/lvx.dis"
	grep -q '__x86_indirect_thunk' "$WORK/lvx.elf" || echo "no thunk is used"
}

check_return_thunks()
{
	awk '/^[0-9a-f]+ <.*>:$/ { f = $2 }
	     $2 ~ /^ret/ { print f " " $0 }' "$WORK/lvx.dis"
}

# Each basic exit reason of the kernel's header has a row, or a reason for none.
check_exit_reasons()
{
	awk 'NR == FNR {
		while (match($0, /(ROW|UNDEFINED|NEVER)\([A-Z_]+,/)) {
			name = substr($0, RSTART, RLENGTH - 1)
			sub(/.*\(/, "", name)
			if (name != "reason")
				rows[name]++
			$0 = substr($0, RSTART + RLENGTH)
		}
		next
	}
	/^#define EXIT_REASON_/ {
		name = substr($2, 13)
		if (!(name in rows))
			print "exit reason " name " has neither a row nor NEVER() in exit.c"
		else if (rows[name] > 1)
			print "exit reason " name " is in exit.c twice"
		n++
	}
	END { if (n < 60) print "only " n + 0 " exit reasons in the kernel'"'"'s header" }
	' "$TOP/module/vmx/exit.c" "$REASONS"
}

[ $# -gt 0 ] || set -- "6.1=$BUILD/6.1/lvx.ko" "6.12=$BUILD/6.12/lvx.ko"
command -v objdump >/dev/null || { echo "objdump is missing" >&2; exit 1; }
echo "1..$(($# * ${#CHECKS[@]}))"
number=0 bad=0
for pair; do
	version=${pair%%=*}
	kernel=$BUILD/kernels/$version
	common=$(find "$kernel"/usr/src/ -maxdepth 1 -name 'linux-headers-*-common')
	FEATURES=$common/arch/x86/include/asm/cpufeatures.h
	REASONS=$common/arch/x86/include/uapi/asm/vmx.h
	cp "${pair#*=}" "$WORK/lvx.ko" || exit 1
	prepare lvx
	for module in kvm kvm-intel; do
		unpack "$(echo "$kernel"/modules/kernel/arch/x86/kvm/$module.ko*)" \
			>"$WORK/$module.ko" || exit 1
		prepare $module
	done
	for check in "${CHECKS[@]}"; do
		number=$((number + 1))
		objections=$("check_$check" 2>&1)
		if [ -z "$objections" ]; then
			echo "ok $number $version: $check"
		else
			head -n 20 <<<"$objections" | sed 's/^/# /'
			echo "not ok $number $version: $check"
			bad=1
		fi
	done
done
exit $bad
