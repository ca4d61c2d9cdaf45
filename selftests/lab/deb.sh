#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make deb: the Debian packages lvx and lvx-dkms of the sources as they are
# here, in build/deb, with nothing that lintian objects to.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

OUT=$BUILD/deb
"$LAB/deps.sh" --check build
"$LAB/deps.sh" --check deb

cd "$TOP"
commit=$(git log -1 --date=format:%Y%m%d --format=%cd.%h --abbrev=8)
version=0.1+git$commit
tree=$OUT/lvx-$version
rm -rf "$OUT"
mkdir -p "$tree"
git ls-files -z -- Kbuild COPYING module uapi userspace | xargs -0 cp --parents -t "$tree"
mv "$tree/userspace/debian" "$tree/debian"
mkdir "$tree/debian/source"
echo "3.0 (native)" >"$tree/debian/source/format"
cat >"$tree/debian/changelog" <<EOT
lvx ($version) unstable; urgency=medium

  * Commit $commit.

 -- $(sed -n 's/^Maintainer: //p' "$tree/debian/control")  $(git log -1 --format=%cD)
EOT
say "building the packages (log: $OUT/build.log)"
(cd "$tree" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage --build=binary --no-sign) >"$OUT/build.log" 2>&1 || {
	tail -n 20 "$OUT/build.log" >&2
	die "the packages do not build"
}
rm -rf "$tree"
say "lintian"
# It dislikes to be root, who is who builds in a container.
lintian --allow-root --fail-on error,warning,info --display-info "$OUT"/*.changes >&2
ls "$OUT"/*.deb
