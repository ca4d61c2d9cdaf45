#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Live migration from one of Debian's QEMUs to another, through a socket: the
# guest, which counts on its console, changes memory and uses a disk all the
# while, must go on where it was.
#
# usage: qemu-migrate.sh

# shellcheck source=qemu-lib.sh
. "$(dirname "$0")/qemu-lib.sh"

DISK=/tmp/disk
SOCKET=/tmp/migration

# shellcheck disable=SC2317 # by background
machine()
{
	qemu -accel "kvm,kernel-irqchip=$irqchip" -smp "$cpus" \
		-drive "file=$DISK,if=virtio,format=raw" \
		-kernel /guest/vmlinuz -initrd /guest/initrd -append \
		"console=ttyS0 quiet cryptomgr.notests lvx.script=/client client.count" \
		"$@"
}

# The guest's whole console, on whichever machine it was.
console()
{
	cat /tmp/source.serial /tmp/target.serial 2>/dev/null | tr -d '\r'
}

counts()
{
	console | sed -n 's/^guest: count //p'
}

# within SECONDS COMMAND...: until it succeeds.
within()
{
	ticks=$(($1 * 2))
	shift
	while ! "$@"; do
		[ $ticks -gt 0 ] || return 1
		ticks=$((ticks - 1))
		sleep 0.5
	done
}

# shellcheck disable=SC2317 # by within
counted()
{
	[ "$(counts | wc -l)" -ge "$1" ]
}

# shellcheck disable=SC2317 # by within
migrated()
{
	tell source "info migrate"
	grep -q "Migration status: completed" /tmp/source.out
}

# migrate IRQCHIP CPUS
migrate()
{
	irqchip=$1
	cpus=$2
	name="kernel-irqchip=$1, $2 CPU"
	background source machine
	within 300 counted 20
	started=$?
	background target machine -incoming "unix:$SOCKET"
	within 60 [ -S $SOCKET ]
	tell source "migrate -d unix:$SOCKET"
	within 120 migrated
	migrated=$?
	before=$(counts | wc -l)
	within 120 counted $((before + 50))
	after=$?
	# And once more after a pause.
	tell target stop
	sleep 1
	before=$(counts | wc -l)
	sleep 1
	! counted $((before + 1))
	stopped=$?
	tell target cont
	within 60 counted $((before + 10))
	resumed=$?
	tell source quit
	tell target quit
	# All of their threads: one that is left still holds the VM. qemu() has a
	# limit of its own.
	wait

	{ cat /tmp/source.out /tmp/target.out; console; } >"$LOG"
	result $started "$name: the guest works"
	result $migrated "$name: migration completes"
	result $after "$name: the guest goes on"
	result $stopped "$name: stops"
	result $resumed "$name: and goes on"
	counts | awk '$1 != NR { exit 1 }'
	result $? "$name: no count is missing"
	! console | grep -q "guest: lost"
	result $? "$name: memory and disk are kept"
}

echo "# clients/qemu-migrate"
prepare
dd if=/dev/zero of=$DISK bs=64k count=8 2>/dev/null
migrate on 2
migrate split 1
migrate off 1
host_is_clean
finish
