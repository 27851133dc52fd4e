#!/bin/sh
# packaging.sh WAY PYTHON CMAKE BUILD SOURCE SCRATCH: puts the package into a fresh virtual environment, by
# `cmake --install` (WAY cmake) or by pip (WAY pip), and runs tests of it there, with nothing else in the path.
# Ends with 77 if what the way needs is not to be had here.
set -eu
way=$1 python=$2 cmake=$3 build=$4 source=$5 scratch=$6
here=$(cd "$(dirname "$0")" && pwd)
unset PYTHONPATH PYTHONHOME
export PYTHONDONTWRITEBYTECODE=1 HUSK_TEST_SMALL=1

skip() { printf 'skipped: %s\n' "$*"; exit 77; }

rm -rf "$scratch"
mkdir -p "$scratch"
venv=$scratch/venv
case $way in
cmake)
    "$python" -m venv --without-pip "$venv" || skip "this interpreter makes no virtual environments"
    "$cmake" --install "$build" --prefix "$venv" >"$scratch/log"
    ;;
pip)
    "$python" -m venv "$venv" >"$scratch/log" 2>&1 || skip "this interpreter has no ensurepip"
    # Sources as they are: pip builds where they lie, so a copy of what git knows is built.
    mkdir "$scratch/source"
    (cd "$source" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - 2>/dev/null) |
        tar -C "$scratch/source" -xf - || skip "no git checkout to copy"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --retries 1 --timeout 15 "scikit-build-core>=0.8" \
        >"$scratch/log" 2>&1 || skip "scikit-build-core is not to be had: $(tail -n 1 "$scratch/log")"
    PATH="$(dirname "$cmake"):$PATH" "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation \
        --no-index "$scratch/source" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
    ;;
esac

cd "$here"
"$venv/bin/python" - "$venv" "$build" <<'PYTHON'
import glob, os, sys, husk
from importlib import metadata
place = os.path.realpath(husk._core.__file__)
assert place.startswith(os.path.realpath(sys.argv[1])), place
assert os.path.exists(os.path.join(os.path.dirname(husk.__file__), "py.typed"))
with open("/proc/self/maps") as maps:
    libraries = {line.split()[-1] for line in maps if "libhusk" in line}
assert libraries and all(x.startswith(os.path.realpath(sys.argv[1])) for x in libraries), libraries
if glob.glob(os.path.join(sys.argv[2], "python", "husk", "_ffi.*.so")):  # the build has libffi, so the package has it
    from husk import ffi
    assert os.path.realpath(ffi.__file__).startswith(os.path.realpath(sys.argv[1]))
else:
    try:
        from husk import ffi
        assert False, "a husk.ffi without libffi"
    except ImportError as error:
        assert "without libffi" in str(error), error
try:
    assert metadata.version("husk") == husk.__version__
except metadata.PackageNotFoundError:  # only pip leaves a record
    pass
PYTHON
"$venv/bin/python" -m unittest test_records test_lists test_maps test_values test_hooks test_heaps test_weak \
    test_weakmaps test_cycles test_ffi test_ffi_types
