#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes the pieces of which the emulated host's initramfs is put together.
# The kernel unpacks any number of cpio archives that follow one another, so
# what never changes (busybox, the host's modules, the guest's kernels) is
# made once and each boot adds only its own small archive. Only what emulated
# CPUs unpack faster than they read is compressed.
#
# usage: initrd.sh HOST    writes build/lab/{base,guest}.cpio and
#                          build/lab/modules-HOST.cpio

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

HOST=$1
OUT=$BUILD/lab
BUSYBOX=/bin/busybox

# Modules that the host or its tests may load; their dependencies follow.
MODULES="kvm-intel irqbypass tun vhost_net bridge virtio_net virtio_blk
	 virtio_pci virtio_mmio msr cpuid"

# The debugging kernel has the others built in, or not at all.
[ "$HOST" != debug ] || MODULES="kvm-intel"

need cpio cpio
need /sbin/depmod kmod
need xz xz-utils
need $BUSYBOX busybox-static

# pack_into FILE FOLDER: the file appears complete or not at all.
pack_into()
{
	pack "$2" >"$1.new"
	mv "$1.new" "$1"
	rm -rf "$2"
}

skeleton()
{
	local dir

	dir=$(mktemp -d "$OUT/tmp.XXXX")
	install -D "$BUSYBOX" "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	install -D "$1" "$dir/init"
	mkdir -p "$dir/dev" "$dir/proc" "$dir/sys" "$dir/tmp" "$dir/root" "$dir/sbin"
	echo "$dir"
}

base()
{
	local dir

	stale "$OUT/base.cpio" "$LAB"/host/* "$0" || return 0
	dir=$(skeleton "$LAB/host/init")
	install -D -m 644 -t "$dir/lab" "$LAB"/host/{complaints,welcome,kmemleak.sh}
	pack_into "$OUT/base.cpio" "$dir"
}

guest()
{
	local dir version

	stale "$OUT/guest.cpio" "$LAB/guest/init" "$0" "$BUILD"/kernels/*/.complete ||
		return 0
	say "packing the guest's kernels and initramfs"
	dir=$(skeleton "$LAB/guest/init")
	pack_into "$OUT/guest-initrd.cpio" "$dir"
	gzip -1 -n -c "$OUT/guest-initrd.cpio" >"$OUT/guest-initrd"
	dir=$(mktemp -d "$OUT/tmp.XXXX")
	mkdir "$dir/guest"
	cp "$OUT/guest-initrd" "$dir/guest/initrd"
	for version in "${KERNEL_VERSIONS[@]}"; do
		cp -L "$BUILD/kernels/$version/vmlinuz" "$dir/guest/vmlinuz-$version"
	done
	pack_into "$OUT/guest.cpio" "$dir"
}

modules()
{
	local tree=$BUILD/kernels/$HOST release dir root module file

	stale "$OUT/modules-$HOST.cpio" "$tree/.complete" "$0" || return 0
	say "packing the modules of kernel $HOST"
	release=$(cat "$tree/release")
	/sbin/depmod -b "$tree" "$release"
	dir=$(mktemp -d "$OUT/tmp.XXXX")
	root=$dir/lib/modules/$release
	mkdir -p "$root"
	cp "$tree"/modules/modules.{order,builtin,builtin.modinfo} "$root/"
	for module in $MODULES; do
		/sbin/modprobe -d "$tree" -S "$release" --show-depends "$module"
	done | sed -n 's/^insmod //p' | sort -u | while read -r file; do
		file=${file%% *}
		install -D -m 644 "$file" "$root/kernel/${file#"$tree/lib/modules/$release/kernel/"}"
	done
	find "$root" -name '*.ko.xz' -exec xz -d {} +
	# Unsigned, since checking signatures is slow on an emulated CPU.
	find "$root" -name '*.ko' -exec strip --strip-debug {} +
	/sbin/depmod -b "$dir" "$release"
	pack_into "$OUT/modules-$HOST.cpio" "$dir"
}

mkdir -p "$OUT"
exec 9>"$OUT/.lock"
flock 9 # several runs at once make the pieces only once
"$LAB/kernels.sh" "${KERNEL_VERSIONS[@]}"
[ "$HOST" != debug ] || "$LAB/debug-kernel.sh"
base
guest
modules
