# husk._survey: see _survey.py.
from collections.abc import Callable
from typing import NamedTuple, SupportsIndex

from husk._core import Heap

__all__ = ["CensusObject", "CensusRow", "DryRun", "DryStep", "Hidden", "Leaks"]

class CensusRow(NamedTuple):
    type: str
    place: str | None
    objects: int
    bytes: int
    references: int

class CensusObject(NamedTuple):
    address: int
    type: str
    place: str | None
    bytes: int
    references: int
    follower: bool

class DryStep(NamedTuple):
    kind: str
    type: str
    address: int
    hook: int

class DryRun(NamedTuple):
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
    def pause_ns(self) -> int: ...

class Hidden(NamedTuple):
    examined: int
    objects: int
    references: int
    unknown: int
    types: list[CensusRow]
    listed: list[CensusObject]
    damaged: list[CensusObject]

class Leaks(NamedTuple):
    objects: int
    bytes: int
    followers: int
    unreachable: int
    summary: bool
    types: list[CensusRow]
    listed: list[CensusObject]

def dry_run(heap: Heap, objects: SupportsIndex) -> DryRun: ...
def hidden(heap: Heap, objects: SupportsIndex, by_place: bool) -> Hidden: ...
def leaks(heap: Heap, objects: SupportsIndex) -> Leaks: ...
def find_leaks(heap: Heap, on: bool | Callable[[Leaks], object], objects: SupportsIndex) -> None: ...
