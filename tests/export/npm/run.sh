#!/bin/sh
# run.sh SOURCE WORK FOLDER NAME...: installs the readers of package-lock.json into WORK and runs readers.mjs there. Exit
# code 77, with the reason: no npm, or no registry to be reached.
set -eu
source=$1 work=$2
shift 2
skip() { echo "skipped: $*"; exit 77; }
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then skip "node and npm are not installed"; fi
mkdir -p "$work"
for file in package.json package-lock.json readers.mjs; do
    cmp -s "$source/$file" "$work/$file" || { cp "$source/$file" "$work/$file"; case $file in package*) rm -f "$work/installed" ;; esac; }
done
cd "$work"
if [ ! -e installed ]; then
    npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >npm.log 2>&1 || {
        grep -q "EINTEGRITY" npm.log && { cat npm.log; exit 1; }
        skip "npm cannot install the readers: $(grep -m 1 'npm error' npm.log || tail -n 1 npm.log)"
    }
    touch installed
fi
exec node readers.mjs "$@"
