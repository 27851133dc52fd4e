-- husk.ffi: C libraries from Lua, without a compiler.
--
--   local ffi = require "husk.ffi"
--   ffi.cdef [[ int abs(int); typedef struct { double x, y; } Point; ]]
--   print(ffi.C.abs(-5), ffi.new("Point", {x = 1}).x)
--
-- Declarations, calls, C objects, pointers with bounds, callbacks with owners, and words for who owns what. Nothing can see
-- whether a declaration is the truth: a wrong one is a wrong program, as in C.

local fail = require("husk.core").fail
local core = require "husk.ffi.core"
local declarations = require "husk.ffi.declarations"
local layout = require "husk.ffi.layout"
local lexer = require "husk.ffi.lexer"
local library = require "husk.ffi.library"
local types = require "husk.ffi.types"
local annotate = require "husk.ffi.annotate"

local ffi = {}

local names = declarations.names()

-- Calls f; a fault in a text or a type becomes an error of the script's.
local function faults(what, f, ...)
  local ok, a, b = pcall(f, ...)
  if ok then return a, b end
  local kind = getmetatable(a)
  if kind == lexer.fault or kind == types.fault then fail(("%s: %s"):format(what, a.message)) end
  error(a, 0)
end

local function check_string(value, at, what)
  if type(value) ~= "string" then fail(("bad argument #%d to '%s' (string expected, got %s)"):format(at, what, type(value))) end
  return value
end

-- ffi.cdef(text): declares what the text declares: C, as a header says it after the preprocessor (cc -E). All of it or, when
-- it has a fault, nothing.
function ffi.cdef(text)
  faults("ffi.cdef", declarations.read, names, check_string(text, 1, "ffi.cdef"))
  if next(types.open) then faults("ffi.cdef", types.refresh) end
end

-- ---- types ----

local by_text = {} -- text -> ctype

-- For the grammar of signatures: the names in a text that have been declared.
local function declare_names(text)
  for word in text:gmatch("[%a_][%w_]*") do
    local typedef = names.typedefs[word]
    if typedef then core.typedef(word, types.of(typedef.type)) end
    if names.tags[word] then types.of(names.tags[word]) end
  end
end

-- The ctype of a text: C's name of a type, or a signature of libhusk-ffi ("{x:f64,y:f64}", "int(str,...long)").
local function of_text(text, what)
  local known = by_text[text]
  if known then return known end
  local ok, t = pcall(declarations.type, names, text)
  local ctype
  if ok then
    ctype = faults(what, types.of, t)
  elseif getmetatable(t) ~= lexer.fault then
    error(t, 0)
  elseif text:find("[{:]") and not text:find(";") or text:find("%.%.%.%s*%w") or text:find("%)%s*%*") then
    declare_names(text)
    ctype = core.parse(text)
  else
    fail(("%s: %s"):format(what, t.message))
  end
  if not text:find("?", 1, true) then by_text[text] = ctype end
  return ctype
end

-- A type from whatever says it: a text, a ctype, a C object.
local function to_type(value, what)
  if type(value) == "string" then
    local word = names.typedefs[value]
    return by_text[value] or of_text(value, what), word
  end
  if debug.getmetatable(value) == core.ctype_meta then return value end
  return core.typeof(value) or fail(("bad argument #1 to '%s' (C type expected, got %s)"):format(what, type(value)))
end

-- core's arithmetic on arrays asks for the pointer type of an element.
debug.getregistry()["husk.ffi.pointer_to"] = function(element, const)
  local name = select(4, core.info(element))
  return core.pointer(element, const, name .. " *")
end

-- ffi.typeof(type): the type that a text, a C object or a type says. Calling it makes an object, as ffi.new.
function ffi.typeof(type) return (to_type(type, "ffi.typeof")) end

core.ctype_meta.__call = function(type, ...) return core.new(type, ...) end

-- ffi.sizeof(type, [count]): bytes of a type or an object; of "char[?]" with that count; nil when it has none.
function ffi.sizeof(type, count)
  if core.typeof(type) then return core.size(type) end
  local ctype = to_type(type, "ffi.sizeof")
  local kind, size, _, _, element = core.info(ctype)
  if kind == "array" and not size then
    return count and count * select(2, core.info(element)) or nil
  end
  return size ~= 0 and size or nil
end

-- ffi.alignof(type): its alignment.
function ffi.alignof(type)
  local align = select(3, core.info(to_type(type, "ffi.alignof")))
  return align ~= 0 and align or nil
end

-- ffi.offsetof(type, member): bytes before a member, "a.b" for one in another; nil when there is none.
function ffi.offsetof(type, member)
  local ctype, sum = to_type(type, "ffi.offsetof"), 0
  for name in check_string(member, 2, "ffi.offsetof"):gmatch("[^.]+") do
    local offset, inner = core.field(ctype, name)
    if not offset then return nil end
    sum, ctype = sum + offset, inner
  end
  return sum
end

-- ffi.istype(type, object): whether it is a C object of that type.
function ffi.istype(type, object)
  local ctype, of = to_type(type, "ffi.istype"), core.typeof(object)
  return of ~= nil and of == ctype
end

-- ffi.metatype(type, metatable): what objects of a struct, and pointers to them, do with names that are no members
-- (__index), with operators, and at their end (__gc, of objects that ffi.new makes). Once for a type.
function ffi.metatype(type, metatable)
  return core.metatype(to_type(type, "ffi.metatype"), metatable)
end

-- ---- objects ----

-- ffi.new(type, [count], [values]): an object in memory of its own, zeroed, set to the values: a table, by name or in order;
-- one value for all elements of an array; a string for bytes. It lives as long as it, or a pointer made from it, is there.
function ffi.new(type, ...)
  return core.new(to_type(type, "ffi.new"), ...)
end

-- ffi.cast(type, value): the value as that type: pointers of another sort, addresses, numbers of a given type.
function ffi.cast(type, value)
  return core.cast(to_type(type, "ffi.cast"), value)
end

-- ffi.gc(pointer, f): f(pointer) ends what it points to: at pointer:close(), `<close>`, or when Lua collects it. nil: nothing
-- does any more. Answers the pointer.
ffi.gc = core.gc

-- ffi.string(pointer, [bytes]): a Lua string of so many bytes, or up to the zero byte.
ffi.string = core.string

-- ffi.copy(to, from, [bytes]): copies bytes; a string without a count goes with its zero byte.
ffi.copy = core.copy

-- ffi.fill(to, bytes, [byte]): sets bytes.
ffi.fill = core.fill

-- ffi.buffer(pointer, bytes, [owner]): the memory behind a pointer as unsigned chars with bounds. It keeps its owner (the
-- pointer, if none is given) and ends with it.
local byte = types.of(layout.pointer(layout.basic.u8))
function ffi.buffer(pointer, bytes, owner)
  return core.buffer(byte, pointer, bytes, owner)
end

-- ffi.charge(object, heap, [bytes]): counts the object's memory against a heap (heap:figures().foreign_bytes) until it ends.
ffi.charge = core.charge

-- ffi.struct_of(object): the C struct of an object of husk.type{name, fields}, in place; it ends with the handle.
function ffi.struct_of(object) return core.struct_of(byte, object) end

-- ffi.tonumber(object): the number in a C object; of a pointer its address.
ffi.tonumber = function(object)
  return type(object) == "userdata" and core.value(object) or tonumber(object)
end

-- ---- functions ----

annotate.bytes = core.array(types.of(layout.basic.char), false, "char[?]")
local prepare = annotate.prepare

-- ffi.C: the functions of the program itself and of what it is linked with, libc first of all.
ffi.C = library.new(core.open(), "the program", names, prepare)

-- ffi.load(name, [global]): a library by path, by file name, or by the short name: "z" is libz.so, or what the system has of it
-- under a version. It stays loaded as long as the process. lib.name is what ffi.cdef has declared.
function ffi.load(name, global)
  local handle, file = library.open(name, global)
  return library.new(handle, file, names, prepare)
end

-- ffi.fn(library, signature, name): a function by its signature, "int(int)" or as in cdef, without a declaration. Also
-- library:fn(signature, name).
function ffi.fn(lib, signature, name)
  library.check(lib, "ffi.fn")
  local ctype = to_type(signature, "ffi.fn")
  if core.info(ctype) ~= "function" then
    fail(("ffi.fn: '%s' is no function's type, as \"int(int)\" is"):format(tostring(signature)))
  end
  return annotate.prepare(lib, ctype, library.address(lib, check_string(name, 3, "ffi.fn"), name), name)
end
library.fn = ffi.fn

-- ffi.callback(signature, f, ["lent"]): f as a C function pointer, for as long as the callback is there: until its close,
-- `<close>`, or its collection. C that calls it later gets zero, and the script an error. "lent": its pointers are lent, the same
-- C data for each call, which ends when f returns and costs nothing to make.
function ffi.callback(signature, f, lent)
  if lent ~= nil and lent ~= "lent" then fail(("bad argument #3 to 'ffi.callback' (\"lent\" or nothing expected, got %s)"):format(tostring(lent))) end
  local at = debug.getinfo(2, "Sl")
  return core.callback(to_type(signature, "ffi.callback"), f, at and ("%s:%d"):format(at.short_src, at.currentline), lent ~= nil)
end

-- ffi.last_callback_error([clear]): what the latest callback raised, or what was wrong with its call; nil: nothing was.
function ffi.last_callback_error(clear)
  local err = core.last_error()
  if clear then core.clear_error() end
  return err
end

-- ffi.errno([new]): errno as the latest call left it; sets it too.
ffi.errno = core.errno

-- ffi.strerror([errno]): its text.
function ffi.strerror(number) return core.strerror(number or core.errno()) end

-- ffi.annotate([library], {name = {...}}): who owns what a function takes and gives: docs/ffi.md has the words.
function ffi.annotate(lib, notes)
  if notes == nil then lib, notes = ffi.C, lib end
  library.check(lib, "ffi.annotate")
  annotate.add(lib, notes)
end

return ffi
