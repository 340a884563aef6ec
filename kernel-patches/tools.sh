#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bpftool and libbpf of the base kernel, linked to by build/tools.
#
#   tools.sh BASE-COMMIT

me=tools
. "${0%/*}/common.sh"

[ $# = 1 ] || usage "usage: tools.sh BASE-COMMIT"
base=$1
key=$(echo "1 $base $(gcc --version | head -n 1)" | hash12)
tools=$cache/tools/$key
log=$build/kernel/tools.log

build_tools()
{
	work=$cache/tools.tmp
	rm -rf "$work" "$tools.new"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir -p "$work/src" "$work/obj" "$tools.new/bin" "$tools.new/lib" "$tools.new/include" \
		"${log%/*}" || die "cannot make $tools.new"
	say "building bpftool and libbpf"
	# the base's own, whatever a series does to them
	git --git-dir="$repo" archive "$base" tools kernel/bpf include/uapi scripts/bpf_doc.py |
		tar -x -C "$work/src" || die "cannot unpack the tools of $base"
	# without what depends on the machine it was built on: disassemblers,
	# signing, and the two commands that need a running kernel's types
	run kernel_make -C "$work/src/tools/bpf/bpftool" OUTPUT="$work/obj/" -j"$(nproc)" ${V:+V=1} \
		VMLINUX_BTF= VMLINUX_H= SKIP_LLVM=1 SKIP_LIBBFD=1 SKIP_CRYPTO=1 >"$log" 2>&1 || {
		grep -m 5 -iE 'error|not found' "$log" >&2
		die "bpftool does not build; log: $log"
	}
	cp "$work/obj/bpftool" "$tools.new/bin/" &&
		cp "$work/obj/libbpf/libbpf.a" "$tools.new/lib/" &&
		cp -r "$work/obj/libbpf/include/bpf" "$tools.new/include/" &&
		mv -T "$tools.new" "$tools" || die "cannot write $tools"
}

if [ ! -x "$tools/bin/bpftool" ]; then
	lock_cache
	[ -x "$tools/bin/bpftool" ] || build_tools
fi
mkdir -p "$build"
link "$tools" "$build/tools"
