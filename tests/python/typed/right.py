"""What a program with types says: checked with mypy --strict by ../test_stubs.py, and run by it."""

from __future__ import annotations

from typing import Any

import husk
from husk import gc, weakref


class Node(husk.Record):
    value: int
    next: Node | None = None

    def total(self) -> int:
        return self.value + (self.next.total() if self.next is not None else 0)


class Leaf(Node):
    label: str = ""

    def __finalize__(self) -> None:
        gone.append(self.label)


gone: list[str] = []


def objects() -> None:
    one = Node(1)
    two = Node(2, one)
    three = Node(value=3, next=two)
    total: int = three.total()
    assert total == 6
    leaf = Leaf(1, None, "leaf")
    label: str = leaf.label
    del leaf
    assert gone == [label]
    count: int = husk.getrefcount(one)
    assert count == 2


def heaps() -> None:
    with husk.Heap("typed", max_bytes=64 << 20) as heap:
        node: Node = heap.new(Node, 5)
        items: husk.List = heap.list([node, 1, "text"])
        entries: husk.Map = heap.map({"a": node}, b=2)
        entries[1.5] = items
        found: list[Node] = heap.objects(Node)
        assert found == [node] and len(items) == 3 and len(entries) == 3
        figures = heap.collect()
        n: int = figures.collected
        examined, reason = figures.examined, figures.reason
        assert n == 0 and examined > 0 and reason == "call"

        def listener(error: husk.Error) -> None:
            print(error.status)

        heap.on_error = listener
        heap.on_pass(lambda phase, figures: figures.bytes if phase == "stop" else None)
        heap.verify()


def references() -> None:
    node = Node(5)
    reference: weakref.ref[Node] = weakref.ref(node, lambda r: None)
    back = reference()
    assert back is not None
    value: int = back.value
    proxy: Node = weakref.proxy(node)
    assert proxy.total() == value
    method = weakref.WeakMethod(node.total)
    call = method()
    assert call is not None
    again: int = call()
    by_name: weakref.WeakValueDictionary[str, Node] = weakref.WeakValueDictionary(a=node)
    notes: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary({node: "note"})
    note: str = notes[node]
    maybe: str | None = notes.get(node)
    members: weakref.WeakSet[Node] = weakref.WeakSet([node])
    for member in members | weakref.WeakSet([node]):
        again = member.value
    assert by_name["a"] is node and note == maybe and again == 5

    def ended(name: str, *, times: int) -> bytes:
        return name.encode() * times

    end = weakref.finalize(node, ended, "x", times=2)
    result: bytes | None = end()
    assert result == b"xx" and not end.alive
    husk.Cleanup(node, lambda: None).detach()


def collector() -> None:
    def callback(phase: str, info: dict[str, Any]) -> None:
        print(phase, info["collected"])

    gc.callbacks.append(callback)
    gc.callbacks.remove(callback)
    thresholds: tuple[int, int, int] = gc.get_threshold()
    gc.set_threshold(*thresholds)
    found: int = gc.collect()
    stats: list[dict[str, int]] = gc.get_stats()
    assert found >= 0 and len(stats) == 3


objects()
heaps()
references()
collector()
