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
		"$2" >"$tmp/tunnels/$1"
	"$TESTBED" --list --dir "$tmp" --kernel "$tmp" >/dev/null 2>"$tmp/said"
	rm "$tmp/tunnels/$1"
	if [ "$(cat "$tmp/said")" = "${3:+testbed: $tmp/tunnels/$1: $3}" ]; then
		echo "ok $nr $1"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/said"
		echo "not ok $nr $1"
	fi
}

old=$(ip -V | sed 's/.*iproute2-\([0-9.]*\).*/\1/')
echo KTAP version 1
echo 1..6
try good 'needs="CONFIG_NET"' ''
try broken-layer layer=l4 'layer=l4: l2 or l3'
try broken-underlay underlay=5 'underlay=5: none, 4, 6, eth or pair'
try missing-module needs=CONFIG_NO_SUCH 'the kernel has no CONFIG_NO_SUCH'
try old-iproute2 iproute2=99.1 "iproute2 $old is older than 99.1"
try missing-tool tools=no-such-tool 'there is no command no-such-tool'
[ $bad = 0 ]
