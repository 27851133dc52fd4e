-- The commands that read snapshots, as a user calls them: husk stats, diff, export, report.
local tap = require "tap"
local process = require "process"
local test, eq, ok = tap.test, tap.eq, tap.ok
local scratch, write, slurp, wants, run = process.scratch, process.write, process.slurp, process.wants, process.run

local maker = write("maker.lua", [[
local husk = require "husk"
local Node = husk.type("Node", {"value", "next"})
husk.trace.start(3)
local keep = husk.list{}
local function more(n)
  for i = 1, n do keep:append(Node{value = i}) end
end
more(100)
local first <close> = husk.snapshot.take()
first:save(arg[1])
husk.trace.mark("later")
husk.trace.tag("second", more, 50)
keep:append(husk.list{1, 2, 3})
local second <close> = husk.snapshot.take()
second:save(arg[2])
]])
local old, new = scratch .. "/old.husk", scratch .. "/new.husk"
wants(("$HUSK run %s %s %s"):format(maker, old, new), 0, "^$")

test("stats: groups, rest and total", function()
  local lines = wants("$HUSK stats " .. old, 0, "^[^\n]*maker%.lua:6: size=%d")
  eq(select(2, lines:gsub("\n", "")), 3, lines)
  wants("$HUSK stats --by type " .. old, 0, "^Node: size=4800 B, count=100, average=48 B\n")
  wants("$HUSK stats --by=type -n1 " .. old, 0, "^Node: [^\n]*\n%d other: size=[^\n]*\ntotal: size=[^\n]*\n$")
  wants("$HUSK stats --by type -n 0 " .. old, 0, "^%d other: ")
  wants("$HUSK stats --by function " .. old, 0, "more")
  wants("$HUSK stats --by traceback --traceback 2 " .. old, 0, 'File "[^"]*maker%.lua", line 6')
  wants("$HUSK stats --by tag " .. new, 0, "second: size=")
  wants("$HUSK stats --by line --cumulative -f 'type=Node' " .. old, 0, "maker%.lua:8: size=4800 B, count=100")
  wants("$HUSK stats -f since=later,type=Node " .. new, 0, "count=50,")
  wants("$HUSK stats -f 'type=Node' -f '!tag=second' --by type " .. new, 0, "^Node: size=4800 B, count=100,")
  wants("$HUSK stats --sort born " .. new, 0, "born=")
end)

test("stats --json is one document with whole numbers", function()
  local text = wants("$HUSK stats --json --by type " .. old, 0, '^{\n  "by": "type",\n  "rows": %[\n')
  ok(text:find('"name": "Node",\n      "size": 4800,\n      "count": 100\n'), text)
  ok(text:find('"total": {'), text)
  wants("$HUSK stats --json --by type -f type=none " .. old, 0, '"rows": %[%]')
end)

test("diff: what changed, by name", function()
  wants("$HUSK diff --by type " .. old .. " " .. new, 0, "^Node: size=7200 B %(%+2400 B%), count=150 %(%+50%), average=48 B\n")
  wants("$HUSK diff --by type " .. new .. " " .. old, 0, "^Node: size=4800 B %(%-2400 B%), count=100 %(%-50%)")
  wants("$HUSK diff " .. old .. " " .. old .. " --by type", 0, "%(%+0 B%), count=100 %(%+0%)")
  wants("$HUSK diff --json --by type " .. old .. " " .. new, 0, '"size_diff": 2400,\n      "count_diff": 50')
end)

test("export: to standard output and to files, by name or by their end", function()
  local sum = 0
  for number in wants("$HUSK export -F collapsed " .. old, 0, " %d+\n"):gmatch(" (%d+)\n") do sum = sum + number end
  local total = wants("$HUSK stats --json " .. old, 0):match('"total": {\n    "size": (%d+)')
  eq(sum, math.tointeger(total))
  wants("$HUSK export --list", 0, "pprof .*heapsnapshot .*speedscope ")
  wants(("$HUSK export %s -o %s/x.heapsnapshot"):format(old, scratch), 0, "^$")
  ok(slurp(scratch .. "/x.heapsnapshot"):find('^{"snapshot":'), "a heap snapshot")
  wants(("$HUSK export %s --format=csv --by type -o -"):format(old), 0, '"Node",')
  wants("$HUSK export -F json " .. old .. " | head -c 10", 0, "^{")
end)

test("report: one page", function()
  local page = scratch .. "/page.html"
  wants(("$HUSK report %s %s -o %s --title 'Two of them'"):format(old, new, page), 0, "^$")
  local html = slurp(page)
  ok(html:find("<!doctype html>", 1, true) or html:find("<!DOCTYPE html>", 1, true), "a page")
  ok(html:find("Two of them", 1, true) and html:find("old.husk", 1, true), "title and names")
  ok(not html:find("[sh]r[ce]f?=[\"']?https?:") and not html:find("url%(") and not html:find("fetch%("), "no network")
end)

test("usage", function()
  wants("$HUSK stats", 2, "^$", "one snapshot is wanted, not 0")
  wants("$HUSK stats a b", 2, "^$", "not 2")
  wants("$HUSK diff a", 2, "^$", "two snapshots are wanted")
  wants("$HUSK report a", 2, "^$", "where to")
  wants("$HUSK report -o x", 2, "^$", "which snapshots")
  wants("$HUSK export " .. old, 2, "^$", "which %-%-format")
  wants("$HUSK stats --by colour " .. old, 2, "^$", "there is no 'colour'; there are line, file")
  wants("$HUSK stats --sort best " .. old, 2, "^$", "there is no 'best'")
  wants("$HUSK stats --top many " .. old, 2, "^$", "'many' is no whole number")
  wants("$HUSK stats --top", 2, "^$", "%-%-top wants a value")
  wants("$HUSK stats --bogus " .. old, 2, "^$", "unknown option '%-%-bogus'")
  wants("$HUSK stats -x " .. old, 2, "^$", "unknown option '%-x'")
  wants("$HUSK stats --json=1 " .. old, 2, "^$", "takes no value")
  wants("$HUSK stats -f 'fill=x' " .. old, 2, "^$", 'filter "fill=x", column 1')
  wants("$HUSK stats -f 'since=never' " .. old, 2, "^$", "never")
  wants("$HUSK export -F fax " .. old, 2, "^$", "there is no 'fax'")
end)

test("what cannot be read or written: exit 3, the path and the reason", function()
  write("empty.husk", "")
  write("text.husk", ("this is no snapshot\n"):rep(100))
  local whole = slurp(old)
  write("cut.husk", whole:sub(1, #whole // 2))
  write("turned.husk", whole:sub(1, 5000) .. string.char(whole:byte(5001) ~ 1) .. whole:sub(5002))
  for name, why in pairs{
    ["no-such.husk"] = "No such file", ["empty.husk"] = "empty", ["text.husk"] = "not a snapshot", ["cut.husk"] = "cut short",
    ["turned.husk"] = ".", ["."] = "Is a directory",
  } do
    local path = scratch .. "/" .. name
    wants("$HUSK stats " .. path, 3, "^$", "^husk: [^\n]*" .. name:gsub("%p", "%%%0") .. ": [^\n]*" .. why)
    wants(("$HUSK diff %s %s"):format(old, path), 3, "^$", "^husk: ")
    wants("$HUSK export -F text " .. path, 3, "^$", "^husk: ")
    wants(("$HUSK report %s -o %s/no.html"):format(path, scratch), 3, "^$", "^husk: ")
  end
  wants(("$HUSK export %s -F text -o /no/such/place"):format(old), 3, "^$", "/no/such/place: [^\n]*No such file")
  wants(("$HUSK report %s -o /no/such/place"):format(old), 3, "^$", "/no/such/place")
  wants(("$HUSK export %s -F text >/dev/full"):format(old), 3, nil, "husk: ")
end)

test("a wrong filter is shown with a mark below the place", function()
  wants("$HUSK stats -f type=a,colour=3 " .. old, 2, "^$", "column 8: [^\n]*see 'husk help'\n  type=a,colour=3\n         %^\n$")
end)

local ending = write("ending.lua", [[
local husk = require "husk"
kept = husk.list{}
local function fill(n)
  for i = 1, n do kept:append(husk.list{}) end
end
fill(30)
if arg[1] == "exit" then os.exit(tonumber(arg[2]), true) end -- true: nothing is left for a leak checker
if arg[1] == "error" then error("on purpose") end
]])
local last = scratch .. "/last.husk"

test("run --trace and --snapshot-at-exit, however the script ends", function()
  wants(("$HUSK run --trace=4 --snapshot-at-exit %s %s"):format(last, ending), 0, "^$")
  wants("$HUSK stats --by function -f type=list " .. last, 0, "^fill %([^\n]*ending%.lua%): size=1200 B, count=30,")
  local text = wants("$HUSK stats --by traceback --traceback 0 -f type=list " .. last, 0, "ending%.lua")
  ok(not text:find("husk/c", 1, true) and not text:find("[C]", 1, true), text) -- the script's frames alone
  wants(("rm %s; $HUSK run --snapshot-at-exit=%s --trace %s exit 0"):format(last, last, ending), 0, "^$")
  wants("$HUSK stats -f type=list " .. last, 0, "ending%.lua:4: size=1200 B, count=30,")
  wants(("rm %s; $HUSK run --snapshot-at-exit %s %s exit 7"):format(last, last, ending), 7, "^$")
  wants("$HUSK stats " .. last, 0, "^list: ") -- not traced: by type
  wants(("rm %s; $HUSK run --trace=2:64k --snapshot-at-exit %s %s error"):format(last, last, ending), 1, "^$", "on purpose")
  wants("$HUSK stats --by type " .. last, 0, "^list: ")
end)

test("run: wrong options, and a snapshot that cannot be written", function()
  for _, value in ipairs{"0", "65536", "x", "", "1:", "1:2x", "-1", "1.5", "1:99999999999999999999"} do
    wants(("$HUSK run --trace=%s %s"):format(value, ending), 2, "^$", "%-%-trace=")
  end
  wants("$HUSK run --snapshot-at-exit", 2, "^$", "which file")
  wants("$HUSK run --snapshot-at-exit= " .. ending, 2, "^$", "which file")
  wants("$HUSK run --fly " .. ending, 2, "^$", "unknown option '%-%-fly'")
  wants("$HUSK run --trace", 2, "^$", "which script")
  wants("$HUSK run --snapshot-at-exit /nowhere/x " .. ending, 1, "^$", "no snapshot: /nowhere/x")
  wants("$HUSK run --snapshot-at-exit /nowhere/x " .. ending .. " exit 0", 1, "^$", "no snapshot: /nowhere/x")
  wants("$HUSK run --snapshot-at-exit /nowhere/x " .. ending .. " exit 5", 5, "^$", "no snapshot: /nowhere/x")
  wants("HUSK_TRACE=often $HUSK run " .. ending, 1, "^$", "HUSK_TRACE=often")
end)

tap.done()
