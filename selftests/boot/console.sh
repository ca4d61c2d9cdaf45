#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's console with guests of some instructions: what is typed, piped
# or pasted reaches a guest that polls, all of it, and the escape key works while
# the guest reads nothing. Runs in the emulated host.
#
# usage: console.sh [NODE]

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

NODE=${1:-/dev/lvx}
PROGRAMS=${PROGRAMS:-/boot-programs}

# run PROGRAM: a guest, with the console on what stdin is
run()
{
	timeout -s KILL "$LIMIT" lvx run --device "$NODE" --kernel "$PROGRAMS/$1"
}

# paste BYTES KEYS PROGRAM: the same, on a terminal, with a user
paste()
{
	timeout -s KILL "$LIMIT" "$PROGRAMS/paste" "$1" "$2" \
		lvx run --device "$NODE" --kernel "$PROGRAMS/$3"
}

# Who typed and who read say the same, in two lines.
same_line()
{
	[ "$(grep -c "^line: $1 " "$LOG")" -eq 2 ] &&
		[ "$(grep "^line: " "$LOG" | tr -d '\r' | sort -u | wc -l)" -eq 1 ]
	result $? "$2"
}

echo "# boot/console $NODE"
echo "poll" | run polled >"$LOG" 2>&1
expect "a guest that polls gets what was piped in" 0 "line: 00000005 "
paste 20000 "" polled >"$LOG" 2>&1
expect "a guest that polls gets what is pasted" 0 "polled: ready"
same_line 00004e20 "and all of it"
paste 20000 "^x" deaf >"$LOG" 2>&1
expect "the escape key works behind what nobody reads" 5 "line: 00004e20 "
finish
