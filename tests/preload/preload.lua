-- Programs with known sums under libhusk-preload.so. Run as
--   lua5.4 preload.lua PRELOAD PROGRAMS SCRATCH        PROGRAMS: the folder with story, own, user and the library
local tap = require "tap"
local husk = require "husk"
local test, eq, ok = tap.test, tap.eq, tap.ok

local preload, programs, scratch = arg[1], arg[2], arg[3]
local story = programs .. "/story"

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function slurp(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

-- All files of the scratch folder that end in .husk, sorted.
local function files()
  local list = {}
  local pipe <close> = io.popen("cd " .. quoted(scratch) .. " && ls *.husk 2>/dev/null")
  for name in pipe:lines() do list[#list + 1] = name end
  return list
end

-- Runs a command of the shell under the preload: its exit code and standard error. variables: of the environment.
local function run(command, variables)
  os.execute("rm -f " .. quoted(scratch) .. "/*.husk")
  local words = {"cd " .. quoted(scratch) .. " && env", "LD_PRELOAD=" .. quoted(preload), "HUSK_PRELOAD_OUT=t.husk"}
  for name, value in pairs(variables or {}) do words[#words + 1] = name .. "=" .. quoted(value) end
  words[#words + 1] = command .. " 2>" .. quoted(scratch .. "/err")
  local _, how, number = os.execute(table.concat(words, " "))
  return how == "exit" and number or 128 + number, slurp(scratch .. "/err")
end

local function load(name) return husk.snapshot.load(scratch .. "/" .. (name or "t.husk")) end

local function number(snap, name) return snap:number("trace", "block_" .. name) end

-- A run that must go well and write t.husk alone.
local function traced(command, variables)
  local code, errors = run(command, variables)
  if code ~= 0 or errors ~= "" then error(("%s\nexit %d\n%s"):format(command, code, errors), 2) end
  eq(table.concat(files(), " "), "t.husk")
  return load()
end

-- What has been left by a function: blocks and bytes. The snapshot knows the program's own symbols.
local function left_by(snap, name)
  local blocks, bytes = 0, 0
  local stats = snap:statistics("traceback")
  for i = 1, #stats do
    for _, frame in ipairs(stats[i].frames) do
      if frame["function"] == name then
        blocks, bytes = blocks + stats[i].count, bytes + stats[i].size
        break
      end
    end
  end
  return blocks, bytes
end

-- The last `#frames` functions of the traceback of the largest row.
local function has_left(snap, name, blocks, bytes)
  local b, n = left_by(snap, name)
  eq(b, blocks)
  eq(n, bytes)
end

test("what is left, and by whom", function()
  local snap <close> = traced(story .. " leak 100 1000")
  has_left(snap, "leak_them", 100, 100000)
  eq(snap:text("preload"), "at exit")
  local stats = snap:statistics("function")
  eq(stats[1]["function"], "leak_them")
  ok(number(snap, "unknown") == 0)
  -- The line that asked for it, in the file that it is in.
  local top = snap:statistics("traceback")[1].frames[1]
  ok(top.file:find("tests/preload/story.c", 1, true), top.file)
  local source, line = io.open(top.file), nil
  for _ = 1, top.line do line = source:read() end
  source:close()
  eq(line, "        (void)keep(malloc(bytes));")
end)

test("every function of malloc, in threads: the sums are exact", function()
  for _, threads in ipairs{1, 8} do
    local none <close> = traced(story .. " threads " .. threads .. " 0")
    local some <close> = traced(story .. " threads " .. threads .. " 2000")
    local function more(name) return number(some, name) - number(none, name) end
    eq(more("born"), threads * (2000 * 9 + 200))
    eq(more("born_bytes"), threads * (2000 * 580 + 200 * 40))
    eq(more("count"), threads * 200)
    eq(more("bytes"), threads * 200 * 40)
    has_left(some, "leak_them", threads * 200, threads * 200 * 40)
    ok(number(some, "peak_bytes") >= number(some, "bytes") and number(some, "peak_bytes") < number(some, "born_bytes"))
  end
end)

test("blocks handed from thread to thread", function()
  local none <close> = traced(story .. " hand 0 0")
  local some <close> = traced(story .. " hand 0 100000")
  eq(number(some, "born") - number(none, "born"), 200000)
  eq(number(some, "born_bytes") - number(none, "born_bytes"), 100000 * 96)
  eq(number(some, "count"), number(none, "count"))
  eq(number(some, "bytes"), number(none, "bytes"))
end)

test("requests that are refused change nothing", function()
  local none <close> = traced(story .. " nothing")
  local some <close> = traced(story .. " refused")
  eq(number(some, "born") - number(none, "born"), 2)
  eq(number(some, "born_bytes") - number(none, "born_bytes"), 350)
  eq(number(some, "count") - number(none, "count"), 1)
  eq(number(some, "bytes") - number(none, "bytes"), 300)
end)

test("tracebacks: as deep as was wanted", function()
  local function depth_of(frames)
    local snap <close> = traced(story .. " descend 100", {HUSK_PRELOAD_FRAMES = frames})
    local stats = snap:statistics("traceback")
    for i = 1, #stats do
      if stats[i].size == 12345 then
        for k, frame in ipairs(stats[i].frames) do
          if k <= 101 then eq(frame["function"], "descend") end
        end
        return #stats[i].frames
      end
    end
  end
  eq(depth_of("1"), 1)
  eq(depth_of("7"), 7)
  eq(depth_of("64"), 64)
  ok(depth_of("1000") > 103) -- 101 of descend, main, and what called it
end)

test("before main and after exit: constructors, destructors, atexit", function()
  local none <close> = traced(story .. " nothing")
  local both = preload .. ":" .. programs .. "/libstory_library.so"
  local after <close> = traced(story .. " nothing", {LD_PRELOAD = both})
  eq(number(after, "born") - number(none, "born"), 1)
  eq(number(after, "born_bytes") - number(none, "born_bytes"), 4321)
  eq(number(after, "count"), number(none, "count")) -- its destructor gave it back
  local before <close> = traced(story .. " nothing", {LD_PRELOAD = programs .. "/libstory_library.so:" .. preload})
  eq(number(before, "born_bytes") - number(none, "born_bytes"), 4321)
  eq(number(before, "count"), number(none, "count"))
  local late <close> = traced(story .. " atexit")
  has_left(late, "leak_them", 3, 99)
end)

test("libraries that come and go", function()
  local snap <close> = traced(story .. " load " .. quoted(programs .. "/libstory_library.so"))
  local none <close> = traced(story .. " nothing")
  ok(number(snap, "bytes") - number(none, "bytes") >= 3 * 765)
end)

test("ways to end", function()
  local function ends(what, code)
    local got, errors = run(story .. " " .. what)
    eq(got, code)
    eq(errors, "")
    eq(table.concat(files(), " "), "t.husk")
    local snap <close> = load()
    has_left(snap, "leak_them", 2, 40)
  end
  ends("_exit", 7)
  ends("quick", 9)
  eq(run(story .. " abort"), 134)
  eq(#files(), 0)
  for _ = 1, 5 do
    local snap <close> = traced(story .. " busy") -- other threads never stop
    ok(number(snap, "born") > 0)
  end
end)

test("_exit in a signal handler, wherever it comes", function()
  for _ = 1, 5 do
    local code, errors = run(story .. " alarm")
    eq(code, 8)
    ok((#files() == 1) == (errors == ""), errors)
    ok(errors == "" or errors:find("ended inside of an allocation", 1, true), errors)
  end
end)

test("fork: the parent alone, or each with a file", function()
  local snap <close> = traced(story .. " fork")
  has_left(snap, "leak_them", 4, 3500)
  local code, errors = run(story .. " fork", {HUSK_PRELOAD_FOLLOW = "1"})
  eq(code, 0)
  eq(errors, "")
  local names = files()
  eq(#names, 2)
  eq(names[2], "t.husk")
  ok(names[1]:find("^t%.%d+%.husk$"), names[1])
  local parent <close> = load("t.husk")
  local child <close> = load(names[1])
  has_left(parent, "leak_them", 4, 3500)
  has_left(child, "leak_them", 13, 4110) -- with what the parent had before
  eq(child:text("pid"), names[1]:match("%d+"))
end)

test("fork while other threads allocate", function()
  local snap <close> = traced(story .. " forks 0 3000")
  eq((left_by(snap, "leak_them")), 3 * 300)
  local code, errors = run(story .. " forks 0 3000", {HUSK_PRELOAD_FOLLOW = "1"})
  eq(code, 0)
  eq(errors, "")
  eq(#files(), 51)
end)

test("vfork borrows, and writes nothing", function()
  local snap <close> = traced(story .. " vfork")
  has_left(snap, "leak_them", 7, 490)
  local code, errors = run(story .. " vfork", {HUSK_PRELOAD_FOLLOW = "1"})
  eq(code, 0)
  eq(errors, "")
  eq(table.concat(files(), " "), "t.husk")
end)

test("exec: the program that the process becomes; spawned ones if asked", function()
  local snap <close> = traced(story .. " exec")
  has_left(snap, "leak_them", 5, 385)
  local parent <close> = traced(story .. " spawn")
  has_left(parent, "leak_them", 1, 11)
  local code, errors = run(story .. " spawn", {HUSK_PRELOAD_FOLLOW = "1"})
  eq(code, 0)
  eq(errors, "")
  local found = 0
  for _, name in ipairs(files()) do
    local one <close> = load(name)
    if name ~= "t.husk" and left_by(one, "leak_them") == 2 then found = found + 1 end
  end
  eq(found, 1) -- the shell may have written one too
end)

test("snapshots by signal", function()
  local code, errors = run(story .. " signal", {HUSK_PRELOAD_SIGNAL = "USR2"})
  eq(code, 0)
  eq(errors, "")
  eq(table.concat(files(), " "), "t-1.husk t-2.husk t.husk")
  for i, name in ipairs(files()) do
    local snap <close> = load(name)
    has_left(snap, "leak_them", i, i * 100)
    eq(snap:text("preload"), i < 3 and "by signal" or "at exit")
  end
  code, errors = run(story .. " signals", {HUSK_PRELOAD_SIGNAL = "SIGUSR2"})
  eq(code, 0)
  eq(errors, "")
  ok(#files() >= 2) -- while one is written others come in one
  for _, name in ipairs(files()) do load(name):close() end
end)

test("sampled: fewer, and still right on the whole", function()
  local snap <close> = traced(story .. " leak 100000 1000", {HUSK_PRELOAD_SAMPLE = "64K"})
  local bytes = number(snap, "bytes")
  ok(bytes > 80e6 and bytes < 120e6, bytes) -- 1526 samples: 2.6 % is a standard deviation
  eq(number(snap, "sample_bytes"), 65536)
  local b, n = left_by(snap, "leak_them")
  ok(n > 80e6 and n < 120e6 and b > 80000 and b < 120000)
end)

test("a program with a malloc of its own says so", function()
  local code, errors = run(programs .. "/story_own")
  eq(code, 0)
  ok(errors:find("^husk%-preload: %S+story_own has a malloc of its own, which cannot be traced\n$"), errors)
  local snap <close> = load()
  eq(number(snap, "born"), 0)
end)

test("a program that uses Husk: two that do not see each other", function()
  local code, errors = run(programs .. "/story_user u.husk")
  eq(errors, "")
  eq(code, 0)
  local inner <close> = load("u.husk")
  local outer <close> = load("t.husk")
  eq(inner:counts().blocks, 10)
  ok(outer:counts().blocks >= 100)
end)

test("wrong options: a line, and the program runs", function()
  for name, value in pairs{HUSK_PRELOAD_FRAMES = "0", HUSK_PRELOAD_SAMPLE = "12X", HUSK_PRELOAD_FOLLOW = "yes",
      HUSK_PRELOAD_SIGNAL = "KILL", HUSK_PRELOAD_ROOT = "me", HUSK_PRELOAD_OUT = ("x/"):rep(3000)} do
    local code, errors = run(story .. " nothing", {[name] = value})
    eq(code, 0)
    ok(errors:find("^husk%-preload: " .. name .. "=[^\n]*; nothing is traced\n$"), errors)
    eq(#files(), 0)
  end
  for _, frames in ipairs{"", "65535"} do traced(story .. " nothing", {HUSK_PRELOAD_FRAMES = frames}):close() end
end)

test("a file that cannot be written: a line, and the exit code stays", function()
  local code, errors = run(story .. " _exit", {HUSK_PRELOAD_OUT = "/nowhere/t.husk"})
  eq(code, 7)
  ok(errors:find("^husk%-preload: no snapshot: [^\n]*/nowhere/t.husk[^\n]*\n$"), errors)
  code, errors = run("sh -c " .. quoted("ulimit -f 1; exec " .. quoted(story) .. " leak 3000 9"))
  eq(code, 0)
  ok(errors:find("no snapshot", 1, true), errors)
  eq(#files(), 0)
end)

test("little address space: it is shared with the program", function()
  local function limited(kilobytes, what)
    local code, errors = run("sh -c " .. quoted("ulimit -v " .. kilobytes .. "; exec " .. quoted(story) .. " " .. what))
    eq(code, 0)
    return errors
  end
  eq(limited(400000, "threads 2 2000"), "")
  local snap <close> = load()
  has_left(snap, "leak_them", 400, 16000)
  -- Not enough for all that there is to be noted: the program has what it wants all the same.
  local errors = limited(60000, "leak 200000 8")
  ok(errors == "" or errors:find("refused memory", 1, true), errors)
end)

test("without HUSK_PRELOAD_OUT the file is named by the process", function()
  local code = run(story .. " leak 1 1", {HUSK_PRELOAD_OUT = ""})
  eq(code, 0)
  eq(#files(), 1)
  ok(files()[1]:find("^trace%.%d+%.husk$"))
end)

tap.done()
