"""husk.weakref: the registry of what is to be done at an object's end."""

import atexit as _atexit
import sys as _sys
import weakref as _weakref

from husk import _core
from husk._weakdict import _want_object


class _Work:
    """What a finalize does; the registry of the heap holds it while it is to be done."""

    __slots__ = ("func", "args", "kwargs")

    def __init__(self, func, args, kwargs):
        self.func = func
        self.args = args
        self.kwargs = kwargs

    def __call__(self):
        try:
            self.func(*self.args, **self.kwargs)
        except Exception:
            if not finalize._exiting:
                raise
            _sys.excepthook(*_sys.exc_info())

    def __repr__(self):
        return f"<finalize of {self.func!r}>"


class finalize:
    """Registers func(*args, **kwargs) for the end of obj, an object of a heap. It is called once at most: when obj has
    died, or by calling this, which returns its result, or when the heap closes, as all do at exit.

    Several of one object run newest first. Nobody need keep the result. Arguments that lead to obj keep it alive.
    An error of func goes to sys.unraisablehook, at exit to sys.excepthook; the others still run.
    """

    __slots__ = ("_cleanup",)

    _exiting = False

    def __init__(self, obj, func, /, *args, **kwargs):
        self._cleanup = None
        _want_object(obj)
        if not callable(func):
            raise TypeError(f"finalize(): a callable expected, got {type(func).__name__}")
        _heaps.add(_core.heap_of(obj))
        self._cleanup = _core.Cleanup(obj, _Work(func, args, kwargs))

    def __call__(self, _=None):
        """If alive, takes it off the registry and returns func(*args, **kwargs); else None."""
        work = self._take()
        return None if work is None else work.func(*work.args, **work.kwargs)

    def _work(self):
        return self._cleanup.callback if self.alive else None

    def _end(self):
        """Takes it off the registry; whether this call did."""
        cleanup, self._cleanup = self._cleanup, None
        return cleanup is not None and cleanup.detach()

    def _take(self):
        work = self._work()
        return work if work is not None and self._end() else None

    def _show(self, take):
        work = self._work()
        obj = None if work is None else self._cleanup.obj
        if obj is None or take and not self._end():
            return None
        return obj, work.func, work.args, work.kwargs

    def peek(self):
        """If alive, (obj, func, args, kwargs); else None."""
        return self._show(False)

    def detach(self):
        """If alive, takes it off the registry and returns (obj, func, args, kwargs); else None."""
        return self._show(True)

    @property
    def alive(self):
        """Whether it is still to run."""
        cleanup = getattr(self, "_cleanup", None)  # none: a derived class that did not call __init__
        return cleanup is not None and cleanup.alive

    @property
    def atexit(self):
        """Whether it runs when the heap closes and obj still lives; true unless set."""
        return self.alive and self._cleanup.at_exit

    @atexit.setter
    def atexit(self, value):
        if self.alive:
            self._cleanup.at_exit = bool(value)

    def __repr__(self):
        shown = self.peek()
        where = f"<{type(self).__name__} object at {id(self):#x}; "
        if shown is None:
            return where + "dead>"
        return where + f"for {type(shown[0]).__name__!r} at {id(shown[0]):#x}>"


_heaps = _weakref.WeakSet()  # those that may have work to do at exit


def _at_exit():
    """Before the heaps close: everything of the program is still there."""
    finalize._exiting = True
    for heap in list(_heaps):
        if not heap.closed:
            heap.run_cleanups()


_atexit.register(_at_exit)
