#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Stock kernels as guests with several CPUs, which then load each other with
# IPIs and TLB shootdowns: nothing hangs, no tick gets lost. Runs in an emulated
# host with two CPUs, which has stress-ng and its libraries.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

# What the guest's initramfs has in addition comes first, since archives begin
# at multiples of four bytes and a compressed one ends anywhere.
initrd=/tmp/initrd-load
(cd / && {
	ls -d bin bin/stress-ng boot-tests boot-tests/load.sh lib usr usr/lib
	find lib64 lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu
} | cpio -o -H newc) 2>/dev/null >$initrd
cat /guest/initrd >>$initrd

echo "# boot/smp"
for cpus in 2 4; do
	percent=90
	[ $cpus -eq 2 ] || percent=35
	guest 6.1 "lvx.script=/boot-tests/load.sh+$percent lvx.poweroff" \
		--cpus $cpus --initrd $initrd
	expect "Debian 6.1 with $cpus CPUs under load powers off" 0 "load: end"
	grep -q "load: .* shootdowns" "$LOG" && ! grep "load: bad" "$LOG"
	result $? "and nothing was lost"
	grep "^load: " "$LOG" | sed 's/^/# /'
done
host_is_clean
finish
