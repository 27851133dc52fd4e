"""husk.tracemalloc: which things a snapshot shows."""

import operator as _operator
import os as _os


class BaseFilter:
    """What all filters have: inclusive. An inclusive filter keeps what it matches, an exclusive one removes it."""

    def __init__(self, inclusive):
        self.inclusive = inclusive

    def _terms(self):
        """What the library is told, a list of filters: see host_stats.c."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it matches")


_NO_LINE = 0xFFFFFFFF  # no place has it


def _domains(domain):
    """Texts of a domain: none at all is 0 too."""
    if domain is None:
        return (None,)
    if isinstance(domain, str):
        return (domain,)
    number = _operator.index(domain)
    return ("", "0") if number == 0 else (str(number),)


class Filter(BaseFilter):
    """Matches by the file, a pattern as in fnmatch, and by whatever else is given.

    lineno: of the same frame. all_frames: any frame, not only the newest. domain: a number or a str. function, type,
    tag, thread: patterns. min_size: bytes. since: the name of a mark. kind: "object", "buffer" or "block".
    """

    def __init__(self, inclusive, filename_pattern="*", lineno=None, all_frames=False, domain=None, *, function=None,
                 type=None, tag=None, thread=None, min_size=None, since=None, kind=None):
        super().__init__(inclusive)
        self._filename_pattern = _os.path.normcase(filename_pattern)
        if self._filename_pattern.endswith(".pyc"):
            self._filename_pattern = self._filename_pattern[:-1]
        self.lineno = lineno
        self.all_frames = all_frames
        self.domain = domain
        self.function = function
        self.type = type
        self.tag = tag
        self.thread = thread
        self.min_size = min_size
        self.since = since
        self.kind = kind
        if kind not in (None, "object", "buffer", "block"):
            raise ValueError(f'kind is {kind!r}: "object", "buffer" or "block" expected')

    @property
    def filename_pattern(self):
        """The pattern; that of a compiled file stands for its source."""
        return self._filename_pattern

    def _terms(self):
        line = self.lineno
        if line is not None:
            line = _operator.index(line)
            line = line if 0 <= line < _NO_LINE else _NO_LINE
        size = None if self.min_size is None else max(_operator.index(self.min_size), 0)
        others = (self.function, self.type, self.tag, self.thread, size, self.since, self.kind)
        said = line is not None or self.domain is not None or others.count(None) < len(others)
        file = None if self._filename_pattern == "*" and said else self._filename_pattern
        terms = []
        for domain in _domains(self.domain):
            terms.append((bool(self.inclusive), file, line, bool(self.all_frames), domain, *others))
        return terms


class DomainFilter(BaseFilter):
    """Matches by the domain alone, a number or a str."""

    def __init__(self, inclusive, domain):
        super().__init__(inclusive)
        self._domain = domain

    @property
    def domain(self):
        """The domain."""
        return self._domain

    def _terms(self):
        terms = []
        for domain in _domains(self._domain):
            terms.append((bool(self.inclusive), None, None, False, domain, None, None, None, None, None, None, None))
        return terms
