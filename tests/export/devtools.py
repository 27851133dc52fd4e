"""devtools.py FOLDER NAME...: heap snapshots loaded by the code that Chrome's Memory panel loads them with, in a headless
Chromium; sizes, references, distances and retained sizes compared with what is worked out here from the JSON dumps. Exit
code 77: no browser here, or one whose DevTools has other names inside."""
import collections
import json
import os
import sys

import browser

folder, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
FIRST = 6  # objects follow the root, "(GC roots)" and what these refer to
FAR = 100000000  # DevTools: distances of what is reached from (GC roots) alone
checks = 0

LOAD = r"""
const [text, done] = arguments;
(async () => {
  const m = await import('devtools://devtools/bundled/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js');
  const Loader = m.HeapSnapshotLoader?.HeapSnapshotLoader, Second = m.HeapSnapshot?.SecondaryInitManager;
  if (!Loader || !Second) return 'no HeapSnapshotLoader';
  const loader = new Loader({sendEvent() {}});
  for (let at = 0; at < text.length; at += 1 << 16) loader.write(text.slice(at, at + (1 << 16)));
  loader.close();
  const channel = new MessageChannel();
  new Second(channel.port2);
  const snapshot = await loader.buildSnapshot(channel.port1);
  const nodes = [];
  for (let at = snapshot.allNodes(); at.hasNext(); at.next()) {
    const n = at.item(), edges = [];
    for (let e = n.edges(); e.hasNext(); e.next())
      edges.push([e.item().type(), e.item().node().ordinal()]);
    nodes.push([n.type(), n.rawName(), n.selfSize(), n.retainedSize(), n.distance(), edges,
                (n.traceNodeId() ? snapshot.allocationStack(n.nodeIndex) : []).map(f => f.functionName)]);
  }
  const classes = Object.values(snapshot.aggregatesWithFilter({}))
    .map(c => [c.name, c.count, c.self, c.maxRet]);
  return {size: snapshot.totalSize, nodes, classes};
})().then(done, e => done('failed: ' + e + '\n' + e.stack));
"""


def same(got, wanted, what):
    global checks
    checks += 1
    if got != wanted:
        raise SystemExit("%s: %r instead of %r" % (what, got, wanted))


def load(page, name):
    with open("%s/%s.heapsnapshot" % (folder, name), encoding="utf-8") as file:
        got = page.do("POST", "execute/async", {"script": LOAD, "args": [file.read()]})
    if got == "no HeapSnapshotLoader":
        print("skipped: this Chromium's DevTools has other names inside")
        page.end()
        sys.exit(77)
    if isinstance(got, str):
        raise SystemExit("%s: %s" % (name, got))
    return got


def reached(keeps, start, without=None):
    """{node: steps} of what `start` keeps if `without` were gone."""
    steps, work = {n: 0 for n in start}, collections.deque(start)
    while work:
        at = work.popleft()
        for to in keeps[at]:
            if to not in steps and to != without:
                steps[to] = steps[at] + 1
                work.append(to)
    return steps


def check(page, name):
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        dump = json.load(file)
    got = load(page, name)
    nodes = got["nodes"]
    things = [int(t["size"]) for t in dump["objects"] + dump["blocks"]]
    same(len(nodes), FIRST + len(things), name + ": nodes")
    same(got["size"], sum(s % 2**32 for s in things), name + ": size")
    same(nodes[0][3], got["size"], name + ": the root retains all")
    for n, o in enumerate(dump["objects"]):
        kind, called, size = nodes[FIRST + n][:3]
        same((kind, called, size), ("object", dump["types"][o["type"]]["name"], int(o["size"]) % 2**32), "%s: object %d" % (name, n))
    # Places: functions from the newest to the oldest.
    for n, thing in enumerate(dump["objects"] + dump["blocks"]):
        stack, functions = dump["records"][thing["record"]]["stack"] if thing.get("record") else 0, []
        while stack:
            number = dump["stacks"][stack]["frame"]
            frame = dump["frames"][number]
            native = dump["modules"][frame["module"]]["path"] if frame["kind"] == "native" else ""
            functions.append((frame["function"] or frame["file"] or native) if number else "(root)")
            stack = dump["stacks"][stack]["parent"]
        traced = ["(root)"] if thing.get("record") else []  # below all of them
        same(nodes[FIRST + n][6], functions + traced, "%s: place of thing %d" % (name, n))
    # Distances: from what is held from outside; what only (GC roots) lead to, garbage, is far away.
    keeps = [[to for kind, to in node[5] if kind != "weak"] for node in nodes]
    held = [FIRST + n for n, o in enumerate(dump["objects"]) if o["hidden"] > 0 or "immortal" in o["flags"]]
    near = reached(keeps, held)
    for n in range(FIRST, len(nodes)):
        distance = nodes[n][4] if held else max(nodes[n][4], FAR)  # without any root of a user's, all count from (GC roots)
        same(min(distance, FAR), near.get(n, FAR - 1) + 1, "%s: distance of node %d" % (name, n))
    # Retained sizes: what would not be reached without the node. Garbage, and (GC roots), keep nothing that is held.
    if len(nodes) <= 400:
        keeps = [[to for to in row if n == 0 or n in near or to not in near] for n, row in enumerate(keeps)]
        for n in range(FIRST, len(nodes)):
            left = reached(keeps, [0], n)
            lost = sum(nodes[i][2] for i in range(len(nodes)) if i not in left)
            same(nodes[n][3], lost, "%s: retained size of node %d" % (name, n))
    by_type = collections.Counter(dump["types"][o["type"]]["name"] for o in dump["objects"])
    for called, count, _, _ in got["classes"]:
        if called in by_type:
            same(count >= by_type[called], True, "%s: class %s" % (name, called))
            del by_type[called]
    same(by_type, {}, name + ": classes that are missing")


page = browser.Browser()
page.start()
try:
    page.do("POST", "url", {"url": "devtools://devtools/bundled/devtools_app.html"})
    page.do("POST", "timeouts", {"script": 120000})
    for name in names:
        check(page, name)
finally:
    page.end()
print("%d snapshots, %d checks hold" % (len(names), checks))
