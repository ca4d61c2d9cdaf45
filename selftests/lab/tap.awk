# SPDX-License-Identifier: GPL-2.0
#
# Counts test results: reads the output of any number of TAP programs, prints
# "PASSED FAILED SKIPPED" and, on stderr, what failed.
#
# A program's part begins with a line "# path/of/program" or, where a runner
# puts "program: " before each line, with the first line so marked, and ends
# with the next program or the runner's "# program on ...:". Its plan (1..N)
# may come first or last. Tests of the plan that never reported, and a program
# that reported no plan, are failures: a crash in the middle must not pass.

function fail(what)
{
	failed++
	printf "    failed: %s%s\n", part == "" ? "" : part ": ", what >"/dev/stderr"
}

function finish()
{
	if (!open)
		return
	if (plan < 0)
		fail("ended without a plan")
	for (; seen < plan; seen++)
		fail("a planned test did not report")
	open = 0
}

function start(name)
{
	finish()
	part = name
	open = 1
	plan = -1
	seen = 0
}

{ sub(/\r$/, "") }

/^# [^ ]+\/[^ ]+$/ { start($2); next }
/^# .* on .*: [0-9]+ passed/ { finish(); part = ""; next }

match($0, /^[A-Za-z0-9_.-]+: (ok |not ok |1\.\.|TAP |#)/) {
	match($0, /: /)
	name = substr($0, 1, RSTART - 1)
	$0 = substr($0, RSTART + 2)
	if (name != part || !open)
		start(name)
}

/^1\.\.[0-9]+/ {
	if (!open)
		start(part)
	plan = substr($1, 4) + 0
	next
}

/^(not )?ok / {
	if (!open)
		start(part)
	seen++
	if (/^not ok /)
		fail(substr($0, 8))
	else if (/# *[Ss][Kk][Ii][Pp]/)
		skipped++
	else
		passed++
}

END {
	finish()
	printf "%d %d %d\n", passed, failed, skipped
}
