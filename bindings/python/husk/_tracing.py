"""husk.tracemalloc: what is traced, and with what labels. The records are those of _traces.py."""

import contextlib as _contextlib
import operator as _operator

from husk import _core

_MOST_FRAMES = 65535
_GIVEN, _LANGUAGE, _NATIVE = 1, 2, 4


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
