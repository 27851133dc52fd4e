-- husk.ffi.constants: constant expressions of declarations: enum values, array counts, widths of bit-fields. The whole of C's
-- integer expressions, with its types int, unsigned int, long and unsigned long and its rules for mixing them.

local layout = require "husk.ffi.layout"

local constants = {}

-- A value is {value = 64 bits, kind = one of these}.
local rank = {i32 = 1, u32 = 2, i64 = 3, u64 = 4}

-- Bits as a value of that kind.
local function fit(value, kind)
  if kind == "i32" then
    value = value & 0xffffffff
    if value >= 0x80000000 then value = value - 0x100000000 end
  elseif kind == "u32" then
    value = value & 0xffffffff
  end
  return {value = value, kind = kind}
end

local function truth(flag) return {value = flag and 1 or 0, kind = "i32"} end

-- Division that C has: towards zero; unsigned ones of 64 bits too.
local function divide(a, b, kind)
  if kind ~= "u64" then
    local q = math.abs(a) // math.abs(b)
    if a == math.mininteger or b == math.mininteger then
      q = a // b
      if q < 0 and q * b ~= a then q = q + 1 end
      return q
    end
    if (a < 0) ~= (b < 0) then q = -q end
    return q
  end
  if b < 0 then return math.ult(a, b) and 0 or 1 end
  if a >= 0 then return a // b end
  local q = ((a >> 1) // b) << 1
  if not math.ult(a - q * b, b) then q = q + 1 end
  return q
end

local function less(a, b, kind)
  if kind == "u64" then return math.ult(a, b) end
  return a < b
end

local binary = {
  ["*"] = {10, function(a, b) return a * b end},
  ["/"] = {10, divide},
  ["%"] = {10, function(a, b, kind) return a - divide(a, b, kind) * b end},
  ["+"] = {9, function(a, b) return a + b end},
  ["-"] = {9, function(a, b) return a - b end},
  ["<<"] = {8}, [">>"] = {8},
  ["<"] = {7, function(a, b, kind) return less(a, b, kind) end, true},
  [">"] = {7, function(a, b, kind) return less(b, a, kind) end, true},
  ["<="] = {7, function(a, b, kind) return not less(b, a, kind) end, true},
  [">="] = {7, function(a, b, kind) return not less(a, b, kind) end, true},
  ["=="] = {6, function(a, b) return a == b end, true},
  ["!="] = {6, function(a, b) return a ~= b end, true},
  ["&"] = {5, function(a, b) return a & b end},
  ["^"] = {4, function(a, b) return a ~ b end},
  ["|"] = {3, function(a, b) return a | b end},
  ["&&"] = {2}, ["||"] = {1},
}

local function apply(p, at, mark, a, b)
  if mark == "&&" then return truth(a.value ~= 0 and b.value ~= 0) end
  if mark == "||" then return truth(a.value ~= 0 or b.value ~= 0) end
  if mark == "<<" or mark == ">>" then
    local bits = rank[a.kind] > 2 and 64 or 32
    if (b.value < 0 or b.value >= bits) and p.quiet > 0 then return fit(0, a.kind) end
    if b.value < 0 or b.value >= bits then p:fail(at, "a shift by %d of a value of %d bits", b.value, bits) end
    if mark == "<<" then return fit(a.value << b.value, a.kind) end
    if a.value < 0 and a.kind ~= "u64" then return fit(~(~a.value >> b.value), a.kind) end
    return fit(a.value >> b.value, a.kind)
  end
  local kind = rank[a.kind] > rank[b.kind] and a.kind or b.kind
  local left, right = fit(a.value, kind).value, fit(b.value, kind).value
  if (mark == "/" or mark == "%") and right == 0 then
    if p.quiet > 0 then return fit(0, kind) end
    p:fail(at, "a division by zero")
  end
  local value = binary[mark][2](left, right, kind)
  if binary[mark][3] then return truth(value) end
  return fit(value, kind)
end

local expression

-- As the type says, which is an integer type.
local function convert(p, at, v, t)
  if t.k == "enum" then t = t.under or layout.basic.i32 end
  if t.k == "bool" then return truth(v.value ~= 0) end
  local bits = ({char = 8, i8 = 8, u8 = 8, i16 = 16, u16 = 16})[t.k]
  if bits then
    local value = v.value & ((1 << bits) - 1)
    if t.k:sub(1, 1) ~= "u" and value >= 1 << (bits - 1) then value = value - (1 << bits) end
    return {value = value, kind = "i32"}
  end
  if not rank[t.k] then p:fail(at, "a constant cannot be made a '%s'", layout.spell(t)) end
  return fit(v.value, t.k)
end

local function size_of(p, what)
  local at = p.at
  p:next()
  p:expect("(", "after " .. what)
  if not p:is_type() then p:fail(p.at, "%s(a type) is known, of expressions it is not", what) end
  local t = p:type_name()
  p:expect(")", "after the type")
  local size, align = layout.measure(t)
  if not size then p:fail(at, "%s: %s", what, align) end
  return {value = what == "sizeof" and size or align, kind = "u64"}
end

local function offset_of(p)
  p:next()
  p:expect("(", "after __builtin_offsetof")
  local t = p:type_name()
  p:expect(",", "between type and member")
  local sum = 0
  repeat
    local at = p.at
    local name = p:name("a member")
    local offset, inner = layout.member(t, name)
    if not offset then p:fail(at, "%s has no member '%s'", layout.spell(t), name) end
    sum, t = sum + offset, inner
  until not p:accept(".")
  p:expect(")", "after the member")
  return {value = sum, kind = "u64"}
end

local function unary(p)
  local at, kind = p.at, p:kind()
  if kind == "integer" then return p:next("value") end
  if kind == "+" or kind == "-" or kind == "~" or kind == "!" then
    p:next()
    local v = p:deeper(unary)
    if kind == "!" then return truth(v.value == 0) end
    if kind == "-" then return fit(-v.value, v.kind) end
    if kind == "~" then return fit(~v.value, v.kind) end
    return v
  end
  if kind == "(" then
    p:next()
    if p:is_type() then
      local t = p:type_name()
      p:expect(")", "after the type of a cast")
      return convert(p, at, p:deeper(unary), t)
    end
    local v = p:deeper(expression)
    p:expect(")", "to close the parenthesis")
    return v
  end
  if kind == "name" then
    local word = p:word()
    if word == "sizeof" then return size_of(p, "sizeof") end
    if word == "_Alignof" or word == "__alignof__" or word == "alignof" or word == "__alignof" then
      return size_of(p, "_Alignof")
    end
    if word == "__builtin_offsetof" then return offset_of(p) end
    if word == "__extension__" then
      p:next()
      return unary(p)
    end
    local value = p:constant(word)
    if not value then p:fail(at, "'%s' is no constant", word) end
    p:next()
    return fit(value, value >= -0x80000000 and value <= 0x7fffffff and "i32" or "i64")
  end
  if kind == "float" then p:fail(at, "a constant expression of integers expected, got '%s'", p:word()) end
  p:fail(at, "a constant expression expected, got '%s'", p:word())
end

local function climb(p, least)
  local left = unary(p)
  while true do
    local at, mark = p.at, p:kind()
    local how = binary[mark]
    if not how or how[1] < least then return left end
    p:next()
    local right
    if (mark == "&&" and left.value == 0) or (mark == "||" and left.value ~= 0) then
      -- What C does not evaluate may be anything that parses: 0 && 1/0 is fine.
      right = p:quietly(climb, how[1] + 1)
    else
      right = climb(p, how[1] + 1)
    end
    left = apply(p, at, mark, left, right)
  end
end

function expression(p)
  local condition = climb(p, 1)
  if not p:accept("?") then return condition end
  local chosen = condition.value ~= 0
  local yes = chosen and p:deeper(expression) or p:quietly(expression)
  p:expect(":", "between the two values of ?:")
  local no = chosen and p:quietly(expression) or p:deeper(expression)
  local kind = rank[yes.kind] > rank[no.kind] and yes.kind or no.kind
  return fit(chosen and yes.value or no.value, kind)
end

-- Reads an expression at the parser's place: a value and its kind.
function constants.read(p)
  local v = p:deeper(expression)
  return v.value, v.kind
end

return constants
