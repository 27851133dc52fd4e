"""pprof.py FOLDER: the profiles as `go tool pprof` reads them. Exit code 77: no go here."""
import collections
import json
import re
import shutil
import subprocess
import sys

folder = sys.argv[1]
go = shutil.which("go")
if not go:
    print("skipped: go is not installed")
    sys.exit(77)
checks = 0


def pprof(*arguments):
    # Names are in the file: nothing is to be looked up in programs of this machine.
    done = subprocess.run([go, "tool", "pprof", "-symbolize=none", *arguments], capture_output=True, text=True,
                          encoding="utf-8")
    if done.returncode:
        raise SystemExit("go tool pprof %s: %s" % (" ".join(arguments), done.stderr))
    return done.stdout


def same(got, wanted, what):
    global checks
    checks += 1
    if got != wanted:
        raise SystemExit("%s: %r instead of %r" % (what, got, wanted))


def dump_of(name):
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        return json.load(file)


def raw(name):
    """What -raw prints: (columns, samples [(values, locations)], locations, mappings)."""
    text = pprof("-raw", "%s/%s.pb" % (folder, name))
    head, _, rest = text.partition("Samples:\n")
    samples, rest = rest.split("Locations\n")
    locations, mappings = rest.split("Mappings\n")
    columns = samples.split("\n", 1)[0].split()
    rows = [(list(map(int, m[1].split())), m[2].split())
            for m in re.finditer(r"^ *((?:\d+ +)*\d+): ([\d ]*)$", samples, re.M)]
    return head, columns, rows, re.findall(r"^ +(\d+): ", locations, re.M), mappings


def test_raw(name):
    dump = dump_of(name)
    head, columns, rows, locations, mappings = raw(name)
    same(columns, ["alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes[dflt]"], name + ": columns")
    same("PeriodType: space bytes" in head, True, name + ": period")
    sizes = [int(t["size"]) for t in dump["objects"] + dump["blocks"]]
    same(sum(values[2] for values, _ in rows), len(sizes), name + ": inuse_objects")
    same(sum(values[3] for values, _ in rows), sum(sizes), name + ": inuse_space")
    used = {l for _, ids in rows for l in ids}
    same(used <= set(locations), True, name + ": locations")
    for module in dump["modules"][1:]:
        path = "".join("\\x%02x" % ord(c) if ord(c) < 32 or ord(c) == 127 else c for c in module["path"])
        same(path in mappings and module["build_id"] in mappings, True, name + ": mapping " + module["path"])


def test_top():
    """By function, as -top prints it: only the pair has names that pprof does not shorten."""
    for name in ("older", "newer"):
        dump = dump_of(name)
        wanted = collections.Counter()
        for o in dump["objects"]:
            stack = dump["stacks"][dump["records"][o["record"]]["stack"]]
            wanted[dump["frames"][stack["frame"]]["function"]] += o["size"]
        text = pprof("-top", "-unit=B", "-nodefraction=0", "%s/%s.pb" % (folder, name))
        found = {m[2]: int(m[1]) for m in re.finditer(r"^ *(\d+)B .* (\S+)$", text, re.M)}
        same(found, wanted, name + ": -top")
        things = pprof("-top", "-sample_index=inuse_objects", "-nodefraction=0", "%s/%s.pb" % (folder, name))
        same("100% of " + str(len(dump["objects"])) + " total" in things, True, name + ": things")


def test_difference():
    text = pprof("-top", "-unit=B", "-nodefraction=0", "-diff_base", folder + "/older.pb", folder + "/newer.pb")
    found = {m[2]: int(m[1]) for m in re.finditer(r"^ *(-?\d+)B .* (\S+)$", text, re.M)}
    wanted = {"gone": -4000, "fresh": 3000, "shrink": -3000, "grow": 2000}
    same({n: v for n, v in found.items() if v}, wanted, "-diff_base")


def test_labels():
    traces = pprof("-traces", folder + "/sample.pb")
    for text in ("tag:  load", "domain:  db", "thread:  work;er", "type:  weak map"):
        same(re.sub(r" +", " ", text) in re.sub(r" +", " ", traces), True, "-traces: " + text)
    focused = pprof("-top", "-unit=B", "-nodefraction=0", "-tagfocus=type=^node$", folder + "/sample.pb")
    nodes = [o for o in dump_of("sample")["objects"] if dump_of("sample")["types"][o["type"]]["name"] == "node"]
    same("%dB" % sum(o["size"] for o in nodes) in focused, True, "-tagfocus by type")


for name in ("sample", "older", "newer", "random", "empty", "live"):
    test_raw(name)
test_top()
test_difference()
test_labels()
print("%d checks hold" % checks)
