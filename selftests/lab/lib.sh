# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2034 # variables for the scripts that source this
#
# What the scripts of the lab have in common: where things are, how progress
# is told, how a missing program is named and what machines boot from is made.
# Sourced, never executed.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$LAB/../.." && pwd)
BUILD=${LVX_BUILD:-$TOP/build}
KERNEL_VERSIONS=(6.1 6.12)
ISOLINUX=/usr/lib/ISOLINUX
SYSLINUX=/usr/lib/syslinux/modules/bios

# One progress line per stage, with the time since this script's start, so
# that nobody stares at a blank screen. stderr, so that stdout stays clean.
say()
{
	[ -n "${LAB_QUIET:-}" ] && return
	printf '[%3ds] %s\n' "$SECONDS" "$*" >&2
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# need PROGRAM-OR-FILE PACKAGE: stop early and name the remedy.
need()
{
	case $1 in
	/*) [ -e "$1" ] && return ;;
	*) command -v "$1" >/dev/null && return ;;
	esac
	die "$1 is missing (Debian package $2); 'make deps' installs it"
}

# stale TARGET SOURCE...: does TARGET have to be made again?
stale()
{
	local target=$1 source

	[ -e "$target" ] || return 0
	shift
	for source; do
		[ "$source" -nt "$target" ] && return 0
	done
	return 1
}

# pack FOLDER: what is in it, as an initramfs.
pack()
{
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --quiet --null -o -H newc -R 0:0)
}

# need_cd: what make_cd takes.
need_cd()
{
	need $ISOLINUX/isolinux.bin isolinux
	need $SYSLINUX/ldlinux.c32 syslinux-common
	need xorriso xorriso
}

# make_cd FOLDER ISO: a CD of it that boots; stdin is the boot loader's
# configuration.
make_cd()
{
	cp $ISOLINUX/isolinux.bin $SYSLINUX/ldlinux.c32 "$1/"
	cat >"$1/isolinux.cfg"
	xorriso -report_about HINT -as mkisofs -quiet -o "$2" -b isolinux.bin \
		-c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
		"$1" 2>"$2.log" || die "xorriso failed: $(tail -1 "$2.log")"
}
