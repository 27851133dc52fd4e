"""Record classes: declaring, making, fields, identity, and everything that is refused."""

import copy
import gc
import pickle
import typing
import weakref
from typing import ClassVar

import husk
from support import Case, main


class Node(husk.Record):
    """A node."""

    value: int
    next: "Node"
    limit: ClassVar[int] = 7
    other: "typing.ClassVar[str]" = "x"

    def describe(self):
        return f"node {self.value}"


class Named(Node):
    name: str = "nobody"
    value: int = 5


class Point:
    __slots__ = ()

    def length(self):
        return (self.x**2 + self.y**2) ** 0.5


class Vector(Point, husk.Record):
    x: float = 0.0
    y: float = 0.0

    def __init__(self, x, y=4.0):
        self.x = x
        self.y = y


class Records(Case):
    def test_fields(self):
        self.assertEqual(Node.__fields__, ("value", "next"))
        self.assertEqual(Node.__match_args__, ("value", "next"))
        self.assertEqual(Node.limit, 7)
        n = Node()
        self.assertIsNone(n.value)
        self.assertIsNone(n.next)
        n.value = 1
        n.next = Node(2, n)
        self.assertEqual((n.value, n.next.value), (1, 2))
        self.assertIs(n.next.next, n)
        self.assertEqual(n.describe(), "node 1")
        self.assertEqual(Node(next=n, value=3).describe(), "node 3")
        self.assertEqual(Node.__doc__, "A node.")
        match n:
            case Node(value, Node(second)):
                self.assertEqual((value, second), (1, 2))
        n.next = None

    def test_identity(self):
        n = Node(1, Node(2))
        self.assertIs(n.next, n.next)
        self.assertEqual(hash(n.next), hash(n.next))
        self.assertEqual(n, n)
        self.assertNotEqual(Node(1), Node(1))
        self.assertIn(n.next, {n.next: 1})
        address = id(n.next)  # nobody keeps it: the next one may be anywhere
        self.assertIsInstance(address, int)
        self.assertTrue(n)

    def test_counts(self):
        n = Node(1)
        self.assertEqual((husk.getrefcount(n), husk.refcount(n)), (1, 0))
        m = Node(2, n)
        self.assertEqual((husk.getrefcount(n), husk.refcount(n)), (2, 1))
        again = m.next  # the same handle
        self.assertEqual(husk.getrefcount(again), 2)
        self.assertTrue(husk.is_unique(m))
        before = husk.default.figures().objects
        del n, again
        self.assertEqual(husk.default.figures().objects, before)
        m.next = None
        self.assertEqual(husk.default.figures().objects, before - 1)

    def test_repr(self):
        n = Node(1)
        self.assertRegex(repr(n), r"^<Node at 0x[0-9a-f]+, 1 reference>$")
        m = Node(2, n)
        self.assertRegex(repr(n), r"2 references>$")
        husk.make_immortal(n)
        self.assertRegex(repr(n), r"immortal>$")
        self.assertTrue(husk.is_immortal(n))
        self.assertIs(m.next, n)

    def test_heap(self):
        n = self.heap.new(Node, 1, next=None)
        self.assertIs(husk.heap_of(n), self.heap)
        self.assertIs(husk.heap_of(Node()), husk.default)
        v = self.heap.new(Vector, 3.0)
        self.assertEqual((v.x, v.y, v.length()), (3.0, 4.0, 5.0))
        self.assertIs(husk.heap_of(v), self.heap)
        self.raises(husk.OtherHeapError, "a Node of heap 'default' cannot be stored in heap 'test_heap'",
                    setattr, n, "next", Node())
        self.assertIsInstance(husk.OtherHeapError(), ValueError)
        self.raises(TypeError, "record class expected", self.heap.new, int)
        self.raises(TypeError, "record class expected", self.heap.new)
        self.raises(TypeError, "record class expected", self.heap.new, 5)
        self.raises(TypeError, "record class expected", self.heap.new, husk.List)

    def test_inheritance(self):
        self.assertEqual(Named.__fields__, ("value", "next", "name"))
        n = Named()
        self.assertEqual((n.value, n.next, n.name), (5, None, "nobody"))
        n = Named(1, n, name="me")
        self.assertEqual((n.value, n.name, n.describe()), (1, "me", "node 1"))
        self.assertIsInstance(n, Node)
        self.assertIsInstance(Node(0, n).next, Named)
        self.assertEqual(Vector(3.0).length(), 5.0)

        class Both(Named, Vector.__mro__[1]):
            pass

        self.assertEqual(Both().name, "nobody")

    def test_generic(self):
        T = typing.TypeVar("T")

        class Box(husk.Record, typing.Generic[T]):
            value: T

        self.assertEqual(Box[int](5).value, 5)
        self.assertEqual(Box.__fields__, ("value",))

    def test_own_methods(self):
        class Equal(husk.Record):
            x: int

            def __eq__(self, other):
                return isinstance(other, Equal) and self.x == other.x

            def __hash__(self):
                return hash(self.x)

            def __getattr__(self, name):
                return name

        l = self.heap.list([self.heap.new(Equal, 1), self.heap.new(Equal, 2)])
        self.assertIn(Equal(1), l)
        self.assertEqual(l.index(Equal(2)), 1)
        self.assertEqual({l[0]: 5}[Equal(1)], 5)
        again = self.heap.new(Equal, 1)
        self.assertEqual(husk.ref(l[0]), husk.ref(again))  # equal as the objects are
        self.assertEqual(l[0].colour, "colour")
        Equal.__init__ = lambda self, y: setattr(self, "x", 2 * y)
        self.assertEqual((Equal(2).x, self.heap.new(Equal, y=3).x), (4, 6))
        del Equal.__init__
        self.assertEqual(Equal(2).x, 2)

    def test_super(self):
        class Loud(Node):
            def __init__(self, *args, **fields):
                super().__init__(*args, **fields)
                self.value = self.value * 10

            def describe(self):
                return super().describe() + "!"

        self.assertEqual(Loud(1).describe(), "node 10!")
        self.assertEqual(Loud(value=2).value, 20)
        self.assertEqual(self.heap.new(Loud, value=3).value, 30)
        self.raises(TypeError, "no field 'colour'", Loud, colour=1)

    def test_construction_errors(self):
        self.raises(TypeError, "Node has 2 fields, but 3 values are given", Node, 1, 2, 3)
        self.raises(TypeError, "Node has no field 'colour'", Node, colour=1)
        self.raises(TypeError, "Node() got two values for field 'value'", Node, 1, value=2)
        self.raises(TypeError, "derive a class from it", husk.Record)
        self.raises(TypeError, "Obj", husk.Obj)
        before = husk.default.figures().objects
        for _ in range(3):
            self.raises(TypeError, "colour", Node, Node(1), colour=Node(2))
        self.assertEqual(husk.default.figures().objects, before)

    def test_attribute_errors(self):
        n = Node(1)
        self.raises(AttributeError, "colour", getattr, n, "colour")
        self.raises(AttributeError, "colour", setattr, n, "colour", 1)
        self.raises(AttributeError, "None empties it", delattr, n, "value")
        self.assertFalse(hasattr(n, "__dict__"))
        self.raises(AttributeError, "it is a field", setattr, Node, "value", 3)
        self.raises(AttributeError, "when the class is made", setattr, Node, "__finalize__", print)
        self.raises(AttributeError, "cannot have it", setattr, Node, "__del__", print)
        Node.extra = 1
        self.assertEqual(n.extra, 1)
        del Node.extra

    def test_refused_classes(self):
        def make(name, bases=(husk.Record,), **body):
            return husk.RecordType(name, bases, body)

        self.raises(TypeError, "cannot define __slots__", make, "A", __slots__=("a",))
        self.raises(TypeError, "__finalize__ is the end of the record", make, "A", __del__=print)
        self.raises(TypeError, "__init__ can do it", make, "A", __new__=print)
        self.raises(ValueError, "all records would share", make, "A", __annotations__={"a": list}, a=[])
        self.raises(TypeError, "and also a function", make, "A", __annotations__={"a": int}, a=lambda self: 1)
        self.raises(TypeError, "a field cannot be called", make, "A", __annotations__={"__a__": int})
        self.raises(TypeError, "a field cannot be called", make, "A", __annotations__={"1a": int})
        self.raises(TypeError, "a field cannot be called", make, "A", __annotations__={7: int})

        class Mixin:
            pass

        class Closing:
            __slots__ = ()

            def __del__(self):
                pass

        self.raises(TypeError, "__slots__ = ()", make, "A", (husk.Record, Mixin))
        self.raises(TypeError, "__del__", make, "A", (Closing, husk.Record))
        left = make("Left", __annotations__={"a": int})
        right = make("Right", __annotations__={"b": int})
        self.raises(TypeError, "differ", make, "A", (left, right))
        self.raises(TypeError, "", husk.RecordType, "A")
        self.raises(TypeError, "does not derive from husk.Record", make, "A", (object,))
        self.raises(TypeError, "does not derive from husk.Record", make, "A", ())
        many = make("Many", __annotations__={f"f{i}": int for i in range(4096)})
        self.assertEqual(many(*range(4096)).f4095, 4095)
        self.raises(husk.RangeError, "4096", make, "A", __annotations__={f"f{i}": int for i in range(4097)})

    def test_odd_names(self):
        class Ключ(husk.Record):
            поле: int
            size: int
            __private: int = 3

        k = Ключ(1, 2)
        self.assertEqual((k.поле, k.size), (1, 2))
        self.assertIn("Ключ", repr(k))

    def test_copies_are_refused(self):
        for call in (copy.copy, copy.deepcopy, pickle.dumps):
            self.raises(TypeError, "cannot copy or pickle 'Node'", call, Node(1))
        self.raises(TypeError, "cannot copy or pickle 'List'", copy.copy, husk.List())
        self.raises(TypeError, "cannot copy or pickle 'Heap'", copy.copy, self.heap)

    def test_weakref_to_the_handle(self):
        n = Node(1)
        keeper = husk.List([n])
        gone = []
        r = weakref.ref(n, gone.append)
        self.assertIs(r(), n)
        del n
        self.assertIsNone(r())
        self.assertEqual(gone, [r])
        self.assertEqual(keeper[0].value, 1)

    def test_weakref_callback_asks_for_the_object_again(self):
        n = Node(1)
        keeper = husk.List([n])
        seen = []
        r = weakref.ref(n, lambda _: seen.append(keeper[0]))
        del n
        self.assertEqual([x.value for x in seen], [1])
        self.assertIsNone(r())
        self.assertIs(seen[0], keeper[0])

    def test_python_finds_cycles_through_handles(self):
        class Plain:
            pass

        p = Plain()
        p.node = Node(1)
        p.me = p
        before = husk.default.figures().objects
        del p
        gc.collect()
        self.assertEqual(husk.default.figures().objects, before - 1)
        self.assertTrue(gc.is_tracked(Node(1)))

    def test_the_base_behind_record_makes_nothing(self):
        base = husk.Record.__mro__[1]

        class Other(base):
            __slots__ = ("a", "b")

        self.raises(TypeError, "no record class", base)
        self.raises(TypeError, "no record class", Other, 1)

    def test_many(self):
        before = husk.default.figures().objects
        nodes = [Node(i) for i in range(5000)]
        for a, b in zip(nodes, nodes[1:]):
            a.next = b
        self.assertTrue(all(a.next is b for a, b in zip(nodes, nodes[1:])))
        del nodes[1:], b
        self.assertEqual(husk.default.figures().objects, before + 5000)
        a = nodes.pop()
        for i in range(5000):
            self.assertEqual(a.value, i)
            a = a.next
        self.assertIsNone(a)
        self.assertEqual(husk.default.figures().objects, before)


if __name__ == "__main__":
    main()
