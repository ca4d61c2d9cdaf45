# SPDX-License-Identifier: GPL-2.0
#
# The CPU features for which code in some functions is patched: from what readelf
# says of sections, symbols, relocations and the bytes of .altinstructions.
#
# An entry is { s32 where, s32 replacement, feature, u8, u8 }, and the feature's
# number a u16 or, with 16 bits of flags behind it, half of a u32. Which of the
# two follows from where the relocations are.
#
# With -v places=1, in the order of the code and with the place.
#
# usage: awk -v functions="NAME ..." -f alternatives.awk ELF

BEGIN {
	n = split(functions, list, " ")
	for (i = 1; i <= n; i++)
		wanted[list[i]] = 1
}

function hex(s,  v, i)
{
	s = tolower(s)
	for (i = 1; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}

/^ *\[ *[0-9]+\]/ {
	sub(/^ *\[ */, "")
	sub(/\]/, "")
	section[$1] = $2
	next
}

# Num: Value Size Type Bind Vis Ndx Name
$1 ~ /^[0-9]+:$/ && NF == 8 && ($8 in wanted) && ($7 in section) {
	spans++
	span_section[spans] = section[$7]
	span_start[spans] = hex($2)
	span_end[spans] = hex($2) + ($3 ~ /^0x/ ? hex(substr($3, 3)) : $3)
	next
}

/^Relocation section/ {
	relocations = $3 == "'.rela.altinstructions'"
	next
}

# Offset Info Type Value Symbol + Addend
relocations && $3 == "R_X86_64_PC32" {
	at = hex($1)
	target[at] = $5
	offset[at] = hex($4) + ($6 == "-" ? -hex($7) : hex($7))
	order[++nr] = at
	next
}

/^Hex dump of section '.altinstructions'/ {
	relocations = 0
	dump = 1
	next
}

dump && $1 ~ /^0x/ {
	base = hex(substr($1, 3))
	for (i = 2; i <= NF && i <= 5; i++) {
		if ($i !~ /^[0-9a-f]+$/)
			break
		for (j = 1; j < length($i); j += 2)
			byte[base++] = hex(substr($i, j, 2))
	}
}

# Relocations are relative to the section, or to the symbol that a name stands for.
function is_in(name, at,  s)
{
	for (s = 1; s <= spans; s++) {
		if (name == span_section[s] && at >= span_start[s] &&
		    at < span_end[s])
			return 1
		if (name in wanted)
			return 1
	}
	return 0
}

END {
	ALWAYS = 3 * 32 + 21
	for (i = 1; i <= nr; i++) {
		at = order[i]
		# The first of an entry's two.
		if (!((at + 4) in target))
			continue
		if (!is_in(target[at], offset[at]))
			continue
		feature = byte[at + 8] + 256 * byte[at + 9]
		# Up to 6.2, bit 15 means "not".
		if (feature >= 32768)
			feature -= 32768
		if (feature == ALWAYS)
			continue
		if (places)
			print feature, offset[at]
		else
			print feature
	}
}
