#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What CPUs do to each other, as a load in a guest: TLB shootdowns, IPIs that
# are waited for, threads that wake others and move. Run by a guest's init as
# lvx.script. Each line that it prints begins with "load:", what a test must
# not find with "load: bad".
#
# usage: load.sh [PERCENT]	of its time that each CPU has to itself, at least

PERCENT=${1:-90}
cpus=$(grep -c ^processor /proc/cpuinfo)

# counts NAME: a line of /proc/interrupts, without its name and its text
counts()
{
	sed -n "s/^ *$1: *\([0-9 ]*[0-9]\) .*/\1/p" /proc/interrupts | tr -s ' '
}

now()
{
	read -r uptime _ </proc/uptime
	echo "${uptime%.*}${uptime#*.}"
}

before=$(counts LOC)
start=$(now)
for hogs in "--pthread 2 --pthread-max 8 --tlb-shootdown 1 --membarrier 1" \
	"--futex 1 --switch 1 --affinity 1 --memthrash 1 --yield $cpus"; do
	# shellcheck disable=SC2086 # several words
	stress-ng $hogs --timeout 4 --metrics-brief >/tmp/stress 2>&1 ||
		echo "load: bad: stress-ng's status $?"
	sed 's/^stress-ng: /load: /' /tmp/stress
done
took=$(($(now) - start))
echo "load: took $took hundredths, ticks before: $before, after: $(counts LOC)"
echo "load: IPIs: $(counts RES) wake-ups, $(counts CAL) calls, $(counts TLB) shootdowns"

# Every CPU was busy, so the kernel's tick must have come 250 times a second,
# but for those that a CPU slept through since others had the host's CPU.
wanted=$((took * PERCENT * 250 / 10000))
for after in $(counts LOC); do
	ticks=$((after - ${before%% *}))
	before=${before#* }
	[ $ticks -ge $wanted ] || echo "load: bad: $ticks ticks in $took hundredths"
done
dmesg | grep -E 'stall|lockup|unstable|WARNING: CPU|BUG:|blocked for' |
	sed 's/^/load: bad: /'
shootdowns=0
for count in $(counts TLB); do
	shootdowns=$((shootdowns + count))
done
[ $shootdowns -gt 0 ] || echo "load: bad: no TLB shootdown took place"
echo "load: end"
