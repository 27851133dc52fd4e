"""docs/python-reference.md is what the docstrings say, and everything public has one."""

import os
import unittest

try:
    import reference
except ImportError as error:  # husk.ffi is on the page
    raise unittest.SkipTest(str(error))
from support import main

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "python-reference.md")


class Reference(unittest.TestCase):
    def test_it_is_what_the_docstrings_say(self):
        made, missing = reference.make()
        self.assertEqual(missing, [])
        with open(PAGE, encoding="utf-8") as file:
            written = file.read()
        self.assertEqual(written.split("\n"), made.split("\n"),
                         "stale: cmake --build build --target husk_python_reference")


if __name__ == "__main__":
    main()
