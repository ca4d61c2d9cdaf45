# SPDX-License-Identifier: GPL-2.0
#
# Prints the names of the SDM's sections that comments cite, a line each:
# whatever stands in double quotes behind "SDM," (and perhaps "appendix" or
# "chapter"), also across lines of a comment.

FNR == 1 { flush() }
{
	line = $0
	sub(/^[ \t]*\/?\*+[ \t]?/, "", line)
	sub(/^[ \t]+/, "", line)
	text = text " " line
}
END { flush() }

function flush(    m)
{
	gsub(/[ \t]+/, " ", text)
	while (match(text, /SDM, ((the )?(appendix|chapter) )?"[^"]+"/)) {
		m = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		sub(/^[^"]*"/, "", m)
		sub(/"$/, "", m)
		sub(/[,.]$/, "", m)
		print m
	}
	text = ""
}
