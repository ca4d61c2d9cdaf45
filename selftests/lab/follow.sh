# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# How run.sh follows the emulated machine: by the report that it writes to its
# second serial port, and by the emulator's log. Sourced, never executed.

# Power-on is a reset, too. What follows is not waited for: the emulator's
# firmware finds no keyboard after the second one.
was_reset()
{
	[ "$(grep -c 'Reset(HARDWARE) called' "$RUN/bochs.log")" -ge 2 ]
}

# The log went with the host, but for what was on the console. From the module
# on, as host/init has it: what the kernel says before is the emulator's affair.
restarted()
{
	say "the machine restarts"
	if sed -n '/lvx: loading/,$p' "$RUN/console" |
		grep -E -A 30 -f "$LAB/host/complaints" -e 'lvx: .* failed' >&2; then
		complain "the host's kernel log is not clean"
		exit 126
	fi
	exit 0
}

# Passes the report on until its status line. The machine goes on writing
# meanwhile, so its end is one only if the report is read after it, or if it is
# among what was read: else the last lines, perhaps a test's, would be lost.
follow()
{
	local deadline=$((SECONDS + TIME)) shown=0 lines news gone reset

	while :; do
		stage
		gone='' reset=''
		kill -0 "$BOCHS" 2>/dev/null || gone=1
		[ -z "$RESTART" ] || ! was_reset || reset=1

		lines=$(wc -l <"$RUN/report")
		if [ "$lines" -gt "$shown" ]; then
			news=$(sed -n "$((shown + 1)),${lines}p" "$RUN/report" | tr -d '\r')
			shown=$lines
			grep -vE '^lab: (up|status|log)' <<<"$news" || :
			! grep -q '^lab: status' <<<"$news" || return 0
		fi
		[ -z "$reset" ] || restarted
		if [ -n "$gone" ]; then
			complain "the emulated machine ended early"
			exit 125
		fi
		if [ "$(grep -c 'Booting from' "$RUN/bochs.log")" = 2 ]; then
			complain "the emulated host crashed or rebooted"
			exit 125
		fi
		if [ -n "$CONVERSATION" ] && ! kill -0 "$CONVERSATION" 2>/dev/null; then
			say "the machine was left"
			exit 0
		fi
		if [ -z "$INTERACTIVE" ] && [ "$SECONDS" -ge "$deadline" ]; then
			complain "time limit of $TIME s reached"
			exit 124
		fi
		sleep 0.3
	done
}
