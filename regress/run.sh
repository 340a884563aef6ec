#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   run.sh baseline VARIANT...
#
# Runs the kernel's own tests on each kernel, and prints what differs between the
# first and the others. A test that passes on the first and not on another one is a
# loss, and the exit status 1; it gets a second chance, as some of them measure time.
# What is known to differ for a reason is in VARIANT.changed. Tests that a series
# brings (VARIANT.list) run on its own kernel, and one that fails is a loss as well.
#
# A kernel that was tested with the same tests before is not tested again; T=NAME
# tests in any case, that one only.

set -u
cd "${0%/*}/.." || exit
out=build/results
mkdir -p "$out"
suffix=${DEBUG:+-debug}

# guest FLAVOUR SUITE: 0 if all of it ran, whatever the verdicts; they are then in
# build/regress/SUITE-FLAVOUR.cases, a line each: case, verdict, reason.
guest()
{
	brings=
	[ ! -d "build/regress/bpf-${1%-debug}" ] || brings=regress/series.sh
	RESULTS_COMMAND="make regress${T:+ T=$T}" build/vm/vmrun --kernel "build/kernel/$1" \
		--name "$2-$1" --timeout 7200 --share "$out" --env RESULTS_COMMAND --env T \
		--env "VARIANT=${1%-debug}" -- \
		build/selftests/run --suite "$2" --info "build/kernel/$1/info.json" \
		--results "$out" $brings regress/bpf.sh regress/net.sh >"build/regress/$2-$1.log" 2>&1
	status=$?
	case $status in
	0|1|4)	jq -r 'select(.case) | [.case, .verdict, .reason // ""] | @tsv' "$out/$2-$1.jsonl" |
			sort >"build/regress/$2-$1.cases"
		return ;;
	esac
	grep '^vm: ' "build/regress/$2-$1.log" | tail -n 20 >&2
	echo "regress: $1: 0 passed, 1 failed, 0 skipped (the run itself, exit status $status; log: build/regress/$2-$1.log)"
	exit 1
}

# compare FIRST FLAVOUR CHANGED: the differences, and the sum
compare()
{
	awk -F'\t' -v first="$1" -v other="$2" -v some="${T:-}" '
		# not even its whole test is there on the first
		function brought(c) { sub("/.*", "", c); return !(c in was) }
		FNR == 1 { file++ }
		file == 1 { if (!/^#/ && NF == 2) why[$1] = $2; next }
		file == 2 { all[$1]; was[$1] = $2; said[$1] = $3; next }
		{ all[$1]; is[$1] = $2; says[$1] = $3 }
		END {
			for (c in why)
				all[c]
			for (c in all) {
				a = c in was ? was[c] : "missing"
				b = c in is ? is[c] : "missing"
				line = c ": " first " " a ", " other " " b
				if (a == "missing" && b == a && some)
					continue
				if (said[c] ~ /still running after/) {
					print line ": LOST: nothing to compare with, it did not end on " first
					lost++
					continue
				}
				if (a == b) {
					same[b]++
					if (c in why) {
						print line ": LOST: listed as changed"
						lost++
					}
				} else if (c in why) {
					print line ", as listed: " why[c]
					known++
				} else if (a == "pass" || b == "fail" && brought(c)) {
					print line ": LOST" (says[c] != "" ? ": " says[c] : "")
					lost++
				} else {
					print line
					gained++
				}
			}
			printf "regress: %s: %d passed, %d failed, %d skipped (beside %s: %d fail on both, %d differ as listed, %d gained)\n",
				other, same["pass"] + known + gained, lost, same["skip"], first, same["fail"], known, gained
			exit (lost > 0)
		}' "$3" "build/regress/$suite-$1.cases" "build/regress/$suite-$2.cases" >"build/regress/$2.diff"
}

suite=regress${T:+-some}
tests=$(echo "$(readlink build/regress/bpf build/regress/net | xargs)" \
	$(cat regress/bpf.sh regress/net.sh regress/net.list \
		regress/verdicts.awk | sha256sum))
# a guest has one CPU: all at once
runs=
for v; do
	f=$v$suffix
	key="$(readlink "build/kernel/$f") $tests $(readlink "build/regress/bpf-$v")"
	if [ -z "${T:-}" ] && [ "$key" = "$(cat "build/regress/$f.key" 2>/dev/null)" ] &&
	   [ -f "build/regress/$suite-$f.cases" ]; then
		echo "regress: $f: tested before, its results stand" >&2
		continue
	fi
	echo "regress: $f: running, log: build/regress/$suite-$f.log" >&2
	[ -n "${T:-}" ] || rm -f "build/regress/$f.key"
	(
		guest "$f" $suite
		[ -n "${T:-}" ] || echo "$key" >"build/regress/$f.key"
	) &
	runs="$runs $!"
done
bad=0
for run in $runs; do
	wait "$run" || bad=1
done
[ $bad = 0 ] || exit 1

first=$1$suffix
shift
for v; do
	f=$v$suffix
	changed=regress/$v.changed
	[ -f "$changed" ] || changed=regress/none.changed
	if ! compare "$first" "$f" "$changed"; then
		again=$(sed -n 's/^[a-z]*\.\([a-zA-Z0-9_-]*\).*: LOST.*/\1/p' "build/regress/$f.diff" | sort -u)
		echo "regress: $f: once more:" $again >&2
		T=$(echo "$again" | paste -sd,) guest "$f" regress-again
		# what the second run says counts
		echo "$again" | sed 's,.*,^[a-z]*\\.&[/\t],' | grep -v -f - "build/regress/$suite-$f.cases" |
			sort - "build/regress/regress-again-$f.cases" >"build/regress/$f.merged"
		mv "build/regress/$f.merged" "build/regress/$suite-$f.cases"
		compare "$first" "$f" "$changed" || bad=1
	fi
	sort "build/regress/$f.diff"
done
exit $bad
