#!/bin/sh
# scripts.sh ROOT: shell scripts pass shellcheck, Lua files compile, and `make help` knows every target.
set -u
cd "$1" || exit 2
list() { git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f ! -path './build*' | sed 's|^\./||'; }
status=0

if command -v shellcheck >/dev/null; then
    for file in $(list); do
        [ -f "$file" ] || continue
        case $(head -c 64 "$file" | head -n 1 | tr -d '\0') in
        '#!'*[/\ ]sh | '#!'*[/\ ]bash | '#!'*'sh -'*) shellcheck "$file" || status=1 ;;
        esac
    done
else
    echo "shellcheck is not installed: shell scripts were not looked at"
fi

for file in $(list | grep '\.lua$'); do
    [ ! -f "$file" ] || luac5.4 -p "$file" || status=1
done

targets=$(sed -n 's/^\.PHONY: *//p' Makefile)
[ -n "$targets" ] || { echo "the Makefile names no targets"; status=1; }
help=$(make --no-print-directory help)
for target in $targets; do
    printf '%s\n' "$help" | grep -q "make $target  *[A-Z]" || { echo "make help does not explain $target"; status=1; }
done
for target in demo test build asan bench format lint install clean; do
    case " $targets " in *" $target "*) ;; *) echo "the Makefile has no target $target"; status=1 ;; esac
done
exit $status
