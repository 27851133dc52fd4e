// tests/generic/Story.java: the story of tests/bindings/story.md as far as level 1 goes.
import husk.Cleanup;
import husk.Heap;
import husk.Husk;
import husk.Obj;
import husk.Type;
import husk.Weak;
import husk.WeakState;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Story {
  static final Heap heap = new Heap("story");
  static final Type type = Husk.record_type("Node", "value next");

  static Obj node(long value) {
    Obj made = Husk.record_new(heap, type);
    Husk.record_set(made, "value", value);
    return made;
  }

  static long nodes() {
    return heap.census("Node");
  }

  static String state(Weak weak) {
    return weak.state() == WeakState.HUSK_ALIVE ? "alive" : "dead";
  }

  static String status(Runnable body) {
    try {
      body.run();
      return "none";
    } catch (RuntimeException e) {
      Matcher name = Pattern.compile("\\((HUSK_\\w+)\\)").matcher(e.getMessage());
      return name.find() ? name.group(1) : e.getMessage();
    }
  }

  static void say(String format, Object... values) {
    System.out.println(String.format(format, values));
  }

  static void counts(Obj shelf) {
    Obj a = node(1), b = node(2), c = node(3);
    say("make: %d nodes", nodes());
    Object[] values = {1L, 2.5, "three", true, null};
    for (Object value : values) Husk.list_append(shelf, value);
    say("make: the shelf holds %d values", Husk.list_count(shelf));
    Object[] back = new Object[5];
    for (int i = 0; i < 5; i++) back[i] = Husk.list_get(shelf, i);
    if (!Arrays.equals(values, back)) throw new IllegalStateException("values");

    say("share: a has %d reference", a.strong_count());
    Husk.list_append(shelf, a);
    say("share: on the shelf, %d", a.strong_count());
    Husk.record_set(b, "next", a);
    say("share: and in b, %d", a.strong_count());

    try (Obj removed = (Obj) Husk.list_remove(shelf, 5)) {
      if (!Husk.same(removed, a)) throw new IllegalStateException("another object");
    }
    say("count: a has %d references", a.strong_count());
    c.close();
    say("count: %d nodes", nodes());

    Husk.record_set(a, "next", b);
    Weak weak = Husk.weak_new(a);
    a.close();
    b.close();
    say("cycle: %d nodes", nodes());
    say("cycle: a is %s", state(weak));

    say("collect: %d collected", heap.collect());
    say("collect: %d nodes", nodes());
    say("collect: a is %s", state(weak));
  }

  static void finalizers() {
    Obj d = node(4);
    String[] names = {"", "first", "second"};
    try (Cleanup first = Husk.watch(d, 1); Cleanup second = Husk.watch(d, 2)) {
      say("finalizer: %d pending", heap.cleanups());
      if (!first.is_pending() || !second.is_pending()) throw new IllegalStateException("pending");
      d.close();
      for (Object number; (number = Husk.gone(heap)) != null; ) {
        say("finalizer: %s", names[((Long) number).intValue()]);
      }
      say("finalizer: %d pending", heap.cleanups());
    }
  }

  static void weakMaps() {
    Obj byKey = Husk.weakkeymap_new(heap), byValue = Husk.weakvaluemap_new(heap);
    Obj k = node(5), v = node(6);
    Husk.record_set(v, "next", k);
    Husk.weakkeymap_set(byKey, k, v);
    Husk.weakvaluemap_set(byValue, "k", k);
    say("weak map: %d by key, %d by value", Husk.weakkeymap_count(byKey), Husk.weakvaluemap_count(byValue));
    k.close();
    v.close();
    say("weak map: %d nodes", nodes());
    say("weak map: %d collected", heap.collect());
    say("weak map: %d by key, %d by value", Husk.weakkeymap_count(byKey), Husk.weakvaluemap_count(byValue));
  }

  static void errors(Obj shelf) {
    Obj e = node(7);
    say("error: %s", status(() -> Husk.record_get(e, "colour")));
    try (Heap small = new Heap("small")) {
      small.set_max_bytes(400000);
      Obj list = Husk.list_new(small);
      say("error: %s", status(() -> Husk.list_append(shelf, list)));
      say("error: %s", status(() -> { while (true) Husk.list_append(list, 0); }));
    }
    heap.verify();
    say("error: the heap is whole");
  }

  public static void main(String[] arguments) {
    Obj shelf = Husk.list_new(heap);
    counts(shelf);
    finalizers();
    weakMaps();
    errors(shelf);
    heap.close();
    try {
      Husk.list_count(shelf);
      say("close: the shelf is there");
    } catch (RuntimeException e) {
      say("close: the shelf is %s", e.getMessage().contains("heap 'story' is closed") ? "gone" : e.getMessage());
    }
  }
}
