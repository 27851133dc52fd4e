-- Random operations on lists, maps and records, through handles, beside the same on plain tables. At every
-- step the two agree; at the end every object that the tables do not reach is gone. The seed is printed.
local husk = require "husk"
local tap = require "tap"

local seed = tonumber(arg[1]) or os.time()
local steps = tonumber(arg[2]) or 60000
math.randomseed(seed)
print("# seed " .. seed .. ", " .. steps .. " steps")

local fields = {"a", "b", "c"}
local Rec = husk.type("Rec", fields)
local heap = husk.heap{name = "random"}
heap:pacing{least_objects = 200}

-- What is held: pairs of a handle and its shadow {kind, entries}. shadow.handle finds the way back, weakly.
local roots = {}
local function pick() return roots[math.random(#roots)] end

local function add(kind, handle)
  roots[#roots + 1] = {handle = handle, shadow = {kind = kind, data = {}}}
end

local shadow_of = setmetatable({}, {__mode = "k"}) -- handle -> shadow, while the handle lives

-- A random value: for the heap, for the shadow.
local function value()
  local what = math.random(8)
  if what <= 3 and #roots > 0 then
    local r = pick()
    return r.handle, r.shadow
  end
  local v = ({math.random(1000), math.random(), true, "s" .. math.random(50), math.mininteger})[what - 3]
  return v, v
end

local function same(got, wanted)
  if type(wanted) == "table" then
    if husk.kind(got) ~= wanted.kind then error("another kind") end
    shadow_of[got] = wanted
  elseif got ~= wanted or math.type(got) ~= math.type(wanted) then
    error(("got %s, wanted %s"):format(tostring(got), tostring(wanted)))
  end
end

local makers = {
  list = function() return heap:list{} end,
  map = function() return heap:map{} end,
  record = function() return heap:new(Rec) end,
}
local kinds = {"list", "map", "record"}

local operations = {
  function() -- make
    if #roots > 300 then return end
    local kind = kinds[math.random(3)]
    add(kind, makers[kind]())
  end,
  function() -- store
    local r = pick()
    local v, s = value()
    local data = r.shadow.data
    if r.shadow.kind == "list" then
      local i = math.random(#data + 1)
      if v == nil then return end
      r.handle[i], data[i] = v, s
    else
      local k = r.shadow.kind == "record" and fields[math.random(3)] or ({1, "x", 2.5, true})[math.random(4)]
      r.handle[k], data[k] = v, s
    end
  end,
  function() -- compare
    local r = pick()
    local count = 0
    for k, v in pairs(r.handle) do
      same(v, r.shadow.data[k])
      if v ~= nil then count = count + 1 end
    end
    for _ in pairs(r.shadow.data) do count = count - 1 end
    if count ~= 0 then error("entries missing") end
  end,
  function() -- take out
    local r = pick()
    local data = r.shadow.data
    if r.shadow.kind == "list" then
      if #data > 0 then
        local i = math.random(#data)
        same(r.handle:remove(i), table.remove(data, i))
      end
    elseif math.random(4) == 1 and r.shadow.kind == "map" then
      husk.clear(r.handle)
      r.shadow.data = {}
    end
  end,
  function() -- follow a reference: what it leads to becomes a root
    local r = pick()
    for k, s in pairs(r.shadow.data) do
      if type(s) == "table" then
        roots[#roots + 1] = {handle = r.handle[k], shadow = s}
        return
      end
    end
  end,
  function() -- forget
    local i = math.random(#roots)
    roots[i], roots[#roots] = roots[#roots], nil
  end,
  function() -- end a handle at once, with all roots that are the same
    local gone = pick().handle
    for i = #roots, 1, -1 do
      if rawequal(roots[i].handle, gone) then table.remove(roots, i) end
    end
    husk.release(gone)
  end,
}

-- How often each: make, store, compare, take out, follow, forget, end. Roots grow to some hundreds, and most of
-- them are forgotten now and then, so that garbage of every shape is left.
local deck = {}
for which, weight in ipairs{8, 8, 4, 4, 1, 3, 1} do
  for _ = 1, weight do deck[#deck + 1] = operations[which] end
end

local function reachable()
  local seen, count, queue = {}, 0, {}
  for _, r in ipairs(roots) do queue[#queue + 1] = r.shadow end
  while #queue > 0 do
    local s = table.remove(queue)
    if not seen[s] then
      seen[s], count = true, count + 1
      for _, v in pairs(s.data) do
        if type(v) == "table" then queue[#queue + 1] = v end
      end
    end
  end
  return count
end

local function alive()
  local census = heap:census()
  return (census.list or 0) + (census.map or 0) + (census.Rec or 0)
end

tap.test("the heap and the tables agree", function()
  for step = 1, steps do
    while #roots < 3 do operations[1]() end
    local ok, err = pcall(deck[math.random(#deck)])
    if not ok then error(("seed %d, step %d: %s"):format(seed, step, tostring(err))) end
    if step % 700 == 0 then
      for i = #roots, 8, -1 do roots[i] = nil end
    end
    if step % 2000 == 0 then
      heap:verify()
      collectgarbage()
      heap:collect()
      tap.eq(alive(), reachable())
    end
  end
end)

tap.test("without roots nothing is left", function()
  roots = {}
  heap:collect()
  tap.eq(heap:figures().objects, 0)
  heap:close()
end)

tap.done()
