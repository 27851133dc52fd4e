"""husk.memory: what the system says of memory, held against /proc, psutil where there is one, and itself."""

import contextlib
import gc
import mmap
import operator
import os
import pickle
import subprocess
import sys
import threading
import time
import unittest

import husk
from husk import memory
from support import SMALL, Case, main

PAGE = mmap.PAGESIZE


def find_psutil():
    """The psutil of this interpreter, or the system's, if it is for this version of Python; None: there is none."""
    system = "/usr/lib/python3/dist-packages"
    for extra in ([], [system]):
        sys.path.extend(extra)
        try:
            import psutil
            psutil.virtual_memory()
            return psutil
        except Exception:
            sys.modules.pop("psutil", None)
        finally:
            del sys.path[len(sys.path) - len(extra):]
    return None


PSUTIL = find_psutil()

SLEEPER = """
import mmap, sys, time
held = bytearray(30_000_000)
shared = mmap.mmap(-1, 4_000_000)
shared.write(b"x" * 2_000_000)
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def sleeper():
    """The pid of a process that does nothing: its numbers stand still."""
    process = subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        time.sleep(0.05)
        yield process.pid
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def from_proc(pid, name):
    """A row of /proc/<pid>/status or smaps_rollup in bytes."""
    for file in "status", "smaps_rollup":
        with open(f"/proc/{pid}/{file}", encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
    raise KeyError(name)


def steady(ours, theirs):
    """What both answer at a moment at which nothing changed: pages that are shared become private when others end."""
    for _ in range(50):
        mine, other = ours(), theirs()
        if mine == other:
            break
        time.sleep(0.02)
    return mine, other


def native_heap():
    """Not every allocator tells: that of valgrind does not."""
    with contextlib.suppress(husk.MissingError):
        return memory.native_heap()
    return {}


class Processes(Case):
    def test_it_says_what_the_system_says(self):
        with sleeper() as pid:
            info = memory.memory_info(pid)
            self.assertEqual(*steady(
                lambda: memory.memory_full_info(pid)[-3:-1][::-1],
                lambda: (from_proc(pid, "Pss"), from_proc(pid, "Private_Clean") + from_proc(pid, "Private_Dirty"))))
            full, all_of_it = memory.memory_full_info(pid), memory.process(pid)
            self.assertEqual(info.vms, from_proc(pid, "VmSize"))
            self.assertLess(abs(info.rss - from_proc(pid, "VmRSS")), 64 * PAGE)  # statm and status count apart
            self.assertEqual(full[:5], info)
            self.assertEqual(info, tuple(all_of_it[name] for name in info._fields))
            self.assertEqual(all_of_it["peak_rss"], from_proc(pid, "VmHWM"))
            self.assertEqual(all_of_it["threads"], 1)
            self.assertGreater(info.rss, 30_000_000)
            self.assertGreater(info.shared, 2_000_000)
            self.assertNotIn("uss", memory.process(pid, full=False))
            for field in "rss", "peak_vms":
                percent = memory.memory_percent(field, pid)
                self.assertAlmostEqual(percent, 100 * all_of_it[field] / memory.virtual_memory().total)

    def test_resident_memory_of_this_process_at_the_moment_of_asking(self):
        for _ in range(20):
            with open("/proc/self/statm", "rb", buffering=0) as statm:
                before = int(statm.read(100).split()[1]) * PAGE
                now = memory.memory_info().rss
                statm.seek(0)
                after = int(statm.read(100).split()[1]) * PAGE
            self.assertTrue(min(before, after) - PAGE <= now <= max(before, after) + PAGE)
            self.assertEqual(memory.memory_info(os.getpid())._fields, memory.MemoryInfo._fields)

    def test_more_memory_is_seen(self):
        before = memory.memory_info()
        held = bytearray(20_000_000)
        for i in range(0, len(held), PAGE):
            held[i] = 1
        grown = memory.memory_info().rss - before.rss
        self.assertTrue(15_000_000 < grown < 40_000_000, grown)
        del held

    def test_the_peak_can_be_reset(self):
        held = mmap.mmap(-1, 40_000_000)
        held.write(b"x" * 39_999_999)
        high = memory.process(full=False)["peak_rss"]
        held.close()
        try:
            memory.reset_peak()
        except memory.AccessDenied as error:
            self.skipTest(str(error))
        self.assertLess(memory.process(full=False)["peak_rss"], high - 30_000_000)

    def test_processes_that_are_none(self):
        calls = [memory.memory_info, memory.memory_full_info, memory.process, lambda pid: memory.memory_percent("rss", pid),
                 lambda pid: memory.memory_maps(pid=pid), memory.threads, memory.cgroup,
                 lambda pid: memory.balance(pid=pid), memory.reset_peak]
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        for call in calls:
            for pid in 0, gone.pid, 99_999_999:
                self.raises(memory.NoSuchProcess, str(pid), call, pid)
            self.raises(husk.InvalidError, "1099511627776: no number of a process", call, 1 << 40)
            self.raises(husk.RangeError, "-1 is out of range", call, -1)
            self.raises(husk.RangeError, "out of range", call, 1 << 70)
            for wrong in "1", 1.5, [1]:
                self.raises(TypeError, "", call, wrong)

    def test_a_zombie(self):
        child = subprocess.Popen([sys.executable, "-c", ""])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still to be waited for
        self.raises(memory.ZombieProcess, str(child.pid), memory.memory_info, child.pid)
        child.wait()
        self.raises(memory.NoSuchProcess, str(child.pid), memory.memory_info, child.pid)

    def test_a_process_of_somebody_else(self):
        try:
            with open("/proc/1/smaps_rollup", "rb") as file:
                file.read(1)
        except PermissionError:
            self.raises(memory.AccessDenied, "process 1", memory.memory_full_info, 1)
            self.raises(memory.AccessDenied, "process 1", memory.balance, pid=1)
        else:
            self.skipTest("this process may look at everything")

    def test_fields_that_are_none(self):
        for wrong in "nothing", "", "threads", "rss\n":
            self.raises(ValueError, "", memory.memory_percent, wrong)
        self.raises(ValueError, "null", memory.memory_percent, "rss\0")
        self.raises(TypeError, "a str expected", memory.memory_percent, 5)
        self.raises(ValueError, "unknown group", memory.fields, "nothing")
        self.raises(TypeError, "a str expected", memory.fields, 5)

    def test_every_number_is_described(self):
        for group, known in ("process", memory.process()), ("system", memory.system()), ("native", native_heap()):
            described = {field.name: field for field in memory.fields(group)}
            self.assertEqual(set(known) - set(described), set())
            self.assertTrue(all(field.text and field.unit for field in described.values()))
            self.assertTrue(all(value >= 0 for value in known.values()))
        self.assertLess(len(memory.fields("map")), 20)

    def test_threads(self):
        stop, names = threading.Event(), []

        def work():
            names.append(threading.get_native_id())
            stop.wait(60)

        threads = [threading.Thread(target=work) for _ in range(40)]
        for thread in threads:
            thread.start()
        while len(names) < 40:
            time.sleep(0.01)
        found = memory.threads()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(names) - {thread.id for thread in found}, set())
        self.assertIn("S", {thread.state for thread in found})
        self.assertEqual(memory.threads(os.getpid())[0]._fields, memory.ThreadInfo._fields)


class Maps(Case):
    def test_they_add_up(self):
        with sleeper() as pid:
            single, grouped = memory.memory_maps(False, pid), memory.memory_maps(pid=pid)
            for field in "rss", "size", "private_dirty":
                self.assertEqual(sum(getattr(m, field) for m in single), sum(getattr(m, field) for m in grouped), field)
            self.assertEqual(sum(m.count for m in grouped), len(single))
            self.assertEqual({m.path for m in single}, {m.path for m in grouped})
            with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.split(maxsplit=5) for line in file]
            self.assertEqual([m.addr for m in single], [line[0] for line in lines])
            self.assertEqual([m.perms for m in single], [line[1] for line in lines])
            self.assertEqual(sum(m.rss for m in single), from_proc(pid, "Rss"))
            self.assertIn("stack", {m.kind for m in single})

    def test_strange_names(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(os.fsencode(folder), b"a \xff\n\"b")
            with open(path, "wb+") as file:
                file.write(b"x" * PAGE)
                file.flush()
                held = mmap.mmap(file.fileno(), PAGE)
                held[0]
                found = [m for m in memory.memory_maps(False) if m.path == os.fsdecode(path)]
                self.assertEqual([(m.size, m.kind, m.deleted) for m in found], [(PAGE, "file", False)])
                os.unlink(path)
                found = [m for m in memory.memory_maps() if m.path.startswith(os.fsdecode(path))]
                self.assertEqual([m.deleted for m in found], [True])
                held.close()


@unittest.skipIf(PSUTIL is None, "there is no psutil for this interpreter")
class Psutil(Case):
    def test_a_process(self):
        with sleeper() as pid:
            theirs = PSUTIL.Process(pid)
            for mine, others in (memory.memory_info, theirs.memory_info), (memory.memory_full_info, theirs.memory_full_info):
                fields = operator.attrgetter(*mine(pid)._fields)
                self.assertEqual(*steady(lambda: fields(mine(pid)), lambda: fields(others())))
            for field in "rss", "vms", "uss", "pss", "swap":
                self.assertEqual(*steady(lambda: round(memory.memory_percent(field, pid), 9),
                                         lambda: round(theirs.memory_percent(field), 9)))

    def test_mappings(self):
        fields = "path rss size pss shared_clean shared_dirty private_clean private_dirty referenced anonymous swap".split()

        def rows(maps, names):
            return sorted(tuple(getattr(m, field) for field in names) for m in maps)

        def files(maps):  # psutil has together what has no file
            return rows([m for m in maps if m.path.startswith("/")], fields)

        with sleeper() as pid:
            theirs = PSUTIL.Process(pid)
            self.assertEqual(*steady(lambda: rows(memory.memory_maps(False, pid), [*fields, "addr", "perms"]),
                                     lambda: rows(theirs.memory_maps(False), [*fields, "addr", "perms"])))
            self.assertEqual(*steady(lambda: files(memory.memory_maps(pid=pid)), lambda: files(theirs.memory_maps())))

    def test_errors(self):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        for pid in gone.pid, 99_999_999:
            with self.assertRaises(PSUTIL.NoSuchProcess):
                PSUTIL.Process(pid).memory_info()
            self.raises(memory.NoSuchProcess, "", memory.memory_info, pid)
        with self.assertRaises(ValueError):
            PSUTIL.Process().memory_percent("nothing")
        self.raises(ValueError, "", memory.memory_percent, "nothing")

    def test_the_machine(self):
        def apart():
            """The fields that are not between what the other says before and after, and a little."""
            before, ours, after = PSUTIL.virtual_memory(), memory.virtual_memory(), PSUTIL.virtual_memory()
            self.assertEqual(ours.total, before.total)
            self.assertEqual([type(x) for x in ours], [type(x) for x in before])
            found = []
            for field in "available", "percent", "free", "active", "inactive", "buffers", "cached", "slab":
                mine, low, high = getattr(ours, field), *sorted((getattr(before, field), getattr(after, field)))
                little = 0.1 * high + 1e8 if field != "percent" else 10
                if not low - little <= mine <= high + little:
                    found.append((field, low, mine, high))
            return found

        tries = [apart() for _ in range(3)]  # others write files meanwhile, and end
        self.assertIn([], tries)
        ours, theirs = memory.swap_memory(), PSUTIL.swap_memory()
        self.assertEqual((ours.total, ours._fields), (theirs.total, theirs._fields))


class Machine(Case):
    def test_the_sums_make_sense(self):
        now = memory.virtual_memory()
        self.assertEqual(now.used, now.total - now.available)
        self.assertEqual(now.percent, round(100 * now.used / now.total, 1))
        self.assertTrue(0 < now.free < now.total)
        swap = memory.swap_memory()
        self.assertEqual(swap.used, swap.total - swap.free)
        self.assertEqual(swap.percent, round(100 * swap.used / swap.total, 1) if swap.total else 0.0)

    def test_the_cgroup(self):
        try:
            known = memory.cgroup()
        except husk.MissingError as error:
            self.skipTest(str(error))
        self.assertTrue(known["path"].startswith("/"))
        self.assertIn(known["version"], (1, 2))
        self.assertEqual(set(known) - {field.name for field in memory.fields("cgroup")}, {"path"})

    def test_the_native_heap(self):
        try:
            before = memory.native_heap()
        except husk.MissingError as error:
            self.skipTest(str(error))
        self.assertEqual(before["taken"], before["used"] + before["free"])
        held = bytearray(5_000_000)
        self.assertGreater(memory.native_heap()["used"], before["used"] + 4_000_000)
        del held
        self.assertGreaterEqual(memory.trim(), 0)


class Node(husk.Record):
    value: object
    next: object


class Balances(Case):
    def test_the_rows_add_up(self):
        kept = [self.heap.new(Node, i) for i in range(1000 if SMALL else 50_000)]
        sheet = memory.balance(self.heap, husk.default)
        self.assertEqual(sum(row.bytes for row in sheet.rows), sheet.rss)
        live = next(row for row in sheet.rows if row.name == "live objects")
        figures = self.heap.figures()
        self.assertGreaterEqual(live.counted, sheet.objects * 48)
        self.assertGreaterEqual(sheet.objects, figures.objects)
        self.assertLess(abs(sheet.rss - memory.memory_info().rss), 0.2 * sheet.rss)
        self.assertIn("Verdict: " + sheet.verdict, str(sheet))
        self.assertIn(sheet.evidence, str(sheet))
        self.assertEqual(repr(sheet), f"<Balance of {sheet.rss} bytes: {sheet.verdict}>")
        self.assertEqual((sheet.live_before, sheet.trimmed_heaps), (None, None))
        del kept

    def test_a_leak_and_what_is_only_held(self):
        count = 2000 if SMALL else 100_000
        first = memory.balance(self.heap)
        kept = [self.heap.new(Node, i) for i in range(count)]
        second = memory.balance(self.heap, before=first)
        self.assertEqual((second.live_before, second.objects_before), (first.live, first.objects))
        self.assertEqual(second.objects - second.objects_before, count)
        if not SMALL:
            self.assertEqual(second.verdict, "leak", str(second))
        del kept
        third = memory.balance(self.heap, trim=True)
        self.assertGreaterEqual(third.trimmed_heaps + third.trimmed_native, 0)
        self.assertIsInstance(third.rss_trimmed, int)
        self.assertEqual(third.objects, 0)

    def test_of_another_process(self):
        with sleeper() as pid:
            sheet = memory.balance(pid=pid)
            self.assertEqual(sum(row.bytes for row in sheet.rows), sheet.rss)
            self.assertGreater(sheet.rss, 30_000_000)
            self.assertNotIn("husk", {row.group for row in sheet.rows})
            self.raises(husk.InvalidError, "", memory.balance, self.heap, pid=pid)

    def test_wrong_arguments(self):
        self.raises(TypeError, "a Heap expected", memory.balance, 5)
        self.raises(TypeError, "a Balance expected", memory.balance, before=5)
        self.raises(husk.InvalidError, "", memory.balance, self.heap, self.heap)
        sheet = memory.balance()
        self.raises(TypeError, "cannot create", type(sheet._handle))
        self.raises(TypeError, "cannot copy or pickle", pickle.dumps, sheet._handle)
        self.heap.close()
        self.raises(husk.ClosedError, "is closed", memory.balance, self.heap)
        del sheet

    def test_in_a_hook(self):
        seen = []
        heap = self.heap

        class Last(husk.Record):
            def __finalize__(self):
                try:
                    memory.balance(heap)
                except husk.BusyError as error:
                    seen.append(str(error))

        heap.new(Last)
        self.assertEqual(len(seen), 1)


class Heaps(Case):
    def test_types_and_size_classes(self):
        kept = [self.heap.new(Node, i) for i in range(1000)] + [self.heap.list(range(10)) for _ in range(3)]
        kept.append(self.heap.list(["a text"]))
        types = {use.name: (use.count, use.bytes) for use in memory.types(self.heap)}
        self.assertEqual({name: count for name, (count, _) in types.items()}, self.heap.census())
        self.assertEqual(types["Node"], (1000, 48_000))
        self.assertEqual(memory.types(self.heap)[0].name, "Node")
        classes = memory.size_classes(self.heap)
        self.assertEqual(sum(c.used for c in classes), self.heap.figures().objects)
        self.assertEqual(sum(c.used_bytes for c in classes), self.heap.figures().object_bytes)
        for one in classes:
            self.assertLessEqual(one.asked_bytes, one.used_bytes)
            self.assertLessEqual(one.used_bytes, one.held_bytes)
        text = memory.size_classes(self.heap, text=True)
        self.assertIn("1004 in" if "1004 in" in text else "Objects: ", text)
        self.assertEqual(memory.types(), memory.types(husk.default))
        for call in memory.types, memory.size_classes, lambda heap: memory.size_classes(heap, text=True):
            self.raises(TypeError, "a Heap expected", call, 5)
        del kept
        self.heap.close()
        for call in memory.types, memory.size_classes, lambda heap: memory.size_classes(heap, text=True):
            self.raises(husk.ClosedError, "is closed", call, self.heap)


class Loops(Case):
    def test_nothing_is_left(self):
        def turn():
            memory.memory_full_info(), memory.process(), memory.virtual_memory(), memory.swap_memory(), memory.system()
            memory.memory_maps(), memory.memory_maps(False), memory.threads(), native_heap(), memory.fields("map")
            sheet = memory.balance(self.heap)
            again = memory.balance(self.heap, before=sheet, trim=True)
            str(again), repr(again), memory.types(self.heap), memory.size_classes(self.heap)
            for call in (lambda: memory.memory_info(99_999_999), lambda: memory.memory_percent("x"),
                         lambda: memory.balance(5), lambda: memory.memory_maps(pid=0), memory.cgroup,
                         lambda: memory.balance(self.heap, self.heap), lambda: memory.fields("x")):
                with contextlib.suppress(Exception):
                    call()

        for _ in range(5):
            turn()
        gc.collect()
        blocks, held = sys.getallocatedblocks(), husk.memory_held()
        for _ in range(10 if SMALL else 50):
            turn()
        gc.collect()
        self.assertLess(sys.getallocatedblocks() - blocks, 100)
        self.assertLessEqual(husk.memory_held(), held + 65536)


if __name__ == "__main__":
    main()
