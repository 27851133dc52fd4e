#!/bin/sh
# Installs the packages that Husk needs where they are missing: cmake/setup.sh [SECTION...], sections of
# packages.txt beside this file; "build" if none is given. Asks nothing of the network when all are there.
set -eu
list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || set -- build

say() { printf 'husk set-up: %s\n' "$*" >&2; }

# The packages of one section, one a line.
section() {
    grep -q "^\[$1\]" "$list" || { say "packages.txt has no section [$1]"; exit 2; }
    sed -n "/^\[$1\]/,/^\[/{s/#.*//;s/[[:space:]]//g;/^\[/d;/^\$/d;p;}" "$list"
}

wanted=
for name in "$@"; do wanted="$wanted $(section "$name")"; done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this system has no apt-get: packages are installed on Debian and Ubuntu only."
    say "Install what corresponds to these Debian packages, then run make with SETUP=no:"
    # shellcheck disable=SC2086 # one line for each package
    printf '  %s\n' $wanted >&2
    exit 1
fi

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1)" = installed ]; }

missing=
for package in $wanted; do installed "$package" || missing="$missing $package"; done
[ -n "$missing" ] || exit 0

# shellcheck disable=SC2086 # one argument for each package
set -- $missing
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "these packages are missing, and it takes root or sudo to install them: $*"; exit 1; }
    as_root=sudo
fi

# Shows what a command says only if it fails.
quietly() {
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "$output" | tail -n 20 >&2
        return 1
    fi
}

say "refreshing the package lists"
quietly $as_root apt-get update -q -o DPkg::Lock::Timeout=300 || { say "apt-get update failed, see above"; exit 1; }
say "installing $*"
quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" || { say "apt-get install failed, see above"; exit 1; }
