"""Weak references to objects of heaps, under the names of the standard module weakref.

What counts is the life of the object in its heap, not that of Python's handle of it. Names, arguments, defaults and
exceptions are those of weakref; docs/python-differences.md has what differs, and why.

ref and WeakSet are the classes of husk. WeakKeyDictionary and WeakValueDictionary are objects of Python, as the
standard ones are; husk.WeakKeyMap and husk.WeakValueMap are containers in a heap, which records can hold.

Ownership: nothing here keeps an object alive but what a method returns, and what a finalize is given. Errors: those of
callbacks go to sys.unraisablehook, and the others still run; husk.ClosedError if the heap is closed, but ReferenceError
from a proxy. Threads: any thread; callbacks run on the one by whose doing the object died.
"""

import atexit as _atexit
import collections.abc as _abc
import copy as _copy
import operator as _operator
import sys as _sys
import types as _types
import weakref as _weakref

from husk import _core
from husk._core import WeakSet, ref

__all__ = [
    "CallableProxyType", "ProxyType", "ProxyTypes", "ReferenceType", "WeakKeyDictionary", "WeakMethod", "WeakSet",
    "WeakValueDictionary", "finalize", "getweakrefcount", "getweakrefs", "proxy", "ref",
]

ReferenceType = ref


# ---- asking ----

def getweakrefcount(object, /):
    """How many weak references to object there are, a shared one counted once; 0 if it is not in a heap."""
    return _core.getweakrefcount(object) if isinstance(object, _core.Obj) else 0


def getweakrefs(object, /):
    """A list of the refs and proxies to object: the shared ref first, then the newest first."""
    if not isinstance(object, _core.Obj):
        return []
    found = [x._proxy() if type(x) is _ProxyRef else x for x in _core.getweakrefs(object)]
    return [x for x in found if x is not None]


# ---- proxies ----

class _ProxyRef(ref):
    """The reference of a proxy: one of its own, which getweakrefs can tell apart."""

    def __new__(cls, obj, callback, made):
        return super().__new__(cls, obj, callback)

    def __init__(self, obj, callback, made):
        self._proxy = _weakref.ref(made)


class _Proxy:
    __slots__ = ("_ref", "__weakref__")

    def __new__(cls, *args, **named):
        raise TypeError(f"cannot create 'husk.weakref.{cls.__name__}' instances")

    def __getattribute__(self, name):
        return getattr(_target(self), name)

    def __setattr__(self, name, value):
        setattr(_target(self), name, value)

    def __delattr__(self, name):
        delattr(_target(self), name)

    def __repr__(self):
        target = _target(self)
        return f"<weakproxy at {id(self):#x} to {type(target).__name__} at {id(target):#x}>"

    def __str__(self):
        return str(_target(self))

    def __bytes__(self):
        return type(_target(self)).__bytes__(_target(self))

    def __bool__(self):
        return bool(_target(self))

    def __len__(self):
        return len(_target(self))

    def __contains__(self, item):
        return item in _target(self)

    def __getitem__(self, key):
        return _target(self)[key]

    def __setitem__(self, key, value):
        _target(self)[key] = value

    def __delitem__(self, key):
        del _target(self)[key]

    def __iter__(self):
        return iter(_target(self))

    def __next__(self):
        target = _target(self)
        if not hasattr(type(target), "__next__"):
            raise TypeError(f"Weakref proxy referenced a non-iterator '{type(target).__name__}' object")
        return next(target)

    def __reversed__(self):
        return type(_target(self)).__reversed__(_target(self))

    __hash__ = None


_get_ref = _Proxy._ref.__get__
_set_ref = _Proxy._ref.__set__


def _target(x):
    """The object of a proxy; x itself if it is none."""
    if not issubclass(type(x), _Proxy):
        return x
    try:
        found = _get_ref(x)()
    except _core.ClosedError:
        found = None
    if found is None:
        raise ReferenceError("weakly-referenced object no longer exists")
    return found


def _forward():
    """The operators: both operands may be proxies."""
    def unary(call):
        return lambda self: call(_target(self))

    def binary(call):
        return lambda self, other: call(_target(self), _target(other))

    def mirrored(call):
        return lambda self, other: call(_target(other), _target(self))

    def add(name, method):
        method.__name__ = method.__qualname__ = name
        setattr(_Proxy, name, method)

    for name in ("neg", "pos", "abs", "invert", "index"):
        add(f"__{name}__", unary(getattr(_operator, name)))
    for name, call in (("int", int), ("float", float)):
        add(f"__{name}__", unary(call))
    for name in ("lt", "le", "eq", "ne", "gt", "ge"):
        add(f"__{name}__", binary(getattr(_operator, name)))
    for name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "and_", "or_", "xor"):
        short = name.rstrip("_")
        add(f"__{short}__", binary(getattr(_operator, name)))
        add(f"__r{short}__", mirrored(getattr(_operator, name)))
        add(f"__i{short}__", binary(getattr(_operator, "i" + short)))
    for name, call in (("divmod", divmod), ("pow", pow)):
        add(f"__{name}__", binary(call))
        add(f"__r{name}__", mirrored(call))
    add("__ipow__", binary(_operator.ipow))

    def power(self, other, modulus=None):
        return pow(_target(self), _target(other), _target(modulus))

    add("__pow__", power)


_forward()


class ProxyType(_Proxy):
    """The class of proxies to objects that cannot be called."""

    __slots__ = ()


class CallableProxyType(_Proxy):
    """The class of proxies to objects that can be called."""

    __slots__ = ()

    def __call__(self, /, *args, **named):
        return _target(self)(*args, **named)


ProxyTypes = (ProxyType, CallableProxyType)


def proxy(obj, callback=None, /):
    """What behaves as obj does, without keeping it: attributes, operators, iteration and truth are forwarded, and obj
    lives during each operation. It has no hash. Once obj is gone, every use is a ReferenceError, and callback has been
    called with the proxy.

    Without a callback, one is shared by all who ask.
    """
    if callback is None:
        for one in getweakrefs(obj):
            if issubclass(type(one), _Proxy) and _get_ref(one).__callback__ is None:
                return one
    made = object.__new__(CallableProxyType if callable(obj) else ProxyType)
    if callback is None:
        _set_ref(made, _ProxyRef(obj, None, made))
        return made
    mine = _weakref.ref(made)

    def gone(reference):
        alive = mine()
        if alive is not None:
            callback(alive)

    _set_ref(made, _ProxyRef(obj, gone, made))
    return made


# ---- bound methods ----

class WeakMethod(ref):
    """A weak reference to a bound method of an object of a heap: called, it gives the method while object and
    function live. callback is called once, when the first of both is gone.
    """

    __slots__ = ("_function", "_type", "_waits")

    def __new__(cls, meth, callback=None):
        try:
            obj, function = meth.__self__, meth.__func__
        except AttributeError:
            raise TypeError(f"argument should be a bound method, not {type(meth)}") from None
        gone = None
        if callback is not None:
            def gone(reference):
                self = mine()
                if self is not None and self._waits:
                    self._waits = False
                    callback(self)
        self = super().__new__(cls, obj, gone)
        mine = _weakref.ref(self)
        self._function = _weakref.ref(function, gone)
        self._type = type(meth)
        self._waits = True
        return self

    def __init__(self, meth, callback=None):
        super().__init__(meth.__self__, callback)

    def __call__(self):
        obj, function = super().__call__(), self._function()
        return None if obj is None or function is None else self._type(function, obj)

    def __eq__(self, other):
        if not isinstance(other, WeakMethod):
            return NotImplemented
        if self() is None or other() is None:
            return self is other
        return ref.__eq__(self, other) and self._function == other._function

    def __ne__(self, other):
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = ref.__hash__


# ---- dictionaries ----

class WeakKeyDictionary(_abc.MutableMapping):
    """A mapping that holds its keys weakly: objects of one heap, compared by identity.

    An entry is gone with its key. It keeps its value only while the mapping and the key live, so a value may refer
    to its key, directly or through anything: the pair is collected all the same. Entries may die, be removed and be
    set during iteration; those added meanwhile may or may not be seen.
    """

    def __init__(self, dict=None, *, heap=None):
        self._map = _core.WeakKeyMap(heap=heap)
        if dict is not None:
            self.update(dict)

    def __getitem__(self, key):
        _want_object(key)
        return self._map[key]

    def __setitem__(self, key, value):
        self._map[key] = value

    def __delitem__(self, key):
        del self._map[key]

    def __len__(self):
        return len(self._map)

    def __contains__(self, key):
        return key in self._map

    def __iter__(self):
        return iter(self._map)

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}>"

    def keys(self):
        """An iterator over the keys."""
        return iter(self._map)

    def values(self):
        """An iterator over the values."""
        return self._map.values()

    def items(self):
        """An iterator over pairs of key and value."""
        return self._map.items()

    def keyrefs(self):
        """A list of refs to the keys."""
        return [ref(key) for key in self._map]

    def get(self, key, default=None):
        """The value of key, or default if there is none."""
        _want_object(key)
        return self._map.get(key, default)

    def pop(self, key, *args):
        """Removes key and returns its value; without one the default given, or a KeyError."""
        _want_object(key)
        return self._map.pop(key, *args)

    def popitem(self):
        """Removes an entry and returns it; KeyError if there is none."""
        for key, value in self._map.items():
            del self._map[key]
            return key, value
        raise KeyError("popitem(): dictionary is empty")

    def setdefault(self, key, default=None):
        """The value of key, which is default from now on if there was none."""
        if key not in self._map:
            self._map[key] = default
        return self._map[key]

    def update(self, dict=None, /, **kwargs):
        """Sets all entries of dict, a mapping or pairs. Names cannot be keys."""
        for key, value in _pairs(dict):
            self._map[key] = value
        for key, value in kwargs.items():
            self._map[key] = value

    def clear(self):
        """Removes all entries."""
        self._map.clear()

    def copy(self):
        """A WeakKeyDictionary with the same entries."""
        return self._fill(WeakKeyDictionary, self.items())

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self._fill(type(self), ((key, _copy.deepcopy(value, memo)) for key, value in self.items()))

    def _fill(self, kind, entries):
        made = kind(heap=_core.heap_of(self._map))
        for key, value in entries:
            made[key] = value
        return made

    def __ior__(self, other):
        self.update(other)
        return self

    def __or__(self, other):
        if not isinstance(other, _abc.Mapping):
            return NotImplemented
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other):
        if not isinstance(other, _abc.Mapping):
            return NotImplemented
        made = self._fill(type(self), ())
        made.update(other)
        made.update(self)
        return made


def _want_object(x):
    if not isinstance(x, _core.Obj):
        raise TypeError(f"cannot create weak reference to '{type(x).__name__}' object: it is not in a heap")


def _pairs(entries):
    if entries is None:
        return ()
    if isinstance(entries, _abc.Mapping):
        return list(entries.items())
    if hasattr(entries, "keys"):
        return [(key, entries[key]) for key in entries.keys()]
    return list(dict(entries).items())


class _KeyedRef(ref):
    """The reference of an entry, which knows its key."""

    __slots__ = ("key",)

    def __new__(cls, obj, callback, key):
        self = super().__new__(cls, obj, callback)
        self.key = key
        return self

    def __init__(self, obj, callback, key):
        super().__init__(obj, callback)


class WeakValueDictionary(_abc.MutableMapping):
    """A mapping that holds its values weakly: objects of any heaps. Keys are what dict takes, held strongly.

    An entry is gone with its value. Entries may die, be removed and be set during iteration; those added meanwhile
    are not seen.
    """

    def __init__(self, other=(), /, **kw):
        mine = _weakref.ref(self)

        def remove(reference):
            self = mine()
            if self is not None:
                _core._discard_entry(self._refs, reference.key, reference)

        self._remove = remove
        self._refs = {}
        self.update(other, **kw)

    def _find(self, key):
        found = self._refs.get(key)
        return None if found is None else _lock(found)

    def __getitem__(self, key):
        obj = self._find(key)
        if obj is None:
            raise KeyError(key)
        return obj

    def __setitem__(self, key, value):
        self._refs[key] = _KeyedRef(value, self._remove, key)

    def __delitem__(self, key):
        del self._refs[key]

    def __len__(self):
        return _core._count_alive(self._refs)

    def __contains__(self, key):
        return self._find(key) is not None

    def __iter__(self):
        return self.keys()

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}>"

    def _entries(self):
        """What was there at the start and still is: (key, object)."""
        for key, reference in list(self._refs.items()):
            if self._refs.get(key) is reference:
                obj = _lock(reference)
                if obj is not None:
                    yield key, obj

    def keys(self):
        """An iterator over the keys."""
        return (key for key, _ in self._entries())

    def values(self):
        """An iterator over the objects."""
        return (obj for _, obj in self._entries())

    def items(self):
        """An iterator over pairs of key and object."""
        return self._entries()

    def itervaluerefs(self):
        """An iterator over refs to the objects, some of which may be dead."""
        return iter(self.valuerefs())

    def valuerefs(self):
        """A list of refs to the objects, some of which may be dead."""
        return list(self._refs.values())

    def get(self, key, default=None):
        """The object of key, or default if there is none."""
        obj = self._find(key)
        return default if obj is None else obj

    def pop(self, key, *args):
        """Removes key and returns its object; without one the default given, or a KeyError."""
        found = self._refs.pop(key, None)
        obj = None if found is None else _lock(found)
        if obj is not None:
            return obj
        if args:
            return args[0]
        raise KeyError(key)

    def popitem(self):
        """Removes an entry and returns it; KeyError if there is none."""
        while self._refs:
            key, reference = self._refs.popitem()
            obj = _lock(reference)
            if obj is not None:
                return key, obj
        raise KeyError("popitem(): dictionary is empty")

    def setdefault(self, key, default=None):
        """The object of key, which is default from now on if there was none."""
        obj = self._find(key)
        if obj is None:
            self[key] = obj = default
        return obj

    def update(self, other=None, /, **kwargs):
        """Sets all entries of other, a mapping or pairs, and those named."""
        for key, value in _pairs(other):
            self[key] = value
        for key, value in kwargs.items():
            self[key] = value

    def clear(self):
        """Removes all entries."""
        self._refs.clear()

    def copy(self):
        """A WeakValueDictionary with the same entries."""
        return WeakValueDictionary(self)

    __copy__ = copy

    def __deepcopy__(self, memo):
        made = type(self)()
        for key, obj in self.items():
            made[_copy.deepcopy(key, memo)] = obj
        return made

    def __ior__(self, other):
        self.update(other)
        return self

    def __or__(self, other):
        if not isinstance(other, _abc.Mapping):
            return NotImplemented
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other):
        if not isinstance(other, _abc.Mapping):
            return NotImplemented
        made = type(self)()
        made.update(other)
        made.update(self)
        return made


def _lock(reference):
    """The object, or None if it or its heap is gone."""
    try:
        return reference()
    except _core.ClosedError:
        return None


# ---- sets: what husk.WeakSet has beyond the library's own ----

def _set_methods():
    def members(other):
        """The elements of other, to be found by identity."""
        return {_Same(x) for x in other}

    def like(self, elements):
        return WeakSet(elements, heap=_core.heap_of(self))

    def method(doc=None):
        def add(call):
            if doc:
                call.__doc__ = doc
            call.__qualname__ = f"WeakSet.{call.__name__}"
            setattr(WeakSet, call.__name__, call)
            return call
        return add

    def alias(operator, call):
        """The operator of a method: for sets only."""
        def forward(self, other):
            return call(self, other) if isinstance(other, (WeakSet, _abc.Set)) else NotImplemented
        forward.__name__ = operator
        method()(forward)

    @method("Adds all of other.")
    def update(self, other):
        for x in list(other):
            self.add(x)

    @method("Another one with the same members.")
    def copy(self):
        return like(self, self)

    method()(_rename(copy, "__copy__"))

    @method("A new one with the members of both.")
    def union(self, other):
        made = like(self, self)
        made.update(other)
        return made

    @method("A new one with the members that are in other.")
    def intersection(self, other):
        there = members(other)
        return like(self, [x for x in self if _Same(x) in there])

    @method("Removes the members that are not in other.")
    def intersection_update(self, other):
        there = members(other)
        for x in list(self):
            if _Same(x) not in there:
                self.discard(x)

    @method("A new one with the members that are not in other.")
    def difference(self, other):
        there = members(other)
        return like(self, [x for x in self if _Same(x) not in there])

    @method("Removes the members that are in other.")
    def difference_update(self, other):
        for x in list(other):
            self.discard(x)

    @method("A new one with the members of exactly one of both.")
    def symmetric_difference(self, other):
        made = like(self, self)
        made.symmetric_difference_update(other)
        return made

    @method("Removes the members that are in other, and adds those of other that were not.")
    def symmetric_difference_update(self, other):
        for same in members(other):
            if same.obj in self:
                self.discard(same.obj)
            else:
                self.add(same.obj)

    @method("Whether all members are in other.")
    def issubset(self, other):
        there = members(other)
        return all(_Same(x) in there for x in self)

    @method("Whether all of other are members.")
    def issuperset(self, other):
        return all(x in self for x in other)

    @method("Whether no member is in other.")
    def isdisjoint(self, other):
        return not any(x in self for x in other)

    @method("Removes a member and returns it; KeyError if there is none.")
    def pop(self):
        for x in self:
            self.discard(x)
            return x
        raise KeyError("pop from empty WeakSet")

    alias("__or__", union)
    alias("__and__", intersection)
    alias("__sub__", difference)
    alias("__xor__", symmetric_difference)
    alias("__le__", issubset)
    alias("__ge__", issuperset)

    @method()
    def __lt__(self, other):
        if not isinstance(other, (WeakSet, _abc.Set)):
            return NotImplemented
        return len(self) < len(other) and issubset(self, other)

    @method()
    def __gt__(self, other):
        if not isinstance(other, (WeakSet, _abc.Set)):
            return NotImplemented
        return len(self) > len(other) and issuperset(self, other)

    @method()
    def __eq__(self, other):
        if not isinstance(other, WeakSet):
            return NotImplemented
        return len(self) == len(other) and issubset(self, other)

    def inplace(operator, call):
        def forward(self, other):
            if not isinstance(other, (WeakSet, _abc.Set)):
                return NotImplemented
            call(self, other)
            return self
        forward.__name__ = operator
        method()(forward)

    inplace("__ior__", update)
    inplace("__iand__", intersection_update)
    inplace("__isub__", difference_update)
    inplace("__ixor__", symmetric_difference_update)
    WeakSet.__hash__ = None
    WeakSet.__class_getitem__ = classmethod(_types.GenericAlias)


class _Same:
    """An element for comparing by identity: elements of the other operand need not have a hash."""

    __slots__ = ("obj",)

    def __init__(self, obj):
        self.obj = obj

    def __hash__(self):
        return id(self.obj)

    def __eq__(self, other):
        return self.obj is other.obj


def _rename(call, name):
    def renamed(self):
        return call(self)
    renamed.__name__ = name
    return renamed


_set_methods()
del _set_methods


# ---- the finalize registry ----

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
