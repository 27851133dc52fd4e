-- What memory_main runs with Lua's memory failing: a bit of everything, hooks above all.
local husk = require "husk"
husk.on_error(function() end) -- of a hook that had no memory

local Node = husk.type("Node", {"value", "next"}, {finalize = function(self)
  local text = "node " .. tostring(self.value)
  husk.heap_of(self):list{text, self.next}
end})

return function()
  local h = husk.heap{name = "flow"}
  h:on_error(function(code, text) return code .. text end)
  h:on_pass(function(phase, pass) return phase .. pass.collected end)
  local l = h:list{1, "two", 3.5}
  l:append(h:new(Node, {value = "a", next = l}))
  l:append(l:remove(1))
  local m = h:map{key = l, [l] = "list", ["k" .. 1] = h:box{}}
  for k, v in pairs(m) do m[k] = v end
  for _, v in pairs(l) do m["x" .. tostring(v)] = v end
  local w = h and husk.weak(l, function(gone) return tostring(gone) .. "gone" end)
  local seen = w()
  for i = 1, 3 do
    local n = h:new(Node, {value = i})
    n.next = n
    if i > 1 then n:release() end
  end
  local objects = h:objects()
  objects = husk.referents(m)
  objects = husk.referrers(l)
  local census = h:census()
  local T = husk.type("T" .. 1, {"a", "b"}, {finalize = function() error("in a hook") end})
  local t <close> = h:new(T, {a = "x"})
  pcall(function() l[100] = 1 end)
  pcall(function() l[1] = {} end)
  local cycle = h:list{}
  cycle[1] = h:box{cycle, h:new(Node, {value = h:box(function() return cycle end)})}
  cycle[2] = husk.weak(cycle, function() return cycle end)
  cycle = nil
  local keys, set = h:weak_keys(), h:weak_set{l}
  local n = h:build{{Node, value = "built"}, Node, edges = {1, "next", 2, 2, "next", 1}, handles = {1}}[1]
  keys[n] = {n}
  for k, v in pairs(keys) do seen = v[1] == k end
  local f = husk.weak.finalize(n, function(...) return {...} end, {}, "x")
  local soft, queue = husk.weak.soft(n, function(s) return s() end), h:queue()
  local watch = queue:watch(n, {n})
  queue:watch(h:list{}, "one that dies" .. 1)
  husk.update(n, {value = "updated", next = set})
  l:extend{"more", n}
  f()
  l:clear()
  husk.release(l)
  m, n, keys = nil, nil, nil
  h:collect()
  seen = soft() and soft.holding and watch:get()
  h:yield_softs()
  for tag in queue:each() do seen = tag end
  watch:detach()
  local s = husk.heap{name = "small", max_bytes = 400000}
  pcall(function()
    local big = s:list{}
    for i = 1, 1e6 do big:append(("text that fills it up "):rep(900) .. i) end
  end)
  s:close()
  h:close()
  return seen, objects, census
end
