#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetches programs other than Linux that are booted like it, from Debian's
# packages, to build/payloads. Nothing is installed.

set -euo pipefail
# shellcheck source=../lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=../lab/apt.sh
. "$LAB/apt.sh"

OUT=$BUILD/payloads

[ ! -e "$OUT/.complete" ] || exit 0
rm -rf "$OUT"
mkdir -p "$OUT/debs"
use_release bookworm
(cd "$OUT/debs" && apt-get download -q memtest86+ u-boot-qemu >log 2>&1) || {
	cat "$OUT/debs/log" >&2
	die "cannot download memtest86+ and u-boot-qemu"
}
for deb in "$OUT"/debs/*.deb; do
	dpkg -x "$deb" "$OUT/debs"
done
cp "$OUT/debs/boot/memtest86+x64.bin" "$OUT/"
cp "$OUT/debs/usr/lib/u-boot/qemu-x86_64/uboot.elf" "$OUT/"
rm -rf "$OUT/debs"
touch "$OUT/.complete"
