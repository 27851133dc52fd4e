#!/bin/sh
# Writes internal/raw from go.i and the shared descriptions: generate.sh [FOLDER]. SWIG notes its input as it was
# given, so it runs here, with relative paths. Its warnings are errors.
set -eu
cd "$(dirname "$0")"
out=${1:-internal/raw}
"${SWIG:-swig}" -go -cgo -Wall -Werror -I. -I../../swig -outdir "$out" -o "$out/raw_wrap.c" go.i
