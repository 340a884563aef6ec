#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vmrun with a real guest: each way a run can end has its exit code, and nothing stays
# behind on the host: no namespace, mount or process.
#
# VMRUN, DIE: the programs; KERNEL: the folder with the kernel to boot.

vmrun=${VMRUN:-build/vm/vmrun}
die=${DIE:-build/selftests/die}
if [ ! -r "$KERNEL/bzImage" ]; then
	echo "1..0 # SKIP no kernel in KERNEL=$KERNEL"
	exit 4
fi
# not in /tmp: the guest has another one
tmp=$(mktemp -d build/live.XXXXXX) || exit 1
trap 'rm -rf "$tmp"' EXIT

# What there is on the host that is of this test or of nobody: others may be at work on it.
host()
{
	ls /run/netns 2>/dev/null
	cut -d' ' -f5 /proc/self/mountinfo | sort
	echo devices: $(sed -n 's/:.*//p' /proc/self/net/dev | sort)
	for p in /proc/[0-9]*; do
		tr '\0' ' ' <$p/cmdline | grep -F -e "$tmp" && echo "is process ${p#/proc/}"
	done 2>/dev/null
	:
}

nr=0 bad=0
result()	# STATUS NAME
{
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr $2"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/log"
		echo "not ok $nr $2"
	fi
}

guest()		# NAME [OPTION...] -- COMMAND...
{
	name=$1
	shift
	"$vmrun" --kernel "$KERNEL" --out "$tmp" --name "$name" "$@"
}

expect()	# NAME EXIT-CODE TEXT [OPTION...] -- COMMAND...
{
	name=$1 want=$2 text=$3
	shift 3
	guest "$name" "$@" >"$tmp/log" 2>&1
	got=$?
	[ $got = "$want" ] && grep -qe "$text" "$tmp/log" && tail -n 1 "$tmp/log" | grep -q "^vm: $name: "
	status=$?
	[ $status = 0 ] || echo "wanted exit $want and \"$text\", got exit $got" >>"$tmp/log"
	result $status "$name"
}

# A run that gets the signal SIG: its exit code, and its QEMU gone.
stopped()	# NAME SIG EXIT-CODE
{
	rm -f "$tmp/$1.ktap"
	{
		"$vmrun" --kernel "$KERNEL" --out "$tmp" --name "$1" -- sleep 1000 &
		echo $! >"$tmp/pid"
		wait $!
		echo "exit $?"
	} >"$tmp/log" 2>&1 &
	for i in $(seq 600); do
		grep -q 'vm: up' "$tmp/$1.ktap" 2>/dev/null && break
		sleep 0.1
	done
	kill -"$2" "$(cat "$tmp/pid")"
	wait
	sleep 0.3
	grep -q "^exit $3\$" "$tmp/log" && ! grep -sqa "$tmp/$1[.]console" /proc/[0-9]*/cmdline
	result $? "$1"
}

echo KTAP version 1
echo 1..14
host >"$tmp/before"

expect passed 0 '1 passed, 0 failed, 0 skipped' \
	--share "$tmp" -- sh -c "printf '1..1\nok 1 a\n'; echo hello >$tmp/from-guest"
[ "$(cat "$tmp/from-guest")" = hello ]
result $? share
expect failed 1 'failed: a' -- sh -c "printf '1..1\nnot ok 1 a\n'; exit 1"
expect skipped 4 '1 skipped' -- sh -c "printf '1..1\nok 1 a # SKIP why not\n'; exit 4"
expect no-plan 14 'no plan' -- true
expect splat 13 'WARNING: made up' \
	-- sh -c "printf '1..1\nok 1 a\n'; echo '<4>WARNING: made up' >/dev/kmsg"
expect poweroff 10 'the guest died' -- "$die" poweroff
expect panic 11 'Attempted to kill init' -- "$die" panic
expect hang 12 'sleep 1000' --timeout 1 -- sleep 1000
stopped terminated TERM 143
stopped interrupted INT 130
stopped killed KILL 137
PATH=/nonexistent "$vmrun" --kernel "$KERNEL" --out "$tmp" --name none -- true >"$tmp/log" 2>&1
[ $? = 3 ] && grep -q 'install the package qemu-system-x86' "$tmp/log"
result $? no-qemu
host >"$tmp/after"
diff "$tmp/before" "$tmp/after" >"$tmp/log"
result $? host-as-before
[ $bad = 0 ]
