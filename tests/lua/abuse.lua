-- Nothing that a script does may crash: metamethods called by hand, wrong receivers, every function with
-- every kind of argument, metatables exchanged, deep recursion, huge sizes. What the calls answer does not
-- matter here; that they answer, and that the heap is whole afterwards, does. (Taking the library out of
-- debug.getregistry, or giving its handles to functions of other libraries, is beyond what a module can
-- stand, as it is for Lua's own files.)
local husk = require "husk"
local core = require "husk.core"
local tap = require "tap"
local test, eq, ok = tap.test, tap.eq, tap.ok

local seed = tonumber(arg[1]) or os.time()
math.randomseed(seed)
print("# seed " .. seed)
husk.on_error(function() end)
local Node = husk.type("Node", {"value", "next"}, {finalize = function() return end})
local function another()
  local h = husk.heap{name = "other"}
  h:on_error(function() end)
  return h
end
local other = another()

local function fresh()
  local dead, closed_heap = husk.list{}, husk.heap{name = "shut"}
  local shut = closed_heap:list{1}
  dead:release()
  closed_heap:close()
  local node = Node{value = 1}
  return {
    nil, true, false, 0, 1, -1, 2.5, 0 / 0, math.huge, math.maxinteger, math.mininteger, "", "value", ("x"):rep(1000),
    {}, {1, 2, node}, {value = node, next = {}}, type, function() error "called" end, coroutine.create(type),
    io.stdout, husk.default, other, closed_heap, node, Node, dead, shut, husk.list{1, node}, husk.map{a = node}, husk.box{},
    husk.weak(node), husk.weak(node, function() end), other:list{1}, setmetatable({}, {__index = error, __len = error}),
    husk.weak.keys{[node] = {node}}, husk.weak.values{x = node}, husk.weak.set{node}, husk.weak.finalize(node, type, {}),
    husk.weak.soft(node), husk.weak.queue(), husk.weak.queue():watch(node, {}),
    {Node, {Node, value = 1}, edges = {1, "next", 2}, handles = {2}}, husk.box(node),
    n = 44,
  }
end

-- Functions that end what the other calls need; they have tests of their own.
local apart = {[core.heap.close] = true, [core.lib.memory_fail] = true, [core.heap.on_error] = true,
  [core.heap.set_max_bytes] = true, [core.obj.make_immortal] = true, [core.heap.disable] = true, [core.release] = true,
  [core.heap.freeze] = true, [core.heap.on_pass] = true, [core.new_heap] = true, [husk.gc.disable] = true,
  [husk.gc.freeze] = true, [husk.gc.debug] = true}

test("every function, with one, two and three arguments of every kind", function()
  local new_heap = {function(a, b, c) return core.new_heap(a, b, c) end} -- the fourth is for the default heap
  local tables = {core, core.heap, core.obj, core.weak, core.type, core.lib, new_heap, husk.gc, husk.weak}
  local calls = 0
  for _, functions in ipairs(tables) do
    for _, f in pairs(functions) do
      if type(f) == "function" and not apart[f] then
        pcall(f)
        local values = fresh()
        for i = 1, values.n do
          pcall(f, values[i])
          for j = 1, values.n do
            pcall(f, values[i], values[j])
            calls = calls + 1
          end
        end
        for _ = 1, 500 do
          pcall(f, values[math.random(values.n)], values[math.random(values.n)], values[math.random(values.n)],
            values[math.random(values.n)])
        end
      end
    end
  end
  ok(calls > 10000)
  ok(husk.verify() and other:verify())
end)

test("metamethods and methods called by hand", function()
  local metas = {}
  local values = fresh()
  for i = 1, values.n do
    local meta = type(values[i]) == "userdata" and values[i] ~= io.stdout and debug.getmetatable(values[i])
    if meta then metas[meta] = true end
  end
  for meta in pairs(metas) do
    for name, f in pairs(meta) do
      if type(f) == "function" and name ~= "__gc" and name ~= "__close" then
        pcall(f)
        for i = 1, values.n do
          pcall(f, values[i])
          for j = 1, values.n do pcall(f, values[i], values[j], values[math.random(values.n)]) end
        end
      end
    end
    ok(husk.verify())
  end
end)

test("__gc and __close by hand, twice, and on strangers", function()
  for _ = 1, 2 do
    pcall(other.close, other) -- a box in it may hold its own heap: only closing ends that
    other = another()
    local values = fresh()
    for i = 1, values.n do
      local meta = type(values[i]) == "userdata" and values[i] ~= io.stdout and debug.getmetatable(values[i])
      if meta and values[i] ~= husk.default then
        for j = 1, values.n do
          if values[j] ~= husk.default and values[j] ~= io.stdout then pcall(meta.__gc, values[j]) end
        end
        pcall(meta.__gc, values[i])
        pcall(meta.__gc, values[i])
        pcall(meta.__close, values[i])
      end
    end
  end
  pcall(other.close, other)
  other = another()
  tap.settle()
  ok(husk.verify())
end)

test("metatables exchanged and taken away", function()
  local values = fresh()
  local ours = {}
  for i = 1, values.n do
    local v = values[i]
    if type(v) == "userdata" and v ~= io.stdout and v ~= husk.default and v ~= other then ours[#ours + 1] = v end
  end
  for _, v in ipairs(ours) do
    for _, w in ipairs(ours) do
      local meta = debug.getmetatable(v)
      debug.setmetatable(v, debug.getmetatable(w))
      pcall(function() return v.value end)
      pcall(function() v.value = 1 end)
      pcall(function() v[1] = v end)
      pcall(function() return #v end)
      pcall(function() return v() end)
      pcall(function() return v:get() end)
      pcall(function() return v:append(1) end)
      pcall(function() for _ in pairs(v) do end end)
      pcall(tostring, v)
      debug.setmetatable(v, meta)
    end
  end
  values = fresh()
  for i = 1, values.n do
    local v = values[i]
    if type(v) == "userdata" and v ~= io.stdout and v ~= husk.default and v ~= other then debug.setmetatable(v, nil) end
  end
  tap.settle()
  ok(husk.verify())
  debug.setmetatable(1, debug.getmetatable(Node{}))
  pcall(function() return (1).value end)
  pcall(tostring, 1)
  debug.setmetatable(1, nil)
end)

test("values under the loop: upvalues of iterators changed", function()
  local m = husk.map{a = 1, b = 2, c = 3}
  local next_entry, map = pairs(m)
  for _, cursor in ipairs{-1, 5, math.maxinteger, math.mininteger, 1 << 40} do
    debug.setupvalue(next_entry, 1, cursor)
    pcall(next_entry, map)
    pcall(next_entry, map, "a")
  end
  local next_item, list = pairs(husk.list{1, 2})
  for _, i in ipairs{-1, 2, 3, math.maxinteger, math.mininteger, "x"} do pcall(next_item, list, i) end
  local next_field, node = pairs(Node{})
  for _, k in ipairs{"value", "next", "none", 1, -1} do pcall(next_field, node, k) end
end)

test("__gc of others between our steps: releases, closes, makes and collects", function()
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 1000)
  local l, h = husk.list{}, husk.heap{name = "under"}
  local keys, values, set = husk.weak.keys(), husk.weak.values(), husk.weak.set()
  for i = 1, 100 do l:append(Node{value = i, next = husk.list{i}}) end
  local function trap()
    setmetatable({}, {__gc = function()
      local n = l[math.random(100)]
      if husk.isalive(n) then n:release() end
      l[math.random(100)] = Node{value = 1, next = husk.list{}}
      h:close()
      h = husk.heap{name = "under"}
      pcall(husk.collect)
    end})
  end
  for i = 1, 1200 do
    trap()
    local n = l[i % 100 + 1]
    pcall(function() return n.value, n.next end)
    pcall(function() return n.next[1] end)
    pcall(function() return h:list{h:list{}, "x"} end)
    pcall(function() h:map{a = "b"}.c = "d" end)
    pcall(function() return husk.weak(n, function() end)() end)
    pcall(function() return husk.box{} end)
    pcall(function() return #husk.objects() end)
    pcall(function() return h:objects(), h:census(), h:figures() end)
    pcall(function() for _, v in pairs(n) do tostring(v) end end)
    pcall(function() return l:remove(1), l:append(Node{}) end)
    pcall(function() l:insert(1, h:list{}) end)
    pcall(function() keys[n] = {n} return keys[n][1], #keys end)
    pcall(function() for k, v in pairs(keys) do tostring(v) k.next = k end end)
    pcall(function() values[i % 10] = n return values[i % 10].value end)
    pcall(function() for k, v in pairs(values) do tostring(v) values[k] = v end end)
    pcall(function() set:add(n) for x in pairs(set) do set:remove(x) end end)
    pcall(function() local f = husk.weak.finalize(n, tostring, n) f:peek() f:detach() f() end)
    pcall(function() return h:build{{Node, value = n}, Node, edges = {1, "next", 2}}[1].next end)
    pcall(function() return husk.build{{Node, value = n}, Node, edges = {1, "next", 2}}[1].next end)
    pcall(function() husk.update(n, {value = l, next = "x"}) l:extend{n, "x"} l:remove() l:remove() end)
    pcall(function() return #husk.weak.list(n) end)
    pcall(function() local s = husk.weak.soft(n, tostring) s:let_go() return s(), h:yield_softs(2) end)
    pcall(function() local q = husk.weak.queue() q:watch(n, n):detach() q:watch(Node{}, {q}) return q:poll() end)
  end
  collectgarbage("setpause", 200)
  collectgarbage("setstepmul", 100)
  tap.settle()
  ok(husk.verify() and h:verify())
end)

test("the same in generational mode", function()
  collectgarbage("generational")
  local l = husk.list{}
  for i = 1, 20000 do
    l[i % 50 + 1 <= #l + 1 and i % 50 + 1 or #l + 1] = Node{value = "s" .. i, next = l}
    if i % 1000 == 0 then husk.collect() end
  end
  l:clear()
  collectgarbage("incremental")
  tap.settle()
  ok(husk.verify())
end)

test("long chains, deep structures, huge texts", function()
  local head
  local before = husk.census().Node or 0 -- handles without __gc, from the test above, hold theirs to the end
  for _ = 1, 200000 do
    local n = Node{next = head}
    if head then head:release() end
    head = n
  end
  head:release()
  local ring = husk.list{}
  for _ = 1, 1000 do
    local l = husk.list{ring}
    ring:append(l)
    l:release()
  end
  ring:release()
  eq(husk.census().Node or 0, before)
  local big = ("x"):rep(50 << 20)
  local l = husk.list{big}
  eq(#l[1], #big)
  l:release()
  tap.settle()
  ok(husk.verify())
end)

test("deep recursion through __index of records and pcall", function()
  local Deep = husk.type("Deep", {"x"})
  local d = Deep{x = 1}
  function Deep.again(self) return self:again() + 1 end
  eq(pcall(d.again, d), false)
  local function nest() return pcall(function() return nest(), husk.list{} end) end
  nest()
  local err = setmetatable({}, debug.getmetatable(select(2, pcall(husk.release))))
  pcall(tostring, err)
  pcall(function() return err .. err end)
  rawset(err, "message", {})
  tostring(err)
end)

husk.on_error(nil)
other:close() -- one of its handles has lost its __gc
tap.done()
