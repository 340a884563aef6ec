#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The judge of runs (splat gate, verdict reader) on recorded runs: each golden/* holds
# the console and the output of one, and what `vmrun --judge` has to say and to exit with.
# Likewise the testbed's matrix: golden-matrix/* hold results and arguments.
#
# VMRUN, MATRIX: the programs. GOLDEN_UPDATE=1 writes what it says now into the files; read the diff.

golden=$(dirname "$0")/golden
vmrun=$(realpath "${VMRUN:-build/vm/vmrun}")
matrix=$(realpath "${MATRIX:-build/testbed/matrix}")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

section()
{
	sed -n "/^== $1 ==\$/,/^== /p" "$2" | sed '/^== /d'
}

judge()		# FILE: what is said of it, and the exit status
{
	for s in console ktap allow; do
		section $s "$1" >"$tmp/$s"
	done
	mv "$tmp/ktap" "$tmp/$name.ktap"
	mv "$tmp/console" "$tmp/$name.console"
	cd "$tmp" || exit
	"$vmrun" --allow allow --judge "$name.console" "$name.ktap" 2>&1
	echo "exit $?"
}

table()		# FILE
{
	for s in baseline movable; do
		section $s.jsonl "$1" >"$tmp/$s.jsonl"
	done
	args=$(section args "$1")
	cd "$tmp" || exit
	"$matrix" $args baseline.jsonl movable.jsonl 2>&1 | sed 's/ *$//'
	# its own, of the two
	"$matrix" $args baseline.jsonl movable.jsonl >/dev/null 2>&1
	echo "exit $?"
}

echo KTAP version 1
echo "1..$(ls -d "$golden"/* "$golden-matrix"/* | wc -l)"
nr=0 bad=0 label=
check()		# FILE COMMAND
{
	name=$(basename "$1")
	nr=$((nr + 1))
	section want "$1" >"$tmp/want"
	($2 "$(realpath "$1")") >"$tmp/got"

	if [ "${GOLDEN_UPDATE:-0}" != 0 ]; then
		sed -i '/^== want ==$/,$d' "$1"
		{ echo '== want =='; cat "$tmp/got"; } >>"$1"
	fi
	if diff -u --label "$name: wanted" --label "$name: got" "$tmp/want" "$tmp/got" >"$tmp/diff"; then
		echo "ok $nr $label$name"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/diff"
		echo "not ok $nr $label$name"
	fi
}

for file in "$golden"/*; do
	check "$file" judge
done
label=matrix-
for file in "$golden-matrix"/*; do
	check "$file" table
done
[ $bad = 0 ]
