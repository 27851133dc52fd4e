-- husk gcstat: what the passes of another process do and how long they take, without stopping it.

local host = require "husk.host"
local json = require "husk.json"
local live = require "husk.live"
local options = require "husk.options"
local snapfile = require "husk.snapfile"
local gc = require "husk.gc"

local size, time = live.size, live.time

local modes <const> = {"full", "young", "step"}
local parts <const> = {"clear", "subtract", "seed", "mark", "gather", "finalize", "confirm", "reclaim", "callbacks"}
local fates <const> = {"held", "reached", "resurrected", "deferred", "saved"}

-- ---- asking ----

local function look(pid)
  local ok, result = pcall(gc.gcstat_read, pid)
  if ok then return result end
  if type(result) == "table" and result.code then snapfile.unreadable(result.message) end
  error(result, 0)
end

local function proc(pid, file)
  local f <close> = io.open(("/proc/%d/%s"):format(pid, file))
  return f and f:read("a") or ""
end

local function name_of(pid)
  local name = proc(pid, "comm"):match("^[^\n]+") or "?"
  return (name:gsub("%c", "?"))
end

-- The words it was started with, which tell scripts of one interpreter apart; its name if it hides them.
local function command_of(pid)
  local command = proc(pid, "cmdline"):gsub("%z+$", ""):gsub("%z", " "):gsub("%c", "?")
  return command ~= "" and command or name_of(pid)
end

-- Whoever started it may not have asked for its exit code yet: then there is a number still, but no process.
local function has_ended(pid)
  local state = proc(pid, "stat"):match("%) (%a)[^)]*$")
  return not state or state == "Z" or state == "X"
end

-- ---- text ----

-- Adds words with numbers, those that are 0 left out.
local function told(words, record, names)
  for _, name in ipairs(names) do
    if record[name] ~= 0 then words[#words + 1] = ("%d %s"):format(record[name], (name:gsub("_", " "))) end
  end
  return words
end

-- The table of pauses. In a narrow window columns are left out, those with the highest number first.
local columns <const> = {
  {name = "pauses", width = 9, get = function(pauses) return pauses.count end},
  {name = "p50", width = 8, leave = 1, get = function(pauses) return time(pauses.p50_ns) end},
  {name = "p90", width = 8, leave = 6, get = function(pauses) return time(pauses.p90_ns) end},
  {name = "p99", width = 8, get = function(pauses) return time(pauses.p99_ns) end},
  {name = "p99.9", width = 8, leave = 4, get = function(pauses) return time(pauses.p999_ns) end},
  {name = "max", width = 8, get = function(pauses) return time(pauses.max_ns) end},
  {name = "total", width = 8, leave = 5, get = function(pauses) return time(pauses.total_ns) end},
  {name = "freed", width = 11, leave = 2, get = function(_, sums) return sums and sums.freed or "" end},
  {name = "bytes", width = 10, leave = 3, get = function(_, sums) return sums and size(sums.freed_bytes) or "" end},
}

local function table_lines(lines, heap, width)
  local needed, last = 8, math.huge
  for _, column in ipairs(columns) do needed = needed + column.width end
  for leave = 6, 1, -1 do
    for _, column in ipairs(columns) do
      if column.leave == leave and needed > width then needed, last = needed - column.width, leave end
    end
  end
  local function add(mode, get)
    local cells = {("  %-6s"):format(mode)}
    for _, column in ipairs(columns) do
      if (column.leave or 0) < last then cells[#cells + 1] = ("%" .. column.width .. "s"):format(get(column)) end
    end
    lines[#lines + 1] = (table.concat(cells):gsub(" +$", ""))
  end
  add("mode", function(column) return column.name end)
  local used = 0
  for _, mode in ipairs(modes) do
    local pauses, sums = heap.pauses[mode], heap.sums[mode]
    if pauses.count > 0 then
      used = used + 1
      add(mode, function(column) return column.get(pauses, sums) end)
    end
  end
  if used > 1 then add("all", function(column) return column.get(heap.pauses.any) end) end
end

-- Parts with commas between them, in as many lines as the width asks for.
local function add_list(lines, indent, title, parts_of_it, width)
  local line = indent .. title
  for i, part in ipairs(parts_of_it) do
    local more = part .. (i < #parts_of_it and "," or "")
    if #line + 1 + #more > width and line:find("%S") and i > 1 then
      lines[#lines + 1] = line
      line = indent .. "  " .. more
    else
      line = line .. (line:find("%S") and " " or "") .. more
    end
  end
  lines[#lines + 1] = line
end

local function latest_lines(lines, r, width, brief)
  local pass = {r.mode, "by " .. r.reason}
  if r.quiet then pass[#pass + 1] = "inside an allocation" end
  if r.threads > 1 then pass[#pass + 1] = ("on %d threads"):format(r.threads) end
  if r.status ~= "HUSK_OK" then pass[#pass + 1] = r.status end
  pass[#pass + 1] = time(r.pause_ns) .. (r.pauses > 1 and (" in %d steps"):format(r.pauses) or "")
  if r.pauses > 1 then pass[#pass + 1] = "the longest " .. time(r.longest_ns) end
  add_list(lines, "  ", ("pass %d:"):format(r.number), pass, width)
  if brief then return end
  local fate = {("%d freed (%s)"):format(r.freed, size(r.freed_bytes))}
  told(fate, r, fates)
  if r.frozen > 0 then fate[#fate] = ("%s; %d frozen"):format(fate[#fate], r.frozen) end
  add_list(lines, "    ", ("%d candidates:"):format(r.candidates), fate, width)
  local more = told({}, r, {"finalized", "weak_cleared"})
  if #more > 0 then add_list(lines, "    ", "", more, width) end
  add_list(lines, "    ", "heap:", {("%d objects"):format(r.objects_before), ("%s -> %d objects"):format(size(r.bytes_before),
    r.objects_after), size(r.bytes_after)}, width)
  local times = {}
  for _, part in ipairs(parts) do
    if r.ns[part] > 0 then times[#times + 1] = part .. " " .. time(r.ns[part]) end
  end
  add_list(lines, "    ", "time:", times, width)
  local types = {}
  for _, row in ipairs(r.by_type) do types[#types + 1] = ("%s %d"):format((row.type:gsub("%c", "?")), row.objects) end
  if r.rest.objects > 0 then types[#types + 1] = ("others %d"):format(r.rest.objects) end
  if #types > 0 then add_list(lines, "    ", "freed:", types, width) end
end

-- width: no line is longer if it can be helped; nil: as long as they are. brief: without what the latest pass did.
local function text(heaps, width, brief)
  local lines = {}
  width = width or math.huge
  if #heaps == 0 then lines[1] = "no heap yet" end
  for _, heap in ipairs(heaps) do
    lines[#lines + 1] = ("Heap %s (%d), written %s ago"):format((heap.name:gsub("%c", "?")), heap.heap, time(heap.age_ns))
    if heap.pauses.any.count == 0 then lines[#lines + 1] = "  no pass yet" else table_lines(lines, heap, width) end
    if heap.latest then latest_lines(lines, heap.latest, width, brief) end
  end
  return lines
end

-- ---- JSON ----

local counts <const> = {"number", "mode", "reason", "status", "quiet", "threads", "start_ns", "pauses", "pause_ns", "longest_ns",
  "candidates", "freed", "freed_bytes", "finalized", "weak_cleared", "held", "reached", "resurrected", "deferred", "saved", "frozen",
  "objects_before", "bytes_before", "objects_after", "bytes_after"}
local sum_counts <const> = {"passes", "candidates", "freed", "freed_bytes", "finalized", "resurrected", "weak_cleared"}
local pause_counts <const> = {"count", "total_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns"}

local function named(names, from, more)
  local object = {}
  for _, name in ipairs(names) do object[#object + 1] = {name, from[name]} end
  for _, pair in ipairs(more or {}) do object[#object + 1] = pair end
  return json.object(object)
end

local function record_object(r)
  local types = {}
  for i, row in ipairs(r.by_type) do types[i] = named({"type", "objects", "bytes"}, row) end
  return named(counts, r, {{"ns", named(parts, r.ns)}, {"by_type", json.list(types)}, {"rest", named({"objects", "bytes"}, r.rest)}})
end

local function document(pid, heaps)
  local rows = {}
  for i, heap in ipairs(heaps) do
    local by_mode = {}
    for _, mode in ipairs(modes) do
      by_mode[#by_mode + 1] = {mode, json.object{{"pauses", named(pause_counts, heap.pauses[mode])},
        {"sums", named(sum_counts, heap.sums[mode], {{"ns", named(parts, heap.sums[mode].ns)}})}}}
    end
    by_mode[#by_mode + 1] = {"any", json.object{{"pauses", named(pause_counts, heap.pauses.any)}}}
    local more = {{"modes", json.object(by_mode)}}
    if heap.latest then table.insert(more, 1, {"latest", record_object(heap.latest)}) end
    rows[i] = named({"heap", "name", "age_ns"}, heap, more)
  end
  return json.object{{"time", os.time()}, {"pid", pid}, {"name", name_of(pid)}, {"heaps", json.list(rows)}}
end

-- ---- watching ----

-- One moment as a line, for whoever is not a terminal: each heap that has had a pass since the line before.
local function print_lines(heaps, told_of, number)
  if number == 1 then io.write("time\theap\tpass\tmode\tby\tpause_us\tfreed\tobjects\tbytes\n") end
  for _, heap in ipairs(heaps) do
    local r = heap.latest
    if r and told_of[heap.heap] ~= r.number then
      told_of[heap.heap] = r.number
      io.write(("%s\t%s\t%d\t%s\t%s\t%.3f\t%d\t%d\t%d\n"):format(os.date("%H:%M:%S"), (heap.name:gsub("%c", "?")), r.number, r.mode,
        r.reason, r.pause_ns / 1000, r.freed, r.objects_after, r.bytes_after))
    end
  end
  io.flush()
end

local function watch(got, pid, cli)
  local draws = host.isatty(1) and not got.json and (os.getenv("TERM") or "dumb") ~= "dumb"
  local bold = cli.color ~= "never" and (cli.color == "always" or (os.getenv("NO_COLOR") or "") == "")
  local name, told_of, drawn, number = name_of(pid), {}, 0, 0
  local heaps = look(pid) -- what cannot be read is an error before anything is drawn
  host.watch_begin(draws)
  local on <close> = setmetatable({}, {__close = host.watch_end})
  local function picture()
    local width, height = host.columns()
    local lines = text(heaps, width)
    if #lines > height - 2 then lines = text(heaps, width, true) end
    table.insert(lines, 1, ("husk gcstat %d (%s)  %s, every %g s; q ends"):format(pid, name, os.date("%H:%M:%S"), got.interval))
    if #lines > height - 1 then
      local hidden = #lines - (height - 2)
      lines[math.max(height - 1, 1)] = ("%d lines more: the window is too low"):format(hidden)
    end
    return lines
  end
  while true do
    number = number + 1
    if draws then
      drawn = live.draw(picture(), drawn, bold)
    elseif got.json then
      io.write(json.line(document(pid, heaps)), "\n")
      io.flush()
    else
      print_lines(heaps, told_of, number)
    end
    if number == got.count then return end
    local event
    repeat
      event = host.watch_wait(got.interval)
      if event == "q" or event == "Q" or event == "interrupt" then return end
      if event == "resize" and draws then
        io.write("\27[2J\27[H") -- lines may have been broken anew: nothing is where it was
        drawn = live.draw(picture(), 0, bold)
      end
    until event == "time" or event == " "
    local ok, next_heaps = pcall(look, pid)
    if not ok then
      if not snapfile.is_unreadable(next_heaps) then error(next_heaps, 0) end
      -- The page goes in the last moments of a process, which may not be over yet.
      if not has_ended(pid) then host.watch_wait(0.3) end
      io.write((has_ended(pid) and "process %d has ended\n" or "process %d has ended its page\n"):format(pid))
      return
    end
    heaps = next_heaps
  end
end

-- ---- the command ----

local function list(got)
  local pids = gc.gcstat_list()
  if got.json then
    local rows = {}
    for i, pid in ipairs(pids) do rows[i] = json.object{{"pid", pid}, {"name", name_of(pid)}} end
    io.write(json.encode(json.list(rows)))
    return
  end
  for _, pid in ipairs(pids) do io.write(("%d %s\n"):format(pid, command_of(pid))) end
  if #pids == 0 then io.stderr:write("husk: no process of this user has a page of statistics (start one with HUSK_GCSTAT=1)\n") end
end

local function run(args, cli)
  local got, rest = options.parse("gcstat", args, {watch = "flag", json = "flag", interval = "text", i = "interval", count = "number",
    n = "count"})
  if #rest > 1 then options.fail("gcstat: one process at a time") end
  if (got.interval or got.count) and not got.watch then options.fail("gcstat: --interval and --count are for --watch") end
  if got.interval then
    local seconds = live.seconds(got.interval)
    if not seconds then options.fail("gcstat: --interval: '%s' is no time from 0.05 to 86400 seconds", got.interval) end
    got.interval = seconds
  end
  got.interval = got.interval or 1
  if got.count == 0 then options.fail("gcstat: --count: once at least") end
  if not rest[1] then
    if got.watch then options.fail("gcstat: --watch needs the number of a process") end
    return list(got)
  end
  local pid = rest[1]:match("^%d+$") and math.tointeger(tonumber(rest[1]))
  if not pid or pid < 1 or pid > 0x7FFFFFFF then options.fail("gcstat: '%s' is no number of a process", rest[1]) end
  if got.watch then return watch(got, pid, cli) end
  local heaps = look(pid)
  if got.json then
    io.write(json.encode(document(pid, heaps)))
  else
    local lines = text(heaps, host.isatty(1) and host.columns() or nil)
    io.write(("Process %d (%s)\n"):format(pid, name_of(pid)), table.concat(lines, "\n"), "\n")
  end
end

return {
  usage = "husk gcstat [PID] [OPTIONS]",
  summary = "what passes of another process do, and how long they take",
  help = [[
Reads the page on which process PID shows its passes, without stopping it: for each heap the pauses by mode, and what
the latest pass did and why. A process has a page if it was started with HUSK_GCSTAT=1 in its environment, or asked
for one itself (husk_gcstat_start). Without PID: the processes of this user that have one. The columns: how many pauses
there were; how long half of them, 90 %, 99 % and 99.9 % were at most, and the longest; all together; what was freed.
Each step is a pause of its own. The number behind a heap's name tells heaps of one name apart. On a narrow terminal some
columns are left out.

    --watch           again and again: on a terminal a picture that is drawn anew (q or Ctrl-C ends it, space is
                      now), else a line for each heap that has had a pass, until the process ends
    -i, --interval S  so many seconds apart; 1
    -n, --count N     N times
    --json            one JSON document; with --watch one in each line

The exit code is 2 for a wrong option, 3 if there is no such process, it has no page, or it is another user's.]],
  run = run,
}
