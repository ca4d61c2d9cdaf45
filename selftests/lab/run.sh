#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots an emulated machine with VMX, runs one command in it and ends with the
# command's exit status. The command's output comes out on stdout; progress
# and complaints on stderr. What the machine said is kept in build/lab/run.*
# only when something went wrong, or with --keep.
#
# Exit status: the command's own; 124 time limit, 125 the machine did not come
# up or died, 126 the command succeeded but the host's kernel log is not clean.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=follow.sh
. "$LAB/follow.sh"

HOST=${HOST:-6.1}
CPUS=${CPUS:-1}
CPU=${CPU:-corei7_skylake_x}
MEASURE=${MEASURE:-}
TIME=${TIME:-600}
MEMORY=${MEMORY:-1024}
MODULES="kvm-intel lvx"
APPEND=
KEEP=
RESTART=
INTERACTIVE=
TRACE=
TRACES=1
ADD=()
# Which emulator: "own" (emulator.sh's, which must be there), "distribution", or
# the own one if it is there: nobody waits for its build to see a guest's prompt.
EMULATOR=${EMULATOR:-}

usage()
{
	cat <<EOF
usage: run.sh [options] [--] COMMAND...   runs COMMAND (a line of sh) in the emulated host
  --host 6.1|6.12|debug  kernel of the host                   (HOST, now $HOST)
  --cpus N            number of emulated CPUs              (CPUS, now $CPUS)
  --cpu MODEL         emulated CPU model                   (CPU, now $CPU)
  --measure           configuration for counting ticks     (MEASURE)
  --memory MIB        memory of the machine                (MEMORY, now $MEMORY)
  --time SECONDS      limit in real time                   (TIME, now $TIME)
  --add FILE[:PATH]   put a file or folder into the host, at PATH (default /FILE's name);
                      shared libraries of a dynamic program come along
  --guest             put the guest's kernels and initramfs into /guest
  --modules "M..."    modules to load, in this order       (now "$MODULES";
                      lvx is taken from build/HOST/lvx.ko)
  --append TEXT       more words for the host kernel's command line
  --restart           COMMAND restarts the machine, which is its success
  --emulator own|distribution  the lab's own build or the distribution's
                      binary (EMULATOR); without, the own one if it is built
  --interactive       give this terminal to COMMAND, by the machine's first serial port
  --keep              keep the folder with the logs
  --trace FILE[:N]    write what bench/accesses.awk counts of the 20,000
                      instructions after XCHG BX,BX to FILE; the distribution's
                      emulator writes all, the first N times (now $TRACES)
EOF
}

# Sets OWN to the own emulator's path, or to nothing.
find_emulator()
{
	OWN=
	case $EMULATOR in
	distribution) ;;
	own | '') OWN=$("$LAB/emulator.sh" --find) ;;
	*) die "no emulator '$EMULATOR': there are own and distribution" ;;
	esac
	if [ -z "$OWN" ]; then
		[ "$EMULATOR" != own ] ||
			die "the own emulator is not built; selftests/lab/emulator.sh builds it"
		EMULATOR=distribution
		need bochs bochs
		need /usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so bochs-term
		need script bsdutils
	else
		EMULATOR=own
	fi
}

GUEST=
while [ $# -gt 0 ]; do
	case $1 in
	--host) HOST=$2; shift ;;
	--cpus) CPUS=$2; shift ;;
	--cpu) CPU=$2; shift ;;
	--measure) MEASURE=1 ;;
	--memory) MEMORY=$2; shift ;;
	--time) TIME=$2; shift ;;
	--add) ADD+=("$2"); shift ;;
	--guest) GUEST=1 ;;
	--modules) MODULES=$2; shift ;;
	--append) APPEND=$2; shift ;;
	--restart) RESTART=1 ;;
	--emulator) EMULATOR=$2; shift ;;
	--interactive) INTERACTIVE=1 ;;
	--trace)
		TRACE=$(realpath "${2%:*}")
		[ "$2" = "${2%:*}" ] || TRACES=${2##*:}
		shift
		;;
	--keep) KEEP=1 ;;
	-h | --help) usage; exit 0 ;;
	--) shift; break ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || { usage >&2; exit 2; }
COMMAND=$*

find_emulator
need /usr/share/bochs/BIOS-bochs-latest bochsbios
need /usr/share/bochs/VGABIOS-lgpl-latest vgabios
need_cd
need setpriv util-linux
if [ -n "$INTERACTIVE" ]; then
	need socat socat
	[ -t 0 ] || die "an interactive machine needs a terminal"
fi

"$LAB/initrd.sh" "$HOST"
# Logs of runs that failed are kept for a day.
# Others may end, and remove theirs, at this moment.
find "$BUILD/lab" -maxdepth 1 -name 'run.*' -mmin +1440 -exec rm -rf {} + 2>/dev/null || :
RUN=$(mktemp -d "$BUILD/lab/run.XXXX")
BOCHS=
TTY=
CONVERSATION=

# However this script ends, the machine goes with it.
# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	local status=$?

	trap - EXIT INT TERM HUP
	[ -z "$TTY" ] || stty "$TTY" 2>/dev/null || :
	[ -z "$CONVERSATION" ] || kill "$CONVERSATION" 2>/dev/null || :
	if [ -s "$RUN/bochs.pid" ]; then
		kill -KILL "$(cat "$RUN/bochs.pid")" 2>/dev/null || :
	fi
	[ -z "$BOCHS" ] || wait "$BOCHS" 2>/dev/null || :
	if [ -n "$KEEP" ] || [ "$status" -ge 124 ] && [ "$status" -le 126 ]; then
		rm -rf "$RUN/iso" "$RUN/own" "$RUN/lab.iso"
		echo "run.sh: logs are in $RUN" >&2
	else
		rm -rf "$RUN"
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The libraries that a dynamic program asks for, at the same paths.
libraries()
{
	local file

	{ ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || :; } | sort -u |
	while read -r file; do
		install -D "$file" "$RUN/own$file"
	done
}

own_files()
{
	local entry from to module file

	mkdir -p "$RUN/own/lab"
	for entry in ${ADD[@]+"${ADD[@]}"}; do
		from=${entry%%:*}
		to=/${from##*/}
		[ "$entry" = "$from" ] || to=${entry#*:}
		[ -e "$from" ] || die "--add: no file $from"
		mkdir -p "$RUN/own$(dirname "$to")"
		cp -rL "$from" "$RUN/own$to"
		find "$RUN/own$to" -type f -perm -100 | while read -r file; do
			libraries "$file"
		done
	done
	module=$BUILD/$HOST/lvx.ko
	if [ -e "$module" ]; then
		cp "$module" "$RUN/own/lab/lvx.ko"
	else
		MODULES=${MODULES/lvx/}
	fi
	printf '%s\n' "$COMMAND" >"$RUN/own/lab/command"
	{
		printf 'MODULES="%s"\n' "$MODULES"
		if [ -n "$INTERACTIVE" ]; then
			printf 'MODE=interactive SIZE="%s"\n' "$(stty size)"
		fi
	} >"$RUN/own/lab/settings"
	pack "$RUN/own" >"$RUN/own.cpio"
}

medium()
{
	local ips=$1 append pieces

	# tsc_early_khz: Linux believes the model's CPUID otherwise, which
	# promises a clock that the emulator does not keep. lpj saves the
	# calibration loop. quiet: a polled serial port costs an emulated CPU
	# some thousand instructions a letter. The crypto self-tests and the
	# certificates take a third of the boot.
	append="console=ttyS0,115200 quiet panic=-1 tsc=reliable lpj=1000000 nokaslr"
	append+=" no_timer_check tsc_early_khz=$((ips / 1000)) random.trust_cpu=on"
	# idle=halt: the emulator does not wake a CPU in MWAIT when another CPU
	# writes to the line, only at its next tick.
	append+=" idle=halt cryptomgr.notests initcall_blacklist=load_system_certificate_list"
	[ "$HOST" = 6.1 ] || append+=" kvm.enable_virt_at_load=0"
	if [ "$EMULATOR" = distribution ]; then
		# Bochs 2.7's XSAVE area with XSAVEC is not of the size that
		# Linux adds up, for which it would turn XSAVE off, and AVX.
		[ -n "$MEASURE" ] || append+=" clearcpuid=xsavec noxsaves"
	else
		# 3.0 has all that KVM asks for to let the CPU deliver a guest's
		# interrupts, and delivers some of them wrongly or never.
		append+=" kvm_intel.enable_apicv=0"
	fi
	[ -z "$MEASURE" ] || append+=" mitigations=off"
	# For tests that the distribution's emulator cannot run.
	append+=" lab.emulator=$EMULATOR"
	# A test writes the LAPIC, which the kernel claims, through /dev/mem.
	append+=" iomem=relaxed"
	append+=" $APPEND"
	mkdir -p "$RUN/iso"
	pieces=("$BUILD/lab/base.cpio" "$BUILD/lab/modules-$HOST.cpio" "$RUN/own.cpio")
	[ -z "$GUEST" ] || pieces+=("$BUILD/lab/guest.cpio")
	cat "${pieces[@]}" >"$RUN/iso/initrd"
	cp -L "$BUILD/kernels/$HOST/vmlinuz" "$RUN/iso/vmlinuz"
	printf 'default lab\nlabel lab\n kernel vmlinuz\n initrd initrd\n append %s\n' \
		"$append" | make_cd "$RUN/iso" "$RUN/lab.iso"
	rm -rf "$RUN/iso" "$RUN/own" "$RUN/own.cpio"
}

# Should this script be killed, the kernel kills what hangs on it (--pdeathsig).
start()
{
	local ips=$1 com1="mode=file, dev=$RUN/console" sync=none display=term

	# An idle machine's clock would run away from whoever types.
	if [ -n "$INTERACTIVE" ]; then
		com1="mode=term, dev=$RUN/tty"
		sync=slowdown
	fi
	[ -z "$OWN" ] || display=nogui
	cat >"$RUN/bochsrc" <<-EOF
		megs: $MEMORY
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
		boot: cdrom
		ata0-master: type=cdrom, path=$RUN/lab.iso, status=inserted
		cpu: model=$CPU, count=$CPUS, ips=$ips, reset_on_triple_fault=0
		com1: enabled=1, $com1
		com2: enabled=1, mode=file, dev=$RUN/report
		log: $RUN/bochs.log
		display_library: $display
		panic: action=fatal
		error: action=report
		info: action=report
		debug: action=ignore
		clock: sync=$sync, time0=utc
	EOF
	: >"$RUN/report"
	: >"$RUN/bochs.log"
	if [ -n "$OWN" ]; then
		start_own
	else
		start_distribution
	fi
	BOCHS=$!
}

# shellcheck disable=SC2016 # the inner shell's own process id
start_own()
{
	(cd "$RUN" && exec setpriv --pdeathsig KILL setsid sh -c \
		'echo $$ >bochs.pid; exec setpriv --pdeathsig KILL "$0" -q -f bochsrc' \
		"$OWN" </dev/null >/dev/null 2>&1) &
}

# Debian's Bochs has its debugger compiled in and stops at a prompt, which
# -rc answers, and draws its VGA screen on a terminal, which script provides.
start_distribution()
{
	if [ -n "$TRACE" ]; then
		echo "magic_break: enabled=1" >>"$RUN/bochsrc"
		for _ in $(seq "$TRACES"); do
			printf 'c\ntrace on\ns 20000\ntrace off\n'
		done >"$RUN/rc"
	fi
	echo c >>"$RUN/rc"
	# A dumb terminal has no cursor to switch at each update of the screen:
	# Bochs writes it to a second terminal of its own, which nobody reads,
	# and after 64 KiB of that, some ten minutes, would wait for ever.
	# shellcheck disable=SC2016 # the inner shell's own process id
	(cd "$RUN" && TERM=dumb exec setpriv --pdeathsig KILL setsid script -qec \
		'echo $$ >bochs.pid; exec setpriv --pdeathsig KILL bochs -q -f bochsrc -rc rc' \
		/dev/null </dev/null >"${TRACE:-/dev/null}" 2>&1) &
}

complain()
{
	echo "run.sh: $*" >&2
	echo "--- the last lines of the host's console:" >&2
	tail -n 25 "$RUN/console" 2>/dev/null | tr -d '\r' >&2 || :
	if grep -qE 'VMFAIL|VMENTER FAIL|>>PANIC<<' "$RUN/bochs.log"; then
		echo "--- the emulator's complaints:" >&2
		grep -E 'VMFAIL|VMENTER FAIL|>>PANIC<<' "$RUN/bochs.log" | tail -n 15 >&2
	fi
}

# Ties this terminal to the machine's serial port. Output processing stays on,
# so that our own lines look right, too.
converse()
{
	TTY=$(stty -g)
	socat "PTY,link=$RUN/tty,raw,echo=0,wait-slave" \
		"STDIO,icanon=0,echo=0,isig=0,icrnl=0,ixon=0,iexten=0,min=1,escape=0x1c" \
		<&0 2>"$RUN/socat.log" &
	CONVERSATION=$!
	for _ in $(seq 50); do
		[ -e "$RUN/tty" ] && return
		sleep 0.1
	done
	die "no pseudo-terminal: $(cat "$RUN/socat.log")"
}

# The stages of a boot, as the emulator's log and the report show them.
stage()
{
	local next=$((STAGE + 1)) file pattern text

	[ "$next" -lt "${#STAGES[@]}" ] || return 0
	IFS='|' read -r file pattern text <<<"${STAGES[next]}"
	if grep -q "$pattern" "$RUN/$file"; then
		STAGE=$next
		say "host $HOST: $text"
	fi
}
STAGE=-1
STAGES=("bochs.log|Booting from|the boot loader reads kernel and initramfs"
	"bochs.log|from MSR_APICBASE|Linux starts"
	"report|^lab: up|up")

# Instructions per second of the emulated clock. At about the emulator's real
# speed a second lasts a second; to measure, the fewer timer ticks the better.
ips=50000000
# The debugging kernel takes several times as many for the same work.
[ "$HOST" != debug ] || ips=250000000
[ -z "$MEASURE" ] || ips=1000000000
own_files
medium $ips
if [ -n "$INTERACTIVE" ]; then
	converse
	say "Ctrl-\\ leaves the emulated machine at any time"
fi
start $ips
say "host $HOST: booting ($CPUS x $CPU, emulator: $EMULATOR)"
follow
status=$(sed -n 's/^lab: status \([0-9]*\).*/\1/p' "$RUN/report")
say "command ended with status $status"
[ -z "$TRACE" ] || [ -z "$OWN" ] || grep 'trace: ' "$RUN/bochs.log" >"$TRACE" || :
if ! grep -q '^lab: log clean' "$RUN/report"; then
	grep '^lab: log: ' "$RUN/report" | tr -d '\r' >&2 || :
	complain "the host's kernel log is not clean"
	[ "$status" -ne 0 ] || status=126
fi
exit "$status"
