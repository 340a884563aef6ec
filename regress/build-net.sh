#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The scripts of tools/testing/selftests/net with what those in net.list need beside
# them, linked to by build/regress/net.

me=regress
. "${0%/*}/../kernel-patches/common.sh"
here=$top/kernel-patches

# raise it when what is built from the same sources becomes something else
recipe=1
helpers="udpgso udpgso_bench_tx udpgso_bench_rx psock_snd"
programs="lib/xdp_dummy nat6to4"

base=$("$here/base.sh") || exit
base=${base%% *}
key=$(echo "$recipe $base $helpers $programs $(clang-19 --version | head -n 1) $(gcc --version | head -n 1)" | hash12)
out=$cache/regress/net-$key
log=$build/regress/build-net.log

make_it()
{
	work=$cache/regress-net.tmp
	rm -rf "$work" "$out.new"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir -p "$work" "$out.new" || die "cannot make $out.new"
	say "building the helpers of the networking tests"
	git --git-dir="$repo" archive "$base" tools/include tools/testing/selftests |
		tar -x -C "$work" || die "cannot unpack the tests of $base"
	tests=$work/tools/testing/selftests
	cd "$tests/net" || exit
	for h in $helpers; do
		gcc -O2 -w -I.. -I. -I"$work/tools/include" -o "$h" "$h.c" -lpthread || return
	done
	for p in $programs; do
		clang-19 -O2 -g --target=bpf -D__x86_64__ -w -I"$build/tools/include" \
			-idirafter "/usr/include/$(gcc -print-multiarch)" -c "$p.bpf.c" -o "$p.bpf.o" || return
	done
	cp -r "$tests/kselftest" "$out.new/" && mkdir "$out.new/net" &&
		cp -r *.sh *.bpf.o lib $helpers "$out.new/net/" && mv -T "$out.new" "$out"
}

mkdir -p "$build/regress"
if [ ! -d "$out" ]; then
	exec 6>>"$cache/regress.lock"
	flock 6
	[ -d "$out" ] || make_it >"$log" 2>&1 || {
		tail -n 10 "$log" >&2
		die "the networking tests do not build; log: $log"
	}
fi
touch "$out"
link "$out" "$build/regress/net"
