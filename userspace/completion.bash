# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# bash's completion of lvx's commands, options and their files. Installed as
# /usr/share/bash-completion/completions/lvx; sourcing it does, too.

_lvx()
{
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]} words

	COMPREPLY=()
	case $last in
	--kernel | --initrd | --device)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames
		return
		;;
	--append | --memory | --cpus)
		return
		;;
	esac
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="run doctor help version"
	else
		case ${COMP_WORDS[1]} in
		run) words="--kernel --initrd --append --memory --cpus --device --no-reboot --help" ;;
		doctor) words="--device --json --help" ;;
		help) words="run doctor help version" ;;
		*) return ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _lvx lvx
