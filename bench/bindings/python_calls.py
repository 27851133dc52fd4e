"""What a call from Python costs: the package husk beside python_plain, a module by hand for the same library, in
rounds that alternate, so that both meet the same moods of the machine. Prints for each call the least time of both, and
the least and the median of the rounds' ratios; the least time of ctypes (and cffi, if there) doing the same is beside
them. With an argument only so many rounds, for a test."""

import ctypes
import gc
import os
import statistics
import sys
import time

import husk
import python_plain

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 41
QUICK = "BENCH_QUICK" in os.environ
EACH = 2000 if QUICK else 100000
GOAL = 1.5


class Node(husk.Record):
    value: int
    next: "Node"
    other: object


class System:
    def __init__(self, new):
        self.new = new
        self.node, self.one, self.two = new(1), new(2), new(3)
        self.node.next = self.one
        self.chain = None


def getter(s):
    node = s.node
    for _ in range(EACH):
        node.value


def get(s):
    node = s.node
    for _ in range(EACH):
        node.next


def long_chain(s):
    s.chain = s.new()
    for i in range(EACH // 10):
        s.chain = s.new(i, s.chain)


def get_new(s):
    node = s.chain
    for _ in range(EACH // 10):
        node = node.next


def set_integer(s):
    node = s.node
    for _ in range(EACH):
        node.value = 7


def set_object(s):
    node, one, two = s.node, s.one, s.two
    for _ in range(EACH // 2):
        node.next = one
        node.next = two


def new_empty(s):
    new = s.new
    for _ in range(EACH):
        new()


def new_two(s):
    new, next = s.new, s.one
    for _ in range(EACH):
        new(7, next)


CALLS = [
    ("getter (an integer field)", getter, None, EACH),
    ("get (an object with a handle)", get, None, EACH),
    ("get (one without a handle)", get_new, long_chain, EACH // 10),
    ("set (an integer)", set_integer, None, EACH),
    ("set (an object)", set_object, None, EACH),
    ("new (empty), and its end", new_empty, None, EACH),
    ("new (two fields), and its end", new_two, None, EACH),
]


def clock(call, before, count, system):
    if before:
        before(system)
    start = time.perf_counter_ns()
    call(system)
    took = time.perf_counter_ns() - start
    system.chain = None
    return took / count


def loop():
    """What the loop itself costs, in all of the figures."""
    start = time.perf_counter_ns()
    for _ in range(EACH):
        pass
    return (time.perf_counter_ns() - start) / EACH


# ---- the same through ctypes and cffi: a getter, an object, a set and a birth by flat calls ----


class Value(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_uint64), ("i", ctypes.c_int64)]


def library_path():
    with open("/proc/self/maps") as maps:
        return next(line.split()[-1] for line in maps if "libhusk.so" in line)


def by_ctypes():
    lib = ctypes.CDLL(library_path())
    pointer = ctypes.c_void_p
    lib.husk_heap_new.argtypes = [pointer, ctypes.POINTER(pointer)]
    lib.husk_record_new.argtypes, lib.husk_record_new.restype = [pointer, pointer], pointer
    lib.husk_record_peek.argtypes = [pointer, ctypes.c_size_t, ctypes.POINTER(Value)]
    lib.husk_record_set.argtypes = [pointer, ctypes.c_size_t, Value]
    lib.husk_record_type.argtypes = [ctypes.c_char_p, pointer, ctypes.c_size_t, pointer, pointer, ctypes.POINTER(pointer)]
    heap, record = pointer(), pointer()
    names = (ctypes.c_char_p * 3)(b"value", b"next", b"other")
    assert lib.husk_heap_new(None, ctypes.byref(heap)) == 0
    assert lib.husk_record_type(b"Node", names, 3, None, None, ctypes.byref(record)) == 0
    node = lib.husk_record_new(heap, record)
    out, seven = Value(), Value(2, 7)
    place = ctypes.byref(out)
    return {
        "getter": lambda: (lib.husk_record_peek(node, 0, place), out.i),
        "set": lambda: lib.husk_record_set(node, 0, seven),
    }


def by_cffi():
    try:
        import cffi
    except ImportError:
        return None
    ffi = cffi.FFI()
    ffi.cdef("""
        typedef struct { uint64_t tag; int64_t i; } value;
        int husk_heap_new(void *options, void **out);
        int husk_record_type(const char *name, const char *const *fields, size_t count, void *finalize, void *data,
                             void **out);
        void *husk_record_new(void *heap, void *type);
        int husk_record_peek(void *record, size_t field, value *out);
        int husk_record_set(void *record, size_t field, value v);
    """)
    lib = ffi.dlopen(library_path())
    heap, record = ffi.new("void **"), ffi.new("void **")
    kept = [ffi.new("char[]", name) for name in (b"value", b"next", b"other")]
    names = ffi.new("const char *[]", kept)
    assert lib.husk_heap_new(ffi.NULL, heap) == 0
    assert lib.husk_record_type(b"Node", names, 3, ffi.NULL, ffi.NULL, record) == 0
    node = lib.husk_record_new(heap[0], record[0])
    out, seven = ffi.new("value *"), ffi.new("value *", (2, 7))
    return {
        "getter": lambda: (lib.husk_record_peek(node, 0, out), out.i),
        "set": lambda: lib.husk_record_set(node, 0, seven[0]),
    }


def foreign():
    for name, calls in (("ctypes", by_ctypes()), ("cffi, ABI mode", by_cffi())):
        if not calls:
            print("no %s: it is not installed" % name)
            continue
        parts = []
        for what, call in calls.items():
            least = float("inf")
            for _ in range(min(ROUNDS, 11)):
                start = time.perf_counter_ns()
                for _ in range(EACH // 10):
                    call()
                least = min(least, (time.perf_counter_ns() - start) / (EACH // 10))
            parts.append("%s %.0f" % (what, least))
        print("%s, ns a call by way of a function: %s" % (name, ", ".join(parts)))


def main():
    systems = System(Node), System(python_plain.Node)
    gc.collect()
    gc.disable()  # births of husk's handles are seen by the collector, those by hand are not
    print("%-32s %9s %9s %9s %9s" % ("ns a call", "husk", "by hand", "least", "median"))
    worst = 0.0
    for name, call, before, count in CALLS:
        least, ratios = [float("inf")] * 2, []
        for number in range(ROUNDS):
            took = [0.0, 0.0]
            for i in range(2):
                which = (i + number) % 2
                took[which] = clock(call, before, count, systems[which])
                least[which] = min(least[which], took[which])
            ratios.append(took[0] / took[1])
        worst = max(worst, statistics.median(ratios))
        print("%-32s %9.1f %9.1f %9.2f %9.2f" % (name, *least, min(ratios), statistics.median(ratios)))
    print("the loop alone: %.1f" % min(loop() for _ in range(ROUNDS)))
    foreign()

    requests = husk.memory_requests()
    node, one, two = systems[0].node, systems[0].one, systems[0].two
    for _ in range(10000):
        node.next = one
        node.next = two
        node.next
    assert husk.memory_requests() == requests, "retain and release ask for no memory"
    if not QUICK:  # quick runs judge nothing
        print("goal: at most %.1f times by hand; the worst median is %.2f" % (GOAL, worst))


main()
