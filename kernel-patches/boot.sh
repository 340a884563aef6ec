#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run by check-patches.sh in a guest of the small kernel, KTAP: packets of all lengths go
# through VXLAN and GRE between two namespaces and come back.

# check NAME ADDRESS
check()
{
	n=$((n + 1))
	if ip netns exec a ping -q -i 0.01 -c 20 -s 8 -w 20 "$2" >/dev/null &&
	   ip netns exec a ping -q -i 0.01 -c 20 -s 3000 -w 20 "$2" >/dev/null; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		failed=1
	fi
}

echo "KTAP version 1"
echo "1..2"
n=0 failed=0
set -e
ip netns add a
ip netns add b
ip -n a link add u type veth peer name u netns b
ip -n a addr add 192.0.2.1/24 dev u
ip -n b addr add 192.0.2.2/24 dev u
ip -n a link add vx type vxlan id 1 local 192.0.2.1 remote 192.0.2.2 dstport 4789
ip -n b link add vx type vxlan id 1 local 192.0.2.2 remote 192.0.2.1 dstport 4789
ip -n a link add gre type gre local 192.0.2.1 remote 192.0.2.2
ip -n b link add gre type gre local 192.0.2.2 remote 192.0.2.1
for dev in u vx gre; do
	ip -n a link set "$dev" up
	ip -n b link set "$dev" up
done
ip -n a addr add 198.51.100.1/24 dev vx
ip -n b addr add 198.51.100.2/24 dev vx
ip -n a addr add 203.0.113.1/24 dev gre
ip -n b addr add 203.0.113.2/24 dev gre
set +e
check vxlan 198.51.100.2
check gre 203.0.113.2
exit $failed
