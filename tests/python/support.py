"""What the Python tests share. Every test ends with a whole heap and leaves nothing behind."""

import gc
import os
import subprocess
import sys
import unittest

import husk

SMALL = bool(os.environ.get("HUSK_TEST_SMALL"))


class Case(unittest.TestCase):
    """Each test has a heap of its own, self.heap; everything the library held before is what it holds after."""

    def setUp(self):
        gc.collect()
        husk.default.collect()
        self.held = husk.memory_held()
        self.unraisable = []
        self.wants_unraisable = False
        self.hook = sys.unraisablehook
        sys.unraisablehook = lambda args: self.unraisable.append(
            (type(args.exc_value or args.exc_type()), str(args.exc_value)))
        self.heap = husk.Heap(self.id().rsplit(".", 1)[-1])

    def tearDown(self):
        if not self.heap.closed:
            self.heap.verify()
        husk.default.verify()
        self.heap.close()
        self.heap = None
        gc.collect()
        sys.unraisablehook = self.hook
        if not self.wants_unraisable:
            self.assertEqual(self.unraisable, [])
        husk.default.collect()
        husk.default.trim()
        self.assertLessEqual(husk.memory_held(), max(self.held, self.default_bytes()))

    @staticmethod
    def default_bytes():
        """What the library may hold at any time: the default heap's own."""
        return husk.default.figures().bytes_taken + 65536

    def raises(self, kind, text, call, *args, **named):
        """call fails with exactly this kind of exception, and text is in its message."""
        with self.assertRaises(kind) as caught:
            call(*args, **named)
        self.assertIn(text, str(caught.exception))
        return caught.exception


def run_script(text, *args, **environment):
    """Runs a script in another interpreter of the same kind; gives (exit code, stdout, stderr)."""
    env = dict(os.environ, **environment)
    done = subprocess.run([sys.executable, "-c", text, *args], env=env, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def main():
    unittest.main(verbosity=0)
