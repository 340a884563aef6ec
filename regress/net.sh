#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: the scripts of net.list, each with the verdicts it prints on the way
# (verdicts.awk has the forms they have), as KTAP. T=NAME,NAME: these only; a name is
# that of the list, with "-" for "/" and without ".py".

limit=1800	# seconds for one, emulated, on a busy host

here=$PWD/regress
cd build/regress/net || exit
export PATH="$PWD/bin:$PATH"
cd tools/testing/selftests || exit
tests=$PWD
# what this means for verdicts that measure time, the scripts know themselves
export KSFT_MACHINE_SLOW=yes
scratch=$(mktemp -d) || exit
grep '^[a-z0-9]' "$here/net.list" >"$scratch/list"
# an input that has nothing and does not end, as a terminal's: some sleep by reading it
mkfifo "$scratch/silence"
exec 3<>"$scratch/silence"

n=0
echo "KTAP version 1"
while read -r script options; do
	t=$(echo "${script%.py}" | tr / -)
	case ",${T:-$t}," in
	*",$t,"*) ;;
	*) continue ;;
	esac
	case $script in
	*/*) cd "$tests/${script%/*}" || exit ;;
	*) cd "$tests/net" || exit ;;
	esac
	script=./${script##*/}
	[ -f "$script" ] || script=$script.sh
	# options are quoted as in a shell
	eval "set -- $options"
	start=$(date +%s)
	timeout -k 5 $limit "$script" "$@" <&3 >"$scratch/out" 2>&1
	status=$?
	took=$(($(date +%s) - start))
	[ $took -lt 20 ] || echo "# $t: $took s"
	awk -f "$here/verdicts.awk" -v test="$t" -v status=$status -v limit=$limit -v n=$n \
		-v count="$scratch/n" "$scratch/out"
	read -r n <"$scratch/n"
	[ -z "${V:-}" ] || sed 's/^/# /' "$scratch/out"
done <"$scratch/list"
rm -rf "$scratch"
[ $n -gt 0 ] && echo "1..$n" || echo "1..0 # SKIP not asked for"
