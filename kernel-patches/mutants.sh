#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   mutants.sh VARIANT [NAME...]
#
# Are the tests worth anything? Each file of VARIANT/mutants/ takes away one line that a
# guarantee rests on, and names what has to notice:
#
#	# red: TEST		make test VARIANT=... T=TEST fails
#	# says: REGEX: TARGET	make TARGET, on its own kernels, prints what REGEX (grep -E) matches
#
# Here it is done: the series with that patch as its last, the test run on it; KTAP, ok if
# it has noticed. All in a copy of this repository, so results and kernels of this one stay
# what they are.

me=mutants
. "${0%/*}/common.sh"

[ $# -gt 0 ] || usage "usage: mutants.sh VARIANT [NAME...]"
variant=$1
shift
check_variant "$variant"
[ $# -gt 0 ] || set -- $(cd "$here/$variant/mutants" 2>/dev/null && ls *.diff | sed 's/\.diff$//')
[ $# -gt 0 ] || usage "VARIANT=$variant has no mutants"
for name; do
	[ -f "$here/$variant/mutants/$name.diff" ] ||
		usage "T=$name: no such mutant; valid are: $(cd "$here/$variant/mutants" && ls *.diff | sed 's/\.diff$//' | xargs)"
done

tree=$build/mutants/tree
rm -rf "$tree"
mkdir -p "$tree" || die "cannot make $tree"
(cd "$top" && git ls-files -z | tar -c --null -T - ) | tar -x -C "$tree" || die "cannot copy $top to $tree"

failed=0 n=0
echo "KTAP version 1"
echo "1..$#"
for name; do
	diff=$here/$variant/mutants/$name.diff
	log=$build/mutants/$name.log
	test=$(sed -n 's/^# red: //p' "$diff")
	target="test T=$test"
	if [ -z "$test" ]; then
		target=$(sed -n 's/^# says: [^:]*: //p' "$diff")
		says=$(sed -n 's/^# says: \([^:]*\):.*/\1/p' "$diff")
	fi
	n=$((n + 1))
	rm -f "$log"
	rm -f "$tree/kernel-patches/$variant"/9999-*.patch
	{
		printf 'From: mutant <mutant@localhost>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nSubject: [PATCH] %s\n\n---\n' "$name"
		grep -v '^#' "$diff"
	} >"$tree/kernel-patches/$variant/9999-mutant.patch"
	# a target builds the kernels that it needs
	[ -z "$test" ] || (
		unset TREE_LOCKED MAKEFLAGS MFLAGS MAKELEVEL T
		cd "$tree" && make kernel VARIANT="$variant"
	) >"$log" 2>&1 || { tail -n 3 "$log" >&2; die "the kernel with $name is not there, see $log"; }
	(
		unset TREE_LOCKED MAKEFLAGS MFLAGS MAKELEVEL T VARIANT
		cd "$tree" && make $target ${test:+VARIANT="$variant"}
	) >>"$log" 2>&1
	status=$?
	# a test that passes, or one that was not run, has not noticed
	if if [ -n "$test" ]; then
		[ $status != 0 ] && grep -qE '[1-9][0-9]* failed|panic|died' "$log"
	else
		grep -qE "$says" "$log"
	fi; then
		echo "ok $n $name: make $target notices ($(sed -n '1s/^# //p' "$diff"))"
	else
		failed=$((failed + 1))
		echo "not ok $n $name: make $target has not noticed, see ${log#"$top"/}"
	fi
	[ ! -e "$tree/build/kernel/$variant" ] || rm -rf "$(readlink -f "$tree/build/kernel/$variant")"
done
rm -rf "$tree"
echo "mutants: $variant: $((n - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
