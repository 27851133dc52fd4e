-- lua5.4 trace.lua: tracing from scripts: on and off, where things are made, tags, marks, blocks, wrong arguments.
local husk = require "husk"
local core = require "husk.core"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local trace = husk.trace
local Node = husk.type("TraceNode", {"value", "next"})
local here = debug.getinfo(1, "S").source:sub(2)

local function line() return debug.getinfo(2, "l").currentline end

-- "line function<line function", of this file the lines alone, of others "file:line".
local function place(x, most)
  local parts = {}
  for i, frame in ipairs(trace.of(x) or {}) do
    if i > (most or 100) then break end
    parts[i] = (frame.file == here and "" or frame.file .. ":") .. frame.line .. " " .. frame["function"]
  end
  return table.concat(parts, "<")
end

-- Each test traces by itself.
local function traced(name, options, body)
  test(name, function()
    trace.start(options)
    local done <close> = setmetatable({}, {__close = function() trace.stop() end})
    body()
  end)
end

test("it is off at first; figures are 0, and everything but push, pop and mark is allowed", function()
  eq(trace.is_tracing(), false)
  eq(trace.limit(), 1)
  eq(select("#", trace.memory()), 2)
  eq(trace.memory(), 0)
  eq(trace.figures().born, 0)
  trace.stop()
  trace.clear()
  trace.reset_peak()
  eq(trace.of(husk.list{}), nil)
  eq(trace.tag("x", function(...) return select("#", ...) end, nil, nil), 2)
  for _, name in ipairs{"mark", "push_tag", "push_domain"} do
    raises("HUSK_ESTATE", "heap default is not traced", function() trace[name]("x") end)
  end
  raises("HUSK_ESTATE", "not traced", trace.pop_tag)
  raises("HUSK_ESTATE", "not traced", trace.pop_domain)
end)

test("start says whether it did; the limit stays for the next one", function()
  eq(trace.start(5), true)
  eq(trace.start(7), false)
  eq(trace.limit(), 5)
  trace.stop()
  eq(trace.is_tracing(), false)
  eq(trace.limit(), 5)
  eq(trace.start(), true)
  eq(trace.limit(), 1)
  trace.stop()
  trace.stop()
end)

test("wrong options are refused with their names, and nothing starts", function()
  for _, n in ipairs{0, -1, 65536, math.maxinteger, math.mininteger} do
    raises("HUSK_ERANGE", tostring(n):gsub("%-", "%%-"), function() trace.start(n) end)
  end
  raises("HUSK_EINVAL", "got string", function() trace.start("8") end)
  raises("HUSK_EINVAL", "got number", function() trace.start(1.5) end)
  raises("HUSK_EINVAL", "unknown option 'depth'", function() trace.start{depth = 3} end)
  raises("HUSK_EINVAL", "unknown option '1'", function() trace.start{3} end)
  raises("HUSK_EINVAL", "sample is an integer", function() trace.start{sample = "many"} end)
  raises("HUSK_ERANGE", "sample is an integer", function() trace.start{sample = -1} end)
  raises("HUSK_ERANGE", "sample every", function() trace.start{sample = 1 << 60} end)
  raises("HUSK_ERANGE", "epoch_ms", function() trace.start{epoch_ms = 1 << 40} end)
  raises("HUSK_EINVAL", "frames is an integer", function() trace.start{frames = 2.5} end)
  raises("HUSK_EINVAL", "no source 'python'", function() trace.start{sources = "python"} end)
  raises("HUSK_EINVAL", "no source '1'", function() trace.start{sources = {1}} end)
  raises("HUSK_EINVAL", "names none", function() trace.start{sources = {}} end)
  eq(trace.is_tracing(), false)
  raises("HUSK_EINVAL", "heap expected, got table", function() trace(trace) end)
  raises("HUSK_EINVAL", "object of a heap", function() trace.of(3) end)
  local released = husk.list{}
  released:release()
  raises("HUSK_ESTATE", "released", function() trace.of(released) end)
end)

traced("what is made is counted, and what it was made with", 1, function()
  eq(trace.figures().count, 0)
  local a = husk.list{}
  eq(trace.memory(), husk.size(a))
  eq(trace.figures().count, 1)
  a:append(1) -- a buffer
  eq(trace.figures().count, 2)
  local b = Node{}
  local bytes, peak = trace.memory()
  eq(bytes, peak)
  b:release()
  eq(select(2, trace.memory()), peak)
  eq(trace.memory(), peak - trace.figures().born_bytes + trace.memory())
  trace.reset_peak()
  eq(select(2, trace.memory()), (trace.memory()))
  local figures = trace.figures()
  eq(figures.temporary, 1)
  eq(figures.sample_bytes, 0)
  ok(figures.own_bytes > 0 and figures.places > 0)
  trace.clear()
  eq(trace.memory(), 0)
  eq(trace.of(a), nil)
  a:release()
  eq(trace.memory(), 0)
end)

-- ---- places ----

local function make() return husk.list{} end -- no tail call: husk.list is a C function
local makes_at = line() - 1

traced("the newest frame is the script's line, not the module's", 10, function()
  local x = make()
  eq(place(x, 2), makes_at .. " make<" .. (line() - 1) .. " " .. trace.of(x)[2]["function"])
  local frames = trace.of(x)
  eq(tostring(frames):match("^(.-)\n"), here .. ":" .. makes_at .. ": in make")
  eq(frames[#frames]["function"], "main chunk")
  eq(frames[1].address, nil)
end)

-- Every call that makes an object: where it is, and that it is not where an earlier call was.
traced("each way to make something has its place, in a coroutine and after it", 1, function()
  local node, list, map = Node{}, husk.list{}, husk.map{}
  local keys, values, set = husk.weak.keys(), husk.weak.values(), husk.weak.set()
  local ways = {
    record = function() return Node{value = 1}, line() end,
    record_in_heap = function() return Node({}, husk.default), line() end,
    method_new = function() return husk.default:new(Node), line() end,
    list = function() return husk.list{1}, line() end,
    method_list = function() return husk.default:list(), line() end,
    map = function() return husk.map{a = 1}, line() end,
    box = function() return husk.box(print), line() end,
    build = function() return husk.build{Node, Node, edges = {1, "next", 2}}[2], line() end,
    weak = function() return husk.weak(node, print), line() end,
    weak_ref = function() return husk.weak.ref(node, print), line() end,
    keys = function() return husk.weak.keys(), line() end,
    values = function() return husk.weak.values(), line() end,
    set = function() return husk.weak.set{node}, line() end,
    finalize = function() return husk.weak.finalize(node, print), line() end,
  }
  for name, way in pairs(ways) do
    local x, at
    coroutine.wrap(function() x, at = way() end)()
    eq(name .. place(x, 1):match("^%d+"), name .. at)
    collectgarbage() -- that coroutine's state is gone
    x, at = way()
    eq(name .. place(x, 1):match("^%d+"), name .. at)
  end
  -- What is made inside a store: a text, a buffer, a cell or a box of the store's own. Seen by where it was counted.
  local stores = {
    index = function() list[#list + 1] = "text" end,
    append = function() list:append("text") end,
    insert = function() list:insert(1, "text") end,
    extend = function() list:extend{"a", "b"} end,
    field = function() node.value = "text" end,
    entry = function() map[{} and "key"] = "value" end,
    update = function() husk.update(node, {value = "x"}) end,
    update_map = function() husk.update(map, {x = "y", z = "w"}) end,
    key = function() keys[node] = {} end,
    value = function() values.name = node end,
    member = function() set:add(node) end,
  }
  for name, store in pairs(stores) do
    coroutine.wrap(store)()
    collectgarbage()
    local before = trace.figures()
    store()
    local after = trace.figures()
    ok(after.unknown == before.unknown, name)
  end
end)

traced("a coroutine's traceback is its own stack", 10, function()
  local function inner() return make() end
  local co = coroutine.create(function()
    local x = inner()
    coroutine.yield(x)
    x = make()
    return x
  end)
  local _, x = coroutine.resume(co)
  ok(place(x):find("^" .. makes_at .. " make<%d+ function at line %d+$"), place(x))
  local y = make()
  ok(place(y):find("main chunk"), place(y))
  _, x = coroutine.resume(co)
  ok(not place(x):find("main chunk"), place(x))
  eq(trace.of(coroutine.wrap(husk.list)()), nil) -- no script below
end)

traced("tail calls leave no frame", 10, function()
  local function last() return make() end
  local function first() return last() end
  local x = first()
  eq(place(x, 1), makes_at .. " make")
  eq(trace.of(x)[2].line, line() - 2)
end)

-- More functions than any cache of fixed size keeps: none loses its first name to another, so no line has two places.
traced("functions keep the names they were first called by", 1, function()
  local made = {}
  for i = 1, 1000 do
    made[i] = load("local function named() local x = husk.list() return x end return named()", "=c" .. i, "t", {husk = husk})
  end
  local function new() local x = husk.list{} return x end
  local x = new()
  local function again() return new() end
  for i = 1, #made do made[i]() end
  eq(trace.of(x)[1]["function"], "new")
  eq(trace.of(again())[1]["function"], "new")
end)

traced("C functions stand in tracebacks under their names", 10, function()
  local _, x = pcall(make)
  ok(place(x):find("^" .. makes_at .. " %w+.*<%[C%]:0 pcall<" .. (line() - 1)), place(x))
  table.sort({1, 2}, function(a, b)
    x = make()
    return a < b
  end)
  ok(place(x):find("%[C%]:0 sort<"), place(x))
  ok(not place(x):find("%?$"), place(x)) -- not what started Lua
end)

traced("chunks from strings and files", 10, function()
  local x = load("local husk = ...\nreturn (husk.list{})")(husk)
  ok(place(x, 1):find('^%[string "local husk = %.%.%.%.%.%."%]:2 main chunk'), place(x, 1))
  x = load("return (...).map{}", "=a name")(husk)
  eq(place(x, 1), "a name:1 main chunk")
  x = load("return (...).map{}", "@dir/file.lua")(husk)
  eq(place(x, 1), "dir/file.lua:1 main chunk")
  x = load("return (...).map{}", "@" .. ("long/"):rep(1000) .. "x.lua")(husk)
  eq(#trace.of(x)[1].file, 4095)
  x = load(string.dump(load("return (...).map{}", "@stripped.lua"), true), "x", "b")(husk)
  eq(place(x, 1), "?:0 main chunk")
  x = load("\n\nreturn (...).map{}", "@odd\nna\"me;\xff.lua")(husk)
  eq(place(x, 1), "odd\nna\"me;\xff.lua:3 main chunk")
end)

traced("functions on one line are told apart", 4, function()
  local code = load("local husk = ... local function f() local x = husk.list{} return x end " ..
    "local function g() local x = husk.map{} return x end local a, b = f(), g() return a, b", "=one")
  for _ = 1, 3 do
    local a, b = code(husk)
    eq(place(a, 1), "one:1 f")
    eq(place(b, 1), "one:1 g")
  end
end)

traced("a closure of its own each time, and a chunk of its own each time", 3, function()
  for i = 1, 2000 do
    local function fresh() return husk.list{} end
    eq(place(fresh(), 1), (line() - 1) .. " fresh")
  end
  for i = 1, 300 do
    eq(place(load(("\n"):rep(i % 7) .. "return (...).list{}", "=c" .. i % 5)(husk), 1),
      ("c%d:%d main chunk"):format(i % 5, i % 7 + 1))
  end
end)

local function deep(n)
  if n == 0 then return husk.list{} end
  local x = deep(n - 1)
  return x
end

traced("deep recursion: as many frames as wanted, and more than the first levels", 65535, function()
  for _, n in ipairs{1, 50, 62, 63, 64, 65, 66, 200, 3000, 30000} do
    local frames = trace.of(deep(n))
    for i = 1, n + 1 do
      if frames[i]["function"] ~= "deep" then error(n .. " " .. i .. " " .. frames[i]["function"]) end
    end
    ok(#frames > n + 1 and frames[n + 2]["function"] ~= "deep", n)
    eq(frames[#frames]["function"], "main chunk")
  end
end)

traced("the limit cuts the oldest", 3, function()
  eq(place(deep(100)), ("%d deep<%d deep<%d deep"):format(debug.getinfo(deep, "S").linedefined + 1,
    debug.getinfo(deep, "S").linedefined + 2, debug.getinfo(deep, "S").linedefined + 2))
end)

traced("finalizers, callbacks and metamethods are places too", 10, function()
  local made
  local Ending = husk.type("TraceEnding", {"x"}, {finalize = function() made = husk.default:box(1) end})
  Ending{}:release()
  ok(place(made):find("^%d+ [^<]*<"), place(made))
  local t = setmetatable({}, {__index = function() return (husk.map{}) end})
  local x = t.any
  ok(place(x, 1):find("index"), place(x, 1))
  local gone
  local weak = husk.weak(husk.list{}, function() gone = husk.list{} end)
  collectgarbage()
  husk.collect()
  ok(gone and place(gone) ~= "", "no place")
  local _ = weak
end)

traced("native frames on demand: behind the script's, or alone", {frames = 60, sources = "all"}, function()
  local frames = trace.of(make())
  eq(frames[1].line, makes_at)
  local native = 0
  for _, frame in ipairs(frames) do
    if frame.address then native = native + 1 end
    ok(native == 0 or frame.address, "a frame of the script below native ones")
  end
  trace.stop()
  trace.start{frames = 5, sources = {"native"}}
  local alone = trace.of(make())
  ok(alone == nil or alone[1].address)
end)

-- ---- tags, domains, marks ----

traced("tags by scope, with results, errors and nesting", 1, function()
  eq(select("#", trace.tag("outer", function(...) return ... end, 1, nil, nil)), 3)
  local problem = {}
  eq(select(2, pcall(trace.tag, "x", error, problem)), problem)
  raises("HUSK_ESTATE", "no tag is pushed", trace.pop_tag) -- the scope has ended
  do
    local _ <close> = trace.tag("x")
    trace.pop_tag() -- the scope's own
  end
  raises("HUSK_ESTATE", "no tag is pushed", trace.pop_tag)
  trace.domain("d", function()
    trace.stop() -- the scope ends without a word
  end)
  trace.start(2)
  do
    local a <close> = trace.tag("a")
    local b <close> = trace.domain("b")
    raises(nil, "boom", function()
      local c <close> = trace.tag("c")
      error("boom")
    end)
    trace.pop_domain()
  end
  raises("HUSK_ESTATE", "no tag is pushed", trace.pop_tag)
  for i = 1, 64 do trace.push_tag("t" .. i) end
  raises("HUSK_ERANGE", "64 deep", function() trace.push_tag("t") end)
  for _ = 1, 64 do trace.pop_tag() end
  for _, wrong in ipairs{1, {}, true, "a\0b"} do
    for _, name in ipairs{"push_tag", "push_domain", "tag", "domain", "mark"} do
      raises("HUSK_EINVAL", name == "mark" and "name" or "the tag", function()
        if name:find("domain") then trace.push_tag(wrong) else trace[name](wrong) end
      end)
    end
  end
  raises("HUSK_EINVAL", "function expected, got number", function() trace.tag("x", 3) end)
  raises("HUSK_EINVAL", "a mark needs a name", function() trace.mark("") end)
  for i = 1, 128 do trace.mark("m" .. i) end
  raises("HUSK_ERANGE", "128 marks", function() trace.mark("one more") end)
  trace.push_tag("")
  trace.pop_tag()
end)

test("tags that are no strings are refused while not tracing too", function()
  raises("HUSK_EINVAL", "husk.trace.tag: a string expected, got nil", function() trace.tag(nil, print) end)
end)

-- ---- other heaps ----

test("each heap is traced by itself", function()
  local heap = husk.heap{name = "other"}
  local other = trace(heap)
  eq(trace(), trace)
  eq(other.start(4), true)
  eq(trace.is_tracing(), false)
  local x = heap:list{}
  eq(trace.of(x)[1].line, line() - 1)
  eq(other.memory(), husk.size(x))
  eq(trace.memory(), 0)
  eq(trace.of(husk.list{}), nil)
  raises("HUSK_ESTATE", "no tag is pushed", other.pop_tag)
  heap:close()
  raises("HUSK_ESTATE", "heap 'other' is closed", other.memory)
  raises("HUSK_ESTATE", "heap 'other' is closed", function() trace(heap) end)
end)

test("a heap that goes away while it is traced takes its tracer with it", function()
  for _ = 1, 5 do
    local heap = husk.heap{name = "short"}
    trace(heap).start(2)
    heap:list{1, 2, 3}
    heap = nil
    collectgarbage()
  end
end)

traced("tracing that stops inside a finalizer, and starts again", 2, function()
  local Stop = husk.type("TraceStop", {"x"}, {finalize = function()
    trace.stop()
    trace.start(3)
  end})
  for _ = 1, 20 do
    Stop{}:release()
    local x = husk.list{}
    ok(trace.of(x))
  end
end)

-- ---- blocks ----

test("blocks of the process", function()
  raises("HUSK_ESTATE", "", function() trace.block(4096, 10) end)
  raises("HUSK_ESTATE", "", function() trace.unblock(4096) end)
  local process = trace.process
  eq(process.start(8), true)
  eq(process.start(8), false)
  eq(trace.is_tracing(), false)
  trace.block(4096, 100)
  trace.block(4096, 10) -- replaces
  trace.block(4096, 1, 7)
  trace.block(-1, 1)
  eq(process.memory(), 12)
  ok(trace.of_block(4096) == nil or #trace.of_block(4096) > 0)
  trace.unblock(4096)
  trace.unblock(4096)
  eq(process.memory(), 2)
  eq(trace.of_block(4096), nil)
  for _, wrong in ipairs{"x", 1.5, {}, false} do
    raises("HUSK_EINVAL", "the address is an integer", function() trace.block(wrong, 1) end)
  end
  raises("HUSK_EINVAL", "the size", function() trace.block(1, "2") end)
  raises("HUSK_ERANGE", "the size", function() trace.block(1, -2) end)
  raises("HUSK_ERANGE", "domain", function() trace.block(1, 1, 1 << 32) end)
  raises("HUSK_EINVAL", "the domain", function() trace.block(1, 1, "d") end)
  process.mark("x")
  process.tag("t", function() trace.block(1, 1) end)
  process.stop()
  eq(process.memory(), 0)
end)

-- ---- samples, and the environment ----

traced("samples: sums are near the truth, most births have no place", {sample = 4096, seed = 7}, function()
  local kept = husk.list{}
  for i = 1, 20000 do kept:append(Node{value = i}) end
  local figures, size = trace.figures(), husk.size(kept[1])
  eq(figures.sample_bytes, 4096)
  ok(figures.bytes > 0.7 * 20000 * size and figures.bytes < 1.6 * 20000 * size + 1e6, figures.bytes)
end)

test("HUSK_TRACE traces from the first object on; nonsense stops the start", function()
  local function run(value, code)
    local pipe = io.popen(("HUSK_TRACE='%s' %s -e '%s' 2>&1"):format(value, arg[-1], code))
    local text = pipe:read("a")
    pipe:close()
    return text
  end
  eq(run("3", "husk = require [[husk]] x = husk.list{} print(husk.trace.limit(), #husk.trace.of(x))"), "3\t1\n")
  eq(run("2:64k", "husk = require [[husk]] print(husk.trace.figures().sample_bytes)"), "65536\n")
  eq(run("0", "print(require [[husk]].trace.is_tracing())"), "false\n")
  eq(run("4", "husk = require [[husk]] print(husk.trace(husk.heap{}).is_tracing())"), "true\n")
  ok(run("many", "require [[husk]]"):find("HUSK_TRACE=many: it is the number of frames, up to 65535", 1, true))
end)

tap.done()
