-- Pauses: how long a program waits for its collector, as a histogram in the terminal.
--
-- The same work twice: many objects that live, and short-lived cycles beside them. First the passes start by themselves,
-- most of them runs over young pages; then only when the program calls, now and then. The garbage is the same; what
-- differs is how long the program stands still at a time, and how much garbage there is meanwhile.
--
-- Prints for each: how many pauses there were of each length (each row is an eighth of a power of ten), the percentiles
-- that heap:pauses knows, and the most memory that the heap took. Times are those of this machine, now.

local husk = require "husk"

local Node = husk.type("Node", {"left", "right", "value"})
local LIVE <const>, ROUNDS <const>, EVERY <const>, ROWS_A_DECADE <const>, BAR <const> = 30000, 120000, 20000, 8, 40

local function time(ns)
  if ns < 1000 then return ("%d ns"):format(ns) end
  if ns < 1e6 then return ("%.1f us"):format(ns / 1e3) end
  return ("%.2f ms"):format(ns / 1e6)
end

-- The buckets of the library are finer: several of them make one row.
local function plot(heap)
  local rows, first, last, most = {}, math.huge, -math.huge, 0
  for _, bucket in ipairs(heap:pause_histogram()) do
    local row = math.floor(math.log(bucket.low_ns + 1, 10) * ROWS_A_DECADE)
    rows[row] = (rows[row] or 0) + bucket.count
    first, last, most = math.min(first, row), math.max(last, row), math.max(most, rows[row])
  end
  for row = first, last do
    local count = rows[row] or 0
    print(("  %9s |%-" .. BAR .. "s %d"):format(time(math.floor(10 ^ (row / ROWS_A_DECADE))),
      ("#"):rep(math.ceil(count / most * BAR)), count))
  end
end

local function work(title, called)
  local heap <close> = husk.heap{name = title}
  if called then heap:pacing{least_objects = 0, least_bytes = 0} end -- no pass starts by itself
  local live = heap:list()
  for i = 1, LIVE do
    local node <close> = heap:new(Node, {value = i})
    live:append(node)
  end
  for i = 1, ROUNDS do -- two nodes that hold each other, and that nobody keeps
    local a <close> = heap:new(Node, {value = i})
    local b <close> = heap:new(Node, {value = -i})
    a.left, b.left = b, a
    if called and i % EVERY == 0 then heap:collect() end
  end
  heap:collect()
  local pauses, freed = heap:pauses(), 0
  for _, mode in ipairs{"full", "young", "step"} do freed = freed + heap:pass_sums(mode).freed end
  print(("%s: %d passes freed %d objects"):format(title, heap:pass_count(), freed))
  plot(heap)
  print(("  half of them at most %s, 99 %% at most %s, the longest %s; %.1f MiB"):format(time(pauses.p50_ns),
    time(pauses.p99_ns), time(pauses.max_ns), heap:figures().bytes_peak / 2^20))
  return freed
end

local by_itself, by_call = work("by itself"), work("by call", true)
if by_itself ~= 2 * ROUNDS or by_call ~= 2 * ROUNDS then error("not all garbage was freed") end
