# tests/generic/abuse.rb: what a Ruby script may do wrong is an exception that names it; nothing leaks, nothing crashes.
require "husk"
require "tmpdir"

def refused(kind, pattern)
  yield
  raise "not refused: #{pattern}"
rescue kind => e
  raise unless e.message =~ pattern
end

heap = Husk::Heap.new("abuse")
type = Husk.record_type("Node", "value,next")
node = Husk.record_new(heap, type)
list = Husk.list_new(heap)
map = Husk.map_new(heap)

# Wrong things where an object, a value, a name or a number is due.
refused(ArgumentError, /argument 1 is nothing.*HUSK_EINVAL/) { Husk.list_count(nil) }
refused(TypeError, /husk_obj/) { Husk.list_count(heap) }
refused(TypeError, /husk_obj/) { Husk.list_count(42) }
refused(TypeError, /argument 2 is a Symbol.*HUSK_ETYPE/) { Husk.list_append(list, :symbol) }
refused(TypeError, /argument 2 is a Object/) { Husk.list_append(list, Object.new) }
refused(RangeError, /too big/) { Husk.list_append(list, 2**64) }
refused(ArgumentError, /null byte/) { Husk.record_get(node, "val\0ue") }
refused(TypeError, /nil/) { Husk.record_get(node, nil) }
refused(StandardError, /./) { Husk.list_get(list, -1) }
refused(IndexError, /index 7 .*HUSK_ERANGE/) { Husk.list_get(list, 7) }
refused(IndexError, /no field 'colour'/) { Husk.record_set(node, "colour", 1) }
refused(TypeError, /list has no fields.*HUSK_ETYPE/) { Husk.record_get(list, "value") }
refused(TypeError, /HUSK_ETYPE/) { Husk.list_append(node, 1) }
refused(ArgumentError, /HUSK_EINVAL/) { Husk.map_set(map, nil, 1) }
refused(IndexError, /HUSK_EMISSING/) { Husk.map_get(map, "nothing") }
refused(ArgumentError, /HUSK_EINVAL/) { Husk.record_type("Twice", "a a") }
refused(TypeError, /HUSK_ETYPE/) { Husk.weakset_add(Husk.weakset_new(heap), Husk.map_keys(list)) }

# A refused call leaves nothing behind, also when its text was made before the other argument was looked at.
texts = heap.census("text")
1000.times { refused(TypeError, /Symbol/) { Husk.map_set(map, "a key", :symbol) } }
heap.safepoint
raise "left #{heap.census('text') - texts} texts" unless heap.census("text") == texts

# Values come back as they went in.
text = "gr\u00fc\u00dfe\0ende"
[nil, true, false, 0, -1, 2**63 - 1, -2**63, 1.5, -0.0, Float::INFINITY, "", text].each do |value|
  Husk.map_set(map, 1, value)
  back = Husk.map_get(map, 1)
  raise "#{value.inspect} came back as #{back.inspect}" unless back.eql?(value)
end
Husk.map_set(map, 1, node)
raise "another object" unless Husk.same(Husk.map_get(map, 1), node)
keys = Husk.map_keys(map)
raise "keys" unless Husk.list_count(keys) == 1 && Husk.list_get(keys, 0) == 1
raise "has" unless Husk.map_has(map, 1) && !Husk.map_has(map, 2)
weak = Husk.weak_new(node)
Husk.list_append(list, weak)
raise "a weak reference in a list" unless Husk.list_get(list, 0).is_a?(Husk::Weak)

# Cleanups: detached, run by hand, left behind with the heap; each is told once.
detached, run = Husk.watch(node, 1), Husk.watch(node, 2)
raise "detach" unless detached.detach && !detached.detach && !detached.is_pending && detached.get.nil?
raise "get" unless Husk.same(run.get, node)
raise "run" unless run.run && !run.run && Husk.gone(heap) == 2 && Husk.gone(heap).nil?
Husk.release_cleanup(run)
refused(RuntimeError, /released/) { run.is_pending }
refused(TypeError, /husk_cleanup/) { Husk.release_cleanup(node) }
told, untold = Husk.list_new(heap), Husk.list_new(heap)
3.times { |number| Husk.watch(told, number) }
Husk.release(told)
raise "order" unless Husk.gone(heap) == 2
Husk.watch(untold, 9)

# Handles: released twice, used after release, dropped by Ruby's collector.
extra = Husk.list_new(heap)
Husk.release(extra)
Husk.release(extra)
refused(RuntimeError, /argument 1 .*released.*HUSK_ESTATE/) { Husk.list_count(extra) }
raise "alive" if Husk.alive(extra) || !Husk.alive(list)
20_000.times { Husk.list_new(heap) }
GC.start
raise "lists stay: #{heap.census('list')}" if heap.census("list") > 2_000

# Wrappers that Ruby makes without us.
refused(TypeError, /allocator/) { Husk::Obj.new }
refused(TypeError, /allocator|allocate/) { list.dup }
refused(StandardError, /./) { Husk::Heap.allocate.collect }

# An environment that is not understood.
ENV["HUSK_GCTRACE"] = "yes"
refused(ArgumentError, /HUSK_GCTRACE=yes: it is 1, or 0 for off \(HUSK_EINVAL\)/) { Husk::Heap.new("none") }
ENV.delete("HUSK_GCTRACE")

# Memory that fails, at every request in turn.
refusals = 0
(1..).each do |nth|
  before = refusals
  Husk.memory_fail(nth, false)
  begin
    poor = Husk::Heap.new("poor")
    kept = Husk.map_new(poor)
    40.times { |i| Husk.map_set(kept, "key #{i}" * 200, Husk.list_new(poor)) }
    Husk.weakvaluemap_set(Husk.weakvaluemap_new(poor), 1, kept)
    Husk.map_keys(kept)
    Husk.watch(kept, 1)
  rescue NoMemoryError => e
    raise unless e.message =~ /HUSK_ENOMEM/
    refusals += 1
  ensure
    Husk.memory_fail(0, false)
  end
  poor&.verify
  poor&.close
  break if refusals == before
end
raise "#{refusals} refusals" unless refusals >= 3

# Another thread may not use the heap; what it drops ends here.
error = Thread.new { begin; Husk.list_count(list); rescue RuntimeError => e; e; end }.value
raise "not refused: #{error.inspect}" unless error.is_a?(RuntimeError) && error.message =~ /another thread/

# The system's numbers, and processes and fields that there are not.
raise "rss" unless Husk.memory(0, "process", "rss") > 1 << 20 && Husk.memory(Process.pid, "process", "vms") > 1 << 20
raise "percent" unless (0.0..100.0).cover?(Husk.memory_percent(0, "rss"))
refused(IndexError, /process 2000000000: there is none \(HUSK_EMISSING\)/) { Husk.memory(2_000_000_000, "process", "rss") }
refused(ArgumentError, /no field "rsss"/) { Husk.memory(0, "process", "rsss") }
refused(ArgumentError, /no group of numbers "moon"/) { Husk.memory(0, "moon", "rss") }
refused(ArgumentError, /threads is not in bytes/) { Husk.memory_percent(0, "threads") }

# Tracing and snapshots: taken, grouped, written, loaded, exported; and what is none.
refused(RuntimeError, /HUSK_ESTATE/) { heap.tag_pop }
refused(RuntimeError, /./) { heap.mark("too early") }
refused(IndexError, /HUSK_ERANGE/) { heap.trace_start(70_000) }
heap.trace_start(5)
heap.trace_push("shop.rb", 12, "load")
heap.tag_push("cart")
things = (1..10).map { Husk.record_new(heap, type) }
heap.mark("later")
heap.tag_pop
heap.trace_pop
things.concat((1..3).map { Husk.record_new(heap, type) })
shot = Husk.snapshot_take(heap)
rows = ->(snapshot, by, filter) do
  (0...Husk.snapshot_group(snapshot, by, filter)).to_h do |row|
    [Husk.snapshot_name(snapshot, row), [Husk.snapshot_things(snapshot, row), Husk.snapshot_size(snapshot, row)]]
  end
end
raise "line" unless rows.(shot, "line", "tag=cart")["shop.rb:12"] == [10, 480]
raise "mark" unless rows.(shot, "mark", "type=Node")["later"] == [3, 144]
raise "type" unless rows.(shot, "type", "")["Node"][0] == heap.census("Node")
path = File.join(Dir.tmpdir, "husk-#{Process.pid}.husk")
folded = path.sub(/husk$/, "folded")
Husk.snapshot_save(shot, path)
loaded = Husk.snapshot_load(heap, path)
%w[line type tag kind].each { |by| raise by unless rows.(shot, by, "") == rows.(loaded, by, "") }
raise "text" unless Husk.snapshot_text(loaded, "heap") == "abuse" && Husk.snapshot_text(loaded, "none").nil?
raise "count" unless Husk.snapshot_count(loaded, "objects") == Husk.snapshot_count(shot, "objects")
Husk.snapshot_export(loaded, folded, "")
raise "export" unless File.read(folded).include?("load (shop.rb:12) 480\n")
refused(ArgumentError, /form has to be said/) { Husk.snapshot_export(loaded, "/tmp/x", "") }
refused(IndexError, /no form "moon"/) { Husk.snapshot_export(loaded, "/tmp/x", "moon") }
refused(TypeError, /list is no snapshot/) { Husk.snapshot_count(list, "objects") }
refused(TypeError, /list is no snapshot/) { Husk.snapshot_save(list, path) }
refused(IndexError, /no count 'moon'/) { Husk.snapshot_count(shot, "moon") }
refused(ArgumentError, /none of line, file/) { Husk.snapshot_group(shot, "moon", "") }
refused(ArgumentError, /colour/) { Husk.snapshot_group(shot, "line", "colour=red") }
refused(IndexError, /row 99 of/) { Husk.snapshot_size(shot, 99) }
refused(RuntimeError, /nothing was grouped/) { Husk.snapshot_name(Husk.snapshot_take(heap), 0) }
refused(RuntimeError, %r{/no/such.*HUSK_EIO}) { Husk.snapshot_load(heap, "/no/such") }
refused(RuntimeError, %r{/no/other.*HUSK_EIO}) { Husk.snapshot_load(heap, "/no/other") } # not the text of the one before
refused(RuntimeError, /HUSK_EFORMAT/) { Husk.snapshot_load(heap, folded) }
refused(ArgumentError, /null byte/) { Husk.snapshot_load(heap, "a\0b") }
File.delete(path, folded)
raise "traced" unless heap.is_traced
heap.trace_stop
raise "still traced" if heap.is_traced

# Regions without passes, quiet moments, stress: what they refuse, and what they found, as figures.
quiet = Husk::Heap.new("quiet")
pair = lambda do |*|
  one, two = Husk.list_new(quiet), Husk.list_new(quiet)
  Husk.list_append(one, two)
  Husk.list_append(two, one)
  [one, two].each { |each| Husk.release(each) }
end
figures = ->(group, *names) { names.map { |name| quiet.figure("#{group}.#{name}") } }
refused(IndexError, /HUSK_ERANGE/) { quiet.no_gc_begin(0, 0, false) }
refused(IndexError, /HUSK_ERANGE/) { quiet.no_gc_begin(-1, 0, false) }
refused(IndexError, /HUSK_ERANGE/) { quiet.no_gc_begin(10, 0, true) }
refused(RuntimeError, /HUSK_ESTATE/) { quiet.no_gc_end }
raise "no region" unless !quiet.no_gc && figures.("region", "objects", "active", "kept") == [0, 0, 0]
quiet.no_gc_begin(1000, 1 << 20, true)
refused(RuntimeError, /a script.*HUSK_ESTATE/) { quiet.no_gc_begin(1, 0, false) }
pair.()
raise "region" unless quiet.no_gc && figures.("region", "objects", "bytes", "active", "kept") == [1000, 1 << 20, 1, 1]
raise "kept" unless quiet.no_gc_end == "kept" && !quiet.no_gc
raise "ended" unless figures.("region", "objects", "grown_objects", "active", "kept") == [1000, 2, 0, 1]
quiet.no_gc_begin(1000, 0, false)
quiet.collect
raise "asked" unless quiet.no_gc_end == "asked" && figures.("region", "kept") == [0]
quiet.no_gc_begin(10, 0, false)
3000.times(&pair)
raise "budget" unless quiet.no_gc_end == "budget" && figures.("region", "kept") == [0]
quiet.collect
refused(IndexError, /HUSK_ERANGE/) { quiet.idle(1000) }
refused(IndexError, /HUSK_ERANGE/) { quiet.idle(-1) }
pair.()
quiet.request
quiet.idle(1_000_000_000)
raise "idle" unless figures.("idle", "passed", "collected", "stepped") == [1, 2, 0] && quiet.figure("idle.took_ns") > 0
refused(IndexError, /every 8589934592.*HUSK_ERANGE/) { quiet.set_stress(2**33, 0) }
refused(IndexError, /HUSK_ERANGE/) { quiet.set_stress(-1, 0) }
quiet.set_stress(1, 0)
before = quiet.figure("total.passes")
3.times(&pair)
raise "stress" unless quiet.figure("total.passes") >= before + 6 && figures.("stress", "every", "seed") == [1, 0]
quiet.set_stress(0, 7)
before = quiet.figure("total.passes")
3.times(&pair)
raise "no stress" unless quiet.figure("total.passes") == before && figures.("stress", "every", "seed") == [0, 7]
refused(IndexError, /no figure 'region.moon'/) { quiet.figure("region.moon") }

# The page of passes, of this process and of others.
raise "no page" if Husk.gcstat_is_on || Husk.map_keys(map).nil?
refused(IndexError, /process #{Process.pid} has no page.*HUSK_EMISSING/) { Husk.gcstat_read(quiet, Process.pid) }
refused(IndexError, /no process 2000000000.*HUSK_EMISSING/) { Husk.gcstat_read(quiet, 2_000_000_000) }
[0, -1, 2**40].each { |pid| refused(IndexError, /no process has the number #{pid}/) { Husk.gcstat_read(quiet, pid) } }
Husk.gcstat_start
raise "a page" unless Husk.gcstat_is_on
freed = quiet.collect
pids = Husk.gcstat_list(quiet)
raise "listed" unless (0...Husk.list_count(pids)).any? { |i| Husk.list_get(pids, i) == Process.pid }
page = Husk.gcstat_read(quiet, Process.pid)
names = (0...Husk.gcstat_count(page)).map { |row| Husk.gcstat_word(page, row, "name") }
row = names.index("quiet") or raise "heaps: #{names}"
latest = %w[mode reason status].map { |name| Husk.gcstat_word(page, row, "latest.#{name}") }
raise "words: #{latest}" unless latest == %w[full call HUSK_OK]
{ "latest.number" => quiet.figure("pass.number"), "latest.freed" => freed, "latest.quiet" => 0, "latest.threads" => 1,
  "sums.full.passes" => quiet.figure("total.passes"), "sums.full.freed" => quiet.figure("total.collected"),
  "sums.step.passes" => 0, "pauses.step.count" => 0, "pauses.full.count" => quiet.figure("total.passes") }.each do |name, value|
  found = Husk.gcstat_figure(page, row, name)
  raise "#{name}: #{found}, not #{value}" unless found == value
end
parts = %w[clear subtract seed mark gather finalize confirm reclaim callbacks]
spent = parts.sum { |part| Husk.gcstat_figure(page, row, "latest.ns.#{part}") }
raise "parts" unless spent == Husk.gcstat_figure(page, row, "latest.pause_ns") && spent > 0
raise "all parts" unless parts.sum { |part| Husk.gcstat_figure(page, row, "sums.full.ns.#{part}") } >= spent
raise "any" unless Husk.gcstat_figure(page, row, "pauses.any.count") >= quiet.figure("total.passes")
raise "p99" unless Husk.gcstat_figure(page, row, "pauses.full.p99_ns") <= Husk.gcstat_figure(page, row, "pauses.any.max_ns")
raise "types" unless Husk.gcstat_type(page, row, 0) == "list" && Husk.gcstat_freed(page, row, 0) == freed && freed > 0
raise "more types" unless Husk.gcstat_type(page, row, 1).nil?
refused(IndexError, /type 1 of 1/) { Husk.gcstat_freed(page, row, 1) }
refused(IndexError, /row 99 of/) { Husk.gcstat_word(page, 99, "name") }
["moon", "latest.moon", "latest.ns.moon", "sums.moon.freed", "sums.any.freed", "sums.full", "pauses.full.ns.mark", ""].each do |name|
  refused(IndexError, /no figure '#{name}'/) { Husk.gcstat_figure(page, row, name) }
end
refused(IndexError, /no word 'moon'/) { Husk.gcstat_word(page, row, "moon") }
refused(TypeError, /list is no page/) { Husk.gcstat_count(list) }
refused(TypeError, /is no snapshot/) { Husk.snapshot_count(page, "objects") }
Husk.gcstat_stop
raise "still a page" if Husk.gcstat_is_on
raise "not a copy" unless Husk.gcstat_word(page, row, "name") == "quiet"
quiet.verify
quiet.close

# A heap that is closed before its objects; objects that outlive every name of their heap.
heap.verify
heap.close
refused(RuntimeError, /heap 'abuse' is closed/) { Husk.list_count(list) }
refused(RuntimeError, /heap 'abuse' is closed/) { weak.lock }
refused(RuntimeError, /heap 'abuse' is closed/) { heap.collect }
refused(RuntimeError, /heap 'abuse' is closed/) { Husk.snapshot_count(shot, "objects") }
orphan = Husk.list_new(Husk::Heap.new("orphan"))
GC.start
Husk.list_append(orphan, "still here")
raise "orphan" unless Husk.list_get(orphan, 0) == "still here"
Husk.release(orphan)
heap = nil
GC.start
raise "#{Husk.memory_held} bytes held" unless Husk.memory_held.zero? || ObjectSpace.each_object(Husk::Heap).any?
puts "abuse: refused"
