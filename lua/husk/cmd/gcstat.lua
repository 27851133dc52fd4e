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

local function name_of(pid)
  local file = io.open(("/proc/%d/comm"):format(pid))
  local line = file and file:read("l") or "?"
  if file then file:close() end
  return (line:gsub("%c", "?"))
end

-- ---- text ----

-- Words with numbers, those that are 0 left out.
local function told(record, names)
  local words = {}
  for _, name in ipairs(names) do
    if record[name] ~= 0 then words[#words + 1] = ("%d %s"):format(record[name], (name:gsub("_", " "))) end
  end
  return table.concat(words, ", ")
end

local function pause_line(mode, pauses, sums)
  return ("  %-6s %9d %9s %9s %9s %9s %9s %9s %11s %10s"):format(mode, pauses.count, time(pauses.p50_ns), time(pauses.p90_ns),
    time(pauses.p99_ns), time(pauses.p999_ns), time(pauses.max_ns), time(pauses.total_ns), sums and sums.freed or "",
    sums and size(sums.freed_bytes) or "")
end

local function latest_lines(lines, r)
  lines[#lines + 1] = ("  pass %d: %s, by %s%s%s, %s%s"):format(r.number, r.mode, r.reason, r.quiet and ", inside an allocation" or "",
    r.status ~= "HUSK_OK" and ", " .. r.status or "", time(r.pause_ns),
    r.pauses > 1 and (" in %d steps, the longest %s"):format(r.pauses, time(r.longest_ns)) or "")
  local survivors = told(r, fates)
  lines[#lines + 1] = ("    %d candidates: %d freed (%s)%s%s"):format(r.candidates, r.freed, size(r.freed_bytes),
    survivors ~= "" and ", " .. survivors or "", r.frozen > 0 and ("; %d frozen"):format(r.frozen) or "")
  local more = told(r, {"finalized", "weak_cleared"})
  if more ~= "" then lines[#lines + 1] = "    " .. more end
  lines[#lines + 1] = ("    heap: %d objects, %s -> %d objects, %s"):format(r.objects_before, size(r.bytes_before), r.objects_after,
    size(r.bytes_after))
  local times = {}
  for _, part in ipairs(parts) do
    if r.ns[part] > 0 then times[#times + 1] = part .. " " .. time(r.ns[part]) end
  end
  lines[#lines + 1] = "    time: " .. table.concat(times, ", ")
  local types = {}
  for _, row in ipairs(r.by_type) do types[#types + 1] = ("%s %d"):format((row.type:gsub("%c", "?")), row.objects) end
  if r.rest.objects > 0 then types[#types + 1] = ("others %d"):format(r.rest.objects) end
  if #types > 0 then lines[#lines + 1] = "    freed: " .. table.concat(types, ", ") end
end

local function text(heaps)
  local lines = {}
  if #heaps == 0 then lines[1] = "no heap has had a pass since the page was made" end
  for _, heap in ipairs(heaps) do
    lines[#lines + 1] = ("Heap %s (%d), written %s ago"):format((heap.name:gsub("%c", "?")), heap.heap, time(heap.age_ns))
    lines[#lines + 1] = ("  %-6s %9s %9s %9s %9s %9s %9s %9s %11s %10s"):format("mode", "pauses", "p50", "p90", "p99", "p99.9", "max",
      "total", "freed", "bytes")
    local used = 0
    for _, mode in ipairs(modes) do
      if heap.pauses[mode].count > 0 then
        used = used + 1
        lines[#lines + 1] = pause_line(mode, heap.pauses[mode], heap.sums[mode])
      end
    end
    if used > 1 then lines[#lines + 1] = pause_line("all", heap.pauses.any) end
    if heap.latest then latest_lines(lines, heap.latest) end
  end
  return lines
end

-- ---- JSON ----

local counts <const> = {"number", "mode", "reason", "status", "quiet", "start_ns", "pauses", "pause_ns", "longest_ns", "candidates",
  "freed", "freed_bytes", "finalized", "weak_cleared", "held", "reached", "resurrected", "deferred", "saved", "frozen",
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
    local lines = text(heaps)
    table.insert(lines, 1, ("husk gcstat: process %d (%s), every %g s   %s   q ends"):format(pid, name, got.interval, os.date("%H:%M:%S")))
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
      io.write(("process %d has ended, or its page\n"):format(pid))
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
  for _, pid in ipairs(pids) do io.write(("%d %s\n"):format(pid, name_of(pid))) end
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
    io.write(("Process %d (%s)\n"):format(pid, name_of(pid)), table.concat(text(heaps), "\n"), "\n")
  end
end

return {
  usage = "husk gcstat [PID] [OPTIONS]",
  summary = "what passes of another process do, and how long they take",
  help = [[
Reads the page on which process PID shows its passes, without stopping it: for each heap the pauses by mode, and what
the latest pass did and why. A process has a page if it was started with HUSK_GCSTAT=1 in its environment, or asked
for one itself (husk_gcstat_start). Without PID: the processes of this user that have one.

    --watch           again and again: on a terminal a picture that is drawn anew (q or Ctrl-C ends it, space is
                      now), else a line for each heap that has had a pass, until the process ends
    -i, --interval S  so many seconds apart; 1
    -n, --count N     N times
    --json            one JSON document; with --watch one in each line

The exit code is 2 for a wrong option, 3 if there is no such process, it has no page, or it is another user's.]],
  run = run,
}
