-- lua5.4 passes.lua: records of passes, pauses, and the page that other processes read.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local Node = husk.type("Node", {"next", "value"})
local parts = {"clear", "subtract", "seed", "mark", "gather", "finalize", "confirm", "reclaim", "callbacks"}

local function litter(heap, n)
  for _ = 1, n do
    local node <close> = heap:new(Node)
    node.next = node
  end
end

local function check(r)
  eq(r.candidates, r.freed + r.saved + r.resurrected + r.deferred + r.held + r.reached)
  local sum, objects, bytes = 0, r.rest.objects, r.rest.bytes
  for _, part in ipairs(parts) do sum = sum + r.ns[part] end
  eq(r.pause_ns, sum)
  for _, row in ipairs(r.by_type) do objects, bytes = objects + row.objects, bytes + row.bytes end
  eq(objects, r.freed)
  eq(bytes, r.freed_bytes)
  eq(r.line:match(" freed=(%d+) "), tostring(r.freed))
  eq(r.line:match(" pause_us=([%d.]+) "), ("%d.%03d"):format(r.pause_ns // 1000, r.pause_ns % 1000))
end

test("a record", function()
  local heap <close> = husk.heap{name = "of records"}
  eq(heap:pass_count(), 0)
  eq(#heap:passes(), 0)
  local kept = heap:new(Node)
  kept.next = heap:new(Node)
  husk.release(kept.next)
  litter(heap, 10)
  local figures = heap:collect()
  local r = heap:pass(figures.number)
  check(r)
  eq(r.number, heap:pass_count())
  eq(r.mode, "full")
  eq(figures.mode, "full")
  eq(r.reason, "call")
  eq(r.status, "HUSK_OK")
  eq(r.quiet, false)
  eq(r.threads, 1)
  eq(r.by_type[1].type, "Node")
  eq(r.objects_before - r.objects_after, r.freed)
  ok(r.line:find("^husk%-gc pass=%d+ heap=of%%20records mode=full by=call "), r.line)
  eq(heap:pass_sums("full").freed, 10)
  eq(heap:pass_sums("young").passes, 0)
end)

test("the latest are kept", function()
  local heap <close> = husk.heap()
  for _ = 1, 70 do heap:collect() end
  local last, all = heap:pass_count(), heap:passes()
  eq(#all, 64)
  for i, r in ipairs(all) do
    eq(r.number, last - 64 + i)
    check(r)
  end
  eq(#heap:passes(3), 3)
  eq(heap:passes(1)[1].number, last)
  eq(#heap:passes(0), 0)
  raises("HUSK_EMISSING", "has no record of pass 1:", function() heap:pass(1) end)
  raises("HUSK_ERANGE", "heap:pass", function() heap:pass(0) end)
  raises("HUSK_EINVAL", "a number of passes expected", function() heap:passes("x") end)
  raises("HUSK_EINVAL", "a number of passes expected", function() heap:passes(-1) end)
end)

test("a callback finds the record of its pass", function()
  local heap <close> = husk.heap()
  local found = {}
  local id = heap:on_pass(function(phase, figures)
    if phase == "stop" then found[#found + 1] = heap:pass(figures.number) end
  end)
  litter(heap, 5)
  local figures = heap:collect()
  heap:off_pass(id)
  ok(#found > 0)
  eq(found[#found].number, figures.number)
  for _, r in ipairs(found) do check(r) end
end)

test("pauses", function()
  local heap <close> = husk.heap()
  for i = 1, 20 do
    litter(heap, i * 10)
    heap:collect()
  end
  local total, longest, all = 0, 0, heap:passes()
  for _, r in ipairs(all) do total, longest = total + r.pause_ns, math.max(longest, r.pause_ns) end
  local pauses = heap:pauses()
  eq(pauses.count, #all)
  eq(pauses.total_ns, total)
  eq(pauses.max_ns, longest)
  eq(heap:pauses("any").total_ns, total)
  eq(heap:pauses("full").count + heap:pauses("young").count + heap:pauses("step").count, #all)
  eq(heap:pauses(nil, 50), pauses.p50_ns)
  eq(heap:pauses("any", 100), longest)
  local count = 0
  for _, bucket in ipairs(heap:pause_histogram()) do
    count = count + bucket.count
    local here = 0
    for _, r in ipairs(all) do
      if r.pause_ns >= bucket.low_ns and r.pause_ns <= bucket.high_ns then here = here + 1 end
    end
    eq(bucket.count, here)
  end
  eq(count, #all)
  raises("HUSK_ERANGE", "there is no mode old of passes; there are full, young, step, any", function() heap:pauses("old") end)
  raises("HUSK_ERANGE", "there is no mode any of passes; there are full, young, step", function() heap:pass_sums("any") end)
  raises("HUSK_ERANGE", "there is no mode", function() heap:pause_histogram(3) end)
  raises("HUSK_ERANGE", "percentile 101", function() heap:pauses("full", 101) end)
  raises("HUSK_ERANGE", "percentile 0", function() heap:pauses("full", 0) end)
end)

test("husk.gc has them for the default heap", function()
  husk.collect()
  eq(husk.gc.passes(1)[1].number, husk.pass_count())
  eq(husk.gc.pauses().count, husk.pauses().count)
  eq(#husk.gc.histogram("full"), #husk.pause_histogram("full"))
end)

test("a closed heap", function()
  local heap = husk.heap()
  heap:close()
  for _, name in ipairs{"pass_count", "passes", "pauses", "pause_histogram"} do
    raises("HUSK_ESTATE", "closed", function() heap[name](heap) end)
  end
  raises("HUSK_ESTATE", "closed", function() heap:pass(1) end)
  raises("HUSK_ESTATE", "closed", function() heap:pass_sums("full") end)
end)

test("the page of the process", function()
  local self = math.tointeger(io.open("/proc/self/stat"):read("n"))
  eq(husk.gc.gcstat(), false)
  raises("HUSK_EMISSING", "has no page", function() husk.gc.gcstat_read(self) end)
  eq(husk.gc.gcstat(true), true)
  local heap <close> = husk.heap{name = "shown"}
  litter(heap, 7)
  local figures = heap:collect()
  local found
  for _, row in ipairs(husk.gc.gcstat_read(self)) do
    if row.name == "shown" then found = row end
  end
  eq(found.latest.number, figures.number)
  eq(found.latest.freed, 7)
  eq(found.latest.by_type[1].type, "Node")
  eq(found.latest.by_type[1].objects, 7)
  eq(found.sums.full.freed, 7)
  eq(found.pauses.any.count, heap:pauses().count)
  ok(found.age_ns >= 0)
  local listed = false
  for _, pid in ipairs(husk.gc.gcstat_list()) do listed = listed or pid == self end
  eq(listed, true)
  eq(husk.gc.gcstat(false), false)
  raises("HUSK_EMISSING", "there is no process", function() husk.gc.gcstat_read(0x7ffffff0) end)
  raises("HUSK_ERANGE", "gcstat_read", function() husk.gc.gcstat_read(0) end)
  raises("HUSK_EINVAL", "true or false expected", function() husk.gc.gcstat(1) end)
end)

tap.done()
