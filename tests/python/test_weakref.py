"""husk.weakref against weakref: the same scenario told to both (same.py)."""

import copy
import os
import re
import unittest

import husk
import same
import test_gc
import test_tracemalloc
from support import SMALL, main


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


# ---- WeakValueDictionary ----

def three(w):
    made = [w.Node(i) for i in range(3)]
    return made, w.weakref.WeakValueDictionary({i: x for i, x in enumerate(made)})


def scenario_values_basics(w):
    made, d = three(w)
    seen = [len(d), d[1] is made[1], 1 in d, 9 in d, d.get(9), d.get(9, "x"), sorted(d), w.fails(d.__getitem__, 9)]
    del made[1]
    return seen, sorted(d), len(d), 1 in d, w.fails(d.__getitem__, 1)


def scenario_values_iteration(w):
    made, d = three(w)
    return [sorted(d.keys()), sorted(x.value for x in d.values()), sorted((k, v.value) for k, v in d.items()),
            sorted(r().value for r in d.valuerefs()), sorted(r().value for r in d.itervaluerefs()),
            iter(d.keys()) is not None, next(iter(d.items()))[0]]


def scenario_values_making(w):
    a, b = w.Node(1), w.Node(2)
    make = w.weakref.WeakValueDictionary
    return [sorted(make([("a", a), ("b", b)])), sorted(make(a=a, b=b)), sorted(make({"a": a}, b=b)),
            sorted(make(make(a=a))), w.fails(make, {}, {}), w.fails(make, 5), sorted(make(self=a, dict=b, other=a))]


def scenario_values_cannot_be_referred_to(w):
    d = w.weakref.WeakValueDictionary()
    return [w.fails(d.__setitem__, 1, 5), w.fails(d.__setitem__, [], w.Node(1)), w.fails(d.update, {1: 5}), len(d),
            w.fails(d.setdefault, 1), w.fails(d.__getitem__, []), w.fails(d.__contains__, [])]


def scenario_values_keys_of_all_kinds(w):
    a = w.Node(1)
    d = w.weakref.WeakValueDictionary()
    for key in (None, True, 1.5, (1, 2), "x", b"x", 10 ** 30, frozenset([1])):
        d[key] = a
    return len(d), d[(1, 2)] is a, d[1] is a, (None in d)


def scenario_values_pop(w):
    made, d = three(w)
    seen = [d.pop(1) is made[1], d.pop(1, "x"), w.fails(d.pop, 1), w.fails(d.pop)]
    made.pop()
    return seen, w.fails(d.pop, 2), d.pop(2, None), len(d)


def scenario_values_popitem(w):
    made, d = three(w)
    seen = {d.popitem()[0] for _ in range(3)}
    return sorted(seen), w.fails(d.popitem)


def scenario_values_setdefault(w):
    made, d = three(w)
    other = w.Node(9)
    return d.setdefault(1, other) is made[1], d.setdefault(9, other) is other, d[9] is other


def scenario_values_update(w):
    made, d = three(w)
    d.update({5: made[0]})
    d.update([(6, made[1])], name=made[2])
    return [sorted(map(str, d)), w.fails(d.update, {}, {}), w.fails(d.update, 5)]


def scenario_values_delete(w):
    made, d = three(w)
    del d[1]
    return sorted(d), w.fails(d.__delitem__, 1), len(made)


def scenario_values_copy(w):
    made, d = three(w)
    e, f, g = d.copy(), copy.copy(d), copy.deepcopy(d)
    del d[0]
    return [sorted(x) for x in (d, e, f, g)], e[1] is made[1], g[1] is made[1], type(e) is type(d)


def scenario_values_union(w):
    a, b = w.Node(1), w.Node(2)
    make = w.weakref.WeakValueDictionary
    d, e = make({1: a, 2: a}), make({2: b, 3: b})
    seen = [sorted((k, v.value) for k, v in x.items()) for x in (d | e, d | {3: a}, {2: b, 3: b} | d)]
    d |= e
    return seen, sorted((k, v.value) for k, v in d.items()), w.fails(lambda: d | 5), w.fails(lambda: 5 | d)


def scenario_values_equality(w):
    made, d = three(w)
    return [d == w.weakref.WeakValueDictionary(d), d == {0: made[0]}, d == dict(d), d != d.copy(), w.fails(hash, d)]


def scenario_values_replaced_under_the_same_key(w):
    d = w.weakref.WeakValueDictionary()
    a, b = w.Node(1), w.Node(2)
    d["x"] = a
    d["x"] = b
    del a
    return d["x"] is b, len(d)


def scenario_values_die_during_iteration(w):
    made = {i: w.Node(i) for i in range(20)}
    d = w.weakref.WeakValueDictionary(made)
    seen = []
    for key, value in d.items():
        seen.append(key == value.value)
        made.pop(20 - len(seen), None)
    del value
    return all(seen), len(seen), len(d)


def scenario_values_die_in_garbage(w):
    d = w.weakref.WeakValueDictionary()
    for i in range(10):
        a = w.Node(i)
        a.next = a
        d[i] = a
    del a
    n = len(d)
    w.gc.collect()
    return n, len(d), list(d.items())


def scenario_values_removed_during_iteration(w):
    made, d = three(w)
    return w.fails(lambda: [d.pop(k) for k in d.keys()])


def scenario_values_clear(w):
    made, d = three(w)
    d.clear()
    return len(d), list(d), len(made)


def scenario_values_derived(w):
    class Named(w.weakref.WeakValueDictionary):
        name = "n"

    a = w.Node(1)
    d = Named(x=a)
    d.extra = 1
    return d.name, d["x"] is a, type(d.copy()) is Named, d.extra


def scenario_values_repr(w):
    return re.sub("0x[0-9a-f]+", "0x", repr(w.weakref.WeakValueDictionary()))


# ---- WeakKeyDictionary ----

def keys(w):
    made = [w.Node(i) for i in range(3)]
    return made, w.weakref.WeakKeyDictionary({x: x.value for x in made})


def scenario_keys_basics(w):
    made, d = keys(w)
    missing = w.Node(9)
    seen = [len(d), d[made[1]], made[1] in d, missing in d, d.get(missing), d.get(missing, "x"),
            w.fails(d.__getitem__, missing)]
    del made[1]
    return seen, sorted(d.values()), len(d)


def scenario_keys_that_cannot_be_referred_to(w):
    made, d = keys(w)
    return [w.fails(call, *args) for call, *args in (
        (d.__getitem__, 5), (d.__setitem__, 5, 5), (d.__delitem__, 5), (d.__contains__, 5), (d.get, 5), (d.pop, 5),
        (d.pop, 5, None), (d.setdefault, 5), (d.update, {5: 5}))]


def scenario_keys_iteration(w):
    made, d = keys(w)
    return [sorted(x.value for x in d), sorted(x.value for x in d.keys()), sorted(d.values()),
            sorted((k.value, v) for k, v in d.items()), sorted(r().value for r in d.keyrefs()),
            isinstance(d.keyrefs(), list)]


def scenario_keys_making(w):
    a, b = w.Node(1), w.Node(2)
    make = w.weakref.WeakKeyDictionary
    return [sorted(make([(a, 1), (b, 2)]).values()), len(make()), len(make(None)), len(make(make({a: 1}))),
            len(make(dict={a: 1})), w.fails(make, {}, {}), w.fails(make, 5), w.fails(make, x=1)]


def scenario_keys_pop(w):
    made, d = keys(w)
    missing = w.Node(9)
    return [d.pop(made[1]), d.pop(made[1], "x"), w.fails(d.pop, missing), d.pop(missing, None), len(d)]


def scenario_keys_popitem(w):
    made, d = keys(w)
    seen = sorted(d.popitem()[1] for _ in range(3))
    return seen, w.fails(d.popitem)


def scenario_keys_setdefault(w):
    made, d = keys(w)
    new = w.Node(9)
    return d.setdefault(made[1], 7), d.setdefault(new, 7), d[new], d.setdefault(w.Node(8))


def scenario_keys_update(w):
    made, d = keys(w)
    d.update({made[0]: "new"})
    d.update([(made[1], "pair")])
    return [d[x] for x in made], w.fails(d.update, {}, {}), w.fails(d.update, 5), w.fails(d.update, name=5)


def scenario_keys_delete(w):
    made, d = keys(w)
    del d[made[1]]
    return sorted(d.values()), w.fails(d.__delitem__, made[1])


def scenario_keys_copy(w):
    made, d = keys(w)
    d[made[2]] = [1]
    e, f, g = d.copy(), copy.copy(d), copy.deepcopy(d)
    del d[made[0]]
    return ([len(x) for x in (d, e, f, g)], e[made[2]] is d[made[2]], g[made[2]] == [1], g[made[2]] is d[made[2]],
            type(e) is type(d))


def scenario_keys_union(w):
    a, b, c = w.Node(1), w.Node(2), w.Node(3)
    make = w.weakref.WeakKeyDictionary
    d, e = make({a: 1, b: 1}), make({b: 2, c: 2})
    seen = [sorted((k.value, v) for k, v in x.items()) for x in (d | e, d | {c: 1}, {b: 2, c: 2} | d)]
    d |= e
    return seen, sorted((k.value, v) for k, v in d.items()), w.fails(lambda: d | 5)


def scenario_keys_equality(w):
    made, d = keys(w)
    return [d == d.copy(), d == dict(d), d == {}, d != d.copy(), w.fails(hash, d)]


def scenario_keys_equal_keys(w):
    a, b = w.Number(1), w.Number(1)
    d = w.weakref.WeakKeyDictionary({a: "a"})
    d[b] = "b"
    return len(d)


def scenario_keys_value_refers_to_key(w):
    d = w.weakref.WeakKeyDictionary()
    for i in range(10):
        a = w.Node(i)
        d[a] = w.Node(None, a)
    del a
    w.gc.collect()
    return len(d)


def scenario_keys_value_of_any_kind(w):
    a = w.Node(1)
    d = w.weakref.WeakKeyDictionary()
    seen = []
    for value in (None, True, 5, 10 ** 30, 1.5, "text", (1, 2), {"a": 1}, a):
        d[a] = value
        seen.append((d[a] == value, type(d[a]) is type(value), a in d))
    return seen


def scenario_keys_die_during_iteration(w):
    made = [w.Node(i) for i in range(20)]
    d = w.weakref.WeakKeyDictionary({x: x.value for x in made})
    seen = 0
    for key, value in d.items():
        seen += 1
        if made:
            made.pop()
        assert key.value == value and 0 <= len(d) <= 20
    del key
    made.clear()
    return seen <= 20, len(d)


def scenario_keys_added_during_iteration(w):
    made, d = keys(w)
    more = [w.Node(9) for _ in range(200)]

    def add():
        for x in d:
            d[more.pop()] = 1
            if len(more) < 100:
                break

    return w.fails(add)


def scenario_keys_derived(w):
    class Named(w.weakref.WeakKeyDictionary):
        pass

    a = w.Node(1)
    d = Named({a: 1})
    d.extra = 1
    return d[a], type(d.copy()) is Named, d.extra


def scenario_keys_repr(w):
    return re.sub("0x[0-9a-f]+", "0x", repr(w.weakref.WeakKeyDictionary()))


# ---- WeakSet ----

def sets(w):
    made = [w.Node(i) for i in range(6)]
    return made, w.weakref.WeakSet(made[:4]), w.weakref.WeakSet(made[2:])


def shown(s):
    return sorted(x.value for x in s)


def scenario_set_basics(w):
    made, s, t = sets(w)
    seen = [len(s), made[0] in s, made[5] in s, 5 in s, shown(s), shown(iter(s))]
    del made[0]
    return seen, len(s), shown(s)


def scenario_set_change(w):
    made, s, t = sets(w)
    s.add(made[0])
    s.add(made[5])
    s.remove(made[1])
    s.discard(made[1])
    seen = [shown(s), w.fails(s.remove, made[1]), w.fails(s.add, 5), w.fails(s.remove, 5), w.fails(s.discard, 5)]
    taken = {s.pop().value for _ in range(len(s))}
    return seen, sorted(taken), w.fails(s.pop), s.clear(), len(s)


def scenario_set_methods(w):
    made, s, t = sets(w)
    return [shown(x) for x in (s.union(t), s.intersection(t), s.difference(t), s.symmetric_difference(t), s.copy(),
                               s.union(made), s.intersection(made), s.difference(made[:1]))] + [
        s.issubset(t), s.issubset(made), s.issuperset(made[:2]), s.isdisjoint(t), s.isdisjoint(made[4:]),
        s.isdisjoint([5])]


def scenario_set_operators(w):
    made, s, t = sets(w)
    small = w.weakref.WeakSet(made[:1])
    return [shown(x) for x in (s | t, s & t, s - t, s ^ t)] + [
        small <= s, small < s, s <= s, s < s, s >= small, s > small, s == s.copy(), s != t, s == set(made[:4]), s == 5]


def scenario_set_in_place(w):
    seen = []
    for name in ("__ior__", "__iand__", "__isub__", "__ixor__"):
        made, s, t = sets(w)
        seen.append((getattr(s, name)(t) is s, shown(s)))
    for name in ("update", "intersection_update", "difference_update", "symmetric_difference_update"):
        made, s, t = sets(w)
        seen.append((getattr(s, name)(made[3:]), shown(s)))
    return seen


def scenario_set_with_itself(w):
    made, s, t = sets(w)
    s -= s
    t &= t
    u = t.copy()
    u ^= u
    t.update(t)
    return shown(s), shown(t), shown(u)


def scenario_set_making(w):
    make = w.weakref.WeakSet
    a = w.Node(1)
    return [len(make()), len(make(None)), len(make([a, a])), len(make(make([a]))), w.fails(make, 5), w.fails(make, [5]),
            w.fails(make, [], []), w.fails(hash, make()), len(make(iter([a])))]


def scenario_set_making_by_name(w):
    a = w.Node(1)
    return w.fails(lambda: len(w.weakref.WeakSet(data=[a])))


def scenario_set_equal_members(w):
    a, b = w.Number(1), w.Number(1)
    return len(w.weakref.WeakSet([a, b]))


def scenario_set_operators_with_lists(w):
    made, s, t = sets(w)
    return w.fails(lambda: shown(s | made[4:]))


def scenario_set_members_die_during_iteration(w):
    made = [w.Node(i) for i in range(20)]
    s = w.weakref.WeakSet(made)
    seen = 0
    for x in s:
        seen += 1
        if made:
            made.pop()
        assert 0 <= len(s) <= 20
    del x
    made.clear()
    return seen <= 20, len(s)


def scenario_set_garbage(w):
    s = w.weakref.WeakSet()
    for i in range(10):
        a = w.Node(i)
        a.next = a
        s.add(a)
    del a
    n = len(s)
    w.gc.collect()
    return n, len(s)


def scenario_set_derived(w):
    return w.fails(lambda: len(type("Named", (w.weakref.WeakSet,), {})()))


def scenario_set_copy_module(w):
    made, s, t = sets(w)
    return w.fails(lambda: shown(copy.copy(s)))


# ---- deaths ----

def scenario_deaths_ref_made_in_a_finalizer(w):
    made = []
    a = w.Ending(lambda self: made.append(w.weakref.ref(self, made.append)))
    del a
    return made[0](), len(made) in (1, 2)


def scenario_deaths_callback_of_a_ref_to_a_holder_of_the_other(w):
    """a -> b, both garbage; only a is watched, from outside."""
    seen = []
    a, b = w.Node("a"), w.Node("b")
    a.next, b.next = b, a
    r = w.weakref.ref(b, lambda r: seen.append(r()))
    del a, b
    w.gc.collect()
    return seen, r()


def scenario_deaths_callback_that_is_garbage_too(w):
    seen = []
    a, b = w.Node("a"), w.Node("b")
    a.next, b.next = b, a
    a.value = w.weakref.ref(b, seen.append)
    b.value = w.weakref.ref(a, seen.append)
    del a, b
    w.gc.collect()
    return len(seen)


def scenario_deaths_ref_in_a_callback_of_the_other(w):
    """No callback sees an object that died in the same pass."""
    seen = []
    nodes = [w.Node(i) for i in range(10)]
    for i, x in enumerate(nodes):
        x.next = nodes[(i + 1) % 10]
    refs = [w.weakref.ref(x) for x in nodes]
    calls = [w.weakref.ref(x, lambda r: seen.append([y() for y in refs].count(None))) for x in nodes]
    del nodes, x
    w.gc.collect()
    return seen, len(calls)


def scenario_deaths_resurrection_is_transitive(w):
    keep = []
    a = w.Ending(keep.append)
    a.next = w.Node("reached", a)
    b = w.Node("not reached")
    b.next = b
    s = w.weakref.ref(b)
    del a, b
    w.gc.collect()
    return keep[0].next.value, s()


def scenario_deaths_finalizer_once(w):
    count, keep = [], []

    def ending(self):
        count.append(1)
        keep.append(self)

    a = w.Ending(ending)
    a.next = a
    del a
    w.gc.collect()
    keep.clear()
    w.gc.collect()
    return len(count)


def scenario_deaths_finalizer_breaks_its_cycle(w):
    seen = []

    def ending(self):
        self.next = None
        seen.append("ended")

    a = w.Ending(ending)
    a.next = a
    r = w.weakref.ref(a)
    del a
    w.gc.collect()
    return seen, r()


def scenario_deaths_error_in_a_finalizer(w):
    seen = []

    def ending(self):
        seen.append("ended")
        raise KeyError("ending")

    holder = [w.Ending(ending)]
    r = w.weakref.ref(holder[0])
    told = w.unraisable(holder.clear)
    return told, seen, r()


def scenario_deaths_long_chain(w):
    first = None
    for i in range(20000):
        first = w.Node(i, first)
    last = first
    refs = w.weakref.WeakSet([first, first.next])
    del first, last
    return len(refs)


def scenario_deaths_cascade_in_a_dictionary(w):
    """Each value holds the next key, in one direction only: all go with the first."""
    d = w.weakref.WeakKeyDictionary()
    first = key = w.Node(0)
    for i in range(100):
        value = w.Node(i + 1)
        d[key] = value
        key = value
    del key, value
    n = len(d)
    del first
    return n, len(d)


def scenario_deaths_in_the_middle_of_update(w):
    made, d = three(w)
    it = iter(d.items())
    key, value = next(it)
    made.clear()
    del value
    return len(list(it)) <= 2, len(d) <= 1


def scenario_deaths_of_iterators(w):
    made, d = three(w)
    for make in (d.keys, d.values, d.items, d.itervaluerefs):
        it = make()
        next(it)
        del it
    made.clear()
    return len(d)


def scenario_deaths_proxy_list(w):
    a = w.Node(1)
    p = w.weakref.proxy(a)
    r = w.weakref.ref(a)
    first = [x is y for x, y in zip(w.weakref.getweakrefs(a), (r, p))], w.weakref.getweakrefcount(a)
    del p
    second = w.weakref.getweakrefs(a) == [r], w.weakref.getweakrefcount(a)
    del r
    return first, second, w.weakref.getweakrefs(a), w.weakref.getweakrefcount(a)


def scenario_deaths_shared_proxy_again(w):
    a = w.Node(1)
    number = id(w.weakref.proxy(a))
    return w.weakref.getweakrefcount(a), w.weakref.proxy(a).value, number > 0


def scenario_deaths_a_dictionary_with_a_dead_owner(w):
    """The callback of a value that outlives its dictionary does nothing."""
    a = w.Node(1)
    d = w.weakref.WeakValueDictionary(a=a)
    refs = d.valuerefs()
    del d
    holder = [a]
    del a
    return w.unraisable(holder.clear), refs[0]()


def threads_of(work, count=4):
    import threading
    failed = []

    def run():
        try:
            work()
        except BaseException as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return failed


def scenario_threads_values(w):
    import random
    d = w.weakref.WeakValueDictionary()
    turns = 200 if SMALL else 4000

    def work():
        for i in range(turns):
            key = random.randrange(5)
            mine = w.Node(i)
            d[key] = mine
            assert d.setdefault(key, mine) is not None
            found = d.pop(key, mine)
            assert found is not None

    return threads_of(work), len(d)


def scenario_threads_replaced_values_stay(w):
    """The end of an old value never takes away a new one."""
    d = w.weakref.WeakValueDictionary()
    kept = [w.Node(i) for i in range(4)]
    turns = 200 if SMALL else 4000

    def work():
        number = kept.pop()
        for i in range(turns):
            d[number.value] = w.Node(i)
            d[number.value] = number
            assert d[number.value] is number

    return threads_of(work), len(d)


# ---- finalize ----

def scenario_finalize_at_death(w):
    seen = []
    a = w.Node(1)
    f = w.weakref.finalize(a, seen.append, "gone")
    before = f.alive, f.atexit, list(seen)
    del a
    return before, seen, f.alive, f.atexit, f(), f.peek(), f.detach()


def scenario_finalize_peek(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print, 1, 2, sep="x")
    obj, func, args, kwargs = f.peek()
    seen = [obj is a, func is print, args, kwargs, f.alive]
    obj, func, args, kwargs = f.detach()
    return seen, [obj is a, func is print, args, kwargs, f.alive, f.detach(), f.peek(), f()]


def scenario_finalize_without_named(w):
    a = w.Node(1)
    return w.weakref.finalize(a, print).peek()[1:]


def scenario_finalize_call(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, lambda *args, **named: (args, named), 1, x=2)
    seen = [f(), f(), f.alive]
    g = w.weakref.finalize(a, lambda: 1 / 0)
    return seen, w.fails(g), g.alive, g(), w.weakref.finalize(a, int)(None)


def scenario_finalize_order(w):
    seen = []
    a = w.Node(1)
    for i in range(4):
        w.weakref.finalize(a, seen.append, i)
    del a
    return seen


def scenario_finalize_errors(w):
    seen = []
    holder = [w.Node(1)]
    w.weakref.finalize(holder[0], seen.append, 1)
    w.weakref.finalize(holder[0], lambda: 1 / 0)
    w.weakref.finalize(holder[0], seen.append, 2)
    return w.unraisable(holder.clear), seen


def scenario_finalize_atexit(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print)
    f.atexit = 0
    seen = [f.atexit]
    f.atexit = "yes"
    seen.append(f.atexit)
    f.detach()
    f.atexit = True
    return seen, f.atexit


def scenario_finalize_arguments(w):
    a = w.Node(1)
    return [w.fails(w.weakref.finalize), w.fails(w.weakref.finalize, a), w.fails(w.weakref.finalize, 5, print),
            w.fails(w.weakref.finalize, obj=a, func=print)]


def scenario_finalize_what_cannot_be_called(w):
    a = w.Node(1)
    return w.fails(lambda: w.weakref.finalize(a, 5).detach() is not None)


def scenario_finalize_arguments_keep_the_object(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print, a)
    r = w.weakref.ref(a)
    del a
    w.gc.collect()
    alive = r() is not None
    f.detach()
    return alive, r()


def scenario_finalize_counts_as_a_reference(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print)
    before = w.weakref.getweakrefcount(a)
    f.detach()
    return before, w.weakref.getweakrefcount(a)


def scenario_finalize_is_listed(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print)
    n = len(w.weakref.getweakrefs(a))
    f.detach()
    return n


def scenario_finalize_in_garbage(w):
    seen = []
    a = w.Node(1)
    a.next = a
    w.weakref.finalize(a, seen.append, 1)
    del a
    w.gc.collect()
    return seen


def scenario_finalize_registered_meanwhile(w):
    seen = []
    a, b = w.Node(1), w.Node(2)
    w.weakref.finalize(a, lambda: w.weakref.finalize(b, seen.append, "b"))
    del a
    del b
    return seen


def scenario_finalize_derived(w):
    class Named(w.weakref.finalize):
        pass

    a = w.Node(1)
    f = Named(a, int)
    f.name = 1
    return f.alive, f(), f.name


def scenario_finalize_that_was_not_made(w):
    class Lazy(w.weakref.finalize):
        def __init__(self):
            pass

    f = Lazy()
    return f.alive, f.atexit, f(), f.peek(), f.detach()


def scenario_finalize_repr(w):
    a = w.Node(1)
    f = w.weakref.finalize(a, print)
    alive = re.sub("0x[0-9a-f]+", "0x", repr(f)).replace(type(a).__name__, "Node")
    f.detach()
    return alive, re.sub("0x[0-9a-f]+", "0x", repr(f))


KNOWN = {
    "ref_callback_that_cannot_be_called": "A callback that cannot be called is refused",
    "finalize_what_cannot_be_called": "A callback that cannot be called is refused",
    "ref_in_a_finalizer": "In a finalizer, weak references to the object are empty",
    "ref_to_what_came_back": "An object that comes back has its weak references again",
    "proxy_deletes_a_field": "Fields cannot be deleted",
    "keys_equal_keys": "Weak containers compare objects by identity",
    "set_equal_members": "Weak containers compare objects by identity",
    "keys_value_refers_to_key": "A WeakKeyDictionary does not leak",
    "keys_added_during_iteration": "Adding during iteration is no error",
    "values_removed_during_iteration": "Removing during iteration is no error",
    "set_derived": "WeakSet is a container in a heap",
    "set_making_by_name": "WeakSet is a container in a heap",
    "set_operators_with_lists": "Operators of a WeakSet want sets",
    "finalize_is_listed": "A finalize is counted and not listed",
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
        self.assertEqual(titles, set(KNOWN.values()) | set(test_gc.KNOWN.values())
                         | set(test_tracemalloc.KNOWN.values()))

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
