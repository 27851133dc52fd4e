"""husk.ffi: objects of a heap as C structs, seen by C through ctypes; a random heap against a model; memory refused."""

import ctypes
import gc
import random
import sys
import unittest

import husk
from support import SMALL, Case, main

try:
    from husk import ffi
except ImportError as error:
    raise unittest.SkipTest(str(error))

try:
    import _testcapi
except ImportError:
    _testcapi = None

HEADER = 16  # of an object, before its struct: husk_obj_data


class CNode(ctypes.Structure):
    _fields_ = [("value", ctypes.c_double), ("small", ctypes.c_int8), ("next", ctypes.c_void_p),
                ("kids", ctypes.c_void_p * 2), ("name", ctypes.c_char * 6), ("x", ctypes.c_uint16), ("bits", ctypes.c_uint64)]


Node = ffi.heap_type("Node", "{value:f64,small:i8,next:ref,kids:ref[2],name:char[6],pos:{x:u16},bits:u64}")


def library():
    """libhusk-ffi as it is loaded."""
    with open("/proc/self/maps", encoding="ascii") as maps:
        lib = ctypes.CDLL(next(line.split()[-1] for line in maps if "libhusk-ffi" in line))
    lib.husk_ffi_memory_fail.argtypes = [ctypes.c_uint64, ctypes.c_bool]
    lib.husk_ffi_memory_held.restype = ctypes.c_size_t
    return lib


class Types(Case):
    def seen(self, x):
        return CNode.from_address(ffi.address(x))

    def test_c_reads_and_writes(self):
        self.assertEqual(ctypes.sizeof(CNode), ffi.layout(Node).size)
        n = self.heap.new(Node, 1.5, -3, name=b"abc", pos={"x": 65535}, bits=2**64 - 1)
        c = self.seen(n)
        self.assertEqual((c.value, c.small, c.next, c.name, c.x, c.bits), (1.5, -3, None, b"abc", 65535, 2**64 - 1))
        c.value, c.small, c.name = 2.5, 7, b"other!"
        self.assertEqual((n.value, n.small, bytes(n.name), n.bits), (2.5, 7, b"other!", 2**64 - 1))
        self.assertEqual(c.x, n.pos.x)

    def test_c_walks_a_list(self):
        first = None
        for i in range(100):
            first = self.heap.new(Node, float(i), next=first)
        at, sum_ = ffi.address(first), 0.0
        while at:
            c = CNode.from_address(at)
            sum_ += c.value
            at = c.next + HEADER if c.next else None
        self.assertEqual(sum_, 4950.0)
        self.assertEqual(self.heap.census(), {"Node": 100})
        del first
        self.assertEqual(self.heap.census(), {})

    def test_references_are_counted_and_visited(self):
        a, b = self.heap.new(Node), self.heap.new(Node)
        a.next, a.kids = b, [b, a]
        self.assertIs(a.kids[0], b)
        self.assertEqual(husk.refcount(b), 2)
        self.assertEqual({name for _, name, _ in husk.referring_slots(b)}, {"next", "kids[0]"})
        gone = husk.ref(a), husk.ref(b)
        b.next = a
        del a, b
        self.assertEqual(self.heap.collect().collected, 2)
        self.assertEqual((gone[0](), gone[1]()), (None, None))
        self.heap.verify()

    def test_other_things_of_a_heap(self):
        class Rec(husk.Record):
            v: object

        n = self.heap.new(Node)
        for x in (self.heap.list([1]), self.heap.map(), self.heap.new(Rec, n)):
            n.next = x
            self.assertIs(n.next, x)
        n.next = "text"
        self.assertEqual(n.next, "text")
        n.next = None
        self.assertIsNone(n.next)
        made = {"n": n}  # a cycle through Python
        n.next = made
        gone = husk.ref(n)
        del n, x, made
        self.heap.collect()
        self.assertIsNone(gone())

    def test_views(self):
        n = self.heap.new(Node, kids=(None, None))
        kids, name = n.kids, n.name
        self.assertEqual((len(kids), list(kids), len(name)), (2, [None, None], 6))
        kids[1] = n
        self.assertIs(n.kids[1], n)
        name[0] = 65
        self.assertEqual(bytes(n.name), b"A\0\0\0\0\0")
        self.raises(IndexError, "item 2", lambda: kids[2])
        self.raises(husk.RangeError, "1 values for 2", setattr, n, "kids", [n])
        self.raises(husk.RangeError, "7 bytes", setattr, n, "name", b"1234567")
        self.raises(TypeError, "str", setattr, n, "name", "text")
        self.raises(TypeError, "dict", setattr, n, "kids", {})
        self.raises(AttributeError, "'y'", setattr, n, "pos", {"y": 1})
        self.raises(AttributeError, "'y'", setattr, n.pos, "y", 1)
        self.raises(AttributeError, "y", lambda: n.pos.y)
        self.assertEqual(n.pos[0], 0)
        other = self.heap.new(Node)
        other.kids, other.pos = n.kids, n.pos
        self.assertIs(other.kids[1], n)
        kids[1] = other.kids[1] = None
        self.assertIn("ref[2]", repr(kids))
        address = ffi.address(n.pos)
        self.assertEqual(address - ffi.address(n), ffi.layout(Node).fields["pos"].offset)
        del n
        kids[0] = other  # it keeps its object
        self.assertIs(kids[0], other)
        del other
        self.heap.close()
        self.raises(husk.ClosedError, "closed", lambda: kids[0])
        self.raises(husk.ClosedError, "closed", bytes, name)

    def test_unions_and_unnamed(self):
        U = ffi.heap_type("U", "{tag:i32,union{i:i32,f:f32},u:union{i:i64,f:f64}}")
        u = self.heap.new(U, 1, f=1.0)
        self.assertEqual(u.i, 0x3F800000)
        u.u = {"f": 1.0}
        self.assertEqual(u.u.i, 0x3FF0 << 48)
        v = self.heap.new(U, u=u.u)
        self.assertEqual(v.u.f, 1.0)
        self.raises(TypeError, "union", setattr, v, "u", [1])

    def test_ranges_and_classes(self):
        n = self.heap.new(Node)
        self.raises(husk.RangeError, "i8", setattr, n, "small", 128)
        self.raises(husk.RangeError, "u64", setattr, n, "bits", -1)
        self.raises(TypeError, "", setattr, n, "value", "x")
        self.raises(TypeError, "int", setattr, n, "next", 5)
        self.raises(AttributeError, "nothing", setattr, n, "nothing", 5)
        self.raises(AttributeError, "deleted", delattr, n, "value")
        self.raises(TypeError, "no field", self.heap.new, Node, nothing=1)
        self.raises(TypeError, "two values", self.heap.new, Node, 1.0, value=2.0)
        self.raises(TypeError, "7 fields", self.heap.new, Node, *range(8))
        self.raises(husk.OtherHeapError, "cannot be stored", setattr, n, "next", husk.List())
        self.raises(TypeError, "base type", type, "Sub", (Node,), {})
        self.raises(TypeError, "", ffi.Struct)
        self.raises(TypeError, "", ffi.View)
        self.raises(TypeError, "heap type", ffi.address, self.heap.list())
        self.assertIs(ffi.heap_type("Node", Node.__struct__), Node)
        self.assertIsNot(ffi.heap_type("Other", Node.__struct__), Node)
        self.raises(husk.InvalidError, "^", ffi.heap_type, "Bad", "{x:what}")
        self.raises(husk.InvalidError, "struct", ffi.heap_type, "Bad", "i32")
        self.raises(husk.InvalidError, "union", ffi.heap_type, "Bad", "{u:union{a:ref,b:i64}}")
        self.raises(husk.InvalidError, "name", ffi.heap_type, "", "{x:i32}")
        self.raises(husk.InvalidError, "__class__", ffi.heap_type, "Bad", "{__class__:i32}")
        S = ffi.heap_type("S", "{s:str,p:ptr,b:bool}")
        s = self.heap.new(S, p=5, b=True)
        self.assertEqual((s.s, s.p, s.b), (None, 5, True))
        s.s = s.p = None
        self.assertEqual((s.s, s.p), (None, 0))
        self.raises(husk.InvalidError, "own", setattr, s, "s", "text")
        self.assertEqual(self.heap.objects(S), [s])
        closed = husk.Heap("closed")
        closed.close()
        self.raises(husk.ClosedError, "closed", closed.new, Node)

    def test_a_conversion_that_closes_the_heap(self):
        heap = husk.Heap("closing")
        n = heap.new(Node)

        class Closer:
            def __index__(self):
                heap.close()
                return 5

        self.raises(husk.ClosedError, "closed", setattr, n, "small", Closer())
        self.raises(husk.ClosedError, "closed", lambda: n.small)

    def test_random_heap(self):
        rng = random.Random(7)
        live, model = [], {}  # objects in a fixed order; index: (value, small, next, kids)
        for step in range(2000 if SMALL else 20000):
            action = rng.random()
            if action < 0.2 or not live:
                model[len(live)] = [0.0, 0, None, [None, None]]
                live.append(self.heap.new(Node))
                continue
            i, k = rng.randrange(len(live)), rng.choice([None, rng.randrange(len(live))])
            target = None if k is None else live[k]
            if action < 0.4:
                live[i].value = model[i][0] = rng.random()
                live[i].small = model[i][1] = rng.randint(-128, 127)
            elif action < 0.6:
                live[i].next, model[i][2] = target, k
            elif action < 0.8:
                at = rng.randrange(2)
                live[i].kids[at], model[i][3][at] = target, k
            else:
                n = live[i]
                have = [n.value, n.small, n.next, list(n.kids)]
                want = model[i][:2] + [None if model[i][2] is None else live[model[i][2]],
                                       [None if x is None else live[x] for x in model[i][3]]]
                self.assertEqual(have, want, step)
            if step % 500 == 0:
                self.heap.collect()
                self.heap.verify()
        self.assertEqual(self.heap.census(), {"Node": len(live)})
        reached, todo = set(), [0]
        while todo:
            i = todo.pop()
            if i is not None and i not in reached:
                reached.add(i)
                todo += [model[i][2], *model[i][3]]
        del live[1:], target, n, have, want
        self.heap.collect()
        self.assertEqual(self.heap.census(), {"Node": len(reached)})


SPARE = iter(range(10**6))


def story(heap):
    """Everything of the module, with types that were not there before."""
    T = ffi.heap_type("Story", "{a%d:i32,next:ref,pos:{x:f64,kids:ref[2]},name:char[8]}" % next(SPARE))
    t = heap.new(T, 5, name=b"x")
    t.next = heap.new(T, next=t)
    t.pos = {"x": 1.5, "kids": [t, None]}
    t.pos.kids[1] = t.next
    t.next.pos = t.pos
    list(t.name), bytes(t.name), repr(t.pos), ffi.address(t.pos), ffi.layout(T)
    with ffi.Callback("int(ptr,{a:i8,b:f64[3]})", max, name="story") as cb:
        cb.address, cb.signature, repr(cb)
    heap.collect()


class Refused(Case):
    def setUp(self):
        super().setUp()
        self.wants_unraisable = True

    def attempt(self, heap):
        try:
            story(heap)
            return True
        except MemoryError:
            return False

    def test_memory_of_the_library(self):
        lib = library()
        story(self.heap)
        for on in False, True:
            for nth in range(1, 1000):
                with husk.Heap("refused") as heap:
                    lib.husk_ffi_memory_fail(nth, on)
                    try:
                        done = self.attempt(heap)
                    finally:
                        lib.husk_ffi_memory_fail(0, False)
                    heap.verify()
                if done:
                    break
            self.assertTrue(done)
            self.assertGreater(nth, 3)
        lib.husk_ffi_quarantine_empty()
        before = lib.husk_ffi_memory_held()
        for i in range(300):
            ffi.Callback("int(ptr)", max).close()
        lib.husk_ffi_quarantine_empty()
        self.assertEqual(lib.husk_ffi_memory_held(), before)

    @unittest.skipUnless(hasattr(_testcapi, "set_nomemory"), "this interpreter has no _testcapi.set_nomemory")
    def test_memory_of_python(self):
        story(self.heap)
        gc.collect()
        gc.disable()
        hook, sys.unraisablehook = sys.unraisablehook, lambda args: None
        refused = streak = 0
        try:
            for nth in range(1, 300 if SMALL else 3000):
                if streak > 40:
                    break
                heap = husk.Heap("refused")
                _testcapi.set_nomemory(nth, nth + 1)
                try:
                    done = self.attempt(heap)
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


if __name__ == "__main__":
    main()
