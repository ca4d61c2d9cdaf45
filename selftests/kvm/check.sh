#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-kvm-selftests: runs the kernel's KVM selftests in the emulated
# machine, on kvm_intel and on lvx, prints TAP, and writes the table of results
# to Documentation/kvm-selftests.rst. All of them take more than half an hour;
# running only some renews their rows alone.
#
# usage: check.sh [TEST...]

set -uo pipefail
# shellcheck source=../lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"

HOST=${HOST:-6.1}
CPU=${CPU:-corei7_skylake_x}
TESTS=$TOP/selftests/kvm/tests
OUT=$BUILD/kvm-selftests
TABLE=$TOP/Documentation/kvm-selftests.rst

# Two CPUs, since tests migrate threads.
run()
{
	"$LAB/run.sh" --host "$HOST" --cpu "$CPU" --cpus 2 --memory "${MEMORY:-2048}" \
		--time "${TIME:-5400}" --add "$OUT/bin:/kvm" -- "/kvm/run-tests.sh $*"
}

# One line for each test: name | on lvx | on KVM | why. New ones replace old.
# When the machine died or stood still (run.sh ends with 125 or 124), the test
# that had begun and never got its line is the suspect.
keep_results()
{
	touch "$OUT/results"
	tr -d '\r' <"$OUT/run.log" | awk -v status="$1" '
		sub(/^# running on KVM: /, "") { open = $0 " | not run | host ended |"; next }
		sub(/^# running on lvx: /, "") {
			open = $0
			sub(/ [|] /, " | host ended | ", open)
			open = open " |"
			next
		}
		sub(/^# table: /, "") { print; open = "" }
		END { if (open != "" && (status == 124 || status == 125)) print open }
		' >"$OUT/results.new"
	awk -F ' [|] ' 'NR == FNR { print; new[$1] = 1; next } !($1 in new)' \
		"$OUT/results.new" "$OUT/results" >"$OUT/results.all"
	mv "$OUT/results.all" "$OUT/results"
}

# rows TITLE RANK: in the order of the list.
rows()
{
	printf '\n%s\n%s\n\n' "$1" "${1//?/=}"
	printf '.. list-table::\n   :header-rows: 1\n\n'
	printf '   * - test\n     - lvx\n     - KVM\n     - remarks\n'
	awk -F ' *[|] *' -v rank="$2" '
		NR == FNR { lvx[$1] = $2; kvm[$1] = $3; why[$1] = $4; next }
		$1 != rank { next }
		{
			name = $2 ($4 == "" ? "" : " " $4)
			if (!(name in lvx))
				lvx[name] = kvm[name] = "not run"
			printf "   * - ``%s``\n     - %s\n     - %s\n", name, lvx[name], kvm[name]
			gsub(/ *slow| *IF */, "", $5)
			said = why[name] == "" ? "" : " ``" why[name] "``"
			print "     -" ($5 == "" ? "" : " (" $5 ")") said
		}' "$OUT/results" "$TESTS"
}

table()
{
	cat <<-END
		.. SPDX-License-Identifier: GPL-2.0
		.. Written by "make check-kvm-selftests"; changes made here get lost.

		====================
		KVM selftests on lvx
		====================

		The kernel's own selftests of KVM, built from Debian's linux-source-6.1,
		each run on kvm_intel and on lvx with the same arguments: host kernel
		$HOST, two emulated CPUs of model $CPU.
		"make check-kvm-selftests" runs them and writes this page. A test that is
		*hung* did not end within its time and was killed, one that is *stuck* was
		not to be killed; in one with *host ended* the machine stopped. A test that finds
		something missing says *skip*; one that made the host's kernel complain
		counts as *fail*.

		The tests are unchanged, except that those marked (NAME=VALUE) have a
		constant made smaller for which there is no argument. With
		EMULATOR=distribution those whose guests loop with RFLAGS.IF clear are
		skipped: that emulator never interrupts such a guest, which would hold its
		CPU for ever under either hypervisor.
	END
	rows "vCPUs and their state" 1
	rows "Interrupts and debugging" 2
	rows "Memory" 3
	rows "More of the interface" 4
	rows "What lvx does not offer" 5
}

run "$@" | tee "$OUT/run.log"
status=${PIPESTATUS[0]}
keep_results "$status"
table >"$TABLE.new" && mv "$TABLE.new" "$TABLE"
say "the table is in ${TABLE#"$TOP"/}"
read -r passed failed skipped <<<"$(awk -f "$LAB/tap.awk" "$OUT/run.log")"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
