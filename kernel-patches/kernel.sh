#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Makes sure that build/kernel/VARIANT (VARIANT-debug with DEBUG=1) and
# build/tools are there and current. Both are links into the cache, where a
# kernel is known by what went into it: base, series, configuration, compiler.
#
#   kernel.sh VARIANT        also: DEBUG=1 LINUX=/path V=1 UPDATE=1

me=kernel
. "${0%/*}/common.sh"

[ $# = 1 ] || usage "usage: kernel.sh VARIANT"
variant=$1
check_variant "$variant"
if [ -n "$DEBUG" ]; then
	flavour=$variant-debug debug=true objects=1700 gigabytes=9
else
	flavour=$variant debug=false objects=1600 gigabytes=5
fi
me="kernel $flavour"

# A variant of the programs alone, without patches and options, has the baseline's
# kernel under its own name.
programs_only()
{
	[ "$variant" != baseline ] && [ -z "$("$here/series.sh" --list "$variant")" ] &&
		[ -z "$(find "$here/$variant" -name '*.config')" ]
}

# raise it when the way a kernel is built changes its content
recipe=1

base=$("$here/base.sh") || exit
base_desc=${base#* } base=${base%% *}
series=$("$here/series.sh" --hash "$variant") || exit
compiler=$(gcc --version 2>/dev/null | head -n 1)
[ -n "$compiler" ] || die "there is no gcc; make deps installs what is missing"
key=$(echo "$recipe $base $series $("$here/config.sh" --hash "$variant") $compiler" \
	"$(ld --version | head -n 1) $(pahole --version)" | hash12)
kernel=$cache/kernels/$flavour-$key
log=$build/kernel/$flavour.log
mkdir -p "$build/kernel"

elapsed()
{
	printf '%d:%02d' $((($(date +%s) - start) / 60)) $((($(date +%s) - start) % 60))
}

# Print the progress of the make that writes $log, until it ends: on a terminal a
# line that moves, elsewhere one every half a minute. The total is what the last
# whole build of this flavour took, at first a rule of thumb (~).
show_progress()
{
	total=$(cat "$obj/objects" 2>/dev/null) || total=~$objects
	tick=0
	while kill -0 "$1" 2>/dev/null; do
		line="$(grep -cE '^  (CC|AS) ' "$log")/$total objects, $(elapsed)"
		if [ -t 2 ]; then
			printf '\r%s: %s %-50.50s' "$me" "$line" \
				"$(awk 'NF == 2 && NR > 1 { l = $2 } END { print l }' "$log")" >&2
		elif [ $((tick % 30)) = 29 ]; then
			say "$line"
		fi
		tick=$((tick + 1))
		sleep 1
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# Every file includes the configuration, so one option that a series brings would keep
# its objects apart from all others. Only files that the series has changed know the
# option, and those differ anyway: ccache looks at the rest of the configuration instead.
share_objects()
{
	{
		# (to gitconfig every file is a big one, which is binary)
		git -C "$src" -c core.bigFileThreshold=512m diff "$base" HEAD -- '*Kconfig*' |
			sed -nE 's/^\+[[:space:]]*(menu)?config ([A-Za-z0-9_]+)$/CONFIG_\2/p'
		sed -nE 's/^(# )?(CONFIG_[A-Za-z0-9_]*)(=| is not set).*/\2/p' "$here/$variant"/*.config 2>/dev/null
	} | sort -u >"$obj/own"
	sed -E 's/^(# )?(CONFIG_[A-Za-z0-9_]*)(=| is not set)/\2 &/' "$obj/.config" |
		awk -v f="$obj/own" 'BEGIN { while ((getline l <f) > 0) own[l] } !($1 in own)' \
			>"$obj/shared"
	export CCACHE_IGNOREHEADERS=include/generated/autoconf.h CCACHE_EXTRAFILES="$obj/shared"
}

kmake()
{
	export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=skb-meta KBUILD_BUILD_HOST=localhost
	set -- -C "$src" O="$obj" CC="ccache gcc" HOSTCC="ccache gcc" \
		LOCALVERSION="-$flavour" -j"$(nproc)" ${V:+V=1} "$@"
	[ -z "$V" ] || echo "+ make $*" >&3
	forget_environment
	exec make "$@"
}

compile()
{
	say "building $base_desc (series $series), log: ${log#"$top"/}"
	start=$(date +%s)
	share_objects
	kmake bzImage >"$log" 2>&1 &
	make_pid=$!
	# a background job of a shell does not get the terminal's interrupt
	trap 'kill $make_pid 2>/dev/null; wait $make_pid; exit 130' INT TERM HUP
	if [ -n "$V" ]; then
		tail -n +1 -f --pid=$make_pid "$log" >&2
	else
		show_progress $make_pid
	fi
	wait $make_pid
	status=$?
	trap - INT TERM HUP
	if [ $status != 0 ]; then
		grep -nE -m 6 -A 3 'error:|Error [0-9]+$|undefined reference|No space left' "$log" |
			head -n 20 >&2
		! grep -q 'No space left' "$log" || say "the disk is full: $(df -Ph "$cache" | tail -n 1)"
		die "the build failed; log: $log"
	fi
	n=$(grep -cE '^  (CC|AS) ' "$log")
	[ "$n" -lt 1000 ] || echo "$n" >"$obj/objects"
	say "built in $(elapsed) ($n objects compiled)"
}

# Only what a run needs goes into the cache, complete or not at all.
collect()
{
	new=$kernel.new
	rm -rf "$new"
	mkdir -p "$new" || die "cannot make $new"
	cp "$obj/arch/x86/boot/bzImage" "$new/bzImage" &&
	cp "$obj/System.map" "$new/System.map" &&
	cp "$obj/.config" "$new/config" &&
	strip -g -o "$new/vmlinux" "$obj/vmlinux" &&
	"$build/tools/bin/bpftool" btf dump file "$new/vmlinux" format c >"$new/vmlinux.h" ||
		die "cannot write $new"
	cat >"$new/info.json" <<-EOF || die "cannot write $new"
	{"variant": "$variant", "debug": $debug, "kernel": "$(cat "$obj/include/config/kernel.release")", "base": "$base_desc", "series": "$series", "compiler": "$compiler"}
	EOF
	sync -f "$new"
	mv -T "$new" "$kernel" || die "cannot write $kernel"
	# the largest intermediate files; a later make links again anyway
	rm -f "$obj/vmlinux.o" "$obj/vmlinux.unstripped" "$obj"/.tmp_vmlinux*
	# kernels nobody asked for in two months
	find "$cache/kernels" -mindepth 1 -maxdepth 1 -mtime +60 -exec rm -rf {} +
}

if [ ! -f "$kernel/info.json" ] && programs_only; then
	"$here/kernel.sh" baseline || exit
	lock_cache
	rm -rf "$kernel.new"
	cp -al "$(readlink -f "$build/kernel/baseline${DEBUG:+-debug}")" "$kernel.new" &&
	rm "$kernel.new/info.json" &&
	sed "s/\"variant\": \"[^\"]*\"/\"variant\": \"$variant\"/" \
		"$build/kernel/baseline${DEBUG:+-debug}/info.json" >"$kernel.new/info.json" &&
	mv -T "$kernel.new" "$kernel" || die "cannot write $kernel"
fi
if [ ! -f "$kernel/info.json" ]; then
	lock_cache
	src=$cache/work/$variant/src
	obj=$cache/work/$variant/obj${DEBUG:+-debug}
	if [ ! -f "$kernel/info.json" ]; then
		[ -f "$obj/vmlinux" ] || need_space $gigabytes "building a kernel"
		commit=$("$here/series.sh" "$variant" "$base" "$base_desc") || exit
		checkout "$src" "$commit"
		"$here/config.sh" "$variant" "$src" "$obj" || exit
		"$here/tools.sh" "$base" || exit
		compile
		collect
	fi
fi
"$here/tools.sh" "$base" || exit
touch "$kernel"
link "$kernel" "$build/kernel/$flavour"
say "ready ($base_desc, series $series)"
