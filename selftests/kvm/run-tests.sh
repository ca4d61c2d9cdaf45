#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the KVM selftests beside this script, each on kvm_intel and on lvx, and
# prints TAP: a test passes if lvx is no worse than KVM. Runs in the emulated
# host. For check.sh, which makes the table of them, each test also leaves a
# line "# table: test and arguments | on lvx | on KVM | reason".
#
# The tests open /dev/kvm and nothing else. For lvx's turn its node is mounted
# over that one, so that both are tested by the very same programs. One after
# the other for each test, since only one module at a time may own VMX.
#
# usage: run-tests.sh [TEST...]

dir=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)

# Runs a program in a session of its own, which ends with the time limit:
# kselftests fork, and what they leave behind would hold VMX. Sets $result.
attempt()
{
	log=$1 limit=$2 ticks=0
	shift 2
	rm -f "$tmp/status"
	{
		# shellcheck disable=SC2016 # for the inner shell
		setsid sh -c 'echo $$ >"$0"; exec "$@"' "$tmp/pid" "$@" >"$log" 2>&1 </dev/null
		echo $? >"$tmp/status.new"
		mv "$tmp/status.new" "$tmp/status"
	} &
	while [ ! -e "$tmp/status" ] && [ $ticks -lt $((limit * 5)) ]; do
		sleep 0.2
		ticks=$((ticks + 1))
	done
	result=
	[ -e "$tmp/status" ] || result=hung
	kill -KILL "-$(cat "$tmp/pid")" 2>/dev/null
	# Whoever survives SIGKILL is stuck in the kernel, and stays there.
	ticks=0
	while [ ! -e "$tmp/status" ] && [ $ticks -lt 50 ]; do
		sleep 0.2
		ticks=$((ticks + 1))
	done
	[ -e "$tmp/status" ] || result=stuck
	[ -z "$result" ] || return
	case $(cat "$tmp/status") in
	0) result=pass ;;
	4) result=skip ;;
	*) result=fail ;;
	esac
}

# Why a test skipped or failed, in its own words. Behind a failed assertion
# come process, errno, stack and, last, the words for it, if it has any.
reason()
{
	said=$(sed -n 's/^1\.\.0 # SKIP[- ]*//p' "$1" | head -n 1)
	[ -n "$said" ] || said=$(awk '
		/^==== Test Assertion Failure/ { getline; where = $1; $1 = ""; words = $0; next }
		where && /^  [^ ]/ && !/pid=|stack trace/ { words = " " $0 }
		END { if (where) print where words }' "$1")
	[ -n "$said" ] || said=$(grep . "$1" | tail -n 1)
	printf '%s' "$said" | tr -s '\t\r| ' ' '
}

# on NODE LOG LIMIT PROGRAM...
on()
{
	node=$1
	shift

	[ "$node" = /dev/kvm ] || mount --bind "$node" /dev/kvm || exit 1
	attempt "$@"
	[ "$node" = /dev/kvm ] || umount /dev/kvm
}

judge()
{
	name="$test${arguments:+ $arguments}" why=
	if [ "$lvx" != pass ]; then
		why=$(reason "$tmp/lvx")
	elif [ "$kvm" != pass ]; then
		why="KVM: $(reason "$tmp/kvm")"
	fi
	n=$((n + 1))
	case $lvx:$kvm in
	pass:*) echo "ok $n $name" ;;
	skip:skip) echo "ok $n $name # SKIP on both: $why" ;;
	skip:fail | fail:fail | *:hung)
		echo "ok $n $name # SKIP $lvx on lvx, $kvm on KVM: $why" ;;
	*)
		bad=1
		echo "not ok $n $name: $lvx on lvx, $kvm on KVM"
		sed 's/^/#   lvx: /' "$tmp/lvx" | tail -n 25
		;;
	esac
	[ "$kvm" != fail ] || sed 's/^/#   KVM: /' "$tmp/kvm" | tail -n 12
	echo "# table: $name | $lvx | $kvm | $why"
}

# No names on the command line: all tests.
selected()
{
	[ -z "$only" ] && return 0
	case " $only " in *" $test "*) return 0 ;; esac
	return 1
}

only=$*
n=0 bad=0
echo "# kvm/run-tests"
tr -s ' ' <"$dir/tests" | sed 's/ *| */|/g' >"$tmp/tests"
while IFS='|' read -r rank test limit arguments _; do
	case $rank in '#'* | '') continue ;; esac
	selected || continue
	start=$(cut -d. -f1 /proc/uptime)
	# shellcheck disable=SC2086 # one word an argument
	on /dev/kvm "$tmp/kvm" "$limit" "$dir/$test" $arguments
	kvm=$result
	middle=$(cut -d. -f1 /proc/uptime)
	# shellcheck disable=SC2086
	on /dev/lvx "$tmp/lvx" "$limit" "$dir/$test" $arguments
	lvx=$result
	judge
	echo "# $test: $((middle - start)) s on KVM, $(($(cut -d. -f1 /proc/uptime) - middle)) s on lvx"
done <"$tmp/tests"
echo "1..$n"
rm -rf "$tmp"
exit $bad
