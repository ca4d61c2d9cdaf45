# SPDX-License-Identifier: GPL-2.0
#
# From the table in Documentation/msrs.rst to the rows of msrs.c. A line of it
# begins with an index of eight hexadecimal digits.

/^   [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f] / {
	split($2 "/1", count, "/")
	printf "\t{ 0x%s, %d, %d, \"%s\", \"%s\", \"%s\", \"%s\", \"%s\" },\n",
		$1, count[1], count[2], $3, $4, $5, $6, $7
	rows++
}

END {
	if (rows < 50) {
		print "the table of MSRs has lost its lines" >"/dev/stderr"
		exit 1
	}
}
