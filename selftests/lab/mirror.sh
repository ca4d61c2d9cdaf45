#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kbuild writes its objects beside the sources, and two kernels must not share
# them. So each kernel gets a folder of symbolic links to the sources.
#
# usage: mirror.sh FOLDER

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$1/module" "$1/uapi"
cd "$1"
# Links to files that have gone, and objects of such files, break the build.
find . -xtype l -delete
(cd "$TOP" && find module uapi Kbuild -type f \( -name '*.[chS]' -o -name Kbuild \)) |
while read -r file; do
	[ "$(readlink "$file" || :)" = "$TOP/$file" ] && continue
	mkdir -p "$(dirname "$file")"
	ln -sfn "$TOP/$file" "$file"
done
