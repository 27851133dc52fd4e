"""husk.weakref against weakref: dictionaries and sets; the same scenario told to both (same.py)."""

import copy
import re
import unittest

import husk
import same
from support import main


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


KNOWN = {
    "keys_equal_keys": "Weak containers compare objects by identity",
    "set_equal_members": "Weak containers compare objects by identity",
    "keys_value_refers_to_key": "A WeakKeyDictionary does not leak",
    "keys_added_during_iteration": "Adding during iteration is no error",
    "values_removed_during_iteration": "Removing during iteration is no error",
    "set_derived": "WeakSet is a container in a heap",
    "set_making_by_name": "WeakSet is a container in a heap",
    "set_operators_with_lists": "Operators of a WeakSet want sets",
}


class Same(unittest.TestCase):
    def test_scenarios(self):
        same.compare(self, same.scenarios(globals()), KNOWN)
        husk.default.verify()


if __name__ == "__main__":
    main()
