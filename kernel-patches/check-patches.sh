#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   check-patches.sh VARIANT
#
# What netdev's patch checks ask of a series, as KTAP: it applies, it is no longer
# than 15 patches, checkpatch --strict says nothing about a patch that is not in
# checkpatch.allow with its reason, and after each patch every file that the series
# touches compiles with W=1 and sparse without a warning that the base does not have,
# and a small kernel (small.config) boots and carries packets through a tunnel.
# (Line numbers are left out of the comparison; files that are not in the test
# configuration are named and not compiled.) In the end net/ compiles for 32 bits, too,
# with BPF and without.
#
# The kernel of the variant has to be there: its objects tell what is configured.

me=check-patches
. "${0%/*}/common.sh"

[ $# = 1 ] || usage "usage: check-patches.sh VARIANT"
variant=$1
check_variant "$variant"
[ "$variant" != baseline ] || usage "VARIANT=baseline has no patches; valid are: $(variants | grep -vx baseline | xargs)"

base=$("$here/base.sh") || exit
base_desc=${base#* } base=${base%% *}
src=$cache/work/check/src obj=$cache/work/check/obj small=$cache/work/check/small
out=$build/check-patches/$variant
mkdir -p "$out" || exit
patches=$("$here/series.sh" --list "$variant") || exit
number=$(echo "$patches" | wc -l)

n=0 passed=0 failed=0

# verdict STATUS NAME [FILE]: FILE says why not
verdict()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
		echo "ok $n $2"
	else
		failed=$((failed + 1))
		echo "not ok $n $2"
		[ -z "${3:-}" ] || head -n 20 "$3" | sed 's/^/# /'
	fi
}

finish()
{
	echo "check-patches: $variant: $passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ]
	exit
}

# What compiling the files of the series says, sorted, without line numbers; the exit
# status is that of make. (A kfunc has no prototype by design; sparse does not know.)
compile()
{
	# each time: a tree that does not know an option yet takes it out
	cmp -s "$build/kernel/$variant/config" "$obj/.config" ||
		cp "$build/kernel/$variant/config" "$obj/.config" || return
	(
		forget_environment
		exec make -k -C "$src" O="$obj" CC="ccache gcc" HOSTCC="ccache gcc" \
			CHECK="sparse -fmax-warnings=unlimited -include $here/sparse.h" \
			W=1 C=1 -j"$(nproc)" $objects
	) >"$out/log" 2>&1
	status=$?
	sed -nE "s#^($src/)?([^: ]+):[0-9:]+ ((warning|error): .*)#\2: \3#p" "$out/log" |
		grep -v "symbol 'bpf_[a-z0-9_]*' was not declared" | sort -u >"$out/warnings"
	return $status
}

# The small kernel with the patches so far.
boots()
{
	(
		forget_environment
		exec make -C "$src" O="$small" CC="ccache gcc" HOSTCC="ccache gcc" \
			-j"$(nproc)" bzImage
	) >"$out/small.log" 2>&1 || {
		grep -E 'error:|undefined reference|Error [0-9]+$' "$out/small.log" >"$out/new"
		return 1
	}
	"$build/vm/vmrun" --kernel "$small/arch/x86/boot" --name small --out "$out" --timeout 60 \
		--accel "${ACCEL:-auto}" -- "$here/boot.sh" >"$out/boot.log" 2>&1 || {
		tail -n 20 "$out/boot.log" >"$out/new"
		return 1
	}
}

# net/ for 32 bits, which is what tinyconfig is, with the options given and no others.
compiles_with()
{
	other=$cache/work/check/other
	rm -rf "$other"
	(
		forget_environment
		set -- $(printf -- '-e %s ' "$@")
		m="make -s -C $src O=$other -j$(nproc)"
		$m CC="ccache gcc" HOSTCC="ccache gcc" tinyconfig &&
		"$src/scripts/config" --file "$other/.config" "$@" &&
		$m CC="ccache gcc" HOSTCC="ccache gcc" olddefconfig &&
		$m CC="ccache gcc" HOSTCC="ccache gcc" net/
	) >"$out/other.log" 2>&1
	status=$?
	grep -E 'warning:|error:|Error [0-9]+$' "$out/other.log" >"$out/new"
	rm -rf "$other"
	[ "$status" = 0 ] && [ ! -s "$out/new" ]
}

echo "KTAP version 1"
echo "1..$((4 + number * 3))"

# not the lock on the cache: this takes long, and writes to a folder of its own
exec 7>>"$cache/check.lock"
flock -n 7 || die "another check-patches is running"
head=$("$here/series.sh" "$variant" "$base" "$base_desc" 2>"$out/log")
verdict $? "$variant applies to $base_desc" "$out/log"
[ "$failed" = 0 ] || finish
# a folder may hold several series, told apart by the first digit
longest=$(echo "$patches" | sed 's|/\([0-9]\)[0-9]*-[^/]*$|/\1|' | sort | uniq -c | sort -n | awk 'END { print $1 }')
[ "$longest" -le 15 ]
verdict $? "$variant has at most 15 patches a series ($longest)"
grep -vE '^(#|$)' "$here/checkpatch.allow" >"$out/allow"

checkout "$src" "$base"
mkdir -p "$obj"
[ -f "$build/kernel/$variant/config" ] || die "make kernel VARIANT=$variant comes first"

SMALL=1 "$here/config.sh" "$variant" "$src" "$small" || exit

# Files of the series that this configuration compiles, and those there are so far.
touched=$(git -C "$src" diff --name-only "$base" "$head")
files=
for f in $touched; do
	case $f in
	tools/*|Documentation/*) ;;
	*.c)	if [ -f "$cache/work/$variant/obj/${f%.c}.o" ]; then
			files="$files $f"
		else
			echo "# not in the configuration: $f"
		fi ;;
	esac
done

objects_here()
{
	objects=
	for f in $files; do
		[ ! -f "$src/$f" ] || objects="$objects ${f%.c}.o"
	done
}

objects_here
# without the objects every file is compiled and says all it has to say
for o in $objects; do
	rm -f "$obj/$o"
done
[ -z "$objects" ] || compile || die "the base does not compile, see $out/log"
mv "$out/warnings" "$out/warnings.base" 2>/dev/null || : >"$out/warnings.base"

git -C "$src" rev-list --reverse "$base..$head" >"$out/commits"
exec 4<"$out/commits"
for p in $patches; do
	read -r commit <&4
	name=${p##*/}
	checkout "$src" "$commit"

	# its exit status counts what is allowed, too; where it sees a repository it runs
	# spdxcheck.py, which takes no work tree of a bare one
	GIT_DIR=none "$src/scripts/checkpatch.pl" --strict --no-summary --terse --showfile --root="$src" \
		"$p" >"$out/checkpatch.all" 2>&1
	grep -vEf "$out/allow" "$out/checkpatch.all" >"$out/checkpatch"
	[ ! -s "$out/checkpatch" ]
	verdict $? "$name checkpatch --strict" "$out/checkpatch"

	objects_here
	status=0
	: >"$out/new"
	if [ -n "$objects" ]; then
		compile || { status=1; grep -E "error:|No rule" "$out/log" >"$out/new"; }
		comm -13 "$out/warnings.base" "$out/warnings" >>"$out/new"
	fi
	[ "$status" = 0 ] && [ ! -s "$out/new" ]
	verdict $? "$name compiles, no new warnings" "$out/new"

	boots
	verdict $? "$name boots" "$out/new"
done

compiles_with NET INET IPV6
verdict $? "$variant compiles for 32 bits, without BPF" "$out/new"
compiles_with NET INET IPV6 BPF_SYSCALL NET_SCHED NET_CLS_ACT NET_CLS_BPF NET_ACT_BPF LWTUNNEL \
	LWTUNNEL_BPF NETFILTER NET_IPGRE_DEMUX NET_IPIP NET_IPGRE XFRM XFRM_USER INET_ESP VLAN_8021Q
verdict $? "$variant compiles for 32 bits, with BPF" "$out/new"
finish
