#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's QEMU with each of its CPU models, from the plainest to the newest
# that the host is like, and with the host's own: a stock kernel boots.

# shellcheck source=qemu-lib.sh
. "$(dirname "$0")/qemu-lib.sh"

MODELS="qemu64 Nehalem SandyBridge Haswell-noTSX Skylake-Client-noTSX-IBRS
	Skylake-Server-noTSX-IBRS max"

echo "# clients/qemu-models"
prepare
for model in $MODELS; do
	qemu -accel kvm -cpu "$model" -serial stdio -kernel /guest/vmlinuz \
		-initrd /guest/initrd \
		-append "console=ttyS0 quiet cryptomgr.notests lvx.poweroff" \
		>"$LOG" 2>&1 </dev/null
	expect "model $model: the guest boots and powers off" 0 "init reached"
done
host_is_clean
finish
