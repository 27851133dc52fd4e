-- lua54.lua LIBRARY COUNT: husk.ffi, and the module work_plain by hand, turn by turn in one process. Prints lines of system, row
-- and the least time for one call in ns. The other programs of this folder do the same work and print the same lines.
local library, count = arg[1], math.tointeger(tonumber(arg[2]))
local ffi, plain = require "husk.ffi", require "work_plain"
ffi.cdef [[
  typedef struct { double x, y; } work_point;
  int work_next(int); int work_repeat(int, int (*)(int, int)); int work_compare(int, int (*)(const int *, const int *));
  work_point work_swap(work_point); size_t work_length(const char *);
]]
local lib = ffi.load(library)

local function add(a, b) return a + b end
local function compare(a, b) return a[0] - b[0] end
local fresh = ffi.callback("int(const int *, const int *)", compare)
local lent = ffi.callback("int(const int *, const int *)", compare, "lent")
local adding = ffi.callback("int(int, int)", add)
local next_int, swap, length, point = lib.work_next, lib.work_swap, lib.work_length, ffi.new("work_point", 1, 2)
local plain_next, plain_swap, plain_length, plain_point = plain.next, plain.swap, plain.length, plain.point(1, 2)

local rows = {
  {"call", husk = function() for i = 1, count do next_int(i) end end, hand = function() for i = 1, count do plain_next(i) end end},
  {"callback", husk = function() lib.work_repeat(count, adding) end, hand = function() plain.repeat_(count, add) end},
  {"struct", husk = function() for _ = 1, count do swap(point) end end, hand = function() for _ = 1, count do plain_swap(plain_point) end end},
  {"string", husk = function() for _ = 1, count do length("twelve bytes") end end,
    hand = function() for _ = 1, count do plain_length("twelve bytes") end end},
  {"pointers", husk = function() lib.work_compare(count, fresh) end},
  {"lent", husk = function() lib.work_compare(count, lent) end},
}
for _, row in ipairs(rows) do
  for _, system in ipairs {"husk", "hand"} do
    local run, least = row[system], math.huge
    for _ = 1, run and 5 or 0 do
      local start = os.clock()
      run()
      least = math.min(least, os.clock() - start)
    end
    if run then print(system, row[1], ("%.2f"):format(least / count * 1e9)) end
  end
end
