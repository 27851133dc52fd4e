"""husk.weakref: what husk.WeakSet has beyond the library's own methods."""

import collections.abc as _abc
import types as _types

from husk import _core
from husk._core import WeakSet


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
