from husk.tracemalloc import ForkedSnapshot as ForkedSnapshot
from husk.tracemalloc import ObjectInfo as ObjectInfo
from husk.tracemalloc import Reference as Reference
from husk.tracemalloc import Snapshot as Snapshot
from husk.tracemalloc import fork_snapshot as fork_snapshot
from husk.tracemalloc import report as report
from husk.tracemalloc import take_snapshot as take_snapshot
