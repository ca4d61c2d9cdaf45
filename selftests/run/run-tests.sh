#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs every kselftest beside this script on one device node, inside the
# emulated machine, and adds their results up. Counts come from the test
# lines, not from exit statuses: a program whose every test skipped exits 0,
# and one that dies half-way leaves tests of its plan without a line, which
# count as failed here.
#
# usage: run-tests.sh NODE [TEST...]

node=$1
[ -n "$node" ] || { echo "usage: $0 NODE [TEST...]" >&2; exit 2; }
shift
dir=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC2046 # names of tests have no blanks
[ $# -gt 0 ] || set -- $(cd "$dir" && for t in *; do
	[ -f "$t" ] && [ -x "$t" ] && [ "$t" = "${t%.sh}" ] && echo "$t"
done)

out=$(mktemp)
pass=0 fail=0 skip=0
for t; do
	start=$(cut -d. -f1 /proc/uptime)
	{
		"$dir/$t" --device "$node" 2>&1
		echo "# exit status $?"
	} | tee "$out" | awk -v t="$t" '{ print t ": " $0; fflush() }'
	s=$(grep -c '^ok .*# SKIP' "$out")
	p=$(($(grep -c '^ok ' "$out") - s))
	plan=$(sed -n 's/^1\.\.//p' "$out")
	f=$((${plan:-1} - p - s))
	[ "$f" -ne 0 ] || grep -q '^# exit status 0$' "$out" || f=1
	pass=$((pass + p)) fail=$((fail + f)) skip=$((skip + s))
	echo "# $t on $node: $p passed, $f failed, $s skipped," \
		"$(($(cut -d. -f1 /proc/uptime) - start)) s"
done
rm -f "$out"
echo "# all on $node: $pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
