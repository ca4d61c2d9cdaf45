#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make run NATIVE=1: runs a guest with this machine's own VMX. Builds lvx.ko
# for the running kernel, loads it if it isn't loaded, and in that case
# unloads it at the end. The module and its device node are the only things
# that the machine gets to see.
#
# usage: native.sh GUEST-KERNEL

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

guest=$1
release=$(uname -r)
headers=/lib/modules/$release/build
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo

grep -qw vmx /proc/cpuinfo || die "this CPU has no VMX (or firmware hides it); 'make run' without NATIVE=1 emulates one"
[ -e "$headers/Makefile" ] || die "the headers of the running kernel are missing; on Debian: apt-get install linux-headers-$release"

make -C "$TOP" modules KDIR="$headers"
"$LAB/initrd.sh" "$guest"
loaded=
if [ ! -d /sys/module/lvx ]; then
	say "loading lvx.ko"
	$sudo insmod "$BUILD/$release/lvx.ko"
	loaded=1
fi

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	[ -z "$loaded" ] || $sudo rmmod lvx
}
trap cleanup EXIT

$sudo "$BUILD/lvx" run --kernel "$BUILD/kernels/$guest/vmlinuz" --initrd "$BUILD/lab/guest-initrd"
