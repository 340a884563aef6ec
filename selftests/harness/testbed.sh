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

# What there is in the guest; without the kernel's threads, which come and go.
cat >"$tmp/guest" <<'EOF'
state()
{
	ip -o link | cut -d: -f2
	ls /run/netns 2>/dev/null
	find /sys/fs/bpf -type f	# folders are iproute2's
	ls -d /sys/fs/cgroup/*/
	ps --ppid 2 -p 2 --deselect -o comm= | grep -vx -e ps -e sort | sort
	ls /proc/self/fd | wc -l
}

run()		# NAME [COMMAND...]: what it says, how it ends, what is there afterwards
{
	name=$1
	shift
	state >$TMP/$name.before
	"$@" $TESTBED --kernel $KERNEL --bpf $BPF --dir $TMP --traffic udp --size 32 \
		--variant $table --tunnel $tunnel --pcap $TMP/pcap >$TMP/$name.said 2>&1
	echo $? >$TMP/$name.exit
	state >$TMP/$name.after
}

table=all tunnel=spoiled run failed
table=none tunnel=gre4 run unexpected
table=all tunnel=spoiled run interrupted timeout -s INT 2
table=all tunnel=gre4 run terminated timeout -s TERM 2
printf '1..1\nok 1 - ran\n'
EOF

"$VMRUN" --kernel "$KERNEL" --out "$tmp" --name testbed --smp 1 --timeout 120 --share "$tmp" \
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

says()		# NAME PATTERN: what the failure's report has to have
{
	grep -qE "$2" "$tmp/failed.said"
	result $? "says-$1" "$tmp/failed.said"
}

echo KTAP version 1
echo 1..15
says what-was-sent '^# spoiled.udp.32: sent: udp, inner IPv4 6, [0-9]+ packets tagged with 32 bytes at XDP'
says where-it-was-right '^#   r1.ingress +tcx +[0-9]+ +[1-9][0-9]* +0 +0 +0  kept$'
says where-first-not '^#   r1.underlay.egress +tcx .* kept <- the first that differs$'
says which-byte '^#     packet [0-9a-f]{8}: 32 bytes of metadata instead of 32, wrong from byte 5$'
have=$(sed -n 's/^# *have //p' "$tmp/failed.said" | head -n 1)
want=$(sed -n 's/^# *want //p' "$tmp/failed.said" | head -n 1)
# the words from the first wrong one on: its second byte is the complement
[ -n "$have" ] && [ "$(printf %.2s "$have")" = "$(printf %.2s "$want")" ] &&
	[ $((0x$(echo "$have" | cut -c3-4) ^ 0x$(echo "$want" | cut -c3-4))) = 255 ]
result $? says-have-and-want "$tmp/failed.said"
says links '^#   [0-9]+: to-r2@'
says kernel-log "^# the last lines of the kernel's log:"
for end in r1 r3; do
	says "$end.pcap" "when it was sent once more: $tmp/pcap/spoiled.udp.32.$end.pcap"
	# more than the file's own header of 24 bytes
	[ "$(wc -c <"$tmp/pcap/spoiled.udp.32.$end.pcap")" -gt 100 ]
	result $? "$end.pcap-has-packets" "$tmp/failed.said"
done
for run in failed unexpected interrupted terminated; do
	[ "$(cat "$tmp/$run.exit")" != 0 ] && [ -s "$tmp/$run.before" ] &&
		diff "$tmp/$run.before" "$tmp/$run.after" >"$tmp/diff"
	result $? "$run-leaves-nothing" "$tmp/diff"
done
[ $bad = 0 ]
