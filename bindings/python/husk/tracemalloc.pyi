# husk.tracemalloc: see tracemalloc.py.
from _typeshed import StrOrBytesPath, SupportsWrite
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, Literal, NamedTuple, SupportsIndex, TypeVar, final, overload

from typing_extensions import Self, TypeAlias

from husk._core import Heap, Obj, SnapshotCounts, TraceFigures

__all__ = [
    "BaseFilter", "DomainFilter", "ExportFormat", "Filter", "ForkedSnapshot", "Frame", "Lifetimes", "ObjectInfo",
    "Reference", "Snapshot", "Statistic", "StatisticDiff", "Statistics", "Trace", "Traceback", "clear_traces", "domain",
    "export_formats", "figures", "fork_snapshot", "get_block_traceback", "get_object_traceback", "get_traceback_limit",
    "get_traced_memory", "get_tracemalloc_memory", "is_tracing", "mark", "process", "report", "reset_peak", "start",
    "stop", "tag", "take_snapshot", "track", "untrack",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_S = TypeVar("_S", Statistic, StatisticDiff)

_FrameTuple: TypeAlias = tuple[str, int] | tuple[str, int, str]
_TraceTuple: TypeAlias = tuple[int | str, int, Sequence[_FrameTuple], int | None]
_KeyType: TypeAlias = Literal[
    "traceback", "filename", "lineno", "function", "type", "tag", "domain", "thread", "size", "age", "mark", "kind"
]
_Target: TypeAlias = StrOrBytesPath | SupportsWrite[bytes]
_Kind: TypeAlias = Literal["object", "buffer", "block"]

@final
class _Process: ...

process: Final[_Process]

_Heap: TypeAlias = Heap | _Process | None

def start(
    nframe: SupportsIndex = 1,
    *,
    sample_bytes: SupportsIndex = 0,
    native: bool = False,
    seed: SupportsIndex = 0,
    epoch_ms: SupportsIndex = 0,
    heap: _Heap = None,
) -> None: ...
def stop(*, heap: _Heap = None) -> None: ...
def clear_traces(*, heap: _Heap = None) -> None: ...
def is_tracing(*, heap: _Heap = None) -> bool: ...
def get_traceback_limit(*, heap: _Heap = None) -> int: ...
def get_traced_memory(*, heap: _Heap = None) -> tuple[int, int]: ...
def reset_peak(*, heap: _Heap = None) -> None: ...
def get_tracemalloc_memory(*, heap: _Heap = None) -> int: ...
def figures(*, heap: _Heap = None) -> TraceFigures: ...
def mark(name: str, *, heap: _Heap = None) -> None: ...
def track(domain: int, address: int, size: int, /) -> None: ...
def untrack(domain: int, address: int, /) -> None: ...

class _Scope:
    def __init__(self, name: str, *, heap: _Heap = None) -> None: ...
    def __call__(self, func: _F) -> _F: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...

class tag(_Scope): ...

class domain(_Scope):
    def __init__(self, name: str | SupportsIndex, *, heap: _Heap = None) -> None: ...

class Frame:
    def __init__(self, frame: _FrameTuple) -> None: ...
    @property
    def filename(self) -> str: ...
    @property
    def lineno(self) -> int: ...
    @property
    def function(self) -> str: ...
    def __eq__(self, other: object) -> bool: ...
    def __lt__(self, other: Frame) -> bool: ...
    def __le__(self, other: Frame) -> bool: ...
    def __gt__(self, other: Frame) -> bool: ...
    def __ge__(self, other: Frame) -> bool: ...
    def __hash__(self) -> int: ...

class Traceback(Sequence[Frame]):
    def __init__(self, frames: Iterable[_FrameTuple], total_nframe: int | None = None) -> None: ...
    @property
    def total_nframe(self) -> int | None: ...
    def format(self, limit: int | None = None, most_recent_first: bool = False) -> list[str]: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __contains__(self, frame: Frame) -> bool: ...  # type: ignore[override]
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __lt__(self, other: Traceback) -> bool: ...
    def __le__(self, other: Traceback) -> bool: ...
    def __gt__(self, other: Traceback) -> bool: ...
    def __ge__(self, other: Traceback) -> bool: ...
    def __hash__(self) -> int: ...

def get_object_traceback(obj: object, /) -> Traceback | None: ...
def get_block_traceback(domain: int, address: int, /) -> Traceback | None: ...

class Trace:
    def __init__(
        self, trace: _TraceTuple, more: tuple[_Kind, int, str, str, str, int, float] | None = None
    ) -> None: ...
    @property
    def domain(self) -> int | str: ...
    @property
    def size(self) -> int: ...
    @property
    def traceback(self) -> Traceback: ...
    @property
    def kind(self) -> _Kind: ...
    @property
    def address(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def thread(self) -> int: ...
    @property
    def weight(self) -> float: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class _Traces(Sequence[Trace]):
    def __init__(self, handle: Any, filters: Any) -> None: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Trace: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trace, ...]: ...
    def __contains__(self, trace: Trace) -> bool: ...  # type: ignore[override]
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Trace]: ...
    def __eq__(self, other: object) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class Lifetimes(NamedTuple):
    born: int
    born_bytes: int
    died: int
    died_bytes: int
    temporary: int
    peak: int
    peak_bytes: int

class Statistic:
    traceback: Traceback
    size: int
    count: int
    name: str | None
    lifetimes: Lifetimes | None
    def __init__(
        self,
        traceback: Traceback,
        size: int,
        count: int,
        *,
        name: str | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class StatisticDiff:
    traceback: Traceback
    size: int
    size_diff: int
    count: int
    count_diff: int
    name: str | None
    lifetimes: Lifetimes | None
    def __init__(
        self,
        traceback: Traceback,
        size: int,
        size_diff: int,
        count: int,
        count_diff: int,
        *,
        name: str | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class Statistics(list[_S], Generic[_S]):
    @property
    def total(self) -> _S: ...
    def rest(self, first: SupportsIndex) -> _S | None: ...
    def format(self, top: int | None = 10) -> list[str]: ...

class BaseFilter:
    inclusive: bool
    def __init__(self, inclusive: bool) -> None: ...

class Filter(BaseFilter):
    lineno: int | None
    all_frames: bool
    domain: int | str | None
    function: str | None
    type: str | None
    tag: str | None
    thread: str | None
    min_size: int | None
    since: str | None
    kind: _Kind | None
    def __init__(
        self,
        inclusive: bool,
        filename_pattern: str = "*",
        lineno: int | None = None,
        all_frames: bool = False,
        domain: int | str | None = None,
        *,
        function: str | None = None,
        type: str | None = None,
        tag: str | None = None,
        thread: str | None = None,
        min_size: int | None = None,
        since: str | None = None,
        kind: _Kind | None = None,
    ) -> None: ...
    @property
    def filename_pattern(self) -> str: ...

class DomainFilter(BaseFilter):
    def __init__(self, inclusive: bool, domain: int | str) -> None: ...
    @property
    def domain(self) -> int | str: ...

class ObjectInfo(NamedTuple):
    address: int
    type: str
    size: int
    references: int
    hidden: int
    traceback: Traceback | None
    tracked: bool
    finalized: bool
    finalizer_pending: bool
    frozen: bool
    immortal: bool
    weakly: bool

class Reference(NamedTuple):
    to: int
    name: str | None
    index: int | None  # type: ignore[assignment]
    weak: bool
    ephemeron: bool

def take_snapshot(
    *,
    heap: _Heap = None,
    traced: bool = True,
    references: bool = True,
    process_memory: bool = True,
    blocks: bool = True,
    maps: bool = False,
    max_bytes: SupportsIndex = 0,
) -> Snapshot: ...

class ForkedSnapshot:
    def __init__(self, *args: Any, **named: Any) -> None: ...
    @property
    def pid(self) -> int | None: ...
    def wait(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def __del__(self) -> None: ...

def fork_snapshot(
    filename: StrOrBytesPath,
    *,
    heap: _Heap = None,
    traced: bool = True,
    references: bool = True,
    process_memory: bool = True,
    blocks: bool = True,
    maps: bool = False,
    max_bytes: SupportsIndex = 0,
) -> ForkedSnapshot: ...

class Snapshot:
    traceback_limit: int
    def __init__(self, *args: Any, **named: Any) -> None: ...
    @property
    def traces(self) -> _Traces: ...
    def filter_traces(self, filters: Iterable[BaseFilter]) -> Snapshot: ...
    def statistics(
        self,
        key_type: _KeyType,
        cumulative: bool = False,
        *,
        sort: Literal["size", "count", "born", "temporary", "peak"] = "size",
        each_frame: bool = False,
        untraced: bool = False,
        top: SupportsIndex | None = None,
    ) -> Statistics[Statistic]: ...
    def compare_to(
        self,
        old_snapshot: Snapshot,
        key_type: _KeyType,
        cumulative: bool = False,
        *,
        sort: Literal["size", "count"] = "size",
        each_frame: bool = False,
        untraced: bool = False,
        top: SupportsIndex | None = None,
    ) -> Statistics[StatisticDiff]: ...
    def dump(self, filename: StrOrBytesPath) -> None: ...
    @staticmethod
    def load(filename: StrOrBytesPath) -> Snapshot: ...
    def export(
        self,
        target: _Target,
        format: str | None = None,
        *,
        by: _KeyType | None = None,
        top: SupportsIndex = 0,
        types: bool = False,
        count: bool = False,
        made: bool = False,
        title: str | None = None,
        max_bytes: SupportsIndex = 0,
    ) -> None: ...
    @property
    def counts(self) -> SnapshotCounts: ...
    @property
    def about(self) -> dict[str, str]: ...
    @property
    def numbers(self) -> dict[str, dict[str, int]]: ...
    def note(self, key: str, text: str) -> None: ...
    def object_at(self, index: SupportsIndex) -> ObjectInfo: ...
    def references_of(self, index: SupportsIndex) -> list[Reference]: ...
    def find(self, obj: Obj | SupportsIndex) -> int | None: ...

class ExportFormat(NamedTuple):
    name: str
    suffix: str
    about: str

def export_formats() -> list[ExportFormat]: ...
def report(
    snapshots: Iterable[Snapshot],
    target: _Target,
    *,
    title: str | None = None,
    names: Iterable[str] | None = None,
    max_bytes: SupportsIndex = 0,
) -> None: ...
