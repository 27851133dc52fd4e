-- The program husk as a process: what it prints, where, and its exit code. Run as
--   lua5.4 cli.lua HUSK SOURCE SCRATCH
local tap = require "tap"
local graph = require "graph"
local test, eq, ok = tap.test, tap.eq, tap.ok

local process = require "process"
local husk, source, scratch = process.husk, process.source, process.scratch
local quoted, write, slurp, shell, wants, run =
  process.quoted, process.write, process.slurp, process.shell, process.wants, process.run
local examples = source .. "/lua/examples/"
local fixture = source .. "/tests/fixtures/dpkg-status"

test("usage", function()
  wants("$HUSK", 2, "^$", "^usage: husk .*husk run SCRIPT")
  wants("$HUSK bogus", 2, "^$", "^husk: unknown command 'bogus'")
  wants("$HUSK --bogus", 2, "^$", "unknown option '%-%-bogus'")
  wants("$HUSK --color=blue version", 2, "^$", "auto, always or never")
  wants("$HUSK run", 2, "^$", "run: which script")
  wants("$HUSK run --fast x.lua", 2, "^$", "unknown option '%-%-fast'")
  wants("$HUSK -e", 2, "^$", "which code")
  wants("$HUSK version 1", 2, "^$", "too many")
  wants("$HUSK repl 1", 2, "^$", "too many")
  wants("$HUSK help a b", 2, "^$", "one command")
  wants("$HUSK help bogus", 2, "^$", "unknown command 'bogus'")
end)

test("help and version", function()
  wants("$HUSK help", 0, "^usage: husk .*repl.*version.*help")
  wants("$HUSK -h", 0, "^usage: husk ")
  wants("$HUSK --help", 0, "^usage: husk ")
  for _, name in ipairs{"run", "eval", "repl", "stats", "diff", "export", "report", "bench", "version", "help"} do
    wants("$HUSK help " .. name, 0, "^usage: husk .-\n\n%u")
    wants("$HUSK " .. name .. " --help", 0, "^usage: husk ")
  end
  wants("$HUSK help -e", 0, "^usage: husk %-e CODE")
  wants("$HUSK version", 0, "^husk %d+%.%d+%.%d+, Lua 5%.4\n$")
  wants("$HUSK --version", 0, "^husk %d")
end)

test("-e: code, arguments, the module as a global", function()
  wants(run "print(husk.getrefcount(husk.list{}), arg[0], arg[1], ...)" .. " a b", 0, "^1\t%-e\ta\ta\tb\n$")
  wants(run "x =", 1, "^$", "^husk: %(command line%):1: unexpected symbol near <eof>\n$")
  wants(run "error('boom')", 1, "^$", "^husk: %(command line%):1: boom\nstack traceback:\n.*in main chunk\n$")
  wants(run "error(setmetatable({}, {__tostring = function() return 'shown' end}))", 1, "^$", "^husk: shown\n")
  wants(run "error{}", 1, "^$", "error object is a table value")
  wants(run "error()", 1, "^$", "error object is a nil value")
  wants(run "os.exit(7)", 7)
  wants(run "os.exit(7, true)", 7)
  wants(run "io.stderr:write('mine')", 0, "^$", "^mine$")
end)

test("run: a script, its arguments, the #! line", function()
  local script = write("args.lua", "#!/usr/bin/env husk\nlocal a, b = ...\nprint(#arg, arg[0], a, b, arg[-1])\n")
  wants("$HUSK run " .. script .. " x 'y z'", 0, "^2\t[^\t]*args%.lua\tx\ty z\trun\n$")
  wants("$HUSK " .. script .. " x y", 0, "^2\t[^\t]*args%.lua\tx\ty\t")
  wants("chmod +x " .. script .. " && cd " .. scratch .. " && mkdir -p bin && ln -sf $HUSK bin/husk && PATH=$PWD/bin:$PATH ./args.lua q",
    0, "^1\t%./args%.lua\tq\tnil")
  wants("echo 'print(...)' | $HUSK run - in", 0, "^in\n$")
  wants("$HUSK run " .. write("mark.lua", "\239\187\191#! x\nprint(2)"), 0, "^2\n$")
  local failing = write("fails.lua", "\nlocal function inner() local l = require 'husk'.list{} l[5] = 1 end\ninner()\n")
  wants("$HUSK run " .. failing, 1, "^$",
    "^husk: [^\n]*fails%.lua:2: list%[5%] = v: the list has 0 items[^\n]*%(HUSK_ERANGE%)\nstack traceback:\n.*fails%.lua:2: in .*fails%.lua:3: in main chunk\n$")
  wants("$HUSK run " .. write("syntax.lua", "for\n"), 1, "^$", "syntax%.lua:2: .*expected")
  wants("$HUSK run " .. write("binary.lua", string.dump(load "print(1)")), 1, "^$", "attempt to load a binary chunk")
end)

test("run: what cannot be read", function()
  wants("$HUSK run " .. scratch .. "/no-such.lua", 3, "^$", "cannot read the script: .*no%-such%.lua: No such file")
  wants("$HUSK run " .. scratch, 3, "^$", "cannot read the script: .*Is a directory")
  wants("$HUSK " .. scratch .. "/no-such.lua", 3, "^$", "No such file")
end)

test("from anywhere, without an environment", function()
  wants("cd / && env -i $HUSK -e 'print(require(\"husk\") == husk)'", 0, "^true\n$")
end)

test("bad input in a script: exit 1, a message that names it, nothing left", function()
  local check = " husk.verify() husk.default:close() assert(husk.memory_held() == 0)"
  for code, message in pairs{
    ["local l = husk.list{} l:release() l[1] = 1"] = "this handle of list has been released",
    ["local h = husk.heap{name = 'a'} husk.list{}[1] = h:list{}"] = "list of heap 'a' cannot be stored in heap 'default'",
    ["local h = husk.heap{name = 'a'} local l = h:list{} h:close() l:append(1)"] = "heap 'a' is closed",
    ["local h = husk.heap{name = 'a', max_bytes = 400000} local l = h:list{} for i = 1, 1e6 do l:append('t' .. i) end"] = "HUSK_ELIMIT",
    ["husk.getrefcount(5)"] = "bad argument #1 to 'husk.getrefcount'",
    ["husk.type('N', {'a'}){b = 1}"] = "N has no field 'b'",
  } do
    message = message:gsub("%p", "%%%0")
    wants(run(code), 1, "^$", message)
    wants(run(("local ok, e = pcall(function() %s end) assert(not ok) collectgarbage() %s"):format(code, check)), 0)
  end
end)

test("standard output that cannot be written", function()
  wants(run "print(1)" .. " >/dev/full", 1, nil, "cannot write to standard output: No space left")
end)

test("a closed pipe ends it quietly", function()
  local code, out, err = shell("{ " .. run "for i = 1, 1e6 do print(i) end" .. "; echo $? >" .. scratch .. "/status; } | head -n 1")
  eq(code, 0)
  eq(out, "1\n")
  eq(err, "")
  eq(slurp(scratch .. "/status"), "141\n")
end)

test("SIGINT: 130, wherever the code is", function()
  local stop = "timeout --foreground --preserve-status -s INT 1 "
  wants(stop .. run "while true do end", 130, "^$", "husk: interrupted")
  wants(stop .. run "while true do pcall(function() while true do end end) end", 130, "^$", "husk: interrupted")
  wants(stop .. run "coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()", 130, "^$",
    "husk: interrupted")
  wants(stop .. run "local co = coroutine.create(function() while true do end end) coroutine.resume(co) while true do end", 130,
    "^$", "husk: interrupted")
  wants(stop .. run "N = husk.type('N', {}, {finalize = function() while true do end end}) N{}:release() while true do end", 130,
    "^$", "husk: interrupted")
end)

test("coroutines are as in Lua", function()
  wants(run [[
    local co = coroutine.create(function(a, b)
      local c = coroutine.yield(a + b)
      error("end " .. c, 0)
    end)
    print(coroutine.resume(co, 1, 2))
    print(coroutine.resume(co, "x"))
    print(coroutine.resume(co))
    local t = {}
    for v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do t[#t + 1] = v end
    print(table.concat(t, ","), pcall(coroutine.wrap(function() error("w", 0) end)))
    print(pcall(coroutine.resume, 1), pcall(coroutine.wrap, 1))]], 0,
    "^true\t3\nfalse\tend x\nfalse\tcannot resume dead coroutine\n1,2,3\tfalse\tw\nfalse\t[^\n]*false\t[^\n]*\n$")
end)

test("colours: only where they are wanted", function()
  wants("$HUSK bogus", 2, "^$", "^husk:")
  wants("$HUSK --color=always bogus", 2, "^$", "^\27%[31mhusk:\27%[0m ")
  local function terminal(prefix)
    local _, out = shell(prefix .. " TERM=xterm env -u LD_PRELOAD script -qec \"$HUSK bogus\" /dev/null </dev/null")
    return out
  end
  ok(terminal("env -u NO_COLOR"):find("\27[31mhusk:\27[0m", 1, true))
  ok(not terminal("env NO_COLOR=1"):find("\27[", 1, true))
  ok(terminal("env NO_COLOR="):find("\27[31m", 1, true))
end)

test("repl from a pipe: values, chunks of several lines, errors", function()
  wants("printf '1 + 1, \"x\"\\nfor i = 1, 2 do\\nprint(i)\\nend\\n\\nlocal l = husk.list{4}\\nhusk.kind(husk.list{})\\n' | $HUSK repl", 0,
    "^2\tx\n1\n2\nlist\n$")
  wants("printf 'error(\"no\")\\nprint(2)\\n' | $HUSK repl", 1, "^2\n$", "stdin:1: no\nstack traceback:.*in main chunk\n$")
  wants("printf 'x x\\nprint(2)\\n' | $HUSK repl", 1, "^2\n$", "stdin:1: syntax error")
  wants("printf 'print(' | $HUSK repl", 1, "^$", "near <eof>")
  wants("printf 'return 7' | $HUSK repl", 0, "^7\n$")
  wants("printf 'setmetatable({}, {__tostring = function() error(\"bad\") end})\\nprint(1)' | $HUSK repl", 1, "^1\n$", "bad")
  wants("$HUSK repl </dev/null", 0, "^$")
end)

test("repl: commands that look at objects", function()
  local out = wants("printf 'x = husk.list{1, husk.list{}}\\n:type x\\n:type 12\\n:size x\\n:refs x[2]\\n:why x[2]\\n:snap\\n" ..
    "y = husk.list{}\\n:diff\\n:snap b\\n:diff 1 b\\n:help\\n' | $HUSK repl", 0, "^list, type list, in heap 'default'\nnumber\n%d+ bytes\n")
  ok(out:find("\n1 references besides the handle\nfrom 1 list\nto nothing\n"), out)
  ok(out:find("root list %(held from outside by %d%) %[2%] %-> list"), out)
  ok(out:find("\n1: snapshot of heap 'default', 2 objects\n"), out)
  ok(out:find("list.-%+1"), out)
  out = wants("printf 'husk.ledger.start()\\nx = husk.list{husk.list{}}\\n:refs x[1]\\nkept = x[1]\\nw = husk.weak(kept)\\n:refs w\\n' | $HUSK repl", 0,
    "\nno retain that was never paired\n")
  out = wants("printf 'x = husk.list{}\\nx[1] = husk.list{}\\ny = x[1]\\nx[1][1] = x\\n:dry\\n:hidden\\n:hidden x\\nx:close()\\ny:close()\\n:dry\\n' | $HUSK repl", 0,
    "^would end 0 objects, 0 bytes, in about")
  ok(out:find("\n2 objects, held from outside by 2 references\n"), out)
  ok(out:find("\n0 references besides the handle come from outside the heap\n"), out)
  ok(out:find("\nwould end 2 objects, .-\n +2 list, "), out)
  wants("printf ':hidden 12\\n' | $HUSK repl", 1, "^$", "12 is no object that is alive")
  wants("printf ':bogus\\n' | $HUSK repl", 1, "^$", ":bogus is no command; :help lists them\n$")
  wants("printf ':why 12\\n' | $HUSK repl", 1, "^$", "12 is no object that is alive")
  wants("printf ':diff\\n' | $HUSK repl", 1, "^$", "no snapshot yet")
  wants("printf ':diff a b\\n' | $HUSK repl", 1, "^$", "no snapshot 'b'")
end)

test("repl on a terminal: completion, history, Ctrl-C, Ctrl-D", function()
  local state = scratch .. "/state"
  os.execute("rm -rf " .. quoted(state) .. " && mkdir " .. quoted(state))
  -- Each line waits for the last: the line editor starts, and stops, in between.
  local typed = {
    [[print("fi" .. "rst")]], [[husk.getr\t(husk.list{})]], [[for i = 1, 2 do]], [[print("i" .. i)]], [[e]] .. [[nd]],
    [[l = husk.list{}]], [[l:app\t(1)]], [["n" .. #l]], [[while true do end]], [[\003]], [["still" .. "here"]], [[print(\003]],
    [["drop" .. "ped"]],
  }
  local feed = {"sleep 0.5"}
  for _, line in ipairs(typed) do
    local keys = line:find("003") and line or line .. "\\n" -- Ctrl-C is no line
    feed[#feed + 1] = ("printf %s; sleep %s"):format(quoted((keys:gsub("%%", "%%%%"))), line:find("while") and 1 or 0.3)
  end
  feed[#feed + 1] = "printf '\\004'; sleep 0.3"
  local code, out = shell(("{ %s; } | XDG_STATE_HOME=%s TERM=xterm env -u LD_PRELOAD script -qec \"exec $HUSK repl\" /dev/null"):format(
    table.concat(feed, "; "), quoted(state)))
  if code ~= 0 then error("exit " .. code .. "\n" .. out) end
  for _, text in ipairs{"first", "efcount(husk.list{})", "\n1\r", "i1", "i2", "end(1)", "n1", "interrupted", "stillhere",
    "dropped"} do
    if not out:find(text, 1, true) then error("missing " .. text .. " in\n" .. out) end
  end
  local history = slurp(state .. "/husk/history")
  ok(history:find("husk.getrefcount", 1, true), history)
  local _, mode = shell("stat -c %a " .. quoted(state .. "/husk/history"))
  eq(mode, "600\n")
end)

-- ---- the experiments ----

local function example(name, code, output)
  test(name .. ".lua", function()
    local got, out, err = shell("$HUSK run " .. quoted(examples .. name .. ".lua"))
    eq(err, "")
    eq(out, output)
    eq(got, code)
  end)
end

example("reference_counting", 0, [[
Initial reference count: 2
Reference count after increasing: 3
Reference count after deletion: 2
]])
example("cycle_collection", 0, [[
Unreachable objects before garbage collection: 0
Unreachable objects after garbage collection: 0
Nodes alive before: 2
Nodes alive after: 0
Objects collected: 2
Finalizers run: 2
Weak references cleared: 1
]])
example("weak_references", 0, [[
Does the object exist: true
The object is gone
Does the object exist: false
]])
example("avoiding_cycles", 0, [[
strong parent links: 1023 nodes, 0 died at once, 1023 left for the collector, which collected 1023
weak parent links: 1023 nodes, 1023 died at once, 0 left for the collector, which collected 0
]])
example("dry_run", 0, [[
Would end:
  2 Session, 160 bytes
  3 text, 144 bytes
  1 cleanup, 104 bytes
  1 list, 40 bytes
Would run:
  finalizer of a Session
  finalizer of a Session
  cleanup of a Session
  callback of a Session
Changed by asking: 0 objects
Did run:
  finalizer of ann
  finalizer of bob
  cleanup of ann
  callback of bob
Ended: 7 objects, foreseen 7
Held from outside: 1 Session
Leaked: 1 Session
Freed afterwards: 1
]])
example("ephemerons", 0, [[
a plain map: 2000 objects, 0 died by counting, a collect ended 0, 1000 entries stay
a map that holds only its notes: 2000 objects, 0 died by counting, a collect ended 0, 1000 entries stay
husk.weak.keys: 2000 objects, 0 died by counting, a collect ended 2000, 0 entries stay
a chain in husk.weak.keys: 1001 objects, 1001 died by counting, 0 entries stay
]])

example("leak_hunt", 0, [[
From 300 to 1000 requests
  line 24: +700 objects
  line 19: +400 objects
From 1000 to 1700 requests
  line 24: +700 objects
Verdict
  line 19 has stopped growing: kept, no leak
  line 24 grows as before: a leak
  a Listener is held by a list, slot 'item'
]])

test("tracing", function()
  local out = wants("$HUSK run " .. quoted(examples .. "tracing.lua"), 0, "^Top 5 lines\n")
  local lines = {}
  for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
  local wanted = {{15, 1}, {19, 1001}, {23, 102}, {22, 1}, {17, 1}} -- line and count, by size
  for i, row in ipairs(wanted) do
    ok(lines[i + 1]:find(("^[^\n]*tracing%%.lua:%d: size=[%%d.]+ %%a+, count=%d, average="):format(row[1], row[2])), lines[i + 1])
  end
  ok(lines[2]:find("size=1[56]%.%d MiB"), "a million numbers of 16 bytes: " .. lines[2])
  eq(lines[8], "Point: size=46.9 KiB, count=1000, average=48 B")
end)

-- Of libraries of C; one that is not there, or no husk.ffi, is said, and nothing else.
local function library(name, pattern)
  test(name .. ".lua", function()
    local built = husk:gsub("bin/[^/]*$", "lib/libtreelib.so") -- of this build
    local file = quoted(examples .. name .. ".lua")
    local code, out, err = shell("$HUSK run " .. file .. (name == "treelib" and " " .. quoted(built) or ""))
    eq(err, "")
    if code == 77 then
      ok(out:find("^skipped: [^\n]+\n$"), out)
      io.stderr:write(name, ".lua: ", out)
    else
      ok(out:gsub("\n +", "\n"):find("^" .. pattern:gsub("^ +", ""):gsub("\n +", "\n") .. "$"), out)
      eq(code, 0)
    end
  end)
end

library("ffi_libc", [[
  qsort:    1 2 3 8 21 34
  snprintf: 255 is 0xff, a third is 0.333, and text %(39 characters%)
  getenv:   PATH is what os.getenv says: true
  readdir:  ffi_jansson.lua ffi_libc.lua ffi_sqlite.lua ffi_zlib.lua
  it grows:
  open files: %+40 of / in 40 rounds
]])
library("ffi_zlib", [[
  %d+ bytes, compressed %d+
  come back as they were: true
  checksum as gzip's: true
  it grows:
  open files: %+20 of /dev/null in 20 rounds
]])
library("ffi_sqlite", [[
  apple   150 g
  pear    170 g
  melon  1200 g
  no such table: stones
  ten thousand queries: nothing grows
  it grows:
  native heap: %+%d%d%d+%.%d bytes a round.-
  not finalized, 1900 times: select weight from fruit where name = 'pear'
]])
library("ffi_jansson", [[
  pear: 3 sizes, their sum is 245
  it grows:
  native heap: %+%d%d%d+%.%d bytes a round.-
  1900 values have a count of 1, which is ours
  annotated: nothing grows
]])
library("treelib", [[
  No bug
  searches that fail leave nothing; references in no slot and no handle to node 20: 0
  A search that fails does not release the node where it stopped
  it grows:
  argument 1, tree_node: 0x%x+: %+40 references in 40 rounds
  root tree_node %(held from outside by %d+%)
  root tree_registry %(held from outside by 1%) %.first %-> tree_node
  A node that is taken out of its tree is released twice
  object of type tree_node: 3 slots hold it, but its count is 2
  The registry holds what was found last, and its type does not say so
  node 20: references in no slot and no handle: 1
  tree_registry is alive
  root tree_node %(held from outside by 1%) %.parent %-> tree_node %.parent %-> tree_registry
]])

local function check_packages(path)
  local code, out, err = shell("$HUSK run " .. examples .. "packages.lua " .. quoted(path))
  eq(err, "")
  eq(code, 0)
  local function said(label) return math.tointeger(tonumber(out:match("\n" .. label .. "%s+(%d+)\n"))) end
  out = "\n" .. out
  local wanted = graph.figures(path)
  eq(said("packages"), wanted.packages)
  eq(said("references"), wanted.references)
  eq(said("dependencies that are absent"), wanted.absent)
  eq(said("died at once, by counting"), wanted.at_once)
  eq(said("in or behind a cycle"), wanted.behind)
  eq(said("found by the collector"), wanted.behind)
  ok(said("bytes before") > said("bytes after dropping") or wanted.at_once == 0)
  ok(said("bytes after dropping") > 0 or wanted.behind == 0)
  eq(said("bytes after collecting"), 0)
  ok(out:find("time of dropping%s+%d+%.%d+ ms\ntime of collecting%s+%d+%.%d+ ms\n$"))
  return wanted
end

test("packages.lua: the fixture, by hand and by the other computation", function()
  local figures = check_packages(fixture)
  eq(figures.packages, 17 - 1)
  eq(figures.absent, 1)
  -- libone, libtwo and what libtwo needs; mailer, queue-runner, queue-spool
  eq(figures.behind, 2 + 2 + 3)
end)

test("packages.lua: random databases", function()
  math.randomseed(11)
  for round = 1, 25 do
    local lines, count = {}, math.random(60)
    for i = 1, count do
      lines[#lines + 1] = "Package: p" .. i
      lines[#lines + 1] = "Status: install ok " .. (math.random(12) == 1 and "config-files" or "installed")
      for _, field in ipairs{"Depends", "Pre-Depends"} do
        local clauses = {}
        for _ = 1, math.random(0, 2) do
          local names = {}
          for k = 1, math.random(3) do names[k] = (math.random(9) == 1 and "v" or "p") .. math.random(count + 3) end
          clauses[#clauses + 1] = table.concat(names, " (>= 1) | ")
        end
        if #clauses > 0 then lines[#lines + 1] = field .. ": " .. table.concat(clauses, ", ") end
      end
      if math.random(4) == 1 then lines[#lines + 1] = "Provides: v" .. math.random(count) end
      lines[#lines + 1] = ""
    end
    local ok, err = pcall(check_packages, write("random-status", table.concat(lines, "\n")))
    if not ok then error("round " .. round .. ": " .. tostring(err)) end
  end
end)

local installed = io.open("/var/lib/dpkg/status")
if installed then
  installed:close()
  test("packages.lua: this machine's own packages", function()
    local figures = check_packages("/var/lib/dpkg/status")
    ok(figures.packages > 50)
  end)
end

test("packages.lua: files that are missing, empty or malformed", function()
  local script = "$HUSK run " .. examples .. "packages.lua "
  wants(script .. scratch .. "/none", 3, "^$", "packages%.lua: .*/none: No such file")
  wants(script .. scratch, 3, "^$", "cannot be read")
  wants(script .. write("empty", ""), 3, "^$", "empty: no packages")
  wants(script .. write("nofield", "Package: a\nthis is no field\n"), 3, "^$", "nofield:2: not a 'Field: value' line: this is")
  wants(script .. write("loose", " loose text\n"), 3, "^$", "loose:1: a continuation line without a field")
  wants(script .. write("nameless", "Package: a\n\nVersion: 1\n"), 3, "^$", "nameless:3: the paragraph has no Package")
  wants(script .. write("twice", "Package: a\nPackage: b\n"), 3, "^$", "twice:2: field Package is there twice")
  wants(script .. write("odd", "Package: a\nDepends: b, !!\n"), 3, "^$", "odd:1: package a: cannot understand ' !!'")
  local noise = {}
  for i = 1, 2000 do noise[i] = string.char(math.random(0, 255)) end
  wants(script .. write("noise", "x" .. table.concat(noise)), 3, "^$", "packages%.lua: .*noise")
end)

test("the man page has no warnings", function()
  local there = shell("command -v man")
  if there == 0 then
    local _, _, err = shell("env -u LD_PRELOAD LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z " .. quoted(source .. "/cli/husk.1"))
    eq(err, "")
  end
end)

tap.done()
