"""Writes docs/python-reference.md: the docstrings of the package, in reading order.

    cmake --build build --target husk_python_reference

A test (test_reference.py) finds a page that is stale, and public things without a docstring.
"""

import inspect
import re
import sys
import textwrap
import types

import husk
from husk import ffi

FIGURES = ("Pass", "Counts", "Pacing", "PacingState", "Bound", "SoftLimit", "Region", "Idle", "Step", "Steps", "Stress",
           "SoftFigures", "Generation", "Figures", "TraceFigures", "SnapshotCounts")
GROUPS = (
    ("Heaps", ("Heap", "collect")),
    ("Objects", ("Obj", "Record", "RecordType", "List", "Map")),
    ("Weak references and cleanups", ("ref", "WeakKeyMap", "WeakValueMap", "WeakSet", "Cleanup", "soft", "DeadQueue",
                                      "Watch")),
    ("Asking about an object", ("getrefcount", "refcount", "getsizeof", "getweakrefcount", "weak_count", "getweakrefs",
                                "referents", "referrers", "referring_slots", "heap_of", "is_alive", "is_dying",
                                "is_finalized", "is_frozen", "is_immortal", "is_tracked", "is_unique",
                                "make_immortal")),
    ("The library", ("version", "status_name", "status_text", "memory_requests", "memory_fail", "memory_held",
                     "memory_mode")),
)


class Page:
    def __init__(self):
        self.lines = []
        self.missing = []
        self.shown = set()

    def add(self, text=""):
        self.lines += text.split("\n")

    def doc_of(self, thing, name):
        """The docstring, without the signature that some begin with; and that signature."""
        doc = inspect.getdoc(thing) or ""
        first, _, rest = doc.partition("\n")
        plain = name.rsplit(".", 1)[-1]
        given = None
        if first.startswith(plain + "("):
            given, doc = first[len(plain):], rest.strip()
        if not doc:
            self.missing.append(name)
        return doc, given

    def entry(self, thing, name, bound):
        doc, given = self.doc_of(thing, name)
        self.add(f"**`{name}{given or signature(thing, bound)}`**  ")
        self.add(escape(doc))
        self.add()

    def attribute(self, thing, name):
        doc, _ = self.doc_of(thing, name)
        self.add(f"**`{name}`**  ")
        self.add(escape(doc))
        self.add()

    def of_class(self, kind, prefix):
        """A class and what it has by itself; what it has from collections.abc is named."""
        name = f"{prefix}.{kind.__name__}"
        doc, given = self.doc_of(kind, name)
        self.add(f"### {name}")
        self.add()
        self.add(f"**`{name}{given or signature(kind, False)}`**  ")
        self.add(escape(doc))
        self.add()
        borrowed = []
        for member, thing in vars(kind).items():
            if member.startswith("_"):
                continue
            if isinstance(thing, types.FunctionType) and not thing.__module__.startswith("husk"):
                borrowed.append(member)
            elif isinstance(thing, (types.GetSetDescriptorType, property)):
                self.attribute(thing, f"{kind.__name__.lower()}.{member}")
            elif callable(thing):
                self.entry(thing, f"{kind.__name__.lower()}.{member}", not isinstance(thing, staticmethod))
        if borrowed:
            self.add("As in `collections.abc`: " + ", ".join(f"`{member}`" for member in sorted(borrowed)) + ".")
            self.add()

    def figures(self):
        self.add("### Figures")
        self.add()
        self.add("Named tuples: what calls return.")
        self.add()
        for name in FIGURES:
            kind = getattr(husk, name)
            self.add(f"**`husk.{name}`**  ")
            fields = ", ".join(f"`{x}`" for x in kind.__match_args__)
            self.add(textwrap.fill(marked(self.doc_of(kind, name)[0]) + f" {fields}.", 118))
            self.add()

    def errors(self):
        self.add("### Exceptions")
        self.add()
        self.add("| class | also a | when |")
        self.add("|---|---|---|")
        found = [x for x in vars(husk).values() if isinstance(x, type) and issubclass(x, husk.Error)]
        for kind in sorted(found, key=lambda x: (x is not husk.Error, x.__name__)):
            also = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
            self.add(f"| `husk.{kind.__name__}` | {also} | {marked(self.doc_of(kind, kind.__name__)[0])} |")
        self.add()


def signature(thing, bound):
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    parameters = list(found.parameters.values())
    if bound and parameters:
        parameters = parameters[1:]
    shown = [x.replace(annotation=x.empty) for x in parameters]
    shown = [x.replace(default=Shown("...")) if type(x.default) is object else x for x in shown]
    return str(found.replace(parameters=shown, return_annotation=found.empty))


class Shown(str):
    """A default that has no name of its own."""

    def __repr__(self):
        return str(self)


# What is shown as code: calls, names with an underscore, names of the package.
CODE = re.compile(r"[\w.]*\w\([^()\s]*(?:, [^()\s]*)*\)|\*{0,2}\b[\w.]*_[\w.]*\w\*?|\bDEBUG_\*|\bhusk\.\w[\w.]*\w")


def is_code(part):
    return part.startswith(("    ", "class "))


def marked(part):
    """A paragraph as Markdown."""
    out, at = [], 0
    for found in CODE.finditer(part):
        out += [part[at:found.start()].replace("*", "\\*").replace("<", "\\<"), "`", found[0], "`"]
        at = found.end()
    out.append(part[at:].replace("*", "\\*").replace("<", "\\<"))
    return textwrap.fill("".join(out), 118, break_long_words=False, break_on_hyphens=False)


def escape(text):
    """A docstring as Markdown: paragraphs, and pieces of code."""
    parts = []
    for part in text.split("\n\n"):
        if is_code(part) and parts and parts[-1][0]:
            parts[-1] = (True, parts[-1][1] + "\n\n" + part)
        else:
            parts.append((is_code(part), part))
    return "\n\n".join("```python\n" + textwrap.dedent(part) + "\n```" if code else marked(part) for code, part in parts)


def make():
    page = Page()
    page.add("# Python: reference")
    page.add()
    page.add("Made from the docstrings of the package by `tests/python/reference.py`. [Python](python.md) is the guide;")
    page.add("[the page of differences](python-differences.md) compares the modules with `gc`, `weakref` and `tracemalloc`.")
    page.add()
    page.add("## husk")
    page.add()
    page.add(escape(inspect.getdoc(husk)))
    page.add()
    shown = set(FIGURES) | {"default", "ffi", "gc", "memory", "tracemalloc", "weakref"}
    for title, names in GROUPS:
        page.add(f"## {title}")
        page.add()
        for name in names:
            thing = getattr(husk, name)
            shown.add(name)
            if isinstance(thing, type):
                page.of_class(thing, "husk")
            else:
                page.entry(thing, f"husk.{name}", False)
        if title == "Heaps":
            page.add("**`husk.default`**  ")
            page.add("The heap in which things are made if none is named.")
            page.add()
    page.add("## Results and errors")
    page.add()
    page.figures()
    page.errors()
    for module in (husk.gc, husk.weakref, husk.tracemalloc, husk.memory, ffi):
        page.add(f"## {module.__name__}")
        page.add()
        page.add(escape(inspect.getdoc(module)))
        page.add()
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type) and thing.__name__ == name and thing.__module__ == module.__name__:
                page.of_class(thing, module.__name__)
            elif inspect.isfunction(thing) or module is ffi and inspect.isbuiltin(thing):
                page.entry(thing, f"{module.__name__}.{name}", False)
    for name, thing in vars(husk).items():
        public = not name.startswith("_") and not isinstance(thing, types.ModuleType)
        if public and name not in shown and not (isinstance(thing, type) and issubclass(thing, husk.Error)):
            page.missing.append(f"husk.{name}: in no group of the page")
    while page.lines[-1] == "":
        page.lines.pop()
    return "\n".join(page.lines) + "\n", page.missing


if __name__ == "__main__":
    text, missing = make()
    for name in missing:
        print(f"no docstring: {name}", file=sys.stderr)
    sys.stdout.write(text)
    sys.exit(1 if missing else 0)
