#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Programs that are no Linux, but are booted like it: each shows itself on the
# serial port, or says there what it lacks. Runs in the emulated host.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

PAYLOADS=/payloads

echo "# boot/payloads"
mkfifo /tmp/keys
timeout -s KILL "$LIMIT" lvx run --no-reboot --memory 64M \
	--kernel "$PAYLOADS/memtest86+x64.bin" >"$LOG" 2>&1 </tmp/keys &
launcher=$!
exec 3>/tmp/keys
wait_for "Status: Testing" 1
result $? "memtest86+ shows itself"
# Escape is the key that ends it.
octal 33 >&3
wait $launcher
expect "and takes a key" 0 "lvx: this is Memtest86+ v"
exec 3>&-

lvx run --kernel "$PAYLOADS/uboot.elf" >"$LOG" 2>&1 </dev/null &
launcher=$!
wait_for "No valid device tree" 1
result $? "U-Boot says what it lacks"
grep -q "lvx: this is an ELF file without Linux's notes" "$LOG"
result $? "and lvx what it is not"
kill $launcher
wait $launcher

# The guests of these tests have no notes either, and Linux must have them.
guest 6.1 lvx.poweroff
expect "Linux is Linux" 0 "init reached"
! grep -q "lvx: this is" "$LOG"
result $? "and nothing is said of it"
finish
