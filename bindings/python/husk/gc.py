"""The collector under the names of the standard module gc, for objects of heaps.

Functions work on husk.default, or on the heap that the keyword heap names. Names, arguments, defaults, results and
exceptions are those of gc; docs/python-differences.md has what differs, and why. Heap has the same and more under
names of its own (Heap.collect, Heap.pacing, Heap.disable, ...).

callbacks is a list of functions that are called before and after each pass over husk.default, in its order, with
"start" or "stop" and a dict: generation, collected, uncollectable, reason, duration. garbage is a list of what passes
have kept because of DEBUG_SAVEALL; taking something off the list lets it go.

Ownership: the lists hold what is in them, nothing else here keeps an object alive but what a function returns.
Errors: husk.ClosedError if the heap is closed; those of callbacks go to sys.unraisablehook, and the others still run.
Threads: any thread; callbacks run on the one that collects, and no lock is held.
"""

import operator as _operator
import sys as _sys
import time as _time
import weakref as _weakref

from husk import _core, _passes, _survey

__all__ = [
    "DEBUG_COLLECTABLE", "DEBUG_LEAK", "DEBUG_SAVEALL", "DEBUG_STATS", "DEBUG_UNCOLLECTABLE", "callbacks", "collect",
    "disable", "dry_run", "enable", "find_leaks", "freeze", "garbage", "gcstat", "gcstat_list", "gcstat_read",
    "get_count", "get_debug", "get_freeze_count", "get_objects", "get_parallel", "get_pass_sums", "get_passes",
    "get_pause", "get_pause_histogram", "get_pauses", "get_referents", "get_referrers", "get_stats", "get_steps",
    "get_threshold", "get_young", "hidden", "hidden_count", "hidden_counts", "is_finalized", "is_tracked", "isenabled",
    "leaks", "set_debug", "set_parallel", "set_pause", "set_threshold", "set_young", "step", "unfreeze",
]

DEBUG_STATS = 1
DEBUG_COLLECTABLE = 2
DEBUG_UNCOLLECTABLE = 4
DEBUG_SAVEALL = 32
DEBUG_LEAK = DEBUG_COLLECTABLE | DEBUG_UNCOLLECTABLE | DEBUG_SAVEALL

# Called before and after each pass over husk.default, in order, with "start" or "stop" and a dict.
callbacks = []

# What passes over husk.default have kept because of DEBUG_SAVEALL.
garbage = []

_GENERATIONS = 3  # as they are numbered here: 0 are runs over young pages, 2 is the whole heap, 1 the same
_WHOLE, _YOUNG = 0, 1  # as the heap numbers them
_HOLDER = "husk.gc"
_LEAST_BYTES = _core.default.pacing().least_bytes


class _State:
    """What belongs to husk.default alone."""

    debug = 0
    collecting = False  # in collect(), the callbacks after it included
    told = False  # in collect(): the callbacks know that it has started
    began = 0.0


class _Own:
    """What this module keeps for one heap."""

    __slots__ = ("disabled", "least_bytes", "older")

    def __init__(self):
        self.disabled = False
        self.least_bytes = _LEAST_BYTES  # for when passes are switched on again
        self.older = (10, 10)


_owns = _weakref.WeakKeyDictionary()


def _own(heap):
    """The heap that a function works on, open, and what is kept for it."""
    if heap is None:
        heap = _core.default
    elif not isinstance(heap, _core.Heap):
        raise TypeError(f"a Heap expected, got {type(heap).__name__}")
    heap.is_enabled()  # raises if it is closed
    found = _owns.get(heap)
    if found is None:
        found = _owns[heap] = _Own()
    return heap, found


# ---- passes ----

def collect(generation=2, *, heap=None):
    """Ends all garbage of the heap, cycles through Python objects too; returns how many objects were found.

    generation is 0, 1 or 2, else ValueError. 0 is a run over young pages, Heap.collect_young: it ends cycles of objects
    of the heap that were born since a pass last looked at their pages. 1 and 2 look at everything. Called inside a pass
    or a hook of the heap it returns 0 at once, and the heap collects when the hook is done.
    """
    generation = _operator.index(generation)
    if not 0 <= generation < _GENERATIONS:
        raise ValueError("invalid generation")
    heap, _ = _own(heap)
    run = heap.collect if generation else heap.collect_young
    if heap is not _core.default:
        try:
            figures = run()
        except _core.BusyError:
            return 0
        return figures.collected
    if _State.collecting:
        return 0
    _State.collecting = True
    try:
        figures = run()
        _finish(figures)
        return figures.collected
    except _core.BusyError:
        return 0
    finally:
        _State.collecting = _State.told = False


def _on_pass(phase, figures):
    """What the heap tells. The passes of one collect() are one pass to callbacks."""
    if phase == "start":
        if not _State.told:
            _State.told = _State.collecting
            _start(figures)
    elif not _State.collecting:
        _finish(figures)


def _start(figures):
    _State.began = _time.perf_counter()
    if _State.debug & DEBUG_STATS:
        objects = _core.default.figures().objects
        _print(f"collecting generation {_number_of(figures)}...")
        _print(f"objects in each generation: 0 0 {objects}")
    _call("start", _info(figures, 0, 0.0))


def _finish(figures):
    seconds = _time.perf_counter() - _State.began
    saved = _core.default.garbage_count() if _State.debug & DEBUG_SAVEALL else 0
    if saved:
        garbage.extend(_core.default.garbage())
        _core.default.garbage_clear()
    if _State.debug & DEBUG_COLLECTABLE and figures.collected:
        _print(f"collectable: {figures.collected} objects, {figures.bytes} bytes")
    if _State.debug & DEBUG_STATS:
        _print(f"done, {figures.collected} unreachable, 0 uncollectable, {seconds:.4f}s elapsed")
    _call("stop", _info(figures, figures.collected, seconds))


def _print(text):
    if _sys.stderr is not None:
        print("gc:", text, file=_sys.stderr)


def _number_of(figures):
    return 0 if figures.generation == _YOUNG else _GENERATIONS - 1


def _info(figures, collected, seconds):
    return {
        "generation": _number_of(figures),
        "collected": collected,
        "uncollectable": 0,
        "reason": figures.reason,
        "duration": seconds,
    }


def _call(phase, info):
    at = 0
    while at < len(callbacks):
        callback = callbacks[at]
        try:
            callback(phase, info)
        except BaseException as error:
            _core._write_unraisable(error, callback)
        at += 1


# ---- in steps ----

def step(seconds=0.001, *, heap=None):
    """Goes on with a pass in steps, or begins one, for about so long; returns whether it is over: Heap.step.

    Seconds are 0.00001 to 10, else husk.RangeError. husk.BusyError inside a pass or a hook of the heap.
    """
    return _own(heap)[0].step(seconds).finished


def set_pause(seconds, *, heap=None):
    """Automatic passes run in steps of about so long, 0.00001 to 10 seconds; 0, the default: at once."""
    _own(heap)[0].set_pause(seconds)


def get_pause(*, heap=None):
    """What set_pause() has set, in seconds."""
    return _own(heap)[0].pause()


def get_steps(*, heap=None):
    """What passes in steps did, a husk.Steps: how many, how often they were given up or hurried, the longest step."""
    return _own(heap)[0].steps()


def set_young(objects, *, heap=None):
    """After how many births a run over young pages starts by itself, 64 to 2**24; 0: never: Heap.set_young."""
    _own(heap)[0].set_young(objects)


def get_young(*, heap=None):
    """What set_young() has set; 4096 at first."""
    return _own(heap)[0].young()


def set_parallel(threads, *, heap=None):
    """How many threads a pass over everything may use, the caller's among them, 1 to 8; 1, the default: no others.

    Only heaps of 2 * 10**6 objects and more use them; the threads run no Python: Heap.set_parallel.
    """
    _own(heap)[0].set_parallel(threads)


def get_parallel(*, heap=None):
    """What set_parallel() has set."""
    return _own(heap)[0].parallel()


# ---- switches ----

def enable(*, heap=None):
    """Takes disable() back. Unlike Heap.enable() it may be called at any time."""
    heap, own = _own(heap)
    if own.disabled:
        heap.enable()
        own.disabled = False


def disable(*, heap=None):
    """Stops automatic passes. Unlike Heap.disable() it does not nest: one enable() is enough."""
    heap, own = _own(heap)
    if not own.disabled:
        heap.disable(_HOLDER)
        own.disabled = True


def isenabled(*, heap=None):
    """Whether passes start by themselves."""
    return _own(heap)[0].is_enabled()


def get_threshold(*, heap=None):
    """The thresholds, a tuple of three. See set_threshold()."""
    heap, own = _own(heap)
    return (heap.pacing().least_objects, *own.older)


def _threshold(name, value):
    number = _operator.index(value)
    if number > 0x7fffffff:
        raise OverflowError("signed integer is greater than maximum")
    if number < 0:
        raise ValueError(f"{name} is {number}: 0 or more expected")
    return number


_SAME = object()


def set_threshold(threshold0, threshold1=_SAME, threshold2=_SAME, /, *, heap=None):
    """A pass starts when the heap has grown by more than threshold0 objects, and by as much as it has; 0: never.

    threshold1 and threshold2 are for generations that a heap does not have: they are kept and have no effect.
    Negative ones are a ValueError, and nothing changes. Growth in bytes counts too: Heap.set_pacing.
    """
    number = _threshold("threshold0", threshold0)
    older = [None if value is _SAME else _threshold(name, value)
             for name, value in (("threshold1", threshold1), ("threshold2", threshold2))]
    heap, own = _own(heap)
    now = heap.pacing()
    if number == 0 and now.least_bytes:
        own.least_bytes = now.least_bytes
        heap.set_pacing(least_objects=0, least_bytes=0)
    elif number and not now.least_objects and not now.least_bytes:
        heap.set_pacing(least_objects=number, least_bytes=own.least_bytes)
    else:
        heap.set_pacing(least_objects=number)
    own.older = tuple(kept if new is None else new for new, kept in zip(older, own.older))


# ---- figures ----

def get_count(*, heap=None):
    """By how many objects the heap has grown since the last pass over all of it; the other two of the tuple are 0."""
    return (_own(heap)[0].counts().grown_objects, 0, 0)


def get_stats(*, heap=None):
    """A list of three dicts with the sums: of runs over young pages, of none, and of passes over everything."""
    heap, _ = _own(heap)

    def sums(generation):
        all_of = heap.generation(generation)
        return {"collections": all_of.passes, "collected": all_of.collected, "uncollectable": 0}

    oldest = sums(_WHOLE)
    return [sums(_YOUNG), dict.fromkeys(oldest, 0), oldest]


def get_passes(n=None, *, heap=None):
    """What the latest n passes did and why, a list of PassRecord, the oldest first; at most 64 are kept, which is n.

    Not in gc. Fields: number, reason, mode, status, quiet, the times, candidates, freed, the survivors by reason, the
    heap before and after, freed objects by type, line (as HUSK_GCTRACE prints it). ValueError: n is negative.
    """
    n = 64 if n is None else _operator.index(n)
    if n < 0:
        raise ValueError(f"n is {n}: 0 or more expected")
    heap, _ = _own(heap)
    last = heap.pass_count()
    return [_passes.record(_core._pass_record(heap, number))
            for number in range(max(1, last - min(n, 64) + 1), last + 1)]


def get_pass_sums(mode="full", *, heap=None):
    """The sums of all passes of a mode, "full", "young" or "step", as PassSums. Not in gc. ValueError: no such mode."""
    number = _passes.mode_number(mode, 3)
    return _passes.PassSums(**_core._pass_sums(_own(heap)[0], number))


def get_pauses(mode="any", percent=None, *, heap=None):
    """How long the program waited for passes of a mode, of all with "any", as Pauses; in steps each is one. Not in gc.

    With percent: that percentile in nanoseconds, never too short and at most 1/16 too long. ValueError: no such mode;
    RangeError: percent is not above 0 and at most 100.
    """
    number = _passes.mode_number(mode, 4)
    if percent is not None:
        return _core._pauses(_own(heap)[0], number, float(percent))
    return _passes.Pauses(**_core._pauses(_own(heap)[0], number, None))


def get_pause_histogram(mode="any", *, heap=None):
    """The same as buckets, those that are not empty: a list of PauseBucket. Not in gc. ValueError: no such mode."""
    number = _passes.mode_number(mode, 4)
    return [_passes.PauseBucket(*row) for row in _core._pause_histogram(_own(heap)[0], number)]


# ---- other processes ----

def gcstat(on=None, /):
    """gcstat(True) shows the passes of this process to `husk gcstat` and others of the same user, as HUSK_GCSTAT=1 does;

    gcstat(False) ends that, gcstat() asks. Not in gc. OSError: the system refuses the page.
    """
    if on is not None and not isinstance(on, bool):
        raise TypeError(f"True, False or None expected, got {type(on).__name__}")
    return _core._gcstat(on)


def gcstat_read(pid, /):
    """The heaps of a process that shows them, as their latest passes left them: a list of HeapStat. Not in gc.

    MissingError: no such process, or it shows none. OSError: it is another user's.
    """
    return [_passes.heap_stat(made) for made in _core._gcstat_read(_operator.index(pid))]


def gcstat_list():
    """The numbers of this user's processes that show their passes, in order. Not in gc."""
    return sorted(_core._gcstat_list())


# ---- objects ----

def get_objects(generation=None, *, heap=None):
    """A list of the objects that passes look at: all of them, or those of a generation, of which 2 has all.

    What is young is known of pages, not of objects, so the lists of 0 and 1 are empty.
    It does not hold the objects of Python that the heap keeps.
    """
    if generation is not None:
        try:
            generation = _operator.index(generation)
        except TypeError:
            raise TypeError(f"argument should be integer or None, not {type(generation).__name__!r}") from None
        if generation < -1:
            raise ValueError("generation parameter cannot be negative")
        if generation >= _GENERATIONS:
            raise ValueError(f"generation parameter must be less than the number of available generations "
                             f"({_GENERATIONS})")
    heap, _ = _own(heap)
    if generation in (0, 1):
        return []
    found = {id(x): x for x in heap.objects() if isinstance(x, _core.Obj) and _core.is_tracked(x)}
    return list(found.values())


def get_referrers(*objs):
    """A list of the objects of the heap that refer to any of objs, each once. Scans the heap for each of objs.

    Frozen and untracked objects are seen too; variables and containers of Python are not. TypeError if one of
    objs is not an object of a heap.
    """
    found = {}
    for obj in objs:
        for x in _core.referrers(obj):
            found[id(x)] = x
    return list(found.values())


def get_referents(*objs):
    """A list of what objs refer to, once for each slot; values of Python too. What is not in a heap has none."""
    found = []
    for obj in objs:
        if isinstance(obj, _core.Obj):
            found.extend(_core.referents(obj))
    return found


def is_tracked(obj, /):
    """Whether passes look at obj; what is not an object of a heap is not looked at."""
    return isinstance(obj, _core.Obj) and _core.is_tracked(obj)


def is_finalized(obj, /):
    """Whether the finalizer of obj has run; it stays so when obj has come back."""
    return isinstance(obj, _core.Obj) and _core.is_finalized(obj)


def freeze(*, heap=None):
    """Sets all present objects aside: passes skip them. They still die by counting. For the moment before a fork."""
    _own(heap)[0].freeze()


def unfreeze(*, heap=None):
    """Takes freeze() back."""
    _own(heap)[0].unfreeze()


def get_freeze_count(*, heap=None):
    """How many objects are set aside."""
    return _own(heap)[0].figures().frozen_objects


# ---- looking before, and instead ----

def dry_run(*, objects=0, heap=None):
    """What a pass would do, as DryRun, without doing it.

    All that would die, by type; the finalizers, callbacks and cleanups in the order in which they would run; the
    expected pause. objects: how many objects are listed one by one. Cycles through Python objects are not seen.
    """
    return _survey.dry_run(_own(heap)[0], objects)


def hidden(*, objects=0, by_place=False, heap=None):
    """Who is held from outside, as Hidden: references that no slot accounts for, handles of Python among them.

    objects: how many objects are listed one by one, those with most first. by_place: rows by type and place.
    """
    return _survey.hidden(_own(heap)[0], objects, by_place)


def hidden_count(obj, /):
    """How many references to obj no slot accounts for, that of its handle among them.

    Below 0: the heap is damaged. None: not known, obj is immortal. Goes through the whole heap.
    """
    return _core._hidden_count(obj)


def hidden_counts(objs, /):
    """The hidden_count of each of these objects, which are of one heap, as a list.

    Goes through the heap once, however many they are. ValueError: they are of several heaps.
    """
    return _core._hidden_counts(objs)


def find_leaks(on, /, *, objects=0, heap=None):
    """Finding leaks: passes free nothing and tell each unreachable object once.

    on: a callable that gets Leaks after a pass that found something new, and when the heap closes all that were told;
    True: on_error is told, once for each type and place; False: off, and what was told is garbage again. objects: how
    many are listed one by one. Finalizers do not run, counts and weak references stay as they are.
    """
    _survey.find_leaks(_own(heap)[0], on, objects)


def leaks(*, objects=0, heap=None):
    """What was told so far and is unreachable still, as Leaks."""
    return _survey.leaks(_own(heap)[0], objects)


# ---- debugging ----

def set_debug(flags, /):
    """Sets the debugging flags of husk.default, a sum of the constants DEBUG_*.

    DEBUG_STATS and DEBUG_COLLECTABLE print to sys.stderr after each pass. DEBUG_SAVEALL puts what passes find on
    the list garbage, finalized, with weak references intact. Nothing is uncollectable, so DEBUG_UNCOLLECTABLE
    alone prints nothing.
    """
    flags = _operator.index(flags)
    heap, _ = _own(None)
    heap.set_save_all(bool(flags & DEBUG_SAVEALL))
    _State.debug = flags


def get_debug():
    """The debugging flags."""
    return _State.debug


# The names of a module that is loaded again are still there.
if "_number" in globals():
    _core.default.off_pass(_number)  # noqa: F821
_number = _core.default.on_pass(_on_pass)
