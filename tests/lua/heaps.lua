-- Heaps, limits, the controls of the collector, and the walks.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local Node = husk.type("Node", {"value", "next"})

local function garbage(h, count)
  for i = 1, count do
    local n = h:new(Node, {value = i})
    n.next = n
    n:release()
  end
end

test("max_bytes: a clear error, nothing lost, and room again after a release", function()
  local h <close> = husk.heap{name = "small", max_bytes = 1 << 20}
  local l = h:list{}
  local err = raises("HUSK_ELIMIT", "", function() for i = 1, 1e7 do l:append("text " .. i) end end)
  ok(err.message ~= "")
  local count = #l
  ok(count > 1000)
  for i, v in pairs(l) do eq(v, "text " .. i) end
  ok(h:verify())
  ok(h:figures().bytes_taken <= 1 << 20)
  eq(h:figures().max_bytes, 1 << 20)
  raises("HUSK_ELIMIT", "", function() h:list{("x"):rep(1 << 21)} end)
  l:clear()
  l:append("fits")
  eq(l[1], "fits")
  raises("HUSK_ELIMIT", "", function() h:set_max_bytes(1) end)
  h:set_max_bytes(0)
  eq(#h:list{("x"):rep(1 << 21)}, 1)
end)

test("a heap whose limit does not hold the heap itself", function()
  raises("HUSK_ELIMIT", "heap tiny: max_bytes 100", function() husk.heap{name = "tiny", max_bytes = 100} end)
  raises("HUSK_ERANGE", "", function() husk.heap{max_bytes = -1} end)
  raises("HUSK_EINVAL", "", function() husk.heap{max_bytes = "many"} end)
end)

test("collect and collect_dry", function()
  local h <close> = husk.heap{}
  garbage(h, 10)
  eq(h:figures().objects, 10)
  eq(h:collect_dry().collected, 10)
  eq(h:figures().objects, 10)
  local pass = h:collect()
  eq(pass.collected, 10)
  eq(pass.reason, "call")
  eq(math.type(pass.find_ns), "integer")
  eq(h:figures().objects, 0)
  eq(h:stats().collected, 10)
  for _, number in ipairs{2, -1} do
    raises("HUSK_ERANGE", "stats: there is no generation " .. ("%d"):format(number):gsub("%-", "%%-"),
      function() h:stats(number) end)
  end
  raises("HUSK_EINVAL", "'heap:stats'", function() h:stats("x") end)
  raises("HUSK_EINVAL", "table of options", function() h:collect(1) end)
end)

test("handles that Lua has dropped are no references for collect, unless told so", function()
  local h <close> = husk.heap{}
  local function drop()
    local n = h:new(Node)
    n.next = n
  end
  collectgarbage "stop"
  drop()
  eq(h:collect{handles = false}.collected, 0)
  collectgarbage "restart"
  eq(h:collect().collected, 1)
end)

test("automatic passes, pacing, disable and enable", function()
  local h <close> = husk.heap{}
  local pacing = h:pacing()
  eq(pacing.factor, 1.0)
  h:pacing{least_objects = 100}
  eq(h:pacing().least_objects, 100)
  eq(h:pacing().least_bytes, pacing.least_bytes)
  eq(h:counts().limit_objects, 100)
  garbage(h, 1000)
  ok(h:stats().passes > 0)
  ok(h:figures().objects < 400)
  h:disable("test")
  h:disable()
  eq(h:isenabled(), false)
  eq(h:disabled_by(0), "test")
  eq(h:disabled_by(1), "a script")
  eq(h:disabled_by(2), nil)
  local passes = h:stats().passes
  garbage(h, 1000)
  eq(h:stats().passes, passes)
  h:enable()
  h:enable()
  ok(h:isenabled())
  raises("HUSK_ESTATE", "", function() h:enable() end)
  raises("HUSK_ERANGE", "", function() h:pacing{factor = 100} end)
  raises("HUSK_ERANGE", "", function() h:pacing{factor = 0 / 0} end)
  raises("HUSK_EINVAL", "unknown entry", function() h:pacing{least = 1} end)
  raises("HUSK_EINVAL", "table expected", function() h:pacing(1) end)
  raises("HUSK_EINVAL", "", function() h:pacing{least_objects = 1.5} end)
  raises("HUSK_EINVAL", "string expected", function() h:disable(1) end)
end)

test("save_all keeps garbage on the list", function()
  local h <close> = husk.heap{}
  eq(h:save_all(), false)
  eq(h:save_all(true), true)
  garbage(h, 3)
  local pass = h:collect()
  eq(pass.uncollectable, 3)
  local list = h:garbage()
  eq(#list, 3)
  eq(husk.typename(list[1]), "Node")
  eq(h:garbage_reason(0), "save-all")
  eq(h:garbage_reason(3), nil)
  list = nil
  h:save_all(false)
  h:garbage_clear()
  h:collect()
  eq(h:garbage_count(), 0)
  eq(h:figures().objects, 0)
end)

test("a death budget leaves work for later", function()
  local h <close> = husk.heap{}
  eq(h:death_budget(), 0)
  h:set_death_budget(3)
  eq(h:death_budget(), 3)
  local l = h:list()
  for i = 1, 10 do
    local inner <close> = h:list{i}
    l:append(inner)
  end
  l:release()
  eq(h:figures().dying_objects, 8)
  eq(h:figures().objects, 0)
  ok(h:figures().dying_bytes > 0)
  h:safepoint()
  eq(h:figures().dying_objects, 5)
  ok(h:verify())
  eq(h:figures().dying_objects, 0)
  h:set_death_budget(0)
  raises("HUSK_ERANGE", "%-1 is out of range", function() h:set_death_budget(-1) end)
  raises("HUSK_EINVAL", "integer expected", function() h:set_death_budget("x") end)
end)

test("freeze and unfreeze", function()
  local h <close> = husk.heap{}
  garbage(h, 5)
  local n = h:new(Node)
  h:freeze()
  ok(husk.is_frozen(n))
  eq(h:figures().frozen_objects, 6)
  eq(h:collect().collected, 0)
  n:release()
  eq(h:figures().objects, 5)
  h:unfreeze()
  eq(h:collect().collected, 5)
end)

test("is_tracked, is_finalized, size, kind, typename", function()
  local F = husk.type("F", {"x"}, {finalize = function() end})
  ok(husk.is_tracked(Node{}))
  ok(not husk.is_finalized(F{}))
  ok(not husk.is_dying(F{}))
  ok(husk.size(Node{}) >= 48)
  eq(husk.kind(Node{}), "record")
  eq(husk.kind(husk.list{}), "list")
  eq(husk.kind(husk.map{}), "map")
  eq(husk.kind(husk.box(1)), "box")
  local n = Node{}
  eq(husk.kind(husk.weak(n)), "weak")
  eq(husk.kind(husk.default), "heap")
  eq(husk.kind({}), nil)
  eq(husk.kind(io.stdout), nil)
  eq(husk.typename(n), "Node")
  eq(husk.typename(1), nil)
end)

test("referents, referrers, objects, census", function()
  local h <close> = husk.heap{}
  local a, b = h:new(Node, {value = "text"}), h:list{}
  a.next = b
  b:append(a)
  b:append(a)
  b:append(5)
  local out = husk.referents(a)
  eq(#out, 2)
  eq(out[1], "text")
  eq(out[2], b)
  out = husk.referents(b)
  eq(#out, 2)
  ok(out[1] == a and out[2] == a)
  local into = husk.referrers(a)
  eq(#into, 1)
  eq(into[1], b)
  eq(husk.referrers(b)[1], a)
  local all = h:objects()
  eq(#all, 3)
  eq(#h:objects(Node), 1)
  eq(h:objects(Node)[1], a)
  local census = h:census()
  eq(census.Node, 1)
  eq(census.list, 1)
  eq(census.text, 1)
  raises("HUSK_EINVAL", "type of husk.type", function() h:objects(5) end)
  raises("HUSK_EINVAL", "object of a heap", function() husk.referents(h) end)
end)

test("objects() of many, without handles before", function()
  local h <close> = husk.heap{}
  local l = h:list{}
  for i = 1, 5000 do l:append(h:new(Node, {value = i})) end
  tap.settle()
  local all = h:objects(Node)
  eq(#all, 5000)
  local sum = 0
  for _, n in ipairs(all) do sum = sum + n.value end
  eq(sum, 5000 * 5001 // 2)
  all = nil
  l:clear()
  tap.settle()
  eq(h:census().Node, nil)
end)

test("stress: a pass at every allocation", function()
  local h <close> = husk.heap{stress = true}
  local l = h:list{}
  for i = 1, 200 do l:append(h:new(Node, {value = "v" .. i})) end
  for i, n in pairs(l) do eq(n.value, "v" .. i) end
  ok(h:stats().passes >= 200)
end)

test("many heaps", function()
  local heaps = {}
  for i = 1, 50 do
    heaps[i] = husk.heap{name = "h" .. i}
    heaps[i]:list{i}
  end
  heaps = nil
  tap.settle()
end)

test("names of heaps: long, empty, odd", function()
  eq(husk.heap{name = ""}:name(), "")
  local long = ("n"):rep(1000)
  local h = husk.heap{name = long}
  local l = h:list{}
  h:close()
  raises("HUSK_ESTATE", "heap 'nnn", function() return #l end)
  raises(nil, "name is a string", function() husk.heap{name = {}} end)
end)

test("figures, trim, version, memory", function()
  local core = require "husk.core"
  eq(husk.version(), core.lib.version())
  ok(husk.memory_held() > 0)
  ok(husk.memory_requests() > 0)
  ok(husk.memory_mode() == "range" or husk.memory_mode() == "mapped")
  eq(math.type(husk.trim()), "integer")
  eq(core.lib.status_name(-7), "HUSK_EHEAP")
  for name, value in pairs(husk.figures()) do eq(math.type(value), "integer", name) end
end)

test("no globals came with the module", function()
  for _, name in ipairs{"swig_type", "swig_equals", "husk", "husk_raw", "husk_core"} do eq(rawget(_G, name), nil) end
end)

tap.done()
