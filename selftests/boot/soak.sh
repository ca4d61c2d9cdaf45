#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Many boots in a row, each kernel in turn, one killed in mid-boot: the host
# must be as good afterwards as before. Takes too long for every day:
# make check JOBS=soak.
#
# usage: soak.sh [BOOTS]

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

boots=${1:-20}
crash_kernel >/tmp/crash
echo "# boot/soak"
kvm_works "KVM runs a guest before"
before=$(sed -n 's/^Slab: *//p' /proc/meminfo)
i=0
while [ $i -lt "$boots" ]; do
	i=$((i + 1))
	version=6.1
	[ $((i % 2)) -eq 1 ] || version=6.12
	guest $version lvx.poweroff
	expect "boot $i: Debian $version" 0 "init reached, Linux $version"
done

start ""
wait_for "Linux version" 1
kill_in_boot
echo "# slab before $before, after $(sed -n 's/^Slab: *//p' /proc/meminfo)"
guest 6.1 lvx.poweroff
expect "lvx runs a guest afterwards" 0 "init reached, Linux 6.1"
host_is_clean
finish
