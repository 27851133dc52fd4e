#!/bin/sh
# Installs the packages that Husk needs where they are missing: cmake/setup.sh [SECTION...], sections of
# packages.txt beside this file; "build" if none is given. Asks nothing of the network when all are there.
set -eu
list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || set -- build

say() { printf 'husk set-up: %s\n' "$*" >&2; }

# The lines of one section, comments and blanks removed; each line is a name or "name | other name".
section() {
    grep -q "^\[$1\]" "$list" || { say "packages.txt has no section [$1]"; exit 2; }
    sed -n "/^\[$1\]/,/^\[/{s/#.*//;s/[[:space:]]*\$//;/^\[/d;/^\$/d;p;}" "$list"
}

for name in "$@"; do section "$name" >/dev/null; done
wanted=$(for name in "$@"; do section "$name"; done)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this system has no apt-get: packages are installed on Debian and Ubuntu only."
    say "Install what corresponds to these Debian packages, then run make with SETUP=no:"
    printf '%s\n' "$wanted" | sed 's/^/  /' >&2
    exit 1
fi

installed() {
    case $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) in
    installed*) return 0 ;;
    esac
    return 1
}

# True if one of the alternatives "a | b" is installed.
satisfied() {
    for package in $(printf '%s' "$1" | tr '|' ' '); do
        installed "$package" && return 0
    done
    return 1
}

missing=$(printf '%s\n' "$wanted" | while IFS= read -r line; do satisfied "$line" || printf '%s\n' "$line"; done)
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        say "these packages are missing, and installing them needs root or sudo:"
        printf '%s\n' "$missing" | sed 's/^/  /' >&2
        exit 1
    }
    as_root=sudo
fi

quietly() { # shows the output only of a command that failed
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "$output" | tail -n 20 >&2
        return 1
    fi
}

say "refreshing the package lists"
quietly $as_root apt-get update -q -o DPkg::Lock::Timeout=300 ||
    { say "apt-get update failed: see above"; exit 1; }

names=$(printf '%s\n' "$missing" | while IFS= read -r line; do
    chosen=
    for package in $(printf '%s' "$line" | tr '|' ' '); do
        if apt-cache show "$package" >/dev/null 2>&1; then chosen=$package; break; fi
    done
    printf '%s\n' "${chosen:-${line%% *}}"
done)

# shellcheck disable=SC2086 # one word for each package
set -- $names
say "installing $*"
quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" ||
    { say "apt-get install failed: see above"; exit 1; }
