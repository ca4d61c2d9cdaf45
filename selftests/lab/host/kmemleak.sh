#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Searches the emulated host's memory for what was allocated and is referenced
# by nothing any more. Two scans, since an object counts as lost only when it
# is older than some seconds, and the first scan may find it too young.
#
# Prints TAP. "kmemleak.sh clear" forgets what was found so far, and ends the
# kernel's own scans: they take minutes of an emulated CPU.

file=/sys/kernel/debug/kmemleak
[ -e $file ] || { echo "1..1"; echo "not ok 1 kmemleak: not in this kernel"; exit 1; }
if [ "$1" = clear ]; then
	echo scan=off >$file
	echo clear >$file
	exit
fi
echo "1..1"
echo scan >$file
sleep 6
echo scan >$file
if [ -s $file ] && grep -q . $file; then
	sed 's/^/# /' $file
	echo "not ok 1 kmemleak: $(grep -c '^unreferenced' $file) objects lost"
	exit 1
fi
echo "ok 1 kmemleak"
