-- husk.workload: generated heaps and programs, for tests and measurements. A workload says how many objects and references
-- it has, so a test can hold the heap's figures against it; the same seed gives the same one on every machine. It is
-- loaded by require "husk.workload". Options that all have: seed, 1 by default; heap, the default heap.

local core = require "husk.core"
local husk = require "husk"
local random = require "husk.random"

local workload = {}

-- husk.workload.random(seed): a generator of random numbers of its own: r:below(n) is an integer from 1 to n, r:unit() a
-- float from 0 and below 1, r:chance(p) true in a share p of the calls, r:exponential() a float with the mean 1, r:pick(list)
-- one of its items.
workload.random = random.new

-- The options of a workload: every name is known, every number a whole one within its range.
local function check(where, options, known)
  if options ~= nil and type(options) ~= "table" then
    core.fail(("husk.workload.%s: a table of options expected, got %s"):format(where, type(options)))
  end
  local got = {seed = 1, heap = husk.default}
  for name, default in pairs(known) do got[name] = default end
  for name, value in pairs(options or {}) do
    local default = known[name]
    if name ~= "seed" and name ~= "heap" and default == nil then
      core.fail(("husk.workload.%s: unknown option '%s'"):format(where, tostring(name)))
    end
    local wanted = name == "heap" and "heap" or name == "seed" and "number" or type(default)
    local kind = wanted == "heap" and core.kind(value) or type(value)
    if kind ~= wanted then
      core.fail(("husk.workload.%s: option '%s': %s expected, got %s"):format(where, name, wanted, type(value)))
    end
    if kind == "number" and (name == "seed" or math.type(default) == "integer") then
      local whole = math.tointeger(value)
      if not whole or (name ~= "seed" and whole < 0) then
        core.fail(("husk.workload.%s: option '%s': %s is no whole number from 0"):format(where, name, value))
      end
      value = whole
    end
    got[name] = value
  end
  return got
end

local function least(where, options, name, limit)
  if options[name] < limit then
    core.fail(("husk.workload.%s: option '%s': %s is less than %d"):format(where, name, options[name], limit))
  end
end

-- ---- graphs ----

-- Each shape gives the references, as {from, slot, to, from, slot, to, ...}, and may round n up.
local shapes = {}

function shapes.ring(edges, n, degree)
  for i = 1, n do
    for slot = 1, degree do
      local at = #edges
      edges[at + 1], edges[at + 2], edges[at + 3] = i, slot, (i + slot - 1) % n + 1
    end
  end
end

function shapes.chain(edges, n, degree)
  for i = 1, n do
    for slot = 1, math.min(degree, n - i) do
      local at = #edges
      edges[at + 1], edges[at + 2], edges[at + 3] = i, slot, i + slot
    end
  end
end

-- To the right and down, in rows as long as the columns or one longer.
function shapes.grid(edges, n)
  local width = 1
  while width * width < n do width = width + 1 end
  for i = 1, n do
    if i % width ~= 0 and i < n then table.move({i, 1, i + 1}, 1, 3, #edges + 1, edges) end
    if i + width <= n then table.move({i, 2, i + width}, 1, 3, #edges + 1, edges) end
  end
end

function shapes.random(edges, n, degree, r)
  for i = 1, n do
    for slot = 1, degree do
      local at = #edges
      edges[at + 1], edges[at + 2], edges[at + 3] = i, slot, r:below(n)
    end
  end
end

function shapes.dag(edges, n, degree, r)
  for i = 1, n - 1 do
    for slot = 1, degree do
      local at = #edges
      edges[at + 1], edges[at + 2], edges[at + 3] = i, slot, i + r:below(n - i)
    end
  end
end

-- Who is referred to often is referred to more often: first the frequencies grow as A.-L. Barabási and R. Albert let them
-- (Emergence of Scaling in Random Networks, 1999), then everybody draws from them, so that there are cycles.
function shapes.powerlaw(edges, n, degree, r)
  local ends = {1}
  for i = 2, n do
    for _ = 1, degree do ends[#ends + 1] = r:pick(ends) end
    ends[#ends + 1] = i
  end
  for i = 1, n do
    for slot = 1, degree do
      local at = #edges
      edges[at + 1], edges[at + 2], edges[at + 3] = i, slot, r:pick(ends)
    end
  end
end

-- As a heap numbers it: the children of i are degree * (i - 1) + 2 and the following. Slot degree + 1 is the parent.
function shapes.tree(edges, n, degree, _, parents)
  for i = 2, n do
    local at, parent = #edges, (i - 2) // degree + 1
    edges[at + 1], edges[at + 2], edges[at + 3] = parent, i - (degree * (parent - 1) + 1), i
    if parents then edges[at + 4], edges[at + 5], edges[at + 6] = i, degree + 1, parent end
  end
end

local degrees = {grid = 2, random = 2, dag = 2, powerlaw = 2, tree = 2}

-- targets[i]: to whom i refers. What that says of roots and ends is computed here, without a heap.
local function outgoing(edges, n)
  local targets = {}
  for i = 1, n do targets[i] = {} end
  for at = 1, #edges, 3 do
    local list = targets[edges[at]]
    list[#list + 1] = edges[at + 2]
  end
  return targets
end

-- The first of the objects that are not reached from an earlier root, and so on: from these, all are.
local function roots_of(targets)
  local roots, seen = {}, {}
  for i = 1, #targets do
    if not seen[i] then
      roots[#roots + 1], seen[i] = i, true
      local queue = {i}
      while #queue > 0 do
        for _, to in ipairs(targets[table.remove(queue)]) do
          if not seen[to] then
            seen[to] = true
            queue[#queue + 1] = to
          end
        end
      end
    end
  end
  return roots
end

-- How many do not end by counting when the roots go: those in cycles, and behind them.
local function kept_by_cycles(targets)
  local counts, queue, left = {}, {}, #targets
  for i = 1, #targets do counts[i] = 0 end
  for _, list in ipairs(targets) do
    for _, to in ipairs(list) do counts[to] = counts[to] + 1 end
  end
  for i, count in ipairs(counts) do
    if count == 0 then queue[#queue + 1] = i end
  end
  while #queue > 0 do
    left = left - 1
    for _, to in ipairs(targets[table.remove(queue)]) do
      counts[to] = counts[to] - 1
      if counts[to] == 0 then queue[#queue + 1] = to end
    end
  end
  return left
end

local Graph = {__name = "husk.Graph"}
Graph.__index = Graph

-- graph:release(): ends the handles of the roots.
function Graph:release()
  for _, root in ipairs(self.roots) do husk.release(root) end
end

local function node_class(slots, extra)
  local fields = {"number"}
  for slot = 1, slots do fields[#fields + 1] = "to" .. slot end
  fields[#fields + 1] = extra
  return husk.type(("workload.Node%d%s"):format(slots, extra and "p" or ""), fields)
end

-- husk.workload.graph(options): a graph of records with the fields number, to1, to2 and so on, made in one call. Options:
-- shape, "random" by default; n, how many, 1000; degree, the references of each, 1 in rings and chains, else 2; parents,
-- for trees. Shapes: ring and chain (to the next ones), grid (right and down), tree (field parent, if wanted), random, dag
-- (to later ones), powerlaw (some are referred to by very many). The result is a table: roots, the handles from which all
-- of it is reached; objects; edges; cyclic, how many of them counting does not end when the roots are released; class;
-- numbers, those of the roots; and graph:release().
function workload.graph(options)
  local o = check("graph", options, {shape = "random", n = 1000, degree = 0, parents = false})
  local shape = shapes[o.shape]
  if not shape then
    local names = {}
    for name in pairs(shapes) do names[#names + 1] = name end
    table.sort(names)
    core.fail(("husk.workload.graph: there is no shape '%s'; there are %s"):format(o.shape, table.concat(names, ", ")))
  end
  least("graph", o, "n", 1)
  local degree = o.shape == "grid" and 2 or o.degree > 0 and o.degree or degrees[o.shape] or 1
  local edges = {}
  shape(edges, o.n, degree, random.new(o.seed), o.parents)
  local parents = o.shape == "tree" and o.parents
  local class = node_class(degree, parents and "parent" or nil)
  local targets = outgoing(edges, o.n)
  local numbers = roots_of(targets)
  local spec = {edges = edges, handles = numbers}
  for i = 1, o.n do spec[i] = {class, number = i} end
  local fields = {}
  for slot = 1, degree do fields[slot] = "to" .. slot end
  if parents then fields[degree + 1] = "parent" end
  for at = 2, #edges, 3 do edges[at] = fields[edges[at]] end
  return setmetatable({
    roots = o.heap:build(spec), numbers = numbers, objects = o.n, edges = #edges // 3, cyclic = kept_by_cycles(targets),
    class = class, heap = o.heap,
  }, Graph)
end

-- husk.workload.tree(options): a complete tree as such a graph. Options: depth, 10 by default, of a root alone 0; fanout, 2;
-- parents: every node refers to its parent too.
function workload.tree(options)
  local o = check("tree", options, {depth = 10, fanout = 2, parents = false})
  least("tree", o, "fanout", 1)
  local n, level = 1, 1
  for _ = 1, o.depth do
    level = level * o.fanout
    n = n + level
  end
  return workload.graph{shape = "tree", n = n, degree = o.fanout, parents = o.parents, heap = o.heap, seed = o.seed}
end

-- ---- what changes ----

local function object_class() return husk.type("workload.Object", {"number", "link"}) end

-- Lifetimes in births, at least 1; arithmetic of which every machine gives the same result.
local lifetimes = {
  fixed = function(mean) return mean end,
  uniform = function(mean, r) return r:below(2 * mean - 1) end,
  exponential = function(mean, r) return math.ceil(mean * r:exponential()) end,
  -- Most die young, some live for very long: a Pareto distribution of index 1, cut where its mean is right enough.
  pareto = function(mean, r)
    local shortest = math.max(1, mean // 8)
    return math.min(shortest * 2048, math.ceil(shortest / (1 - r:unit())))
  end,
}

local Churn = {__name = "husk.Churn"}
Churn.__index = Churn

function Churn:birth()
  local slot = table.remove(self.free)
  if not slot then slot = #self.root + 1 end
  local object <close> = self.heap:new(self.class, {number = self.births})
  if self.random:chance(self.cycles) then
    object.link = object
    self.loops[slot] = true
  end
  self.root[slot] = object
  local due = self.births + 1 + self.lifetime(self.mean, self.random) -- with `fixed`, exactly `mean` are alive then
  local list = self.due[due]
  if not list then
    list = {}
    self.due[due] = list
  end
  list[#list + 1] = slot
  self.births, self.live = self.births + 1, self.live + 1
end

function Churn:deaths_due()
  for _, slot in ipairs(self.due[self.births] or {}) do
    self.root[slot] = false
    if self.loops[slot] then self.loops[slot], self.garbage = nil, self.garbage + 1 end
    self.free[#self.free + 1] = slot
    self.deaths, self.live = self.deaths + 1, self.live - 1
  end
  self.due[self.births] = nil
end

-- churn:step(births): so many births, each with the deaths that are due then; 1 by default.
function Churn:step(births)
  for _ = 1, births or 1 do
    self:birth()
    self:deaths_due()
  end
  return self
end

-- churn:release(): ends the handle of the list.
function Churn:release() husk.release(self.root) end

-- husk.workload.churn(options): objects that are born and die in a list. Options: live, the mean lifetime in births and so
-- about how many are alive, 1000 by default; lifetime, its distribution, exponential by default, or fixed, uniform, pareto;
-- cycles, the share of those that refer to themselves and so become garbage at their death, 0. The result has root (the
-- list), births, deaths, live, garbage (how many became that) and churn:step(n); it begins with `live` births.
function workload.churn(options)
  local o = check("churn", options, {live = 1000, lifetime = "exponential", cycles = 0.0})
  least("churn", o, "live", 1)
  local lifetime = lifetimes[o.lifetime]
  if not lifetime then
    core.fail(("husk.workload.churn: there is no lifetime '%s'; there are exponential, fixed, pareto, uniform")
      :format(o.lifetime))
  end
  local churn = setmetatable({
    heap = o.heap, root = o.heap:list{}, class = object_class(), random = random.new(o.seed), mean = o.live,
    lifetime = lifetime, cycles = o.cycles, births = 0, deaths = 0, live = 0, garbage = 0, due = {}, free = {}, loops = {},
  }, Churn)
  return churn:step(o.live)
end

local Cache = {__name = "husk.Cache"}
Cache.__index = Cache

-- cache:lookup(key): asks for a key, a random one by default; true if it was there.
function Cache:lookup(key)
  local r = self.random
  if not key then
    local hot = math.max(1, self.keys // 5)
    key = r:chance(self.hot) and r:below(hot) or r:below(self.keys)
  end
  local found <close> = self.map[key]
  if found then
    self.hits = self.hits + 1
    return true
  end
  local made <close> = self.heap:new(self.class, {number = key})
  self.map[key] = made
  self.held[self.misses % self.working_set + 1] = made
  self.misses = self.misses + 1
  self.entries = math.min(self.misses, self.working_set)
  return false
end

-- cache:step(lookups): so many random lookups, 1 by default.
function Cache:step(lookups)
  for _ = 1, lookups or 1 do self:lookup() end
  return self
end

-- cache:release(): ends its handles.
function Cache:release()
  husk.release(self.map)
  husk.release(self.held)
end

-- husk.workload.cache(options): a weak-value map in front of a working set. A lookup that misses makes the object, puts it
-- into the map and into the working set, in place of the one that came there first. Options: keys, how many different ones
-- are asked for, 10000 by default; working_set, 1000; hot, the share of lookups that go to the first fifth of the keys, 0.8.
-- The result has map, held (the list), hits, misses, entries (how many the map has) and cache:step(n).
function workload.cache(options)
  local o = check("cache", options, {keys = 10000, working_set = 1000, hot = 0.8})
  least("cache", o, "keys", 1)
  least("cache", o, "working_set", 1)
  return setmetatable({
    heap = o.heap, map = o.heap:weak_values(), held = o.heap:list{}, class = object_class(), random = random.new(o.seed),
    keys = o.keys, working_set = o.working_set, hot = o.hot, hits = 0, misses = 0, entries = 0,
  }, Cache)
end

local Cycles = {__name = "husk.Cycles"}
Cycles.__index = Cycles

-- cycles:step(rings): makes so many rings and lets go of them, 1 by default.
function Cycles:step(rings)
  for _ = 1, rings or 1 do
    self.heap:build(self.ring)
    self.rings = self.rings + 1
    self.garbage = self.garbage + self.length
  end
  return self
end

-- cycles:release(): ends the handles of the live set.
function Cycles:release() self.graph:release() end

-- husk.workload.cycles(options): short-lived cycles beside a big live set. Options: live, its objects, 100000 by default, a
-- random graph; length, the objects of each ring, 3. The result has graph (the live set), rings, garbage (how many objects
-- they had) and cycles:step(n).
function workload.cycles(options)
  local o = check("cycles", options, {live = 100000, length = 3})
  least("cycles", o, "length", 1)
  local ring = {edges = {}, handles = {}}
  for i = 1, o.length do
    ring[i] = object_class()
    table.move({i, "link", i % o.length + 1}, 1, 3, #ring.edges + 1, ring.edges)
  end
  return setmetatable({
    heap = o.heap, graph = workload.graph{n = o.live, seed = o.seed, heap = o.heap}, ring = ring, length = o.length,
    rings = 0, garbage = 0,
  }, Cycles)
end

-- ---- random programs ----

for _, part in ipairs{require "husk.sequence", (require "husk.shrink")} do
  for name, fn in pairs(part) do workload[name] = fn end
end

return workload
