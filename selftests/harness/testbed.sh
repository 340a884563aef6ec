#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The testbed when something is wrong: what it reports, and that it leaves nothing behind
# in the guest, whatever happens. One byte of the metadata is spoiled behind the first
# checkpoint, by what is a path like any other.
#
# VMRUN, TESTBED, BPF: the programs; KERNEL: the folder with the kernel to boot.

if [ ! -r "$KERNEL/bzImage" ]; then
	echo "1..0 # SKIP no kernel in KERNEL=$KERNEL"
	exit 4
fi
# not in /tmp: the guest has another one
tmp=$(mktemp -d "$PWD/build/testbed.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/tunnels" "$tmp/paths" "$tmp/expect"
cp tunnels-testbed/tunnels/gre4 "$tmp/tunnels"
echo '# all of it is kept' >"$tmp/expect/all"
echo '* * * * * lost # so it is not' >"$tmp/expect/none"
cat >"$tmp/paths/spoiled" <<'EOF'
# No tunnel; a program changes byte 5 of the metadata where packets enter r1.
# For the test of what the testbed says then.
layer=l3
underlay=4
device=none
carries="4 6"
overhead=0

tunnel_up()
{
	[ $END = b ] && return
	tc qdisc add dev $SIDE clsact
	tc filter add dev $SIDE ingress bpf da obj $BPF program spoil
}

tunnel_down()
{
	[ $END = b ] || tc qdisc del dev $SIDE clsact
}
EOF

# Files with a mistake of each kind, in the middle of their function; and that leave something.
broken()	# NAME LINE
{
	printf '%s\n' '# Broken.' '# For the test of what the testbed says then.' layer=l3 underlay=4 \
		'carries="4"' overhead=20 '' 'tunnel_up()' '{' '	:' "	$2" '	echo not here' '}' \
		>"$tmp/tunnels/broken-$1"
}
broken command 'ip link add $DEV type nosuch'
broken syntax 'if true; do'
broken silently '[ $END = c ]'
cat >"$tmp/paths/blocked" <<'EOF'
# No tunnel; r1 drops what is for sink.
# For the test of what the testbed says then.
layer=l3
underlay=4
device=none
carries="4"
overhead=0

tunnel_up()
{
	[ $END = b ] || ip rule add to $FAR4 pref 10 blackhole
}

tunnel_down()
{
	[ $END = b ] || ip rule del pref 10
}
EOF
untidy()	# NAME COMMAND: done by no tunnel, and not undone
{
	printf '%s\n' '# Untidy.' '# For the test of what the testbed says then.' layer=l3 underlay=4 \
		device=none 'carries="4"' overhead=0 '' 'tunnel_up()' '{' "	[ \$END = b ] || $2" '}' \
		>"$tmp/paths/untidy-$1"
}
untidy rule 'ip rule add from 192.0.2.99 pref 10 blackhole'
untidy qdisc 'tc qdisc add dev $SIDE clsact'
untidy nft 'nft add table inet left'
untidy process '{ sleep 60 & }'
untidy sysctl 'echo 42 >/proc/sys/net/ipv6/conf/$UNDER/ioam6_id'

# What there is in the guest; without the kernel's threads, which come and go.
cat >"$tmp/guest" <<'EOF'
state()
{
	ip -o link | cut -d: -f2
	ls /run/netns 2>/dev/null
	find /sys/fs/bpf -type f	# folders are iproute2's
	ls -d /sys/fs/cgroup/*/
	cut -d' ' -f5 /proc/self/mountinfo
	# (no pipe: what is in one may be seen, or not)
	for p in /proc/[0-9]*; do
		[ ! -e $p/exe ] || cat $p/comm
	done >$TMP/processes 2>/dev/null
	sort $TMP/processes
	ls /proc/self/fd | wc -l
	tc qdisc
	for v in 4 6; do
		ip -$v rule
		ip -$v route show table all
	done
}

testbed()
{
	$TESTBED --kernel $KERNEL --bpf $BPF --dir $TMP --pcap $TMP/pcap --variant ${table:-all} "$@"
}

run()		# NAME COMMAND...: what it says, how it ends, what is there afterwards
{
	name=$1
	shift
	state >$TMP/$name.before
	"$@" >$TMP/$name.said 2>&1
	echo $? >$TMP/$name.exit
	state >$TMP/$name.after
}

# Not before its first test is done; the next ones are under way then.
stopped()	# SIG OPTION...
{
	sig=$1
	shift
	$TESTBED --kernel $KERNEL --bpf $BPF --dir $TMP --variant all "$@" &
	for i in $(seq 600); do
		! grep -qE '^(not )?ok 1 ' $TMP/$name.said || break
		sleep 0.1
	done
	kill -$sig $!
	wait $!
}

one="--traffic udp --size 32"
run failed testbed $one --tunnel spoiled
table=none run unexpected testbed $one --tunnel gre4
run blocked testbed $one --tunnel blocked
run broken testbed --tunnel broken-command,broken-syntax,broken-silently
run untidy testbed $one --tunnel untidy-rule,untidy-qdisc,untidy-nft,untidy-process
run untidy-sysctl testbed $one --tunnel untidy-sysctl
pkill -x sleep
run interrupted stopped INT --tunnel gre4
run terminated stopped TERM --tunnel gre4
printf '1..1\nok 1 - ran\n'
EOF

"$VMRUN" --kernel "$KERNEL" --out "$tmp" --name testbed --smp 1 --timeout 600 --share "$tmp" \
	--env TMP="$tmp" --env TESTBED="$TESTBED" --env BPF="$BPF" --env KERNEL="$KERNEL" -- \
	sh "$tmp/guest" >"$tmp/log" 2>&1 || sed 's/^/# /' "$tmp/log"

nr=0 bad=0
result()	# STATUS NAME FILE
{
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr $2"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$3"
		echo "not ok $nr $2"
	fi
}

says()		# NAME PATTERN [RUN]: what the failure's report has to have
{
	grep -qE "$2" "$tmp/${3:-failed}.said"
	result $? "says-$1" "$tmp/${3:-failed}.said"
}

pcap()		# RUN FILE: it is named, and there is more in it than its own header of 24 bytes
{
	grep -q "when it was sent once more: $tmp/pcap/$2$" "$tmp/$1.said" &&
		[ "$(wc -c <"$tmp/pcap/$2")" -gt 100 ]
	result $? "$2" "$tmp/$1.said"
}

# One line with the file's name, and nothing of what is in it.
says_broken()	# NAME PATTERN
{
	[ "$(grep -c "$tmp/tunnels/broken-$1" "$tmp/broken.said")" = 1 ] &&
		grep -qE "^# $tmp/tunnels/broken-$1: in r1: $2\$" "$tmp/broken.said" &&
		! grep -q 'not here' "$tmp/broken.said"
	result $? "says-broken-$1" "$tmp/broken.said"
}

echo KTAP version 1
echo 1..28
says what-was-sent '^# spoiled.udp.32: sent: udp, inner IPv4 6, [0-9]+ packets tagged with 32 bytes at XDP'
says where-it-was-right '^#   r1.ingress +tcx +[0-9]+ +[1-9][0-9]* +0 +0 +0  kept$'
# traits leave nothing in data_meta: there it is the first, before what is spoiled
case $KERNEL in
*/traits*) first='r1.ingress +data_meta' ;;
*) first='r1.underlay.egress +tcx' ;;
esac
says where-first-not "^#   $first .* kept <- the first that differs\$"
says which-byte '^#     packet [0-9a-f]{8}: 32 bytes of metadata instead of 32, wrong from byte 5$'
have=$(sed -n 's/^# *have //p' "$tmp/failed.said" | head -n 1)
want=$(sed -n 's/^# *want //p' "$tmp/failed.said" | head -n 1)
# the words from the first wrong one on: its second byte is the complement
[ -n "$have" ] && [ "$(printf %.2s "$have")" = "$(printf %.2s "$want")" ] &&
	[ $((0x$(echo "$have" | cut -c3-4) ^ 0x$(echo "$want" | cut -c3-4))) = 255 ]
result $? says-have-and-want "$tmp/failed.said"
says links '^#   [0-9]+: to-r2@'
says kernel-log "^# the last lines of the kernel's log:"
pcap failed spoiled.udp.32.r1.pcap
pcap failed spoiled.udp.32.r3.pcap

says no-packet "^# blocked.udp.32: $tmp/paths/blocked: set up, but no packet gets through\$" blocked
pcap blocked blocked.r1.pcap

says_broken command 'Error: .*'
says_broken syntax '.*Syntax error: .*'
says_broken silently 'a command failed, status 1'

# each is found, and named: after its case, the first in the end; or what was not put back then
says rule '^# untidy-rule left behind: r1-[0-9]+: rule IPv4 pref 10 ' untidy
says qdisc '^# untidy-qdisc left behind: r1-[0-9]+: qdisc clsact dev to-src$' untidy
says nft '^# untidy-nft left behind: r1-[0-9]+: nft table left$' untidy
says process '^# untidy-process left behind: r1-[0-9]+: process sleep$' untidy
says first '^# clean: .*/untidy-[a-z]+ left behind: ' untidy
says sysctl '^# clean: not put back: r1-[0-9]+: net/ipv6/conf/to-r2/ioam6_id ' untidy-sysctl

for run in interrupted terminated; do
	says $run '^Bail out! ' $run
done
for run in failed unexpected blocked broken interrupted terminated; do
	[ "$(cat "$tmp/$run.exit")" = 1 ] && [ -s "$tmp/$run.before" ] &&
		diff "$tmp/$run.before" "$tmp/$run.after" >"$tmp/diff" 2>&1
	result $? "$run-leaves-nothing" "$tmp/diff"
done
[ $bad = 0 ]
