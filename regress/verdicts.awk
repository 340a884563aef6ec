# SPDX-License-Identifier: GPL-2.0
#
# What a networking test of the kernel's has printed, as lines of KTAP: a verdict for
# each that it gave on the way, and one for the exit status. The verdicts it may give:
#
#	TEST: what it does  [ OK ]	most of them; also [PASS], [FAIL] why, [SKIP], [XFAIL]
#	PASS: what it does		xfrm_policy; also FAIL:
#	ok 3 gro.test.name # SKIP why	those in Python
#	what it does     ok		udpgro, udpgro_fwd; also failed, fail - why, skip - why

function result(bad, what, skipped)
{
	given++
	gsub(/\033\[[0-9;]*m/, "", what)
	gsub(/#/, "_", what)
	sub(/^[ -]+/, "", what)
	sub(/[ .]+$/, "", what)
	# a name may come twice
	if (seen[what]++)
		what = what " (" seen[what] ")"
	if (bad && said != "")
		print "# " said
	print (bad ? "not ok " : "ok ") ++n " " test "/" what (skipped != "" ? " # SKIP " skipped : "")
	said = ""
}

/TEST: .*\[ *(OK|PASS|SKIP|XFAIL) *\] *$/ || /TEST: .*\[ *FAIL *\]/ {
	what = why = $0
	sub(/^.*TEST: */, "", what)
	sub(/ *\[ *(OK|PASS|FAIL|SKIP|XFAIL) *\].*$/, "", what)
	# how many it counted is no part of the name
	sub(/ \(received [0-9]+\/[0-9]+\)$/, "", what)
	sub(/^.*\[ *FAIL *\] */, "", why)
	gsub(/#/, "_", why)
	if (/\[ *FAIL *\] *[^ ]/)
		said = why
	result(/\[ *FAIL/, what, /\[ *SKIP/ ? "the test says so" : /\[ *XFAIL/ ? "the test expects it to fail" : "")
	next
}
/^(PASS|FAIL): / {
	result(/^FAIL/, substr($0, 7))
	next
}
/^(not )?ok [0-9]+ / {
	what = why = $0
	sub(/^(not )?ok [0-9]+ (- )?/, "", what)
	sub(/ # .*/, "", what)
	sub(/^[a-z0-9_]+\./, "", what)
	if (!sub(/.* # (SKIP|XFAIL) */, "", why))
		why = ""
	else if (why == "")
		why = "the test says so"
	gsub(/#/, "_", why)
	result(/^not/, what, why)
	next
}
test ~ /^udpgro/ && /^(ip|IP)v[46]$/ { family = $0 " " }
test ~ /^udpgro/ && match($0, / (ok|fail|failed|skip)( - .*)?$/) {
	what = family substr($0, 1, RSTART)
	sub(/  +/, " ", what)
	why = substr($0, RSTART + 1)
	if (why ~ /^fail/)
		said = why
	result(why ~ /^fail/, what, why ~ /^skip/ ? substr(why, 8) : "")
	next
}

/SKIP/ { skip = $0; sub(/^ *SKIP:? */, "", skip) }
NF { said = last = $0; gsub(/#/, "_", said) }

END {
	gsub(/#/, "_", last)
	if (status == 4) {
		gsub(/#/, "_", skip)
		print "ok " ++n " " test " # SKIP " (skip != "" ? skip : given ? "some of it" : last)
	} else if (status) {
		print "# " (status == 124 ? "still running after " limit " s" : "exit status " status ": " last)
		print "not ok " ++n " " test
	} else {
		print "ok " ++n " " test
	}
	print n >count
}
