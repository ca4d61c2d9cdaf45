#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-kvm-selftests: runs the kernel's KVM selftests in the emulated
# machine, on kvm_intel and on lvx, prints TAP, and writes the table of results
# to Documentation/kvm-selftests.rst if all of them were run.
#
# usage: check.sh [TEST...]

set -uo pipefail
# shellcheck source=../lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"

HOST=${HOST:-6.1}
CPU=${CPU:-corei7_skylake_x}
LOG=$BUILD/kvm-selftests/run.log
TABLE=$TOP/Documentation/kvm-selftests.rst

# Two CPUs, since tests migrate threads.
run()
{
	"$LAB/run.sh" --host "$HOST" --cpu "$CPU" --cpus 2 --memory "${MEMORY:-2048}" \
		--time "${TIME:-3600}" \
		--add "$BUILD/kvm-selftests/bin:/kvm" -- "/kvm/run-tests.sh $*"
}

title()
{
	printf '\n%s\n%s\n\n' "$1" "${1//?/=}"
}

rows()
{
	local rank=$1

	printf '.. list-table::\n   :header-rows: 1\n\n'
	printf '   * - test\n     - lvx\n     - KVM\n     - remarks\n'
	# Two backquotes at either end: these are words of programs.
	sed -n "s/^# table: $rank | //p" "$LOG" | tr -d '\r' |
		awk -F ' [|] ?' '{
			printf "   * - ``%s``\n     - %s\n     - %s\n", $1, $2, $3
			printf "     - %s\n", $4 == "" ? "" : "``" $4 "``"
		}' | sed 's/ *$//'
}

table()
{
	cat <<-EOF2
		.. SPDX-License-Identifier: GPL-2.0
		.. Written by "make check-kvm-selftests"; changes made here get lost.

		======================
		KVM selftests on lvx
		======================

		The kernel's own selftests of KVM, built from Debian's linux-source-6.1,
		unchanged, each run on kvm_intel and on lvx with the same arguments: host
		kernel $HOST, two emulated CPUs of model $CPU. ''make
		check-kvm-selftests'' runs them and writes this page. A test that is *hung*
		did not end within its time; one *skips* that finds something missing.
	EOF2
	title "vCPUs and their state"
	rows 1
	title "Interrupts and debugging"
	rows 2
	title "Memory"
	rows 3
	title "More of the interface"
	rows 4
}

need /usr/src/linux-source-6.1.tar.xz linux-source-6.1
run "$@" | tee "$LOG"
status=${PIPESTATUS[0]}
if [ $# -eq 0 ] && grep -q '^1\.\.[1-9]' "$LOG"; then
	table | sed "s/''/\`\`/g" >"$TABLE.new" && mv "$TABLE.new" "$TABLE"
	say "the table is in ${TABLE#"$TOP"/}"
fi
counts=$(awk -f "$LAB/tap.awk" "$LOG")
read -r passed failed skipped <<<"$counts"
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
