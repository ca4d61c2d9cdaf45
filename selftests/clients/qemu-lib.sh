# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the tests with QEMU have in common: lvx as /dev/kvm, what the guest
# downloads, and how QEMU is started. They run in the emulated host; sourced, never
# executed.

# Seconds of the emulated clock that a machine may live.
LIMIT=${LIMIT:-400}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../boot/lib.sh
. "$here/../boot-tests/lib.sh"

WWW=/tmp/www

sum()
{
	md5sum | cut -d ' ' -f 1
}

# QEMU 7.2 opens /dev/kvm, whatever it is told.
prepare()
{
	if [ -d /sys/module/kvm_intel ]; then
		skip "lvx serves /dev/kvm" "kvm_intel does"
	else
		rmmod lvx
		insmod /lab/lvx.ko kvm_node=1
		result $? "lvx serves /dev/kvm"
	fi
	modprobe -a tun vhost_net
	mkdir -p $WWW
	dd if=/dev/urandom of=$WWW/file bs=64k count=8 2>/dev/null
	httpd -h $WWW
}

# qemu OPTION...: a machine with no device but those asked for.
qemu()
{
	timeout -s KILL "$LIMIT" /usr/bin/qemu-system-x86_64 -m 128 -nodefaults \
		-no-user-config -display none "$@"
}

# background NAME COMMAND...: the machine that COMMAND starts, which takes QEMU's
# options, in the background. /tmp/NAME.out has what its monitor answers,
# NAME.serial what the guest says.
background()
{
	out=/tmp/$1
	shift
	rm -f "$out".*
	: >"$out.serial"
	mkfifo "$out.in"
	# Open for reading, too: neither end waits for the other.
	# shellcheck disable=SC2094
	"$@" -monitor stdio -serial "file:$out.serial" <>"$out.in" >"$out.out" 2>&1 &
}

# tell NAME COMMAND: to the monitor of a machine in the background.
tell()
{
	echo "$2" >"/tmp/$1.in"
}
