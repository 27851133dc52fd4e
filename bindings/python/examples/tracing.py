"""Tracing: who asked for the bytes.

While tracing is on, each object and buffer notes the line that made it. Here a list of a million integers is made, a
snapshot is taken, and the five lines with the most bytes are printed as
    file:line: size=..., count=..., average=...
The integers stand in the list's one buffer, 16 bytes each; the other lines are there to be compared with.
"""

import husk
from husk import tracemalloc


class Point(husk.Record):
    x: int
    y: int


tracemalloc.start()

numbers = husk.List()
for i in range(1, 1_000_001):
    numbers.append(i)

points = husk.List()
for i in range(1, 1001):
    points.append(Point(i, -i))

names = husk.Map()
for i in range(1, 101):
    names[f"name {i}"] = i

snapshot = tracemalloc.take_snapshot()
top = snapshot.statistics("lineno")
print("Top 5 lines")
for stat in top[:5]:
    print(stat)

# The same by type; and what tracing itself has taken.
print("By type")
objects = snapshot.filter_traces([tracemalloc.Filter(True, kind="object")])
for stat in objects.statistics("type")[:3]:
    print(stat)
figures = tracemalloc.figures()
assert figures.bytes == top.total.size
print(f"{figures.places} places, {figures.bytes} bytes traced")
