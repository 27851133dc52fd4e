# husk._passes: see _passes.py.
from typing import Any, NamedTuple

class Freed(NamedTuple):
    type: str
    objects: int
    bytes: int

class PassRecord(NamedTuple):
    number: int
    reason: str
    mode: str
    status: str
    quiet: bool
    threads: int
    start_ns: int
    pauses: int
    pause_ns: int
    longest_ns: int
    ns: dict[str, int]
    candidates: int
    freed: int
    freed_bytes: int
    finalized: int
    weak_cleared: int
    held: int
    reached: int
    resurrected: int
    deferred: int
    saved: int
    frozen: int
    objects_before: int
    bytes_before: int
    objects_after: int
    bytes_after: int
    by_type: tuple[Freed, ...]
    rest: Freed
    line: str | None

class PassSums(NamedTuple):
    passes: int
    candidates: int
    freed: int
    freed_bytes: int
    finalized: int
    resurrected: int
    weak_cleared: int
    ns: dict[str, int]

class Pauses(NamedTuple):
    pauses: int
    total_ns: int
    max_ns: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    p999_ns: int

class PauseBucket(NamedTuple):
    low_ns: int
    high_ns: int
    pauses: int

class HeapStat(NamedTuple):
    heap: int
    name: str
    written_ns: int
    latest: PassRecord | None
    sums: dict[str, PassSums]
    pauses: dict[str, Pauses]

MODES: tuple[str, ...]

def mode_number(mode: str, last: int) -> int: ...
def record(made: dict[str, Any]) -> PassRecord: ...
def heap_stat(made: dict[str, Any]) -> HeapStat: ...
