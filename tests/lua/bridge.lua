-- Cycles through Lua values, case by case; mixed.lua has them at random. And what a script may do in the
-- middle of a collection: a __gc function runs while the heap is frozen.
local husk = require "husk"
local core = require "husk.core"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local Node = husk.type("Node", {"value", "next"})

-- How many objects there are of what this file makes.
local function alive()
  local census = husk.census()
  return (census.Node or 0) + (census.box or 0)
end

test("object -> box -> table -> handle", function()
  local n, t = Node{}, {}
  t.node = n
  n.value = husk.box(t)
  local seen = setmetatable({t}, {__mode = "v"})
  n, t = nil, nil
  husk.collect{handles = false}
  collectgarbage()
  eq(alive(), 2) -- one side alone sees a reference from outside
  husk.collect()
  eq(alive(), 0)
  eq(seen[1], nil)
end)

test("the same cycle, held from Lua, stays whole", function()
  local n = Node{}
  n.value = husk.box{node = n, text = "kept"}
  for _ = 1, 3 do husk.collect() end
  eq(n.value.value.text, "kept")
  ok(rawequal(n.value.value.node, n))
  local t = n.value.value
  n = nil
  husk.collect()
  eq(t.node.value.value, t) -- now through the table
  t = nil
  husk.collect()
  eq(alive(), 0)
end)

test("a list that contains its own box; a cycle through two heaps", function()
  local l = husk.list{}
  local w = husk.weak(l)
  l[1] = husk.box{l}
  l = nil
  husk.collect()
  eq(w(), nil)
  local h = husk.heap{name = "second"}
  local ours, theirs = Node{}, h:new(Node)
  ours.value, theirs.value = husk.box{theirs}, h:box{ours}
  local w1, w2 = husk.weak(ours), husk.weak(theirs)
  ours, theirs = nil, nil
  h:collect()
  eq(w1(), nil)
  eq(w2(), nil)
  h:close()
end)

-- A function that holds x in an upvalue of its own.
local called = false
local function holding(x)
  return function()
    called = true
    return x
  end
end

test("a callback that holds its own object", function()
  local n = Node{}
  local w = husk.weak(n, holding(n))
  local watch = husk.weak(n)
  n.value = w -- the object holds the weak reference, whose function holds the object
  n, w = nil, nil
  husk.collect()
  eq(watch(), nil)
  eq(called, false) -- nobody held it
  n = Node{}
  w = husk.weak(n, holding(n))
  watch = husk.weak(n)
  n = nil
  husk.collect()
  ok(watch()) -- the script holds the weak reference, and so the function
  w = nil
  husk.collect()
  eq(watch(), nil)
end)

test("coroutines, closures and userdata are seen through", function()
  local n = Node{}
  local co = coroutine.create(function(x) coroutine.yield() return x end)
  coroutine.resume(co, n)
  n.value = husk.box(co)
  n.next = husk.box(holding(n))
  n, co = nil, nil
  husk.collect()
  eq(alive(), 0)
end)

test("long chains: a value at each link", function()
  local first
  do
    local last = Node{}
    first = last
    for i = 1, 20000 do
      local n = Node{value = i}
      last.next = husk.box{n}
      last = n
    end
    last.next = husk.box{first}
  end
  husk.collect()
  eq(alive(), 2 * 20001)
  local n, count = first, 0
  repeat
    n, count = n.next.value[1], count + 1
  until n == first
  eq(count, 20001)
  n, first = nil, nil
  husk.collect()
  eq(alive(), 0)
end)

test("collect leaves Lua's collector as it was", function()
  local n = Node{}
  n.value = husk.box{n}
  collectgarbage("stop")
  husk.collect()
  ok(not collectgarbage("isrunning"))
  collectgarbage("restart")
  husk.collect()
  ok(collectgarbage("isrunning"))
  collectgarbage("generational")
  n = nil
  husk.collect()
  eq(alive(), 0)
  eq(collectgarbage("incremental"), "generational")
end)

-- Collects garbage that holds one table with __gc and returns what its function did.
local function during(body)
  local n = Node{value = husk.box{1}}
  local kept = Node{value = husk.box{"kept"}}
  local result = {"did not run"}
  do
    local t = setmetatable({}, {__gc = function() result = table.pack(pcall(body, kept)) end})
    t[1] = n
    n.next = husk.box{t}
    n = nil
  end
  husk.collect()
  husk.collect()
  eq(result[1], true, result[2])
  eq(kept.value.value[1], "kept")
  kept = nil
  husk.collect()
  eq(alive(), 0)
  return result[2]
end

test("__gc may read, write, make, release, ask", function()
  eq(during(function(kept) return kept.value.value[1] end), "kept")
  eq(during(function(kept) return #husk.referents(kept) end), 1)
  eq(during(function(kept) kept.next = 7 return kept.next end), 7)
  eq(during(function() local l <close> = husk.list{husk.box{}} return #l end), 1)
  eq(during(function(kept) kept.value:release() return kept.value.value[1] end), "kept")
  ok(during(function() return husk.figures().objects end) >= 2)
  ok(during(function() return husk.verify() end))
  eq(during(function(kept) return husk.weak(kept)() == kept end), true)
end)

test("__gc may collect: passes over the heap alone", function()
  eq(during(function()
    local n = Node{}
    n.next = n
    n:release()
    return husk.collect().collected > 0
  end), true)
  eq(type(during(function() return husk.collect_dry().collected end)), "number")
end)

test("__gc may close another heap", function()
  local h = husk.heap{name = "brief"}
  local theirs = h:new(Node)
  theirs.value = h:box{theirs}
  during(function() h:close() end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() return theirs.value end)
end)

test("a finalizer of the heap sees boxed values while it is collected with them", function()
  local said
  local Last = husk.type("Last", {"box"}, {finalize = function(self) said = self.box.value.text end})
  local last = Last{}
  last.box = husk.box{text = "still here", self = last}
  last = nil
  husk.collect()
  eq(said, "still here")
  eq(husk.census().Last, nil)
end)

test("handles of a heap whose door is gone end with their cycle, and the heap with them", function()
  local held = core.lib.memory_held
  husk.collect()
  local before = held()
  do
    local l = husk.heap{name = "kept"}:list{}
    l[1] = husk.heap_of(l):box{l}
  end
  husk.collect()
  husk.collect()
  eq(held(), before)
end)

test("in a coroutine, and with hooks that fail", function()
  local heard
  husk.on_error(function(_, text) heard = text end)
  local Bad = husk.type("Bad", {"box"}, {finalize = function() error("bad end", 0) end})
  coroutine.wrap(function()
    local b = Bad{}
    b.box = husk.box{b}
    b = nil
    husk.collect()
  end)()
  eq(heard, "finalizer of Bad: bad end")
  husk.on_error(nil)
  eq(husk.census().Bad, nil)
end)

tap.done()
