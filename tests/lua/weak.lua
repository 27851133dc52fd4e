-- husk.weak: weak containers and the finalize registry.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local weak = husk.weak

local Node = husk.type("Node", {"value", "next"})

test("the module is a function and has ref", function()
  local n = Node{}
  ok(rawequal(husk.weak(n), weak.ref(n)))
  eq(weak.count(n), 1)
  local called = 0
  local own = husk.weak(n, function() called = called + 1 end)
  local other = weak.ref(n, function() end)
  local list = weak.list(n)
  eq(#list, 3)
  ok(rawequal(list[1], weak.ref(n)) and rawequal(list[2], other) and rawequal(list[3], own))
  n:release()
  eq(called, 1)
  raises("HUSK_ESTATE", "has been released", function() weak.count(n) end)
  raises("HUSK_EINVAL", "object of a heap", function() weak.list(1) end)
  eq(#weak.list(husk.list{}), 0)
end)

test("weak-key map: any value under an object", function()
  local m = weak.keys()
  local a, b, c = Node{value = "a"}, Node{}, husk.list{}
  local t, f = {}, function() end
  m[a], m[b], m[c] = 1, "text", true
  eq(m[a], 1)
  eq(m[b], "text")
  eq(m[c], true)
  eq(#m, 3)
  m[a], m[b], m[c] = t, f, coroutine.create(f)
  ok(rawequal(m[a], t) and rawequal(m[b], f))
  eq(type(m[c]), "thread")
  m[a], m[b], m[c] = b, husk.default, husk.box(t)
  ok(rawequal(m[a], b))
  eq(m[b], husk.default)
  eq(husk.kind(m[c]), "box") -- a box of the script's stays one
  m[a] = nil
  eq(m[a], nil)
  eq(#m, 2)
  m[a] = nil
  eq(m[Node{}], nil)
  eq(m[1], nil)
  m[1] = nil
  m:clear()
  eq(#m, 0)
  raises("HUSK_ETYPE", "held weakly, not a number", function() m[1] = 1 end)
  raises("HUSK_ETYPE", "held weakly, not a string", function() m.name = 1 end)
  raises("HUSK_ETYPE", "held weakly, not a table", function() m[{}] = {} end)
  raises("HUSK_EMISSING", "a weak%-key map has no 'name'", function() return m.name end)
  local dead = Node{}
  dead:release()
  raises("HUSK_ESTATE", "released", function() m[dead] = 1 end)
  raises("HUSK_ESTATE", "released", function() m[a] = dead end)
  eq(m[dead], nil)
  m:release()
  raises("HUSK_ESTATE", "weak%-key map has been released", function() return m[a] end)
end)

test("an entry goes with its key, by counting and by a pass, even if the value leads to the key", function()
  local m = weak.keys()
  local seen = setmetatable({}, {__mode = "v"})
  local function add(value_of)
    local n = Node{}
    local v = value_of(n)
    if type(v) == "table" then seen[#seen + 1] = v end
    m[n] = v
  end
  add(function() return 1 end)
  add(function(n) return n end)
  add(function(n) return {key = n} end)
  add(function(n) return function() return n end end)
  add(function(n) return husk.box{husk.list{n}} end)
  local kept = Node{}
  m[kept] = {kept}
  husk.collect()
  eq(#m, 1)
  eq(#seen, 0)
  ok(rawequal(m[kept][1], kept))
  kept:release()
  husk.collect()
  eq(#m, 0)
end)

test("entries are seen while objects die under the iteration", function()
  local m = weak.keys()
  local keys = {}
  for i = 1, 100 do
    keys[i] = Node{value = i}
    m[keys[i]] = {i}
  end
  local count, sum = 0, 0
  for k, v in pairs(m) do
    eq(k.value, v[1])
    count, sum = count + 1, sum + v[1]
    local i = v[1]
    for j = i + 1, i + 5 do -- those after it, if they are there still
      if keys[j] then keys[j]:release() keys[j] = nil end
    end
    m[k] = {i} -- writing is fine
  end
  eq(count, 17)
  eq(#m, 17)
  for k in pairs(m) do m[k] = nil end
  eq(#m, 0)
end)

test("iteration makes handles only as it goes", function()
  local m, l = weak.keys(), husk.list{}
  for i = 1, 10 do
    local n <close> = Node{value = i}
    l[i] = n
    m[n] = i
  end
  collectgarbage()
  local sum = 0
  for k, v in pairs(m) do
    eq(husk.getrefcount(k), 2)
    sum = sum + v
    if v % 3 == 0 then collectgarbage() end
  end
  eq(sum, 55)
end)

test("weak-value map: objects under any key", function()
  local m = weak.values()
  local a, b = Node{value = "a"}, husk.list{}
  m.a, m[1], m[1.5], m[true], m[b], m["x\0y"] = a, a, b, b, a, b
  ok(rawequal(m.a, a) and rawequal(m[1.0], a) and rawequal(m[1.5], b) and rawequal(m[true], b))
  ok(rawequal(m[b], a) and rawequal(m["x\0y"], b))
  eq(#m, 6)
  eq(m.none, nil)
  eq(m[{}], nil)
  m.a = nil
  m.none = nil
  eq(#m, 5)
  raises("HUSK_ETYPE", "held weakly, not a string", function() m.x = "text" end)
  raises("HUSK_ETYPE", "held weakly, not a table", function() m.x = {} end)
  raises(nil, "", function() m[0 / 0] = a end)
  raises("HUSK_ETYPE", "table cannot be stored", function() m[{}] = a end)
  a:release()
  eq(m[1], nil)
  eq(#m, 3)
  m.close = b -- a name like any other
  ok(rawequal(m.close, b))
  husk.clear(m)
  eq(#m, 0)
  local filled = weak.values{x = b, [2] = b}
  eq(#filled, 2)
  local found = {}
  for k, v in pairs(filled) do found[k] = v end
  ok(found.x == b and found[2] == b)
end)

test("weak set", function()
  local a, b = Node{}, Node{}
  local s = weak.set{a, b}
  eq(#s, 2)
  ok(s[a] and s:has(b) and not s[husk.list{}] and not s:has(1))
  s:add(a)
  eq(#s, 2)
  eq(s:remove(a), true)
  eq(s:remove(a), false)
  s[a] = true
  s[b] = nil
  s[1] = nil
  ok(s[a] and not s[b])
  for x, there in pairs(s) do ok(x == a and there == true) end
  raises("HUSK_ETYPE", "set:add: an object", function() s:add("x") end)
  raises("HUSK_ETYPE", "", function() s[1] = true end)
  a:release()
  eq(#s, 0)
  s:add(b)
  s:clear()
  eq(#s, 0)
  raises("HUSK_EINVAL", "a table expected", function() weak.set(1) end)
  raises("HUSK_EINVAL", "a table expected", function() weak.keys(1) end)
  raises("HUSK_EINVAL", "bad argument #1 to 'set:add' %(value expected, got no value%)", function() s:add() end)
  raises("HUSK_ETYPE", "not a nil", function() weak.set{b, nil, b} end) -- no member is passed over
end)

test("containers of another heap, and of a closed one", function()
  local h = husk.heap{name = "own"}
  local m, v, s, theirs, ours = h:weak_keys(), h:weak_values(), h:weak_set(), h:new(Node), Node{}
  m[theirs], v.x = {1}, theirs
  s:add(theirs)
  raises("HUSK_EHEAP", "heap 'default' cannot be stored in heap 'own'", function() m[ours] = 1 end)
  raises("HUSK_EHEAP", "", function() m[theirs] = ours end)
  raises("HUSK_EHEAP", "", function() v.y = ours end)
  raises("HUSK_EHEAP", "", function() s:add(ours) end)
  eq(m[ours], nil)
  eq(s[ours], false)
  h:close()
  for _, x in ipairs{m, s} do
    raises("HUSK_ESTATE", "heap 'own' is closed", function() return #x end)
    raises("HUSK_ESTATE", "heap 'own' is closed", function() x[theirs] = true end)
    raises("HUSK_ESTATE", "heap 'own' is closed", function() for _ in pairs(x) do end end)
  end
  raises("HUSK_ESTATE", "heap 'own' is closed", function() return v.x end)
end)

-- ---- finalize ----

test("finalize: at death, newest first, with its arguments", function()
  local said = {}
  local function say(...) said[#said + 1] = table.concat({...}, ",") end
  local n = Node{}
  weak.finalize(n, say, "first")
  local f = weak.finalize(n, say, "second", 2)
  eq(husk.default:cleanups(), 2)
  eq(f.alive, true)
  local object, fn, a, b = f:peek()
  ok(rawequal(object, n) and fn == say and a == "second" and b == 2)
  object = nil
  n:release()
  eq(table.concat(said, " "), "second,2 first")
  eq(f.alive, false)
  eq(f.atexit, false)
  eq(select("#", f()), 0)
  eq(select("#", f:peek()), 0)
  eq(husk.default:cleanups(), 0)
end)

test("finalize: called by hand it gives results, once; an error is the caller's", function()
  local n = Node{}
  local f = weak.finalize(n, function(...) return select("#", ...), ... end, nil, "x", nil)
  local count, a, b = f()
  ok(count == 3 and a == nil and b == "x")
  eq(select("#", f()), 0)
  local bad = weak.finalize(n, error, "oops")
  raises(nil, "oops", bad)
  eq(bad.alive, false)
end)

test("finalize: detach", function()
  local n, ran = Node{}, false
  local f = weak.finalize(n, function() ran = true end, 7)
  local object, _, seven = f:detach()
  ok(rawequal(object, n))
  eq(seven, 7)
  eq(select("#", f:detach()), 0)
  object = nil
  n:release()
  eq(ran, false)
end)

test("finalize: in a cycle, with the handle gone; an error is reported and the others run", function()
  local heard, ran = {}, 0
  husk.on_error(function(code, text) heard[#heard + 1] = code .. " " .. text end)
  do
    local n = Node{}
    n.next = n
    weak.finalize(n, function() ran = ran + 1 end)
    weak.finalize(n, function() error("no", 0) end)
    weak.finalize(n, function() husk.list{1} ran = ran + 1 coroutine.yield() end)
  end
  husk.collect()
  eq(ran, 2)
  eq(#heard, 2)
  ok(heard[2]:find("HUSK_EHOOK callback of husk.weak.finalize: no", 1, true), heard[2])
  husk.on_error(nil)
end)

test("finalize: at exit, newest first, unless told otherwise", function()
  local h = husk.heap{name = "exits"}
  local said = {}
  local function say(x) said[#said + 1] = x end
  local a, b = h:new(Node), h:new(Node)
  weak.finalize(a, say, 1)
  local quiet = weak.finalize(b, say, 2)
  weak.finalize(b, function()
    say(3)
    weak.finalize(a, say, 4)
  end)
  eq(quiet.atexit, true)
  quiet.atexit = false
  eq(quiet.atexit, false)
  raises("HUSK_EINVAL", "a boolean is expected", function() quiet.atexit = 1 end)
  raises("HUSK_EMISSING", "only 'atexit'", function() quiet.alive = false end)
  raises("HUSK_EMISSING", "a finalizer has no 'name'", function() return quiet.name end)
  h:close()
  eq(table.concat(said, " "), "3 4 1")
  raises("HUSK_ESTATE", "heap 'exits' is closed", function() return quiet.alive end)
  raises("HUSK_ESTATE", "heap 'exits' is closed", quiet)
end)

test("finalize: bad arguments; arguments are kept no longer than needed", function()
  raises("HUSK_EINVAL", "bad argument #1 to 'husk.weak.finalize' %(object", function() weak.finalize(1, print) end)
  raises("HUSK_EINVAL", "bad argument #2 to 'husk.weak.finalize' %(function", function() weak.finalize(Node{}) end)
  local seen = setmetatable({}, {__mode = "v"})
  local n = Node{}
  do
    local t = {}
    seen[1] = t
    weak.finalize(n, function() end, t)
  end
  collectgarbage()
  ok(seen[1])
  n:release()
  husk.safepoint()
  collectgarbage()
  eq(seen[1], nil)
end)

test("functions that have run are let go, though their handles are kept", function()
  local n, seen = Node{}, setmetatable({}, {__mode = "v"})
  local function keeping()
    local t = {}
    seen[#seen + 1] = t
    return function() return t end
  end
  local handles = {weak.ref(n, keeping()), weak.finalize(n, keeping()), weak.finalize(n, keeping()),
    weak.finalize(n, keeping())}
  handles[3]()
  handles[4]:detach()
  collectgarbage()
  ok(seen[1] and seen[2] and not seen[3] and not seen[4])
  n:release()
  collectgarbage()
  eq(next(seen), nil)
  ok(#handles == 4)
end)

test("a finalizer handle is a weak reference in no container's way", function()
  local n, l = Node{}, husk.list{}
  local ran = 0
  l[1] = weak.finalize(n, function() ran = ran + 1 end)
  collectgarbage()
  eq(l[1].alive, true)
  eq(husk.kind(l[1]), "weak")
  n:release()
  eq(ran, 1)
  eq(l[1].alive, false)
end)

tap.done()
