#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the bench on /dev/lvx and on /dev/kvm, in one boot of the (emulated)
# host, and prints the figures side by side. "boot" as an argument adds the
# boot of a stock guest.

here=$(dirname "$0")
out=/tmp/bench.$$
mkdir -p "$out" || exit 1
trap 'rm -rf "$out"' EXIT

for node in lvx kvm; do
	"$here/bench" --device "/dev/$node" >"$out/$node" || exit 1
	for extra in "$@"; do
		"$here/bench" --device "/dev/$node" "$extra" >>"$out/$node" || exit 1
	done
done
awk 'FNR == NR { lvx[$1] = $2; next }
     FNR == 1 { printf "%-22s %14s %14s %8s\n", "ticks", "lvx", "kvm", "lvx/kvm" }
     { printf "%-22s %14d %14d %8.2f\n", $1, lvx[$1], $2, lvx[$1] / $2 }' \
	"$out/lvx" "$out/kvm"
