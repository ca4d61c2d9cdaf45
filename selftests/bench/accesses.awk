# SPDX-License-Identifier: GPL-2.0
#
# What a real CPU pays for most: how many of these instructions the hypervisor
# and the kernel under it run for one round of each row. Reads the names of the
# rows, then the emulator's trace (run.sh --trace), in which each row begins
# with a magic breakpoint. A round is from where the guest goes on after its
# first exit until it is there again. The own emulator writes down just these
# instructions and the guest's address at each VM entry; the distribution's all
# instructions, whose code segments tell guest and kernel.

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

/Magic breakpoint|trace: begin/ {
	done()
	row++
	running = 1
	left = 0
	from = ""
	split("", count)
	next
}

# The guest goes on at this address.
function enters(address)
{
	if (address == from)
		done()
	if (from == "") {
		from = address
		split("", count)
	}
	left = 0
}

# TICKi[CPU0  ] trace: INSTRUCTION, or "entry ADDRESS"
running && / trace: / {
	sub(/.* trace: /, "")
	if ($1 == "entry")
		enters($2)
	else
		count[$1]++
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
		enters($3)
	}
}

END {
	done()
}
