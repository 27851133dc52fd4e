"""Who made what: tracing of heaps under the names of the standard module tracemalloc.

    from husk import tracemalloc

    tracemalloc.start(10)
    ...
    snapshot = tracemalloc.take_snapshot()
    for stat in snapshot.statistics("lineno")[:5]:
        print(stat)

Functions work on husk.default, or on the heap that the keyword heap names. What is traced are the objects of the heap and
the growing parts of lists and maps; frames are those of Python, and with native=True those of C too. Names, arguments,
defaults, results, texts and exceptions are those of tracemalloc; docs/python-differences.md has what differs, and why.
Beyond it there are sampling, tags, domains and marks, more ways to group and to filter, files that other languages and
the command line read.

heap=tracemalloc.process means the tracer of memory that is no object, which is told of it by track() or by
libhusk-preload.

Ownership: a snapshot holds neither the heap nor its objects; statistics, traces and tracebacks hold no snapshot, but
Snapshot.traces and what it gives. Errors: husk.StateError (a RuntimeError) if the heap is not traced, husk.FileError and
husk.FormatError of files, ValueError and TypeError as in tracemalloc. Threads: any; a tag or domain is that of the thread
that began it. Snapshots may be read by several threads, and long work on them lets other threads run.
"""

import collections as _collections
import contextlib as _contextlib
import functools as _functools
import operator as _operator
import os as _os
from collections.abc import Iterable as _Iterable
from collections.abc import Sequence as _Sequence

from husk import _core

__all__ = [
    "BaseFilter", "DomainFilter", "ExportFormat", "Filter", "Frame", "Lifetimes", "ObjectInfo", "Reference", "Snapshot",
    "Statistic", "StatisticDiff", "Statistics", "Trace", "Traceback", "clear_traces", "domain", "export_formats",
    "figures", "get_block_traceback", "get_object_traceback", "get_traceback_limit", "get_traced_memory",
    "get_tracemalloc_memory", "is_tracing", "mark", "process", "report", "reset_peak", "start", "stop", "tag",
    "take_snapshot", "track", "untrack",
]

_MOST_FRAMES = 65535
_GIVEN, _LANGUAGE, _NATIVE = 1, 2, 4
_NO_EDGES, _NO_PROCESS, _NO_BLOCKS, _MAPS = 1, 2, 4, 8
_CUMULATIVE, _EACH_FRAME, _UNTRACED = 1, 2, 4
_TYPES, _COUNT, _MADE = 1, 2, 4

# The names of groupings here, and the library's. The first three are those of tracemalloc.
_KEY_TYPES = {
    "traceback": "traceback", "filename": "file", "lineno": "line", "function": "function", "type": "type", "tag": "tag",
    "domain": "domain", "thread": "thread", "size": "class", "age": "age", "mark": "mark", "kind": "kind",
}
_CUMULATIVE_TYPES = ("filename", "lineno", "function")


class _Process:
    __slots__ = ()

    def __repr__(self):
        return "husk.tracemalloc.process"


# Given as heap=: the tracer of memory that is no object.
process = _Process()


def _target(heap):
    """The heap as the functions in C want it."""
    if heap is None or isinstance(heap, _core.Heap):
        return heap
    if heap is process:
        return False
    raise TypeError(f"a Heap expected, got {type(heap).__name__}")


# ---- switches and figures ----

def start(nframe=1, *, sample_bytes=0, native=False, seed=0, epoch_ms=0, heap=None):
    """Traces what the heap makes from now on, with up to nframe frames each, 1 to 65535; does nothing if it is traced.

    sample_bytes: 0 traces everything; else one byte in so many is looked at, by chance, and sums are estimates without
    bias: 512 KiB (524288) costs next to nothing. native: with the frames of C that called Python and that Python
    called. seed: of the samples, for runs that can be repeated; 0: by chance. epoch_ms: how finely ages are told; 0:
    a second.
    """
    nframe = _operator.index(nframe)
    if not -1 << 31 <= nframe < 1 << 31:
        raise OverflowError("nframe: an int of 32 bits expected")
    if not 1 <= nframe <= _MOST_FRAMES:
        raise ValueError(f"the number of frames must be in range [1; {_MOST_FRAMES}]")
    sources = _GIVEN | _LANGUAGE | (_NATIVE if native or heap is process else 0)
    _core._trace_start(_target(heap), nframe, _operator.index(sample_bytes), _operator.index(seed),
                       _operator.index(epoch_ms), sources)


def stop(*, heap=None):
    """Stops tracing and forgets everything. May be repeated."""
    _core._trace_stop(_target(heap))


def clear_traces(*, heap=None):
    """Forgets what was made so far: its place becomes unknown, and its end moves no figure."""
    _core._trace_clear(_target(heap))


def is_tracing(*, heap=None):
    """Whether the heap is traced."""
    return _core._trace_is_on(_target(heap))


def get_traceback_limit(*, heap=None):
    """Most frames of a traceback, as the latest start() said; 1 before the first."""
    return _core._trace_limit(_target(heap))


def get_traced_memory(*, heap=None):
    """(current, peak): bytes of what is traced and alive, and the most there were. Zeros when not tracing."""
    now = _core._trace_figures(_target(heap))
    return now.bytes, now.peak_bytes


def reset_peak(*, heap=None):
    """Makes the current bytes the peak."""
    _core._trace_reset_peak(_target(heap))


def get_tracemalloc_memory(*, heap=None):
    """Bytes that the tracer takes."""
    return _core._trace_figures(_target(heap)).own_bytes


def figures(*, heap=None):
    """All figures of the tracer, as husk.TraceFigures; zeros when not tracing."""
    return _core._trace_figures(_target(heap))


def mark(name, *, heap=None):
    """Begins a new stretch of time: Filter(since=name) and the key type "mark" tell what was made in it. At most 128.

    StateError if the heap is not traced.
    """
    _core._trace_mark(_target(heap), name)


class _Scope(_contextlib.ContextDecorator):
    __slots__ = ("_name", "_heap")
    _is_domain = False

    def __init__(self, name, *, heap=None):
        self._name = name
        self._heap = _target(heap)

    def __enter__(self):
        _core._trace_push(self._heap, self._is_domain, self._name)
        return self

    def __exit__(self, *error):
        _core._trace_pop(self._heap, self._is_domain)

    def __repr__(self):
        return f"husk.tracemalloc.{type(self).__name__}({self._name!r})"


class tag(_Scope):
    """A context manager and decorator: what this thread makes in the heap meanwhile carries the tag. The innermost counts.

    It may stand before tracing begins. A generator that stops inside keeps the tag on. At most 64 deep.
    """

    __slots__ = ()


class domain(_Scope):
    """As tag, for a domain, a str or an int, which Trace.domain, DomainFilter and the key type "domain" tell apart."""

    __slots__ = ()
    _is_domain = True

    def __init__(self, name, *, heap=None):
        super().__init__(name if isinstance(name, str) else str(_operator.index(name)), heap=heap)


# ---- memory that is no object ----

def track(domain, address, size, /):
    """Notes that a block of memory that somebody else manages has been had, for heap=tracemalloc.process.

    domain is a number of yours; the same address may live in several. What was noted for it is replaced. StateError
    if the process is not traced.
    """
    _core._track(domain, address, size)


def untrack(domain, address, /):
    """Notes that a block is gone; one that was never noted is fine. StateError if the process is not traced."""
    _core._untrack(domain, address)


# ---- frames and tracebacks ----

@_functools.total_ordering
class Frame:
    """A place: filename and lineno, and the name of the function where it is known. Compared by the first two."""

    __slots__ = ("_frame", "_function")

    def __init__(self, frame):
        self._frame = frame if len(frame) == 2 else (frame[0], frame[1])
        self._function = frame[2] if len(frame) > 2 else ""

    @property
    def filename(self):
        """Of the source, or of the program or library of native code; "<unknown>" if it is not known."""
        return self._frame[0]

    @property
    def lineno(self):
        """The line; 0 if it is not known, or not grouped by."""
        return self._frame[1]

    @property
    def function(self):
        """The qualified name of the function; "" if it is not known, or not grouped by."""
        return self._function

    def __eq__(self, other):
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame == other._frame

    def __lt__(self, other):
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame < other._frame

    def __hash__(self):
        return hash(self._frame)

    def __str__(self):
        return f"{self.filename}:{self.lineno}"

    def __repr__(self):
        return f"<Frame filename={self.filename!r} lineno={self.lineno!r}>"


@_functools.total_ordering
class Traceback(_Sequence):
    """Frames, the oldest first. Compared by their places."""

    __slots__ = ("_frames", "_functions", "_total_nframe")

    def __init__(self, frames, total_nframe=None):
        """frames: tuples (filename, lineno) or (filename, lineno, function), the newest first."""
        newest = tuple(frames)
        self._frames = tuple([(frame[0], frame[1]) for frame in reversed(newest)])
        self._functions = tuple([frame[2] if len(frame) > 2 else "" for frame in reversed(newest)])
        self._total_nframe = total_nframe

    @property
    def total_nframe(self):
        """How many frames there were before the limit cut them; None if that is not known."""
        return self._total_nframe

    def _frame_at(self, index):
        return Frame((*self._frames[index], self._functions[index]))

    def __len__(self):
        return len(self._frames)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(map(self._frame_at, range(*index.indices(len(self._frames)))))
        return self._frame_at(index)

    def __contains__(self, frame):
        return frame._frame in self._frames

    def __eq__(self, other):
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames == other._frames

    def __lt__(self, other):
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames < other._frames

    def __hash__(self):
        return hash(self._frames)

    def __str__(self):
        return str(self[0])

    def __repr__(self):
        total = "" if self._total_nframe is None else f" total_nframe={self._total_nframe}"
        return f"<Traceback {tuple(self)}{total}>"

    def format(self, limit=None, most_recent_first=False):
        """A list of lines, two for each frame whose source can be read.

        limit: a positive one keeps so many of the newest frames, a negative one of the oldest.
        """
        chosen = range(len(self._frames))
        if limit is not None:
            chosen = chosen[-limit:] if limit > 0 else chosen[:limit]
        lines = []
        for i in reversed(chosen) if most_recent_first else chosen:
            filename, lineno = self._frames[i]
            lines.append(f'  File "{filename}", line {lineno}')
            source = _source_line(filename, lineno)
            if source:
                lines.append(f"    {source}")
        return lines


def _source_line(filename, lineno):
    """The line of a source without blanks around it. Names may come from a file of anybody: no device is read."""
    import linecache
    if filename not in linecache.cache:
        try:
            if _os.path.exists(filename) and not _os.path.isfile(filename):
                return ""
        except ValueError:  # a null character
            return ""
    return linecache.getline(filename, lineno).strip()


def get_object_traceback(obj, /):
    """Where an object of a heap was made: a Traceback, or None if it is not traced, or not in a heap."""
    frames = _core._trace_of(obj)
    return None if frames is None else Traceback(frames)


def get_block_traceback(domain, address, /):
    """The same of a block that track() was told of."""
    frames = _core._trace_of_block(domain, address)
    return None if frames is None else Traceback(frames)


# ---- traces and statistics ----

def _size_text(size, sign):
    """Bytes as tracemalloc writes them: whole below ten KiB; then one digit behind the point below 100 of a unit."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if unit != "B" and abs(size) < 100:
            return f"{size:+.1f} {unit}" if sign else f"{size:.1f} {unit}"
        if abs(size) < 10 * 1024 or unit == "TiB":
            return f"{size:+.0f} {unit}" if sign else f"{size:.0f} {unit}"
        size /= 1024


def _domain_of(text):
    """A domain as Trace has it: a number if it is one, and 0 for none."""
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


class Trace:
    """One thing that is traced: domain, size and traceback; and what else is known of it."""

    __slots__ = ("_trace", "_more")

    def __init__(self, trace, more=None):
        """trace: (domain, size, frames, total_nframe), the frames as Traceback takes them."""
        domain, size, frames, total_nframe = trace
        self._trace = (domain, size, tuple([(frame[0], frame[1]) for frame in frames]), total_nframe)
        self._more = (frames, *(more or ("object", 0, "", "", "", 0, 1.0)))

    @property
    def domain(self):
        """A number, 0 if none was said, or a str."""
        return self._trace[0]

    @property
    def size(self):
        """Bytes of its block."""
        return self._trace[1]

    @property
    def traceback(self):
        """Where it was made, a Traceback."""
        return Traceback(self._more[0], self._trace[3])

    @property
    def kind(self):
        """"object"; "buffer", a growing part of one; or "block", told by track()."""
        return self._more[1]

    @property
    def address(self):
        """Where it is."""
        return self._more[2]

    @property
    def type(self):
        """The name of the type of an object; "" for others."""
        return self._more[3]

    @property
    def tag(self):
        """The tag under which it was made, or ""."""
        return self._more[4]

    @property
    def mark(self):
        """The latest mark before it was made, or ""."""
        return self._more[5]

    @property
    def thread(self):
        """The system's number of the thread that made it."""
        return self._more[6]

    @property
    def weight(self):
        """How many things it stands for: 1.0 unless sampled."""
        return self._more[7]

    def __eq__(self, other):
        if not isinstance(other, Trace):
            return NotImplemented
        return self._trace == other._trace

    def __hash__(self):
        return hash(self._trace)

    def __str__(self):
        return f"{self.traceback}: {_size_text(self.size, False)}"

    def __repr__(self):
        return f"<Trace domain={self.domain} size={_size_text(self.size, False)}, traceback={self.traceback!r}>"


class _Traces(_Sequence):
    """The traced things of a snapshot that its filters let pass; made one by one as they are asked for."""

    __slots__ = ("_handle", "_filters", "_made")

    def __init__(self, handle, filters):
        self._handle = handle
        self._filters = filters
        self._made = None

    def _things(self):
        if self._made is None:
            self._made = _core._things_new(self._handle, self._filters, 0)
        return self._made

    def _trace_at(self, index):
        domain, size, frames, total, kind, address, kind_name, tag, mark, thread, weight, _ = self._things().at(index)
        return Trace((_domain_of(domain), size, frames, total), (kind, address, kind_name, tag, mark, thread, weight))

    def __len__(self):
        return len(self._things())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(map(self._trace_at, range(*index.indices(len(self)))))
        at = _operator.index(index)
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError("trace index out of range")
        return self._trace_at(at)

    def __iter__(self):
        return map(self._trace_at, range(len(self)))

    def __contains__(self, trace):
        for mine in self:
            if trace._trace == mine._trace:
                return True
        return False

    def __eq__(self, other):
        if not isinstance(other, _Traces):
            return NotImplemented
        return len(self) == len(other) and all(a._trace == b._trace for a, b in zip(self, other))

    __hash__ = None

    def __repr__(self):
        return f"<Traces len={len(self)}>"


Lifetimes = _collections.namedtuple(
    "Lifetimes", "born born_bytes died died_bytes temporary peak peak_bytes")
Lifetimes.__doc__ = """What the tracer has seen of a place since the start: things made and gone, and their bytes; how many died
before the next one was made; and what was alive when the heap's traced bytes were at their highest."""


class Statistic:
    """A group: traceback, size and count of what is alive. name is None where places are grouped, else what the group is."""

    __slots__ = ("traceback", "size", "count", "name", "lifetimes")

    def __init__(self, traceback, size, count, *, name=None, lifetimes=None):
        self.traceback = traceback
        self.size = size
        self.count = count
        self.name = name
        self.lifetimes = lifetimes

    def __eq__(self, other):
        if not isinstance(other, Statistic):
            return NotImplemented
        return (self.traceback == other.traceback and self.size == other.size and self.count == other.count
                and self.name == other.name)

    def __hash__(self):
        return hash((self.traceback, self.size, self.count))

    def __str__(self):
        text = (f"{self.traceback if self.name is None else self.name}: size={_size_text(self.size, False)}, "
                f"count={self.count}")
        if self.count:
            text += f", average={_size_text(self.size / self.count, False)}"
        return text

    def __repr__(self):
        return f"<Statistic traceback={self.traceback!r} size={self.size} count={self.count}>"


class StatisticDiff:
    """A group of two snapshots: size and count in the new one, and the differences from the old one."""

    __slots__ = ("traceback", "size", "size_diff", "count", "count_diff", "name", "lifetimes")

    def __init__(self, traceback, size, size_diff, count, count_diff, *, name=None, lifetimes=None):
        self.traceback = traceback
        self.size = size
        self.size_diff = size_diff
        self.count = count
        self.count_diff = count_diff
        self.name = name
        self.lifetimes = lifetimes

    def __eq__(self, other):
        if not isinstance(other, StatisticDiff):
            return NotImplemented
        return (self.traceback == other.traceback and self.size == other.size and self.size_diff == other.size_diff
                and self.count == other.count and self.count_diff == other.count_diff and self.name == other.name)

    def __hash__(self):
        return hash((self.traceback, self.size, self.size_diff, self.count, self.count_diff))

    def __str__(self):
        text = (f"{self.traceback if self.name is None else self.name}: size={_size_text(self.size, False)} "
                f"({_size_text(self.size_diff, True)}), count={self.count} ({self.count_diff:+d})")
        if self.count:
            text += f", average={_size_text(self.size / self.count, False)}"
        return text

    def __repr__(self):
        return (f"<StatisticDiff traceback={self.traceback!r} size={self.size} ({self.size_diff:+d}) count={self.count} "
                f"({self.count_diff:+d})>")


class Statistics(list):
    """A list of Statistic or StatisticDiff, the greatest first, which knows its sums."""

    __slots__ = ("_stats", "_places")

    @classmethod
    def _of(cls, stats, places, top):
        made = cls()
        made._stats = stats
        made._places = places
        count = len(stats) if top is None else min(len(stats), max(_operator.index(top), 0))
        for i in range(count):
            made.append(made._made(stats.row(i), i))
        return made

    def _made(self, row, index=None, name=None):
        given, size, count, size_diff, count_diff, frames, total, recorded = row
        if name is None and not self._places:
            name = self._stats.key(index)
        if frames is None:
            frames = ((name, 0),)
        lifetimes = None if recorded is None else Lifetimes._make(recorded)
        if self._stats.is_comparison():
            return StatisticDiff(Traceback(frames, total), size, size_diff, count, count_diff, name=name,
                                 lifetimes=lifetimes)
        return Statistic(Traceback(frames, total), size, count, name=name, lifetimes=lifetimes)

    @property
    def total(self):
        """All things together, each once, also if the statistics are cumulative."""
        return self._made(self._stats.total(), name="total")

    def rest(self, first):
        """The sum of the groups from number first on, those that `top` left out too; None if there are none."""
        first = _operator.index(first)
        if first < 0:
            raise ValueError(f"first is {first}: 0 or more expected")
        left = len(self._stats) - first
        return self._made(self._stats.rest(first), name=f"{left} other") if left > 0 else None

    def format(self, top=10):
        """A list of lines: the first groups, the sum of the others, the total."""
        lines = [str(stat) for stat in self[:top]]
        rest = self.rest(len(lines))
        if rest is not None:
            lines.append(str(rest))
        lines.append(str(self.total))
        return lines

    def __reduce_ex__(self, protocol):
        return list, (list(self),)


# ---- filters ----

class BaseFilter:
    """What all filters have: inclusive. An inclusive filter keeps what it matches, an exclusive one removes it."""

    def __init__(self, inclusive):
        self.inclusive = inclusive

    def _terms(self):
        """What the library is told, a list of filters: see host_stats.c."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it matches")


_NO_LINE = 0xFFFFFFFF  # no place has it


def _domains(domain):
    """Texts of a domain: none at all is 0 too."""
    if domain is None:
        return (None,)
    if isinstance(domain, str):
        return (domain,)
    number = _operator.index(domain)
    return ("", "0") if number == 0 else (str(number),)


class Filter(BaseFilter):
    """Matches by the file, a pattern as in fnmatch, and by whatever else is given.

    lineno: of the same frame. all_frames: any frame, not only the newest. domain: a number or a str. function, type,
    tag, thread: patterns. min_size: bytes. since: the name of a mark. kind: "object", "buffer" or "block".
    """

    def __init__(self, inclusive, filename_pattern="*", lineno=None, all_frames=False, domain=None, *, function=None,
                 type=None, tag=None, thread=None, min_size=None, since=None, kind=None):
        super().__init__(inclusive)
        self._filename_pattern = _os.path.normcase(filename_pattern)
        if self._filename_pattern.endswith(".pyc"):
            self._filename_pattern = self._filename_pattern[:-1]
        self.lineno = lineno
        self.all_frames = all_frames
        self.domain = domain
        self.function = function
        self.type = type
        self.tag = tag
        self.thread = thread
        self.min_size = min_size
        self.since = since
        self.kind = kind
        if kind not in (None, "object", "buffer", "block"):
            raise ValueError(f'kind is {kind!r}: "object", "buffer" or "block" expected')

    @property
    def filename_pattern(self):
        """The pattern; that of a compiled file stands for its source."""
        return self._filename_pattern

    def _terms(self):
        line = self.lineno
        if line is not None:
            line = _operator.index(line)
            line = line if 0 <= line < _NO_LINE else _NO_LINE
        size = None if self.min_size is None else max(_operator.index(self.min_size), 0)
        others = (self.function, self.type, self.tag, self.thread, size, self.since, self.kind)
        said = line is not None or self.domain is not None or others.count(None) < len(others)
        file = None if self._filename_pattern == "*" and said else self._filename_pattern
        terms = []
        for domain in _domains(self.domain):
            terms.append((bool(self.inclusive), file, line, bool(self.all_frames), domain, *others))
        return terms


class DomainFilter(BaseFilter):
    """Matches by the domain alone, a number or a str."""

    def __init__(self, inclusive, domain):
        super().__init__(inclusive)
        self._domain = domain

    @property
    def domain(self):
        """The domain."""
        return self._domain

    def _terms(self):
        terms = []
        for domain in _domains(self._domain):
            terms.append((bool(self.inclusive), None, None, False, domain, None, None, None, None, None, None, None))
        return terms


# ---- snapshots ----

ObjectInfo = _collections.namedtuple(
    "ObjectInfo", "address type size references hidden traceback tracked finalized finalizer_pending frozen immortal weakly")
ObjectInfo.__doc__ = """An object of a snapshot: the bytes of its block; how many references it has to others; hidden, the references
to it that come from outside the heap, handles of Python among them; where it was made, or None; and whether passes look at it,
its finalizer has run or waits, it is frozen, immortal, referred to weakly."""

Reference = _collections.namedtuple("Reference", "to name index weak ephemeron")
Reference.__doc__ = """A reference of a snapshot: the number of the object it leads to; the name of its slot, or None; its number among
items, elements or rows, or None; whether it keeps nothing alive, or only while its key lives."""


def take_snapshot(*, heap=None, traced=True, references=True, process_memory=True, blocks=True, maps=False, max_bytes=0):
    """The state of the heap at this moment, a Snapshot; the heap's tracer and the snapshot itself are not in it.

    StateError if the heap is not traced; with traced=False that is no matter. What takes time and memory may be left
    out: references between objects, the process's figures, blocks of track(). maps: with the process's mappings.
    max_bytes: of the snapshot, in memory and as a file; references are left out if it does not suffice, and if that does
    not help it is a LimitError.
    """
    target = _target(heap)
    if traced and not _core._trace_is_on(target):
        raise _core.StateError("the tracemalloc module must be tracing memory allocations to take a snapshot")
    flags = ((0 if references else _NO_EDGES) | (0 if process_memory else _NO_PROCESS) | (0 if blocks else _NO_BLOCKS)
             | (_MAPS if maps else 0))
    return Snapshot._of(_core._snapshot_new(target, flags, _operator.index(max_bytes)))


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
        return Statistics._of(stats, key_type in ("traceback", "filename", "lineno"), top)

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
        bytes; made: all that was made, dead or alive; title and max_bytes: of "html". What filters leave out cannot be
        left out here: ValueError.
        """
        if self._filters:
            raise ValueError("a filtered snapshot cannot be exported")
        to = _writer(target)
        if format is None:
            format = _core._export_guess(to) if isinstance(to, bytes) else None
            if format is None:
                raise ValueError("the form of the export has to be said")
        if by is not None and by not in _KEY_TYPES:
            raise ValueError(f"unknown key_type: {by!r}")
        flags = (_TYPES if types else 0) | (_COUNT if count else 0) | (_MADE if made else 0)
        _core._export(self._handle, format, to, flags, _KEY_TYPES.get(by), _operator.index(top),
                      _operator.index(max_bytes), title)

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
        return ObjectInfo(address, kind, size, edges, hidden, Traceback(*self._handle.frames(stack)) if stack else None,
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


ExportFormat = _collections.namedtuple("ExportFormat", "name suffix about")
ExportFormat.__doc__ = """A form of Snapshot.export(): its name, what files of it end with, and what it is."""


def export_formats():
    """The forms that a snapshot can be written in, a list of ExportFormat."""
    return list(map(ExportFormat._make, _core._export_formats()))


def report(snapshots, target, *, title=None, names=None, max_bytes=0):
    """One self-contained HTML page about snapshots, the oldest first: flame graph, tables, differences, memory over time.

    target: as in Snapshot.export(). names: one for each, else their times are shown. max_bytes: of the page, never
    exceeded; what is cut is said there. ValueError: a snapshot is filtered, or there are none, or more than 1000.
    """
    snapshots = list(snapshots)
    handles = []
    for one in snapshots:
        if not isinstance(one, Snapshot):
            raise TypeError(f"a Snapshot expected, got {type(one).__name__}")
        if one._filters:
            raise ValueError("a filtered snapshot cannot be exported")
        handles.append(one._handle)
    if names is not None:
        names = tuple(names)
        if len(names) != len(handles):
            raise ValueError(f"{len(names)} names for {len(handles)} snapshots")
    _core._report(tuple(handles), _writer(target), title, names, _operator.index(max_bytes))


def _writer(target):
    """A path as bytes, or what is called with each piece."""
    write = getattr(target, "write", None)
    return _os.fsencode(target) if write is None else write


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
