#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's QEMU boots a CD with a stock Debian kernel, from the BIOS to the
# guest's init; the guest uses a disk and a network. With one CPU and with two,
# with each of the two machine types, with QEMU and with the host's kernel
# serving the network.
#
# usage: qemu-boot.sh on|split|off    where the interrupt controllers are

# shellcheck source=qemu-lib.sh
. "$(dirname "$0")/qemu-lib.sh"

irqchip=$1
DISK=/tmp/disk

# said TEXT NAME: a line that the guest must have printed.
said()
{
	tr -d '\r' <"$LOG" | grep -qx "guest: $1"
	result $? "$name: $2"
}

# boot_cd CPUS MACHINE MODEL VHOST OPTION...: the options say where the CD is.
boot_cd()
{
	cpus=$1
	name="kernel-irqchip=$irqchip, $1 CPU, $2, $3, vhost=$4"
	dd if=/dev/urandom of=$DISK bs=64k count=8 2>/dev/null
	before=$(sum <$DISK)
	machine="-smp $1 -machine $2 -cpu $3"
	tap="tap,id=net,script=$here/tap-up.sh,downscript=no,vhost=$4"
	shift 4
	# shellcheck disable=SC2086 # several options
	qemu -accel "kvm,kernel-irqchip=$irqchip" $machine -serial stdio -no-reboot \
		-drive "file=/guest/guest.iso,if=none,id=cd,format=raw,readonly=on" "$@" \
		-drive "file=$DISK,if=virtio,format=raw" \
		-netdev "$tap" -device virtio-net-pci,netdev=net,romfile= \
		>"$LOG" 2>&1 </dev/null
	result $? "$name: the guest powers off"
	grep -q "init reached" "$LOG"
	result $? "$name: boots the CD to init"
	said "cpu$((cpus - 1)) works" "runs all CPUs"
	said "disk has $before" "reads its disk"
	said "disk written $(dd if=$DISK bs=64k skip=4 2>/dev/null | sum)" "writes its disk"
	said "net answers" "pings the host"
	said "net got $(sum <$WWW/file)" "downloads from the host"
}

echo "# clients/qemu-boot-$irqchip"
prepare
# Both sorts of CD are read by DMA: through IDE's ports it would take minutes.
boot_cd 1 pc kvm64 off -vga std -device virtio-scsi-pci -device scsi-cd,drive=cd,bootindex=0
# With a LAPIC of QEMU's own SeaBIOS stops when it has started the second CPU, on
# KVM as well: QEMU is busy for ever then, and not in the guest.
[ "$irqchip" = off ] || boot_cd 2 q35 host on -device ide-cd,drive=cd,bootindex=0
host_is_clean
finish
