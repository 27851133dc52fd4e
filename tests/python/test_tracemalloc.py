"""husk.tracemalloc against tracemalloc: what is traced, and from where. The same scenario told to both (same.py); snapshots
are in test_tracemalloc_snapshots.py."""

import inspect
import sys
import threading
import tracemalloc
import unittest

import husk
import same
from same import SIZES, places, told
from support import main


# ---- switches ----

def scenario_start_and_stop(w):
    t = w.tracemalloc
    seen = [t.is_tracing(), t.start(5), t.is_tracing(), t.get_traceback_limit()]
    seen += [t.start(7), t.get_traceback_limit(), t.stop(), t.is_tracing(), t.stop(), t.get_traced_memory()]
    t.start()
    seen += [t.get_traceback_limit()]
    t.stop()
    t.start(3)
    seen += [t.get_traceback_limit(), t.take_snapshot().traceback_limit]
    t.stop()
    return seen


def scenario_start_with_a_wrong_number(w):
    numbers = (0, -1, 65536, 1 << 31, 1 << 70, "x", 1.5, None)
    return ([w.fails(w.tracemalloc.start, x) for x in numbers], [w.says(w.tracemalloc.start, x) for x in (0, 65536)],
            w.fails(w.tracemalloc.start, 1, 2), w.tracemalloc.is_tracing())


def scenario_start_with_the_most_frames(w):
    names = w.program(a="def f(n):\n    return f(n - 1) if n else make1()")
    with w.tracing(65535):
        x = names["f"](300)
        found = w.tracemalloc.get_object_traceback(x)
        return len(places(found)), found[0] != found[-1], w.tracemalloc.get_traceback_limit()


def scenario_not_tracing(w):
    t = w.tracemalloc
    x = w.makes[1]()
    return (w.fails(t.take_snapshot), w.says(t.take_snapshot), t.get_traced_memory(), t.get_object_traceback(x),
            t.clear_traces(), t.reset_peak(), t.get_tracemalloc_memory() >= 0)


def scenario_traced_memory(w):
    t = w.tracemalloc
    with w.tracing():
        first = t.get_traced_memory()
        things = [w.makes[9]() for _ in range(1000)]
        full = t.get_traced_memory()
        del things
        after = t.get_traced_memory()
        t.reset_peak()
        reset = t.get_traced_memory()
        own = t.get_tracemalloc_memory()
    bytes_ = 1000 * SIZES[9]
    return (type(full), full[0] - first[0] >= bytes_, full[1] >= full[0], after[0] < full[0] - bytes_ // 2,
            after[1] >= full[0], reset[1] < full[0], reset[1] >= reset[0], own > 0, t.get_traced_memory())


def scenario_clear_traces(w):
    names = w.program(a="def f():\n    return make1()")
    with w.tracing():
        x = names["f"]()
        before = places(w.tracemalloc.get_object_traceback(x)), len(w.snapshot().traces)
        w.tracemalloc.clear_traces()
        after = w.tracemalloc.get_object_traceback(x), len(w.snapshot().traces), w.tracemalloc.is_tracing()
        y = names["f"]()
        del x
        return before, after, len(w.snapshot().traces), places(w.tracemalloc.get_object_traceback(y))


# ---- places ----

NESTED = """
def a():
    return b()


def b():
    return [c,
            make1][1]()


def c():
    return a()
"""


def scenario_object_traceback(w):
    names = w.program(a=NESTED)
    seen = []
    old = names["c"]()
    for n in 1, 2, 3, 50:
        with w.tracing(n):
            x = names["c"]()
            found = w.tracemalloc.get_object_traceback(x)
            seen.append((places(found), len(found) <= n, type(found).__name__, found.total_nframe,
                         w.tracemalloc.get_object_traceback(old)))
    return seen


def scenario_total_nframe(w):
    names = w.program(a=NESTED)
    here = len(inspect.stack(0))
    seen = []
    for n in 1, 2, 500:
        with w.tracing(n):
            x = names["c"]()
            trace = w.snapshot().traces[0]
            seen.append((trace.traceback.total_nframe - here, trace.traceback.total_nframe >= n, x is None))
    return seen


def scenario_total_nframe_of_a_statistic(w):
    names = w.program(a=NESTED)
    with w.tracing(2):
        x = names["c"]()
        return w.snapshot().statistics("traceback")[0].traceback.total_nframe is None, x is None


def scenario_object_traceback_of_others(w):
    with w.tracing():
        return [w.tracemalloc.get_object_traceback(x) for x in (None, True, 5, int)], w.fails(
            w.tracemalloc.get_object_traceback)


def scenario_kinds_of_code(w):
    names = w.program(
        lambdas="f1 = lambda: (lambda: make1())()",
        generators="def g():\n    x = make1()\n    yield x\n    yield from h()\ndef h():\n    yield make2()",
        classes="class C:\n    def m(self):\n        return make2()\n    @property\n    def p(self):\n"
                "        return make3()\n    def __getattr__(self, name):\n        return make4()",
        tries="def f2():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        return make6()\n    finally:\n"
              "        make7()",
        calls="def f3(*args, **named):\n    return named['call']()\ndef f4():\n    return max([1], key=keep)\n"
              "kept = []\ndef keep(x):\n    kept.append(make9())\n    return 1")
    seen = []
    with w.tracing(30):
        def see(x):
            seen.append(places(w.tracemalloc.get_object_traceback(x)))

        see(names["f1"]())
        for x in names["g"]():
            see(x)
        exec(compile("class D:\n    x = make1()", "/scenario/d.py", "exec"), names)
        see(names["D"].x)
        c = names["C"]()
        see(c.m())
        see(c.p)
        see(c.nothing)
        exec(compile("\n\nx = make5()", "/scenario/inner.py", "exec"), names)
        see(names["x"])
        see(names["f2"]())
        names["f4"]()
        see(names["kept"][0])
        see(names["f3"](call=w.makes[2]))
        see(eval(compile("make3()", "/scenario/eval.py", "eval"), names))
    return seen


def scenario_coroutines(w):
    names = w.program(co="async def f():\n    return await g()\n\n\nasync def g():\n    return make8()")
    with w.tracing(30):
        try:
            names["f"]().send(None)
        except StopIteration as end:
            return places(w.tracemalloc.get_object_traceback(end.value))


def scenario_threads(w):
    names = w.program(a="def f(out):\n    g(out)\ndef g(out):\n    out[0] = make1()")
    out = [None]
    with w.tracing(2):
        thread = threading.Thread(target=names["f"], args=(out,))
        thread.start()
        thread.join()
        return places(w.tracemalloc.get_object_traceback(out[0])), told(w.snapshot().statistics("lineno"))


def scenario_the_same_code_again(w):
    """Code objects that come and go at the same addresses, with other names."""
    seen = []
    with w.tracing():
        for i in range(50):
            names = w.program(**{f"file{i}": "\n" * i + "x = make1()"})
            seen.append(places(w.tracemalloc.get_object_traceback(names["x"])))
            del names
    with w.tracing():  # numbers of frames begin anew
        names = w.program(other="def f():\n    return make1()\nx = f()")
        seen.append(places(w.tracemalloc.get_object_traceback(names["x"])))
    return seen


def scenario_code_that_outlives_tracing(w):
    names = w.program(a="def f():\n    return make1()")
    seen = []
    for i in range(4):
        with w.tracing():
            others = w.program(**{f"b{i}": "y = make1()"})
            x = names["f"]()
            seen.append((places(w.tracemalloc.get_object_traceback(x)), len(w.snapshot().traces), "y" in others))
    return seen


KNOWN = {
    "total_nframe_of_a_statistic": "Tracebacks of statistics know their depth",
}


# Up to Python 3.10 the frames of functions are objects that tracemalloc sees too.
FRAMES = {"total_nframe", "threads"} if sys.version_info < (3, 11) else set()


class Same(unittest.TestCase):
    maxDiff = 4000

    def test_scenarios(self):
        found = same.scenarios(globals())
        same.compare(self, {name: call for name, call in found.items() if name not in FRAMES}, KNOWN)
        husk.default.verify()

    def test_names(self):
        """Everything that tracemalloc offers is there."""
        for name, thing in vars(tracemalloc).items():
            if name.startswith("_") or getattr(thing, "__module__", None) not in ("tracemalloc", "_tracemalloc"):
                continue
            self.assertIn(name, husk.tracemalloc.__all__)
            if isinstance(thing, type):
                members = {x for x in vars(thing) if not x.startswith("_")}
                members |= {"traceback_limit", "traces"} if name == "Snapshot" else set()
                self.assertEqual(members - set(dir(getattr(husk.tracemalloc, name))), set(), name)


if __name__ == "__main__":
    main()
