-- How passes are paced and held off; hooks that raise or never let go.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local gc = husk.gc
local function refused(code, text, f, ...)
  local args = table.pack(...)
  raises(code, text, function() f(table.unpack(args, 1, args.n)) end)
end

local Node = husk.type("Node", {"value", "next"})
local function litter(heap, count)
  for _ = 1, count or 1 do
    local n <close> = heap:new(Node, {})
    n.next = n
  end
end

test("pacing_state: the factor in force and why", function()
  local heap = husk.heap{name = "state"}
  local state = heap:pacing_state()
  eq(state.factor, 1.0)
  eq(state.why, "set")
  eq(state.automatic, 0)
  ok(state.time_kept and not state.at_most)
  heap:pacing{least_objects = 200, least_bytes = 0}
  litter(heap, 20000)
  state = heap:pacing_state()
  ok(state.automatic > 0 and state.automatic_examined > 0)
  ok(state.time_share > 0 and state.time_share <= 1)
  ok(state.factor >= 1 and state.factor <= 2)
  ok(state.yield > 0 and state.last_ns > 0)
  heap:close()
end)

test("bound: kept, and if not, why", function()
  local heap = husk.heap{name = "bound"}
  heap:pacing{least_objects = 500, least_bytes = 0}
  for _ = 1, 200 do
    litter(heap, 50)
    local bound = heap:bound()
    ok(bound.kept)
    eq(bound.why, "kept")
    eq(bound.holder, nil)
    eq(bound.bytes, nil)
    ok(bound.garbage_objects <= bound.objects, bound.garbage_objects)
    ok(heap:figures().objects <= bound.objects)
  end
  heap:disable("loader")
  local bound = heap:bound()
  eq(bound.kept, false)
  eq(bound.why, "disabled")
  eq(bound.holder, "loader")
  eq(bound.objects, nil)
  heap:enable()
  heap:close()
end)

test("soft_limit: set, kept, refused", function()
  local heap = husk.heap{name = "soft"}
  heap:pacing{least_objects = 0, least_bytes = 0}
  eq(heap:soft_limit().bytes, 0)
  eq(heap:soft_limit(2 << 20).bytes, 2 << 20)
  for _, bad in ipairs{1, 1000000, math.maxinteger} do
    refused("HUSK_ERANGE", "soft limit", heap.soft_limit, heap, bad)
  end
  refused("HUSK_ERANGE", "", heap.soft_limit, heap, -1)
  refused("HUSK_EINVAL", "integer", heap.soft_limit, heap, 1.5)
  refused("HUSK_EINVAL", "integer", heap.soft_limit, heap, "x")
  litter(heap, 60000)
  local soft = heap:soft_limit()
  eq(soft.bytes, 2 << 20)
  ok(soft.passes > 0)
  ok(not soft.exceeded or soft.held_back_times > 0)
  eq(heap:soft_limit(0).passes, 0)
  heap:close()
end)

test("no_gc: a region with a budget", function()
  local heap = husk.heap{name = "region"}
  heap:pacing{least_objects = 100, least_bytes = 0}
  eq(heap:no_gc(), nil)
  refused("HUSK_ESTATE", "", heap.no_gc_end, heap)
  refused("HUSK_ERANGE", "", heap.no_gc_begin, heap, {})
  refused("HUSK_ERANGE", "", heap.no_gc_begin, heap, {objects = 10, reserve = true})
  refused("HUSK_ERANGE", "from 0 on", heap.no_gc_begin, heap, {objects = -1})
  refused("HUSK_EINVAL", "unknown entry", heap.no_gc_begin, heap, {object = 1})
  refused("HUSK_EINVAL", "table", heap.no_gc_begin, heap, 5)
  refused("HUSK_EINVAL", "string", heap.no_gc_begin, heap, {objects = 5, holder = {}})
  local before = heap:stats().passes
  heap:no_gc_begin{objects = 5000, bytes = 1 << 20, reserve = true, holder = "frame"}
  refused("HUSK_ESTATE", "frame", heap.no_gc_begin, heap, {objects = 10})
  litter(heap, 3000)
  local now = heap:no_gc()
  ok(now.active and now.kept)
  eq(now.grown_objects, 3000)
  local region = heap:no_gc_end()
  eq(region.why, "kept")
  eq(region.holder, "frame")
  ok(region.kept and not region.active)
  eq(heap:stats().passes, before)
  heap:no_gc_begin{objects = 1000}
  litter(heap, 12000)
  region = heap:no_gc_end()
  eq(region.kept, false)
  eq(region.why, "budget")
  ok(heap:stats().passes > before)
  heap:close()
end)

test("gc.without: a function in a region", function()
  local region, a, b = gc.without({objects = 10000}, function(x, y) return y, x end, 1, 2)
  ok(region.kept)
  eq(a, 2)
  eq(b, 1)
  local fine, err = pcall(gc.without, {objects = 10000}, function() error("inside", 0) end)
  ok(not fine)
  eq(err, "inside")
  eq(husk.no_gc(), nil)
end)

test("idle: what it did", function()
  local heap = husk.heap{name = "idle"}
  local idle = heap:idle(0.1)
  ok(not (idle.served or idle.passed or idle.stepped or idle.trimmed or idle.more))
  heap:pacing{least_objects = 4000, least_bytes = 0}
  litter(heap, 2000)
  idle = heap:idle(10)
  ok(idle.passed)
  eq(idle.collected, 2000)
  ok(idle.took > 0 and idle.expected > 0 and not idle.stepped)
  litter(heap, 10)
  heap:step(0.00001) -- what is under way is gone on with
  idle = heap:idle(10)
  ok(not heap:steps().under_way and not idle.more)
  for _, bad in ipairs{0, 0.0001, 3601, 1e30, -1, 0 / 0, math.huge} do
    refused("HUSK_ERANGE", "idle", heap.idle, heap, bad)
  end
  refused("HUSK_EINVAL", "number", heap.idle, heap, "x")
  heap:close()
end)

test("stress: passes at allocations", function()
  local heap = husk.heap{name = "stress"}
  eq(heap:stress().every, 0)
  eq(heap:stress{every = 3}.every, 3)
  local before = heap:stats().passes
  litter(heap, 30)
  eq(heap:stats().passes, before + 10)
  eq(heap:stress{every = 5, seed = 7}.seed, 7)
  refused("HUSK_ERANGE", "stress", heap.stress, heap, {every = 1 << 33})
  refused("HUSK_EINVAL", "unknown entry", heap.stress, heap, {often = 1})
  eq(heap:stress{}.every, 0)
  heap:close()
end)

-- ---- hooks that do what they should not ----

local hook
local Hooked = husk.type("Hooked", {"value", "next"}, {finalize = function(self) return hook(self) end})

local function reports(heap)
  local list = {}
  heap:on_error(function(_, text) list[#list + 1] = text end)
  return list
end

test("finalizers that raise: all are told, all objects end", function()
  local heap = husk.heap{name = "raising"}
  local told = reports(heap)
  hook = function(self) error("no " .. self.value, 0) end
  for i = 1, 20 do
    local n <close> = heap:new(Hooked, {value = i})
    n.next = n
  end
  eq(heap:collect().collected, 20)
  eq(#told, 20)
  ok(told[1]:find("no %d+"))
  eq(heap:figures().objects, 0)
  heap:verify()
  heap:close()
end)

test("a finalizer that makes garbage: later passes end it", function()
  local heap = husk.heap{name = "making"}
  heap:pacing{least_objects = 300, least_bytes = 0}
  hook = function() litter(heap, 20000) end
  do
    local n <close> = heap:new(Hooked, {})
    n.next = n
  end
  heap:collect{handles = false}
  ok(heap:counts().grown_objects >= 20000 or heap:figures().objects < 20000)
  litter(heap, 5000)
  ok(heap:figures().objects < 10000, heap:figures().objects)
  heap:verify()
  heap:close()
end)

test("a finalizer that allocates until it is refused", function()
  local heap = husk.heap{name = "greedy", max_bytes = 1 << 20}
  local told = reports(heap)
  hook = function() while true do litter(heap) end end
  do
    local n <close> = heap:new(Hooked, {})
    n.next = n
  end
  heap:collect{handles = false}
  eq(#told, 1)
  ok(told[1]:find("LIMIT") or told[1]:find("limit"), told[1])
  heap:verify()
  heap:collect{handles = false}
  litter(heap)
  heap:collect{handles = false}
  eq(heap:figures().objects, 0)
  heap:close()
end)

test("resurrection for ever", function()
  local heap = husk.heap{name = "undead"}
  local goes_on, runs = true, 0
  hook = function(self)
    runs = runs + 1
    if not goes_on then return end
    local carrier <close> = heap:new(Hooked, {value = self})
    carrier.next = carrier
  end
  do
    local n <close> = heap:new(Hooked, {})
    n.next = n
  end
  for i = 1, 30 do
    local figures = heap:collect{handles = false}
    eq(figures.collected, 0)
    eq(figures.resurrected, i)
    heap:verify()
  end
  eq(runs, 30)
  goes_on = false
  repeat until heap:collect{handles = false}.collected == 0
  eq(heap:figures().objects, 0)
  heap:close()
end)

test("a callback that collects is busy, and remembered", function()
  local heap = husk.heap{name = "callback"}
  local codes = {}
  local id = heap:on_pass(function(phase)
    local fine, err = pcall(heap.collect, heap, {handles = false})
    codes[#codes + 1] = not fine and err.code
    if phase == "stop" then error("callbacks may raise") end
  end)
  local told = reports(heap)
  local before = heap:stats().passes
  heap:collect{handles = false}
  eq(heap:stats().passes, before + 2)
  eq(#codes, 4)
  for i = 1, 4 do eq(codes[i], "HUSK_EBUSY") end
  eq(#told, 2)
  heap:off_pass(id)
  heap:verify()
  heap:close()
end)

tap.done()
