#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A variant's patches on a base.
#
#   series.sh --list VARIANT           the patch files, in the order applied
#   series.sh --hash VARIANT           their hash ("none" without patches)
#   series.sh VARIANT BASE-COMMIT BASE-DESCRIPTION
#                                      applies them, prints the commit they make
#
# A file VARIANT/base-series names a series that goes first.

. "${0%/*}/common.sh"

list()
{
	[ "$1" != baseline ] || return 0
	if [ -f "$here/$1/base-series" ]; then
		read -r first <"$here/$1/base-series"
		check_variant "$first"
		[ "$first" != "$1" ] || die "$1/base-series names itself"
		list "$first"
	fi
	# the shell sorts; 0000, 1000 ... are cover letters
	for p in "$here/$1"/[0-9][0-9][0-9][0-9]-*.patch; do
		case $p in
		*/[0-9]000-*|*/'[0-9]'*) ;;
		*) echo "$p" ;;
		esac
	done
}

digest()
{
	if [ -z "$(list "$1")" ]; then
		echo none
	else
		list "$1" | xargs -d '\n' cat -- | hash12
	fi
}

# git am in a work tree without files: the index alone is the base, and git brings
# in what a patch touches. Two seconds, and the trees that kernels are built in
# see nothing but the finished result. No gc: it goes on in the background, where
# it holds the lock of the tree that the next make waits for.
apply()
{
	variant=$1 base=$2 desc=$3
	ref=refs/series/$base/$(digest "$variant")
	if git --git-dir="$repo" rev-parse -q --verify "$ref"; then
		return
	fi
	lock_cache
	work=$cache/am.tmp
	rm -rf "$work"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	kgit worktree prune
	kgit worktree add -q --no-checkout --detach "$work" "$base" &&
		run git -C "$work" read-tree "$base" || die "cannot make $work"
	list "$variant" | while read -r p; do
		GIT_COMMITTER_DATE='@0 +0000' run git -C "$work" -c gc.auto=0 am -q "$p" >"$cache/am.log" 2>&1 && continue
		files=$(sed -n 's/^error: \([^ :]*\): .*/\1/p' "$cache/am.log" | sort -u | xargs)
		grep -v '^hint:\|git am' "$cache/am.log" | head -n 8 >&2
		die "series $variant: ${p#"$top"/} does not apply to $desc${files:+; file: $files}"
	done || exit
	kgit update-ref "$ref" "$(git -C "$work" rev-parse HEAD)"
	git -C "$work" rev-parse HEAD
}

case ${1:-} in
--list|--hash)
	[ $# = 2 ] || usage "usage: series.sh --list|--hash VARIANT"
	check_variant "$2"
	case $1 in
	--list) list "$2" ;;
	--hash) digest "$2" ;;
	esac
	;;
*)
	[ $# = 3 ] || usage "usage: series.sh VARIANT BASE-COMMIT BASE-DESCRIPTION"
	check_variant "$1"
	apply "$@"
	;;
esac
