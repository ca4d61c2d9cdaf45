# SPDX-License-Identifier: GPL-2.0
#
# What a real CPU pays for most: how many of these instructions the hypervisor
# and the kernel under it run for one round of each row. Reads the names of the
# rows, then the emulator's trace (run.sh --trace), in which each row begins
# with a magic breakpoint in the guest's loop and ends where the guest comes to
# an instruction of the loop again.

BEGIN {
	split("vmread vmwrite rdmsr wrmsr", kinds)
	printf "%-22s %6s", "accesses", "node"
	for (k = 1; k <= 4; k++)
		printf " %8s", kinds[k]
	print ""
}

function done(k)
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
	split("", count)
	split("", loop)
	next
}

# (0).[TICK] [PHYSICAL] SELECTOR:ADDRESS (CONTEXT): INSTRUCTION ; BYTES
running && /^\(0\)\.\[/ {
	address = $3
	sub(/^[^:]*:/, "", address)
	instruction = $0
	sub(/^[^)]*\)[^)]*\): /, "", instruction)
	sub(/ .*/, "", instruction)
	if (address ~ /^f/) {
		left = 1
		count[instruction]++
	} else if (!left) {
		loop[address] = 1
	} else if (address in loop) {
		done()
	}
}

END {
	done()
}
