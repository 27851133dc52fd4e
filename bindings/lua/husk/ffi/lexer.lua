-- husk.ffi.lexer: C source to tokens. It knows comments, line markers of a preprocessor and the places of faults, and no
-- grammar: that is declarations.lua.

local lexer = {}

-- A source is {text, kinds, words, at, values}: arrays by the token's number, `at` the byte where it begins. kinds are
-- "name", "integer" (its value in values), "float", "text" (a string, its bytes in values), "end", or the
-- punctuation itself.

local three = {["..."] = true, ["<<="] = true, [">>="] = true}
local two = {}
for mark in ("-> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^= ##"):gmatch("%S+") do two[mark] = true end

local escapes = {n = 10, t = 9, r = 13, a = 7, b = 8, f = 12, v = 11, e = 27, ["\\"] = 92, ["'"] = 39, ['"'] = 34, ["?"] = 63}

-- ---- places ----

-- The line and column of a byte, its line's text, and the file and line that the last line marker before it says.
local function place(text, at)
  local line, from, file, shown = 1, 1, nil, nil
  for finish in text:gmatch("()\n") do
    if finish >= at then break end
    local marked, name = text:sub(from, finish - 1):match('^%s*#%s*l?i?n?e?%s*(%d+)%s*"([^"]*)"')
    line, from = line + 1, finish + 1
    if marked then file, shown = name, math.tointeger(tonumber(marked)) elseif shown then shown = shown + 1 end
  end
  local whole = text:match("^[^\n]*", from)
  return line, at - from + 1, whole, file, shown
end

-- Raises what is wrong at a byte of the text: a table with the whole message, known by lexer.fault. Long lines are cut round
-- the place.
function lexer.fail(text, at, format, ...)
  local line, column, whole, file, shown = place(text, at)
  local where = file and ("%s:%d:%d"):format(file, shown, column) or ("line %d, column %d"):format(line, column)
  local first = column > 60 and column - 50 or 1
  local cut = whole:sub(first, first + 99):gsub("[%c\127-\255]", function(c) return c == "\t" and " " or "?" end)
  local message = ("%s: %s\n  %s\n  %s^"):format(where, format:format(...), cut, (" "):rep(column - first))
  error(setmetatable({message = message, line = line, column = column}, lexer.fault), 0)
end

lexer.fault = {__tostring = function(self) return self.message end}

-- ---- literals ----

-- One character of a literal from a byte on: its value and the byte behind it.
local function character(text, at)
  local c = text:byte(at)
  if c ~= 92 then return c, at + 1 end
  local after = text:sub(at + 1, at + 1)
  if after == "x" then
    local digits = text:match("^%x+", at + 2)
    if not digits then lexer.fail(text, at, "\\x without digits") end
    return tonumber(digits:sub(-2), 16), at + 2 + #digits
  end
  local octal = text:match("^[0-7][0-7]?[0-7]?", at + 1)
  if octal then return tonumber(octal, 8) & 255, at + 1 + #octal end
  if not escapes[after] then lexer.fail(text, at, "unknown escape '\\%s'", after) end
  return escapes[after], at + 2
end

-- 'a' as C has it: a char that became an int.
local function char_value(text, at)
  local value, behind = character(text, at + 1)
  if not value or text:byte(at + 1) == 10 then lexer.fail(text, at, "a character constant without an end") end
  if text:byte(behind) ~= 39 then lexer.fail(text, at, "a character constant is one character") end
  if value > 127 then value = value - 256 end
  return value, behind + 1
end

local function string_value(text, at)
  local bytes, from = {}, at + 1
  while true do
    local c = text:byte(from)
    if not c or c == 10 then lexer.fail(text, at, "a string without an end") end
    if c == 34 then return table.concat(bytes), from + 1 end
    c, from = character(text, from)
    bytes[#bytes + 1] = string.char(c)
  end
end

-- An integer constant: {value = bits, kind = "i32"|"u32"|"i64"|"u64"}, or nil if it is a floating one.
local function integer_value(text, at, word)
  local digits, suffix = word:match("^(0[xX]%x+)([uUlL]*)$")
  local base = 16
  if not digits then
    digits, suffix = word:match("^0[bB]([01]+)([uUlL]*)$")
    base = 2
  end
  if not digits then
    digits, suffix = word:match("^(%d+)([uUlL]*)$")
    base = digits and digits:match("^0%d") and 8 or 10
  end
  if not digits then
    if word:find("^0[xX]") and not word:find("[pP.]") or not word:find("^[%d.]") then
      lexer.fail(text, at, "'%s' is no number", word)
    end
    return nil
  end
  local low = suffix:lower()
  if #low > 3 or not (("|u|l|ul|lu|ll|ull|llu||"):find("|" .. low .. "|", 1, true)) then
    lexer.fail(text, at, "'%s' is no number: suffix '%s'", word, suffix)
  end
  if base == 16 then digits = digits:sub(3) end
  -- The largest value that may get one more digit, unsigned.
  local value, limit = 0, base == 10 and 0x1999999999999999 or -1 >> (base == 16 and 4 or base == 8 and 3 or 1)
  for digit in digits:gmatch(".") do
    local d = tonumber(digit, base)
    if not d then lexer.fail(text, at, "'%s' is no number", word) end
    if math.ult(limit, value) or (base == 10 and value == limit and d > 5) then
      lexer.fail(text, at, "'%s' is too large for any integer", word)
    end
    value = value * base + d
  end
  local unsigned, long = low:find("u") ~= nil, low:find("l") ~= nil
  local kind
  if not long and value >= 0 and value <= 0x7fffffff and not unsigned then
    kind = "i32"
  elseif not long and value >= 0 and value <= 0xffffffff and (unsigned or base ~= 10) then
    kind = "u32"
  elseif value >= 0 and not unsigned then
    kind = "i64"
  else
    kind = "u64"
  end
  return {value = value, kind = kind}
end

-- ---- tokens ----

-- Reads a text whole. Raises a lexer.fault.
function lexer.read(text)
  local kinds, words, places, values = {}, {}, {}, {}
  local count, at, fresh = 0, 1, true -- fresh: nothing but blanks before on this line
  local function add(kind, word, from, value)
    count = count + 1
    kinds[count], words[count], places[count], values[count] = kind, word, from, value or false
  end
  while true do
    local blank = text:match("^[ \t\r\f\v]+", at)
    if blank then at = at + #blank end
    local c = text:sub(at, at)
    if c == "" then break end
    if c == "\n" then
      at, fresh = at + 1, true
    elseif c == "\\" and text:find("^\r?\n", at + 1) then
      at = text:find("\n", at, true) + 1
    elseif c == "/" and text:sub(at + 1, at + 1) == "*" then
      local _, finish = text:find("*/", at + 2, true)
      if not finish then lexer.fail(text, at, "a comment without an end") end
      at = finish + 1
    elseif c == "/" and text:sub(at + 1, at + 1) == "/" then
      at = text:find("\n", at, true) or #text + 1
    elseif c == "#" and fresh then
      local rest = text:match("^#[ \t]*([^\n]*)", at)
      if not (rest:find("^%d") or rest:find("^line%s") or rest:find("^pragma") or rest:find("^ident") or rest == "") then
        lexer.fail(text, at, "a preprocessor directive: run the header through the preprocessor first (cc -E)")
      end
      at = text:find("\n", at, true) or #text + 1
    else
      fresh = false
      local word = text:match("^[%a_$\128-\255][%w_$\128-\255]*", at)
      if word then
        local after = text:sub(at + #word, at + #word)
        if (after == '"' or after == "'") and (word == "L" or word == "u8" or word == "u" or word == "U") then
          lexer.fail(text, at, "wide literals are not known")
        end
        add("name", word, at)
        at = at + #word
      elseif c:find("%d") or text:find("^%.%d", at) then
        word = text:match("^%.?%d[%w_.]*", at)
        local more = text:match("^[eEpP]([+-])", at + #word - 1)
        if more and not word:find("^0[xX].*[eE]$") then word = word .. text:match("^[+-][%w_.]*", at + #word) end
        local value = integer_value(text, at, word)
        add(value and "integer" or "float", word, at, value)
        at = at + #word
      elseif c == "'" then
        local value, behind = char_value(text, at)
        add("integer", text:sub(at, behind - 1), at, {value = value, kind = "i32"})
        at = behind
      elseif c == '"' then
        local value, behind = string_value(text, at)
        add("text", text:sub(at, behind - 1), at, value)
        at = behind
      else
        local mark = text:sub(at, at + 2)
        if not three[mark] then
          mark = mark:sub(1, 2)
          if not two[mark] then mark = c end
        end
        if not mark:find("^[%p]") or mark:find("^[`@\\]") then
          lexer.fail(text, at, "a character that C does not know: '%s'", c:find("%c") and ("\\%d"):format(c:byte()) or c)
        end
        add(mark, mark, at)
        at = at + #mark
      end
    end
  end
  add("end", "the end", #text + 1)
  return {text = text, kinds = kinds, words = words, at = places, values = values}
end

return lexer
