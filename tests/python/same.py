"""The same scenario told to the standard modules (objects: instances of a plain class) and to husk's (records).

A scenario is a function that is given a World and returns what it has seen. KNOWN names those that see something else,
with the title in docs/python-differences.md that says why.
"""

import builtins
import contextlib
import functools
import gc
import sys
import tracemalloc
import weakref

import husk


class Behaviour:
    """What objects of both kinds can do."""

    __slots__ = ()

    def method(self):
        return ("method", self.value)

    def other(self):
        return ("other", self.value)

    def __str__(self):
        return f"str of {self.value}"

    def __bytes__(self):
        return b"bytes"


class Container:
    """Mixed in: a container whose items are in value."""

    __slots__ = ()

    def __len__(self):
        return len(self.value)

    def __contains__(self, x):
        return x in self.value

    def __getitem__(self, key):
        return self.value[key]

    def __setitem__(self, key, x):
        self.value[key] = x

    def __delitem__(self, key):
        del self.value[key]

    def __iter__(self):
        return iter(list(self.value))

    def __reversed__(self):
        return reversed(list(self.value))


class Number:
    """Mixed in: a number, which is in value."""

    __slots__ = ()

    def __bool__(self):
        return self.value != 0

    def __int__(self):
        return self.value

    def __float__(self):
        return float(self.value)

    def __index__(self):
        return self.value

    def __neg__(self):
        return -self.value

    def __pos__(self):
        return +self.value

    def __abs__(self):
        return abs(self.value)

    def __invert__(self):
        return ~self.value

    def __eq__(self, other):
        return self.value == number(other)

    def __lt__(self, other):
        return self.value < number(other)

    def __le__(self, other):
        return self.value <= number(other)

    def __gt__(self, other):
        return self.value > number(other)

    def __ge__(self, other):
        return self.value >= number(other)

    def __hash__(self):
        return hash(self.value)


def number(x):
    return x.value if isinstance(x, Number) else x


def _arithmetic():
    def both(call):
        return lambda self, other: call(self.value, number(other)), lambda self, other: call(number(other), self.value)

    import operator
    for name in "add sub mul matmul truediv floordiv mod lshift rshift and_ or_ xor".split():
        short = name.rstrip("_")
        call = getattr(operator, name) if name != "matmul" else lambda a, b: ("matmul", a, b)
        ahead, mirrored = both(call)
        setattr(Number, f"__{short}__", ahead)
        setattr(Number, f"__r{short}__", mirrored)
    Number.__divmod__, Number.__rdivmod__ = both(divmod)
    Number.__pow__ = lambda self, other, modulus=None: pow(self.value, number(other), modulus)
    Number.__rpow__ = both(pow)[1]


_arithmetic()


class Callable:
    """Mixed in: can be called."""

    __slots__ = ()

    def __call__(self, *args, **named):
        return self.value, args, named


class Walker:
    """Mixed in: is an iterator, which counts in value."""

    __slots__ = ()

    def __iter__(self):
        return self

    def __next__(self):
        self.value -= 1
        if self.value < 0:
            raise StopIteration
        return self.value


class Plain(Behaviour):
    """An object of Python's. Slots, as an instance may count as two objects if it has a __dict__."""

    __slots__ = ("value", "next", "__weakref__")

    def __init__(self, value=None, next=None):
        self.value = value
        self.next = next


class Ending(Plain):
    """Has a finalizer: value is called with the object."""

    __slots__ = ()

    def __del__(self):
        self.value(self)


class Record(Behaviour, husk.Record):
    value: object
    next: object


class EndingRecord(Record):
    def __finalize__(self):
        self.value(self)


def _derived(plain, record):
    made = []
    for mixed in (Container, Number, Callable, Walker):
        made.append((type("Plain" + mixed.__name__, (mixed, plain), {"__slots__": ()}),
                     type(record)("Record" + mixed.__name__, (mixed, record), {})))
    return made


(PlainContainer, RecordContainer), (PlainNumber, RecordNumber), (PlainCallable, RecordCallable), \
    (PlainWalker, RecordWalker) = _derived(Plain, Record)


def _sized():
    """Record classes by the bytes that an object of theirs takes."""
    found = {}
    husk.tracemalloc.start()
    for n in (2, 4, 6, 8, 12, 16, 20, 24, 32, 40):
        kind = type(husk.Record)(f"Sized{n}", (husk.Record,), {"__annotations__": {f"x{i}": object for i in range(n)}})
        before = husk.tracemalloc.figures().bytes
        one = kind()
        found[husk.tracemalloc.figures().bytes - before] = kind
        del one
    husk.tracemalloc.stop()
    return found


SIZED = _sized()
SIZES = sorted(SIZED)


class World:
    folder = "/scenario/"

    def program(self, **sources):
        """The names that some sources define together, each compiled as the file of its name in `folder`. In them make0(),
        make1() ... make a thing of SIZES[0] bytes and so on, and nothing else."""
        names = {f"make{i}": make for i, make in enumerate(self.makes)}
        for name, source in sources.items():
            exec(compile(source, f"{self.folder}{name}.py", "exec"), names)
        return names

    @contextlib.contextmanager
    def tracing(self, *args, **named):
        self.tracemalloc.start(*args, **named)
        try:
            yield
        finally:
            self.tracemalloc.stop()

    def snapshot(self):
        """Of what programs have made."""
        return self.tracemalloc.take_snapshot().filter_traces([self.tracemalloc.Filter(True, self.folder + "*")])

    def fails(self, call, *args, **named):
        """Which of the builtin exceptions it is; what it gives, if it does not fail."""
        try:
            return ("gives", call(*args, **named))
        except BaseException as error:
            return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == builtins.__name__)

    def says(self, call, *args, **named):
        """The text of its exception."""
        try:
            return ("gives", call(*args, **named))
        except BaseException as error:
            return str(error)

    def unraisable(self, call):
        """What sys.unraisablehook is given while it runs."""
        seen, hook = [], sys.unraisablehook
        sys.unraisablehook = lambda args: seen.append((type(args.exc_value).__name__, str(args.exc_value)))
        try:
            call()
        finally:
            sys.unraisablehook = hook
        return seen


class Standard(World):
    name = "standard"
    tracemalloc = tracemalloc
    makes = [functools.partial(bytes, size - sys.getsizeof(b"")) for size in SIZES]
    weakref = weakref
    gc = gc
    Node, Ending, Container, Number, Callable, Walker = (
        Plain, Ending, PlainContainer, PlainNumber, PlainCallable, PlainWalker)


class Husk(World):
    name = "husk"
    tracemalloc = husk.tracemalloc
    makes = [SIZED[size] for size in SIZES]
    weakref = husk.weakref
    gc = husk.gc
    Node, Ending, Container, Number, Callable, Walker = (
        Record, EndingRecord, RecordContainer, RecordNumber, RecordCallable, RecordWalker)


STANDARD, HUSK = Standard(), Husk()


def scenarios(namespace):
    """The functions of a module whose name begins with `scenario_`, by the rest of it."""
    return {name[len("scenario_"):]: call for name, call in namespace.items() if name.startswith("scenario_")}


def compare(case, told, known):
    """Runs each scenario in both worlds. Those of `known` must differ, all others agree."""
    for name, call in told.items():
        with case.subTest(scenario=name):
            gc.collect()
            standard = call(STANDARD)
            gc.collect()
            husk.gc.collect()
            ours = call(HUSK)
            if name in known:
                case.assertNotEqual(standard, ours, f"{name} is listed as a difference")
            else:
                case.assertEqual(standard, ours)
    case.assertEqual(set(known) - set(told), set())


def told(stats):
    """What statistics of traces say."""
    return [(str(x), x.size, x.count, [(f.filename, f.lineno) for f in x.traceback]) for x in stats]


def places(traceback):
    """The frames of programs, whatever called them."""
    return None if traceback is None else [(f.filename, f.lineno) for f in traceback if f.filename.startswith("/scenario/")]


@contextlib.contextmanager
def listening(w, *added):
    """With these in gc.callbacks, behind those that are there."""
    before = list(w.gc.callbacks)
    w.gc.callbacks.extend(added)
    try:
        yield
    finally:
        w.gc.callbacks[:] = before
