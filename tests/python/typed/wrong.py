"""Each line with a mark is a mistake that mypy finds, and no other line is. `dataclass`: found by versions that know
typing.dataclass_transform (mypy 1.1)."""

from __future__ import annotations

import husk
from husk import gc, weakref


class Node(husk.Record):
    value: int
    next: Node | None = None


heap = husk.Heap()
Node("text")  # wrong: dataclass
Node()  # wrong: dataclass
Node(1, nothing=2)  # wrong: dataclass
heap.new(Node, "text")  # wrong: dataclass
heap.new(int, 5)  # wrong
node = Node(1)
node.value = "text"  # wrong
node.next = 5  # wrong
node.nothing  # wrong
husk.Heap(stress=1, colour=2)  # wrong
heap.on_error = 5  # wrong
heap.name = "other"  # wrong
heap.collect(1)  # wrong
husk.getrefcount("text")  # wrong
weakref.ref(5)  # wrong
weakref.ref(node)().value  # wrong
weakref.finalize(node, len)  # wrong
weakref.finalize(5, print)  # wrong
weakref.WeakSet([5])  # wrong
gc.collect("all")  # wrong
gc.set_threshold()  # wrong
gc.callbacks.append(5)  # wrong
