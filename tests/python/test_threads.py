"""Threads share heaps under the interpreter's lock; handles end in any of them."""

import gc
import random
import sys
import threading

import husk
from support import SMALL, Case, main

THREADS = 8
OPERATIONS = 20000 if SMALL else 1000000


class Node(husk.Record):
    value: object
    next: object


ended = []


class Finalized(Node):
    def __finalize__(self):
        ended.append(self.value)


class Threads(Case):
    def setUp(self):
        super().setUp()
        self.interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)

    def tearDown(self):
        sys.setswitchinterval(self.interval)
        super().tearDown()

    def run_all(self, work):
        problems = []

        def body(number):
            try:
                work(number)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=body, args=(i,)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]

    def test_hammer(self):
        shared = self.heap.list([None] * 64)
        by_name = self.heap.map()
        made = [0] * THREADS

        def work(number):
            source = random.Random(number)
            draw, heap = source.random, self.heap
            for i in range(OPERATIONS // THREADS):
                at = int(draw() * 64)
                kind = int(draw() * 12)
                if kind < 4:
                    shared[at] = heap.new(Node, i, shared[int(draw() * 64)])
                elif kind < 6:
                    n = shared[at]
                    if isinstance(n, Node):
                        n.next = shared[int(draw() * 64)]
                elif kind == 6:
                    shared[at] = {"of": shared[at]} if draw() < 0.2 else None
                elif kind == 7:
                    by_name[str(at)] = shared[at]
                elif kind == 8:
                    by_name.pop(str(at), None)
                elif kind == 9:
                    made[number] += 1
                    shared[at] = heap.new(Finalized, number)
                elif kind == 10:
                    r = husk.ref(n) if isinstance(n := shared[at], Node) else None
                    if r is not None:
                        r()
                elif draw() < 0.002:
                    try:
                        heap.collect()
                    except husk.BusyError:
                        pass
                else:
                    shared[at] = None

        del ended[:]
        self.run_all(work)
        shared.clear()
        by_name.clear()
        self.heap.collect()
        self.assertEqual(self.heap.figures().objects, 2)
        self.assertEqual([ended.count(i) for i in range(THREADS)], made)

    def test_handles_end_in_other_threads(self):
        import queue
        handles = queue.Queue()

        def work(number):
            if number == 0:
                for i in range(2000):
                    handles.put(self.heap.new(Finalized, i))
                for _ in range(THREADS):
                    handles.put(None)
            else:
                while handles.get() is not None:
                    pass

        del ended[:]
        self.run_all(work)
        del handles
        self.assertEqual(sorted(ended), list(range(2000)))
        self.assertEqual(self.heap.figures().objects, 0)

    def test_python_collects_meanwhile(self):
        def work(number):
            for i in range(40 if SMALL else 300):
                n = self.heap.new(Node)
                n.value = [n, {"n": n}]
                if i % 20 == number:
                    gc.collect()

        self.run_all(work)
        self.heap.collect()
        self.assertEqual(self.heap.figures().objects, 0)

    def test_closed_by_another_thread(self):
        heap = husk.Heap("short")
        ready, closed = threading.Event(), []

        def work(number):
            try:
                while True:
                    l = heap.list([number, {}])
                    l.append(heap.new(Node, l))
                    ready.set()
            except husk.ClosedError:
                closed.append(number)

        def close():
            ready.wait()
            while True:
                try:
                    heap.close()
                    return
                except husk.BusyError:
                    pass

        closer = threading.Thread(target=close)
        closer.start()
        self.run_all(work)
        closer.join()
        self.assertEqual(sorted(closed), list(range(THREADS)))


if __name__ == "__main__":
    main()
