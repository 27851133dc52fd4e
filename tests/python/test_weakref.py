"""husk.weakref against weakref: refs, proxies and methods; the same scenario told to both (same.py)."""

import os
import re
import unittest

import husk
import same
import test_finalize
import test_gc
import test_tracemalloc
import test_tracemalloc_snapshots
import test_weakcontainers
from support import main


def quiet(reference):
    """A callback that does nothing."""


# ---- ref ----

def scenario_ref_gives_the_object(w):
    a = w.Node(1)
    r = w.weakref.ref(a)
    seen = [r() is a, r is w.weakref.ref(a), w.weakref.getweakrefcount(a), w.weakref.getweakrefs(a) == [r]]
    del a
    return seen, r(), r.__callback__


def scenario_ref_to_something_else(w):
    return [w.fails(w.weakref.ref, x) for x in (5, None, "text", (), 1.5)]


def scenario_ref_arguments(w):
    a = w.Node(1)
    r = w.weakref.ref(a)
    return [w.fails(w.weakref.ref), w.fails(w.weakref.ref, a, None, 1), w.fails(w.weakref.ref, a, callback=print),
            w.fails(r, 1)]


def scenario_ref_callback(w):
    seen = []
    a = w.Node(1)
    r = w.weakref.ref(a, seen.append)
    before = r.__callback__ == seen.append, r is w.weakref.ref(a, seen.append), w.fails(setattr, r, "__callback__", 1)
    del a
    return before, len(seen), seen[0] is r, r.__callback__


def scenario_ref_callback_that_cannot_be_called(w):
    a = w.Node(1)
    return isinstance(w.fails(w.weakref.ref, a, 5), str)


def scenario_ref_order_of_callbacks(w):
    seen = []
    a = w.Node(1)
    refs = [w.weakref.ref(a, lambda r, i=i: seen.append((i, r()))) for i in range(4)]
    dropped = w.weakref.ref(a, lambda r: seen.append("dropped"))
    del dropped
    del a
    return seen, len(refs)


def scenario_ref_all_are_dead_before_the_first_callback(w):
    seen = []
    a, b = w.Node(1), w.Node(2)
    a.next, b.next = b, a
    refs = [w.weakref.ref(a, lambda r: seen.append([x() for x in refs])), w.weakref.ref(b), w.weakref.ref(b, quiet)]
    refs.pop()
    del a, b
    w.gc.collect()
    return seen


def scenario_ref_error_in_a_callback(w):
    seen = []
    a = w.Node(1)
    refs = [w.weakref.ref(a, seen.append), w.weakref.ref(a, lambda r: 1 / 0), w.weakref.ref(a, seen.append)]
    holder = [a]
    del a
    told = w.unraisable(holder.clear)
    return told, len(seen), len(refs)


def scenario_ref_callback_keeps_the_error_in_flight(w):
    def fail():
        a = w.Node(1)
        keep.append(w.weakref.ref(a, lambda r: seen.append("called")))
        raise KeyError("in flight")

    keep, seen = [], []
    return w.fails(fail), seen


def scenario_ref_callback_collects(w):
    seen = []
    a = w.Node(1)
    r = w.weakref.ref(a, lambda r: seen.append(w.gc.collect() >= 0))
    del a
    return seen, r()


def scenario_ref_that_dies_with_its_object(w):
    seen = []
    a = w.Node(1)
    a.value = w.weakref.ref(a, seen.append)
    a.next = a
    del a
    w.gc.collect()
    return seen


def scenario_ref_equality(w):
    a, b, same_as_a = w.Number(1), w.Number(2), w.Number(1)
    r, s, t, u = w.weakref.ref(a), w.weakref.ref(a, quiet), w.weakref.ref(b), w.weakref.ref(same_as_a)
    before = [r == s, r != s, r == t, r == u, hash(r) == hash(a), r == 5, w.fails(lambda: r < s)]
    u2 = w.weakref.ref(same_as_a, quiet)
    r2 = w.weakref.ref(a, quiet)
    del a, same_as_a
    return before, [r == s, r == r, r != r, u == u2, r2 == r]


def scenario_ref_hash(w):
    a = w.Node(1)
    r, never = w.weakref.ref(a), w.weakref.ref(a, quiet)
    remembered = hash(r) == hash(a)
    number = hash(r)
    del a
    return remembered, hash(r) == number, w.fails(hash, never), w.says(hash, never)


def scenario_ref_of_what_has_no_hash(w):
    class Unhashable(w.Node):
        __hash__ = None

    a = Unhashable(1)
    return w.fails(hash, w.weakref.ref(a))


def scenario_ref_derived(w):
    class Named(w.weakref.ref):
        def __new__(cls, obj, callback, name):
            return super().__new__(cls, obj, callback)

        def __init__(self, obj, callback, name):
            super().__init__(obj, callback)
            self.name = name

        def __call__(self):
            found = super().__call__()
            return None if found is None else (self.name, found.value)

    a = w.Node(1)
    one, two = Named(a, None, "one"), Named(a, None, "two")
    seen = [one(), two(), one is two, w.weakref.ref(a) is one, isinstance(one, w.weakref.ReferenceType),
            w.weakref.getweakrefcount(a), one == two]
    del a
    return seen, one()


def scenario_ref_derived_with_slots(w):
    class Slots(w.weakref.ref):
        __slots__ = "one", "two"

    a = w.Node(1)
    r = Slots(a)
    r.one = 1
    return r.one, w.fails(getattr, r, "two"), w.fails(setattr, r, "three", 3)


def scenario_ref_count_and_list(w):
    a = w.Node(1)
    shared, mine, newer = w.weakref.ref(a), w.weakref.ref(a, quiet), w.weakref.ref(a, quiet)
    p = w.weakref.proxy(a)
    found = w.weakref.getweakrefs(a)
    seen = [w.weakref.getweakrefcount(a), len(found), found[0] is shared, any(x is mine for x in found),
            any(x is newer for x in found), any(x is p for x in found)]
    return seen, [(w.weakref.getweakrefcount(x), w.weakref.getweakrefs(x)) for x in (1, "x", None)]


def scenario_ref_in_a_finalizer(w):
    seen = []
    a = w.Ending(lambda self: seen.append(r() is None))
    r = w.weakref.ref(a)
    del a
    return seen


def scenario_ref_in_a_finalizer_of_garbage(w):
    seen = []
    a = w.Ending(lambda self: seen.append(r() is None))
    a.next = a
    r = w.weakref.ref(a)
    del a
    w.gc.collect()
    return seen


def scenario_ref_to_what_came_back(w):
    keep, called = [], []
    a = w.Ending(lambda self: keep.append(self))
    a.next = a
    r, s = w.weakref.ref(a), w.weakref.ref(a, called.append)
    del a
    w.gc.collect()
    return r() is keep[0], len(called), s() is keep[0]


def scenario_ref_names(w):
    return [w.weakref.ReferenceType is w.weakref.ref,
            w.weakref.ProxyTypes == (w.weakref.ProxyType, w.weakref.CallableProxyType)]


# ---- proxy ----

def scenario_proxy_attributes(w):
    a = w.Node(1)
    p = w.weakref.proxy(a)
    p.value = 2
    seen = [p.value, a.value, p.method(), str(p), isinstance(p, w.Node), type(p) is w.weakref.ProxyType,
            w.fails(getattr, p, "nothing"), hasattr(p, "next"), bytes(p), p.__class__ is w.Node]
    del a
    return seen, w.fails(getattr, p, "value"), w.says(getattr, p, "value")


def scenario_proxy_is_shared(w):
    a = w.Node(1)
    p, q = w.weakref.proxy(a), w.weakref.proxy(a, lambda p: None)
    return p is w.weakref.proxy(a), p is q, w.weakref.getweakrefcount(a)


def scenario_proxy_cannot_be_hashed(w):
    p = w.weakref.proxy(w.Number(5))
    a = w.Node(1)
    return w.fails(hash, w.weakref.proxy(a)), w.fails(hash, p)


def scenario_proxy_callback(w):
    seen = []
    a = w.Node(1)
    p = w.weakref.proxy(a, lambda x: seen.append(x is p))
    del a
    return seen


def scenario_proxy_arguments(w):
    a = w.Node(1)
    return [w.fails(w.weakref.proxy), w.fails(w.weakref.proxy, 5), w.fails(w.weakref.proxy, a, None, None),
            w.fails(w.weakref.ProxyType), w.fails(w.weakref.ref, w.weakref.proxy(a)),
            w.fails(w.weakref.proxy, w.weakref.proxy(a))]


def scenario_proxy_of_a_number(w):
    import operator as o
    a, b = w.Number(7), w.Number(3)
    p, q = w.weakref.proxy(a), w.weakref.proxy(b)
    seen = []
    for call in (o.add, o.sub, o.mul, o.matmul, o.truediv, o.floordiv, o.mod, o.lshift, o.rshift, o.and_, o.or_, o.xor,
                 divmod, pow, o.lt, o.le, o.eq, o.ne, o.gt, o.ge):
        seen += [call(p, q), call(p, 3), call(p, b)]
        if call is not o.matmul:
            seen += [call(10, q)]
    seen += [pow(p, 2, 5), -p, +p, abs(p), ~p, int(p), float(p), o.index(p), [0] * 10 and list(range(20))[p], bool(p)]
    del a
    return seen, [w.fails(call, p) for call in (o.neg, int, bool, str, o.index)], w.fails(o.add, 1, p)


def scenario_proxy_in_place(w):
    a = w.Number(7)
    p = w.weakref.proxy(a)
    p += 1
    return p, a.value


def scenario_proxy_of_a_container(w):
    a = w.Container([1, 2, 3])
    p = w.weakref.proxy(a)
    p[0] = 9
    del p[1]
    seen = [len(p), p[0], list(p), 3 in p, 2 in p, list(reversed(p)), bool(p), p[:1]]
    a.value = []
    return seen, bool(p)


def scenario_proxy_of_an_iterator(w):
    a = w.Walker(3)
    p = w.weakref.proxy(a)
    b = w.Container([1])
    return next(p), list(p), w.fails(next, w.weakref.proxy(b))


def scenario_proxy_that_can_be_called(w):
    a = w.Callable(5)
    p = w.weakref.proxy(a)
    b = w.Node(1)
    return (p(1, x=2), type(p) is w.weakref.CallableProxyType, isinstance(p, w.weakref.ProxyType),
            w.fails(w.weakref.proxy(b)))


def scenario_proxy_truth(w):
    a, b = w.Node(0), w.Number(0)
    return bool(w.weakref.proxy(a)), bool(w.weakref.proxy(b))


def scenario_proxy_deletes_attributes(w):
    a = w.Node(1)
    return w.fails(delattr, w.weakref.proxy(a), "nothing")


def scenario_proxy_deletes_a_field(w):
    a = w.Node(1)
    return w.fails(delattr, w.weakref.proxy(a), "value")


def scenario_proxy_keeps_the_object_during_a_call(w):
    holder = []

    class Clearing(w.Node):
        def go(self):
            holder.clear()
            return self.value

    holder.append(Clearing(5))
    p = w.weakref.proxy(holder[0])
    return p.go(), w.fails(getattr, p, "value")


# ---- WeakMethod ----

def scenario_method_lives_with_its_object(w):
    a = w.Node(1)
    m = w.weakref.WeakMethod(a.method)
    seen = [m()(), m().__self__ is a, isinstance(m, w.weakref.ref)]
    del a
    return seen, m()


def scenario_method_is_no_cycle(w):
    a = w.Node(1)
    a.next = w.weakref.WeakMethod(a.method)
    r = w.weakref.ref(a)
    del a
    return r()


def scenario_method_callback_once(w):
    seen = []
    a = w.Node(1)
    m = w.weakref.WeakMethod(a.method, seen.append)
    del a
    return len(seen), seen[0] is m


def scenario_method_dies_with_its_function(w):
    import types
    seen = []
    a = w.Node(1)

    def f(self):
        return self.value

    m = w.weakref.WeakMethod(types.MethodType(f, a), lambda r: seen.append(r()))
    before = m()()
    del f
    after = m()
    del a
    return before, after, seen


def scenario_method_equality(w):
    a, b = w.Node(1), w.Node(1)
    m, n, o, p = map(w.weakref.WeakMethod, (a.method, a.method, a.other, b.method))
    seen = [m == n, m != n, m == o, m == p, hash(m) == hash(n), m == 5]
    del a
    return seen, [m == n, m == m, m != n]


def scenario_method_of_something_else(w):
    return [w.fails(w.weakref.WeakMethod, x) for x in (5, len, w.Node, w.Node.method)]


KNOWN = {
    "ref_callback_that_cannot_be_called": "A callback that cannot be called is refused",
    "ref_in_a_finalizer": "In a finalizer, weak references to the object are empty",
    "ref_to_what_came_back": "An object that comes back has its weak references again",
    "proxy_deletes_a_field": "Fields cannot be deleted",
}


class Same(unittest.TestCase):
    def test_scenarios(self):
        same.compare(self, same.scenarios(globals()), KNOWN)
        husk.default.verify()

    def test_the_page_of_differences(self):
        """Each title in the page has a scenario that shows the difference, and the other way round."""
        page = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "python-differences.md")
        with open(page, encoding="utf-8") as file:
            titles = set(re.findall("^### (.*)$", file.read(), re.M))
        self.assertEqual(titles, set().union(*(known.values() for known in (
            KNOWN, test_weakcontainers.KNOWN, test_finalize.KNOWN, test_gc.KNOWN, test_tracemalloc.KNOWN,
            test_tracemalloc_snapshots.KNOWN))))

    def test_names(self):
        """Everything that weakref offers is there."""
        import weakref
        self.assertEqual(set(weakref.__all__) - set(husk.weakref.__all__), set())
        for name in weakref.__all__:
            kind = getattr(weakref, name)
            if isinstance(kind, type) and not name.endswith("ProxyType"):
                methods = {x for x in vars(kind) if not x.startswith("_")}
                self.assertEqual(methods - set(dir(getattr(husk.weakref, name))), set(), name)


if __name__ == "__main__":
    main()
