-- lua5.4 ledger.lua: the ledger of references from scripts: handles, slots, weak references, coroutines, owners, what stays open.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local ledger = husk.ledger
local Node = husk.type("Node", {"next", "value"})

-- A ledger of Node until the block ends.
local function on(options)
  options = options or {types = Node}
  eq(ledger.start(options), true)
  return setmetatable({}, {__close = function() ledger.stop() end})
end

-- The texts of rows, joined.
local function texts(rows)
  local all = {}
  for _, row in ipairs(rows) do all[#all + 1] = row.text end
  return table.concat(all, "; ")
end

test("on and off", function()
  eq(ledger.is_on(), false)
  eq(ledger.figures().own_bytes, 0)
  local old <close> = Node{}
  eq(ledger.of(old), nil)
  do
    local _ <close> = on()
    eq(ledger.is_on(), true)
    eq(ledger.start(), false)
    eq(ledger.of(old).before, 1)
    eq(ledger.of(old).born, nil)
    eq(ledger.figures().objects, 1)
    eq(ledger.figures().frames, 12)
    local new <close> = Node{}
    eq(ledger.of(new).number, 2)
    eq(ledger.of(husk.list{}), nil)
    eq(ledger.find(2), new)
    eq(ledger.find(77), nil)
    ledger.clear()
    eq(ledger.of(new).before, 1)
    eq(#ledger.of(new), 0)
  end
  eq(ledger.is_on(), false)
  eq(husk.refcount(old), 0)
end)

test("a handle, a slot, a list", function()
  local _ <close> = on()
  local a <close> = Node{}
  local b <close> = Node{}
  eq(texts(ledger.of(a)), "retain by handle of Lua")
  eq(ledger.of(a).born[1].line, debug.getinfo(1, "l").currentline - 3)
  b.next = a
  eq(texts(ledger.of(a)), "retain, field next of Node #2; retain by handle of Lua")
  eq(texts(ledger.unpaired(a)), "")
  local frame = ledger.of(a)[1].traceback[1]
  eq(frame.line, debug.getinfo(1, "l").currentline - 4)
  ok(frame.file:find("ledger.lua", 1, true))
  ok(tostring(ledger.of(a)):find("#1: 2 references, 0 before the ledger\nretain, field next of Node #2\n    ", 1, true))
  b.next = nil
  local list <close> = husk.list{a, a}
  eq(texts(ledger.of(a)), "2 retains, item of list; retain by handle of Lua")
  list:clear()
  local map <close> = husk.map{x = a}
  eq(ledger.of(a)[1].holder, "map")
  eq(ledger.of(a)[1].owner, "slot")
  map.x = nil
  eq(texts(ledger.of(a)), "retain by handle of Lua")
  eq(ledger.figures().unpaired, 0)
end)

test("weak references, and what a coroutine did", function()
  local _ <close> = on()
  local list <close> = husk.list()
  local weak
  coroutine.wrap(function()
    local n <close> = Node{}
    weak = husk.weak(n)
    list:append(n)
    coroutine.yield()
  end)()
  collectgarbage()
  collectgarbage()
  local rows = ledger.of(weak)
  eq(texts(rows), "retain, item of list")
  eq(texts(ledger.unpaired(weak)), "")
  for _ = 1, 3 do -- the state that made it is gone
    local n = list[1]
    eq(ledger.of(n).count, 2)
    n:release()
  end
  list:clear()
  eq(ledger.of(weak), nil)
end)

test("a handle that is never let go", function()
  local _ <close> = on()
  local list <close> = husk.list()
  local kept = {}
  do
    local n <close> = Node{}
    list:append(n)
  end
  kept[1] = list[1] -- the leak
  local weak = husk.weak(kept[1])
  list:clear()
  local rows = ledger.unpaired(weak)
  eq(texts(rows), "retain by handle of Lua")
  eq(rows[1].traceback[1].line, debug.getinfo(1, "l").currentline - 5)
  eq(texts(ledger.all(Node)), "retain by handle of Lua")
  eq(ledger.all(Node)[1].count, 1)
  kept[1]:release()
  eq(ledger.unpaired(weak), nil)
end)

test("owners, finalizers that bring back, cycles", function()
  local _ <close> = on{types = {Node, "list", "Told"}, frames = 3, deaths = 0, max_bytes = 1 << 26}
  eq(ledger.owner("the test", function(x) return x + 1 end, 1), 2)
  do local _ <close> = ledger.owner("the test") end
  local back
  local Told = husk.type("Told", {"self"}, {finalize = function(x) back = husk.list{x} end})
  local t = Told{}
  t.self = t
  t = nil
  collectgarbage()
  husk.collect()
  ok(back)
  eq(husk.ledger.of(back[1]).count, 3) -- its own field, the list, the handle
  back:release()
  collectgarbage()
  husk.collect()
  ok(husk.verify())
  eq(ledger.figures().unpaired, 0)
end)

test("classes in and out, heaps of their own", function()
  local _ <close> = on{types = "nothing has this name"}
  local n <close> = Node{}
  eq(ledger.of(n), nil)
  ledger.choose(Node)
  eq(ledger.of(n).before, 1)
  ledger.choose(Node, false)
  eq(ledger.of(n), nil)
  local heap = husk.heap{name = "other"}
  local there = husk.ledger(heap)
  eq(there.is_on(), false)
  eq(there.start(), true)
  local m = Node({}, heap)
  eq(ledger.of(m).number, 1)
  eq(there.figures().objects, 1)
  eq(husk.ledger(), ledger)
  heap:close()
end)

test("wrong arguments", function()
  raises(nil, "unknown option 'x'; there are deaths, frames", function() ledger.start({x = 1}) end)
  raises(nil, "a table of options expected", function() ledger.start(7) end)
  raises(nil, "frames 70000; at most 65535", function() ledger.start({frames = 70000}) end)
  raises(nil, "type of husk.type", function() ledger.start({types = {7}}) end)
  raises(nil, "there is no source 'x'", function() ledger.start({sources = "x"}) end)
  raises("HUSK_ESTATE", "", function() ledger.choose(Node) end)
  raises("HUSK_ESTATE", "", function() ledger.all() end)
  raises(nil, "a function expected", function() ledger.owner("x", 1) end)
  raises(nil, "a string expected", function() ledger.owner(1, print) end)
  raises(nil, "object of a heap", function() ledger.of(1) end)
  local _ <close> = on()
  raises(nil, "NUL", function() ledger.owner("a\0b") end)
  raises(nil, "type of husk.type", function() ledger.all("Node") end)
  raises(nil, "husk.ledger.find", function() ledger.find(0) end)
end)

tap.done()
