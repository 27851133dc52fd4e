-- tests/bindings/story.lua: the story of story.md, told in Lua.
local husk = require "husk"

local function say(format, ...) print(format:format(...)) end

-- The name of the status with which fn fails.
local function code(fn, ...)
  local ok, err = pcall(fn, ...)
  return ok and "none" or err.code
end

local heap = husk.heap{name = "story"}
local Node = husk.type("Node", {"value", "next"})

local function node(value) return heap:new(Node, {value = value}) end
local function nodes() return heap:census().Node or 0 end

-- ---- make, share, count ----

local a, b, c = node(1), node(2), node(3)
say("make: %d nodes", nodes())
local shelf = heap:list{1, 2.5, "three", true}
shelf:append(nil)
say("make: the shelf holds %d values", #shelf)

say("share: a has %d reference", husk.getrefcount(a))
shelf:append(a)
say("share: on the shelf, %d", husk.getrefcount(a))
b.next = a
say("share: and in b, %d", husk.getrefcount(a))

assert(shelf:remove() == a)
say("count: a has %d references", husk.getrefcount(a))
c:release()
say("count: %d nodes", nodes())

-- ---- cycle, collect ----

a.next = b
local weak = husk.weak(a, function() print("weak: a is gone") end)
a:release()
b:release()
say("cycle: %d nodes", nodes())
say("cycle: a is %s", weak.state)

say("collect: %d collected", heap:collect().collected)
say("collect: %d nodes", nodes())
say("collect: a is %s", weak.state)

-- ---- finalizers ----

local d = node(4)
local cleanups = {
  husk.weak.finalize(d, print, "finalizer: first"),
  husk.weak.finalize(d, print, "finalizer: second"),
}
local function pending()
  local count = 0
  for _, cleanup in ipairs(cleanups) do
    if cleanup.alive then count = count + 1 end
  end
  return count
end
say("finalizer: %d pending", pending())
d:release()
say("finalizer: %d pending", pending())

-- ---- weak maps ----

local by_key, by_value = heap:weak_keys(), heap:weak_values()
local k, v = node(5), node(6)
v.next = k
by_key[k] = v
by_value.k = k
say("weak map: %d by key, %d by value", #by_key, #by_value)
k:release()
v:release()
say("weak map: %d nodes", nodes())
say("weak map: %d collected", heap:collect().collected)
say("weak map: %d by key, %d by value", #by_key, #by_value)

-- ---- traces, snapshots and differences ----

local function chain(first, last)
  local newest
  for value = first, last do
    local made = heap:new(Node, {value = value})
    made.next = newest
    if newest then newest:release() end
    newest = made
  end
  return newest
end

local function more(first, last)
  local newest
  for value = first, last do
    local made = heap:new(Node, {value = value})
    made.next = newest
    if newest then newest:release() end
    newest = made
  end
  return newest
end

local trace = husk.trace(heap)
trace.start(4)
say("trace: %s", trace.is_tracing() and "on" or "off")
local ten = chain(1, 10)
local place = husk.trace.of(ten)[1]
say("trace: made in %s, by %s", place.file:match("([^/]*)%.%w+$"), place["function"])

local snapshot = husk.snapshot.take{heap = heap}
say("snapshot: %d nodes", snapshot:statistics("type", {filter = "type=Node"})[1].count)
local lines = snapshot:statistics("line", {filter = "type=Node"})
say("snapshot: %d line made %d", #lines, lines[1].count)
local path = os.tmpname()
snapshot:save(path)
local loaded = husk.snapshot.load(path)
os.remove(path)
say("snapshot: %d nodes in the file", loaded:statistics("type", {filter = "type=Node"})[1].count)

trace.mark("half")
local sixth = ten
for _ = 1, 4 do
  local below = sixth.next
  if sixth ~= ten then sixth:release() end
  sixth = below
end
sixth.next = nil
sixth:release()
local eight = more(11, 18)
local second = husk.snapshot.take{heap = heap}
for _, row in ipairs(second:compare(loaded, "function", {filter = "type=Node"})) do
  say("diff: %s %+d", row["function"], row.count_diff)
end
say("diff: %d since the mark", second:statistics("type", {filter = "type=Node,since=half"}):total().count)
trace.stop()
say("trace: %s", trace.is_tracing() and "on" or "off")
ten:release()
eight:release()
say("diff: %d nodes", nodes())

-- ---- errors, and the end ----

local e = node(7)
say("error: %s", code(function() return e.colour end))
local small = husk.heap{name = "small", max_bytes = 400000}
local list = small:list{}
say("error: %s", code(shelf.append, shelf, list))
say("error: %s", code(function()
  while true do list:append(0) end
end))
small:close()
assert(heap:verify())
print("error: the heap is whole")

heap:close()
local ok, err = pcall(function() return #shelf end)
if not ok and err.message:find("heap 'story' is closed", 1, true) then print("close: the shelf is gone") end
