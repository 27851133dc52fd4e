-- Bad input to husk.ffi: each is a Lua error that names the place, and nothing is lost by it.
local ffi = require "husk.ffi"
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local C = ffi.C

ffi.cdef [[
  int abs(int); double sqrt(double); float sqrtf(float); size_t strlen(const char *); int snprintf(char *, size_t, const char *, ...);
  void qsort(void *, size_t, size_t, int (*)(const void *, const void *)); void free(void *); void *malloc(size_t);
  typedef struct { int quot, rem; } div_t; div_t div(int, int); int toupper(int); int vprintf(const char *, va_list);
  struct Other { int a, b; }; struct Far; union U { int i; float f; }; int far_fn(struct Far); int union_fn(union U); int nowhere(int);
  long double strtold(const char *, char **); struct Bits { int a : 3; }; struct Bits *bits_fn(void); static inline int one(void) { return 1; }
  double ldexp(double, int); int sigaddset(struct Other *, int); int putenv(char *); short small_fn(short); unsigned int sleep(unsigned int);
  _Bool flag_fn(_Bool); enum Color { RED, GREEN }; int color_fn(enum Color); unsigned long u64_fn(unsigned long);
]]

local function refused(code, pattern, f, ...)
  local args = table.pack(...)
  raises(code, pattern, function() return f(table.unpack(args, 1, args.n)) end)
  ok(husk.verify())
end

test("libraries and symbols", function()
  refused("HUSK_EMISSING", "no library 'nothing_here': .*nothing_here", ffi.load, "nothing_here")
  refused("HUSK_EMISSING", "no library '/etc/passwd': .*invalid ELF header", ffi.load, "/etc/passwd")
  refused("HUSK_EMISSING", "no library '/nowhere/libx.so'", ffi.load, "/nowhere/libx.so")
  refused("HUSK_EINVAL", "string expected, got nil", ffi.load)
  refused("HUSK_EMISSING", "the program has no symbol 'nowhere'", function() return C.nowhere end)
  refused("HUSK_EMISSING", "'never_said' is not declared", function() return C.never_said end)
  refused("HUSK_EMISSING", "'labs' is not declared, though the program has it", function() return C.labs end)
  refused("HUSK_EMISSING", "'one': it is an inline function", function() return C.one end)
  refused("HUSK_EMISSING", "no symbol 'nothing'", ffi.fn, C, "int(int)", "nothing")
  refused("HUSK_EINVAL", "library expected, got string", ffi.fn, "c", "int(int)", "abs")
end)

test("signatures and types that do not parse, with a caret", function()
  refused("HUSK_EINVAL", "column 5.*unknown type 'itn'.*\n.*\n.*%^", ffi.fn, C, "int(itn)", "abs")
  refused("HUSK_EINVAL", "%^", ffi.fn, C, "{x:f64,y}(int)", "abs")
  refused("HUSK_EINVAL", "no function's type", ffi.fn, C, "int", "abs")
  refused("HUSK_EINVAL", "unknown type 'Pont'", ffi.new, "Pont")
  refused("HUSK_EINVAL", "C type expected, got nil", ffi.new)
  refused("HUSK_EINVAL", "string expected, got nil", ffi.cdef)
  refused("HUSK_EINVAL", "line 1, column 9.*%^", ffi.cdef, "int x = )")
  refused("HUSK_EINVAL", "only declared", ffi.new, "struct Far")
  refused("HUSK_EINVAL", "bit%-fields", ffi.new, "struct Bits")
  refused("HUSK_EINVAL", "how many elements", ffi.new, "int[?]")
  refused("HUSK_ERANGE", "elements", ffi.new, "int[?]", 1 << 40)
  refused("HUSK_ERANGE", "elements", ffi.new, "int[?]", -1)
end)

test("arguments that do not fit: function, number, type, value", function()
  refused("HUSK_EINVAL", "bad argument #1 to 'abs' %(int expected, got nil%)", C.abs, nil)
  refused("HUSK_EINVAL", "got 1.5, which has a fraction", C.abs, 1.5)
  refused("HUSK_EINVAL", "int expected, got string", C.abs, "7")
  refused("HUSK_EINVAL", "int expected, got table", C.abs, {})
  refused("HUSK_EINVAL", "int expected, got boolean", C.abs, true)
  refused("HUSK_ERANGE", "2147483648 is out of range for int", C.abs, 1 << 31)
  refused("HUSK_ERANGE", "out of range for int", C.abs, 1e300)
  refused("HUSK_ERANGE", "%-1 is out of range for unsigned long", C.malloc, -1)
  refused("HUSK_EINVAL", "double expected, got string", C.sqrt, "2")
  refused("HUSK_ERANGE", "1e%+300 is out of range for float", C.sqrtf, 1e300)
  refused("HUSK_EINVAL", "1 expected, got 0", C.abs)
  refused("HUSK_EINVAL", "1 expected, got 2", C.abs, 1, 2)
  refused("HUSK_EINVAL", "3 or more expected, got 1", C.snprintf, nil)
  refused("HUSK_EINVAL", "const char %* expected, got number", C.strlen, 5)
  refused("HUSK_EINVAL", "zero byte", C:fn("u64(str)", "strlen"), "a\0b")
  refused("HUSK_EINVAL", "char %* expected, got string, which C must not write to", C.putenv, "A=b")
  refused("HUSK_EINVAL", "struct Other %* expected, got div_t", function() C.sigaddset(ffi.new("div_t"), 1) end)
  refused("HUSK_EINVAL", "struct Other %* expected, got int%[2%]", function() C.sigaddset(ffi.new("int[2]"), 1) end)
  refused("HUSK_EINVAL", "int expected, got", C.abs, ffi.new("div_t"))
  refused("HUSK_EINVAL", "const", function() C.putenv(ffi.cast("const char *", ffi.new("char[4]"))) end)
  refused("HUSK_EINVAL", "void %* expected, got function", C.free, print)
  refused("HUSK_EINVAL", "void %* expected, got table", C.free, {})
end)

test("what cannot be passed", function()
  for name, pattern in pairs {union_fn = "unions are not passed by value", far_fn = "it is only declared", vprintf = "va_list", strtold = "long double"} do
    -- the type is refused before or after the symbol is looked for
    local fine, err = pcall(function() return C[name] end)
    ok(not fine)
    ok(tostring(err):find(pattern) or tostring(err):find("no symbol"), tostring(err))
  end
  refused("HUSK_EINVAL", "unions are not passed by value", ffi.fn, C, "int(union U)", "abs")
  refused("HUSK_EINVAL", "only declared", ffi.fn, C, "int(struct Far)", "abs")
  refused("HUSK_EINVAL", "va_list", function() return C.vprintf end)
  refused("HUSK_EINVAL", "long double", function() return C.strtold end)
end)

test("structs by value are of that type", function()
  local f = ffi.fn(C, "int(div_t)", "abs")
  refused("HUSK_EINVAL", "expected, got struct Other", f, ffi.new("struct Other"))
  refused("HUSK_EINVAL", "expected, got table", f, {1, 2})
  refused("HUSK_EINVAL", "expected, got nil", f, nil)
end)

test("varargs without types", function()
  local b = ffi.new("char[64]")
  refused("HUSK_EINVAL", "bad argument #4 to 'snprintf' %(a table has no C type", C.snprintf, b, 64, "%d", {})
  refused("HUSK_EINVAL", "a function has no C type", C.snprintf, b, 64, "%d", print)
  refused("HUSK_EINVAL", "C has no float; cast it to double", C.snprintf, b, 64, "%f", ffi.cast("float", 1))
  refused("HUSK_EINVAL", "C has no short; cast it to int", C.snprintf, b, 64, "%d", ffi.cast("short", 1))
  refused("HUSK_EINVAL", "C has no signed char", C.snprintf, b, 64, "%d", ffi.cast("signed char", 1))
end)

test("callbacks that raise, are dead, or answer what is no answer", function()
  local a = ffi.new("int[3]", {3, 2, 1})
  refused(nil, "boom", C.qsort, a, 3, 4, function() error("boom") end)
  refused("HUSK_EINVAL", "result of a callback of type int .*int expected, got nil", C.qsort, a, 3, 4, function() end)
  refused("HUSK_EINVAL", "result of a callback.*out of range", C.qsort, a, 3, 4, function() return 1 << 40 end)
  local cb = ffi.callback("int(int)", function(n) return n end)
  local f = ffi.cast("int (*)(int)", cb)
  eq(f(3), 3)
  cb:close()
  cb:close()
  refused(nil, "called after its end", f, 3)
  ok(tostring(ffi.last_callback_error(true)):find("called after its end"))
  refused("HUSK_EINVAL", "function expected, got nil", ffi.callback, "int(int)")
  refused("HUSK_EINVAL", "a function type expected", ffi.callback, "int", print)
  local other = ffi.callback("void(int)", print)
  refused("HUSK_EINVAL", "expected, got a callback of type void", C.qsort, a, 3, 4, other)
  other:close()
  local same = ffi.callback("int(const void *, const void *)", function() return 0 end)
  same:close()
  refused("HUSK_ESTATE", "this callback has ended", C.qsort, a, 3, 4, same)
  refused("HUSK_EINVAL", "expected, got function 'abs'", C.qsort, a, 3, 4, C.abs)
end)

test("pointers out of bounds, null, of no size", function()
  local a = ffi.new("int[3]")
  refused("HUSK_ERANGE", "element 3 of int%[3%], which has 3", function() return a[3] end)
  refused("HUSK_ERANGE", "element %-1", function() return a[-1] end)
  refused("HUSK_ERANGE", "element", function() a[math.maxinteger] = 1 end)
  refused("HUSK_ERANGE", "which has 12", function() return (a + 3)[0] end)
  refused("HUSK_ERANGE", "which has 12", function() return a + 4 end)
  refused("HUSK_ERANGE", "13 bytes of int%[3%], which has 12", ffi.string, a, 13)
  refused("HUSK_ERANGE", "which has 12", ffi.fill, a, 13)
  refused("HUSK_ERANGE", "which has 12", ffi.copy, a, ("x"):rep(20))
  refused("HUSK_ERANGE", "of a string that has 1", ffi.copy, a, "x", 12)
  refused("HUSK_EINVAL", "null pointer", function() return ffi.cast("int *", 0)[0] end)
  refused("HUSK_EINVAL", "nothing of a known size", function() return ffi.cast("void *", a)[0] end)
  refused("HUSK_EINVAL", "nothing of a known size", function() return ffi.cast("struct Far *", a) + 1 end)
  refused("HUSK_ESTATE", "struct Far.x: it is only declared", function() return ffi.cast("struct Far *", a).x end)
  refused("HUSK_EMISSING", "struct Other has no member 'c'", function() return ffi.new("struct Other").c end)
  refused("HUSK_EINVAL", "has no member 'c'", ffi.new, "struct Other", {c = 1})
  refused("HUSK_EINVAL", "a: int expected, got string", ffi.new, "struct Other", {a = "x"})
  refused("HUSK_EINVAL", "3 values do not fit into 2", ffi.new, "int[2]", {1, 2, 3})
  refused("HUSK_EINVAL", "5 bytes do not fit into 4", ffi.new, "char[4]", "12345")
  refused("HUSK_EINVAL", "%[2%]: int expected, got nil", ffi.new, "int[3]", {1, nil, 3})
  local raw = C.malloc(8) -- C's memory keeps nothing
  refused("HUSK_EINVAL", "a string lives as long as", function() ffi.cast("struct { const char *s; } *", raw).s = "x" end)
  refused("HUSK_EINVAL", "which C must not write to", function() ffi.new("struct { char *written; }").written = "x" end)
  C.free(raw)
  refused("HUSK_EINVAL", "const", function() ffi.cast("const int *", a)[0] = 1 end)
  refused("HUSK_EINVAL", "#: an array expected", function() return #ffi.cast("int *", a) end)
  refused("HUSK_EINVAL", "enum Color has no constant 'BLUE'", ffi.new, "enum Color", "BLUE")
  refused("HUSK_EINVAL", "pointer difference", function() return a - ffi.new("char[1]") end)
  refused(nil, "not a cdata of this type", function() return debug.getmetatable(a).__index(5, 1) end)
  refused("HUSK_ESTATE", "has one", function()
    ffi.metatype("struct Other", {})
    ffi.metatype("struct Other", {})
  end)
end)

test("a type that fails to be made leaves what was there", function()
  refused("HUSK_EINVAL", "unknown type 'nix'", ffi.cdef, "struct Half { int x; }; struct Half *half(void); nix y;")
  refused("HUSK_EINVAL", "only declared", ffi.new, "struct Half")
  ffi.cdef "struct Half { long y; };"
  eq(ffi.sizeof("struct Half"), 8)
  refused("HUSK_EINVAL", "declared already", ffi.cdef, "struct Half { int y; };")
end)

test("later declarations complete earlier ones", function()
  ffi.cdef "struct Late; struct Late *late(struct Late *); struct Holder { struct Late *p; };"
  local holder = ffi.new("struct Holder")
  ffi.cdef "struct Late { int x; };"
  holder.p = ffi.new("struct Late", {x = 5})
  eq(holder.p.x, 5)
end)

test("nothing is left behind by ten thousand refusals", function()
  local a = ffi.new("int[3]", {3, 2, 1})
  local function round()
    for _ = 1, 200 do
      pcall(C.abs, "x")
      pcall(C.qsort, a, 3, 4, function() error("x") end)
      pcall(ffi.new, "int[2]", {1, "x"})
      pcall(ffi.cdef, "int broken(")
    end
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
  end
  round()
  local before = round()
  for _ = 1, 10 do round() end
  ok(round() - before < 64, "memory grows")
end)

tap.done()
