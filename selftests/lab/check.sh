#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: runs every kind of test and adds the results up. The last line
# is "N passed, N failed, N skipped"; the exit status says whether none failed.
#
# Jobs run two at a time, the long ones first: on two cores two emulated
# machines cost no more time than one. A job's whole output is kept in
# build/check/JOB.log. Only test lines count (tap.awk); a job that ends badly
# without one failed test is one failure more, so that nothing is lost.
#
# make check-clients: the same for what takes longer, other programs' virtual
# machines on lvx, and the kernel's own tests of KVM.
#
# make check-fresh: the README's commands on machines with nothing prepared.
#
# usage: check.sh [JOB... | clients | all]

set -uo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

OUT=$BUILD/check
# The own emulator pays for its build within the first run.
export EMULATOR=${EMULATOR:-own}
LIMIT=${TIME:-1200}

# Each job is a function job_NAME; what it prints is TAP.
JOBS=(kselftest-6.12 kselftest-6.1 boot-6.12 boot-6.1 host-6.1 unit built style)
CLIENTS=(kvm-selftests smp options payloads qemu-migrate qemu-models qemu-on qemu-split qemu-off
	host-6.12 restart-6.1 restart-6.12)

job_unit()
{
	local status=0

	make -s --no-print-directory -C "$TOP/selftests/unit" check || status=1
	"$LAB/test-follow.sh" || status=1
	return $status
}

job_style()
{
	"$TOP/selftests/style/check.sh"
}

job_built()
{
	"$TOP/selftests/built/check.sh"
}

# kselftest HOST OPTION...: all of them on KVM first, whose results are the
# measure, then on lvx, in one boot; and what guests are offered once more, by an
# lvx that is told to do without some of it.
kselftest()
{
	# shellcheck disable=SC2016 # for the shell in the emulated host
	"$LAB/run.sh" --time "$LIMIT" --host "$1" "${@:2}" \
		--add "$BUILD/selftests/run:/tests" -- \
		'bad=0
		 for node in /dev/kvm /dev/lvx; do
			/tests/run-tests.sh $node || bad=1
		 done
		 rmmod lvx && insmod /lab/lvx.ko rdtscp=0 invpcid=0 xsaves=0 &&
			/tests/run-tests.sh /dev/lvx cpuid || bad=1
		 exit $bad'
}

job_kselftest_6.1() { kselftest 6.1; }
job_kselftest_6.12() { kselftest 6.12 --cpus 2; }

# After a sleep the emulator's CPUs start with different TSC_ADJUST, by which
# Linux, told that their TSCs are reliable, lets their TSCs disagree: so a host
# that sleeps better not know of it. (XSAVEC is what the lab takes away anyway in
# the distribution's, and the last clearcpuid= is the one that counts.)
SLEEPS="clearcpuid=tsc_adjust"
[ "$EMULATOR" != distribution ] || SLEEPS+=",xsavec"

# host HOST END: guests go on while the host is disturbed, until it ends in the
# way END. The kernel that follows it prints the last test's line.
host()
{
	# shellcheck disable=SC2016 # for the shell in the emulated host
	"$LAB/run.sh" --time "$LIMIT" --host "$1" --cpus 2 --guest \
		--append "crashkernel=192M $SLEEPS" \
		--add "$BUILD/selftests/host:/tests" -- \
		'for node in /dev/kvm /dev/lvx; do
			/tests/run-tests.sh $node disturb
		 done
		 /tests/run-end.sh '"$2"
}

job_host_6.1() { host 6.1 panic; }
job_host_6.12() { host 6.12 kexec; }

# restart HOST END: what follows is the firmware. Not by the keyboard
# controller, whose reset the emulator's firmware takes for a power-on.
restart()
{
	"$LAB/run.sh" --time "$LIMIT" --host "$1" --cpus 2 --restart \
		--append "loglevel=5 reboot=pci" --add "$BUILD/selftests/host:/tests" \
		-- "/tests/run-end.sh $2" && echo "ok 2 the machine restarts"
}

job_restart_6.1() { restart 6.1 reboot; }
job_restart_6.12() { restart 6.12 emergency; }

# boot HOST SCRIPT OPTION...: stock kernels as guests, on lvx.
boot()
{
	"$LAB/run.sh" --time "$LIMIT" --host "$1" --guest \
		--add "$BUILD/lvx:/bin/lvx" --add "$TOP/selftests/boot:/boot-tests" \
		--add "$BUILD/selftests/boot:/boot-programs" "${@:3}" -- "/boot-tests/$2"
}

job_boot_6.1() { boot 6.1 run-boot.sh; }
job_boot_6.12() { boot 6.12 run-boot.sh; }
# All the options, on KVM and on lvx.
job_options() { boot 6.1 "options.sh /dev/kvm && /boot-tests/options.sh /dev/lvx"; }
# What is no Linux, but is booted like it.
job_payloads()
{
	"$TOP/selftests/boot/fetch.sh" &&
		boot 6.1 payloads.sh --add "$BUILD/payloads:/payloads"
}
# Not among JOBS: it takes ten minutes.
job_soak() { boot 6.1 soak.sh; }

# The kernel's own tests of KVM, but for the longest, on KVM and on lvx.
job_kvm_selftests()
{
	make -s --no-print-directory -C "$TOP/selftests/kvm" BUILD="$BUILD" >&2 || return
	"$LAB/run.sh" --time "${TIME:-2400}" --cpus 2 --memory 2048 \
		--add "$BUILD/kvm-selftests/bin:/kvm" -- '/kvm/run-tests.sh --fast'
}

# Debian 12's QEMU has a firmware of its own for its machine without PCI; Debian
# 13's takes SeaBIOS's.
microvm_bios()
{
	local file=share/qemu/bios-microvm.bin

	[ -e /usr/$file ] || file=share/seabios/bios-microvm.bin
	echo $file
}

# qemu HOST SCRIPT ARGUMENT...: Debian's QEMU on lvx, which takes KVM's place, with
# what firmware it loads. QEMU_ON=kvm-intel runs the same on KVM.
qemu()
{
	local file add=()

	"$TOP/selftests/clients/media.sh" || return
	for file in bin/qemu-system-x86_64 share/seabios/bios-256k.bin \
		share/seabios/vgabios-stdvga.bin share/qemu/linuxboot_dma.bin \
		"$(microvm_bios)" share/qemu/kvmvapic.bin; do
		add+=(--add "/usr/$file:/usr/$file")
	done
	"$LAB/run.sh" --time "$LIMIT" --host "$1" --modules "${QEMU_ON:-lvx}" \
		"${add[@]}" --add "$BUILD/clients:/guest" \
		--add "$TOP/selftests/boot:/boot-tests" \
		--add "$TOP/selftests/clients:/clients" -- "/clients/${*:2}"
}

job_qemu_on() { qemu 6.1 qemu-boot.sh on; }
job_qemu_split() { qemu 6.1 qemu-boot.sh split; }
job_qemu_off() { qemu 6.12 qemu-boot.sh off; }
job_qemu_migrate() { qemu 6.1 qemu-migrate.sh; }
job_qemu_models() { qemu 6.1 qemu-models.sh; }

# Guests whose CPUs load each other.
job_smp()
{
	boot 6.1 smp.sh --cpus 2 --add /usr/bin/stress-ng:/bin/stress-ng
}

# debug COMMAND: in the kernel with every checker, then what memory it lost.
# lockdep ends its work with its first complaint, or when its tables are full,
# and had better not have done so before the tests; KASAN would, too. The host's
# sleep comes first: in Bochs with its debugger, a CPU's turn ends at a count of
# instructions, which the reset at wake-up sets back to 0. So the clock stands
# until that CPU, alone, has executed once more as many as in all its life:
# five minutes here, for each of the three sleeps.
debug()
{
	make -C "$TOP" module-debug >&2 && make -C "$TOP" selftests >&2 || return
	# shellcheck disable=SC2016 # for the shell in the emulated host
	"$LAB/run.sh" --time "${TIME:-7200}" --host debug --cpus 2 --memory 768 \
		--modules lvx --append "kasan_multi_shot $SLEEPS" \
		--add "$BUILD/selftests/run:/tests" \
		--add "$BUILD/selftests/host:/host" -- \
		'sh /lab/kmemleak.sh clear; bad=0
		 '"$1"'
		 echo "# lab/unload"; echo 1..2
		 rmmod lvx && echo "ok 1 rmmod" || echo "not ok 1 rmmod"
		 grep -q "debug_locks: *1" /proc/lockdep_stats && echo "ok 2 lockdep" ||
			echo "not ok 2 lockdep: gave up"
		 echo "# lab/kmemleak"; sh /lab/kmemleak.sh || bad=1
		 exit $bad'
}

job_debug()
{
	debug '/host/run-tests.sh /dev/lvx disturb || bad=1
		/tests/run-tests.sh /dev/lvx || bad=1'
}

# The same kernel, and ioctls of all kinds. SEED and CALLS: others, or more.
job_fuzz()
{
	debug "/tests/fuzz --device /dev/lvx --seed ${SEED:-1} \
		--calls $((${CALLS:-200000} / 2)) || bad=1"
}

# A fresh machine of either distribution.
job_fresh_bookworm() { "$LAB/fresh.sh" bookworm selftests/lab/first-steps.sh; }
job_fresh_trixie() { "$LAB/fresh.sh" trixie selftests/lab/first-steps.sh; }

# Everything must build, and without a warning, before anything is tested.
job_build()
{
	echo "# lab/build"
	echo "1..3"
	if make -C "$TOP" all >&2; then echo "ok 1 make"; else echo "not ok 1 make"; fi
	if make -C "$TOP" selftests >&2; then
		echo "ok 2 make selftests"
	else
		echo "not ok 2 make selftests"
	fi
	if [ "$EMULATOR" = distribution ]; then
		echo "ok 3 emulator # SKIP EMULATOR=distribution"
	elif "$LAB/emulator.sh" >&2; then
		echo "ok 3 emulator"
	else
		echo "not ok 3 emulator"
	fi
}

# Runs one job to its end and writes its counts to JOB.result.
work()
{
	local job=$1 start=$SECONDS status counts passed failed skipped

	"job_${job/-/_}" >"$OUT/$job.log" 2>"$OUT/$job.err" </dev/null
	status=$?
	counts=$(awk -f "$LAB/tap.awk" "$OUT/$job.log" 2>"$OUT/$job.failed")
	read -r passed failed skipped <<<"${counts:-0 0 0}"
	if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
		failed=1
		{
			echo "    failed: the job ended with status $status after $passed passed; its last words:"
			tail -n 15 "$OUT/$job.err" | sed 's/^/      /'
		} >>"$OUT/$job.failed"
	fi
	say "$job: $passed passed, $failed failed, $skipped skipped ($((SECONDS - start)) s)"
	cat "$OUT/$job.failed" >&2
	grep -iE '^([a-z0-9_.-]+: )?ok .*# *skip' "$OUT/$job.log" |
		sed 's/^/    skipped: /' | tr -d '\r' >&2
	echo "$passed $failed $skipped" >"$OUT/$job.result"
}

# shellcheck disable=SC2317 # called by the trap
stop()
{
	trap - INT TERM
	# The jobs clean up after themselves on TERM.
	jobs -p | while read -r pid; do pkill -TERM -P "$pid"; done
	wait
	exit 130
}
trap stop INT TERM

result()
{
	local sum=(0 0 0) job passed failed skipped

	for job; do
		read -r passed failed skipped <"$OUT/$job.result" ||
			{ passed=0 failed=1 skipped=0; }
		# Once more at the end, where one looks, and what a log's tail shows.
		[ "$failed" -eq 0 ] || { echo "$job:"; cat "$OUT/$job.failed"; } >&2
		sum=($((sum[0] + passed)) $((sum[1] + failed)) $((sum[2] + skipped)))
	done
	echo "${sum[0]} passed, ${sum[1]} failed, ${sum[2]} skipped"
	[ "${sum[1]}" -eq 0 ] && [ "${sum[0]}" -gt 0 ]
}

case ${1-} in
'') set -- "${JOBS[@]}" ;;
clients) set -- "${CLIENTS[@]}" ;;
all) set -- "${CLIENTS[@]}" "${JOBS[@]}" ;;
esac
for job; do
	declare -F "job_${job/-/_}" >/dev/null || die "no job $job; there are: ${JOBS[*]} ${CLIENTS[*]}"
done
rm -rf "$OUT"
mkdir -p "$OUT"
say "logs go to $OUT"
todo=("$@")
case $1 in
debug | fuzz) [ "$EMULATOR" = distribution ] || "$LAB/emulator.sh" >&2 || exit ;;
fresh-*) ;;
*)
	work build
	set -- build "$@"
	;;
esac
for job in "${todo[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	work "$job" &
done
wait
result "$@"
