"""others.py FOLDER dot | openmetrics: graphs as Graphviz lays them out, figures as Prometheus's own parser takes them. Exit code
77: the reader is not installed here."""
import html
import json
import os
import re
import shutil
import subprocess
import sys

folder, which = sys.argv[1:3]
checks = 0


def same(got, wanted, what):
    global checks
    checks += 1
    if got != wanted:
        raise SystemExit("%s: %r instead of %r" % (what, got, wanted))


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def dump_of(name):
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        return json.load(file)


# ---- Graphviz ----

def dot(form, name):
    done = subprocess.run(["dot", "-T" + form, "%s/%s.dot" % (folder, name)], capture_output=True, text=True, encoding="utf-8")
    warnings = [line for line in done.stderr.split("\n") if line and "ontconfig" not in line]
    same((done.returncode, warnings), (0, []), "dot of " + name)
    return done.stdout


def shown(text):
    """A name as the graph shows it."""
    return "".join("\\x%02x" % ord(c) if ord(c) < 32 or ord(c) == 127 else c for c in text)


def test_dot():
    if not shutil.which("dot"):
        skip("graphviz is not installed (cmake/setup.sh installs it)")
    pictures = {}
    for name in ("sample", "older", "newer", "empty", "sample.five"):
        picture = pictures[name] = dot("svg", name)
        with open("%s/%s.dot" % (folder, name), encoding="utf-8") as file:
            source = file.read()
        nodes = len(re.findall(r"^  (?:n\d+|rest) \[", source, re.M))
        edges = len(re.findall(r"^  n\d+ -> ", source, re.M))
        same((picture.count('class="node"'), picture.count('class="edge"')), (nodes, edges), name + ": nodes and edges")
    texts = {html.unescape(t).replace("\xa0", " ") for t in re.findall(r"<text[^>]*>([^<]*)</text>", pictures["sample"])}
    for type_ in dump_of("sample")["types"]:
        if type_["instances"]:
            same(shown(type_["name"]) in texts, True, "the type %r in the picture" % type_["name"])
    title = {html.unescape(t) for t in re.findall(r"<text[^>]*>([^<]*)</text>", pictures["sample.five"])}
    same('five "of" <all> & more' in title, True, "the title")
    # Read and counted, not laid out: that takes long.
    counted = subprocess.run(["gc", "-n", "-e", folder + "/random.dot"], capture_output=True, text=True, check=True).stdout.split()
    with open(folder + "/random.dot", encoding="utf-8") as file:
        same(counted[:2], ["2001", str(len(re.findall(r"^  n\d+ -> ", file.read(), re.M)))], "random: nodes and edges")


# ---- Prometheus ----

def test_openmetrics():
    try:
        from prometheus_client.openmetrics import parser
    except ImportError:
        # Debian's package belongs to Debian's interpreter.
        if os.path.exists("/usr/bin/python3") and os.path.realpath("/usr/bin/python3") != os.path.realpath(sys.executable):
            os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B"] + sys.argv)
        skip("the Python package prometheus_client is not installed (cmake/setup.sh installs it)")
    for name in ("sample", "older", "newer", "random", "empty", "sample.five"):
        with open("%s/%s.prom" % (folder, name), newline="", encoding="utf-8") as file:
            families = {f.name: f for f in parser.text_string_to_metric_families(file.read())}
        dump = dump_of(name.split(".")[0])
        value = lambda family: families[family].samples[0].value
        same(value("husk_snapshot_objects"), len(dump["objects"]), name + ": objects")
        same(value("husk_snapshot_object_bytes"), sum(int(o["size"]) for o in dump["objects"]), name + ": bytes")
        rows = families["husk_type_bytes"].samples
        same(sum(r.value for r in rows) + value("husk_other_types_bytes"), value("husk_snapshot_object_bytes"), name + ": types")
        same(len(rows) + value("husk_other_types"), value("husk_types"), name + ": how many types")
        same(families["husk_type_bytes"].unit, "bytes", name + ": unit")
        info = families["husk_snapshot"].samples[0]
        same(info.name, "husk_snapshot_info", name + ": info")
        wanted = {a["key"]: a["value"] for a in dump["about"] if a["key"] in ("husk", "time", "pid", "heap")}
        same(info.labels, wanted, name + ": about")
        for pass_ in dump["passes"]:
            if pass_["kind"] == "all":
                same(families["husk_collector_passes"].type, "counter", name + ": a counter")
                same(value("husk_collector_passes"), pass_["passes"], name + ": passes")
                same(value("husk_collector_find_seconds"), pass_["find_ns"] / 1e9, name + ": seconds")
        names = {shown(t["name"]) for t in dump["types"]} | {t["name"] for t in dump["types"]}
        for row in rows:
            same(row.labels["type"] in names or "\n" in row.labels["type"], True, "the type %r" % row.labels["type"])


test_dot() if which == "dot" else test_openmetrics()
print("%d checks hold" % checks)
