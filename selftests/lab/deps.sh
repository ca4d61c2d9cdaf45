#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Debian packages that lvx is built and tested with, each with its reason,
# by distribution.
#
# usage: deps.sh --list              names the packages
#        deps.sh --check [USE]       fails and names what is missing
#        deps.sh --install [USE]     installs what is missing, with apt
#
# USE is one of the first column, or "all": what building and testing takes,
# not what makes fresh machines and packages.
#
# No kernel is ever among them: what the emulated machine boots is fetched
# into build/ (kernels.sh).

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=apt.sh
. "$LAB/apt.sh"

# use | package in Debian 12 | in Debian 13 (=: the same, -: none) | reason
table()
{
	cat <<-'EOF'
		build | make                      | =                  | the build
		build | gcc                       | =                  | compiles the launcher and the tests; on Debian 13 its 6.12's modules
		build | gcc-12                    | =                  | compiles modules, as Debian 12's kernels were compiled
		build | linux-compiler-gcc-12-x86 | -                  | what Debian 12's kernel headers ask for
		build | pahole                    | =                  | what 6.12's headers ask for: type information of modules
		build | libc6-dev                 | =                  | C library and Linux headers
		build | binutils                  | =                  | the assembler and linker
		build | libelf1                   | libelf1t64         | objtool, a part of the kernel headers, runs with it
		build | xz-utils                  | =                  | Debian's 6.12 modules are compressed
		build | kmod                      | =                  | depmod, for the modules of the emulated host
		build | cpio                      | =                  | packs the initramfs
		build | ca-certificates           | =                  | fetching kernels from mirrors that speak https
		build | debian-archive-keyring    | =                  | fetching kernels of another release
		lab   | bochs                     | =                  | emulates a CPU with VMX
		lab   | bochsbios                 | =                  | its BIOS
		lab   | vgabios                   | =                  | and its VGA BIOS
		lab   | bochs-term                | =                  | its display on a terminal
		lab   | bsdutils                  | =                  | script, the terminal for that display
		lab   | util-linux                | =                  | setpriv and setsid, so that no emulator stays behind
		lab   | socat                     | =                  | ties the terminal to the emulated console
		lab   | isolinux                  | =                  | boots the emulated host
		lab   | syslinux-common           | =                  | isolinux's library
		lab   | xorriso                   | =                  | writes the boot medium
		lab   | busybox-static            | =                  | user space of emulated host and guest
		own   | g++                       | =                  | builds the lab's own emulator
		own   | patch                     | =                  | with the patches that it gets
		test  | clang                     | =                  | second compiler for user space
		test  | libclang-rt-14-dev        | libclang-rt-19-dev | clang's sanitizers
		test  | libzydis-dev              | =                  | the disassembler that the decoder is tested against
		test  | stress-ng                 | =                  | the load of guests with several CPUs
		test  | sparse                    | =                  | checks address spaces and locks (C=1)
		test  | shellcheck                | =                  | checks the scripts
		test  | perl                      | =                  | checkpatch and kernel-doc
		test  | python3                   | =                  | checks of the documentation
		test  | linux-source-6.1          | -                  | checkpatch, kernel-doc, kselftest, KVM selftests, the debugging kernel
		test  | qemu-system-x86           | =                  | a client of the KVM ABI, run on lvx
		test  | lz4                       | =                  | packs the debugging kernel
		test  | bison                     | =                  | configures the debugging kernel
		test  | flex                      | =                  | configures the debugging kernel
		test  | bc                        | =                  | builds the debugging kernel
		test  | libelf-dev                | =                  | builds the debugging kernel's objtool
		test  | libssl-dev                | =                  | builds the debugging kernel's certificates
		fresh | mmdebstrap                | =                  | makes machines on which nothing is prepared
		fresh | debian-archive-keyring    | =                  | knows Debian's packages
		fresh | util-linux                | =                  | unshare, which keeps these machines apart
		fresh | git                       | =                  | what they get is a clone
		deb   | debhelper                 | =                  | make deb
		deb   | build-essential           | =                  | what Debian builds packages with
		deb   | dh-dkms                   | =                  | the package of the module's source
		deb   | lintian                   | =                  | checks the packages
	EOF
}

# packages: those of this machine's distribution, as use|package.
packages()
{
	table | tr -d ' \t' | awk -F '|' -v release="$(release)" '
		{ package = release == "trixie" && $3 != "=" ? $3 : $2 }
		package != "-" { print $1 "|" package }'
}

missing()
{
	local use package

	packages | while IFS='|' read -r use package; do
		case $1:$use in
		"$use:$use" | all:build | all:lab | all:own | all:test) ;;
		*) continue ;;
		esac
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null |
			grep -q '^ii' || echo "$package"
	done
}

install_missing()
{
	local list sudo=

	list=$(missing "$1")
	[ "$(id -u)" -eq 0 ] || sudo=sudo
	# The kernels are fetched by name and need current package lists, too.
	echo "apt-get update"
	$sudo apt-get -q update || exit 1
	if [ -z "$list" ]; then
		echo "nothing is missing"
		return
	fi
	# shellcheck disable=SC2086 # one word a package
	set -- $list
	echo "installing: $*"
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends "$@"
}

# Whoever has the programs can build on any distribution.
if [ "$(release)" = other ] && [ "${1:-}" != --list ]; then
	[ "${1:-}" != --check ] || exit 0
	cat >&2 <<-'EOF'
		This is neither Debian 12 nor Debian 13: install by yourself what these
		packages of theirs hold, then 'make' and 'make run'.

		use   | in Debian 12              | in Debian 13       | reason
	EOF
	table >&2
	exit 1
fi

case ${1:-} in
--list)
	table
	;;
--check)
	list=$(missing "${2:-all}")
	remedy="make deps"
	case ${2:-all} in fresh | deb) remedy+=" FOR=$2" ;; esac
	[ -z "$list" ] || {
		echo "missing Debian packages: ${list//$'\n'/ } - '$remedy' installs them" >&2
		exit 1
	}
	;;
--install)
	install_missing "${2:-all}"
	;;
*)
	sed -n 's/^# usage: /usage: /p; s/^#        //p' "$0" >&2
	exit 2
	;;
esac
