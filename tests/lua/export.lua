-- snapshot:export as it goes on: who wants to know is told how far it is.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local list = husk.list() -- large enough for some mebibytes
for i = 1, 60000 do list:append(husk.box(i)) end

test("progress is told about once a mebibyte, to the writer and to a file", function()
  local snap <close> = husk.snapshot.take()
  local told, written = {}, 0
  local function progress(bytes) told[#told + 1] = bytes end
  snap:export("heapsnapshot", function(piece) written = written + #piece end, {progress = progress})
  ok(written > 2 << 20, written)
  eq(#told, written >> 20)
  for i, bytes in ipairs(told) do ok(bytes >= i << 20 and bytes <= written, bytes) end

  local path = os.tmpname()
  local before = #told
  snap:export("heapsnapshot", path, {progress = progress})
  eq(#told, 2 * before)
  local file = assert(io.open(path))
  eq(file:seek("end"), written)
  file:close()
  os.remove(path)
end)

test("its errors are raised in the end, once; what is no function is refused", function()
  local snap <close> = husk.snapshot.take()
  local calls = 0
  raises(nil, "enough", function()
    snap:export("heapsnapshot", function() end, {progress = function()
      calls = calls + 1
      error("enough", 0)
    end})
  end)
  eq(calls, 1)
  raises("HUSK_EINVAL", "progress: a function expected, got number", function()
    snap:export("json", nil, {progress = 1})
  end)
end)

test("what passes a filter, by an option or of a view; forms that show all refuse one", function()
  husk.trace.start{frames = 2}
  local Kept = husk.type("Kept", {})
  local kept = {}
  for i = 1, 10 do kept[i] = Kept{} end
  local others = husk.list{husk.box(1), husk.box(2)}
  local snap <close> = husk.snapshot.take()
  husk.trace.stop()
  local function sum(text)
    local total = 0
    for line in text:gmatch("[^\n]+") do total = total + tonumber(line:match(" (%d+)$")) end
    return total
  end
  local all, some = snap:export("collapsed"), snap:export("collapsed", nil, {filter = "type=Kept"})
  eq(sum(some), snap:statistics("line", {filter = "type=Kept"}):total().size)
  ok(sum(some) > 0 and sum(some) < sum(all))
  eq(snap:filter("type=Kept"):export("collapsed"), some)
  eq(snap:filter("type=Kept"):export("collapsed", nil, {filter = "!type=Kept"}), "")
  local two = {"type=Kept", {type = "box"}}
  eq(sum(snap:export("collapsed", nil, {filter = two})), snap:statistics("line", {filter = two, untraced = true}):total().size)
  raises("HUSK_EINVAL", 'the form "json" shows the whole snapshot', function() snap:filter("type=Kept"):export("json") end)
  raises("HUSK_EINVAL", "a filter is a text or a table", function() snap:export("csv", nil, {filter = 1}) end)
  raises("HUSK_EINVAL", 'filter "bad=1"', function() snap:export("csv", nil, {filter = "bad=1"}) end)
  ok(#kept == 10 and #others == 2)
end)

tap.done()
