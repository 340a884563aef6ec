#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The scripts of tools/testing/selftests/net with what those in net.list need beside
# them, where they are in the kernel's sources, linked to by build/regress/net.

me=regress
. "${0%/*}/../kernel-patches/common.sh"
here=$top/kernel-patches

# what is built from the same sources is what this says
recipe=$(hash12 <"$top/regress/build-net.sh")
helpers="udpgso udpgso_bench_tx udpgso_bench_rx psock_snd nettest ip_defrag ioam6_parser lib/gro"
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
	git --git-dir="$repo" archive "$base" tools/include tools/net/ynl/pyynl \
		tools/testing/selftests Documentation/netlink |
		tar -x -C "$work" || die "cannot unpack the tests of $base"
	tests=$work/tools/testing/selftests
	cd "$tests/net" || exit
	for h in $helpers; do
		gcc -O2 -w -I.. -I. -Ilib -I"$work/tools/include" -o "$h" "$h.c" -lpthread || return
	done
	for p in $programs; do
		clang-19 -O2 -g --target=bpf -D__x86_64__ -w -I"$build/tools/include" \
			-idirafter "/usr/include/$(gcc -print-multiarch)" -c "$p.bpf.c" -o "$p.bpf.o" || return
	done
	to=$out.new/tools/testing/selftests
	mkdir -p "$to/net" "$to/wireguard" "$to/drivers/net" "$out.new/tools/net/ynl" \
		"$out.new/Documentation" "$out.new/bin" &&
		cp -r "$tests/kselftest" "$to/" &&
		cp -r *.sh *.bpf.o lib $helpers "$to/net/" && mv "$to/net/gro" "$to/net/lib/" &&
		cp "$tests/wireguard/netns.sh" "$to/wireguard/" &&
		cp -r "$tests"/drivers/net/*.py "$tests/drivers/net/lib" "$to/drivers/net/" &&
		cp -r "$work/tools/net/ynl/pyynl" "$out.new/tools/net/ynl/" &&
		cp -r "$work/Documentation/netlink" "$out.new/Documentation/" || return

	# First in PATH. The guest's kernel has everything built in and nobody there renames
	# devices; and the Python that Debian's modules are for.
	ln -s /bin/true "$out.new/bin/modprobe" && ln -s /bin/true "$out.new/bin/udevadm" &&
		ln -s /usr/bin/python3 "$out.new/bin/python3" || return
	# what a filter is in cBPF, as iptables takes it and Debian has no program for
	cat >"$out.new/bin/nfbpf_compile" <<-'EOF' && chmod +x "$out.new/bin/nfbpf_compile" || return
		#!/bin/sh
		tcpdump -ddd -y RAW "$1" | paste -sd,
	EOF
	# 2 MB take more than the second that it gives them, emulated
	sed -i 's/timeout 1 socat/timeout 10 socat/' "$to/net/gre_gso.sh" || return
	# Its 1400 policies that match nothing are a process each, though `ip` reads them all;
	# and so are those it adds in random order, 100 times 32, of which 10 have to do.
	sed -i 's/echo netns exec $ns ip xfrm/echo xfrm/; s/| ip -batch/| ip -n $ns -batch/; s/seq 50)/seq 5)/' \
		"$to/net/xfrm_policy.sh" || return
	# a basic filter without a condition is matchall, which this kernel has
	sed -i 's/\(protocol [a-z]*\) basic/\1 matchall/' "$to/net/fib_tests.sh" || return
	# where it runs is read-only
	sed -i "s,errors.txt,/tmp/errors.txt," "$to/net/fib_tests.sh" || return
	# four times five minutes of routes that come and go
	sed -i 's/sleep 300/sleep 10/' "$to/net/fib_nexthops.sh" || return
	# a description needs no check, and jsonschema for it, each time a device is made
	sed -i 's/"$CLI" --family/"$CLI" --no-schema --family/' "$to/net/double_udp_encap.sh" || return
	# It counts packets: TCP's four segments are to leave as one. Where the handshake took
	# milliseconds, as it may emulated, TCP makes two of them (tcp_tso_autosize()); and what is
	# retransmitted counts as well, it says. Both make its verdict XFAIL, on any kernel.
	sed -i 's/sysctl -qw net.ipv4.tcp_wmem=/sysctl -qw net.ipv4.tcp_min_tso_segs=8 net.ipv4.tcp_early_retrans=0 net.ipv4.tcp_rto_min_us=5000000 net.ipv4.tcp_wmem=/' \
		"$to/net/double_udp_encap.sh" || return
	# an address that is taken away, "-192.168.0.1/32", is none to Debian's `wg`
	sed -i '/allowed-ips -192/,/^} .* allowed-ips/d' "$to/wireguard/netns.sh" || return
	mv -T "$out.new" "$out"
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
