-- Process memory: what the system sees of this program, and where it went.
--
-- Prints
--   Memory usage: N MB
-- with N as psutil's memory_info().rss / 1024 ^ 2 would give it: the memory that is resident now. Then a list of
-- 100,000 boxes is made and dropped. The system's figure rises with it and does not fall at once: the balance sheet says
-- what is alive, and what is free and only kept for later; giving it back brings the figure down.

local husk = require "husk"
local memory = husk.memory

local function megabytes(bytes) return ("%.2f MB"):format(bytes / 1024 ^ 2) end

-- The article's line. Nothing is between the question and the answer.
print("Memory usage: " .. megabytes(memory.info().rss))

-- Where it is: rows that add up to the resident memory, to the byte.
local function show(what)
  local sheet = memory.balance()
  local alive, free, sum = 0, 0, 0
  for _, row in ipairs(sheet.rows) do
    sum = sum + row.bytes
    if row.name == "live objects" or row.name == "buffers" then alive = alive + row.bytes end
    if row.name == "free blocks" or row.name == "spare pages" then free = free + row.bytes end
  end
  assert(sum == sheet.rss)
  print(("%-18s resident %9s, alive in the heap %8s, free and kept %8s: %s"):format(what, megabytes(sheet.rss), megabytes(alive),
    megabytes(free), sheet.verdict))
end

show("At the start:")
local list = husk.list{}
for i = 1, 100000 do list[i] = husk.box(i) end
show("With 100000 boxes:")
husk.release(list)
collectgarbage() -- the handles are references too
collectgarbage()
show("Dropped:")
husk.trim()
pcall(memory.trim) -- and what Lua itself has freed, where the C library can
show("Given back:")
