-- What slots, items and entries hold, and how they come back.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local R = husk.type("R", {"v", "w"})

local plain = {0, 1, -1, math.maxinteger, math.mininteger, 1 << 53 | 1, 0.5, -0.0, 1e308, math.huge, -math.huge, 3.0,
  true, false, "", "text", "a\0b", ("x"):rep(100000), "\xff\xfe"}

test("plain values come back as they were, integers as integers", function()
  local list, map, record = husk.list(plain), husk.map{}, R{}
  for i, v in ipairs(plain) do
    eq(list[i], v)
    eq(math.type(list[i]), math.type(v))
    record.v = v
    eq(record.v, v)
    eq(math.type(record.v), math.type(v))
    map.entry = v
    eq(map.entry, v)
    eq(math.type(map.entry), math.type(v))
  end
  record.v = nil
  eq(record.v, nil)
  record.v = 0 / 0
  ok(record.v ~= record.v)
end)

test("list: length, index from 1, append by index, holes are nil", function()
  local l = husk.list{10, 20, 30}
  eq(#l, 3)
  eq(l[1], 10)
  eq(l[3], 30)
  eq(l[0], nil)
  eq(l[4], nil)
  eq(l[-1], nil)
  eq(l[2.0], 20)
  eq(l[math.maxinteger], nil)
  eq(l[math.mininteger], nil)
  l[4] = 40
  eq(#l, 4)
  l[#l + 1] = nil
  eq(#l, 4)
  l[2] = nil
  eq(l[2], nil)
  eq(#l, 4)
  raises("HUSK_ERANGE", "the list has 4 items", function() l[6] = 1 end)
  raises("HUSK_ERANGE", "out of range", function() l[0] = 1 end)
  raises("HUSK_EINVAL", "integer expected", function() l[1.5] = 1 end)
  raises("HUSK_EINVAL", "integer expected", function() l.x = 1 end)
  raises("HUSK_EMISSING", "a list has no 'x'", function() return l.x end)
end)

test("list: append, insert, remove, clear", function()
  local l = husk.list{}
  for i = 1, 1000 do l:append(i) end
  l:insert(1, "first")
  l:insert(#l + 1, "last")
  eq(l[1], "first")
  eq(l[1002], "last")
  eq(l:remove(), "last")
  eq(l:remove(1), "first")
  eq(l:remove(500), 500)
  eq(#l, 999)
  raises("HUSK_ERANGE", "out of range", function() l:remove(1000) end)
  raises("HUSK_ERANGE", "out of range", function() l:insert(0, 1) end)
  raises("HUSK_ERANGE", "out of range", function() l:insert(1001, 1) end)
  l:clear()
  eq(#l, 0)
  eq(l:remove(), nil)
  local inner = husk.list{}
  l:append(inner)
  eq(l:remove(), inner)
  eq(husk.getrefcount(inner), 1)
end)

test("list: pairs goes through nil items, ipairs stops", function()
  local l = husk.list{1, nil, 3}
  local seen = {}
  for i, v in pairs(l) do seen[#seen + 1] = i .. "=" .. tostring(v) end
  eq(table.concat(seen, " "), "1=1 2=nil 3=3")
  local count = 0
  for _ in ipairs(l) do count = count + 1 end
  eq(count, 1)
end)

test("map: every kind of key", function()
  local m, key = husk.map{}, husk.list{}
  local keys = {1, -5, 2.5, true, false, "text", "", "a\0b", "a\0c", key, math.maxinteger, 1 << 53}
  for i, k in ipairs(keys) do m[k] = i end
  eq(#m, #keys)
  for i, k in ipairs(keys) do eq(m[k], i) end
  eq(m[1.0], 1)
  m[7.0] = "seven"
  eq(m[7], "seven")
  m[7] = nil
  eq(m[7], nil)
  local n = 0
  for k, v in pairs(m) do
    n = n + 1
    eq(keys[n], k)
    eq(v, n)
  end
  eq(n, #keys)
  for _, k in ipairs(keys) do m[k] = nil end
  eq(#m, 0)
  m.absent = nil
end)

test("map: keys that cannot be", function()
  local m = husk.map{}
  raises("HUSK_EINVAL", "nil", function() m[nil] = 1 end)
  raises("HUSK_EINVAL", "NaN", function() m[0 / 0] = 1 end)
  raises("HUSK_ETYPE", "table cannot be stored", function() m[{}] = 1 end)
  eq(m[nil], nil)
  eq(m[0 / 0], nil)
  eq(m[{}], nil)
  eq(m[print], nil)
  eq(#m, 0)
end)

test("map: names of methods are keys like others", function()
  local m = husk.map{close = 1, release = 2, clear = 3}
  eq(m.close + m.release + m.clear, 6)
  husk.clear(m)
  eq(#m, 0)
  husk.release(m)
  raises("HUSK_ESTATE", "this handle of map has been released", function() return m.x end)
end)

test("map: entries may be removed and set while pairs goes through it", function()
  local m = husk.map{}
  for i = 1, 100 do m[i] = i end
  local count = 0
  for k in pairs(m) do
    count = count + 1
    if k % 2 == 0 then m[k] = nil else m[k] = -k end
  end
  eq(count, 100)
  eq(#m, 50)
  ok(husk.verify())
end)

test("record: fields in order, unknown ones are errors", function()
  local r = R{v = 1}
  eq(r.v, 1)
  eq(r.w, nil)
  local names = {}
  for k, v in pairs(r) do names[#names + 1] = k .. "=" .. tostring(v) end
  eq(table.concat(names, " "), "v=1 w=nil")
  raises("HUSK_EMISSING", "R has no field 'x'", function() return r.x end)
  raises("HUSK_EMISSING", "R has no field 'x'", function() r.x = 1 end)
  raises("HUSK_EMISSING", "R has no field 'x'", function() return (R{x = 1}) end)
  raises("HUSK_EMISSING", "R has no field", function() return r[1] end)
  raises("HUSK_EMISSING", "R has no field", function() return r[{}] end)
  raises("HUSK_EMISSING", "R has no field", function() r[nil] = 1 end)
end)

test("record: methods of the class; a field of that name wins", function()
  local P = husk.type("P", {"x", "close"})
  function P:twice() return 2 * self.x end
  local p = P{x = 4, close = "mine"}
  eq(p:twice(), 8)
  eq(p.close, "mine")
  p:release()
  ok(not husk.isalive(p))
  eq(husk.class(P{}), P)
end)

test("types: the same description is the same class; bad ones are refused", function()
  eq(husk.type("Same", {"a"}), husk.type("Same", {"a"}))
  ok(husk.type("Same", {"a"}) ~= husk.type("Same", {"b"}))
  local f = function() end
  eq(husk.type("Same", {"a"}, {finalize = f}), husk.type("Same", {"a"}, {finalize = f}))
  ok(husk.type("Same", {"a"}, {finalize = f}) ~= husk.type("Same", {"a"}, {finalize = function() return f end}))
  raises("HUSK_EINVAL", "non%-empty string", function() husk.type("", {}) end)
  raises("HUSK_EINVAL", "non%-empty string", function() husk.type("a\0b", {}) end)
  raises("HUSK_EINVAL", "got nil", function() husk.type() end)
  raises("HUSK_EINVAL", "table of field names", function() husk.type("A") end)
  raises("HUSK_EINVAL", "a field name", function() husk.type("A", {1}) end)
  raises("HUSK_EINVAL", "two fields", function() husk.type("A", {"x", "x"}) end)
  raises("HUSK_EINVAL", "finalize is a function", function() husk.type("A", {"x"}, {finalize = 1}) end)
  raises("HUSK_EINVAL", "unknown option", function() husk.type("A", {"x"}, {final = 1}) end)
  local many = {}
  for i = 1, 4096 do many[i] = "f" .. i end
  local Wide = husk.type("Wide", many)
  eq(Wide{f4096 = 1}.f4096, 1)
  many[4097] = "one more"
  raises("HUSK_ERANGE", "4096", function() husk.type("Wide", many) end)
end)

test("box: any Lua value, freed with the box", function()
  local weak = setmetatable({}, {__mode = "v"})
  weak[1] = {}
  local b = husk.box(weak[1])
  eq(b:get(), weak[1])
  eq(b.value, weak[1])
  local l = husk.list{b, husk.box(print), husk.box(nil), husk.box(b)}
  eq(l[2]:get(), print)
  eq(l[3]:get(), nil)
  eq(l[4]:get(), b)
  b = nil
  collectgarbage()
  ok(weak[1], "the heap keeps it")
  l:clear()
  tap.settle()
  tap.settle() -- the boxed handle was the last one
  eq(weak[1], nil)
  raises("HUSK_ETYPE", "husk.box keeps any value", function() l[1] = {} end)
  raises("HUSK_ETYPE", "thread", function() l[1] = coroutine.create(print) end)
end)

test("strings are texts of the heap: two objects for two stores", function()
  local before = husk.figures().objects
  local l = husk.list{"a", "b"}
  eq(husk.figures().objects, before + 3)
  l[1] = "c"
  eq(husk.figures().objects, before + 3)
  eq(husk.census().text, 2)
  l:release()
  eq(husk.figures().objects, before)
end)

tap.done()
