-- husk.testrun: one file of tests, in a process of its own: what `husk test` starts for each file. The results are lines of
-- a file, so that a crash loses none:
--   begin NAME        quoted, as %q without newlines
--   end ok|fail|skip SECONDS NAME TEXT
--   name NAME         of a list

local testrun = {}

local function quoted(text) return (("%q"):format(text):gsub("\\\n", "\\n")) end

-- A glob as a pattern for the whole.
function testrun.pattern(glob)
  local text = glob:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. text .. "$"
end

local Skip = {}

-- What is left in a heap more than before, as text; nil: nothing.
local function left_behind(heap, before)
  collectgarbage()
  collectgarbage()
  heap:collect()
  local found = {}
  for name, count in pairs(heap:census()) do
    local more = count - (before[name] or 0)
    if more > 0 then found[#found + 1] = {name = name, more = more} end
  end
  table.sort(found, function(a, b) return a.name < b.name end)
  if #found == 0 then return nil end
  local husk = require "husk"
  local lines = {}
  for i, row in ipairs(found) do
    lines[i] = ("%d of %s"):format(row.more, row.name)
    for _, x in ipairs(heap:objects()) do
      if husk.typename(x) == row.name then
        local paths, none = husk.why(x)
        if none and none:find("^nothing holds") then none = "held by a handle that the script keeps" end
        lines[i] = ("%s: %s"):format(lines[i], paths and paths[1] and paths[1].text or none)
        break
      end
    end
  end
  return ("left behind in heap '%s':\n  %s"):format(heap:name(), table.concat(lines, "\n  "))
end

-- Runs a test with a heap of its own: "ok", "fail" or "skip", and a text.
local function run_one(test, o)
  local husk, expect = require "husk", require "husk.expect"
  local heap = husk.heap{name = "test"}
  collectgarbage()
  husk.collect()
  local before = husk.census()
  math.randomseed(o.seed)
  local t = setmetatable({heap = heap, seed = o.seed, name = test.name, skip = function(why)
    error(setmetatable({why = tostring(why or "")}, Skip), 0)
  end}, {__index = expect})
  local ok, e = xpcall(test.fn, function(e)
    if expect.is_failure(e) or getmetatable(e) == Skip then return e end
    return debug.traceback(tostring(e), 2)
  end, t)
  if not ok and getmetatable(e) == Skip then
    ok, e = "skip", e.why
  elseif not ok then
    e = tostring(e)
  end
  t = nil
  local whole, damage = pcall(function()
    heap:verify()
    husk.verify()
  end)
  if not whole then return "fail", tostring(damage) end
  if ok == true and o.leaks and test.leaks ~= false then
    local left = left_behind(heap, {}) or left_behind(husk.default, before)
    if left then ok, e = false, left end
  end
  if not heap:closed() then pcall(heap.close, heap) end
  return ok == "skip" and "skip" or ok and "ok" or "fail", e
end

-- Registers what the file says: test(name, fn), test(name, options, fn), or a table of functions that it returns.
local function gather(text, path)
  local tests = {}
  local function add(name, options, fn)
    if fn == nil then options, fn = {}, options end
    if type(name) ~= "string" or type(options) ~= "table" or type(fn) ~= "function" then
      error("test: a name and a function are wanted", 3)
    end
    for key in pairs(options) do
      if key ~= "leaks" then error(("test: unknown option '%s'; there is leaks"):format(tostring(key)), 3) end
    end
    tests[#tests + 1] = {name = name, fn = fn, leaks = options.leaks}
  end
  _G.test = function(...) add(...) end
  local code, why = load(text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", ""), "@" .. path, "t")
  if not code then error(why, 0) end
  local more = code()
  if type(more) == "table" then
    local names = {}
    for name, fn in pairs(more) do
      if type(name) == "string" and type(fn) == "function" then names[#names + 1] = name end
    end
    table.sort(names)
    for _, name in ipairs(names) do add(name, more[name]) end
  end
  return tests
end

-- o: results, seed, filter (globs), list, leaks.
function testrun.child(path, text, o)
  local out = assert(io.open(o.results, "ab"))
  out:setvbuf("no")
  local seconds = require("husk.core").seconds
  local function ended(how, began, name, e)
    out:write(("end %s %.6f %s %s\n"):format(how, seconds() - began, quoted(name), quoted(tostring(e or ""))))
  end
  local function chosen(name)
    if #o.filter == 0 then return true end
    for _, glob in ipairs(o.filter) do
      if name:find(testrun.pattern(glob)) then return true end
    end
  end
  local began = seconds()
  math.randomseed(o.seed)
  local ok, tests = xpcall(gather, function(e) return debug.traceback(tostring(e), 2) end, text, path)
  if not ok then
    ended("fail", began, "the file loads", tests)
    return 1
  end
  for _, test in ipairs(tests) do
    if chosen(test.name) then
      if o.list then
        out:write("name ", quoted(test.name), "\n")
      else
        began = seconds()
        out:write("begin ", quoted(test.name), "\n")
        local how, e = run_one(test, o)
        ended(how, began, test.name, e)
      end
    end
  end
  out:write("done\n")
  out:close()
  return 0
end

return testrun
