-- lua5.4 expect.lua: why objects are alive, and expectations: what holds passes, what does not is named.
local husk = require "husk"
local expect = require "husk.expect"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local Node = husk.type("ExpectNode", {"value", "next"})

-- The text of the expectation that fn does not meet.
local function unmet(fn, ...)
  local done, e = pcall(fn, ...)
  ok(not done, "the expectation was met")
  ok(expect.is_failure(e), tostring(e))
  ok(tostring(e):find("expect.lua:%d+: "), tostring(e))
  return e.message
end

test("why says what holds an object", function()
  local map = husk.map{}
  local list = husk.list{Node{}, Node{value = map}}
  map.key = Node{}
  map[7] = Node{}
  local weak, other = husk.weak(map.key), husk.weak(map[7])
  local map_weak = husk.weak(map)
  husk.release(map)
  collectgarbage()
  local paths, none = husk.why(weak)
  eq(#paths, 1)
  eq(none, nil)
  eq(paths[1].text, 'root list (held from outside by 1) [2] -> ExpectNode .value -> map ["key"] -> ExpectNode')
  eq(paths[1].root, "list")
  eq(paths[1].kind, "held")
  eq(paths[1].held, 1)
  eq(paths[1].steps, 3)
  ok(husk.why(other)[1].text:find("map %[7%] %-> ExpectNode$"))
  eq(#husk.why(map_weak, 5), 1)
  list[1].next = list[2]
  collectgarbage()
  list[2].next = list[1]
  collectgarbage()
  eq(#husk.why(list[1], 5), 2) -- from the list; through the other one
  paths, none = husk.why(list)
  eq(#paths, 0)
  eq(none, "nothing holds list but the 1 reference of who asks")
  list[1].next, list[2].next = nil, nil
  husk.release(list)
  collectgarbage()
  eq(husk.why(weak), nil)
  raises("HUSK_EINVAL", "husk.why", function() husk.why(12) end)
  raises(nil, "husk.why", function() husk.why(husk.list{}, 65) end)
  raises(nil, "husk.why", function() husk.why(husk.list{}, "x") end)
end)

test("why takes every handle that leads to an object, and says what the others are", function()
  local heap <close> = husk.heap{name = "asked"}
  local x, list = heap:new(Node), heap:list{}
  list:append(x)
  local queue = heap:queue()
  local from_list = "root list (held from outside by 1) [1] -> ExpectNode"
  eq(husk.why(x)[1].text, from_list)
  eq(#husk.why(x, 5), 1) -- not the handle
  for name, other in pairs{weak = husk.weak(x), cleanup = husk.weak.finalize(x, print), watch = queue:watch(x, "tag")} do
    local paths = husk.why(other, 5)
    eq(#paths, 2, name)
    eq(paths[1].text, "root ExpectNode (held from outside by 1)", name) -- the handle
    eq(paths[2].text, from_list, name)
  end
  local soft = husk.weak.soft(x)
  eq(#husk.why(soft, 5), 3) -- and what holds it softly
  eq(husk.why(soft, 5)[3].text, "root soft reference (held from outside by 1) .target -> ExpectNode")
  local paths, none = husk.why(queue)
  eq(#paths, 0)
  eq(none, "nothing holds queue of the dead but the 1 reference of who asks")
  local box = heap:box{x}
  husk.release(list)
  soft:let_go()
  paths, none = husk.why(x) -- only by way of Lua, which husk cannot see
  eq(#paths, 0)
  eq(none, "nothing holds ExpectNode but the 1 reference of who asks")
  eq(husk.why(box)[1], nil)
  raises("HUSK_EINVAL", "object of a heap expected, got heap 'asked'", function() husk.why(heap) end)
  raises("HUSK_EINVAL", "object of a heap expected, got table", function() husk.why(Node) end)
  raises("HUSK_EINVAL", "object of a heap expected, got no value", function() husk.why() end)
  raises("HUSK_ESTATE", "handle of list has been released", function() husk.why(list) end)
  soft:release()
  raises("HUSK_ESTATE", "handle of soft reference has been released", function() husk.why(soft) end)
  heap:close()
  raises("HUSK_ESTATE", "heap 'asked' is closed", function() husk.why(x) end)
end)

test("what does not grow passes; caches may fill", function()
  expect.no_growth(function() local _ <close> = Node{value = Node{}} end, {rounds = 20})
  expect.no_growth(function() local a = Node{}; a.next = a end, {rounds = 20}) -- garbage is collected
  local cache, n = husk.map{}, 0
  expect.no_growth(function() n = n + 1; cache[n % 50] = Node{} end, {rounds = 60})
  local late, calls = husk.list{}, 0
  expect.no_growth(function() -- grows in one window alone
    calls = calls + 1
    if calls > 100 and calls < 150 then late:append(Node{}) end
  end, {rounds = 60})
end)

test("what grows is named", function()
  local list = husk.list{}
  local text = unmet(expect.no_growth, function() list:append(Node{}) end, {rounds = 20})
  ok(text:find("ExpectNode objects: %+80 in 80 rounds, %d+ bytes a round"), text)
  ok(text:find("root list %(held from outside by 1%) %[%d+%] %-> ExpectNode"), text)
  local node = Node{}
  text = unmet(expect.no_growth, function(x) list:append(x) end, {rounds = 20, args = {node}})
  ok(text:find("argument 1, ExpectNode.-: %+80 references in 80 rounds"), text)
  local open = {}
  text = unmet(expect.no_growth, function() open[#open + 1] = io.open("/dev/null") end, {rounds = 5})
  ok(text:find("open files: %+20 of /dev/null in 20 rounds"), text)
  for _, file in ipairs(open) do file:close() end
  local heap = husk.heap{name = "traced"}
  local kept = heap:list{}
  husk.trace(heap).start(4)
  text = unmet(expect.no_growth, function() kept:append(heap:new(Node)) end, {rounds = 20, heap = heap})
  local line = debug.getinfo(1, "l").currentline - 1
  ok(text:find("made at %S*expect.lua:" .. line), text)
  heap:close()
  text = unmet(expect.no_growth, function() list:append(("x"):rep(3000) .. #list) end, {rounds = 200, tolerance = 1})
  local bytes = tonumber(text:match("the heap's objects and buffers: %+(%S+) bytes a round"))
  ok(bytes and bytes > 3000 and bytes < 3200, text)
end)

test("wrong options are refused", function()
  raises("HUSK_EINVAL", "unknown option 'round'", function() expect.no_growth(print, {round = 1}) end)
  raises("HUSK_EINVAL", "option 'rounds': integer expected", function() expect.no_growth(print, {rounds = 1.5}) end)
  raises("HUSK_EINVAL", "at least 1 round", function() expect.no_growth(print, {rounds = 0}) end)
  raises("HUSK_EINVAL", "table of options", function() expect.no_growth(print, 3) end)
  raises("HUSK_EINVAL", "weak reference or a handle", function() expect.dead(3) end)
end)

test("objects: dead, counted, more", function()
  local keeper = husk.list{Node{}}
  local weak = husk.weak(keeper[1])
  collectgarbage()
  ok(unmet(expect.dead, weak):find("^ExpectNode is alive\n  root list %(held from outside by 1%) %[1%] %-> ExpectNode"))
  ok(unmet(expect.dead, keeper):find("^list: .- is alive"))
  keeper:clear()
  expect.dead(weak)
  expect.count(keeper, 0)
  ok(unmet(expect.count, keeper, 2):find("has 0 references besides the handle, wanted 2"))
  husk.release(keeper)
  expect.dead(keeper)
  local kept = husk.list{}
  eq(expect.growth(Node, 2, function(a) kept:append(Node{}); kept:append(Node{}); Node{}; return a end, "result"), "result")
  ok(unmet(expect.growth, "ExpectNode", 0, function() kept:append(Node{}) end):find("ExpectNode objects: %+1, wanted %+0"))
  local mark = expect.mark()
  kept:clear()
  mark:growth(Node, -3)
end)

test("pauses and values", function()
  eq(expect.pause_below(10000, function(a) return a end, 5), 5)
  ok(unmet(expect.pause_below, 0, function() end):find("a pass took %d"))
  raises(nil, "mine", function() expect.pause_below(1, error, "mine") end)
  local big, longest = husk.list{}, nil
  for _ = 1, 100000 do big:append(husk.list{}) end
  collectgarbage()
  unmet(expect.pause_below, 0, husk.collect)
  longest = tonumber(unmet(expect.pause_below, 0, husk.collect):match("took ([%d.]+) ms"))
  unmet(expect.pause_below, longest / 10, function() -- one in between; that at the end has nothing to do
    husk.collect()
    big:clear()
  end)
  expect.pause_below(longest * 1000, husk.collect)
  expect.equal(0 / 0, 0 / 0)
  ok(unmet(expect.equal, 1, 2, "sum"):find("^sum: got 1, wanted 2"))
  eq(unmet(expect.that, nil), "not true")
  expect.that(1)
  eq(expect.raises("HUSK_EINVAL", function() husk.why(1) end).code, "HUSK_EINVAL")
  expect.raises("ba.d", error, "bald")
  ok(unmet(expect.raises, "x", function() end):find("no error was raised"))
  ok(unmet(expect.raises, "x", error, "other"):find("got the error"))
end)

test("with a ledger, what was never paired is told", function()
  local kept, list = {}, husk.list{}
  local text = unmet(expect.no_growth, function()
    list:append(Node{})
    kept[#kept + 1] = list[1] -- the leak
    list:clear()
  end, {rounds = 4, windows = 2, ledger = Node})
  ok(text:find("ExpectNode objects: %+8 in 8 rounds"), text)
  ok(text:find("never paired: retain by handle of Lua\n"), text)
  ok(text:find("\n%s+made at [^\n]*expect.lua:%d+: in"), text)
  ok(text:find("expect.lua:%d+: in"), text)
  eq(husk.ledger.is_on(), false)
  kept = {}

  local weak
  text = unmet(expect.ledger, {Node, "list"}, function()
    kept[1] = Node{}
    weak = husk.weak(kept[1])
    list:append(kept[1])
    expect.dead(weak)
  end)
  ok(text:find("^ExpectNode is alive\n") and text:find("\n  root list"), text)
  ok(text:find("never paired: retain by handle of Lua\n      .-expect.lua:%d+: in"), text)
  text = unmet(expect.ledger, true, function() expect.growth(Node, 0, function() kept[2] = Node{} end) end)
  ok(text:find("never paired"), text)
  expect.ledger({heap = husk.default}, function()
    eq(husk.ledger.is_on(), true)
    text = unmet(expect.count, kept[2], 1)
    ok(text:find("0 references besides the handle, wanted 1"), text)
  end)
  eq(expect.ledger(Node, function(...) return select("#", ...) end, nil, nil), 2)
  raises(nil, "unknown option 'ledgers'", function() expect.no_growth(print, {ledgers = true}) end)
  eq(husk.ledger.is_on(), false)
  kept, list = nil, nil
end)

tap.done()
