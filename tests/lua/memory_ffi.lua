-- What lua_memory_ffi runs with the memory of Lua, or of libhusk-ffi, failing: declarations, prepared calls of all shapes, C
-- data, callbacks with and without an owner, ends, objects of heaps. LIBRARY is the fixture.
local ffi = require "husk.ffi"
local husk = require "husk"
local lib = ffi.load(os.getenv "HUSK_TEST_FIXTURE")
ffi.cdef [[
  typedef struct thing { int number, count; struct thing *child; const char *label; int (*hook)(int); } thing;
  extern int thing_alive;
  thing *thing_new(int number); void thing_free(thing *t); int thing_open(int number, thing **out); void thing_take(thing *t, thing *child);
  void qsort(void *, size_t, size_t, int (*)(const void *, const void *)); int snprintf(char *, size_t, const char *, ...);
  typedef struct husk_heap husk_heap; typedef struct husk_obj husk_obj; husk_obj *new_list(husk_heap *heap); husk_obj *same_object(husk_obj *o);
]]
ffi.annotate(lib, {
  thing_new = {result = "full free(thing_free)"}, thing_open = {[2] = "out full free(thing_free)"}, thing_take = {[2] = "full"},
  new_list = {result = "full"},
})
local round = 0

return function()
  round = round + 1
  ffi.cdef(("struct S%d { int a; double b[3]; struct S%d *next; }; enum E%d { A%d, B%d = 7 }; int abs(int); double ldexp(double, int);")
    :format(round, round, round, round, round))
  local C = ffi.C
  local abs = ffi.fn(C, "int(int)", "abs")
  assert(abs(-5) == 5 and C.ldexp(0.5, 3) == 4.0 and ffi.fn(C, "u64(str)", "strlen")("four") == 4)
  local s = ffi.new("struct S" .. round, {a = 1, b = {1, 2, 3}})
  s.next = ffi.new("struct S" .. round, {a = 2})
  assert(s.next.a == 2 and s.b[2] == 3.0 and (s.b + 1)[0] == 2.0)
  local named = ffi.new("thing[2]", {{label = "in a table", child = ffi.new("thing")}})
  named[1] = {label = "text " .. round, child = ffi.new("thing", {number = 5})}
  named[0] = ffi.new("thing", named[1])
  assert(ffi.string(named[0].label) == "text " .. round and named[0].child.number == 5)
  local room = ffi.new("char[?]", 40)
  assert(C.snprintf(room, 40, "%d %s", 42, "words") == 8 and ffi.string(room) == "42 words")
  assert(ffi.fn(C, "{quot:i32,rem:i32}(i32,i32)", "div")(7, 2).rem == 1)

  local a, int = ffi.new("int[4]", {3, 1, 4, 2}), ffi.typeof "const int *"
  C.qsort(a, 4, 4, function(x, y) return ffi.cast(int, x)[0] - ffi.cast(int, y)[0] end)
  assert(a[0] == 1 and a[3] == 4)
  for _, lent in ipairs {false, "lent"} do
    local f <close> = ffi.callback("int(const int *, int, double, const char *)", function(p, n, d, text)
      return p[0] + n + math.tointeger(d) + (text and #ffi.string(text) or 0)
    end, lent or nil)
    assert(ffi.cast("int (*)(const int *, int, double, const char *)", f)(a, 2, 3, nil) == 6)
  end
  assert(not pcall(function() C.qsort(a, 2, 4, function() error("in a callback") end) end))
  ffi.last_callback_error(true)
  local dead = ffi.callback("int(int)", function(n) return n end)
  local code = ffi.cast("int (*)(int)", dead)
  assert(code(3) == 3)
  dead:close()
  assert(not pcall(code, 3))
  ffi.last_callback_error(true)

  local t <close> = lib.thing_new(1)
  lib.thing_take(t, lib.thing_new(2))
  local _, other = lib.thing_open(3)
  other:close()
  local mine = ffi.charge(lib.thing_new(4), husk.default, 100)
  mine:close()
  assert(ffi.buffer(room, 8)[0] == 52)
  local l = lib.new_list(husk.default)
  assert(lib.same_object(l) == l)
  local T = husk.type {name = "T", fields = {{"x", "f64"}, {"next", "ref"}}}
  local o = T {x = 1.5, next = l}
  assert(ffi.struct_of(o) ~= nil and o.next == l)
  return s, room
end
