#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what the clients' guests boot: Debian's kernel, an initramfs with the
# virtio drivers and guest.sh, and a CD of both with a boot loader.
#
# usage: media.sh    asks for QEMU, too; writes build/clients/{vmlinuz,initrd,guest.iso}

set -euo pipefail
# shellcheck source=../lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"

CLIENTS=$TOP/selftests/clients
OUT=$BUILD/clients
KERNEL=6.1

# The guest's initramfs of the lab, and on top of it the drivers, which Debian's
# kernel has as modules, out of the host's.
initrd()
{
	local dir=$1/root

	mkdir "$dir"
	(cd "$dir" && cpio -idm --quiet '*/modules.*' '*/virtio*' '*/*failover.ko' \
		<"$BUILD/lab/modules-$KERNEL.cpio")
	/sbin/depmod -b "$dir" "$(cat "$BUILD/kernels/$KERNEL/release")"
	cp "$CLIENTS/guest.sh" "$dir/client"
	pack "$dir" | gzip -1 -n | cat "$BUILD/lab/guest-initrd" - >"$1/initrd"
	rm -rf "$dir"
}

iso()
{
	local dir=$1/iso

	mkdir "$dir"
	cp "$1/vmlinuz" "$1/initrd" "$dir/"
	make_cd "$dir" "$1/guest.iso" <<-END
		serial 0 115200
		default guest
		label guest
		 kernel vmlinuz
		 initrd initrd
		 append console=ttyS0 quiet cryptomgr.notests lvx.script=/client
	END
	rm -rf "$dir"
}

need qemu-system-x86_64 qemu-system-x86
need_cd
"$LAB/initrd.sh" "$KERNEL"
mkdir -p "$BUILD"
exec 9>"$BUILD/.clients.lock"
flock 9 # several jobs make them only once
stale "$OUT/guest.iso" "$CLIENTS/guest.sh" "$0" "$BUILD/lab/guest-initrd" \
	"$BUILD/lab/modules-$KERNEL.cpio" || exit 0
say "making what the clients' guests boot"
rm -rf "$OUT" "$OUT.new"
mkdir "$OUT.new"
cp -L "$BUILD/kernels/$KERNEL/vmlinuz" "$OUT.new/"
initrd "$OUT.new"
iso "$OUT.new"
mv "$OUT.new" "$OUT"
