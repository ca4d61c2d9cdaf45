#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the lab's own emulator, once, into build/emulator/: Debian's source of
# Bochs with the patches of selftests/lab/emulator/, without its debugger and
# without a screen, for which it is more than twice as fast as Debian's binary.
# Prints the program's path. What was built is known by a key made of source,
# patches and options, so it may be copied into another tree's build/.
#
# usage: emulator.sh             builds what is not there yet
#        emulator.sh --find      prints the path, or nothing if it is not there

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Debian 13's, whose patches concern its packaging only. The mirrors name the
# file of the newest version alone; a snapshot keeps the others.
FILE=bochs_3.0+dfsg.orig.tar.xz
SHA256=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b
POOL=pool/main/b/bochs
MIRRORS=(http://deb.debian.org/debian
	https://snapshot.debian.org/archive/debian/20250801T000000Z)

# What the CPU models are made of, and what a PC needs to boot a CD. Bochs would
# log its speed from within a signal handler: when that interrupts the logging of
# something else, it waits for itself for ever. Hence no show-ips.
CONFIGURE=(
	--enable-cpu-level=6 --enable-x86-64 --enable-smp --enable-vmx=2
	--enable-fpu --enable-avx --enable-evex --enable-amx --enable-cet
	--enable-memtype --enable-protection-keys --enable-uintr
	--enable-monitor-mwait --enable-x86-debugger
	--enable-pci --enable-cdrom --enable-a20-pin
	--enable-all-optimizations --enable-repeat-speedups
	--with-nogui --disable-debugger --disable-plugins --disable-docbook
	--disable-show-ips
)
FLAGS="-O2"

OUT=$BUILD/emulator
LOG=$BUILD/emulator.log
SOURCE=$BUILD/cache/$FILE

key()
{
	{
		echo "$SHA256 ${CONFIGURE[*]} $FLAGS"
		cat "$LAB"/emulator/*.patch
	} | sha256sum | cut -d' ' -f1
}

is_built()
{
	[ -x "$OUT/bochs" ] && [ "$(cat "$OUT/key" 2>/dev/null)" = "$KEY" ]
}

is_sound()
{
	echo "$SHA256  $1" | sha256sum --check --status 2>/dev/null
}

# Where this machine gets Debian from comes first.
mirrors()
{
	# shellcheck disable=SC2016 # for apt
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' 2>/dev/null | sed 's,/$,,' | sort -u || :
	printf '%s\n' "${MIRRORS[@]}"
}

# apt's own program uses the proxies that apt is told of.
fetch()
{
	local mirror new=$SOURCE.$$

	! is_sound "$SOURCE" || return 0
	for mirror in $(mirrors); do
		rm -f "$new"
		/usr/lib/apt/apt-helper download-file "$mirror/$POOL/${FILE/+/%2b}" \
			"$new" "SHA256:$SHA256" >>"$LOG" 2>&1 || continue
		is_sound "$new" || continue
		mv "$new" "$SOURCE"
		return 0
	done
	rm -f "$new"
	die "no mirror has $FILE, see $LOG (EMULATOR=distribution does without)"
}

# With the distribution's folder compiled in, so that it finds the same files.
build()
{
	local dir=$BUILD/emulator.build patch

	rm -rf "$dir" "$OUT.new"
	mkdir -p "$dir" "$OUT.new"
	tar -xf "$SOURCE" -C "$dir" --strip-components=1
	cd "$dir"
	# Bochs's makefiles rely on rules that the project's own turn off.
	unset MAKEFLAGS MFLAGS
	for patch in "$LAB"/emulator/*.patch; do
		patch -p1 -s <"$patch"
	done
	./configure --prefix=/usr "${CONFIGURE[@]}" CFLAGS="$FLAGS" CXXFLAGS="$FLAGS"
	make -j"$(nproc)" bochs
	strip -o "$OUT.new/bochs" bochs
	echo "$KEY" >"$OUT.new/key"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
	rm -rf "$dir"
}

KEY=$(key)
if [ "${1:-}" = --find ]; then
	! is_built || echo "$OUT/bochs"
	exit
fi
if ! is_built; then
	need g++ g++
	need patch patch
	need make make
	need xz xz-utils
	need /usr/lib/apt/apt-helper apt
	mkdir -p "$BUILD/cache"
	exec 9>"$BUILD/.emulator.lock"
	flock 9 # several at once build only once
	if ! is_built; then
		say "building the emulator, once: some minutes (EMULATOR=distribution does without)"
		: >"$LOG"
		fetch
		# errexit does not reach into a condition, hence a shell of its own.
		set +e
		(set -e; build) >>"$LOG" 2>&1 </dev/null
		status=$?
		set -e
		[ $status -eq 0 ] || {
			tail -n 15 "$LOG" >&2
			die "the emulator cannot be built, see $LOG"
		}
		say "the emulator is built"
	fi
fi
echo "$OUT/bochs"
