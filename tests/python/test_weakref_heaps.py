"""husk.weakref beyond what weakref has: several heaps, heaps that close, cycles through Python, exits."""

import copy
import gc
import os
import sys
import threading
import unittest
import weakref as standard

import husk
from husk import weakref
from support import Case, SMALL, main, run_script


try:
    import _testcapi
except ImportError:
    _testcapi = None


class Node(husk.Record):
    value: object
    next: object

    def method(self):
        return self.value


class Plain:
    pass


class Cycles(Case):
    def test_a_value_of_python_that_refers_to_its_key(self):
        d = weakref.WeakKeyDictionary(heap=self.heap)
        gone = []
        for i in range(20):
            key, value = self.heap.new(Node, i), Plain()
            value.key = [key, {"again": key}]
            gone.append(standard.ref(value))
            d[key] = value
        key = None
        self.assertEqual(len(d), 20)
        kept = value.key[0]
        del value
        self.heap.collect()
        self.assertEqual((list(d), [r() is None for r in gone].count(True)), ([kept], 19))
        self.assertIs(d[kept].key[0], kept)
        del kept
        self.heap.collect()
        self.assertEqual((len(d), {r() for r in gone}), (0, {None}))

    def test_chains_through_two_dictionaries(self):
        d, e = (weakref.WeakKeyDictionary(heap=self.heap) for _ in range(2))
        keys = [self.heap.new(Node, i) for i in range(50)]
        for i, key in enumerate(keys):
            value = Plain()
            value.next = keys[(i + 1) % len(keys)]
            (d, e)[i % 2][key] = value
        first = keys[0]
        del keys, key, value
        self.heap.collect()
        self.assertEqual((len(d), len(e)), (25, 25))  # each value leads to the next key
        del first
        self.heap.collect()
        self.assertEqual((len(d), len(e)), (0, 0))

    def test_the_dictionary_in_its_own_value(self):
        d = weakref.WeakKeyDictionary(heap=self.heap)
        key = self.heap.new(Node)
        d[key] = [d, key]
        gone = standard.ref(d)
        del d
        self.heap.collect()
        self.assertIsNotNone(gone())  # the value leads to it, and lives with the key: husk/bridge.h
        del key
        self.heap.collect()
        self.assertIsNone(gone())

    def test_a_dictionary_in_its_key(self):
        key = self.heap.new(Node)
        key.value = weakref.WeakKeyDictionary({key: 1}, heap=self.heap)
        gone = weakref.ref(key)
        del key
        self.heap.collect()
        self.assertIsNone(gone())

    def test_values_hold_their_dictionary(self):
        d = weakref.WeakValueDictionary()
        node = self.heap.new(Node)
        d["x"] = node
        node.value = d
        gone = standard.ref(d)
        del d
        self.heap.collect()
        self.assertIs(gone()["x"], node)
        del node
        self.heap.collect()
        self.assertIsNone(gone())

    def test_a_callback_that_holds_the_object(self):
        node = self.heap.new(Node)
        node.value = weakref.ref(node, lambda r, node=node: None)
        gone = weakref.ref(node)
        del node
        self.heap.collect()
        self.assertIsNone(gone())

    def test_a_proxy_keeps_nothing(self):
        node = self.heap.new(Node, 5)
        proxy = weakref.proxy(node)
        node.next = [proxy]
        self.assertEqual(husk.getrefcount(node), 1)
        del node
        with self.assertRaises(ReferenceError):
            proxy.value


class Random(Case):
    """Random graphs of records, objects of Python and weak-key dictionaries, against what can be reached."""

    def graph(self, random):
        nodes = [self.heap.new(Node) for _ in range(random.randint(2, 7))]
        plains = [Plain() for _ in range(random.randint(0, 4))]
        maps = [weakref.WeakKeyDictionary(heap=self.heap) for _ in range(random.randint(1, 2))]
        things = nodes + plains
        edges = {id(x): [] for x in things}
        entries = []

        def some():
            return random.choice(things)

        for x in nodes:
            for field in ("value", "next"):
                if random.random() < 0.5:
                    to = some()
                    setattr(x, field, to)
                    edges[id(x)].append(id(to))
        for x in plains:
            x.items = [some() for _ in range(random.randint(0, 2))]
            edges[id(x)] += map(id, x.items)
        for d in maps:
            for key in random.sample(nodes, random.randint(0, len(nodes))):
                d[key] = value = some()
                entries.append((d, id(key), id(value)))
        roots = [x for x in things if random.random() < 0.25]
        return things, edges, entries, roots, maps

    @staticmethod
    def reachable(edges, entries, roots):
        """An entry is an edge once its key is reached: the dictionaries themselves are all held."""
        seen, more = set(), [id(x) for x in roots]
        while more:
            while more:
                x = more.pop()
                if x not in seen:
                    seen.add(x)
                    more += edges[x]
            more = [value for _, key, value in entries if key in seen and value not in seen]
        return seen

    def test_graphs(self):
        self.rounds(20 if SMALL else 600)

    def test_graphs_with_a_pass_at_each_allocation(self):
        self.heap.close()
        self.heap = husk.Heap("stress", stress=True)
        self.rounds(5 if SMALL else 150)

    def rounds(self, count):
        import random as module
        for seed in range(count):
            random = module.Random(seed)
            things, edges, entries, roots, maps = self.graph(random)
            watched = {id(x): weakref.ref(x) if isinstance(x, Node) else standard.ref(x) for x in things}
            alive = self.reachable(edges, entries, roots)
            things = None
            self.heap.collect()
            self.assertEqual({x for x, r in watched.items() if r() is not None}, alive, f"seed {seed}")
            kept = [id(d) for d, key, _ in entries if key in alive]
            self.assertEqual([len(d) for d in maps], [kept.count(id(d)) for d in maps], f"seed {seed}")
            roots.clear()
            self.heap.collect()
            self.assertEqual({r() for r in watched.values()}, {None}, f"seed {seed}")


class Handles(Case):
    """What counts is the object, not what Python has of it."""

    def setUp(self):
        super().setUp()
        self.holder = self.heap.list([self.heap.new(Node, i) for i in range(3)])

    def test_containers_know_objects_without_handles(self):
        keys = weakref.WeakKeyDictionary({x: x.value for x in self.holder}, heap=self.heap)
        values = weakref.WeakValueDictionary(enumerate(self.holder))
        members = weakref.WeakSet(self.holder, heap=self.heap)
        gc.collect()
        self.assertEqual((len(keys), len(values), len(members)), (3, 3, 3))
        self.assertEqual([values[i].value for i in range(3)], [0, 1, 2])
        self.assertEqual(sorted(keys.values()), [0, 1, 2])
        del self.holder[1]
        self.assertEqual((len(keys), sorted(values), len(members)), (2, [0, 2], 2))
        self.holder.clear()
        self.assertEqual((len(keys), len(values), len(members)), (0, 0, 0))

    def test_references_outlive_handles(self):
        seen = []
        method = weakref.WeakMethod(self.holder[0].method, seen.append)
        proxy = weakref.proxy(self.holder[0])
        end = weakref.finalize(self.holder[0], seen.append, "end")
        gc.collect()
        self.assertEqual((method()(), proxy.value, end.peek()[0] is self.holder[0]), (0, 0, True))
        self.holder.clear()
        self.assertEqual(seen, ["end", method])  # the newest first
        self.assertIsNone(method())


    def test_lengths_before_callbacks_have_run(self):
        """A pass inside an allocation ends objects at once, and leaves callbacks for later."""
        heap = husk.Heap("stress", stress=True)
        values = weakref.WeakValueDictionary()
        keys, members = weakref.WeakKeyDictionary(heap=heap), weakref.WeakSet(heap=heap)
        gone = []
        node = heap.new(Node)
        node.next = node
        values["x"] = keys[node] = node
        members.add(node)
        watched = weakref.ref(node, gone.append)
        node = None
        kept = heap.new(Node)  # the pass
        self.assertEqual((watched(), gone, len(values.valuerefs())), (None, [], 1))
        self.assertEqual((len(values), len(keys), len(members), list(values)), (0, 0, 0, []))
        heap.safepoint()
        self.assertEqual((gone, values.valuerefs(), kept.value), ([watched], [], None))
        heap.close()


class Heaps(Case):
    def test_dictionaries_and_heaps(self):
        with husk.Heap("other") as other:
            mine, theirs = self.heap.new(Node, 1), other.new(Node, 2)
            keys = weakref.WeakKeyDictionary(heap=other)
            self.raises(husk.OtherHeapError, "other", keys.__setitem__, mine, 1)
            self.assertNotIn(mine, keys)
            self.assertIsNone(keys.get(mine))
            self.raises(KeyError, "no key", keys.__getitem__, mine)
            keys[theirs] = 2
            self.assertIs(husk.heap_of(keys.copy()._map), other)
            values = weakref.WeakValueDictionary(mine=mine, theirs=theirs)  # of any heaps
            self.assertEqual(sorted(values), ["mine", "theirs"])
        self.assertEqual((list(values), values.get("theirs")), (["mine"], None))
        self.raises(husk.ClosedError, "other", len, keys)
        self.raises(TypeError, "Heap", weakref.WeakKeyDictionary, heap=5)

    def test_a_heap_that_closes(self):
        seen = []
        heap = husk.Heap("short")
        node = heap.new(Node, 1)
        ends = [weakref.finalize(node, seen.append, i) for i in range(4)]
        ends[1].atexit = False
        ends[2].detach()
        proxy, method = weakref.proxy(node), weakref.WeakMethod(node.method)
        heap.close()
        self.assertEqual(seen, [3, 0])
        self.assertEqual([(f.alive, f.atexit, f.peek(), f.detach(), f()) for f in ends],
                         [(False, False, None, None, None)] * 4)
        with self.assertRaises(ReferenceError):
            proxy.value
        self.raises(husk.ClosedError, "short", method)
        self.assertIn("dead", repr(ends[0]))

    def test_a_finalize_does_not_keep_its_heap(self):
        seen = []
        heap = husk.Heap("forgotten")
        node = heap.new(Node)
        node.next = node
        weakref.finalize(node, seen.append, "end")
        gone = standard.ref(heap)
        del heap, node
        gc.collect()
        self.assertEqual((gone(), seen), (None, ["end"]))


class Stubborn(Case):
    """Callbacks that do what they should not."""

    def test_callbacks_that_change_everything(self):
        node = self.heap.new(Node)
        keys = weakref.WeakKeyDictionary({node: 1}, heap=self.heap)
        values = weakref.WeakValueDictionary(a=node)
        others = [self.heap.new(Node, i) for i in range(50)]

        def wild(reference):
            for i, x in enumerate(others):
                keys[x] = [x, keys]
                values[i] = x
            del others[::2]
            self.heap.new(Node)
            with self.assertRaises(husk.BusyError):
                self.heap.collect()

        held = weakref.ref(node, wild)
        del node
        self.assertIsNone(held())
        self.heap.collect()
        self.assertEqual(len(values), 25)
        self.assertEqual(len(keys), 25)

    def test_errors_leave_everything_whole(self):
        self.wants_unraisable = True

        class Failing:
            def __hash__(self):
                raise RuntimeError("hash")

        values = weakref.WeakValueDictionary()
        node = self.heap.new(Node)
        self.raises(RuntimeError, "hash", values.__setitem__, Failing(), node)
        self.assertEqual((len(values), weakref.getweakrefcount(node)), (0, 0))
        weakref.finalize(node, sys.exit, 5)
        r = weakref.ref(node, lambda r: sys.exit(6))
        p = weakref.proxy(node, lambda p: 1 / 0)
        del node
        self.assertEqual([kind for kind, _ in self.unraisable], [ZeroDivisionError, SystemExit, SystemExit])
        self.assertIsNone(r())
        del p

    def test_threads(self):
        values, keys = weakref.WeakValueDictionary(), weakref.WeakKeyDictionary(heap=self.heap)
        count = 200 if SMALL else 5000

        def work(number):
            for i in range(count):
                node = self.heap.new(Node, i)
                values[number, i % 50] = node
                keys[node] = [node] if i % 2 else i
                weakref.finalize(node, len, "")
                list(values.items())[:3]
                if i % 100 == 0:
                    husk.gc.collect(heap=self.heap)  # 0 while another thread collects

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.heap.collect()
        self.assertEqual((len(values), len(keys), self.heap.cleanups()), (0, 0, 0))


    def test_copies_while_another_thread_ends_objects(self):
        made = [self.heap.new(Node, i) for i in range(50)]
        keys = weakref.WeakKeyDictionary({x: [x.value] for x in made}, heap=self.heap)
        values = weakref.WeakValueDictionary(enumerate(made))
        members = weakref.WeakSet(made, heap=self.heap)
        failed = []

        def work():
            try:
                for _ in range(5 if SMALL else 50):
                    for x in (keys, values):
                        copy.copy(x), copy.deepcopy(x), list(x.items()), list(x.values())
                    members.copy(), members & members, members == members
                    if made:
                        made.pop()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        made.clear()
        self.assertEqual((failed, len(keys), len(values), len(members)), ([], 0, 0, 0))

    def test_deep_chains_end_without_recursion(self):
        count = 1000 if SMALL else 50000
        keys = weakref.WeakKeyDictionary(heap=self.heap)
        first = key = self.heap.new(Node)
        for i in range(count):
            value = self.heap.new(Node, i)
            keys[key] = value
            key = value
        del key, value
        self.assertEqual(len(keys), count)
        del first
        self.assertEqual(len(keys), 0)


def nothing(*args):
    pass


def story(heap):
    """One of everything. What is made may fail at any request for memory."""
    node, other = heap.new(Node, 1), heap.new(Node, 2)
    r, p, q = weakref.ref(node, nothing), weakref.proxy(node), weakref.proxy(node, nothing)
    p.value, q.value, p.method(), repr(p), p == q, r()
    weakref.WeakMethod(node.method, nothing)()
    keys = weakref.WeakKeyDictionary({node: [node], other: other}, heap=heap)
    values = weakref.WeakValueDictionary([((1, "a"), node), ("b", other)])
    members = weakref.WeakSet([node, other], heap=heap)
    for x in (keys, values):
        x.copy(), list(x.items()), x | {}, x.setdefault(node, other), x.pop(other, None)
    keys.keyrefs(), values.valuerefs(), members | members, members - members, members == members
    weakref.finalize(node, nothing, 1, x=2).peek()
    end = weakref.finalize(node, nothing)
    end()
    weakref.getweakrefs(node), weakref.getweakrefcount(node)
    husk.gc.collect(heap=heap), husk.gc.get_objects(heap=heap), husk.gc.get_stats(heap=heap)
    husk.gc.get_referrers(node, other), husk.gc.get_referents(node)
    del node
    values.clear()


class Refused(Case):
    """Memory that fails, at each request in turn: MemoryError, and everything is whole."""

    def setUp(self):
        super().setUp()
        self.wants_unraisable = True  # a hook that fails for want of memory is reported

    def test_memory_of_the_library(self):
        for on in False, True:
            for nth in range(1, 60):
                done = False
                husk.memory_fail(nth, on)
                try:
                    with husk.Heap("refused") as heap:
                        story(heap)
                        done = True
                except MemoryError:
                    pass
                finally:
                    husk.memory_fail(0, False)
                if done:
                    break
            self.assertTrue(done)
            self.assertGreater(nth, 2)

    @unittest.skipUnless(hasattr(_testcapi, "set_nomemory") and sys.version_info < (3, 12),
                         "no _testcapi.set_nomemory, or a version that cannot bear the failure of a closure")
    def test_memory_of_python(self):
        story(self.heap)
        gc.collect()
        gc.disable()
        hook, sys.unraisablehook = sys.unraisablehook, lambda args: None
        refused = streak = 0
        try:
            for nth in range(1, 300 if SMALL else 4000):
                if streak > 40:  # beyond the last request
                    break
                heap, done = husk.Heap("refused"), False
                _testcapi.set_nomemory(nth, nth + 1)
                try:
                    story(heap)
                    done = True
                except MemoryError:
                    pass
                finally:
                    _testcapi.remove_mem_hooks()
                refused += not done
                streak = streak + 1 if done else 0
                heap.verify()
                heap.close()
        finally:
            sys.unraisablehook = hook
            gc.enable()
        self.assertGreater(refused, 50)


class Exits(unittest.TestCase):
    """How an interpreter ends. At exit the newest finalize of a heap runs first, one made meanwhile is next."""

    def test_order(self):
        code, out, err = run_script("""
import atexit, husk
from husk.weakref import finalize
class Node(husk.Record):
    value: object
n = Node(1)
atexit.register(print, "a function of atexit")
for i in range(4):
    f = finalize(n, print, i)
    f.atexit = i != 1
def more():
    print("more")
    finalize(n, print, "made meanwhile")
finalize(n, more)
finalize(n, lambda: 1 / 0)
cycle = Node(2)
cycle.value = cycle
finalize(cycle, lambda: print("the object is whole:", n.value))
""")
        self.assertEqual(out.splitlines(), ["a function of atexit", "the object is whole: 1", "more", "made meanwhile",
                                            "3", "2", "0"])
        self.assertEqual((code, err.count("ZeroDivisionError"), err.count("Traceback")), (0, 1, 1), err)

    def test_excepthook(self):
        code, out, err = run_script("""
import sys, husk
from husk.weakref import finalize
class Node(husk.Record):
    value: object
n = Node(1)
sys.excepthook = lambda kind, error, trace: print("excepthook", kind.__name__, error)
sys.unraisablehook = lambda args: print("unraisablehook", args.exc_value)
finalize(n, lambda: 1 / 0)
m = Node(1)
finalize(m, lambda: 2 / 0)
del m
""")
        self.assertEqual((code, out, err), (
            0, "unraisablehook division by zero\nexcepthook ZeroDivisionError division by zero\n", ""))

    def test_os_exit_runs_nothing(self):
        code, out, err = run_script("""
import os, husk
from husk.weakref import finalize
class Node(husk.Record):
    value: object
n = Node(1)
finalize(n, print, "never")
os._exit(3)
""")
        self.assertEqual((code, out, err), (3, "", ""))

    def test_things_that_outlive_the_heaps(self):
        code, out, err = run_script("""
import sys, husk, builtins
from husk import weakref, gc
class Node(husk.Record):
    value: object
    def method(self): pass
n = Node(1)
builtins.kept = [weakref.ref(n), weakref.proxy(n), weakref.WeakMethod(n.method), weakref.WeakKeyDictionary({n: n}),
    weakref.WeakValueDictionary(n=n), weakref.WeakSet([n]), weakref.finalize(n, print, "end"), n,
    iter(weakref.WeakSet([n])), weakref.WeakKeyDictionary({n: 1}).items()]
class Last:
    def __del__(self):
        for x in kept:
            for call in (len, next, bool, repr, weakref.getweakrefcount):
                try: call(x)
                except (TypeError, ReferenceError, husk.ClosedError): pass
        for call in (gc.collect, gc.get_objects, gc.get_stats, gc.freeze, gc.enable, gc.get_threshold):
            try: call()
            except husk.ClosedError: pass
            else: print("no error from", call)
sys.modules["last"] = Last()
""")
        self.assertEqual((code, out, err), (0, "end\n", ""))

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_fork(self):
        code, out, err = run_script("""
import os, sys, husk
from husk import gc, weakref
class Node(husk.Record):
    value: object
n = Node(1)
d = weakref.WeakKeyDictionary({n: [n]})
gc.disable(); gc.freeze()
child = os.fork()
if child == 0:
    gc.enable(); gc.unfreeze()
    del n
    gc.collect()
    os._exit(len(d))
status = os.waitpid(child, 0)[1]
gc.unfreeze(); gc.enable()
print(os.WEXITSTATUS(status), len(d))
""")
        self.assertEqual((code, out, err), (0, "0 1\n", ""))


if __name__ == "__main__":
    main()
