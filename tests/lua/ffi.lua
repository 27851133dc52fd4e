-- husk.ffi: calls, C objects, pointers with bounds, strings, callbacks, variadic functions, libraries.
local ffi = require "husk.ffi"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

ffi.cdef [[
  int abs(int); double sqrt(double); long labs(long); int toupper(int);
  size_t strlen(const char *); char *getenv(const char *); int setenv(const char *, const char *, int);
  int snprintf(char *, size_t, const char *, ...);
  typedef struct { int quot, rem; } div_t; div_t div(int, int);
  typedef struct { long quot, rem; } ldiv_t; ldiv_t ldiv(long, long);
  void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
  void *bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *));
  void *malloc(size_t); void *calloc(size_t, size_t); void free(void *);
  void *memcpy(void *, const void *, size_t); int memcmp(const void *, const void *, size_t);
  int open(const char *, int, ...); int close(int);
  unsigned long long strtoull(const char *, char **, int);
  struct timespec { long tv_sec, tv_nsec; }; int nanosleep(const struct timespec *, struct timespec *);
  extern char **environ;
  typedef struct Point { double x, y; } Point;
  typedef struct Rect { Point from, to; char name[8]; struct Rect *next; enum { RED = 1, GREEN } color; } Rect;
  union Number { int i; float f; unsigned char bytes[8]; };
]]
local C = ffi.C

test("numbers go in and come out as they are", function()
  eq(C.abs(-5), 5)
  eq(math.type(C.abs(-5)), "integer")
  eq(C.sqrt(2), 2 ^ 0.5)
  eq(C.sqrt(4), 2.0)
  eq(C.labs(math.mininteger + 1), math.maxinteger)
  eq(C.abs(3.0), 3)
  eq(C.strtoull("18446744073709551615", nil, 10), -1) -- the same 64 bits
  eq(C.abs(ffi.cast("short", -7)), 7)
  eq(C.toupper(("a"):byte()), 65)
end)

test("a name is looked up once, and is then a function in the table", function()
  eq(rawget(C, "abs"), C.abs)
  local abs = ffi.fn(C, "int(int)", "abs")
  eq(abs(-3), 3)
  eq(C:fn("u64(str)", "strlen")("four"), 4)
  eq(C:fn("{quot:i32,rem:i32}(i32,i32)", "div")(7, 2).rem, 1)
end)

test("structs by value, both ways", function()
  local d = C.div(17, 5)
  eq(d.quot, 3)
  eq(d.rem, 2)
  eq(C.ldiv(-1 << 40, 3).rem, -1)
  ok(ffi.istype("div_t", d))
end)

test("strings, buffers and errno", function()
  eq(C.strlen("hello"), 5)
  ok(C.setenv("HUSK_FFI_TEST", "yes", 1) == 0)
  eq(ffi.string(C.getenv("HUSK_FFI_TEST")), "yes")
  eq(C:fn("str(str)", "getenv")("HUSK_FFI_TEST"), "yes")
  eq(C.getenv("HUSK_FFI_NONE"), nil)
  eq(C.open("/nonexistent/file", 0), -1)
  eq(ffi.errno(), 2)
  eq(ffi.strerror(2), "No such file or directory")
  eq(ffi.errno(5), 2)
  eq(ffi.errno(), 5)
  local b = ffi.new("char[?]", 8, "abc")
  eq(ffi.string(b), "abc")
  eq(ffi.string(b, 5), "abc\0\0")
  ffi.copy(b, "xy")
  eq(ffi.string(b), "xy")
  ffi.fill(b, 7, 65)
  eq(ffi.string(b), "AAAAAAA")
  ffi.copy(b + 2, "zz", 2)
  eq(ffi.string(b), "AAzzAAA")
  eq(C.memcmp("a\0b", "a\0b", 3), 0)
end)

test("variadic functions", function()
  local b = ffi.new("char[200]")
  local n = C.snprintf(b, 200, "%d %ld %s %g %c %p", 42, -1 << 40, "hi", 1.5, 65, nil)
  eq(ffi.string(b, n), "42 -1099511627776 hi 1.5 A (nil)")
  n = C.snprintf(b, 200, "%d %s", ffi.cast("int", 7), ffi.new("char[3]", "ok"))
  eq(ffi.string(b, n), "7 ok")
  n = C.snprintf(b, 200, "none")
  eq(ffi.string(b, n), "none")
end)

test("objects: members, nesting, unions, enums, arrays", function()
  local r = ffi.new("Rect", {from = {x = 1, y = 2}, name = "box", color = "GREEN"})
  eq(r.from.y, 2.0)
  eq(ffi.string(r.name), "box")
  eq(r.color, 2)
  r.color = "RED"
  eq(r.color, 1)
  r.to = ffi.new("Point", 3, 4)
  eq(r.to.x, 3.0)
  r.from.x = 9
  eq(r.from.x, 9.0)
  local u = ffi.new("union Number")
  u.f = 1
  eq(u.i, 0x3f800000)
  eq(u.bytes[3], 0x3f)
  local a = ffi.new("int[3][2]", {{1, 2}, {3, 4}})
  eq(a[1][0], 3)
  eq(#a, 3)
  eq(ffi.new("int[4]", 7)[3], 7)
  eq(ffi.sizeof(ffi.new("int[?]", 5)), 20)
  eq(ffi.typeof("Point")(5).x, 5.0)
  eq(ffi.sizeof("Rect"), 56)
  eq(ffi.offsetof("Rect", "to.y"), 24)
  eq(ffi.alignof("Rect"), 8)
  eq(ffi.offsetof("Rect", "nothing"), nil)
  eq(ffi.sizeof("char[?]", 9), 9)
  eq(C.GREEN, 2)
end)

test("pointers: arithmetic, comparison, casts, and the memory that they keep", function()
  local a = ffi.new("int[4]", {10, 20, 30, 40})
  local p = a + 1
  eq(p[0], 20)
  eq((p + 2)[0], 40)
  eq((p - 1)[0], 10)
  eq((a + 3) - p, 2)
  ok(p > a and a <= p and p == a + 1)
  eq(p[-1], 10)
  p[1] = 33
  eq(a[2], 33)
  eq(ffi.cast("unsigned char *", p)[0], 20)
  a = nil
  collectgarbage()
  collectgarbage()
  eq(p[0], 20)
  local node = ffi.new("Rect")
  node.next = ffi.new("Rect", {color = 2})
  collectgarbage()
  eq(node.next.color, 2)
  node.next = nil
  eq(node.next, nil)
end)

test("what the pointers in an object point to is kept by it: strings, C data, in tables, arrays and copies", function()
  ffi.cdef [[ struct Named { int n; const char *name; struct Named *next; };
    struct Pair { struct Named a, b; const char *tags[3]; }; ]]
  local function many()
    collectgarbage()
    for i = 1, 2000 do ffi.new("char[24]", "garbage " .. i) end
    local texts = {}
    for i = 1, 2000 do texts[i] = "another text " .. i end
    collectgarbage()
  end
  local function text(tag) return ("%s, long enough to be a block of its own, %d"):format(tag, 42) end
  local s = ffi.new "struct Named"
  s.name = text "field"
  local values = {name = text "table", next = ffi.new("struct Named", {n = 7})}
  local t = ffi.new("struct Named", values)
  values.name, values.next, values = nil, nil, nil
  local u = ffi.new("struct Named", 5, text "list")
  local p = ffi.new("struct Pair", {a = {name = text "inner"}, tags = {text "one", text "two"}})
  p.b = {name = text "member", next = ffi.new("struct Named", {n = 8})}
  p.b = {n = 3} -- the rest stays
  p.tags[2] = text "element"
  local q = ffi.new("struct Pair", p)
  p.a = t
  local names = ffi.new("const char *[2]", {text "x", text "y"})
  many()
  eq(ffi.string(s.name), text "field")
  eq(ffi.string(t.name), text "table")
  eq(t.next.n, 7)
  eq(ffi.string(u.name), text "list")
  eq(ffi.string(p.b.name), text "member")
  eq(p.b.next.n, 8)
  eq(p.b.n, 3)
  eq(ffi.string(p.tags[0]) .. ffi.string(p.tags[1]) .. ffi.string(p.tags[2]), text "one" .. text "two" .. text "element")
  eq(ffi.string(names[1]), text "y")
  t = nil
  p.tags[0] = nil
  many()
  eq(ffi.string(p.a.name), text "table")
  eq(p.a.next.n, 7)
  eq(ffi.string(q.a.name), text "inner")
  eq(ffi.string(q.tags[0]), text "one")
  raises("HUSK_EINVAL", "struct Named %* expected, got number", function() p.a.next = 5 end)
  many()
  eq(p.a.next.n, 7) -- a refusal leaves what was there, and what keeps it
  local watch = setmetatable({ffi.new("struct Named")}, {__mode = "v"})
  p.a.next = watch[1]
  collectgarbage()
  ok(watch[1])
  p.a.next = nil
  collectgarbage()
  eq(watch[1], nil) -- and no longer than it is there
end)

test("memory of C with an end", function()
  local freed = 0
  local function free(p)
    freed = freed + 1
    C.free(p)
  end
  local p = ffi.gc(C.malloc(16), free)
  local q = ffi.buffer(p, 16)
  q[15] = 3
  eq(q[15], 3)
  p:close()
  eq(freed, 1)
  raises("HUSK_ESTATE", "has ended", function() return q[0] end)
  p:close()
  eq(freed, 1)
  do local other <close> = ffi.gc(C.calloc(1, 1), free) end
  eq(freed, 2)
  ffi.gc(C.malloc(1), free)
  collectgarbage()
  collectgarbage()
  eq(freed, 3)
  local kept = ffi.gc(ffi.gc(C.malloc(1), free), nil)
  C.free(kept)
  kept:close()
  eq(freed, 3)
end)

test("bytes counted against a heap", function()
  local husk = require "husk"
  local before = husk.figures().foreign_bytes
  local p = ffi.charge(ffi.gc(C.malloc(1000), C.free), husk.default, 1000)
  eq(husk.figures().foreign_bytes - before, 1000)
  p:close()
  eq(husk.figures().foreign_bytes, before)
  ffi.charge(ffi.new("char[500]"), husk.default)
  eq(husk.figures().foreign_bytes - before, 500)
  collectgarbage()
  collectgarbage()
  eq(husk.figures().foreign_bytes, before)
end)

test("callbacks: for one call, and with an owner", function()
  local a = ffi.new("int[6]", {5, 3, 9, 1, 7, 2})
  local int = ffi.typeof("const int *")
  local function compare(x, y) return ffi.cast(int, x)[0] - ffi.cast(int, y)[0] end
  C.qsort(a, #a, 4, compare)
  local got = {}
  for i = 0, 5 do got[i + 1] = a[i] end
  eq(table.concat(got, " "), "1 2 3 5 7 9")
  do
    local typed <close> = ffi.callback("int(const void *, const void *)", compare)
    local found = C.bsearch(ffi.new("int[1]", 7), a, 6, 4, typed)
    eq(ffi.cast("int *", found)[0], 7)
    eq(ffi.cast("char *", found) - ffi.cast("char *", a), 16)
  end
  local add = ffi.callback("double(int, float, long, Point)", function(i, f, l, p) return i + f + l + p.x end)
  local call = ffi.cast("double (*)(int, float, long, Point)", add)
  eq(call(1, 0.5, 1 << 40, ffi.new("Point", 2, 3)), (1 << 40) + 3.5)
  add:close()
  local back = ffi.callback("Point(int)", function(i) return ffi.new("Point", i, -i) end)
  eq(ffi.cast("Point (*)(int)", back)(4).y, -4.0)
end)

test("an error in a callback is raised when the call returns, and no later callback runs", function()
  local a, calls = ffi.new("int[8]", {8, 7, 6, 5, 4, 3, 2, 1}), 0
  local ok_, err = pcall(C.qsort, a, 8, 4, function()
    calls = calls + 1
    error({"mine"})
  end)
  eq(ok_, false)
  eq(err[1], "mine")
  eq(calls, 1)
  eq(ffi.last_callback_error(true), err)
  eq(ffi.last_callback_error(), nil)
  raises(nil, "result of a callback.*int expected, got string", function() C.qsort(a, 2, 4, function() return "x" end) end)
  eq(C.abs(-1), 1)
end)

test("callbacks within callbacks, in coroutines", function()
  local inner = ffi.callback("int(int)", function(n)
    if n == 0 then return 0 end
    return C.abs(-n) + 1
  end)
  local f = ffi.cast("int (*)(int)", inner)
  local outer = ffi.callback("int(int)", function(n) return f(n) + coroutine.wrap(function() return f(n + 1) end)() end)
  eq(coroutine.wrap(function() return ffi.cast("int (*)(int)", outer)(10) end)(), 23)
  local deep
  deep = ffi.callback("int(int)", function(n) return n == 0 and 0 or 1 + ffi.cast("int (*)(int)", deep)(n - 1) end)
  eq(ffi.cast("int (*)(int)", deep)(30), 30)
end)

test("callbacks with many parameters that are made for the call", function()
  local text = "int (*)(" .. ("int *, "):rep(99) .. "int *)"
  local one, args = ffi.new("int[1]", 3), {}
  for i = 1, 100 do args[i] = one end
  for _, lent in ipairs {false, "lent"} do
    local f <close> = ffi.callback(text, function(...)
      local sum = 0
      for i = 1, 100 do sum = sum + select(i, ...)[0] end
      return sum
    end, lent or nil)
    eq(ffi.cast(text, f)(table.unpack(args)), 300)
    eq(coroutine.wrap(function() return ffi.cast(text, f)(table.unpack(args)) end)(), 300)
  end
end)

test("pointers that are lent to a callback: one C data for all calls, which ends with each", function()
  ffi.cdef "typedef int (*compare_ints)(const int *, const int *); typedef int (*sum_of)(int *, int, double, char *);"
  local a, seen, kept = ffi.new("int[6]", {5, 3, 9, 1, 7, 2}), {}, nil
  local compare <close> = ffi.callback("compare_ints", function(x, y)
    seen[x], seen[y], kept = true, true, x
    return x[0] - y[0]
  end, "lent")
  C.qsort(a, #a, 4, ffi.cast("int (*)(const void *, const void *)", ffi.cast("void *", compare)))
  local got, count = {}, 0
  for i = 0, 5 do got[i + 1] = a[i] end
  for _ in pairs(seen) do count = count + 1 end
  eq(table.concat(got, " "), "1 2 3 5 7 9")
  eq(count, 2)
  raises("HUSK_ESTATE", "has ended", function() return kept[0] end)
  raises("HUSK_ESTATE", "has ended", function() return kept + 1 end)

  local depth, inner, f = 0, nil, nil
  local nested <close> = ffi.callback("sum_of", function(p, n, d, text)
    eq(text, nil)
    if n > 0 then
      depth = depth + 1
      eq(f(p + 1, n - 1, d, nil), n - 1)
    end
    inner = p
    eq(p[0], math.tointeger(d) - n)
    return n
  end, "lent")
  f = ffi.cast("sum_of", nested)
  eq(f(ffi.new("int[4]", {0, 1, 2, 3}), 3, 3, nil), 3)
  eq(depth, 3)
  raises("HUSK_ESTATE", "has ended", function() return inner[0] end)

  local own
  own = ffi.callback("sum_of", function(p)
    own:close()
    collectgarbage()
    collectgarbage()
    eq(p[0], 4)
    raises("HUSK_EINVAL", "ffi.gc: this int %* is lent", function() ffi.gc(p, print) end)
    raises("HUSK_EINVAL", "ffi.charge: this int %* is lent", function() ffi.charge(p, require("husk").default, 4) end)
    p = nil
    collectgarbage()
    return 5
  end, "lent")
  eq(ffi.cast("sum_of", own)(ffi.new("int[1]", 4), 0, 0, nil), 5)
  raises("HUSK_EINVAL", '"lent" or nothing', function() ffi.callback("sum_of", print, "lend") end)
end)

test("functions of C given as callbacks are themselves", function()
  ffi.cdef [[ typedef int (*unary)(int); ]]
  local s = ffi.new("struct { unary f; }")
  s.f = ffi.cast("unary", ffi.callback("int(int)", function(n) return n * 2 end))
  eq(s.f(21), 42)
end)

test("methods of structs", function()
  ffi.cdef [[ struct Vec { double x, y; }; ]]
  local ended = 0
  local Vec = ffi.metatype("struct Vec", {
    __index = {len = function(v) return (v.x * v.x + v.y * v.y) ^ 0.5 end},
    __add = function(a, b) return ffi.new("struct Vec", a.x + b.x, a.y + b.y) end,
    __tostring = function(v) return ("<%g %g>"):format(v.x, v.y) end,
    __gc = function() ended = ended + 1 end,
  })
  local v = Vec(3, 4)
  eq(v:len(), 5.0)
  eq(tostring(v + v), "<6 8>")
  eq((ffi.cast("struct Vec *", v)):len(), 5.0)
  v = nil
  collectgarbage()
  collectgarbage()
  ok(ended >= 2)
end)

test("variables of C", function()
  ok(ffi.string(C.environ[0]):find("="))
  ffi.cdef [[ extern int optind; ]]
  local before = C.optind
  C.optind = 42
  eq(C.optind, 42)
  C.optind = before
end)

test("files of Lua where C wants a FILE", function()
  ffi.cdef [[ typedef struct _IO_FILE FILE; int fileno(FILE *); ]]
  eq(C.fileno(io.stderr), 2)
end)

test("libraries by short name, file name and path", function()
  ffi.cdef [[ double floor(double); ]]
  eq(ffi.load("m").floor(2.5), 2.0)
  eq(ffi.load("libm.so.6").floor(-2.5), -3.0)
  ok(tostring(ffi.load("m")):find("library .*libm"))
end)

test("structs without a name: the same if they are the same to C, const included", function()
  local reads, writes = ffi.typeof("struct { const char *s; }"), ffi.typeof("struct { char *s; }")
  ok(reads ~= writes)
  eq(ffi.typeof("struct { const char *s; }"), reads)
  eq(ffi.typeof("struct { char *s; }"), writes)
  eq(ffi.string(reads({"hello"}).s), "hello")
  raises("HUSK_EINVAL", "which C must not write to", function() writes({"hello"}) end)
  local inner = "struct { struct { %s int *p; } in; int n; }"
  ok(ffi.typeof(inner:format("const")) ~= ffi.typeof(inner:format("")))
  eq(ffi.typeof(inner:format("const")), ffi.typeof(inner:format("const")))
  eq(ffi.sizeof(inner:format("const")), 16)
end)

tap.done()
