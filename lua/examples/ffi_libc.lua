-- The C library from a script: a comparator in Lua for qsort, varargs for snprintf, a directory of the system; and one that
-- is not closed.
--
-- Prints what C answers, and at the end what husk.expect says of the directory that is opened and forgotten.

local there, ffi = pcall(require, "husk.ffi")
if not there then
  print("skipped: " .. tostring(ffi))
  os.exit(77, true)
end
local expect = require "husk.expect"
local C = ffi.C

ffi.cdef [[
  void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
  int snprintf(char *to, size_t room, const char *format, ...);
  char *getenv(const char *name);
  typedef struct DIR DIR;
  struct dirent { unsigned long d_ino; long d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
  DIR *opendir(const char *path);
  struct dirent *readdir(DIR *directory);
  int closedir(DIR *directory);
]]

-- C calls the function, with pointers to two of the numbers.
local numbers, calls = ffi.new("int[6]", {21, 3, 34, 1, 8, 2}), 0
local int = ffi.typeof "const int *"
C.qsort(numbers, #numbers, ffi.sizeof "int", function(a, b)
  calls = calls + 1
  return ffi.cast(int, a)[0] - ffi.cast(int, b)[0]
end)
local sorted = {}
for i = 0, #numbers - 1 do sorted[#sorted + 1] = numbers[i] end
print("qsort:    " .. table.concat(sorted, " "))
assert(calls >= #numbers - 1)

local room = ffi.new("char[?]", 80)
local length = C.snprintf(room, 80, "%d is %#x, a third is %.3f, %s", 255, 255, 1 / 3, "and text")
print(("snprintf: %s (%d characters)"):format(ffi.string(room), length))

local path = C.getenv "PATH"
print("getenv:   PATH is what os.getenv says: " .. tostring(ffi.string(path) == os.getenv "PATH"))

-- ffi.gc says how a directory ends, <close> when.
local function entries(folder)
  local directory <close> = assert(ffi.gc(C.opendir(folder), C.closedir))
  local names = {}
  for entry in function() return C.readdir(directory) end do names[#names + 1] = ffi.string(entry.d_name) end
  table.sort(names)
  return names
end
local here = arg[0]:match "^(.*)/" or "."
local scripts = {}
for _, name in ipairs(entries(here)) do
  if name:find "^ffi_.*%.lua$" then scripts[#scripts + 1] = name end
end
print("readdir:  " .. table.concat(scripts, " "))

-- Closed each time, nothing grows; with nobody to close it, it does.
expect.no_growth(function() entries(here) end)
local forgotten = {}
local _, failure = pcall(expect.no_growth, function() forgotten[#forgotten + 1] = C.opendir "/" end, {rounds = 10})
print(failure.message)
for _, directory in ipairs(forgotten) do C.closedir(directory) end
