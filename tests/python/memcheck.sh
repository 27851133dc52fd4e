#!/bin/sh
# memcheck.sh VALGRIND PYTHON MODULE...: runs test modules under memcheck, in one process. An interpreter that is not clean by itself (one whose
# compiler made code that memcheck cannot follow) says nothing about the module: then the test is skipped.
set -u
check="$1 -q --error-exitcode=9 --leak-check=no"
# shellcheck disable=SC2086 # options are words
if ! output=$($check "$2" -c pass 2>&1); then
    printf 'skipped: %s is not clean under valgrind by itself:\n' "$2"
    printf '%s\n' "$output" | head -n 12
    exit 77
fi
python=$2
shift 2
# shellcheck disable=SC2086
exec $check "$python" -m unittest "$@"
