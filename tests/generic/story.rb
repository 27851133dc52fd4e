# tests/generic/story.rb: the story of tests/bindings/story.md as far as level 1 goes.
require "husk"

def status
  yield
  "none"
rescue StandardError => e
  e.message[/\((HUSK_\w+)\)/, 1] || e.message
end

heap = Husk::Heap.new("story")
node_type = Husk.record_type("Node", "value next")
node = lambda do |value|
  made = Husk.record_new(heap, node_type)
  Husk.record_set(made, "value", value)
  made
end
nodes = -> { heap.census("Node") }
state = ->(weak) { weak.state == Husk::HUSK_ALIVE ? "alive" : "dead" }

a, b, c = node[1], node[2], node[3]
puts "make: #{nodes[]} nodes"
shelf = Husk.list_new(heap)
[1, 2.5, "three", true, nil].each { |value| Husk.list_append(shelf, value) }
puts "make: the shelf holds #{Husk.list_count(shelf)} values"
raise "values" unless (0...5).map { |i| Husk.list_get(shelf, i) } == [1, 2.5, "three", true, nil]

puts "share: a has #{a.strong_count} reference"
Husk.list_append(shelf, a)
puts "share: on the shelf, #{a.strong_count}"
Husk.record_set(b, "next", a)
puts "share: and in b, #{a.strong_count}"

removed = Husk.list_remove(shelf, 5)
raise "another object" unless Husk.same(removed, a)
Husk.release(removed)
puts "count: a has #{a.strong_count} references"
Husk.release(c)
puts "count: #{nodes[]} nodes"

Husk.record_set(a, "next", b)
weak = Husk.weak_new(a)
Husk.release(a)
Husk.release(b)
puts "cycle: #{nodes[]} nodes"
puts "cycle: a is #{state[weak]}"

puts "collect: #{heap.collect} collected"
puts "collect: #{nodes[]} nodes"
puts "collect: a is #{state[weak]}"

d = node[4]
names = { 1 => "first", 2 => "second" }
cleanups = names.keys.map { |number| Husk.watch(d, number) }
puts "finalizer: #{heap.cleanups} pending"
raise "pending" unless cleanups.all?(&:is_pending)
Husk.release(d)
while (number = Husk.gone(heap))
  puts "finalizer: #{names[number]}"
end
puts "finalizer: #{heap.cleanups} pending"

by_key, by_value = Husk.weakkeymap_new(heap), Husk.weakvaluemap_new(heap)
k, v = node[5], node[6]
Husk.record_set(v, "next", k)
Husk.weakkeymap_set(by_key, k, v)
Husk.weakvaluemap_set(by_value, "k", k)
counts = -> { "#{Husk.weakkeymap_count(by_key)} by key, #{Husk.weakvaluemap_count(by_value)} by value" }
puts "weak map: #{counts[]}"
Husk.release(k)
Husk.release(v)
puts "weak map: #{nodes[]} nodes"
puts "weak map: #{heap.collect} collected"
puts "weak map: #{counts[]}"

e = node[7]
puts "error: #{status { Husk.record_get(e, 'colour') }}"
small = Husk::Heap.new("small")
small.set_max_bytes(400_000)
list = Husk.list_new(small)
puts "error: #{status { Husk.list_append(shelf, list) }}"
puts "error: #{status { loop { Husk.list_append(list, 0) } }}"
heap.verify
puts "error: the heap is whole"

heap.close
begin
  Husk.list_count(shelf)
  puts "close: the shelf is there"
rescue RuntimeError => e
  puts "close: the shelf is #{e.message =~ /heap 'story' is closed/ ? 'gone' : e.message}"
end
