-- Many stores by one call: heap:build, husk.update, list:extend.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local log = {}
local Node = husk.type("Node", {"value", "next", "other"})
local Loud = husk.type("Loud", {"value", "next"}, {finalize = function(self) log[#log + 1] = self.value end})

test("build: records, fields, edges, handles", function()
  local made = husk.build{
    {Node, value = 1},
    {Node, value = "two"},
    Node,
    {Loud, value = true},
    edges = {1, "next", 2, 2, "next", 1, 3, "other", 3, 1, "other", 4, 4, "next", 3},
  }
  eq(#made, 4)
  local a, b, c, d = table.unpack(made)
  eq(a.value, 1)
  eq(b.value, "two")
  eq(c.value, nil)
  ok(rawequal(a.next, b) and rawequal(b.next, a) and rawequal(c.other, c) and rawequal(a.other, d))
  ok(rawequal(d.next, c))
  eq(husk.class(d), Loud)
  eq(husk.getrefcount(a), 2)
  eq(husk.getrefcount(c), 3)
  ok(husk.verify())
  made, a, b, c, d = nil, nil, nil, nil, nil
  eq(husk.collect().collected, 4)
  log = {}
end)

test("build: handles for some; what nothing holds ends at once", function()
  local made = husk.build{{Loud, value = 1}, {Loud, value = 2}, {Loud, value = 3}, edges = {1, "next", 2},
    handles = {1, 1}}
  eq(#made, 2)
  ok(rawequal(made[1], made[2]))
  eq(table.concat(log, " "), "3")
  eq(made[1].next.value, 2)
  eq(#husk.build{}, 0)
  eq(#husk.build{Node, handles = {}}, 0)
  made = nil
  tap.settle()
  log = {}
end)

test("build: values of fields: texts, objects, boxes", function()
  local l, b = husk.list{}, husk.box{}
  local n = husk.build{{Node, value = l, next = b, other = "text"}}[1]
  ok(rawequal(n.value, l) and rawequal(n.next, b))
  eq(n.other, "text")
  eq(husk.build{{Node, value = 1, next = 2}, edges = {1, "next", 1}}[1].value, 1) -- an edge takes a field's place
end)

test("build: errors name the place and store nothing", function()
  local function wrong(code, pattern, spec)
    raises(code, pattern, function() husk.build(spec) end)
  end
  wrong("HUSK_EINVAL", "bad argument #1 to 'heap:build' %(table expected, got nil%)", nil)
  wrong("HUSK_EINVAL", "record 2: a class, or a table with a class", {Node, {value = 1}})
  wrong("HUSK_EINVAL", "record 1: a class", {5})
  wrong("HUSK_EMISSING", "record 1: Node has no field 'colour'", {{Node, colour = 1}})
  wrong("HUSK_EMISSING", "record 1: Node has no field 'number'", {{Node, [2] = 1}})
  wrong("HUSK_ETYPE", "record 2: value: a table cannot be stored", {{Loud, value = 1}, {Node, value = {}}})
  wrong("HUSK_EINVAL", "edge 2: it takes three items", {Node, edges = {1, "next", 1, 1}})
  wrong("HUSK_ERANGE", "edge 1: its end is no record's number", {Node, edges = {1, "next", 2}})
  wrong("HUSK_ERANGE", "edge 1: its start", {Node, edges = {0, "next", 1}})
  wrong("HUSK_ERANGE", "edge 1: its start", {Node, edges = {1.5, "next", 1}})
  wrong("HUSK_EMISSING", "edge 1: Node has no field 'nxt'", {Node, edges = {1, "nxt", 1}})
  wrong("HUSK_EINVAL", "'edges' is a table of numbers, not a number", {Node, edges = 1})
  wrong("HUSK_EINVAL", "'handles' is a table of numbers, not a boolean", {Node, handles = true})
  wrong("HUSK_ERANGE", "handle 2: it is no record's number", {Node, handles = {1, 2}})
  local dead = husk.list{}
  dead:release()
  wrong("HUSK_ESTATE", "record 1: next: this handle of list has been released", {{Node, next = dead}})
  local h <close> = husk.heap{name = "other"}
  wrong("HUSK_EHEAP", "record 1: next: a list of heap 'other'", {{Node, next = h:list{}}})
  eq(h:build{Node}[1].value, nil)
  h:close()
  raises("HUSK_ESTATE", "heap 'other' is closed", function() h:build{Node} end)
  tap.settle()
  eq(husk.census().Node, nil)
  log = {}
end)

test("build: a long chain, and a graph that the limit stops", function()
  local spec = {edges = {}, handles = {1}}
  for i = 1, 50000 do
    spec[i] = {Node, value = i}
    if i > 1 then table.move({i - 1, "next", i}, 1, 3, #spec.edges + 1, spec.edges) end
  end
  local n, count = husk.build(spec)[1], 0
  while n do n, count = n.next, count + 1 end
  eq(count, 50000)
  local h <close> = husk.heap{name = "small", max_bytes = 400000}
  raises("HUSK_ELIMIT", "heap:build: record %d+", function() h:build(spec) end)
  ok(h:verify())
  eq(h:figures().objects, 0)
end)

test("update: records and maps", function()
  local n, m, l = Node{value = 1}, husk.map{a = 1}, husk.list{}
  husk.update(n, {value = "x", next = l, other = 2.5})
  eq(n.value, "x")
  ok(rawequal(n.next, l))
  eq(n.other, 2.5)
  husk.update(m, {a = "b", [1] = l, [2.0] = true})
  eq(m.a, "b")
  ok(rawequal(m[1], l))
  eq(m[2], true)
  eq(#m, 3)
  husk.update(n, {})
end)

test("update: all or nothing", function()
  local n, m = Node{value = 1, next = 2}, husk.map{}
  raises("HUSK_EMISSING", "husk.update: Node has no field 'x'", function()
    husk.update(n, {value = "new", next = "new", x = 1})
  end)
  raises("HUSK_ETYPE", "husk.update: a table cannot", function() husk.update(n, {value = "new", next = {}}) end)
  eq(n.value, 1)
  eq(n.next, 2)
  raises("HUSK_ETYPE", "", function() husk.update(m, {a = 1, b = 2, [{}] = 3}) end)
  eq(#m, 0)
  raises("HUSK_EINVAL", "record or map", function() husk.update(husk.list{}, {}) end)
  raises("HUSK_EINVAL", "table expected", function() husk.update(n, 1) end)
  raises("HUSK_EINVAL", "object of a heap", function() husk.update(1, {}) end)
end)

test("update: a finalizer may change the table, release the object, and collect", function()
  local n = Node{}
  local fields = {value = 1, next = "text", other = husk.list{}}
  local Bomb = husk.type("Bomb", {}, {finalize = function()
    for i = 1, 100 do fields[i] = i end
    n:release()
    collectgarbage()
  end})
  husk.update(n, {value = Bomb{}, next = Bomb{}, other = Bomb{}})
  tap.settle()
  husk.update(n, fields)
  ok(not husk.isalive(n))
  ok(husk.verify())
end)

test("extend: all or nothing", function()
  local l = husk.list{0}
  l:extend{1, "two", Node{value = 3}}
  eq(#l, 4)
  eq(l[4].value, 3)
  l:extend{}
  raises("HUSK_ETYPE", "list:extend: a table cannot", function() l:extend{5, "six", {}} end)
  eq(#l, 4)
  raises("HUSK_EINVAL", "table expected", function() l:extend(1) end)
end)

tap.done()
