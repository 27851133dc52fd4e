"""husk.tracemalloc: groups of things, counted by the library (Snapshot.statistics)."""

import collections as _collections
import operator as _operator

from husk._traces import Traceback as _Traceback
from husk._traces import _size_text

# The names of groupings here, and the library's. The first three are those of tracemalloc.
_KEY_TYPES = {
    "traceback": "traceback", "filename": "file", "lineno": "line", "function": "function", "type": "type", "tag": "tag",
    "domain": "domain", "thread": "thread", "size": "class", "age": "age", "mark": "mark", "kind": "kind",
}
_CUMULATIVE_TYPES = ("filename", "lineno", "function")

Lifetimes = _collections.namedtuple(
    "Lifetimes", "born born_bytes died died_bytes temporary peak peak_bytes")
Lifetimes.__doc__ = """What the tracer has seen of a place since the start: things made and gone, and their bytes; how many died
before the next one was made; and what was alive when the heap's traced bytes were at their highest."""


class Statistic:
    """A group: traceback, size and count of what is alive. name is None where places are grouped, else what the group is."""

    __slots__ = ("traceback", "size", "count", "name", "lifetimes")

    def __init__(self, traceback, size, count, *, name=None, lifetimes=None):
        self.traceback = traceback
        self.size = size
        self.count = count
        self.name = name
        self.lifetimes = lifetimes

    def __eq__(self, other):
        if not isinstance(other, Statistic):
            return NotImplemented
        return (self.traceback == other.traceback and self.size == other.size and self.count == other.count
                and self.name == other.name)

    def __hash__(self):
        return hash((self.traceback, self.size, self.count))

    def __str__(self):
        text = (f"{self.traceback if self.name is None else self.name}: size={_size_text(self.size, False)}, "
                f"count={self.count}")
        if self.count:
            text += f", average={_size_text(self.size / self.count, False)}"
        return text

    def __repr__(self):
        return f"<Statistic traceback={self.traceback!r} size={self.size} count={self.count}>"


class StatisticDiff:
    """A group of two snapshots: size and count in the new one, and the differences from the old one."""

    __slots__ = ("traceback", "size", "size_diff", "count", "count_diff", "name", "lifetimes")

    def __init__(self, traceback, size, size_diff, count, count_diff, *, name=None, lifetimes=None):
        self.traceback = traceback
        self.size = size
        self.size_diff = size_diff
        self.count = count
        self.count_diff = count_diff
        self.name = name
        self.lifetimes = lifetimes

    def __eq__(self, other):
        if not isinstance(other, StatisticDiff):
            return NotImplemented
        return (self.traceback == other.traceback and self.size == other.size and self.size_diff == other.size_diff
                and self.count == other.count and self.count_diff == other.count_diff and self.name == other.name)

    def __hash__(self):
        return hash((self.traceback, self.size, self.size_diff, self.count, self.count_diff))

    def __str__(self):
        text = (f"{self.traceback if self.name is None else self.name}: size={_size_text(self.size, False)} "
                f"({_size_text(self.size_diff, True)}), count={self.count} ({self.count_diff:+d})")
        if self.count:
            text += f", average={_size_text(self.size / self.count, False)}"
        return text

    def __repr__(self):
        return (f"<StatisticDiff traceback={self.traceback!r} size={self.size} ({self.size_diff:+d}) count={self.count} "
                f"({self.count_diff:+d})>")


class Statistics(list):
    """A list of Statistic or StatisticDiff, the greatest first, which knows its sums."""

    __slots__ = ("_stats", "_places")

    @classmethod
    def _of(cls, stats, places, top):
        made = cls()
        made._stats = stats
        made._places = places
        count = len(stats) if top is None else min(len(stats), max(_operator.index(top), 0))
        for i in range(count):
            made.append(made._made(stats.row(i), i))
        return made

    def _made(self, row, index=None, name=None):
        given, size, count, size_diff, count_diff, frames, total, recorded = row
        if name is None and not self._places:
            name = self._stats.key(index)
        if frames is None:
            frames = ((name, 0),)
        lifetimes = None if recorded is None else Lifetimes._make(recorded)
        if self._stats.is_comparison():
            return StatisticDiff(_Traceback(frames, total), size, size_diff, count, count_diff, name=name,
                                 lifetimes=lifetimes)
        return Statistic(_Traceback(frames, total), size, count, name=name, lifetimes=lifetimes)

    @property
    def total(self):
        """All things together, each once, also if the statistics are cumulative."""
        return self._made(self._stats.total(), name="total")

    def rest(self, first):
        """The sum of the groups from number first on, those that `top` left out too; None if there are none."""
        first = _operator.index(first)
        if first < 0:
            raise ValueError(f"first is {first}: 0 or more expected")
        left = len(self._stats) - first
        return self._made(self._stats.rest(first), name=f"{left} other") if left > 0 else None

    def format(self, top=10):
        """A list of lines: the first groups, the sum of the others, the total."""
        lines = [str(stat) for stat in self[:top]]
        rest = self.rest(len(lines))
        if rest is not None:
            lines.append(str(rest))
        lines.append(str(self.total))
        return lines

    def __reduce_ex__(self, protocol):
        return list, (list(self),)
