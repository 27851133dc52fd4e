-- husk bench: times the functions that files register, compares with an earlier run, plots.

local host = require "husk.host"
local json = require "husk.json"
local measure = require "husk.measure"
local options = require "husk.options"
local snapfile = require "husk.snapfile"
local svgplot = require "husk.svgplot"

local known = {
  rounds = "number", warmup = "number", min_time = "number", filter = "list", f = "filter", json = "text", compare = "text",
  svg = "text", fail_over = "text", cpu = "flag",
}

-- ---- what files register ----

local fields = {name = "string", run = "function", setup = "function", teardown = "function", params = "table", heap = "userdata"}

local function wrong(format, ...) error("bench: " .. format:format(...), 3) end

-- The global `bench` of a file: bench("name", fn), bench("name", table), bench{name = ..., run = ...}. A function with
-- parameters is a subject for each.
local function registrar(subjects, seen)
  return function(first, second)
    local given = type(first) == "table" and first or type(second) == "table" and second or {run = second}
    local entry = {}
    for key, value in pairs(given) do
      if not fields[key] then wrong("unknown option '%s'", tostring(key)) end
      if type(value) ~= fields[key] then wrong("option '%s': %s expected, got %s", key, fields[key], type(value)) end
      entry[key] = value
    end
    if type(first) == "string" then entry.name = first end
    if not entry.name then wrong("a name is missing") end
    if not entry.run then wrong("'%s': a function is missing", entry.name) end
    if seen[entry.name] then wrong("'%s' is there already", entry.name) end
    seen[entry.name] = true
    entry.heap = entry.heap or require("husk").default
    if entry.params and #entry.params == 0 then wrong("'%s': params has no items", entry.name) end
    for _, param in ipairs(entry.params or {false}) do
      if param and type(param) ~= "number" then wrong("'%s': params: a number expected, got %s", entry.name, type(param)) end
      local subject = {param = param or nil}
      for key, value in pairs(entry) do subject[key] = value end
      subject.label = param and ("%s(%s)"):format(entry.name, param) or entry.name
      subjects[#subjects + 1] = subject
    end
  end
end

local function chosen(subjects, filters)
  if not filters then return subjects end
  local list = {}
  for _, subject in ipairs(subjects) do
    for _, filter in ipairs(filters) do
      if subject.label:find(filter, 1, true) then
        list[#list + 1] = subject
        break
      end
    end
  end
  return list
end

-- ---- an earlier run ----

-- The results of a file of --json by their label. All that is used of them is looked at here.
local function load_results(path, clock)
  local file, why = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  if not text then snapfile.unreadable(why or path .. ": cannot be read") end
  local document
  document, why = json.decode(text)
  if why then snapfile.unreadable(("%s: no JSON: %s"):format(path, why)) end
  local list = type(document) == "table" and document.format == "husk bench 1" and document.results
  if type(list) ~= "table" then snapfile.unreadable(path .. ": no results of husk bench") end
  if document.clock ~= clock then
    options.fail("bench: --compare: %s was timed by another clock; --cpu has to be as it was then", path)
  end
  local results = {}
  for _, result in ipairs(list) do
    local fine = type(result) == "table" and type(result.label) == "string" and type(result.samples) == "table" and
      #result.samples > 0
    for _, sample in ipairs(fine and result.samples or {}) do fine = fine and type(sample) == "number" and sample > 0 end
    if not fine then snapfile.unreadable(path .. ": results without samples") end
    for name, value in pairs(measure.statistics(result.samples)) do result[name] = value end
    results[result.label] = result
  end
  return results
end

-- ---- output ----

local function amount(value)
  if not value then return "-" end
  return math.abs(value - math.floor(value + 0.5)) < 0.005 and ("%d"):format(math.floor(value + 0.5)) or ("%.2f"):format(value)
end

local function print_table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell) end
  end
  for _, row in ipairs(rows) do
    local line = {}
    for i, cell in ipairs(row) do
      local space = (" "):rep(widths[i] - (utf8.len(cell) or #cell))
      line[i] = i == 1 and cell .. space or space .. cell
    end
    print((table.concat(line, "  "):gsub("%s+$", "")))
  end
end

local function show(results, old)
  local rows = {{"", "min", "median", "MAD", "made", "bytes", "kept", "Lua bytes"}}
  if old then table.move({"min", "median", ""}, 1, 3, 9, rows[1]) end
  for _, result in ipairs(results) do
    local row = {
      result.label, svgplot.time(result.min), svgplot.time(result.median), ("%.1f %%"):format(100 * result.mad / result.median),
      amount(result.made), amount(result.made_bytes), amount(result.kept), amount(result.lua_bytes),
    }
    local change = result.change
    if old then
      if change then
        local words = {same = "", slower = "slower", faster = "faster"}
        table.move({("x%.3f"):format(change.min), ("x%.3f"):format(change.median), words[change.verdict]}, 1, 3, 9, row)
      else
        table.move({"-", "-", "new"}, 1, 3, 9, row)
      end
    end
    rows[#rows + 1] = row
  end
  print_table(rows)
end

local function document(results, got)
  local list = json.list{}
  for i, result in ipairs(results) do
    local samples = json.list{}
    for j, sample in ipairs(result.samples) do samples[j] = sample end
    local entry = {{"label", result.label}, {"name", result.name}}
    for _, name in ipairs{"param", "iterations", "min", "median", "mad", "q1", "q3", "max", "made", "made_bytes", "kept",
        "kept_bytes", "lua_bytes"} do
      if result[name] then entry[#entry + 1] = {name, result[name]} end
    end
    entry[#entry + 1] = {"samples", samples}
    list[i] = json.object(entry)
  end
  return json.encode(json.object{
    {"format", "husk bench 1"}, {"husk", require("husk").version()}, {"unit", "ns"}, {"clock", got.cpu and "cpu" or "wall"},
    {"rounds", got.rounds}, {"warmup_ms", got.warmup}, {"min_time_ms", got.min_time},
    {"results", list},
  })
end

local function write(path, text)
  if path == "-" then
    io.stdout:write(text)
    return
  end
  local file, why = io.open(path, "wb")
  if not file then snapfile.unreadable(why) end
  local ok
  ok, why = file:write(text)
  local closed, later = file:close()
  if not ok or not closed then snapfile.unreadable(("%s: cannot be written: %s"):format(path, why or later)) end
end

-- ---- the command ----

-- Runs the files: what they register, or an exit code.
local function register(files, cli)
  local subjects, seen = {}, {}
  for _, path in ipairs(files) do
    local text, why = cli.read(path)
    if not text then
      cli.complain("cannot read the script: " .. why)
      return nil, cli.INPUT
    end
    _G.bench = registrar(subjects, seen)
    local code = cli.execute(text, path == "-" and "=stdin" or "@" .. path, path, {})
    _G.bench = nil
    if code ~= cli.OK then return nil, code end
  end
  return subjects
end

local function progress_to_terminal()
  if not host.isatty(2) then return function() end, function() end end
  return function(text) io.stderr:write("\r\27[K", text):flush() end, function() io.stderr:write("\r\27[K") end
end

local function check_options(got)
  got.rounds, got.warmup, got.min_time = got.rounds or 20, got.warmup or 50, got.min_time or 5
  if got.rounds < 2 then options.fail("bench: --rounds: two at least, or nothing is known of the noise") end
  if got.min_time < 1 then options.fail("bench: --min-time: one millisecond at least") end
  if got.fail_over then
    local ratio = got.fail_over:match("^%d+%.?%d*$") and tonumber(got.fail_over)
    if not ratio or ratio < 1 then options.fail("bench: --fail-over: '%s' is no ratio from 1", got.fail_over) end
    if not got.compare then options.fail("bench: --fail-over is for --compare") end
    got.fail_over = ratio
  end
end

-- Whether something became slower by more than may be; says what.
local function too_slow(results, limit, cli)
  local found = false
  for _, result in ipairs(results) do
    local change = result.change
    if change and change.verdict == "slower" and change.min > limit and change.median > limit then
      cli.tell(("%s is slower: x%.3f of the minimum, x%.3f of the median"):format(result.label, change.min, change.median))
      found = true
    end
  end
  return found
end

local function run(args, cli)
  local got, files = options.parse("bench", args, known)
  if #files == 0 then options.fail("bench: which file?") end
  check_options(got)
  local old = got.compare and load_results(got.compare, got.cpu and "cpu" or "wall")
  local subjects, code = register(files, cli)
  if not subjects then return code end
  subjects = chosen(subjects, got.filter)
  if #subjects == 0 then options.fail("bench: no function is %s", got.filter and "left by the filter" or "registered") end
  local step, finish = progress_to_terminal()
  local results
  local nanoseconds, cpu = host.nanoseconds, got.cpu
  code = cli.call(function()
    results = measure.run(subjects, {
      clock = function() return nanoseconds(cpu) end, rounds = got.rounds, warmup = got.warmup * 1000000, min_time = got.min_time * 1000000,
      step = step,
    })
  end)
  finish()
  if code ~= cli.OK then return code end
  local olds = {}
  for i, result in ipairs(results) do
    result.label = subjects[i].label
    olds[result] = old and old[result.label]
    if olds[result] then result.change = measure.compare(olds[result], result) end
  end
  if got.json ~= "-" then show(results, old) end
  if got.json then write(got.json, document(results, got)) end
  if got.svg then write(got.svg, svgplot.document(results, olds)) end
  return got.fail_over and too_slow(results, got.fail_over, cli) and cli.SCRIPT or cli.OK
end

return {
  usage = "husk bench FILE... [OPTIONS]",
  summary = "times functions, and compares with an earlier run",
  help = [[
Runs the Lua files, in which bench("name", fn) registers functions, and times them: rounds that alternate
between the functions, each a loop of calls that lasts long enough for the clock.

    bench("name", fn)                 fn() is one call
    bench("name", {run = fn,          fn(state, param)
        setup = fn, teardown = fn,    before and after each round: setup(param) gives the state
        params = {10, 100},           a row for each
        heap = h})                    whose objects are counted; the default heap

Printed are the least time of a call, the median and its spread, what a call makes in the heap (objects and
buffers, their bytes), how many objects of it stay, and the bytes it takes of Lua's memory.

    --rounds N            rounds of each function; 20
    --warmup MS           milliseconds of running before; 50
    --min-time MS         what a round takes at least; 5
    --cpu                 the time that the thread runs, not the time that passes: for a busy machine
    -f, --filter TEXT     only functions whose name has it; again: or that
    --json FILE           the results, samples included; '-' is standard output, instead of the table
    --compare OLD.json    ratios to such a file, and a mark where they exceed the noise
    --fail-over RATIO     exit code 1 if one is marked slower and its ratios are above
    --svg FILE            a plot: the samples of each function, or the time over the parameter

The exit code is 0, 1 if a file or function fails or --fail-over says so, 2 for a wrong option, 3 if a file
cannot be read or written, 130 after SIGINT.]],
  run = run,
}
