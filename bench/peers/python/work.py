"""work.py ROW SIZE SAMPLES: the work as one writes it in Python; peers/work says what each row does.

An object is an instance with __slots__, two references and an integer. Where the work is about finding garbage the
automatic collector is off, as in the other systems."""

import gc
import sys
import weakref
from array import array
from time import perf_counter_ns as now, thread_time_ns


class Node:
    __slots__ = ("a", "b", "number", "__weakref__")

    def __init__(self, number):
        self.a = self.b = None
        self.number = number


class Branch:
    __slots__ = ("left", "right", "parent", "number")

    def __init__(self, number):
        self.left = self.right = self.parent = None
        self.number = number


MASK = 0xFFFFFFFF
state = 42


def below(limit):
    """Marsaglia's xorshift of 32 bits, as everywhere."""
    global state
    x = state
    x ^= x << 13 & MASK
    x ^= x >> 17
    x ^= x << 5 & MASK
    state = x
    return x * limit >> 32


def figure(name, value):
    print(f"{name} {value:.4f}")


def sample(name, ns, operations):
    figure(name, ns / operations)


def print_sum(total):
    print(f"sum {total & MASK}")


def field(name):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    raise AssertionError(name)


# ---- the graph ----


def shuffled(count):
    order = array("I", bytes(4 * count))
    for i in range(count):
        j = below(i + 1)
        order[i] = order[j]
        order[j] = i
    return order


def plan(count):
    out = array("I", bytes(8 * count))
    slot = array("I", bytes(8 * count))
    slots, rooted = 0, False
    order = shuffled(count)
    root = order[0]
    for i in range(count):
        number = order[i]
        if i > 0:
            pick = below(slots)
            out[slot[pick]] = number
            slots -= 1
            slot[pick] = slot[slots]
        slot[slots] = 2 * number
        slot[slots + 1] = 2 * number + 1
        slots += 2
    while slots > 0:
        slots -= 1
        place = slot[slots]
        source, to = place >> 1, root
        if rooted or source == root:
            to = below(count)
            while to == source:
                to = below(count)
        rooted = rooted or to == root
        out[place] = to
    return out, root


def age(at, out, count):
    start = array("I", bytes(4 * count + 4))
    into = array("I", bytes(8 * count))
    done = array("I", bytes(4 * count))
    for to in out:
        start[to + 1] += 1
    for i in range(count):
        start[i + 1] += start[i]
    for edge, to in enumerate(out):
        into[start[to] + done[to]] = edge
        done[to] += 1
    for _ in range(3):
        for i in shuffled(count):
            fresh = Node(i)
            fresh.a = at[out[2 * i]]
            fresh.b = at[out[2 * i + 1]]
            for e in range(start[i], start[i + 1]):
                edge = into[e]
                if edge & 1:
                    at[edge >> 1].b = fresh
                else:
                    at[edge >> 1].a = fresh
            at[i] = fresh


def build(count, aged):
    out, root = plan(count)
    at = [Node(i) for i in range(count)]
    for i, o in enumerate(at):
        o.a = at[out[2 * i]]
        o.b = at[out[2 * i + 1]]
    if aged:
        age(at, out, count)
    return at, at[root]


def graph_sum(root, count):
    found, marked, total = [root], bytearray(count), 0
    marked[root.number] = 1
    for o in found:
        total = total * 31 + o.number & MASK
        for to in (o.a, o.b):
            if not marked[to.number]:
                marked[to.number] = 1
                found.append(to)
    assert len(found) == count, "the root holds all objects"
    return total


def alive(name, size, samples, held=False, aged=False):
    gc.disable()
    at, root = build(size, aged)
    if not held:
        del at
    for s in range(samples + 1):
        start = now()
        collected = gc.collect()
        ns = now() - start
        assert s == 0 or collected == 0, "nothing of the living graph is collected"
        if s:
            sample(name, ns, size)
    if held:
        assert all(o.number == i for i, o in enumerate(at))
    print_sum(graph_sum(root, size))


def held(size, samples):
    alive("held", size, samples, held=True)


def live(size, samples):
    alive("live", size, samples)


def aged(size, samples):
    alive("aged", size, samples, aged=True)


# ---- garbage ----


def make_pairs(count):
    total = 0
    for i in range(0, count, 2):
        one, other = Node(i), Node(i + 1)
        one.a = other
        total = total * 31 + one.number + other.number & MASK
        other.a = one
    return total


def make_circle(count):
    total = 0
    first = last = Node(0)
    for i in range(1, count):
        o = Node(i)
        total = total * 31 + o.number & MASK
        o.a = last
        last = o
    first.a = last
    return total


def garbage(name, make, size, samples):
    gc.disable()
    gc.collect()
    count, total = size // 2 * 2, 0
    for s in range(samples + 1):
        total = make(count)
        start = now()
        collected = gc.collect()
        ns = now() - start
        assert collected == count, "the garbage is collected"
        if s:
            sample(name, ns, count)
    print_sum(total)


def pairs(size, samples):
    garbage("pairs", make_pairs, size, samples)


def circle(size, samples):
    garbage("circle", make_circle, size, samples)


# ---- trees, churn ----


class Grower:
    def __init__(self):
        self.total = self.number = 0

    def grow(self, depth):
        t = Branch(self.number)
        self.number += 1
        self.total = self.total * 31 + t.number & MASK
        if depth:
            t.left = child = self.grow(depth - 1)
            child.parent = t
            t.right = child = self.grow(depth - 1)
            child.parent = t
        return t


def walk(t, total):
    total = total * 31 + t.number & MASK
    for child in (t.left, t.right):
        if child:
            assert child.parent is t
            total = walk(child, total)
    return total


def trees(size, samples):
    before = field("VmRSS")
    first, grower = Grower(), Grower()
    kept = first.grow(size)
    start = now()
    for _ in range(20):
        grower.grow(size)
    gc.collect()
    ns = now() - start
    sample("trees", ns, grower.number)
    figure("trees_peak", field("VmHWM") - before)
    assert grower.number == 20 * first.number
    print_sum(walk(kept, grower.total))


def churn(size, samples):
    before = field("VmRSS")
    root = build(size, False)[1]
    total = 0
    start = now()
    for i in range(0, 10 * size, 2):
        one, other = Node(i), Node(i + 1)
        one.a = other
        total = total * 31 + one.number + other.number & MASK
        other.a = one
    ns = now() - start
    sample("churn", ns, 10 * size)
    figure("churn_peak", field("VmHWM") - before)
    print_sum(total + graph_sum(root, size))


def pauses(size, samples):
    root = build(size, False)[1]
    total, longest = 0, 0
    last = thread_time_ns()
    for i in range(0, 10 * size, 2):
        one, other = Node(i), Node(i + 1)
        one.a = other
        total = total * 31 + one.number + other.number & MASK
        other.a = one
        if i % 32 == 30:
            time = thread_time_ns()
            longest = max(longest, time - last)
            last = time
    figure("pauses", longest / 1e6)
    print_sum(total + graph_sum(root, size))


# ---- births, lists ----


def birth(size, samples):
    gc.disable()
    for s in range(samples + 1):
        total = 0
        start = now()
        for i in range(size):
            o = Node(i)
            total += o.number
            del o
        ns = now() - start
        if s:
            sample("birth", ns, size)
    print_sum(total)


def ring(size, samples):
    gc.disable()
    places = [Node(0) for _ in range(1000)]
    turns = (size + 999) // 1000
    for s in range(samples + 1):
        total = 0
        start = now()
        for _ in range(turns):
            for i in range(1000):
                total += places[i].number
                places[i] = Node(i)
        ns = now() - start
        if s:
            sample("ring", ns, turns * 1000)
    print_sum(total)


def list_(size, samples):
    gc.disable()
    for s in range(samples + 1):
        head = None
        start = now()
        for i in range(size):
            o = Node(i)
            o.a = head
            head = o
        built = now() - start
        total = 0
        while o:
            total = total * 31 + o.number & MASK
            o = o.a
        start = now()
        head = None
        dropped = now() - start
        if s:
            sample("list_build", built, size)
            sample("list_drop", dropped, size)
    print_sum(total)


def bytes_(size, samples):
    gc.disable()
    before, head, total = field("VmRSS"), None, 0
    for i in range(size):
        o = Node(i)
        o.a = head
        head = o
    figure("bytes", (field("VmRSS") - before) / size)
    gc.collect()
    figure("bytes_after", (field("VmRSS") - before) / size)
    while o:
        total = total * 31 + o.number & MASK
        o = o.a
    print_sum(total)


# ---- weak references ----


def lock_all(weaks):
    total = 0
    for w in weaks:
        total = total * 31 + w().number & MASK
    return total


def weak_new(size, samples):
    gc.disable()
    ref, weaks = weakref.ref, [None] * size
    for s in range(samples + 1):
        objects = [Node(i) for i in range(size)]
        start = now()
        for i in range(size):
            weaks[i] = ref(objects[i])
        ns = now() - start
        if s:
            sample("weak_new", ns, size)
        total = lock_all(weaks)
        del objects
        assert not any(w() for w in weaks)
    print_sum(total)


def lock(name, size, samples, alive):
    gc.disable()
    objects = [Node(i) for i in range(64)]
    weaks = [weakref.ref(o) for o in objects]
    if not alive:
        del objects
    turns = (size + 63) // 64
    for s in range(samples + 1):
        total = 0
        start = now()
        for _ in range(turns):
            for w in weaks:
                o = w()
                if o is not None:
                    total += o.number + 1
        ns = now() - start
        o = None
        if s:
            sample(name, ns, turns * 64)
    print_sum(total)


def weak_lock(size, samples):
    lock("weak_lock", size, samples, True)


def weak_dead(size, samples):
    lock("weak_dead", size, samples, False)


def weak_gone(size, samples):
    gc.disable()
    called = 0

    def on_gone(weak):
        nonlocal called
        called += 1

    for s in range(samples + 1):
        called = 0
        objects = [Node(i) for i in range(size)]
        weaks = [weakref.ref(o, on_gone) for o in objects]
        start = now()
        del objects
        ns = now() - start
        assert called == size and not weaks[0]()
        if s:
            sample("weak_gone", ns, size)
    print_sum(size)


ROWS = {
    f.__name__.rstrip("_"): f
    for f in (held, live, aged, pairs, circle, trees, churn, pauses, birth, ring, list_, bytes_, weak_new, weak_lock,
              weak_dead, weak_gone)
}


def main():
    if sys.argv[1:] == ["--list"]:
        print(f"Python {sys.version.split()[0]}", *ROWS, sep="\n")
        return
    name, size, samples = sys.argv[1:]
    sys.setrecursionlimit(10000)
    ROWS[name](int(size), int(samples))


main()
