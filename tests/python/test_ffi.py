"""husk.ffi: Python functions that C calls, through ctypes, and layouts."""

import ctypes
import gc
import sys
import threading
import unittest
import weakref

import husk
from support import SMALL, Case, main, run_script

try:
    from husk import ffi
except ImportError as error:
    raise unittest.SkipTest(str(error))

MOST_BLOCKS = 500  # what the interpreter itself may keep meanwhile (121 were seen): far below one for each call
INT = ctypes.sizeof(ctypes.c_int)
LIBC = ctypes.CDLL(None)
CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


def as_function(cb, *types):
    return ctypes.cast(cb if isinstance(cb, int) else cb.address, ctypes.CFUNCTYPE(*types))


def compare(a, b):
    a, b = ctypes.c_int.from_address(a).value, ctypes.c_int.from_address(b).value
    return (a > b) - (a < b)


class Callbacks(Case):
    def setUp(self):
        super().setUp()
        ffi.clear_callback_error()

    def tearDown(self):
        ffi.clear_callback_error()
        super().tearDown()

    def test_qsort(self):
        numbers = (ctypes.c_int * 100)(*((i * 37) % 101 for i in range(100)))
        with ffi.Callback("int(ptr,ptr)", compare) as cb:
            LIBC.qsort(numbers, ctypes.c_size_t(100), ctypes.c_size_t(INT), ctypes.c_void_p(cb.address))
            self.assertFalse(cb.closed)
        self.assertTrue(cb.closed)
        self.assertEqual(list(numbers), sorted(numbers))
        self.assertIsNone(ffi.last_callback_error())

    def test_values(self):
        C = ctypes
        cases = (
            ("bool(bool)", C.c_bool, C.c_bool, True), ("i8(i8)", C.c_int8, C.c_int8, -128),
            ("u8(u8)", C.c_uint8, C.c_uint8, 255), ("i16(i16)", C.c_int16, C.c_int16, -32768),
            ("u16(u16)", C.c_uint16, C.c_uint16, 65535), ("i32(i32)", C.c_int32, C.c_int32, -2**31),
            ("u32(u32)", C.c_uint32, C.c_uint32, 2**32 - 1), ("i64(i64)", C.c_int64, C.c_int64, -2**63),
            ("u64(u64)", C.c_uint64, C.c_uint64, 2**64 - 1), ("f32(f32)", C.c_float, C.c_float, -0.5),
            ("f64(f64)", C.c_double, C.c_double, 1e300), ("enum{A,B=7}(enum{A,B=7})", C.c_int, C.c_int, 7),
        )
        for signature, result, param, value in cases:
            seen = []
            with ffi.Callback(signature, lambda x: seen.append(x) or x) as cb:
                self.assertEqual(as_function(cb, result, param)(value), value, signature)
            self.assertEqual(seen, [value], signature)
            self.assertIs(type(seen[0]), type(value), signature)
        with ffi.Callback("ptr(str,ptr)", lambda s, p: p + len(s) if s is not None else None) as cb:
            function = as_function(cb, C.c_void_p, C.c_char_p, C.c_void_p)
            self.assertEqual(function("größe".encode(), 1000), 1005)
            self.assertIsNone(function(None, 0))
        with ffi.Callback("void()", lambda: "not looked at") as cb:
            self.assertIsNone(as_function(cb, None)())

    def test_structs(self):
        class Point(ctypes.Structure):
            _fields_ = [("x", ctypes.c_double), ("n", ctypes.c_int)]

        def turned(raw):
            point = Point.from_buffer_copy(raw)
            return bytes(Point(-point.x, point.n + 1))

        with ffi.Callback("{x:f64,n:int}({x:f64,n:int})", turned) as cb:
            got = as_function(cb, Point, Point)(Point(1.5, 6))
            self.assertEqual((got.x, got.n), (-1.5, 7))

    def test_refused(self):
        error = self.raises(husk.InvalidError, "strr", ffi.Callback, "int(strr)", compare)
        self.assertIn("^", str(error))
        self.raises(husk.InvalidError, "function type", ffi.Callback, "int", compare)
        self.raises(husk.InvalidError, "variadic", ffi.Callback, "int(str,...)", compare)
        self.raises(husk.InvalidError, "str result", ffi.Callback, "str(int)", compare)
        self.raises(husk.InvalidError, "ref", ffi.Callback, "void(ref)", compare)
        self.raises(TypeError, "callable", ffi.Callback, "int(int)", 5)
        self.raises(TypeError, "", ffi.Callback)
        with ffi.Callback("int(int)", abs) as cb:
            self.raises(TypeError, "already", cb.__init__, "int(int)", abs)
        self.raises(husk.StateError, "closed", getattr, cb, "address")
        self.assertIn("closed", repr(cb))
        cb.close()

    def test_dead(self):
        self.wants_unraisable = True
        cb = ffi.Callback("int(int)", lambda x: x + 1, name="adder")
        function = as_function(cb, ctypes.c_int, ctypes.c_int)
        self.assertEqual(function(1), 2)
        cb.close()
        self.assertEqual(function(1), 0)
        (kind, text), = self.unraisable
        self.assertIs(kind, husk.StateError)
        for word in ("adder", "int(int)", "after its end"):
            self.assertIn(word, text.replace("i32", "int"))
        self.assertIs(type(ffi.last_callback_error()), husk.StateError)

    def test_raising(self):
        self.wants_unraisable = True
        with ffi.Callback("int(int)", lambda x: 7 // x) as cb:
            function = as_function(cb, ctypes.c_int, ctypes.c_int)
            self.assertEqual(function(0), 0)
            self.assertEqual(function(1), 7)
        self.assertEqual([kind for kind, _ in self.unraisable], [ZeroDivisionError])
        kept = ffi.last_callback_error()
        self.assertIs(type(kept), ZeroDivisionError)
        self.assertIsNotNone(kept.__traceback__)
        ffi.clear_callback_error()
        self.assertIsNone(ffi.last_callback_error())

    def test_results_that_do_not_fit(self):
        self.wants_unraisable = True
        for signature, value, kind in (("i8(int)", 500, husk.RangeError), ("u64(int)", 2**64, husk.RangeError),
                                       ("u8(int)", -1, husk.RangeError), ("int(int)", "x", TypeError),
                                       ("int(int)", 1.5, TypeError), ("f64(int)", None, TypeError),
                                       ("ptr(int)", "x", TypeError), ("ptr(int)", 2**64, OverflowError)):
            with ffi.Callback(signature, lambda x: value) as cb:
                result = ctypes.c_double if signature[0] == "f" else ctypes.c_int64
                self.assertEqual(as_function(cb, result, ctypes.c_int)(0), 0)
            self.assertIs(type(ffi.last_callback_error()), kind, signature)
        with ffi.Callback("{a:i64}(int)", lambda x: b"123") as cb:
            self.assertEqual(as_function(cb, ctypes.c_int64, ctypes.c_int)(0), 0)
        self.assertIn("3 bytes", str(ffi.last_callback_error()))

    def test_another_thread(self):
        self.wants_unraisable = True
        calls, got = [], []
        cb = ffi.Callback("int(int)", lambda x: calls.append(x) or 5, name="mine")
        function = as_function(cb, ctypes.c_int, ctypes.c_int)
        thread = threading.Thread(target=lambda: got.append(function(3)))
        thread.start()
        thread.join()
        self.assertEqual((calls, got), ([], [0]))
        error = ffi.last_callback_error()
        self.assertIs(type(error), husk.BusyError)
        self.assertIn("mine", str(error))
        self.assertEqual(len(self.unraisable), 1)
        self.assertEqual(function(3), 5)
        cb.close()

    def test_made_on_a_thread_that_is_over(self):
        self.wants_unraisable = True
        made, got = [], []

        def work():
            made.append(ffi.Callback("int(int)", lambda x: x + 1))
            got.append(as_function(made[0], ctypes.c_int, ctypes.c_int)(1))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(got, [2])
        self.assertEqual(as_function(made[0], ctypes.c_int, ctypes.c_int)(1), 0)
        self.assertIs(type(ffi.last_callback_error()), husk.BusyError)
        made.pop().close()

    def test_closed_on_another_thread(self):
        self.wants_unraisable = True
        held = []
        cb = ffi.Callback("int(int)", lambda x: x + 1)
        function = as_function(cb, ctypes.c_int, ctypes.c_int)
        held.append(weakref.ref(cb))
        thread = threading.Thread(target=cb.close)
        thread.start()
        thread.join()
        self.assertTrue(cb.closed)
        self.assertEqual(function(1), 0)
        self.assertIs(type(ffi.last_callback_error()), husk.StateError)  # which ends the closure too
        ffi.layout("{x:i32}")
        self.assertEqual(function(1), 0)
        self.assertEqual(len(self.unraisable), 2)
        del cb
        self.assertIsNone(held[0]())

    def test_it_closes_itself(self):
        cbs = []

        def once(x):
            cbs.pop().close()
            return x + 1

        cbs.append(ffi.Callback("int(int)", once))
        function = as_function(cbs[0], ctypes.c_int, ctypes.c_int)
        self.assertEqual(function(1), 2)

    def test_a_cycle_is_collected(self):
        self.wants_unraisable = True

        class Owner:
            pass

        owner = Owner()
        owner.cb = ffi.Callback("int(int)", lambda x, owner=owner: x)
        function = as_function(owner.cb, ctypes.c_int, ctypes.c_int)
        gone = weakref.ref(owner.cb), weakref.ref(owner)
        del owner
        self.assertEqual(function(4), 4)
        gc.collect()
        self.assertEqual((gone[0](), gone[1]()), (None, None))
        self.assertEqual(function(4), 0)
        self.assertIs(type(ffi.last_callback_error()), husk.StateError)

    def test_a_function_ends_with_its_callback(self):
        def function(x):
            return x

        before = sys.getrefcount(function)
        cb = ffi.Callback("int(int)", function)
        self.assertEqual(sys.getrefcount(function), before + 1)
        cb.close()
        self.assertEqual(sys.getrefcount(function), before)

    def test_nothing_grows(self):
        rounds = 2000 if SMALL else 100000
        numbers = (ctypes.c_int * 2)(2, 1)
        with ffi.Callback("int(int)", lambda x: x + 1) as cb:
            function = as_function(cb, ctypes.c_int, ctypes.c_int)
            for i in range(100):
                function(i)
            blocks = sys.getallocatedblocks()
            for i in range(rounds):
                function(i)
            self.assertLess(sys.getallocatedblocks() - blocks, MOST_BLOCKS)
        del numbers
        for i in range(300):  # fills what is kept of dead ones
            ffi.Callback("int(int)", abs).close()
        blocks, memory = sys.getallocatedblocks(), resident()
        for i in range(rounds):
            ffi.Callback("int(int)", abs).close()
        self.assertLess(sys.getallocatedblocks() - blocks, MOST_BLOCKS)
        self.assertLess(resident() - memory, (64 << 20) if SMALL else (4 << 20))

    def test_called_at_the_end(self):
        code, out, err = run_script(
            "import atexit, ctypes\n"
            "from husk import ffi\n"
            "cb = ffi.Callback('void()', lambda: print('called'))\n"
            "late = ffi.Callback('void(int,ptr)', print)\n"
            "ctypes.CDLL(None).on_exit(ctypes.c_void_p(late.address), None)\n"  # of C: after the interpreter
            "atexit.register(ctypes.cast(cb.address, ctypes.CFUNCTYPE(None)))\n")
        self.assertEqual((code, out), (0, "called\n"), err)
        self.assertIn("after", err)


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


class Layouts(Case):
    def test_as_ctypes(self):
        class Inner(ctypes.Structure):
            _fields_ = [("c", ctypes.c_char), ("d", ctypes.c_double)]

        class Outer(ctypes.Structure):
            _fields_ = [("a", ctypes.c_uint8), ("inner", Inner * 2), ("b", ctypes.c_short), ("p", ctypes.c_void_p)]

        got = ffi.layout("{a:u8,inner:{c:char,d:f64}[2],b:i16,p:ptr}")
        self.assertEqual((got.size, got.alignment), (ctypes.sizeof(Outer), ctypes.alignment(Outer)))
        for name, field in got.fields.items():
            self.assertEqual((field.offset, field.size), (getattr(Outer, name).offset, getattr(Outer, name).size), name)
        self.assertEqual(list(got.fields), ["a", "inner", "b", "p"])

    def test_refs_and_unnamed(self):
        got = ffi.layout("{x:f64,{y:i32,next:ref}}")
        self.assertEqual(got.size, 24)
        self.assertEqual({name: field.offset for name, field in got.fields.items()}, {"x": 0, "y": 8, "next": 16})
        self.assertEqual(got.fields["next"].type, "ref")

    def test_refused(self):
        self.raises(husk.InvalidError, "^", ffi.layout, "{x:what}")
        self.raises(husk.InvalidError, "struct or union", ffi.layout, "i32")
        self.raises(TypeError, "", ffi.layout, 5)


if __name__ == "__main__":
    main()
