#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a command in a clean clone of HEAD on a machine on which nothing has
# been prepared: a chroot with a minimal Debian, git, make and ca-certificates.
# What is missing from the lists of packages is missing there.
#
# The chroot lives in name spaces of its own, so that its mounts and processes
# end with them. Who reads the pipe from the first of these three stages sees
# when that one ends, in whatever way, and ends all the others:
#   fresh.sh            outside, waits;
#   fresh.sh --inside   the first process of the name spaces, makes the chroot
#                       and removes it, and sees none of its mounts;
#   fresh.sh --enter    mounts what belongs into the chroot and enters it.
#
# As root, or as a user who has subordinate IDs (packages uidmap, and
# lines in /etc/subuid and /etc/subgid).
#
# usage: fresh.sh bookworm|trixie COMMAND...   ends with COMMAND's exit status;
#                                        125 if there is no such machine
#        fresh.sh --possible             can there be one here?

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=apt.sh
. "$LAB/apt.sh"

SELF=$LAB/fresh.sh
FRESH=$BUILD/fresh
# The clone's place in the chroot.
CLONE=/root/lvx

none()
{
	echo "fresh.sh: $*" >&2
	exit 125
}

namespaces()
{
	if [ "$(id -u)" -eq 0 ]; then
		echo --mount --pid --fork --mount-proc
	else
		echo --user --map-users=auto --map-groups=auto --map-root-user \
			--mount --pid --fork --mount-proc
	fi
}

possible()
{
	# shellcheck disable=SC2046 # one word an option
	unshare $(namespaces) mount -t tmpfs none /tmp
}

# A minimal Debian, made once a week.
base()
{
	local codename=$1 tar=$FRESH/$1.tar

	[ -z "$(find "$tar" -mtime -7 2>/dev/null)" ] || return 0
	say "$codename: mmdebstrap makes a minimal machine (log: $tar.log)"
	apt_settings >"$FRESH/$codename.conf"
	# What a crash would leave behind is of no use, so nothing waits for the disk.
	debian_sources "$codename" |
		mmdebstrap --mode=root --variant=minbase --format=tar \
			--include=git,make,ca-certificates --dpkgopt=force-unsafe-io \
			--aptopt="$FRESH/$codename.conf" "$codename" "$tar.new" - \
			>"$tar.log" 2>&1 || {
		tail -n 5 "$tar.log" >&2
		return 1
	}
	mv "$tar.new" "$tar"
}

prepare()
{
	local root=$1 codename=$2 git=$FRESH/$2.gitconfig

	base "$codename" || return
	say "$codename: unpacking the machine"
	mkdir "$root"
	tar -C "$root" --numeric-owner -xf "$FRESH/$codename.tar" --exclude=./dev/* || return
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	# A proxy may need the machine's own certificates.
	if [ -n "$(find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null)" ]; then
		cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1
	fi
	# The clone's owner may be somebody else than who runs this.
	printf '[safe]\n\tdirectory = *\n' >"$git"
	GIT_CONFIG_GLOBAL=$git git clone -q --no-hardlinks "$TOP" "$root$CLONE" || return
	mkdir -p "$root$CLONE/build/cache/debs" "$FRESH/$codename.apt" "$FRESH/$codename.debs"
}

# The first process of the name spaces. What is left of its kind is killed
# when the command has ended, or when who started it is no more.
inside()
{
	local codename=$1 root=$FRESH/$1.root status=125

	# What follows kills every process that it sees.
	[ $$ -eq 1 ] || none "--inside is for fresh.sh itself"
	shift
	exec 9>"$FRESH/$codename.lock"
	flock -n 9 || none "$codename: such a machine runs already"
	rm -rf "$root"
	exec 8<&0 </dev/null
	(
		exec 9>&-
		read -r _ <&8 || :
		kill -KILL -1
	) &
	exec 8<&-
	if prepare "$root" "$codename" 9>&-; then
		say "$codename: $*"
		status=0
		unshare --mount "$SELF" --enter "$root" "$codename" "$@" 9>&- ||
			status=$?
		logs "$root$CLONE/build" "$codename"
	fi
	kill -KILL -1 2>/dev/null || :
	wait 2>/dev/null
	rm -rf "$root"
	exit $status
}

# What a failed run has written is to be read when the machine is gone.
logs()
{
	local file

	rm -rf "$FRESH/$2.logs"
	mkdir "$FRESH/$2.logs"
	for file in "$1"/check "$1"/first-steps "$1"/lab/run.*; do
		[ ! -e "$file" ] || cp -r "$file" "$FRESH/$2.logs/"
	done
	rmdir "$FRESH/$2.logs" 2>/dev/null || say "$2: its logs are in $FRESH/$2.logs"
}

enter()
{
	local root=$1 codename=$2 node

	# Its mounts would stay.
	[ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/$PPID/ns/mnt)" ] ||
		none "--enter is for fresh.sh itself"
	shift 2
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		[ -e "/dev/$node" ] || continue
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir -m 1777 "$root/dev/shm"
	mkdir "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	# Downloads are kept; whether they are the current ones, apt checks.
	mount --bind "$FRESH/$codename.apt" "$root/var/cache/apt/archives"
	mount --bind "$FRESH/$codename.debs" "$root$CLONE/build/cache/debs"
	# shellcheck disable=SC2016 # for the shell in the chroot
	exec env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+"http_proxy=$http_proxy"} \
		${https_proxy:+"https_proxy=$https_proxy"} \
		${no_proxy:+"no_proxy=$no_proxy"} ${CI:+"CI=$CI"} ${TIME:+"TIME=$TIME"} \
		${JOBS:+"JOBS=$JOBS"} \
		chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$CLONE" "$@"
}

outside()
{
	possible || none "this machine lets nobody mount anything, not even in name spaces"
	command -v mmdebstrap >/dev/null || none "mmdebstrap is missing: make deps FOR=fresh"
	mkdir -p "$FRESH"
	# Nothing is ever written there.
	# shellcheck disable=SC2046 # one word an option
	exec 8> >(exec unshare $(namespaces) "$SELF" --inside "$@")
	INSIDE=$!
	trap 'exec 8>&-; wait $INSIDE || :; exit 143' TERM INT HUP
	wait $INSIDE
}

case ${1-} in
--inside | --enter)
	"${1#--}" "${@:2}"
	;;
--possible)
	possible 2>/dev/null
	;;
bookworm | trixie)
	[ $# -gt 1 ] || set -- "$1" bash
	outside "$@"
	;;
*)
	sed -n 's/^# usage: /usage: /p; s/^#        //p' "$0" >&2
	exit 2
	;;
esac
