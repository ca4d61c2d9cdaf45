#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The work of a client's guest: uses what devices it has and says on its
# console what it found, for the host to compare. The kernel command line may
# ask for a job that goes on for ever instead.

say()
{
	echo "guest: $*"
}

sum()
{
	md5sum | cut -d ' ' -f 1
}

# Both directions, and past the page cache, which would answer for the device.
disk()
{
	modprobe virtio_blk
	[ -b /dev/vda ] || return
	say "disk has $(dd if=/dev/vda bs=64k iflag=direct 2>/dev/null | sum)"
	dd if=/dev/urandom of=/tmp/new bs=64k count=4 2>/dev/null
	dd if=/tmp/new of=/dev/vda bs=64k seek=4 oflag=direct 2>/dev/null
	say "disk written $(sum </tmp/new)"
}

# The host is 10.0.0.1, on the other end of the tap.
net()
{
	modprobe virtio_net
	[ -e /sys/class/net/eth0 ] || return
	ip addr add 10.0.0.2/24 dev eth0
	ip link set eth0 up
	ping -c 3 -i 0.2 -W 5 10.0.0.1 >/dev/null && say "net answers"
	say "net got $(timeout 60 wget -q -O - http://10.0.0.1/file | sum)"
}

# Each CPU does something by itself, and time passes.
cpus()
{
	for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
		taskset -c "${cpu##*cpu}" sleep 0.1 && say "${cpu##*/} works"
	done
}

# Until a second CPU is plugged in.
plugged()
{
	say "waits"
	while [ ! -e /sys/devices/system/cpu/cpu1 ]; do
		sleep 0.2
	done
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

# Eight bytes, so that any number of them fills a block.
line()
{
	printf '%07d\n' "$1"
}

# Counts, and keeps changing memory and disk of which it knows what must be
# there: what was written eight counts ago.
count()
{
	i=0
	modprobe virtio_blk
	while :; do
		i=$((i + 1))
		slot=$((i % 8))
		file=/tmp/memory.$slot
		old=$(line $((i - 8)))
		if [ $i -gt 8 ]; then
			[ "$(uniq $file)" = "$old" ] || say "lost memory"
			[ "$(dd if=/dev/vda bs=64k skip=$slot count=1 iflag=direct \
				2>/dev/null | uniq)" = "$old" ] || say "lost disk"
		fi
		yes "$(line $i)" | head -n 8192 >$file
		dd if=$file of=/dev/vda bs=64k seek=$slot oflag=direct 2>/dev/null
		say "count $i"
	done
}

modprobe virtio_pci
read -r cmdline </proc/cmdline
case $cmdline in
*client.count*) count ;;
*client.plug*) plugged ;;
esac
cpus
disk
net
say "done"
case $cmdline in
*client.plug*) ;;
*) poweroff -f ;;
esac
