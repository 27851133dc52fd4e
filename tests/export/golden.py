"""golden.py FOLDER [update]: the exports of the sample, byte for byte, against golden/. `update` writes them anew: look at
the difference before you commit it."""
import os
import re
import sys

folder, golden = sys.argv[1], os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
suffixes = ["txt", "json", "csv", "traceback.csv", "folded", "types.folded", "heapsnapshot", "types.speedscope.json", "dot", "prom"]
wrong = []


def read(path):
    with open(path, "rb") as file:
        # The version is not what is tested.
        return re.sub(rb"\"husk \d+\.\d+\.\d+\"", b'"husk VERSION"', file.read())


for suffix in suffixes:
    made, path = read("%s/sample.%s" % (folder, suffix)), "%s/sample.%s" % (golden, suffix)
    if "update" in sys.argv[2:]:
        with open(path, "wb") as file:
            file.write(made)
    elif read(path) != made:
        before, now = read(path).split(b"\n"), made.split(b"\n")
        line = next((i for i, (a, b) in enumerate(zip(before, now)) if a != b), min(len(before), len(now)))
        wrong.append("sample.%s: line %d: %r instead of %r" % (suffix, line + 1, b"".join(now[line:line + 1]), b"".join(before[line:line + 1])))
for text in wrong:
    print(text)
print("%d forms, %d differ" % (len(suffixes), len(wrong)))
sys.exit(bool(wrong))
