#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Debian packages that lvx is built and tested with, each with its reason.
#
# usage: deps.sh --list              names the packages
#        deps.sh --check build|all   fails and names what is missing
#        deps.sh --install           installs what is missing, with apt
#
# No kernel is ever among them: what the emulated machine boots is fetched
# into build/ (kernels.sh).

set -euo pipefail

# use | package | reason
packages()
{
	cat <<-'EOF'
		build | make                       | the build
		build | gcc                        | compiles the launcher and the tests
		build | gcc-12                     | compiles modules, as Debian compiled the kernels
		build | linux-compiler-gcc-12-x86  | what Debian's kernel headers ask for
		build | libc6-dev                  | C library and Linux headers
		build | binutils                   | the assembler and linker
		build | libelf1                    | objtool, a part of the kernel headers, runs with it
		build | xz-utils                   | Debian's 6.12 modules are compressed
		build | kmod                       | depmod, for the modules of the emulated host
		build | cpio                       | packs the initramfs
		build | ca-certificates            | fetching kernels from mirrors that speak https
		lab   | bochs                      | emulates a CPU with VMX
		lab   | bochsbios                  | its BIOS
		lab   | vgabios                    | and its VGA BIOS
		lab   | bochs-term                 | its display on a terminal
		lab   | bsdutils                   | script, the terminal for that display
		lab   | util-linux                 | setpriv and setsid, so that no emulator stays behind
		lab   | socat                      | ties the terminal to the emulated console
		lab   | isolinux                   | boots the emulated host
		lab   | syslinux-common            | isolinux's library
		lab   | xorriso                    | writes the boot medium
		lab   | busybox-static             | user space of emulated host and guest
		own   | g++                        | builds the lab's own emulator
		own   | patch                      | with the patches that it gets
		test  | clang                      | second compiler for user space
		test  | libclang-rt-14-dev         | clang's sanitizers
		test  | libzydis-dev               | the disassembler that the decoder is tested against
		test  | stress-ng                  | the load of guests with several CPUs
		test  | sparse                     | checks address spaces and locks (C=1)
		test  | shellcheck                 | checks the scripts
		test  | perl                       | checkpatch and kernel-doc
		test  | python3                    | checks of the documentation
		test  | linux-source-6.1           | checkpatch, kernel-doc, kselftest, KVM selftests, the debugging kernel
		test  | qemu-system-x86            | a client of the KVM ABI, run on lvx
		test  | lz4                        | packs the debugging kernel
		test  | bison                      | configures the debugging kernel
		test  | flex                       | configures the debugging kernel
		test  | bc                         | builds the debugging kernel
		test  | libelf-dev                 | builds the debugging kernel's objtool
		test  | libssl-dev                 | builds the debugging kernel's certificates
	EOF
}

missing()
{
	local use package rest

	packages | tr -d ' \t' | while IFS='|' read -r use package rest; do
		[ "$1" = all ] || [ "$1" = "$use" ] || continue
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null |
			grep -q '^ii' || echo "$package"
	done
}

install_missing()
{
	local list sudo=

	list=$(missing all)
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

command -v dpkg-query >/dev/null || {
	echo "this is not Debian; lvx's packages, by their Debian names:" >&2
	packages >&2
	# Whoever has the programs can build all the same.
	[ "${1:-}" = --check ]
	exit
}

case ${1:-} in
--list)
	packages
	;;
--check)
	list=$(missing "${2:-all}")
	[ -z "$list" ] || {
		echo "missing Debian packages: ${list//$'\n'/ } - 'make deps' installs them" >&2
		exit 1
	}
	;;
--install)
	install_missing
	;;
*)
	sed -n 's/^# usage: /usage: /p; s/^#        //p' "$0" >&2
	exit 2
	;;
esac
