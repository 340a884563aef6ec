#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The base kernel, as one commit in the cache's git repository.
#
#   base.sh            prints "COMMIT DESCRIPTION"
#   base.sh --config   prints the name of a file with Debian's amd64 configuration of
#                      that version, xz compressed; fetched when first asked for
#   base.sh --backport PACKAGE
#                      prints a folder with what is in the newer PACKAGE that this
#                      Debian's backports have; not installed, nothing else is touched
#
# It is Debian's source package (the newest when first fetched; UPDATE=1 looks
# again), or with LINUX= a tree of the user's: a git tree as of its HEAD, or plain
# sources as they are. The user's tree is read, never written.

. "${0%/*}/common.sh"

package=${BASE_PACKAGE:-linux-source-7.3}
suite=${BASE_SUITE:-trixie-backports}

# A patch series is written against a version; another one is the user's decision.
check_version()
{
	version=$(awk -F' *= *' '
		/^VERSION =/ { v = $2 }
		/^PATCHLEVEL =/ { p = $2 }
		/^NAME =/ { exit }
		END { if (v != "" && p != "") print v "." p }')
	case $version in
	7.2|7.3) ;;
	"") usage "LINUX=$LINUX is no kernel tree (its Makefile names no version)" ;;
	*) [ -n "${ANYVERSION:-}" ] ||
		usage "LINUX=$LINUX is Linux $version; 7.2 and 7.3 are supported (ANYVERSION=1 tries it all the same)" ;;
	esac
}

new_repo()
{
	[ -d "$repo" ] && return
	rm -rf "$repo.new"
	git init -q --bare "$repo.new" && mv "$repo.new" "$repo" || die "cannot make $repo"
}

# add_tree FOLDER INDEX DESCRIPTION [git add options]: a commit that is the same
# wherever and whenever it is made from the same files.
add_tree()
{
	dir=$1 index=$2 desc=$3
	shift 3
	GIT_INDEX_FILE=$index run git -C "$dir" --git-dir="$repo" --work-tree="$dir" add -A "$@" . ||
		die "cannot add $dir to $repo"
	tree=$(GIT_INDEX_FILE=$index git --git-dir="$repo" write-tree) || die "cannot write $repo"
	echo "$desc" | GIT_AUTHOR_DATE='@0 +0000' GIT_COMMITTER_DATE='@0 +0000' \
		git --git-dir="$repo" commit-tree "$tree" || die "cannot write $repo"
}

from_git()
{
	commit=$(git -C "$LINUX" rev-parse -q --verify 'HEAD^{commit}') ||
		usage "LINUX=$LINUX is a git tree without a commit"
	git -C "$LINUX" show "$commit:Makefile" 2>/dev/null | check_version || exit
	short=$(git -C "$LINUX" rev-parse --short=12 "$commit")
	[ -z "$(git -C "$LINUX" status --porcelain -uno | head -n 1)" ] ||
		say "LINUX=$LINUX has uncommitted changes; they are left out, its HEAD $short is built"
	if ! git --git-dir="$repo" rev-parse -q --verify "refs/bases/git/$commit" >/dev/null 2>&1; then
		lock_cache
		need_space 2 "a copy of LINUX=$LINUX"
		new_repo
		say "copying commit $short of $LINUX"
		kgit fetch -q --depth=1 --no-tags \
			"file://$(cd "$LINUX" && cd "$(git rev-parse --git-common-dir)" && pwd)" \
			"$commit:refs/bases/git/$commit" || die "cannot copy $commit from $LINUX"
	fi
	echo "$commit git $short"
}

from_folder()
{
	check_version <"$LINUX/Makefile"
	lock_cache
	new_repo
	# The index stays, so the next time only changed files are read. What the
	# kernel's own .gitignore leaves out are things built; but Debian's ends in
	# a line that leaves out everything.
	index=$cache/folder-$(echo "$LINUX" | hash12).index
	if grep -qx '/\*' "$LINUX/.gitignore" 2>/dev/null; then
		set -- -f
	else
		set --
	fi
	[ -e "$index" ] || { need_space 2 "a copy of LINUX=$LINUX"; say "reading $LINUX"; }
	rm -f "$index.lock"
	commit=$(add_tree "$LINUX" "$index" "sources in a folder" "$@") || exit
	kgit update-ref "refs/bases/folder/$commit" "$commit"
	echo "$commit folder $(git --git-dir="$repo" rev-parse --short=12 "$commit^{tree}")"
}

# apt with a state of its own: this machine's mirror, keys and proxy, none of its
# lists, and nothing installed.
private_apt()
{
	tool=$1
	shift
	run "$tool" -q \
		-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any \
		-o Acquire::Languages=none -o Acquire::Retries=2 \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}

ways_out="LINUX=/path/to/a/kernel/tree builds your own"

# Sets apt up to see the suite.
open_suite()
{
	codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
	mirror=$(apt-get indextargets --format '$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 2>/dev/null |
		sed -n "s/^$codename|main|//p" | head -n 1)
	[ -n "$codename" ] && [ -n "$mirror" ] ||
		die "no Debian mirror in this machine's apt sources (looked for ${codename:-its release}, main); $ways_out"

	apt=${apt:-$cache/apt}
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || die "cannot make $apt"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"

	say "asking the Debian mirror for $package in $suite"
	private_apt apt-get update >"$apt/log" 2>&1 || {
		grep '^[EW]:' "$apt/log" | head -n 4 >&2
		die "$suite cannot be had from the mirror (is there a network?); $ways_out"
	}
}

fetch_debian()
{
	open_suite
	version=$(private_apt apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p')
	if [ -z "$version" ]; then
		there=$(private_apt apt-cache pkgnames linux-source- | sort -V | tr '\n' ' ')
		die "there is no $package in $suite (it has: ${there:-no linux-source at all});" \
		    "BASE_PACKAGE=NAME takes another of these, $ways_out"
	fi
	desc="$package $version"
	if [ "$desc" = "$(known_debian)" ]; then
		say "$desc is the newest"
		return
	fi

	say "downloading $desc"
	(cd "$work" && private_apt apt-get download "$package=$version") >"$apt/log" 2>&1 || {
		grep '^[EW]:' "$apt/log" | head -n 4 >&2
		die "$desc cannot be downloaded; $ways_out"
	}
	say "unpacking $desc (half a minute)"
	dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -xO "./usr/src/$package.tar.xz" | tar -xJ -C "$work" &&
		[ -f "$work/$package/Kbuild" ] || die "$desc does not unpack to a kernel tree"
	commit=$(add_tree "$work/$package" "$work/index" "$desc" -f) || exit
	kgit update-ref "refs/bases/$package" "$commit"
}

known_debian()
{
	git --git-dir="$repo" log -1 --format=%s "refs/bases/$package" 2>/dev/null
}

from_debian()
{
	desc=$(known_debian)
	if [ -z "$desc" ] || [ -n "$UPDATE" ]; then
		lock_cache
		desc=$(known_debian)
		if [ -z "$desc" ] || [ -n "$UPDATE" ]; then
			need_space 4 "the kernel source"
			new_repo
			work=$cache/base.tmp
			rm -rf "$work"
			mkdir "$work" || die "cannot make $work"
			trap 'rm -rf "$work"' EXIT
			trap 'exit 130' INT TERM HUP
			fetch_debian
			desc=$(known_debian)
		fi
	fi
	echo "$(git --git-dir="$repo" rev-parse "refs/bases/$package") $desc"
}

debian_config()
{
	package=$(echo "$package" | sed 's/-source-/-config-/')
	file=$cache/$package.amd64.xz
	if [ ! -f "$file" ]; then
		lock_cache
		work=$cache/config.tmp
		rm -rf "$work"
		mkdir -p "$work" || die "cannot make $work"
		trap 'rm -rf "$work"' EXIT
		trap 'exit 130' INT TERM HUP
		open_suite
		say "downloading $package"
		(cd "$work" && private_apt apt-get download "$package") >"$apt/log" 2>&1 || {
			grep '^[EW]:' "$apt/log" | head -n 4 >&2
			die "$package cannot be downloaded from $suite"
		}
		dpkg-deb --fsys-tarfile "$work"/*.deb |
			tar -xO "./usr/src/$package/config.amd64_none_amd64.xz" >"$work/config" &&
			[ -s "$work/config" ] || die "$package has no configuration for amd64"
		mv "$work/config" "$file" || die "cannot write $file"
	fi
	echo "$file"
}

backport()
{
	package=$1 suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")-backports
	dir=$cache/backports/$package apt=$cache/backports/apt work=$cache/backports/tmp
	ways_out="without it goes what the installed one can do"
	if [ ! -d "$dir" ]; then
		mkdir -p "$cache/backports" || die "cannot make $cache/backports"
		# not the lock on the cache: kernels may build meanwhile
		exec 6>>"$cache/backports/lock"
		flock 6
		rm -rf "$work"
		mkdir -p "$work" || die "cannot make $work"
		trap 'rm -rf "$work"' EXIT
		trap 'exit 130' INT TERM HUP
		open_suite
		say "downloading $package of $suite"
		(cd "$work" && private_apt apt-get download "$package/$suite") >"$apt/log" 2>&1 || {
			grep '^[EW]:' "$apt/log" | head -n 4 >&2
			die "$package cannot be downloaded from $suite; $ways_out"
		}
		dpkg-deb -x "$work"/*.deb "$work/files" && mv "$work/files" "$dir" ||
			die "$package of $suite does not unpack"
	fi
	echo "$dir"
}

if [ "${1:-}" = --backport ]; then
	backport "$2"
	exit
fi
if [ "${1:-}" = --config ]; then
	[ -z "$LINUX" ] || usage "LINUX=$LINUX: there is no distribution's configuration of it"
	debian_config
	exit
fi
if [ -z "$LINUX" ]; then
	from_debian
	exit
fi

[ -d "$LINUX" ] || usage "LINUX=$LINUX is no folder"
LINUX=$(cd "$LINUX" && pwd)
for f in Makefile Kbuild net/core/skbuff.c; do
	[ -f "$LINUX/$f" ] || usage "LINUX=$LINUX is no kernel tree (it has no $f)"
done
# a plain tree inside somebody's git repository is no git tree of its own
if [ "$(git -C "$LINUX" rev-parse --show-prefix 2>/dev/null || echo none)" = "" ]; then
	from_git
else
	from_folder
fi
