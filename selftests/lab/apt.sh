# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2034 # variables for the scripts that source this
#
# Which Debian this is, which release has which kernel, and where this
# machine's apt gets Debian from, to get another release's packages from there,
# too. Sourced, never executed, after lib.sh.

RELEASES=(bookworm trixie)
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# release: this machine's, if it is one that lvx is developed on.
release()
{
	# shellcheck source=/dev/null
	(. /etc/os-release 2>/dev/null &&
		[ "${ID-}" = debian ] && printf '%s\n' "${RELEASES[@]}" |
		grep -x "${VERSION_CODENAME-}") || echo other
}

# machine | kernel | release that has it | image's package | headers' package
#
# Metapackages, which always name the current version. Debian 13 has no 6.1 of
# its own; any other distribution with apt gets both from Debian 12.
origins()
{
	cat <<-'EOF'
		bookworm | 6.1    | bookworm | linux-image-cloud-amd64      | linux-headers-cloud-amd64
		bookworm | 6.12   | bookworm | linux-image-6.12-cloud-amd64 | linux-headers-6.12-cloud-amd64
		trixie   | 6.1    | bookworm | linux-image-cloud-amd64      | linux-headers-cloud-amd64
		trixie   | 6.12   | trixie   | linux-image-cloud-amd64      | linux-headers-cloud-amd64
		other    | 6.1    | bookworm | linux-image-cloud-amd64      | linux-headers-cloud-amd64
		other    | 6.12   | bookworm | linux-image-6.12-cloud-amd64 | linux-headers-6.12-cloud-amd64
	EOF
}

# mirror_of SUFFIX: the first of the machine's sources that is a Debian
# release's, with SUFFIX (-security) that release's updates. Asked of apt itself,
# who reads more kinds of files than we would; needs no package lists.
mirror_of()
{
	local names="bookworm|trixie|oldoldstable|oldstable|stable"

	apt-get update --print-uris 2>/dev/null |
		sed -nE "s,^'(https?://[^']*[^/'])/+dists/($names)$1/InRelease'.*,\\1,p" |
		head -n 1
}

# debian_sources RELEASE: its lines for a sources.list.
debian_sources()
{
	local main security

	main=$(mirror_of "")
	security=$(mirror_of -security)
	main=${main:-http://deb.debian.org/debian}
	security=${security:-http://deb.debian.org/debian-security}
	cat <<-END
		deb [signed-by=$KEYRING] $main $1 main
		deb [signed-by=$KEYRING] $main $1-updates main
		deb [signed-by=$KEYRING] $security $1-security main
	END
}

# apt_settings: what the machine's configuration says of ways to a mirror
# (proxies, retries, whether an archive may be old), as an apt.conf.
apt_settings()
{
	apt-config dump --format '%F "%v";%n' |
		grep -E '^Acquire::(http|https|Retries|ForceIPv[46]|Check-[A-Za-z-]+)(::[^ ]*)? "[^"]+";$' || :
}

# use_release RELEASE: apt-get and apt-cache, from now on, know only that
# release's packages, unless it is the machine's own. Their lists are kept
# in build/cache and are a day old at most; the machine's own apt sees nothing of it.
use_release()
{
	local dir=$BUILD/cache/apt-$1

	[ "$1" != "$(release)" ] || return 0
	need $KEYRING debian-archive-keyring
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	[ -e "$dir/sources.list" ] || debian_sources "$1" >"$dir/sources.list"
	: >"$dir/status"
	cat >"$dir/apt.conf" <<-END
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::Etc::Preferences "-";
		Dir::Etc::PreferencesParts "-";
		Dir::State::Lists "$dir/lists";
		Dir::State::Status "$dir/status";
		Dir::Cache "$dir";
		APT::Sandbox::User "root";
	END
	export APT_CONFIG=$dir/apt.conf
	[ -z "$(find "$dir/current" -mtime -1 2>/dev/null)" ] || return 0
	say "fetching the package lists of $1"
	apt-get -q update >"$dir/log" 2>&1 || {
		tail -n 5 "$dir/log" >&2
		die "no package lists of $1 (network?)"
	}
	: >"$dir/current"
}
