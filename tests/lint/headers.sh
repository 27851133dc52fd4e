#!/bin/sh
# headers.sh INCLUDE_DIR [OTHER]: each public header compiles alone, as C11 and as C++17, with gcc and clang. OTHER is
# where headers of other libraries are that it may include.
set -u
cd "$1" || exit 2
other=${2:-.}
status=0
seen=0
for header in $(find . -name '*.h' | sed 's|^\./||' | sort); do
    for compiler in "gcc -x c -std=c11 -Wstrict-prototypes" "clang -x c -std=c11 -Wstrict-prototypes" \
        "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
        seen=$((seen + 1))
        # shellcheck disable=SC2086 # the compiler and its options are words
        if ! printf '#include <%s>\n' "$header" |
            $compiler -fsyntax-only -I . -I "$other" -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror -; then
            echo "$header does not compile alone with $compiler"
            status=1
        fi
    done
done
echo "headers: $seen compilations"
[ "$seen" -gt 0 ] || status=1
exit $status
