#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is made of the benchmark's results, on made-up ones: bench/*.want has what is to come
# out. And what bench/run says to a kernel that is none of ours.
#
# GOLDEN_UPDATE=1 writes what comes out now into the files; read the diff.

here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

# run VARIANT [ACCEL]: the first line of a file
run()
{
	case $1 in
	baseline|table) series=none ;;
	movable) series=0123456789ab ;;
	*) series=fedcba987654 ;;
	esac
	echo "{\"run\": {\"suite\": \"bench\", \"variant\": \"$1\", \"debug\": false, \"kernel\": \"7.3.4-$1\"," \
		"\"base\": \"linux-source 7.3.4\", \"series\": \"$series\", \"accel\": \"${2:-icount}\"," \
		"\"compiler\": \"cc 1\", \"command\": \"make bench\", \"date\": \"2026-01-02T03:04:05Z\", \"cpus\": 1}}"
}

# cell PATH CASE STATE HOOK SIZE UNIT VALUE FLOOR [VERDICT REASON]
cell()
{
	labelled=0 more=
	[ "$3" != row ] || labelled=1
	case $6 in
	instr*BPF*) ;;
	instr*|ns*) more=", \"median\": $7, \"max\": $7, \"late\": 0" ;;
	esac
	echo "{\"case\": \"$2\", \"path\": \"$1\", \"state\": \"$3\", \"hook\": $4, \"size\": $5, \"depth\": 0," \
		"\"labelled\": $labelled, \"packets\": 64, \"unit\": \"$6\", \"value\": $7, \"floor\": $8$more," \
		"\"target\": null, \"verdict\": \"${9:-pass}\"${10:+, \"reason\": \"${10}\"}}"
}

# the same after a merge
merged()
{
	cell "$@" | sed 's/, "target"/, "spread": 0.0002, "boots": 3&/'
}

golden()	# NAME FILE
{
	[ "${GOLDEN_UPDATE:-0}" = 0 ] || cp "$2" "$here/bench/$1.want"
	diff -u --label "$1: wanted" --label "$1: got" "$here/bench/$1.want" "$2"
}

i=instructions/packet

# The median of three, how far they are apart, and whatever is not right in one of them.
merges()
{
	for boot in 1 2 3; do
		mkdir -p $boot
		{
			run movable
			cell lo lo idle null 0 $i "$(echo 1000 1000.5 999.9 | cut -d ' ' -f $boot)" null
			[ $boot = 2 ] || cell lo lo armed null 0 $i 1002 1000
			cell lo read row '"tc-ingress"' 16 $i "$(echo 2000 2005 2001 | cut -d ' ' -f $boot)" 1100
			cell lo read row '"tc-ingress"' 16 allocations/packet "$(echo 1 1 1.5 | cut -d ' ' -f $boot)" 1
			if [ $boot = 3 ]; then
				cell lo write row '"tc-ingress"' 16 $i null 1100 fail "packet 7 is lost"
			else
				cell lo write row '"tc-ingress"' 16 $i 2100 1100
			fi
			cell lo forget row '"tc-ingress"' 16 $i null 1100 skip "no such call"
		} >$boot/r.jsonl
	done
	"$top/bench/merge" 1/r.jsonl 2/r.jsonl 3/r.jsonl >all 2>said || return 1
	golden merge all
}

one_kernel()
{
	merges >diag2 2>&1
	sed -i '1s/0123456789ab/ba9876543210/' 2/r.jsonl
	! "$top/bench/merge" 1/r.jsonl 2/r.jsonl >all 2>said && grep -q "not boots of one kernel" said
}

# VARIANT, what a packet costs more than on baseline, what its programs take, what labels cost
results_of()
{
	run "$1"
	for path in lo vxlan vxlan4/gretap4 vlan vlan/vlan vlan/vlan/vlan/vlan; do
		merged $path $path idle null 0 $i $((1000 + $2)) null
		merged $path $path armed null 0 $i $((1000 + 2 * $2)) $((1000 + $2))
		merged $path $path floor '"xdp"' 0 $i $((1100 + $2)) null
		merged $path labelled row '"xdp"' 64 $i $((1300 + $4 + ${#path})) $((1100 + $2))
		merged $path labelled row '"xdp"' 64 "instructions in BPF/packet" $((50 + $3)) 30
	done
	for unit in $i "instructions in BPF/packet"; do
		merged lo tc-egress-to-tc-ingress row '"tc-egress tc-ingress"' 16 "$unit" $((1400 + $4)) $((1100 + $2))
	done
	merged lo tc-egress-to-tc-ingress row '"tc-egress tc-ingress"' 16 allocations/packet 3.5 2
	merged lo tc-egress-to-tc-ingress row '"tc-egress tc-ingress"' 16 "head reallocations/packet" 1 0
}

stops_at()	# TEXT FILE...
{
	text=$1
	shift
	"$top/bench/table" "$@" >out 2>&1
	[ $? = 1 ] && grep -qF "$text" out
}

# Reasons and what upstream measured are data beside the script: the test has its own.
tables()
{
	mkdir -p bench
	cp "$top/bench/table" bench/
	printf '# name\n%s\t%s\t%s\n%s\t%s\t%s\n' tc-tc-skbext 0123456789ab "copies twice" \
		allocations ba9876543210 "a larger head" >bench/reasons
	printf '# his\nextension\t200\t2000\tskbext\nside table\t500\t3000\ttable\nother\t900\t6000\t-\n' \
		>bench/upstream
	results_of baseline 0 0 0 | grep -v '"row"' >baseline.jsonl
	merged lo tc-egress-to-tc-ingress row '"tc-egress"' 16 $i null null skip "Operation not supported" \
		>>baseline.jsonl
	results_of movable 2 10 50 >movable.jsonl
	results_of skbext 1 40 500 >skbext.jsonl
	results_of table 0 40 1000 >table.jsonl
	echo '{"case": "gso", "path": "gso", "state": "left out", "unit": "'$i'", "value": null,' \
		'"verdict": "skip", "reason": "this path was not asked for"}' >>movable.jsonl
	bench/table -o targets baseline.jsonl movable.jsonl skbext.jsonl table.jsonl >out || return 1
	{ cat out; echo; cat targets; } >both
	golden table both || return 1
	sed '2s/"spread": 0[.0-9]*,/"spread": 0.002,/' movable.jsonl >far.jsonl
	bench/table baseline.jsonl far.jsonl >out
	grep -qF "at most 0.200 % (lo lo idle on movable): more than 0.1 %, a fault of the bench" out
}

table_fails()
{
	tables >diag2 2>&1
	sed '2s/"pass"/"fail", "reason": "boots differ"/' movable.jsonl >bad.jsonl
	stops_at "movable lo lo idle: boots differ" baseline.jsonl bad.jsonl || return 1
	sed '1s/icount/kvm/' movable.jsonl >bad.jsonl
	stops_at "not of one base kernel and accelerator" baseline.jsonl bad.jsonl || return 1
	: >empty
	stops_at "no results" empty
}

# By another clock there are no targets in instructions.
another_clock()
{
	tables >diag2 2>&1
	for v in baseline movable; do
		sed '1s/icount/kvm/; s,instructions/,ns/,; s/instructions in/ns in/' $v.jsonl >kvm-$v.jsonl
	done
	bench/table kvm-baseline.jsonl kvm-movable.jsonl >out || return 1
	grep -q "^ns/packet by kvm" out && grep -q "no program loaded, percent over" out &&
		! grep "VXLAN encap" out
}

# This kernel is none of those in the tree; and there may be none.
not_ours()
{
	mkdir -p tree/bench
	cp "$top/bench/run" tree/bench/
	tree/bench/run --here >said 2>&1
	[ $? = 1 ] && grep -qF "this machine runs $(uname -r), none of the kernels here: none are built" said &&
		grep -qF "make bench ACCEL=kvm" said || return 1
	mkdir -p tree/build/kernel/movable
	echo '{"variant": "movable", "kernel": "0.1-movable"}' >tree/build/kernel/movable/info.json
	tree/bench/run --here >said 2>&1
	[ $? = 1 ] && grep -qF "none of the kernels here: 0.1-movable" said || return 1
	tree/bench/run >said 2>&1
	[ $? = 2 ] && grep -q "^usage: run --here" said
}

tests="merges one_kernel tables table_fails another_clock not_ours"
echo KTAP version 1
echo "1..$(echo $tests | wc -w)"
nr=0 bad=0
for t in $tests; do
	nr=$((nr + 1))
	name=$(echo "$t" | tr _ -)
	: >said
	if "$t" >diag 2>&1; then
		echo "ok $nr $name"
	else
		bad=$((bad + 1))
		cat diag said | sed 's/^/# /' | head -n 60
		echo "not ok $nr $name"
	fi
done
[ $bad = 0 ]
