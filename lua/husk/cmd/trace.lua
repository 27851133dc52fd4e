-- husk trace: runs any program with its malloc traced (libhusk-preload.so), and says where the snapshot is.

local host = require "husk.host"
local options = require "husk.options"

-- ---- the program ----

-- Where a command is, as the system will look for it; or nil.
local function find(command)
  if command:find("/", 1, true) then return host.stat(command) and command end
  for folder in (os.getenv("PATH") or "/usr/bin:/bin"):gmatch("[^:]*") do
    local path = (folder == "" and "." or folder) .. "/" .. command
    local found = host.stat(path)
    if found and found.is_program then return path end
  end
end

local function first_bytes(path, count)
  local file = io.open(path, "rb")
  local bytes = file and file:read(count) or ""
  if file then file:close() end
  return bytes
end

-- The class and machine of an ELF file, and whether it asks for the dynamic loader; nil: it is none.
local function elf_of(path)
  local bytes = first_bytes(path, 1 << 16)
  if bytes:sub(1, 4) ~= "\127ELF" or #bytes < 64 then return nil end
  local wide = bytes:byte(5) == 2
  local e = bytes:byte(6) == 2 and ">" or "<"
  local elf = {class = bytes:byte(5), machine = string.unpack(e .. "I2", bytes, 19), dynamic = false}
  local at, size, count
  if wide then
    at, size, count = string.unpack(e .. "I8", bytes, 33), string.unpack(e .. "I2 I2", bytes, 55)
  else
    at, size, count = string.unpack(e .. "I4", bytes, 29), string.unpack(e .. "I2 I2", bytes, 43)
  end
  for i = 0, count - 1 do
    local place = at + i * size + 1
    if place < 1 or place + 3 > #bytes then break end
    if string.unpack(e .. "I4", bytes, place) == 3 then elf.dynamic = true end -- PT_INTERP
  end
  return elf
end

-- Why a program cannot be traced, or nil. A script is run by the program in its first line.
local function obstacle(path, library, depth)
  local found, why = host.stat(path)
  if not found then return why end
  if found.is_directory then return path .. " is a directory" end
  if found.changes_user then return path .. " changes the user: the system lets no library be put before it" end
  local interpreter = first_bytes(path, 256):match("^#!%s*([^%s]+)")
  if interpreter then
    if depth < 4 then return obstacle(interpreter, library, depth + 1) end
    return
  end
  local elf, ours = elf_of(path), elf_of(library)
  if not elf then return end
  if elf.class ~= ours.class or elf.machine ~= ours.machine then
    return path .. " is for another machine than husk"
  end
  if not elf.dynamic then
    return path .. " is linked statically: its malloc is inside, and nothing can be put before it"
  end
end

-- ---- options ----

local known = {frames = "number", sample = "text", follow = "flag", signal = "text", output = "text", o = "output"}

-- The variables that libhusk-preload.so reads (libcore/preload/options.h); it checks them again, in the command.
local function variables_of(got)
  if got.frames and (got.frames < 1 or got.frames > 65535) then
    options.fail("trace: --frames %d: it is a number from 1 to 65535", got.frames)
  end
  if got.sample and not (got.sample:find("^%d+[KMG]?$") and #got.sample < 15) then
    options.fail("trace: --sample %s: it is a number of bytes, as 524288, 512K or 1M", got.sample)
  end
  if got.signal and not got.signal:find("^%w+$") then
    options.fail("trace: --signal %s: it is the name or number of a signal, as USR2", got.signal)
  end
  if got.output and (got.output == "" or got.output:sub(-1) == "/") then
    options.fail("trace: --output %s: it is the path of a file", got.output)
  end
  return {
    HUSK_PRELOAD_FRAMES = got.frames and tostring(got.frames), HUSK_PRELOAD_SAMPLE = got.sample,
    HUSK_PRELOAD_FOLLOW = got.follow and "1", HUSK_PRELOAD_SIGNAL = got.signal, HUSK_PRELOAD_OUT = got.output,
  }
end

-- ---- running ----

local CANNOT_RUN, NOT_FOUND = 126, 127 -- as in the shell and in env(1)

local function size(bytes)
  if bytes < 10240 then return ("%d B"):format(bytes) end
  for _, unit in ipairs{"KiB", "MiB", "GiB", "TiB"} do
    bytes = bytes / 1024
    if bytes < 10240 or unit == "TiB" then return ("%.1f %s"):format(bytes, unit) end
  end
end

-- What is in the snapshot, in a line.
local function summary(out)
  local ok, snap = pcall(require("husk").snapshot.load, out)
  if not ok then return "snapshot in " .. out end
  local function number(name) return snap:number("trace", "block_" .. name) or 0 end
  local line = ("snapshot in %s: %d blocks made (%s), %d left (%s), at most %s at once"):format(out, number("born"),
    size(number("born_bytes")), number("count"), size(number("bytes")), size(number("peak_bytes")))
  snap:close()
  return line
end

local function run(args, cli)
  local got, words = options.parse("trace", args, known, true)
  local variables = variables_of(got)
  local command = words[1]
  if not command then options.fail("trace: which command?") end
  local library = host.library("libhusk-preload.so")
  if not library then
    cli.complain("trace: libhusk-preload.so is not where this program was installed")
    return cli.INPUT
  end
  local path = find(command)
  if not path then
    cli.complain(("trace: %s: there is no such command"):format(command))
    return NOT_FOUND
  end
  local why = obstacle(path, library, 0)
  if why then
    cli.complain("trace: " .. why)
    return CANNOT_RUN
  end
  local out = variables.HUSK_PRELOAD_OUT or command:match("[^/]*$") .. ".husk"
  variables.HUSK_PRELOAD_OUT = out
  local before = host.stat(out)
  if before and before.is_directory then
    cli.complain(("trace: cannot write %s: it is a directory"):format(out))
    return cli.INPUT
  end
  local may, reason = host.may_write(out)
  if not may then
    cli.complain("trace: cannot write " .. reason)
    return cli.INPUT
  end
  local others = os.getenv("LD_PRELOAD")
  variables.LD_PRELOAD = others and others ~= "" and library .. ":" .. others or library

  local code, signal = host.run(words, variables)
  if not code then
    cli.complain("trace: " .. signal)
    return CANNOT_RUN
  end
  local after = host.stat(out)
  if not after or (before and before.mark == after.mark) then
    cli.complain(math.type(signal) and ("trace: no snapshot: signal %d ended %s"):format(signal, command)
      or ("trace: no snapshot: %s did not write one at its end"):format(command))
  else
    cli.tell(summary(out))
  end
  return code
end

return {
  usage = "husk trace [OPTIONS] COMMAND...",
  summary = "runs a program with its malloc traced",
  help = [[
Runs COMMAND with every malloc and free noted, and writes a snapshot when it ends: what was made where, how much of
it, how long it lived, what was there at the peak and what is left. The program need not be changed or built anew. Its
own output, input and exit code are left as they are.

  -o, --output F  the snapshot; COMMAND.husk if not said
  --frames N      most frames of a traceback (32)
  --sample BYTES  only a sample, one in so many bytes on average (512K costs next to nothing); 0 is everything
  --follow        children of the program too, each with a snapshot of its own: F with the process id in its name
  --signal NAME   a snapshot whenever the program gets this signal too, as USR2: F-1, F-2 ...

Not seen: programs that are linked statically, that have a malloc of their own, or that change the user; memory from
mmap. A program that is killed by a signal leaves no snapshot.

The exit code is that of COMMAND, 128 + n if signal n ended it, 126 if it cannot be traced, 127 if there is none.

    husk trace -- python3 -c 'import json'
    husk trace --follow -o gcc.husk -- gcc -c big.c]],
  run = run,
}
