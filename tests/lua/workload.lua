-- husk.workload: what a generated heap says of itself is what the heap says; the same seed gives the same.
local husk = require "husk"
local tap = require "tap"
local workload = require "husk.workload"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

-- Runs with a heap of its own, which has to be whole and empty at the end.
local function with_heap(body)
  local heap = husk.heap{name = "workload"}
  heap:pacing{least_objects = 0, least_bytes = 0} -- only the passes that are asked for
  body(heap)
  ok(heap:verify())
  heap:collect()
  eq(heap:figures().objects, 0)
  heap:close()
end

-- Objects, and the references in their slots, counted by a snapshot.
local function counted(heap)
  local snapshot <close> = husk.snapshot.take{heap = heap}
  local objects, edges = 0, 0
  for number in snapshot:nodes() do
    objects = objects + 1
    for _ in snapshot:edges(number) do edges = edges + 1 end
  end
  return objects, edges
end

local sorts = {
  {shape = "ring", n = 50}, {shape = "ring", n = 50, degree = 3}, {shape = "ring", n = 1}, {shape = "chain", n = 200},
  {shape = "chain", n = 5, degree = 9}, {shape = "grid", n = 100}, {shape = "grid", n = 107}, {shape = "grid", n = 1},
  {shape = "random", n = 1000, degree = 3}, {shape = "random", n = 500, degree = 1, seed = 9}, {shape = "dag", n = 300},
  {shape = "powerlaw", n = 700, degree = 4}, {shape = "tree", n = 100, degree = 3},
  {shape = "tree", n = 100, degree = 3, parents = true}, {},
}

test("graphs: objects, references, and what counting leaves when the roots go", function()
  for _, options in ipairs(sorts) do
    with_heap(function(heap)
      options.heap = heap
      local graph = workload.graph(options)
      local objects, edges = counted(heap)
      eq(objects, graph.objects)
      eq(edges, graph.edges)
      eq(graph.objects, options.n or 1000)
      eq(#graph.roots, #graph.numbers)
      eq(graph.roots[#graph.roots].number, graph.numbers[#graph.roots])
      eq(heap:collect{handles = false}.collected, 0) -- all of it is reached from the roots
      graph:release()
      eq(heap:figures().objects, graph.cyclic)
      eq(heap:collect{handles = false}.collected, graph.cyclic)
    end)
  end
end)

test("graphs: the shapes are what they are called", function()
  local function shape(options)
    local graph = workload.graph(options)
    local got = {graph.edges, graph.cyclic, #graph.roots}
    local handles = graph
    handles:release()
    husk.collect()
    return table.concat(got, " ")
  end
  eq(shape{shape = "ring", n = 50}, "50 50 1")
  eq(shape{shape = "chain", n = 50}, "49 0 1")
  eq(shape{shape = "grid", n = 12}, "17 0 1") -- three rows of four: 9 to the right, 8 down
  eq(shape{shape = "tree", n = 15}, "14 0 1")
  eq(shape{shape = "tree", n = 15, parents = true}, "28 15 1")
  eq(shape{shape = "dag", n = 100, degree = 3}:match("^297 0 "), "297 0 ")
  eq(husk.collect().collected, 0)
end)

test("a power law: a few are referred to by very many, most by few; at random nobody is", function()
  local function referred(shape)
    local graph = workload.graph{shape = shape, n = 2000, degree = 2, seed = 3}
    local counts = {}
    for _, object in ipairs(husk.objects(graph.class)) do counts[#counts + 1] = husk.refcount(object) end
    graph:release()
    husk.collect()
    table.sort(counts)
    return counts[#counts], counts[#counts // 2]
  end
  local most, middle = referred("powerlaw")
  ok(most > 60, most)
  ok(middle <= 2, middle)
  ok((referred("random")) < 15)
end)

test("trees by depth", function()
  with_heap(function(heap)
    local tree = workload.tree{depth = 4, fanout = 3, heap = heap}
    eq(tree.objects, 121)
    eq(tree.edges, 120)
    local depth, node = 0, tree.roots[1]
    while node.to1 do depth, node = depth + 1, node.to1 end
    eq(depth, 4)
    eq(workload.tree{depth = 0, heap = heap}.objects, 1)
    local linked = workload.tree{depth = 5, parents = true, heap = heap}
    eq(linked.roots[1].to2.to1.parent.parent, linked.roots[1])
    eq(linked.cyclic, 63)
  end)
end)

test("churn: births, deaths, those alive and the garbage", function()
  for _, lifetime in ipairs{"fixed", "uniform", "exponential", "pareto"} do
    with_heap(function(heap)
      local churn = workload.churn{live = 300, lifetime = lifetime, seed = 5, heap = heap}
      eq(churn.births, 300)
      for _ = 1, 5 do
        churn:step(1000)
        eq(churn.live, churn.births - churn.deaths)
        eq(heap:figures().objects, churn.live + 1)
        ok(churn.live > (lifetime == "pareto" and 100 or 200) and churn.live < 420, -- its long lives come late
        lifetime .. ": " .. churn.live)
      end
      if lifetime == "fixed" then eq(churn.live, 300) end
      eq(churn.garbage, 0)
      churn:release()
    end)
  end
  with_heap(function(heap)
    local churn = workload.churn{live = 100, cycles = 0.25, heap = heap}:step(2000)
    ok(churn.garbage > 400 and churn.garbage < 600, churn.garbage)
    eq(heap:figures().objects, churn.live + churn.garbage + 1)
    eq(heap:collect().collected, churn.garbage)
    churn:release()
  end)
end)

test("a cache: what the map has is the working set", function()
  with_heap(function(heap)
    local cache = workload.cache{keys = 500, working_set = 50, heap = heap}
    cache:step(20)
    eq(#cache.map, cache.misses)
    cache:step(3000)
    eq(cache.hits + cache.misses, 3020)
    eq(#cache.map, 50)
    eq(cache.entries, 50)
    eq(heap:figures().objects, 52)
    local key = cache.held[1].number
    local misses = cache.misses
    ok(cache:lookup(key))
    eq(cache.misses, misses)
    collectgarbage()
    cache:release()
  end)
end)

test("short-lived cycles beside a live set", function()
  with_heap(function(heap)
    local cycles = workload.cycles{live = 2000, length = 4, heap = heap}:step(100)
    eq(cycles.garbage, 400)
    eq(heap:figures().objects, 2400)
    eq(heap:collect{handles = false}.collected, 400)
    cycles:release()
  end)
end)

test("random numbers: known ones, ranges, means", function()
  local r = workload.random(0)
  -- The first results of SplitMix64 from the seed 0, as published.
  eq(r:next(), 0xE220A8397B1DCDAF)
  eq(r:next(), 0x6E789E6AA1B965F4)
  local counts, sum = {0, 0, 0, 0, 0}, 0.0
  for _ = 1, 50000 do
    local i = r:below(5)
    counts[i] = counts[i] + 1
    sum = sum + r:exponential()
    local u = r:unit()
    ok(u >= 0 and u < 1)
  end
  for i = 1, 5 do ok(math.abs(counts[i] - 10000) < 400, counts[i]) end
  ok(math.abs(sum / 50000 - 1) < 0.02, sum)
  eq(r:below(1), 1)
end)

test("the same seed, the same heap; another seed, another", function()
  local function text(seed)
    local graph = workload.graph{n = 60, degree = 2, seed = seed}
    local words = {}
    for _, object in ipairs(husk.objects(graph.class)) do
      words[#words + 1] = object.number .. ">" .. object.to1.number .. "," .. object.to2.number
    end
    graph:release()
    table.sort(words)
    husk.collect()
    return table.concat(words, " ")
  end
  local one = text(1)
  eq(one, text(1))
  ok(one ~= text(2))
  -- Of this machine and of any other.
  eq(one:match("^%S+"), "10>8,37")
  local churn = workload.churn{live = 100, seed = 42}:step(1000)
  eq(churn.live .. " " .. churn.deaths, "103 997")
  churn:release()
end)

test("wrong options are named", function()
  raises("HUSK_EINVAL", "husk.workload.graph: there is no shape 'cube'; there are chain, dag, grid", function()
    workload.graph{shape = "cube"}
  end)
  raises("HUSK_EINVAL", "graph: unknown option 'size'", function() workload.graph{size = 1} end)
  raises("HUSK_EINVAL", "graph: option 'n': number expected, got string", function() workload.graph{n = "1"} end)
  raises("HUSK_EINVAL", "graph: option 'n': 1.5 is no whole number", function() workload.graph{n = 1.5} end)
  raises("HUSK_EINVAL", "graph: option 'n': 0 is less than 1", function() workload.graph{n = 0} end)
  raises("HUSK_EINVAL", "graph: option 'heap': heap expected, got number", function() workload.graph{heap = 1} end)
  raises("HUSK_EINVAL", "churn: there is no lifetime 'long'", function() workload.churn{lifetime = "long"} end)
  raises("HUSK_EINVAL", "a table of options expected, got number", function() workload.cache(7) end)
  raises("HUSK_EINVAL", "cycles: option 'length': 0 is less", function() workload.cycles{length = 0} end)
end)

tap.done()
