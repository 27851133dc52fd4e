-- husk run: a script from a file, on wish traced, with a snapshot at its end.

local units = {[""] = 1, k = 1 << 10, m = 1 << 20, g = 1 << 30}

-- "8" or "8:512k" as options of husk.trace.start; nil: neither.
local function tracing(text)
  local frames, sample, unit = text:match("^(%d+):(%d+)([kmg]?)$")
  if not frames then frames, sample, unit = text:match("^(%d+)$"), "0", "" end
  frames, sample = math.tointeger(tonumber(frames)), math.tointeger(tonumber(sample))
  if not frames or not sample or frames < 1 or frames > 65535 or sample > 1 << 30 then return nil end
  return {frames = frames, sample = sample > 0 and sample * units[unit] or nil}
end

-- Takes the options before the script out of the words. Answers them, or nil and what is wrong.
local function options(args)
  local got = {}
  while args[1] and args[1]:sub(1, 1) == "-" and args[1] ~= "-" do
    local word = table.remove(args, 1)
    local name, value = word:match("^(%-%-[%a%-]+)=(.*)$")
    name = name or word
    if name == "--trace" then
      got.trace = tracing(value or "1")
      if not got.trace then
        return nil, ("run: --trace=%s: it is a number of frames, 1 to 65535, or frames:bytes between samples (8:512k)")
          :format(value)
      end
    elseif word == "--no-ffi" then
      got.no_ffi = true
    elseif name == "--snapshot-at-exit" then
      got.snapshot = value or table.remove(args, 1)
      if not got.snapshot or got.snapshot == "" then return nil, "run: --snapshot-at-exit: which file?" end
    else
      return nil, "run: unknown option '" .. word .. "'"
    end
  end
  return got
end

-- Saves what the default heap holds; answers whether that went well. What the script has changed meanwhile is no matter.
local function saver(path, cli)
  local snapshot = require("husk").snapshot
  local tostring, pcall = tostring, pcall
  return function()
    local ok, err = pcall(function()
      local taken <close> = snapshot.take()
      taken:save(path)
    end)
    if not ok then cli.complain("no snapshot: " .. tostring(err.message or err)) end
    return ok
  end
end

-- From here on husk.ffi cannot be had by its name.
local function refuse_ffi()
  for _, name in ipairs {"husk.ffi", "husk.ffi.core"} do
    package.loaded[name] = nil
    package.preload[name] = function() error("husk.ffi is refused: the script runs with --no-ffi", 0) end
  end
end

local function run(args, cli)
  local got, wrong = options(args)
  if not got then return cli.usage_error(wrong) end
  local path = table.remove(args, 1)
  if not path then return cli.usage_error("run: which script?") end
  local text, why = cli.read(path)
  if not text then
    cli.complain("cannot read the script: " .. why)
    return cli.INPUT
  end
  if got.no_ffi then refuse_ffi() end
  local save = got.snapshot and saver(got.snapshot, cli)
  if got.trace then require("husk").trace.start(got.trace) end
  local exit = os.exit
  if save then
    os.exit = function(code, close) -- a script that ends itself
      local saved = save()
      if not saved and (code == nil or code == true or code == 0) then code = cli.SCRIPT end
      exit(code, close)
    end
  end
  local code = cli.execute(text, path == "-" and "=stdin" or "@" .. path, path, args)
  if save and not save() and code == cli.OK then code = cli.SCRIPT end
  return code
end

return {
  usage = "husk run SCRIPT [ARGS...]",
  summary = "runs a Lua script",
  help = [=[
Runs the Lua file SCRIPT, or standard input if it is '-'. The module is there for require "husk", and the ARGS
are in the table arg, as in lua(1). A first line that begins with # is skipped, so scripts may start with

    #!/usr/bin/env husk

Before SCRIPT may stand

    --trace[=FRAMES[:BYTES]]  traces the default heap from its first object on: tracebacks of so many
                              frames, 1 by default; with BYTES (k, m, g) by samples that far apart
    --snapshot-at-exit FILE   saves a snapshot of the default heap when the script ends, also by an
                              error or os.exit
    --no-ffi                  refuses husk.ffi: the script calls no C functions through it (C modules that it
                              may load are another matter)

Of the environment, for every program that uses the library:

    HUSK_GCTRACE=1        a line on standard error for each pass of the collector
    HUSK_GCSTAT=1         shows the passes to husk gcstat
    HUSK_STRESS=N[:SEED]  a pass at every N-th allocation; with SEED at random, so far apart on average
    HUSK_TRACE=FRAMES[:BYTES]  traces every heap from its first object on, as --trace does the default one

The exit code is 0, 1 if the script fails (the message and a traceback go to standard error) or the snapshot
cannot be written, 3 if the script cannot be read, 130 after SIGINT.]=],
  run = run,
}
