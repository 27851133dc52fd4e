"""Talks to stats_tell (tell.c): random snapshots, in the words that it reads."""
import random
import subprocess


def word(text):
    """A text as tell.c reads it: bytes that end words, and those that are not printed well, as %XX."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return "".join(chr(b) if 32 < b < 127 and b != 37 or b == 32 else "%%%02X" % b for b in data)


def unword(text):
    return text.replace("%09", "\t").replace("%0A", "\n").replace("%25", "%")


class Tell:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def put(self, *words):
        line = "\t".join(word(w) if isinstance(w, str) else str(w) for w in words) + "\n"
        self.process.stdin.write(line.encode())

    def ask(self, *words):
        """The lines of the answer, each a list of words."""
        self.put(*words)
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("stats_tell ended (%s) at %r" % (self.process.wait(), words))
            line = line.decode("utf-8", "surrogateescape").rstrip("\n")
            if line == ".":
                return lines
            lines.append([unword(w) for w in line.split("\t")])

    def close(self):
        self.process.stdin.close()
        if self.process.wait():
            raise SystemExit("stats_tell: exit code %d (3: memory was left)" % self.process.returncode)


def check(what, have, want):
    if have != want:
        print(what)
        have, want = (x if isinstance(x, list) else [x] for x in (have, want))
        for i in range(max(len(have), len(want))):
            h = have[i] if i < len(have) else "-"
            w = want[i] if i < len(want) else "-"
            print("  %s have %s\n    want %s" % (" " if h == w else "!", h, w))
        raise SystemExit(1)


class Rows:
    """Numbers the rows of a section as they are first wanted."""

    def __init__(self, add, zero=None):
        self.numbers, self.add = {}, add
        if zero is not None:
            self.numbers[zero] = 0

    def __call__(self, *key):
        if key not in self.numbers:
            self.add(*key)
            self.numbers[key] = len(self.numbers) + (0 if 0 in self.numbers.values() else 1)
        return self.numbers[key]


class Writer:
    """Writes one snapshot. With `repeats` what is the same gets several rows now and then, as a file may have it."""

    def __init__(self, tell, rng, repeats):
        self.tell, self.rng, self.repeats = tell, rng, repeats
        self.rows = {}
        self.counts = {}
        tell.put("snapshot")

    def text(self, text):
        if text and (text[0] == "!" or self.repeats and self.rng.random() < 0.1):
            return "!" + text
        return text

    def row(self, section, key, *words, zero=None):
        """The number of the row `key`, which is written as these words if it is new."""
        if zero is not None and key == zero:
            return 0
        known = self.rows.get((section, key))
        if known is not None and not (self.repeats and self.rng.random() < 0.05):
            return known
        self.tell.put(section, *words)
        number = self.counts[section] = self.counts.get(section, 0) + 1
        self.rows[section, key] = number
        return number

    def module(self, path, start, end, offset):
        return self.row("module", (path, start), self.text(path), start, end, offset)

    def frame(self, file, function, line, module=0, address=0):
        return self.row("frame", (file, function, line, module, address), self.text(file), self.text(function), line,
                        module, address, zero=("<unknown>", "", 0, 0, 0))

    def stack(self, frames, total=0):
        """Numbers of frames, the newest first."""
        parent = 0
        for i, frame in enumerate(reversed(frames)):
            here = total if i + 1 == len(frames) else 0
            parent = self.row("stack", (parent, frame, here), parent, frame, here)
        return parent

    def thread(self, ident, name):
        return self.row("thread", (ident, name), ident, self.text(name), zero=(0, ""))

    def context(self, tag, domain, thread):
        return self.row("context", (tag, domain, thread), self.text(tag), self.text(domain), thread, zero=("", "", 0))

    def type(self, name):
        return self.row("type", name, self.text(name), zero="?")
