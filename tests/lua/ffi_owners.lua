-- lua5.4 ffi_owners.lua FIXTURE: who owns what: annotations, objects of a heap through C functions, run-time types.
local ffi = require "husk.ffi"
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

ffi.cdef [[
  typedef struct thing { int number, count; struct thing *child; const char *label; int (*hook)(int); } thing;
  extern int thing_alive;
  thing *thing_new(int number);
  void thing_free(thing *t);
  thing *thing_child(thing *t);
  void thing_take(thing *t, thing *child);
  void thing_label(thing *t, const char *label);
  const char *thing_label_of(thing *t);
  void thing_hook(thing *t, int (*hook)(int));
  int thing_run(thing *t, int x);
  int thing_open(int number, thing **out);
  int thing_divide(int a, int b, int *quotient, int *rest);
  int on_thread(int (*f)(int), int x);
  typedef struct husk_heap husk_heap; typedef struct husk_obj husk_obj;
  husk_obj *same_object(husk_obj *o);
  husk_obj *new_list(husk_heap *heap);
  size_t count_of(husk_obj *o);
  void eat(husk_obj *o);
  double point_x(const void *point);
]]
local lib = ffi.load(arg[1])

ffi.annotate(lib, {
  thing_new = {result = "full free(thing_free)"},
  thing_child = {result = "none nullable with(1)"},
  thing_take = {[2] = "full"},
  thing_label = {[2] = "retains(1)"},
  thing_hook = {[2] = "retains(1) nullable"},
  thing_open = {[2] = "out full free(thing_free)"},
  thing_divide = {[3] = "out", [4] = "out"},
  new_list = {result = "full"},
  eat = {[1] = "full"},
})

local function collect()
  collectgarbage()
  collectgarbage()
end

test("full: freed at close, and when Lua collects it", function()
  local t = lib.thing_new(5)
  eq(t.number, 5)
  eq(lib.thing_alive, 1)
  t:close()
  eq(lib.thing_alive, 0)
  raises("HUSK_ESTATE", "has ended", function() return t.number end)
  raises("HUSK_ESTATE", "has ended", function() lib.thing_child(t) end)
  lib.thing_new(6)
  do local other <close> = lib.thing_new(7) end
  collect()
  eq(lib.thing_alive, 0)
end)

test("NULL is an error with errno's text, where nobody said that it is an answer", function()
  raises(nil, "thing_new: NULL: Numerical argument out of domain %(errno 33%)", function() lib.thing_new(-1) end)
  local t <close> = lib.thing_new(1)
  eq(lib.thing_child(t), nil)
  raises(nil, "bad argument #1 to 'thing_child' %(.*not nullable%)", function() lib.thing_child(nil) end)
end)

test("functions with notes count their arguments, and pass errors and nothing on", function()
  local t <close> = lib.thing_new(1)
  raises("HUSK_EINVAL", "wrong number of arguments to 'thing_child' %(1 expected, got 2%)", function() lib.thing_child(t, 5) end)
  raises(nil, "bad argument #1 to 'thing_child' %(struct thing %* expected, got nil, and it is not nullable%)", function() lib.thing_child() end)
  raises("HUSK_EINVAL", "struct thing %* expected, got number", function() lib.thing_child(7) end)
  ffi.annotate(lib, {thing_run = {result = "none"}, thing_label_of = {result = "none nullable"}})
  eq(lib.thing_run(t, 1), -1)
  eq(lib.thing_label_of(t), nil)
  ffi.annotate(lib, {thing_free = {[1] = "nullable"}})
  eq(select("#", lib.thing_free(nil)), 0)
  ffi.annotate(lib, {thing_free = {}})
end)

test("none: borrowed, keeps its owner and ends with it", function()
  local t = lib.thing_new(1)
  lib.thing_take(t, lib.thing_new(2))
  local child = lib.thing_child(t)
  t = nil
  collect()
  eq(child.number, 2)
  eq(lib.thing_alive, 2)
  child = nil
  collect()
  eq(lib.thing_alive, 0)
  t = lib.thing_new(1)
  lib.thing_take(t, lib.thing_new(2))
  child = lib.thing_child(t)
  t:close()
  raises("HUSK_ESTATE", "has ended", function() return child.number end)
end)

test("full of a parameter: C has taken it", function()
  local t, child = lib.thing_new(1), lib.thing_new(2)
  lib.thing_take(t, child)
  raises("HUSK_ESTATE", "has ended", function() return child.number end)
  raises("HUSK_ESTATE", "has ended", function() lib.thing_take(t, child) end)
  t:close()
  eq(lib.thing_alive, 0)
end)

test("retains: strings and functions stay as long as what keeps them", function()
  local t = lib.thing_new(1)
  lib.thing_label(t, "label " .. 42)
  local calls = 0
  lib.thing_hook(t, function(x)
    calls = calls + 1
    return x + 1
  end)
  collect()
  for _ = 1, 100 do ffi.new("char[10]", "garbage") end
  eq(ffi.string(lib.thing_label_of(t)), "label 42")
  eq(lib.thing_run(t, 41), 42)
  eq(calls, 1)
  t:close()
end)

test("out: results, owned where they are", function()
  local status, q, r = lib.thing_divide(17, 5)
  eq(status, 0)
  eq(q, 3)
  eq(r, 2)
  eq(lib.thing_divide(1, 0), 33)
  local code, t = lib.thing_open(9)
  eq(code, 0)
  eq(t.number, 9)
  t = nil
  collect()
  eq(lib.thing_alive, 0)
  code, t = lib.thing_open(-1)
  eq(code, 33)
  eq(t, nil)
end)

test("notes that make no sense are refused, all of them or none", function()
  local function refused(pattern, notes) raises("HUSK_EINVAL", pattern, function() ffi.annotate(lib, notes) end) end
  refused("unknown word 'ful'", {thing_run = {result = "ful"}})
  refused("contradicts", {thing_run = {result = "none full"}})
  refused("'free' of what is not", {thing_run = {result = "none free(x)"}})
  refused("are of parameters", {thing_run = {result = "out"}})
  refused("a parameter's number", {thing_run = {x = "out"}})
  refused("words expected", {thing_run = {5}})
  for _, case in ipairs {
    {{result = "full"}, "'full' is of a pointer"}, {{[9] = "out"}, "it has 2 parameters"}, {{[2] = "out"}, "'out' is of a pointer"},
    {{[1] = "retains(7)"}, "it has 2 parameters"},
  } do
    ffi.annotate(lib, {thing_run = case[1]})
    raises("HUSK_EINVAL", case[2], function() return lib.thing_run end)
  end
  ffi.annotate(lib, {thing_run = {}})
  local t <close> = lib.thing_new(1)
  eq(lib.thing_run(t, 1), -1)
end)

test("a callback on another thread is refused, and says so", function()
  local called = false
  local f <close> = ffi.callback("int(int)", function() called = true return 1 end)
  eq(lib.on_thread(f, 1), 0)
  eq(called, false)
  ok(tostring(ffi.last_callback_error(true)):find("another thread"))
end)

test("objects of a heap are ordinary handles", function()
  local l = husk.list {1, 2}
  eq(lib.same_object(l), l)
  eq(lib.count_of(l), 2) -- the handle's, and the call's
  eq(husk.getrefcount(l), 1)
  local made = lib.new_list(husk.default)
  eq(husk.kind(made), "list")
  eq(husk.getrefcount(made), 1)
  lib.eat(made)
  eq(husk.getrefcount(made), 1)
  eq(lib.same_object(nil), nil)
  raises(nil, "bad argument #1 to 'count_of' %(husk_obj %* expected, got number%)", function() lib.count_of(5) end)
  l:release()
  raises("HUSK_ESTATE", "released", function() lib.count_of(l) end)
end)

test("functions and objects far behind in the parameters end, and are taken, as those in front", function()
  local ints = ("int,"):rep(34)
  local forty = ffi.fn(lib, "int(" .. ints .. "int(int)*" .. (",int"):rep(5) .. ")", "forty")
  local again = ffi.fn(lib, "int(int)", "forty_again")
  local args, calls = {}, 0
  for i = 1, 40 do args[i] = i end
  args[35] = function(sum)
    calls = calls + 1
    return sum + 1
  end
  eq(forty(table.unpack(args)), 40 * 41 // 2 - 35 + 1)
  raises("HUSK_ESTATE", "called after its end", function() again(1) end) -- it has ended with the call, not with the collector
  eq(calls, 1)
  local mine <close> = ffi.callback("int(int)", function(x) return -x end)
  args[35] = mine
  eq(forty(table.unpack(args)), 35 - 40 * 41 // 2)
  eq(again(3), -3) -- one with an owner goes on
  ffi.annotate(lib, {eat_late = {[35] = "full"}})
  ffi.cdef("void eat_late(" .. ints .. "struct husk_obj *);")
  local l, ones = husk.list {1}, {}
  for i = 1, 34 do ones[i] = 1 end
  ones[35] = l
  lib.eat_late(table.unpack(ones))
  eq(husk.getrefcount(l), 1)
end)

test("C that releases an object which it was not given is an error that names function and type, and nothing is lost", function()
  local steal = ffi.fn(lib, "void(husk_obj *)", "steal")
  local l = husk.list {1, 2}
  for _ = 1, 3 do raises("HUSK_ESTATE", "'steal' released argument #1, a list, which is not its own", function() steal(l) end) end
  eq(husk.getrefcount(l), 1)
  eq(l[2], 2)
  l:release()
  raises("HUSK_ESTATE", "released", function() steal(l) end)
  ok(husk.verify())
end)

test("run-time types: raw fields with ranges, refs that are counted", function()
  local Point = husk.type {name = "Point", fields = {{"x", "f64"}, {"n", "i8"}, {"next", "ref"}, {"at", "{a:i32,b:i32}"}, {"v", "u8[3]"}}}
  eq(husk.type {name = "Point", fields = {{"x", "f64"}, {"n", "i8"}, {"next", "ref"}, {"at", "{a:i32,b:i32}"}, {"v", "u8[3]"}}}, Point)
  local p = Point {x = 1.5, n = -3, v = {1, 2, 3}}
  local q = husk.default:new(Point, {next = p})
  eq(husk.getrefcount(p), 2)
  eq(q.next, p)
  eq(p.v[2], 3)
  p.at.b = 9
  eq(p.at.b, 9)
  p.at = {a = 1}
  eq(p.at.a, 1)
  raises("HUSK_ERANGE", "Point.n: 300 is out of range for signed char", function() p.n = 300 end)
  raises("HUSK_EMISSING", "Point has no field 'z'", function() p.z = 1 end)
  raises("HUSK_EMISSING", "Point has no field 'z'", function() return p.z end)
  raises("HUSK_EINVAL", "object of the heap or nil expected", function() p.next = 5 end)
  raises("HUSK_EINVAL", "double expected, got nil", function() p.x = nil end)
  raises("HUSK_EMISSING", "no field 'y'", function() Point {y = 1} end)
  local other = husk.heap {name = "other"}
  raises("HUSK_EHEAP", "other", function() p.next = other:list {} end)
  eq(other:new(Point, {x = 2}).x, 2.0)
  other:close()
  p.next = "a text"
  eq(p.next, "a text")
  p.next = q -- a cycle
  function Point.sum(self) return self.x + self.n end
  eq(p:sum(), -1.5)
  eq(husk.class(p), Point)
  local keys = {}
  for k in pairs(p) do keys[#keys + 1] = k end
  eq(table.concat(keys, " "), "x n next at v")
  eq(lib.point_x(ffi.struct_of(p)), 1.5)
  ok(husk.verify())
  local watch = husk.weak(p)
  p, q = nil, nil
  collect()
  husk.collect()
  eq(watch.alive, false)
  local r = Point {}
  local at, whole = r.at, ffi.struct_of(r)
  r:release()
  raises("HUSK_ESTATE", "has ended", function() return at.a end)
  raises("HUSK_ESTATE", "has ended", function() whole.x = 1 end)
  raises("HUSK_ESTATE", "released", function() return r.x end)
  raises("HUSK_EINVAL", "has no owner here", function() husk.type {name = "S", fields = {{"s", "str"}}} end)
  raises("HUSK_EINVAL", "unknown entry", function() husk.type {name = "S", fields = {{"s", "int"}}, finalize = print} end)
  raises("HUSK_EINVAL", "unknown type 'nothing'", function() husk.type {name = "S", fields = {{"s", "nothing"}}} end)
end)

tap.done()
