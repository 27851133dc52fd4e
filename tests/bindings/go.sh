#!/bin/sh
# go.sh FOLDER GO [ARGUMENT ...]: runs Go in the folder of a module (go -C is of Go 1.20).
set -eu
cd "$1"
shift
exec "$@"
