"""tests/bindings/story.py: the story of story.md, told in Python."""

import os
import tempfile

import husk
from husk import tracemalloc


class Node(husk.Record):
    value: int
    next: "Node"


def code(action):
    """The name of the status with which action fails."""
    try:
        action()
    except husk.Error as error:
        return error.code
    return "none"


def nodes(heap):
    return heap.census().get("Node", 0)


def tell_counts(heap, shelf):
    a, b, c = (heap.new(Node, value) for value in (1, 2, 3))
    print(f"make: {nodes(heap)} nodes")
    shelf.extend([1, 2.5, "three", True, None])
    print(f"make: the shelf holds {len(shelf)} values")

    print(f"share: a has {husk.getrefcount(a)} reference")
    shelf.append(a)
    print(f"share: on the shelf, {husk.getrefcount(a)}")
    b.next = a
    print(f"share: and in b, {husk.getrefcount(a)}")

    assert shelf.pop() is a
    print(f"count: a has {husk.getrefcount(a)} references")
    del c
    print(f"count: {nodes(heap)} nodes")

    a.next = b
    weak = husk.ref(a, lambda ref: print("weak: a is gone"))
    del a, b
    print(f"cycle: {nodes(heap)} nodes")
    print(f"cycle: a is {weak.state}")

    done = heap.collect()
    print(f"collect: {done.collected} collected")
    print(f"collect: {nodes(heap)} nodes")
    print(f"collect: a is {weak.state}")


def tell_finalizers(heap):
    d = heap.new(Node, 4)
    for which in ("first", "second"):
        husk.Cleanup(d, lambda which=which: print(f"finalizer: {which}"))
    print(f"finalizer: {heap.cleanups()} pending")
    del d
    print(f"finalizer: {heap.cleanups()} pending")


def tell_weak_maps(heap):
    by_key, by_value = husk.WeakKeyMap(heap=heap), husk.WeakValueMap(heap=heap)
    k, v = heap.new(Node, 5), heap.new(Node, 6)
    v.next = k
    by_key[k] = v
    by_value["k"] = k
    print(f"weak map: {len(by_key)} by key, {len(by_value)} by value")
    del k, v
    print(f"weak map: {nodes(heap)} nodes")
    print(f"weak map: {heap.collect().collected} collected")
    print(f"weak map: {len(by_key)} by key, {len(by_value)} by value")


def chain(heap):
    node = None
    for value in range(1, 11):
        node = heap.new(Node, value, node)
    return node


def more(heap):
    node = None
    for value in range(11, 19):
        node = heap.new(Node, value, node)
    return node


def only_nodes(snapshot, **terms):
    return snapshot.filter_traces([tracemalloc.Filter(True, type="Node", **terms)])


def tell_traces(heap):
    tracemalloc.start(4, heap=heap)
    print(f"trace: {'on' if tracemalloc.is_tracing(heap=heap) else 'off'}")
    node = chain(heap)
    place = tracemalloc.get_object_traceback(node)[-1]
    file = os.path.splitext(os.path.basename(place.filename))[0]
    print(f"trace: made in {file}, by {place.function.rpartition('.')[2]}")

    snapshot = tracemalloc.take_snapshot(heap=heap)
    print(f"snapshot: {only_nodes(snapshot).statistics('type')[0].count} nodes")
    by_line = only_nodes(snapshot).statistics("lineno")
    print(f"snapshot: {len(by_line)} line made {by_line[0].count}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "snapshot")
        snapshot.dump(path)
        loaded = tracemalloc.Snapshot.load(path)
    print(f"snapshot: {only_nodes(loaded).statistics('type')[0].count} nodes in the file")

    tracemalloc.mark("half", heap=heap)
    sixth = node
    while sixth.value != 6:
        sixth = sixth.next
    sixth.next = None
    del sixth
    other = more(heap)
    second = tracemalloc.take_snapshot(heap=heap)
    for row in only_nodes(second).compare_to(only_nodes(loaded), "function"):
        print(f"diff: {row.traceback[0].function} {row.count_diff:+d}")
    print(f"diff: {only_nodes(second, since='half').statistics('type').total.count} since the mark")
    tracemalloc.stop(heap=heap)
    print(f"trace: {'on' if tracemalloc.is_tracing(heap=heap) else 'off'}")
    del node, other
    print(f"diff: {nodes(heap)} nodes")


def tell_errors(heap, shelf):
    print("error:", code(lambda: heap.map()["colour"]))
    with husk.Heap("small", max_bytes=400_000) as small:
        numbers = small.list()

        def grow():
            while True:
                numbers.append(0)

        print("error:", code(lambda: shelf.append(numbers)))
        print("error:", code(grow))
    heap.verify()
    print("error: the heap is whole")


def tell():
    heap = husk.Heap("story")
    shelf = heap.list()
    tell_counts(heap, shelf)
    tell_finalizers(heap)
    tell_weak_maps(heap)
    tell_traces(heap)
    tell_errors(heap, shelf)
    heap.close()
    try:
        len(shelf)
    except husk.ClosedError:
        print("close: the shelf is gone")


tell()
