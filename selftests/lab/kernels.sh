#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetches Debian's two cloud kernels, with the headers that modules are built
# against, and unpacks them below build/kernels/6.1 and 6.12; and the source
# of Linux 6.1, whose scripts and tests the checks use, to
# build/kernels/source/linux-source-6.1.tar.xz.
#
# Nothing is installed: Debian's 6.12 headers depend on the kernel image, and
# an installed image takes part in the next boot of the user's machine. So
# the packages are downloaded, unpacked beside each other, and the absolute
# paths in the headers are pointed to where they were unpacked.
#
# usage: kernels.sh [6.1|6.12|source]...

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=apt.sh
. "$LAB/apt.sh"

DEBS=$BUILD/cache/debs

# origin VERSION: release, image and headers of it, for this machine.
origin()
{
	origins | tr -d ' \t' | grep "^$(release)|$1|" | tr '|' ' ' | cut -d ' ' -f 3-
}

# depends PACKAGE PATTERN: the first dependency whose name matches.
depends()
{
	apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Depends: //p' | tr ',' '\n' |
		sed 's/^ *//; s/ .*//' | grep -E -m1 "$2"
}

fetch()
{
	local package=$1 version deb

	# apt-get download leaves alone what is there and complete.
	(cd "$DEBS" && apt-get download -q "$package" >"$DEBS/log" 2>&1) || {
		cat "$DEBS/log" >&2
		die "cannot download $package (network? old package lists?); 'make deps' renews the lists"
	}
	# Older versions may lie beside it.
	version=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')
	deb=$(find "$DEBS" -name "${package}_${version//:/%3a}_*.deb")
	[ -n "$deb" ] || die "no package file for $package $version"
	dpkg -x "$deb" "$2"
}

# The headers name each other by absolute paths under /usr.
relocate()
{
	local tree=$1 file

	find "$tree/usr/src" -maxdepth 2 \( -name Makefile -o -name .kernelvariables \) |
	while read -r file; do
		sed -i "s,\([ =\t]\)/usr/,\1$tree/usr/,g" "$file"
	done
	find "$tree/usr/src" -maxdepth 2 -type l -lname '/usr/*' |
	while read -r file; do
		ln -sfn "$tree$(readlink "$file")" "$file"
	done
}

is_there()
{
	local tree=$BUILD/kernels/$1

	case $1 in
	source) [ -r "$tree/linux-source-6.1.tar.xz" ] ;;
	# The headers know where they are, so they don't survive being moved.
	*) [ "$(cat "$tree/.complete" 2>/dev/null)" = "$tree" ] ;;
	esac
}

kernel()
{
	local version=$1 tree=$BUILD/kernels/$1 from image headers package

	! is_there "$version" || return 0
	read -r from image headers <<<"$(origin "$version")"
	[ -n "$from" ] || die "no kernel $version: only ${KERNEL_VERSIONS[*]} are known"
	use_release "$from"
	package=$image
	image=$(depends "$image" '^linux-image') || :
	headers=$(depends "$headers" '^linux-headers') || :
	[ -n "$image$headers" ] ||
		die "apt knows no package $package; 'make deps' renews the lists"
	say "kernel $version: fetching $image"
	rm -rf "$tree.new" "$tree"
	mkdir -p "$tree.new"
	fetch "$image" "$tree.new"
	for package in "$headers" "$(depends "$headers" '^linux-headers-.*-common')" \
		       "$(depends "$headers" '^linux-kbuild')"; do
		fetch "$package" "$tree.new"
	done
	# From Debian 13 on, packages have no /lib of their own.
	[ -e "$tree.new/lib" ] || ln -s usr/lib "$tree.new/lib"
	ln -s "boot/vmlinuz-${image#linux-image-}" "$tree.new/vmlinuz"
	ln -s "lib/modules/${image#linux-image-}" "$tree.new/modules"
	ln -s "usr/src/$headers" "$tree.new/headers"
	echo "${image#linux-image-}" >"$tree.new/release"
	mv "$tree.new" "$tree"
	relocate "$tree"
	echo "$tree" >"$tree/.complete"
	say "kernel $version: $(cat "$tree/release") unpacked"
}

# What is installed is used; only Debian 12 has it to install.
source_of_linux()
{
	local tree=$BUILD/kernels/source name=linux-source-6.1

	! is_there source || return 0
	rm -rf "$tree"
	mkdir -p "$tree"
	if [ -r "/usr/src/$name.tar.xz" ]; then
		ln -s "/usr/src/$name.tar.xz" "$tree/"
		return
	fi
	use_release bookworm
	say "fetching $name"
	fetch "$name" "$tree"
	ln -s "usr/src/$name.tar.xz" "$tree/"
}

need dpkg dpkg
need apt-get apt
[ $# -gt 0 ] || set -- "${KERNEL_VERSIONS[@]}"
# Who has all needs not wait for those who download.
missing=()
for version; do
	is_there "$version" || missing+=("$version")
done
[ ${#missing[@]} -gt 0 ] || exit 0
set -- "${missing[@]}"
mkdir -p "$DEBS"
exec 9>"$BUILD/cache/.lock"
flock 9 # several at once fetch only once
for version; do
	# Each has an apt of its own.
	case $version in
	source) (source_of_linux) ;;
	*) (kernel "$version") ;;
	esac
done
