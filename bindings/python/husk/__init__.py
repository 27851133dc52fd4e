"""Counted objects in heaps of their own, with weak references and a collector of cycles.

    import husk

    class Node(husk.Record):
        value: int
        next: "Node"

    n = Node(1)
    n.next = Node(2)

Objects live in a heap, husk.default if none is named. What Python has is one handle for each object; a handle is
one counted reference.

Ownership: a handle owns one reference to its object and keeps the heap; fields, items and entries own one to what
they hold. Errors: husk.Error and what derives from it, of the kind of a builtin that fits, or TypeError. Threads: a
heap may be used by any thread; Python's lock is held inside each call, so calls never overlap.
"""

from collections.abc import MutableMapping as _MutableMapping
from collections.abc import MutableSequence as _MutableSequence
from collections.abc import MutableSet as _MutableSet

from husk import _core
from husk._core import *  # noqa: F401,F403

# What the protocols of the standard library can do by themselves.
for _name in ("count", "index", "pop", "remove", "reverse", "__iadd__", "__reversed__"):
    setattr(_core.List, _name, getattr(_MutableSequence, _name))
_MutableSequence.register(_core.List)
for _name in ("keys", "items", "values", "popitem", "setdefault", "update"):
    setattr(_core.Map, _name, getattr(_MutableMapping, _name))
_MutableMapping.register(_core.Map)
for _name in ("popitem", "setdefault", "update"):
    setattr(_core.WeakKeyMap, _name, getattr(_MutableMapping, _name))
    setattr(_core.WeakValueMap, _name, getattr(_MutableMapping, _name))
_MutableMapping.register(_core.WeakKeyMap)
_MutableMapping.register(_core.WeakValueMap)
_core.WeakSet.pop = _MutableSet.pop
_MutableSet.register(_core.WeakSet)
del _name

__version__ = _core.version()


def collect(*, python: bool = True) -> "_core.Pass":
    """Heap.collect of husk.default."""
    return _core.default.collect(python=python)


from husk import gc, memory, tracemalloc, weakref  # noqa: E402,F401 - they stand on what is above
