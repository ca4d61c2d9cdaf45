# SPDX-License-Identifier: GPL-2.0
#
# What a real CPU pays for most: how many of these instructions the hypervisor
# and the kernel under it run for one round of each row. Reads the names of the
# rows, then the emulator's trace (run.sh --trace), in which each row begins
# with a magic breakpoint. A round is from where the guest goes on after its
# first exit until it is there again; code segments tell guest and kernel.

BEGIN {
	split("vmread vmwrite rdmsr wrmsr", kinds)
	printf "%-22s %6s", "accesses", "node"
	for (k = 1; k <= 4; k++)
		printf " %8s", kinds[k]
	print ""
}

function done(  k)
{
	if (!running)
		return
	running = 0
	printf "%-22s %6s", name[row], node[row]
	for (k = 1; k <= 4; k++)
		printf " %8d", count[kinds[k]]
	print ""
}

FNR == NR {
	node[FNR] = $1
	name[FNR] = $2
	next
}

/Magic breakpoint/ {
	done()
	row++
	running = 1
	left = 0
	from = ""
	split("", count)
	next
}

# (0).[TICK] [PHYSICAL] SELECTOR:ADDRESS (CONTEXT): INSTRUCTION ; BYTES
running && /^\(0\)\.\[/ {
	if ($3 ~ /^0010:/) {
		left = 1
		instruction = $0
		sub(/^[^)]*\)[^)]*\): /, "", instruction)
		sub(/ .*/, "", instruction)
		count[instruction]++
	} else if ($3 ~ /^0008:/ && left) {
		if ($3 == from)
			done()
		if (from == "") {
			from = $3
			split("", count)
		}
		left = 0
	}
}

END {
	done()
}
