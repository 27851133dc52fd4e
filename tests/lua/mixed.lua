-- Random graphs of Lua tables and Husk objects that refer to each other in every way, against reachability:
-- after one collect exactly the reachable ones are alive, on both sides, and still say what they said.
--
--   lua5.4 mixed.lua FIRST COUNT [heaps] [hooks] [generational] [steps] [BATCH]
--
-- COUNT seeds from FIRST on, BATCH graphs (8) for each collection; a failure names the seed, and SEED 1 repeats it.
-- With `heaps` the objects are in two heaps, each of which is collected until neither finds anything. With `hooks`
-- some tables have __gc and some records a finalizer: they read through handles, make objects and values, and bring
-- back what was dead. With `steps` passes go on in steps while graphs are built, runs over young pages between them, and a
-- pass in steps comes before each collection. Then the reachable ones must be alive at all times, and the others gone in the end.
local husk = require "husk"
local core = require "husk.core"
local tap = require "tap"

local first, count = tonumber(arg[1]) or 1, tonumber(arg[2]) or 2000
local hooks, two, steps, batch = false, false, false, 8
for i = 3, #arg do
  if arg[i] == "hooks" then hooks = true
  elseif arg[i] == "heaps" then two = true
  elseif arg[i] == "steps" then steps = true
  elseif arg[i] == "generational" then collectgarbage("generational")
  else batch = tonumber(arg[i])
  end
end

local random = math.random
local slots = {"a", "b", "c", "d"}
local heaps = {husk.default, husk.heap{name = "other"}}

-- Failures in hooks and __gc are noted and checked after each collection: Lua would only warn.
local faults, ran, risen = {}, {finalize = 0, gc = 0, risen = 0}, {}
for _, h in ipairs(heaps) do h:on_error(function(_, text) faults[#faults + 1] = text end) end
local function guarded(body)
  return function(...)
    local ok, err = pcall(body, ...)
    if not ok then faults[#faults + 1] = tostring(err) end
  end
end

-- Objects that nothing in Lua holds and that never die: what they refer to is held from the C side. And weak-key
-- maps of that sort: an entry is an edge from its key.
local function forever(x)
  core.obj.make_immortal(x)
  local weak = husk.weak(x)
  x:release()
  return weak
end
local anchors, maps = {}, {}
for i, h in ipairs(heaps) do
  anchors[i], maps[i] = forever(h:list{}), forever(h:weak_keys())
end
local function with_anchor(i, body)
  local list <close> = anchors[i]()
  body(list)
end

-- Reads whatever x leads to, as user code in a hook may do. Handles may have ended by now; nothing else may fail.
local function read(x, depth)
  if depth == 0 or type(x) ~= "userdata" and type(x) ~= "table" then return end
  if type(x) == "userdata" and not husk.isalive(x) then return end
  local kind = husk.kind(x)
  if kind == "box" then
    if x.value == nil then error "a box is empty" end
    return read(x.value, depth - 1)
  end
  if kind == "weak" then return read(x(), depth - 1) end
  for _, v in pairs(x) do read(v, depth - 1) end
end

local function mischief(self, heap)
  read(self, 4)
  local what = random(6)
  if what == 1 then
    local l = heap:list{self.id, heap:box{self.id}} -- dies with its handle
    l:append(l)
  elseif what == 2 then
    risen[#risen + 1] = self
    ran.risen = ran.risen + 1
  elseif what == 3 then
    heap:list{heap:box(self)}
  elseif what == 4 then
    husk.refcount(heap:list{})
  end
end

local Plain = husk.type("Plain", {"id", "a", "b", "c", "d"})
local Final = husk.type("Final", {"id", "a", "b", "c", "d"}, {finalize = guarded(function(self)
  ran.finalize = ran.finalize + 1
  mischief(self, husk.heap_of(self))
  if random(4) == 1 then -- brought back in the heap, by an object that nobody frees
    with_anchor(husk.heap_of(self) == heaps[1] and 1 or 2, function(list) list:append(self) end)
  end
end)})
local Late = {__gc = guarded(function(self)
  ran.gc = ran.gc + 1
  mischief(self, heaps[two and random(2) or 1])
end)}

-- A turn of the collector between two things that a graph is built of.
local turns = 0
local function turn()
  if not steps then return end
  turns = turns + 1
  local heap = heaps[turns % #heaps + 1]
  if turns % 11 == 0 then heap:collect{young = true} else heap:step(0.00001) end
end

-- ---- one graph: nodes by number, edges in `to`, and what tells whether a node is alive ----

local function build(seed)
  math.randomseed(seed)
  local graph = {seed = seed, to = {}, node = {}, value = setmetatable({}, {__mode = "v"}), roots = {},
    hidden = {}}
  local objects, values = random(0, 12), random(0, 12)
  local made = {}
  for n = 1, objects + values do
    graph.to[n] = {}
    if n <= objects then
      local which = two and random(3) == 1 and 2 or 1
      made[n] = heaps[which]:new(hooks and random(3) == 1 and Final or Plain, {id = n})
      graph.node[n] = {heap = which, weak = husk.weak(made[n])}
    else
      made[n] = {id = n}
      if hooks and random(3) == 1 then setmetatable(made[n], Late) end
      graph.value[n] = made[n]
    end
  end
  local total = objects + values
  local boxes = {}
  for _ = 1, total > 0 and random(0, total * 2) or 0 do
    local from, to, slot = random(total), random(total), slots[random(4)]
    local node = graph.node[from]
    local stored = made[to]
    if node and (to > objects or graph.node[to].heap ~= node.heap) then -- through a box, sometimes a shared one
      local heap, shared = heaps[node.heap], boxes[node.heap .. ":" .. to]
      if not shared or random(2) == 1 then
        shared = random(4) == 1 and heap:box{made[to]} or heap:box(made[to])
        boxes[node.heap .. ":" .. to] = shared
      end
      stored = random(3) == 1 and heap:list{shared} or shared
    end
    if node and random(8) == 1 then -- by way of what a callback's function holds
      local object = made[to]
      local weak = husk.weak(made[from], function(gone) return gone, object end)
      stored = heaps[node.heap]:list{weak}
      graph.hidden[from .. slot] = true
    else
      graph.hidden[from .. slot] = nil
    end
    made[from][slot] = stored
    graph.to[from][slot] = to
    turn()
  end
  for n = 1, objects do
    if random(6) == 1 then
      local map <close> = maps[graph.node[n].heap]()
      local to = random(total)
      if to > objects or graph.node[to].heap == graph.node[n].heap then
        map[made[n]] = made[to]
        graph.to[n].map = to
      end
    end
  end
  for n = 1, total do
    local what = random(12)
    if what <= 2 then
      graph.roots[n] = made[n]
    elseif what == 3 and graph.node[n] then
      with_anchor(graph.node[n].heap, function(list) list:append(made[n]) end)
      graph.roots[n] = true
    end
  end
  return graph
end

local function reachable(graph)
  local seen, queue = {}, {}
  for n in pairs(graph.roots) do queue[#queue + 1] = n end
  while #queue > 0 do
    local n = table.remove(queue)
    if not seen[n] then
      seen[n] = true
      for _, to in pairs(graph.to[n]) do queue[#queue + 1] = to end
    end
  end
  return seen
end

local function target(stored)
  while husk.kind(stored) == "box" or husk.kind(stored) == "list" or type(stored) == "table" and not stored.id do
    if husk.kind(stored) == "box" then stored = stored.value else stored = stored[1] end
  end
  return stored
end

-- Everything that is left says what the graph says; `exact`: nothing else is left.
local function check(graph, exact)
  local seen = reachable(graph)
  for n, edges in pairs(graph.to) do
    local node = graph.node[n]
    local x
    if node then x = node.weak() else x = graph.value[n] end
    if seen[n] and not x then error(("seed %d: node %d is gone"):format(graph.seed, n), 0) end
    if exact and not seen[n] and x then error(("seed %d: node %d is left"):format(graph.seed, n), 0) end
    if seen[n] then
      if x.id ~= n then error(("seed %d: node %d is another"):format(graph.seed, n), 0) end
      for slot, to in pairs(edges) do
        local stored
        if slot == "map" then stored = maps[node.heap]()[x] else stored = x[slot] end
        local found = not graph.hidden[n .. slot] and target(stored)
        if not graph.hidden[n .. slot] and (not found or found.id ~= to) then
          error(("seed %d: node %d lost its %s"):format(graph.seed, n, slot), 0)
        end
      end
    end
  end
end

local function no_faults()
  if faults[1] then error("in a hook: " .. faults[1], 0) end
end

local function clear_anchors()
  for i = 1, #heaps do with_anchor(i, function(list) list:clear() end) end
end

local function collect()
  local found
  for _, h in ipairs(steps and heaps or {}) do
    repeat until h:step(0.0001)
  end
  repeat
    found = husk.collect().collected + (two and heaps[2]:collect().collected or 0)
  until not two or found == 0
end

local function run(graphs)
  collect()
  no_faults()
  for _, graph in ipairs(graphs) do check(graph, not hooks) end
  for _, graph in ipairs(graphs) do graph.roots = {} end
  for _ = 1, hooks and 8 or 1 do
    risen = {}
    clear_anchors()
    collect()
  end
  no_faults()
  for _, graph in ipairs(graphs) do check(graph, true) end
  for _, h in ipairs(heaps) do h:verify() end
end

tap.test(("%d graphs%s"):format(count, hooks and " with hooks" or ""), function()
  for seed = first, first + count - 1, batch do
    local graphs = {}
    for s = seed, math.min(seed + batch, first + count) - 1 do graphs[#graphs + 1] = build(s) end
    run(graphs)
  end
  print(("# finalizers %d, __gc %d, brought back %d"):format(ran.finalize, ran.gc, ran.risen))
end)

tap.test("nothing is left of them", function()
  heaps[2]:close()
  tap.eq(husk.census().Plain, nil)
  tap.eq(husk.census().Final, nil)
  tap.eq(husk.census().box, nil)
end)

tap.done()
