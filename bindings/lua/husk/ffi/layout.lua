-- husk.ffi.layout: types as declarations know them, before anything is made in the core: their kinds, when two are the
-- same, their sizes and spellings. A type is a table with k:
--
--   "i32" and so on   a built-in type; one table each, in layout.basic
--   "pointer"         to, const (what it points to is const)
--   "array"           of, const, count (an integer; nil: left open; "?": given when one is made)
--   "function"        result, params (a sequence of {type, const}), variadic
--   "struct" "union"  tag (nil: none), fields (nil: only declared; {name, type, bits}), why (it cannot be laid out)
--   "enum"            tag, constants ({name, value}), under (a built-in type)
--   "strange"         name, size, align: what C compilers have and this library has not (long double, va_list)

local layout = {}

local basic = {}
layout.basic = basic
for name, size in pairs {void = 0, bool = 1, char = 1, i8 = 1, u8 = 1, i16 = 2, u16 = 2, i32 = 4, u32 = 4, i64 = 8, u64 = 8,
    f32 = 4, f64 = 8, str = 8, ref = 8} do
  basic[name] = {k = name, size = size, align = size}
end

local strange = {}

-- A type that can be named and pointed to, and nothing else; one table for each name.
function layout.strange(name, size, align)
  local made = strange[name] or {k = "strange", name = name, size = size, align = align or size}
  strange[name] = made
  return made
end

function layout.pointer(to, const) return {k = "pointer", to = to, const = const or nil, size = 8, align = 8} end

-- ---- sameness ----

-- Whether two types are one to C. Structs and enums with a tag are when they are one table; others by what is in them.
local function same(a, b)
  if a == b then return true end
  if a.k ~= b.k then return false end
  if a.k == "pointer" then return a.const == b.const and same(a.to, b.to) end
  if a.k == "array" then return a.count == b.count and same(a.of, b.of) end
  if a.k == "function" then
    if #a.params ~= #b.params or a.variadic ~= b.variadic or not same(a.result, b.result) then return false end
    for i, param in ipairs(a.params) do
      if not same(param.type, b.params[i].type) then return false end
    end
    return true
  end
  if a.tag or b.tag then return false end
  if a.k == "struct" or a.k == "union" then return layout.same_fields(a.fields, b.fields) end
  if a.k == "enum" then return layout.same_constants(a.constants, b.constants) end
  return false
end
layout.same = same

function layout.same_fields(a, b)
  if not a or not b or #a ~= #b then return false end
  for i, field in ipairs(a) do
    local other = b[i]
    if field.name ~= other.name or field.bits ~= other.bits or not same(field.type, other.type) then return false end
  end
  return true
end

function layout.same_constants(a, b)
  if not a or not b or #a ~= #b then return false end
  for i, constant in ipairs(a) do
    if constant.name ~= b[i].name or constant.value ~= b[i].value then return false end
  end
  return true
end

-- ---- sizes ----

-- Size and alignment, or nil and why there is none.
local function measure(t)
  if t.k == "void" then return nil, "void has no size" end
  if t.k == "function" then return nil, "a function has no size" end
  if t.size then return t.size, t.align end
  if t.k == "enum" then
    if not t.under then return nil, layout.spell(t) .. " is not declared yet" end
    return t.under.size, t.under.align
  end
  if t.k == "array" then
    local size, align = measure(t.of)
    if not size then return nil, align end
    if math.type(t.count) ~= "integer" then return nil, "the array has no count" end
    return size * t.count, align
  end
  if t.why then return nil, ("%s cannot be laid out: %s"):format(layout.spell(t), t.why) end
  if not t.fields then return nil, ("%s is only declared, not defined"):format(layout.spell(t)) end
  local size, align = 0, 1
  for _, field in ipairs(t.fields) do
    local one, a = measure(field.type)
    if not one then
      if field.type.k ~= "array" or field.type.count then return nil, a end
      one, a = 0, select(2, measure(field.type.of)) -- a flexible member
    end
    if t.k == "struct" then
      field.offset = (size + a - 1) // a * a
      size = field.offset + one
    else
      field.offset = 0
      size = math.max(size, one)
    end
    align = math.max(align, a)
  end
  return (size + align - 1) // align * align, align
end
layout.measure = measure

-- The offset and type of a member, through unnamed ones too, or nil.
function layout.member(t, name)
  if not measure(t) then return nil end
  for _, field in ipairs(t.fields or {}) do
    if field.name == name then return field.offset, field.type end
    if not field.name and (field.type.k == "struct" or field.type.k == "union") then
      local offset, type = layout.member(field.type, name)
      if offset then return field.offset + offset, type end
    end
  end
end

-- ---- spelling ----

local words = {i8 = "signed char", u8 = "unsigned char", i16 = "short", u16 = "unsigned short", i32 = "int", u32 = "unsigned int",
  i64 = "long", u64 = "unsigned long", f32 = "float", f64 = "double", str = "const char *", ref = "husk_obj *"}

-- The type as C writes it, round a name or none.
function layout.spell(t, inner, const)
  inner = inner or ""
  local space = (inner == "" or inner:find("^%[")) and "" or " "
  local before = const and "const " or ""
  if t.k == "pointer" then
    local round = t.to.k == "array" or t.to.k == "function"
    return layout.spell(t.to, round and "(*" .. inner .. ")" or "*" .. inner, t.const)
  end
  if t.k == "array" then return layout.spell(t.of, ("%s[%s]"):format(inner, t.count or ""), t.const) end
  if t.k == "function" then
    local params = {}
    for i, param in ipairs(t.params) do params[i] = layout.spell(param.type, nil, param.const) end
    if t.variadic then params[#params + 1] = "..." end
    return layout.spell(t.result, ("%s(%s)"):format(inner, #params == 0 and "void" or table.concat(params, ", ")))
  end
  if (t.k == "struct" or t.k == "union" or t.k == "enum") and not t.alias then
    return ("%s%s %s%s%s"):format(before, t.k, t.tag or "{...}", space, inner)
  end
  local name = t.k == "strange" and t.name or t.alias or words[t.k] or t.k
  if name:sub(-1) == "*" then space = "" end
  return before .. name .. space .. inner
end

return layout
