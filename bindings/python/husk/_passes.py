"""What passes did, as named tuples: of husk.gc."""

from collections import namedtuple as _namedtuple

Freed = _namedtuple("Freed", "type objects bytes")
Freed.__doc__ = "Freed objects of one type; type is '' for all others together."

PassRecord = _namedtuple("PassRecord", (
    "number", "reason", "mode", "status", "quiet", "threads", "start_ns", "pauses", "pause_ns", "longest_ns", "ns", "candidates",
    "freed", "freed_bytes", "finalized", "weak_cleared", "held", "reached", "resurrected", "deferred", "saved", "frozen",
    "objects_before", "bytes_before", "objects_after", "bytes_after", "by_type", "rest", "line"))
PassRecord.__doc__ = "What one pass did and why; docs/passes.md has the fields."

PassSums = _namedtuple("PassSums", "passes candidates freed freed_bytes finalized resurrected weak_cleared ns")
PassSums.__doc__ = "The sums of all passes of a mode."

Pauses = _namedtuple("Pauses", "pauses total_ns max_ns p50_ns p90_ns p99_ns p999_ns")
Pauses.__doc__ = "How long the program waited for passes."

PauseBucket = _namedtuple("PauseBucket", "low_ns high_ns pauses")
PauseBucket.__doc__ = "Pauses from low_ns to high_ns, both included."

HeapStat = _namedtuple("HeapStat", "heap name written_ns latest sums pauses")
HeapStat.__doc__ = "A heap of another process, as its latest pass left it."

MODES = ("full", "young", "step", "any")


def mode_number(mode, last):
    """The number of a mode, of which the first `last` are allowed; ValueError."""
    if not isinstance(mode, str):
        raise TypeError(f"a mode is a str, not {type(mode).__name__}")
    if mode not in MODES[:last]:
        raise ValueError(f"there is no mode {mode!r} of passes; there are {', '.join(MODES[:last])}")
    return MODES.index(mode)


def record(made):
    """A PassRecord of what the core says."""
    made["by_type"] = tuple(Freed(*row) for row in made["by_type"])
    made["rest"] = Freed(*made["rest"])
    made.setdefault("line", None)
    return PassRecord(**made)


def heap_stat(made):
    """A HeapStat of what the core says."""
    if made["latest"] is not None:
        made["latest"] = record(made["latest"])
    made["sums"] = {mode: PassSums(**sums) for mode, sums in made["sums"].items()}
    made["pauses"] = {mode: Pauses(**pauses) for mode, pauses in made["pauses"].items()}
    return HeapStat(**made)
