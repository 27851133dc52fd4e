-- Identity and ownership: one handle for an object, a handle is a reference, dead handles are errors.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local Node = husk.type("Node", {"value", "next"})

test("the same object is the same Lua value", function()
  local a, l, m = Node{}, husk.list{}, husk.map{}
  a.next, l[1], m.a, m[a] = a, a, a, a
  ok(rawequal(a.next, a) and rawequal(l[1], a) and rawequal(m.a, a))
  for k in pairs(husk.map{}) do error(k) end
  local set = {[a] = "yes"}
  eq(set[l[1]], "yes")
  a.next, m[a] = nil, nil
end)

test("getrefcount is exact and counts the handle; refcount leaves it out", function()
  local a = Node{}
  eq(husk.getrefcount(a), 1)
  eq(husk.refcount(a), 0)
  local l = husk.list{a, a, a}
  eq(husk.getrefcount(a), 4)
  eq(husk.refcount(a), 3)
  local copy = a
  eq(husk.getrefcount(copy), 4)
  l:clear()
  eq(husk.getrefcount(a), 1)
end)

test("a handle that Lua collects gives its reference back", function()
  local l = husk.list{}
  l[1] = Node{value = 7}
  tap.settle()
  eq(l[1].value, 7)
  local node = l[1]
  eq(husk.getrefcount(node), 2)
  node = nil
  tap.settle()
  eq(husk.getrefcount(l[1]), 2)
  local w = husk.weak(l[1])
  l:clear()
  tap.settle()
  eq(w(), nil)
end)

test("release, close, <close>, and again", function()
  local a = Node{}
  local w = husk.weak(a)
  a:release()
  eq(w(), nil)
  ok(not husk.isalive(a))
  eq(husk.kind(a), "dead")
  a:release()
  a:close()
  husk.release(a)
  do
    local b <close> = Node{}
    w = husk.weak(b)
    eq(w(), b)
  end
  eq(w(), nil)
  local failed = pcall(function()
    local b <close> = husk.list{}
    w = husk.weak(b)
    error("out")
  end)
  ok(not failed)
  eq(w(), nil)
  do
    local b <close> = husk.map{}
    b.close = 1
    w = husk.weak(b)
  end
  eq(w(), nil)
end)

test("after release another handle of the object works", function()
  local l = husk.list{}
  local a = Node{value = 1}
  l[1] = a
  a:release()
  local again = l[1]
  ok(again ~= a)
  eq(again.value, 1)
  eq(husk.getrefcount(again), 2)
  raises("HUSK_ESTATE", "this handle of Node has been released", function() return a.value end)
end)

test("every use of a dead handle names it", function()
  local a, l, m, b, w = Node{}, husk.list{}, husk.map{}, husk.box(1), husk.weak(husk.default and husk.list{})
  local live = husk.list{}
  for _, x in ipairs{a, l, m, b, w} do husk.release(x) end
  local dead = "has been released"
  raises("HUSK_ESTATE", "Node " .. dead, function() a.value = 1 end)
  raises("HUSK_ESTATE", "Node " .. dead, function() return a.value end)
  raises("HUSK_ESTATE", "Node " .. dead, function() return a.nothing end)
  raises("HUSK_ESTATE", "Node " .. dead, function() for _ in pairs(a) do end end)
  raises("HUSK_ESTATE", "list " .. dead, function() return l[1] end)
  raises("HUSK_ESTATE", "list " .. dead, function() l[1] = 1 end)
  raises("HUSK_ESTATE", "list " .. dead, function() return #l end)
  raises("HUSK_ESTATE", "list " .. dead, function() l:append(1) end)
  raises("HUSK_ESTATE", "list " .. dead, function() for _ in pairs(l) do end end)
  raises("HUSK_ESTATE", "map " .. dead, function() m.x = 1 end)
  raises("HUSK_ESTATE", "map " .. dead, function() return #m end)
  raises("HUSK_ESTATE", "map " .. dead, function() for _ in pairs(m) do end end)
  raises("HUSK_ESTATE", "box " .. dead, function() return b:get() end)
  raises("HUSK_ESTATE", "weak reference " .. dead, function() return w() end)
  raises("HUSK_ESTATE", "weak reference " .. dead, function() return w.alive end)
  raises("HUSK_ESTATE", "Node " .. dead, function() live[1] = a end)
  raises("HUSK_ESTATE", "Node " .. dead, function() husk.getrefcount(a) end)
  raises("HUSK_ESTATE", "Node " .. dead, function() husk.weak(a) end)
  raises("HUSK_ESTATE", "Node " .. dead, function() husk.referents(a) end)
  raises("HUSK_ESTATE", "Node " .. dead, function() husk.heap_of(a) end)
  eq(tostring(a), "Node (released)")
  eq(#live, 0)
end)

test("weak references: shared without a callback, own with one", function()
  local a = Node{}
  local w = husk.weak(a)
  ok(rawequal(w, husk.weak(a)))
  local own = husk.weak(a, function() end)
  ok(own ~= w)
  eq(husk.weakcount(a), 2)
  eq(w(), a)
  eq(w:get(), a)
  eq(w.state, "alive")
  eq(husk.getrefcount(a), 1)
  a:release()
  eq(w.state, "dead")
  eq(w.alive, false)
  eq(w(), nil)
  raises("HUSK_EMISSING", "has no 'foo'", function() return w.foo end)
  raises("HUSK_EINVAL", "function expected", function() husk.weak(husk.list{}, 1) end)
end)

test("a weak reference can be stored", function()
  local a, l = Node{}, husk.list{}
  l[1] = husk.weak(a)
  tap.settle()
  eq(l[1](), a)
  a:release()
  eq(l[1](), nil)
end)

test("objects of two heaps stay apart", function()
  local h <close> = husk.heap{name = "other"}
  local theirs, ours = h:list{1}, husk.list{}
  local err = raises("HUSK_EHEAP", "heap 'other' cannot be stored in heap 'default'", function() ours[1] = theirs end)
  ok(err.where:find("handles.lua:%d+: $"))
  raises("HUSK_EHEAP", "heap 'default' cannot be stored in heap 'other'", function() theirs:append(ours) end)
  raises("HUSK_EHEAP", "", function() h:list{ours} end)
  raises("HUSK_EHEAP", "", function() h:map{[ours] = 1} end)
  raises("HUSK_EHEAP", "", function() h:map{x = ours} end)
  raises("HUSK_EHEAP", "", function() h:new(Node, {next = ours}) end)
  raises("HUSK_EHEAP", "", function() h:new(Node).next = ours end)
  eq(h:map{}[ours], nil)
  eq(#theirs, 1)
  eq(#ours, 0)
  eq(husk.heap_of(theirs), h)
  eq(husk.heap_of(ours), husk.default)
  ok(h:verify() and husk.verify())
end)

test("a closed heap: its handles are dead, its name is in the message", function()
  local h = husk.heap{name = "brief"}
  local l = h:list{1}
  local n = h:new(Node, {value = 1})
  h:close()
  h:close()
  ok(h:closed())
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() return l[1] end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() n.value = 1 end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() h:list{} end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() h:collect() end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() h:box(1) end)
  raises("HUSK_ESTATE", "heap 'brief' is closed", function() h:on_pass(print) end)
  l:release()
  eq(tostring(h), "heap 'brief' (closed)")
end)

test("a heap lives as long as a handle of it, and no longer", function()
  local held = require("husk.core").lib.memory_held
  tap.settle()
  local before = held()
  local l = husk.heap{name = "kept"}:list{1, 2}
  tap.settle()
  eq(l[2], 2)
  eq(tostring(husk.heap_of(l)), "heap 'kept'")
  l = nil
  tap.settle()
  tap.settle()
  eq(held(), before)
end)

test("many handles", function()
  local l = husk.list{}
  for i = 1, 20000 do l:append(Node{value = i}) end
  for i, n in pairs(l) do if n.value ~= i then error(i) end end
  l:clear()
  tap.settle()
  eq(husk.census().Node, nil)
end)

test("errors are tables with code, status, message, where", function()
  local l = husk.list{}
  local err = raises("HUSK_ERANGE", "", function() l[3] = 1 end)
  eq(err.status, -5)
  eq(err.message, "list[3] = v: the list has 0 items; the next one is number 1")
  eq(tostring(err), err.where .. err.message .. " (HUSK_ERANGE)")
  eq("x " .. err, "x " .. tostring(err))
  eq(err .. " x", tostring(err) .. " x")
  err = raises("HUSK_EINVAL", "bad argument #1 to 'husk.getrefcount'", function() husk.getrefcount("x") end)
  err = raises("HUSK_EINVAL", "bad argument #1 to 'heap:set_max_bytes' %(integer expected, got string%)", function()
    husk.set_max_bytes("1")
  end)
  raises("HUSK_EINVAL", "wrong number of arguments to 'heap:trim' %(0 expected, got 1%)", function() husk.trim(1) end)
  raises("HUSK_ERANGE", "%-1 is out of range", function() husk.set_max_bytes(-1) end)
  raises("HUSK_EINVAL", "unknown option", function() husk.heap{nam = 1} end)
  raises("HUSK_EINVAL", "handles.lua:%d+: husk.heap: a table of options", function() husk.heap(1) end)
  raises("HUSK_EINVAL", "husk.heap: name is a string", function() husk.heap{name = {}} end)
  raises("HUSK_EINVAL", "husk.heap: name is a string", function() husk.heap{name = "a\0b"} end)
  raises("HUSK_ERANGE", "husk.heap: max_bytes is an integer from 0 on, not %-1", function() husk.heap{max_bytes = -1} end)
  raises("HUSK_EINVAL", "max_bytes is an integer from 0 on, not 1.5", function() husk.heap{max_bytes = 1.5} end)
  raises("HUSK_EINVAL", "pacing: least_bytes is an integer from 0 on, not string", function() husk.pacing{least_bytes = "x"} end)
  raises("HUSK_EINVAL", "argument #1 to 'heap:pacing'", function() husk.pacing(1) end)
  raises("HUSK_EINVAL", "argument #1 to 'husk.is_dying'", function() husk.is_dying(1) end)
  raises("HUSK_EINVAL", "argument #1 to 'husk.weakcount'", function() husk.weak.count(1) end)
  raises("HUSK_EINVAL", "argument #1 to 'list:append' %(value expected, got no value%)", function() husk.list{}:append() end)
  raises("HUSK_EINVAL", "argument #2 to 'list:insert' %(value expected, got no value%)", function() husk.list{}:insert(1) end)
end)

tap.done()
