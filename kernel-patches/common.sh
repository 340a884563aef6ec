# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the scripts of this folder: where things are, how to speak, how to
# stop, and the lock on the cache.

set -u
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
top=${here%/*}
build=$top/build
cache=${XDG_CACHE_HOME:-$HOME/.cache}/skb-meta
repo=$cache/linux.git

V=${V:-} DEBUG=${DEBUG:-} LINUX=${LINUX:-} UPDATE=${UPDATE:-}
[ "$V" != 0 ] || V=
[ "$DEBUG" != 0 ] || DEBUG=
me=${me:-${0##*/}}
me=${me%.sh}

# git as these scripts need it: see gitconfig
export GIT_CONFIG_GLOBAL="$here/gitconfig" GIT_CONFIG_NOSYSTEM=1
export GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Results of the scripts are on stdout, what they say is on stderr; commands shown
# with V=1 are seen even when their own output goes to a file.
exec 3>&2

say()
{
	echo "$me: $*" >&2
}

die()
{
	say "$*"
	exit 1
}

# Bad input: exit status 2 wherever it is found.
usage()
{
	say "$*"
	exit 2
}

# Run a command, shown with V=1.
run()
{
	[ -z "$V" ] || echo "+ $*" >&3
	"$@"
}

# make for the kernel tree, which must see nothing of the make that called us nor of
# a developer's environment: V, DEBUG, T, ARCH and others mean something to it too.
forget_environment()
{
	unset V DEBUG LINUX T VARIANT UPDATE O C W M ARCH CROSS_COMPILE CFLAGS LDFLAGS
	unset KCFLAGS KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
}

kernel_make()
{
	(forget_environment; exec make "$@")
}

kgit()
{
	run git --git-dir="$repo" "$@"
}

hash12()
{
	sha256sum | cut -c1-12
}

# The cache is shared by all clones of one user. Whoever is about to write takes
# the lock and keeps it until the last of their processes is gone, so that a
# compiler left behind by a killed make never meets another one in its tree.
lock_cache()
{
	[ -z "${CACHE_LOCKED:-}" ] || return 0
	mkdir -p "$cache" || die "$cache cannot be written; XDG_CACHE_HOME names another place"
	exec 8>>"$cache/lock"
	if ! flock -n 8; then
		say "waiting for $(cat "$cache/lock.holder" 2>/dev/null || echo another run), which is writing to $cache"
		flock 8
	fi
	echo "process $$ ($top)" >"$cache/lock.holder"
	export CACHE_LOCKED=1
}

# need_space GIGABYTES WHAT: rather now than after half an hour.
need_space()
{
	have=$(df -Pk "$cache" | awk 'NR == 2 { printf "%.1f", $4 / 1048576 }')
	awk -v h="$have" -v n="$1" 'BEGIN { exit !(h < n) }' || return 0
	die "$2 needs about $1 GB at $cache, and $have GB are free there;" \
	    "make room, or name another place with XDG_CACHE_HOME"
}

# Folders with patches, or with the name of another series, are the variants, besides
# the kernel as it is.
variants()
{
	echo baseline
	for d in "$here"/*/; do
		set -- "$d"[0-9][0-9][0-9][0-9]-*.patch
		if [ -e "$1" ] || [ -e "${d}base-series" ]; then
			basename "$d"
		fi
	done
}

check_variant()
{
	variants | grep -qxF -- "$1" ||
		usage "VARIANT=$1: no such variant; valid are: $(variants | tr '\n' ' ')"
}

# checkout FOLDER COMMIT: a work tree to build in, kept from one commit to the next.
# git writes only the files that differ from what was there, so the objects of the
# others stay good.
checkout()
{
	if [ ! -f "$1/.git" ] || ! git -C "$1" rev-parse -q --verify HEAD >/dev/null 2>&1; then
		rm -rf "$1"
		kgit worktree prune
		kgit worktree add -q --no-checkout --detach "$1" "$2" || die "cannot make $1"
	fi
	# nobody else is here: a lock file is from a run that was killed
	rm -f "$(git -C "$1" rev-parse --absolute-git-dir)/index.lock"
	run git -C "$1" checkout -q -f --detach "$2" &&
		run git -C "$1" clean -ffdxq || die "cannot check $2 out to $1"
}

# Compiled objects are shared by all variants: paths below the work folder are the
# same for each of them once they are relative. Headers are found by what the
# compiler reports (depend mode), which saves a run of the preprocessor.
export CCACHE_DIR="$cache/ccache" CCACHE_BASEDIR="$cache/work" CCACHE_NOHASHDIR=1 \
	CCACHE_DEPEND=1 CCACHE_MAXSIZE=8G CCACHE_CONFIGPATH=/dev/null

# A symbolic link changed in one step.
link()
{
	ln -sfn "$1" "$2.new" && mv -Tf "$2.new" "$2" || die "cannot write $2"
}
