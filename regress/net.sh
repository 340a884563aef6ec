#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the scripts of net.list, each with the verdicts it prints on the way
# ("TEST: what it does  [ OK ]"), as KTAP. T=NAME,NAME: these only.

limit=1200	# seconds for one, emulated, on a busy host

list=$PWD/regress/net.list
cd build/regress/net/net || exit
scratch=$(mktemp -d) || exit

n=0
echo "KTAP version 1"
for t in $(grep '^[a-z0-9]' "$list"); do
	case ",${T:-$t}," in
	*",$t,"*) ;;
	*) continue ;;
	esac
	timeout -k 5 $limit "./$t.sh" </dev/null >"$scratch/out" 2>&1
	status=$?
	awk -v test="$t" -v status=$status -v limit=$limit -v n=$n -v count="$scratch/n" '
		/^ *TEST: .*\[ *(OK|PASS|FAIL|SKIP) *\] *$/ {
			what = $0
			sub(/^ *TEST: */, "", what)
			sub(/ *\[[^]]*\] *$/, "", what)
			gsub(/#/, "_", what)
			# a name may come twice
			if (seen[what]++)
				what = what " (" seen[what] ")"
			bad = /\[ *FAIL/
			print (bad ? "not ok " : "ok ") ++n " " test "/" what (/\[ *SKIP/ ? " # SKIP the test says so" : "")
			next
		}
		/SKIP/ { why = $0 }
		NF { last = $0 }
		END {
			gsub(/#/, "_", last)
			if (status == 4)
				print "ok " ++n " " test " # SKIP " why
			else if (status) {
				print "# " (status == 124 ? "still running after " limit " s" : "exit status " status ": " last)
				print "not ok " ++n " " test
			} else {
				print "ok " ++n " " test
			}
			print n >count
		}' "$scratch/out"
	read -r n <"$scratch/n"
	[ -z "${V:-}" ] || sed 's/^/# /' "$scratch/out"
done
rm -rf "$scratch"
[ $n -gt 0 ] && echo "1..$n" || echo "1..0 # SKIP not asked for"
