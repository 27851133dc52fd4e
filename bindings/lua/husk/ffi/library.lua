-- husk.ffi.library: shared libraries by name, and what is declared of them: functions, variables, constants.

local core = require "husk.ffi.core"
local fail = require("husk.core").fail
local layout = require "husk.ffi.layout"
local types = require "husk.ffi.types"

local library = {}

local EMISSING = -9 -- HUSK_EMISSING

-- Files of a name as the linker's cache has them: "z" -> "/lib/x86_64-linux-gnu/libz.so.1". Versioned ones are what a system
-- without development packages has.
local function cached(name)
  for _, program in ipairs {"/sbin/ldconfig -p", "ldconfig -p"} do
    local pipe = io.popen(program .. " 2>/dev/null")
    local text = pipe and pipe:read("a") or ""
    if pipe then pipe:close() end
    local found = {}
    for file in text:gmatch("=> (%S+)") do
      if file:match("([^/]*)$"):find("lib" .. name:gsub("%p", "%%%0") .. ".so", 1) == 1 then found[#found + 1] = file end
    end
    if #found > 0 then return found end
  end
  return {}
end

-- A handle and the name under which it was found; raises.
function library.open(name, global)
  if type(name) ~= "string" then fail(("bad argument #1 to 'ffi.load' (string expected, got %s)"):format(type(name))) end
  local why
  local function try(path)
    local handle, text = core.open(path, global)
    -- A file that is there and cannot be loaded says more than one that is not there.
    if not handle and (not why or not text:find("No such file")) then why = text end
    return handle
  end
  local handle = try(name)
  if handle then return handle, name end
  if not name:find("/", 1, true) then
    local full = "lib" .. name .. ".so"
    if not name:find(".so", 1, true) then
      handle = try(full)
      if handle then return handle, full end
      for _, path in ipairs(cached(name)) do
        handle = try(path)
        if handle then return handle, path end
      end
    end
  end
  fail(("ffi.load: no library '%s': %s"):format(name, why), EMISSING)
end

local state = setmetatable({}, {__mode = "k"}) -- namespace -> {handle, name, names, plans}
library.state = state

-- The address of a symbol of a namespace; raises.
function library.address(lib, symbol, name)
  local one = state[lib]
  local at = core.symbol(one.handle, symbol)
  if not at then
    fail(("%s has no symbol '%s'%s"):format(one.name, symbol, symbol ~= name and (" (%s)"):format(name) or ""), EMISSING)
  end
  return at
end

-- What a name of a namespace is: a function, the place of a variable, or a constant.
local function resolve(lib, name)
  local one = state[lib]
  local constant = one.names.constants[name]
  if constant then return "constant", constant end
  local symbol = one.names.symbols[name]
  if not symbol then
    local known = type(name) == "string" and core.symbol(one.handle, name)
    fail(("'%s' is not declared%s"):format(tostring(name), known and (", though %s has it: ffi.cdef or ffi.fn"):format(one.name) or ""), EMISSING)
  end
  local t = symbol.type
  local at = core.symbol(one.handle, symbol.label or name)
  if not at and symbol.inline then
    fail(("%s has no symbol '%s': it is an inline function, which only a compiler can call"):format(one.name, name), EMISSING)
  end
  at = at or library.address(lib, symbol.label or name, name)
  if t.k == "function" then return "function", one.prepare(lib, types.of(t), at, name) end
  return "variable", core.cast(types.of(layout.pointer(t, symbol.const)), at), t
end

local meta = {}

function meta.__index(lib, name)
  if name == "fn" then return library.fn end
  local what, value, t = resolve(lib, name)
  if what ~= "variable" then
    rawset(lib, name, value) -- from now on a field of the table
    return value
  end
  if t.k == "array" and math.type(t.count) ~= "integer" then return core.cast(types.of(layout.pointer(t.of, t.const)), value) end
  return value[0]
end

function meta.__newindex(lib, name, value)
  local what, place = resolve(lib, name)
  if what ~= "variable" then fail(("'%s' is a %s"):format(name, what)) end
  place[0] = value
end

function meta.__tostring(lib) return ("library %s"):format(state[lib].name) end

-- A namespace: lib.name is the function, variable or constant that has been declared. prepare makes the function.
function library.new(handle, name, names, prepare)
  local lib = setmetatable({}, meta)
  state[lib] = {handle = handle, name = name, names = names, prepare = prepare}
  return lib
end

function library.check(lib, function_name)
  if type(lib) ~= "table" or not state[lib] then
    fail(("bad argument #1 to '%s' (library expected, got %s)"):format(function_name, type(lib)))
  end
  return state[lib]
end

return library
