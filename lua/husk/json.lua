-- husk.json: writing JSON, for what commands print. Integers stay whole; a byte that is no UTF-8 becomes the four
-- characters \xNN, as in the library's own exports. Reading is not needed here.

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

return json
