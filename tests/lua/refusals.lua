-- The library's requests to the system refused, one after the other: a script gets HUSK_ENOMEM, the heap stays
-- whole, and the same work succeeds afterwards.
local core = require "husk.core"
local husk = require "husk"
local tap = require "tap"
local eq, ok = tap.eq, tap.ok

local Node = husk.type("Node", {"value", "next"}, {finalize = function(self) return self.value end})

local function work()
  local h = husk.heap{name = "work"}
  local _ <close> = setmetatable({}, {__close = function() h:close() end})
  local l, m = h:list{}, h:map{}
  local weak = {}
  for i = 1, 300 do
    local n = h:new(Node, {value = "text number " .. i})
    n.next = n
    l:append(n)
    m["key " .. i] = n
    weak[i] = husk.weak(n, function() end)
    if i % 3 == 0 then n:release() end
  end
  l:append(h:box{})
  l:append(("x"):rep(300000))
  eq(#h:objects(), h:figures().objects)
  h:on_pass(function() end)
  local keys, values, set = h:weak_keys(), h:weak_values(), h:weak_set()
  local queue, softs = h:queue(), {}
  for i = 1, 40 do
    local n = h:new(Node, {value = i})
    n.next = h:box{n} -- a cycle through Lua: it takes memory to find it
    keys[l[i]], values["key " .. i] = {n}, n
    set:add(n)
    husk.weak.finalize(n, function() end, i)
    queue:watch(n, {i})
    softs[i] = husk.weak.soft(n, function() end)
  end
  h:build{{Node, value = "x"}, Node, edges = {1, "next", 2, 2, "next", 1}, handles = {}}
  husk.clear(m)
  l:clear()
  h:yield_softs(10)
  h:collect()
  for tag in queue:each() do eq(#tag, 1) end
  h:verify()
  return weak
end

-- For every n up to the number of requests that a run makes. One that is refused alone may be made up for, by a
-- pass and a second try: then the work is done all the same.
local function sweep(forever)
  local failed, n = 0, 0
  repeat
    n = n + 1
    collectgarbage()
    local before = core.lib.memory_requests()
    core.lib.memory_fail(n, forever)
    local fine, err = pcall(work)
    local made = core.lib.memory_requests() - before
    core.lib.memory_fail(0, false)
    if not fine then
      failed = failed + 1
      if type(err) ~= "table" or err.code ~= "HUSK_ENOMEM" then
        error(("request %d: %s"):format(n, tostring(err)))
      end
    end
    ok(husk.verify())
  until made < n
  print(("# %d requests, %d failures"):format(n, failed))
  return failed
end

tap.test("each request refused alone", function()
  ok(sweep(false) > 3)
  ok(work())
end)

tap.test("all requests refused from one on", function()
  ok(sweep(true) > 5)
  ok(work())
end)

tap.done()
