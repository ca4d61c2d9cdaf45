#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the README tells to do, as somebody does it who has just cloned lvx; as
# TAP. Installs packages: meant for one of fresh.sh's machines.
#
# usage: first-steps.sh [STEP...]    the table below has them; without: all

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
OUT=$PWD/build/first-steps

# step | command | what it is to show
steps()
{
	cat <<-'EOF'
		deps    | make deps                | make deps
		all     | make all                 | make all
		run     | run_guest                | make run, to a guest's prompt
		unit    | make check JOBS=unit     | unit tests
		before  | prepare_packages         | headers, and what make deb needs
		deb     | make deb                 | make deb
		install | install_packages         | lvx and lvx-dkms install, and the module builds
		remove  | remove_packages          | they leave nothing when they are removed
	EOF
}

# make run at a terminal: somebody waits for the guest's prompt and ends it, by
# which all ends.
run_guest()
{
	local log=$OUT/terminal script

	rm -f "$OUT/keys"
	mkfifo "$OUT/keys" || return
	: >"$log"
	script -qefc "make run" "$log" <"$OUT/keys" &
	script=$!
	exec 7>"$OUT/keys"
	until grep -q '^guest# ' "$log"; do
		kill -0 "$script" 2>/dev/null || return
		sleep 1
	done
	# shellcheck disable=SC2016 # for the shell in the guest
	printf 'echo "I am $(hostname)"\rpoweroff -f\r' >&7
	wait "$script" && grep -q '^I am guest' "$log"
}

apt_get()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@"
}

# What there is on this machine, but for what apt and dpkg write down, and the key
# that dkms makes to sign modules with when it builds its first one.
snapshot()
{
	local part

	for part in "$PWD" '/var/lib/dkms/mok.*' /tmp /var/cache /var/log /var/lib/apt /var/lib/dpkg; do
		printf '%s\n' -path "$part" -prune -o
	done | xargs -d '\n' sh -c 'find / -xdev "$@" -printf "%p %y %m %u:%g %l\n"' find | sort
	find /etc /lib/modules/ -type f -exec md5sum {} + | sort -k 2
}

# dkms asks for the headers of kernels; they and it are not ours. depmod writes
# files that headers alone have not.
prepare_packages()
{
	make deps FOR=deb && apt_get install dkms linux-headers-cloud-amd64 man-db || return
	for release in /lib/modules/*; do
		depmod "${release##*/}" || return
	done
	snapshot >"$OUT/before"
}

install_packages()
{
	local release built version

	apt_get install ./build/deb/lvx_*.deb ./build/deb/lvx-dkms_*.deb || return
	# shellcheck disable=SC2016 # for dpkg-query
	version=$(dpkg-query -W -f '${Version}' lvx-dkms)
	lvx version | grep -xF "lvx $version" || return
	lvx help >/dev/null || return
	man -w lvx || return
	[ "$(stat -c %a "$(dpkg -L lvx | grep '/60-lvx.rules$')")" = 644 ] || return
	# shellcheck disable=SC2016 # for a shell without ours
	[ "$(bash -c '. /usr/share/bash-completion/completions/lvx
		COMP_WORDS=(lvx run --ini) COMP_CWORD=2; _lvx
		echo "${COMPREPLY[@]}"')" = --initrd ] || return
	# What runs here is another kernel, so dkms is told which one is meant.
	for release in /lib/modules/*; do
		release=${release##*/}
		[ -e "/lib/modules/$release/build" ] || continue
		dkms install "lvx/$version" -k "$release" || return
		built=$(find "/lib/modules/$release/updates" -name 'lvx.ko*')
		modinfo -F vermagic "$built" | grep -F "$release " || return
	done
	[ -n "${built-}" ]
}

remove_packages()
{
	apt_get remove lvx lvx-dkms || return
	# With nothing left there is nothing to purge.
	! dpkg-query -W lvx || return
	! dpkg-query -W lvx-dkms || return
	snapshot >"$OUT/after"
	diff "$OUT/before" "$OUT/after"
}

# try NUMBER STEP: one test; the log of what fails is shown.
try()
{
	local log=$OUT/$2.log start=$SECONDS command what

	IFS='|' read -r _ command what < <(steps | sed 's/ *| */|/g' | grep "^$2|")
	# shellcheck disable=SC2086 # a command and its arguments
	if (set -- $command && "$@") >"$log" 2>&1 </dev/null; then
		echo "ok $1 $what # $((SECONDS - start)) s"
	else
		echo "not ok $1 $what"
		tail -n 30 "$log" | tr -d '\r' | sed 's/^/# /'
		return 1
	fi
}

# shellcheck disable=SC2046 # one word a step
[ $# -gt 0 ] || set -- $(steps | cut -d ' ' -f 1)
mkdir -p "$OUT"
number=0
bad=0
echo "1..$#"
for step; do
	try $((++number)) "$step" || bad=1
done
[ "$bad" -eq 0 ]
