"""What the tests of husk.tracemalloc share."""

import os
import tempfile

import husk
from husk import tracemalloc
from support import Case


class Node(husk.Record):
    value: object
    next: object


def make(heap, count=1):
    made = []
    for i in range(count):
        made.append(heap.new(Node, i))
    return made


def compiled(source, filename="<compiled>", **names):
    exec(compile(source, filename, "exec"), names)
    return names


NODE = 48  # bytes


class Traced(Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "snapshot")

    def tearDown(self):
        husk.tracemalloc.stop()
        tracemalloc.stop(heap=tracemalloc.process)
        self.folder.cleanup()
        super().tearDown()

    def start(self, *args, **named):
        tracemalloc.start(*args, heap=self.heap, **named)

    def take(self, **named):
        return tracemalloc.take_snapshot(heap=self.heap, **named)

    def rows(self, stats):
        return {stat.name: (stat.size, stat.count) for stat in stats}
