"""husk.weakref: proxies, weak references to methods, and who refers weakly to an object."""

import operator as _operator
import weakref as _weakref

from husk import _core
from husk._core import ref


def getweakrefcount(object, /):
    """How many weak references to object there are, a shared one counted once; 0 if it is not in a heap."""
    return _core.getweakrefcount(object) if isinstance(object, _core.Obj) else 0


def getweakrefs(object, /):
    """A list of the refs and proxies to object: the shared ref first, then the newest first."""
    if not isinstance(object, _core.Obj):
        return []
    found = [x._proxy() if type(x) is _ProxyRef else x for x in _core.getweakrefs(object)]
    return [x for x in found if x is not None]


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
