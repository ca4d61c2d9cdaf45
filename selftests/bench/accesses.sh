#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Counts the accesses to the VMCS and to MSRs in one round of each row of the
# bench, on /dev/lvx and on /dev/kvm, from the emulator's own trace. The folder
# with the bench's programs is the argument.

set -euo pipefail
here=$(dirname "$0")
rows=$(mktemp)
trace=$(mktemp)
trap 'rm -f "$rows" "$trace"' EXIT

# Twelve rows for each of the two.
# shellcheck disable=SC2016 # expanded in the emulated host
"$here/../lab/run.sh" --measure --trace "$trace:24" --add "$1:/bench" -- \
	'for node in lvx kvm; do
		/bench/bench --device /dev/$node trace | sed "s/^/$node /"
	done' >"$rows"
awk -f "$here/accesses.awk" "$rows" "$trace"
