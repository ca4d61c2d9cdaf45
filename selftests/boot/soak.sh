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

lvx run --kernel /guest/vmlinuz-6.1 --initrd /guest/initrd \
	--append "cryptomgr.notests" >"$LOG" 2>&1 </dev/null &
launcher=$!
wait_for "Linux version" 1
kill -KILL $launcher
wait $launcher 2>/dev/null
rmmod lvx
result $? "the module goes after kill -9 in mid-boot"
echo "# slab before $before, after $(sed -n 's/^Slab: *//p' /proc/meminfo)"
kvm_works "KVM runs a guest afterwards"
insmod /lab/lvx.ko
guest 6.1 lvx.poweroff
expect "and so does lvx" 0 "init reached, Linux 6.1"
host_is_clean
finish
