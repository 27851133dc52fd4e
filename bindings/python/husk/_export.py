"""husk.tracemalloc: the forms that other programs read, and where they are written."""

import collections as _collections
import os as _os

from husk import _core

ExportFormat = _collections.namedtuple("ExportFormat", "name suffix about")
ExportFormat.__doc__ = """A form of Snapshot.export(): its name, what files of it end with, and what it is."""


def export_formats():
    """The forms that a snapshot can be written in, a list of ExportFormat."""
    return list(map(ExportFormat._make, _core._export_formats()))


def _writer(target):
    """A path as bytes, or what is called with each piece."""
    write = getattr(target, "write", None)
    return _os.fsencode(target) if write is None else write
