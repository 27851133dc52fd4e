#!/bin/sh
# memcheck.sh VALGRIND PYTHON TEST: runs a test under memcheck. An interpreter that is not clean by itself (one whose
# compiler made code that memcheck cannot follow) says nothing about the module: then the test is skipped.
set -u
check="$1 -q --error-exitcode=9 --leak-check=no"
# shellcheck disable=SC2086 # options are words
if ! output=$($check "$2" -c 'import subprocess, unittest, weakref' 2>&1); then
    printf 'skipped: %s is not clean under valgrind by itself:\n' "$2"
    printf '%s\n' "$output" | head -n 12
    exit 77
fi
# shellcheck disable=SC2086
exec $check "$2" "$3"
