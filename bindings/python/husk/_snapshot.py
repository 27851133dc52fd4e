"""husk.tracemalloc: the state of a heap at one moment, its file, and what can be asked of it."""

import collections as _collections
import operator as _operator
import os as _os
from collections.abc import Iterable as _Iterable

from husk import _core
from husk._export import _writer
from husk._statistics import _CUMULATIVE_TYPES, _KEY_TYPES
from husk._statistics import Statistics as _Statistics
from husk._traces import Traceback as _Traceback
from husk._traces import _Traces
from husk._tracing import _target

_NO_EDGES, _NO_PROCESS, _NO_BLOCKS, _MAPS = 1, 2, 4, 8
_CUMULATIVE, _EACH_FRAME, _UNTRACED = 1, 2, 4
_TYPES, _COUNT, _MADE = 1, 2, 4

ObjectInfo = _collections.namedtuple(
    "ObjectInfo", "address type size references hidden traceback tracked finalized finalizer_pending frozen immortal weakly")
ObjectInfo.__doc__ = """An object of a snapshot: the bytes of its block; how many references it has to others; hidden, the references
to it that come from outside the heap, handles of Python among them; where it was made, or None; and whether passes look at it,
its finalizer has run or waits, it is frozen, immortal, referred to weakly."""

Reference = _collections.namedtuple("Reference", "to name index weak ephemeron")
Reference.__doc__ = """A reference of a snapshot: the number of the object it leads to; the name of its slot, or None; its number among
items, elements or rows, or None; whether it keeps nothing alive, or only while its key lives."""


def _flags(references, process_memory, blocks, maps):
    return ((0 if references else _NO_EDGES) | (0 if process_memory else _NO_PROCESS) | (0 if blocks else _NO_BLOCKS)
            | (_MAPS if maps else 0))


def _want_traced(target, traced):
    if traced and not _core._trace_is_on(target):
        raise _core.StateError("the tracemalloc module must be tracing memory allocations to take a snapshot")


def take_snapshot(*, heap=None, traced=True, references=True, process_memory=True, blocks=True, maps=False, max_bytes=0):
    """The state of the heap at this moment, a Snapshot; the heap's tracer and the snapshot itself are not in it.

    StateError if the heap is not traced; with traced=False that is no matter. What takes time and memory may be left
    out: references between objects, the process's figures, blocks of track(). maps: with the process's mappings.
    max_bytes: of the snapshot, in memory and as a file; references are left out if it does not suffice, and if that does
    not help it is a LimitError.
    """
    target = _target(heap)
    _want_traced(target, traced)
    flags = _flags(references, process_memory, blocks, maps)
    return Snapshot._of(_core._snapshot_new(target, flags, _operator.index(max_bytes)))


class ForkedSnapshot:
    """A snapshot that a child of this process takes and writes to a file: fork_snapshot(). It is a context manager, too."""

    __slots__ = ("_child", "__weakref__")

    def __init__(self, *args, **named):
        raise TypeError("a ForkedSnapshot is made by fork_snapshot()")

    @property
    def pid(self):
        """The number of the child; None once it has been waited for."""
        return self._child

    def wait(self):
        """Waits until the file is there, and raises what went wrong in the child. Once more it does nothing."""
        child, self._child = self._child, None
        if child is not None:
            _core._snapshot_wait(child)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.wait()

    def __del__(self):
        if getattr(self, "_child", None) is not None:  # or it would stay a zombie
            self.wait()


def fork_snapshot(filename, *, heap=None, traced=True, references=True, process_memory=True, blocks=True, maps=False,
                  max_bytes=0):
    """Takes a snapshot in a child of the process, which writes it to a file: this process stops for the fork alone.

    A ForkedSnapshot, whose wait() must be called before Snapshot.load(filename); it is waited for at the latest when
    nobody has it any more, and what went wrong then goes to sys.unraisablehook. Arguments as for take_snapshot().
    BusyError: another thread works on a snapshot. The child runs no Python, only the library.
    """
    target = _target(heap)
    _want_traced(target, traced)
    flags = _flags(references, process_memory, blocks, maps)
    made = ForkedSnapshot.__new__(ForkedSnapshot)
    made._child = None
    made._child = _core._snapshot_fork(target, flags, _operator.index(max_bytes), filename)
    return made


_NOTE = "python"  # what this module adds to a file: filters and attributes
_TERMS = (bool, str, int, bool, str, str, str, str, str, int, str, str)


class Snapshot:
    """The state of a heap at one moment, taken by take_snapshot() or loaded from a file. It never changes.

    Attributes of your own survive the file if they are what JSON has.
    """

    __slots__ = ("_handle", "_filters", "_traces", "traceback_limit", "__dict__", "__weakref__")

    def __init__(self, *args, **named):
        raise TypeError("a Snapshot is made by take_snapshot() or Snapshot.load()")

    @classmethod
    def _of(cls, handle, filters=(), limit=None):
        made = cls.__new__(cls)
        made._handle = handle
        made._filters = filters
        made._traces = None
        if limit is None:
            limit = handle.numbers().get("trace", {}).get("frames", 1)
        made.traceback_limit = limit
        return made

    @property
    def traces(self):
        """The traced things that its filters let pass, a sequence of Trace, each made when it is asked for."""
        if self._traces is None:
            self._traces = _Traces(self._handle, self._filters)
        return self._traces

    def filter_traces(self, filters):
        """The same snapshot, with only those things that pass the filters, a list of Filter and DomainFilter.

        A thing passes if some inclusive filter matches it, or there is none, and no exclusive one does.
        """
        if not isinstance(filters, _Iterable):
            raise TypeError(f"filters must be a list of filters, not {type(filters).__name__}")
        terms = tuple([term for one in filters for term in one._terms()])
        return Snapshot._of(self._handle, (*self._filters, terms) if terms else self._filters, self.traceback_limit)

    def _grouped(self, old, key_type, cumulative, sort, each_frame, untraced, top):
        if not isinstance(key_type, str) or key_type not in _KEY_TYPES:
            raise ValueError(f"unknown key_type: {key_type!r}")
        if cumulative and key_type not in _CUMULATIVE_TYPES:
            raise ValueError(f"cumulative mode cannot by used with key type {key_type!r}")
        flags = ((_CUMULATIVE if cumulative else 0) | (_EACH_FRAME if each_frame else 0)
                 | (_UNTRACED if untraced else 0))
        old_handle, old_filters = (None, ()) if old is None else (old._handle, old._filters)
        stats = _core._stats_new(self._handle, self._filters, old_handle, old_filters, _KEY_TYPES[key_type], sort, flags)
        return _Statistics._of(stats, key_type in ("traceback", "filename", "lineno"), top)

    def statistics(self, key_type, cumulative=False, *, sort="size", each_frame=False, untraced=False, top=None):
        """Groups of things, the greatest first, a list of Statistic.

        key_type: "lineno", "filename", "traceback"; "function", "type", "tag", "domain", "thread", "size" (the class of
        sizes), "age", "mark", "kind". By type, size and kind things count whose place is not known, too; in other
        groupings they do with untraced. cumulative: each frame of a traceback gets what was made below it, by "lineno",
        "filename" and "function"; a group counts a thing once, and with each_frame as often as it is in the traceback.
        sort: "size", "count", "born", "temporary", "peak". top: only so many groups.
        """
        return self._grouped(None, key_type, cumulative, sort, each_frame, untraced, top)

    def compare_to(self, old_snapshot, key_type, cumulative=False, *, sort="size", each_frame=False, untraced=False,
                   top=None):
        """What has changed since an older snapshot, a list of StatisticDiff, the greatest differences first.

        Arguments as for statistics(); sort is "size" or "count".
        """
        if not isinstance(old_snapshot, Snapshot):
            raise TypeError(f"a Snapshot expected, got {type(old_snapshot).__name__}")
        return self._grouped(old_snapshot, key_type, cumulative, sort, each_frame, untraced, top)

    # -- files --

    def dump(self, filename):
        """Writes it to a file, all or nothing, that Snapshot.load(), other languages and the command line read."""
        import json
        attributes = {}
        for name, value in vars(self).items():
            try:
                json.dumps(value)
            except (TypeError, ValueError, RecursionError) as error:
                raise TypeError(f"attribute {name!r} cannot be written: {error}") from None
            attributes[name] = value
        self._handle.note(_NOTE, json.dumps({"filters": self._filters, "attributes": attributes}))
        self._handle.save(filename)

    @staticmethod
    def load(filename):
        """Opens a file. FileError: it cannot be read; FormatError: it is no snapshot, or damaged."""
        handle = _core._snapshot_load(filename)
        text = handle.texts().get(_NOTE)
        filters, attributes = _read_note(text, filename) if text else ((), {})
        made = Snapshot._of(handle, filters)
        vars(made).update(attributes)
        return made

    def export(self, target, format=None, *, by=None, top=0, types=False, count=False, made=False, title=None, max_bytes=0):
        """Writes it in a form that other programs read: export_formats() lists them; None guesses by the ending of a path.

        target: a path, which is written all or nothing, or something with a method write() that takes bytes. by: a key
        type, and top: most rows, of "text" and "csv"; types: the type as the innermost frame; count: things and not
        bytes; made: all that was made, dead or alive; title and max_bytes: of "html".

        A filtered snapshot can be written as "csv", "collapsed", "pprof" and "speedscope", sums of what passes; names of
        other places may stand in their tables. The other forms show the whole state, and made tells of what is gone:
        ValueError.
        """
        to = _writer(target)
        if format is None:
            format = _core._export_guess(to) if isinstance(to, bytes) else None
            if format is None:
                raise ValueError("the form of the export has to be said")
        if by is not None and by not in _KEY_TYPES:
            raise ValueError(f"unknown key_type: {by!r}")
        flags = (_TYPES if types else 0) | (_COUNT if count else 0) | (_MADE if made else 0)
        _core._export(self._handle, format, to, flags, _KEY_TYPES.get(by), _operator.index(top),
                      _operator.index(max_bytes), title, self._filters or None)

    # -- what else it has --

    @property
    def counts(self):
        """How much it has of what, as husk.SnapshotCounts; filters are no matter."""
        return self._handle.counts()

    @property
    def about(self):
        """Texts about it, a dict: "husk", "time", "command", "pid", "heap", and what note() has added."""
        return {key: text for key, text in self._handle.texts().items() if key != _NOTE}

    @property
    def numbers(self):
        """Numbers about it, a dict of dicts: "heap", "trace", "gc", "process", "system", "cgroup", "balance"."""
        return self._handle.numbers()

    def note(self, key, text):
        """Adds or replaces a text, which survives the file."""
        if key == _NOTE:
            raise ValueError(f"the key {_NOTE!r} is used by husk.tracemalloc itself")
        self._handle.note(key, text)

    def object_at(self, index):
        """Object number index, in the order of addresses, as ObjectInfo. IndexError beyond the last of counts.objects."""
        index = _operator.index(index)
        found = self._handle.node(index) if index >= 0 else None
        if found is None:
            raise IndexError(f"object {index} of {self._handle.counts().objects}")
        address, kind, size, edges, hidden, stack, *flags = found
        return ObjectInfo(address, kind, size, edges, hidden, _Traceback(*self._handle.frames(stack)) if stack else None,
                          *flags)

    def references_of(self, index):
        """The references of object number index, a list of Reference; empty if they were left out."""
        index = _operator.index(index)
        found = []
        for i in range(self.object_at(index).references):
            edge = self._handle.edge(index, i)
            if edge is not None:
                found.append(Reference._make(edge))
        return found

    def find(self, obj):
        """The number of an object, or of what is at an address; None if it is not in the snapshot."""
        return self._handle.find(_core._address(obj) if isinstance(obj, _core.Obj) else _operator.index(obj))


def report(snapshots, target, *, title=None, names=None, max_bytes=0):
    """One self-contained HTML page about snapshots, the oldest first: flame graph, tables, differences, memory over time.

    target: as in Snapshot.export(). names: one for each, else their times are shown. max_bytes: of the page, never
    exceeded; what is cut is said there. ValueError: a snapshot is filtered (a page shows the whole state), or there are none, or more than 1000.
    """
    snapshots = list(snapshots)
    handles = []
    for one in snapshots:
        if not isinstance(one, Snapshot):
            raise TypeError(f"a Snapshot expected, got {type(one).__name__}")
        if one._filters:
            raise ValueError("a report shows the whole state: a filtered snapshot cannot be in it")
        handles.append(one._handle)
    if names is not None:
        names = tuple(names)
        if len(names) != len(handles):
            raise ValueError(f"{len(names)} names for {len(handles)} snapshots")
    _core._report(tuple(handles), _writer(target), title, names, _operator.index(max_bytes))


def _is_term(value, kind):
    return value is None or type(value) is kind


def _read_note(text, filename):
    """What dump() has added to a file. It is checked as everything in a file is."""
    import json
    try:
        note = json.loads(text)
        filters = tuple([tuple([tuple(terms) for terms in one]) for one in note["filters"]])
        attributes = note["attributes"]
        good = (all(len(terms) == len(_TERMS) and all(map(_is_term, terms, _TERMS)) for one in filters for terms in one)
                and isinstance(attributes, dict) and not any(hasattr(Snapshot, name) for name in attributes))
    except (ValueError, TypeError, KeyError, RecursionError):
        good = False
    if not good:
        raise _core.FormatError(f"{_os.fsdecode(filename)}: what Python has noted in it is damaged")
    return filters, attributes
