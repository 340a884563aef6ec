#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   build.sh [VARIANT]
#
# The kernel's test_progs with the tests of bpf.list and nothing else, linked to by
# build/regress/bpf: an eighth of the 1041 programs, two minutes instead of many.
#
# It is made from the base's sources and types, once for all variants: what runs on
# a patched kernel is, byte for byte, what runs on the stock one. With VARIANT it is
# what that series brings: the tests of VARIANT.list from its own sources and with its
# own types, build/regress/bpf-VARIANT.

me=regress
. "${0%/*}/../kernel-patches/common.sh"
here=$top/kernel-patches
variant=${1:-baseline}

# raise it when what is built from the same sources becomes something else
recipe=1

list=$top/regress/bpf.list
link=$build/regress/bpf
kernel=$build/kernel/$variant
base=$("$here/base.sh") || exit
desc=${base#* } base=${base%% *}
if [ "$variant" != baseline ]; then
	list=$top/regress/$variant.list
	link=$link-$variant
	if [ ! -f "$list" ]; then
		rm -f "$link"
		exit
	fi
	base=$("$here/series.sh" "$variant" "$base" "$desc") || exit
fi
tests=$(grep '^[a-z]' "$list")
twice=$(echo "$tests" | sort | uniq -d | xargs)
[ -z "$twice" ] || die "regress/${list##*/} has twice: $twice"
key=$(echo "$recipe" "$base" $tests "$(clang-19 --version | head -n 1) $(gcc --version | head -n 1)" \
	"$(sha256sum <"$kernel/vmlinux.h")" | hash12)
out=$cache/regress/$key
log=$build/regress/build-$variant.log

# Leave what is listed, and the programs that it loads.
trim()
{
	cd "$work/src/tools/testing/selftests/bpf" || exit

	keep=
	for t in $tests; do
		if [ -f "prog_tests/$t.c" ]; then
			keep="$keep $t"
		elif grep -q "^void test_$t(void)" prog_tests/verifier.c; then
			touch "$work/verifier.$t"
		else
			die "regress/${list##*/}: $t is neither prog_tests/$t.c nor in prog_tests/verifier.c of this kernel"
		fi
	done
	for f in prog_tests/*.c; do
		name=${f#prog_tests/}
		case "$keep verifier " in
		*" ${name%.c} "*) ;;
		*) rm "$f" ;;
		esac
	done
	# its tests are a line each, those with set-up of their own a little more
	awk -v have="$(ls "$work" | sed -n 's/^verifier\.//p' | xargs)" '
		BEGIN { n = split(have, a); for (i = 1; i <= n; i++) want[a[i]] = 1 }
		/^#include ".*\.skel\.h"/ { split($2, p, /["."]/); if (!(p[2] in want)) next }
		/^void test_[a-z0-9_]*\(void\)/ {
			name = substr($2, 6); sub(/\(.*/, "", name)
			if (!(name in want)) { skip = !/}/; next }
		}
		skip { if (/^}/) skip = 0; next }
		{ sub(/^static int init_/, "__maybe_unused &"); print }
	' prog_tests/verifier.c >"$work/verifier.c" && mv "$work/verifier.c" prog_tests/ || exit

	# a program is named by its skeleton, its object, or another one that includes it
	grep -hoE '"(\./)?[A-Za-z0-9_]+\.((l|sub)?skel\.h|bpf\.(linked[0-9]?\.)?o|o)"' \
		prog_tests/*.[ch] test_progs.c xsk.c |
		sed 's/"//g; s#^\./##; s/\..*//' | sort -u >"$work/progs"
	for p in $(cat "$work/progs"); do
		[ ! -f "progs/$p.c" ] ||
			sed -n 's/^#include "\([A-Za-z0-9_]*\)\.c".*/\1/p' "progs/$p.c"
	done >"$work/included"
	sort -u "$work/progs" "$work/included" >"$work/all"
	for f in progs/*.c; do
		name=${f#progs/}
		grep -qxF "${name%.c}" "$work/all" || rm "$f"
	done
}

# The kernel's own Makefile, less the parts of test_progs that only other tests need
# (modules, signatures, arenas, a second runner) and those of this machine (LLVM's
# disassembler, libpcap).
compile()
{
	cd "$work/src/tools/testing/selftests/bpf" || exit
	# the tests of signatures are left out, and the key that the runner brings for them
	sed -i 's/return syscall(__NR_add_key/return 0;\n\t&/' test_progs.c
	echo 'unsigned char test_progs_verification_cert[1]; unsigned int test_progs_verification_cert_len;' \
		>verification_cert.h
	kernel_make -j"$(nproc)" ${V:+V=1} test_progs CLANG=clang-19 BPFTOOL="$build/tools/bin/bpftool" \
		VMLINUX_BTF="$kernel/vmlinux" VMLINUX_H="$kernel/vmlinux.h" \
		SKIP_DOCS=1 SKIP_LLVM=1 SKIP_LIBBFD=1 SKIP_CRYPTO=1 feature-llvm=0 \
		PCAP_CFLAGS= PCAP_LIBS= \
		LSKELS= LSKELS_EXTRA= LSKELS_SIGNED= LINKED_SKELS= LIBARENA_SKEL= LIBARENA_ASAN_SKEL= \
		CLANG_HAS_ARENA_ASAN= VERIFY_SIG_HDR= TRUNNER_EXTRA_FILES= TRUNNER_BPFTOOL= TEST_KMODS= \
		</dev/null >"$log" 2>&1
}

make_it()
{
	work=$cache/regress.tmp
	rm -rf "$work" "$out.new"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir -p "$work/src" "$out.new" || die "cannot make $out.new"
	git --git-dir="$repo" archive "$base" tools kernel/bpf include/uapi scripts/bpf_doc.py |
		tar -x -C "$work/src" || die "cannot unpack the tests of $base"
	(trim) || exit
	say "building test_progs: $(ls "$work"/src/tools/testing/selftests/bpf/progs/*.c | wc -l) programs, log: ${log#"$top"/}"
	(compile) || {
		grep -nE -m 6 -A 3 'error:|Error [0-9]+$|undefined reference|No rule to make' "$log" | head -n 20 >&2
		die "test_progs does not build; log: $log"
	}
	cd "$work/src/tools/testing/selftests/bpf" && cp test_progs *.bpf.o "$out.new/" && mv -T "$out.new" "$out" ||
		die "cannot write $out"
}

mkdir -p "$build/regress"
if [ ! -x "$out/test_progs" ]; then
	# not the lock on the cache: kernels may build meanwhile, this needs none of theirs
	exec 6>>"$cache/regress.lock"
	flock 6
	[ -x "$out/test_progs" ] || make_it
fi
touch "$out"
link "$out" "$link"
