"""The stubs (husk/*.pyi) against the package, by stubtest, and against programs with types (typed/), by mypy.

Which mypy: the one that this interpreter has, or the system's, if it is for this version of Python; else the tests
are skipped.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import husk
from support import main

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(husk.__file__))
SYSTEM = "/usr/lib/python3/dist-packages"


def find_mypy():
    """The environment in which `python -m mypy` works, and its version; (None, None) if there is none."""
    plain = dict(os.environ, MYPYPATH=PACKAGE, PYTHONPATH=PACKAGE)
    plain.pop("LD_PRELOAD", None)  # of a sanitizer: mypy is not what is tested
    system = dict(plain, PYTHONPATH=PACKAGE + os.pathsep + SYSTEM)
    for env in (plain, system):
        done = subprocess.run([sys.executable, "-m", "mypy", "--version"], env=env, capture_output=True, text=True)
        found = re.search(r"mypy (\d+)\.(\d+)", done.stdout)
        if done.returncode == 0 and found:
            return env, (int(found[1]), int(found[2]))
    return None, None


ENV, VERSION = find_mypy()


@unittest.skipIf(ENV is None, "there is no mypy for this interpreter")
class Stubs(unittest.TestCase):
    def run_module(self, module, *args):
        with tempfile.TemporaryDirectory() as cache:
            return subprocess.run([sys.executable, "-m", module, *args], env=dict(ENV, MYPY_CACHE_DIR=cache), cwd=cache,
                                  capture_output=True, text=True, timeout=500)

    @unittest.skipIf(os.environ.get("LD_PRELOAD"), "the package cannot be imported without the sanitizer")
    def test_they_say_what_the_package_has(self):
        options = ["--allowlist", os.path.join(HERE, "stubtest-allow.txt")]
        if VERSION >= (1, 18):
            options.append("--ignore-disjoint-bases")
        done = self.run_module("mypy.stubtest", "husk", *options)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])

    def test_the_stubs_themselves(self):
        files = [os.path.join(PACKAGE, "husk", name) for name in ("__init__.pyi", "_core.pyi", "gc.pyi", "memory.pyi",
                                                               "tracemalloc.pyi", "weakref.pyi", "_ffi.pyi", "ffi.pyi")
                 if os.path.exists(os.path.join(PACKAGE, "husk", name))]
        done = self.run_module("mypy", "--strict", *files)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])

    def test_a_program_that_is_right(self):
        path = os.path.join(HERE, "typed", "right.py")
        done = self.run_module("mypy", "--strict", path)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_a_program_that_is_wrong(self):
        path = os.path.join(HERE, "typed", "wrong.py")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        wanted = {number for number, line in enumerate(lines, 1)
                  if re.search("# wrong$" if VERSION < (1, 1) else "# wrong", line)}
        done = self.run_module("mypy", "--strict", path)
        found = {int(number) for number in re.findall(r"wrong\.py:(\d+): error", done.stdout)}
        self.assertEqual(found, wanted, done.stdout[-4000:] + done.stderr[-2000:])


if __name__ == "__main__":
    main()
