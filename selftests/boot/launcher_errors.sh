#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the launcher says to bad input: exactly one line, on stderr, that names
# the thing, and the right exit status. Speaks TAP. Runs under busybox in the
# emulated host as well as on the machine that built the launcher; what needs a
# virtual machine is skipped where there is none.
#
# usage: launcher_errors.sh [NODE]    (LVX: the launcher, KERNEL: a bzImage)

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

NODE=${1:-/dev/lvx}
LVX=${LVX:-lvx}
KERNEL=${KERNEL:-/guest/vmlinuz-6.1}
DIR=$(mktemp -d /tmp/launcher.XXXXXX) || exit 1
trap 'rm -rf "$DIR"' EXIT
LOG=$DIR/log

# refused STATUS PATTERN NAME ARGUMENT...
refused()
{
	want=$1 pattern=$2 name=$3
	shift 3
	"$LVX" "$@" >"$DIR/stdout" 2>"$LOG" </dev/null
	got=$?
	if [ "$got" -ne "$want" ]; then
		echo "# exit status $got, expected $want"
		result 1 "$name"
	elif [ -s "$DIR/stdout" ]; then
		echo "# it wrote to stdout"
		result 1 "$name"
	elif [ "$(wc -l <"$LOG")" -ne 1 ] || ! grep -q '^lvx: ' "$LOG"; then
		echo "# not one line that starts with 'lvx: '"
		result 1 "$name"
	elif ! grep -q -e "$pattern" "$LOG"; then
		echo "# nothing matches: $pattern"
		result 1 "$name"
	else
		result 0 "$name"
	fi
}

# run_refused PATTERN NAME OPTION...: a kernel or a setting that can't be.
run_refused()
{
	pattern=$1 name=$2
	shift 2
	refused 1 "$pattern" "$name" run --device "$NODE" "$@"
}

# with_byte FILE OFFSET OCTAL...: a copy of the kernel with bytes changed.
with_byte()
{
	file=$1 offset=$2
	shift 2
	cp "$KERNEL" "$file"
	octal "$@" | dd of="$file" bs=1 seek="$offset" conv=notrunc 2>/dev/null
}

echo "# boot/launcher_errors"

# Usage.
refused 2 "command is missing" "no command"
refused 2 "no command 'runn'" "an unknown command" runn
refused 2 "kernel is missing" "run without a kernel" run
refused 2 "no option '--kernal'" "an unknown option" run --kernal x
refused 2 "'--kernel' wants a value" "an option without its value" run --kernel
refused 2 "no option '-m512'" "an option of one letter" run -m512
refused 2 "no option '-xyz'" "several of them behind another option" run --no-reboot -xyz
refused 2 "'--append' wants a value" "no value behind another option" run --no-reboot --append
refused 2 "'--no-reboot' takes no value" "a value that is not wanted" run --no-reboot=yes
refused 2 "'more' is one argument too many" "one argument too many" run --kernel x more
refused 2 "'lots' is not a size" "a memory size that is no number" run --kernel x --memory lots
refused 2 "'5X' is not a size" "a memory size with an unknown suffix" run --kernel x --memory 5X
refused 2 "'-1' is not a size" "a negative memory size" run --kernel x --memory -1
refused 2 "'99999999999999T' is not a size" "a memory size beyond 64 bits" \
	run --kernel x --memory 99999999999999T
refused 2 "1M is out of range" "too little memory" run --kernel x --memory 1M
refused 2 "1048576T is out of range" "too much memory" run --kernel x --memory 1048576T
refused 2 "not a multiple" "an odd memory size" run --kernel x --memory 65537K
refused 2 "'0' is not a number of CPUs" "no CPU" run --kernel x --cpus 0
refused 2 "'two' is not a number of CPUs" "a CPU count that is no number" run --kernel x --cpus two
refused 2 "no option '--jason'" "an unknown option of doctor" doctor --jason
refused 2 "no option '-jd'" "an option of one letter of doctor" doctor --json -jd
refused 2 "'--device' wants a value" "an option of doctor without its value" doctor --device
refused 2 "'--json' takes no value" "a value that doctor does not want" doctor --json=1

# Output.
"$LVX" help >/dev/full 2>"$LOG"
[ $? -eq 1 ] && grep -q "^lvx: cannot write to standard output: No space" "$LOG"
result $? "help that can't be written"
(ulimit -f 1 && exec "$LVX" run --help >"$DIR/stdout" 2>"$LOG")
[ $? -eq 1 ] && grep -q "^lvx: cannot write to standard output: File too large" "$LOG"
result $? "help that is longer than a file may be"

# Files.
refused 1 "$DIR/none.*No such file" "a kernel that isn't there" run --kernel "$DIR/none"
refused 1 "$DIR.*not a regular file" "a kernel that is a folder" run --kernel "$DIR"
: >"$DIR/empty"
refused 1 "$DIR/empty.*is empty" "an empty kernel" run --kernel "$DIR/empty"
echo "no kernel" >"$DIR/text"
refused 1 "$DIR/none.*No such file" "an initial RAM disk that isn't there" \
	run --kernel "$DIR/text" --initrd "$DIR/none"

# Devices.
refused 1 "no device '/dev/nonsense'" "a device node that isn't there" \
	run --kernel "$DIR/text" --device /dev/nonsense
refused 1 "'/dev/null' is no hypervisor" "a device that is no hypervisor's" \
	run --kernel "$DIR/text" --device /dev/null
for known in /dev/lvx /dev/kvm; do
	if [ ! -e $known ]; then
		refused 1 "no $known.*module" "$known without its module" \
			run --kernel "$DIR/text" --device $known
	fi
done
"$LVX" doctor --device /dev/null >"$LOG" 2>&1
[ $? -eq 1 ] && grep -q "^bad .*/dev/null is no hypervisor" "$LOG"
result $? "doctor looks at a device that is no hypervisor's"

# Images, which are looked at once there is a machine to put them into.
if ! "$LVX" doctor --device "$NODE" 2>&1 | grep -q "can be created"; then
	skip "kernel images" "no virtual machines on $NODE here"
	finish
fi
run_refused "$DIR/text.*no Linux kernel" "a text file as kernel" --kernel "$DIR/text"
octal 37 213 10 0 0 0 0 0 >"$DIR/gzip"
run_refused "$DIR/gzip.*gzip; unpack" "a compressed kernel" --kernel "$DIR/gzip"
echo 070701 >"$DIR/cpio"
run_refused "$DIR/cpio.*--initrd" "an initial RAM disk as kernel" --kernel "$DIR/cpio"
octal 177 105 114 106 2 1 1 0 >"$DIR/elf"
run_refused "$DIR/elf.*truncated" "a truncated ELF header" --kernel "$DIR/elf"
crash_kernel >"$DIR/good"
head -c 2000 "$DIR/good" >"$DIR/short"
cp "$DIR/good" "$DIR/low"
octal 0 20 0 0 0 | dd of="$DIR/low" bs=1 seek=88 conv=notrunc 2>/dev/null
run_refused "$DIR/low.*0x1000 " "an ELF segment below 1 MiB" --kernel "$DIR/low"
cp "$DIR/good" "$DIR/wide"
octal 377 377 377 377 377 377 377 | dd of="$DIR/wide" bs=1 seek=97 conv=notrunc 2>/dev/null
run_refused "$DIR/wide" "an ELF segment longer than its memory" --kernel "$DIR/wide"
cp "$DIR/good" "$DIR/arm"
octal 267 0 | dd of="$DIR/arm" bs=1 seek=18 conv=notrunc 2>/dev/null
run_refused "$DIR/arm.*not for x86-64" "an ELF kernel for another CPU" --kernel "$DIR/arm"
cp "$DIR/good" "$DIR/entry"
octal 0 0 0 0 | dd of="$DIR/entry" bs=1 seek=24 conv=notrunc 2>/dev/null
run_refused "$DIR/entry.*entry at 0x0" "an ELF entry outside its segments" --kernel "$DIR/entry"
run_refused "16 MiB\|17 MiB" "too little memory for the kernel" --kernel "$DIR/good" --memory 16M

if [ ! -r "$KERNEL" ]; then
	skip "bzImage" "there is no $KERNEL"
	finish
fi
head -c 700 "$KERNEL" >"$DIR/head"
run_refused "$DIR/head.*truncated" "a bzImage without the end of its header" --kernel "$DIR/head"
head -c 1000000 "$KERNEL" >"$DIR/half"
run_refused "$DIR/half.*truncated: 1000000 bytes" "a truncated bzImage" --kernel "$DIR/half"
with_byte "$DIR/old" 518 11 2
run_refused "$DIR/old.*boot protocol 2.09" "a bzImage of an old protocol" --kernel "$DIR/old"
with_byte "$DIR/32bit" 566 0 0
run_refused "$DIR/32bit.*no 64-bit entry" "a 32-bit bzImage" --kernel "$DIR/32bit"
run_refused "needs [0-9]* MiB" "too little memory for a bzImage" --kernel "$KERNEL" --memory 32M
dd if=/dev/zero of="$DIR/initrd" bs=1048576 seek=600 count=0 2>/dev/null
run_refused "$DIR/initrd.*does not fit" "an initial RAM disk that doesn't fit" \
	--kernel "$KERNEL" --initrd "$DIR/initrd"
long=$(zeros 3000 | tr '\0' x)
run_refused "command line has" "a command line that is too long" --kernel "$KERNEL" --append "$long"
run_refused "most [0-9]* CPUs" "too many CPUs" --kernel "$KERNEL" --cpus 100000
finish
