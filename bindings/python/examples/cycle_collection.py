"""Cycle collection: two nodes that hold each other outlive their last name, until a pass finds them.

Prints that the list of garbage is empty before and after, as it should be: it holds only what was kept on purpose
(Heap.set_save_all). And then what happened meanwhile: objects before and after, how many the pass collected, and that
their finalizers ran and the weak reference ended.
"""

import husk

finalized = 0


class Node(husk.Record):
    value: int
    next: "Node"

    def __finalize__(self):
        global finalized
        finalized += 1


one, two = Node(1), Node(2)
one.next, two.next = two, one
weak = husk.ref(one)

del one, two  # the handles go; now each node is held by the other alone

heap = husk.default
before = heap.census()["Node"]
print("Unreachable objects before garbage collection:", heap.garbage_count())
done = heap.collect()
print("Unreachable objects after garbage collection:", heap.garbage_count())

print("Nodes alive before:", before)
print("Nodes alive after:", heap.census().get("Node", 0))
print("Objects collected:", done.collected)
print("Finalizers run:", finalized)
print("Weak references cleared:", done.weak_cleared)
assert done.finalized == finalized and weak() is None
