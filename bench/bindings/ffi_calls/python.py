"""python.py LIBRARY COUNT ctypes|cffi: the same work from Python; see lua54.lua. cffi reads declarations at run time, as
the others do (its ABI mode)."""

import sys
import time

library, count, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def with_ctypes():
    import ctypes

    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]

    lib = ctypes.CDLL(library)
    lib.work_next.argtypes, lib.work_next.restype = [ctypes.c_int], ctypes.c_int
    adding_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)
    ints = ctypes.POINTER(ctypes.c_int)
    comparing_type = ctypes.CFUNCTYPE(ctypes.c_int, ints, ints)
    lib.work_repeat.argtypes = [ctypes.c_int, adding_type]
    lib.work_compare.argtypes = [ctypes.c_int, comparing_type]
    lib.work_swap.argtypes, lib.work_swap.restype = [Point], Point
    lib.work_length.argtypes, lib.work_length.restype = [ctypes.c_char_p], ctypes.c_size_t
    adding = adding_type(lambda a, b: a + b)
    comparing = comparing_type(lambda a, b: a[0] - b[0])
    return lib, adding, comparing, Point(1, 2)


def with_cffi():
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("""
        typedef struct { double x, y; } work_point;
        int work_next(int); int work_repeat(int, int (*)(int, int));
        int work_compare(int, int (*)(const int *, const int *));
        work_point work_swap(work_point); size_t work_length(const char *);
    """)
    adding = ffi.callback("int(int, int)", lambda a, b: a + b)
    comparing = ffi.callback("int(const int *, const int *)", lambda a, b: a[0] - b[0])
    return ffi.dlopen(library), adding, comparing, ffi.new("work_point *", [1, 2])[0]


lib, adding, comparing, point = with_ctypes() if name == "ctypes" else with_cffi()


def call():
    f = lib.work_next
    for i in range(count):
        f(i)


def struct():
    f = lib.work_swap
    for _ in range(count):
        f(point)


def string():
    f = lib.work_length
    for _ in range(count):
        f(b"twelve bytes")


rows = {
    "call": call,
    "callback": lambda: lib.work_repeat(count, adding),
    "struct": struct,
    "string": string,
    "pointers": lambda: lib.work_compare(count, comparing),
}
for row, run in rows.items():
    least = float("inf")
    for _ in range(5):
        start = time.process_time_ns()
        run()
        least = min(least, time.process_time_ns() - start)
    print(f"{name}\t{row}\t{least / count:.2f}")
