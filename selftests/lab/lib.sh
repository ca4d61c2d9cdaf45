# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2034 # variables for the scripts that source this
#
# What the scripts of the lab have in common: where things are, how progress
# is told and how a missing program is named. Sourced, never executed.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$LAB/../.." && pwd)
BUILD=${LVX_BUILD:-$TOP/build}
KERNEL_VERSIONS=(6.1 6.12)

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

# newer TARGET SOURCE...: does TARGET have to be made again?
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
