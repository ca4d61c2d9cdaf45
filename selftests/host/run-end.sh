#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Ends the emulated host while guests of lvx work in it. The kernel that comes
# after it prints the last test's line, and the lines by which the machine's
# own first process would report.
#
# usage: run-end.sh panic|kexec|reboot|emergency

here=$(cd "$(dirname "$0")" && pwd)
end=$1
image=/guest/vmlinuz-$(uname -r | cut -d. -f1-2)

# For the shell of the guest's first process, which takes "+" for a blank.
# shellcheck disable=SC2016 # for another shell
script='stty -F /dev/ttyS1 115200 raw
	exec >/dev/ttyS1
	if test $(nproc) -eq 2
	then echo ok 2 next kernel has all CPUs; status=0
	else echo not ok 2 next kernel has $(nproc) CPUs; status=1
	fi
	echo lab: log clean
	echo lab: status $status
	sleep 60'
script=$(echo "$script" | tr '\n' ';' | tr -s '\t ' '+')
words="$(sed 's/ crashkernel=[^ ]*//; s/ initrd=[^ ]*//' /proc/cmdline) lvx.script=$script"

# Without kvm_intel, what happens in the emergency is up to lvx.
rmmod kvm_intel

echo "# host/end-by-$end"
echo "1..2"
dmesg | grep -E -f /lab/complaints | sed 's/^/# /' >/tmp/complaints
if [ -s /tmp/complaints ]; then
	cat /tmp/complaints
	echo "not ok 1 host log is clean"
else
	echo "ok 1 host log is clean"
fi
case $end in
panic | kexec) exec "$here/end" /dev/lvx "$end" "$image" /guest/initrd "$words" ;;
*) exec "$here/end" /dev/lvx "$end" ;;
esac
