"""husk.weakref: dictionaries that hold their keys or their values weakly."""

import collections.abc as _abc
import copy as _copy
import weakref as _weakref

from husk import _core
from husk._core import ref


def _want_object(x):
    if not isinstance(x, _core.Obj):
        raise TypeError(f"cannot create weak reference to '{type(x).__name__}' object: it is not in a heap")


class _Mapping(_abc.MutableMapping):
    """What both dictionaries do alike. _empty(): another one of the kind, for entries as these."""

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}>"

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
        made = self._empty()
        made.update(other)
        made.update(self)
        return made


class WeakKeyDictionary(_Mapping):
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

    def _empty(self):
        return self._fill(type(self), ())


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


class WeakValueDictionary(_Mapping):
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

    def _empty(self):
        return type(self)()


def _lock(reference):
    """The object, or None if it or its heap is gone."""
    try:
        return reference()
    except _core.ClosedError:
        return None
