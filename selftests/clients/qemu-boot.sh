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

new_disk()
{
	dd if=/dev/urandom of=$DISK bs=64k count=8 2>/dev/null
	before=$(sum <$DISK)
}

# machine OPTION...: with the disk and a network.
machine()
{
	qemu -accel "kvm,kernel-irqchip=$irqchip" -no-reboot \
		-drive "file=$DISK,if=virtio,format=raw" \
		-netdev "tap,id=net,script=$here/tap-up.sh,downscript=no,vhost=$vhost" \
		-device virtio-net-pci,netdev=net,romfile= "$@"
}

# worked CPUS: the results of what the guest did.
worked()
{
	said "cpu$(($1 - 1)) works" "runs all CPUs"
	said "disk has $before" "reads its disk"
	said "disk written $(dd if=$DISK bs=64k skip=4 2>/dev/null | sum)" "writes its disk"
	said "net answers" "pings the host"
	said "net got $(sum <$WWW/file)" "downloads from the host"
}

# boot_cd CPUS MACHINE MODEL VHOST OPTION...: the options say where the CD is.
boot_cd()
{
	cpus=$1
	model="-smp $1 -machine $2 -cpu $3"
	vhost=$4
	name="kernel-irqchip=$irqchip, $1 CPU, $2, $3, vhost=$4"
	shift 4
	new_disk
	# shellcheck disable=SC2086 # several options
	machine $model -serial stdio \
		-drive "file=/guest/guest.iso,if=none,id=cd,format=raw,readonly=on" "$@" \
		>"$LOG" 2>&1 </dev/null
	result $? "$name: the guest powers off"
	grep -q "init reached" "$LOG"
	result $? "$name: boots the CD to init"
	worked "$cpus"
}

# plug: a second CPU comes while the guest runs. That has no HLT, not even for
# its end, which QEMU's monitor makes.
plug()
{
	name="kernel-irqchip=$irqchip, second CPU plugged in"
	vhost=off
	new_disk
	background plug machine -smp 1,maxcpus=2,sockets=2 -machine pc -cpu kvm64 \
		-kernel /guest/vmlinuz -initrd /guest/initrd -append \
		"console=ttyS0 quiet idle=poll cryptomgr.notests lvx.script=/client client.plug"
	LOG=/tmp/plug.serial
	wait_for "guest: waits" 1
	result $? "$name: boots to init with one"
	tell plug "device_add kvm64-x86_64-cpu,socket-id=1,core-id=0,thread-id=0"
	wait_for "guest: done" 1
	result $? "$name: the guest works"
	tell plug quit
	wait
	worked 2
}

echo "# clients/qemu-boot-$irqchip"
prepare
# Both sorts of CD are read by DMA: through IDE's ports it would take minutes.
boot_cd 1 pc kvm64 off -vga std -device virtio-scsi-pci -device scsi-cd,drive=cd,bootindex=0
if [ "$irqchip" = off ]; then
	# With its own LAPIC, QEMU 7.2.18 takes SIPIs for pending for ever, as its
	# apic_sipi() does not clear them: when a CPU that was started so halts,
	# QEMU is busy with it, and holds its lock, on KVM as well. SeaBIOS lets
	# all CPUs but the first halt, so the second is to come later.
	plug
else
	boot_cd 2 q35 host on -device ide-cd,drive=cd,bootindex=0
fi
host_is_clean
finish
