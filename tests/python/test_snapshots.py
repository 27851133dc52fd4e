"""Snapshots of husk.tracemalloc: statistics, files, exports, and what goes wrong."""

import gc
import io
import json
import os
import pickle
import random
import threading

import husk
from husk import tracemalloc
from husk._statistics import _KEY_TYPES
from support import SMALL, main
from traced import NODE, Node, Traced, make


class Statistics(Traced):
    def setUp(self):
        super().setUp()
        self.untraced = make(self.heap, 4)
        self.start(2)
        self.kept = make(self.heap, 6)
        self.kept.append(self.heap.list(self.kept))
        make(self.heap, 10)  # these are gone
        self.snapshot = self.take()

    def tearDown(self):
        self.kept = self.untraced = self.snapshot = None
        super().tearDown()

    def test_all_groupings_have_the_same_total(self):
        total = tracemalloc.get_traced_memory(heap=self.heap)[0]
        every = total + 4 * NODE
        for key in _KEY_TYPES:
            stats = self.snapshot.statistics(key)
            wanted = every if key in ("type", "size", "kind") else total
            self.assertEqual((sum(s.size for s in stats), stats.total.size), (wanted, wanted), key)
            self.assertEqual(self.snapshot.statistics(key, untraced=True).total.size, every, key)
            self.assertEqual([s.size for s in stats], sorted((s.size for s in stats), reverse=True))
            if key != "traceback":
                self.assertEqual(stats.format(len(stats))[:-1], [str(s) for s in stats])
        self.assertEqual(self.rows(self.snapshot.statistics("type"))["Node"], (10 * NODE, 10))

    def test_sums(self):
        stats = self.snapshot.statistics("lineno")
        self.assertGreater(len(stats), 1)
        self.assertEqual(str(stats.total).split(":")[0], "total")
        self.assertEqual(stats.rest(1).size, stats.total.size - stats[0].size)
        self.assertIsNone(stats.rest(len(stats)))
        self.raises(ValueError, "0 or more", stats.rest, -1)
        top = self.snapshot.statistics("lineno", top=1)
        self.assertEqual((len(top), top[0], top.rest(1)), (1, stats[0], stats.rest(1)))
        self.assertEqual(len(self.snapshot.statistics("lineno", top=0)), 0)
        self.assertEqual(len(self.snapshot.statistics("lineno", top=-5)), 0)
        self.assertEqual(len(self.snapshot.statistics("lineno", top=1000)), len(stats))
        self.assertIn("other: size=", stats.format(1)[1])
        again = pickle.loads(pickle.dumps(stats))
        self.assertEqual((type(again), again), (list, list(stats)))

    def test_lifetimes(self):
        born = self.snapshot.statistics("lineno", sort="born")
        self.assertEqual(born[0].lifetimes.born, 16)
        self.assertEqual(born[0].lifetimes.died, 10)
        self.assertEqual(self.snapshot.statistics("lineno", sort="temporary")[0].lifetimes.temporary, 1)
        self.assertGreaterEqual(self.snapshot.statistics("lineno", sort="peak")[0].lifetimes.peak_bytes, 6 * NODE)
        self.assertIsNone(self.snapshot.statistics("type")[0].lifetimes)
        self.raises(ValueError, "", self.snapshot.statistics, "type", sort="born")
        self.raises(ValueError, "", self.snapshot.statistics, "lineno", sort="nonsense")
        self.raises(ValueError, "", self.snapshot.compare_to, self.snapshot, "lineno", sort="born")
        self.raises(TypeError, "", self.snapshot.statistics, "lineno", sort=5)

    def test_other_filters(self):
        def count(*args, **named):
            return len(self.snapshot.filter_traces([tracemalloc.Filter(*args, **named)]).traces)

        things = len(self.snapshot.traces)
        self.assertEqual(count(True, type="Node"), 6)
        self.assertEqual(count(False, type="Node"), things - 6)
        self.assertEqual(count(True, function="make"), 6)
        self.assertEqual(count(True, function="ma[a-z]e", type="N*"), 6)
        self.assertEqual(count(True, function="make", type="list"), 0)
        self.assertEqual(count(True, kind="buffer") + count(True, kind="object"), things)
        self.assertEqual(count(True, min_size=49), sum(t.size > 48 for t in self.snapshot.traces))
        self.assertEqual(count(True, min_size=-5), things)
        self.assertEqual(count(True, thread="*"), things)
        self.assertEqual(count(True, "*traced.py", function="make"), 6)
        self.raises(ValueError, "kind is", lambda: tracemalloc.Filter(True, kind="thing"))
        self.raises(TypeError, "a str expected", count, True, type=5)
        everything = self.snapshot.filter_traces([tracemalloc.Filter(True, type="Node")]).statistics("type")
        self.assertEqual(self.rows(everything), {"Node": (10 * NODE, 10)})

    def test_compare_wrong_things(self):
        for wrong in None, 5, self.snapshot._handle:
            self.raises(TypeError, "a Snapshot expected", self.snapshot.compare_to, wrong, "lineno")
        self.raises(ValueError, "unknown key_type", self.snapshot.compare_to, self.snapshot, "nonsense")

    def test_compare_by_type(self):
        self.kept += make(self.heap, 3)
        diff = self.take().compare_to(self.snapshot, "type")
        self.assertEqual((diff[0].name, diff[0].count_diff, diff[0].size_diff), ("Node", 3, 3 * NODE))
        self.assertEqual(str(diff[0]), "Node: size=624 B (+144 B), count=13 (+3), average=48 B")
        self.assertEqual(diff.total.size_diff, 3 * NODE)

    def test_the_handles_cannot_be_made_or_copied(self):
        stats = self.snapshot.statistics("lineno")
        for handle in self.snapshot._handle, stats._stats, self.snapshot.traces._things():
            self.raises(TypeError, "cannot create", type(handle))
            self.raises(TypeError, "cannot copy or pickle", pickle.dumps, handle)
        self.raises(TypeError, "made by take_snapshot", tracemalloc.Snapshot)
        self.raises(IndexError, "row", stats._stats.row, 1 << 40)
        self.assertIsNone(self.snapshot.traces._things().at(1 << 40))

    def test_they_outlive_heap_and_snapshot(self):
        stats, traces, trace = self.snapshot.statistics("traceback"), self.snapshot.traces, self.snapshot.traces[0]
        texts = [str(s) for s in stats], [str(t) for t in traces]
        self.kept = self.untraced = None
        self.heap.close()
        self.snapshot = None
        gc.collect()
        self.assertEqual(([str(s) for s in stats], [str(t) for t in traces]), texts)
        self.assertEqual(str(trace), texts[1][0])
        self.assertIn("total", str(stats.total))


class Snapshots(Traced):
    def test_what_it_has(self):
        self.start(2)
        one = self.heap.new(Node, "text")
        one.next = items = self.heap.list([one, 5, one])
        weak = husk.ref(items)
        snapshot = self.take(maps=True)
        counts = snapshot.counts
        self.assertEqual((counts.objects, counts.buffers), (4, 1))  # the text, and the weak reference
        self.assertEqual(snapshot.about["heap"], "test_what_it_has")
        self.assertEqual(snapshot.about["pid"], str(os.getpid()))
        self.assertEqual(snapshot.numbers["trace"]["frames"], 2)
        self.assertEqual(snapshot.traceback_limit, 2)
        number = snapshot.find(one)
        info = snapshot.object_at(number)
        self.assertEqual((info.type, info.size, info.references), ("Node", NODE, 2))
        self.assertEqual(info.traceback, tracemalloc.get_object_traceback(one))
        self.assertEqual((info.hidden, info.tracked, info.frozen), (1, True, False))
        self.assertEqual(snapshot.find(info.address), number)
        self.assertEqual([r.name for r in snapshot.references_of(number)], ["value", "next"])
        to = snapshot.references_of(snapshot.find(items))
        self.assertEqual([(r.to, r.index, r.weak) for r in to], [(number, 0, False), (number, 2, False)])
        self.assertTrue(snapshot.object_at(snapshot.find(items)).weakly)
        self.assertIsNotNone(weak())
        self.assertIsNone(snapshot.find(1))
        self.raises(IndexError, "object 4 of 4", snapshot.object_at, 4)
        self.raises(IndexError, "", snapshot.object_at, -1)
        self.raises(IndexError, "", snapshot.references_of, 99)
        self.raises(TypeError, "", snapshot.object_at, "x")
        self.raises(TypeError, "", snapshot.find, "x")
        self.raises(husk.RangeError, "out of range", snapshot.find, -1)
        self.assertIsNone(snapshot.find(make(self.heap)[0]))

    def test_what_is_left_out(self):
        self.start()
        kept = self.heap.list(make(self.heap, 100))
        full, lean = self.take(), self.take(references=False, process_memory=False, blocks=False)
        self.assertEqual((full.counts.edges, lean.counts.edges), (100, 0))
        self.assertEqual(lean.references_of(lean.find(kept)), [])
        self.raises(husk.LimitError, "does not fit", self.take, max_bytes=100)
        more = self.heap.list([kept] * 100_000)
        full = self.take()
        limited = self.take(max_bytes=full.counts.bytes - 100_000)
        self.assertEqual(limited.counts.edges, 0)
        self.raises(husk.RangeError, "", self.take, max_bytes=-1)
        del more
        tracemalloc.stop(heap=self.heap)
        plain = self.take(traced=False)
        self.assertEqual((plain.counts.objects, plain.counts.traced, len(plain.traces)), (101, 0, 0))
        self.assertEqual(plain.statistics("type").total.count, 101)

    def test_notes_and_attributes(self):
        self.start()
        snapshot = self.take()
        snapshot.note("who", "me\nand \udcff")
        snapshot.number, snapshot.deep = 5, {"a": [None, "ü\ud800"]}
        chosen = snapshot.filter_traces([tracemalloc.Filter(True, type="Node")])
        chosen.dump(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual(loaded.about["who"], "me\nand \udcff")
        self.assertFalse(hasattr(loaded, "number"))
        self.assertEqual(loaded._filters, chosen._filters)
        snapshot.dump(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual((loaded.number, loaded.deep), (snapshot.number, snapshot.deep))
        self.raises(ValueError, "is used by", snapshot.note, "python", "x")
        self.raises(TypeError, "a str expected", snapshot.note, "x", 5)
        self.raises(ValueError, "null", snapshot.note, "x\0", "y")
        snapshot.wrong = {1, 2}
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        snapshot.wrong = snapshot
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        snapshot.wrong = loop = []
        loop.append(loop)
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        with self.assertRaises(AttributeError):
            snapshot.traces = 5

    def test_a_child_takes_one(self):
        self.start(2)
        kept = make(self.heap, 50)
        child = tracemalloc.fork_snapshot(self.path, heap=self.heap, references=False, process_memory=False)
        self.assertGreater(child.pid, 0)
        child.wait()
        child.wait()
        self.assertIsNone(child.pid)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual(loaded.counts.objects, 50)
        self.assertEqual(loaded.statistics("lineno")[0].count, 50)
        self.assertNotIn("process", loaded.numbers)
        with tracemalloc.fork_snapshot(self.path, heap=self.heap) as child:
            pid = child.pid
        self.assertRaises(ChildProcessError, os.waitpid, pid, os.WNOHANG)
        child = tracemalloc.fork_snapshot(self.path, heap=self.heap)
        pid = child.pid
        del child  # it is waited for
        self.assertRaises(ChildProcessError, os.waitpid, pid, os.WNOHANG)
        self.raises(husk.FileError, "/nowhere/x", tracemalloc.fork_snapshot("/nowhere/x", heap=self.heap).wait)
        self.raises(husk.LimitError, "", tracemalloc.fork_snapshot(self.path, heap=self.heap, max_bytes=100).wait)
        self.raises(TypeError, "", tracemalloc.fork_snapshot, None, heap=self.heap)
        self.raises(ValueError, "null", tracemalloc.fork_snapshot, "a\0b", heap=self.heap)
        self.raises(TypeError, "fork_snapshot", tracemalloc.ForkedSnapshot)
        tracemalloc.stop(heap=self.heap)
        self.raises(husk.StateError, "tracing", tracemalloc.fork_snapshot, self.path, heap=self.heap)
        tracemalloc.fork_snapshot(self.path, heap=self.heap, traced=False).wait()
        self.assertEqual(tracemalloc.Snapshot.load(self.path).counts.objects, 50)
        self.assertEqual(self.unraisable, [])
        tracemalloc.fork_snapshot("/nowhere/x", heap=self.heap, traced=False)
        self.assertIn("/nowhere/x", self.unraisable.pop()[1])
        del kept

    def test_no_fork_while_another_thread_works(self):
        kept = make(self.heap, 200 if SMALL else 20000)
        snapshot = self.take(traced=False)
        errors, done = [], threading.Event()

        def work():
            while not done.is_set():
                snapshot.statistics("type")
                snapshot.compare_to(snapshot, "type")

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        good = 0
        for _ in range(30):
            try:
                tracemalloc.fork_snapshot(self.path + "2", heap=self.heap, traced=False).wait()
                good += 1
                self.assertEqual(tracemalloc.Snapshot.load(self.path + "2").counts.objects, len(kept))
            except husk.BusyError as error:
                errors.append(error)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(good + len(errors), 30)
        tracemalloc.fork_snapshot(self.path + "2", heap=self.heap, traced=False).wait()

    def test_wrong_files(self):
        self.start()
        kept = make(self.heap, 3)
        snapshot = self.take()
        for path in self.folder.name, os.path.join(self.path, "x"), "/proc/nothing/x":
            self.raises(husk.FileError, path, snapshot.dump, path)
        self.raises(husk.FileError, "/no/such", tracemalloc.Snapshot.load, "/no/such")
        self.raises(husk.FileError, "", tracemalloc.Snapshot.load, "")
        for wrong in 5, None, [self.path]:
            self.raises(TypeError, "", snapshot.dump, wrong)
            self.raises(TypeError, "", tracemalloc.Snapshot.load, wrong)
        self.raises(ValueError, "null", tracemalloc.Snapshot.load, "a\0b")
        self.assertEqual(os.listdir(self.folder.name), [])
        snapshot.dump(self.path)
        with open(self.path, "rb") as file:
            good = file.read()
        choices = random.Random(1)
        for i in range(20 if SMALL else 200):
            bad = bytearray(good)
            if i % 2:
                del bad[choices.randrange(len(bad)):]
            else:
                bad[choices.randrange(len(bad))] ^= 1 << choices.randrange(8)
            with open(self.path, "wb") as file:
                file.write(bad)
            self.raises(husk.FormatError, self.path, tracemalloc.Snapshot.load, self.path)
        del kept

    def test_a_damaged_note(self):
        self.start()
        snapshot = self.take()
        term = [True, "*", None, False, None, None, None, None, None, None, None, None]
        good = {"filters": [[term]], "attributes": {"x": 1}}
        for filters in 5, [5], [[5]], [[term[:-1]]], [[[*term[:-1], 5]]], [[["x", *term[1:]]]], None, {"a": 1}, [[term + [1]]]:
            self.wrong_note(snapshot, json.dumps({**good, "filters": filters}))
        for attributes in 5, [], {"statistics": 1}, {"__class__": 1}, {"_handle": 1}, {"traceback_limit": 2}, None:
            self.wrong_note(snapshot, json.dumps({**good, "attributes": attributes}))
        for text in "x", "[]", "5", "{}", '{"filters": []}', "[" * 100_000, "null", '"' + "x" * 100:
            self.wrong_note(snapshot, text)
        snapshot._handle.note("python", json.dumps(good))
        snapshot._handle.save(self.path)
        self.assertEqual(tracemalloc.Snapshot.load(self.path).x, 1)
        snapshot._handle.note("python", "")
        snapshot._handle.save(self.path)
        self.assertEqual(len(tracemalloc.Snapshot.load(self.path).traces), 0)

    def wrong_note(self, snapshot, text):
        snapshot._handle.note("python", text)
        snapshot._handle.save(self.path)
        self.raises(husk.FormatError, f"{self.path}: what Python has noted", tracemalloc.Snapshot.load, self.path)

    def test_files_of_others(self):
        """A file without a note of ours: of the command line, Lua or Go."""
        self.start(4)
        kept = make(self.heap, 3)
        snapshot = self.take()
        snapshot._handle.save(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual((len(loaded.traces), loaded.traceback_limit, vars(loaded)), (len(kept), 4, {}))

    def test_readers_in_threads(self):
        self.start(4)
        kept = make(self.heap, 200 if SMALL else 20_000)
        snapshot = self.take()
        seen, failed = [], []

        def read():
            try:
                for _ in range(20):
                    stats = snapshot.statistics("traceback")
                    seen.append(str(stats.total))
                    snapshot.compare_to(snapshot, "lineno")
                    len(snapshot.filter_traces([tracemalloc.Filter(True, "*test*")]).traces)
                    try:
                        snapshot.note("a", "b")
                    except husk.BusyError:
                        pass
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(set(seen)), 1)
        del kept


class Exports(Traced):
    def setUp(self):
        super().setUp()
        self.start(4)
        self.kept = make(self.heap, 100)
        self.snapshot = self.take()

    def tearDown(self):
        self.kept = self.snapshot = None
        super().tearDown()

    def test_each_form_into_a_file_and_piece_by_piece(self):
        formats = tracemalloc.export_formats()
        self.assertGreaterEqual({f.name for f in formats}, {"json", "collapsed", "pprof", "heapsnapshot", "speedscope"})
        for one in formats:
            self.assertTrue(one.about)
            path = self.path + "." + one.suffix
            self.snapshot.export(path, one.name)
            with open(path, "rb") as file:
                written = file.read()
            pieces = io.BytesIO()
            self.snapshot.export(pieces, one.name)
            self.assertEqual(len(pieces.getvalue()), len(written), one.name)
            self.assertGreater(len(written), 50)

    def test_json_says_what_is_there(self):
        self.snapshot.export(self.path + ".json")
        with open(self.path + ".json", encoding="utf-8") as file:
            found = json.load(file)
        self.assertIn("Node", json.dumps(found))
        out = io.BytesIO()
        self.snapshot.export(out, "collapsed", count=True)
        self.assertEqual(sum(int(line.rsplit(b" ", 1)[1]) for line in out.getvalue().splitlines()), 100)
        out = io.BytesIO()
        self.snapshot.export(out, "csv", by="lineno", top=1)
        self.assertIn(b"traced.py", out.getvalue())

    def test_filtered(self):
        """A filtered snapshot is the sums of what passes, form by form."""
        self.kept.append(self.heap.list(self.kept))
        snapshot = self.take()

        def collapsed(chosen, **named):
            out = io.BytesIO()
            chosen.export(out, "collapsed", **named)
            return [line.rsplit(" ", 1) for line in out.getvalue().decode().splitlines()]

        def total(chosen, **named):
            return sum(int(number) for _, number in collapsed(chosen, **named))

        filters = tracemalloc.Filter(True, type="Node"), tracemalloc.Filter(False, type="Node")
        inside, outside = (snapshot.filter_traces([one]) for one in filters)
        self.assertEqual(total(inside, count=True), 100)
        self.assertEqual(total(inside), inside.statistics("type").total.size)
        self.assertGreater(total(outside), 0)
        for named in {}, {"count": True}, {"types": True}:
            self.assertEqual(total(inside, **named) + total(outside, **named), total(snapshot, **named))
        self.assertEqual({line[0].rsplit(";")[-1] for line in collapsed(inside, types=True)}, {"Node"})
        both = inside.filter_traces([filters[1]])
        self.assertEqual(collapsed(both), [])
        out = io.BytesIO()
        inside.export(out, "csv", by="type")
        rows = out.getvalue().decode().split("\r\n")[1:-1]
        self.assertEqual([row.split(",")[:4] for row in rows], [['"Node"', '""', "0", "100"]])
        out = io.BytesIO()
        inside.export(out, "speedscope")
        profiles = json.loads(out.getvalue())["profiles"]
        self.assertEqual([profile["name"] for profile in profiles], ["alive, bytes", "alive, things"])
        self.assertEqual(sum(profiles[1]["weights"]), 100)
        out, whole = io.BytesIO(), io.BytesIO()
        inside.export(out, "pprof")
        snapshot.export(whole, "pprof")
        self.assertLess(len(out.getvalue()), len(whole.getvalue()))
        since = snapshot.filter_traces([tracemalloc.Filter(True, since="no such mark")])
        self.raises(husk.MissingError, "no such mark", since.export, self.path, "pprof")

    def test_a_report(self):
        second = self.take()
        tracemalloc.report([self.snapshot, second], self.path, title="Two </script>", names=["one", "two"])
        with open(self.path, encoding="utf-8") as file:
            page = file.read()
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        self.assertNotIn("Two </script>", page)
        out = io.BytesIO()
        tracemalloc.report(iter([second]), out, max_bytes=200_000)
        self.assertLessEqual(len(out.getvalue()), 200_000)
        for wrong in [], [second] * 1001:
            self.raises(husk.RangeError, "", tracemalloc.report, wrong, self.path)
        self.raises(husk.RangeError, "", tracemalloc.report, [second], self.path, max_bytes=5)
        self.raises(ValueError, "1 names for 2", tracemalloc.report, [second, second], self.path, names=["a"])
        self.raises(TypeError, "a str expected", tracemalloc.report, [second], self.path, names=[5])
        self.raises(TypeError, "a Snapshot expected", tracemalloc.report, [5], self.path)
        self.raises(TypeError, "", tracemalloc.report, 5, self.path)

    def test_what_goes_wrong(self):
        export = self.snapshot.export
        self.raises(husk.MissingError, "nonsense", export, self.path, "nonsense")
        self.raises(ValueError, "has to be said", export, self.path)
        self.raises(ValueError, "has to be said", export, io.BytesIO())
        self.raises(ValueError, "unknown key_type", export, self.path, "csv", by="nonsense")
        self.raises(husk.FileError, "/no/such", export, "/no/such/x", "json")
        self.raises(TypeError, "", export, 5, "json")
        self.raises(TypeError, "a str expected", export, self.path, 5)
        self.raises(TypeError, "", export, io.StringIO(), "json")
        self.raises(husk.RangeError, "", export, self.path, "csv", top=-1)
        chosen = self.snapshot.filter_traces([tracemalloc.Filter(True, type="Node")])
        for form in "json", "text", "heapsnapshot", "dot", "openmetrics", "html":
            self.raises(husk.InvalidError, "takes no filter", chosen.export, self.path, form)
        self.raises(husk.InvalidError, "takes no filter", chosen.export, self.path, "collapsed", made=True)
        self.assertFalse(os.path.exists(self.path))
        self.raises(ValueError, "filtered", tracemalloc.report, [chosen], self.path)
        seen = []

        class Refusing:
            def write(self, piece):
                seen.append(len(piece))
                raise KeyError("no more")

        with self.assertRaises(KeyError):
            export(Refusing(), "json")
        self.assertEqual(len(seen), 1)
        self.assertEqual(os.listdir(self.folder.name), [])

        class Curious:
            def write(writer, piece):
                self.raises(husk.BusyError, "is being read", self.snapshot.note, "a", "b")

        export(Curious(), "json")
        self.snapshot.note("a", "b")


if __name__ == "__main__":
    main()
