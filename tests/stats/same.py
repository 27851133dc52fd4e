"""The same traces told to Husk and to Python's tracemalloc: statistics, filters and comparisons have to print the same.

usage: same.py STATS_TELL ROUNDS [SEED]"""
import random
import sys
import tracemalloc

from tell import Tell, Writer, check

CUMULATIVE_AS_PYTHON = 3  # HUSK_STATS_CUMULATIVE | HUSK_STATS_EACH_FRAME
NAMES = ["a.py", "b.py", "a.pyc", "lib/a.py", "lib/b.py", "lib/deep/c.py", "<string>", "<unknown>", "é.py", "\U0001F600.py",
         "￿.py", "[x].py", "a-b.py", "Z.py", "%41.py", "x y.py", "lib", ""]
PATTERNS = ["a.py", "*.py", "*.pyc", "lib/*", "?.py", "[ab].py", "[!a].py", "*", "<*>", "*a*", "[[]x].py", "é.py", "lib/*/*",
            "[a-c]*", "*b.p[xy]", "nothing", ""]
KEYS = {"lineno": "line", "filename": "file", "traceback": "traceback"}


def random_traces(rng, count, names):
    stacks = []
    for _ in range(rng.randint(1, 12)):
        base = list(rng.choice(stacks)) if stacks and rng.random() < 0.6 else []
        base = base[rng.randint(0, len(base)):]
        new = [(rng.choice(names), rng.randint(0, 3)) for _ in range(rng.randint(1, 4))]
        stacks.append(tuple(new + base))
    if rng.random() < 0.5:
        stacks.append((("<unknown>", 0),))
    sizes = rng.choice([[16], [0, 1, 100], [10239, 10240, 10241], list(range(1, 3000)), [1 << 20, 1 << 40, 3]])
    return [(rng.choice((0, 0, 1, 2)), rng.choice(sizes), rng.choice(stacks), None) for _ in range(count)]


def write(tell, rng, traces):
    writer = Writer(tell, rng, rng.random() < 0.5)
    type_ = writer.type("thing")
    tell.put("epoch", 0, "")
    for domain, size, frames, _ in traces:
        stack = writer.stack([writer.frame(file, "f%d" % line if rng.random() < 0.5 else "", line) for file, line in frames])
        if frames == (("<unknown>", 0),) and rng.random() < 0.5:
            stack = 0
        context = writer.context("", str(domain), 0)
        record = writer.row("record", (stack, context), stack, context, 0, 0, 0, 0, 0, 0, 0)
        if rng.random() < 0.3:
            tell.put("block", 2, size, record, 0)
        else:
            tell.put("object", type_, size, record, 0)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def random_filters(rng, names):
    ours, theirs = [], []
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        inclusive = rng.random() < 0.6
        if rng.random() < 0.2:
            domain = rng.randint(0, 3)
            theirs.append(tracemalloc.DomainFilter(inclusive, domain))
            terms = ["domain=%d" % domain]
        else:
            pattern = rng.choice(PATTERNS + names)
            line = rng.choice((None, None, 0, 1, 2))
            domain = rng.choice((None, None, 0, 1))
            every = rng.random() < 0.5
            theirs.append(tracemalloc.Filter(inclusive, pattern, line, every, domain))
            terms = ["file=" + quoted(pattern)]
            terms += ["line=%d" % line] if line is not None else []
            terms += ["domain=%d" % domain] if domain is not None else []
            terms += ["all"] if every else []
            rng.shuffle(terms)
        ours.append(("" if inclusive else "!") + ",".join(terms))
    return ours, theirs


def python_lines(snapshot, older, key, cumulative):
    if older:
        rows = snapshot.compare_to(older, key, cumulative)
    else:
        rows = snapshot.statistics(key, cumulative)
    return rows, [str(row) for row in rows]


def round_of(tell, rng, seed):
    names = rng.sample(NAMES[:-1], rng.randint(1, 8))
    sides = []
    for _ in range(2):
        traces = random_traces(rng, rng.choice((0, 1, 5, 60, 400)), names)
        if sides and rng.random() < 0.7:
            traces = sides[0][len(sides[0]) // 3:] + traces
            rng.shuffle(traces)
        sides.append(traces)
        write(tell, rng, traces)
    old, now = (tracemalloc.Snapshot(tuple(traces), 25) for traces in sides)
    for _ in range(12):
        ours, theirs = random_filters(rng, names)
        key = rng.choice(list(KEYS))
        cumulative = key != "traceback" and rng.random() < 0.5
        compare = rng.random() < 0.5
        before, after = (s.filter_traces(theirs) if theirs else s for s in (old, now))
        if compare and rng.random() < 0.3:
            ours_before, theirs_before = random_filters(rng, names)
            before = old.filter_traces(theirs_before) if theirs_before else old
            ours = ours + ["|"] + ours_before
        rows, want = python_lines(after, before if compare else None, key, cumulative)
        answer = tell.ask("ask", KEYS[key], "size", CUMULATIVE_AS_PYTHON if cumulative else 0, int(compare), *ours)
        lines = [line for line in answer if line[0] != "frames"]
        what = "seed %d: %s%s%s %s" % (seed, key, " cumulative" * cumulative, " compared" * compare, ours)
        check(what, [line[0] for line in lines[:-2]], want)
        figures = [[row.size, row.count, getattr(row, "size_diff", 0), getattr(row, "count_diff", 0)] for row in rows]
        check(what, [[int(n) for n in line[1:5]] for line in lines[:-2]], figures)
        total = sum(trace.size for trace in after.traces), len(after.traces)
        check(what + ": total", tuple(int(n) for n in lines[-2][1:3]), total)
        rest = figures[len(figures) // 2:]
        check(what + ": rest", [int(n) for n in lines[-1][1:5]], [sum(c) for c in zip(*rest)] or [0] * 4)
        if key == "traceback":
            check(what + ": frames", [line[1:-1] for line in answer if line[0] == "frames"],
                  [["%s:%d" % (f.filename, f.lineno) for f in reversed(row.traceback)] for row in rows])
            for i in rng.sample(range(len(rows)), min(3, len(rows))):
                limit, first = rng.choice((None, 1, 2, 100, -1, -2, -100)), rng.random() < 0.5
                have = tell.ask("traceback", i, limit or 0, 1 if first else 0)
                # A negative limit: as the documentation of tracemalloc has it; its code leaves out as many newest.
                depth = len(rows[i].traceback)
                theirs_limit = limit if limit is None or limit > 0 or -limit >= depth else -(depth + limit)
                if limit is not None and -limit >= depth:
                    theirs_limit = None
                check(what, have[0][0].split("\n")[:-1], rows[i].traceback.format(theirs_limit, first))


def sizes(tell, rng):
    for _ in range(3000):
        size = rng.choice((rng.randint(-200000, 200000), rng.uniform(-20000, 20000), rng.randint(-1 << 55, 1 << 55),
                           rng.choice((1, -1)) * 1024 ** rng.randint(0, 6) * rng.choice((1, 9.95, 99.95, 10, 100, 0.5))))
        sign = rng.random() < 0.5
        check("size %r" % size, tell.ask("size", repr(float(size)), int(sign))[0][0],
              tracemalloc._format_size(float(size), sign))


def main():
    tell, rounds = Tell(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    sizes(tell, random.Random(seed))
    for seed in range(seed, seed + rounds):
        round_of(tell, random.Random(seed), seed)
    tell.close()
    print("%d rounds" % rounds)


main()
