"""husk.tracemalloc: places and what was made there: frames, tracebacks, traces."""

import functools as _functools
import operator as _operator
import os as _os
from collections.abc import Sequence as _Sequence

from husk import _core


@_functools.total_ordering
class Frame:
    """A place: filename and lineno, and the name of the function where it is known. Compared by the first two."""

    __slots__ = ("_frame", "_function")

    def __init__(self, frame):
        self._frame = frame if len(frame) == 2 else (frame[0], frame[1])
        self._function = frame[2] if len(frame) > 2 else ""

    @property
    def filename(self):
        """Of the source, or of the program or library of native code; "<unknown>" if it is not known."""
        return self._frame[0]

    @property
    def lineno(self):
        """The line; 0 if it is not known, or not grouped by."""
        return self._frame[1]

    @property
    def function(self):
        """The qualified name of the function; "" if it is not known, or not grouped by."""
        return self._function

    def __eq__(self, other):
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame == other._frame

    def __lt__(self, other):
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame < other._frame

    def __hash__(self):
        return hash(self._frame)

    def __str__(self):
        return f"{self.filename}:{self.lineno}"

    def __repr__(self):
        return f"<Frame filename={self.filename!r} lineno={self.lineno!r}>"


@_functools.total_ordering
class Traceback(_Sequence):
    """Frames, the oldest first. Compared by their places."""

    __slots__ = ("_frames", "_functions", "_total_nframe")

    def __init__(self, frames, total_nframe=None):
        """frames: tuples (filename, lineno) or (filename, lineno, function), the newest first."""
        newest = tuple(frames)
        self._frames = tuple([(frame[0], frame[1]) for frame in reversed(newest)])
        self._functions = tuple([frame[2] if len(frame) > 2 else "" for frame in reversed(newest)])
        self._total_nframe = total_nframe

    @property
    def total_nframe(self):
        """How many frames there were before the limit cut them; None if that is not known."""
        return self._total_nframe

    def _frame_at(self, index):
        return Frame((*self._frames[index], self._functions[index]))

    def __len__(self):
        return len(self._frames)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(map(self._frame_at, range(*index.indices(len(self._frames)))))
        return self._frame_at(index)

    def __contains__(self, frame):
        return frame._frame in self._frames

    def __eq__(self, other):
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames == other._frames

    def __lt__(self, other):
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames < other._frames

    def __hash__(self):
        return hash(self._frames)

    def __str__(self):
        return str(self[0])

    def __repr__(self):
        total = "" if self._total_nframe is None else f" total_nframe={self._total_nframe}"
        return f"<Traceback {tuple(self)}{total}>"

    def format(self, limit=None, most_recent_first=False):
        """A list of lines, two for each frame whose source can be read.

        limit: a positive one keeps so many of the newest frames, a negative one of the oldest.
        """
        chosen = range(len(self._frames))
        if limit is not None:
            chosen = chosen[-limit:] if limit > 0 else chosen[:limit]
        lines = []
        for i in reversed(chosen) if most_recent_first else chosen:
            filename, lineno = self._frames[i]
            lines.append(f'  File "{filename}", line {lineno}')
            source = _source_line(filename, lineno)
            if source:
                lines.append(f"    {source}")
        return lines


def _source_line(filename, lineno):
    """The line of a source without blanks around it. Names may come from a file of anybody: no device is read."""
    import linecache
    if filename not in linecache.cache:
        try:
            if _os.path.exists(filename) and not _os.path.isfile(filename):
                return ""
        except ValueError:  # a null character
            return ""
    return linecache.getline(filename, lineno).strip()


def get_object_traceback(obj, /):
    """Where an object of a heap was made: a Traceback, or None if it is not traced, or not in a heap."""
    frames = _core._trace_of(obj)
    return None if frames is None else Traceback(frames)


def get_block_traceback(domain, address, /):
    """The same of a block that track() was told of."""
    frames = _core._trace_of_block(domain, address)
    return None if frames is None else Traceback(frames)


# ---- traces ----

def _size_text(size, sign):
    """Bytes as tracemalloc writes them: whole below ten KiB; then one digit behind the point below 100 of a unit."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if unit != "B" and abs(size) < 100:
            return f"{size:+.1f} {unit}" if sign else f"{size:.1f} {unit}"
        if abs(size) < 10 * 1024 or unit == "TiB":
            return f"{size:+.0f} {unit}" if sign else f"{size:.0f} {unit}"
        size /= 1024


def _domain_of(text):
    """A domain as Trace has it: a number if it is one, and 0 for none."""
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


class Trace:
    """One thing that is traced: domain, size and traceback; and what else is known of it."""

    __slots__ = ("_trace", "_more")

    def __init__(self, trace, more=None):
        """trace: (domain, size, frames, total_nframe), the frames as Traceback takes them."""
        domain, size, frames, total_nframe = trace
        self._trace = (domain, size, tuple([(frame[0], frame[1]) for frame in frames]), total_nframe)
        self._more = (frames, *(more or ("object", 0, "", "", "", 0, 1.0)))

    @property
    def domain(self):
        """A number, 0 if none was said, or a str."""
        return self._trace[0]

    @property
    def size(self):
        """Bytes of its block."""
        return self._trace[1]

    @property
    def traceback(self):
        """Where it was made, a Traceback."""
        return Traceback(self._more[0], self._trace[3])

    @property
    def kind(self):
        """"object"; "buffer", a growing part of one; or "block", told by track()."""
        return self._more[1]

    @property
    def address(self):
        """Where it is."""
        return self._more[2]

    @property
    def type(self):
        """The name of the type of an object; "" for others."""
        return self._more[3]

    @property
    def tag(self):
        """The tag under which it was made, or ""."""
        return self._more[4]

    @property
    def mark(self):
        """The latest mark before it was made, or ""."""
        return self._more[5]

    @property
    def thread(self):
        """The system's number of the thread that made it."""
        return self._more[6]

    @property
    def weight(self):
        """How many things it stands for: 1.0 unless sampled."""
        return self._more[7]

    def __eq__(self, other):
        if not isinstance(other, Trace):
            return NotImplemented
        return self._trace == other._trace

    def __hash__(self):
        return hash(self._trace)

    def __str__(self):
        return f"{self.traceback}: {_size_text(self.size, False)}"

    def __repr__(self):
        return f"<Trace domain={self.domain} size={_size_text(self.size, False)}, traceback={self.traceback!r}>"


class _Traces(_Sequence):
    """The traced things of a snapshot that its filters let pass; made one by one as they are asked for."""

    __slots__ = ("_handle", "_filters", "_made")

    def __init__(self, handle, filters):
        self._handle = handle
        self._filters = filters
        self._made = None

    def _things(self):
        if self._made is None:
            self._made = _core._things_new(self._handle, self._filters, 0)
        return self._made

    def _trace_at(self, index):
        domain, size, frames, total, kind, address, kind_name, tag, mark, thread, weight, _ = self._things().at(index)
        return Trace((_domain_of(domain), size, frames, total), (kind, address, kind_name, tag, mark, thread, weight))

    def __len__(self):
        return len(self._things())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(map(self._trace_at, range(*index.indices(len(self)))))
        at = _operator.index(index)
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError("trace index out of range")
        return self._trace_at(at)

    def __iter__(self):
        return map(self._trace_at, range(len(self)))

    def __contains__(self, trace):
        for mine in self:
            if trace._trace == mine._trace:
                return True
        return False

    def __eq__(self, other):
        if not isinstance(other, _Traces):
            return NotImplemented
        return len(self) == len(other) and all(a._trace == b._trace for a, b in zip(self, other))

    __hash__ = None

    def __repr__(self):
        return f"<Traces len={len(self)}>"
