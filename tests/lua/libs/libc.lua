-- lua5.4 libc.lua SCRATCH COMPILER [PRELOAD]: the C library, declared by its own headers.
local expect = require "husk.expect"
local ffi = require "husk.ffi"
local tap = require "tap"
local libs = require "libs.libs"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local C = ffi.C

-- The headers as the compiler of this build sees them; nothing here is copied from them by hand.
local headers = libs.write("libc.c", [[
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
]])
test("headers after the preprocessor are understood", function()
  ffi.cdef(libs.run(("'%s' -E -P '%s'"):format(libs.compiler, headers)))
end)

test("qsort with a comparator of Lua sorts as table.sort does", function()
  local n, wanted, random = 1000, {}, 12345
  local numbers = ffi.new("int[?]", n)
  for i = 1, n do
    random = (random * 1103515245 + 12345) & 0x7fffffff
    wanted[i] = random % 5000 - 2500
    numbers[i - 1] = wanted[i]
  end
  local int = ffi.typeof("const int *")
  local calls = 0
  C.qsort(numbers, n, ffi.sizeof("int"), function(a, b)
    calls = calls + 1
    return ffi.cast(int, a)[0] - ffi.cast(int, b)[0]
  end)
  table.sort(wanted)
  for i = 1, n do eq(numbers[i - 1], wanted[i]) end
  ok(calls >= n - 1)
end)

test("getenv answers as os.getenv, and nil for what is not there", function()
  for _, name in ipairs {"PATH", "LUA_PATH", "HOME", "HUSK_NOT_THERE"} do
    local value = C.getenv(name)
    eq(value and ffi.string(value), os.getenv(name))
  end
end)

test("snprintf with varargs prints as string.format", function()
  local room = ffi.new("char[?]", 300)
  local function both(format, ...)
    local n = C.snprintf(room, 300, format, ...)
    eq(ffi.string(room, n), string.format(format, ...))
  end
  both("%d %5d|%-5d|%05d", 1, -2, 3, 4)
  both("%s is %d years and %.3f", "he", 42, 1 / 3)
  both("%x %X %o %c %%", 255, 255, 8, 65)
  both("%g %e %a", 1e100, 1.5, 0.1)
  for i = 1, 50 do both(("%d "):rep(i), table.unpack((function(t) for j = 1, i do t[j] = j * j end return t end) {})) end
  eq(C.snprintf(room, 4, "%s", "longer"), 6)
  eq(ffi.string(room), "lon")
end)

test("strtol: the end through an out pointer, and errno", function()
  local stop = ffi.new("char *[1]")
  local text = ffi.new("char[?]", 20, "123abc")
  eq(C.strtol(text, stop, 10), 123)
  eq(stop[0] - ffi.cast("char *", text), 3)
  eq(ffi.string(stop[0]), "abc")
  ffi.errno(0)
  eq(C.strtol("99999999999999999999", nil, 10), math.maxinteger)
  eq(ffi.errno(), 34)
  ok(ffi.strerror():find("out of range"))
  eq(C.strtol("-ff", nil, 16), -255)
end)

local function entries(path)
  local dir <close> = assert(ffi.gc(C.opendir(path), C.closedir))
  local names = {}
  while true do
    local entry = C.readdir(dir)
    if not entry then break end
    names[#names + 1] = ffi.string(entry.d_name)
  end
  table.sort(names)
  return names
end

test("opendir and readdir list what ls lists", function()
  libs.run(("rm -rf '%s/dir' && mkdir '%s/dir'"):format(libs.scratch, libs.scratch))
  for _, name in ipairs {"a", "b c", ".hidden", ("long"):rep(60)} do libs.write("dir/" .. name, "") end
  local path = libs.scratch .. "/dir"
  local wanted = {}
  for name in libs.run(("ls -a '%s'"):format(path)):gmatch("[^\n]+") do wanted[#wanted + 1] = name end
  table.sort(wanted)
  eq(table.concat(entries(path), "\n"), table.concat(wanted, "\n"))
  eq(C.opendir(path .. "/none"), nil)
  eq(ffi.errno(), 2)
end)

test("a directory that a script forgets to close is an open file more, one that it closes is none", function()
  local function open_files() return #entries("/proc/self/fd") end
  local kept = {}
  eq(libs.growth(50, open_files, function() entries(libs.scratch) end), 0.0)
  eq(libs.growth(50, open_files, function() kept[#kept + 1] = C.opendir(libs.scratch) end), 1.0)
  for _, dir in ipairs(kept) do C.closedir(dir) end
end)

-- Calls of malloc whose block nobody frees, one in so many rounds. Each begins with where the last one is: for the end of this
-- test, when valgrind and the sanitizers look for leaks.
local last
local function lost(bytes, every)
  local round = 0
  return function()
    round = round + 1
    if round % every > 0 then return end
    local block = ffi.cast("void **", C.malloc(bytes))
    block[0] = last
    last = block
  end
end

test("sixteen bytes a round that nobody frees are growth; what comes and goes is none", function()
  if not libs.native() then return end
  local function rate(fn, options)
    local failure = tostring(raises(nil, "it grows", function() expect.no_growth(fn, options) end))
    return tonumber(failure:match("native heap: %+([%d.]+) bytes a round")) or failure
  end
  local bytes = rate(lost(16, 1))
  ok(bytes >= 16 and bytes <= 48, bytes)
  bytes = rate(lost(100, 8), {rounds = 1000})
  ok(bytes >= 12.5 and bytes <= 16, bytes)
  expect.no_growth(lost(16, 1), {bytes = 50})
  local kept, round = ffi.new("void *[64]"), 0 -- blocks of many sizes that live for a while
  for seed = 1, 5 do
    math.randomseed(seed)
    expect.no_growth(function()
      round = (round + 1) % 64
      C.free(kept[round])
      kept[round] = C.malloc(math.random(2000))
    end)
  end
  for i = 0, 63 do C.free(kept[i]) end
  local grown = 0 -- a table that doubles
  kept = nil
  expect.no_growth(function()
    grown = grown + 1
    if grown & (grown - 1) == 0 then kept = C.realloc(kept, grown * 16) end
  end)
  C.free(kept)
  while last do
    local before = last[0]
    C.free(last)
    last = before and ffi.cast("void **", before)
  end
end)

test("under libhusk-preload.so, to the byte", function()
  local preload = arg[3]
  if not preload then return end
  local script = libs.write("preload.lua", [[
    local ffi, expect = require "husk.ffi", require "husk.expect"
    ffi.cdef "void *malloc(size_t); void free(void *);"
    expect.no_growth(function() ffi.C.free(ffi.C.malloc(99)) end)
    print(select(2, pcall(expect.no_growth, function() ffi.C.malloc(7) end)))
    print(expect.no_growth(print, {rounds = 1, warmup = 0, windows = 2}).teller)
  ]])
  local text = libs.run(("LD_PRELOAD='%s' HUSK_PRELOAD_OUT='%s/preload.husk' '%s' '%s'"):format(preload, libs.scratch, arg[-1],
    script))
  -- What Lua's own tables grew by meanwhile, some hundred bytes, is in the mean of 1,400 rounds.
  local rate = tonumber(text:match("native heap: %+([%d.]+) bytes a round\n"))
  ok(rate and rate >= 7 and rate < 7.5, text)
  ok(text:find("\npreload\n"), text)
end)

test("what does not fit is refused before C sees it", function()
  raises("HUSK_EINVAL", "bad argument #1 to 'qsort'", function() C.qsort(5, 1, 4, function() return 0 end) end)
  raises(nil, "mine", function() C.qsort(ffi.new("int[2]"), 2, 4, function() error("mine") end) end)
end)

tap.done()
