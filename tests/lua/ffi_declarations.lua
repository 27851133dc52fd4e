-- lua5.4 ffi_declarations.lua COMPILER: C declarations and whole headers, understood; faults with their place; layouts compared
-- with the compiler's; a text that fails leaves nothing.
local declarations = require "husk.ffi.declarations"
local layout = require "husk.ffi.layout"
local tap = require "tap"
local test, eq, ok = tap.test, tap.eq, tap.ok
local compiler = arg[1] or "cc"

local function preprocessed(headers)
  local source = os.tmpname()
  local file <close> = assert(io.open(source, "w"))
  for header in headers:gmatch("%S+") do file:write("#include <", header, ">\n") end
  file:close()
  local pipe = assert(io.popen(("env -u LD_PRELOAD %s -E -x c %s 2>/dev/null"):format(compiler, source)))
  local text = pipe:read("a")
  local fine = pipe:close()
  os.remove(source)
  return fine and text or nil
end

local function spelled(names, name)
  local symbol = names.symbols[name]
  return symbol and layout.spell(symbol.type, name)
end

test("declarations of all sorts", function()
  local names = declarations.names()
  declarations.read(names, [[
    int abs(int);
    extern double pow(double base, double), floor(double);
    typedef struct Point { double x, y; } Point;
    struct Node { struct Node *next; Point at; union { int i; float f; }; char name[16], *text; int (*hook)(struct Node *, ...); };
    enum Color { RED, GREEN = 1 << 4 | 2, BLUE };
    typedef int (*compare)(const void *, const void *);
    void (*signal(int number, void (*handler)(int)))(int);
    unsigned long long int big; long unsigned size_of_it; const char *const words[BLUE - GREEN + 1];
    static const int LIMIT = 4 * sizeof(Point);
    static inline int twice(int x) { if (x) { return 2 * x; } return 0; }
    int old_name(void) __asm__("new_" "name") __attribute__((noreturn, nonnull(1)));
    _Static_assert(sizeof(int) == 4, "int");
    int matrix[2][LIMIT / 8]; char c; signed char sc; _Bool flag; void nothing(int [static 3], int f(int));
    __extension__ typedef long long wide; typedef int DItype __attribute__((__mode__(__DI__)));
    struct later; struct later *make(void); struct later { int x; };
    struct open { int n; char data[]; };
  ]])
  eq(spelled(names, "abs"), "int abs(int)")
  eq(spelled(names, "floor"), "double floor(double)")
  eq(spelled(names, "signal"), "void (*signal(int, void (*)(int)))(int)")
  eq(spelled(names, "words"), "const char *words[2]")
  eq(spelled(names, "matrix"), "int matrix[2][8]")
  eq(spelled(names, "nothing"), "void nothing(int *, int (*)(int))")
  eq(spelled(names, "big"), "unsigned long big")
  eq(names.constants.LIMIT, 64)
  eq(names.constants.BLUE, 19)
  eq(names.symbols.twice.inline, true)
  eq(names.symbols.old_name.label, "new_name")
  eq(names.typedefs.DItype.type.k, "i64")
  eq(layout.measure(names.tags.Node), 64)
  eq(layout.member(names.tags.Node, "f"), 24)
  eq(layout.measure(names.tags.open), 4)
  eq(layout.spell(declarations.type(names, "int (*(*)[3])(const char *, ...)")), "int (*(*)[3])(const char *, ...)")
  eq(layout.spell(declarations.type(names, "char[?]")), "char[?]")
end)

test("constant expressions as C has them", function()
  for text, value in pairs {
    ["1 + 2 * 3 - 4 / 3 % 2"] = 6, ["(1 ? 2 : 1 / 0) + (0 && 1 / 0) + (1 || 1 % 0)"] = 3, ["-7 / 2"] = -3, ["-7 % 3"] = -1,
    ["~0U == 4294967295"] = 1, ["-1 < 0U"] = 0, ["1 << 31 >> 31"] = -1, ["0x80000000 >> 31"] = 1, ["'a' + '\\n' + '\\x41' + '\\101'"] = 237,
    ["sizeof(char *[4]) / _Alignof(short)"] = 16, ["(unsigned char)300 + (signed char)200"] = -12, ["!5 == 0 != 2 > 1"] = 0,
    ["0777 ^ 0b101 | 0x10 & ~0x1"] = 506 | 16, ["18446744073709551615u / 3 > 5"] = 1, ["(_Bool)7"] = 1,
    ["__builtin_offsetof(struct {char a; struct {int b[2]; long c;} d;}, d.c)"] = 16,
  } do
    local names = declarations.names()
    declarations.read(names, ("enum { x = %s };"):format(text))
    if names.constants.x ~= value then error(("%s: %d, not %d"):format(text, names.constants.x, value)) end
  end
end)

test("headers through the preprocessor, read one after the other", function()
  local names = declarations.names()
  local read = 0
  for _, header in ipairs {"stdio.h", "stdlib.h", "string.h", "dirent.h", "math.h", "unistd.h", "signal.h", "sys/stat.h", "pthread.h",
      "netdb.h", "complex.h", "time.h", "zlib.h", "sqlite3.h", "ffi.h", "lua5.4/lua.h"} do
    local text = preprocessed(header)
    if text then
      local fine, err = pcall(declarations.read, names, text)
      if not fine then error(header .. ": " .. tostring(err)) end
      read = read + 1
    end
  end
  ok(read >= 11, read .. " headers")
  eq(spelled(names, "qsort"), "void qsort(void *, unsigned long, unsigned long, int (*)(const void *, const void *))")
  eq(spelled(names, "readdir"), "struct dirent *readdir(struct __dirstream *)")
  eq(spelled(names, "vprintf"), "int vprintf(const char *, va_list)")
end)

test("layouts are the compiler's, of all structs of real headers", function()
  local headers = "stdio.h stdlib.h dirent.h sys/stat.h signal.h netdb.h sys/time.h termios.h poll.h utime.h sys/resource.h sys/utsname.h"
  local names = declarations.names()
  declarations.read(names, preprocessed(headers))
  local program, expected = {}, {}
  for header in headers:gmatch("%S+") do program[#program + 1] = ("#include <%s>"):format(header) end
  program[#program + 1] = '#include <stddef.h>\nint main(void) {'
  local tags = {}
  for tag in pairs(names.tags) do tags[#tags + 1] = tag end
  table.sort(tags)
  for _, tag in ipairs(tags) do
    local t = names.tags[tag]
    local size, align = layout.measure(t)
    if size and t.k ~= "enum" then
      program[#program + 1] = ('printf("%%zu %%zu\\n", sizeof(%s %s), _Alignof(%s %s));'):format(t.k, tag, t.k, tag)
      expected[#expected + 1] = ("%d %d"):format(size, align)
      for _, field in ipairs(t.fields) do
        if field.name and field.name ~= "sa_handler" then
          program[#program + 1] = ('printf("%%zu\\n", offsetof(%s %s, %s));'):format(t.k, tag, field.name)
          expected[#expected + 1] = tostring(field.offset)
        end
      end
    end
  end
  ok(#expected > 100)
  program[#program + 1] = "return 0; }"
  local source, binary = os.tmpname(), os.tmpname()
  local file <close> = assert(io.open(source, "w"))
  file:write(table.concat(program, "\n"))
  file:close()
  ok(os.execute(("env -u LD_PRELOAD %s -w -x c %s -o %s"):format(compiler, source, binary)))
  local pipe = io.popen("env -u LD_PRELOAD " .. binary)
  local i = 0
  for line in pipe:lines() do
    i = i + 1
    if line ~= expected[i] then error(("line %d: %s, not %s"):format(i, line, expected[i])) end
  end
  pipe:close()
  os.remove(source)
  os.remove(binary)
  eq(i, #expected)
end)

local faults = {
  {"int x(foo y);", 1, 7, "unknown type 'foo'"},
  {"struct a {int b;\n  int b;};", 2, 7, "two members are called 'b'"},
  {"int a[1/0];", 1, 8, "a division by zero"},
  {"typedef int x; typedef long x;", 1, 29, "'x' is declared already, as 'int'"},
  {"int f(int); int f(long);", 1, 17, "'f' is declared already, as 'int f%(int%)'"},
  {"#define X 1", 1, 1, "run the header through the preprocessor"},
  {"int a[-1];", 1, 7, "an array of %-1 elements"},
  {"int", 1, 4, "a name expected, got the end"},
  {"int f(int", 1, 10, "'%)' expected after the parameters, got the end"},
  {"struct {int x;", 1, 15, "a member or '}' expected, got the end"},
  {"enum {A = 1, A = 2};", 1, 14, "'A' is declared already, as 1"},
  {"int a(int)[3];", 1, 6, "a function cannot return an array"},
  {'char *s = "abc;', 1, 11, "a string without an end"},
  {"unsigned float x;", 1, 1, "'unsigned float' is no type"},
  {"int x@;", 1, 6, "a character that C does not know: '@'"},
  {"int a[n];", 1, 7, "'n' is no constant"},
  {"struct s x; struct t { struct u y; };", 1, 33, "incomplete type"},
  {"void v;", 1, 6, "declared as void"},
  {"int x /* open", 1, 7, "a comment without an end"},
  {"union u; struct u *p;", 1, 17, "'u' is declared already, as union"},
  {"int a[0x7fffffff];", 1, 7, "more than 2%^30 elements"},
  {"int a[5] int b;", 1, 10, "';' expected after the declaration, got 'int'"},
  {"enum {A = 1.5};", 1, 11, "a constant expression of integers expected, got '1.5'"},
  {"enum {A = 99999999999999999999};", 1, 11, "too large for any integer"},
  {"enum {A = 0779};", 1, 11, "'0779' is no number"},
  {"int a[?];", 1, 7, "'%?' stands only"},
  {"void f(void x);", 1, 8, "a parameter of type void"},
  {"int x; enum {x};", 1, 14, "'x' is declared already, as something else"},
  {"return 1;", 1, 1, "unknown type 'return'"},
  {"__typeof__(1) x;", 1, 1, "__typeof__ is not known"},
  {"int x __attribute__((;", 1, 20, "an attribute without an end"},
  {'# 7 "some.h"\nint y(\nbad z);', 3, 1, "some.h:8:1: unknown type 'bad'"},
  {"struct a { int x; } ; struct a { long x; };", 1, 30, "declared already, with other members"},
  {"int " .. ("("):rep(300) .. "x" .. (")"):rep(300) .. ";", 1, nil, "nested more than 100 deep"},
  {"enum {A = " .. ("("):rep(300) .. "1" .. (")"):rep(300) .. "};", 1, nil, "nested more than 100 deep"},
  {("struct {"):rep(300), 1, nil, "nested more than 100 deep"},
}

test("faults have a line, a column and a caret below the place", function()
  for _, fault in ipairs(faults) do
    local text, line, column, pattern = table.unpack(fault)
    local fine, err = pcall(declarations.read, declarations.names(), text)
    if fine then error("no fault: " .. text) end
    local message = tostring(err)
    if not message:find(pattern) or (line and err.line ~= line) or (column and err.column ~= column) then
      error(("%s\n%s"):format(text, message))
    end
    local shown, caret = message:match("\n  ([^\n]*)\n  ( *%^)$")
    ok(caret, "a caret: " .. message)
    if column and #shown < 90 then eq(#caret, column) end
  end
end)

test("a text that fails leaves no names and undoes what it completed", function()
  local names = declarations.names()
  declarations.read(names, "struct s; struct s *make(void); enum e *p;")
  eq(select(1, pcall(declarations.read, names, "struct s {int x;}; enum e {A1, A2}; typedef int T; int f(T); oops y;")), false)
  eq(names.tags.s.fields, nil)
  eq(names.tags.e.constants, nil)
  eq(names.typedefs.T, nil)
  eq(names.symbols.f, nil)
  eq(names.constants.A1, nil)
  declarations.read(names, "struct s {long y;}; enum e {A1 = 5};")
  eq(names.tags.s.fields[1].name, "y")
  eq(names.constants.A1, 5)
end)

test("any damage to a header is a fault with a place, or fine", function()
  local text = [[
typedef struct { double x, y; char name[8 + 1]; } Point; enum { A = 1 << 2, B = 'c' };
int (*table[A])(const Point *, int (*)(void)); extern "x" __attribute__((x(1))) int f(...);
static inline int g(int x) { return x + 1; } union u { int i; struct { char a : 3; } s; } v;
]]
  math.randomseed(42)
  for _ = 1, 4000 do
    local at, n = math.random(#text), math.random(4)
    local how = math.random(3)
    local damaged = how == 1 and text:sub(1, at) or how == 2 and text:sub(1, at - 1) .. text:sub(at + n)
      or text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1)
    local names = declarations.names()
    local fine, err = pcall(declarations.read, names, damaged)
    if not fine then
      if getmetatable(err) ~= require("husk.ffi.lexer").fault then error(damaged .. "\n" .. tostring(err)) end
      eq(next(names.symbols), nil)
      eq(next(names.tags), nil)
    end
  end
end)

tap.done()
