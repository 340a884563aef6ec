#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   layout.sh VARIANT
#
# What a series does to struct sk_buff and struct skb_shared_info in a distribution's
# kernel: pahole of net/core/skbuff.o, on the base and with the series, with Debian's own
# amd64 configuration of the same version. One file is compiled, twice.

me=layout
. "${0%/*}/common.sh"

[ $# = 1 ] || usage "usage: layout.sh VARIANT"
variant=$1
check_variant "$variant"
base=$("$here/base.sh") || exit
base_desc=${base#* } base=${base%% *}
head=$base
[ "$variant" = baseline ] || head=$("$here/series.sh" "$variant" "$base" "$base_desc") || exit
config=$("$here/base.sh" --config) || exit

work=$cache/work/layout
out=$build/layout
mkdir -p "$work/obj" "$out" || die "cannot make $work"
exec 7>>"$cache/layout.lock"
flock -n 7 || die "another make layout is running"

# compile COMMIT NAME: leaves pahole's picture in $out/NAME.STRUCT
compile()
{
	say "compiling net/core/skbuff.c of $2"
	checkout "$work/src" "$1"
	(
		set -e
		forget_environment
		cd "$work/src"
		xz -dc "$config" >"$work/obj/.config"
		# what needs tools, keys or hours, and does not change a structure; BTF becomes
		# DWARF, for pahole
		scripts/config --file "$work/obj/.config" -d RUST -d DEBUG_INFO_BTF \
			-d DEBUG_INFO_NONE -e DEBUG_INFO_DWARF5 -d MODULE_SIG -d SYSTEM_TRUSTED_KEYRING \
			-d GCC_PLUGINS -d STACK_VALIDATION
		make -s O="$work/obj" CC="ccache gcc" HOSTCC="ccache gcc" olddefconfig
		make -s O="$work/obj" CC="ccache gcc" HOSTCC="ccache gcc" -j"$(nproc)" net/core/skbuff.o
	) >"$out/log" 2>&1 || { tail -n 5 "$out/log" >&2; die "it does not compile, see $out/log"; }
	for s in sk_buff skb_shared_info; do
		pahole -C $s "$work/obj/net/core/skbuff.o" >"$out/$2.$s" 2>/dev/null
		[ -s "$out/$2.$s" ] || die "pahole finds no struct $s in net/core/skbuff.o"
	done
}

kernels=baseline
compile "$base" baseline
if [ "$variant" != baseline ]; then
	kernels="baseline $variant"
	compile "$head" "$variant"
fi

# bytes VARIANT STRUCT: size and cache lines, in pahole's words
bytes()
{
	sed -n 's|.*/\* \(size: [^*]*[^ ]\) *\*/|\1|p' "$out/$1.$2" | tail -n 1
}

grown=0
echo "Debian's amd64 configuration of $base_desc"
for s in sk_buff skb_shared_info; do
	for v in $kernels; do
		printf '%-10s struct %-16s %s\n' "$v" "$s" "$(bytes "$v" $s)"
	done
	diff -U 1 "$out/baseline.$s" "$out/$variant.$s" | sed 1,2d | expand -t 8 | cut -c 1-100
	# the members are more, of course
	[ "$(bytes baseline $s | cut -d, -f1,2)" = "$(bytes "$variant" $s | cut -d, -f1,2)" ] || {
		say "struct $s has grown"
		grown=1
	}
done
exit $grown
