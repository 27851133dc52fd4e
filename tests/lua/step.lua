-- Passes in steps, runs over young pages, between everything that a script does.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local gc = husk.gc

local Node = husk.type("Node", {"value", "next"})
local function litter(heap, count)
  for _ = 1, count or 1 do
    local n <close> = heap:new(Node, {})
    n.next = n
  end
end

-- A heap in which nothing starts by itself.
local function quiet(name)
  local heap = husk.heap{name = name}
  heap:pacing{least_objects = 0, least_bytes = 0}
  heap:young(0)
  return heap
end

local function finish(heap, seconds)
  local count = 1
  while true do
    local finished, figures = heap:step(seconds)
    if finished then return count, figures end
    count = count + 1
  end
end

test("step: ends what a collect ends, in slices", function()
  local heap = quiet "slices"
  local kept = heap:list{}
  for i = 1, 20000 do kept[i] = heap:new(Node, {value = i}) end
  litter(heap, 20000)
  local count, figures = finish(heap, 0.00005)
  ok(count > 1, count)
  eq(figures.collected, 20000)
  eq(figures.generation, 0)
  eq(figures.reason, "call")
  ok(figures.took > 0 and figures.took < 10)
  eq(heap:census().Node, 20000)
  local steps = heap:steps()
  eq(steps.begun, 1)
  eq(steps.finished, 1)
  eq(steps.steps, count)
  eq(steps.under_way, false)
  ok(steps.longest_ns > 0 and steps.nominated >= 20000 and steps.given_up == 0)
  eq(heap:stats().passes, 1)
  eq(heap:stats(1).passes, 0)
  ok(heap:verify())
  heap:close()
end)

test("step: without an argument a millisecond, with a large one all", function()
  local heap = quiet "default"
  litter(heap, 10)
  local finished, figures = heap:step(10)
  eq(finished, true)
  eq(figures.collected, 10)
  eq(type(heap:step()), "boolean")
  heap:close()
end)

test("step: what needs the tables gives the pass up, and the next one begins anew", function()
  for _, use in ipairs{function(heap) heap:collect() end, function(heap) heap:verify() end,
      function(heap) heap:collect_dry() end, function(heap) heap:freeze() heap:unfreeze() end} do
    local heap = quiet "given up"
    local kept = heap:list{}
    for i = 1, 60000 do kept[i] = heap:new(Node, {}) end
    eq(heap:step(0.00001), false)
    eq(heap:steps().under_way, true)
    use(heap)
    eq(heap:steps().under_way, false)
    eq(heap:steps().given_up, 1)
    litter(heap, 5)
    eq(select(2, finish(heap, 10)).collected, 5)
    heap:close()
  end
end)

test("step, pause, young, collect: bad ones are refused by name", function()
  local heap = quiet "bad"
  for _, bad in ipairs{0, -1, -0.001, 0 / 0, 1 / 0, -1 / 0, 1e-6, 10.1, 1e300, math.mininteger, math.maxinteger} do
    raises("HUSK_ERANGE", "step: a budget of .* seconds is not 0.00001 to 10", function() heap:step(bad) end)
    if bad ~= 0 then
      raises("HUSK_ERANGE", "pause: a goal of .* seconds is not 0 or 0.00001 to 10", function() heap:pause(bad) end)
    end
  end
  for _, bad in ipairs{"0.001", "x", true, {}, print} do
    raises("HUSK_EINVAL", "'heap:step' %(number expected", function() heap:step(bad) end)
    raises("HUSK_EINVAL", "'heap:pause' %(number expected", function() heap:pause(bad) end)
  end
  for _, bad in ipairs{-1, 1, 63, (1 << 24) + 1, math.maxinteger, math.mininteger} do
    raises("HUSK_ERANGE", "young", function() heap:young(bad) end)
  end
  for _, bad in ipairs{1.5, "x", {}} do
    raises("HUSK_EINVAL", "'heap:young'", function() heap:young(bad) end)
  end
  raises("HUSK_EINVAL", "young is true or false, not a string", function() heap:collect{young = "yes"} end)
  eq(heap:pause(), 0.0)
  eq(heap:young(), 0)
  eq(heap:steps().begun, 0)
  eq(heap:verify(), true)
  heap:close()
  raises("HUSK_ESTATE", "closed", function() heap:step(0.001) end)
  raises("HUSK_ESTATE", "closed", function() heap:pause(0.001) end)
  raises("HUSK_ESTATE", "closed", function() heap:steps() end)
end)

test("pause: automatic passes run in steps", function()
  local heap = husk.heap{name = "pause"}
  eq(heap:pause(), 0.0)
  eq(heap:pause(0.00001), 0.00001) -- so short that no pass fits into one
  heap:young(0)
  heap:pacing{least_objects = 2000, least_bytes = 0}
  litter(heap, 50000)
  local steps = heap:steps()
  ok(steps.finished > 0 and steps.steps > steps.finished, steps.steps)
  ok(heap:census().Node < 20000)
  eq(heap:pause(0), 0.0)
  ok(heap:verify())
  heap:close()
end)

test("young: runs by themselves and by call, generation 1", function()
  local heap = quiet "young"
  local old = heap:list{}
  for i = 1, 5000 do old[i] = heap:new(Node, {value = i}) end
  heap:collect{handles = false}
  litter(heap, 100)
  local seen = {}
  local id = heap:on_pass(function(phase, figures) seen[#seen + 1] = phase .. figures.generation end)
  local figures = heap:collect{young = true}
  heap:off_pass(id)
  eq(figures.generation, 1)
  eq(figures.collected, 100)
  ok(figures.examined < 5000, figures.examined)
  eq(table.concat(seen, " "), "start1 stop1")
  eq(heap:stats(1).passes, 1)
  eq(heap:stats(1).collected, 100)
  eq(heap:young(64), 64)
  litter(heap, 3000)
  eq(heap:stats(1).passes, 1) -- as no growth starts passes
  heap:pacing{least_objects = 1 << 20}
  litter(heap, 10000)
  ok(heap:stats(1).passes > 1)
  ok(heap:census().Node < 12000)
  eq(husk.heap{name = "new"}:young(), 4096)
  heap:close()
end)

test("young: a boxed value of Lua's that is let go after its box", function()
  local heap = quiet "boxes"
  local weak = setmetatable({}, {__mode = "v"})
  do
    local value = {}
    weak[1] = value
    local a, b = heap:list{heap:box(value)}, heap:list{}
    a:append(b) b:append(a)
  end
  collectgarbage()
  eq(heap:collect{young = true, handles = true}.collected, 3)
  collectgarbage()
  eq(weak[1], nil)
  eq(heap:figures().objects, 0)
  heap:close()
end)

test("step: in a hook it is refused, and hooks may raise", function()
  local heap = quiet "hooks"
  local codes, reports = {}, 0
  heap:on_error(function() reports = reports + 1 end)
  local Hooked = husk.type("Hooked", {"next"}, {finalize = function()
    for _, f in ipairs{function() heap:step(0.001) end, function() heap:collect{young = true} end} do
      local _, err = pcall(f)
      codes[#codes + 1] = err.code
    end
    error "on purpose"
  end})
  for _ = 1, 3 do
    local n <close> = heap:new(Hooked, {})
    n.next = n
  end
  finish(heap, 0.001)
  eq(#codes, 6)
  for _, code in ipairs(codes) do eq(code, "HUSK_EBUSY") end
  eq(reports, 3)
  finish(heap, 0.001)
  heap:collect()
  eq(heap:figures().objects, 0)
  heap:close()
end)

test("parallel: how many threads a pass may use", function()
  local heap = quiet "parallel"
  eq(heap:parallel(), 1)
  eq(heap:parallel(8), 8)
  eq(heap:parallel(2), 2)
  litter(heap, 10)
  eq(heap:collect().collected, 10)
  eq(heap:passes(1)[1].threads, 1) -- below 10^6 objects they are not woken
  ok(heap:passes(1)[1].line:find(" threads=1 ", 1, true))
  for _, bad in ipairs{0, 9, 1 << 32 - 1} do
    raises("HUSK_ERANGE", "parallel: " .. bad .. " threads are not within 1 to 8", function() heap:parallel(bad) end)
  end
  for _, bad in ipairs{-1, 1 << 32, math.maxinteger, math.mininteger} do
    raises("HUSK_ERANGE", "parallel", function() heap:parallel(bad) end)
  end
  for _, bad in ipairs{1.5, "x", {}, true} do
    raises("HUSK_EINVAL", "'heap:parallel'", function() heap:parallel(bad) end)
  end
  eq(heap:parallel(), 2)
  ok(heap:verify())
  heap:close()
  raises("HUSK_ESTATE", "closed", function() heap:parallel(1) end)
  eq(gc.parallel(2), 2)
  eq(husk.default:parallel(), 2)
  eq(gc.parallel(1), 1)
end)

test("husk.gc has them for the default heap", function()
  local pause, young = gc.pause(), gc.young()
  gc.disable()
  eq(gc.pause(0.001), 0.001)
  eq(husk.default:pause(), 0.001)
  eq(gc.young(128), 128)
  litter(husk.default, 3)
  local _, figures = gc.step(10)
  ok(figures.collected >= 3)
  ok(gc.steps().finished > 0)
  litter(husk.default, 5000) -- a page that has handed out a few holes only is not young
  local count, record = gc.collect{young = true}
  ok(count > 0, count)
  eq(record.generation, 1)
  ok(gc.stats()[2].passes > 0)
  gc.enable()
  gc.pause(pause)
  gc.young(young)
end)

-- Random graphs with finalizers that bring back, weak references, weak-key maps and boxes with Lua values that lead back,
-- and a step, a young run or neither after each operation. What is reachable is alive and says what it said; in the end
-- all is gone.
test("steps between random operations", function()
  for seed = 1, 40 do
    math.randomseed(seed)
    local heap = husk.heap{name = "random"}
    heap:pacing{least_objects = 500, least_bytes = 0}
    heap:young(seed % 3 == 0 and 0 or 64)
    heap:pause(seed % 2 == 0 and 0.00001 or 0)
    local faults, back = {}, {}
    heap:on_error(function(_, text) faults[#faults + 1] = text end)
    local Final = husk.type("Final", {"id", "a", "b"}, {finalize = function(self)
      if self.id % 7 == 0 and #back < 50 then back[#back + 1] = self end
    end})
    local roots, ids, cache = {}, {}, heap:weak_keys()
    local made = 0
    for _ = 1, 1500 do
      local what, at = math.random(10), math.random(40)
      if what <= 4 then
        made = made + 1
        local x = heap:new(math.random(2) == 1 and Final or Node, {})
        roots[at], ids[at] = x, made
        if husk.typename(x) == "Final" then x.id = made else x.value = made end
      elseif what <= 7 and roots[at] then
        local to = roots[math.random(40)]
        if husk.typename(roots[at]) == "Final" then roots[at][math.random(2) == 1 and "a" or "b"] = to
        else roots[at].next = to end
      elseif what == 8 and roots[at] then
        cache[roots[at]] = heap:box({roots[at]}) -- a value of Lua's that leads back
      elseif what == 9 then
        roots[at], ids[at] = nil, nil
      else
        collectgarbage("step", 100)
      end
      local turn = math.random(6)
      if turn <= 3 then heap:step(0.00001)
      elseif turn == 4 then heap:collect{young = true}
      elseif turn == 5 and math.random(20) == 1 then heap:collect() end
      if what == 10 then
        for i, x in pairs(roots) do
          eq(husk.typename(x) == "Final" and x.id or x.value, ids[i])
        end
      end
    end
    ok(heap:verify())
    for i, x in pairs(roots) do eq(husk.typename(x) == "Final" and x.id or x.value, ids[i]) end
    roots, back = {}, {}
    cache:release()
    for _ = 1, 60 do
      heap:collect()
      back = {}
      if heap:figures().objects == 0 then break end
    end
    eq(heap:figures().objects, 0)
    eq(faults[1], nil)
    ok(heap:verify())
    heap:close()
  end
end)

tap.done()
