"""husk.tracemalloc against tracemalloc: snapshots, their statistics, filters, classes and files. The same scenario told to
both (same.py)."""

import os
import pickle
import sys
import tempfile
import unittest

import husk
import same
from same import told
from support import main

HERE = os.path.abspath(__file__)


def compared(stats):
    return [(str(x), x.size, x.size_diff, x.count, x.count_diff, [(f.filename, f.lineno) for f in x.traceback])
            for x in stats]


# ---- statistics ----

SHOP = """
def one(n, keep, at):
    for i in range(n):
        keep[at + i] = make1()


def two(n, keep, at):
    for i in range(n):
        keep[at + i] = make4()


def three(n, keep, at):
    for i in range(n):
        keep[at + i] = make4()
"""
OTHER = """
def four(n, keep, at):
    one(n, keep, at)
    for i in range(n):
        keep[at + n + i] = make8()


def down(n, keep):
    if n:
        down(n - 1, keep)
    keep[n] = make2()
"""


def shop(w):
    names = w.program(shop=SHOP, other=OTHER)
    return names, [None] * 200


def scenario_statistics(w):
    names, keep = shop(w)
    seen = []
    for n in 1, 2, 10:
        with w.tracing(n):
            names["one"](7, keep, 0)
            names["two"](3, keep, 20)
            names["three"](3, keep, 40)
            names["four"](2, keep, 60)
            snapshot = w.snapshot()
            for key in "lineno", "filename":
                stats = snapshot.statistics(key)
                seen.append((told(stats), isinstance(stats, list), hash(stats[0]) == hash(stats[0]), stats == list(stats)))
            seen.append([(size, count, places_[-1:]) for _, size, count, places_ in told(snapshot.statistics("traceback"))])
            seen.append(snapshot.statistics(key_type="lineno", cumulative=False)[0] == snapshot.statistics("lineno")[0])
            keep[:] = [None] * 200
    return seen


def scenario_statistics_cumulative(w):
    names, keep = shop(w)
    with w.tracing(2):
        names["one"](7, keep, 0)
        names["four"](4, keep, 60)
        snapshot = w.snapshot()
        return [[x for x in told(snapshot.statistics(key, True)) if x[3][0][0].startswith("/scenario/")]
                for key in ("lineno", "filename")]


def scenario_statistics_cumulative_of_recursion(w):
    names, keep = shop(w)
    with w.tracing(10):
        names["down"](5, keep)
        return [x[:3] for x in told(w.snapshot().statistics("lineno", cumulative=True)) if x[3][0][0].startswith("/scenario/")]


def scenario_statistics_cumulative_each_frame(w):
    names, keep = shop(w)
    more = {} if w.name == "standard" else {"each_frame": True}
    with w.tracing(10):
        names["down"](5, keep)
        return [x[:3] for x in told(w.snapshot().statistics("lineno", cumulative=True, **more))
                if x[3][0][0].startswith("/scenario/")]


def scenario_statistics_wrong_arguments(w):
    with w.tracing():
        s = w.snapshot()
        calls = [lambda: s.statistics("nonsense"), lambda: s.statistics(None), lambda: s.statistics(5),
                 lambda: s.statistics("traceback", True), lambda: s.statistics("nonsense", True)]
        return ([w.fails(call) for call in calls], [w.says(call) for call in calls], w.fails(s.statistics),
                w.fails(lambda: s.compare_to(s, "nonsense")))


def scenario_statistics_of_nothing(w):
    with w.tracing():
        s = w.snapshot()
        return s.statistics("lineno"), s.compare_to(s, "filename"), len(s.traces), list(s.traces)


def scenario_compare(w):
    names, keep = shop(w)
    with w.tracing(5):
        names["one"](7, keep, 0)
        names["two"](3, keep, 20)
        names["four"](3, keep, 60)
        old = w.snapshot()
        keep[0:5] = [None] * 5
        keep[20:23] = [None] * 3
        names["three"](3, keep, 40)
        names["one"](1, keep, 10)
        new = w.snapshot()
        seen = [compared(x.compare_to(y, key)) for x, y in ((new, old), (old, new), (old, old))
                for key in ("lineno", "filename")]
        seen.append([x[1:5] for x in compared(new.compare_to(old, "traceback"))])
        seen.append(new.compare_to(old, "lineno")[0] == new.compare_to(old_snapshot=old, key_type="lineno")[0])
        return seen


def scenario_compare_differently_filtered(w):
    names, keep = shop(w)
    t = w.tracemalloc
    with w.tracing():
        names["one"](7, keep, 0)
        names["two"](3, keep, 20)
        s = w.snapshot()
        one = s.filter_traces([t.Filter(True, "*", lineno=4)])
        two = s.filter_traces([t.Filter(False, "*", lineno=4)])
        return [compared(x.compare_to(y, "lineno")) for x in (s, one, two) for y in (s, one, two)]


# ---- filters ----

def scenario_filters(w):
    names, keep = shop(w)
    F, D = w.tracemalloc.Filter, w.tracemalloc.DomainFilter
    with w.tracing(3):
        names["one"](7, keep, 0)
        names["two"](3, keep, 20)
        names["four"](3, keep, 60)
        s = w.snapshot()
    lists = [
        [], (), iter([F(True, "*shop*")]), {F(True, "*shop*")},
        [F(True, "/scenario/shop.py")], [F(False, "/scenario/shop.py")], [F(True, "*/shop.pyc")], [F(True, "shop.py")],
        [F(True, "*SHOP*")], [F(True, "/scenario/????.py")], [F(True, "/scenario/[a-s]*")], [F(True, "/scenario/[!s]*")],
        [F(True, "/scenario/[^s]*")], [F(True, "/scenario/[]s]*")], [F(True, "/scenario/[s")], [F(True, "")],
        [F(True, "*")], [F(False, "*")], [F(True, "*", 4)], [F(True, "*", lineno=0)], [F(True, "*", lineno=-4)],
        [F(True, "*", lineno=1 << 70)], [F(False, "*", lineno=-4)], [F(False, "*", 4)],
        [F(True, "*other*")], [F(True, "*other*", all_frames=True)], [F(False, "*other*", all_frames=True)],
        [F(True, "*other*", 3, True)], [F(True, "*other*", 4, True)], [F(True, "*shop*", 3, True)],
        [F(True, "*shop*"), F(True, "*other*")], [F(True, "*shop*"), F(False, "*", 4)], [F(False, "*", 4), F(False, "*", 9)],
        [F(True, "*", domain=0)], [F(True, "*", domain=1)], [F(False, "*", domain=0)], [F(False, "*", domain=1)],
        [F(True, "*shop*", domain=0)], [F(False, "*shop*", domain=1)], [F(False, "*shop*", domain=0)],
        [D(True, 0)], [D(False, 0)], [D(True, 1)], [D(False, 1)], [D(True, 0), F(False, "*shop*")],
        [D(inclusive=True, domain=0)], [F(0, "*shop*")], [F(1, "*shop*")], [F("yes", "*shop*")],
    ]
    seen = []
    for filters in lists:
        chosen = s.filter_traces(filters)
        seen.append((len(chosen.traces), told(chosen.statistics("lineno")), type(chosen) is type(s), chosen is s,
                     chosen.traceback_limit))
    again = s.filter_traces([F(True, "*shop*")]).filter_traces([F(True, "*", 4)])
    return seen, told(again.statistics("lineno")), len(s.traces)


def scenario_filters_that_are_none(w):
    t = w.tracemalloc
    names, keep = shop(w)
    with w.tracing():
        names["one"](2, keep, 0)
        s = w.snapshot()
    bare = type(t.Filter(True, "*")).__mro__[1](True)
    return ([w.fails(s.filter_traces, x) for x in (5, None, [5], [bare], [None], t.Filter(True, "*"), "text")],
            [w.says(s.filter_traces, x) for x in (5, t.Filter(True, "*"))], w.fails(s.filter_traces), w.fails(t.Filter),
            w.fails(t.DomainFilter, True), w.fails(t.Filter, True, 5), w.fails(t.Filter, True, "*", 1, 2, 3, 4))


def scenario_filters_have(w):
    f = w.tracemalloc.Filter(True, "a*.pyc", 12, True, 5)
    d = w.tracemalloc.DomainFilter(False, 7)
    g = w.tracemalloc.Filter(False, "b")
    seen = [f.inclusive, f.filename_pattern, f.lineno, f.all_frames, f.domain, d.inclusive, d.domain, g.lineno,
            g.all_frames, g.domain, w.fails(setattr, f, "filename_pattern", "b"), w.fails(setattr, d, "domain", 1)]
    f.lineno, f.all_frames, f.inclusive = 3, False, False
    return seen, f.lineno, f.all_frames, f.inclusive


def scenario_filter_changed_afterwards(w):
    names, keep = shop(w)
    with w.tracing():
        names["one"](2, keep, 0)
        names["two"](2, keep, 10)
        s = w.snapshot()
    f = w.tracemalloc.Filter(True, "*", 4)
    chosen = s.filter_traces([f])
    f.lineno = 9
    return told(chosen.statistics("lineno"))


# ---- the classes ----

def scenario_frame(w):
    F = w.tracemalloc.Frame
    a, b, c = F(("a.py", 3)), F(("a.py", 3)), F(("b.py", 1))
    return [a.filename, a.lineno, a == b, a != b, a == c, a < c, a <= b, c > a, c >= a, hash(a) == hash(b), str(a),
            repr(a), a == "a.py:3", w.fails(lambda: a < 5), w.fails(setattr, a, "lineno", 4), w.fails(F),
            w.fails(setattr, a, "other", 4), sorted([c, a, F(("a.py", 1))])[0].lineno, len({a, b, c}),
            repr(F(("q'\n", 0)))]


def scenario_traceback(w):
    T, F = w.tracemalloc.Traceback, w.tracemalloc.Frame
    frames = (("c.py", 3), ("b.py", 2), ("a.py", 1))
    t, u, v = T(frames), T(frames), T(frames[1:], 9)
    return [len(t), str(t), repr(t), repr(v), repr(t[0]), repr(t[-1]), repr(t[:2]), repr(t[::-1]), repr(t[5:]), repr(t[1:2]),
            [x.lineno for x in t], [x.lineno for x in reversed(t)], F(("b.py", 2)) in t, F(("b.py", 3)) in t,
            t.index(F(("b.py", 2))), t.count(F(("b.py", 2))), t == u, t != u, t == v, hash(t) == hash(u), v < t, t <= u,
            t > v, t >= v, t.total_nframe, v.total_nframe, T(frames, 9) == t, t == frames, w.fails(lambda: t < frames),
            w.fails(lambda: t[3]), w.fails(lambda: t["x"]), w.fails(lambda: 5 in t), w.fails(T), w.fails(str, T(())),
            len(T(())), w.fails(setattr, t, "total_nframe", 1), len({t, u, v})]


def scenario_traceback_format(w):
    T = w.tracemalloc.Traceback
    with open(HERE, encoding="utf-8") as file:
        lines = [n for n, line in enumerate(file, 1) if line.strip()][:4]
    t = T([(HERE, lines[3]), (HERE, lines[2]), ("/no/such file", 7), (HERE, lines[1]), (HERE, 10**9), (HERE, lines[0])])
    return [t.format(), t.format(2), t.format(limit=-2), t.format(0), t.format(100), t.format(-100), t.format(1, True),
            t.format(most_recent_first=True), t.format(-3, most_recent_first=True), T([("/dev", 1)]).format(),
            T([("<unknown>", 0), ("", 1)]).format(), t[:2][0].lineno]


def scenario_trace(w):
    T = w.tracemalloc.Trace
    a = T((0, 2048, (("b.py", 2), ("a.py", 1)), 2))
    b = T((0, 2048, (("b.py", 2), ("a.py", 1)), 2))
    c = T((3, 100000, (("b.py", 2),), None))
    return [a.domain, a.size, repr(a.traceback), str(a), repr(a), str(c), repr(c), a == b, a != b, a == c, a == 5,
            hash(a) == hash(b), c.domain, a.traceback.total_nframe, w.fails(setattr, a, "size", 1), w.fails(lambda: a < b)]


def scenario_statistic(w):
    S, D, T = w.tracemalloc.Statistic, w.tracemalloc.StatisticDiff, w.tracemalloc.Traceback
    t, u = T([("a.py", 1)]), T([("a.py", 2)])
    s, d = S(t, 2000, 3), D(t, 2000, -100, 3, -1)
    return [str(s), repr(s), str(d), repr(d), s == S(t, 2000, 3), s == S(u, 2000, 3), s == S(t, 2001, 3), s == S(t, 2000, 4),
            s == 5, s != d, hash(s) == hash(S(t, 2000, 3)), d == D(t, 2000, -100, 3, -1), d == D(t, 2000, 100, 3, -1),
            d == 5, hash(d) == hash(D(t, 2000, -100, 3, -1)), str(S(t, 0, 0)), str(D(t, 0, 0, 0, 0)),
            repr(D(t, 0, 5, 0, 5)), w.fails(lambda: s < s), w.fails(S), w.fails(D, t), (s.traceback is t, s.size, s.count),
            (d.traceback is t, d.size, d.size_diff, d.count, d.count_diff), S(traceback=t, size=1, count=1).size,
            w.fails(setattr, s, "other", 1)]


def scenario_sizes_as_text(w):
    S, D, T = w.tracemalloc.Statistic, w.tracemalloc.StatisticDiff, w.tracemalloc.Traceback
    t = T([("a.py", 1)])
    sizes = [0, 1, 1023, 1024, 10239, 10240, 10241, 102399, 102400, 102401, 1048575, 1048576, 10 * 1048576 - 1,
             10 * 1048576, 100 * 1048576, 99 * 1024**3, 10**15, 2**63, 2**80]
    seen = [(str(S(t, size, 1)), str(S(t, size, 7))) for size in sizes]
    return seen + [str(D(t, size, sign * size, 2, sign * 2)) for size in sizes for sign in (1, -1)]


def scenario_traces(w):
    names, keep = shop(w)
    with w.tracing(2):
        names["one"](3, keep, 0)
        names["two"](1, keep, 20)
        s, other = w.snapshot(), w.snapshot()
    traces = s.traces
    found = sorted((x.size, x.domain, str(x), len(x.traceback)) for x in traces)
    part = traces[1:3]
    return [found, len(traces), repr(traces), type(part), len(part), traces[0] in traces,
            w.tracemalloc.Trace((0, 1, (("x", 1),), 1)) in traces, traces[-1] == traces[len(traces) - 1],
            w.fails(lambda: traces[4]), w.fails(lambda: traces[-5]), w.fails(lambda: traces["x"]), traces == s.traces,
            traces == 5, sorted(map(hash, traces)) == sorted(map(hash, other.traces)), len(traces[::2]), len(traces[9:]),
            w.fails(hash, traces)]


def scenario_equal_things_are_one_group(w):
    with w.tracing():
        things = [w.program(same="x = make1()")["x"] for _ in range(5)]
        return told(w.snapshot().statistics("lineno")), len(things)


# ---- files ----

def scenario_dump_and_load(w):
    names, keep = shop(w)
    with w.tracing(4):
        names["one"](3, keep, 0)
        names["four"](2, keep, 20)
        s = w.snapshot()
        s.note_of_mine = {"a": [1, 2.5, None, "text", True]}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "snapshot")
        seen = [s.dump(path)]
        loaded = w.tracemalloc.Snapshot.load(path)
        s.dump(os.fsencode(path))
        seen += [os.listdir(folder)]
    seen += [told(loaded.statistics(key)) == told(s.statistics(key)) for key in ("lineno", "traceback", "filename")]
    return seen, loaded.traceback_limit, loaded.note_of_mine, len(loaded.traces), compared(loaded.compare_to(s, "lineno"))


def scenario_dump_a_tuple_or_an_object(w):
    with w.tracing():
        s = w.snapshot()
    s.pair = (1, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "snapshot")
        s.dump(path)
        seen = w.tracemalloc.Snapshot.load(path).pair
        s.pair = same.Plain
        return seen, w.fails(s.dump, path)


def scenario_files_that_are_none(w):
    with w.tracing():
        s = w.snapshot()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        return [isinstance(call, str) for call in (w.fails(w.tracemalloc.Snapshot.load, path), w.fails(s.dump, folder),
                                                   w.fails(s.dump, os.path.join(path, "y")),
                                                   w.fails(w.tracemalloc.Snapshot.load, folder))]


def scenario_which_error_of_a_file(w):
    return w.fails(w.tracemalloc.Snapshot.load, "/no/such/file")


def scenario_files_that_are_something_else(w):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"nothing of the kind")
        file.flush()
        return w.fails(w.tracemalloc.Snapshot.load, file.name)


def scenario_pickle(w):
    names, keep = shop(w)
    with w.tracing(2):
        names["one"](3, keep, 0)
        s = w.snapshot()
    things = [s.traces[0], s.traces[0].traceback, s.traces[0].traceback[0], s.statistics("lineno"),
              s.statistics("traceback")[0], s.compare_to(s, "lineno")]
    return [pickle.loads(pickle.dumps(x)) == x for x in things]


def scenario_pickle_a_snapshot(w):
    with w.tracing():
        s = w.snapshot()
    return w.fails(pickle.dumps, s) if w.fails(pickle.dumps, s) == "TypeError" else "gives"


def scenario_make_a_snapshot(w):
    made = w.fails(lambda: len(w.tracemalloc.Snapshot([], 1).traces))
    return made


KNOWN = {
    "statistics_cumulative_of_recursion": "Recursion is counted once",
    "dump_a_tuple_or_an_object": "Files are read by everybody and run nothing",
    "which_error_of_a_file": "Errors of files are husk.FileError",
    "files_that_are_something_else": "Errors of files are husk.FileError",
    "pickle_a_snapshot": "Snapshots are taken or loaded",
    "make_a_snapshot": "Snapshots are taken or loaded",
}


# Up to Python 3.10 the frames of functions are objects that tracemalloc sees too.
FRAMES = {"statistics", "statistics_cumulative", "statistics_cumulative_each_frame", "compare", "filters",
          "dump_and_load"} if sys.version_info < (3, 11) else set()


class Same(unittest.TestCase):
    maxDiff = 4000

    def test_scenarios(self):
        found = same.scenarios(globals())
        same.compare(self, {name: call for name, call in found.items() if name not in FRAMES}, KNOWN)
        husk.default.verify()


if __name__ == "__main__":
    main()
