-- How a Lua state ends: with handles, heaps, cycles and hooks in every order. Each case is a process of its
-- own; its output and its exit code are compared.
local tap = require "tap"
local lua = arg[-1]

-- Runs code in a new process: what it wrote to both outputs, and the exit code. `before`: variables of its environment.
local function run(code, before)
  local file = os.tmpname()
  local f = assert(io.open(file, "w"))
  f:write(code)
  f:close()
  local pipe = assert(io.popen((before or "") .. " " .. lua .. " " .. file .. " 2>&1"))
  local output = pipe:read("a")
  local _, how, number = pipe:close()
  os.remove(file)
  return output, how == "exit" and number or "signal " .. number
end

local function case(name, code, output, number, before)
  tap.test(name, function()
    local got, exit = run(code, before)
    tap.eq(got, output)
    tap.eq(exit, number or 0)
  end)
end

case("live handles, a cycle with finalizers, another heap", [[
  local husk = require "husk"
  local N = husk.type("N", {"v", "n"}, {finalize = function(self) io.write(self.v) end})
  a = N{v = "a"}
  a.n = a
  h = husk.heap{name = "h"}
  b = h:new(N, {v = "b"})
  l = h:list{b}
]], "ba")

case("a finalizer that makes handles and stores them while the state closes", [[
  local husk = require "husk"
  local N
  N = husk.type("N", {"v"}, {finalize = function(self)
    io.write(self.v)
    if self.v == 1 then keep = {self, husk.list{1}, N{v = 2}, husk.weak(self), husk.box(self)} end
  end})
  a = N{v = 1}
]], "12")

case("os.exit with closing, inside a finalizer", [[
  local husk = require "husk"
  local N = husk.type("N", {"v"}, {finalize = function() io.write "f" os.exit(5, true) end})
  a = N{} b = N{}
  a:release()
]], "f", 5)

case("os.exit in a weak callback and in a coroutine", [[
  local husk = require "husk"
  local l = husk.list{}
  w = husk.weak(l, function() coroutine.wrap(function() os.exit(6, true) end)() end)
  l:release()
]], "", 6)

case("os.exit in what finalize registered, and in a callback on passes", [[
  local husk = require "husk"
  table.insert(husk.gc.callbacks, function(phase) io.write(phase) if phase == "stop" then os.exit(9, true) end end)
  husk.weak.finalize(husk.list{}, function() io.write "gone " husk.safepoint() end)
  husk.collect()
]], "gone startstop", 9)

case("a __gc from before the module, which runs after it", [[
  early = setmetatable({}, {__gc = function()
    local ok, err = pcall(function() return #l end)
    print(ok, err.code)
    print(select(2, pcall(husk.list, {})).code)
    print(select(2, pcall(husk.heap, {})).code)
  end})
  husk = require "husk"
  l = husk.list{1}
]], "false\tHUSK_ESTATE\nHUSK_ESTATE\nHUSK_ESTATE\n")

case("the default heap closed by hand", [[
  local husk = require "husk"
  l = husk.list{1}
  husk.default:close()
  print(pcall(husk.list) == false)
]], "true\n")

case("the module loaded twice is one library", [[
  local one = require "husk"
  package.loaded["husk"], package.loaded["husk.core"] = nil, nil
  local two = require "husk"
  local l = one.list{1}
  print(one ~= two, two.getrefcount(l), two.kind(l))
]], "true\t1\tlist\n")

case("suspended coroutines with handles to be closed", [[
  local husk = require "husk"
  co = coroutine.create(function() local l <close> = husk.list{} coroutine.yield() end)
  coroutine.resume(co)
]], "")

case("errors in hooks while the state closes are printed", [[
  local husk = require "husk"
  local N = husk.type("N", {}, {finalize = function() error("late", 0) end})
  a = N{}
]], "husk: heap default: HUSK_EHOOK: finalizer of N: late\n")

case("boxed values that hold handles: a cycle that closing ends, with its finalizer", [[
  local husk = require "husk"
  local N = husk.type("N", {"box"}, {finalize = function(self) io.write(self.box.value.text) end})
  local n = N{}
  n.box = husk.box{n, text = "closed"}
]], "closed")

case("os.exit in a __gc function in the middle of a collection of both", [[
  local husk = require "husk"
  local l = husk.list{}
  l[1] = husk.box(setmetatable({l}, {__gc = function() io.write "gc" os.exit(7, true) end}))
  l = nil
  husk.collect()
]], "gc", 7)

case("the same without closing, after a call into the frozen heap", [[
  local husk = require "husk"
  local l, kept = husk.list{}, husk.list{1}
  l[1] = husk.box(setmetatable({l}, {__gc = function() io.write(#kept) io.flush() os.exit(8) end}))
  l = nil
  husk.collect()
]], "1", 8, "ASAN_OPTIONS=detect_leaks=0") -- nothing was given back, on purpose

case("os.exit without closing, with everything alive", [[
  local husk = require "husk"
  local N = husk.type("N", {"n"}, {finalize = function() io.write "never" end})
  a = N{} a.n = husk.box{a}
  husk.weak.finalize(a, print, "never")
  os.exit(4)
]], "", 4, "ASAN_OPTIONS=detect_leaks=0")

case("os.exit with closing: handles end in Lua's order, the newest first, each as at any other time", [[
  local husk = require "husk"
  local N = husk.type("N", {"n"}, {finalize = function(self) print("finalizer", self.n) end})
  a, b = N{n = "a"}, N{n = "b"}
  husk.weak.finalize(a, print, "cleanup", "a")
  husk.weak.finalize(b, print, "cleanup", "b")
  husk.weak.finalize(husk.default:list{a}, print, "list").atexit = false
  os.exit(0, true)
]], "list\nfinalizer\tb\ncleanup\tb\nfinalizer\ta\ncleanup\ta\n")

case("a heap that is closed runs cleanups first, then finalizers", [[
  local husk = require "husk"
  local N = husk.type("N", {"n"}, {finalize = function(self) print("finalizer", self.n) end})
  a, b = N{n = "a"}, N{n = "b"}
  husk.weak.finalize(a, print, "cleanup", "a")
  husk.weak.finalize(b, print, "cleanup", "b")
  husk.weak.finalize(b, print, "not at exit").atexit = false
  husk.default:close()
]], "cleanup\tb\ncleanup\ta\nfinalizer\ta\nfinalizer\tb\n")

case("an error that nobody catches, with weak containers half through an iteration", [=[
  local husk = require "husk"
  local keys, list = husk.weak.keys(), husk.list{}
  for i = 1, 10 do list[i] = husk.list{i} keys[list[i]] = {list[i]} end
  for k in pairs(keys) do if k[1] == 5 then error(setmetatable({}, {__tostring = function() return "out" end})) end end
]=], lua .. ": out\n", 1)

case("an error in a coroutine that collects, out of a __gc function that called in", [=[
  local husk = require "husk"
  local kept = husk.list{1}
  coroutine.wrap(function()
    local l = husk.list{}
    l[1] = husk.box(setmetatable({l}, {__gc = function() print(pcall(function() print(#kept) error("gc", 0) end)) end}))
    l = nil
    husk.collect()
    print(pcall(error, "out"))
  end)()
]=], "1\nfalse\tgc\nfalse\tout\n")

case("handles without __gc", [[
  local husk = require "husk"
  for _ = 1, 100 do debug.setmetatable(husk.list{1, "x"}, nil) end
  collectgarbage()
  collectgarbage()
]], "")

tap.done()
