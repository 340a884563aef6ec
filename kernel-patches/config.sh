#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's configuration: allnoconfig and the fragments in config/ (and in the
# variant's folder, where a series brings options of its own).
#
#   config.sh --hash VARIANT           hash of what is asked for
#   config.sh VARIANT SOURCE OBJECTS   makes OBJECTS/.config
#   SMALL=1 config.sh ...              of the small kernel, see small.config
#
# An option asked for that does not come out as asked stops everything: a kernel
# without it would fail a test later, for no reason anyone can see.

. "${0%/*}/common.sh"

fragments()
{
	if [ -n "${SMALL:-}" ]; then
		echo "$here/config/boot.config"
		echo "$here/small.config"
		return
	fi
	for f in "$here"/config/*.config "$here/$1"/*.config; do
		case $f in
		*'*'*) ;;
		*/config/debug.config) [ -z "$DEBUG" ] || echo "$f" ;;
		*) echo "$f" ;;
		esac
	done
}

# Prints each line asked for as "fragment|CONFIG_NAME|value" (n for "is not set").
asked()
{
	fragments "$1" | while read -r f; do
		sed -n -e "s|^\(CONFIG_[A-Za-z0-9_]*\)=\(.*\)|${f#"$top"/}\|\1\|\2|p" \
		       -e "s|^# \(CONFIG_[A-Za-z0-9_]*\) is not set|${f#"$top"/}\|\1\|n|p" "$f"
	done
}

make_config()
{
	variant=$1 src=$2 obj=$3
	mkdir -p "$obj"
	asked "$variant" >"$obj/asked"

	twice=$(cut -d'|' -f2 "$obj/asked" | sort | uniq -d | tr '\n' ' ')
	[ -z "$twice" ] || die "asked for twice in the fragments: $twice"

	awk -F'|' '{ print ($3 == "n" ? "# " $2 " is not set" : $2 "=" $3) }' "$obj/asked" >"$obj/allno"
	run kernel_make -s -C "$src" O="$obj" CC="ccache gcc" KCONFIG_ALLCONFIG="$obj/allno" \
		allnoconfig >"$obj/config.log" 2>&1 || {
		tail -n 5 "$obj/config.log" >&2
		die "allnoconfig failed, see $obj/config.log"
	}

	awk -F'|' '
		FNR == NR {
			if (match($0, /^CONFIG_[A-Za-z0-9_]*=/)) {
				n = substr($0, 1, RLENGTH - 1)
				got[n] = substr($0, RLENGTH + 1)
			}
			next
		}
		{
			g = ($2 in got) ? got[$2] : "n"
			if (g != $3)
				print $2 "|" $3 "|" $1 "|" g
		}' "$obj/.config" "$obj/asked" >"$obj/missing"
	[ ! -s "$obj/missing" ] && return

	while IFS='|' read -r name want file got; do
		if grep -rqsE --include='Kconfig*' "^[[:space:]]*(menu)?config ${name#CONFIG_}$" "$src"; then
			why="it comes out as $got (a dependency that is off, or something selects it)"
		else
			why="this kernel has no such option"
		fi
		say "$name=$want, asked for in $file: $why"
	done <"$obj/missing"
	die "the options above are not in the final .config as asked"
}

case ${1:-} in
--hash)
	[ $# = 2 ] || usage "usage: config.sh --hash VARIANT"
	asked "$2" | cut -d'|' -f2- | hash12
	;;
*)
	[ $# = 3 ] || usage "usage: config.sh VARIANT SOURCE OBJECTS"
	make_config "$@"
	;;
esac
