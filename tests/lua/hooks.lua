-- Finalizers, weak callbacks, callbacks on passes and the error hook: Lua functions that Husk calls.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local log = {}
local function said()
  local text = table.concat(log, " ")
  log = {}
  return text
end
local function say(text) log[#log + 1] = tostring(text) end

-- A type whose finalizer is what `body` is at that moment.
local body
local Node = husk.type("Node", {"value", "next", "other"}, {finalize = function(self) if body then body(self) end end})

test("a finalizer runs once, at the last release, with all fields there", function()
  body = function(self) say(self.value .. self.next[1]) end
  local n = Node{value = "v", next = husk.list{"x"}}
  eq(said(), "")
  n:release()
  eq(said(), "vx")
end)

test("the order of death by counting: depth first, in field order", function()
  body = function(self) say(self.value) end
  local root = Node{value = "root", next = Node{value = "left", next = Node{value = "leaf"}}, other = Node{value = "right"}}
  tap.settle()
  root:release()
  tap.settle()
  eq(said(), "root left leaf right")
end)

test("a cycle: all finalizers run, then both are gone", function()
  local a, b = Node{value = "a"}, Node{value = "b"}
  a.next, b.next = b, a
  local w = husk.weak(a)
  body = function(self) say(self.value .. self.next.value) end
  a:release()
  b:release()
  eq(said(), "")
  local pass = husk.collect()
  eq(pass.finalized, 2)
  eq(pass.collected, 2)
  eq(pass.resurrected, 0) -- reading a field of condemned fellows brings nobody back
  local order = said()
  ok(order == "ab ba" or order == "ba ab")
  eq(w(), nil)
end)

test("the handle that a finalizer gets ends with it", function()
  local kept
  body = function(self) kept = self end
  Node{value = 1}:release()
  raises("HUSK_ESTATE", "this handle of Node ended with the hook", function() return kept.value end)
  eq(husk.census().Node, nil)
end)

test("a finalizer brings its object back by storing it in the heap, once", function()
  local saved = husk.list{}
  body = function(self)
    say "fin"
    saved:append(self)
  end
  local n = Node{value = 5}
  local w = husk.weak(n)
  n:release()
  eq(said(), "fin")
  eq(#saved, 1)
  eq(saved[1].value, 5)
  eq(w(), saved[1])
  ok(husk.is_finalized(saved[1]))
  eq(husk.getrefcount(saved[1]), 2)
  saved[1]:release()
  saved:clear()
  eq(said(), "")
  eq(w(), nil)
end)

test("one of a cycle brings all of it back", function()
  local saved = husk.list{}
  local a, b = Node{value = "a"}, Node{value = "b"}
  a.next, b.next = b, a
  body = function(self) if self.value == "a" then saved:append(self) end end
  a:release()
  b:release()
  local pass = husk.collect()
  eq(pass.resurrected, 2)
  eq(saved[1].next.next.value, "a")
  saved:clear()
  body = nil
  tap.settle()
  eq(husk.census().Node, nil)
end)

test("weak locks answer nil in a finalizer", function()
  local n = Node{}
  local w = husk.weak(n)
  body = function() say(tostring(w()) .. w.state) end
  n:release()
  eq(said(), "nildying")
  eq(w.state, "dead")
end)

test("a callback gets the weak reference, after the death", function()
  body = nil
  local n = Node{}
  local seen
  local w = husk.weak(n, function(gone)
    seen = gone
    say(gone.state)
  end)
  n:release()
  eq(said(), "dead")
  ok(rawequal(seen, w))
end)

test("callbacks: newest first; none if nobody holds the weak reference", function()
  local n = Node{}
  local a = husk.weak(n, function() say "a" end)
  local b = husk.weak(n, function() say "b" end)
  local c = husk.weak(n, function() say "c" end)
  b:release()
  n:release()
  eq(said(), "c a")
  ok(a and c)
end)

test("errors in hooks go to the error hook, and nothing else stops", function()
  local heard = {}
  husk.on_error(function(code, text, name) heard[#heard + 1] = code .. " " .. name .. ": " .. text end)
  body = function(self) error("bad " .. self.value) end
  local l = husk.list{Node{value = 1}, Node{value = 2}}
  local w = husk.weak(l, function() error{} end)
  local object = husk.weak(l, function() error(setmetatable({}, {__tostring = function() return "shown" end})) end)
  local worse = husk.weak(l, function() error(setmetatable({}, {__tostring = function() error "again" end})) end)
  tap.settle()
  l:release()
  eq(#heard, 5)
  ok(heard[1]:find("HUSK_EHOOK default: finalizer of Node: .-hooks.lua:%d+: bad 1"), heard[1])
  ok(heard[2]:find("bad 2"), heard[2])
  ok(heard[3]:find("callback of a weak reference"), heard[3])
  ok(heard[4]:find("shown"), heard[4])
  ok(heard[5]:find("callback of a weak reference: table"), heard[5])
  husk.on_error(nil)
  body = nil
  ok(w and object and worse)
end)

test("an error hook that fails does not lose the report, and may use the heap", function()
  local count = 0
  husk.on_error(function()
    count = count + 1
    eq(husk.list{1}[1], 1)
    husk.collect()
  end)
  body = function() error "x" end
  Node{}:release()
  eq(count, 1)
  husk.on_error(nil)
  body = nil
end)

test("collect in a hook is refused and remembered", function()
  local a = Node{value = "a"}
  a.next = a
  a:release()
  local code
  body = function(self)
    if self.value == "asks" then
      local _, err = pcall(husk.collect, {handles = false})
      code = err.code
    end
  end
  local before = husk.stats().passes
  Node{value = "asks"}:release()
  eq(code, "HUSK_EBUSY")
  eq(husk.stats().passes, before + 1)
  eq(husk.census().Node, nil)
  body = nil
end)

test("a heap cannot close inside a hook of its own", function()
  local h = husk.heap{name = "busy"}
  local code
  body = function()
    local _, err = pcall(h.close, h)
    code = err.code
  end
  h:new(Node):release()
  eq(code, "HUSK_EBUSY")
  body = nil
  h:close()
end)

test("a hook may drop the last handle of its heap", function()
  local h = husk.heap{name = "orphan"}
  local n = h:new(Node, {value = 1})
  body = function()
    h = nil
    collectgarbage()
    say "fin"
  end
  n:release()
  n = nil
  tap.settle()
  eq(said(), "fin")
  body = nil
end)

test("yield in a hook is an error of the hook", function()
  local heard
  husk.on_error(function(_, text) heard = text end)
  body = function() coroutine.yield() end
  local co = coroutine.wrap(function()
    Node{}:release()
    return "through"
  end)
  eq(co(), "through")
  ok(heard:find("yield"), heard)
  husk.on_error(nil)
  body = nil
end)

test("hooks run from whatever coroutine makes the call", function()
  local n, w
  local co = coroutine.wrap(function()
    n = Node{value = "in"}
    w = husk.weak(n, function() say(coroutine.isyieldable() and "y" or "n") end)
    coroutine.yield()
  end)
  co()
  co = nil
  collectgarbage()
  body = function(self)
    coroutine.wrap(function()
      say(self.value)
      if self.value == "in" then Node{value = "inner"}:release() end
    end)()
  end
  coroutine.wrap(function() n:release() end)()
  eq(said(), "in inner n")
  ok(w)
  body = nil
end)

test("releases in hooks are queued, and done before the call returns", function()
  local chain = Node{value = 1}
  for i = 2, 200 do chain = Node{value = i, next = chain} end
  tap.settle()
  local count = 0
  body = function(self)
    count = count + 1
    local next = self.next
    self.next = nil
    if next then next:release() end
  end
  chain:release()
  eq(count, 200)
  eq(husk.census().Node, nil)
  body = nil
end)

test("a hook may release, clear and fill what the call works on", function()
  local l = husk.list{}
  body = function()
    l:clear()
    l:append "from the hook"
    for i = 1, 100 do l:append(i) end
    l:release()
  end
  l[1] = Node{}
  tap.settle()
  l[1] = "plain" -- the node ends here
  ok(not husk.isalive(l))
  body = nil
  local m = husk.map{}
  body = function()
    husk.clear(m)
    husk.release(m)
  end
  m.close = Node{}
  tap.settle()
  m.close = 1
  body = nil
  ok(husk.verify())
end)

test("callbacks on passes: start and stop, in order, until taken off", function()
  local id = husk.on_pass(function(phase, pass) say(phase .. pass.reason .. pass.collected) end)
  local second = husk.on_pass(function(phase) say(phase) end)
  local n = Node{}
  n.next = n
  n:release()
  husk.collect()
  eq(said(), "startcall0 start stopcall1 stop")
  husk.off_pass(id)
  husk.collect()
  eq(said(), "start stop")
  husk.off_pass(second)
  raises("HUSK_EMISSING", "", function() husk.off_pass(second) end)
  husk.collect()
  eq(said(), "")
  raises("HUSK_EINVAL", "function expected", function() husk.on_pass(1) end)
end)

test("closing a heap ends its handles first: finalizers run, nothing is reported", function()
  local reports = 0
  local h = husk.heap{name = "closing"}
  h:on_error(function() reports = reports + 1 end)
  local a, b, c = h:new(Node, {value = "a"}), h:new(Node, {value = "b"}), h:new(Node, {value = "c"})
  a.next, b.next = b, a
  local kept = {}
  body = function(self)
    say(self.value)
    kept[#kept + 1] = self
    kept[#kept + 1] = h:list{self.value}
    kept[#kept + 1] = self.next
  end
  h:close()
  local order = said()
  ok(#order == 5 and order:find "a" and order:find "b" and order:find "c", order)
  eq(reports, 0)
  for _, x in ipairs(kept) do ok(not husk.isalive(x)) end
  body = nil
  ok(a and c)
end)

test("finalizers that make new objects with finalizers", function()
  local left = 50
  body = function()
    if left > 0 then
      left = left - 1
      Node{}:release()
      husk.list{Node{}}
    end
  end
  Node{}:release()
  for _ = 1, 200 do tap.settle() end
  body = nil
  tap.settle()
  eq(husk.census().Node, nil)
end)

test("deep recursion between hooks and Lua ends in an error, not in a crash", function()
  husk.on_error(function() end)
  local depth = 0
  body = function()
    depth = depth + 1
    local function down() return 1 + down() end
    down()
  end
  Node{}:release()
  eq(depth, 1)
  local function nest(n)
    if n == 0 then
      Node{}:release()
      return
    end
    coroutine.wrap(nest)(n - 1)
  end
  body = function() error "deep" end
  pcall(nest, 150)
  pcall(nest, 250)
  husk.on_error(nil)
  body = nil
  ok(husk.verify())
end)

tap.done()
