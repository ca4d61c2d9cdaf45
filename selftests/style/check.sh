#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the sources promise about themselves, as TAP. Each check is a function
# that prints what it objects to; silence passes.
#
# usage: check.sh [CHECK...]

set -uo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
STYLE=selftests/style
SRCTAR=$BUILD/kernels/source/linux-source-6.1.tar.xz
SCRIPTS=$BUILD/style
cd "$TOP" || exit 1

CHECKS=(spdx whitespace layers vmx_stays kbuild_list tour sdm_names uapi_list params shellcheck
	kernel_doc checkpatch sparse)

sources() { git ls-files -- '*.c' '*.h' '*.S'; }
kernel_sources() { git ls-files -- 'module/*.[chS]' 'uapi/*.h'; }
scripts() { git grep -lE '^#!/bin/(ba)?sh' -- . ; }

# checkpatch and kernel-doc come out of the distribution's kernel source.
get_scripts()
{
	[ -x "$SCRIPTS/checkpatch.pl" ] && return
	selftests/lab/kernels.sh source || return
	mkdir -p "$SCRIPTS"
	tar -C "$SCRIPTS" -xJf "$SRCTAR" --strip-components=2 --wildcards \
		'*/scripts/checkpatch.pl' '*/scripts/kernel-doc' \
		'*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
}

# A licence in every file that can hold a comment.
check_spdx()
{
	# Not in prose, nor where each line is data: patterns, text to show, fields.
	git ls-files | grep -vE '^(COPYING|README\.md|\.gitignore)$' |
		grep -vE '^(selftests/lab/host/(complaints|welcome)|userspace/debian/copyright)$' |
	while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier:' ||
			echo "$file: no SPDX line"
	done
}

# A patch begins each line that it leaves alone with a blank, also an empty one.
check_whitespace()
{
	git ls-files | grep -vE '^COPYING$|\.patch$' | xargs grep -nE '[[:blank:]]+$' |
		sed 's/$/: ends in a blank/' | head -n 20
}

# Rank of a folder; those of one rank do not know each other.
rank()
{
	case $1 in
	pure) echo 0 ;;
	base) echo 1 ;;
	mmu | irq | emul) echo 2 ;;
	vmx) echo 3 ;;
	*) echo 4 ;;
	esac
}

# Includes go downward.
check_layers()
{
	local file folder header to
	kernel_sources | grep '^module/' | while read -r file; do
		folder=$(cut -d/ -f2 <<<"$file")
		case $folder in *.*) folder=top ;; esac
		sed -n 's/^#include "\(.*\)"$/\1/p' "$file" | while read -r header; do
			case $header in */*) to=${header%%/*} ;; *) to=top ;; esac
			# In user space, the unit tests' stand-in for the kernel.
			[ "$file:$header" = module/pure/pure.h:kernel.h ] && continue
			# Headers of a folder's own need no path.
			[ -e "module/$folder/$header" ] && to=$folder
			[ "$to" = "$folder" ] && continue
			[ "$(rank "$to")" -lt "$(rank "$folder")" ] ||
				echo "$file: includes $header, which is not below it"
		done
		[ "$folder" = pure ] && [ "$file" != module/pure/pure.h ] &&
			grep -Hn '^#include <' "$file"
	done
}

# Only module/vmx/ knows VMX.
check_vmx_stays()
{
	kernel_sources | grep '^module/' | grep -v '^module/vmx/' |
		xargs grep -nE '#include <asm/vmx\.h>|\bvm(read|write|launch|resume|ptrld|clear)\b *%'
}

# Kbuild lists what is there: kbuild itself finds what is missing, not what is
# left over.
check_kbuild_list()
{
	git ls-files -- 'module/*.[cS]' | while read -r file; do
		grep -qE "[ =]${file%.*}\\.o( |\$)" Kbuild || echo "$file is not in Kbuild"
	done
}

# Every file has its place in the reading tour, and every place a file.
check_tour()
{
	local tour=Documentation/tour.rst places
	git ls-files -- 'module/*.[chS]' 'userspace/*.[ch]' 'uapi/*.h' |
	while read -r file; do
		grep -qxF "\`\`$file\`\`" "$tour" || echo "$file is not in $tour"
	done
	# Places are lines that are nothing but a name in double backquotes.
	# shellcheck disable=SC2016 # backquotes to be found, not to be run
	places=$(grep -E '^``[^`]+``$' "$tour" | tr -d '`' | sort)
	while read -r file; do
		[ -e "$file" ] || echo "$tour: $file does not exist"
	done <<<"$places"
	uniq -d <<<"$places" | sed '/./s/$/ is twice in the tour/'
}

# The manual names the module's parameters, no more and no fewer.
check_params()
{
	diff <(git grep -hoE '(module_param_named|module_param|FEATURE_PARAM)\([a-z_0-9]+' \
			-- module | sed 's/.*(//' | grep -vx name | sort) \
		<(sed -n '/^\.SH PARAMETERS/,/^\.SH FILES/{/^\.TP/{n;p}}' userspace/lvx.4 |
			sed 's/^\.BR* //' | tr -d '",' | xargs -n 1 | sort) |
		sed -n 's/^[<>]/parameter in one of module and userspace\/lvx.4 only:/p'
}

# The interface's header lists the ioctls of each descriptor's table, no more
# and no fewer.
check_uapi_list()
{
	local pair file title

	for pair in dev:System vm_ioctl:VM vcpu_ioctl:vCPU; do
		file=module/${pair%:*}.c title=${pair#*:}
		diff <(grep -oE '(LVX_IOCTL(_CHECKED)?\(|\.cmd = )KVM_[A-Z0-9_]+' "$file" |
			grep -oE 'KVM_[A-Z0-9_]+' | sort -u) \
			<(awk -v title=" * $title:" '
				/^ \* [A-Za-z]+:$/ { here = $0 == title }
				here' uapi/linux/lvx.h | grep -oE 'KVM_[A-Z0-9_]+' | sort -u) |
			sed -n "s/^< \(.*\)/uapi\/linux\/lvx.h lacks \1 of $title/p
				s/^> \(.*\)/uapi\/linux\/lvx.h has \1 of $title/p"
	done
}

# Names of the SDM's sections that comments cite, and the map of them.
check_sdm_names()
{
	sources | grep -v '^selftests/' | xargs awk -f $STYLE/sdm-names.awk |
		sort -u | while read -r name; do
		grep -qxF "   * - $name" Documentation/sdm.rst ||
			echo "Documentation/sdm.rst lacks \"$name\""
	done
}

check_shellcheck()
{
	command -v shellcheck >/dev/null || { echo "shellcheck is missing: make deps"; return; }
	scripts | xargs shellcheck -x -P SCRIPTDIR 2>&1 | head -n 40
}

check_kernel_doc()
{
	get_scripts || return
	kernel_sources | grep -v '\.S$' |
		xargs "$SCRIPTS/kernel-doc" -none 2>&1 | head -n 40
}

# What lvx does on purpose and checkpatch objects to:
#   LINUX_VERSION_CODE, CONSTANT_COMPARISON  base/compat.h, the only such place
#   MACRO_ARG_REUSE     table and accessor macros, used with plain arguments
#   COMPLEX_MACRO, BRACKET_SPACE             rows of tables
#   MEMORY_BARRIER      wants the comment on the very line before
#   UNCOMMENTED_DEFINITION                   locks are documented as groups
#   EMBEDDED_FUNCTION_NAME                   mnemonics in asm templates
#   SPACING             "%[operand]" in asm templates
#   CAMELCASE           the kernel's own names of MTRRs
IGNORE=FILE_PATH_CHANGES,LINUX_VERSION_CODE,CONSTANT_COMPARISON,MACRO_ARG_REUSE
IGNORE+=,COMPLEX_MACRO,BRACKET_SPACE,MEMORY_BARRIER,UNCOMMENTED_DEFINITION
IGNORE+=,EMBEDDED_FUNCTION_NAME,SPACING,LINE_SPACING,CAMELCASE

check_checkpatch()
{
	get_scripts || return
	kernel_sources | xargs perl "$SCRIPTS/checkpatch.pl" --no-tree --strict \
		--terse --no-summary --ignore "$IGNORE" -f 2>&1 | head -n 40
}

# Sparse over the module, for Debian's 6.1.
check_sparse()
{
	local headers=$BUILD/kernels/6.1/headers mirror=$BUILD/style/kbuild
	command -v sparse >/dev/null || { echo "sparse is missing: make deps"; return; }
	[ -e "$headers/Makefile" ] || { echo "no headers: make kernels"; return; }
	selftests/lab/mirror.sh "$mirror" >/dev/null
	make -s -C "$headers" M="$mirror" C=2 CC=gcc-12 modules 2>&1 |
		grep -E 'module/.*(warning|error)' | head -n 40
}

# A check must be able to fail: what it prints is its objection.
run()
{
	local n=0 bad=0 name out
	echo "# style"
	echo "1..${#CHECKS[@]}"
	for name in "${CHECKS[@]}"; do
		n=$((n + 1))
		out=$("check_$name")
		if [ -z "$out" ]; then
			echo "ok $n $name"
		else
			echo "not ok $n $name"
			while IFS= read -r line; do printf '# %s\n' "$line"; done <<<"$out"
			bad=1
		fi
	done
	return $bad
}

[ $# -eq 0 ] || CHECKS=("$@")
run
