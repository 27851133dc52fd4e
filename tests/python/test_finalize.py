"""husk.weakref against weakref: deaths, threads and finalize; the same scenario told to both (same.py)."""

import re
import unittest

import husk
import same
from support import SMALL, main
from test_weakcontainers import three


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
    "finalize_what_cannot_be_called": "A callback that cannot be called is refused",
    "finalize_is_listed": "A finalize is counted and not listed",
}


class Same(unittest.TestCase):
    def test_scenarios(self):
        same.compare(self, same.scenarios(globals()), KNOWN)
        husk.default.verify()


if __name__ == "__main__":
    main()
