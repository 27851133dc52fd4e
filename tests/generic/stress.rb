# tests/generic/stress.rb SEED: random calls while Ruby collects at every chance (GC.stress), against a model of what has
# to be there. Wrappers come and go in the middle of calls; nothing that is still named may end, nothing may stay.
require "husk"

random = Random.new(Integer(ARGV[0] || 1))
heap = Husk::Heap.new("stress")
type = Husk.record_type("Node", "value next")

names = {}  # name -> wrapper: records and lists
model = {}  # name -> what it has to hold: value, or values
texts = %w[a bb ccc] << "d" * 100

GC.stress = true
150.times do |step|
  name = random.rand(8)
  case random.rand(9)
  when 0
    names[name] = Husk.record_new(heap, type)
    model[name] = { "value" => nil, "next" => nil }
  when 1
    names[name] = Husk.list_new(heap)
    model[name] = []
  when 2
    names.delete(name)
    model.delete(name)
  when 3, 4
    value = [nil, true, step, step / 4.0, texts.sample(random: random)].sample(random: random)
    if model[name].is_a?(Hash)
      Husk.record_set(names[name], "value", value)
      model[name]["value"] = value
    elsif model[name]
      Husk.list_append(names[name], value)
      model[name] << value
    end
  when 5
    other = random.rand(8)
    if model[name].is_a?(Hash) && names[other]
      Husk.record_set(names[name], "next", names[other])
      raise "another object" unless Husk.same(Husk.record_get(names[name], "next"), names[other])
    end
  when 6
    if model[name].is_a?(Array) && !model[name].empty?
      at = random.rand(model[name].size)
      got = Husk.list_remove(names[name], at)
      raise "#{got.inspect} removed" unless got.eql?(model[name].delete_at(at))
    end
  when 7
    heap.collect
  else
    names.each do |which, wrapper|
      if model[which].is_a?(Hash)
        raise "value of #{which}" unless Husk.record_get(wrapper, "value").eql?(model[which]["value"])
      else
        got = (0...Husk.list_count(wrapper)).map { |i| Husk.list_get(wrapper, i) }
        raise "#{got.inspect}, not #{model[which].inspect}" unless got == model[which]
      end
    end
  end
end
GC.stress = false

heap.verify
names.each_value { |wrapper| raise "a named object has ended" unless Husk.alive(wrapper) }
names.each_value { |wrapper| Husk.release(wrapper) }
names = nil
GC.start
heap.collect
# What is left is what a stale word on Ruby's stack may hold.
raise "#{heap.figure('objects')} objects stay" if heap.figure("objects") > 10
heap.verify
heap.close
puts "stress: whole"
