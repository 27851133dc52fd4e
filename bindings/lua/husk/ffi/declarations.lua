-- husk.ffi.declarations: what C declarations say, by recursive descent. It makes types (layout.lua) and names, and nothing in
-- the core: a name costs something only when it is used.
--
-- Names are {typedefs, tags, symbols, constants}: tables by name. A text is read into layers above them, which are merged
-- when all of it has been understood; what it did to types that were there before is on a list and undone otherwise.

local lexer = require "husk.ffi.lexer"
local layout = require "husk.ffi.layout"
local constants = require "husk.ffi.constants"
local specifiers = require "husk.ffi.specifiers"

local basic = layout.basic
local declarations = {}

-- Names that are there from the start and may be declared otherwise.
local given = {
  size_t = basic.u64, ssize_t = basic.i64, ptrdiff_t = basic.i64, intptr_t = basic.i64, uintptr_t = basic.u64,
  int8_t = basic.i8, uint8_t = basic.u8, int16_t = basic.i16, uint16_t = basic.u16, int32_t = basic.i32, uint32_t = basic.u32,
  int64_t = basic.i64, uint64_t = basic.u64, wchar_t = basic.i32, bool = basic.bool,
  va_list = layout.strange("va_list", 24, 8), __builtin_va_list = layout.strange("va_list", 24, 8),
  i8 = basic.i8, u8 = basic.u8, i16 = basic.i16, u16 = basic.u16, i32 = basic.i32, u32 = basic.u32, i64 = basic.i64,
  u64 = basic.u64, f32 = basic.f32, f64 = basic.f64, str = basic.str, ref = basic.ref,
}

function declarations.names() return {typedefs = {}, tags = {}, symbols = {}, constants = {}} end

-- ---- the parser's hands ----

local parser = {}
parser.__index = parser

function parser:kind() return self.source.kinds[self.at] end

function parser:word() return self.source.words[self.at] end

-- Goes on; answers the word, or what is asked for, of the token that it leaves.
function parser:next(what)
  local at = self.at
  if self.source.kinds[at] ~= "end" then self.at = at + 1 end
  return what == "value" and self.source.values[at] or self.source.words[at]
end

function parser:fail(at, ...) return lexer.fail(self.source.text, self.source.at[at], ...) end

function parser:accept(word)
  if self.source.words[self.at] ~= word or self.source.kinds[self.at] == "text" then return false end
  self.at = self.at + 1
  return true
end

function parser:expect(word, why)
  if not self:accept(word) then
    self:fail(self.at, "'%s' expected %s, got %s", word, why, self:shown())
  end
end

-- The present token in a message.
function parser:shown()
  local word = self:word()
  return self:kind() == "end" and word or "'" .. (#word > 40 and word:sub(1, 40) .. "..." or word) .. "'"
end

function parser:name(what)
  if self:kind() ~= "name" or specifiers.reserved[self:word()] then
    self:fail(self.at, "the name of %s expected, got %s", what, self:shown())
  end
  return self:next()
end

-- Calls f one level deeper: what nests without end is refused before the stack is.
function parser:deeper(f, ...)
  self.depth = self.depth + 1
  if self.depth > 100 then self:fail(self.at, "nested more than 100 deep") end
  local a, b, c = f(self, ...)
  self.depth = self.depth - 1
  return a, b, c
end

-- The same where C does not evaluate: no division fails.
function parser:quietly(f, ...)
  self.quiet = self.quiet + 1
  local value = self:deeper(f, ...)
  self.quiet = self.quiet - 1
  return value
end

function parser:constant(word) return self.names.constants[word] end

function parser:typedef(word)
  local t = self.names.typedefs[word]
  if t then return t.type, t.const end
  if self.names.symbols[word] or self.names.constants[word] then return nil end
  return given[word]
end

-- Skips from an opening mark to its partner.
function parser:skip(open, close)
  local from, depth = self.at, 0
  repeat
    local kind = self:kind()
    if kind == "end" then self:fail(from, "'%s' without '%s'", open, close) end
    if kind == open then depth = depth + 1 elseif kind == close then depth = depth - 1 end
    self:next()
  until depth == 0
end

function parser:is_type()
  if self:kind() ~= "name" then return false end
  local word = self:word()
  return specifiers.begins[word] or self:typedef(word) ~= nil
end

-- ---- declarators ----

local function check_element(p, at, t)
  if t.k == "void" then p:fail(at, "an array of void") end
  if t.k == "function" then p:fail(at, "an array of functions") end
  if t.k == "array" and not t.count then p:fail(at, "an array of arrays without a count") end
end

-- Reads "(...)": the parameters.
local function parameters(p)
  local params, variadic = {}, false
  p:expect("(", "before parameters")
  if p:accept(")") then return params, false end
  if p:word() == "void" and p.source.words[p.at + 1] == ")" then
    p:next()
    p:next()
    return params, false
  end
  repeat
    if p:accept("...") then
      variadic = true
      break
    end
    local at = p.at
    if not p:is_type() and p:kind() == "name" then p:fail(at, "unknown type '%s'", p:word()) end
    if not p:is_type() then p:fail(at, "the type of a parameter expected, got %s", p:shown()) end
    local base, const = specifiers.read(p)
    local name, _, wrap = p:deeper(parser.declarator, "maybe")
    local t, c = wrap(base, const)
    specifiers.attributes(p)
    if t.k == "array" then t, c = layout.pointer(t.of, t.const), false end
    if t.k == "function" then t, c = layout.pointer(t), false end
    if t.k == "void" then p:fail(at, "a parameter of type void") end
    params[#params + 1] = {type = t, const = c or nil, name = name}
    if #params > 127 then p:fail(at, "more than 127 parameters") end
  until not p:accept(",")
  p:expect(")", "after the parameters")
  return params, variadic
end

-- Reads "[...]": the count, nil if there is none.
local function count_of(p, outermost)
  p:expect("[", "before a count")
  while p:accept("static") or specifiers.qualifier(p) do end
  local at, count = p.at, nil
  if p:accept("?") then
    if not (p.open and outermost) then p:fail(at, "'?' stands only where the count is given later, as in ffi.new(\"int[?]\", n)") end
    count = "?"
  elseif p:word() == "*" and p.source.words[p.at + 1] == "]" then
    p:next()
  elseif p:word() ~= "]" then
    local kind
    count, kind = constants.read(p)
    if count < 0 and kind ~= "u64" then p:fail(at, "an array of %d elements", count) end
    if count < 0 or count > 0x40000000 then p:fail(at, "an array of more than 2^30 elements") end
  end
  p:expect("]", "after the count")
  return count
end

-- A declarator: "name", "*name", "(*name)(int)", "name[3]". mode: "named", "maybe" or "abstract" (no name). Answers the
-- name, its token, and a function that makes of a base type and its const the type and const of the name.
function parser:declarator(mode)
  local p = self
  local stars = {}
  specifiers.attributes(p)
  while p:accept("*") do
    local const = false
    local word = specifiers.qualifier(p)
    while word do
      const = const or word == "const"
      word = specifiers.qualifier(p)
    end
    stars[#stars + 1] = const
    if #stars > 30 then p:fail(p.at, "nested more than 30 deep") end
    specifiers.attributes(p)
  end
  local name, name_at, inner = nil, p.at, nil
  if p:kind() == "name" and mode ~= "abstract" and not specifiers.reserved[p:word()] then
    name = p:next()
  elseif p:word() == "(" and p:kind() ~= "text" then
    local from = p.at
    p:next()
    if mode == "abstract" and p:kind() == "name" and not p:is_type() and not specifiers.reserved[p:word()] then
      p:fail(p.at, "unknown type '%s'", p:word())
    end
    local params = mode ~= "named" and (p:word() == ")" or p:is_type())
    if params then
      p.at = from
    else
      name, name_at, inner = p:deeper(parser.declarator, mode)
      p:expect(")", "after the declarator")
    end
  end
  if mode == "named" and not name then p:fail(p.at, "a name expected, got %s", p:shown()) end
  local suffixes = {}
  while true do
    specifiers.attributes(p)
    local at = p.at
    if p:kind() == "[" then
      suffixes[#suffixes + 1] = {at = at, k = "array", count = p:deeper(count_of, #suffixes == 0 and not inner)}
    elseif p:kind() == "(" then
      local params, variadic = p:deeper(parameters)
      suffixes[#suffixes + 1] = {at = at, k = "function", params = params, variadic = variadic}
    else
      break
    end
    if #suffixes > 30 then p:fail(at, "nested more than 30 deep") end
  end
  local function wrap(t, const)
    for _, star in ipairs(stars) do t, const = layout.pointer(t, const), star end
    for i = #suffixes, 1, -1 do
      local one = suffixes[i]
      if one.k == "array" then
        check_element(p, one.at, t)
        t = {k = "array", of = t, const = const or nil, count = one.count}
        local size = type(one.count) == "number" and layout.measure(t)
        if size and size > 0x40000000 then p:fail(one.at, "an array of more than 2^30 bytes") end
      else
        if t.k == "array" or t.k == "function" then p:fail(one.at, "a function cannot return %s", t.k == "array" and "an array" or "a function") end
        t = {k = "function", result = t, params = one.params, variadic = one.variadic, result_const = const or nil}
      end
      const = false
    end
    if inner then return inner(t, const) end
    return t, const
  end
  return name, name_at, wrap
end

-- A type without a name: "int", "const char *", "int (*)(int)".
function parser:type_name()
  if not self:is_type() and self:kind() == "name" then self:fail(self.at, "unknown type '%s'", self:word()) end
  if not self:is_type() then self:fail(self.at, "a type expected, got %s", self:shown()) end
  local base, const, storage = specifiers.read(self)
  if storage then self:fail(self.at, "'%s' in the name of a type", storage) end
  local _, _, wrap = self:deeper(parser.declarator, "abstract")
  specifiers.attributes(self)
  return wrap(base, const)
end

-- ---- declarations ----

-- A name may be declared again as what it was.
local function taken(p, at, name, as)
  for _, what in ipairs {"typedefs", "symbols", "constants"} do
    if what ~= as and p.names[what][name] then p:fail(at, "'%s' is declared already, as something else", name) end
  end
end

function parser:add_constant(at, name, value)
  taken(self, at, name, "constants")
  local old = self.names.constants[name]
  if old and old ~= value then self:fail(at, "'%s' is declared already, as %d", name, old) end
  self.names.constants[name] = value
end

local function add_typedef(p, at, name, t, const)
  taken(p, at, name, "typedefs")
  local old = p.names.typedefs[name]
  if old and not layout.same(old.type, t) then
    p:fail(at, "'%s' is declared already, as '%s'", name, layout.spell(old.type))
  end
  if not old then
    p.names.typedefs[name] = {type = t, const = const or nil}
    -- What has no tag is known by this name, in messages, and to be another type than one that looks the same.
    if (t.k == "struct" or t.k == "union" or t.k == "enum") and not t.tag and not t.alias then t.alias = name end
  end
end

local function add_symbol(p, at, name, t, const, label, inline)
  taken(p, at, name, "symbols")
  local old = p.names.symbols[name]
  if old then
    local open = t.k == "array" and old.type.k == "array" and layout.same(t.of, old.type.of) and not (t.count and old.type.count)
    if not open and not layout.same(old.type, t) then
      p:fail(at, "'%s' is declared already, as '%s'", name, layout.spell(old.type, name))
    end
    label = label or old.label
    if open and old.type.count then t = old.type end
  end
  p.names.symbols[name] = {type = t, const = const or nil, label = label, inline = inline or nil}
end

-- What stands behind a declarator: attributes and an assembler name, in any order.
local function label_of(p)
  local label
  while true do
    if specifiers.attributes(p) then
      -- goes on
    elseif specifiers.assembler[p:word()] then
      p:next()
      while specifiers.qualifier(p) do end
      p:expect("(", "after asm")
      label = ""
      if p:kind() ~= "text" then p:fail(p.at, "a string expected, got %s", p:shown()) end
      while p:kind() == "text" do label = label .. p:next("value") end
      p:expect(")", "after the string")
    else
      return label
    end
  end
end

-- What an object is set to: a constant of `static const int x = 3`, skipped otherwise.
local function initializer(p, name, t, const, storage)
  local at = p.at - 2
  local from = p.at
  if storage == "static" and const and (t.size and t.size <= 8 and t.k ~= "pointer" and t.k ~= "f32" and t.k ~= "f64" or t.k == "enum") then
    p:add_constant(at, name, (constants.read(p)))
    return
  end
  while p:word() ~= "," and p:word() ~= ";" do
    local kind = p:kind()
    if kind == "end" then p:fail(from, "a value without an end") end
    if kind == "{" then p:skip("{", "}") elseif kind == "(" then p:skip("(", ")") else p:next() end
  end
end

local function declaration(p)
  if p:accept(";") then return end
  local word = p:word()
  if word == "_Static_assert" or word == "static_assert" then
    p:next()
    p:skip("(", ")")
    return p:expect(";", "after _Static_assert")
  end
  if specifiers.assembler[word] then
    p:next()
    while specifiers.qualifier(p) do end
    p:skip("(", ")")
    return p:expect(";", "after asm")
  end
  local start = p.at
  if not p:is_type() then
    if p:kind() == "name" then p:fail(start, "unknown type '%s'", word) end
    p:fail(start, "a declaration expected, got %s", p:shown())
  end
  local base, const, storage, inline, mode = specifiers.read(p)
  if p:accept(";") then return end
  repeat
    local name, at, wrap = p:declarator("named")
    local t, c = wrap(base, const)
    if mode then t = specifiers.of_mode(p, at, mode, t) end
    local label = label_of(p)
    local late = p.mode
    if late then t, p.mode = specifiers.of_mode(p, at, late, t), nil end
    if storage == "typedef" then
      add_typedef(p, at, name, t, c)
    elseif t.k == "function" and p:word() == "{" then
      p:skip("{", "}")
      add_symbol(p, at, name, t, c, label, true)
      return
    elseif p:accept("=") then
      if t.k == "function" then p:fail(at, "a function cannot have a value") end
      initializer(p, name, t, c, storage)
      if not p.names.constants[name] then add_symbol(p, at, name, t, c, label, storage == "static") end
    else
      if t.k == "void" then p:fail(at, "'%s' is declared as void", name) end
      add_symbol(p, at, name, t, c, label, (storage == "static" or inline) and t.k == "function" or nil)
    end
  until not p:accept(",")
  if p:word() ~= ";" and p:kind() == "name" then
    p:fail(p.at, "';' expected after the declaration, got %s", p:shown())
  end
  p:expect(";", "after the declaration")
end

-- ---- texts ----

local kinds = {"typedefs", "tags", "symbols", "constants"}

-- Reads with f what text says; all names go into `names`, or none.
local function read(names, text, open, f)
  local layers, p = {}, nil
  for _, kind in ipairs(kinds) do layers[kind] = setmetatable({}, {__index = names[kind]}) end
  local undo = {}
  local ok, a, b = pcall(function()
    p = setmetatable({source = lexer.read(text), at = 1, names = layers, depth = 0, quiet = 0, open = open, undo = undo}, parser)
    return f(p)
  end)
  if not ok then
    for i = #undo, 1, -1 do undo[i]() end
    error(a, 0)
  end
  for _, kind in ipairs(kinds) do
    for name, value in pairs(layers[kind]) do names[kind][name] = value end
  end
  return a, b
end

-- Reads declarations. Raises a lexer.fault, and nothing has been declared.
function declarations.read(names, text)
  return read(names, text, false, function(p)
    while p:kind() ~= "end" do declaration(p) end
  end)
end

-- Reads the name of a type, which may end in "[?]": the type and whether it is const.
function declarations.type(names, text)
  return read(names, text, true, function(p)
    local t, const = p:type_name()
    if p:kind() ~= "end" then p:fail(p.at, "a type ends before %s", p:shown()) end
    return t, const
  end)
end

-- The type of a name that is there from the start.
function declarations.given(name) return given[name] end

return declarations
