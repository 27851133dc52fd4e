-- What the plans of this folder share: libraries that may not be there, and what a script forgets, in figures.
local core = require "husk.core"
local ffi = require "husk.ffi"

local libs = {scratch = arg[1], compiler = arg[2]}

-- So many rounds; a twentieth where all is slow.
local slow = os.getenv("HUSK_TEST_SMALL")
function libs.rounds(n) return slow and n // 20 or n end

-- The library, or the end of the plan as skipped, which ctest shows.
function libs.load(name)
  local ok, lib = pcall(ffi.load, name)
  if ok then return lib end
  print(("1..0 # SKIP %s"):format(tostring(lib)))
  os.exit(77)
end

-- All that a command prints. A sanitizer that was put before this program is nothing for others.
function libs.run(command)
  local pipe = assert(io.popen("unset LD_PRELOAD; " .. command))
  local text = pipe:read("a")
  assert(pipe:close(), command)
  return text
end

-- A file of the scratch folder with this text; its path.
function libs.write(name, text)
  local path = libs.scratch .. "/" .. name
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

local function settled()
  collectgarbage()
  collectgarbage()
end

-- How much figure() grows in a call of fn, over so many of them; those before the first look fill what is only kept.
function libs.growth(rounds, figure, fn)
  for _ = 1, rounds // 10 + 1 do fn() end
  settled()
  local before = figure()
  for _ = 1, rounds do fn() end
  settled()
  return (figure() - before) / rounds
end

-- Bytes in use of the native heap; nil where nobody tells, as under valgrind.
function libs.native()
  local ok, used = pcall(core.memory.native_used)
  return ok and used or nil
end

-- Bytes that C keeps in a call of fn, Lua's own left out; 0 where nobody tells.
function libs.native_growth(rounds, fn)
  if not libs.native() then return 0 end
  return libs.growth(rounds, function() return libs.native() - collectgarbage("count") * 1024 end, fn)
end

return libs
