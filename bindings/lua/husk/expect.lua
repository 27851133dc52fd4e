-- husk.expect: expectations of experiments and tests: that nothing grows, that an object is gone, or held so often. It is a
-- module of its own: local expect = require "husk.expect". An expectation that is not met raises an error whose text names
-- what is wrong and, where an object is the matter, the path that holds it and where it was made (husk.trace). In files of
-- `husk test` they are methods of what a test is given: t.dead(x).

local core = require "husk.core"
local default = require "husk.heap".default
local ledger = require "husk.ledger"
local memory = require "husk.memory"
local trace = require "husk.trace"

local expect = {}

-- ---- failures ----

local Failure = {__name = "husk.Failure"}
function Failure:__tostring() return self.where .. self.message end

-- Raises, with the place of the first caller that is no file of ours.
local function fail(format, ...)
  local where = ""
  for level = 2, 20 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 and not info.source:find("husk/expect.lua", 1, true) then
      where = ("%s:%d: "):format(info.short_src, info.currentline)
      break
    end
  end
  error(setmetatable({message = format:format(...), where = where, code = "EXPECT"}, Failure), 0)
end

-- expect.is_failure(e): whether an error is an expectation that was not met.
function expect.is_failure(e) return getmetatable(e) == Failure end

local add_unpaired, one_of -- below

local function shown(value) return type(value) == "string" and ("%q"):format(value) or tostring(value) end

-- Retains of x that were never paired with a release, if it is in a ledger.
function add_unpaired(lines, x)
  local rows = ledger.unpaired(x)
  if not rows then return end
  for i = 1, math.min(#rows, 5) do
    lines[#lines + 1] = "never paired: " .. rows[i].text
    if #rows[i].traceback > 0 then
      lines[#lines] = lines[#lines] .. "\n      " .. tostring(rows[i].traceback):gsub("\n", "\n      ")
    end
  end
  if #rows > 5 then lines[#lines + 1] = ("never paired: %d places more"):format(#rows - 5) end
  if rows.unpaired > 0 then lines[#lines + 1] = ("%d releases without a retain"):format(rows.unpaired) end
end

-- A ledger of the heap until what it returns is closed, if one was asked for: true, a class or a list of types. Where there is one
-- already that one serves.
local function keep_ledger(heap, asked)
  local mine = asked and ledger(heap).start{types = asked ~= true and asked or nil}
  return setmetatable({}, {__close = function()
    if mine and not heap:closed() then ledger(heap).stop() end
  end})
end

-- expect.ledger(types, fn, ...): calls fn(...) with a ledger (husk.ledger) of these types: true for all, a class, or a list of classes
-- and names, in which heap may be another heap than the default one. Expectations in it that are not met (dead, count, growth,
-- no_growth) tell which retains were never paired with a release. Returns what fn returns.
function expect.ledger(types, fn, ...)
  local heap = type(types) == "table" and rawget(types, "heap") or default
  if type(types) == "table" and not getmetatable(types) and #types == 0 then types = true end
  local _ <close> = keep_ledger(heap, types)
  return fn(...)
end

-- Where an object was made, as far as its heap is traced or has a ledger.
local function made_at(object)
  local known = trace.of(object) or ledger.of(object)
  return known and (known.born or not known.number and known) or nil
end

-- Where an object was made, and what holds it, as lines.
local function about(x)
  local lines = {}
  local ok, paths, none = pcall(core.why, x, 3)
  if ok and paths then
    for i, path in ipairs(paths) do
      if i == 1 or path.text ~= paths[i - 1].text then lines[#lines + 1] = path.text end
    end
    if none then lines[#lines + 1] = none end
  elseif not ok then
    lines[#lines + 1] = "no path: " .. tostring(paths.message or paths)
  end
  add_unpaired(lines, x)
  local object = core.kind(x) == "weak" and x() or x
  local made = object and made_at(object)
  if made then lines[#lines + 1] = "made at " .. tostring(made):gsub("\n", "\n        ") end
  return "\n  " .. table.concat(lines, "\n  ")
end

-- ---- values ----

-- expect.that(value, text): value is true in a condition; text says what was wanted.
function expect.that(value, text)
  if not value then fail("%s", text or "not true") end
  return value
end

-- expect.equal(got, wanted, text): they are equal, as by ==; NaN equals NaN.
function expect.equal(got, wanted, text)
  if got == wanted or (got ~= got and wanted ~= wanted) then return end
  fail("%sgot %s, wanted %s", text and text .. ": " or "", shown(got), shown(wanted))
end

-- expect.raises(pattern, fn, ...): fn(...) raises an error whose text has the pattern, or whose code it is ("HUSK_EINVAL").
-- Returns the error.
function expect.raises(pattern, fn, ...)
  local ok, e = pcall(fn, ...)
  if ok then fail("no error was raised, one with %s was expected", shown(pattern)) end
  if type(e) == "table" and e.code == pattern then return e end
  if not tostring(e):find(pattern) then fail("got the error %s, wanted one with %s", shown(tostring(e)), shown(pattern)) end
  return e
end

-- ---- objects ----

-- Twice at least: what has a finalizer goes in the pass after it; and until no pass gives anything back.
local function settle(heap)
  for pass = 1, 10 do
    local before = collectgarbage("count")
    collectgarbage()
    heap:collect()
    if pass > 1 and collectgarbage("count") >= before then break end
  end
end

-- expect.dead(x): the object of a weak reference is gone, garbage not counted: collects, and if it is there all the same
-- names the path that holds it. x may also be a handle: then it is a dead one.
function expect.dead(x)
  local kind = core.kind(x)
  if kind == "dead" then return end
  if kind ~= "weak" then
    if not core.is_alive(x) then core.fail("expect.dead: a weak reference or a handle expected, got " .. type(x)) end
    fail("%s is alive%s", tostring(x), about(x))
  end
  if x.alive then settle(core.heap_of(x)) end
  if x.alive then
    local object = x()
    local name = object and core.type_name(object) or "the object"
    object = nil
    collectgarbage() -- the handle that told its name is no reason
    fail("%s is alive%s", name, about(x))
  end
end

-- expect.count(x, n): there are n references to x, the handle not counted.
function expect.count(x, n)
  local got = core.refcount(x)
  if got ~= n then
    fail("%s has %s reference%s besides the handle, wanted %s%s", tostring(x), got, got == 1 and "" or "s", n, about(x))
  end
end

local function type_name(class) return type(class) == "string" and class or tostring(class):gsub("^type ", "") end

local function counts_of(heap)
  local counts = {}
  for _, row in ipairs(heap:types()) do
    local name = row.type
    counts[name] = counts[name] or {count = 0, bytes = 0}
    counts[name].count = counts[name].count + row.count
    counts[name].bytes = counts[name].bytes + row.bytes
  end
  return counts
end

local Mark = {__name = "husk.Mark"}
Mark.__index = Mark

-- expect.mark(heap): counts the objects of a heap, by default the default heap: for mark:growth. While the heap has a ledger,
-- an expectation that is not met tells which retains of the newest object were never paired.
function expect.mark(heap)
  heap = heap or default
  settle(heap)
  return setmetatable({heap = heap, counts = counts_of(heap)}, Mark)
end

-- mark:growth(class, n): since the mark, the objects of a class (or type name) have become n more, garbage not counted.
function Mark:growth(class, n)
  settle(self.heap)
  local name <const> = type_name(class)
  local before, now = self.counts[name], counts_of(self.heap)[name]
  local grown = (now and now.count or 0) - (before and before.count or 0)
  if grown ~= n then
    local held = grown > n and ledger(self.heap).is_on() and one_of(self.heap, name) or ""
    fail("%s objects: %+d, wanted %+d (%d now)%s", name, grown, n, now and now.count or 0, held)
  end
end

-- expect.growth(class, n, fn, ...): around fn(...), the objects of a class have become n more.
function expect.growth(class, n, fn, ...)
  local mark = expect.mark()
  local results = table.pack(fn(...))
  mark:growth(class, n)
  return table.unpack(results, 1, results.n)
end

-- expect.pause_below(ms, fn, ...): while fn(...) runs, no pass of the default heap takes longer than so many milliseconds, nor
-- does one at its end. Returns what fn returns.
function expect.pause_below(ms, fn, ...)
  local longest, began = 0, nil
  local id = default:on_pass(function(what)
    local now = core.seconds()
    if what == "start" then began = now elseif began then longest = math.max(longest, now - began) end
  end)
  local results = table.pack(pcall(fn, ...))
  if results[1] then default:collect{handles = false} end
  default:off_pass(id)
  if not results[1] then error(results[2], 0) end
  if longest * 1000 > ms then fail("a pass took %.3f ms, wanted less than %s ms", longest * 1000, ms) end
  return table.unpack(results, 2, results.n)
end

-- No growth.

-- What is looked at after so many rounds: numbers by name. The numbers come first, before there is a table that counts in them;
-- and every look makes as much.
local function reading(heap, args, rounds)
  settle(heap)
  local told, native, teller = pcall(core.memory.native_used)
  local lua, resident = collectgarbage("count") * 1024 // 1 | 0, memory.info().rss
  local of_heap = heap:figures()
  local seen = {rounds = rounds, native = told and native, teller = told and teller, lua = lua, resident = resident,
    heap = of_heap.object_bytes + of_heap.buffer_bytes, objects = counts_of(heap), args = {},
    files = core.open_files() or {}}
  for i, x in ipairs(args) do seen.args[i] = core.getrefcount(x) end
  return seen
end

local function file_counts(files)
  local counts, total = {}, 0
  for _, target in pairs(files) do
    counts[target] = (counts[target] or 0) + 1
    total = total + 1
  end
  return counts, total
end

-- The smallest growth over all windows: a cache that fills, or a table that doubles, grows in some, a leak in each.
local function least(windows, get)
  local smallest
  for i = 2, #windows do
    local a, b = get(windows[i - 1]), get(windows[i])
    if not a or not b then return 0 end
    if not smallest or b - a < smallest then smallest = b - a end
  end
  return smallest or 0
end

-- Where the objects of a type were made that are newest, if that is traced: the places with most of them.
local function places_of(heap, name)
  if not trace(heap).is_tracing() then return "" end
  local ok, text = pcall(function()
    local snap <close> = require("husk.snapshot").take{heap = heap}
    local rows = snap:statistics("line", {filter = ('type="%s"'):format(name)})
    local best
    for i = 1, #rows do
      if not best or rows[i].count > best.count then best = rows[i] end
    end
    return best and (", most of them made at %s:%d"):format(best.name, best.line) or ""
  end)
  return ok and text or ""
end

-- What holds the newest object of a type: it is one of those that became more. Asked of a weak reference, so that the handles
-- made here are no reason.
function one_of(heap, name)
  local newest, latest = nil, -1
  for _, x in ipairs(heap:objects()) do
    local number = core.type_name(x) == name and (core.ledger.number(x) or 0)
    if number and number > latest then newest, latest = x, number end
  end
  local weak <close> = newest and core.kind(newest) ~= "weak" and core.new_weak(newest, nil)
  local made = weak and made_at(newest)
  newest = nil
  collectgarbage()
  if not weak then return "" end
  local lines = {}
  local ok, paths = pcall(core.why, weak)
  if ok and paths and paths[1] then lines[1] = "one of them: " .. paths[1].text end
  if made and made[1] then lines[#lines + 1] = "made at " .. tostring(made):gsub("\n.*", "") end
  add_unpaired(lines, weak)
  return #lines > 0 and "\n    " .. table.concat(lines, "\n  "):gsub("\n", "\n    ") or ""
end

-- What can be counted exactly.
local function counted(windows, o)
  local found = {}
  local first, last, n = windows[1], windows[#windows], o.rounds
  local names = {}
  for name in pairs(last.objects) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local grown = least(windows, function(w) return w.objects[name] and w.objects[name].count or 0 end)
    if grown > 0 and grown > o.tolerance * n then
      local all = last.objects[name].count - (first.objects[name] and first.objects[name].count or 0)
      found[#found + 1] = ("%s objects: %+d in %d rounds, %d bytes a round%s"):format(name, all, n * (#windows - 1),
        (last.objects[name].bytes - (first.objects[name] and first.objects[name].bytes or 0)) // (n * (#windows - 1)),
        places_of(o.heap, name))
      found[#found] = found[#found] .. one_of(o.heap, name)
    end
  end
  for i in ipairs(o.args) do
    local grown = least(windows, function(w) return w.args[i] end)
    if grown > 0 then
      found[#found + 1] = ("argument %d, %s: %+d references in %d rounds%s"):format(i, tostring(o.args[i]),
        last.args[i] - first.args[i], n * (#windows - 1), about(o.args[i]):gsub("\n", "\n  "))
    end
  end
  local files = least(windows, function(w) return select(2, file_counts(w.files)) end)
  if files > 0 then
    local before, after = file_counts(first.files), file_counts(last.files)
    for target, count in pairs(after) do
      if count > (before[target] or 0) then
        found[#found + 1] = ("open files: %+d of %s in %d rounds"):format(count - (before[target] or 0), target,
          n * (#windows - 1))
      end
    end
  end
  return found
end

-- Bytes that grow for other reasons (a cache, a table that doubles, the allocator's roundings) do not grow twice as much in
-- twice as many rounds, and a leak does. So where a figure grew in each window, more windows are looked at, each twice as
-- long as the one before, until the rates of three in a row are one rate, or there is none.
local figures <const> = {
  -- name, what it is called, and by how much it can be off
  {"native", "native heap", 1024},
  {"lua", "Lua's memory", 1024},
  {"heap", "the heap's objects and buffers", 0},
  {"resident", "resident memory", 64 * 1024},
}
local doublings <const> = 6

-- By how much a figure grew from one look to the next, less what looking alone costs; nil if it is not told.
local function grown(figure, from, to, own)
  local a, b = from[figure], to[figure]
  return a and b and b - a - (own[figure] or 0)
end

-- What may grow: the names of figures.
local function suspects(windows, o)
  local found = {}
  for _, figure in ipairs(figures) do
    local name = figure[1]
    local smallest = math.huge
    for i = 2, #windows do smallest = math.min(smallest, grown(name, windows[i - 1], windows[i], o.own) or 0) end
    -- The native heap has Lua's memory too; a sanitizer and valgrind keep what is freed.
    local told_elsewhere = name == "lua" and windows[1].native or name == "resident" and
      (windows[1].teller == "sanitizer" or (os.getenv "LD_PRELOAD" or ""):find("vgpreload", 1, true))
    if smallest > o.bytes * o.rounds and not told_elsewhere and (name ~= "resident" or smallest > figure[3]) then
      found[#found + 1] = figure
    end
  end
  return found
end

-- Whether the last three of these windows, each of twice as many rounds, have one rate; and that rate.
local function steady(name, off, doubled, o)
  local n = #doubled
  if n < 4 then return end
  local low, high, bytes, rounds = math.huge, 0, 0, 0
  for i = n - 2, n do
    local more = grown(name, doubled[i - 1], doubled[i], o.own)
    low, high = math.min(low, more / doubled[i].rounds), math.max(high, more / doubled[i].rounds)
    bytes, rounds = bytes + more, rounds + doubled[i].rounds
  end
  if low > o.bytes and low * 2 >= high and bytes > off then return bytes / rounds end
end

-- Lines on bytes that grow on and on.
local function growing(windows, o)
  local found, doubled = {}, {windows[#windows]}
  local left = suspects(windows, o)
  for k = 1, doublings do
    if #left == 0 then break end
    local rounds = o.rounds << k
    o.call(rounds)
    doubled[k + 1] = reading(o.heap, o.args, rounds)
    local doubtful = {}
    for _, figure in ipairs(left) do
      local name, text, off = table.unpack(figure)
      local rate = steady(name, off, doubled, o)
      if rate then
        local lua = grown("lua", doubled[k - 2], doubled[k + 1], {lua = 3 * o.own.lua}) / (rounds * 7 / 4)
        local of_lua = name == "native" and lua > o.bytes and (" (%.1f of them Lua's)"):format(lua) or ""
        found[#found + 1] = ("%s: %+.1f bytes a round%s"):format(text, rate, of_lua)
      elseif grown(name, doubled[k], doubled[k + 1], o.own) > o.bytes * rounds then
        doubtful[#doubtful + 1] = figure
      end
    end
    left = doubtful
  end
  return found, doubled[#doubled]
end

local known = {rounds = "integer", warmup = "integer", windows = "integer", heap = "userdata", tolerance = "number",
  bytes = "number", args = "table", ledger = "any"}

local function choices(options)
  if options ~= nil and type(options) ~= "table" then
    core.fail("expect.no_growth: a table of options expected, got " .. type(options))
  end
  local o = {}
  for name, value in pairs(options or {}) do
    local wanted = known[name]
    if not wanted then
      core.fail(("expect.no_growth: unknown option '%s'; there are args, bytes, heap, ledger, rounds, tolerance, warmup, windows")
        :format(tostring(name)))
    elseif wanted ~= "any" and math.type(value) ~= wanted and type(value) ~= wanted then
      core.fail(("expect.no_growth: option '%s': %s expected, got %s"):format(name, wanted, type(value)))
    end
    o[name] = value
  end
  o.rounds, o.windows = o.rounds or 100, o.windows or 4
  o.warmup = o.warmup or o.rounds
  if o.rounds < 1 or o.windows < 2 or o.warmup < 0 then
    core.fail("expect.no_growth: at least 1 round and 2 windows are wanted, and no negative warmup")
  end
  o.heap, o.tolerance, o.bytes, o.args = o.heap or default, o.tolerance or 0, o.bytes or 1, o.args or {}
  return o
end

-- ---- growth ----

-- expect.no_growth(fn, options): fn(args...) is called again and again, and nothing becomes more: the objects of the heap by
-- type, the references to the arguments, open files, bytes of the heap, of the native heap (of Lua, where nobody tells)
-- and resident memory. Looked at between windows of calls, garbage collected before each look; only what grew in every window counts, so
-- that caches may fill. Where bytes did, windows of two, four, eight times as many calls follow, up to 64 times, until three
-- have one rate. Options: rounds, the calls of a window, 100 by default; windows, 4; warmup, the calls before the first, as
-- many as a window; heap, the default heap; args, a list of handles; tolerance, objects of one type that may grow in a round,
-- 0; bytes that may in a round, 1; ledger, true or the types that a ledger is to be kept of (husk.ledger): then the retains
-- that were never paired are told of an object that became more. Returns the figures of the last look.
function expect.no_growth(fn, options)
  local o = choices(options)
  local args = o.args
  local _ <close> = keep_ledger(o.heap, o.ledger)
  function o.call(rounds)
    for _ = 1, rounds do fn(table.unpack(args)) end
  end
  o.call(o.warmup)
  local look, again, first = reading(o.heap, args, 0), reading(o.heap, args, 0), reading(o.heap, args, 0)
  o.own = {
    native = first.native and math.max(again.native - look.native, first.native - again.native, 0),
    lua = math.max(again.lua - look.lua, first.lua - again.lua, 0),
  }
  local windows = {first}
  for i = 1, o.windows do
    o.call(o.rounds)
    windows[i + 1] = reading(o.heap, args, o.rounds)
  end
  local found, last = counted(windows, o), windows[#windows]
  if #found == 0 then found, last = growing(windows, o) end
  if #found > 0 then fail("it grows:\n  %s", table.concat(found, "\n  ")) end
  return last
end

return expect
