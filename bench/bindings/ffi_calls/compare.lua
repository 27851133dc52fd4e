-- compare.lua SYSTEMS LIBRARY [ROUNDS]: what a call of C costs from husk.ffi, from a module by hand, and from other systems
-- that need no compiler. SYSTEMS is the file that CMake wrote. Each round runs each program once, in turn; husk.ffi and the module
-- by hand alternate within one. Printed are the least times, and for each goal the least and the median of the rounds' ratios.
local systems, library, rounds = dofile(arg[1]), arg[2], tonumber(arg[3] or 11)
local quick = (os.getenv "BENCH_QUICK" or "0") ~= "0"
local count = quick and 1000 or 100000

local rows = {
  {"call", "int(int)", goal = 1.6},
  {"callback", "callback int(int,int)", goal = 1.5},
  {"struct", "struct by value, both ways"},
  {"string", "string in"},
  {"pointers", "callback int(int *,int *)"},
  {"lent", "the same, pointers lent"},
}

local samples = {} -- by system, by row: a figure for each round
local function run(program)
  local pipe = assert(io.popen(program.command:format("'" .. library .. "'", count)))
  for line in pipe:lines() do
    local system, row, ns = line:match "^(%S+)\t(%S+)\t(%S+)$"
    if not tonumber(ns) then error(("%s printed %q"):format(program.name, line), 0) end
    samples[system] = samples[system] or {}
    samples[system][row] = samples[system][row] or {}
    table.insert(samples[system][row], tonumber(ns))
  end
  if not pipe:close() then error(program.name .. " failed", 0) end
end

for _, one in ipairs(systems) do
  if one.missing then print(("%-10s absent: %s"):format(one.name, one.missing)) end
end
for _ = 1, rounds do
  for _, one in ipairs(systems) do
    if not one.missing then run(one) end
  end
end

local columns = {"husk", "hand", "luajit", "luajit-off", "ctypes", "cffi"}
local line = {("%-27s"):format "C functions, ns a call"}
for _, name in ipairs(columns) do line[#line + 1] = ("%10s"):format(name) end
print(table.concat(line, " "))
local function of(system, row) return samples[system] and samples[system][row] end
for _, row in ipairs(rows) do
  line = {("%-27s"):format(row[2])}
  for _, name in ipairs(columns) do
    local list = of(name, row[1])
    line[#line + 1] = list and ("%10.1f"):format(math.min(table.unpack(list))) or ("%10s"):format "-"
  end
  print(table.concat(line, " "))
end

if quick then return end -- quick runs judge nothing
for _, row in ipairs(rows) do
  local husk, hand, ratios = of("husk", row[1]), of("hand", row[1]), {}
  for i = 1, hand and #hand or 0 do ratios[i] = husk[i] / hand[i] end
  table.sort(ratios)
  if hand then
    local middle = ratios[(#ratios + 1) // 2]
    print(("%-27s / by hand: least %.2f, median %.2f%s"):format(row[2], ratios[1], middle,
      row.goal and (", goal %.1f: %s"):format(row.goal, middle <= row.goal and "met" or "MISSED") or ""))
  end
end
