#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Since Linux 6.12 kvm_intel, as distributions load it, has VMX as long as it is
# loaded. Everything that then says so tells a remedy; each is tried. The lab's
# host has the second one on its command line. Runs in the emulated host.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

# load VALUE: KVM anew, with or without VMX for itself
load()
{
	{ rmmod kvm_intel; rmmod kvm; modprobe kvm enable_virt_at_load="$1" &&
		modprobe kvm-intel; } >"$LOG" 2>&1
	result $? "KVM is loaded with enable_virt_at_load=$1"
}

doctor_is_content()
{
	lvx doctor >"$LOG" 2>&1 && ! grep -q "^bad" "$LOG"
	result $? "doctor is content $1"
}

echo "# boot/kvm_holds"
if [ ! -e /sys/module/kvm/parameters/enable_virt_at_load ]; then
	skip "kvm_intel keeps VMX" "this kernel's KVM takes it with its first VM"
	finish
fi
remedy="rmmod kvm_intel, or boot with kvm.enable_virt_at_load=0"
load 1
lvx doctor >"$LOG" 2>&1
expect "doctor tells the remedy" 1 "^bad .*kvm_intel owns VMX; $remedy"
lvx run --kernel /tmp/crash >"$LOG" 2>&1 </dev/null
expect "lvx run tells it" 1 "kvm_intel: $remedy"
dmesg | grep "lvx: kvm_intel uses VMX" | tail -n 1 >"$LOG"
grep -q "; rmmod kvm_intel .*kvm.enable_virt_at_load=0" "$LOG"
result $? "the kernel's log tells it"
rmmod kvm_intel
doctor_is_content "without kvm_intel"
timeout -s KILL 30 lvx run --kernel /tmp/crash >"$LOG" 2>&1 </dev/null
expect "and a guest runs" 4 "[Tt]riple fault"
load 0
doctor_is_content "with kvm_intel and kvm.enable_virt_at_load=0"
finish
