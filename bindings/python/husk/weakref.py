"""Weak references to objects of heaps, under the names of the standard module weakref.

What counts is the life of the object in its heap, not that of Python's handle of it. Names, arguments, defaults and
exceptions are those of weakref; docs/python-differences.md has what differs, and why.

ref and WeakSet are the classes of husk. WeakKeyDictionary and WeakValueDictionary are objects of Python, as the
standard ones are; husk.WeakKeyMap and husk.WeakValueMap are containers in a heap, which records can hold. Not in weakref: soft, a reference that keeps its object until memory is
short, and DeadQueue, which tells of the dead when it is asked.

Ownership: nothing here keeps an object alive but what a method returns, and what a finalize is given. Errors: those of
callbacks go to sys.unraisablehook, and the others still run; husk.ClosedError if the heap is closed, but ReferenceError
from a proxy. Threads: any thread; callbacks run on the one by whose doing the object died.
"""

from husk import _weakset as _weakset  # gives WeakSet its methods
from husk._core import DeadQueue, Watch, WeakSet, ref, soft
from husk._finalize import finalize
from husk._weakdict import WeakKeyDictionary, WeakValueDictionary
from husk._weakproxy import CallableProxyType, ProxyType, WeakMethod, getweakrefcount, getweakrefs, proxy

__all__ = [
    "CallableProxyType", "DeadQueue", "ProxyType", "ProxyTypes", "ReferenceType", "Watch", "WeakKeyDictionary",
    "WeakMethod", "WeakSet", "WeakValueDictionary", "finalize", "getweakrefcount", "getweakrefs", "proxy", "ref", "soft",
]

ReferenceType = ref
ProxyTypes = (ProxyType, CallableProxyType)

for _one in (CallableProxyType, ProxyType, WeakKeyDictionary, WeakMethod, WeakValueDictionary, finalize, getweakrefcount,
             getweakrefs, proxy):  # they are of this module, whatever file they stand in: for pickle, and who reads a repr
    _one.__module__ = __name__
del _one
