-- Real programs: what the preload counts, and what valgrind's DHAT counts for the same run. Run as
--   lua5.4 totals.lua HUSK VALGRIND SCRATCH
--
-- Blocks and bytes that were made, and what there was at the peak, are the same to the byte where the program does the
-- same both times. It may not quite: a program sees its environment (valgrind and the preload each set variables), the
-- names of its temporary files, and the addresses that it gets. `allowed` is the difference that is for that: a part of
-- the whole, and so many blocks or bytes.
--
-- What is left at the end is compared with what memcheck says: DHAT has the C library free its own first.
local tap = require "tap"
local husk = require "husk"
local test, ok = tap.test, tap.ok

local program, valgrind, scratch = arg[1], arg[2], arg[3]

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function write(name, text)
  local file = assert(io.open(scratch .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

local function slurp(name)
  local file = assert(io.open(scratch .. "/" .. name, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

-- Runs in the scratch folder, with little in the environment; must end well.
local function run(command)
  local whole = ("cd %s && env -i PATH=/usr/bin:/bin LC_ALL=C HOME=/nonexistent PYTHONHASHSEED=1 %s </dev/null >out 2>err"):format(
    quoted(scratch), command)
  if not os.execute(whole) then error(command .. "\n" .. slurp("err"), 2) end
end

local function comma(text) return tonumber((text:gsub(",", ""))) end

-- The figures of each process, by its command's first word without the folder.
local function dhat(command)
  run(quoted(valgrind) .. " --tool=dhat --trace-children=yes --dhat-out-file=/dev/null --log-file=dhat.%p " .. command)
  local figures = {}
  for name in io.popen("cd " .. quoted(scratch) .. " && ls dhat.*"):lines() do
    local text = slurp(name)
    os.remove(scratch .. "/" .. name)
    local word = text:match("Command: (%S+)"):match("[^/]*$")
    local bytes, blocks = text:match("Total: +([%d,]+) bytes in ([%d,]+) blocks")
    local peak_bytes, peak_blocks = text:match("At t%-gmax: +([%d,]+) bytes in ([%d,]+) blocks")
    if bytes then -- not: a process that became another one
      figures[word] = {born = comma(blocks), born_bytes = comma(bytes), peak_bytes = comma(peak_bytes), peak_count = comma(peak_blocks)}
    end
  end
  return figures
end

local function memcheck(command)
  run(quoted(valgrind) .. " --tool=memcheck --run-libc-freeres=no --run-cxx-freeres=no --log-file=mem.log " .. command)
  local text = slurp("mem.log")
  local bytes, blocks = text:match("in use at exit: ([%d,]+) bytes in ([%d,]+) blocks")
  if not bytes then return {bytes = 0, count = 0} end
  return {bytes = comma(bytes), count = comma(blocks)}
end

local function traced(command)
  os.execute("rm -f " .. quoted(scratch) .. "/*.husk")
  run(quoted(program) .. " trace --follow -o t.husk -- " .. command)
  local figures = {}
  for name in io.popen("cd " .. quoted(scratch) .. " && ls *.husk"):lines() do
    local snap <close> = husk.snapshot.load(scratch .. "/" .. name)
    local one = {}
    for _, key in ipairs{"born", "born_bytes", "peak_bytes", "peak_count", "bytes", "count"} do
      one[key] = snap:number("trace", "block_" .. key)
    end
    ok(snap:number("trace", "block_unknown") == 0, "unknown places")
    figures[snap:text("command"):match("^%S+"):match("[^/]*$")] = one
  end
  return figures
end

local function near(what, ours, theirs, allowed)
  local most = allowed.part * theirs + (what:find("bytes") and allowed.bytes or allowed.blocks)
  if math.abs(ours - theirs) > most then
    error(("%s: %d, valgrind says %d; allowed is a difference of %d"):format(what, ours, theirs, most // 1), 3)
  end
end

local exact = {part = 0, blocks = 0, bytes = 0}

-- Compares all processes of a command; wanted: the processes that there must be, with what is allowed for each.
local function agree(command, wanted, alone)
  local ours, theirs = traced(command), dhat(command)
  for word, allowed in pairs(wanted) do
    ok(ours[word], word .. " was not traced")
    ok(theirs[word], word .. " was not seen by valgrind")
    ok(ours[word].born > 50, word .. " made hardly anything")
    for _, key in ipairs{"born", "born_bytes", "peak_bytes", "peak_count"} do
      near(word .. " " .. key, ours[word][key], theirs[word][key], allowed)
    end
    print(("# %s: %d blocks, %d bytes, at most %d bytes; DHAT: %d, %d, %d"):format(word, ours[word].born,
      ours[word].born_bytes, ours[word].peak_bytes, theirs[word].born, theirs[word].born_bytes, theirs[word].peak_bytes))
    if alone then
      local left = memcheck(command)
      near(word .. " bytes left", ours[word].bytes, left.bytes, allowed)
      near(word .. " blocks left", ours[word].count, left.count, allowed)
    end
  end
end

test("lua5.4: the same to the byte", function()
  write("a.lua", [[
    local t = {}
    for i = 1, 5000 do t[i] = {i, tostring(i)} end
    local s = {}
    for w = 1, 200 do s[#s + 1] = ("x"):rep(w * 10) end
    print(#table.concat(s))]])
  agree("lua5.4 a.lua", {["lua5.4"] = exact}, true)
end)

test("sqlite3 on a file: the same to the byte", function()
  os.remove(scratch .. "/a.db")
  write("a.sql", [[
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO t SELECT i, 'row ' || i, i * 0.5 FROM n;
    CREATE INDEX tb ON t(b);]])
  os.execute("cd " .. quoted(scratch) .. " && sqlite3 a.db < a.sql")
  agree([[sqlite3 a.db "SELECT substr(b, 1, 5), count(*), sum(c) FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 5"]],
    {sqlite3 = exact}, true)
end)

test("python3", function()
  -- A block of some 50 bytes for each variable of the environment; and nodes of 128 KiB of a tree over the addresses of
  -- its arenas (Objects/obmalloc.c), one more where these lie further apart.
  agree([[/usr/bin/python3 -S -c "import json; print(len(json.dumps({str(i): [i] * 10 for i in range(3000)})))"]],
    {python3 = {part = 0, blocks = 10, bytes = 2 * 131072 + 1000}}, true)
end)

test("gcc -c: the compiler and the assembler, which are its children", function()
  local lines = {"struct s { int a, b; char c[16]; };\n"}
  for i = 1, 40 do
    lines[#lines + 1] = ("static int f%d(struct s *p, int x) { int r = x; for (int i = 0; i < %d; i++) r += p->a * i ^ p->b; return r; }\n"):format(i, i % 17 + 3)
  end
  lines[#lines + 1] = "int all(struct s *p) { int r = 0;\n"
  for i = 1, 40 do lines[#lines + 1] = ("r += f%d(p, r);\n"):format(i) end
  lines[#lines + 1] = "return r; }\n"
  write("big.c", table.concat(lines))
  agree("gcc -O1 -c big.c -o big.o", {
    -- Pages of its table of pages (gcc/ggc-page.c), 32 KiB for each 16 MiB of addresses; names of temporary files.
    cc1 = {part = 0, blocks = 20, bytes = 10 * 32768 + 1000},
    as = {part = 0, blocks = 4, bytes = 400},
    gcc = {part = 0, blocks = 8, bytes = 1000},
  })
end)

tap.done()
