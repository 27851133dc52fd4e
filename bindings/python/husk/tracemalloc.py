"""Who made what: tracing of heaps under the names of the standard module tracemalloc.

    from husk import tracemalloc

    tracemalloc.start(10)
    ...
    snapshot = tracemalloc.take_snapshot()
    for stat in snapshot.statistics("lineno")[:5]:
        print(stat)

Functions work on husk.default, or on the heap that the keyword heap names. What is traced are the objects of the heap and
the growing parts of lists and maps; frames are those of Python, and with native=True those of C too. Names, arguments,
defaults, results, texts and exceptions are those of tracemalloc; docs/python-differences.md has what differs, and why.
Beyond it there are sampling, tags, domains and marks, more ways to group and to filter, files that other languages and
the command line read.

heap=tracemalloc.process means the tracer of memory that is no object, which is told of it by track() or by
libhusk-preload.

Ownership: a snapshot holds neither the heap nor its objects; statistics, traces and tracebacks hold no snapshot, but
Snapshot.traces and what it gives. Errors: husk.StateError (a RuntimeError) if the heap is not traced, husk.FileError and
husk.FormatError of files, ValueError and TypeError as in tracemalloc. Threads: any; a tag or domain is that of the thread
that began it. Snapshots may be read by several threads, and long work on them lets other threads run.
"""

from husk._export import ExportFormat, export_formats
from husk._filters import BaseFilter, DomainFilter, Filter
from husk._snapshot import ForkedSnapshot, ObjectInfo, Reference, Snapshot, fork_snapshot, report, take_snapshot
from husk._statistics import Lifetimes, Statistic, StatisticDiff, Statistics
from husk._traces import Frame, Trace, Traceback, get_block_traceback, get_object_traceback
from husk._tracing import (clear_traces, domain, figures, get_traceback_limit, get_traced_memory, get_tracemalloc_memory,
                           is_tracing, mark, process, reset_peak, start, stop, tag, track, untrack)

__all__ = [
    "BaseFilter", "DomainFilter", "ExportFormat", "Filter", "ForkedSnapshot", "Frame", "Lifetimes", "ObjectInfo",
    "Reference", "Snapshot", "Statistic", "StatisticDiff", "Statistics", "Trace", "Traceback", "clear_traces", "domain",
    "export_formats", "figures", "fork_snapshot", "get_block_traceback", "get_object_traceback", "get_traceback_limit",
    "get_traced_memory", "get_tracemalloc_memory", "is_tracing", "mark", "process", "report", "reset_peak", "start",
    "stop", "tag", "take_snapshot", "track", "untrack",
]

for _name in __all__:  # they are of this module, whatever file they stand in: for pickle, and for who reads a repr
    if hasattr(globals()[_name], "__qualname__"):
        globals()[_name].__module__ = __name__
type(process).__module__ = __name__
_Process = type(process)
del _name
