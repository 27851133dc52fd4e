-- husk.json: JSON, for what commands print, and for what they read of their own. Integers stay whole; a byte that is no UTF-8
-- becomes the four characters \xNN, as in the library's own exports.

local json = {}

local short = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

local function escape(char) return short[char] or ("\\u%04x"):format(char:byte()) end

-- The text with every byte that belongs to no UTF-8 character spelled out.
local function valid(text)
  if utf8.len(text) then return text end
  local parts, at = {}, 1
  while at <= #text do
    local ok, wrong = utf8.len(text, at)
    if ok then
      parts[#parts + 1] = text:sub(at)
      break
    end
    parts[#parts + 1] = text:sub(at, wrong - 1) .. ("\\x%02x"):format(text:byte(wrong))
    at = wrong + 1
  end
  return table.concat(parts)
end

local function quoted(text) return '"' .. valid(text):gsub('[%c"\\\127]', escape) .. '"' end

-- A list says so by json.list, so that an empty one is one too; other tables are objects, or ordered lists of
-- {key, value} made by json.object.
local List, Object = {}, {}
function json.list(list) return setmetatable(list, List) end
function json.object(pairs_in_order) return setmetatable(pairs_in_order, Object) end

local encode

local function encode_object(value, indent)
  local inner, lines = indent .. "  ", {}
  for i, pair in ipairs(value) do lines[i] = inner .. quoted(pair[1]) .. ": " .. encode(pair[2], inner) end
  return #lines == 0 and "{}" or "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

local function encode_list(value, indent)
  local inner, lines = indent .. "  ", {}
  for i, item in ipairs(value) do lines[i] = inner .. encode(item, inner) end
  return #lines == 0 and "[]" or "[\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "]"
end

function encode(value, indent)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if kind == "number" then return value == value and math.abs(value) < math.huge and ("%.17g"):format(value) or "null" end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" then
    return getmetatable(value) == List and encode_list(value, indent) or encode_object(value, indent)
  end
  return "null"
end

-- A value in one line, without a newline.
function json.line(value)
  if type(value) ~= "table" then return (encode(value, "")) end
  local parts, list = {}, getmetatable(value) == List
  for i, item in ipairs(value) do
    parts[i] = list and json.line(item) or quoted(item[1]) .. ": " .. json.line(item[2])
  end
  return (list and "[%s]" or "{%s}"):format(table.concat(parts, ", "))
end

-- The document, with its newline.
function json.encode(value) return encode(value, "") .. "\n" end

-- ---- reading ----

local DEPTH = 200
local read

local function wrong(at, what) error({at = at, what = what}, 0) end

local function after_space(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local long = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

-- The text that begins behind the quote at `at`; pairs of surrogates are one character.
local function read_text(text, at)
  local parts, from = {}, at + 1
  while true do
    local to = text:find('["\\%c]', from)
    local sign = to and text:sub(to, to)
    if not to or sign ~= '"' and sign ~= "\\" and sign ~= "\127" then wrong(to or #text + 1, "a text that does not end") end
    parts[#parts + 1] = text:sub(from, to - 1)
    if sign == '"' then return table.concat(parts), to + 1 end
    from = to + 2
    local letter = text:sub(to + 1, to + 1)
    if sign == "\127" then
      parts[#parts + 1], from = sign, to + 1
    elseif letter == "u" then
      local code = tonumber(text:match("^%x%x%x%x", to + 2) or wrong(to, "no character"), 16)
      from = to + 6
      local low = code >> 10 == 0x36 and text:match("^\\u([dD][c-fC-F]%x%x)", from)
      if low then code, from = 0x10000 + ((code & 0x3FF) << 10) + (tonumber(low, 16) & 0x3FF), from + 6 end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = long[letter] or wrong(to, "no character")
    end
  end
end

-- What stands between brackets: item(at) reads one and gives the place behind it.
local function read_items(text, at, close, item)
  at = after_space(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = after_space(text, item(after_space(text, at)))
    local sign = text:sub(at, at)
    if sign == close then return at + 1 end
    if sign ~= "," then wrong(at, "'" .. close .. "' or ',' is missing") end
    at = at + 1
  end
end

local words = {["true"] = true, ["false"] = false}

function read(text, at, depth)
  if depth > DEPTH then wrong(at, "too deep") end
  local sign, result = text:sub(at, at), {}
  if sign == '"' then return read_text(text, at) end
  if sign == "[" then
    local count = 0
    return result, read_items(text, at, "]", function(from)
      local value, behind = read(text, from, depth + 1)
      count = count + 1
      result[count] = value
      return behind
    end)
  elseif sign == "{" then
    return result, read_items(text, at, "}", function(from)
      if text:sub(from, from) ~= '"' then wrong(from, "a name is missing") end
      local name, behind = read_text(text, from)
      behind = after_space(text, behind)
      if text:sub(behind, behind) ~= ":" then wrong(behind, "':' is missing") end
      result[name], behind = read(text, after_space(text, behind + 1), depth + 1)
      return behind
    end)
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if number and tonumber(number) and not number:find("^-?0%d") then return tonumber(number), at + #number end
  local word = text:match("^%l+", at)
  if words[word] == nil and word ~= "null" then wrong(at, "no value") end
  return words[word], at + #word
end

-- What a document says: tables, lists from 1; null is nil. Or nil and what is wrong, with the place.
function json.decode(text)
  local ok, value, at = pcall(read, text, after_space(text, 1), 0)
  if not ok then
    if type(value) ~= "table" then error(value, 0) end
    return nil, ("byte %d: %s"):format(value.at, value.what)
  end
  at = after_space(text, at)
  if at <= #text then return nil, ("byte %d: more than one value"):format(at) end
  return value
end

return json
