#!/bin/sh
# generated.sh FOLDER, run in bindings/go: internal/raw is what SWIG makes of the descriptions. Exit code 77 where
# SWIG is another version than the one that made it; what it makes must then at least be made without a warning.
set -eu
out=$1
rm -rf "$out"
mkdir -p "$out"
./generate.sh "$out"
here=$(sed -n 's/.*Version \([0-9.]*\).*/\1/p' "$out/raw.go" | head -n 1)
made=$(sed -n 's/.*Version \([0-9.]*\).*/\1/p' internal/raw/raw.go | head -n 1)
if [ "$here" != "$made" ]; then
    echo "internal/raw was made by SWIG $made, this is SWIG $here: not compared"
    exit 77
fi
for file in raw.go raw_wrap.c; do
    diff -u "internal/raw/$file" "$out/$file" || { echo "stale: run bindings/go/generate.sh"; exit 1; }
done
