-- husk bench: what it computes, with a clock that the test moves; and the command as a process. Its help, its files, its plots.
local tap = require "tap"
local process = require "process"
package.path = process.source .. "/lua/?.lua;" .. package.path
local husk = require "husk"
local json = require "husk.json"
local measure = require "husk.measure"
local svgplot = require "husk.svgplot"
local test, eq, ok = tap.test, tap.eq, tap.ok
local scratch, write, slurp, wants = process.scratch, process.write, process.slurp, process.wants

-- ---- measuring ----

local now = 0
local function clock() return now end
local function options(changes)
  local all = {clock = clock, rounds = 5, warmup = 0, min_time = 5000000}
  for name, value in pairs(changes or {}) do all[name] = value end
  return all
end
local function subject(cost, changes)
  local made = {name = "s", heap = husk.default, run = function() now = now + cost end}
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

test("a round lasts as long as it has to, and a call's time is its share", function()
  for _, cost in ipairs{3, 1000, 4999999, 7000000} do
    local result = measure.run({subject(cost)}, options())[1]
    ok(result.iterations * cost >= 5000000, result.iterations)
    ok(result.iterations * cost < 10000000 or result.iterations == 1, result.iterations)
    eq(#result.samples, 5)
    eq(result.min, cost)
    eq(result.median, cost)
    eq(result.mad, 0)
  end
end)

test("setup and teardown: once a round, with the parameter, and not timed", function()
  local log = {}
  local result = measure.run({subject(0, {
    param = 7,
    setup = function(n)
      now = now + 1000000000
      log[#log + 1] = "setup" .. n
      return {calls = 0}
    end,
    run = function(state, n)
      now = now + 5000000
      eq(n, 7)
      state.calls = state.calls + 1
    end,
    teardown = function(state, n)
      now = now + 1000000000
      log[#log + 1] = "teardown" .. n .. ":" .. state.calls
    end,
  })}, options{rounds = 2})[1]
  eq(result.median, 5000000)
  eq(result.param, 7)
  -- To calibrate, to count (twice: Lua's bytes, the heap's), two rounds.
  eq(table.concat(log, " "), "setup7 teardown7:1 setup7 teardown7:2 setup7 teardown7:1 setup7 teardown7:1")
end)

test("warm-up: it runs for so long first; rounds alternate, every second one backwards", function()
  local calls = 0
  local order = {}
  local function named(name) return subject(6000000, {name = name, setup = function() order[#order + 1] = name end}) end
  measure.run({subject(6000000, {run = function() now, calls = now + 6000000, calls + 1 end})},
    options{warmup = 60000000, rounds = 2})
  eq(calls, 10 + 2 + 2)
  measure.run({named "a", named "b"}, options{rounds = 3})
  eq(table.concat(order), "aabb" .. "abbaab")
end)

test("what a call makes, and what of it stays", function()
  local class = husk.type("bench.Made", {"a"})
  local function counted(run, setup)
    local result = measure.run({{
      name = "x", heap = husk.default, setup = setup, teardown = function(x) if x then husk.release(x) end end,
      run = function(x)
        now = now + 100000
        run(x)
      end,
    }}, options{rounds = 1})[1]
    return ("%g %g %g"):format(result.made, result.kept, result.made_bytes)
  end
  eq(counted(function() end), "0 0 0")
  local size
  do
    local one <close> = class{}
    size = husk.size(one)
  end
  eq(counted(function() class{}:release() end), "1 0 " .. size)
  eq(counted(function()
    local a <close>, b = class{}, class{}
    a.a = b
    b:release()
  end), "2 0 " .. 2 * size)
  local made, kept = counted(function(list)
    local n <close> = class{}
    list:append(n)
  end, function() return husk.list{} end):match("^(%S+) (%S+)")
  eq(kept, "1")
  ok(tonumber(made) > 1 and tonumber(made) < 1.2, made) -- the list's buffer grows now and then
  ok(not husk.trace.is_tracing())
end)

test("statistics", function()
  local s = measure.statistics{5, 1, 2, 100, 3}
  eq(("%g %g %g %g %g %g"):format(s.min, s.q1, s.median, s.q3, s.max, s.mad), "1 2 3 5 100 2")
  s = measure.statistics{4, 2}
  eq(("%g %g %g %g"):format(s.min, s.median, s.max, s.mad), "2 3 4 1")
  eq(measure.statistics{7}.mad, 0)
end)

test("comparison: a mark only if both ratios are beyond the noise, on one side", function()
  local function verdict(min, median, old_mad, new_mad)
    local c = measure.compare({min = 100, median = 100, mad = old_mad or 0}, {min = min, median = median, mad = new_mad or 0})
    return c.verdict
  end
  eq(verdict(100, 100), "same")
  eq(verdict(101.9, 101.9), "same") -- two in a hundred are never marked
  eq(verdict(103, 103), "slower")
  eq(verdict(97, 97), "faster")
  eq(verdict(103, 100), "same")
  eq(verdict(100, 150), "same") -- the machine was busy
  eq(verdict(80, 120), "same")
  eq(verdict(120, 120, 10), "same") -- noise: 1 + 2 * 0.148
  eq(verdict(130, 130, 10), "slower")
  eq(verdict(130, 130, 10, 5), "same")
  eq(verdict(76, 76, 10), "faster")
  eq(verdict(78, 78, 10), "same")
end)

-- ---- JSON ----

test("JSON: what is written is read again; what is none is refused with the place", function()
  local text = json.encode(json.object{
    {"a", json.list{1, 2.5, -3, true, false, "x\"\\\n\t\u{e4}\u{1F600}\1\127"}}, {"b", json.object{}}, {"c", 1e300},
  })
  local back = assert(json.decode(text))
  eq(table.concat({back.a[1], back.a[2], back.a[3], tostring(back.a[4]), tostring(back.a[5])}, " "), "1 2.5 -3 true false")
  eq(math.type(back.a[1]), "integer")
  eq(back.a[6], "x\"\\\n\t\u{e4}\u{1F600}\1\127")
  eq(back.c, 1e300)
  eq(json.decode('"\\u00e4\\ud83d\\ude00\\/"'), "\u{e4}\u{1F600}/")
  eq(json.decode(' [ ] ') and #json.decode(' [ ] '), 0)
  for _, wrong in ipairs{"", "[1,]", "[1 2]", "{", '{"a"}', '{"a":}', "{1:2}", '"x', '"\\q"', '"\\u12"', "nul", "01", "-", "1 2", "[",
      "\"a\nb\"", ("["):rep(300)} do
    local value, why = json.decode(wrong)
    ok(value == nil and why:find("^byte %d+: "), wrong)
  end
  for length = 0, #text - 2 do -- cut anywhere
    local value, why = json.decode(text:sub(1, length))
    ok(value == nil and why, length)
  end
end)

-- ---- plots ----

-- Every element is closed, in order; nothing stands outside.
local function well_formed(text)
  local open = {}
  for close, name, rest in text:gmatch("<(/?)([%a]+)([^>]*)>") do
    if close == "/" then
      if table.remove(open) ~= name then error("closes " .. name) end
    elseif not rest:find("/$") then
      open[#open + 1] = name
    end
  end
  eq(#open, 0)
  ok(not text:gsub("<[^>]*>", ""):find("[<>]"))
  ok(not text:find("nan") and not text:find("inf"))
end

local function result_of(name, param, samples)
  local result = measure.statistics(samples)
  result.name, result.param, result.samples = name, param, samples
  result.label = param and name .. "(" .. param .. ")" or name
  return result
end

test("plots: a dot for each sample, a line for each function, marks on both axes", function()
  local function count(text, pattern) return select(2, text:gsub(pattern, "")) end
  local a, b = result_of("a <&> \"b\"", nil, {100, 120, 110, 3000}), result_of("b", nil, {105, 106, 107, 108})
  local text = svgplot.document({a, b}, {[a] = result_of("a", nil, {90, 91, 92})})
  well_formed(text)
  eq(count(text, "<circle"), 11)
  ok(text:find("a &lt;&amp;&gt; &quot;b&quot;", 1, true))
  ok(text:find(">200 ns<") and text:find(">1 µs<") and text:find("before: 91 ns"))
  local series = {}
  for i, n in ipairs{10, 100, 1000} do
    series[i] = result_of("line", n, {n * 5, n * 5})
    series[i + 3] = result_of("square", n, {n * n, n * n + 1})
  end
  text = svgplot.document(series)
  well_formed(text)
  eq(count(text, "<polyline"), 2)
  ok(text:find("n^1.00", 1, true) and text:find("n^2.00", 1, true))
  ok(text:find(">1k<") and text:find(">100 ns<"))
  eq(("%.6f"):format(svgplot.exponent{series[1], series[2], series[3]}), "1.000000")
  -- Values that lie close, all alike, one alone; parameters that have no logarithm.
  well_formed(svgplot.document{result_of("x", nil, {5, 5}), result_of("y", 0, {1, 2}), result_of("y", 10, {1, 2})})
  well_formed(svgplot.document{result_of("one", 5, {7, 7})})
  text = svgplot.document{result_of("near", nil, {1000, 1001, 1030})}
  ok(text:find(">1 µs<") and text:find(">1.005 µs<") and text:find(">1.03 µs<"))
end)

test("times for people", function()
  for ns, words in pairs{[0.5] = "0.5 ns", [20] = "20 ns", [999.7] = "1 µs", [1234] = "1.23 µs", [5e6] = "5 ms", [2.5e9] = "2.5 s"} do
    eq(svgplot.time(ns), words)
  end
end)

-- ---- the command ----

local quick = " --rounds 4 --warmup 1 --min-time 1 --cpu "
local file = write("sum.lua", [[
local husk = require "husk"
bench("sum", function() local s = 0 for i = 1, 100 do s = s + i end end)
bench("record", function() local n <close> = husk.list{} end)
bench{name = "fill", params = {10, 100}, setup = function(n) return {n = n} end, run = function(state, n)
  assert(state.n == n)
  local l <close> = husk.list{}
  for i = 1, n do l:append(i) end
end}
]])

test("usage", function()
  wants("$HUSK bench", 2, "^$", "bench: which file%?; see 'husk help'")
  wants("$HUSK bench --bogus", 2, "^$", "unknown option")
  wants("$HUSK bench " .. file .. " --rounds 1", 2, "^$", "two at least")
  wants("$HUSK bench " .. file .. " --min-time 0", 2, "^$", "one millisecond")
  wants("$HUSK bench " .. file .. " --rounds x", 2, "^$", "'x' is no whole number")
  wants("$HUSK bench " .. file .. " --fail-over 1.1", 2, "^$", "%-%-fail%-over is for %-%-compare")
  wants("$HUSK bench " .. file .. " --compare x --fail-over much", 2, "^$", "'much' is no ratio from 1")
  wants("$HUSK bench " .. file .. " --filter nothing", 2, "^$", "no function is left by the filter")
  wants("$HUSK bench " .. write("none.lua", ""), 2, "^$", "no function is registered")
  wants("$HUSK help bench", 0, "^usage: husk bench FILE")
end)

test("a table: a row for each function and parameter", function()
  local out = wants("$HUSK bench" .. quick .. file, 0,
    "^ +min +median +MAD +made +bytes +kept +Lua bytes\nsum .-\nrecord .-\nfill%(10%) .-\nfill%(100%) ")
  ok(out:match("\nrecord +%S+ %S+ +%S+ %S+ +%S+ %% +(%d+) +%d+ +0 +") == "1", out)
  out = wants("$HUSK bench" .. quick .. file .. " -f 'fill(10)' -f sum", 0, "\nsum .-\nfill%(10%)")
  ok(not out:find("record") and not out:find("fill(100)", 1, true))
  wants("$HUSK bench" .. quick .. "- < " .. file .. " -f sum", 0, "\nsum ")
end)

test("files that fail: exit 1 with the place; files that are not there: 3", function()
  wants("$HUSK bench " .. write("bad.lua", "bench('x')"), 1, "^$", "bad%.lua:1: bench: 'x': a function is missing")
  wants("$HUSK bench " .. write("bad.lua", "bench(function() end)"), 1, "^$", "bad%.lua:1: bench: a name is missing")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', print) bench('x', print)"), 1, "^$", "'x' is there already")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', {run = 1})"), 1, "^$", "option 'run': function expected, got number")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', {go = print})"), 1, "^$", "unknown option 'go'")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', {run = print, params = {'a'}})"), 1, "^$", "a number expected, got string")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', {run = print, params = {}})"), 1, "^$", "params has no items")
  wants("$HUSK bench " .. write("bad.lua", "bench('x', function()\n error('boom') end)"), 1, "^$", "bad%.lua:2: boom\nstack traceback:\n")
  wants("$HUSK bench " .. scratch .. "/no-such.lua", 3, "^$", "no%-such%.lua: No such file")
  wants("$HUSK bench " .. file .. " --compare " .. scratch .. "/none.json", 3, "^$", "none%.json: No such file")
  wants("$HUSK bench " .. file .. " --compare " .. write("no.json", "{"), 3, "^$", "no%.json: no JSON: byte 2: a name is missing")
  wants("$HUSK bench " .. file .. " --compare " .. write("no.json", "[1]"), 3, "^$", "no results of husk bench")
  wants("$HUSK bench " .. file .. " --compare " .. write("no.json", '{"format": "husk bench 1", "clock": "wall", "results": [{}]}'), 3,
    "^$", "results without samples")
  wants("$HUSK bench" .. quick .. file .. " -f sum --json " .. scratch .. "/none/x.json", 3, nil, "No such file")
end)

local earlier = scratch .. "/earlier.json"

test("--json: all that is printed, and the samples", function()
  wants("$HUSK bench" .. quick .. file .. " --json " .. earlier, 0, "\nsum ")
  local document = assert(json.decode(slurp(earlier)))
  eq(document.format .. " " .. document.clock .. " " .. document.rounds, "husk bench 1 cpu 4")
  eq(#document.results, 4)
  local last = document.results[4]
  eq(last.label .. " " .. last.name .. " " .. last.param, "fill(100) fill 100")
  eq(#last.samples, 4)
  eq(measure.statistics(last.samples).median, last.median)
  local out = wants("$HUSK bench" .. quick .. file .. " -f sum --json -", 0, "^{\n")
  eq(assert(json.decode(out)).results[1].name, "sum")
end)

-- The results before, as if the machine had then been so many times as fast.
local function faster_machine(times)
  local text = slurp(earlier):gsub('"samples": %[(.-)%]', function(list)
    return '"samples": [' .. list:gsub("[%d.e+]+", function(n) return ("%.6f"):format(tonumber(n) / times) end) .. "]"
  end)
  return write("machine.json", text)
end

test("--compare marks what is slower and what is faster, and --fail-over makes it the exit code", function()
  local old = faster_machine(40)
  wants("$HUSK bench" .. quick .. file .. " --compare " .. old, 0, "\nsum .- x%d+%.%d+ +x%d+%.%d+ +slower\nrecord .-slower\n")
  wants("$HUSK bench" .. quick .. file .. " --compare " .. old .. " --fail-over 1.5", 1, "slower",
    "husk: sum is slower: x%d+%.%d+ of the minimum, x%d+%.%d+ of the median\n")
  wants("$HUSK bench" .. quick .. file .. " --compare " .. old .. " --fail-over 5000", 0, "slower")
  wants("$HUSK bench" .. quick .. file .. " --compare " .. faster_machine(1 / 40) .. " --fail-over 1.5", 0, "\nsum .-faster\n")
  local more = write("more.lua", slurp(file) .. "bench('other', function() end)")
  wants("$HUSK bench" .. quick .. more .. " --compare " .. earlier, 0, "\nother .- %- +%- +new\n")
  wants("$HUSK bench --rounds 2 " .. file .. " --compare " .. earlier, 2, "^$", "timed by another clock")
end)

test("--svg: both plots in one document, with the run before in grey", function()
  local svg = scratch .. "/plot.svg"
  wants("$HUSK bench" .. quick .. file .. " --compare " .. earlier .. " --svg " .. svg, 0, "\nsum ")
  local text = slurp(svg)
  well_formed(text)
  eq(select(2, text:gsub('class="dot new"', "")), 8)
  eq(select(2, text:gsub('class="dot old"', "")), 8)
  eq(select(2, text:gsub("<polyline", "")), 1)
  ok(text:find(">fill n^", 1, true) or text:find(">fill  n^", 1, true))
end)

test("Ctrl-C ends it: exit 130", function()
  local endless = write("endless.lua", "bench('endless', function() while true do end end)")
  wants("timeout -s INT 1 $HUSK bench " .. endless .. "; R=$?; test $R = 124 || exit $R; exit 130", 130, "^$", "husk: interrupted\n$")
end)

tap.done()
