"""The end of a process, in any order, and what must not be possible in others: each in an interpreter of its own."""

import os
import sys
import unittest

from support import SMALL, main, run_script

START = """
import husk, sys, os, gc
class Node(husk.Record):
    value: object
    next: object
    def __finalize__(self):
        print("end of", self.value, flush=True)
def same(a, b):
    assert a == b, (a, b)
"""


class Exits(unittest.TestCase):
    def run_ok(self, script, *args, code=0, out="", err=""):
        """Runs the script; what it prints on stdout is `out`, stderr is empty or has `err` in it."""
        result = run_script(START + script, *args)
        where = "\n".join(map(str, result))
        self.assertEqual(result[0], code, where)
        self.assertEqual(result[1], out, where)
        if err:
            self.assertIn(err, result[2], where)
        else:
            self.assertEqual(result[2], "", where)

    def test_everything_is_finalized(self):
        self.run_ok("""
n = Node(1)
h = husk.Heap("mine")
m = h.new(Node, 2)
m.next = m
del m
""", out="end of 2\nend of 1\n")

    def test_references_in_odd_places(self):
        """Whatever order Python takes them apart in: everything is finalized, and later uses are errors."""
        result = run_script(START + """
import builtins
builtins.keep = [Node(1), husk.Heap("k").new(Node, 2)]
sys.modules["other"] = type(sys)("other")
sys.modules["other"].keep = husk.default.new(Node, 3)
class Late:
    def __init__(self, node): self.node = node
    def __del__(self, closed=husk.ClosedError, write=os.write):
        try: self.node.value
        except closed: write(1, b"closed\\n")
late = Late(Node(4))
late.me = late
builtins.late = late
sys.late = Late(Node(5))
del late
""")
        lines = result[1].splitlines()
        self.assertEqual((result[0], result[2]), (0, ""), result)
        self.assertEqual(sorted(line for line in lines if line != "closed"), ["end of %d" % i for i in range(1, 6)])
        self.assertEqual(lines[:1], ["end of 2"])  # the newest heap closes first
        self.assertIn("closed", lines)

    def test_exit_handlers_may_use_heaps(self):
        self.run_ok("""
import atexit
n = Node(1)
atexit.register(lambda: print(n.value, husk.default.closed, flush=True))
husk.Cleanup(n, lambda: print("cleanup", n.value, flush=True))
""", out="1 False\ncleanup 1\nend of 1\n")

    def test_a_handler_registered_before(self):
        result = run_script("""
import atexit
def late():
    import husk
    print(husk.default.closed, flush=True)
    try: husk.List()
    except husk.ClosedError: print("closed", flush=True)
    h = husk.Heap("late")
    print(len(h.list([1, [2]])), flush=True)
atexit.register(late)
import husk
husk.default
""")
        self.assertEqual(result, (0, "True\nclosed\n2\n", ""))

    def test_exit_inside_a_finalizer(self):
        self.run_ok("""
class Exits(husk.Record):
    value: int
    def __finalize__(self): sys.exit(3)
Exits(1)
print("goes on")
""", out="goes on\n", err="SystemExit: 3")

    def test_os_exit_inside_a_finalizer(self):
        self.run_ok("""
class Exits(husk.Record):
    value: int
    def __finalize__(self): os._exit(7)
keep = Node(1)
Exits(1)
""", code=7)

    def test_exceptions_at_exit(self):
        self.run_ok("""
n = Node(1)
Node.__finalize__ = lambda self: 1 / 0
raise SystemExit(4)
""", code=4, err="ZeroDivisionError")

    def test_uncaught(self):
        self.run_ok("""
n = Node(1)
raise LookupError("mine")
""", code=1, out="end of 1\n", err="LookupError: mine")

    def test_interrupt(self):
        self.run_ok("""
import signal
n = Node(1)
os.kill(os.getpid(), signal.SIGINT)
""", code=-2, out="end of 1\n", err="KeyboardInterrupt")

    def test_threads_at_exit(self):
        self.run_ok("""
import threading, time
def work():
    try:
        while True:
            l = husk.List([{}, 1]); l.append(l)
    except husk.ClosedError:
        pass
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""")

    def test_fork(self):
        self.run_ok("""
n = Node(1, [1, 2])
n.next = [n]
husk.default.freeze()
child = os.fork()
if child == 0:
    same(n.next[0], n)
    m = Node(5); m.next = m; del m
    husk.collect()
    husk.default.verify()
    os._exit(0)
same(os.waitpid(child, 0)[1], 0)
husk.default.unfreeze()
same(n.value, 1)
child = os.fork()
if child == 0:
    sys.exit(0)
same(os.waitpid(child, 0)[1], 0)
""", out="end of 5\nend of 1\nend of 1\n")

    def test_subinterpreters_are_refused(self):
        script = """
try:
    import _interpreters
except ImportError:
    try:
        import _xxsubinterpreters as _interpreters
    except ImportError:
        print("none"); sys.exit()
id = _interpreters.create()
code = "try:\\n import husk\\nexcept ImportError as e: print('refused', flush=True)"
run = getattr(_interpreters, "exec", None) or _interpreters.run_string
run(id, code)
_interpreters.destroy(id)
"""
        result = run_script(START + script)
        self.assertEqual(result[0], 0, result)
        self.assertIn(result[1], ("refused\n", "none\n"))

    def test_imported_again(self):
        self.run_ok("""
first, core = husk, husk._core
n = Node(1)
for name in [m for m in sys.modules if m.startswith("husk")]:
    del sys.modules[name]
import husk
same(husk._core is core, False)
same(husk.Record is first.Record, True)
same(husk.List([n])[0] is n, True)
""", out="end of 1\n")

    def test_deep_chains(self):
        count = 20000 if SMALL else 1000000
        self.run_ok("""
count = int(sys.argv[1])
class Link(husk.Record):
    next: object
gc.disable()
def chain(box):
    first = last = Link()
    for _ in range(count):
        link = Link()
        last.next = [link] if box else link
        last = link
    return first, last
for box in False, True:
    first, last = chain(box)
    del first, last
    same(husk.default.figures().objects, 0)
first, last = chain(False)
last.next = first
del first, last
same(husk.collect(python=False).collected, count + 1)
count //= 4
first, last = chain(True)
last.next = [first]
del first, last
husk.collect()
same(husk.default.figures().objects, 0)
""", str(count))

    def test_deep_recursion_in_hooks(self):
        self.run_ok("""
depth = 0
class Making(husk.Record):
    value: int
    def __finalize__(self):
        if self.value:
            Making(self.value - 1)
Making(3000)
def down(n):
    husk.List([n])[0]
    return down(n + 1)
try: down(0)
except RecursionError: print("deep")
husk.default.verify()
""", out="deep\n")

    def test_a_failed_import_of_a_class(self):
        self.run_ok("""
for _ in range(50):
    try:
        class Bad(husk.Record):
            a: int = []
    except ValueError: pass
    else: raise AssertionError
gc.collect()
""")

    def test_gc_loaded_again_tells_once(self):
        code, out, err = run_script("""
import husk, importlib
importlib.reload(husk.gc)
husk.gc.callbacks.append(lambda phase, info: print(phase))
husk.default.collect(python=False)
husk.gc.callbacks.clear()
""")
        self.assertEqual((code, out, err), (0, "start\nstop\n", ""))

    def test_a_heap_in_the_hook_of_a_thread_does_not_keep_the_others_open(self):
        code, out, err = run_script("""
import husk, threading
class Node(husk.Record):
    value: object
    def __finalize__(self):
        if self.value == "waits":
            inside.set()
            threading.Event().wait()
        print(self.value)
inside = threading.Event()
older, busy = husk.Heap("older"), husk.Heap("busy")
node = older.new(Node, "ended")
threading.Thread(target=lambda: busy.new(Node, "waits") and None, daemon=True).start()
inside.wait()
""")
        self.assertEqual((code, out), (0, "ended\n"))
        self.assertEqual(err.count("BusyError: heap 'busy' cannot be closed"), 1)


if __name__ == "__main__":
    main()
