"""Statistics done slowly and obviously: every thing by itself, every group a text. All groupings, orders, filters,
comparisons; exact and sampled snapshots.

usage: model.py STATS_TELL ROUNDS [SEED]"""
import fnmatch
import math
import random
import sys
import tracemalloc

from tell import Tell, Writer, check

CUMULATIVE, EACH_FRAME, UNTRACED, RECORDS = 1, 2, 4, 8
OF_FRAMES = ("line", "file", "function")
OF_RECORDS = OF_FRAMES + ("traceback", "tag", "domain", "thread")
BYS = OF_RECORDS + ("type", "class", "age", "mark", "kind")
SORTS = ("size", "count", "born", "temporary", "peak")
CHURN = ("born", "born_bytes", "died", "died_bytes", "temporary", "peak", "peak_bytes")
FILES = ["a.lua", "b.lua", "dir/a.lua", "dir/b.c", "é.lua", "\U0001F600", "[x]", "no\nline", "a.luac", "!odd", "\udcffbad"]
FUNCTIONS = ["", "f", "g", "main", "f\0g", "(x)"]
TAGS = ["", "load", "serve", "ta\tg"]
DOMAINS = ["", "0", "net"]
TYPES = ["list", "text", "map", "a type", "list"]
THREADS = [(0, ""), (17, "main"), (18, ""), (19, "main"), (1 << 40, "work;er")]
UNKNOWN = ("<unknown>", "", 0, None, 0)
MODULE = ("/lib/libc.so", 0x1000, 0x9000, 0x200)


def data(text):
    return text.encode("utf-8", "surrogateescape")


def shown(text):
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(named.get(c, "\\x%02x" % ord(c) if ord(c) < 32 or ord(c) == 127 else c) for c in text)


# ---- what there is ----

class Record:
    def __init__(self, frames, total, tag, domain, thread, churn):
        self.frames, self.total, self.tag, self.domain, self.thread = frames, total, tag, domain, thread
        self.churn = dict(zip(CHURN, churn))


NOWHERE = Record((UNKNOWN,), 0, "", "", (0, ""), (0,) * 7)


class Thing:
    def __init__(self, kind, size, type_, record, epoch):
        self.kind, self.size, self.type, self.record, self.epoch = kind, size, type_, record, epoch

    @property
    def traced(self):
        return self.record is not NOWHERE

    def untraced(self):
        return Thing(self.kind, self.size, self.type, NOWHERE, None)


class World:
    """A random snapshot: the things, and the lines that build the same for tell.c."""

    def __init__(self, rng, frames, stacks):
        self.rng = rng
        self.means = rng.choice(((0, 0), (0, 0), (0, 0), (64, 64), (5000, 0), (0, 300), (10 ** 9, 10 ** 9)))
        self.epochs = [(0, "")]
        for _ in range(rng.randint(0, 6)):
            self.epochs.append((self.epochs[-1][0] + rng.choice((1, 10 ** 9, 3 * 10 ** 9, 10 ** 11)),
                                rng.choice(("", "", "start", "end"))))
        self.elapsed = self.epochs[-1][0] + rng.choice((0, 10 ** 9 - 1, 5 * 10 ** 9))
        self.classes = rng.choice(([], [32, 48, 64, 1024, 4096]))
        self.records = [Record(rng.choice(stacks), rng.choice((0, 0, 40)), rng.choice(TAGS), rng.choice(DOMAINS),
                               rng.choice(THREADS), [rng.choice((0, 1, 5, 5000)) for _ in CHURN])
                        for _ in range(rng.choice((0, 1, 4, 20)))]
        self.things = [self.thing() for _ in range(rng.choice((0, 1, 10, 100, 100, 300)))]

    def thing(self):
        rng = self.rng
        record, epoch = NOWHERE, None
        kind = rng.choice((0, 0, 0, 1, 2))
        if self.records and rng.random() < 0.8:
            record, epoch = rng.choice(self.records), rng.randrange(len(self.epochs))
        size = rng.choice((0, 1, 16, 48, 48, 100, 1000, 5000, 70000, rng.randint(1, 1 << 34)))
        return Thing(kind, size, rng.choice(TYPES + ["?"]), record, epoch)

    def write(self, tell):
        rng = self.rng
        writer = Writer(tell, rng, rng.random() < 0.5)
        for name, value in (("sample_bytes", self.means[0]), ("block_sample_bytes", self.means[1])):
            if value or rng.random() < 0.5:
                tell.put("number", "trace", name, value)
        tell.put("number", "trace", "elapsed_ns", self.elapsed)
        for size in rng.sample(self.classes, len(self.classes)):
            tell.put("class", size)
        for start, mark in self.epochs:
            tell.put("epoch", start, writer.text(mark))
        module = writer.module(*MODULE)
        writer.frame(*rng.choice(FRAMES)[:3])
        numbers = {NOWHERE: [0]}
        for record in rng.sample(self.records, len(self.records)):
            frames = [writer.frame(file, function, line, module if where else 0, where[1] if where else 0)
                      for file, function, line, where, _ in record.frames]
            stack = 0 if record.frames == (UNKNOWN,) and not record.total else writer.stack(frames, record.total)
            context = writer.context(record.tag, record.domain, writer.thread(*record.thread))
            tell.put("record", stack, context, *record.churn.values())
            numbers[record] = [writer.counts.get("record", 0) + 1]
            writer.counts["record"] = numbers[record][0]
        # Objects come before blocks in every list.
        self.things.sort(key=lambda thing: thing.kind)
        for thing in self.things:
            site = numbers[thing.record][0], thing.epoch or 0
            if thing.kind == 0:
                tell.put("object", writer.type(thing.type), thing.size, *site)
            else:
                tell.put("block", thing.kind, thing.size, *site)
        self.numbers = {record: number[0] for record, number in numbers.items()}

    def weight(self, thing):
        mean = self.means[thing.kind == 2]
        if not mean or not thing.traced:
            return 1
        return 1 / -math.expm1(-(thing.size or 1) / mean)


# (file, function, line, (MODULE, address) of a native frame, offset in its module's file)
FRAMES = [("a.lua", "f", 1, None, 0), ("a.lua", "g", 1, None, 0), ("a.lua", "f", 2, None, 0), UNKNOWN,
          ("", "", 0, ("native", 0x1234), 0x434), ("", "malloc", 0, ("native", 0x1235), 0x435)]


def random_stacks(rng):
    frames = FRAMES + [(rng.choice(FILES), rng.choice(FUNCTIONS), rng.randint(0, 3), None, 0) for _ in range(8)]
    stacks = [(UNKNOWN,)]
    for _ in range(rng.randint(1, 10)):
        base = rng.choice(stacks) if rng.random() < 0.6 else ()
        base = base[rng.randint(0, len(base)):]
        stacks.append(tuple(rng.choice(frames) for _ in range(rng.choice((1, 1, 2, 3, 8)))) + base)
    return frames, stacks


# ---- names: (what tells apart and orders, what is printed) ----

def file_of(frame):
    return MODULE[0] if frame[3] else frame[0]


def place(frame):
    file = shown(file_of(frame))
    if not frame[3]:
        text = "%s:%d" % (file, frame[2])
    else:
        text = "%s+0x%x" % (file, frame[4]) + (" (%s)" % shown(frame[1]) if frame[1] else "")
    return (data(file_of(frame)), bool(frame[3]), frame[4] if frame[3] else frame[2]), text


def frame_name(by, frame):
    file = file_of(frame)
    if by == "line":
        return place(frame)
    if by == "file":
        return data(file), shown(file) + ":0"
    return (data(frame[1]), data(file)), "%s (%s)" % (shown(frame[1]) or "?", shown(file))


def name(world, by, thing):
    record = thing.record
    if by in OF_FRAMES:
        return frame_name(by, record.frames[0])
    if by == "traceback":
        return tuple(place(f)[0] for f in reversed(record.frames)), place(record.frames[-1])[1]
    if by in ("tag", "domain"):
        text = getattr(record, by)
        return data(text), shown(text) or "(none)"
    if by == "thread":
        number, text = record.thread
        return (data(text), number), "%s (%d)" % (text, number) if text else "thread %d" % number if number else "(not known)"
    if by == "type":
        return ((0, data(thing.type)), thing.type) if thing.kind == 0 else ((thing.kind,), ("(buffer)", "(block)")[thing.kind - 1])
    if by == "class":
        size = min((c for c in world.classes if c >= thing.size), default=None)
        if size is None:
            size = 1
            while size < thing.size:
                size *= 2
        return size, tracemalloc._format_size(size, False)
    if by == "kind":
        return thing.kind, ("(object)", "(buffer)", "(block)")[thing.kind]
    if not thing.traced:
        return (-1,), "(not known)"
    if by == "age":
        seconds = max(0, world.elapsed - world.epochs[thing.epoch][0]) // 10 ** 9
        low = 1
        while low * 2 <= seconds:
            low *= 2
        return ((low, low), "%d-%d s" % (low, 2 * low - 1)) if seconds > 1 else ((0, seconds), "%d s" % seconds)
    marks = [mark for _, mark in world.epochs[:thing.epoch + 1] if mark]
    return (1, data(marks[-1] if marks else "")), shown(marks[-1]) if marks else "(before any mark)"


# ---- filters ----

def same_source(text):
    return text[:-1] if text.endswith((".pyc", ".luac")) else text


class Condition:
    def __init__(self, rng, world):
        self.inclusive = rng.random() < 0.6
        said = self.said = {}
        for term in rng.sample(("file", "line", "function", "type", "tag", "thread", "domain", "min", "since", "kind"),
                               rng.choice((1, 1, 2, 3))):
            said[term] = {
                "file": lambda: rng.choice(FILES + ["*", "a*", "*.lua", "dir/?.*", "*lib*", "<*", ""]),
                "function": lambda: rng.choice(("f", "?", "*", "m*", "", "[!f]")),
                "type": lambda: rng.choice(TYPES + ["*", "?", "l*"]),
                "tag": lambda: rng.choice(TAGS + ["*", "?*"]),
                "domain": lambda: rng.choice(DOMAINS),
                "thread": lambda: rng.choice(("main", "17", "*", "0", "work;er", "1*")),
                "line": lambda: rng.randint(0, 3),
                "min": lambda: rng.choice((0, 17, 1000, 1 << 20)),
                "since": lambda: rng.choice([m for _, m in world.epochs if m] or ["start"]),
                "kind": lambda: rng.randint(0, 2),
            }[term]()
        self.every = rng.random() < 0.5

    def text(self):
        def one(term, value):
            if term == "kind":
                value = ("object", "buffer", "block")[value]
            elif term == "min" and value == 1 << 20:
                value = "1m"
            elif isinstance(value, str) and set('",') & set(value):
                value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            return "%s=%s" % (term, value)

        terms = [one(*item) for item in self.said.items()] + ["all"] * self.every
        return ("" if self.inclusive else "!") + ",".join(terms)

    def of_places(self):
        return not set(self.said) & {"type", "min", "since", "kind"}

    def frame(self, frame):
        said = self.said
        return (("line" not in said or frame[2] == said["line"]) and
                ("file" not in said or fnmatch.fnmatchcase(same_source(file_of(frame)), same_source(said["file"]))) and
                ("function" not in said or fnmatch.fnmatchcase(frame[1], said["function"])))

    def matches(self, world, thing):
        said, record = self.said, thing.record
        number, thread = record.thread
        marks = [i for i, (_, mark) in enumerate(world.epochs) if mark and mark == said.get("since")]
        return (any(map(self.frame, record.frames if self.every else record.frames[:1])) and
                ("tag" not in said or fnmatch.fnmatchcase(record.tag, said["tag"])) and
                ("domain" not in said or record.domain == said["domain"]) and
                ("thread" not in said or fnmatch.fnmatchcase(str(number), said["thread"]) or
                 thread != "" and fnmatch.fnmatchcase(thread, said["thread"])) and
                ("type" not in said or thing.kind == 0 and fnmatch.fnmatchcase(thing.type, said["type"])) and
                ("min" not in said or thing.size >= said["min"]) and
                ("kind" not in said or thing.kind == said["kind"]) and
                ("since" not in said or thing.traced and thing.epoch >= marks[-1]))


def passes(world, lists, thing):
    for conditions in lists:
        inclusive = [c for c in conditions if c.inclusive]
        if inclusive and not any(c.matches(world, thing) for c in inclusive):
            return False
        if any(c.matches(world, thing) for c in conditions if not c.inclusive):
            return False
    return True


# ---- groups ----

class Group:
    def __init__(self, text):
        self.text, self.size, self.count = text, [], []
        self.churn = dict.fromkeys(CHURN, 0)


def names(world, by, flags, thing):
    """The groups of a thing, with repeats."""
    if not flags & CUMULATIVE:
        return [name(world, by, thing)]
    all_names = [frame_name(by, frame) for frame in thing.record.frames]
    return all_names if flags & EACH_FRAME else list({key: (key, text) for key, text in all_names}.values())


def groups(world, by, flags, lists, sort=None):
    """Groups by key, and the total as another one."""
    found, total = {}, Group("total")
    of_places = by in OF_RECORDS + ("age", "mark")

    def add(thing, weight):
        if not passes(world, lists, thing) or of_places and not thing.traced and not flags & UNTRACED:
            return
        every = [found.setdefault(key, Group(text)) for key, text in names(world, by, flags, thing)]
        for group in every + [total]:
            group.size.append(weight * thing.size)
            group.count.append(weight)

    for thing in world.things:
        if thing.kind == 0 and world.means[0]:
            # Of objects all are there; the samples stand for themselves and for what has no place.
            add(thing.untraced(), 1)
            if thing.traced:
                add(thing, world.weight(thing))
                add(thing.untraced(), -world.weight(thing))
        else:
            add(thing, world.weight(thing))
    recorded = (by in OF_RECORDS and all(c.of_places() for conditions in lists for c in conditions) and
                (flags & RECORDS or sort in SORTS[2:]))
    for record in world.records if recorded else ():
        thing = Thing(0, 0, "?", record, 0)
        if passes(world, lists, thing):
            every = [found.setdefault(key, Group(text)) for key, text in names(world, by, flags, thing)]
            for group in every + [total]:
                for column in CHURN:
                    group.churn[column] += record.churn[column]
    return found, total, recorded


def whole(numbers):
    return max(0, math.floor(math.fsum(numbers) + 0.5))


def size_text(size, sign=False):
    return tracemalloc._format_size(size, sign)


def line(text, sort, compared, size, count, size_diff, count_diff, churn):
    if compared:
        out = "%s: size=%s (%s), count=%d (%+d)" % (text, size_text(size), size_text(size_diff, True), count, count_diff)
    else:
        out = "%s: size=%s, count=%d" % (text, size_text(size), count)
    if count:
        out += ", average=" + size_text(size / count)
    if sort in ("born", "peak"):
        out += ", %s=%s (%d)" % (sort, size_text(churn[sort + "_bytes"]), churn[sort])
    elif sort == "temporary":
        out += ", temporary=%d" % churn["temporary"]
    return out


def table(world, older, by, sort, flags, lists):
    """What is printed, and the figures behind it: rows, total, rest."""
    now, total, recorded = groups(world, by, flags, lists, sort)
    old, old_total, _ = groups(older, by, flags, lists) if older else ({}, Group("total"), False)
    rows = []
    column = {"born": "born_bytes", "temporary": "temporary", "peak": "peak_bytes"}.get(sort)
    empty = Group("")

    def row(key, group, before):
        size, count = whole(group.size), whole(group.count)
        size_diff, count_diff = (size - whole(before.size), count - whole(before.count)) if older else (0, 0)
        if older:
            order = (abs(size_diff), size, abs(count_diff), count, key)
            if sort == "count":
                order = order[2:4] + order[:2] + (key,)
        else:
            order = ((count, size) if sort == "count" else (size, count)) + (key,)
            if column:
                order = (group.churn[column],) + order
        figures = [size, count, size_diff, count_diff] + (list(group.churn.values()) if recorded else [])
        return order, [line(group.text or before.text, sort, older, *figures[:4], group.churn), figures]

    for key in set(now) | set(old):
        group, before = now.get(key, empty), old.get(key, empty)
        if whole(group.count) or whole(before.count) or whole(group.size) or whole(before.size) or column and group.churn[column]:
            rows.append(row(key, group, before))
    rows.sort(key=lambda r: r[0], reverse=True)
    rows = [r[1] for r in rows]
    total_row = row(None, total, old_total)[1]
    rest = rows[len(rows) // 2:]
    sums = [sum(column) for column in zip(*(figures for _, figures in rest))] or [0] * len(total_row[1])
    churn = dict(zip(CHURN, sums[4:] or [0] * 7))
    rest_row = [line("%d other" % len(rest), sort, older, *sums[:4], churn) if rest else "", sums]
    return rows, total_row, rest_row, recorded


def near_half(numbers):
    """Whether the last digit of the sum decides how it is rounded."""
    return abs(math.fsum(numbers) % 1 - 0.5) < max(1e-6, math.fsum(map(abs, numbers)) * 1e-13)


def doubtful(world, by, flags, lists):
    if not any(world.means):
        return False
    found, total, _ = groups(world, by, flags, lists)
    return any(near_half(g.size) or near_half(g.count) or math.fsum(g.size) > 1e15 for g in [*found.values(), total])


def question(tell, rng, worlds, seed, seen):
    by, sort = rng.choice(BYS), rng.choice(SORTS)
    if rng.random() < 0.5 or by not in OF_RECORDS and rng.random() < 0.9:
        sort = rng.choice(("size", "count"))
    flags = UNTRACED * (rng.random() < 0.3) | RECORDS * (rng.random() < 0.5)
    if by in OF_FRAMES and rng.random() < 0.5:
        flags |= rng.choice((CUMULATIVE, CUMULATIVE | EACH_FRAME))
    compare = rng.random() < 0.4 and sort in ("size", "count")
    lists = [[Condition(rng, worlds[1]) for _ in range(rng.choice((0, 0, 0, 1, 2, 3)))] for _ in range(rng.choice((1, 1, 2)))]
    if rng.random() < 0.02:
        lists[0] += [Condition(rng, worlds[1]) for _ in range(130)]
    older = worlds[0] if compare else None
    words, what = [], []
    for conditions in lists:
        words += [c.text() for c in conditions] + ["&"]
    what = "seed %d: by %s, %s, flags %d%s, filters %s" % (seed, by, sort, flags, ", compared" * compare, words)
    marks = [c.said["since"] for cs in lists for c in cs if "since" in c.said]
    answer = [row for row in tell.ask("ask", by, sort, flags, int(compare), *words) if row[0] != "frames"]
    if any(not any(mark == m for _, m in w.epochs) for mark in marks for w in ([worlds[1], older] if older else [worlds[1]])):
        check(what, answer[0][:2], ["error", "HUSK_EMISSING"])
        return
    if any(doubtful(w, by, flags, lists) for w in (worlds if compare else worlds[1:])):
        seen["doubtful"] += 1
        return
    recorded = by in OF_RECORDS and all(c.of_places() for cs in lists for c in cs)
    if sort in SORTS[2:] and not recorded:
        check(what, answer[0][:2], ["error", "HUSK_EINVAL"])
        return
    rows, total, rest, _ = table(worlds[1], older, by, sort, flags, lists)
    want = rows + [total, rest]
    seen["rows"] += len(rows)
    check(what, [row[0] for row in answer], [text for text, _ in want])
    check(what, [[int(n) for n in row[1:]] for row in answer], [figures for _, figures in want])


def things(tell, rng, world, seed):
    lists = [[Condition(rng, world) for _ in range(rng.choice((0, 1, 2)))]]
    if any("since" in c.said and not any(c.said["since"] == m for _, m in world.epochs) for c in lists[0]):
        return
    untraced = rng.random() < 0.5
    want = [[t.kind, t.size, int(t.traced), world.weight(t), world.numbers[t.record]] for t in world.things
            if (t.traced or untraced) and passes(world, lists, t)]
    have = [[int(k), int(s), int(t), float(w), int(r)] for k, s, t, w, r in
            tell.ask("things", UNTRACED * untraced, *[c.text() for c in lists[0]])]
    what = "seed %d: things, %s" % (seed, [c.text() for c in lists[0]])
    check(what, [h[:3] + h[4:] for h in have], [w[:3] + w[4:] for w in want])
    for h, w in zip(have, want):
        check(what + ": weight", abs(h[3] - w[3]) <= 1e-8 * w[3], True)


def main():
    tell, rounds = Tell(sys.argv[1]), int(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    seen = {"rows": 0, "doubtful": 0}
    for seed in range(first, first + rounds):
        rng = random.Random(seed)
        frames, stacks = random_stacks(rng)
        worlds = []
        for _ in range(2):
            worlds.append(World(rng, frames, stacks))
            worlds[-1].write(tell)
        for _ in range(20):
            question(tell, rng, worlds, seed, seen)
        for _ in range(3):
            things(tell, rng, worlds[1], seed)
    tell.close()
    check("few rows: %s" % seen, seen["rows"] > 20 * rounds, True)
    print("%d rounds, %d rows, %d left out" % (rounds, seen["rows"], seen["doubtful"]))


main()
