"""Memory as the system sees it, under the names of psutil; and where it went.

    from husk import memory

    resident = memory.memory_info().rss
    sheet = memory.balance()

memory_info(), memory_full_info(), memory_percent() and memory_maps() are methods of a Process there; here they take a pid,
or none for this process. Sizes are bytes. What the system does not tell is None, never 0: kernels, containers and rights
differ. fields() says what each number is.

Ownership: results are plain values, but for a Balance, which holds what it was made of and no heap. Errors: NoSuchProcess,
AccessDenied and ZombieProcess are husk.MissingError (the system does not tell something is one, too), husk.FileError and
husk.StateError. Threads: any; while the system answers, other threads run.
"""

import collections as _collections
import operator as _operator

from husk import _core

__all__ = [
    "AccessDenied", "Balance", "BalanceRow", "Field", "MemoryFullInfo", "MemoryInfo", "MemoryMap", "NoSuchProcess",
    "SizeClass", "SwapMemory", "ThreadInfo", "TypeUse", "VirtualMemory", "ZombieProcess", "balance", "cgroup", "fields",
    "memory_full_info", "memory_info", "memory_maps", "memory_percent", "native_heap", "process", "reset_peak",
    "size_classes", "swap_memory", "system", "threads", "trim", "types", "virtual_memory",
]

NoSuchProcess = _core.MissingError
AccessDenied = _core.FileError
ZombieProcess = _core.StateError

_BASIC, _STATUS, _FULL = 1, 2, 4
_SIZES, _GROUPED, _STACKS = 1, 2, 4


def _tuple(name, fields, about):
    made = _collections.namedtuple(name, fields)
    made.__doc__ = about
    return made


def _of(kind, known):
    """A named tuple of what is known, None for the rest."""
    return kind._make(map(known.get, kind._fields))


def _pid(pid):
    """A process as the library takes it, for which 0 is this one."""
    if pid is None:
        return 0
    pid = _operator.index(pid)
    if pid == 0:
        raise NoSuchProcess("there is no process 0")
    return pid


# ---- a process ----

MemoryInfo = _tuple("MemoryInfo", "rss vms shared text data", """The memory of a process: resident; address space; resident, of
files or shared memory; address space of its code; of its data and stacks.""")
MemoryFullInfo = _tuple("MemoryFullInfo", "rss vms shared text data uss pss swap", """The same, and: resident and of this
process alone, what its end would free; resident, shared pages divided by their users; swapped out.""")


def memory_info(pid=None):
    """What is cheap to know of a process, as MemoryInfo: rss, vms, shared, text, data."""
    return _of(MemoryInfo, _core._process_memory(_pid(pid), _BASIC))


def memory_full_info(pid=None):
    """The same and uss, pss and swap, as MemoryFullInfo. Slower, and wants the right to trace the process."""
    return _of(MemoryFullInfo, _core._process_memory(_pid(pid), _BASIC | _FULL))


def process(pid=None, *, full=True):
    """All that is known of a process, a dict: the fields of fields("process").

    full=False leaves out those that are slow to get, of which uss, pss and swap are some.
    """
    return _core._process_memory(_pid(pid), _BASIC | _STATUS | (_FULL if full else 0))


def memory_percent(memtype="rss", pid=None):
    """A field of process() as a share of physical memory, in percent. ValueError: there is no such field in bytes."""
    return _core._memory_percent(memtype, _pid(pid))


def reset_peak(pid=None):
    """Makes the present resident memory of a process the highest, peak_rss."""
    _core._reset_peak(_pid(pid))


MemoryMap = _tuple("MemoryMap", """path rss size pss shared_clean shared_dirty private_clean private_dirty referenced anonymous
swap addr perms kind count offset inode deleted thread""", """A mapping, or several under one path: addr is "start-end" as the
system writes it, perms like "rw-p", kind "file", "heap", "stack", "shared", "anonymous" or "kernel"; count, how many it is; thread,
whose stack it is.""")


def memory_maps(grouped=True, pid=None):
    """The mappings of a process, a list of MemoryMap: one for each path, the largest first; or each by itself, by address.

    What has no path is "[anon]", as in psutil.
    """
    flags = _SIZES | _STACKS | (_GROUPED if grouped else 0)
    found = []
    for one in _core._memory_maps(_pid(pid), flags):
        one["path"] = one["path"] or "[anon]"
        one["addr"] = f"{one['start']:08x}-{one['end']:08x}"
        found.append(_of(MemoryMap, one))
    return found


ThreadInfo = _tuple("ThreadInfo", "id name state minor_faults major_faults", """A thread: the system's number, its name, a letter
for what it does ("R" runs, "S" sleeps), and its page faults.""")


def threads(pid=None):
    """The threads of a process, a list of ThreadInfo."""
    return list(map(ThreadInfo._make, _core._process_threads(_pid(pid))))


# ---- around it ----

VirtualMemory = _tuple("VirtualMemory", "total available percent used free active inactive buffers cached shared slab",
                       """The machine's memory; percent and used are of what is not available, and cached
counts what the kernel's own objects can give back.""")
SwapMemory = _tuple("SwapMemory", "total used free percent sin sout", """Swap space; sin and sout: bytes read and written since
the machine started.""")


def _percent(used, total):
    return None if used is None or total is None else round(100 * used / total, 1) if total else 0.0


def virtual_memory():
    """The machine's memory, as VirtualMemory."""
    known = _core._system_memory()
    cached = known.get("cached")
    return _of(VirtualMemory, {
        **known,
        "cached": None if cached is None else cached + (known.get("reclaimable") or 0),  # as psutil counts it
        "percent": _percent(known.get("used"), known.get("total")),
    })


def swap_memory():
    """The machine's swap space, as SwapMemory."""
    known = _core._system_memory()
    used, total = known.get("swap_used"), known.get("swap_total")
    return SwapMemory(total, used, known.get("swap_free"), _percent(used, total), known.get("swap_in"),
                      known.get("swap_out"))


def system():
    """All that is known of the machine's memory, a dict: the fields of fields("system"), the pressure among them."""
    return _core._system_memory()


def cgroup(pid=None):
    """The control group that limits a process, a dict: path, and the fields of fields("cgroup").

    A limit that there is not is not in it. MissingError: there is no such group.
    """
    return _core._cgroup_memory(_pid(pid))


def native_heap():
    """The C library's allocator in this process, a dict: the fields of fields("native"). MissingError: it does not tell."""
    return _core._native_memory()


def trim():
    """Asks the C library's allocator to give free memory back; returns by how many bytes resident memory fell.

    Heaps have Heap.trim().
    """
    return _core._native_trim()


Field = _tuple("Field", "name unit text", """A number: its name, its unit ("bytes", "count", "percent", "seconds"), what it is.""")


def fields(group):
    """What numbers there are in "process", "system", "cgroup", "native" and "map", a list of Field."""
    found = _core._memory_fields(group)
    if found is None:
        raise ValueError(f'unknown group: {group!r}; there are "process", "system", "cgroup", "native", "map"')
    return list(map(Field._make, found))


# ---- a heap ----

SizeClass = _tuple("SizeClass", "block_bytes tracked pages used free untouched used_bytes asked_bytes held_bytes",
                   """A class of sizes of a heap: bytes of a block, 0 for large objects; whether of objects that can hold references;
pages of 64 KiB; blocks with an object, freed ones, and those that none has been in; bytes of the used blocks, what of them was
asked for, and bytes of the pages.""")
TypeUse = _tuple("TypeUse", "name count bytes", """The live objects of a type: how many, and the bytes of their blocks.""")


def size_classes(heap=None, *, text=False):
    """How a heap's memory is used by size class, a list of SizeClass of those that have pages; text: a table as a str."""
    return _core._heap_classes_text(heap) if text else list(map(SizeClass._make, _core._heap_classes(heap)))


def types(heap=None):
    """The live objects of a heap by type, a list of TypeUse, the most bytes first."""
    found = list(map(TypeUse._make, _core._heap_types(heap)))
    found.sort(key=lambda one: (-one.bytes, -one.count, one.name))
    return found


# ---- where it went ----

BalanceRow = _tuple("BalanceRow", "group name bytes counted shared swapped note", """A row of a balance sheet: resident bytes; what
their owner counts, resident or not; bytes in pages that other processes have too; swapped out; a note.""")


class Balance:
    """Where a process's memory went: rows whose bytes add up to rss, and what they mean. As text: a table.

    live_before, objects_before and milliseconds are None without an earlier sheet, trimmed_heaps, trimmed_native and
    rss_trimmed unless trim was asked for.
    """

    __slots__ = ("_handle", "rows", "verdict", "evidence", "rss", "rss_statm", "live", "objects", "live_before",
                 "objects_before", "milliseconds", "held_free", "pages", "pages_sparse", "sparse_free", "trimmed_heaps",
                 "trimmed_native", "rss_trimmed")

    def __init__(self, handle):
        self._handle = handle
        self.rows = list(map(BalanceRow._make, handle.rows()))
        for name, value in handle.sums().items():
            setattr(self, name, value)

    def __str__(self):
        return self._handle.text().rstrip("\n")

    def __repr__(self):
        return f"<Balance of {self.rss} bytes: {self.verdict}>"


def balance(*heaps, before=None, trim=False, pid=None):
    """The balance sheet of this process: heaps, husk.default if none is given; the native heap; the rest by mapping.

    before: an earlier sheet, since which growth tells a leak. trim: then give back what can be, and tell how much. pid:
    another process, of which the system's rows are known. The verdict is "fine", "leak", "retention" or "fragmentation",
    the evidence a line of numbers.
    """
    if before is not None and not isinstance(before, Balance):
        raise TypeError(f"a Balance expected, got {type(before).__name__}")
    if not heaps and pid is None:
        heaps = (None,)
    return Balance(_core._balance(heaps, _pid(pid), bool(trim), None if before is None else before._handle))
