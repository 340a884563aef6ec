#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the testbed says about a tunnel's file that is wrong, or that cannot be run here:
# one line, with the file and the reason.
#
# TESTBED: the engine.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/tunnels" "$tmp/paths"
printf '#\nCONFIG_NET=y\n' >"$tmp/config"

nr=0 bad=0
try()		# NAME LINE-OF-THE-FILE ANSWER
{
	nr=$((nr + 1))
	printf '%s\n' '# A tunnel.' '# Of this test.' layer=l3 underlay=4 'carries="4"' overhead=20 \
		"$2" 'tunnel_up()' '{' '	:' '}' >"$tmp/tunnels/$1"
	[ "$1" != no-tunnel-up ] || sed -i 's/^tunnel_up/up/' "$tmp/tunnels/$1"
	"$TESTBED" --list --dir "$tmp" --kernel "$tmp" >/dev/null 2>"$tmp/said"
	rm "$tmp/tunnels/$1"
	result $1 "${3:+testbed: $tmp/tunnels/$1: $3}"
}

result()	# NAME ANSWER
{
	if [ "$(cat "$tmp/said")" = "$2" ]; then
		echo "ok $nr $1"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/said"
		echo "not ok $nr $1"
	fi
}

# the engine looks beside itself first, where Debian's backports may be
old=$(PATH=${TESTBED%/*}:$PATH ip -V | sed 's/.*iproute2-\([0-9.]*\).*/\1/')
echo KTAP version 1
echo 1..15
try good 'needs="CONFIG_NET"' ''
try broken-layer layer=l4 'layer=l4: l2 or l3'
try broken-underlay underlay=5 'underlay=5: none, 4, 6, eth or pair'
try missing-module needs=CONFIG_NO_SUCH 'the kernel has no CONFIG_NO_SUCH'
try old-iproute2 iproute2=99.1 "iproute2 $old is older than 99.1"
try missing-tool tools=no-such-tool 'there is no command no-such-tool'
try misspelt-flavour 'also="hooks brigded"' "also=: there is no brigded; valid are: bridged xdpgeneric \
taps cpumap grolist hooks local local-tc lossy jumbo"
try misspelt-traffic traffic=upd 'traffic=: there is no upd; valid are: udp udp-dropped udp-gro tcp tcp-gso tcp-nogro'
try misspelt-switch gso=off 'gso=: there is no off; valid are: no'
try no-number mtu=14OO 'mtu=14OO: it is a number'
try no-tunnel-up '' 'there is no tunnel_up()'
try misspelt-function 'tunnel_chek()' "tunnel_chek(): no such function; there are: tunnel_up() \
tunnel_route() tunnel_transit() tunnel_down() tunnel_check()"

# of these the answer has a list that grows with the testbed
begins()	# NAME LINE-OF-THE-FILE ANSWER
{
	printf '%s\n' '# A tunnel.' '# Of this test.' layer=l3 underlay=4 'carries="4"' "$2" \
		'tunnel_up()' '{' '	:' '}' >"$tmp/tunnels/$1"
	"$TESTBED" --list --dir "$tmp" >/dev/null 2>"$tmp/all"
	rm "$tmp/tunnels/$1"
	sed "s/\($3\).*/\1/" "$tmp/all" >"$tmp/said"
	nr=$((nr + 1))
	result $1 "testbed: $tmp/tunnels/$1: $3"
}

begins misspelt-variable overhed=20 'overhed=: no such variable; there are: layer underlay'
begins misspelt-place 'bypasses="r2.ingress r2.egres"' 'bypasses=: there is no r2.egres; valid are: r1.ingress'

# What a stock kernel does to metadata, no patched one may.
mkdir "$tmp/expect"
echo '* * * * * corrupt # so it is' | tee "$tmp/expect/baseline" >"$tmp/expect/patched"
for variant in baseline patched; do
	"$TESTBED" --list --dir "$tmp" --variant $variant
done >"$tmp/said" 2>&1
nr=$((nr + 1))
result corrupt "testbed: $tmp/expect/patched:1: corrupt is expected of the baseline and of no other variant"
[ $bad = 0 ]
