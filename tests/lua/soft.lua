-- husk.weak.soft and husk.weak.queue: references that go when memory is short, and deaths that wait to be polled.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local weak = husk.weak

local Node = husk.type("Node", {"value", "next"})

test("a soft reference holds until it lets go, and is weak then", function()
  local told
  local s = weak.soft(Node{value = 1}, function(gone) told = gone end)
  husk.collect()
  eq(s().value, 1)
  eq(s:get().value, 1)
  ok(s.holding and s.alive)
  eq(s.state, "alive")
  eq(husk.kind(s), "weak")
  local n = s()
  ok(s:let_go())
  ok(not s:let_go())
  ok(not s.holding and s.alive)
  ok(rawequal(s(), n)) -- and holds again
  ok(s.holding)
  n:release()
  husk.collect()
  ok(s.alive)
  ok(s:let_go())
  eq(s(), nil)
  eq(s.state, "dead")
  ok(rawequal(told, s))
  raises("HUSK_EMISSING", "soft reference", function() return s.nonsense end)
  raises("HUSK_EINVAL", "husk.weak.soft", function() weak.soft(1) end)
  raises("HUSK_EINVAL", "function", function() weak.soft(Node{}, 1) end)
end)

test("those used longest ago go first", function()
  local h <close> = husk.heap{name = "cache"}
  local softs = {}
  for i = 1, 10 do softs[i] = weak.soft(h:list{i}) end
  husk.collect() -- the handles of the lists
  collectgarbage()
  eq(softs[1]()[1], 1)
  collectgarbage()
  eq(h:yield_softs(4), 6)
  for i = 1, 10 do eq(softs[i].holding, i == 1 or i > 7) end
  local f = h:soft_figures()
  eq(f.references, 10)
  eq(f.holding, 4)
  eq(f.by_call, 6)
  eq(f.by_limit + f.by_age + f.by_pressure + f.regained, 0)
  eq(h:yield_softs(), 4)
  raises("HUSK_ERANGE", "yield_softs", function() h:yield_softs(-1) end)
  raises("HUSK_EINVAL", "yield_softs", function() h:yield_softs("all") end)
end)

test("by age", function()
  local h <close> = husk.heap()
  local p = h:soft_policy()
  eq(p.max_age, 0)
  eq(p.keep, 0)
  p = h:soft_policy{max_age = 1}
  eq(p.max_age, 1)
  eq(p.keep, 0)
  local s, used = weak.soft(h:list()), weak.soft(h:list())
  for _ = 1, 3 do
    h:collect{handles = false}
    ok(used:get())
  end
  ok(used.holding and not s.holding)
  eq(h:soft_figures().by_age, 1)
  raises("HUSK_EINVAL", "unknown entry", function() h:soft_policy{age = 1} end)
  raises("HUSK_ERANGE", "max_age", function() h:soft_policy{max_age = -1} end)
  raises("HUSK_ERANGE", "max_age", function() h:soft_policy{max_age = 1 << 40} end)
  raises("HUSK_EINVAL", "keep", function() h:soft_policy{keep = "some"} end)
  raises("HUSK_EINVAL", "table", function() h:soft_policy(1) end)
  eq(h:soft_policy().max_age, 1)
end)

test("a cache in a heap with a limit", function()
  local h <close> = husk.heap{max_bytes = 4 << 20}
  local cache = {}
  for i = 1, 3000 do
    local big <close> = h:list()
    for k = 1, 300 do big:append(k) end
    local s <close> = weak.soft(big)
    cache[i] = weak.soft(big)
  end
  local f = h:soft_figures()
  ok(f.by_limit > 1000)
  ok(f.holding > 50)
  ok(cache[3000].holding and not cache[1].holding)
  h:verify()
end)

test("a soft reference in its own garbage", function()
  local n = Node{}
  n.value = weak.soft(n)
  local w = husk.weak(n)
  n.value:release()
  n:release()
  husk.collect()
  ok(not w.alive)
end)

test("a queue tells deaths in their order", function()
  local q = weak.queue()
  eq(#q, 0)
  eq(q:poll(), nil)
  local a, b, c = Node{}, Node{}, Node{}
  local tag = {}
  local watch = q:watch(a, tag)
  q:watch(b, "b")
  q:watch(c, false)
  eq(q:watching(), 3)
  ok(watch.alive and rawequal(watch.tag, tag) and rawequal(watch:get(), a))
  b:release()
  a:release()
  eq(#q, 2)
  eq(q:watching(), 1)
  ok(not watch.alive)
  eq(watch:get(), nil)
  eq(q:poll(), "b")
  ok(rawequal(q:poll(), tag))
  eq(q:poll(), nil)
  c:release()
  eq(#q, 1)
  eq(q:poll(), false)
  eq(q:poll(), nil)
  eq(husk.kind(watch), "weak")
  eq(husk.kind(q), "other")
  raises("HUSK_EINVAL", "tag", function() q:watch(Node{}) end)
  raises("HUSK_EINVAL", "object of a heap", function() q:watch(1, 1) end)
  raises("HUSK_EMISSING", "queue", function() return q.nonsense end)
  local h <close> = husk.heap{name = "other"}
  raises("HUSK_EHEAP", "other", function() q:watch(h:list(), 1) end)
  q:release()
  raises("HUSK_ESTATE", "has been released", function() q:poll() end)
end)

test("each, cycles, detached ones, and a queue that ends", function()
  local q = weak.queue()
  for i = 1, 20 do
    local n, m = Node{}, Node{}
    n.next, m.next = m, n
    q:watch(n, i)
    local w = q:watch(m, "never")
    ok(w:detach())
    ok(not w:detach())
    n:release()
    m:release()
  end
  eq(#q, 0)
  husk.collect()
  local sum, count = 0, 0
  for i in q:each() do sum, count = sum + i, count + 1 end
  eq(count, 20)
  eq(sum, 210)
  local n = Node{}
  local tag = setmetatable({}, {__gc = function() count = 0 end})
  q:watch(n, tag)
  tag = nil
  q:release()
  husk.collect()
  collectgarbage()
  eq(count, 0) -- its tag went with it
  eq(weak.count(n), 0)
end)

test("a tag that leads to its queue", function()
  local q = weak.queue()
  local w = husk.weak(q)
  local n = Node{}
  q:watch(n, {queue = q})
  q = nil
  husk.collect()
  ok(not w.alive)
  eq(weak.count(n), 0)
end)

test("the descriptor", function()
  local q = weak.queue()
  local fd = q:fd()
  eq(math.type(fd), "integer")
  eq(q:fd(), fd)
end)

test("a heap that closes with both", function()
  local h = husk.heap()
  local s, q = weak.soft(h:list()), h:queue()
  local w = q:watch(h:list(), "tag")
  h:close()
  raises("HUSK_ESTATE", "closed", function() s:get() end)
  raises("HUSK_ESTATE", "closed", function() q:poll() end)
  raises("HUSK_ESTATE", "closed", function() w:detach() end)
end)

tap.done()
