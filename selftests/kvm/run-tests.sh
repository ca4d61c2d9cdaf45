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
# A test that does not end is killed, with all that it started, and counts as
# hung; one that even then does not end is stuck in the kernel, with VMX in its
# hands, and ends the whole run. One that makes the host's kernel complain has
# failed, whatever it says itself.
#
# usage: run-tests.sh [--fast | TEST...]

dir=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)

now()
{
	cut -d. -f1 /proc/uptime
}

# within SECONDS COMMAND...: waits for the command to succeed.
within()
{
	deadline=$(($(now) + $1))
	shift
	until "$@"; do
		[ "$(now)" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}

# Nobody is in a module any more: a VM lives until its last process is gone.
# shellcheck disable=SC2317 # called by within
idle()
{
	for module in kvm_intel lvx; do
		! grep -q '^[1-9]' "/sys/module/$module/refcnt" 2>/dev/null || return 1
	done
}

# What the host's kernel complains of, see lab/host/init.
complaints()
{
	[ -e /lab/complaints ] || return 0
	dmesg | grep -E -f /lab/complaints
}

# attempt NODE LOG LIMIT PROGRAM...: runs a program in a session of its own,
# which ends with the time limit: kselftests fork, and what they leave behind
# would hold VMX. Sets $result and $took.
attempt()
{
	node=$1 log=$2 limit=$3 started=$(now) before=$(complaints | wc -l)
	shift 3
	[ "$node" = /dev/kvm ] || mount --bind "$node" /dev/kvm || exit 1
	rm -f "$tmp/status"
	{
		# shellcheck disable=SC2016 # for the inner shell
		setsid sh -c 'echo $$ >"$0"; exec "$@"' "$tmp/pid" "$@" >"$log" 2>&1 </dev/null
		echo $? >"$tmp/status.new"
		mv "$tmp/status.new" "$tmp/status"
	} &
	result=hung
	if within "$limit" test -e "$tmp/status"; then
		case $(cat "$tmp/status") in
		0) result=pass ;;
		4) result=skip ;;
		*) result=fail ;;
		esac
	fi
	took=$(($(now) - started))
	kill -KILL "-$(cat "$tmp/pid")" 2>/dev/null
	within 30 test -e "$tmp/status" && within 30 idle || result=stuck
	[ "$result" != hung ] || echo "did not end within $limit s" >>"$log"
	[ "$node" = /dev/kvm ] || umount /dev/kvm
	complaints | tail -n +$((before + 1)) >"$tmp/new"
	[ -s "$tmp/new" ] || return
	result=fail
	sed 's/^\[[^]]*\] */the kernel of the host: /' "$tmp/new" >>"$log"
}

# Why a test skipped or failed, in its own words. Behind a failed assertion
# come process, errno, stack and, last, the words for it, if it has any.
reason()
{
	said=$(grep -m 1 '^the kernel of the host: ' "$1")
	[ -n "$said" ] || said=$(sed -n 's/^1\.\.0 # SKIP[- ]*//p' "$1" | head -n 1)
	[ -n "$said" ] || said=$(awk '
		/^==== Test Assertion Failure/ { getline; where = $1; $1 = ""; words = $0; next }
		where && /^  [^ ]/ && !/pid=|stack trace/ { words = " " $0 }
		END { if (where) print where words }' "$1")
	[ -n "$said" ] || said=$(grep . "$1" | tail -n 1)
	printf '%s' "$said" | tr -s '\t\r| ' ' '
}

judge()
{
	why=
	if [ "$lvx" != pass ]; then
		why=$(reason "$tmp/lvx")
	elif [ "$kvm" != pass ]; then
		why="KVM: $(reason "$tmp/kvm")"
	fi
	n=$((n + 1))
	case $rank:$lvx:$kvm in
	*:pass:*) echo "ok $n $name" ;;
	*:skip:skip) echo "ok $n $name # SKIP on both: $why" ;;
	5:skip:*) echo "ok $n $name # SKIP not offered: $why" ;;
	*:skip:fail | *:fail:fail | *:hung:hung | *:skip:hung)
		echo "ok $n $name # SKIP $lvx on lvx, $kvm on KVM: $why" ;;
	*)
		bad=1
		echo "not ok $n $name: $lvx on lvx, $kvm on KVM"
		sed 's/^/#   lvx: /' "$tmp/lvx" | tail -n 25
		;;
	esac
	[ "$kvm" != fail ] || sed 's/^/#   KVM: /' "$tmp/kvm" | tail -n 12
	echo "# table: $name | $lvx | $kvm | $why"
	echo "# $test: $kvm_took s on KVM, $took s on lvx"
}

# An emulator that leaves the host's interrupts masked while a guest with
# RFLAGS.IF clear loops would stand still with it.
can_run()
{
	case " $notes " in *" IF "*) ;; *) return 0 ;; esac
	! grep -q 'lab.emulator=distribution' /proc/cmdline
}

# No names on the command line: all tests.
selected()
{
	case "$only:$notes" in
	"":*) return 0 ;;
	--fast:*slow*) return 1 ;;
	--fast:*) return 0 ;;
	esac
	case " $only " in *" $test "*) return 0 ;; esac
	return 1
}

only=$*
n=0 bad=0
echo "# kvm/run-tests"
tr -s ' ' <"$dir/tests" | sed 's/ *| */|/g' >"$tmp/tests"
while IFS='|' read -r rank test limit arguments notes; do
	case $rank in '#'* | '') continue ;; esac
	selected || continue
	name="$test${arguments:+ $arguments}"
	if ! can_run; then
		why="the emulator leaves the host's interrupts masked"
		n=$((n + 1))
		echo "ok $n $name # SKIP $why"
		echo "# table: $name | skip | skip | $why"
		continue
	fi
	lvx="not run"
	# Should the whole machine hang, this says in which test.
	echo "# running on KVM: $name"
	# shellcheck disable=SC2086 # one word an argument
	attempt /dev/kvm "$tmp/kvm" "$limit" "$dir/$test" $arguments
	kvm=$result kvm_took=$took took=0
	if [ "$kvm" != stuck ]; then
		echo "# running on lvx: $name | $kvm"
		# shellcheck disable=SC2086
		attempt /dev/lvx "$tmp/lvx" "$limit" "$dir/$test" $arguments
		lvx=$result
	fi
	judge
	case $lvx:$kvm in *stuck*) bad=1; echo "# VMX is taken: the run ends"; break ;; esac
done <"$tmp/tests"
echo "1..$n"
rm -rf "$tmp"
exit $bad
