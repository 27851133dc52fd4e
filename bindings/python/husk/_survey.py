"""Dry runs, hidden references and finding leaks: what husk.gc has beyond the standard module."""

import operator as _operator
from typing import NamedTuple as _NamedTuple

from husk import _core

__all__ = ["CensusObject", "CensusRow", "DryRun", "DryStep", "Hidden", "Leaks"]


class CensusRow(_NamedTuple):
    """Objects of one type, or of one type and place."""

    type: str
    place: str | None
    objects: int
    bytes: int
    references: int


class CensusObject(_NamedTuple):
    """One object, by address: it may be gone. follower: no garbage itself, but only garbage holds it."""

    address: int
    type: str
    place: str | None
    bytes: int
    references: int
    follower: bool


class DryStep(_NamedTuple):
    """Code that would run: kind is "finalizer", "callback" or "cleanup", for the death of the object at address."""

    kind: str
    type: str
    address: int
    hook: int


def _amount(n, thing):
    return f"{n} {thing}{'' if n == 1 else 's'}"


def _rows(report, references=False):
    for row in report.types:
        held = _amount(row.references, "reference") + ", " if references else ""
        made = f", made at {row.place}" if row.place else ""
        yield f"{row.objects:8} {row.type}, {held}{_amount(row.bytes, 'byte')}{made}"


class DryRun(_NamedTuple):
    """What a pass would do. str() makes lines of it."""

    examined: int
    garbage: int
    objects: int
    bytes: int
    followers: int
    finalizers: int
    callbacks: int
    cleanups: int
    disposes: int
    waiting: int
    find_ns: int
    finalize_ns: int
    reclaim_ns: int
    basis: tuple[str, str, str]
    types: list[CensusRow]
    steps: list[DryStep]
    listed: list[CensusObject]

    @property
    def pause_ns(self):
        """The expected pause: the sum of its parts. basis says where each comes from."""
        return self.find_ns + self.finalize_ns + self.reclaim_ns

    def __str__(self):
        held = f" ({self.followers} held by garbage alone)" if self.followers else ""
        lines = [f"would end {_amount(self.objects, 'object')}, {_amount(self.bytes, 'byte')}{held}, "
                 f"in about {self.pause_ns / 1e6:.3f} ms"]
        return "\n".join([*lines, *_rows(self), *(f"{step.kind} of {step.type}" for step in self.steps)])


class Hidden(_NamedTuple):
    """Who is held from outside. str() makes lines of it."""

    examined: int
    objects: int
    references: int
    unknown: int
    types: list[CensusRow]
    listed: list[CensusObject]
    damaged: list[CensusObject]

    def __str__(self):
        lines = [f"{_amount(self.objects, 'object')}, held from outside by {_amount(self.references, 'reference')}"]
        damaged = (f"damaged: {x.type} at {x.address:#x} has {-x.references} references too few" for x in self.damaged)
        return "\n".join([*lines, *_rows(self, True), *damaged])


class Leaks(_NamedTuple):
    """Unreachable objects that a pass has told. str() makes lines of it."""

    objects: int
    bytes: int
    followers: int
    unreachable: int
    summary: bool
    types: list[CensusRow]
    listed: list[CensusObject]

    def __str__(self):
        lines = [f"{'leaks in all' if self.summary else 'leaks'}: {_amount(self.objects, 'object')}, "
                 f"{_amount(self.bytes, 'byte')}"]
        return "\n".join([*lines, *_rows(self)])


def _made(rows, kind):
    return [kind(*row) for row in rows]


def dry_run(heap, objects):
    sums, types, steps, single = _core._dry_run(heap, _operator.index(objects))
    return DryRun(*sums, _made(types, CensusRow), _made(steps, DryStep), _made(single, CensusObject))


def hidden(heap, objects, by_place):
    sums, types, single, damaged = _core._hidden(heap, _operator.index(objects), bool(by_place))
    return Hidden(*sums, _made(types, CensusRow), _made(single, CensusObject), _made(damaged, CensusObject))


def _leaks_of(parts):
    sums, types, single = parts
    return Leaks(*sums, _made(types, CensusRow), _made(single, CensusObject))


def leaks(heap, objects):
    return _leaks_of(_core._leaks(heap, _operator.index(objects)))


def find_leaks(heap, on, objects):
    objects = _operator.index(objects)
    if callable(on):
        def told(parts):
            on(_leaks_of(parts))
    elif isinstance(on, bool):
        told = None
    else:
        raise TypeError(f"True, False or a callable expected, got {type(on).__name__}")
    _core._find_leaks(heap, told, objects)
    heap.set_find_leaks(bool(on))
