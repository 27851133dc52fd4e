"""page.py FOLDER: opens reports in a headless Chromium, clicks, types and reads what the page shows; compares it with the
JSON dumps and CSV tables of the same snapshots. Exit code 77: no browser here."""
import csv
import json
import os
import sys

import browser

folder = os.path.abspath(sys.argv[1])
checks = 0


def same(got, wanted, what):
    global checks
    checks += 1
    if got != wanted:
        raise SystemExit("%s: %r instead of %r" % (what, got, wanted))


class Page(browser.Browser):
    def open(self, name):
        self.do("POST", "url", {"url": "file://%s/%s.html" % (folder, name)})
        same(self.js("return document.title !== '' && document.querySelectorAll('#cards section').length > 0"), True, name + " opens")
        same([e for e in self.do("POST", "se/log", {"type": "browser"}) if e["level"] == "SEVERE"], [], name + ": errors")
        same(self.js("return performance.getEntriesByType('resource').length"), 0, name + ": requests")

    def shot(self, name):
        super().shot("%s/%s.png" % (folder, name))

    # ---- what the page shows ----

    def card(self, name):
        return self.js("return Number(document.querySelector(`[data-card='${arguments[0]}']`).dataset.value)", name)

    def frames(self):
        """What the flame graph shows: {number: (text, value, width)}."""
        return {f[0]: tuple(f[1:]) for f in self.js(
            "return [...document.querySelectorAll('#flame g')].map(g => [Number(g.dataset.node), g.getAttribute('aria-label'),"
            " Number(g.dataset.value), g.querySelector('rect').getBoundingClientRect().width])")}

    def rows(self):
        """The table: [(name, bytes, things, grown, shown bytes)]."""
        return [tuple(r) for r in self.js(
            "const at = [...document.querySelectorAll('#table th button')].findIndex(b => b.dataset.sort === 'bytes');"
            "return [...document.querySelectorAll('#table tbody tr')].map(r => [r.children[0].textContent, Number(r.dataset.bytes),"
            " Number(r.dataset.count), Number(r.dataset.grown), Number(r.children[at].textContent.replace(/\\u202f/g, ''))])")]

    def search(self, text):
        self.js("document.getElementById('search').value = ''; document.getElementById('search').focus()")
        self.keys(text)
        value = self.js("return document.getElementById('match').dataset.value")
        return None if value is None else int(value)

    def choose(self, which, value):
        self.js("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change'))",
                which, value)


def things_of(name):
    """[(names on the way, bytes)] of the JSON dump, the page's words for them."""
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        d = json.load(file)
    found = []

    def way(record):
        names, stack = [], d["records"][record]["stack"]
        while stack:
            f = d["frames"][d["stacks"][stack]["frame"]]
            names += [f["function"], f["file"] + (":%d" % f["line"] if f["line"] else "")]
            if f["kind"] == "native":
                names.append(d["modules"][f["module"]]["path"])
            stack = d["stacks"][stack]["parent"]
        return names or ["<unknown>"]

    for o in d["objects"]:
        found.append((way(o.get("record", 0)) + [d["types"][o["type"]]["name"]], int(o["size"])))
    for b in d["blocks"]:
        found.append((way(b.get("record", 0)) + ["(%s)" % b["kind"]], int(b["size"])))
    return found


def table_of(name, by):
    """{key: (things, bytes)} of the CSV, keys as the page writes them."""
    with open("%s/%s.%s.csv" % (folder, name, by), newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    found = {}
    for called, function, line, things, size, *_ in rows:
        key = (function + "  " if function else "") + (called or "(none)") + (":" + line if line != "0" else "")
        found[key] = int(things), int(size)
    return found


def visible(text):
    """As the CSV writes what the page has as it is."""
    return "".join("\\x%02x" % ord(c) if (ord(c) < 32 and c not in "\n\t") or ord(c) == 127 else c for c in text)


# ---- the tests ----

def test_single(page, name):
    page.open(name)
    things = things_of(name)
    total = sum(n for _, n in things)
    same(page.card("alive"), total, "bytes alive")
    same(page.card("things"), len(things), "things alive")
    frames = page.frames()
    same(frames[0][1], total, "the root")
    # A click zooms: the frame is as wide as the graph, the rest is gone; Escape goes back.
    width = frames[0][2]
    large = [n for n in frames if n and frames[n][2] > 20]
    if large:
        child = min((n for n in large), key=lambda n: frames[n][2])
        page.click("#flame g[data-node='%d']" % child)
        zoomed = page.frames()
        same(round(zoomed[child][2]), round(width), "width of a zoomed frame")
        same(zoomed[child][1], frames[child][1], "value of a zoomed frame")
        same(page.js("return document.getElementById('out').hidden"), False, "zoom out")
        page.keys("\ue00c")
        same(page.frames(), frames, "after Escape")
        same(page.js("return document.getElementById('out').hidden"), True, "zoom out is gone")
    # Things instead of bytes, and back.
    page.click("#by-count")
    same(page.frames()[0][1], len(things), "things at the root")
    page.click("#by-bytes")


def test_search(page, name, words):
    things = things_of(name)
    for word in words:
        wanted = sum(n for names, n in things if any(word.lower() in text.lower() for text in names))
        same(page.search(word), wanted, "found by %r" % word)
        hits = page.js("return document.querySelectorAll('#flame g.hit').length")
        same(hits > 0 or wanted == 0 or wanted < sum(n for _, n in things) / 1000, True, "highlighted by %r" % word)
    same(page.search("/^(node|list)$/"), sum(n for names, n in things if {"node", "list"} & set(names)), "a regular expression")
    same(page.search("/(/"), 0, "a wrong one")
    page.keys("\ue00c")
    same(page.js("return [document.getElementById('search').value, document.getElementById('match').textContent]"), ["", ""], "after Escape")
    page.js("document.activeElement.blur()")
    page.keys("/")
    same(page.js("return document.activeElement.id"), "search", "the slash")
    page.js("document.activeElement.blur()")


def test_tables(page, name):
    tabs = page.js("return [...document.querySelectorAll('[data-by]')].map(b => b.dataset.by)")
    for by in tabs:
        page.click("[data-by='%s']" % by)
        same(page.js("return document.querySelector('[aria-selected=true]').dataset.by"), by, "tab")
        rows = page.rows()
        same({visible(r[0]): (r[2], r[1]) for r in rows}, table_of(name, by), "%s by %s" % (name, by))
        same([r[4] for r in rows], [r[1] for r in rows], "what is shown by " + by)
        same([r[1] for r in rows], sorted((r[1] for r in rows), reverse=True), "order by " + by)
    page.click("[data-by='type']")
    page.click("#table [data-sort='bytes']")
    sizes = [r[1] for r in page.rows()]
    same(sizes, sorted(sizes), "the other order")
    page.click("#table [data-sort='name']")
    names = [r[0] for r in page.rows()]
    same(names[0] <= names[-1], True, "order by name")
    foot = page.js("return Number(document.querySelector('#table tfoot tr').dataset.bytes)")
    same(foot, sum(sizes), "the foot")


def test_pair(page):
    page.open("pair")
    same(page.js("return document.querySelectorAll('#chart circle').length"), 2, "points")
    page.click("[data-by='function']")
    found = {r[0].split("  ")[0]: (r[3], r[1]) for r in page.rows()}
    same(found, {"grow": (2000, 3000), "shrink": (-3000, 1000), "same": (0, 350), "gone": (-4000, 0), "fresh": (3000, 3000),
                 "swap": (0, 400)}, "differences")
    same([abs(r[3]) for r in page.rows()], [4000, 3000, 3000, 2000, 0, 0], "the greatest change first")
    same(page.card("alive"), sum(n for _, n in things_of("newer")), "the newer one")
    red, blue = (page.js("return document.querySelector(`#flame g[aria-label^='%s'] rect`).getAttribute('fill')" % n)
                 for n in ("grow,", "shrink,"))
    same((red[:7], blue[:9]), ("hsl(8 5", "hsl(208 5"), "colours")
    page.choose("to", 0)
    page.choose("from", -1)
    same(page.card("alive"), sum(n for _, n in things_of("older")), "the older one")
    same(page.js("return [...document.querySelectorAll('#table th button')].map(b => b.dataset.sort)"),
         ["name", "bytes", "count", "average", "share"], "columns without a comparison")


def test_series(page):
    page.open("series")
    same(page.js("return document.querySelectorAll('#chart circle').length"), 30, "points")
    objects = [1000 + 100 * i for i in range(30)]
    page.choose("line", page.js("return data.lines.findIndex(l => l.name === 'objects')"))
    same(page.js("return [...document.querySelectorAll('#chart circle')].map(c => Number(c.dataset.value))"), objects, "objects over time")
    same(page.js("return document.querySelectorAll('#to option').length"), 16, "snapshots in detail")
    page.choose("to", 0)
    same(page.card("objects"), 1000, "the first")
    page.choose("to", 15)
    same(page.card("objects"), 3900, "the last")


def test_cut(page):
    page.open("small")
    same(os.path.getsize(folder + "/small.html") <= 100000, True, "size")
    total = page.frames()[0][1]
    page.click("#by-count")  # few of them are large, but they are many
    smaller = page.js("return [...document.querySelectorAll('#flame g')].map(g => g.getAttribute('aria-label')).filter(t => /^\\(\\d+ smaller: /.test(t)).length")
    same(smaller > 0, True, "what was cut is shown")
    page.shot("small")
    for by in ("line", "file", "function"):
        page.click("[data-by='%s']" % by)
        rows = page.rows()
        same(sum(r[1] for r in rows), total, "sum by " + by)
        same(rows[-1][0].endswith("smaller: %s)" % page.js("return size(arguments[0])", rows[-1][1])), True, "the last row by " + by)
    page.click("#table [data-sort='name']")
    same("smaller" in page.rows()[-1][0], True, "the last row stays the last")


def test_keyboard(page):
    page.open("sample")
    page.js("document.querySelector('#flame g').focus()")
    page.keys("\ue015")  # down
    below = page.js("return document.activeElement.dataset.node")
    same(page.js("return tree.parent[arguments[0]]", int(below)), 0, "down")
    page.keys("\ue013")  # up
    same(page.js("return document.activeElement.dataset.node"), "0", "up")
    page.keys("\ue015")
    page.keys("\ue007")  # enter
    same(page.js("return state.zoom"), int(below), "enter zooms")
    page.keys("t")
    same(page.js("return document.documentElement.classList.contains('dark')"), True, "dark")
    page.shot("sample-dark")
    page.keys("t")


page = Page()
try:
    page.start()
    for name in ("sample", "older", "random", "live", "empty"):
        test_single(page, name)
        if name in ("sample", "random"):
            test_search(page, name, ["load", "main.c", "script", "</script>", "random3", "a", "no such word"])
        if name != "empty":
            test_tables(page, name)
    test_pair(page)
    page.shot("pair")
    test_series(page)
    page.shot("series")
    test_cut(page)
    test_keyboard(page)
finally:
    page.end()
print("%d checks of the pages hold" % checks)
