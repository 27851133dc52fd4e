"""check.py FOLDER NAME...: holds the exports of a snapshot against each other: the JSON dump says what is in it, and from it
every other form is computed again, the slow way, and compared with what the file says. No package is needed: what a
form means to the programs it is for is tested beside this."""
import collections
import csv
import json
import re
import sys

folder, names = sys.argv[1], sys.argv[2:]
current = ""


def expect(condition, *what):
    if not condition:
        sys.exit("%s: %s" % (current, " ".join(str(w) for w in what)))


def same(got, wanted, what):
    if got != wanted:
        if isinstance(got, (dict, collections.Counter)):
            different = [k for k in set(got) | set(wanted) if got.get(k) != wanted.get(k)][:3]
            got, wanted = {k: got.get(k) for k in different}, {k: wanted.get(k) for k in different}
        sys.exit("%s: %s: %s instead of %s" % (current, what, got, wanted))


def read(name, suffix, binary=False):
    global current
    current = "%s.%s" % (name, suffix)
    with open("%s/%s.%s" % (folder, name, suffix), "rb") as file:
        data = file.read()
    return data if binary else data.decode("utf-8")  # strict: a form of text is UTF-8


# ---- what is in the snapshot ----

class Dump:
    """The JSON dump, with what the other forms are made of."""

    def __init__(self, name):
        d = self.d = json.loads(read(name, "json"), parse_constant=lambda c: sys.exit("constant " + c))
        expect(d["format"] == "husk-snapshot" and d["version"] == 1, "head")
        self.things = []  # (record, type name, bytes)
        for o in d["objects"]:
            self.things.append((o.get("record", 0), d["types"][o["type"]]["name"], int(o["size"])))
        for b in d["blocks"]:
            self.things.append((b.get("record", 0), "(%s)" % b["kind"], int(b["size"])))
        self.check()

    def check(self):
        d, counts = self.d, self.d["counts"]
        same(counts["objects"], len(d["objects"]), "objects")
        same(int(counts["object_bytes"]), sum(int(o["size"]) for o in d["objects"]), "object_bytes")
        same(counts["buffers"] + counts["blocks"], len(d["blocks"]), "blocks")
        instances = collections.Counter(o["type"] for o in d["objects"])
        strong = weak = 0
        for t, row in enumerate(d["types"]):
            same(row["instances"], instances[t], "instances of type %d" % t)
        for o in d["objects"]:
            fields = d["types"][o["type"]]["fields"]
            for to, field, *index in o["edges"]:
                expect(0 <= to < len(d["objects"]) and field < len(fields), "edge", to, field)
                same(len(index), 1 if fields[field]["indexed"] else 0, "indexes of an edge")
                if fields[field]["kind"] == "strong":
                    strong += 1
                else:
                    weak += 1
        same((counts["edges"], counts["weak_edges"]), (strong, weak), "edges")
        for s, stack in enumerate(d["stacks"]):
            expect(stack["parent"] < s or s == 0, "order of stacks")

    def frames(self, stack):
        """Numbers of frames, oldest first; an unknown place is frame 0."""
        found = []
        while stack:
            found.append(self.d["stacks"][stack]["frame"])
            stack = self.d["stacks"][stack]["parent"]
        return found[::-1] or [0]

    def stack(self, record):
        return self.d["records"][record]["stack"]

    def place(self, number):
        """(name, file, line) of a frame."""
        f = self.d["frames"][number]
        name, file = f["function"], f["file"]
        if f["kind"] == "native" and not file:
            module = self.d["modules"][f["module"]]
            file = module["path"]
            if not name:
                address = int(f["address"], 16)
                if f["module"]:
                    address += int(module["offset"], 16) - int(module["start"], 16)
                base = file.rpartition("/")[2]
                return (base + "+" if base else "") + hex(address), file, f["line"]
        return name or file.rpartition("/")[2], file, f["line"]

    def alive(self, key):
        """Things and bytes by key(record, type)."""
        things, size = collections.Counter(), collections.Counter()
        for record, type_, n in self.things:
            things[key(record, type_)] += 1
            size[key(record, type_)] += n
        return things, size


def plain(text, special):
    """Text as a form without escapes of its own has it: special characters replaced, control characters as \\xNN."""
    out = []
    for c in text:
        if c in special:
            out.append(special[c])
        elif ord(c) < 32 or ord(c) == 127:
            out.append("\\x%02x" % ord(c))
        else:
            out.append(c)
    return "".join(out)


# ---- the forms ----

def check_collapsed(dump, name):
    def key(stack, type_=None):
        parts = []
        for f in dump.frames(stack):
            n, file, line = dump.place(f)
            base = file.rpartition("/")[2]
            if file and not (n == file and not line and base == file):
                n += " (%s%s)" % (file, ":%d" % line if line else "")
            parts.append(plain(n, {";": ":"}))
        return ";".join(parts + ([plain(type_, {";": ":"})] if type_ is not None else []))

    def lines(suffix):
        found = collections.Counter()
        text = read(name, suffix)
        expect(not text or text.endswith("\n"), "last line")
        for line in text.split("\n")[:-1]:
            stack, _, number = line.rpartition(" ")
            expect(number.isdigit() and int(number) > 0, "number", line)
            found[stack] += int(number)
        return found

    def positive(counter):
        return collections.Counter({k: v for k, v in counter.items() if v})

    things, size = dump.alive(lambda record, type_: key(dump.stack(record)))
    same(lines("folded"), positive(size), "bytes")
    same(lines("count.folded"), positive(things), "things")
    things, size = dump.alive(lambda record, type_: key(dump.stack(record), type_))
    same(lines("types.folded"), positive(size), "bytes by type")
    made = collections.Counter()
    for row in dump.d["records"]:
        made[key(row["stack"])] += int(row["born_bytes"])
    same(lines("made.folded"), positive(made), "made")


def check_speedscope(dump, name):
    for suffix, types in (("speedscope.json", False), ("types.speedscope.json", True)):
        d = json.loads(read(name, suffix))
        frames = d["shared"]["frames"]
        for n, frame in enumerate(frames[:len(dump.d["frames"])]):
            called, file, line = dump.place(n)
            same((frame["name"], frame.get("file", ""), frame.get("line", 0)), (called, file, line), "frame %d" % n)
        for number, unit, measure in ((0, "bytes", 1), (1, "none", 0)):
            profile = d["profiles"][number]
            same((profile["type"], profile["unit"], profile["startValue"]), ("sampled", unit, 0), "profile")
            same(profile["endValue"], sum(profile["weights"]), "endValue")
            same(len(profile["samples"]), len(profile["weights"]), "samples")
            found = collections.Counter()
            for sample, weight in zip(profile["samples"], profile["weights"]):
                key = tuple(sample[:-1]), frames[sample[-1]]["name"] if types else None
                found[key if types else (tuple(sample), None)] += weight
            wanted = dump.alive(lambda r, t: (tuple(dump.frames(dump.stack(r))), t if types else None))[measure]
            same(found, collections.Counter({k: v for k, v in wanted.items() if v}), unit)


def proto(data):
    """The fields of a protobuf message: (number, value)."""
    at = 0
    while at < len(data):
        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            length = varint()
            expect(at + length <= len(data), "a message beyond the end")
            yield tag >> 3, data[at:at + length]
            at += length
        else:
            expect(False, "wire type", tag & 7)


def packed(data):
    return [v for byte in [data] for v in unpack(byte)]


def unpack(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def check_pprof(dump, name):
    strings, samples, locations, functions, mappings, types = [], [], {}, {}, {}, []
    for number, value in proto(read(name, "pb", binary=True)):
        if number == 6:
            strings.append(value.decode("utf-8"))
        elif number == 1:
            types.append(dict(proto(value)))
        elif number == 2:
            samples.append(list(proto(value)))
        elif number in (3, 4, 5):
            row = {}
            for key, part in proto(value):
                row.setdefault(key, part)
            (mappings if number == 3 else locations if number == 4 else functions)[row[1]] = row
    same(strings[0], "", "string 0")
    same([(strings[t[1]], strings[t[2]]) for t in types],
         [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")], "types")
    made, alive = collections.Counter(), collections.Counter()
    for sample in samples:
        ids = [v for n, part in sample if n == 1 for v in unpack(part)]
        values = [v for n, part in sample if n == 2 for v in unpack(part)]
        labels = {strings[l[1]]: strings[l[2]] if 2 in l else l.get(3, 0)
                  for l in (dict(proto(part)) for n, part in sample if n == 3)}
        stack = []
        for i in reversed(ids):
            location = locations[i]
            line = dict(proto(location[4])) if 4 in location else {}
            function = functions[line[1]] if line else {}
            expect(location.get(2, 0) == 0 or location[2] in mappings, "mapping")
            stack.append((strings[function.get(2, 0)], strings[function.get(4, 0)], line.get(2, 0), location.get(3, 0)))
        key = tuple(stack), labels.get("tag", ""), labels.get("domain", ""), labels.get("thread", 0)
        made[key] += values[1]
        if values[2]:
            alive[key + (labels.get("type"),)] += values[3]
            expect("type" in labels, "a type")
    d = dump.d

    def key_of(record):
        row = d["records"][record]
        context = d["contexts"][row["context"]]
        thread = d["threads"][context["thread"]]
        stack = []
        for f in dump.frames(row["stack"]):
            frame = d["frames"][f]
            address = int(frame.get("address", "0x0"), 16)
            file = frame["file"] or (d["modules"][frame["module"]]["path"] if frame["kind"] == "native" else "")
            called = frame["function"] or frame["file"]
            stack.append((plain(called, {}), plain(file, {}) if called else "", frame["line"] if called else 0, address))
        return (tuple(stack), plain(context["tag"], {}), plain(context["domain"], {}),
                plain(thread["name"], {}) if thread["name"] else int(thread["id"]))

    wanted = dump.alive(lambda r, t: key_of(r) + (plain(t, {}),))[1]
    same(alive, wanted, "inuse_space")
    born = collections.Counter()
    for n, row in enumerate(d["records"]):
        born[key_of(n)] += int(row["born_bytes"]) if n else 0
    for record, type_, n in dump.things:
        if record == 0:
            born[key_of(0)] += n
    if d["records"][0]["died_bytes"]:
        born[key_of(0)] += int(d["records"][0]["died_bytes"])
    same({k: v for k, v in made.items() if v}, {k: v for k, v in born.items() if v}, "alloc_space")


def check_heapsnapshot(dump, name):
    h, d = json.loads(read(name, "heapsnapshot")), dump.d
    meta = h["snapshot"]["meta"]
    nf, ef = len(meta["node_fields"]), len(meta["edge_fields"])
    nodes = [h["nodes"][i:i + nf] for i in range(0, len(h["nodes"]), nf)]
    edges = [h["edges"][i:i + ef] for i in range(0, len(h["edges"]), ef)]
    strings = h["strings"]
    same((h["snapshot"]["node_count"], h["snapshot"]["edge_count"]), (len(nodes), len(edges)), "counts")
    same(sum(n[4] for n in nodes), len(edges), "edges of nodes")
    same(len({n[2] for n in nodes}), len(nodes), "ids")
    expect(max(n[2] for n in nodes) < 1 << 32, "ids fit")
    same(sum(n[3] for n in nodes), sum(n for _, _, n in dump.things), "sum of sizes")
    first = 6
    kinds = meta["edge_types"][0]
    by_node, at = [], 0
    for n in nodes:
        row = []
        for kind, label, to in edges[at:at + n[4]]:
            expect(to % nf == 0 and to < len(h["nodes"]), "to_node")
            numeric = kinds[kind] in ("element", "hidden")
            row.append((kinds[kind], label if numeric else strings[label], to // nf))
        by_node.append(row)
        at += n[4]
    entries = collections.defaultdict(list)
    wanted_edges = []
    for number, o in enumerate(d["objects"]):
        node = nodes[first + number]
        same((meta["node_types"][0][node[0]], strings[node[1]], node[3]),
             ("object", d["types"][o["type"]]["name"], int(o["size"])), "object %d" % number)
        same(node[5], dump.stack(o["record"]) + 1 if "record" in o else 0, "place of object %d" % number)
        fields = d["types"][o["type"]]["fields"]
        indexed = [f for f in fields if f["indexed"] and f["name"] != "..."]
        bare = len(indexed) == 1 and indexed[0]["kind"] == "strong"
        row, key = [], None
        for to, field, *index in o["edges"]:
            kind, label = fields[field]["kind"], fields[field]["name"]
            entry = kind == "ephemeron" and key is not None and key[1] == index
            if kind == "weak":
                key = to, index
            if entry:
                entries[key[0]].append(("internal", "value of an entry", first + to))
            if kind == "strong" and bare and index:
                row.append(("element", index[0], first + to))
            else:
                strong = kind != "weak" and not entry
                if index and index[0] < 1 << 16:
                    label += "[%d]" % index[0]
                row.append(("property" if strong else "weak", label, first + to))
        wanted_edges.append(row)
    for number, row in enumerate(wanted_edges):
        same(collections.Counter(by_node[first + number]), collections.Counter(row + entries[number]),
             "edges of object %d" % number)
    # All is reached from the root, and what is held from outside from node 2.
    keeps = [[to for kind, _, to in row if kind != "weak"] for row in by_node]

    def reached(start):
        seen, work = {start}, [start]
        while work:
            for to in keeps[work.pop()]:
                if to not in seen:
                    seen.add(to)
                    work.append(to)
        return seen

    same(len(reached(0)), len(nodes), "reached from the root")
    held = {first + n for n, o in enumerate(d["objects"]) if o["hidden"] > 0 or "immortal" in o["flags"]}
    same({to for _, _, to in by_node[2]}, held, "held from outside")
    same([(kind, to) for kind, _, to in by_node[0]], [("shortcut", n) for n in sorted(held)] + [("element", 1)], "the root")
    same([to for _, _, to in by_node[1]], [2, 3, 4, 5], "(GC roots)")
    expect(not {to for _, _, to in by_node[3]} & reached(2), "unreached ones are not reached")
    # The tree of places has all tracebacks.
    paths, functions = {}, h["trace_function_infos"]
    work = [(h["trace_tree"], ())]
    while work:
        rows, above = work.pop()
        for i in range(0, len(rows), 5):
            id_, function, count, size, below = rows[i:i + 5]
            paths[id_] = above + (function,), count, int(size)
            work.append((below, above + (function,)))
    same(len(paths), len(d["stacks"]), "trace_tree")
    born = collections.Counter()
    for row in d["records"]:
        born[row["stack"]] += int(row["born_bytes"])
    for s in range(1, len(d["stacks"])):
        path, _, size = paths[s + 1]
        same((list(path[1:]), size), (dump.frames(s), born[s]), "traceback %d" % s)
    for f in range(1, len(d["frames"])):
        called, file = strings[functions[6 * f + 1]], strings[functions[6 * f + 2]]
        frame = d["frames"][f]
        path = frame["file"] or (d["modules"][frame["module"]]["path"] if frame["kind"] == "native" else "")
        same((called, file, functions[6 * f + 4]), (frame["function"] or path, path, frame["line"]), "function %d" % f)


def check_dot(dump, name):
    label = r'"((?:[^"\\]|\\.)*)"'
    text = read(name, "dot")
    nodes = set(map(int, re.findall(r"^  n(\d+) \[label=" + label, text, re.M) and
                    [m[0] for m in re.findall(r"^  n(\d+) \[label=" + label, text, re.M)]))
    total = len(dump.d["objects"])
    same(len(nodes), min(total, 2000), "nodes")
    edges = re.findall(r"^  n(\d+) -> n(\d+) \[label=" + label + "(.*)\\];$", text, re.M)
    wanted = 0
    for n in nodes:
        wanted += sum(to in nodes for to, *_ in dump.d["objects"][n]["edges"])
    same(len(edges), wanted, "edges")
    rest = re.search(r"not shown: (\d+) objects, (\d+) bytes", text)
    hidden = [int(o["size"]) for n, o in enumerate(dump.d["objects"]) if n not in nodes]
    same((int(rest[1]), int(rest[2])) if rest else (0, 0), (len(hidden), sum(hidden)), "rest")
    if total > 2000:
        return
    # Red edges keep cycles together: slowly, with the same idea of an entry as docs/exports.md says.
    keeps = collections.defaultdict(set)
    for n, o in enumerate(dump.d["objects"]):
        key = None
        for to, field, *index in o["edges"]:
            kind = dump.d["types"][o["type"]]["fields"][field]["kind"]
            if kind == "weak":
                key = to, index
            else:
                keeps[key[0] if kind == "ephemeron" and key and key[1] == index else n].add(to)

    def reaches(start, goal):
        seen, work = set(), [start]
        while work:
            for to in keeps[work.pop()]:
                if to == goal:
                    return True
                if to not in seen:
                    seen.add(to)
                    work.append(to)
        return False

    for start, end, _, style in edges:
        if "dashed" not in style and "dotted" not in style:
            same("color=red" in style, int(start) == int(end) or reaches(int(end), int(start)), "%s -> %s" % (start, end))


def check_openmetrics(dump, name):
    text = read(name, "prom")
    expect(text.endswith("# EOF\n"), "end")
    families, values = set(), {}
    for line in text.split("\n")[:-1]:
        match = re.match(r"# TYPE (\w+) (\w+)$", line)
        if match:
            expect(match[1] not in families, "twice", match[1])
            families.add(match[1])
        elif not line.startswith("#"):
            match = re.match(r'(\w+)(?:\{(.*)\})? (\S+)$', line)
            expect(match, "line", line)
            label = re.match(r'type="((?:[^"\\]|\\.)*)"$', match[2] or "")
            values[match[1], label[1] if label else match[2]] = match[3]
    counts = dump.d["counts"]
    same(int(values["husk_snapshot_objects", None]), counts["objects"], "objects")
    same(int(values["husk_snapshot_object_bytes", None]), int(counts["object_bytes"]), "bytes")
    sums = collections.Counter()
    for o in dump.d["objects"]:
        sums[dump.d["types"][o["type"]]["name"]] += int(o["size"])
    special = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    for type_, size in sums.most_common(100):
        text = "".join("\\\\x%02x" % ord(c) if (ord(c) < 32 or ord(c) == 127) and c != "\n" else special.get(c, c) for c in type_)
        same(values.get(("husk_type_bytes", text)), str(size), "bytes of type %r" % type_)
    for figure in dump.d["figures"]:
        key = re.sub("[^A-Za-z0-9]", "_", "husk_%s_%s" % (figure["group"], figure["name"]))
        # A ratio has 4 decimals, microseconds have 6 and nanoseconds 9: without the point it is the figure again.
        bare = key[:-3] if key.endswith("_ns") else key
        found = [values[k, None].replace(".", "").lstrip("0") or "0"
                 for k in (bare, bare + "_bytes", bare + "_ratio", bare + "_seconds") if (k, None) in values]
        expect(str(figure["value"]) in found, key, found, "instead of", figure["value"])


def check_csv(dump, name):
    rows = list(csv.reader(read(name, "csv").split("\r\n")[:-1] and open("%s/%s.csv" % (folder, name), newline="", encoding="utf-8")))
    same(rows[0], ["name", "function", "line", "count", "size"], "head")
    things, size = dump.alive(lambda r, t: plain(t, {"\n": "\n", "\t": "\t"}))
    found = {row[0]: (int(row[3]), int(row[4])) for row in rows[1:]}
    same(found, {k: (things[k], size[k]) for k in things}, "rows")
    expect([int(r[4]) for r in rows[1:]] == sorted((int(r[4]) for r in rows[1:]), reverse=True), "order")


def check_text(dump, name):
    text = read(name, "txt")
    sums = [line for line in text.split("\n") if line.startswith("total: ")]
    expect(sums and all(", count=%d," % len(dump.things) in line for line in sums) or not dump.things, "totals")


def check_html(dump, name):
    """The data of the page; the page itself is opened by page.py."""
    text = read(name, "html")
    head, data = text.split('id="data">', 1)
    data, tail = data.split("</script>", 1)
    expect(len(text.encode()) <= 2000000, "size")
    page = json.loads(data)
    tree = page["tree"]
    for measure, sums in zip(("count", "bytes"), (len(dump.things), sum(n for _, _, n in dump.things))):
        values = tree["values"][0][measure]
        same(int(values[0]), sums, measure)
        below = collections.Counter()
        for n, parent in enumerate(tree["parent"]):
            if parent >= 0:
                below[parent] += int(values[n])
        for n, sum_ in below.items():
            expect(sum_ == int(values[n]), measure, "below node", n, sum_, values[n])
        for table in page["tables"]:
            same(sum(map(int, table["values"][0][measure])), sums, "%s by %s" % (measure, table["by"]))
    if not any(table["smaller"] for table in page["tables"]) and not tree["smaller"]:
        strings = page["strings"]
        types = next(t for t in page["tables"] if t["by"] == "type")
        same({strings[r[0]]: int(v) for r, v in zip(types["rows"], types["values"][0]["bytes"])},
             dict(dump.alive(lambda r, t: t)[1]), "types")
        leaves = collections.Counter()
        for n in range(1, len(tree["frame"])):
            if page["frames"][tree["frame"][n]][3] == 1:
                path, at = [], tree["parent"][n]
                while at:
                    f = page["frames"][tree["frame"][at]]
                    base = strings[f[0]]
                    path.append(((base + "+" if base else "") + f[4] if len(f) > 4 else base, strings[f[1]], f[2]))
                    at = tree["parent"][at]
                leaves[tuple(path[::-1]), strings[page["frames"][tree["frame"][n]][0]]] += int(tree["values"][0]["bytes"][n])
        wanted = dump.alive(lambda r, t: (tuple(map(dump.place, dump.frames(dump.stack(r)))), t))[1]
        same(leaves, wanted, "tracebacks")


checks = 0
for name in names:
    dump = Dump(name)
    for check in (check_collapsed, check_speedscope, check_pprof, check_heapsnapshot, check_dot, check_openmetrics, check_csv,
                  check_text, check_html):
        check(dump, name)
        checks += 1
print("%d snapshots, %d exports agree" % (len(names), checks))
