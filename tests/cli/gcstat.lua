-- husk gcstat as a process: the passes of another one, in text, JSON and again and again; what cannot be read.
local tap = require "tap"
local process = require "process"
local test, eq, ok = tap.test, tap.eq, tap.ok
local scratch, write, wants = process.scratch, process.write, process.wants

write("passes.lua", [[
local husk = require "husk"
local Node = husk.type("Node", {"next"})
local kept = husk.list{}
for i = 1, 20 do kept:append(Node{}) end
local function pass()
  for i = 1, 50 do local n = Node{}; n.next = n; n:release() end
  husk.collect()
end
pass()
io.open(arg[1], "w"):close()
while not io.open(arg[2]) do pass(); os.execute("sleep 0.02") end
]])

-- A program whose passes are seen, while a command runs; $PID is its number.
local function with_program(command, environment)
  return ([[export XDG_RUNTIME_DIR=%s; rm -f %s/up %s/end; %s $HUSK run %s/passes.lua %s/up %s/end & PID=$!; while [ ! -e %s/up ]; do sleep 0.02; done; %s; R=$?; touch %s/end; wait $PID; exit $R]]):format(
    scratch, scratch, scratch, environment or "HUSK_GCSTAT=1", scratch, scratch, scratch, scratch, command, scratch)
end

test("usage", function()
  wants("$HUSK gcstat --bogus", 2, "^$", "gcstat: unknown option '%-%-bogus'")
  for _, pid in ipairs{"x", "0", "1x", "99999999999"} do
    wants("$HUSK gcstat " .. pid, 2, "^$", "'" .. pid .. "' is no number of a process")
  end
  wants("$HUSK gcstat 1 2", 2, "^$", "one process at a time")
  wants("$HUSK gcstat 1 -i 2", 2, "^$", "are for %-%-watch")
  wants("$HUSK gcstat 1 --watch -i 0", 2, "^$", "no time from 0%.05")
  wants("$HUSK gcstat 1 --watch -n 0", 2, "^$", "once at least")
  wants("$HUSK gcstat --watch", 2, "^$", "needs the number of a process")
  wants("$HUSK help gcstat", 0, "^usage: husk gcstat %[PID%]")
end)

test("what cannot be read: exit 3 and why", function()
  for _, more in ipairs{"", "--json", "--watch", "--watch --json"} do
    wants("$HUSK gcstat 2000000000 " .. more, 3, "^$", "^husk: there is no process 2000000000\n$")
  end
  wants(with_program("$HUSK gcstat $PID", ""), 3, "^$", "has no page of statistics %(start it with HUSK_GCSTAT=1%)\n$")
  wants("HUSK_GCSTAT=on $HUSK eval 1", 70, "", "HUSK_GCSTAT=on: it is 1, or 0 for off")
end)

test("a process, in text", function()
  local out = wants(with_program("$HUSK gcstat $PID"), 0, "^Process %d+ %(husk%)\nHeap default %(1%), written [%d.]+ %a+ ago\n")
  ok(out:find("\n  mode +pauses +p50 +p90 +p99 +p99%.9 +max +total +freed +bytes\n"), out)
  ok(out:find("\n  full +%d+ +[%d.]+ %a+ "), out)
  local candidates, freed = out:match("\n    (%d+) candidates: (%d+) freed %(")
  eq(math.tointeger(candidates) - math.tointeger(freed), 21) -- the list and what it holds
  ok(out:find("1 held, 20 reached", 1, true), out)
  ok(out:find("\n    freed: Node %d+\n"), out)
end)

test("which processes", function()
  wants(with_program("$HUSK gcstat | grep -qx \"$PID .*husk run .*passes.lua .*end\" && $HUSK gcstat --json | grep -q \"\\\"pid\\\": $PID\""), 0, "^$")
  wants("XDG_RUNTIME_DIR=" .. scratch .. " $HUSK gcstat", 0, "^$", "^husk: no process of this user has a page of statistics")
end)

test("JSON", function()
  local out = wants(with_program("$HUSK gcstat $PID --json"), 0, "^{")
  for _, name in ipairs{'"pid": ', '"heaps": ', '"latest": ', '"reason": "call"', '"held": 1', '"reached": 20', '"p99_ns": ',
    '"type": "Node"', '"callbacks": '} do
    ok(out:find(name, 1, true), name .. out)
  end
end)

test("watching", function()
  local out = wants(with_program("$HUSK gcstat $PID --watch -i 0.1 -n 3"), 0, "^time\theap\tpass\tmode\tby\tpause_us\tfreed\tobjects\tbytes\n")
  local last
  for number in out:gmatch("\n[%d:]+\tdefault\t(%d+)\tfull\tcall\t[%d.]+\t%d+\t%d+\t%d+") do
    number = math.tointeger(number)
    ok(not last or number > last)
    last = number
  end
  ok(last, out)
  local lines = wants(with_program("$HUSK gcstat $PID --watch --json -i 0.1 -n 2"), 0, "^{.-}\n{.-}\n$")
  ok(lines)
  -- Until the end of the process.
  wants(with_program("(sleep 0.5; touch " .. scratch .. "/end) & $HUSK gcstat $PID --watch -i 0.1"), 0,
    "process %d+ has ended\n$")
end)

test("a killed process leaves nothing for long", function()
  wants(with_program("kill -9 $PID; wait $PID 2>/dev/null; ls " .. scratch .. " | grep -c gcstat.$PID; $HUSK gcstat; ls " .. scratch ..
    " | grep -c gcstat.$PID; true"), 0, "^1\n0\n", "")
end)

test("a page that ends before its process, and a heap without a pass", function()
  write("shown.lua", [[
local husk = require "husk"
husk.gc.gcstat(true)
local heap = husk.heap{name = "idle"}
io.open(arg[1], "w"):close()
os.execute("sleep 0.6")
husk.gc.gcstat(false)
while not io.open(arg[2]) do os.execute("sleep 0.02") end
heap:close()]])
  local command = with_program("$HUSK gcstat $PID; $HUSK gcstat $PID --watch -i 0.1", ""):gsub("passes%.lua", "shown.lua")
  local out = wants(command, 0, "process %d+ has ended its page\n$")
  ok(out:find("\nHeap idle %(%d+%), written [%d.]+ %a+ ago\n  no pass yet\n"), out)
end)

-- On a terminal of so many rows and columns: what it was sent, as lines of the last picture.
local function on_terminal(rows, columns, options)
  local script = ([[TERM=xterm env -u LD_PRELOAD XDG_RUNTIME_DIR=%s script -qec "stty rows %d cols %d; $HUSK gcstat $PID %s" /dev/null </dev/null]]):format(
    scratch, rows, columns, options)
  local out = wants(with_program(script), 0)
  local lines = {}
  out = out:gsub("^.*\27%[%d+A\r", "") -- what was drawn before
  for line in out:gsub("\27%[[%d;?]*%a", ""):gsub("\r", ""):gmatch("[^\n]+") do
    lines[#lines + 1] = line
    ok(#line <= columns, line)
  end
  return lines, table.concat(lines, "\n")
end

test("on a terminal nothing is cut that can be told in another way", function()
  for _, options in ipairs{"--watch -i 0.1 -n 3", ""} do
    local lines, all = on_terminal(30, 200, options)
    ok(lines[1]:find(options == "" and "^Process %d+ %(husk%)$" or "^husk gcstat %d+ %(husk%)  %d+:%d+:%d+, every 0.1 s; q ends$"), lines[1])
    ok(all:find("\n  mode +pauses +p50 +p90 +p99 +p99%.9 +max +total +freed +bytes\n"), all)
    ok(all:find("\n    time: clear [^\n]*reclaim [^\n]*"), all)
    _, all = on_terminal(30, 80, options)
    ok(all:find("\n  mode +pauses +p50 +p99 +p99%.9 +max +total +freed +bytes\n"), all)
    ok(all:find("\n    time: clear [^\n]*,\n      [^\n]*reclaim"), all)
    _, all = on_terminal(30, 45, options)
    ok(all:find("\n  mode +pauses +p50 +p99 +max\n"), all)
    ok(all:find("\n    heap: 71 objects, [^\n]+\n"), all)
  end
  local lines, all = on_terminal(7, 80, "--watch -i 0.1 -n 3") -- the table, but not what the pass did
  eq(#lines, 5)
  ok(lines[5]:find("^  pass %d+: full, by call, "), all)
  lines = on_terminal(5, 80, "--watch -i 0.1 -n 3")
  eq(#lines, 4)
  eq(lines[4], "2 lines more: the window is too low")
end)

tap.done()
