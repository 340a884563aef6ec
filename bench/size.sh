#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   size.sh KERNEL KERNEL [RESULTS]      folders with a vmlinux; baseline is the first
#
# What a series adds to the image and to structures, in which functions, and whether the
# three that every packet goes through are what they were. What a labelled packet takes in
# memory is the benchmark's, and is shown where RESULTS has it; the rest is written there.

[ $# = 2 ] || [ $# = 3 ] || { echo "usage: size.sh KERNEL KERNEL [RESULTS]" >&2; exit 2; }
top=20
a=$1/vmlinux b=$2/vmlinux info=$2/info.json results=$3
name_a=$(basename "$1") name_b=$(basename "$2")
tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT

row() { printf '%-29s %12s %12s %8s %7s\n' "$@" | sed "s/ *$//"; }

# name, one number, the other
numbers()
{
	printf '%s\t\t%s\t%s\n' "${1#  }" "$2" "$3" >>"$tmp/figures"
	row "$1" "$2" "$3" "$(printf %+d $(($3 - $2)))" \
		"$(awk "BEGIN { if ($2) printf \"%+.3f\", ($3 - $2) / $2 * 100 }")"
}

section() { size -A "$1" | awk -v s="$2" '$1 == s { print $2 }'; }

# Names, sizes, and the difference of functions that differ, what grew most first: by the
# kernel's own script where its tree is there.
functions()
{
	meter=${XDG_CACHE_HOME:-$HOME/.cache}/skb-meta/work/$(jq -r .variant "$info")/src/scripts/bloat-o-meter
	if [ -f "$meter" ] && command -v python3 >/dev/null; then
		python3 "$meter" -t "$a" "$b" | awk 'NF == 4 && $4 ~ /^[-+][0-9]+$/ {
			print $1, $2 == "-" ? 0 : $2, $3 == "-" ? 0 : $3, $4 + 0 }'
	else
		{ nm -S "$a" | sed 's/^/0 /'; nm -S "$b" | sed 's/^/1 /'; } | awk '
			function hex(s,    n, i) {
				for (i = 1; i <= length(s); i++)
					n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
				return n
			}
			NF == 5 && $4 ~ /^[tTwW]$/ { sub(/\.[0-9]+/, "", $5); size[$1, $5] += hex($3); name[$5] }
			END {
				for (f in name)
					if (size[0, f] + 0 != size[1, f] + 0)
						printf "%s %d %d %d\n", f, size[0, f], size[1, f], size[1, f] - size[0, f]
			}'
	fi | sort -k 4,4nr -k 1,1
}

# The KUnit tests: what takes a struct kunit, by BTF. (The kernel has thrown away which
# function is of which file.)
tests()
{
	{ build/tools/bin/bpftool btf dump file "$1"; nm -S "$1"; } | awk '
		function hex(s,    n, i) {
			for (i = 1; i <= length(s); i++)
				n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
			return n
		}
		$2 == "STRUCT" && $3 == "\047kunit\047" { kunit = "type_id=" substr($1, 2, length($1) - 2) }
		$2 == "PTR" { to[substr($1, 2, length($1) - 2)] = $4 }
		$2 == "FUNC_PROTO" { proto = substr($1, 2, length($1) - 2) }
		$2 ~ /^type_id=/ && NF == 2 { takes[proto] = takes[proto] " " substr($2, 9) }
		$2 == "FUNC" { type[substr($3, 2, length($3) - 2)] = substr($4, 9) }
		$3 ~ /^[tT]$/ && $4 in type {
			n = split(takes[type[$4]], arg, " ")
			for (i = 1; i <= n; i++)
				if (to[arg[i]] == kunit) { print $4, hex($2); break }
		}'
}

text_of_tests() { tests "$1" | awk '{ sum += $2 } END { print sum + 0 }'; }

# Entries of __jump_table (s32 code, s32 target, s64 key, each relative to itself; the
# lowest two bits of key are flags) of one key.
sites()
{
	key=$(nm "$1" | sed -n "s/^........\(........\) [bBdD] $2\$/\1/p")
	[ -n "$key" ] || { echo 0; return; }
	start=$(nm "$1" | sed -n 's/ . __start___jump_table$//p')
	stop=$(nm "$1" | sed -n 's/ . __stop___jump_table$//p')
	# the section it is in: hexadecimal numbers of one length compare as strings
	set -- "$1" $(readelf -SW "$1" | sed 's/^ *\[ *//' | awk -v at="$start" '
		$3 == "PROGBITS" && $4 "" <= at "" && $4 "" > addr "" { addr = $4; off = $5 }
		END { print addr, off }')
	# and of addresses the lower half is enough, more than the shell can count in
	start=$((0x${start#????????})) stop=$((0x${stop#????????})) at=$((0x${2#????????}))
	od -An -v -w16 -t u4 -j $((0x$3 + start - at)) -N $((stop - start)) "$1" |
		awk -v at=$start -v key=$((0x$key)) '{
			k = (at + 16 * (NR - 1) + 8 + $3) % 4294967296
			n += k - k % 4 == key
		} END { print n + 0 }'
}

struct_size()
{
	pahole -F btf -C "$2" "$1" 2>/dev/null | sed -n 's/.*size: \([0-9]*\), .*/\1/p' | tail -n 1
}

# One function, as it would be anywhere: no addresses, but for those within it.
function_of()
{
	objdump -d --no-show-raw-insn --disassemble="$2" "$1" |
		sed -n '/^[0-9a-f]* </,/^$/{/./p}' |
		sed -E 's/^[0-9a-f]+ </</; s/^ *[0-9a-f]+:\t/\t/; s/[[:space:]]+$//
			s/\b(0x)?ffffffff[0-9a-f]{8}\b/ADDR/g; s/-?0x[0-9a-f]+\(%rip\)/(%rip)/'
}

row '' "$name_a" "$name_b" diff %
numbers '.text' "$(section "$a" .text)" "$(section "$b" .text)"
numbers '  .text without unit tests' \
	$(($(section "$a" .text) - $(text_of_tests "$a"))) \
	$(($(section "$b" .text) - $(text_of_tests "$b")))
for file in "$a" "$b"; do size "$file" | tail -n 1; done >"$tmp/size"
set -- $(cut -f 1-3 "$tmp/size")
numbers 'text, read-only data, BTF' "$1" "$4"
numbers 'data' "$2" "$5"
numbers 'bss' "$3" "$6"
keys() { nm "$1" | sed -n 's/.* [bBdD] \(skb_[a-z_]*key\)$/\1/p' | sort -u; }
keys "$a" >"$tmp/keys"
for key in $(keys "$b" | comm -13 "$tmp/keys" -); do
	numbers "sites of $key" "$(sites "$a" "$key")" "$(sites "$b" "$key")"
done
for s in sk_buff skb_shared_info; do
	numbers "struct $s" "$(struct_size "$a" $s)" "$(struct_size "$b" $s)"
done

functions | sed 's/ /\t/g' >"$tmp/functions"
tests "$b" | cut -d ' ' -f 1 | sort -u >"$tmp/tests"
awk -F '\t' 'NR == FNR { test[$1]; next }
	!($1 in test)' "$tmp/tests" "$tmp/functions" >"$tmp/code"
printf '\nFunctions, without unit tests: %d grew, %d are new, %d shrank or are gone; most of it:\n' \
	$(awk -F '\t' '{ n[$2 == 0 ? 2 : $4 > 0 ? 1 : 3]++ } END { print n[1] + 0, n[2] + 0, n[3] + 0 }' "$tmp/code")
sed "$top"q "$tmp/code" | while IFS='	' read -r name old new diff; do
	row "$name" "$old" "$new" "$(printf %+d "$diff")" ''
	printf '%s\tfunction\t%s\t%s\n' "$name" "$old" "$new" >>"$tmp/figures"
done

# What a labelled packet has in slabs as long as it is queued beyond one without, most of any case.
held()
{
	{ cat "$results/bench-$1.jsonl" 2>/dev/null; } | jq -rs --arg unit "slab $2 held/packet" '
		map(select(.unit == $unit and .labelled == 1 and .value and .floor) | .value - .floor) |
		max // "?"'
}

if [ -n "$results" ]; then
	echo
	for unit in objects bytes; do
		row "slab $unit, labelled packet" "$(held "$name_a" $unit)" "$(held "$name_b" $unit)" '' ''
	done
	jq -c --arg command "make size VARIANT=${name_b%-debug}" --arg date "$(date -u +%FT%TZ)" '{run:
		({suite: "size"} + . + {accel: "host", command: $command, date: $date, cpus: 0})}' "$info" \
		>"$tmp/results"
	jq -Rc 'split("\t") | {case: .[0], state: .[1], size: 0, depth: 0, labelled: 0,
		unit: (if .[0] | startswith("sites of") then "sites" else "bytes" end),
		value: (.[3] | tonumber), floor: (.[2] | tonumber), spread: 0, boots: 1, target: null,
		verdict: "pass"}' "$tmp/figures" >>"$tmp/results" &&
	cp "$tmp/results" "$results/size-$name_b.jsonl" || exit
fi
echo

for f in skb_push skb_pull skb_put; do
	function_of "$a" $f >"$tmp/a"
	function_of "$b" $f >"$tmp/b"
	na=$(grep -c '^	' "$tmp/a") nb=$(grep -c '^	' "$tmp/b")
	if [ "$na" = 0 ] || [ "$nb" = 0 ]; then
		echo "$f: not found" >&2
		exit 1
	elif cmp -s "$tmp/a" "$tmp/b"; then
		echo "$f: same, $na instructions"
	else
		echo "$f: differs, $na and $nb instructions:"
		diff -U 3 "$tmp/a" "$tmp/b" | sed 1,2d | expand -t 8 | cut -c 1-72
	fi
done
