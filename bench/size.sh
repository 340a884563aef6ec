#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   size.sh KERNEL KERNEL      folders with a vmlinux; baseline is the first
#
# What a series adds to the image and to structures, and whether the three functions
# that every packet goes through are what they were.

[ $# = 2 ] || { echo "usage: size.sh KERNEL KERNEL" >&2; exit 2; }
a=$1/vmlinux b=$2/vmlinux
tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT

row() { printf '%-29s %12s %12s %8s %7s\n' "$@" | sed "s/ *$//"; }

# name, one number, the other
numbers()
{
	row "$1" "$2" "$3" "$(printf %+d $(($3 - $2)))" \
		"$(awk "BEGIN { if ($2) printf \"%+.3f\", ($3 - $2) / $2 * 100 }")"
}

section() { size -A "$1" | awk -v s="$2" '$1 == s { print $2 }'; }

# The KUnit tests: what takes a struct kunit, by BTF. (The kernel has thrown away which
# function is of which file.)
text_of_tests()
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
				if (to[arg[i]] == kunit) { sum += hex($2); break }
		}
		END { print sum + 0 }'
}

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

row '' "$(basename "$1")" "$(basename "$2")" diff %
numbers '.text' "$(section "$a" .text)" "$(section "$b" .text)"
numbers '  without unit tests' \
	$(($(section "$a" .text) - $(text_of_tests "$a"))) \
	$(($(section "$b" .text) - $(text_of_tests "$b")))
for file in "$a" "$b"; do size "$file" | tail -n 1; done >"$tmp/size"
set -- $(cut -f 1-3 "$tmp/size")
numbers 'text, read-only data, BTF' "$1" "$4"
numbers 'data' "$2" "$5"
numbers 'bss' "$3" "$6"
numbers 'sites of skb_meta_key' "$(sites "$a" skb_meta_key)" "$(sites "$b" skb_meta_key)"
for s in sk_buff skb_shared_info; do
	numbers "struct $s" "$(struct_size "$a" $s)" "$(struct_size "$b" $s)"
done

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
