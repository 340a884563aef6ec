#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The report on made-up results: whole ones, and each way in which they can be less.
#
# REPORT: the program.

here=$(dirname "$0")/../..
report=$(realpath "${REPORT:-build/report/report}")
css=$(realpath "$here/report/page.css")
cover=$(realpath "$here/report/cover")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

# run SUITE VARIANT [FIELD=VALUE]: the first line of a file
run()
{
	s=$1 v=$2 kernel=7.3.4-$2 series=none accel=tcg base="linux-source 7.3.4" command="make test"
	[ "$v" = baseline ] || series=0123456789ab
	shift 2
	for set; do
		eval "${set%%=*}=\${set#*=}"
	done
	echo "{\"run\": {\"suite\": \"$s\", \"variant\": \"$v\", \"debug\": false, \"kernel\": \"$kernel\"," \
		"\"base\": \"$base\", \"series\": \"$series\", \"accel\": \"$accel\", \"compiler\": \"cc 1\"," \
		"\"command\": \"$command\", \"date\": \"2026-01-02T03:04:05Z\", \"cpus\": 1}}"
}

# cell CASE CHECKPOINT OBSERVED VERDICT REASON
cell()
{
	echo "{\"case\": \"$1\", \"checkpoint\": \"$2\", \"hook\": \"tcx\", \"size\": 32, \"traffic\": \"udp\"," \
		"\"verdict\": \"$4\", \"observed\": \"$3\", \"reason\": \"$5\"}"
}

# figure CASE STATE SIZE DEPTH UNIT VALUE FLOOR [TARGET]
figure()
{
	echo "{\"case\": \"$1\", \"state\": \"$2\", \"size\": $3, \"depth\": $4, \"labelled\": 1, \"unit\": \"$5\"," \
		"\"value\": $6, \"floor\": $7, \"spread\": 0.0001, \"boots\": 3, \"target\": ${8:-null}," \
		"\"verdict\": \"pass\"}"
}

# Everything there is of two variants: movable keeps what baseline does not, and costs 2 % more.
whole()
{
	rm -rf r out
	mkdir r out
	for v in baseline movable; do
		{
			run testbed $v "command=make matrix"
			cell plain r1.ingress kept pass ""
			if [ $v = baseline ]; then
				cell vxlan4 r1.underlay.egress corrupt xfail "headers <pushed> & over it"
			else
				cell vxlan4 r1.underlay.egress kept pass ""
			fi
			cell vxlan4 sink.ingress kept pass ""
		} >r/testbed-$v.jsonl
		{
			run selftests $v
			echo '{"case": "semantics.push", "verdict": "pass"}'
			if [ $v = baseline ]; then
				echo '{"case": "semantics.forget", "verdict": "xfail", "reason": "no such call"}'
			else
				echo '{"case": "semantics.forget", "verdict": "pass"}'
			fi
			echo '{"case": "kunit.memory", "verdict": "skip", "reason": "needs a failing allocator"}'
		} >r/selftests-$v.jsonl
		more=0
		[ $v = baseline ] || more=20
		{
			run bench $v accel=icount "command=make bench"
			figure lo idle 0 0 instructions/packet $((1000 + more)) null 3
			for depth in 1 2 4 8; do
				for size in 16 64; do
					figure write-read run $size $depth instructions/packet \
						$((2000 + more + size + 10 * depth)) 2000
				done
			done
			figure write-read run 16 1 allocations/packet 0.5 null
			figure slab "" 16 1 bytes $((512 + more)) null
		} >r/bench-$v.jsonl
		hash=none
		[ $v = baseline ] || hash=0123456789ab
		echo "{\"series\": {\"variant\": \"$v\", \"hash\": \"$hash\", \"patches\": 7, \"files\": 3," \
			"\"added\": 1234, \"removed\": 56, \"other\": 78, \"under\": 0}}"
		echo "{\"image\": {\"variant\": \"$v\", \"kernel\": \"7.3.4-$v\", \"series\": \"$hash\"," \
			"\"name\": \"sizeof(struct sk_buff)\", \"bytes\": $((224 + more))}}"
	done >sizes
}

# Exit status to rc, what was said to said.
make_report()
{
	"$report" --results r --sizes sizes --css "$css" --out out "$@" baseline movable >said 2>&1
	rc=$?
}

# Each of the texts is in the file, as it stands there.
has()
{
	file=$1
	shift
	for text; do
		grep -qF -- "$text" "$file" || { echo "# $file has no: $text"; return 1; }
	done
}

nothing_of()
{
	file=$1
	shift
	for text; do
		if grep -qF -- "$text" "$file"; then
			echo "# $file has: $text"
			return 1
		fi
	done
}

complete()
{
	whole
	make_report
	[ $rc = 0 ] && has said "report: complete" &&
		has out/index.html "Complete:" "1 (33.3 %)" "1020.0 (+2.00 %)" "0123456789ab" \
			"headers &lt;pushed&gt; &amp; over it" "made from 2 files" "<td>make matrix" \
			"2026-01-02T03:04:05Z" "needs a failing allocator" "2.00 met" "244 (+20)" "1234" &&
		has out/report.md "| lo idle | instructions/packet | 1000.0 | 1020.0 (+2.00 %) |" \
			"vxlan4    baseline     X           +" "Complete:"
}

# One page by itself: nothing is loaded, nothing runs, every element is closed.
self_contained()
{
	whole
	make_report
	! grep -oi '<script\|<link\|<img\|<iframe\|<object\|@import\|url(\|src=\|http[s]*:\| on[a-z]*=' out/index.html |
		sed 's/^/# /' | grep . || return 1
	for e in details figure figcaption table svg div g ul main body html; do
		awk -v e=$e '{ o += gsub("<" e "[ >]", ""); c += gsub("</" e ">", "") }
			END { if (o != c) { print "# " e ": " o " opened, " c " closed"; exit 1 } }' \
			out/index.html || return 1
	done
}

# The plots show what the table says: as many lines and points.
plots()
{
	whole
	make_report
	[ "$(grep -o 'class="line"' out/index.html | wc -l)" = 10 ] || {
		echo "# lines: $(grep -o 'class="line"' out/index.html | wc -l), 10 wanted"
		return 1
	}
	# of baseline, 64 bytes: 74, 84 and 104 beyond the floor
	has out/report.md "| 1 | 74.0 | 94.0 |" "| 4 | 104.0 | 124.0 |" "| 16 | 26.0 | 46.0 |"
}

# A link more each is a curve; what has a tunnel around it, or lies on loopback, is not on it.
by_hops()
{
	whole
	make_report
	has out/report.md "no result has the field \`hops\`" || return 1
	for v in baseline movable; do
		for at in "lo 0 0" "link 1 0" "fwd 4 0" "vxlan 4 1" "hops-2 2 0"; do
			set -- $at
			figure labelled row 64 $3 instructions/packet $((2000 + 100 * $2)) 1000 |
				sed "s/}/, \"path\": \"$1\", \"hops\": $2}/"
		done >>r/bench-$v.jsonl
	done
	make_report
	[ $rc = 0 ] && has out/report.md "Cost by hops" "| 1 | 1100.0 | 1100.0 |" "| 2 | 1200.0 | 1200.0 |" \
		"| 4 | 1400.0 | 1400.0 |" && nothing_of out/report.md "| 0 | 1000.0" "has the field"
}

# The same results make the same page.
repeatable()
{
	whole
	make_report
	cp out/index.html out/report.md .
	make_report
	cmp index.html out/index.html && cmp report.md out/report.md
}

missing_file()
{
	whole
	rm r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/bench-movable.jsonl: make bench VARIANT=movable" "NOT complete, 1 thing" &&
		has out/index.html "NOT complete" "<code>make bench VARIANT=movable</code>" &&
		has out/report.md "| idle: % over baseline, worst path | 0 | ? |" &&
		nothing_of out/index.html "nan" "1020" || return 1
	whole
	rm r/bench-baseline.jsonl
	make_report
	[ $rc = 1 ] && has out/report.md "| idle: % over baseline, worst path | ? | ? |" &&
		nothing_of out/report.md "over baseline, worst path | 0"
}

run_that_died()
{
	whole
	mv r/testbed-movable.jsonl r/testbed-movable.jsonl.part
	make_report
	[ $rc = 1 ] && has said "r/testbed-movable.jsonl: its last run did not get to its end: make matrix VARIANT=movable"
}

some_tunnels()
{
	whole
	sed -i '/"plain"/d' r/testbed-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/testbed-movable.jsonl has 1 of the 2 tunnels and paths" || return 1
	whole
	sed -i 's/make matrix/make run T=vxlan4/' r/testbed-*.jsonl
	make_report
	[ $rc = 1 ] && has said "was made by make run T=vxlan4, which does not"
}

no_depths()
{
	whole
	sed -i '/"depth": [24]/d' r/bench-*.jsonl
	make_report
	[ $rc = 1 ] && has said "make bench T=all VARIANT=movable" \
		"r/bench-movable.jsonl has no cost at nesting depth 2, 4: " &&
		has out/report.md "Cost at nesting depth 2, 4."
}

# Paths that nobody asked for are named, whatever else there is.
some_paths()
{
	whole
	for path in gso gro; do
		echo '{"case": "'$path'", "path": "'$path'", "state": "left out", "unit": "instructions/packet",' \
			'"value": null, "verdict": "skip", "reason": "this path was not asked for"}'
	done >>r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "NOT complete, 1 thing" \
		"r/bench-movable.jsonl is without 2 paths of the benchmark: make bench T=all VARIANT=movable" &&
		nothing_of out/report.md "left out"
}

empty()
{
	whole
	rm r/*
	make_report
	[ $rc = 1 ] && has said "r/testbed-baseline.jsonl: make matrix VARIANT=baseline" \
		"r/selftests-movable.jsonl: make test VARIANT=movable" &&
		has out/report.md "No results of the benchmark." "No results of the tunnels testbed." || return 1
	whole
	: >r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/bench-movable.jsonl:1: empty"
}

malformed()
{
	for line in '{"case": "x", "verdict": "pass"' '{"case": "x" "verdict": "pass"}' '{"case": "x", "verd' \
			'{"verdict": "pass"}' '{"case": "x"}' 'make: *** error' \
			'{"case": "x", "verdict": "pass"} {"case": "y", "verdict": "pass"}'; do
		whole
		echo "$line" >>r/selftests-movable.jsonl
		make_report
		[ $rc = 1 ] && has said "r/selftests-movable.jsonl:5: " "nothing of this file is shown" &&
			has out/report.md "| semantics: cases as they should be | 1 of 2 | ? |" ||
			{ echo "# with: $line"; return 1; }
	done
	whole
	sed -i 1d r/testbed-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/testbed-movable.jsonl:1: not a results file: no run line"
}

two_kernels()
{
	whole
	sed -i '1s/0123456789ab/ba9876543210/' r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "are not of one kernel" "series ba9876543210" \
		"kernel-patches/movable is 0123456789ab now: make bench VARIANT=movable" || return 1
	whole
	sed -i '1s/linux-source 7.3.4/linux-source 7.2/' r/*-baseline.jsonl
	make_report
	[ $rc = 1 ] && has said "cannot be compared: linux-source 7.2" &&
		has out/index.html "cannot be compared"
}

old_results()
{
	whole
	sed -i 's/0123456789ab/ba9876543210/' sizes
	make_report
	[ $rc = 1 ] && has said "r/testbed-movable.jsonl is of series 0123456789ab" \
		"kernel-patches/movable is ba9876543210 now: make matrix VARIANT=movable"
}

twice()
{
	whole
	sed -n 2p r/bench-movable.jsonl >>r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/bench-movable.jsonl:13 measures what line 2 does (lo idle)"
}

failures()
{
	whole
	echo '{"case": "hooks.tc", "verdict": "fail", "reason": "7 bytes, 8 wanted"}' >>r/selftests-movable.jsonl
	sed -i '3s/pass/fail/; 3s/"reason": ""/"reason": "expected kept"/' r/testbed-movable.jsonl
	sed -i 's/"target": 3/"target": 1/' r/bench-movable.jsonl
	make_report
	# complete it is, and what has failed is in it
	[ $rc = 0 ] && has out/report.md "7 bytes, 8 wanted (\`r/selftests-movable.jsonl:5\`)" "2.00 MISSED" \
		"expected kept (the first: r1.underlay.egress, \`r/testbed-movable.jsonl:3\`)" " !"
}

# make trilogy has semantics in a file of its own: the later of the two counts.
trilogy_semantics()
{
	whole
	{
		run trilogy movable "command=make trilogy"
		echo '{"case": "semantics.push", "verdict": "xfail", "reason": "not of old"}'
		echo '{"case": "semantics.forget", "verdict": "pass"}'
	} >r/trilogy-movable.jsonl
	sed -i '1s/2026-01-02/2026-01-01/' r/trilogy-movable.jsonl
	make_report
	[ $rc = 0 ] && has out/report.md "| semantics: cases as they should be | 1 of 2 | 2 of 2 |" || return 1
	sed -i '1s/2026-01-01/2026-01-03/' r/trilogy-movable.jsonl
	make_report
	[ $rc = 0 ] && has out/report.md "| semantics: cases as they should be | 1 of 2 | 1 of 2 |" "not of old" ||
		return 1
	rm r/selftests-movable.jsonl
	make_report
	[ $rc = 0 ] && has out/report.md "| semantics: cases as they should be | 1 of 2 | 1 of 2 |" "| push | yes | no |" ||
		return 1
	rm r/trilogy-movable.jsonl
	make_report
	[ $rc = 1 ] && has out/report.md "| semantics: cases as they should be | 1 of 2 | ? |"
}

# What make size found, beside baseline, and is it of this series?
image_sizes()
{
	whole
	{
		run size movable accel=host "command=make size"
		figure ".text" "" 0 0 bytes 1100 1000
		figure skb_push function 0 0 bytes 40 30
	} >r/size-movable.jsonl
	make_report
	[ $rc = 0 ] && has out/report.md "| .text | 1100 (+100) |" "| \`skb_push\` | 40 (+10) |" || return 1
	sed -i '1s/0123456789ab/ba9876543210/' r/size-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/size-movable.jsonl is of series ba9876543210" "make size VARIANT=movable"
}

# The benchmark by another clock is beside the one of instructions, not instead of it.
two_clocks()
{
	whole
	for v in baseline movable; do
		sed '1s/"suite": "bench"/"suite": "bench-kvm"/; 1s/icount/kvm/; s,instructions/,ns/,
			s/: 1020,/: 1060,/' r/bench-$v.jsonl >r/bench-kvm-$v.jsonl
	done
	make_report
	[ $rc = 0 ] && has out/report.md "| lo idle | instructions/packet | 1000.0 | 1020.0 (+2.00 %) |" \
		"| lo idle kvm | ns/packet | 1000.0 | 1060.0 (+6.00 %) |" "time under KVM" "counted by QEMU" \
		"| idle: % over baseline, worst path | 0 | +2.00 |" \
		"| idle, kvm: % over baseline, worst path | 0 | +6.00 |" || return 1
	rm r/bench-movable.jsonl
	make_report
	[ $rc = 1 ] && has said "r/bench-movable.jsonl: make bench VARIANT=movable"
}

# bench/times' file is of the machine, and of no variant.
wall_times()
{
	whole
	{
		run bench-harness host accel=host command=bench/times
		echo '{"case": "make run", "state": "warm", "unit": "seconds", "value": 66.6, "verdict": "pass"}'
		echo '{"case": "make test", "state": "warm", "unit": "seconds", "value": 7.5, "verdict": "fail",' \
			'"reason": "make failed"}'
		echo '{"case": "make run", "state": "cold", "unit": "seconds", "value": 1333, "verdict": "pass"}'
	} >r/bench-harness.jsonl
	make_report
	[ $rc = 0 ] && has out/report.md "| make run | 66.6 | 1333.0 |" "| make test | FAILED after 7.5 |" &&
		[ "$(grep -c "^| make run |" out/report.md)" = 1 ]
}

cover_letter()
{
	whole
	"$report" --results r --sizes sizes --cover movable baseline movable >cover 2>said || return 1
	has cover "lo idle" "+20.0  +2.00" "write-read run, 16 bytes, 4 deep   56.0     76.0" \
		"allocations/packet                    0.5      0.5" "stock              3     2     0        1" \
		"Series: 7 patches, 1234 lines of code added" &&
		! awk 'length > 72 { print "# " length ": " $0 }' cover | grep .
}

usage()
{
	for args in "" "--results r" "--results r --cover none baseline" "--nonsense"; do
		"$report" $args >said 2>&1
		[ $? = 2 ] || { echo "# report $args: no exit status 2"; return 1; }
	done
}

# The block between the marks is replaced, the rest stays as it is; what is not whole is not put in.
letter()
{
	whole
	mkdir -p tree/report tree/build/report tree/kernel-patches/movable
	cp "$cover" tree/report/ && cp "$report" tree/build/report/
	printf '#!/bin/sh\ncat "%s/sizes"\n' "$tmp" >tree/report/sizes
	chmod +x tree/report/sizes
	export RESULTS="$tmp/r"
	l=tree/kernel-patches/movable/0000-cover-letter.patch
	printf 'Subject: x\n\n[ make cover VARIANT=movable ]\nold\n[ end of make cover ]\n\nrest\n' >$l
	tree/report/cover check movable >said 2>&1
	[ $? = 1 ] && has said "-old" "make cover-update VARIANT=movable" &&
		tree/report/cover update movable && tree/report/cover check movable &&
		has $l "Subject: x" "rest" "lo idle" && nothing_of $l "old" || return 1
	cp $l before
	rm r/bench-movable.jsonl
	tree/report/cover update movable >said 2>&1
	[ $? = 1 ] && cmp before $l && has said "is left as it is" || return 1
	whole
	sed 's/1020/1030/' r/bench-movable.jsonl >new && mv new r/bench-movable.jsonl
	# a second series of the same folder
	cp $l tree/kernel-patches/movable/1000-cover-letter.patch
	tree/report/cover update movable && tree/report/cover check movable &&
		has $l "+30.0  +3.00" && cmp $l tree/kernel-patches/movable/1000-cover-letter.patch || return 1
	sed -i '/end of make/d' tree/kernel-patches/movable/1000-cover-letter.patch
	tree/report/cover check movable >said 2>&1
	[ $? = 2 ] && has said "1000-cover-letter.patch: the tables go between" || return 1
	rm r/bench-movable.jsonl
	sed -i '/end of make/d' $l
	tree/report/cover check movable >said 2>&1
	[ $? = 2 ] && has said "go between these two lines"
}

tests="complete self_contained plots by_hops repeatable missing_file run_that_died some_tunnels some_paths no_depths empty
	malformed two_kernels old_results twice failures trilogy_semantics image_sizes two_clocks wall_times cover_letter usage letter"
echo KTAP version 1
echo "1..$(echo $tests | wc -w)"
nr=0 bad=0
for t in $tests; do
	nr=$((nr + 1))
	name=$(echo "$t" | tr _ -)
	if "$t" >diag 2>&1; then
		echo "ok $nr $name"
	else
		bad=$((bad + 1))
		{ cat diag; echo "exit status ${rc:-}, said:"; cat said; } | sed '/^#/!s/^/# /' | head -n 40
		echo "not ok $nr $name"
	fi
done
[ $bad = 0 ]
