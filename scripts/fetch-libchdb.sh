#!/usr/bin/env bash
# Puts libchdb, the official embedded build of ClickHouse, into the user's cache
# directory (PARCOURS_CACHE names another one). Does nothing when it is there.
# Exit codes: 1 a download or check failed, 2 no build for this platform, 3 a tool is missing.
set -euo pipefail

readonly version=26.7.3-stable.1

die() {
	local code=$1
	shift
	echo "fetch-libchdb: $*" >&2
	exit "$code"
}

# sha512 of the package, as the registry's own lock files spell it. Only packages that
# exist at this version are pinned: what cannot be verified is not unpacked.
case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
	platform=linux-x64-gnu
	integrity='sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=='
	;;
Linux-aarch64 | Linux-arm64) platform=linux-arm64-gnu integrity='' ;;
Darwin-x86_64) platform=darwin-x64 integrity='' ;;
Darwin-arm64) platform=darwin-arm64 integrity='' ;;
*) die 2 "libchdb has no build for $(uname -s) on $(uname -m); point PARCOURS_LIBCHDB at a libchdb.so of your own, or use a ClickHouse server" ;;
esac
readonly platform integrity
readonly package="@chdb/lib-$platform@$version"

if [[ -n ${PARCOURS_CACHE:-} ]]; then
	cache=$PARCOURS_CACHE
elif [[ $(uname -s) == Darwin ]]; then
	cache=$HOME/Library/Caches/parcours
else
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/parcours
fi
readonly dir=$cache/libchdb/$version
readonly target=$dir/libchdb.so

[[ -s $target ]] && exit 0

command -v npm >/dev/null || die 3 "npm is missing; install it (for example: apt-get install -y npm) and run this again"
command -v openssl >/dev/null || die 3 "openssl is missing; install it (for example: apt-get install -y openssl) and run this again"

mkdir -p "$dir"
work=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

expected=$integrity
if [[ -z $expected ]]; then
	expected=$(cd "$work" && npm view "$package" dist.integrity 2>/dev/null) || expected=
	[[ $expected == sha512-* ]] || die 2 "$package is not published; point PARCOURS_LIBCHDB at a libchdb of your own, or use a ClickHouse server"
	echo "fetch-libchdb: no checksum is pinned for $platform; trusting the registry's $expected" >&2
fi

echo "fetch-libchdb: downloading $package (about 180 MB)" >&2
tarball=$(cd "$work" && npm pack --silent "$package") || die 1 "npm pack $package failed"
actual=sha512-$(openssl dgst -sha512 -binary "$work/$tarball" | openssl base64 -A)
[[ $actual == "$expected" ]] || die 1 "$package has integrity $actual, expected $expected; nothing was installed"

tar -xzf "$work/$tarball" -C "$work" package/libchdb.so || die 1 "$package holds no libchdb.so"
mv "$work/package/libchdb.so" "$target"
echo "fetch-libchdb: $target" >&2
