-- husk.gc: the collector under familiar names.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local gc = husk.gc

local Node = husk.type("Node", {"value", "next"})
local function cycle(value)
  local n <close> = Node{value = value}
  n.next = n
end

test("collect: how many, and the figures", function()
  gc.collect()
  cycle()
  cycle()
  local count, figures = gc.collect()
  eq(count, 2)
  eq(figures.collected, 2)
  eq(figures.reason, "call")
  eq(gc.collect(), 0)
end)

test("enable, disable, isenabled nest", function()
  ok(gc.isenabled())
  gc.disable("test")
  gc.disable()
  gc.enable()
  ok(not gc.isenabled())
  eq(husk.disabled_by(0), "test")
  gc.enable()
  ok(gc.isenabled())
  raises("HUSK_ESTATE", "", gc.enable)
end)

test("count, threshold, stats", function()
  gc.collect()
  local objects = gc.count()
  local list = husk.list{}
  for i = 1, 1000 do list[i] = Node{} end
  local grown, grown_bytes = gc.count()
  ok(grown - objects > 500 and grown - objects <= 1001, grown - objects)
  ok(grown_bytes > 500 * 32)
  local least, bytes = gc.threshold()
  eq(gc.threshold(100), 100)
  eq(select(2, gc.threshold()), bytes)
  gc.threshold(nil, 5000)
  eq(select(2, gc.threshold()), 5000)
  raises("HUSK_ERANGE", "from 0 on, not %-1", function() gc.threshold(-1) end)
  raises("HUSK_EINVAL", "is an integer", function() gc.threshold("x") end)
  eq(gc.threshold(), 100)
  gc.threshold(least, bytes)
  local stats = gc.stats()
  eq(#stats, 2)
  ok(stats[1].passes > 0 and stats[1].collected >= 2)
  list:clear()
  tap.settle()
end)

test("objects, referrers, referents, is_tracked, is_finalized", function()
  local n, l = Node{}, husk.list{}
  l[1], n.next = n, l
  eq(#gc.objects(Node), 1)
  ok(#gc.objects() >= 2)
  ok(rawequal(gc.referrers(n)[1], l) and rawequal(gc.referents(n)[1], l))
  ok(gc.is_tracked(n))
  eq(gc.is_finalized(n), false)
  raises("HUSK_EINVAL", "type of husk.type", function() gc.objects("Node") end)
  l:clear()
end)

test("freeze, unfreeze, freeze_count", function()
  local n = Node{}
  gc.freeze()
  ok(gc.freeze_count() >= 1)
  ok(husk.is_frozen(n))
  gc.unfreeze()
  eq(gc.freeze_count(), 0)
end)

test("callbacks: a list of functions; an error in one is reported, the others run", function()
  local said, heard = {}, {}
  husk.on_error(function(_, text) heard[#heard + 1] = text end)
  table.insert(gc.callbacks, function(phase, figures) said[#said + 1] = phase .. figures.collected end)
  table.insert(gc.callbacks, function() error("bad", 0) end)
  table.insert(gc.callbacks, function(phase) said[#said + 1] = phase end)
  cycle()
  gc.collect()
  eq(table.concat(said, " "), "start0 start stop1 stop")
  eq(#heard, 2)
  eq(heard[1], "callback of husk.gc.callbacks: bad")
  table.remove(gc.callbacks, 2)
  gc.collect()
  eq(#said, 8)
  eq(#heard, 2)
  for i = #gc.callbacks, 1, -1 do gc.callbacks[i] = nil end
  gc.collect() -- the last one takes Husk's callback off
  said = {}
  gc.collect()
  eq(#said, 0)
  table.insert(gc.callbacks, function(phase) said[#said + 1] = phase end)
  gc.collect()
  eq(table.concat(said, " "), "start stop")
  gc.callbacks[1] = nil
  raises("HUSK_EINVAL", "a function expected, got number", function() gc.callbacks[1] = 1 end)
  raises("HUSK_EINVAL", "have numbers, as in a list, not name", function() gc.callbacks.name = print end)
  gc.callbacks[1] = nil
  husk.on_error(nil)
end)

test("callbacks: one put in after the last was taken out is called once; those behind a free number are called", function()
  local said = ""
  local function say(word) return function() said = said .. word .. " " end end
  gc.callbacks[1] = say("old")
  gc.callbacks[1] = nil
  gc.callbacks[1] = say("one")
  gc.callbacks[2] = say("two")
  gc.collect()
  eq(said, "one two one two ")
  gc.callbacks[1] = nil
  said = ""
  gc.collect()
  eq(said, "two two ")
  gc.callbacks[2] = nil
  gc.collect()
end)

test("callbacks may change the list, collect, and make objects", function()
  local count = 0
  table.insert(gc.callbacks, function(phase)
    count = count + 1
    gc.callbacks[1] = nil
    husk.list{Node{}}
    local _, err = pcall(husk.collect, {handles = false})
    if phase == "start" then eq(err.code, "HUSK_EBUSY") end
  end)
  gc.collect()
  eq(count, 1)
  tap.settle()
end)

test("debug flags and the garbage list", function()
  eq(gc.debug().saveall, false)
  eq(gc.debug{saveall = true}.saveall, true)
  cycle("kept")
  gc.collect()
  eq(#gc.garbage(), 1)
  eq(gc.garbage()[1].value, "kept")
  gc.debug{saveall = false}
  gc.clear_garbage()
  eq(gc.collect(), 1)
  eq(#gc.garbage(), 0)
  raises("HUSK_EINVAL", "unknown flag 'x'", function() gc.debug{x = true} end)
  raises("HUSK_EINVAL", "is true or false", function() gc.debug{stats = 1} end)
  raises("HUSK_EINVAL", "table of flags", function() gc.debug(1) end)
end)

test("debug{stats}: one line on stderr for each pass", function()
  local file = os.tmpname()
  local script = os.tmpname()
  local f = assert(io.open(script, "w"))
  f:write([[local husk = require "husk"
    husk.gc.debug{stats = true} husk.gc.debug{stats = true} husk.gc.collect()
    husk.gc.debug{stats = false} husk.gc.collect()]])
  f:close()
  ok(os.execute(("%s %s 2> %s"):format(arg[-1], script, file)))
  local text = assert(io.open(file)):read("a")
  os.remove(file)
  os.remove(script)
  eq(select(2, text:gsub("husk.gc: %d+ examined, %d+ collected, 0 kept, [%d.]+ ms\n", "")), 1)
end)

test("husk.gc and husk.weak are modules", function()
  ok(rawequal(require "husk.gc", husk.gc) and rawequal(require "husk.weak", husk.weak))
end)

tap.done()
