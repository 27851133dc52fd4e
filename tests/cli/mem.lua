-- husk mem as a process: numbers, the balance sheet, mappings, JSON, watching; and the experiment of process memory.
local tap = require "tap"
local process = require "process"
local test, eq, ok = tap.test, tap.eq, tap.ok
local scratch, write, slurp, wants, shell = process.scratch, process.write, process.slurp, process.wants, process.shell

-- A process that waits until its input ends; $PID is its number.
local function with_child(command)
  return ([[mkfifo %s/hold 2>/dev/null; cat < %s/hold & PID=$!; exec 9> %s/hold; while [ "$(cat /proc/$PID/comm)" != cat ]; do sleep 0.02; done; %s; R=$?; exec 9>&-; wait $PID; exit $R]]):format(
    scratch, scratch, scratch, command)
end

test("usage", function()
  wants("$HUSK mem --bogus", 2, "^$", "mem: unknown option '%-%-bogus'; see 'husk help'\n$")
  wants("$HUSK mem x", 2, "^$", "'x' is no number of a process")
  wants("$HUSK mem 0", 2, "^$", "'0' is no number")
  wants("$HUSK mem -1", 2, "^$", "unknown option '%-1'")
  wants("$HUSK mem 1 2", 2, "^$", "one process at a time")
  wants("$HUSK mem --balance --maps 1", 2, "^$", "not both")
  wants("$HUSK mem --interval 2", 2, "^$", "are for %-%-watch")
  wants("$HUSK mem --watch --interval 0", 2, "^$", "no time from 0%.05")
  wants("$HUSK mem --watch --interval x", 2, "^$", "'x' is no time")
  wants("$HUSK mem --watch -i 1.2.3", 2, "^$", "'1%.2%.3' is no time")
  wants("$HUSK mem --watch -n 0", 2, "^$", "once at least")
  wants("$HUSK mem --watch --maps 1", 2, "^$", "for one moment")
  wants("$HUSK help mem", 0, "^usage: husk mem %[PID%]")
end)

test("what cannot be read: exit 3 and why", function()
  for _, options in ipairs{"", "--balance", "--maps", "--json", "--watch"} do
    wants("$HUSK mem 2000000000 " .. options, 3, "^$", "^husk: process 2000000000: there is none\n$")
  end
  -- Its parent has become a program that does not wait for it.
  wants("sh -c 'sleep 0.2 & echo $! > " .. scratch .. "/pid; exec sleep 3' & sleep 0.7; $HUSK mem $(cat " .. scratch ..
    "/pid); R=$?; kill $! 2>/dev/null; exit $R", 3, "^$", "is a zombie: it has ended and has no memory\n")
end)

test("a process, in text", function()
  local out = wants(with_child("$HUSK mem $PID; cat /proc/$PID/statm"), 0, "^Process %d+ %(cat%)\n  rss +%d+ ")
  local rss, pages = out:match("  rss +(%d+) "), out:match("\n%d+ (%d+) [^\n]*\n$")
  eq(math.tointeger(rss) % math.tointeger(pages), 0) -- so many pages
  ok(out:find("\n  uss +%d+ +[%d.]+ %a+ +resident, of this process alone"), out)
  ok(out:find("\n  threads +1 +threads\n"), out)
end)

test("the machine, in text", function()
  local out = wants("$HUSK mem", 0, "System\n  total +%d+ ")
  ok(out:find("\n  available +%d+ "), out)
  ok(not out:find("Process"), out)
end)

test("balance: rows that add up, of another process and of husk itself", function()
  for _, command in ipairs{with_child "$HUSK mem --balance $PID", "$HUSK mem --balance"} do
    local out = wants(command, 0, "^ +row +bytes ")
    local sum = 0
    for group, bytes in out:gmatch("\n(%l+) +[%l ]- +(%-?%d+) ") do
      if group ~= "resident" then sum = sum + bytes end
    end
    eq(sum, math.tointeger(out:match("\n +resident memory +(%d+) ")))
    ok(out:find("\nVerdict: %l+\nEvidence: [^\n]+\n$"), out)
    ok(not out:find(" \n"), "blanks at the end of a line")
  end
end)

test("maps: grouped, with a sum", function()
  local out = wants(with_child "$HUSK mem --maps $PID", 0, "^ +rss +pss +private +swap  kind +path\n")
  local sum, last = 0, math.huge
  for rss, kind in out:gmatch("\n +(%d+) +%d+ +%d+ +%d+  (%l+)") do
    rss = math.tointeger(rss)
    if kind == "in" then
      eq(rss, sum)
    else
      ok(rss <= last, "the largest first")
      last, sum = rss, sum + rss
    end
  end
  ok(out:find("/cat\n") and out:find("libc"), out)
  ok(out:find("\n +%d+ +%d+ +%d+ +%d+  in %d+ groups\n$"), out)
end)

test("--json: one document that a reader of JSON takes", function()
  local reader = write("read.py", [[
import json, sys
seen = json.load(open(sys.argv[1]))
if sys.argv[2] == "process":
    assert seen["process"]["rss"] > 0 and isinstance(seen["process"]["uss"], int), seen
    assert seen["name"] == "cat" and seen["system"]["total"] > seen["process"]["rss"], seen
elif sys.argv[2] == "balance":
    assert sum(row["bytes"] for row in seen["balance"]["rows"]) == seen["balance"]["rss"], seen
    assert seen["balance"]["verdict"] in ("fine", "leak", "retention", "fragmentation"), seen
elif sys.argv[2] == "maps":
    assert sum(m["rss"] for m in seen["maps"]) > 0 and seen["maps"][0]["rss"] >= seen["maps"][-1]["rss"], seen
else:
    assert "process" not in seen and seen["system"]["total"] > 0, seen
]])
  if not os.execute("env -u LD_PRELOAD python3 -c 'import json' 2>/dev/null") then
    print("# skipped: no python3 to read with")
    return
  end
  local function reads(command, what)
    wants(with_child(("$HUSK mem %s > %s/out.json && env -u LD_PRELOAD python3 %s %s/out.json %s"):format(command, scratch, reader, scratch, what)), 0)
  end
  reads("--json $PID", "process")
  reads("--json --balance $PID", "balance")
  reads("--json --maps $PID", "maps")
  reads("--json", "system")
  local lines = wants(with_child "$HUSK mem --json --watch -n 3 -i 0.05 $PID", 0)
  local count = 0
  for line in lines:gmatch("[^\n]+") do
    ok(line:find('^{"time": %d+, "pid": %d+, "name": "cat", "process": {"rss": %d+, .*}$'), line)
    count = count + 1
  end
  eq(count, 3)
end)

test("--watch into a file: a line each time, until the process ends", function()
  local out = wants(with_child "$HUSK mem --watch -n 3 -i 0.05 $PID", 0, "^time\trss\tuss\tpss\tswap\t")
  eq(select(2, out:gsub("\n%d%d:%d%d:%d%d\t%d+\t%d+\t%d+\t", "")), 3, out)
  wants("sleep 0.5 & $HUSK mem --watch -i 0.1 $!", 0, "\nprocess %d+ has ended\n$")
  wants("$HUSK mem --watch -n 2 -i 0.05", 0, "^time\tused\tavailable\t")
  wants("$HUSK mem --watch --balance -n 2 -i 0.05", 0, "Verdict: .*\n\n.*Verdict: ")
  -- SIGINT ends it without a word, SIGTERM as it ends every program.
  wants("$HUSK mem --watch -i 10 > " .. scratch .. "/lines & sleep 0.5; kill -INT $!; wait $!", 0, "^$")
  wants("$HUSK mem --watch -i 10 > " .. scratch .. "/lines & sleep 0.5; kill -TERM $!; wait $! 2>/dev/null", 143, "^$", "")
  ok(slurp(scratch .. "/lines"):find("^time\t"))
end)

-- Runs it on a terminal of its own: what is typed comes after half a second. Gives what the terminal was sent.
local function on_terminal(options, typed, environment)
  local command = ([[sleep 100 & PID=$!; { sleep 0.7; printf %s; sleep 2; } | %s TERM=xterm env -u LD_PRELOAD script -qec "trap : INT; stty rows 20 cols 60; $HUSK mem %s $PID; echo exit \$?; stty -a" /dev/null; kill $PID]]):format(
    process.quoted(typed), environment or "LC_ALL=C.UTF-8", options)
  local _, out = shell(command)
  return out
end

test("--watch on a terminal: drawn anew in place, ended by q or Ctrl-C, the terminal as before", function()
  for _, typed in ipairs{"q", "\\003"} do
    local out = on_terminal("--watch -i 0.1", typed)
    ok(out:find("husk mem: process %d+ %(sleep%), every 0.1 s"), out)
    ok(out:find("\27[?25l", 1, true) and out:find("\27[?25h", 1, true), "the cursor")
    ok(select(2, out:gsub("\27%[%d+A\r", "")) >= 3, "drawn again and again")
    ok(out:find("▁▁▁", 1, true), "a sparkline")
    ok(out:find("exit 0\r\n", 1, true), out)
    ok(out:find(" icanon", 1, true) and out:find(" echo ", 1, true), "the terminal's mode")
    ok(not out:find("interrupted"))
    for line in out:match("^(.-)exit 0"):gsub("\27%[[%d;?]*%a", ""):gsub("\r", ""):gmatch("[^\n]+") do
      ok((utf8.len(line) or #line) <= 60, line)
    end
  end
  local plain = on_terminal("--watch -i 0.1 -n 4", "", "LC_ALL=C NO_COLOR=1")
  ok(plain:find("___", 1, true) and not plain:find("▁", 1, true), "ASCII where the locale is")
  ok(not plain:find("\27[1m", 1, true), "no bold")
  local dumb = on_terminal("--watch -i 0.1 -n 2", "", "TERM=dumb LC_ALL=C")
  ok(dumb:find("\27[?25l", 1, true) or dumb:find("time\trss", 1, true))
end)

test("process_memory.lua agrees with /proc within one page", function()
  local wrapper = write("wrapper.lua", [[
local page = tonumber(arg[2])
local function resident()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("a"):match("^%d+ (%d+)")
  file:close()
  return pages * page
end
resident() -- its buffers are had now
local first
local lines = {}
function print(line)
  if not first then
    first = resident()
    local shown = line:match("^Memory usage: ([%d.]+) MB$")
    local apart = math.abs(shown * 1024 ^ 2 - first)
    -- Two decimals are 5 KiB; a sanitizer's allocator takes pages of its own in between.
    local most = (os.getenv("LD_PRELOAD") and 64 or 1) * page + 0.005 * 1024 ^ 2 + 1
    if apart > most then error(("%s, and /proc says %d: %.0f apart"):format(line, first, apart)) end
  end
  lines[#lines + 1] = line
end
dofile(arg[1])
io.write(table.concat(lines, "\n"), "\n")
]])
  local page = io.popen("getconf PAGESIZE"):read("n")
  local out = wants(("$HUSK run %s %s/lua/examples/process_memory.lua %d"):format(wrapper, process.source, page), 0,
    "^Memory usage: %d+%.%d%d MB\nAt the start: ")
  local function megabytes(what, column) return tonumber(out:match(what .. "[^\n]*" .. column .. " +([%d.]+) MB")) end
  ok(megabytes("With 100000 boxes:", "alive in the heap") > 5, out)
  ok(megabytes("With 100000 boxes:", "resident") > megabytes("At the start:", "resident") + 5, out)
  eq(megabytes("Dropped:", "alive in the heap"), 0.0)
  ok(megabytes("Dropped:", "free and kept") > 2.5, out)
  eq(megabytes("Given back:", "free and kept"), 0.0)
  ok(megabytes("Given back:", "resident") < megabytes("Dropped:", "resident") - 2.5, out)
end)

tap.done()
