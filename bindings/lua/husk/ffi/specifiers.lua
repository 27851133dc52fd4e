-- husk.ffi.specifiers: what stands before the names of a declaration: the words of built-in types, storage, qualifiers,
-- attributes, and the bodies of structs, unions and enums.

local layout = require "husk.ffi.layout"
local constants = require "husk.ffi.constants"

local basic = layout.basic
local specifiers = {}

local function set(words, value)
  local made = {}
  for word in words:gmatch("%S+") do made[word] = value or word end
  return made
end

local storage = set "typedef extern static register auto _Thread_local __thread"
local inline = set("inline __inline __inline__ _Noreturn __extension__ noreturn", true)
local qualifiers = {const = "const", __const = "const", __const__ = "const"}
for word in ("volatile __volatile __volatile__ restrict __restrict __restrict__ _Atomic _Nonnull _Nullable"):gmatch("%S+") do
  qualifiers[word] = "other"
end
local attributes = set("__attribute__ __attribute __declspec _Alignas alignas", true)
specifiers.assembler = set("asm __asm __asm__", true)

-- The words of built-in types, by what they are counted as.
local counted = {signed = "signed", __signed = "signed", __signed__ = "signed", unsigned = "unsigned", short = "short",
  long = "long", int = "int", char = "char", float = "float", double = "double", void = "void", _Bool = "bool",
  _Complex = "complex", __complex__ = "complex", __int128 = "int128", _Float32 = "float", _Float64 = "double",
  _Float32x = "double", _Float64x = "float128", _Float128 = "float128", __float128 = "float128"}
local composed = set("struct union enum", true)
local typeof = set("typeof __typeof __typeof__", true)

-- What no name can be.
specifiers.reserved = {}
specifiers.begins = {}
for _, words in ipairs {storage, inline, qualifiers, attributes, counted, composed, typeof} do
  for word in pairs(words) do specifiers.reserved[word], specifiers.begins[word] = true, true end
end
for word in pairs(set("sizeof _Alignof if else for while do return switch case default break continue goto", true)) do
  specifiers.reserved[word] = true
end
for word in pairs(specifiers.assembler) do specifiers.reserved[word] = true end
for _, word in ipairs {"_Nonnull", "_Nullable", "noreturn", "alignas", "auto"} do
  specifiers.reserved[word] = nil
  if word == "auto" then specifiers.reserved[word] = true end
end

-- Built-in types, by their words in the order in which they are counted here.
local order = {"signed", "unsigned", "short", "long", "int", "char", "float", "double", "void", "bool", "complex", "int128", "float128"}
local built = {
  ["void"] = basic.void, ["bool"] = basic.bool, ["char"] = basic.char, ["signed char"] = basic.i8, ["unsigned char"] = basic.u8,
  ["float"] = basic.f32, ["double"] = basic.f64,
  ["long double"] = layout.strange("long double", 16), ["float complex"] = layout.strange("float _Complex", 8, 4),
  ["double complex"] = layout.strange("double _Complex", 16, 8), ["long double complex"] = layout.strange("long double _Complex", 32, 16),
  ["int128"] = layout.strange("__int128", 16), ["signed int128"] = layout.strange("__int128", 16),
  ["unsigned int128"] = layout.strange("unsigned __int128", 16),
  ["float128"] = layout.strange("_Float128", 16), ["complex float128"] = layout.strange("_Float128 _Complex", 32, 16),
  ["complex"] = layout.strange("double _Complex", 16, 8),
}
for _, int in ipairs {"", " int"} do
  for words, pair in pairs {["short"] = {"i16", "u16"}, ["long"] = {"i64", "u64"}, ["long long"] = {"i64", "u64"}} do
    built[words .. int] = basic[pair[1]]
    built["signed " .. words .. int] = basic[pair[1]]
    built["unsigned " .. words .. int] = basic[pair[2]]
  end
end
built["int"], built["signed"], built["signed int"] = basic.i32, basic.i32, basic.i32
built["unsigned"], built["unsigned int"] = basic.u32, basic.u32

-- ---- qualifiers and attributes ----

-- Skips a qualifier; answers "const", "other" or nil.
function specifiers.qualifier(p)
  local what = p:kind() == "name" and qualifiers[p:word()]
  if what then p:next() end
  return what or nil
end

local function note(p, word)
  local bare = word:match("^__(.-)__$") or word
  if bare == "packed" then p.packed = true end
  if bare == "aligned" then p.aligned = true end
  if bare == "vector_size" then p:fail(p.at, "vectors are not known") end
  return bare
end

-- Skips attributes; answers whether there were any. What matters of them is noted in the parser: packed, aligned, mode.
function specifiers.attributes(p)
  local found = false
  while p:kind() == "name" and attributes[p:word()] or p:kind() == "[" and p.source.words[p.at + 1] == "[" do
    found = true
    if p:kind() == "[" then
      p:skip("[", "]")
    else
      local word, from, depth = p:next(), p.at, 0
      if word == "_Alignas" or word == "alignas" then p.aligned = true end
      repeat
        local kind = p:kind()
        if kind == "end" then p:fail(from, "an attribute without an end") end
        if kind == "(" then depth = depth + 1 elseif kind == ")" then depth = depth - 1 end
        if depth == 0 and kind ~= ")" then p:fail(p.at, "'(' expected after %s, got %s", word, p:shown()) end
        if kind == "name" and depth == 2 and note(p, p:word()) == "mode" and p.source.words[p.at + 1] == "(" then
          p.mode = p.source.words[p.at + 2]
        end
        p:next()
      until depth == 0
    end
  end
  return found
end

local modes = {QI = 8, HI = 16, SI = 32, DI = 64, word = 64, pointer = 64, byte = 8, unwind_word = 64}

-- The integer type of a machine mode, signed as t is.
function specifiers.of_mode(p, at, mode, t)
  local bare = mode:match("^__(.-)__$") or mode
  local bits = modes[bare]
  if not bits or not t.size or t.k == "pointer" then p:fail(at, "mode '%s' is not known here", mode) end
  return basic[(t.k:sub(1, 1) == "u" and "u" or "i") .. bits]
end

-- ---- structs, unions, enums ----

-- The type with that tag, which is of this kind, declared now if it is not known.
local function tagged(p, at, kind, tag)
  local known = p.names.tags[tag]
  if known and known.k ~= kind then p:fail(at, "'%s' is declared already, as %s", tag, known.k) end
  if not known then
    known = {k = kind, tag = tag}
    p.names.tags[tag] = known
  end
  return known
end

-- Sets entries of a type, which may be older than the text.
local function define(p, t, entries)
  local function put(with)
    for key in pairs(entries) do t[key] = with[key] end
  end
  put(entries)
  p.undo[#p.undo + 1] = function() put({}) end
end

local function check_field(p, at, t, last)
  if t.k == "void" then p:fail(at, "a member of type void") end
  if t.k == "function" then p:fail(at, "a member that is a function; a pointer to one is '(*name)(...)'") end
  if t.k == "array" and not t.count then
    if not last then p:fail(at, "only the last member may be an array without a count") end
    return
  end
  local size, why = layout.measure(t)
  if not size and not (t.why or (why and why:find("cannot be laid out", 1, true))) then p:fail(at, "a member of an incomplete type: %s", why) end
end

local function add_field(p, fields, names, at, field)
  if field.name then
    if names[field.name] then p:fail(at, "two members are called '%s'", field.name) end
    names[field.name] = true
  end
  fields[#fields + 1] = field
  if #fields > 4096 then p:fail(at, "more than 4096 members") end
end

-- Names that an unnamed member brings in.
local function add_inner(p, names, at, t)
  for _, field in ipairs(t.fields or {}) do
    if field.name then
      if names[field.name] then p:fail(at, "two members are called '%s'", field.name) end
      names[field.name] = true
    else
      add_inner(p, names, at, field.type)
    end
  end
end

-- "{ members }": the fields, and why they cannot be laid out, if so.
local function members(p)
  local fields, names, why = {}, {}, nil
  p:expect("{", "before the members")
  while not p:accept("}") do
    if p:accept(";") then
      -- an empty member
    elseif p:word() == "_Static_assert" then
      p:next()
      p:skip("(", ")")
    else
      local at = p.at
      if not p:is_type() then
        if p:kind() == "name" then p:fail(at, "unknown type '%s'", p:word()) end
        p:fail(at, "a member or '}' expected, got %s", p:shown())
      end
      local base, const, kept = specifiers.read(p)
      if kept then p:fail(at, "'%s' in a struct", kept) end
      if p:word() == ";" then
        if (base.k == "struct" or base.k == "union") and not base.tag then
          add_inner(p, names, at, base)
          add_field(p, fields, names, at, {type = base})
          why = why or base.why
        elseif not base.tag then
          p:fail(p.at, "a member without a name")
        end
      else
        repeat
          local name, name_at, t
          if p:word() == ":" then
            t = base
          else
            local wrap
            name, name_at, wrap = p:deeper(p.declarator, "named")
            t = wrap(base, const)
          end
          local bits
          if p:accept(":") then
            bits = constants.read(p)
            if bits < 0 or bits > 64 then p:fail(p.at - 1, "a bit-field of %d bits", bits) end
            why = why or "it has bit-fields"
          end
          specifiers.attributes(p)
          if p.aligned then why = why or "a member has an alignment of its own" end
          p.aligned = nil
          if fields[#fields] and fields[#fields].open then p:fail(at, "only the last member may be an array without a count") end
          check_field(p, name_at or at, t, true)
          why = why or t.why and ("member '%s' cannot"):format(name or "")
          add_field(p, fields, names, name_at or at, {name = name, type = t, bits = bits, open = t.k == "array" and not t.count})
        until not p:accept(",")
      end
      p:expect(";", "after the member")
    end
  end
  return fields, why
end

local function structure(p, kind)
  local outer_packed, outer_aligned = p.packed, p.aligned
  p.packed, p.aligned = nil, nil
  specifiers.attributes(p)
  local at, tag = p.at, nil
  if p:kind() == "name" and not specifiers.reserved[p:word()] then tag = p:next() end
  local t = tag and tagged(p, at, kind, tag) or {k = kind}
  if p:kind() == "{" then
    local fields, why = p:deeper(members)
    specifiers.attributes(p)
    if p.packed then why = why or "it is packed" end
    if p.aligned then why = why or "it has an alignment of its own" end
    if #fields == 0 then why = why or "it has no members" end
    if t.fields then
      if not layout.same_fields(t.fields, fields) then p:fail(at, "'%s %s' is declared already, with other members", kind, tag) end
    else
      define(p, t, {fields = fields, why = why})
      local size = layout.measure(t)
      if size and size > 0x40000000 then p:fail(at, "%s of more than 2^30 bytes", kind) end
    end
  elseif not tag then
    p:fail(p.at, "a name or '{' expected after '%s', got %s", kind, p:shown())
  end
  p.packed, p.aligned = outer_packed, outer_aligned
  return t
end

local function enumerators(p)
  local made, value, least, most = {}, -1, 0, 0
  p:expect("{", "before the constants")
  repeat
    if p:word() == "}" then break end
    local at = p.at
    local name = p:name("a constant")
    specifiers.attributes(p)
    if p:accept("=") then
      local kind
      value, kind = constants.read(p)
      if kind == "u64" and value < 0 then p:fail(at, "constant '%s' is beyond 2^63 - 1", name) end
    else
      value = value + 1
    end
    p:add_constant(at, name, value)
    made[#made + 1] = {name = name, value = value}
    least, most = math.min(least, value), math.max(most, value)
    if #made > 4096 then p:fail(at, "more than 4096 constants") end
  until not p:accept(",")
  p:expect("}", "after the constants")
  if #made == 0 then p:fail(p.at - 1, "an enum without constants") end
  local under = least >= -0x80000000 and most <= 0x7fffffff and basic.i32 or least >= 0 and most <= 0xffffffff and basic.u32 or basic.i64
  return made, under
end

local function enumeration(p)
  specifiers.attributes(p)
  local at, tag = p.at, nil
  if p:kind() == "name" and not specifiers.reserved[p:word()] then tag = p:next() end
  local t = tag and tagged(p, at, "enum", tag) or {k = "enum"}
  if p:kind() == "{" then
    local made, under = p:deeper(enumerators)
    specifiers.attributes(p)
    if p.packed then p:fail(at, "a packed enum") end
    if t.constants then
      if not layout.same_constants(t.constants, made) then p:fail(at, "'enum %s' is declared already, with other constants", tag) end
    else
      define(p, t, {constants = made, under = under})
    end
  elseif not tag then
    p:fail(p.at, "a name or '{' expected after 'enum', got %s", p:shown())
  end
  return t
end

-- ---- all of it ----

-- Reads specifiers: the type, whether it is const, "typedef" or other storage, whether it is inline, a machine mode.
function specifiers.read(p)
  local start, t, const, kept, is_inline = p.at, nil, false, nil, false
  local counts, any = {}, false
  while p:kind() == "name" or p:kind() == "[" do
    local word, at = p:word(), p.at
    if specifiers.attributes(p) then
      -- noted
    elseif p:kind() ~= "name" then
      break
    elseif storage[word] then
      if kept and storage[word] == "typedef" then p:fail(at, "'typedef' beside '%s'", kept) end
      kept = (word == "extern" or word == "register" or word:find("hread")) and kept or word
      p:next()
    elseif inline[word] then
      is_inline = is_inline or word:find("inline") ~= nil
      p:next()
    elseif qualifiers[word] then
      const = specifiers.qualifier(p) == "const" or const
    elseif counted[word] then
      if t then p:fail(at, "'%s' after a type", word) end
      local what = counted[word]
      counts[what] = (counts[what] or 0) + 1
      any = true
      p:next()
    elseif typeof[word] then
      p:fail(at, "%s is not known", word)
    elseif composed[word] then
      if t or any then p:fail(at, "'%s' after a type", word) end
      p:next()
      t = word == "enum" and p:deeper(enumeration) or word ~= "enum" and p:deeper(structure, word)
    elseif not t and not any then
      local type, type_const = p:typedef(word)
      if not type then p:fail(at, "unknown type '%s'", word) end
      t, const = type, const or type_const or false
      p:next()
    else
      break
    end
  end
  if not t then
    local words = {}
    for _, what in ipairs(order) do
      for _ = 1, counts[what] or 0 do words[#words + 1] = what end
    end
    if #words == 0 then p:fail(p.at, "a type expected, got %s", p:shown()) end
    t = built[table.concat(words, " ")]
    if not t then p:fail(start, "'%s' is no type", table.concat(words, " ")) end
  end
  local mode = p.mode
  p.mode, p.packed, p.aligned = nil, nil, p.in_struct and p.aligned or nil
  return t, const, kept, is_inline, mode
end

return specifiers
