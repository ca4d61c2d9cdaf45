# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the boot tests have in common. They run in the emulated host, under
# busybox, and speak TAP; sourced, never executed.

LOG=/tmp/boot-test.log
# Stock kernels test every cipher at boot, which an emulated CPU takes longer
# for than for the rest of the boot.
NO_CIPHERS=cryptomgr.notests
WORDS="quiet $NO_CIPHERS"
LIMIT=${LIMIT:-180}
tests=0
failures=0

# result STATUS NAME: one TAP line; what the guest said when it failed.
result()
{
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests $2"
		return 0
	fi
	echo "not ok $tests $2"
	failures=$((failures + 1))
	tail -n 25 "$LOG" | tr -d '\r' | sed 's/^/#   /'
	return 1
}

skip()
{
	tests=$((tests + 1))
	echo "ok $tests # SKIP $1: $2"
}

# guest VERSION WORD OPTION...: boot a stock kernel that ends as WORD says.
guest()
{
	kernel=/guest/vmlinuz-$1
	append="$WORDS $2"
	shift 2
	timeout -s KILL "$LIMIT" lvx run --kernel "$kernel" \
		--initrd /guest/initrd --append "$append" "$@" \
		>"$LOG" 2>&1 </dev/null
}

# expect NAME STATUS PATTERN, after a guest: $? must have been STATUS.
expect()
{
	got=$?
	if [ "$got" -ne "$2" ]; then
		echo "# exit status $got, expected $2"
		result 1 "$1"
	elif ! grep -q "$3" "$LOG"; then
		echo "# nothing in the output matches: $3"
		result 1 "$1"
	else
		result 0 "$1"
	fi
}

# wait_for PATTERN COUNT: until the log has that many matching lines.
wait_for()
{
	i=0
	while [ "$(grep -c "$1" "$LOG")" -lt "$2" ]; do
		i=$((i + 1))
		[ $i -lt $((LIMIT * 5)) ] || return 1
		sleep 0.2
	done
}

# octal BYTE...: a binary file, for want of anything better in busybox.
octal()
{
	for byte; do
		# shellcheck disable=SC2059 # the argument is the format
		printf "\\$byte"
	done
}

zeros()
{
	dd if=/dev/zero bs=1 count="$1" 2>/dev/null
}

# A 64-bit ELF kernel of one instruction, UD2 at 16 MiB. Without an IDT that
# is a triple fault.
crash_kernel()
{
	octal 177 105 114 106 2 1 1 0; zeros 8		# 64-bit, little endian
	octal 2 0 76 0 1 0 0 0				# executable, x86-64
	octal 170 0 0 1 0 0 0 0				# entry: behind the headers
	octal 100 0 0 0 0 0 0 0; zeros 8		# program headers at 64
	zeros 4; octal 100 0 70 0 1 0; zeros 6		# one of 56 bytes
	octal 1 0 0 0 7 0 0 0				# PT_LOAD, rwx
	zeros 8						# offset in the file
	octal 0 0 0 1 0 0 0 0				# virtual
	octal 0 0 0 1 0 0 0 0				# physical
	octal 172 0 0 0 0 0 0 0 172 0 0 0 0 0 0 0	# 122 bytes
	octal 0 20 0 0 0 0 0 0				# alignment
	octal 17 13; zeros 3974				# a page in all
}

# kvm_works NAME: a guest on kvm_intel, of one instruction.
kvm_works()
{
	if [ ! -e /dev/kvm ]; then
		skip "$1" "no /dev/kvm"
		return
	fi
	timeout -s KILL 30 lvx run --device /dev/kvm --kernel /tmp/crash \
		>"$LOG" 2>&1 </dev/null
	expect "$1" 4 "[Tt]riple fault"
}

# kill -9 of what start() started: nothing of it may stay behind, so that the
# module can go. It is loaded again at the end.
kill_in_boot()
{
	kill -KILL "$launcher"
	wait "$launcher" 2>/dev/null
	rmmod lvx
	result $? "the module goes after kill -9 in mid-boot"
	kvm_works "KVM runs a guest afterwards"
	insmod /lab/lvx.ko
	result $? "the module can be loaded again"
}

# start WORD: a guest in the background, $launcher, whose output is in the log.
start()
{
	lvx run --kernel /guest/vmlinuz-6.1 --initrd /guest/initrd \
		--append "$NO_CIPHERS $1" >"$LOG" 2>&1 </dev/null &
	launcher=$!
}

host_is_clean()
{
	dmesg | grep -E -f /lab/complaints -e 'lvx:.*[Ee]rror' >"$LOG"
	[ ! -s "$LOG" ]
	result $? "host log is clean"
}

finish()
{
	echo "1..$tests"
	[ "$failures" -eq 0 ]
	exit
}
