-- What a call from Lua costs: the module husk beside lua_plain, a module by hand for the same library, in
-- rounds that alternate, so that both meet the same moods of the machine. Prints for each call the least time of
-- both, and the least and the median of the rounds' ratios. With an argument only so many rounds, for a test.
local rounds = tonumber(arg and arg[1]) or 41
local quick = os.getenv "BENCH_QUICK" ~= nil
local each = quick and 2000 or 200000
local goal = 1.5

local husk, plain = require "husk", require "lua_plain"
local systems = {
  {new = husk.type("Node", {"value", "next", "other"})},
  {new = plain.type("Node", {"value", "next", "other"})},
}
for _, s in ipairs(systems) do
  s.node, s.next, s.other = s.new{value = 1}, s.new{value = 2}, s.new{value = 3}
  s.node.next = s.next
end

-- Each runs one call `each` times; what it needs is prepared outside the clock by `before`.
local calls = {
  {name = "getter (an integer field)", run = function(s)
    local node = s.node
    for _ = 1, each do local _ = node.value end
  end},
  {name = "get (an object with a handle)", run = function(s)
    local node = s.node
    for _ = 1, each do local _ = node.next end
  end},
  {name = "get (one without a handle)", before = function(s)
    s.chain = s.new()
    for _ = 1, each // 10 do s.chain = s.new{next = s.chain} end
    collectgarbage()
    collectgarbage()
  end, run = function(s)
    local node = s.chain
    for _ = 1, each // 10 do node = node.next end
  end, count = each // 10, after = function(s) s.chain = nil end},
  {name = "set (an integer)", run = function(s)
    local node = s.node
    for i = 1, each do node.value = i end
  end},
  {name = "set (an object)", run = function(s)
    local node, one, two = s.node, s.next, s.other
    for _ = 1, each // 2 do
      node.next = one
      node.next = two
    end
  end},
  {name = "new (empty)", run = function(s)
    local new = s.new
    for _ = 1, each // 10 do new() end
  end, count = each // 10},
  {name = "new (two fields)", run = function(s)
    local new, next = s.new, s.next
    for i = 1, each // 10 do new{value = i, next = next} end
  end, count = each // 10},
}

local function time(call, s)
  if call.before then call.before(s) end
  collectgarbage()
  local start = os.clock()
  call.run(s)
  if call.count then collectgarbage() end -- the handles' ends are part of the price
  local took = os.clock() - start
  if call.after then call.after(s) end
  return took / (call.count or each) * 1e9
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

print(("%-32s %9s %9s %9s %9s"):format("ns a call", "husk", "by hand", "least", "median"))
local worst = 0
for _, call in ipairs(calls) do
  local least, ratios = {math.huge, math.huge}, {}
  for round = 1, rounds do
    local took = {}
    for i = 1, 2 do
      local which = (i + round) % 2 + 1
      took[which] = time(call, systems[which])
      least[which] = math.min(least[which], took[which])
    end
    ratios[#ratios + 1] = took[1] / took[2]
  end
  local middle = median(ratios)
  worst = math.max(worst, middle)
  print(("%-32s %9.1f %9.1f %9.2f %9.2f"):format(call.name, least[1], least[2], ratios[1], middle))
end

-- Many at once: a chain of records by one call, and by one call for each.
local many = quick and 100 or 20000
local function chain_by_calls()
  local Node, last = systems[1].new, nil
  for i = 1, many do last = Node{value = i, next = last} end
  return last
end
local function clock(make)
  collectgarbage()
  local start = os.clock()
  local kept = make()
  local took = os.clock() - start
  return took / many * 1e9, kept
end
if husk.build then
  local Node = systems[1].new
  local spec = {edges = {}, handles = {1}}
  for i = 1, many do
    spec[i] = {Node, value = i}
    if i < many then
      local e = #spec.edges
      spec.edges[e + 1], spec.edges[e + 2], spec.edges[e + 3] = i, "next", i + 1
    end
  end
  local calls_ns, build_ns = math.huge, math.huge
  for _ = 1, math.min(rounds, 11) do
    calls_ns = math.min(calls_ns, (clock(chain_by_calls)))
    build_ns = math.min(build_ns, (clock(function() return husk.build(spec) end)))
  end
  print(("a chain of %d records: %.0f ns a record by calls, %.0f by husk.build"):format(many, calls_ns, build_ns))
end

if quick then return end -- quick runs judge nothing
print(("goal: at most %.1f times by hand; the worst median is %.2f"):format(goal, worst))
