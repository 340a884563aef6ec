#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: each test of test_progs in a process of its own, so that one that
# crashes or hangs is one that failed. Its verdict and those of its subtests, as KTAP.
# T=NAME,NAME: these only. TESTS=bpf-VARIANT: those that a series brings.

limit=600	# seconds for one, emulated, on a busy host

cd "${0%/*}/../build/regress/${TESTS:-bpf}" || exit
# or the tests of unprivileged programs skip themselves
echo 0 >/proc/sys/kernel/unprivileged_bpf_disabled
scratch=$(mktemp -d) || exit
all=$(./test_progs -l) || exit

n=0
echo "KTAP version 1"
for t in $all; do
	case ",${T:-$t}," in
	*",$t,"*) ;;
	*) continue ;;
	esac
	start=$(date +%s)
	timeout -k 5 $limit ./test_progs -w $((limit - 10)) -a "$t" </dev/null >"$scratch/out" 2>&1
	status=$?
	took=$(($(date +%s) - start))
	[ $took -lt 20 ] || echo "# $t: $took s"
	awk -v test="$t" -v status=$status -v limit=$limit -v n=$n -v count="$scratch/n" '
		function result(ok, name, why)
		{
			if (ok == "not ok" && said != "")
				print "# " said
			gsub(/#/, "_", name)
			print ok " " ++n " " name (why != "" ? " # SKIP " why : "")
			said = skipped = ""
		}
		# what failed and what was skipped is told once more at the end
		/^(All error logs:|Summary:)/ { exit }
		/bpf_testmod/ { next }
		/:FAIL:/ && said == "" { said = $0; gsub(/#/, "_", said) }
		/^#[0-9]+(\/[0-9]+)? +/ {
			line = $0
			sub(/^#[0-9\/]+ +/, "", line)
			if (!match(line, /:(OK|FAIL|SKIP)( \([^)]*\))?$/))
				next
			verdict = substr(line, RSTART + 1)
			name = substr(line, 1, RSTART - 1)
			whole += name == test
			if (verdict ~ /^FAIL/)
				result("not ok", name)
			else if (verdict ~ /^SKIP/)
				result("ok", name, skipped != "" ? skipped : "the test says so")
			else
				result("ok", name)
			next
		}
		/SKIP|[Ss]kip/ { skipped = $0; gsub(/#/, "_", skipped) }
		END {
			if (!whole) {
				said = status >= 124 && status != 255 ? "still running after " limit " s, or killed" : "no verdict, exit status " status
				result("not ok", test)
			}
			print n >count
		}' "$scratch/out"
	read -r n <"$scratch/n"
	[ -z "${V:-}" ] || sed 's/^/# /' "$scratch/out"
done
rm -rf "$scratch"
[ $n -gt 0 ] && echo "1..$n" || echo "1..0 # SKIP not asked for"
