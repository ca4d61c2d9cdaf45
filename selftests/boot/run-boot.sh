#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Boots Debian's unmodified kernels as guests through the launcher, and ends
# them in every way that a guest can end. Runs in the emulated host.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

"$here/launcher_errors.sh" || failures=1
for node in /dev/kvm /dev/lvx; do
	"$here/console.sh" $node || failures=1
done
"$here/options.sh" /dev/lvx 3 || failures=1
crash_kernel >/tmp/crash
"$here/kvm_holds.sh" || failures=1
echo "# boot/run-boot"
kvm_works "KVM runs a guest before"

for version in 6.1 6.12; do
	guest "$version" lvx.poweroff
	expect "Debian $version boots and powers off" 0 "init reached, Linux $version"
done

# More of them than the host has: they spin for one another.
guest 6.1 "lvx.poweroff loglevel=7" --cpus 3
expect "Debian 6.1 with three CPUs" 0 "Brought up 1 node, 3 CPUs"

guest 6.1 lvx.reboot --no-reboot
expect "reboot with --no-reboot ends" 0 "init reached"

guest 6.1 lvx.panic
expect "a guest's panic has its own status" 3 "Kernel panic"

timeout -s KILL 30 lvx run --kernel /tmp/crash >"$LOG" 2>&1 </dev/null
expect "a triple fault has its own status" 4 "[Tt]riple fault"
grep -qi "rip.*1000078" "$LOG"
result $? "and the registers are shown"

# A guest that restarts, and whose launcher is killed in its second boot.
start lvx.reboot
wait_for "init reached" 1 && wait_for "Linux version" 2
result $? "a reboot starts the guest again"
! rmmod lvx 2>/dev/null
result $? "the module stays while a guest runs"
kill_in_boot

guest 6.1 lvx.spin &
launcher=$!
wait_for "init reached" 1
killall lvx
wait $launcher
[ $? -ne 137 ]
result $? "a signal ends a guest that spins"

# lvx may take KVM's place at its node; each way is a good one.
for node in /dev/lvx /dev/kvm; do
	lvx doctor --device $node >"$LOG" 2>&1
	result $? "doctor likes $node"
done
{ rmmod lvx && rmmod kvm_intel && insmod /lab/lvx.ko kvm_node=1; } >"$LOG" 2>&1
result $? "lvx takes KVM's place"
lvx doctor --device /dev/kvm >"$LOG" 2>&1 && grep -q "serves /dev/kvm" "$LOG"
result $? "doctor likes lvx as /dev/kvm"
kvm_works "which runs a guest"
host_is_clean
finish
