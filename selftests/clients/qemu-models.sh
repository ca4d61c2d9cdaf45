#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's QEMU with CPU models from the plainest to the newest that the host is
# like, and with its machine without PCI: a stock kernel boots, and boots again.

# shellcheck source=qemu-lib.sh
. "$(dirname "$0")/qemu-lib.sh"

MODELS="qemu64 Nehalem SandyBridge Skylake-Server-noTSX-IBRS max"

# linux IRQCHIP WORD OPTION...: boot a kernel that ends as WORD says.
linux()
{
	accel="kvm,kernel-irqchip=$1"
	append="console=ttyS0 quiet cryptomgr.notests $2"
	shift 2
	qemu -accel "$accel" -serial stdio -kernel /guest/vmlinuz -initrd /guest/initrd \
		-append "$append" "$@" >"$LOG" 2>&1 </dev/null
}

echo "# clients/qemu-models"
prepare
for model in $MODELS; do
	linux on lvx.poweroff -cpu "$model"
	expect "model $model: the guest boots and powers off" 0 "init reached"
done

# QEMU's own LAPIC and the kernel's know other features.
for model in Skylake-Server-noTSX-IBRS host; do
	linux off lvx.poweroff -cpu $model
	expect "model $model, kernel-irqchip=off: the guest boots and powers off" \
		0 "init reached"
done
linux split lvx.poweroff -cpu Skylake-Server-noTSX-IBRS -smp 2
expect "model Skylake-Server-noTSX-IBRS, 2 CPU, kernel-irqchip=split: the guest boots and powers off" \
	0 "init reached"

# Devices on MMIO; it ends by a triple fault, for want of ACPI.
linux on "lvx.reboot reboot=t" -machine microvm -cpu host -no-reboot
expect "machine microvm: the guest boots and ends" 0 "init reached"

linux on lvx.reboot -smp 2 -cpu host &
wait_for "init reached" 2
result $? "a reboot starts the guest again"
killall qemu-system-x86_64
wait
host_is_clean
finish
