# husk.memory: see memory.py.
from typing import Any, Literal, NamedTuple, SupportsIndex, overload

from typing_extensions import TypeAlias

from husk._core import FileError, Heap, MissingError, StateError

__all__ = [
    "AccessDenied", "Balance", "BalanceRow", "Field", "MemoryFullInfo", "MemoryInfo", "MemoryMap", "NoSuchProcess",
    "SizeClass", "SwapMemory", "ThreadInfo", "TypeUse", "VirtualMemory", "ZombieProcess", "balance", "cgroup", "fields",
    "memory_full_info", "memory_info", "memory_maps", "memory_percent", "native_heap", "process", "reset_peak",
    "size_classes", "swap_memory", "system", "threads", "trim", "types", "virtual_memory",
]

NoSuchProcess = MissingError
AccessDenied = FileError
ZombieProcess = StateError

_Pid: TypeAlias = SupportsIndex | None

class MemoryInfo(NamedTuple):
    rss: int
    vms: int | None
    shared: int | None
    text: int | None
    data: int | None

class MemoryFullInfo(NamedTuple):
    rss: int
    vms: int | None
    shared: int | None
    text: int | None
    data: int | None
    uss: int | None
    pss: int | None
    swap: int | None

def memory_info(pid: _Pid = None) -> MemoryInfo: ...
def memory_full_info(pid: _Pid = None) -> MemoryFullInfo: ...
def process(pid: _Pid = None, *, full: bool = True) -> dict[str, int]: ...
def memory_percent(memtype: str = "rss", pid: _Pid = None) -> float: ...
def reset_peak(pid: _Pid = None) -> None: ...

class MemoryMap(NamedTuple):
    path: str
    rss: int | None
    size: int
    pss: int | None
    shared_clean: int | None
    shared_dirty: int | None
    private_clean: int | None
    private_dirty: int | None
    referenced: int | None
    anonymous: int | None
    swap: int | None
    addr: str
    perms: str
    kind: Literal["file", "heap", "stack", "shared", "anonymous", "kernel"]
    count: int  # type: ignore[assignment]
    offset: int
    inode: int
    deleted: bool
    thread: int | None

def memory_maps(grouped: bool = True, pid: _Pid = None) -> list[MemoryMap]: ...

class ThreadInfo(NamedTuple):
    id: int
    name: str
    state: str
    minor_faults: int
    major_faults: int

def threads(pid: _Pid = None) -> list[ThreadInfo]: ...

class VirtualMemory(NamedTuple):
    total: int
    available: int | None
    percent: float | None
    used: int | None
    free: int | None
    active: int | None
    inactive: int | None
    buffers: int | None
    cached: int | None
    shared: int | None
    slab: int | None

class SwapMemory(NamedTuple):
    total: int | None
    used: int | None
    free: int | None
    percent: float | None
    sin: int | None
    sout: int | None

def virtual_memory() -> VirtualMemory: ...
def swap_memory() -> SwapMemory: ...
def system() -> dict[str, int | float]: ...
def cgroup(pid: _Pid = None) -> dict[str, Any]: ...
def native_heap() -> dict[str, int]: ...
def trim() -> int: ...

class Field(NamedTuple):
    name: str
    unit: Literal["bytes", "count", "percent", "seconds"]
    text: str

def fields(group: Literal["process", "system", "cgroup", "native", "map"]) -> list[Field]: ...

class SizeClass(NamedTuple):
    block_bytes: int
    tracked: bool
    pages: int
    used: int
    free: int
    untouched: int
    used_bytes: int
    asked_bytes: int
    held_bytes: int

class TypeUse(NamedTuple):
    name: str
    count: int  # type: ignore[assignment]
    bytes: int

@overload
def size_classes(heap: Heap | None = None, *, text: Literal[False] = False) -> list[SizeClass]: ...
@overload
def size_classes(heap: Heap | None = None, *, text: Literal[True]) -> str: ...
def types(heap: Heap | None = None) -> list[TypeUse]: ...

class BalanceRow(NamedTuple):
    group: str
    name: str
    bytes: int
    counted: int
    shared: int
    swapped: int
    note: str

class Balance:
    rows: list[BalanceRow]
    verdict: Literal["fine", "leak", "retention", "fragmentation"]
    evidence: str
    rss: int
    rss_statm: int | None
    live: int
    objects: int
    live_before: int | None
    objects_before: int | None
    milliseconds: int | None
    held_free: int
    pages: int
    pages_sparse: int
    sparse_free: int
    trimmed_heaps: int | None
    trimmed_native: int | None
    rss_trimmed: int | None
    def __init__(self, handle: Any) -> None: ...

def balance(*heaps: Heap, before: Balance | None = None, trim: bool = False, pid: _Pid = None) -> Balance: ...
