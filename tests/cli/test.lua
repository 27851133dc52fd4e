-- husk test as a process: TAP, JUnit, filters, seeds, leaks that are named, crashes that are failures.
local tap = require "tap"
local process = require "process"
local test, ok = tap.test, tap.ok
local scratch, write, slurp, wants, shell = process.scratch, process.write, process.slurp, process.wants, process.shell

local file = scratch .. "/first.lua"
write("first.lua", [[
local husk = require "husk"
local Node = husk.type("TestNode", {"next"})
kept = {}
test("fine", function(t) local n = t.heap:new(Node); t.count(n, 0) end)
test("leaks", function(t) kept[1] = t.heap:list{t.heap:new(Node)} end)
test("may leak", {leaks = false}, function(t) kept[2] = Node{} end)
test("skips", function(t) t.skip("no time") end)
test("differs <&\1>", function(t) t.equal(1, "2") end)
print "hello"
test("random", function() io.stderr:write("random ", math.random(1000000), "\n") end)
]])
local crash = scratch .. "/crash.lua"
write("crash.lua", [[
local tests = {}
function tests.b_crash() os.execute("kill -KILL $PPID"); while true do end end
function tests.c_after() end
function tests.a_before() end
return tests
]])

test("usage", function()
  wants("$HUSK test", 2, "^$", "which files")
  wants("$HUSK test --bogus x", 2, "^$", "unknown option '%-%-bogus'")
  wants("$HUSK test --seed x " .. file, 2, "^$", "no whole number")
  wants("$HUSK test /nonexistent.lua", 3, "^$", "^husk: cannot read the tests: /nonexistent.lua")
  wants("$HUSK help test", 0, "^usage: husk test %[OPTIONS%] FILE")
end)

test("TAP, what is left behind named, output apart", function()
  local out = wants("$HUSK test --seed 5 " .. file, 1, "^TAP version 13\n# seed 5\nok 1 %- %S*first.lua: fine\n", "^hello\n")
  ok(out:find("\nnot ok 2 %- %S*: leaks\n# left behind in heap 'test':\n#   1 of TestNode: root list %(held from outside by 1%)" ..
    " %[1%] %-> TestNode\n#   1 of list: held by a handle that the script keeps\n"), out)
  ok(out:find("\nok 3 %- %S*: may leak\nok 4 %- %S*: skips # SKIP no time\n"), out)
  ok(out:find('\nnot ok 5 %- %S*\n# %S*first.lua:8: got 1, wanted "2"\n') or
    out:find('\nnot ok 5 %- .-\n# %S*first.lua:8: got 1, wanted "2"\n'), out)
  ok(out:find("\n1%.%.6\n# 2 of 6 failed; %-%-seed=5"), out)
  wants("$HUSK test -q --no-leak-check --filter 'leaks' " .. file, 0, "^1%.%.1\n$", "^hello\n$")
end)

test("filters, lists, seeds", function()
  wants("$HUSK test --list --filter '*leak*' " .. file, 0, "^%S*: leaks\n%S*: may leak\n$", "")
  wants("$HUSK test -q --filter 'f?ne' --filter random " .. file, 0, "^1%.%.2\n$", "")
  wants("$HUSK test -q --filter 'f?' " .. file, 0, "^1%.%.0\n$", "")
  local function random(seed)
    return select(3, shell("$HUSK test --filter random --seed " .. seed .. " " .. file)):match("random %d+")
  end
  ok(random(5) and random(5) == random(5) and random(5) ~= random(6))
end)

test("crashes and early ends are failures; the next file runs", function()
  wants("$HUSK test " .. crash .. " " .. file, 1,
    "\nok 1 %- %S*: a_before\nnot ok 2 %- %S*: b_crash\n# killed by signal 9\nok 3 %- %S*first.lua: fine\n", "")
  write("ends.lua", 'test("ends", function() os.exit(0) end)')
  wants("$HUSK test " .. scratch .. "/ends.lua", 1, "not ok 1 %- %S*: ends\n# ended early, with exit code 0\n")
  write("syntax.lua", "x x")
  wants("$HUSK test " .. scratch .. "/syntax.lua", 1, "not ok 1 %- %S*: the file loads\n# .-syntax.lua:1: syntax error")
end)

test("JUnit, read by a parser", function()
  local xml = scratch .. "/results.xml"
  shell("$HUSK test --junit " .. xml .. " " .. file .. " " .. crash)
  ok(#slurp(xml) > 0)
  wants([[env -u LD_PRELOAD python3 -c 'import sys, xml.etree.ElementTree as e
for s in e.parse(sys.argv[1]).getroot():
    print(s.get("name").split("/")[-1], s.get("tests"), s.get("failures"), s.get("skipped"), [c.get("name") for c in s if len(c)])' ]] ..
    xml, 0, "^first.lua 6 2 1 %['leaks', 'skips', 'differs <&%?>'%]\ncrash.lua 2 1 0 %['b_crash'%]\n$")
  wants("$HUSK test -q --filter fine --junit /nonexistent/x " .. file, 1, "", "cannot write the results")
end)

tap.done()
