// tests/generic/Abuse.java: what a Java program may do wrong is an exception that names it; nothing leaks, nothing
// crashes, whichever thread a wrapper ends on.
import husk.Heap;
import husk.Husk;
import husk.Obj;
import husk.Type;
import husk.Weak;
import java.util.concurrent.atomic.AtomicReference;

public class Abuse {
  static void refused(Class<? extends Throwable> kind, String part, Runnable body) {
    try {
      body.run();
    } catch (RuntimeException e) {
      if (kind.isInstance(e) && e.getMessage().contains(part)) return;
      throw new AssertionError("refused with " + e + ", not " + kind + " " + part, e);
    }
    throw new AssertionError("not refused: " + part);
  }

  static void want(boolean condition, String what) {
    if (!condition) throw new AssertionError(what);
  }

  static void values(Heap heap, Obj map, Obj node) {
    Object[] values = {null, true, false, 0L, -1L, Long.MAX_VALUE, Long.MIN_VALUE, 1.5, -0.0, Double.NaN, "", "text",
      "gr\u00fc\u00dfe\0\ud83d\ude00"};
    for (Object value : values) {
      Husk.map_set(map, 1, value);
      Object back = Husk.map_get(map, 1);
      want(value == null ? back == null : value.equals(back), value + " came back as " + back);
    }
    Husk.map_set(map, 1, node);
    try (Obj back = (Obj) Husk.map_get(map, 1)) {
      want(Husk.same(back, node), "another object");
    }
    try (Weak weak = Husk.weak_new(node); Obj list = Husk.list_new(heap)) {
      Husk.list_append(list, weak);
      want(Husk.list_get(list, 0) instanceof Weak, "a weak reference in a list");
    }
  }

  // Wrappers that nobody closes end with Java's collector, on its thread, and their objects on ours.
  static void collected(Heap heap) throws InterruptedException {
    for (int i = 0; i < 20000; i++) Husk.list_new(heap);
    long lists = heap.census("list");
    for (int round = 0; round < 100 && lists > 2000; round++) {
      System.gc();
      Thread.sleep(20);
      heap.safepoint();
      lists = heap.census("list");
    }
    want(lists <= 2000, lists + " lists stay");
  }

  static void snapshots(Heap heap, Type type, Obj list) {
    heap.trace_start(5);
    heap.trace_push("Shop.java", 12, "load");
    heap.tag_push("cart");
    Obj[] things = new Obj[10];
    for (int i = 0; i < 10; i++) things[i] = Husk.record_new(heap, type);
    heap.tag_pop();
    heap.trace_pop();
    String path = System.getProperty("java.io.tmpdir") + "/husk-" + ProcessHandle.current().pid() + ".husk";
    try (Obj shot = Husk.snapshot_take(heap)) {
      Husk.snapshot_save(shot, path);
      try (Obj loaded = Husk.snapshot_load(heap, path)) {
        for (Obj snapshot : new Obj[] {shot, loaded}) {
          want(Husk.snapshot_group(snapshot, "line", "tag=cart") == 1, "rows");
          want("Shop.java:12".equals(Husk.snapshot_name(snapshot, 0)), "name");
          want(Husk.snapshot_size(snapshot, 0) == 480 && Husk.snapshot_things(snapshot, 0) == 10, "row");
          want("abuse".equals(Husk.snapshot_text(snapshot, "heap")), "text");
          want(Husk.snapshot_text(snapshot, "none") == null, "no text");
        }
      }
      refused(IndexOutOfBoundsException.class, "row 7 of 1", () -> Husk.snapshot_name(shot, 7));
    }
    new java.io.File(path).delete();
    refused(IllegalArgumentException.class, "list is no snapshot", () -> Husk.snapshot_count(list, "objects"));
    refused(RuntimeException.class, "HUSK_EIO", () -> Husk.snapshot_load(heap, path));
    heap.trace_stop();
    for (Obj thing : things) thing.close();
  }

  static void pair(Heap heap) {
    try (Obj one = Husk.list_new(heap); Obj two = Husk.list_new(heap)) {
      Husk.list_append(one, two);
      Husk.list_append(two, one);
    }
  }

  // Regions without passes, quiet moments, stress.
  static void pacing(Heap heap) {
    Class<? extends Throwable> index = IndexOutOfBoundsException.class;
    refused(index, "HUSK_ERANGE", () -> heap.no_gc_begin(0, 0, false));
    refused(index, "HUSK_ERANGE", () -> heap.no_gc_begin(-1, 0, false));
    refused(RuntimeException.class, "HUSK_ESTATE", heap::no_gc_end);
    heap.collect();
    heap.no_gc_begin(1000, 0, false);
    refused(RuntimeException.class, "a script", () -> heap.no_gc_begin(1, 0, false));
    pair(heap);
    want(heap.no_gc() && heap.figure("region.active") == 1 && heap.figure("region.objects") == 1000, "region");
    want(heap.no_gc_end().equals("kept") && !heap.no_gc() && heap.figure("region.kept") == 1, "kept");
    refused(index, "HUSK_ERANGE", () -> heap.idle(1000));
    heap.request();
    heap.idle(1_000_000_000);
    want(heap.figure("idle.passed") == 1 && heap.figure("idle.collected") == 2, "idle");
    refused(index, "HUSK_ERANGE", () -> heap.set_stress(1L << 33, 0));
    heap.set_stress(1, 0);
    long passes = heap.figure("total.passes");
    pair(heap);
    heap.set_stress(0, 0);
    want(heap.figure("total.passes") >= passes + 2, "stress");
    heap.collect();
  }

  // The page of passes.
  static void page(Heap heap, Obj list) {
    Class<? extends Throwable> index = IndexOutOfBoundsException.class;
    long pid = ProcessHandle.current().pid();
    refused(index, "has no page", () -> Husk.gcstat_read(heap, pid));
    Husk.gcstat_start();
    pair(heap);
    heap.collect();
    try (Obj pids = Husk.gcstat_list(heap); Obj page = Husk.gcstat_read(heap, pid)) {
      int found = 0;
      for (long i = 0; i < Husk.list_count(pids); i++) if (Husk.list_get(pids, i).equals(pid)) found++;
      want(found == 1, "listed");
      long row = 0;
      while (!"abuse".equals(Husk.gcstat_word(page, row, "name"))) row++;
      long mine = row;
      want("call".equals(Husk.gcstat_word(page, row, "latest.reason")), "reason");
      want(Husk.gcstat_figure(page, row, "latest.freed") == 2, "freed");
      want("list".equals(Husk.gcstat_type(page, row, 0)) && Husk.gcstat_freed(page, row, 0) == 2, "types");
      want(Husk.gcstat_type(page, row, 1) == null, "more types");
      want(Husk.gcstat_figure(page, row, "sums.full.passes") == heap.figure("total.passes"), "sums");
      refused(index, "row 99 of", () -> Husk.gcstat_word(page, 99, "name"));
      refused(index, "no figure 'moon'", () -> Husk.gcstat_figure(page, mine, "moon"));
    }
    refused(index, "no process 2000000000", () -> Husk.gcstat_read(heap, 2_000_000_000));
    refused(IllegalArgumentException.class, "list is no page", () -> Husk.gcstat_count(list));
    Husk.gcstat_stop();
    want(!Husk.gcstat_is_on(), "still a page");
  }

  public static void main(String[] arguments) throws InterruptedException {
    Heap heap = new Heap("abuse");
    Type type = Husk.record_type("Node", "value,next");
    Obj node = Husk.record_new(heap, type), list = Husk.list_new(heap), map = Husk.map_new(heap);
    Class<? extends Throwable> argument = IllegalArgumentException.class, index = IndexOutOfBoundsException.class;

    refused(argument, "argument 1 is nothing", () -> Husk.list_count(null));
    refused(argument, "java.lang.Object cannot be stored", () -> Husk.list_append(list, new Object()));
    refused(argument, "NUL", () -> Husk.record_get(node, "val\0ue"));
    refused(argument, "argument 2 is nothing", () -> Husk.record_get(node, null));
    refused(index, "HUSK_ERANGE", () -> Husk.list_get(list, -1));
    refused(index, "index 7 ", () -> Husk.list_get(list, 7));
    refused(index, "no field 'colour'", () -> Husk.record_set(node, "colour", 1));
    refused(argument, "list has no fields", () -> Husk.record_get(list, "value"));
    refused(argument, "HUSK_ETYPE", () -> Husk.list_append(node, 1));
    refused(argument, "HUSK_EINVAL", () -> Husk.map_set(map, null, 1));
    refused(index, "HUSK_EMISSING", () -> Husk.map_get(map, "nothing"));
    refused(argument, "HUSK_EINVAL", () -> Husk.record_type("Twice", "a a"));

    // A refused call leaves nothing behind, also when its text was made before it failed.
    long objects = heap.figure("objects");
    for (int i = 0; i < 1000; i++) refused(argument, "HUSK_EINVAL", () -> Husk.map_set(map, null, "a text"));
    heap.safepoint();
    want(heap.figure("objects") == objects, "objects left");

    values(heap, map, node);
    Obj extra = Husk.list_new(heap);
    Husk.release(extra);
    Husk.release(extra);
    refused(RuntimeException.class, "released", () -> Husk.list_count(extra));
    extra.close();
    extra.close();
    refused(argument, "argument 1 is nothing, or was released", () -> Husk.list_count(extra));
    collected(heap);

    AtomicReference<RuntimeException> elsewhere = new AtomicReference<>();
    Thread other = new Thread(() -> {
      try {
        Husk.list_count(list);
      } catch (RuntimeException e) {
        elsewhere.set(e);
      }
    });
    other.start();
    other.join();
    want(elsewhere.get() != null && elsewhere.get().getMessage().contains("another thread"), "another thread");

    want(Husk.memory(0, "process", "rss") > 1 << 20, "rss");
    want(Husk.memory_percent(0, "rss") > 0, "percent");
    refused(RuntimeException.class, "process 2000000000: there is none", () -> Husk.memory(2_000_000_000L, "process", "rss"));
    refused(argument, "no field \"rsss\"", () -> Husk.memory(0, "process", "rsss"));
    refused(argument, "threads is not in bytes", () -> Husk.memory_percent(0, "threads"));

    snapshots(heap, type, list);
    pacing(heap);
    page(heap, list);
    heap.verify();
    heap.close();
    refused(RuntimeException.class, "heap 'abuse' is closed", () -> Husk.list_count(list));
    refused(RuntimeException.class, "heap 'abuse' is closed", heap::collect);
    Heap second = new Heap("orphan");
    Obj orphan = Husk.list_new(second);
    second.delete();
    Husk.list_append(orphan, "still here");
    want("still here".equals(Husk.list_get(orphan, 0)), "orphan");
    orphan.close();
    want(Husk.memory_held() == 0, Husk.memory_held() + " bytes held");
    System.out.println("abuse: refused");
  }
}
