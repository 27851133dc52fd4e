-- husk mem: the memory of a process, of its control group and of the machine; where it went; how it changes.

local host = require "husk.host"
local json = require "husk.json"
local live = require "husk.live"
local options = require "husk.options"
local snapfile = require "husk.snapfile"
local memory = require "husk.memory"

local size, draw = live.size, live.draw

-- ---- words ----

-- A number by its unit. Both columns: exact, and for people.
local function shown(field, value)
  if field.unit == "bytes" then return ("%d"):format(value), size(value) end
  if field.unit == "percent" then return ("%.2f"):format(value), "%" end
  return ("%d"):format(value), field.unit == "microseconds" and "us" or ""
end

-- A file's first line, or "".
local function first_line(path)
  local file = io.open(path)
  local line = file and file:read("l") or ""
  if file then file:close() end
  return (line:gsub("%c", "?"))
end

-- ---- asking ----

-- Why a process, its group or the machine cannot be read is exit code 3, whatever the reason.
local function ask(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if type(result) == "table" and result.code and result.code ~= "HUSK_EINVAL" and result.code ~= "HUSK_ERANGE" then
    snapfile.unreadable(result.message)
  end
  error(result, 0)
end

-- What is refused to us alone is a word, not an end: the second result.
local function process_numbers(pid)
  local ok, full = pcall(memory.full_info, pid)
  if ok then return full end
  if full.code ~= "HUSK_EIO" then snapfile.unreadable(full.message) end
  return ask(memory.info, pid), full.message
end

-- Without a process: the machine, and the control group that we are in.
local function look(got, pid)
  local seen = {time = os.time(), pid = pid}
  if pid then
    seen.process, seen.refused = process_numbers(pid)
    seen.name = first_line(("/proc/%d/comm"):format(pid))
  end
  if not pid or got.json then seen.system = ask(memory.system) end
  local ok, group = pcall(memory.cgroup, pid)
  if ok then seen.cgroup = group end
  if got.balance then seen.balance = ask(memory.balance, {pid = pid}) end
  if got.maps then seen.maps = ask(memory.maps, pid, {grouped = true}) end
  return seen
end

-- ---- text ----

local function section(lines, title, group, numbers)
  lines[#lines + 1] = title
  for _, field in ipairs(memory.fields(group)) do
    local value = numbers[field.name]
    if value then
      local exact, short = shown(field, value)
      lines[#lines + 1] = ("  %-14s %16s %9s  %s"):format(field.name, exact, short, field.text)
    end
  end
end

local function maps_text(lines, maps)
  lines[#lines + 1] = ("%12s %12s %12s %12s  %-9s %s"):format("rss", "pss", "private", "swap", "kind", "path")
  local sum = {0, 0, 0, 0}
  for _, map in ipairs(maps) do
    local row = {map.rss or 0, map.pss or 0, (map.private_clean or 0) + (map.private_dirty or 0), map.swap or 0}
    for i, value in ipairs(row) do sum[i] = sum[i] + value end
    lines[#lines + 1] = ("%12d %12d %12d %12d  %-9s %s%s"):format(row[1], row[2], row[3], row[4], map.kind,
      (map.path:gsub("%c", "?")), map.deleted and " (deleted)" or ""):gsub(" +$", "")
  end
  lines[#lines + 1] = ("%12d %12d %12d %12d  in %d groups"):format(sum[1], sum[2], sum[3], sum[4], #maps)
end

local function text(seen)
  local lines = {}
  if seen.process then
    section(lines, ("Process %d (%s)"):format(seen.pid, seen.name), "process", seen.process)
    if seen.refused then lines[#lines + 1] = "  the rest is refused: " .. seen.refused end
  end
  if seen.cgroup then section(lines, "Control group " .. seen.cgroup.path, "cgroup", seen.cgroup) end
  if seen.system then section(lines, "System", "system", seen.system) end
  return lines
end

local function print_once(seen, got)
  local lines = {}
  if got.balance then
    lines[1] = tostring(seen.balance):gsub("\n$", "")
  elseif got.maps then
    maps_text(lines, seen.maps)
  else
    lines = text(seen)
  end
  io.write(table.concat(lines, "\n"), "\n")
end

-- ---- JSON ----

local function numbers_object(group, numbers)
  local object = {}
  for _, field in ipairs(memory.fields(group)) do
    if numbers[field.name] then object[#object + 1] = {field.name, numbers[field.name]} end
  end
  return json.object(object)
end

local function named(names, from)
  local object = {}
  for _, name in ipairs(names) do
    if from[name] ~= nil then object[#object + 1] = {name, from[name]} end
  end
  return json.object(object)
end

local row_names = {"group", "name", "bytes", "counted", "shared", "swapped", "note"}
local sum_names = {"rss", "verdict", "evidence", "live", "objects", "held_free", "pages", "pages_sparse", "sparse_free"}
local map_names = {"path", "kind", "permissions", "deleted", "count", "bytes"}

local function document(seen)
  local object = {{"time", seen.time}, {"pid", seen.pid}, {"name", seen.name}, {"refused", seen.refused}}
  for i = #object, 1, -1 do
    if object[i][2] == nil then table.remove(object, i) end
  end
  for _, group in ipairs{"process", "cgroup", "system"} do
    if seen[group] then
      local numbers = numbers_object(group, seen[group])
      if group == "cgroup" then table.insert(numbers, 1, {"path", seen.cgroup.path}) end
      object[#object + 1] = {group, numbers}
    end
  end
  if seen.balance then
    local rows = {}
    for i, row in ipairs(seen.balance.rows) do rows[i] = named(row_names, row) end
    local sheet = named(sum_names, seen.balance)
    table.insert(sheet, {"rows", json.list(rows)})
    object[#object + 1] = {"balance", sheet}
  end
  if seen.maps then
    local maps = {}
    for i, map in ipairs(seen.maps) do
      maps[i] = named(map_names, map)
      for _, number in ipairs(numbers_object("map", map)) do table.insert(maps[i], number) end
    end
    object[#object + 1] = {"maps", json.list(maps)}
  end
  return json.object(object)
end

-- ---- watching ----

local blocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
local plain_blocks = {"_", ".", "-", "=", "+", "*", "%", "#"}

local function speaks_utf8()
  for _, name in ipairs{"LC_ALL", "LC_CTYPE", "LANG"} do
    local value = os.getenv(name)
    if value and value ~= "" then return value:upper():find("UTF%-?8") ~= nil end
  end
  return false
end

-- The latest values as a row of blocks, from the lowest to the highest of them.
local function sparkline(values, width, set)
  local from = math.max(1, #values - width + 1)
  local low, high = math.huge, -math.huge
  for i = from, #values do low, high = math.min(low, values[i]), math.max(high, values[i]) end
  local out = {}
  for i = from, #values do
    local level = high > low and (values[i] - low) / (high - low) or 0
    out[#out + 1] = set[1 + math.floor(level * (#set - 1) + 0.5)]
  end
  return table.concat(out), low, high
end

local function pairs_line(words, numbers)
  local parts = {}
  for _, word in ipairs(words) do
    if numbers[word] then parts[#parts + 1] = ("%s %s"):format(word:gsub("_", " "), size(numbers[word])) end
  end
  return "  " .. table.concat(parts, "   ")
end

-- The values of one moment as the lines of the picture.
local function picture(seen, history, got, width)
  local numbers = seen.process or seen.system
  local what, value = seen.process and "rss" or "used", seen.process and seen.process.rss or seen.system.used
  local lines = {("husk mem: %s, every %g s   %s   q ends"):format(
    seen.process and ("process %d (%s)"):format(seen.pid, seen.name) or "the machine", got.interval, os.date("%H:%M:%S", seen.time))}
  local head = ("  %-4s %10s  "):format(what, size(value or 0))
  local line, low, high = sparkline(history, math.max(8, width - #head - 1), speaks_utf8() and blocks or plain_blocks)
  lines[2] = head .. line
  local change = #history > 1 and history[#history] - history[1] or 0
  lines[3] = ("  lowest %s   highest %s   %s%s since the start"):format(size(low), size(high), change < 0 and "" or "+", size(change))
  if seen.process then
    lines[#lines + 1] = pairs_line({"uss", "pss", "swap", "peak_rss", "rss_anon", "rss_file", "rss_shmem"}, numbers)
    lines[#lines + 1] = ("  threads %d   page faults %d, %d of a disk"):format(numbers.threads or 0, numbers.minor_faults or 0,
      numbers.major_faults or 0)
  else
    lines[#lines + 1] = pairs_line({"total", "available", "free", "cached", "swap_used"}, numbers)
    if numbers.some_10 then
      lines[#lines + 1] = ("  waited for memory: %.2f %% of the last 10 s, %.2f %% of the last minute"):format(numbers.some_10,
        numbers.some_60 or 0)
    end
  end
  if seen.cgroup and seen.cgroup.current then
    lines[#lines + 1] = ("  control group %s%s"):format(size(seen.cgroup.current),
      seen.cgroup.limit and (" of %s (%.0f %%)"):format(size(seen.cgroup.limit), seen.cgroup.current / seen.cgroup.limit * 100) or "")
  end
  if seen.balance then
    lines[#lines + 1] = ""
    for part in tostring(seen.balance):gmatch("[^\n]*") do lines[#lines + 1] = part end
    while lines[#lines] == "" do lines[#lines] = nil end
  end
  return lines
end

local columns = {"rss", "uss", "pss", "swap", "peak_rss", "threads", "minor_faults", "major_faults"}
local system_columns = {"used", "available", "free", "cached", "swap_used"}

-- One moment as a line, for whoever is not a terminal.
local function print_line(seen, got, number)
  if got.json then
    io.write(json.line(document(seen)), "\n")
  elseif got.balance then
    io.write(number > 1 and "\n" or "", os.date("%Y-%m-%d %H:%M:%S", seen.time), "\n", tostring(seen.balance))
  else
    local names, values = seen.process and columns or system_columns, {os.date("%H:%M:%S", seen.time)}
    if number == 1 then io.write("time\t", table.concat(names, "\t"), "\n") end
    for _, name in ipairs(names) do values[#values + 1] = tostring((seen.process or seen.system)[name] or "-") end
    io.write(table.concat(values, "\t"), "\n")
  end
  io.flush()
end

local function watch(got, pid, cli)
  local draws = host.isatty(1) and not got.json and (os.getenv("TERM") or "dumb") ~= "dumb"
  local bold = cli.color ~= "never" and (cli.color == "always" or (os.getenv("NO_COLOR") or "") == "")
  local history, drawn, number = {}, 0, 0
  local seen = look(got, pid) -- what cannot be read is an error before anything is drawn
  host.watch_begin(draws)
  local on <close> = setmetatable({}, {__close = host.watch_end})
  while true do
    number = number + 1
    history[#history + 1] = seen.process and seen.process.rss or seen.system and seen.system.used or 0
    if #history > 2000 then table.remove(history, 1) end
    if draws then
      drawn = draw(picture(seen, history, got, (host.columns())), drawn, bold)
    else
      print_line(seen, got, number)
    end
    if number == got.count then return end
    local event
    local until_time = got.interval
    repeat
      event = host.watch_wait(until_time)
      if event == "q" or event == "Q" or event == "interrupt" then return end
      if event == "resize" and draws then
        io.write("\27[2J\27[H") -- lines may have been broken anew: nothing is where it was
        drawn = draw(picture(seen, history, got, (host.columns())), 0, bold)
      end
    until event == "time" or event == " "
    local ok, next_seen = pcall(look, got, pid)
    if not ok then
      if not snapfile.is_unreadable(next_seen) then error(next_seen, 0) end
      io.write(draws and "" or "", ("process %s has ended\n"):format(pid or "?"))
      return
    end
    seen = next_seen
  end
end

-- ---- the command ----

local function run(args, cli)
  local got, rest = options.parse("mem", args, {balance = "flag", maps = "flag", watch = "flag", json = "flag", interval = "text",
    i = "interval", count = "number", n = "count"})
  if #rest > 1 then options.fail("mem: one process at a time") end
  local pid
  if rest[1] then
    pid = rest[1]:match("^%d+$") and math.tointeger(tonumber(rest[1]))
    if not pid or pid < 1 or pid > 0x7FFFFFFF then options.fail("mem: '%s' is no number of a process", rest[1]) end
  end
  if got.balance and got.maps then options.fail("mem: --balance or --maps, not both") end
  if (got.interval or got.count) and not got.watch then options.fail("mem: --interval and --count are for --watch") end
  if got.watch and got.maps then options.fail("mem: --maps is for one moment") end
  if got.interval then
    local seconds = got.interval:match("^[%d.]+$") and tonumber(got.interval)
    if not seconds or seconds < 0.05 or seconds > 86400 then
      options.fail("mem: --interval: '%s' is no time from 0.05 to 86400 seconds", got.interval)
    end
    got.interval = seconds
  end
  got.interval = got.interval or 1
  if got.count == 0 then options.fail("mem: --count: once at least") end
  if got.watch then return watch(got, pid, cli) end
  local seen = look(got, pid)
  if got.json then io.write(json.encode(document(seen))) else print_once(seen, got) end
end

return {
  usage = "husk mem [PID] [OPTIONS]",
  summary = "the memory of a process or of the machine",
  help = [[
Says what the system knows of the memory of process PID: resident, private, shared, swapped, its peak, and of the
control group that limits it. Without PID: of the machine, and of the group that husk is in. What is not known is
left out.

    --balance         where it went, row by row, adding up to the resident memory, and a verdict; without PID of
                      husk itself
    --maps            its mappings, one row for each file or kind, the largest first
    --watch           again and again: on a terminal a picture that is drawn anew (q or Ctrl-C ends it, space is
                      now), else a line each time, until the process ends
    -i, --interval S  so many seconds apart; 1
    -n, --count N     N times
    --json            one JSON document; with --watch one in each line

The exit code is 2 for a wrong option, 3 if there is no such process, it cannot be read, or it has ended (a zombie).
Numbers that need more rights than we have are left out, and the output says so.]],
  run = run,
}
