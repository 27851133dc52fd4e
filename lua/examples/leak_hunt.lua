-- A leak hunt: three snapshots, two differences, a verdict.
--
-- A server answers requests. Each answer stays in a cache, which forgets the oldest; each request also leaves a
-- listener behind that nobody takes away. Both grow at first. What grows between the first two snapshots *and* between the
-- last two, by as much, is a leak; what has stopped growing is only kept.
--
-- Prints the differences by line, and for each line that grew at all what the third snapshot says of it.

local husk = require "husk"

local Answer = husk.type("Answer", {"number", "text"})
local Listener = husk.type("Listener", {"number"})

husk.trace.start()

local cache, oldest, listeners = husk.map{}, 1, husk.list{}

local function answer(number)
  cache[number] = Answer{number = number, text = "answer " .. number} -- kept, for a while
  if #cache > 500 then
    cache[oldest] = nil
    oldest = oldest + 1
  end
  listeners:append(Listener{number = number}) -- kept for ever
end

local requests = 0
local function serve(count)
  for _ = 1, count do
    requests = requests + 1
    answer(requests)
  end
  collectgarbage() -- handles that Lua has not yet collected hold their objects, too
  return husk.snapshot.take{process = false}
end

local first <close> = serve(300)
local second <close> = serve(700)
local third <close> = serve(700)

-- How much each line's objects grew: line -> bytes.
local function growth(old, new)
  local grew = {}
  local rows = new:compare(old, "line", {filter = "kind=object"})
  for i = 1, #rows do
    local row = rows[i]
    if row.size_diff ~= 0 then
      print(("  line %d: %+d objects"):format(row.line, row.count_diff))
      grew[row.line] = row.size_diff
    end
  end
  return grew
end

print("From 300 to 1000 requests")
local then_ = growth(first, second)
print("From 1000 to 1700 requests")
local now = growth(second, third)

print("Verdict")
local lines = {}
for line in pairs(then_) do lines[#lines + 1] = line end
table.sort(lines)
for _, line in ipairs(lines) do
  local verdict = not now[line] and "has stopped growing: kept, no leak" or
    now[line] >= then_[line] and "grows as before: a leak" or "grows more slowly: look again later"
  print(("  line %d %s"):format(line, verdict))
end

-- Who holds what leaked: the slot that leads to one of them.
for i, node in third:nodes() do
  if node.type == "Listener" then
    for holder in third:nodes() do
      for to, name in third:edges(holder) do
        if to == i then
          print(("  a %s is held by a %s, slot '%s'"):format(node.type, third:node(holder).type, name))
          return
        end
      end
    end
  end
end
