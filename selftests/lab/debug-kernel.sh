#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel in which lvx is searched for what tests do not notice:
# KASAN, lockdep, kmemleak and atomic-sleep checks. Takes more than ten
# minutes on two cores, so it is built once per configuration and source and
# kept in build/debug-kernel; HOST=debug boots it.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SOURCE=$BUILD/kernels/source/linux-source-6.1.tar.xz
OUT=$BUILD/debug-kernel
TREE=$BUILD/kernels/debug

"$LAB/kernels.sh" source
for tool in gcc-12:gcc-12 bison:bison flex:flex bc:bc lz4:lz4; do
	need "${tool%:*}" "${tool#*:}"
done
need /usr/include/libelf.h libelf-dev

key=$(cat "$LAB/debug.config" <(stat -L -c '%s %Y' "$SOURCE") | sha256sum)
[ "$(cat "$TREE/.complete" 2>/dev/null)" != "$key" ] || exit 0

rm -rf "$TREE"
mkdir -p "$OUT" "$TREE"
say "debugging kernel: unpacking $SOURCE"
if [ ! -e "$OUT/.unpacked" ]; then
	tar -C "$OUT" --strip-components=1 -xf "$SOURCE"
	: >"$OUT/.unpacked"
fi
say "debugging kernel: building (more than ten minutes on two cores; log: $OUT/build.log)"
kmake()
{
	nice -n 19 make -C "$OUT" -s CC=gcc-12 HOSTCC=gcc-12 LOCALVERSION=-lvx-debug "$@" \
		>>"$OUT/build.log" 2>&1 || {
		tail -n 20 "$OUT/build.log" >&2
		die "the debugging kernel does not build"
	}
}
: >"$OUT/build.log"
kmake tinyconfig
(cd "$OUT" && scripts/kconfig/merge_config.sh -m .config "$LAB/debug.config" >>build.log)
kmake olddefconfig
kmake -j"$(nproc)" bzImage modules
release=$(cat "$OUT/include/config/kernel.release")
kmake INSTALL_MOD_PATH="$TREE" modules_install
ln -s "$OUT/arch/x86/boot/bzImage" "$TREE/vmlinuz"
ln -s "lib/modules/$release" "$TREE/modules"
ln -s "$OUT" "$TREE/headers"
echo "$release" >"$TREE/release"
echo "$key" >"$TREE/.complete"
say "debugging kernel: $release built"
