#!/bin/sh
# install.sh BUILD_DIR SCRATCH VERSION: installs into SCRATCH and uses what is there as somebody who has only that.
# In the environment: CMAKE, CC, CFLAGS (with the sanitizers of the build), LUA (a command that may be several
# words), GO and GO_MODE likewise, PARTS (any of "ffi lua go cli"). The tree is moved before it is used: nothing in
# it may know where it was made.
set -eu
build=$1
scratch=$2
version=$3
here=$(cd "$(dirname "$0")" && pwd)

step() { printf '%s\n' "-- $*"; }
die() { printf '%s\n' "FAILED: $*" >&2; exit 1; }
has() { case " $PARTS " in *" $1 "*) return 0 ;; esac; return 1; }

# Ends the test unless the command prints the expected text.
expect() {
    wanted=$1
    shift
    got=$("$@") || die "$* ended with $?: $got"
    [ "$got" = "$wanted" ] || die "$*: wanted \"$wanted\", got \"$got\""
}

needs_libhusk() { readelf -d "$1" | grep -q 'NEEDED.*libhusk\.so\.0'; }

rm -rf "$scratch"
mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)

step "DESTDIR and prefix"
DESTDIR=$scratch/dest "$CMAKE" --install "$build" --prefix /opt/husk >"$scratch/install.log"
prefix=$scratch/moved
mv "$scratch/dest/opt/husk" "$prefix"
[ -z "$(find "$scratch/dest" -type f)" ] || die "files outside of the prefix: $(find "$scratch/dest" -type f)"

libdir=$(dirname "$(find "$prefix" -name libhusk.a)")
for file in include/husk.h include/husk/obj.h; do [ -f "$prefix/$file" ] || die "no $file"; done
for file in libhusk.so libhusk.so.0 "libhusk.so.$version" libhusk.a pkgconfig/husk.pc cmake/husk/huskConfig.cmake; do
    [ -e "$libdir/$file" ] || die "no $file beside libhusk.a"
done
[ "$(find "$prefix/include" -type f | sed 's/.*\.//' | sort -u)" = h ] || die "more than headers in include"
readelf -d "$libdir/libhusk.so" | grep -q 'SONAME.*\[libhusk\.so\.0\]' || die "the soname is not libhusk.so.0"
find "$prefix" -type f \( -name '*.so*' -o -path '*/bin/*' \) | while IFS= read -r file; do
    ! readelf -d "$file" | grep -E 'R(UN)?PATH.*\[[^$]' || die "$file: an absolute run path"
done

greeting="husk $version: 2 collected"

step "pkg-config"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
expect "$version" pkg-config --modversion husk
# shellcheck disable=SC2046,SC2086 # options are words
$CC $CFLAGS -std=c11 -Wall -Wextra -Werror "$here/consumer/main.c" -o "$scratch/pc_shared" $(pkg-config --cflags --libs husk)
needs_libhusk "$scratch/pc_shared" || die "the program is not linked with libhusk.so.0"
expect "$greeting" env LD_LIBRARY_PATH="$libdir" "$scratch/pc_shared"
# shellcheck disable=SC2046,SC2086
$CC $CFLAGS -std=c11 $(pkg-config --cflags husk) "$here/consumer/main.c" -o "$scratch/pc_static" \
    -Wl,-Bstatic $(pkg-config --libs husk) -Wl,-Bdynamic $(pkg-config --static --libs-only-other husk)
needs_libhusk "$scratch/pc_static" && die "the static program needs libhusk.so.0"
expect "$greeting" "$scratch/pc_static"

step "find_package"
cp -r "$here/consumer" "$scratch/consumer"
"$CMAKE" -S "$scratch/consumer" -B "$scratch/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" >"$scratch/consumer.log"
"$CMAKE" --build "$scratch/consumer/build" >>"$scratch/consumer.log" || { cat "$scratch/consumer.log"; exit 1; }
expect "$greeting" "$scratch/consumer/build/with_husk"
expect "$greeting" "$scratch/consumer/build/with_husk_static"

if has ffi; then
    step "libhusk-ffi"
    for file in libhusk-ffi.so libhusk-ffi.so.0 "libhusk-ffi.so.$version" libhusk-ffi.a pkgconfig/husk-ffi.pc; do
        [ -e "$libdir/$file" ] || die "no $file beside libhusk.a"
    done
    ! readelf -d "$libdir/libhusk.so" | grep -q 'NEEDED.*libffi' || die "libhusk.so needs libffi"
    mkdir "$scratch/ffi"
    cat >"$scratch/ffi/main.c" <<'C'
#include <husk/ffi.h>
#include <stdio.h>
int main(void)
{
    husk_ffi_space *space;
    const husk_ffi_type *type;
    if (husk_ffi_space_new(&space) != HUSK_OK || husk_ffi_parse(space, "{x:f64,next:ref}", &type) != HUSK_OK)
        return 1;
    printf("%zu bytes\n", husk_ffi_type_size(type));
    husk_ffi_space_free(space);
    return 0;
}
C
    # shellcheck disable=SC2046,SC2086 # options are words
    $CC $CFLAGS -std=c11 "$scratch/ffi/main.c" -o "$scratch/ffi/pc" $(pkg-config --cflags --libs husk-ffi)
    expect "16 bytes" env LD_LIBRARY_PATH="$libdir" "$scratch/ffi/pc"
    cat >"$scratch/ffi/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(with_ffi LANGUAGES C)
find_package(husk REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared PRIVATE husk::ffi)
add_executable(static main.c)
target_link_libraries(static PRIVATE husk::ffi_static)
CMAKE
    "$CMAKE" -S "$scratch/ffi" -B "$scratch/ffi/build" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" >"$scratch/ffi.log"
    "$CMAKE" --build "$scratch/ffi/build" >>"$scratch/ffi.log" || { cat "$scratch/ffi.log"; exit 1; }
    expect "16 bytes" "$scratch/ffi/build/shared"
    expect "16 bytes" "$scratch/ffi/build/static"
fi

if has lua; then
    step "plain Lua"
    LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua"
    LUA_CPATH="$prefix/lib/lua/5.4/?.so"
    export LUA_PATH LUA_CPATH
    cat >"$scratch/node.lua" <<'LUA'
local husk = require "husk"
local Node = husk.type("Node", { "value", "next" })
local n, m = Node(), Node()
n.next, m.next, m.value = m, n, 42
print(n.next.value, n.next.next == n, husk.refcount(m), husk.getrefcount(m))
LUA
    # shellcheck disable=SC2086
    expect "$(printf '42\ttrue\t1\t2')" $LUA "$scratch/node.lua"
    unset LUA_PATH LUA_CPATH
fi

if has go; then
    step "Go"
    mkdir "$scratch/gopher"
    cat >"$scratch/gopher/main.go" <<'GO'
package main

import (
	"fmt"

	"husk.example/husk"
)

func main() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	node := husk.MustType("Node", "value", "next")
	n := husk.Must(heap.New(node, 42))
	err := n.Set("next", n)
	fmt.Println(husk.Version(), husk.Must(husk.RefCount(n)), err)
}
GO
    # shellcheck disable=SC2086
    (
        cd "$scratch/gopher"
        export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod
        [ -z "${GO_CC:-}" ] || export CC="$GO_CC" # Go does not sanitize with a compiler that is called cc
        [ -n "${HOME:-}" ] || export GOCACHE="$scratch/go-cache"
        $GO mod init example/gopher 2>"$scratch/go.log"
        $GO mod edit -require=husk.example/husk@v0.0.0 "-replace=husk.example/husk=$prefix/share/husk/go"
        $GO build $GO_MODE -o gopher . || die "the installed Go package does not compile"
    ) || exit 1
    needs_libhusk "$scratch/gopher/gopher" || die "the Go program is not linked with libhusk.so.0"
    expect "$version 1 <nil>" env LD_LIBRARY_PATH="$libdir" "$scratch/gopher/gopher"
fi

if has cli; then
    step "command line"
    cli="env -i PATH=/usr/bin:/bin HOME=$scratch ${ASAN_OPTIONS:+ASAN_OPTIONS=$ASAN_OPTIONS} $prefix/bin/husk"
    # shellcheck disable=SC2086
    { $cli version | grep -q "$version" || die "husk version does not say $version"
      expect 3 $cli -e 'local husk = require "husk"; local l = husk.list(); for i = 1, 3 do l[i] = i end; print(#l)'
      $cli help >/dev/null || die "husk help ended with $?"; }

    step "man page"
    page=$(find "$prefix/share/man/man1" -name 'husk.1*')
    [ -n "$page" ] || die "no man page"
    # In a pipe man keeps what it formats, so that warnings are all that is left.
    LC_ALL=C.UTF-8 MANWIDTH=80 MANROFFSEQ='' man --warnings -E UTF-8 -l "$page" 2>"$scratch/man.log" >"$scratch/man.txt" ||
        { cat "$scratch/man.log" >&2; die "man cannot format the page"; }
    [ ! -s "$scratch/man.log" ] || { cat "$scratch/man.log" >&2; die "man has warnings"; }
    for word in NAME SYNOPSIS 'EXIT STATUS' 'husk run' 'husk repl'; do
        grep -q "$word" "$scratch/man.txt" || die "the man page does not speak of $word"
    done
fi
step "done"
