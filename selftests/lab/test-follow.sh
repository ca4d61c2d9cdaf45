#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of follow.sh: what the machine wrote is passed on to its last line, also
# if the end comes while the lines before it are being read.

# shellcheck disable=SC2034,SC2317 # used, and called, by follow()
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=follow.sh
. "$LAB/follow.sh"

RUN=$(mktemp -d)
trap 'rm -rf "$RUN"' EXIT
BOCHS=$$ RESTART='' CONVERSATION='' INTERACTIVE='' TIME=5
LAB_QUIET=1
number=0

stage()
{
	:
}

complain()
{
	echo "complaint: $*"
}

restarted()
{
	echo "restarted"
	exit
}

# once COMMAND...: the first time only.
once()
{
	[ -e "$RUN/done" ] || "$@"
	touch "$RUN/done"
}

# follows NAME TEXT: the report begins with "first"; follow() must pass on what
# TEXT says, and leave the status behind.
follows()
{
	local said

	rm -f "$RUN/done"
	echo "first" >"$RUN/report"
	: >"$RUN/bochs.log"
	said=$(follow && grep '^lab: status' "$RUN/report")
	number=$((number + 1))
	if [ "$said" = "$2" ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		echo "# ${said//$'\n'/$'\n# '}"
	fi
}

echo "# lab/follow"
echo "1..3"

# While the first line is read, others come.
sed()
{
	command sed "$@"
	once more
}

more()
{
	printf 'second\nlab: log clean\nlab: status 0\n' >>"$RUN/report"
}
follows "the end comes while the report is read" $'first\nsecond\nlab: status 0'

more()
{
	echo "second" >>"$RUN/report"
	printf 'Reset(HARDWARE) called\n%.0s' 1 2 >>"$RUN/bochs.log"
}
RESTART=1
follows "the restart comes while the report is read" $'first\nsecond\nrestarted'
RESTART=''

# A line is none before its end.
more()
{
	printf 'lab: status ' >>"$RUN/report"
}
sleep()
{
	echo 0 >>"$RUN/report"
}
follows "half of the last line has come" $'first\nlab: status 0'
