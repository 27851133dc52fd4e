-- luajit.lua LIBRARY COUNT NAME: LuaJIT's ffi; see lua54.lua. Under -joff nothing is compiled.
local library, count, name = arg[1], tonumber(arg[2]), arg[3]
local ffi = require "ffi"
ffi.cdef [[
  typedef struct { double x, y; } work_point;
  int work_next(int); int work_repeat(int, int (*)(int, int)); int work_compare(int, int (*)(const int *, const int *));
  work_point work_swap(work_point); size_t work_length(const char *);
]]
local lib = ffi.load(library)

local adding = ffi.cast("int (*)(int, int)", function(a, b) return a + b end)
local comparing = ffi.cast("int (*)(const int *, const int *)", function(a, b) return a[0] - b[0] end)
local point = ffi.new("work_point", 1, 2)

local rows = {
  {"call", function() for i = 1, count do lib.work_next(i) end end},
  {"callback", function() lib.work_repeat(count, adding) end},
  {"struct", function() for _ = 1, count do lib.work_swap(point) end end},
  {"string", function() for _ = 1, count do lib.work_length("twelve bytes") end end},
  {"pointers", function() lib.work_compare(count, comparing) end},
}
for _, row in ipairs(rows) do
  local least = math.huge
  for _ = 1, 5 do
    local start = os.clock()
    row[2]()
    least = math.min(least, os.clock() - start)
  end
  print(("%s\t%s\t%.2f"):format(name, row[1], least / count * 1e9))
end
