"""tests/bindings/story.py: the story of story.md, told in Python."""

import husk


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
    tell_errors(heap, shelf)
    heap.close()
    try:
        len(shelf)
    except husk.ClosedError:
        print("close: the shelf is gone")


tell()
