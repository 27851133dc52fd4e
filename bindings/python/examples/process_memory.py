"""Process memory: what the system sees of this program, and where it went.

Prints
    Memory usage: N MB
with N as psutil's memory_info().rss / 1024 ** 2 would give it: the memory that is resident now. Then a list of
100,000 boxes is made and dropped. The system's figure rises with it and does not fall at once: the balance sheet says
what is alive, and what is free and only kept for later; giving it back brings the figure down.
"""

import contextlib

import husk
from husk import memory


def megabytes(size):
    return f"{size / 1024 ** 2:.2f} MB"


# The article's line. Nothing is between the question and the answer.
print("Memory usage: " + megabytes(memory.memory_info().rss))


def show(what):
    """Where it is: rows that add up to the resident memory, to the byte."""
    sheet = memory.balance()
    alive = sum(row.bytes for row in sheet.rows if row.name in ("live objects", "buffers"))
    free = sum(row.bytes for row in sheet.rows if row.name in ("free blocks", "spare pages"))
    assert sum(row.bytes for row in sheet.rows) == sheet.rss
    print(f"{what:<18} resident {megabytes(sheet.rss):>9}, alive in the heap {megabytes(alive):>8}, "
          f"free and kept {megabytes(free):>8}: {sheet.verdict}")


def give_back():
    """What heaps keep for later, and what Python itself has freed, where the C library can give it back."""
    husk.default.trim()
    with contextlib.suppress(husk.MissingError):
        memory.trim()


give_back()  # what starting Python has left
show("At the start:")
boxes = husk.List(object() for _ in range(100_000))  # what is no value of the heap's own is kept in a box
show("With 100000 boxes:")
boxes = None
show("Dropped:")
give_back()
show("Given back:")
