#!/bin/sh
# selftest.sh LUA HERE SCRATCH: compare.lua accepts the story and notices each way of telling another one; agree.lua
# notices when programs do not print the same.
set -eu
lua=$1 compare=$2/compare.lua agree=$2/agree.lua story=$3/selftest_story.md
# shellcheck disable=SC2016 # the marks of a code block, not a command
printf 'Words.\n\n```text\none\n```\n\n```text level 2\ntwo\n```\n\n```text\nthree\n```\n' > "$story"
failed=0

# expect pass|fail LEVEL TITLE SHELL-COMMAND
expect() {
    if "$lua" "$compare" "$story" "$2" sh -c "$4" > "$story.out" 2>&1; then got=pass; else got=fail; fi
    if [ "$got" != "$1" ]; then
        failed=1
        echo "$3: wanted $1, got $got"
        cat "$story.out"
    fi
}

expect pass 2 "the story" 'printf "one\ntwo\nthree\n"'
expect pass 1 "the story at level 1" 'printf "one\nthree\n"'
expect fail 2 "level 1 passed off as all" 'printf "one\nthree\n"'
expect fail 1 "more than there is" 'printf "one\ntwo\nthree\n"'
expect fail 2 "another line" 'printf "one\ntwo\nfour\n"'
expect fail 2 "a line too few" 'printf "one\ntwo\n"'
expect fail 2 "a line too many" 'printf "one\ntwo\nthree\nfour\n"'
expect fail 2 "nothing" 'true'
expect fail 2 "a crash after the last line" 'printf "one\ntwo\nthree\n"; exit 3'

# agrees pass|fail TITLE SHELL-COMMAND SHELL-COMMAND
agrees() {
    # shellcheck disable=SC2086 # an option, or nothing
    if "$lua" "$agree" ${5-} --as one sh -c "$3" --as two sh -c "$4" > "$story.out" 2>&1; then got=pass; else got=fail; fi
    if [ "$got" != "$1" ]; then
        failed=1
        echo "$2: wanted $1, got $got"
        cat "$story.out"
    fi
}

agrees pass "the same" 'echo a; echo b' 'printf "a\nb\n"'
agrees fail "another line" 'echo a; echo b' 'echo a; echo c'
agrees fail "a line too few" 'echo a; echo b' 'echo a'
agrees fail "a line too many" 'echo a' 'echo a; echo b'
agrees fail "nothing" 'true' 'true'
agrees fail "the first one crashes" 'echo a; exit 3' 'echo a'
agrees fail "the second one crashes" 'echo a' 'echo a; exit 3'
agrees pass "other places" 'echo /a/b.lua:12: size=3' 'echo c.py:1: size=3'
agrees fail "a place and none" 'echo /a/b.lua:12: size=3' 'echo c.py: size=3'
agrees fail "a place twice, and two" 'echo a:1: size=3; echo a:1: size=3' 'echo b:1: size=3; echo b:2: size=3'
agrees fail "other numbers" 'echo b.lua:12: size=3' 'echo b.lua:12: size=4'
agrees pass "other numbers, which are their own" 'echo 12.5 MB of  3' 'echo 1 MB of 45' --numbers
agrees fail "a number and none" 'echo 12.5 MB' 'echo many MB' --numbers
exit $failed
