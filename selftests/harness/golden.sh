#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The judge of runs (splat gate, verdict reader) on recorded runs: each golden/* holds
# the console and the output of one, and what `vmrun --judge` has to say and to exit with.
#
# VMRUN: the program. GOLDEN_UPDATE=1 writes what it says now into the files; read the diff.

golden=$(dirname "$0")/golden
vmrun=$(realpath "${VMRUN:-build/vm/vmrun}")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

section()
{
	sed -n "/^== $1 ==\$/,/^== /p" "$2" | sed '/^== /d'
}

echo KTAP version 1
echo "1..$(ls "$golden" | wc -l)"
nr=0 bad=0
for file in "$golden"/*; do
	name=$(basename "$file")
	nr=$((nr + 1))
	for s in console ktap allow want; do
		section $s "$file" >"$tmp/$s"
	done
	mv "$tmp/ktap" "$tmp/$name.ktap"
	mv "$tmp/console" "$tmp/$name.console"
	(
		cd "$tmp" || exit
		"$vmrun" --allow allow --judge "$name.console" "$name.ktap" 2>&1
		echo "exit $?"
	) >"$tmp/got"

	if [ "${GOLDEN_UPDATE:-0}" != 0 ]; then
		sed -i '/^== want ==$/,$d' "$file"
		{ echo '== want =='; cat "$tmp/got"; } >>"$file"
	fi
	if diff -u --label "$name: wanted" --label "$name: got" "$tmp/want" "$tmp/got" >"$tmp/diff"; then
		echo "ok $nr $name"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/diff"
		echo "not ok $nr $name"
	fi
done
[ $bad = 0 ]
